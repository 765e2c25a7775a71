/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of the reader's own code: the maps as arrays, and what states add up to. */
#ifndef KVMETER_SELFTESTS_FAKE_MAPS_H
#define KVMETER_SELFTESTS_FAKE_MAPS_H

#include <stdlib.h>

#include "../bpf/reader.h"

#ifndef FAKE_SLOTS
#define FAKE_SLOTS 64
#endif

/* The ledger clock then counts half of the cycles. */
#define FAKE_TSC_MULT (1ULL << (KVMETER_TSC_SHIFT - 1))

/**
 * struct fake_maps - the maps that snapshots are taken of
 * @index: what slots are in use, all of them below 64; who has more than these has an array instead
 */
struct fake_maps {
	struct kvmeter_host host;
	struct kvmeter_index index;
	struct kvmeter_vm vms[FAKE_SLOTS];
	struct kvmeter_vcpu vcpus[FAKE_SLOTS];
	struct kvmeter_exit exits[FAKE_SLOTS * KVMETER_EXIT_ROWS];
	struct kvmeter_sub subs[FAKE_SLOTS * KVMETER_SUB_ROWS];
	struct kvmeter_thief thieves[FAKE_SLOTS * KVMETER_THIEF_ROWS];
	struct kvmeter_dirty dirty[FAKE_SLOTS];
	struct kvmeter_migration migrations[FAKE_SLOTS];
};

/**
 * fake_maps_alloc() - maps without a VM, of the module of this ABI
 * @maps: set to how the reader sees them
 *
 * Return: the maps, to be freed; NULL if there is no memory.
 */
static inline struct fake_maps *fake_maps_alloc(struct kvmeter_maps *maps)
{
	struct fake_maps *fake = calloc(1, sizeof(*fake));

	if (!fake)
		return NULL;
	fake->host.abi = KVMETER_ABI;
	fake->host.tsc_mult = FAKE_TSC_MULT;
	*maps = (struct kvmeter_maps){
		.info.map[KVMETER_MAP_VMS].max_entries = FAKE_SLOTS,
		.info.map[KVMETER_MAP_VCPUS].max_entries = FAKE_SLOTS,
		.host = &fake->host,
		.index = &fake->index,
		.vms = fake->vms,
		.vcpus = fake->vcpus,
		.exits = fake->exits,
		.subs = fake->subs,
		.thieves = fake->thieves,
		.dirty = fake->dirty,
		.migrations = fake->migrations,
	};
	return fake;
}

/** sum_states() - time of a vCPU in all states */
static inline __u64 sum_states(const struct kvmeter_vcpu *v)
{
	unsigned int state;
	__u64 ns = 0;

	for (state = 0; state < KVMETER_STATE_NR; state++)
		ns += kvmeter_ledger_get_state(v, state);
	return ns;
}

#endif
