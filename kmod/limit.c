// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps track of cgroups whose tasks wait for their CPU limit.
 *
 * The scheduler tells each group below a limit, on each CPU, when it is held back and when it is
 * let go, as often as there are limits that do so. What was held back before the module was loaded
 * is not known until it is let go and held back again, a tenth of a second later by default.
 */
#include <linux/bits.h>
#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "hooks.h"
#include "limit.h"

/* Pairs of a group and a CPU that can be held back at a time; what finds no room is not told. */
#define PAIRS_BITS 11
#define PAIRS_NR BIT(PAIRS_BITS)
#define PROBES_NR 16

struct pair {
	const struct task_group *tg; /* NULL: free */
	const void *rq;
	u32 limits;
};

static DEFINE_RAW_SPINLOCK(lock); /* guards the table */
static struct pair pairs[PAIRS_NR];
static unsigned int pairs_used;
static unsigned long lost;
static char __percpu *runqueues; /* set once at load */

static u32 get_hash(const struct task_group *tg, const void *rq)
{
	return hash_64((unsigned long)tg ^ (unsigned long)rq << 7, PAIRS_BITS);
}

static struct pair *find_locked(const struct task_group *tg, const void *rq, struct pair **room)
{
	u32 i, hash = get_hash(tg, rq);
	struct pair *p;

	for (i = 0; i < PROBES_NR; i++) {
		p = &pairs[(hash + i) % PAIRS_NR];
		if (p->tg == tg && p->rq == rq)
			return p;
		if (!p->tg && room && !*room)
			*room = p;
	}
	return NULL;
}

static int get_cpu_of(const void *rq)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (per_cpu_ptr(runqueues, cpu) == rq)
			return cpu;
	return -1;
}

/**
 * kvmeter_limit_set - a limit begins or ceases to hold a group back on a CPU
 * @tg: the group
 * @rq: run queue of the CPU
 * @on: which of the two
 *
 * Context: the run queue's lock is held.
 * Return: the CPU, if with that it is held back, or no longer; otherwise -1.
 */
int kvmeter_limit_set(const struct task_group *tg, const void *rq, bool on)
{
	struct pair *p, *room = NULL;
	bool changed = false;

	raw_spin_lock(&lock);
	p = find_locked(tg, rq, &room);
	if (on && !p && room) {
		*room = (struct pair){ .tg = tg, .rq = rq, .limits = 1 };
		WRITE_ONCE(pairs_used, pairs_used + 1);
		changed = true;
	} else if (on && p) {
		p->limits++;
	} else if (on) {
		lost++;
	} else if (p && !--p->limits) {
		p->tg = NULL;
		WRITE_ONCE(pairs_used, pairs_used - 1);
		changed = true;
	}
	raw_spin_unlock(&lock);
	return changed ? get_cpu_of(rq) : -1;
}

/**
 * kvmeter_limit_forget - a group is no more
 * @tg: the group; another may be where it was
 *
 * Context: any.
 */
void kvmeter_limit_forget(const struct task_group *tg)
{
	unsigned long flags;
	struct pair *p;

	if (!READ_ONCE(pairs_used))
		return;
	raw_spin_lock_irqsave(&lock, flags);
	for (p = pairs; p < pairs + PAIRS_NR; p++) {
		if (p->tg != tg)
			continue;
		p->tg = NULL;
		WRITE_ONCE(pairs_used, pairs_used - 1);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}

/**
 * kvmeter_limit_test - is a group held back?
 * @tg: the group
 * @cpu: where
 *
 * Context: any, interrupts off.
 */
bool kvmeter_limit_test(const struct task_group *tg, int cpu)
{
	bool found;

	if (!tg || !READ_ONCE(pairs_used))
		return false;
	raw_spin_lock(&lock);
	found = find_locked(tg, per_cpu_ptr(runqueues, cpu), NULL);
	raw_spin_unlock(&lock);
	return found;
}

/**
 * kvmeter_limit_lost_nr - times that there was no room to note that a group is held back
 *
 * Context: any.
 */
unsigned long kvmeter_limit_lost_nr(void)
{
	return READ_ONCE(lost);
}

/**
 * kvmeter_limit_resolve - find the run queues
 *
 * Context: may sleep; at load.
 * Return: false if they are not there, or not as expected: then no limit must be set.
 */
bool kvmeter_limit_resolve(void)
{
	runqueues = kvmeter_hooks_find_per_cpu("runqueues");
	return runqueues;
}
