// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events: each probe finds the vCPU's record and hands the event to the collectors.
 *
 * Tracepoints stopped to run their probes with preemption off in 7.x, so each turns it off itself.
 * Most kernels fire kvm_exit and kvm_entry with interrupts off; 6.1 on AMD fires kvm_exit later,
 * with them on, and a vCPU may have lost the CPU since the exit; where KVM handles an exit without
 * leaving its innermost loop (its fast path) that kernel fires none: the time is then the guest's.
 */
#include <linux/kvm_host.h>
#include <linux/preempt.h>

#include "clock.h"
#include "compat.h"
#include "dirty.h"
#include "exits.h"
#include "hooks.h"
#include "ledger.h"
#include "limit.h"
#include "pilot.h"
#include "probes.h"
#include "proto.h"
#include "quota.h"
#include "sched.h"
#include "session.h"
#include "stat.h"
#include "store.h"
#include "subs.h"
#include "thief.h"

/* The first event of a vCPU here since it, or another one, was switched to. */
static noinline struct kvmeter_vcpu_rec *look_up(struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v = kvmeter_store_find_slow(vcpu);

	if (v)
		kvmeter_sched_resume(v, vcpu);
	return v;
}

static __always_inline struct kvmeter_vcpu_rec *find(struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;

	return likely(kvmeter_store_find(vcpu, &v)) ? v : look_up(vcpu);
}

/* An entry that ends no exit, or one with detours, or at which there is more to look at. */
static noinline u64 enter_slow(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu)
{
	u64 now;

	kvmeter_store_write_begin(v->slot);
	now = kvmeter_clock_now();
	kvmeter_ledger_move(v, KVMETER_STATE_GUEST, now);
	kvmeter_subs_end(v);
	kvmeter_exits_settle(v);
	if (READ_ONCE(v->logging))
		kvmeter_dirty_mark_entry(v, vcpu);
	kvmeter_ledger_clear_parts(v);
	kvmeter_store_write_end(v->slot);
	return now;
}

static noinline void refresh_stat(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u64 now)
{
	kvmeter_store_write_begin(v->slot);
	kvmeter_stat_refresh(v, vcpu, now);
	kvmeter_store_write_end(v->slot);
}

/* Later kernels pass kvm_entry a second argument. In this ABI one that is not named is ignored. */
static void probe_kvm_entry(void *data, struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;
	struct kvmeter_vcpu *slot;
	u64 now;

	preempt_disable_notrace();
	v = find(vcpu);
	if (unlikely(!v))
		goto out;
	slot = v->slot;
	if (likely(READ_ONCE(v->odd) == KVMETER_WHERE_EXIT)) {
		kvmeter_store_write_begin(slot);
		now = kvmeter_clock_now();
		kvmeter_exits_end(v, kvmeter_ledger_enter(v, slot, now));
		kvmeter_store_write_end(slot);
	} else {
		now = enter_slow(v, vcpu);
	}
	if (unlikely(now >= v->refresh_ns))
		refresh_stat(v, vcpu, now);
out:
	preempt_enable_notrace();
}

/* An exit that does not come straight from the guest, or at which there is more to look at. */
static noinline void exit_slow(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa)
{
	bool logging = READ_ONCE(v->logging);
	s64 reason;
	u64 now;

	reason = v->unproven ? kvmeter_reason_prove(v, vcpu, isa) : kvmeter_reason_read(vcpu, isa);
	kvmeter_store_write_begin(v->slot);
	now = kvmeter_clock_now();
	if (logging)
		kvmeter_dirty_add_exit(v, vcpu, isa, reason);
	kvmeter_ledger_begin_exit(v, now);
	kvmeter_exits_start(v, v->slot, vcpu, reason);
	if (READ_ONCE(v->subs_on))
		kvmeter_subs_start(v, vcpu, isa, reason);
	kvmeter_store_write_end(v->slot);
	if (logging)
		kvmeter_quota_charge(v, kvmeter_quota_may_park(isa, reason));
}

