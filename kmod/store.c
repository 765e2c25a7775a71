// SPDX-License-Identifier: GPL-2.0-only
/* Records of VMs and vCPUs: found, made, given back; and their slots in the shared arrays. */
#include <linux/bitmap.h>
#include <linux/dcache.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/rculist_nulls.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "clock.h"
#include "compat.h"
#include "mem.h"
#include "store_impl.h"
#include "track.h"

u32 kvmeter_max_vms = 256;
module_param_named(max_vms, kvmeter_max_vms, uint, 0444);
MODULE_PARM_DESC(max_vms, "VMs that can be tracked at once, a multiple of 64 in [64, 4096]");

u32 kvmeter_max_vcpus = 1024;
module_param_named(max_vcpus, kvmeter_max_vcpus, uint, 0444);
MODULE_PARM_DESC(max_vcpus, "vCPUs that can be tracked at once, a multiple of 64 in [64, 16384]");

DEFINE_PER_CPU(struct kvmeter_cpu, kvmeter_cpu);

struct kvmeter_store kvmeter_store = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(kvmeter_store.lock),
};

static struct kvmeter_store *const st = &kvmeter_store;

/* Four to a chain, at most that the parameters allow: they are searched under run queues' locks. */
static DEFINE_HASHTABLE(vcpu_table, 12); /* by struct kvm_vcpu */
static DEFINE_HASHTABLE(vm_table, 10);	 /* by struct kvm; under the store lock */
static DEFINE_HASHTABLE(mm_table, 10);	 /* VMs by address space */
static bool subs_on;			 /* for new vCPUs; under the store lock */
static void (*tell_changed)(void);	 /* set once at init */
static void (*tell_gone)(struct kvmeter_vcpu_rec *v); /* likewise */

/* By thread. The end of each chain is its number: whoever ends elsewhere was led astray. */
struct hlist_nulls_head kvmeter_tasks[1 << KVMETER_TASK_HASH_BITS];

/**
 * kvmeter_store_write_index_locked - show readers which slots are in use
 * @used: kvmeter_store.vm_used or vcpu_used
 * @i: a slot; 64 with it are shown
 *
 * Context: store lock held.
 */
void kvmeter_store_write_index_locked(const unsigned long *used, u32 i)
{
	struct kvmeter_index *index = st->mem.map[KVMETER_MAP_INDEX];

	lockdep_assert_held(&st->lock);
	if (used == st->vm_used)
		WRITE_ONCE(index[i / 64].vms, used[i / 64]);
	else
		WRITE_ONCE(index[i / 64].vcpus, used[i / 64]);
}

/**
 * kvmeter_store_tell_changed - have done what follows from a change, in process context, soon
 *
 * Context: any but NMI, no lock of the store's held.
 */
void kvmeter_store_tell_changed(void)
{
	tell_changed();
}

/* Make CPUs forget a vCPU, or none, and those that had no record: there may be room now. */
static void forget(const struct kvm_vcpu *vcpu)
{
	struct kvmeter_cpu *c;
	int cpu;

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&kvmeter_cpu, cpu);
		if (READ_ONCE(c->vcpu) == vcpu || !READ_ONCE(c->rec))
			WRITE_ONCE(c->vcpu, NULL);
	}
}

/*
 * The name KVM gave the VM's debugfs directory, "<pid>-<fd>". KVM takes the directory away after
 * the last user has gone, and its dentry is freed by RCU: while there are users it is there.
 */
static void name_vm(struct kvm *kvm, char *id, size_t size)
{
	rcu_read_lock();
	if (!IS_ERR_OR_NULL(kvm->debugfs_dentry) && refcount_read(&kvm->users_count))
		strscpy(id, kvm->debugfs_dentry->d_name.name, size);
	else
		snprintf(id, size, "%d-none", kvm->userspace_pid);
	rcu_read_unlock();
}

