// SPDX-License-Identifier: GPL-2.0-only
/* Prints histograms in the form of runqlat, which those who trace schedulers can read. */
#include "reader.h"

#define BAR_WIDTH 40

static void print_bar(FILE *out, __u64 count, __u64 most)
{
	unsigned int stars = (__uint128_t)count * BAR_WIDTH / most, i;

	putc('|', out);
	for (i = 0; i < BAR_WIDTH; i++)
		putc(i < stars ? '*' : ' ', out);
	fputs("|\n", out);
}

static void print_bounds(FILE *out, unsigned int bucket)
{
	__u64 lo_ns = bucket > 1 ? 1ULL << (bucket - 1) : 0;

	if (bucket == KVMETER_HIST_BUCKETS - 1)
		fprintf(out, "%10llu -> %-10s", lo_ns, "...");
	else
		fprintf(out, "%10llu -> %-10llu", lo_ns, (1ULL << bucket) - 1);
}

/**
 * kvmeter_hist_print - print a histogram
 * @out: where to
 * @hist: the histogram
 *
 * The first line is of [0, 1] ns, as in runqlat, so of two buckets; the last is that of the longest
 * time. The bars are shares of the highest count. Without values nothing is printed.
 */
void kvmeter_hist_print(FILE *out, const struct kvmeter_hist *hist)
{
	__u64 count, most = hist->bucket[0] + hist->bucket[1];
	unsigned int i, last = most ? 1 : 0;

	for (i = 2; i < KVMETER_HIST_BUCKETS; i++) {
		if (hist->bucket[i])
			last = i;
		if (hist->bucket[i] > most)
			most = hist->bucket[i];
	}
	if (!last)
		return;
	fprintf(out, "     %-19s : count     distribution\n", "nsecs");
	for (i = 1; i <= last; i++) {
		count = hist->bucket[i] + (i == 1 ? hist->bucket[0] : 0);
		print_bounds(out, i);
		fprintf(out, " : %-8llu ", count);
		print_bar(out, count, most);
	}
}
