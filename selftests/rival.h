/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a vCPU competes with for its CPU: processes of their own that compute, or whose guest does;
 * and a cgroup with a CPU limit.
 *
 * They end with the process that started them. Functions return 0 or a non-negative value, or a
 * negative errno.
 */
#ifndef KVMETER_SELFTESTS_RIVAL_H
#define KVMETER_SELFTESTS_RIVAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct rival - a process
 * @comm: its command name
 * @cpu: the CPU it runs on, and no other
 * @nice: its nice level
 * @policy: its scheduling policy; 0 is SCHED_OTHER
 */
struct rival {
	const char *comm;
	int cpu;
	int nice;
	int policy;
};

/** rival_start_hog() - start a process that computes; returns its process id */
pid_t rival_start_hog(const struct rival *rival);

/** rival_start_renamer() - start one that computes, and has another command name all the time */
pid_t rival_start_renamer(const struct rival *rival);

/** rival_start_guest() - start one with a guest that computes on its one vCPU */
pid_t rival_start_guest(const struct rival *rival);

/** rival_stop() - kill a process, and wait for its end */
int rival_stop(pid_t pid);

/** rival_pin() - move the main thread of a process to a CPU, whatever it is doing */
int rival_pin(pid_t pid, int cpu);

/**
 * rival_set_autogroup() - do nice levels count within a session only?
 *
 * Return: 1 if they did, 0 if not.
 */
int rival_set_autogroup(bool on);

/** rival_init_limit() - make a cgroup that may use @quota_us of CPU time in each @period_us */
int rival_init_limit(uint64_t quota_us, uint64_t period_us);

/**
 * rival_add_limit() - put a process into it
 * @pid: the process
 * @below: into a cgroup of its own, in the one that has the limit
 */
int rival_add_limit(pid_t pid, bool below);

/** rival_set_limit_nice() - give it the weight of a nice level */
int rival_set_limit_nice(int nice);

/** rival_throttled_us() - for how long the kernel says that it held it back; 0 if it does not */
uint64_t rival_throttled_us(void);

/** rival_exit_limit() - remove the cgroup, whose processes have ended */
void rival_exit_limit(void);

#endif