static void probe_kvm_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	struct kvmeter_vcpu_rec *v;
	struct kvmeter_vcpu *slot;
	s64 reason;

	preempt_disable_notrace();
	v = find(vcpu);
	if (unlikely(!v)) {
		this_cpu_inc(kvmeter_cpu.untracked_exits);
	} else if (likely(READ_ONCE(v->odd) == KVMETER_WHERE_GUEST)) {
		slot = v->slot;
		reason = kvmeter_reason_read(vcpu, isa);
		kvmeter_store_write_begin(slot);
		kvmeter_ledger_exit(v, slot, kvmeter_clock_now());
		kvmeter_exits_start(v, slot, vcpu, reason);
		kvmeter_store_write_end(slot);
	} else {
		exit_slow(v, vcpu, isa);
	}
	preempt_enable_notrace();
}

static void leave_kernel(struct kvmeter_vcpu_rec *v, u32 reason, int err)
{
	kvmeter_store_write_begin(v->slot);
	kvmeter_ledger_move(v, KVMETER_STATE_VMM, kvmeter_clock_now());
	kvmeter_exits_add_user(v, reason, err);
	kvmeter_stat_refresh(v, v->vcpu, v->since_ns);
	kvmeter_store_write_end(v->slot);
}

/*
 * KVM_RUN returns. It does not say of which vCPU: the one that this thread entered last, unless one
 * of another VM could not even be entered. So nothing but the record's lock keeps the vCPU.
 */
static void probe_kvm_userspace_exit(void *data, u32 reason, int err)
{
	struct kvmeter_vcpu_rec *v;
	unsigned long flags;

	preempt_disable_notrace();
	v = kvmeter_store_find_task(current);
	if (v) {
		raw_spin_lock_irqsave(&v->lock, flags);
		if (v->task == current && v->first_ns)
			leave_kernel(v, reason, err);
		raw_spin_unlock_irqrestore(&v->lock, flags);
	}
	preempt_enable_notrace();
}

static void move_halt(struct kvmeter_vcpu_rec *v, enum kvmeter_state to)
{
	kvmeter_store_write_begin(v->slot);
	kvmeter_ledger_move(v, to, kvmeter_clock_now());
	kvmeter_store_write_end(v->slot);
}

/* kvm_vcpu_halt(vcpu) begins: the vCPU polls, then sleeps */
static void on_vcpu_halt(const struct pt_regs *regs)
{
	struct kvmeter_vcpu_rec *v = find((struct kvm_vcpu *)regs->di);

	if (v && v->first_ns)
		move_halt(v, KVMETER_STATE_HALT);
}

/* kvm_vcpu_halt() ends. As with KVM_RUN, it is the vCPU of this thread. */
static void probe_kvm_vcpu_wakeup(void *data, u64 ns, bool waited, bool valid)
{
	struct kvmeter_vcpu_rec *v;

	preempt_disable_notrace();
	v = kvmeter_store_find_task(current);
	if (v && v->first_ns && kvmeter_ledger_state(v) == KVMETER_STATE_HALT)
		move_halt(v, KVMETER_STATE_KERNEL);
	preempt_enable_notrace();
}

static void probe_sched_switch(void *data, bool preempt, struct task_struct *prev,
			       struct task_struct *next)
{
	struct kvmeter_vcpu_rec *v;

	if (unlikely(kvmeter_thief_has_waiters()))
		kvmeter_thief_switch_from();
	v = kvmeter_store_find_task(prev);
	if (unlikely(v))
		kvmeter_sched_out(v, prev, preempt);
	v = kvmeter_store_find_task(next);
	if (unlikely(v))
		kvmeter_sched_in(v, next);
	if (unlikely(kvmeter_thief_has_waiters()))
		kvmeter_thief_switch_to(next);
}

static void probe_sched_migrate_task(void *data, struct task_struct *task, int cpu)
{
	struct kvmeter_vcpu_rec *v = kvmeter_store_find_task(task);

	if (unlikely(v))
		kvmeter_sched_migrate(v, task, cpu);
}

/* tg_throttle_down(tg, rq), tg_unthrottle_up(tg, rq): for each group below the limit */
static void on_throttle(const struct pt_regs *regs)
{
	kvmeter_thief_limit((struct task_group *)regs->di, (const void *)regs->si, true);
}

