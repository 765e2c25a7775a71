// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metrics of VMs that are a field of the one table each: names by the rules of Prometheus, in base
 * units; type and meaning are the table's.
 */
#include <string.h>

#include "dirty.h"
#include "openmetrics.h"

/* What a field's value is, in what it is exported in. */
enum unit {
	NUMBER,
	SECONDS,   /* of ns */
	BYTES,	   /* of 4 KiB pages */
	RATE,	   /* bytes a second, of pages a second */
	ELSEWHERE, /* exported by export_families.c, together with others */
	LEFT_OUT,
};

static const char *const units[] = {
	[SECONDS] = "seconds",
	[BYTES] = "bytes",
	[RATE] = "bytes_per_second",
};

/**
 * struct exported - how a field is exported
 * @id: the record it is of
 * @field: its name
 * @unit: what its value is
 * @name: of the family
 */
struct exported {
	enum kvmeter_record_id id;
	const char *field;
	enum unit unit;
	const char *name;
};

#define VM(field, unit, name)                                      \
	{                                                          \
		KVMETER_RECORD_VM, field, unit, "kvmeter_vm_" name \
	}
#define VCPU(field, unit, name)                                      \
	{                                                            \
		KVMETER_RECORD_VCPU, field, unit, "kvmeter_vm_" name \
	}
#define DIRTY(field, unit, name)                                      \
	{                                                             \
		KVMETER_RECORD_DIRTY, field, unit, "kvmeter_vm_" name \
	}
#define MIGRATION(field, unit, name)                                                \
	{                                                                           \
		KVMETER_RECORD_MIGRATION, field, unit, "kvmeter_vm_migration_" name \
	}
#define NOT_HERE(record, field, why)                      \
	{                                                 \
		KVMETER_RECORD_##record, field, why, NULL \
	}

