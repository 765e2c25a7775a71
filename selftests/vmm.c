// SPDX-License-Identifier: GPL-2.0-only
/* The tiny VMM: see vmm.h. */
#include "vmm.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT 0

/* Of the IDT, of the local APIC's registers, and of messages to it. */
#define GATE_BYTES 8
#define APIC_SPURIOUS 0xf0
#define APIC_SPURIOUS_ENABLED 0x100u
#define MSI_ADDR 0xfee00000u
#define MSI_DEST_SHIFT 12

static int vmm_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

uint32_t vmm_guest_addr(const char *code)
{
	return VMM_CODE_ADDR + (uint32_t)(code - vmm_guest_begin);
}

int vmm_set_region(struct vmm *vm, uint32_t slot, uint32_t flags, uint64_t addr, void *ram,
		   size_t bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = addr,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)ram,
	};

	return vmm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/* Guest and host addresses end in the same bits, so that a huge page of the host can be mapped. */
static int vmm_map_ram(struct vmm *vm)
{
	uintptr_t start;

	vm->map_bytes = vm->ram_bytes + VMM_HUGE_BYTES;
	vm->map = mmap(NULL, vm->map_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->map == MAP_FAILED)
		return -errno;
	start = (uintptr_t)vm->map;
	vm->ram = vm->map + (VMM_HUGE_BYTES - start % VMM_HUGE_BYTES) % VMM_HUGE_BYTES;
	/* A huge page would be one page fault for 512 pages. */
	if (madvise(vm->ram, vm->ram_bytes, vm->options.huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) &&
	    errno != EINVAL)
		return -errno;
	return 0;
}

static int vmm_init_ram(struct vmm *vm, unsigned int data_pages)
{
	size_t unit = vm->options.huge ? VMM_HUGE_BYTES : 64 * VMM_PAGE_BYTES;
	size_t bytes = VMM_DATA_ADDR + (size_t)data_pages * VMM_PAGE_BYTES;
	int ret;

	vm->ram_bytes = (bytes + unit - 1) / unit * unit;
	ret = vmm_map_ram(vm);
	if (ret)
		return ret;
	vm->dirty = calloc(vm->ram_bytes / VMM_PAGE_BYTES / 64, sizeof(*vm->dirty));
	if (!vm->dirty)
		return -ENOMEM;
	memcpy(vm->ram + VMM_CODE_ADDR, vmm_guest_begin, (size_t)(vmm_guest_end - vmm_guest_begin));
	return vmm_set_region(vm, SLOT, 0, 0, vm->ram, vm->ram_bytes);
}

static int vmm_init_sregs(int fd)
{
	struct kvm_segment flat = {
		.limit = 0xffffffff,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
		.selector = VMM_DATA_SEL,
	};
	struct kvm_sregs sregs;
	int ret;

	ret = vmm_ioctl(fd, KVM_GET_SREGS, &sregs);
	if (ret < 0)
		return ret;
	sregs.ds = flat;
	sregs.es = flat;
	sregs.fs = flat;
	sregs.gs = flat;
	sregs.ss = flat;
	flat.type = 11;
	flat.selector = VMM_CODE_SEL;
	sregs.cs = flat;
	sregs.gdt.base = vmm_guest_addr(vmm_guest_gdt);
	sregs.gdt.limit = (uint16_t)(vmm_guest_gate - vmm_guest_gdt - 1);
	/* All but the last of its gates are never used. */
	sregs.idt.base = vmm_guest_addr(vmm_guest_gate) - VMM_VECTOR * GATE_BYTES;
	sregs.idt.limit = (VMM_VECTOR + 1) * GATE_BYTES - 1;
	sregs.cr0 |= 1; /* PE */
	return vmm_ioctl(fd, KVM_SET_SREGS, &sregs);
}

/* Switch the local APIC on, and let the vCPU run without being started by another. */
static int vmm_init_apic(int fd)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_lapic_state apic;
	uint32_t spurious;
	int ret;

	ret = vmm_ioctl(fd, KVM_GET_LAPIC, &apic);
	if (ret < 0)
		return ret;
	memcpy(&spurious, apic.regs + APIC_SPURIOUS, sizeof(spurious));
	spurious |= APIC_SPURIOUS_ENABLED;
	memcpy(apic.regs + APIC_SPURIOUS, &spurious, sizeof(spurious));
	ret = vmm_ioctl(fd, KVM_SET_LAPIC, &apic);
	return ret < 0 ? ret : vmm_ioctl(fd, KVM_SET_MP_STATE, &state);
}

static size_t vmm_ring_bytes(const struct vmm *vm)
{
	return vm->options.ring_entries * sizeof(struct kvm_dirty_gfn);
}

