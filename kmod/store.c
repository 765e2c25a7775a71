// SPDX-License-Identifier: GPL-2.0-only
/* Records of VMs and vCPUs: found, made, given back; and their slots in the shared arrays. */
#include <linux/bitmap.h>
#include <linux/dcache.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "store.h"

u32 kvmeter_max_vms = 256;
module_param_named(max_vms, kvmeter_max_vms, uint, 0444);
MODULE_PARM_DESC(max_vms, "VMs that can be tracked at once, a multiple of 64 in [64, 4096]");

u32 kvmeter_max_vcpus = 1024;
module_param_named(max_vcpus, kvmeter_max_vcpus, uint, 0444);
MODULE_PARM_DESC(max_vcpus, "vCPUs that can be tracked at once, a multiple of 64 in [64, 16384]");

DEFINE_PER_CPU(struct kvmeter_cpu, kvmeter_cpu);

static DEFINE_RAW_SPINLOCK(store_lock);
static DEFINE_HASHTABLE(vcpu_table, 10); /* by struct kvm_vcpu */
static DEFINE_HASHTABLE(vm_table, 8);	 /* by struct kvm */

/* Under store_lock, but for the pointers, which are set once at init. */
static struct kvmeter_vm_rec *vms;
static struct kvmeter_vcpu_rec *vcpus;
static unsigned long *vm_used;
static unsigned long *vcpu_used;
static struct kvmeter_host host;
static struct kvmeter_mem mem;
static u32 mem_gen;
static u32 vcpus_free;
static void (*tell_changed)(void);

static struct kvmeter_vm *vm_slot(u32 i)
{
	return (struct kvmeter_vm *)mem.map[KVMETER_MAP_VMS] + i;
}

static struct kvmeter_vcpu *vcpu_slot(u32 i)
{
	return (struct kvmeter_vcpu *)mem.map[KVMETER_MAP_VCPUS] + i;
}

static struct kvmeter_exit *vcpu_rows(u32 i)
{
	return (struct kvmeter_exit *)mem.map[KVMETER_MAP_EXITS] + (size_t)i * KVMETER_EXIT_ROWS;
}

static void write_host_locked(void)
{
	lockdep_assert_held(&store_lock);
	*(struct kvmeter_host *)mem.map[KVMETER_MAP_HOST] = host;
}

static void write_index_locked(const unsigned long *used, u32 i)
{
	struct kvmeter_index *index = mem.map[KVMETER_MAP_INDEX];

	lockdep_assert_held(&store_lock);
	if (used == vm_used)
		WRITE_ONCE(index[i / 64].vms, used[i / 64]);
	else
		WRITE_ONCE(index[i / 64].vcpus, used[i / 64]);
}

static void write_log_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_vm *slot = vm_slot(vm->index);

	lockdep_assert_held(&store_lock);
	slot->log_slots = vm->log_slots;
	slot->log_pages = vm->log_pages;
	WRITE_ONCE(slot->log_state, !vm->scanned ? KVMETER_LOG_UNKNOWN :
				    vm->log_slots ? KVMETER_LOG_ON : KVMETER_LOG_OFF);
	WRITE_ONCE(vm->logging, vm->scanned && vm->log_slots);
}

/* What had no record is counted by CPU: bring the sums up to date. */
static void sum_untracked_locked(void)
{
	const struct kvmeter_cpu *c;
	int cpu;

	lockdep_assert_held(&store_lock);
	host.untracked_vcpus = 0;
	host.untracked_exits = 0;
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&kvmeter_cpu, cpu);
		host.untracked_vcpus += READ_ONCE(c->untracked_vcpus);
		host.untracked_exits += READ_ONCE(c->untracked_exits);
	}
}

/* Make CPUs forget a vCPU, and those vCPUs that had no record: there may be room now. */
static void forget_locked(struct kvm_vcpu *vcpu)
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

static struct kvmeter_vm_rec *find_vm_locked(const struct kvm *kvm)
{
	struct kvmeter_vm_rec *vm;

