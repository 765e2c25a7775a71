/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quotas on VMs, as tests set them, and VMMs that have a guest dirty its pages anew all the time.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_QUOTA_H
#define KVMETER_SELFTESTS_QUOTA_H

#include "meter.h"

/* At the lowest quota there is, who writes fast is parked for as long as it may be. */
#define QUOTA_LEAST_PAGES (KVMETER_QUOTA_MIN / VMM_PAGE_BYTES)

/* What a vCPU may dirty on top of its share, and in how many pages it may be past that. */
#define QUOTA_BURST_PAGES 512u
#define QUOTA_DEBT_PAGES (vmm_is_intel() ? 512u : 16u)

/** quota_set() - have the vCPUs of a VM of this process dirty @pages a second; 0: no quota */
int quota_set(const struct meter *m, int vm_fd, uint64_t pages);

/** quota_set_slot() - the same for a slot of VMs in use, whichever process it is of */
int quota_set_slot(const struct meter *m, uint32_t vm, uint64_t pages);

/** quota_shares() - what the shares of a VM's vCPUs add up to now; UINT64_MAX: it has no slot */
uint64_t quota_shares(const struct meter *m, int vm_fd);

/**
 * struct quota_sample - a vCPU at one moment
 * @copy: its counts
 * @now_ns: when that was, by the ledger clock
 * @state_ns: its states up to then
 */
struct quota_sample {
	struct meter_vcpu copy;
	uint64_t now_ns;
	uint64_t state_ns[KVMETER_STATE_NR];
};

/** quota_take() - look at vCPU @id */
int quota_take(const struct meter *m, int vm_fd, unsigned int id, struct quota_sample *sample);

/**
 * struct quota_span - what there was between two moments
 * @ns: time
 * @pages: pages dirtied
 * @parked_nr: times parked
 * @state_ns: by state
 * @run_delay_ns: growth of the vCPU's run_delay_ns
 */
struct quota_span {
	uint64_t ns;
	uint64_t pages;
	uint64_t parked_nr;
	uint64_t state_ns[KVMETER_STATE_NR];
	uint64_t run_delay_ns;
};

/** quota_span() - the difference of two samples of one vCPU */
struct quota_span quota_span(const struct quota_sample *first, const struct quota_sample *last);

/** quota_rate() - pages a second in a span */
uint64_t quota_rate(const struct quota_span *span);

/** quota_parked_ns() - for how long it was parked in a span */
uint64_t quota_parked_ns(const struct quota_span *span);

/**
 * struct quota_cleaner - a thread that takes a VM's dirty log again and again: pages are armed anew
 * @vm: the VM, its log on
 * @period_us: pause after each time
 * @thread: the thread
 * @stop: it is to end
 * @pages: pages found dirty, by KVM's own log
 * @ret: 0, or the errno of what went wrong
 */
struct quota_cleaner {
	struct vmm *vm;
	unsigned int period_us;
	pthread_t thread;
	atomic_bool stop;
	atomic_ulong pages;
	int ret;
};

/** quota_start_cleaner() - begin to take the log every @period_us */
int quota_start_cleaner(struct quota_cleaner *cleaner, struct vmm *vm, unsigned int period_us);

/** quota_stop_cleaner() - end that, and take the log for the last time */
int quota_stop_cleaner(struct quota_cleaner *cleaner);

/** quota_load() - load the module, open @m, and wait until it knows vCPU 0, for 2 s at most */
int quota_load(struct meter *m, int vm_fd, const char *params);

/** quota_wait_parked() - wait until vCPU @id is parked now, for some seconds at most */
int quota_wait_parked(const struct meter *m, int vm_fd, unsigned int id);

/** quota_wait_released() - wait until it is not, likewise */
int quota_wait_released(const struct meter *m, int vm_fd, unsigned int id);

/** quota_median() - the median of an odd number of times, which are sorted */
uint64_t quota_median(uint64_t *ns, unsigned int nr);

#endif
