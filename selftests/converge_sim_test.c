// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot at work: simulated migrations (precopy.h) of guests that write much, little, late
 * or in bursts, over links that change, with devices that dirty too; against the project's goals.
 *
 * Needs neither root nor the module. The random numbers follow from CONVERGE_SEED in the
 * environment, or else from the time; each case prints what it began with.
 */
#include <stdio.h>

#include <kselftest_harness.h>

#include "precopy.h"
#include "random.h"

#define NONE KVMETER_CONVERGE_NONE
#define TIMEOUT_S 300 /* emulated */

static const char *const method_names[METHODS] = { "none", "auto", "limit", "gentle", "bytes" };

static double working_set(const struct setting *set)
{
	double pages = 0;
	unsigned int i;

	for (i = 0; i < SIM_VCPUS; i++)
		pages += set->vcpu[i].rate ? set->vcpu[i].pages : 0;
	return pages / SIM_PAGES;
}

static void sim_log(const struct sim *v, const char *name, struct __test_metadata *_metadata)
{
	TH_LOG("%-16s %-7s %-5s %6.3f time %6.3f bytes %4u rounds %4llu ms down %6.0f lost %u high",
	       name, v->set->deadline_ms ? "in time" : method_names[v->method],
	       v->done ? "done" : "NEVER", sim_time(v), sim_bytes(v), v->rounds,
	       v->downtime_ns / NS_PER_MS, sim_lost_ms(v), v->high);
}

FIXTURE(sim)
{
	struct sim v[METHODS];
};

FIXTURE_SETUP(sim)
{
	random_begin("CONVERGE_SEED");
	TH_LOG("CONVERGE_SEED=%llu", random_seed);
}

FIXTURE_TEARDOWN(sim)
{
}

/* Which is below what QEMU's own throttles take: they would begin at the second time. */
#define ASSERT_CONVERGES(v, time_limit, bytes_limit)                 \
	do {                                                         \
		ASSERT_TRUE((v)->done);                              \
		ASSERT_LE(sim_time(v), time_limit);                  \
		ASSERT_LE(sim_bytes(v), bytes_limit);                \
		ASSERT_GT(2, (v)->high);                             \
		ASSERT_EQ(NONE, (v)->d.quota);                       \
		ASSERT_GE(sim_downtime_max_ns(v), (v)->downtime_ns); \
	} while (0)

static void set_writer(struct setting *set, char *name, __u32 part, __u32 tenths, bool at_random)
{
	*set = (struct setting){ .noise_pct = 10 };
	set->vcpu[0] = (struct writer){
		.rate = SIM_BANDWIDTH * (__u64)tenths / 10,
		.pages = SIM_PAGES / part,
		.at_random = at_random,
	};
	sprintf(name, "%s 1/%u %u.%uB", at_random ? "random" : "seq", part, tenths / 10,
		tenths % 10);
}

/* The goals: working sets of 1/16, 1/4 and all of RAM, writers as fast as the link and faster. */
TEST_F_TIMEOUT(sim, writers_above_the_link, TIMEOUT_S)
{
	static const __u32 parts[] = { 16, 4, 1 }, tenths[] = { 10, 20, 40, 100, 500 };
	unsigned int i, k, at_random;
	struct setting set;
	char name[40];

	for (at_random = 0; at_random < 2; at_random++) {
		for (i = 0; i < 3; i++) {
			for (k = 0; k < 5; k++) {
				set_writer(&set, name, parts[i], tenths[k], at_random);
				sim_migrate(&self->v[0], &set, GENTLE);
				sim_log(&self->v[0], name, _metadata);
				ASSERT_CONVERGES(&self->v[0], 1 + 1.1 / parts[i],
						 1 + 1.1 / parts[i]);
				sim_migrate(&self->v[0], &set, BYTES);
				sim_log(&self->v[0], name, _metadata);
				ASSERT_CONVERGES(&self->v[0], 1.15, 1.15);
			}
		}
	}
}

