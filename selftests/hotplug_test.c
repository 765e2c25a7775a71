// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU is switched off under vCPUs that run on it, wait for it, or are parked by a quota there, at
 * any moment, and on again: no time is lost or counted twice, steal is what the kernel says that it
 * is, and is blamed. Loads and unloads the module, also with a CPU off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "random.h"
#include "reason.h"
#include "residue.h"
#include "rival.h"
#include "writers.h"

#define ROUNDS (host_is_long() ? 200u : 11u)
#define CPU 1
#define SWITCH "/sys/devices/system/cpu/cpu1/online"
#define BUSY_LOOPS 100003
#define EVENTS 1009
#define PAGES 307u
#define QUOTA_PAGES 64u
#define CLEAN_US 20000
#define SETTLE_US 100000
/* For so long they are on the CPU before it goes, and without it. */
#define LIVE_US (40000 * host_slowness())
#define GONE_US (30000 * host_slowness())
/* As in steal_test: how far steal may be from the run delay, besides 1 %, for each round. */
#define SLACK_NS 1000000

/* What a vCPU does: two that compute, and wait for each other and a process, and one that writes.
 */
enum { BUSY, WAITING, PARKED, VCPUS };

/**
 * struct runner - a vCPU
 * @meter: the module
 * @vm: its VM
 * @id: the vCPU
 * @barrier: where all meet once @first is taken
 * @thread: what it runs in
 * @tid: of that
 * @stop: it is to end
 * @first: at the beginning
 * @last: at the end
 * @ret: 0, or what went wrong
 */
struct runner {
	const struct meter *meter;
	struct vmm *vm;
	unsigned int id;
	pthread_barrier_t *barrier;
	pthread_t thread;
	atomic_int tid;
	atomic_bool stop;
	struct meter_instant first, last;
	int ret;
};

FIXTURE(hotplug)
{
	struct meter meter;
	int log;
	struct residue residue;
	struct vmm vm;
	pthread_barrier_t barrier;
	struct runner runner[VCPUS];
	struct quota_cleaner cleaner;
	pid_t hog;
};

static int switch_cpu(bool on)
{
	return host_write(SWITCH, 0, on ? "1" : "0");
}

static bool has_switch(void)
{
	return !access(SWITCH, W_OK);
}

/*
 * Where CPU 0 alone remains, the kernel says of each that was bound to the other that it is not, as
 * long as that is not too often.
 */
static void check_log(struct __test_metadata *_metadata, int log)
{
	char text[RESIDUE_TEXT_SIZE];

	while (host_log_next(log, text, sizeof(text)) > 0)
		if (!strstr(text, "no longer affine") && !strstr(text, "select_fallback_rq: "))
			EXPECT_STREQ("", text);
}

FIXTURE_SETUP(hotplug)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_FALSE(host_is_loaded());
	random_begin("KVMETER_SEED");
	TH_LOG("seed %llu", random_seed);
	/* Reading the kernel's own list of symbols takes a moment. */
	ASSERT_EQ(0, residue_begin(&self->residue));
}

FIXTURE_TEARDOWN(hotplug)
{
	char text[RESIDUE_TEXT_SIZE];

	if (has_switch())
		switch_cpu(true);
	if (host_is_loaded())
		EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, residue_find(&self->residue, text));
	EXPECT_STREQ("", text);
	check_log(_metadata, self->log);
	close(self->log);
	residue_end(&self->residue);
}

/* Move a thread, or a process that has one, to CPU 1; or let it be on both. */
static int bind(pid_t tid, bool both)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(CPU, &set);
	if (both)
		CPU_SET(!CPU, &set);
	return sched_setaffinity(tid, sizeof(set), &set) ? -errno : 0;
}

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;

	r->tid = gettid();
	r->ret = meter_take_instant(r->meter, r->vm, r->id, &r->first);
	pthread_barrier_wait(r->barrier);
	while (!r->ret && !r->stop)
		r->ret = r->id == PARKED
			? vmm_run(&r->vm->vcpu[r->id], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1)
			: vmm_run(&r->vm->vcpu[r->id], vmm_guest_busy, BUSY_LOOPS, 0, 0);
	if (!r->ret)
		r->ret = meter_take_instant(r->meter, r->vm, r->id, &r->last);
	return NULL;
}

