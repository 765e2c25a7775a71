// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starts and stops sessions on a VMM's VM at random, until that or itself is ended.
 *
 *   drive PID SEED     prints, at the end, how many sessions there were and how they ended
 *
 * Most are driven; some only watch. A VMM that has its memory logged refuses the driven ones.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session.h"

#define PAUSE_MAX_US 60000
#define SESSION_MAX_US 800000

static atomic_bool ended;

struct counts {
	unsigned int driven, observed, own_end, refused;
};

static void end(int number)
{
	(void)number;
	ended = true;
}

/* The number of the VM's file descriptor in that process, -1 if it has none. */
static int find_vm(pid_t pid)
{
	char path[300], target[32];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && fd < 0 && (entry = readdir(dir))) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		if (!strcmp(target, "anon_inode:kvm-vm"))
			fd = atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return fd;
}

static unsigned int random_below(unsigned int limit)
{
	return (unsigned int)random() % limit;
}

/* One session, begun with a copy of the VMM's own file descriptor. */
static int run_session(int dev, int pidfd, int remote, struct counts *counts)
{
	uint32_t flags = random_below(4) ? 0 : KVMETER_DIRTY_OBSERVE;
	uint64_t interval_ns = KVMETER_INTERVAL_MIN_NS << random_below(2);
	struct session session;
	int fd, ret;

	fd = (int)syscall(SYS_pidfd_getfd, pidfd, remote, 0);
	if (fd < 0)
		return -errno;
	ret = session_start(&session, dev, fd, flags, interval_ns);
	close(fd);
	if (ret == -EBUSY) {
		counts->refused++;
		return 0;
	}
	if (ret)
		return ret;
	counts->driven += !flags;
	counts->observed += !!flags;
	usleep(random_below(SESSION_MAX_US));
	ret = session_stop(&session);
	if (ret != -ENOENT)
		return ret;
	counts->own_end++;
	return 0;
}

int main(int argc, char *argv[])
{
	pid_t pid = argc == 3 ? atoi(argv[1]) : 0;
	int pidfd, remote, dev, ret = 0;
	struct counts counts = { 0 };

	if (pid <= 0) {
		fprintf(stderr, "usage: drive PID SEED\n");
		return 64;
	}
	srandom((unsigned int)atoi(argv[2]));
	signal(SIGTERM, end);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	remote = find_vm(pid);
	dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	if (pidfd < 0 || remote < 0 || dev < 0) {
		fprintf(stderr, "drive: pidfd %d, VM %d, device %d: %s\n", pidfd, remote, dev,
			strerror(errno));
		return 1;
	}
	while (!ended && !ret) {
		ret = run_session(dev, pidfd, remote, &counts);
		usleep(random_below(PAUSE_MAX_US));
	}
	/* The VM, or the VMM, has ended. */
	if (ret == -ENOENT || ret == -ESRCH || ret == -EBADF)
		ret = 0;
	printf("%u driven, %u observed, %u ended by themselves, %u refused\n", counts.driven,
	       counts.observed, counts.own_end, counts.refused);
	if (ret)
		fprintf(stderr, "drive: %s\n", strerror(-ret));
	return !!ret;
}
