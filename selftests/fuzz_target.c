// SPDX-License-Identifier: GPL-2.0-only
/* What fuzz_test.c is hostile to, and with: VMs, maps and other files. See fuzz_target.h. */
#define _GNU_SOURCE
#include "fuzz_target.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "random.h"
#include "session.h"

#define VICTIM_PAGES 67
#define VICTIM_RING 1
#define VICTIM_WITHOUT_MEMORY 2

/* The slot is what a session that does nothing says it is. */
static void find_slot(struct fuzz_target *t, struct fuzz_victim *v)
{
	struct session s;

	v->slot = 0;
	v->gen = 1;
	if (session_start(&s, t->dev, v->vm.fd, KVMETER_DIRTY_OBSERVE, KVMETER_INTERVAL_MIN_NS))
		return;
	v->slot = s.vm;
	v->gen = s.vm_gen;
	session_stop(&s);
}

static int victim_init(struct fuzz_target *t, unsigned int i)
{
	struct vmm_options options = { .ring_entries = i == VICTIM_RING ? 1024 : 0 };
	struct fuzz_victim *v = &t->victim[i];
	int ret = vmm_init_with(&v->vm, 1, VICTIM_PAGES, &options);

	if (!ret)
		ret = vmm_run(&v->vm.vcpu[0], vmm_guest_busy, 1, 0, 0);
	if (ret)
		return ret;
	find_slot(t, v);
	if (i == VICTIM_WITHOUT_MEMORY)
		ret = vmm_set_region(&v->vm, 0, 0, 0, v->vm.ram, 0);
	return ret;
}

/* It runs, its log is switched, or it is another one from now on. */
void fuzz_stir(struct fuzz_target *t)
{
	unsigned int i = (unsigned int)random_in(0, FUZZ_VICTIMS);
	struct vmm *vm = &t->victim[i].vm;
	int ret = 0;

	switch (random_in(0, 8)) {
	case 0:
		vmm_exit(vm);
		ret = victim_init(t, i);
		break;
	case 1:
	case 2:
		if (i != VICTIM_WITHOUT_MEMORY)
			ret = vmm_set_log(vm, fuzz_chance(2));
		break;
	case 3:
		if (i == 0)
			vmm_take_dirty(vm);
		break;
	default:
		if (i != VICTIM_WITHOUT_MEMORY)
			ret = vmm_run(&vm->vcpu[0], vmm_guest_write, 3, VMM_DATA_ADDR, 1);
		break;
	}
	if (ret)
		fuzz_wrong(t->record, "a VM cannot go on", ret);
}

uint32_t fuzz_any_slot(struct fuzz_target *t, uint32_t *gen)
{
	const struct fuzz_victim *v = &t->victim[random_in(0, FUZZ_VICTIMS)];

	if (fuzz_chance(8)) {
		*gen = t->bystander_gen;
		return t->bystander_slot;
	}
	*gen = v->gen;
	return v->slot;
}

static int create_map(unsigned int kind, const struct kvmeter_map_info *want)
{
	static const __u32 flags[] = { 0, BPF_F_RDONLY, BPF_F_WRONLY, BPF_F_RDONLY_PROG,
				       BPF_F_NO_PREALLOC };
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	__u32 key = sizeof(__u32), size = want->value_size, nr = want->max_entries;
	enum bpf_map_type type = BPF_MAP_TYPE_ARRAY;
	int fd;

	switch (kind) {
	case 0:
		size += 8;
		break;
	case 1:
		nr++;
		break;
	case 2:
		size = size > 8 ? size - 8 : size;
		break;
	case 3:
		opts.map_flags = flags[random_in(0, 5)];
		break;
	case 4:
		opts.map_flags |= flags[random_in(1, 4)];
		break;
	case 5:
		type = BPF_MAP_TYPE_HASH;
		opts.map_flags = BPF_F_NO_PREALLOC;
		break;
	case 6:
		type = BPF_MAP_TYPE_PERCPU_ARRAY;
		opts.map_flags = 0;
		nr = 1;
		break;
	case 7:
		type = BPF_MAP_TYPE_QUEUE;
		opts.map_flags = 0;
		key = 0;
		break;
	case 8:
		type = BPF_MAP_TYPE_RINGBUF;
		opts.map_flags = 0;
		key = 0;
		size = 0;
		nr = 4096;
		break;
	case 9:
		type = BPF_MAP_TYPE_LRU_HASH;
		opts.map_flags = 0;
		break;
	case 10:
		nr = (__u32)random_in(1, 4096);
		break;
	case 11:
		size = (__u32)random_in(1, 4096);
		break;
	}
	fd = bpf_map_create(type, "fuzz", key, size, nr, &opts);
	if (kind == 12 && fd >= 0)
		bpf_map_freeze(fd);
	return fd;
}

