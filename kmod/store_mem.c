// SPDX-License-Identifier: GPL-2.0-only
/* The store's arrays as a whole: moved to other memory without losing a count, copied out of. */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "clock.h"
#include "store_impl.h"

static struct kvmeter_store *const st = &kvmeter_store;

/**
 * kvmeter_store_write_host_locked - show readers the host's values
 *
 * Context: store lock held.
 */
void kvmeter_store_write_host_locked(void)
{
	lockdep_assert_held(&st->lock);
	*(struct kvmeter_host *)st->mem.map[KVMETER_MAP_HOST] = st->host;
}

/**
 * kvmeter_store_sum_untracked_locked - bring the counts of what had no record up to date
 *
 * They are kept by CPU.
 *
 * Context: store lock held.
 */
void kvmeter_store_sum_untracked_locked(void)
{
	const struct kvmeter_cpu *c;
	int cpu;

	lockdep_assert_held(&st->lock);
	st->host.untracked_vcpus = 0;
	st->host.untracked_exits = 0;
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&kvmeter_cpu, cpu);
		st->host.untracked_vcpus += READ_ONCE(c->untracked_vcpus);
		st->host.untracked_exits += READ_ONCE(c->untracked_exits);
	}
}

/**
 * kvmeter_store_move_vcpu_locked - carry a vCPU's counts to the memory in use now
 * @v: its record
 *
 * Context: store lock held; no probe of that vCPU runs but the caller's, or one of the scheduler's,
 * which waits for the record's lock.
 */
void kvmeter_store_move_vcpu_locked(struct kvmeter_vcpu_rec *v)
{
	struct kvmeter_vcpu *slot = kvmeter_vcpu_slot(v->index);
	struct kvmeter_exit *rows = kvmeter_vcpu_rows(v->index);
	struct kvmeter_sub *subs = kvmeter_vcpu_subs(v->index);
	struct kvmeter_thief *thieves = kvmeter_vcpu_thieves(v->index);

	lockdep_assert_held(&st->lock);
	raw_spin_lock(&v->lock);
	memcpy(rows, v->rows, v->nr_rows * sizeof(*rows));
	memcpy(subs, v->subs, v->nr_subs * sizeof(*subs));
	memcpy(thieves, v->thieves, v->nr_thieves * sizeof(*thieves));
	*slot = *v->slot;
	if (v->open)
		v->open = rows + (v->open - v->rows);
	if (v->open_sub)
		v->open_sub = subs + (v->open_sub - v->subs);
	v->slot = slot;
	v->rows = rows;
	v->subs = subs;
	v->thieves = thieves;
	smp_store_release(&v->mem_gen, st->mem_gen); /* find_slow() reads it without the lock */
	raw_spin_unlock(&v->lock);
}

