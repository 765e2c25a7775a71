// SPDX-License-Identifier: GPL-2.0-only
/*
 * The safety rule: whatever sessions do, the VMM's own dirty log loses no page.
 *
 * The VMM here does what one does that migrates a VM: it has the log on, copies the memory while
 * the guest goes on writing, takes the log and copies what that names, again and again, and once
 * more when the guest stands still. Then the copy is the memory, or a page was lost. Sessions are
 * running when it begins, or start and stop at any moment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "session.h"
#include "writers.h"

#define VCPUS 2
#define PAGES (host_is_long() ? 2003u : 503u)
#define ENTRIES (host_is_long() ? 1009u : 251u)
#define ROUNDS (host_is_long() ? 13 : 3)
#define STORM_ROUNDS (host_is_long() ? 61 : 5)
#define TAKES_MAX 5
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define PATIENCE_NS (8 * INTERVAL_NS)
#define PAUSE_US 200000u
#define STORM_PAUSE_US 30000u

/* Memory that comes and goes. */
#define OTHER_SLOT 7
#define OTHER_ADDR 0x40000000u
#define OTHER_BYTES (64 * VMM_PAGE_BYTES)

FIXTURE(takeover)
{
	struct meter meter;
	struct vmm vm;
	struct writer writer[VCPUS];
	uint64_t random;
	uint8_t *copy;
};

FIXTURE_VARIANT(takeover)
{
	uint64_t manual;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(takeover, get) { 0 };

FIXTURE_VARIANT_ADD(takeover, clear) { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE };

FIXTURE_VARIANT_ADD(takeover, clear_from_all_set)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET
};

/* clang-format on */
static void *page_of(FIXTURE_DATA(takeover) * t, uint32_t page)
{
	return t->vm.ram + (size_t)(WRITERS_GFN + page) * VMM_PAGE_BYTES;
}

static void copy_page(FIXTURE_DATA(takeover) * t, uint32_t page)
{
	memcpy(t->copy + (size_t)page * VMM_PAGE_BYTES, page_of(t, page), VMM_PAGE_BYTES);
}

static uint32_t count_lost(FIXTURE_DATA(takeover) * t)
{
	uint32_t page, lost = 0;

	for (page = 0; page < PAGES; page++)
		lost += !!memcmp(t->copy + (size_t)page * VMM_PAGE_BYTES, page_of(t, page),
				 VMM_PAGE_BYTES);
	return lost;
}

static int begin_copy(FIXTURE_DATA(takeover) * t)
{
	int ret = vmm_set_log(&t->vm, true);
	uint32_t page;

	for (page = 0; !ret && page < PAGES; page++)
		copy_page(t, page);
	return ret;
}

static int copy_dirty(FIXTURE_DATA(takeover) * t)
{
	int ret = vmm_take_dirty(&t->vm);
	uint32_t page, gfn;

	for (page = 0; !ret && page < PAGES; page++) {
		gfn = WRITERS_GFN + page;
		if (t->vm.dirty[gfn / 64] >> gfn % 64 & 1)
			copy_page(t, page);
	}
	return ret;
}

static void pause_at_most(FIXTURE_DATA(takeover) * t, uint32_t us)
{
	usleep(writers_random(&t->random, us));
}

static int start_writers(FIXTURE_DATA(takeover) * t)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < VCPUS; i++)
		ret = writer_start(&t->writer[i], true);
	return ret;
}

static int join_writers(FIXTURE_DATA(takeover) * t)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < VCPUS; i++)
		if (writer_join(&t->writer[i]))
			ret = t->writer[i].ret;
	return ret;
}

FIXTURE_SETUP(takeover)
{
	unsigned int i, k;

	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, WRITERS_PAGES + PAGES));
	if (variant->manual)
		ASSERT_EQ(0, vmm_set_manual(&self->vm, variant->manual));
	self->copy = calloc(PAGES, VMM_PAGE_BYTES);
	ASSERT_NE(NULL, self->copy);
	self->random = 1;
	for (i = 0; i < VCPUS; i++) {
		writer_init(&self->writer[i], &self->vm, i);
		for (k = 0; k < ENTRIES; k++)
			writer_add(&self->writer[i],
				   WRITERS_GFN + writers_random(&self->random, PAGES), k % 5 == 0);
	}
	ASSERT_EQ(0, start_writers(self));
	ASSERT_EQ(0, join_writers(self));
}

FIXTURE_TEARDOWN(takeover)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
	free(self->copy);
}

/* The rest of a migration that has begun: ends with the guest standing still. */
static int finish_copy(FIXTURE_DATA(takeover) * t, uint32_t pause_us)
{
	uint32_t takes = writers_random(&t->random, TAKES_MAX);
	int ret = 0;

	while (!ret && takes--) {
		pause_at_most(t, pause_us);
		ret = copy_dirty(t);
	}
	pause_at_most(t, pause_us);
	if (join_writers(t))
		return -EIO;
	return ret ? ret : copy_dirty(t);
}