/* A map of maps, with @inner as a sample. */
static int create_map_of_maps(int inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (__u32)inner);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "fuzz", 4, 4, 1, &opts);
}

/* One whose values begin with what BTF says is a lock, or nothing of that kind. */
static int create_typed_map(const struct kvmeter_map_info *want, const char *type)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct btf *btf = btf__new_empty();
	int u32_id, field_id, fd = -1;

	if (!btf)
		return -1;
	u32_id = btf__add_int(btf, "unsigned int", 4, 0);
	field_id = btf__add_struct(btf, type, 4);
	btf__add_field(btf, "val", u32_id, 0, 0);
	opts.btf_key_type_id = (__u32)u32_id;
	opts.btf_value_type_id = (__u32)btf__add_struct(btf, "value", want->value_size);
	btf__add_field(btf, "field", field_id, 0, 0);
	if (!btf__load_into_kernel(btf)) {
		opts.btf_fd = (__u32)btf__fd(btf);
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fuzz", 4, want->value_size,
				    want->max_entries, &opts);
	}
	btf__free(btf);
	return fd;
}

static void add_odd(struct fuzz_target *t, int fd)
{
	if (fd < 0)
		return;
	if (t->nr_odd < FUZZ_ODD_FDS)
		t->odd[t->nr_odd++] = fd;
	else
		close(fd);
}

/* All that is no map that fits, nor a VM. */
static void open_odd(struct fuzz_target *t)
{
	const struct kvmeter_map_info *info = t->meter.info.map;
	unsigned int i;
	int pipes[2];

	add_odd(t, open("/dev/null", O_RDWR | O_CLOEXEC));
	add_odd(t, open("/dev/kvm", O_RDWR | O_CLOEXEC));
	add_odd(t, open("/dev/kvmeter", O_RDWR | O_CLOEXEC));
	add_odd(t, open(FUZZ_DEBUGFS "/status", O_RDONLY | O_CLOEXEC));
	add_odd(t, epoll_create1(EPOLL_CLOEXEC));
	add_odd(t, open("/", O_PATH | O_CLOEXEC));
	if (!pipe2(pipes, O_CLOEXEC)) {
		add_odd(t, pipes[0]);
		add_odd(t, pipes[1]);
	}
	add_odd(t, create_typed_map(&info[KVMETER_MAP_HOST], "bpf_spin_lock"));
	add_odd(t, create_typed_map(&info[KVMETER_MAP_HOST], "something"));
	add_odd(t, create_map_of_maps(t->set[0]));
	for (i = 0; i <= 12; i++)
		add_odd(t, create_map(i, &info[random_in(0, KVMETER_MAP_NR)]));
}

int fuzz_any_fd(struct fuzz_target *t)
{
	switch (random_in(0, 6)) {
	case 0:
		return (int)fuzz_value();
	case 1:
		return t->set[random_in(0, KVMETER_MAP_NR)];
	case 2:
		return t->victim[random_in(0, FUZZ_VICTIMS)].vm.fd;
	case 3:
		return t->victim[0].vm.vcpu[0].fd;
	default:
		return t->odd[random_in(0, t->nr_odd)];
	}
}

int fuzz_target_init(struct fuzz_target *t)
{
	unsigned int i;
	int ret = meter_open(&t->meter);

	if (!ret)
		ret = bystander_start(&t->bystander, &t->meter);
	if (ret)
		return ret;
	t->bystander_gen = meter_vm(&t->meter, t->bystander.vm.fd)->gen;
	t->dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	if (t->dev < 0)
		return -errno;
	ret = meter_create_maps(&t->meter.info, t->set);
	if (!ret)
		ret = fuzz_buffer_init(&t->buffer);
	if (!ret)
		ret = fuzz_buffer_init(&t->other);
	if (!ret)
		ret = fuzz_buffer_init(&t->cells);
	if (!ret)
		ret = fuzz_buffer_init(&t->changing);
	for (i = 0; !ret && i < FUZZ_VICTIMS; i++)
		ret = victim_init(t, i);
	open_odd(t);
	return ret;
}

void fuzz_target_exit(struct fuzz_target *t)
{
	unsigned int i;

	for (i = 0; i < FUZZ_VICTIMS; i++)
		vmm_exit(&t->victim[i].vm);
	for (i = 0; i < t->nr_odd; i++)
		close(t->odd[i]);
	bystander_exit(&t->bystander);
	meter_close_maps(t->set);
	fuzz_buffer_exit(&t->buffer);
	fuzz_buffer_exit(&t->other);
	fuzz_buffer_exit(&t->cells);
	fuzz_buffer_exit(&t->changing);
	close(t->dev);
	meter_close(&t->meter);
}
