// SPDX-License-Identifier: GPL-2.0-only
/* A guest rewrites pages in three rounds; prints how many kvmeter read from the PML. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "meter.h"

#define PAGES 6007
#define ROUNDS 3

static int run(struct meter *meter, struct vmm *vm, struct meter_vcpu *copy)
{
	int i, ret;

	ret = vmm_run(&vm->vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1);
	if (!ret && meter_wait_log(meter, vm->fd) != KVMETER_LOG_OFF)
		ret = -EPROTO;
	if (!ret)
		ret = vmm_set_log(vm, true);
	for (i = 0; !ret && i < ROUNDS; i++) {
		ret = vmm_take_dirty(vm);
		if (!ret)
			ret = vmm_run(&vm->vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1);
	}
	return ret ? ret : meter_read(meter, vm->fd, 0, copy);
}

int main(void)
{
	const uint64_t pages = (uint64_t)PAGES * ROUNDS;
	struct meter_vcpu copy;
	struct meter meter;
	struct vmm vm;
	int ret;

	ret = meter_open(&meter);
	if (ret) {
		fprintf(stderr, "pml_demo: kvmeter: %s\n", strerror(-ret));
		return 1;
	}
	ret = vmm_init(&vm, 1, PAGES);
	if (!ret)
		ret = run(&meter, &vm, &copy);
	vmm_exit(&vm);
	meter_close(&meter);
	if (ret) {
		fprintf(stderr, "pml_demo: guest: %s\n", strerror(-ret));
		return 1;
	}

	printf("pml: %" PRIu64 " pages rewritten, %llu read from the log\n", pages,
	       copy.v.pml_pages);
	return copy.v.pml_pages != pages;
}
