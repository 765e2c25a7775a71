// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal is blamed on who caused it: another VM, a process, the own CPU limit, the own vCPUs and
 * VMM; with the share that the set-up gives each; after preemption and after wake-ups; wherever the
 * vCPU is moved while it waits; and whatever names processes give themselves.
 *
 * The test itself looks on from another CPU, where there is one.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "rival.h"

#define CPU 0
#define WATCH_NS 2000000000ull
/* What is left of waits in progress when all rivals are gone. */
#define SETTLE_US 100000
/* Most that a share may be from what the set-up gives, in points. */
#define POINTS 5.0
#define STEAL_MIN_PCT 30

/* The own limit: of each period, and in how many of them it is watched. */
#define QUOTA_PCT 20
#define PERIOD_US 500000
#define PERIODS 10

/*
 * All at once: what the CPU time of each is in proportion to, by the kernel's weights of their nice
 * levels (sched_prio_to_weight); the victim's is that of its cgroup. Periods are long, as each
 * begins with some credit for having slept, and the victim's share is large, so that it is spent.
 */
#define ALL_QUOTA_PCT 40
#define ALL_PERIOD_US 1000000
#define ALL_PERIODS 6
#define VICTIM_NICE (-5)
#define VICTIM_WEIGHT 3121.0
#define GUEST_WEIGHT 1024.0
#define HOG_NICE 3
#define HOG_WEIGHT 526.0

#define MOVES 47
/* To move it takes so long on a kernel with checkers that a rival has to have more in between. */
#define MOVE_US (host_slowness() > 1 ? 80000 : 40000)
/* Of that, how long it waits on each CPU. */
#define MOVE_PCT_0 30
#define MOVE_PCT_1 70

/* clang-format off */
#define FOR_EACH_THIEF(t, copy) \
	for ((t) = (copy)->thieves; (t) < (copy)->thieves + (copy)->v.nr_thieves; (t)++)
/* clang-format on */

FIXTURE(thief)
{
	struct meter meter;
	int autogroup;
	pid_t victim;
	unsigned int slot;
	struct meter_vcpu first;
	uint64_t first_ns;
};

static int open_meter(struct meter *meter, int *autogroup)
{
	int ret = meter_open(meter);

	if (ret)
		return ret;
	if (!(meter_host(meter)->features & KVMETER_FEATURE_THIEF))
		return -EOPNOTSUPP;
	*autogroup = rival_set_autogroup(false);
	if (*autogroup < 0)
		return *autogroup;
	return host_pin(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? !CPU : CPU);
}

FIXTURE_SETUP(thief)
{
	ASSERT_EQ(0, open_meter(&self->meter, &self->autogroup));
}

FIXTURE_TEARDOWN(thief)
{
	if (self->victim > 0)
		EXPECT_EQ(0, rival_stop(self->victim));
	rival_exit_limit();
	EXPECT_LE(0, rival_set_autogroup(self->autogroup));
	meter_close(&self->meter);
}

/* The slot of a guest that was started, once it runs. */
static int wait_for_guest(const struct meter *meter, pid_t pid)
{
	int slot;

	do {
		usleep(1000);
		slot = meter_pid_slot(meter, pid);
	} while (slot < 0 && !kill(pid, 0));
	return slot;
}

static int start_victim(FIXTURE_DATA(thief) * self, int policy)
{
	struct rival rival = { .comm = "victim", .cpu = CPU, .policy = policy };
	int slot;

	self->victim = rival_start_guest(&rival);
	if (self->victim < 0)
		return self->victim;
	slot = wait_for_guest(&self->meter, self->victim);
	self->slot = (unsigned int)slot;
	return slot < 0 ? slot : 0;
}

/* What is known of the vCPU of a rival's guest. */
static int get_vcpu(const struct meter *meter, pid_t pid, struct kvmeter_vcpu *vcpu)
{
	int slot = wait_for_guest(meter, pid);

	if (slot >= 0)
		*vcpu = ((const struct kvmeter_vcpu *)meter->map[KVMETER_MAP_VCPUS])[slot];
	return slot < 0 ? slot : 0;
}

