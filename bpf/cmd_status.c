// SPDX-License-Identifier: GPL-2.0-only
/* The command status: what the module is, where it counts, and what it could not track. */
#include "reader.h"

static struct json_object *new_maps(const struct kvmeter_info *info)
{
	struct json_object *array = json_object_new_array(), *obj;
	unsigned int i;

	for (i = 0; i < KVMETER_MAP_NR; i++) {
		obj = json_object_new_object();
		kvmeter_json_add_text(obj, "name", kvmeter_map_names[i]);
		kvmeter_json_add_u64(obj, "id", info->map[i].id);
		kvmeter_json_add_u64(obj, "value_size", info->map[i].value_size);
		kvmeter_json_add_u64(obj, "max_entries", info->map[i].max_entries);
		json_object_array_add(array, obj);
	}
	return array;
}

static void print_json(const struct kvmeter_maps *maps, const struct kvmeter_snap *snap)
{
	const struct kvmeter_host *host = &snap->host;
	struct json_object *obj = kvmeter_json_new_report(KVMETER_DOCUMENT_STATUS, snap);

	kvmeter_json_add_u64(obj, "attached", maps->info.attached);
	kvmeter_json_add_text(obj, "reason_source", kvmeter_reasons_source(host->reason_source));
	kvmeter_json_add_features(obj, host->features);
	kvmeter_json_add_u64(obj, "load_ns", host->load_ns);
	kvmeter_json_add_u64(obj, "tsc_mult", host->tsc_mult);
	json_object_object_add(obj, "mono_offset_ns", json_object_new_int64(host->mono_offset_ns));
	kvmeter_json_add_u64(obj, "max_vms", maps->info.map[KVMETER_MAP_VMS].max_entries);
	kvmeter_json_add_u64(obj, "max_vcpus", maps->info.map[KVMETER_MAP_VCPUS].max_entries);
	kvmeter_json_add_u64(obj, "nr_vms", snap->nr_vms);
	kvmeter_json_add_u64(obj, "nr_vcpus", snap->nr_vcpus);
	kvmeter_json_add_u64(obj, "vms_hi", host->vms_hi);
	kvmeter_json_add_u64(obj, "vcpus_hi", host->vcpus_hi);
	kvmeter_json_add_u64(obj, "vms_seen", host->vms_seen);
	kvmeter_json_add_u64(obj, "vcpus_seen", host->vcpus_seen);
	kvmeter_json_add_u64(obj, "untracked_vms", host->untracked_vms);
	kvmeter_json_add_u64(obj, "untracked_vcpus", host->untracked_vcpus);
	kvmeter_json_add_u64(obj, "untracked_exits", host->untracked_exits);
	json_object_object_add(obj, "maps", new_maps(&maps->info));
	kvmeter_json_print(obj);
}

static void print_features(__u32 features)
{
	unsigned int i;

	fputs("features:", stdout);
	for (i = 0; kvmeter_reasons_features[i].name; i++) {
		if (features & kvmeter_reasons_features[i].bit)
			printf(" %s", kvmeter_reasons_features[i].name);
	}
	puts(features ? "" : " none");
}

static void print_text(const struct kvmeter_maps *maps, const struct kvmeter_snap *snap)
{
	const struct kvmeter_host *host = &snap->host;
	unsigned int i;

	printf("abi: %u\n", host->abi);
	printf("loaded: %.1f s ago\n", (snap->now_ns - host->load_ns) / 1e9);
	printf("vendor: %s\n", kvmeter_reasons_vendor(host->vendor));
	printf("reason_source: %s\n", kvmeter_reasons_source(host->reason_source));
	print_features(host->features);
	printf("vms: %u of %u (%llu seen)\n", snap->nr_vms,
	       maps->info.map[KVMETER_MAP_VMS].max_entries, host->vms_seen);
	printf("vcpus: %u of %u (%llu seen)\n", snap->nr_vcpus,
	       maps->info.map[KVMETER_MAP_VCPUS].max_entries, host->vcpus_seen);
	printf("untracked_vms: %llu\n", host->untracked_vms);
	printf("untracked_vcpus: %llu\n", host->untracked_vcpus);
	printf("untracked_exits: %llu\n", host->untracked_exits);
	printf("attached: %s, pinned under %s\n", maps->created ? "by this command" : "yes",
	       KVMETER_PIN_DIR);
	for (i = 0; i < KVMETER_MAP_NR; i++)
		printf("map: %s, id %u, %u x %u bytes\n", kvmeter_map_names[i],
		       maps->info.map[i].id, maps->info.map[i].max_entries,
		       maps->info.map[i].value_size);
}

/**
 * kvmeter_cmd_status - kvmeter status
 * @args: the command line
 */
void kvmeter_cmd_status(const struct kvmeter_args *args)
{
	struct kvmeter_snap snap = {};
	struct kvmeter_maps maps;

	kvmeter_maps_open(&maps);
	kvmeter_device_refresh_counts();
	kvmeter_snapshot_take(&snap, &maps, 0);
	if (args->json)
		print_json(&maps, &snap);
	else
		print_text(&maps, &snap);
	kvmeter_snapshot_put(&snap);
}
