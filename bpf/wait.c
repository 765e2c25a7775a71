// SPDX-License-Identifier: GPL-2.0-only
/* Waits for a time or for something to read, and ends that at a signal. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "reader.h"

#define NS_PER_S 1000000000LL

static bool interrupted;

static void on_signal(int sig)
{
	(void)sig;
	__atomic_store_n(&interrupted, true, __ATOMIC_RELAXED);
}

/**
 * kvmeter_wait_is_interrupted - is it to end?
 *
 * Return: true if SIGINT or SIGTERM has come since kvmeter_wait_catch_signals().
 */
bool kvmeter_wait_is_interrupted(void)
{
	return __atomic_load_n(&interrupted, __ATOMIC_RELAXED);
}

/**
 * kvmeter_wait_catch_signals - have SIGINT and SIGTERM end what is live, not the program
 */
void kvmeter_wait_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	/* No SA_RESTART: a write to a pipe that nobody reads has to end as well. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/**
 * kvmeter_wait_clock_ns - the clock that is waited by
 *
 * Return: CLOCK_MONOTONIC.
 */
long long kvmeter_wait_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/**
 * kvmeter_wait_until - wait until it is time, or until there is something to read
 * @fd: where from, -1 if only the time counts
 * @when_ns: the time
 *
 * Signals come only while it waits, so none is lost between a test and the sleep. With @fd any of
 * them ends it; SIGWINCH comes here even if it is blocked elsewhere.
 *
 * Return: false if it is to end: as kvmeter_wait_for(), or nobody writes there any more.
 */
bool kvmeter_wait_until(int fd, long long when_ns)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	sigset_t block, before, during;
	struct timespec left;
	long long left_ns;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	during = before;
	sigdelset(&during, SIGWINCH);
	while (!kvmeter_wait_is_interrupted() && !in.revents) {
		left_ns = when_ns - kvmeter_wait_clock_ns();
		if (left_ns <= 0)
			break;
		left.tv_sec = left_ns / NS_PER_S;
		left.tv_nsec = left_ns % NS_PER_S;
		if (ppoll(&in, 1, &left, &during) >= 0)
			continue;
		if (errno != EINTR)
			err(1, "ppoll");
		if (fd >= 0)
			break;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !kvmeter_wait_is_interrupted() && !(in.revents & (POLLERR | POLLHUP | POLLNVAL));
}

/**
 * kvmeter_wait_for - wait until there is something to read
 * @fd: where from
 *
 * Return: false if it is to end: SIGINT or SIGTERM has come since kvmeter_wait_catch_signals(), or
 * nobody reads standard output any more.
 */
bool kvmeter_wait_for(int fd)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	sigset_t block, before;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	if (!kvmeter_wait_is_interrupted() && ppoll(fds, 2, NULL, &before) < 0 && errno != EINTR)
		err(1, "ppoll");
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !kvmeter_wait_is_interrupted() && !(fds[1].revents & (POLLERR | POLLHUP | POLLNVAL));
}
