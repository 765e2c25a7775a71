// SPDX-License-Identifier: GPL-2.0-only
/* What the store keeps of each VM's migration: its rounds, from the VMM's own dirty-log calls. */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "clock.h"
#include "store_impl.h"

static struct kvmeter_store *const st = &kvmeter_store;

/* The clock of another CPU may be behind by less than this; by more, it was set back. */
#define SET_BACK_NS (100 * NSEC_PER_MSEC)

/**
 * kvmeter_store_write_migration_locked - show readers a VM's migration
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_write_migration_locked(const struct kvmeter_vm_rec *vm)
{
	struct kvmeter_migration *slot = kvmeter_migration_slot(vm->index);
	const struct kvmeter_migration *shown = &vm->rounds.shown;
	const size_t head = offsetofend(struct kvmeter_migration, seq);
	u32 seq = slot->seq & ~1U;

	lockdep_assert_held(&st->lock);
	WRITE_ONCE(slot->seq, seq + 1);
	smp_wmb(); /* readers look at seq before copying */
	memcpy((void *)slot + head, (const void *)shown + head, sizeof(*slot) - head);
	WRITE_ONCE(slot->gen, shown->gen);
	smp_wmb(); /* and after it */
	WRITE_ONCE(slot->seq, seq + 2);
}

/**
 * kvmeter_store_mode_locked - what the autopilot may do with a VM
 * @vm: its record
 *
 * Context: store lock held.
 * Return: enum kvmeter_autoconverge_mode in force.
 */
u32 kvmeter_store_mode_locked(const struct kvmeter_vm_rec *vm)
{
	lockdep_assert_held(&st->lock);
	return vm->rounds.mode == KVMETER_AUTOCONVERGE_DEFAULT ? st->mode : vm->rounds.mode;
}

/**
 * kvmeter_store_begin_rounds_locked - a new VM, of which there is no migration yet
 * @vm: its record, which has its gen
 *
 * Context: store lock held.
 */
void kvmeter_store_begin_rounds_locked(struct kvmeter_vm_rec *vm)
{
	vm->rounds = (struct kvmeter_rounds){ .mode = KVMETER_AUTOCONVERGE_DEFAULT };
	vm->rounds.shown.gen = vm->gen;
	vm->rounds.shown.mode = kvmeter_store_mode_locked(vm);
	vm->rounds.shown.downtime_ns = KVMETER_CONVERGE_DOWNTIME_NS;
}

/**
 * kvmeter_store_forget_rounds_locked - the VM is gone
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_forget_rounds_locked(struct kvmeter_vm_rec *vm)
{
	lockdep_assert_held(&st->lock);
	vm->rounds.shown = (struct kvmeter_migration){};
	kvmeter_store_write_migration_locked(vm);
}

/**
 * kvmeter_store_now_locked - the ledger clock, which for one VM never goes back by a little
 * @vm: its record
 *
 * Context: store lock held.
 * Return: ns.
 */
u64 kvmeter_store_now_locked(struct kvmeter_vm_rec *vm)
{
	u64 now = kvmeter_clock_now();

	lockdep_assert_held(&st->lock);
	if (now < vm->rounds.now_ns && vm->rounds.now_ns - now < SET_BACK_NS)
		return vm->rounds.now_ns;
	vm->rounds.now_ns = now;
	return now;
}

static void add_vcpu(struct kvmeter_sums *sums, const struct kvmeter_vcpu_rec *v)
{
	sums->dirtied_pages += READ_ONCE(v->dirtied);
	sums->stalled_ns += READ_ONCE(v->stalled_ns);
	sums->throttle_ns += READ_ONCE(v->slot->throttle_ns);
}

/**
 * kvmeter_store_add_gone_locked - a vCPU has ended
 * @v: its record
 *
 * Context: store lock held; its slot is as it was.
 */
void kvmeter_store_add_gone_locked(const struct kvmeter_vcpu_rec *v)
{
	lockdep_assert_held(&st->lock);
	add_vcpu(&v->vm->rounds.gone, v);
}

/**
 * kvmeter_store_sum_vcpus_locked - what all vCPUs of a VM add up to
 * @vm: its record
 * @sums: filled in; never falls
 *
 * Context: store lock held.
 */
void kvmeter_store_sum_vcpus_locked(const struct kvmeter_vm_rec *vm, struct kvmeter_sums *sums)
{
	const struct kvmeter_vcpu_rec *v;

	lockdep_assert_held(&st->lock);
	*sums = vm->rounds.gone;
	list_for_each_entry(v, &vm->vcpus, siblings)
		add_vcpu(sums, v);
}

static struct kvmeter_round *round_locked(struct kvmeter_migration *m)
{
	return &m->round[(m->nr_rounds - 1) % KVMETER_ROUNDS];
}

static struct kvmeter_round_mark *mark_locked(struct kvmeter_rounds *r)
{
	return &r->mark[(r->shown.nr_rounds - 1) % KVMETER_ROUNDS];
}

/**
 * kvmeter_store_update_round_locked - bring the round in progress up to date
 * @vm: record of the VM; there is a migration
 * @sums: what its vCPUs add up to
 *
 * Context: store lock held.
 */
void kvmeter_store_update_round_locked(struct kvmeter_vm_rec *vm, const struct kvmeter_sums *sums)
{
	struct kvmeter_rounds *r = &vm->rounds;

	lockdep_assert_held(&st->lock);
	round_locked(&r->shown)->throttle_ns = sums->throttle_ns -
					       mark_locked(r)->sums.throttle_ns;
	r->throttle_ns = sums->throttle_ns - r->begin_throttle_ns;
}

