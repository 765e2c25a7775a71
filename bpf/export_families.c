// SPDX-License-Identifier: GPL-2.0-only
/*
 * What export tells of a snapshot. Who a VM is stands in one series, kvmeter_vm_info; all others
 * have its id only. No label has values that a guest chooses, so for each VM there are as many
 * series at most as there are states, exit reasons and kinds of thieves.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "openmetrics.h"
#include "steal.h"

#define STR(x) #x
#define XSTR(x) STR(x)
#define STATES KVMETER_STATE_NR

/* What is exported: the first VMs of a snapshot, and the vCPUs of each summed. */
struct source {
	const struct kvmeter_snap *snap;
	struct kvmeter_sum *sums;
	unsigned int nr_vms;
	const struct kvmeter_export_self *self;
};

static const char *id_of(const struct source *e, unsigned int vm)
{
	return e->snap->vms[vm].v.id;
}

static void add_module(struct kvmeter_om *om, const struct source *e)
{
	const struct kvmeter_host *host = &e->snap->host;
	const struct kvmeter_om_label labels[] = {
		{ "abi", XSTR(KVMETER_ABI) },
		{ "vendor", kvmeter_reasons_vendor(host->vendor) },
		{ "reason_source", kvmeter_reasons_source(host->reason_source) },
		{},
	};
	const struct kvmeter_feature *feature;

	kvmeter_om_family(om, "kvmeter_module", KVMETER_OM_INFO, NULL,
			  "The module: its ABI, and where exit reasons come from");
	kvmeter_om_add_u64(om, labels, 1);
	kvmeter_om_family(om, "kvmeter_feature", KVMETER_OM_GAUGE, NULL,
			  "Is that part of the module on? 1: it is");
	for (feature = kvmeter_reasons_features; feature->name; feature++) {
		const struct kvmeter_om_label name[] = { { "feature", feature->name }, {} };

		kvmeter_om_add_u64(om, name, !!(host->features & feature->bit));
	}
}

static void add_number(struct kvmeter_om *om, const char *name, enum kvmeter_om_type type,
		       const char *help, __u64 value)
{
	kvmeter_om_family(om, name, type, NULL, help);
	kvmeter_om_add_u64(om, NULL, value);
}

static void add_host(struct kvmeter_om *om, const struct source *e)
{
	const struct kvmeter_host *host = &e->snap->host;

	add_number(om, "kvmeter_vms", KVMETER_OM_GAUGE, "VMs that are tracked", e->snap->nr_vms);
	add_number(om, "kvmeter_vcpus", KVMETER_OM_GAUGE, "vCPUs that are tracked",
		   e->snap->nr_vcpus);
	add_number(om, "kvmeter_max_vms", KVMETER_OM_GAUGE, "VMs that there is room for",
		   host->max_vms);
	add_number(om, "kvmeter_max_vcpus", KVMETER_OM_GAUGE, "vCPUs that there is room for",
		   host->max_vcpus);
	add_number(om, "kvmeter_vms_seen", KVMETER_OM_COUNTER, "VMs tracked since load",
		   host->vms_seen);
	add_number(om, "kvmeter_vcpus_seen", KVMETER_OM_COUNTER, "vCPUs tracked since load",
		   host->vcpus_seen);
	add_number(om, "kvmeter_untracked_vms", KVMETER_OM_COUNTER,
		   "Times a VM found no room; one counts each time it tries", host->untracked_vms);
	add_number(om, "kvmeter_untracked_vcpus", KVMETER_OM_COUNTER,
		   "Times a vCPU found no room; one counts each time it moves to a CPU",
		   host->untracked_vcpus);
	add_number(om, "kvmeter_untracked_exits", KVMETER_OM_COUNTER, "Exits of vCPUs without room",
		   host->untracked_exits);
}

static void add_names(struct kvmeter_om *om, const struct source *e)
{
	const struct kvmeter_snap_vm *vm;
	char pid[16];

	kvmeter_om_family(om, "kvmeter_vm", KVMETER_OM_INFO, NULL,
			  "Who a VM is: its name, and the pid of its VMM");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		const struct kvmeter_om_label labels[] = {
			{ "vm", vm->v.id },
			{ "name", vm->name },
			{ "pid", pid },
			{},
		};

		snprintf(pid, sizeof(pid), "%u", vm->v.pid);
		kvmeter_om_add_u64(om, labels, 1);
	}
}

