// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of a quota: shares, buckets, the bound on stalls; alone, and all together in a
 * simulation of vCPUs that write. What has to hold is held against many random cases.
 *
 * Needs neither root nor the module. The random numbers follow from QUOTA_SEED in the environment,
 * or else from the time; each case prints what it began with.
 */
#include <string.h>

#include <kselftest_harness.h>

#include "../kmod/share.h"
#include "random.h"

#define NS_PER_S 1000000000ULL
#define WINDOW_NS KVMETER_STALL_WINDOW_NS
/* Far longer than any of it takes. */
#define NO_BOUND_NS (1000 * WINDOW_NS)
#define PML_PAGES 512
#define ALL KVMETER_DEMAND_ALL

#define CASES 10007
#define SHARES_MAX 1024

FIXTURE(quota)
{
	__u64 demand[SHARES_MAX];
	__u64 share[SHARES_MAX];
	__u64 other[SHARES_MAX];
};

FIXTURE_SETUP(quota)
{
	random_begin("QUOTA_SEED");
	TH_LOG("QUOTA_SEED=%llu", random_seed);
}

FIXTURE_TEARDOWN(quota)
{
}

/* What vCPUs ask for: much or little, or nearly the same; now and then all there is, or nothing. */
static unsigned int random_demand(__u64 *demand, unsigned int nr_max)
{
	unsigned int i, nr = random_in(1, nr_max + 1), kind = random_in(0, 4);
	__u64 base = random_size();

	for (i = 0; i < nr; i++) {
		demand[i] = random_size();
		if (kind == 1)
			demand[i] = random_in(0, 20);
		if (kind == 2)
			demand[i] = base + random_in(0, 3);
		if (random_in(0, 10) == 0)
			demand[i] = random_in(0, 2) ? ALL : 0;
	}
	return nr;
}

/* One that matters: somewhere about what is asked for; or anything. */
static __u64 random_quota(const __u64 *demand, unsigned int nr)
{
	__u64 quota = demand[random_in(0, nr)], factor = random_in(1, nr + 2);

	if (random_in(0, 4) == 0 || quota > ~0ULL / factor)
		return random_size();
	return quota * factor + random_in(0, 7);
}

static unsigned int random_nr_max(void)
{
	return random_in(0, 100) ? 17 : SHARES_MAX;
}

TEST(fill_examples)
{
	static const __u64 demand[] = { 10, ALL, 300, 0, 200 };
	__u64 share[5] = { 7, 7, 7, 7, 7 };

	kvmeter_share_fill(1000, demand, share, 5);
	ASSERT_EQ(10, share[0]);
	ASSERT_EQ(490, share[1]);
	ASSERT_EQ(300, share[2]);
	ASSERT_EQ(0, share[3]);
	ASSERT_EQ(200, share[4]);
	/* 590 for three that want more than a third of it: 197, 197, 196 */
	kvmeter_share_fill(600, demand, share, 5);
	ASSERT_EQ(10, share[0]);
	ASSERT_EQ(197, share[1]);
	ASSERT_EQ(197, share[2]);
	ASSERT_EQ(0, share[3]);
	ASSERT_EQ(196, share[4]);
	/* nobody wants more: 490 is left, of which 3 gets 163, and one more for the first */
	kvmeter_share_fill(1000, demand + 2, share, 3);
	ASSERT_EQ(300 + 167, share[0]);
	ASSERT_EQ(0 + 167, share[1]);
	ASSERT_EQ(200 + 166, share[2]);
	/* none to share among, none to share */
	share[0] = 7;
	kvmeter_share_fill(1000, demand, share, 0);
	ASSERT_EQ(7, share[0]);
	kvmeter_share_fill(0, demand, share, 5);
	ASSERT_EQ(0, share[0] + share[1] + share[2] + share[3] + share[4]);
}

TEST(fill_extremes)
{
	static const __u64 all[] = { ALL, ALL, ALL };
	static const __u64 some[] = { 0, ALL - 1, 1 };
	__u64 share[3];

	kvmeter_share_fill(~0ULL, all, share, 3);
	ASSERT_EQ(~0ULL / 3, share[0]);
	ASSERT_EQ(~0ULL / 3, share[1]);
	ASSERT_EQ(~0ULL / 3, share[2]);
	kvmeter_share_fill(~0ULL - 1, all, share, 3);
	ASSERT_EQ(~0ULL / 3, share[0]);
	ASSERT_EQ(~0ULL / 3 - 1, share[2]);
	kvmeter_share_fill(~0ULL, some, share, 3);
	ASSERT_EQ(0, share[0]);
	ASSERT_EQ(ALL - 1, share[1]);
	ASSERT_EQ(1, share[2]);
	kvmeter_share_fill(~0ULL, some, share, 1);
	ASSERT_EQ(~0ULL, share[0]);
	kvmeter_share_fill(1, all, share, 3);
	ASSERT_EQ(1, share[0]);
	ASSERT_EQ(0, share[1] + share[2]);
}

