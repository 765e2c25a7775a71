// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's run delay is exactly the growth of field 2 of its thread's schedstat, and its steal
 * agrees with that: where two busy vCPUs share one CPU, and where a vCPU is alone on it.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"

#define BUSY_NS 1000000000ull
#define BUSY_LOOPS (100003 * host_slowness())
#define CPU 0
#define THREADS 53
/*
 * How far steal and run delay may be apart, besides 1 %. The scheduler's clock stands still from a
 * wake-up that preempts to the switch that follows (rq_clock_skip_update()), with what interrupts
 * have to do in between. On an emulated host that may be a millisecond; such waits are few.
 */
#define SLACK_NS 5000000

FIXTURE(steal)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_SETUP(steal)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 2, 1));
}

FIXTURE_TEARDOWN(steal)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

struct runner {
	const struct meter *meter;
	struct vmm *vm;
	unsigned int id;
	struct meter_instant first, last;
	pthread_barrier_t *barrier;
	atomic_bool done;
	int ret;
};

static void *run_busy(void *arg)
{
	struct runner *r = arg;

	r->ret = host_pin(CPU);
	if (!r->ret)
		r->ret = meter_take_instant(r->meter, r->vm, r->id, &r->first);
	pthread_barrier_wait(r->barrier);
	while (!r->ret && host_now_ns() - r->first.wall_ns < BUSY_NS)
		r->ret = vmm_run(&r->vm->vcpu[r->id], vmm_guest_busy, BUSY_LOOPS, 0, 0);
	if (!r->ret)
		r->ret = meter_take_instant(r->meter, r->vm, r->id, &r->last);
	return NULL;
}

static int run_all(const struct meter *meter, struct vmm *vm, struct runner *runner,
		   unsigned int nr)
{
	pthread_barrier_t barrier;
	pthread_t thread[2];
	unsigned int i;
	int ret = 0;

	pthread_barrier_init(&barrier, NULL, nr);
	for (i = 0; i < nr; i++) {
		runner[i] =
			(struct runner){ .meter = meter, .vm = vm, .id = i, .barrier = &barrier };
		if (pthread_create(&thread[i], NULL, run_busy, &runner[i]))
			return -EAGAIN;
	}
	for (i = 0; i < nr; i++) {
		pthread_join(thread[i], NULL);
		if (runner[i].ret)
			ret = runner[i].ret;
	}
	pthread_barrier_destroy(&barrier);
	return ret;
}

static uint64_t time_ns(const struct meter_instant *at)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < at->copy.v.nr_rows; i++)
		sum += meter_row_ns(&at->copy.rows[i]);
	return sum;
}

static uint64_t steal_growth(const struct runner *r)
{
	return r->last.copy.v.steal_ns - r->first.copy.v.steal_ns;
}

static uint64_t run_delay_growth(const struct runner *r)
{
	return r->last.copy.v.run_delay_ns - r->first.copy.v.run_delay_ns;
}

static uint64_t schedstat_growth(const struct runner *r)
{
	return r->last.run_delay_ns - r->first.run_delay_ns;
}

static uint64_t guest_growth(const struct runner *r)
{
	return r->last.copy.v.guest_ns - r->first.copy.v.guest_ns;
}

static uint64_t wall_growth(const struct runner *r)
{
	return r->last.wall_ns - r->first.wall_ns;
}

/* How far the steal may be from the run delay. */
static uint64_t tolerance_ns(const struct runner *r)
{
	uint64_t waits = r->last.copy.v.steal_nr - r->first.copy.v.steal_nr;

	return schedstat_growth(r) / 100 + SLACK_NS + waits * host_wait_slack_ns();
}

