// SPDX-License-Identifier: GPL-2.0-only
/* Many VMMs at once: see herd.h. */
#define _GNU_SOURCE
#include "herd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm.h"

/* For one of them to answer, while all others want a CPU too. */
#define TIMEOUT_MS 120000

struct answer {
	pid_t pid;
	int fd;
	int ret;
};

static int run_vcpus(struct vmm *vm)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < vm->nr_vcpus; i++)
		ret = vmm_run(&vm->vcpu[i], vmm_guest_cpuid, HERD_EXITS, 0, 0);
	return ret;
}

/* Runs its guest once and whenever it is told to, until it is killed. */
static _Noreturn void live(int answers)
{
	struct answer answer = { .pid = getpid() };
	struct vmm vm;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	answer.ret = vmm_init(&vm, HERD_VCPUS, 1);
	answer.fd = vm.fd;
	do {
		if (!answer.ret)
			answer.ret = run_vcpus(&vm);
		if (write(answers, &answer, sizeof(answer)) != sizeof(answer) ||
		    sigwait(&set, &sig))
			_exit(1);
	} while (sig == SIGUSR1);
	while (!answer.ret)
		answer.ret = run_vcpus(&vm);
	_exit(1);
}

static int take_answers(struct herd *herd, unsigned int nr)
{
	struct pollfd fd = { .fd = herd->answers[0], .events = POLLIN };
	struct answer answer;
	int i;

	while (nr--) {
		if (poll(&fd, 1, TIMEOUT_MS) != 1)
			return -ETIMEDOUT;
		if (read(herd->answers[0], &answer, sizeof(answer)) != sizeof(answer))
			return -EIO;
		if (answer.ret)
			return answer.ret;
		i = herd_find(herd, answer.pid);
		if (i < 0)
			return i;
		herd->member[i].fd = answer.fd;
	}
	return 0;
}

int herd_add(struct herd *herd, unsigned int nr)
{
	unsigned int all = herd->nr + nr;
	struct herd_member *member = calloc(all, sizeof(*member));

	if (!member)
		return -ENOMEM;
	memcpy(member, herd->member, herd->nr * sizeof(*member));
	free(herd->member);
	herd->member = member;
	while (herd->nr < all) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			live(herd->answers[1]);
		}
		herd->member[herd->nr++].pid = pid;
	}
	return take_answers(herd, nr);
}

int herd_start(struct herd *herd, unsigned int nr)
{
	*herd = (struct herd){ .answers = { -1, -1 } };
	if (pipe(herd->answers))
		return -errno;
	return herd_add(herd, nr);
}

static int tell(struct herd *herd, unsigned int from, unsigned int to, int sig)
{
	unsigned int i;

	for (i = from; i < to; i++)
		if (kill(herd->member[i].pid, sig))
			return -errno;
	return 0;
}

int herd_run(struct herd *herd, unsigned int from, unsigned int to)
{
	int ret = tell(herd, from, to, SIGUSR1);

	return ret ? ret : take_answers(herd, to - from);
}

int herd_storm(struct herd *herd, unsigned int from, unsigned int to)
{
	return tell(herd, from, to, SIGUSR2);
}

int herd_kill(struct herd *herd, unsigned int from, unsigned int to)
{
	unsigned int i;
	int ret = 0;

	for (i = from; i < to; i++)
		if (herd->member[i].pid && kill(herd->member[i].pid, SIGKILL))
			ret = -errno;
	for (i = from; i < to; i++) {
		if (!herd->member[i].pid)
			continue;
		if (waitpid(herd->member[i].pid, NULL, 0) != herd->member[i].pid)
			ret = -errno;
		herd->member[i].pid = 0;
	}
	return ret;
}

int herd_find(const struct herd *herd, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < herd->nr; i++)
		if (herd->member[i].pid == pid)
			return (int)i;
	return -ENOENT;
}

void herd_end(struct herd *herd)
{
	herd_kill(herd, 0, herd->nr);
	close(herd->answers[0]);
	close(herd->answers[1]);
	free(herd->member);
	*herd = (struct herd){ .answers = { -1, -1 } };
}
