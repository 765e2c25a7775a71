// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's command top without its screen: rows, columns, order, filters, keys and what is
 * drawn, on VMs of known contents.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "top_world.h"

#include "random.h"
#include "reader_case.h"

#define VMS 7
#define MANY 200
#define REFRESHES 4000
#define WALK_STEPS 2000
#define WALK_STEPS_LONG 100000

/* The VMs, and what top tells of them. */
struct stage {
	struct top_world world;
	struct kvmeter_snap snaps[2], delta;
	struct kvmeter_top top;
	struct kvmeter_top_picture picture;
	struct kvmeter_args args;
	struct kvmeter_report report;
	char text[65536];
};

/* Another second goes by. */
static void pass(struct stage *s)
{
	struct kvmeter_snap before = s->snaps[0];

	s->snaps[0] = s->snaps[1];
	s->snaps[1] = before;
	top_world_take(&s->snaps[1], &s->world);
	kvmeter_delta_get(&s->delta, &s->snaps[1], &s->snaps[0]);
	s->top.snap = &s->delta;
	kvmeter_top_list_make(&s->top);
}

static int stage_init(struct stage *s, unsigned int vms)
{
	memset(s, 0, sizeof(*s));
	if (top_world_init(&s->world, vms))
		return -1;
	kvmeter_top_init(&s->top, &s->args);
	s->top.utf8 = true;
	s->report.snap = &s->delta;
	s->report.args = &s->args;
	s->report.vm = -1;
	pass(s);
	pass(s);
	return 0;
}

static void stage_put(struct stage *s)
{
	free(s->picture.text);
	kvmeter_top_put(&s->top);
	kvmeter_snapshot_put(&s->snaps[0]);
	kvmeter_snapshot_put(&s->snaps[1]);
	kvmeter_snapshot_put(&s->delta);
	top_world_put(&s->world);
}

static const char *draw(struct stage *s, unsigned int height, unsigned int width)
{
	free(s->picture.text);
	kvmeter_top_draw(&s->top, &s->picture, height, width);
	return s->picture.text;
}

static void press(struct stage *s, const char *keys)
{
	for (; *keys; keys++)
		kvmeter_top_press(&s->top,
				  *keys == '\n' ? KVMETER_KEY_ENTER : (unsigned char)*keys);
}

static const char *name_at(const struct stage *s, unsigned int at)
{
	return at < s->top.list.nr ? s->top.list.rows[at].vm->name : "no row";
}

/* Names of the VMs in the list, in its order, each with a blank behind it. */
static const char *names(const struct stage *s)
{
	static char text[4096];
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < s->top.list.nr && strlen(text) < 4000; i++)
		sprintf(text + strlen(text), "%s%s ", name_at(s, i),
			s->top.list.rows[i].vcpu ? "/vcpu" : "");
	return text;
}

/* What a column shows of the row of VM @name, "no row" if there is none. */
static const char *cell(const struct stage *s, const char *name, enum kvmeter_top_column column)
{
	static char text[KVMETER_CELL_MAX];
	unsigned int i;

	for (i = 0; i < s->top.list.nr; i++) {
		if (strcmp(name_at(s, i), name))
			continue;
		kvmeter_top_column_print(column, &s->top.list.rows[i], s->top.pages, text,
					 sizeof(text));
		return text;
	}
	return "no row";
}

/* Line @nr of the picture. */
static const char *line(const struct stage *s, unsigned int nr)
{
	static char found[2048];
	const char *text = s->picture.text;

	while (nr-- && *text)
		text += strcspn(text, "\n") + 1;
	snprintf(found, sizeof(found), "%.*s", (int)strcspn(text, "\n"), text);
	return found;
}

/* With each run of blanks made one. */
static const char *squeeze(const char *text)
{
	static char squeezed[65536];
	char *to = squeezed;

	for (; *text && to < squeezed + sizeof(squeezed) - 1; text++) {
		if (*text != ' ' || to == squeezed || to[-1] != ' ')
			*to++ = *text;
	}
	*to = '\0';
	return squeezed;
}

/* clang-format off */
FIXTURE(top) {
	struct stage s;
};

/* clang-format on */

FIXTURE_SETUP(top)
{
	ASSERT_EQ(0, stage_init(&self->s, VMS));
}

FIXTURE_TEARDOWN(top)
{
	stage_put(&self->s);
}

