// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs come and go: those that run already are seen at load, those that are killed at any moment
 * give their slots back, and those for which there is no room are counted as untracked.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"

#define KILL_ROUNDS (host_is_long() ? 17 : 5)
#define KILL_VMMS 3
#define KILL_PAGES 503
#define LIMIT 64
#define OVER 3
#define LIMITS "max_vms=64 max_vcpus=64"
#define EVENTS 1009

static uint32_t cpuid_reason(void)
{
	return reason_of(VMX_CPUID, SVM_CPUID);
}

static uint64_t all_exits(const struct host_trace *trace)
{
	uint64_t exits = 0;
	unsigned int i;

	for (i = 0; i < trace->nr; i++)
		exits += trace->count[i];
	return exits;
}

/* One that does a bit of everything until it is killed. */
static void *run_mix(void *arg)
{
	struct vmm_vcpu *vcpu = arg;

	for (;;) {
		vmm_run(vcpu, vmm_guest_cpuid, 101, 0, 0);
		vmm_run(vcpu, vmm_guest_write, KILL_PAGES, VMM_DATA_ADDR, 1);
		vmm_run(vcpu, vmm_guest_busy, 10007, 0, 0);
	}
	return NULL;
}

static void run_vmm(void)
{
	pthread_t thread;
	struct vmm vm;
	unsigned int i;

	if (vmm_init(&vm, 2, KILL_PAGES))
		_exit(1);
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, run_mix, &vm.vcpu[i]))
			_exit(1);
	for (i = 0;; i++) {
		if (vmm_set_log(&vm, i % 2) || (i % 2 && vmm_take_dirty(&vm)))
			_exit(1);
		usleep(1000);
	}
}

FIXTURE(lifetime)
{
	struct meter meter;
	int log;
};

FIXTURE_SETUP(lifetime)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, host_load(""));
	ASSERT_EQ(0, meter_open(&self->meter));
}

FIXTURE_TEARDOWN(lifetime)
{
	char text[256];

	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

TEST_F_TIMEOUT(lifetime, killed_at_any_moment, 200)
{
	const struct kvmeter_host *host = meter_host(&self->meter);
	pid_t pid[KILL_VMMS];
	uint32_t i, k, seed = 1;
	int status;

	for (i = 0; i < KILL_ROUNDS; i++) {
		for (k = 0; k < KILL_VMMS; k++) {
			pid[k] = fork();
			ASSERT_LE(0, pid[k]);
			if (!pid[k])
				run_vmm();
		}
		for (k = 0; k < KILL_VMMS; k++) {
			seed = seed * 1664525 + 1013904223;
			usleep((seed >> 8) % 60000);
			EXPECT_EQ(0, kill(pid[k], SIGKILL));
		}
		for (k = 0; k < KILL_VMMS; k++) {
			ASSERT_EQ(pid[k], waitpid(pid[k], &status, 0));
			EXPECT_TRUE(WIFSIGNALED(status));
		}
	}

	EXPECT_STREQ("", meter_check_empty(&self->meter) ?: "");
	TH_LOG("%d VMMs killed, %llu VMs and %llu vCPUs were seen", KILL_ROUNDS * KILL_VMMS,
	       host->vms_seen, host->vcpus_seen);
	EXPECT_LT(KILL_VMMS, host->vms_seen);
	EXPECT_EQ(0, host->untracked_vms);
	EXPECT_EQ(0, host->untracked_vcpus);
}

TEST_F(lifetime, slot_is_used_again)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	struct meter_vcpu copy;
	struct vmm vm;
	uint32_t i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, vmm_init(&vm, 1, 1));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
		EXPECT_EQ(&vms[0], meter_vm(&self->meter, vm.fd));
		EXPECT_EQ(2 * i + 1, vms[0].gen);
		ASSERT_EQ(0, meter_read(&self->meter, vm.fd, 0, &copy));
		EXPECT_EQ(0, meter_vcpu_slot(&self->meter, vm.fd, 0));
		EXPECT_EQ(2 * i + 1, copy.v.gen);
		/* Nothing is left of the one before. */
		EXPECT_EQ(EVENTS, meter_count(&copy, cpuid_reason()));
		vmm_exit(&vm);
		EXPECT_EQ(0, meter_wait_used(&self->meter, 0));
		EXPECT_EQ(2 * i + 2, vms[0].gen);
	}
}

FIXTURE(before_load)
{
	struct vmm idle, logging;
	struct meter meter;
};

