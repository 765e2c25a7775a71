/* SPDX-License-Identifier: GPL-2.0-only */
/* Exit reasons that tests make happen: VMX basic exit reasons, and SVM exit codes. */
#ifndef KVMETER_SELFTESTS_REASON_H
#define KVMETER_SELFTESTS_REASON_H

#include "vmm.h"

#define VMX_CPUID 10
#define VMX_HLT 12
#define VMX_VMCALL 18
#define VMX_IO 30
#define VMX_MSR_READ 31
#define VMX_MSR_WRITE 32
#define VMX_EPT_VIOLATION 48
#define VMX_PML_FULL 62
#define SVM_CPUID 0x72
#define SVM_HLT 0x78
#define SVM_IO 0x7b
#define SVM_MSR 0x7c
#define SVM_VMRUN 0x80
#define SVM_VMMCALL 0x81
#define SVM_NPF 0x400

/** reason_of() - the one of two reasons that this CPU has */
static inline uint32_t reason_of(uint32_t vmx, uint32_t svm)
{
	return vmm_is_intel() ? vmx : svm;
}

#endif
