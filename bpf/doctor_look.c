// SPDX-License-Identifier: GPL-2.0-only
/* Gathers what the rules of doctor need to know of each VM, from what happened in an interval. */
#include <err.h>
#include <stdlib.h>

#include "doctor.h"

#define NS_PER_S 1e9

static bool is_contention(__u32 kind)
{
	return kind != KVMETER_THIEF_LIMIT && kind != KVMETER_THIEF_IDLE;
}

static void look_at_steal(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap)
{
	const struct kvmeter_thief *t;
	unsigned int i;
	__u64 ns;

	vm->thieves = kvmeter_thieves_sum(snap, vm->vm->first_vcpu, vm->vm->nr_vcpus, true,
					  &vm->nr_thieves);
	for (i = 0; i < vm->nr_thieves; i++) {
		t = &vm->thieves[i].t;
		ns = kvmeter_thieves_get_time(t);
		if (t->kind == KVMETER_THIEF_LIMIT)
			vm->limit_ns += ns;
		else if (is_contention(t->kind))
			vm->contention_ns += ns;
	}
}

static __u64 get_limit_ns(const struct kvmeter_snap *snap, const struct kvmeter_snap_vcpu *vcpu)
{
	const struct kvmeter_thief *t = snap->thieves + vcpu->first_thief;
	__u64 ns = 0;
	unsigned int i;

	for (i = 0; i < vcpu->nr_thieves; i++)
		ns += t[i].kind == KVMETER_THIEF_LIMIT ? kvmeter_thieves_get_time(&t[i]) : 0;
	return ns;
}

static void look_at_moves(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap_vcpu *vcpu)
{
	double moves_s;

	if (!vcpu->elapsed_ns)
		return;
	moves_s = vcpu->v.node_moves * NS_PER_S / vcpu->elapsed_ns;
	if (moves_s > vm->moves_s)
		vm->moves_s = moves_s;
	if (moves_s < kvmeter_rules[KVMETER_RULE_NODE_MOVES].threshold ||
	    vcpu->v.node_moves < KVMETER_DOCTOR_MOVES_MIN)
		return;
	vm->bouncing++;
	vm->bouncing_ns += vcpu->v.guest_ns;
}

static void look_at_vcpus(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap)
{
	const struct kvmeter_snap_vcpu *vcpu;
	__u64 limit_ns, most_ns = 0;
	unsigned int i;

	for (i = 0; i < vm->vm->nr_vcpus; i++) {
		vcpu = &snap->vcpus[vm->vm->first_vcpu + i];
		vm->elapsed_ns += vcpu->elapsed_ns;
		vm->guest_ns += vcpu->v.guest_ns;
		vm->throttle_ns += vcpu->v.throttle_ns;
		look_at_moves(vm, vcpu);
		limit_ns = get_limit_ns(snap, vcpu);
		if (limit_ns > most_ns) {
			most_ns = limit_ns;
			vm->limited_tid = vcpu->v.tid;
		}
	}
}

static void look_at_migration(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap)
{
	struct kvmeter_doctor_migration *m = &vm->migration;
	struct kvmeter_forecast_plan plan;

	/* One that is stopped sends the rest, or waits for its operator: there is nothing to end.
	 */
	m->running = kvmeter_migrate_is_running(vm->vm) && vm->vm->m.why != KVMETER_WHY_STOPPED;
	if (!m->running)
		return;
	m->known =
		kvmeter_migrate_forecast(vm->vm, snap->now_ns, vm->vm->v.quota_pages, &m->outlook);
	if (!m->known || m->outlook.f.converges)
		return;
	kvmeter_migrate_plan(vm->vm, snap->now_ns, vm->vm->v.quota_pages, &plan);
	m->min_bandwidth_bytes_s = kvmeter_forecast_min_bandwidth(&plan);
	m->min_downtime_s = kvmeter_forecast_min_downtime(&plan);
	m->max_quota_bytes_s = kvmeter_forecast_max_quota(&plan);
}

/**
 * kvmeter_doctor_look - gather the evidence that a report has
 * @doctor: filled; to be released with kvmeter_doctor_put(). Of the host nothing is known yet
 * @report: the report, of an interval
 */
void kvmeter_doctor_look(struct kvmeter_doctor *doctor, const struct kvmeter_report *report)
{
	const struct kvmeter_snap *snap = report->snap;
	struct kvmeter_doctor_vm *vm;
	unsigned int i;

	*doctor = (struct kvmeter_doctor){
		.snap = snap,
		.is_live = !report->args->replay,
		.idle = -1,
	};
	doctor->vms = calloc(snap->nr_vms + 1, sizeof(*doctor->vms));
	if (!doctor->vms)
		err(1, "no memory");
	for (i = 0; i < snap->nr_vms; i++) {
		vm = &doctor->vms[i];
		vm->vm = &snap->vms[i];
		vm->wanted = kvmeter_table_wants(report, i);
		look_at_steal(vm, snap);
		look_at_vcpus(vm, snap);
		kvmeter_doctor_look_at_exits(vm, snap);
		look_at_migration(vm, snap);
	}
}

/**
 * kvmeter_doctor_put - release the memory of the evidence
 * @doctor: the evidence
 */
void kvmeter_doctor_put(struct kvmeter_doctor *doctor)
{
	unsigned int i;

	for (i = 0; i < doctor->snap->nr_vms; i++)
		free(doctor->vms[i].thieves);
	free(doctor->vms);
}

/**
 * kvmeter_doctor_per_ns - how much of something there was in a nanosecond of the interval
 * @doctor: the evidence
 * @amount: how much there was in all of it; of CPU time in ns the result is a number of CPUs
 *
 * Return: the rate; 0 of an interval in which nothing can have been.
 */
double kvmeter_doctor_per_ns(const struct kvmeter_doctor *doctor, double amount)
{
	return doctor->snap->interval_ns ? amount / doctor->snap->interval_ns : 0;
}
