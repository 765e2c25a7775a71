// SPDX-License-Identifier: GPL-2.0-only
/* Finds the VMs that were there before the module, and which memory slots of a VM log already. */
#include <linux/delay.h>
#include <linux/kvm_host.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "compat.h"
#include "hooks.h"
#include "scan.h"
#include "store.h"

/* How often to look whether a VM's slots are still being changed: a change takes some ms. */
#define TRIES 16

/* KVM's, of the types that its header gives them. */
static typeof(kvm_lock) *lock; /* for the list */
static typeof(vm_list) *list;
static void (*put_kvm)(struct kvm *kvm);

/**
 * kvmeter_scan_resolve - find KVM's list of VMs
 *
 * Context: may sleep; at load.
 * Return: false if it, or what it takes to walk it, is not there.
 */
bool kvmeter_scan_resolve(void)
{
	lock = kvmeter_hooks_find_symbol("kvm", "kvm_lock");
	list = kvmeter_hooks_find_symbol("kvm", "vm_list");
	put_kvm = kvmeter_hooks_find_function("kvm", "kvm_put_kvm", NULL);
	return lock && list && put_kvm;
}

/**
 * kvmeter_scan_find_vms - give records to all VMs and vCPUs there are
 *
 * A VM leaves the list, under the lock, before it and its vCPUs are destroyed; so the end of
 * whatever is found here will be seen.
 *
 * Context: may sleep; after the probes were registered.
 */
void kvmeter_scan_find_vms(void)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;
	struct kvm *kvm;

	mutex_lock(lock);
	list_for_each_entry(kvm, list, vm_list) {
		kvmeter_store_add_vm(kvm);
		kvm_for_each_vcpu(i, vcpu, kvm)
			kvmeter_store_add_vcpu(vcpu);
	}
	mutex_unlock(lock);
}

/**
 * kvmeter_scan_get_kvm - take hold of a VM that was seen at an address, if it still lives
 * @identity: the address
 *
 * Context: may sleep; only if kvmeter_scan_resolve() said true.
 * Return: the VM, for kvmeter_scan_put_kvm(); or NULL.
 */
struct kvm *kvmeter_scan_get_kvm(const struct kvm *identity)
{
	struct kvm *kvm, *found = NULL;

	mutex_lock(lock);
	list_for_each_entry(kvm, list, vm_list) {
		if (kvm != identity)
			continue;
		if (refcount_inc_not_zero(&kvm->users_count))
			found = kvm;
		break;
	}
	mutex_unlock(lock);
	return found;
}

/**
 * kvmeter_scan_put_kvm - let go of a VM
 * @kvm: of kvmeter_scan_get_kvm()
 *
 * Context: may sleep; the VM may be destroyed here.
 */
void kvmeter_scan_put_kvm(struct kvm *kvm)
{
	put_kvm(kvm);
}

static void count_logging_locked(struct kvm *kvm)
{
	struct kvmeter_slots slots = {};
	struct kvm_memory_slot *slot;
	int as_id, bkt;

	lockdep_assert_held(&kvm->slots_lock);
	for (as_id = 0; as_id < kvmeter_vm_nr_as_ids(kvm); as_id++)
		kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, as_id))
			kvmeter_slots_change(&slots, NULL, slot);
	kvmeter_store_set_log(kvm, &slots);
}

/*
 * If nobody changes its slots just now. A VM cannot go while it is on the list and the list is
 * locked: it need not be held, which would have it outlive its last file descriptor. KVM then logs
 * that its directory in debugfs is still there when the VMM makes another VM of the same number.
 */
static bool try_count_logging(const struct kvm *identity)
{
	bool done = true;
	struct kvm *kvm;

	mutex_lock(lock);
	list_for_each_entry(kvm, list, vm_list) {
		if (kvm != identity)
			continue;
		done = mutex_trylock(&kvm->slots_lock);
		if (done) {
			count_logging_locked(kvm);
			mutex_unlock(&kvm->slots_lock);
		}
		break;
	}
	mutex_unlock(lock);
	return done;
}

static bool try_count_all(void)
{
	struct kvm *identity;
	bool done = true;
	u32 next = 0;

	while ((identity = kvmeter_store_next_unscanned(&next)))
		done = try_count_logging(identity) && done;
	return done;
}

/**
 * kvmeter_scan_count_logging - establish for each new VM which of its memory slots log
 *
 * Later changes are seen as they happen. A VM is held only if its slots are being changed, by who
 * has it open, each time that it is looked at; for no longer than it takes to wait and to count.
 *
 * Context: may sleep; waits for changes of memory slots under way.
 */
void kvmeter_scan_count_logging(void)
{
	struct kvm *identity, *kvm;
	unsigned int tries = TRIES;
	u32 next = 0;

	/* All of them in each round, so that nobody can make others wait. */
	while (tries-- && !try_count_all())
		usleep_range(2000, 4000);

	while ((identity = kvmeter_store_next_unscanned(&next))) {
		kvm = kvmeter_scan_get_kvm(identity);
		if (!kvm)
			continue;
		mutex_lock(&kvm->slots_lock);
		count_logging_locked(kvm);
		mutex_unlock(&kvm->slots_lock);
		put_kvm(kvm);
	}
}
