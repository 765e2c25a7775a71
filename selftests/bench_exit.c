// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what a CPUID exit costs on this lab host, in instructions, all of its handling included,
 * and how many of them it took to tell.
 *
 * On both legs the time-stamp counter counts instructions: under QEMU's -icount shift=0 a virtual
 * nanosecond is one, and so is a tick of the counter; Bochs adds one for each it retires. The
 * least of several rounds is the one that no timer interrupt fell into.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "vmm.h"

#define EXITS_NR 503
#define ROUNDS_NR 41

int main(void)
{
	uint64_t begin, ticks, least = UINT64_MAX;
	struct vmm vm;
	int i, ret;

	ret = vmm_init(&vm, 1, 1);
	for (i = 0; !ret && i < ROUNDS_NR; i++) {
		begin = __rdtsc();
		ret = vmm_run(&vm.vcpu[0], vmm_guest_cpuid, EXITS_NR, 0, 0);
		ticks = __rdtsc() - begin;
		if (ticks < least)
			least = ticks;
	}
	vmm_exit(&vm);
	if (ret) {
		fprintf(stderr, "bench_exit: %s\n", strerror(-ret));
		return 1;
	}
	printf("%.1f %d\n", (double)least / EXITS_NR, EXITS_NR * ROUNDS_NR);
	return 0;
}
