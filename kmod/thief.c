// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blames steal on what ran meanwhile.
 *
 * The lock of a queue nests inside a record's lock and the run queue's; under it no other is taken
 * but that of limit.c. All of it runs with interrupts off, and is as such an RCU reader: a task
 * that is looked at stays there.
 */
#include <linux/kvm_host.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "clock.h"
#include "compat.h"
#include "hooks.h"
#include "limit.h"
#include "mem.h"
#include "thief.h"

/* Processes may take half of all rows: names are cheap, and must not crowd out VMs. */
#define QUEUE_PROCESSES (KVMETER_QUEUE_ROWS / 2)
#define THIEF_PROCESSES (KVMETER_THIEF_ROWS / 2)

/* A row of a queue is given to another thief at most this often: each waiting vCPU has to know. */
#define FOLD_EVERY_NS (10 * NSEC_PER_MSEC)

/**
 * struct who - what runs on a CPU, seen from nowhere in particular
 * @kind: KVMETER_THIEF_VM, _KTHREAD, _PROCESS, _IDLE; or _OTHER
 * @is_vcpu: of a VM: one of its vCPUs
 * @vm: of a VM: its slot
 * @vm_gen: of a VM: gen of that slot
 * @comm: of a process: command name of its leader
 */
struct who {
	u32 kind;
	u32 is_vcpu;
	u32 vm;
	u32 vm_gen;
	char comm[KVMETER_COMM_LEN];
};

/**
 * struct queue - the vCPUs that wait for a CPU, and what runs there
 * @lock: guards the rest
 * @waiting: their records
 * @since_ns: what has run up to here is in @ns
 * @running: row of what runs since then
 * @fold_ns: when a row was given to another thief last
 * @nr: rows in use; row 0, KVMETER_THIEF_OTHER, always is
 * @who: by row
 * @ns: by row: how long it has run since the first of @waiting came
 */
struct queue {
	raw_spinlock_t lock;
	struct list_head waiting;
	u64 since_ns;
	u64 fold_ns;
	u32 running;
	u32 nr;
	struct who who[KVMETER_QUEUE_ROWS];
	u64 ns[KVMETER_QUEUE_ROWS];
};

DEFINE_PER_CPU(u32, kvmeter_thief_waiters);

static struct queue __percpu *queues; /* set once at init; NULL: attribution is off */

static bool attribution = true;
module_param(attribution, bool, 0444);
MODULE_PARM_DESC(attribution, "tell who ran while a vCPU waited for its CPU (bool, default on)");

static struct who get_who(const struct task_struct *task)
{
	const struct kvmeter_vcpu_rec *v = kvmeter_store_peek_task(task);
	const struct kvmeter_vm_rec *vm = v ? v->vm : NULL;
	struct who who = { .is_vcpu = !!v };

	if (!vm && task->mm)
		vm = kvmeter_store_find_mm(task->mm);
	if (vm) {
		who.kind = KVMETER_THIEF_VM;
		who.vm = vm->index;
		who.vm_gen = vm->gen;
	} else if (is_idle_task(task)) {
		who.kind = KVMETER_THIEF_IDLE;
	} else if (task->flags & PF_KTHREAD) {
		who.kind = KVMETER_THIEF_KTHREAD;
	} else {
		who.kind = KVMETER_THIEF_PROCESS;
		strscpy_pad(who.comm, task->group_leader->comm, sizeof(who.comm));
	}
	return who;
}

/**
 * struct spare - a row that may be given to another thief
 * @row: the best so far; 0: none
 * @processes: rows of processes seen
 * @ns: its time, 0 for a VM that is gone
 */
struct spare {
	u32 row;
	u32 processes;
	u64 ns;
};

/* Is this the better row: that of a VM that is gone, or of the process with the least time? */
static void consider(struct spare *spare, u32 row, u32 kind, u32 vm, u32 vm_gen, u64 ns)
{
	if (kind == KVMETER_THIEF_PROCESS)
		spare->processes++;
	else if (kind == KVMETER_THIEF_VM && kvmeter_store_is_gone(vm, vm_gen))
		ns = 0;
	else
		return;
	if (!spare->row || ns < spare->ns) {
		spare->row = row;
		spare->ns = ns;
	}
}

