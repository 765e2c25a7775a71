// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching maps while a guest runs loses no count; and every wrong way to attach gets its errno,
 * changes nothing and leaves no kernel message.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"

#define ROUNDS 11
#define CHUNK 10007
#define SHORT_CHUNK 1009
#define NOBODY 65534
#define WILD ((void *)0xdead000000000000UL)

FIXTURE(attach)
{
	int dev;
	int log;
	struct kvmeter_info info;
	int fd[KVMETER_MAP_NR];
};

static uint32_t cpuid_reason(void)
{
	return reason_of(VMX_CPUID, SVM_CPUID);
}

static int errno_of(int ret)
{
	return ret < 0 ? errno : 0;
}

/* Starts detached, with maps at hand that fit. */
FIXTURE_SETUP(attach)
{
	self->dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->dev);
	ioctl(self->dev, KVMETER_DETACH, 0);
	ASSERT_EQ(0, ioctl(self->dev, KVMETER_GET_INFO, &self->info));
	ASSERT_EQ(KVMETER_ABI, self->info.abi);
	ASSERT_EQ(0, self->info.attached);
	ASSERT_EQ(KVMETER_MAP_NR, self->info.nr_maps);
	ASSERT_EQ(0, meter_create_maps(&self->info, self->fd));
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(attach)
{
	char text[256];

	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	meter_close_maps(self->fd);
	close(self->log);
	close(self->dev);
}

/* The errno of an attempt to attach; ENOTRECOVERABLE if it changed anything. */
static int try_attach(int dev, const void *argument)
{
	struct kvmeter_info before, after;
	int err;

	if (ioctl(dev, KVMETER_GET_INFO, &before))
		return errno;
	err = errno_of(ioctl(dev, KVMETER_ATTACH, argument));
	if (ioctl(dev, KVMETER_GET_INFO, &after))
		return errno;
	return memcmp(&before, &after, sizeof(before)) ? ENOTRECOVERABLE : err;
}

static struct kvmeter_attach good_attach(const int *fd)
{
	struct kvmeter_attach a = { .abi = KVMETER_ABI };

	memcpy(a.fd, fd, KVMETER_MAP_NR * sizeof(*fd));
	return a;
}

TEST_F(attach, sizes)
{
	static const __u32 value_size[KVMETER_MAP_NR] = {
		[KVMETER_MAP_HOST] = sizeof(struct kvmeter_host),
		[KVMETER_MAP_INDEX] = sizeof(struct kvmeter_index),
		[KVMETER_MAP_VMS] = sizeof(struct kvmeter_vm),
		[KVMETER_MAP_VCPUS] = sizeof(struct kvmeter_vcpu),
		[KVMETER_MAP_EXITS] = sizeof(struct kvmeter_exit),
		[KVMETER_MAP_SUBS] = sizeof(struct kvmeter_sub),
		[KVMETER_MAP_STEAL] = sizeof(struct kvmeter_thief),
		[KVMETER_MAP_DIRTY] = sizeof(struct kvmeter_dirty),
		[KVMETER_MAP_MIGRATIONS] = sizeof(struct kvmeter_migration),
	};
	unsigned int i;

	for (i = 0; i < KVMETER_MAP_MAX; i++) {
		EXPECT_EQ(i < KVMETER_MAP_NR ? value_size[i] : 0, self->info.map[i].value_size);
		EXPECT_EQ(i >= KVMETER_MAP_NR, self->info.map[i].max_entries == 0);
		EXPECT_EQ(0, self->info.map[i].id);
		EXPECT_EQ(0, self->info.map[i].reserved);
	}
	EXPECT_EQ(1, self->info.map[KVMETER_MAP_HOST].max_entries);
	EXPECT_EQ(KVMETER_EXIT_ROWS * self->info.map[KVMETER_MAP_VCPUS].max_entries,
		  self->info.map[KVMETER_MAP_EXITS].max_entries);
	EXPECT_EQ(KVMETER_SUB_ROWS * self->info.map[KVMETER_MAP_VCPUS].max_entries,
		  self->info.map[KVMETER_MAP_SUBS].max_entries);
	EXPECT_EQ(self->info.map[KVMETER_MAP_VMS].max_entries,
		  self->info.map[KVMETER_MAP_DIRTY].max_entries);
}

