// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each nanosecond of a vCPU is in one state, and in the one it should be in: guests that compute,
 * halt, and make their VMM compute or sleep, that share a CPU, or are stopped by a signal.
 *
 * What is expected comes from the vCPU's thread itself: CLOCK_MONOTONIC, its CPU time, and what its
 * schedstat says it waited.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"

#define RUN_NS 1000000000ull
#define LOOPS (5000011 * host_slowness())
#define HALTS 53
#define PERIOD_US 20000
#define EXITS (211 * host_slowness())
#define COMPUTE_NS 2000000ull
#define SLEEP_US 7000
#define STOP_NS 1000000000ull
#define CPU 0

/*
 * Clocks are read some instructions apart, an exit has a way from the CPU to KVM's events and back,
 * and a wait for the CPU begins and ends a little earlier by the scheduler's clock; on an emulated
 * host that is up to this much each time, and now and then as much as its emulator waits for a CPU
 * itself: 6 ms were seen.
 */
#define STEP_NS 100000ull
#define STEAL_STEPS 100

/* What is known of a vCPU, and of the thread that runs it, at one moment. */
struct instant {
	struct meter_vcpu copy;
	uint64_t now_ns;
	uint64_t state_ns[KVMETER_STATE_NR];
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t run_delay_ns;
};

/* How much of each came between two instants. */
struct span {
	uint64_t state_ns[KVMETER_STATE_NR];
	uint64_t ledger_ns;
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t run_delay_ns;
	uint64_t sleep_ns;
};

static uint64_t cpu_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* It is one instant only if the thread has not waited for a CPU between two of the readings. */
static int take_instant(const struct meter *meter, unsigned int slot, struct instant *at)
{
	struct meter_tries tries = METER_TRIES_INIT;
	struct instant new;
	int ret;

	while (meter_try(&tries)) {
		new.run_delay_ns = tries.run_delay_ns;
		new.cpu_ns = cpu_now_ns();
		ret = meter_read_slot(meter, slot, &new.copy, &new.now_ns);
		if (ret)
			return ret;
		new.wall_ns = host_now_ns();
		if (meter_try_is_best(&tries))
			*at = new;
	}
	meter_states(&at->copy, at->now_ns, at->state_ns);
	return 0;
}

static uint64_t sum_states(const uint64_t *state_ns)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < KVMETER_STATE_NR; i++)
		sum += state_ns[i];
	return sum;
}

static struct span get_span(const struct instant *first, const struct instant *last)
{
	struct span s = {
		.ledger_ns = last->now_ns - first->now_ns,
		.wall_ns = last->wall_ns - first->wall_ns,
		.cpu_ns = last->cpu_ns - first->cpu_ns,
		.run_delay_ns = last->run_delay_ns - first->run_delay_ns,
	};
	int i;

	for (i = 0; i < KVMETER_STATE_NR; i++)
		s.state_ns[i] = last->state_ns[i] - first->state_ns[i];
	if (s.wall_ns > s.cpu_ns + s.run_delay_ns)
		s.sleep_ns = s.wall_ns - s.cpu_ns - s.run_delay_ns;
	return s;
}

/* Is a within 1 % and @steps steps of b? */
static bool is_near(uint64_t a, uint64_t b, uint64_t steps)
{
	uint64_t slack = b / 100 + steps * STEP_NS;

	return a <= b + slack && b <= a + slack;
}

/* By how many steps all waits together may be longer in schedstat. */
static uint64_t wait_steps(const struct instant *first, const struct instant *last)
{
	uint64_t waits = last->copy.v.steal_nr - first->copy.v.steal_nr;

	return waits * host_wait_slack_ns() / STEP_NS;
}

FIXTURE(ledger)
{
	struct meter meter;
	struct vmm vm;
	unsigned int slot;
	pthread_t thread;
	atomic_bool stop;
};

static int start_ledger(struct meter *meter, struct vmm *vm, unsigned int id)
{
	int ret = vmm_run(&vm->vcpu[id], vmm_guest_busy, 1, 0, 0);

	return ret ? ret : meter_vcpu_slot(meter, vm->fd, id);
}

