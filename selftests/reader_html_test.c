// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page of a recording: what is on it adds up, however long the recording and however many the
 * VMs; names are no markup; axes.
 *
 * Linked with the reader's objects; needs neither root nor the module.
 */
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/html.h"
#include "html_world.h"

#define NS_PER_S 1000000000ULL
#define VCPUS 2

/* clang-format off */
FIXTURE(page) {
	struct kvmeter_html *html;
	struct kvmeter_snap snap, all;
};

/* clang-format on */

FIXTURE_SETUP(page)
{
	self->html = calloc(1, sizeof(*self->html));
	ASSERT_NE(NULL, self->html);
	setenv("TZ", "UTC", 1);
}

FIXTURE_TEARDOWN(page)
{
	kvmeter_html_put(self->html);
	free(self->html);
	kvmeter_snapshot_put(&self->snap);
	kvmeter_snapshot_put(&self->all);
}

/* Snapshots [0, nr) of @vms VMs, but for [from, to). */
static void make(FIXTURE_DATA(page) * self, unsigned int vms, unsigned int nr, unsigned int from,
		 unsigned int to)
{
	unsigned int pass, n;

	self->html->interval_ns = HTML_WORLD_STEP_NS;
	html_world_take(&self->all, 0, vms);
	kvmeter_html_rank_begin(self->html, &self->all);
	for (pass = 0; pass < 2; pass++) {
		for (n = 0; n < nr; n++) {
			if (n >= from && n < to)
				continue;
			html_world_take(&self->snap, n, vms);
			if (pass)
				kvmeter_html_fill_add(self->html, &self->snap);
			else
				kvmeter_html_rank_add(self->html, &self->snap);
		}
		if (!pass)
			kvmeter_html_rank_end(self->html);
	}
	kvmeter_html_fill_end(self->html);
}

static __u64 sum_cells(const struct kvmeter_html *html, const struct kvmeter_html_row *row,
		       unsigned int state)
{
	unsigned int col;
	__u64 ns = 0;

	for (col = 0; col < html->nr_cols; col++)
		ns += row->cells[col].state_ns[state];
	return ns;
}

/* Columns follow one another from the first snapshot to the last. */
static void check_cols(struct __test_metadata *_metadata, const struct kvmeter_html *html)
{
	unsigned int col;

	ASSERT_LT(0, html->nr_cols);
	EXPECT_EQ(html->begin_ns, html->cols[0].begin_ns);
	EXPECT_EQ(html->end_ns, html->cols[html->nr_cols - 1].end_ns);
	for (col = 0; col < html->nr_cols; col++) {
		EXPECT_LT(html->cols[col].begin_ns, html->cols[col].end_ns);
		if (col)
			EXPECT_EQ(html->cols[col - 1].end_ns, html->cols[col].begin_ns);
	}
}

TEST_F(page, each_snapshot_a_column)
{
	const struct kvmeter_html_row *row = self->html->rows;
	__u64 ns = 22 * HTML_WORLD_STEP_NS * VCPUS;

	make(self, 2, 23, 0, 0);
	check_cols(_metadata, self->html);
	EXPECT_EQ(22, self->html->nr_cols);
	EXPECT_EQ(23, self->html->nr_snaps);
	EXPECT_EQ(0, self->html->nr_gaps);
	EXPECT_EQ(2, self->html->nr_rows);
	EXPECT_STREQ(HTML_WORLD_NAME, row->vm->vm->name);
	EXPECT_EQ(ns / 10 * 4, row->sum.state_ns[KVMETER_STATE_GUEST]);
	EXPECT_EQ(ns / 10, row->sum.state_ns[KVMETER_STATE_STEAL]);
	EXPECT_EQ(ns / 1000 * 399, row[1].sum.state_ns[KVMETER_STATE_GUEST]);
	EXPECT_EQ(22 * 500 * VCPUS, row->sum.exits.bucket[11]);
	EXPECT_EQ(500 * VCPUS, row->cells[7].exits.bucket[11]);
	EXPECT_EQ(5 * VCPUS, row->cells[7].exits.bucket[21]);
}

/* However many there are, columns are few, and nothing is lost. */
TEST_F(page, many_snapshots)
{
	const struct kvmeter_html_row *row = self->html->rows;
	unsigned int state;

	make(self, 2, 5003, 0, 0);
	check_cols(_metadata, self->html);
	EXPECT_GE(KVMETER_HTML_COLS, self->html->nr_cols);
	EXPECT_LE(KVMETER_HTML_COLS / 2, self->html->nr_cols);
	for (state = 0; state < KVMETER_STATE_NR; state++)
		EXPECT_EQ(row->sum.state_ns[state], sum_cells(self->html, row, state));
	EXPECT_EQ(5002 * HTML_WORLD_STEP_NS * VCPUS / 10, row->sum.state_ns[KVMETER_STATE_STEAL]);
}

