// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's command migrate: what becomes of a migration of known contents, and all of that as
 * JSON.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <math.h>
#include <string.h>

#include <kselftest_harness.h>

#include "reader_migration_fixture.h"

TEST_F(migrate, live_and_forecast_need_a_migration)
{
	struct kvmeter_outlook outlook;
	struct kvmeter_live live;
	double done;

	self->c.m->state = KVMETER_MIGRATION_ENDED;
	reader_migration_pass(&self->c);
	EXPECT_FALSE(kvmeter_migrate_live(&self->c.delta.vms[0], 10 * NS_PER_S, &live, &done));
	EXPECT_FALSE(kvmeter_migrate_forecast(&self->c.delta.vms[0], 10 * NS_PER_S, 0, &outlook));
	EXPECT_FALSE(kvmeter_migrate_live(&self->c.delta.vms[1], 10 * NS_PER_S, &live, &done));
}

static struct kvmeter_outlook look(struct reader_case *c, __u64 quota_pages)
{
	struct kvmeter_outlook outlook;

	if (!kvmeter_migrate_forecast(&c->delta.vms[0], c->delta.now_ns, quota_pages, &outlook))
		printf("# there is no forecast\n");
	return outlook;
}

/*
 * A guest that dirties d MiB/s, endlessly, by a link of B = 32: V_2 = d T_1 and so on, the sum of
 * the rounds from here on is V_2 / B / (1 - d / B), less the second that has passed. QEMU looks
 * every 100 ms, so it may be as much longer, and stops at B * 0.3 s.
 */
TEST_F(migrate, forecast_of_a_constant_rate)
{
	static const unsigned int rates[] = { 2, 4, 8, 16, 24 };
	double d, l, seconds;
	struct kvmeter_outlook o;
	unsigned int i;

	for (i = 0; i < NR(rates); i++) {
		d = rates[i];
		l = d / 32;
		self->c.fake->vcpus[0].write_faults = 0;
		self->c.fake->vcpus[0].pml_dups = 0;
		self->c.fake->vcpus[0].pml_pages = d * 8 * PAGES_PER_MIB;
		self->c.d->sync_pages = d * 8 * PAGES_PER_MIB;
		self->c.m->round[0].dirtied_pages = d * 8 * PAGES_PER_MIB;
		self->c.m->round[1].to_send_pages = d * 8 * PAGES_PER_MIB;
		reader_case_take(&self->c, 0, 9 * NS_PER_S);
		self->c.fake->vcpus[0].write_faults = d * PAGES_PER_MIB;
		reader_case_take(&self->c, 1, 10 * NS_PER_S);
		reader_case_subtract(&self->c);
		o = look(&self->c, 0);
		seconds = fmax(0, d * 8 / 32 / (1 - l) - 1);
		EXPECT_TRUE(o.f.converges);
		EXPECT_GE(300, o.f.downtime_s * 1000 - 10);
		EXPECT_TRUE(fabs(o.left_s - seconds) < 0.35 + 0.05 * seconds)
		TH_LOG("%u MiB/s: told %f s, should be %f s", rates[i], o.left_s, seconds);
	}
}

/* Above the link's speed it never ends; held below that it does, and the lower the sooner. */
TEST_F(migrate, forecast_with_a_quota)
{
	double before = HUGE_VAL;
	struct kvmeter_outlook o;
	unsigned int quota;

	self->c.m->round[0].dirtied_pages = 256 * PAGES_PER_MIB;
	self->c.m->round[1].to_send_pages = 256 * PAGES_PER_MIB;
	self->c.fake->vcpus[0].pml_pages += 64 * PAGES_PER_MIB;
	reader_migration_pass(&self->c);
	o = look(&self->c, 0);
	EXPECT_FALSE(o.f.converges);
	EXPECT_EQ(0, o.quota_bytes_s);
	for (quota = 28; quota >= 4; quota -= 4) {
		o = look(&self->c, quota * PAGES_PER_MIB);
		EXPECT_TRUE(o.f.converges);
		EXPECT_EQ(quota * (double)MIB, o.quota_bytes_s);
		EXPECT_EQ(32.0 * MIB, o.bandwidth_bytes_s);
		EXPECT_LE(o.left_s, before);
		/* 256 MiB of the round, and a series; a second of it is over */
		EXPECT_LE(o.left_s, 256.0 / 32 / (1 - quota / 32.0) - 1 + 0.35);
		EXPECT_GE(o.left_s, 256.0 / 32 - 1 - 0.35);
		before = o.left_s;
	}
}

/* One that is stopped dirties nothing: what it did before tells nothing. */
TEST_F(migrate, no_forecast_of_a_stopped_vm)
{
	struct kvmeter_outlook outlook;

	self->c.m->why = KVMETER_WHY_STOPPED;
	reader_migration_pass(&self->c);
	EXPECT_FALSE(kvmeter_migrate_forecast(&self->c.delta.vms[0], 10 * NS_PER_S, 0, &outlook));
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("  forecast: none while the VM is stopped",
		     reader_case_find_line(&self->c, "  forecast"));
}

/* Without a bandwidth of the autopilot's there is that of the last round. */
TEST_F(migrate, bandwidth_of_the_last_round)
{
	self->c.m->bandwidth_pages = 0;
	self->c.m->round[0].bandwidth_pages = 20 * PAGES_PER_MIB;
	reader_migration_pass(&self->c);
	EXPECT_EQ(20.0 * MIB, look(&self->c, 0).bandwidth_bytes_s);
}

