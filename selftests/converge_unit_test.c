// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of the autopilot, rule by rule, on rounds that are written down here.
 * converge_sim_test.c has all of them together. Needs neither root nor the module.
 */
#include <kselftest_harness.h>

#include "../kmod/converge.h"
#include "random.h"

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL
#define NONE KVMETER_CONVERGE_NONE
#define PAGES_MAX KVMETER_CONVERGE_PAGES_MAX

/**
 * struct script - rounds as a case writes them down
 * @c: what is tested
 * @seen: what it has seen so far
 * @d: what it decided last
 */
struct script {
	struct kvmeter_converge c;
	struct kvmeter_converge_seen seen;
	struct kvmeter_converge_decision d;
};

#define RAM 100000
#define BEGIN_NS (7 * NS_PER_S)

/* 100,000 pages; in most cases 10,000 of them can be sent per second. */
static void begin(struct script *s, __u32 goal, __u64 deadline_ns, __u64 bandwidth)
{
	struct kvmeter_converge_config config = {
		.goal = goal,
		.mode = KVMETER_AUTOCONVERGE_ON,
		.ram_pages = RAM,
		.deadline_ns = deadline_ns,
		.bandwidth = bandwidth,
	};

	s->seen = (struct kvmeter_converge_seen){ .now_ns = BEGIN_NS, .dirtied_pages = 77 };
	kvmeter_converge_begin(&s->c, &config, &s->seen);
	kvmeter_converge_decide(&s->c, &s->seen, &s->d);
}

static void begin_gentle(struct script *s)
{
	begin(s, KVMETER_GOAL_GENTLE, 0, 0);
}

/* Time passes, in which so many pages are dirtied: at once or as time goes. */
static void pass(struct script *s, __u64 ms, __u64 at_once, __u64 evenly)
{
	__u64 end_ns = s->seen.now_ns + ms * NS_PER_MS, left = ms;

	s->seen.dirtied_pages += at_once;
	while (s->seen.now_ns < end_ns) {
		ms = left < 100 ? left : 100;
		s->seen.now_ns += ms * NS_PER_MS;
		s->seen.dirtied_pages += evenly * ms / left;
		evenly -= evenly * ms / left;
		left -= ms;
		kvmeter_converge_decide(&s->c, &s->seen, &s->d);
	}
}

static void next_round(struct script *s, __u64 to_send)
{
	kvmeter_converge_add_round(&s->c, &s->seen, to_send);
	kvmeter_converge_decide(&s->c, &s->seen, &s->d);
}

/* The first round, at 10,000 pages/s: QEMU leaves what it can send in the downtime. */
static void first_round(struct script *s, __u64 at_once, __u64 evenly)
{
	pass(s, 9700, at_once, evenly);
	next_round(s, at_once + evenly);
}

#define ASSERT_NONE(s, reason)                 \
	do {                                   \
		ASSERT_EQ(reason, (s)->d.why); \
		ASSERT_EQ(NONE, (s)->d.quota); \
	} while (0)

#define ASSERT_QUOTA(s, reason, pages_s)                   \
	do {                                               \
		ASSERT_EQ(reason, (s)->d.why);             \
		ASSERT_EQ((__u64)(pages_s), (s)->d.quota); \
	} while (0)

TEST(nothing_without_a_migration)
{
	struct script s = {};

	kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	ASSERT_NONE(&s, KVMETER_WHY_IDLE);
	/* a round of none is no round */
	next_round(&s, 1000);
	ASSERT_NONE(&s, KVMETER_WHY_IDLE);
	ASSERT_EQ(0, s.d.round);
}

TEST(gentle_first_round_is_free)
{
	struct script s;

	begin_gentle(&s);
	ASSERT_NONE(&s, KVMETER_WHY_FIRST_ROUND);
	pass(&s, 9700, RAM, 0);
	ASSERT_NONE(&s, KVMETER_WHY_FIRST_ROUND);
	ASSERT_EQ(1, s.d.round);
	next_round(&s, RAM);
	/* 100,000 pages less those of 300 ms, in 9.7 s: 10,000 pages/s */
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 10000 / 32);
	ASSERT_EQ(10000, s.d.bandwidth);
	ASSERT_EQ(2, s.d.round);
}

