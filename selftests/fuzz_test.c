// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever root does to the module's files, it gets an errno that is documented, and a VM that
 * minds its own business is counted exactly all the while.
 *
 * Done, at random and from several threads and processes at once: every ioctl with input that is
 * nearly right, the maps it is given, reads and writes of /dev/kvmeter, of every file in debugfs
 * and of the module's parameters. KVMETER_SEED repeats the numbers, KVMETER_LONG=1 goes on for ten
 * minutes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <kselftest_harness.h>

#include "fuzz_target.h"
#include "host.h"
#include "random.h"
#include "session.h"

#define LONG_SECONDS 600
#define SHORT_SECONDS 4
/* So many times as long, on a busy host, until each errno has come. */
#define PATIENCE 6
#define NOBODY 65534

#define LOAD_PARAMS "max_vms=64 max_vcpus=64 subreasons=1"

/* What one call in thousands left behind would be more, what the host does by itself is less. */
#define LEFT_KIB 4096
/* A kernel that says something of each of so many calls says thousands. */
#define MESSAGES_MAX 100

#define CHILD_EACH 30
/* Calls of a kind in a row. */
#define BURST 16
#define EXPEDITED "/sys/kernel/rcu_expedited"
/* As long as the longest argument, and for as long as a few calls take. */
#define CHANGING_BYTES 80
#define CHANGES 300
#define PATIENCE_STEPS 100
#define PATIENCE_STEP_US 100000

FIXTURE(fuzz)
{
	struct fuzz_target t;
	struct bystander_host before;
};

static double seconds(void)
{
	return host_is_long() ? LONG_SECONDS : SHORT_SECONDS;
}

static void set_params(void)
{
	meter_set_param("autoconverge", "observe");
	meter_set_param("throttle_max_us", "99500");
	meter_set_param("max_sessions", "16");
	meter_set_param("session_mib", "256");
	meter_set_param("subreasons", "1");
}

static void *fuzz_ioctls(void *arg)
{
	struct fuzz_target *t = arg;

	random_seed = t->seed + 1;
	while (!t->stop)
		fuzz_ioctl(t, &t->other);
	return NULL;
}

/* Changes arguments while the kernel reads them. */
static void *flip(void *arg)
{
	struct fuzz_target *t = arg;
	int i;

	random_seed = t->seed + 2;
	while (!t->stop) {
		for (i = 0; i < CHANGES; i++)
			t->changing.page[random_in(0, CHANGING_BYTES)] ^= (uint8_t)random_u64();
		usleep(1000);
	}
	return NULL;
}

/* It shares the open file, and is killed in a call, or closes what others use. */
static void run_child(struct fuzz_target *t)
{
	struct fuzz_buffer buffer;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		random_seed += 3;
		if (fuzz_buffer_init(&buffer))
			_exit(1);
		for (;;) {
			fuzz_ioctl(t, &buffer);
			if (fuzz_chance(200))
				close(t->dev);
			if (fcntl(t->dev, F_GETFD) < 0)
				_exit(0);
		}
	}
	usleep((useconds_t)random_in(1, 20000));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void fuzz_one(struct fuzz_target *t)
{
	int i;

	switch (random_in(0, 16)) {
	case 0:
		for (i = 0; i < BURST; i++)
			fuzz_unknown_ioctl(t, &t->buffer);
		break;
	case 1:
	case 2:
		for (i = 0; i < BURST; i++)
			fuzz_device(t, &t->buffer);
		break;
	case 3:
		for (i = 0; i < BURST / 4; i++)
			fuzz_view(t);
		break;
	case 4:
		for (i = 0; i < BURST; i++)
			fuzz_param(t);
		break;
	default:
		for (i = 0; i < BURST; i++)
			fuzz_ioctl(t, &t->buffer);
		break;
	}
	if (fuzz_chance(4))
		fuzz_stir(t);
	/* What is off for good would have no more to be tried. */
	if (fuzz_chance(4))
		set_params();
	if (fuzz_chance(CHILD_EACH))
		run_child(t);
}

