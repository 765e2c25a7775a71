/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The one contract between the kvmeter module, its BPF maps and their readers.
 *
 * The module counts into nine arrays. Each is the memory of a BPF map of type BPF_MAP_TYPE_ARRAY
 * with BPF_F_MMAPABLE once maps were attached, and memory of the module before that; the values
 * are the same. A reader maps them read-only and polls without a system call.
 *
 *  map             value                   entries
 *  kvmeter_host    struct kvmeter_host     1
 *  kvmeter_index   struct kvmeter_index    entry i: which of the slots [64 i, 64 i + 64) are used
 *  kvmeter_vms     struct kvmeter_vm       max_vms
 *  kvmeter_vcpus   struct kvmeter_vcpu     max_vcpus
 *  kvmeter_exits   struct kvmeter_exit     max_vcpus * KVMETER_EXIT_ROWS; the rows of vCPU slot s
 *                                          start at entry s * KVMETER_EXIT_ROWS
 *  kvmeter_subs    struct kvmeter_sub      max_vcpus * KVMETER_SUB_ROWS; likewise
 *  kvmeter_steal   struct kvmeter_thief    max_vcpus * KVMETER_THIEF_ROWS; likewise
 *  kvmeter_dirty   struct kvmeter_dirty    max_vms; entry s is of the VM in slot s of kvmeter_vms
 *  kvmeter_migrations                      max_vms; likewise
 *                  struct kvmeter_migration
 *
 * Which of the fields are metrics, with type, unit and help, is told by include/kvmeter/metrics.h.
 *
 * Slots. A slot belongs to one VM (vCPU) from the time it is first seen until it is destroyed, and
 * then, zeroed, to another. @gen is odd while the slot is in use and moves on each time it is
 * taken or given back, so a reader that finds the gen it saw before still looks at the same VM
 * (vCPU). Slots are taken lowest first, so the arrays stay dense.
 *
 * Consistent reads. Only the CPU that runs a vCPU, just ran it, or wakes it, writes its slot and
 * its rows.
 * @seq of struct kvmeter_vcpu is odd while it does. A reader takes seq (again until it is even),
 * copies what it wants, and keeps the copy if seq and gen are what they were; memory barriers as
 * for a seqcount. Counters only grow while gen stands.
 *
 * Clock. All times are in ns. Points in time are of the ledger clock, the time-stamp counter scaled
 * with the kernel's own tsc_khz,
 *
 *	now_ns = (tsc * host.tsc_mult) >> KVMETER_TSC_SHIFT	in 128 bits
 *
 * which any process can read with one RDTSC. It runs with CLOCK_MONOTONIC but for what NTP slews;
 * host.mono_offset_ns is what CLOCK_MONOTONIC was ahead of it when the module was loaded.
 *
 * The time ledger. From @first_ns on, a vCPU is in one enum kvmeter_state at a time, and guest_ns,
 * kernel_ns, vmm_ns, halt_ns, steal_ns and throttle_ns add up to @since_ns - @first_ns: exactly,
 * in each consistent copy. Since then it is in @state, and to count up to now a reader adds
 *
 *	if wake_ns > since_ns:	wake_ns - since_ns to @state, now_ns - wake_ns to steal
 *	otherwise:		now_ns - since_ns to @state
 *
 * with now_ns read after the copy was made and before seq is tested again. The module reads the
 * clock after it has made seq odd: so nothing is counted past its end, and no later copy takes back
 * what this one added, but for the few ns that a CPU's store takes to be seen by others.
 *
 * ABI rule. KVMETER_ABI goes up by one whenever the size, the place or the meaning of anything
 * here changes; it stays where a reserved field gets a meaning whose zero means "as before". A
 * reader refuses an ABI number it does not know.
 */
#ifndef _UAPI_LINUX_KVMETER_H
#define _UAPI_LINUX_KVMETER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KVMETER_ABI 5

/* Most slots that the module parameters max_vms and max_vcpus allow; a multiple of 64 each. */
#define KVMETER_VMS_LIMIT 4096
#define KVMETER_VCPUS_LIMIT 16384

#define KVMETER_HIST_BUCKETS 32
#define KVMETER_EXIT_ROWS 48
#define KVMETER_SUB_ROWS 64
#define KVMETER_THIEF_ROWS 32
#define KVMETER_COMM_LEN 16
#define KVMETER_USER_EXITS 48
#define KVMETER_TSC_SHIFT 32
#define KVMETER_NAME_LEN 32
#define KVMETER_ROUNDS 32

/* The times t for which D(t) is told, in ms: initialiser of an array of KVMETER_CURVE_NR. */
#define KVMETER_CURVE_NR 10
#define KVMETER_CURVE_MS { 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000 }

/* In place of a D(t): not observed for that long, or t is shorter than the interval. */
#define KVMETER_CURVE_NONE (~0ULL)

/* Intervals of a session: this, times a power of 2, up to the other. */
#define KVMETER_INTERVAL_MIN_NS 125000000ULL
#define KVMETER_INTERVAL_MAX_NS 4000000000ULL

/* A session remembers when a page was dirtied last for this many intervals. */
#define KVMETER_INTERVALS_KEPT 488

/* Longest duration of a session that has one. */
#define KVMETER_DURATION_MAX_NS 86400000000000ULL

/**
 * struct kvmeter_hist - log2 histogram of times
 * @bucket: how often; KVM's own rule: bucket[0] counts [0, 1) ns, bucket[n] counts
 *	    [2^(n-1), 2^n) ns, and the last one everything from 2^30 ns up
 */
struct kvmeter_hist {
	__u64 bucket[KVMETER_HIST_BUCKETS];
};

/* kvmeter_host.vendor */
enum kvmeter_vendor {
	KVMETER_VENDOR_NONE = 0, /* no exit seen yet */
	KVMETER_VENDOR_VMX = 1,	 /* Intel: reasons are VMX basic exit reasons */
	KVMETER_VENDOR_SVM = 2,	 /* AMD: reasons are SVM exit codes */
};

/* kvmeter_host.reason_source: where the exit reason comes from on this host */
enum kvmeter_reason_source {
	KVMETER_REASON_UNPROVEN = 0, /* still compared with the vendor module's function */
	KVMETER_REASON_DIRECT = 1,   /* VMREAD, or the VMCB; compared and found equal */
	KVMETER_REASON_VENDOR = 2,   /* they differed: the vendor module's function is called */
	KVMETER_REASON_NONE = 3,     /* neither can be trusted: every exit is "unknown" */
};