TEST(gentle_holds_a_working_set)
{
	struct script s;

	/* 5,000 pages, rewritten all the time: each round would have as many, and last 0.5 s */
	begin_gentle(&s);
	first_round(&s, 5000, 0);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
	/* until the end, even if it writes no more */
	pass(&s, 500, 0, 156);
	next_round(&s, 156);
	ASSERT_EQ(KVMETER_WHY_HOLD, s.d.why);
	ASSERT_LT(0, s.d.quota);
}

TEST(gentle_leaves_alone_what_can_be_stopped)
{
	struct script s;

	/* what there is to send fits into the downtime, though it is rewritten all the time */
	begin_gentle(&s);
	first_round(&s, 2900, 0);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	/* and so does what there will be after 4,900 pages, in 490 ms */
	begin_gentle(&s);
	first_round(&s, 2900, 2000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

/* d < B: by itself, if each round is at most 7/16 of the one before. */
TEST(gentle_leaves_alone_what_shrinks)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, 0, 9700 * 42 / 10);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	begin_gentle(&s);
	first_round(&s, 0, 9700 * 46 / 10);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
}

/* One that dirties much once in a while is judged by what that comes to over a round. */
TEST(gentle_knows_bursts)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	for (i = 0; i < 9; i++) {
		pass(&s, 100, 3000, 0);
		pass(&s, 900, 0, 0);
	}
	pass(&s, 700, 0, 0);
	/* within 100 ms three times the bandwidth, but 0.3 of it in a second */
	next_round(&s, 27000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	/* the round after: as long as all is well */
	pass(&s, 2700, 9000, 0);
	next_round(&s, 9000);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
}

/* What is dirtied before and after the log was read is not dirtied in one time from clean. */
TEST(gentle_counts_from_clean)
{
	struct script s;

	begin_gentle(&s);
	pass(&s, 9600, 0, 3000);
	pass(&s, 50, 2000, 0);
	pass(&s, 50, 0, 0);
	next_round(&s, 5000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	/* 5,000 pages take 500 ms, in which 2,000 are dirtied, not 4,000 */
	pass(&s, 50, 2000, 0);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

/* Asked once a second, it does not take what it sees for a burst. */
TEST(gentle_asked_late)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	for (i = 0; i < 9; i++) {
		s.seen.now_ns += NS_PER_S;
		s.seen.dirtied_pages += 4000;
		kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	}
	s.seen.now_ns += 700 * NS_PER_MS;
	s.seen.dirtied_pages += 2800;
	next_round(&s, 38800);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

TEST(gentle_sees_who_begins_later)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, 0, 20000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	pass(&s, 500, 0, 1000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	/* a burst of 700 ms at four times the bandwidth is seen after two times 100 ms */
	pass(&s, 200, 0, 8000);
	ASSERT_EQ(KVMETER_WHY_HOLD, s.d.why);
	ASSERT_EQ(312, s.d.quota);
}

/* That it converges by itself is not believed for ever: here the limit is less than thought. */
TEST(gentle_loses_patience)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	first_round(&s, 2500, 0);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	for (i = 0; i < 4; i++) {
		pass(&s, 250, 2500, 0);
		next_round(&s, 2500);
		ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	}
	/* 1 s, and four times the 0.25 s that it took to send them once */
	for (; i < 9; i++) {
		pass(&s, 250, 2500, 0);
		next_round(&s, 2500);
	}
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
}

/* The limit is told: the same guest needs help, or does not. */
TEST(downtime_is_what_it_is_told)
{
	struct script s;

	begin_gentle(&s);
	s.c.config.downtime_ns = 100 * NS_PER_MS;
	pass(&s, 9900, 2500, 0);
	next_round(&s, 2500);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
	begin_gentle(&s);
	s.c.config.downtime_ns = 1000 * NS_PER_MS;
	pass(&s, 9000, 9000, 0);
	next_round(&s, 9000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

TEST(bandwidth_of_whole_rounds)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, RAM, 0);
	ASSERT_EQ(10000, s.d.bandwidth);
	/* a second round at 8,000 pages/s */
	pass(&s, 12500, 0, 0);
	next_round(&s, 40000);
	ASSERT_EQ(8000, s.d.bandwidth);
	pass(&s, 5000, 0, 0);
	next_round(&s, 600);
	ASSERT_EQ(8000, s.d.bandwidth);
	/* a short one tells little: 600 pages in 20 ms are what was left of a portion */
	pass(&s, 20, 0, 0);
	next_round(&s, 600);
	ASSERT_EQ(8000, s.d.bandwidth);
	pass(&s, 180, 0, 0);
	next_round(&s, 2640);
	ASSERT_EQ(8000, s.d.bandwidth);
	/* 600 + 600 + 2,640 pages in 20 + 180 + 300 ms */
	pass(&s, 300, 0, 0);
	next_round(&s, 100);
	ASSERT_EQ(7680, s.d.bandwidth);
}

/* 60,000 zero pages: round 1 looks 2.5 times as fast as it is. */
TEST(bandwidth_of_zero_pages)
{
	struct script s;

	begin_gentle(&s);
	pass(&s, 3700, 20000, 0);
	next_round(&s, 20000);
	ASSERT_EQ(25000, s.d.bandwidth);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 25000 / 32);
	/* 20,000 pages take 2 s, not 0.8 s: that is seen before they are through */
	pass(&s, 1600, 0, 0);
	ASSERT_EQ(12500, s.d.bandwidth);
	ASSERT_EQ(12500 / 32, s.d.quota);
	pass(&s, 400, 0, 1600);
	next_round(&s, 1600);
	ASSERT_EQ(10000, s.d.bandwidth);
}