/**
 * kvmeter_store_find_vm_locked - record of a VM
 * @kvm: the VM
 *
 * Context: store lock held.
 * Return: the record, or NULL.
 */
struct kvmeter_vm_rec *kvmeter_store_find_vm_locked(const struct kvm *kvm)
{
	struct kvmeter_vm_rec *vm;

	lockdep_assert_held(&st->lock);
	hash_for_each_possible(vm_table, vm, node, (unsigned long)kvm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

/* Also without the lock: a record may move to another chain meanwhile, then it is not found. */
static struct kvmeter_vcpu_rec *find_vcpu(const struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;

	hash_for_each_possible_rcu_notrace(vcpu_table, v, node, (unsigned long)vcpu)
		if (READ_ONCE(v->vcpu) == vcpu)
			return v;
	return NULL;
}

static struct kvmeter_vm_rec *add_vm_locked(struct kvm *kvm, bool *changed)
{
	struct kvmeter_vm_rec *vm = kvmeter_store_find_vm_locked(kvm);
	struct kvmeter_vm *slot;
	u32 i;

	/* A VM that is being destroyed still commits changes of slots, after its end was seen. */
	if (vm || !refcount_read(&kvm->users_count))
		return vm;
	i = find_first_zero_bit(st->vm_used, kvmeter_max_vms);
	if (i >= kvmeter_max_vms) {
		st->host.untracked_vms++;
		kvmeter_store_write_host_locked();
		return NULL;
	}
	vm = &st->vms[i];
	vm->kvm = kvm;
	vm->tdx = kvmeter_vm_is_tdx(kvm);
	vm->scanned = false;
	vm->slots = (struct kvmeter_slots){};
	vm->asked = false;
	vm->all_set = false;
	vm->driven = false;
	vm->ring = false;
	vm->nr_owners = 0;
	vm->quota_pages = 0;
	vm->user_quota_pages = 0;
	vm->pilot_quota_pages = 0;
	vm->pid = kvm->userspace_pid;
	vm->gen++;
	vm->dirty = (struct kvmeter_dirty){ .gen = vm->gen };
	kvmeter_store_begin_rounds_locked(vm);
	name_vm(kvm, vm->id, sizeof(vm->id));
	INIT_LIST_HEAD(&vm->vcpus);
	hash_add(vm_table, &vm->node, (unsigned long)kvm);
	vm->mm = kvm->mm;
	hash_add_rcu(mm_table, &vm->mm_node, (unsigned long)vm->mm);

	slot = kvmeter_vm_slot(i);
	slot->pid = vm->pid;
	slot->first_ns = kvmeter_clock_now();
	memcpy(slot->id, vm->id, sizeof(slot->id));
	kvmeter_store_write_log_locked(vm);
	kvmeter_store_write_dirty_locked(vm);
	kvmeter_store_write_migration_locked(vm);
	smp_store_release(&slot->gen, vm->gen); /* readers look at gen first */
	__set_bit(i, st->vm_used);
	kvmeter_store_write_index_locked(st->vm_used, i);
	WRITE_ONCE(st->vms_free, st->vms_free - 1);
	st->host.vms_hi = max(st->host.vms_hi, i + 1);
	st->host.vms_seen++;
	kvmeter_store_write_host_locked();
	*changed = true;
	return vm;
}

/* From the thread it had, to another one or to none. Both locks are held. */
static void bind_task_locked(struct kvmeter_vcpu_rec *v, struct task_struct *task)
{
	lockdep_assert_held(&v->lock);
	if (v->task)
		hlist_nulls_del_rcu(&v->task_node);
	v->task = task;
	if (!task)
		return;
	v->task_start = task->start_time;
	hlist_nulls_add_head_rcu(&v->task_node,
				 &kvmeter_tasks[hash_ptr(task, KVMETER_TASK_HASH_BITS)]);
}

static void del_vcpu_locked(struct kvmeter_vcpu_rec *v)
{
	struct kvmeter_vcpu *slot = kvmeter_vcpu_slot(v->index);

	lockdep_assert_held(&st->lock);
	raw_spin_lock(&v->lock);
	bind_task_locked(v, NULL);
	tell_gone(v);
	kvmeter_store_add_gone_locked(v);
	v->gen++;
	WRITE_ONCE(slot->gen, v->gen);
	smp_wmb(); /* readers look at gen after copying */
	memset(kvmeter_vcpu_rows(v->index), 0, v->nr_rows * sizeof(struct kvmeter_exit));
	memset(kvmeter_vcpu_subs(v->index), 0, v->nr_subs * sizeof(struct kvmeter_sub));
	memset(kvmeter_vcpu_thieves(v->index), 0, v->nr_thieves * sizeof(struct kvmeter_thief));
	memset((void *)slot + sizeof(slot->gen), 0, sizeof(*slot) - sizeof(slot->gen));

	hash_del_rcu(&v->node);
	list_del(&v->siblings);
	kvmeter_vm_slot(v->vm->index)->nr_vcpus--;
	WRITE_ONCE(v->vcpu, NULL);
	raw_spin_unlock(&v->lock);
	__clear_bit(v->index, st->vcpu_used);
	kvmeter_store_write_index_locked(st->vcpu_used, v->index);
	WRITE_ONCE(st->vcpus_free, st->vcpus_free + 1);
	kvmeter_store_sum_untracked_locked();
	kvmeter_store_write_host_locked();
}

static void del_vm_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_vm *slot = kvmeter_vm_slot(vm->index);
	struct kvmeter_vcpu_rec *v, *next;

	list_for_each_entry_safe(v, next, &vm->vcpus, siblings) {
		forget(v->vcpu);
		del_vcpu_locked(v);
	}
	vm->gen++;
	WRITE_ONCE(slot->gen, vm->gen);
	smp_wmb(); /* readers look at gen after copying */
	memset((void *)slot + sizeof(slot->gen), 0, sizeof(*slot) - sizeof(slot->gen));
	kvmeter_store_set_logging_locked(vm, false);
	/* Whoever has the session finds it gone, and gives the track back. */
	WRITE_ONCE(vm->track, NULL);
	vm->dirty = (struct kvmeter_dirty){};
	kvmeter_store_write_dirty_locked(vm);
	kvmeter_store_forget_rounds_locked(vm);
	hash_del(&vm->node);
	hash_del_rcu(&vm->mm_node);
	vm->kvm = NULL;
	__clear_bit(vm->index, st->vm_used);
	kvmeter_store_write_index_locked(st->vm_used, vm->index);
	WRITE_ONCE(st->vms_free, st->vms_free + 1);
	forget(NULL);
}

/* What the record of a vCPU of which nothing is known yet says. */
static void begin_rec(struct kvmeter_vcpu_rec *v)
{
	v->where = KVMETER_WHERE_DETOUR;
	v->logging = v->vm->logging;
	v->unproven = true;
	v->subs_on = subs_on;
	v->open = NULL;
	v->open_sub = NULL;
	v->since_ns = 0;
	v->refresh_ns = 0;
	v->first_ns = 0;
	v->user_reason = 0;
	v->off = KVMETER_OFF_NOT;
	v->cpu = U32_MAX;
	v->reason_source = KVMETER_REASON_UNPROVEN;
	v->proofs = 0;
	v->pml_entry_ns = U64_MAX;
	v->nr_rows = 1;
	v->nr_subs = 0;
	v->nr_thieves = 1;
	v->wait_cpu = -1;
	v->fault_write = false;
	v->marked_gfn = U64_MAX;
	v->fault_ns = 0;
	v->seen_fault_ns = 0;
	v->dirtied = 0;
	v->charged = 0;
	v->owes = false;
	v->quota = v->vm->quota_pages;
	v->bucket = (struct kvmeter_bucket){};
	v->rate_pages = 0;
	v->stall = (struct kvmeter_stall){};
	v->stalled_ns = 0;
	v->share_pages = v->vm->quota_pages; /* until it is shared out again */
	v->tick_dirtied = 0;
	v->tick_stalled_ns = 0;
	v->round_dirtied = 0;
	v->kicks = 0;
	v->kicked_ns = 0;
	v->owner = v->vm->nr_owners + 1 < KVMETER_OWNERS ? ++v->vm->nr_owners : 0;
	memset(v->row_of, 0, sizeof(v->row_of));
	memset(v->row_of_l2, 0, sizeof(v->row_of_l2));
	memset(v->sub_head, 0, sizeof(v->sub_head));
}

static struct kvmeter_vcpu_rec *add_vcpu_locked(struct kvm_vcpu *vcpu, bool *changed)
{
	struct kvmeter_vcpu_rec *v = find_vcpu(vcpu);
	struct kvmeter_vm_rec *vm;
	struct kvmeter_vcpu *slot;
	u32 i;

