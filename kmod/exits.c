// SPDX-License-Identifier: GPL-2.0-only
/* Counts the exits of each vCPU by reason, with their times. */
#include <linux/math64.h>

#include <asm/tsc.h>

#include "collect.h"

/* ns = cycles * mult >> TSC_SHIFT; mult fits 32 bits from 1 MHz up. */
#define TSC_SHIFT 22

static u32 tsc_mult __read_mostly;

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
	tsc_mult = div_u64((u64)NSEC_PER_MSEC << TSC_SHIFT, tsc_khz);
	return 0;
}

static unsigned int reason_index(u32 reason)
{
	if (likely(reason < 0x100))
		return reason;
	if (reason >= 0x400 && reason < 0x410)
		return 0x100 + (reason - 0x400);
	return KVMETER_ROW_INDEX_NR;
}

/* A row for a reason that has none by index. At most KVMETER_EXIT_ROWS steps. */
static noinline u32 find_row(struct kvmeter_vcpu_rec *v, u32 reason)
{
	unsigned int index = reason_index(reason);
	u32 row;

	for (row = 1; row < v->nr_rows; row++)
		if (v->row_reason[row] == reason)
			return row;
	if (row == KVMETER_EXIT_ROWS)
		return 0;
	v->row_reason[row] = reason;
	v->rows[row].reason = reason;
	v->rows[row].min_ns = U64_MAX;
	if (index < KVMETER_ROW_INDEX_NR)
		v->row_of[index] = row;
	WRITE_ONCE(v->nr_rows, row + 1);
	v->slot->nr_rows = row + 1;
	return row;
}

/**
 * kvmeter_exits_start - an exit has happened: count it
 * @v: the vCPU's record
 * @exit: what is known of the exit
 * @tsc: when it was seen
 */
void kvmeter_exits_start(struct kvmeter_vcpu_rec *v, const struct kvmeter_exit_info *exit, u64 tsc)
{
	unsigned int index = reason_index(exit->reason);
	u32 row = 0;

	if (likely(exit->known)) {
		if (likely(index < KVMETER_ROW_INDEX_NR))
			row = v->row_of[index];
		if (unlikely(!row))
			row = find_row(v, exit->reason);
	}
	if (unlikely(!row))
		v->rows[0].reason = exit->reason;
	v->rows[row].count++;
	v->slot->exits++;
	v->open_row = row;
	v->exit_tsc = tsc;
}

/**
 * kvmeter_exits_end - the guest is about to be entered: add the time of the exit before
 * @v: the vCPU's record
 * @tsc: when this was seen
 * @steal_ns: steal since the exit, which is not its time
 */
void kvmeter_exits_end(struct kvmeter_vcpu_rec *v, u64 tsc, u64 steal_ns)
{
	struct kvmeter_exit *row;
	u64 ns = 0;

	if (unlikely(v->open_row < 0))
		return;
	row = &v->rows[v->open_row];
	v->open_row = -1;
	/* Where the counters of CPUs disagree a little, time must not run backwards. */
	if (likely((s64)(tsc - v->exit_tsc) > 0))
		ns = mul_u64_u32_shr(tsc - v->exit_tsc, tsc_mult, TSC_SHIFT);
	ns -= min(ns, steal_ns);
	row->time_ns += ns;
	row->min_ns = min(row->min_ns, ns);
	row->max_ns = max(row->max_ns, ns);
	kvmeter_hist_add(&row->hist, ns);
}
