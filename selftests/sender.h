/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A migration in miniature: a VMM's thread that has the memory logged and reads the dirty log round
 * after round, and in between takes the time that it takes to send what it found at some bandwidth.
 * It sends all memory first, and ends when what is left can be sent in the downtime.
 *
 * Functions return 0, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_SENDER_H
#define KVMETER_SELFTESTS_SENDER_H

#include "meter.h"

#define SENDER_ROUNDS_MAX 64

/**
 * struct sender_round - what the VMM knows of a round
 * @before_ns: before it read the log, by the ledger clock
 * @after_ns: after that
 * @pages: what it then had to send
 */
struct sender_round {
	uint64_t before_ns;
	uint64_t after_ns;
	uint64_t pages;
};

/**
 * struct sender - a migration in miniature
 * @meter: whose clock it reads
 * @vm: the VM
 * @bandwidth: pages a second
 * @later_bandwidth: from the second round on; 0: the same
 * @downtime_ns: limit of the downtime
 * @rounds_max: it is given up after so many, at most SENDER_ROUNDS_MAX
 * @thread: the thread
 * @stop: it is to be given up now
 * @nr: rounds begun
 * @round: them
 * @ended_ns: after logging was switched off, by the ledger clock
 * @converged: what was left could be sent in the downtime
 * @ret: 0, or the errno of what went wrong
 */
struct sender {
	const struct meter *meter;
	struct vmm *vm;
	uint64_t bandwidth;
	uint64_t later_bandwidth;
	uint64_t downtime_ns;
	unsigned int rounds_max;
	pthread_t thread;
	atomic_bool stop;
	atomic_uint nr;
	struct sender_round round[SENDER_ROUNDS_MAX];
	uint64_t ended_ns;
	bool converged;
	int ret;
};

/** sender_read_log() - read the dirty log, in the calling thread: a round begins */
int sender_read_log(struct sender *s);

/** sender_start() - begin, in a thread; what the caller has to fill in is @meter to @rounds_max */
int sender_start(struct sender *s);

/** sender_join() - wait for the end; the log is off then */
int sender_join(struct sender *s);

/** sender_stop() - have it given up, and wait for the end */
int sender_stop(struct sender *s);

/** sender_pages() - pages sent, those in the downtime included */
uint64_t sender_pages(const struct sender *s);

/** sender_ns() - for how long it has been sent */
uint64_t sender_ns(const struct sender *s);

#endif