TEST_F(attach, wrong_argument)
{
	struct kvmeter_attach a;
	unsigned int i;

	a = good_attach(self->fd);
	a.abi = KVMETER_ABI + 1;
	EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
	a.abi = 0;
	EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
	for (i = 0; i < 32; i++) {
		a = good_attach(self->fd);
		a.flags = 1U << i;
		EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
	}
	for (i = 0; i < 2; i++) {
		a = good_attach(self->fd);
		a.reserved[i] = 1;
		EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
	}
	for (i = KVMETER_MAP_NR; i < KVMETER_MAP_MAX; i++) {
		a = good_attach(self->fd);
		a.fd[i] = 1;
		EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
	}
	EXPECT_EQ(EFAULT, try_attach(self->dev, NULL));
	EXPECT_EQ(EFAULT, try_attach(self->dev, WILD));
	EXPECT_EQ(EFAULT, errno_of(ioctl(self->dev, KVMETER_GET_INFO, NULL)));
	EXPECT_EQ(EFAULT, errno_of(ioctl(self->dev, KVMETER_GET_INFO, WILD)));

	/* The same argument without a fault is taken. */
	a = good_attach(self->fd);
	EXPECT_EQ(0, errno_of(ioctl(self->dev, KVMETER_ATTACH, &a)));
}

TEST_F(attach, wrong_descriptor)
{
	struct kvmeter_attach a;
	int closed, none;
	int i, j;

	none = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, none);
	closed = dup(none);
	ASSERT_LE(0, closed);
	close(closed);

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		a = good_attach(self->fd);
		a.fd[i] = closed;
		EXPECT_EQ(EBADF, try_attach(self->dev, &a));
		a.fd[i] = -1;
		EXPECT_EQ(EBADF, try_attach(self->dev, &a));
		a.fd[i] = none;
		EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
		/* Another of the maps in its place, and so twice. */
		for (j = 0; j < KVMETER_MAP_NR; j++) {
			if (j == i)
				continue;
			a.fd[i] = self->fd[j];
			EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
		}
	}
	close(none);
}

TEST_F(attach, wrong_map)
{
	LIBBPF_OPTS(bpf_map_create_opts, mmapable, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, rdonly, .map_flags = BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	LIBBPF_OPTS(bpf_map_create_opts, no_prealloc, .map_flags = BPF_F_NO_PREALLOC);
	struct kvmeter_attach a = good_attach(self->fd);
	unsigned int i, k;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		__u32 size = self->info.map[i].value_size, nr = self->info.map[i].max_entries;
		int wrong[] = {
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "w", 4, size + 8, nr, &mmapable),
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "w", 4, size - 8, nr, &mmapable),
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "w", 4, size, nr + 1, &mmapable),
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "w", 4, size, nr * 2, &mmapable),
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "w", 4, size, nr, NULL),
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "w", 4, size, nr, &rdonly),
			bpf_map_create(BPF_MAP_TYPE_HASH, "w", 4, size, nr, &no_prealloc),
			bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "w", 4, size, 1, NULL),
		};

		for (k = 0; k < ARRAY_SIZE(wrong); k++) {
			ASSERT_LE(0, wrong[k]);
			a.fd[i] = wrong[k];
			EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
			close(wrong[k]);
		}
		a.fd[i] = self->fd[i];
	}
}

TEST_F(attach, wrong_order)
{
	struct kvmeter_attach a = good_attach(self->fd);

	EXPECT_EQ(ENXIO, errno_of(ioctl(self->dev, KVMETER_DETACH, 0)));
	ASSERT_EQ(0, meter_attach(self->dev, self->fd));
	ASSERT_EQ(0, ioctl(self->dev, KVMETER_GET_INFO, &self->info));
	EXPECT_EQ(1, self->info.attached);
	EXPECT_EQ(EBUSY, try_attach(self->dev, &a));
	EXPECT_EQ(EINVAL, errno_of(ioctl(self->dev, KVMETER_DETACH, 1)));
	EXPECT_EQ(0, errno_of(ioctl(self->dev, KVMETER_DETACH, 0)));
	EXPECT_EQ(ENXIO, errno_of(ioctl(self->dev, KVMETER_DETACH, 0)));
}

