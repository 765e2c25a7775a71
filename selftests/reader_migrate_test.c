// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's command migrate: what it shows of a migration of known contents as text, for one VM
 * and in the list of all.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <string.h>

#include <kselftest_harness.h>

#include "reader_migration_fixture.h"

#define COLUMNS 80

static unsigned int widest(const char *text)
{
	unsigned int most = 0, width;
	char one[2048];

	for (; *text; text += strcspn(text, "\n") + 1) {
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(text, "\n"), text);
		width = kvmeter_escape_width(one);
		most = width > most ? width : most;
	}
	return most;
}

#define ROUNDS_HEADING \
	"  ROUND TO-SEND(MiB)  TIME(s) SENT(MiB/s) DIRTIED(MiB) QUOTA(MiB/s) THROTTLE(s)\n"
#define VCPUS_HEADING "   VCPU  THIS-RND(MiB)  LAST-RND(MiB) SHARE(MiB/s) THROTTLE%\n"

static const char two_rounds[] = ROUNDS_HEADING
	"      1        256.0     8.00        32.0         64.0            -        0.00\n"
	"      2         64.0        -           -            -            -        0.00\n";

static const char two_vcpus[] =
	VCPUS_HEADING "      0           16.0           64.0            -       0.0\n"
		      "      1            0.0            0.0            -       0.0\n";

TEST_F(migrate, second_round)
{
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("web (12-3): on its way for 9.0 s, round 2",
		     reader_case_find_line(&self->c, "web"));
	EXPECT_STREQ("  memory: 256.0 MiB; to send in the rounds that have ended: 256.0 MiB",
		     reader_case_find_line(&self->c, "  memory"));
	/* 32 MiB/s for a second of 64 MiB */
	EXPECT_STREQ("  round 2: [############............] 50 %, about 32.0 MiB of 64.0 MiB left",
		     reader_case_find_line(&self->c, "  round"));
	EXPECT_STREQ("  dirtied in it so far: 16.0 MiB; about 48.0 MiB to send with that",
		     reader_case_find_line(&self->c, "  dirtied"));
	EXPECT_STREQ("  autopilot: on, goal gentle: no quota",
		     reader_case_find_line(&self->c, "  autopilot"));
	EXPECT_STREQ("  why: it converges soon without one",
		     reader_case_find_line(&self->c, "  why"));
	EXPECT_STREQ("  throttled: nothing: there is no quota",
		     reader_case_find_line(&self->c, "  throttled"));
	EXPECT_NE(NULL, strstr(self->c.text, two_rounds));
	EXPECT_NE(NULL, strstr(self->c.text, two_vcpus));
	EXPECT_GE(COLUMNS, widest(self->c.text));
}

#define SIX_FULL "██████"
#define SIX_EMPTY "░░░░░░"

TEST_F(migrate, bar)
{
	static const char blocks[] = "[" SIX_FULL SIX_FULL SIX_FULL SIX_EMPTY "] 75 %";

	self->c.d->sync_ns = 8500000000;
	reader_migration_pass(&self->c);
	/* three quarters of the round */
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_NE(NULL, strstr(self->c.text, "[##################......] 75 %"));
	self->c.screen.utf8 = true;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_NE(NULL, strstr(self->c.text, blocks));
	EXPECT_GE(COLUMNS, widest(self->c.text));
	self->c.screen.utf8 = false;
	self->c.screen.colour = true;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_NE(NULL, strstr(self->c.text, "[\033[32m##################\033[0m......] 75 %"));
	/* longer than the estimate had it */
	self->c.screen.colour = false;
	self->c.delta.vms[0].d.sync_ns = NS_PER_S;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_NE(NULL, strstr(self->c.text, "[########################] 100 %, about 0 B of "));
}

TEST_F(migrate, first_round)
{
	self->c.m->nr_rounds = 1;
	self->c.m->sent_pages = 0;
	self->c.m->bandwidth_pages = 0;
	self->c.m->why = KVMETER_WHY_FIRST_ROUND;
	self->c.m->round[0] =
		(struct kvmeter_round){ .begin_ns = NS_PER_S, .to_send_pages = 65536 };
	self->c.d->sync_nr = 1;
	self->c.d->sync_ns = NS_PER_S;
	self->c.d->round_ns = 0;
	self->c.d->sent_pages = 0;
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("web (12-3): on its way for 9.0 s, round 1",
		     reader_case_find_line(&self->c, "web"));
	EXPECT_STREQ("  round 1: 256.0 MiB to send, how fast is not known yet",
		     reader_case_find_line(&self->c, "  round"));
	EXPECT_STREQ("  dirtied in it so far: 16.0 MiB; at most 272.0 MiB to send with that",
		     reader_case_find_line(&self->c, "  dirtied"));
	EXPECT_STREQ("  forecast: none before the first round has ended",
		     reader_case_find_line(&self->c, "  forecast"));
	EXPECT_STREQ("  why: the first round is free", reader_case_find_line(&self->c, "  why"));
	EXPECT_NE(NULL,
		  strstr(self->c.text, VCPUS_HEADING "      0           16.0              -"));
}

