// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler's part of the ledger: steal, sleep, wake-up latency and placement. */
#include <linux/kvm_host.h>
#include <linux/minmax.h>
#include <linux/topology.h>

#include "clock.h"
#include "ledger.h"
#include "sched.h"
#include "stat.h"
#include "thief.h"

/**
 * kvmeter_sched_is_in_run - is a thread in KVM_RUN, on this vCPU?
 * @v: the vCPU's record
 * @task: the thread
 *
 * KVM's is the first, and so far the only, preempt notifier.
 *
 * Context: @task is the running one, or one that the scheduler has in hand.
 */
bool kvmeter_sched_is_in_run(const struct kvmeter_vcpu_rec *v, const struct task_struct *task)
{
	const struct hlist_node *first = READ_ONCE(task->preempt_notifiers.first);

	return first && first == &v->vcpu->preempt_notifier.link;
}

/* Guest state can only be left by a switch where kvm_exit comes late: 6.1 on AMD. */
static enum kvmeter_state resume_state(const struct kvmeter_vcpu_rec *v)
{
	enum kvmeter_state state = kvmeter_ledger_state(v);

	return state == KVMETER_STATE_GUEST ? KVMETER_STATE_KERNEL : state;
}

/* The state in which it sleeps: halted, parked, at work for an exit, or in the VMM. */
static enum kvmeter_state sleep_state(struct kvmeter_vcpu_rec *v, bool in_kvm_run)
{
	if (v->resume == KVMETER_STATE_HALT || v->resume == KVMETER_STATE_THROTTLE || !in_kvm_run)
		return v->resume;
	v->resume = KVMETER_STATE_KERNEL;
	return v->vcpu->stat.generic.blocking ? KVMETER_STATE_HALT : KVMETER_STATE_KERNEL;
}

static void leave(struct kvmeter_vcpu_rec *v, struct task_struct *task, bool asleep)
{
	bool in_kvm_run = kvmeter_sched_is_in_run(v, task);
	u64 now;

	kvmeter_store_write_begin(v->slot);
	now = kvmeter_clock_now();
	v->resume = resume_state(v);
	kvmeter_ledger_move(v, asleep ? sleep_state(v, in_kvm_run) : KVMETER_STATE_STEAL, now);
	if (asleep && in_kvm_run)
		kvmeter_stat_refresh(v, v->vcpu, now);
	kvmeter_store_write_end(v->slot);
	v->off = asleep ? KVMETER_OFF_ASLEEP : KVMETER_OFF_WAITING;
	if (!asleep)
		kvmeter_thief_start_wait(v, task, smp_processor_id(), now);
}

/*
 * In what follows the vCPU may no longer be that of the thread: then its record is left alone.
 */

/**
 * kvmeter_sched_out - the thread of a vCPU leaves the CPU
 * @v: the vCPU's record
 * @task: the thread
 * @preempt: it was preempted; otherwise it may want to sleep
 *
 * Whether it sleeps is told by its state as it is now: a signal may have come since it decided to.
 * A waker sets no thread running before this has returned (TASK_WAKING is no TASK_RUNNING either).
 *
 * Context: sched_switch, on the CPU that is left.
 */
void kvmeter_sched_out(struct kvmeter_vcpu_rec *v, struct task_struct *task, bool preempt)
{
	kvmeter_store_forget_here();
	raw_spin_lock(&v->lock);
	if (v->task == task && v->first_ns && v->off == KVMETER_OFF_NOT)
		leave(v, task, !preempt && READ_ONCE(task->__state) != TASK_RUNNING);
	raw_spin_unlock(&v->lock);
}

static void add_wait(struct kvmeter_vcpu_rec *v, u64 ns, bool woken)
{
	struct kvmeter_vcpu *slot = v->slot;

	slot->steal_nr++;
	slot->steal_max_ns = max(slot->steal_max_ns, ns);
	kvmeter_hist_add(&slot->steal_hist, ns);
	if (!woken)
		return;
	slot->wakeups++;
	slot->wakeup_lat_ns += ns;
	slot->wakeup_lat_max_ns = max(slot->wakeup_lat_max_ns, ns);
	kvmeter_hist_add(&slot->wakeup_lat_hist, ns);
}

static void place(struct kvmeter_vcpu_rec *v)
{
	struct kvmeter_vcpu *slot = v->slot;
	u32 cpu = smp_processor_id();
	u32 node = cpu_to_node(cpu);

	if (v->cpu == cpu)
		return;
	if (v->cpu != U32_MAX) {
		slot->cpu_moves++;
		slot->node_moves += cpu_to_node(v->cpu) != node;
	}
	v->cpu = cpu;
	slot->cpu = cpu;
	slot->node = node;
}

