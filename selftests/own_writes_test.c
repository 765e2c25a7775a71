// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is written to the guest's memory by others than its vCPUs' own code: KVM's writes, of the
 * guest's clock and of its steal time, are counted for the VM and billed to no vCPU; what a nested
 * guest writes is billed to the vCPU, and told apart.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "nested.h"
#include "session.h"

#define EVENTS 101
#define ROUNDS 3
#define ARM_US 100000
#define PATIENCE_US 10000000
#define NESTED_WRITES 503u
#define NESTED_ADDR (VMM_DATA_ADDR + NESTED_PAGES * VMM_PAGE_BYTES)

/* Where KVM keeps the clock, and the steal time. */
#define OWN_ADDR VMM_DATA_ADDR
#define MSR_KVM_SYSTEM_TIME 0x4b564d01
#define MSR_KVM_STEAL 0x4b564d03
#define MSR_KVM_ENABLED 1

FIXTURE(own)
{
	struct meter meter;
	struct vmm vm;
	struct session session;
	struct meter_vcpu before, after;
	struct kvmeter_dirty first, last;
};

FIXTURE_SETUP(own)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, NESTED_PAGES + NESTED_WRITES));
}

FIXTURE_TEARDOWN(own)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static int set_msr(FIXTURE_DATA(own) * t, uint32_t index, uint64_t value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(t->vm.vcpu[0].fd, KVM_SET_MSRS, &msr) == 1 ? 0 : -EIO;
}

static int run(FIXTURE_DATA(own) * t)
{
	return vmm_run(&t->vm.vcpu[0], vmm_guest_busy, 1, 0, 0);
}

/* From here on the VMM has the memory logged, and a session watches. */
static int begin(FIXTURE_DATA(own) * t)
{
	int ret = run(t);

	if (!ret)
		ret = session_start(&t->session, t->meter.dev, t->vm.fd, KVMETER_DIRTY_OBSERVE,
				    KVMETER_INTERVAL_MAX_NS);
	if (!ret)
		ret = vmm_set_log(&t->vm, true);
	/* The module begins to look for them once it has found the log on. */
	usleep(ARM_US);
	if (!ret)
		ret = run(t);
	if (!ret)
		ret = vmm_take_dirty(&t->vm);
	if (!ret)
		ret = session_copy(&t->session, &t->meter, &t->first);
	return ret ? ret : meter_read(&t->meter, t->vm.fd, 0, &t->before);
}

/* What was found since. */
static int look(FIXTURE_DATA(own) * t)
{
	int ret = meter_read(&t->meter, t->vm.fd, 0, &t->after);

	return ret ? ret : session_copy(&t->session, &t->meter, &t->last);
}

/* Something that KVM writes to the guest's memory for. */
static int set_clock_and_run(FIXTURE_DATA(own) * t)
{
	struct kvm_clock_data data = { .clock = 1 };

	return ioctl(t->vm.fd, KVM_SET_CLOCK, &data) ? -errno : run(t);
}

/* begin(), and on until such writes are seen: a busy host takes its time to switch that on. */
static int begin_own(FIXTURE_DATA(own) * t, int (*cause)(FIXTURE_DATA(own) * t))
{
	int ret = begin(t), us = 0;

	while (!ret) {
		ret = cause(t);
		if (!ret)
			ret = look(t);
		if (ret || t->last.kvm_writes > t->first.kvm_writes)
			break;
		if (us >= PATIENCE_US)
			ret = -ETIMEDOUT;
		usleep(ARM_US);
		us += ARM_US;
	}
	if (!ret)
		ret = vmm_take_dirty(&t->vm);
	t->before = t->after;
	t->first = t->last;
	return ret;
}