/* All figures of a row, of which the ones of web are sums of two vCPUs. */
TEST_F(top, figures)
{
	static const struct {
		enum kvmeter_top_column column;
		const char *web, *db, *idle;
	} cells[] = {
		{ KVMETER_COLUMN_ID, "1000-9", "1001-9", "1002-9" },
		{ KVMETER_COLUMN_VCPUS, "2", "1", "0" },
		{ KVMETER_COLUMN_GUEST, "60.0", "50.0", "-" },
		{ KVMETER_COLUMN_KERNEL, "20.0", "10.0", "-" },
		{ KVMETER_COLUMN_VMM, "10.0", "5.0", "-" },
		{ KVMETER_COLUMN_HALT, "10.0", "0.0", "-" },
		{ KVMETER_COLUMN_STEAL, "0.0", "30.0", "-" },
		{ KVMETER_COLUMN_THROTTLE, "0.0", "5.0", "-" },
		{ KVMETER_COLUMN_EXITS, "6000.0", "500.0", "0.0" },
		{ KVMETER_COLUMN_REASON, "CPUID", "IOIO", "-" },
		{ KVMETER_COLUMN_REASON_PCT, "66.7", "100.0", "-" },
		{ KVMETER_COLUMN_DIRTY, "1.0 MiB", "0 B", "not armed" },
		{ KVMETER_COLUMN_MIGRATION, "round 2 50%", "-", "-" },
		{ KVMETER_COLUMN_THIEF, "-", "vm web", "-" },
		{ KVMETER_COLUMN_THIEF_PCT, "-", "20.0", "-" },
	};
	unsigned int i;

	for (i = 0; i < NR(cells); i++) {
		EXPECT_STREQ(cells[i].web, cell(&self->s, "web", cells[i].column));
		EXPECT_STREQ(cells[i].db, cell(&self->s, "db", cells[i].column));
		EXPECT_STREQ(cells[i].idle, cell(&self->s, "idle", cells[i].column));
	}
	press(&self->s, "B");
	EXPECT_STREQ("256.0", cell(&self->s, "web", KVMETER_COLUMN_DIRTY));
	press(&self->s, "u");
	EXPECT_STREQ("1.0 MiB", cell(&self->s, "web", KVMETER_COLUMN_DIRTY));
}

/* Where there is no figure it is said so, not 0. */
TEST_F(top, unknown)
{
	self->s.world.fake->host.features = 0;
	self->s.world.fake->vms[2].log_state = KVMETER_LOG_UNKNOWN;
	self->s.world.fake->vms[3].log_state = KVMETER_LOG_BITMAP;
	memset(self->s.world.fake->thieves, 0, sizeof(self->s.world.fake->thieves));
	pass(&self->s);
	EXPECT_STREQ("unknown", cell(&self->s, "web", KVMETER_COLUMN_MIGRATION));
	EXPECT_STREQ("not attributed", cell(&self->s, "idle", KVMETER_COLUMN_THIEF));
	EXPECT_STREQ("unknown", cell(&self->s, "idle", KVMETER_COLUMN_DIRTY));
	EXPECT_STREQ("armed", cell(&self->s, "\\x1b[31mred\\x0a", KVMETER_COLUMN_DIRTY));
	self->s.world.fake->migrations[0].state = KVMETER_MIGRATION_ENDED;
	self->s.world.fake->host.features = KVMETER_FEATURE_SYNC;
	pass(&self->s);
	EXPECT_STREQ("ended", cell(&self->s, "web", KVMETER_COLUMN_MIGRATION));
}

