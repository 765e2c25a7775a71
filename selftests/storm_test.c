// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs come and go, many at once, each of which ends in another way and at any moment: the store has
 * none left, what it refused it says, and no number of a dead VM is good for anything. Loads and
 * unloads the module.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "random.h"
#include "residue.h"
#include "session.h"

#define VMS (host_is_long() ? 1000u : 60u)
#define VMMS_AT_ONCE (host_is_long() ? 64u : 32u)
#define VMMS_MAX 64u
/* Of one VMM. */
#define VMS_MAX 3u
#define VCPUS_MAX 3u
#define LIMIT 64u
#define LIMITS "max_vms=64 max_vcpus=64 max_sessions=3"
/* Of all that have ended, so many are remembered. */
#define DEAD_MAX 64u

#define PAGES 61u
#define GAP_US 8000u
#define LIVE_US 100000u
#define REST_US 60000u
#define WAIT_NS 20000000000ull
#define DEBUGFS "/sys/kernel/debug/kvmeter"
#define STARTER_NICE (-10)

/* How a VMM ends. */
enum way {
	KILLED,		   /* in KVM_RUN */
	KILLED_IN_SESSION, /* which it drives itself */
	KILLED_PARKED,	   /* by a quota */
	EXITS,		   /* its vCPUs run, nothing is closed */
	CLOSES,		   /* in any order, while vCPUs run */
	HELD,		   /* killed, and a child still has its file descriptors */
	EXECS,		   /* another program, which closes them */
	WAYS,
};

struct vmm_process {
	pid_t pid;
	enum way way;
	unsigned int vms;
};

struct dead {
	uint32_t vm;
	uint32_t gen;
};

FIXTURE(storm)
{
	struct meter meter;
	int log;
	struct residue residue;
	struct residue_memory before;
	struct vmm_process vmm[VMMS_MAX];
	unsigned int nr_vmms;
	unsigned int started_vms;
	unsigned int ended[WAYS];
	/* Most that had a slot at once. */
	unsigned int most;
	struct dead dead[DEAD_MAX];
	unsigned int nr_dead;
	pthread_t reader;
	atomic_bool stop;
	atomic_ulong reads;
};

