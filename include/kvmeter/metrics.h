/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of metrics, for the module's debugfs, the reader's output and its help.
 *
 * KVMETER_VM_METRICS, KVMETER_VCPU_METRICS, KVMETER_EXIT_METRICS, KVMETER_SUB_METRICS,
 * KVMETER_THIEF_METRICS, KVMETER_DIRTY_METRICS, KVMETER_MIGRATION_METRICS and KVMETER_ROUND_METRICS
 * call X(field, type, unit, exponent, help) for each field of struct kvmeter_vm, kvmeter_vcpu,
 * kvmeter_exit, kvmeter_sub, kvmeter_thief, kvmeter_dirty, kvmeter_migration and kvmeter_round that
 * is one, in the order in which they are shown.
 *
 * As in KVM's binary statistics: a value is in 10^exponent of its unit, and type is
 *
 *	CUMULATIVE	only grows
 *	INSTANT		goes up and down
 *	PEAK		the highest there was
 *	LOWEST		the lowest there was; all ones: none yet
 *	HISTOGRAM	struct kvmeter_hist, counts of values in log2 buckets
 *
 * PEAK and LOWEST stand before the HISTOGRAM of the values they are extremes of.
 */
#ifndef _KVMETER_METRICS_H
#define _KVMETER_METRICS_H

#define KVMETER_VM_METRICS(X) \
	X(nr_vcpus, INSTANT, NONE, 0, "vCPUs that are tracked") \
	X(log_slots, INSTANT, NONE, 0, "memory slots with dirty logging on") \
	X(log_pages, INSTANT, NONE, 0, "4 KiB pages in those slots") \
	X(pages_4k, INSTANT, NONE, 0, "4 KiB pages mapped for the guest") \
	X(pages_2m, INSTANT, NONE, 0, "2 MiB pages mapped for the guest") \
	X(pages_1g, INSTANT, NONE, 0, "1 GiB pages mapped for the guest") \
	X(ram_pages, INSTANT, NONE, 0, "4 KiB pages in memory slots that can be written to") \
	X(quota_pages, INSTANT, NONE, 0, "4 KiB pages a second that it may dirty, 0: no quota") \
	X(user_quota_pages, INSTANT, NONE, 0, "of this, what its user has set, 0: none")

#define KVMETER_VCPU_METRICS(X) \
	X(exits, CUMULATIVE, NONE, 0, "exits") \
	X(user_exits, CUMULATIVE, NONE, 0, "exits to the VMM") \
	X(guest_ns, CUMULATIVE, SECONDS, -9, "time in the guest") \
	X(kernel_ns, CUMULATIVE, SECONDS, -9, "time in which KVM handled exits") \
	X(vmm_ns, CUMULATIVE, SECONDS, -9, "time in the VMM") \
	X(halt_ns, CUMULATIVE, SECONDS, -9, "time halted, asleep or polling") \
	X(steal_ns, CUMULATIVE, SECONDS, -9, "time runnable and not running") \
	X(throttle_ns, CUMULATIVE, SECONDS, -9, "time parked by a quota") \
	X(run_delay_ns, CUMULATIVE, SECONDS, -9, "steal by the scheduler's own account") \
	X(steal_nr, CUMULATIVE, NONE, 0, "waits for a CPU") \
	X(steal_max_ns, PEAK, SECONDS, -9, "longest wait for a CPU") \
	X(steal_hist, HISTOGRAM, SECONDS, -9, "waits for a CPU") \
	X(wakeups, CUMULATIVE, NONE, 0, "waits for a CPU after a wake-up") \
	X(wakeup_lat_ns, CUMULATIVE, SECONDS, -9, "time from wake-up to running") \
	X(wakeup_lat_max_ns, PEAK, SECONDS, -9, "longest time from wake-up to running") \
	X(wakeup_lat_hist, HISTOGRAM, SECONDS, -9, "times from wake-up to running") \
	X(cpu_moves, CUMULATIVE, NONE, 0, "moves to another CPU") \
	X(node_moves, CUMULATIVE, NONE, 0, "moves to another NUMA node") \
	X(irq_injections, CUMULATIVE, NONE, 0, "interrupts injected") \
	X(nmi_injections, CUMULATIVE, NONE, 0, "NMIs injected") \
	X(halt_attempted_poll, CUMULATIVE, NONE, 0, "halts that began with polling") \
	X(halt_successful_poll, CUMULATIVE, NONE, 0, "halts that ended while polling") \
	X(halt_poll_success_ns, CUMULATIVE, SECONDS, -9, "time polled with success") \
	X(halt_poll_fail_ns, CUMULATIVE, SECONDS, -9, "time polled in vain") \
	X(halt_wakeup, CUMULATIVE, NONE, 0, "halts that ended with work for the guest") \
	X(pml_pages, CUMULATIVE, NONE, 0, "pages read from the Page Modification Log") \
	X(pml_full, CUMULATIVE, NONE, 0, "exits at which that log was full") \
	X(pml_bad, CUMULATIVE, NONE, 0, "entries of that log that were no page") \
	X(pml_gfn_sum, CUMULATIVE, NONE, 0, "sum mod 2^64 of their guest frame numbers") \
	X(pml_dups, CUMULATIVE, NONE, 0, "pages of it just counted as write faults") \
	X(write_faults, CUMULATIVE, NONE, 0, "pages dirtied by a fault, not by that log") \
	X(l2_write_faults, CUMULATIVE, NONE, 0, "those of them by a nested guest") \
	X(dirty_marks, CUMULATIVE, NONE, 0, "pages it was the first to dirty in an interval") \
	X(throttle_nr, CUMULATIVE, NONE, 0, "times it was parked by a quota") \
	X(share_pages, INSTANT, NONE, 0, "4 KiB pages a second of the quota that are its share") \
	X(round_pages, INSTANT, NONE, 0, "pages it dirtied in a migration's last whole round")

