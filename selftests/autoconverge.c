// SPDX-License-Identifier: GPL-2.0-only
/* The autopilot, as tests switch it and look at it: see autoconverge.h. */
#define _GNU_SOURCE
#include "autoconverge.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"

#define NS_PER_S 1000000000ull
#define WAIT_NS (20 * NS_PER_S)
#define WAIT_STEP_US 1000
#define PARAM "/sys/module/kvmeter/parameters/autoconverge"
#define KICK_US 1000

/* For how long a thread sleeps that is kicked. */
static atomic_uint kicked_us;

int autoconverge_slot(const struct meter *m, int vm_fd)
{
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	const struct kvmeter_vm *vm = meter_vm(m, vm_fd);

	return vm ? (int)(vm - vms) : -ENOENT;
}

int autoconverge_set(const struct meter *m, uint32_t vm, struct kvmeter_autoconverge want)
{
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];

	want.abi = KVMETER_ABI;
	want.vm = vm;
	want.vm_gen = vms[vm].gen;
	return ioctl(m->dev, KVMETER_AUTOCONVERGE, &want) ? -errno : 0;
}

int autoconverge_set_param(const char *mode)
{
	return meter_set_param("autoconverge", mode);
}

void autoconverge_get_param(char *mode, size_t size)
{
	host_read_line(PARAM, mode, size);
}

void autoconverge_copy(const struct meter *m, uint32_t vm, struct kvmeter_migration *copy)
{
	const struct kvmeter_migration *map = m->map[KVMETER_MAP_MIGRATIONS];
	uint32_t seq;

	map += vm;
	do {
		seq = __atomic_load_n(&map->seq, __ATOMIC_ACQUIRE);
		*copy = *map;
		atomic_thread_fence(memory_order_acquire);
	} while (seq % 2 || __atomic_load_n(&map->seq, __ATOMIC_RELAXED) != seq);
}

static bool is_state(const struct kvmeter_migration *copy, uint32_t state)
{
	return copy->state == state;
}

static bool is_mode(const struct kvmeter_migration *copy, uint32_t mode)
{
	return copy->mode == mode;
}

static bool is_why(const struct kvmeter_migration *copy, uint32_t why)
{
	return copy->why == why;
}

static int wait_for(const struct meter *m, uint32_t vm, struct kvmeter_migration *copy,
		    bool (*is)(const struct kvmeter_migration *copy, uint32_t value),
		    uint32_t value)
{
	uint64_t begin_ns = host_now_ns();

	for (;;) {
		autoconverge_copy(m, vm, copy);
		if (is(copy, value))
			return 0;
		if (host_now_ns() - begin_ns > WAIT_NS)
			return -ETIMEDOUT;
		usleep(WAIT_STEP_US);
	}
}

int autoconverge_wait_state(const struct meter *m, uint32_t vm, uint32_t state)
{
	struct kvmeter_migration copy;

	return wait_for(m, vm, &copy, is_state, state);
}

int autoconverge_wait_mode(const struct meter *m, uint32_t vm, uint32_t mode)
{
	struct kvmeter_migration copy;

	return wait_for(m, vm, &copy, is_mode, mode);
}

int autoconverge_wait_why(const struct meter *m, uint32_t vm, uint32_t why)
{
	struct kvmeter_migration copy;

	wait_for(m, vm, &copy, is_why, why);
	return (int)copy.why;
}

int autoconverge_wait_quota(const struct meter *m, uint32_t vm, bool some)
{
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	uint64_t begin_ns = host_now_ns();

	while (!__atomic_load_n(&vms[vm].quota_pages, __ATOMIC_RELAXED) == some) {
		if (host_now_ns() - begin_ns > WAIT_NS)
			return -ETIMEDOUT;
		usleep(WAIT_STEP_US);
	}
	return 0;
}

int autoconverge_read_log(int fd, struct kvmeter_audit *records, unsigned int max)
{
	unsigned int nr = 0;
	ssize_t bytes;

	while (nr < max) {
		bytes = read(fd, records + nr, (max - nr) * sizeof(*records));
		if (bytes < 0)
			return -errno;
		if (!bytes)
			break;
		if ((size_t)bytes % sizeof(*records))
			return -EIO;
		nr += (unsigned int)((size_t)bytes / sizeof(*records));
	}
	return (int)nr;
}

int autoconverge_skip_log(void)
{
	int fd = open("/dev/kvmeter", O_RDWR | O_CLOEXEC), ret;
	struct kvmeter_audit record;

	if (fd < 0)
		return -errno;
	do
		ret = autoconverge_read_log(fd, &record, 1);
	while (ret > 0);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* In the thread of a vCPU, which the signal has taken out of KVM_RUN. */
static void sleep_kicked(int sig)
{
	int err = errno;

	(void)sig;
	if (kicked_us)
		usleep(kicked_us);
	errno = err;
}

static int handle_kicks(unsigned int sleep_us)
{
	struct sigaction action = { .sa_handler = sleep_kicked };

	kicked_us = sleep_us;
	return sigaction(SIGUSR1, &action, NULL) ? -errno : 0;
}

int autoconverge_stop_writer(struct writer *w)
{
	int ret = handle_kicks(0);

	if (ret)
		return ret;
	w->stop = true;
	/* One that comes before KVM_RUN takes it out of nothing. */
	while (pthread_tryjoin_np(w->thread, NULL) == EBUSY) {
		pthread_kill(w->thread, SIGUSR1);
		usleep(KICK_US);
	}
	return w->ret;
}

static void *kick_all(void *arg)
{
	struct autoconverge_throttle *t = arg;
	unsigned int i;

	while (!t->stop) {
		usleep(t->run_us + t->sleep_us);
		for (i = 0; i < t->nr; i++)
			pthread_kill(t->writer[i].thread, SIGUSR1);
	}
	return NULL;
}

int autoconverge_start_throttle(struct autoconverge_throttle *t)
{
	int ret = handle_kicks(t->sleep_us);

	t->stop = false;
	return ret ? ret : -pthread_create(&t->thread, NULL, kick_all, t);
}

void autoconverge_stop_throttle(struct autoconverge_throttle *t)
{
	t->stop = true;
	pthread_join(t->thread, NULL);
}
