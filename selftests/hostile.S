/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hostile guest: picks one operation after another at random and tries it with random values.
 *
 * Flat 32-bit protected mode, paging on, memory mapped one to one. An operation that faults is given
 * up: each says first where to go on. What it destroys of itself its VMM puts right.
 */
#include "guest.h"
#include "hostile.h"

#define AT(label) (HOSTILE_ADDR + (label) - hostile_begin)

	.section .rodata, "a", @progbits
	.code32

	/* One operation, which ends in "jmp hostile_next"; subsection 1 has where they are. */
	.macro op name
	.subsection 1
	.long	AT(op_\name)
	.subsection 0
op_\name:
	.endm

	/* Tries one instruction. */
	.macro try instruction:vararg
	movl	$AT(9f), HOSTILE_RESUME
	\instruction
9:
	.endm

	/* An operation that is one instruction, with %eax, %ebx and %ecx random. */
	.macro simple name, instruction:vararg
	op \name
	try \instruction
	jmp	hostile_next
	.endm

	.balign 4096
	.globl hostile_begin, hostile_next, hostile_fault, hostile_irq, hostile_nested
	.globl hostile_ops, hostile_end
hostile_begin:
	.subsection 1
	.balign 4
hostile_ops:
	.subsection 0

hostile_next:
	movl	$HOSTILE_STACK, %esp
	incl	HOSTILE_DONE
	call	random
	movl	%eax, %ebx
	call	random
	movl	%eax, %ecx
	call	random
	movl	%eax, %edi
	call	random
	movl	%eax, %ebp
	mull	HOSTILE_OPS_NR
	movl	%edx, %esi
	call	random
	movl	%ebp, %edx
	jmp	*AT(hostile_ops)(, %esi, 4)

	/* Xorshift (Marsaglia 2003) in %eax; nothing else changes but flags. */
random:
	pushl	%edx
	movl	HOSTILE_RANDOM, %eax
	movl	%eax, %edx
	shll	$13, %edx
	xorl	%edx, %eax
	movl	%eax, %edx
	shrl	$17, %edx
	xorl	%edx, %eax
	movl	%eax, %edx
	shll	$5, %edx
	xorl	%edx, %eax
	movl	%eax, HOSTILE_RANDOM
	popl	%edx
	ret

	/* Any exception, with or without a code: on with what is next. */
hostile_fault:
	movl	$HOSTILE_DATA_SEL, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$HOSTILE_STACK, %esp
	incl	HOSTILE_FAULTS
	pushl	$2
	pushl	$HOSTILE_CODE_SEL
	pushl	HOSTILE_RESUME
	iret

	/* An interrupt: told to the local APIC, wherever that is. */
hostile_irq:
	movl	$0, 0xfee000b0
	iret

	/* Data of the guest's own, at random, aligned: in \reg. */
	.macro data reg
	call	random
	xorl	%edx, %edx
	divl	HOSTILE_RAM
	leal	HOSTILE_DATA(%edx), \reg
	andl	$-8, \reg
	.endm
	/* Where there is no memory: in \reg. */
	.macro nowhere reg
	call	random
	orl	$0x80000000, %eax
	movl	%eax, \reg
	.endm

	op cpuid
	testl	$1, %ebx
	jz	1f
	andl	$0x8000001f, %eax
	andl	$0xf, %ecx
1:	cpuid
	jmp	hostile_next

	/* %ecx: a model-specific register that may exist, or any. */
msr:
	call	random
	movl	%eax, %ecx
	testl	$3, %ebx
	jz	1f
	andl	$0x1f, %ecx
	shrl	$5, %eax
	andl	$0xf, %eax
	addl	AT(msr_bases)(, %eax, 4), %ecx
1:	call	random
	ret
	.balign 4