/* Those of vCPUs are summed over those of the VM; KVM destroys no vCPU before its VM. */
static const struct exported table[] = {
	VM("nr_vcpus", NUMBER, "vcpus"),
	VM("log_slots", NUMBER, "log_slots"),
	VM("log_pages", BYTES, "log_bytes"),
	VM("ram_pages", BYTES, "ram_bytes"),
	VM("quota_pages", RATE, "quota_bytes_per_second"),
	VM("user_quota_pages", RATE, "user_quota_bytes_per_second"),
	NOT_HERE(VM, "pages_4k", ELSEWHERE),
	NOT_HERE(VM, "pages_2m", ELSEWHERE),
	NOT_HERE(VM, "pages_1g", ELSEWHERE),
	VCPU("user_exits", NUMBER, "user_exits"),
	VCPU("run_delay_ns", SECONDS, "run_delay_seconds"),
	VCPU("steal_max_ns", SECONDS, "steal_wait_max_seconds"),
	VCPU("wakeup_lat_max_ns", SECONDS, "wakeup_latency_max_seconds"),
	VCPU("cpu_moves", NUMBER, "cpu_moves"),
	VCPU("node_moves", NUMBER, "node_moves"),
	VCPU("irq_injections", NUMBER, "irq_injections"),
	VCPU("nmi_injections", NUMBER, "nmi_injections"),
	VCPU("halt_attempted_poll", NUMBER, "halt_attempted_polls"),
	VCPU("halt_successful_poll", NUMBER, "halt_successful_polls"),
	VCPU("halt_poll_success_ns", SECONDS, "halt_poll_success_seconds"),
	VCPU("halt_poll_fail_ns", SECONDS, "halt_poll_fail_seconds"),
	VCPU("halt_wakeup", NUMBER, "halt_wakeups"),
	VCPU("pml_pages", BYTES, "pml_bytes"),
	VCPU("pml_full", NUMBER, "pml_full_exits"),
	VCPU("pml_bad", NUMBER, "pml_bad_entries"),
	VCPU("pml_dups", BYTES, "pml_dup_bytes"),
	VCPU("write_faults", NUMBER, "write_faults"),
	VCPU("l2_write_faults", NUMBER, "l2_write_faults"),
	VCPU("dirty_marks", BYTES, "vcpu_marked_bytes"),
	VCPU("throttle_nr", NUMBER, "throttles"),
	NOT_HERE(VCPU, "exits", ELSEWHERE),
	NOT_HERE(VCPU, "guest_ns", ELSEWHERE),
	NOT_HERE(VCPU, "kernel_ns", ELSEWHERE),
	NOT_HERE(VCPU, "vmm_ns", ELSEWHERE),
	NOT_HERE(VCPU, "halt_ns", ELSEWHERE),
	NOT_HERE(VCPU, "steal_ns", ELSEWHERE),
	NOT_HERE(VCPU, "throttle_ns", ELSEWHERE),
	NOT_HERE(VCPU, "steal_nr", ELSEWHERE),
	NOT_HERE(VCPU, "steal_hist", ELSEWHERE),
	NOT_HERE(VCPU, "wakeups", ELSEWHERE),
	NOT_HERE(VCPU, "wakeup_lat_ns", ELSEWHERE),
	NOT_HERE(VCPU, "wakeup_lat_hist", ELSEWHERE),
	/* it is for tests; and the sums of these are the quota, and what a round dirtied */
	NOT_HERE(VCPU, "pml_gfn_sum", LEFT_OUT),
	NOT_HERE(VCPU, "share_pages", LEFT_OUT),
	NOT_HERE(VCPU, "round_pages", LEFT_OUT),
	DIRTY("tracked_pages", BYTES, "tracked_bytes"),
	DIRTY("intervals", NUMBER, "session_intervals"),
	DIRTY("marks", BYTES, "marked_bytes"),
	DIRTY("untracked", BYTES, "untracked_bytes"),
	DIRTY("rearms", BYTES, "rearmed_bytes"),
	DIRTY("rearm_ns", SECONDS, "rearm_seconds"),
	DIRTY("kvm_writes", NUMBER, "kvm_writes"),
	DIRTY("kvm_pages", BYTES, "kvm_dirtied_bytes"),
	DIRTY("sync_nr", NUMBER, "log_reads"),
	DIRTY("sync_pages", BYTES, "log_read_bytes"),
	DIRTY("round_pages", BYTES, "round_bytes"),
	DIRTY("round_ns", SECONDS, "last_round_seconds"),
	DIRTY("sent_pages", BYTES, "last_round_bytes"),
	MIGRATION("nr_rounds", NUMBER, "rounds"),
	MIGRATION("ram_pages", BYTES, "ram_bytes"),
	MIGRATION("sent_pages", BYTES, "sent_bytes"),
	MIGRATION("bandwidth_pages", RATE, "bandwidth_bytes_per_second"),
	MIGRATION("dirty_rate_pages", RATE, "dirty_bytes_per_second"),
	MIGRATION("would_pages", RATE, "autopilot_would_bytes_per_second"),
	MIGRATION("autopilot_pages", RATE, "autopilot_bytes_per_second"),
	/* of each reason; the extremes and the histogram are of the host */
	NOT_HERE(EXIT, "count", ELSEWHERE),
	NOT_HERE(EXIT, "user_exits", ELSEWHERE),
	NOT_HERE(EXIT, "kernel_ns", ELSEWHERE),
	NOT_HERE(EXIT, "vmm_ns", ELSEWHERE),
	NOT_HERE(EXIT, "halt_ns", ELSEWHERE),
	NOT_HERE(EXIT, "steal_ns", ELSEWHERE),
	NOT_HERE(EXIT, "hist", ELSEWHERE),
	NOT_HERE(EXIT, "min_ns", LEFT_OUT),
	NOT_HERE(EXIT, "max_ns", LEFT_OUT),
	NOT_HERE(THIEF, "preempt_ns", ELSEWHERE),
	NOT_HERE(THIEF, "wakeup_ns", ELSEWHERE),
	/* ports and addresses that guests choose, and rounds, are labels without a bound */
	NOT_HERE(SUB, "count", LEFT_OUT),
	NOT_HERE(SUB, "error", LEFT_OUT),
	NOT_HERE(SUB, "kernel_ns", LEFT_OUT),
	NOT_HERE(ROUND, "duration_ns", LEFT_OUT),
	NOT_HERE(ROUND, "to_send_pages", LEFT_OUT),
	NOT_HERE(ROUND, "dirtied_pages", LEFT_OUT),
	NOT_HERE(ROUND, "bandwidth_pages", LEFT_OUT),
	NOT_HERE(ROUND, "quota_pages", LEFT_OUT),
	NOT_HERE(ROUND, "throttle_ns", LEFT_OUT),
};

