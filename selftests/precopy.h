/* SPDX-License-Identifier: GPL-2.0-only */
/* A simulation of pre-copy as QEMU does it, with vCPUs that are held back as the module does it. */
#ifndef PRECOPY_H
#define PRECOPY_H

#include <stdbool.h>

#include <linux/types.h>

#include "../kmod/converge.h"
#include "../kmod/share.h"

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

#define SIM_VCPUS 4
#define SIM_PAGES 262144    /* 1 GiB */
#define SIM_BANDWIDTH 32768 /* 128 MiB/s, QEMU's default of max-bandwidth: 8 s */

/* Who makes it converge. */
enum method {
	NOBODY,
	AUTO_CONVERGE,
	DIRTY_LIMIT,
	GENTLE,
	BYTES,
	METHODS,
};

/**
 * struct writer - a vCPU, or a device
 * @rate: pages it writes to per second, if nothing holds it back
 * @pages: it writes to so many
 * @first: from this one on
 * @at_random: to any of them, not to one after the other
 * @begin_ms: from then on
 * @rest_ms: it rests for so long after it has written for 100 ms
 */
struct writer {
	__u64 rate;
	__u32 pages;
	__u32 first;
	bool at_random;
	__u32 begin_ms;
	__u32 rest_ms;
};

/**
 * struct setting - what is simulated
 * @vcpu: writers that can be held back
 * @device: one that cannot
 * @downtime_ms: 0: 300
 * @zero_pages: the last pages of RAM are zero and nobody writes there
 * @noise_pct: the bandwidth of each 100 ms is off by up to this
 * @change_ms: when the link changes, 0: never
 * @change_pct: to what
 * @park_pct: a vCPU is parked for this part of 100 ms at most, 0: as long as it takes
 * @reads_between: QEMU reads the log every 5 s within a round too, but the first
 * @deadline_ms: for a deadline in place of the goal of the method
 */
struct setting {
	struct writer vcpu[SIM_VCPUS];
	struct writer device;
	__u32 downtime_ms;
	__u32 zero_pages;
	__u32 noise_pct;
	__u32 change_ms;
	__u32 change_pct;
	__u32 park_pct;
	bool reads_between;
	__u32 deadline_ms;
};

/**
 * struct sim_vcpu - a vCPU or device at work
 * @w: what it does
 * @b: its bucket
 * @acc: what it is about to write, in 10^-3 pages
 * @turn: pages it has written to
 * @fresh: of these, those that were clean; @fresh_before: when the quota was shared out last;
 *	   @fresh_synced: when the log was read last
 * @stalled_ns: time it was held back; @stalled_before likewise
 * @lost: pages it could not write to meanwhile
 * @parked_ms: in the 100 ms in progress
 */
struct sim_vcpu {
	const struct writer *w;
	struct kvmeter_bucket b;
	__u64 acc;
	__u64 turn;
	__u64 fresh;
	__u64 fresh_before;
	__u64 fresh_synced;
	__u64 stalled_ns;
	__u64 stalled_before;
	__u64 lost;
	__u32 parked_ms;
};

/**
 * struct sim - a migration, in steps of 1 ms
 * @set: what is simulated
 * @method: who makes it converge
 * @c: the autopilot
 * @d: what it decided
 * @vcpu: its vCPUs
 * @device: and its device
 * @log: the dirty log
 * @todo: what QEMU has to send
 * @pending: pages in it
 * @cursor: where it is
 * @ms: time so far
 * @credit: what may be sent, in 1/400 pages: a zero page takes one, 9 bytes
 * @sent: what was, in 1/400 pages; @sent_before: 100 ms ago
 * @read_ms: when the log was read last
 * @measured: bandwidth that QEMU sees, in pages/s
 * @bandwidth: of this 100 ms
 * @offered: pages that could have been sent so far, in 10^-3
 * @synced_ms: when QEMU compared last what was dirtied with what was sent
 * @synced_sent: @sent then
 * @period: pages found dirty since then
 * @high: how often that was more than half of what was sent
 * @throttle_pct: QEMU's auto-converge
 * @limited: QEMU's dirty-limit
 * @quota_ms: time with a quota
 * @whys: set of those that were given
 * @rounds: number of them
 * @done: it has moved
 * @downtime_ns: for how long it was stopped
 */
struct sim {
	const struct setting *set;
	enum method method;
	struct kvmeter_converge c;
	struct kvmeter_converge_decision d;
	struct sim_vcpu vcpu[SIM_VCPUS];
	struct sim_vcpu device;
	__u8 log[SIM_PAGES];
	__u8 todo[SIM_PAGES];
	__u32 pending;
	__u32 cursor;
	__u64 ms;
	__u64 credit;
	__u64 sent;
	__u64 sent_before;
	__u64 read_ms;
	__u64 measured;
	__u64 bandwidth;
	__u64 offered;
	__u64 synced_ms;
	__u64 synced_sent;
	__u64 period;
	__u32 high;
	__u32 throttle_pct;
	bool limited;
	__u64 quota_ms;
	__u64 whys;
	__u32 rounds;
	bool done;
	__u64 downtime_ns;
};

void sim_migrate(struct sim *v, const struct setting *set, enum method method);
double sim_time(const struct sim *v);
double sim_bytes(const struct sim *v);
double sim_lost_ms(const struct sim *v);
__u64 sim_stalled_ns(const struct sim *v);
__u64 sim_downtime_max_ns(const struct sim *v);

#endif /* PRECOPY_H */
