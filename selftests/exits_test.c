// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that makes an exact number of exits of a kind shows exactly that number more, and every
 * reason has the count that the kernel's own trace event has, from the vCPU's first exit on.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"

#define EVENTS (host_is_long() ? 10007 : 2003)
#define OTHER_EVENTS (host_is_long() ? 5003 : 1009)
#define ROUNDS 7

/* An MSR that KVM emulates to read (microcode revision), and one whose writes it drops. */
#define MSR_READ_INTERCEPTED 0x8b
#define MSR_WRITE_INTERCEPTED 0x79
#define HYPERCALL_UNKNOWN 0xfffff

static uint32_t io_reason(void)
{
	return reason_of(VMX_IO, SVM_IO);
}

static uint32_t cpuid_reason(void)
{
	return reason_of(VMX_CPUID, SVM_CPUID);
}

FIXTURE(exits)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_VARIANT(exits)
{
	const char *vmx_job, *svm_job;
	uint32_t vmx, svm;
	uint32_t arg, value;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(exits, cpuid)
{
	vmm_guest_cpuid, vmm_guest_cpuid, VMX_CPUID, SVM_CPUID, 0, 0,
};

FIXTURE_VARIANT_ADD(exits, out)
{
	vmm_guest_out, vmm_guest_out, VMX_IO, SVM_IO, VMM_PORT, 0,
};

FIXTURE_VARIANT_ADD(exits, in)
{
	vmm_guest_in, vmm_guest_in, VMX_IO, SVM_IO, VMM_PORT, 0,
};

FIXTURE_VARIANT_ADD(exits, hlt)
{
	vmm_guest_hlt, vmm_guest_hlt, VMX_HLT, SVM_HLT, 0, 0,
};

FIXTURE_VARIANT_ADD(exits, rdmsr)
{
	vmm_guest_rdmsr, vmm_guest_rdmsr, VMX_MSR_READ, SVM_MSR, MSR_READ_INTERCEPTED, 0,
};

FIXTURE_VARIANT_ADD(exits, wrmsr)
{
	vmm_guest_wrmsr, vmm_guest_wrmsr, VMX_MSR_WRITE, SVM_MSR, MSR_WRITE_INTERCEPTED, 0,
};

FIXTURE_VARIANT_ADD(exits, hypercall)
{
	vmm_guest_vmcall, vmm_guest_vmmcall, VMX_VMCALL, SVM_VMMCALL, 0, HYPERCALL_UNKNOWN,
};

FIXTURE_VARIANT_ADD(exits, page_fault)
{
	vmm_guest_write, vmm_guest_write, VMX_EPT_VIOLATION, SVM_NPF, VMM_DATA_ADDR, 1,
};

/* clang-format on */
FIXTURE_SETUP(exits)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 2, EVENTS));
}

FIXTURE_TEARDOWN(exits)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

