// SPDX-License-Identifier: GPL-2.0-only
/* What the autopilot is told by the store, and what it has the store do. */
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/string.h>

#include "store_impl.h"

static struct kvmeter_store *const st = &kvmeter_store;

/* The mode in force may be another one now. */
static void update_mode_locked(struct kvmeter_vm_rec *vm)
{
	u32 mode = kvmeter_store_mode_locked(vm);

	vm->rounds.shown.mode = mode;
	if (mode != KVMETER_AUTOCONVERGE_ON && vm->pilot_quota_pages) {
		vm->pilot_quota_pages = 0;
		vm->rounds.shown.autopilot_pages = 0;
		kvmeter_store_apply_quota_locked(vm);
	}
	kvmeter_store_write_migration_locked(vm);
}

/**
 * kvmeter_store_set_mode - what the autopilot may do with VMs that were given no mode of their own
 * @mode: enum kvmeter_autoconverge_mode but DEFAULT
 *
 * Context: process.
 */
void kvmeter_store_set_mode(u32 mode)
{
	u32 i;

	raw_spin_lock_irq(&st->lock);
	st->mode = mode;
	for (i = 0; i < st->host.vms_hi; i++)
		if (st->vms[i].kvm)
			update_mode_locked(&st->vms[i]);
	raw_spin_unlock_irq(&st->lock);
}

static void describe_round_locked(const struct kvmeter_vm_rec *vm, struct kvmeter_audit *a)
{
	const struct kvmeter_migration *m = &vm->rounds.shown;

	a->round = m->nr_rounds;
	a->to_send_pages = m->round[(m->nr_rounds - 1) % KVMETER_ROUNDS].to_send_pages;
	a->bandwidth_pages = m->bandwidth_pages;
	a->dirty_rate_pages = m->dirty_rate_pages;
	a->would_pages = m->would_pages;
	a->throttle_ns = vm->rounds.throttle_ns;
}

/**
 * kvmeter_store_describe_locked - what there is to tell of a VM and the migration on its way
 * @vm: its record
 * @a: filled in, but for kind, why, times, and what the quota was before
 *
 * Context: store lock held.
 */
void kvmeter_store_describe_locked(const struct kvmeter_vm_rec *vm, struct kvmeter_audit *a)
{
	const struct kvmeter_migration *m = &vm->rounds.shown;

	lockdep_assert_held(&st->lock);
	*a = (struct kvmeter_audit){
		.pid = vm->pid,
		.vm = vm->index,
		.vm_gen = vm->gen,
		.mode = m->mode,
		.goal = m->goal,
		.deadline_ns = m->deadline_ns,
		.before_pages = vm->quota_pages,
		.quota_pages = vm->quota_pages,
	};
	memcpy(a->id, vm->id, sizeof(a->id));
	if (m->state == KVMETER_MIGRATION_RUNNING)
		describe_round_locked(vm, a);
}

/**
 * kvmeter_store_set_autoconverge - KVMETER_AUTOCONVERGE
 * @set: its argument, checked
 * @a: filled in: the VM, what was set, and its quota before and now
 *
 * Context: process.
 * Return: 0, or -ENOENT if there is no such VM.
 */
int kvmeter_store_set_autoconverge(const struct kvmeter_autoconverge *set, struct kvmeter_audit *a)
{
	struct kvmeter_vm_rec *vm;
	u64 before;

	raw_spin_lock_irq(&st->lock);
	vm = kvmeter_store_find_gen_locked(set->vm, set->vm_gen);
	if (vm) {
		before = vm->quota_pages;
		vm->rounds.mode = set->mode;
		vm->rounds.bandwidth_pages = min(set->bandwidth >> PAGE_SHIFT,
						 KVMETER_CONVERGE_PAGES_MAX);
		vm->rounds.shown.goal = set->goal;
		vm->rounds.shown.deadline_ns = set->deadline_ns;
		vm->rounds.shown.downtime_ns = set->downtime_ns ? set->downtime_ns :
								  KVMETER_CONVERGE_DOWNTIME_NS;
		update_mode_locked(vm);
		kvmeter_store_describe_locked(vm, a);
		a->mode = set->mode;
		a->before_pages = before;
	}
	raw_spin_unlock_irq(&st->lock);
	return vm ? 0 : -ENOENT;
}

/* All of them in the VMM, since a tick or longer: nothing is asked of KVM. */
static bool is_stopped_locked(const struct kvmeter_vm_rec *vm, u64 now)
{
	const struct kvmeter_vcpu_rec *v;
	bool stopped = false;

	list_for_each_entry(v, &vm->vcpus, siblings) {
		if (!READ_ONCE(v->first_ns))
			continue;
		if (READ_ONCE(v->where) != KVMETER_WHERE_DETOUR ||
		    READ_ONCE(v->state) != KVMETER_STATE_VMM ||
		    (s64)(now - READ_ONCE(v->since_ns)) < (s64)KVMETER_CONVERGE_TICK_NS)
			return false;
		stopped = true;
	}
	return stopped;
}

/**
 * kvmeter_store_get_flight - what there is to see of a VM's migration
 * @vm: the VM's slot
 * @f: filled in
 *
 * Context: process.
 * Return: false if there is no VM, or none that was ever migrated.
 */