static void on_unthrottle(const struct pt_regs *regs)
{
	kvmeter_thief_limit((struct task_group *)regs->di, (const void *)regs->si, false);
}

/* free_fair_sched_group(tg) */
static void on_group_free(const struct pt_regs *regs)
{
	kvmeter_limit_forget((const struct task_group *)regs->di);
}

static void probe_sched_wakeup(void *data, struct task_struct *task)
{
	struct kvmeter_vcpu_rec *v = kvmeter_store_find_task(task);

	if (unlikely(v))
		kvmeter_sched_wake(v, task);
}

/* kvm_arch_vcpu_destroy(vcpu) */
static void on_vcpu_destroy(const struct pt_regs *regs)
{
	kvmeter_store_del_vcpu((struct kvm_vcpu *)regs->di);
}

/* kvm_arch_destroy_vm(kvm) */
static void on_vm_destroy(const struct pt_regs *regs)
{
	kvmeter_store_del_vm((struct kvm *)regs->di);
}

/*
 * kvm_arch_commit_memory_region(kvm, old, new, change): a memory slot was made (no old), deleted
 * (no new) or changed, and what follows from its flags comes into effect right after this.
 */
static void on_commit_memory_region(const struct pt_regs *regs)
{
	struct kvm *kvm = (struct kvm *)regs->di;
	const struct kvm_memory_slot *old = (const struct kvm_memory_slot *)regs->si;
	const struct kvm_memory_slot *new = (const struct kvm_memory_slot *)regs->dx;

	kvmeter_store_add_vm(kvm);
	kvmeter_store_change_log(kvm, old, new);
	if (old || new)
		kvmeter_session_see_commit(kvm, new ? new : old);
}

/*
 * kvm_mmu_set_spte: KVM maps a page for a guest, mostly for a fault of the vCPU of this thread.
 * Outside KVM_RUN it may be another VM's, and this thread's vCPU gone.
 */
static void probe_kvm_mmu_set_spte(void *data, int level, gfn_t gfn, u64 *sptep)
{
	struct kvmeter_vcpu_rec *v;

	if (likely(!kvmeter_store_any_armed()))
		return;
	preempt_disable_notrace();
	v = kvmeter_store_find_task(current);
	if (v && READ_ONCE(v->logging) && kvmeter_sched_is_in_run(v, current)) {
		kvmeter_dirty_add_map(v, level, gfn, READ_ONCE(*sptep));
		kvmeter_quota_charge(v, true);
	}
	preempt_enable_notrace();
}

static void probe_fast_page_fault(void *data, struct kvm_vcpu *vcpu, void *fault, u64 *sptep,
				  u64 old, int ret)
{
	struct kvmeter_vcpu_rec *v;

	preempt_disable_notrace();
	v = find(vcpu);
	if (v && READ_ONCE(v->logging)) {
		kvmeter_dirty_add_fast_fault(v, old, ret == KVMETER_FAULT_FIXED);
		kvmeter_quota_charge(v, true);
	}
	preempt_enable_notrace();
}

/* By KVM's own bitmap; where there is a ring, there is none. */
static bool is_clean(const struct kvm_memory_slot *slot, u64 gfn)
{
	return slot->dirty_bitmap && !test_bit_le(gfn - slot->base_gfn, slot->dirty_bitmap);
}

/*
 * The slot is looked up, under KVM's SRCU lock, which all callers hold: one that KVM has cached may
 * be stale here, and is replaced only later.
 */
static void add_own_write(struct kvm *kvm, u64 gpa)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	const struct kvm_memory_slot *slot = __gfn_to_memslot(kvm_memslots(kvm), gfn);

	if (slot && kvm_slot_dirty_track_enabled(slot))
		kvmeter_store_add_own_write(kvm, gfn, is_clean(slot, gfn));
}

/* __kvm_write_guest_page(kvm, slot, gfn, ...) */
static void on_write_guest_page(const struct pt_regs *regs)
{
	const struct kvm_memory_slot *slot = (const struct kvm_memory_slot *)regs->si;

	if (slot && kvm_slot_dirty_track_enabled(slot))
		kvmeter_store_add_own_write((struct kvm *)regs->di, regs->dx,
					    is_clean(slot, regs->dx));
}

