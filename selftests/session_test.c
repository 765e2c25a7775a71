// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions from beginning to end: what they show, everything that ends them, and every wrong way
 * to ask for one; after which no memory slot logs but those of which the VMM wants it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "session.h"
#include "writers.h"

#define PAGES 503u
#define ROUNDS 3u
#define REWRITES 101
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define DURATION_NS (4 * INTERVAL_NS)
/* What takes an interval may take a few more on a busy host. */
#define PATIENCE_NS (8 * INTERVAL_NS)
#define NOBODY 65534
#define WILD ((void *)0xdead000000000000UL)
#define WILD_FD 1000
#define DESTROY_ROUNDS (host_is_long() ? 211 : 23)
/* Loops of guests: none, so many, and so on. */
#define LIFE 10007u

/* Memory besides slot 0, where it can move to, and the bits of its log. */
#define OTHER_SLOT 7
#define OTHER_ADDR 0x40000000u
#define MOVED_ADDR 0x50000000u
#define OTHER_PAGES 64
#define OTHER_BYTES (OTHER_PAGES * VMM_PAGE_BYTES)

FIXTURE(session)
{
	struct meter meter;
	struct vmm vm;
	struct session session;
	void *other;
};

FIXTURE_SETUP(session)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, WRITERS_PAGES + PAGES));
	self->other =
		mmap(NULL, OTHER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->other);
	ASSERT_EQ(0,
		  vmm_set_region(&self->vm, OTHER_SLOT, 0, OTHER_ADDR, self->other, OTHER_BYTES));
}

FIXTURE_TEARDOWN(session)
{
	vmm_exit(&self->vm);
	munmap(self->other, OTHER_BYTES);
	meter_close(&self->meter);
}

static int start_on(FIXTURE_DATA(session) * t, int vm_fd)
{
	return session_start(&t->session, t->meter.dev, vm_fd, 0, INTERVAL_NS);
}

static int start(FIXTURE_DATA(session) * t)
{
	return start_on(t, t->vm.fd);
}

static int end_of(FIXTURE_DATA(session) * t)
{
	return session_wait_end(&t->session, &t->meter, PATIENCE_NS);
}

/* KVM's word for whether a slot logs: 0, or -ENOENT. */
static int logs(FIXTURE_DATA(session) * t, uint32_t slot)
{
	uint64_t other[OTHER_PAGES / 64];

	return vmm_get_log(&t->vm, slot, slot ? other : t->vm.dirty);
}

static int rewrite(FIXTURE_DATA(session) * t)
{
	return vmm_run(&t->vm.vcpu[0], vmm_guest_write, PAGES, WRITERS_GFN * VMM_PAGE_BYTES, 1);
}

/* A page counts once between two times that it is armed. */
static uint64_t dirtied(const struct meter_vcpu *copy)
{
	return copy->v.pml_pages - copy->v.pml_dups + copy->v.write_faults;
}

static struct kvmeter_dirty_start good_start(const FIXTURE_DATA(session) * t)
{
	return (struct kvmeter_dirty_start){
		.abi = KVMETER_ABI,
		.vm_fd = t->vm.fd,
		.interval_ns = INTERVAL_NS,
	};
}

static int errno_of(int ret)
{
	return ret < 0 ? errno : 0;
}

/* The errno of an attempt to start; ENOTRECOVERABLE if it failed and left something on. */
static int try_start(FIXTURE_DATA(session) * t, const struct kvmeter_dirty_start *wrong)
{
	struct kvmeter_dirty_start a = *wrong;
	int err = errno_of(ioctl(t->meter.dev, KVMETER_DIRTY_START, &a));

	return err && logs(t, 0) != -ENOENT ? ENOTRECOVERABLE : err;
}

static int start_and_stop(FIXTURE_DATA(session) * t, uint64_t interval_ns, uint64_t duration_ns)
{
	struct kvmeter_dirty_start a = good_start(t);
	struct session s = { .dev = t->meter.dev };

	a.interval_ns = interval_ns;
	a.duration_ns = duration_ns;
	if (ioctl(t->meter.dev, KVMETER_DIRTY_START, &a))
		return errno;
	s.vm = a.vm;
	s.vm_gen = a.vm_gen;
	return -session_stop(&s);
}

