/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many VMMs at once, each a process with one VM, for what depends on how many there are.
 *
 * They end with the thread that started them. Functions return 0 or a non-negative value, or a
 * negative errno.
 */
#ifndef KVMETER_SELFTESTS_HERD_H
#define KVMETER_SELFTESTS_HERD_H

#include <sys/types.h>

#define HERD_VCPUS 2

/* CPUID exits of each vCPU, whenever it is told to run. */
#define HERD_EXITS 101

/**
 * struct herd_member - one VMM
 * @pid: the process; 0 once it was stopped
 * @fd: file descriptor that its VM has there
 */
struct herd_member {
	pid_t pid;
	int fd;
};

/**
 * struct herd - all of them
 * @nr: how many there are
 * @member: one by one
 * @answers: where they tell how they fared
 */
struct herd {
	unsigned int nr;
	struct herd_member *member;
	int answers[2];
};

/**
 * herd_start() - start @nr VMMs, and wait until each of their vCPUs has made HERD_EXITS exits
 * @herd: filled in; to be given to herd_end() even if this fails
 * @nr: how many
 */
int herd_start(struct herd *herd, unsigned int nr);

/** herd_add() - start @nr more, likewise */
int herd_add(struct herd *herd, unsigned int nr);

/** herd_run() - have those of [@from, @to) make HERD_EXITS more on each vCPU, and wait for that */
int herd_run(struct herd *herd, unsigned int from, unsigned int to);

/** herd_storm() - have those of [@from, @to) make exits without pause from now on */
int herd_storm(struct herd *herd, unsigned int from, unsigned int to);

/** herd_kill() - end those of [@from, @to), all at once, and wait until they are gone */
int herd_kill(struct herd *herd, unsigned int from, unsigned int to);

/** herd_find() - index of the one with process id @pid; -ENOENT if it is none of them */
int herd_find(const struct herd *herd, pid_t pid);

/** herd_end() - end all of them */
void herd_end(struct herd *herd);

#endif
