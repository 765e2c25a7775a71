// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what a context switch costs on this lab host, in instructions, and how many of them it
 * took to tell.
 *
 *   bench_switch ordinary|waited|vcpu
 *
 * Two tasks on one CPU hand a byte to and fro through pipes: one switch is one of them waking the
 * other and going to sleep, system calls included. They are
 *
 *   ordinary  two processes that have nothing to do with a VM; there is one, whose vCPU has run
 *   waited    the same, while a vCPU that is too nice to get the CPU waits for it all the time
 *   vcpu      the threads of two vCPUs, each of which then waits from its wake-up to the switch
 *
 * For the time-stamp counter as a counter of instructions see bench_exit.c. The least of several
 * rounds is the one that no timer interrupt fell into.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "host.h"
#include "rival.h"
#include "vmm.h"

#define CPU 0
#define TRIPS_NR 53
#define SWITCHES_NR (2 * TRIPS_NR)
#define ROUNDS_NR 101

/* One of the two: reads from its own pipe, writes to the other's. */
struct player {
	struct vmm_vcpu *vcpu;
	int in;
	int out;
	int ret;
};

static int pass_on(const struct player *p)
{
	char byte = 0;

	if (write(p->out, &byte, 1) != 1 || read(p->in, &byte, 1) != 1)
		return -EIO;
	return 0;
}

/* The least number of ticks that a round took. */
static int serve(const struct player *p, uint64_t *least)
{
	uint64_t begin, ticks;
	int i, k, ret = 0;

	*least = UINT64_MAX;
	for (i = 0; i < ROUNDS_NR; i++) {
		begin = __rdtsc();
		for (k = 0; !ret && k < TRIPS_NR; k++)
			ret = pass_on(p);
		ticks = __rdtsc() - begin;
		if (ticks < *least)
			*least = ticks;
	}
	return ret;
}

/* Gives back what it gets, until there is no more. */
static void *return_all(void *arg)
{
	struct player *p = arg;
	char byte;

	if (p->vcpu)
		p->ret = vmm_run(p->vcpu, vmm_guest_busy, 1, 0, 0);
	while (!p->ret && read(p->in, &byte, 1) == 1 && byte == 0)
		if (write(p->out, &byte, 1) != 1)
			p->ret = -EIO;
	return NULL;
}

static int end_game(const struct player *p)
{
	char byte = 1;

	return write(p->out, &byte, 1) == 1 ? 0 : -EIO;
}

static int play_processes(struct player player[2], uint64_t *least)
{
	int ret, err;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		return_all(&player[1]);
		_exit(player[1].ret ? 1 : 0);
	}
	ret = serve(&player[0], least);
	err = end_game(&player[0]);
	if (waitpid(pid, NULL, 0) != pid)
		err = -errno;
	return ret ? ret : err;
}

static int play_threads(struct player player[2], uint64_t *least)
{
	pthread_t thread;
	struct vmm vm;
	int ret, err;

	ret = vmm_init(&vm, 2, 1);
	player[0].vcpu = &vm.vcpu[0];
	player[1].vcpu = &vm.vcpu[1];
	if (!ret)
		ret = vmm_run(player[0].vcpu, vmm_guest_busy, 1, 0, 0);
	if (!ret)
		ret = -pthread_create(&thread, NULL, return_all, &player[1]);
	if (!ret) {
		ret = serve(&player[0], least);
		err = end_game(&player[0]);
		pthread_join(thread, NULL);
		ret = ret ? ret : player[1].ret;
		ret = ret ? ret : err;
	}
	vmm_exit(&vm);
	return ret;
}

/* There is a guest that computes, and either sleeps from then on or waits for the CPU. */
static int play_beside_guest(struct player player[2], bool waits, uint64_t *least)
{
	struct rival rival = { .comm = "guest", .cpu = CPU, .policy = SCHED_IDLE };
	pid_t pid = rival_start_guest(&rival);
	int ret = 0, err;

	if (pid < 0)
		return pid;
	/* That it runs, and has run. */
	sleep(1);
	if (!waits && (kill(pid, SIGSTOP) || waitpid(pid, NULL, WUNTRACED) != pid))
		ret = -errno;
	if (!ret)
		ret = play_processes(player, least);
	err = rival_stop(pid);
	return ret ? ret : err;
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";
	struct player player[2] = {};
	uint64_t least;
	int pipes[2][2];
	int ret;

	if (strcmp(mode, "ordinary") && strcmp(mode, "waited") && strcmp(mode, "vcpu")) {
		fputs("usage: bench_switch ordinary|waited|vcpu\n", stderr);
		return 2;
	}
	ret = pipe(pipes[0]) || pipe(pipes[1]) ? -errno : host_pin(CPU);
	player[0] = (struct player){ .in = pipes[0][0], .out = pipes[1][1] };
	player[1] = (struct player){ .in = pipes[1][0], .out = pipes[0][1] };
	if (!ret && !strcmp(mode, "vcpu"))
		ret = play_threads(player, &least);
	else if (!ret)
		ret = play_beside_guest(player, !strcmp(mode, "waited"), &least);
	if (ret) {
		fprintf(stderr, "bench_switch: %s\n", strerror(-ret));
		return 1;
	}
	printf("%.1f %d\n", (double)least / SWITCHES_NR, SWITCHES_NR * ROUNDS_NR);
	return 0;
}
