/* SPDX-License-Identifier: GPL-2.0-only */
/* What the peers of the benchmarks share: they stay attached until they are told to end. */
#ifndef KVMETER_BENCH_H
#define KVMETER_BENCH_H

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

/* Say that it is attached, then wait for SIGTERM or SIGINT. */
static inline void kvmeter_bench_wait(void)
{
	sigset_t signals;
	int sig;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	puts("attached");
	fflush(stdout);

	errno = sigwait(&signals, &sig);
	if (errno)
		err(1, "sigwait");
}

#endif
