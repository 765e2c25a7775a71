// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vCPUs do under a quota: who writes fast is held to its share and gets that, who does not is
 * left alone; and while one is parked, its time is told as that, and a signal gets it back.
 *
 * How fast a guest can dirty pages is seen first, without a quota; quotas are fractions of that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "session.h"
#include "writers.h"

/* Two that write fast, one that writes few pages, one that reads. */
enum { FAST, FAST_TOO, SLOW, READER, VCPUS };

#define PAGES (host_logs_pages() ? 4003u : 2003u)
#define SLOW_PAGES 3u
#define READER_PAGES 211u
#define ALL_PAGES (2 * PAGES + SLOW_PAGES + READER_PAGES)
#define CLEAN_US 20000
#define WARM_US 300000u
/* Shares are given out by demand from the second time on: every 100 ms. */
#define SETTLE_US 250000u
#define RUN_US 2000000u
/* Of a session that arms pages eight times a second. */
#define DRIVEN_US 2000000u
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define WINDOW_MS 100
#define STALL_US 99500
/* A bound that leaves a slow host the time to dirty more than the least quota is. */
#define LOW_STALL_US 95000
#define MS 1000000ull
#define NS_PER_S (1000 * MS)
/* At a lower rate two logs are owed for longer than a vCPU may be parked. */
#define LEAST_RATE (2 * QUOTA_DEBT_PAGES * 1000000 / STALL_US)
/* And so that what is not in exact terms due does not matter. */
#define MARGIN 1.5
#define SLICE_NS MS
/* For a woken thread to get a CPU, of an emulator that may get none for a while. */
#define LATE_NS (50 * MS)
/* A wait begins and ends a little earlier by the scheduler's clock: see ledger_test. */
#define STEP_NS 100000ull
#define STEAL_STEPS 50
#define LOOKS 101
#define KICKS 211
#define KICK_US 5000u
#define KICK_PATIENCE_S 10
/* To see how fast a guest writes on a host that is busy for a while. */
#define TRIES 10

FIXTURE(share)
{
	struct meter meter;
	struct vmm vm;
	struct writer writer[VCPUS];
	struct quota_cleaner cleaner;
};

static void add_pages(struct writer *w, uint32_t first, uint32_t nr, bool read)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		writer_add(w, WRITERS_GFN + first + i, read);
}

FIXTURE_SETUP(share)
{
	unsigned int i;

	ASSERT_EQ(0, meter_open(&self->meter));
	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what a quota takes");
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, WRITERS_PAGES + ALL_PAGES));
	for (i = 0; i < VCPUS; i++)
		writer_init(&self->writer[i], &self->vm, i);
	add_pages(&self->writer[FAST], 0, PAGES, false);
	add_pages(&self->writer[FAST_TOO], PAGES, PAGES, false);
	add_pages(&self->writer[SLOW], 2 * PAGES, SLOW_PAGES, false);
	add_pages(&self->writer[READER], 2 * PAGES + SLOW_PAGES, READER_PAGES, true);
	/* So that all pages are there. */
	for (i = 0; i < VCPUS; i++) {
		ASSERT_EQ(0, writer_start(&self->writer[i], false));
		ASSERT_EQ(0, writer_join(&self->writer[i]));
	}
}

/* The bound on stalls. */
static int set_bound(unsigned int us)
{
	char value[16];

	snprintf(value, sizeof(value), "%u", us);
	return meter_set_param("throttle_max_us", value);
}

FIXTURE_TEARDOWN(share)
{
	set_bound(STALL_US);
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static int set(FIXTURE_DATA(share) * t, uint64_t pages)
{
	return quota_set(&t->meter, t->vm.fd, pages);
}

static int take(FIXTURE_DATA(share) * t, unsigned int id, struct quota_sample *sample)
{
	return quota_take(&t->meter, t->vm.fd, id, sample);
}

static int start_writers(FIXTURE_DATA(share) * t, unsigned int nr)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < nr; i++)
		ret = writer_start(&t->writer[i], true);
	usleep(WARM_US);
	return ret;
}

