/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of a quota: what each vCPU may dirty, and for how long it has to wait for that.
 *
 * Plain integers, for the module and for selftests/quota_unit_test.c alike; no more of the kernel
 * than <linux/types.h>. Nothing here locks or sleeps, all of it may be called anywhere; what a
 * caller passes in must not change meanwhile.
 */
#ifndef _KVMETER_SHARE_H
#define _KVMETER_SHARE_H

#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include <linux/types.h>

/* A demand that no share satisfies. */
#define KVMETER_DEMAND_ALL (~0ULL)

/*
 * The level is in 2^-20 pages, the rate in 2^-52 pages per ns: 4,503,599.6 for a page per second,
 * so that rounding it down takes less than 1e-6 off any rate, and below 2^63 for the highest.
 */
#define KVMETER_BUCKET_LEVEL_SHIFT 20
#define KVMETER_BUCKET_RATE_SHIFT 52
#define KVMETER_BUCKET_CARRY_SHIFT (KVMETER_BUCKET_RATE_SHIFT - KVMETER_BUCKET_LEVEL_SHIFT)

/* 2^40, 4 PiB: what is more is that. */
#define KVMETER_BUCKET_RATE_MAX_PAGES_S 0x10000000000ULL
#define KVMETER_BUCKET_BURST_MAX_PAGES 0x10000000000ULL

/*
 * A vCPU that pays its debts before it runs never owes more than what one exit brings: a full Page
 * Modification Log of 512 pages, and a few that were faults. One that owes more than twice that log
 * was let go by the bound on stalls. What is above that is forgiven: it would be held against the
 * vCPU long after it has stopped writing.
 */
#define KVMETER_BUCKET_DEBT_MAX_PAGES 1024

/* kvmeter_bucket_debt_ns(): at a rate of 0 there is no end to it. */
#define KVMETER_BUCKET_NEVER_NS (~0ULL)

/* What a vCPU may be held back for is bounded in each of these windows, and comes in slices. */
#define KVMETER_STALL_WINDOW_NS 100000000ULL
#define KVMETER_STALL_SLICE_NS 1000000ULL

/**
 * struct kvmeter_bucket - a token bucket: what a vCPU may dirty now
 * @level: what is in it, in 2^-20 pages; below 0 is debt
 * @burst: the most that is ever in it, in 2^-20 pages
 * @rate: what flows in, in 2^-52 pages per ns
 * @carry: what has flowed in beyond @level, in 2^-52 pages, less than 2^-20 pages
 * @since_ns: until when it has been filled
 */
struct kvmeter_bucket {
	__s64 level;
	__s64 burst;
	__u64 rate;
	__u64 carry;
	__u64 since_ns;
};

/**
 * struct kvmeter_stall - for how long a vCPU has been held back
 * @window_ns: start of the window, a multiple of KVMETER_STALL_WINDOW_NS
 * @used_ns: time slept in sleeps that began in it
 * @row_ns: time slept since it dirtied something
 *
 * All zeros is one that has never been held back.
 */
struct kvmeter_stall {
	__u64 window_ns;
	__u64 used_ns;
	__u64 row_ns;
};

void kvmeter_share_fill(__u64 quota, const __u64 *demand, __u64 *share, unsigned int nr);
__u64 kvmeter_share_demand(__u64 pages, __u64 ns, __u64 stalled_ns);
void kvmeter_bucket_init(struct kvmeter_bucket *b, __u64 burst_pages, __u64 now_ns);
void kvmeter_bucket_set_rate(struct kvmeter_bucket *b, __u64 pages_per_s, __u64 now_ns);
__u64 kvmeter_bucket_debt_ns(const struct kvmeter_bucket *b);
void kvmeter_stall_begin(struct kvmeter_stall *s);
__u64 kvmeter_stall_allow(struct kvmeter_stall *s, __u64 now_ns, __u64 want_ns, __u64 max_ns);
void kvmeter_stall_add(struct kvmeter_stall *s, __u64 slept_ns);

/**
 * kvmeter_bucket_charge - take out what a vCPU has dirtied
 * @b: its bucket, filled up to now
 * @pages: 4 KiB pages
 *
 * Without kvmeter_bucket_refill() just before, what came in since the last time would be cut to the
 * burst only after this has been taken out: a vCPU that rested could dirty twice the burst at once.
 *
 * Context: any.
 * Return: true if it is in debt: kvmeter_bucket_debt_ns() tells for how long.
 */
static inline bool kvmeter_bucket_charge(struct kvmeter_bucket *b, __u32 pages)
{
	const __s64 floor = -((__s64)KVMETER_BUCKET_DEBT_MAX_PAGES << KVMETER_BUCKET_LEVEL_SHIFT);

	b->level -= (__s64)pages << KVMETER_BUCKET_LEVEL_SHIFT;
	if (b->level >= 0)
		return false;
	if (b->level < floor)
		b->level = floor;
	return true;
}

/**
 * kvmeter_bucket_refill - let in what has come since the last time, up to the burst
 * @b: the bucket
 * @now_ns: now; if that is before the last time, as by another CPU's clock, nothing is done
 *
 * How often this is called does not matter: what is less than a level can tell is carried over.
 *
 * Context: any.
 */
static inline void kvmeter_bucket_refill(struct kvmeter_bucket *b, __u64 now_ns)
{
	unsigned __int128 in;

	if (now_ns <= b->since_ns)
		return;
	/* below 2^63 times below 2^64, and a little */
	in = (unsigned __int128)b->rate * (now_ns - b->since_ns) + b->carry;
	b->since_ns = now_ns;
	if (in >> KVMETER_BUCKET_CARRY_SHIFT >= (__u64)(b->burst - b->level)) {
		b->level = b->burst;
		b->carry = 0;
		return;
	}
	b->level += (__s64)(in >> KVMETER_BUCKET_CARRY_SHIFT);
	b->carry = (__u64)in & ((1ULL << KVMETER_BUCKET_CARRY_SHIFT) - 1);
}

#endif /* _KVMETER_SHARE_H */
