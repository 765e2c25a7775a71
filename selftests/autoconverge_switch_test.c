// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot's switches: the module parameter, KVMETER_AUTOCONVERGE, which of the two counts,
 * and every wrong way to use them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "bed.h"
#include "host.h"
#include "quota.h"

#define NOBODY 65534
#define WILD ((void *)0xdead000000000000UL)

FIXTURE(switches)
{
	struct bed bed;
};

FIXTURE_SETUP(switches)
{
	int ret = bed_init(&self->bed);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "this kernel lacks what a quota or rounds take");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(switches)
{
	bed_exit(&self->bed);
}

/* What DEFAULT means for a VM is the module parameter's to say, which is observe. */
TEST_F_TIMEOUT(switches, by_parameter, 300)
{
	struct bed *t = &self->bed;
	char mode[16];

	autoconverge_get_param(mode, sizeof(mode));
	EXPECT_STREQ("observe", mode);
	EXPECT_EQ(-EINVAL, autoconverge_set_param("bogus"));
	EXPECT_EQ(-EINVAL, autoconverge_set_param("onn"));
	EXPECT_EQ(-EINVAL, autoconverge_set_param("2"));
	EXPECT_EQ(-EINVAL, autoconverge_set_param("default"));
	EXPECT_EQ(-EINVAL, autoconverge_set_param("\n"));
	autoconverge_get_param(mode, sizeof(mode));
	EXPECT_STREQ("observe", mode);

	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_DEFAULT, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_start_writers(t));
	ASSERT_EQ(0, sender_start(&t->sender));
	ASSERT_EQ(KVMETER_WHY_HOLD, autoconverge_wait_why(&t->meter, t->slot, KVMETER_WHY_HOLD));
	EXPECT_EQ(KVMETER_AUTOCONVERGE_OBSERVE, bed_look(t)->mode);
	EXPECT_EQ(0, bed_quota_pages(t));
	/* It takes effect at once: in the migration that is on its way. */
	ASSERT_EQ(0, autoconverge_set_param("on\n"));
	EXPECT_EQ(0, autoconverge_wait_mode(&t->meter, t->slot, KVMETER_AUTOCONVERGE_ON));
	EXPECT_EQ(0, autoconverge_wait_quota(&t->meter, t->slot, true));
	autoconverge_get_param(mode, sizeof(mode));
	EXPECT_STREQ("on", mode);
	ASSERT_EQ(0, sender_join(&t->sender));
	TH_LOG("%s", bed_tell(t));
	EXPECT_TRUE(t->sender.converged);
	ASSERT_EQ(0, bed_stop_writers(t));

	/* And what was set for the VM goes before it. */
	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_OFF, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, bed_migrate(t));
	EXPECT_FALSE(t->sender.converged);
	EXPECT_EQ(KVMETER_AUTOCONVERGE_OFF, t->copy.mode);
	EXPECT_EQ(0, bed_check_free(t));
	ASSERT_EQ(0, autoconverge_set_param("off"));
	ASSERT_EQ(0, autoconverge_set_param("observe"));
}

static struct kvmeter_autoconverge good(const struct bed *t)
{
	return (struct kvmeter_autoconverge){
		.abi = KVMETER_ABI,
		.vm = t->slot,
		.vm_gen = t->shown->gen,
		.mode = KVMETER_AUTOCONVERGE_ON,
	};
}

static int try_set(const struct bed *t, struct kvmeter_autoconverge a)
{
	return ioctl(t->meter.dev, KVMETER_AUTOCONVERGE, &a) ? errno : 0;
}