/* kvmeter_host.features: what is on; the debugfs file status says why something is off */
#define KVMETER_FEATURE_DIRTY (1U << 0) /* dirty logging is seen being switched on and off */
#define KVMETER_FEATURE_SUB (1U << 1)	/* sub-reasons are counted (module parameter subreasons) */
#define KVMETER_FEATURE_THIEF (1U << 2) /* steal is attributed (module parameter attribution) */
#define KVMETER_FEATURE_LIMIT (1U << 3) /* waits for the own CPU limit are told from others */
#define KVMETER_FEATURE_FAULT (1U << 4) /* pages dirtied by write faults are seen */
#define KVMETER_FEATURE_OWN (1U << 5)	/* KVM's own writes to guest memory are seen */
#define KVMETER_FEATURE_SYNC (1U << 6)	/* the VMM's dirty-log calls are seen */
#define KVMETER_FEATURE_DRIVE (1U << 7) /* driven sessions are possible */
#define KVMETER_FEATURE_QUOTA (1U << 8) /* quotas are possible */

/**
 * struct kvmeter_host - the host as a whole, entry 0 of kvmeter_host
 * @abi: KVMETER_ABI of the module that writes
 * @vendor: enum kvmeter_vendor
 * @reason_source: enum kvmeter_reason_source
 * @features: KVMETER_FEATURE_*
 * @max_vms: slots in kvmeter_vms
 * @max_vcpus: slots in kvmeter_vcpus
 * @vms_hi: slots of kvmeter_vms at or above this were never used
 * @vcpus_hi: slots of kvmeter_vcpus at or above this were never used
 * @load_ns: when the module was loaded
 * @vms_seen: VMs given a slot since load
 * @vcpus_seen: vCPUs given a slot since load
 * @untracked_vms: times a VM found no free slot; one VM counts each time it tries
 * @untracked_vcpus: times a vCPU found no free slot; one vCPU counts each time it moves to a CPU
 * @untracked_exits: exits of vCPUs without a slot. This and untracked_vcpus are brought up to date
 *		     by KVMETER_GET_INFO, by reading debugfs status, and when a vCPU ends
 * @tsc_mult: of the ledger clock
 * @mono_offset_ns: CLOCK_MONOTONIC less the ledger clock, at load; signed
 * @reserved: zero
 */
struct kvmeter_host {
	__u32 abi;
	__u32 vendor;
	__u32 reason_source;
	__u32 features;
	__u32 max_vms;
	__u32 max_vcpus;
	__u32 vms_hi;
	__u32 vcpus_hi;
	__u64 load_ns;
	__u64 vms_seen;
	__u64 vcpus_seen;
	__u64 untracked_vms;
	__u64 untracked_vcpus;
	__u64 untracked_exits;
	__u64 tsc_mult;
	__s64 mono_offset_ns;
	__u64 reserved[4];
};

/**
 * struct kvmeter_index - which slots are in use
 * @vms: bit b of entry i stands for slot 64 i + b of kvmeter_vms
 * @vcpus: the same for kvmeter_vcpus
 */
struct kvmeter_index {
	__u64 vms;
	__u64 vcpus;
};

/*
 * kvmeter_vm.log_state: is the guest's memory logged? Without it no dirty figure means anything.
 * It is when at least half of the pages in memory slots that can be written to log: a display that
 * has its own memory logged arms nothing. Where the VMM has KVM begin with all dirty bits set
 * (KVM_DIRTY_LOG_INITIALLY_SET), nothing is logged before the first KVM_CLEAR_DIRTY_LOG.
 */
enum kvmeter_log_state {
	KVMETER_LOG_UNKNOWN = 0, /* not looked at yet, or cannot be seen on this host */
	KVMETER_LOG_OFF = 1,	 /* "not armed" */
	KVMETER_LOG_BITMAP = 2,	 /* by the VMM, into KVM's bitmaps */
	KVMETER_LOG_RING = 3,	 /* by the VMM, into a dirty ring for each vCPU */
	KVMETER_LOG_DRIVEN = 4,	 /* by a driven session of ours */
};

/**
 * struct kvmeter_vm - one VM
 * @gen: generation of the slot, odd while in use
 * @pid: process id of the VMM in the initial PID namespace
 * @nr_vcpus: its vCPUs that have a slot
 * @log_state: enum kvmeter_log_state
 * @log_slots: memory slots with KVM_MEM_LOG_DIRTY_PAGES
 * @reserved0: zero
 * @log_pages: 4 KiB pages in those slots
 * @first_ns: when the VM was first seen
 * @id: "<pid>-<fd>" as in KVM's own debugfs, NUL-terminated
 * @pages_4k: 4 KiB pages that KVM has mapped for the guest; this and the next two are brought up to
 *	      date while vCPUs of the VM run, every 4 ms at most
 * @pages_2m: 2 MiB pages
 * @pages_1g: 1 GiB pages
 * @ram_pages: 4 KiB pages in memory slots that can be written to, of address space 0: what the
 *	       guest has, once
 * @quota_pages: 4 KiB pages a second that all its vCPUs together may dirty: the lesser of what
 *		 KVMETER_QUOTA and what the autopilot has set; 0: as many as they like
 * @user_quota_pages: what KVMETER_QUOTA has set, 0: none
 * @reserved: zero
 */
struct kvmeter_vm {
	__u32 gen;
	__u32 pid;
	__u32 nr_vcpus;
	__u32 log_state;
	__u32 log_slots;
	__u32 reserved0;
	__u64 log_pages;
	__u64 first_ns;
	char id[KVMETER_NAME_LEN];
	__u64 pages_4k;
	__u64 pages_2m;
	__u64 pages_1g;
	__u64 ram_pages;
	__u64 quota_pages;
	__u64 user_quota_pages;
	__u64 reserved[1];
};

/*
 * kvmeter_vcpu.state: where a vCPU's time goes. The order is that of the fields guest_ns to
 * throttle_ns.
 */
enum kvmeter_state {
	/* between kvm_entry and kvm_exit */
	KVMETER_STATE_GUEST = 0,
	/* KVM handles an exit; with sleep on the host's behalf, such as for a page from swap */
	KVMETER_STATE_KERNEL = 1,
	/* from an exit to user space to the next guest entry, running or asleep there */
	KVMETER_STATE_VMM = 2,
	/* halted: asleep or polling in KVM's halt, or blocked until it is started (SIPI) */
	KVMETER_STATE_HALT = 3,
	/* runnable and not running: preempted, or waiting for a CPU after a wake-up */
	KVMETER_STATE_STEAL = 4,
	/* parked by a quota, before it enters the guest again */
	KVMETER_STATE_THROTTLE = 5,
	KVMETER_STATE_NR = 6,
};

