// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is loaded, used and unloaded, some times in each of some rounds: there is no kind of
 * memory of the kernel's of which each round leaves one piece more for each load. Loads and unloads
 * the module.
 *
 * Sums of memory, as /proc/meminfo has them, go up and down by dozens of KiB whatever is done. So
 * objects of each slab cache and areas of each caller of vmalloc() are counted, and of all rounds
 * the one counts in which a kind has grown the least: noise does not grow each time. Since 6.18 the
 * kernel keeps objects that are free in sheaves, of up to 60, 10 for each node and 3 for each CPU,
 * and counts them as used: a kind that has grown in each round is watched for longer than that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "residue.h"
#include "session.h"

#define ROUNDS (host_is_long() ? 5u : 3u)
#define ROUNDS_MAX 24u
#define LOADS (host_is_long() ? 50u : 2u)
/* Caches of the kernel's are filled by the first ones. */
#define WARM_UP 2u
#define KINDS_MAX 1024u
#define NAME_SIZE 64u
#define SMALL "max_vms=64 max_vcpus=64"
#define DEBUGFS "/sys/kernel/debug/kvmeter"
#define PAGES 61u

/**
 * struct kind - a kind of memory
 * @name: of it
 * @nr: pieces that there are now
 * @before: that there were before this round
 * @least: how many more each round has left, at least
 */
struct kind {
	char name[NAME_SIZE];
	int64_t nr, before, least;
};

FIXTURE(leak)
{
	int log;
	struct residue residue;
	struct kind kind[KINDS_MAX];
	unsigned int nr_kinds;
	/* How often they have been counted. */
	unsigned int counts;
};

FIXTURE_SETUP(leak)
{
	ASSERT_FALSE(host_is_loaded());
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, residue_begin(&self->residue));
}

FIXTURE_TEARDOWN(leak)
{
	char text[RESIDUE_TEXT_SIZE];

	EXPECT_EQ(0, residue_find(&self->residue, text));
	EXPECT_STREQ("", text);
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
	residue_end(&self->residue);
}

static int add(FIXTURE_DATA(leak) * self, const char *what, const char *name, int64_t nr)
{
	char text[NAME_SIZE];
	struct kind *k;

	snprintf(text, sizeof(text), "%s %s", what, name);
	for (k = self->kind; k < self->kind + self->nr_kinds; k++)
		if (!strcmp(k->name, text)) {
			k->nr += nr;
			return 0;
		}
	if (self->nr_kinds == KINDS_MAX)
		return -E2BIG;
	/* One that comes later has not grown in the first round. */
	*k = (struct kind){ .nr = nr, .least = self->counts ? 0 : INT64_MAX };
	snprintf(k->name, sizeof(k->name), "%s", text);
	self->nr_kinds++;
	return 0;
}

static int count_slabs(FIXTURE_DATA(leak) * self)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], name[NAME_SIZE];
	long long nr;
	int ret = 0;

	if (!f)
		return -errno;
	while (!ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lld", name, &nr) == 2)
			ret = add(self, "slab", name, nr);
	fclose(f);
	return ret;
}

static int count_areas(FIXTURE_DATA(leak) * self)
{
	FILE *f = fopen("/proc/vmallocinfo", "re");
	char line[512], name[NAME_SIZE];
	int ret = 0;

	if (!f)
		return -errno;
	while (!ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %63s", name) == 1)
			ret = add(self, "vmalloc", name, 1);
	fclose(f);
	return ret;
}

/* What was given back is not always free at once. */
static int count(FIXTURE_DATA(leak) * self)
{
	unsigned int i;
	int ret;

	for (i = 0; i < self->nr_kinds; i++) {
		self->kind[i].before = self->kind[i].nr;
		self->kind[i].nr = 0;
	}
	residue_settle();
	ret = count_slabs(self);
	if (!ret)
		ret = count_areas(self);
	self->counts++;
	return ret;
}

static void note_growth(FIXTURE_DATA(leak) * self)
{
	struct kind *k;

	for (k = self->kind; k < self->kind + self->nr_kinds; k++)
		if (k->nr - k->before < k->least)
			k->least = k->nr - k->before;
}

static bool has_grown(const FIXTURE_DATA(leak) * self)
{
	const struct kind *k;

	for (k = self->kind; k < self->kind + self->nr_kinds; k++)
		if (k->least >= (int64_t)LOADS)
			return true;
	return false;
}

/* A bit of all: a VM in a session and with a quota, files that are read. */
static void use(struct __test_metadata *_metadata)
{
	struct session session;
	struct meter meter;
	struct vmm vm;

	ASSERT_EQ(0, meter_open(&meter));
	ASSERT_EQ(0, vmm_init(&vm, 1, PAGES));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, 31, 0, 0));
	if (meter_host(&meter)->features & KVMETER_FEATURE_DRIVE) {
		ASSERT_EQ(0, session_start(&session, meter.dev, vm.fd, 0, KVMETER_INTERVAL_MIN_NS));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
		EXPECT_EQ(0, session_stop(&session));
	}
	if (meter_host(&meter)->features & KVMETER_FEATURE_QUOTA)
		EXPECT_EQ(0, quota_set(&meter, vm.fd, QUOTA_LEAST_PAGES));
	EXPECT_EQ(0, vmm_set_log(&vm, true));
	host_read_tree(DEBUGFS);
	vmm_exit(&vm);
	EXPECT_EQ(0, meter_wait_used(&meter, 0));
	meter_close(&meter);
}

static void load(struct __test_metadata *_metadata, unsigned int nr)
{
	while (nr--) {
		ASSERT_EQ(0, host_load(SMALL));
		use(_metadata);
		ASSERT_EQ(0, host_unload());
	}
}

TEST_F_TIMEOUT(leak, each_load, 3600)
{
	const struct kind *k;
	unsigned int i;

	load(_metadata, WARM_UP);
	ASSERT_EQ(0, count(self));
	for (i = 0; i < ROUNDS || (i < ROUNDS_MAX && has_grown(self)); i++) {
		load(_metadata, LOADS);
		ASSERT_EQ(0, count(self));
		note_growth(self);
	}
	for (k = self->kind; k < self->kind + self->nr_kinds; k++) {
		if (k->least > 0)
			TH_LOG("%s: +%" PRId64 " or more in each of %u rounds of %u loads", k->name,
			       k->least, i, LOADS);
		EXPECT_GT(LOADS, k->least);
	}
	TH_LOG("%u kinds of memory", self->nr_kinds);
	/* It is not because nothing could be seen. */
	EXPECT_LT(20, self->nr_kinds);
}

TEST_HARNESS_MAIN
