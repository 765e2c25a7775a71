// SPDX-License-Identifier: GPL-2.0-only
/* Packs a snapshot: what changed since the one before, VM by VM and vCPU by vCPU. */
#include <string.h>

#include "recording.h"

static const struct kvmeter_snap_vm *find_before(const struct kvmeter_snap *prev,
						 const struct kvmeter_snap_vm *vm)
{
	return prev ? kvmeter_snapshot_find_vm(prev, vm->slot, vm->v.gen) : NULL;
}

/* A VM that was there before has its name there. */
static void pack_vm(struct kvmeter_bytes *to, const struct kvmeter_snap_vm *vm,
		    const struct kvmeter_snap_vm *before)
{
	size_t len = strlen(vm->name);

	kvmeter_pack_number(to, vm->slot);
	kvmeter_pack_number(to, !!before);
	if (!before) {
		kvmeter_pack_number(to, len);
		kvmeter_pack_bytes(to, vm->name, len);
	}
	kvmeter_pack_diff(to, &vm->v, before ? &before->v : NULL, sizeof(vm->v));
	kvmeter_pack_diff(to, &vm->d, before ? &before->d : NULL, sizeof(vm->d));
	kvmeter_pack_diff(to, &vm->m, before ? &before->m : NULL, sizeof(vm->m));
}

static const struct kvmeter_snap_vcpu *find_vcpu_before(const struct kvmeter_snap *prev,
							const struct kvmeter_snap_vcpu *vcpu)
{
	unsigned int at = prev && vcpu->slot < prev->room_at ? prev->vcpu_at[vcpu->slot] : 0;
	const struct kvmeter_snap_vcpu *before = at ? &prev->vcpus[at - 1] : NULL;

	return before && before->v.gen == vcpu->v.gen ? before : NULL;
}

/* Rows [first, first + nr) of @rows, each against the one of the same number before. */
static void pack_rows(struct kvmeter_bytes *to, const void *rows, unsigned int first,
		      unsigned int nr, const void *prev, unsigned int prev_first,
		      unsigned int prev_nr, size_t size)
{
	const char *row = (const char *)rows + first * size;
	const char *before = (const char *)prev + prev_first * size;
	unsigned int i;

	kvmeter_pack_number(to, nr);
	for (i = 0; i < nr; i++)
		kvmeter_pack_diff(to, row + i * size, i < prev_nr ? before + i * size : NULL, size);
}

static void pack_vcpu(struct kvmeter_bytes *to, const struct kvmeter_snap *cur,
		      const struct kvmeter_snap_vcpu *vcpu, const struct kvmeter_snap *prev)
{
	static const struct kvmeter_snap_vcpu none;
	static const struct kvmeter_snap empty;
	const struct kvmeter_snap_vcpu *before = find_vcpu_before(prev, vcpu);
	__u64 times_ns[] = { vcpu->elapsed_ns, vcpu->unexplained_ns };
	__u64 before_ns[2];

	kvmeter_pack_number(to, vcpu->slot);
	kvmeter_pack_number(to, !!before);
	if (!before)
		prev = &empty;
	before = before ? before : &none;
	before_ns[0] = before->elapsed_ns;
	before_ns[1] = before->unexplained_ns;
	kvmeter_pack_diff(to, &vcpu->v, &before->v, sizeof(vcpu->v));
	kvmeter_pack_diff(to, times_ns, before_ns, sizeof(times_ns));
	pack_rows(to, cur->rows, vcpu->first_row, vcpu->nr_rows, prev->rows, before->first_row,
		  before->nr_rows, sizeof(*cur->rows));
	pack_rows(to, cur->subs, vcpu->first_sub, vcpu->nr_subs, prev->subs, before->first_sub,
		  before->nr_subs, sizeof(*cur->subs));
	pack_rows(to, cur->thieves, vcpu->first_thief, vcpu->nr_thieves, prev->thieves,
		  before->first_thief, before->nr_thieves, sizeof(*cur->thieves));
}

/**
 * kvmeter_snap_pack - pack a snapshot
 * @to: where to
 * @cur: the snapshot
 * @prev: the one before it, which will be there when it is unpacked; NULL: none
 */
void kvmeter_snap_pack(struct kvmeter_bytes *to, const struct kvmeter_snap *cur,
		       const struct kvmeter_snap *prev)
{
	const __u64 times_ns[] = { cur->now_ns, cur->real_ns };
	const __u64 before_ns[] = { prev ? prev->now_ns : 0, prev ? prev->real_ns : 0 };
	unsigned int i;

	kvmeter_pack_diff(to, times_ns, before_ns, sizeof(times_ns));
	kvmeter_pack_diff(to, &cur->host, prev ? &prev->host : NULL, sizeof(cur->host));
	kvmeter_pack_number(to, cur->nr_vms);
	for (i = 0; i < cur->nr_vms; i++)
		pack_vm(to, &cur->vms[i], find_before(prev, &cur->vms[i]));
	kvmeter_pack_number(to, cur->nr_vcpus);
	for (i = 0; i < cur->nr_vcpus; i++)
		pack_vcpu(to, cur, &cur->vcpus[i], prev);
}
