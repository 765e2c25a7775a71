// SPDX-License-Identifier: GPL-2.0-only
/* Copies all used slots out of the maps, each VM and each vCPU consistent in itself. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reader.h"

/*
 * A vCPU is copied with all its rows while nothing writes it. One that exits without pause may
 * never be quiet for that long: after WHOLE_TRIES its slot and each row are copied one by one, each
 * consistent in itself. A writer is off again within a microsecond, unless a hypervisor below took
 * the CPU from it in the middle; hence the naps.
 */
#define WHOLE_TRIES 100
#define PART_TRIES 5000
#define TRIES_PER_NAP 50
#define NAP_NS 50000

#define LOAD(ptr) __atomic_load_n(ptr, __ATOMIC_RELAXED)
#define LOAD_ACQUIRE(ptr) __atomic_load_n(ptr, __ATOMIC_ACQUIRE)
#define FENCE_ACQUIRE() __atomic_thread_fence(__ATOMIC_ACQUIRE)

static __u64 real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* The fences keep it where it stands between the loads of a copy. */
static __u64 clock_ns(__u64 tsc_mult)
{
	__u32 lo, hi;

	asm volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi) : : "memory");
	return kvmeter_ledger_scale_tsc((__u64)hi << 32 | lo, tsc_mult);
}

