// SPDX-License-Identifier: GPL-2.0-only
/* Talks to the module: opens /dev/kvmeter and checks that it is one this reader understands. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reader.h"

#define DEVICE "/dev/kvmeter"
#define STATUS "/sys/kernel/debug/kvmeter/status"

/**
 * kvmeter_device_open - open the module's device, or end the program
 *
 * The descriptor keeps the module from being unloaded: close it before waiting for anything.
 *
 * Return: a file descriptor.
 */
int kvmeter_device_open(void)
{
	int dev = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (dev >= 0)
		return dev;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		errx(1, "the kernel module kvmeter is not loaded (there is no %s)", DEVICE);
	case EACCES:
	case EPERM:
		errx(1, "%s: %s: kvmeter must be run as root", DEVICE, strerror(errno));
	default:
		err(1, "%s", DEVICE);
	}
}

/* Everything that later indexes and sizes are taken from, so nothing of it is believed unseen. */
static bool info_is_sane(const struct kvmeter_info *info)
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
	__u32 vms = info->map[KVMETER_MAP_VMS].max_entries;
	__u32 vcpus = info->map[KVMETER_MAP_VCPUS].max_entries;
	__u32 most = vms > vcpus ? vms : vcpus;
	unsigned int i;

	if (info->nr_maps != KVMETER_MAP_NR)
		return false;
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		if (info->map[i].value_size != value_size[i])
			return false;
	}
	return vms && vms <= KVMETER_VMS_LIMIT && vcpus && vcpus <= KVMETER_VCPUS_LIMIT &&
		info->map[KVMETER_MAP_HOST].max_entries == 1 &&
		info->map[KVMETER_MAP_INDEX].max_entries >= (most + 63) / 64 &&
		info->map[KVMETER_MAP_EXITS].max_entries == vcpus * KVMETER_EXIT_ROWS &&
		info->map[KVMETER_MAP_SUBS].max_entries == vcpus * KVMETER_SUB_ROWS &&
		info->map[KVMETER_MAP_STEAL].max_entries == vcpus * KVMETER_THIEF_ROWS &&
		info->map[KVMETER_MAP_DIRTY].max_entries == vms &&
		info->map[KVMETER_MAP_MIGRATIONS].max_entries == vms;
}

/**
 * kvmeter_device_get_info - ask the module what it is and what its maps are, or end the program
 * @dev: from kvmeter_device_open()
 * @info: the answer, of an ABI known here, its sizes checked
 */
void kvmeter_device_get_info(int dev, struct kvmeter_info *info)
{
	memset(info, 0, sizeof(*info));
	if (ioctl(dev, KVMETER_GET_INFO, info)) {
		if (errno == EPERM)
			errx(1, "%s: %s: kvmeter must be run as root", DEVICE, strerror(errno));
		if (errno == ENOTTY)
			errx(1, "the module's ABI is not %u, the one this reader knows",
			     KVMETER_ABI);
		err(1, "%s: KVMETER_GET_INFO", DEVICE);
	}
	if (info->abi != KVMETER_ABI)
		errx(1, "the module has ABI %u, this reader knows %u", info->abi, KVMETER_ABI);
	if (!info_is_sane(info))
		errx(1, "the module's maps are not those of ABI %u", KVMETER_ABI);
}

/**
 * kvmeter_device_refresh_counts - have the module bring untracked_exits up to date
 *
 * Reading the debugfs file does it. Where debugfs is not mounted the figure is a little old, which
 * its description in the contract allows for.
 */
void kvmeter_device_refresh_counts(void)
{
	int fd = open(STATUS, O_RDONLY | O_CLOEXEC);
	char buf[4096];

	if (fd < 0)
		return;
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}
