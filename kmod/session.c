// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions, from beginning to end.
 *
 * A session is a work item that runs at the end of each interval. To end it is up to whoever first
 * says so, under sessions_mutex: the work itself when it finds that it is over, or the one who
 * stops it. Up to then, and until that is done, there is no other session on that VM. Calls of the
 * VMM's are seen under watch_lock.
 *
 * Locks, outermost first: sessions_mutex, kvm->slots_lock, watch_lock; the store's are inside all.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "clock.h"
#include "compat.h"
#include "drive.h"
#include "mem.h"
#include "scan.h"
#include "session.h"
#include "store.h"
#include "track.h"

/**
 * struct session - a session
 * @node: in the list of sessions; sessions_mutex
 * @leaving: someone is about to end it; sessions_mutex
 * @watch: in the list of those whose VMM is watched; watch_lock
 * @work: runs at the end of each interval
 * @kvm: the VM, an identity
 * @vm: its slot
 * @gen: gen of that slot
 * @driven: we have its memory logged
 * @over: no work is to be queued, yet or any more; watch_lock
 * @end: enum kvmeter_session_end, once it is to end
 * @self: thread whose memory-slot calls are ours
 * @seen: calls of @self that were seen; watch_lock
 * @controller: process that started it
 * @bytes: memory that it takes
 * @duration_ns: how long it is to last, 0: for ever
 * @next_ns: when the interval in progress is to end
 * @fault_ns: the most time that one vCPU spent on faults in the last interval
 * @arm_ns: of an observed one: when logging was armed, as far as was seen
 * @sampled: of an observed one: bit n: curve[n] was sampled since
 * @track: when pages were dirtied
 * @dirty: what is shown
 * @nr_samples: by t: samples taken
 * @sample: by t: the last of them
 * @sorted: to sort them in
 * @curve: of one owner, while it is being computed
 * @owner_curve: D(t) by owner
 * @ours: memory slots that log on our behalf; kvm->slots_lock
 */
struct session {
	struct list_head node;
	bool leaving;
	struct list_head watch;
	struct delayed_work work;
	struct kvm *kvm;
	u32 vm;
	u32 gen;
	bool driven;
	bool over;
	u32 end;
	struct task_struct *self;
	u32 seen;
	struct pid *controller;
	u64 bytes;
	u64 duration_ns;
	u64 next_ns;
	u64 fault_ns;
	u64 arm_ns;
	u32 sampled;
	struct kvmeter_track *track;
	struct kvmeter_dirty dirty;
	u32 nr_samples[KVMETER_CURVE_NR];
	u32 sample[KVMETER_CURVE_NR][KVMETER_WINDOWS];
	u32 sorted[KVMETER_WINDOWS];
	struct kvmeter_curve curve;
	u64 owner_curve[KVMETER_OWNERS][KVMETER_CURVE_NR];
	unsigned long ours[BITS_TO_LONGS(KVMETER_SLOT_IDS)];
};

/* For each time that the work takes, it rests for this many. */
#define REST_PARTS 3

/*
 * And of an interval of a driven session, a vCPU spends no more than one part in so many in KVM on
 * faults. That is not all it loses: there is also the way there and back.
 */
#define FAULT_PARTS 4

/* An interval that is longer than t by more than one part in so many tells nothing of D(t). */
#define LATE_PARTS 4

static const u64 curve_ms[KVMETER_CURVE_NR] = KVMETER_CURVE_MS;

static DEFINE_MUTEX(sessions_mutex);
static LIST_HEAD(sessions);
static u32 nr_sessions; /* under sessions_mutex, as the next two */
static u64 sessions_bytes;
static bool accepting;
static DEFINE_RAW_SPINLOCK(watch_lock);
static LIST_HEAD(watched);
static struct workqueue_struct *wq;
static bool can_observe, can_drive; /* set once at init */

static uint max_sessions = 16;
module_param(max_sessions, uint, 0644);
MODULE_PARM_DESC(max_sessions, "sessions at once (default 16)");

