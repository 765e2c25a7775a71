// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot's modes and goals, on migrations in miniature: with it one converges that does not
 * without, at the cost that its goal allows and at that of no reader.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>

#include <kselftest_harness.h>

#include "bed.h"
#include "host.h"
#include "quota.h"

/* What can be dirtied between a round's beginning and the time a new quota is in force. */
#define LATE_NS (30 * BED_MS)

FIXTURE(autoconverge)
{
	struct bed bed;
};

FIXTURE_SETUP(autoconverge)
{
	int ret = bed_init(&self->bed);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "this kernel lacks what a quota or rounds take");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(autoconverge)
{
	bed_exit(&self->bed);
}

TEST_F_TIMEOUT(autoconverge, off, 300)
{
	struct bed *t = &self->bed;
	int i;

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_OFF, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_FALSE(t->sender.converged);
	EXPECT_EQ(BED_ROUNDS_MAX, t->copy.nr_rounds);
	EXPECT_EQ(KVMETER_AUTOCONVERGE_OFF, t->copy.mode);
	EXPECT_EQ(0, t->copy.would_pages);
	EXPECT_EQ(0, bed_check_no_quota(t));
	for (i = 0; i < t->nr_records; i++)
		EXPECT_EQ(0, t->record[i].would_pages);
	EXPECT_EQ(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_HOLD));
}

TEST_F_TIMEOUT(autoconverge, observe, 300)
{
	struct bed *t = &self->bed;
	unsigned int would = 0;
	int i;

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_OBSERVE, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_FALSE(t->sender.converged);
	EXPECT_EQ(KVMETER_AUTOCONVERGE_OBSERVE, t->copy.mode);
	EXPECT_EQ(0, bed_check_no_quota(t));
	/* It tells what it would do: what mode on does. */
	for (i = 0; i < t->nr_records; i++) {
		if (t->record[i].kind != KVMETER_AUDIT_DECISION ||
		    t->record[i].why != KVMETER_WHY_HOLD)
			continue;
		would++;
		EXPECT_LT(BED_BANDWIDTH / AUTOCONVERGE_GENTLE_PART / 2, t->record[i].would_pages);
		EXPECT_GT(BED_BANDWIDTH / AUTOCONVERGE_GENTLE_PART * 2, t->record[i].would_pages);
	}
	EXPECT_LT(0, would);
}

/* May that be the quota before, with no record since the one that told of @told? */
static bool is_close(uint64_t pages, uint64_t told)
{
	uint64_t by = pages > told ? pages - told : told - pages;

	return pages == told || by < told / AUTOCONVERGE_TELL_PARTS;
}

/* What the records say of a migration is what its rounds say, and one follows from the other. */
static void check_records(struct __test_metadata *_metadata, struct bed *t)
{
	const struct kvmeter_audit *r;
	uint64_t quota_pages = 0, throttle_ns = 0;
	uint32_t rounds = 0;
	int i;

	ASSERT_LT(0, t->nr_records);
	EXPECT_EQ(KVMETER_AUDIT_SWITCH, t->record[0].kind);
	EXPECT_EQ(KVMETER_AUDIT_END, t->record[t->nr_records - 1].kind);
	EXPECT_EQ(KVMETER_WHY_ENDED, t->record[t->nr_records - 1].why);
	for (i = 1; i < t->nr_records; i++) {
		r = &t->record[i];
		EXPECT_EQ(t->slot, r->vm);
		EXPECT_EQ(t->shown->gen, r->vm_gen);
		EXPECT_EQ(KVMETER_AUTOCONVERGE_ON, r->mode);
		EXPECT_LE(throttle_ns, r->throttle_ns);
		throttle_ns = r->throttle_ns;
		if (r->kind == KVMETER_AUDIT_ROUND) {
			EXPECT_EQ(++rounds, r->round);
			EXPECT_EQ(t->copy.round[(rounds - 1) % KVMETER_ROUNDS].to_send_pages,
				  r->to_send_pages);
		}
		if (r->kind == KVMETER_AUDIT_DECISION) {
			EXPECT_TRUE(is_close(r->before_pages, quota_pages));
			EXPECT_EQ(r->would_pages, r->quota_pages);
		}
		if (r->kind == KVMETER_AUDIT_DECISION || r->kind == KVMETER_AUDIT_END)
			quota_pages = r->quota_pages;
	}
	EXPECT_EQ(t->copy.nr_rounds, rounds);
	EXPECT_EQ(0, quota_pages);
}

/* Each round the VMM saw is told. */
static void check_rounds(struct __test_metadata *_metadata, const struct bed *t)
{
	const struct sender_round *s = t->sender.round;
	const struct kvmeter_round *r = t->copy.round;
	unsigned int n;

	EXPECT_EQ(t->sender.nr, t->copy.nr_rounds);
	EXPECT_EQ(BED_RAM_PAGES, r[0].to_send_pages);
	for (n = 0; n < t->copy.nr_rounds; n++) {
		EXPECT_LE(s[n].before_ns, r[n].begin_ns);
		EXPECT_GE(s[n].after_ns, r[n].begin_ns);
	}
}

/*
 * Without help every round has all that is written to send. With it the first round is free, and in
 * the next ones no more is dirtied than the quota, what vCPUs may dirty at once, and what they
 * dirtied before the quota was there.
 */
