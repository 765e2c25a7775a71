/* SPDX-License-Identifier: GPL-2.0-only */
/* The ledger clock: the time-stamp counter in ns. Scaled once, differences add up exactly. */
#ifndef _KVMETER_CLOCK_H
#define _KVMETER_CLOCK_H

#include <linux/math64.h>
#include <linux/types.h>

#include <asm/tsc.h>

#include <uapi/linux/kvmeter.h>

extern u64 kvmeter_tsc_mult;

int kvmeter_clock_init(void);

/**
 * kvmeter_clock_now - the ledger clock
 *
 * Context: any.
 * Return: ns. Two CPUs may differ by what their counters do.
 */
static __always_inline u64 kvmeter_clock_now(void)
{
	return mul_u64_u64_shr(rdtsc(), kvmeter_tsc_mult, KVMETER_TSC_SHIFT);
}

#endif /* _KVMETER_CLOCK_H */
