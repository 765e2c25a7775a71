// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's matrix of victims and thieves: what is in it, and how it is folded and printed.
 *
 * Linked with the reader's objects; needs neither root nor the module.
 */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/steal.h"

#define VCPUS 3
#define ROWS KVMETER_THIEF_ROWS

/* clang-format off */
FIXTURE(matrix) {
	struct kvmeter_snap_vm vms[2];
	struct kvmeter_snap_vcpu vcpus[VCPUS];
	struct kvmeter_thief thieves[VCPUS * ROWS];
	struct kvmeter_snap snap;
	struct kvmeter_args args;
	struct kvmeter_report report;
	struct kvmeter_matrix m;
};

/* clang-format on */

/* "web" in slot 3 has two vCPUs that saw 10000 ns each, "db" in slot 5 has one that saw 5000. */
FIXTURE_SETUP(matrix)
{
	unsigned int i;

	memset(self, 0, sizeof(*self));
	self->snap.host.features = KVMETER_FEATURE_THIEF | KVMETER_FEATURE_LIMIT;
	self->snap.vms = self->vms;
	self->snap.nr_vms = 2;
	self->snap.vcpus = self->vcpus;
	self->snap.nr_vcpus = VCPUS;
	self->snap.thieves = self->thieves;
	for (i = 0; i < 2; i++) {
		self->vms[i].slot = 3 + 2 * i;
		self->vms[i].v.gen = 7;
		self->vms[i].name = i ? "db" : "web";
		sprintf(self->vms[i].v.id, "1-%u", self->vms[i].slot);
		self->vms[i].first_vcpu = 2 * i;
		self->vms[i].nr_vcpus = 2 - i;
	}
	for (i = 0; i < VCPUS; i++) {
		self->vcpus[i].first_thief = i * ROWS;
		self->vcpus[i].elapsed_ns = i < 2 ? 10000 : 5000;
	}
	self->report.snap = &self->snap;
	self->report.args = &self->args;
	self->report.vm = -1;
}

FIXTURE_TEARDOWN(matrix)
{
	kvmeter_matrix_put(&self->m);
}

static struct kvmeter_thief *blame(struct kvmeter_snap *snap, unsigned int vcpu, __u32 kind,
				   __u64 ns)
{
	struct kvmeter_snap_vcpu *v = &snap->vcpus[vcpu];
	struct kvmeter_thief *t = &snap->thieves[v->first_thief + v->nr_thieves++];

	t->kind = kind;
	t->preempt_ns = ns - ns / 3;
	t->wakeup_ns = ns / 3;
	return t;
}

static void blame_vm(struct kvmeter_snap *snap, unsigned int vcpu, __u32 slot, __u32 gen, __u64 ns)
{
	struct kvmeter_thief *t = blame(snap, vcpu, KVMETER_THIEF_VM, ns);

	t->vm = slot;
	t->vm_gen = gen;
}

/* From both vCPUs of web and from that of db. Slot 5 was another VM's before, and slot 9 is free.
 */
static void steal_from_all(struct kvmeter_snap *snap)
{
	blame_vm(snap, 0, 5, 7, 100);
	blame_vm(snap, 0, 5, 5, 50);
	blame_vm(snap, 0, 9, 3, 25);
	blame(snap, 0, KVMETER_THIEF_PROCESS, 24);
	blame(snap, 1, KVMETER_THIEF_OTHER, 1);
	blame(snap, 1, KVMETER_THIEF_OWN_VCPU, 2);
	blame(snap, 1, KVMETER_THIEF_OWN_VMM, 3);
	blame(snap, 1, KVMETER_THIEF_LIMIT, 401);
	blame_vm(snap, 1, 5, 7, 1000);
	snap->vcpus[1].unexplained_ns = 9;
	blame_vm(snap, 2, 3, 7, 500);
}

static __u64 cell(const struct kvmeter_matrix *m, unsigned int row, const char *heading)
{
	unsigned int col;

	for (col = 0; col < m->nr_cols; col++) {
		if (!strcmp(m->cols[col].heading, heading))
			return m->cells_ns[row * m->nr_cols + col];
	}
	return ~0ULL;
}

TEST_F(matrix, has_all_steal)
{
	struct kvmeter_matrix *m = &self->m;

	steal_from_all(&self->snap);
	kvmeter_matrix_make(m, &self->report);
	ASSERT_EQ(2, m->nr_rows);
	ASSERT_EQ(10, m->nr_cols);
	ASSERT_EQ(20000, m->rows[0].elapsed_ns);
	ASSERT_EQ(1615, m->rows[0].steal_ns);
	ASSERT_EQ(1100, cell(m, 0, "db"));
	ASSERT_EQ(75, cell(m, 0, "(gone)"));
	ASSERT_EQ(5, cell(m, 0, "own"));
	ASSERT_EQ(24, cell(m, 0, "process"));
	ASSERT_EQ(401, cell(m, 0, "limit"));
	ASSERT_EQ(1, cell(m, 0, "other"));
	ASSERT_EQ(0, cell(m, 0, "idle"));
	ASSERT_EQ(9, cell(m, 0, "unexpl"));
	ASSERT_EQ(500, cell(m, 1, "web"));
	ASSERT_EQ(500, m->rows[1].steal_ns);
}