FIXTURE_SETUP(before_load)
{
	ASSERT_EQ(0, vmm_init(&self->idle, 1, 1));
	ASSERT_EQ(0, vmm_init(&self->logging, 1, 1));
	ASSERT_EQ(0, vmm_run(&self->idle.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	ASSERT_EQ(0, vmm_run(&self->logging.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	ASSERT_EQ(0, vmm_set_log(&self->logging, true));
	ASSERT_EQ(0, host_load(""));
	ASSERT_EQ(0, meter_open(&self->meter));
}

FIXTURE_TEARDOWN(before_load)
{
	vmm_exit(&self->idle);
	vmm_exit(&self->logging);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
}

TEST_F(before_load, seen)
{
	struct meter_vcpu copy;

	EXPECT_NE(NULL, meter_vm(&self->meter, self->idle.fd));
	EXPECT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, self->idle.fd));
	EXPECT_EQ(KVMETER_LOG_BITMAP, meter_wait_log(&self->meter, self->logging.fd));

	/* What was before is not counted; what comes is. */
	ASSERT_EQ(0, vmm_run(&self->idle.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->idle.fd, 0, &copy));
	EXPECT_EQ(EVENTS, meter_count(&copy, cpuid_reason()));
	EXPECT_EQ(0, copy.rows[0].count);
}

FIXTURE(limits)
{
	struct meter meter;
	struct host_trace trace;
	struct vmm vm[LIMIT + OVER];
};

FIXTURE_SETUP(limits)
{
	ASSERT_EQ(0, host_load(LIMITS));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(LIMIT, meter_host(&self->meter)->max_vms);
	ASSERT_EQ(LIMIT, meter_host(&self->meter)->max_vcpus);
	ASSERT_EQ(0, host_trace_start(&self->trace));
}

FIXTURE_TEARDOWN(limits)
{
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
}

/* Sum of the exits of all vCPUs that have a slot. */
static uint64_t tracked_exits(const struct meter *m)
{
	const struct kvmeter_vcpu *v = m->map[KVMETER_MAP_VCPUS];
	uint64_t exits = 0;
	uint32_t i;

	for (i = 0; i < LIMIT; i++)
		exits += v[i].exits;
	return exits;
}

TEST_F_TIMEOUT(limits, more_vms, 120)
{
	const struct kvmeter_host *host = meter_host(&self->meter);
	int i;

	for (i = 0; i < LIMIT + OVER; i++) {
		ASSERT_EQ(0, vmm_init(&self->vm[i], 1, 1));
		ASSERT_EQ(0, vmm_run(&self->vm[i].vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	}
	ASSERT_EQ(0, host_trace_stop(&self->trace));
	EXPECT_EQ(LIMIT, meter_used(&self->meter, false));
	EXPECT_EQ(LIMIT, meter_used(&self->meter, true));

	/* No exit is forgotten: each is in a slot or untracked, and the sums say so. */
	EXPECT_EQ(all_exits(&self->trace),
		  tracked_exits(&self->meter) + (uint64_t)meter_status("untracked_exits"));
	EXPECT_LE(OVER * EVENTS, meter_status("untracked_exits"));
	EXPECT_LE(OVER, host->untracked_vms);
	EXPECT_LE(OVER, host->untracked_vcpus);
	EXPECT_EQ(NULL, meter_vm(&self->meter, self->vm[LIMIT].fd));

	/* One goes, and the next that runs has its place. */
	vmm_exit(&self->vm[0]);
	EXPECT_EQ(LIMIT - 1, meter_wait_used(&self->meter, LIMIT - 1));
	ASSERT_EQ(0, vmm_run(&self->vm[LIMIT].vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	EXPECT_NE(NULL, meter_vm(&self->meter, self->vm[LIMIT].fd));
	EXPECT_EQ(LIMIT, meter_used(&self->meter, false));

	for (i = 1; i < LIMIT + OVER; i++)
		vmm_exit(&self->vm[i]);
	EXPECT_EQ(0, meter_wait_used(&self->meter, 0));
}

TEST_F_TIMEOUT(limits, more_vcpus, 120)
{
	const int nr = LIMIT / VMM_VCPUS_MAX + 1;
	int i, k;

	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, vmm_init(&self->vm[i], VMM_VCPUS_MAX, 1));
		for (k = 0; k < VMM_VCPUS_MAX; k++)
			ASSERT_EQ(0, vmm_run(&self->vm[i].vcpu[k], vmm_guest_cpuid, EVENTS, 0, 0));
	}
	ASSERT_EQ(0, host_trace_stop(&self->trace));
	EXPECT_EQ(nr, meter_used(&self->meter, false));
	EXPECT_EQ(LIMIT, meter_used(&self->meter, true));
	EXPECT_EQ(all_exits(&self->trace),
		  tracked_exits(&self->meter) + (uint64_t)meter_status("untracked_exits"));
	EXPECT_LE(VMM_VCPUS_MAX * EVENTS, meter_status("untracked_exits"));
	EXPECT_EQ(0, meter_host(&self->meter)->untracked_vms);

	for (i = 0; i < nr; i++)
		vmm_exit(&self->vm[i]);
	EXPECT_EQ(0, meter_wait_used(&self->meter, 0));
	EXPECT_EQ(0, meter_used(&self->meter, true));
}

TEST_HARNESS_MAIN