TEST_F(quota, fill_adds_up)
{
	unsigned int i, k, nr;
	__u64 quota, left;

	for (k = 0; k < CASES; k++) {
		nr = random_demand(self->demand, random_nr_max());
		quota = random_quota(self->demand, nr);
		kvmeter_share_fill(quota, self->demand, self->share, nr);
		left = quota;
		for (i = 0; i < nr; i++) {
			ASSERT_LE(self->share[i], left);
			left -= self->share[i];
		}
		ASSERT_EQ(0, left);
	}
}

/* Who wants more than it has, has as much as anybody, but for what cannot be divided. */
TEST_F(quota, fill_is_max_min)
{
	unsigned int i, k, nr, held_back = 0, satisfied = 0;
	__u64 quota, largest;

	for (k = 0; k < CASES; k++) {
		nr = random_demand(self->demand, random_nr_max());
		quota = random_quota(self->demand, nr);
		kvmeter_share_fill(quota, self->demand, self->share, nr);
		largest = 0;
		for (i = 0; i < nr; i++)
			if (self->share[i] > largest)
				largest = self->share[i];
		for (i = 0; i < nr; i++) {
			if (self->share[i] < self->demand[i]) {
				ASSERT_LE(largest - self->share[i], 1);
				held_back++;
			} else {
				satisfied++;
			}
		}
	}
	ASSERT_LT(CASES, held_back);
	ASSERT_LT(CASES, satisfied);
}

/* A page at a time to who has least and wants more; if nobody does, to who was given least more. */
static void fill_by_pages(__u64 quota, const __u64 *demand, __u64 *share, unsigned int nr)
{
	unsigned int i, best;
	bool more;

	memset(share, 0, nr * sizeof(*share));
	for (; quota; quota--) {
		more = false;
		best = 0;
		for (i = 0; i < nr; i++) {
			if (share[i] < demand[i] && (!more || share[i] < share[best])) {
				best = i;
				more = true;
			}
		}
		for (i = 0; i < nr && !more; i++)
			if (share[i] - demand[i] < share[best] - demand[best])
				best = i;
		share[best]++;
	}
}

TEST_F(quota, fill_as_page_by_page)
{
	unsigned int i, k, nr;
	__u64 quota;

	for (k = 0; k < CASES; k++) {
		nr = random_in(1, 8);
		for (i = 0; i < nr; i++)
			self->demand[i] = random_in(0, 8) ? random_in(0, 23) : ALL;
		quota = random_in(0, 101);
		kvmeter_share_fill(quota, self->demand, self->share, nr);
		fill_by_pages(quota, self->demand, self->other, nr);
		for (i = 0; i < nr; i++)
			ASSERT_EQ(self->other[i], self->share[i]);
	}
}

TEST_F(quota, fill_in_any_order)
{
	unsigned int i, j, k, nr, at[SHARES_MAX];
	__u64 quota, demand, a, b;

	for (k = 0; k < CASES; k++) {
		nr = random_demand(self->demand, 17);
		quota = random_quota(self->demand, nr);
		kvmeter_share_fill(quota, self->demand, self->share, nr);
		for (i = 0; i < nr; i++)
			at[i] = i;
		for (i = nr - 1; i > 0; i--) {
			j = random_in(0, i + 1);
			demand = self->demand[i];
			self->demand[i] = self->demand[j];
			self->demand[j] = demand;
			a = at[i];
			at[i] = at[j];
			at[j] = a;
		}
		kvmeter_share_fill(quota, self->demand, self->other, nr);
		for (i = 0; i < nr; i++) {
			a = self->share[at[i]];
			b = self->other[i];
			ASSERT_LE(a > b ? a - b : b - a, 1);
		}
	}
}

TEST_F(quota, fill_grows_with_the_quota)
{
	unsigned int i, k, nr;
	__u64 quota, more;

	for (k = 0; k < CASES; k++) {
		nr = random_demand(self->demand, 17);
		quota = random_quota(self->demand, nr);
		more = random_in(0, 2) ? random_in(0, 20) : random_size();
		kvmeter_share_fill(quota, self->demand, self->share, nr);
		if (quota + more < quota)
			more = ~0ULL - quota;
		kvmeter_share_fill(quota + more, self->demand, self->other, nr);
		for (i = 0; i < nr; i++)
			ASSERT_LE(self->share[i], self->other[i]);
	}
}