#define KVMETER_EXIT_METRICS(X) \
	X(count, CUMULATIVE, NONE, 0, "exits for this reason") \
	X(user_exits, CUMULATIVE, NONE, 0, "exits to the VMM that they caused") \
	X(kernel_ns, CUMULATIVE, SECONDS, -9, "time KVM took to handle them") \
	X(vmm_ns, CUMULATIVE, SECONDS, -9, "time in the VMM that they caused") \
	X(halt_ns, CUMULATIVE, SECONDS, -9, "time halted") \
	X(steal_ns, CUMULATIVE, SECONDS, -9, "steal before the next entry, in none of the others") \
	X(min_ns, LOWEST, SECONDS, -9, "shortest handling time, net of steal") \
	X(max_ns, PEAK, SECONDS, -9, "longest handling time, net of steal") \
	X(hist, HISTOGRAM, SECONDS, -9, "handling times, net of steal")

#define KVMETER_SUB_METRICS(X) \
	X(count, CUMULATIVE, NONE, 0, "exits for this sub-reason, too high by error at most") \
	X(error, INSTANT, NONE, 0, "exits that may have been of other sub-reasons") \
	X(kernel_ns, CUMULATIVE, SECONDS, -9, "time KVM took to handle them")

#define KVMETER_THIEF_METRICS(X) \
	X(preempt_ns, CUMULATIVE, SECONDS, -9, "steal after preemption that it is to blame for") \
	X(wakeup_ns, CUMULATIVE, SECONDS, -9, "steal after a wake-up that it is to blame for")

#define KVMETER_DIRTY_METRICS(X) \
	X(tracked_pages, INSTANT, NONE, 0, "4 KiB pages whose last writing is remembered") \
	X(intervals, CUMULATIVE, NONE, 0, "intervals of the session that have ended") \
	X(marks, CUMULATIVE, NONE, 0, "pages found dirty, once in an interval") \
	X(untracked, CUMULATIVE, NONE, 0, "pages found dirty that are not tracked") \
	X(rearms, CUMULATIVE, NONE, 0, "pages armed again") \
	X(rearm_ns, CUMULATIVE, SECONDS, -9, "time that took") \
	X(kvm_writes, CUMULATIVE, NONE, 0, "KVM's own writes to guest memory") \
	X(sync_nr, CUMULATIVE, NONE, 0, "times the VMM has read the dirty log") \
	X(sync_pages, CUMULATIVE, NONE, 0, "pages found dirty up to the last time") \
	X(round_pages, INSTANT, NONE, 0, "of these, since the time before") \
	X(round_ns, INSTANT, SECONDS, -9, "time between these two") \
	X(sent_pages, INSTANT, NONE, 0, "pages the VMM had to send meanwhile") \
	X(kvm_pages, CUMULATIVE, NONE, 0, "pages that KVM's own writes made dirty")

#define KVMETER_MIGRATION_METRICS(X) \
	X(nr_rounds, INSTANT, NONE, 0, "rounds of the migration that have begun") \
	X(ram_pages, INSTANT, NONE, 0, "4 KiB pages to send in the first one") \
	X(sent_pages, INSTANT, NONE, 0, "pages to send in all those that have ended") \
	X(bandwidth_pages, INSTANT, NONE, 0, "pages a second that can be sent, 0: not known") \
	X(dirty_rate_pages, INSTANT, NONE, 0, "pages a second that vCPUs dirty, 0: not known") \
	X(would_pages, INSTANT, NONE, 0, "quota that the autopilot has set, or would, 0: none") \
	X(autopilot_pages, INSTANT, NONE, 0, "quota that the autopilot has set, 0: none")

#define KVMETER_ROUND_METRICS(X) \
	X(duration_ns, INSTANT, SECONDS, -9, "time the round took, 0: it is in progress") \
	X(to_send_pages, INSTANT, NONE, 0, "4 KiB pages to send in it") \
	X(dirtied_pages, INSTANT, NONE, 0, "pages dirtied in it") \
	X(bandwidth_pages, INSTANT, NONE, 0, "pages a second that were sent in it") \
	X(quota_pages, INSTANT, NONE, 0, "least quota in it, pages a second, 0: none") \
	X(throttle_ns, INSTANT, SECONDS, -9, "time for which quotas parked vCPUs in it")

#endif /* _KVMETER_METRICS_H */
