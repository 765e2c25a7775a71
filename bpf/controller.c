// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that controls a session: the module ends the session when it ends. It sleeps in the
 * background, holds neither the module nor the VM, and goes when the session is over.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dirty.h"

#define NS_PER_S 1000000000ULL
#define POLL_NS 100000000ULL

/* Without a sign of life for this long, it is looked whether the module is still there. */
#define STALE_NS (3 * KVMETER_INTERVAL_MAX_NS)

static int report_fd = -1;
static bool signalled;

static void on_signal(int sig)
{
	(void)sig;
	__atomic_store_n(&signalled, true, __ATOMIC_RELAXED);
}

/* Waits for the child's word, which is that it goes on, or its exit status. */
static int wait_for(int fd, pid_t child)
{
	int status;
	char word;

	if (read(fd, &word, 1) == 1)
		return 0;
	if (waitpid(child, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
}

/**
 * kvmeter_controller_detach - go on in a process in the background
 *
 * What that one says on standard error until kvmeter_controller_report() is still said to the user;
 * should it end before, this process ends with its status.
 *
 * Return: in the background process 0; in this one, after the report, the other's process id.
 */
pid_t kvmeter_controller_detach(void)
{
	int fds[2], status;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC))
		err(1, "pipe");
	fflush(stdout);
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		close(fds[0]);
		report_fd = fds[1];
		setsid();
		return 0;
	}
	close(fds[1]);
	status = wait_for(fds[0], child);
	if (status)
		exit(status);
	close(fds[0]);
	return child;
}

/* Nothing of where it was started from stays in use. */
static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || chdir("/"))
		err(1, "cannot go on in the background");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

/**
 * kvmeter_controller_report - in the background process: all went well, nothing more to say
 */
void kvmeter_controller_report(void)
{
	if (report_fd < 0)
		return;
	leave_terminal();
	if (write(report_fd, "", 1) != 1)
		_exit(1);
	close(report_fd);
	report_fd = -1;
}

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void nap(void)
{
	struct timespec time = { .tv_nsec = POLL_NS };

	nanosleep(&time, NULL);
}

/* The maps that the module counts into by now; true if it is gone, and with it all sessions. */
static bool reopen_maps(struct kvmeter_maps *maps)
{
	struct kvmeter_info info = {};
	int dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC), error;

	if (dev < 0)
		return true;
	error = ioctl(dev, KVMETER_GET_INFO, &info);
	close(dev);
	if (error)
		return true;
	/* Where nobody attached others there is nothing to be seen: wait, the session may go on. */
	if (info.attached && info.map[KVMETER_MAP_DIRTY].id != maps->info.map[KVMETER_MAP_DIRTY].id)
		kvmeter_maps_open(maps);
	return false;
}

static void copy(struct kvmeter_dirty *to, const struct kvmeter_dirty *from)
{
	unsigned int tries = 1000;
	__u32 seq;

	do {
		seq = __atomic_load_n(&from->seq, __ATOMIC_ACQUIRE);
		memcpy(to, from, sizeof(*to));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (--tries && (seq & 1 || __atomic_load_n(&from->seq, __ATOMIC_RELAXED) != seq));
}

/**
 * kvmeter_controller_follow - wait until a session is over
 * @maps: opened maps
 * @vm: the VM
 * @until_ns: or until CLOCK_MONOTONIC is this; ~0: no such end
 * @last: what was known of it last
 *
 * Return: false if it is not over: the time has come, or SIGINT, SIGTERM or SIGHUP.
 */
bool kvmeter_controller_follow(struct kvmeter_maps *maps, const struct kvmeter_snap_vm *vm,
			       __u64 until_ns, struct kvmeter_dirty *last)
{
	struct sigaction action = { .sa_handler = on_signal };
	__u64 seen_ns = monotonic_ns(), now_ns, update_ns = 0;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	for (; !kvmeter_controller_is_signalled(); nap()) {
		copy(last, &maps->dirty[vm->slot]);
		if (last->gen != vm->v.gen || last->session == KVMETER_SESSION_ENDED ||
		    last->session == KVMETER_SESSION_NONE)
			return true;
		now_ns = monotonic_ns();
		if (now_ns >= until_ns)
			return false;
		if (update_ns != last->update_ns)
			seen_ns = now_ns;
		update_ns = last->update_ns;
		if (now_ns - seen_ns < STALE_NS)
			continue;
		if (reopen_maps(maps))
			return true;
		seen_ns = now_ns;
	}
	return false;
}

/**
 * kvmeter_controller_is_signalled - has kvmeter_controller_follow() seen a signal?
 *
 * Return: true if SIGINT, SIGTERM or SIGHUP came.
 */
bool kvmeter_controller_is_signalled(void)
{
	return __atomic_load_n(&signalled, __ATOMIC_RELAXED);
}