TEST_F(top, sort)
{
	static const struct {
		const char *column;
		const char *order;
	} orders[] = {
		{ "exits", "web db vm-006 vm-005 größe \\x1b[31mred\\x0a idle " },
		{ "NAME", "\\x1b[31mred\\x0a db größe idle vm-005 vm-006 web " },
		{ "id", "web db idle \\x1b[31mred\\x0a größe vm-005 vm-006 " },
		{ "vcpus", "web db \\x1b[31mred\\x0a größe vm-005 vm-006 idle " },
		{ "guest", "web db vm-006 vm-005 größe \\x1b[31mred\\x0a idle " },
		{ "kernel", "web db \\x1b[31mred\\x0a größe vm-005 vm-006 idle " },
		{ "VMM%", "web db \\x1b[31mred\\x0a größe vm-005 vm-006 idle " },
		{ "halt", "\\x1b[31mred\\x0a größe vm-005 vm-006 web db idle " },
		{ "steal", "db web \\x1b[31mred\\x0a größe vm-005 vm-006 idle " },
		{ "throttle", "db web \\x1b[31mred\\x0a größe vm-005 vm-006 idle " },
		{ "TOP%", "db \\x1b[31mred\\x0a größe vm-005 vm-006 web idle " },
		{ "top-exit", "idle web \\x1b[31mred\\x0a größe vm-005 vm-006 db " },
		{ "dirty", "web db idle \\x1b[31mred\\x0a größe vm-005 vm-006 " },
		{ "migration", "web db idle \\x1b[31mred\\x0a größe vm-005 vm-006 " },
		{ "THIEF%", "db web idle \\x1b[31mred\\x0a größe vm-005 vm-006 " },
		{ "thief", "web idle \\x1b[31mred\\x0a größe vm-005 vm-006 db " },
	};
	char keys[64];
	unsigned int i;

	for (i = 0; i < NR(orders); i++) {
		snprintf(keys, sizeof(keys), "F%s\n", orders[i].column);
		press(&self->s, keys);
		EXPECT_STREQ(orders[i].order, names(&self->s))
		{
			TH_LOG("sorted by %s", orders[i].column);
		}
	}
	/* what was counted while memory was not logged all the time is no rate */
	self->s.world.fake->vcpus[7].write_faults = 1000000;
	press(&self->s, "Fdirty\n");
	pass(&self->s);
	EXPECT_STREQ("web db idle \\x1b[31mred\\x0a größe vm-005 vm-006 ", names(&self->s));
	press(&self->s, "Fthief\nFnonsense\n");
	EXPECT_STREQ("there is no such column", self->s.top.message);
	EXPECT_EQ(KVMETER_COLUMN_THIEF, self->s.top.column);
}

/* Numbers, not text: 9 is less than 10. And what has no number is last both ways. */
TEST_F(top, reverse)
{
	press(&self->s, "Fguest\no");
	EXPECT_STREQ("\\x1b[31mred\\x0a größe vm-005 vm-006 db web idle ", names(&self->s));
	press(&self->s, "FTHIEF%\n");
	EXPECT_STREQ("db web idle \\x1b[31mred\\x0a größe vm-005 vm-006 ", names(&self->s));
	press(&self->s, "Fname\n");
	EXPECT_STREQ("web vm-006 vm-005 idle größe db \\x1b[31mred\\x0a ", names(&self->s));
	press(&self->s, "o");
	EXPECT_STREQ("\\x1b[31mred\\x0a db größe idle vm-005 vm-006 web ", names(&self->s));
}

/* The mark of the column moves through those of the view, and stops at its ends. */
TEST_F(top, sort_beside)
{
	unsigned int i;

	press(&self->s, "3Fname\n>");
	EXPECT_EQ(KVMETER_COLUMN_ID, self->s.top.column);
	for (i = 0; i < 20; i++)
		press(&self->s, ">");
	EXPECT_EQ(KVMETER_COLUMN_THIEF, self->s.top.column);
	for (i = 0; i < 20; i++)
		press(&self->s, "<");
	EXPECT_EQ(KVMETER_COLUMN_NAME, self->s.top.column);
	/* one that the view does not have */
	press(&self->s, "Fexits\n>");
	EXPECT_EQ(KVMETER_COLUMN_NAME, self->s.top.column);
}

TEST_F(top, filter)
{
	press(&self->s, "f^vm-00[56]$\n");
	EXPECT_STREQ("vm-006 vm-005 ", names(&self->s));
	draw(&self->s, 24, 80);
	EXPECT_STREQ("2 of 7 VMs: name matches ^vm-00[56]$", line(&self->s, 1));
	/* a bad one changes nothing */
	press(&self->s, "f(\n");
	EXPECT_EQ(0, strncmp(self->s.top.message, "no regular expression: ", 23));
	EXPECT_STREQ("vm-006 vm-005 ", names(&self->s));
	/* and neither does one that is given up */
	press(&self->s, "fweb\033");
	EXPECT_STREQ("vm-006 vm-005 ", names(&self->s));
	press(&self->s, "g1005\n");
	EXPECT_STREQ("vm-005 ", names(&self->s));
	press(&self->s, "g1006-9\n");
	EXPECT_STREQ("vm-006 ", names(&self->s));
	press(&self->s, "gweb\n");
	EXPECT_STREQ("", names(&self->s));
	press(&self->s, "f\n");
	EXPECT_STREQ("web ", names(&self->s));
	press(&self->s, "c");
	EXPECT_EQ(VMS, self->s.top.list.nr);
	/* a name is matched as it is shown */
	press(&self->s, "f31mred\n");
	EXPECT_STREQ("\\x1b[31mred\\x0a ", names(&self->s));
}

