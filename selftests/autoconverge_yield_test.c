// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot yields to a VMM that throttles its vCPUs itself, to dirty rings, and to what no
 * quota can help against; and to nothing that only looks like it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "bed.h"
#include "host.h"
#include "quota.h"

#define CLEAN_US 5000u
/* Pages that KVM writes, and how many it is told to in a call. */
#define FOREIGN_BATCH 128u
#define FOREIGN_BATCHES 16u
/*
 * Twice what can be sent, but no more: what is written while KVM's log is being read, which takes
 * some ms, is counted twice.
 */
#define FOREIGN_US 10000u
/* What QEMU lets its vCPUs run between two sleeps. */
#define RUN_US 10000u
#define MSR_KVM_WALL_CLOCK_NEW 0x4b564d00

FIXTURE(yield)
{
	struct bed bed;
};

FIXTURE_SETUP(yield)
{
	int ret = bed_init(&self->bed);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "this kernel lacks what a quota or rounds take");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(yield)
{
	bed_exit(&self->bed);
}

/* A VMM whose vCPUs' threads sleep that much whenever they have run for so long. */
static int throttle(struct bed *t, struct autoconverge_throttle *throttle, unsigned int run_us,
		    unsigned int sleep_us)
{
	*throttle = (struct autoconverge_throttle){
		.writer = t->writer,
		.nr = BED_VCPUS,
		.run_us = run_us,
		.sleep_us = sleep_us,
	};
	return autoconverge_start_throttle(throttle);
}

static void check_rival(struct __test_metadata *_metadata, struct bed *t, unsigned int sleep_us)
{
	struct autoconverge_throttle rival;
	uint64_t begin_ns;

	ASSERT_EQ(0, bed_hold(t));
	ASSERT_EQ(0, throttle(t, &rival, RUN_US, sleep_us));
	begin_ns = host_now_ns();
	EXPECT_EQ(KVMETER_WHY_RIVAL, autoconverge_wait_why(&t->meter, t->slot, KVMETER_WHY_RIVAL));
	TH_LOG("yields after %" PRIu64 " ms", (host_now_ns() - begin_ns) / BED_MS);
	EXPECT_GE(8 * BED_NS_PER_S, host_now_ns() - begin_ns);
	EXPECT_EQ(0, autoconverge_wait_quota(&t->meter, t->slot, false));
	/* It stays so. */
	usleep(BED_WATCH_US);
	EXPECT_EQ(0, bed_quota_pages(t));
	EXPECT_EQ(KVMETER_WHY_RIVAL, (int)bed_look(t)->why);
	autoconverge_stop_throttle(&rival);
	ASSERT_EQ(0, sender_stop(&t->sender));
	ASSERT_EQ(0, bed_stop_writers(t));
}

/* 20 % of the time, as auto-converge begins. */
TEST_F_TIMEOUT(yield, rival, 300)
{
	check_rival(_metadata, &self->bed, 2500);
}

/* 99 %, as it ends. */
TEST_F_TIMEOUT(yield, rival_that_stops_nearly_all, 300)
{
	check_rival(_metadata, &self->bed, 990000);
}

/* Kicks as often, for a moment each, are none. Where a moment is long, there are fewer. */
TEST_F_TIMEOUT(yield, no_rival, 300)
{
	struct bed *t = &self->bed;
	struct autoconverge_throttle kicks;

	ASSERT_EQ(0, bed_hold(t));
	ASSERT_EQ(0, throttle(t, &kicks, RUN_US * host_slowness(), 0));
	usleep(4000000);
	EXPECT_LT(0, bed_quota_pages(t));
	autoconverge_stop_throttle(&kicks);
	ASSERT_EQ(0, sender_stop(&t->sender));
	ASSERT_EQ(0, bed_stop_writers(t));
	ASSERT_EQ(0, bed_read_records(t));
	EXPECT_EQ(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_RIVAL));
}

/* KVM's own writes, of the guest's wall clock, to one page after the other. */
struct foreign {
	struct vmm *vm;
	pthread_t thread;
	atomic_bool stop;
	int ret;
};

static int write_clocks(struct vmm *vm, uint32_t gfn)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[FOREIGN_BATCH];
	} msr = { .head.nmsrs = FOREIGN_BATCH };
	unsigned int i;

	for (i = 0; i < FOREIGN_BATCH; i++) {
		msr.entry[i].index = MSR_KVM_WALL_CLOCK_NEW;
		msr.entry[i].data = (uint64_t)(gfn + i) * VMM_PAGE_BYTES;
	}
	return ioctl(vm->vcpu[BED_READER].fd, KVM_SET_MSRS, &msr) == FOREIGN_BATCH ? 0 : -EIO;
}

static void *write_all_clocks(void *arg)
{
	struct foreign *f = arg;
	unsigned int i;

	for (i = 0; !f->ret && !f->stop; i = (i + 1) % FOREIGN_BATCHES) {
		f->ret = write_clocks(f->vm, WRITERS_GFN + i * FOREIGN_BATCH);
		usleep(FOREIGN_US);
	}
	return NULL;
}

