/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sub-reasons: which MSR, port, page, leaf or hypercall the exits of each vCPU were about.
 *
 * A collector, as ledger.h. Off unless the module parameter subreasons is on: it takes every exit
 * on the slow way.
 */
#ifndef _KVMETER_SUBS_H
#define _KVMETER_SUBS_H

#include <linux/kvm_host.h>

#include "store.h"

void kvmeter_subs_start(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa, s64 reason);
void kvmeter_subs_end(struct kvmeter_vcpu_rec *v);

#endif /* _KVMETER_SUBS_H */
