// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot: follows each migration, and gives its VM the quota under which it converges.
 *
 * A worker, which runs when a round begins and ten times a second as long as any VM migrates. It
 * takes from the store what there is to see, tells converge.c, which decides, of each round that it
 * has not told of yet, and has the store do what was decided. What has to end at once, with the
 * migration or when it is switched off, the store ends by itself: here that is only seen. Whatever
 * goes wrong, what remains is no quota.
 */
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <kvmeter/words.h>

#include "audit.h"
#include "clock.h"
#include "compat.h"
#include "converge.h"
#include "mem.h"
#include "pilot.h"
#include "quota.h"
#include "store.h"

#define TICK_JIFFIES (HZ / 10)

/* A decision is told of again once a quota in it has changed by one part in so many. */
#define TELL_PARTS 8

#define DEADLINE_MIN_NS (1 * NSEC_PER_SEC)
#define DEADLINE_MAX_NS (7 * 86400ULL * NSEC_PER_SEC)

/*
 * QEMU's auto-converge drives each vCPU out of KVM_RUN by a signal and has it sleep in the VMM, for
 * 20 % of the time at first and then for more, so that it runs for 10 ms in between: 80 times a
 * second, and less often the longer it sleeps, down to once at 99 %. Others send signals too, but
 * their vCPUs do not sleep; and one that is stopped is driven out once. It is looked at once a
 * second, and believed once the same was seen for 2 s; that it goes on is told by the sleep alone.
 */
#define KICKS_NS NSEC_PER_SEC
#define KICKS_A_SECOND 20
#define KICKS_PARTS 10 /* one of so many of the time */
#define KICKS_LONG_PARTS 2
#define KICKS_STREAK 2

/* Records that a slot's VMs may make at once, and after what time one more. */
#define CREDIT_MAX 64
#define CREDIT_NS (NSEC_PER_SEC / 10)

/**
 * struct pilot - what the autopilot knows of the migrations of one VM
 * @active: there is one
 * @gen: gen of the VM's slot
 * @nr: which of the VM's migrations, the last one if there is none
 * @rounds: rounds that @c was told of
 * @rival: the VMM throttles the VM itself
 * @streak: in a row, looks at vCPUs that speak for the contrary
 * @kicks_ns: when they were looked at last
 * @c: what decides
 * @told: of the last decision that was told of: why, and both quotas
 * @seen: the last record that was made of it
 * @credit: records that may be made now, of all VMs that the slot is given to
 * @credit_ns: when it was brought up to date last
 */
struct pilot {
	bool active;
	bool rival;
	u32 gen;
	u32 nr;
	u32 rounds;
	u32 streak;
	u64 kicks_ns;
	struct kvmeter_converge c;
	struct kvmeter_converge_decision told;
	struct kvmeter_audit seen;
	u32 credit;
	u64 credit_ns;
};

static const char *const modes[] = { KVMETER_AUTOCONVERGE_MODE_WORDS(KVMETER_WORD) };

static DEFINE_MUTEX(pilot_mutex);
static u32 default_mode = KVMETER_AUTOCONVERGE_OBSERVE; /* under pilot_mutex, as all that follows */
static bool accepting; /* read without it too */
static struct pilot *pilots; /* by VM slot */
static struct kvmeter_flight flight;

static unsigned long kicked; /* bit 0: the worker is to come, and knows */
static unsigned long last_run; /* in jiffies */

static void run(struct work_struct *work);
static DECLARE_DELAYED_WORK(run_work, run);

static struct kvmeter_converge_seen seen_at(u64 now, const struct kvmeter_sums *sums,
					    const struct pilot *p)
{
	struct kvmeter_converge_seen seen = {
		.now_ns = now,
		.dirtied_pages = sums->dirtied_pages,
		.stalled_ns = sums->stalled_ns,
	};

	if (flight.ring)
		seen.flags |= KVMETER_CONVERGE_SEEN_RING;
	if (p->rival)
		seen.flags |= KVMETER_CONVERGE_SEEN_RIVAL;
	return seen;
}