TEST_F(migrate, json)
{
	const struct kvmeter_record *migration = &kvmeter_records[KVMETER_RECORD_MIGRATION];
	const struct kvmeter_record *rounds = &kvmeter_records[KVMETER_RECORD_ROUND];
	struct json_object *doc, *vm, *m, *round, *live, *forecast, *vcpu;
	unsigned int i;

	self->c.fake->vms[3].quota_pages = 11 * PAGES_PER_MIB;
	self->c.fake->vcpus[0].share_pages = 10 * PAGES_PER_MIB;
	self->c.m->autopilot_pages = 11 * PAGES_PER_MIB;
	self->c.m->would_pages = 11 * PAGES_PER_MIB;
	self->c.m->why = KVMETER_WHY_HOLD;
	reader_migration_pass(&self->c);
	doc = json_tokener_parse(reader_case_show(&self->c, reader_migration_print_json));
	ASSERT_NE(NULL, doc);
	ASSERT_EQ(1, strcspn(self->c.text, "\n") + 1 == strlen(self->c.text));
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 0);
	ASSERT_STREQ("web", json_object_get_string(reader_get(vm, "name")));
	m = reader_get(vm, "migration");
	ASSERT_STREQ("running", json_object_get_string(reader_get(m, "state")));
	ASSERT_EQ(2, json_object_get_int64(reader_get(m, "nr_rounds")));
	ASSERT_STREQ("on", json_object_get_string(reader_get(m, "mode")));
	ASSERT_STREQ("gentle", json_object_get_string(reader_get(m, "goal")));
	ASSERT_STREQ("hold", json_object_get_string(reader_get(m, "why")));
	ASSERT_STREQ(kvmeter_why_explain(KVMETER_WHY_HOLD),
		     json_object_get_string(reader_get(m, "why_text")));
	ASSERT_EQ(2816, json_object_get_int64(reader_get(m, "autopilot_pages")));
	ASSERT_EQ(300000000, json_object_get_int64(reader_get(m, "downtime_ns")));
	ASSERT_EQ(NULL, reader_get(m, "deadline_ns"));
	ASSERT_EQ(NULL, reader_get(m, "end_ns"));
	ASSERT_EQ(2, json_object_array_length(reader_get(m, "rounds")));
	round = json_object_array_get_idx(reader_get(m, "rounds"), 0);
	ASSERT_EQ(1, json_object_get_int64(reader_get(round, "round")));
	ASSERT_EQ(65536, json_object_get_int64(reader_get(round, "to_send_pages")));
	ASSERT_EQ(8 * NS_PER_S, json_object_get_int64(reader_get(round, "duration_ns")));
	ASSERT_EQ(8192, json_object_get_int64(reader_get(round, "bandwidth_pages")));
	ASSERT_EQ(16384, json_object_get_int64(reader_get(round, "dirtied_pages")));
	round = json_object_array_get_idx(reader_get(m, "rounds"), 1);
	ASSERT_EQ(16384, json_object_get_int64(reader_get(round, "to_send_pages")));
	ASSERT_EQ(NULL, reader_get(round, "duration_ns"));
	live = reader_get(m, "live");
	ASSERT_EQ(48 * MIB, json_object_get_int64(reader_get(live, "remaining_bytes_estimate")));
	forecast = reader_get(m, "forecast");
	ASSERT_TRUE(json_object_get_boolean(reader_get(forecast, "converges")));
	ASSERT_EQ(11 * MIB, json_object_get_int64(reader_get(forecast, "quota_bytes_s")));
	for (i = 0; i < migration->nr; i++)
		EXPECT_TRUE(json_object_object_get_ex(m, migration->fields[i].name, NULL));
	for (i = 0; i < rounds->nr; i++)
		EXPECT_TRUE(json_object_object_get_ex(round, rounds->fields[i].name, NULL));
	vcpu = json_object_array_get_idx(reader_get(vm, "vcpus"), 0);
	ASSERT_EQ(4096, json_object_get_int64(reader_get(vcpu, "this_round_pages")));
	ASSERT_EQ(16384, json_object_get_int64(reader_get(vcpu, "last_round_pages")));
	ASSERT_EQ(2560, json_object_get_int64(reader_get(vcpu, "share_pages")));
	ASSERT_EQ(25.0, json_object_get_double(reader_get(vcpu, "throttle_pct")));
	json_object_put(doc);
}

TEST_F(migrate, json_of_none)
{
	struct json_object *doc, *vm, *m;

	reader_migration_pass(&self->c);
	/* all that migrate */
	self->c.report.vm = -1;
	doc = json_tokener_parse(reader_case_show(&self->c, reader_migration_print_json));
	ASSERT_NE(NULL, doc);
	ASSERT_EQ(1, json_object_array_length(reader_get(doc, "vms")));
	json_object_put(doc);
	/* one that does not */
	self->c.report.vm = 1;
	doc = json_tokener_parse(reader_case_show(&self->c, reader_migration_print_json));
	ASSERT_NE(NULL, doc);
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 0);
	ASSERT_STREQ("db", json_object_get_string(reader_get(vm, "name")));
	m = reader_get(vm, "migration");
	ASSERT_STREQ("none", json_object_get_string(reader_get(m, "state")));
	ASSERT_EQ(0, json_object_array_length(reader_get(m, "rounds")));
	ASSERT_EQ(NULL, reader_get(m, "live"));
	ASSERT_EQ(NULL, reader_get(m, "forecast"));
	ASSERT_EQ(NULL, reader_get(m, "begin_ns"));
	json_object_put(doc);
}

TEST_HARNESS_MAIN