/* Without a quota, or it would take long. */
static int join_writers(FIXTURE_DATA(share) * t, unsigned int nr)
{
	unsigned int i;
	int ret = set(t, 0);

	for (i = 0; i < nr; i++)
		if (writer_join(&t->writer[i]))
			ret = t->writer[i].ret;
	return ret;
}

static int start_logging(FIXTURE_DATA(share) * t)
{
	int ret = vmm_set_log(&t->vm, true);

	return ret ? ret : quota_start_cleaner(&t->cleaner, &t->vm, CLEAN_US);
}

static int stop_logging(FIXTURE_DATA(share) * t)
{
	int ret = quota_stop_cleaner(&t->cleaner);

	return ret ? ret : vmm_set_log(&t->vm, false);
}

/* What each of the first @nr vCPUs does in some time. */
static int watch(FIXTURE_DATA(share) * t, unsigned int nr, uint32_t us, struct quota_span *span)
{
	struct quota_sample first[VCPUS], last;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < nr; i++)
		ret = take(t, i, &first[i]);
	usleep(us);
	for (i = 0; !ret && i < nr; i++) {
		ret = take(t, i, &last);
		span[i] = quota_span(&first[i], &last);
	}
	return ret;
}

/* What @pages a second are in the time of a span. */
static uint64_t due_pages(uint64_t pages, const struct quota_span *span)
{
	return pages * span->ns / NS_PER_S;
}

/* What it can dirty in the rest of a window in which it was parked for as long as may be. */
static double rest_pages(double speed)
{
	double pages = speed * (WINDOW_MS * 1000 - STALL_US) / 1000000;

	return pages < PAGES ? pages : PAGES; /* each of them once only */
}

/*
 * What a quota may let through in a span: on top of what is due, in the rest of as many windows as
 * it can have been parked for as long as may be in.
 */
static uint64_t most_pages(uint64_t pages, const struct quota_span *span, double speed)
{
	uint64_t windows = quota_parked_ns(span) / (STALL_US * 1000);

	return due_pages(pages, span) + QUOTA_BURST_PAGES + QUOTA_DEBT_PAGES +
		windows * (uint64_t)(MARGIN * rest_pages(speed));
}

/* Pages a second that the fast writer dirties while it runs, all of them armed: its log is on. */
static int measure_speed(FIXTURE_DATA(share) * t, double *speed)
{
	struct quota_sample first, last;
	struct quota_span span;
	int ret = vmm_take_dirty(&t->vm);

	if (!ret)
		ret = take(t, FAST, &first);
	if (!ret)
		ret = writer_start(&t->writer[FAST], false);
	if (!ret)
		ret = writer_join(&t->writer[FAST]);
	if (!ret)
		ret = take(t, FAST, &last);
	span = quota_span(&first, &last);
	*speed = (double)span.pages * NS_PER_S /
		(double)(span.state_ns[KVMETER_STATE_GUEST] + span.state_ns[KVMETER_STATE_KERNEL]);
	return ret;
}

/* The least that it can be held to, as in each window it may run for some time. */
static double least_rate(double speed)
{
	double pages = rest_pages(speed) * MARGIN * 1000 / WINDOW_MS;

	return pages > LEAST_RATE ? pages : LEAST_RATE;
}