TEST_F(top, answer)
{
	press(&self->s, "f");
	EXPECT_EQ(KVMETER_ASK_FILTER, self->s.top.question);
	press(&self->s, "q\303\266");
	EXPECT_STREQ("q\303\266", self->s.top.answer);
	EXPECT_FALSE(self->s.top.quit);
	kvmeter_top_press(&self->s.top, KVMETER_KEY_BACKSPACE);
	EXPECT_STREQ("q", self->s.top.answer);
	kvmeter_top_press(&self->s.top, KVMETER_KEY_BACKSPACE);
	kvmeter_top_press(&self->s.top, KVMETER_KEY_BACKSPACE);
	EXPECT_STREQ("", self->s.top.answer);
	press(&self->s, "\033q");
	EXPECT_TRUE(self->s.top.quit);
}

TEST_F(top, interval)
{
	press(&self->s, "s0.5\n");
	EXPECT_EQ(0.5, self->s.top.interval_s);
	EXPECT_TRUE(self->s.top.refresh);
	press(&self->s, "d2m\n");
	EXPECT_EQ(120, self->s.top.interval_s);
	press(&self->s, "s0\n");
	EXPECT_EQ(120, self->s.top.interval_s);
	EXPECT_STREQ("no interval: 0.01 to 1000000 s", self->s.top.message);
	press(&self->s, "snan\n");
	EXPECT_EQ(120, self->s.top.interval_s);
}

TEST_F(top, children)
{
	press(&self->s, "fweb|db|idle\nx");
	EXPECT_STREQ("web web/vcpu web/vcpu db db/vcpu idle ", names(&self->s));
	press(&self->s, "o");
	EXPECT_STREQ("idle db db/vcpu web web/vcpu web/vcpu ", names(&self->s));
	draw(&self->s, 24, 80);
	EXPECT_NE(NULL, strstr(self->s.picture.text, "\n  vCPU 1"));
	press(&self->s, "x");
	EXPECT_STREQ("idle db web ", names(&self->s));
}

/* The mark goes with its VM, wherever that is. */
TEST_F(top, selected)
{
	kvmeter_top_press(&self->s.top, KVMETER_KEY_DOWN);
	EXPECT_STREQ("db", name_at(&self->s, self->s.top.at));
	EXPECT_EQ(1, self->s.top.at);
	press(&self->s, "Fsteal\n");
	EXPECT_STREQ("db", name_at(&self->s, self->s.top.at));
	EXPECT_EQ(0, self->s.top.at);
	press(&self->s, "Fname\n");
	EXPECT_STREQ("db", name_at(&self->s, self->s.top.at));
	pass(&self->s);
	EXPECT_STREQ("db", name_at(&self->s, self->s.top.at));
	EXPECT_EQ(1, self->s.top.at);
	/* its place is taken by the one below */
	top_world_del_vm(&self->s.world, 1);
	pass(&self->s);
	EXPECT_STREQ("größe", name_at(&self->s, self->s.top.at));
	kvmeter_top_press(&self->s.top, KVMETER_KEY_END);
	EXPECT_STREQ("web", name_at(&self->s, self->s.top.at));
	top_world_del_vm(&self->s.world, 0);
	pass(&self->s);
	EXPECT_STREQ("vm-006", name_at(&self->s, self->s.top.at));
	kvmeter_top_press(&self->s.top, KVMETER_KEY_HOME);
	kvmeter_top_press(&self->s.top, KVMETER_KEY_UP);
	EXPECT_EQ(0, self->s.top.at);
}