static struct spare find_spare_locked(const struct queue *q)
{
	struct spare spare = {};
	u32 row;

	for (row = 1; row < q->nr; row++)
		consider(&spare, row, q->who[row].kind, q->who[row].vm, q->who[row].vm_gen,
			 q->ns[row]);
	return spare;
}

/* What a row was about is row 0's from now on, for each vCPU that waits as well. */
static void fold_row_locked(struct queue *q, u32 row)
{
	struct kvmeter_vcpu_rec *v;

	list_for_each_entry(v, &q->waiting, waiting) {
		v->wait_from[0] += v->wait_from[row];
		v->wait_from[row] = 0;
		if (!v->limited || row >= v->limit_nr)
			continue;
		v->limit_from[0] += v->limit_from[row];
		v->limit_from[row] = 0;
	}
	q->ns[0] += q->ns[row];
}

/* Row of what runs, made if there is room for it; at most twice KVMETER_QUEUE_ROWS steps. */
static u32 get_row_locked(struct queue *q, const struct task_struct *task)
{
	struct who who = get_who(task);
	struct spare spare;
	u32 row;

	for (row = 1; row < q->nr; row++)
		if (!memcmp(&q->who[row], &who, sizeof(who)))
			return row;
	spare = find_spare_locked(q);
	if (row == KVMETER_QUEUE_ROWS ||
	    (who.kind == KVMETER_THIEF_PROCESS && spare.processes >= QUEUE_PROCESSES)) {
		row = spare.row;
		if (!row || q->since_ns - q->fold_ns < FOLD_EVERY_NS)
			return 0;
		q->fold_ns = q->since_ns;
		fold_row_locked(q, row);
	} else {
		q->nr = row + 1;
	}
	q->who[row] = who;
	q->ns[row] = 0;
	return row;
}

/* Bring the sums up to date. */
static void add_run_locked(struct queue *q, u64 now)
{
	if ((s64)(now - q->since_ns) <= 0)
		return;
	q->ns[q->running] += now - q->since_ns;
	q->since_ns = now;
}

/**
 * kvmeter_thief_switch_from - the running thread leaves this CPU, for which a vCPU waits
 *
 * Context: sched_switch, before anything else is done about it.
 */
void kvmeter_thief_switch_from(void)
{
	struct queue *q = this_cpu_ptr(queues);

	raw_spin_lock(&q->lock);
	add_run_locked(q, kvmeter_clock_now());
	raw_spin_unlock(&q->lock);
}

/**
 * kvmeter_thief_switch_to - a thread is given this CPU, for which a vCPU waits
 * @next: the thread
 *
 * Context: sched_switch, after everything else is done about it.
 */
void kvmeter_thief_switch_to(struct task_struct *next)
{
	struct queue *q = this_cpu_ptr(queues);

	raw_spin_lock(&q->lock);
	q->running = get_row_locked(q, next);
	raw_spin_unlock(&q->lock);
}

/* From here on what runs is not to blame, or is again: v->limit_ns says how long it was not. */
static void set_limited_locked(struct queue *q, struct kvmeter_vcpu_rec *v, bool on)
{
	u32 row;

	if (v->limited == on)
		return;
	v->limited = on;
	for (row = 0; row < q->nr; row++) {
		if (on) {
			v->limit_from[row] = q->ns[row];
		} else {
			u64 ns = q->ns[row] - (row < v->limit_nr ? v->limit_from[row] : 0);

			v->limit_ns += ns;
			v->wait_from[row] += ns;
		}
	}
	v->limit_nr = q->nr;
}

/**
 * kvmeter_thief_start_wait - a vCPU waits for a CPU
 * @v: its record, locked
 * @task: its thread
 * @cpu: the CPU
 * @now: since when; the ledger's, so that both add up to the same
 *
 * Context: sched_switch on that CPU, sched_wakeup, sched_migrate_task.
 */