FIXTURE_SETUP(fuzz)
{
	struct fuzz_target *t = &self->t;

	random_begin("KVMETER_SEED");
	t->seed = random_seed;
	TH_LOG("KVMETER_SEED=%llu", (unsigned long long)t->seed);
	ASSERT_EQ(0, host_load(LOAD_PARAMS));
	t->record = fuzz_record_new();
	ASSERT_NE(NULL, t->record);
	fuzz_name_kinds(t->record);
	/* More calls in the same time. */
	ASSERT_EQ(0, host_write(EXPEDITED, 0, "1"));
	ASSERT_EQ(0, bystander_look(&self->before));
	ASSERT_EQ(0, fuzz_target_init(t));
	t->compat = fuzz_has_compat(t->dev);
}

FIXTURE_TEARDOWN(fuzz)
{
	struct bystander_host after;

	EXPECT_EQ(0, ioctl(self->t.dev, KVMETER_DETACH, 0));
	fuzz_target_exit(&self->t);
	fuzz_record_free(self->t.record);

	EXPECT_EQ(0, bystander_wait_freed(&self->before, LEFT_KIB, &after));
	bystander_show(&self->before, &after);
	EXPECT_GE(MESSAGES_MAX, after.messages - self->before.messages);
	EXPECT_EQ(0, host_write(EXPEDITED, 0, "0"));
	EXPECT_EQ(0, host_unload());
}

/* All quotas off, and the autopilot. */
static void release_all(struct fuzz_target *t, const struct meter *m)
{
	const struct kvmeter_vm *vm = m->map[KVMETER_MAP_VMS];
	struct kvmeter_quota quota = { .abi = KVMETER_ABI };
	struct kvmeter_autoconverge autoconverge = {
		.abi = KVMETER_ABI,
		.mode = KVMETER_AUTOCONVERGE_DEFAULT,
	};
	struct kvmeter_dirty_stop stop = { .abi = KVMETER_ABI };
	uint32_t i;

	for (i = 0; i < meter_host(m)->vms_hi; i++) {
		if (vm[i].gen % 2 == 0)
			continue;
		quota.vm = i;
		quota.vm_gen = vm[i].gen;
		autoconverge.vm = i;
		autoconverge.vm_gen = vm[i].gen;
		stop.vm = i;
		stop.vm_gen = vm[i].gen;
		ioctl(t->dev, KVMETER_QUOTA, &quota);
		ioctl(t->dev, KVMETER_AUTOCONVERGE, &autoconverge);
		ioctl(t->dev, KVMETER_DIRTY_STOP, &stop);
	}
}

static uint64_t quotas_left(const struct meter *m)
{
	const struct kvmeter_vm *vm = m->map[KVMETER_MAP_VMS];
	uint64_t left = 0;
	uint32_t i;

	for (i = 0; i < meter_host(m)->vms_hi; i++)
		left += vm[i].gen % 2 && (vm[i].quota_pages || vm[i].user_quota_pages);
	return left;
}

/* What was going on has ended, and takes nothing any more: one session has room. */
static void check_sessions(struct __test_metadata *_metadata, struct fuzz_target *t)
{
	struct session s;
	int i, ret = -EBUSY;

	EXPECT_EQ(0, meter_set_param("max_sessions", "1"));
	EXPECT_EQ(0, meter_set_param("session_mib", "1"));
	EXPECT_EQ(0, vmm_set_log(&t->victim[0].vm, false));
	/* One whose controller was killed ends with its interval. */
	for (i = 0; ret && i < PATIENCE_STEPS; i++) {
		usleep(i ? PATIENCE_STEP_US : 0);
		ret = session_start(&s, t->dev, t->victim[0].vm.fd, 0, KVMETER_INTERVAL_MIN_NS);
	}
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, session_stop(&s));
	set_params();
}

static void check_nothing_left(struct __test_metadata *_metadata, struct fuzz_target *t)
{
	static const char *const zero[] = { "limits_lost", "untracked_vms", "untracked_vcpus",
					    "untracked_exits", "missed_probes" };
	struct meter now;
	unsigned int i;

	set_params();
	ASSERT_EQ(0, meter_open(&now));
	release_all(t, &now);
	EXPECT_EQ(0, bystander_stop(&t->bystander));
	/* One that was started by who was killed then. */
	release_all(t, &now);
	EXPECT_EQ(0, quotas_left(&now));
	EXPECT_STREQ("", bystander_check(&t->bystander, &now) ?: "");
	TH_LOG("%lu runs, %llu reads of the dirty log beside it", t->bystander.vcpu[0].runs,
	       (unsigned long long)t->bystander.takes);
	for (i = 0; i < ARRAY_SIZE(zero); i++)
		EXPECT_EQ(0, meter_status(zero[i]));
	check_sessions(_metadata, t);
	meter_close(&now);
}