TEST_F_TIMEOUT(session, wrong_start, 60)
{
	struct kvmeter_dirty_start a;
	unsigned int i;

	a = good_start(self);
	a.abi = KVMETER_ABI - 1;
	EXPECT_EQ(EINVAL, try_start(self, &a));
	for (i = 1; i < 32; i++) {
		a = good_start(self);
		a.flags = 1U << i;
		EXPECT_EQ(EINVAL, try_start(self, &a));
	}
	a = good_start(self);
	a.reserved0 = 1;
	EXPECT_EQ(EINVAL, try_start(self, &a));
	for (i = 0; i < 2; i++) {
		a = good_start(self);
		a.reserved[i] = 1;
		EXPECT_EQ(EINVAL, try_start(self, &a));
	}
	EXPECT_EQ(EFAULT, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_START, NULL)));
	EXPECT_EQ(EFAULT, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_START, WILD)));
}

TEST_F_TIMEOUT(session, wrong_times, 60)
{
	static const uint64_t interval[] = {
		0,
		1,
		INTERVAL_NS - 1,
		INTERVAL_NS + 1,
		3 * INTERVAL_NS,
		INTERVAL_NS / 2,
		2 * KVMETER_INTERVAL_MAX_NS,
		KVMETER_INTERVAL_MAX_NS + 1,
		INT64_MAX,
		UINT64_MAX,
		INTERVAL_NS << 32,
		1ull << 63,
	};
	static const uint64_t duration[] = {
		1,
		INTERVAL_NS - 1,
		KVMETER_DURATION_MAX_NS + 1,
		UINT64_MAX,
	};
	uint64_t good;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(interval); i++)
		EXPECT_EQ(EINVAL, start_and_stop(self, interval[i], 0));
	for (i = 0; i < ARRAY_SIZE(duration); i++)
		EXPECT_EQ(EINVAL, start_and_stop(self, INTERVAL_NS, duration[i]));
	EXPECT_EQ(-ENOENT, logs(self, 0));

	for (good = INTERVAL_NS; good <= KVMETER_INTERVAL_MAX_NS; good *= 2) {
		EXPECT_EQ(0, start_and_stop(self, good, 0));
		EXPECT_EQ(0, start_and_stop(self, good, good));
	}
	EXPECT_EQ(0, start_and_stop(self, INTERVAL_NS, KVMETER_DURATION_MAX_NS));
	EXPECT_EQ(-ENOENT, logs(self, 0));
}

TEST_F_TIMEOUT(session, wrong_vm, 60)
{
	struct kvmeter_dirty_start a = good_start(self);

	a.vm_fd = -1;
	EXPECT_EQ(EBADF, try_start(self, &a));
	a.vm_fd = WILD_FD;
	EXPECT_EQ(EBADF, try_start(self, &a));
	a.vm_fd = self->vm.kvm;
	EXPECT_EQ(EINVAL, try_start(self, &a));
	a.vm_fd = self->vm.vcpu[0].fd;
	EXPECT_EQ(EINVAL, try_start(self, &a));
	a.vm_fd = self->meter.dev;
	EXPECT_EQ(EINVAL, try_start(self, &a));
	a.vm_fd = self->meter.fd[0];
	EXPECT_EQ(EINVAL, try_start(self, &a));
}

TEST_F_TIMEOUT(session, without_privilege, 60)
{
	struct kvmeter_dirty_start a = good_start(self);
	struct kvmeter_dirty_stop stop = { .abi = KVMETER_ABI };
	struct kvmeter_dirty_read read = { .abi = KVMETER_ABI };
	int status;
	pid_t pid;

	ASSERT_EQ(0, start(self));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* The step that fails is the exit status. */
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		if (errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_START, &a)) != EPERM)
			_exit(2);
		if (errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_STOP, &stop)) != EPERM)
			_exit(3);
		if (errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_READ, &read)) != EPERM)
			_exit(4);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, session_stop(&self->session));
}

TEST_F_TIMEOUT(session, wrong_stop, 60)
{
	struct kvmeter_dirty_stop good, a;
	struct session none;
	unsigned int i;

	ASSERT_EQ(0, start(self));
	good = (struct kvmeter_dirty_stop){
		.abi = KVMETER_ABI,
		.vm = self->session.vm,
		.vm_gen = self->session.vm_gen,
	};
	a = good;
	a.abi++;
	EXPECT_EQ(EINVAL, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_STOP, &a)));
	for (i = 0; i < 32; i++) {
		a = good;
		a.flags = 1U << i;
		EXPECT_EQ(EINVAL, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_STOP, &a)));
	}
	for (i = 0; i < 2; i++) {
		a = good;
		a.reserved[i] = 1;
		EXPECT_EQ(EINVAL, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_STOP, &a)));
	}
	EXPECT_EQ(EFAULT, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_STOP, WILD)));
	none = self->session;
	none.vm_gen += 2;
	EXPECT_EQ(-ENOENT, session_stop(&none));
	none = self->session;
	none.vm++;
	EXPECT_EQ(-ENOENT, session_stop(&none));
	EXPECT_EQ(0, session_stop(&self->session));
	EXPECT_EQ(-ENOENT, session_stop(&self->session));
}

