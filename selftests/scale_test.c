// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hundreds of VMs on one host, each of a VMM of its own: each is listed, once and exactly, by every
 * view; their counts move as a whole; those beyond a limit are counted, and come in when there is
 * room; and the module goes while they run.
 *
 * With KVMETER_LONG=1 it is 1,000 VMs with 2,000 vCPUs. What they cost is bench_scale.sh's matter.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "herd.h"
#include "host.h"
#include "meter.h"
#include "reason.h"

#define DEBUGFS "/sys/kernel/debug/kvmeter"
#define VCPU_BYTES_GOAL 32768

/* How many of them do something more, and where they are: primes, so that no number fits by chance.
 */
#define SOME 7
#define MANY_TIMEOUT 600

static unsigned int vms_nr(void)
{
	if (host_is_long())
		return 1000;
	return 200;
}

static unsigned int round_up(unsigned int nr)
{
	return (nr + 63) / 64 * 64;
}

static int load_for(unsigned int vms, unsigned int vcpus)
{
	char params[64];

	snprintf(params, sizeof(params), "max_vms=%u max_vcpus=%u", vms, vcpus);
	return host_load(params);
}

FIXTURE(scale)
{
	int log;
	struct herd herd;
	struct meter meter;
};

FIXTURE_SETUP(scale)
{
	unsigned int nr = vms_nr();

	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, load_for(round_up(nr), round_up(nr * HERD_VCPUS)));
	ASSERT_EQ(0, herd_start(&self->herd, nr));
}

/* However many there are, and whatever befell them, the kernel's log is silent. */
FIXTURE_TEARDOWN(scale)
{
	char text[256];

	herd_end(&self->herd);
	if (host_is_loaded())
		EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

static double seconds_since(uint64_t begin_ns)
{
	return (double)(host_now_ns() - begin_ns) / 1e9;
}

/**
 * struct seen - which of a herd's VMs a view has shown
 * @herd: the herd
 * @times: how often each
 * @others: shown, and none of them
 */
struct seen {
	const struct herd *herd;
	unsigned int *times;
	unsigned int others;
};

static void see(struct seen *seen, pid_t pid, int fd)
{
	int i = herd_find(seen->herd, pid);

	if (i >= 0 && seen->herd->member[i].fd == fd)
		seen->times[i]++;
	else
		seen->others++;
}

/* Was each shown so often, and nothing else? */
static bool seen_all(const struct seen *seen, unsigned int times)
{
	unsigned int i;

	for (i = 0; i < seen->herd->nr; i++)
		if (seen->times[i] != times)
			return false;
	return !seen->others;
}

static void begin_seen(struct seen *seen, const struct herd *herd)
{
	seen->herd = herd;
	seen->times = calloc(herd->nr, sizeof(*seen->times));
	seen->others = 0;
}

/* The ids that lines begin with, after the first line. */
static int see_lines(struct seen *seen, const char *path)
{
	char line[8192];
	int pid, fd;
	FILE *f;

	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%d-%d ", &pid, &fd) == 2)
			see(seen, pid, fd);
		else
			seen->others++;
	}
	fclose(f);
	return 0;
}

/* The directories of VMs, each of which has as many vCPUs as it should. */
static int see_directories(struct seen *seen)
{
	DIR *dir = opendir(DEBUGFS);
	char path[PATH_MAX], line[256];
	struct dirent *entry;
	int pid, fd;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		unsigned int id, nr = 0;
		FILE *f;

		if (sscanf(entry->d_name, "%d-%d", &pid, &fd) != 2)
			continue;
		snprintf(path, sizeof(path), DEBUGFS "/%s/vcpus", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			return -errno;
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "%u ", &id) == 1 && id == nr)
				nr++;
		fclose(f);
		see(seen, pid, nr == HERD_VCPUS ? fd : -1);
	}
	closedir(dir);
	return 0;
}

/* Their directories are made a moment after the VMs are seen. */
static int wait_directory(const struct herd_member *member)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEBUGFS "/%d-%d/stats", member->pid, member->fd);
	return host_wait_file(path);
}

/* The ids in what "kvmeter list" prints; how many vCPUs it says there are is set too. */
static int see_reader(struct seen *seen, unsigned int *vcpus)
{
	char path[PATH_MAX], command[PATH_MAX + 64];
	size_t size = 0;
	char *line = NULL, *at;
	int pid, fd, ret;
	FILE *f;

	snprintf(command, sizeof(command), "%s list --by vcpu --json",
		 host_beside("KVMETER", "bpf/kvmeter", path, sizeof(path)));
	f = popen(command, "re");
	if (!f)
		return -errno;
	*vcpus = 0;
	if (getline(&line, &size, f) < 0)
		line[0] = '\0';
	for (at = line; (at = strstr(at, "\"id\":\"")); at++)
		if (sscanf(at, "\"id\":\"%d-%d\"", &pid, &fd) == 2)
			see(seen, pid, fd);
	for (at = line; (at = strstr(at, "\"vcpu_id\":")); at++)
		++*vcpus;
	free(line);
	ret = pclose(f);
	return ret ? -ECHILD : 0;
}