TEST(demand)
{
	/* 100 pages in 10 ms of which 5 ms were slept */
	ASSERT_EQ(20000, kvmeter_share_demand(100, 10000000, 5000000));
	ASSERT_EQ(10000, kvmeter_share_demand(100, 10000000, 0));
	ASSERT_EQ(0, kvmeter_share_demand(0, 10000000, 5000000));
	/* up, so that who asked for something asks for something */
	ASSERT_EQ(1, kvmeter_share_demand(1, 3600 * NS_PER_S, 0));
	ASSERT_EQ(333333334, kvmeter_share_demand(1, 3, 0));
	/* it never ran free */
	ASSERT_EQ(ALL, kvmeter_share_demand(0, 10000000, 10000000));
	ASSERT_EQ(ALL, kvmeter_share_demand(5, 10000000, 10000001));
	ASSERT_EQ(ALL, kvmeter_share_demand(0, 0, 0));
	/* extremes */
	ASSERT_EQ(((1ULL << 34) - 1) * NS_PER_S, kvmeter_share_demand((1ULL << 34) - 1, 1, 0));
	ASSERT_EQ(1, kvmeter_share_demand((1ULL << 34) - 1, ~0ULL, 0));
	ASSERT_EQ(1, kvmeter_share_demand(1, ~0ULL, 0));
	ASSERT_EQ(ALL, kvmeter_share_demand(~0ULL, ~0ULL, 0));
}

/* What a rate comes to, in pages per second. */
static double rate_pages_s(const struct kvmeter_bucket *b)
{
	return (double)b->rate * 1e9 / (double)(1ULL << KVMETER_BUCKET_RATE_SHIFT);
}

static double level_pages(const struct kvmeter_bucket *b)
{
	return (double)b->level / (double)(1ULL << KVMETER_BUCKET_LEVEL_SHIFT);
}

TEST_F(quota, bucket_rates)
{
	struct kvmeter_bucket b;
	unsigned int k;
	__u64 pages_s;

	kvmeter_bucket_init(&b, 0, 0);
	for (k = 0; k < CASES; k++) {
		pages_s = random_in(1, 1 + (KVMETER_BUCKET_RATE_MAX_PAGES_S >> random_in(0, 41)));
		kvmeter_bucket_set_rate(&b, pages_s, 0);
		/* never above it */
		ASSERT_LE(rate_pages_s(&b), pages_s * (1 + 1e-15));
		ASSERT_GE(rate_pages_s(&b), pages_s * (1 - 1e-6));
	}
	kvmeter_bucket_set_rate(&b, 1, 0);
	ASSERT_GE(rate_pages_s(&b), 1 - 1e-6);
	kvmeter_bucket_set_rate(&b, 0, 0);
	ASSERT_EQ(0, b.rate);
	kvmeter_bucket_set_rate(&b, KVMETER_BUCKET_RATE_MAX_PAGES_S, 0);
	ASSERT_GE(rate_pages_s(&b), (double)KVMETER_BUCKET_RATE_MAX_PAGES_S * (1 - 1e-6));
	pages_s = b.rate;
	kvmeter_bucket_set_rate(&b, ~0ULL, 0);
	ASSERT_EQ(pages_s, b.rate);
}

TEST(bucket_charge_and_refill)
{
	struct kvmeter_bucket b;

	kvmeter_bucket_init(&b, 512, 1000);
	ASSERT_FALSE(kvmeter_bucket_charge(&b, 512));
	ASSERT_EQ(0, kvmeter_bucket_debt_ns(&b));
	ASSERT_TRUE(kvmeter_bucket_charge(&b, 1));
	ASSERT_EQ(KVMETER_BUCKET_NEVER_NS, kvmeter_bucket_debt_ns(&b));
	/* nothing has come in, however long ago */
	kvmeter_bucket_set_rate(&b, 1000, 5 * NS_PER_S);
	ASSERT_EQ(-1, level_pages(&b));
	/* a ms, and what the rate was rounded down by */
	ASSERT_LE(1000000, kvmeter_bucket_debt_ns(&b));
	ASSERT_GE(1000001, kvmeter_bucket_debt_ns(&b));
	kvmeter_bucket_refill(&b, 5 * NS_PER_S + 500000);
	ASSERT_LT(-0.5001, level_pages(&b));
	ASSERT_GT(-0.4999, level_pages(&b));
	/* a clock that goes back changes nothing, and nothing comes in twice */
	kvmeter_bucket_refill(&b, 4 * NS_PER_S);
	kvmeter_bucket_refill(&b, 5 * NS_PER_S + 500000);
	ASSERT_GT(-0.4999, level_pages(&b));
	/* the old rate until then, the new one from then on */
	kvmeter_bucket_set_rate(&b, 1000000, 5 * NS_PER_S + 1500000);
	ASSERT_LT(0.4999, level_pages(&b));
	ASSERT_GT(0.5001, level_pages(&b));
	kvmeter_bucket_refill(&b, 5 * NS_PER_S + 1600000);
	ASSERT_LT(100.4, level_pages(&b));
	ASSERT_GT(100.6, level_pages(&b));
	/* the brim */
	kvmeter_bucket_refill(&b, 6 * NS_PER_S);
	ASSERT_EQ(512, level_pages(&b));
}

