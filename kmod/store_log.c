// SPDX-License-Identifier: GPL-2.0-only
/* What the store keeps of the dirty logging of each VM. */
#include "store_impl.h"

static struct kvmeter_store *const st = &kvmeter_store;

/**
 * kvmeter_store_write_log_locked - tell probes and readers what logging a VM has on
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_write_log_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_vm *slot = kvmeter_vm_slot(vm->index);
	struct kvmeter_vcpu_rec *v;

	lockdep_assert_held(&st->lock);
	slot->log_slots = vm->log_slots;
	slot->log_pages = vm->log_pages;
	WRITE_ONCE(slot->log_state, !vm->scanned ? KVMETER_LOG_UNKNOWN :
				    vm->log_slots ? KVMETER_LOG_ON : KVMETER_LOG_OFF);
	vm->logging = vm->scanned && vm->log_slots;
	list_for_each_entry(v, &vm->vcpus, siblings)
		WRITE_ONCE(v->logging, vm->logging);
}

/**
 * kvmeter_store_set_log - what dirty logging a VM has on, counted from scratch
 * @kvm: the VM
 * @slots: memory slots that log
 * @pages: pages in them
 *
 * Context: process, kvm->slots_lock held, so that no change can come in between.
 */
void kvmeter_store_set_log(struct kvm *kvm, u32 slots, u64 pages)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm) {
		vm->log_slots = slots;
		vm->log_pages = pages;
		vm->scanned = true;
		kvmeter_store_write_log_locked(vm);
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_change_log - a memory slot of a VM begins or ends to log
 * @kvm: the VM
 * @slots: change in the number of slots that log
 * @pages: change in their pages
 *
 * Context: kvm->slots_lock held by the caller or what it probes. Ignored until
 * kvmeter_store_set_log() has set where to count from.
 */
void kvmeter_store_change_log(struct kvm *kvm, int slots, s64 pages)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm && vm->scanned) {
		vm->log_slots += slots;
		vm->log_pages += pages;
		kvmeter_store_write_log_locked(vm);
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_next_unscanned - a VM whose logging is to be counted from scratch
 * @vm: slot to look at first; moved behind the one found
 *
 * Context: process.
 * Return: the VM, an identity that must not be dereferenced; NULL if there is none.
 */
struct kvm *kvmeter_store_next_unscanned(u32 *vm)
{
	struct kvm *kvm = NULL;

	raw_spin_lock_irq(&st->lock);
	for (; !kvm && *vm < kvmeter_max_vms; (*vm)++)
		if (st->vms[*vm].kvm && !st->vms[*vm].scanned)
			kvm = st->vms[*vm].kvm;
	raw_spin_unlock_irq(&st->lock);
	return kvm;
}