bool kvmeter_store_get_flight(u32 vm, struct kvmeter_flight *f)
{
	struct kvmeter_vm_rec *rec = &st->vms[vm];
	struct kvmeter_rounds *r = &rec->rounds;
	const struct kvmeter_migration *m = &r->shown;
	bool found;

	raw_spin_lock_irq(&st->lock);
	found = rec->kvm && r->nr;
	if (found) {
		f->gen = rec->gen;
		f->nr = r->nr;
		f->state = m->state;
		f->nr_rounds = m->nr_rounds;
		f->ring = rec->ring;
		f->config = (struct kvmeter_converge_config){
			.goal = m->goal,
			.mode = m->mode,
			.ram_pages = m->ram_pages,
			.deadline_ns = m->deadline_ns,
			.downtime_ns = m->downtime_ns,
			.bandwidth = r->bandwidth_pages,
		};
		f->quota_pages = rec->quota_pages;
		f->begin_throttle_ns = r->begin_throttle_ns;
		f->now_ns = kvmeter_store_now_locked(rec);
		f->stopped = is_stopped_locked(rec, f->now_ns);
		kvmeter_store_sum_vcpus_locked(rec, &f->sums);
		memcpy(f->mark, r->mark, sizeof(f->mark));
	}
	raw_spin_unlock_irq(&st->lock);
	return found;
}

static void decide_locked(struct kvmeter_vm_rec *vm, const struct kvmeter_converge_decision *d)
{
	struct kvmeter_migration *m = &vm->rounds.shown;
	struct kvmeter_sums sums;

	vm->pilot_quota_pages = m->mode == KVMETER_AUTOCONVERGE_ON ? d->quota : 0;
	kvmeter_store_apply_quota_locked(vm);
	m->why = d->why;
	m->decided_ns = kvmeter_store_now_locked(vm);
	m->bandwidth_pages = d->bandwidth;
	m->dirty_rate_pages = d->dirty_rate;
	m->would_pages = d->would;
	m->autopilot_pages = vm->pilot_quota_pages;
	kvmeter_store_sum_vcpus_locked(vm, &sums);
	kvmeter_store_update_round_locked(vm, &sums);
	kvmeter_store_write_migration_locked(vm);
}

/**
 * kvmeter_store_set_decision - do what was decided for a VM
 * @vm: the VM's slot
 * @f: what there was to see
 * @d: what was decided from that
 * @a: filled in: the VM, what was seen, and its quota before and now
 *
 * Context: process.
 * Return: 0, or -ENOENT if that migration is over; nothing has changed then.
 */
int kvmeter_store_set_decision(u32 vm, const struct kvmeter_flight *f,
			       const struct kvmeter_converge_decision *d, struct kvmeter_audit *a)
{
	struct kvmeter_vm_rec *rec;
	int ret = -ENOENT;
	u64 before;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(vm, f->gen);
	if (rec && rec->rounds.nr == f->nr &&
	    rec->rounds.shown.state == KVMETER_MIGRATION_RUNNING) {
		before = rec->quota_pages;
		decide_locked(rec, d);
		kvmeter_store_describe_locked(rec, a);
		a->why = d->why;
		a->before_pages = before;
		ret = 0;
	}
	raw_spin_unlock_irq(&st->lock);
	return ret;
}

/**
 * kvmeter_store_describe - what there is to tell of a migration, also after its end
 * @vm: the VM's slot
 * @gen: gen of that slot
 * @nr: which of the VM's migrations
 * @a: filled in
 *
 * Context: process.
 * Return: false if the VM is gone, or there was another one since.
 */
bool kvmeter_store_describe(u32 vm, u32 gen, u32 nr, struct kvmeter_audit *a)
{
	const struct kvmeter_vm_rec *rec;
	bool found;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(vm, gen);
	found = rec && rec->rounds.nr == nr;
	if (found) {
		kvmeter_store_describe_locked(rec, a);
		describe_round_locked(rec, a);
	}
	raw_spin_unlock_irq(&st->lock);
	return found;
}

static void count_kicks_locked(struct kvmeter_vcpu_rec *v, struct kvmeter_kicks *k)
{
	/* A slot can be written to; but all that is decided by this is to hold nobody back. */
	u64 exits = READ_ONCE(v->slot->user_exit[KVM_EXIT_INTR]);
	u64 ns = READ_ONCE(v->slot->user_ns[KVM_EXIT_INTR]);
	bool slept = ns - v->kicked_ns >= k->ns;

	k->vcpus++;
	k->slept += slept;
	k->kicked += slept && (exits - v->kicks >= k->exits ||
			       (exits != v->kicks && ns - v->kicked_ns >= k->long_ns));
	v->kicks = exits;
	v->kicked_ns = ns;
}

/**
 * kvmeter_store_count_kicks - count a VM's vCPUs that signals have driven out of KVM_RUN
 * @vm: the VM's slot
 * @gen: gen of that slot
 * @k: what is to be counted; filled in
 *
 * Context: process.
 */
void kvmeter_store_count_kicks(u32 vm, u32 gen, struct kvmeter_kicks *k)
{
	struct kvmeter_vm_rec *rec;
	struct kvmeter_vcpu_rec *v;

	k->vcpus = 0;
	k->kicked = 0;
	k->slept = 0;
	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(vm, gen);
	if (rec)
		list_for_each_entry(v, &rec->vcpus, siblings)
			count_kicks_locked(v, k);
	raw_spin_unlock_irq(&st->lock);
}