TEST(bandwidth_of_a_link_that_changes)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, RAM, 0);
	/* a tenth of what it was: the quota follows while the round goes on */
	pass(&s, 20000, 0, 0);
	ASSERT_EQ(5000, s.d.bandwidth);
	pass(&s, 80000, 0, 0);
	ASSERT_EQ(1000, s.d.bandwidth);
	ASSERT_EQ(1000 / 32, s.d.quota);
	next_round(&s, 3000);
	ASSERT_EQ(1000, s.d.bandwidth);
	/* and four times what it was at first, which is believed when it is seen twice */
	pass(&s, 75, 0, 0);
	next_round(&s, 20000);
	pass(&s, 500, 0, 0);
	next_round(&s, 20000);
	ASSERT_EQ(1000, s.d.bandwidth);
	pass(&s, 500, 0, 0);
	next_round(&s, 2000);
	ASSERT_EQ(40000, s.d.bandwidth);
}

/* What a device dirties in 5 s is a tenth of what is sent, though it is all that the log has. */
TEST(helpless_is_not_a_read_within_a_round)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	pass(&s, 19700, RAM, 0);
	next_round(&s, RAM);
	for (i = 0; i < 4; i++) {
		pass(&s, 5000, 0, 0);
		next_round(&s, 2500);
		ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
		ASSERT_EQ(5000, s.d.bandwidth);
	}
}

/* Of 100,000 pages half are sent when QEMU reads the log, and again; then all are. */
TEST(bandwidth_of_reads_within_a_round)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	first_round(&s, RAM, 0);
	for (i = 0; i < 2; i++) {
		pass(&s, 5000, 0, 1500);
		next_round(&s, 1500 + 6000);
		/* 6,000 of them are not the vCPUs', of 50,000 that were sent */
		ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
		ASSERT_EQ(10000, s.d.bandwidth);
	}
	/* 115,000 in 11.5 s */
	pass(&s, 1500, 0, 400);
	next_round(&s, 400);
	ASSERT_EQ(10000, s.d.bandwidth);
	ASSERT_EQ(0, s.c.pool_ns);
}

