/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tiny VMM on /dev/kvm, for guests that do an exact number of events of a chosen kind.
 *
 * A VM has one memory slot from address 0 up, in 4 KiB pages, and no interrupt controller unless
 * it is asked for. A job is one of the guest's loops (guest.h); it ends with a doorbell. So a job
 * of N events is N exits of its kind and one I/O exit for the doorbell, besides what the host adds
 * by itself (interrupts).
 *
 * Functions return 0, or a negative errno.
 */
#ifndef KVMETER_SELFTESTS_VMM_H
#define KVMETER_SELFTESTS_VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define VMM_PAGE_BYTES 4096u
#define VMM_HUGE_BYTES 0x200000u
#define VMM_VCPUS_MAX 4

/* The first page that jobs may use as they like. */
#define VMM_DATA_ADDR 0x100000u
#define VMM_DATA_GFN (VMM_DATA_ADDR / VMM_PAGE_BYTES)

/**
 * struct vmm_vcpu - one vCPU
 * @fd: of KVM_CREATE_VCPU
 * @run: what it shares with KVM
 * @run_bytes: size of that
 * @ring: its dirty ring, MAP_FAILED if it has none
 * @ring_next: counts the entries of that which were taken
 */
struct vmm_vcpu {
	int fd;
	struct kvm_run *run;
	size_t run_bytes;
	struct kvm_dirty_gfn *ring;
	uint32_t ring_next;
};

/**
 * struct vmm_options - what a VM has besides vCPUs and memory
 * @irqchip: KVM's interrupt controllers
 * @huge: memory in huge pages of the host, as far as it has them
 * @ring_entries: size of a dirty ring for each vCPU, a power of 2; 0: dirty bitmaps
 */
struct vmm_options {
	bool irqchip;
	bool huge;
	uint32_t ring_entries;
};

/**
 * struct vmm - one VM
 * @kvm: file descriptor of /dev/kvm
 * @fd: of KVM_CREATE_VM; with the process id it makes KVM's name for the VM
 * @map: where its memory is mapped
 * @map_bytes: size of that
 * @ram: its memory: in @map, from a multiple of VMM_HUGE_BYTES on
 * @ram_bytes: size of that, a multiple of 64 pages
 * @options: what it was made with
 * @manual: the dirty log is cleared by KVM_CLEAR_DIRTY_LOG only
 * @dirty: the dirty log as vmm_take_dirty() found it last: bit n is page n of @ram
 * @nr_vcpus: how many of @vcpu there are
 * @vcpu: the vCPUs; KVM's vcpu_id is the index
 */
struct vmm {
	int kvm;
	int fd;
	uint8_t *map;
	size_t map_bytes;
	uint8_t *ram;
	size_t ram_bytes;
	struct vmm_options options;
	bool manual;
	uint64_t *dirty;
	unsigned int nr_vcpus;
	struct vmm_vcpu vcpu[VMM_VCPUS_MAX];
};

/**
 * vmm_init() - make a VM
 * @vm: filled in; to be given to vmm_exit() even if this fails
 * @nr_vcpus: how many vCPUs, at most VMM_VCPUS_MAX
 * @data_pages: how many pages there are from VMM_DATA_ADDR on, at least
 */
int vmm_init(struct vmm *vm, unsigned int nr_vcpus, unsigned int data_pages);

/** vmm_init_irqchip() - make a VM as vmm_init() does, with KVM's interrupt controllers in it */
int vmm_init_irqchip(struct vmm *vm, unsigned int nr_vcpus, unsigned int data_pages);

/** vmm_init_with() - make a VM as vmm_init() does, with what @options says */
int vmm_init_with(struct vmm *vm, unsigned int nr_vcpus, unsigned int data_pages,
		  const struct vmm_options *options);

/** vmm_exit() - destroy a VM */
void vmm_exit(struct vmm *vm);

/**
 * vmm_run() - have a vCPU do a job, in the calling thread, and wait for its doorbell
 * @vcpu: the vCPU
 * @job: one of vmm_guest_*
 * @nr: how many events, at least 1
 * @arg: port, MSR or address; whatever the job wants
 * @value: what it writes
 *
 * Return: -EINTR if a signal came: the job is dropped after vmm_reset() only.
 */
int vmm_run(struct vmm_vcpu *vcpu, const char *job, uint32_t nr, uint32_t arg, uint32_t value);

/** vmm_guest_addr() - guest physical address of a job, or of another place in guest.S */
uint32_t vmm_guest_addr(const char *code);

/** vmm_reset() - take a vCPU to where it can start a job, from wherever it is */
int vmm_reset(struct vmm_vcpu *vcpu);

/**
 * vmm_set_manual() - from now on only KVM_CLEAR_DIRTY_LOG clears the dirty log
 * @vm: the VM, its log off
 * @flags: KVM_DIRTY_LOG_*
 */
int vmm_set_manual(struct vmm *vm, uint64_t flags);

/** vmm_interrupt() - send vCPU @id the interrupt that vmm_guest_hlt_irq waits for */
int vmm_interrupt(struct vmm *vm, unsigned int id);

/**
 * struct vmm_interrupts - a thread that interrupts a vCPU again and again
 * @vm: its VM
 * @id: the vCPU
 * @period_us: time between two interrupts
 * @thread: the thread
 * @stop: it is to end
 * @sent: interrupts sent
 * @ret: 0, or the errno of the one that failed
 */
struct vmm_interrupts {
	struct vmm *vm;
	unsigned int id;
	unsigned int period_us;
	pthread_t thread;
	atomic_bool stop;
	uint64_t sent;
	int ret;
};

/** vmm_start_interrupts() - begin to interrupt vCPU @id of @vm every @period_us */
int vmm_start_interrupts(struct vmm_interrupts *irqs, struct vmm *vm, unsigned int id,
			 unsigned int period_us);

/** vmm_stop_interrupts() - end that; returns what went wrong with it */
int vmm_stop_interrupts(struct vmm_interrupts *irqs);

/** vmm_set_halt_poll() - how long KVM polls, at most, before it lets a halted vCPU sleep */
int vmm_set_halt_poll(struct vmm *vm, uint64_t ns);

/** vmm_set_log() - switch dirty logging on or off */
int vmm_set_log(struct vmm *vm, bool on);

/**
 * vmm_set_region() - make, move, change or delete a memory slot
 * @vm: the VM
 * @slot: number of the slot; 0 is that of @vm->ram
 * @flags: KVM_MEM_*
 * @addr: guest physical address
 * @ram: the memory
 * @bytes: size of that; 0 deletes the slot
 */
int vmm_set_region(struct vmm *vm, uint32_t slot, uint32_t flags, uint64_t addr, void *ram,
		   size_t bytes);

/**
 * vmm_get_log() - read the dirty log of a slot into @bitmap, a bit for each page
 *
 * Clears it, unless that is KVM_CLEAR_DIRTY_LOG's to do.
 */
int vmm_get_log(struct vmm *vm, uint32_t slot, uint64_t *bitmap);

/**
 * vmm_take_dirty() - read the dirty log, or the dirty rings, into @vm->dirty and clear it, so that
 *		      pages log again
 */
int vmm_take_dirty(struct vmm *vm);

/** vmm_nr_dirty() - pages in [lo, hi) that vmm_take_dirty() found dirty */
uint64_t vmm_nr_dirty(const struct vmm *vm, uint64_t lo, uint64_t hi);

/** vmm_is_intel() - does this CPU have VMX (or else SVM)? */
bool vmm_is_intel(void);

#endif