TEST_F_TIMEOUT(fuzz, everything, 1800)
{
	struct fuzz_target *t = &self->t;
	uint64_t begin_ns = host_now_ns();
	pthread_t thread[2];
	double spent;

	ASSERT_EQ(0, pthread_create(&thread[0], NULL, fuzz_ioctls, t));
	ASSERT_EQ(0, pthread_create(&thread[1], NULL, flip, t));
	do {
		fuzz_one(t);
		spent = (double)(host_now_ns() - begin_ns) / 1e9;
	} while (spent < seconds() ||
		 (fuzz_missing(t->record, false) && spent < PATIENCE * seconds()));
	t->stop = true;
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	fuzz_show(t->record, spent);
	check_nothing_left(_metadata, t);
	EXPECT_EQ(0, t->record->wrong);
	EXPECT_EQ(0, fuzz_missing(t->record, true));
	EXPECT_TRUE(t->compat) TH_LOG("no program of 32 bits can run: its way in was not tried");
}

/* Who has the maps may write anything to them: what they show is wrong then, and that is all. */
TEST_F_TIMEOUT(fuzz, maps_scribbled_over, 600)
{
	struct fuzz_target *t = &self->t;
	uint64_t begin_ns = host_now_ns(), rounds = 0;
	uint64_t *map[KVMETER_MAP_NR];
	size_t nr;
	int i, k;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		map[i] = mmap(NULL, t->meter.bytes[i], PROT_READ | PROT_WRITE, MAP_SHARED,
			      t->meter.fd[i], 0);
		ASSERT_NE(MAP_FAILED, map[i]);
	}
	while (host_now_ns() - begin_ns < seconds() / 4 * 1e9) {
		for (i = 0; i < KVMETER_MAP_NR; i++) {
			/* The slots in use are the first ones. */
			nr = t->meter.bytes[i] / sizeof(*map[i]);
			for (k = 0; k < 100; k++)
				map[i][random_in(0, fuzz_chance(2) ? nr : nr / 16 + 1)] =
					fuzz_value();
		}
		for (k = 0; k < 10; k++)
			fuzz_one(t);
		/* What moves is what was scribbled. */
		ioctl(t->dev, KVMETER_DETACH, 0);
		meter_attach(t->dev, t->meter.fd);
		rounds++;
	}
	for (i = 0; i < KVMETER_MAP_NR; i++)
		munmap(map[i], t->meter.bytes[i]);
	TH_LOG("%llu rounds", (unsigned long long)rounds);
	set_params();
	ioctl(t->dev, KVMETER_DETACH, 0);
	ASSERT_EQ(0, meter_attach(t->dev, t->set));
	EXPECT_EQ(0, bystander_stop(&t->bystander));
	EXPECT_EQ(0, t->bystander.missed);
	EXPECT_EQ(0, t->record->wrong);
}

/* Each of the files in a directory can be opened by nobody but root. */
static int open_as_nobody(const char *dir)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	char path[PATH_MAX];
	int i, fd;

	for (i = 0; i < 300; i++) {
		fuzz_any_file(dir, path, sizeof(path));
		if (!*path)
			return 0;
		fd = open(path, modes[random_in(0, 3)]);
		if (fd >= 0 || (errno != EACCES && errno != EPERM && errno != EINVAL))
			return 1;
	}
	return 0;
}

static int fuzz_as_nobody(struct fuzz_target *t)
{
	if (setgid(NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (open("/dev/kvmeter", O_RDWR) >= 0 || errno != EACCES)
		return 2;
	if (open("/dev/kvmeter", O_RDONLY) >= 0 || errno != EACCES)
		return 3;
	if (open_as_nobody(FUZZ_DEBUGFS))
		return 4;
	if (open(FUZZ_PARAMETERS "/autoconverge", O_WRONLY) >= 0 || errno != EACCES)
		return 5;
	/* One that was opened by root, and inherited. */
	return fuzz_ioctl_as_nobody(t) ? 6 : 0;
}

TEST_F_TIMEOUT(fuzz, nobody, 120)
{
	struct fuzz_target *t = &self->t;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(fuzz_as_nobody(t));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	/* The step that failed is the exit status. */
	EXPECT_EQ(0, status);
	check_nothing_left(_metadata, t);
}

TEST_HARNESS_MAIN
