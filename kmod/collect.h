/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is collected at each exit and entry: one file each, called by the probes and by nobody else.
 *
 * All of these run in probes of the vCPU they are about, with preemption off, between
 * kvmeter_store_write_begin() and kvmeter_store_write_end().
 */
#ifndef _KVMETER_COLLECT_H
#define _KVMETER_COLLECT_H

#include <linux/types.h>

#include "reason.h"
#include "store.h"

/* kvmeter_vcpu_rec.pml_index: nothing to compare the index of the next exit with */
#define KVMETER_PML_NONE U16_MAX

int kvmeter_exits_init(void);
void kvmeter_exits_start(struct kvmeter_vcpu_rec *v, const struct kvmeter_exit_info *exit, u64 tsc);
void kvmeter_exits_end(struct kvmeter_vcpu_rec *v, u64 tsc, u64 steal_ns);

void kvmeter_steal_mark_exit(struct kvmeter_vcpu_rec *v);
u64 kvmeter_steal_add_entry(struct kvmeter_vcpu_rec *v);

void kvmeter_dirty_mark_entry(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu);
void kvmeter_dirty_add_exit(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu, u32 isa,
			    struct kvmeter_exit_info *exit);

#endif /* _KVMETER_COLLECT_H */
