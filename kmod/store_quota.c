// SPDX-License-Identifier: GPL-2.0-only
/* What the store keeps of each VM's quota, and of its vCPUs' shares. */
#include <linux/errno.h>
#include <linux/math64.h>

#include "clock.h"
#include "share.h"
#include "store_impl.h"

static struct kvmeter_store *const st = &kvmeter_store;

/* Held back for this part of the time or more, a vCPU does not show what it would dirty. */
#define HELD_BACK_PARTS 2

static void write_share_locked(struct kvmeter_vcpu_rec *v, u64 pages)
{
	WRITE_ONCE(v->share_pages, pages);
	WRITE_ONCE(v->slot->share_pages, pages);
}

static void begin_locked(struct kvmeter_vcpu_rec *v)
{
	v->tick_dirtied = READ_ONCE(v->charged);
	v->tick_stalled_ns = READ_ONCE(v->stalled_ns);
}

/* Up to its next share: an equal part of a new quota, the same part of one that has changed. */
static u64 first_share(const struct kvmeter_vcpu_rec *v, u64 before, u64 pages, u32 nr)
{
	u64 share = div_u64(pages, nr);

	if (before && pages)
		share = mul_u64_u64_div_u64(v->share_pages, pages, before);
	return pages ? max(share, 1ULL) : 0;
}

/**
 * kvmeter_store_apply_quota_locked - a VM's user, or the autopilot, has set another quota
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_apply_quota_locked(struct kvmeter_vm_rec *vm)
{
	struct kvmeter_vm *slot = kvmeter_vm_slot(vm->index);
	u64 pages = vm->user_quota_pages, before = vm->quota_pages;
	struct kvmeter_vcpu_rec *v;
	u32 nr = 0;

	lockdep_assert_held(&st->lock);
	if (!pages || (vm->pilot_quota_pages && vm->pilot_quota_pages < pages))
		pages = vm->pilot_quota_pages;
	WRITE_ONCE(slot->user_quota_pages, vm->user_quota_pages);
	WRITE_ONCE(slot->quota_pages, pages);
	if (pages == before)
		return;
	vm->quota_pages = pages;
	if (!before)
		vm->quota_ns = kvmeter_clock_now();
	list_for_each_entry(v, &vm->vcpus, siblings)
		nr++;
	list_for_each_entry(v, &vm->vcpus, siblings) {
		if (!v->quota) {
			WRITE_ONCE(v->charged, READ_ONCE(v->dirtied));
			begin_locked(v);
		}
		write_share_locked(v, first_share(v, before, pages, nr));
		WRITE_ONCE(v->quota, pages);
	}
	kvmeter_store_note_quota_locked(vm);
}

/**
 * kvmeter_store_set_quota - what a VM may dirty, as far as its user is concerned
 * @vm: the VM's slot
 * @gen: gen of that slot
 * @pages: 4 KiB pages a second, 0: no quota
 * @a: filled in: the VM, and its quota before and now
 *
 * Context: process.
 * Return: 0, or -ENOENT if there is no such VM.
 */
int kvmeter_store_set_quota(u32 vm, u32 gen, u64 pages, struct kvmeter_audit *a)
{
	struct kvmeter_vm_rec *rec;
	u64 before;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(vm, gen);
	if (rec) {
		before = rec->quota_pages;
		rec->user_quota_pages = pages;
		kvmeter_store_apply_quota_locked(rec);
		kvmeter_store_describe_locked(rec, a);
		a->before_pages = before;
	}
	raw_spin_unlock_irq(&st->lock);
	return rec ? 0 : -ENOENT;
}

/**
 * kvmeter_store_drop_quota - a slot's VM, if it has one, may dirty what it likes
 * @vm: the slot
 *
 * Context: process.
 */
void kvmeter_store_drop_quota(u32 vm)
{
	struct kvmeter_vm_rec *rec = &st->vms[vm];

	raw_spin_lock_irq(&st->lock);
	if (rec->kvm) {
		rec->user_quota_pages = 0;
		rec->pilot_quota_pages = 0;
		kvmeter_store_apply_quota_locked(rec);
	}
	raw_spin_unlock_irq(&st->lock);
}

/**
 * kvmeter_store_has_quotas - does any VM have a quota?
 *
 * Context: process.
 */
bool kvmeter_store_has_quotas(void)
{
	bool has = false;
	u32 i;

	raw_spin_lock_irq(&st->lock);
	for (i = 0; !has && i < st->host.vms_hi; i++)
		has = st->vms[i].kvm && st->vms[i].quota_pages;
	raw_spin_unlock_irq(&st->lock);
	return has;
}

static u64 demand_locked(struct kvmeter_vcpu_rec *v, u64 ns)
{
	u64 pages = READ_ONCE(v->charged) - v->tick_dirtied;
	u64 stalled_ns = READ_ONCE(v->stalled_ns) - v->tick_stalled_ns;

	if (stalled_ns * HELD_BACK_PARTS >= ns)
		return KVMETER_DEMAND_ALL;
	return kvmeter_share_demand(pages, ns, stalled_ns);
}

/**
 * kvmeter_store_collect_demands - what the vCPUs of a VM ask for, from what they did since the last
 * time
 * @vm: the VM's slot
 * @d: filled in; there is room for all vCPUs there can be
 *
 * Context: process.
 * Return: the VM's quota in pages a second; 0 if it has none, or no vCPU.
 */
u64 kvmeter_store_collect_demands(u32 vm, struct kvmeter_demands *d)
{
	struct kvmeter_vm_rec *rec = &st->vms[vm];
	struct kvmeter_vcpu_rec *v;
	u64 now, ns;

	raw_spin_lock_irq(&st->lock);
	now = kvmeter_clock_now();
	d->nr = 0;
	d->quota = rec->kvm ? rec->quota_pages : 0;
	if (!d->quota)
		goto unlock;
	d->vm = vm;
	d->gen = rec->gen;
	ns = now - rec->quota_ns;
	rec->quota_ns = now;
	list_for_each_entry(v, &rec->vcpus, siblings) {
		d->index[d->nr] = v->index;
		d->demand[d->nr++] = demand_locked(v, ns);
		begin_locked(v);
	}
unlock:
	raw_spin_unlock_irq(&st->lock);
	return d->nr ? d->quota : 0;
}

/**
 * kvmeter_store_give_shares - give vCPUs their shares of a quota
 * @d: what was collected of them
 * @share: their shares, pages a second
 *
 * Nothing is done if the VM has another quota by now: these add up to the one that it had.
 *
 * Context: process.
 */
void kvmeter_store_give_shares(const struct kvmeter_demands *d, const u64 *share)
{
	struct kvmeter_vm_rec *rec;
	struct kvmeter_vcpu_rec *v;
	u32 i;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(d->vm, d->gen);
	for (i = 0; rec && rec->quota_pages == d->quota && i < d->nr; i++) {
		v = &st->vcpus[d->index[i]];
		if (v->vcpu && v->vm == rec)
			write_share_locked(v, share[i]);
	}
	raw_spin_unlock_irq(&st->lock);
}

/**
 * kvmeter_store_find_parking - a vCPU's record whose work is left, or runs
 *
 * Context: process; no work is left any more.
 * Return: the record, whoever it is of by now; NULL if there is none.
 */
struct kvmeter_vcpu_rec *kvmeter_store_find_parking(void)
{
	u32 i;

	for (i = 0; i < kvmeter_max_vcpus; i++)
		if (READ_ONCE(st->vcpus[i].parking))
			return &st->vcpus[i];
	return NULL;
}