static void add_states_of(struct kvmeter_om *om, const char *vm, const char *vcpu,
			  const struct kvmeter_vcpu *v)
{
	unsigned int state;

	for (state = 0; state < STATES; state++) {
		const struct kvmeter_om_label labels[] = {
			{ "vm", vm },
			{ "vcpu", vcpu },
			{ "state", kvmeter_reasons_state(state) },
			{},
		};

		kvmeter_om_add_ns(om, labels, kvmeter_ledger_get_state(v, state));
	}
}

static void add_states(struct kvmeter_om *om, const struct source *e)
{
	unsigned int vm;

	kvmeter_om_family(om, "kvmeter_vm_time_seconds", KVMETER_OM_COUNTER, "seconds",
			  "Time of all its vCPUs by state; the states add up to all of it");
	for (vm = 0; vm < e->nr_vms; vm++)
		add_states_of(om, id_of(e, vm), NULL, &e->sums[vm].v);
}

static void add_vcpu_states(struct kvmeter_om *om, const struct source *e)
{
	const struct kvmeter_snap_vm *vm;
	unsigned int i;
	char id[16];

	kvmeter_om_family(om, "kvmeter_vcpu_time_seconds", KVMETER_OM_COUNTER, "seconds",
			  "Time of a vCPU by state");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		for (i = vm->first_vcpu; i < vm->first_vcpu + vm->nr_vcpus; i++) {
			snprintf(id, sizeof(id), "%u", e->snap->vcpus[i].v.vcpu_id);
			add_states_of(om, vm->v.id, id, &e->snap->vcpus[i].v);
		}
	}
}

static void add_mapped(struct kvmeter_om *om, const struct source *e)
{
	static const struct {
		const char *size;
		unsigned int shift;
	} sizes[] = { { "4k", 12 }, { "2m", 21 }, { "1g", 30 } };
	unsigned int vm, i;

	kvmeter_om_family(om, "kvmeter_vm_mapped_bytes", KVMETER_OM_GAUGE, "bytes",
			  "Memory that KVM has mapped for the guest, by size of page");
	for (vm = 0; vm < e->nr_vms; vm++) {
		const struct kvmeter_vm *v = &e->snap->vms[vm].v;
		const __u64 pages[] = { v->pages_4k, v->pages_2m, v->pages_1g };

		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			const struct kvmeter_om_label labels[] = {
				{ "vm", v->id },
				{ "size", sizes[i].size },
				{},
			};

			kvmeter_om_add_u64(om, labels, pages[i] << sizes[i].shift);
		}
	}
}

/* Without the level, which has a label of its own. */
static const char *get_reason(const struct kvmeter_sum_row *row, char *buf, size_t size)
{
	if (row->name)
		return row->name;
	snprintf(buf, size, "0x%x", row->e.reason);
	return buf;
}

/* One of the families that have a sample for each reason of each VM. */
static void add_exits_by(struct kvmeter_om *om, const struct source *e, const char *part,
			 void (*add)(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
				     const struct kvmeter_exit *exits))
{
	char name[KVMETER_REASON_MAX];
	const struct kvmeter_sum *sum;
	unsigned int row;

	for (sum = e->sums; sum < e->sums + e->nr_vms; sum++) {
		for (row = 0; row < sum->nr_rows; row++) {
			const struct kvmeter_sum_row *r = &sum->rows[row];
			const struct kvmeter_om_label labels[] = {
				{ "vm", id_of(e, sum - e->sums) },
				{ "reason", get_reason(r, name, sizeof(name)) },
				{ "class", r->class },
				{ "level", r->e.level == 2 ? "2" : "1" },
				{ "part", part },
				{},
			};

			if (r->e.count)
				add(om, labels, &r->e);
		}
	}
}

static void add_count(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
		      const struct kvmeter_exit *e)
{
	kvmeter_om_add_u64(om, labels, e->count);
}

