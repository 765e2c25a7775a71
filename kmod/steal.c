// SPDX-License-Identifier: GPL-2.0-only
/* Counts the time each vCPU's thread was runnable and did not run. */
#include <linux/sched.h>

#include "collect.h"

/**
 * kvmeter_steal_mark_exit - remember where the thread's run_delay stands at an exit
 * @v: the vCPU's record
 */
void kvmeter_steal_mark_exit(struct kvmeter_vcpu_rec *v)
{
	v->exit_run_delay = current->sched_info.run_delay;
}

/**
 * kvmeter_steal_add_entry - count the growth of run_delay since the last entry
 * @v: the vCPU's record
 *
 * run_delay belongs to a thread: when another thread runs the vCPU, counting starts anew.
 *
 * Return: what of it fell between the last exit and now, ns.
 */
u64 kvmeter_steal_add_entry(struct kvmeter_vcpu_rec *v)
{
	u64 run_delay = current->sched_info.run_delay;
	struct kvmeter_vcpu *slot = v->slot;
	u64 ns;

	if (unlikely(v->task != current)) {
		v->task = current;
		v->run_delay = run_delay;
		v->exit_run_delay = run_delay;
		slot->tid = current->pid;
		return 0;
	}
	ns = run_delay - v->run_delay;
	if (likely(!ns))
		return 0;
	v->run_delay = run_delay;
	slot->steal_ns += ns;
	slot->steal_nr++;
	slot->steal_max_ns = max(slot->steal_max_ns, ns);
	kvmeter_hist_add(&slot->steal_hist, ns);
	return run_delay - v->exit_run_delay;
}