/* Nothing at all gets through. */
TEST(bandwidth_of_nothing)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, RAM, 0);
	pass(&s, 10000, 0, 0);
	next_round(&s, 0);
	pass(&s, 600, 0, 0);
	next_round(&s, 0);
	pass(&s, 600, 0, 0);
	ASSERT_NONE(&s, KVMETER_WHY_BANDWIDTH);
	ASSERT_EQ(0, s.d.bandwidth);
	/* nor is it said that a quota is not kept where there is none */
	begin_gentle(&s);
	first_round(&s, RAM, 0);
	pass(&s, 10000, 0, 0);
	next_round(&s, 0);
	pass(&s, 600, 0, 30000);
	next_round(&s, 30000);
	ASSERT_NONE(&s, KVMETER_WHY_BANDWIDTH);
	/* of a link so slow that a 32nd of it is less than any quota */
	begin_gentle(&s);
	pass(&s, 1000000, RAM, 0);
	next_round(&s, RAM);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, KVMETER_CONVERGE_QUOTA_MIN);
}

/* One that should have sent all in 3 s: nobody is held back for it after 10 s and 16 times that. */
TEST(bandwidth_of_a_dead_link)
{
	static const __u32 goals[] = { KVMETER_GOAL_GENTLE, KVMETER_GOAL_BYTES,
				       KVMETER_GOAL_DEADLINE };
	struct script s;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		begin(&s, goals[i], i == 2 ? 60 * NS_PER_S : 0, 0);
		first_round(&s, 30000, 0);
		pass(&s, 58000, 0, 0);
		ASSERT_LT(0, s.d.quota);
		pass(&s, 100, 0, 0);
		ASSERT_NONE(&s, KVMETER_WHY_BANDWIDTH);
		pass(&s, 100000, 30000, 0);
		ASSERT_NONE(&s, KVMETER_WHY_BANDWIDTH);
		/* It sends again. */
		next_round(&s, 30000);
		ASSERT_LT(0, s.d.quota);
	}
}

/* Who dirties less than a 20th of RAM is never near its quota, however long the round takes. */
TEST(bytes_first_half_of_the_budget_is_free)
{
	struct script s;
	unsigned int i;

	begin(&s, KVMETER_GOAL_BYTES, 0, 0);
	ASSERT_EQ(KVMETER_WHY_BUDGET, s.d.why);
	for (i = 0; i < 1000; i++) {
		ASSERT_LT(40, s.d.quota / 10);
		pass(&s, 1000, 0, 4);
	}
	first_round(&s, 0, 0);
}

/* However fast it writes: a tenth of RAM in a round of any length. */
TEST(bytes_budget_lasts)
{
	static const unsigned int seconds[] = { 1, 2, 8, 60, 600, 3600 };
	unsigned int i, k, steps;
	struct script s;
	__u64 used;

	for (i = 0; i < 6; i++) {
		begin(&s, KVMETER_GOAL_BYTES, 0, 0);
		for (k = 0; k < seconds[i] * 10; k++)
			pass(&s, 100, 0, s.d.quota / 10);
		used = s.seen.dirtied_pages - 77;
		TH_LOG("%u s: %llu of %u pages, %llu/s", seconds[i], used, RAM, s.d.quota);
		ASSERT_LE(used, RAM / 10 + seconds[i] * KVMETER_CONVERGE_QUOTA_MIN);
		ASSERT_LE(RAM / 25, used);
		ASSERT_LE(KVMETER_CONVERGE_QUOTA_MIN, s.d.quota);
		steps = k;
	}
	ASSERT_EQ(36000, steps);
	/* what was let out all at once is over */
	begin(&s, KVMETER_GOAL_BYTES, 0, 0);
	pass(&s, 100, RAM / 10 + 1, 0);
	ASSERT_QUOTA(&s, KVMETER_WHY_BUDGET, KVMETER_CONVERGE_QUOTA_MIN);
}

/* In the first round nobody sees what a vCPU wants that is held back: it goes on to be. */
TEST(bytes_goes_on_holding)
{
	struct script s;

	begin(&s, KVMETER_GOAL_BYTES, 0, 0);
	pass(&s, 9700, 0, 4000);
	next_round(&s, 4000);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	begin(&s, KVMETER_GOAL_BYTES, 0, 0);
	s.seen.stalled_ns = 5;
	pass(&s, 9700, 0, 4000);
	next_round(&s, 4000);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 10000 / 64);
}