TEST_F_TIMEOUT(exits, exact, 120)
{
	const char *job = vmm_is_intel() ? variant->vmx_job : variant->svm_job;
	uint32_t reason = reason_of(variant->vmx, variant->svm);
	uint64_t doorbell = reason == io_reason();
	struct vmm_vcpu *vcpu = &self->vm.vcpu[0];
	struct meter_vcpu before, idle, after;
	uint64_t rows = 0, count, exits = 0;
	struct host_trace trace;
	uint32_t i;

	ASSERT_EQ(0, host_trace_start(&trace));
	ASSERT_EQ(0, vmm_run(vcpu, vmm_guest_busy, 1, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &before));
	ASSERT_EQ(0, vmm_run(vcpu, vmm_guest_busy, EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &idle));
	ASSERT_EQ(0, vmm_run(vcpu, job, EVENTS, variant->arg, variant->value));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));
	ASSERT_EQ(0, host_trace_stop(&trace));

	/* The job makes them all, and a guest that only computes makes none. */
	EXPECT_EQ(EVENTS + doorbell, meter_count(&after, reason) - meter_count(&idle, reason));
	EXPECT_EQ(doorbell, meter_count(&idle, reason) - meter_count(&before, reason));

	/* Reason by reason what the kernel counted: no more, no less, no other. */
	ASSERT_EQ(0, trace.dropped);
	for (i = 0; i < trace.nr; i++) {
		TH_LOG("reason %u: trace event %" PRIu64 ", kvmeter %" PRIu64, trace.reason[i],
		       trace.count[i], meter_count(&after, trace.reason[i]));
		EXPECT_EQ(trace.count[i], meter_count(&after, trace.reason[i]));
		exits += trace.count[i];
	}
	for (i = 1; i < after.v.nr_rows; i++) {
		EXPECT_EQ(1, after.rows[i].level);
		EXPECT_EQ(host_trace_count(&trace, after.rows[i].reason), after.rows[i].count);
	}
	for (i = 0; i < after.v.nr_rows; i++)
		rows += after.rows[i].count;
	EXPECT_EQ(0, after.rows[0].count);
	EXPECT_EQ(exits, rows);
	EXPECT_EQ(exits, after.v.exits);

	/* And what debugfs shows. */
	ASSERT_EQ(0, meter_debugfs_count(self->vm.fd, 0, reason, &count));
	EXPECT_EQ(meter_count(&after, reason), count);
}

TEST_F_TIMEOUT(exits, times, 120)
{
	const char *job = vmm_is_intel() ? variant->vmx_job : variant->svm_job;
	struct meter_vcpu after;
	uint64_t wall, time = 0, vmm = 0, steal = 0, user_exits = 0, ns, open;
	uint32_t i;

	wall = host_now_ns();
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], job, EVENTS, variant->arg, variant->value));
	wall = host_now_ns() - wall;
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));

	for (i = 1; i < after.v.nr_rows; i++) {
		const struct kvmeter_exit *row = &after.rows[i];
		uint64_t ended = meter_hist_sum(&row->hist);

		/* The doorbell was the last exit, and the guest has not been entered since. */
		open = row->reason == io_reason();
		EXPECT_EQ(row->count - open, ended);
		ns = meter_row_ns(row);
		time += ns;
		vmm += row->vmm_ns;
		steal += row->steal_ns;
		user_exits += row->user_exits;
		if (!ended) {
			EXPECT_EQ(0, ns);
			EXPECT_EQ(UINT64_MAX, row->min_ns);
			continue;
		}
		EXPECT_GE(row->max_ns * ended, ns);
		EXPECT_LE(row->min_ns, row->max_ns);
		EXPECT_LE(row->min_ns * ended, ns);
		EXPECT_LT(0, row->max_ns);
	}
	EXPECT_LT(0, time);
	EXPECT_GT(wall, time + after.v.steal_ns);
	/* What the exits took is in the ledger, and so is the time of the one that goes on. */
	EXPECT_LE(time, after.v.kernel_ns + after.v.vmm_ns + after.v.halt_ns);
	EXPECT_LE(vmm, after.v.vmm_ns);
	EXPECT_LE(steal, after.v.steal_ns);
	/* The doorbell's is added when it ends. */
	EXPECT_EQ(user_exits + 1, after.v.user_exits);
}

struct runner {
	struct vmm_vcpu *vcpu;
	uint32_t nr;
	int cpu;
	int ret;
};

static void *run_cpuid(void *arg)
{
	struct runner *r = arg;

	r->ret = r->cpu < 0 ? 0 : host_pin(r->cpu);
	if (!r->ret)
		r->ret = vmm_run(r->vcpu, vmm_guest_cpuid, r->nr, 0, 0);
	return NULL;
}

FIXTURE(vcpus)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_SETUP(vcpus)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 2, 1));
}

FIXTURE_TEARDOWN(vcpus)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

