// SPDX-License-Identifier: GPL-2.0-only
/* Quotas on VMs, as tests set them: see quota.h. */
#include "quota.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"

#define NS_PER_S 1000000000ull
#define WAIT_NS (20 * NS_PER_S)
#define WAIT_STEP_US 1000
#define KNOWN_STEP_US 20000

int quota_set_slot(const struct meter *m, uint32_t vm, uint64_t pages)
{
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	struct kvmeter_quota quota = {
		.abi = KVMETER_ABI,
		.vm = vm,
		.vm_gen = vms[vm].gen,
		.bytes_per_s = pages * VMM_PAGE_BYTES,
	};

	return ioctl(m->dev, KVMETER_QUOTA, &quota) ? -errno : 0;
}

int quota_set(const struct meter *m, int vm_fd, uint64_t pages)
{
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	const struct kvmeter_vm *vm = meter_vm(m, vm_fd);

	return vm ? quota_set_slot(m, (uint32_t)(vm - vms), pages) : -ENOENT;
}

uint64_t quota_shares(const struct meter *m, int vm_fd)
{
	const struct kvmeter_vcpu *v = m->map[KVMETER_MAP_VCPUS];
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	const struct kvmeter_vm *vm = meter_vm(m, vm_fd);
	uint64_t sum = 0;
	uint32_t i;

	if (!vm)
		return UINT64_MAX;
	for (i = 0; i < meter_host(m)->vcpus_hi; i++)
		if (v[i].gen % 2 && v[i].vm == vm - vms && v[i].vm_gen == vm->gen)
			sum += __atomic_load_n(&v[i].share_pages, __ATOMIC_RELAXED);
	return sum;
}

int quota_take(const struct meter *m, int vm_fd, unsigned int id, struct quota_sample *sample)
{
	int slot = meter_vcpu_slot(m, vm_fd, id);
	int ret;

	if (slot < 0)
		return slot;
	ret = meter_read_slot(m, (unsigned int)slot, &sample->copy, &sample->now_ns);
	meter_states(&sample->copy, sample->now_ns, sample->state_ns);
	return ret;
}

static uint64_t count_pages(const struct kvmeter_vcpu *v)
{
	return v->pml_pages - v->pml_dups + v->write_faults;
}

struct quota_span quota_span(const struct quota_sample *first, const struct quota_sample *last)
{
	const struct kvmeter_vcpu *a = &first->copy.v, *b = &last->copy.v;
	struct quota_span span = {
		.ns = last->now_ns - first->now_ns,
		.pages = count_pages(b) - count_pages(a),
		.parked_nr = b->throttle_nr - a->throttle_nr,
		.run_delay_ns = b->run_delay_ns - a->run_delay_ns,
	};
	int i;

	for (i = 0; i < KVMETER_STATE_NR; i++)
		span.state_ns[i] = last->state_ns[i] - first->state_ns[i];
	return span;
}

uint64_t quota_rate(const struct quota_span *span)
{
	return span->ns ? span->pages * NS_PER_S / span->ns : 0;
}

uint64_t quota_parked_ns(const struct quota_span *span)
{
	return span->state_ns[KVMETER_STATE_THROTTLE];
}

static void take_log(struct quota_cleaner *cleaner)
{
	struct vmm *vm = cleaner->vm;

	cleaner->ret = vmm_take_dirty(vm);
	if (!cleaner->ret)
		cleaner->pages += vmm_nr_dirty(vm, 0, vm->ram_bytes / VMM_PAGE_BYTES);
}

static void *take_logs(void *arg)
{
	struct quota_cleaner *cleaner = arg;

	while (!cleaner->ret && !cleaner->stop) {
		usleep(cleaner->period_us);
		take_log(cleaner);
	}
	return NULL;
}

int quota_start_cleaner(struct quota_cleaner *cleaner, struct vmm *vm, unsigned int period_us)
{
	*cleaner = (struct quota_cleaner){ .vm = vm, .period_us = period_us };
	return -pthread_create(&cleaner->thread, NULL, take_logs, cleaner);
}

int quota_stop_cleaner(struct quota_cleaner *cleaner)
{
	cleaner->stop = true;
	pthread_join(cleaner->thread, NULL);
	if (!cleaner->ret)
		take_log(cleaner);
	return cleaner->ret;
}

int quota_load(struct meter *m, int vm_fd, const char *params)
{
	int ret = host_load(params);
	unsigned int i;

	if (!ret)
		ret = meter_open(m);
	for (i = 0; !ret && i < 100 && meter_vcpu_slot(m, vm_fd, 0) < 0; i++)
		usleep(KNOWN_STEP_US);
	return ret;
}

static int wait_parked(const struct meter *m, int vm_fd, unsigned int id, bool parked)
{
	uint64_t begin_ns = host_now_ns();
	struct quota_sample sample;
	bool is;
	int ret;

	do {
		ret = quota_take(m, vm_fd, id, &sample);
		if (ret)
			return ret;
		is = sample.copy.v.state == KVMETER_STATE_THROTTLE;
		if (is == parked)
			return 0;
		usleep(WAIT_STEP_US);
	} while (host_now_ns() - begin_ns < WAIT_NS);
	return -ETIMEDOUT;
}

int quota_wait_parked(const struct meter *m, int vm_fd, unsigned int id)
{
	return wait_parked(m, vm_fd, id, true);
}

int quota_wait_released(const struct meter *m, int vm_fd, unsigned int id)
{
	return wait_parked(m, vm_fd, id, false);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t quota_median(uint64_t *ns, unsigned int nr)
{
	qsort(ns, nr, sizeof(*ns), compare);
	return ns[nr / 2];
}
