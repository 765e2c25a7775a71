// SPDX-License-Identifier: GPL-2.0-only
/* The part of steal.h that is needed only after a wait. */
#include "steal.h"

/**
 * kvmeter_steal_add - count a wait, or begin with a new thread
 * @v: the vCPU's record
 * @run_delay: of the thread that is about to enter the guest
 *
 * run_delay belongs to a thread: when another one runs the vCPU, counting starts anew.
 *
 * Context: as kvmeter_steal_add_entry().
 * Return: as kvmeter_steal_add_entry().
 */
u64 kvmeter_steal_add(struct kvmeter_vcpu_rec *v, u64 run_delay)
{
	struct kvmeter_vcpu *slot = v->slot;
	u64 ns = run_delay - v->run_delay;

	v->run_delay = run_delay;
	if (v->task != current || v->task_start != current->start_time) {
		v->task = current;
		v->task_start = current->start_time;
		slot->tid = current->pid;
		return 0;
	}
	slot->steal_ns += ns;
	slot->steal_nr++;
	slot->steal_max_ns = max(slot->steal_max_ns, ns);
	kvmeter_hist_add(&slot->steal_hist, ns);
	return run_delay - v->exit_run_delay;
}
