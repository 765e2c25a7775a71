// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unpacks a snapshot that pack_snap.c has packed.
 *
 * The bytes may be anybody's: slots, numbers of rows, links and names are checked as those of the
 * maps are, and what does not fit makes the whole snapshot bad.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

/* Different names that one file may have. */
#define NAMES_MAX (16U * KVMETER_VMS_LIMIT)

/* The name as long as the file is read. */
static const char *keep_name(struct kvmeter_player *player, const char *bytes, size_t len)
{
	char name[KVMETER_SHOWN_MAX];
	unsigned int i;

	memcpy(name, bytes, len);
	name[len] = '\0';
	if (strlen(name) != len || !kvmeter_escape_is_shown(name))
		return NULL;
	for (i = 0; i < player->nr_names; i++) {
		if (!strcmp(player->names[i], name))
			return player->names[i];
	}
	if (i == NAMES_MAX)
		return NULL;
	player->names = kvmeter_array_grow(player->names, &player->room_names, i + 1,
					   sizeof(*player->names));
	player->names[i] = strdup(name);
	if (!player->names[i])
		err(1, "no memory");
	player->nr_names++;
	return player->names[i];
}

static const char *unpack_name(struct kvmeter_player *player, struct kvmeter_cursor *from)
{
	size_t len = kvmeter_unpack_number(from, KVMETER_SHOWN_MAX - 1);
	const char *bytes = kvmeter_unpack_bytes(from, len);
	const char *name = bytes ? keep_name(player, bytes, len) : NULL;

	if (!name)
		from->bad = true;
	return name;
}

static void unpack_vm(struct kvmeter_player *player, struct kvmeter_cursor *from,
		      struct kvmeter_snap *cur, const struct kvmeter_snap *prev)
{
	const struct kvmeter_snap_vm *before = NULL;
	struct kvmeter_snap_vm *vm;

	cur->vms = kvmeter_array_grow(cur->vms, &cur->room_vms, cur->nr_vms + 1, sizeof(*vm));
	vm = &cur->vms[cur->nr_vms];
	memset(vm, 0, sizeof(*vm));
	vm->slot = kvmeter_unpack_number(from, KVMETER_VMS_LIMIT - 1);
	/* they are searched by slot */
	if (cur->nr_vms && vm->slot <= vm[-1].slot)
		from->bad = true;
	if (kvmeter_unpack_number(from, 1)) {
		before = prev ? kvmeter_snapshot_find_slot(prev, vm->slot) : NULL;
		if (!before)
			from->bad = true;
	}
	vm->name = before ? before->name : unpack_name(player, from);
	kvmeter_unpack_diff(from, &vm->v, before ? &before->v : NULL, sizeof(vm->v));
	kvmeter_unpack_diff(from, &vm->d, before ? &before->d : NULL, sizeof(vm->d));
	kvmeter_unpack_diff(from, &vm->m, before ? &before->m : NULL, sizeof(vm->m));
	kvmeter_bounds_vm(&vm->v);
	kvmeter_bounds_dirty(&vm->d);
	kvmeter_snapshot_derive_vm(cur, vm);
	if (!from->bad)
		cur->nr_vms++;
}

/* Adds to *@rows, which has @have, as many rows as there are; those before are @prev_nr at @prev.
 */
static unsigned int unpack_rows(struct kvmeter_cursor *from, void **rows, unsigned int *room,
				unsigned int have, const void *prev, unsigned int prev_nr,
				unsigned int most, size_t size)
{
	unsigned int i, nr = kvmeter_unpack_number(from, most);

	*rows = kvmeter_array_grow(*rows, room, have + nr, size);
	for (i = 0; i < nr; i++)
		kvmeter_unpack_diff(from, (char *)*rows + (have + i) * size,
				    i < prev_nr ? (const char *)prev + i * size : NULL, size);
	return nr;
}

/* NULL if it was not there, and is not said to have been. */
static const struct kvmeter_snap_vcpu *unpack_before(struct kvmeter_cursor *from, __u32 slot,
						     const struct kvmeter_snap *prev)
{
	unsigned int at;

	if (!kvmeter_unpack_number(from, 1))
		return NULL;
	at = prev && slot < prev->room_at ? prev->vcpu_at[slot] : 0;
	if (!at)
		from->bad = true;
	return at ? &prev->vcpus[at - 1] : NULL;
}

static void unpack_all_rows(struct kvmeter_cursor *from, struct kvmeter_snap *cur,
			    struct kvmeter_snap_vcpu *vcpu, const struct kvmeter_snap *prev,
			    const struct kvmeter_snap_vcpu *before)
{
	static const struct kvmeter_snap empty;
	static const struct kvmeter_snap_vcpu none;
	void *rows = cur->rows, *subs = cur->subs, *thieves = cur->thieves;

	prev = before ? prev : &empty;
	before = before ? before : &none;
	vcpu->first_row = cur->nr_rows;
	vcpu->nr_rows = unpack_rows(from, &rows, &cur->room_rows, cur->nr_rows,
				    prev->rows + before->first_row, before->nr_rows,
				    KVMETER_EXIT_ROWS, sizeof(*cur->rows));
	vcpu->first_sub = cur->nr_subs;
	vcpu->nr_subs = unpack_rows(from, &subs, &cur->room_subs, cur->nr_subs,
				    prev->subs + before->first_sub, before->nr_subs,
				    KVMETER_SUB_ROWS, sizeof(*cur->subs));
	vcpu->first_thief = cur->nr_thieves;
	vcpu->nr_thieves = unpack_rows(from, &thieves, &cur->room_thieves, cur->nr_thieves,
				       prev->thieves + before->first_thief, before->nr_thieves,
				       KVMETER_THIEF_ROWS, sizeof(*cur->thieves));
	cur->rows = rows;
	cur->subs = subs;
	cur->thieves = thieves;
	cur->nr_rows += vcpu->nr_rows;
	cur->nr_subs += vcpu->nr_subs;
	cur->nr_thieves += vcpu->nr_thieves;
}