TEST(bucket_extremes)
{
	static const __u64 rates[] = { 0, 1, 1000003, KVMETER_BUCKET_RATE_MAX_PAGES_S, ~0ULL };
	static const __u64 bursts[] = { 0, 1, 512, KVMETER_BUCKET_BURST_MAX_PAGES, ~0ULL };
	struct kvmeter_bucket b;
	unsigned int i, j, k;
	__u64 ns;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			kvmeter_bucket_init(&b, bursts[j], 0);
			kvmeter_bucket_set_rate(&b, rates[i], 0);
			ASSERT_LE(0, b.burst);
			ASSERT_EQ(b.burst, b.level);
			for (k = 0; k < 1009; k++)
				kvmeter_bucket_charge(&b, ~0U);
			ASSERT_LE(b.level, b.burst);
			if (bursts[j] <= 512) {
				ASSERT_EQ(-KVMETER_BUCKET_DEBT_MAX_PAGES, level_pages(&b));
				ns = kvmeter_bucket_debt_ns(&b);
				if (rates[i] == 1)
					ASSERT_EQ(KVMETER_BUCKET_DEBT_MAX_PAGES, ns / NS_PER_S);
			}
			kvmeter_bucket_refill(&b, ~0ULL);
			if (rates[i] > 1)
				ASSERT_EQ(b.burst, b.level);
			ASSERT_LE(b.level, b.burst);
			/* there is no later */
			kvmeter_bucket_refill(&b, 0);
			ASSERT_EQ(~0ULL, b.since_ns);
		}
	}
}

/* Refilled after as long as it was told to wait it is out of debt, and not a nanosecond before. */
TEST_F(quota, bucket_debt_is_exact)
{
	struct kvmeter_bucket b, early;
	unsigned int k, in_debt = 0;
	__u64 ns;

	for (k = 0; k < CASES; k++) {
		kvmeter_bucket_init(&b, random_in(0, 600), 0);
		kvmeter_bucket_set_rate(&b, random_in(1, 1ULL << random_in(1, 41)), 0);
		kvmeter_bucket_charge(&b, random_in(0, 1500));
		kvmeter_bucket_refill(&b, random_in(0, 1ULL << random_in(1, 40)));
		ns = kvmeter_bucket_debt_ns(&b);
		ASSERT_EQ(b.level < 0, !!ns);
		if (!ns)
			continue;
		in_debt++;
		early = b;
		kvmeter_bucket_refill(&early, early.since_ns + ns - 1);
		ASSERT_GT(0, early.level);
		kvmeter_bucket_refill(&b, b.since_ns + ns);
		ASSERT_LE(0, b.level);
	}
	ASSERT_LT(1009, in_debt);
}

/* How often it is refilled makes no difference. */
TEST_F(quota, bucket_loses_nothing)
{
	struct kvmeter_bucket once, often;
	__u64 now_ns, rate;
	unsigned int i, k;

	for (k = 0; k < 1009; k++) {
		kvmeter_bucket_init(&once, random_in(0, 600), 0);
		rate = random_in(1, 1ULL << random_in(1, 24));
		kvmeter_bucket_set_rate(&once, rate, 0);
		kvmeter_bucket_charge(&once, 1000);
		often = once;
		for (i = 0, now_ns = 0; i < 1009; i++) {
			now_ns += random_in(0, 2000);
			kvmeter_bucket_refill(&often, now_ns);
		}
		kvmeter_bucket_refill(&once, now_ns);
		ASSERT_EQ(once.level, often.level);
		ASSERT_EQ(once.carry, often.carry);
	}
}

