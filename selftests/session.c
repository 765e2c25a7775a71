// SPDX-License-Identifier: GPL-2.0-only
/* Sessions on VMs, as tests start, stop and read them: see session.h. */
#include "session.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"

#define WAIT_STEP_US 1000
/* An interval that takes this many times as long as it should will not end. */
#define PATIENCE 40

int session_start(struct session *s, int dev, int vm_fd, uint32_t flags, uint64_t interval_ns)
{
	struct kvmeter_dirty_start start = {
		.abi = KVMETER_ABI,
		.flags = flags,
		.vm_fd = vm_fd,
		.interval_ns = interval_ns,
	};

	if (ioctl(dev, KVMETER_DIRTY_START, &start))
		return -errno;
	*s = (struct session){ .dev = dev, .vm = start.vm, .vm_gen = start.vm_gen };
	return 0;
}

int session_stop(const struct session *s)
{
	struct kvmeter_dirty_stop stop = {
		.abi = KVMETER_ABI,
		.vm = s->vm,
		.vm_gen = s->vm_gen,
	};

	return ioctl(s->dev, KVMETER_DIRTY_STOP, &stop) ? -errno : 0;
}

int session_read(const struct session *s, uint64_t within_ns, uint32_t *cells, uint32_t nr)
{
	struct kvmeter_dirty_read read;
	uint32_t done;

	memset(cells, 0, nr * sizeof(*cells));
	for (done = 0; done < nr; done += read.nr) {
		read = (struct kvmeter_dirty_read){
			.abi = KVMETER_ABI,
			.vm = s->vm,
			.vm_gen = s->vm_gen,
			.gfn = done,
			.nr = nr - done < KVMETER_CELLS_MAX ? nr - done : KVMETER_CELLS_MAX,
			.within_ns = within_ns,
			.cells = (uintptr_t)(cells + done),
		};
		if (ioctl(s->dev, KVMETER_DIRTY_READ, &read))
			return -errno;
		if (!read.nr)
			break;
	}
	return 0;
}

int session_copy(const struct session *s, const struct meter *m, struct kvmeter_dirty *copy)
{
	const struct kvmeter_dirty *d = m->map[KVMETER_MAP_DIRTY];
	uint32_t seq;

	d += s->vm;
	do {
		seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		*copy = *d;
		atomic_thread_fence(memory_order_acquire);
	} while (seq % 2 || __atomic_load_n(&d->seq, __ATOMIC_RELAXED) != seq);
	return copy->gen == s->vm_gen ? 0 : -ENOENT;
}

int session_wait_end(const struct session *s, const struct meter *m, uint64_t timeout_ns)
{
	uint64_t begin_ns = host_now_ns();
	struct kvmeter_dirty copy;
	int ret;

	do {
		ret = session_copy(s, m, &copy);
		if (ret)
			return ret;
		if (copy.session == KVMETER_SESSION_ENDED)
			return (int)copy.end;
		usleep(WAIT_STEP_US);
	} while (host_now_ns() - begin_ns < timeout_ns);
	return -ETIMEDOUT;
}

int session_wait_intervals(const struct session *s, const struct meter *m, uint64_t nr)
{
	uint64_t begin_ns = host_now_ns(), timeout_ns, last;
	struct kvmeter_dirty copy;
	int ret;

	ret = session_copy(s, m, &copy);
	if (ret)
		return ret;
	last = copy.intervals + nr;
	timeout_ns = nr * copy.interval_ns * PATIENCE;
	while (copy.intervals < last) {
		usleep(WAIT_STEP_US);
		ret = session_copy(s, m, &copy);
		if (ret)
			return ret;
		if (copy.session == KVMETER_SESSION_ENDED)
			return -ENOENT;
		if (host_now_ns() - begin_ns > timeout_ns)
			return -ETIMEDOUT;
	}
	return 0;
}
