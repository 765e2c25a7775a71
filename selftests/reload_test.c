// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is loaded and unloaded, time and again, under guests that are busy and readers that
 * read in a loop: each unload succeeds, nothing is left, memory does not grow, and the guests
 * neither miscompute nor lose a dirty page.
 *
 * In every other round readers are at rest when the module is to go, and the first try has to
 * succeed; in the others they go on, and open files have it refused until one try finds none open.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "random.h"
#include "residue.h"
#include "writers.h"

#define LOADS (host_is_long() ? 1000u : 9u)
/* Before these are over, caches of the kernel's still grow. */
#define WARM_UP 2u
#define LIVE_US (60000u * host_slowness())
#define UNLOAD_MAX_NS 20000000000ull
/* Loads are not to wait for guests and readers, of which there are more than CPUs. */
#define NICE (-15)
#define REPORT_EVERY 50u

#define SUM_TURNS 307u
#define SUM_ADDR VMM_DATA_ADDR
#define PAGES 499u
#define SMALL "max_vms=64 max_vcpus=64"
#define DEBUGFS "/sys/kernel/debug/kvmeter"

enum { COMPUTERS = 2 };

/**
 * struct computer - a vCPU that computes, and a thread that does so itself
 * @vm: the VM
 * @stop: it is to end
 * @thread: the thread
 * @jobs: results compared
 * @wrong: of them, those that were not as they should be
 * @ret: 0, or what went wrong
 */
struct computer {
	struct vmm vm;
	atomic_bool stop;
	pthread_t thread;
	uint64_t jobs;
	uint64_t wrong;
	int ret;
};

/**
 * struct dirtier - a vCPU that writes to pages of which the thread knows, its memory logged
 * @vm: the VM
 * @writer: the vCPU
 * @stop: it is to end
 * @thread: the thread
 * @pages: pages written to
 * @lost: of them, those that KVM's log did not have
 * @ret: 0, or what went wrong
 */
struct dirtier {
	struct vmm vm;
	struct writer writer;
	atomic_bool stop;
	pthread_t thread;
	uint64_t pages;
	uint64_t lost;
	int ret;
};

/**
 * struct reader - a process that reads until it is stopped or killed
 * @pid: the process
 */
struct reader {
	pid_t pid;
};

enum { FILES, PROGRAM, MAPS, READERS };

FIXTURE(reload)
{
	int log;
	struct residue residue;
	struct computer computer[COMPUTERS];
	struct dirtier dirtier;
	struct reader reader[READERS];
	/* What readers did, in memory that they share with us. */
	atomic_ulong *reads;
};

static uint32_t sum(uint32_t value, uint32_t turns)
{
	while (turns--)
		value = value * VMM_SUM_MUL + VMM_SUM_ADD;
	return value;
}

static void *compute(void *arg)
{
	struct computer *c = arg;
	uint32_t value, result;

	for (value = 1; !c->ret && !c->stop; value++) {
		c->ret = vmm_run(&c->vm.vcpu[0], vmm_guest_sum, SUM_TURNS, SUM_ADDR, value);
		memcpy(&result, c->vm.ram + SUM_ADDR, sizeof(result));
		c->jobs++;
		c->wrong += result != sum(value, SUM_TURNS);
	}
	return NULL;
}

static int dirty_once(struct dirtier *d, uint64_t *random)
{
	uint32_t gfn[PAGES];
	unsigned int i;
	int ret;

	writer_init(&d->writer, &d->vm, 0);
	for (i = 0; i < PAGES; i++) {
		gfn[i] = WRITERS_GFN + writers_random(random, PAGES);
		writer_add(&d->writer, gfn[i], false);
	}
	ret = writer_start(&d->writer, false);
	if (!ret)
		ret = writer_join(&d->writer);
	if (!ret)
		ret = vmm_take_dirty(&d->vm);
	for (i = 0; !ret && i < PAGES; i++)
		d->lost += !vmm_nr_dirty(&d->vm, gfn[i], gfn[i] + 1);
	d->pages += PAGES;
	return ret;
}