TEST(stall_examples)
{
	struct kvmeter_stall s = {};
	const __u64 ms = 1000000;

	/* what is wanted, a slice, what is left, nothing */
	ASSERT_EQ(7, kvmeter_stall_allow(&s, 300 * ms, 7, 50 * ms));
	ASSERT_EQ(ms, kvmeter_stall_allow(&s, 300 * ms, ~0ULL, 50 * ms));
	ASSERT_EQ(0, kvmeter_stall_allow(&s, 300 * ms, 7, 0));
	ASSERT_EQ(0, kvmeter_stall_allow(&s, 300 * ms, 0, 50 * ms));
	kvmeter_stall_begin(&s);
	kvmeter_stall_add(&s, 50 * ms - 3);
	ASSERT_EQ(3, kvmeter_stall_allow(&s, 351 * ms, ms, 50 * ms));
	kvmeter_stall_add(&s, 4);
	ASSERT_EQ(0, kvmeter_stall_allow(&s, 400 * ms - 1, ms, 50 * ms));
	/* a new window, for one that has run; and back in the one before by another clock */
	ASSERT_EQ(0, kvmeter_stall_allow(&s, 400 * ms, ms, 50 * ms));
	kvmeter_stall_begin(&s);
	ASSERT_EQ(ms, kvmeter_stall_allow(&s, 400 * ms, ms, 50 * ms));
	kvmeter_stall_add(&s, ms);
	ASSERT_EQ(2, kvmeter_stall_allow(&s, 400 * ms - 1, ms, ms + 2));
	/* it ends with the window */
	ASSERT_EQ(5, kvmeter_stall_allow(&s, 500 * ms - 5, ms, 50 * ms));
	/* extremes */
	kvmeter_stall_add(&s, ~0ULL);
	ASSERT_EQ(0, kvmeter_stall_allow(&s, 499 * ms, ~0ULL, 50 * ms));
	ASSERT_EQ(0, kvmeter_stall_allow(&s, ~0ULL - 1, 1, 50 * ms));
	kvmeter_stall_begin(&s);
	ASSERT_EQ(1, kvmeter_stall_allow(&s, ~0ULL - 1, 1, 50 * ms));
	kvmeter_stall_add(&s, 1);
	ASSERT_EQ(ms, kvmeter_stall_allow(&s, ~0ULL, ~0ULL, ~0ULL));
}

/**
 * struct sim - a vCPU that writes, in steps of 1 us
 * @demand_pages_s: what it dirties if nothing holds it back
 * @pml: it exits when the Page Modification Log is full; otherwise for each page
 * @exit_us: every so often, on average, it exits for something else
 * @late_ns: a sleep is too long by less than this
 * @max_ns: the bound on stalls
 * @burst_pages: what its bucket holds
 * @b: its bucket
 * @s: its stalls
 * @now_ns: time so far
 * @wake_ns: it sleeps until then
 * @end_ns: it should have slept until then
 * @begin_ns: since when it sleeps
 * @acc: what it is about to dirty, in 10^-6 pages
 * @logged: pages in the log, which nobody has seen yet
 * @dirtied: pages, in all
 * @released: it runs in debt, as the bound on stalls wanted it
 * @rate_pages_s: of the bucket, as it was asked for
 * @x: pages dirtied less those the rate is good for, in 10^-9 pages
 * @x_min: the least since it was last released
 * @x_max: the most that @x ever was above @x_min: what it has dirtied too much in any time
 * @slept_ns: time asleep in this window
 * @over_ns: time of that which sleeps were late
 * @ran_ns: time it ran in this window
 * @slept_all_ns: time asleep, in all
 * @row_ns: time asleep since it ran last
 * @row_most_ns: the longest time that it did not run
 * @releases: how often it was released
 * @bad_windows: windows in which it slept too long
 * @bound_windows: windows in which it slept as long as it may
 */
struct sim {
	__u64 demand_pages_s;
	bool pml;
	unsigned int exit_us;
	unsigned int late_ns;
	__u64 max_ns;
	unsigned int burst_pages;
	struct kvmeter_bucket b;
	struct kvmeter_stall s;
	__u64 now_ns;
	__u64 wake_ns;
	__u64 end_ns;
	__u64 begin_ns;
	__u64 acc;
	__u32 logged;
	__u64 dirtied;
	bool released;
	__u64 rate_pages_s;
	__s64 x;
	__s64 x_min;
	__s64 x_max;
	__u64 slept_ns;
	__u64 over_ns;
	__u64 ran_ns;
	__u64 slept_all_ns;
	__u64 row_ns;
	__u64 row_most_ns;
	unsigned int releases;
	unsigned int bad_windows;
	unsigned int bound_windows;
};

