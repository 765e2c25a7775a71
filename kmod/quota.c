// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas on what a VM dirties: parks the vCPUs that dirty more than their share of it.
 *
 * Probes charge a vCPU's bucket (share.h) with the pages that it dirtied. If it is in debt they
 * leave a task work, which KVM runs before it enters the guest again: with nothing held, where it
 * would also run a signal's or let another thread have the CPU. There the thread sleeps, a slice at
 * a time, until its share has made up for the debt, or there is any reason not to. Ten times a
 * second a worker shares the quota out anew.
 *
 * A work is left where KVM goes straight back to its loop, and as a rule not at exits whose
 * handling may wait for something, such as the VMM to provide a page: so none is left for long.
 * What the log brings at another exit is owed until the next one where it can be. Where the work of
 * a thread that waits can be taken back, exits that a guest may have all the time are such, too: by
 * them it could keep its log from ever being full.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kvm_host.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/workqueue.h>

#include <asm/vmx.h>

#include "audit.h"
#include "clock.h"
#include "compat.h"
#include "hooks.h"
#include "ledger.h"
#include "mem.h"
#include "quota.h"
#include "reason.h"
#include "sched.h"
#include "share.h"

#define SHARE_OUT_JIFFIES (HZ / 10)
#define BURST_PAGES 512 /* a full Page Modification Log */

#define SLACK_NS 10000
#define THROTTLE_MAX_US 99900

/* All vCPUs together are left one part in so many of the quota to begin to write with. */
#define START_PARTS 16

/* Before this many ms a work that is left is not taken back when all quotas end. */
#define DRAIN_MS 20

static uint throttle_max_us = 99500;
module_param(throttle_max_us, uint, 0644);
MODULE_PARM_DESC(throttle_max_us,
		 "us of each 100 ms, by the clock, that a quota may park a vCPU for, at most 99900 (default 99500)");

static typeof(task_work_cancel_match) *cancel_task_work; /* set once at init, may be NULL */
static DEFINE_MUTEX(quota_mutex);
static bool accepting;	 /* changed under quota_mutex, read by probes */
static bool ever_parked; /* set by probes */
static struct kvmeter_demands demands;
static u64 *shares;

static void share_out(struct work_struct *work);
static DECLARE_DELAYED_WORK(share_work, share_out);

#define REQUEST(name) BIT_ULL(KVM_REQ_##name & KVM_REQUEST_MASK)

/*
 * Requests that wait for the next entry, whenever that is: what a vCPU asks of itself whenever its
 * thread gets a CPU, as after each slice, and what all vCPUs are asked whenever the VMM takes the
 * dirty log. Nobody waits for a vCPU that is not in the guest to do these.
 */
#define CAN_WAIT \
	(REQUEST(STEAL_UPDATE) | REQUEST(MIGRATE_TIMER) | REQUEST(CLOCK_UPDATE) | \
	 REQUEST(GLOBAL_CLOCK_UPDATE) | REQUEST(MASTERCLOCK_UPDATE) | REQUEST(TLB_FLUSH) | \
	 REQUEST(TLB_FLUSH_CURRENT) | REQUEST(TLB_FLUSH_GUEST) | REQUEST(MMU_SYNC) | \
	 REQUEST(MMU_FREE_OBSOLETE_ROOTS) | REQUEST(UPDATE_CPU_DIRTY_LOGGING))

/*
 * Is there nothing that has to be done first? An NMI, what another thread asks of the vCPU, and all
 * that happens in system management mode, is not to wait. KVM asks for an interrupt to be looked
 * at, too, but not for one that APICv or AVIC posts: that waits for the end of the park. Whether
 * one is pending must not be asked for instead: in a guest that keeps them off, one may be for
 * ever.
 */
