// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading, time and again, while guests run: it leaves nothing behind, is refused
 * while somebody looks, and the kernel has nothing to say about it.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "random.h"
#include "residue.h"

#define SMALL "max_vms=64 max_vcpus=64"
#define LOADS (host_is_long() ? 101u : 11u)
#define HOLDERS 2
#define BEGIN_US 10000u
#define BEYOND (1LL << 40)
#define DEBUGFS "/sys/kernel/debug/kvmeter"
#define PIN "/sys/fs/bpf/kvmeter-selftest"
#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"
#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"
#define TRACING "/sys/kernel/tracing/"

struct guest {
	struct vmm vm;
	atomic_bool stop;
	useconds_t wait_us;
	int ret;
};

FIXTURE(load)
{
	int log;
	struct guest guest;
	pthread_t thread;
};

static void *run_mix(void *arg)
{
	struct guest *guest = arg;

	while (!guest->stop) {
		vmm_run(&guest->vm.vcpu[0], vmm_guest_cpuid, 101, 0, 0);
		vmm_run(&guest->vm.vcpu[0], vmm_guest_busy, 10007, 0, 0);
	}
	return NULL;
}

/* A guest that never rests, while the module comes and goes. */
FIXTURE_SETUP(load)
{
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_FALSE(host_is_loaded());
	ASSERT_EQ(0, vmm_init(&self->guest.vm, 1, 1));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, run_mix, &self->guest));
}