/* Hold it to a quota, and see. */
static void hold(struct __test_metadata *_metadata, FIXTURE_DATA(share) * t, uint64_t pages,
		 uint64_t free_rate, double speed, uint32_t us)
{
	struct quota_span span;

	ASSERT_EQ(0, set(t, pages));
	usleep(SETTLE_US);
	ASSERT_EQ(0, watch(t, 1, us, &span));
	TH_LOG("quota %" PRIu64 " pages/s: %" PRIu64 " pages in %" PRIu64 " ms, %" PRIu64
	       " of them due; parked %" PRIu64 " times, %" PRIu64 " ms, waited %" PRIu64 " ms",
	       pages, span.pages, span.ns / MS, due_pages(pages, &span), span.parked_nr,
	       quota_parked_ns(&span) / MS, span.state_ns[KVMETER_STATE_STEAL] / MS);
	EXPECT_GE(most_pages(pages, &span, speed), span.pages);
	EXPECT_LE(due_pages(pages, &span) / 10 * 9, span.pages + QUOTA_DEBT_PAGES);
	EXPECT_LT(0, span.parked_nr);
	/* Or it would not have been the quota that held it. */
	EXPECT_LT(most_pages(pages, &span, speed), due_pages(free_rate, &span));
	ASSERT_EQ(0, set(t, 0));
	usleep(WARM_US);
}

/* Hold the fast writer to fractions of its rate, whoever arms its pages. */
static void check_rates(struct __test_metadata *_metadata, FIXTURE_DATA(share) * t, double speed,
			uint32_t us)
{
	static const uint64_t part[] = { 2, 5, 13 };
	uint64_t free_rate;
	struct quota_span span;
	unsigned int i, nr = 0;

	ASSERT_EQ(0, watch(t, 1, us, &span));
	EXPECT_EQ(0, span.parked_nr);
	EXPECT_EQ(0, quota_parked_ns(&span));
	free_rate = quota_rate(&span);
	TH_LOG("free: %" PRIu64 " pages/s; while it runs, %.0f", free_rate, speed);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		if ((double)free_rate / (double)part[i] < least_rate(speed))
			break;
		hold(_metadata, t, free_rate / part[i], free_rate, speed, us);
		nr++;
	}
	EXPECT_LT(0, nr);
}

/* Its pages armed by the VMM; and what is counted is what KVM's own log has. */
TEST_F_TIMEOUT(share, fast_writer, 300)
{
	struct quota_sample first, last;
	struct quota_span span;
	double speed;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, measure_speed(self, &speed));
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, take(self, FAST, &first));
	ASSERT_EQ(0, quota_start_cleaner(&self->cleaner, &self->vm, CLEAN_US));
	ASSERT_EQ(0, start_writers(self, 1));
	check_rates(_metadata, self, speed, RUN_US);
	ASSERT_EQ(0, join_writers(self, 1));
	ASSERT_EQ(0, stop_logging(self));
	ASSERT_EQ(0, take(self, FAST, &last));
	span = quota_span(&first, &last);
	TH_LOG("%" PRIu64 " pages dirtied, %lu in KVM's log", span.pages, self->cleaner.pages);
	EXPECT_EQ(self->cleaner.pages, span.pages);
}

