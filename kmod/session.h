/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions: for some time it is found out, and remembered, when each page of a VM is dirtied. */
#ifndef _KVMETER_SESSION_H
#define _KVMETER_SESSION_H

#include <linux/kvm_host.h>
#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

#include "compat.h"

int kvmeter_session_init(bool can_observe, bool can_drive);
void kvmeter_session_exit(void);

int kvmeter_session_start(struct kvmeter_dirty_start *start);
int kvmeter_session_stop(const struct kvmeter_dirty_stop *stop);
int kvmeter_session_read(struct kvmeter_dirty_read *read, u32 *cells);

void kvmeter_session_see_region(struct kvm *kvm, const struct kvmeter_region *region);
void kvmeter_session_see_commit(struct kvm *kvm, const struct kvm_memory_slot *slot);
void kvmeter_session_see_log(struct kvm *kvm, u32 slot);

#endif /* _KVMETER_SESSION_H */