TEST_F(migrate, none)
{
	char expected[256];

	self->c.m->state = KVMETER_MIGRATION_NONE;
	self->c.m->nr_rounds = 0;
	self->c.m->mode = KVMETER_AUTOCONVERGE_OBSERVE;
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	snprintf(expected, sizeof(expected), "%s",
		 "web (12-3): no migration yet\n"
		 "  autopilot: observe, goal gentle: no quota\n"
		 "  throttled: nothing: there is no quota\n" VCPUS_HEADING);
	EXPECT_EQ(0, strncmp(expected, self->c.text, strlen(expected)))
	TH_LOG("%s", self->c.text);
	self->c.delta.vms[0].v.log_state = KVMETER_LOG_RING;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("web (12-3): it has a dirty ring: its rounds cannot be seen",
		     reader_case_find_line(&self->c, "web"));
}

TEST_F(migrate, quota_of_the_autopilot)
{
	static const char text[] =
		"      2         64.0        -           -            -         11.0        0.25";

	self->c.fake->vms[3].quota_pages = 11 * PAGES_PER_MIB;
	self->c.fake->vcpus[0].share_pages = 10 * PAGES_PER_MIB;
	self->c.fake->vcpus[1].share_pages = 1 * PAGES_PER_MIB;
	self->c.m->autopilot_pages = 11 * PAGES_PER_MIB;
	self->c.m->would_pages = 11 * PAGES_PER_MIB;
	self->c.m->why = KVMETER_WHY_HOLD;
	self->c.m->round[1].quota_pages = 11 * PAGES_PER_MIB;
	self->c.m->round[1].throttle_ns = NS_PER_S / 4;
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("  autopilot: on, goal gentle: quota 11.0 MiB/s",
		     reader_case_find_line(&self->c, "  autopilot"));
	EXPECT_STREQ("  why: it would not converge: held to a share of the bandwidth",
		     reader_case_find_line(&self->c, "  why"));
	EXPECT_STREQ("  throttled: 1 of 2 vCPUs, to 11.0 MiB/s in all, set by the autopilot",
		     reader_case_find_line(&self->c, "  throttled"));
	EXPECT_STREQ("no such line", reader_case_find_line(&self->c, "  with that quota"));
	EXPECT_STREQ(text, reader_case_find_line(&self->c, "      2"));
	EXPECT_NE(NULL,
		  strstr(self->c.text,
			 VCPUS_HEADING
			 "      0           16.0           64.0         10.0      25.0\n"
			 "      1            0.0            0.0          1.0       0.0\n"));
}

TEST_F(migrate, quota_of_the_user)
{
	self->c.fake->vms[3].quota_pages = 5 * PAGES_PER_MIB;
	self->c.fake->vms[3].user_quota_pages = 5 * PAGES_PER_MIB;
	self->c.m->autopilot_pages = 11 * PAGES_PER_MIB;
	self->c.m->would_pages = 11 * PAGES_PER_MIB;
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("  throttled: 1 of 2 vCPUs, to 5.0 MiB/s in all, set with 'kvmeter quota'",
		     reader_case_find_line(&self->c, "  throttled"));
}