static void sim_set_rate(struct sim *v, __u64 pages_s)
{
	kvmeter_bucket_set_rate(&v->b, pages_s, v->now_ns);
	v->rate_pages_s = pages_s;
}

static void sim_init(struct sim *v, __u64 demand_pages_s, __u64 rate_pages_s, bool pml,
		     unsigned int burst_pages)
{
	memset(v, 0, sizeof(*v));
	v->demand_pages_s = demand_pages_s;
	v->pml = pml;
	v->exit_us = 1009;
	v->late_ns = 60000;
	v->max_ns = NO_BOUND_NS;
	v->burst_pages = burst_pages;
	kvmeter_bucket_init(&v->b, burst_pages, 0);
	sim_set_rate(v, rate_pages_s);
}

/* Before it enters the guest: may it? */
static void sim_hold(struct sim *v)
{
	__u64 debt_ns, sleep_ns;

	kvmeter_bucket_refill(&v->b, v->now_ns);
	debt_ns = kvmeter_bucket_debt_ns(&v->b);
	v->released = false;
	if (!debt_ns)
		return;
	sleep_ns = kvmeter_stall_allow(&v->s, v->now_ns, debt_ns, v->max_ns);
	if (!sleep_ns) {
		v->released = true;
		v->releases++;
		return;
	}
	v->acc = 0;
	v->begin_ns = v->now_ns;
	v->end_ns = v->now_ns + sleep_ns;
	/* up to the next step */
	v->wake_ns = (v->end_ns + (v->late_ns ? random_in(0, v->late_ns) : 0) + 999) / 1000 * 1000;
}

static void sim_exit(struct sim *v)
{
	bool in_debt;

	kvmeter_bucket_refill(&v->b, v->now_ns);
	in_debt = kvmeter_bucket_charge(&v->b, v->logged);
	v->logged = 0;
	v->released = false;
	if (!in_debt)
		return;
	kvmeter_stall_begin(&v->s);
	sim_hold(v);
}

static void sim_sleep_1us(struct sim *v)
{
	__u64 due_ns = v->end_ns > v->now_ns ? v->end_ns - v->now_ns : 0;

	v->slept_ns += 1000;
	v->slept_all_ns += 1000;
	v->row_ns += 1000;
	if (v->row_ns > v->row_most_ns)
		v->row_most_ns = v->row_ns;
	if (due_ns < 1000)
		v->over_ns += 1000 - due_ns;
}

static void sim_run_1us(struct sim *v)
{
	v->ran_ns += 1000;
	v->row_ns = 0;
	v->acc += v->demand_pages_s;
	while (v->acc >= 1000000 && !v->wake_ns) {
		v->acc -= 1000000;
		v->dirtied++;
		v->x += NS_PER_S;
		if (++v->logged == (v->pml ? PML_PAGES : 1))
			sim_exit(v);
	}
	if (!v->wake_ns && v->exit_us && random_in(0, v->exit_us) == 0)
		sim_exit(v);
}

static void sim_end_window(struct sim *v)
{
	if (v->slept_ns > v->max_ns + v->over_ns || v->ran_ns + v->max_ns + v->over_ns < WINDOW_NS)
		v->bad_windows++;
	if (v->slept_ns >= v->max_ns)
		v->bound_windows++;
	v->slept_ns = 0;
	v->over_ns = 0;
	v->ran_ns = 0;
}

static void sim_step(struct sim *v)
{
	if (v->wake_ns && v->wake_ns <= v->now_ns) {
		v->wake_ns = 0;
		kvmeter_stall_add(&v->s, v->now_ns - v->begin_ns);
		sim_hold(v);
	}
	if (v->wake_ns)
		sim_sleep_1us(v);
	else
		sim_run_1us(v);
	/* What the bound let it dirty is not too much. */
	if (v->x - v->x_min > v->x_max && !v->released)
		v->x_max = v->x - v->x_min;
	v->x -= (__s64)v->rate_pages_s * 1000;
	if (v->released || v->x < v->x_min)
		v->x_min = v->x;
	v->now_ns += 1000;
	if (v->now_ns % WINDOW_NS == 0)
		sim_end_window(v);
}

static void sim_run(struct sim *v, unsigned int ms)
{
	unsigned int i;

	for (i = 0; i < ms * 1000; i++)
		sim_step(v);
}

/* The burst and what one exit brings; the page more is for the time that a step takes. */
static __s64 x_limit(const struct sim *v)
{
	return (v->burst_pages + (v->pml ? PML_PAGES : 1) + 1) * (__s64)NS_PER_S;
}

