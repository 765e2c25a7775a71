// SPDX-License-Identifier: GPL-2.0-only
/* The matrix of victims and thieves: who took how much from whom, and fewer columns of it. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "steal.h"

/* The columns after those of VMs, each of some kinds; no VM that is there is of them. */
static const struct {
	const char *heading;
	unsigned int kinds; /* by bit */
} others[] = {
	{ "(gone)", 1 << KVMETER_THIEF_VM },
	{ "own", 1 << KVMETER_THIEF_OWN_VCPU | 1 << KVMETER_THIEF_OWN_VMM },
	{ "kernel", 1 << KVMETER_THIEF_KTHREAD },
	{ "process", 1 << KVMETER_THIEF_PROCESS },
	{ "limit", 1 << KVMETER_THIEF_LIMIT },
	{ "idle", 1 << KVMETER_THIEF_IDLE },
	{ "other", 1 << KVMETER_THIEF_OTHER },
	{ "unexpl", 0 },
};

#define NR_OTHERS (sizeof(others) / sizeof(*others))
#define AT_UNEXPLAINED (NR_OTHERS - 1)

static void *get_zeroed(size_t nr, size_t size)
{
	void *mem = calloc(nr ? nr : 1, size);

	if (!mem)
		err(1, "no memory");
	return mem;
}

static void make_cols(struct kvmeter_matrix *m, const struct kvmeter_snap *snap)
{
	const struct kvmeter_snap_vm *vm;
	unsigned int i;

	m->nr_cols = snap->nr_vms + NR_OTHERS;
	m->cols = get_zeroed(m->nr_cols, sizeof(*m->cols));
	for (i = 0; i < snap->nr_vms; i++) {
		vm = &snap->vms[i];
		m->cols[i].vm = vm;
		m->cols[i].heading = kvmeter_select_is_unique(snap, vm) ? vm->name : vm->v.id;
	}
	for (i = 0; i < NR_OTHERS; i++)
		m->cols[snap->nr_vms + i].heading = others[i].heading;
}

static unsigned int find_col(const struct kvmeter_thief_sum *sum, const struct kvmeter_snap *snap)
{
	unsigned int i;

	if (sum->vm)
		return sum->vm - snap->vms;
	for (i = 0; i < AT_UNEXPLAINED; i++) {
		if (others[i].kinds >> sum->t.kind & 1)
			break;
	}
	return snap->nr_vms + i;
}

static void add_ns(struct kvmeter_matrix *m, unsigned int row, unsigned int col, __u64 ns)
{
	m->cells_ns[(size_t)row * m->nr_cols + col] += ns;
	m->rows[row].steal_ns += ns;
	m->cols[col].steal_ns += ns;
}

static void fill_row(struct kvmeter_matrix *m, unsigned int row, const struct kvmeter_snap *snap)
{
	const struct kvmeter_snap_vm *vm = m->rows[row].vm;
	const struct kvmeter_snap_vcpu *vcpu = &snap->vcpus[vm->first_vcpu];
	struct kvmeter_thief_sum *list;
	unsigned int i, nr;

	list = kvmeter_thieves_sum(snap, vm->first_vcpu, vm->nr_vcpus, true, &nr);
	for (i = 0; i < nr; i++)
		add_ns(m, row, find_col(&list[i], snap), kvmeter_thieves_get_time(&list[i].t));
	free(list);
	for (i = 0; i < vm->nr_vcpus; i++, vcpu++) {
		m->rows[row].elapsed_ns += vcpu->elapsed_ns;
		add_ns(m, row, snap->nr_vms + AT_UNEXPLAINED, vcpu->unexplained_ns);
	}
}

