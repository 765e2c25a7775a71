// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's command autoconverge: what it and its kin understand, and what it shows of the
 * autopilot.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include <kselftest_harness.h>

#include "reader_migration_fixture.h"

static const struct kvmeter_args *understood;

static const struct kvmeter_command pilot_command = { "autoconverge", reader_note_args, "",
						      TAKES_VM | TAKES_PILOT, NULL };
static const struct kvmeter_command log_command = { "log", reader_note_args, "",
						    TAKES_VM | TAKES_FOLLOW, NULL };
static const struct kvmeter_command migrate_command = { "migrate", reader_note_args, "",
							TAKES_VM | TAKES_INTERVAL, NULL };

TEST(switches)
{
	static const struct {
		const char *words[7];
		const char *vm;
		__u32 mode, goal;
		__u64 deadline_ns, downtime_ns;
		double bandwidth;
	} cases[] = {
		{ { "web", "on" }, "web", KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_GENTLE, 0, 0, 0 },
		{ { "web", "off", "--json" }, "web", KVMETER_AUTOCONVERGE_OFF, 0, 0, 0, 0 },
		{ { "-g", "web", "observe" }, "web", KVMETER_AUTOCONVERGE_OBSERVE, 0, 0, 0, 0 },
		{ { "--pid", "17", "default" }, "17", KVMETER_AUTOCONVERGE_DEFAULT, 0, 0, 0, 0 },
		{ { "17", "on" }, "17", KVMETER_AUTOCONVERGE_ON, 0, 0, 0, 0 },
		{ { "on", "off" }, "on", KVMETER_AUTOCONVERGE_OFF, 0, 0, 0, 0 },
		{ { "web", "on", "--goal", "gentle" }, "web", 2, KVMETER_GOAL_GENTLE, 0, 0, 0 },
		{ { "web", "on", "--goal=bytes" }, "web", 2, KVMETER_GOAL_BYTES, 0, 0, 0 },
		{ { "web", "on", "--deadline", "60s" },
		  "web",
		  2,
		  KVMETER_GOAL_DEADLINE,
		  60 * NS_PER_S,
		  0,
		  0 },
		{ { "web", "observe", "--deadline=168h" },
		  "web",
		  1,
		  KVMETER_GOAL_DEADLINE,
		  7 * 86400 * NS_PER_S,
		  0,
		  0 },
		{ { "web", "on", "--downtime", "50ms", "--bandwidth", "10G" },
		  "web",
		  2,
		  0,
		  0,
		  50000000,
		  1.25e9 },
		{ { "web", "on", "--downtime", "2000s", "--bandwidth", "32MiB/s" },
		  "web",
		  2,
		  0,
		  0,
		  2000 * NS_PER_S,
		  32.0 * MIB },
	};
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		understood = reader_understand(&pilot_command, cases[i].words);
		ASSERT_NE(NULL, understood);
		EXPECT_TRUE(understood->autoconverge.change);
		EXPECT_STREQ(cases[i].vm, understood->guest);
		EXPECT_EQ(0, understood->nr_pos);
		EXPECT_EQ(cases[i].mode, understood->autoconverge.mode);
		EXPECT_EQ(cases[i].goal, understood->autoconverge.goal);
		EXPECT_EQ(cases[i].deadline_ns, understood->autoconverge.deadline_ns);
		EXPECT_EQ(cases[i].downtime_ns, understood->goal.downtime_ns);
		EXPECT_EQ(cases[i].bandwidth, understood->goal.bandwidth_bytes_s);
	}
	understood = reader_understand(&pilot_command, cases[1].words);
	EXPECT_TRUE(understood->json);
}

