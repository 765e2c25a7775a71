// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMMs, readers and controllers of a VM that dirties its memory are killed at any moment. What ends
 * with them ends, what is to stay stays until somebody lifts it, and no count and no dirty page of
 * a VM that lives on is lost. Loads and unloads the module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "autoconverge.h"
#include "bed.h"
#include "host.h"
#include "meter.h"
#include "quota.h"
#include "random.h"
#include "reason.h"
#include "residue.h"
#include "session.h"
#include "writers.h"

#define KILLS(nr) (host_is_long() ? 100u : (nr))

#define PAGES 499u
#define EVENTS 101u
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
/* It is seen at the end of an interval, which gets longer where faults take much time. */
#define END_MAX_NS 20000000000ull
#define READER_US 250000u
#define CONTROLLER_US 300000u
#define QUOTA_US 60000u
#define VMM_US 700000u
#define CLEAN_US 20000u
#define WAKE_US 50000u
#define WATCH_US 250000u

enum { WRITER, COUNTER, VCPUS };

FIXTURE(killed)
{
	struct meter meter;
	int log;
	struct residue residue;
	struct vmm vm;
	uint32_t slot;
	struct writer writer;
	pthread_t counter;
	atomic_bool stop;
	/* Events that the counter's guest has made. */
	uint64_t events;
	int ret;
};

static void *count(void *arg)
{
	FIXTURE_DATA(killed) *self = arg;

	while (!self->ret && !self->stop) {
		self->ret = vmm_run(&self->vm.vcpu[COUNTER], vmm_guest_cpuid, EVENTS, 0, 0);
		self->events += EVENTS;
		usleep(1000);
	}
	return NULL;
}

FIXTURE_SETUP(killed)
{
	uint32_t i;

	ASSERT_FALSE(host_is_loaded());
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	random_begin("KVMETER_SEED");
	TH_LOG("seed %llu", random_seed);
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, residue_begin(&self->residue));
	ASSERT_EQ(0, host_load(""));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, WRITERS_PAGES + PAGES));
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[i], vmm_guest_busy, 1, 0, 0));
	self->slot = (uint32_t)autoconverge_slot(&self->meter, self->vm.fd);
	writer_init(&self->writer, &self->vm, WRITER);
	writer_add_pages(&self->writer, WRITERS_GFN, PAGES);
	ASSERT_EQ(0, writer_start(&self->writer, true));
	ASSERT_EQ(0, pthread_create(&self->counter, NULL, count, self));
}

/* Nothing holds the module any more, whoever was killed while using it. */
FIXTURE_TEARDOWN(killed)
{
	char text[RESIDUE_TEXT_SIZE];

	EXPECT_EQ(0, writer_join(&self->writer));
	self->stop = true;
	pthread_join(self->counter, NULL);
	EXPECT_EQ(0, self->ret);
	vmm_exit(&self->vm);
	if (self->meter.dev >= 0)
		meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, residue_find(&self->residue, text));
	EXPECT_STREQ("", text);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
	residue_end(&self->residue);
}

/* Starts a process; it runs @run, which never returns. */
static pid_t start(void (*run)(FIXTURE_DATA(killed) * self), FIXTURE_DATA(killed) * self)
{
	pid_t pid;

	random_u64();
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(self);
	_exit(1);
}

/* -ECHILD if it had ended by itself: it has found something wrong. */
static int kill_after(pid_t pid, uint64_t us)
{
	int status;

	usleep((useconds_t)us);
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFSIGNALED(status) ? 0 : -ECHILD;
}

/* Any command, one after the other: what matters are attach and detach, and that it polls. */
static void run_reader(FIXTURE_DATA(killed) * self)
{
	static const char *const command[] = { "detach", "attach", "exits", "detach", "steal" };
	unsigned int i = (unsigned int)random_in(0, ARRAY_SIZE(command));
	char id[32];

	snprintf(id, sizeof(id), "%d", getppid());
	(void)self;
	if (i == 0 || i == 1 || i == 3)
		host_exec_reader(command[i], NULL, NULL);
	host_exec_reader(command[i], id, "1");
}

static int run_to_end(const char *command)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		host_exec_reader(command, NULL, NULL);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int count_cpuid(FIXTURE_DATA(killed) * self, uint64_t *events)
{
	return meter_debugfs_count(self->vm.fd, COUNTER, reason_of(VMX_CPUID, SVM_CPUID), events);
}