/* With nothing set, what it would do, and what would come of it. */
TEST_F(migrate, observe)
{
	self->c.m->mode = KVMETER_AUTOCONVERGE_OBSERVE;
	self->c.m->goal = KVMETER_GOAL_DEADLINE;
	self->c.m->deadline_ns = 60 * NS_PER_S;
	self->c.m->would_pages = 8 * PAGES_PER_MIB;
	self->c.m->why = KVMETER_WHY_IN_TIME;
	self->c.m->round[0].dirtied_pages = 256 * PAGES_PER_MIB;
	self->c.fake->vcpus[0].pml_pages += 100 * PAGES_PER_MIB;
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("  autopilot: observe, done within 60 s: no quota, would set 8.0 MiB/s",
		     reader_case_find_line(&self->c, "  autopilot"));
	EXPECT_STREQ("  throttled: nothing: there is no quota",
		     reader_case_find_line(&self->c, "  throttled"));
	EXPECT_EQ(0,
		  strncmp("  forecast: does not end: stalls with ",
			  reader_case_find_line(&self->c, "  forecast"), 38));
	EXPECT_EQ(0,
		  strncmp("  with that quota: ends in ",
			  reader_case_find_line(&self->c, "  with that quota"), 27));
	EXPECT_GE(COLUMNS, widest(self->c.text));
}

TEST_F(migrate, ended)
{
	self->c.m->state = KVMETER_MIGRATION_ENDED;
	self->c.m->end_ns = 9500000000;
	self->c.m->why = KVMETER_WHY_ENDED;
	self->c.fake->vms[3].log_state = KVMETER_LOG_OFF;
	reader_migration_pass(&self->c);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("web (12-3): ended after 8.5 s, 2 rounds",
		     reader_case_find_line(&self->c, "web"));
	EXPECT_STREQ("no such line", reader_case_find_line(&self->c, "  round 2"));
	EXPECT_STREQ("no such line", reader_case_find_line(&self->c, "  forecast"));
	EXPECT_STREQ("  why: logging was switched off: done, cancelled or failed",
		     reader_case_find_line(&self->c, "  why"));
	EXPECT_NE(NULL, strstr(self->c.text, ROUNDS_HEADING "      1        256.0     8.00"));
	/* there is no round in progress */
	EXPECT_NE(NULL,
		  strstr(self->c.text, VCPUS_HEADING "      0              -           64.0"));
	self->c.report.vm = -1;
	EXPECT_STREQ("no VM is being migrated\n",
		     reader_case_show(&self->c, reader_migration_print_list));
}

/* The n-th sends 1000 n pages in n ms, and so on. */
static void set_rounds(struct kvmeter_migration *m, unsigned int nr)
{
	unsigned int n, from = nr > 2 * KVMETER_ROUNDS ? nr - 2 * KVMETER_ROUNDS : 1;

	m->nr_rounds = nr;
	for (n = from; n <= nr && n; n++)
		m->round[(n - 1) % KVMETER_ROUNDS] = (struct kvmeter_round){
			.begin_ns = 9 * NS_PER_S,
			.duration_ns = n < nr ? n * 1000000ULL : 0,
			.to_send_pages = n * PAGES_PER_MIB,
			.dirtied_pages = n < nr ? PAGES_PER_MIB : 0,
			.bandwidth_pages = n < nr ? 1000 * PAGES_PER_MIB : 0,
		};
}

TEST_F(migrate, more_rounds_than_are_kept)
{
	struct json_object *doc, *m, *rounds;
	unsigned int n, nr = 0;
	const char *s;
	double mib;

	set_rounds(self->c.m, 40);
	reader_migration_pass(&self->c);
	s = strstr(reader_case_show(&self->c, reader_migration_print_text), ROUNDS_HEADING);
	ASSERT_NE(NULL, s);
	s = strchr(s, '\n') + 1;
	ASSERT_EQ(0, strncmp("    ... rounds 1 to 8 are not shown\n", s, 36));
	while (s = strchr(s, '\n') + 1, sscanf(s, "%u %lf", &n, &mib) == 2) {
		EXPECT_EQ(9 + nr, n);
		EXPECT_EQ(n, mib);
		nr++;
	}
	EXPECT_EQ(KVMETER_ROUNDS, nr);
	doc = json_tokener_parse(reader_case_show(&self->c, reader_migration_print_json));
	ASSERT_NE(NULL, doc);
	m = json_object_object_get(json_object_array_get_idx(json_object_object_get(doc, "vms"), 0),
				   "migration");
	EXPECT_EQ(40, json_object_get_int64(json_object_object_get(m, "nr_rounds")));
	rounds = json_object_object_get(m, "rounds");
	EXPECT_EQ(KVMETER_ROUNDS, json_object_array_length(rounds));
	m = json_object_array_get_idx(rounds, 0);
	EXPECT_EQ(9, json_object_get_int64(json_object_object_get(m, "round")));
	json_object_put(doc);
}