static bool may_wait(struct kvm_vcpu *vcpu)
{
	return !signal_pending(current) && !(READ_ONCE(vcpu->requests) & ~CAN_WAIT) &&
	       !kvmeter_vcpu_is_to_return(vcpu) && !READ_ONCE(vcpu->arch.nmi_pending) &&
	       !atomic_read(&vcpu->arch.nmi_queued) && !kvmeter_vcpu_is_in_smm(vcpu);
}

static void fill_bucket(struct kvmeter_vcpu_rec *v, u64 now)
{
	u64 share = READ_ONCE(v->share_pages);

	/* A clock that was set back, as while the host slept: nothing would flow in until then. */
	if (!v->bucket.burst || now + KVMETER_STALL_WINDOW_NS < v->bucket.since_ns) {
		kvmeter_bucket_init(&v->bucket, BURST_PAGES, now);
		v->rate_pages = 0;
		v->stall = (struct kvmeter_stall){};
	}
	if (share != v->rate_pages)
		kvmeter_bucket_set_rate(&v->bucket, share, now);
	v->rate_pages = share;
	kvmeter_bucket_refill(&v->bucket, now);
}

/* How long to sleep now; 0: run. */
static u64 next_slice(struct kvmeter_vcpu_rec *v, u64 now)
{
	u64 max_ns = min_t(u64, READ_ONCE(throttle_max_us), THROTTLE_MAX_US) * NSEC_PER_USEC;

	if (!READ_ONCE(v->quota) || !READ_ONCE(v->logging) || !may_wait(v->vcpu))
		return 0;
	fill_bucket(v, now);
	return kvmeter_stall_allow(&v->stall, now, kvmeter_bucket_debt_ns(&v->bucket), max_ns);
}

static void sleep(u64 ns)
{
	ktime_t time = ns_to_ktime(ns);

	set_current_state(TASK_INTERRUPTIBLE);
	schedule_hrtimeout_range(&time, SLACK_NS, HRTIMER_MODE_REL);
}

/* Whether the thread handles an exit of this vCPU. Preemption is off. */
static bool runs(const struct kvmeter_vcpu_rec *v)
{
	return kvmeter_store_find_task(current) == v && kvmeter_sched_is_in_run(v, current);
}

/* Only while the thread handles an exit of this vCPU: nobody can take it away then. */
static bool move(struct kvmeter_vcpu_rec *v, enum kvmeter_state from, enum kvmeter_state to)
{
	bool done;

	preempt_disable();
	done = runs(v) && v->first_ns && kvmeter_ledger_state(v) == from;
	if (done) {
		kvmeter_store_write_begin(v->slot);
		kvmeter_ledger_move(v, to, kvmeter_clock_now());
		v->slot->throttle_nr += to == KVMETER_STATE_THROTTLE;
		kvmeter_store_write_end(v->slot);
	}
	preempt_enable();
	return done;
}

static bool is_mine(struct kvmeter_vcpu_rec *v)
{
	bool mine;

	preempt_disable();
	mine = runs(v);
	preempt_enable();
	return mine;
}

/* False: something has to be done first, and then it is to wait on. */
static bool wait_for_share(struct kvmeter_vcpu_rec *v)
{
	u64 ns, now = kvmeter_clock_now(), slept;

	ns = next_slice(v, now);
	if (ns && !move(v, KVMETER_STATE_KERNEL, KVMETER_STATE_THROTTLE))
		return false;
	while (ns) {
		sleep(ns);
		/* The clocks of CPUs are some ns apart. */
		slept = max_t(s64, kvmeter_clock_now() - now, 0);
		now += slept;
		kvmeter_stall_add(&v->stall, slept);
		WRITE_ONCE(v->stalled_ns, v->stalled_ns + slept);
		ns = next_slice(v, now);
		if (!ns)
			move(v, KVMETER_STATE_THROTTLE, KVMETER_STATE_KERNEL);
	}
	return may_wait(v->vcpu) || !kvmeter_bucket_debt_ns(&v->bucket);
}