	lockdep_assert_held(&store_lock);
	hash_for_each_possible(vm_table, vm, node, (unsigned long)kvm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

/* Reads without the lock too: a record may move to another chain meanwhile, then it is not found. */
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
	struct kvmeter_vm_rec *vm = find_vm_locked(kvm);
	struct kvmeter_vm *slot;
	u32 i;

	/* A VM that is being destroyed still commits changes of slots, after its end was seen. */
	if (vm || !refcount_read(&kvm->users_count))
		return vm;
	i = find_first_zero_bit(vm_used, kvmeter_max_vms);
	if (i >= kvmeter_max_vms) {
		host.untracked_vms++;
		write_host_locked();
		return NULL;
	}
	vm = &vms[i];
	vm->kvm = kvm;
	vm->tdx = kvmeter_vm_is_tdx(kvm);
	vm->scanned = false;
	vm->log_slots = 0;
	vm->log_pages = 0;
	vm->gen++;
	name_vm(kvm, vm->id, sizeof(vm->id));
	INIT_LIST_HEAD(&vm->vcpus);
	hash_add(vm_table, &vm->node, (unsigned long)kvm);

	slot = vm_slot(i);
	slot->pid = kvm->userspace_pid;
	slot->first_ns = ktime_get_mono_fast_ns();
	memcpy(slot->id, vm->id, sizeof(slot->id));
	write_log_locked(vm);
	smp_store_release(&slot->gen, vm->gen);
	__set_bit(i, vm_used);
	write_index_locked(vm_used, i);
	host.vms_hi = max(host.vms_hi, i + 1);
	host.vms_seen++;
	write_host_locked();
	*changed = true;
	return vm;
}

static void del_vcpu_locked(struct kvmeter_vcpu_rec *v)
{
	struct kvmeter_vcpu *slot = vcpu_slot(v->index);

	lockdep_assert_held(&store_lock);
	v->gen++;
	WRITE_ONCE(slot->gen, v->gen);
	smp_wmb(); /* readers look at gen after copying */
	memset(vcpu_rows(v->index), 0, v->nr_rows * sizeof(struct kvmeter_exit));
	memset((void *)slot + sizeof(slot->gen), 0, sizeof(*slot) - sizeof(slot->gen));

	hash_del_rcu(&v->node);
	list_del(&v->siblings);
	vm_slot(v->vm->index)->nr_vcpus--;
	WRITE_ONCE(v->vcpu, NULL);
	__clear_bit(v->index, vcpu_used);
	write_index_locked(vcpu_used, v->index);
	WRITE_ONCE(vcpus_free, vcpus_free + 1);
	sum_untracked_locked();
	write_host_locked();
}

static void del_vm_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_vm *slot = vm_slot(vm->index);
	struct kvmeter_vcpu_rec *v, *next;

	list_for_each_entry_safe(v, next, &vm->vcpus, siblings) {
		forget_locked(v->vcpu);
		del_vcpu_locked(v);
	}
	vm->gen++;
	WRITE_ONCE(slot->gen, vm->gen);
	smp_wmb(); /* readers look at gen after copying */
	memset((void *)slot + sizeof(slot->gen), 0, sizeof(*slot) - sizeof(slot->gen));
	hash_del(&vm->node);
	vm->kvm = NULL;
	__clear_bit(vm->index, vm_used);
	write_index_locked(vm_used, vm->index);
}

/* Carry a vCPU's counts to the memory in use now. No probe of it may run but the caller's. */
static void move_vcpu_locked(struct kvmeter_vcpu_rec *v)
{
	struct kvmeter_vcpu *slot = vcpu_slot(v->index);
	struct kvmeter_exit *rows = vcpu_rows(v->index);

	lockdep_assert_held(&store_lock);
	memcpy(rows, v->rows, v->nr_rows * sizeof(*rows));
	*slot = *v->slot;
	if (v->open)
		v->open = rows + (v->open - v->rows);
	v->slot = slot;
	v->rows = rows;
	smp_store_release(&v->mem_gen, mem_gen); /* find_slow() reads it without the lock */
}

static struct kvmeter_vcpu_rec *add_vcpu_locked(struct kvm_vcpu *vcpu, bool *changed)
{
	struct kvmeter_vcpu_rec *v = find_vcpu(vcpu);
	struct kvmeter_vm_rec *vm;
	struct kvmeter_vcpu *slot;
	u32 i;

	lockdep_assert_held(&store_lock);
	if (v && v->vm->kvm != vcpu->kvm) {
		/* Its end was missed: a kprobe can be switched off. */
		del_vcpu_locked(v);
		v = NULL;
	}
	if (v) {
		if (v->mem_gen != mem_gen)
			move_vcpu_locked(v);
		return v;
	}
	vm = add_vm_locked(vcpu->kvm, changed);
	i = find_first_zero_bit(vcpu_used, kvmeter_max_vcpus);
	if (!vm || i >= kvmeter_max_vcpus)
		return NULL;
	v = &vcpus[i];
	v->vm = vm;
	v->task = NULL;
	v->open = NULL;
	v->reason_source = KVMETER_REASON_UNPROVEN;
	v->proofs = 0;
	v->exit_tsc = 0;
	v->pml_exit_tsc = U64_MAX;
	v->nr_rows = 1;
	memset(v->row_of, 0, sizeof(v->row_of));
	v->slot = vcpu_slot(i);
	v->rows = vcpu_rows(i);
	v->mem_gen = mem_gen;
	v->gen++;

