// SPDX-License-Identifier: GPL-2.0-only
/* Sums the counts of some vCPUs, their exits by reason or by class. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

static void add_vcpu(struct kvmeter_vcpu *to, const struct kvmeter_vcpu *from)
{
	unsigned int i;

	kvmeter_fields_add(KVMETER_RECORD_VCPU, to, from);
	/* shares of a quota have a sum: it; and pages of a round have one */
	to->share_pages += from->share_pages;
	to->round_pages += from->round_pages;
	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		to->user_exit[i] += from->user_exit[i];
		to->user_ns[i] += from->user_ns[i];
	}
}

static bool belongs(const struct kvmeter_sum_row *row, bool other, const char *class,
		    const struct kvmeter_exit *e)
{
	if (row->other != other || row->e.level != e->level)
		return false;
	return other || (class ? !strcmp(row->class, class) : row->e.reason == e->reason);
}

/* @class: that of the exit if rows are by class, NULL if they are by reason. */
static struct kvmeter_sum_row *get_row(struct kvmeter_sum *sum, bool other, const char *class,
				       const struct kvmeter_exit *e)
{
	struct kvmeter_sum_row *row;

	for (row = sum->rows; row < sum->rows + sum->nr_rows; row++) {
		if (belongs(row, other, class, e))
			return row;
	}
	sum->rows = kvmeter_array_grow(sum->rows, &sum->room, sum->nr_rows + 1, sizeof(*row));
	row = &sum->rows[sum->nr_rows++];
	memset(row, 0, sizeof(*row));
	row->other = other;
	row->e.reason = e->reason;
	row->e.level = e->level;
	kvmeter_fields_clear(KVMETER_RECORD_EXIT, &row->e);
	return row;
}

static void add_row(struct kvmeter_sum *sum, bool other, bool by_class, __u32 vendor,
		    const struct kvmeter_exit *from)
{
	const char *class = other ? "UNKNOWN" : kvmeter_reasons_class(vendor, from->reason);
	struct kvmeter_sum_row *row = get_row(sum, other, by_class ? class : NULL, from);

	row->class = class;
	row->name = other || by_class ? class : kvmeter_reasons_name(vendor, from->reason);
	if (from->count)
		row->e.reason = from->reason;
	kvmeter_fields_add(KVMETER_RECORD_EXIT, &row->e, from);
}

/**
 * kvmeter_sum_dirty - pages that vCPUs were found to dirty
 * @v: a vCPU, or the sum of some
 *
 * Return: log entries and write faults, each page once for each time it was armed.
 */
__u64 kvmeter_sum_dirty(const struct kvmeter_vcpu *v)
{
	__u64 logged = v->pml_pages > v->pml_dups ? v->pml_pages - v->pml_dups : 0;

	return logged + v->write_faults;
}

/**
 * kvmeter_sum_vcpus - sum the counts of vCPUs [first_vcpu, first_vcpu + nr_vcpus)
 * @sum: filled; release it with kvmeter_sum_put()
 * @snap: where they are
 * @first_vcpu: index of the first
 * @nr_vcpus: how many
 * @by_class: exits are summed by class, otherwise by reason; L1 and L2 apart in any case
 */
void kvmeter_sum_vcpus(struct kvmeter_sum *sum, const struct kvmeter_snap *snap,
		       unsigned int first_vcpu, unsigned int nr_vcpus, bool by_class)
{
	const struct kvmeter_snap_vcpu *vcpu;
	unsigned int i, row;

	memset(sum, 0, sizeof(*sum));
	kvmeter_fields_clear(KVMETER_RECORD_VCPU, &sum->v);
	for (i = first_vcpu; i < first_vcpu + nr_vcpus; i++) {
		vcpu = &snap->vcpus[i];
		add_vcpu(&sum->v, &vcpu->v);
		sum->elapsed_ns += vcpu->elapsed_ns;
		sum->unexplained_ns += vcpu->unexplained_ns;
		if (vcpu->elapsed_ns)
			sum->exits_s += vcpu->v.exits * 1e9 / vcpu->elapsed_ns;
		for (row = 0; row < vcpu->nr_rows; row++)
			add_row(sum, row == 0, by_class, snap->host.vendor,
				&snap->rows[vcpu->first_row + row]);
	}
	kvmeter_sort_rows(sum, KVMETER_SORT_SAMPLE);
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
