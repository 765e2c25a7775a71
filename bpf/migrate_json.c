// SPDX-License-Identifier: GPL-2.0-only
/* Shows migrations as JSON, with the names of the contract. */
#include <math.h>

#include "migrate.h"

#define NS_PER_S 1e9

/* Of a round in progress there is no time yet, nor what follows from it. */
static struct json_object *new_round(unsigned int n, const struct kvmeter_round *round)
{
	struct json_object *obj = json_object_new_object();
	bool over = round->duration_ns;

	kvmeter_json_add_u64(obj, "round", n);
	kvmeter_json_add_u64(obj, "begin_ns", round->begin_ns);
	kvmeter_json_add_u64(obj, "to_send_pages", round->to_send_pages);
	kvmeter_json_add_known(obj, "duration_ns", over, round->duration_ns);
	kvmeter_json_add_known(obj, "bandwidth_pages", over, round->bandwidth_pages);
	kvmeter_json_add_known(obj, "dirtied_pages", over, round->dirtied_pages);
	kvmeter_json_add_u64(obj, "quota_pages", round->quota_pages);
	kvmeter_json_add_u64(obj, "throttle_ns", round->throttle_ns);
	return obj;
}

static struct json_object *new_rounds(const struct kvmeter_migration *m)
{
	struct json_object *rounds = json_object_new_array();
	unsigned int first = kvmeter_migrate_first_round(m), n;

	for (n = first; n <= m->nr_rounds && n >= first; n++)
		json_object_array_add(rounds, new_round(n, kvmeter_migrate_round(m, n)));
	return rounds;
}

/* NULL where nothing can be told. */
static struct json_object *new_forecast(const struct kvmeter_snap *snap,
					const struct kvmeter_snap_vm *vm, __u64 quota_pages)
{
	const struct kvmeter_forecast *f;
	struct kvmeter_outlook outlook;
	struct json_object *obj;

	if (!kvmeter_migrate_forecast(vm, snap->now_ns, quota_pages, &outlook))
		return NULL;
	f = &outlook.f;
	obj = json_object_new_object();
	json_object_object_add(obj, "converges", json_object_new_boolean(f->converges));
	json_object_object_add(obj, "extrapolated", json_object_new_boolean(f->extrapolated));
	kvmeter_json_add_known(obj, "rounds", f->converges, f->rounds);
	kvmeter_json_add_floor(obj, "bytes", f->converges, outlook.left_bytes);
	kvmeter_json_add_floor(obj, "time_ns", f->converges, outlook.left_s * NS_PER_S);
	kvmeter_json_add_floor(obj, "downtime_ns", f->converges, f->downtime_s * NS_PER_S);
	kvmeter_json_add_floor(obj, "remaining_bytes", true, f->remaining_bytes);
	kvmeter_json_add_floor(obj, "bandwidth_bytes_s", true, outlook.bandwidth_bytes_s);
	kvmeter_json_add_floor(obj, "quota_bytes_s", outlook.quota_bytes_s > 0,
			       outlook.quota_bytes_s);
	return obj;
}

static struct json_object *new_migration(const struct kvmeter_snap *snap,
					 const struct kvmeter_snap_vm *vm)
{
	struct json_object *obj = json_object_new_object();
	bool running = kvmeter_migrate_is_running(vm);
	const struct kvmeter_migration *m = &vm->m;

	kvmeter_json_add_text(obj, "state", kvmeter_reasons_migration_state(m->state));
	kvmeter_json_add_u64(obj, "nr_rounds", m->nr_rounds);
	kvmeter_json_add_known(obj, "begin_ns", m->begin_ns, m->begin_ns);
	kvmeter_json_add_known(obj, "end_ns", m->end_ns, m->end_ns);
	kvmeter_json_add_u64(obj, "ram_pages", m->ram_pages);
	kvmeter_json_add_u64(obj, "sent_pages", m->sent_pages);
	kvmeter_autoconverge_add(obj, vm);
	kvmeter_json_add_u64(obj, "decided_ns", m->decided_ns);
	kvmeter_json_add_known(obj, "bandwidth_pages", m->bandwidth_pages, m->bandwidth_pages);
	kvmeter_json_add_known(obj, "dirty_rate_pages", m->dirty_rate_pages, m->dirty_rate_pages);
	json_object_object_add(obj, "rounds", new_rounds(m));
	json_object_object_add(obj, "live",
			       running ? kvmeter_dirty_new_live(vm, snap->now_ns) : NULL);
	json_object_object_add(obj, "forecast", new_forecast(snap, vm, vm->v.quota_pages));
	json_object_object_add(obj, "forecast_would",
			       m->would_pages ? new_forecast(snap, vm, m->would_pages) : NULL);
	return obj;
}

static void add_vcpu(struct json_object *obj, const struct kvmeter_snap_vm *vm,
		     const struct kvmeter_snap_vcpu *vcpu)
{
	kvmeter_json_add_known(obj, "this_round_pages", kvmeter_migrate_is_running(vm),
			       kvmeter_migrate_vcpu_pages(vcpu));
	kvmeter_json_add_known(obj, "last_round_pages", vm->m.nr_rounds > 1, vcpu->v.round_pages);
	kvmeter_json_add_known(obj, "share_pages", vm->v.quota_pages, vcpu->v.share_pages);
	kvmeter_json_add_u64(obj, "throttle_ns", vcpu->v.throttle_ns);
	kvmeter_json_add_u64(obj, "throttle_nr", vcpu->v.throttle_nr);
	kvmeter_json_add_double(obj, "throttle_pct",
				kvmeter_stats_pct(vcpu->v.throttle_ns, vcpu->elapsed_ns));
}

static struct json_object *new_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	struct json_object *obj = kvmeter_json_new_vm(vm);

	json_object_object_add(obj, "migration", new_migration(snap, vm));
	json_object_object_add(obj, "vcpus", kvmeter_json_new_vcpus(snap, vm, add_vcpu));
	return obj;
}

static bool is_wanted(const struct kvmeter_report *report, unsigned int vm)
{
	if (report->vm >= 0)
		return report->vm == (int)vm;
	return kvmeter_migrate_is_running(&report->snap->vms[vm]);
}

/**
 * kvmeter_migrate_print_json - print a report as a JSON document
 * @report: the report; without a VM it is of those that are being migrated
 */
void kvmeter_migrate_print_json(const struct kvmeter_report *report)
{
	kvmeter_json_print_vms(report, KVMETER_DOCUMENT_MIGRATE, is_wanted, new_vm);
}
