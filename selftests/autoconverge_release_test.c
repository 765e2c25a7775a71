// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot lets go of a VM at once when there is no reason any more to hold it, or it may not;
 * and what others have set stays as it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>

#include <kselftest_harness.h>

#include "bed.h"
#include "host.h"
#include "quota.h"

#define SLICE_NS BED_MS
/* For a woken thread to get a CPU, as in quota_share_test. */
#define WAKE_NS (8 * BED_MS)
#define PATIENCE_US 10000000u
#define STEP_US 10000u

FIXTURE(release)
{
	struct bed bed;
};

FIXTURE_SETUP(release)
{
	int ret = bed_init(&self->bed);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "this kernel lacks what a quota or rounds take");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(release)
{
	bed_exit(&self->bed);
}

static int release_by_end(struct bed *t)
{
	return sender_stop(&t->sender);
}

static int release_by_off(struct bed *t)
{
	return bed_set(t, KVMETER_AUTOCONVERGE_OFF, KVMETER_GOAL_GENTLE);
}

static int release_by_observe(struct bed *t)
{
	return bed_set(t, KVMETER_AUTOCONVERGE_OBSERVE, KVMETER_GOAL_GENTLE);
}

static int release_by_parameter(struct bed *t)
{
	int ret = bed_set(t, KVMETER_AUTOCONVERGE_DEFAULT, KVMETER_GOAL_GENTLE);

	return ret ? ret : autoconverge_set_param("off");
}

static void check_release(struct __test_metadata *_metadata, struct bed *t,
			  int (*release)(struct bed *t))
{
	uint64_t ns;

	/* It is released by that, and not by a look at the mode that was there already. */
	if (release == release_by_parameter)
		ASSERT_EQ(0, autoconverge_set_param("on"));
	ASSERT_EQ(0, bed_hold(t));
	ASSERT_EQ(0, release(t));
	ns = bed_parked_ns(t);
	TH_LOG("parked for %" PRIu64 " us after that", ns / 1000);
	EXPECT_GE(SLICE_NS + WAKE_NS, ns);
	EXPECT_EQ(0, bed_quota_pages(t));
	EXPECT_EQ(0, bed_look(t)->autopilot_pages);
	EXPECT_EQ(0, quota_shares(&t->meter, t->vm.fd));
	if (release != release_by_end)
		ASSERT_EQ(0, sender_stop(&t->sender));
	ASSERT_EQ(0, bed_stop_writers(t));
	EXPECT_EQ(0, bed_check_free(t));
	ASSERT_EQ(0, autoconverge_set_param("observe"));
}

TEST_F_TIMEOUT(release, end_releases, 300)
{
	struct bed *t = &self->bed;

	check_release(_metadata, t, release_by_end);
}

TEST_F_TIMEOUT(release, off_releases, 300)
{
	struct bed *t = &self->bed;

	check_release(_metadata, t, release_by_off);
	EXPECT_EQ(0, bed_read_records(t));
	EXPECT_LT(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_SWITCHED_OFF));
}

TEST_F_TIMEOUT(release, observe_releases, 300)
{
	struct bed *t = &self->bed;

	check_release(_metadata, t, release_by_observe);
}

TEST_F_TIMEOUT(release, parameter_releases, 300)
{
	struct bed *t = &self->bed;

	check_release(_metadata, t, release_by_parameter);
}

/* The VM may dirty the lesser of the two, and keeps its user's quota when the migration is over. */
TEST_F_TIMEOUT(release, quota_of_the_user, 300)
{
	struct bed *t = &self->bed;
	const uint64_t more = 100 * BED_BANDWIDTH;
	uint64_t ours;

	ASSERT_EQ(0, quota_set(&t->meter, t->vm.fd, more));
	ASSERT_EQ(0, bed_hold(t));
	ours = bed_look(t)->autopilot_pages;
	EXPECT_LT(0, ours);
	EXPECT_GT(BED_BANDWIDTH, ours);
	EXPECT_EQ(ours, bed_quota_pages(t));
	EXPECT_EQ(more, t->shown->user_quota_pages);
	/* The lesser: at once, and back. */
	ASSERT_EQ(0, quota_set(&t->meter, t->vm.fd, QUOTA_LEAST_PAGES));
	EXPECT_EQ(QUOTA_LEAST_PAGES, bed_quota_pages(t));
	usleep(BED_WATCH_US);
	EXPECT_EQ(QUOTA_LEAST_PAGES, bed_quota_pages(t));
	EXPECT_LT(QUOTA_LEAST_PAGES, bed_look(t)->autopilot_pages);
	ASSERT_EQ(0, quota_set(&t->meter, t->vm.fd, 0));
	EXPECT_EQ(0, t->shown->user_quota_pages);
	EXPECT_LT(QUOTA_LEAST_PAGES, bed_quota_pages(t));
	EXPECT_GT(BED_BANDWIDTH, bed_quota_pages(t));
	ASSERT_EQ(0, quota_set(&t->meter, t->vm.fd, more));
	EXPECT_GT(BED_BANDWIDTH, bed_quota_pages(t));

	ASSERT_EQ(0, sender_stop(&t->sender));
	ASSERT_EQ(0, autoconverge_wait_state(&t->meter, t->slot, KVMETER_MIGRATION_ENDED));
	EXPECT_EQ(0,
		  autoconverge_wait_why(&t->meter, t->slot, KVMETER_WHY_ENDED) - KVMETER_WHY_ENDED);
	EXPECT_EQ(more, bed_quota_pages(t));
	EXPECT_EQ(more, t->shown->user_quota_pages);
	EXPECT_EQ(0, bed_look(t)->autopilot_pages);
	ASSERT_EQ(0, quota_set(&t->meter, t->vm.fd, 0));
	ASSERT_EQ(0, bed_stop_writers(t));
	EXPECT_EQ(0, bed_check_free(t));
}