	slot = v->slot;
	slot->vm = vm->index;
	slot->vm_gen = vm->gen;
	slot->vcpu_id = vcpu->vcpu_id;
	slot->nr_rows = 1;
	slot->first_ns = ktime_get_mono_fast_ns();
	v->rows[0].min_ns = U64_MAX;
	smp_store_release(&slot->gen, v->gen);
	vm_slot(vm->index)->nr_vcpus++;

	WRITE_ONCE(v->vcpu, vcpu);
	list_add_tail(&v->siblings, &vm->vcpus);
	hash_add_rcu(vcpu_table, &v->node, (unsigned long)vcpu);
	__set_bit(i, vcpu_used);
	write_index_locked(vcpu_used, i);
	WRITE_ONCE(vcpus_free, vcpus_free - 1);
	host.vcpus_hi = max(host.vcpus_hi, i + 1);
	host.vcpus_seen++;
	write_host_locked();
	return v;
}

static struct kvmeter_vcpu_rec *add_vcpu(struct kvm_vcpu *vcpu)
{
	struct kvmeter_vcpu_rec *v;
	unsigned long flags;
	bool changed = false;

	raw_spin_lock_irqsave(&store_lock, flags);
	v = add_vcpu_locked(vcpu, &changed);
	raw_spin_unlock_irqrestore(&store_lock, flags);
	if (changed)
		tell_changed();
	return v;
}

/**
 * kvmeter_store_find_slow - kvmeter_store_find() for a vCPU that is not the last one seen here
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

	/* When all slots are taken, those left out must not queue for the lock at each switch. */
	if (!v && READ_ONCE(vcpus_free))
		v = add_vcpu(vcpu);
	else if (v && (smp_load_acquire(&v->mem_gen) != READ_ONCE(mem_gen) ||
		       READ_ONCE(v->vm->kvm) != vcpu->kvm))
		v = add_vcpu(vcpu);
	if (!v)
		cpu->untracked_vcpus++;
	WRITE_ONCE(cpu->rec, v);
	WRITE_ONCE(cpu->vcpu, vcpu);
	return v;
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

	raw_spin_lock_irqsave(&store_lock, flags);
	add_vm_locked(kvm, &changed);
	raw_spin_unlock_irqrestore(&store_lock, flags);
	if (changed)
		tell_changed();
}

/**
 * kvmeter_store_add_vcpu - give a vCPU, and its VM, a record and a slot, if it has none
 * @vcpu: the vCPU; the caller keeps it from being destroyed
 *
 * Context: at load, before the memory can be moved: a vCPU that has a record already may be running.
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

	raw_spin_lock_irqsave(&store_lock, flags);
	vm = find_vm_locked(kvm);
	if (vm)
		del_vm_locked(vm);
	raw_spin_unlock_irqrestore(&store_lock, flags);
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

	raw_spin_lock_irqsave(&store_lock, flags);
	forget_locked(vcpu);
	v = find_vcpu(vcpu);
	if (v)
		del_vcpu_locked(v);
	raw_spin_unlock_irqrestore(&store_lock, flags);
}

/**
 * kvmeter_store_set_log - what dirty logging a VM has on, counted from scratch
 * @kvm: the VM
 * @slots: memory slots that log
 * @pages: pages in them
 *
 * Context: process, kvm->slots_lock held, so that no change can come in between.
 */
void kvmeter_store_set_log(struct kvm *kvm, u32 slots, u64 pages)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&store_lock, flags);
	vm = find_vm_locked(kvm);
	if (vm) {
		vm->log_slots = slots;
		vm->log_pages = pages;
		vm->scanned = true;
		write_log_locked(vm);
	}
	raw_spin_unlock_irqrestore(&store_lock, flags);
}

/**
 * kvmeter_store_change_log - a memory slot of a VM begins or ends to log
 * @kvm: the VM
 * @slots: change in the number of slots that log
 * @pages: change in their pages
 *
 * Context: kvm->slots_lock held by the caller or what it probes. Ignored until
 * kvmeter_store_set_log() has set where to count from.
 */
