// SPDX-License-Identifier: GPL-2.0-only
/* Creates the maps and hands them to the module, or opens those it has, and maps their memory. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kvmeter.skel.h"
#include "reader.h"

/* How often maps may be attached or detached by somebody else while this process opens them. */
#define OPEN_TRIES 5

const char *const kvmeter_map_names[KVMETER_MAP_NR] = {
	[KVMETER_MAP_HOST] = "kvmeter_host",
	[KVMETER_MAP_INDEX] = "kvmeter_index",
	[KVMETER_MAP_VMS] = "kvmeter_vms",
	[KVMETER_MAP_VCPUS] = "kvmeter_vcpus",
	[KVMETER_MAP_EXITS] = "kvmeter_exits",
	[KVMETER_MAP_SUBS] = "kvmeter_subs",
	[KVMETER_MAP_STEAL] = "kvmeter_steal",
	[KVMETER_MAP_DIRTY] = "kvmeter_dirty",
	[KVMETER_MAP_MIGRATIONS] = "kvmeter_migrations",
};

/* The last thing libbpf said, for the one line that is printed if it fails. */
static char libbpf_text[256];

static int keep_libbpf_text(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[sizeof(libbpf_text)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	kvmeter_escape_text(text, libbpf_text, sizeof(libbpf_text));
	return 0;
}

static void fail_libbpf(const char *what, int error)
{
	errx(1, "%s: %s%s%s", what, strerror(error < 0 ? -error : error),
	     libbpf_text[0] ? ": " : "", libbpf_text);
}

static void close_fds(const int *fds)
{
	unsigned int i;

	for (i = 0; i < KVMETER_MAP_NR; i++)
		close(fds[i]);
}

static void create_maps(const struct kvmeter_info *info, int *fds)
{
	struct kvmeter_bpf *skel;
	struct bpf_map *map;
	unsigned int i;
	int error;

	libbpf_set_print(keep_libbpf_text);
	skel = kvmeter_bpf__open();
	if (!skel)
		fail_libbpf("cannot open the built-in BPF object", errno);
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		map = bpf_object__find_map_by_name(skel->obj, kvmeter_map_names[i]);
		error = map ? bpf_map__set_max_entries(map, info->map[i].max_entries) : -ENOENT;
		if (error)
			fail_libbpf(kvmeter_map_names[i], error);
	}
	error = kvmeter_bpf__load(skel);
	if (error)
		fail_libbpf("cannot create the BPF maps", error);
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		map = bpf_object__find_map_by_name(skel->obj, kvmeter_map_names[i]);
		fds[i] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
		if (fds[i] < 0)
			err(1, "cannot keep the BPF maps");
	}
	kvmeter_bpf__destroy(skel);
}

/* False if somebody else attached maps meanwhile. */
static bool attach_maps(int dev, const int *fds)
{
	struct kvmeter_attach attach = { .abi = KVMETER_ABI };

	memcpy(attach.fd, fds, KVMETER_MAP_NR * sizeof(*fds));
	if (!ioctl(dev, KVMETER_ATTACH, &attach))
		return true;
	if (errno != EBUSY)
		err(1, "the module did not take the maps");
	return false;
}

/* False if somebody else detached them meanwhile. */
static bool open_by_id(const struct kvmeter_info *info, int *fds)
{
	unsigned int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		fds[i] = bpf_map_get_fd_by_id(info->map[i].id);
		if (fds[i] >= 0)
			continue;
		if (errno != ENOENT)
			err(1, "cannot open the attached map %s", kvmeter_map_names[i]);
		while (i--)
			close(fds[i]);
		return false;
	}
	return true;
}

static void get_fds(int dev, struct kvmeter_maps *maps, int *fds)
{
	unsigned int tries;

	for (tries = 0; tries < OPEN_TRIES; tries++) {
		kvmeter_device_get_info(dev, &maps->info);
		if (maps->info.attached) {
			if (open_by_id(&maps->info, fds))
				return;
			continue;
		}
		create_maps(&maps->info, fds);
		if (attach_maps(dev, fds)) {
			maps->created = true;
			kvmeter_device_get_info(dev, &maps->info);
			return;
		}
		close_fds(fds);
	}
	errx(1, "the maps are attached and detached all the time by another process");
}

