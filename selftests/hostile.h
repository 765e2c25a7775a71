/* SPDX-License-Identifier: GPL-2.0-only */
/* What the hostile guest's code (hostile.S) and its VMM (hostile_guest_test.c) agree on. */
#ifndef KVMETER_SELFTESTS_HOSTILE_H
#define KVMETER_SELFTESTS_HOSTILE_H

/* Guest physical, and linear: memory is mapped one to one. All is below VMM_DATA_ADDR. */
#define HOSTILE_ADDR 0x10000
#define HOSTILE_STATE 0x20000
#define HOSTILE_IDT 0x21000
#define HOSTILE_GDT 0x22000
#define HOSTILE_TSS 0x23000
#define HOSTILE_OTHER_TSS 0x23800
#define HOSTILE_STACK 0x2f000
/* Where SMM begins, and what it keeps is above. */
#define HOSTILE_SMM 0x38000
#define HOSTILE_PAGE_DIR 0x40000
#define HOSTILE_VMCB 0x41000
#define HOSTILE_GOOD_VMCB 0x42000
#define HOSTILE_HSAVE 0x43000
#define HOSTILE_VMX 0x44000
#define HOSTILE_DATA 0x100000

/* Its state: what is random, where to go on after a fault, what was done, and how much there is. */
#define HOSTILE_RANDOM (HOSTILE_STATE + 0)
#define HOSTILE_RESUME (HOSTILE_STATE + 4)
#define HOSTILE_DONE (HOSTILE_STATE + 8)
#define HOSTILE_FAULTS (HOSTILE_STATE + 12)
#define HOSTILE_OPS_NR (HOSTILE_STATE + 16)
#define HOSTILE_RAM (HOSTILE_STATE + 20)

/* Selectors: flat code and data, and two tasks. */
#define HOSTILE_CODE_SEL 8
#define HOSTILE_DATA_SEL 16
#define HOSTILE_TSS_SEL 24
#define HOSTILE_OTHER_TSS_SEL 32

/* From this vector on it is an interrupt. */
#define HOSTILE_FIRST_IRQ 32

#ifndef __ASSEMBLER__
extern const char hostile_begin[], hostile_next[], hostile_fault[], hostile_irq[], hostile_nested[];
extern const char hostile_ops[], hostile_end[];
#endif

#endif
