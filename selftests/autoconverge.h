/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The autopilot, as tests switch it and look at it; and what competes with it: a VMM that throttles
 * its vCPUs itself.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_AUTOCONVERGE_H
#define KVMETER_SELFTESTS_AUTOCONVERGE_H

#include "meter.h"
#include "writers.h"

/* Of the quota for the goal gentle: this part of the bandwidth. */
#define AUTOCONVERGE_GENTLE_PART 32

/* A change of a quota by less than this part of it has no record: struct kvmeter_audit. */
#define AUTOCONVERGE_TELL_PARTS 8

/** autoconverge_slot() - slot of a VM of this process */
int autoconverge_slot(const struct meter *m, int vm_fd);

/** autoconverge_set() - KVMETER_AUTOCONVERGE for a slot in use, with what is in @want for the rest
 */
int autoconverge_set(const struct meter *m, uint32_t vm, struct kvmeter_autoconverge want);

/** autoconverge_set_param() - write the module parameter */
int autoconverge_set_param(const char *mode);

/** autoconverge_get_param() - read it, without the newline; "" if that fails */
void autoconverge_get_param(char *mode, size_t size);

/** autoconverge_copy() - a consistent copy of the migration of the VM in a slot */
void autoconverge_copy(const struct meter *m, uint32_t vm, struct kvmeter_migration *copy);

/** autoconverge_wait_state() - wait for enum kvmeter_migration_state, for some seconds at most */
int autoconverge_wait_state(const struct meter *m, uint32_t vm, uint32_t state);

/** autoconverge_wait_mode() - wait for enum kvmeter_autoconverge_mode to be in force */
int autoconverge_wait_mode(const struct meter *m, uint32_t vm, uint32_t mode);

/** autoconverge_wait_why() - wait for enum kvmeter_why; returns the one there is at last */
int autoconverge_wait_why(const struct meter *m, uint32_t vm, uint32_t why);

/** autoconverge_wait_quota() - wait until a VM has a quota, or none */
int autoconverge_wait_quota(const struct meter *m, uint32_t vm, bool some);

/** autoconverge_read_log() - read what there is of the audit log; returns how many records */
int autoconverge_read_log(int fd, struct kvmeter_audit *records, unsigned int max);

/** autoconverge_skip_log() - open the audit log, for records that come from now on; returns the fd
 */
int autoconverge_skip_log(void);

/** autoconverge_stop_writer() - have it end now, parked or not, its list not worked through */
int autoconverge_stop_writer(struct writer *w);

/**
 * struct autoconverge_throttle - a thread that throttles vCPUs as QEMU's auto-converge does
 * @writer: the vCPUs, which run all the time
 * @nr: how many
 * @run_us: for how long they may run
 * @sleep_us: for how long they then sleep, kicked out of KVM_RUN by a signal
 * @thread: the thread
 * @stop: it is to end
 */
struct autoconverge_throttle {
	struct writer *writer;
	unsigned int nr;
	unsigned int run_us;
	unsigned int sleep_us;
	pthread_t thread;
	atomic_bool stop;
};

/** autoconverge_start_throttle() - begin; what the caller has to fill in is @writer to @sleep_us */
int autoconverge_start_throttle(struct autoconverge_throttle *t);

/** autoconverge_stop_throttle() - end that */
void autoconverge_stop_throttle(struct autoconverge_throttle *t);

#endif
