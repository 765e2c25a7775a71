// SPDX-License-Identifier: GPL-2.0-only
/* What happened between two snapshots, in the form of a snapshot. */
#include <string.h>

#include "reader.h"

/* Counters only grow while gen stands. Should one not, 0 is nearer the truth than 2^64. */
static void subtract(__u64 *cur, __u64 prev)
{
	*cur = *cur > prev ? *cur - prev : 0;
}

static void subtract_hist(struct kvmeter_hist *cur, const struct kvmeter_hist *prev)
{
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		subtract(&cur->bucket[i], prev->bucket[i]);
}

/*
 * Extremes are kept since the vCPU was first seen. One that moved was reached in the interval and
 * is exact; otherwise the outermost bucket in use bounds it, and the old extreme does too.
 */
static __u64 highest_ns(const struct kvmeter_hist *delta, __u64 cur_ns, __u64 prev_ns)
{
	__u64 bound_ns = kvmeter_stats_highest_ns(delta);

	return cur_ns > prev_ns || bound_ns > cur_ns ? cur_ns : bound_ns;
}

static __u64 lowest_ns(const struct kvmeter_hist *delta, __u64 cur_ns, __u64 prev_ns)
{
	__u64 bound_ns = kvmeter_stats_lowest_ns(delta);

	if (bound_ns == ~0ULL)
		return bound_ns;
	return cur_ns < prev_ns || bound_ns < cur_ns ? cur_ns : bound_ns;
}

static void subtract_row(struct kvmeter_exit *cur, const struct kvmeter_exit *prev)
{
	subtract(&cur->count, prev->count);
	subtract(&cur->time_ns, prev->time_ns);
	subtract_hist(&cur->hist, &prev->hist);
	cur->min_ns = lowest_ns(&cur->hist, cur->min_ns, prev->min_ns);
	cur->max_ns = highest_ns(&cur->hist, cur->max_ns, prev->max_ns);
}

static void subtract_vcpu(struct kvmeter_vcpu *cur, const struct kvmeter_vcpu *prev)
{
	subtract(&cur->exits, prev->exits);
	subtract(&cur->steal_ns, prev->steal_ns);
	subtract(&cur->steal_nr, prev->steal_nr);
	subtract(&cur->pml_pages, prev->pml_pages);
	subtract(&cur->pml_full, prev->pml_full);
	subtract(&cur->pml_bad, prev->pml_bad);
	cur->pml_gfn_sum -= prev->pml_gfn_sum; /* mod 2^64, as it is kept */
	subtract(&cur->write_faults, prev->write_faults);
	subtract_hist(&cur->steal_hist, &prev->steal_hist);
	cur->steal_max_ns = highest_ns(&cur->steal_hist, cur->steal_max_ns, prev->steal_max_ns);
}

static const struct kvmeter_snap_vm *
find_before(const struct kvmeter_snap *prev, const struct kvmeter_snap_vm *vm, unsigned int *from)
{
	const struct kvmeter_snap_vm *before;

	/* Both are by slot: the search goes on where the last one ended. */
	while (*from < prev->nr_vms && prev->vms[*from].slot < vm->slot)
		(*from)++;
	if (*from == prev->nr_vms)
		return NULL;
	before = &prev->vms[*from];
	return before->slot == vm->slot && before->v.gen == vm->v.gen ? before : NULL;
}

static void copy_snap(struct kvmeter_snap *to, const struct kvmeter_snap *from)
{
	to->now_ns = from->now_ns;
	to->host = from->host;
	to->vms = kvmeter_array_grow(to->vms, &to->room_vms, from->nr_vms, sizeof(*to->vms));
	to->vcpus =
		kvmeter_array_grow(to->vcpus, &to->room_vcpus, from->nr_vcpus, sizeof(*to->vcpus));
	to->rows = kvmeter_array_grow(to->rows, &to->room_rows, from->nr_rows, sizeof(*to->rows));
	to->nr_vms = from->nr_vms;
	to->nr_vcpus = from->nr_vcpus;
	to->nr_rows = from->nr_rows;
	if (from->nr_vms)
		memcpy(to->vms, from->vms, from->nr_vms * sizeof(*to->vms));
	if (from->nr_vcpus)
		memcpy(to->vcpus, from->vcpus, from->nr_vcpus * sizeof(*to->vcpus));
	if (from->nr_rows)
		memcpy(to->rows, from->rows, from->nr_rows * sizeof(*to->rows));
}

static void subtract_vcpus(struct kvmeter_snap *delta, const struct kvmeter_snap *prev)
{
	const struct kvmeter_snap_vcpu *before;
	struct kvmeter_snap_vcpu *vcpu;
	unsigned int i, row, at;

	for (i = 0; i < delta->nr_vcpus; i++) {
		vcpu = &delta->vcpus[i];
		at = vcpu->slot < prev->room_at ? prev->vcpu_at[vcpu->slot] : 0;
		before = at ? &prev->vcpus[at - 1] : NULL;
		if (!before || before->v.gen != vcpu->v.gen)
			continue;
		subtract_vcpu(&vcpu->v, &before->v);
		for (row = 0; row < vcpu->v.nr_rows && row < before->v.nr_rows; row++)
			subtract_row(&delta->rows[vcpu->first_row + row],
				     &prev->rows[before->first_row + row]);
		vcpu->elapsed_ns = delta->interval_ns;
	}
}

/**
 * kvmeter_delta_get - what happened from @prev to @cur
 * @delta: zeroed or from an earlier call; its memory is used again
 * @cur: the later snapshot
 * @prev: the earlier one
 *
 * Counters are differences, those of VMs and vCPUs new since @prev as they stand; everything that
 * is no counter is as in @cur. min_ns, max_ns and steal_max_ns are exact if they were reached in
 * the interval for the first time, and otherwise a bound of the histogram bucket they fell into.
 */
void kvmeter_delta_get(struct kvmeter_snap *delta, const struct kvmeter_snap *cur,
		       const struct kvmeter_snap *prev)
{
	const struct kvmeter_snap_vm *before;
	struct kvmeter_snap_vm *vm;
	unsigned int i, from = 0;

	copy_snap(delta, cur);
	delta->interval_ns = cur->now_ns - prev->now_ns;
	for (i = 0; i < delta->nr_vms; i++) {
		vm = &delta->vms[i];
		before = find_before(prev, vm, &from);
		if (!before)
			continue;
		vm->elapsed_ns = delta->interval_ns;
		vm->armed =
			before->v.log_state == KVMETER_LOG_ON && vm->v.log_state == KVMETER_LOG_ON;
	}
	subtract_vcpus(delta, prev);
}
