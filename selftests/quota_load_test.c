// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas and the module's own life: its parameter, for how long a vCPU may be parked, and that it
 * can be unloaded while one is, after which the guest goes on. Loads and unloads the module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "writers.h"

#define PAGES 1009u
#define CLEAN_US 20000
#define MS 1000000ull
#define NS_PER_S (1000 * MS)
#define RUN_US 1000000u
#define WINDOW_NS (100 * MS)
#define HALF_NS (50 * MS)
#define SLICE_NS MS
#define UNLOADS (host_is_long() ? 11 : 3)
#define PAUSE_US 150000u
#define GO_ON_US 200000u

FIXTURE(quota_load)
{
	struct vmm vm;
	struct writer writer;
	struct quota_cleaner cleaner;
	struct meter meter;
	int log;
};

/* A guest that writes without end, its log on and taken all the time; no module yet. */
FIXTURE_SETUP(quota_load)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, vmm_init(&self->vm, 1, WRITERS_PAGES + PAGES));
	writer_init(&self->writer, &self->vm, 0);
	writer_add_pages(&self->writer, WRITERS_GFN, PAGES);
	ASSERT_EQ(0, writer_start(&self->writer, false));
	ASSERT_EQ(0, writer_join(&self->writer));
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, quota_start_cleaner(&self->cleaner, &self->vm, CLEAN_US));
	ASSERT_EQ(0, writer_start(&self->writer, true));
}

FIXTURE_TEARDOWN(quota_load)
{
	char text[256];

	EXPECT_EQ(0, writer_join(&self->writer));
	EXPECT_EQ(0, quota_stop_cleaner(&self->cleaner));
	vmm_exit(&self->vm);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

/* Pages that KVM says the guest dirties in a second, in the next @us. */
static uint64_t dirty_rate(FIXTURE_DATA(quota_load) * t, uint32_t us)
{
	uint64_t begin_ns = host_now_ns(), pages = t->cleaner.pages;

	usleep(us);
	return (t->cleaner.pages - pages) * NS_PER_S / (host_now_ns() - begin_ns);
}

TEST_F_TIMEOUT(quota_load, unloaded_while_parked, 300)
{
	uint64_t begin_ns, ns, max_ns = 0, free_rate, rate, random = 5;
	int i;

	free_rate = dirty_rate(self, RUN_US);
	for (i = 0; i < UNLOADS; i++) {
		ASSERT_EQ(0, quota_load(&self->meter, self->vm.fd, ""));
		ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, QUOTA_LEAST_PAGES));
		usleep(writers_random(&random, PAUSE_US));
		ASSERT_EQ(0, quota_wait_parked(&self->meter, self->vm.fd, 0));
		meter_close(&self->meter);
		begin_ns = host_now_ns();
		ASSERT_EQ(0, host_unload());
		ns = host_now_ns() - begin_ns;
		max_ns = ns > max_ns ? ns : max_ns;
		rate = dirty_rate(self, GO_ON_US * host_slowness());
		/* Parked for 99.5 of 100 ms it would not come to a fifth. */
		EXPECT_LT(free_rate / 3, rate);
	}
	TH_LOG("%d unloads, %" PRIu64 " ms at most; %" PRIu64 " pages/s, free %" PRIu64 " pages/s",
	       i, max_ns / MS, rate, free_rate);
}

/* For how long the vCPU is parked, with a quota of @pages. */
static void watch(struct __test_metadata *_metadata, FIXTURE_DATA(quota_load) * t, uint64_t pages,
		  struct quota_span *span)
{
	struct quota_sample first, last;

	ASSERT_EQ(0, quota_set(&t->meter, t->vm.fd, pages));
	usleep(PAUSE_US);
	ASSERT_EQ(0, quota_take(&t->meter, t->vm.fd, 0, &first));
	usleep(RUN_US);
	ASSERT_EQ(0, quota_take(&t->meter, t->vm.fd, 0, &last));
	*span = quota_span(&first, &last);
	TH_LOG("quota %" PRIu64 " pages/s: %" PRIu64 " pages in %" PRIu64 " ms, parked %" PRIu64
	       " times, %" PRIu64 " ms",
	       pages, span->pages, span->ns / MS, span->parked_nr, quota_parked_ns(span) / MS);
}

/* Half of each 100 ms, however small the quota. */
TEST_F_TIMEOUT(quota_load, half, 120)
{
	static const uint64_t pages[] = { QUOTA_LEAST_PAGES, 3 * QUOTA_LEAST_PAGES };
	struct quota_span span;
	uint64_t windows;
	unsigned int i;

	ASSERT_EQ(0, quota_load(&self->meter, self->vm.fd, "throttle_max_us=50000"));
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		watch(_metadata, self, pages[i], &span);
		/* Of the windows one begins before that, and a sleep in each may overshoot. */
		windows = span.ns / WINDOW_NS;
		EXPECT_LE((windows - 1) * HALF_NS / 10 * 9, quota_parked_ns(&span));
		EXPECT_GE((windows + 1) * (HALF_NS + SLICE_NS), quota_parked_ns(&span));
	}
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
}

/* At 0 nobody is ever parked. */
TEST_F_TIMEOUT(quota_load, never, 120)
{
	struct quota_span span;

	ASSERT_EQ(0, quota_load(&self->meter, self->vm.fd, "throttle_max_us=0"));
	watch(_metadata, self, QUOTA_LEAST_PAGES, &span);
	EXPECT_EQ(0, span.parked_nr);
	EXPECT_EQ(0, quota_parked_ns(&span));
	EXPECT_LT(PAGES, span.pages);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
}

TEST_HARNESS_MAIN
