/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of recordings: a host whose VMs are busy, and snapshots of it at times of our own.
 */
#ifndef KVMETER_SELFTESTS_BUSY_HOST_H
#define KVMETER_SELFTESTS_BUSY_HOST_H

#include "fake_maps.h"

#define BUSY_VMS 3
#define BUSY_VCPUS 5

/* When the first snapshot is taken, by the ledger clock and in UTC: 2026-11-22T12:00:00Z. */
#define BUSY_BEGIN_NS 1000000000000ULL
#define BUSY_BEGIN_REAL_NS 1795348800000000000ULL

/**
 * struct busy_host - its maps, and how far its time is
 * @fake: the maps: "web" in slot 0 with 2 vCPUs, "db,1" in slot 1 with 2, "a \"b\"" in slot 2 with
 * 1
 * @maps: how the reader sees them
 * @now_ns: time since the first snapshot
 * @seed: of what its VMs do
 */
struct busy_host {
	struct fake_maps *fake;
	struct kvmeter_maps maps;
	__u64 now_ns;
	__u64 seed;
};

/** busy_host_init() - a host whose VMs have run for a while; 0, or -1 if there is no memory */
int busy_host_init(struct busy_host *host);

/** busy_host_put() - free what it has */
void busy_host_put(struct busy_host *host);

/** busy_host_run() - have all vCPUs do what busy ones do in @ns: thousands of exits a second */
void busy_host_run(struct busy_host *host, __u64 ns);

/** busy_host_take() - a snapshot with all rows, as if taken now */
void busy_host_take(struct busy_host *host, struct kvmeter_snap *snap);

#endif