msr_bases:
	.long	0, 0x10, 0x40, 0x100, 0x180, 0x200, 0x2f0, 0x3f0, 0x480, 0x600, 0x800
	.long	0x40000000, 0x4b564d00, 0xc0000080, 0xc0010000, 0xc0010100

	op rdmsr
	call	msr
	try rdmsr
	jmp	hostile_next

	op wrmsr
	call	msr
	movl	%ebx, %edx
	testl	$16, %ebx
	jz	1f
	xorl	%edx, %edx
	andl	$0x1ffff9, %eax
1:	try wrmsr
	jmp	hostile_next

	simple inb, inb %dx, %al
	simple inw, inw %dx, %ax
	simple inl, inl %dx, %eax
	simple outb, outb %al, %dx
	simple outw, outw %ax, %dx
	simple outl, outl %eax, %dx
	simple in_imm, inb $0x60, %al
	simple out_imm, outb %al, $0x80

	op ins
	data %edi
	andl	$0x3f, %ecx
	call	random
	movl	%eax, %edx
	try rep insb
	jmp	hostile_next

	op insl
	data %edi
	andl	$0xf, %ecx
	movl	%ebx, %edx
	try rep insl
	jmp	hostile_next

	op outs
	data %esi
	andl	$0x3f, %ecx
	movl	%ebx, %edx
	try rep outsw
	jmp	hostile_next

	op mmio_read
	nowhere %esi
	try movl (%esi), %eax
	try movb 1(%esi), %al
	try movw 2(%esi), %ax
	jmp	hostile_next

	op mmio_write
	nowhere %esi
	try movl %ebx, (%esi)
	try movb %bl, (%esi)
	try movw %bx, (%esi)
	jmp	hostile_next

	op mmio_other
	nowhere %esi
	movl	%esi, %edi
	movl	$5, %ecx
	try rep movsb
	try xchgl %eax, (%esi)
	try lock; addl %eax, (%esi)
	try cmpxchg8b (%esi)
	jmp	hostile_next

	/* From there to memory and back. */
	op mmio_string
	nowhere %esi
	data %edi
	andl	$0x1f, %ecx
	try rep movsl
	jmp	hostile_next

	op apic_read
	andl	$0xff0, %ebx
	try movl 0xfee00000(%ebx), %eax
	jmp	hostile_next

	op apic_write
	andl	$0x3f0, %ebx
	try movl %ecx, 0xfee00000(%ebx)
	jmp	hostile_next

	/* To itself, fixed, of a vector that is handled. */
	op self_ipi
	orl	$0x40, %ecx
	andl	$0xff, %ecx
	orl	$0x40000, %ecx
	try movl %ecx, 0xfee00300
	try sti
	nop
	cli
	jmp	hostile_next

	op apic_timer
	andl	$0x2003f, %ecx
	orl	$0x40, %ecx
	try movl %ecx, 0xfee00320
	shrl	$16, %ebx
	try movl %ebx, 0xfee00380
	try sti
	nop
	cli
	jmp	hostile_next

	op hlt
	testl	$1, %ebx
	jnz	hostile_next
	try sti
	hlt
	cli
	jmp	hostile_next

	op pause
	movl	$100, %ecx
1:	pause
	loop	1b
	jmp	hostile_next

	/* Numbers that KVM knows, or any. */
	.macro hypercall name, instruction
	op \name
	testl	$1, %ebx
	jz	1f
	andl	$0xf, %eax
