// SPDX-License-Identifier: GPL-2.0-only
/* Percentiles, extremes and shares, from histograms and counters. */
#include "reader.h"

/* Bounds of bucket @n, [lo, hi); the last one has no upper bound. */
static __u64 bucket_lo_ns(unsigned int n)
{
	return n ? 1ULL << (n - 1) : 0;
}

static __u64 bucket_hi_ns(unsigned int n)
{
	return n < KVMETER_HIST_BUCKETS - 1 ? 1ULL << n : ~0ULL;
}

/**
 * kvmeter_stats_count_hist - number of values in a histogram
 * @hist: the histogram
 *
 * Return: the sum of its buckets.
 */
__u64 kvmeter_stats_count_hist(const struct kvmeter_hist *hist)
{
	unsigned int i;
	__u64 nr = 0;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		nr += hist->bucket[i];
	return nr;
}

/**
 * kvmeter_stats_percentile_ns - the value below which @pct percent of all values lie
 * @hist: the values
 * @pct: (0, 100]
 * @min_ns: lowest value, or that of some of the values
 * @max_ns: highest value
 *
 * Interpolates linearly inside the bucket it falls into, from the bucket's lower bound, or @min_ns
 * if that is inside, to its upper bound, or @max_ns if that is inside. So it is never above
 * @max_ns, and with all values in one bucket it is not rougher than they allow.
 *
 * Return: in ns; 0 if there are no values.
 */
double kvmeter_stats_percentile_ns(const struct kvmeter_hist *hist, double pct, __u64 min_ns,
				   __u64 max_ns)
{
	double rank = kvmeter_stats_count_hist(hist) * pct / 100.0;
	double below = 0.0, lo, hi;
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++) {
		if (!hist->bucket[i] || below + hist->bucket[i] < rank) {
			below += hist->bucket[i];
			continue;
		}
		lo = bucket_lo_ns(i);
		hi = bucket_hi_ns(i);
		/* It may be above: no exit with steal in it counts as the shortest. */
		if (min_ns > lo && min_ns < hi)
			lo = min_ns;
		if (max_ns < hi)
			hi = max_ns;
		if (hi < lo)
			return max_ns;
		return lo + (hi - lo) * (rank - below) / hist->bucket[i];
	}
	return 0.0;
}

/**
 * kvmeter_stats_lowest_ns - a bound that no value in a histogram is below
 * @hist: the histogram
 *
 * Return: lower bound of its first bucket in use; all ones if it is empty.
 */
__u64 kvmeter_stats_lowest_ns(const struct kvmeter_hist *hist)
{
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++) {
		if (hist->bucket[i])
			return bucket_lo_ns(i);
	}
	return ~0ULL;
}

/**
 * kvmeter_stats_highest_ns - a bound that no value in a histogram is above
 * @hist: the histogram
 *
 * Return: upper bound of its last bucket in use (all ones for the open one); 0 if it is empty.
 */
__u64 kvmeter_stats_highest_ns(const struct kvmeter_hist *hist)
{
	unsigned int i;

	for (i = KVMETER_HIST_BUCKETS; i-- > 0;) {
		if (hist->bucket[i])
			return bucket_hi_ns(i);
	}
	return 0;
}

/**
 * kvmeter_stats_pct - share of a whole
 * @part: the part
 * @whole: the whole
 *
 * Return: percent; 0 if there is no whole.
 */
double kvmeter_stats_pct(double part, double whole)
{
	return whole > 0.0 ? part * 100.0 / whole : 0.0;
}

/**
 * kvmeter_stats_round_shares - shares of a whole in tenths of a percent that add up to 1000
 * @parts: the parts
 * @nr: how many
 * @tenths: their shares
 *
 * Each is rounded down, and what is missing then goes, by a tenth each, to those that lost most
 * (the largest remainders; of equal ones the first).
 *
 * Return: false if the parts are all 0, and so have no shares.
 */
bool kvmeter_stats_round_shares(const __u64 *parts, unsigned int nr, unsigned int *tenths)
{
	__uint128_t whole = 0, remainder, most;
	unsigned int i, left = 1000, pick;

	for (i = 0; i < nr; i++)
		whole += parts[i];
	if (!whole)
		return false;
	for (i = 0; i < nr; i++) {
		tenths[i] = (__uint128_t)parts[i] * 1000 / whole;
		left -= tenths[i];
	}
	while (left--) {
		most = 0;
		pick = nr;
		for (i = 0; i < nr; i++) {
			remainder = (__uint128_t)parts[i] * 1000 % whole;
			/* of those that got their tenth already nothing is missing */
			if (remainder <= most || tenths[i] > (__uint128_t)parts[i] * 1000 / whole)
				continue;
			most = remainder;
			pick = i;
		}
		tenths[pick]++;
	}
	return true;
}