TEST_F(top, open)
{
	kvmeter_top_press(&self->s.top, KVMETER_KEY_DOWN);
	press(&self->s, "3\n");
	EXPECT_STREQ("db/vcpu ", names(&self->s));
	draw(&self->s, 24, 80);
	EXPECT_STREQ("kvmeter top: db (1001-9), 1 vCPUs; last 1.00 s, every 1 s",
		     line(&self->s, 0));
	EXPECT_STREQ("> vCPU 0      50.0    10.0   5.0   0.0   30.0       5.0 guest       2    0",
		     line(&self->s, 3));
	press(&self->s, "0");
	EXPECT_EQ(0, self->s.top.opened.gen);
	EXPECT_EQ(KVMETER_VIEW_STEAL, self->s.top.view);
	EXPECT_STREQ("db", name_at(&self->s, self->s.top.at));
	press(&self->s, "\n4\033");
	EXPECT_EQ(KVMETER_VIEW_STEAL, self->s.top.view);
	press(&self->s, "\n");
	top_world_del_vm(&self->s.world, 1);
	pass(&self->s);
	EXPECT_EQ(0, self->s.top.opened.gen);
	EXPECT_STREQ("that VM is gone", self->s.top.message);
}

/* What other views print of the VM, which have tests of their own. */
TEST_F(top, pages)
{
	press(&self->s, "\n2");
	draw(&self->s, 24, 80);
	EXPECT_STREQ("CPUID 4000.0 66.67 66.67 1.00 1.00 1.00", squeeze(line(&self->s, 3)));
	EXPECT_STREQ("all                      6000.0", line(&self->s, 5));
	press(&self->s, "5");
	EXPECT_NE(NULL, strstr(draw(&self->s, 24, 80), "50 %, about 32.0 MiB of 64.0 MiB left"));
	press(&self->s, "\033");
	kvmeter_top_press(&self->s.top, KVMETER_KEY_DOWN);
	press(&self->s, "\n3");
	draw(&self->s, 40, 80);
	EXPECT_NE(NULL, strstr(squeeze(self->s.picture.text), "\ndb 30.00 █20.0 - . . . "));
	EXPECT_NE(NULL,
		  strstr(squeeze(self->s.picture.text),
			 "\nvm web 20.00 66.7 200.000 0.000 200.000\n"));
	EXPECT_NE(NULL,
		  strstr(squeeze(self->s.picture.text), "\nunexplained 0.50 1.6 - - 5.000\n"));
	EXPECT_NE(NULL, strstr(squeeze(self->s.picture.text), "\ncontention 29.50 98.4 "));
	press(&self->s, "4");
	EXPECT_NE(NULL,
		  strstr(draw(&self->s, 24, 80),
			 "\n   0.125         1.00         1.00         2.00\n"));
	EXPECT_NE(NULL,
		  strstr(self->s.picture.text,
			 "\n      60            -            -            -\n"));
	press(&self->s, "\0336");
	EXPECT_NE(NULL, strstr(draw(&self->s, 24, 80), "\nVICTIM"));
	press(&self->s, "5");
	EXPECT_NE(NULL, strstr(draw(&self->s, 24, 80), "\nweb             1000-9           2"));
}

TEST_F(top, narrow)
{
	static const char heading[] =
		" NAME       VCPUS GUEST% KERNEL%  VMM% HALT% STEAL% *EXITS/s TOP-EXIT    DIRTY/s";
	static const char web[] =
		">web            2   60.0    20.0  10.0  10.0    0.0   6000.0 CPUID       1.0 MiB";

	draw(&self->s, 24, 80);
	EXPECT_STREQ(heading, line(&self->s, 2));
	EXPECT_STREQ(web, line(&self->s, 3));
	kvmeter_top_press(&self->s.top, KVMETER_KEY_RIGHT);
	kvmeter_top_press(&self->s.top, KVMETER_KEY_RIGHT);
	kvmeter_top_press(&self->s.top, KVMETER_KEY_RIGHT);
	draw(&self->s, 24, 80);
	EXPECT_NE(NULL, strstr(line(&self->s, 2), " NAME            <VMM% HALT%"));
	EXPECT_NE(NULL, strstr(line(&self->s, 2), "MIGRATION"));
	self->s.top.shift = 100;
	draw(&self->s, 24, 80);
	EXPECT_EQ(0, strncmp(line(&self->s, 2), " NAME", 5));
	EXPECT_NE(NULL, strstr(line(&self->s, 2), "<ID"));
}

