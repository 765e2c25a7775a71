// SPDX-License-Identifier: GPL-2.0-only
/* How tests look at kvmeter: see meter.h. */
#include "meter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "host.h"

#define DEBUGFS "/sys/kernel/debug/kvmeter/"
#define PARAMETERS "/sys/module/kvmeter/parameters/"
#define WAIT_STEP_US 10000
#define WAIT_STEPS 500
#define TRIES 50

static const char *const map_name[KVMETER_MAP_NR] = {
	[KVMETER_MAP_HOST] = "kvmeter_host",   [KVMETER_MAP_INDEX] = "kvmeter_index",
	[KVMETER_MAP_VMS] = "kvmeter_vms",     [KVMETER_MAP_VCPUS] = "kvmeter_vcpus",
	[KVMETER_MAP_EXITS] = "kvmeter_exits", [KVMETER_MAP_SUBS] = "kvmeter_subs",
	[KVMETER_MAP_STEAL] = "kvmeter_steal", [KVMETER_MAP_DIRTY] = "kvmeter_dirty",
};

int meter_create_maps(const struct kvmeter_info *info, int fd[KVMETER_MAP_NR])
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++)
		fd[i] = -1;
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		fd[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, map_name[i], sizeof(__u32),
				       info->map[i].value_size, info->map[i].max_entries, &opts);
		if (fd[i] < 0) {
			int ret = -errno;

			meter_close_maps(fd);
			return ret;
		}
	}
	return 0;
}

void meter_close_maps(int fd[KVMETER_MAP_NR])
{
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

int meter_attach(int dev, const int fd[KVMETER_MAP_NR])
{
	struct kvmeter_attach attach = { .abi = KVMETER_ABI };

	memcpy(attach.fd, fd, KVMETER_MAP_NR * sizeof(*fd));
	return ioctl(dev, KVMETER_ATTACH, &attach) ? -errno : 0;
}

static void begin_unmapped(struct meter *m)
{
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		m->fd[i] = -1;
		m->map[i] = MAP_FAILED;
	}
}

int meter_map(struct meter *m)
{
	int i;

	begin_unmapped(m);
	if (ioctl(m->dev, KVMETER_GET_INFO, &m->info))
		return -errno;
	if (m->info.abi != KVMETER_ABI)
		return -EPROTO;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		m->bytes[i] = (size_t)m->info.map[i].value_size * m->info.map[i].max_entries;
		m->fd[i] = bpf_map_get_fd_by_id(m->info.map[i].id);
		if (m->fd[i] < 0)
			return -errno;
		m->map[i] = mmap(NULL, m->bytes[i], PROT_READ, MAP_SHARED, m->fd[i], 0);
		if (m->map[i] == MAP_FAILED)
			return -errno;
	}
	return 0;
}

void meter_unmap(struct meter *m)
{
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++)
		if (m->map[i] != MAP_FAILED)
			munmap((void *)m->map[i], m->bytes[i]);
	meter_close_maps(m->fd);
}

int meter_open(struct meter *m)
{
	int fd[KVMETER_MAP_NR];
	int ret;

	memset(m, 0, sizeof(*m));
	begin_unmapped(m);
	m->dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	if (m->dev < 0)
		return -errno;
	if (ioctl(m->dev, KVMETER_GET_INFO, &m->info))
		return -errno;
	if (!m->info.attached) {
		ret = meter_create_maps(&m->info, fd);
		if (ret)
			return ret;
		ret = meter_attach(m->dev, fd);
		meter_close_maps(fd);
		if (ret)
			return ret;
	}
	return meter_map(m);
}

void meter_close(struct meter *m)
{
	meter_unmap(m);
	close(m->dev);
}

const struct kvmeter_host *meter_host(const struct meter *m)
{
	return m->map[KVMETER_MAP_HOST];
}

const struct kvmeter_vm *meter_vm(const struct meter *m, int fd)
{
	const struct kvmeter_vm *vm = m->map[KVMETER_MAP_VMS];
	char id[KVMETER_NAME_LEN];
	uint32_t i;

	snprintf(id, sizeof(id), "%d-%d", getpid(), fd);
	for (i = 0; i < meter_host(m)->vms_hi; i++)
		if (vm[i].gen % 2 && !strncmp(vm[i].id, id, sizeof(id)))
			return &vm[i];
	return NULL;
}

