// SPDX-License-Identifier: GPL-2.0-only
/* The list of top: which rows there are, in which order, and which of them is marked. */
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* If the command line has none. */
#define INTERVAL_S 1.0

struct order {
	enum kvmeter_top_column column;
	bool reverse;
};

static int compare_text(const struct kvmeter_top_row *l, const struct kvmeter_top_row *r,
			enum kvmeter_top_column column)
{
	char l_text[KVMETER_CELL_MAX], r_text[KVMETER_CELL_MAX];

	kvmeter_top_column_print(column, l, false, l_text, sizeof(l_text));
	kvmeter_top_column_print(column, r, false, r_text, sizeof(r_text));
	return strcmp(l_text, r_text);
}

/* What has no number comes last, whichever way the others are sorted. */
static int compare_numbers(const struct kvmeter_top_row *l, const struct kvmeter_top_row *r,
			   const struct order *order)
{
	bool has_l, has_r;
	double lv, rv;

	has_l = kvmeter_top_column_get(order->column, l, &lv);
	has_r = kvmeter_top_column_get(order->column, r, &rv);
	if (!has_l || !has_r)
		return (int)has_r - (int)has_l;
	if (lv == rv)
		return 0;
	return (lv > rv) == order->reverse ? 1 : -1;
}

/* Equal ones stay in the order of their slots, or of their vcpu_ids, and do not jump about. */
static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct kvmeter_top_row *l = a, *r = b;
	const struct order *order = arg;
	int diff;

	if (kvmeter_top_column_is_text(order->column)) {
		diff = compare_text(l, r, order->column);
		diff = order->reverse ? -diff : diff;
	} else {
		diff = compare_numbers(l, r, order);
	}
	if (diff)
		return diff;
	if (l->vm != r->vm)
		return l->vm < r->vm ? -1 : 1;
	return (l->vcpu > r->vcpu) - (l->vcpu < r->vcpu);
}

static struct kvmeter_top_row *add_row(struct kvmeter_top_list *list)
{
	list->rows = kvmeter_array_grow(list->rows, &list->room, list->nr + 1, sizeof(*list->rows));
	return &list->rows[list->nr++];
}

static void add_vcpus(struct kvmeter_top *top, const struct kvmeter_snap_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		kvmeter_top_row_make(add_row(&top->list), top->snap, vm,
				     &top->snap->vcpus[vm->first_vcpu + i]);
}

/* VMs are at the front. They are moved to where they go, from the last one on. */
static void add_children(struct kvmeter_top *top)
{
	struct kvmeter_top_list *list = &top->list;
	const struct kvmeter_snap_vm *vm;
	unsigned int i, at, vcpu;

	for (i = 0; i < list->nr_vms; i++)
		list->nr += list->rows[i].vm->nr_vcpus;
	list->rows = kvmeter_array_grow(list->rows, &list->room, list->nr, sizeof(*list->rows));
	for (at = list->nr, i = list->nr_vms; i-- > 0;) {
		vm = list->rows[i].vm;
		at -= vm->nr_vcpus + 1;
		list->rows[at] = list->rows[i];
		for (vcpu = 0; vcpu < vm->nr_vcpus; vcpu++)
			kvmeter_top_row_make(&list->rows[at + 1 + vcpu], top->snap, vm,
					     &top->snap->vcpus[vm->first_vcpu + vcpu]);
	}
}

static void add_vms(struct kvmeter_top *top)
{
	const struct kvmeter_snap *snap = top->snap;
	unsigned int i;

	for (i = 0; i < snap->nr_vms; i++) {
		if (kvmeter_top_filter_wants(&top->filter, &snap->vms[i]))
			kvmeter_top_row_make(add_row(&top->list), snap, &snap->vms[i], NULL);
	}
	top->list.nr_vms = top->list.nr;
}

static struct kvmeter_top_id get_id(const struct kvmeter_top_row *row)
{
	return (struct kvmeter_top_id){
		.slot = row->vm->slot,
		.gen = row->vm->v.gen,
		.vcpu_id = row->vcpu ? (long long)row->vcpu->v.vcpu_id : -1,
	};
}

static bool is_same(const struct kvmeter_top_id *l, const struct kvmeter_top_id *r)
{
	return l->slot == r->slot && l->gen == r->gen && l->vcpu_id == r->vcpu_id;
}

/* The mark goes with its row; of one that is gone, to what is there now. */
static void follow_selected(struct kvmeter_top *top)
{
	struct kvmeter_top_id id;
	unsigned int i;

	for (i = 0; i < top->list.nr; i++) {
		id = get_id(&top->list.rows[i]);
		if (!is_same(&id, &top->selected))
			continue;
		top->at = i;
		return;
	}
	kvmeter_top_list_select(top, top->at);
}

/**
 * kvmeter_top_init - begin with all VMs, sorted as the command line has it
 * @top: zeroed, or with a snapshot
 * @args: the command line
 */
void kvmeter_top_init(struct kvmeter_top *top, const struct kvmeter_args *args)
{
	top->interval_s = INTERVAL_S;
	top->column = KVMETER_COLUMN_EXITS;
	if (args->column)
		kvmeter_top_column_find(args->column, &top->column);
}

/**
 * kvmeter_top_opened - the VM that is opened
 * @top: with a snapshot
 *
 * Return: the VM; NULL if none is, or it is gone.
 */
const struct kvmeter_snap_vm *kvmeter_top_opened(const struct kvmeter_top *top)
{
	if (!top->opened.gen)
		return NULL;
	return kvmeter_snapshot_find_vm(top->snap, top->opened.slot, top->opened.gen);
}

/**
 * kvmeter_top_close - go back from the VM that is opened to all VMs
 * @top: its rows are to be made again
 */
void kvmeter_top_close(struct kvmeter_top *top)
{
	top->opened.gen = 0;
	top->view = top->back.view;
	top->selected = top->back.selected;
	top->at = top->back.at;
	top->first = 0;
	top->shift = 0;
}

/**
 * kvmeter_top_list_make - make the rows of a snapshot, or of other settings
 * @top: with a snapshot; if the VM that is opened is gone, it is closed
 */
void kvmeter_top_list_make(struct kvmeter_top *top)
{
	struct order order = { .column = top->column, .reverse = top->reverse };
	const struct kvmeter_snap_vm *opened = kvmeter_top_opened(top);

	if (top->opened.gen && !opened) {
		kvmeter_top_close(top);
		snprintf(top->message, sizeof(top->message), "that VM is gone");
	}
	top->list.nr = 0;
	top->list.nr_vms = 0;
	if (opened)
		add_vcpus(top, opened);
	else
		add_vms(top);
	if (top->list.nr)
		qsort_r(top->list.rows, top->list.nr, sizeof(*top->list.rows), compare_rows,
			&order);
	if (!opened && top->children)
		add_children(top);
	follow_selected(top);
}

/**
 * kvmeter_top_list_select - mark a row
 * @top: with its rows made
 * @at: which; the last one if there are not so many
 */
void kvmeter_top_list_select(struct kvmeter_top *top, unsigned int at)
{
	if (!top->list.nr) {
		top->at = 0;
		top->selected.gen = 0;
		return;
	}
	top->at = at < top->list.nr ? at : top->list.nr - 1;
	top->selected = get_id(&top->list.rows[top->at]);
}

/**
 * kvmeter_top_put - release the memory of rows and filters
 * @top: what has them
 */
void kvmeter_top_put(struct kvmeter_top *top)
{
	free(top->list.rows);
	memset(&top->list, 0, sizeof(top->list));
	kvmeter_top_filter_clear(&top->filter);
}