TEST_F_TIMEOUT(steal, two_on_one_cpu, 120)
{
	struct runner runner[2];
	unsigned int i;

	ASSERT_EQ(0, run_all(&self->meter, &self->vm, runner, 2));
	for (i = 0; i < 2; i++) {
		const struct kvmeter_vcpu *v = &runner[i].last.copy.v;

		TH_LOG("vcpu %u: schedstat +%" PRIu64 " ns, run delay +%" PRIu64
		       " ns, steal +%" PRIu64 " ns in %llu waits",
		       i, schedstat_growth(&runner[i]), run_delay_growth(&runner[i]),
		       steal_growth(&runner[i]), v->steal_nr);
		EXPECT_TRUE(meter_has_run_delay(&runner[i].first, &runner[i].last));
		EXPECT_LE(schedstat_growth(&runner[i]),
			  steal_growth(&runner[i]) + tolerance_ns(&runner[i]));
		EXPECT_GE(schedstat_growth(&runner[i]) + tolerance_ns(&runner[i]),
			  steal_growth(&runner[i]));
		/* Each waited while the other ran: half of the time, give or take a lot. */
		EXPECT_LT(BUSY_NS / 4, steal_growth(&runner[i]));

		EXPECT_EQ(meter_hist_sum(&v->steal_hist), v->steal_nr);
		EXPECT_LT(0, v->steal_nr);
		EXPECT_GE(v->steal_ns, v->steal_max_ns);
		EXPECT_LE(v->steal_ns, v->steal_max_ns * v->steal_nr);

		/* Handling of the exit at which it was preempted does not include the wait. */
		EXPECT_LE(time_ns(&runner[i].last) - time_ns(&runner[i].first) +
				  guest_growth(&runner[i]) + schedstat_growth(&runner[i]),
			  wall_growth(&runner[i]) + tolerance_ns(&runner[i]));
		if (host_slowness() == 1)
			EXPECT_GT(steal_growth(&runner[i]) / 2,
				  time_ns(&runner[i].last) - time_ns(&runner[i].first));
	}
}

TEST_F_TIMEOUT(steal, alone_on_its_cpu, 120)
{
	struct runner runner;

	ASSERT_EQ(0, run_all(&self->meter, &self->vm, &runner, 1));
	TH_LOG("schedstat +%" PRIu64 " ns, run delay +%" PRIu64 " ns, steal +%" PRIu64 " ns",
	       schedstat_growth(&runner), run_delay_growth(&runner), steal_growth(&runner));
	EXPECT_TRUE(meter_has_run_delay(&runner.first, &runner.last));
	EXPECT_LE(schedstat_growth(&runner), steal_growth(&runner) + tolerance_ns(&runner));
	EXPECT_GE(schedstat_growth(&runner) + tolerance_ns(&runner), steal_growth(&runner));
	EXPECT_GT(BUSY_NS / 4, steal_growth(&runner));
}

static void *run_once(void *arg)
{
	struct runner *r = arg;

	r->ret = vmm_run(&r->vm->vcpu[0], vmm_guest_busy, BUSY_LOOPS, 0, 0);
	r->done = true;
	return NULL;
}

/*
 * run_delay begins anew with each thread that runs the vCPU, and a new one may be where the kernel
 * had one that is gone. Waits before a thread's first entry are no steal: it stays below wall time.
 */
TEST_F_TIMEOUT(steal, another_thread_each_time, 120)
{
	struct runner runner = { .vm = &self->vm };
	uint64_t wall = host_now_ns();
	struct meter_vcpu copy;
	pthread_t thread;
	int i;

	ASSERT_EQ(0, host_pin(CPU));
	for (i = 0; i < THREADS; i++) {
		runner.done = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, run_once, &runner));
		/* Every other one has to share its CPU, and has waited more than the next. */
		while (i % 2 == 0 && !runner.done)
			;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, runner.ret);
		/* The kernel frees a thread some time after its end. */
		usleep(100000);
	}
	wall = host_now_ns() - wall;
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_GT(wall, copy.v.run_delay_ns);
	EXPECT_GT(wall, copy.v.steal_ns);
	EXPECT_GT(wall, copy.v.steal_max_ns);
}

TEST_HARNESS_MAIN