/* Attaching and detaching in between, with pins made or not. The counts are the module's. */
TEST_F_TIMEOUT(killed, reader, 1800)
{
	uint64_t events = 0, before = 0;
	unsigned int i, ended = 0, nr = KILLS(20);
	int ret, status;
	pid_t pid;

	meter_close(&self->meter);
	self->meter.dev = -1;
	for (i = 0; i < nr; i++) {
		pid = start(run_reader, self);
		ASSERT_LT(0, pid);
		usleep((useconds_t)random_in(0, READER_US));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		/* It may have been done; there may have been nothing to detach. */
		EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) < 2);
		ended += WIFEXITED(status);
		ASSERT_EQ(0, count_cpuid(self, &events));
		EXPECT_LE(before, events);
		before = events;
		/* What it has left half done the next one puts right. */
		if (i % 4 == 0) {
			ret = run_to_end("list");
			EXPECT_EQ(0, ret);
		}
	}
	self->stop = true;
	pthread_join(self->counter, NULL);
	EXPECT_EQ(0, count_cpuid(self, &events));
	EXPECT_EQ(self->events, events);
	/* The teardown waits for one. */
	ASSERT_EQ(0, pthread_create(&self->counter, NULL, count, self));
	TH_LOG("%u readers, %u of them killed before their end; %" PRIu64 " events, none lost", i,
	       i - ended, events);
}

static void run_session(FIXTURE_DATA(killed) * self)
{
	int dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	struct session session;
	uint32_t cell;

	if (dev < 0 || session_start(&session, dev, self->vm.fd, 0, INTERVAL_NS))
		_exit(1);
	while (!session_read(&session, 0, &cell, 1))
		;
	_exit(1);
}

/* Does the VMM's own log have all that the guest has written since it was taken last? */
static int check_log(FIXTURE_DATA(killed) * self)
{
	unsigned long runs;
	int ret = vmm_set_log(&self->vm, true);

	if (!ret)
		ret = vmm_take_dirty(&self->vm);
	/* The second that begins from here on is whole. */
	for (runs = self->writer.runs; self->writer.runs - runs < 2;)
		usleep(1000);
	if (!ret)
		ret = vmm_take_dirty(&self->vm);
	if (!ret && vmm_nr_dirty(&self->vm, WRITERS_GFN, WRITERS_GFN + PAGES) != PAGES)
		ret = -EBADMSG;
	return ret ? ret : vmm_set_log(&self->vm, false);
}

/* With the controller its session ends, and no slot logs on its behalf any more. */
TEST_F_TIMEOUT(killed, controller_of_session, 1800)
{
	struct session session = { .dev = self->meter.dev };
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	unsigned int i, begun = 0, nr = KILLS(8);
	uint64_t start_ns = 0;
	struct kvmeter_dirty dirty;
	pid_t pid;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_DRIVE))
		SKIP(return, "this kernel lacks what driven sessions take");
	ASSERT_NE(NULL, vm);
	session.vm = self->slot;
	session.vm_gen = vm->gen;
	for (i = 0; i < nr; i++) {
		pid = start(run_session, self);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, kill_after(pid, random_in(0, CONTROLLER_US)));
		ASSERT_EQ(0, session_copy(&session, &self->meter, &dirty));
		if (dirty.session != KVMETER_SESSION_NONE && dirty.start_ns != start_ns) {
			begun++;
			start_ns = dirty.start_ns;
			EXPECT_EQ((uint32_t)pid, dirty.controller);
			EXPECT_EQ(KVMETER_END_CONTROLLER,
				  session_wait_end(&session, &self->meter, END_MAX_NS));
		}
		EXPECT_EQ(KVMETER_LOG_OFF, vm->log_state);
		EXPECT_EQ(-ENOENT, vmm_get_log(&self->vm, 0, self->vm.dirty));
		EXPECT_EQ(-ENOENT, session_stop(&session));
		EXPECT_EQ(0, check_log(self));
	}
	TH_LOG("%u controllers killed, %u of them in a session", i, begun);
}

static void run_quota(FIXTURE_DATA(killed) * self)
{
	uint64_t pages;

	for (pages = QUOTA_LEAST_PAGES;; pages = pages % 4096 + QUOTA_LEAST_PAGES)
		if (quota_set_slot(&self->meter, self->slot, pages))
			_exit(1);
}