static int try_read(const FIXTURE_DATA(session) * t, const struct kvmeter_dirty_read *wrong)
{
	struct kvmeter_dirty_read a = *wrong;

	return errno_of(ioctl(t->meter.dev, KVMETER_DIRTY_READ, &a));
}

TEST_F_TIMEOUT(session, wrong_read, 60)
{
	struct kvmeter_dirty_read good, a;
	uint32_t cell, i;

	ASSERT_EQ(0, start(self));
	good = (struct kvmeter_dirty_read){
		.abi = KVMETER_ABI,
		.vm = self->session.vm,
		.vm_gen = self->session.vm_gen,
		.nr = 1,
		.cells = (uintptr_t)&cell,
	};
	EXPECT_EQ(0, try_read(self, &good));
	a = good;
	a.abi++;
	EXPECT_EQ(EINVAL, try_read(self, &a));
	for (i = 0; i < 32; i++) {
		a = good;
		a.flags = 1U << i;
		EXPECT_EQ(EINVAL, try_read(self, &a));
	}
	for (i = 0; i < 2; i++) {
		a = good;
		a.reserved[i] = 1;
		EXPECT_EQ(EINVAL, try_read(self, &a));
	}
	a = good;
	a.nr = 0;
	EXPECT_EQ(EINVAL, try_read(self, &a));
	a.nr = KVMETER_CELLS_MAX + 1;
	EXPECT_EQ(EINVAL, try_read(self, &a));
	a = good;
	a.shift = 19;
	EXPECT_EQ(EINVAL, try_read(self, &a));
	a.shift = 9;
	a.gfn = 256;
	EXPECT_EQ(EINVAL, try_read(self, &a));
	a = good;
	a.cells = (uintptr_t)WILD;
	EXPECT_EQ(EFAULT, try_read(self, &a));
	EXPECT_EQ(EFAULT, errno_of(ioctl(self->meter.dev, KVMETER_DIRTY_READ, WILD)));
	a = good;
	a.vm_gen += 2;
	EXPECT_EQ(ENOENT, try_read(self, &a));

	/* Behind the last page there is nothing, and that is no error. */
	a = good;
	a.gfn = 1ull << 52;
	EXPECT_EQ(0, ioctl(self->meter.dev, KVMETER_DIRTY_READ, &a));
	EXPECT_EQ(0, a.nr);
	a = good;
	a.gfn = UINT64_MAX;
	EXPECT_EQ(0, ioctl(self->meter.dev, KVMETER_DIRTY_READ, &a));
	EXPECT_EQ(0, a.nr);

	EXPECT_EQ(0, session_stop(&self->session));
	EXPECT_EQ(ENOENT, try_read(self, &good));
}