static int begin_watch(FIXTURE_DATA(thief) * self)
{
	return meter_read_slot(&self->meter, self->slot, &self->first, &self->first_ns);
}

/* The steal since begin_watch(). */
static int end_watch(FIXTURE_DATA(thief) * self, struct meter_vcpu *copy)
{
	uint64_t now_ns;
	int ret = meter_read_slot(&self->meter, self->slot, copy, &now_ns);

	meter_subtract_thieves(copy, &self->first);
	return ret;
}

static int watch(FIXTURE_DATA(thief) * self, uint64_t ns, struct meter_vcpu *copy)
{
	int ret = begin_watch(self);

	usleep((useconds_t)(ns / 1000));
	return ret ? ret : end_watch(self, copy);
}

static double share_pct(const struct meter_vcpu *copy, uint64_t ns)
{
	return copy->v.steal_ns ? 100.0 * (double)ns / (double)copy->v.steal_ns : 0;
}

static double thief_pct(const struct meter_vcpu *copy, const struct kvmeter_thief *thief)
{
	return thief ? share_pct(copy, meter_thief_ns(thief)) : 0;
}

static bool is_near_pct(double pct, double expected, double points)
{
	return pct >= expected - points && pct <= expected + points;
}

/* What holds whoever steals: the rows add up to the steal, and are no more than there can be. */
static void check_thieves(struct __test_metadata *_metadata, const struct meter_vcpu *copy)
{
	uint64_t blamed = meter_blamed_ns(copy);
	const struct kvmeter_thief *t;

	TH_LOG("steal %llu us in %llu waits, %llu of them after a wake-up, blamed %" PRIu64 " us:",
	       copy->v.steal_ns / 1000, copy->v.steal_nr, copy->v.wakeups, blamed / 1000);
	FOR_EACH_THIEF(t, copy)
	{
		if (meter_thief_ns(t))
			TH_LOG("kind %u vm %u/%u '%.16s': %.1f %%, preempt %llu wakeup %llu us",
			       t->kind, t->vm, t->vm_gen, t->comm, thief_pct(copy, t),
			       t->preempt_ns / 1000, t->wakeup_ns / 1000);
		EXPECT_LT(t->kind, KVMETER_THIEF_NR);
		EXPECT_EQ(t->kind == KVMETER_THIEF_PROCESS, t->comm[0] != '\0');
		EXPECT_EQ(t->kind == KVMETER_THIEF_VM, t->vm_gen % 2);
	}
	EXPECT_LE(1, copy->v.nr_thieves);
	EXPECT_GE(KVMETER_THIEF_ROWS, copy->v.nr_thieves);
	EXPECT_EQ(KVMETER_THIEF_OTHER, copy->thieves[0].kind);
	EXPECT_LT(0, copy->v.steal_ns);
	EXPECT_TRUE(is_near_pct(share_pct(copy, blamed), 100, 1));
}

/* clang-format off */
#define EXPECT_PCT(expected, pct) do { \
	TH_LOG(#pct ": %.1f %%, expected %.1f %%", (double)(pct), (double)(expected)); \
	EXPECT_TRUE(is_near_pct(pct, expected, POINTS)); \
} while (0)
/* clang-format on */

TEST_F_TIMEOUT(thief, noisy_guest, 120)
{
	struct rival rival = { .comm = "noisy", .cpu = CPU };
	struct kvmeter_vcpu noisy;
	struct meter_vcpu copy;
	pid_t pid;

	ASSERT_EQ(0, start_victim(self, SCHED_OTHER));
	pid = rival_start_guest(&rival);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, get_vcpu(&self->meter, pid, &noisy));
	ASSERT_EQ(0, watch(self, WATCH_NS, &copy));
	ASSERT_EQ(0, rival_stop(pid));

	check_thieves(_metadata, &copy);
	EXPECT_LT(WATCH_NS / 100 * STEAL_MIN_PCT, copy.v.steal_ns);
	EXPECT_PCT(100, thief_pct(&copy, meter_vm_thief(&copy, &noisy)));
}

