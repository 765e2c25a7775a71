// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation that an operation makes is made to fail, one after the other: the operation is
 * refused with an errno, or does without; nothing is left, at most one line is printed, and without
 * the fault it succeeds. For what a worker does, allocations of workers fail at random.
 *
 * Faults are those of /proc/thread-self/fail-nth: the n-th thing that can fail in this thread does.
 * Loads and unloads the module.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "quota.h"
#include "random.h"
#include "residue.h"
#include "session.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define DEBUG "/sys/kernel/debug/"
#define PRINTK "/proc/sys/kernel/printk"
/* More than any operation can make; as fail-nth it never comes to pass. */
#define NEVER 1000000
/* Of an operation that takes long, so many of its faults are tried in the short form. */
#define SAMPLES 40u
#define WORKER_VMS (host_is_long() ? 200u : 20u)
#define PAGES 61u
#define SMALL "max_vms=64 max_vcpus=64"
#define NO_FAULTS "this kernel has no fault injection (CONFIG_FAULT_INJECTION)"

FIXTURE(fail)
{
	int log;
	int nth;
	int printk;
	struct residue residue;
	struct meter meter;
	int maps[KVMETER_MAP_NR];
	struct vmm vm;
	atomic_bool stop;
	struct session session;
	int module;
	/* What an operation leaves for the one that undoes it. */
	int fd;
	/* Faults injected, and what came of them. */
	unsigned int faults, survived, no_memory, other;
};

static bool can_fail(void)
{
	return !access(FAIL_NTH, W_OK) && !access(DEBUG "failslab/ignore-gfp-wait", W_OK);
}

/* Was this kernel built for it? */
static bool is_to_fail(void)
{
	const char *flavour = getenv("KVMETER_FLAVOUR");

	return flavour && !strcmp(flavour, "kasan");
}

static int set_fault(const char *kind, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUG "%s/%s", kind, file);
	return host_write(path, 0, value);
}

/* All that can fail may, and the kernel says nothing of it. */
static int set_up_faults(void)
{
	static const char *const kind[] = { "failslab", "fail_page_alloc", "fail_usercopy",
					    "fail_futex" };
	static const struct {
		const char *file, *value;
	} set[] = {
		{ "ignore-gfp-wait", "N" }, { "ignore-gfp-highmem", "N" }, { "min-order", "0" },
		{ "verbose", "0" },	    { "probability", "0" },
	};
	unsigned int i, k;
	int ret;

	for (i = 0; i < ARRAY_SIZE(kind); i++)
		for (k = 0; k < ARRAY_SIZE(set); k++) {
			ret = set_fault(kind[i], set[k].file, set[k].value);
			if (ret && ret != -ENOENT)
				return ret;
		}
	return 0;
}

FIXTURE_SETUP(fail)
{
	ASSERT_FALSE(host_is_loaded());
	self->nth = -1;
	self->fd = -1;
	/* Where it cannot, each test case says so. */
	ASSERT_TRUE(can_fail() || !is_to_fail());
	if (!can_fail())
		return;
	random_begin("KVMETER_SEED");
	TH_LOG("seed %llu", random_seed);
	ASSERT_EQ(0, set_up_faults());
	self->nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->nth);
	self->module = host_open_module();
	ASSERT_LE(0, self->module);
	ASSERT_EQ(0, vmm_init(&self->vm, 1, PAGES));
	/* The kernel's own complaints of a lack of memory, with traces, are for us to judge. */
	self->printk = host_write(PRINTK, 0, "1 4 1 7");
	ASSERT_EQ(0, self->printk);
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, residue_begin(&self->residue));
}

FIXTURE_TEARDOWN(fail)
{
	char text[RESIDUE_TEXT_SIZE];

	if (self->nth < 0)
		return;
	host_write(PRINTK, 0, "7 4 1 7");
	vmm_exit(&self->vm);
	if (host_is_loaded())
		EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, residue_find(&self->residue, text));
	EXPECT_STREQ("", text);
	close(self->log);
	close(self->nth);
	residue_end(&self->residue);
}

static int write_nth(FIXTURE_DATA(fail) * self, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(self->nth, text, (size_t)len, 0) == len ? 0 : -errno;
}

/* What is left of it; 0: the fault was injected. Where not even that can be read, it was not. */
static unsigned int read_nth(FIXTURE_DATA(fail) * self)
{
	char text[16] = "";
	unsigned int n = 1;

	if (pread(self->nth, text, sizeof(text) - 1, 0) > 0)
		n = (unsigned int)strtoul(text, NULL, 10);
	return n;
}

