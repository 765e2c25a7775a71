/* SPDX-License-Identifier: GPL-2.0-only */
/* What KVM counts itself: interrupts, halt polling, page sizes. */
#ifndef _KVMETER_STAT_H
#define _KVMETER_STAT_H

#include <linux/kvm_host.h>

#include "store.h"

/* How long it may be out of date while a vCPU runs. */
#define KVMETER_STAT_EVERY_NS (4 * NSEC_PER_MSEC)

void kvmeter_stat_begin(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu);
void kvmeter_stat_refresh(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu, u64 now);

#endif /* _KVMETER_STAT_H */
