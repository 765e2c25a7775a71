// SPDX-License-Identifier: GPL-2.0-only
/*
 * A quota from its setting to its end: what shows it, what ends it, whom it stays with, and every
 * wrong way to ask for one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "writers.h"

#define VCPUS 3
/* More than what a quota lets through at once. */
#define PAGES 1511u
#define MS 1000000ull
#define SLICE_NS MS
/* A parked vCPU that is released has to be woken, and to get a CPU. */
#define WAKE_NS (4 * MS)
/* An emulator may get no CPU for a while. One that is not released stays parked for seconds. */
#define LATE_NS (50 * MS)
#define CLEAN_US 20000
#define RELEASES_MAX 23
#define RELEASES (host_is_long() ? RELEASES_MAX : 5)
#define WATCH_US 300000u
#define PATIENCE_US 5000000u
#define STEP_US 10000u
#define VMS (host_is_long() ? 41 : 13)
#define KILLS_MAX 11
#define KILLS (host_is_long() ? KILLS_MAX : 3u)
#define TURNS (host_is_long() ? 11 : 5)
/* From a log that never gets full pages are told of at other exits, where nobody is parked. */
#define TURN_PAGES (vmm_is_intel() ? PAGES : 503u)
#define NOBODY 65534
#define WILD ((void *)0xdead000000000000UL)

FIXTURE(quota)
{
	struct meter meter;
	struct vmm vm;
	uint32_t slot;
	const struct kvmeter_vm *shown;
	struct writer writer;
	struct quota_cleaner cleaner;
};

/* All vCPUs are known, and what the writer writes to is there already. */
static int init_vm(FIXTURE_DATA(quota) * t)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < VCPUS; i++)
		ret = vmm_run(&t->vm.vcpu[i], vmm_guest_busy, 1, 0, 0);
	writer_init(&t->writer, &t->vm, 0);
	writer_add_pages(&t->writer, WRITERS_GFN, PAGES);
	if (!ret)
		ret = writer_start(&t->writer, false);
	return ret ? ret : writer_join(&t->writer);
}

FIXTURE_SETUP(quota)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what a quota takes");
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, WRITERS_PAGES + PAGES));
	ASSERT_EQ(0, init_vm(self));
	self->shown = meter_vm(&self->meter, self->vm.fd);
	ASSERT_NE(NULL, self->shown);
	self->slot = (uint32_t)(self->shown -
				(const struct kvmeter_vm *)self->meter.map[KVMETER_MAP_VMS]);
}

FIXTURE_TEARDOWN(quota)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static uint64_t shown_pages(const struct kvmeter_vm *vm)
{
	return __atomic_load_n(&vm->quota_pages, __ATOMIC_RELAXED);
}

static int set(FIXTURE_DATA(quota) * t, uint64_t pages)
{
	return quota_set(&t->meter, t->vm.fd, pages);
}

/* Begin to write without end, the log on and taken all the time. */
static int start(FIXTURE_DATA(quota) * t)
{
	int ret = vmm_set_log(&t->vm, true);

	if (!ret)
		ret = quota_start_cleaner(&t->cleaner, &t->vm, CLEAN_US);
	return ret ? ret : writer_start(&t->writer, true);
}

/* Without a quota, or it would take long. */
static int stop(FIXTURE_DATA(quota) * t)
{
	int ret = set(t, 0);

	if (!ret)
		ret = writer_join(&t->writer);
	if (!ret)
		ret = quota_stop_cleaner(&t->cleaner);
	return ret ? ret : vmm_set_log(&t->vm, false);
}

static int take(FIXTURE_DATA(quota) * t, struct quota_sample *sample)
{
	return quota_take(&t->meter, t->vm.fd, 0, sample);
}

static struct kvmeter_quota good_quota(const FIXTURE_DATA(quota) * t)
{
	return (struct kvmeter_quota){
		.abi = KVMETER_ABI,
		.vm = t->slot,
		.vm_gen = t->shown->gen,
		.bytes_per_s = 2 * KVMETER_QUOTA_MIN,
	};
}

static int errno_of(int ret)
{
	return ret < 0 ? errno : 0;
}