/* Goal 2: half the bytes of auto-converge, 0.85 of those of dirty-limit. */
TEST_F_TIMEOUT(sim, fewer_bytes_than_stock_throttles, TIMEOUT_S)
{
	static const __u32 parts[] = { 8, 4, 1 };
	double bytes[METHODS];
	unsigned int i, m;
	struct setting set;
	char name[40];

	for (i = 0; i < 3; i++) {
		set_writer(&set, name, parts[i], 20, i == 2);
		for (m = AUTO_CONVERGE; m < METHODS; m++) {
			sim_migrate(&self->v[m], &set, m);
			sim_log(&self->v[m], name, _metadata);
			bytes[m] = sim_bytes(&self->v[m]);
		}
		for (m = GENTLE; m < METHODS; m++) {
			ASSERT_LE(bytes[m], 0.5 * bytes[AUTO_CONVERGE]);
			ASSERT_LE(bytes[m], 0.85 * bytes[DIRTY_LIMIT]);
		}
	}
}

/* It is the quota: without one these do not converge. */
TEST_F_TIMEOUT(sim, never_without, TIMEOUT_S)
{
	static const __u32 parts[] = { 16, 4 };
	struct setting set;
	unsigned int i;
	char name[40];

	for (i = 0; i < 2; i++) {
		set_writer(&set, name, parts[i], 20, i);
		sim_migrate(&self->v[0], &set, NOBODY);
		sim_log(&self->v[0], name, _metadata);
		ASSERT_FALSE(self->v[0].done);
	}
}

/* What converges by itself is left alone: idle, slow, with a small working set, or with bursts. */
TEST_F_TIMEOUT(sim, left_alone, TIMEOUT_S)
{
	static const struct {
		const char *name;
		struct writer w;
		bool bytes;
	} cases[] = {
		{ "idle", { .rate = 0, .pages = 1 }, true },
		{ "a little", { .rate = 500, .pages = 2000 }, true },
		{ "0.02B of all", { .rate = SIM_BANDWIDTH / 50, .pages = SIM_PAGES }, true },
		{ "1/64 often", { .rate = 4 * SIM_BANDWIDTH, .pages = SIM_PAGES / 64 }, false },
		{ "0.1B of all", { .rate = SIM_BANDWIDTH / 10, .pages = SIM_PAGES }, false },
		{ "0.4B of all",
		  { .rate = SIM_BANDWIDTH * 4 / 10, .pages = SIM_PAGES, .at_random = true },
		  false },
		{ "bursts of 2B",
		  { .rate = 2 * SIM_BANDWIDTH, .pages = SIM_PAGES, .rest_ms = 900 },
		  false },
	};
	struct setting set = { .noise_pct = 10 };
	unsigned int i, m;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set.vcpu[0] = cases[i].w;
		for (m = GENTLE; m < (cases[i].bytes ? METHODS : BYTES); m++) {
			sim_migrate(&self->v[m], &set, m);
			sim_log(&self->v[m], cases[i].name, _metadata);
			ASSERT_CONVERGES(&self->v[m], 2.1, 2.1);
			ASSERT_EQ(0, sim_stalled_ns(&self->v[m]));
			if (m == GENTLE)
				ASSERT_EQ(0, self->v[m].quota_ms);
		}
	}
}

/*
 * Below the link's speed: left alone, held from the beginning, or when it is seen that rounds do
 * not shrink as they should. What is left alone is sent 16/9 times at most.
 */
TEST_F_TIMEOUT(sim, writers_near_the_link, TIMEOUT_S)
{
	static const __u32 parts[] = { 16, 4, 1 }, tenths[] = { 5, 7, 9 };
	unsigned int i, k;
	struct setting set;
	double limit;
	char name[40];

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 6; k++) {
			set_writer(&set, name, parts[i], tenths[k % 3], k / 3);
			limit = 1 + 16. / 9 / parts[i];
			sim_migrate(&self->v[0], &set, GENTLE);
			sim_log(&self->v[0], name, _metadata);
			ASSERT_CONVERGES(&self->v[0], limit, limit);
			sim_migrate(&self->v[0], &set, BYTES);
			sim_log(&self->v[0], name, _metadata);
			ASSERT_CONVERGES(&self->v[0], 1.15, 1.15);
		}
	}
}