FIXTURE_TEARDOWN(load)
{
	char text[256];

	self->guest.stop = true;
	pthread_join(self->thread, NULL);
	vmm_exit(&self->guest.vm);
	EXPECT_FALSE(host_is_loaded());
	EXPECT_EQ(-1, access(DEBUGFS, F_OK));
	EXPECT_EQ(-1, access("/dev/kvmeter", F_OK));
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

TEST_F_TIMEOUT(load, again_and_again, 600)
{
	unsigned int i;

	for (i = 0; i < LOADS; i++) {
		struct kvmeter_host host;
		struct meter meter;
		bool attach = i % 3, pin = i % 3 == 2;

		ASSERT_EQ(0, host_load(i % 10 ? SMALL : ""));
		if (attach)
			ASSERT_EQ(0, meter_open(&meter));
		if (pin)
			ASSERT_EQ(0, bpf_obj_pin(meter.fd[KVMETER_MAP_VCPUS], PIN));
		if (attach)
			close(meter.dev);
		ASSERT_EQ(0, host_unload());
		EXPECT_EQ(-1, access(DEBUGFS, F_OK));
		if (attach) {
			/* The maps are the reader's, with their last values. */
			host = *meter_host(&meter);
			EXPECT_EQ(KVMETER_ABI, host.abi);
			EXPECT_LE(1, host.vms_seen);
			meter_unmap(&meter);
		}
		if (pin)
			EXPECT_EQ(0, unlink(PIN));
	}
}

/* Who has one of our files open keeps the module; delete_module() without waiting says EAGAIN. */
TEST_F(load, unload_while_looked_at)
{
	static const char *const path[] = {
		"/dev/kvmeter",
		DEBUGFS "/status",
		DEBUGFS "/vms",
	};
	char exits[128], byte;
	unsigned int i;
	int fd;

	ASSERT_EQ(0, host_load(""));
	for (i = 0; i < ARRAY_SIZE(path); i++) {
		fd = open(path[i], O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-EAGAIN, host_unload());
		if (i)
			EXPECT_EQ(1, read(fd, &byte, 1));
		close(fd);
	}
	snprintf(exits, sizeof(exits), DEBUGFS "/%d-%d/exits", getpid(), self->guest.vm.fd);
	/* Its directory is made a moment after the VM is seen. */
	ASSERT_EQ(0, host_wait_file(exits));
	fd = open(exits, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, host_unload());
	EXPECT_EQ(1, read(fd, &byte, 1));
	close(fd);
	EXPECT_EQ(0, host_unload());
}

/* A file that was opened while the VM lived shows an end, not what is not there any more. */
TEST_F(load, vm_goes_while_looked_at)
{
	struct vmm vm;
	char path[128], byte;
	int fd;

	ASSERT_EQ(0, host_load(""));
	ASSERT_EQ(0, vmm_init(&vm, 1, 1));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	snprintf(path, sizeof(path), DEBUGFS "/%d-%d/exits", getpid(), vm.fd);
	ASSERT_EQ(0, host_wait_file(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	vmm_exit(&vm);
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_TRUE(errno == ENOENT || errno == EIO);
	close(fd);
	EXPECT_EQ(0, host_unload());
}

TEST_F(load, twice)
{
	ASSERT_EQ(0, host_load(""));
	EXPECT_EQ(-EEXIST, host_load(""));
	EXPECT_TRUE(host_is_loaded());
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(-ENOENT, host_unload());
}

/* A VM comes, has a directory, and goes: its end is seen where functions begin. */
static int come_and_go(void)
{
	char path[128];
	struct vmm vm;
	int ret;

	ret = vmm_init(&vm, 1, 1);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), DEBUGFS "/%d-%d", getpid(), vm.fd);
	ret = vmm_run(&vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0);
	if (!ret)
		ret = host_wait_file(path);
	vmm_exit(&vm);
	return ret ? ret : host_wait_gone(path);
}

/* Whatever root switches off; ftrace cannot be while it is needed. */
TEST_F(load, probes_stay_on)
{
	ASSERT_EQ(0, host_load(""));
	EXPECT_EQ(-EBUSY, host_write(FTRACE_ENABLED, 0, "0"));
	ASSERT_EQ(0, host_write(KPROBES_ENABLED, 0, "0"));
	EXPECT_EQ(0, come_and_go());
	EXPECT_EQ(0, host_write(KPROBES_ENABLED, 0, "1"));
	EXPECT_EQ(0, host_unload());
}

static int trace(bool on)
{
	static const struct {
		const char *file, *on, *off;
		int flags;
	} setting[] = {
		{ "set_ftrace_filter", "kvm_arch_destroy_vm", "", O_TRUNC },
		{ "current_tracer", "function", "nop", 0 },
		{ "kprobe_events", "p:kvmeter_selftest kvm_arch_destroy_vm", "-:kvmeter_selftest",
		  O_APPEND },
		{ "events/kprobes/kvmeter_selftest/enable", "1", "0", 0 },
	};
	unsigned int i, nr = ARRAY_SIZE(setting);
	char path[128];
	int ret = 0;

	for (i = 0; !ret && i < nr; i++) {
		/* Off in reverse order. */
		unsigned int k = on ? i : nr - 1 - i;

		snprintf(path, sizeof(path), TRACING "%s", setting[k].file);
		ret = host_write(path, setting[k].flags, on ? setting[k].on : setting[k].off);
	}
	return ret;
}

/* Others may look at the same functions: they come first, stay as we go, and go while we stay. */
TEST_F(load, functions_of_others)
{
	EXPECT_EQ(0, trace(true));
	EXPECT_EQ(0, host_load(SMALL));
	EXPECT_EQ(0, come_and_go());
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, host_load(SMALL));
	EXPECT_EQ(0, come_and_go());
	EXPECT_EQ(0, trace(false));
	EXPECT_EQ(0, come_and_go());
	EXPECT_EQ(0, host_read_number(DEBUGFS "/status", "missed_probes"));
	EXPECT_EQ(0, host_unload());
}

/* To look for what is beyond a list's end holds the kernel's lock of it from its first line on. */
static void *hold_functions(void *arg)
{
	struct guest *guest = arg;
	int fd = open(TRACING "available_filter_functions", O_RDONLY | O_CLOEXEC);
	char c;

	if (fd < 0 || pread(fd, &c, sizeof(c), BEYOND))
		guest->ret = -EIO;
	close(fd);
	return NULL;
}