static uint session_mib = 256;
module_param(session_mib, uint, 0644);
MODULE_PARM_DESC(session_mib, "MiB that all sessions may take, 2 bytes for each page (default 256)");

static bool is_controller_gone(const struct session *s)
{
	const struct task_struct *task;
	bool gone;

	rcu_read_lock();
	task = pid_task(s->controller, PIDTYPE_TGID);
	gone = !task || READ_ONCE(task->exit_state);
	rcu_read_unlock();
	return gone;
}

static int compare(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Nearest rank, in per cent. */
static u64 get_quantile(const u32 *sorted, u32 nr, u32 percent)
{
	return sorted[DIV_ROUND_UP(nr * percent, 100) - 1];
}

static void add_sample(struct session *s, u32 i, u64 pages)
{
	u32 nr;

	s->sample[i][s->nr_samples[i]++ % KVMETER_WINDOWS] = min_t(u64, pages, U32_MAX);
	nr = min_t(u32, s->nr_samples[i], KVMETER_WINDOWS);
	memcpy(s->sorted, s->sample[i], nr * sizeof(s->sorted[0]));
	sort(s->sorted, nr, sizeof(s->sorted[0]), compare, NULL);
	s->dirty.median[i] = get_quantile(s->sorted, nr, 50);
	s->dirty.p95[i] = get_quantile(s->sorted, nr, 95);
	s->dirty.windows = max(s->dirty.windows, nr);
}

static void get_curve(struct session *s, u32 owner, u64 *out)
{
	u64 ns, least = s->dirty.interval_ns;
	u32 i;

	if (s->driven)
		kvmeter_track_curve_back(s->track, owner, &s->curve);
	else
		kvmeter_track_curve_from(s->track, owner, s->arm_ns, &s->curve);
	if (s->curve.nr > 1)
		least = max(least, s->curve.ns[1] - s->curve.ns[1] / LATE_PARTS);
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		ns = curve_ms[i] * NSEC_PER_MSEC;
		out[i] = ns < least ? KVMETER_CURVE_NONE : kvmeter_curve_at(&s->curve, ns);
	}
}

/* Of a driven session each interval ends a window of each length; else one arming begins it. */
static void compute_curves(struct session *s)
{
	u32 i;

	if (!s->driven && !s->arm_ns)
		return;
	get_curve(s, KVMETER_OWNER_ALL, s->dirty.curve);
	for (i = 1; i < s->track->nr_owners; i++)
		get_curve(s, i, s->owner_curve[i]);
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (s->dirty.curve[i] == KVMETER_CURVE_NONE || (s->sampled & BIT(i)))
			continue;
		add_sample(s, i, s->dirty.curve[i]);
		if (!s->driven)
			s->sampled |= BIT(i);
	}
}

/* Show what there is. Tells whether the VM lives. */
static bool update(struct session *s, u64 now)
{
	struct kvmeter_session_news news;

	s->dirty.update_ns = now;
	s->dirty.intervals = s->track->intervals;
	s->dirty.marks = atomic64_read(&s->track->marks);
	s->dirty.untracked = atomic_read(&s->track->untracked);
	if (!kvmeter_store_update_session(s->vm, s->gen, &s->dirty, &s->owner_curve[0][0],
					  &news))
		return false;
	s->track->nr_owners = news.nr_owners;
	s->fault_ns = news.fault_ns;
	if (news.armed_ns && news.armed_ns != s->arm_ns) {
		s->arm_ns = news.armed_ns;
		s->sampled = 0;
	}
	return true;
}

static u32 get_end(const struct session *s, u64 now)
{
	u32 end = READ_ONCE(s->end);

	if (end)
		return end;
	if (s->duration_ns && now - s->dirty.start_ns >= s->duration_ns)
		return KVMETER_END_DURATION;
	if (is_controller_gone(s))
		return KVMETER_END_CONTROLLER;
	return KVMETER_END_NONE;
}

/*
 * A kernel that has found its ftrace broken may not tell us what the VMM asks for. Then it is not
 * ours any more to say what logs.
 */