/* The errno of an attempt; ENOTRECOVERABLE if it failed and changed something. */
static int try_set(FIXTURE_DATA(quota) * t, const struct kvmeter_quota *wrong)
{
	uint64_t before = shown_pages(t->shown);
	struct kvmeter_quota a = *wrong;
	int err = errno_of(ioctl(t->meter.dev, KVMETER_QUOTA, &a));

	return err && shown_pages(t->shown) != before ? ENOTRECOVERABLE : err;
}

/* With no quota yet, and then with one that stays. */
TEST_F_TIMEOUT(quota, wrong_fields, 60)
{
	static const uint64_t bytes[] = {
		1, KVMETER_QUOTA_MIN - 1, KVMETER_QUOTA_MAX + 1, 1ull << 63, UINT64_MAX,
	};
	struct kvmeter_quota a;
	unsigned int i;
	int round;

	for (round = 0; round < 2; round++) {
		a = good_quota(self);
		a.abi--;
		EXPECT_EQ(EINVAL, try_set(self, &a));
		a.abi += 2;
		EXPECT_EQ(EINVAL, try_set(self, &a));
		for (i = 0; i < 32; i++) {
			a = good_quota(self);
			a.flags = 1U << i;
			EXPECT_EQ(EINVAL, try_set(self, &a));
		}
		for (i = 0; i < ARRAY_SIZE(a.reserved); i++) {
			a = good_quota(self);
			a.reserved[i] = 1;
			EXPECT_EQ(EINVAL, try_set(self, &a));
			/* Not to end one either. */
			a.bytes_per_s = 0;
			EXPECT_EQ(EINVAL, try_set(self, &a));
		}
		for (i = 0; i < ARRAY_SIZE(bytes); i++) {
			a = good_quota(self);
			a.bytes_per_s = bytes[i];
			EXPECT_EQ(EINVAL, try_set(self, &a));
		}
		EXPECT_EQ(EFAULT, errno_of(ioctl(self->meter.dev, KVMETER_QUOTA, NULL)));
		EXPECT_EQ(EFAULT, errno_of(ioctl(self->meter.dev, KVMETER_QUOTA, WILD)));
		EXPECT_EQ(round * 101 * QUOTA_LEAST_PAGES, shown_pages(self->shown));
		ASSERT_EQ(0, set(self, 101 * QUOTA_LEAST_PAGES));
	}
	EXPECT_EQ(0, set(self, 0));
}

TEST_F_TIMEOUT(quota, wrong_vm, 60)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	struct kvmeter_quota a;
	uint64_t bytes;
	unsigned int i;

	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	for (bytes = 0; bytes <= KVMETER_QUOTA_MIN; bytes += KVMETER_QUOTA_MIN) {
		a = good_quota(self);
		a.bytes_per_s = bytes;
		a.vm_gen += 2;
		EXPECT_EQ(ENOENT, try_set(self, &a));
		a.vm_gen -= 3;
		EXPECT_EQ(ENOENT, try_set(self, &a));
		a.vm_gen = 0;
		EXPECT_EQ(ENOENT, try_set(self, &a));
		/* Free slots, by their own gen too. */
		for (i = 0; i < 3; i++) {
			a.vm = self->slot + 1 + i;
			a.vm_gen = self->shown->gen;
			EXPECT_EQ(ENOENT, try_set(self, &a));
			a.vm_gen = vms[a.vm].gen;
			EXPECT_EQ(ENOENT, try_set(self, &a));
			EXPECT_EQ(0, shown_pages(&vms[a.vm]));
		}
		a.vm_gen = self->shown->gen;
		a.vm = self->meter.info.map[KVMETER_MAP_VMS].max_entries;
		EXPECT_EQ(ENOENT, try_set(self, &a));
		a.vm = UINT32_MAX;
		EXPECT_EQ(ENOENT, try_set(self, &a));
	}
	EXPECT_EQ(QUOTA_LEAST_PAGES, shown_pages(self->shown));
}

