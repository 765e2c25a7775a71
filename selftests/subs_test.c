// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sub-reasons: exact counts as long as there is an entry for each, and for a guest that has many
 * more of them the bounds that the algorithm promises.
 */
#define _GNU_SOURCE
#include <errno.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"

/* A prime number of each. */
#define OUTS 1009
#define INS 1013
#define READS 1019
#define WRITES 1021
#define CPUIDS 1031
#define HYPERCALLS 1033

#define PORT_OUT VMM_PORT
#define PORT_IN (VMM_PORT + 1)
#define PORT_HEAVY 0x3333
#define PORT_FIRST 0x4000
#define PORTS_NR 1009
#define HEAVY_EACH 7

/* An MSR that KVM emulates to read (microcode revision), and one whose writes it drops. */
#define MSR_READ_INTERCEPTED 0x8b
#define MSR_WRITE_INTERCEPTED 0x79
#define HYPERCALL_UNKNOWN 0xfffff

FIXTURE(subs)
{
	struct meter meter;
	struct vmm vm;
};

static int set_switch(const char *value)
{
	return meter_set_param("subreasons", value);
}

FIXTURE_SETUP(subs)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
	/* Until it is known where reasons come from, their details are left alone. */
	do {
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, CPUIDS, 0, 0));
	} while (meter_host(&self->meter)->reason_source == KVMETER_REASON_UNPROVEN);
	ASSERT_EQ(KVMETER_REASON_DIRECT, meter_host(&self->meter)->reason_source);
	ASSERT_EQ(0, set_switch("1"));
}

FIXTURE_TEARDOWN(subs)
{
	EXPECT_EQ(0, set_switch("0"));
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static const struct kvmeter_sub *find_sub(const struct meter_vcpu *copy, uint32_t kind,
					  uint64_t value)
{
	uint32_t i;

	for (i = 0; i < copy->v.nr_subs; i++)
		if (copy->subs[i].kind == kind && copy->subs[i].value == value)
			return &copy->subs[i];
	return NULL;
}

static uint64_t sum_subs(const struct meter_vcpu *copy)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < copy->v.nr_subs; i++)
		sum += copy->subs[i].count;
	return sum;
}

/* clang-format off */
#define RUN(job, nr, arg, value) ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], job, nr, arg, value))
/* clang-format on */

TEST_F_TIMEOUT(subs, exact, 120)
{
	const char *hypercall = vmm_is_intel() ? vmm_guest_vmcall : vmm_guest_vmmcall;
	static const struct {
		uint32_t kind;
		uint64_t value;
		uint64_t count;
	} expected[] = {
		{ KVMETER_SUB_IO_OUT, PORT_OUT, OUTS },
		{ KVMETER_SUB_IO_IN, PORT_IN, INS },
		{ KVMETER_SUB_MSR_READ, MSR_READ_INTERCEPTED, READS },
		{ KVMETER_SUB_MSR_WRITE, MSR_WRITE_INTERCEPTED, WRITES },
		{ KVMETER_SUB_CPUID, 0, CPUIDS },
		{ KVMETER_SUB_HYPERCALL, HYPERCALL_UNKNOWN, HYPERCALLS },
		/* One for each job. */
		{ KVMETER_SUB_IO_OUT, VMM_DOORBELL, 6 },
	};
	const struct kvmeter_sub *sub;
	struct meter_vcpu copy;
	unsigned int i;

	RUN(vmm_guest_out, OUTS, PORT_OUT, 0);
	RUN(vmm_guest_in, INS, PORT_IN, 0);
	RUN(vmm_guest_rdmsr, READS, MSR_READ_INTERCEPTED, 0);
	RUN(vmm_guest_wrmsr, WRITES, MSR_WRITE_INTERCEPTED, 0);
	RUN(vmm_guest_cpuid, CPUIDS, 0, 0);
	RUN(hypercall, HYPERCALLS, 0, HYPERCALL_UNKNOWN);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_EQ(KVMETER_FEATURE_SUB, meter_host(&self->meter)->features & KVMETER_FEATURE_SUB);

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		sub = find_sub(&copy, expected[i].kind, expected[i].value);
		ASSERT_NE(NULL, sub);
		EXPECT_EQ(expected[i].count, sub->count);
		EXPECT_EQ(0, sub->error);
		EXPECT_LT(0, sub->kernel_ns);
	}
	/* All others are the page faults of the guest's code. */
	for (i = 0; i < copy.v.nr_subs; i++)
		if (copy.subs[i].kind == KVMETER_SUB_PAGE_FAULT)
			EXPECT_GT(VMM_DATA_GFN, copy.subs[i].value);
}

/* More ports than there are entries, and one that is used more often than any of them. */
TEST_F_TIMEOUT(subs, more_than_entries, 120)
{
	const struct kvmeter_sub *heavy;
	uint64_t all, bound, heavy_nr = 0;
	struct meter_vcpu copy;
	uint32_t i;

	for (i = 0; i < PORTS_NR; i++) {
		RUN(vmm_guest_out, 1, PORT_FIRST + i, 0);
		if (i % HEAVY_EACH == 0) {
			RUN(vmm_guest_out, HEAVY_EACH, PORT_HEAVY, 0);
			heavy_nr += HEAVY_EACH;
		}
	}
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_EQ(KVMETER_SUB_ROWS, copy.v.nr_subs);

	/* Each exit that had a sub-reason is in one entry. */
	all = sum_subs(&copy);
	bound = all / KVMETER_SUB_ROWS;
	EXPECT_LT(2 * PORTS_NR + heavy_nr, all);
	EXPECT_GE(copy.v.exits, all);
	heavy = find_sub(&copy, KVMETER_SUB_IO_OUT, PORT_HEAVY);
	ASSERT_NE(NULL, heavy);
	TH_LOG("%llu exits, error at most %llu; the port used %llu times: %llu, error %llu",
	       (unsigned long long)all, (unsigned long long)bound, (unsigned long long)heavy_nr,
	       heavy->count, heavy->error);
	EXPECT_LT(bound, heavy_nr);
	EXPECT_LE(heavy_nr, heavy->count);
	EXPECT_GE(heavy_nr + heavy->error, heavy->count);
	for (i = 0; i < copy.v.nr_subs; i++) {
		EXPECT_LE(copy.subs[i].error, bound);
		EXPECT_LT(copy.subs[i].error, copy.subs[i].count);
	}
}

/* Switched off, nothing is counted; on again, it goes on. */
TEST_F_TIMEOUT(subs, switched_off, 120)
{
	struct meter_vcpu copy;
	uint64_t before;

	RUN(vmm_guest_out, OUTS, PORT_OUT, 0);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	before = sum_subs(&copy);
	EXPECT_LT(OUTS, before);

	ASSERT_EQ(0, set_switch("0"));
	RUN(vmm_guest_out, INS, PORT_OUT, 0);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_EQ(0, meter_host(&self->meter)->features & KVMETER_FEATURE_SUB);
	EXPECT_EQ(before, sum_subs(&copy));

	ASSERT_EQ(0, set_switch("1"));
	RUN(vmm_guest_out, OUTS, PORT_OUT, 0);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_LE(before + OUTS, sum_subs(&copy));
}

TEST_HARNESS_MAIN