/* Where KVM dirties more than can be sent, it helps nobody to hold the writer back. */
TEST_F_TIMEOUT(yield, no_help, 300)
{
	struct bed *t = &self->bed;
	struct foreign foreign = { .vm = &t->vm };
	const uint32_t gfn = WRITERS_GFN + FOREIGN_BATCHES * FOREIGN_BATCH;
	unsigned int i;

	if (!(meter_host(&t->meter)->features & KVMETER_FEATURE_OWN))
		SKIP(return, "KVM's own writes are not seen on this kernel");
	writer_init(&t->writer[BED_WRITER], &t->vm, BED_WRITER);
	writer_add_pages(&t->writer[BED_WRITER], gfn, BED_DOWNTIME_PAGES / 2);
	ASSERT_EQ(0, bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_GENTLE));
	ASSERT_EQ(0, writer_start(&t->writer[BED_WRITER], true));
	ASSERT_EQ(0, pthread_create(&foreign.thread, NULL, write_all_clocks, &foreign));
	ASSERT_EQ(0, sender_start(&t->sender));
	EXPECT_EQ(KVMETER_WHY_NO_HELP,
		  autoconverge_wait_why(&t->meter, t->slot, KVMETER_WHY_NO_HELP));
	EXPECT_EQ(0, autoconverge_wait_quota(&t->meter, t->slot, false));
	EXPECT_EQ(0, bed_look(t)->would_pages);
	ASSERT_EQ(0, sender_join(&t->sender));
	TH_LOG("%s", bed_tell(t));
	EXPECT_FALSE(t->sender.converged);
	foreign.stop = true;
	ASSERT_EQ(0, pthread_join(foreign.thread, NULL));
	EXPECT_EQ(0, foreign.ret);
	ASSERT_EQ(0, autoconverge_stop_writer(&t->writer[BED_WRITER]));
	ASSERT_EQ(0, autoconverge_wait_state(&t->meter, t->slot, KVMETER_MIGRATION_ENDED));
	ASSERT_EQ(0, bed_read_records(t));
	EXPECT_LT(0, bed_nr_records(t, KVMETER_AUDIT_DECISION, KVMETER_WHY_NO_HELP));
	/* What it has to send is what KVM's log has, however often KVM has written it. */
	bed_look(t);
	for (i = 1; i < t->copy.nr_rounds; i++) {
		EXPECT_LE(t->sender.round[i].pages / 10 * 9, t->copy.round[i].to_send_pages);
		EXPECT_GE(t->sender.round[i].pages / 10 * 11, t->copy.round[i].to_send_pages);
	}
}

/* A VMM with dirty rings needs no help, and gets none. */
TEST_F_TIMEOUT(yield, ring, 300)
{
	struct bed *t = &self->bed;
	struct vmm_options options = { .ring_entries = 8192 };
	struct quota_cleaner cleaner;
	struct quota_sample sample;
	struct writer writer;
	struct vmm vm;
	unsigned int i;
	uint32_t slot;

	ASSERT_EQ(0, vmm_init_with(&vm, 1, WRITERS_PAGES + BED_PAGES, &options));
	writer_init(&writer, &vm, 0);
	writer_add_pages(&writer, WRITERS_GFN, BED_PAGES);
	ASSERT_EQ(0, writer_start(&writer, false));
	ASSERT_EQ(0, writer_join(&writer));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&t->meter, vm.fd));
	slot = (uint32_t)autoconverge_slot(&t->meter, vm.fd);
	ASSERT_EQ(0,
		  autoconverge_set(&t->meter, slot,
				   (struct kvmeter_autoconverge){
					   .mode = KVMETER_AUTOCONVERGE_ON,
					   .goal = KVMETER_GOAL_BYTES,
				   }));
	ASSERT_EQ(0, vmm_set_log(&vm, true));
	ASSERT_EQ(0, quota_start_cleaner(&cleaner, &vm, CLEAN_US));
	ASSERT_EQ(0, writer_start(&writer, true));
	for (i = 0; i < BED_WATCH_US / CLEAN_US; i++) {
		usleep(CLEAN_US);
		EXPECT_EQ(0, meter_vm(&t->meter, vm.fd)->quota_pages);
	}
	ASSERT_EQ(0, quota_take(&t->meter, vm.fd, 0, &sample));
	EXPECT_EQ(0, sample.copy.v.throttle_nr);
	ASSERT_EQ(0, writer_join(&writer));
	EXPECT_LT(BED_PAGES, cleaner.pages);
	ASSERT_EQ(0, quota_stop_cleaner(&cleaner));
	ASSERT_EQ(0, vmm_set_log(&vm, false));
	vmm_exit(&vm);
}

TEST_HARNESS_MAIN