/* The work. On its way to user space, or to its end, the thread is not to wait. */
static void park(struct callback_head *head)
{
	struct kvmeter_vcpu_rec *v = container_of(head, struct kvmeter_vcpu_rec, park);

	if (!is_mine(v) || !wait_for_share(v))
		WRITE_ONCE(v->owes, true);
	smp_store_release(&v->parking, 0); /* from here on the next one may use the record's work */
}

static bool leave_work(struct kvmeter_vcpu_rec *v)
{
	if (!READ_ONCE(accepting) || cmpxchg(&v->parking, 0, 1))
		return false;
	v->parker = current;
	v->park.func = park;
	WRITE_ONCE(ever_parked, true);
	if (!task_work_add(current, &v->park, TWA_RESUME))
		return true;
	WRITE_ONCE(v->parking, 0);
	return false;
}

/**
 * kvmeter_quota_may_park - will KVM go straight back to its loop after this exit?
 * @isa: KVMETER_ISA_*
 * @reason: of the exit, or KVMETER_NO_REASON
 *
 * Context: any.
 */
bool kvmeter_quota_may_park(u32 isa, s64 reason)
{
	if (isa != KVMETER_ISA_VMX)
		return false;
	switch (reason) {
	case EXIT_REASON_PML_FULL:
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_PREEMPTION_TIMER:
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_PAUSE_INSTRUCTION:
	case EXIT_REASON_APIC_WRITE:
	case EXIT_REASON_EOI_INDUCED:
		return true;
	/*
	 * These nearly always: one that the VMM is to see runs the work on its way there, where it
	 * does nothing; and one that has to wait for a page of the guest's leaves it for that long.
	 */
	case EXIT_REASON_CPUID:
	case EXIT_REASON_MSR_READ:
	case EXIT_REASON_MSR_WRITE:
	case EXIT_REASON_IO_INSTRUCTION:
	case EXIT_REASON_EPT_MISCONFIG:
	case EXIT_REASON_APIC_ACCESS:
		return cancel_task_work;
	}
	return false;
}

/**
 * kvmeter_quota_charge_slow - kvmeter_quota_charge(), where there is a quota
 * @v: the vCPU's record
 * @may_park: as there
 *
 * Who has dirtied nothing since it was parked, or had to run, is not parked, whatever it owes; but
 * if something came in between that had to be done first, such as an interrupt, it is parked on.
 *
 * Context: as kvmeter_quota_charge().
 */
void kvmeter_quota_charge_slow(struct kvmeter_vcpu_rec *v, bool may_park)
{
	u64 pages = v->dirtied - v->charged;
	bool owes;

	if (!pages && !READ_ONCE(v->owes))
		return;
	fill_bucket(v, kvmeter_clock_now());
	if (pages)
		kvmeter_stall_begin(&v->stall);
	WRITE_ONCE(v->charged, v->dirtied);
	owes = kvmeter_bucket_charge(&v->bucket, min_t(u64, pages, U32_MAX));
	WRITE_ONCE(v->owes, owes && !(may_park && leave_work(v)));
}

static void share_out_vm(u32 vm)
{
	u64 least, quota = kvmeter_store_collect_demands(vm, &demands);
	u32 i;

	if (!quota)
		return;
	least = div64_u64(quota, (u64)demands.nr * START_PARTS);
	for (i = 0; i < demands.nr; i++)
		demands.demand[i] = max(demands.demand[i], least);
	kvmeter_share_fill(quota, demands.demand, shares, demands.nr);
	kvmeter_store_give_shares(&demands, shares);
}

static void share_out(struct work_struct *work)
{
	u32 vm;

	for (vm = 0; vm < kvmeter_max_vms; vm++)
		share_out_vm(vm);
	if (kvmeter_store_has_quotas())
		schedule_delayed_work(&share_work, SHARE_OUT_JIFFIES);
}

/**
 * kvmeter_quota_set - KVMETER_QUOTA
 * @quota: its argument, abi and reserved fields checked
 *
 * Context: may sleep.
 * Return: 0, or what the contract says.
 */
