// SPDX-License-Identifier: GPL-2.0-only
/* What happened between two snapshots, in the form of a snapshot. */
#include <string.h>

#include "reader.h"

static void subtract_user_exits(struct kvmeter_vcpu *cur, const struct kvmeter_vcpu *prev)
{
	unsigned int i;

	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		cur->user_exit[i] -= prev->user_exit[i];
		cur->user_ns[i] -= prev->user_ns[i];
	}
}

static void subtract_vcpu(struct kvmeter_vcpu *cur, const struct kvmeter_vcpu *prev)
{
	struct kvmeter_vcpu whole = *cur;

	kvmeter_fields_subtract(KVMETER_RECORD_VCPU, cur, prev);
	kvmeter_ledger_subtract(cur, &whole, prev);
	cur->pml_gfn_sum = whole.pml_gfn_sum - prev->pml_gfn_sum; /* mod 2^64, as it is kept */
	subtract_user_exits(cur, prev);
}

/* A session begins with nothing counted. */
static void subtract_dirty(struct kvmeter_dirty *cur, const struct kvmeter_dirty *prev)
{
	struct kvmeter_dirty from = *prev;

	if (from.start_ns != cur->start_ns) {
		from.intervals = 0;
		from.marks = 0;
		from.untracked = 0;
		from.rearms = 0;
		from.rearm_ns = 0;
	}
	kvmeter_fields_subtract(KVMETER_RECORD_DIRTY, cur, &from);
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

static void subtract_thieves(struct kvmeter_snap *delta, struct kvmeter_snap_vcpu *vcpu,
			     const struct kvmeter_snap *prev,
			     const struct kvmeter_snap_vcpu *before)
{
	struct kvmeter_thief *thieves = delta->thieves + vcpu->first_thief;

	if (vcpu->nr_thieves)
		kvmeter_thieves_subtract(thieves, vcpu->nr_thieves,
					 prev->thieves + before->first_thief, before->nr_thieves);
	if (vcpu->unexplained_ns > before->unexplained_ns)
		vcpu->unexplained_ns -= before->unexplained_ns;
	else
		vcpu->unexplained_ns = 0;
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
		for (row = 0; row < vcpu->nr_rows && row < before->nr_rows; row++)
			kvmeter_fields_subtract(KVMETER_RECORD_EXIT,
						&delta->rows[vcpu->first_row + row],
						&prev->rows[before->first_row + row]);
		if (vcpu->nr_subs)
			kvmeter_subs_subtract(&delta->subs[vcpu->first_sub], vcpu->nr_subs,
					      &prev->subs[before->first_sub], before->nr_subs);
		vcpu->sub_floor -= before->sub_floor;
		subtract_thieves(delta, vcpu, prev, before);
		vcpu->elapsed_ns -= before->elapsed_ns;
	}
}

/**
 * kvmeter_delta_get - what happened from @prev to @cur
 * @delta: zeroed or from an earlier call; its memory is used again
 * @cur: the later snapshot
 * @prev: the earlier one
 *
 * Metrics are as kvmeter_fields_subtract() has them, those of VMs and vCPUs new since @prev as they
 * stand; everything else is as in @cur. A vCPU's elapsed_ns is its own: from one copy to the other.
 */
void kvmeter_delta_get(struct kvmeter_snap *delta, const struct kvmeter_snap *cur,
		       const struct kvmeter_snap *prev)
{
	const struct kvmeter_snap_vm *before;
	struct kvmeter_snap_vm *vm;
	unsigned int i, from = 0;

	kvmeter_snapshot_copy(delta, cur);
	delta->interval_ns = cur->now_ns - prev->now_ns;
	for (i = 0; i < delta->nr_vms; i++) {
		vm = &delta->vms[i];
		before = find_before(prev, vm, &from);
		if (!before)
			continue;
		vm->elapsed_ns = delta->interval_ns;
		vm->armed = before->v.log_state == vm->v.log_state &&
			kvmeter_reasons_is_armed(vm->v.log_state);
		subtract_dirty(&vm->d, &before->d);
	}
	subtract_vcpus(delta, prev);
}
