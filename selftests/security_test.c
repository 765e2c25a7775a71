// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what, and what is shown to whom.
 *
 * What somebody else is refused is tried by a child that has become somebody else; the number of
 * the line on which it went wrong is what the test compares with 0.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "reason.h"
#include "residue.h"
#include "session.h"

#define DEBUGFS "/sys/kernel/debug/kvmeter"
#define PARAMETERS "/sys/module/kvmeter/parameters"
#define PINS "/sys/fs/bpf/kvmeter"
#define DEVICE "/dev/kvmeter"
#define KVM "/dev/kvm"
#define NOBODY 65534
#define MAPS_NR KVMETER_MAP_NR
#define EVENTS 1009
#define PORTS 1009
#define VMS 67
#define GROWTH_MAX_KIB 512
/* Files take long where the host has virtual time. */
#define LIMIT_S 300

enum who {
	NOBODY_AT_ALL,	   /* uid 65534, as a VMM may have */
	ROOT_OF_NOBODY,	   /* root of a user namespace which that user has made */
	ROOT_WITHOUT_CAPS, /* uid 0 without a capability, as in a container */
	ROOT_OF_ROOT,	   /* root of a user namespace whose uid 0 is the host's */
};

/* What a child is given. */
struct target {
	enum who who;
	int dev;
	struct kvmeter_info info;
	struct vmm *vm;
};

static int *bad_line; /* shared with children */

/* In a child: note where it went wrong, and end. */
static void must(bool holds, int line)
{
	if (holds)
		return;
	*bad_line = line;
	_exit(0);
}

#define MUST(condition) must(condition, __LINE__)

FIXTURE(security)
{
	int log;
	struct meter meter;
	struct vmm vm;
};

/* The reader, with its output left out; as system(). */
static int run_reader(const char *arguments)
{
	char path[PATH_MAX], command[PATH_MAX + 128];

	snprintf(command, sizeof(command), "%s %s >/dev/null 2>&1",
		 host_beside("KVMETER", "bpf/kvmeter", path, sizeof(path)), arguments);
	return system(command);
}

/* A VM that has run, with all its files, and maps that are pinned. */
FIXTURE_SETUP(security)
{
	char path[PATH_MAX];

	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	bad_line = mmap(NULL, sizeof(*bad_line), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	ASSERT_NE(MAP_FAILED, bad_line);
	ASSERT_EQ(0, run_reader("attach"));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, 1));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	snprintf(path, sizeof(path), DEBUGFS "/%d-%d/stats", getpid(), self->vm.fd);
	ASSERT_EQ(0, host_wait_file(path));
}

/* Whatever was tried, the kernel's log has no line about it. */
FIXTURE_TEARDOWN(security)
{
	char text[256];

	vmm_exit(&self->vm);
	meter_close(&self->meter);
	EXPECT_EQ(0, run_reader("detach"));
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	EXPECT_STREQ("", text);
	close(self->log);
}

static int drop_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};
	unsigned long cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) && errno != EINVAL)
			return -errno;
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	/* or else /proc/self is root's */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

/* Be root, with all capabilities, of new namespaces. */
static int become_root_of(unsigned int uid)
{
	char map[32];
	int ret;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	ret = host_write("/proc/self/uid_map", 0, map);
	/* Without a group nothing can be created: that would be refused for another reason. */
	if (!ret)
		ret = host_write("/proc/self/setgroups", 0, "deny");
	return ret ? ret : host_write("/proc/self/gid_map", 0, map);
}

static int become(enum who as)
{
	int ret;

	switch (as) {
	case NOBODY_AT_ALL:
		return become_nobody();
	case ROOT_OF_NOBODY:
		ret = become_nobody();
		return ret ? ret : become_root_of(NOBODY);
	case ROOT_WITHOUT_CAPS:
		return drop_caps();
	default:
		return become_root_of(0);
	}
}