static void sim_log(const struct sim *v, struct __test_metadata *_metadata)
{
	TH_LOG("wants %llu/s, may %llu, %s, late %u, max %llu: got %llu, excess %lld, slept %llu",
	       v->demand_pages_s, v->rate_pages_s, v->pml ? "PML" : "faults", v->late_ns, v->max_ns,
	       v->dirtied, v->x_max / (__s64)NS_PER_S, v->slept_all_ns);
}

/* In any time T: no more than rate * T, the burst, and one log. */
TEST_F(quota, sim_keeps_to_the_rate)
{
	unsigned int k, bursts = 0;
	struct sim v;
	__u64 rate, wants;

	for (k = 0; k < 61; k++) {
		rate = random_in(0, 1ULL << random_in(1, 20));
		sim_init(&v, random_in(0, 1 + rate * 20), rate, k % 2, random_in(0, 2 * PML_PAGES));
		v.exit_us = random_in(0, 3) ? random_in(1, 2000) : 0;
		v.late_ns = random_in(0, 100000);
		/* some that bring full logs, and fast */
		if (k < 11) {
			sim_init(&v, 20 * 40000, 40000, true, PML_PAGES);
			v.exit_us = 0;
		}
		/* it may save up while it rests, but no more than the burst */
		wants = v.demand_pages_s;
		sim_run(&v, 101);
		v.demand_pages_s = k % 3 ? wants : 0;
		sim_run(&v, 103);
		v.demand_pages_s = wants;
		sim_run(&v, 103);
		if (v.x_max > x_limit(&v) || v.bad_windows || v.releases)
			sim_log(&v, _metadata);
		ASSERT_LE(v.x_max, x_limit(&v));
		ASSERT_EQ(0, v.bad_windows);
		ASSERT_EQ(0, v.releases);
		bursts += v.x_max > (__s64)(PML_PAGES + PML_PAGES / 2) * (__s64)NS_PER_S;
	}
	/* and the limit is not far away */
	ASSERT_LE(11, bursts);
}

/* Never starves: it runs for what the bound leaves it, and is only let go then. */
TEST_F(quota, sim_is_never_starved)
{
	unsigned int k, bound = 0, kept = 0, ms = 500;
	struct sim v;
	__u64 rate;

	for (k = 0; k < 37; k++) {
		rate = random_in(0, 1ULL << random_in(1, 20));
		sim_init(&v, random_in(0, 1 + rate * 5 + 20000), rate, k % 2,
			 random_in(0, 2 * PML_PAGES));
		v.late_ns = random_in(0, 3) ? random_in(0, 100000) : random_in(0, 7000000);
		v.max_ns = random_in(0, 4) ? random_in(0, 80) * 1000000 : random_in(0, WINDOW_NS);
		/* some for which the bound is enough, and some for which it is not */
		if (k < 14) {
			sim_init(&v, k < 7 ? 240000 : 800000, 200000, k % 2, PML_PAGES);
			v.max_ns = 50000000;
		}
		sim_run(&v, ms);
		if (v.x_max > x_limit(&v) || v.bad_windows)
			sim_log(&v, _metadata);
		ASSERT_EQ(0, v.bad_windows);
		ASSERT_LE(v.x_max, x_limit(&v));
		/* Late, and up to the next step. */
		ASSERT_LE(v.row_most_ns, v.max_ns + v.late_ns + 2000);
		bound += v.bound_windows;
		kept += !v.releases && v.slept_all_ns;
	}
	ASSERT_LE(7, bound);
	ASSERT_LE(7, kept);
}

/* What only reads, or writes less than it may, is never held back. */
TEST_F(quota, sim_below_its_share_never_sleeps)
{
	unsigned int k, ms = 503;
	struct sim v;
	__u64 rate;

	for (k = 0; k < 31; k++) {
		rate = random_in(2, 1ULL << random_in(2, 20));
		sim_init(&v, k % 3 ? random_in(0, rate) : 0, k ? rate : 0, k % 2, PML_PAGES + 1);
		sim_run(&v, ms);
		if (v.slept_all_ns)
			sim_log(&v, _metadata);
		ASSERT_EQ(0, v.slept_all_ns);
		ASSERT_EQ(v.demand_pages_s * ms / 1000, v.dirtied);
	}
}