/* A map smaller than the module says would be read beyond its end. */
static const void *map_memory(int fd, enum kvmeter_map which, const struct kvmeter_info *want)
{
	const struct kvmeter_map_info *size = &want->map[which];
	struct bpf_map_info is = {};
	__u32 len = sizeof(is);
	void *mem;

	if (bpf_obj_get_info_by_fd(fd, &is, &len))
		err(1, "%s", kvmeter_map_names[which]);
	if (is.type != BPF_MAP_TYPE_ARRAY || is.value_size != size->value_size ||
	    is.max_entries != size->max_entries)
		errx(1, "%s is not the map that the module describes", kvmeter_map_names[which]);
	mem = mmap(NULL, (size_t)is.value_size * is.max_entries, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		err(1, "cannot map %s", kvmeter_map_names[which]);
	return mem;
}

/**
 * kvmeter_maps_open - attach maps to the module or open the attached ones, pin and map them
 * @maps: filled
 *
 * Ends the program if that cannot be done. The lock keeps one reader from removing the pins that
 * another one makes; it goes with the descriptor.
 */
void kvmeter_maps_open(struct kvmeter_maps *maps)
{
	int dev = kvmeter_device_open();
	int fds[KVMETER_MAP_NR];

	memset(maps, 0, sizeof(*maps));
	if (flock(dev, LOCK_EX))
		err(1, "cannot lock the module's device");
	kvmeter_device_get_info(dev, &maps->info);
	kvmeter_pins_check_fs();
	get_fds(dev, maps, fds);
	kvmeter_pins_add(fds, &maps->info);
	close(dev);

	maps->host = map_memory(fds[KVMETER_MAP_HOST], KVMETER_MAP_HOST, &maps->info);
	maps->index = map_memory(fds[KVMETER_MAP_INDEX], KVMETER_MAP_INDEX, &maps->info);
	maps->vms = map_memory(fds[KVMETER_MAP_VMS], KVMETER_MAP_VMS, &maps->info);
	maps->vcpus = map_memory(fds[KVMETER_MAP_VCPUS], KVMETER_MAP_VCPUS, &maps->info);
	maps->exits = map_memory(fds[KVMETER_MAP_EXITS], KVMETER_MAP_EXITS, &maps->info);
	maps->subs = map_memory(fds[KVMETER_MAP_SUBS], KVMETER_MAP_SUBS, &maps->info);
	maps->thieves = map_memory(fds[KVMETER_MAP_STEAL], KVMETER_MAP_STEAL, &maps->info);
	maps->dirty = map_memory(fds[KVMETER_MAP_DIRTY], KVMETER_MAP_DIRTY, &maps->info);
	maps->migrations =
		map_memory(fds[KVMETER_MAP_MIGRATIONS], KVMETER_MAP_MIGRATIONS, &maps->info);
	close_fds(fds);
}

/**
 * kvmeter_maps_check_attached - end the program if the module counts elsewhere by now
 * @maps: from kvmeter_maps_open()
 *
 * Maps that were let go keep their last values, which would pass for a host on which nothing moves.
 */
void kvmeter_maps_check_attached(const struct kvmeter_maps *maps)
{
	int dev = kvmeter_device_open();
	struct kvmeter_info info;
	unsigned int i;

	kvmeter_device_get_info(dev, &info);
	close(dev);
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		if (!info.attached || info.map[i].id != maps->info.map[i].id)
			errx(1, "the maps were detached by another process");
	}
}

/**
 * kvmeter_maps_detach - take the maps from the module and remove their pins
 */
void kvmeter_maps_detach(void)
{
	int dev = kvmeter_device_open();
	struct kvmeter_info info;
	bool attached = true;

	if (flock(dev, LOCK_EX))
		err(1, "cannot lock the module's device");
	kvmeter_device_get_info(dev, &info);
	if (ioctl(dev, KVMETER_DETACH, 0)) {
		if (errno != ENXIO)
			err(1, "cannot detach the maps");
		attached = false;
	}
	kvmeter_pins_del();
	if (!attached)
		errx(1, "no maps are attached");
	close(dev);
}