/* kvm_write_guest_offset_cached(kvm, cache, data, offset, ...) */
static void on_write_guest_cached(const struct pt_regs *regs)
{
	const struct gfn_to_hva_cache *cache = (const struct gfn_to_hva_cache *)regs->si;

	add_own_write((struct kvm *)regs->di, cache->gpa + (u32)regs->cx);
}

/* record_steal_time(vcpu) */
static void on_record_steal_time(const struct pt_regs *regs)
{
	const struct kvm_vcpu *vcpu = (const struct kvm_vcpu *)regs->di;

	if (vcpu->arch.st.msr_val & KVM_MSR_ENABLED)
		add_own_write(vcpu->kvm, vcpu->arch.st.msr_val & KVM_STEAL_VALID_BITS);
}

/* kvm_setup_guest_pvclock(vcpu, cache, ...), on later kernels (clock, vcpu, cache, ...) */
static void on_setup_guest_pvclock(const struct pt_regs *regs)
{
	const struct kvmeter_vcpu_rec *v = kvmeter_store_find_task(current);
	const struct gfn_to_pfn_cache *cache;

	if (!v)
		return;
	if ((void *)regs->di == v->vcpu)
		cache = (const struct gfn_to_pfn_cache *)regs->si;
	else if ((void *)regs->si == v->vcpu)
		cache = (const struct gfn_to_pfn_cache *)regs->dx;
	else
		return;
	add_own_write(v->vcpu->kvm, cache->gpa);
}

/* KVMETER_SET_REGION(kvm, region), with kvm->slots_lock held */
static void on_set_region(const struct pt_regs *regs)
{
	kvmeter_session_see_region((struct kvm *)regs->di, (const struct kvmeter_region *)regs->si);
}

/* kvm_get_dirty_log_protect(kvm, log), with kvm->slots_lock held */
static void on_get_log(const struct pt_regs *regs)
{
	const struct kvm_dirty_log *log = (const struct kvm_dirty_log *)regs->si;

	kvmeter_session_see_log((struct kvm *)regs->di, log->slot);
	if (kvmeter_store_add_sync((struct kvm *)regs->di, log->slot))
		kvmeter_pilot_kick();
}

/* kvm_clear_dirty_log_protect(kvm, log), likewise */
static void on_clear_log(const struct pt_regs *regs)
{
	const struct kvm_clear_dirty_log *log = (const struct kvm_clear_dirty_log *)regs->si;

	kvmeter_session_see_log((struct kvm *)regs->di, log->slot);
	kvmeter_store_add_clear((struct kvm *)regs->di);
}

enum {
	HOOK_VM_DESTROY,
	HOOK_VCPU_DESTROY,
	HOOK_COMMIT,
	HOOK_SET_REGION,
	HOOK_GET_LOG,
	HOOK_CLEAR_LOG,
	HOOK_WRITE_PAGE,
	HOOK_WRITE_CACHED,
	HOOK_STEAL_TIME,
	HOOK_PVCLOCK,
	HOOK_SET_SPTE,
	HOOK_FAST_FAULT,
	HOOK_SWITCH,
	HOOK_WAKEUP,
	HOOK_MIGRATE,
	HOOK_GROUP_FREE,
	HOOK_UNTHROTTLE,
	HOOK_THROTTLE,
	HOOK_HALT,
	HOOK_HALT_END,
	HOOK_USER_EXIT,
	HOOK_ENTRY,
	HOOK_EXIT,
	HOOK_NR,
};

/*
 * In the order in which they are tied: the end of a vCPU, and the switches of its thread, must be
 * seen before its first event.
 */
