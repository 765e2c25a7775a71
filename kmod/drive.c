// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has KVM log the memory of a VM, with KVM's own functions.
 *
 * The safety rule: no dirty bit is ever consumed. Nothing here reads KVM's bitmaps, takes from
 * them, or touches an entry of a page table. Memory slots are given the flag that has them log, and
 * have it taken away again unless the VMM has asked for it meanwhile; both by the function that the
 * VMM's own calls end in, under the lock that orders them. And pages are armed again by the
 * function that KVM itself calls after a dirty bit was taken: called when none was, it can only
 * cause a page to be logged once more.
 *
 * The flush of TLBs may come after mmu_lock was let go of, as with KVM's own clearing of the log: a
 * CPU that still writes by an old entry writes to a page whose dirty bit is set and stays.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "compat.h"
#include "drive.h"
#include "hooks.h"

#define PAGES_AT_ONCE 64 /* as many as bits in a mask */

/* How often, and how many ms apart, it is tried to have a slot log no more. */
#define DISARM_TRIES 20
#define DISARM_MS 10

/* Groups of pages that are armed before others get their turn at mmu_lock. */
#define GROUPS_AT_ONCE 64

static bool (*file_is_kvm_fn)(struct file *file);
static int (*set_region)(struct kvm *kvm, const struct kvmeter_region *region);
static void (*arm_masked)(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn_offset,
			  unsigned long mask);
static void (*flush_tlbs)(struct kvm *kvm);

/**
 * kvmeter_drive_resolve_is_vm - find what tells VMs from other files
 *
 * Context: may sleep; at load.
 * Return: false if it is not there.
 */
bool kvmeter_drive_resolve_is_vm(void)
{
	file_is_kvm_fn = kvmeter_hooks_find_function("kvm", "file_is_kvm", NULL);
	return file_is_kvm_fn;
}

/**
 * kvmeter_drive_resolve - find KVM's functions
 *
 * Context: may sleep; at load.
 * Return: false if one of them is not there.
 */
bool kvmeter_drive_resolve(void)
{
	set_region = kvmeter_hooks_find_function("kvm", KVMETER_SET_REGION, KVMETER_SET_REGION_ALT);
	arm_masked = kvmeter_hooks_find_function("kvm", "kvm_arch_mmu_enable_log_dirty_pt_masked",
						 NULL);
	flush_tlbs = kvmeter_hooks_find_function("kvm", "kvm_flush_remote_tlbs", NULL);
	return set_region && arm_masked && flush_tlbs;
}

/**
 * kvmeter_drive_is_vm - is it a VM?
 * @file: an open file
 *
 * Context: any.
 */
bool kvmeter_drive_is_vm(struct file *file)
{
	return file_is_kvm_fn(file);
}

/* Nothing else about the slot changes: KVM takes that for a change of flags. */
static int set_log(struct kvm *kvm, int id, bool on)
{
	const struct kvm_memory_slot *slot = id_to_memslot(__kvm_memslots(kvm, 0), id);
	struct kvmeter_region region = { .slot = id };

	lockdep_assert_held(&kvm->slots_lock);
	if (!slot)
		return 0;
	region.flags = slot->flags & ~KVM_MEM_LOG_DIRTY_PAGES;
	if (on)
		region.flags |= KVM_MEM_LOG_DIRTY_PAGES;
	region.guest_phys_addr = slot->base_gfn << PAGE_SHIFT;
	region.memory_size = (u64)slot->npages << PAGE_SHIFT;
	region.userspace_addr = slot->userspace_addr;
	return set_region(kvm, &region);
}

/**
 * kvmeter_drive_knock - make a memory-slot call that KVM refuses, to see whether calls are seen
 * @kvm: the VM
 *
 * No kernel knows these flags: they are looked at before anything else is.
 *
 * Context: may sleep; the VM is kept from being destroyed.
 */
void kvmeter_drive_knock(struct kvm *kvm)
{
	struct kvmeter_region region = { .flags = ~0U };

	mutex_lock(&kvm->slots_lock);
	set_region(kvm, &region);
	mutex_unlock(&kvm->slots_lock);
}

/* Where KVM begins with all dirty bits set it leaves this to whoever takes them. */
static void arm_all(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	unsigned int groups = 0;
	u64 offset, nr;

	write_lock(&kvm->mmu_lock);
	for (offset = 0; offset < slot->npages; offset += nr) {
		nr = min_t(u64, slot->npages - offset, PAGES_AT_ONCE);
		arm_masked(kvm, slot, offset, GENMASK(nr - 1, 0));
		if (++groups % GROUPS_AT_ONCE)
			continue;
		write_unlock(&kvm->mmu_lock);
		cond_resched();
		write_lock(&kvm->mmu_lock);
	}
	write_unlock(&kvm->mmu_lock);
}