static bool is_watched(struct session *s, struct kvm *kvm)
{
	u32 seen = s->seen;

	s->self = current;
	kvmeter_drive_knock(kvm);
	s->self = NULL;
	if (s->seen != seen)
		return true;
	pr_warn_ratelimited("kvmeter: pid %d: memory-slot calls are not seen: session given up\n",
			    kvm->userspace_pid);
	bitmap_zero(s->ours, KVMETER_SLOT_IDS);
	WRITE_ONCE(s->end, KVMETER_END_FAILED);
	return false;
}

/* The VM, unless it is another one by now, at the same place. */
static struct kvm *get_vm(const struct session *s)
{
	struct kvm *kvm = kvmeter_scan_get_kvm(s->kvm);

	if (!kvm || !kvmeter_store_is_gone(s->vm, s->gen))
		return kvm;
	kvmeter_scan_put_kvm(kvm);
	return NULL;
}

static void rearm(struct session *s, struct kvm *kvm)
{
	u64 begin = kvmeter_clock_now();

	kvmeter_track_collect(s->track);
	s->dirty.rearms += kvmeter_drive_rearm(kvm, s->track, s->ours, &s->end);
	s->dirty.rearm_ns += kvmeter_clock_now() - begin;
}

/* Tells whether there is to be another interval. */
static bool end_interval(struct session *s)
{
	u64 now = kvmeter_clock_now();
	struct kvm *kvm;
	bool watched;
	u32 end;

	kvmeter_track_step(s->track, now);
	compute_curves(s);
	if (!update(s, now))
		return false;
	end = get_end(s, now);
	if (end) {
		WRITE_ONCE(s->end, end);
		return false;
	}
	kvmeter_track_drop_old(s->track);
	if (!s->driven)
		return true;
	kvm = get_vm(s);
	if (!kvm)
		return false;
	watched = is_watched(s, kvm);
	if (watched)
		rearm(s, kvm);
	kvmeter_scan_put_kvm(kvm);
	return watched;
}

/*
 * However much a guest dirties, the work takes no more than a quarter of a CPU, and the guest loses
 * no more to its faults: an interval gets longer if need be.
 */
static void queue_next(struct session *s, u64 begin)
{
	u64 now = kvmeter_clock_now();
	u64 rest = REST_PARTS * (now - begin);

	if (s->driven)
		rest = max(rest, min_t(u64, FAULT_PARTS * s->fault_ns, KVMETER_INTERVAL_MAX_NS));
	s->next_ns += s->dirty.interval_ns;
	if ((s64)(s->next_ns - now - rest) < 0)
		s->next_ns = now + rest;
	raw_spin_lock_irq(&watch_lock);
	if (!s->over)
		queue_delayed_work(wq, &s->work, s->end ? 0 : nsecs_to_jiffies(s->next_ns - now));
	raw_spin_unlock_irq(&watch_lock);
}

static void free_session(struct session *s)
{
	kvmeter_track_free(s->track);
	put_pid(s->controller);
	kvfree(s);
}

static void stop_watching(struct session *s)
{
	raw_spin_lock_irq(&watch_lock);
	list_del_init(&s->watch);
	raw_spin_unlock_irq(&watch_lock);
}

/* The last one who has it. The VMM is watched until no slot logs on our behalf any more. */
static void finish(struct session *s)
{
	struct kvm *kvm;

	kvm = s->driven ? get_vm(s) : NULL;
	if (kvm) {
		if (is_watched(s, kvm)) {
			s->self = current;
			kvmeter_drive_disarm(kvm, s->ours);
		}
		kvmeter_scan_put_kvm(kvm);
	}
	stop_watching(s);
	mutex_lock(&sessions_mutex);
	kvmeter_store_end_session(s->vm, s->gen, s->end, kvmeter_clock_now());
	list_del(&s->node);
	nr_sessions--;
	sessions_bytes -= s->bytes;
	mutex_unlock(&sessions_mutex);
	synchronize_rcu();
	free_session(s);
}

