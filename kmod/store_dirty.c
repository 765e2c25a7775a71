// SPDX-License-Identifier: GPL-2.0-only
/* What the store keeps of the pages that each VM dirties. */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "clock.h"
#include "store_impl.h"
#include "track.h"

static struct kvmeter_store *const st = &kvmeter_store;

/**
 * kvmeter_store_write_dirty_locked - show readers what a VM dirties
 * @vm: its record
 *
 * Context: store lock held.
 */
void kvmeter_store_write_dirty_locked(const struct kvmeter_vm_rec *vm)
{
	struct kvmeter_dirty *slot = kvmeter_dirty_slot(vm->index);
	const size_t head = offsetofend(struct kvmeter_dirty, seq);
	u32 seq = slot->seq & ~1U;

	lockdep_assert_held(&st->lock);
	WRITE_ONCE(slot->seq, seq + 1);
	smp_wmb(); /* readers look at seq before copying */
	memcpy((void *)slot + head, (const void *)&vm->dirty + head, sizeof(*slot) - head);
	WRITE_ONCE(slot->gen, vm->dirty.gen);
	smp_wmb(); /* and after it */
	WRITE_ONCE(slot->seq, seq + 2);
}

/**
 * kvmeter_store_find_gen_locked - record of the VM in a slot
 * @vm: the slot
 * @gen: what its gen has to be
 *
 * Context: store lock held.
 * Return: the record; NULL if it is another VM by now, or none.
 */
struct kvmeter_vm_rec *kvmeter_store_find_gen_locked(u32 vm, u32 gen)
{
	struct kvmeter_vm_rec *rec = &st->vms[vm];

	return vm < kvmeter_max_vms && rec->kvm && rec->gen == gen ? rec : NULL;
}

/* Pages found dirty since the VM was first seen. */
static u64 sum_pages_locked(const struct kvmeter_vm_rec *vm)
{
	struct kvmeter_sums sums;

	kvmeter_store_sum_vcpus_locked(vm, &sums);
	return sums.dirtied_pages + vm->dirty.kvm_pages;
}

/**
 * kvmeter_store_add_own_write - KVM itself wrote to guest memory that logs
 * @kvm: the VM
 * @gfn: the page
 * @clean: it was not dirty already: steal time goes to the same page a thousand times a second
 *
 * Context: any but NMI, preemption off; the VM is kept from being destroyed.
 */