/* In the maps: each VM, and how many of its vCPUs have made just so many CPUID exits. */
static void see_maps(struct seen *vms, struct seen *vcpus, const struct meter *m, uint64_t exits)
{
	const struct kvmeter_vm *vm = m->map[KVMETER_MAP_VMS];
	uint32_t reason = reason_of(VMX_CPUID, SVM_CPUID);
	static struct meter_vcpu copy;
	uint64_t now;
	uint32_t i;
	int fd;

	for (i = 0; i < meter_host(m)->vms_hi; i++)
		if (vm[i].gen % 2 && sscanf(vm[i].id, "%*d-%d", &fd) == 1)
			see(vms, (pid_t)vm[i].pid, vm[i].nr_vcpus == HERD_VCPUS ? fd : -1);
	for (i = 0; i < meter_host(m)->vcpus_hi; i++) {
		if (meter_read_slot(m, i, &copy, &now) || !(copy.v.gen % 2))
			continue;
		fd = -1;
		if (meter_count(&copy, reason) == exits && vm[copy.v.vm].gen == copy.v.vm_gen)
			sscanf(vm[copy.v.vm].id, "%*d-%d", &fd);
		see(vcpus, (pid_t)vm[copy.v.vm].pid, fd);
	}
}

TEST_F_TIMEOUT(scale, every_view_has_each, MANY_TIMEOUT)
{
	const unsigned int nr = self->herd.nr;
	struct seen vms, vcpus;
	uint64_t begin_ns;
	unsigned int listed, i;

	/* debugfs, before there are maps */
	ASSERT_EQ(0, wait_directory(&self->herd.member[nr - 1]));
	begin_seen(&vms, &self->herd);
	ASSERT_EQ(0, see_lines(&vms, DEBUGFS "/vms"));
	EXPECT_TRUE(seen_all(&vms, 1));
	begin_ns = host_now_ns();
	ASSERT_EQ(0, see_directories(&vms));
	EXPECT_TRUE(seen_all(&vms, 2));
	TH_LOG("a table of each of %u VMs: %.3f s", nr, seconds_since(begin_ns));

	/* attached once they are all there */
	begin_ns = host_now_ns();
	ASSERT_EQ(0, meter_open(&self->meter));
	TH_LOG("maps attached in %.3f s", seconds_since(begin_ns));
	begin_seen(&vcpus, &self->herd);
	begin_ns = host_now_ns();
	see_maps(&vms, &vcpus, &self->meter, HERD_EXITS);
	TH_LOG("all vCPUs read in %.3f s", seconds_since(begin_ns));
	EXPECT_TRUE(seen_all(&vms, 3));
	EXPECT_TRUE(seen_all(&vcpus, HERD_VCPUS));
	EXPECT_EQ(nr, meter_used(&self->meter, false));
	EXPECT_EQ(nr * HERD_VCPUS, meter_used(&self->meter, true));
	EXPECT_EQ(nr, meter_host(&self->meter)->vms_seen);
	EXPECT_EQ(nr * HERD_VCPUS, meter_host(&self->meter)->vcpus_seen);
	EXPECT_EQ(0, meter_status("untracked_vms"));
	EXPECT_EQ(0, meter_status("untracked_vcpus"));
	EXPECT_EQ(0, meter_status("untracked_exits"));

	/* the reader */
	begin_ns = host_now_ns();
	ASSERT_EQ(0, see_reader(&vms, &listed));
	TH_LOG("kvmeter list --by vcpu --json: %.3f s", seconds_since(begin_ns));
	EXPECT_TRUE(seen_all(&vms, 4));
	EXPECT_EQ(nr * HERD_VCPUS, listed);

	/* What some count while there are no maps is in the next ones, and so is what was before.
	 */
	ASSERT_EQ(0, ioctl(self->meter.dev, KVMETER_DETACH, 0));
	meter_close(&self->meter);
	ASSERT_EQ(0, herd_run(&self->herd, nr - SOME, nr));
	ASSERT_EQ(0, meter_open(&self->meter));
	for (i = 0; i < nr; i++)
		vcpus.times[i] = 0;
	see_maps(&vms, &vcpus, &self->meter, 2 * HERD_EXITS);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(i < nr - SOME ? 0 : HERD_VCPUS, vcpus.times[i]);
	EXPECT_EQ((nr - SOME) * HERD_VCPUS, vcpus.others);
	meter_close(&self->meter);
	free(vcpus.times);
	free(vms.times);
}