TEST_F(page, a_gap_is_a_column)
{
	const struct kvmeter_html_row *row = self->html->rows;
	unsigned int col, gaps = 0;

	make(self, 2, 53, 20, 29);
	check_cols(_metadata, self->html);
	EXPECT_EQ(44, self->html->nr_snaps);
	EXPECT_EQ(1, self->html->nr_gaps);
	EXPECT_EQ(10 * HTML_WORLD_STEP_NS, self->html->gap_ns);
	for (col = 0; col < self->html->nr_cols; col++) {
		if (!self->html->cols[col].is_gap)
			continue;
		gaps++;
		EXPECT_EQ(10 * HTML_WORLD_STEP_NS,
			  self->html->cols[col].end_ns - self->html->cols[col].begin_ns);
	}
	EXPECT_EQ(1, gaps);
	/* the sums have it all the same */
	EXPECT_EQ(52 * HTML_WORLD_STEP_NS * VCPUS / 10, row->sum.state_ns[KVMETER_STATE_STEAL]);
}

/* One snapshot that is left out is no gap. */
TEST_F(page, one_missing_is_no_gap)
{
	make(self, 2, 53, 20, 21);
	EXPECT_EQ(0, self->html->nr_gaps);
	check_cols(_metadata, self->html);
}

/* A VM that went counts up to where it was seen last, in columns of many snapshots, too. */
TEST_F(page, a_vm_that_is_gone)
{
	const struct kvmeter_html_row *row = &self->html->rows[2];

	make(self, 3, 1009, 0, 0);
	EXPECT_EQ(3, self->html->nr_rows);
	EXPECT_EQ((HTML_WORLD_GONE - 1) * HTML_WORLD_STEP_NS * VCPUS / 10,
		  row->sum.state_ns[KVMETER_STATE_STEAL]);
	EXPECT_EQ(row->sum.state_ns[KVMETER_STATE_STEAL],
		  sum_cells(self->html, row, KVMETER_STATE_STEAL));
}

/* The VMs that took most are shown, all others as one. */
TEST_F(page, many_vms)
{
	const struct kvmeter_html_row *rows = self->html->rows;
	unsigned int i;

	make(self, 103, 11, 0, 0);
	EXPECT_EQ(103, self->html->nr_seen);
	EXPECT_EQ(KVMETER_HTML_VMS, self->html->nr_shown);
	EXPECT_EQ(KVMETER_HTML_VMS + 1, self->html->nr_rows);
	for (i = 0; i < KVMETER_HTML_VMS; i++)
		EXPECT_EQ(i, rows[i].vm->slot);
	EXPECT_EQ(NULL, rows[KVMETER_HTML_VMS].vm);
	EXPECT_EQ(103 - KVMETER_HTML_VMS, rows[KVMETER_HTML_VMS].nr_vms);
	EXPECT_EQ((103 - KVMETER_HTML_VMS) * 10 * HTML_WORLD_STEP_NS * VCPUS / 10,
		  rows[KVMETER_HTML_VMS].sum.state_ns[KVMETER_STATE_STEAL]);
	/* what the first VM took from them */
	EXPECT_EQ((103 - KVMETER_HTML_VMS) * 10 * HTML_WORLD_STEP_NS * VCPUS / 100 * 4,
		  rows[KVMETER_HTML_VMS].stolen_ns[0]);
}

/* Steal is somebody's, all of it. */
TEST_F(page, thieves)
{
	const struct kvmeter_html_row *row = &self->html->rows[1];
	const __u64 *others = row->stolen_ns + KVMETER_HTML_VMS + 1;
	__u64 ns = 22 * HTML_WORLD_STEP_NS * VCPUS, sum = 0;
	unsigned int i;

	make(self, 2, 23, 0, 0);
	EXPECT_EQ(ns / 100 * 4, row->stolen_ns[0]);
	EXPECT_EQ(ns / 100 * 5, others[KVMETER_HTML_PROCESS]);
	EXPECT_EQ(ns / 1000 * 5, others[KVMETER_HTML_KERNEL]);
	EXPECT_EQ(ns / 1000 * 5, others[KVMETER_HTML_UNEXPLAINED]);
	for (i = 0; i < KVMETER_HTML_VMS + 1 + KVMETER_HTML_THIEF_NR; i++)
		sum += row->stolen_ns[i];
	EXPECT_EQ(row->sum.state_ns[KVMETER_STATE_STEAL], sum);
	ASSERT_EQ(1, self->html->nr_comms);
	EXPECT_STREQ(HTML_WORLD_COMM, self->html->comms[0].comm);
	EXPECT_EQ(ns / 100 * 14, self->html->comms[0].ns);
}

