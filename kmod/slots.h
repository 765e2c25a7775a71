/* SPDX-License-Identifier: GPL-2.0-only */
/* What a VM's memory slots add up to, as far as dirty logging is concerned. */
#ifndef _KVMETER_SLOTS_H
#define _KVMETER_SLOTS_H

#include <linux/types.h>

struct kvm_memory_slot;

/**
 * struct kvmeter_slots - sums of a VM's memory slots
 * @log_slots: those that log
 * @main_slot: id of the largest of those that @ram_pages is of
 * @log_pages: pages in those that log
 * @ram_pages: pages in those of address space 0 that can be written to
 * @ram_log_pages: pages in those of them that log
 * @main_pages: pages in @main_slot
 */
struct kvmeter_slots {
	u32 log_slots;
	u32 main_slot;
	u64 log_pages;
	u64 ram_pages;
	u64 ram_log_pages;
	u64 main_pages;
};

void kvmeter_slots_change(struct kvmeter_slots *slots, const struct kvm_memory_slot *old,
			  const struct kvm_memory_slot *new);

/**
 * kvmeter_slots_is_logged - is the guest's memory logged, and not just a display's?
 * @slots: the sums
 *
 * Context: any.
 * Return: true if at least half of it is.
 */
static inline bool kvmeter_slots_is_logged(const struct kvmeter_slots *slots)
{
	return slots->ram_log_pages && slots->ram_log_pages * 2 >= slots->ram_pages;
}

#endif /* _KVMETER_SLOTS_H */
