// SPDX-License-Identifier: GPL-2.0-only
/* Shows D(t), the distinct pages dirtied within t. */
#include "dirty.h"

#define MIB (1024.0 * 1024.0)
#define WHAT_WIDTH 10

const unsigned int kvmeter_curve_ms[KVMETER_CURVE_NR] = KVMETER_CURVE_MS;

/**
 * kvmeter_curve_longest - the longest time that a curve tells of
 * @curve: D(t) by KVMETER_CURVE_MS
 *
 * Return: its index, or KVMETER_CURVE_NR if it tells of none.
 */
unsigned int kvmeter_curve_longest(const __u64 *curve)
{
	unsigned int i = KVMETER_CURVE_NR;

	while (i-- > 0) {
		if (curve[i] != KVMETER_CURVE_NONE)
			return i;
	}
	return KVMETER_CURVE_NR;
}

/**
 * kvmeter_curve_print_heading - print the times t
 */
void kvmeter_curve_print_heading(void)
{
	unsigned int i;

	printf("  %-*s", WHAT_WIDTH, "D(t), MiB");
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (kvmeter_curve_ms[i] < 1000)
			printf(" %7ums", kvmeter_curve_ms[i]);
		else
			printf(" %8us", kvmeter_curve_ms[i] / 1000);
	}
	putchar('\n');
}

/**
 * kvmeter_curve_print - print a curve below that, in MiB
 * @what: what it is
 * @curve: D(t) in pages
 */
void kvmeter_curve_print(const char *what, const __u64 *curve)
{
	unsigned int i;

	printf("  %-*s", WHAT_WIDTH, what);
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (curve[i] == KVMETER_CURVE_NONE)
			printf(" %9s", "-");
		else
			printf(" %9.2f", curve[i] * KVMETER_PAGE_BYTES / MIB);
	}
	putchar('\n');
}

/**
 * kvmeter_curve_new_json - a curve as an array
 * @curve: D(t) in pages
 *
 * Return: the array, null where nothing is known.
 */
struct json_object *kvmeter_curve_new_json(const __u64 *curve)
{
	struct json_object *array = json_object_new_array(), *pages;
	unsigned int i;

	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		pages = curve[i] == KVMETER_CURVE_NONE ? NULL : json_object_new_uint64(curve[i]);
		json_object_array_add(array, pages);
	}
	return array;
}
