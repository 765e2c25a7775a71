/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest: each vmm_guest_<kind> makes the event named exactly %esi times, then one doorbell.
 *
 * Flat 32-bit protected mode, no paging, no memory of its own, and no stack but where it says so: a
 * doorbell is the only thing that happens between two jobs, and it dirties nothing. The VMM answers
 * it by writing the registers of the next job:
 *
 *   %eax  guest physical address of the job
 *   %esi  how many events, at least 1
 *   %edi  its argument: a port, an MSR, or the address of the first page or of a list
 *   %ebp  the value that is written
 */
#include "guest.h"

#define PAGE_SIZE 4096

	.section .rodata, "a", @progbits
	.code32

	.macro job name
	.globl \name
\name:
	.endm

	/* Ends a job: the event again until %esi of them are done. */
	.macro again label
	dec	%esi
	jnz	\label
	jmp	vmm_guest_begin
	.endm

	.balign PAGE_SIZE
	job vmm_guest_begin
	outb	%al, $VMM_DOORBELL
	job vmm_guest_start
	jmp	*%eax

	job vmm_guest_cpuid
1:	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	again 1b

	job vmm_guest_out
	movl	%edi, %edx
	movl	%ebp, %eax
1:	outb	%al, %dx
	again 1b

	job vmm_guest_in
	movl	%edi, %edx
1:	inb	%dx, %al
	again 1b

	job vmm_guest_hlt
1:	hlt
	again 1b

	/* Halts until an interrupt: sti holds it off until hlt. Needs vmm_init_irqchip(). */
	job vmm_guest_hlt_irq
	movl	$VMM_CODE_ADDR, %esp
1:	sti
	hlt
	cli
	again 1b

	job vmm_guest_rdmsr
	movl	%edi, %ecx
1:	rdmsr
	again 1b

	job vmm_guest_wrmsr
	movl	%edi, %ecx
	movl	%ebp, %eax
	xorl	%edx, %edx
1:	wrmsr
	again 1b

	job vmm_guest_vmcall
1:	movl	%ebp, %eax
	vmcall
	again 1b

	job vmm_guest_vmmcall
1:	movl	%ebp, %eax
	vmmcall
	again 1b

	/* %esi pages in a row, one write each. */
	job vmm_guest_write
1:	movl	%ebp, (%edi)
	addl	$PAGE_SIZE, %edi
	again 1b

	/* %esi pages in a row, one write each, and %ebp turns of a loop before each. */
	job vmm_guest_write_slowly
1:	movl	%ebp, %ecx
2:	decl	%ecx
	jnz	2b
	movl	%ebp, (%edi)
	addl	$PAGE_SIZE, %edi
	again 1b

	/*
	 * %esi entries of a list at %edi: each the address of a page to write, plus 1 to read it, plus
	 * twice the turns to wait before that.
	 */
	job vmm_guest_list
1:	movl	(%edi), %eax
	addl	$4, %edi
	movl	%eax, %ecx
	andl	$-PAGE_SIZE, %eax
	subl	%eax, %ecx
	shrl	$1, %ecx
	jnz	3f
2:	jc	4f
	movl	%ebp, (%eax)
	again 1b
3:	dec	%ecx
	jnz	3b
	jmp	2b
4:	movl	(%eax), %edx
	again 1b

	/* %esi turns of a generator of numbers from %ebp on, an exit in each; the last goes to %edi. */
	job vmm_guest_sum
1:	imull	$VMM_SUM_MUL, %ebp, %ebp
	addl	$VMM_SUM_ADD, %ebp
	movl	%ebp, %eax
	xorl	%ecx, %ecx
	cpuid
	dec	%esi
	jnz	1b
	movl	%ebp, (%edi)
	jmp	vmm_guest_begin

	/* No exits of its own. */
	job vmm_guest_busy
1:	again 1b

	/* Runs the nested guest whose VMCB is at %edi, until its next exit. */
	job vmm_guest_vmrun
1:	movl	%edi, %eax
	vmrun
	again 1b

	/* The nested guest: its hypervisor runs it again where it left. */
	job vmm_guest_nested
	cpuid

	/* Runs once a nested guest that writes to %esi pages in a row, from the one at %ebp on. */
	job vmm_guest_vmrun_write
	movl	%esi, %ecx
	movl	%ebp, %ebx
	movl	%edi, %eax
	vmrun
	jmp	vmm_guest_begin

	job vmm_guest_nested_write
1:	movl	%ecx, (%ebx)
	addl	$PAGE_SIZE, %ebx
	decl	%ecx
	jnz	1b
	cpuid

	/* The one interrupt there is: end of interrupt, to the local APIC. */
	job vmm_guest_interrupt
	movl	$0, 0xfee000b0
	iret

	/* Flat 4 GiB: nothing, code, data; accessed already. */
	.balign 8
	job vmm_guest_gdt
	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff

	/* Gate of VMM_VECTOR: offset, selector, a present 32-bit interrupt gate. */
	job vmm_guest_gate
	.word	VMM_CODE_ADDR + vmm_guest_interrupt - vmm_guest_begin, VMM_CODE_SEL, 0x8e00, 0

	job vmm_guest_end

	.section .note.GNU-stack, "", @progbits