static void come_back(struct kvmeter_vcpu_rec *v)
{
	bool woken = v->off == KVMETER_OFF_WOKEN;
	u64 now, waited;

	kvmeter_store_write_begin(v->slot);
	now = kvmeter_thief_end_wait(v, woken);
	waited = now - v->since_ns;
	if (v->off != KVMETER_OFF_WAITING)
		waited = kvmeter_ledger_wake(v, woken ? v->wake_ns : now, now);
	else if ((s64)waited < 0)
		waited = 0;
	kvmeter_ledger_move(v, v->resume, now);
	if (v->off != KVMETER_OFF_ASLEEP)
		add_wait(v, waited, woken);
	place(v);
	kvmeter_store_write_end(v->slot);
	v->off = KVMETER_OFF_NOT;
}

/**
 * kvmeter_sched_in - the thread of a vCPU is given the CPU
 * @v: the vCPU's record
 * @task: the thread
 *
 * Context: on the CPU that is given, interrupts off.
 */
void kvmeter_sched_in(struct kvmeter_vcpu_rec *v, struct task_struct *task)
{
	raw_spin_lock(&v->lock);
	if (v->task == task && v->off != KVMETER_OFF_NOT)
		come_back(v);
	raw_spin_unlock(&v->lock);
}

/**
 * kvmeter_sched_wake - the thread of a vCPU becomes runnable
 * @v: the vCPU's record
 * @task: the thread
 *
 * The event also comes for a thread that has not gone to sleep yet. One that sleeps has left the
 * CPU for good: the run queue's lock, or its on_cpu, was waited for.
 *
 * Context: sched_wakeup, on any CPU.
 */
void kvmeter_sched_wake(struct kvmeter_vcpu_rec *v, struct task_struct *task)
{
	raw_spin_lock(&v->lock);
	if (v->task == task && v->off == KVMETER_OFF_ASLEEP) {
		kvmeter_store_write_begin(v->slot);
		v->wake_ns = kvmeter_clock_now();
		WRITE_ONCE(v->slot->wake_ns, v->wake_ns);
		kvmeter_store_write_end(v->slot);
		v->off = KVMETER_OFF_WOKEN;
		kvmeter_thief_start_wait(v, task, task_cpu(task), v->wake_ns);
	}
	raw_spin_unlock(&v->lock);
}

/**
 * kvmeter_sched_migrate - the thread of a vCPU is moved to another CPU's run queue
 * @v: the vCPU's record
 * @task: the thread
 * @cpu: that CPU
 *
 * Context: sched_migrate_task, on any CPU, before the move.
 */
void kvmeter_sched_migrate(struct kvmeter_vcpu_rec *v, struct task_struct *task, int cpu)
{
	u64 now;

	raw_spin_lock(&v->lock);
	if (v->task == task && v->wait_cpu >= 0) {
		kvmeter_store_write_begin(v->slot);
		now = kvmeter_thief_end_wait(v, v->off == KVMETER_OFF_WOKEN);
		kvmeter_store_write_end(v->slot);
		kvmeter_thief_start_wait(v, task, cpu, now);
	}
	raw_spin_unlock(&v->lock);
}

/* Another thread runs it now, whatever the one before is doing. */
static void change_task(struct kvmeter_vcpu_rec *v)
{
	unsigned long flags;

	kvmeter_store_bind_task(v, current);
	v->run_delay = current->sched_info.run_delay;
	v->slot->tid = current->pid;
	local_irq_save(flags);
	kvmeter_sched_in(v, current);
	local_irq_restore(flags);
}

/**
 * kvmeter_sched_resume - the first event of a vCPU after its thread was switched to, or a new one's
 * @v: its record
 * @vcpu: the vCPU
 *
 * run_delay belongs to a thread: when another one runs the vCPU, counting starts anew. In the
 * switch itself it would be too early to look at it.
 *
 * Context: probes of that vCPU, preemption off.
 */
void kvmeter_sched_resume(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu)
{
	u64 run_delay = current->sched_info.run_delay;

	if (v->cpu == U32_MAX)
		kvmeter_stat_begin(v, vcpu);
	if (unlikely(kvmeter_store_find_task(current) != v))
		change_task(v);
	kvmeter_store_write_begin(v->slot);
	v->slot->run_delay_ns += run_delay - v->run_delay;
	v->run_delay = run_delay;
	place(v);
	kvmeter_store_write_end(v->slot);
}