/* 0, or the line on which @act went wrong as another; -1 if that could not be tried. */
static int try_as(struct target *t, enum who as, void (*act)(const struct target *t))
{
	int status;
	pid_t pid;

	*bad_line = -1;
	t->who = as;
	pid = fork();
	if (!pid) {
		if (become(as))
			_exit(1);
		*bad_line = 0;
		act(t);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -1;
	return *bad_line;
}

static int open_errno(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int ioctl_errno(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) ? errno : 0;
}

/* Every ioctl there is, with an argument that is right for root, and one that there is not. */
static void try_ioctls(const struct target *t)
{
	static struct kvmeter_info info;
	struct kvmeter_attach attach = { .abi = KVMETER_ABI };
	struct kvmeter_dirty_start start = {
		.abi = KVMETER_ABI,
		.vm_fd = t->vm->fd,
		.interval_ns = KVMETER_INTERVAL_MIN_NS,
	};
	struct kvmeter_dirty_stop stop = { .abi = KVMETER_ABI, .vm_gen = 1 };
	struct kvmeter_dirty_read read = { .abi = KVMETER_ABI, .vm_gen = 1, .nr = 1 };
	struct kvmeter_quota quota = { .abi = KVMETER_ABI, .vm_gen = 1, .bytes_per_s = 1 << 20 };
	struct kvmeter_autoconverge pilot = { .abi = KVMETER_ABI, .vm_gen = 1 };

	MUST(ioctl_errno(t->dev, KVMETER_GET_INFO, &info) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_ATTACH, &attach) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_DETACH, NULL) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_DIRTY_START, &start) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_DIRTY_STOP, &stop) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_DIRTY_READ, &read) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_QUOTA, &quota) == EPERM);
	MUST(ioctl_errno(t->dev, KVMETER_AUTOCONVERGE, &pilot) == EPERM);
	MUST(ioctl_errno(t->dev, _IO(KVMETER_IOC_MAGIC, 0xff), NULL) == EPERM);
	MUST(info.abi == 0);
}

/* What takes a capability that neither has. */
static void try_capabilities(const struct target *t)
{
	int fd = host_open_module();
	unsigned int i;

	for (i = 0; i < MAPS_NR; i++)
		MUST(bpf_map_get_fd_by_id(t->info.map[i].id) < 0 && errno == EPERM);
	MUST(syscall(SYS_delete_module, "kvmeter", O_NONBLOCK) && errno == EPERM);
	MUST(fd >= 0 && syscall(SYS_finit_module, fd, "", 0) && errno == EPERM);
}

static void try_as_outsider(const struct target *t)
{
	char path[PATH_MAX];
	int fd;

	MUST(open_errno(DEVICE, O_RDONLY) == EACCES);
	MUST(open_errno(DEVICE, O_RDWR) == EACCES);
	MUST(open_errno(DEBUGFS "/status", O_RDONLY) == EACCES);
	MUST(open_errno(DEBUGFS "/log", O_RDONLY) == EACCES);
	snprintf(path, sizeof(path), DEBUGFS "/%d-%d/exits", getppid(), t->vm->fd);
	MUST(open_errno(path, O_RDONLY) == EACCES);
	MUST(!opendir(PINS) && errno == EACCES);
	fd = bpf_obj_get(PINS "/kvmeter_vcpus");
	MUST(fd < 0 && (errno == EACCES || errno == EPERM));
	MUST(open_errno(PARAMETERS "/autoconverge", O_WRONLY) == EACCES);
	MUST(open_errno(PARAMETERS "/subreasons", O_WRONLY) == EACCES);
	MUST(open_errno(PARAMETERS "/max_vms", O_RDONLY) == 0);
	try_capabilities(t);
	if (!*bad_line)
		try_ioctls(t);
}