static void *begin_logging(void *arg)
{
	struct guest *guest = arg;
	pthread_t holder[HOLDERS];
	unsigned int i;
	int ret;

	guest->ret = 0;
	usleep(guest->wait_us);
	for (i = 0; i < HOLDERS; i++)
		pthread_create(&holder[i], NULL, hold_functions, guest);
	usleep(BEGIN_US);
	ret = vmm_set_log(&guest->vm, true);
	for (i = 0; i < HOLDERS; i++)
		pthread_join(holder[i], NULL);
	if (ret)
		guest->ret = ret;
	return NULL;
}

/* The worker that was told to look at more functions may get to it when all are being given up. */
TEST_F_TIMEOUT(load, unload_as_logging_begins, 1800)
{
	struct residue residue;
	char text[RESIDUE_TEXT_SIZE];
	uint64_t took_ns;
	pthread_t logger;
	unsigned int i, loads;

	/* With one CPU, who holds the lock has the CPU as well, and all wait for both. */
	loads = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? LOADS : 1;
	random_begin("KVMETER_SEED");
	TH_LOG("seed %llu", random_seed);
	ASSERT_EQ(0, residue_begin(&residue));
	EXPECT_EQ(0, host_load(SMALL));
	took_ns = host_now_ns();
	EXPECT_EQ(0, host_unload());
	took_ns = host_now_ns() - took_ns;
	for (i = 0; i < loads; i++) {
		EXPECT_EQ(0, host_load(SMALL));
		self->guest.wait_us = (useconds_t)random_in(0, took_ns / 1000);
		ASSERT_EQ(0, pthread_create(&logger, NULL, begin_logging, &self->guest));
		EXPECT_EQ(0, host_unload());
		pthread_join(logger, NULL);
		EXPECT_EQ(0, self->guest.ret);
		EXPECT_EQ(0, vmm_set_log(&self->guest.vm, false));
		EXPECT_EQ(0, residue_find(&residue, text));
		EXPECT_STREQ("", text);
	}
	residue_end(&residue);
}

/* A load is refused, with one line that says why. */
static void check_refused(struct __test_metadata *_metadata, int log, const char *params, int err,
			  const char *why)
{
	char text[256];

	EXPECT_EQ(err, host_load(params));
	EXPECT_FALSE(host_is_loaded());
	EXPECT_EQ(1, host_log_next(log, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, why));
	EXPECT_EQ(0, host_log_next(log, text, sizeof(text)));
	EXPECT_STREQ("", text);
}

TEST(ftrace_is_off)
{
	int log;

	log = host_log_open();
	ASSERT_LE(0, log);
	ASSERT_EQ(0, host_write(FTRACE_ENABLED, 0, "0"));
	check_refused(_metadata, log, "", -EBUSY, "kernel.ftrace_enabled");
	EXPECT_EQ(0, host_write(FTRACE_ENABLED, 0, "1"));
	EXPECT_EQ(0, host_load(""));
	EXPECT_EQ(0, host_unload());
	close(log);
}

TEST(bad_parameters)
{
	static const char *const params[] = {
		"max_vms=0",   "max_vms=63",  "max_vms=65",    "max_vms=4160",
		"max_vcpus=0", "max_vcpus=1", "max_vcpus=100", "max_vcpus=16448",
	};
	unsigned int i;
	int log;

	log = host_log_open();
	ASSERT_LE(0, log);
	for (i = 0; i < ARRAY_SIZE(params); i++)
		check_refused(_metadata, log, params[i], -EINVAL, "kvmeter: ");
	ASSERT_EQ(0, host_load("max_vms=64 max_vcpus=128"));
	EXPECT_EQ(0, host_unload());
	close(log);
}

TEST_HARNESS_MAIN
