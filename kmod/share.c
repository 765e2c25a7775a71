// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares a quota among vCPUs, and turns a share into the time for which its vCPU has to wait.
 *
 * The share q of those that are held back solves, with d_v what each vCPU asks for,
 *
 *	sum over v of min(d_v, q) = quota
 *
 * which is max-min fairness, or water-filling (Bertsekas and Gallager, "Data Networks", 6.5.2):
 * nobody can be given more but at the cost of somebody who has no more than that. A share is kept
 * by a token bucket: in any time T a vCPU dirties no more than rate * T, what the bucket holds, and
 * what it was in the midst of when that ran dry.
 */
#include "share.h"

#define NS_PER_S 1000000000ULL

/* What is left of @quota once each has its demand, but @level at most. False: it is too little. */
static bool pour(__u64 quota, const __u64 *demand, unsigned int nr, __u64 level, __u64 *left)
{
	unsigned int i;
	__u64 part;

	*left = quota;
	for (i = 0; i < nr; i++) {
		part = demand[i] < level ? demand[i] : level;
		if (part > *left)
			return false;
		*left -= part;
	}
	return true;
}

/* The highest level that @quota allows, by bisection: 64 rounds at most. */
static __u64 find_level(__u64 quota, const __u64 *demand, unsigned int nr)
{
	__u64 lo = 0, hi = quota, level, left;

	while (lo < hi) {
		level = hi - (hi - lo) / 2;
		if (pour(quota, demand, nr, level, &left))
			lo = level;
		else
			hi = level - 1;
	}
	return lo;
}

/**
 * kvmeter_share_fill - share a quota among vCPUs, max-min fair
 * @quota: what there is to share, in any unit; the others are in the same
 * @demand: what each vCPU asks for; KVMETER_DEMAND_ALL: as much as it can get
 * @share: what each gets; not @demand itself
 * @nr: number of vCPUs; up to some thousands, as each is looked at some 65 times
 *
 * A vCPU that asks for less than the level gets what it asks for, the others get the level. If that
 * is less than the quota, because nobody asks for more, the rest is divided equally. What cannot be
 * divided goes to the first of those concerned. So the shares always add up to the quota, and of a
 * larger quota nobody's is smaller.
 *
 * Context: any.
 */
void kvmeter_share_fill(__u64 quota, const __u64 *demand, __u64 *share, unsigned int nr)
{
	__u64 level = find_level(quota, demand, nr), left, extra = 0;
	unsigned int i, more = 0;

	if (!nr)
		return;
	pour(quota, demand, nr, level, &left);
	for (i = 0; i < nr; i++)
		more += demand[i] > level;
	/* If anybody wants more than the level, there is not even one more for each of them. */
	if (!more) {
		extra = left / nr;
		left %= nr;
	}
	for (i = 0; i < nr; i++) {
		share[i] = (demand[i] < level ? demand[i] : level) + extra;
		if (left && (!more || demand[i] > level)) {
			share[i]++;
			left--;
		}
	}
}

/**
 * kvmeter_share_demand - what a vCPU asks for, from what it dirtied while it was not held back
 * @pages: pages it dirtied
 * @ns: time in which it did
 * @stalled_ns: time of that in which it was held back
 *
 * Context: any.
 * Return: pages per second, rounded up; KVMETER_DEMAND_ALL if it was held back all the time, or
 * dirtied more pages than there can be (from 2^34 on, 64 TiB).
 */
__u64 kvmeter_share_demand(__u64 pages, __u64 ns, __u64 stalled_ns)
{
	if (stalled_ns >= ns || pages >> 34)
		return KVMETER_DEMAND_ALL;
	ns -= stalled_ns;
	pages *= NS_PER_S;
	return pages / ns + !!(pages % ns);
}

/**
 * kvmeter_bucket_init - a full bucket into which nothing flows yet
 * @b: the bucket
 * @burst_pages: what it holds
 * @now_ns: now
 *
 * What a vCPU dirties is seen a full Page Modification Log, 512 pages, at a time. With a burst of
 * more than that, one that keeps within its rate is never in debt. With one of no less than that
 * and what flows in while a sleep is late, one that wants more than its rate gets all of it.
 *
 * Context: any.
 */
void kvmeter_bucket_init(struct kvmeter_bucket *b, __u64 burst_pages, __u64 now_ns)
{
	if (burst_pages > KVMETER_BUCKET_BURST_MAX_PAGES)
		burst_pages = KVMETER_BUCKET_BURST_MAX_PAGES;
	b->burst = (__s64)(burst_pages << KVMETER_BUCKET_LEVEL_SHIFT);
	b->level = b->burst;
	b->rate = 0;
	b->carry = 0;
	b->since_ns = now_ns;
}