/* A device or a file system of one's own does not help. */
static void try_as_root_of_nobody(const struct target *t)
{
	struct stat st;

	try_as_outsider(t);
	if (*bad_line)
		return;
	MUST(mount("none", "/tmp", "debugfs", 0, NULL) && errno == EPERM);
	MUST(!stat(DEVICE, &st));
	MUST(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
	MUST(mknod("/tmp/fifo", S_IFIFO | 0666, 0) == 0);
	MUST(mknod("/tmp/kvmeter", S_IFCHR | 0666, st.st_rdev) && errno == EPERM);
}

/*
 * Who is uid 0 passes for the owner of files, and no more: those of debugfs are read, if debugfs is
 * to be seen, and parameters and pinned maps are written. The device is for who has the capability.
 */
static void try_as_powerless_root(const struct target *t)
{
	int fd;

	MUST(open_errno(DEVICE, O_RDONLY) == EPERM);
	MUST(open_errno(DEVICE, O_RDWR) == EPERM);
	MUST(open_errno(DEBUGFS "/status", O_RDONLY) == 0);
	MUST(open_errno(PARAMETERS "/autoconverge", O_WRONLY) == 0);
	MUST(open_errno(PARAMETERS "/max_vms", O_WRONLY) == EACCES);
	fd = bpf_obj_get(PINS "/kvmeter_vcpus");
	MUST(fd >= 0);
	close(fd);
	try_capabilities(t);
	if (!*bad_line)
		try_ioctls(t);
}

/* The descriptor itself is what lets one read the log. */
static void read_log(const struct target *t)
{
	struct kvmeter_audit a[2];

	MUST(read(t->dev, a, sizeof(a)) == sizeof(a[0]));
	MUST(a[0].kind == KVMETER_AUDIT_QUOTA && a[0].pid == (uint32_t)getppid());
	MUST(write(t->dev, a, sizeof(a)) < 0);
}

TEST_F_TIMEOUT(security, others_are_refused, LIMIT_S)
{
	struct target t = { .dev = self->meter.dev, .info = self->meter.info, .vm = &self->vm };
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	struct kvmeter_info info;

	EXPECT_EQ(0, try_as(&t, NOBODY_AT_ALL, try_as_outsider));
	EXPECT_EQ(0, try_as(&t, ROOT_OF_NOBODY, try_as_root_of_nobody));
	EXPECT_EQ(0, try_as(&t, ROOT_WITHOUT_CAPS, try_as_powerless_root));
	EXPECT_EQ(0, try_as(&t, ROOT_OF_ROOT, try_as_powerless_root));

	/* Nothing of it had an effect; and what they were refused is there for root. */
	ASSERT_EQ(0, ioctl(self->meter.dev, KVMETER_GET_INFO, &info));
	EXPECT_EQ(0, memcmp(&info, &self->meter.info, sizeof(info)));
	EXPECT_EQ(0, vm->user_quota_pages);
	EXPECT_EQ(0, open_errno(DEVICE, O_RDWR));
	EXPECT_NE(0, try_as(&t, NOBODY_AT_ALL, try_as_powerless_root));
}

TEST_F_TIMEOUT(security, descriptor_that_is_passed_on, LIMIT_S)
{
	const struct kvmeter_vm *vms = self->meter.map[KVMETER_MAP_VMS];
	const struct kvmeter_vm *vm = meter_vm(&self->meter, self->vm.fd);
	struct kvmeter_quota quota = {
		.abi = KVMETER_ABI,
		.vm = (uint32_t)(vm - vms),
		.vm_gen = vm->gen,
		.bytes_per_s = 1 << 20,
	};
	struct target t = { .vm = &self->vm };
	struct kvmeter_audit a;

	/* Behind what there is already. */
	t.dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, t.dev);
	while (read(t.dev, &a, sizeof(a)) > 0)
		;
	ASSERT_EQ(0, ioctl(self->meter.dev, KVMETER_QUOTA, &quota));
	EXPECT_EQ(0, try_as(&t, NOBODY_AT_ALL, read_log));
	close(t.dev);
}

static int mode_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) || st.st_uid || st.st_gid)
		return -1;
	return st.st_mode & 07777;
}

/* How many files of a directory, and of those below, do not have that mode; @nr: files there. */
static int count_other_modes(const char *dir, int mode, int dir_mode, unsigned int *nr)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *d = opendir(dir);
	int bad = !d || mode_of(dir) != dir_mode;

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR) {
			bad += count_other_modes(path, mode, dir_mode, nr);
			continue;
		}
		++*nr;
		bad += mode_of(path) != mode;
	}
	if (d)
		closedir(d);
	return bad;
}