/* Two that write, one that reads, one that writes little: only the first two are held back. */
TEST_F_TIMEOUT(sim, two_writers_and_readers, TIMEOUT_S)
{
	struct setting set = {
		.vcpu = {
			{ .rate = 4 * SIM_BANDWIDTH, .pages = SIM_PAGES / 8 },
			{ .rate = 0, .pages = 1 },
			{ .rate = SIM_BANDWIDTH, .pages = SIM_PAGES / 8, .first = SIM_PAGES / 2,
			  .at_random = true },
			{ .rate = 150, .pages = 2000, .first = SIM_PAGES / 4, .at_random = true },
		},
		.noise_pct = 20,
	};
	struct sim *v = &self->v[0];
	unsigned int m;

	for (m = GENTLE; m < METHODS; m++) {
		sim_migrate(v, &set, m);
		sim_log(v, "two and two", _metadata);
		ASSERT_CONVERGES(v, m == GENTLE ? 1 + 1.1 * working_set(&set) : 1.15,
				 m == GENTLE ? 1 + 1.1 * working_set(&set) : 1.15);
		ASSERT_EQ(0, v->vcpu[1].stalled_ns);
		ASSERT_EQ(0, v->vcpu[3].stalled_ns);
		ASSERT_LT(NS_PER_S, v->vcpu[0].stalled_ns);
		ASSERT_LT(NS_PER_S, v->vcpu[2].stalled_ns);
	}
}

/*
 * Who writes faster than the link loses least by being stopped until what there is to send is sent:
 * the working set, and what the first round leaves, 300 ms. Gentle is near that. Dirty-limit finds
 * in what its rounds leave the pages of the working set, so for it these do not come on top.
 */
TEST_F_TIMEOUT(sim, writers_lose_least, TIMEOUT_S)
{
	struct setting set;
	double least_ms;
	char name[40];

	set_writer(&set, name, 4, 40, false);
	set.noise_pct = 0;
	sim_migrate(&self->v[0], &set, GENTLE);
	sim_log(&self->v[0], name, _metadata);
	least_ms = SIM_PAGES / 4 * 1e3 / SIM_BANDWIDTH;
	ASSERT_LE(sim_lost_ms(&self->v[0]), 1.05 * least_ms);
	sim_migrate(&self->v[1], &set, DIRTY_LIMIT);
	sim_log(&self->v[1], name, _metadata);
	ASSERT_LE(sim_lost_ms(&self->v[0]), 1.05 * sim_lost_ms(&self->v[1]) + 300);
	sim_migrate(&self->v[2], &set, AUTO_CONVERGE);
	sim_log(&self->v[2], name, _metadata);
	ASSERT_LE(2 * sim_lost_ms(&self->v[0]), sim_lost_ms(&self->v[2]));
	/* in time for longer than it takes: a looser quota */
	set.deadline_ms = 12000;
	sim_migrate(&self->v[3], &set, GENTLE);
	sim_log(&self->v[3], name, _metadata);
	ASSERT_LE(1.1 * sim_lost_ms(&self->v[0]), sim_lost_ms(&self->v[3]));
}

/* A link that becomes slower or faster, in the first round or later, or is off by a lot. */
TEST_F_TIMEOUT(sim, links, TIMEOUT_S)
{
	static const struct {
		const char *name;
		__u32 change_ms, change_pct, noise_pct;
	} cases[] = {
		{ "slower at 4 s", 4000, 25, 10 },  { "slower at 8.5 s", 8500, 20, 10 },
		{ "faster at 4 s", 4000, 400, 10 }, { "faster at 8.5 s", 8500, 1000, 10 },
		{ "noise of 80 %", 0, 100, 80 },
	};
	struct setting set;
	unsigned int i, m;
	double limit;
	char name[40];

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_writer(&set, name, 4, 40, i % 2);
		set.change_ms = cases[i].change_ms;
		set.change_pct = cases[i].change_pct;
		set.noise_pct = cases[i].noise_pct;
		for (m = GENTLE; m < METHODS; m++) {
			sim_migrate(&self->v[m], &set, m);
			sim_log(&self->v[m], cases[i].name, _metadata);
			limit = m == GENTLE ? 1.275 : 1.15;
			ASSERT_TRUE(self->v[m].done);
			ASSERT_LE(sim_bytes(&self->v[m]), limit);
			ASSERT_GT(2, self->v[m].high);
			ASSERT_FALSE(self->v[m].whys & 1ULL << KVMETER_WHY_NO_HELP);
		}
	}
}