TEST_F(matrix, leaves_out_what_is_not)
{
	struct kvmeter_matrix *m = &self->m;

	blame_vm(&self->snap, 2, 3, 7, 500);
	self->snap.host.features = KVMETER_FEATURE_THIEF;
	self->args.skip_empty = true;
	kvmeter_matrix_make(m, &self->report);
	ASSERT_EQ(1, m->nr_rows);
	ASSERT_STREQ("db", m->rows[0].heading);
	ASSERT_EQ(500, cell(m, 0, "web"));
	ASSERT_EQ(~0ULL, cell(m, 0, "(gone)"));
	ASSERT_EQ(~0ULL, cell(m, 0, "limit"));
	kvmeter_matrix_put(m);
	self->args.skip_empty = false;
	self->report.vm = 0;
	kvmeter_matrix_make(m, &self->report);
	ASSERT_EQ(1, m->nr_rows);
	ASSERT_STREQ("web", m->rows[0].heading);
	ASSERT_EQ(0, m->rows[0].steal_ns);
}

TEST_F(matrix, tells_twins_by_id)
{
	struct kvmeter_matrix *m = &self->m;

	self->vms[1].name = "web";
	kvmeter_matrix_make(m, &self->report);
	ASSERT_STREQ("1-3", m->rows[0].heading);
	ASSERT_STREQ("1-5", m->cols[1].heading);
}

TEST_F(matrix, folds_what_is_least)
{
	struct kvmeter_matrix *m = &self->m;

	steal_from_all(&self->snap);
	kvmeter_matrix_make(m, &self->report);
	kvmeter_matrix_fold(m, 10);
	ASSERT_EQ(10, m->nr_cols);
	kvmeter_matrix_fold(m, 4);
	ASSERT_EQ(4, m->nr_cols);
	/* in their order, not by what they took */
	ASSERT_STREQ("web", m->cols[0].heading);
	ASSERT_STREQ("db", m->cols[1].heading);
	ASSERT_STREQ("limit", m->cols[2].heading);
	ASSERT_STREQ("…", m->cols[3].heading);
	ASSERT_EQ(1100, cell(m, 0, "db"));
	ASSERT_EQ(75 + 5 + 24 + 1 + 9, cell(m, 0, "…"));
	ASSERT_EQ(114, m->cols[3].steal_ns);
	ASSERT_EQ(500, cell(m, 1, "web"));
	ASSERT_EQ(0, cell(m, 1, "…"));
}

static const char *printed(struct kvmeter_matrix *m, unsigned int width, bool colour)
{
	static char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	text[0] = '\0';
	kvmeter_matrix_print(out, m, width, colour);
	fclose(out);
	return text;
}

static unsigned int widest_line(const char *text)
{
	unsigned int width = 0, most = 0;

	for (; *text; text++) {
		width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xc0) != 0x80);
		if (width > most)
			most = width;
	}
	return most;
}

static const char five_cols[] = "VICTIM  STEAL%     web      db  kernel    idle       …\n"
				"web      70.00       -   █40.0   ░10.0   ▓20.0     0.0\n"
				"db       25.00   ▓25.0       -       .       .       .\n";

TEST_F(matrix, is_shaded)
{
	struct kvmeter_matrix *m = &self->m;

	blame_vm(&self->snap, 0, 5, 7, 8000);
	blame(&self->snap, 0, KVMETER_THIEF_KTHREAD, 1999);
	blame(&self->snap, 0, KVMETER_THIEF_IDLE, 4000);
	self->vcpus[0].unexplained_ns = 1; /* not nothing, but less than is shown */
	blame_vm(&self->snap, 2, 3, 7, 1250);
	kvmeter_matrix_make(m, &self->report);
	ASSERT_STREQ(five_cols, printed(m, 60, false));
	ASSERT_NE(NULL, strstr(printed(m, 60, true), " \033[38;5;231;48;5;160m   40.0\033[0m"));
	ASSERT_EQ(NULL, strstr(printed(m, 60, true), "█"));
}

TEST_F(matrix, keeps_to_the_terminal)
{
	struct kvmeter_matrix *m = &self->m;
	unsigned int width;

	steal_from_all(&self->snap);
	for (width = 120; width > 40; width--) {
		self->vms[0].name = "a-victim-with-quite-a-long-name-1";
		self->vms[1].name = "a-thief-with-quite-a-long-name-1";
		kvmeter_matrix_make(m, &self->report);
		ASSERT_GE(width, widest_line(printed(m, width, false)));
		ASSERT_NE(NULL, strstr(printed(m, width, false), "-1"));
		kvmeter_matrix_put(m);
	}
}

static const char *shortened(const char *shown, unsigned int width)
{
	static char buf[64];

	kvmeter_escape_shorten(shown, width, buf, sizeof(buf));
	return buf;
}

TEST(names_are_cut_in_the_middle)
{
	ASSERT_STREQ("web-1", shortened("web-1", 5));
	ASSERT_STREQ("we…-1", shortened("web--1", 5));
	ASSERT_STREQ("web…-1", shortened("web-prod-1", 6));
	ASSERT_STREQ("…", shortened("web-prod-1", 1));
	ASSERT_STREQ("w…", shortened("web-prod-1", 2));
	/* between characters, not in one */
	ASSERT_STREQ("\xc3\xbc…\xc3\x9f", shortened("\xc3\xbc\xc3\xa4\xc3\xb6\xc3\x9f", 3));
	ASSERT_STREQ("", shortened("", 3));
}

TEST_HARNESS_MAIN