static void check_own(struct __test_metadata *_metadata, FIXTURE_DATA(own) * t)
{
	uint32_t cells[VMM_DATA_GFN + 1];

	ASSERT_EQ(0, look(t));
	TH_LOG("%llu writes of KVM's own", t->last.kvm_writes - t->first.kvm_writes);
	EXPECT_LE(EVENTS, t->last.kvm_writes - t->first.kvm_writes);
	/* All to the same page. */
	EXPECT_GE(1, t->last.kvm_pages - t->first.kvm_pages);
	/* None of the vCPU's: it wrote nothing. */
	EXPECT_EQ(t->before.v.write_faults, t->after.v.write_faults);
	EXPECT_EQ(t->before.v.pml_pages, t->after.v.pml_pages);
	EXPECT_EQ(0, t->after.v.dirty_marks);
	/* But the page is dirty, and has to be sent: in KVM's log, and for the session. */
	ASSERT_EQ(0, session_read(&t->session, 0, cells, VMM_DATA_GFN + 1));
	EXPECT_EQ(1, cells[VMM_DATA_GFN]);
	ASSERT_EQ(0, vmm_take_dirty(&t->vm));
	EXPECT_EQ(1, vmm_nr_dirty(&t->vm, VMM_DATA_GFN, VMM_DATA_GFN + 1));
	EXPECT_EQ(1, vmm_nr_dirty(&t->vm, 0, t->vm.ram_bytes / VMM_PAGE_BYTES));
	EXPECT_EQ(0, session_stop(&t->session));
}

/* KVM writes the guest's clock anew each time that the VMM has set it. */
TEST_F_TIMEOUT(own, clock, 60)
{
	int i;

	ASSERT_EQ(0, set_msr(self, MSR_KVM_SYSTEM_TIME, OWN_ADDR | MSR_KVM_ENABLED));
	ASSERT_EQ(0, begin_own(self, set_clock_and_run));
	for (i = 0; i < EVENTS; i++)
		ASSERT_EQ(0, set_clock_and_run(self));
	check_own(_metadata, self);
}

/* And its steal time at each KVM_RUN. */
TEST_F_TIMEOUT(own, steal_time, 60)
{
	int i;

	ASSERT_EQ(0, set_msr(self, MSR_KVM_STEAL, OWN_ADDR | MSR_KVM_ENABLED));
	ASSERT_EQ(0, begin_own(self, run));
	for (i = 0; i < EVENTS; i++)
		ASSERT_EQ(0, run(self));
	check_own(_metadata, self);
}

static int run_nested(FIXTURE_DATA(own) * t, uint32_t pages)
{
	nested_restart(&t->vm, vmm_guest_nested_write);
	return vmm_run(&t->vm.vcpu[0], vmm_guest_vmrun_write, pages, NESTED_VMCB_ADDR, NESTED_ADDR);
}

TEST_F_TIMEOUT(own, nested_guest, 120)
{
	uint32_t gfn = NESTED_ADDR / VMM_PAGE_BYTES, i, k;
	uint32_t cells[NESTED_ADDR / VMM_PAGE_BYTES + NESTED_WRITES];

	if (!nested_has_svm())
		SKIP(return, "the guest that is a hypervisor needs SVM");
	ASSERT_EQ(0, nested_init(&self->vm, &self->vm.vcpu[0], vmm_guest_nested_write));
	/* So that its code is mapped. */
	ASSERT_EQ(0, run_nested(self, 1));
	ASSERT_EQ(0, begin(self));
	for (i = 1; i <= ROUNDS; i++) {
		ASSERT_EQ(0, run_nested(self, NESTED_WRITES));
		ASSERT_EQ(0, look(self));
		EXPECT_EQ(i * NESTED_WRITES,
			  self->after.v.l2_write_faults - self->before.v.l2_write_faults);
		EXPECT_LE(self->after.v.l2_write_faults - self->before.v.l2_write_faults,
			  self->after.v.write_faults - self->before.v.write_faults);
		EXPECT_EQ(0, self->after.v.pml_pages);
		ASSERT_EQ(0, vmm_take_dirty(&self->vm));
		EXPECT_EQ(NESTED_WRITES, vmm_nr_dirty(&self->vm, gfn, gfn + NESTED_WRITES));
	}
	ASSERT_EQ(0, session_read(&self->session, 0, cells, gfn + NESTED_WRITES));
	for (k = 0; k < NESTED_WRITES; k++)
		EXPECT_EQ(1, cells[gfn + k]);
	/* What the hypervisor itself writes is none of them. */
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_write, 1, NESTED_ADDR, 1));
	self->before = self->after;
	ASSERT_EQ(0, look(self));
	EXPECT_EQ(self->before.v.l2_write_faults, self->after.v.l2_write_faults);
	EXPECT_LT(self->before.v.write_faults, self->after.v.write_faults);
	EXPECT_EQ(0, session_stop(&self->session));
}

TEST_HARNESS_MAIN
