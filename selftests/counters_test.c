// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is counted of a vCPU besides its exits: interrupts, polls, wake-ups, exits to the VMM, moves
 * between CPUs and mapped pages; against exact numbers, and KVM's own statistics in debugfs.
 */
#define _GNU_SOURCE
#include <errno.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"

#define HALTS 53
#define PERIOD_US 5000
/* Longer than a halt: only then KVM begins to poll. */
#define POLL_NS 10000000
#define OUTS 101
#define HLTS 103
#define MOVES 13
#define PAGES 601
#define CPU 0

FIXTURE(counters)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_SETUP(counters)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, host_pin(CPU));
}

FIXTURE_TEARDOWN(counters)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

/* A statistic of KVM's, of a VM of this process with one vCPU. */
static int64_t kvm_stat(int fd, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/%s", getpid(), fd, name);
	return host_read_number(path, NULL);
}

/* Where there is another CPU the interrupts come from there, and may end a poll. */
static int run_halts(struct vmm *vm, uint32_t nr, uint64_t *sent)
{
	struct vmm_interrupts irqs;
	int ret = host_pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);

	if (!ret)
		ret = vmm_start_interrupts(&irqs, vm, 0, PERIOD_US);
	if (ret)
		return ret;
	ret = host_pin(CPU);
	if (!ret)
		ret = vmm_run(&vm->vcpu[0], vmm_guest_hlt_irq, nr, 0, 0);
	if (vmm_stop_interrupts(&irqs))
		return -EIO;
	*sent = irqs.sent;
	return ret;
}

/* clang-format off */
#define EXPECT_KVM_STAT(copy, field) \
	EXPECT_EQ(kvm_stat(self->vm.fd, #field), (copy).v.field)
/* clang-format on */

TEST_F_TIMEOUT(counters, interrupts_and_polls, 120)
{
	struct meter_vcpu copy;
	uint64_t sent;

	ASSERT_EQ(0, vmm_init_irqchip(&self->vm, 1, 1));
	ASSERT_EQ(0, vmm_set_halt_poll(&self->vm, POLL_NS));
	ASSERT_EQ(0, run_halts(&self->vm, HALTS, &sent));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	TH_LOG("%llu interrupts; %llu halts polled first, %llu with success", copy.v.irq_injections,
	       copy.v.halt_attempted_poll, copy.v.halt_successful_poll);

	/* Each ends a halt, but for one that came while the one before was at work. */
	EXPECT_LE(HALTS, copy.v.irq_injections);
	/* The first finds no stack, and is injected again. */
	EXPECT_GE(sent + 1, copy.v.irq_injections);
	EXPECT_EQ(0, copy.v.nmi_injections);
	EXPECT_LT(0, copy.v.halt_attempted_poll);
	EXPECT_KVM_STAT(copy, irq_injections);
	EXPECT_KVM_STAT(copy, nmi_injections);
	EXPECT_KVM_STAT(copy, halt_attempted_poll);
	EXPECT_KVM_STAT(copy, halt_successful_poll);
	EXPECT_KVM_STAT(copy, halt_poll_success_ns);
	EXPECT_KVM_STAT(copy, halt_poll_fail_ns);
	EXPECT_KVM_STAT(copy, halt_wakeup);
	/* Polling is part of the halt. */
	EXPECT_LE(copy.v.halt_poll_fail_ns, copy.v.halt_ns);
}

/* Without polling each halt sleeps, and ends with a wake-up. */
TEST_F_TIMEOUT(counters, wakeups, 120)
{
	struct meter_vcpu copy;
	uint64_t sent;

	ASSERT_EQ(0, vmm_init_irqchip(&self->vm, 1, 1));
	ASSERT_EQ(0, vmm_set_halt_poll(&self->vm, 0));
	ASSERT_EQ(0, run_halts(&self->vm, HALTS, &sent));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	TH_LOG("%llu wake-ups, %llu us in all, %llu us at most", copy.v.wakeups,
	       copy.v.wakeup_lat_ns / 1000, copy.v.wakeup_lat_max_ns / 1000);

	EXPECT_EQ(0, copy.v.halt_attempted_poll);
	EXPECT_LE(HALTS, copy.v.wakeups);
	EXPECT_GE(2 * HALTS, copy.v.wakeups);
	EXPECT_EQ(copy.v.wakeups, meter_hist_sum(&copy.v.wakeup_lat_hist));
	EXPECT_LT(0, copy.v.wakeup_lat_ns);
	EXPECT_GE(copy.v.wakeup_lat_ns, copy.v.wakeup_lat_max_ns);
	EXPECT_LE(copy.v.wakeup_lat_ns, copy.v.wakeup_lat_max_ns * copy.v.wakeups);
	EXPECT_LE(copy.v.wakeup_lat_ns, copy.v.steal_ns);
}

TEST_F_TIMEOUT(counters, user_exits, 120)
{
	uint32_t reason = reason_of(VMX_HLT, SVM_HLT);
	struct meter_vcpu copy;
	uint64_t all = 0;
	unsigned int i;

	ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_out, OUTS, VMM_PORT, 0));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_hlt, HLTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));

	/* And a doorbell for each job. */
	EXPECT_EQ(OUTS + 2, copy.v.user_exit[KVM_EXIT_IO]);
	EXPECT_EQ(HLTS, copy.v.user_exit[KVM_EXIT_HLT]);
	EXPECT_LT(0, copy.v.user_ns[KVM_EXIT_IO]);
	EXPECT_LT(0, copy.v.user_ns[KVM_EXIT_HLT]);
	for (i = 0; i < KVMETER_USER_EXITS; i++)
		all += copy.v.user_exit[i];
	EXPECT_EQ(all, copy.v.user_exits);
	ASSERT_NE(NULL, meter_row(&copy, 1, reason));
	EXPECT_EQ(HLTS, meter_row(&copy, 1, reason)->user_exits);
	/* Without an interrupt controller of KVM's the VMM halts, not KVM. */
	EXPECT_EQ(0, copy.v.halt_ns);
}

TEST_F_TIMEOUT(counters, cpu_moves, 120)
{
	struct meter_vcpu copy;
	int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "this host has one CPU");
	ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
	for (i = 1; i <= MOVES; i++) {
		ASSERT_EQ(0, host_pin(i % 2));
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
		ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
		EXPECT_EQ(i, copy.v.cpu_moves);
		EXPECT_EQ(i % 2, copy.v.cpu);
	}
	EXPECT_EQ(0, copy.v.node_moves);
	EXPECT_EQ(0, copy.v.node);
}

TEST_F_TIMEOUT(counters, pages, 120)
{
	const struct kvmeter_vm *vm;

	ASSERT_EQ(0, vmm_init(&self->vm, 1, PAGES));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
	vm = meter_vm(&self->meter, self->vm.fd);
	ASSERT_NE(NULL, vm);
	TH_LOG("%llu pages of 4 KiB", vm->pages_4k);
	EXPECT_LE(PAGES, vm->pages_4k);
	EXPECT_EQ(kvm_stat(self->vm.fd, "pages_4k"), vm->pages_4k);
	EXPECT_EQ(0, vm->pages_2m);
	EXPECT_EQ(0, vm->pages_1g);
}

TEST_HARNESS_MAIN
