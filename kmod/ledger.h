/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time ledger: in which state each vCPU is, and how long it was in each.
 *
 * A collector: called by the events of the vCPU it is about and by nobody else, on the CPU that
 * runs it, with preemption off, between kvmeter_store_write_begin() and kvmeter_store_write_end().
 *
 * Nearly all time passes in two steps, guest to kernel at an exit and kernel to guest at an entry;
 * those two are here, inline, and know the state without looking it up: v->where tells. Whatever
 * else happens to a vCPU is a detour (ledger.c), which keeps accounts in v->part, so that the exit
 * it belongs to can be charged when it ends.
 */
#ifndef _KVMETER_LEDGER_H
#define _KVMETER_LEDGER_H

#include <linux/types.h>

#include "clock.h"
#include "store.h"

u64 kvmeter_ledger_set_back(struct kvmeter_vcpu_rec *v, u64 now);
void kvmeter_ledger_move(struct kvmeter_vcpu_rec *v, enum kvmeter_state to, u64 now);
void kvmeter_ledger_clear_parts(struct kvmeter_vcpu_rec *v);
void kvmeter_ledger_begin_exit(struct kvmeter_vcpu_rec *v, u64 now);
u64 kvmeter_ledger_wake(struct kvmeter_vcpu_rec *v, u64 wake, u64 now);
enum kvmeter_state kvmeter_ledger_state(const struct kvmeter_vcpu_rec *v);

/*
 * What follows takes the slot besides, which is v->slot: each store through it could change that,
 * as far as the compiler knows.
 */

/**
 * kvmeter_ledger_take - time since the last step, which ends now
 * @v: the vCPU's record
 * @slot: its slot
 * @now: kvmeter_clock_now()
 *
 * Return: ns.
 */
static __always_inline u64 kvmeter_ledger_take(struct kvmeter_vcpu_rec *v,
					       struct kvmeter_vcpu *slot, u64 now)
{
	u64 ns = now - v->since_ns;

	if (unlikely((s64)ns < 0))
		return kvmeter_ledger_set_back(v, now);
	v->since_ns = now;
	slot->since_ns = now;
	return ns;
}

/**
 * kvmeter_ledger_exit - from the guest to the kernel
 * @v: the vCPU's record; v->where is KVMETER_WHERE_GUEST
 * @slot: its slot
 * @now: kvmeter_clock_now()
 */
static __always_inline void kvmeter_ledger_exit(struct kvmeter_vcpu_rec *v,
						struct kvmeter_vcpu *slot, u64 now)
{
	slot->guest_ns += kvmeter_ledger_take(v, slot, now);
	slot->state = KVMETER_STATE_KERNEL;
	v->where = KVMETER_WHERE_EXIT;
}

/**
 * kvmeter_ledger_enter - from the kernel to the guest
 * @v: the vCPU's record; v->where is KVMETER_WHERE_EXIT
 * @slot: its slot
 * @now: kvmeter_clock_now()
 *
 * Return: how long handling the exit took, ns.
 */
static __always_inline u64 kvmeter_ledger_enter(struct kvmeter_vcpu_rec *v,
						struct kvmeter_vcpu *slot, u64 now)
{
	u64 ns = kvmeter_ledger_take(v, slot, now);

	slot->kernel_ns += ns;
	slot->state = KVMETER_STATE_GUEST;
	v->where = KVMETER_WHERE_GUEST;
	return ns;
}

#endif /* _KVMETER_LEDGER_H */
