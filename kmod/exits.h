/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts the exits of each vCPU by reason, with their times.
 *
 * A collector, as ledger.h. Inline, since a call and its return thunk cost as much as what is done
 * here.
 */
#ifndef _KVMETER_EXITS_H
#define _KVMETER_EXITS_H

#include <linux/types.h>

#include "reason.h"
#include "store.h"

u32 kvmeter_exits_find_row(struct kvmeter_vcpu_rec *v, s64 reason, u32 level);
void kvmeter_exits_settle(struct kvmeter_vcpu_rec *v);
void kvmeter_exits_add_user(struct kvmeter_vcpu_rec *v, u32 reason, int err);

/**
 * kvmeter_exits_start - an exit has happened: count it
 * @v: the vCPU's record
 * @slot: its slot, as in ledger.h
 * @vcpu: the vCPU
 * @reason: its reason, or KVMETER_NO_REASON
 */
static __always_inline void kvmeter_exits_start(struct kvmeter_vcpu_rec *v,
						struct kvmeter_vcpu *slot,
						const struct kvm_vcpu *vcpu, s64 reason)
{
	struct kvmeter_exit *row;
	u32 n;

	if (unlikely(vcpu->stat.guest_mode)) {
		n = kvmeter_exits_find_row(v, reason, 2);
	} else {
		n = likely((u64)reason < KVMETER_ROW_INDEX_NR) ? v->row_of[reason] : 0;
		if (unlikely(!n))
			n = kvmeter_exits_find_row(v, reason, 1);
	}
	row = &v->rows[n];
	row->count++;
	slot->exits++;
	v->open = row;
}

static __always_inline void kvmeter_exits_add_time(struct kvmeter_exit *row, u64 ns)
{
	if (unlikely(ns < row->min_ns))
		row->min_ns = ns;
	if (unlikely(ns > row->max_ns))
		row->max_ns = ns;
	kvmeter_hist_add(&row->hist, ns);
}

/**
 * kvmeter_exits_end - an exit that KVM handled without further ado has ended: add its time
 * @v: the vCPU's record
 * @ns: how long it took
 */
static __always_inline void kvmeter_exits_end(struct kvmeter_vcpu_rec *v, u64 ns)
{
	struct kvmeter_exit *row = v->open;

	row->kernel_ns += ns;
	kvmeter_exits_add_time(row, ns);
}

#endif /* _KVMETER_EXITS_H */
