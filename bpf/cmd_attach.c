// SPDX-License-Identifier: GPL-2.0-only
/* The commands attach and detach. */
#include "reader.h"

/**
 * kvmeter_cmd_attach - kvmeter attach
 * @args: the command line
 */
void kvmeter_cmd_attach(const struct kvmeter_args *args)
{
	struct json_object *obj, *maps_obj, *map_obj;
	struct kvmeter_maps maps;
	unsigned int i;

	kvmeter_maps_open(&maps);
	if (!args->json) {
		printf("%s: %u maps under %s\n", maps.created ? "attached" : "attached already",
		       KVMETER_MAP_NR, KVMETER_PIN_DIR);
		return;
	}
	obj = kvmeter_json_new_document(KVMETER_DOCUMENT_ATTACH);
	kvmeter_json_add_u64(obj, "abi", maps.info.abi);
	kvmeter_json_add_u64(obj, "attached", maps.info.attached);
	json_object_object_add(obj, "created", json_object_new_boolean(maps.created));
	maps_obj = json_object_new_array();
	for (i = 0; i < KVMETER_MAP_NR; i++) {
		map_obj = json_object_new_object();
		kvmeter_json_add_text(map_obj, "name", kvmeter_map_names[i]);
		kvmeter_json_add_u64(map_obj, "id", maps.info.map[i].id);
		kvmeter_json_add_u64(map_obj, "value_size", maps.info.map[i].value_size);
		kvmeter_json_add_u64(map_obj, "max_entries", maps.info.map[i].max_entries);
		json_object_array_add(maps_obj, map_obj);
	}
	json_object_object_add(obj, "maps", maps_obj);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_cmd_detach - kvmeter detach
 * @args: the command line
 */
void kvmeter_cmd_detach(const struct kvmeter_args *args)
{
	struct json_object *obj;

	kvmeter_maps_detach();
	if (!args->json) {
		puts("detached");
		return;
	}
	obj = kvmeter_json_new_document(KVMETER_DOCUMENT_DETACH);
	kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
	kvmeter_json_add_u64(obj, "attached", 0);
	kvmeter_json_print(obj);
}
