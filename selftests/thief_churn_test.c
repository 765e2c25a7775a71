// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that come and go while rows are read: none is blamed for what it did not do, and none that
 * has the slot of one that is gone for what that one did.
 *
 * A VM runs on the victim's CPU and is killed; the next one has its slot, and runs elsewhere.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "rival.h"

#define CPU 0
/* Each batch has a victim of its own, whose rows are all free. */
#define BATCHES (host_is_long() ? 20 : 1)
#define BATCH_VMS (host_is_long() ? 25 : 7)
#define LIVE_US 5000
#define READ_US 3000
#define HOG_US 300000

/**
 * struct churn - what the thread that reads is told, and what it found
 * @meter: the module
 * @slot: the victim's slot
 * @stop: it is to end
 * @victim: process id of the victim
 * @nr_guilty: how many of @guilty there are
 * @guilty: process ids of the VMs that ran on the victim's CPU
 * @copies: copies it took
 * @matched: rows in them that named a VM which was there
 * @reused: rows in them whose slot had another VM by then
 * @wrong: process id of one that was named and is not guilty; 0 if there was none
 */
struct churn {
	const struct meter *meter;
	unsigned int slot;
	atomic_bool stop;
	atomic_uint nr_guilty;
	pid_t guilty[64];
	uint64_t copies;
	uint64_t matched;
	uint64_t reused;
	uint32_t wrong;
};

static bool is_guilty(const struct churn *c, uint32_t pid)
{
	unsigned int i;

	for (i = 0; i < c->nr_guilty; i++)
		if ((uint32_t)c->guilty[i] == pid)
			return true;
	return false;
}

/* Process id of the VM that a row names; 0 if that is gone, or it names none. */
static uint32_t get_named_pid(const struct meter *m, const struct kvmeter_thief *thief)
{
	const struct kvmeter_vm *vm = m->map[KVMETER_MAP_VMS];
	uint32_t pid;

	if (thief->kind != KVMETER_THIEF_VM)
		return 0;
	vm += thief->vm;
	if (__atomic_load_n(&vm->gen, __ATOMIC_ACQUIRE) != thief->vm_gen)
		return 0;
	pid = __atomic_load_n(&vm->pid, __ATOMIC_ACQUIRE);
	return __atomic_load_n(&vm->gen, __ATOMIC_ACQUIRE) == thief->vm_gen ? pid : 0;
}

static bool is_slot_reused(const struct meter *m, const struct kvmeter_thief *thief)
{
	const struct kvmeter_vm *vm = m->map[KVMETER_MAP_VMS];
	uint32_t gen;

	if (thief->kind != KVMETER_THIEF_VM)
		return false;
	gen = __atomic_load_n(&vm[thief->vm].gen, __ATOMIC_ACQUIRE);
	return gen % 2 && gen != thief->vm_gen;
}

static void check_names(struct churn *c, const struct meter_vcpu *copy)
{
	uint32_t i, pid;

	for (i = 0; i < copy->v.nr_thieves; i++) {
		pid = get_named_pid(c->meter, &copy->thieves[i]);
		c->matched += !!pid;
		c->reused += is_slot_reused(c->meter, &copy->thieves[i]);
		if (pid && !is_guilty(c, pid))
			c->wrong = pid;
	}
}

static void *read_on(void *arg)
{
	struct meter_vcpu copy;
	struct churn *c = arg;
	uint64_t now_ns;

	while (!c->stop && !meter_read_slot(c->meter, c->slot, &copy, &now_ns)) {
		check_names(c, &copy);
		c->copies++;
		/* The VMs want some CPU time, too. */
		usleep(READ_US);
	}
	return NULL;
}

FIXTURE(churn)
{
	struct meter meter;
	int log;
	int other_cpu;
	bool elsewhere;
	struct churn churn;
};

FIXTURE_SETUP(churn)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, meter_open(&self->meter));
	self->elsewhere = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	self->other_cpu = self->elsewhere ? !CPU : CPU;
	ASSERT_EQ(0, host_pin(self->other_cpu));
}