static int start_all(FIXTURE_DATA(hotplug) * self)
{
	struct rival hog = { .comm = "hog", .cpu = CPU };
	unsigned int i;
	int ret;

	pthread_barrier_init(&self->barrier, NULL, VCPUS + 1);
	for (i = 0; i < VCPUS; i++) {
		self->runner[i] = (struct runner){
			.meter = &self->meter,
			.vm = &self->vm,
			.id = i,
			.barrier = &self->barrier,
		};
		if (pthread_create(&self->runner[i].thread, NULL, run_vcpu, &self->runner[i]))
			return -EAGAIN;
	}
	pthread_barrier_wait(&self->barrier);
	ret = vmm_set_log(&self->vm, true);
	if (!ret)
		ret = quota_start_cleaner(&self->cleaner, &self->vm, CLEAN_US);
	if (!ret)
		ret = quota_set(&self->meter, self->vm.fd, QUOTA_PAGES);
	self->hog = rival_start_hog(&hog);
	return self->hog < 0 ? self->hog : ret;
}

static int stop_all(FIXTURE_DATA(hotplug) * self)
{
	int ret, err = 0;
	unsigned int i;

	ret = rival_stop(self->hog);
	if (!ret)
		ret = quota_set(&self->meter, self->vm.fd, 0);
	for (i = 0; i < VCPUS; i++)
		self->runner[i].stop = true;
	for (i = 0; i < VCPUS; i++) {
		pthread_join(self->runner[i].thread, NULL);
		err = self->runner[i].ret ? self->runner[i].ret : err;
	}
	if (!ret)
		ret = quota_stop_cleaner(&self->cleaner);
	return ret ? ret : err;
}

/* All, or some, are on CPU 1 when it goes; some could not be elsewhere. */
static int take_cpu(FIXTURE_DATA(hotplug) * self)
{
	unsigned int i;
	int ret;

	ret = bind(self->hog, false);
	for (i = 0; !ret && i < VCPUS; i++)
		if (random_in(0, 4))
			ret = bind(self->runner[i].tid, false);
	usleep((useconds_t)random_in(0, LIVE_US));
	for (i = 0; !ret && i < VCPUS; i++)
		if (random_in(0, 3))
			ret = bind(self->runner[i].tid, true);
	if (!ret)
		ret = switch_cpu(false);
	usleep((useconds_t)random_in(0, GONE_US));
	if (!ret)
		ret = switch_cpu(true);
	usleep((useconds_t)random_in(0, GONE_US / 4));
	return ret;
}