static void look_for_rival(u32 vm, struct pilot *p)
{
	u64 ns = flight.now_ns - p->kicks_ns;
	struct kvmeter_kicks k = {
		.exits = ns * KICKS_A_SECOND / NSEC_PER_SEC,
		.ns = ns / KICKS_PARTS,
		.long_ns = ns / KICKS_LONG_PARTS,
	};
	bool looks;

	if (ns < KICKS_NS)
		return;
	p->kicks_ns = flight.now_ns;
	kvmeter_store_count_kicks(vm, p->gen, &k);
	looks = k.vcpus && 2 * (p->rival ? k.slept : k.kicked) >= k.vcpus;
	p->streak = looks != p->rival ? p->streak + 1 : 0;
	if (p->streak < KICKS_STREAK)
		return;
	p->rival = looks;
	p->streak = 0;
}

/* Add a record, unless there were too many lately. */
static void tell(struct pilot *p, struct kvmeter_audit *a, enum kvmeter_audit_kind kind)
{
	u64 now = kvmeter_clock_now(), more = (now - p->credit_ns) / CREDIT_NS;

	if (now > p->credit_ns && more) {
		p->credit = min(p->credit + more, (u64)CREDIT_MAX);
		p->credit_ns = now;
	}
	if (!p->credit)
		return;
	p->credit--;
	kvmeter_audit_add(a, kind);
}

static const struct kvmeter_round_mark *mark_of(u32 round)
{
	return &flight.mark[(round - 1) % KVMETER_ROUNDS];
}

static void tell_round(struct pilot *p, const struct kvmeter_converge_decision *d)
{
	const struct kvmeter_round_mark *mark = mark_of(p->rounds), *before;
	struct kvmeter_audit a = p->seen;
	u64 ns;

	a.time_ns = mark->now_ns;
	a.mode = flight.config.mode;
	a.goal = flight.config.goal;
	a.why = d->why;
	a.round = p->rounds;
	a.deadline_ns = flight.config.deadline_ns;
	a.to_send_pages = mark->to_send_pages;
	a.bandwidth_pages = d->bandwidth;
	a.dirty_rate_pages = 0;
	a.before_pages = flight.quota_pages;
	a.quota_pages = flight.quota_pages;
	a.would_pages = d->would;
	a.throttle_ns = mark->sums.throttle_ns - flight.begin_throttle_ns;
	if (p->rounds > 1 && flight.nr_rounds - p->rounds < KVMETER_ROUNDS - 1) {
		before = mark_of(p->rounds - 1);
		ns = max(mark->now_ns - before->now_ns, 1ULL);
		a.dirty_rate_pages = mul_u64_u64_div_u64(mark->sums.dirtied_pages -
							 before->sums.dirtied_pages,
							 NSEC_PER_SEC, ns);
	}
	tell(p, &a, KVMETER_AUDIT_ROUND);
}

static void begin(u32 vm, struct pilot *p)
{
	const struct kvmeter_round_mark *mark = mark_of(1);
	struct kvmeter_kicks kicks = {};
	struct kvmeter_converge_decision d;
	struct kvmeter_converge_seen seen;

	*p = (struct pilot){
		.active = true,
		.gen = flight.gen,
		.nr = flight.nr,
		.rounds = 1,
		.kicks_ns = flight.now_ns,
		.credit = p->credit,
		.credit_ns = p->credit_ns,
	};
	if (!kvmeter_store_describe(vm, p->gen, p->nr, &p->seen))
		p->seen.vm = vm;
	kvmeter_store_count_kicks(vm, p->gen, &kicks);
	seen = seen_at(mark->now_ns, &mark->sums, p);
	kvmeter_converge_begin(&p->c, &flight.config, &seen);
	if (flight.nr_rounds > KVMETER_ROUNDS) {
		p->c.bad = true; /* that was another one's mark */
		return;
	}
	kvmeter_converge_decide(&p->c, &seen, &d);
	tell_round(p, &d);
}

static void add_rounds(struct pilot *p)
{
	struct kvmeter_converge_decision d;
	struct kvmeter_converge_seen seen;

	if (flight.nr_rounds < p->rounds || flight.nr_rounds - p->rounds > KVMETER_ROUNDS) {
		p->c.bad = true; /* some were missed */
		p->rounds = flight.nr_rounds;
	}
	while (p->rounds < flight.nr_rounds) {
		p->rounds++;
		seen = seen_at(mark_of(p->rounds)->now_ns, &mark_of(p->rounds)->sums, p);
		kvmeter_converge_add_round(&p->c, &seen, mark_of(p->rounds)->to_send_pages);
		kvmeter_converge_decide(&p->c, &seen, &d);
		tell_round(p, &d);
	}
}

