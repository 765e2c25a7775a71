// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the pages a vCPU dirties while dirty logging is armed: what the CPU logged by itself (Page
 * Modification Logging), and what KVM took for dirty at a fault.
 *
 * Only ever reads. KVM flushes the log at some exits and not at others (re-entries on its fast
 * path), so two exits cannot be compared; what the guest added is between the index at an entry and
 * the index at the exit that follows it.
 *
 * A page that KVM maps writable, or makes writable again, it marks dirty there and then: the first
 * write is never seen by the CPU's log, or as well (the fast path leaves that to the CPU), and
 * where there is no such log these are all there is. A page mapped for reading is mapped writable
 * if it can be: KVM's log says dirty then, and so do we.
 *
 * While a nested guest runs the CPU's log is not in use; its faults tell the pages of the VM.
 */
#include <linux/kvm_host.h>
#include <linux/mm.h>

#include <asm/vmx.h>

#include "dirty.h"
#include "reason.h"
#include "track.h"

#define PML_ENTRIES 512
#define PML_FIRST (PML_ENTRIES - 1) /* the log is filled downwards */

/* EPT violation: bit 1 of the exit qualification; nested page fault: as a page-fault error code. */
#define EPT_WRITE BIT(1)
#define NPF_WRITE BIT(1)
#define NPF_RSVD BIT(3)

/* In an entry of the second-level page tables, AMD's and Intel's alike: any access, writing. */
#define SPTE_ACCESS GENMASK(2, 0)
#define SPTE_WRITABLE BIT(1)
#define SPTE_4K 1

static bool is_nested(const struct kvm_vcpu *vcpu)
{
	return vcpu->stat.guest_mode;
}

/**
 * kvmeter_dirty_mark_entry - remember where the log stands at an entry
 * @v: the vCPU's record
 * @vcpu: the vCPU
 *
 * Called while logging is on, after the ledger has taken note of the entry, and before it forgets
 * what the exit took.
 *
 * Context: probes of that vCPU, preemption off, between kvmeter_store_write_begin() and _end().
 */
void kvmeter_dirty_mark_entry(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu)
{
	u64 index;

	if (v->marked_gfn != U64_MAX)
		WRITE_ONCE(v->fault_ns, v->fault_ns + v->part[KVMETER_STATE_KERNEL]);
	v->pml_index = KVMETER_PML_NONE;
	v->pml_entry_ns = v->since_ns;
	if (v->vm->tdx || is_nested(vcpu) ||
	    v->reason_source > KVMETER_REASON_DIRECT || !boot_cpu_has(X86_FEATURE_VMX))
		return;
	if (kvmeter_vmread(KVMETER_VMCS_PML_INDEX, &index) && (u16)index < PML_ENTRIES)
		v->pml_index = index;
}

/* What a read of the log adds up to. */
struct tally {
	u64 gfn_sum;
	u32 bad;
	u32 dups;
	u32 marks;
};

/* Inlined twice: without a session there is less to do for each page. */
static __always_inline void read_entries(struct kvmeter_vcpu_rec *v, const u64 *log, u32 nr,
					 struct kvmeter_track *track, struct tally *sum)
{
	u16 word = track ? kvmeter_track_word(track, v->owner) : 0;
	u64 gfn, marked = v->marked_gfn;
	const u64 *end = log + nr;

	for (; log < end; log++) {
		if (unlikely(*log & ~PAGE_MASK)) {
			sum->bad++;
			continue;
		}
		gfn = *log >> PAGE_SHIFT;
		sum->gfn_sum += gfn;
		if (unlikely(gfn == marked)) {
			sum->dups++;
			marked = U64_MAX; /* once since it was cleared */
		}
		if (track && kvmeter_track_mark(track, word, gfn))
			sum->marks++;
	}
	if (track)
		kvmeter_track_add_marks(track, word, sum->marks);
}

static void read_log(struct kvmeter_vcpu_rec *v, u32 lo, u32 hi)
{
	struct kvmeter_track *track = READ_ONCE(v->vm->track);
	struct kvmeter_vcpu *slot = v->slot;
	struct tally sum = {};
	const u64 *log;
	u64 address;

	if (!kvmeter_vmread(KVMETER_VMCS_PML_ADDRESS, &address) ||
	    !address || !pfn_valid(PHYS_PFN(address))) {
		slot->pml_bad += hi - lo;
		return;
	}
	log = phys_to_virt(address);
	if (track)
		read_entries(v, log + lo, hi - lo, track, &sum);
	else
		read_entries(v, log + lo, hi - lo, NULL, &sum);
	slot->pml_pages += hi - lo - sum.bad;
	slot->pml_bad += sum.bad;
	slot->pml_gfn_sum += sum.gfn_sum;
	slot->pml_dups += sum.dups;
	slot->dirty_marks += sum.marks;
	WRITE_ONCE(v->dirtied, v->dirtied + (hi - lo - sum.bad - sum.dups));
}