/* KVM makes a new slot of the old one, which takes a little memory: there will be some. */
static int disarm_slot(struct kvm *kvm, unsigned int id)
{
	unsigned int tries;
	int ret;

	for (tries = 0; tries < DISARM_TRIES; tries++) {
		ret = set_log(kvm, id, false);
		if (ret != -ENOMEM)
			break;
		msleep(DISARM_MS);
	}
	return ret;
}

static void disarm_locked(struct kvm *kvm, unsigned long *ours)
{
	unsigned int id;

	for_each_set_bit(id, ours, KVMETER_SLOT_IDS)
		if (disarm_slot(kvm, id))
			pr_warn_ratelimited("kvmeter: memory slot %u cannot be disarmed\n", id);
	bitmap_zero(ours, KVMETER_SLOT_IDS);
}

static int arm_locked(struct kvm *kvm, unsigned long *ours)
{
	struct kvm_memory_slot *slot;
	unsigned int id;
	int bkt, ret;

	kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, 0))
		if (kvmeter_slot_is_ram(slot) && !(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
			__set_bit(slot->id, ours);
	for_each_set_bit(id, ours, KVMETER_SLOT_IDS) {
		ret = set_log(kvm, id, true);
		if (!ret)
			continue;
		bitmap_clear(ours, id, KVMETER_SLOT_IDS - id);
		disarm_locked(kvm, ours);
		return ret;
	}
	if (!kvm_dirty_log_manual_protect_and_init_set(kvm))
		return 0;
	kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, 0))
		if (test_bit(slot->id, ours))
			arm_all(kvm, slot);
	flush_tlbs(kvm);
	return 0;
}

/**
 * kvmeter_drive_arm - have the memory of a VM logged that is not yet
 * @kvm: the VM
 * @ours: KVMETER_SLOT_IDS bits, none set; those of the slots that log on our behalf are set
 *
 * Context: may sleep; the VM is kept from being destroyed.
 * Return: 0, or what KVM said; no slot of ours logs then.
 */
int kvmeter_drive_arm(struct kvm *kvm, unsigned long *ours)
{
	int ret;

	mutex_lock(&kvm->slots_lock);
	ret = arm_locked(kvm, ours);
	mutex_unlock(&kvm->slots_lock);
	return ret;
}

/**
 * kvmeter_drive_disarm - have what is logged on our behalf, and on nobody else's, logged no more
 * @kvm: the VM
 * @ours: as kvmeter_drive_arm() left it, less the slots that the VMM set up since; cleared
 *
 * Context: as kvmeter_drive_arm().
 */
void kvmeter_drive_disarm(struct kvm *kvm, unsigned long *ours)
{
	mutex_lock(&kvm->slots_lock);
	disarm_locked(kvm, ours);
	mutex_unlock(&kvm->slots_lock);
}

/* Arm what is to be armed in one region, or in the part of it that is in the slot. */
static u64 rearm_region(struct kvm *kvm, struct kvm_memory_slot *slot, struct kvmeter_track *t,
			u64 gfn, u64 end)
{
	unsigned long mask;
	u64 nr, sum = 0;

	write_lock(&kvm->mmu_lock);
	for (; gfn < end; gfn += nr) {
		nr = min_t(u64, end - gfn, PAGES_AT_ONCE);
		mask = kvmeter_track_to_arm(t, gfn, nr);
		if (!mask)
			continue;
		arm_masked(kvm, slot, gfn - slot->base_gfn, mask);
		sum += hweight64(mask);
	}
	write_unlock(&kvm->mmu_lock);
	return sum;
}

static u64 rearm_slot(struct kvm *kvm, struct kvm_memory_slot *slot, struct kvmeter_track *t,
		      const u32 *stop)
{
	u64 end = slot->base_gfn + slot->npages, gfn = slot->base_gfn;
	u64 sum = 0, region_end;

	while (!READ_ONCE(*stop)) {
		gfn = kvmeter_track_next(t, gfn, end);
		if (gfn >= end)
			break;
		region_end = min_t(u64, end, (gfn | (KVMETER_REGION_PAGES - 1)) + 1);
		sum += rearm_region(kvm, slot, t, gfn, region_end);
		gfn = region_end;
		cond_resched();
	}
	return sum;
}

/**
 * kvmeter_drive_rearm - have pages logged again that were found dirty
 * @kvm: the VM
 * @t: tells which
 * @ours: the slots that log on our behalf
 * @stop: if this is not 0 no more pages are armed
 *
 * Context: as kvmeter_drive_arm(), after kvmeter_track_collect().
 * Return: pages armed.
 */
u64 kvmeter_drive_rearm(struct kvm *kvm, struct kvmeter_track *t, const unsigned long *ours,
			const u32 *stop)
{
	struct kvm_memory_slot *slot;
	u64 sum = 0;
	int bkt;

	mutex_lock(&kvm->slots_lock);
	kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, 0))
		if (slot->id < KVMETER_SLOT_IDS && test_bit(slot->id, ours))
			sum += rearm_slot(kvm, slot, t, stop);
	mutex_unlock(&kvm->slots_lock);
	if (sum)
		flush_tlbs(kvm);
	return sum;
}