void kvmeter_thief_start_wait(struct kvmeter_vcpu_rec *v, struct task_struct *task, int cpu,
			      u64 now)
{
	struct queue *q;

	if (!queues || v->wait_cpu >= 0)
		return;
	q = per_cpu_ptr(queues, cpu);
	raw_spin_lock(&q->lock);
	if (list_empty(&q->waiting)) {
		q->nr = 1;
		q->ns[0] = 0;
		q->since_ns = now;
		q->running = get_row_locked(q, kvmeter_cpu_curr(cpu));
	}
	add_run_locked(q, now);
	memset(v->wait_from, 0, sizeof(v->wait_from));
	memcpy(v->wait_from, q->ns, q->nr * sizeof(q->ns[0]));
	v->wait_tg = kvmeter_task_group(task);
	v->limited = false;
	v->limit_ns = 0;
	set_limited_locked(q, v, kvmeter_limit_test(v->wait_tg, cpu));
	list_add_tail(&v->waiting, &q->waiting);
	per_cpu(kvmeter_thief_waiters, cpu)++;
	v->wait_cpu = cpu;
	raw_spin_unlock(&q->lock);
}

static struct spare find_spare_thief(const struct kvmeter_vcpu_rec *v)
{
	const struct kvmeter_thief *t = v->thieves;
	struct spare spare = {};
	u32 row;

	for (row = 0; row < v->nr_thieves; row++, t++)
		consider(&spare, row, t->kind, t->vm, t->vm_gen, t->preempt_ns + t->wakeup_ns);
	return spare;
}

/* A row of the vCPU's for this thief; at most twice KVMETER_THIEF_ROWS steps. */
static struct kvmeter_thief *get_thief(struct kvmeter_vcpu_rec *v, const struct kvmeter_thief *key)
{
	const size_t size = offsetof(struct kvmeter_thief, preempt_ns);
	struct kvmeter_thief *t = v->thieves, *other = v->thieves;
	struct spare spare;
	u32 row;

	for (row = 0; row < v->nr_thieves; row++, t++)
		if (!memcmp(t, key, size))
			return t;
	spare = find_spare_thief(v);
	if (row == KVMETER_THIEF_ROWS ||
	    (key->kind == KVMETER_THIEF_PROCESS && spare.processes >= THIEF_PROCESSES)) {
		if (!spare.row)
			return other;
		t = &v->thieves[spare.row];
		other->preempt_ns += t->preempt_ns;
		other->wakeup_ns += t->wakeup_ns;
	} else {
		WRITE_ONCE(v->nr_thieves, row + 1);
		v->slot->nr_thieves = row + 1;
	}
	*t = *key;
	return t;
}

static void blame(struct kvmeter_vcpu_rec *v, const struct kvmeter_thief *key, u64 ns, bool woken)
{
	struct kvmeter_thief *thief = get_thief(v, key);

	if (woken)
		thief->wakeup_ns += ns;
	else
		thief->preempt_ns += ns;
}

/* What runs, seen from a vCPU that waits. */
static struct kvmeter_thief get_key(const struct kvmeter_vcpu_rec *v, const struct who *who)
{
	struct kvmeter_thief key = { .kind = who->kind };

	if (who->kind == KVMETER_THIEF_PROCESS) {
		memcpy(key.comm, who->comm, sizeof(key.comm));
	} else if (who->kind == KVMETER_THIEF_VM) {
		if (who->vm == v->vm->index && who->vm_gen == v->vm->gen) {
			key.kind = who->is_vcpu ? KVMETER_THIEF_OWN_VCPU : KVMETER_THIEF_OWN_VMM;
		} else {
			key.vm = who->vm;
			key.vm_gen = who->vm_gen;
		}
	}
	return key;
}

static void leave_locked(struct queue *q, struct kvmeter_vcpu_rec *v)
{
	list_del(&v->waiting);
	per_cpu(kvmeter_thief_waiters, v->wait_cpu)--;
	v->wait_cpu = -1;
}

