/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts the exits of each vCPU by reason, with their times.
 *
 * A collector: called by the probes of the vCPU it is about and by nobody else, with preemption
 * off, between kvmeter_store_write_begin() and kvmeter_store_write_end(). Inline, since a call and
 * its return thunk cost as much as what is done here.
 */
#ifndef _KVMETER_EXITS_H
#define _KVMETER_EXITS_H

#include <linux/minmax.h>
#include <linux/types.h>

#include "reason.h"
#include "store.h"

/* ns = cycles * mult >> shift; mult fits 32 bits from 1 MHz up. */
#define KVMETER_TSC_SHIFT 22

extern u32 kvmeter_tsc_mult;

int kvmeter_exits_init(void);
u64 kvmeter_exits_long_ns(u64 cycles);
u32 kvmeter_exits_find_row(struct kvmeter_vcpu_rec *v, s64 reason);

/**
 * kvmeter_exits_start - an exit has happened: count it
 * @v: the vCPU's record
 * @reason: its reason, or KVMETER_NO_REASON
 * @tsc: when it was seen
 */
static __always_inline void kvmeter_exits_start(struct kvmeter_vcpu_rec *v, s64 reason, u64 tsc)
{
	struct kvmeter_exit *row;
	u32 n = 0;

	if (likely((u64)reason < KVMETER_ROW_INDEX_NR))
		n = v->row_of[reason];
	if (unlikely(!n))
		n = kvmeter_exits_find_row(v, reason);
	row = &v->rows[n];
	row->count++;
	v->slot->exits++;
	v->open = row;
	v->exit_tsc = tsc;
}

/**
 * kvmeter_exits_end - the guest is about to be entered: add the time of the exit before
 * @v: the vCPU's record
 * @tsc: when this was seen
 * @steal_ns: steal since the exit, which is not its time
 */
static __always_inline void kvmeter_exits_end(struct kvmeter_vcpu_rec *v, u64 tsc, u64 steal_ns)
{
	struct kvmeter_exit *row = v->open;
	u64 cycles = tsc - v->exit_tsc;
	u64 ns;

	if (unlikely(!row))
		return;
	v->open = NULL;
	if (likely(cycles <= U32_MAX))
		ns = (cycles * kvmeter_tsc_mult) >> KVMETER_TSC_SHIFT;
	else
		ns = kvmeter_exits_long_ns(cycles);
	/* The scheduler's clock may begin a wait early: it can exceed what it fell into. */
	if (unlikely(steal_ns))
		ns -= min(ns, steal_ns);
	else if (unlikely(ns < row->min_ns))
		row->min_ns = ns;
	row->time_ns += ns;
	if (unlikely(ns > row->max_ns))
		row->max_ns = ns;
	kvmeter_hist_add(&row->hist, ns);
}

#endif /* _KVMETER_EXITS_H */