TEST_F(attach, unknown_ioctl)
{
	unsigned int nr;

	for (nr = 6; nr < 256; nr++)
		EXPECT_EQ(ENOTTY, errno_of(ioctl(self->dev, _IO(KVMETER_IOC_MAGIC, nr), 0)));
	/* Known numbers with another direction, size or magic. */
	EXPECT_EQ(ENOTTY, errno_of(ioctl(self->dev, _IO(KVMETER_IOC_MAGIC, 0), 0)));
	EXPECT_EQ(ENOTTY, errno_of(ioctl(self->dev, _IOW(KVMETER_IOC_MAGIC, 1, int), 0)));
	EXPECT_EQ(ENOTTY, errno_of(ioctl(self->dev, _IO(KVMETER_IOC_MAGIC + 1, 2), 0)));
}

TEST_F(attach, without_privilege)
{
	struct kvmeter_attach a = good_attach(self->fd);
	struct kvmeter_info info;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		/* The step that fails is the exit status. */
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		if (open("/dev/kvmeter", O_RDWR | O_CLOEXEC) >= 0 || errno != EACCES)
			_exit(2);
		if (errno_of(ioctl(self->dev, KVMETER_GET_INFO, &info)) != EPERM)
			_exit(3);
		if (errno_of(ioctl(self->dev, KVMETER_ATTACH, &a)) != EPERM)
			_exit(4);
		if (errno_of(ioctl(self->dev, KVMETER_DETACH, 0)) != EPERM)
			_exit(5);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, ioctl(self->dev, KVMETER_GET_INFO, &info));
	EXPECT_EQ(0, memcmp(&self->info, &info, sizeof(info)));
}

/*
 * A map with the kernel's own objects in its values would have them overwritten, and the kernel
 * follow what it finds there.
 */
static int create_map_with_lock(const struct kvmeter_map_info *info)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct btf *btf = btf__new_empty();
	int u32_id, lock_id, fd;

	if (!btf)
		return -ENOMEM;
	u32_id = btf__add_int(btf, "unsigned int", 4, 0);
	lock_id = btf__add_struct(btf, "bpf_spin_lock", 4);
	btf__add_field(btf, "val", u32_id, 0, 0);
	opts.btf_key_type_id = (__u32)u32_id;
	opts.btf_value_type_id = (__u32)btf__add_struct(btf, "value", info->value_size);
	btf__add_field(btf, "lock", lock_id, 0, 0);
	if (btf__load_into_kernel(btf)) {
		fd = -errno;
	} else {
		opts.btf_fd = (__u32)btf__fd(btf);
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lock", sizeof(__u32), info->value_size,
				    info->max_entries, &opts);
	}
	btf__free(btf);
	return fd;
}

TEST_F(attach, map_with_lock)
{
	struct kvmeter_attach a = good_attach(self->fd);
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		a.fd[i] = create_map_with_lock(&self->info.map[i]);
		ASSERT_LE(0, a.fd[i]);
		EXPECT_EQ(EINVAL, try_attach(self->dev, &a));
		close(a.fd[i]);
		a.fd[i] = self->fd[i];
	}
}

/* The one who attached is gone; the maps are there, counted into, and found by their ids. */
TEST_F(attach, by_a_process_that_dies)
{
	struct meter meter = { .dev = self->dev };
	struct meter_vcpu copy;
	struct vmm vm;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		if (meter_attach(self->dev, self->fd))
			_exit(1);
		raise(SIGKILL);
	}
	meter_close_maps(self->fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));

	ASSERT_EQ(0, meter_map(&meter));
	EXPECT_EQ(1, meter.info.attached);
	ASSERT_EQ(0, vmm_init(&vm, 1, 1));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, CHUNK, 0, 0));
	ASSERT_EQ(0, meter_read(&meter, vm.fd, 0, &copy));
	EXPECT_EQ(CHUNK, meter_count(&copy, cpuid_reason()));
	vmm_exit(&vm);
	meter_unmap(&meter);
}