TEST_F(top, small)
{
	EXPECT_STREQ("20x5: too small\n", draw(&self->s, 5, 20));
	EXPECT_STREQ("3x1\n", draw(&self->s, 1, 3));
	EXPECT_STREQ("80x5: too small\n", draw(&self->s, 5, 80));
	EXPECT_EQ(0, strncmp(draw(&self->s, 6, 40), "kvmeter top: 7 VMs", 18));
}

TEST_F(top, ascii)
{
	const char *s;

	self->s.top.utf8 = false;
	press(&self->s, "Fname\n");
	draw(&self->s, 24, 200);
	EXPECT_NE(NULL, strstr(self->s.picture.text, " gr\\xc3\\xb6\\xc3\\x9fe "));
	draw(&self->s, 24, 80);
	EXPECT_NE(NULL, strstr(self->s.picture.text, " gr\\xc~x9fe "));
	press(&self->s, "6");
	for (s = draw(&self->s, 24, 80); *s; s++)
		ASSERT_TRUE(*s == '\n' || (*s >= ' ' && *s <= '~'));
	EXPECT_NE(NULL, strstr(self->s.picture.text, "#20.0"));
}

TEST_F(top, batch)
{
	static const char begin[] =
		"NAME VCPUS GUEST% KERNEL% VMM% HALT% STEAL% EXITS/s TOP-EXIT DIRTY/s MIGRATION THIEF ID\n"
		"web 2 60.0 20.0 10.0 10.0 0.0 6000.0 CPUID 1.0 MiB round 2 50% - 1000-9\n"
		"db 1 50.0 10.0 5.0 0.0 30.0 500.0 IOIO 0 B - vm web 1001-9\n";

	reader_capture(self->s.text, sizeof(self->s.text),
		       (void (*)(const void *))kvmeter_top_report, &self->s.report);
	EXPECT_EQ(0, strncmp(begin, squeeze(self->s.text), strlen(begin)));
	self->s.args.column = "name";
	self->s.report.vm = 1;
	reader_capture(self->s.text, sizeof(self->s.text),
		       (void (*)(const void *))kvmeter_top_report, &self->s.report);
	EXPECT_NE(NULL, strstr(self->s.text, "\ndb  "));
	EXPECT_EQ(NULL, strstr(self->s.text, "\nweb"));
}

TEST_F(top, json)
{
	struct json_object *doc, *vm;

	self->s.args.json = true;
	reader_capture(self->s.text, sizeof(self->s.text),
		       (void (*)(const void *))kvmeter_top_report, &self->s.report);
	doc = json_tokener_parse(self->s.text);
	ASSERT_NE(NULL, doc);
	ASSERT_EQ(VMS, json_object_array_length(reader_get(doc, "vms")));
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 1);
	EXPECT_STREQ("db", json_object_get_string(reader_get(vm, "name")));
	EXPECT_EQ(30.0, json_object_get_double(reader_get(vm, "steal_pct")));
	EXPECT_EQ(500.0, json_object_get_double(reader_get(vm, "exits_per_s")));
	EXPECT_STREQ("vm web", json_object_get_string(reader_get(vm, "thief")));
	EXPECT_EQ(20.0, json_object_get_double(reader_get(vm, "thief_pct")));
	EXPECT_EQ(NULL, reader_get(vm, "round_pct_estimate"));
	json_object_put(doc);
}

TEST_F(top, command_line)
{
	static const struct kvmeter_command top = { "top", reader_note_args, NULL,
						    TAKES_VM | TAKES_INTERVAL | TAKES_TOP, NULL };
	const struct kvmeter_args *args;

	args = reader_understand(&top, (const char *const[]){ "-b", "-k", "steal", "2", NULL });
	ASSERT_NE(NULL, args);
	EXPECT_TRUE(args->batch);
	EXPECT_STREQ("steal", args->column);
	EXPECT_EQ(64,
		  reader_try(&top, (const char *const[]){ "-k", "nonsense", NULL }, self->s.text,
			     sizeof(self->s.text)));
	EXPECT_NE(NULL, strstr(self->s.text, "there is no column 'nonsense'"));
}