TEST_F_TIMEOUT(session, shown, 60)
{
	const struct kvmeter_vm *vm;
	uint64_t begin_ns, end_ns;
	struct kvmeter_dirty d;

	begin_ns = meter_now_ns(&self->meter);
	ASSERT_EQ(0, start(self));
	end_ns = meter_now_ns(&self->meter);
	vm = meter_vm(&self->meter, self->vm.fd);
	ASSERT_NE(NULL, vm);
	EXPECT_EQ(vm - (const struct kvmeter_vm *)self->meter.map[KVMETER_MAP_VMS],
		  self->session.vm);
	EXPECT_EQ(vm->gen, self->session.vm_gen);
	/* Of a VM that is new, slots are counted by a worker. */
	EXPECT_EQ(KVMETER_LOG_DRIVEN, meter_wait_log(&self->meter, self->vm.fd));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	EXPECT_EQ(KVMETER_SESSION_DRIVEN, d.session);
	EXPECT_EQ(KVMETER_END_NONE, d.end);
	EXPECT_EQ(getpid(), d.controller);
	EXPECT_EQ(INTERVAL_NS, d.interval_ns);
	EXPECT_TRUE(d.start_ns >= begin_ns && d.start_ns <= end_ns);
	EXPECT_EQ(0, d.end_ns);
	EXPECT_EQ(self->vm.ram_bytes / VMM_PAGE_BYTES + OTHER_PAGES, d.tracked_pages);
	EXPECT_EQ(vm->ram_pages, d.tracked_pages);
	EXPECT_EQ(KVMETER_CURVE_NONE, d.curve[KVMETER_CURVE_NR - 1]);

	EXPECT_EQ(0, session_stop(&self->session));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	EXPECT_EQ(KVMETER_SESSION_ENDED, d.session);
	EXPECT_EQ(KVMETER_END_STOPPED, d.end);
	EXPECT_LE(d.start_ns, d.end_ns);
	EXPECT_EQ(KVMETER_LOG_OFF, vm->log_state);
	EXPECT_EQ(-ENOENT, logs(self, 0));
	EXPECT_EQ(-ENOENT, logs(self, OTHER_SLOT));
	/* And another one. */
	EXPECT_EQ(0, start(self));
	EXPECT_EQ(0, session_stop(&self->session));
}

/* Rewrite all pages within one interval; -EAGAIN if they met its end. */
static int rewrite_in_interval(FIXTURE_DATA(session) * t)
{
	struct kvmeter_dirty before, after;
	int ret = session_wait_intervals(&t->session, &t->meter, 2);

	if (!ret)
		ret = session_copy(&t->session, &t->meter, &before);
	if (!ret)
		ret = rewrite(t);
	if (!ret)
		ret = session_copy(&t->session, &t->meter, &after);
	if (ret)
		return ret;
	return before.intervals == after.intervals ? 0 : -EAGAIN;
}

/* Begin a session and rewrite the pages a few times, each time within one interval. */
static int rewrite_rounds(FIXTURE_DATA(session) * t, unsigned int rounds)
{
	unsigned int i;
	int ret;

	do {
		ret = start(t);
		for (i = 0; !ret && i < rounds; i++)
			ret = rewrite_in_interval(t);
	} while (ret == -EAGAIN && !session_stop(&t->session));
	return ret ? ret : session_wait_intervals(&t->session, &t->meter, 2);
}

/* Pages that are rewritten once in an interval are marked once, and armed again once. */
TEST_F_TIMEOUT(session, marks_and_rearms, 120)
{
	uint32_t cells[WRITERS_GFN + PAGES];
	struct meter_vcpu before, after;
	struct kvmeter_dirty d;
	uint32_t i;

	ASSERT_EQ(0, rewrite(self));
	ASSERT_EQ(0, rewrite_rounds(self, ROUNDS));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	EXPECT_EQ(ROUNDS * PAGES, d.marks);
	EXPECT_EQ(ROUNDS * PAGES, d.rearms);
	EXPECT_LT(0, d.rearm_ns);
	EXPECT_EQ(0, d.untracked);
	EXPECT_EQ(0, d.kvm_writes);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &before));
	ASSERT_EQ(0, rewrite_in_interval(self));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));
	EXPECT_EQ(PAGES, after.v.dirty_marks - before.v.dirty_marks);
	EXPECT_EQ(PAGES, dirtied(&after) - dirtied(&before));

	ASSERT_EQ(0, session_read(&self->session, 0, cells, WRITERS_GFN + PAGES));
	for (i = 0; i < WRITERS_GFN + PAGES; i++)
		EXPECT_EQ(i >= WRITERS_GFN, cells[i]);
	/* In the interval in progress, and then in none near. */
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 3));
	ASSERT_EQ(0, session_read(&self->session, 1, cells, WRITERS_GFN + PAGES));
	for (i = 0; i < WRITERS_GFN + PAGES; i++)
		EXPECT_EQ(0, cells[i]);
	EXPECT_EQ(0, session_stop(&self->session));
}

/* Wherever intervals end: what the VM's pages are marked by is what its vCPU has marked. */
TEST_F_TIMEOUT(session, marks_add_up, 120)
{
	struct kvmeter_dirty d;
	struct meter_vcpu copy;
	int i;

	ASSERT_EQ(0, start(self));
	for (i = 0; i < REWRITES; i++)
		ASSERT_EQ(0, rewrite(self));
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 2));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_LT(PAGES, d.marks);
	EXPECT_EQ(d.marks, copy.v.dirty_marks);
	EXPECT_LE(copy.v.dirty_marks, dirtied(&copy));
	EXPECT_EQ(0, session_stop(&self->session));
}

