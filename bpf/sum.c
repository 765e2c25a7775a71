// SPDX-License-Identifier: GPL-2.0-only
/* Sums the counts of some vCPUs, their exits by reason. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

static void add_hist(struct kvmeter_hist *to, const struct kvmeter_hist *from)
{
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

static void add_vcpu(struct kvmeter_vcpu *to, const struct kvmeter_vcpu *from)
{
	to->exits += from->exits;
	to->steal_ns += from->steal_ns;
	to->steal_nr += from->steal_nr;
	if (from->steal_max_ns > to->steal_max_ns)
		to->steal_max_ns = from->steal_max_ns;
	to->pml_pages += from->pml_pages;
	to->pml_full += from->pml_full;
	to->pml_bad += from->pml_bad;
	to->pml_gfn_sum += from->pml_gfn_sum;
	to->write_faults += from->write_faults;
	add_hist(&to->steal_hist, &from->steal_hist);
}

static struct kvmeter_sum_row *find_row(struct kvmeter_sum *sum, bool other, __u32 reason)
{
	struct kvmeter_sum_row *row;

	for (row = sum->rows; row < sum->rows + sum->nr_rows; row++) {
		if (row->other == other && (other || row->e.reason == reason))
			return row;
	}
	return NULL;
}

static void add_row(struct kvmeter_sum *sum, unsigned int *room, bool other,
		    const struct kvmeter_exit *from)
{
	struct kvmeter_sum_row *row = find_row(sum, other, from->reason);

	if (!row) {
		sum->rows = kvmeter_array_grow(sum->rows, room, sum->nr_rows + 1, sizeof(*row));
		row = &sum->rows[sum->nr_rows++];
		row->other = other;
		row->e.min_ns = ~0ULL;
	}
	if (from->count)
		row->e.reason = from->reason;
	else if (!row->e.count)
		row->e.reason = from->reason;
	row->e.count += from->count;
	row->e.time_ns += from->time_ns;
	if (from->min_ns < row->e.min_ns)
		row->e.min_ns = from->min_ns;
	if (from->max_ns > row->e.max_ns)
		row->e.max_ns = from->max_ns;
	add_hist(&row->e.hist, &from->hist);
}

/* Most frequent first; then by number, so that the order does not depend on chance. */
static int compare_rows(const void *a, const void *b)
{
	const struct kvmeter_sum_row *l = a, *r = b;

	if (l->e.count != r->e.count)
		return l->e.count > r->e.count ? -1 : 1;
	if (l->other != r->other)
		return l->other ? 1 : -1;
	return (l->e.reason > r->e.reason) - (l->e.reason < r->e.reason);
}

static void split_time(struct kvmeter_sum *sum, __u32 vendor)
{
	const struct kvmeter_sum_row *row;
	const char *class;

	for (row = sum->rows; row < sum->rows + sum->nr_rows; row++) {
		class = row->other ? "" : kvmeter_reasons_class(vendor, row->e.reason);
		if (!strcmp(class, "HLT") || !strcmp(class, "MWAIT"))
			sum->idle_ns += row->e.time_ns;
		else
			sum->time_ns += row->e.time_ns;
	}
}

/**
 * kvmeter_sum_vcpus - sum the counts of vCPUs [first_vcpu, first_vcpu + nr_vcpus)
 * @sum: filled; release it with kvmeter_sum_put()
 * @snap: where they are
 * @first_vcpu: index of the first
 * @nr_vcpus: how many
 */
void kvmeter_sum_vcpus(struct kvmeter_sum *sum, const struct kvmeter_snap *snap,
		       unsigned int first_vcpu, unsigned int nr_vcpus)
{
	const struct kvmeter_snap_vcpu *vcpu;
	unsigned int i, row, room = 0;

	memset(sum, 0, sizeof(*sum));
	for (i = first_vcpu; i < first_vcpu + nr_vcpus; i++) {
		vcpu = &snap->vcpus[i];
		add_vcpu(&sum->v, &vcpu->v);
		sum->elapsed_ns += vcpu->elapsed_ns;
		if (vcpu->elapsed_ns)
			sum->exits_s += vcpu->v.exits * 1e9 / vcpu->elapsed_ns;
		for (row = 0; row < vcpu->v.nr_rows; row++)
			add_row(sum, &room, row == 0, &snap->rows[vcpu->first_row + row]);
	}
	if (sum->nr_rows)
		qsort(sum->rows, sum->nr_rows, sizeof(*sum->rows), compare_rows);
	split_time(sum, snap->host.vendor);
}

/**
 * kvmeter_sum_put - release the memory of a sum
 * @sum: from kvmeter_sum_vcpus()
 */
void kvmeter_sum_put(struct kvmeter_sum *sum)
{
	free(sum->rows);
	sum->rows = NULL;
}