FIXTURE_TEARDOWN(churn)
{
	char text[256];

	meter_close(&self->meter);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

/* Start a guest; returns its process id once it runs. */
static pid_t start_guest(const struct meter *meter, int cpu)
{
	struct rival rival = { .comm = "guest", .cpu = cpu };
	pid_t pid = rival_start_guest(&rival);
	int i;

	for (i = 0; pid > 0 && i < 10000; i++) {
		if (meter_pid_slot(meter, pid) >= 0)
			return pid;
		usleep(1000);
	}
	return pid < 0 ? pid : -ETIMEDOUT;
}

/* One VM that lives for a moment; where there is one CPU only, all are guilty. */
static int churn_once(FIXTURE_DATA(churn) * self, bool guilty)
{
	struct rival rival = { .comm = "guest", .cpu = guilty ? CPU : self->other_cpu };
	struct churn *c = &self->churn;
	pid_t pid;
	int i;

	pid = rival_start_guest(&rival);
	if (pid < 0)
		return pid;
	if (guilty || !self->elsewhere) {
		c->guilty[c->nr_guilty] = pid;
		c->nr_guilty++;
	}
	/* Some are killed before they ran. */
	for (i = 0; i < 100 * (int)host_slowness() && meter_pid_slot(&self->meter, pid) < 0; i++)
		usleep(1000);
	usleep(LIVE_US);
	return rival_stop(pid);
}

/* What VMs are blamed for, all of which are gone: a process now has the CPU, and nothing of it. */
static void check_gone(struct __test_metadata *_metadata, FIXTURE_DATA(churn) * self)
{
	struct rival rival = { .comm = "hog", .cpu = CPU };
	struct meter_vcpu first, last;
	uint64_t now_ns;
	pid_t pid;

	pid = rival_start_hog(&rival);
	ASSERT_LT(0, pid);
	/* A wait for one of them may have been in progress. */
	usleep(HOG_US);
	ASSERT_EQ(0, meter_read_slot(&self->meter, self->churn.slot, &first, &now_ns));
	usleep(HOG_US);
	ASSERT_EQ(0, meter_read_slot(&self->meter, self->churn.slot, &last, &now_ns));
	ASSERT_EQ(0, rival_stop(pid));
	meter_subtract_thieves(&last, &first);
	EXPECT_LT(0, last.v.steal_ns);
	EXPECT_EQ(0, meter_kind_ns(&last, KVMETER_THIEF_VM));
	EXPECT_NE(NULL, meter_process_thief(&last, "hog"));
}

static void run_batch(struct __test_metadata *_metadata, FIXTURE_DATA(churn) * self, bool is_last)
{
	struct churn *c = &self->churn;
	struct meter_vcpu copy;
	uint64_t blamed_ns, now_ns;
	pthread_t thread;
	pid_t victim;
	int i;

	victim = start_guest(&self->meter, CPU);
	ASSERT_LT(0, victim);
	c->meter = &self->meter;
	c->slot = (unsigned int)meter_pid_slot(&self->meter, victim);
	c->nr_guilty = 0;
	c->stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_on, c));
	for (i = 0; i < BATCH_VMS; i++)
		ASSERT_EQ(0, churn_once(self, i % 2 == 0));
	c->stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));

	ASSERT_EQ(0, meter_read_slot(&self->meter, c->slot, &copy, &now_ns));
	blamed_ns = meter_blamed_ns(&copy);
	EXPECT_LT(0, meter_kind_ns(&copy, KVMETER_THIEF_VM));
	EXPECT_LE(copy.v.steal_ns / 100 * 99, blamed_ns);
	EXPECT_GE(copy.v.steal_ns + copy.v.steal_ns / 100, blamed_ns);
	if (is_last)
		check_gone(_metadata, self);
	ASSERT_EQ(0, rival_stop(victim));
}

TEST_F_TIMEOUT(churn, no_stale_name, 300)
{
	uint64_t seen = meter_host(&self->meter)->vms_seen;
	int i;

	for (i = 0; i < BATCHES; i++)
		run_batch(_metadata, self, i == BATCHES - 1);
	TH_LOG("%d VMs came and went, %llu were seen; %" PRIu64 " copies, with %" PRIu64
	       " names of a VM that was there, and %" PRIu64 " of one whose slot had another",
	       BATCHES * BATCH_VMS, meter_host(&self->meter)->vms_seen - seen, self->churn.copies,
	       self->churn.matched, self->churn.reused);
	EXPECT_LT(0, self->churn.copies);
	EXPECT_LT(0, self->churn.matched);
	EXPECT_LT(0, self->churn.reused);
	EXPECT_EQ(0, self->churn.wrong);
	EXPECT_EQ(0, meter_wait_used(&self->meter, 0));
}

TEST_HARNESS_MAIN
