// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions and the module's own life: their limits, which are its parameters, and that it can be
 * unloaded in a session, after which no memory slot logs. Loads and unloads the module.
 */
#define _GNU_SOURCE
#include <errno.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "session.h"
#include "writers.h"

#define PAGES 1009u
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define ROUNDS (host_is_long() ? 11 : 3)
#define PAUSE_US 300000u
/* More memory than 1 MiB is enough for, at 2 bytes a page. */
#define BIG_PAGES 600000

FIXTURE(load)
{
	struct vmm vm;
	struct writer writer;
	struct meter meter;
	int log;
};

FIXTURE_SETUP(load)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, vmm_init(&self->vm, 1, WRITERS_PAGES + PAGES));
	writer_init(&self->writer, &self->vm, 0);
	writer_add_pages(&self->writer, WRITERS_GFN, PAGES);
}

FIXTURE_TEARDOWN(load)
{
	char text[256];

	vmm_exit(&self->vm);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

TEST_F_TIMEOUT(load, unloaded_in_a_session, 120)
{
	struct session session;
	uint64_t random = 1;
	int i;

	ASSERT_EQ(0, writer_start(&self->writer, true));
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, host_load(""));
		ASSERT_EQ(0, meter_open(&self->meter));
		ASSERT_EQ(0, session_start(&session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
		meter_close(&self->meter);
		usleep(writers_random(&random, PAUSE_US));
		ASSERT_EQ(0, host_unload());
		EXPECT_EQ(-ENOENT, vmm_get_log(&self->vm, 0, self->vm.dirty));
	}
	EXPECT_EQ(0, writer_join(&self->writer));
}

TEST_F_TIMEOUT(load, too_many, 60)
{
	struct session first, second;
	struct vmm other;

	ASSERT_EQ(0, host_load("max_sessions=1"));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&other, 1, 1));
	EXPECT_EQ(0, session_start(&first, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	EXPECT_EQ(-EMFILE, session_start(&second, self->meter.dev, other.fd, 0, INTERVAL_NS));
	EXPECT_EQ(-ENOENT, vmm_get_log(&other, 0, other.dirty));
	EXPECT_EQ(0, session_stop(&first));
	EXPECT_EQ(0, session_start(&second, self->meter.dev, other.fd, 0, INTERVAL_NS));
	EXPECT_EQ(0, session_stop(&second));
	vmm_exit(&other);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
}

TEST_F_TIMEOUT(load, too_big, 60)
{
	struct session session;
	struct vmm big;

	ASSERT_EQ(0, host_load("session_mib=1"));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&big, 1, BIG_PAGES));
	EXPECT_EQ(-E2BIG, session_start(&session, self->meter.dev, big.fd, 0, INTERVAL_NS));
	EXPECT_EQ(-E2BIG,
		  session_start(&session, self->meter.dev, big.fd, KVMETER_DIRTY_OBSERVE,
				INTERVAL_NS));
	EXPECT_EQ(-ENOENT, vmm_get_log(&big, 0, big.dirty));
	EXPECT_EQ(0, session_start(&session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	EXPECT_EQ(0, session_stop(&session));
	vmm_exit(&big);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
}

TEST_HARNESS_MAIN
