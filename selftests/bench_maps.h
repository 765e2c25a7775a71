/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's maps in a file: what it answered of them, then each from a page on.
 *
 * Functions return 0, or a negative errno.
 */
#ifndef KVMETER_SELFTESTS_BENCH_MAPS_H
#define KVMETER_SELFTESTS_BENCH_MAPS_H

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../bpf/reader.h"

#define BENCH_MAPS_PAGE 4096L

/* What the reader takes for its maps. */
static inline struct kvmeter_maps bench_maps_of(const struct kvmeter_info *info,
						const void *const map[KVMETER_MAP_NR])
{
	return (struct kvmeter_maps){
		.info = *info,
		.host = map[KVMETER_MAP_HOST],
		.index = map[KVMETER_MAP_INDEX],
		.vms = map[KVMETER_MAP_VMS],
		.vcpus = map[KVMETER_MAP_VCPUS],
		.exits = map[KVMETER_MAP_EXITS],
		.subs = map[KVMETER_MAP_SUBS],
		.thieves = map[KVMETER_MAP_STEAL],
		.dirty = map[KVMETER_MAP_DIRTY],
		.migrations = map[KVMETER_MAP_MIGRATIONS],
	};
}

static inline size_t bench_maps_bytes(const struct kvmeter_info *info, unsigned int i)
{
	return (size_t)info->map[i].value_size * info->map[i].max_entries;
}

/* Where the next map is, after one that ends at @end. */
static inline long bench_maps_next(long end)
{
	return (end + BENCH_MAPS_PAGE - 1) / BENCH_MAPS_PAGE * BENCH_MAPS_PAGE;
}

static inline int bench_maps_write(FILE *file, const struct kvmeter_info *info,
				   const void *const map[KVMETER_MAP_NR])
{
	long at = bench_maps_next(sizeof(*info));
	unsigned int i;

	if (fwrite(info, sizeof(*info), 1, file) != 1)
		return -EIO;
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		if (fseek(file, at, SEEK_SET) ||
		    fwrite(map[i], bench_maps_bytes(info, i), 1, file) != 1)
			return -EIO;
		at = bench_maps_next(at + (long)bench_maps_bytes(info, i));
	}
	return 0;
}

/* All pages are there at once, as with a BPF map. */
static inline int bench_maps_read(FILE *file, struct kvmeter_info *info,
				  const void *map[KVMETER_MAP_NR])
{
	long at = bench_maps_next(sizeof(*info));
	unsigned int i;

	if (fread(info, sizeof(*info), 1, file) != 1)
		return -EIO;
	if (info->abi != KVMETER_ABI)
		return -EPROTO;
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		map[i] = mmap(NULL, bench_maps_bytes(info, i), PROT_READ, MAP_SHARED | MAP_POPULATE,
			      fileno(file), at);
		if (map[i] == MAP_FAILED)
			return -errno;
		at = bench_maps_next(at + (long)bench_maps_bytes(info, i));
	}
	return 0;
}

#endif