FIXTURE_SETUP(ledger)
{
	int slot;

	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init_irqchip(&self->vm, 2, 1));
	ASSERT_EQ(0, vmm_set_halt_poll(&self->vm, 0));
	ASSERT_EQ(0, host_pin(CPU));
	slot = start_ledger(&self->meter, &self->vm, 0);
	ASSERT_LE(0, slot);
	self->slot = (unsigned int)slot;
}

FIXTURE_TEARDOWN(ledger)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

/* What holds whatever the guest does; logs the span. */
static void check_span(struct __test_metadata *_metadata, const struct instant *first,
		       const struct instant *last, const struct span *s)
{
	const struct kvmeter_vcpu *v = &last->copy.v;

	TH_LOG("wall %" PRIu64 " us = guest %" PRIu64 " kernel %" PRIu64 " vmm %" PRIu64
	       " halt %" PRIu64 " steal %" PRIu64 "; thread: CPU %" PRIu64 " wait %" PRIu64
	       " sleep %" PRIu64,
	       s->wall_ns / 1000, s->state_ns[KVMETER_STATE_GUEST] / 1000,
	       s->state_ns[KVMETER_STATE_KERNEL] / 1000, s->state_ns[KVMETER_STATE_VMM] / 1000,
	       s->state_ns[KVMETER_STATE_HALT] / 1000, s->state_ns[KVMETER_STATE_STEAL] / 1000,
	       s->cpu_ns / 1000, s->run_delay_ns / 1000, s->sleep_ns / 1000);

	/* Exactly the time since the ledger began, up to now and without what is in progress. */
	EXPECT_EQ(last->now_ns - v->first_ns, sum_states(last->state_ns));
	EXPECT_EQ(v->since_ns - v->first_ns, meter_ledger_ns(&last->copy));
	EXPECT_EQ(first->copy.v.first_ns, v->first_ns);
	EXPECT_LT(0, v->first_ns);
	EXPECT_EQ(0, s->state_ns[KVMETER_STATE_THROTTLE]);
	/* And by another clock within 0.1 %. */
	EXPECT_EQ(s->ledger_ns, sum_states(s->state_ns));
	EXPECT_LE(s->ledger_ns, s->wall_ns + s->wall_ns / 1000);
	EXPECT_LE(s->wall_ns, s->ledger_ns + s->ledger_ns / 1000);
	/* Waiting for the CPU is steal, whatever the vCPU was about. */
	EXPECT_TRUE(is_near(s->state_ns[KVMETER_STATE_STEAL], s->run_delay_ns,
			    v->steal_nr - first->copy.v.steal_nr + STEAL_STEPS +
				    wait_steps(first, last)));
}

/* clang-format off */
#define TAKE(at) ASSERT_EQ(0, take_instant(&self->meter, self->slot, &(at)))
#define RUN(job, nr, arg) ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], job, nr, arg, 0))
/* clang-format on */

TEST_F_TIMEOUT(ledger, computes, 120)
{
	struct instant first, last;
	struct span s;

	TAKE(first);
	do {
		RUN(vmm_guest_busy, LOOPS, 0);
	} while (host_now_ns() - first.wall_ns < RUN_NS);
	TAKE(last);
	s = get_span(&first, &last);
	check_span(_metadata, &first, &last, &s);

	EXPECT_LT(s.cpu_ns / 100 * 80, s.state_ns[KVMETER_STATE_GUEST]);
	EXPECT_EQ(0, s.state_ns[KVMETER_STATE_HALT]);
	EXPECT_TRUE(is_near(s.state_ns[KVMETER_STATE_GUEST] + s.state_ns[KVMETER_STATE_KERNEL] +
				    s.state_ns[KVMETER_STATE_VMM],
			    s.cpu_ns, 1 + wait_steps(&first, &last)));
}

/* Asleep in KVM until a thread of the VMM interrupts it. */
TEST_F_TIMEOUT(ledger, halts, 120)
{
	struct vmm_interrupts irqs;
	struct instant first, last;
	struct span s;

	ASSERT_EQ(0, vmm_start_interrupts(&irqs, &self->vm, 0, PERIOD_US));
	TAKE(first);
	RUN(vmm_guest_hlt_irq, HALTS, 0);
	TAKE(last);
	ASSERT_EQ(0, vmm_stop_interrupts(&irqs));
	s = get_span(&first, &last);
	check_span(_metadata, &first, &last, &s);

	EXPECT_LT((HALTS - 1) * (uint64_t)PERIOD_US * 1000, s.wall_ns);
	EXPECT_LT(s.wall_ns / 2, s.state_ns[KVMETER_STATE_HALT]);
	EXPECT_TRUE(is_near(s.state_ns[KVMETER_STATE_HALT], s.sleep_ns, HALTS));
	EXPECT_EQ(first.copy.v.user_exits + 1, last.copy.v.user_exits);
}