static void add_user_exits(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
			   const struct kvmeter_exit *e)
{
	kvmeter_om_add_u64(om, labels, e->user_exits);
}

static void add_kernel(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
		       const struct kvmeter_exit *e)
{
	kvmeter_om_add_ns(om, labels, e->kernel_ns);
}

static void add_vmm(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
		    const struct kvmeter_exit *e)
{
	kvmeter_om_add_ns(om, labels, e->vmm_ns);
}

static void add_halt(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
		     const struct kvmeter_exit *e)
{
	kvmeter_om_add_ns(om, labels, e->halt_ns);
}

static void add_steal(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
		      const struct kvmeter_exit *e)
{
	kvmeter_om_add_ns(om, labels, e->steal_ns);
}

static void add_exits(struct kvmeter_om *om, const struct source *e)
{
	kvmeter_om_family(om, "kvmeter_vm_exits", KVMETER_OM_COUNTER, NULL,
			  "Exits; level 2: of a nested guest");
	add_exits_by(om, e, NULL, add_count);
	kvmeter_om_family(om, "kvmeter_vm_exits_to_vmm", KVMETER_OM_COUNTER, NULL,
			  "Exits that went on to the VMM");
	add_exits_by(om, e, NULL, add_user_exits);
	kvmeter_om_family(om, "kvmeter_vm_exit_seconds", KVMETER_OM_COUNTER, "seconds",
			  "Time from an exit to the next entry, by where it went");
	add_exits_by(om, e, "kernel", add_kernel);
	add_exits_by(om, e, "vmm", add_vmm);
	add_exits_by(om, e, "halt", add_halt);
	add_exits_by(om, e, "steal", add_steal);
}

/* By class: for each reason there would be too many. */
static void add_exit_hists(struct kvmeter_om *om, const struct source *e)
{
	const struct kvmeter_snap_vm *vm;
	struct kvmeter_sum sum;
	unsigned int row;

	kvmeter_om_family(om, "kvmeter_vm_exit_handling_seconds", KVMETER_OM_HISTOGRAM, "seconds",
			  "Time it took to handle an exit, net of steal");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		kvmeter_sum_vcpus(&sum, e->snap, vm->first_vcpu, vm->nr_vcpus, true);
		for (row = 0; row < sum.nr_rows; row++) {
			const struct kvmeter_exit *exits = &sum.rows[row].e;
			const struct kvmeter_om_label labels[] = {
				{ "vm", vm->v.id },
				{ "class", sum.rows[row].class },
				{ "level", exits->level == 2 ? "2" : "1" },
				{},
			};

			if (exits->count)
				kvmeter_om_add_hist(om, labels, &exits->hist,
						    exits->kernel_ns + exits->vmm_ns +
							    exits->halt_ns);
		}
		kvmeter_sum_put(&sum);
	}
}

static void add_waits(struct kvmeter_om *om, const struct source *e)
{
	unsigned int vm;

	kvmeter_om_family(om, "kvmeter_vm_steal_wait_seconds", KVMETER_OM_HISTOGRAM, "seconds",
			  "Waits for a CPU; the sum has those in progress as well");
	for (vm = 0; vm < e->nr_vms; vm++) {
		const struct kvmeter_om_label labels[] = { { "vm", id_of(e, vm) }, {} };

		kvmeter_om_add_hist(om, labels, &e->sums[vm].v.steal_hist, e->sums[vm].v.steal_ns);
	}
	kvmeter_om_family(om, "kvmeter_vm_wakeup_latency_seconds", KVMETER_OM_HISTOGRAM, "seconds",
			  "Times from a wake-up to running");
	for (vm = 0; vm < e->nr_vms; vm++) {
		const struct kvmeter_om_label labels[] = { { "vm", id_of(e, vm) }, {} };

		kvmeter_om_add_hist(om, labels, &e->sums[vm].v.wakeup_lat_hist,
				    e->sums[vm].v.wakeup_lat_ns);
	}
}

static void add_thief(struct kvmeter_om *om, const char *vm, const char *kind, const char *after,
		      __u64 ns)
{
	const struct kvmeter_om_label labels[] = {
		{ "vm", vm },
		{ "thief", kind },
		{ "after", after },
		{},
	};

	kvmeter_om_add_ns(om, labels, ns);
}

