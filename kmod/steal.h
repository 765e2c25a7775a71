/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts the time each vCPU's thread was runnable and did not run.
 *
 * A collector, as exits.h.
 */
#ifndef _KVMETER_STEAL_H
#define _KVMETER_STEAL_H

#include <linux/minmax.h>
#include <linux/sched.h>

#include "store.h"

u64 kvmeter_steal_add(struct kvmeter_vcpu_rec *v, u64 run_delay);

/**
 * kvmeter_steal_mark_exit - remember where the thread's run_delay stands at an exit
 * @v: the vCPU's record
 */
static __always_inline void kvmeter_steal_mark_exit(struct kvmeter_vcpu_rec *v)
{
	v->exit_run_delay = current->sched_info.run_delay;
}

/**
 * kvmeter_steal_add_entry - count the growth of run_delay since the last entry
 * @v: the vCPU's record
 *
 * Return: what of it fell between the last exit and now, ns.
 */
static __always_inline u64 kvmeter_steal_add_entry(struct kvmeter_vcpu_rec *v)
{
	u64 run_delay = current->sched_info.run_delay;

	if (likely(run_delay == v->run_delay && v->task == current))
		return 0;
	return kvmeter_steal_add(v, run_delay);
}

#endif /* _KVMETER_STEAL_H */
