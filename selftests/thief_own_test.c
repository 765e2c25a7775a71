// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal by what is the VM's own, waits after wake-ups apart from those after preemption, and what
 * debugfs has of all that; and nothing of it with the module parameter attribution=0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"
#include "rival.h"

#define CPU 0
#define BUSY_LOOPS 100003
#define WATCH_US 1000000
#define WAKES 1009
#define WAKE_US 200
/* What clocks read some instructions apart may differ by, besides 1 %. */
#define STEP_NS 100000
#define EXITS 1009
/* The host's own tasks have the rest: with checkers they take as much longer as it is slower. */
#define MOSTLY_PCT (host_slowness() > 1 ? 75 : 95)
#define DEBUGFS "/sys/kernel/debug/kvmeter/"
/* A name meant to look like more than one column, and more than one line. */
#define UGLY "a b\n0 \\OTHER"

/* A thread that has a vCPU do jobs. */
struct runner {
	struct vmm_vcpu *vcpu;
	int policy;
	const char *job;
	uint32_t nr;
	bool again;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool done;
	int ret;
};

FIXTURE(own)
{
	struct meter meter;
	struct vmm vm;
	unsigned int slot;
};

FIXTURE_SETUP(own)
{
	int slot;

	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init_irqchip(&self->vm, 2, 1));
	ASSERT_EQ(0, vmm_set_halt_poll(&self->vm, 0));
	ASSERT_EQ(0, host_pin(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? !CPU : CPU));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
	slot = meter_vcpu_slot(&self->meter, self->vm.fd, 0);
	ASSERT_LE(0, slot);
	self->slot = (unsigned int)slot;
}

FIXTURE_TEARDOWN(own)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static void *run_jobs(void *arg)
{
	struct sched_param param = {};
	struct runner *r = arg;

	r->ret = host_pin(CPU);
	if (!r->ret && sched_setscheduler(0, r->policy, &param))
		r->ret = -errno;
	if (!r->ret)
		do
			r->ret = vmm_run(r->vcpu, r->job, r->nr, 0, 0);
		while (!r->ret && r->again && !r->stop);
	r->done = true;
	return NULL;
}

static int start_runner(struct runner *r)
{
	return -pthread_create(&r->thread, NULL, run_jobs, r);
}

static int stop_runner(struct runner *r)
{
	r->stop = true;
	pthread_join(r->thread, NULL);
	return r->ret;
}

/* The steal of the first vCPU since an earlier copy. */
static int read_since(FIXTURE_DATA(own) * self, const struct meter_vcpu *first,
		      struct meter_vcpu *copy)
{
	uint64_t now_ns;
	int ret = meter_read_slot(&self->meter, self->slot, copy, &now_ns);

	meter_subtract_thieves(copy, first);
	return ret;
}

static int watch(FIXTURE_DATA(own) * self, struct meter_vcpu *copy)
{
	struct meter_vcpu first;
	uint64_t now_ns;
	int ret = meter_read_slot(&self->meter, self->slot, &first, &now_ns);

	usleep((useconds_t)WATCH_US);
	return ret ? ret : read_since(self, &first, copy);
}

/* Is a @pct % of b, at least? And within 1 % of it, at most? */
static bool is_most(uint64_t a, uint64_t b, unsigned int pct)
{
	return a + STEP_NS >= b / 100 * pct && a <= b + b / 100 + STEP_NS;
}

static uint64_t preempt_ns(const struct meter_vcpu *copy)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < copy->v.nr_thieves; i++)
		sum += copy->thieves[i].preempt_ns;
	return sum;
}

static void log_steal(struct __test_metadata *_metadata, const struct meter_vcpu *copy)
{
	uint32_t i;

	TH_LOG("steal %llu us, after wake-ups %llu us; %llu waits, %llu wake-ups",
	       copy->v.steal_ns / 1000, copy->v.wakeup_lat_ns / 1000, copy->v.steal_nr,
	       copy->v.wakeups);
	for (i = 0; i < copy->v.nr_thieves; i++)
		if (meter_thief_ns(&copy->thieves[i]))
			TH_LOG("kind %u comm '%.16s': preempt %llu us, wakeup %llu us",
			       copy->thieves[i].kind, copy->thieves[i].comm,
			       copy->thieves[i].preempt_ns / 1000,
			       copy->thieves[i].wakeup_ns / 1000);
	/* Each kind of wait adds up by itself. */
	EXPECT_LT(0, copy->v.steal_ns);
	EXPECT_TRUE(is_most(meter_blamed_ns(copy), copy->v.steal_ns, 99));
	EXPECT_TRUE(is_most(meter_blamed_ns(copy) - preempt_ns(copy), copy->v.wakeup_lat_ns, 99));
}

