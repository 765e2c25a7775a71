// SPDX-License-Identifier: GPL-2.0-only
/* The pages of top: what other views print of a VM, or of all, as text that can be moved. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "top.h"

#define MIB (1024.0 * 1024.0)
#define NS_PER_US 1e3

struct page {
	const struct kvmeter_top *top;
	unsigned int width;
	struct kvmeter_args args;
	struct kvmeter_report report;
};

static const struct kvmeter_snap_vm *get_vm(const struct page *page)
{
	return page->report.vm < 0 ? NULL : &page->top->snap->vms[page->report.vm];
}

static void print_exit(const struct kvmeter_sum *sum, const struct kvmeter_sum_row *row,
		       __u64 all_ns)
{
	const struct kvmeter_exit *e = &row->e;
	double share = kvmeter_stats_pct(e->count, sum->v.exits);
	char buf[KVMETER_REASON_MAX];

	printf("%-20s %10.1f %7.2f %7.2f", kvmeter_table_reason(row, buf, sizeof(buf)),
	       sum->exits_s * share / 100, share,
	       kvmeter_stats_pct(kvmeter_sort_time_ns(e), all_ns));
	if (kvmeter_stats_count_hist(&e->hist))
		printf(" %10.2f %10.2f %10.2f\n", kvmeter_sort_mean_ns(e) / NS_PER_US,
		       kvmeter_sort_percentile_ns(e, 99) / NS_PER_US, e->max_ns / NS_PER_US);
	else
		printf(" %10s %10s %10s\n", "-", "-", "-");
}

static void print_exits(const struct page *page)
{
	const struct kvmeter_snap_vm *vm = get_vm(page);
	const struct kvmeter_sum_row *row;
	struct kvmeter_sum sum;
	__u64 all_ns = 0;

	kvmeter_sum_vcpus(&sum, page->top->snap, vm->first_vcpu, vm->nr_vcpus, false);
	for (row = sum.rows; row < sum.rows + sum.nr_rows; row++)
		all_ns += kvmeter_sort_time_ns(&row->e);
	printf("%-20s %10s %7s %7s %10s %10s %10s\n", "VM-EXIT", "COUNT/s", "COUNT%", "TIME%",
	       "MEAN(us)", "P99(us)", "MAX(us)");
	for (row = sum.rows; row < sum.rows + sum.nr_rows; row++) {
		if (!kvmeter_exits_left_out(row, true))
			print_exit(&sum, row, all_ns);
	}
	printf("all %27.1f\n", sum.exits_s);
	kvmeter_sum_put(&sum);
}

/* Its cells are shaded with characters: no colour is needed to read them. */
static void print_matrix(const struct page *page)
{
	struct kvmeter_matrix m;

	kvmeter_matrix_make(&m, &page->report);
	kvmeter_matrix_print(stdout, &m, page->width, false);
	kvmeter_matrix_put(&m);
}

static void print_steal(const struct page *page)
{
	if (!(page->top->snap->host.features & KVMETER_FEATURE_THIEF)) {
		puts(kvmeter_steal_not_attributed);
		return;
	}
	print_matrix(page);
	if (page->report.vm < 0 || page->top->view == KVMETER_VIEW_MATRIX)
		return;
	putchar('\n');
	kvmeter_steal_print_thieves_of(&page->report);
	putchar('\n');
	kvmeter_steal_print_causes_of(&page->report);
}

static void print_point(__u64 pages, bool known)
{
	if (known && pages != KVMETER_CURVE_NONE)
		printf(" %12.2f", pages * KVMETER_PAGE_BYTES / MIB);
	else
		printf(" %12s", "-");
}

/* Downwards, as across it would not fit into 80 columns. */
static void print_curve(const struct kvmeter_dirty *d)
{
	unsigned int i;

	printf("\n%8s %12s %12s %12s\n", "t(s)", "D(t), now", "median", "p95 (MiB)");
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		printf("%8g", kvmeter_curve_ms[i] / 1000.0);
		print_point(d->curve[i], true);
		print_point(d->median[i], d->windows);
		print_point(d->p95[i], d->windows);
		putchar('\n');
	}
}

static void print_dirty(const struct page *page)
{
	struct kvmeter_subject s = { .snap = page->top->snap, .vm = get_vm(page) };

	kvmeter_sum_vcpus(&s.sum, s.snap, s.vm->first_vcpu, s.vm->nr_vcpus, false);
	kvmeter_dirty_print_heading(&page->args);
	kvmeter_dirty_print_rates(&s);
	kvmeter_sum_put(&s.sum);
	if (s.vm->d.session == KVMETER_SESSION_NONE)
		puts("\nD(t) is not known without a session: kvmeter dirty start");
	else
		print_curve(&s.vm->d);
}

static void print_migration(const struct page *page)
{
	struct kvmeter_screen screen = { .utf8 = page->top->utf8 };

	if (!(page->top->snap->host.features & KVMETER_FEATURE_SYNC))
		puts(KVMETER_MIGRATE_NOT_SEEN);
	else if (page->report.vm < 0)
		kvmeter_migrate_print_list(&page->report);
	else
		kvmeter_migrate_print_vm(page->top->snap, get_vm(page), &screen);
}

static void print_page(const struct page *page)
{
	switch (page->top->view) {
	case KVMETER_VIEW_EXITS:
		print_exits(page);
		break;
	case KVMETER_VIEW_DIRTY:
		print_dirty(page);
		break;
	case KVMETER_VIEW_MIGRATION:
		print_migration(page);
		break;
	default:
		print_steal(page);
	}
}

/* The other views print to standard output, so for that long it is a buffer. */
static char *capture(const struct page *page)
{
	FILE *before = stdout;
	char *text = NULL;
	size_t size = 0;

	stdout = open_memstream(&text, &size);
	if (!stdout) {
		stdout = before;
		err(1, "no memory");
	}
	print_page(page);
	if (fclose(stdout)) {
		stdout = before;
		err(1, "no memory");
	}
	stdout = before;
	return text;
}

static char *make_ascii(char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *ascii = malloc(size);

	if (!ascii)
		err(1, "no memory");
	kvmeter_escape_ascii(text, ascii, size);
	free(text);
	return ascii;
}

/**
 * kvmeter_top_page - what is shown where there is no table
 * @top: what is shown: a VM that is opened, or all
 * @width: characters of a line; some pages have longer ones
 *
 * Return: the text, safe to show, to be released with free().
 */
char *kvmeter_top_page(const struct kvmeter_top *top, unsigned int width)
{
	const struct kvmeter_snap_vm *vm = kvmeter_top_opened(top);
	struct page page = { .top = top, .width = width };
	char *text;

	page.report.snap = top->snap;
	page.report.vm = vm ? (int)(vm - top->snap->vms) : -1;
	page.report.args = &page.args;
	text = capture(&page);
	return top->utf8 ? text : make_ascii(text);
}