TEST_F_TIMEOUT(quota, without_privilege, 60)
{
	struct kvmeter_quota a = good_quota(self);
	int status;
	pid_t pid;

	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* The step that fails is the exit status. */
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		if (errno_of(ioctl(self->meter.dev, KVMETER_QUOTA, &a)) != EPERM)
			_exit(2);
		a.bytes_per_s = 0;
		if (errno_of(ioctl(self->meter.dev, KVMETER_QUOTA, &a)) != EPERM)
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(QUOTA_LEAST_PAGES, shown_pages(self->shown));
}

/* What the shares add up to, once that is @pages, or after a long time. */
static uint64_t wait_shares(FIXTURE_DATA(quota) * t, uint64_t pages)
{
	uint64_t sum = quota_shares(&t->meter, t->vm.fd);
	unsigned int us;

	for (us = 0; sum != pages && us < PATIENCE_US; us += STEP_US) {
		usleep(STEP_US);
		sum = quota_shares(&t->meter, t->vm.fd);
	}
	return sum;
}

TEST_F_TIMEOUT(quota, set_change_off, 120)
{
	static const uint64_t bytes[] = {
		KVMETER_QUOTA_MIN,
		KVMETER_QUOTA_MIN + VMM_PAGE_BYTES - 1,
		100003 * (uint64_t)VMM_PAGE_BYTES,
		KVMETER_QUOTA_MAX,
		KVMETER_QUOTA_MAX - 1,
		2 * KVMETER_QUOTA_MIN,
	};
	struct kvmeter_quota a = good_quota(self);
	unsigned int i;

	EXPECT_EQ(0, shown_pages(self->shown));
	EXPECT_EQ(0, quota_shares(&self->meter, self->vm.fd));
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		a.bytes_per_s = bytes[i];
		ASSERT_EQ(0, ioctl(self->meter.dev, KVMETER_QUOTA, &a));
		EXPECT_EQ(bytes[i] / VMM_PAGE_BYTES, shown_pages(self->shown));
		EXPECT_EQ(bytes[i] / VMM_PAGE_BYTES, wait_shares(self, bytes[i] / VMM_PAGE_BYTES));
		/* All over again, or out of nothing. */
		if (i % 2) {
			EXPECT_EQ(0, set(self, 0));
			EXPECT_EQ(0, set(self, 0));
			EXPECT_EQ(0, shown_pages(self->shown));
			EXPECT_EQ(0, wait_shares(self, 0));
		}
	}
}

TEST_F_TIMEOUT(quota, other_vm, 120)
{
	struct quota_sample first, last;
	struct quota_span span;
	struct vmm other;

	ASSERT_EQ(0, vmm_init(&other, 1, 1));
	ASSERT_EQ(0, vmm_run(&other.vcpu[0], vmm_guest_busy, 1, 0, 0));
	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, quota_set(&self->meter, other.fd, QUOTA_LEAST_PAGES));
	EXPECT_EQ(0, shown_pages(self->shown));
	EXPECT_EQ(0, quota_shares(&self->meter, self->vm.fd));
	ASSERT_EQ(0, take(self, &first));
	usleep(WATCH_US);
	ASSERT_EQ(0, take(self, &last));
	span = quota_span(&first, &last);
	EXPECT_EQ(0, span.parked_nr);
	EXPECT_EQ(0, last.copy.v.throttle_ns);
	EXPECT_LT(QUOTA_BURST_PAGES + QUOTA_DEBT_PAGES, span.pages);

	/* And the other way round. */
	ASSERT_EQ(0, quota_set(&self->meter, other.fd, 0));
	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	ASSERT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, 0));
	EXPECT_EQ(0, shown_pages(meter_vm(&self->meter, other.fd)));
	/* One goes, and the other's quota stays. */
	vmm_exit(&other);
	EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
	EXPECT_EQ(QUOTA_LEAST_PAGES, shown_pages(self->shown));
	EXPECT_EQ(0, stop(self));
}

