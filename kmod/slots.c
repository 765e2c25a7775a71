// SPDX-License-Identifier: GPL-2.0-only
/* What a VM's memory slots add up to, as far as dirty logging is concerned. */
#include <linux/kvm_host.h>

#include "compat.h"
#include "slots.h"

static bool is_ram(const struct kvm_memory_slot *slot)
{
	return !slot->as_id && kvmeter_slot_is_ram(slot);
}

static void add_slot(struct kvmeter_slots *slots, const struct kvm_memory_slot *slot, int sign)
{
	s64 pages = sign * (s64)slot->npages;

	if (is_ram(slot))
		slots->ram_pages += pages;
	if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return;
	if (is_ram(slot))
		slots->ram_log_pages += pages;
	slots->log_slots += sign;
	slots->log_pages += pages;
}

/**
 * kvmeter_slots_change - a memory slot is made, changed or deleted, or just counted
 * @slots: the sums
 * @old: the slot as it was, NULL if it is new
 * @new: the slot as it will be, NULL if it is deleted
 *
 * Context: kvm->slots_lock held.
 */
void kvmeter_slots_change(struct kvmeter_slots *slots, const struct kvm_memory_slot *old,
			  const struct kvm_memory_slot *new)
{
	if (old) {
		add_slot(slots, old, -1);
		if (!old->as_id && (u32)old->id == slots->main_slot)
			slots->main_pages = 0;
	}
	if (!new)
		return;
	add_slot(slots, new, 1);
	if (is_ram(new) && new->npages > slots->main_pages) {
		slots->main_slot = new->id;
		slots->main_pages = new->npages;
	}
}