static void add_logged(struct kvmeter_vcpu_rec *v)
{
	u64 index;

	if (v->pml_entry_ns != v->since_ns || v->pml_index == KVMETER_PML_NONE ||
	    !kvmeter_vmread(KVMETER_VMCS_PML_INDEX, &index))
		return;
	index = (u16)index;
	if (index == v->pml_index)
		return;
	/* The index names the entry to be written next; below the last one it wraps to 0xffff. */
	if (index >= PML_ENTRIES) {
		v->slot->pml_full++;
		read_log(v, 0, v->pml_index + 1);
	} else if (index < v->pml_index) {
		read_log(v, index + 1, v->pml_index + 1);
	} else {
		v->slot->pml_bad++;
	}
}

/*
 * What the fault is about, for kvmeter_dirty_add_fast_fault(). For a nested guest with page tables
 * of its hypervisor's KVM has no fast path, and without them its addresses are those of the VM.
 */
static void note_fault(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa)
{
	u64 info, gpa;

	if (!kvmeter_reason_read_fault(v, vcpu, isa, &info, &gpa))
		return;
	if (isa == KVMETER_ISA_VMX)
		v->fault_write = info & EPT_WRITE;
	else
		v->fault_write = (info & (NPF_WRITE | NPF_RSVD)) == NPF_WRITE;
	v->fault_gfn = gpa >> PAGE_SHIFT;
}

/**
 * kvmeter_dirty_add_exit - count what the guest dirtied since it was entered
 * @v: the vCPU's record
 * @vcpu: the vCPU
 * @isa: KVMETER_ISA_*
 * @reason: of the exit, or KVMETER_NO_REASON
 *
 * Called while logging is armed, before the ledger takes note of the exit. Logging may have
 * been switched on since the entry, or off and on again: then there is nothing to compare with.
 *
 * Context: as kvmeter_dirty_mark_entry().
 */
void kvmeter_dirty_add_exit(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa, s64 reason)
{
	s64 fault = isa == KVMETER_ISA_VMX ? EXIT_REASON_EPT_VIOLATION : SVM_EXIT_NPF;

	if (isa == KVMETER_ISA_VMX && !is_nested(vcpu))
		add_logged(v);
	v->marked_gfn = U64_MAX;
	v->fault_write = false;
	if (reason == fault)
		note_fault(v, vcpu, isa);
}

/* As KVM has it: is it memory that logs? The caller is in KVM_RUN, where slots stay. */
static bool logs(struct kvm_vcpu *vcpu, u64 gfn)
{
	const struct kvm_memory_slot *slot = __gfn_to_memslot(kvm_vcpu_memslots(vcpu), gfn);

	return slot && kvm_slot_dirty_track_enabled(slot);
}

static void add_fault(struct kvmeter_vcpu_rec *v, u64 gfn)
{
	struct kvmeter_track *track = READ_ONCE(v->vm->track);
	bool marked = false;
	u16 word;

	if (v->marked_gfn == gfn || !logs(v->vcpu, gfn))
		return;
	v->marked_gfn = gfn;
	if (track) {
		word = kvmeter_track_word(track, v->owner);
		marked = kvmeter_track_mark(track, word, gfn);
		kvmeter_track_add_marks(track, word, marked);
	}
	kvmeter_store_write_begin(v->slot);
	v->slot->write_faults++;
	v->slot->l2_write_faults += is_nested(v->vcpu);
	v->slot->dirty_marks += marked;
	kvmeter_store_write_end(v->slot);
	WRITE_ONCE(v->dirtied, v->dirtied + 1); /* never ahead of what readers see */
}

/**
 * kvmeter_dirty_add_map - KVM has mapped a page for the guest
 * @v: record of the vCPU whose fault it handles
 * @level: 1 for 4 KiB; larger pages are never writable where logging is on
 * @gfn: the page
 * @spte: its entry in the page tables
 *
 * Context: KVM handles a fault of that vCPU, preemption off; logging is armed.
 */
void kvmeter_dirty_add_map(struct kvmeter_vcpu_rec *v, int level, u64 gfn, u64 spte)
{
	if (level == SPTE_4K && (spte & SPTE_WRITABLE))
		add_fault(v, gfn);
}

/**
 * kvmeter_dirty_add_fast_fault - KVM has tried to let a write go on without its lock
 * @v: record of the vCPU whose fault it handles
 * @old: the entry of the page before
 * @fixed: so it said that it had done
 *
 * Context: as kvmeter_dirty_add_map().
 */
void kvmeter_dirty_add_fast_fault(struct kvmeter_vcpu_rec *v, u64 old, bool fixed)
{
	if (fixed && v->fault_write && (old & SPTE_ACCESS) && !(old & SPTE_WRITABLE))
		add_fault(v, v->fault_gfn);
}