TEST_F_TIMEOUT(own, other_vcpu, 120)
{
	struct runner runner[2];
	struct meter_vcpu copy;
	uint64_t own_ns;
	int i;

	for (i = 0; i < 2; i++) {
		runner[i] = (struct runner){ .vcpu = &self->vm.vcpu[i],
					     .job = vmm_guest_busy,
					     .nr = BUSY_LOOPS,
					     .again = true };
		ASSERT_EQ(0, start_runner(&runner[i]));
	}
	ASSERT_EQ(0, watch(self, &copy));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, stop_runner(&runner[i]));
	log_steal(_metadata, &copy);
	EXPECT_LT(WATCH_US * 250ull, copy.v.steal_ns);
	own_ns = meter_kind_ns(&copy, KVMETER_THIEF_OWN_VCPU);
	EXPECT_TRUE(is_most(own_ns, copy.v.steal_ns, MOSTLY_PCT));
}

static void *compute(void *arg)
{
	atomic_bool *stop = arg;
	int ret = host_pin(CPU);

	while (!ret && !*stop)
		;
	return NULL;
}

TEST_F_TIMEOUT(own, vmm_thread, 120)
{
	struct runner runner = {
		.vcpu = &self->vm.vcpu[0], .job = vmm_guest_busy, .nr = BUSY_LOOPS, .again = true
	};
	atomic_bool stop = false;
	struct meter_vcpu copy;
	uint64_t own_ns;
	pthread_t thread;

	ASSERT_EQ(0, start_runner(&runner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, compute, &stop));
	ASSERT_EQ(0, watch(self, &copy));
	stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, stop_runner(&runner));
	log_steal(_metadata, &copy);
	EXPECT_LT(WATCH_US * 250ull, copy.v.steal_ns);
	own_ns = meter_kind_ns(&copy, KVMETER_THIEF_OWN_VMM);
	EXPECT_TRUE(is_most(own_ns, copy.v.steal_ns, MOSTLY_PCT));
}

static bool is_asleep(const struct kvmeter_vcpu *v)
{
	uint64_t since_ns = __atomic_load_n(&v->since_ns, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&v->state, __ATOMIC_ACQUIRE) == KVMETER_STATE_HALT &&
		__atomic_load_n(&v->wake_ns, __ATOMIC_ACQUIRE) <= since_ns;
}

/* Interrupts a vCPU whenever it sleeps, until it was woken often enough, and is through. */
static int wake_often(FIXTURE_DATA(own) * self, struct runner *r)
{
	const struct kvmeter_vcpu *v = self->meter.map[KVMETER_MAP_VCPUS];
	uint64_t first;
	int ret = 0;

	v += self->slot;
	first = v->wakeups;
	while (!ret && !r->done) {
		usleep(WAKE_US);
		if (is_asleep(v))
			ret = vmm_interrupt(&self->vm, 0);
		if (__atomic_load_n(&v->wakeups, __ATOMIC_ACQUIRE) - first >= WAKES)
			r->stop = true;
	}
	return ret;
}

/* What its VMM had of the CPU when it had been woken. */
static uint64_t own_wakeup_ns(const struct meter_vcpu *copy)
{
	uint64_t ns = 0;
	uint32_t i;

	for (i = 0; i < copy->v.nr_thieves; i++)
		if (copy->thieves[i].kind == KVMETER_THIEF_OWN_VMM)
			ns += copy->thieves[i].wakeup_ns;
	return ns;
}

/*
 * A batch task does not preempt at wake-up, so each time it waits for the hog to have had its
 * slice. Then it computes, and is preempted.
 */
TEST_F_TIMEOUT(own, wakes_against_a_hog, 120)
{
	struct runner runner = { .vcpu = &self->vm.vcpu[0],
				 .job = vmm_guest_hlt_irq,
				 .nr = 1,
				 .again = true,
				 .policy = SCHED_BATCH };
	struct rival rival = { .comm = "hog", .cpu = CPU };
	const struct kvmeter_thief *hog;
	struct meter_vcpu first, copy;
	uint64_t now_ns, woken_ns;
	pid_t pid;

	pid = rival_start_hog(&rival);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, meter_read_slot(&self->meter, self->slot, &first, &now_ns));
	ASSERT_EQ(0, start_runner(&runner));
	ASSERT_EQ(0, wake_often(self, &runner));
	ASSERT_EQ(0, stop_runner(&runner));
	ASSERT_EQ(0, read_since(self, &first, &copy));
	log_steal(_metadata, &copy);
	hog = meter_process_thief(&copy, "hog");
	ASSERT_NE(NULL, hog);
	EXPECT_LE(WAKES, copy.v.wakeups);
	EXPECT_LT(0, copy.v.wakeup_lat_ns);
	woken_ns = hog->wakeup_ns;
	/* It is this program that wakes it, which goes on if there is no other CPU for it. */
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		woken_ns += own_wakeup_ns(&copy);
	EXPECT_TRUE(is_most(woken_ns, copy.v.wakeup_lat_ns, MOSTLY_PCT));
	EXPECT_GE(copy.v.steal_ns - copy.v.wakeup_lat_ns + STEP_NS, hog->preempt_ns);

	runner.job = vmm_guest_busy;
	runner.nr = BUSY_LOOPS;
	runner.stop = false;
	ASSERT_EQ(0, start_runner(&runner));
	ASSERT_EQ(0, watch(self, &copy));
	ASSERT_EQ(0, stop_runner(&runner));
	ASSERT_EQ(0, rival_stop(pid));
	log_steal(_metadata, &copy);
	hog = meter_process_thief(&copy, "hog");
	ASSERT_NE(NULL, hog);
	EXPECT_TRUE(is_most(hog->preempt_ns, copy.v.steal_ns, MOSTLY_PCT));
	EXPECT_GT(copy.v.steal_ns / 10, hog->wakeup_ns);
}