static int vmm_map_ring(struct vmm *vm, struct vmm_vcpu *vcpu)
{
	vcpu->ring = mmap(NULL, vmm_ring_bytes(vm), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd,
			  KVM_DIRTY_LOG_PAGE_OFFSET * VMM_PAGE_BYTES);
	return vcpu->ring == MAP_FAILED ? -errno : 0;
}

static int vmm_init_vcpu(struct vmm *vm, unsigned int id)
{
	struct vmm_vcpu *vcpu = &vm->vcpu[id];
	int ret;

	ret = vmm_ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (ret < 0)
		return ret;
	vcpu->run_bytes = (size_t)ret;

	ret = vmm_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)(uintptr_t)id);
	if (ret < 0)
		return ret;
	vcpu->fd = ret;
	vcpu->ring = MAP_FAILED;
	vm->nr_vcpus++;

	vcpu->run = mmap(NULL, vcpu->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return -errno;
	ret = vmm_init_sregs(vcpu->fd);
	if (ret >= 0 && vm->options.irqchip)
		ret = vmm_init_apic(vcpu->fd);
	if (ret >= 0 && vm->options.ring_entries)
		ret = vmm_map_ring(vm, vcpu);
	return ret < 0 ? ret : vmm_reset(vcpu);
}

/* The newer of the two capabilities promises an order of memory accesses that x86 always had. */
static int vmm_enable_ring(struct vmm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL };

	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING_ACQ_REL) <= 0)
		cap.cap = KVM_CAP_DIRTY_LOG_RING;
	cap.args[0] = vmm_ring_bytes(vm);
	return vmm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

int vmm_init_with(struct vmm *vm, unsigned int nr_vcpus, unsigned int data_pages,
		  const struct vmm_options *options)
{
	unsigned int i;
	int ret;

	*vm = (struct vmm){ .kvm = -1, .fd = -1, .map = MAP_FAILED, .options = *options };
	if (nr_vcpus > VMM_VCPUS_MAX)
		return -EINVAL;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return -errno;
	ret = vmm_ioctl(vm->kvm, KVM_CREATE_VM, NULL);
	if (ret < 0)
		return ret;
	vm->fd = ret;

	/* Only a VMX host that cannot run real mode needs it; elsewhere it does nothing. */
	if (vmm_is_intel()) {
		ret = vmm_ioctl(vm->fd, KVM_SET_TSS_ADDR, (void *)0xfffbd000UL);
		if (ret < 0)
			return ret;
	}

	if (options->irqchip) {
		ret = vmm_ioctl(vm->fd, KVM_CREATE_IRQCHIP, NULL);
		if (ret < 0)
			return ret;
	}
	if (options->ring_entries) {
		ret = vmm_enable_ring(vm);
		if (ret < 0)
			return ret;
	}
	ret = vmm_init_ram(vm, data_pages);
	for (i = 0; !ret && i < nr_vcpus; i++)
		ret = vmm_init_vcpu(vm, i);
	return ret;
}

int vmm_init(struct vmm *vm, unsigned int nr_vcpus, unsigned int data_pages)
{
	return vmm_init_with(vm, nr_vcpus, data_pages, &(struct vmm_options){});
}

int vmm_init_irqchip(struct vmm *vm, unsigned int nr_vcpus, unsigned int data_pages)
{
	return vmm_init_with(vm, nr_vcpus, data_pages, &(struct vmm_options){ .irqchip = true });
}

void vmm_exit(struct vmm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpu[i].run != MAP_FAILED)
			munmap(vm->vcpu[i].run, vm->vcpu[i].run_bytes);
		if (vm->vcpu[i].ring != MAP_FAILED)
			munmap(vm->vcpu[i].ring, vmm_ring_bytes(vm));
		close(vm->vcpu[i].fd);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	if (vm->map != MAP_FAILED)
		munmap(vm->map, vm->map_bytes);
	free(vm->dirty);
}

int vmm_reset(struct vmm_vcpu *vcpu)
{
	struct kvm_regs regs = { .rip = vmm_guest_addr(vmm_guest_start), .rflags = 2 };

	return vmm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

/*
 * No job makes such an exit. But QEMU's TCG says now and then of an interrupt that it is still
 * being delivered when its handler has begun, and KVM 7.2, for one, does not emulate what that does
 * then, so it is begun again.
 */
static int judge_exit(struct vmm_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct kvm_regs regs = {};

	vmm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	    run->internal.suberror == KVM_INTERNAL_ERROR_DELIVERY_EV &&
	    regs.rip == vmm_guest_addr(vmm_guest_interrupt))
		return 0;
	printf("# KVM_RUN: exit reason %u (%llu) at %#llx, flags %#llx\n", run->exit_reason,
	       run->hw.hardware_exit_reason, regs.rip, regs.rflags);
	fflush(stdout);
	return -EPROTO;
}