/**
 * struct kvmeter_vcpu - one vCPU
 * @gen: generation of the slot, odd while in use
 * @seq: odd while the slot or its rows are being written
 * @state: enum kvmeter_state it is in since @since_ns
 * @nr_rows: rows of kvmeter_exits in use, in [1, KVMETER_EXIT_ROWS]; row 0 is always there
 * @exits: exits, all reasons, L1 and L2
 * @since_ns: when it entered @state; 0 as long as the ledger has not begun, @first_ns likewise
 * @guest_ns: time in the guest, up to since_ns; this and the next five are the ledger
 * @kernel_ns: time in which KVM handled exits, net of all the others
 * @vmm_ns: time in the VMM
 * @halt_ns: time halted, with halt polling
 * @steal_ns: time runnable and not running
 * @throttle_ns: time parked by a quota
 * @first_ns: first guest entry or exit that was seen: the beginning of the ledger
 * @wake_ns: when its thread was woken last; tells asleep from waiting, see above
 * @vm: slot of its VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @vcpu_id: KVM's vcpu_id (on x86 the APIC id the VMM chose)
 * @tid: thread that ran it last, in the initial PID namespace
 * @cpu: CPU it runs, or ran last, on
 * @node: NUMA node of that CPU
 * @nr_subs: rows of kvmeter_subs in use, in [0, KVMETER_SUB_ROWS]
 * @nr_thieves: rows of kvmeter_steal in use, in [1, KVMETER_THIEF_ROWS]; row 0 is always there
 * @run_delay_ns: growth of its thread's sched_info.run_delay, which is field 2 of
 *		  /proc/PID/task/TID/schedstat and what the guest is shown as steal; taken over at
 *		  the first guest entry or exit after a wait. The same waits as steal_ns, by the
 *		  scheduler's clock
 * @steal_nr: waits that steal_ns is made of
 * @steal_max_ns: longest of them
 * @wakeups: waits that followed a wake-up
 * @wakeup_lat_ns: sum of them, from wake-up to running
 * @wakeup_lat_max_ns: longest of them
 * @user_exits: exits to the VMM: returns of KVM_RUN, whether or not there was an exit before
 * @cpu_moves: times it moved to another CPU
 * @node_moves: times it moved to another NUMA node
 * @irq_injections: interrupts that KVM injected; this and the next six are KVM's own statistics of
 *		    the same names, counted from first_ns on, brought up to date as pages_4k
 * @nmi_injections: NMIs that KVM injected
 * @halt_attempted_poll: halts that began with polling
 * @halt_successful_poll: halts that ended while polling
 * @halt_poll_success_ns: time polled with success
 * @halt_poll_fail_ns: time polled in vain
 * @halt_wakeup: halts that ended with something for the guest to do
 * @pml_pages: pages read from the Page Modification Log while logging was armed
 * @pml_full: exits at which the log was found full
 * @pml_bad: log entries that were no page address; 0 unless something is wrong
 * @pml_gfn_sum: sum mod 2^64 of the guest frame numbers of pml_pages; shows that the right ones
 *		 were read
 * @write_faults: pages that became dirty by a fault, not by the log, while logging was armed: the
 *		  first write to a page that was not mapped, or was write-protected
 * @pml_dups: of pml_pages, those that had just been counted in write_faults
 * @l2_write_faults: of write_faults, those at which a nested guest ran
 * @dirty_marks: pages that it was the first to dirty in an interval of a session
 * @steal_hist: histogram of the waits
 * @wakeup_lat_hist: histogram of the waits that followed a wake-up
 * @user_exit: user_exits by KVM's exit_reason (KVM_EXIT_* of linux/kvm.h). A KVM_RUN interrupted
 *	       by a signal counts as KVM_EXIT_INTR; the last entry takes other errors, and reasons
 *	       from KVMETER_USER_EXITS - 1 up
 * @user_ns: time in the VMM that followed, by the same index; its sum is vmm_ns, less what is in
 *	     progress
 * @dirty_curve: in a session: of kvmeter_dirty.curve, the pages that it dirtied last, as far as is
 *		 known: of several vCPUs that dirty a page in one interval, the first one is seen.
 *		 Written by whoever ends an interval, a word at a time
 * @throttle_nr: times it was parked
 * @share_pages: 4 KiB pages a second of its VM's quota that it may dirty; 0 without a quota.
 *		 Written ten times a second, a word at a time
 * @round_from_pages: in a migration: pml_pages, less pml_dups, and write_faults when the round in
 *		      progress began: what they have grown by since then it has dirtied in this
 *		      round. Written when a round begins, a word at a time, as the next one
 * @round_pages: pages that it dirtied in the round before
 * @reserved1: zero
 */
struct kvmeter_vcpu {
	__u32 gen;
	__u32 seq;
	__u32 state;
	__u32 nr_rows;
	__u64 exits;
	__u64 since_ns;
	__u64 guest_ns;
	__u64 kernel_ns;
	__u64 vmm_ns;
	__u64 halt_ns;
	__u64 steal_ns;
	__u64 throttle_ns;
	__u64 first_ns;
	__u64 wake_ns;
	__u32 vm;
	__u32 vm_gen;
	__u32 vcpu_id;
	__u32 tid;
	__u32 cpu;
	__u32 node;
	__u32 nr_subs;
	__u32 nr_thieves;
	__u64 run_delay_ns;
	__u64 steal_nr;
	__u64 steal_max_ns;
	__u64 wakeups;
	__u64 wakeup_lat_ns;
	__u64 wakeup_lat_max_ns;
	__u64 user_exits;
	__u64 cpu_moves;
	__u64 node_moves;
	__u64 irq_injections;
	__u64 nmi_injections;
	__u64 halt_attempted_poll;
	__u64 halt_successful_poll;
	__u64 halt_poll_success_ns;
	__u64 halt_poll_fail_ns;
	__u64 halt_wakeup;
	__u64 pml_pages;
	__u64 pml_full;
	__u64 pml_bad;
	__u64 pml_gfn_sum;
	__u64 write_faults;
	__u64 pml_dups;
	__u64 l2_write_faults;
	__u64 dirty_marks;
	struct kvmeter_hist steal_hist;
	struct kvmeter_hist wakeup_lat_hist;
	__u64 user_exit[KVMETER_USER_EXITS];
	__u64 user_ns[KVMETER_USER_EXITS];
	__u64 dirty_curve[KVMETER_CURVE_NR];
	__u64 throttle_nr;
	__u64 share_pages;
	__u64 round_from_pages;
	__u64 round_pages;
	__u64 reserved1[2];
};

/**
 * struct kvmeter_exit - the exits of one vCPU for one reason, "a row"
 * @reason: the vendor's number: VMX basic exit reason, or SVM exit code. In row 0, which takes what
 *	    found no row of its own or has no trustworthy reason: the number last counted there
 * @level: 1: exits from the guest itself; 2: exits while it ran a nested guest. 0 in row 0, which
 *	   takes both
 * @count: exits
 * @kernel_ns: time KVM took to handle them. This and all that follows is added when the exit ends,
 *	       at the next guest entry
 * @min_ns: shortest handling time: kernel, VMM and halt, net of steal; all ones as long as there is
 *	    none
 * @max_ns: longest handling time
 * @vmm_ns: time in the VMM that they caused, up to the next guest entry
 * @halt_ns: time halted
 * @steal_ns: time runnable and not running before the next guest entry: in none of the others
 * @hist: histogram of handling times; their sum is kernel_ns + vmm_ns + halt_ns
 * @user_exits: returns to the VMM that they caused
 * @reserved: zero
 */