static void set_over(struct session *s, bool over)
{
	raw_spin_lock_irq(&watch_lock);
	s->over = over;
	raw_spin_unlock_irq(&watch_lock);
}

static void run(struct work_struct *work)
{
	struct session *s = container_of(to_delayed_work(work), struct session, work);
	u64 begin = kvmeter_clock_now();
	bool mine;

	if (end_interval(s)) {
		queue_next(s, begin);
		return;
	}
	mutex_lock(&sessions_mutex);
	mine = !s->leaving;
	s->leaving = true;
	mutex_unlock(&sessions_mutex);
	if (!mine)
		return; /* who stops it waits for this to return */
	set_over(s, true);
	cancel_delayed_work(&s->work);
	finish(s);
}

/* End it, wherever it is. It is up to the caller to do so. */
static void stop(struct session *s)
{
	set_over(s, true);
	cancel_delayed_work_sync(&s->work);
	if (!s->end)
		WRITE_ONCE(s->end, KVMETER_END_STOPPED);
	finish(s);
}

/* The session that drives a VM, unless the call that is seen is its own. */
static struct session *find_watched(struct kvm *kvm)
{
	struct session *s;

	lockdep_assert_held(&watch_lock);
	list_for_each_entry(s, &watched, watch) {
		if (s->kvm != kvm)
			continue;
		if (s->self != current)
			return s;
		s->seen++;
	}
	return NULL;
}

static void take_over_locked(struct session *s, u32 end)
{
	if (!s->end)
		WRITE_ONCE(s->end, end);
	if (!s->over)
		mod_delayed_work(wq, &s->work, 0);
}

/* Does KVM find that all is as it should be, and do nothing? */
static bool is_no_change(struct kvm *kvm, const struct kvmeter_region *region)
{
	const struct kvm_memory_slot *slot = id_to_memslot(__kvm_memslots(kvm, 0), region->slot);

	return slot && region->flags == slot->flags &&
	       region->guest_phys_addr == slot->base_gfn << PAGE_SHIFT &&
	       region->memory_size == (u64)slot->npages << PAGE_SHIFT &&
	       region->userspace_addr == slot->userspace_addr;
}

/**
 * kvmeter_session_see_region - a memory slot is about to be made, changed or deleted
 * @kvm: the VM
 * @region: what KVM was told
 *
 * A driven session is over, unless it is KVM's own slot, or the call is the session's own. From
 * here on the slot is as the VMM wants it: if it is so already, or once the change is made.
 *
 * Context: process; kvm->slots_lock held.
 */
void kvmeter_session_see_region(struct kvm *kvm, const struct kvmeter_region *region)
{
	struct session *s = NULL;
	unsigned long flags;

	if ((u16)region->slot >= KVMETER_SLOT_IDS)
		return;
	raw_spin_lock_irqsave(&watch_lock, flags);
	s = find_watched(kvm);
	if (s) {
		if (region->slot < KVMETER_SLOT_IDS && is_no_change(kvm, region))
			clear_bit(region->slot, s->ours);
		take_over_locked(s, region->flags & KVM_MEM_LOG_DIRTY_PAGES ?
				 KVMETER_END_TAKEN_OVER : KVMETER_END_SLOTS);
	}
	raw_spin_unlock_irqrestore(&watch_lock, flags);
	if (s)
		kvmeter_store_stop_driving(kvm);
}

/**
 * kvmeter_session_see_commit - a memory slot is made, changed or deleted: KVM has agreed
 * @kvm: the VM
 * @slot: the slot as it will be, or as it was if it is deleted
 *
 * Context: as kvmeter_session_see_region().
 */
void kvmeter_session_see_commit(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	unsigned long flags;
	struct session *s;

	raw_spin_lock_irqsave(&watch_lock, flags);
	s = find_watched(kvm);
	if (s && !slot->as_id && slot->id < KVMETER_SLOT_IDS)
		clear_bit(slot->id, s->ours);
	raw_spin_unlock_irqrestore(&watch_lock, flags);
}