TEST_F_TIMEOUT(vcpus, counted_apart, 120)
{
	struct runner runner[2] = {
		{ &self->vm.vcpu[0], EVENTS, -1, 0 },
		{ &self->vm.vcpu[1], OTHER_EVENTS, -1, 0 },
	};
	struct meter_vcpu copy;
	pthread_t thread[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, run_cpuid, &runner[i]));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, runner[i].ret);
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, i, &copy));
		EXPECT_EQ(i, copy.v.vcpu_id);
		EXPECT_EQ(runner[i].nr, meter_count(&copy, cpuid_reason()));
		EXPECT_EQ(1, meter_count(&copy, io_reason()));
	}
	EXPECT_EQ(2, meter_vm(&self->meter, self->vm.fd)->nr_vcpus);
	EXPECT_EQ((uint32_t)getpid(), meter_vm(&self->meter, self->vm.fd)->pid);
}

/* Another thread each time, and where there is another CPU, there. */
TEST_F_TIMEOUT(vcpus, moved_between_threads, 120)
{
	unsigned int i, cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	struct runner runner = { &self->vm.vcpu[0], OTHER_EVENTS, 0, 0 };
	struct meter_vcpu copy;
	pthread_t thread;

	for (i = 0; i < ROUNDS; i++) {
		runner.cpu = (int)(i % cpus);
		ASSERT_EQ(0, pthread_create(&thread, NULL, run_cpuid, &runner));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, runner.ret);
		ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
		EXPECT_EQ((uint64_t)(i + 1) * OTHER_EVENTS, meter_count(&copy, cpuid_reason()));
		EXPECT_EQ((uint32_t)runner.cpu, copy.v.cpu);
	}
}

/**
 * struct stayer - a thread that runs a vCPU whenever it is told to, and spins in between
 * @vcpu: the vCPU
 * @cpu: where it stays
 * @told: how often it is to have run the vCPU by now; UINT_MAX ends it
 * @ran: how often it has
 * @tid: its id, once it has
 * @ret: what went wrong
 */
struct stayer {
	struct vmm_vcpu *vcpu;
	int cpu;
	atomic_uint told, ran;
	uint32_t tid;
	int ret;
};

static void *stay(void *arg)
{
	struct stayer *s = arg;
	unsigned int told, ran = 0;

	s->tid = (uint32_t)gettid();
	s->ret = host_pin(s->cpu);
	while ((told = atomic_load(&s->told)) != UINT_MAX) {
		if (told == ran)
			continue;
		if (!s->ret)
			s->ret = vmm_run(s->vcpu, vmm_guest_cpuid, OTHER_EVENTS, 0, 0);
		atomic_store(&s->ran, ++ran);
	}
	return NULL;
}

static int run_stayer(struct stayer *s)
{
	unsigned int nr = atomic_load(&s->told) + 1;

	atomic_store(&s->told, nr);
	while (atomic_load(&s->ran) != nr)
		;
	return s->ret;
}

/*
 * A thread runs a vCPU, another one does elsewhere, and the first again, which has not left its CPU
 * meanwhile. So nothing has happened there by which to tell that the vCPU is another thread's.
 */
TEST_F_TIMEOUT(vcpus, back_on_the_same_cpu, 120)
{
	struct stayer stayer = { .vcpu = &self->vm.vcpu[0], .cpu = 1 };
	uint32_t tid = (uint32_t)gettid();
	struct meter_vcpu copy;
	pthread_t thread;
	unsigned int i;
	bool here;
	int ret;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "this host has one CPU");
	ASSERT_EQ(0, host_pin(0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stay, &stayer));
	for (i = 0; i < 2 * ROUNDS; i++) {
		here = i % 2;
		ret = here ? vmm_run(stayer.vcpu, vmm_guest_cpuid, OTHER_EVENTS, 0, 0)
			   : run_stayer(&stayer);
		EXPECT_EQ(0, ret);
		EXPECT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
		EXPECT_EQ(here ? 0 : 1, copy.v.cpu);
		EXPECT_EQ(here ? tid : stayer.tid, copy.v.tid);
		EXPECT_EQ((uint64_t)(i + 1) * OTHER_EVENTS, meter_count(&copy, cpuid_reason()));
	}
	atomic_store(&stayer.told, UINT_MAX);
	EXPECT_EQ(0, pthread_join(thread, NULL));
}

TEST_HARNESS_MAIN