static void *dirty(void *arg)
{
	struct dirtier *d = arg;
	uint64_t random = 3;

	while (!d->ret && !d->stop)
		d->ret = dirty_once(d, &random);
	return NULL;
}

static void run_files(atomic_ulong *reads)
{
	for (;;) {
		host_read_tree(DEBUGFS);
		++*reads;
		usleep(1000);
	}
}

/* The real one. It may find the module gone, which it says with status 1, and nothing worse. */
static void run_program(atomic_ulong *reads)
{
	static const char *const command[] = { "attach", "list",   "exits", "steal",
					       "detach", "ledger", "dirty", "status" };
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0;; i++) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			host_exec_reader(command[i % ARRAY_SIZE(command)], NULL, NULL);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) > 1)
			_exit(1);
		++*reads;
	}
}

/* Each copy adds up, before the module is gone and after. */
static void check_copies(const struct meter *m)
{
	struct meter_vcpu copy;
	uint32_t slot;
	uint64_t now;

	for (slot = 0; slot < meter_host(m)->vcpus_hi; slot++)
		if (!meter_read_slot(m, slot, &copy, &now) && copy.v.gen % 2 &&
		    meter_ledger_ns(&copy) != copy.v.since_ns - copy.v.first_ns)
			_exit(1);
}

/* Has maps attached if there are none, and maps them. */
static void run_maps(atomic_ulong *reads)
{
	unsigned int i;
	struct meter m;
	int ret;

	for (;;) {
		ret = meter_open(&m);
		/* Nobody is to keep the module from being unloaded. */
		if (m.dev >= 0)
			close(m.dev);
		if (ret) {
			usleep(5000);
		} else {
			for (i = 0; i < 20; i++) {
				check_copies(&m);
				usleep(1000);
			}
			++*reads;
		}
		meter_unmap(&m);
	}
}

static int start_readers(FIXTURE_DATA(reload) * self)
{
	/* clang-format off */
	static void (*const run[READERS])(atomic_ulong *reads) = {
		run_files, run_program, run_maps
	};
	/* clang-format on */
	unsigned int i;

	for (i = 0; i < READERS; i++) {
		self->reader[i].pid = fork();
		if (self->reader[i].pid < 0)
			return -errno;
		if (!self->reader[i].pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setpriority(PRIO_PROCESS, 0, 0);
			run[i](&self->reads[i]);
		}
	}
	return 0;
}

