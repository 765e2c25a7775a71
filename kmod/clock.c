// SPDX-License-Identifier: GPL-2.0-only
/* Scale of the ledger clock. */
#include <linux/cpufeature.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/time64.h>

#include <asm/tsc.h>

#include "clock.h"

u64 kvmeter_tsc_mult __read_mostly;

/**
 * kvmeter_clock_init - take over the kernel's calibration of the time-stamp counter
 *
 * Context: any.
 * Return: 0, or -ENODEV if there is none.
 */
int kvmeter_clock_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_TSC) || !tsc_khz)
		return -ENODEV;
	kvmeter_tsc_mult = div_u64((u64)NSEC_PER_MSEC << KVMETER_TSC_SHIFT, tsc_khz);
	return 0;
}
