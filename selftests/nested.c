// SPDX-License-Identifier: GPL-2.0-only
/* A guest that is a hypervisor itself, on SVM: see nested.h. */
#include "nested.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "host.h"

/* Where the processor keeps the state of the hypervisor in the guest, beside the VMCB. */
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

bool nested_has_svm(void)
{
	char on[8];

	host_read_line("/sys/module/kvm_amd/parameters/nested", on, sizeof(on));
	return on[0] == '1' || on[0] == 'Y';
}

static void put32(struct vmm *vm, uint32_t offset, uint32_t value)
{
	memcpy(vm->ram + NESTED_VMCB_ADDR + offset, &value, sizeof(value));
}

static void put64(struct vmm *vm, uint32_t offset, uint64_t value)
{
	memcpy(vm->ram + NESTED_VMCB_ADDR + offset, &value, sizeof(value));
}

/* The nested guest has all of the guest's memory, without paging. */
static void fill_vmcb(struct vmm *vm, const char *code)
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
	put64(vm, VMCB_RIP, vmm_guest_addr(code));
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

int nested_init(struct vmm *vm, struct vmm_vcpu *vcpu, const char *code)
{
	fill_vmcb(vm, code);
	return enable_svm(vm, vcpu);
}

void nested_restart(struct vmm *vm, const char *code)
{
	put64(vm, VMCB_RIP, vmm_guest_addr(code));
}
