// SPDX-License-Identifier: GPL-2.0-only
/* Takes BPF maps in as the memory of the counts, and lets them go. */
#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "compat.h"
#include "maps.h"
#include "store.h"

KVMETER_IMPORT_NS(BPF_INTERNAL);

static DEFINE_MUTEX(store_mutex); /* serialises moves of the store's memory */
static struct bpf_map *attached[KVMETER_MAP_NR]; /* under store_mutex; all or none */

static bool map_fits(const struct bpf_map *map, enum kvmeter_map i)
{
	return map->map_type == BPF_MAP_TYPE_ARRAY &&
	       map->map_flags == BPF_F_MMAPABLE &&
	       map->key_size == sizeof(u32) &&
	       map->value_size == kvmeter_store_map_value_size(i) &&
	       map->max_entries == kvmeter_store_map_entries(i) &&
	       kvmeter_map_is_plain(map);
}

static void put_maps(struct bpf_map **maps)
{
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		if (maps[i])
			bpf_map_put(maps[i]);
		maps[i] = NULL;
	}
}

static int get_maps(const __s32 *fds, struct bpf_map **maps)
{
	struct bpf_map *map;
	int i, j;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		map = bpf_map_get(fds[i]);
		if (IS_ERR(map))
			return PTR_ERR(map);
		maps[i] = map;
		if (!map_fits(map, i))
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (maps[j] == map)
				return -EINVAL;
	}
	return 0;
}

/**
 * kvmeter_maps_attach - keep the counts in BPF maps
 * @fds: file descriptors, by enum kvmeter_map
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if maps are attached; -EBADF, -EINVAL if one will not do. Nothing has changed
 * then.
 */
int kvmeter_maps_attach(const __s32 *fds)
{
	struct bpf_map *maps[KVMETER_MAP_NR] = {};
	struct kvmeter_mem to, from;
	int i, ret;

	mutex_lock(&store_mutex);
	ret = -EBUSY;
	if (attached[0])
		goto unlock;
	ret = get_maps(fds, maps);
	if (ret) {
		put_maps(maps);
		goto unlock;
	}
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		attached[i] = maps[i];
		to.map[i] = container_of(maps[i], struct bpf_array, map)->value;
	}
	kvmeter_store_move(&to, &from);
	kvmeter_store_free_mem(&from);
unlock:
	mutex_unlock(&store_mutex);
	return ret;
}

/**
 * kvmeter_maps_detach - keep the counts in the module's own memory again
 *
 * Context: may sleep.
 * Return: 0; -ENXIO if no maps are attached; -ENOMEM, and they stay.
 */
int kvmeter_maps_detach(void)
{
	struct kvmeter_mem to, from;
	int ret;

	mutex_lock(&store_mutex);
	ret = -ENXIO;
	if (!attached[0])
		goto unlock;
	ret = kvmeter_store_alloc_mem(&to);
	if (ret)
		goto unlock;
	kvmeter_store_move(&to, &from);
	put_maps(attached);
unlock:
	mutex_unlock(&store_mutex);
	return ret;
}

/**
 * kvmeter_maps_get_info - what maps have to be, and which are attached
 * @info: filled in
 *
 * Context: may sleep.
 */
void kvmeter_maps_get_info(struct kvmeter_info *info)
{
	int i;

	memset(info, 0, sizeof(*info));
	info->abi = KVMETER_ABI;
	info->nr_maps = KVMETER_MAP_NR;
	mutex_lock(&store_mutex);
	info->attached = !!attached[0];
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		info->map[i].value_size = kvmeter_store_map_value_size(i);
		info->map[i].max_entries = kvmeter_store_map_entries(i);
		info->map[i].id = attached[i] ? attached[i]->id : 0;
	}
	mutex_unlock(&store_mutex);
}

/**
 * kvmeter_maps_exit - let go of the maps at unload
 *
 * Context: may sleep; no probe is left.
 */
void kvmeter_maps_exit(void)
{
	if (!attached[0])
		return;
	kvmeter_store_forget_mem();
	put_maps(attached);
}