/* Nobody parks the writer any more; sets what it did while it was looked at. */
static void check_not_parked(struct __test_metadata *_metadata, FIXTURE_DATA(killed) * self,
			     struct quota_span *span)
{
	struct quota_sample first, last;

	/* Whoever is parked wakes up within a slice; and then waits for the CPU. */
	usleep(WAKE_US);
	ASSERT_EQ(0, quota_wait_released(&self->meter, self->vm.fd, WRITER));
	ASSERT_EQ(0, quota_take(&self->meter, self->vm.fd, WRITER, &first));
	usleep(WATCH_US);
	ASSERT_EQ(0, quota_take(&self->meter, self->vm.fd, WRITER, &last));
	*span = quota_span(&first, &last);
	EXPECT_EQ(0, span->parked_nr);
	EXPECT_EQ(0, quota_parked_ns(span));
}

/* A quota is to stay, whoever has set it; once it is lifted nobody is parked any more. */
TEST_F_TIMEOUT(killed, controller_of_quota, 1800)
{
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	unsigned int i, set = 0, nr = KILLS(8);
	struct quota_cleaner cleaner;
	struct quota_span span;
	pid_t pid;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what quotas take");
	ASSERT_NE(NULL, vm);
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, quota_start_cleaner(&cleaner, &self->vm, CLEAN_US));
	for (i = 0; i < nr; i++) {
		pid = start(run_quota, self);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, kill_after(pid, random_in(0, QUOTA_US)));
		set += !!vm->user_quota_pages;
		if (vm->user_quota_pages) {
			ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, QUOTA_LEAST_PAGES));
			EXPECT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, WRITER));
		}
		ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 0));
		check_not_parked(_metadata, self, &span);
		EXPECT_LT(0, span.pages);
	}
	EXPECT_LT(0, set);
	ASSERT_EQ(0, quota_stop_cleaner(&cleaner));
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	EXPECT_EQ(0, check_log(self));
	TH_LOG("%u controllers killed, %u after they had set a quota", i, set);
}

static void run_pilot(FIXTURE_DATA(killed) * self)
{
	struct kvmeter_autoconverge want = {
		.mode = KVMETER_AUTOCONVERGE_ON,
		.goal = KVMETER_GOAL_BYTES,
		.bandwidth = KVMETER_QUOTA_MIN,
	};

	if (autoconverge_set(&self->meter, self->slot, want))
		_exit(1);
	for (;;)
		pause();
}

/* The autopilot goes on for as long as the migration does, and lets go with that. */
TEST_F_TIMEOUT(killed, controller_of_autopilot, 1800)
{
	const struct kvmeter_autoconverge normal = { .mode = KVMETER_AUTOCONVERGE_DEFAULT };
	unsigned int i, set = 0, nr = KILLS(4);
	struct kvmeter_migration migration;
	struct quota_span span;
	pid_t pid;
	int ret;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what quotas take");
	for (i = 0; i < nr; i++) {
		pid = start(run_pilot, self);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, vmm_set_log(&self->vm, true));
		ASSERT_EQ(0, vmm_take_dirty(&self->vm));
		ASSERT_EQ(0, kill_after(pid, random_in(0, CONTROLLER_US)));
		autoconverge_copy(&self->meter, self->slot, &migration);
		if (migration.mode == KVMETER_AUTOCONVERGE_ON) {
			set++;
			EXPECT_EQ(0, autoconverge_wait_quota(&self->meter, self->slot, true));
		}
		ASSERT_EQ(0, vmm_set_log(&self->vm, false));
		ret = autoconverge_wait_state(&self->meter, self->slot, KVMETER_MIGRATION_ENDED);
		EXPECT_EQ(0, ret);
		EXPECT_EQ(0, autoconverge_wait_quota(&self->meter, self->slot, false));
		check_not_parked(_metadata, self, &span);
		ASSERT_EQ(0, autoconverge_set(&self->meter, self->slot, normal));
	}
	EXPECT_LT(0, set);
	TH_LOG("%u controllers killed, %u after they had switched it on", i, set);
}

/* A VMM in a migration that is held, driven to it by its bandwidth, parked and all. */
static void run_held(FIXTURE_DATA(killed) * self)
{
	static struct bed bed;

	(void)self;
	if (bed_init(&bed) || bed_hold(&bed))
		_exit(1);
	for (;;)
		pause();
}