	lockdep_assert_held(&st->lock);
	if (v && v->vm->kvm != vcpu->kvm) {
		/* Its end was missed: see missed_probes. */
		del_vcpu_locked(v);
		v = NULL;
	}
	if (v) {
		if (v->mem_gen != st->mem_gen)
			kvmeter_store_move_vcpu_locked(v);
		return v;
	}
	vm = add_vm_locked(vcpu->kvm, changed);
	i = find_first_zero_bit(st->vcpu_used, kvmeter_max_vcpus);
	if (!vm || i >= kvmeter_max_vcpus)
		return NULL;
	v = &st->vcpus[i];
	v->vm = vm;
	v->slot = kvmeter_vcpu_slot(i);
	v->rows = kvmeter_vcpu_rows(i);
	v->subs = kvmeter_vcpu_subs(i);
	v->thieves = kvmeter_vcpu_thieves(i);
	v->mem_gen = st->mem_gen;
	v->gen++;
	begin_rec(v);

	slot = v->slot;
	slot->vm = vm->index;
	slot->vm_gen = vm->gen;
	slot->vcpu_id = vcpu->vcpu_id;
	slot->nr_rows = 1;
	slot->nr_thieves = 1;
	v->rows[0].min_ns = U64_MAX;
	smp_store_release(&slot->gen, v->gen); /* readers look at gen first */
	kvmeter_vm_slot(vm->index)->nr_vcpus++;