/* The last ones, as many as a screen has room for; vCPUs have up to half of it. */
TEST_F(migrate, fits_a_screen)
{
	unsigned int rows, lines;
	const char *s;

	set_rounds(self->c.m, 40);
	reader_migration_pass(&self->c);
	for (rows = 20; rows < 60; rows++) {
		self->c.screen.rows = rows;
		reader_case_show(&self->c, reader_migration_print_text);
		for (lines = 0, s = self->c.text; *s; s++)
			lines += *s == '\n';
		EXPECT_GE(rows, lines);
		EXPECT_NE(NULL, strstr(self->c.text, "\n     40         40.0 "));
		EXPECT_NE(NULL, strstr(self->c.text, "\n      1            0.0 "));
	}
	/* all of them */
	EXPECT_NE(NULL, strstr(self->c.text, "\n      9          9.0 "));
	self->c.screen.rows = 20;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_EQ(NULL, strstr(self->c.text, "\n      9          9.0 "));
}

/* Whatever a map says: no endless loop, no line that does not fit. */
TEST_F(migrate, absurd_figures)
{
	char name[300];
	unsigned int i;

	for (i = 0; i < sizeof(name) - 1; i++)
		name[i] = 'a' + i % 26;
	name[i] = '\0';
	self->c.m->nr_rounds = 99999;
	self->c.m->mode = 77;
	self->c.m->goal = 78;
	self->c.m->why = 79;
	self->c.fake->vms[3].quota_pages = 1ULL << 40;
	self->c.m->would_pages = 1ULL << 39;
	for (i = 0; i < KVMETER_ROUNDS; i++)
		self->c.m->round[i] = (struct kvmeter_round){
			.duration_ns = i % 2 ? 1 : 99999 * NS_PER_S,
			.to_send_pages = 1ULL << 34,
			.dirtied_pages = 1ULL << 34,
			.bandwidth_pages = 1ULL << 34,
			.quota_pages = 1ULL << 34,
			.throttle_ns = 99999 * NS_PER_S,
		};
	reader_migration_pass(&self->c);
	self->c.delta.vms[0].name = name;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_GE(COLUMNS, widest(self->c.text))
	TH_LOG("%s", self->c.text);
	self->c.report.vm = -1;
	reader_case_show(&self->c, reader_migration_print_list);
	EXPECT_GE(COLUMNS, widest(self->c.text));
	self->c.report.vm = 0;
	self->c.delta.vms[0].m.nr_rounds = ~0U;
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_NE(NULL, strstr(self->c.text, "\n  4294967295   67108864.0 "));
	EXPECT_NE(NULL,
		  strstr(reader_case_show(&self->c, reader_migration_print_json),
			 "\"nr_rounds\":4294967295"));
}

TEST_F(migrate, list)
{
	static const char text[] =
		"NAME            ID           ROUND LEFT(MiB) ENDS  THR% QUOTA(MiB/s) WHY\n"
		"web             12-3             2      48.0 yes    0.0         none by_itself\n";

	reader_migration_pass(&self->c);
	self->c.report.vm = -1;
	/* 48 MiB are left; nothing is throttled */
	EXPECT_STREQ(text, reader_case_show(&self->c, reader_migration_print_list));
	self->c.fake->vms[3].quota_pages = 11 * PAGES_PER_MIB;
	self->c.m->why = KVMETER_WHY_HOLD;
	self->c.fake->vcpus[0].write_faults = 0;
	reader_migration_pass(&self->c);
	/* a quarter of a second of one of two vCPUs */
	EXPECT_NE(NULL,
		  strstr(reader_case_show(&self->c, reader_migration_print_list),
			 "  48.0 yes   12.5         11.0 hold\n"));
}

/* What is of another VM, or is being written, is not believed. */
TEST_F(migrate, stale_entry)
{
	self->c.m->gen = 5;
	reader_migration_pass(&self->c);
	EXPECT_EQ(0, self->c.delta.vms[0].m.gen);
	EXPECT_EQ(0, self->c.delta.vms[0].m.nr_rounds);
	reader_case_show(&self->c, reader_migration_print_text);
	EXPECT_STREQ("web (12-3): no migration yet", reader_case_find_line(&self->c, "web"));
	self->c.m->gen = 7;
	self->c.m->seq = 1;
	reader_migration_pass(&self->c);
	EXPECT_EQ(0, self->c.delta.vms[0].m.nr_rounds);
	self->c.m->seq = 2;
	reader_migration_pass(&self->c);
	EXPECT_EQ(2, self->c.delta.vms[0].m.nr_rounds);
}

TEST_HARNESS_MAIN
