// SPDX-License-Identifier: GPL-2.0-only
/* What tests do with the host's kernel: see host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <kselftest.h>

#include "vmm.h"

#define MODULE "kvmeter"
#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/enabled"
#define LOG_WARNING 4
#define WAIT_STEP_US 10000
#define WAIT_STEPS 1000
#define COUNTED_TIMES 4
#define WAIT_SLACK_NS 500000
/* An instance of its own: tests do not meddle with what others trace. */
#define INSTANCE "/sys/kernel/tracing/instances/kvmeter-selftest"
#define TRACING "/sys/kernel/tracing"
#define SYNTHETIC TRACING "/synthetic_events"
#define LATENCY "kvmeter_selftest"
#define HIST_BEGIN "hist:keys=common_pid:ts0=common_timestamp"
#define HIST_END \
	"hist:keys=common_pid:lat=common_timestamp-$ts0:onmatch(kvm.kvm_exit)." LATENCY "($lat)"
#define TRIGGER INSTANCE "/events/kvm/kvm_exit/trigger"
#define HIST INSTANCE "/events/kvm/kvm_exit/hist"

char *host_beside(const char *env, const char *name, char *path, size_t size)
{
	const char *other = env ? getenv(env) : NULL;
	char self[PATH_MAX / 2];
	ssize_t len;

	if (other) {
		snprintf(path, size, "%s", other);
		return path;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	/* Without /proc it is looked for from the current directory. */
	self[len < 0 ? 0 : len] = '\0';
	snprintf(path, size, "%s/../%s", dirname(self), name);
	return path;
}

void host_exec_reader(const char *command, const char *arg1, const char *arg2)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[PATH_MAX];

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execl(host_beside("KVMETER", "bpf/kvmeter", path, sizeof(path)), "kvmeter", command, arg1,
	      arg2, NULL);
	_exit(2);
}

int host_open_module(void)
{
	char path[PATH_MAX];
	int fd;

	host_beside("KVMETER_KO", MODULE ".ko", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int host_load(const char *params)
{
	int fd = host_open_module();
	int ret;

	if (fd < 0)
		return fd;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int host_read_module(char **image, size_t *bytes)
{
	int fd = host_open_module();
	struct stat st;
	size_t done;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st)) {
		close(fd);
		return -errno;
	}
	*bytes = st.st_size;
	*image = malloc(*bytes);
	for (done = 0; *image && done < *bytes; done += n) {
		n = read(fd, *image + done, *bytes - done);
		if (n <= 0)
			break;
	}
	close(fd);
	if (!*image)
		return -ENOMEM;
	return done == *bytes ? 0 : -EIO;
}

int host_load_image(const char *image, size_t bytes, const char *params)
{
	return syscall(SYS_init_module, image, bytes, params) ? -errno : 0;
}

int host_unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

bool host_is_loaded(void)
{
	return !access("/sys/module/" MODULE "/refcnt", F_OK);
}

int host_log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	return fd;
}

/* Remarks on an unsigned module of another tree, and on a host that is slow. */
static bool is_noise(const char *body)
{
	return strstr(body, "taint") || strstr(body, "hrtimer: interrupt took");
}

static bool has_kcsan(void)
{
	const char *flavour = getenv("KVMETER_FLAVOUR");

	return flavour && !strcmp(flavour, "kcsan");
}

int host_log_next(int fd, char *text, size_t size)
{
	char record[8192];
	ssize_t len;
	char *body;

	*text = '\0';
	for (;;) {
		len = read(fd, record, sizeof(record) - 1);
		/* Messages were overwritten before they were read. */
		if (len < 0 && errno == EPIPE) {
			snprintf(text, size, "kernel messages were lost");
			return 1;
		}
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		record[len] = '\0';
		body = strchr(record, ';');
		if (!body || is_noise(body))
			continue;
		/*
		 * The level is in the low three bits of the number in front. KCSAN warns of races
		 * that the kernel has by itself; what else there is to be warned of the lab sees.
		 */
		if ((!has_kcsan() && (strtoul(record, NULL, 10) & 7) <= LOG_WARNING) ||
		    strstr(body, MODULE)) {
			snprintf(text, size, "%s", body + 1);
			return 1;
		}
	}
}