void kvmeter_store_change_log(struct kvm *kvm, int slots, s64 pages)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&store_lock, flags);
	vm = find_vm_locked(kvm);
	if (vm && vm->scanned) {
		vm->log_slots += slots;
		vm->log_pages += pages;
		write_log_locked(vm);
	}
	raw_spin_unlock_irqrestore(&store_lock, flags);
}

/**
 * kvmeter_store_next_unscanned - a VM whose logging is to be counted from scratch
 * @vm: slot to look at first; moved behind the one found
 *
 * Context: process.
 * Return: the VM, an identity that must not be dereferenced; NULL if there is none.
 */
struct kvm *kvmeter_store_next_unscanned(u32 *vm)
{
	struct kvm *kvm = NULL;

	raw_spin_lock_irq(&store_lock);
	for (; !kvm && *vm < kvmeter_max_vms; (*vm)++)
		if (vms[*vm].kvm && !vms[*vm].scanned)
			kvm = vms[*vm].kvm;
	raw_spin_unlock_irq(&store_lock);
	return kvm;
}

/**
 * kvmeter_store_set_feature - say that a feature is on
 * @feature: KVMETER_FEATURE_*
 *
 * Context: process.
 */
void kvmeter_store_set_feature(u32 feature)
{
	raw_spin_lock_irq(&store_lock);
	host.features |= feature;
	write_host_locked();
	raw_spin_unlock_irq(&store_lock);
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

	raw_spin_lock_irqsave(&store_lock, flags);
	host.reason_source = max(host.reason_source, source);
	write_host_locked();
	raw_spin_unlock_irqrestore(&store_lock, flags);
}

/*
 * Every CPU's next probe has to look up its vCPU anew, and sees all that was written before this.
 * Probes run with preemption off, so synchronize_rcu() waits for those under way. The second one is
 * for a probe that found its vCPU before it was made to forget.
 */
static void forget_all(void)
{
	int cpu;

	synchronize_rcu();
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(kvmeter_cpu, cpu).vcpu, NULL);
	synchronize_rcu();
}

/**
 * kvmeter_store_move - keep the counts in other memory from now on, without losing one
 * @to: where to; overwritten
 * @from: filled in with where they were; nothing of ours touches that any more
 *
 * VM slots, which are written under the lock, move at once. A vCPU that runs carries its own counts
 * over at its next exit or entry; those that do not run by then are carried over from here.
 *
 * Context: may sleep; store mutex held.
 */
void kvmeter_store_move(const struct kvmeter_mem *to, struct kvmeter_mem *from)
{
	u32 i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		memset(to->map[i], 0, kvmeter_store_map_value_size(i) *
				      kvmeter_store_map_entries(i));
		cond_resched();
	}

	raw_spin_lock_irq(&store_lock);
	for (i = KVMETER_MAP_INDEX; i <= KVMETER_MAP_VMS; i++)
		memcpy(to->map[i], mem.map[i], kvmeter_store_map_value_size(i) *
					       kvmeter_store_map_entries(i));
	*from = mem;
	mem = *to;
	write_host_locked();
	for (i = 0; i < host.vcpus_hi; i++)
		if (!vcpus[i].vcpu)
			vcpu_slot(i)->gen = vcpus[i].gen;
	WRITE_ONCE(mem_gen, mem_gen + 1);
	raw_spin_unlock_irq(&store_lock);

	forget_all();

	for (i = 0; i < kvmeter_max_vcpus; i++) {
		raw_spin_lock_irq(&store_lock);
		if (vcpus[i].vcpu && vcpus[i].mem_gen != mem_gen)
			move_vcpu_locked(&vcpus[i]);
		raw_spin_unlock_irq(&store_lock);
	}
}

/**
 * kvmeter_store_forget_mem - turn away from arrays that are not the module's own, at unload
 *
 * Their used-slot index is cleared: whoever still has them sees that nothing in them lives.
 *
 * Context: process; no probe and no view is left.
 */
void kvmeter_store_forget_mem(void)
{
	memset(mem.map[KVMETER_MAP_INDEX], 0, kvmeter_store_map_value_size(KVMETER_MAP_INDEX) *
					      kvmeter_store_map_entries(KVMETER_MAP_INDEX));
	memset(&mem, 0, sizeof(mem));
}

/**
 * kvmeter_store_get_host - copy of the host's values
 * @out: filled in
 *
 * Context: process.
 */
void kvmeter_store_get_host(struct kvmeter_host *out)
{
	raw_spin_lock_irq(&store_lock);
	sum_untracked_locked();
	write_host_locked();
	*out = host;
	raw_spin_unlock_irq(&store_lock);
}