/* Its pages armed by a session. */
TEST_F_TIMEOUT(share, driven_session, 300)
{
	struct session session;
	double speed;

	writer_init(&self->writer[FAST], &self->vm, FAST);
	self->writer[FAST].pause = WRITERS_PAUSE;
	add_pages(&self->writer[FAST], 0, PAGES, false);
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, measure_speed(self, &speed));
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	ASSERT_EQ(0, session_start(&session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	ASSERT_EQ(0, start_writers(self, 1));
	check_rates(_metadata, self, speed, DRIVEN_US);
	ASSERT_EQ(0, join_writers(self, 1));
	EXPECT_EQ(0, session_stop(&session));
}

static void log_spans(struct __test_metadata *_metadata, const char *what,
		      const struct quota_span *span)
{
	static const char *const name[VCPUS] = { "fast", "fast, too", "slow", "reader" };
	unsigned int i;

	for (i = 0; i < VCPUS; i++)
		TH_LOG("%s, %s: %" PRIu64 " pages/s, parked %" PRIu64 " times, %" PRIu64 " ms",
		       what, name[i], quota_rate(&span[i]), span[i].parked_nr,
		       quota_parked_ns(&span[i]) / MS);
}

static uint64_t slower_rate(const struct quota_span *span)
{
	uint64_t fast = quota_rate(&span[FAST]), fast_too = quota_rate(&span[FAST_TOO]);

	return fast < fast_too ? fast : fast_too;
}

/* The fast ones share equally what the slow one leaves, and nobody else is parked. */
TEST_F_TIMEOUT(share, max_min, 300)
{
	struct quota_span before[VCPUS], span[VCPUS];
	uint64_t fast, slow, pages, sum = 0;
	struct quota_sample last;
	unsigned int i, tries = 0;
	double speed;

	slow = NS_PER_S / CLEAN_US / 1000 * SLOW_PAGES;
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, measure_speed(self, &speed));
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	ASSERT_EQ(0, start_logging(self));
	ASSERT_EQ(0, start_writers(self, VCPUS));
	/* With a third of that, even an equal share is to be more than the slow one wants. */
	do {
		ASSERT_EQ(0, watch(self, VCPUS, RUN_US, before));
		log_spans(_metadata, "free", before);
		fast = slower_rate(before) / 3;
	} while (fast <= 3 * slow && ++tries < TRIES);
	ASSERT_LT(3 * slow, fast);
	/* It can dirty its pages once each time that they are armed. */
	ASSERT_GE(slow + slow / 10, quota_rate(&before[SLOW]));
	ASSERT_EQ(0, before[READER].pages);
	pages = 2 * fast + slow;

	ASSERT_EQ(0, set(self, pages));
	usleep(SETTLE_US);
	ASSERT_EQ(0, watch(self, VCPUS, RUN_US, span));
	log_spans(_metadata, "quota", span);
	for (i = 0; i < VCPUS; i++)
		sum += span[i].pages;
	TH_LOG("quota %" PRIu64 " pages/s: %" PRIu64 " pages, %" PRIu64 " due", pages, sum,
	       due_pages(pages, &span[FAST]));
	EXPECT_GE(most_pages(fast, &span[FAST], speed) + most_pages(fast, &span[FAST_TOO], speed) +
			  due_pages(slow, &span[SLOW]) + span[SLOW].pages / 10,
		  sum);
	EXPECT_LE(due_pages(pages, &span[FAST]) / 10 * 9, sum);
	for (i = FAST; i <= FAST_TOO; i++) {
		EXPECT_LE(due_pages(fast, &span[i]) / 10 * 9, span[i].pages);
		EXPECT_LT(0, span[i].parked_nr);
	}
	/* The slow one has all it wants. */
	EXPECT_LE(before[SLOW].pages / 10 * 8, span[SLOW].pages);
	for (i = SLOW; i <= READER; i++) {
		ASSERT_EQ(0, take(self, i, &last));
		EXPECT_EQ(0, last.copy.v.throttle_nr);
		EXPECT_EQ(0, last.copy.v.throttle_ns);
	}
	ASSERT_EQ(0, join_writers(self, VCPUS));
	ASSERT_EQ(0, stop_logging(self));
}

static uint64_t ran_ns(const struct quota_span *span)
{
	return span->state_ns[KVMETER_STATE_GUEST] + span->state_ns[KVMETER_STATE_KERNEL] +
		span->state_ns[KVMETER_STATE_VMM];
}