/* What must not be in the kernel's log, whatever failed. */
static bool is_bad(const char *text)
{
	static const char *const bad[] = {
		"BUG",
		"KASAN",
		"UBSAN",
		"WARNING",
		"possible ",
		"suspicious",
		"refcount_t",
		"corruption",
		"Oops",
		"general protection",
		"use-after-free",
		"unreferenced object",
		"suspected memory leak",
		"[kvmeter]",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (strstr(text, bad[i]))
			return true;
	return false;
}

/* At most one line of ours for each fault, and nothing bad of the kernel's. */
static void check_log(struct __test_metadata *_metadata, FIXTURE_DATA(fail) * self,
		      const char *name, unsigned int n)
{
	unsigned int ours = 0;
	bool lack = false;
	char text[512];

	while (host_log_next(self->log, text, sizeof(text)) > 0) {
		ours += !strncmp(text, "kvmeter: ", 9);
		/* Of who called it, the allocator tells with a trace, where it is not asked not to.
		 */
		if (strstr(text, "allocation failure") || strstr(text, "vmalloc error"))
			lack = true;
		else if (strstr(text, "</TASK>"))
			lack = false;
		if (!is_bad(text) || (lack && (*text == ' ' || !strncmp(text, "Workqueue: ", 11))))
			continue;
		TH_LOG("%s, fault %u: %s", name, n, text);
		EXPECT_STREQ("", text);
	}
	EXPECT_GE(1, ours);
}

/**
 * struct operation - something whose allocations are to fail
 * @name: for people
 * @begin: what has to be there; without faults
 * @run: the operation
 * @undo: after it has succeeded
 * @check: after it was refused; 0 if nothing of it is left
 * @end: undoes @begin
 * @slow: it takes long, and is tried with some of its faults
 * @never_fails: it is to succeed, whatever does not
 */
struct operation {
	const char *name;
	int (*begin)(FIXTURE_DATA(fail) * self);
	int (*run)(FIXTURE_DATA(fail) * self);
	int (*undo)(FIXTURE_DATA(fail) * self);
	int (*check)(FIXTURE_DATA(fail) * self);
	int (*end)(FIXTURE_DATA(fail) * self);
	bool slow;
	bool never_fails;
};

static int nothing(FIXTURE_DATA(fail) * self)
{
	(void)self;
	return 0;
}

/* Sets how much of @n was left, so 0 if a fault was injected. */
static int run_with(FIXTURE_DATA(fail) * self, const struct operation *op, unsigned int n,
		    unsigned int *left)
{
	int ret = write_nth(self, n);

	if (ret)
		return ret;
	ret = op->run(self);
	/* Not even its argument could be read: it has not begun. */
	if (ret == -EFAULT && op->never_fails)
		ret = op->run(self);
	*left = read_nth(self);
	write_nth(self, 0);
	return ret;
}

static void inject(struct __test_metadata *_metadata, FIXTURE_DATA(fail) * self,
		   const struct operation *op, unsigned int n, unsigned int *left)
{
	int ret;

	ASSERT_EQ(0, op->begin(self));
	ret = run_with(self, op, n, left);
	self->faults += !*left;
	if (!ret) {
		self->survived += !*left;
		EXPECT_EQ(0, op->undo(self));
	} else {
		TH_LOG("%s, fault %u: %s", op->name, n, strerror(-ret));
		EXPECT_FALSE(op->never_fails);
		EXPECT_EQ(0, *left);
		self->no_memory += ret == -ENOMEM;
		self->other += ret != -ENOMEM;
		EXPECT_EQ(0, op->check(self));
	}
	EXPECT_EQ(0, op->end(self));
	check_log(_metadata, self, op->name, n);
}

/* One fault after the other until there is none left; or some of them. */
static void inject_all(struct __test_metadata *_metadata, FIXTURE_DATA(fail) * self,
		       const struct operation *op)
{
	unsigned int n, left, all, step = 1;

	self->faults = 0;
	self->survived = 0;
	self->no_memory = 0;
	self->other = 0;
	inject(_metadata, self, op, NEVER, &left);
	all = NEVER - left;
	if (op->slow && !host_is_long() && all > SAMPLES)
		step = all / SAMPLES;
	for (n = step > 1 ? (unsigned int)random_in(1, step + 1) : 1; n <= all + 1; n += step)
		inject(_metadata, self, op, n, &left);
	TH_LOG("%s: %u faults of %u injected: %u out of memory, %u otherwise refused, %u survived",
	       op->name, self->faults, all, self->no_memory, self->other, self->survived);
	EXPECT_LT(0, self->faults);
	/* Once more, with none. */
	ASSERT_EQ(0, op->begin(self));
	EXPECT_EQ(0, op->run(self));
	EXPECT_EQ(0, op->undo(self));
	EXPECT_EQ(0, op->end(self));
	check_log(_metadata, self, op->name, 0);
}

static int load(FIXTURE_DATA(fail) * self)
{
	return syscall(SYS_finit_module, self->module, SMALL, 0) ? -errno : 0;
}

static int unload(FIXTURE_DATA(fail) * self)
{
	(void)self;
	return host_unload();
}

static int check_unloaded(FIXTURE_DATA(fail) * self)
{
	char text[RESIDUE_TEXT_SIZE];

	return residue_find(&self->residue, text);
}

static void *run_guest(void *arg)
{
	FIXTURE_DATA(fail) *self = arg;

	while (!self->stop && !vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 31, 0, 0))
		usleep(1000);
	return NULL;
}