/* Without a log nothing is dirtied, as far as one can tell, so nobody is parked for it. */
TEST_F_TIMEOUT(quota, not_armed, 120)
{
	struct quota_sample first, last;
	unsigned long runs;

	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	ASSERT_EQ(0, take(self, &first));
	ASSERT_EQ(0, writer_start(&self->writer, true));
	usleep(WATCH_US);
	runs = self->writer.runs;
	ASSERT_EQ(0, take(self, &last));
	EXPECT_EQ(0, last.copy.v.throttle_nr);
	EXPECT_EQ(0, last.state_ns[KVMETER_STATE_THROTTLE]);
	EXPECT_LT(1, runs);

	/* It would be, with one. */
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, quota_start_cleaner(&self->cleaner, &self->vm, CLEAN_US));
	ASSERT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, 0));
	EXPECT_EQ(0, stop(self));
}

/*
 * From when @release has returned, for how long the vCPU was parked; it was parked before, and
 * would have been for long. UINT64_MAX: something else went wrong.
 */
static uint64_t parked_after(FIXTURE_DATA(quota) * t, int (*release)(FIXTURE_DATA(quota) * t))
{
	struct quota_sample first, last;
	struct quota_span span;

	if (quota_wait_parked(&t->meter, t->vm.fd, 0) || release(t) || take(t, &first))
		return UINT64_MAX;
	usleep(WATCH_US);
	if (take(t, &last))
		return UINT64_MAX;
	span = quota_span(&first, &last);
	return quota_parked_ns(&span);
}

static int release_by_off(FIXTURE_DATA(quota) * t)
{
	return set(t, 0);
}

static int release_by_change(FIXTURE_DATA(quota) * t)
{
	return set(t, KVMETER_QUOTA_MAX / VMM_PAGE_BYTES);
}

static int release_by_log(FIXTURE_DATA(quota) * t)
{
	return vmm_set_log(&t->vm, false);
}

/* For how long a vCPU went on being parked, after RELEASES releases. */
static void judge_releases(struct __test_metadata *_metadata, uint64_t *ns)
{
	uint64_t median_ns = quota_median(ns, RELEASES), most_ns = ns[RELEASES - 1];

	TH_LOG("%d times parked on after that: median %" PRIu64 " us, at most %" PRIu64 " us",
	       RELEASES, median_ns / 1000, most_ns / 1000);
	EXPECT_GE(SLICE_NS + WAKE_NS, median_ns);
	EXPECT_GE(LATE_NS, most_ns);
}

TEST_F_TIMEOUT(quota, off_releases, 120)
{
	uint64_t ns[RELEASES_MAX];
	int i;

	ASSERT_EQ(0, start(self));
	for (i = 0; i < RELEASES; i++) {
		ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
		ns[i] = parked_after(self, release_by_off);
	}
	judge_releases(_metadata, ns);
	EXPECT_EQ(0, stop(self));
}

TEST_F_TIMEOUT(quota, log_off_releases, 120)
{
	uint64_t ns[RELEASES_MAX];
	int i;

	ASSERT_EQ(0, writer_start(&self->writer, true));
	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	for (i = 0; i < RELEASES; i++) {
		ASSERT_EQ(0, vmm_set_log(&self->vm, true));
		/* It may have written to all pages while the log was being set: once more. */
		ASSERT_EQ(0, vmm_take_dirty(&self->vm));
		ns[i] = parked_after(self, release_by_log);
	}
	judge_releases(_metadata, ns);
	EXPECT_EQ(0, set(self, 0));
	EXPECT_EQ(0, writer_join(&self->writer));
}

/* A quota that is never reached takes the place of one that is: nothing is owed any more. */
TEST_F_TIMEOUT(quota, change_releases, 120)
{
	uint64_t ns;

	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	ns = parked_after(self, release_by_change);
	TH_LOG("parked for %" PRIu64 " us after that", ns / 1000);
	EXPECT_GE(LATE_NS, ns);
	EXPECT_EQ(0, stop(self));
}

/*
 * A thread runs the vCPU, for less than what a quota lets through at once where that is possible,
 * and then the next one does: what is owed is the vCPU's.
 */