static struct kvmeter_hook hooks[HOOK_NR] = {
	[HOOK_VM_DESTROY] = {
		.name = "kvm_arch_destroy_vm",
		.kind = KVMETER_HOOK_FUNCTION,
		.core = true,
		.entry = on_vm_destroy,
	},
	[HOOK_VCPU_DESTROY] = {
		.name = "kvm_arch_vcpu_destroy",
		.kind = KVMETER_HOOK_FUNCTION,
		.core = true,
		.entry = on_vcpu_destroy,
	},
	[HOOK_COMMIT] = {
		.name = "kvm_arch_commit_memory_region",
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_commit_memory_region,
	},
	[HOOK_SET_REGION] = {
		.name = KVMETER_SET_REGION,
		.alt = KVMETER_SET_REGION_ALT,
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_set_region,
	},
	[HOOK_GET_LOG] = {
		.name = "kvm_get_dirty_log_protect",
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_get_log,
	},
	[HOOK_CLEAR_LOG] = {
		.name = "kvm_clear_dirty_log_protect",
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_clear_log,
	},
	[HOOK_WRITE_PAGE] = {
		.name = "__kvm_write_guest_page",
		.kind = KVMETER_HOOK_FUNCTION,
		.lazy = true,
		.entry = on_write_guest_page,
	},
	[HOOK_WRITE_CACHED] = {
		.name = "kvm_write_guest_offset_cached",
		.kind = KVMETER_HOOK_FUNCTION,
		.lazy = true,
		.entry = on_write_guest_cached,
	},
	[HOOK_STEAL_TIME] = {
		.name = "record_steal_time",
		.kind = KVMETER_HOOK_FUNCTION,
		.lazy = true,
		.entry = on_record_steal_time,
	},
	[HOOK_PVCLOCK] = {
		.name = "kvm_setup_guest_pvclock",
		.kind = KVMETER_HOOK_FUNCTION,
		.lazy = true,
		.entry = on_setup_guest_pvclock,
	},
	[HOOK_SET_SPTE] = {
		.name = "kvm_mmu_set_spte",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.probe = probe_kvm_mmu_set_spte,
	},
	[HOOK_FAST_FAULT] = {
		.name = "fast_page_fault",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.probe = probe_fast_page_fault,
	},
	[HOOK_SWITCH] = {
		.name = "sched_switch",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.core = true,
		.probe = probe_sched_switch,
	},
	[HOOK_WAKEUP] = {
		.name = "sched_wakeup",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.core = true,
		.probe = probe_sched_wakeup,
	},
	[HOOK_MIGRATE] = {
		.name = "sched_migrate_task",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.probe = probe_sched_migrate_task,
	},
	[HOOK_THROTTLE] = {
		.name = "tg_throttle_down",
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_throttle,
	},
	[HOOK_UNTHROTTLE] = {
		.name = "tg_unthrottle_up",
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_unthrottle,
	},
	[HOOK_GROUP_FREE] = {
		.name = "free_fair_sched_group",
		.kind = KVMETER_HOOK_FUNCTION,
		.entry = on_group_free,
	},
	[HOOK_HALT] = {
		.name = "kvm_vcpu_halt",
		.kind = KVMETER_HOOK_FUNCTION,
		.core = true,
		.entry = on_vcpu_halt,
	},
	[HOOK_HALT_END] = {
		.name = "kvm_vcpu_wakeup",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.core = true,
		.probe = probe_kvm_vcpu_wakeup,
	},
	[HOOK_USER_EXIT] = {
		.name = "kvm_userspace_exit",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.core = true,
		.probe = probe_kvm_userspace_exit,
	},
	[HOOK_ENTRY] = {
		.name = "kvm_entry",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.core = true,
		.probe = probe_kvm_entry,
	},
	[HOOK_EXIT] = {
		.name = "kvm_exit",
		.kind = KVMETER_HOOK_TRACEPOINT,
		.core = true,
		.probe = probe_kvm_exit,
	},
};

static_assert(HOOK_NR <= KVMETER_HOOKS_MAX);

/**
 * kvmeter_probes_resolve - find all events
 *
 * Context: may sleep.
 * Return: 0, or a negative errno if one the module cannot do without is missing.
 */
int kvmeter_probes_resolve(void)
{
	return kvmeter_hooks_resolve(hooks, HOOK_NR);
}

/**
 * kvmeter_probes_compare - do without events that are not what they are taken to be
 *
 * Context: may sleep; after kvmeter_proto_init().
 * Return: 0, or a negative errno if the module cannot do without.
 */