TEST_F_TIMEOUT(autoconverge, gentle, 300)
{
	struct bed *t = &self->bed;
	uint64_t free_rate, most_pages;
	const struct kvmeter_round *r;

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_TRUE(t->sender.converged);
	check_rounds(_metadata, t);
	check_records(_metadata, t);
	/* The one that reads loses nothing. */
	EXPECT_EQ(0, bed_check_never_parked(t, BED_READER));

	/* The first round is free: as much is dirtied in it as is written. */
	r = t->copy.round;
	EXPECT_EQ(0, r[0].quota_pages);
	EXPECT_EQ(0, r[0].throttle_ns);
	/*
	 * And a few again that were written to while the log was being taken, at its end; but for a
	 * few that an exit had told us of, and not yet KVM, when it was taken at its beginning.
	 */
	EXPECT_LE(BED_PAGES - (host_logs_pages() ? QUOTA_DEBT_PAGES : 0), r[0].dirtied_pages);
	EXPECT_GE(BED_PAGES + BED_PAGES / 20, r[0].dirtied_pages);
	EXPECT_EQ(1, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_FIRST_ROUND));
	/* The quota is a share of the bandwidth. */
	EXPECT_LT(BED_BANDWIDTH / AUTOCONVERGE_GENTLE_PART / 2, r[1].quota_pages);
	EXPECT_GT(BED_BANDWIDTH / AUTOCONVERGE_GENTLE_PART * 2, r[1].quota_pages);
	EXPECT_LT(0, r[1].throttle_ns);
	EXPECT_LT(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_HOLD));
	free_rate = r[0].dirtied_pages * BED_NS_PER_S / r[0].duration_ns;
	free_rate = free_rate < 4 * BED_BANDWIDTH ? 4 * BED_BANDWIDTH : free_rate;
	most_pages = QUOTA_BURST_PAGES + QUOTA_DEBT_PAGES +
		r[1].quota_pages * r[1].duration_ns / BED_NS_PER_S +
		free_rate * LATE_NS / BED_NS_PER_S;
	TH_LOG("round 2: quota %llu pages/s, %llu dirtied of %" PRIu64 " at most", r[1].quota_pages,
	       r[1].dirtied_pages, most_pages);
	EXPECT_GE(most_pages, r[1].dirtied_pages);

	/* And nothing of it stays, in the same mode. */
	EXPECT_EQ(0, t->copy.autopilot_pages);
	EXPECT_EQ(0, t->copy.would_pages);
	EXPECT_EQ(KVMETER_WHY_ENDED, t->copy.why);
	EXPECT_EQ(0, bed_check_free(t));
}

/* The goal bytes sends fewer pages than gentle: it holds writers back in the first round too. */
TEST_F_TIMEOUT(autoconverge, bytes, 300)
{
	struct bed *t = &self->bed;
	uint64_t gentle;

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_TRUE(t->sender.converged);
	EXPECT_EQ(KVMETER_GOAL_GENTLE, t->copy.goal);
	gentle = sender_pages(&t->sender);

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_BYTES));
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_TRUE(t->sender.converged);
	EXPECT_EQ(KVMETER_GOAL_BYTES, t->copy.goal);
	check_records(_metadata, t);
	EXPECT_GT(gentle, sender_pages(&t->sender));
	EXPECT_LT(0, t->copy.round[0].quota_pages);
	EXPECT_LT(0, t->copy.round[0].throttle_ns);
	EXPECT_LT(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_BUDGET));
	EXPECT_EQ(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_FIRST_ROUND));
	/* The budget is a tenth of memory; what vCPUs may dirty at once comes on top of that. */
	EXPECT_GT(BED_PAGES / 4 * 3, t->copy.round[0].dirtied_pages);
	EXPECT_EQ(0, bed_check_never_parked(t, BED_READER));
	EXPECT_EQ(0, bed_check_free(t));
}

/* Done in time, and with a larger quota than the goal gentle would have given. */
TEST_F_TIMEOUT(autoconverge, deadline, 300)
{
	struct bed *t = &self->bed;
	uint64_t most_pages = 0;
	int i;

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_DEADLINE));
	t->sender.rounds_max = SENDER_ROUNDS_MAX;
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_TRUE(t->sender.converged);
	EXPECT_EQ(KVMETER_GOAL_DEADLINE, t->copy.goal);
	EXPECT_EQ(BED_DEADLINE_NS, t->copy.deadline_ns);
	EXPECT_EQ(BED_DOWNTIME_NS, t->copy.downtime_ns);
	EXPECT_GE(BED_DEADLINE_NS, sender_ns(&t->sender));
	check_records(_metadata, t);
	EXPECT_LT(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_IN_TIME));
	for (i = 0; i < t->nr_records; i++) {
		EXPECT_EQ(BED_DEADLINE_NS, t->record[i].deadline_ns);
		if (t->record[i].why == KVMETER_WHY_IN_TIME &&
		    t->record[i].quota_pages > most_pages)
			most_pages = t->record[i].quota_pages;
	}
	TH_LOG("quota: up to %" PRIu64 " pages/s", most_pages);
	EXPECT_LT(BED_BANDWIDTH / AUTOCONVERGE_GENTLE_PART * 2, most_pages);
	EXPECT_EQ(0, bed_check_never_parked(t, BED_READER));
	EXPECT_EQ(0, bed_check_free(t));
}

/* One that converges by itself is left alone. */
TEST_F_TIMEOUT(autoconverge, by_itself, 300)
{
	struct bed *t = &self->bed;

	t->writer[BED_WRITER].nr = 0;
	writer_add_pages(&t->writer[BED_WRITER], WRITERS_GFN, BED_DOWNTIME_PAGES / 2);
	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_migrate(t));
	TH_LOG("%s", bed_tell(t));
	EXPECT_TRUE(t->sender.converged);
	EXPECT_EQ(0, bed_check_no_quota(t));
	EXPECT_EQ(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_HOLD));
}

TEST_HARNESS_MAIN