TEST_F_TIMEOUT(switches, wrong_fields, 60)
{
	struct bed *t = &self->bed;
	static const uint64_t wrong_deadline_ns[] = {
		0, 1, BED_NS_PER_S - 1, 7 * 86400 * BED_NS_PER_S + 1, UINT64_MAX,
	};
	static const uint64_t deadline_ns[] = { BED_NS_PER_S, 7 * 86400 * BED_NS_PER_S };
	struct kvmeter_autoconverge a;
	unsigned int i;

	a = good(t);
	a.abi--;
	EXPECT_EQ(EINVAL, try_set(t, a));
	for (i = 0; i < 32; i++) {
		a = good(t);
		a.flags = 1U << i;
		EXPECT_EQ(EINVAL, try_set(t, a));
	}
	for (i = 0; i < ARRAY_SIZE(a.reserved); i++) {
		a = good(t);
		a.reserved[i] = 1;
		EXPECT_EQ(EINVAL, try_set(t, a));
	}
	a = good(t);
	a.mode = KVMETER_AUTOCONVERGE_DEFAULT + 1;
	EXPECT_EQ(EINVAL, try_set(t, a));
	a.mode = UINT32_MAX;
	EXPECT_EQ(EINVAL, try_set(t, a));
	a = good(t);
	a.goal = KVMETER_GOAL_DEADLINE + 1;
	EXPECT_EQ(EINVAL, try_set(t, a));
	/* A deadline without that goal, in whichever mode. */
	a = good(t);
	a.deadline_ns = BED_NS_PER_S;
	EXPECT_EQ(EINVAL, try_set(t, a));
	a.goal = KVMETER_GOAL_BYTES;
	a.mode = KVMETER_AUTOCONVERGE_OFF;
	EXPECT_EQ(EINVAL, try_set(t, a));
	for (i = 0; i < ARRAY_SIZE(wrong_deadline_ns); i++) {
		a = good(t);
		a.goal = KVMETER_GOAL_DEADLINE;
		a.deadline_ns = wrong_deadline_ns[i];
		EXPECT_EQ(EINVAL, try_set(t, a));
	}
	a = good(t);
	a.downtime_ns = 2000 * BED_NS_PER_S + 1;
	EXPECT_EQ(EINVAL, try_set(t, a));
	EXPECT_EQ(EFAULT, ioctl(t->meter.dev, KVMETER_AUTOCONVERGE, NULL) ? errno : 0);
	EXPECT_EQ(EFAULT, ioctl(t->meter.dev, KVMETER_AUTOCONVERGE, WILD) ? errno : 0);
	/* None of that has done anything. */
	ASSERT_EQ(0, bed_read_records(t));
	EXPECT_EQ(0, t->nr_records);

	for (i = 0; i < ARRAY_SIZE(deadline_ns); i++) {
		a = good(t);
		a.goal = KVMETER_GOAL_DEADLINE;
		a.deadline_ns = deadline_ns[i];
		a.downtime_ns = 2000 * BED_NS_PER_S;
		a.bandwidth = BED_BANDWIDTH * VMM_PAGE_BYTES;
		EXPECT_EQ(0, try_set(t, a));
	}
	ASSERT_EQ(0, bed_read_records(t));
	EXPECT_EQ(ARRAY_SIZE(deadline_ns), t->nr_records);
}

TEST_F_TIMEOUT(switches, wrong_vm, 60)
{
	struct bed *t = &self->bed;
	struct kvmeter_autoconverge a;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		a = good(t);
		a.mode = i;
		a.vm_gen += 2;
		EXPECT_EQ(ENOENT, try_set(t, a));
		a.vm_gen = 0;
		EXPECT_EQ(ENOENT, try_set(t, a));
		a.vm_gen = t->shown->gen;
		a.vm++;
		EXPECT_EQ(ENOENT, try_set(t, a));
		a.vm_gen = 0;
		EXPECT_EQ(ENOENT, try_set(t, a));
		a.vm_gen = t->shown->gen;
		a.vm = t->meter.info.map[KVMETER_MAP_VMS].max_entries;
		EXPECT_EQ(ENOENT, try_set(t, a));
		a.vm = UINT32_MAX;
		EXPECT_EQ(ENOENT, try_set(t, a));
	}
	ASSERT_EQ(0, bed_read_records(t));
	EXPECT_EQ(0, t->nr_records);
}

TEST_F_TIMEOUT(switches, without_privilege, 60)
{
	struct bed *t = &self->bed;
	struct kvmeter_autoconverge a = good(t);
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* The step that fails is the exit status. */
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		_exit(try_set(t, a) == EPERM ? 0 : 2);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, bed_read_records(t));
	EXPECT_EQ(0, t->nr_records);
}

TEST_HARNESS_MAIN