/**
 * kvmeter_session_see_log - the VMM reads or clears the dirty log of a memory slot
 * @kvm: the VM
 * @slot: id of the slot, and above its 16 bits that of the address space
 *
 * A driven session is over if the slot logs on its behalf. A display's does not.
 *
 * Context: as kvmeter_session_see_region().
 */
void kvmeter_session_see_log(struct kvm *kvm, u32 slot)
{
	unsigned long flags;
	struct session *s;

	raw_spin_lock_irqsave(&watch_lock, flags);
	s = find_watched(kvm);
	if (s && (slot >= KVMETER_SLOT_IDS || !test_bit(slot, s->ours)))
		s = NULL;
	if (s)
		take_over_locked(s, KVMETER_END_TAKEN_OVER);
	raw_spin_unlock_irqrestore(&watch_lock, flags);
	if (s)
		kvmeter_store_stop_driving(kvm);
}

static bool is_valid(const struct kvmeter_dirty_start *a)
{
	u64 n = div64_u64(a->interval_ns, KVMETER_INTERVAL_MIN_NS);

	return n && is_power_of_2(n) && n * KVMETER_INTERVAL_MIN_NS == a->interval_ns &&
	       a->interval_ns <= KVMETER_INTERVAL_MAX_NS &&
	       (!a->duration_ns || (a->duration_ns >= a->interval_ns &&
				    a->duration_ns <= KVMETER_DURATION_MAX_NS));
}

/* What there is to track, and whether it can be. */
static int look_at_slots(struct session *s, struct kvm *kvm, u64 *end_gfn)
{
	struct kvmeter_slots slots = {};
	struct kvm_memory_slot *slot;
	u64 chunks = 0;
	int bkt;

	lockdep_assert_held(&kvm->slots_lock);
	*end_gfn = 0;
	kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, 0)) {
		if (!kvmeter_slot_is_ram(slot))
			continue;
		kvmeter_slots_change(&slots, NULL, slot);
		*end_gfn = max_t(u64, *end_gfn, slot->base_gfn + slot->npages);
		chunks += DIV_ROUND_UP(slot->npages, KVMETER_CHUNK_PAGES) + 1;
	}
	if (!slots.ram_pages || kvmeter_vm_is_tdx(kvm) || (s->driven && kvm->dirty_ring_size))
		return -EOPNOTSUPP;
	if (s->driven && kvmeter_slots_is_logged(&slots))
		return -EBUSY;
	s->bytes = sizeof(*s) + kvmeter_track_bytes(*end_gfn) +
		   chunks * KVMETER_CHUNK_PAGES * sizeof(u16);
	return sessions_bytes + s->bytes > (u64)session_mib << 20 ? -E2BIG : 0;
}

static int make_track(struct session *s, struct kvm *kvm)
{
	struct kvm_memory_slot *slot;
	u64 end_gfn;
	int bkt, ret;

	mutex_lock(&kvm->slots_lock);
	ret = look_at_slots(s, kvm, &end_gfn);
	if (ret)
		goto unlock;
	ret = -ENOMEM;
	s->track = kvmeter_track_alloc(end_gfn, kvmeter_clock_now());
	if (!s->track)
		goto unlock;
	ret = 0;
	kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, 0))
		if (!ret && kvmeter_slot_is_ram(slot))
			ret = kvmeter_track_add(s->track, slot->base_gfn, slot->npages);
unlock:
	mutex_unlock(&kvm->slots_lock);
	return ret;
}

static struct session *alloc_session(struct kvm *kvm, const struct kvmeter_dirty_start *a)
{
	struct session *s = kvzalloc(sizeof(*s), KVMETER_GFP_ACCOUNT);

