/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must not change while something hostile is done to the module: a VM with a known load, whose
 * counts stay exact, and the host's memory and log.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_BYSTANDER_H
#define KVMETER_SELFTESTS_BYSTANDER_H

#include "meter.h"
#include "residue.h"

/* vCPU 0 executes CPUID, this many times in a run; vCPU 1 writes to its pages and has them logged.
 */
#define BYSTANDER_CHUNK 1009
#define BYSTANDER_PAGES 251

/**
 * struct bystander_vcpu - what one of its vCPUs has done
 * @thread: its thread
 * @vm: its VM
 * @id: the vCPU
 * @runs: jobs it has ended, each with one doorbell
 * @begin_lo_ns: before the first of them, ledger clock
 * @begin_hi_ns: after it
 * @ret: 0, or what went wrong
 */
struct bystander_vcpu {
	pthread_t thread;
	struct bystander *owner;
	unsigned int id;
	atomic_ulong runs;
	uint64_t begin_lo_ns, begin_hi_ns;
	int ret;
};

/**
 * struct bystander - the VM
 * @vm: the VM
 * @meter: maps of any time: their clock is used
 * @vcpu: its vCPUs
 * @stop: they are to end
 * @takes: times that the log was read
 * @missed: pages that were written to and not in the log
 */
struct bystander {
	struct vmm vm;
	const struct meter *meter;
	struct bystander_vcpu vcpu[2];
	atomic_bool stop;
	uint64_t takes, missed;
};

/**
 * struct bystander_host - what the host uses
 * @memory: memory of the kernel's
 * @messages: number of the last kernel message
 * @refcnt: users of the module
 */
struct bystander_host {
	struct residue_memory memory;
	int64_t messages, refcnt;
};

/** bystander_start() - begin; @m has to stay mapped until bystander_stop() */
int bystander_start(struct bystander *b, const struct meter *m);

/** bystander_stop() - have the vCPUs end what they do; the VM stays */
int bystander_stop(struct bystander *b);

/**
 * bystander_check() - are all counts what they must be?
 * @b: the VM, stopped
 * @m: maps that are attached
 *
 * Return: NULL, or what is wrong.
 */
const char *bystander_check(struct bystander *b, const struct meter *m);

/** bystander_check_copy() - does a copy of a vCPU's counts add up? NULL, or what is wrong */
const char *bystander_check_copy(const struct meter_vcpu *copy);

/** bystander_exit() - destroy the VM */
void bystander_exit(struct bystander *b);

/** bystander_look() - take note of what the host uses */
int bystander_look(struct bystander_host *host);

/**
 * bystander_wait_freed() - wait until the host uses no more than that, give or take @kib, for some
 *			    seconds at most
 */
int bystander_wait_freed(const struct bystander_host *before, int64_t kib,
			 struct bystander_host *after);

/** bystander_show() - print what the host uses more, and how many messages there were */
void bystander_show(const struct bystander_host *before, const struct bystander_host *after);

#endif