int host_write(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int wait_access(const char *path, bool there)
{
	int i;

	for (i = 0; !access(path, F_OK) != there; i++) {
		if (i == WAIT_STEPS)
			return -ETIMEDOUT;
		usleep(WAIT_STEP_US);
	}
	return 0;
}

int host_wait_file(const char *path)
{
	return wait_access(path, true);
}

int host_wait_gone(const char *path)
{
	return wait_access(path, false);
}

int host_read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	int ret = 0;

	*line = '\0';
	if (!f)
		return -errno;
	if (!fgets(line, (int)size, f))
		ret = -EIO;
	line[strcspn(line, "\n")] = '\0';
	fclose(f);
	return ret;
}

static int64_t parse_number(const char *text)
{
	char *end;
	int64_t number = strtoll(text, &end, 0);

	return end == text ? -EPROTO : number;
}

int64_t host_read_number(const char *path, const char *key)
{
	size_t len = key ? strlen(key) : 0;
	int64_t number = -ENOENT;
	char line[256];
	FILE *f;

	if (!key) {
		int ret = host_read_line(path, line, sizeof(line));

		return ret ? ret : parse_number(line);
	}
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (number == -ENOENT && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len) && (line[len] == ':' || line[len] == ' '))
			number = parse_number(line + len + 1);
	fclose(f);
	return number;
}

int64_t host_memory_kib(void)
{
	static const char *const name[] = { "Slab", "VmallocUsed", "Percpu" };
	int64_t kib, sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		kib = host_read_number("/proc/meminfo", name[i]);
		if (kib < 0)
			return kib;
		sum += kib;
	}
	return sum;
}

static void read_file(int dir, const char *name)
{
	char text[4096];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

static void read_tree(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_DIR)
			read_tree(fd, entry->d_name);
		else
			read_file(fd, entry->d_name);
	}
	closedir(dir);
}

void host_read_tree(const char *path)
{
	read_tree(AT_FDCWD, path);
}

static int write_trigger(const char *prefix, pid_t tid)
{
	char text[96];

	snprintf(text, sizeof(text), "%shist:keys=exit_reason if common_pid == %d", prefix, tid);
	return host_write(TRIGGER, 0, text);
}

int host_trace_start(struct host_trace *trace)
{
	int ret;

	memset(trace, 0, sizeof(*trace));
	trace->tid = gettid();
	/* One that a killed test left behind has counts in it. */
	rmdir(INSTANCE);
	if (mkdir(INSTANCE, 0700))
		return -errno;
	ret = write_trigger("", trace->tid);
	if (ret)
		rmdir(INSTANCE);
	return ret;
}

static int parse_hist(struct host_trace *trace)
{
	unsigned long long reason, count;
	char line[256];
	FILE *f;
	int ret = 0;

	trace->dropped = UINT64_MAX;
	f = fopen(HIST, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " Dropped: %" SCNu64, &trace->dropped) == 1)
			continue;
		if (sscanf(line, "{ exit_reason: %llu } hitcount: %llu", &reason, &count) != 2)
			continue;
		if (trace->nr == HOST_REASONS_MAX) {
			ret = -E2BIG;
			break;
		}
		/* On VMX flags are above the basic reason, which kvmeter has. */
		trace->reason[trace->nr] = vmm_is_intel() ? reason & 0xffff : reason;
		trace->count[trace->nr++] = count;
	}
	fclose(f);
	return ret;
}

int host_trace_stop(struct host_trace *trace)
{
	int ret = parse_hist(trace);
	int err = write_trigger("!", trace->tid);

	if (!err && rmdir(INSTANCE))
		err = -errno;
	return ret ? ret : err;
}

uint64_t host_trace_count(const struct host_trace *trace, uint32_t reason)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < trace->nr; i++)
		if (trace->reason[i] == reason)
			count += trace->count[i];
	return count;
}

/*
 * An exit leaves its time in a variable of its histogram; the entry that finds one there makes an
 * event of our own of the difference, and that has a histogram.
 */