/* As little as there can be: it runs for what the bound on stalls leaves, and not for more. */
TEST_F_TIMEOUT(share, never_starved, 120)
{
	struct quota_span span;
	uint64_t stolen_ns;
	unsigned long runs;

	ASSERT_EQ(0, set_bound(LOW_STALL_US));
	ASSERT_EQ(0, start_logging(self));
	ASSERT_EQ(0, start_writers(self, 1));
	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	ASSERT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, FAST));
	ASSERT_EQ(0, watch(self, 1, RUN_US, &span));
	TH_LOG("in %" PRIu64 " ms parked %" PRIu64 " times, %" PRIu64 " ms; ran %" PRIu64
	       " ms, stolen %" PRIu64 " ms; %" PRIu64 " pages",
	       span.ns / MS, span.parked_nr, quota_parked_ns(&span) / MS, ran_ns(&span) / MS,
	       span.state_ns[KVMETER_STATE_STEAL] / MS, span.pages);
	/* What a sleep overshoots comes on top, and a window that has begun. */
	EXPECT_GE((span.ns / (WINDOW_MS * MS) + 1) * (LOW_STALL_US * 1000 + SLICE_NS),
		  quota_parked_ns(&span));
	EXPECT_GE(span.ns / 100 * 15, ran_ns(&span));
	/* Where there is a log, taking it anew has the CPU for most of the rest. */
	stolen_ns = host_logs_pages() ? span.state_ns[KVMETER_STATE_STEAL] : 0;
	EXPECT_LE((span.ns - stolen_ns) / 100 * 85, quota_parked_ns(&span));
	/* What is owed takes far longer than a slice. */
	EXPECT_LT(2 * SLICE_NS * span.parked_nr, quota_parked_ns(&span));
	EXPECT_LT(due_pages(QUOTA_LEAST_PAGES, &span), span.pages);
	/* And it gets somewhere. */
	runs = self->writer[FAST].runs;
	while (self->writer[FAST].runs < runs + 2)
		usleep(CLEAN_US);
	ASSERT_EQ(0, join_writers(self, 1));
	ASSERT_EQ(0, stop_logging(self));
}

