// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's command log: what records of known contents say, in words and as JSON.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kselftest_harness.h>

#include "../bpf/migrate.h"
#include "reader_case.h"

TEST(times)
{
	char text[KVMETER_TIME_MAX];

	setenv("TZ", "UTC0", 1);
	tzset();
	kvmeter_audit_format_time(1795273201ULL * NS_PER_S + 7999999, text, sizeof(text));
	EXPECT_STREQ("2026-11-21T15:00:01.007+00:00", text);
	setenv("TZ", "XYZ-5:30", 1);
	tzset();
	kvmeter_audit_format_time(1795273201ULL * NS_PER_S, text, sizeof(text));
	EXPECT_STREQ("2026-11-21T20:30:01.000+05:30", text);
	setenv("TZ", "XYZ3", 1);
	tzset();
	kvmeter_audit_format_time(1795273201ULL * NS_PER_S, text, sizeof(text));
	EXPECT_STREQ("2026-11-21T12:00:01.000-03:00", text);
}

/* clang-format off */
FIXTURE(record) {
	struct kvmeter_audit a;
	char text[4096];
};

/* clang-format on */

FIXTURE_SETUP(record)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	self->a = (struct kvmeter_audit){
		.nr = 17,
		.kind = KVMETER_AUDIT_DECISION,
		.pid = 12,
		.time_ns = 5,
		.real_ns = 1795273201ULL * NS_PER_S,
		.vm = 3,
		.vm_gen = 7,
		.id = "12-3",
		.mode = KVMETER_AUTOCONVERGE_ON,
		.why = KVMETER_WHY_HOLD,
		.round = 2,
		.to_send_pages = 64 * PAGES_PER_MIB,
		.bandwidth_pages = 32 * PAGES_PER_MIB,
		.dirty_rate_pages = 80 * PAGES_PER_MIB,
		.quota_pages = 11 * PAGES_PER_MIB,
		.would_pages = 11 * PAGES_PER_MIB,
		.throttle_ns = 1250000000,
	};
}

FIXTURE_TEARDOWN(record)
{
}

static const char *describe(FIXTURE_DATA(record) * self)
{
	kvmeter_audit_describe(&self->a, self->text, sizeof(self->text));
	return self->text;
}

TEST_F(record, decision)
{
	static const char *const texts[] = {
		"quota 11.0 MiB/s, was none: it would not converge: held to a share of the bandwidth (round 2, can send 32.0 MiB/s, vCPUs dirty 80.0 MiB/s)",
		"quota 11.0 MiB/s: as before; vCPUs were let dirty more than it (round 2, can send 32.0 MiB/s, vCPUs dirty not known)",
		"no quota, was 11.0 MiB/s: the VM is stopped, for the last round or by its operator (round 2, can send 32.0 MiB/s, vCPUs dirty not known)",
		"would set a quota of 5.0 MiB/s: to send the fewest bytes, from the first round on (round 2, can send 32.0 MiB/s, vCPUs dirty not known)",
	};

	EXPECT_STREQ(texts[0], describe(self));
	self->a.before_pages = self->a.quota_pages;
	self->a.why = KVMETER_WHY_NOT_KEPT;
	self->a.dirty_rate_pages = 0;
	EXPECT_STREQ(texts[1], describe(self));
	self->a.why = KVMETER_WHY_STOPPED;
	self->a.quota_pages = 0;
	self->a.would_pages = 0;
	EXPECT_STREQ(texts[2], describe(self));
	self->a.mode = KVMETER_AUTOCONVERGE_OBSERVE;
	self->a.before_pages = 0;
	self->a.would_pages = 5 * PAGES_PER_MIB;
	self->a.why = KVMETER_WHY_BUDGET;
	EXPECT_STREQ(texts[3], describe(self));
}

TEST_F(record, others)
{
	static const char *const texts[] = {
		"round 2 begins: 64.0 MiB to send, can send 32.0 MiB/s, vCPUs dirty 80.0 MiB/s, quota 11.0 MiB/s",
		"migration over in round 2: the VM or its VMM is gone; quota of 64.0 KiB/s let go; vCPUs were parked for 1.25 s",
	};

	self->a.kind = KVMETER_AUDIT_ROUND;
	EXPECT_STREQ(texts[0], describe(self));
	self->a.bandwidth_pages = 0;
	self->a.dirty_rate_pages = 0;
	self->a.quota_pages = 0;
	EXPECT_STREQ("round 2 begins: 64.0 MiB to send", describe(self));
	self->a.kind = KVMETER_AUDIT_QUOTA;
	self->a.before_pages = 16;
	EXPECT_STREQ("kvmeter quota: none, was 64.0 KiB/s", describe(self));
	self->a.kind = KVMETER_AUDIT_SWITCH;
	self->a.mode = KVMETER_AUTOCONVERGE_DEFAULT;
	self->a.goal = KVMETER_GOAL_BYTES;
	EXPECT_STREQ("kvmeter autoconverge: default, goal bytes", describe(self));
	self->a.goal = KVMETER_GOAL_DEADLINE;
	self->a.deadline_ns = 1500000000;
	EXPECT_STREQ("kvmeter autoconverge: default, done within 1.5 s", describe(self));
	self->a.kind = KVMETER_AUDIT_END;
	self->a.why = KVMETER_WHY_GONE;
	EXPECT_STREQ(texts[1], describe(self));
	self->a.kind = 99;
	EXPECT_STREQ("a record of kind 99, which this reader does not know", describe(self));
}

