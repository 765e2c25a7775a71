// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many VMs on this lab host, and what it takes to look at all of them.
 *
 *   bench_scale hold NR        start NR VMMs, print "ready" and keep them until killed
 *   bench_scale memory         bytes of memory that the kernel has taken for itself
 *   bench_scale read           instructions to read all there is, for each way to; maps attached
 *   bench_scale save FILE      the maps, attached, for bench_reader
 *   bench_scale run COMMAND... instructions until the command, whose output nobody reads, has
 *                              ended, and its CPU time in ns
 *
 * For the time-stamp counter as a counter of instructions see bench_exit.c.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../bpf/reader.h"
#include "bench_maps.h"
#include "herd.h"
#include "host.h"
#include "meter.h"

#define DEBUGFS "/sys/kernel/debug/kvmeter"
#define ROUNDS_NR 5

static char buffer[1 << 20];

static int hold(unsigned int nr)
{
	struct herd herd;
	int ret;

	/* A shell has what it runs in the background ignore it. */
	signal(SIGINT, SIG_DFL);
	ret = herd_start(&herd, nr);
	if (ret) {
		herd_end(&herd);
		return ret;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* What modules allocate is in one of these. */
static int print_memory(void)
{
	int64_t kib = host_memory_kib();

	if (kib < 0)
		return (int)kib;
	printf("%" PRId64 "\n", kib * 1024);
	return 0;
}

/* Bytes of a file. */
static long long read_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	long long sum = 0;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		sum += len;
	close(fd);
	return len < 0 ? -EIO : sum;
}

/* Bytes of all files in a directory and, if @deep, in those below. */
static long long read_all(const char *dir, bool deep)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	long long sum = 0, ret = 0;
	char path[PATH_MAX];

	if (!d)
		return -errno;
	while (ret >= 0 && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type != DT_DIR)
			ret = read_file(dir, entry->d_name);
		else
			ret = deep ? read_all(path, false) : 0;
		sum += ret;
	}
	closedir(d);
	return ret < 0 ? ret : sum;
}

static int print_debugfs(const char *name, bool deep)
{
	unsigned long long begin = __rdtsc();
	long long bytes = read_all(DEBUGFS, deep);

	if (bytes < 0)
		return (int)bytes;
	printf("%s %llu %lld\n", name, __rdtsc() - begin, bytes);
	return 0;
}

/* The least of some rounds: the first one makes room. */
static void print_snapshot(const char *name, const struct kvmeter_maps *maps, unsigned int needs)
{
	unsigned long long begin, ticks, least = ULLONG_MAX;
	struct kvmeter_snap snap = {};
	unsigned int i;

	for (i = 0; i < ROUNDS_NR; i++) {
		begin = __rdtsc();
		kvmeter_snapshot_take(&snap, maps, needs);
		ticks = __rdtsc() - begin;
		if (ticks < least)
			least = ticks;
	}
	printf("%s %llu %u\n", name, least, snap.nr_vcpus);
	kvmeter_snapshot_put(&snap);
}

static int print_reads(void)
{
	struct kvmeter_maps maps;
	struct meter m;
	int ret = meter_open(&m);

	if (ret)
		return ret;
	maps = bench_maps_of(&m.info, m.map);
	print_snapshot("snapshot", &maps, 0);
	print_snapshot("snapshot_all", &maps,
		       KVMETER_NEED_ROWS | KVMETER_NEED_SUBS | KVMETER_NEED_THIEVES);
	meter_close(&m);
	ret = print_debugfs("debugfs_host", false);
	return ret ? ret : print_debugfs("debugfs_all", true);
}

static int save(const char *path)
{
	struct meter m;
	FILE *file;
	int ret = meter_open(&m);

	if (ret)
		return ret;
	file = fopen(path, "we");
	ret = file ? bench_maps_write(file, &m.info, m.map) : -errno;
	if (file && fclose(file))
		ret = -errno;
	meter_close(&m);
	return ret;
}

static unsigned long long ns_of(const struct timeval *time)
{
	return time->tv_sec * 1000000000ULL + time->tv_usec * 1000ULL;
}

static int print_run(char **command)
{
	unsigned long long begin = __rdtsc(), ticks;
	struct rusage usage;
	int status, null;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (dup2(null, STDOUT_FILENO) < 0)
			_exit(126);
		execvp(command[0], command);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		return -errno;
	ticks = __rdtsc() - begin;
	if (status)
		return -ECHILD;
	printf("%llu %llu\n", ticks, ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime));
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int ret = -EINVAL;

	if (!strcmp(mode, "hold") && argc == 3)
		ret = hold((unsigned int)strtoul(argv[2], NULL, 10));
	else if (!strcmp(mode, "memory") && argc == 2)
		ret = print_memory();
	else if (!strcmp(mode, "read") && argc == 2)
		ret = print_reads();
	else if (!strcmp(mode, "save") && argc == 3)
		ret = save(argv[2]);
	else if (!strcmp(mode, "run") && argc > 2)
		ret = print_run(argv + 2);
	if (ret) {
		fprintf(stderr, "bench_scale %s: %s\n", mode, strerror(-ret));
		return 1;
	}
	return 0;
}