/* Reads the VM's table; sums it by whether a line is of a process, and counts the lines. */
static int read_debugfs(int fd, uint64_t *processes_ns, uint64_t *others_ns, uint32_t *lines)
{
	unsigned long long preempt, wakeup;
	unsigned int vcpu, vm, gen;
	char path[sizeof(DEBUGFS) + 64], line[256], kind[16], comm[80], rest;
	FILE *f;
	int ret = 0;

	snprintf(path, sizeof(path), DEBUGFS "%d-%d/thieves", getpid(), fd);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f) ||
	    strcmp(line, "vcpu kind vm vm_gen comm preempt_ns wakeup_ns\n"))
		ret = -EPROTO;
	while (!ret && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%u %15s %u %u %79s %llu %llu %c", &vcpu, kind, &vm, &gen, comm,
			   &preempt, &wakeup, &rest) != 7 ||
		    !strcmp(kind, "PROCESS") == !strcmp(comm, "-"))
			ret = -EPROTO;
		*(strcmp(kind, "PROCESS") ? others_ns : processes_ns) += preempt + wakeup;
		(*lines)++;
	}
	fclose(f);
	if (ret)
		ksft_print_msg("not as agreed: %s", line);
	return ret;
}

/* The same figures as in the map, whatever name a process gave itself. */
TEST_F_TIMEOUT(own, debugfs, 120)
{
	struct runner runner = {
		.vcpu = &self->vm.vcpu[0], .job = vmm_guest_busy, .nr = BUSY_LOOPS, .again = true
	};
	struct rival rival = { .comm = UGLY, .cpu = CPU };
	uint64_t processes_ns = 0, others_ns = 0;
	struct meter_vcpu copy;
	uint32_t lines = 0;
	pid_t pid;

	pid = rival_start_hog(&rival);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, start_runner(&runner));
	usleep((useconds_t)WATCH_US);
	ASSERT_EQ(0, stop_runner(&runner));
	ASSERT_EQ(0, rival_stop(pid));

	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	log_steal(_metadata, &copy);
	EXPECT_NE(NULL, meter_process_thief(&copy, UGLY));
	ASSERT_EQ(0, read_debugfs(self->vm.fd, &processes_ns, &others_ns, &lines));
	EXPECT_LT(0, processes_ns);
	EXPECT_EQ(meter_kind_ns(&copy, KVMETER_THIEF_PROCESS), processes_ns);
	EXPECT_EQ(meter_blamed_ns(&copy) - processes_ns, others_ns);
	EXPECT_EQ(copy.v.nr_thieves, lines);
}

FIXTURE(off)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_SETUP(off)
{
	ASSERT_EQ(0, host_unload());
	ASSERT_EQ(0, host_load("attribution=0"));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
}

FIXTURE_TEARDOWN(off)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, host_load(""));
}

/* Exits and steal are counted all the same. */
TEST_F_TIMEOUT(off, nobody_is_blamed, 120)
{
	struct runner runner = {
		.vcpu = &self->vm.vcpu[0], .job = vmm_guest_busy, .nr = BUSY_LOOPS, .again = true
	};
	struct rival rival = { .comm = "hog", .cpu = CPU };
	struct meter_vcpu copy;
	uint32_t features;
	pid_t pid;

	features = meter_host(&self->meter)->features;
	EXPECT_EQ(0, features & (KVMETER_FEATURE_THIEF | KVMETER_FEATURE_LIMIT));
	pid = rival_start_hog(&rival);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, start_runner(&runner));
	usleep((useconds_t)WATCH_US);
	ASSERT_EQ(0, stop_runner(&runner));
	ASSERT_EQ(0, rival_stop(pid));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, EXITS, 0, 0));

	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_EQ(EXITS, meter_count(&copy, reason_of(VMX_CPUID, SVM_CPUID)));
	EXPECT_LT(WATCH_US * 250ull, copy.v.steal_ns);
	EXPECT_EQ(1, copy.v.nr_thieves);
	EXPECT_EQ(0, meter_thief_ns(&copy.thieves[0]));
}

TEST_HARNESS_MAIN