	if (!s)
		return NULL;
	INIT_LIST_HEAD(&s->node);
	INIT_LIST_HEAD(&s->watch);
	INIT_DELAYED_WORK(&s->work, run);
	s->kvm = kvm;
	s->driven = !(a->flags & KVMETER_DIRTY_OBSERVE);
	s->self = current;
	s->over = true;
	s->controller = get_pid(task_tgid(current));
	s->duration_ns = a->duration_ns;
	s->dirty.session = s->driven ? KVMETER_SESSION_DRIVEN : KVMETER_SESSION_OBSERVED;
	s->dirty.controller = task_tgid_nr(current);
	s->dirty.interval_ns = a->interval_ns;
	memset(s->dirty.curve, 0xff, sizeof(s->dirty.curve));
	memset(s->dirty.median, 0xff, sizeof(s->dirty.median));
	memset(s->dirty.p95, 0xff, sizeof(s->dirty.p95));
	memset(s->owner_curve, 0xff, sizeof(s->owner_curve));
	return s;
}

/* From when on it is seen what the VMM does, and pages are tracked. */
static int begin(struct session *s, struct kvm *kvm)
{
	int ret;

	s->dirty.tracked_pages = s->track->pages;
	s->dirty.start_ns = kvmeter_clock_now();
	s->track->begin_ns[s->track->number] = s->dirty.start_ns;
	s->next_ns = s->dirty.start_ns;
	ret = kvmeter_store_begin_session(kvm, s->track, &s->dirty, &s->vm, &s->gen);
	if (ret)
		return ret;
	raw_spin_lock_irq(&watch_lock);
	if (s->driven)
		list_add_tail(&s->watch, &watched);
	raw_spin_unlock_irq(&watch_lock);
	ret = 0;
	if (s->driven && !is_watched(s, kvm))
		ret = -EOPNOTSUPP;
	s->self = current;
	if (s->driven && !ret)
		ret = kvmeter_drive_arm(kvm, s->ours);
	s->self = NULL;
	if (!ret)
		return 0;
	stop_watching(s);
	kvmeter_store_end_session(s->vm, s->gen, KVMETER_END_FAILED, kvmeter_clock_now());
	synchronize_rcu();
	return ret;
}

static struct session *find_gone_locked(void)
{
	struct session *s;

	list_for_each_entry(s, &sessions, node)
		if (kvmeter_store_is_gone(s->vm, s->gen))
			return s;
	return NULL;
}

/*
 * A session may have yet to find that its VM is gone. It ends before another begins: it counts for
 * the limits, and by its VM's place would be taken for that of the VM that is there now.
 */
static void end_gone_locked(void)
{
	struct session *s;
	bool mine;

	while ((s = find_gone_locked())) {
		mine = !s->leaving;
		s->leaving = true;
		mutex_unlock(&sessions_mutex);
		if (mine)
			stop(s);
		else
			usleep_range(1000, 2000); /* another ends it */
		mutex_lock(&sessions_mutex);
	}
}

static int start_locked(struct kvm *kvm, struct kvmeter_dirty_start *a)
{
	struct session *s;
	int ret;

	end_gone_locked();
	if (!accepting)
		return -EOPNOTSUPP;
	list_for_each_entry(s, &sessions, node)
		if (s->kvm == kvm)
			return -EALREADY;
	if (nr_sessions >= max_sessions)
		return -EMFILE;
	s = alloc_session(kvm, a);
	if (!s)
		return -ENOMEM;
	ret = make_track(s, kvm);
	if (!ret)
		ret = begin(s, kvm);
	if (ret) {
		free_session(s);
		return ret;
	}
	a->vm = s->vm;
	a->vm_gen = s->gen;
	list_add_tail(&s->node, &sessions);
	nr_sessions++;
	sessions_bytes += s->bytes;
	update(s, s->dirty.start_ns);
	s->fault_ns = 0; /* it was of what went before */
	set_over(s, false);
	queue_next(s, s->dirty.start_ns);
	return 0;
}

/**
 * kvmeter_session_start - KVMETER_DIRTY_START
 * @start: its argument, abi and reserved fields checked; the VM's slot is filled in
 *
 * Context: may sleep; the process that is the controller.
 * Return: 0, or what the contract says.
 */