int host_latency_start(struct host_latency *latency, uint32_t reason)
{
	char begin[128], end[128];
	int ret;

	memset(latency, 0, sizeof(*latency));
	latency->tid = gettid();
	latency->reason = reason;
	snprintf(begin, sizeof(begin), HIST_BEGIN " if exit_reason == %u && common_pid == %d",
		 reason, latency->tid);
	snprintf(end, sizeof(end), HIST_END " if common_pid == %d", latency->tid);
	ret = host_write(SYNTHETIC, O_APPEND, LATENCY " u64 lat");
	if (!ret)
		ret = host_write(TRACING "/events/synthetic/" LATENCY "/trigger", 0,
				 "hist:keys=lat.log2:vals=lat");
	if (!ret)
		ret = host_write(TRACING "/events/kvm/kvm_exit/trigger", 0, begin);
	if (!ret)
		ret = host_write(TRACING "/events/kvm/kvm_entry/trigger", 0, end);
	return ret;
}

static int parse_latency(struct host_latency *latency)
{
	unsigned long long count, total_ns;
	unsigned int log2;
	char line[256];
	FILE *f;

	f = fopen(TRACING "/events/synthetic/" LATENCY "/hist", "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "{ lat: ~ 2^%u } hitcount: %llu lat: %llu", &log2, &count,
			   &total_ns) != 3)
			continue;
		latency->total_ns += total_ns;
		/* Rounded up: 2^n is (2^(n-1), 2^n]. */
		if (log2 < KVMETER_HIST_BUCKETS)
			latency->hist.bucket[log2] += count;
		else
			latency->hist.bucket[KVMETER_HIST_BUCKETS - 1] += count;
	}
	fclose(f);
	return 0;
}

int host_latency_stop(struct host_latency *latency)
{
	int ret = parse_latency(latency);

	/* In the order in which they need each other. */
	host_write(TRACING "/events/kvm/kvm_entry/trigger", O_TRUNC, "");
	host_write(TRACING "/events/kvm/kvm_exit/trigger", O_TRUNC, "");
	host_write(TRACING "/events/synthetic/" LATENCY "/trigger", O_TRUNC, "");
	return ret ? ret : host_write(SYNTHETIC, O_APPEND, "!" LATENCY);
}

bool host_logs_pages(void)
{
	char on[8];

	host_read_line("/sys/module/kvm_intel/parameters/pml", on, sizeof(on));
	return on[0] == 'Y';
}

unsigned int host_slowness(void)
{
	const char *slow = getenv("KVMETER_SLOW");
	int times = slow ? atoi(slow) : 1;

	return times > 1 ? (unsigned int)times : 1;
}

bool host_is_long(void)
{
	const char *wanted = getenv("KVMETER_LONG");

	return wanted && *wanted && strcmp(wanted, "0");
}

bool host_allow_huge_pages(void)
{
	char mode[64];

	host_read_line(HUGE_PAGES, mode, sizeof(mode));
	return strstr(mode, "[never]") && !host_write(HUGE_PAGES, 0, "madvise");
}

void host_forbid_huge_pages(void)
{
	host_write(HUGE_PAGES, 0, "never");
}

int host_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

int host_run_delay_open(void)
{
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

uint64_t host_run_delay_ns(int fd)
{
	char text[80];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	uint64_t ns;

	if (len <= 0)
		return UINT64_MAX;
	text[len] = '\0';
	return sscanf(text, "%*u %" SCNu64, &ns) == 1 ? ns : UINT64_MAX;
}

uint64_t host_wait_slack_ns(void)
{
	return host_slowness() > 1 ? WAIT_SLACK_NS : 0;
}

uint64_t host_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void host_compute(uint64_t ns)
{
	uint64_t begin_ns = host_now_ns();

	while (host_now_ns() - begin_ns < ns)
		;
}

/*
 * In place of the C library's: the harness limits the time of a test case by it. On a kernel with
 * checkers everything takes longer: $KVMETER_SLOW times that. And where the clock counts
 * instructions, as on the Intel leg, to load a module takes seconds by it.
 */
unsigned int alarm(unsigned int seconds)
{
	struct itimerval new = { .it_value.tv_sec = seconds }, old;
	const char *leg = getenv("KVMETER_LEG");

	new.it_value.tv_sec *= host_slowness();
	if (leg && !strcmp(leg, "intel"))
		new.it_value.tv_sec *= COUNTED_TIMES;
	setitimer(ITIMER_REAL, &new, &old);
	return old.it_value.tv_sec;
}