/* Kill them, wherever they are; -ECHILD if one had ended, having found something wrong. */
static int stop_readers(FIXTURE_DATA(reload) * self)
{
	int status, ret = 0;
	unsigned int i;

	for (i = 0; i < READERS; i++) {
		if (self->reader[i].pid <= 0)
			continue;
		kill(self->reader[i].pid, SIGKILL);
		if (waitpid(self->reader[i].pid, &status, 0) < 0 || !WIFSIGNALED(status))
			ret = -ECHILD;
		self->reader[i].pid = 0;
	}
	/* What the program had started ends with it, a moment later, and is ours to wait for. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	return ret;
}

static int start_guests(FIXTURE_DATA(reload) * self)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < COMPUTERS; i++) {
		ret = vmm_init(&self->computer[i].vm, 1, 1);
		if (!ret)
			ret = -pthread_create(&self->computer[i].thread, NULL, compute,
					      &self->computer[i]);
	}
	if (!ret)
		ret = vmm_init(&self->dirtier.vm, 1, WRITERS_PAGES + PAGES);
	if (!ret)
		ret = vmm_set_log(&self->dirtier.vm, true);
	return ret ? ret : -pthread_create(&self->dirtier.thread, NULL, dirty, &self->dirtier);
}

static void stop_guests(struct __test_metadata *_metadata, FIXTURE_DATA(reload) * self)
{
	uint64_t jobs = 0;
	unsigned int i;

	for (i = 0; i < COMPUTERS; i++) {
		self->computer[i].stop = true;
		pthread_join(self->computer[i].thread, NULL);
		vmm_exit(&self->computer[i].vm);
		EXPECT_EQ(0, self->computer[i].ret);
		EXPECT_EQ(0, self->computer[i].wrong);
		jobs += self->computer[i].jobs;
	}
	self->dirtier.stop = true;
	pthread_join(self->dirtier.thread, NULL);
	vmm_exit(&self->dirtier.vm);
	EXPECT_EQ(0, self->dirtier.ret);
	EXPECT_EQ(0, self->dirtier.lost);
	EXPECT_LT(0, jobs);
	EXPECT_LT(0, self->dirtier.pages);
	TH_LOG("%" PRIu64 " results compared, %" PRIu64 " pages looked for in the log", jobs,
	       self->dirtier.pages);
}

FIXTURE_SETUP(reload)
{
	ASSERT_FALSE(host_is_loaded());
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	self->reads = mmap(NULL, VMM_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	ASSERT_NE(MAP_FAILED, self->reads);
	random_begin("KVMETER_SEED");
	TH_LOG("seed %llu", random_seed);
	ASSERT_EQ(0, residue_begin(&self->residue));
	if (!self->residue.offset[0])
		TH_LOG("tracepoints cannot be looked at: no /proc/kcore");
	ASSERT_EQ(0, start_guests(self));
}

FIXTURE_TEARDOWN(reload)
{
	char text[RESIDUE_TEXT_SIZE];

	stop_guests(_metadata, self);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
	residue_end(&self->residue);
}

/* Until nobody has a file open; sets how often somebody had. */
static int unload(unsigned int *refused)
{
	uint64_t begin_ns = host_now_ns();
	int ret;

	for (;;) {
		ret = host_unload();
		if ((ret != -EAGAIN && ret != -EBUSY) || host_now_ns() - begin_ns > UNLOAD_MAX_NS)
			return ret;
		++*refused;
		usleep((useconds_t)random_in(0, 3000));
	}
}

TEST_F_TIMEOUT(reload, again_and_again, 10000)
{
	uint64_t begin_ns, ns, max_ns = 0;
	struct residue_memory before, after;
	char text[RESIDUE_TEXT_SIZE];
	unsigned int i, refused = 0;

	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, NICE));
	for (i = 0; i < WARM_UP + LOADS; i++) {
		if (i == WARM_UP)
			ASSERT_EQ(0, residue_memory(&before));
		ASSERT_EQ(0, start_readers(self));
		ASSERT_EQ(0, host_load(i % 5 ? SMALL : ""));
		if (self->residue.offset[0])
			EXPECT_LT(0, residue_users(&self->residue));
		usleep((useconds_t)random_in(0, LIVE_US));
		if (i % 2)
			ASSERT_EQ(0, stop_readers(self));
		begin_ns = host_now_ns();
		ASSERT_EQ(0, i % 2 ? host_unload() : unload(&refused));
		ns = host_now_ns() - begin_ns;
		max_ns = ns > max_ns ? ns : max_ns;
		/* Readers find it gone. */
		usleep((useconds_t)random_in(0, LIVE_US / 4));
		if (i % 2 == 0)
			ASSERT_EQ(0, stop_readers(self));
		EXPECT_EQ(0, residue_find(&self->residue, text));
		EXPECT_STREQ("", text);
		if (i % REPORT_EVERY == REPORT_EVERY - 1)
			TH_LOG("%u loads", i + 1);
	}
	ASSERT_EQ(0, residue_memory(&after));
	TH_LOG("%u loads, unloaded in %" PRIu64
	       " ms at most, refused %u times; reads %lu, %lu, %lu",
	       i, max_ns / 1000000, refused, self->reads[FILES], self->reads[PROGRAM],
	       self->reads[MAPS]);
	for (i = 0; i < READERS; i++)
		EXPECT_LT(0, self->reads[i]);
	TH_LOG("in %u of them memory has grown by:", LOADS);
	residue_show_memory(&before, &after);
	EXPECT_GT(UNLOAD_MAX_NS, max_ns);
	/* In a few loads it goes up and down by more than that; leak_test counts piece by piece. */
	if (host_is_long())
		EXPECT_FALSE(residue_is_leak(&before, &after, LOADS));
}

TEST_HARNESS_MAIN
