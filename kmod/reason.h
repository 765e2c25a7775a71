/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the reason of an exit, and what goes with it, is read from. */
#ifndef _KVMETER_REASON_H
#define _KVMETER_REASON_H

#include <linux/compiler.h>
#include <linux/kvm_host.h>
#include <linux/types.h>

#include <asm/asm.h>
#include <asm/svm.h>

#include "store.h"

/* KVM's own numbers for the isa argument of kvm_exit; its header is private to it. */
#define KVMETER_ISA_VMX 1
#define KVMETER_ISA_SVM 2

/* Fields of the VMCS, by their encodings in the Intel SDM, vol. 3, appendix B. */
#define KVMETER_VMCS_PML_INDEX 0x0812
#define KVMETER_VMCS_PML_ADDRESS 0x200e
#define KVMETER_VMCS_GUEST_PHYSICAL_ADDRESS 0x2400
#define KVMETER_VMCS_EXIT_REASON 0x4402
#define KVMETER_VMCS_EXIT_QUALIFICATION 0x6400

/* In place of a reason: there is none that could be relied on. */
#define KVMETER_NO_REASON ((s64)-1)

u32 kvmeter_reason_init(void);
void kvmeter_reason_exit(void);
s64 kvmeter_reason_prove(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa);
bool kvmeter_reason_read_fault(const struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa,
			       u64 *info, u64 *gpa);

/**
 * kvmeter_vmread - read a field of the VMCS that is loaded on this CPU
 * @field: its encoding
 * @value: what is there; left alone on failure
 *
 * Context: where a VMCS should be loaded, preemption off. Where none is, or where the hypervisor
 * below wants none to be used (an enlightened VMCS), it fails, by flag or by a fault caught here.
 * Return: true if it was read.
 */
static __always_inline bool kvmeter_vmread(unsigned long field, u64 *value)
{
	u64 v;

	asm_goto_output("1: vmread %1, %0\n\t"
			  "jna %l[fail]\n\t"
			  _ASM_EXTABLE(1b, %l[fail])
			  : "=r"(v) : "r"(field) : "cc" : fail);
	*value = v;
	return true;
fail:
	return false;
}

/* KVM's struct vcpu_svm begins with the vCPU, and the pointer to its current VMCB is next. */
static __always_inline struct vmcb **kvmeter_vmcb_ptr(struct kvm_vcpu *vcpu)
{
	return (struct vmcb **)(vcpu + 1);
}

/**
 * kvmeter_reason_read - reason of the exit that just happened
 * @vcpu: the vCPU, of whose record unproven is false
 * @isa: KVMETER_ISA_*, as the tracepoint gave it
 *
 * Context: kvm_exit probe of that vCPU, preemption off.
 * Return: VMX basic exit reason or SVM exit code, or KVMETER_NO_REASON.
 */
static __always_inline s64 kvmeter_reason_read(struct kvm_vcpu *vcpu, u32 isa)
{
	u64 reason;

	if (isa == KVMETER_ISA_SVM)
		return (u32)(*kvmeter_vmcb_ptr(vcpu))->control.exit_code;
	if (likely(kvmeter_vmread(KVMETER_VMCS_EXIT_REASON, &reason)))
		return (u16)reason;
	return KVMETER_NO_REASON;
}

#endif /* _KVMETER_REASON_H */