/**
 * kvmeter_thief_end_wait - a vCPU waits for that CPU no more
 * @v: its record, locked
 * @woken: the wait followed a wake-up, not a preemption
 *
 * The clock is read with the queue locked: the sums are never of a later time then, as they might
 * be, by what another CPU has added, if it had been read before. So no more is blamed on anybody
 * than the vCPU has waited.
 *
 * Context: as kvmeter_thief_start_wait(), between kvmeter_store_write_begin() and _end().
 * Return: now, up to when it has waited.
 */
u64 kvmeter_thief_end_wait(struct kvmeter_vcpu_rec *v, bool woken)
{
	struct kvmeter_thief key;
	struct queue *q;
	u64 ns, now;
	u32 row;

	if (v->wait_cpu < 0)
		return kvmeter_clock_now();
	q = per_cpu_ptr(queues, v->wait_cpu);
	raw_spin_lock(&q->lock);
	now = kvmeter_clock_now();
	add_run_locked(q, now);
	set_limited_locked(q, v, false);
	for (row = 0; row < q->nr; row++) {
		ns = q->ns[row] - v->wait_from[row];
		if (!ns)
			continue;
		key = get_key(v, &q->who[row]);
		blame(v, &key, ns, woken);
	}
	leave_locked(q, v);
	raw_spin_unlock(&q->lock);
	if (v->limit_ns) {
		key = (struct kvmeter_thief){ .kind = KVMETER_THIEF_LIMIT };
		blame(v, &key, v->limit_ns, woken);
	}
	return now;
}

/**
 * kvmeter_thief_drop - a vCPU that may be waiting is no more
 * @v: its record, locked
 *
 * Context: any, interrupts off.
 */
void kvmeter_thief_drop(struct kvmeter_vcpu_rec *v)
{
	struct queue *q;

	if (v->wait_cpu < 0)
		return;
	q = per_cpu_ptr(queues, v->wait_cpu);
	raw_spin_lock(&q->lock);
	leave_locked(q, v);
	raw_spin_unlock(&q->lock);
}

/**
 * kvmeter_thief_limit - a CPU limit begins or ceases to hold a group's tasks back on a CPU
 * @tg: the group
 * @rq: that CPU's run queue
 * @on: which of the two
 *
 * Context: the run queue's lock is held.
 */
void kvmeter_thief_limit(struct task_group *tg, const void *rq, bool on)
{
	int cpu = kvmeter_limit_set(tg, rq, on);
	struct kvmeter_vcpu_rec *v;
	struct queue *q;

	if (cpu < 0 || !queues || !READ_ONCE(per_cpu(kvmeter_thief_waiters, cpu)))
		return;
	q = per_cpu_ptr(queues, cpu);
	raw_spin_lock(&q->lock);
	add_run_locked(q, kvmeter_clock_now());
	list_for_each_entry(v, &q->waiting, waiting)
		if (v->wait_tg == tg)
			set_limited_locked(q, v, on);
	raw_spin_unlock(&q->lock);
}

/**
 * kvmeter_thief_is_on - is steal attributed?
 *
 * Context: any, after kvmeter_thief_init().
 */
bool kvmeter_thief_is_on(void)
{
	return queues;
}

/**
 * kvmeter_thief_init - make the queues
 * @possible: it can be seen which CPU a vCPU waits for
 *
 * Context: may sleep.
 * Return: 0, also if attribution is switched off or not possible; or -ENOMEM.
 */
int kvmeter_thief_init(bool possible)
{
	struct queue *q;
	int cpu;

	if (!attribution || !possible)
		return 0;
	queues = alloc_percpu_gfp(struct queue, KVMETER_GFP);
	if (!queues)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		q = per_cpu_ptr(queues, cpu);
		raw_spin_lock_init(&q->lock);
		INIT_LIST_HEAD(&q->waiting);
	}
	return 0;
}

/**
 * kvmeter_thief_exit - undo kvmeter_thief_init()
 *
 * Context: may sleep; no probe is left.
 */
void kvmeter_thief_exit(void)
{
	free_percpu(queues);
	queues = NULL;
}
