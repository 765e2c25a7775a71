// SPDX-License-Identifier: GPL-2.0-only
/*
 * The autopilot and the module's own life: its parameter at load, and that the module can be
 * unloaded in the midst of a migration that is held, after which nothing is left parked. Loads and
 * unloads the module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>

#include <kselftest_harness.h>

#include "autoconverge.h"
#include "bed.h"
#include "host.h"
#include "quota.h"
#include "sender.h"
#include "writers.h"

#define UNLOADS (host_is_long() ? 5 : 1)
#define PAUSE_US 150000u
#define ROUND_MS 200
#define GO_ON_US 300000u

FIXTURE(load)
{
	struct vmm vm;
	struct writer writer;
	struct sender sender;
	struct meter meter;
	int log;
};

/* A guest that writes without end; no module yet. */
FIXTURE_SETUP(load)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, vmm_init(&self->vm, 1, BED_RAM_PAGES - VMM_DATA_GFN));
	writer_init(&self->writer, &self->vm, 0);
	writer_add_pages(&self->writer, WRITERS_GFN, BED_PAGES);
	ASSERT_EQ(0, writer_start(&self->writer, false));
	ASSERT_EQ(0, writer_join(&self->writer));
	ASSERT_EQ(0, writer_start(&self->writer, true));
}

FIXTURE_TEARDOWN(load)
{
	char text[256];

	EXPECT_EQ(0, autoconverge_stop_writer(&self->writer));
	vmm_exit(&self->vm);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

/* Load the module, and have it know the vCPU and whether its memory is logged. */
static int load(FIXTURE_DATA(load) * t, const char *params)
{
	int ret = quota_load(&t->meter, t->vm.fd, params);

	if (!ret)
		ret = meter_wait_log(&t->meter, t->vm.fd) == KVMETER_LOG_UNKNOWN ? -EIO : 0;
	return ret;
}

/* Not fewer than a third of the pages that it writes freely, again and again. */
static void check_writing(struct __test_metadata *_metadata, FIXTURE_DATA(load) * t)
{
	unsigned long runs = t->writer.runs;
	unsigned int i;

	for (i = 0; t->writer.runs - runs < 3 && i < 100; i++) {
		ASSERT_EQ(0, vmm_take_dirty(&t->vm));
		usleep(GO_ON_US / 10);
	}
	/* Held to the autopilot's quota, one run would take minutes. */
	EXPECT_LE(3, t->writer.runs - runs);
}

/* Until the vCPU is parked, round after round: it may have dirtied all before there was a quota. */
static int wait_held(FIXTURE_DATA(load) * t)
{
	struct quota_sample sample;
	unsigned int ms;
	int ret = 0;

	for (ms = 0; !ret && t->sender.nr < SENDER_ROUNDS_MAX; ms++) {
		if (ms % ROUND_MS == 0)
			ret = sender_read_log(&t->sender);
		usleep(1000);
		if (!ret)
			ret = quota_take(&t->meter, t->vm.fd, 0, &sample);
		if (!ret && sample.copy.v.state == KVMETER_STATE_THROTTLE)
			return 0;
	}
	return ret ? ret : -ETIMEDOUT;
}

/* The migration is the VMM's: it goes on without the module, and with it again. */
TEST_F_TIMEOUT(load, unloaded_while_held, 300)
{
	uint64_t begin_ns, ns, max_ns = 0, random = 7;
	uint32_t slot;
	int i;

	for (i = 0; i < UNLOADS; i++) {
		ASSERT_EQ(0, load(self, "autoconverge=on"));
		slot = (uint32_t)autoconverge_slot(&self->meter, self->vm.fd);
		self->sender = (struct sender){
			.meter = &self->meter,
			.vm = &self->vm,
		};
		/* In the first round free, then with what it has written to be sent. */
		ASSERT_EQ(0, vmm_set_log(&self->vm, true));
		ASSERT_EQ(0, sender_read_log(&self->sender));
		usleep(2 * PAUSE_US);
		ASSERT_EQ(0, wait_held(self));
		ASSERT_EQ(0, autoconverge_wait_quota(&self->meter, slot, true));
		usleep(writers_random(&random, PAUSE_US));
		meter_close(&self->meter);
		begin_ns = host_now_ns();
		ASSERT_EQ(0, host_unload());
		ns = host_now_ns() - begin_ns;
		max_ns = ns > max_ns ? ns : max_ns;
		check_writing(_metadata, self);
		ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	}
	TH_LOG("%d unloads, %" PRIu64 " ms at most", i, max_ns / BED_MS);
}

/* The reader of the audit log keeps the module. */
TEST_F_TIMEOUT(load, reader_keeps_it, 60)
{
	int fd;

	ASSERT_EQ(0, load(self, ""));
	fd = autoconverge_skip_log();
	ASSERT_LE(0, fd);
	meter_close(&self->meter);
	EXPECT_NE(0, host_unload());
	close(fd);
	EXPECT_EQ(0, host_unload());
}

TEST_F_TIMEOUT(load, parameter, 60)
{
	static const char *const good[] = { "off", "observe", "on" };
	static const char *const wrong[] = {
		"autoconverge=",     "autoconverge=1",	     "autoconverge=ON",
		"autoconverge=auto", "autoconverge=default",
	};
	char mode[16], params[32], text[256];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, host_load(wrong[i]));
		ASSERT_FALSE(host_is_loaded());
		/* The kernel's own word on it, and no other. */
		EXPECT_EQ(1, host_log_next(self->log, text, sizeof(text)));
		EXPECT_NE(NULL, strstr(text, "invalid for parameter `autoconverge'"));
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(params, sizeof(params), "autoconverge=%s", good[i]);
		ASSERT_EQ(0, host_load(params));
		autoconverge_get_param(mode, sizeof(mode));
		EXPECT_STREQ(good[i], mode);
		EXPECT_EQ(0, host_unload());
	}
	ASSERT_EQ(0, host_load(""));
	autoconverge_get_param(mode, sizeof(mode));
	EXPECT_STREQ("observe", mode);
	EXPECT_EQ(0, host_unload());
}

TEST_HARNESS_MAIN
