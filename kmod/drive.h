/* SPDX-License-Identifier: GPL-2.0-only */
/* Has KVM log the memory of a VM, with KVM's own functions. */
#ifndef _KVMETER_DRIVE_H
#define _KVMETER_DRIVE_H

#include <linux/fs.h>
#include <linux/kvm_host.h>

#include "track.h"

/* Ids of the user's memory slots, of address space 0. */
#define KVMETER_SLOT_IDS KVM_USER_MEM_SLOTS

bool kvmeter_drive_resolve_is_vm(void);
bool kvmeter_drive_resolve(void);
bool kvmeter_drive_is_vm(struct file *file);
void kvmeter_drive_knock(struct kvm *kvm);
int kvmeter_drive_arm(struct kvm *kvm, unsigned long *ours);
void kvmeter_drive_disarm(struct kvm *kvm, unsigned long *ours);
u64 kvmeter_drive_rearm(struct kvm *kvm, struct kvmeter_track *t, const unsigned long *ours,
			const u32 *stop);

#endif /* _KVMETER_DRIVE_H */
