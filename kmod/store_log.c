// SPDX-License-Identifier: GPL-2.0-only
/* What the store keeps of the dirty logging of each VM. */
#include <linux/kvm_host.h>

#include "clock.h"
#include "compat.h"
#include "store_impl.h"

u32 kvmeter_armed_nr;

static struct kvmeter_store *const st = &kvmeter_store;

static u32 log_state(const struct kvmeter_vm_rec *vm)
{
	if (!vm->scanned)
		return KVMETER_LOG_UNKNOWN;
	if (!vm->logging)
		return KVMETER_LOG_OFF;
	if (vm->driven)
		return KVMETER_LOG_DRIVEN;
	return vm->ring ? KVMETER_LOG_RING : KVMETER_LOG_BITMAP;
}

/**
 * kvmeter_store_set_logging_locked - dirty logging of a VM is armed, or is not
 * @vm: its record
 * @logging: which of the two
 *
 * Context: store lock held.
 */
void kvmeter_store_set_logging_locked(struct kvmeter_vm_rec *vm, bool logging)
{
	lockdep_assert_held(&st->lock);
	WRITE_ONCE(kvmeter_armed_nr, kvmeter_armed_nr + logging - vm->logging);
	vm->logging = logging;
}

/**
 * kvmeter_store_write_log_locked - tell probes and readers what logging a VM has on
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_write_log_locked(struct kvmeter_vm_rec *vm)
{
	bool asked = vm->scanned && kvmeter_slots_is_logged(&vm->slots);
	bool logging = asked && (!vm->all_set || vm->driven);
	struct kvmeter_vm *slot = kvmeter_vm_slot(vm->index);
	struct kvmeter_vcpu_rec *v;

	lockdep_assert_held(&st->lock);
	if (asked && !vm->asked) {
		vm->dirty.sync_nr = 0;
		kvmeter_store_write_dirty_locked(vm);
	}
	if (logging && !vm->logging)
		vm->armed_ns = kvmeter_clock_now();
	if (asked != vm->asked)
		kvmeter_store_switch_rounds_locked(vm, asked);
	vm->asked = asked;
	kvmeter_store_set_logging_locked(vm, logging);
	slot->log_slots = vm->slots.log_slots;
	slot->log_pages = vm->slots.log_pages;
	slot->ram_pages = vm->slots.ram_pages;
	WRITE_ONCE(slot->log_state, log_state(vm));
	list_for_each_entry(v, &vm->vcpus, siblings)
		WRITE_ONCE(v->logging, logging);
}

/**
 * kvmeter_store_set_log - what memory slots a VM has, counted from scratch
 * @kvm: the VM
 * @slots: the sums
 *
 * Context: process, kvm->slots_lock held, so that no change can come in between.
 */
void kvmeter_store_set_log(struct kvm *kvm, const struct kvmeter_slots *slots)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;
	bool changed = false;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm) {
		vm->slots = *slots;
		vm->ring = kvm->dirty_ring_size;
		vm->scanned = true;
		kvmeter_store_write_log_locked(vm);
		changed = vm->logging;
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
	if (changed)
		kvmeter_store_tell_changed();
}

/**
 * kvmeter_store_change_log - a memory slot of a VM is made, changed or deleted
 * @kvm: the VM
 * @old: the slot as it was, NULL if it is new
 * @new: the slot as it will be, NULL if it is deleted
 *
 * Context: kvm->slots_lock held by the caller or what it probes. Ignored until
 * kvmeter_store_set_log() has set where to count from.
 */
void kvmeter_store_change_log(struct kvm *kvm, const struct kvm_memory_slot *old,
			      const struct kvm_memory_slot *new)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;
	bool before = false, after = false;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm && vm->scanned) {
		before = vm->logging;
		kvmeter_slots_change(&vm->slots, old, new);
		vm->ring = kvm->dirty_ring_size;
		if (!vm->asked)
			vm->all_set = kvm_dirty_log_manual_protect_and_init_set(kvm);
		kvmeter_store_write_log_locked(vm);
		after = vm->logging;
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
	if (before != after)
		kvmeter_store_tell_changed();
}

/**
 * kvmeter_store_add_clear - the VMM clears bits of the dirty log, and so has pages armed
 * @kvm: the VM
 *
 * Where KVM begins with all bits set, nothing is logged before that.
 *
 * Context: process, kvm->slots_lock held.
 */
void kvmeter_store_add_clear(struct kvm *kvm)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;
	bool changed = false;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm && vm->asked && vm->all_set) {
		vm->all_set = false;
		kvmeter_store_write_log_locked(vm);
		changed = vm->logging;
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
	if (changed)
		kvmeter_store_tell_changed();
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
