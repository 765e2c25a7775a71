/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scheduler does with the threads of vCPUs: preempted, asleep, woken, moved.
 *
 * A collector, as ledger.h. kvmeter_sched_out(), _in() and _wake() are called with the run queue's
 * lock held: they take no lock but the record's, and print nothing.
 */
#ifndef _KVMETER_SCHED_H
#define _KVMETER_SCHED_H

#include <linux/sched.h>

#include "store.h"

bool kvmeter_sched_is_in_run(const struct kvmeter_vcpu_rec *v, const struct task_struct *task);
void kvmeter_sched_out(struct kvmeter_vcpu_rec *v, struct task_struct *task, bool preempt);
void kvmeter_sched_in(struct kvmeter_vcpu_rec *v, struct task_struct *task);
void kvmeter_sched_migrate(struct kvmeter_vcpu_rec *v, struct task_struct *task, int cpu);
void kvmeter_sched_wake(struct kvmeter_vcpu_rec *v, struct task_struct *task);
void kvmeter_sched_resume(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu);

#endif /* _KVMETER_SCHED_H */