/* Told to auto-converge, QEMU reads the log within its rounds too: the quota stays what it is. */
TEST_F_TIMEOUT(sim, reads_within_rounds, TIMEOUT_S)
{
	struct setting set;
	unsigned int i, m;
	char name[40];

	for (i = 0; i < 2; i++) {
		set_writer(&set, name, 1, 40, false);
		set.reads_between = true;
		set.change_ms = 7500;
		set.change_pct = i ? 25 : 100;
		for (m = GENTLE; m < METHODS; m++) {
			sim_migrate(&self->v[m], &set, m);
			sim_log(&self->v[m], name, _metadata);
			ASSERT_CONVERGES(&self->v[m], m == GENTLE ? 2.1 : 1.15,
					 m == GENTLE ? 2.1 : 1.15);
			ASSERT_FALSE(self->v[m].whys & 1ULL << KVMETER_WHY_NO_HELP);
		}
	}
}

/* The first round is over in no time: what it says of the bandwidth is four times too much. */
TEST_F_TIMEOUT(sim, zero_pages, TIMEOUT_S)
{
	struct setting set;
	unsigned int m;
	char name[40];

	set_writer(&set, name, 4, 40, false);
	set.zero_pages = SIM_PAGES / 4 * 3;
	for (m = GENTLE; m < METHODS; m++) {
		sim_migrate(&self->v[m], &set, m);
		sim_log(&self->v[m], "zero pages", _metadata);
		/* 1/4 of RAM once, and once more */
		ASSERT_CONVERGES(&self->v[m], 0.56, 0.56);
	}
}

/* It is told nothing of the limit: with a larger one it is over sooner, otherwise later. */
TEST_F_TIMEOUT(sim, downtime_limits, TIMEOUT_S)
{
	static const __u32 limits_ms[] = { 3000, 1000, 300, 100 };
	struct setting set;
	unsigned int i;
	char name[40];

	for (i = 0; i < 4; i++) {
		set_writer(&set, name, 4, 40, false);
		set.downtime_ms = limits_ms[i];
		sim_migrate(&self->v[i], &set, GENTLE);
		sim_log(&self->v[i], name, _metadata);
		ASSERT_TRUE(self->v[i].done);
		ASSERT_LE(sim_time(&self->v[i]), 1.275);
		ASSERT_LE(self->v[i].downtime_ns, sim_downtime_max_ns(&self->v[i]));
		if (i)
			ASSERT_LE(self->v[i - 1].ms * 95 / 100, self->v[i].ms);
	}
	/* and one that is thought to be met: patience ends */
	set_writer(&set, name, 40, 40, true);
	set.downtime_ms = 50;
	sim_migrate(&self->v[0], &set, GENTLE);
	sim_log(&self->v[0], name, _metadata);
	ASSERT_TRUE(self->v[0].done);
	ASSERT_TRUE(self->v[0].whys & 1ULL << KVMETER_WHY_BY_ITSELF);
	ASSERT_LT(0, self->v[0].quota_ms);
}

/* One that sleeps until the last round is about to be over. */
TEST_F_TIMEOUT(sim, writer_that_begins_later, TIMEOUT_S)
{
	struct setting set;
	unsigned int m;
	char name[40];

	set_writer(&set, name, 4, 20, false);
	set.vcpu[1] = (struct writer){ .rate = SIM_BANDWIDTH / 5,
				       .pages = SIM_PAGES / 2,
				       .first = SIM_PAGES / 2 };
	set.vcpu[0].begin_ms = 8500;
	for (m = GENTLE; m < METHODS; m++) {
		sim_migrate(&self->v[m], &set, m);
		sim_log(&self->v[m], "begins late", _metadata);
		ASSERT_CONVERGES(&self->v[m], 1.6, 1.6);
	}
	ASSERT_LT(0, self->v[GENTLE].quota_ms);
}