/* The scheduler's word on a thread: for how long it has run, and waited to. */
static int read_schedstat(uint32_t tid, uint64_t *run_ns, uint64_t *wait_ns)
{
	char path[64];
	FILE *f;
	int nr;

	snprintf(path, sizeof(path), "/proc/self/task/%u/schedstat", tid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	nr = fscanf(f, "%" SCNu64 " %" SCNu64, run_ns, wait_ns);
	fclose(f);
	return nr == 2 ? 0 : -EPROTO;
}

static bool is_between(uint64_t ns, uint64_t least_ns, uint64_t most_ns, uint64_t steps)
{
	uint64_t slack_ns = most_ns / 100 + steps * STEP_NS;

	return ns + slack_ns >= least_ns && ns <= most_ns + slack_ns;
}

/* What is parked is asleep by the scheduler's account: neither computing, nor waiting for a CPU. */
TEST_F_TIMEOUT(share, ledger, 120)
{
	uint64_t run_ns[2], wait_ns[4], wall_ns[2], least_ns, most_ns, steps, sleep_ns, sum_ns = 0;
	uint64_t other_ns, late;
	struct quota_sample first, last;
	struct quota_span span;
	int i, parked = 0;

	ASSERT_EQ(0, start_logging(self));
	ASSERT_EQ(0, start_writers(self, 1));
	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	ASSERT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, FAST));
	ASSERT_EQ(0, take(self, FAST, &first));
	ASSERT_EQ(0, read_schedstat(first.copy.v.tid, &other_ns, &wait_ns[0]));
	ASSERT_EQ(0, take(self, FAST, &first));
	wall_ns[0] = host_now_ns();
	ASSERT_EQ(0, read_schedstat(first.copy.v.tid, &run_ns[0], &wait_ns[1]));
	for (i = 0; i < LOOKS; i++) {
		usleep(RUN_US / LOOKS);
		ASSERT_EQ(0, take(self, FAST, &last));
		/* Exactly, whenever one looks. */
		EXPECT_EQ(last.copy.v.since_ns - last.copy.v.first_ns, meter_ledger_ns(&last.copy));
		parked += last.copy.v.state == KVMETER_STATE_THROTTLE;
	}
	ASSERT_EQ(0, read_schedstat(first.copy.v.tid, &run_ns[1], &wait_ns[2]));
	wall_ns[1] = host_now_ns();
	ASSERT_EQ(0, take(self, FAST, &last));
	ASSERT_EQ(0, read_schedstat(first.copy.v.tid, &other_ns, &wait_ns[3]));
	span = quota_span(&first, &last);
	sleep_ns = wall_ns[1] - wall_ns[0] - (run_ns[1] - run_ns[0]) - (wait_ns[2] - wait_ns[1]);
	for (i = 0; i < KVMETER_STATE_NR; i++)
		sum_ns += span.state_ns[i];

	TH_LOG("%" PRIu64 " ms: throttle %" PRIu64 ", %" PRIu64 " times; guest %" PRIu64
	       " kernel %" PRIu64 " vmm %" PRIu64 " steal %" PRIu64 " run_delay %" PRIu64
	       "; thread: sleep %" PRIu64 " run %" PRIu64 " wait %" PRIu64,
	       span.ns / MS, quota_parked_ns(&span) / MS, span.parked_nr,
	       span.state_ns[KVMETER_STATE_GUEST] / MS, span.state_ns[KVMETER_STATE_KERNEL] / MS,
	       span.state_ns[KVMETER_STATE_VMM] / MS, span.state_ns[KVMETER_STATE_STEAL] / MS,
	       span.run_delay_ns / MS, sleep_ns / MS, (run_ns[1] - run_ns[0]) / MS,
	       (wait_ns[2] - wait_ns[1]) / MS);
	EXPECT_EQ(span.ns, sum_ns);
	EXPECT_EQ(last.now_ns - first.now_ns, span.ns);
	EXPECT_LT(LOOKS / 2, parked);
	EXPECT_LT(span.ns / 2, quota_parked_ns(&span));
	/* Within a tenth: asleep in slices, each with two ends that two clocks tell apart. */
	EXPECT_LE(sleep_ns / 10 * 9, quota_parked_ns(&span));
	EXPECT_GE(sleep_ns / 10 * 11, quota_parked_ns(&span));
	/* Between what the scheduler has for a little less time, and for a little more. */
	least_ns = wait_ns[2] - wait_ns[1];
	most_ns = wait_ns[3] - wait_ns[0];
	steps = last.copy.v.steal_nr - first.copy.v.steal_nr + STEAL_STEPS;
	/* As of the last entry, a window ago: what one has of it may be missing, or too much. */
	late = STEAL_STEPS + 2 * most_ns / (span.ns / (WINDOW_MS * MS)) / STEP_NS;
	EXPECT_TRUE(is_between(span.run_delay_ns, least_ns, most_ns, late));
	EXPECT_TRUE(is_between(span.state_ns[KVMETER_STATE_STEAL], least_ns, most_ns, steps));
	EXPECT_GT(quota_parked_ns(&span) / 4, span.run_delay_ns);
	ASSERT_EQ(0, join_writers(self, 1));
	ASSERT_EQ(0, stop_logging(self));
}

/**
 * struct kicked - a vCPU that signals get out of KVM_RUN
 * @writer: it, and its list
 * @thread: what it runs in
 * @stop: it is to end
 * @back: posted each time KVM_RUN has returned for a signal
 * @back_ns: when it had, the last time
 * @ret: 0, or the errno of what went wrong
 */
struct kicked {
	struct writer *writer;
	pthread_t thread;
	atomic_bool stop;
	sem_t back;
	uint64_t back_ns;
	int ret;
};

static struct kvm_run *kicked_run;

/* Where the signal comes before KVM_RUN does, that returns at once. */
static void on_kick(int signal)
{
	(void)signal;
	kicked_run->immediate_exit = 1;
}