TEST_F_TIMEOUT(security, modes_of_files, LIMIT_S)
{
	static const struct {
		const char *name;
		int mode;
	} parameter[] = {
		{ "max_vms", 0444 },	 { "max_vcpus", 0444 },	      { "attribution", 0444 },
		{ "subreasons", 0644 },	 { "autoconverge", 0644 },    { "max_sessions", 0644 },
		{ "session_mib", 0644 }, { "throttle_max_us", 0644 },
	};
	char path[PATH_MAX];
	unsigned int i, nr = 0;
	struct stat st;

	ASSERT_EQ(0, stat(DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, mode_of(DEVICE));

	/* status, metrics, log, 4 tables of the host, 8 of the VM */
	EXPECT_EQ(0, count_other_modes(DEBUGFS, 0400, 0755, &nr));
	EXPECT_EQ(15, nr);
	EXPECT_EQ(0700, mode_of("/sys/kernel/debug"));

	nr = 0;
	EXPECT_EQ(0, count_other_modes(PINS, 0600, 0700, &nr));
	EXPECT_EQ(MAPS_NR, nr);

	for (i = 0; i < ARRAY_SIZE(parameter); i++) {
		snprintf(path, sizeof(path), PARAMETERS "/%s", parameter[i].name);
		EXPECT_EQ(parameter[i].mode, mode_of(path));
	}
	nr = 0;
	count_other_modes(PARAMETERS, 0, 0, &nr);
	EXPECT_EQ(ARRAY_SIZE(parameter), nr);
}

/* Where the kernel is, if page tables have 5 levels too; but not the numbers just below 0. */
static bool is_address(uint64_t value)
{
	return value >= 0xff00000000000000 && value < 0xffffffffff000000;
}

static unsigned int count_addresses(const void *from, size_t bytes)
{
	const uint64_t *word = from;
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		nr += is_address(word[i]);
	return nr;
}

/* The same in a text, in whatever way a number may be written. */
static unsigned int count_addresses_in_text(const char *text)
{
	unsigned int nr = 0;
	char *end;

	while (*text) {
		if (!isalnum((unsigned char)*text)) {
			text++;
			continue;
		}
		nr += is_address(strtoull(text, &end, 10)) && !isalnum((unsigned char)*end);
		nr += is_address(strtoull(text, &end, 16)) && !isalnum((unsigned char)*end);
		while (isalnum((unsigned char)*text))
			text++;
	}
	return nr;
}

/* In each file of a directory, and of those below. @bytes: read */
static unsigned int count_addresses_in_files(const char *dir, size_t *bytes)
{
	static char text[1 << 20];
	unsigned int nr = 0;
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		size_t len = 0;
		ssize_t ret;
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR) {
			nr += count_addresses_in_files(path, bytes);
			continue;
		}
		fd = open(path, O_RDONLY | O_CLOEXEC);
		while (fd >= 0 && (ret = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
			len += (size_t)ret;
		close(fd);
		text[len] = '\0';
		*bytes += len;
		nr += count_addresses_in_text(text);
	}
	if (d)
		closedir(d);
	return nr;
}

TEST_F_TIMEOUT(security, no_kernel_address, LIMIT_S)
{
	static const uint64_t planted[] = { 1, 0xff11000012345678, 0xffffffff81000000, ~0ULL };
	struct kvmeter_host host;
	struct session session;
	struct kvmeter_audit a;
	const char *text = "a 0xff11000012345678,ffffc90000000010 18446683600570023936 - 18";
	size_t bytes = 0;
	int i, ret, dev;

	/* It finds what there is. */
	EXPECT_EQ(2, count_addresses(planted, sizeof(planted)));
	EXPECT_EQ(3, count_addresses_in_text(text));

	ASSERT_EQ(0, meter_set_param("subreasons", "1"));
	ret = session_start(&session, self->meter.dev, self->vm.fd, 0, KVMETER_INTERVAL_MIN_NS);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_out, EVENTS, VMM_PORT, 0));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_write, 1, VMM_DATA_ADDR, 0));
	ASSERT_EQ(0, session_wait_intervals(&session, &self->meter, 2));

	EXPECT_EQ(0, count_addresses_in_files(DEBUGFS, &bytes));
	EXPECT_LT(4096, bytes);
	/* A difference of two clocks that may be less than 0 is the one number to leave out. */
	host = *meter_host(&self->meter);
	host.mono_offset_ns = 0;
	EXPECT_EQ(0, count_addresses(&host, sizeof(host)));
	for (i = KVMETER_MAP_INDEX; i < MAPS_NR; i++)
		EXPECT_EQ(0, count_addresses(self->meter.map[i], self->meter.bytes[i]));
	dev = open(DEVICE, O_RDONLY | O_CLOEXEC);
	while (read(dev, &a, sizeof(a)) > 0)
		EXPECT_EQ(0, count_addresses(&a, sizeof(a)));
	close(dev);
	EXPECT_EQ(0, session_stop(&session));
	EXPECT_EQ(0, meter_set_param("subreasons", "0"));
}