	WRITE_ONCE(v->vcpu, vcpu);
	list_add_tail(&v->siblings, &vm->vcpus);
	hash_add_rcu(vcpu_table, &v->node, (unsigned long)vcpu);
	__set_bit(i, st->vcpu_used);
	kvmeter_store_write_index_locked(st->vcpu_used, i);
	WRITE_ONCE(st->vcpus_free, st->vcpus_free - 1);
	st->host.vcpus_hi = max(st->host.vcpus_hi, i + 1);
	st->host.vcpus_seen++;
	kvmeter_store_write_host_locked();
	return v;
}

static struct kvmeter_vcpu_rec *add_vcpu(struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;
	unsigned long flags;
	bool changed = false;

	raw_spin_lock_irqsave(&st->lock, flags);
	v = add_vcpu_locked(vcpu, &changed);
	raw_spin_unlock_irqrestore(&st->lock, flags);
	if (changed)
		tell_changed();
	return v;
}

/* Is the record in memory that is not used any more, or of a vCPU whose end was missed? */
static bool needs_lock(const struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu)
{
	/* pairs with kvmeter_store_move_vcpu_locked() */
	return smp_load_acquire(&v->mem_gen) != READ_ONCE(st->mem_gen) ||
	       READ_ONCE(v->vm->kvm) != vcpu->kvm;
}

/*
 * May it get a record? When all slots are taken, those left out must not queue for the lock at each
 * switch. Its VM may have one: then so has its address space.
 */
static bool may_have_room(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(st->vcpus_free) &&
	       (READ_ONCE(st->vms_free) || kvmeter_store_find_mm(vcpu->kvm->mm));
}

/**
 * kvmeter_store_find_slow - record of a vCPU that is not the last one seen here
 * @vcpu: the vCPU that is running here
 *
 * Takes the store lock only for a vCPU without a record, or once after the memory moved.
 *
 * Context: probes of that vCPU, preemption off.
 * Return: the record, made if it had none; NULL if there is no room for one.
 */
struct kvmeter_vcpu_rec *kvmeter_store_find_slow(struct kvm_vcpu *vcpu)
{
	struct kvmeter_cpu *cpu = this_cpu_ptr(&kvmeter_cpu);
	struct kvmeter_vcpu_rec *v = find_vcpu(vcpu);

