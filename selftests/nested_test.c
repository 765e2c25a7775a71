// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of a nested guest are counted apart from those of the guest that is its hypervisor.
 *
 * The guest executes VMRUN, and its guest CPUID, which the VMCB intercepts: for each of them one
 * exit of the guest for VMRUN and one of the nested guest for CPUID, which KVM hands to the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"

#define EVENTS 1009
#define OTHER_EVENTS 503

/* Where the hypervisor in the guest keeps its VMCB, and the processor the hypervisor's state. */
#define VMCB_ADDR VMM_DATA_ADDR
#define HSAVE_ADDR (VMM_DATA_ADDR + VMM_PAGE_BYTES)

/* KVM has no VMRUN without paging: one page of 4 MiB, present, written and dirty. */
#define PAGE_DIR_ADDR (VMM_DATA_ADDR + 2 * VMM_PAGE_BYTES)
#define PAGE_DIR_ENTRY 0xe3u
#define CR0_PG 0x80000000u
#define CR4_PSE 0x10

/* AMD APM vol. 2, appendix B: offsets in the VMCB, and what is put there. */
#define VMCB_INTERCEPT3 0x00c
#define INTERCEPT3_CPUID 0x40000
#define VMCB_INTERCEPT4 0x010
#define INTERCEPT4_VMRUN 0x1
#define VMCB_ASID 0x058
#define VMCB_ES 0x400
#define VMCB_CS 0x410
#define VMCB_SS 0x420
#define VMCB_DS 0x430
#define VMCB_EFER 0x4d0
#define VMCB_CR0 0x558
#define VMCB_DR7 0x560
#define VMCB_DR6 0x568
#define VMCB_RFLAGS 0x570
#define VMCB_RIP 0x578

/* Selector, attributes and limit of flat segments; the base, 0, follows. */
#define FLAT_CODE (0xffffffffull << 32 | 0xc9bull << 16 | VMM_CODE_SEL)
#define FLAT_DATA (0xffffffffull << 32 | 0xc93ull << 16 | VMM_DATA_SEL)
#define EFER_SVME 0x1000
#define CR0_PE 0x11
#define MSR_VM_HSAVE_PA 0xc0010117
#define CPUID_ENTRIES 256

static bool has_nested_svm(void)
{
	char on = '0';
	FILE *f = fopen("/sys/module/kvm_amd/parameters/nested", "re");

	if (f) {
		on = (char)fgetc(f);
		fclose(f);
	}
	return on == '1' || on == 'Y';
}

static void put32(struct vmm *vm, uint32_t offset, uint32_t value)
{
	memcpy(vm->ram + VMCB_ADDR + offset, &value, sizeof(value));
}

static void put64(struct vmm *vm, uint32_t offset, uint64_t value)
{
	memcpy(vm->ram + VMCB_ADDR + offset, &value, sizeof(value));
}

/* The nested guest has all of the guest's memory, without paging. */
static void fill_vmcb(struct vmm *vm)
{
	put32(vm, VMCB_INTERCEPT3, INTERCEPT3_CPUID);
	put32(vm, VMCB_INTERCEPT4, INTERCEPT4_VMRUN);
	put32(vm, VMCB_ASID, 1);
	put64(vm, VMCB_CS, FLAT_CODE);
	put64(vm, VMCB_ES, FLAT_DATA);
	put64(vm, VMCB_SS, FLAT_DATA);
	put64(vm, VMCB_DS, FLAT_DATA);
	put64(vm, VMCB_EFER, EFER_SVME);
	put64(vm, VMCB_CR0, CR0_PE);
	put64(vm, VMCB_DR6, 0xffff0ff0);
	put64(vm, VMCB_DR7, 0x400);
	put64(vm, VMCB_RFLAGS, 2);
	put64(vm, VMCB_RIP, vmm_guest_addr(vmm_guest_nested));
}

/* Give the vCPU a CPUID with SVM in it, and switch that on. */
static int enable_svm(struct vmm *vm, struct vmm_vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
	} cpuid = { .head.nent = CPUID_ENTRIES };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = MSR_VM_HSAVE_PA, .data = HSAVE_ADDR } };
	const uint32_t entry = PAGE_DIR_ENTRY;
	struct kvm_sregs sregs;

	memcpy(vm->ram + PAGE_DIR_ADDR, &entry, sizeof(entry));
	if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) ||
	    ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.efer |= EFER_SVME;
	sregs.cr0 |= CR0_PG;
	sregs.cr3 = PAGE_DIR_ADDR;
	sregs.cr4 |= CR4_PSE;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) || ioctl(vcpu->fd, KVM_SET_MSRS, &msr) != 1)
		return -errno;
	return 0;
}

FIXTURE(nested)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_SETUP(nested)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, 3));
}

FIXTURE_TEARDOWN(nested)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static uint64_t level2_count(const struct meter_vcpu *copy, uint32_t reason)
{
	const struct kvmeter_exit *row = meter_row(copy, 2, reason);

	return row ? row->count : 0;
}

TEST_F_TIMEOUT(nested, levels, 120)
{
	struct vmm_vcpu *vcpu = &self->vm.vcpu[0];
	uint64_t exits = 0, level2 = 0;
	const struct kvmeter_exit *row;
	struct meter_vcpu copy;
	struct host_trace trace;
	uint32_t i;

	if (!has_nested_svm())
		SKIP(return, "the guest that is a hypervisor needs SVM");
	fill_vmcb(&self->vm);
	ASSERT_EQ(0, enable_svm(&self->vm, vcpu));
	ASSERT_EQ(0, host_trace_start(&trace));
	ASSERT_EQ(0, vmm_run(vcpu, vmm_guest_cpuid, OTHER_EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	for (i = 0; i < copy.v.nr_rows; i++)
		EXPECT_GT(2, copy.rows[i].level);

	ASSERT_EQ(0, vmm_run(vcpu, vmm_guest_vmrun, EVENTS, VMCB_ADDR, 0));
	ASSERT_EQ(0, host_trace_stop(&trace));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	for (i = 0; i < copy.v.nr_rows; i++) {
		TH_LOG("level %u reason %u: %llu, kernel %llu us", copy.rows[i].level,
		       copy.rows[i].reason, copy.rows[i].count, copy.rows[i].kernel_ns / 1000);
		exits += copy.rows[i].count;
		level2 += copy.rows[i].level == 2 ? copy.rows[i].count : 0;
	}
	EXPECT_EQ(EVENTS, level2_count(&copy, SVM_CPUID));
	EXPECT_EQ(EVENTS, meter_count(&copy, SVM_VMRUN));
	EXPECT_EQ(OTHER_EVENTS, meter_count(&copy, SVM_CPUID));
	EXPECT_EQ(0, level2_count(&copy, SVM_VMRUN));
	EXPECT_EQ(0, level2_count(&copy, SVM_IO));
	EXPECT_LE(EVENTS, level2);
	EXPECT_EQ(copy.v.exits, exits);

	/* Both together are what the kernel's trace event counts. */
	EXPECT_EQ(0, trace.dropped);
	for (i = 0; i < trace.nr; i++)
		EXPECT_EQ(trace.count[i],
			  meter_count(&copy, trace.reason[i]) +
				  level2_count(&copy, trace.reason[i]));
	row = meter_row(&copy, 2, SVM_CPUID);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(EVENTS, meter_hist_sum(&row->hist));
	EXPECT_LT(0, row->kernel_ns);
	EXPECT_LE(row->min_ns, row->max_ns);
}

TEST_HARNESS_MAIN