/* 200 VMs: the marked row is seen, wherever it goes. */
TEST_F(top, many)
{
	unsigned int i;

	stage_put(&self->s);
	ASSERT_EQ(0, stage_init(&self->s, MANY));
	press(&self->s, "Fname\n");
	draw(&self->s, 24, 80);
	for (i = 0; i < MANY; i++) {
		ASSERT_NE(-1, self->s.picture.selected);
		EXPECT_EQ('>', line(&self->s, self->s.picture.selected)[0]);
		kvmeter_top_press(&self->s.top, KVMETER_KEY_DOWN);
		draw(&self->s, 24, 80);
	}
	EXPECT_EQ(MANY - 1, self->s.top.at);
	EXPECT_EQ(0, strncmp(line(&self->s, 23), "181-200 of 200", 14));
	kvmeter_top_press(&self->s.top, KVMETER_KEY_PAGE_UP);
	draw(&self->s, 24, 80);
	EXPECT_EQ(MANY - 21, self->s.top.at);
	press(&self->s, "o");
	draw(&self->s, 24, 80);
	EXPECT_EQ(20, self->s.top.at);
	EXPECT_NE(-1, self->s.picture.selected);
}

/* No picture is larger than its screen, and none has a byte that could steer a terminal. */
static void check_picture(struct __test_metadata *_metadata, const struct stage *s,
			  unsigned int height, unsigned int width)
{
	unsigned int lines = 0;
	const char *text;
	char one[4096];

	for (text = s->picture.text; *text; text += strcspn(text, "\n") + 1) {
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(text, "\n"), text);
		ASSERT_GE(width, kvmeter_escape_width(one));
		lines++;
	}
	ASSERT_GE(height, lines);
	for (text = s->picture.text; *text; text++) {
		ASSERT_TRUE(*text == '\n' || (unsigned char)*text >= ' ');
		ASSERT_TRUE(s->top.utf8 || (unsigned char)*text < 0x7f);
	}
	ASSERT_GT((int)height, s->picture.selected);
	ASSERT_GT((int)width, s->picture.cursor);
}

static int random_key(void)
{
	static const int keys[] = { KVMETER_KEY_UP,	   KVMETER_KEY_DOWN, KVMETER_KEY_LEFT,
				    KVMETER_KEY_RIGHT,	   KVMETER_KEY_HOME, KVMETER_KEY_PAGE_UP,
				    KVMETER_KEY_PAGE_DOWN, KVMETER_KEY_END,  KVMETER_KEY_ENTER,
				    KVMETER_KEY_BACKSPACE };

	return random_in(0, 2) ? keys[random_in(0, NR(keys))] : (int)random_in(1, 256);
}

/* Whatever is pressed, whatever the size, whoever comes and goes. */
TEST_F(top, walk)
{
	unsigned int steps = getenv("KVMETER_LONG") ? WALK_STEPS_LONG : WALK_STEPS, i;
	unsigned int height, width;

	random_begin("KVMETER_SEED");
	for (i = 0; i < steps; i++) {
		kvmeter_top_press(&self->s.top, random_key());
		self->s.top.utf8 = random_in(0, 2);
		if (!random_in(0, 50))
			pass(&self->s);
		if (!random_in(0, 200)) {
			stage_put(&self->s);
			ASSERT_EQ(0, stage_init(&self->s, random_in(0, 30)));
		}
		if (!random_in(0, 100) && self->s.world.nr_vms > 3) {
			top_world_del_vm(&self->s.world, random_in(0, self->s.world.nr_vms));
			pass(&self->s);
		}
		height = random_in(1, 60);
		width = random_in(1, 200);
		draw(&self->s, height, width);
		check_picture(_metadata, &self->s, height, width);
	}
}

/* A refresh leaves no memory behind. */
TEST_F(top, memory)
{
	static const char views[] = "0123456";
	unsigned int i;
	size_t used = 0;

	press(&self->s, "\n");
	for (i = 0; i < REFRESHES; i++) {
		kvmeter_top_press(&self->s.top, views[i % 7]);
		if (i % 7 == 0)
			press(&self->s, i % 2 ? "\n" : "x");
		pass(&self->s);
		draw(&self->s, 24, 80);
		free(self->s.picture.text);
		self->s.picture.text = NULL;
		/* by now there is room for all that comes and goes, also in the allocator */
		if (i == REFRESHES / 2)
			used = mallinfo2().uordblks;
	}
	EXPECT_EQ(used, mallinfo2().uordblks);
}

TEST_HARNESS_MAIN