static __u64 ns_since(__u64 now_ns, __u64 then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void nap_sometimes(unsigned int try)
{
	struct timespec nap = { .tv_nsec = NAP_NS };

	if (try % TRIES_PER_NAP == TRIES_PER_NAP - 1)
		nanosleep(&nap, NULL);
}

/* False if the slot is free. */
static bool copy_vm(struct kvmeter_vm *to, const struct kvmeter_vm *from)
{
	unsigned int try;
	__u32 gen;

	for (try = 0; try < PART_TRIES; try++) {
		gen = LOAD_ACQUIRE(&from->gen);
		if (!(gen & 1))
			return false;
		memcpy(to, from, sizeof(*to));
		FENCE_ACQUIRE();
		if (LOAD(&from->gen) == gen && to->gen == gen) {
			kvmeter_bounds_vm(to);
			return true;
		}
		nap_sometimes(try);
	}
	errx(1, "no consistent copy of a VM in %u tries", PART_TRIES);
}

/* What is known of a VM beside its slot: each begins with these two. */
struct head {
	__u32 gen;
	__u32 seq;
};

#define HAS_HEAD(type)                                               \
	(offsetof(struct type, gen) == offsetof(struct head, gen) && \
	 offsetof(struct type, seq) == offsetof(struct head, seq))

_Static_assert(HAS_HEAD(kvmeter_dirty), "kvmeter_dirty");
_Static_assert(HAS_HEAD(kvmeter_migration), "kvmeter_migration");

/*
 * Copies what is known of the VM of generation @gen; zero if that is nothing. Should it be written
 * all the time, the snapshot goes without.
 */
static void copy_known(void *to, const void *from, size_t size, __u32 gen)
{
	const struct head *head = from, *copy = to;
	unsigned int try;
	__u32 seq;

	for (try = 0; try < PART_TRIES; try++) {
		seq = LOAD_ACQUIRE(&head->seq);
		if (!(seq & 1)) {
			memcpy(to, from, size);
			FENCE_ACQUIRE();
			if (LOAD(&head->seq) == seq)
				break;
		}
		nap_sometimes(try);
	}
	if (try == PART_TRIES || copy->gen != gen)
		memset(to, 0, size);
}

static void copy_dirty(struct kvmeter_dirty *to, const struct kvmeter_dirty *from, __u32 gen)
{
	copy_known(to, from, sizeof(*to), gen);
	kvmeter_bounds_dirty(to);
}

/* A vCPU that is being copied: from where, and where to. What is NULL of the latter stays out. */
struct copy {
	const struct kvmeter_vcpu *from;
	const struct kvmeter_exit *from_rows;
	const struct kvmeter_sub *from_subs;
	const struct kvmeter_thief *from_thieves;
	struct kvmeter_vcpu *to;
	struct kvmeter_exit *rows;
	struct kvmeter_sub *subs;
	struct kvmeter_thief *thieves;
	__u64 tsc_mult;
	__u64 now_ns;
};

/*
 * Copies the slot with its thieves, who are only worth something beside its steal_ns, and, if
 * @whole, its rows and subs. The clock is read before seq is tested, so no
 * state has begun or ended between the last change in the copy and now_ns; a wake-up may have, and
 * is loaded again.
 *
 * Return: 1, 0 if the slot is free, -EAGAIN if it was written meanwhile.
 */
static int copy_vcpu_once(struct copy *c, bool whole)
{
	__u32 seq = LOAD_ACQUIRE(&c->from->seq);
	__u32 gen = LOAD_ACQUIRE(&c->from->gen);

	if (!(gen & 1))
		return 0;
	if (seq & 1)
		return -EAGAIN;
	memcpy(c->to, c->from, sizeof(*c->to));
	kvmeter_bounds_vcpu(c->to);
	if (whole && c->rows)
		memcpy(c->rows, c->from_rows, c->to->nr_rows * sizeof(*c->rows));
	if (whole && c->subs)
		memcpy(c->subs, c->from_subs, c->to->nr_subs * sizeof(*c->subs));
	if (c->thieves)
		memcpy(c->thieves, c->from_thieves, c->to->nr_thieves * sizeof(*c->thieves));
	c->now_ns = clock_ns(c->tsc_mult);
	c->to->wake_ns = LOAD(&c->from->wake_ns);
	FENCE_ACQUIRE();
	if (LOAD(&c->from->seq) != seq || LOAD(&c->from->gen) != gen)
		return -EAGAIN;
	return 1;
}

/* Return: as copy_vcpu_once(), and 0 as well if the slot is no longer of the generation copied. */
static int copy_part_once(const struct copy *c, void *to, const void *from, size_t size)
{
	__u32 seq = LOAD_ACQUIRE(&c->from->seq);

	if (seq & 1)
		return -EAGAIN;
	memcpy(to, from, size);
	FENCE_ACQUIRE();
	if (LOAD(&c->from->gen) != c->to->gen)
		return 0;
	return LOAD(&c->from->seq) == seq ? 1 : -EAGAIN;
}

/* Return: as copy_part_once(); @try counts on. */
static int copy_part(const struct copy *c, void *to, const void *from, size_t size,
		     unsigned int *try)
{
	int ret = -EAGAIN;

	for (; *try < PART_TRIES && ret == -EAGAIN; (*try)++) {
		ret = copy_part_once(c, to, from, size);
		nap_sometimes(*try);
	}
	return ret;
}

static bool copy_vcpu_in_parts(struct copy *c)
{
	unsigned int row, try;
	int ret = -EAGAIN;

	for (try = 0; try < PART_TRIES && ret == -EAGAIN; try++) {
		ret = copy_vcpu_once(c, false);
		nap_sometimes(try);
	}
	for (row = 0; ret > 0 && c->rows && row < c->to->nr_rows; row++)
		ret = copy_part(c, &c->rows[row], &c->from_rows[row], sizeof(*c->rows), &try);
	if (ret > 0 && c->subs)
		ret = copy_part(c, c->subs, c->from_subs, c->to->nr_subs * sizeof(*c->subs), &try);
	if (ret == -EAGAIN)
		errx(1, "no consistent copy of a vCPU in %u tries", PART_TRIES);
	return ret;
}

/* False if the slot is free. */
static bool copy_vcpu(struct copy *c)
{
	unsigned int try;
	int ret;

	for (try = 0; try < WHOLE_TRIES; try++) {
		ret = copy_vcpu_once(c, true);
		if (ret >= 0)
			return ret;
		nap_sometimes(try);
	}
	return copy_vcpu_in_parts(c);
}

static int compare_vm_slots(const void *a, const void *b)
{
	const __u32 *slot = a;
	const struct kvmeter_snap_vm *vm = b;

	return (*slot > vm->slot) - (*slot < vm->slot);
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct kvmeter_snap_vcpu *l = a, *r = b;

	if (l->v.vm != r->v.vm)
		return l->v.vm < r->v.vm ? -1 : 1;
	return (l->v.vcpu_id > r->v.vcpu_id) - (l->v.vcpu_id < r->v.vcpu_id);
}

/**
 * kvmeter_snapshot_find_slot - find the VM in a slot
 * @snap: where to look
 * @slot: the slot
 *
 * Return: the VM, or NULL if the slot is free.
 */
struct kvmeter_snap_vm *kvmeter_snapshot_find_slot(const struct kvmeter_snap *snap, __u32 slot)
{
	return snap->nr_vms
		? bsearch(&slot, snap->vms, snap->nr_vms, sizeof(*snap->vms), compare_vm_slots)
		: NULL;
}

/**
 * kvmeter_snapshot_find_vm - find the VM that a slot belonged to at some time
 * @snap: where to look
 * @slot: the slot
 * @gen: its gen at that time
 *
 * Return: the VM, or NULL if it is not in the snapshot: the slot is free, or another VM's.
 */
struct kvmeter_snap_vm *kvmeter_snapshot_find_vm(const struct kvmeter_snap *snap, __u32 slot,
						 __u32 gen)
{
	struct kvmeter_snap_vm *vm = kvmeter_snapshot_find_slot(snap, slot);

	return vm && vm->v.gen == gen ? vm : NULL;
}

/**
 * kvmeter_snapshot_derive_vm - fill in what follows from the copies of a VM
 * @snap: that it is in
 * @vm: the VM, its copies made
 */
void kvmeter_snapshot_derive_vm(const struct kvmeter_snap *snap, struct kvmeter_snap_vm *vm)
{
	vm->found_pages = vm->d.kvm_pages;
	vm->sync_nr = vm->d.sync_nr;
	vm->sync_pages = vm->d.sync_pages;
	vm->elapsed_ns = ns_since(snap->now_ns, vm->v.first_ns);
}

static void take_vm(struct kvmeter_snap *snap, const struct kvmeter_maps *maps, __u32 slot)
{
	struct kvmeter_snap_vm *vm;

	snap->vms = kvmeter_array_grow(snap->vms, &snap->room_vms, snap->nr_vms + 1, sizeof(*vm));
	vm = &snap->vms[snap->nr_vms];
	memset(vm, 0, sizeof(*vm));
	if (!copy_vm(&vm->v, &maps->vms[slot]))
		return;
	copy_dirty(&vm->d, &maps->dirty[slot], vm->v.gen);
	copy_known(&vm->m, &maps->migrations[slot], sizeof(vm->m), vm->v.gen);
	kvmeter_snapshot_derive_vm(snap, vm);
	vm->slot = slot;
	vm->name = kvmeter_names_get(slot, &vm->v);
	snap->nr_vms++;
}

/* Room for the most that a vCPU can have of what is wanted. */
static void make_room(struct kvmeter_snap *snap, unsigned int needs)
{
	snap->vcpus = kvmeter_array_grow(snap->vcpus, &snap->room_vcpus, snap->nr_vcpus + 1,
					 sizeof(*snap->vcpus));
	if (needs & KVMETER_NEED_ROWS)
		snap->rows =
			kvmeter_array_grow(snap->rows, &snap->room_rows,
					   snap->nr_rows + KVMETER_EXIT_ROWS, sizeof(*snap->rows));
	if (needs & KVMETER_NEED_SUBS)
		snap->subs =
			kvmeter_array_grow(snap->subs, &snap->room_subs,
					   snap->nr_subs + KVMETER_SUB_ROWS, sizeof(*snap->subs));
	if (needs & KVMETER_NEED_THIEVES)
		snap->thieves = kvmeter_array_grow(snap->thieves, &snap->room_thieves,
						   snap->nr_thieves + KVMETER_THIEF_ROWS,
						   sizeof(*snap->thieves));
}

/* @thieves: of the copy, at the end of the snapshot's; NULL if they are not wanted */
static void take_thieves(struct kvmeter_snap *snap, struct kvmeter_snap_vcpu *vcpu,
			 struct kvmeter_thief *thieves)
{
	vcpu->first_thief = snap->nr_thieves;
	if (!thieves)
		return;
	vcpu->nr_thieves = vcpu->v.nr_thieves;
	kvmeter_bounds_thieves(thieves, vcpu->nr_thieves);
	vcpu->unexplained_ns =
		kvmeter_thieves_get_unexplained(thieves, vcpu->nr_thieves, vcpu->v.steal_ns);
	snap->nr_thieves += vcpu->nr_thieves;
}

static void take_vcpu(struct kvmeter_snap *snap, const struct kvmeter_maps *maps, __u32 slot,
		      unsigned int needs)
{
	struct kvmeter_snap_vcpu *vcpu;
	struct copy copy = {
		.from = &maps->vcpus[slot],
		.from_rows = &maps->exits[(size_t)slot * KVMETER_EXIT_ROWS],
		.from_subs = &maps->subs[(size_t)slot * KVMETER_SUB_ROWS],
		.from_thieves = &maps->thieves[(size_t)slot * KVMETER_THIEF_ROWS],
		.tsc_mult = snap->host.tsc_mult,
	};

	make_room(snap, needs);
	vcpu = &snap->vcpus[snap->nr_vcpus];
	memset(vcpu, 0, sizeof(*vcpu));
	copy.to = &vcpu->v;
	copy.rows = needs & KVMETER_NEED_ROWS ? &snap->rows[snap->nr_rows] : NULL;
	copy.subs = needs & KVMETER_NEED_SUBS ? &snap->subs[snap->nr_subs] : NULL;
	copy.thieves = needs & KVMETER_NEED_THIEVES ? &snap->thieves[snap->nr_thieves] : NULL;
	if (!copy_vcpu(&copy))
		return;
	/* Its VM came after the VMs were copied, or went: the next snapshot will tell. */
	if (!kvmeter_snapshot_find_vm(snap, vcpu->v.vm, vcpu->v.vm_gen))
		return;
	vcpu->slot = slot;
	/* before the wait in progress is in steal_ns: it has no thief yet */
	take_thieves(snap, vcpu, copy.thieves);
	vcpu->elapsed_ns = kvmeter_ledger_advance(&vcpu->v, copy.now_ns) - vcpu->v.first_ns;
	vcpu->found_pages = kvmeter_sum_dirty(&vcpu->v);
	vcpu->first_row = snap->nr_rows;
	vcpu->nr_rows = copy.rows ? vcpu->v.nr_rows : 0;
	vcpu->first_sub = snap->nr_subs;
	vcpu->nr_subs = copy.subs ? vcpu->v.nr_subs : 0;
	vcpu->sub_floor = kvmeter_subs_floor(copy.subs, vcpu->nr_subs);
	snap->nr_rows += vcpu->nr_rows;
	snap->nr_subs += vcpu->nr_subs;
	snap->nr_vcpus++;
}

/**
 * kvmeter_snapshot_link - bring vCPUs into the order of their VMs, and tell these where they are
 * @snap: with all VMs by slot, and vCPUs of these
 * @max_vcpus: their slots are below this
 */
void kvmeter_snapshot_link(struct kvmeter_snap *snap, unsigned int max_vcpus)
{
	struct kvmeter_snap_vm *vm;
	unsigned int i;

	snap->vcpu_at = kvmeter_array_grow(snap->vcpu_at, &snap->room_at, max_vcpus,
					   sizeof(*snap->vcpu_at));
	memset(snap->vcpu_at, 0, snap->room_at * sizeof(*snap->vcpu_at));
	if (snap->nr_vcpus)
		qsort(snap->vcpus, snap->nr_vcpus, sizeof(*snap->vcpus), compare_vcpus);
	for (i = 0; i < snap->nr_vcpus; i++) {
		snap->vcpu_at[snap->vcpus[i].slot] = i + 1;
		vm = kvmeter_snapshot_find_vm(snap, snap->vcpus[i].v.vm, snap->vcpus[i].v.vm_gen);
		if (!vm->nr_vcpus++)
			vm->first_vcpu = i;
		vm->found_pages += snap->vcpus[i].found_pages;
	}
}

/**
 * kvmeter_snapshot_clear - begin a snapshot of nothing
 * @snap: zeroed or taken before; its memory is used again
 */
void kvmeter_snapshot_clear(struct kvmeter_snap *snap)
{
	snap->nr_vms = 0;
	snap->nr_vcpus = 0;
	snap->nr_rows = 0;
	snap->nr_subs = 0;
	snap->nr_thieves = 0;
}

/**
 * kvmeter_snapshot_take - copy the host and all VMs and vCPUs that have a slot
 * @snap: zeroed or taken before; its memory is used again
 * @maps: from kvmeter_maps_open()
 * @needs: KVMETER_NEED_*: which of the vCPUs' rows are copied too
 *
 * Each vCPU's ledger counts up to the moment at which it was copied. Nothing in the maps is
 * believed unseen: slots, rows and links are checked against the limits, and a vCPU whose VM is not
 * in the snapshot is left out.
 */
void kvmeter_snapshot_take(struct kvmeter_snap *snap, const struct kvmeter_maps *maps,
			   unsigned int needs)
{
	__u32 max_vms = maps->info.map[KVMETER_MAP_VMS].max_entries;
	__u32 max_vcpus = maps->info.map[KVMETER_MAP_VCPUS].max_entries;
	__u32 slot;

	snap->interval_ns = 0;
	snap->host = *maps->host;
	if (snap->host.abi != KVMETER_ABI)
		errx(1, "the maps have ABI %u, this reader knows %u", snap->host.abi, KVMETER_ABI);
	snap->now_ns = clock_ns(snap->host.tsc_mult);
	snap->real_ns = real_ns();
	kvmeter_snapshot_clear(snap);
	for (slot = 0; slot < max_vms; slot++) {
		if (LOAD(&maps->index[slot / 64].vms) >> (slot % 64) & 1)
			take_vm(snap, maps, slot);
	}
	for (slot = 0; slot < max_vcpus; slot++) {
		if (LOAD(&maps->index[slot / 64].vcpus) >> (slot % 64) & 1)
			take_vcpu(snap, maps, slot, needs);
	}
	kvmeter_snapshot_link(snap, max_vcpus);
}

static void *copy_array(void *to, unsigned int *room, const void *from, unsigned int nr,
			size_t size)
{
	to = kvmeter_array_grow(to, room, nr, size);
	if (nr)
		memcpy(to, from, nr * size);
	return to;
}

/**
 * kvmeter_snapshot_copy - copy a snapshot
 * @to: zeroed or taken before; its memory is used again
 * @from: the snapshot
 */
void kvmeter_snapshot_copy(struct kvmeter_snap *to, const struct kvmeter_snap *from)
{
	to->now_ns = from->now_ns;
	to->real_ns = from->real_ns;
	to->interval_ns = from->interval_ns;
	to->host = from->host;
	to->vms = copy_array(to->vms, &to->room_vms, from->vms, from->nr_vms, sizeof(*to->vms));
	to->vcpus = copy_array(to->vcpus, &to->room_vcpus, from->vcpus, from->nr_vcpus,
			       sizeof(*to->vcpus));
	to->rows =
		copy_array(to->rows, &to->room_rows, from->rows, from->nr_rows, sizeof(*to->rows));
	to->subs =
		copy_array(to->subs, &to->room_subs, from->subs, from->nr_subs, sizeof(*to->subs));
	to->thieves = copy_array(to->thieves, &to->room_thieves, from->thieves, from->nr_thieves,
				 sizeof(*to->thieves));
	to->vcpu_at = copy_array(to->vcpu_at, &to->room_at, from->vcpu_at, from->room_at,
				 sizeof(*to->vcpu_at));
	if (to->room_at > from->room_at)
		memset(to->vcpu_at + from->room_at, 0,
		       (to->room_at - from->room_at) * sizeof(*to->vcpu_at));
	to->nr_vms = from->nr_vms;
	to->nr_vcpus = from->nr_vcpus;
	to->nr_rows = from->nr_rows;
	to->nr_subs = from->nr_subs;
	to->nr_thieves = from->nr_thieves;
}

/**
 * kvmeter_snapshot_put - release the memory of a snapshot
 * @snap: the snapshot
 */
void kvmeter_snapshot_put(struct kvmeter_snap *snap)
{
	free(snap->vms);
	free(snap->vcpus);
	free(snap->rows);
	free(snap->subs);
	free(snap->thieves);
	free(snap->vcpu_at);
	memset(snap, 0, sizeof(*snap));
}
