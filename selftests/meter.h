/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How tests look at kvmeter: through its maps, mapped into their memory, and through debugfs.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_METER_H
#define KVMETER_SELFTESTS_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/kvmeter.h>

#include "vmm.h"

/**
 * struct meter - the module, seen through its maps
 * @dev: /dev/kvmeter
 * @info: sizes and ids of the maps
 * @fd: of each map
 * @map: memory of each map
 * @bytes: size of that
 */
struct meter {
	int dev;
	struct kvmeter_info info;
	int fd[KVMETER_MAP_NR];
	const void *map[KVMETER_MAP_NR];
	size_t bytes[KVMETER_MAP_NR];
};

/**
 * struct meter_vcpu - a consistent copy of what is counted for one vCPU
 * @v: its slot
 * @rows: its rows; those from @v.nr_rows on are zero
 * @subs: its sub-reasons; those from @v.nr_subs on are zero
 * @thieves: who stole from it; those from @v.nr_thieves on are zero
 */
struct meter_vcpu {
	struct kvmeter_vcpu v;
	struct kvmeter_exit rows[KVMETER_EXIT_ROWS];
	struct kvmeter_sub subs[KVMETER_SUB_ROWS];
	struct kvmeter_thief thieves[KVMETER_THIEF_ROWS];
};

/** meter_create_maps() - make the maps that @info asks for, not attached yet */
int meter_create_maps(const struct kvmeter_info *info, int fd[KVMETER_MAP_NR]);

/** meter_close_maps() - close them */
void meter_close_maps(int fd[KVMETER_MAP_NR]);

/** meter_attach() - hand maps to the module */
int meter_attach(int dev, const int fd[KVMETER_MAP_NR]);

/** meter_map() - map the maps that are attached into our memory; @m->dev is set by the caller */
int meter_map(struct meter *m);

/** meter_unmap() - undo meter_map() */
void meter_unmap(struct meter *m);

/** meter_open() - open the device, attach maps if there are none, and map them */
int meter_open(struct meter *m);

/** meter_close() - undo meter_open(); maps stay attached */
void meter_close(struct meter *m);

/** meter_host() - the host's values */
const struct kvmeter_host *meter_host(const struct meter *m);

/** meter_vm() - the slot of a VM of this process that has the file descriptor @fd; NULL if none */
const struct kvmeter_vm *meter_vm(const struct meter *m, int fd);

/** meter_vcpu_slot() - the slot number of a vCPU of that VM; -ENOENT if it has none */
int meter_vcpu_slot(const struct meter *m, int fd, unsigned int vcpu_id);

/** meter_pid_slot() - the slot number of the first vCPU of a process; -ENOENT if it has none */
int meter_pid_slot(const struct meter *m, pid_t pid);

/**
 * meter_read_slot() - a consistent copy of the counts of the vCPU that has a slot
 * @m: the module
 * @slot: the slot
 * @copy: set to the copy
 * @now_ns: set to a time at which it was true, of the ledger clock
 */
int meter_read_slot(const struct meter *m, unsigned int slot, struct meter_vcpu *copy,
		    uint64_t *now_ns);

/** meter_read() - a consistent copy of a vCPU's counts */
int meter_read(const struct meter *m, int fd, unsigned int vcpu_id, struct meter_vcpu *copy);

/**
 * struct meter_instant - what is known of a vCPU at a guest entry
 * @copy: its counts
 * @run_delay_ns: field 2 of its thread's schedstat before it
 * @waited_ns: by how much that was more afterwards: 0, but on a kernel with checkers
 * @wall_ns: when that was, CLOCK_MONOTONIC
 */
struct meter_instant {
	struct meter_vcpu copy;
	uint64_t run_delay_ns;
	uint64_t waited_ns;
	uint64_t wall_ns;
};

/**
 * struct meter_tries - readings that are taken until the thread waits for no CPU between two, or
 *			50 times; those between which it waited least count
 * @fd: its thread's schedstat, open: the less a try takes, the sooner one fits between two waits
 * @run_delay_ns: field 2 of that, before the readings
 * @least_ns: how long it waited at the best try so far
 * @nr: tries
 */
struct meter_tries {
	int fd;
	uint64_t run_delay_ns;
	uint64_t least_ns;
	unsigned int nr;
};

#define METER_TRIES_INIT               \
	{                              \
		.least_ns = UINT64_MAX \
	}

/** meter_try() - begin a try; false if none is needed any more */
bool meter_try(struct meter_tries *tries);

