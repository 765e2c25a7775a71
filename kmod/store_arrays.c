// SPDX-License-Identifier: GPL-2.0-only
/* The arrays of counts: how large each is, and memory of the module's own for them. */
#include <linux/minmax.h>
#include <linux/vmalloc.h>

#include "mem.h"
#include "store.h"

/**
 * kvmeter_store_map_value_size - bytes of one value of an array
 * @map: which
 *
 * Context: any.
 * Return: bytes.
 */
size_t kvmeter_store_map_value_size(enum kvmeter_map map)
{
	static const size_t size[KVMETER_MAP_NR] = {
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

	return size[map];
}

/**
 * kvmeter_store_map_entries - values in an array
 * @map: which
 *
 * Context: any.
 * Return: entries.
 */
u32 kvmeter_store_map_entries(enum kvmeter_map map)
{
	switch (map) {
	case KVMETER_MAP_HOST:
		return 1;
	case KVMETER_MAP_INDEX:
		return max(kvmeter_max_vms, kvmeter_max_vcpus) / 64;
	case KVMETER_MAP_VMS:
	case KVMETER_MAP_DIRTY:
	case KVMETER_MAP_MIGRATIONS:
		return kvmeter_max_vms;
	case KVMETER_MAP_VCPUS:
		return kvmeter_max_vcpus;
	case KVMETER_MAP_EXITS:
		return kvmeter_max_vcpus * KVMETER_EXIT_ROWS;
	case KVMETER_MAP_SUBS:
		return kvmeter_max_vcpus * KVMETER_SUB_ROWS;
	case KVMETER_MAP_STEAL:
		return kvmeter_max_vcpus * KVMETER_THIEF_ROWS;
	default:
		return 0;
	}
}

/**
 * kvmeter_store_alloc_mem - arrays in memory of the module
 * @to: filled in; with nothing if that fails
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvmeter_store_alloc_mem(struct kvmeter_mem *to)
{
	int i;

	*to = (struct kvmeter_mem){};
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		to->map[i] = __vmalloc(kvmeter_store_map_value_size(i) *
				       kvmeter_store_map_entries(i), KVMETER_GFP | __GFP_ZERO);
		if (to->map[i])
			continue;
		/* None is left in @to: who fails at load gives all of it back once more. */
		kvmeter_store_free_mem(to);
		return -ENOMEM;
	}
	return 0;
}

/**
 * kvmeter_store_free_mem - undo kvmeter_store_alloc_mem()
 * @from: the arrays
 *
 * Context: may sleep; nothing may use them any more.
 */
void kvmeter_store_free_mem(struct kvmeter_mem *from)
{
	int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		vfree(from->map[i]);
		from->map[i] = NULL;
	}
}