/* What gentle leaves alone would be a third more bytes than there are. */
TEST(bytes_is_less_patient)
{
	struct script s;

	begin(&s, KVMETER_GOAL_BYTES, 0, 0);
	first_round(&s, 0, 9700 * 5 / 2);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 10000 / 64);
	begin_gentle(&s);
	first_round(&s, 0, 9700 * 5 / 2);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
	begin(&s, KVMETER_GOAL_BYTES, 0, 0);
	first_round(&s, 0, 9700);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

TEST(deadline_is_the_largest_in_time)
{
	struct script s;

	/* 50,000 pages, and 23 s left of which an eighth is kept back: B - 50,000 / 20.125 s */
	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 23 * NS_PER_S, 0);
	ASSERT_NONE(&s, KVMETER_WHY_FIRST_ROUND);
	pass(&s, 8000, 50000, 0);
	/* a quarter of the time is over, and who knows */
	ASSERT_NONE(&s, KVMETER_WHY_FIRST_ROUND);
	pass(&s, 1700, 0, 0);
	ASSERT_EQ(KVMETER_WHY_BUDGET, s.d.why);
	next_round(&s, 50000);
	ASSERT_EQ(KVMETER_WHY_IN_TIME, s.d.why);
	/* below the half at which auto-converge begins */
	ASSERT_EQ(10000 / 16 * 7, s.d.quota);
	/* 8 s left, 7 s to plan with: 10,000 - 50,000 / 7 s */
	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 8 * NS_PER_S, 0);
	first_round(&s, 50000, 0);
	ASSERT_QUOTA(&s, KVMETER_WHY_IN_TIME, 10000 - 7142);
	/* it is done in time if that is used up */
	pass(&s, 5000, 0, 5 * 2858);
	next_round(&s, 5 * 2858);
	ASSERT_EQ(KVMETER_WHY_IN_TIME, s.d.why);
	ASSERT_LE(2857, s.d.quota);
}

TEST(deadline_that_nothing_makes)
{
	struct script s;

	begin(&s, KVMETER_GOAL_DEADLINE, 14 * NS_PER_S, 0);
	first_round(&s, 50000, 0);
	ASSERT_QUOTA(&s, KVMETER_WHY_LATE, 10000 / 32);
	/* when it is over, it is over */
	pass(&s, 10000, 0, 0);
	ASSERT_EQ(KVMETER_WHY_LATE, s.d.why);
	/* known from the beginning, if the bandwidth is */
	begin(&s, KVMETER_GOAL_DEADLINE, 9 * NS_PER_S, 10000);
	ASSERT_EQ(KVMETER_WHY_LATE, s.d.why);
}

/* What is dirtied in a round is part of what is to be sent; so is what it has not sent yet. */
TEST(deadline_within_a_round)
{
	struct script s;

	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 8 * NS_PER_S, 0);
	first_round(&s, 50000, 0);
	/* 25,000 + 20,000 pages in 7/8 of the 5.5 s that are left */
	pass(&s, 2500, 0, 20000);
	ASSERT_QUOTA(&s, KVMETER_WHY_IN_TIME, 10000 - 9350);
}

/* Less than a 64th of the bandwidth is as good as none. */
TEST(deadline_just_missed)
{
	struct script s;

	/* 50,000 pages take 5 s of 5.05 s: 99 pages/s are left */
	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 5772 * NS_PER_MS, 0);
	first_round(&s, 50000, 0);
	ASSERT_QUOTA(&s, KVMETER_WHY_LATE, 10000 / 32);
	/* 5.1 s: 197 */
	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 5829 * NS_PER_MS, 0);
	first_round(&s, 50000, 0);
	ASSERT_EQ(KVMETER_WHY_IN_TIME, s.d.why);
	ASSERT_GT(10000 / 32, s.d.quota);
}

/* It would converge by itself, but twice of what there is to send is not in time. */
TEST(deadline_too_near_to_wait)
{
	struct script s;

	/* 40,740 pages take 4.07 s: more than half of 7/8 of 9 s, less than that of 9.6 s */
	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 9000 * NS_PER_MS, 0);
	first_round(&s, 0, 9700 * 42 / 10);
	ASSERT_EQ(KVMETER_WHY_IN_TIME, s.d.why);
	begin(&s, KVMETER_GOAL_DEADLINE, 9700 * NS_PER_MS + 9600 * NS_PER_MS, 0);
	first_round(&s, 0, 9700 * 42 / 10);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

