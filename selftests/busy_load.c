// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM with one vCPU that does nothing but compute, on one CPU of the host, until it is killed.
 *
 *   busy_load CPU [ARGUMENT...]    prints "running" once it does
 *
 * The other arguments are for those who look at it, as -name NAME.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vmm.h"

#define LOOPS 100003

int main(int argc, char **argv)
{
	struct vmm vm;
	int ret;

	if (argc < 2) {
		fprintf(stderr, "usage: busy_load CPU [ARGUMENT...]\n");
		return 64;
	}
	ret = host_pin(atoi(argv[1]));
	if (!ret)
		ret = vmm_init(&vm, 1, 1);
	if (!ret)
		ret = vmm_run(&vm.vcpu[0], vmm_guest_busy, LOOPS, 0, 0);
	if (!ret) {
		puts("running");
		fflush(stdout);
	}
	while (!ret)
		ret = vmm_run(&vm.vcpu[0], vmm_guest_busy, LOOPS, 0, 0);
	fprintf(stderr, "busy_load: %s\n", strerror(-ret));
	return 1;
}