/**
 * kvmeter_bucket_set_rate - change the rate from now on
 * @b: the bucket; up to now it is filled at the old rate, and what it holds, or owes, it keeps
 * @pages_per_s: the new rate, up to KVMETER_BUCKET_RATE_MAX_PAGES_S; 0: nothing flows in
 * @now_ns: now
 *
 * Context: any.
 */
void kvmeter_bucket_set_rate(struct kvmeter_bucket *b, __u64 pages_per_s, __u64 now_ns)
{
	__u64 high;

	kvmeter_bucket_refill(b, now_ns);
	if (pages_per_s > KVMETER_BUCKET_RATE_MAX_PAGES_S)
		pages_per_s = KVMETER_BUCKET_RATE_MAX_PAGES_S;
	/* pages_per_s * 2^52 / 10^9 by long division: 12 bits, then 20 and 20 of what remains */
	high = pages_per_s << 12;
	b->rate = high / NS_PER_S;
	high = high % NS_PER_S << 20;
	b->rate = (b->rate << 20) + high / NS_PER_S;
	high = high % NS_PER_S << 20;
	b->rate = (b->rate << 20) + high / NS_PER_S;
}

/**
 * kvmeter_bucket_debt_ns - how long until a vCPU is out of debt
 * @b: its bucket, filled up to now
 *
 * Context: any.
 * Return: ns from the last time it was filled, exactly; 0 if it is not in debt;
 * KVMETER_BUCKET_NEVER_NS if nothing flows in.
 */
__u64 kvmeter_bucket_debt_ns(const struct kvmeter_bucket *b)
{
	__u64 debt;

	if (b->level >= 0)
		return 0;
	if (!b->rate)
		return KVMETER_BUCKET_NEVER_NS;
	/* 2^62 at most, for 1,024 pages; a rate is less than 2^63 */
	debt = ((__u64)-b->level << KVMETER_BUCKET_CARRY_SHIFT) - b->carry;
	return (debt + (b->rate - 1)) / b->rate;
}

/**
 * kvmeter_stall_begin - a vCPU has run, and dirtied something
 * @s: for how long it has
 *
 * Context: any.
 */
void kvmeter_stall_begin(struct kvmeter_stall *s)
{
	s->row_ns = 0;
}

/**
 * kvmeter_stall_allow - how long a vCPU may sleep now
 * @s: for how long it has
 * @now_ns: now; if another CPU's clock has that before the window, it is taken to be in the window
 * @want_ns: how long it ought to sleep
 * @max_ns: how long it may in each window
 *
 * A sleep ends with its window, so of what was allowed nothing reaches into the next. What a sleep
 * overshoots may, and counts where the sleep began. In each window [k * KVMETER_STALL_WINDOW_NS,
 * (k + 1) * KVMETER_STALL_WINDOW_NS) the vCPU thus sleeps for no longer than @max_ns and what
 * sleeps overshot in it. Nor does it for longer between one page that it dirties and the next: it
 * gets to run, however late it is.
 *
 * Context: any.
 * Return: @want_ns, one slice, what is left of @max_ns, or of the window, whichever is shortest; 0:
 * it has to run now, whatever it owes.
 */
__u64 kvmeter_stall_allow(struct kvmeter_stall *s, __u64 now_ns, __u64 want_ns, __u64 max_ns)
{
	__u64 start_ns = now_ns - now_ns % KVMETER_STALL_WINDOW_NS, left_ns, used_ns;

	if (start_ns > s->window_ns) {
		s->window_ns = start_ns;
		s->used_ns = 0;
	}
	used_ns = s->used_ns > s->row_ns ? s->used_ns : s->row_ns;
	if (used_ns >= max_ns)
		return 0;
	left_ns = max_ns - used_ns;
	if (left_ns > want_ns)
		left_ns = want_ns;
	if (left_ns > KVMETER_STALL_SLICE_NS)
		left_ns = KVMETER_STALL_SLICE_NS;
	if (now_ns >= s->window_ns && left_ns > KVMETER_STALL_WINDOW_NS - (now_ns - s->window_ns))
		left_ns = KVMETER_STALL_WINDOW_NS - (now_ns - s->window_ns);
	return left_ns;
}

/**
 * kvmeter_stall_add - count a sleep
 * @s: where kvmeter_stall_allow() allowed it
 * @slept_ns: how long it really was
 *
 * Context: any.
 */
void kvmeter_stall_add(struct kvmeter_stall *s, __u64 slept_ns)
{
	s->used_ns = s->used_ns + slept_ns < slept_ns ? ~0ULL : s->used_ns + slept_ns;
	s->row_ns = s->row_ns + slept_ns < slept_ns ? ~0ULL : s->row_ns + slept_ns;
}
