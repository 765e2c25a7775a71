// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time that a vCPU is preempted for is no handling time: while a host thread competes for its CPU,
 * the handling times of its CPUID exits stay what they were, and the intervals from kvm_exit to
 * kvm_entry, as the kernel's own trace events give them, do not.
 *
 * In one case the host thread computes, and the scheduler shares the CPU out as it does. Few exits
 * meet the end of a time slice, so it is the mean that shows it.
 *
 * In the other it comes so often that the p99 shows it. An exit that is interrupted, and switched
 * away from and back, takes longer to handle, and an emulator makes the most of that. So in the
 * quiet run the host thread wakes up as often, and goes back to sleep at once; the difference is
 * the time for which it has the CPU. The figures of a run without it are printed, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"
#include "writers.h"

/* Exits are by trace events at least so much longer in the mean, where others get time slices. */
#define SLICED 1.3
#define EVENTS 10007
/*
 * Between two jobs of so many exits the VMM computes for up to so long. Or, where instructions are
 * the clock, all time slices might end at the same place of the guest's loop.
 */
#define JOB_EVENTS 43
#define BETWEEN_NS 100000
#define CPU 0
#define PRIORITY 1
/*
 * The competitor lets so many exits happen between two turns: it meets more than one in 100, or the
 * p99 would not show it, also where only one in two turns meets an exit, and not many more. A turn
 * is so many times the p99 of the quiet run.
 */
#define EXITS_APART 20
#define TURN 30
/* How often the one that computes looks whether it is to stop. */
#define SPIN_NS 1000000
/* What "inflated" is, at least, and what a p99 that "stayed what it was" is at most. */
#define INFLATED 10
#define MORE 3

FIXTURE(preempt)
{
	struct meter meter;
	struct vmm vm;
	uint32_t reason;
};

FIXTURE_SETUP(preempt)
{
	self->reason = reason_of(VMX_CPUID, SVM_CPUID);
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
	ASSERT_EQ(0, host_pin(CPU));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
}

FIXTURE_TEARDOWN(preempt)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

struct competitor {
	bool realtime;
	uint64_t turn_ns;
	uint64_t sleep_ns;
	atomic_bool stop;
	atomic_bool running;
	int ret;
};

/*
 * At a real-time priority it takes the CPU the moment that it wakes up. Without a time to sleep, it
 * goes on computing.
 */
static void *run_competitor(void *arg)
{
	struct sched_param param = { .sched_priority = PRIORITY };
	struct competitor *c = arg;

	c->ret = host_pin(CPU);
	if (!c->ret && c->realtime)
		c->ret = -pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	c->running = true;
	while (!c->ret && !c->stop) {
		host_compute(c->turn_ns);
		if (c->sleep_ns)
			usleep((useconds_t)(c->sleep_ns / 1000));
	}
	return NULL;
}

/* One run, by both measures. Steal is all there was, also outside of CPUID exits. */
struct figures {
	struct kvmeter_hist hist;
	uint64_t total_ns;
	struct host_latency trace;
	uint64_t steal_ns;
	uint64_t steal_nr;
	uint64_t wall_ns;
};

static void subtract(struct figures *f, const struct meter_vcpu *last,
		     const struct meter_vcpu *first, uint32_t reason)
{
	const struct kvmeter_exit *to = meter_row(last, 1, reason);
	const struct kvmeter_exit *from = meter_row(first, 1, reason);
	int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		f->hist.bucket[i] = to->hist.bucket[i] - from->hist.bucket[i];
	f->total_ns = meter_row_ns(to) - meter_row_ns(from);
	f->steal_ns = last->v.steal_ns - first->v.steal_ns;
	f->steal_nr = last->v.steal_nr - first->v.steal_nr;
}

static int run_events(struct vmm_vcpu *vcpu)
{
	uint32_t left = EVENTS, nr;
	uint64_t random = 1;
	int ret = 0;

	for (; !ret && left; left -= nr) {
		nr = left < JOB_EVENTS ? left : JOB_EVENTS;
		ret = vmm_run(vcpu, vmm_guest_cpuid, nr, 0, 0);
		host_compute(writers_random(&random, BETWEEN_NS));
	}
	return ret;
}

static int measure(FIXTURE_DATA(preempt) * self, struct figures *f)
{
	struct meter_vcpu first, last;
	int ret;

	ret = meter_read(&self->meter, self->vm.fd, 0, &first);
	if (!ret)
		ret = host_latency_start(&f->trace, self->reason);
	f->wall_ns = host_now_ns();
	if (!ret)
		ret = run_events(&self->vm.vcpu[0]);
	f->wall_ns = host_now_ns() - f->wall_ns;
	if (!ret)
		ret = host_latency_stop(&f->trace);
	if (!ret)
		ret = meter_read(&self->meter, self->vm.fd, 0, &last);
	if (!ret)
		subtract(f, &last, &first, self->reason);
	return ret;
}

/*
 * A percentile of a histogram: as far into its bucket as its rank is among those in it. Both
 * measures have log2 buckets: [2^(n-1), 2^n) ns is n. So the 100th is the end of the maximum's.
 */
