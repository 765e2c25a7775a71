// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills in what VMs did, by columns of time.
 *
 * A column is from one snapshot to another, so what is in it is exact, and all columns add up to
 * all that happened. It ends with the first snapshot that is a KVMETER_HTML_COLS-th of the whole
 * time after its beginning; and before and after a gap that is longer than that.
 */
#include <stdlib.h>

#include "html.h"

static void add_cell(struct kvmeter_html_cell *to, const struct kvmeter_snap *delta,
		     const struct kvmeter_snap_vcpu *vcpu)
{
	const struct kvmeter_exit *e = &delta->rows[vcpu->first_row];
	unsigned int i, bucket;

	for (i = 0; i < KVMETER_STATE_NR; i++)
		to->state_ns[i] += kvmeter_ledger_get_state(&vcpu->v, i);
	for (i = 0; i < vcpu->nr_rows; i++, e++) {
		for (bucket = 0; bucket < KVMETER_HIST_BUCKETS; bucket++)
			to->exits.bucket[bucket] += e->hist.bucket[bucket];
	}
}

static void add_vm(struct kvmeter_html *html, const struct kvmeter_snap *delta,
		   const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_html_vm *known = kvmeter_html_find_vm(html, vm->slot, vm->v.gen);
	struct kvmeter_html_row *row;
	unsigned int i;

	if (!known || known->row >= html->nr_rows)
		return;
	row = &html->rows[known->row];
	for (i = vm->first_vcpu; i < vm->first_vcpu + vm->nr_vcpus; i++) {
		add_cell(&row->cells[html->nr_cols], delta, &delta->vcpus[i]);
		add_cell(&row->sum, delta, &delta->vcpus[i]);
	}
	kvmeter_html_thieves_add(html, delta, vm, row);
}

/* Of VMs that are no longer in @cur: what they did up to the last snapshot that has them. */
static void add_gone(struct kvmeter_html *html, const struct kvmeter_snap *cur)
{
	const struct kvmeter_snap *last = &html->last;
	bool is_made = false;
	unsigned int i;

	for (i = 0; i < last->nr_vms; i++) {
		if (kvmeter_snapshot_find_vm(cur, last->vms[i].slot, last->vms[i].v.gen))
			continue;
		if (!is_made)
			kvmeter_delta_get(&html->delta, last, &html->base);
		is_made = true;
		add_vm(html, &html->delta, &html->delta.vms[i]);
	}
}

/* The column ends with the last snapshot, and the next one begins. */
static void end_col(struct kvmeter_html *html, bool is_gap)
{
	struct kvmeter_html_col *col = &html->cols[html->nr_cols];
	unsigned int i;

	kvmeter_delta_get(&html->delta, &html->last, &html->base);
	for (i = 0; i < html->delta.nr_vms; i++)
		add_vm(html, &html->delta, &html->delta.vms[i]);
	col->begin_ns = html->base.now_ns;
	col->end_ns = html->last.now_ns;
	col->is_gap = is_gap;
	html->nr_cols++;
	kvmeter_snapshot_copy(&html->base, &html->last);
}

static bool is_wide(const struct kvmeter_html *html, __u64 ns)
{
	return (double)ns * KVMETER_HTML_COLS >= (double)(html->end_ns - html->begin_ns);
}

static void go_on(struct kvmeter_html *html, const struct kvmeter_snap *snap)
{
	__u64 step_ns = snap->now_ns - html->last.now_ns;
	bool is_gap = kvmeter_html_is_gap(html, step_ns) && is_wide(html, step_ns);

	if (is_gap && html->last.now_ns > html->base.now_ns)
		end_col(html, false);
	else if (html->last.now_ns > html->base.now_ns)
		add_gone(html, snap);
	kvmeter_snapshot_copy(&html->last, snap);
	/* a file that is read twice may be another one the second time */
	if (html->nr_cols == KVMETER_HTML_COLS_MAX - 1)
		return;
	if (is_gap || is_wide(html, snap->now_ns - html->base.now_ns))
		end_col(html, is_gap);
}

/**
 * kvmeter_html_fill_add - fill in what happened up to a snapshot
 * @html: the page, when it is known which VMs are on it
 * @snap: the snapshot; one that is not later than the one before is left out
 */
void kvmeter_html_fill_add(struct kvmeter_html *html, const struct kvmeter_snap *snap)
{
	if (html->has_base && snap->now_ns <= html->last.now_ns)
		return;
	if (html->has_base) {
		go_on(html, snap);
	} else {
		kvmeter_snapshot_copy(&html->base, snap);
		kvmeter_snapshot_copy(&html->last, snap);
		html->has_base = true;
	}
	kvmeter_html_moves_note(html, snap);
}

/**
 * kvmeter_html_fill_end - fill in what is left, when all snapshots were added
 * @html: the page
 */
void kvmeter_html_fill_end(struct kvmeter_html *html)
{
	if (html->last.now_ns > html->base.now_ns)
		end_col(html, false);
}

/**
 * kvmeter_html_put - release what a page has
 * @html: the page
 */
void kvmeter_html_put(struct kvmeter_html *html)
{
	unsigned int i;

	for (i = 0; i < html->nr_vms; i++)
		free(html->vms[i].curve);
	for (i = 0; i < html->nr_rows; i++)
		free(html->rows[i].cells);
	free(html->vms);
	kvmeter_snapshot_put(&html->base);
	kvmeter_snapshot_put(&html->last);
	kvmeter_snapshot_put(&html->delta);
}