struct kvmeter_exit {
	__u32 reason;
	__u32 level;
	__u64 count;
	__u64 kernel_ns;
	__u64 min_ns;
	__u64 max_ns;
	__u64 vmm_ns;
	__u64 halt_ns;
	__u64 steal_ns;
	struct kvmeter_hist hist;
	__u64 user_exits;
	__u64 reserved[7];
};

/* kvmeter_sub.kind: what of an exit its sub-reason is */
enum kvmeter_sub_kind {
	KVMETER_SUB_NONE = 0,
	KVMETER_SUB_MSR_READ = 1,   /* value: MSR index */
	KVMETER_SUB_MSR_WRITE = 2,  /* MSR index */
	KVMETER_SUB_IO_IN = 3,	    /* port */
	KVMETER_SUB_IO_OUT = 4,	    /* port */
	KVMETER_SUB_MMIO = 5,	    /* guest frame number */
	KVMETER_SUB_CPUID = 6,	    /* leaf: EAX */
	KVMETER_SUB_HYPERCALL = 7,  /* number: RAX */
	KVMETER_SUB_PAGE_FAULT = 8, /* guest frame number; on SVM, MMIO is in here */
	KVMETER_SUB_NR = 9,
};

/**
 * struct kvmeter_sub - exits of one vCPU for one sub-reason
 * @kind: enum kvmeter_sub_kind
 * @reserved0: zero
 * @value: the sub-reason
 * @count: exits, too high by @error at most
 * @error: exits in count that may have been of other sub-reasons
 * @kernel_ns: time KVM took to handle those that were counted since it has this entry
 *
 * The entries of a vCPU are a Space-Saving sketch (Metwally, Agrawal, El Abbadi: Efficient
 * Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005) with KVMETER_SUB_ROWS
 * counters: after n exits that had a sub-reason, each that came more than n / KVMETER_SUB_ROWS
 * times has an entry, and error is at most n / KVMETER_SUB_ROWS. Sketches of several vCPUs are
 * added by sub-reason; where a full one does not list a sub-reason, its least count is added to
 * count and error. The bound then holds with their n added. All are of L1: an exit of a nested
 * guest has no sub-reason.
 */
struct kvmeter_sub {
	__u32 kind;
	__u32 reserved0;
	__u64 value;
	__u64 count;
	__u64 error;
	__u64 kernel_ns;
};

/* kvmeter_thief.kind: what ran on the CPU that a vCPU waited for */
enum kvmeter_thief_kind {
	/* row 0: what found no row of its own */
	KVMETER_THIEF_OTHER = 0,
	/* another VM: its vCPUs and all other threads of its VMM, vhost included */
	KVMETER_THIEF_VM = 1,
	/* other vCPUs of its own VM */
	KVMETER_THIEF_OWN_VCPU = 2,
	/* other threads of its own VMM, vhost included */
	KVMETER_THIEF_OWN_VMM = 3,
	/* a kernel thread, all of them in one row */
	KVMETER_THIEF_KTHREAD = 4,
	/* another process, by the command name of its leader */
	KVMETER_THIEF_PROCESS = 5,
	/* whatever ran while a CPU limit (cpu.max) of its own cgroup, or one above, held it back */
	KVMETER_THIEF_LIMIT = 6,
	/* nothing: the CPU was idle */
	KVMETER_THIEF_IDLE = 7,
	KVMETER_THIEF_NR = 8,
};

/**
 * struct kvmeter_thief - the steal of one vCPU that one thief is to blame for
 * @kind: enum kvmeter_thief_kind
 * @vm: of KVMETER_THIEF_VM: slot of the VM in kvmeter_vms, otherwise 0
 * @vm_gen: gen of that slot; where the slot has another one by now, that VM is gone
 * @reserved0: zero
 * @comm: of KVMETER_THIEF_PROCESS: the command name as the kernel has it, any bytes, NUL-terminated
 * @preempt_ns: blamed time of waits after a preemption
 * @wakeup_ns: blamed time of waits after a wake-up
 *
 * A wait is added when it ends, or when the waiting thread is moved to another CPU; then the blame
 * goes on there. The rows of a vCPU add up to its steal_ns, less a wait in progress and less what
 * could not be explained, which is no row but the difference. Processes have half of the rows at
 * most. Where there is no room for a new thief, the row of a VM that is gone is added to row 0 and
 * given to it, otherwise that of the process with the least time: so rows with much time stay, and
 * the sum is kept.
 */
struct kvmeter_thief {
	__u32 kind;
	__u32 vm;
	__u32 vm_gen;
	__u32 reserved0;
	char comm[KVMETER_COMM_LEN];
	__u64 preempt_ns;
	__u64 wakeup_ns;
};

/* kvmeter_dirty.session: what finds out when each page was dirtied */
enum kvmeter_session {
	KVMETER_SESSION_NONE = 0,
	/* the module has the memory logged, and arms dirtied pages again at each interval */
	KVMETER_SESSION_DRIVEN = 1,
	/* it watches while the VMM does */
	KVMETER_SESSION_OBSERVED = 2,
	/* there was one; kvmeter_dirty.end says why it is over, and its figures stay */
	KVMETER_SESSION_ENDED = 3,
};

/* kvmeter_dirty.end: why a session is over */
enum kvmeter_session_end {
	KVMETER_END_NONE = 0,
	KVMETER_END_STOPPED = 1,    /* KVMETER_DIRTY_STOP */
	KVMETER_END_DURATION = 2,   /* as long as it was to last */
	KVMETER_END_CONTROLLER = 3, /* the process that started it is gone */
	/* the VMM made a dirty-log call on memory of the session, or asked for a slot that logs */
	KVMETER_END_TAKEN_OVER = 4,
	KVMETER_END_SLOTS = 5,	    /* the VMM made, deleted or changed a memory slot otherwise */
	KVMETER_END_FAILED = 6,	    /* KVM refused what was asked of it */
};