static double percentile_ns(const struct kvmeter_hist *hist, double percent)
{
	double rank = percent / 100 * (double)meter_hist_sum(hist);
	int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS - 1 && rank > (double)hist->bucket[i]; i++)
		rank -= (double)hist->bucket[i];
	if (!i || !hist->bucket[i])
		return 0;
	return (double)(1ull << (i - 1)) * (1 + rank / (double)hist->bucket[i]);
}

static double p99_ns(const struct kvmeter_hist *hist)
{
	return percentile_ns(hist, 99);
}

static double max_ns(const struct kvmeter_hist *hist)
{
	return percentile_ns(hist, 100);
}

static double mean_ns(uint64_t total_ns)
{
	return (double)total_ns / EVENTS;
}

static int measure_with(FIXTURE_DATA(preempt) * self, struct competitor *competitor,
			struct figures *f)
{
	pthread_t thread;
	int ret;

	competitor->stop = false;
	competitor->running = false;
	if (pthread_create(&thread, NULL, run_competitor, competitor))
		return -EAGAIN;
	while (!competitor->running)
		usleep(1000);
	ret = measure(self, f);
	competitor->stop = true;
	pthread_join(thread, NULL);
	return ret ? ret : competitor->ret;
}

static void log_times(struct __test_metadata *_metadata, const char *name, const char *measure,
		      const struct kvmeter_hist *hist, uint64_t total_ns)
{
	TH_LOG("%s, by %s: mean %.1f us, p99 %.1f us, p99.9 %.1f us, maximum < %.1f us", name,
	       measure, mean_ns(total_ns) / 1000, p99_ns(hist) / 1000,
	       percentile_ns(hist, 99.9) / 1000, max_ns(hist) / 1000);
	/* The same exits. */
	EXPECT_EQ(EVENTS, meter_hist_sum(hist));
}

static void log_figures(struct __test_metadata *_metadata, const char *name,
			const struct figures *f)
{
	log_times(_metadata, name, "kvmeter", &f->hist, f->total_ns);
	log_times(_metadata, name, "trace events", &f->trace.hist, f->trace.total_ns);
	TH_LOG("%s: wall %" PRIu64 " us, steal %" PRIu64 " us in %" PRIu64 " waits", name,
	       f->wall_ns / 1000, f->steal_ns / 1000, f->steal_nr);
	EXPECT_LT(0, p99_ns(&f->hist));
}

/* By how much an emulator is slower at one time than at another is in both, before and after. */
static double slower_ns(const struct figures *before, const struct figures *after, double percent)
{
	double ns[] = { percentile_ns(&before->hist, percent),
			percentile_ns(&after->hist, percent) };

	return ns[0] > ns[1] ? ns[0] : ns[1];
}

TEST_F_TIMEOUT(preempt, time_slices, 120)
{
	struct competitor competitor = { .turn_ns = SPIN_NS };
	struct figures alone, shared, alone_again;

	ASSERT_EQ(0, measure(self, &alone));
	ASSERT_EQ(0, measure_with(self, &competitor, &shared));
	ASSERT_EQ(0, measure(self, &alone_again));

	log_figures(_metadata, "alone", &alone);
	log_figures(_metadata, "shared", &shared);
	log_figures(_metadata, "alone again", &alone_again);
	/* One exit in 100 may meet a tick and a switch now, as alone one in 1,000 meets a tick. */
	EXPECT_LE(p99_ns(&shared.hist), MORE * slower_ns(&alone, &alone_again, 99.9));
	/*
	 * Of the same run: an emulator's own stalls are in the maximum, and in both means. How much
	 * more it is depends on how many exits there are in a time slice.
	 */
	EXPECT_GT(mean_ns(shared.trace.total_ns), mean_ns(shared.total_ns) * SLICED);
}

TEST_F_TIMEOUT(preempt, often, 120)
{
	struct figures alone, quiet, loaded, quiet_again;
	struct competitor competitor = { .realtime = true };

	ASSERT_EQ(0, measure(self, &alone));
	competitor.sleep_ns = alone.wall_ns / EVENTS * EXITS_APART;
	ASSERT_EQ(0, measure_with(self, &competitor, &quiet));
	competitor.turn_ns = (uint64_t)p99_ns(&quiet.trace.hist) * TURN;
	ASSERT_EQ(0, measure_with(self, &competitor, &loaded));
	competitor.turn_ns = 0;
	ASSERT_EQ(0, measure_with(self, &competitor, &quiet_again));

	log_figures(_metadata, "alone", &alone);
	log_figures(_metadata, "quiet", &quiet);
	log_figures(_metadata, "preempted", &loaded);
	log_figures(_metadata, "quiet again", &quiet_again);
	EXPECT_LE(p99_ns(&loaded.hist), MORE * slower_ns(&quiet, &quiet_again, 99));
	EXPECT_GT(p99_ns(&loaded.trace.hist), INFLATED * p99_ns(&quiet.trace.hist));
}

TEST_HARNESS_MAIN
