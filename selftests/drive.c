// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starts and stops sessions on a VMM's VM at random, until that or itself is ended.
 *
 *   drive [-w] [-q PAGES] PID SEED     prints, at the end, how many there were and how they ended
 *
 *   -w         wait for a VM, and go on with the next one, as long as the process lives
 *   -q PAGES   in each session, set a quota of so many pages a second
 *
 * Most are driven; some only watch. A VMM that has its memory logged refuses the driven ones: with
 * -w it is watched then.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session.h"

#define PAUSE_MAX_US 60000
#define SESSION_MAX_US 800000
/* A VM of a test may live for a few ms only. */
#define WAIT_STEP_US 2000

static atomic_bool ended;

struct counts {
	unsigned int driven, observed, own_end, refused, quotas;
};

/* struct target - a VMM, and what is done to it: see above */
struct target {
	int dev, pidfd;
	pid_t pid;
	bool wait;
	uint64_t quota_pages;
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

/* The autopilot or another one may have ended the VM meanwhile. */
static void set_quota(const struct target *t, const struct session *session, struct counts *counts)
{
	struct kvmeter_quota quota = {
		.abi = KVMETER_ABI,
		.vm = session->vm,
		.vm_gen = session->vm_gen,
		.bytes_per_s = t->quota_pages * VMM_PAGE_BYTES,
	};

	if (t->quota_pages && !ioctl(t->dev, KVMETER_QUOTA, &quota))
		counts->quotas++;
}

/*
 * What a VMM may refuse: its memory is logged already; it has none yet, or dirty rings. And a
 * session that ends by itself is there until its slots log no more, which the VMM can keep waiting.
 */
static bool is_refusal(const struct target *t, int ret)
{
	return ret == -EBUSY || ret == -EALREADY || (t->wait && ret == -EOPNOTSUPP);
}

/* One session, begun with a copy of the VMM's own file descriptor. */
static int run_session(const struct target *t, int remote, struct counts *counts)
{
	uint32_t flags = random_below(4) ? 0 : KVMETER_DIRTY_OBSERVE;
	uint64_t interval_ns = KVMETER_INTERVAL_MIN_NS << random_below(2);
	struct session session;
	int fd, ret;

	fd = (int)syscall(SYS_pidfd_getfd, t->pidfd, remote, 0);
	if (fd < 0)
		return -errno;
	ret = session_start(&session, t->dev, fd, flags, interval_ns);
	if (is_refusal(t, ret) && !flags && t->wait) {
		counts->refused++;
		flags = KVMETER_DIRTY_OBSERVE;
		ret = session_start(&session, t->dev, fd, flags, interval_ns);
	}
	close(fd);
	if (is_refusal(t, ret)) {
		counts->refused++;
		return 0;
	}
	if (ret)
		return ret;
	counts->driven += !flags;
	counts->observed += !!flags;
	set_quota(t, &session, counts);
	usleep(random_below(SESSION_MAX_US));
	ret = session_stop(&session);
	if (ret != -ENOENT)
		return ret;
	counts->own_end++;
	return 0;
}

static bool is_alive(const struct target *t)
{
	struct pollfd poll_fd = { .fd = t->pidfd, .events = POLLIN };

	return !poll(&poll_fd, 1, 0);
}

/* Of a VMM that is to have only one VM, it ends with that. */
static int run_sessions(const struct target *t, struct counts *counts)
{
	int remote, ret = 0;

	while (!ended && is_alive(t)) {
		remote = find_vm(t->pid);
		if (remote >= 0)
			ret = run_session(t, remote, counts);
		if (remote < 0 && t->wait) {
			usleep(WAIT_STEP_US);
			continue;
		}
		if (remote < 0 || (ret && !t->wait))
			break;
		/* The VM may have gone since it was found. */
		if (ret && ret != -ENOENT && ret != -ESRCH && ret != -EBADF && ret != -EINVAL)
			break;
		ret = 0;
		usleep(random_below(t->wait ? WAIT_STEP_US : PAUSE_MAX_US));
	}
	return ret;
}

static bool parse(int argc, char *argv[], struct target *t)
{
	int option;

	while ((option = getopt(argc, argv, "wq:")) != -1) {
		if (option == 'w')
			t->wait = true;
		else if (option == 'q')
			t->quota_pages = strtoull(optarg, NULL, 10);
		else
			return false;
	}
	t->pid = argc == optind + 2 ? atoi(argv[optind]) : 0;
	return t->pid > 0;
}

int main(int argc, char *argv[])
{
	struct counts counts = { 0 };
	struct target t = { 0 };
	int ret;

	if (!parse(argc, argv, &t)) {
		fprintf(stderr, "usage: drive [-w] [-q PAGES] PID SEED\n");
		return 64;
	}
	srandom((unsigned int)atoi(argv[optind + 1]));
	signal(SIGTERM, end);
	t.pidfd = (int)syscall(SYS_pidfd_open, t.pid, 0);
	t.dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	if (t.pidfd < 0 || t.dev < 0 || (!t.wait && find_vm(t.pid) < 0)) {
		fprintf(stderr, "drive: pidfd %d, device %d, or no VM: %s\n", t.pidfd, t.dev,
			strerror(errno));
		return 1;
	}
	ret = run_sessions(&t, &counts);
	/* The VM, or the VMM, has ended. */
	if (ret == -ENOENT || ret == -ESRCH || ret == -EBADF)
		ret = 0;
	printf("%u driven, %u observed, %u ended by themselves, %u refused, %u quotas\n",
	       counts.driven, counts.observed, counts.own_end, counts.refused, counts.quotas);
	if (ret)
		fprintf(stderr, "drive: %s\n", strerror(-ret));
	return !!ret;
}
