/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions on VMs, as tests start, stop and read them.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_SESSION_H
#define KVMETER_SELFTESTS_SESSION_H

#include "meter.h"

/**
 * struct session - a session on a VM
 * @dev: /dev/kvmeter
 * @vm: slot of the VM
 * @vm_gen: gen of that slot
 */
struct session {
	int dev;
	uint32_t vm;
	uint32_t vm_gen;
};

/**
 * session_start() - begin a session, until it is stopped
 * @s: set to it
 * @dev: /dev/kvmeter
 * @vm_fd: the VM
 * @flags: KVMETER_DIRTY_*
 * @interval_ns: of the session
 */
int session_start(struct session *s, int dev, int vm_fd, uint32_t flags, uint64_t interval_ns);

/** session_stop() - end it */
int session_stop(const struct session *s);

/**
 * session_read() - how many pages were dirtied in each of the VM's pages from 0 up, so 0 or 1
 * @s: the session
 * @within_ns: within which time, 0: all that is remembered
 * @cells: set to that; those the module does not track to 0
 * @nr: how many of them
 */
int session_read(const struct session *s, uint64_t within_ns, uint32_t *cells, uint32_t nr);

/** session_copy() - a consistent copy of the session's figures; -ENOENT if the VM is gone */
int session_copy(const struct session *s, const struct meter *m, struct kvmeter_dirty *copy);

/**
 * session_wait_end() - wait until it is over
 *
 * Return: enum kvmeter_session_end; -ETIMEDOUT after @timeout_ns.
 */
int session_wait_end(const struct session *s, const struct meter *m, uint64_t timeout_ns);

/** session_wait_intervals() - wait until @nr more intervals have ended, or -ETIMEDOUT */
int session_wait_intervals(const struct session *s, const struct meter *m, uint64_t nr);

#endif