/* One migration, however many snapshots have it; each decision once. */
TEST_F(page, migration)
{
	const struct kvmeter_html_migration *m = self->html->migrations;

	make(self, 2, 23, 0, 0);
	ASSERT_EQ(1, self->html->nr_migrations);
	EXPECT_EQ(HTML_WORLD_ROUNDS, m->snap_vm.m.nr_rounds);
	EXPECT_EQ(KVMETER_MIGRATION_ENDED, m->snap_vm.m.state);
	ASSERT_EQ(3, m->nr_decisions);
	EXPECT_EQ(KVMETER_WHY_FIRST_ROUND, m->decisions[0].why);
	EXPECT_EQ(KVMETER_WHY_HOLD, m->decisions[1].why);
	EXPECT_EQ(5120, m->decisions[1].autopilot_pages);
	EXPECT_EQ(3, m->decisions[1].round);
	EXPECT_EQ(KVMETER_WHY_ENDED, m->decisions[2].why);
}

static const char *write_page(const struct kvmeter_html *html)
{
	static char text[8 << 20];
	FILE *out = fmemopen(text, sizeof(text), "w");

	kvmeter_html_write(out, html);
	fclose(out);
	return text;
}

TEST_F(page, names_are_no_markup)
{
	const char *text;

	make(self, 7, 11, 0, 0);
	strcpy(self->html->origin.host, "<i>&\"'");
	text = write_page(self->html);
	EXPECT_EQ(NULL, strstr(text, "<script"));
	EXPECT_EQ(NULL, strstr(text, "<b>'"));
	EXPECT_EQ(NULL, strstr(text, "<i>"));
	EXPECT_NE(NULL, strstr(text, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
	EXPECT_NE(NULL, strstr(text, "&lt;b&gt;&#39;&amp;x&lt;/b&gt;"));
	EXPECT_NE(NULL, strstr(text, "&lt;i&gt;&amp;&quot;&#39;"));
}

/* As bounded as it says: days of all the VMs there can be. */
TEST_F(page, size)
{
	make(self, 300, 2003, 500, 700);
	EXPECT_GT(2 << 20, strlen(write_page(self->html)));
}

TEST(steps_of_time)
{
	EXPECT_EQ(1, kvmeter_html_axis_step_s(0.1));
	EXPECT_EQ(1, kvmeter_html_axis_step_s(8));
	EXPECT_EQ(2, kvmeter_html_axis_step_s(8.1));
	EXPECT_EQ(60, kvmeter_html_axis_step_s(300));
	EXPECT_EQ(3600, kvmeter_html_axis_step_s(8 * 3600));
	EXPECT_EQ(86400, kvmeter_html_axis_step_s(7 * 86400));
	EXPECT_EQ(4 * 86400, kvmeter_html_axis_step_s(30 * 86400));
	/* and one that no recording has does not keep it busy */
	EXPECT_LT(86400, kvmeter_html_axis_step_s(1e12));
}

TEST(ends_of_axes)
{
	EXPECT_EQ(1, kvmeter_html_axis_round_up(0));
	EXPECT_EQ(1, kvmeter_html_axis_round_up(-5));
	EXPECT_EQ(1, kvmeter_html_axis_round_up(1));
	EXPECT_EQ(2, kvmeter_html_axis_round_up(1.1));
	EXPECT_EQ(50, kvmeter_html_axis_round_up(20.1));
	EXPECT_EQ(100, kvmeter_html_axis_round_up(99));
	EXPECT_EQ(1, kvmeter_html_axis_round_up(1 / 0.0));
}

TEST(times_to_places)
{
	static struct kvmeter_html html = { .begin_ns = 1000, .end_ns = 3000 };
	double left = KVMETER_HTML_LEFT, right = KVMETER_HTML_WIDTH - KVMETER_HTML_RIGHT;

	EXPECT_EQ(left, kvmeter_html_axis_x(&html, 1000));
	EXPECT_EQ(left, kvmeter_html_axis_x(&html, 0));
	EXPECT_EQ(right, kvmeter_html_axis_x(&html, 3000));
	EXPECT_EQ(right, kvmeter_html_axis_x(&html, 5000));
	EXPECT_EQ((left + right) / 2, kvmeter_html_axis_x(&html, 2000));
}

TEST(shades)
{
	EXPECT_EQ(0, kvmeter_html_exits_shade(0, 1024));
	EXPECT_EQ(6, kvmeter_html_exits_shade(1024, 1024));
	EXPECT_EQ(6, kvmeter_html_exits_shade(257, 1024));
	EXPECT_EQ(5, kvmeter_html_exits_shade(256, 1024));
	EXPECT_EQ(1, kvmeter_html_exits_shade(1, 1024));
	EXPECT_EQ(1, kvmeter_html_exits_shade(0.001, 1024));
}

TEST_HARNESS_MAIN