int meter_vcpu_slot(const struct meter *m, int fd, unsigned int vcpu_id)
{
	const struct kvmeter_vcpu *v = m->map[KVMETER_MAP_VCPUS];
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	const struct kvmeter_vm *vm = meter_vm(m, fd);
	uint32_t i;

	for (i = 0; vm && i < meter_host(m)->vcpus_hi; i++)
		if (v[i].gen % 2 && v[i].vm == vm - vms && v[i].vm_gen == vm->gen &&
		    v[i].vcpu_id == vcpu_id)
			return (int)i;
	return -ENOENT;
}

int meter_pid_slot(const struct meter *m, pid_t pid)
{
	const struct kvmeter_vcpu *v = m->map[KVMETER_MAP_VCPUS];
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	uint32_t i;

	for (i = 0; i < meter_host(m)->vcpus_hi; i++)
		if (v[i].gen % 2 && vms[v[i].vm].gen == v[i].vm_gen &&
		    vms[v[i].vm].pid == (uint32_t)pid)
			return (int)i;
	return -ENOENT;
}

uint64_t meter_now_ns(const struct meter *m)
{
	unsigned __int128 scaled = __rdtsc();

	scaled *= meter_host(m)->tsc_mult;
	return (uint64_t)(scaled >> KVMETER_TSC_SHIFT);
}

/* The clock is read before it is known that the copy is good: nothing had changed until then. */
int meter_read_slot(const struct meter *m, unsigned int slot, struct meter_vcpu *copy,
		    uint64_t *now_ns)
{
	const struct kvmeter_exit *rows = m->map[KVMETER_MAP_EXITS];
	const struct kvmeter_vcpu *v = m->map[KVMETER_MAP_VCPUS];
	const struct kvmeter_sub *subs = m->map[KVMETER_MAP_SUBS];
	const struct kvmeter_thief *thieves = m->map[KVMETER_MAP_STEAL];
	uint32_t seq, gen;

	v += slot;
	rows += (size_t)slot * KVMETER_EXIT_ROWS;
	subs += (size_t)slot * KVMETER_SUB_ROWS;
	thieves += (size_t)slot * KVMETER_THIEF_ROWS;
	gen = __atomic_load_n(&v->gen, __ATOMIC_ACQUIRE);
	for (;;) {
		seq = __atomic_load_n(&v->seq, __ATOMIC_ACQUIRE);
		if (seq % 2)
			continue;
		copy->v = *v;
		memcpy(copy->rows, rows, sizeof(copy->rows));
		memcpy(copy->subs, subs, sizeof(copy->subs));
		memcpy(copy->thieves, thieves, sizeof(copy->thieves));
		atomic_thread_fence(memory_order_acquire);
		*now_ns = meter_now_ns(m);
		_mm_lfence();
		if (__atomic_load_n(&v->gen, __ATOMIC_RELAXED) != gen)
			return -ENOENT;
		if (__atomic_load_n(&v->seq, __ATOMIC_RELAXED) == seq &&
		    __atomic_load_n(&v->wake_ns, __ATOMIC_RELAXED) == copy->v.wake_ns)
			return 0;
	}
}

int meter_read(const struct meter *m, int fd, unsigned int vcpu_id, struct meter_vcpu *copy)
{
	int slot = meter_vcpu_slot(m, fd, vcpu_id);
	uint64_t now_ns;

	return slot < 0 ? slot : meter_read_slot(m, (unsigned int)slot, copy, &now_ns);
}

bool meter_try(struct meter_tries *tries)
{
	if (!tries->nr)
		tries->fd = host_run_delay_open();
	if (!tries->least_ns || tries->nr == TRIES) {
		close(tries->fd);
		return false;
	}
	tries->nr++;
	tries->run_delay_ns = host_run_delay_ns(tries->fd);
	return true;
}

bool meter_try_is_best(struct meter_tries *tries)
{
	uint64_t waited_ns = host_run_delay_ns(tries->fd) - tries->run_delay_ns;

	if (waited_ns >= tries->least_ns)
		return false;
	tries->least_ns = waited_ns;
	return true;
}

/*
 * run_delay_ns is taken over at guest entry: if schedstat says the same before and after one, it
 * said that at the entry. A kernel with checkers has so much to do besides that it never does.
 */
int meter_take_instant(const struct meter *m, struct vmm *vm, unsigned int id,
		       struct meter_instant *at)
{
	struct meter_tries tries = METER_TRIES_INIT;
	struct meter_instant new;
	int ret;

	while (meter_try(&tries)) {
		new.run_delay_ns = tries.run_delay_ns;
		ret = vmm_run(&vm->vcpu[id], vmm_guest_busy, 1, 0, 0);
		if (!ret)
			ret = meter_read(m, vm->fd, id, &new.copy);
		if (ret)
			return ret;
		new.wall_ns = host_now_ns();
		if (meter_try_is_best(&tries))
			*at = new;
	}
	at->waited_ns = tries.least_ns;
	return 0;
}