/* Who may write to the old memory has no say in which slots are in use, and whose they are. */
static void move_vm_locked(const struct kvmeter_vm_rec *vm, const struct kvmeter_vm *old)
{
	struct kvmeter_vm *slot = kvmeter_vm_slot(vm->index);

	lockdep_assert_held(&st->lock);
	if (vm->kvm) {
		*slot = old[vm->index];
		slot->pid = vm->pid;
		memcpy(slot->id, vm->id, sizeof(slot->id));
	}
	slot->gen = vm->gen;
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

	raw_spin_lock_irq(&st->lock);
	*from = st->mem;
	st->mem = *to;
	kvmeter_store_write_host_locked();
	for (i = 0; i < st->host.vms_hi; i++) {
		move_vm_locked(&st->vms[i], from->map[KVMETER_MAP_VMS]);
		kvmeter_store_write_dirty_locked(&st->vms[i]);
		kvmeter_store_write_migration_locked(&st->vms[i]);
	}
	for (i = 0; i < st->host.vcpus_hi; i++)
		if (!st->vcpus[i].vcpu)
			kvmeter_vcpu_slot(i)->gen = st->vcpus[i].gen;
	for (i = 0; i < kvmeter_max_vms; i += 64)
		kvmeter_store_write_index_locked(st->vm_used, i);
	for (i = 0; i < kvmeter_max_vcpus; i += 64)
		kvmeter_store_write_index_locked(st->vcpu_used, i);
	WRITE_ONCE(st->mem_gen, st->mem_gen + 1);
	raw_spin_unlock_irq(&st->lock);

	forget_all();

	for (i = 0; i < kvmeter_max_vcpus; i++) {
		raw_spin_lock_irq(&st->lock);
		if (st->vcpus[i].vcpu && st->vcpus[i].mem_gen != st->mem_gen)
			kvmeter_store_move_vcpu_locked(&st->vcpus[i]);
		raw_spin_unlock_irq(&st->lock);
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
	memset(st->mem.map[KVMETER_MAP_INDEX], 0, kvmeter_store_map_value_size(KVMETER_MAP_INDEX) *
					      kvmeter_store_map_entries(KVMETER_MAP_INDEX));
	memset(&st->mem, 0, sizeof(st->mem));
}

/**
 * kvmeter_store_get_host - copy of the host's values
 * @out: filled in
 *
 * Context: process.
 */
void kvmeter_store_get_host(struct kvmeter_host *out)
{
	raw_spin_lock_irq(&st->lock);
	kvmeter_store_sum_untracked_locked();
	kvmeter_store_write_host_locked();
	*out = st->host;
	raw_spin_unlock_irq(&st->lock);
}

static void copy_racing(void *to, const void *from, size_t bytes)
{
	/* Probes may write to it: each word is whole, and a vCPU's are copied until they fit. */
	data_race(memcpy(to, from, bytes));
}

/**
 * kvmeter_store_get_vm - copy of a VM's slot
 * @vm: the slot
 * @out: filled in
 * @dirty: filled in with what it dirties; or NULL
 * @migration: filled in with its migration; or NULL
 *
 * Context: process.
 * Return: false if the slot is not in use.
 */
bool kvmeter_store_get_vm(u32 vm, struct kvmeter_vm *out, struct kvmeter_dirty *dirty,
			  struct kvmeter_migration *migration)
{
	bool used = false;

	raw_spin_lock_irq(&st->lock);
	if (vm < kvmeter_max_vms && st->vms[vm].kvm) {
		copy_racing(out, kvmeter_vm_slot(vm), sizeof(*out));
		/* What decides anything is taken from the record: the slot can be written to. */
		out->gen = st->vms[vm].gen;
		memcpy(out->id, st->vms[vm].id, sizeof(out->id));
		if (dirty)
			*dirty = st->vms[vm].dirty;
		if (migration)
			*migration = st->vms[vm].rounds.shown;
		used = true;
	}
	raw_spin_unlock_irq(&st->lock);
	return used;
}

/**
 * kvmeter_store_next_vcpu - the next slot that a VM's vCPU has
 * @vm: slot of the VM
 * @gen: gen of that slot
 * @from: where to begin, less than that of the slot after the last one
 *
 * Slots of others are passed over without a copy or a lock: a host may have thousands, and each VM
 * has tables of its own.
 *
 * Context: any. The slot may be another's by the time it is looked at.
 * Return: the slot; kvmeter_max_vcpus if there is none.
 */
u32 kvmeter_store_next_vcpu(u32 vm, u32 gen, u32 from)
{
	const struct kvmeter_vm_rec *rec = &st->vms[vm];
	u32 hi = READ_ONCE(st->host.vcpus_hi);
	const struct kvmeter_vcpu_rec *v;

	for (; from < hi && READ_ONCE(rec->gen) == gen; from++) {
		v = &st->vcpus[from];
		if (READ_ONCE(v->vcpu) && READ_ONCE(v->vm) == rec)
			return from;
	}
	return kvmeter_max_vcpus;
}

/**
 * kvmeter_store_get_vcpu - consistent copy of a vCPU's slot and rows
 * @vcpu: the slot
 * @out: filled in
 * @now_ns: set to the ledger clock at that time; or NULL
 * @rows: KVMETER_EXIT_ROWS of them, filled in as far as out->nr_rows says; or NULL
 * @subs: KVMETER_SUB_ROWS of them, filled in as far as out->nr_subs says; or NULL
 * @thieves: KVMETER_THIEF_ROWS of them, filled in as far as out->nr_thieves says; or NULL
 *
 * The lock keeps the slot with its vCPU; the sequence number tells of a probe in between. After
 * some tries a copy is given as it is.
 *
 * Context: process.
 * Return: false if the slot is not in use.
 */
bool kvmeter_store_get_vcpu(u32 vcpu, struct kvmeter_vcpu *out, u64 *now_ns,
			    struct kvmeter_exit *rows, struct kvmeter_sub *subs,
			    struct kvmeter_thief *thieves)
{
	struct kvmeter_vcpu_rec *v = &st->vcpus[vcpu];
	unsigned int tries = 16;
	bool used = false;
	u32 seq;

	raw_spin_lock_irq(&st->lock);
	if (vcpu < kvmeter_max_vcpus && v->vcpu) {
		used = true;
		do {
			seq = READ_ONCE(v->slot->seq);
			smp_rmb(); /* pairs with kvmeter_store_write_end() */
			copy_racing(out, v->slot, sizeof(*out));
			out->nr_rows = READ_ONCE(v->nr_rows);
			if (rows)
				copy_racing(rows, v->rows, out->nr_rows * sizeof(*rows));
			out->nr_subs = READ_ONCE(v->nr_subs);
			if (subs)
				copy_racing(subs, v->subs, out->nr_subs * sizeof(*subs));
			out->nr_thieves = READ_ONCE(v->nr_thieves);
			if (thieves)
				copy_racing(thieves, v->thieves,
					    out->nr_thieves * sizeof(*thieves));
			if (now_ns)
				*now_ns = kvmeter_clock_now();
			smp_rmb(); /* pairs with kvmeter_store_write_begin() */
		} while (((seq & 1) || READ_ONCE(v->slot->seq) != seq) && --tries);
		out->gen = v->gen;
		out->vm = v->vm->index;
		out->vm_gen = v->vm->gen;
	}
	raw_spin_unlock_irq(&st->lock);
	return used;
}
