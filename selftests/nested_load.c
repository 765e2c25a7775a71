// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a number of CPUID exits, its argument, in a guest of its own. Linked statically: it runs
 * in a guest that has no libraries, so that its own is a nested one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm.h"

int main(int argc, char *argv[])
{
	uint32_t nr = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	struct vmm vm;
	int ret;

	if (!nr) {
		fprintf(stderr, "usage: nested_load EXITS\n");
		return 64;
	}
	ret = vmm_init(&vm, 1, 1);
	if (!ret)
		ret = vmm_run(&vm.vcpu[0], vmm_guest_cpuid, nr, 0, 0);
	vmm_exit(&vm);
	if (ret) {
		fprintf(stderr, "nested_load: %s\n", strerror(-ret));
		return 1;
	}
	return 0;
}
