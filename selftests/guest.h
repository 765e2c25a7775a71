/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest's code and the VMM agree on. */
#ifndef KVMETER_SELFTESTS_GUEST_H
#define KVMETER_SELFTESTS_GUEST_H

/* I/O port of the doorbell, and one that means nothing. */
#define VMM_DOORBELL 0xd0
#define VMM_PORT 0xd1

/* Where the guest's code is; the stack of the one job that has one is below. */
#define VMM_CODE_ADDR 0x1000

/* Vector of vmm_interrupt(), and the selectors of flat code and data. */
#define VMM_VECTOR 0x30
#define VMM_CODE_SEL 8
#define VMM_DATA_SEL 16

/* The generator of vmm_guest_sum. */
#define VMM_SUM_MUL 1664525
#define VMM_SUM_ADD 1013904223

#ifndef __ASSEMBLER__
/* Start of each job in the VMM's own memory; see guest.S. */
extern const char vmm_guest_begin[], vmm_guest_start[], vmm_guest_end[];
extern const char vmm_guest_cpuid[], vmm_guest_out[], vmm_guest_in[], vmm_guest_hlt[];
extern const char vmm_guest_rdmsr[], vmm_guest_wrmsr[], vmm_guest_vmcall[], vmm_guest_vmmcall[];
extern const char vmm_guest_write[], vmm_guest_write_slowly[], vmm_guest_list[], vmm_guest_busy[],
	vmm_guest_hlt_irq[], vmm_guest_sum[];
extern const char vmm_guest_vmrun[], vmm_guest_nested[];
extern const char vmm_guest_vmrun_write[], vmm_guest_nested_write[];
extern const char vmm_guest_interrupt[], vmm_guest_gdt[], vmm_guest_gate[];
#endif

#endif