/* With the bandwidth given, the first round is part of the plan. */
TEST(deadline_with_a_bandwidth)
{
	struct script s;

	/* 100,000 pages in 14 s: 10,000 - 100,000 / 14 */
	begin(&s, KVMETER_GOAL_DEADLINE, 16 * NS_PER_S, 10000);
	ASSERT_QUOTA(&s, KVMETER_WHY_IN_TIME, 10000 - 7142);
	/* and if it keeps to that, it stays so */
	pass(&s, 9000, 0, 9 * 2857);
	ASSERT_LE(2857, s.d.quota);
	ASSERT_EQ(KVMETER_WHY_IN_TIME, s.d.why);
}

TEST(deadline_that_takes_no_quota)
{
	struct script s;

	begin(&s, KVMETER_GOAL_DEADLINE, 60 * NS_PER_S, 0);
	first_round(&s, 0, 9700);
	ASSERT_NONE(&s, KVMETER_WHY_BY_ITSELF);
}

/* Rounds of which vCPUs dirty nothing, and yet as much as was sent. */
TEST(helpless_if_others_dirty)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	pass(&s, 9700, 60, 0);
	next_round(&s, 20000);
	for (i = 0; i < 2; i++) {
		pass(&s, 2000, 60, 0);
		next_round(&s, 20000);
		ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
	}
	pass(&s, 2000, 60, 0);
	next_round(&s, 20000);
	ASSERT_NONE(&s, KVMETER_WHY_NO_HELP);
	/* it ends; not for the first round that is otherwise */
	pass(&s, 2000, 60, 0);
	next_round(&s, 5000);
	ASSERT_NONE(&s, KVMETER_WHY_NO_HELP);
	pass(&s, 500, 60, 0);
	next_round(&s, 1000);
	ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
}

/* Neither bad nor good: it stays what it is. */
TEST(helpless_has_hysteresis)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	first_round(&s, 20000, 0);
	for (i = 0; i < 3; i++) {
		pass(&s, 2000, 8000, 0);
		next_round(&s, 8000 + 12000);
		ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
	}
	for (i = 0; i < 3; i++) {
		pass(&s, 2000, 2000, 0);
		next_round(&s, 2000 + 18000);
	}
	ASSERT_NONE(&s, KVMETER_WHY_NO_HELP);
	for (i = 0; i < 3; i++) {
		pass(&s, 2000, 8000, 0);
		next_round(&s, 8000 + 12000);
		ASSERT_NONE(&s, KVMETER_WHY_NO_HELP);
	}
}

TEST(helpless_twice_is_final)
{
	struct script s;
	unsigned int i, k;

	begin_gentle(&s);
	first_round(&s, 20000, 0);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 3; i++) {
			pass(&s, 2000, 0, 0);
			next_round(&s, 20000);
		}
		ASSERT_NONE(&s, KVMETER_WHY_NO_HELP);
		for (i = 0; i < 2; i++) {
			pass(&s, 2000, 20000, 0);
			next_round(&s, 20000);
		}
		ASSERT_EQ(k == 1, s.d.why == KVMETER_WHY_NO_HELP);
	}
}

/* Device DMA at 0.2 of the bandwidth, and a link that falls to a third: it converges still. */
TEST(helpless_is_not_a_slow_link)
{
	__u64 bandwidth = 10000, pages, ms;
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	first_round(&s, 30000, 0);
	pages = 30000;
	for (i = 0; i < 9; i++) {
		if (i == 1)
			bandwidth /= 3;
		ms = pages * 1000 / bandwidth;
		/* its own, and what the vCPUs may */
		pages = ms * 2 + 100;
		pass(&s, ms, 0, 100);
		next_round(&s, pages);
		ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
	}
	/* no DMA at all, and rounds that get longer and longer: vCPUs are not kept to the quota */
	begin_gentle(&s);
	first_round(&s, 30000, 0);
	for (i = 0; i < 7; i++) {
		pass(&s, 3000 << i, 30000, 0);
		next_round(&s, 30000);
		ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
	}
}