TEST(views)
{
	static const char *const none[] = { NULL }, *const vm[] = { "on", NULL };
	static const char *const option[] = { "-g", "web", NULL };

	understood = reader_understand(&pilot_command, none);
	ASSERT_NE(NULL, understood);
	EXPECT_FALSE(understood->autoconverge.change);
	EXPECT_EQ(NULL, understood->guest);
	understood = reader_understand(&pilot_command, vm);
	EXPECT_FALSE(understood->autoconverge.change);
	EXPECT_STREQ("on", understood->guest);
	understood = reader_understand(&pilot_command, option);
	EXPECT_FALSE(understood->autoconverge.change);
	EXPECT_STREQ("web", understood->guest);
}

TEST(log_and_migrate)
{
	static const char *const follow[] = { "web", "-f", NULL }, *const all[] = { NULL };
	static const char *const live[] = { "web", "0.5", "3", NULL };

	understood = reader_understand(&log_command, follow);
	ASSERT_NE(NULL, understood);
	EXPECT_TRUE(understood->follow);
	EXPECT_STREQ("web", understood->guest);
	understood = reader_understand(&log_command, all);
	EXPECT_FALSE(understood->follow);
	EXPECT_EQ(NULL, understood->guest);
	understood = reader_understand(&migrate_command, live);
	ASSERT_NE(NULL, understood);
	EXPECT_EQ(3, understood->nr_pos);
}

TEST(nonsense)
{
	static const struct {
		const struct kvmeter_command *command;
		const char *words[6];
		const char *says;
	} cases[] = {
		{ &pilot_command, { "web", "maybe" }, "it is off, observe, on or default" },
		{ &pilot_command, { "web", "" }, "it is off, observe, on or default" },
		{ &pilot_command, { "-g", "web", "ON" }, "it is off, observe, on or default" },
		{ &pilot_command, { "web", "on", "on" }, "too many arguments" },
		{ &pilot_command, { "-g", "web", "on", "on" }, "too many arguments" },
		{ &pilot_command, { "web", "on", "--goal", "fast" }, "--goal is gentle or bytes" },
		{ &pilot_command, { "web", "on", "--goal", "deadline" }, "--deadline is one" },
		{ &pilot_command, { "web", "--goal", "bytes" }, "which VM, and is it off" },
		{ &pilot_command, { "--downtime", "1s" }, "which VM, and is it off" },
		{ &pilot_command, { "web", "on", "--deadline", "60" }, "'60' needs a unit" },
		{ &pilot_command, { "web", "on", "--deadline", "soon" }, "'soon' is no time" },
		{ &pilot_command, { "web", "on", "--deadline", "999ms" }, "1s to 168h" },
		{ &pilot_command, { "web", "on", "--deadline", "169h" }, "1s to 168h" },
		{ &pilot_command,
		  { "web", "on", "--deadline=9s", "--goal=bytes" },
		  "leave out --goal" },
		{ &pilot_command, { "web", "on", "--downtime", "2001s" }, "2000s at most" },
		{ &pilot_command, { "web", "on", "--downtime", "300" }, "'300' needs a unit" },
		{ &pilot_command, { "web", "on", "--bandwidth", "x" }, "'x' is no bandwidth" },
		{ &pilot_command, { "web", "on", "-f" }, "option" },
		{ &log_command, { "web", "1" }, "too many arguments" },
		{ &log_command, { "web", "--goal=bytes" }, "option" },
		{ &migrate_command, { "web", "x" }, "'x' is no number" },
		{ &migrate_command, { "web", "1", "1", "1" }, "too many arguments" },
	};
	char said[512];
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		EXPECT_EQ(EX_USAGE,
			  reader_try(cases[i].command, cases[i].words, said, sizeof(said)));
		EXPECT_NE(NULL, strstr(said, cases[i].says))
		TH_LOG("it says: %s", said);
	}
}

/* Those with words of their own; the others are as of a quota. */
TEST(errors_in_words)
{
	const struct kvmeter_setting *setting = &kvmeter_autoconverge_setting;

	EXPECT_STREQ("the module refuses this mode, goal or time for web",
		     reader_explain(setting, EINVAL));
	EXPECT_STREQ("no autopilot for web: this kernel lacks what it takes",
		     reader_explain(setting, EOPNOTSUPP));
	EXPECT_STREQ("no autopilot for web: the module is too old to have one",
		     reader_explain(setting, ENOTTY));
}

