// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sub-reasons: differences and sums of the vCPUs' Space-Saving sketches.
 *
 * In all of them the true number is in [count - error, count]. What a full sketch does not list may
 * still have come as often as the least of its counts says; that is its floor. Sums take it into
 * account as in Agarwal et al., Mergeable Summaries (PODS 2012).
 */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/**
 * kvmeter_subs_floor - how often a sub-reason that is not listed may have come
 * @subs: a vCPU's sketch
 * @nr: entries in use
 *
 * Return: the bound; 0 while there is room, for then all that came is listed.
 */
__u64 kvmeter_subs_floor(const struct kvmeter_sub *subs, unsigned int nr)
{
	__u64 least = ~0ULL;
	unsigned int i;

	if (nr < KVMETER_SUB_ROWS)
		return 0;
	for (i = 0; i < nr; i++) {
		if (subs[i].count < least)
			least = subs[i].count;
	}
	return least;
}

static const struct kvmeter_sub *find_sub(const struct kvmeter_sub *what,
					  const struct kvmeter_sub *subs, unsigned int nr,
					  unsigned int most_likely)
{
	unsigned int i, at;

	for (i = 0; i < nr; i++) {
		at = (most_likely + i) % nr;
		if (subs[at].kind == what->kind && subs[at].value == what->value)
			return &subs[at];
	}
	return NULL;
}

/*
 * An entry's error is set when it is taken, to a count that no entry was below, and its own count
 * is above it from then on. So one whose error is as before was never given away: its difference is
 * exact. Otherwise it was taken in the interval, and what it counted since is certain.
 */
static void subtract_sub(struct kvmeter_sub *cur, const struct kvmeter_sub *prev)
{
	__u64 sure = cur->count - cur->error, before = prev->count - prev->error;

	if (cur->error == prev->error) {
		cur->count = cur->count > prev->count ? cur->count - prev->count : 0;
		cur->kernel_ns =
			cur->kernel_ns > prev->kernel_ns ? cur->kernel_ns - prev->kernel_ns : 0;
		cur->error = 0;
		return;
	}
	cur->count = cur->count - before > sure ? cur->count - before : sure;
	cur->error = cur->count - sure;
}

/**
 * kvmeter_subs_subtract - what a vCPU's sketch grew by
 * @cur: the later one, replaced by the result
 * @nr: its entries in use
 * @prev: the earlier one
 * @prev_nr: its entries in use
 */
void kvmeter_subs_subtract(struct kvmeter_sub *cur, unsigned int nr, const struct kvmeter_sub *prev,
			   unsigned int prev_nr)
{
	const struct kvmeter_sub *before;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		before = find_sub(&cur[i], prev, prev_nr, i);
		if (before)
			subtract_sub(&cur[i], before);
	}
}

static int compare_values(const void *a, const void *b)
{
	const struct kvmeter_sub_sum *l = a, *r = b;

	if (l->s.kind != r->s.kind)
		return l->s.kind < r->s.kind ? -1 : 1;
	return (l->s.value > r->s.value) - (l->s.value < r->s.value);
}

static int compare_counts(const void *a, const void *b)
{
	const struct kvmeter_sub_sum *l = a, *r = b;

	if (l->s.count != r->s.count)
		return l->s.count > r->s.count ? -1 : 1;
	return compare_values(a, b);
}

static int compare_times(const void *a, const void *b)
{
	const struct kvmeter_sub_sum *l = a, *r = b;

	if (l->s.kernel_ns != r->s.kernel_ns)
		return l->s.kernel_ns > r->s.kernel_ns ? -1 : 1;
	return compare_counts(a, b);
}

/* All entries one after the other, each with the floor of the sketch it is from. */
static struct kvmeter_sub_sum *list_subs(const struct kvmeter_snap *snap, unsigned int first_vcpu,
					 unsigned int nr_vcpus, unsigned int *nr, __u64 *floors)
{
	struct kvmeter_sub_sum *list = NULL;
	const struct kvmeter_snap_vcpu *vcpu;
	unsigned int i, sub, room = 0;

	*nr = 0;
	*floors = 0;
	for (i = first_vcpu; i < first_vcpu + nr_vcpus; i++) {
		vcpu = &snap->vcpus[i];
		*floors += vcpu->sub_floor;
		list = kvmeter_array_grow(list, &room, *nr + vcpu->nr_subs, sizeof(*list));
		for (sub = 0; sub < vcpu->nr_subs; sub++, (*nr)++) {
			list[*nr].s = snap->subs[vcpu->first_sub + sub];
			list[*nr].floor = vcpu->sub_floor;
		}
	}
	return list;
}

/* Entries of the same sub-reason, which are neighbours, become one. Return: how many are left. */
static unsigned int fold_subs(struct kvmeter_sub_sum *list, unsigned int nr)
{
	unsigned int from, to = 0;

	for (from = 1; from < nr; from++) {
		if (compare_values(&list[to], &list[from])) {
			list[++to] = list[from];
			continue;
		}
		kvmeter_fields_add(KVMETER_RECORD_SUB, &list[to].s, &list[from].s);
		list[to].s.error += list[from].s.error;
		list[to].floor += list[from].floor;
	}
	return nr ? to + 1 : 0;
}

/**
 * kvmeter_subs_sum - add up the sketches of vCPUs [first_vcpu, first_vcpu + nr_vcpus)
 * @snap: where they are
 * @first_vcpu: index of the first
 * @nr_vcpus: how many
 * @by_time: longest kernel time first, otherwise most frequent first
 * @nr: how many sub-reasons there are
 *
 * Return: the sub-reasons, to be released with free(). For each sketch that does not list it, a
 * sub-reason's count and error are higher by the floor of that sketch.
 */
struct kvmeter_sub_sum *kvmeter_subs_sum(const struct kvmeter_snap *snap, unsigned int first_vcpu,
					 unsigned int nr_vcpus, bool by_time, unsigned int *nr)
{
	struct kvmeter_sub_sum *list;
	unsigned int i;
	__u64 floors;

	list = list_subs(snap, first_vcpu, nr_vcpus, nr, &floors);
	if (!*nr)
		return list;
	qsort(list, *nr, sizeof(*list), compare_values);
	*nr = fold_subs(list, *nr);
	for (i = 0; i < *nr; i++) {
		list[i].s.count += floors - list[i].floor;
		list[i].s.error += floors - list[i].floor;
	}
	qsort(list, *nr, sizeof(*list), by_time ? compare_times : compare_counts);
	return list;
}