static void scribble(const struct meter *m, int first, uint64_t seed)
{
	int i;

	for (i = first; i < MAPS_NR; i++) {
		uint64_t *word =
			mmap(NULL, m->bytes[i], PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[i], 0);
		size_t k;

		for (k = 0; word != MAP_FAILED && k < m->bytes[i] / sizeof(*word); k++) {
			if (seed)
				seed = seed * 6364136223846793005 + 1442695040888963407;
			word[k] = seed ? seed : ~0ULL;
		}
		if (word != MAP_FAILED)
			munmap(word, m->bytes[i]);
	}
}

/*
 * Who may write to pinned maps, root, may have the counts be what he likes; but the module only
 * writes there, and believes nothing of it. Nor does the reader end otherwise than it should.
 */
TEST_F_TIMEOUT(security, maps_that_are_written_to, LIMIT_S)
{
	static const char *const command[] = { "exits --json", "list --by vcpu", "steal --matrix",
					       "dirty",	       "migrate",	 "ledger" };
	const uint32_t reason = reason_of(VMX_CPUID, SVM_CPUID);
	struct meter_vcpu copy;
	struct session session;
	struct meter fresh;
	size_t bytes = 0;
	struct vmm other;
	unsigned int i;
	uint64_t seed;
	int status;

	/* All ones, and two of all kinds. */
	for (seed = 0; seed < 3; seed++) {
		scribble(&self->meter, KVMETER_MAP_HOST, seed);
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
		count_addresses_in_files(DEBUGFS, &bytes);
		ASSERT_EQ(0, vmm_init(&other, 2, 1));
		ASSERT_EQ(0,
			  session_start(&session, self->meter.dev, other.fd, 0,
					KVMETER_INTERVAL_MIN_NS));
		scribble(&self->meter, KVMETER_MAP_VMS, seed);
		ASSERT_EQ(0, vmm_run(&other.vcpu[0], vmm_guest_write, 1, VMM_DATA_ADDR, 0));
		ASSERT_EQ(0, vmm_run(&other.vcpu[1], vmm_guest_cpuid, EVENTS, 0, 0));
		for (i = 0; i < ARRAY_SIZE(command); i++) {
			status = run_reader(command[i]);
			EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		}
		count_addresses_in_files(DEBUGFS, &bytes);
		vmm_exit(&other);
	}
	EXPECT_LT(4096, bytes);

	/* In other maps, a VM that comes now is counted as ever. */
	ASSERT_EQ(0, ioctl(self->meter.dev, KVMETER_DETACH, 0));
	ASSERT_EQ(0, meter_open(&fresh));
	ASSERT_EQ(0, vmm_init(&other, 1, 1));
	ASSERT_EQ(0, vmm_run(&other.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&fresh, other.fd, 0, &copy));
	EXPECT_EQ(EVENTS, meter_count(&copy, reason));
	EXPECT_EQ(2, meter_used(&fresh, false));
	EXPECT_EQ(2, meter_used(&fresh, true));
	EXPECT_EQ(getpid(), meter_vm(&fresh, self->vm.fd)->pid);
	vmm_exit(&other);
	meter_close(&fresh);
}

/* But for what caches, and KASAN, keep back. */
static int64_t memory_kib(void)
{
	residue_shrink_slabs();
	return host_memory_kib();
}