/* What follows from the copies, and what of them is used as an index. */
static void derive_vcpu(struct kvmeter_snap *cur, struct kvmeter_snap_vcpu *vcpu)
{
	kvmeter_bounds_vcpu(&vcpu->v);
	kvmeter_bounds_thieves(cur->thieves + vcpu->first_thief, vcpu->nr_thieves);
	vcpu->found_pages = kvmeter_sum_dirty(&vcpu->v);
	vcpu->sub_floor = kvmeter_subs_floor(cur->subs + vcpu->first_sub, vcpu->nr_subs);
}

static void unpack_vcpu(struct kvmeter_cursor *from, struct kvmeter_snap *cur,
			const struct kvmeter_snap *prev)
{
	const struct kvmeter_snap_vcpu *before;
	__u64 times_ns[2], before_ns[2] = {};
	struct kvmeter_snap_vcpu *vcpu;

	cur->vcpus =
		kvmeter_array_grow(cur->vcpus, &cur->room_vcpus, cur->nr_vcpus + 1, sizeof(*vcpu));
	vcpu = &cur->vcpus[cur->nr_vcpus];
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->slot = kvmeter_unpack_number(from, KVMETER_VCPUS_LIMIT - 1);
	before = unpack_before(from, vcpu->slot, prev);
	if (before) {
		before_ns[0] = before->elapsed_ns;
		before_ns[1] = before->unexplained_ns;
	}
	kvmeter_unpack_diff(from, &vcpu->v, before ? &before->v : NULL, sizeof(vcpu->v));
	kvmeter_unpack_diff(from, times_ns, before_ns, sizeof(times_ns));
	vcpu->elapsed_ns = times_ns[0];
	vcpu->unexplained_ns = times_ns[1];
	unpack_all_rows(from, cur, vcpu, prev, before);
	derive_vcpu(cur, vcpu);
	/* one slot, one vCPU; and it is linked with its VM */
	if (cur->vcpu_at[vcpu->slot] || !kvmeter_snapshot_find_vm(cur, vcpu->v.vm, vcpu->v.vm_gen))
		from->bad = true;
	cur->vcpu_at[vcpu->slot] = 1;
	if (!from->bad)
		cur->nr_vcpus++;
}

static void unpack_times(struct kvmeter_cursor *from, struct kvmeter_snap *cur,
			 const struct kvmeter_snap *prev)
{
	const __u64 before_ns[] = { prev ? prev->now_ns : 0, prev ? prev->real_ns : 0 };
	__u64 times_ns[2];

	kvmeter_unpack_diff(from, times_ns, before_ns, sizeof(times_ns));
	cur->now_ns = times_ns[0];
	cur->real_ns = times_ns[1];
	/* time goes on: an interval has a length */
	if (prev && cur->now_ns <= prev->now_ns)
		from->bad = true;
}

/**
 * kvmeter_snap_unpack - unpack a snapshot
 * @player: its packed bytes, and where names are kept
 * @cur: filled
 * @prev: the one before it, NULL if it was packed without
 *
 * Return: false if these are no bytes of a snapshot.
 */
bool kvmeter_snap_unpack(struct kvmeter_player *player, struct kvmeter_snap *cur,
			 const struct kvmeter_snap *prev)
{
	struct kvmeter_cursor from = {
		.at = player->packed.data,
		.end = player->packed.data + player->packed.len,
	};
	unsigned int i, nr;

	kvmeter_snapshot_clear(cur);
	cur->interval_ns = 0;
	cur->vcpu_at = kvmeter_array_grow(cur->vcpu_at, &cur->room_at, KVMETER_VCPUS_LIMIT,
					  sizeof(*cur->vcpu_at));
	memset(cur->vcpu_at, 0, cur->room_at * sizeof(*cur->vcpu_at));
	unpack_times(&from, cur, prev);
	kvmeter_unpack_diff(&from, &cur->host, prev ? &prev->host : NULL, sizeof(cur->host));
	if (cur->host.abi != KVMETER_ABI)
		from.bad = true;
	nr = kvmeter_unpack_number(&from, KVMETER_VMS_LIMIT);
	for (i = 0; i < nr && !from.bad; i++)
		unpack_vm(player, &from, cur, prev);
	nr = kvmeter_unpack_number(&from, KVMETER_VCPUS_LIMIT);
	for (i = 0; i < nr && !from.bad; i++)
		unpack_vcpu(&from, cur, prev);
	if (from.bad || from.at != from.end)
		return false;
	kvmeter_snapshot_link(cur, KVMETER_VCPUS_LIMIT);
	return true;
}
