// SPDX-License-Identifier: GPL-2.0-only
/* The parts of exits.h that are seldom needed. */
#include <linux/cpufeature.h>
#include <linux/math64.h>

#include <asm/tsc.h>

#include "exits.h"

u32 kvmeter_tsc_mult __read_mostly;

/**
 * kvmeter_exits_init - take over the kernel's calibration of the time-stamp counter
 *
 * Context: any.
 * Return: 0, or -ENODEV if there is none.
 */
int kvmeter_exits_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_TSC) || tsc_khz < 1000)
		return -ENODEV;
	kvmeter_tsc_mult = div_u64((u64)NSEC_PER_MSEC << KVMETER_TSC_SHIFT, tsc_khz);
	return 0;
}

/**
 * kvmeter_exits_long_ns - scale a difference of the time-stamp counter that exceeds 32 bits
 * @cycles: the difference; where the counters of two CPUs disagree it can be negative
 *
 * Context: any.
 * Return: ns; 0 for a negative one, since time must not run backwards.
 */
u64 kvmeter_exits_long_ns(u64 cycles)
{
	if ((s64)cycles < 0)
		return 0;
	return mul_u64_u32_shr(cycles, kvmeter_tsc_mult, KVMETER_TSC_SHIFT);
}

/**
 * kvmeter_exits_find_row - row for a reason that has none by index yet, or cannot have one
 * @v: the vCPU's record
 * @reason: the reason, or KVMETER_NO_REASON
 *
 * At most KVMETER_EXIT_ROWS steps.
 *
 * Context: as kvmeter_exits_start().
 * Return: the row; 0 if there is no reason or no row is left.
 */
u32 kvmeter_exits_find_row(struct kvmeter_vcpu_rec *v, s64 reason)
{
	u32 row;

	if (reason == KVMETER_NO_REASON)
		return 0;
	for (row = 1; row < v->nr_rows; row++)
		if (v->row_reason[row] == reason)
			return row;
	if (row == KVMETER_EXIT_ROWS) {
		v->rows[0].reason = reason;
		return 0;
	}
	v->row_reason[row] = reason;
	v->rows[row].reason = reason;
	v->rows[row].min_ns = U64_MAX;
	if (reason < KVMETER_ROW_INDEX_NR)
		v->row_of[reason] = row;
	WRITE_ONCE(v->nr_rows, row + 1);
	v->slot->nr_rows = row + 1;
	return row;
}