	if (!v && may_have_room(vcpu))
		v = add_vcpu(vcpu);
	else if (v && needs_lock(v, vcpu))
		v = add_vcpu(vcpu);
	if (!v)
		cpu->untracked_vcpus++;
	WRITE_ONCE(cpu->rec, v);
	WRITE_ONCE(cpu->vcpu, vcpu);
	return v;
}

/**
 * kvmeter_store_search_task - kvmeter_store_peek_task() once there is something to search
 * @task: the thread
 *
 * Context: as kvmeter_store_peek_task().
 * Return: the record, or NULL.
 */
struct kvmeter_vcpu_rec *kvmeter_store_search_task(const struct task_struct *task)
{
	u32 chain = hash_ptr(task, KVMETER_TASK_HASH_BITS);
	struct hlist_nulls_node *node;
	struct kvmeter_vcpu_rec *v;

again:
	hlist_nulls_for_each_entry_rcu(v, node, &kvmeter_tasks[chain], task_node)
		if (READ_ONCE(v->task) == task && v->task_start == task->start_time)
			return v;
	/* A record that was looked at may have moved to another chain meanwhile. */
	if (get_nulls_value(node) != chain)
		goto again;
	return NULL;
}

/**
 * kvmeter_store_catch_up - carry a vCPU's counts over, if the memory has moved
 * @v: its record
 *
 * Context: as kvmeter_store_find_task().
 */
void kvmeter_store_catch_up(struct kvmeter_vcpu_rec *v)
{
	unsigned long flags;

	/* pairs with kvmeter_store_move_vcpu_locked() */
	if (likely(smp_load_acquire(&v->mem_gen) == READ_ONCE(st->mem_gen)))
		return;
	raw_spin_lock_irqsave(&st->lock, flags);
	if (v->mem_gen != st->mem_gen && v->vcpu)
		kvmeter_store_move_vcpu_locked(v);
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_find_mm - record of a VM by the address space of its VMM
 * @mm: the address space; of a VMM with several VMs, one of them is found
 *
 * Context: preemption off.
 * Return: the record, or NULL. It may be given back at any time, but not its memory.
 */
struct kvmeter_vm_rec *kvmeter_store_find_mm(const struct mm_struct *mm)
{
	struct kvmeter_vm_rec *vm;

	hash_for_each_possible_rcu_notrace(mm_table, vm, mm_node, (unsigned long)mm)
		if (vm->mm == mm)
			return vm;
	return NULL;
}

/**
 * kvmeter_store_is_gone - does a slot belong to another VM by now, or to none?
 * @vm: the slot
 * @gen: gen that it had
 *
 * Context: any.
 */
bool kvmeter_store_is_gone(u32 vm, u32 gen)
{
	return vm >= kvmeter_max_vms || READ_ONCE(st->vms[vm].gen) != gen;
}

/**
 * kvmeter_store_bind_task - a vCPU is run by this thread from now on, and the thread runs it
 * @v: its record
 * @task: the thread, which is the running one
 *
 * A thread may run several vCPUs in turn: the first in the chain is the one it runs now. Its CPU
 * forgets the vCPU when that thread leaves, so when it is another's by then, it must have before.
 *
 * Context: probes of that vCPU, preemption off. The next one looks it up anew.
 */
void kvmeter_store_bind_task(struct kvmeter_vcpu_rec *v, struct task_struct *task)
{
	unsigned long flags;

	forget(v->vcpu);
	raw_spin_lock_irqsave(&st->lock, flags);
	raw_spin_lock(&v->lock);
	bind_task_locked(v, task);
	raw_spin_unlock(&v->lock);
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_add_vm - give a VM a record and a slot, if it has none
 * @kvm: the VM; the caller keeps it from being destroyed
 *
 * Context: any but NMI.
 */
void kvmeter_store_add_vm(struct kvm *kvm)
{
	unsigned long flags;
	bool changed = false;

	raw_spin_lock_irqsave(&st->lock, flags);
	add_vm_locked(kvm, &changed);
	raw_spin_unlock_irqrestore(&st->lock, flags);
	if (changed)
		tell_changed();
}

/**
 * kvmeter_store_add_vcpu - give a vCPU, and its VM, a record and a slot, if it has none
 * @vcpu: the vCPU; the caller keeps it from being destroyed
 *
 * Context: at load, before the memory can be moved: a vCPU with a record may be running.
 */
void kvmeter_store_add_vcpu(struct kvm_vcpu *vcpu)
{
	add_vcpu(vcpu);
}

/**
 * kvmeter_store_del_vm - take back the record and slot of a VM and of all its vCPUs
 * @kvm: the VM, which is being destroyed
 *
 * Context: any but NMI; none of its vCPUs runs.
 */
void kvmeter_store_del_vm(struct kvm *kvm)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm)
		del_vm_locked(vm);
	raw_spin_unlock_irqrestore(&st->lock, flags);
	if (vm)
		tell_changed();
}

/**
 * kvmeter_store_del_vcpu - take back the record and slot of a vCPU
 * @vcpu: the vCPU, which is being destroyed and does not run
 *
 * Context: any but NMI.
 */
void kvmeter_store_del_vcpu(struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;
	unsigned long flags;

	raw_spin_lock_irqsave(&st->lock, flags);
	forget(vcpu);
	v = find_vcpu(vcpu);
	if (v)
		del_vcpu_locked(v);
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_set_feature - say that a feature is on
 * @feature: KVMETER_FEATURE_*
 *
 * Context: process.
 */
void kvmeter_store_set_feature(u32 feature)
{
	raw_spin_lock_irq(&st->lock);
	st->host.features |= feature;
	kvmeter_store_write_host_locked();
	raw_spin_unlock_irq(&st->lock);
}

/**
 * kvmeter_store_set_reason_source - say where exit reasons come from
 * @source: enum kvmeter_reason_source; it never goes down
 *
 * Context: any but NMI.
 */
void kvmeter_store_set_reason_source(u32 source)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&st->lock, flags);
	st->host.reason_source = max(st->host.reason_source, source);
	kvmeter_store_write_host_locked();
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_set_subs - count sub-reasons, or stop to
 * @on: which of the two
 *
 * Context: process; also before kvmeter_store_init().
 */
void kvmeter_store_set_subs(bool on)
{
	u32 i;

	raw_spin_lock_irq(&st->lock);
	subs_on = on;
	st->host.features &= ~KVMETER_FEATURE_SUB;
	if (on)
		st->host.features |= KVMETER_FEATURE_SUB;
	for (i = 0; st->vcpus && i < kvmeter_max_vcpus; i++)
		WRITE_ONCE(st->vcpus[i].subs_on, on);
	if (st->vcpus)
		kvmeter_store_write_host_locked();
	raw_spin_unlock_irq(&st->lock);
}

/**
 * kvmeter_store_set_pages - page sizes that KVM has mapped for a VM
 * @vm: its record
 * @nr_4k: pages of 4 KiB
 * @nr_2m: pages of 2 MiB
 * @nr_1g: pages of 1 GiB
 *
 * Context: probes of one of its vCPUs, preemption off.
 */
void kvmeter_store_set_pages(const struct kvmeter_vm_rec *vm, u64 nr_4k, u64 nr_2m, u64 nr_1g)
{
	struct kvmeter_vm *slot = kvmeter_vm_slot(vm->index);

	WRITE_ONCE(slot->pages_4k, nr_4k);
	WRITE_ONCE(slot->pages_2m, nr_2m);
	WRITE_ONCE(slot->pages_1g, nr_1g);
}

static bool bad_limit(const char *name, u32 value, u32 limit)
{
	if (value && value <= limit && value % 64 == 0)
		return false;
	pr_err("kvmeter: load failed: %s=%u is not a multiple of 64 in [64, %u] (%d)\n",
	       name, value, limit, -EINVAL);
	return true;
}

/**
 * kvmeter_store_init - records and arrays for as many VMs and vCPUs as the parameters allow
 * @changed: called, in any context, after a VM was added or deleted
 * @gone: called, with the store lock and the record's held, when a vCPU is deleted
 * @vendor: enum kvmeter_vendor of this host
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int kvmeter_store_init(void (*changed)(void), void (*gone)(struct kvmeter_vcpu_rec *v), u32 vendor)
{
	u32 i;

	if (bad_limit("max_vms", kvmeter_max_vms, KVMETER_VMS_LIMIT) ||
	    bad_limit("max_vcpus", kvmeter_max_vcpus, KVMETER_VCPUS_LIMIT))
		return -EINVAL;

	tell_changed = changed;
	tell_gone = gone;
	for (i = 0; i < ARRAY_SIZE(kvmeter_tasks); i++)
		INIT_HLIST_NULLS_HEAD(&kvmeter_tasks[i], i);
	st->vms = kvcalloc(kvmeter_max_vms, sizeof(*st->vms), KVMETER_GFP);
	st->vcpus = kvcalloc(kvmeter_max_vcpus, sizeof(*st->vcpus), KVMETER_GFP);
	st->vm_used = bitmap_zalloc(kvmeter_max_vms, KVMETER_GFP);
	st->vcpu_used = bitmap_zalloc(kvmeter_max_vcpus, KVMETER_GFP);
	if (!st->vms || !st->vcpus || !st->vm_used || !st->vcpu_used ||
	    kvmeter_store_alloc_mem(&st->mem)) {
		pr_err("kvmeter: load failed: no memory for max_vcpus=%u (%d)\n",
		       kvmeter_max_vcpus, -ENOMEM);
		kvmeter_store_exit();
		return -ENOMEM;
	}
	for (i = 0; i < kvmeter_max_vms; i++)
		st->vms[i].index = i;
	for (i = 0; i < kvmeter_max_vcpus; i++) {
		st->vcpus[i].index = i;
		raw_spin_lock_init(&st->vcpus[i].lock);
	}
	st->vms_free = kvmeter_max_vms;
	st->vcpus_free = kvmeter_max_vcpus;

	st->host.abi = KVMETER_ABI;
	st->host.vendor = vendor;
	st->host.max_vms = kvmeter_max_vms;
	st->host.max_vcpus = kvmeter_max_vcpus;
	st->host.tsc_mult = kvmeter_tsc_mult;
	st->host.load_ns = kvmeter_clock_now();
	st->host.mono_offset_ns = ktime_get_ns() - st->host.load_ns;
	raw_spin_lock_irq(&st->lock);
	kvmeter_store_write_host_locked();
	raw_spin_unlock_irq(&st->lock);
	return 0;
}

/**
 * kvmeter_store_exit - undo kvmeter_store_init()
 *
 * Context: may sleep; no probe and no view is left, and the counts are in the module's own memory.
 */
void kvmeter_store_exit(void)
{
	kvmeter_store_free_mem(&st->mem);
	bitmap_free(st->vcpu_used);
	bitmap_free(st->vm_used);
	kvfree(st->vcpus);
	kvfree(st->vms);
}