/* A device that dirties more than can be sent: says so, and lets the vCPUs go. */
TEST_F_TIMEOUT(sim, device_too_fast, TIMEOUT_S)
{
	struct sim *v = &self->v[0];
	struct setting set;
	char name[40];

	set_writer(&set, name, 16, 20, false);
	set.device = (struct writer){ .rate = SIM_BANDWIDTH * 3 / 2,
				      .pages = SIM_PAGES / 2,
				      .first = SIM_PAGES / 2 };
	sim_migrate(v, &set, GENTLE);
	sim_log(v, "device 1.5B", _metadata);
	ASSERT_FALSE(v->done);
	ASSERT_TRUE(v->whys & 1ULL << KVMETER_WHY_NO_HELP);
	ASSERT_EQ(NONE, v->c.quota);
	/* no longer than it takes to see three rounds */
	ASSERT_LE(v->quota_ms, 5 * 8000);
}

/* One that dirties half as much as can be sent: that a quota helps is not doubted. */
TEST_F_TIMEOUT(sim, device_not_too_fast, TIMEOUT_S)
{
	struct setting set;
	unsigned int m;
	char name[40];

	for (m = GENTLE; m < METHODS; m++) {
		set_writer(&set, name, 4, 20, false);
		set.device = (struct writer){ .rate = SIM_BANDWIDTH / 2,
					      .pages = SIM_PAGES / 2,
					      .first = SIM_PAGES / 2 };
		sim_migrate(&self->v[m], &set, m);
		sim_log(&self->v[m], "device 0.5B", _metadata);
		ASSERT_TRUE(self->v[m].done);
		ASSERT_FALSE(self->v[m].whys & 1ULL << KVMETER_WHY_NO_HELP);
	}
}

/*
 * A vCPU that may be parked for 98 ms of 100 dirties what it can in the rest: 2 % of four
 * times the bandwidth do no harm, and of fifty times it are as much as is sent.
 */
TEST_F_TIMEOUT(sim, bound_on_stalls, TIMEOUT_S)
{
	static const __u32 tenths[] = { 40, 100, 500 };
	struct setting set;
	unsigned int i;
	char name[40];

	for (i = 0; i < 3; i++) {
		set_writer(&set, name, 1, tenths[i], false);
		set.park_pct = 98;
		sim_migrate(&self->v[i], &set, GENTLE);
		sim_log(&self->v[i], name, _metadata);
		ASSERT_EQ(i < 2, self->v[i].done);
		ASSERT_EQ(i == 2, !!(self->v[i].whys & 1ULL << KVMETER_WHY_NOT_KEPT));
	}
}

/* In time, with the loosest quota that does it; and if that cannot be, it says so. */
TEST_F_TIMEOUT(sim, deadlines, TIMEOUT_S)
{
	static const __u32 deadlines_ms[] = { 9500, 11500, 14000, 20000 };
	struct setting set;
	unsigned int i;
	char name[40];

	for (i = 0; i < 4; i++) {
		set_writer(&set, name, 4, 40, false);
		set.deadline_ms = deadlines_ms[i];
		sim_migrate(&self->v[i], &set, GENTLE);
		sim_log(&self->v[i], name, _metadata);
		ASSERT_TRUE(self->v[i].done);
		if (i) {
			ASSERT_LE(self->v[i].ms + self->v[i].downtime_ns / NS_PER_MS,
				  deadlines_ms[i]);
			ASSERT_LE(self->v[i - 1].ms * 95 / 100, self->v[i].ms);
		}
		ASSERT_EQ(!i, !!(self->v[i].whys & 1ULL << KVMETER_WHY_LATE));
	}
}

TEST_HARNESS_MAIN