/* Whatever a guest does is counted as its own, in as many rows as there are for it. */
TEST_F_TIMEOUT(security, guest_changes_its_own_counts_only, LIMIT_S)
{
	const uint32_t reason = reason_of(VMX_CPUID, SVM_CPUID);
	struct meter_vcpu before, after, copy;
	struct vmm hostile;
	uint32_t port;
	int64_t kib;

	ASSERT_EQ(0, meter_set_param("subreasons", "1"));
	ASSERT_EQ(0, vmm_init(&hostile, 1, PORTS));
	ASSERT_EQ(0, vmm_run(&hostile.vcpu[0], vmm_guest_cpuid, EVENTS, 0, 0));
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &before));
	kib = memory_kib();
	ASSERT_LT(0, kib);
	for (port = 0; port < PORTS; port++)
		ASSERT_EQ(0, vmm_run(&hostile.vcpu[0], vmm_guest_out, 3, 0x4000 + port, 0));
	ASSERT_EQ(0, vmm_run(&hostile.vcpu[0], vmm_guest_write, PORTS, VMM_DATA_ADDR, 0));
	ASSERT_EQ(0, vmm_run(&hostile.vcpu[0], vmm_guest_hlt, EVENTS, 0, 0));
	EXPECT_GT(GROWTH_MAX_KIB, memory_kib() - kib);

	ASSERT_EQ(0, meter_read(&self->meter, hostile.fd, 0, &copy));
	EXPECT_EQ(EVENTS, meter_count(&copy, reason));
	EXPECT_EQ(KVMETER_SUB_ROWS, copy.v.nr_subs);
	EXPECT_GE(KVMETER_EXIT_ROWS, copy.v.nr_rows);
	EXPECT_GE(KVMETER_THIEF_ROWS, copy.v.nr_thieves);
	ASSERT_EQ(0, meter_read(&self->meter, self->vm.fd, 0, &after));
	EXPECT_EQ(0, memcmp(before.rows, after.rows, sizeof(before.rows)));
	EXPECT_EQ(0, memcmp(before.subs, after.subs, sizeof(before.subs)));
	EXPECT_EQ(before.v.exits, after.v.exits);
	vmm_exit(&hostile);
	EXPECT_EQ(0, meter_set_param("subreasons", "0"));
}

/* VMs that come and go, some of them when they have just begun. */
static void use_kvm(const struct target *t)
{
	struct vmm vm;
	unsigned int i;

	MUST(open_errno(DEVICE, O_RDWR) == EACCES);
	for (i = 0; i < VMS; i++) {
		MUST(vmm_init(&vm, 1 + i % 2, 1) == 0);
		if (i % 3)
			MUST(vmm_run(&vm.vcpu[0], vmm_guest_cpuid, 1 + i, 0, 0) == 0);
		if (i % 5 == 1)
			MUST(vmm_set_log(&vm, true) == 0);
		vmm_exit(&vm);
	}
	MUST(t->vm);
}

/* Who may use KVM has VMs counted, and nothing is left of them: no record, no memory, no line. */
TEST_F_TIMEOUT(security, users_of_kvm_leave_nothing, LIMIT_S)
{
	struct target t = { .vm = &self->vm };
	uint64_t seen = meter_host(&self->meter)->vms_seen;
	struct stat st;
	int64_t kib;

	ASSERT_EQ(0, stat(KVM, &st));
	ASSERT_EQ(0, chmod(KVM, 0666));
	EXPECT_EQ(0, try_as(&t, NOBODY_AT_ALL, use_kvm));
	EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
	kib = memory_kib();
	ASSERT_LT(0, kib);
	EXPECT_EQ(0, try_as(&t, NOBODY_AT_ALL, use_kvm));
	EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
	EXPECT_GT(GROWTH_MAX_KIB, memory_kib() - kib);
	EXPECT_EQ(seen + 2 * VMS, meter_host(&self->meter)->vms_seen);
	EXPECT_EQ(0, chmod(KVM, st.st_mode & 07777));
}

TEST_HARNESS_MAIN