static uint64_t part(uint64_t ns, uint64_t parts)
{
	return ns / parts;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static void check_vcpu(struct __test_metadata *_metadata, const struct runner *r)
{
	const struct kvmeter_vcpu *a = &r->first.copy.v, *b = &r->last.copy.v;
	uint64_t delay_ns = r->last.run_delay_ns - r->first.run_delay_ns;
	uint64_t wall_ns = r->last.wall_ns - r->first.wall_ns;
	uint64_t ledger_ns = meter_ledger_ns(&r->last.copy) - meter_ledger_ns(&r->first.copy);
	uint64_t steal_ns = b->steal_ns - a->steal_ns, waits = b->steal_nr - a->steal_nr;
	struct meter_vcpu grown = r->last.copy;
	const struct kvmeter_thief *t;
	uint64_t blamed_ns;

	meter_subtract_thieves(&grown, &r->first.copy);
	blamed_ns = meter_blamed_ns(&grown);
	TH_LOG("vcpu %u: wall %" PRIu64 " us, ledger %" PRIu64 " us; schedstat %" PRIu64
	       ", steal %" PRIu64 " in %" PRIu64 ", blamed %" PRIu64 " us; throttled %llu us",
	       r->id, wall_ns / 1000, ledger_ns / 1000, delay_ns / 1000, steal_ns / 1000, waits,
	       blamed_ns / 1000, (b->throttle_ns - a->throttle_ns) / 1000);
	/* Each is exact up to the entry at which it was taken, which wall time is a little behind.
	 */
	EXPECT_EQ(b->since_ns - b->first_ns, meter_ledger_ns(&r->last.copy));
	EXPECT_GE(part(wall_ns, 1000) + SLACK_NS, distance(wall_ns, ledger_ns));
	EXPECT_TRUE(meter_has_run_delay(&r->first, &r->last));
	EXPECT_GE(part(delay_ns, 100) + ROUNDS * SLACK_NS + waits * host_wait_slack_ns(),
		  distance(delay_ns, steal_ns));
	EXPECT_GE(part(steal_ns, 100) + SLACK_NS, distance(steal_ns, blamed_ns));
	for (t = grown.thieves; t < grown.thieves + grown.v.nr_thieves; t++)
		EXPECT_LT(t->kind, KVMETER_THIEF_NR);
}

TEST_F_TIMEOUT(hotplug, under_vcpus, 1800)
{
	struct meter_vcpu *waited;
	unsigned int i;

	if (!has_switch())
		SKIP(return, "there is no CPU to be switched off");
	ASSERT_EQ(0, host_load(""));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, PAGES));
	ASSERT_EQ(0, start_all(self));
	for (i = 0; i < ROUNDS; i++)
		ASSERT_EQ(0, take_cpu(self));
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, bind(self->runner[i].tid, true));
	ASSERT_EQ(0, stop_all(self));
	TH_LOG("CPU %d was switched off %u times", CPU, ROUNDS);
	for (i = 0; i < VCPUS; i++)
		check_vcpu(_metadata, &self->runner[i]);
	/* What it was about took place. */
	waited = &self->runner[WAITING].last.copy;
	EXPECT_LT(0, waited->v.steal_ns);
	EXPECT_LT(0, meter_kind_ns(waited, KVMETER_THIEF_OWN_VCPU));
	EXPECT_NE(NULL, meter_process_thief(waited, "hog"));
	if (meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA)
		EXPECT_LT(0, self->runner[PARKED].last.copy.v.throttle_ns);
	EXPECT_LT(0, self->runner[BUSY].last.copy.v.cpu_moves);
	vmm_exit(&self->vm);
	EXPECT_EQ(0, meter_wait_used(&self->meter, 0));
	meter_close(&self->meter);
}

/* What is kept for each CPU is there for those that come later. */
TEST_F_TIMEOUT(hotplug, loaded_without_it, 120)
{
	struct meter_vcpu copy;
	struct rival guest = { .comm = "guest", .cpu = CPU };
	unsigned int i;
	pid_t pid;

	if (!has_switch())
		SKIP(return, "there is no CPU to be switched off");
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, switch_cpu(false));
		ASSERT_EQ(0, host_load(""));
		ASSERT_EQ(0, switch_cpu(true));
		ASSERT_EQ(0, meter_open(&self->meter));
		ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
		ASSERT_EQ(0, host_pin(CPU));
		pid = rival_start_guest(&guest);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
		ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
		EXPECT_EQ(EVENTS, meter_count(&copy, reason_of(VMX_CPUID, SVM_CPUID)));
		EXPECT_EQ(CPU, copy.v.cpu);
		ASSERT_EQ(0, rival_stop(pid));
		vmm_exit(&self->vm);
		ASSERT_EQ(0, bind(0, true));
		meter_close(&self->meter);
		ASSERT_EQ(0, switch_cpu(false));
		ASSERT_EQ(0, host_unload());
		ASSERT_EQ(0, switch_cpu(true));
	}
}

TEST_HARNESS_MAIN