bool meter_has_run_delay(const struct meter_instant *first, const struct meter_instant *last)
{
	uint64_t its = last->copy.v.run_delay_ns - first->copy.v.run_delay_ns;
	uint64_t schedstat = last->run_delay_ns - first->run_delay_ns;

	if (host_slowness() == 1 && (first->waited_ns || last->waited_ns))
		return false;
	return its <= schedstat + last->waited_ns && schedstat <= its + first->waited_ns;
}

void meter_states(const struct meter_vcpu *copy, uint64_t now_ns, uint64_t ns[KVMETER_STATE_NR])
{
	const struct kvmeter_vcpu *v = &copy->v;

	memcpy(ns, &v->guest_ns, KVMETER_STATE_NR * sizeof(*ns));
	if (!v->since_ns)
		return;
	if (v->wake_ns > v->since_ns) {
		ns[v->state] += v->wake_ns - v->since_ns;
		ns[KVMETER_STATE_STEAL] += now_ns - v->wake_ns;
	} else {
		ns[v->state] += now_ns - v->since_ns;
	}
}

uint64_t meter_ledger_ns(const struct meter_vcpu *copy)
{
	const struct kvmeter_vcpu *v = &copy->v;

	return v->guest_ns + v->kernel_ns + v->vmm_ns + v->halt_ns + v->steal_ns + v->throttle_ns;
}

const struct kvmeter_exit *meter_row(const struct meter_vcpu *copy, uint32_t level, uint32_t reason)
{
	uint32_t i;

	/* Row 0 is for what has no row of its own. */
	for (i = 1; i < copy->v.nr_rows; i++)
		if (copy->rows[i].level == level && copy->rows[i].reason == reason)
			return &copy->rows[i];
	return NULL;
}

uint64_t meter_count(const struct meter_vcpu *copy, uint32_t reason)
{
	const struct kvmeter_exit *row = meter_row(copy, 1, reason);

	return row ? row->count : 0;
}

uint64_t meter_row_ns(const struct kvmeter_exit *row)
{
	return row->kernel_ns + row->vmm_ns + row->halt_ns;
}

uint64_t meter_thief_ns(const struct kvmeter_thief *thief)
{
	return thief->preempt_ns + thief->wakeup_ns;
}

uint64_t meter_blamed_ns(const struct meter_vcpu *copy)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < copy->v.nr_thieves; i++)
		sum += meter_thief_ns(&copy->thieves[i]);
	return sum;
}

static bool is_same_thief(const struct kvmeter_thief *a, const struct kvmeter_thief *b)
{
	return a->kind == b->kind && a->vm == b->vm && a->vm_gen == b->vm_gen &&
		!memcmp(a->comm, b->comm, sizeof(a->comm));
}

/* Where it counts on from before; otherwise what it had then has gone to row 0. */
static struct kvmeter_thief *find_thief(struct meter_vcpu *copy, const struct kvmeter_thief *before)
{
	struct kvmeter_thief *t;

	for (t = copy->thieves + 1; t < copy->thieves + copy->v.nr_thieves; t++)
		if (is_same_thief(t, before) && t->preempt_ns >= before->preempt_ns &&
		    t->wakeup_ns >= before->wakeup_ns)
			return t;
	return copy->thieves;
}

void meter_subtract_thieves(struct meter_vcpu *last, const struct meter_vcpu *first)
{
	struct kvmeter_thief *t;
	uint32_t i;

	last->v.steal_ns -= first->v.steal_ns;
	last->v.steal_nr -= first->v.steal_nr;
	last->v.wakeups -= first->v.wakeups;
	last->v.wakeup_lat_ns -= first->v.wakeup_lat_ns;
	for (i = 0; i < first->v.nr_thieves; i++) {
		t = find_thief(last, &first->thieves[i]);
		t->preempt_ns -= first->thieves[i].preempt_ns;
		t->wakeup_ns -= first->thieves[i].wakeup_ns;
	}
}

uint64_t meter_kind_ns(const struct meter_vcpu *copy, enum kvmeter_thief_kind kind)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < copy->v.nr_thieves; i++)
		if (copy->thieves[i].kind == kind)
			sum += meter_thief_ns(&copy->thieves[i]);
	return sum;
}