/* What was written while the bound let it is not held against a vCPU for long. */
TEST_F(quota, sim_is_forgiven)
{
	unsigned int ms = 1009;
	struct sim v;
	__u64 slept_ns;

	sim_init(&v, 400000, 20000, true, PML_PAGES);
	v.max_ns = 30000000;
	sim_run(&v, ms);
	ASSERT_LT(0, v.releases);
	/* from then on it reads */
	v.demand_pages_s = 0;
	slept_ns = v.slept_all_ns;
	sim_run(&v, ms);
	slept_ns = v.slept_all_ns - slept_ns;
	/* two logs, the one it was in the midst of, and what is late */
	ASSERT_LE(slept_ns, (2 * PML_PAGES + PML_PAGES) * NS_PER_S / 20000 + 2 * v.late_ns);
	slept_ns = v.slept_all_ns;
	sim_run(&v, ms);
	ASSERT_EQ(slept_ns, v.slept_all_ns);
}

/* Who wants more than its share gets it, if the bucket is large enough for sleeps that are late. */
TEST_F(quota, sim_gets_its_share)
{
	static const struct {
		__u64 demand_pages_s;
		__u64 rate_pages_s;
		bool pml;
		unsigned int late_ns;
	} cases[] = {
		{ 400000, 20000, true, 60000 },	   { 400000, 20000, false, 60000 },
		{ 2000, 1000, true, 60000 },	   { 700000, 500000, false, 60000 },
		{ 1000000, 800000, true, 600000 },
	};
	unsigned int i, burst_pages, ms = 10000;
	struct sim v;

	for (i = 0; i < 5; i++) {
		burst_pages = PML_PAGES + cases[i].rate_pages_s * cases[i].late_ns / NS_PER_S;
		sim_init(&v, cases[i].demand_pages_s, cases[i].rate_pages_s, cases[i].pml,
			 burst_pages);
		v.late_ns = cases[i].late_ns;
		sim_run(&v, ms);
		sim_log(&v, _metadata);
		ASSERT_LE(v.rate_pages_s * 10 * 95 / 100, v.dirtied);
		ASSERT_LE(v.x_max, x_limit(&v));
	}
}

#define NR_SIM 7

/* Every 100 ms: what each asks for, a share of the quota for it, and again. */
static void sim_share(struct sim *v, __u64 quota, unsigned int ms)
{
	__u64 demand[NR_SIM], share[NR_SIM], dirtied[NR_SIM], slept_ns[NR_SIM];
	unsigned int i, t;

	for (t = 0; t < ms; t += 100) {
		for (i = 0; i < NR_SIM; i++) {
			dirtied[i] = v[i].dirtied - v[i].logged;
			slept_ns[i] = v[i].slept_all_ns;
			sim_run(&v[i], 100);
			dirtied[i] = v[i].dirtied - v[i].logged - dirtied[i];
			slept_ns[i] = v[i].slept_all_ns - slept_ns[i];
			demand[i] = kvmeter_share_demand(dirtied[i], WINDOW_NS, slept_ns[i]);
		}
		kvmeter_share_fill(quota, demand, share, NR_SIM);
		for (i = 0; i < NR_SIM; i++)
			sim_set_rate(&v[i], share[i]);
	}
}

/* Together they keep to the quota, use it, and only those above their share are held back. */
TEST_F(quota, sim_of_a_vm)
{
	static const __u64 wants[NR_SIM] = { 300000, 0, 2000, 150000, 0, 9000, 80000 };
	__u64 quota = 61000, before[NR_SIM], slept_ns[NR_SIM], total = 0, level = 0, got;
	__u64 share[NR_SIM];
	struct sim v[NR_SIM];
	unsigned int i;

	kvmeter_share_fill(quota, wants, share, NR_SIM);
	for (i = 0; i < NR_SIM; i++) {
		sim_init(&v[i], wants[i], quota / NR_SIM, i % 2, 2 * PML_PAGES);
		level = share[i] > level ? share[i] : level;
	}
	sim_share(v, quota, 500);
	for (i = 0; i < NR_SIM; i++) {
		before[i] = v[i].dirtied;
		slept_ns[i] = v[i].slept_all_ns;
	}
	sim_share(v, quota, 2000);
	for (i = 0; i < NR_SIM; i++) {
		got = v[i].dirtied - before[i];
		slept_ns[i] = v[i].slept_all_ns - slept_ns[i];
		total += got;
		TH_LOG("wants %llu pages/s, may %llu, got %llu, slept %llu ns", wants[i], share[i],
		       got / 2, slept_ns[i]);
		if (wants[i] < level)
			EXPECT_EQ(0, slept_ns[i]);
		EXPECT_LE(share[i] * 2 * 90 / 100, got);
		EXPECT_LE(got, share[i] * 2 * 110 / 100 + 3 * PML_PAGES);
	}
	EXPECT_LE(total, 2 * quota + NR_SIM * 3 * PML_PAGES);
	EXPECT_LE(2 * quota * 95 / 100, total);
}

TEST_HARNESS_MAIN