/* Counts of a time without maps are shown by debugfs, and are in the maps that come afterwards. */
TEST_F(attach, counts_survive)
{
	struct meter meter = { .dev = self->dev };
	struct meter_vcpu copy;
	uint64_t shown, round;
	struct vmm vm;

	ASSERT_EQ(0, vmm_init(&vm, 1, 1));
	for (round = 0; round < ROUNDS; round += 2) {
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, CHUNK, 0, 0));
		ASSERT_EQ(0, meter_debugfs_count(vm.fd, 0, cpuid_reason(), &shown));
		EXPECT_EQ((round + 1) * CHUNK, shown);

		ASSERT_EQ(0, meter_attach(self->dev, self->fd));
		ASSERT_EQ(0, meter_map(&meter));
		ASSERT_EQ(0, meter_read(&meter, vm.fd, 0, &copy));
		EXPECT_EQ((round + 1) * CHUNK, meter_count(&copy, cpuid_reason()));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, CHUNK, 0, 0));
		ASSERT_EQ(0, ioctl(self->dev, KVMETER_DETACH, 0));

		/* The maps keep their last values, and nobody writes to them any more. */
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
		ASSERT_EQ(0, meter_read(&meter, vm.fd, 0, &copy));
		EXPECT_EQ((round + 2) * CHUNK, meter_count(&copy, cpuid_reason()));
		meter_unmap(&meter);
	}
	vmm_exit(&vm);
}

struct runner {
	struct vmm_vcpu *vcpu;
	atomic_bool stop;
	atomic_ulong chunks;
	int ret;
};

static void *run_chunks(void *arg)
{
	struct runner *r = arg;

	while (!r->ret && !r->stop) {
		r->ret = vmm_run(r->vcpu, vmm_guest_cpuid, SHORT_CHUNK, 0, 0);
		r->chunks++;
	}
	return NULL;
}

TEST_F_TIMEOUT(attach, at_full_speed, 120)
{
	struct meter meter = { .dev = self->dev };
	struct runner runner[2] = {};
	struct meter_vcpu copy;
	pthread_t thread[2];
	struct vmm vm;
	int i;

	ASSERT_EQ(0, vmm_init(&vm, 2, 1));
	for (i = 0; i < 2; i++) {
		runner[i].vcpu = &vm.vcpu[i];
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, run_chunks, &runner[i]));
	}
	/* Each round begins after the guests got on, so that each meets them running. */
	for (i = 0; i < ROUNDS; i++) {
		unsigned long chunks = runner[0].chunks;

		while (runner[0].chunks == chunks)
			sched_yield();
		ASSERT_EQ(0, meter_attach(self->dev, self->fd));
		usleep(1000);
		ASSERT_EQ(0, ioctl(self->dev, KVMETER_DETACH, 0));
	}
	for (i = 0; i < 2; i++)
		runner[i].stop = true;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, runner[i].ret);
	}

	ASSERT_EQ(0, meter_attach(self->dev, self->fd));
	ASSERT_EQ(0, meter_map(&meter));
	for (i = 0; i < 2; i++) {
		uint64_t rows = 0;
		uint32_t k;

		ASSERT_EQ(0, meter_read(&meter, vm.fd, (unsigned int)i, &copy));
		EXPECT_EQ(runner[i].chunks * SHORT_CHUNK, meter_count(&copy, cpuid_reason()));
		for (k = 0; k < copy.v.nr_rows; k++)
			rows += copy.rows[k].count;
		EXPECT_EQ(copy.v.exits, rows);
	}
	meter_unmap(&meter);
	vmm_exit(&vm);
}

TEST_HARNESS_MAIN