TEST_F_TIMEOUT(quota, moved_to_another_thread, 300)
{
	/* So that a run is made up for in less time than the bound on stalls leaves. */
	const uint64_t pages = host_logs_pages() ? 50021 : 1009;
	struct quota_sample first, last;
	struct quota_span span;
	uint64_t due_ns;
	int i;

	writer_init(&self->writer, &self->vm, 0);
	writer_add_pages(&self->writer, WRITERS_GFN, TURN_PAGES);
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, set(self, pages));
	ASSERT_EQ(0, take(self, &first));
	for (i = 0; i < TURNS; i++) {
		ASSERT_EQ(0, writer_start(&self->writer, false));
		ASSERT_EQ(0, writer_join(&self->writer));
		ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	}
	ASSERT_EQ(0, take(self, &last));
	span = quota_span(&first, &last);
	TH_LOG("%" PRIu64 " pages in %" PRIu64 " ms, parked %" PRIu64 " times, %" PRIu64 " ms",
	       span.pages, span.ns / MS, span.parked_nr, quota_parked_ns(&span) / MS);
	EXPECT_EQ(TURNS * TURN_PAGES, span.pages);
	EXPECT_NE(first.copy.v.tid, last.copy.v.tid);
	due_ns = (span.pages - QUOTA_BURST_PAGES - QUOTA_DEBT_PAGES) * 1000 * MS / pages;
	EXPECT_LE(due_ns, span.ns);
	EXPECT_LT(0, span.parked_nr);
	EXPECT_EQ(0, set(self, 0));
}

/* One that keeps interrupts off, and so has one pending all the time, is parked as any other. */
TEST_F_TIMEOUT(quota, interrupt_kept_off, 120)
{
	struct quota_cleaner cleaner;
	struct writer w;
	struct vmm vm;

	ASSERT_EQ(0, vmm_init_irqchip(&vm, 1, WRITERS_PAGES + PAGES));
	writer_init(&w, &vm, 0);
	writer_add_pages(&w, WRITERS_GFN, PAGES);
	ASSERT_EQ(0, writer_start(&w, false));
	ASSERT_EQ(0, writer_join(&w));
	ASSERT_EQ(0, vmm_interrupt(&vm, 0));
	ASSERT_EQ(0, vmm_set_log(&vm, true));
	ASSERT_EQ(0, quota_start_cleaner(&cleaner, &vm, CLEAN_US));
	ASSERT_EQ(0, writer_start(&w, true));
	ASSERT_EQ(0, quota_set(&self->meter, vm.fd, QUOTA_LEAST_PAGES));
	EXPECT_EQ(0, quota_wait_parked(&self->meter, vm.fd, 0));
	ASSERT_EQ(0, quota_set(&self->meter, vm.fd, 0));
	ASSERT_EQ(0, writer_join(&w));
	ASSERT_EQ(0, quota_stop_cleaner(&cleaner));
	vmm_exit(&vm);
}

/* Slots are used again, and with none of them comes what the VM before it had. */
TEST_F_TIMEOUT(quota, nothing_left_over, 300)
{
	const struct kvmeter_vm *shown;
	struct quota_sample sample;
	uint32_t slot = 0;
	struct vmm vm;
	int i;

	for (i = 0; i < VMS; i++) {
		ASSERT_EQ(0, vmm_init(&vm, 1, PAGES));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
		shown = meter_vm(&self->meter, vm.fd);
		ASSERT_NE(NULL, shown);
		EXPECT_EQ(0, shown_pages(shown));
		EXPECT_EQ(0, quota_shares(&self->meter, vm.fd));

		/* Far more than a quota lets through at once; the VM's slots are known then. */
		ASSERT_EQ(0, vmm_set_log(&vm, true));
		while (__atomic_load_n(&shown->log_state, __ATOMIC_RELAXED) != KVMETER_LOG_BITMAP)
			usleep(100);
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
		ASSERT_EQ(0, vmm_take_dirty(&vm));
		ASSERT_EQ(0, quota_take(&self->meter, vm.fd, 0, &sample));
		EXPECT_LE(PAGES, sample.copy.v.pml_pages + sample.copy.v.write_faults);
		EXPECT_EQ(0, sample.copy.v.throttle_nr);
		EXPECT_EQ(0, sample.copy.v.throttle_ns);

		/* A little in debt: it stays so when the VM goes. */
		ASSERT_EQ(0, quota_set(&self->meter, vm.fd, QUOTA_LEAST_PAGES + (uint64_t)i));
		EXPECT_EQ(QUOTA_LEAST_PAGES + (uint64_t)i, shown_pages(shown));
		ASSERT_EQ(0,
			  vmm_run(&vm.vcpu[0], vmm_guest_write,
				  QUOTA_BURST_PAGES + (vmm_is_intel() ? QUOTA_DEBT_PAGES : 0) + 10,
				  VMM_DATA_ADDR, 1));
		ASSERT_EQ(0, quota_take(&self->meter, vm.fd, 0, &sample));
		EXPECT_LT(0, sample.copy.v.throttle_nr);
		slot = (uint32_t)(shown -
				  (const struct kvmeter_vm *)self->meter.map[KVMETER_MAP_VMS]);
		vmm_exit(&vm);
		ASSERT_EQ(1, meter_wait_used(&self->meter, 1));
		EXPECT_EQ(0, shown_pages(shown));
		EXPECT_EQ(-ENOENT, quota_set_slot(&self->meter, slot, QUOTA_LEAST_PAGES));
	}
}