int kvmeter_session_start(struct kvmeter_dirty_start *start)
{
	struct file *file;
	int ret;

	if ((start->flags & ~KVMETER_DIRTY_OBSERVE) || !is_valid(start))
		return -EINVAL;
	if (!can_observe || (!can_drive && !(start->flags & KVMETER_DIRTY_OBSERVE)))
		return -EOPNOTSUPP;
	file = fget(start->vm_fd);
	if (!file)
		return -EBADF;
	ret = -EINVAL;
	if (kvmeter_drive_is_vm(file)) {
		mutex_lock(&sessions_mutex);
		ret = start_locked(file->private_data, start);
		mutex_unlock(&sessions_mutex);
	}
	fput(file);
	return ret;
}

static struct session *find_locked(u32 vm, u32 gen)
{
	struct session *s;

	list_for_each_entry(s, &sessions, node)
		if (s->vm == vm && s->gen == gen && !s->leaving)
			return s;
	return NULL;
}

/**
 * kvmeter_session_stop - KVMETER_DIRTY_STOP
 * @stop_arg: its argument, abi and reserved fields checked
 *
 * Context: may sleep.
 * Return: 0 or -ENOENT.
 */
int kvmeter_session_stop(const struct kvmeter_dirty_stop *stop_arg)
{
	struct session *s;

	mutex_lock(&sessions_mutex);
	s = find_locked(stop_arg->vm, stop_arg->vm_gen);
	if (s)
		s->leaving = true;
	mutex_unlock(&sessions_mutex);
	if (!s)
		return -ENOENT;
	stop(s);
	return 0;
}

/**
 * kvmeter_session_read - KVMETER_DIRTY_READ
 * @read: its argument, abi and reserved fields checked; nr is filled in
 * @cells: read->nr of them, filled in
 *
 * Context: may sleep.
 * Return: 0, -ENOENT or -EINVAL.
 */
int kvmeter_session_read(struct kvmeter_dirty_read *read, u32 *cells)
{
	u64 intervals = KVMETER_INTERVALS_KEPT, gfn = read->gfn, end;
	struct session *s;
	int ret = -ENOENT;
	u32 nr = 0;

	mutex_lock(&sessions_mutex);
	s = find_locked(read->vm, read->vm_gen);
	if (!s)
		goto unlock;
	ret = 0;
	if (read->within_ns)
		intervals = div64_u64(read->within_ns - 1, s->dirty.interval_ns) + 1;
	end = (u64)s->track->nr_chunks << KVMETER_CHUNK_SHIFT;
	for (; nr < read->nr && gfn < end; nr++, gfn += BIT(read->shift)) {
		cells[nr] = kvmeter_track_count(s->track, gfn, BIT(read->shift), intervals);
		cond_resched();
	}
	read->nr = nr;
unlock:
	mutex_unlock(&sessions_mutex);
	return ret;
}

/**
 * kvmeter_session_init - sessions can be started from now on
 * @observe: pages found dirty are seen
 * @drive: and so are the VMM's calls, and VMs can be held
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvmeter_session_init(bool observe, bool drive)
{
	wq = alloc_workqueue("kvmeter", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!wq)
		return -ENOMEM;
	can_observe = observe && kvmeter_drive_resolve_is_vm();
	can_drive = can_observe && drive && kvmeter_drive_resolve();
	if (can_drive)
		kvmeter_store_set_feature(KVMETER_FEATURE_DRIVE);
	mutex_lock(&sessions_mutex);
	accepting = true;
	mutex_unlock(&sessions_mutex);
	return 0;
}

/**
 * kvmeter_session_exit - end all sessions; none can be started any more
 *
 * Context: may sleep; probes still see what the VMMs do.
 */
void kvmeter_session_exit(void)
{
	struct session *s, *found;

	do {
		found = NULL;
		mutex_lock(&sessions_mutex);
		accepting = false;
		list_for_each_entry(s, &sessions, node) {
			if (s->leaving)
				continue;
			s->leaving = true;
			found = s;
			break;
		}
		mutex_unlock(&sessions_mutex);
		if (found)
			stop(found);
	} while (found);
	/* Those that end by themselves are in it. */
	destroy_workqueue(wq);
}
