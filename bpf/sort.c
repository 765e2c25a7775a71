// SPDX-License-Identifier: GPL-2.0-only
/* The order of exit rows, by the keys of perf kvm stat and by what it does not have. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/**
 * kvmeter_sort_time_ns - handling time of all exits of a row
 * @e: the row
 *
 * Return: in ns: in the kernel, in the VMM and halted, net of steal.
 */
__u64 kvmeter_sort_time_ns(const struct kvmeter_exit *e)
{
	return e->kernel_ns + e->vmm_ns + e->halt_ns;
}

/**
 * kvmeter_sort_percentile_ns - percentile of a row's handling times
 * @e: the row
 * @pct: (0, 100]
 *
 * Return: in ns, see kvmeter_stats_percentile_ns().
 */
double kvmeter_sort_percentile_ns(const struct kvmeter_exit *e, double pct)
{
	return kvmeter_stats_percentile_ns(&e->hist, pct, e->min_ns, e->max_ns);
}

/**
 * kvmeter_sort_mean_ns - average handling time of a row's exits
 * @e: the row
 *
 * Return: in ns, of the exits that have ended; 0 if none has.
 */
double kvmeter_sort_mean_ns(const struct kvmeter_exit *e)
{
	__u64 ended = kvmeter_stats_count_hist(&e->hist);

	return ended ? (double)kvmeter_sort_time_ns(e) / ended : 0.0;
}

static double sample_of(const struct kvmeter_exit *e)
{
	return e->count;
}

static double time_of(const struct kvmeter_exit *e)
{
	return kvmeter_sort_time_ns(e);
}

static double max_of(const struct kvmeter_exit *e)
{
	return e->max_ns;
}

static double min_of(const struct kvmeter_exit *e)
{
	return e->min_ns == ~0ULL ? 0.0 : e->min_ns;
}

static double p50_of(const struct kvmeter_exit *e)
{
	return kvmeter_sort_percentile_ns(e, 50);
}

static double p99_of(const struct kvmeter_exit *e)
{
	return kvmeter_sort_percentile_ns(e, 99);
}

static double kernel_of(const struct kvmeter_exit *e)
{
	return e->kernel_ns;
}

static double vmm_of(const struct kvmeter_exit *e)
{
	return e->vmm_ns;
}

static const struct {
	const char *name;
	double (*of)(const struct kvmeter_exit *e);
} keys[KVMETER_SORT_NR] = {
	[KVMETER_SORT_SAMPLE] = { "sample", sample_of },
	[KVMETER_SORT_PERCENT_SAMPLE] = { "percent_sample", sample_of },
	[KVMETER_SORT_TIME] = { "time", time_of },
	[KVMETER_SORT_PERCENT_TIME] = { "percent_time", time_of },
	[KVMETER_SORT_MAX] = { "max_t", max_of },
	[KVMETER_SORT_MIN] = { "min_t", min_of },
	[KVMETER_SORT_MEAN] = { "mean_t", kvmeter_sort_mean_ns },
	[KVMETER_SORT_P50] = { "p50", p50_of },
	[KVMETER_SORT_P99] = { "p99", p99_of },
	[KVMETER_SORT_KERNEL] = { "kernel", kernel_of },
	[KVMETER_SORT_VMM] = { "vmm", vmm_of },
};

/**
 * kvmeter_sort_find_key - key of a name
 * @name: as the user wrote it
 * @key: the key
 *
 * Return: false if there is none of that name.
 */
bool kvmeter_sort_find_key(const char *name, enum kvmeter_sort_key *key)
{
	unsigned int i;

	for (i = 0; i < KVMETER_SORT_NR; i++) {
		if (strcmp(keys[i].name, name))
			continue;
		*key = i;
		return true;
	}
	return false;
}

/* Highest first; then by count and number, so that the order does not depend on chance. */
static int compare_rows(const void *a, const void *b, void *of)
{
	double (*value)(const struct kvmeter_exit *e) =
		*(double (**)(const struct kvmeter_exit *))of;
	const struct kvmeter_sum_row *l = a, *r = b;
	double lv = value(&l->e), rv = value(&r->e);

	if (lv != rv)
		return lv > rv ? -1 : 1;
	if (l->e.count != r->e.count)
		return l->e.count > r->e.count ? -1 : 1;
	if (l->other != r->other)
		return l->other ? 1 : -1;
	if (l->e.level != r->e.level)
		return l->e.level < r->e.level ? -1 : 1;
	return (l->e.reason > r->e.reason) - (l->e.reason < r->e.reason);
}

/**
 * kvmeter_sort_rows - bring the rows of a sum into order, highest first
 * @sum: the sum
 * @key: what is compared
 */
void kvmeter_sort_rows(struct kvmeter_sum *sum, enum kvmeter_sort_key key)
{
	double (*of)(const struct kvmeter_exit *e) = keys[key].of;

	if (sum->nr_rows)
		qsort_r(sum->rows, sum->nr_rows, sizeof(*sum->rows), compare_rows, &of);
}
