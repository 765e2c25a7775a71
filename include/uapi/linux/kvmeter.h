/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The one contract between the kvmeter module, its BPF maps and their readers.
 *
 * The module counts into five arrays. Each is the memory of a BPF map of type BPF_MAP_TYPE_ARRAY
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
 *
 * Slots. A slot belongs to one VM (vCPU) from the time it is first seen until it is destroyed, and
 * then, zeroed, to another. @gen is odd while the slot is in use and moves on each time it is
 * taken or given back, so a reader that finds the gen it saw before still looks at the same VM
 * (vCPU). Slots are taken lowest first, so the arrays stay dense.
 *
 * Consistent reads. Only the CPU that runs a vCPU writes its slot and its rows. @seq of struct
 * kvmeter_vcpu is odd while it does. A reader takes seq (again until it is even), copies what it
 * wants, and keeps the copy if seq and gen are what they were; memory barriers as for a seqcount.
 * Counters only grow while gen stands.
 *
 * Times are in ns. They are differences of the time-stamp counter, scaled with the kernel's own
 * tsc_khz; @first_ns values are of CLOCK_MONOTONIC.
 *
 * ABI rule. KVMETER_ABI goes up by one whenever the size, the place or the meaning of anything
 * here changes; it stays where a reserved field gets a meaning whose zero means "as before". A
 * reader refuses an ABI number it does not know.
 */
#ifndef _UAPI_LINUX_KVMETER_H
#define _UAPI_LINUX_KVMETER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KVMETER_ABI 1

/* Most slots that the module parameters max_vms and max_vcpus allow; a multiple of 64 each. */
#define KVMETER_VMS_LIMIT 4096
#define KVMETER_VCPUS_LIMIT 16384

#define KVMETER_HIST_BUCKETS 32
#define KVMETER_EXIT_ROWS 64
#define KVMETER_NAME_LEN 32

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
 * @load_ns: when the module was loaded, CLOCK_MONOTONIC
 * @vms_seen: VMs given a slot since load
 * @vcpus_seen: vCPUs given a slot since load
 * @untracked_vms: times a VM found no free slot; one VM counts each time it tries
 * @untracked_vcpus: times a vCPU found no free slot; one vCPU counts each time it moves to a CPU
 * @untracked_exits: exits of vCPUs without a slot. This and untracked_vcpus are brought up to date
 *		     by KVMETER_GET_INFO, by reading debugfs status, and when a vCPU ends
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
	__u64 reserved[6];
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

/* kvmeter_vm.log_state: is dirty logging on? Without it no dirty figure means anything. */
enum kvmeter_log_state {
	KVMETER_LOG_UNKNOWN = 0, /* not looked at yet, or cannot be seen on this host */
	KVMETER_LOG_OFF = 1,	 /* "not armed": no memory slot logs */
	KVMETER_LOG_ON = 2,	 /* at least one memory slot logs */
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
 * @first_ns: when the VM was first seen, CLOCK_MONOTONIC
 * @id: "<pid>-<fd>" as in KVM's own debugfs, NUL-terminated
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
	__u64 reserved[7];
};

/**
 * struct kvmeter_vcpu - one vCPU
 * @gen: generation of the slot, odd while in use
 * @seq: odd while the slot or its exit rows are being written
 * @vm: slot of its VM in kvmeter_vms
 * @vm_gen: gen of that slot
 * @vcpu_id: KVM's vcpu_id (on x86 the APIC id the VMM chose)
 * @tid: thread that ran it last, in the initial PID namespace
 * @cpu: CPU it entered the guest on last
 * @nr_rows: rows of kvmeter_exits in use, in [1, KVMETER_EXIT_ROWS]; row 0 is always there
 * @first_ns: when it was first seen, CLOCK_MONOTONIC
 * @exits: exits, all reasons
 * @steal_ns: growth of its thread's sched_info.run_delay: time runnable and not running; what the
 *	      guest is shown as steal, and the growth of field 2 of /proc/PID/task/TID/schedstat
 * @steal_nr: guest entries before which steal_ns had grown ("episodes")
 * @steal_max_ns: longest episode
 * @pml_pages: pages read from the Page Modification Log while dirty logging was on
 * @pml_full: exits at which the log was found full
 * @pml_bad: log entries that were no page address; 0 unless something is wrong
 * @pml_gfn_sum: sum mod 2^64 of the guest frame numbers of pml_pages; shows that the right ones
 *		 were read
 * @write_faults: EPT violations and nested page faults by a write, while dirty logging was on;
 *		  faults that the MMU flags as malformed entries (MMIO) are left out
 * @reserved: zero
 * @steal_hist: histogram of episodes
 */
