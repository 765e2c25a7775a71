/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of the autopilot: which quota makes a migration converge, from what is seen of it.
 *
 * Plain integers, for the module and for its selftests alike; no more of the kernel than
 * <linux/types.h> and the contract. Nothing here locks or sleeps, all of it may be called anywhere;
 * calls for one migration must not overlap.
 *
 * A round begins when the VMM has read the dirty log, and ends when it does so again. Pages are of
 * 4 KiB, rates in pages per second, quotas what all vCPUs of the VM together may dirty.
 */
#ifndef _KVMETER_CONVERGE_H
#define _KVMETER_CONVERGE_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <uapi/linux/kvmeter.h>
#else
#include <stdbool.h>
#include <linux/kvmeter.h>
#endif

/* How often kvmeter_converge_decide() wants to be asked. */
#define KVMETER_CONVERGE_TICK_NS 100000000ULL

/* QEMU's default of downtime-limit, taken where the VMM's is not known. */
#define KVMETER_CONVERGE_DOWNTIME_NS 300000000ULL

/* QEMU's own limit of that, 2,000 s. */
#define KVMETER_CONVERGE_DOWNTIME_MAX_NS 2000000000000ULL

/* 64 TiB: no more pages in a VM, a round or a second; times 10^9 they fit into 64 bits. */
#define KVMETER_CONVERGE_PAGES_MAX ((1ULL << 34) - 1)

/* KVMETER_QUOTA_MIN in pages: no quota is less. */
#define KVMETER_CONVERGE_QUOTA_MIN 16

/* No quota. */
#define KVMETER_CONVERGE_NONE 0

/* Windows of 100 ms, 200 ms, ... 51.2 s in which the most that was dirtied is kept. */
#define KVMETER_CONVERGE_CURVE_NR 10

/* kvmeter_converge_seen.flags */
#define KVMETER_CONVERGE_SEEN_RING 0x1 /* a dirty ring is in use */
#define KVMETER_CONVERGE_SEEN_RIVAL 0x2 /* the VMM throttles the VM itself */

/**
 * struct kvmeter_converge_config - what a migration is to be like
 * @goal: enum kvmeter_goal
 * @mode: enum kvmeter_autoconverge_mode
 * @ram_pages: what the guest has: what there is to send in the first round
 * @deadline_ns: when it should be done, from its beginning
 * @downtime_ns: the VMM's limit, up to KVMETER_CONVERGE_DOWNTIME_MAX_NS; 0:
 *		 KVMETER_CONVERGE_DOWNTIME_NS
 * @bandwidth: if that is known beforehand, for a deadline; 0: it is not
 */
struct kvmeter_converge_config {
	__u32 goal;
	__u32 mode;
	__u64 ram_pages;
	__u64 deadline_ns;
	__u64 downtime_ns;
	__u64 bandwidth;
};

/**
 * struct kvmeter_converge_seen - what there is to see at one time
 * @now_ns: when
 * @dirtied_pages: by vCPUs, so far; only what it grows by counts
 * @stalled_ns: for which quotas held vCPUs back, so far; likewise
 * @flags: KVMETER_CONVERGE_SEEN_*
 */
struct kvmeter_converge_seen {
	__u64 now_ns;
	__u64 dirtied_pages;
	__u64 stalled_ns;
	__u32 flags;
};

/**
 * struct kvmeter_converge_decision - what to do
 * @quota: KVMETER_CONVERGE_NONE, or no less than KVMETER_CONVERGE_QUOTA_MIN
 * @would: the quota that mode on has, or would have
 * @bandwidth: what it is based on, 0: not known
 * @dirty_rate: of the vCPUs, in this round, 0: it has just begun
 * @why: enum kvmeter_why
 * @round: from 1
 */
struct kvmeter_converge_decision {
	__u64 quota;
	__u64 would;
	__u64 bandwidth;
	__u64 dirty_rate;
	__u32 why;
	__u32 round;
};

/**
 * struct kvmeter_converge_window - the most that was dirtied in a time of some length
 * @begin_ns: of the window in progress
 * @begin_pages: dirtied_pages then
 * @most_pages: the most of all windows so far
 */
struct kvmeter_converge_window {
	__u64 begin_ns;
	__u64 begin_pages;
	__u64 most_pages;
};

/**
 * struct kvmeter_converge - the autopilot's state for one migration; all zeros: there is none
 * @config: as given; mode and goal may be changed at any time between calls
 * @last: what was seen last
 * @curve: D(t) as far as it is known, see converge.c
 * @active: from begin to end
 * @bad: something was seen that cannot be; until the end
 * @holding: it needs a quota; until the end
 * @helpless: a quota cannot help
 * @not_kept: nor was the quota kept in the last round
 * @round: the one in progress, from 1
 * @bad_rounds: in a row that tell that a quota cannot help
 * @good_rounds: in a row that tell that it can
 * @helpless_nr: how often @helpless was set
 * @begin_ns: of the first round
 * @round_ns: of this one
 * @to_send: pages the VMM had to send when it began
 * @round_pages: dirtied_pages then
 * @round_stalled_ns: stalled_ns then
 * @bandwidth: of the last stretch of rounds, 0: not known
 * @pool_pages: sent in the stretch in progress, up to this round
 * @pool_ns: how long that took
 * @granted: pages that quotas allowed in this round; ~0: there was a time without one
 * @quota: what was decided last
 * @patience_ns: until when it is believed that it converges by itself; 0: nobody said so
 */
struct kvmeter_converge {
	struct kvmeter_converge_config config;
	struct kvmeter_converge_seen last;
	struct kvmeter_converge_window curve[KVMETER_CONVERGE_CURVE_NR];
	bool active;
	bool bad;
	bool holding;
	bool helpless;
	bool not_kept;
	__u32 round;
	__u32 bad_rounds;
	__u32 good_rounds;
	__u32 helpless_nr;
	__u64 begin_ns;
	__u64 round_ns;
	__u64 to_send;
	__u64 round_pages;
	__u64 round_stalled_ns;
	__u64 bandwidth;
	__u64 pool_pages;
	__u64 pool_ns;
	__u64 granted;
	__u64 quota;
	__u64 patience_ns;
};

void kvmeter_converge_begin(struct kvmeter_converge *c,
			    const struct kvmeter_converge_config *config,
			    const struct kvmeter_converge_seen *seen);
void kvmeter_converge_add_round(struct kvmeter_converge *c,
				const struct kvmeter_converge_seen *seen, __u64 to_send);
void kvmeter_converge_decide(struct kvmeter_converge *c, const struct kvmeter_converge_seen *seen,
			     struct kvmeter_converge_decision *d);
void kvmeter_converge_end(struct kvmeter_converge *c, enum kvmeter_why why,
			  struct kvmeter_converge_decision *d);

#endif /* _KVMETER_CONVERGE_H */