/* Each has a word and a sentence, no two of them the same; the sentence fits a line. */
TEST(whys)
{
	__u32 i, j;

	for (i = 0; i < KVMETER_WHY_NR; i++) {
		EXPECT_NE(NULL, kvmeter_why_explain(i));
		EXPECT_NE(NULL, kvmeter_reasons_why(i));
		EXPECT_LE(strlen("  why: ") + strlen(kvmeter_why_explain(i)), 80);
		for (j = 0; j < i; j++) {
			EXPECT_STRNE(kvmeter_why_explain(j), kvmeter_why_explain(i));
			EXPECT_STRNE(kvmeter_reasons_why(j), kvmeter_reasons_why(i));
		}
	}
	EXPECT_STREQ("device DMA dirties more than can be sent: a quota cannot help",
		     kvmeter_why_explain(KVMETER_WHY_NO_HELP));
	EXPECT_STREQ("?", kvmeter_reasons_why(KVMETER_WHY_NR));
	EXPECT_NE(NULL, kvmeter_why_explain(~0U));
}

static void print_pilots(const struct reader_case *c)
{
	kvmeter_autoconverge_print_report(&c->report);
}

static void print_pilots_json(const struct reader_case *c)
{
	kvmeter_autoconverge_print_json(&c->report);
}

static void print_pilot(const struct reader_case *c)
{
	kvmeter_autoconverge_print(&c->delta.vms[c->report.vm]);
}

TEST_F(migrate, pilots)
{
	static const char text[] =
		"NAME ID           MODE    GOAL     DEADLINE(s) DOWNTIME(ms) QUOTA(MiB/s) WHY\n"
		"web  12-3         on      deadline          90           50       (11.0) late\n";
	struct json_object *doc, *vm;

	self->c.m->goal = KVMETER_GOAL_DEADLINE;
	self->c.m->deadline_ns = 90 * NS_PER_S;
	self->c.m->downtime_ns = 50000000;
	self->c.m->would_pages = 11 * PAGES_PER_MIB;
	self->c.m->why = KVMETER_WHY_LATE;
	reader_migration_pass(&self->c);
	EXPECT_STREQ(text, reader_case_show(&self->c, print_pilots));
	EXPECT_STREQ("web (12-3): autoconverge on, done within 90 s, downtime 50 ms\n",
		     reader_case_show(&self->c, print_pilot));
	self->c.delta.vms[0].m.autopilot_pages = 11 * PAGES_PER_MIB;
	EXPECT_NE(NULL,
		  strstr(reader_case_show(&self->c, print_pilots),
			 "           50         11.0 late\n"));
	doc = json_tokener_parse(reader_case_show(&self->c, print_pilots_json));
	ASSERT_NE(NULL, doc);
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 0);
	ASSERT_STREQ("on", json_object_get_string(reader_get(vm, "mode")));
	ASSERT_STREQ("deadline", json_object_get_string(reader_get(vm, "goal")));
	ASSERT_EQ(90 * NS_PER_S, json_object_get_int64(reader_get(vm, "deadline_ns")));
	ASSERT_EQ(50000000, json_object_get_int64(reader_get(vm, "downtime_ns")));
	ASSERT_STREQ("late", json_object_get_string(reader_get(vm, "why")));
	json_object_put(doc);
	self->c.delta.vms[0].m.goal = KVMETER_GOAL_BYTES;
	EXPECT_STREQ("web (12-3): autoconverge on, goal bytes, downtime 50 ms\n",
		     reader_case_show(&self->c, print_pilot));
}

TEST_F(migrate, no_pilot_on_this_kernel)
{
	self->c.fake->host.features = KVMETER_FEATURE_SYNC;
	reader_migration_pass(&self->c);
	EXPECT_STREQ("there is no autopilot with this module on this kernel\n",
		     reader_case_show(&self->c, print_pilots));
}

TEST_HARNESS_MAIN