TEST_F_TIMEOUT(thief, host_hog, 120)
{
	struct rival rival = { .comm = "hog", .cpu = CPU };
	struct meter_vcpu copy;
	pid_t pid;

	ASSERT_EQ(0, start_victim(self, SCHED_OTHER));
	pid = rival_start_hog(&rival);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, watch(self, WATCH_NS, &copy));
	ASSERT_EQ(0, rival_stop(pid));

	check_thieves(_metadata, &copy);
	EXPECT_LT(WATCH_NS / 100 * STEAL_MIN_PCT, copy.v.steal_ns);
	EXPECT_PCT(100, thief_pct(&copy, meter_process_thief(&copy, "hog")));
	EXPECT_EQ(0, meter_kind_ns(&copy, KVMETER_THIEF_VM));
}

/* Nobody else wants the CPU. */
TEST_F_TIMEOUT(thief, own_limit, 120)
{
	uint64_t throttled_us, limit_ns;
	struct meter_vcpu copy;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_LIMIT))
		SKIP(return, "the own limit is not told from others on this host");
	ASSERT_EQ(0, start_victim(self, SCHED_OTHER));
	ASSERT_EQ(0, rival_init_limit(PERIOD_US / 100 * QUOTA_PCT, PERIOD_US));
	ASSERT_EQ(0, rival_add_limit(self->victim, false));
	usleep(PERIOD_US);
	throttled_us = rival_throttled_us();
	ASSERT_EQ(0, watch(self, PERIODS * PERIOD_US * 1000ull, &copy));
	throttled_us = rival_throttled_us() - throttled_us;

	check_thieves(_metadata, &copy);
	EXPECT_LT(PERIODS * PERIOD_US * 10ull * (90 - QUOTA_PCT), copy.v.steal_ns);
	limit_ns = meter_kind_ns(&copy, KVMETER_THIEF_LIMIT);
	EXPECT_PCT(share_pct(&copy, throttled_us * 1000), share_pct(&copy, limit_ns));
	EXPECT_PCT(100, share_pct(&copy, limit_ns));
}

/*
 * Until its quota is used up, the victim gets its share of the CPU and the others theirs; then it
 * waits for the next period, whoever runs. The limit is that of a cgroup above its own.
 */
TEST_F_TIMEOUT(thief, all_at_once, 120)
{
	const double others = GUEST_WEIGHT + HOG_WEIGHT;
	const double contended_pct = ALL_QUOTA_PCT * others / VICTIM_WEIGHT;
	const double others_pct = 100 * contended_pct / (100 - ALL_QUOTA_PCT);
	struct rival hog = { .comm = "hog", .cpu = CPU, .nice = HOG_NICE };
	struct rival guest = { .comm = "noisy", .cpu = CPU };
	uint64_t throttled_us, limit_ns;
	struct kvmeter_vcpu noisy;
	struct meter_vcpu copy;
	pid_t pid[2];

	ASSERT_EQ(0, start_victim(self, SCHED_OTHER));
	ASSERT_EQ(0, rival_init_limit(ALL_PERIOD_US / 100 * ALL_QUOTA_PCT, ALL_PERIOD_US));
	ASSERT_EQ(0, rival_set_limit_nice(VICTIM_NICE));
	ASSERT_EQ(0, rival_add_limit(self->victim, true));
	pid[0] = rival_start_guest(&guest);
	ASSERT_LT(0, pid[0]);
	ASSERT_EQ(0, get_vcpu(&self->meter, pid[0], &noisy));
	pid[1] = rival_start_hog(&hog);
	ASSERT_LT(0, pid[1]);
	usleep(ALL_PERIOD_US);
	throttled_us = rival_throttled_us();
	ASSERT_EQ(0, watch(self, ALL_PERIODS * ALL_PERIOD_US * 1000ull, &copy));
	throttled_us = rival_throttled_us() - throttled_us;
	ASSERT_EQ(0, rival_stop(pid[0]));
	ASSERT_EQ(0, rival_stop(pid[1]));

	check_thieves(_metadata, &copy);
	limit_ns = meter_kind_ns(&copy, KVMETER_THIEF_LIMIT);
	EXPECT_PCT(share_pct(&copy, throttled_us * 1000), share_pct(&copy, limit_ns));
	EXPECT_PCT(100 - others_pct, share_pct(&copy, limit_ns));
	EXPECT_PCT(others_pct * GUEST_WEIGHT / others,
		   thief_pct(&copy, meter_vm_thief(&copy, &noisy)));
	EXPECT_PCT(others_pct * HOG_WEIGHT / others,
		   thief_pct(&copy, meter_process_thief(&copy, "hog")));
}

