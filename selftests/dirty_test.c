// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages: none are shown while nothing logs; while the VMM logs, rewriting P pages is exactly
 * P entries of the Page Modification Log, of those pages, or where there is no PML P write faults.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"

#define PAGES 6007
#define FRESH_PAGES 1009
#define ROUNDS 3
#define PML_ENTRIES 512

/* Since 6.11: maps memory of a vCPU that does not run. */
#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236
#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#endif

FIXTURE(dirty)
{
	struct meter meter;
	struct vmm vm;
};

/* How the VMM has the log cleared: by reading it, or by a call of its own. */
FIXTURE_VARIANT(dirty)
{
	uint64_t manual;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(dirty, get)
{
	0,
};

FIXTURE_VARIANT_ADD(dirty, clear)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
};

FIXTURE_VARIANT_ADD(dirty, clear_from_all_set)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
};

/* clang-format on */
static int rewrite(struct vmm *vm)
{
	return vmm_run(&vm->vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1);
}

FIXTURE_SETUP(dirty)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, PAGES + FRESH_PAGES));
	if (variant->manual)
		ASSERT_EQ(0, vmm_set_manual(&self->vm, variant->manual));
	/* From here on all pages are there, each a 4 KiB page of the host. */
	ASSERT_EQ(0, rewrite(&self->vm));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, self->vm.fd));
}

FIXTURE_TEARDOWN(dirty)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

FIXTURE(other)
{
	struct meter meter;
	struct vmm vm;
	struct vmm other;
};

FIXTURE_SETUP(other)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, FRESH_PAGES));
	ASSERT_EQ(0, vmm_init(&self->other, 1, FRESH_PAGES));
	/* So that they are known, and the pages are there to be mapped writable. */
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_write, FRESH_PAGES, VMM_DATA_ADDR, 1));
	ASSERT_EQ(0, vmm_run(&self->other.vcpu[0], vmm_guest_busy, 1, 0, 0));
	memset(self->other.ram + VMM_DATA_ADDR, 1, (size_t)FRESH_PAGES * VMM_PAGE_BYTES);
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, self->vm.fd));
}

FIXTURE_TEARDOWN(other)
{
	vmm_exit(&self->other);
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

TEST_F_TIMEOUT(dirty, not_armed, 120)
{
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	struct meter_vcpu copy;

	ASSERT_EQ(0, rewrite(&self->vm));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_EQ(KVMETER_LOG_OFF, vm->log_state);
	EXPECT_EQ(0, vm->log_slots);
	EXPECT_EQ(0, vm->log_pages);
	EXPECT_EQ(0, copy.v.pml_pages);
	EXPECT_EQ(0, copy.v.pml_full);
	EXPECT_EQ(0, copy.v.pml_bad);
	EXPECT_EQ(0, copy.v.pml_gfn_sum);
	EXPECT_EQ(0, copy.v.write_faults);
}

TEST_F_TIMEOUT(dirty, rewritten_exact, 120)
{
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	/* Sum of the page numbers [first, first + PAGES). */
	uint64_t gfns = (uint64_t)PAGES * VMM_DATA_GFN + (uint64_t)PAGES * (PAGES - 1) / 2;
	uint64_t all = self->vm.ram_bytes / VMM_PAGE_BYTES;
	struct meter_vcpu copy;
	bool pml = host_logs_pages();
	uint64_t i;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	/* With all bits set to begin with, nothing logs until some are cleared. */
	EXPECT_EQ(variant->manual & KVM_DIRTY_LOG_INITIALLY_SET ? KVMETER_LOG_OFF
								: KVMETER_LOG_BITMAP,
		  vm->log_state);
	EXPECT_EQ(1, vm->log_slots);
	EXPECT_EQ(all, vm->log_pages);
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	EXPECT_EQ(KVMETER_LOG_BITMAP, vm->log_state);

	for (i = 1; i <= ROUNDS; i++) {
		ASSERT_EQ(0, rewrite(&self->vm));
		ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
		TH_LOG("round %" PRIu64 ": %llu from the log, %llu write faults", i,
		       copy.v.pml_pages, copy.v.write_faults);
		EXPECT_EQ(pml ? i * PAGES : 0, copy.v.pml_pages);
		EXPECT_EQ(pml ? i * gfns : 0, copy.v.pml_gfn_sum);
		EXPECT_EQ(pml ? 0 : i * PAGES, copy.v.write_faults);
		EXPECT_EQ(0, copy.v.pml_bad);

		/* What the VMM is told: those pages and no other. */
		ASSERT_EQ(0, vmm_take_dirty(&self->vm));
		EXPECT_EQ(PAGES, vmm_nr_dirty(&self->vm, VMM_DATA_GFN, VMM_DATA_GFN + PAGES));
		EXPECT_EQ(PAGES, vmm_nr_dirty(&self->vm, 0, all));
	}

	/* A full log ends in an exit of its own, or in one that came at that very moment. */
	EXPECT_LE(meter_count(&copy, VMX_PML_FULL), copy.v.pml_full);
	EXPECT_GE(pml ? ROUNDS * (PAGES / PML_ENTRIES) : 0, copy.v.pml_full);
	if (pml)
		EXPECT_LT(0, copy.v.pml_full);
}

/* Rewriting pages that were not cleared since is no event at all. */
TEST_F_TIMEOUT(dirty, dirty_already, 120)
{
	struct meter_vcpu before, after;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, rewrite(&self->vm));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &before));
	ASSERT_EQ(0, rewrite(&self->vm));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));
	EXPECT_EQ(host_logs_pages() ? PAGES : 0, before.v.pml_pages);
	EXPECT_EQ(before.v.pml_pages, after.v.pml_pages);
	EXPECT_EQ(before.v.write_faults, after.v.write_faults);
}