struct kvmeter_vcpu {
	__u32 gen;
	__u32 seq;
	__u32 vm;
	__u32 vm_gen;
	__u32 vcpu_id;
	__u32 tid;
	__u32 cpu;
	__u32 nr_rows;
	__u64 first_ns;
	__u64 exits;
	__u64 steal_ns;
	__u64 steal_nr;
	__u64 steal_max_ns;
	__u64 pml_pages;
	__u64 pml_full;
	__u64 pml_bad;
	__u64 pml_gfn_sum;
	__u64 write_faults;
	__u64 reserved[2];
	struct kvmeter_hist steal_hist;
};

/**
 * struct kvmeter_exit - the exits of one vCPU for one reason, "a row"
 * @reason: the vendor's number: VMX basic exit reason, or SVM exit code. In row 0, which takes what
 *	    found no row of its own or has no trustworthy reason: the number last counted there
 * @reserved0: zero
 * @count: exits
 * @time_ns: time handling them, from kvm_exit to the next kvm_entry (so time in the VMM and asleep
 *	     in HLT is in it), less the steal that fell into it, at least 0; an exit is added at its
 *	     end, so one in progress is in count and not yet in time_ns
 * @min_ns: shortest of those into which no steal fell; all ones as long as there is none
 * @max_ns: longest
 * @reserved: zero
 * @hist: histogram of the times summed in time_ns
 */
struct kvmeter_exit {
	__u32 reason;
	__u32 reserved0;
	__u64 count;
	__u64 time_ns;
	__u64 min_ns;
	__u64 max_ns;
	__u64 reserved[3];
	struct kvmeter_hist hist;
};

/* The maps, in the order in which ioctls name them. */
enum kvmeter_map {
	KVMETER_MAP_HOST = 0,
	KVMETER_MAP_INDEX = 1,
	KVMETER_MAP_VMS = 2,
	KVMETER_MAP_VCPUS = 3,
	KVMETER_MAP_EXITS = 4,
	KVMETER_MAP_NR = 5,
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

/*
 * ioctls of /dev/kvmeter (mode 0600). Each needs CAP_SYS_ADMIN in the initial user namespace,
 * otherwise EPERM. EFAULT: the argument cannot be read or written. ENOTTY: no such ioctl.
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
 */
#define KVMETER_IOC_MAGIC 0xb7
#define KVMETER_GET_INFO _IOR(KVMETER_IOC_MAGIC, 0x00, struct kvmeter_info)
#define KVMETER_ATTACH _IOW(KVMETER_IOC_MAGIC, 0x01, struct kvmeter_attach)
#define KVMETER_DETACH _IO(KVMETER_IOC_MAGIC, 0x02)

#ifndef __cplusplus
_Static_assert(sizeof(struct kvmeter_hist) == 256, "kvmeter_hist");
_Static_assert(sizeof(struct kvmeter_host) == 128, "kvmeter_host");
_Static_assert(sizeof(struct kvmeter_index) == 16, "kvmeter_index");
_Static_assert(sizeof(struct kvmeter_vm) == 128, "kvmeter_vm");
_Static_assert(sizeof(struct kvmeter_vcpu) == 384, "kvmeter_vcpu");
_Static_assert(sizeof(struct kvmeter_exit) == 320, "kvmeter_exit");
_Static_assert(sizeof(struct kvmeter_map_info) == 16, "kvmeter_map_info");
_Static_assert(sizeof(struct kvmeter_info) == 272, "kvmeter_info");
_Static_assert(sizeof(struct kvmeter_attach) == 80, "kvmeter_attach");
#endif

#endif /* _UAPI_LINUX_KVMETER_H */
