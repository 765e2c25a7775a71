// SPDX-License-Identifier: GPL-2.0-only
/* What a vCPU competes with for its CPU: see rival.h. */
#define _GNU_SOURCE
#include "rival.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "vmm.h"

#define BUSY_LOOPS 100003
#define NAMES_NR 10000
#define COMM_BYTES 16
#define LEAVE_STEP_US 1000
#define LEAVE_STEPS 1000
#define CGROUPS "/sys/fs/cgroup"
#define LIMITED CGROUPS "/kvmeter-selftest"
#define BELOW LIMITED "/below"
#define AUTOGROUP "/proc/sys/kernel/sched_autogroup_enabled"

static void compute(void)
{
	for (;;)
		;
}

static void compute_renamed(void)
{
	char comm[COMM_BYTES];
	unsigned int i;

	for (i = 0;; i++) {
		snprintf(comm, sizeof(comm), "name-%u", i % NAMES_NR);
		prctl(PR_SET_NAME, comm);
	}
}

static void compute_guest(void)
{
	struct vmm vm;

	if (vmm_init(&vm, 1, 1))
		_exit(1);
	while (!vmm_run(&vm.vcpu[0], vmm_guest_busy, BUSY_LOOPS, 0, 0))
		;
	_exit(1);
}

static int set_up(const struct rival *rival)
{
	struct sched_param param = {};
	int ret = host_pin(rival->cpu);

	if (!ret &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NAME, rival->comm) ||
	     setpriority(PRIO_PROCESS, 0, rival->nice) ||
	     sched_setscheduler(0, rival->policy, &param)))
		ret = -errno;
	return ret;
}

/* Returns once the process is what @rival says. */
static pid_t start(const struct rival *rival, void (*run)(void))
{
	int ret = 0, ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		ret = set_up(rival);
		if (write(ready[1], &ret, sizeof(ret)) != sizeof(ret) || ret)
			_exit(1);
		close(ready[0]);
		close(ready[1]);
		run();
	}
	if (pid < 0)
		ret = -errno;
	close(ready[1]);
	if (!ret && read(ready[0], &ret, sizeof(ret)) != sizeof(ret))
		ret = -ECHILD;
	close(ready[0]);
	return ret ? ret : pid;
}

pid_t rival_start_hog(const struct rival *rival)
{
	return start(rival, compute);
}

pid_t rival_start_renamer(const struct rival *rival)
{
	return start(rival, compute_renamed);
}

pid_t rival_start_guest(const struct rival *rival)
{
	return start(rival, compute_guest);
}

int rival_stop(pid_t pid)
{
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		return -errno;
	return 0;
}

int rival_pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set) ? -errno : 0;
}

int rival_set_autogroup(bool on)
{
	int64_t was = host_read_number(AUTOGROUP, NULL);
	int ret;

	/* A kernel that has none. */
	if (was == -ENOENT)
		return 0;
	ret = was < 0 ? (int)was : host_write(AUTOGROUP, 0, on ? "1" : "0");
	return ret ? ret : (int)was;
}

int rival_init_limit(uint64_t quota_us, uint64_t period_us)
{
	char text[48];
	int ret;

	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, quota_us, period_us);
	ret = host_write(CGROUPS "/cgroup.subtree_control", 0, "+cpu");
	if (!ret && mkdir(LIMITED, 0700))
		ret = -errno;
	if (!ret)
		ret = host_write(LIMITED "/cpu.max", 0, text);
	return ret;
}

int rival_add_limit(pid_t pid, bool below)
{
	char text[24];
	int ret;

	snprintf(text, sizeof(text), "%d", pid);
	if (!below)
		return host_write(LIMITED "/cgroup.procs", 0, text);
	ret = host_write(LIMITED "/cgroup.subtree_control", 0, "+cpu");
	if (!ret && mkdir(BELOW, 0700))
		ret = -errno;
	return ret ? ret : host_write(BELOW "/cgroup.procs", 0, text);
}

int rival_set_limit_nice(int nice)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", nice);
	return host_write(LIMITED "/cpu.weight.nice", 0, text);
}

uint64_t rival_throttled_us(void)
{
	int64_t us = host_read_number(LIMITED "/cpu.stat", "throttled_usec");

	return us < 0 ? 0 : (uint64_t)us;
}

void rival_exit_limit(void)
{
	int i;

	/* A process leaves its cgroup some time after it was waited for. */
	for (i = 0; i < LEAVE_STEPS; i++) {
		rmdir(BELOW);
		if (!rmdir(LIMITED) || errno != EBUSY)
			return;
		usleep(LEAVE_STEP_US);
	}
}