const struct kvmeter_thief *meter_vm_thief(const struct meter_vcpu *copy,
					   const struct kvmeter_vcpu *vcpu)
{
	const struct kvmeter_thief *t;

	for (t = copy->thieves; t < copy->thieves + copy->v.nr_thieves; t++)
		if (t->kind == KVMETER_THIEF_VM && t->vm == vcpu->vm && t->vm_gen == vcpu->vm_gen)
			return t;
	return NULL;
}

const struct kvmeter_thief *meter_process_thief(const struct meter_vcpu *copy, const char *comm)
{
	const struct kvmeter_thief *t;

	for (t = copy->thieves; t < copy->thieves + copy->v.nr_thieves; t++)
		if (t->kind == KVMETER_THIEF_PROCESS && !strncmp(t->comm, comm, sizeof(t->comm)))
			return t;
	return NULL;
}

uint64_t meter_hist_sum(const struct kvmeter_hist *hist)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		sum += hist->bucket[i];
	return sum;
}

unsigned int meter_used(const struct meter *m, bool vcpus)
{
	const struct kvmeter_index *index = m->map[KVMETER_MAP_INDEX];
	unsigned int i, nr = 0;

	for (i = 0; i < m->info.map[KVMETER_MAP_INDEX].max_entries; i++)
		nr += (unsigned int)__builtin_popcountll(vcpus ? index[i].vcpus : index[i].vms);
	return nr;
}

unsigned int meter_wait_used(const struct meter *m, unsigned int vms)
{
	unsigned int nr = meter_used(m, false);
	int i;

	for (i = 0; i < WAIT_STEPS && nr != vms; i++) {
		usleep(WAIT_STEP_US);
		nr = meter_used(m, false);
	}
	return nr;
}

const char *meter_check_empty(const struct meter *m)
{
	const struct kvmeter_vcpu *vcpus = m->map[KVMETER_MAP_VCPUS];
	const struct kvmeter_vm *vms = m->map[KVMETER_MAP_VMS];
	const struct kvmeter_host *host = meter_host(m);
	static const struct kvmeter_vcpu no_vcpu;
	static const struct kvmeter_vm no_vm;
	uint64_t vms_seen = 0, vcpus_seen = 0;
	uint32_t i;

	if (meter_wait_used(m, 0) || meter_used(m, true))
		return "a slot is in use";
	for (i = 0; i < host->max_vms; i++) {
		if (vms[i].gen % 2)
			return "a VM has gone, and its gen has not moved on";
		if (memcmp(&vms[i].pid, &no_vm.pid, sizeof(no_vm) - sizeof(no_vm.gen)))
			return "a VM's slot is not zeroed";
		vms_seen += vms[i].gen / 2;
	}
	for (i = 0; i < host->max_vcpus; i++) {
		if (vcpus[i].gen % 2)
			return "a vCPU has gone, and its gen has not moved on";
		if (memcmp(&vcpus[i].seq, &no_vcpu.seq, sizeof(no_vcpu) - sizeof(no_vcpu.gen)))
			return "a vCPU's slot is not zeroed";
		vcpus_seen += vcpus[i].gen / 2;
	}
	if (vms_seen != host->vms_seen)
		return "gens of VMs do not add up to those that were seen";
	if (vcpus_seen != host->vcpus_seen)
		return "gens of vCPUs do not add up to those that were seen";
	return NULL;
}

int meter_wait_log(const struct meter *m, int fd)
{
	const struct kvmeter_vm *vm = meter_vm(m, fd);
	int i;

	if (!vm)
		return -ENOENT;
	for (i = 0; i < WAIT_STEPS; i++) {
		if (__atomic_load_n(&vm->log_state, __ATOMIC_ACQUIRE) != KVMETER_LOG_UNKNOWN)
			break;
		usleep(WAIT_STEP_US);
	}
	return (int)vm->log_state;
}

int meter_debugfs_count(int fd, unsigned int vcpu_id, uint32_t reason, uint64_t *count)
{
	char path[sizeof(DEBUGFS) + 64], line[256];
	unsigned long long n;
	unsigned int id, level;
	char number[24];
	FILE *f;

	snprintf(path, sizeof(path), DEBUGFS "%d-%d/exits", getpid(), fd);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	*count = 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %u %23s %*s %*s %llu", &id, &level, number, &n) == 4 &&
		    id == vcpu_id && level == 1 && strtoul(number, NULL, 0) == reason)
			*count = n;
	fclose(f);
	return 0;
}

int64_t meter_status(const char *key)
{
	return host_read_number(DEBUGFS "status", key);
}

int meter_set_param(const char *name, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	return host_write(path, 0, value);
}