int kvmeter_probes_compare(void)
{
	int ret = kvmeter_hooks_compare(hooks, HOOK_NR);

	if (kvmeter_proto_find_fault("RET_PF_FIXED", hooks[HOOK_FAST_FAULT].owner))
		hooks[HOOK_FAST_FAULT].found = false;
	return ret;
}

/* A limit must be seen to end, and the group too, or it would be held against the VM for good. */
static bool can_see_limits(void)
{
	return hooks[HOOK_THROTTLE].found && hooks[HOOK_UNTHROTTLE].found &&
	       hooks[HOOK_GROUP_FREE].found && kvmeter_thief_is_on() && kvmeter_limit_resolve();
}

/**
 * kvmeter_probes_can_attribute - can it be seen which CPU a vCPU waits for?
 *
 * Context: any, after kvmeter_probes_compare().
 */
bool kvmeter_probes_can_attribute(void)
{
	return hooks[HOOK_MIGRATE].found;
}

/**
 * kvmeter_probes_see_limits - are waits for a CPU limit told from others?
 *
 * Context: any, after kvmeter_probes_register().
 */
bool kvmeter_probes_see_limits(void)
{
	return hooks[HOOK_THROTTLE].on && hooks[HOOK_UNTHROTTLE].on && hooks[HOOK_GROUP_FREE].on;
}

/**
 * kvmeter_probes_register - events come in from now on
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int kvmeter_probes_register(void)
{
	if (!kvmeter_thief_is_on())
		hooks[HOOK_MIGRATE].found = false;
	if (!can_see_limits()) {
		hooks[HOOK_THROTTLE].found = false;
		hooks[HOOK_UNTHROTTLE].found = false;
		hooks[HOOK_GROUP_FREE].found = false;
	}
	return kvmeter_hooks_register(hooks, HOOK_NR);
}

/**
 * kvmeter_probes_unregister - no event comes in any more once this returns
 *
 * Context: may sleep.
 */
void kvmeter_probes_unregister(void)
{
	kvmeter_hooks_unregister(hooks, HOOK_NR);
}

/**
 * kvmeter_probes_see_logging - is it seen when dirty logging is switched on and off?
 *
 * Context: any, after kvmeter_probes_register().
 */
bool kvmeter_probes_see_logging(void)
{
	return hooks[HOOK_COMMIT].on;
}

/**
 * kvmeter_probes_see_faults - are pages seen that write faults make dirty?
 *
 * Context: any, after kvmeter_probes_register().
 */
bool kvmeter_probes_see_faults(void)
{
	return hooks[HOOK_SET_SPTE].on && hooks[HOOK_FAST_FAULT].on;
}

/**
 * kvmeter_probes_see_own_writes - are KVM's own writes to guest memory seen, once enabled?
 *
 * Context: any, after kvmeter_probes_register().
 */
bool kvmeter_probes_see_own_writes(void)
{
	return hooks[HOOK_WRITE_PAGE].on && hooks[HOOK_WRITE_CACHED].on &&
	       hooks[HOOK_STEAL_TIME].on && hooks[HOOK_PVCLOCK].on;
}

/**
 * kvmeter_probes_see_log_calls - are the VMM's dirty-log and memory-slot calls seen?
 *
 * Context: any, after kvmeter_probes_register().
 */
bool kvmeter_probes_see_log_calls(void)
{
	return hooks[HOOK_SET_REGION].on && hooks[HOOK_GET_LOG].on && hooks[HOOK_CLEAR_LOG].on;
}

/**
 * kvmeter_probes_enable - see KVM's own writes to guest memory, or stop to
 * @on: which of the two; off, they cost nothing
 *
 * Context: may sleep; after kvmeter_probes_register().
 */
void kvmeter_probes_enable(bool on)
{
	kvmeter_hooks_enable(on);
}

/**
 * kvmeter_probes_missed_nr - events the kernel did not deliver
 *
 * Context: any.
 * Return: events since load; more than 0 means that a slot may outlive its vCPU.
 */
unsigned long kvmeter_probes_missed_nr(void)
{
	return kvmeter_hooks_missed_nr();
}