static void end(u32 vm, struct pilot *p, enum kvmeter_why why)
{
	struct kvmeter_audit a = p->seen, now;
	struct kvmeter_converge_decision d;

	a.before_pages = p->seen.quota_pages;
	a.quota_pages = 0;
	if (kvmeter_store_describe(vm, p->gen, p->nr, &now)) {
		now.before_pages = p->seen.quota_pages;
		a = now;
	}
	kvmeter_converge_end(&p->c, why, &d);
	a.time_ns = 0;
	a.why = why;
	a.would_pages = 0;
	tell(p, &a, KVMETER_AUDIT_END);
	p->active = false;
}

static bool has_changed(u64 now, u64 before)
{
	u64 by = now > before ? now - before : before - now;

	return by && by >= before / TELL_PARTS;
}

/* While a VM does not run there is nothing to hold back, and it may be gone from here. */
static void yield_to_stop(struct pilot *p, struct kvmeter_converge_decision *d)
{
	switch (d->why) {
	case KVMETER_WHY_SWITCHED_OFF:
	case KVMETER_WHY_BAD_INPUT:
	case KVMETER_WHY_RING:
	case KVMETER_WHY_RIVAL:
		return;
	}
	d->why = KVMETER_WHY_STOPPED;
	d->quota = KVMETER_CONVERGE_NONE;
	d->would = KVMETER_CONVERGE_NONE;
	p->c.quota = KVMETER_CONVERGE_NONE;
}

static void decide(u32 vm, struct pilot *p)
{
	struct kvmeter_converge_decision d;
	struct kvmeter_converge_seen seen;

	look_for_rival(vm, p);
	seen = seen_at(flight.now_ns, &flight.sums, p);
	kvmeter_converge_decide(&p->c, &seen, &d);
	if (flight.stopped)
		yield_to_stop(p, &d);
	if (kvmeter_store_set_decision(vm, &flight, &d, &p->seen))
		return; /* it has ended since: seen the next time */
	if (d.quota)
		kvmeter_quota_share_out();
	if (d.why == p->told.why && !has_changed(d.quota, p->told.quota) &&
	    !has_changed(d.would, p->told.would))
		return;
	p->told = d;
	p->seen.time_ns = 0;
	tell(p, &p->seen, KVMETER_AUDIT_DECISION);
}

static void follow(u32 vm, struct pilot *p)
{
	p->c.config = flight.config;
	add_rounds(p);
	if (flight.state == KVMETER_MIGRATION_RUNNING)
		decide(vm, p);
	else
		end(vm, p, KVMETER_WHY_ENDED);
}

static bool is_same(const struct pilot *p)
{
	return p->gen == flight.gen && p->nr == flight.nr;
}

/* A slot may be another VM's by now, and a VM in another migration. */
static void look_at(u32 vm)
{
	bool found = kvmeter_store_get_flight(vm, &flight);
	struct pilot *p = &pilots[vm];

	if (p->active && (!found || p->gen != flight.gen))
		end(vm, p, KVMETER_WHY_GONE);
	if (p->active && p->nr != flight.nr)
		end(vm, p, KVMETER_WHY_ENDED);
	if (!found)
		return;
	if (!is_same(p))
		begin(vm, p);
	if (p->active)
		follow(vm, p);
}

static void run(struct work_struct *work)
{
	bool any = false;
	u32 vm;

	WRITE_ONCE(last_run, jiffies);
	clear_bit(0, &kicked);
	smp_mb__after_atomic(); /* who finds it set has changed what is looked at from here on */
	mutex_lock(&pilot_mutex);
	for (vm = 0; accepting && vm < kvmeter_max_vms; vm++) {
		look_at(vm);
		any |= pilots[vm].active;
	}
	if (any)
		schedule_delayed_work(&run_work, TICK_JIFFIES);
	mutex_unlock(&pilot_mutex);
}

/**
 * kvmeter_pilot_kick - a round has begun, logging has been switched, a VM is gone: look at it soon
 *
 * It comes at once, but however often it is asked to no more than once in a jiffy: a quota that is
 * late may be that for all that there was to dirty.
 *
 * Context: any but NMI, no lock of the store's held.
 */
void kvmeter_pilot_kick(void)
{
	rcu_read_lock(); /* kvmeter_pilot_exit() waits for that */
	if (READ_ONCE(accepting) && !test_and_set_bit(0, &kicked))
		mod_delayed_work(kvmeter_system_wq(), &run_work,
				 !time_after(jiffies, READ_ONCE(last_run)));
	rcu_read_unlock();
}