TEST_F_TIMEOUT(session, twice, 60)
{
	struct session second;

	ASSERT_EQ(0, start(self));
	EXPECT_EQ(-EALREADY, session_start(&second, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	EXPECT_EQ(-EALREADY,
		  session_start(&second, self->meter.dev, self->vm.fd, KVMETER_DIRTY_OBSERVE,
				INTERVAL_NS));
	EXPECT_EQ(0, session_stop(&self->session));
	EXPECT_EQ(-ENOENT, logs(self, 0));
}

TEST_F_TIMEOUT(session, vmm_logs_already, 60)
{
	struct session observed;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	EXPECT_EQ(-EBUSY, start(self));
	EXPECT_EQ(0,
		  session_start(&observed, self->meter.dev, self->vm.fd, KVMETER_DIRTY_OBSERVE,
				INTERVAL_NS));
	EXPECT_EQ(0, session_stop(&observed));
	/* It logs on, as it is the VMM's. */
	EXPECT_EQ(0, logs(self, 0));
	EXPECT_EQ(-ENOENT, logs(self, OTHER_SLOT));
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

/* A display has its own memory logged: that arms nothing, goes on, and stays when we go. */
TEST_F_TIMEOUT(session, display_logs, 60)
{
	const struct kvmeter_vm *vm;

	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
	ASSERT_EQ(0,
		  vmm_set_region(&self->vm, OTHER_SLOT, KVM_MEM_LOG_DIRTY_PAGES, OTHER_ADDR,
				 self->other, OTHER_BYTES));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, self->vm.fd));
	vm = meter_vm(&self->meter, self->vm.fd);
	ASSERT_EQ(0, start(self));
	EXPECT_EQ(KVMETER_LOG_DRIVEN, vm->log_state);
	/* The display reads its log again and again. */
	EXPECT_EQ(0, logs(self, OTHER_SLOT));
	EXPECT_EQ(-ETIMEDOUT, session_wait_end(&self->session, &self->meter, 3 * INTERVAL_NS));
	EXPECT_EQ(0, session_stop(&self->session));
	EXPECT_EQ(-ENOENT, logs(self, 0));
	EXPECT_EQ(0, logs(self, OTHER_SLOT));
	EXPECT_EQ(KVMETER_LOG_OFF, vm->log_state);
}

/* Memory that cannot be written to cannot be dirtied. */
TEST_F_TIMEOUT(session, no_memory, 60)
{
	ASSERT_EQ(0, vmm_set_region(&self->vm, 0, 0, 0, NULL, 0));
	ASSERT_EQ(0, vmm_set_region(&self->vm, OTHER_SLOT, 0, OTHER_ADDR, NULL, 0));
	EXPECT_EQ(-EOPNOTSUPP, start(self));
	ASSERT_EQ(0,
		  vmm_set_region(&self->vm, OTHER_SLOT, KVM_MEM_READONLY, OTHER_ADDR, self->other,
				 OTHER_BYTES));
	EXPECT_EQ(-EOPNOTSUPP, start(self));
}

TEST_F_TIMEOUT(session, dirty_ring, 60)
{
	const struct vmm_options options = { .ring_entries = 4096 };
	struct session session;
	struct vmm ring;

	ASSERT_EQ(0, vmm_init_with(&ring, 1, 1, &options));
	EXPECT_EQ(-EOPNOTSUPP, session_start(&session, self->meter.dev, ring.fd, 0, INTERVAL_NS));
	EXPECT_EQ(0,
		  session_start(&session, self->meter.dev, ring.fd, KVMETER_DIRTY_OBSERVE,
				INTERVAL_NS));
	EXPECT_EQ(0, session_stop(&session));
	vmm_exit(&ring);
}

TEST_F_TIMEOUT(session, duration, 60)
{
	struct kvmeter_dirty_start a = good_start(self);
	struct kvmeter_dirty d;

	a.duration_ns = DURATION_NS;
	ASSERT_EQ(0, ioctl(self->meter.dev, KVMETER_DIRTY_START, &a));
	self->session = (struct session){ self->meter.dev, a.vm, a.vm_gen };
	EXPECT_EQ(KVMETER_END_DURATION,
		  session_wait_end(&self->session, &self->meter, 4 * DURATION_NS));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	EXPECT_LE(DURATION_NS, d.end_ns - d.start_ns);
	EXPECT_GT(DURATION_NS + PATIENCE_NS, d.end_ns - d.start_ns);
	EXPECT_EQ(-ENOENT, logs(self, 0));
}

/* A process that starts a session and goes, in one way or another; returns once it has gone. */
static int start_in_child(struct __test_metadata *_metadata, FIXTURE_DATA(session) * t, bool killed)
{
	struct session s;
	int status, pipes[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (start(t) || write(pipes[1], &t->session, sizeof(s)) != sizeof(s))
			_exit(1);
		if (killed)
			pause();
		_exit(0);
	}
	ASSERT_EQ(sizeof(s), read(pipes[0], &t->session, sizeof(s)));
	if (killed)
		kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	close(pipes[0]);
	close(pipes[1]);
	return status;
}

TEST_F_TIMEOUT(session, controller_gone, 60)
{
	int killed;

	for (killed = 0; killed <= 1; killed++) {
		EXPECT_EQ(killed ? SIGKILL : 0, start_in_child(_metadata, self, killed));
		EXPECT_EQ(KVMETER_END_CONTROLLER,
			  session_wait_end(&self->session, &self->meter, PATIENCE_NS));
		EXPECT_EQ(-ENOENT, logs(self, 0));
	}
}

/* Of two slots, what the VMM does to one ends the session on both. */
TEST_F_TIMEOUT(session, slot_calls, 60)
{
	const struct {
		uint32_t slot, flags, addr, bytes;
	} call[] = {
		{ OTHER_SLOT, 0, MOVED_ADDR, OTHER_BYTES },
		{ OTHER_SLOT, KVM_MEM_READONLY, OTHER_ADDR, 0 },
		{ OTHER_SLOT, KVM_MEM_READONLY, OTHER_ADDR, OTHER_BYTES },
		{ OTHER_SLOT, KVM_MEM_READONLY, OTHER_ADDR, 0 },
		{ OTHER_SLOT + 1, 0, OTHER_ADDR, OTHER_BYTES },
	};
	unsigned int i;
	int end;

	for (i = 0; i < ARRAY_SIZE(call); i++) {
		ASSERT_EQ(0, start(self));
		ASSERT_EQ(0, rewrite(self));
		ASSERT_EQ(0,
			  vmm_set_region(&self->vm, call[i].slot, call[i].flags, call[i].addr,
					 call[i].bytes ? self->other : NULL, call[i].bytes));
		end = end_of(self);
		EXPECT_EQ(KVMETER_END_SLOTS, end);
		EXPECT_EQ(-ENOENT, logs(self, 0));
		EXPECT_EQ(-ENOENT, logs(self, OTHER_SLOT));
		EXPECT_EQ(-ENOENT, logs(self, OTHER_SLOT + 1));
	}
}

/* A call that KVM refuses asks for nothing. */
TEST_F_TIMEOUT(session, refused_slot_call, 60)
{
	const size_t bytes = self->vm.ram_bytes + VMM_PAGE_BYTES;
	uint32_t flags;

	/* With KVM_MEM_LOG_DIRTY_PAGES, and without. */
	for (flags = 0; flags <= KVM_MEM_LOG_DIRTY_PAGES; flags++) {
		ASSERT_EQ(0, start(self));
		ASSERT_EQ(-EINVAL, vmm_set_region(&self->vm, 0, flags, 0, self->vm.ram, bytes));
		session_stop(&self->session);
		EXPECT_LT(KVMETER_END_NONE, end_of(self));
		EXPECT_EQ(-ENOENT, logs(self, 0));
		EXPECT_EQ(-ENOENT, logs(self, OTHER_SLOT));
	}
}

/* The VMM has one slot logged and not the other. */
TEST_F_TIMEOUT(session, vmm_logs_one, 60)
{
	int end;

	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0,
		  vmm_set_region(&self->vm, OTHER_SLOT, KVM_MEM_LOG_DIRTY_PAGES, OTHER_ADDR,
				 self->other, OTHER_BYTES));
	end = end_of(self);
	EXPECT_TRUE(end == KVMETER_END_TAKEN_OVER || end == KVMETER_END_SLOTS);
	EXPECT_EQ(-ENOENT, logs(self, 0));
	EXPECT_EQ(0, logs(self, OTHER_SLOT));
}