/* Under a guest: probes see it before the load fails. */
TEST_F_TIMEOUT(fail, load, 14400)
{
	const struct operation op = {
		"load", nothing, load, unload, check_unloaded, check_unloaded, true, false,
	};
	pthread_t guest;

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, pthread_create(&guest, NULL, run_guest, self));
	inject_all(_metadata, self, &op);
	self->stop = true;
	pthread_join(guest, NULL);
}

/* What has to be done can be, memory or not. */
TEST_F_TIMEOUT(fail, unload, 7200)
{
	const struct operation op = {
		"unload", load, unload, nothing, nothing, check_unloaded, true, true,
	};

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	inject_all(_metadata, self, &op);
}

static int open_device(FIXTURE_DATA(fail) * self)
{
	self->fd = open("/dev/kvmeter", O_RDWR | O_CLOEXEC);
	if (self->fd < 0)
		return -errno;
	return ioctl(self->fd, KVMETER_GET_INFO, &self->meter.info) ? -errno : 0;
}

static int close_device(FIXTURE_DATA(fail) * self)
{
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
	return 0;
}

TEST_F_TIMEOUT(fail, open, 1800)
{
	const struct operation op = {
		"open", nothing, open_device, close_device, close_device, nothing, false, false,
	};

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	inject_all(_metadata, self, &op);
}

static int make_maps(FIXTURE_DATA(fail) * self)
{
	int ret = open_device(self);

	return ret ? ret : meter_create_maps(&self->meter.info, self->maps);
}

static int attach(FIXTURE_DATA(fail) * self)
{
	return meter_attach(self->fd, self->maps);
}

static int detach(FIXTURE_DATA(fail) * self)
{
	return ioctl(self->fd, KVMETER_DETACH, 0) ? -errno : 0;
}

static int check_detached(FIXTURE_DATA(fail) * self)
{
	int ret = ioctl(self->fd, KVMETER_GET_INFO, &self->meter.info) ? -errno : 0;

	return ret ? ret : self->meter.info.attached ? -EBUSY : 0;
}

static int check_attached(FIXTURE_DATA(fail) * self)
{
	int ret = ioctl(self->fd, KVMETER_GET_INFO, &self->meter.info) ? -errno : 0;

	if (!ret && !self->meter.info.attached)
		ret = -ENXIO;
	return ret ? ret : detach(self);
}

static int drop_maps(FIXTURE_DATA(fail) * self)
{
	meter_close_maps(self->maps);
	return close_device(self);
}

static int make_attached(FIXTURE_DATA(fail) * self)
{
	int ret = make_maps(self);

	return ret ? ret : attach(self);
}

TEST_F_TIMEOUT(fail, attach, 1800)
{
	const struct operation on = {
		"attach", make_maps, attach, detach, check_detached, drop_maps, false, false,
	};
	const struct operation off = {
		"detach", make_attached, detach, nothing, check_attached, drop_maps, false, false,
	};

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	inject_all(_metadata, self, &on);
	inject_all(_metadata, self, &off);
}

static int start_driven(FIXTURE_DATA(fail) * self)
{
	return session_start(&self->session, self->fd, self->vm.fd, 0, KVMETER_INTERVAL_MIN_NS);
}

static int start_observed(FIXTURE_DATA(fail) * self)
{
	return session_start(&self->session, self->fd, self->vm.fd, KVMETER_DIRTY_OBSERVE,
			     KVMETER_INTERVAL_MIN_NS);
}