/**
 * struct kvmeter_dirty - what a VM dirties
 * @gen: gen of the VM's slot in kvmeter_vms that this is of, 0: of none
 * @seq: odd while this is being written; to be used as that of struct kvmeter_vcpu
 * @session: enum kvmeter_session
 * @end: enum kvmeter_session_end
 * @controller: process that started the session, in the initial PID namespace
 * @windows: windows that median and p95 are of, in [0, KVMETER_WINDOWS]
 * @interval_ns: of the session: how long an interval is to be. One gets longer where what is done
 *		 at its end would take more than a quarter of a CPU, or where a vCPU spent more than
 *		 a quarter of the last one on faults, as without Page Modification Logging
 * @start_ns: when it began
 * @end_ns: when it ended, 0 while it runs
 * @update_ns: when the session's figures were brought up to date last: at the end of an interval
 * @intervals: intervals that have ended
 * @tracked_pages: 4 KiB pages whose last writing is remembered, 2 bytes for each
 * @marks: pages found dirty; a page counts once in an interval
 * @untracked: pages found dirty that are none of tracked_pages
 * @rearms: pages armed again
 * @rearm_ns: time that took
 * @kvm_writes: KVM's own writes to guest memory while logging was armed: billed to no vCPU
 * @sync_nr: times the VMM has read the dirty log since logging was armed: KVM_GET_DIRTY_LOG calls
 *	     for its largest memory slot; 0 in a driven session
 * @sync_ns: when it did last
 * @sync_pages: pages found dirty from the beginning up to then: pml_pages, less pml_dups, and
 *		write_faults of all vCPUs, and kvm_pages
 * @round_pages: what the VMM has to send in the round that this began: of sync_pages, those since
 *		 the time before; after the first time, ram_pages
 * @round_ns: time from the time before to sync_ns: how long the last round took; 0 before the
 *	      second time
 * @sent_pages: what the VMM had to send in that last round: round_pages as it was then
 * @curve: D(t) in pages, t by KVMETER_CURVE_MS: distinct pages dirtied within the t that have just
 *	   passed. Where the boundaries of intervals are not t apart, interpolated between the two
 *	   nearest. KVMETER_CURVE_NONE as long as the session is shorter than t, or if the last
 *	   interval took longer than t by a third or more. Of an observed session: within t from
 *	   when logging was armed last
 * @median: median of curve over the last windows, which end an interval apart
 * @p95: 95th percentile of the same, nearest rank
 * @kvm_pages: of kvm_writes, those to pages that were not dirty already, by KVM's bitmap: steal
 *	       time goes to the same page a thousand times a second. Where KVM has a ring there is
 *	       no bitmap, and none is counted
 * @reserved: zero
 */
struct kvmeter_dirty {
	__u32 gen;
	__u32 seq;
	__u32 session;
	__u32 end;
	__u32 controller;
	__u32 windows;
	__u64 interval_ns;
	__u64 start_ns;
	__u64 end_ns;
	__u64 update_ns;
	__u64 intervals;
	__u64 tracked_pages;
	__u64 marks;
	__u64 untracked;
	__u64 rearms;
	__u64 rearm_ns;
	__u64 kvm_writes;
	__u64 sync_nr;
	__u64 sync_ns;
	__u64 sync_pages;
	__u64 round_pages;
	__u64 round_ns;
	__u64 sent_pages;
	__u64 curve[KVMETER_CURVE_NR];
	__u64 median[KVMETER_CURVE_NR];
	__u64 p95[KVMETER_CURVE_NR];
	__u64 kvm_pages;
	__u64 reserved[13];
};

/* Windows that the quantiles of D(t) are taken over, at most: 30 s of the shortest interval. */
#define KVMETER_WINDOWS 240

/* kvmeter_migration.state */
enum kvmeter_migration_state {
	KVMETER_MIGRATION_NONE = 0,    /* none yet */
	KVMETER_MIGRATION_RUNNING = 1, /* the VMM reads the dirty log, round after round */
	/* logging was switched off: it is done, cancelled or failed; only the VMM knows */
	KVMETER_MIGRATION_ENDED = 2,
};

/* What the autopilot may do. Also the values of the module parameter autoconverge, as words. */
enum kvmeter_autoconverge_mode {
	KVMETER_AUTOCONVERGE_OFF = 0,
	KVMETER_AUTOCONVERGE_OBSERVE = 1, /* tell what it would do */
	KVMETER_AUTOCONVERGE_ON = 2,	  /* give it the quota that makes it converge */
	KVMETER_AUTOCONVERGE_DEFAULT = 3, /* as the module parameter says; for one VM only */
};

/* What the autopilot is to achieve. */
enum kvmeter_goal {
	KVMETER_GOAL_GENTLE = 0,   /* writers lose the least run time */
	KVMETER_GOAL_BYTES = 1,	   /* the fewest bytes are sent */
	KVMETER_GOAL_DEADLINE = 2, /* the largest quota with which it is done in time */
};

/* Why the autopilot has set a quota, or none. */
enum kvmeter_why {
	/* none */
	KVMETER_WHY_IDLE = 0,	      /* no migration */
	KVMETER_WHY_SWITCHED_OFF = 1, /* its mode is off */
	KVMETER_WHY_FIRST_ROUND = 2,  /* the first round is free */
	KVMETER_WHY_BY_ITSELF = 3,    /* it converges soon without one */
	KVMETER_WHY_BANDWIDTH = 4,    /* nothing is sent, or not known yet how much */
	KVMETER_WHY_RING = 5,	      /* yields: a dirty ring is in use */
	KVMETER_WHY_RIVAL = 6,	      /* yields: the VMM throttles the VM itself */
	/* devices, or KVM itself, dirty more than can be sent: a quota cannot help */
	KVMETER_WHY_NO_HELP = 7,
	KVMETER_WHY_BAD_INPUT = 8, /* what was seen cannot be */
	/* the VM does not run: stopped for the last round, for post-copy, or by its operator */
	KVMETER_WHY_STOPPED = 15,
	/* a quota */
	KVMETER_WHY_BUDGET = 9,	   /* goal bytes: that of the first round */
	KVMETER_WHY_HOLD = 10,	   /* a share of the bandwidth */
	KVMETER_WHY_IN_TIME = 11,  /* deadline: the largest that makes it */
	KVMETER_WHY_LATE = 12,	   /* deadline: none makes it; as goal gentle */
	KVMETER_WHY_NOT_KEPT = 13, /* as before, but vCPUs were let dirty more than it */
	/* none: how it ended */
	KVMETER_WHY_ENDED = 14,	   /* logging was switched off: done, cancelled or failed */
	KVMETER_WHY_GONE = 16,	   /* the VM or its VMM is gone */
	KVMETER_WHY_UNLOADED = 17, /* the module is unloaded */
	KVMETER_WHY_NR = 18,
};

/**
 * struct kvmeter_round - one round of a migration
 * @begin_ns: when the VMM had read the dirty log
 * @duration_ns: until it did so again; 0 while the round is in progress
 * @to_send_pages: 4 KiB pages it had to send in the round: in the first, ram_pages; in others,
 *		   those dirtied in the one before. A page that KVM has mapped anew meanwhile counts
 *		   twice; with KVM_DIRTY_LOG_INITIALLY_SET also one mapped in the first round before
 *		   the VMM has cleared its part of the log, and written again after that
 * @dirtied_pages: pages dirtied in it, by vCPUs and by KVM; 0 while it is in progress
 * @bandwidth_pages: pages a second that it sent: to_send_pages / duration_ns; 0 while in progress
 * @quota_pages: the least quota the VM had in it, pages a second; 0: none
 * @throttle_ns: time for which quotas parked its vCPUs in it, all of them added up
 * @reserved: zero
 */