FIXTURE_VARIANT(storm)
{
	const char *params;
	bool over;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(storm, all_have_room) { "", false };

FIXTURE_VARIANT_ADD(storm, over_limits) { LIMITS, true };

/* clang-format on */
static void *read_files(void *arg)
{
	FIXTURE_DATA(storm) *self = arg;

	while (!self->stop) {
		host_read_tree(DEBUGFS);
		self->reads++;
		usleep(10000);
	}
	return NULL;
}

FIXTURE_SETUP(storm)
{
	ASSERT_FALSE(host_is_loaded());
	/* What a VMM leaves running is ours to wait for. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, STARTER_NICE));
	random_begin("KVMETER_SEED");
	TH_LOG("seed %llu", random_seed);
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, residue_begin(&self->residue));
	ASSERT_EQ(0, residue_memory(&self->before));
	ASSERT_EQ(0, host_load(variant->params));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, pthread_create(&self->reader, NULL, read_files, self));
}

FIXTURE_TEARDOWN(storm)
{
	char text[RESIDUE_TEXT_SIZE];
	struct residue_memory after;

	self->stop = true;
	pthread_join(self->reader, NULL);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, residue_find(&self->residue, text));
	EXPECT_STREQ("", text);
	EXPECT_EQ(0, residue_memory(&after));
	residue_show_memory(&self->before, &after);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
	residue_end(&self->residue);
}

/* From here to fork(): the VMM, which ends with 1 if anything is not as it should be. */

static void *run_mix(void *arg)
{
	struct vmm_vcpu *vcpu = arg;

	for (;;) {
		if (vmm_run(vcpu, vmm_guest_cpuid, 31, 0, 0) ||
		    vmm_run(vcpu, vmm_guest_write, PAGES, VMM_DATA_ADDR, 1) ||
		    vmm_run(vcpu, vmm_guest_hlt, 3, 0, 0))
			return NULL;
		usleep(REST_US);
	}
}

/* KVM's answer while its file descriptors are being closed does not matter. */
static void close_all(struct vmm *vm, unsigned int nr)
{
	int fd[VMS_MAX * (VCPUS_MAX + 2)];
	unsigned int i, k, n = 0;
	int swap;

	for (i = 0; i < nr; i++) {
		fd[n++] = vm[i].kvm;
		fd[n++] = vm[i].fd;
		for (k = 0; k < vm[i].nr_vcpus; k++)
			fd[n++] = vm[i].vcpu[k].fd;
	}
	for (i = n - 1; i; i--) {
		k = (unsigned int)random_in(0, i + 1);
		swap = fd[i];
		fd[i] = fd[k];
		fd[k] = swap;
	}
	for (i = 0; i < n; i++) {
		close(fd[i]);
		if (random_in(0, 2))
			usleep((useconds_t)random_in(0, 3000));
	}
	for (i = 0; i < nr; i++)
		munmap(vm[i].map, vm[i].map_bytes);
}

/* A VM that found no room has no sessions, and there may be enough of them. */
static void start_own_session(const struct vmm *vm)
{
	struct session session;
	int dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	int ret;

	if (dev < 0)
		_exit(1);
	ret = session_start(&session, dev, vm->fd, 0, KVMETER_INTERVAL_MIN_NS);
	if (ret && ret != -ENOENT && ret != -EMFILE && ret != -EOPNOTSUPP)
		_exit(1);
	close(dev);
}

static void set_own_quota(struct vmm *vm)
{
	struct meter m;

	if (vmm_set_log(vm, true) || meter_open(&m))
		_exit(1);
	quota_set(&m, vm->fd, QUOTA_LEAST_PAGES);
	meter_close(&m);
	for (;;) {
		if (vmm_take_dirty(vm))
			_exit(1);
		usleep(20000);
	}
}

static void start_vms(struct vmm *vm, unsigned int nr)
{
	pthread_t thread;
	unsigned int i, k;

	for (i = 0; i < nr; i++) {
		if (vmm_init(&vm[i], (unsigned int)random_in(1, VCPUS_MAX + 1), PAGES))
			_exit(1);
		for (k = 0; k < vm[i].nr_vcpus; k++)
			if (pthread_create(&thread, NULL, run_mix, &vm[i].vcpu[k]))
				_exit(1);
	}
}

static void run_vmm(enum way way, unsigned int nr)
{
	struct vmm vm[VMS_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, 0);
	start_vms(vm, nr);
	if (way == KILLED_IN_SESSION)
		start_own_session(&vm[0]);
	if (way == KILLED_PARKED)
		set_own_quota(&vm[0]);
	if (way < EXITS)
		for (;;)
			pause();
	usleep((useconds_t)random_in(0, LIVE_US));
	switch (way) {
	case EXITS:
		_exit(0);
	case CLOSES:
		close_all(vm, nr);
		_exit(0);
	case HELD:
		if (!fork()) {
			usleep((useconds_t)random_in(0, LIVE_US));
			_exit(0);
		}
		kill(getpid(), SIGKILL);
		break;
	default:
		execl("/bin/true", "true", NULL);
	}
	_exit(1);
}

static int start_vmm(FIXTURE_DATA(storm) * self)
{
	struct vmm_process *v = &self->vmm[self->nr_vmms];

	v->way = (enum way)random_in(0, WAYS);
	v->vms = (unsigned int)random_in(1, VMS_MAX + 1);
	random_u64();
	v->pid = fork();
	if (v->pid < 0)
		return -errno;
	if (!v->pid)
		run_vmm(v->way, v->vms);
	self->nr_vmms++;
	self->started_vms += v->vms;
	return 0;
}

/* Remember the number of a VM of a process that is about to end. */
static void note_dead(FIXTURE_DATA(storm) * self, pid_t pid)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	struct dead *d = &self->dead[self->nr_dead % DEAD_MAX];
	uint32_t i, gen;

	for (i = 0; i < meter_host(&self->meter)->vms_hi; i++) {
		gen = __atomic_load_n(&vms[i].gen, __ATOMIC_ACQUIRE);
		if (gen % 2 == 0 || vms[i].pid != (uint32_t)pid)
			continue;
		*d = (struct dead){ i, gen };
		self->nr_dead++;
		return;
	}
}

static void kill_one(FIXTURE_DATA(storm) * self)
{
	struct vmm_process *v = &self->vmm[random_in(0, self->nr_vmms)];

	if (v->way >= EXITS)
		return;
	note_dead(self, v->pid);
	kill(v->pid, SIGKILL);
}

static bool is_as_meant(enum way way, int status)
{
	/* One that was killed may have been the other way's, too: none but we send signals. */
	if (way < EXITS || way == HELD)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Those that have ended, and the children of such. */
static int reap(FIXTURE_DATA(storm) * self)
{
	unsigned int i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < self->nr_vmms && self->vmm[i].pid != pid; i++)
			;
		if (i == self->nr_vmms)
			continue;
		if (!is_as_meant(self->vmm[i].way, status))
			return -ECHILD;
		self->ended[self->vmm[i].way]++;
		self->vmm[i] = self->vmm[--self->nr_vmms];
	}
	return 0;
}