/* No quota on a VM whose vCPUs the VMM has stopped; and it is there again when they go on. */
TEST_F_TIMEOUT(release, stopped_vm, 300)
{
	struct bed *t = &self->bed;

	ASSERT_EQ(0, bed_hold(t));
	ASSERT_EQ(0, bed_stop_writers(t));
	EXPECT_EQ(KVMETER_WHY_STOPPED,
		  autoconverge_wait_why(&t->meter, t->slot, KVMETER_WHY_STOPPED));
	EXPECT_EQ(0, autoconverge_wait_quota(&t->meter, t->slot, false));
	EXPECT_EQ(0, bed_look(t)->autopilot_pages);
	EXPECT_EQ(KVMETER_MIGRATION_RUNNING, t->copy.state);
	ASSERT_EQ(0, bed_start_writers(t));
	EXPECT_EQ(0, autoconverge_wait_quota(&t->meter, t->slot, true));
	ASSERT_EQ(0, sender_stop(&t->sender));
	ASSERT_EQ(0, bed_stop_writers(t));
	EXPECT_EQ(0, bed_check_free(t));
}

/* A VMM of another process, with a migration on its way that is held. */
static void run_remote(void)
{
	struct sender s = { .bandwidth = BED_BANDWIDTH, .later_bandwidth = BED_SLOW_BANDWIDTH };
	struct meter m;
	struct writer w;
	struct vmm vm;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (meter_open(&m) || vmm_init(&vm, 1, BED_RAM_PAGES - VMM_DATA_GFN))
		_exit(1);
	writer_init(&w, &vm, 0);
	writer_add_pages(&w, WRITERS_GFN, BED_PAGES);
	s.meter = &m;
	s.vm = &vm;
	s.rounds_max = SENDER_ROUNDS_MAX;
	if (writer_start(&w, true))
		_exit(1);
	/* Its slots are to be known. */
	usleep(BED_WATCH_US);
	if (sender_start(&s))
		_exit(1);
	sender_join(&s);
	_exit(1);
}

static int wait_slot_of(const struct meter *m, pid_t pid)
{
	const struct kvmeter_vcpu *v = m->map[KVMETER_MAP_VCPUS];
	unsigned int us;
	int slot;

	for (us = 0; us < PATIENCE_US; us += STEP_US) {
		slot = meter_pid_slot(m, pid);
		if (slot >= 0)
			return (int)v[slot].vm;
		usleep(STEP_US);
	}
	return -ETIMEDOUT;
}

/* Killed in it: all of it goes with it, and the next VM in its slot begins with nothing. */
TEST_F_TIMEOUT(release, vmm_killed, 300)
{
	struct bed *t = &self->bed;
	const struct kvmeter_vm *vms = t->meter.map[KVMETER_MAP_VMS];
	const struct kvmeter_audit *end;
	uint32_t slot, gen;
	struct vmm vm;
	pid_t pid;
	int ret;

	ASSERT_EQ(0, autoconverge_set_param("on"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		run_remote();
	ret = wait_slot_of(&t->meter, pid);
	ASSERT_LE(0, ret);
	slot = (uint32_t)ret;
	gen = vms[slot].gen;
	ASSERT_EQ(0, autoconverge_wait_quota(&t->meter, slot, true));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(1, meter_wait_used(&t->meter, 1));
	EXPECT_EQ(0, vms[slot].quota_pages);
	autoconverge_copy(&t->meter, slot, &t->copy);
	EXPECT_NE(KVMETER_MIGRATION_RUNNING, t->copy.state);
	EXPECT_EQ(0, t->copy.autopilot_pages);
	usleep(BED_WATCH_US);

	ASSERT_EQ(0, bed_read_records(t));
	ASSERT_LT(0, t->nr_records);
	end = &t->record[t->nr_records - 1];
	EXPECT_EQ(KVMETER_AUDIT_END, end->kind);
	EXPECT_EQ(KVMETER_WHY_GONE, end->why);
	EXPECT_EQ(pid, end->pid);
	EXPECT_EQ(slot, end->vm);
	EXPECT_EQ(gen, end->vm_gen);
	EXPECT_EQ(0, end->quota_pages);
	/* Dying may take so long that it is taken for stopped before it is gone. */
	if (t->nr_records > 1 && end[-1].why == KVMETER_WHY_STOPPED)
		end--;
	EXPECT_LT(0, end->before_pages);
	EXPECT_EQ(0, end->quota_pages);

	/* The parameter is still on. */
	ASSERT_EQ(0, vmm_init(&vm, 1, BED_PAGES));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
	ASSERT_EQ((int)slot, autoconverge_slot(&t->meter, vm.fd));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&t->meter, vm.fd));
	ASSERT_EQ(0, vmm_set_log(&vm, true));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_write, BED_PAGES - 1, VMM_DATA_ADDR, 1));
	EXPECT_EQ(0, vms[slot].quota_pages);
	EXPECT_EQ(0, quota_shares(&t->meter, vm.fd));
	autoconverge_copy(&t->meter, slot, &t->copy);
	EXPECT_EQ(KVMETER_MIGRATION_NONE, t->copy.state);
	vmm_exit(&vm);
	ASSERT_EQ(0, autoconverge_set_param("observe"));
}

TEST_HARNESS_MAIN