/* By kind: names of processes and VMs would be a series for each pair. */
static void add_thieves(struct kvmeter_om *om, const struct source *e)
{
	struct kvmeter_thief kinds[KVMETER_THIEF_NR];
	const struct kvmeter_snap_vm *vm;
	struct kvmeter_thief_sum *list;
	unsigned int kind, nr;

	kvmeter_om_family(om, "kvmeter_vm_steal_by_seconds", KVMETER_OM_COUNTER, "seconds",
			  "Steal by who ran meanwhile, in waits that have ended");
	if (!(e->snap->host.features & KVMETER_FEATURE_THIEF))
		return;
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		list = kvmeter_thieves_sum(e->snap, vm->first_vcpu, vm->nr_vcpus, true, &nr);
		kvmeter_thieves_sum_kinds(list, nr, kinds);
		free(list);
		for (kind = 0; kind < KVMETER_THIEF_NR; kind++) {
			const char *word = kvmeter_reasons_thief_kind(kind);

			add_thief(om, vm->v.id, word, "preemption", kinds[kind].preempt_ns);
			add_thief(om, vm->v.id, word, "wakeup", kinds[kind].wakeup_ns);
		}
	}
	kvmeter_om_family(om, "kvmeter_vm_steal_unexplained_seconds", KVMETER_OM_COUNTER, "seconds",
			  "Steal that nobody is to blame for, in waits that have ended");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		const struct kvmeter_om_label labels[] = { { "vm", vm->v.id }, {} };

		kvmeter_om_add_ns(om, labels, e->sums[vm - e->snap->vms].unexplained_ns);
	}
}

static void add_state(struct kvmeter_om *om, const char *vm, const char *word, bool is)
{
	const struct kvmeter_om_label labels[] = { { "vm", vm }, { "state", word }, {} };

	kvmeter_om_add_u64(om, labels, is);
}

static void add_dirty(struct kvmeter_om *om, const struct source *e)
{
	const struct kvmeter_snap_vm *vm;
	unsigned int state;

	kvmeter_om_family(om, "kvmeter_vm_log_state", KVMETER_OM_GAUGE, NULL,
			  "Is its memory logged, and how? 1: in this state");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		for (state = 0; state <= KVMETER_LOG_DRIVEN; state++)
			add_state(om, vm->v.id, kvmeter_reasons_log_state(state),
				  vm->v.log_state == state);
	}
	kvmeter_om_family(om, "kvmeter_vm_migration_state", KVMETER_OM_GAUGE, NULL,
			  "Is it being migrated? 1: in this state");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		for (state = 0; state <= KVMETER_MIGRATION_ENDED; state++)
			add_state(om, vm->v.id, kvmeter_reasons_migration_state(state),
				  vm->m.state == state);
	}
	kvmeter_om_family(om, "kvmeter_vm_dirtied_bytes", KVMETER_OM_COUNTER, "bytes",
			  "Memory found dirty, by vCPUs and by KVM; grows while it is logged");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		const struct kvmeter_om_label labels[] = { { "vm", vm->v.id }, {} };

		kvmeter_om_add_u64(om, labels, vm->found_pages * KVMETER_PAGE_BYTES);
	}
}

/* D(t) of those that have a session, t as far as it is known. */
static void add_curves(struct kvmeter_om *om, const struct source *e)
{
	static const unsigned int ms[KVMETER_CURVE_NR] = KVMETER_CURVE_MS;
	const struct kvmeter_snap_vm *vm;
	unsigned int t;
	char within[16];

	kvmeter_om_family(om, "kvmeter_vm_dirty_within_bytes", KVMETER_OM_GAUGE, "bytes",
			  "Distinct pages dirtied within the t seconds that have just passed");
	for (vm = e->snap->vms; vm < e->snap->vms + e->nr_vms; vm++) {
		if (!vm->d.gen || vm->d.session == KVMETER_SESSION_NONE)
			continue;
		for (t = 0; t < KVMETER_CURVE_NR; t++) {
			const struct kvmeter_om_label labels[] = {
				{ "vm", vm->v.id },
				{ "t", within },
				{},
			};

			snprintf(within, sizeof(within), "%g", ms[t] / 1000.0);
			if (vm->d.curve[t] != KVMETER_CURVE_NONE)
				kvmeter_om_add_u64(om, labels, vm->d.curve[t] * KVMETER_PAGE_BYTES);
		}
	}
}