struct kvmeter_round {
	__u64 begin_ns;
	__u64 duration_ns;
	__u64 to_send_pages;
	__u64 dirtied_pages;
	__u64 bandwidth_pages;
	__u64 quota_pages;
	__u64 throttle_ns;
	__u64 reserved;
};

/**
 * struct kvmeter_migration - the migration of a VM that is on its way, or was the last one
 * @gen: gen of the VM's slot in kvmeter_vms that this is of, 0: of none
 * @seq: odd while this is being written; to be used as that of struct kvmeter_vcpu
 * @state: enum kvmeter_migration_state
 * @nr_rounds: rounds that have begun
 * @mode: enum kvmeter_autoconverge_mode that is in force: never DEFAULT
 * @goal: enum kvmeter_goal
 * @why: enum kvmeter_why, of what the autopilot decided last
 * @reserved0: zero
 * @begin_ns: when the first round began
 * @end_ns: when logging was switched off, 0 while it runs
 * @ram_pages: 4 KiB pages that the guest has
 * @deadline_ns: time from begin_ns within which it is to be done, for KVMETER_GOAL_DEADLINE
 * @downtime_ns: limit of the downtime that the autopilot counts on
 * @sent_pages: pages the VMM had to send in all rounds that have ended
 * @decided_ns: when the autopilot looked last; it does so ten times a second
 * @bandwidth_pages: pages a second that can be sent, as it sees it, 0: not known yet
 * @dirty_rate_pages: pages a second that vCPUs dirty, in this round, 0: not known yet
 * @would_pages: the quota that it has set, or would in mode on, pages a second; 0: none
 * @autopilot_pages: the quota that it has set; 0: none
 * @reserved: zero
 * @round: round n, from 1, is entry (n - 1) % KVMETER_ROUNDS
 *
 * A migration begins when the VMM reads the dirty log of the VM's largest memory slot for the first
 * time after it had memory logged, and ends when no memory is logged any more. A display that has
 * its own memory logged is none, nor is a driven session; QEMU's calc-dirty-rate in the mode
 * dirty-bitmap looks like a short one. A VM with a dirty ring shows no rounds: its VMM has no need
 * of that call.
 *
 * One that is found on its way when the module is loaded has its first round then: until two more
 * have begun, that bandwidth looks too high. goal, deadline_ns and downtime_ns are as set last,
 * also after the end.
 */
struct kvmeter_migration {
	__u32 gen;
	__u32 seq;
	__u32 state;
	__u32 nr_rounds;
	__u32 mode;
	__u32 goal;
	__u32 why;
	__u32 reserved0;
	__u64 begin_ns;
	__u64 end_ns;
	__u64 ram_pages;
	__u64 deadline_ns;
	__u64 downtime_ns;
	__u64 sent_pages;
	__u64 decided_ns;
	__u64 bandwidth_pages;
	__u64 dirty_rate_pages;
	__u64 would_pages;
	__u64 autopilot_pages;
	__u64 reserved[17];
	struct kvmeter_round round[KVMETER_ROUNDS];
};

/* kvmeter_audit.kind: what there is to tell */
enum kvmeter_audit_kind {
	KVMETER_AUDIT_NONE = 0,
	KVMETER_AUDIT_ROUND = 1,    /* a round began */
	KVMETER_AUDIT_DECISION = 2, /* the autopilot did something else than before, or would */
	KVMETER_AUDIT_QUOTA = 3,    /* KVMETER_QUOTA */
	KVMETER_AUDIT_SWITCH = 4,   /* KVMETER_AUTOCONVERGE */
	KVMETER_AUDIT_END = 5,	    /* a migration ended; why tells how */
	KVMETER_AUDIT_NR = 6,
};

/**
 * struct kvmeter_audit - one thing that was decided, or seen in a migration
 * @nr: counts from 1 since the module was loaded; where it skips, the ones between are lost
 * @kind: enum kvmeter_audit_kind
 * @pid: process id of the VMM in the initial PID namespace
 * @time_ns: when, ledger clock
 * @real_ns: when, CLOCK_REALTIME
 * @vm: slot of the VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @id: "<pid>-<fd>" of the VM, NUL-terminated
 * @mode: enum kvmeter_autoconverge_mode in force for the VM; of KVMETER_AUDIT_SWITCH: that was set
 * @goal: enum kvmeter_goal
 * @why: enum kvmeter_why; KVMETER_WHY_IDLE where it was not the autopilot
 * @round: round in progress, 0: none
 * @deadline_ns: that of the migration, or that was set; 0: none
 * @to_send_pages: of the round in progress
 * @bandwidth_pages: pages a second that can be sent, 0: not known
 * @dirty_rate_pages: pages a second that vCPUs dirty, 0: not known
 * @before_pages: quota before, pages a second; 0: none. It may differ from @quota_pages of the
 *	last record: a decision for the same reason as the last that was told of, with quotas less
 *	than an eighth away from that one's, is not told of
 * @quota_pages: quota from now on
 * @would_pages: quota that mode on would set
 * @throttle_ns: time for which quotas have parked vCPUs of the VM in this migration, added up
 * @reserved: zero
 */
struct kvmeter_audit {
	__u64 nr;
	__u32 kind;
	__u32 pid;
	__u64 time_ns;
	__u64 real_ns;
	__u32 vm;
	__u32 vm_gen;
	char id[KVMETER_NAME_LEN];
	__u32 mode;
	__u32 goal;
	__u32 why;
	__u32 round;
	__u64 deadline_ns;
	__u64 to_send_pages;
	__u64 bandwidth_pages;
	__u64 dirty_rate_pages;
	__u64 before_pages;
	__u64 quota_pages;
	__u64 would_pages;
	__u64 throttle_ns;
	__u64 reserved[5];
};

/* The maps, in the order in which ioctls name them. */
enum kvmeter_map {
	KVMETER_MAP_HOST = 0,
	KVMETER_MAP_INDEX = 1,
	KVMETER_MAP_VMS = 2,
	KVMETER_MAP_VCPUS = 3,
	KVMETER_MAP_EXITS = 4,
	KVMETER_MAP_SUBS = 5,
	KVMETER_MAP_STEAL = 6,
	KVMETER_MAP_DIRTY = 7,
	KVMETER_MAP_MIGRATIONS = 8,
	KVMETER_MAP_NR = 9,
};

#define KVMETER_MAP_MAX 16

