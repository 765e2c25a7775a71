/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs of known contents for the tests of top, to which the same happens in each second.
 *
 * So each interval of a second shows the same figures, however many came before it:
 *
 *  web   2 vCPUs, each: guest 60 %, kernel 20, vmm 10, halt 10; 3000 exits/s, 2000 of them CPUID;
 *	  dirties 256 pages/s; in round 2 of a migration, half of which is sent
 *  db	  1 vCPU: guest 50 %, kernel 10, vmm 5, halt 0, steal 30, throttle 5; 500 exits/s, IOIO;
 *	  web takes 20 % of its time, a process 9.5 %, 0.5 % are not explained; it has a session
 *  idle  no vCPUs
 *  the others: 1 vCPU, guest (number % 100) %, the rest halt; as many exits/s, HLT
 */
#ifndef KVMETER_SELFTESTS_TOP_WORLD_H
#define KVMETER_SELFTESTS_TOP_WORLD_H

#define FAKE_SLOTS 512

#include "../bpf/top.h"
#include "fake_maps.h"

/**
 * struct top_world - the maps, and what time it is
 * @tick: seconds since it began
 * @nr_vms: how many VMs there are: number n in slot n
 */
struct top_world {
	struct fake_maps *fake;
	struct kvmeter_maps maps;
	struct kvmeter_index index[FAKE_SLOTS / 64];
	unsigned int tick;
	unsigned int nr_vms;
	const char *names[FAKE_SLOTS];
	char made[FAKE_SLOTS][16];
};

/**
 * top_world_init() - make the VMs
 * @nr_vms: how many, at most 256: those above, then one whose name would turn a terminal red, one
 *	    whose name is not ASCII, then vm-005 and so on; the name of number 199 is of wide
 *	    characters
 *
 * Return: 0, or -1 if there is no memory.
 */
int top_world_init(struct top_world *world, unsigned int nr_vms);

/** top_world_put() - free what it has */
void top_world_put(struct top_world *world);

/** top_world_take() - let a second pass, and take a snapshot; a source of snapshots of top */
void top_world_take(struct kvmeter_snap *snap, void *world);

/** top_world_del_vm() - a VM ends */
void top_world_del_vm(struct top_world *world, unsigned int slot);

#endif