/* A log that the VMM did not switch on is none it may read: but if it does, it is its own. */
TEST_F_TIMEOUT(session, vmm_reads_log, 60)
{
	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, rewrite(self));
	EXPECT_EQ(0, logs(self, 0));
	EXPECT_EQ(KVMETER_END_TAKEN_OVER, end_of(self));
	EXPECT_EQ(-ENOENT, logs(self, 0));
}

/**
 * struct remote - a VMM that is another process, its guest writing
 * @pid: the process
 * @fd: our own file descriptor of the VM
 */
struct remote {
	pid_t pid;
	int fd;
};

static void run_remote(int out)
{
	struct writer w;
	struct vmm vm;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vmm_init(&vm, 1, WRITERS_PAGES + PAGES))
		_exit(1);
	writer_init(&w, &vm, 0);
	writer_add_pages(&w, WRITERS_GFN, PAGES);
	if (writer_start(&w, true) || write(out, &vm.fd, sizeof(vm.fd)) != sizeof(vm.fd))
		_exit(1);
	for (;;)
		pause();
}

static int start_remote(struct remote *r)
{
	int pipes[2], fd, pidfd, ret = 0;

	if (pipe(pipes))
		return -errno;
	r->pid = fork();
	if (!r->pid)
		run_remote(pipes[1]);
	close(pipes[1]);
	if (r->pid < 0 || read(pipes[0], &fd, sizeof(fd)) != sizeof(fd))
		return -EPIPE;
	close(pipes[0]);
	pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	r->fd = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (r->fd < 0)
		ret = -errno;
	close(pidfd);
	return ret;
}

