// SPDX-License-Identifier: GPL-2.0-only
/* On a host without kvm the module refuses to load, and one line of the kernel's log says why. */
#define _GNU_SOURCE
#include <kselftest_harness.h>

#include "host.h"

TEST(refused)
{
	char text[256];
	int log;

	if (!access("/sys/module/kvm", F_OK))
		SKIP(return, "kvm is loaded on this host");

	log = host_log_open();
	ASSERT_LE(0, log);
	EXPECT_GT(0, host_load(""));
	EXPECT_FALSE(host_is_loaded());
	EXPECT_EQ(1, host_log_next(log, text, sizeof(text)));
	TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "kvmeter: "));
	EXPECT_NE(NULL, strstr(text, "kvm"));
	EXPECT_EQ(0, host_log_next(log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	EXPECT_EQ(-1, access("/dev/kvmeter", F_OK));
	EXPECT_EQ(-1, access("/sys/kernel/debug/kvmeter", F_OK));
	close(log);
}

TEST_HARNESS_MAIN
