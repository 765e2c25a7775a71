/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of VMs and vCPUs, and the memory the counts are in.
 *
 * Two halves to each: a record, private to the module, with all that it relies on; and a slot (for
 * a vCPU also rows) in the shared arrays, which is only ever written to, never believed, since the
 * arrays may be BPF maps that user space has mapped.
 *
 * Locks, outermost first: kvm->slots_lock (KVM's), store mutex, run queue's lock (the scheduler's),
 * store lock, a vCPU record's lock, that of a queue (thief.c), that of the limits (limit.c). The
 * store mutex serialises moves of the memory. The store lock, a raw spinlock taken with interrupts
 * off, under which nothing is woken, guards the tables of records and every write to the arrays but
 * two. A vCPU's slot and rows are written by probes on the CPU that runs the vCPU, or switches to
 * or from its thread, with no lock, between kvmeter_store_write_begin() and
 * kvmeter_store_write_end(); giving them to or taking them from a vCPU happens under the lock at
 * times when that vCPU cannot be in a probe. Its thread may be switched at any time, though, and
 * while it is not in KVM_RUN nothing keeps the vCPU: so that is done under the record's lock, which
 * whoever takes the vCPU from the thread holds too. And the page sizes in a VM's slot are single
 * words, which each of its vCPUs writes.
 */
#ifndef _KVMETER_STORE_H
#define _KVMETER_STORE_H

#include <linux/hash.h>
#include <linux/kvm_host.h>
#include <linux/list.h>
#include <linux/list_nulls.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

#include "converge.h"
#include "share.h"
#include "slots.h"

/* Reasons below this find their row by index, others (SVM's VMGEXIT and ERR) by search. */
#define KVMETER_ROW_INDEX_NR 0x410

/* Statistics of KVM's that are taken over (stat.c). */
#define KVMETER_STATS_NR 7

/* Rows of what runs on a CPU that vCPUs wait for (thief.c). */
#define KVMETER_QUEUE_ROWS 48

/* Buckets of the index into a vCPU's sub-reasons, as a power of 2. */
#define KVMETER_SUB_HASH_BITS 7

/* Chains of the table of vCPUs' threads, as a power of 2: most threads find theirs empty. */
#define KVMETER_TASK_HASH_BITS 12

/*
 * Where a vCPU is, as far as an event has to know at once. The first two are all there is to most
 * exits: an exit from the guest, and an entry from an exit to which nothing else happened.
 */
enum kvmeter_where {
	KVMETER_WHERE_GUEST = 0,
	KVMETER_WHERE_EXIT = 1,
	KVMETER_WHERE_DETOUR = 2, /* kvmeter_vcpu_rec.state tells */
};

/* Is the thread off the CPU? */
enum kvmeter_off {
	KVMETER_OFF_NOT = 0,
	KVMETER_OFF_WAITING = 1, /* preempted */
	KVMETER_OFF_ASLEEP = 2,
	KVMETER_OFF_WOKEN = 3, /* slept, waits for a CPU */
};

struct kvmeter_track;
struct kvmeter_vm_rec;

/**
 * struct kvmeter_vcpu_rec - what the module knows of one vCPU
 * @odd: @where, @logging, @unproven and @subs_on in one word, so that an event tests them at once
 * @where: enum kvmeter_where; owner writes
 * @logging: as that of the VM; written under the store lock
 * @unproven: @reason_source is not KVMETER_REASON_DIRECT; owner writes
 * @subs_on: count sub-reasons; written under the store lock
 * @slot: its slot in the arrays; changed under the store lock while no probe of it can run
 * @rows: its exit rows; likewise
 * @open: row of the exit being handled, stale while in the guest; owner writes, and as @rows
 * @since_ns: when the last step of the ledger was; owner writes
 * @refresh_ns: when KVM's statistics are due; owner writes
 * @vcpu: the vCPU, an identity: only dereferenced in its own probes. NULL: the record is free
 * @vm: record of its VM; set once before publish
 * @subs: its rows of sub-reasons; as @rows
 * @open_sub: row of the sub-reason of the exit being handled, or NULL; owner writes, and as @rows
 * @thieves: its rows of thieves; as @rows
 * @first_ns: when the ledger began, 0 before that; owner writes
 * @part: what the exit being handled is to be charged with, by state, ns; owner writes
 * @part_user_exits: returns to the VMM in it; owner writes
 * @user_reason: index in kvmeter_vcpu.user_exit of the last return to the VMM; owner writes
 * @state: enum kvmeter_state, if @where says so; owner writes
 * @resume: state it goes on in once it runs again; @lock
 * @off: enum kvmeter_off; @lock
 * @wake_ns: when it was woken; @lock
 * @lock: the record's lock, a raw spinlock taken with interrupts off
 * @task: thread that ran it last, an identity; changed under both locks
 * @task_start: start_time of that thread: a new one may be where it was; likewise
 * @run_delay: of that thread when it was looked at last, ns; owner writes
 * @cpu: CPU that thread is, or was last, on; U32_MAX: none yet; owner writes
 * @stat: KVM's statistics when they were looked at last; owner writes
 * @reason_source: enum kvmeter_reason_source for this vCPU; owner writes
 * @proofs: comparisons made so far of its exit reasons with the vendor's; owner writes
 * @pml_index: PML index at the last entry at which logging was on, KVMETER_PML_NONE if the log was
 *	       full or could not be read; owner writes
 * @pml_entry_ns: @since_ns at that entry: tells whether it was the last one; owner writes
 * @nr_rows: exit rows given out; owner writes
 * @nr_subs: rows of sub-reasons given out; owner writes
 * @nr_thieves: rows of thieves given out; @lock
 * @wait_cpu: CPU in whose queue it waits, -1: in none; @lock, and that of the queue
 * @limited: a CPU limit holds it back; lock of the queue
 * @limit_nr: rows of @limit_from that were set; lock of the queue
 * @wait_tg: group whose limits count, an identity; lock of the queue
 * @limit_ns: how long limits have held it back in this wait; lock of the queue
 * @wait_from: where the sums of the queue stood when it began to wait; lock of the queue
 * @limit_from: where they stood when @limited began; lock of the queue
 * @waiting: in the queue; lock of the queue
 * @row_of: reason to row of level 1, 0 for none yet; owner writes
 * @row_of_l2: reason to row of level 2; owner writes
 * @row_reason: reason of each row; owner writes
 * @row_level: level of each row; owner writes
 * @sub_head: hash of a sub-reason to the first row of its chain plus one; owner writes
 * @sub_next: row to the next of its chain plus one; owner writes
 * @sub_hash: hash of each row's sub-reason; owner writes
 * @owner: its number in the VM's track, 0 for none; set once before publish
 * @fault_write: the last exit was a write fault; owner writes, as the next two
 * @fault_gfn: page of that fault
 * @marked_gfn: page that the last fault made dirty, which the log may tell once more
 * @fault_ns: time in which KVM handled exits at which a fault made a page dirty; owner writes
 * @seen_fault_ns: that when an interval of a session ended last; store lock
 * @dirtied: pages that became dirty by it while logging was armed; owner writes
 * @charged: of these, those charged to @bucket; owner writes, as the next five
 * @owes: @bucket is in debt, and it has not been parked for all of that yet
 * @bucket: what it may dirty now
 * @rate_pages: pages a second that flow into it
 * @stall: how long it was parked lately
 * @stalled_ns: time that it was parked
 * @quota: its VM has a quota; changed under the store lock, read by the owner, as the next one
 * @share_pages: its share of that, pages a second
 * @tick_dirtied: @charged when shares were given out last; store lock
 * @tick_stalled_ns: @stalled_ns then; store lock
 * @round_dirtied: @dirtied when the round of a migration began; store lock
 * @kicks: times a signal had ended KVM_RUN when that was looked at last; store lock
 * @kicked_ns: time in the VMM that had followed these; store lock
 * @parking: @park is left for a thread, or runs: changed by whoever leaves it and by itself
 * @parker: the thread that it is left for; valid while @parking
 * @park: the work that parks it
 * @gen: of the slot; store lock
 * @mem_gen: generation of the memory that @slot, @rows and @subs are in; store lock
 * @index: of the slot; constant
 * @node: in the table by @vcpu; changed under the store lock, read with preemption off
 * @task_node: in the table by @task; likewise
 * @siblings: in the VM's list; store lock
 */
struct kvmeter_vcpu_rec {
	union {
		u32 odd;
		struct {
			u8 where;
			u8 logging;
			u8 unproven;
			u8 subs_on;
		};
	};
	struct kvmeter_vcpu *slot;
	struct kvmeter_exit *rows;
	struct kvmeter_exit *open;
	u64 since_ns;
	u64 refresh_ns;
	struct kvm_vcpu *vcpu;
	struct kvmeter_vm_rec *vm;
	struct kvmeter_sub *subs;
	struct kvmeter_sub *open_sub;
	struct kvmeter_thief *thieves;
	u64 first_ns;
	u64 part[KVMETER_STATE_NR];
	u32 part_user_exits;
	u8 user_reason;
	u8 state;
	u8 resume;
	u8 off;
	u64 wake_ns;
	raw_spinlock_t lock;
	struct task_struct *task;
	u64 task_start;
	u64 run_delay;
	u32 cpu;
	u8 reason_source;
	u8 proofs;
	u16 pml_index;
	u64 pml_entry_ns;
	u64 stat[KVMETER_STATS_NR];
	u32 nr_rows;
	u32 nr_subs;
	u32 nr_thieves;
	int wait_cpu;
	bool limited;
	u32 limit_nr;
	const struct task_group *wait_tg;
	u64 limit_ns;
	u64 wait_from[KVMETER_QUEUE_ROWS];
	u64 limit_from[KVMETER_QUEUE_ROWS];
	struct list_head waiting;
	u8 row_of[KVMETER_ROW_INDEX_NR];
	u8 row_of_l2[KVMETER_ROW_INDEX_NR];
	u32 row_reason[KVMETER_EXIT_ROWS];
	u8 row_level[KVMETER_EXIT_ROWS];
	u8 sub_head[1 << KVMETER_SUB_HASH_BITS];
	u8 sub_next[KVMETER_SUB_ROWS];
	u8 sub_hash[KVMETER_SUB_ROWS];
	u8 owner;
	bool fault_write;
	u64 fault_gfn;
	u64 marked_gfn;
	u64 fault_ns;
	u64 seen_fault_ns;
	u64 dirtied;
	u64 charged;
	bool owes;
	bool quota;
	u32 parking;
	struct kvmeter_bucket bucket;
	u64 rate_pages;
	struct kvmeter_stall stall;
	u64 stalled_ns;
	u64 share_pages;
	u64 tick_dirtied;
	u64 tick_stalled_ns;
	u64 round_dirtied;
	u64 kicks;
	u64 kicked_ns;
	struct task_struct *parker;
	struct callback_head park;
	u32 gen;
	u32 mem_gen;
	u32 index;
	struct hlist_node node;
	struct hlist_nulls_node task_node;
	struct list_head siblings;
};

/**
 * struct kvmeter_sums - what all vCPUs of a VM add up to, with those that have ended
 * @dirtied_pages: pages that they dirtied
 * @stalled_ns: time that they slept for quotas
 * @throttle_ns: of that, what their ledgers have
 */
struct kvmeter_sums {
	u64 dirtied_pages;
	u64 stalled_ns;
	u64 throttle_ns;
};

/**
 * struct kvmeter_round_mark - a round of a migration begins
 * @now_ns: when
 * @to_send_pages: as in struct kvmeter_round
 * @sums: what vCPUs added up to
 */
struct kvmeter_round_mark {
	u64 now_ns;
	u64 to_send_pages;
	struct kvmeter_sums sums;
};

/**
 * struct kvmeter_rounds - the rounds of a VM's migration; all under the store lock
 * @shown: what readers are shown
 * @mark: by round as there
 * @nr: migrations so far
 * @mode: enum kvmeter_autoconverge_mode that was set
 * @bandwidth_pages: that was set, pages a second
 * @now_ns: the latest time that was told of
 * @begin_throttle_ns: throttle_ns of the sums when the migration began
 * @throttle_ns: what that has grown by, when it was looked at last
 * @gone: the sums of vCPUs that have ended
 * @round_own_pages: dirty.kvm_pages when the round began
 */
struct kvmeter_rounds {
	struct kvmeter_migration shown;
	struct kvmeter_round_mark mark[KVMETER_ROUNDS];
	u32 nr;
	u32 mode;
	u64 bandwidth_pages;
	u64 now_ns;
	u64 begin_throttle_ns;
	u64 throttle_ns;
	struct kvmeter_sums gone;
	u64 round_own_pages;
};

/**
 * struct kvmeter_vm_rec - what the module knows of one VM
 * @kvm: the VM, an identity outside its own probes. NULL: the record is free
 * @logging: dirty logging is armed; store lock
 * @scanned: @slots is established; store lock
 * @tdx: its exits cannot be looked into; set once before publish
 * @index: of the slot; constant
 * @gen: of the slot; store lock
 * @slots: sums of its memory slots; store lock
 * @armed_ns: when @logging began last; store lock
 * @asked: its memory is to be logged; store lock
 * @all_set: its dirty log began with all bits set, and none was cleared yet; store lock
 * @driven: a session of ours has it logged; store lock
 * @ring: its vCPUs have dirty rings; store lock
 * @nr_owners: numbers given to vCPUs; store lock
 * @quota_pages: pages a second that it may dirty, 0: as many as it likes: the lesser of the next
 *		 two; store lock
 * @user_quota_pages: what was set for it, 0: none; store lock
 * @pilot_quota_pages: what the autopilot has set, 0: none; store lock
 * @quota_ns: when that was shared out last; store lock
 * @track: when its pages were dirtied; NULL without a session; changed under the store lock, read
 *	   with preemption off
 * @dirty: what is shown of that; store lock
 * @rounds: of its migration; store lock
 * @pid: process of its VMM; set once before publish
 * @mm: address space of its VMM, an identity; set once before publish
 * @id: "<pid>-<fd>"; set once before publish
 * @node: in the table by @kvm; store lock
 * @mm_node: in the table by @mm; changed under the store lock, read with preemption off
 * @vcpus: its vCPUs' records; store lock
 */
struct kvmeter_vm_rec {
	struct kvm *kvm;
	bool logging;
	bool scanned;
	bool tdx;
	u32 index;
	u32 gen;
	struct kvmeter_slots slots;
	u64 armed_ns;
	bool asked;
	bool all_set;
	bool driven;
	bool ring;
	u8 nr_owners;
	u64 quota_pages;
	u64 user_quota_pages;
	u64 pilot_quota_pages;
	u64 quota_ns;
	struct kvmeter_track *track;
	struct kvmeter_dirty dirty;
	struct kvmeter_rounds rounds;
	u32 pid;
	const struct mm_struct *mm;
	char id[KVMETER_NAME_LEN];
	struct hlist_node node;
	struct hlist_node mm_node;
	struct list_head vcpus;
};

/**
 * struct kvmeter_mem - the arrays
 * @map: by enum kvmeter_map
 */
struct kvmeter_mem {
	void *map[KVMETER_MAP_NR];
};

/**
 * struct kvmeter_cpu - which vCPU a CPU's probes saw last, so that most find it in one comparison
 * @vcpu: the vCPU, or NULL; any CPU may set it to NULL
 * @rec: its record, NULL if it has none
 * @untracked_vcpus: times a vCPU without a record was looked up here in vain
 * @untracked_exits: exits here of vCPUs without a record
 */
struct kvmeter_cpu {
	struct kvm_vcpu *vcpu;
	struct kvmeter_vcpu_rec *rec;
	u64 untracked_vcpus;
	u64 untracked_exits;
};

DECLARE_PER_CPU(struct kvmeter_cpu, kvmeter_cpu);

extern struct hlist_nulls_head kvmeter_tasks[1 << KVMETER_TASK_HASH_BITS];

/* VMs with dirty logging armed; changed under the store lock, read without it too. */
extern u32 kvmeter_armed_nr;

extern u32 kvmeter_max_vms;
extern u32 kvmeter_max_vcpus;

/**
 * struct kvmeter_session_news - what a session is told of its VM
 * @armed_ns: when logging was armed last, 0 if it is not
 * @nr_owners: one more than the largest owner
 * @fault_ns: the most time that one of its vCPUs has spent on faults since the last time
 */
struct kvmeter_session_news {
	u64 armed_ns;
	u32 nr_owners;
	u64 fault_ns;
};

/**
 * struct kvmeter_demands - what the vCPUs of one VM ask for
 * @vm: its slot
 * @gen: gen of that slot
 * @quota: what they are to share, pages a second
 * @nr: vCPUs
 * @index: their slots
 * @demand: pages a second each, KVMETER_DEMAND_ALL: more than can be told
 */
struct kvmeter_demands {
	u32 vm;
	u32 gen;
	u64 quota;
	u32 nr;
	u32 *index;
	u64 *demand;
};

/**
 * struct kvmeter_flight - what there is to see of a VM's migration, that on its way or the last one
 * @gen: gen of the VM's slot
 * @nr: migrations of it so far
 * @state: enum kvmeter_migration_state
 * @nr_rounds: rounds that have begun
 * @ring: dirty rings are in use
 * @stopped: no vCPU has run for a while, nor has KVM been asked to run one
 * @config: what it is to be like
 * @quota_pages: the VM's quota
 * @begin_throttle_ns: throttle_ns of the sums when it began
 * @now_ns: now
 * @sums: what vCPUs add up to now
 * @mark: round n, from 1, is entry (n - 1) % KVMETER_ROUNDS
 */
struct kvmeter_flight {
	u32 gen;
	u32 nr;
	u32 state;
	u32 nr_rounds;
	bool ring;
	bool stopped;
	struct kvmeter_converge_config config;
	u64 quota_pages;
	u64 begin_throttle_ns;
	u64 now_ns;
	struct kvmeter_sums sums;
	struct kvmeter_round_mark mark[KVMETER_ROUNDS];
};

/**
 * struct kvmeter_kicks - vCPUs that signals have driven out of KVM_RUN since the last time
 * @exits: so often, or more often
 * @ns: and that have spent this time, or more, in the VMM each time that had happened
 * @long_ns: of those that have spent this time, or more, once is enough
 * @vcpus: filled in: vCPUs of the VM
 * @kicked: filled in: those of which both is so
 * @slept: filled in: those of which the second is so
 */
struct kvmeter_kicks {
	u64 exits;
	u64 ns;
	u64 long_ns;
	u32 vcpus;
	u32 kicked;
	u32 slept;
};

int kvmeter_store_init(void (*changed)(void), void (*gone)(struct kvmeter_vcpu_rec *v), u32 vendor);
void kvmeter_store_exit(void);

struct kvmeter_vcpu_rec *kvmeter_store_find_slow(struct kvm_vcpu *vcpu);
void kvmeter_store_add_vm(struct kvm *kvm);
void kvmeter_store_add_vcpu(struct kvm_vcpu *vcpu);
void kvmeter_store_del_vm(struct kvm *kvm);
void kvmeter_store_del_vcpu(struct kvm_vcpu *vcpu);

struct kvmeter_vcpu_rec *kvmeter_store_search_task(const struct task_struct *task);
void kvmeter_store_catch_up(struct kvmeter_vcpu_rec *v);
void kvmeter_store_bind_task(struct kvmeter_vcpu_rec *v, struct task_struct *task);

bool kvmeter_store_is_gone(u32 vm, u32 gen);
struct kvmeter_vm_rec *kvmeter_store_find_mm(const struct mm_struct *mm);

void kvmeter_store_set_subs(bool on);
void kvmeter_store_set_pages(const struct kvmeter_vm_rec *vm, u64 nr_4k, u64 nr_2m, u64 nr_1g);
void kvmeter_store_set_log(struct kvm *kvm, const struct kvmeter_slots *slots);
void kvmeter_store_change_log(struct kvm *kvm, const struct kvm_memory_slot *old,
			      const struct kvm_memory_slot *new);
void kvmeter_store_add_own_write(struct kvm *kvm, u64 gfn, bool clean);
void kvmeter_store_add_clear(struct kvm *kvm);
bool kvmeter_store_add_sync(struct kvm *kvm, u32 slot);

int kvmeter_store_begin_session(struct kvm *kvm, struct kvmeter_track *track,
				const struct kvmeter_dirty *dirty, u32 *vm, u32 *gen);
bool kvmeter_store_update_session(u32 vm, u32 gen, const struct kvmeter_dirty *dirty,
				  const u64 *curves, struct kvmeter_session_news *news);
void kvmeter_store_stop_driving(struct kvm *kvm);
void kvmeter_store_end_session(u32 vm, u32 gen, u32 end, u64 now);
int kvmeter_store_set_quota(u32 vm, u32 gen, u64 pages, struct kvmeter_audit *a);
void kvmeter_store_drop_quota(u32 vm);
bool kvmeter_store_has_quotas(void);
u64 kvmeter_store_collect_demands(u32 vm, struct kvmeter_demands *d);
void kvmeter_store_give_shares(const struct kvmeter_demands *d, const u64 *share);
struct kvmeter_vcpu_rec *kvmeter_store_find_parking(void);

void kvmeter_store_set_mode(u32 mode);
int kvmeter_store_set_autoconverge(const struct kvmeter_autoconverge *set, struct kvmeter_audit *a);
bool kvmeter_store_get_flight(u32 vm, struct kvmeter_flight *f);
int kvmeter_store_set_decision(u32 vm, const struct kvmeter_flight *f,
			       const struct kvmeter_converge_decision *d, struct kvmeter_audit *a);
bool kvmeter_store_describe(u32 vm, u32 gen, u32 nr, struct kvmeter_audit *a);
void kvmeter_store_count_kicks(u32 vm, u32 gen, struct kvmeter_kicks *k);

struct kvm *kvmeter_store_next_unscanned(u32 *vm);
void kvmeter_store_set_feature(u32 feature);
void kvmeter_store_set_reason_source(u32 source);

size_t kvmeter_store_map_value_size(enum kvmeter_map map);
u32 kvmeter_store_map_entries(enum kvmeter_map map);
void kvmeter_store_move(const struct kvmeter_mem *to, struct kvmeter_mem *from);
void kvmeter_store_forget_mem(void);
int kvmeter_store_alloc_mem(struct kvmeter_mem *mem);
void kvmeter_store_free_mem(struct kvmeter_mem *mem);

void kvmeter_store_get_host(struct kvmeter_host *host);
u32 kvmeter_store_next_vcpu(u32 vm, u32 gen, u32 from);
bool kvmeter_store_get_vm(u32 vm, struct kvmeter_vm *out, struct kvmeter_dirty *dirty,
			  struct kvmeter_migration *migration);
bool kvmeter_store_get_vcpu(u32 vcpu, struct kvmeter_vcpu *out, u64 *now_ns,
			    struct kvmeter_exit *rows, struct kvmeter_sub *subs,
			    struct kvmeter_thief *thieves);

/**
 * kvmeter_store_find - record of a vCPU that this CPU's probes saw last
 * @vcpu: the vCPU that is running here
 * @rec: set to its record, NULL if it has none
 *
 * Context: probes of that vCPU, preemption off.
 * Return: false if it was not the last one: kvmeter_store_find_slow() finds it.
 */
static __always_inline bool kvmeter_store_find(struct kvm_vcpu *vcpu, struct kvmeter_vcpu_rec **rec)
{
	if (unlikely(this_cpu_read(kvmeter_cpu.vcpu) != vcpu))
		return false;
	*rec = this_cpu_read(kvmeter_cpu.rec);
	return true;
}

/**
 * kvmeter_store_forget_here - this CPU's next probe has to look up its vCPU anew
 *
 * Context: preemption off.
 */
static __always_inline void kvmeter_store_forget_here(void)
{
	this_cpu_write(kvmeter_cpu.vcpu, NULL);
}

/**
 * kvmeter_store_any_armed - is dirty logging armed for any VM?
 *
 * Context: any.
 */
static __always_inline bool kvmeter_store_any_armed(void)
{
	return READ_ONCE(kvmeter_armed_nr);
}

/**
 * kvmeter_store_peek_task - record of the vCPU that a thread ran last, not to be written to
 * @task: the thread
 *
 * For threads that run no vCPU, which most are, this is one load and a test.
 *
 * Context: preemption off; takes no lock.
 * Return: the record, or NULL. It may be given back at any time, but not its memory.
 */
static __always_inline struct kvmeter_vcpu_rec *
kvmeter_store_peek_task(const struct task_struct *task)
{
	u32 chain = hash_ptr(task, KVMETER_TASK_HASH_BITS);

	if (likely(is_a_nulls(READ_ONCE(kvmeter_tasks[chain].first))))
		return NULL;
	return kvmeter_store_search_task(task);
}

/**
 * kvmeter_store_find_task - record of the vCPU that a thread ran last
 * @task: the thread
 *
 * Context: preemption off, no record's lock held; the thread is the running one, or one that the
 * scheduler has in hand.
 * Return: the record, or NULL. Outside of KVM_RUN, the thread may lose it at any time.
 */
static __always_inline struct kvmeter_vcpu_rec *
kvmeter_store_find_task(const struct task_struct *task)
{
	struct kvmeter_vcpu_rec *v = kvmeter_store_peek_task(task);

	if (unlikely(v))
		kvmeter_store_catch_up(v);
	return v;
}

/*
 * The sequence number moves in one instruction, and x86 keeps stores in order: for the compiler
 * alone there is a barrier on each side.
 */
static __always_inline void kvmeter_store_step_seq(struct kvmeter_vcpu *slot)
{
	asm volatile("incl %0" : "+m"(slot->seq) : : "cc", "memory");
}

/**
 * kvmeter_store_write_begin - readers of this vCPU's slot and rows: from here on, look again
 * @slot: the vCPU's slot
 *
 * The ledger clock is to be read after this: a reader that reads it before sees the state as it
 * was, and must not find later that it had ended by then.
 *
 * Context: probes of that vCPU, preemption off.
 */
static __always_inline void kvmeter_store_write_begin(struct kvmeter_vcpu *slot)
{
	kvmeter_store_step_seq(slot);
}

/**
 * kvmeter_store_write_end - what readers see from here on is whole
 * @slot: the vCPU's slot
 *
 * Context: probes of that vCPU, preemption off.
 */
static __always_inline void kvmeter_store_write_end(struct kvmeter_vcpu *slot)
{
	kvmeter_store_step_seq(slot);
}

/**
 * kvmeter_hist_add - count a time in a histogram
 * @hist: the histogram
 * @ns: the time
 *
 * Context: any; the caller excludes other writers.
 */
static __always_inline void kvmeter_hist_add(struct kvmeter_hist *hist, u64 ns)
{
	unsigned int n = fls64(ns);

	hist->bucket[min_t(unsigned int, n, KVMETER_HIST_BUCKETS - 1)]++;
}

#endif /* _KVMETER_STORE_H */
