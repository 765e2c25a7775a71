// SPDX-License-Identifier: GPL-2.0-only
/* Finds out which VMs took most time, and so are on the page one by one. */
#include <err.h>
#include <stdlib.h>

#include "html.h"

/* Snapshots are as far apart as they should be, or by chance one was left out. */
#define GAP_INTERVALS 2.5

static int compare_keys(const void *a, const void *b)
{
	const struct kvmeter_html_vm *l = a, *r = b;

	if (l->slot != r->slot)
		return l->slot < r->slot ? -1 : 1;
	return (l->gen > r->gen) - (l->gen < r->gen);
}

/**
 * kvmeter_html_rank_begin - begin with VMs of which nothing is known yet
 * @html: zeroed but for what is known of the file
 * @all: all VMs that were ever there; it has to stay
 */
void kvmeter_html_rank_begin(struct kvmeter_html *html, const struct kvmeter_snap *all)
{
	unsigned int i;

	html->nr_vms = all->nr_vms;
	html->vms = calloc(all->nr_vms ? all->nr_vms : 1, sizeof(*html->vms));
	if (!html->vms)
		err(1, "no memory");
	for (i = 0; i < all->nr_vms; i++) {
		html->vms[i].vm = &all->vms[i];
		html->vms[i].slot = all->vms[i].slot;
		html->vms[i].gen = all->vms[i].v.gen;
	}
	qsort(html->vms, html->nr_vms, sizeof(*html->vms), compare_keys);
}

/**
 * kvmeter_html_find_vm - a VM that was ever there
 * @html: the page
 * @slot: its slot
 * @gen: gen of that slot
 *
 * Return: the VM, NULL if there was none.
 */
struct kvmeter_html_vm *kvmeter_html_find_vm(const struct kvmeter_html *html, __u32 slot, __u32 gen)
{
	struct kvmeter_html_vm key = { .slot = slot, .gen = gen };

	return bsearch(&key, html->vms, html->nr_vms, sizeof(key), compare_keys);
}

/**
 * kvmeter_html_is_gap - are two snapshots further apart than they should be?
 * @html: the page
 * @step_ns: how far
 *
 * Return: true if so.
 */
bool kvmeter_html_is_gap(const struct kvmeter_html *html, __u64 step_ns)
{
	return html->interval_ns && step_ns > html->interval_ns * GAP_INTERVALS;
}

static __u64 sum_busy(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	__u64 ns = 0;
	unsigned int i, state;

	for (i = vm->first_vcpu; i < vm->first_vcpu + vm->nr_vcpus; i++) {
		for (state = 0; state < KVMETER_STATE_NR; state++) {
			if (state != KVMETER_STATE_HALT)
				ns += kvmeter_ledger_get_state(&snap->vcpus[i].v, state);
		}
	}
	return ns;
}

static void note_vm(struct kvmeter_html *html, const struct kvmeter_snap *snap,
		    const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_html_vm *known = kvmeter_html_find_vm(html, vm->slot, vm->v.gen);
	__u64 ns = sum_busy(snap, vm);

	if (!known)
		return;
	if (!known->seen)
		html->nr_seen++;
	known->seen = true;
	/* one that came later has taken it all since then */
	if (html->nr_snaps == 1)
		known->before_ns = ns;
	if (ns > known->before_ns)
		known->busy_ns = ns - known->before_ns;
	if (vm->nr_vcpus > known->nr_vcpus)
		known->nr_vcpus = vm->nr_vcpus;
}

/**
 * kvmeter_html_rank_add - take note of what VMs took up to a snapshot
 * @html: the page
 * @snap: the snapshot; one that is not later than the one before is left out
 */
void kvmeter_html_rank_add(struct kvmeter_html *html, const struct kvmeter_snap *snap)
{
	unsigned int i;

	if (html->nr_snaps && snap->now_ns <= html->end_ns)
		return;
	if (!html->nr_snaps) {
		html->begin_ns = snap->now_ns;
		html->begin_real_ns = snap->real_ns;
	} else if (kvmeter_html_is_gap(html, snap->now_ns - html->end_ns)) {
		html->nr_gaps++;
		html->gap_ns += snap->now_ns - html->end_ns;
	}
	html->nr_snaps++;
	html->end_ns = snap->now_ns;
	html->host = snap->host;
	for (i = 0; i < snap->nr_vms; i++)
		note_vm(html, snap, &snap->vms[i]);
}

/* Most first; of equal ones those that were there before the others. */
static int compare_busy(const void *a, const void *b)
{
	const struct kvmeter_html_vm *l = *(struct kvmeter_html_vm *const *)a;
	const struct kvmeter_html_vm *r = *(struct kvmeter_html_vm *const *)b;

	if (l->seen != r->seen)
		return l->seen ? -1 : 1;
	if (l->busy_ns != r->busy_ns)
		return l->busy_ns > r->busy_ns ? -1 : 1;
	return (l->vm > r->vm) - (l->vm < r->vm);
}

static void add_to_row(struct kvmeter_html *html, struct kvmeter_html_vm *vm, unsigned int rank)
{
	struct kvmeter_html_row *row;

	vm->row = rank < KVMETER_HTML_VMS ? rank : KVMETER_HTML_VMS;
	row = &html->rows[vm->row];
	if (rank < KVMETER_HTML_VMS)
		row->vm = vm;
	row->nr_vms++;
	row->nr_vcpus += vm->nr_vcpus;
}

/**
 * kvmeter_html_rank_end - choose the VMs that are shown, when all snapshots were added
 * @html: the page
 */
void kvmeter_html_rank_end(struct kvmeter_html *html)
{
	struct kvmeter_html_vm **order = calloc(html->nr_vms ? html->nr_vms : 1, sizeof(*order));
	unsigned int i;

	if (!order)
		err(1, "no memory");
	for (i = 0; i < html->nr_vms; i++)
		order[i] = &html->vms[i];
	qsort(order, html->nr_vms, sizeof(*order), compare_busy);
	for (i = 0; i < html->nr_seen; i++)
		add_to_row(html, order[i], i);
	free(order);
	html->nr_shown = html->nr_seen < KVMETER_HTML_VMS ? html->nr_seen : KVMETER_HTML_VMS;
	html->nr_rows = html->nr_shown + (html->nr_seen > html->nr_shown);
	for (i = 0; i < html->nr_rows; i++) {
		html->rows[i].cells = calloc(KVMETER_HTML_COLS_MAX, sizeof(*html->rows[i].cells));
		if (!html->rows[i].cells)
			err(1, "no memory");
	}
}
