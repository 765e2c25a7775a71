// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_intel or kvm_amd is removed and inserted under the module, time and again: with the next VM
 * exit reasons are proven anew and everything works, also where the module was loaded while there
 * was none of the two. kvm itself stays for as long as the module does. Loads and unloads the
 * module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"
#include "residue.h"
#include "session.h"

#define RELOADS (host_is_long() ? 100u : 5u)
#define EVENTS 1009u
#define PAGES 307u
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define WAIT_NS 10000000000ull

FIXTURE(vendor)
{
	struct meter meter;
	int log;
	struct residue residue;
	const char *module;
	uint32_t reason;
};

static int remove_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

static int run_modprobe(const char *name)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl("/sbin/modprobe", "modprobe", name, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ENOEXEC;
}

/* udev, where it runs, has /dev/kvm open for a moment. */
static int remove_vendor(const char *name)
{
	uint64_t begin_ns = host_now_ns();
	int ret;

	do {
		ret = remove_module(name);
		if (ret != -EAGAIN)
			return ret;
		usleep(1000);
	} while (host_now_ns() - begin_ns < WAIT_NS);
	return ret;
}

FIXTURE_SETUP(vendor)
{
	self->module = vmm_is_intel() ? "kvm_intel" : "kvm_amd";
	self->reason = reason_of(VMX_CPUID, SVM_CPUID);
	ASSERT_FALSE(host_is_loaded());
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(vendor)
{
	char text[RESIDUE_TEXT_SIZE];

	EXPECT_EQ(0, run_modprobe(self->module));
	if (host_is_loaded())
		EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

/* A session finds the pages that the guest writes to; of those that it has before, who knows. */
static void check_session(struct __test_metadata *_metadata, FIXTURE_DATA(vendor) * self,
			  struct vmm *vm)
{
	uint32_t cells[VMM_DATA_GFN + PAGES], i, marked = 0;
	struct session session;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_DRIVE))
		return;
	ASSERT_EQ(0, session_start(&session, self->meter.dev, vm->fd, 0, INTERVAL_NS));
	ASSERT_EQ(0, vmm_run(&vm->vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
	ASSERT_EQ(0, session_wait_intervals(&session, &self->meter, 1));
	ASSERT_EQ(0, session_read(&session, 0, cells, ARRAY_SIZE(cells)));
	for (i = VMM_DATA_GFN; i < ARRAY_SIZE(cells); i++)
		marked += cells[i];
	EXPECT_EQ(PAGES, marked);
	EXPECT_EQ(0, session_stop(&session));
}

static void check_vm(struct __test_metadata *_metadata, FIXTURE_DATA(vendor) * self)
{
	const struct kvmeter_host *host = meter_host(&self->meter);
	struct meter_vcpu copy;
	struct vmm vm;

	ASSERT_EQ(0, vmm_init(&vm, 1, PAGES));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, vm.fd, 0, &copy));
	EXPECT_EQ(EVENTS, meter_count(&copy, self->reason));
	EXPECT_EQ(0, copy.rows[0].count);
	EXPECT_EQ(KVMETER_REASON_DIRECT, host->reason_source);
	EXPECT_EQ(copy.v.since_ns - copy.v.first_ns, meter_ledger_ns(&copy));
	/* Whoever has a VM keeps it. */
	EXPECT_EQ(-EAGAIN, remove_module(self->module));
	check_session(_metadata, self, &vm);
	vmm_exit(&vm);
	EXPECT_EQ(0, meter_wait_used(&self->meter, 0));
}

TEST_F_TIMEOUT(vendor, underneath, 1800)
{
	char text[RESIDUE_TEXT_SIZE];
	unsigned int i;

	if (access("/sbin/modprobe", X_OK))
		SKIP(return, "needs modprobe");
	if (access(vmm_is_intel() ? "/sys/module/kvm_intel/refcnt" : "/sys/module/kvm_amd/refcnt",
		   F_OK))
		SKIP(return, "KVM is built in, or not loaded");
	for (i = 0; i < RELOADS; i++) {
		/* Loaded with it and without it, in turn. */
		if (i % 2)
			ASSERT_EQ(0, remove_vendor(self->module));
		ASSERT_EQ(0, residue_begin(&self->residue));
		ASSERT_EQ(0, host_load(""));
		if (i % 2)
			ASSERT_EQ(0, run_modprobe(self->module));
		ASSERT_EQ(0, meter_open(&self->meter));
		check_vm(_metadata, self);

		ASSERT_EQ(0, remove_vendor(self->module));
		EXPECT_EQ(-1, open("/dev/kvm", O_RDWR | O_CLOEXEC));
		EXPECT_EQ(-EAGAIN, remove_module("kvm"));
		host_read_tree("/sys/kernel/debug/kvmeter");
		ASSERT_EQ(0, run_modprobe(self->module));
		check_vm(_metadata, self);

		/* And unloaded with it and without it. */
		meter_close(&self->meter);
		if (i % 4 / 2)
			ASSERT_EQ(0, remove_vendor(self->module));
		ASSERT_EQ(0, host_unload());
		/* The module that has it counts as a user of kvm. */
		self->residue.kvm_users += (i % 2) - (i % 4 / 2);
		EXPECT_EQ(0, residue_find(&self->residue, text));
		EXPECT_STREQ("", text);
		residue_end(&self->residue);
		if (i % 4 / 2)
			ASSERT_EQ(0, run_modprobe(self->module));
	}
	TH_LOG("%s reloaded %u times and more", self->module, i);
}

TEST_F(vendor, kvm_goes_with_us)
{
	char text[RESIDUE_TEXT_SIZE];

	if (access("/sys/module/kvm/refcnt", F_OK))
		SKIP(return, "KVM is built in");
	ASSERT_EQ(0, host_load(""));
	ASSERT_EQ(0, remove_vendor(self->module));
	EXPECT_EQ(-EAGAIN, remove_module("kvm"));
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(0, remove_module("kvm"));
	/* Without it there is one line, and no load. */
	EXPECT_EQ(-ENOENT, host_load(""));
	EXPECT_FALSE(host_is_loaded());
	EXPECT_EQ(1, host_log_next(self->log, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "kvmeter: load failed"));
}

TEST_HARNESS_MAIN