static int kill_remote(const struct remote *r)
{
	int status;

	kill(r->pid, SIGKILL);
	return waitpid(r->pid, &status, 0) == r->pid ? 0 : -errno;
}

/* Our own file descriptor may keep the VM for longer than its VMM. */
TEST_F_TIMEOUT(session, vmm_killed, 60)
{
	unsigned int vms = meter_used(&self->meter, false), nr;
	struct kvmeter_dirty d;
	struct remote remote;
	int keep;

	for (keep = 0; keep <= 1; keep++) {
		ASSERT_EQ(0, start_remote(&remote));
		ASSERT_EQ(0, start_on(self, remote.fd));
		if (!keep)
			close(remote.fd);
		nr = 0;
		do {
			nr += 2;
			ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 2));
			ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
		} while (!d.marks && nr < 20);
		TH_LOG("%llu pages found in %u intervals", d.marks, nr);
		EXPECT_LT(0, d.marks);
		ASSERT_EQ(0, kill_remote(&remote));
		if (keep) {
			usleep(3 * INTERVAL_NS / 1000);
			close(remote.fd);
		}
		EXPECT_EQ(vms, meter_wait_used(&self->meter, vms));
		EXPECT_EQ(-ENOENT, session_copy(&self->session, &self->meter, &d));
		usleep(2 * INTERVAL_NS / 1000);
		EXPECT_EQ(-ENOENT, session_stop(&self->session));
	}
}

TEST_F_TIMEOUT(session, vmm_stopped, 60)
{
	struct kvmeter_dirty before, after;
	struct remote remote;
	int status;

	ASSERT_EQ(0, start_remote(&remote));
	ASSERT_EQ(0, start_on(self, remote.fd));
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 2));
	ASSERT_EQ(0, kill(remote.pid, SIGSTOP));
	ASSERT_EQ(remote.pid, waitpid(remote.pid, &status, WUNTRACED));

	/* Time goes on, and the guest stands still. */
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 2));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &before));
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 3));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &after));
	EXPECT_EQ(before.marks, after.marks);
	/* Of t = 250 ms: of the shortest nothing can be told when an interval ended late. */
	EXPECT_EQ(0, after.curve[1]);

	ASSERT_EQ(0, kill(remote.pid, SIGCONT));
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 3));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &after));
	EXPECT_LT(before.marks, after.marks);

	/* Stopped again, it does not keep the session from ending. */
	ASSERT_EQ(0, kill(remote.pid, SIGSTOP));
	ASSERT_EQ(remote.pid, waitpid(remote.pid, &status, WUNTRACED));
	EXPECT_EQ(0, session_stop(&self->session));
	close(remote.fd);
	ASSERT_EQ(0, kill_remote(&remote));
}

struct starter {
	int dev;
	int vm_fd;
	atomic_bool stop;
	unsigned int started;
	int ret;
};