/** meter_try_is_best() - all readings were taken: were they the best so far? */
bool meter_try_is_best(struct meter_tries *tries);

/** meter_take_instant() - have vCPU @id enter the guest, in the calling thread, and look at it */
int meter_take_instant(const struct meter *m, struct vmm *vm, unsigned int id,
		       struct meter_instant *at);

/**
 * meter_has_run_delay() - did run_delay_ns of the vCPU grow as field 2 of its thread's schedstat?
 *
 * To the nanosecond, but for what a kernel with checkers has added while it was being read.
 */
bool meter_has_run_delay(const struct meter_instant *first, const struct meter_instant *last);

/** meter_now_ns() - the ledger clock */
uint64_t meter_now_ns(const struct meter *m);

/**
 * meter_states() - where a vCPU's time went, up to now
 * @copy: a copy of its counts
 * @now_ns: when that was, as meter_read_slot() says
 * @ns: set to the time in each state
 */
void meter_states(const struct meter_vcpu *copy, uint64_t now_ns, uint64_t ns[KVMETER_STATE_NR]);

/** meter_ledger_ns() - what the states add up to in a copy, without what is in progress */
uint64_t meter_ledger_ns(const struct meter_vcpu *copy);

/** meter_row() - the row of a reason and a level in a copy; NULL if there is none */
const struct kvmeter_exit *meter_row(const struct meter_vcpu *copy, uint32_t level,
				     uint32_t reason);

/** meter_count() - exits for a reason in a copy, from the guest itself */
uint64_t meter_count(const struct meter_vcpu *copy, uint32_t reason);

/** meter_row_ns() - handling time of a row: kernel, VMM and halt */
uint64_t meter_row_ns(const struct kvmeter_exit *row);

/** meter_thief_ns() - steal that a thief is to blame for, after preemption and after wake-ups */
uint64_t meter_thief_ns(const struct kvmeter_thief *thief);

/** meter_blamed_ns() - steal in a copy that some thief is to blame for */
uint64_t meter_blamed_ns(const struct meter_vcpu *copy);

/**
 * meter_subtract_thieves() - leave in a copy what steal there was since an earlier one
 * @last: the copy: its steal, waits, wake-ups and thieves
 * @first: the earlier one
 */
void meter_subtract_thieves(struct meter_vcpu *last, const struct meter_vcpu *first);

/** meter_kind_ns() - steal in a copy by thieves of a kind */
uint64_t meter_kind_ns(const struct meter_vcpu *copy, enum kvmeter_thief_kind kind);

/** meter_vm_thief() - the row of another VM, the one of a vCPU, in a copy; NULL if there is none */
const struct kvmeter_thief *meter_vm_thief(const struct meter_vcpu *copy,
					   const struct kvmeter_vcpu *vcpu);

/** meter_process_thief() - the row of a command name in a copy; NULL if there is none */
const struct kvmeter_thief *meter_process_thief(const struct meter_vcpu *copy, const char *comm);

/** meter_hist_sum() - how many times a histogram has counted */
uint64_t meter_hist_sum(const struct kvmeter_hist *hist);

/** meter_used() - how many VM slots (or vCPU slots) are in use */
unsigned int meter_used(const struct meter *m, bool vcpus);

/**
 * meter_wait_used() - wait until that many VM slots are in use, for some seconds at most
 *
 * Return: how many are.
 */
unsigned int meter_wait_used(const struct meter *m, unsigned int vms);

/**
 * meter_check_empty() - all VMs that there were are gone: are all slots given back and zeroed, and
 *			 has each VM and vCPU moved one gen on twice?
 *
 * Waits for it, for some seconds at most.
 *
 * Return: NULL, or what is wrong.
 */
const char *meter_check_empty(const struct meter *m);

/**
 * meter_wait_log() - wait until the module knows whether a VM's dirty logging is on
 *
 * Return: enum kvmeter_log_state.
 */
int meter_wait_log(const struct meter *m, int fd);

/**
 * meter_debugfs_count() - exits of the guest itself for a reason, as the VM's debugfs table
 *			   "exits" has them
 * @fd: file descriptor of the VM
 * @vcpu_id: the vCPU
 * @reason: the reason
 * @count: set to the number, 0 if the table has no such line
 */
int meter_debugfs_count(int fd, unsigned int vcpu_id, uint32_t reason, uint64_t *count);

/** meter_set_param() - write a parameter of the module, which is loaded */
int meter_set_param(const char *name, const char *value);

/** meter_status() - a number from the debugfs file "status" */
int64_t meter_status(const char *key);

#endif
