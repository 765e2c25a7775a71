// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the pages a vCPU dirties while dirty logging is on: what the CPU logged by itself (Page
 * Modification Logging), and write faults.
 *
 * Only ever reads. KVM flushes the log at some exits and not at others (re-entries on its fast
 * path), so two exits cannot be compared; what the guest added is between the index at an entry and
 * the index at the exit that follows it.
 *
 * While a nested guest runs, its hypervisor's log is not in use and its faults are of another
 * address space: nothing is counted.
 */
#include <linux/mm.h>

#include <asm/vmx.h>

#include "dirty.h"
#include "reason.h"

#define PML_ENTRIES 512
#define PML_FIRST (PML_ENTRIES - 1) /* the log is filled downwards */

/* EPT violation: bit 1 of the exit qualification; nested page fault: as a page-fault error code. */
#define EPT_WRITE BIT(1)
#define NPF_WRITE BIT(1)
#define NPF_RSVD BIT(3)

static bool is_nested(const struct kvm_vcpu *vcpu)
{
	return vcpu->stat.guest_mode;
}

/**
 * kvmeter_dirty_mark_entry - remember where the log stands at an entry
 * @v: the vCPU's record
 * @vcpu: the vCPU
 *
 * Called while logging is on, after the ledger has taken note of the entry.
 *
 * Context: probes of that vCPU, preemption off, between kvmeter_store_write_begin() and _end().
 */
void kvmeter_dirty_mark_entry(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu)
{
	u64 index;

	v->pml_index = KVMETER_PML_NONE;
	v->pml_entry_ns = v->since_ns;
	if (v->vm->tdx || is_nested(vcpu) ||
	    v->reason_source > KVMETER_REASON_DIRECT || !boot_cpu_has(X86_FEATURE_VMX))
		return;
	if (kvmeter_vmread(KVMETER_VMCS_PML_INDEX, &index) && (u16)index < PML_ENTRIES)
		v->pml_index = index;
}

static void read_log(struct kvmeter_vcpu_rec *v, u32 lo, u32 hi)
{
	struct kvmeter_vcpu *slot = v->slot;
	u64 address, gfn_sum = 0;
	u32 i, bad = 0;
	const u64 *log;

	if (!kvmeter_vmread(KVMETER_VMCS_PML_ADDRESS, &address) ||
	    !address || !pfn_valid(PHYS_PFN(address))) {
		slot->pml_bad += hi - lo;
		return;
	}
	log = phys_to_virt(address);
	for (i = lo; i < hi; i++) {
		bad += !!(log[i] & ~PAGE_MASK);
		gfn_sum += log[i] >> PAGE_SHIFT;
	}
	slot->pml_pages += hi - lo - bad;
	slot->pml_bad += bad;
	slot->pml_gfn_sum += gfn_sum;
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

static bool is_write_fault(u32 isa, u64 info)
{
	if (isa == KVMETER_ISA_VMX)
		return info & EPT_WRITE;
	return (info & (NPF_WRITE | NPF_RSVD)) == NPF_WRITE;
}

/**
 * kvmeter_dirty_add_exit - count what the guest dirtied since it was entered
 * @v: the vCPU's record
 * @vcpu: the vCPU
 * @isa: KVMETER_ISA_*
 * @reason: of the exit, or KVMETER_NO_REASON
 *
 * Called while logging is on, before the ledger takes note of the exit. Logging may have
 * been switched on since the entry, or off and on again: then there is nothing to compare with.
 *
 * Context: as kvmeter_dirty_mark_entry().
 */
void kvmeter_dirty_add_exit(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa, s64 reason)
{
	s64 fault = isa == KVMETER_ISA_VMX ? EXIT_REASON_EPT_VIOLATION : SVM_EXIT_NPF;
	u64 info;

	if (is_nested(vcpu))
		return;
	if (isa == KVMETER_ISA_VMX)
		add_logged(v);
	if (reason == fault && kvmeter_reason_read_info(v, vcpu, isa, &info) &&
	    is_write_fault(isa, info))
		v->slot->write_faults++;
}