static void add_self(struct kvmeter_om *om, const struct source *e)
{
	add_number(om, "kvmeter_export_scrapes", KVMETER_OM_COUNTER, "Times this was asked for",
		   e->self->scrapes);
	add_number(om, "kvmeter_export_left_out_vms", KVMETER_OM_GAUGE,
		   "VMs without series of their own, as there are more than --max-vms",
		   e->snap->nr_vms - e->nr_vms);
	kvmeter_om_family(om, "kvmeter_export_snapshot_seconds", KVMETER_OM_GAUGE, "seconds",
			  "Time it took to copy what all this is from");
	kvmeter_om_add_double(om, NULL, e->self->snapshot_s);
	kvmeter_export_add_process(om);
	add_number(om, "kvmeter_export_series", KVMETER_OM_GAUGE, "Series before this one",
		   om->series);
}

static void sum_up(struct source *e)
{
	unsigned int vm;

	e->sums = calloc(e->nr_vms + 1, sizeof(*e->sums));
	if (!e->sums)
		err(1, "no memory");
	for (vm = 0; vm < e->nr_vms; vm++)
		kvmeter_sum_vcpus(&e->sums[vm], e->snap, e->snap->vms[vm].first_vcpu,
				  e->snap->vms[vm].nr_vcpus, false);
}

static void put_sums(struct source *e)
{
	unsigned int vm;

	for (vm = 0; vm < e->nr_vms; vm++)
		kvmeter_sum_put(&e->sums[vm]);
	free(e->sums);
}

/*
 * A process whose VMs KVM could not name has several of one id, and one may have been destroyed and
 * another taken its id while they were copied. A series that is there twice spoils the whole text.
 */
static void tell_apart(struct kvmeter_snap *snap)
{
	struct kvmeter_snap_vm *vm, *other;
	size_t len;

	for (vm = snap->vms; vm < snap->vms + snap->nr_vms; vm++) {
		for (other = snap->vms; other < vm; other++) {
			if (other->v.pid != vm->v.pid || strcmp(other->v.id, vm->v.id))
				continue;
			len = strnlen(vm->v.id, sizeof(vm->v.id) - 12);
			snprintf(vm->v.id + len, sizeof(vm->v.id) - len, ".%u", vm->slot);
			break;
		}
	}
}

/**
 * kvmeter_export_write - write all metrics of a snapshot
 * @out: where to
 * @openmetrics: in OpenMetrics 1.0; otherwise in Prometheus' text format 0.0.4
 * @snap: counts since each VM was first seen, with rows and thieves; of VMs with the same id all
 *	  but the first get another one
 * @self: what is told of the exporter
 */
void kvmeter_export_write(FILE *out, bool openmetrics, struct kvmeter_snap *snap,
			  const struct kvmeter_export_self *self)
{
	struct source e = { .snap = snap, .self = self };
	struct kvmeter_om om;

	e.nr_vms = snap->nr_vms < self->max_vms ? snap->nr_vms : self->max_vms;
	tell_apart(snap);
	sum_up(&e);
	kvmeter_om_begin(&om, out, openmetrics);
	add_module(&om, &e);
	add_host(&om, &e);
	add_names(&om, &e);
	add_states(&om, &e);
	if (self->by_vcpu)
		add_vcpu_states(&om, &e);
	add_exits(&om, &e);
	add_exit_hists(&om, &e);
	add_waits(&om, &e);
	add_thieves(&om, &e);
	add_mapped(&om, &e);
	add_dirty(&om, &e);
	add_curves(&om, &e);
	kvmeter_export_add_fields(&om, snap, e.sums, e.nr_vms);
	add_self(&om, &e);
	kvmeter_om_end(&om);
	put_sums(&e);
}
