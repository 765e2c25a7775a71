/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of VMs and vCPUs, and the memory the counts are in.
 *
 * Two halves to each: a record, private to the module, with all that it relies on; and a slot (for
 * a vCPU also rows) in the shared arrays, which is only ever written to, never believed, since the
 * arrays may be BPF maps that user space has mapped.
 *
 * Locks, outermost first: kvm->slots_lock (KVM's), store mutex, store lock. The store mutex
 * serialises moves of the memory. The store lock, a raw spinlock taken with interrupts off, guards
 * the tables of records and every write to the arrays but one: a vCPU's slot and rows are written
 * by probes on the CPU that runs the vCPU, with no lock, between kvmeter_store_write_begin() and
 * kvmeter_store_write_end(). Giving them to or taking them from a vCPU happens under the lock at
 * times when that vCPU cannot be in a probe.
 */
#ifndef _KVMETER_STORE_H
#define _KVMETER_STORE_H

#include <linux/kvm_host.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

/* Reasons below this find their row by index, others (SVM's VMGEXIT and ERR) by search. */
#define KVMETER_ROW_INDEX_NR 0x410

struct kvmeter_vm_rec;

/**
 * struct kvmeter_vcpu_rec - what the module knows of one vCPU
 * @vcpu: the vCPU, an identity: only dereferenced in its own probes. NULL: the record is free
 * @vm: record of its VM; set once before publish
 * @slot: its slot in the arrays; changed under the store lock while no probe of it can run
 * @rows: its rows; likewise
 * @open: row of the exit being handled, NULL outside of one; owner writes, and as @rows
 * @task: thread that entered the guest last, an identity; owner writes
 * @task_start: start_time of that thread: a new one may be where it was; owner writes
 * @run_delay: of that thread at the last guest entry, ns; owner writes
 * @exit_run_delay: of that thread at the last exit, ns; owner writes
 * @exit_tsc: time-stamp counter at the last exit; owner writes
 * @reason_source: enum kvmeter_reason_source for this vCPU; owner writes
 * @proofs: comparisons made so far of its exit reasons with the vendor's; owner writes
 * @pml_index: PML index at the last entry at which logging was on, KVMETER_PML_NONE if the log was
 *	       full or could not be read; owner writes
 * @pml_exit_tsc: @exit_tsc at that entry: tells whether it was the last one; owner writes
 * @nr_rows: rows given out; owner writes
 * @row_of: reason index to row, 0 for none yet; owner writes
 * @row_reason: reason of each row; owner writes
 * @gen: of the slot; store lock
 * @mem_gen: generation of the memory that @slot and @rows are in; store lock
 * @index: of the slot; constant
 * @node: in the table by @vcpu; changed under the store lock, read with preemption off
 * @siblings: in the VM's list; store lock
 */
struct kvmeter_vcpu_rec {
	struct kvm_vcpu *vcpu;
	struct kvmeter_vm_rec *vm;
	struct kvmeter_vcpu *slot;
	struct kvmeter_exit *rows;
	struct kvmeter_exit *open;
	struct task_struct *task;
	u64 task_start;
	u64 run_delay;
	u64 exit_run_delay;
	u64 exit_tsc;
	u64 pml_exit_tsc;
	u8 reason_source;
	u8 proofs;
	u16 pml_index;
	u32 nr_rows;
	u8 row_of[KVMETER_ROW_INDEX_NR];
	u32 row_reason[KVMETER_EXIT_ROWS];
	u32 gen;
	u32 mem_gen;
	u32 index;
	struct hlist_node node;
	struct list_head siblings;
};

/**
 * struct kvmeter_vm_rec - what the module knows of one VM
 * @kvm: the VM, an identity outside its own probes. NULL: the record is free
 * @logging: dirty logging is on; written under the store lock, read by probes
 * @scanned: @log_slots and @log_pages are established; store lock
 * @tdx: its exits cannot be looked into; set once before publish
 * @index: of the slot; constant
 * @gen: of the slot; store lock
 * @log_slots: memory slots that log; store lock
 * @log_pages: pages in them; store lock
 * @id: "<pid>-<fd>"; set once before publish
 * @node: in the table by @kvm; store lock
 * @vcpus: its vCPUs' records; store lock
 */
struct kvmeter_vm_rec {
	struct kvm *kvm;
	bool logging;
	bool scanned;
	bool tdx;
	u32 index;
	u32 gen;
	u32 log_slots;
	u64 log_pages;
	char id[KVMETER_NAME_LEN];
	struct hlist_node node;
	struct list_head vcpus;
};

/**
 * struct kvmeter_mem - the five arrays
 * @map: by enum kvmeter_map
 */
struct kvmeter_mem {
	void *map[KVMETER_MAP_NR];
};

/**
 * struct kvmeter_cpu - which vCPU a CPU's probes saw last, so that most find it in one comparison
 * @vcpu: the vCPU, or NULL; any CPU may set it to NULL
 * @rec: its record, NULL if it has none
 * @untracked_vcpus: times a vCPU without a record was looked up here in vain
 * @untracked_exits: exits here of vCPUs without a record
 */
struct kvmeter_cpu {
	struct kvm_vcpu *vcpu;
	struct kvmeter_vcpu_rec *rec;
	u64 untracked_vcpus;
	u64 untracked_exits;
};

DECLARE_PER_CPU(struct kvmeter_cpu, kvmeter_cpu);

extern u32 kvmeter_max_vms;
extern u32 kvmeter_max_vcpus;

int kvmeter_store_init(void (*changed)(void), u32 vendor);
void kvmeter_store_exit(void);

struct kvmeter_vcpu_rec *kvmeter_store_find_slow(struct kvm_vcpu *vcpu);
void kvmeter_store_add_vm(struct kvm *kvm);
void kvmeter_store_add_vcpu(struct kvm_vcpu *vcpu);
void kvmeter_store_del_vm(struct kvm *kvm);
void kvmeter_store_del_vcpu(struct kvm_vcpu *vcpu);

void kvmeter_store_set_log(struct kvm *kvm, u32 slots, u64 pages);
void kvmeter_store_change_log(struct kvm *kvm, int slots, s64 pages);
struct kvm *kvmeter_store_next_unscanned(u32 *vm);
void kvmeter_store_set_feature(u32 feature);
void kvmeter_store_set_reason_source(u32 source);

size_t kvmeter_store_map_value_size(enum kvmeter_map map);
u32 kvmeter_store_map_entries(enum kvmeter_map map);
void kvmeter_store_move(const struct kvmeter_mem *to, struct kvmeter_mem *from);
void kvmeter_store_forget_mem(void);
int kvmeter_store_alloc_mem(struct kvmeter_mem *mem);
void kvmeter_store_free_mem(struct kvmeter_mem *mem);

void kvmeter_store_get_host(struct kvmeter_host *host);
bool kvmeter_store_get_vm(u32 vm, struct kvmeter_vm *out);
bool kvmeter_store_get_vcpu(u32 vcpu, struct kvmeter_vcpu *out, struct kvmeter_exit *rows);

/**
 * kvmeter_store_find - record of a vCPU
 * @vcpu: the vCPU that is running here
 *
 * Context: probes of that vCPU, preemption off.
 * Return: the record, made if it had none; NULL if there is no room for one.
 */
static __always_inline struct kvmeter_vcpu_rec *kvmeter_store_find(struct kvm_vcpu *vcpu)
{
	if (likely(this_cpu_read(kvmeter_cpu.vcpu) == vcpu))
		return this_cpu_read(kvmeter_cpu.rec);
	return kvmeter_store_find_slow(vcpu);
}

/*
 * The sequence number moves in one instruction, and x86 keeps stores in order: for the compiler
 * alone there is a barrier on each side.
 */
static __always_inline void kvmeter_store_step_seq(struct kvmeter_vcpu *slot)
{
	asm volatile("incl %0" : "+m"(slot->seq) : : "cc", "memory");
}

/**
 * kvmeter_store_write_begin - readers of this vCPU's slot and rows: from here on, look again
 * @slot: the vCPU's slot
 *
 * Context: probes of that vCPU, preemption off.
 */
static __always_inline void kvmeter_store_write_begin(struct kvmeter_vcpu *slot)
{
	kvmeter_store_step_seq(slot);
}

/**
 * kvmeter_store_write_end - what readers see from here on is whole
 * @slot: the vCPU's slot
 *
 * Context: probes of that vCPU, preemption off.
 */
static __always_inline void kvmeter_store_write_end(struct kvmeter_vcpu *slot)
{
	kvmeter_store_step_seq(slot);
}

/**
 * kvmeter_hist_add - count a time in a histogram
 * @hist: the histogram
 * @ns: the time
 *
 * Context: any; the caller excludes other writers.
 */
static __always_inline void kvmeter_hist_add(struct kvmeter_hist *hist, u64 ns)
{
	unsigned int n = fls64(ns);

	hist->bucket[min_t(unsigned int, n, KVMETER_HIST_BUCKETS - 1)]++;
}

#endif /* _KVMETER_STORE_H */