int vmm_run(struct vmm_vcpu *vcpu, const char *job, uint32_t nr, uint32_t arg, uint32_t value)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;
	int ret;

	/* The address stays: KVM completes the doorbell's OUT when the vCPU runs again. */
	ret = vmm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	if (ret < 0)
		return ret;
	regs.rax = vmm_guest_addr(job);
	regs.rsi = nr;
	regs.rdi = arg;
	regs.rbp = value;
	ret = vmm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);

	while (ret >= 0) {
		ret = vmm_ioctl(vcpu->fd, KVM_RUN, NULL);
		if (ret < 0)
			break;
		if (run->exit_reason == KVM_EXIT_IO && run->io.port == VMM_DOORBELL)
			break;
		/* The rest of the exits that jobs make need no answer. */
		if (run->exit_reason != KVM_EXIT_IO && run->exit_reason != KVM_EXIT_HLT)
			ret = judge_exit(vcpu);
	}
	return ret;
}

int vmm_set_manual(struct vmm *vm, uint64_t flags)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = { flags },
	};
	int ret = vmm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);

	vm->manual = !ret && flags;
	return ret;
}

int vmm_interrupt(struct vmm *vm, unsigned int id)
{
	struct kvm_msi msi = {
		.address_lo = MSI_ADDR | id << MSI_DEST_SHIFT,
		.data = VMM_VECTOR,
	};
	int ret = vmm_ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);

	if (ret > 0)
		return 0;
	return ret < 0 ? ret : -EBUSY;
}

static void *send_interrupts(void *arg)
{
	struct vmm_interrupts *irqs = arg;

	while (!irqs->ret && !irqs->stop) {
		usleep(irqs->period_us);
		irqs->ret = vmm_interrupt(irqs->vm, irqs->id);
		irqs->sent++;
	}
	return NULL;
}

int vmm_start_interrupts(struct vmm_interrupts *irqs, struct vmm *vm, unsigned int id,
			 unsigned int period_us)
{
	*irqs = (struct vmm_interrupts){ .vm = vm, .id = id, .period_us = period_us };
	return -pthread_create(&irqs->thread, NULL, send_interrupts, irqs);
}

int vmm_stop_interrupts(struct vmm_interrupts *irqs)
{
	irqs->stop = true;
	pthread_join(irqs->thread, NULL);
	return irqs->ret;
}

int vmm_set_halt_poll(struct vmm *vm, uint64_t ns)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL, .args = { ns } };

	return vmm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

int vmm_set_log(struct vmm *vm, bool on)
{
	return vmm_set_region(vm, SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, 0, vm->ram,
			      vm->ram_bytes);
}

int vmm_get_log(struct vmm *vm, uint32_t slot, uint64_t *bitmap)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

	return vmm_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

/* An entry is KVM's until its flags say dirty, and again once they say that it may be reset. */
static void vmm_take_ring(struct vmm *vm, struct vmm_vcpu *vcpu)
{
	struct kvm_dirty_gfn *gfn;

	for (;; vcpu->ring_next++) {
		gfn = &vcpu->ring[vcpu->ring_next % vm->options.ring_entries];
		if (__atomic_load_n(&gfn->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			return;
		if (gfn->slot == SLOT)
			vm->dirty[gfn->offset / 64] |= 1ull << gfn->offset % 64;
		__atomic_store_n(&gfn->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
}

static int vmm_take_rings(struct vmm *vm)
{
	unsigned int i;
	int ret;

	memset(vm->dirty, 0, vm->ram_bytes / VMM_PAGE_BYTES / 8);
	for (i = 0; i < vm->nr_vcpus; i++)
		vmm_take_ring(vm, &vm->vcpu[i]);
	/* A signal makes later kernels stop half-way. */
	do
		ret = vmm_ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, NULL);
	while (ret == -EINTR);
	return ret;
}

int vmm_take_dirty(struct vmm *vm)
{
	struct kvm_clear_dirty_log clear = {
		.slot = SLOT,
		.num_pages = (uint32_t)(vm->ram_bytes / VMM_PAGE_BYTES),
		.dirty_bitmap = vm->dirty,
	};
	int ret;

	if (vm->options.ring_entries) {
		ret = vmm_take_rings(vm);
		return ret < 0 ? ret : 0;
	}
	ret = vmm_get_log(vm, SLOT, vm->dirty);
	if (ret < 0 || !vm->manual)
		return ret;
	return vmm_ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear);
}

uint64_t vmm_nr_dirty(const struct vmm *vm, uint64_t lo, uint64_t hi)
{
	uint64_t nr = 0;

	for (; lo < hi; lo++)
		nr += vm->dirty[lo / 64] >> (lo % 64) & 1;
	return nr;
}

bool vmm_is_intel(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & 1U << 5);
}