/* A few pages that KVM or the VMM write are no reason. */
TEST(helpless_is_not_a_short_round)
{
	struct script s;
	unsigned int i;

	begin_gentle(&s);
	first_round(&s, 30000, 0);
	for (i = 0; i < 9; i++) {
		pass(&s, 200, 0, 0);
		next_round(&s, 2000);
		ASSERT_NE(KVMETER_WHY_NO_HELP, s.d.why);
	}
}

TEST(says_that_a_quota_is_not_kept)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, RAM, 0);
	/* 312 pages/s for 10 s */
	pass(&s, 10000, 0, RAM);
	ASSERT_EQ(KVMETER_WHY_HOLD, s.d.why);
	next_round(&s, RAM);
	ASSERT_QUOTA(&s, KVMETER_WHY_NOT_KEPT, 312);
	pass(&s, 10000, 0, 3120);
	next_round(&s, 3120);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
	/* there was none, so none to be kept */
	begin_gentle(&s);
	first_round(&s, RAM, 0);
	ASSERT_EQ(KVMETER_WHY_HOLD, s.d.why);
}

TEST(yields)
{
	struct script s;

	begin_gentle(&s);
	first_round(&s, RAM, 0);
	ASSERT_EQ(312, s.d.quota);
	s.seen.flags = KVMETER_CONVERGE_SEEN_RING;
	kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	ASSERT_NONE(&s, KVMETER_WHY_RING);
	s.seen.flags = KVMETER_CONVERGE_SEEN_RIVAL;
	kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	ASSERT_NONE(&s, KVMETER_WHY_RIVAL);
	ASSERT_EQ(NONE, s.d.would);
	s.seen.flags = 0;
	kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
}

TEST(modes)
{
	struct script s;

	begin_gentle(&s);
	s.c.config.mode = KVMETER_AUTOCONVERGE_OBSERVE;
	first_round(&s, RAM, 0);
	ASSERT_EQ(KVMETER_WHY_HOLD, s.d.why);
	ASSERT_EQ(NONE, s.d.quota);
	ASSERT_EQ(312, s.d.would);
	s.c.config.mode = KVMETER_AUTOCONVERGE_OFF;
	pass(&s, 100, 0, 0);
	ASSERT_NONE(&s, KVMETER_WHY_SWITCHED_OFF);
	ASSERT_EQ(NONE, s.d.would);
	/* what was seen meanwhile counts */
	s.c.config.mode = KVMETER_AUTOCONVERGE_ON;
	pass(&s, 100, 0, 0);
	ASSERT_QUOTA(&s, KVMETER_WHY_HOLD, 312);
}

TEST(ends)
{
	static const __u32 whys[] = { KVMETER_WHY_ENDED, KVMETER_WHY_STOPPED, KVMETER_WHY_GONE,
				      KVMETER_WHY_UNLOADED };
	struct script s;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		begin_gentle(&s);
		first_round(&s, RAM, 0);
		ASSERT_EQ(312, s.d.quota);
		kvmeter_converge_end(&s.c, whys[i], &s.d);
		ASSERT_NONE(&s, whys[i]);
		ASSERT_EQ(2, s.d.round);
		pass(&s, 1000, 5000, 0);
		ASSERT_NONE(&s, KVMETER_WHY_IDLE);
		next_round(&s, 5000);
		ASSERT_NONE(&s, KVMETER_WHY_IDLE);
	}
}

