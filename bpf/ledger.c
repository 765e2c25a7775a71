// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic of the time ledger: its clock, up to now, and from one time to another. */
#include "reader.h"

static const size_t state_offsets[KVMETER_STATE_NR] = {
	[KVMETER_STATE_GUEST] = offsetof(struct kvmeter_vcpu, guest_ns),
	[KVMETER_STATE_KERNEL] = offsetof(struct kvmeter_vcpu, kernel_ns),
	[KVMETER_STATE_VMM] = offsetof(struct kvmeter_vcpu, vmm_ns),
	[KVMETER_STATE_HALT] = offsetof(struct kvmeter_vcpu, halt_ns),
	[KVMETER_STATE_STEAL] = offsetof(struct kvmeter_vcpu, steal_ns),
	[KVMETER_STATE_THROTTLE] = offsetof(struct kvmeter_vcpu, throttle_ns),
};

static __u64 *state_at(struct kvmeter_vcpu *v, unsigned int state)
{
	return (__u64 *)((char *)v + state_offsets[state]);
}

/**
 * kvmeter_ledger_get_state - time that a vCPU was in a state
 * @v: the vCPU
 * @state: enum kvmeter_state
 *
 * Return: in ns.
 */
__u64 kvmeter_ledger_get_state(const struct kvmeter_vcpu *v, unsigned int state)
{
	return *(const __u64 *)((const char *)v + state_offsets[state]);
}

/**
 * kvmeter_ledger_get_shares - shares of the states, as all views show them
 * @v: a vCPU, or the sum of some
 * @tenths: by enum kvmeter_state, in tenths of a percent that add up to 1000
 *
 * Return: false if there is no time to share out.
 */
bool kvmeter_ledger_get_shares(const struct kvmeter_vcpu *v, unsigned int *tenths)
{
	__u64 ns[KVMETER_STATE_NR];
	unsigned int state;

	for (state = 0; state < KVMETER_STATE_NR; state++)
		ns[state] = kvmeter_ledger_get_state(v, state);
	return kvmeter_stats_round_shares(ns, KVMETER_STATE_NR, tenths);
}

/**
 * kvmeter_ledger_scale_tsc - the ledger clock at a reading of the time-stamp counter
 * @tsc: the reading
 * @mult: kvmeter_host.tsc_mult
 *
 * Return: in ns.
 */
__u64 kvmeter_ledger_scale_tsc(__u64 tsc, __u64 mult)
{
	return (__uint128_t)tsc * mult >> KVMETER_TSC_SHIFT;
}

/**
 * kvmeter_ledger_advance - count the state in progress up to now
 * @v: consistent copy of a vCPU; its states then add up to the result less first_ns
 * @now_ns: the ledger clock when the copy was made
 *
 * Afterwards @v is as the module would have left it had it changed the state at that moment: one
 * that was woken and does not run yet is in steal. Clocks of CPUs may differ by a little, so
 * nothing here relies on @now_ns being the latest of the times.
 *
 * Return: the time up to which @v counts now, not before since_ns; 0 if the ledger has not begun.
 */
__u64 kvmeter_ledger_advance(struct kvmeter_vcpu *v, __u64 now_ns)
{
	__u64 until_ns;

	if (!v->first_ns)
		return 0;
	if (now_ns < v->since_ns)
		now_ns = v->since_ns;
	until_ns = now_ns;
	if (v->wake_ns > v->since_ns && v->wake_ns < now_ns)
		until_ns = v->wake_ns;
	*state_at(v, v->state) += until_ns - v->since_ns;
	if (until_ns < now_ns) {
		v->steal_ns += now_ns - until_ns;
		v->state = KVMETER_STATE_STEAL;
	}
	v->since_ns = now_ns;
	return now_ns;
}

static unsigned int longest_state(const struct kvmeter_vcpu *v)
{
	unsigned int state, longest = 0;

	for (state = 1; state < KVMETER_STATE_NR; state++) {
		if (kvmeter_ledger_get_state(v, state) > kvmeter_ledger_get_state(v, longest))
			longest = state;
	}
	return longest;
}

/**
 * kvmeter_ledger_subtract - time in each state from one advanced copy to another
 * @delta: its six states are written
 * @cur: the later copy
 * @prev: the earlier one
 *
 * They add up to what the sum of all states grew by, exactly. A state can be ahead in @prev, by as
 * much as passed on a CPU between reading its clock and publishing what began then: it counts as 0,
 * and the longest state, which holds that time a second time, gives it back.
 */
void kvmeter_ledger_subtract(struct kvmeter_vcpu *delta, const struct kvmeter_vcpu *cur,
			     const struct kvmeter_vcpu *prev)
{
	__u64 owed_ns = 0, given_ns, cur_ns, prev_ns, *ns;
	unsigned int state;

	for (state = 0; state < KVMETER_STATE_NR; state++) {
		cur_ns = kvmeter_ledger_get_state(cur, state);
		prev_ns = kvmeter_ledger_get_state(prev, state);
		*state_at(delta, state) = cur_ns > prev_ns ? cur_ns - prev_ns : 0;
		owed_ns += prev_ns > cur_ns ? prev_ns - cur_ns : 0;
	}
	while (owed_ns) {
		ns = state_at(delta, longest_state(delta));
		given_ns = *ns < owed_ns ? *ns : owed_ns;
		if (!given_ns)
			break;
		*ns -= given_ns;
		owed_ns -= given_ns;
	}
}
