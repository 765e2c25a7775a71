/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Enter a Linux kernel that is already unpacked, in place of the code that unpacks it.
 *
 * Bochs spends a minute on unpacking a kernel that the lab can unpack in a second. scripts/lab-kernel.sh puts this
 * in front of the unpacked kernel, so that GRUB loads both, at the address the kernel is linked for. The state
 * at the end is the one that the kernel's own startup_64 asks for (arch/x86/kernel/head_64.S): 64-bit mode,
 * memory mapped one to one, boot_params in %rsi. ENTRY is given on the assembler's command line.
 */
#define PAGE_PRESENT_RW	0x003
#define PAGE_PRESENT_RW_LARGE	0x083
#define LARGE_PAGE_SIZE	0x200000
#define LARGE_PAGES_NR	2048
#define CR4_PAE		0x20
#define CR0_PG		0x80000000
#define MSR_EFER	0xc0000080
#define EFER_LME_BIT	8
#define BOOT_CS		0x10
#define BOOT_DS		0x18

	.text
	.code32
	.globl _start
_start:
	cli
	cld
	lgdt	gdt_ptr

	/* The first 4 GiB, in 2 MiB pages. */
	movl	$(pdpt + PAGE_PRESENT_RW), pml4
	movl	$(pd + PAGE_PRESENT_RW), pdpt
	movl	$(pd + 0x1000 + PAGE_PRESENT_RW), pdpt + 8
	movl	$(pd + 0x2000 + PAGE_PRESENT_RW), pdpt + 16
	movl	$(pd + 0x3000 + PAGE_PRESENT_RW), pdpt + 24
	movl	$pd, %edi
	movl	$PAGE_PRESENT_RW_LARGE, %eax
	movl	$LARGE_PAGES_NR, %ecx
1:	movl	%eax, (%edi)
	addl	$LARGE_PAGE_SIZE, %eax
	addl	$8, %edi
	decl	%ecx
	jnz	1b

	movl	%cr4, %eax
	orl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	btsl	$EFER_LME_BIT, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$CR0_PG, %eax
	movl	%eax, %cr0
	ljmp	$BOOT_CS, $start64

	.code64
start64:
	movl	$BOOT_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%esi, %esi
	movl	$ENTRY, %eax
	jmp	*%rax

	.balign	8
gdt:
	.quad	0, 0
	.quad	0x00af9a000000ffff
	.quad	0x00cf92000000ffff
gdt_ptr:
	.word	gdt_ptr - gdt - 1
	.long	gdt

	/* The kernel begins right behind the last page table. */
	.balign	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4 * 4096