int kvmeter_quota_set(const struct kvmeter_quota *quota)
{
	u64 bytes = quota->bytes_per_s;
	struct kvmeter_audit audit;
	int ret = -EOPNOTSUPP;

	if (bytes && (bytes < KVMETER_QUOTA_MIN || bytes > KVMETER_QUOTA_MAX))
		return -EINVAL;
	mutex_lock(&quota_mutex);
	if (accepting)
		ret = kvmeter_store_set_quota(quota->vm, quota->vm_gen, bytes >> PAGE_SHIFT,
					      &audit);
	if (!ret) {
		kvmeter_audit_add(&audit, KVMETER_AUDIT_QUOTA);
		mod_delayed_work(kvmeter_system_wq(), &share_work, 0);
	}
	mutex_unlock(&quota_mutex);
	return ret;
}

/**
 * kvmeter_quota_share_out - the autopilot has set a quota, which is to be shared out
 *
 * Context: may sleep; between kvmeter_quota_init() and kvmeter_quota_exit().
 */
void kvmeter_quota_share_out(void)
{
	schedule_delayed_work(&share_work, SHARE_OUT_JIFFIES);
}

/**
 * kvmeter_quota_init - quotas can be set from now on
 * @can_count: all pages that a vCPU dirties are seen
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvmeter_quota_init(bool can_count)
{
	if (!can_count)
		return 0;
	cancel_task_work = kvmeter_hooks_find_function("kvm", "task_work_cancel_match", NULL);
	demands.index = kvcalloc(kvmeter_max_vcpus, sizeof(*demands.index), KVMETER_GFP);
	demands.demand = kvcalloc(kvmeter_max_vcpus, sizeof(*demands.demand), KVMETER_GFP);
	shares = kvcalloc(kvmeter_max_vcpus, sizeof(*shares), KVMETER_GFP);
	if (!demands.index || !demands.demand || !shares) {
		kvmeter_quota_exit();
		return -ENOMEM;
	}
	kvmeter_store_set_feature(KVMETER_FEATURE_QUOTA);
	mutex_lock(&quota_mutex);
	WRITE_ONCE(accepting, true);
	mutex_unlock(&quota_mutex);
	return 0;
}

static bool is_work_of(struct callback_head *head, void *data)
{
	return head == data;
}

/*
 * Take a work back that was left for a thread that does not come to it. Its thread is there while
 * the work is, and for as long after that as RCU keeps it.
 */
static void take_back(struct kvmeter_vcpu_rec *v)
{
	rcu_read_lock();
	if (smp_load_acquire(&v->parking) && /* pairs with park() */
	    cancel_task_work(v->parker, is_work_of, &v->park))
		WRITE_ONCE(v->parking, 0);
	rcu_read_unlock();
}

/* Whoever is parked finds that there is no quota any more, after its slice. */
static void drain(void)
{
	struct kvmeter_vcpu_rec *v;
	u32 ms = 0;

	while ((v = kvmeter_store_find_parking())) {
		if (ms++ >= DRAIN_MS && cancel_task_work)
			take_back(v);
		usleep_range(1000, 2000);
	}
}

/**
 * kvmeter_quota_exit - end all quotas, have all vCPUs run, leave nothing behind
 *
 * Context: may sleep; probes may still come in.
 */
void kvmeter_quota_exit(void)
{
	u32 vm;

	mutex_lock(&quota_mutex);
	WRITE_ONCE(accepting, false);
	mutex_unlock(&quota_mutex);
	cancel_delayed_work_sync(&share_work);
	for (vm = 0; vm < kvmeter_max_vms; vm++)
		kvmeter_store_drop_quota(vm);
	synchronize_rcu(); /* probes that found it accepting have left their works */
	drain();
	/* And the threads that ran them are out of this code. */
	if (ever_parked)
		synchronize_rcu_tasks();
	kvfree(shares);
	kvfree(demands.demand);
	kvfree(demands.index);
}