/**
 * kvmeter_store_get_vm - copy of a VM's slot
 * @vm: the slot
 * @out: filled in
 *
 * Context: process.
 * Return: false if the slot is not in use.
 */
bool kvmeter_store_get_vm(u32 vm, struct kvmeter_vm *out)
{
	bool used = false;

	raw_spin_lock_irq(&store_lock);
	if (vm < kvmeter_max_vms && vms[vm].kvm) {
		*out = *vm_slot(vm);
		/* What decides anything is taken from the record: the slot can be written to. */
		out->gen = vms[vm].gen;
		memcpy(out->id, vms[vm].id, sizeof(out->id));
		used = true;
	}
	raw_spin_unlock_irq(&store_lock);
	return used;
}

/**
 * kvmeter_store_get_vcpu - consistent copy of a vCPU's slot and rows
 * @vcpu: the slot
 * @out: filled in
 * @rows: KVMETER_EXIT_ROWS of them, filled in as far as out->nr_rows says; or NULL
 *
 * The lock keeps the slot with its vCPU; the sequence number tells of a probe in between. After
 * some tries a copy is given as it is.
 *
 * Context: process.
 * Return: false if the slot is not in use.
 */
bool kvmeter_store_get_vcpu(u32 vcpu, struct kvmeter_vcpu *out, struct kvmeter_exit *rows)
{
	struct kvmeter_vcpu_rec *v = &vcpus[vcpu];
	unsigned int tries = 16;
	bool used = false;
	u32 seq;

	raw_spin_lock_irq(&store_lock);
	if (vcpu < kvmeter_max_vcpus && v->vcpu) {
		used = true;
		do {
			seq = READ_ONCE(v->slot->seq);
			smp_rmb(); /* pairs with kvmeter_store_write_end() */
			*out = *v->slot;
			out->nr_rows = READ_ONCE(v->nr_rows);
			if (rows)
				memcpy(rows, v->rows, out->nr_rows * sizeof(*rows));
			smp_rmb(); /* pairs with kvmeter_store_write_begin() */
		} while (((seq & 1) || READ_ONCE(v->slot->seq) != seq) && --tries);
		out->gen = v->gen;
		out->vm = v->vm->index;
		out->vm_gen = v->vm->gen;
	}
	raw_spin_unlock_irq(&store_lock);
	return used;
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
 * @vendor: enum kvmeter_vendor of this host
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int kvmeter_store_init(void (*changed)(void), u32 vendor)
{
	u32 i;

	if (bad_limit("max_vms", kvmeter_max_vms, KVMETER_VMS_LIMIT) ||
	    bad_limit("max_vcpus", kvmeter_max_vcpus, KVMETER_VCPUS_LIMIT))
		return -EINVAL;

	tell_changed = changed;
	vms = kvcalloc(kvmeter_max_vms, sizeof(*vms), GFP_KERNEL);
	vcpus = kvcalloc(kvmeter_max_vcpus, sizeof(*vcpus), GFP_KERNEL);
	vm_used = bitmap_zalloc(kvmeter_max_vms, GFP_KERNEL);
	vcpu_used = bitmap_zalloc(kvmeter_max_vcpus, GFP_KERNEL);
	if (!vms || !vcpus || !vm_used || !vcpu_used || kvmeter_store_alloc_mem(&mem)) {
		pr_err("kvmeter: load failed: no memory for max_vcpus=%u (%d)\n",
		       kvmeter_max_vcpus, -ENOMEM);
		kvmeter_store_exit();
		return -ENOMEM;
	}
	for (i = 0; i < kvmeter_max_vms; i++)
		vms[i].index = i;
	for (i = 0; i < kvmeter_max_vcpus; i++)
		vcpus[i].index = i;
	vcpus_free = kvmeter_max_vcpus;

	host.abi = KVMETER_ABI;
	host.vendor = vendor;
	host.max_vms = kvmeter_max_vms;
	host.max_vcpus = kvmeter_max_vcpus;
	host.load_ns = ktime_get_ns();
	raw_spin_lock_irq(&store_lock);
	write_host_locked();
	raw_spin_unlock_irq(&store_lock);
	return 0;
}

/**
 * kvmeter_store_exit - undo kvmeter_store_init()
 *
 * Context: may sleep; no probe and no view is left, and the counts are in the module's own memory.
 */
void kvmeter_store_exit(void)
{
	kvmeter_store_free_mem(&mem);
	bitmap_free(vcpu_used);
	bitmap_free(vm_used);
	kvfree(vcpus);
	kvfree(vms);
}