void kvmeter_store_add_own_write(struct kvm *kvm, u64 gfn, bool clean)
{
	struct kvmeter_dirty *shown;
	struct kvmeter_vm_rec *vm;
	unsigned long flags;
	u16 word;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm && vm->logging) {
		shown = kvmeter_dirty_slot(vm->index);
		vm->dirty.kvm_writes++;
		vm->dirty.kvm_pages += clean;
		WRITE_ONCE(shown->kvm_writes, vm->dirty.kvm_writes);
		WRITE_ONCE(shown->kvm_pages, vm->dirty.kvm_pages);
		if (vm->track) {
			word = kvmeter_track_word(vm->track, 0);
			if (kvmeter_track_mark(vm->track, word, gfn))
				kvmeter_track_add_marks(vm->track, word, 1);
		}
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_add_sync - the VMM reads the dirty log of a memory slot
 * @kvm: the VM
 * @slot: id of the slot, with that of its address space
 *
 * Context: process, kvm->slots_lock held.
 * Return: true if with that a round of a migration began.
 */
bool kvmeter_store_add_sync(struct kvm *kvm, u32 slot)
{
	struct kvmeter_vm_rec *vm;
	struct kvmeter_dirty *d;
	bool began = false;
	unsigned long flags;
	u64 pages, now;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm && vm->asked && !vm->driven && slot == vm->slots.main_slot) {
		d = &vm->dirty;
		now = kvmeter_store_now_locked(vm);
		pages = sum_pages_locked(vm);
		d->round_ns = d->sync_nr ? now - d->sync_ns : 0;
		d->sent_pages = d->sync_nr ? d->round_pages : 0;
		d->round_pages = d->sync_nr ? pages - d->sync_pages : vm->slots.ram_pages;
		d->sync_nr++;
		d->sync_ns = now;
		d->sync_pages = pages;
		kvmeter_store_write_dirty_locked(vm);
		began = !vm->ring; /* where there are rings, KVM refuses the call */
		if (began)
			kvmeter_store_begin_round_locked(vm, now);
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
	return began;
}

/* The fields of a session are its own, the others are the store's. */
static void copy_session(struct kvmeter_dirty *to, const struct kvmeter_dirty *from)
{
	const size_t counts = offsetof(struct kvmeter_dirty, session);
	const size_t counts_end = offsetof(struct kvmeter_dirty, kvm_writes);
	const size_t curves = offsetof(struct kvmeter_dirty, curve);
	const size_t curves_end = offsetof(struct kvmeter_dirty, kvm_pages);

	memcpy((void *)to + counts, (const void *)from + counts, counts_end - counts);
	memcpy((void *)to + curves, (const void *)from + curves, curves_end - curves);
}

/**
 * kvmeter_store_begin_session - from now on pages found dirty are tracked
 * @kvm: the VM
 * @track: where
 * @dirty: the session's fields of it are shown
 * @vm: set to the VM's slot
 * @gen: set to gen of that slot
 *
 * Context: process; the VM is kept from being destroyed.
 * Return: 0, or -ENOENT if the VM has no slot.
 */
int kvmeter_store_begin_session(struct kvm *kvm, struct kvmeter_track *track,
				const struct kvmeter_dirty *dirty, u32 *vm, u32 *gen)
{
	struct kvmeter_vm_rec *rec;
	int ret = -ENOENT;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_vm_locked(kvm);
	if (rec) {
		rec->driven = dirty->session == KVMETER_SESSION_DRIVEN;
		copy_session(&rec->dirty, dirty);
		kvmeter_store_write_dirty_locked(rec);
		smp_store_release(&rec->track, track); /* whoever finds it finds it whole */
		*vm = rec->index;
		*gen = rec->gen;
		ret = 0;
	}
	raw_spin_unlock_irq(&st->lock);
	return ret;
}

static void update_vcpu_locked(struct kvmeter_vcpu_rec *v, const u64 *curves,
			       struct kvmeter_session_news *news)
{
	u64 fault_ns = READ_ONCE(v->fault_ns);
	u32 i;

	news->fault_ns = max(news->fault_ns, fault_ns - v->seen_fault_ns);
	v->seen_fault_ns = fault_ns;
	for (i = 0; v->owner && i < KVMETER_CURVE_NR; i++)
		WRITE_ONCE(v->slot->dirty_curve[i], curves[v->owner * KVMETER_CURVE_NR + i]);
}

/**
 * kvmeter_store_update_session - show what a session has found
 * @vm: the VM's slot
 * @gen: gen of that slot
 * @dirty: the session's fields of it are shown
 * @curves: D(t) by owner and KVMETER_CURVE_MS, for the VM's vCPUs
 * @news: filled in
 *
 * Context: process.
 * Return: false if the VM is gone.
 */
bool kvmeter_store_update_session(u32 vm, u32 gen, const struct kvmeter_dirty *dirty,
				  const u64 *curves, struct kvmeter_session_news *news)
{
	struct kvmeter_vm_rec *rec;
	struct kvmeter_vcpu_rec *v;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(vm, gen);
	if (rec) {
		copy_session(&rec->dirty, dirty);
		kvmeter_store_write_dirty_locked(rec);
		news->nr_owners = rec->nr_owners + 1;
		news->armed_ns = rec->logging ? rec->armed_ns : 0;
		news->fault_ns = 0;
		list_for_each_entry(v, &rec->vcpus, siblings)
			update_vcpu_locked(v, curves, news);
	}
	raw_spin_unlock_irq(&st->lock);
	return rec;
}

/**
 * kvmeter_store_stop_driving - what logging a VM has on is the VMM's own from now on
 * @kvm: the VM
 *
 * Context: process, kvm->slots_lock held.
 */
void kvmeter_store_stop_driving(struct kvm *kvm)
{
	struct kvmeter_vm_rec *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&st->lock, flags);
	vm = kvmeter_store_find_vm_locked(kvm);
	if (vm && vm->driven) {
		vm->driven = false;
		vm->armed_ns = kvmeter_clock_now();
		kvmeter_store_write_log_locked(vm);
	}
	raw_spin_unlock_irqrestore(&st->lock, flags);
}

/**
 * kvmeter_store_end_session - pages found dirty are tracked no more
 * @vm: the VM's slot
 * @gen: gen of that slot
 * @end: enum kvmeter_session_end
 * @now: ledger clock
 *
 * Probes may be at the track until synchronize_rcu() has been waited for.
 *
 * Context: process.
 */
void kvmeter_store_end_session(u32 vm, u32 gen, u32 end, u64 now)
{
	struct kvmeter_vm_rec *rec;

	raw_spin_lock_irq(&st->lock);
	rec = kvmeter_store_find_gen_locked(vm, gen);
	if (rec) {
		rec->driven = false;
		WRITE_ONCE(rec->track, NULL);
		rec->dirty.session = KVMETER_SESSION_ENDED;
		rec->dirty.end = end;
		rec->dirty.end_ns = now;
		kvmeter_store_write_dirty_locked(rec);
		kvmeter_store_write_log_locked(rec);
	}
	raw_spin_unlock_irq(&st->lock);
}