/* One that has a session driven by a process that lives on: our test itself. */
static void run_driven(FIXTURE_DATA(killed) * self)
{
	struct writer writer;
	struct vmm vm;

	(void)self;
	if (vmm_init(&vm, 1, WRITERS_PAGES + PAGES))
		_exit(1);
	writer_init(&writer, &vm, 0);
	writer_add_pages(&writer, WRITERS_GFN, PAGES);
	if (writer_start(&writer, true))
		_exit(1);
	for (;;)
		pause();
}

/* Of a VMM's VM, whatever its number. */
static int get_vm_fd(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int fd, theirs, found = -ENOENT;
	char path[64], to[64];
	ssize_t len;

	for (theirs = 0; theirs < 64; theirs++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, theirs);
		len = readlink(path, to, sizeof(to) - 1);
		if (len < 0)
			continue;
		to[len] = '\0';
		/* Ours come first: what it has of them it has not opened. */
		if (!strcmp(to, "anon_inode:kvm-vm"))
			found = theirs;
	}
	if (pidfd < 0)
		return -errno;
	fd = found < 0 ? found : (int)syscall(SYS_pidfd_getfd, pidfd, found, 0);
	close(pidfd);
	return fd;
}

/* Nothing is left of it, and no number of it is good for anything. */
static void check_gone(struct __test_metadata *_metadata, FIXTURE_DATA(killed) * self, uint32_t vm,
		       uint32_t gen)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	struct session session = { .dev = self->meter.dev, .vm = vm, .vm_gen = gen };
	struct kvmeter_dirty dirty;

	EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
	EXPECT_EQ(VCPUS, meter_used(&self->meter, true));
	EXPECT_NE(gen, vms[vm].gen);
	EXPECT_EQ(0, vms[vm].quota_pages);
	/* It may be seen at the end of the interval only. */
	session_stop(&session);
	EXPECT_EQ(-ENOENT, session_stop(&session));
	EXPECT_EQ(-ENOENT, session_copy(&session, &self->meter, &dirty));
}

TEST_F_TIMEOUT(killed, vmm_in_a_session, 1800)
{
	unsigned int i, begun = 0, nr = KILLS(6);
	struct session session;
	uint64_t begin_ns;
	int fd, ret;
	pid_t pid;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_DRIVE))
		SKIP(return, "this kernel lacks what driven sessions take");
	for (i = 0; i < nr; i++) {
		pid = start(run_driven, self);
		ASSERT_LT(0, pid);
		begin_ns = host_now_ns();
		while (meter_pid_slot(&self->meter, pid) < 0 &&
		       host_now_ns() - begin_ns < END_MAX_NS)
			usleep(1000);
		fd = get_vm_fd(pid);
		ASSERT_LE(0, fd);
		ret = session_start(&session, self->meter.dev, fd, 0, INTERVAL_NS);
		/* Or else it is we who keep the VM. */
		close(fd);
		ASSERT_EQ(0, ret);
		begun++;
		ASSERT_EQ(0, kill_after(pid, random_in(0, CONTROLLER_US)));
		check_gone(_metadata, self, session.vm, session.vm_gen);
		/* There is room for the next one: max_sessions is 16. */
	}
	TH_LOG("%u VMMs killed in a session", begun);
}

TEST_F_TIMEOUT(killed, vmm_in_a_migration, 1800)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	unsigned int i, known = 0, held = 0, nr = KILLS(4);
	uint32_t vm, gen;
	int vcpu;
	pid_t pid;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what quotas take");
	for (i = 0; i < nr; i++) {
		pid = start(run_held, self);
		ASSERT_LT(0, pid);
		usleep((useconds_t)random_in(0, VMM_US * (i % 8 + 1)));
		vcpu = meter_pid_slot(&self->meter, pid);
		vm = vcpu < 0
			? 0
			: ((const struct kvmeter_vcpu *)self->meter.map[KVMETER_MAP_VCPUS])[vcpu]
				  .vm;
		gen = vms[vm].gen;
		held += vcpu >= 0 && vms[vm].quota_pages;
		ASSERT_EQ(0, kill_after(pid, 0));
		if (vcpu >= 0) {
			known++;
			check_gone(_metadata, self, vm, gen);
		}
		EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
	}
	TH_LOG("%u VMMs killed, %u when their VM was known, %u when it was held", i, known, held);
	EXPECT_EQ(0, check_log(self));
}

TEST_HARNESS_MAIN
