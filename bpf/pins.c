// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the pins of the module's maps in the bpf file system right, and removes them. */
#include <err.h>
#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "reader.h"

#define PIN_PATH_MAX (sizeof(KVMETER_PIN_DIR) + 32)

static void pin_path(char *path, const char *name)
{
	snprintf(path, PIN_PATH_MAX, "%s/%s", KVMETER_PIN_DIR, name);
}

/* BPF id of the map pinned at @path, 0 if there is none. */
static __u32 pinned_id(const char *path)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);
	__u32 id = 0;

	if (fd < 0)
		return 0;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		id = info.id;
	close(fd);
	return id;
}

/**
 * kvmeter_pins_check_fs - end the program unless the bpf file system is mounted where pins go
 */
void kvmeter_pins_check_fs(void)
{
	struct statfs fs;

	if (statfs(KVMETER_PIN_ROOT, &fs))
		err(1, "%s", KVMETER_PIN_ROOT);
	if (fs.f_type != BPF_FS_MAGIC)
		errx(1, "the bpf file system is not mounted: mount -t bpf none %s",
		     KVMETER_PIN_ROOT);
}

/**
 * kvmeter_pins_add - pin the attached maps, where that is not so already
 * @fds: by enum kvmeter_map
 * @info: with the ids of these maps
 *
 * A pin of another map is one of an earlier load of the module: it is replaced.
 *
 * Context: the caller holds the lock on the device.
 */
void kvmeter_pins_add(const int *fds, const struct kvmeter_info *info)
{
	char path[PIN_PATH_MAX];
	unsigned int i;

	if (mkdir(KVMETER_PIN_DIR, 0700) && errno != EEXIST)
		err(1, "cannot make %s", KVMETER_PIN_DIR);
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		pin_path(path, kvmeter_map_names[i]);
		if (pinned_id(path) == info->map[i].id)
			continue;
		if (unlink(path) && errno != ENOENT)
			err(1, "cannot replace %s", path);
		if (bpf_obj_pin(fds[i], path))
			err(1, "cannot pin %s", path);
	}
}

/**
 * kvmeter_pins_del - remove the pins, if there are any
 *
 * Context: the caller holds the lock on the device.
 */
void kvmeter_pins_del(void)
{
	char path[PIN_PATH_MAX];
	unsigned int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		pin_path(path, kvmeter_map_names[i]);
		if (unlink(path) && errno != ENOENT)
			err(1, "cannot remove %s", path);
	}
	/* What else somebody put there is not ours to remove. */
	if (rmdir(KVMETER_PIN_DIR) && errno != ENOENT && errno != ENOTEMPTY)
		err(1, "cannot remove %s", KVMETER_PIN_DIR);
}
