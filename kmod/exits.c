// SPDX-License-Identifier: GPL-2.0-only
/* The parts of exits.h that are seldom needed. */
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/minmax.h>

#include "exits.h"

/**
 * kvmeter_exits_settle - an exit with detours has ended: add its times
 * @v: the vCPU's record; v->part has what it is to be charged with
 *
 * Context: as kvmeter_exits_end(); after kvmeter_ledger_move() to the guest, and before
 * kvmeter_ledger_clear_parts(); also where there is no exit to end.
 */
void kvmeter_exits_settle(struct kvmeter_vcpu_rec *v)
{
	struct kvmeter_exit *row = v->open;
	const u64 *part = v->part;

	if (!row)
		return;
	row->kernel_ns += part[KVMETER_STATE_KERNEL];
	row->vmm_ns += part[KVMETER_STATE_VMM];
	row->halt_ns += part[KVMETER_STATE_HALT];
	row->steal_ns += part[KVMETER_STATE_STEAL];
	row->user_exits += v->part_user_exits;
	kvmeter_exits_add_time(row, part[KVMETER_STATE_KERNEL] + part[KVMETER_STATE_VMM] +
				    part[KVMETER_STATE_HALT]);
}

/**
 * kvmeter_exits_add_user - KVM_RUN returns to the VMM
 * @v: the vCPU's record, whose ledger has taken note of it
 * @reason: exit_reason of struct kvm_run
 * @err: what KVM_RUN returns: less than 0, and @reason may be of an earlier time
 *
 * Context: probes of that vCPU, preemption off, between kvmeter_store_write_begin() and _end().
 */
void kvmeter_exits_add_user(struct kvmeter_vcpu_rec *v, u32 reason, int err)
{
	if (err == -EINTR)
		reason = KVM_EXIT_INTR;
	else if (err < 0)
		reason = U32_MAX;
	v->user_reason = min_t(u32, reason, KVMETER_USER_EXITS - 1);
	v->slot->user_exit[v->user_reason]++;
	v->slot->user_exits++;
	v->part_user_exits++;
}

/* At most KVMETER_EXIT_ROWS steps. */
static u32 search_row(struct kvmeter_vcpu_rec *v, u32 reason, u32 level)
{
	u32 row;

	for (row = 1; row < v->nr_rows; row++)
		if (v->row_reason[row] == reason && v->row_level[row] == level)
			return row;
	if (row == KVMETER_EXIT_ROWS) {
		v->rows[0].reason = reason;
		return 0;
	}
	v->row_reason[row] = reason;
	v->row_level[row] = level;
	v->rows[row].reason = reason;
	v->rows[row].level = level;
	v->rows[row].min_ns = U64_MAX;
	WRITE_ONCE(v->nr_rows, row + 1);
	v->slot->nr_rows = row + 1;
	return row;
}

/**
 * kvmeter_exits_find_row - row for a reason that is not to be had by kvmeter_exits_start()
 * @v: the vCPU's record
 * @reason: the reason, or KVMETER_NO_REASON
 * @level: 1, or 2 if a nested guest exited
 *
 * Context: as kvmeter_exits_start().
 * Return: the row; 0 if there is no reason or no row is left.
 */
u32 kvmeter_exits_find_row(struct kvmeter_vcpu_rec *v, s64 reason, u32 level)
{
	u8 *row_of;

	if (reason == KVMETER_NO_REASON)
		return 0;
	if (reason >= KVMETER_ROW_INDEX_NR)
		return search_row(v, reason, level);
	row_of = level == 1 ? &v->row_of[reason] : &v->row_of_l2[reason];
	if (!*row_of)
		*row_of = search_row(v, reason, level);
	return *row_of;
}