/* One rule for whatever cannot be: no quota, until the end. */
TEST(fails_open)
{
	struct script s;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		begin_gentle(&s);
		first_round(&s, RAM, 0);
		pass(&s, 100, 0, 50);
		ASSERT_EQ(312, s.d.quota);
		if (i == 0)
			s.seen.now_ns--;
		else if (i == 1)
			s.seen.dirtied_pages--;
		else if (i == 2)
			s.seen.dirtied_pages += PAGES_MAX + 1;
		else if (i == 3)
			kvmeter_converge_add_round(&s.c, &s.seen, PAGES_MAX + 1);
		else
			s.seen.now_ns = BEGIN_NS - 1;
		kvmeter_converge_decide(&s.c, &s.seen, &s.d);
		ASSERT_NONE(&s, KVMETER_WHY_BAD_INPUT);
		s.seen.now_ns += 20 * NS_PER_S;
		kvmeter_converge_decide(&s.c, &s.seen, &s.d);
		ASSERT_NONE(&s, KVMETER_WHY_BAD_INPUT);
		next_round(&s, 5000);
		ASSERT_NONE(&s, KVMETER_WHY_BAD_INPUT);
		begin_gentle(&s);
		ASSERT_NONE(&s, KVMETER_WHY_FIRST_ROUND);
	}
	s.seen.stalled_ns = 5;
	kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	s.seen.stalled_ns = 4;
	kvmeter_converge_decide(&s.c, &s.seen, &s.d);
	ASSERT_NONE(&s, KVMETER_WHY_BAD_INPUT);
}

TEST(fails_open_from_the_beginning)
{
	static const struct kvmeter_converge_config bad[] = {
		{ .mode = KVMETER_AUTOCONVERGE_ON },
		{ .mode = KVMETER_AUTOCONVERGE_ON, .ram_pages = PAGES_MAX + 1 },
		{ .mode = KVMETER_AUTOCONVERGE_ON, .ram_pages = 1, .bandwidth = PAGES_MAX + 1 },
		{ .mode = KVMETER_AUTOCONVERGE_ON, .ram_pages = 1, .goal = 3 },
		{ .mode = 3, .ram_pages = 1 },
		{ .mode = KVMETER_AUTOCONVERGE_ON,
		  .ram_pages = 1,
		  .downtime_ns = 2000 * NS_PER_S + 1 },
	};
	struct script s = {};
	unsigned int i;

	for (i = 0; i < 6; i++) {
		kvmeter_converge_begin(&s.c, &bad[i], &s.seen);
		kvmeter_converge_decide(&s.c, &s.seen, &s.d);
		ASSERT_NONE(&s, KVMETER_WHY_BAD_INPUT);
	}
}

/* Whatever it is told: no quota, or one in range and no more than all bandwidth there can be. */
TEST(any_input)
{
	struct kvmeter_converge_config config;
	unsigned int i, k, held = 0, bad = 0;
	struct script s = {};

	for (i = 0; i < 10007; i++) {
		config = (struct kvmeter_converge_config){
			.goal = random_in(0, 3),
			.mode = KVMETER_AUTOCONVERGE_ON,
			.ram_pages = random_size() & PAGES_MAX,
			.deadline_ns = random_size(),
			.downtime_ns = random_in(0, 2) ? random_size() % (2000 * NS_PER_S) : 0,
			.bandwidth = random_in(0, 2) ? random_size() & PAGES_MAX : 0,
		};
		s.seen = (struct kvmeter_converge_seen){ .now_ns = random_size() >> 1 };
		kvmeter_converge_begin(&s.c, &config, &s.seen);
		for (k = 0; k < 20; k++) {
			s.seen.now_ns += random_size() >> random_in(1, 40);
			s.seen.dirtied_pages += random_size() >> random_in(30, 64);
			if (random_in(0, 3) == 0)
				kvmeter_converge_add_round(&s.c, &s.seen, random_size() >> 30);
			kvmeter_converge_decide(&s.c, &s.seen, &s.d);
			ASSERT_GT(KVMETER_WHY_NR, s.d.why);
			ASSERT_LE(s.d.quota, PAGES_MAX);
			if (s.d.quota)
				ASSERT_LE(KVMETER_CONVERGE_QUOTA_MIN, s.d.quota);
			if (s.d.bandwidth && s.d.why == KVMETER_WHY_HOLD)
				ASSERT_LE(s.d.quota, s.d.bandwidth / 32 + 16);
			held += !!s.d.quota;
			bad += s.d.why == KVMETER_WHY_BAD_INPUT;
		}
	}
	ASSERT_LT(10007, held);
	ASSERT_LT(1009, bad);
}

TEST_HARNESS_MAIN