static int stop_session(FIXTURE_DATA(fail) * self)
{
	return session_stop(&self->session);
}

/* No session, and no slot that logs. */
static int check_no_session(FIXTURE_DATA(fail) * self)
{
	if (session_stop(&self->session) != -ENOENT)
		return -EBUSY;
	return vmm_get_log(&self->vm, 0, self->vm.dirty) == -ENOENT ? 0 : -EBUSY;
}

static int stop_and_check(FIXTURE_DATA(fail) * self)
{
	int ret = stop_session(self);

	return ret ? ret : check_no_session(self);
}

static int read_cells(FIXTURE_DATA(fail) * self)
{
	static uint32_t cells[VMM_DATA_GFN];

	return session_read(&self->session, 0, cells, ARRAY_SIZE(cells));
}

static int begin_driven(FIXTURE_DATA(fail) * self)
{
	int ret = open_device(self);

	return ret ? ret : start_driven(self);
}

static int end_driven(FIXTURE_DATA(fail) * self)
{
	int ret = stop_session(self);

	close_device(self);
	return ret;
}

TEST_F_TIMEOUT(fail, session, 3600)
{
	const struct operation driven = {
		"driven session", open_device,	start_driven, stop_and_check,
		check_no_session, close_device, false,	      false,
	};
	const struct operation observed = {
		"observed session", open_device,  start_observed, stop_and_check,
		check_no_session,   close_device, false,	  false,
	};
	const struct operation stop = {
		"session stop",	  begin_driven, stop_session, check_no_session,
		check_no_session, close_device, false,	      true,
	};
	const struct operation read = {
		"session read", begin_driven, read_cells, nothing,
		nothing,	end_driven,   false,	  false,
	};

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	inject_all(_metadata, self, &observed);
	ASSERT_EQ(0, open_device(self));
	if (start_driven(self) == -EOPNOTSUPP) {
		ASSERT_EQ(0, close_device(self));
		SKIP(return, "this kernel lacks what driven sessions take");
	}
	ASSERT_EQ(0, end_driven(self));
	inject_all(_metadata, self, &driven);
	inject_all(_metadata, self, &stop);
	inject_all(_metadata, self, &read);
}

static int set_quota(FIXTURE_DATA(fail) * self)
{
	return quota_set(&self->meter, self->vm.fd, QUOTA_LEAST_PAGES);
}

static int lift_quota(FIXTURE_DATA(fail) * self)
{
	return quota_set(&self->meter, self->vm.fd, 0);
}

static int check_no_quota(FIXTURE_DATA(fail) * self)
{
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);

	return vm && !vm->user_quota_pages ? 0 : -EBUSY;
}

static int set_mode(FIXTURE_DATA(fail) * self)
{
	(void)self;
	return meter_set_param("autoconverge", "on");
}

static int unset_mode(FIXTURE_DATA(fail) * self)
{
	(void)self;
	return meter_set_param("autoconverge", "observe");
}

static int set_autopilot(FIXTURE_DATA(fail) * self)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	struct kvmeter_autoconverge want = {
		.abi = KVMETER_ABI,
		.vm = (uint32_t)(vm - vms),
		.vm_gen = vm->gen,
		.mode = KVMETER_AUTOCONVERGE_ON,
	};

	return ioctl(self->meter.dev, KVMETER_AUTOCONVERGE, &want) ? -errno : 0;
}

TEST_F_TIMEOUT(fail, quota, 1800)
{
	const struct operation quota = {
		"quota", nothing, set_quota, lift_quota, check_no_quota, nothing, false, false,
	};
	const struct operation mode = {
		"parameter autoconverge",
		nothing,
		set_mode,
		unset_mode,
		nothing,
		nothing,
		false,
		false,
	};
	const struct operation autopilot = {
		"autoconverge", nothing, set_autopilot, nothing, nothing, nothing, false, false,
	};

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	inject_all(_metadata, self, &quota);
	inject_all(_metadata, self, &mode);
	inject_all(_metadata, self, &autopilot);
	meter_close(&self->meter);
}

static int read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t len;
	int ret;

	if (fd < 0)
		return -errno;
	do
		len = read(fd, text, sizeof(text));
	while (len > 0);
	ret = len < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static char file_path[PATH_MAX];

static int read_path(FIXTURE_DATA(fail) * self)
{
	(void)self;
	return read_file(file_path);
}

