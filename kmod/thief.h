/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is to blame for steal: what ran on the CPU that a vCPU waited for.
 *
 * A collector, as sched.h, which calls it. Each CPU has a queue of the vCPUs that wait for it.
 * While there are any, the time of whatever runs there is added up by thief; what a vCPU missed is
 * how much each sum grew while it waited. So a switch costs the same however many wait, and nothing
 * but a test where none does.
 */
#ifndef _KVMETER_THIEF_H
#define _KVMETER_THIEF_H

#include <linux/percpu.h>
#include <linux/sched.h>

#include "store.h"

struct task_group;

DECLARE_PER_CPU(u32, kvmeter_thief_waiters);

int kvmeter_thief_init(bool possible);
void kvmeter_thief_exit(void);
bool kvmeter_thief_is_on(void);

void kvmeter_thief_switch_from(void);
void kvmeter_thief_switch_to(struct task_struct *next);
void kvmeter_thief_start_wait(struct kvmeter_vcpu_rec *v, struct task_struct *task, int cpu,
			      u64 now);
u64 kvmeter_thief_end_wait(struct kvmeter_vcpu_rec *v, bool woken);
void kvmeter_thief_drop(struct kvmeter_vcpu_rec *v);
void kvmeter_thief_limit(struct task_group *tg, const void *rq, bool on);

/**
 * kvmeter_thief_has_waiters - does a vCPU wait for this CPU?
 *
 * Context: preemption off.
 */
static __always_inline bool kvmeter_thief_has_waiters(void)
{
	return this_cpu_read(kvmeter_thief_waiters);
}

#endif /* _KVMETER_THIEF_H */