/* The VM may be gone, and its descriptor closed or, by chance, another file's. */
static void *start_until_gone(void *arg)
{
	struct starter *s = arg;
	struct session session;
	int ret;

	while (!s->stop) {
		ret = session_start(&session, s->dev, s->vm_fd, 0, INTERVAL_NS);
		s->started += !ret;
		if (ret && ret != -EALREADY && ret != -EBADF && ret != -ENOENT && ret != -EINVAL)
			s->ret = ret;
	}
	return NULL;
}

TEST_F_TIMEOUT(session, vm_destroyed, 120)
{
	unsigned int vms = meter_used(&self->meter, false), started = 0;
	struct starter s;
	pthread_t thread;
	struct vmm vm;
	int i;

	for (i = 0; i < DESTROY_ROUNDS; i++) {
		ASSERT_EQ(0, vmm_init(&vm, 1, 1));
		s = (struct starter){ .dev = self->meter.dev, .vm_fd = vm.fd };
		ASSERT_EQ(0, pthread_create(&thread, NULL, start_until_gone, &s));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_busy, 1 + LIFE * i, 0, 0));
		vmm_exit(&vm);
		s.stop = true;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(0, s.ret);
		started += s.started;
	}
	TH_LOG("%u sessions on %d VMs", started, i);
	EXPECT_LT(0, started);
	EXPECT_EQ(vms, meter_wait_used(&self->meter, vms));
}

/* Sessions that have yet to find that their VM is gone stand in nobody's way, wherever it was. */
TEST_F_TIMEOUT(session, vms_come_and_go, 60)
{
	uint64_t interval_ns = 16 * INTERVAL_NS;
	struct vmm vm;
	int i;

	for (i = 0; i < DESTROY_ROUNDS; i++) {
		ASSERT_EQ(0, vmm_init(&vm, 1, 1));
		EXPECT_EQ(0,
			  session_start(&self->session, self->meter.dev, vm.fd,
					i % 2 ? KVMETER_DIRTY_OBSERVE : 0, interval_ns));
		vmm_exit(&vm);
	}
	ASSERT_EQ(0, vmm_init(&vm, 1, 1));
	ASSERT_EQ(0, start_on(self, vm.fd));
	EXPECT_EQ(0, session_wait_intervals(&self->session, &self->meter, 3));
	EXPECT_EQ(0, session_stop(&self->session));
	vmm_exit(&vm);
}

/* An observed session sees what the VMM has logged, and that it takes the log. */
TEST_F_TIMEOUT(session, observed, 60)
{
	uint32_t cells[WRITERS_GFN + PAGES];
	struct kvmeter_dirty d;
	uint64_t i, sum = 0;

	ASSERT_EQ(0, rewrite(self));
	ASSERT_EQ(0,
		  session_start(&self->session, self->meter.dev, self->vm.fd, KVMETER_DIRTY_OBSERVE,
				INTERVAL_NS));
	ASSERT_EQ(0, rewrite(self));
	ASSERT_EQ(0, session_read(&self->session, 0, cells, WRITERS_GFN + PAGES));
	for (i = 0; i < WRITERS_GFN + PAGES; i++)
		sum += cells[i];
	EXPECT_EQ(0, sum);

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, rewrite(self));
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	EXPECT_EQ(KVMETER_SESSION_OBSERVED, d.session);
	EXPECT_EQ(2, d.sync_nr);
	EXPECT_EQ(PAGES, d.sync_pages);
	EXPECT_EQ(PAGES, d.round_pages);
	EXPECT_LT(0, d.sync_ns);
	EXPECT_EQ(0, d.rearms);
	ASSERT_EQ(0, session_read(&self->session, 0, cells, WRITERS_GFN + PAGES));
	for (i = 0; i < WRITERS_GFN + PAGES; i++)
		EXPECT_EQ(i >= WRITERS_GFN, cells[i]);

	/* D(t) is of the time that begins when the log was taken. */
	ASSERT_EQ(0, rewrite(self));
	ASSERT_EQ(0, session_wait_intervals(&self->session, &self->meter, 6));
	ASSERT_EQ(0, session_copy(&self->session, &self->meter, &d));
	EXPECT_EQ(PAGES, d.curve[1]);
	EXPECT_EQ(PAGES, d.curve[2]);
	EXPECT_EQ(0, session_stop(&self->session));
	EXPECT_EQ(0, logs(self, 0));
}

TEST_HARNESS_MAIN