static void inject_reads(struct __test_metadata *_metadata, FIXTURE_DATA(fail) * self,
			 const char *path)
{
	const struct operation op = {
		file_path, nothing, read_path, nothing, nothing, nothing, false, false,
	};
	DIR *dir = opendir(path);
	struct dirent *entry;

	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_REG)
			continue;
		snprintf(file_path, sizeof(file_path), "%s/%s", path, entry->d_name);
		inject_all(_metadata, self, &op);
	}
	closedir(dir);
}

TEST_F_TIMEOUT(fail, debugfs, 3600)
{
	char path[128];

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	inject_reads(_metadata, self, DEBUG "kvmeter");
	snprintf(path, sizeof(path), DEBUG "kvmeter/%d-%d", getpid(), self->vm.fd);
	ASSERT_EQ(0, host_wait_file(path));
	inject_reads(_metadata, self, path);
}

/* A VM from beginning to end, in a thread in which something fails: it is known, or never was. */
static int run_vm(FIXTURE_DATA(fail) * self)
{
	struct vmm vm;
	int ret = vmm_init(&vm, 1, PAGES);

	(void)self;
	if (!ret)
		ret = vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1);
	if (!ret)
		ret = vmm_set_log(&vm, true);
	if (!ret)
		ret = vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 2);
	vmm_exit(&vm);
	return ret;
}

static int check_no_vm(FIXTURE_DATA(fail) * self)
{
	return meter_wait_used(&self->meter, 1) == 1 && meter_used(&self->meter, true) == 1
		? 0
		: -EBUSY;
}

TEST_F_TIMEOUT(fail, vm, 7200)
{
	const struct operation op = {
		"VM", nothing, run_vm, nothing, check_no_vm, check_no_vm, true, false,
	};

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, 1, 0, 0));
	inject_all(_metadata, self, &op);
	meter_close(&self->meter);
}

/* Mark the threads of all work queues that there are now: with the filter on, only they fail. */
static unsigned int mark_workers(bool on)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	unsigned int nr = 0;
	char path[64], comm[32];

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", entry->d_name);
		host_read_line(path, comm, sizeof(comm));
		if (strncmp(comm, "kworker/", 8))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/make-it-fail", entry->d_name);
		nr += !host_write(path, 0, on ? "1" : "0");
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* The filter comes first and goes last: without it, what switches it off would fail as well. */
static int let_workers_fail(bool on)
{
	static const char *const kind[] = { "failslab", "fail_page_alloc" };
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(kind); i++) {
		ret = on ? set_fault(kind[i], "task-filter", "Y")
			 : set_fault(kind[i], "probability", "0");
		if (!ret)
			ret = set_fault(kind[i], "times", on ? "-1" : "1");
		if (!ret)
			ret = on ? set_fault(kind[i], "probability", "30")
				 : set_fault(kind[i], "task-filter", "N");
	}
	return ret;
}

/* What follows from a VM's coming is done by a worker: its directory may be missing, no more. */
TEST_F_TIMEOUT(fail, workers, 1800)
{
	unsigned int i, workers = 0, sessions = 0;
	struct meter_vcpu copy;
	struct vmm vm;

	if (self->nth < 0)
		SKIP(return, NO_FAULTS);
	ASSERT_EQ(0, load(self));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, open_device(self));
	for (i = 0; i < WORKER_VMS; i++) {
		workers = mark_workers(true);
		ASSERT_EQ(0, let_workers_fail(true));
		ASSERT_EQ(0, vmm_init(&vm, 1, PAGES));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
		EXPECT_EQ(0, meter_read(&self->meter, vm.fd, 0, &copy));
		if (!session_start(&self->session, self->fd, vm.fd, 0, KVMETER_INTERVAL_MIN_NS)) {
			sessions++;
			usleep((useconds_t)random_in(0, 400000));
			EXPECT_EQ(0, session_stop(&self->session));
			EXPECT_EQ(-ENOENT, vmm_get_log(&vm, 0, vm.dirty));
		}
		host_read_tree(DEBUG "kvmeter");
		ASSERT_EQ(0, let_workers_fail(false));
		vmm_exit(&vm);
	}
	mark_workers(false);
	TH_LOG("%u VMs, %u of them in sessions, while %u workers had allocations fail", i, sessions,
	       workers);
	/* That of the fixture is still there. */
	EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
	meter_close(&self->meter);
	close_device(self);
	check_log(_metadata, self, "workers", i);
}

TEST_HARNESS_MAIN