/* Loaded anew, the module finds all that are there, and nothing of what it does depends on them. */
TEST_F_TIMEOUT(scale, unloaded_while_they_run, MANY_TIMEOUT)
{
	const unsigned int nr = self->herd.nr;
	uint64_t begin_ns;

	ASSERT_EQ(0, meter_open(&self->meter));
	close(self->meter.dev);
	ASSERT_EQ(0, herd_storm(&self->herd, 0, SOME));
	begin_ns = host_now_ns();
	ASSERT_EQ(0, host_unload());
	TH_LOG("unloaded with %u VMs in %.3f s", nr, seconds_since(begin_ns));
	EXPECT_EQ(-1, access(DEBUGFS, F_OK));
	EXPECT_EQ(0, meter_used(&self->meter, false));
	meter_unmap(&self->meter);
	ASSERT_EQ(0, herd_run(&self->herd, SOME, 2 * SOME));

	begin_ns = host_now_ns();
	ASSERT_EQ(0, load_for(round_up(nr), round_up(nr * HERD_VCPUS)));
	TH_LOG("loaded with %u VMs in %.3f s", nr, seconds_since(begin_ns));
	ASSERT_EQ(0, meter_open(&self->meter));
	EXPECT_EQ(nr, meter_used(&self->meter, false));
	EXPECT_EQ(nr * HERD_VCPUS, meter_used(&self->meter, true));
	meter_close(&self->meter);
}

/*
 * Fewer slots than VMs (or vCPUs), and more than enough of the other: those that come last are left
 * out, until others go.
 */
FIXTURE(full)
{
	int log;
	struct herd herd;
	struct meter meter;
};

FIXTURE_VARIANT(full)
{
	bool vcpus;
};

FIXTURE_VARIANT_ADD(full, of_vms){ .vcpus = false };

FIXTURE_VARIANT_ADD(full, of_vcpus){ .vcpus = true };

FIXTURE_SETUP(full)
{
	unsigned int nr = vms_nr(), room = nr / 64 * 64;

	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0,
		  load_for(variant->vcpus ? round_up(nr) : room,
			   variant->vcpus ? room * HERD_VCPUS : round_up(nr * HERD_VCPUS)));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, herd_start(&self->herd, room));
	ASSERT_EQ(0, herd_add(&self->herd, nr - room));
}

FIXTURE_TEARDOWN(full)
{
	char text[256];

	herd_end(&self->herd);
	meter_close(&self->meter);
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

/* CPUID exits of all vCPUs that have a slot: all that there were are there, or are untracked. */
static uint64_t tracked_exits(const struct meter *m)
{
	uint32_t i, reason = reason_of(VMX_CPUID, SVM_CPUID);
	static struct meter_vcpu copy;
	uint64_t now, exits = 0;

	for (i = 0; i < meter_host(m)->vcpus_hi; i++)
		if (!meter_read_slot(m, i, &copy, &now))
			exits += meter_count(&copy, reason);
	return exits;
}

/* How many of [from, to) have a slot. */
static unsigned int tracked_nr(const struct herd *herd, const struct meter *m, unsigned int from,
			       unsigned int to)
{
	unsigned int i, nr = 0;

	for (i = from; i < to; i++)
		nr += meter_pid_slot(m, herd->member[i].pid) >= 0;
	return nr;
}

TEST_F_TIMEOUT(full, those_left_out_come_in_later, MANY_TIMEOUT)
{
	const unsigned int nr = self->herd.nr, room = nr / 64 * 64, out = nr - room;
	int64_t untracked = meter_status("untracked_exits");

	EXPECT_EQ(room * HERD_VCPUS, meter_used(&self->meter, true));
	EXPECT_EQ(variant->vcpus ? nr : room, meter_used(&self->meter, false));
	EXPECT_EQ((uint64_t)room * HERD_VCPUS * HERD_EXITS, tracked_exits(&self->meter));
	EXPECT_LE((int64_t)out * HERD_VCPUS * HERD_EXITS, untracked);
	EXPECT_LE((int64_t)out * HERD_VCPUS, meter_status("untracked_vcpus"));
	EXPECT_LE(variant->vcpus ? 0 : (int64_t)out, meter_status("untracked_vms"));
	EXPECT_GE(variant->vcpus ? 0 : INT64_MAX, meter_status("untracked_vms"));
	EXPECT_EQ(room, tracked_nr(&self->herd, &self->meter, 0, room));
	EXPECT_EQ(0, tracked_nr(&self->herd, &self->meter, room, nr));

	/* They run as ever, and are counted as left out. */
	ASSERT_EQ(0, herd_run(&self->herd, room, nr));
	EXPECT_LE(untracked + (int64_t)out * HERD_VCPUS * HERD_EXITS,
		  meter_status("untracked_exits"));
	EXPECT_EQ((uint64_t)room * HERD_VCPUS * HERD_EXITS, tracked_exits(&self->meter));

	/* As many go, and these have their place, with nothing of theirs in it. */
	ASSERT_EQ(0, herd_kill(&self->herd, 0, out));
	EXPECT_EQ((variant->vcpus ? nr : room) - out,
		  meter_wait_used(&self->meter, (variant->vcpus ? nr : room) - out));
	untracked = meter_status("untracked_exits");
	ASSERT_EQ(0, herd_run(&self->herd, room, nr));
	EXPECT_EQ(untracked, meter_status("untracked_exits"));
	EXPECT_EQ(room * HERD_VCPUS, meter_used(&self->meter, true));
	EXPECT_EQ((uint64_t)room * HERD_VCPUS * HERD_EXITS, tracked_exits(&self->meter));
	EXPECT_EQ(nr - out, tracked_nr(&self->herd, &self->meter, out, nr));
}

TEST_HARNESS_MAIN
