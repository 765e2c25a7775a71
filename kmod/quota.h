/* SPDX-License-Identifier: GPL-2.0-only */
/* Quotas on what a VM dirties, kept by parking the vCPUs that dirty more than their share. */
#ifndef _KVMETER_QUOTA_H
#define _KVMETER_QUOTA_H

#include "store.h"

int kvmeter_quota_init(bool can_count);
void kvmeter_quota_exit(void);
int kvmeter_quota_set(const struct kvmeter_quota *quota);
void kvmeter_quota_share_out(void);
bool kvmeter_quota_may_park(u32 isa, s64 reason);
void kvmeter_quota_charge_slow(struct kvmeter_vcpu_rec *v, bool may_park);

/**
 * kvmeter_quota_charge - charge a vCPU with what it has dirtied since the last time
 * @v: its record
 * @may_park: it can be parked when KVM is done with this exit; otherwise at the next one
 *
 * Context: probes of that vCPU, preemption off.
 */
static __always_inline void kvmeter_quota_charge(struct kvmeter_vcpu_rec *v, bool may_park)
{
	if (unlikely(READ_ONCE(v->quota)))
		kvmeter_quota_charge_slow(v, may_park);
}

#endif /* _KVMETER_QUOTA_H */
