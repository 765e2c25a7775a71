// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads example_steal.bpf.c, prints what it tells, and with --nice acts on it: an example to copy.
 *
 *   example_steal [--threshold PERCENT] [--window MS] [--nice N]
 *
 *   -t, --threshold PERCENT   of a window that a vCPU has to wait to be told of (default 20)
 *   -w, --window MS           length of a window (default 1000)
 *   -n, --nice N              give its thread this nice value, until this program ends; by default
 *                             nothing is changed
 *
 * Needs root and maps that are attached (kvmeter attach). Prints "watching" once it does, and a
 * line for each vCPU and window; ends with ^C or SIGTERM, or when the maps are no more those of the
 * module.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example_steal.h"
#include "example_steal.skel.h"

#define PIN_DIR "/sys/fs/bpf/kvmeter/"
#define THREADS_MAX 1024
#define POLL_MS 200

struct options {
	unsigned int threshold_pct, window_ms;
	bool act;
	int nice;
};

/* A thread whose nice value was changed, and what it was. */
struct changed {
	unsigned int pid, tid;
	int nice;
};

static struct changed changed[THREADS_MAX];
static unsigned int changed_nr;
static atomic_bool ended;

static void end(int number)
{
	(void)number;
	ended = true;
}

/*
 * A tid may be that of another thread by now: it is touched only while it is one of the VMM's. What
 * remains is the moment between this and the call that follows.
 */
static bool is_thread_of(unsigned int pid, unsigned int tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task/%u", pid, tid);
	return !access(path, F_OK);
}

static bool is_changed(unsigned int tid)
{
	unsigned int i;

	for (i = 0; i < changed_nr; i++) {
		if (changed[i].tid == tid)
			return true;
	}
	return false;
}

/* The action. One thread is acted on once, and only if that can be taken back. */
static void raise_thread(const struct example_event *event, int nice)
{
	int before;

	if (changed_nr == THREADS_MAX || is_changed(event->tid) ||
	    !is_thread_of(event->pid, event->tid))
		return;
	errno = 0;
	before = getpriority(PRIO_PROCESS, event->tid);
	if (errno || setpriority(PRIO_PROCESS, event->tid, nice)) {
		warn("thread %u", event->tid);
		return;
	}
	changed[changed_nr++] = (struct changed){ event->pid, event->tid, before };
	printf("%s vcpu %u: nice %d, was %d\n", event->id, event->vcpu_id, nice, before);
}

static void take_back(void)
{
	unsigned int i;

	for (i = 0; i < changed_nr; i++) {
		if (is_thread_of(changed[i].pid, changed[i].tid))
			setpriority(PRIO_PROCESS, changed[i].tid, changed[i].nice);
	}
}

/* Called for each event. The id is the module's own text, not the VMM's: safe to print. */
static int show(void *ctx, void *data, size_t size)
{
	const struct options *options = ctx;
	const struct example_event *event = data;

	if (size < sizeof(*event))
		return 0;
	printf("%s vcpu %u tid %u: waited %.1f %% of %.3f s\n", event->id, event->vcpu_id,
	       event->tid, 100.0 * event->steal_ns / event->window_ns, event->window_ns / 1e9);
	if (options->act)
		raise_thread(event, options->nice);
	fflush(stdout);
	return 0;
}

/* The BPF id of a map, which no other has for as long as the system runs. */
static unsigned int map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* Put the pinned map in the place of the one that the object declares. */
static void reuse(struct bpf_map *map)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), PIN_DIR "%s", bpf_map__name(map));
	fd = bpf_obj_get(path);
	if (fd < 0)
		err(1, "%s: is the module loaded, and 'kvmeter attach' done?", path);
	if (bpf_map__reuse_fd(map, fd))
		errx(1, "%s is not what it should be", path);
	close(fd);
}

/*
 * Are the maps still those that the module writes to? The device is not kept open: an open one
 * keeps the module from being unloaded.
 */
static bool is_attached(int vcpus)
{
	struct kvmeter_info info;
	int dev = open("/dev/kvmeter", O_RDWR | O_CLOEXEC), ret;

	if (dev < 0)
		return false;
	ret = ioctl(dev, KVMETER_GET_INFO, &info);
	close(dev);
	return !ret && info.abi == KVMETER_ABI && info.map[KVMETER_MAP_VCPUS].id == map_id(vcpus);
}

static struct example_steal_bpf *load(const struct options *options)
{
	struct example_steal_bpf *skel = example_steal_bpf__open();

	if (!skel)
		err(1, "cannot open the BPF object");
	reuse(skel->maps.kvmeter_host);
	reuse(skel->maps.kvmeter_vms);
	reuse(skel->maps.kvmeter_vcpus);
	bpf_map__set_max_entries(skel->maps.seen, bpf_map__max_entries(skel->maps.kvmeter_vcpus));
	skel->rodata->threshold_pct = options->threshold_pct;
	if (example_steal_bpf__load(skel))
		errx(1, "the kernel did not take the BPF program");
	if (!is_attached(bpf_map__fd(skel->maps.kvmeter_vcpus)))
		errx(1, "the pinned maps are not those of the module: see 'kvmeter attach'");
	return skel;
}

/* A clock of the kernel's, on one CPU, calls the program; it does so as well while that idles. */
static void attach(struct example_steal_bpf *skel, unsigned int window_ms)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = window_ms * 1000000ULL,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		err(1, "perf_event_open");
	skel->links.look = bpf_program__attach_perf_event(skel->progs.look, fd);
	if (!skel->links.look)
		err(1, "the BPF program got no event");
}

static unsigned int number(const char *text, unsigned int min, unsigned int max)
{
	char *rest;
	unsigned long value = strtoul(text, &rest, 10);

	if (rest == text || *rest || value < min || value > max)
		errx(64, "'%s' is not from %u to %u", text, min, max);
	return (unsigned int)value;
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "threshold", required_argument, NULL, 't' },
		{ "window", required_argument, NULL, 'w' },
		{ "nice", required_argument, NULL, 'n' },
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "t:w:n:", names, NULL)) != -1) {
		if (option == 't') {
			options->threshold_pct = number(optarg, 1, 100);
		} else if (option == 'w') {
			options->window_ms = number(optarg, 10, 60000);
		} else if (option == 'n') {
			options->act = true;
			options->nice = *optarg == '-' ? -(int)number(optarg + 1, 1, 20)
						       : (int)number(optarg, 0, 19);
		} else {
			exit(64);
		}
	}
	if (optind < argc)
		errx(64, "what is '%s'?", argv[optind]);
}

int main(int argc, char **argv)
{
	struct options options = { .threshold_pct = 20, .window_ms = 1000 };
	struct sigaction action = { .sa_handler = end };
	struct example_steal_bpf *skel;
	struct ring_buffer *ring;
	int vcpus, ret = 0;

	parse(argc, argv, &options);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	skel = load(&options);
	vcpus = bpf_map__fd(skel->maps.kvmeter_vcpus);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), show, &options, NULL);
	if (!ring)
		err(1, "cannot map the ring buffer");
	attach(skel, options.window_ms);
	puts("watching");
	fflush(stdout);
	while (!ended) {
		if (ring_buffer__poll(ring, POLL_MS) < 0 && errno != EINTR)
			break;
		if (!is_attached(vcpus)) {
			warnx("the module is gone, or has other maps");
			ret = 1;
			break;
		}
	}
	take_back();
	if (skel->bss->lost)
		printf("%llu events were lost\n", (unsigned long long)skel->bss->lost);
	ring_buffer__free(ring);
	example_steal_bpf__destroy(skel);
	return ret;
}