/**
 * struct kvmeter_map_info - what a map has to be
 * @value_size: bytes of a value
 * @max_entries: entries
 * @id: BPF id of the attached map, 0 if none is attached
 * @reserved: zero
 */
struct kvmeter_map_info {
	__u32 value_size;
	__u32 max_entries;
	__u32 id;
	__u32 reserved;
};

/**
 * struct kvmeter_info - answer of KVMETER_GET_INFO
 * @abi: KVMETER_ABI
 * @attached: 1 while maps are attached, otherwise 0
 * @nr_maps: KVMETER_MAP_NR of the module
 * @reserved: zero
 * @map: by enum kvmeter_map; entries from nr_maps on are zero
 */
struct kvmeter_info {
	__u32 abi;
	__u32 attached;
	__u32 nr_maps;
	__u32 reserved;
	struct kvmeter_map_info map[KVMETER_MAP_MAX];
};

/**
 * struct kvmeter_attach - argument of KVMETER_ATTACH
 * @abi: KVMETER_ABI
 * @flags: zero
 * @reserved: zero
 * @fd: by enum kvmeter_map, file descriptors of the maps; entries from KVMETER_MAP_NR on are zero
 */
struct kvmeter_attach {
	__u32 abi;
	__u32 flags;
	__u32 reserved[2];
	__s32 fd[KVMETER_MAP_MAX];
};

/* Watch only: the VMM has the memory logged, or will. */
#define KVMETER_DIRTY_OBSERVE (1U << 0)

/**
 * struct kvmeter_dirty_start - argument of KVMETER_DIRTY_START
 * @abi: KVMETER_ABI
 * @flags: KVMETER_DIRTY_*
 * @vm_fd: a file descriptor of the VM, such as pidfd_getfd() of the VMM's
 * @vm: filled in: the VM's slot in kvmeter_vms
 * @vm_gen: filled in: gen of that slot
 * @reserved0: zero
 * @interval_ns: KVMETER_INTERVAL_MIN_NS times a power of 2, up to KVMETER_INTERVAL_MAX_NS; as in
 *		 struct kvmeter_dirty
 * @duration_ns: how long, from interval_ns to KVMETER_DURATION_MAX_NS; 0: until it is stopped
 * @reserved: zero
 */
struct kvmeter_dirty_start {
	__u32 abi;
	__u32 flags;
	__s32 vm_fd;
	__u32 vm;
	__u32 vm_gen;
	__u32 reserved0;
	__u64 interval_ns;
	__u64 duration_ns;
	__u64 reserved[2];
};

/**
 * struct kvmeter_dirty_stop - argument of KVMETER_DIRTY_STOP
 * @abi: KVMETER_ABI
 * @flags: zero
 * @vm: slot of the VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @reserved: zero
 */
struct kvmeter_dirty_stop {
	__u32 abi;
	__u32 flags;
	__u32 vm;
	__u32 vm_gen;
	__u64 reserved[2];
};

/* Most cells that one KVMETER_DIRTY_READ gives. */
#define KVMETER_CELLS_MAX 16384

/* Largest cells. */
#define KVMETER_SHIFT_MAX 18

/**
 * struct kvmeter_dirty_read - argument of KVMETER_DIRTY_READ
 * @abi: KVMETER_ABI
 * @flags: zero
 * @vm: slot of the VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @gfn: first guest frame number of the first cell, a multiple of 2^shift
 * @nr: cells there is room for, in [1, KVMETER_CELLS_MAX]; filled in: cells given, 0 if gfn is
 *	behind the last page that is tracked
 * @shift: a cell is 2^shift pages, in [0, 18]; 9 is 2 MiB
 * @within_ns: count pages dirtied within this time up to now, in whole intervals, rounded up, with
 *	       the one in progress; 0: as far back as is remembered, KVMETER_INTERVALS_KEPT
 *	       intervals
 * @cells: address of an array of __u32: pages dirtied in each cell
 * @reserved: zero
 */
struct kvmeter_dirty_read {
	__u32 abi;
	__u32 flags;
	__u32 vm;
	__u32 vm_gen;
	__u64 gfn;
	__u32 nr;
	__u32 shift;
	__u64 within_ns;
	__u64 cells;
	__u64 reserved[2];
};

/* Quotas, in bytes a second. */
#define KVMETER_QUOTA_MIN 65536ULL
#define KVMETER_QUOTA_MAX 0x10000000000000ULL

/**
 * struct kvmeter_quota - argument of KVMETER_QUOTA
 * @abi: KVMETER_ABI
 * @flags: zero
 * @vm: slot of the VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @bytes_per_s: what all its vCPUs together may dirty, in [KVMETER_QUOTA_MIN, KVMETER_QUOTA_MAX],
 *		 counted in whole 4 KiB pages; 0: no quota
 * @reserved: zero
 */
struct kvmeter_quota {
	__u32 abi;
	__u32 flags;
	__u32 vm;
	__u32 vm_gen;
	__u64 bytes_per_s;
	__u64 reserved[3];
};

/**
 * struct kvmeter_autoconverge - argument of KVMETER_AUTOCONVERGE
 * @abi: KVMETER_ABI
 * @flags: zero
 * @vm: slot of the VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @mode: enum kvmeter_autoconverge_mode
 * @goal: enum kvmeter_goal
 * @deadline_ns: with KVMETER_GOAL_DEADLINE: when a migration should be done, from its beginning, in
 *		 [1 s, 7 days]; otherwise 0
 * @downtime_ns: the VMM's limit of the downtime, up to 2,000 s as QEMU's downtime-limit; 0: 300 ms,
 *		 its default
 * @bandwidth: bytes a second that can be sent, if that is known beforehand; 0: not known
 * @reserved: zero
 */
struct kvmeter_autoconverge {
	__u32 abi;
	__u32 flags;
	__u32 vm;
	__u32 vm_gen;
	__u32 mode;
	__u32 goal;
	__u64 deadline_ns;
	__u64 downtime_ns;
	__u64 bandwidth;
	__u64 reserved[3];
};