/* The first write to a page that the VMM never touched is a fault, and dirty at once: no PML. */
TEST_F_TIMEOUT(dirty, fresh_pages_fault, 120)
{
	uint32_t addr = VMM_DATA_ADDR + PAGES * VMM_PAGE_BYTES;
	struct meter_vcpu copy;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_write, FRESH_PAGES, addr, 1));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &copy));
	EXPECT_EQ(FRESH_PAGES, copy.v.write_faults);
	EXPECT_EQ(0, copy.v.pml_pages);
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	EXPECT_EQ(FRESH_PAGES, vmm_nr_dirty(&self->vm, 0, self->vm.ram_bytes / VMM_PAGE_BYTES));
}

TEST_F_TIMEOUT(dirty, disarmed_again, 120)
{
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	struct meter_vcpu before, after;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, rewrite(&self->vm));
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	EXPECT_EQ(KVMETER_LOG_OFF, vm->log_state);
	EXPECT_EQ(0, vm->log_slots);
	EXPECT_EQ(0, vm->log_pages);

	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &before));
	ASSERT_EQ(0, rewrite(&self->vm));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));
	EXPECT_LT(0, before.v.pml_pages + before.v.write_faults);
	EXPECT_EQ(before.v.pml_pages, after.v.pml_pages);
	EXPECT_EQ(before.v.pml_gfn_sum, after.v.pml_gfn_sum);
	EXPECT_EQ(before.v.write_faults, after.v.write_faults);
}

/* Without PML rewritten_exact proves the faults, and nothing the log. */
TEST(host_has_pml)
{
	if (!host_logs_pages())
		SKIP(return, "this CPU has no Page Modification Logging");
	EXPECT_TRUE(vmm_is_intel());
}

/* What a thread has mapped for a vCPU of another VM is nothing that its own one has dirtied. */
TEST_F_TIMEOUT(other, mapped_ahead, 120)
{
	struct kvm_pre_fault_memory range = {
		.gpa = VMM_DATA_ADDR,
		.size = (uint64_t)FRESH_PAGES * VMM_PAGE_BYTES,
	};
	struct meter_vcpu before, after;

	if (ioctl(self->other.fd, KVM_CHECK_EXTENSION, KVM_CAP_PRE_FAULT_MEMORY) <= 0)
		SKIP(return, "this kernel has no KVM_PRE_FAULT_MEMORY");
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &before));
	ASSERT_EQ(0, ioctl(self->other.vcpu[0].fd, KVM_PRE_FAULT_MEMORY, &range));
	ASSERT_EQ(0, range.size);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));
	EXPECT_EQ(before.v.write_faults, after.v.write_faults);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

TEST_HARNESS_MAIN
