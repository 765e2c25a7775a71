// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of a nested guest are counted apart from those of the guest that is its hypervisor.
 *
 * The guest executes VMRUN, and its guest CPUID, which the VMCB intercepts: for each of them one
 * exit of the guest for VMRUN and one of the nested guest for CPUID, which KVM hands to the guest.
 */
#define _GNU_SOURCE
#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "nested.h"
#include "reason.h"

#define EVENTS 1009
#define OTHER_EVENTS 503

FIXTURE(nested)
{
	struct meter meter;
	struct vmm vm;
};

FIXTURE_SETUP(nested)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, NESTED_PAGES));
}

FIXTURE_TEARDOWN(nested)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static uint64_t level2_count(const struct meter_vcpu *copy, uint32_t reason)
{
	const struct kvmeter_exit *row = meter_row(copy, 2, reason);

	return row ? row->count : 0;
}

TEST_F_TIMEOUT(nested, levels, 120)
{
	struct vmm_vcpu *vcpu = &self->vm.vcpu[0];
	uint64_t exits = 0, level2 = 0;
	const struct kvmeter_exit *row;
	struct meter_vcpu copy;
	struct host_trace trace;
	uint32_t i;

	if (!nested_has_svm())
		SKIP(return, "the guest that is a hypervisor needs SVM");
	ASSERT_EQ(0, nested_init(&self->vm, vcpu, vmm_guest_nested));
	ASSERT_EQ(0, host_trace_start(&trace));
	ASSERT_EQ(0, vmm_run(vcpu, vmm_guest_cpuid, OTHER_EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	for (i = 0; i < copy.v.nr_rows; i++)
		EXPECT_GT(2, copy.rows[i].level);

	ASSERT_EQ(0, vmm_run(vcpu, vmm_guest_vmrun, EVENTS, NESTED_VMCB_ADDR, 0));
	ASSERT_EQ(0, host_trace_stop(&trace));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	for (i = 0; i < copy.v.nr_rows; i++) {
		TH_LOG("level %u reason %u: %llu, kernel %llu us", copy.rows[i].level,
		       copy.rows[i].reason, copy.rows[i].count, copy.rows[i].kernel_ns / 1000);
		exits += copy.rows[i].count;
		level2 += copy.rows[i].level == 2 ? copy.rows[i].count : 0;
	}
	EXPECT_EQ(EVENTS, level2_count(&copy, SVM_CPUID));
	EXPECT_EQ(EVENTS, meter_count(&copy, SVM_VMRUN));
	EXPECT_EQ(OTHER_EVENTS, meter_count(&copy, SVM_CPUID));
	EXPECT_EQ(0, level2_count(&copy, SVM_VMRUN));
	EXPECT_EQ(0, level2_count(&copy, SVM_IO));
	EXPECT_LE(EVENTS, level2);
	EXPECT_EQ(copy.v.exits, exits);

	/* Both together are what the kernel's trace event counts. */
	EXPECT_EQ(0, trace.dropped);
	for (i = 0; i < trace.nr; i++)
		EXPECT_EQ(trace.count[i],
			  meter_count(&copy, trace.reason[i]) +
				  level2_count(&copy, trace.reason[i]));
	row = meter_row(&copy, 2, SVM_CPUID);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(EVENTS, meter_hist_sum(&row->hist));
	EXPECT_LT(0, row->kernel_ns);
	EXPECT_LE(row->min_ns, row->max_ns);
}

TEST_HARNESS_MAIN