/**
 * kvmeter_store_note_quota_locked - a VM's quota has changed
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_note_quota_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_migration *m = &vm->rounds.shown;
	struct kvmeter_round *round = round_locked(m);

	lockdep_assert_held(&st->lock);
	if (m->state == KVMETER_MIGRATION_RUNNING && vm->quota_pages &&
	    (!round->quota_pages || vm->quota_pages < round->quota_pages))
		round->quota_pages = vm->quota_pages;
}

static void begin_migration_locked(struct kvmeter_vm_rec *vm, u64 now)
{
	struct kvmeter_rounds *r = &vm->rounds;
	const struct kvmeter_migration *old = &r->shown;

	r->shown = (struct kvmeter_migration){
		.gen = old->gen,
		.state = KVMETER_MIGRATION_RUNNING,
		.mode = old->mode,
		.goal = old->goal,
		.why = old->mode ? KVMETER_WHY_FIRST_ROUND : KVMETER_WHY_SWITCHED_OFF,
		.begin_ns = now,
		.ram_pages = vm->slots.ram_pages,
		.deadline_ns = old->deadline_ns,
		.downtime_ns = old->downtime_ns,
	};
	WRITE_ONCE(r->nr, r->nr + 1);
}

static void end_round_locked(struct kvmeter_vm_rec *vm, u64 now, const struct kvmeter_sums *sums)
{
	struct kvmeter_rounds *r = &vm->rounds;
	struct kvmeter_round *round = round_locked(&r->shown);

	kvmeter_store_update_round_locked(vm, sums);
	round->duration_ns = max_t(s64, now - round->begin_ns, 1);
	round->dirtied_pages = sums->dirtied_pages - mark_locked(r)->sums.dirtied_pages +
			       vm->dirty.kvm_pages - r->round_own_pages;
	round->bandwidth_pages = mul_u64_u64_div_u64(min_t(u64, round->to_send_pages,
							   KVMETER_CONVERGE_PAGES_MAX),
						     NSEC_PER_SEC, round->duration_ns);
	r->shown.sent_pages += round->to_send_pages;
}

static void begin_vcpu_round(struct kvmeter_vcpu_rec *v, bool first)
{
	u64 dirtied = READ_ONCE(v->dirtied);

	WRITE_ONCE(v->slot->round_pages, first ? 0 : dirtied - v->round_dirtied);
	WRITE_ONCE(v->slot->round_from_pages, dirtied);
	v->round_dirtied = dirtied;
}

/**
 * kvmeter_store_begin_round_locked - the VMM has read the dirty log: a round is over, one begins
 * @vm: record of the VM
 * @now: kvmeter_store_now_locked()
 *
 * If there was no migration, there is one from now on.
 *
 * Context: store lock held.
 */
void kvmeter_store_begin_round_locked(struct kvmeter_vm_rec *vm, u64 now)
{
	struct kvmeter_rounds *r = &vm->rounds;
	bool first = r->shown.state != KVMETER_MIGRATION_RUNNING;
	struct kvmeter_vcpu_rec *v;
	struct kvmeter_sums sums;
	u64 to_send;

	kvmeter_store_sum_vcpus_locked(vm, &sums);
	if (first) {
		begin_migration_locked(vm, now);
		r->begin_throttle_ns = sums.throttle_ns;
		r->throttle_ns = 0;
		to_send = r->shown.ram_pages;
	} else {
		end_round_locked(vm, now, &sums);
		to_send = round_locked(&r->shown)->dirtied_pages;
	}
	r->shown.nr_rounds++;
	*round_locked(&r->shown) = (struct kvmeter_round){
		.begin_ns = now,
		.to_send_pages = to_send,
		.quota_pages = vm->quota_pages,
	};
	*mark_locked(r) = (struct kvmeter_round_mark){ now, to_send, sums };
	r->round_own_pages = vm->dirty.kvm_pages;
	list_for_each_entry(v, &vm->vcpus, siblings)
		begin_vcpu_round(v, first);
	kvmeter_store_write_migration_locked(vm);
}

/* What the autopilot has set ends with it, at once. */
static void end_migration_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_migration *m = &vm->rounds.shown;
	struct kvmeter_sums sums;

	kvmeter_store_sum_vcpus_locked(vm, &sums);
	kvmeter_store_update_round_locked(vm, &sums);
	vm->pilot_quota_pages = 0;
	kvmeter_store_apply_quota_locked(vm);
	m->state = KVMETER_MIGRATION_ENDED;
	m->why = KVMETER_WHY_ENDED;
	m->end_ns = kvmeter_store_now_locked(vm);
	m->would_pages = 0;
	m->autopilot_pages = 0;
	kvmeter_store_write_migration_locked(vm);
}

/* There will be no rounds: nothing to decide by. */
static void yield_to_ring_locked(struct kvmeter_vm_rec *vm, bool asked)
{
	vm->rounds.shown.why = asked ? KVMETER_WHY_RING : KVMETER_WHY_IDLE;
	kvmeter_store_write_migration_locked(vm);
}

/**
 * kvmeter_store_switch_rounds_locked - a VM's memory is logged, or is no more
 * @vm: its record
 * @asked: which of the two
 *
 * Context: store lock held.
 */
void kvmeter_store_switch_rounds_locked(struct kvmeter_vm_rec *vm, bool asked)
{
	lockdep_assert_held(&st->lock);
	if (!asked && vm->rounds.shown.state == KVMETER_MIGRATION_RUNNING)
		end_migration_locked(vm);
	else if (vm->ring)
		yield_to_ring_locked(vm, asked);
}