1:	try \instruction
	jmp	hostile_next
	.endm
	hypercall vmcall, vmcall
	hypercall vmmcall, vmmcall

	/* One bit changed, and changed back. */
	.macro control name, register
	op \name
	movl	\register, %edi
	movl	%edi, %eax
	btcl	%ebx, %eax
	/* Without protected mode nothing goes on here. */
	orl	$1, %eax
	try movl %eax, \register
	try movl %edi, \register
	jmp	hostile_next
	.endm
	control cr0, %cr0
	control cr4, %cr4

	op cr3
	movl	%cr3, %eax
	try movl %eax, %cr3
	jmp	hostile_next

	op cr2
	try movl %eax, %cr2
	try movl %cr2, %eax
	/* CR8, where there is this way to it. */
	try .byte 0xf0, 0x0f, 0x20, 0xc0
	andl	$0xf, %eax
	jmp	hostile_next

	op lmsw
	orl	$1, %eax
	try lmsw %ax
	try smsw %ax
	try clts
	jmp	hostile_next

	op dr
	try movl %dr6, %edi
	try movl %ebx, %dr0
	try movl %ecx, %dr3
	try movl %eax, %dr7
	xorl	%eax, %eax
	try movl %eax, %dr7
	jmp	hostile_next

	/* Single steps. */
	op trap_flag
	pushfl
	orl	$0x100, (%esp)
	try popfl
	nop
	pushfl
	andl	$~0x100, (%esp)
	try popfl
	jmp	hostile_next

	op invlpg
	try invlpg (%ebx)
	jmp	hostile_next

	simple invd, invd
	simple wbinvd, wbinvd
	simple wbnoinvd, .byte 0xf3, 0x0f, 0x09
	simple xgetbv, xgetbv
	simple rdtsc, rdtsc
	simple rdtscp, rdtscp
	simple rdpmc, rdpmc
	simple rdrand, rdrand %eax
	simple rdseed, rdseed %eax
	simple getsec, .byte 0x0f, 0x37
	simple rsm, rsm
	simple encls, .byte 0x0f, 0x01, 0xcf
	simple serialize, .byte 0x0f, 0x01, 0xe8
	simple umwait, .byte 0xf2, 0x0f, 0xae, 0xf0
	simple invpcid, .byte 0x66, 0x0f, 0x38, 0x82, 0x05, 0x00, 0x00, 0x10, 0x00
	simple int3, int3
	simple int1, .byte 0xf1
	simple into, into
	simple ud2, ud2
	simple int_n, int $0x41
	simple sysenter, sysenter
	simple syscall, .byte 0x0f, 0x05
	simple lldt, lldt %ax
	simple ltr, ltr %ax
	simple sldt, sldt %eax
	simple str, str %eax
	simple divide, divl HOSTILE_STATE + 0x100

	op xsetbv
	andl	$1, %ecx
	andl	$0xff, %eax
	xorl	%edx, %edx
	try xsetbv
	jmp	hostile_next

	op monitor
	movl	$HOSTILE_STATE, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	try monitor
	xorl	%eax, %eax
	try mwait
	jmp	hostile_next

	op tables
	subl	$16, %esp
	try sidt (%esp)
	try lidt (%esp)
	try sgdt (%esp)
	try lgdt (%esp)
	jmp	hostile_next

	/* Each of the two is left for the other. */
	op task
	testl	$1, %ebx
	jz	1f
	try ljmp $HOSTILE_TSS_SEL, $0
	jmp	hostile_next
1:	try ljmp $HOSTILE_OTHER_TSS_SEL, $0
	jmp	hostile_next

	/* Not each time: no interrupt table, and then a fault. */
	op triple_fault
	testl	$3, %ebx
	jnz	hostile_next
	movl	$0, HOSTILE_STATE + 0x200
	movl	$0, HOSTILE_STATE + 0x204
	lidt	HOSTILE_STATE + 0x200
	ud2

	/* Seldom: code where there is no memory. */
	op jump_away
	testl	$0x3f, %ebx
	jnz	hostile_next
	nowhere %esi
	jmp	*%esi

	op write
	movl	$16, %ecx
