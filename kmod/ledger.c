// SPDX-License-Identifier: GPL-2.0-only
/* The steps of the time ledger that are not from the guest to the kernel and back. */
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "ledger.h"

/* A counter that is further behind than CPUs can disagree was set back, by a suspend to RAM. */
#define SET_BACK_NS (100 * NSEC_PER_MSEC)

static_assert(offsetof(struct kvmeter_vcpu, throttle_ns) ==
	      offsetof(struct kvmeter_vcpu, guest_ns) + KVMETER_STATE_THROTTLE * sizeof(u64));

static u64 *state_ns(struct kvmeter_vcpu *slot, enum kvmeter_state state)
{
	return (u64 *)((void *)slot + offsetof(struct kvmeter_vcpu, guest_ns)) + state;
}

/**
 * kvmeter_ledger_set_back - the clock is behind where the last step left it
 * @v: the vCPU's record
 * @now: kvmeter_clock_now()
 *
 * Where two CPUs disagree a little, the state begins with the later of the two. After a real set
 * back the ledger goes on from now, and its beginning moves back with it: the sum stays what it is.
 *
 * Return: 0, the time that has passed.
 */
u64 kvmeter_ledger_set_back(struct kvmeter_vcpu_rec *v, u64 now)
{
	u64 ns = v->since_ns - now;

	if (ns < SET_BACK_NS)
		return 0;
	v->since_ns = now;
	v->first_ns -= ns;
	v->slot->since_ns = now;
	v->slot->first_ns = v->first_ns;
	return 0;
}

/**
 * kvmeter_ledger_state - the state a vCPU is in
 * @v: its record
 *
 * Return: enum kvmeter_state.
 */
enum kvmeter_state kvmeter_ledger_state(const struct kvmeter_vcpu_rec *v)
{
	switch (v->where) {
	case KVMETER_WHERE_GUEST:
		return KVMETER_STATE_GUEST;
	case KVMETER_WHERE_EXIT:
		return KVMETER_STATE_KERNEL;
	default:
		return v->state;
	}
}

static void charge(struct kvmeter_vcpu_rec *v, enum kvmeter_state state, u64 ns)
{
	struct kvmeter_vcpu *slot = v->slot;

	*state_ns(slot, state) += ns;
	v->part[state] += ns;
	if (state == KVMETER_STATE_VMM)
		slot->user_ns[v->user_reason] += ns;
}

/**
 * kvmeter_ledger_clear_parts - what was charged so far is of no exit, or of one that is settled
 * @v: the vCPU's record
 */
void kvmeter_ledger_clear_parts(struct kvmeter_vcpu_rec *v)
{
	memset(v->part, 0, sizeof(v->part));
	v->part_user_exits = 0;
	v->open = NULL;
	v->open_sub = NULL;
}

static void set_state(struct kvmeter_vcpu_rec *v, enum kvmeter_state state)
{
	v->state = state;
	v->where = state == KVMETER_STATE_GUEST ? KVMETER_WHERE_GUEST : KVMETER_WHERE_DETOUR;
	v->slot->state = state;
}

/**
 * kvmeter_ledger_move - from whatever state it is in to another
 * @v: the vCPU's record
 * @to: the state it is in from now on
 * @now: kvmeter_clock_now()
 *
 * With the first step the ledger begins.
 */
void kvmeter_ledger_move(struct kvmeter_vcpu_rec *v, enum kvmeter_state to, u64 now)
{
	if (!v->first_ns) {
		v->first_ns = now;
		v->since_ns = now;
		v->slot->first_ns = now;
		v->slot->since_ns = now;
		kvmeter_ledger_clear_parts(v);
	} else {
		if (v->where == KVMETER_WHERE_GUEST)
			kvmeter_ledger_clear_parts(v);
		charge(v, kvmeter_ledger_state(v), kvmeter_ledger_take(v, v->slot, now));
	}
	set_state(v, to);
}

/**
 * kvmeter_ledger_begin_exit - from whatever state it is in to the kernel, to handle an exit
 * @v: the vCPU's record
 * @now: kvmeter_clock_now()
 */
void kvmeter_ledger_begin_exit(struct kvmeter_vcpu_rec *v, u64 now)
{
	kvmeter_ledger_move(v, KVMETER_STATE_KERNEL, now);
	kvmeter_ledger_clear_parts(v);
	v->where = KVMETER_WHERE_EXIT;
}

/**
 * kvmeter_ledger_wake - a vCPU that slept runs again
 * @v: its record
 * @wake: when it was woken, 0 if that was not seen
 * @now: kvmeter_clock_now()
 *
 * It slept up to @wake, in the state it is in, and has waited since.
 *
 * Return: how long it waited, ns.
 */
u64 kvmeter_ledger_wake(struct kvmeter_vcpu_rec *v, u64 wake, u64 now)
{
	u64 waited;

	if ((s64)(now - wake) < 0 || (s64)(wake - v->since_ns) < 0)
		wake = now;
	charge(v, v->state, kvmeter_ledger_take(v, v->slot, wake));
	waited = kvmeter_ledger_take(v, v->slot, now);
	charge(v, KVMETER_STATE_STEAL, waited);
	return waited;
}
