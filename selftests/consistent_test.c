// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every copy a reader takes, at any moment, is whole: sums are exact, and no counter is below what
 * an earlier copy had; while vCPUs compute, exit, halt, go to their VMM and are preempted.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include <kselftest_harness.h>
#include <kvmeter/metrics.h>

#include "host.h"
#include "meter.h"

#define RUN_NS 4000000000ull
#define COPIES_MIN 101
#define VCPUS 2
#define CPU 0
#define PERIOD_US 700

enum metric_type { CUMULATIVE, INSTANT, PEAK, LOWEST, HISTOGRAM };

/**
 * struct metric - a field that is one
 * @name: of the field
 * @type: what may become of it
 * @offset: where it is, in bytes
 */
struct metric {
	const char *name;
	enum metric_type type;
	size_t offset;
};

/* clang-format off */
#define VCPU_METRIC(field, type, unit, exponent, help) \
	{ #field, type, offsetof(struct kvmeter_vcpu, field) },
#define EXIT_METRIC(field, type, unit, exponent, help) \
	{ #field, type, offsetof(struct kvmeter_exit, field) },
/* clang-format on */

static const struct metric vcpu_metrics[] = { KVMETER_VCPU_METRICS(VCPU_METRIC) };
static const struct metric exit_metrics[] = { KVMETER_EXIT_METRICS(EXIT_METRIC) };

static bool is_gone_back(const struct metric *metric, const void *before, const void *after)
{
	const __u64 *a = before + metric->offset;
	const __u64 *b = after + metric->offset;
	int i, nr = metric->type == HISTOGRAM ? KVMETER_HIST_BUCKETS : 1;

	if (metric->type == INSTANT)
		return false;
	if (metric->type == LOWEST)
		return *b > *a;
	for (i = 0; i < nr; i++)
		if (b[i] < a[i])
			return true;
	return false;
}

/* The first metric that went back from one copy to a later one; NULL if none did. */
static const char *find_gone_back(const struct meter_vcpu *before, const struct meter_vcpu *after)
{
	uint32_t i;
	size_t k;

	for (k = 0; k < ARRAY_SIZE(vcpu_metrics); k++)
		if (is_gone_back(&vcpu_metrics[k], &before->v, &after->v))
			return vcpu_metrics[k].name;
	for (i = 0; i < before->v.nr_rows; i++)
		for (k = 0; k < ARRAY_SIZE(exit_metrics); k++)
			if (is_gone_back(&exit_metrics[k], &before->rows[i], &after->rows[i]))
				return exit_metrics[k].name;
	return after->v.nr_rows < before->v.nr_rows ? "nr_rows" : NULL;
}

static const char *find_wrong_row(const struct meter_vcpu *c)
{
	uint64_t exits = 0, ended = 0, kernel = 0, vmm = 0, halt = 0, steal = 0, n;
	uint32_t i;

	for (i = 0; i < c->v.nr_rows; i++) {
		n = meter_hist_sum(&c->rows[i].hist);
		exits += c->rows[i].count;
		ended += n;
		kernel += c->rows[i].kernel_ns;
		vmm += c->rows[i].vmm_ns;
		halt += c->rows[i].halt_ns;
		steal += c->rows[i].steal_ns;
		if (n && meter_row_ns(&c->rows[i]) < c->rows[i].max_ns)
			return "a row's longest is longer than all";
	}
	if (exits != c->v.exits)
		return "exits of the rows";
	/* One may be in progress. */
	if (ended != exits && ended + 1 != exits)
		return "histograms of the rows";
	if (kernel > c->v.kernel_ns || vmm > c->v.vmm_ns || halt > c->v.halt_ns ||
	    steal > c->v.steal_ns)
		return "times of the rows";
	return NULL;
}

/* The first thing that does not hold within one copy; NULL if all does. */
static const char *find_wrong(const struct meter_vcpu *c)
{
	uint64_t user_exits = 0, user_ns = 0;
	int i;

	if (c->v.seq % 2)
		return "seq";
	if (meter_ledger_ns(c) != c->v.since_ns - c->v.first_ns)
		return "sum of the states";
	if (meter_hist_sum(&c->v.steal_hist) != c->v.steal_nr)
		return "steal_hist";
	if (meter_hist_sum(&c->v.wakeup_lat_hist) != c->v.wakeups)
		return "wakeup_lat_hist";
	if (c->v.wakeups > c->v.steal_nr || c->v.wakeup_lat_ns > c->v.steal_ns)
		return "wakeups";
	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		user_exits += c->v.user_exit[i];
		user_ns += c->v.user_ns[i];
	}
	if (user_exits != c->v.user_exits)
		return "user_exit";
	if (user_ns > c->v.vmm_ns)
		return "user_ns";
	return find_wrong_row(c);
}

struct seen {
	struct meter_vcpu copy;
	uint64_t state_ns[KVMETER_STATE_NR];
};

static const char *check_copy(const struct seen *before, const struct seen *after, uint64_t now_ns)
{
	const char *wrong = find_wrong(&after->copy);
	uint64_t sum = 0;
	int i;

	if (!wrong)
		wrong = find_gone_back(&before->copy, &after->copy);
	for (i = 0; i < KVMETER_STATE_NR; i++) {
		if (after->state_ns[i] < before->state_ns[i])
			return "a state up to now went back";
		sum += after->state_ns[i];
	}
	if (sum != now_ns - after->copy.v.first_ns)
		return "sum of the states up to now";
	return wrong;
}

FIXTURE(consistent)
{
	struct meter meter;
	struct vmm vm;
	unsigned int slot[VCPUS];
	struct vmm_interrupts irqs;
	pthread_t thread[VCPUS];
	atomic_bool stop;
	int ret[VCPUS];
};

/* Exits of its own, halts, the VMM at work and asleep. */
static void *run_mix(void *arg)
{
	FIXTURE_DATA(consistent) *self = arg;
	int ret = host_pin(CPU);

	while (!ret && !self->stop) {
		ret = vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 101, 0, 0);
		if (!ret)
			ret = vmm_run(&self->vm.vcpu[0], vmm_guest_hlt_irq, 3, 0, 0);
		if (!ret)
			ret = vmm_run(&self->vm.vcpu[0], vmm_guest_out, 11, VMM_PORT, 0);
		usleep(100);
	}
	self->ret[0] = ret;
	return NULL;
}

