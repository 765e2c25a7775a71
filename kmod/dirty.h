/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts the pages a vCPU dirties while dirty logging is armed: a collector, as exits.h. */
#ifndef _KVMETER_DIRTY_H
#define _KVMETER_DIRTY_H

#include <linux/limits.h>

#include "store.h"

/* kvmeter_vcpu_rec.pml_index: nothing to compare the index of the next exit with */
#define KVMETER_PML_NONE U16_MAX

void kvmeter_dirty_mark_entry(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu);
void kvmeter_dirty_add_exit(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa, s64 reason);
void kvmeter_dirty_add_map(struct kvmeter_vcpu_rec *v, int level, u64 gfn, u64 spte);
void kvmeter_dirty_add_fast_fault(struct kvmeter_vcpu_rec *v, u64 old, bool fixed);

#endif /* _KVMETER_DIRTY_H */