/*
 * ioctls of /dev/kvmeter (mode 0600). Each needs CAP_SYS_ADMIN in the initial user namespace, as
 * does open(), otherwise EPERM. EFAULT: the argument cannot be read or written. ENOTTY: no such
 * ioctl.
 *
 * KVMETER_GET_INFO: fills struct kvmeter_info, and brings kvmeter_host up to date.
 *
 * KVMETER_ATTACH: from now on counts are kept in the memory of these maps; what was counted before
 * moves there first, and nothing is lost. The module holds a reference on each map until
 * KVMETER_DETACH or unload, so the process may close them or die. Errors, after which nothing has
 * changed: EINVAL: another abi; flags or reserved fields that are not zero; a file descriptor that
 * is no BPF map; a map of another type, key size, value size, number of entries or flags than
 * BPF_F_MMAPABLE, one whose values hold locks, timers or kernel pointers, or one given twice.
 * EBADF: a file descriptor that is not open. EBUSY: maps are attached already.
 *
 * KVMETER_DETACH: counts move back to memory of the module and the maps are let go with their last
 * values in them. Takes no argument (0). ENXIO: none attached; ENOMEM; EINVAL: argument not 0.
 *
 * KVMETER_DIRTY_START: begin a session on a running VM. It ends when it is stopped, after its
 * duration, when the VM or the calling process ends, when the module is unloaded, and, if driven,
 * at the first memory-slot call of the VMM's, or its first dirty-log call on memory that the module
 * had logged. Then no memory slot stays in logging mode but those that the VMM itself asked for.
 * A driven session only ever arms pages: it consumes no dirty bit. Errors, after which nothing has
 * changed: EINVAL: another abi; flags or reserved fields not known; an interval or duration out of
 * range; vm_fd is no VM. EBADF: vm_fd is not open. ENOENT: the VM is being destroyed, or has no
 * slot. EALREADY: there is a session on it. EBUSY: the VMM has its memory logged already (observe
 * it). EOPNOTSUPP: the VM has dirty rings, or its memory cannot be logged, or this kernel lacks
 * what it takes. E2BIG: more memory than the module parameter session_mib allows for all sessions.
 * EMFILE: more sessions than max_sessions. ENOMEM.
 *
 * KVMETER_DIRTY_STOP: end it; no slot is left logging on return. ENOENT: there is no session.
 * EINVAL: as above.
 *
 * KVMETER_DIRTY_READ: how many pages were dirtied, by address. ENOENT: there is no session, or it
 * has ended. EINVAL: as above, or a field out of range. ENOMEM.
 *
 * KVMETER_QUOTA: from now on the vCPUs of a VM may dirty so much a second; it stays until another
 * one is set, the VM ends or the module is unloaded. What counts is 4 KiB pages newly dirtied while
 * dirty logging is armed (log_state): at other times a quota does nothing. It is shared among the
 * vCPUs ten times a second, max-min fair by what each dirties: who dirties less than its share is
 * not held back. One that has dirtied more is parked before it enters the guest again, for slices
 * of 1 ms at most, until its share has made up for it; but never for longer than the module
 * parameter throttle_max_us in each 100 ms by the clock, nor between one page that it dirties and
 * the next, however late it is, nor while a signal, a request to KVM that cannot wait, such as an
 * interrupt that KVM itself is to inject, or an NMI is pending for it, or in SMM. One that APICv or
 * AVIC posts, and the LAPIC timer where VMX's preemption timer does it, are late by that. On top of
 * a share may come 512 pages at once, as many as a full Page Modification Log has, and what that
 * log has when it is read. ENOENT: there is no such VM. EOPNOTSUPP: this kernel lacks what it
 * takes. EINVAL: another abi; flags or reserved fields that are not zero; bytes_per_s out of range.
 *
 * KVMETER_AUTOCONVERGE: what the autopilot may do with a VM, and with what goal, in a migration
 * that is on its way and in later ones. A quota that KVMETER_QUOTA has set stays in force: the VM
 * may dirty the lesser of the two. Errors as of KVMETER_QUOTA; EINVAL also: mode, goal, or one of
 * the times out of range.
 *
 * read() gives struct kvmeter_audit records, oldest first, as many whole ones as there is room for,
 * and 0 when there is no more; each open file is at a place of its own, which begins at the oldest
 * record. The last 1,024 are kept. poll() tells when there are more. EINVAL: no room for one. Of a
 * VM whose migrations make more than 64 records at once, and 10 a second from then on, the others
 * are left out: it cannot push those of all others out.
 */
#define KVMETER_IOC_MAGIC 0xb7
#define KVMETER_GET_INFO _IOR(KVMETER_IOC_MAGIC, 0x00, struct kvmeter_info)
#define KVMETER_ATTACH _IOW(KVMETER_IOC_MAGIC, 0x01, struct kvmeter_attach)
#define KVMETER_DETACH _IO(KVMETER_IOC_MAGIC, 0x02)
#define KVMETER_DIRTY_START _IOWR(KVMETER_IOC_MAGIC, 0x03, struct kvmeter_dirty_start)
#define KVMETER_DIRTY_STOP _IOW(KVMETER_IOC_MAGIC, 0x04, struct kvmeter_dirty_stop)
#define KVMETER_DIRTY_READ _IOWR(KVMETER_IOC_MAGIC, 0x05, struct kvmeter_dirty_read)
#define KVMETER_QUOTA _IOW(KVMETER_IOC_MAGIC, 0x06, struct kvmeter_quota)
#define KVMETER_AUTOCONVERGE _IOW(KVMETER_IOC_MAGIC, 0x07, struct kvmeter_autoconverge)

#ifndef __cplusplus
_Static_assert(sizeof(struct kvmeter_hist) == 256, "kvmeter_hist");
_Static_assert(sizeof(struct kvmeter_host) == 128, "kvmeter_host");
_Static_assert(sizeof(struct kvmeter_index) == 16, "kvmeter_index");
_Static_assert(sizeof(struct kvmeter_vm) == 128, "kvmeter_vm");
_Static_assert(sizeof(struct kvmeter_vcpu) == 1728, "kvmeter_vcpu");
_Static_assert(sizeof(struct kvmeter_exit) == 384, "kvmeter_exit");
_Static_assert(sizeof(struct kvmeter_sub) == 40, "kvmeter_sub");
_Static_assert(sizeof(struct kvmeter_thief) == 48, "kvmeter_thief");
_Static_assert(sizeof(struct kvmeter_dirty) == 512, "kvmeter_dirty");
_Static_assert(sizeof(struct kvmeter_round) == 64, "kvmeter_round");
_Static_assert(sizeof(struct kvmeter_migration) == 2304, "kvmeter_migration");
_Static_assert(sizeof(struct kvmeter_audit) == 192, "kvmeter_audit");
_Static_assert(sizeof(struct kvmeter_map_info) == 16, "kvmeter_map_info");
_Static_assert(sizeof(struct kvmeter_info) == 272, "kvmeter_info");
_Static_assert(sizeof(struct kvmeter_attach) == 80, "kvmeter_attach");
_Static_assert(sizeof(struct kvmeter_dirty_start) == 56, "kvmeter_dirty_start");
_Static_assert(sizeof(struct kvmeter_dirty_stop) == 32, "kvmeter_dirty_stop");
_Static_assert(sizeof(struct kvmeter_dirty_read) == 64, "kvmeter_dirty_read");
_Static_assert(sizeof(struct kvmeter_quota) == 48, "kvmeter_quota");
_Static_assert(sizeof(struct kvmeter_autoconverge) == 72, "kvmeter_autoconverge");
#endif

#endif /* _UAPI_LINUX_KVMETER_H */