/* The guest leaves to the VMM again and again, which each time computes for so long before. */
static int compute_between_exits(FIXTURE_DATA(ledger) * t, uint64_t ns, uint64_t *out_ns)
{
	uint64_t begin;
	unsigned int i;
	int ret;

	*out_ns = 0;
	for (i = 0; i < EXITS; i++) {
		begin = host_now_ns();
		host_compute(ns);
		*out_ns += host_now_ns() - begin;
		ret = vmm_run(&t->vm.vcpu[0], vmm_guest_busy, 1, 0, 0);
		if (ret)
			return ret;
	}
	return 0;
}

static uint64_t out_of_kvm_ns(const struct span *s)
{
	return s->state_ns[KVMETER_STATE_VMM] + s->state_ns[KVMETER_STATE_STEAL];
}

/*
 * Each OUT goes to the VMM, which computes for a while before it enters the guest again. What it
 * has to do besides is what it does when it does not compute.
 */
TEST_F_TIMEOUT(ledger, vmm_computes, 120)
{
	struct instant idle, first, last;
	uint64_t out_ns, idle_ns, besides_ns;
	struct span s;

	TAKE(idle);
	ASSERT_EQ(0, compute_between_exits(self, 0, &idle_ns));
	TAKE(first);
	ASSERT_EQ(0, compute_between_exits(self, COMPUTE_NS, &out_ns));
	TAKE(last);
	s = get_span(&idle, &first);
	besides_ns = out_of_kvm_ns(&s) - idle_ns;
	s = get_span(&first, &last);
	check_span(_metadata, &first, &last, &s);

	EXPECT_EQ(0, s.state_ns[KVMETER_STATE_HALT]);
	TH_LOG("computed for %" PRIu64 " us, besides %" PRIu64 " us", out_ns / 1000,
	       besides_ns / 1000);
	/* With checkers what there is besides is less where they had time to clear up. */
	EXPECT_TRUE(is_near(out_of_kvm_ns(&s), out_ns + besides_ns, EXITS) ||
		    (host_slowness() > 1 && out_of_kvm_ns(&s) >= out_ns &&
		     out_of_kvm_ns(&s) <= out_ns + besides_ns));
	EXPECT_EQ(EXITS, last.copy.v.user_exits - first.copy.v.user_exits);
	EXPECT_EQ(EXITS, last.copy.v.user_exit[KVM_EXIT_IO] - first.copy.v.user_exit[KVM_EXIT_IO]);
	/* All but what goes on is billed to the VMM exit's reason, too. */
	EXPECT_EQ(last.copy.v.vmm_ns - first.copy.v.vmm_ns,
		  last.copy.v.user_ns[KVM_EXIT_IO] - first.copy.v.user_ns[KVM_EXIT_IO]);
}

TEST_F_TIMEOUT(ledger, vmm_sleeps, 120)
{
	struct instant first, last;
	struct span s;
	unsigned int i;

	TAKE(first);
	for (i = 0; i < EXITS; i++) {
		usleep(SLEEP_US);
		RUN(vmm_guest_busy, 1, 0);
	}
	TAKE(last);
	s = get_span(&first, &last);
	check_span(_metadata, &first, &last, &s);

	EXPECT_LT(EXITS * (uint64_t)SLEEP_US * 1000, s.sleep_ns + s.run_delay_ns);
	EXPECT_EQ(0, s.state_ns[KVMETER_STATE_HALT]);
	EXPECT_LT(s.wall_ns / 2, s.state_ns[KVMETER_STATE_VMM]);
	EXPECT_LT(s.sleep_ns, s.state_ns[KVMETER_STATE_VMM] + STEP_NS);
	EXPECT_TRUE(is_near(s.state_ns[KVMETER_STATE_VMM] + s.state_ns[KVMETER_STATE_KERNEL] +
				    s.state_ns[KVMETER_STATE_GUEST],
			    s.sleep_ns + s.cpu_ns, EXITS));
}