/* Takes the victim from one CPU to the other and back; sets how long it was on each. */
static int move_about(pid_t pid, uint64_t ns[2])
{
	uint64_t begin = host_now_ns(), now;
	int i, ret;

	for (i = 0; i < MOVES; i++) {
		usleep(MOVE_US / 100 * (i % 2 ? MOVE_PCT_1 : MOVE_PCT_0));
		ret = rival_pin(pid, i % 2 ? CPU : !CPU);
		if (ret)
			return ret;
		now = host_now_ns();
		ns[i % 2] += now - begin;
		begin = now;
	}
	return 0;
}

/* It gets so little of the CPU that most moves find it waiting. */
TEST_F_TIMEOUT(thief, moved_while_it_waits, 120)
{
	static const char *const comm[2] = { "hog-0", "hog-1" };
	struct meter_vcpu copy;
	uint64_t ns[2] = {};
	double pct[2];
	pid_t pid[2];
	int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "there is nowhere to move to");
	ASSERT_EQ(0, start_victim(self, SCHED_IDLE));
	for (i = 0; i < 2; i++) {
		struct rival rival = { .comm = comm[i], .cpu = i ? !CPU : CPU };

		pid[i] = rival_start_hog(&rival);
		ASSERT_LT(0, pid[i]);
	}
	ASSERT_EQ(0, begin_watch(self));
	ASSERT_EQ(0, move_about(self->victim, ns));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, rival_stop(pid[i]));
	usleep(SETTLE_US);
	ASSERT_EQ(0, end_watch(self, &copy));

	check_thieves(_metadata, &copy);
	EXPECT_GT(MOVES / 2, copy.v.steal_nr);
	for (i = 0; i < 2; i++)
		pct[i] = thief_pct(&copy, meter_process_thief(&copy, comm[i]));
	/* Others, such as this program, had little; what the hogs took is shared as before. */
	EXPECT_GT(2 * POINTS, 100 - pct[0] - pct[1]);
	for (i = 0; i < 2; i++)
		EXPECT_PCT(100.0 * (double)ns[i] / (double)(ns[0] + ns[1]),
			   100.0 * pct[i] / (pct[0] + pct[1]));
}

/* The rows that processes may not have are left for a VM that comes later. */
TEST_F_TIMEOUT(thief, renames_itself, 120)
{
	struct rival renamer = { .comm = "name", .cpu = CPU };
	struct rival guest = { .comm = "noisy", .cpu = CPU };
	struct kvmeter_vcpu noisy;
	struct meter_vcpu copy;
	uint64_t named_ns;
	pid_t pid;

	ASSERT_EQ(0, start_victim(self, SCHED_OTHER));
	pid = rival_start_renamer(&renamer);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, watch(self, WATCH_NS, &copy));
	ASSERT_EQ(0, rival_stop(pid));
	check_thieves(_metadata, &copy);
	named_ns = copy.thieves[0].preempt_ns + copy.thieves[0].wakeup_ns;
	EXPECT_LT(0, named_ns);
	named_ns += meter_kind_ns(&copy, KVMETER_THIEF_PROCESS);
	EXPECT_PCT(100, share_pct(&copy, named_ns));

	pid = rival_start_guest(&guest);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, get_vcpu(&self->meter, pid, &noisy));
	ASSERT_EQ(0, watch(self, WATCH_NS, &copy));
	ASSERT_EQ(0, rival_stop(pid));
	check_thieves(_metadata, &copy);
	EXPECT_PCT(100, thief_pct(&copy, meter_vm_thief(&copy, &noisy)));
}

TEST_HARNESS_MAIN