static int run_storm(FIXTURE_DATA(storm) * self)
{
	unsigned int used;
	int ret = 0;

	while (!ret && (self->started_vms < VMS || self->nr_vmms)) {
		if (self->started_vms < VMS && self->nr_vmms < VMMS_AT_ONCE) {
			ret = start_vmm(self);
		} else {
			kill_one(self);
			usleep((useconds_t)random_in(0, GAP_US));
		}
		used = meter_used(&self->meter, false);
		self->most = used > self->most ? used : self->most;
		if (!ret)
			ret = reap(self);
	}
	/* The children that held what others had. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	return ret;
}

/* What is asked of a VM that is gone, whoever has its slot now. */
static void check_dead(struct __test_metadata *_metadata, const struct meter *m,
		       const struct dead *d)
{
	struct session session = { .dev = m->dev, .vm = d->vm, .vm_gen = d->gen };
	struct kvmeter_quota quota = {
		.abi = KVMETER_ABI,
		.vm = d->vm,
		.vm_gen = d->gen,
		.bytes_per_s = KVMETER_QUOTA_MIN,
	};
	struct kvmeter_autoconverge autoconverge = {
		.abi = KVMETER_ABI,
		.vm = d->vm,
		.vm_gen = d->gen,
		.mode = KVMETER_AUTOCONVERGE_ON,
	};
	uint32_t cell;

	/* Its end may be seen at that of the interval only. */
	session_stop(&session);
	EXPECT_EQ(-ENOENT, session_stop(&session));
	EXPECT_EQ(-ENOENT, session_read(&session, 0, &cell, 1));
	EXPECT_EQ(-1, ioctl(m->dev, KVMETER_QUOTA, &quota));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, ioctl(m->dev, KVMETER_AUTOCONVERGE, &autoconverge));
	EXPECT_EQ(ENOENT, errno);
}

static unsigned int count_dirs(void)
{
	DIR *dir = opendir(DEBUGFS);
	struct dirent *entry;
	unsigned int nr = 0;

	while (dir && (entry = readdir(dir)))
		nr += entry->d_type == DT_DIR && entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return nr;
}

TEST_F_TIMEOUT(storm, comes_and_goes, 3600)
{
	const struct kvmeter_host *host = meter_host(&self->meter);
	uint64_t begin_ns;
	unsigned int i;

	ASSERT_EQ(0, run_storm(self));
	TH_LOG("%u VMs, %llu with a slot, %u at most at once; %llu vCPUs; %lu times all files read",
	       self->started_vms, host->vms_seen, self->most, host->vcpus_seen, self->reads);
	TH_LOG("killed %u, in a session %u, parked %u; exited %u, closed %u, held %u, exec %u",
	       self->ended[KILLED], self->ended[KILLED_IN_SESSION], self->ended[KILLED_PARKED],
	       self->ended[EXITS], self->ended[CLOSES], self->ended[HELD], self->ended[EXECS]);
	EXPECT_STREQ("", meter_check_empty(&self->meter) ?: "");
	EXPECT_LE(1, host->vms_seen);
	EXPECT_GE(self->started_vms, host->vms_seen);
	EXPECT_LT(0, self->nr_dead);
	for (i = 0; i < self->nr_dead && i < DEAD_MAX; i++)
		check_dead(_metadata, &self->meter, &self->dead[i]);

	EXPECT_LE(0, meter_status("untracked_exits"));
	if (variant->over && VMMS_AT_ONCE * 2 > LIMIT) {
		EXPECT_LT(0, host->untracked_vcpus);
		EXPECT_GE(LIMIT, self->most);
	} else if (!variant->over) {
		EXPECT_EQ(0, host->untracked_vms);
		EXPECT_EQ(0, host->untracked_vcpus);
	}
	/* Their directories go a moment later. */
	begin_ns = host_now_ns();
	while (count_dirs() && host_now_ns() - begin_ns < WAIT_NS)
		usleep(10000);
	EXPECT_EQ(0, count_dirs());
}

TEST_HARNESS_MAIN