/* Takes the CPU from the other, and loses it. */
static void *run_busy(void *arg)
{
	FIXTURE_DATA(consistent) *self = arg;
	int ret = host_pin(CPU);

	while (!ret && !self->stop)
		ret = vmm_run(&self->vm.vcpu[1], vmm_guest_busy, 100003, 0, 0);
	self->ret[1] = ret;
	return NULL;
}

FIXTURE_SETUP(consistent)
{
	static void *(*const run[VCPUS])(void *) = { run_mix, run_busy };
	unsigned int i;
	int slot;

	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init_irqchip(&self->vm, VCPUS, 1));
	for (i = 0; i < VCPUS; i++) {
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[i], vmm_guest_busy, 1, 0, 0));
		slot = meter_vcpu_slot(&self->meter, self->vm.fd, i);
		ASSERT_LE(0, slot);
		self->slot[i] = (unsigned int)slot;
	}
	ASSERT_EQ(0, vmm_start_interrupts(&self->irqs, &self->vm, 0, PERIOD_US));
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, pthread_create(&self->thread[i], NULL, run[i], self));
}

/* The one that halts may wait for an interrupt. */
FIXTURE_TEARDOWN(consistent)
{
	unsigned int i;

	self->stop = true;
	for (i = 0; i < VCPUS; i++) {
		EXPECT_EQ(0, pthread_join(self->thread[i], NULL));
		EXPECT_EQ(0, self->ret[i]);
	}
	EXPECT_EQ(0, vmm_stop_interrupts(&self->irqs));
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

TEST_F_TIMEOUT(consistent, under_load, 120)
{
	uint64_t begin = host_now_ns(), copies = 0, now_ns;
	struct seen seen[VCPUS], next;
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		ASSERT_EQ(0, meter_read_slot(&self->meter, self->slot[i], &seen[i].copy, &now_ns));
		meter_states(&seen[i].copy, now_ns, seen[i].state_ns);
	}
	while (!wrong && (copies < COPIES_MIN || host_now_ns() - begin < RUN_NS)) {
		i = copies++ % VCPUS;
		ASSERT_EQ(0, meter_read_slot(&self->meter, self->slot[i], &next.copy, &now_ns));
		meter_states(&next.copy, now_ns, next.state_ns);
		wrong = check_copy(&seen[i], &next, now_ns);
		seen[i] = next;
	}
	TH_LOG("%llu copies; vCPU 0: %llu exits, %llu to the VMM, halts of %llu us, %llu waits",
	       (unsigned long long)copies, seen[0].copy.v.exits, seen[0].copy.v.user_exits,
	       seen[0].copy.v.halt_ns / 1000, seen[0].copy.v.steal_nr);
	EXPECT_STREQ("", wrong ? wrong : "");
	/* It was a load. */
	EXPECT_LT(0, seen[0].copy.v.halt_ns);
	EXPECT_LT(0, seen[0].copy.v.wakeups);
	EXPECT_LT(0, seen[1].copy.v.guest_ns);
	EXPECT_LT(0, seen[1].copy.v.steal_nr);
}

TEST_HARNESS_MAIN
