/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest's code and the VMM agree on. */
#ifndef KVMETER_SELFTESTS_GUEST_H
#define KVMETER_SELFTESTS_GUEST_H

/* I/O port of the doorbell, and one that means nothing. */
#define VMM_DOORBELL 0xd0
#define VMM_PORT 0xd1

#ifndef __ASSEMBLER__
/* Start of each job in the VMM's own memory; see guest.S. */
extern const char vmm_guest_begin[], vmm_guest_start[], vmm_guest_end[];
extern const char vmm_guest_cpuid[], vmm_guest_out[], vmm_guest_in[], vmm_guest_hlt[];
extern const char vmm_guest_rdmsr[], vmm_guest_wrmsr[], vmm_guest_vmcall[], vmm_guest_vmmcall[];
extern const char vmm_guest_write[], vmm_guest_busy[];
#endif

#endif