#define NR(array) (sizeof(array) / sizeof(*(array)))

/**
 * kvmeter_export_has_field - has it been thought of how a field is exported?
 * @id: its record
 * @name: its name
 *
 * Return: false if it is not in the table here.
 */
bool kvmeter_export_has_field(enum kvmeter_record_id id, const char *name)
{
	unsigned int i;

	for (i = 0; i < NR(table); i++) {
		if (table[i].id == id && !strcmp(table[i].field, name))
			return true;
	}
	return false;
}

static const struct kvmeter_field *find_field(const struct exported *e)
{
	const struct kvmeter_record *record = &kvmeter_records[e->id];
	unsigned int i;

	for (i = 0; i < record->nr; i++) {
		if (!strcmp(record->fields[i].name, e->field))
			return &record->fields[i];
	}
	return NULL;
}

/* NULL if of this VM there is none. */
static const void *get_values(const struct exported *e, const struct kvmeter_snap_vm *vm,
			      const struct kvmeter_sum *sum)
{
	switch (e->id) {
	case KVMETER_RECORD_VM:
		return &vm->v;
	case KVMETER_RECORD_VCPU:
		return &sum->v;
	case KVMETER_RECORD_DIRTY:
		return vm->d.gen ? &vm->d : NULL;
	case KVMETER_RECORD_MIGRATION:
		return vm->m.gen ? &vm->m : NULL;
	default:
		return NULL;
	}
}

static void add_value(struct kvmeter_om *om, const char *id, enum unit unit, __u64 value)
{
	const struct kvmeter_om_label labels[] = { { "vm", id }, {} };

	if (unit == SECONDS)
		kvmeter_om_add_ns(om, labels, value);
	else if (unit == NUMBER)
		kvmeter_om_add_u64(om, labels, value);
	else
		kvmeter_om_add_u64(om, labels, value * KVMETER_PAGE_BYTES);
}

static void add_family(struct kvmeter_om *om, const struct exported *e,
		       const struct kvmeter_field *field, const struct kvmeter_snap *snap,
		       const struct kvmeter_sum *sums, unsigned int nr_vms)
{
	bool grows = field->type == KVMETER_FIELD_CUMULATIVE;
	const void *values;
	unsigned int i;

	kvmeter_om_family(om, e->name, grows ? KVMETER_OM_COUNTER : KVMETER_OM_GAUGE,
			  units[e->unit], field->help);
	for (i = 0; i < nr_vms; i++) {
		values = get_values(e, &snap->vms[i], &sums[i]);
		if (values)
			add_value(om, snap->vms[i].v.id, e->unit,
				  kvmeter_fields_get(values, field));
	}
}

/**
 * kvmeter_export_add_fields - add the families that are a field each
 * @om: where to
 * @snap: the counts
 * @sums: of the vCPUs of each of the first VMs there
 * @nr_vms: how many of them
 */
void kvmeter_export_add_fields(struct kvmeter_om *om, const struct kvmeter_snap *snap,
			       const struct kvmeter_sum *sums, unsigned int nr_vms)
{
	const struct kvmeter_field *field;
	unsigned int i;

	for (i = 0; i < NR(table); i++) {
		field = table[i].name ? find_field(&table[i]) : NULL;
		if (field)
			add_family(om, &table[i], field, snap, sums, nr_vms);
	}
}
