// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events: each probe finds the vCPU's record and hands the event to the collectors.
 *
 * Tracepoints stopped to run their probes with preemption off in 7.x, so each turns it off itself.
 * Most kernels fire kvm_exit and kvm_entry with interrupts off; 6.1 on AMD fires kvm_exit later,
 * with them on, and a vCPU may have lost the CPU since the exit.
 */
#include <linux/kvm_host.h>
#include <linux/preempt.h>

#include <asm/msr.h>

#include "dirty.h"
#include "exits.h"
#include "hooks.h"
#include "probes.h"
#include "steal.h"
#include "store.h"

/* Later kernels pass kvm_entry a second argument. In this ABI one that is not named is ignored. */
static void probe_kvm_entry(void *data, struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;
	struct kvmeter_vcpu *slot;
	u64 steal_ns;

	preempt_disable_notrace();
	v = kvmeter_store_find(vcpu);
	if (likely(v)) {
		slot = v->slot;
		kvmeter_store_write_begin(slot);
		slot->cpu = smp_processor_id();
		steal_ns = kvmeter_steal_add_entry(v);
		kvmeter_exits_end(v, rdtsc(), steal_ns);
		if (unlikely(READ_ONCE(v->vm->logging)))
			kvmeter_dirty_mark_entry(v, vcpu);
		kvmeter_store_write_end(slot);
	}
	preempt_enable_notrace();
}

static void probe_kvm_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	u64 tsc = rdtsc();
	struct kvmeter_vcpu_rec *v;
	struct kvmeter_vcpu *slot;
	s64 reason;

	preempt_disable_notrace();
	v = kvmeter_store_find(vcpu);
	if (likely(v)) {
		slot = v->slot;
		reason = kvmeter_reason_read(v, vcpu, isa);
		kvmeter_store_write_begin(slot);
		if (unlikely(READ_ONCE(v->vm->logging)))
			kvmeter_dirty_add_exit(v, vcpu, isa, reason);
		kvmeter_exits_start(v, reason, tsc);
		kvmeter_steal_mark_exit(v);
		kvmeter_store_write_end(slot);
	} else {
		this_cpu_inc(kvmeter_cpu.untracked_exits);
	}
	preempt_enable_notrace();
}

/* kvm_arch_vcpu_destroy(vcpu) */
static int on_vcpu_destroy(struct kprobe *kp, struct pt_regs *regs)
{
	kvmeter_store_del_vcpu((struct kvm_vcpu *)regs->di);
	return 0;
}

/* kvm_arch_destroy_vm(kvm) */
static int on_vm_destroy(struct kprobe *kp, struct pt_regs *regs)
{
	kvmeter_store_del_vm((struct kvm *)regs->di);
	return 0;
}

/*
 * kvm_arch_commit_memory_region(kvm, old, new, change): a memory slot was made (no old), deleted
 * (no new) or changed, and what follows from its flags comes into effect right after this.
 */
static int on_commit_memory_region(struct kprobe *kp, struct pt_regs *regs)
{
	struct kvm *kvm = (struct kvm *)regs->di;
	const struct kvm_memory_slot *old = (const struct kvm_memory_slot *)regs->si;
	const struct kvm_memory_slot *new = (const struct kvm_memory_slot *)regs->dx;
	s64 pages = 0;
	int slots = 0;

	if (old && (old->flags & KVM_MEM_LOG_DIRTY_PAGES)) {
		slots--;
		pages -= old->npages;
	}
	if (new && (new->flags & KVM_MEM_LOG_DIRTY_PAGES)) {
		slots++;
		pages += new->npages;
	}
	kvmeter_store_add_vm(kvm);
	if (slots || pages)
		kvmeter_store_change_log(kvm, slots, pages);
	return 0;
}

enum { HOOK_VM_DESTROY, HOOK_VCPU_DESTROY, HOOK_COMMIT, HOOK_ENTRY, HOOK_EXIT, HOOK_NR };

/* In the order in which they are tied: the end of a vCPU must be seen before its first event. */
static struct kvmeter_hook hooks[HOOK_NR] = {
	[HOOK_VM_DESTROY] = {
		.name = "kvm_arch_destroy_vm",
		.kind = KVMETER_HOOK_KPROBE,
		.core = true,
		.pre_handler = on_vm_destroy,
	},
	[HOOK_VCPU_DESTROY] = {
		.name = "kvm_arch_vcpu_destroy",
		.kind = KVMETER_HOOK_KPROBE,
		.core = true,
		.pre_handler = on_vcpu_destroy,
	},
	[HOOK_COMMIT] = {
		.name = "kvm_arch_commit_memory_region",
		.kind = KVMETER_HOOK_KPROBE,
		.pre_handler = on_commit_memory_region,
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
 * kvmeter_probes_register - events come in from now on
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int kvmeter_probes_register(void)
{
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
 * kvmeter_probes_missed_nr - events the kernel did not deliver
 *
 * Context: any.
 * Return: events since load; more than 0 means that a slot may outlive its vCPU.
 */
unsigned long kvmeter_probes_missed_nr(void)
{
	return kvmeter_hooks_missed_nr(hooks, HOOK_NR);
}
