// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that makes a prime number of exits of each of several kinds, each another; then says
 * "through", and stays as it is until it is killed.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "vmm.h"

#define CPU 0
#define CPUIDS 401
#define OUTS 503
#define READS 211
#define HYPERCALLS 307
#define HALTS 199
#define PAGES 601
#define PERIOD_US 10000
#define MSR_READ_INTERCEPTED 0x8b
#define HYPERCALL_UNKNOWN 0xfffff

static int run(struct vmm *vm)
{
	const char *hypercall = vmm_is_intel() ? vmm_guest_vmcall : vmm_guest_vmmcall;
	struct vmm_vcpu *vcpu = &vm->vcpu[0];
	struct vmm_interrupts irqs;
	int ret;

	ret = vmm_start_interrupts(&irqs, vm, 0, PERIOD_US);
	if (ret)
		return ret;
	ret = vmm_run(vcpu, vmm_guest_hlt_irq, HALTS, 0, 0);
	vmm_stop_interrupts(&irqs);
	if (!ret)
		ret = vmm_run(vcpu, vmm_guest_cpuid, CPUIDS, 0, 0);
	if (!ret)
		ret = vmm_run(vcpu, vmm_guest_rdmsr, READS, MSR_READ_INTERCEPTED, 0);
	if (!ret)
		ret = vmm_run(vcpu, hypercall, HYPERCALLS, 0, HYPERCALL_UNKNOWN);
	if (!ret)
		ret = vmm_run(vcpu, vmm_guest_write, PAGES, VMM_DATA_ADDR, 1);
	return ret ? ret : vmm_run(vcpu, vmm_guest_out, OUTS, VMM_PORT, 0);
}

int main(void)
{
	struct vmm vm;
	int ret;

	ret = host_pin(CPU);
	if (!ret)
		ret = vmm_init_irqchip(&vm, 1, PAGES);
	if (!ret)
		ret = run(&vm);
	if (ret) {
		fprintf(stderr, "perf_load: %s\n", strerror(-ret));
		return 1;
	}
	puts("through");
	fflush(stdout);
	pause();
	return 0;
}