static int logs(FIXTURE_DATA(takeover) * t)
{
	return vmm_get_log(&t->vm, 0, t->vm.dirty);
}

TEST_F_TIMEOUT(takeover, in_a_session, 300)
{
	const struct kvmeter_vm *vm;
	struct session session;
	int i, end;

	vm = meter_vm(&self->meter, self->vm.fd);
	ASSERT_NE(NULL, vm);
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, start_writers(self));
		ASSERT_EQ(0, session_start(&session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
		EXPECT_EQ(KVMETER_LOG_DRIVEN, vm->log_state);
		pause_at_most(self, 2 * PAUSE_US);
		ASSERT_EQ(0, begin_copy(self));
		ASSERT_EQ(0, finish_copy(self, PAUSE_US));
		EXPECT_EQ(0, count_lost(self));
		end = session_wait_end(&session, &self->meter, PATIENCE_NS);
		EXPECT_TRUE(end == KVMETER_END_TAKEN_OVER || end == KVMETER_END_SLOTS);
		EXPECT_EQ(KVMETER_LOG_BITMAP, vm->log_state);
		EXPECT_EQ(-EBUSY,
			  session_start(&session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
		/* It is the VMM's to end. */
		EXPECT_EQ(0, logs(self));
		ASSERT_EQ(0, vmm_set_log(&self->vm, false));
		EXPECT_EQ(-ENOENT, logs(self));
	}
}

/**
 * struct storm - sessions that start and stop
 * @t: the test
 * @other: the VMM's other memory
 * @thread: who starts and stops them
 * @stop: it is to end
 * @sessions: driven ones that began
 * @ret: the first errno that is none of those that are to be expected
 */
struct storm {
	FIXTURE_DATA(takeover) * t;
	void *other;
	pthread_t thread;
	atomic_bool stop;
	unsigned int sessions;
	int ret;
};

static void *start_and_stop(void *arg)
{
	struct storm *storm = arg;
	struct session session;
	uint64_t random = 2;
	uint32_t flags;
	int ret;

	while (!storm->stop && !storm->ret) {
		flags = writers_random(&random, 4) ? 0 : KVMETER_DIRTY_OBSERVE;
		ret = session_start(&session, storm->t->meter.dev, storm->t->vm.fd, flags,
				    INTERVAL_NS);
		/* The last one was taken over, and is just ending. */
		if (ret == -EBUSY || ret == -EALREADY)
			continue;
		if (ret) {
			storm->ret = ret;
			break;
		}
		storm->sessions += !flags;
		usleep(writers_random(&random, STORM_PAUSE_US));
		ret = session_stop(&session);
		if (ret && ret != -ENOENT)
			storm->ret = ret;
	}
	return NULL;
}

/* One thing or another that a VMM does besides migrating. */
static int disturb(struct storm *storm)
{
	FIXTURE_DATA(takeover) *t = storm->t;

	switch (writers_random(&t->random, 3)) {
	case 0:
		return vmm_set_region(&t->vm, OTHER_SLOT, 0, OTHER_ADDR, storm->other, OTHER_BYTES);
	case 1:
		/* Not there, perhaps. */
		vmm_set_region(&t->vm, OTHER_SLOT, 0, OTHER_ADDR, storm->other, 0);
		return 0;
	default:
		return vmm_set_log(&t->vm, false);
	}
}

TEST_F_TIMEOUT(takeover, in_a_storm, 300)
{
	struct storm storm = { .t = self };
	uint32_t lost = 0;
	int i;

	storm.other =
		mmap(NULL, OTHER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, storm.other);
	ASSERT_EQ(0, pthread_create(&storm.thread, NULL, start_and_stop, &storm));
	for (i = 0; i < STORM_ROUNDS; i++) {
		ASSERT_EQ(0, start_writers(self));
		pause_at_most(self, STORM_PAUSE_US);
		ASSERT_EQ(0, disturb(&storm));
		pause_at_most(self, STORM_PAUSE_US);
		ASSERT_EQ(0, begin_copy(self));
		ASSERT_EQ(0, finish_copy(self, STORM_PAUSE_US));
		lost += count_lost(self);
		ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	}
	storm.stop = true;
	ASSERT_EQ(0, pthread_join(storm.thread, NULL));
	TH_LOG("%d migrations, %u driven sessions, %u pages lost", i, storm.sessions, lost);
	EXPECT_EQ(0, storm.ret);
	EXPECT_EQ(0, lost);
	EXPECT_LT(STORM_ROUNDS / 3, storm.sessions);
	EXPECT_EQ(-ENOENT, logs(self));
}

/* The test sees it when a log is lost. */
TEST_F_TIMEOUT(takeover, lost_log_is_seen, 120)
{
	ASSERT_EQ(0, begin_copy(self));
	ASSERT_EQ(0, copy_dirty(self));
	ASSERT_EQ(0, start_writers(self));
	ASSERT_EQ(0, join_writers(self));
	/* Somebody else takes it. */
	ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	ASSERT_EQ(0, copy_dirty(self));
	EXPECT_LT(0, count_lost(self));
}

TEST_HARNESS_MAIN