/* The longest there can be fits. */
TEST_F(record, fits)
{
	char small[KVMETER_AUDIT_MAX];
	__u32 kind, why;

	self->a.round = ~0U;
	self->a.bandwidth_pages = ~0ULL;
	self->a.dirty_rate_pages = ~0ULL;
	self->a.before_pages = ~0ULL;
	self->a.quota_pages = ~0ULL - 1;
	self->a.throttle_ns = ~0ULL;
	for (kind = 0; kind <= KVMETER_AUDIT_NR; kind++) {
		for (why = 0; why <= KVMETER_WHY_NR; why++) {
			self->a.kind = kind;
			self->a.why = why;
			kvmeter_audit_describe(&self->a, small, sizeof(small));
			EXPECT_STREQ(describe(self), small);
			EXPECT_GT(300, strlen(small));
		}
	}
}

struct line {
	const struct kvmeter_audit *a;
	const char *name;
	__u64 lost;
	bool json;
};

static void print_line(const void *arg)
{
	const struct line *line = arg;

	kvmeter_audit_print(line->a, line->name, line->lost, line->json);
}

static const char *print_record(FIXTURE_DATA(record) * self, const char *name, __u64 lost,
				bool json)
{
	struct line line = { &self->a, name, lost, json };

	return reader_capture(self->text, sizeof(self->text), print_line, &line);
}

TEST_F(record, lines)
{
	static const char *const texts[] = {
		"2026-11-21T15:00:01.000+00:00 web (12-3): kvmeter quota: 11.0 MiB/s, was none\n",
		"1 record lost\n2026-11-21T15:00:01.000+00:00 12-3: kvmeter quota: 11.0 MiB/s, was none\n",
	};

	self->a.kind = KVMETER_AUDIT_QUOTA;
	EXPECT_STREQ(texts[0], print_record(self, "web", 0, false));
	EXPECT_STREQ("2026-11-21T15:00:01.000+00:00 12-3: kvmeter quota: 11.0 MiB/s, was none\n",
		     print_record(self, NULL, 0, false));
	EXPECT_STREQ(texts[1], print_record(self, NULL, 1, false));
	EXPECT_EQ(0, strncmp("976 records lost\n2026", print_record(self, NULL, 976, false), 21));
}

TEST_F(record, json)
{
	struct json_object *doc = json_tokener_parse(print_record(self, "web", 3, true));

	ASSERT_NE(NULL, doc);
	EXPECT_EQ(1, strcspn(self->text, "\n") + 1 == strlen(self->text));
	EXPECT_EQ(17, json_object_get_int64(reader_get(doc, "nr")));
	EXPECT_EQ(3, json_object_get_int64(reader_get(doc, "lost_before")));
	EXPECT_STREQ("decision", json_object_get_string(reader_get(doc, "kind")));
	EXPECT_STREQ("2026-11-21T15:00:01.000+00:00",
		     json_object_get_string(reader_get(doc, "time")));
	EXPECT_EQ(1795273201LL * (long long)NS_PER_S,
		  json_object_get_int64(reader_get(doc, "real_ns")));
	EXPECT_STREQ("web", json_object_get_string(reader_get(doc, "name")));
	EXPECT_STREQ("12-3", json_object_get_string(reader_get(doc, "id")));
	EXPECT_EQ(12, json_object_get_int64(reader_get(doc, "pid")));
	EXPECT_STREQ("on", json_object_get_string(reader_get(doc, "mode")));
	EXPECT_STREQ("gentle", json_object_get_string(reader_get(doc, "goal")));
	EXPECT_STREQ("hold", json_object_get_string(reader_get(doc, "why")));
	EXPECT_EQ(2816, json_object_get_int64(reader_get(doc, "quota_pages")));
	EXPECT_EQ(8192, json_object_get_int64(reader_get(doc, "bandwidth_pages")));
	EXPECT_STREQ(describe(self), json_object_get_string(reader_get(doc, "text")));
	json_object_put(doc);
	doc = json_tokener_parse(print_record(self, NULL, 0, true));
	ASSERT_NE(NULL, doc);
	EXPECT_EQ(NULL, reader_get(doc, "name"));
	json_object_put(doc);
}

TEST_HARNESS_MAIN