1:	data %edi
	call	random
	movl	%eax, (%edi)
	loop	1b
	jmp	hostile_next

	op write_other
	data %edi
	lock xaddl %ebx, (%edi)
	movb	%cl, 3(%edi)
	lock btsl $3, 4(%edi)
	andl	$0xff, %ecx
	rep stosl
	jmp	hostile_next

	/* Code that is written, and run. */
	op own_code
	data %edi
	movb	$0xc3, (%edi)
	call	*%edi
	movl	$0xc3a20f, (%edi)
	call	*%edi
	jmp	hostile_next

	/* To a slot that comes and goes. */
	op moving_slot
	andl	$0xffffc, %ebx
	orl	$0x40000000, %ebx
	testl	$1, %ecx
	jz	1f
	addl	$0x10000000, %ebx
1:	try movl %eax, (%ebx)
	try movl (%ebx), %eax
	jmp	hostile_next

	/* What the nested guest may do is changed in one place, or all as it should be again. */
	op vmcb
	testl	$3, %ebx
	jz	1f
	movl	%ecx, %esi
	andl	$0x5fc, %esi
	testl	$4, %ebx
	jz	2f
	btcl	%edi, HOSTILE_VMCB(%esi)
	jmp	hostile_next
2:	movl	%eax, HOSTILE_VMCB(%esi)
	jmp	hostile_next
1:	movl	$HOSTILE_GOOD_VMCB, %esi
	movl	$HOSTILE_VMCB, %edi
	movl	$1024, %ecx
	rep movsl
	jmp	hostile_next

	op vmrun
	movl	$HOSTILE_VMCB, %eax
	try vmrun
	try stgi
	jmp	hostile_next

	op vmrun_again
	movl	$HOSTILE_VMCB, %eax
	try vmrun
	movl	$HOSTILE_VMCB, %eax
	try vmrun
	try stgi
	jmp	hostile_next

	op vmrun_anywhere
	try vmrun
	data %eax
	andl	$-4096, %eax
	try vmrun
	try stgi
	jmp	hostile_next

	op vmload
	movl	$HOSTILE_GOOD_VMCB, %eax
	try vmload
	movl	$HOSTILE_HSAVE, %eax
	try vmsave
	jmp	hostile_next

	simple clgi, clgi
	simple stgi, stgi
	simple skinit, skinit
	op invlpga
	try .byte 0x0f, 0x01, 0xdf
	jmp	hostile_next

	op vmxon
	movl	%cr4, %eax
	orl	$0x2000, %eax
	try movl %eax, %cr4
	movl	$HOSTILE_VMX, HOSTILE_STATE + 0x300
	movl	$0, HOSTILE_STATE + 0x304
	try vmxon HOSTILE_STATE + 0x300
	jmp	hostile_next

	op vmptrld
	movl	$HOSTILE_VMX + 0x1000, HOSTILE_STATE + 0x308
	movl	$0, HOSTILE_STATE + 0x30c
	try vmclear HOSTILE_STATE + 0x308
	try vmptrld HOSTILE_STATE + 0x308
	jmp	hostile_next

	/* A field of one of the kinds and widths that there are. */
	op vmwrite
	andl	$0x6c3e, %ebx
	try vmwrite %ecx, %ebx
	try vmread %ebx, %eax
	jmp	hostile_next

	op vmlaunch
	try vmlaunch
	try vmresume
	jmp	hostile_next

	op vmptrst
	try vmptrst HOSTILE_STATE + 0x310
	try vmclear (%ebx)
	jmp	hostile_next

	op vmxoff
	testl	$7, %ebx
	jnz	hostile_next
	try vmxoff
	jmp	hostile_next

	op invept
	andl	$3, %eax
	try invept HOSTILE_STATE + 0x300, %eax
	try invvpid HOSTILE_STATE + 0x300, %eax
	jmp	hostile_next

	/* The nested guest: what its hypervisor may or may not want to see. */
hostile_nested:
	cpuid
	rdmsr
	inb	%dx, %al
	movl	%eax, HOSTILE_DATA(%ecx)
	vmmcall
	hlt
	jmp	hostile_nested

	.balign 4
	.subsection 2
hostile_end:

	.section .note.GNU-stack, "", @progbits