static bool is_valid(const struct kvmeter_autoconverge *set)
{
	if (set->mode > KVMETER_AUTOCONVERGE_DEFAULT || set->goal > KVMETER_GOAL_DEADLINE ||
	    set->downtime_ns > KVMETER_CONVERGE_DOWNTIME_MAX_NS)
		return false;
	if (set->goal != KVMETER_GOAL_DEADLINE)
		return !set->deadline_ns;
	return set->deadline_ns >= DEADLINE_MIN_NS && set->deadline_ns <= DEADLINE_MAX_NS;
}

/**
 * kvmeter_pilot_set - KVMETER_AUTOCONVERGE
 * @set: its argument, abi and reserved fields checked
 *
 * Context: may sleep.
 * Return: 0, or what the contract says.
 */
int kvmeter_pilot_set(const struct kvmeter_autoconverge *set)
{
	struct kvmeter_audit a;
	int ret = -EOPNOTSUPP;

	if (!is_valid(set))
		return -EINVAL;
	mutex_lock(&pilot_mutex);
	if (accepting)
		ret = kvmeter_store_set_autoconverge(set, &a);
	if (!ret) {
		kvmeter_audit_add(&a, KVMETER_AUDIT_SWITCH);
		look_at(set->vm);
		kvmeter_pilot_kick();
	}
	mutex_unlock(&pilot_mutex);
	return ret;
}

/* May be called before the module is set up, and while it is being unloaded. */
static int set_default(const char *word, const struct kernel_param *kp)
{
	int mode = __sysfs_match_string(modes, KVMETER_AUTOCONVERGE_DEFAULT, word);
	u32 vm;

	if (mode < 0)
		return mode;
	mutex_lock(&pilot_mutex);
	default_mode = mode;
	if (accepting)
		kvmeter_store_set_mode(mode);
	for (vm = 0; accepting && vm < kvmeter_max_vms; vm++)
		look_at(vm);
	kvmeter_pilot_kick();
	mutex_unlock(&pilot_mutex);
	return 0;
}

static int get_default(char *to, const struct kernel_param *kp)
{
	return sysfs_emit(to, "%s\n", modes[READ_ONCE(default_mode)]);
}

static const struct kernel_param_ops mode_ops = {
	.set = set_default,
	.get = get_default,
};

module_param_cb(autoconverge, &mode_ops, NULL, 0644);
MODULE_PARM_DESC(autoconverge,
		 "give migrating VMs the quota that makes them converge: off, observe, on (default observe)");

/**
 * kvmeter_pilot_init - migrations are followed from now on
 * @can_see_rounds: they are seen; and quotas are possible
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvmeter_pilot_init(bool can_see_rounds)
{
	if (!can_see_rounds)
		return 0;
	pilots = kvcalloc(kvmeter_max_vms, sizeof(*pilots), KVMETER_GFP);
	if (!pilots)
		return -ENOMEM;
	mutex_lock(&pilot_mutex);
	kvmeter_store_set_mode(default_mode);
	WRITE_ONCE(accepting, true);
	mutex_unlock(&pilot_mutex);
	kvmeter_pilot_kick();
	return 0;
}

/* Nobody else decides any more. */
static void let_go(u32 vm)
{
	const struct kvmeter_converge_decision d = { .why = KVMETER_WHY_UNLOADED };
	struct kvmeter_audit now;

	if (!pilots[vm].active)
		return;
	if (kvmeter_store_get_flight(vm, &flight) && is_same(&pilots[vm]))
		kvmeter_store_set_decision(vm, &flight, &d, &now);
	end(vm, &pilots[vm], KVMETER_WHY_UNLOADED);
}

/**
 * kvmeter_pilot_exit - follow no migration any more, and leave no quota behind
 *
 * Context: may sleep; probes may still come in.
 */
void kvmeter_pilot_exit(void)
{
	u32 vm;

	mutex_lock(&pilot_mutex);
	WRITE_ONCE(accepting, false);
	mutex_unlock(&pilot_mutex);
	synchronize_rcu(); /* whoever found it accepting has queued the work */
	cancel_delayed_work_sync(&run_work);
	for (vm = 0; pilots && vm < kvmeter_max_vms; vm++)
		let_go(vm);
	kvfree(pilots);
	pilots = NULL;
}