/* What the guest of a VMM in another process does. */
enum remote { WRITES, RESTS, IS_PARKED, REMOTES };

/* Its log is taken all the time. */
static void run_remote(enum remote what)
{
	struct writer w;
	struct vmm vm;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vmm_init(&vm, 1, WRITERS_PAGES + PAGES) || vmm_set_log(&vm, true))
		_exit(1);
	writer_init(&w, &vm, 0);
	writer_add_pages(&w, WRITERS_GFN, PAGES);
	if (writer_start(&w, what != RESTS))
		_exit(1);
	do
		usleep(CLEAN_US);
	while (!vmm_take_dirty(&vm));
	_exit(1);
}

/* Until its vCPU runs, and if it is to have a quota, is parked. */
static int wait_remote(const struct meter *m, pid_t pid, uint64_t pages)
{
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	struct meter_vcpu copy;
	unsigned int us;
	uint64_t now_ns;
	int slot, ret;

	for (us = 0; us < PATIENCE_US; us += STEP_US) {
		usleep(STEP_US);
		slot = meter_pid_slot(m, pid);
		if (slot < 0 || meter_read_slot(m, (unsigned int)slot, &copy, &now_ns))
			continue;
		if (shown_pages(&vms[copy.v.vm]) != pages) {
			ret = quota_set_slot(m, copy.v.vm, pages);
			if (ret)
				return ret;
		}
		if (!pages || copy.v.state == KVMETER_STATE_THROTTLE)
			return 0;
	}
	return -ETIMEDOUT;
}

/* How long it takes to be gone, killed. */
static int kill_remote(const struct meter *m, enum remote what, uint64_t *ns)
{
	uint64_t begin_ns;
	pid_t pid = fork();
	int ret;

	if (!pid)
		run_remote(what);
	ret = wait_remote(m, pid, what == IS_PARKED ? QUOTA_LEAST_PAGES : 0);
	usleep(WATCH_US);
	begin_ns = host_now_ns();
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		return -errno;
	*ns = host_now_ns() - begin_ns;
	return ret;
}

/* No later than one that computes, or one that sleeps. */
TEST_F_TIMEOUT(quota, vmm_killed, 300)
{
	uint64_t ns[REMOTES][KILLS_MAX], median_ns[REMOTES], most_ns;
	unsigned int i, r;

	for (i = 0; i < KILLS; i++) {
		for (r = WRITES; r < REMOTES; r++) {
			ASSERT_EQ(0, kill_remote(&self->meter, r, &ns[r][i]));
			EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
		}
	}
	for (r = WRITES; r < REMOTES; r++)
		median_ns[r] = quota_median(ns[r], KILLS);
	TH_LOG("%u killed: gone after %" PRIu64 " us writing, %" PRIu64 " us resting, %" PRIu64
	       " us parked",
	       KILLS, median_ns[WRITES] / 1000, median_ns[RESTS] / 1000,
	       median_ns[IS_PARKED] / 1000);
	most_ns = median_ns[WRITES] > median_ns[RESTS] ? median_ns[WRITES] : median_ns[RESTS];
	EXPECT_GE(most_ns + SLICE_NS + WAKE_NS, median_ns[IS_PARKED]);
}

TEST_HARNESS_MAIN