/* Moves the columns for which @keep is true to the front, and adds those that are not to @into. */
static void keep_cols(struct kvmeter_matrix *m, const bool *keep, struct kvmeter_matrix_col *into)
{
	unsigned int row, col, nr = 0, nr_cols = m->nr_cols;
	const __u64 *from = m->cells_ns;
	__u64 *to = m->cells_ns, into_ns;

	for (row = 0; row < m->nr_rows; row++) {
		into_ns = 0;
		for (col = 0; col < nr_cols; col++, from++) {
			if (keep[col])
				*to++ = *from;
			else
				into_ns += *from;
		}
		if (into)
			*to++ = into_ns;
	}
	for (col = 0; col < nr_cols; col++) {
		if (keep[col])
			m->cols[nr++] = m->cols[col];
		else if (into)
			into->steal_ns += m->cols[col].steal_ns;
	}
	if (into)
		m->cols[nr++] = *into;
	m->nr_cols = nr;
}

/* What cannot happen on this host, or did not with VMs that are gone, needs no column. */
static void drop_cols(struct kvmeter_matrix *m, const struct kvmeter_snap *snap)
{
	bool *keep = get_zeroed(m->nr_cols, sizeof(*keep));
	unsigned int i, kinds;

	for (i = 0; i < m->nr_cols; i++)
		keep[i] = true;
	for (i = 0; i < NR_OTHERS; i++) {
		kinds = others[i].kinds;
		if (m->cols[snap->nr_vms + i].steal_ns)
			continue;
		if (kinds == 1 << KVMETER_THIEF_VM ||
		    (kinds == 1 << KVMETER_THIEF_LIMIT &&
		     !(snap->host.features & KVMETER_FEATURE_LIMIT)))
			keep[snap->nr_vms + i] = false;
	}
	keep_cols(m, keep, NULL);
	free(keep);
}

/**
 * kvmeter_matrix_make - find out who took how much from whom
 * @m: filled; release it with kvmeter_matrix_put()
 * @report: the report; with -z victims of nobody are left out
 */
void kvmeter_matrix_make(struct kvmeter_matrix *m, const struct kvmeter_report *report)
{
	const struct kvmeter_snap *snap = report->snap;
	struct kvmeter_matrix_row *row;
	unsigned int i;

	memset(m, 0, sizeof(*m));
	make_cols(m, snap);
	m->rows = get_zeroed(snap->nr_vms, sizeof(*m->rows));
	m->cells_ns = get_zeroed((size_t)snap->nr_vms * m->nr_cols, sizeof(*m->cells_ns));
	for (i = 0; i < snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		row = &m->rows[m->nr_rows];
		row->vm = &snap->vms[i];
		row->heading = m->cols[i].heading;
		fill_row(m, m->nr_rows, snap);
		/* One without steal has only zeros in its cells, so they can be used again. */
		if (report->args->skip_empty && !row->steal_ns)
			memset(row, 0, sizeof(*row));
		else
			m->nr_rows++;
	}
	drop_cols(m, snap);
}

/* The column that took least, of those with @keep; of equal ones the last. */
static unsigned int find_least(const struct kvmeter_matrix *m, const bool *keep)
{
	unsigned int col, least = m->nr_cols;

	for (col = 0; col < m->nr_cols; col++) {
		if (!keep[col])
			continue;
		if (least == m->nr_cols || m->cols[col].steal_ns <= m->cols[least].steal_ns)
			least = col;
	}
	return least;
}

/**
 * kvmeter_matrix_fold - have few columns, the last of them the sum of all that took least
 * @m: the matrix
 * @most: most columns to have, at least 2
 */
void kvmeter_matrix_fold(struct kvmeter_matrix *m, unsigned int most)
{
	struct kvmeter_matrix_col rest = { .heading = "…" };
	bool *keep;
	unsigned int i;

	if (m->nr_cols <= most)
		return;
	keep = get_zeroed(m->nr_cols, sizeof(*keep));
	for (i = 0; i < m->nr_cols; i++)
		keep[i] = true;
	for (i = m->nr_cols; i > most - 1; i--)
		keep[find_least(m, keep)] = false;
	keep_cols(m, keep, &rest);
	free(keep);
}

/**
 * kvmeter_matrix_put - release the memory of a matrix
 * @m: from kvmeter_matrix_make()
 */
void kvmeter_matrix_put(struct kvmeter_matrix *m)
{
	free(m->rows);
	free(m->cols);
	free(m->cells_ns);
	memset(m, 0, sizeof(*m));
}