struct spinner {
	struct vmm_vcpu *vcpu;
	atomic_bool stop;
	int ret;
};

static void *run_spinner(void *arg)
{
	struct spinner *spinner = arg;

	spinner->ret = host_pin(CPU);
	while (!spinner->ret && !spinner->stop)
		spinner->ret = vmm_run(spinner->vcpu, vmm_guest_busy, LOOPS, 0, 0);
	return NULL;
}

/* Two vCPUs that only compute have one CPU: each waits for half of the time. */
TEST_F_TIMEOUT(ledger, two_on_one_cpu, 120)
{
	struct spinner other = { .vcpu = &self->vm.vcpu[1] };
	struct instant first, last;
	pthread_t thread;
	struct span s;

	ASSERT_EQ(0, pthread_create(&thread, NULL, run_spinner, &other));
	/* Until it has begun. */
	while (meter_vcpu_slot(&self->meter, self->vm.fd, 1) < 0)
		RUN(vmm_guest_busy, LOOPS, 0);
	TAKE(first);
	do {
		RUN(vmm_guest_busy, LOOPS, 0);
	} while (host_now_ns() - first.wall_ns < RUN_NS);
	TAKE(last);
	other.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, other.ret);
	s = get_span(&first, &last);
	check_span(_metadata, &first, &last, &s);

	EXPECT_LT(s.wall_ns / 100 * 40, s.state_ns[KVMETER_STATE_STEAL]);
	EXPECT_GT(s.wall_ns / 100 * 60, s.state_ns[KVMETER_STATE_STEAL]);
	EXPECT_LT(s.cpu_ns / 100 * 80, s.state_ns[KVMETER_STATE_GUEST]);
}

static void run_stoppable(atomic_bool *running)
{
	struct vmm vm;

	if (host_pin(CPU) || vmm_init(&vm, 1, 1))
		_exit(1);
	do {
		if (vmm_run(&vm.vcpu[0], vmm_guest_busy, LOOPS, 0, 0))
			_exit(1);
		*running = true;
	} while (1);
}

/* A VMM that is stopped by a signal is not in the guest, nor in KVM. */
TEST_F_TIMEOUT(ledger, is_stopped, 120)
{
	struct instant first, last;
	atomic_bool *running;
	uint64_t stop_ns;
	struct span s;
	pid_t pid;
	int slot;

	running = mmap(NULL, sizeof(*running), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	ASSERT_NE(MAP_FAILED, running);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		run_stoppable(running);
	while (!*running)
		usleep(1000);
	slot = meter_pid_slot(&self->meter, pid);
	ASSERT_LE(0, slot);

	ASSERT_EQ(0, take_instant(&self->meter, (unsigned int)slot, &first));
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	stop_ns = host_now_ns();
	usleep(STOP_NS / 1000);
	stop_ns = host_now_ns() - stop_ns;
	ASSERT_EQ(0, take_instant(&self->meter, (unsigned int)slot, &last));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));

	s = get_span(&first, &last);
	TH_LOG("stopped %" PRIu64 " us of %" PRIu64 ": guest %" PRIu64 " kernel %" PRIu64
	       " vmm %" PRIu64 " steal %" PRIu64,
	       stop_ns / 1000, s.wall_ns / 1000, s.state_ns[KVMETER_STATE_GUEST] / 1000,
	       s.state_ns[KVMETER_STATE_KERNEL] / 1000, s.state_ns[KVMETER_STATE_VMM] / 1000,
	       s.state_ns[KVMETER_STATE_STEAL] / 1000);
	EXPECT_EQ(KVMETER_STATE_VMM, last.copy.v.state);
	EXPECT_LE(stop_ns, s.state_ns[KVMETER_STATE_VMM] + STEP_NS);
	EXPECT_GE(s.wall_ns + STEP_NS, s.state_ns[KVMETER_STATE_VMM]);
	EXPECT_EQ(s.ledger_ns, sum_states(s.state_ns));
	munmap(running, sizeof(*running));
}

TEST_HARNESS_MAIN