static void *run_kicked(void *arg)
{
	struct kicked *k = arg;
	struct vmm_vcpu *vcpu = &k->writer->vm->vcpu[k->writer->id];
	const uint32_t addr = VMM_DATA_ADDR + k->writer->id * WRITERS_LIST_PAGES * VMM_PAGE_BYTES;

	while (!k->stop && !k->ret) {
		k->ret = vmm_run(vcpu, vmm_guest_list, k->writer->nr, addr, 1);
		if (k->ret != -EINTR)
			continue;
		k->back_ns = host_now_ns();
		vcpu->run->immediate_exit = 0;
		k->ret = vmm_reset(vcpu);
		sem_post(&k->back);
	}
	return NULL;
}

static int start_kicked(struct kicked *k, struct writer *writer)
{
	const struct sigaction action = { .sa_handler = on_kick };

	*k = (struct kicked){ .writer = writer };
	kicked_run = writer->vm->vcpu[writer->id].run;
	if (sem_init(&k->back, 0, 0) || sigaction(SIGUSR1, &action, NULL))
		return -errno;
	return -pthread_create(&k->thread, NULL, run_kicked, k);
}

/* Kick it: how long that took. UINT64_MAX: it never came. */
static uint64_t kick(struct kicked *k)
{
	uint64_t begin_ns = host_now_ns();
	struct timespec until;
	int ret;

	if (pthread_kill(k->thread, SIGUSR1))
		return UINT64_MAX;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += KICK_PATIENCE_S;
	do
		ret = sem_timedwait(&k->back, &until);
	while (ret && errno == EINTR);
	return ret ? UINT64_MAX : k->back_ns - begin_ns;
}

/* Their median, and the worst of them. */
static void kick_often(struct kicked *k, uint64_t *median_ns, uint64_t *max_ns)
{
	uint64_t ns[KICKS], random = 3;
	unsigned int i;

	for (i = 0; i < KICKS; i++) {
		usleep(1000 + writers_random(&random, KICK_US));
		ns[i] = kick(k);
	}
	*median_ns = quota_median(ns, KICKS);
	*max_ns = ns[KICKS - 1];
}

TEST_F_TIMEOUT(share, signal, 120)
{
	uint64_t free_ns, free_max_ns, parked_ns, parked_max_ns;
	struct quota_sample first, last;
	struct quota_span span;
	struct kicked k;

	ASSERT_EQ(0, start_logging(self));
	ASSERT_EQ(0, start_kicked(&k, &self->writer[FAST]));
	usleep(WARM_US);
	kick_often(&k, &free_ns, &free_max_ns);
	ASSERT_EQ(0, set(self, QUOTA_LEAST_PAGES));
	ASSERT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, FAST));
	ASSERT_EQ(0, take(self, FAST, &first));
	kick_often(&k, &parked_ns, &parked_max_ns);
	ASSERT_EQ(0, take(self, FAST, &last));
	span = quota_span(&first, &last);
	TH_LOG("%u kicks: median %" PRIu64 " us, worst %" PRIu64 " us; with a quota %" PRIu64
	       " us, %" PRIu64 " us, parked for %" PRIu64 " of %" PRIu64 " ms",
	       KICKS, free_ns / 1000, free_max_ns / 1000, parked_ns / 1000, parked_max_ns / 1000,
	       quota_parked_ns(&span) / MS, span.ns / MS);
	EXPECT_GE(free_ns + SLICE_NS, parked_ns);
	EXPECT_GE(free_max_ns + SLICE_NS + LATE_NS, parked_max_ns);
	/* It mostly was, but for a tick after each kick. */
	EXPECT_LT(span.ns / (host_logs_pages() ? 4 : 2), quota_parked_ns(&span));
	EXPECT_EQ(0, set(self, 0));
	k.stop = true;
	ASSERT_EQ(0, pthread_join(k.thread, NULL));
	EXPECT_EQ(0, k.ret);
	ASSERT_EQ(0, stop_logging(self));
}

TEST_HARNESS_MAIN
