// SPDX-License-Identifier: GPL-2.0-only
/* The command metrics: the table of all metrics, as include/kvmeter/metrics.h has it. */
#include "reader.h"

static const char *const types[KVMETER_FIELD_NR] = {
	[KVMETER_FIELD_CUMULATIVE] = "cumulative",
	[KVMETER_FIELD_INSTANT] = "instant",
	[KVMETER_FIELD_PEAK] = "peak",
	[KVMETER_FIELD_LOWEST] = "lowest",
	[KVMETER_FIELD_HISTOGRAM] = "histogram",
};

static const char *const units[KVMETER_UNIT_NR] = {
	[KVMETER_UNIT_NONE] = "none",
	[KVMETER_UNIT_SECONDS] = "seconds",
};

static void print_record(const struct kvmeter_record *record)
{
	const struct kvmeter_field *field;

	for (field = record->fields; field < record->fields + record->nr; field++)
		printf("%-9s %-21s %-10s %-7s %8d  %s\n", record->name, field->name,
		       types[field->type], units[field->unit], field->exponent, field->help);
}

static struct json_object *new_field(const char *of, const struct kvmeter_field *field)
{
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_text(obj, "of", of);
	kvmeter_json_add_text(obj, "name", field->name);
	kvmeter_json_add_text(obj, "type", types[field->type]);
	kvmeter_json_add_text(obj, "unit", units[field->unit]);
	json_object_object_add(obj, "exponent", json_object_new_int(field->exponent));
	kvmeter_json_add_text(obj, "help", field->help);
	return obj;
}

static void print_json(void)
{
	struct json_object *obj = kvmeter_json_new_document(KVMETER_DOCUMENT_METRICS), *array;
	const struct kvmeter_field *field;
	unsigned int id;

	kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
	for (id = 0; id < KVMETER_RECORD_NR; id++) {
		array = json_object_new_array();
		field = kvmeter_records[id].fields;
		for (; field < kvmeter_records[id].fields + kvmeter_records[id].nr; field++)
			json_object_array_add(array, new_field(kvmeter_records[id].name, field));
		json_object_object_add(obj, kvmeter_records[id].name, array);
	}
	kvmeter_json_print(obj);
}

/**
 * kvmeter_cmd_metrics - kvmeter metrics
 * @args: the command line
 */
void kvmeter_cmd_metrics(const struct kvmeter_args *args)
{
	unsigned int id;

	if (args->json) {
		print_json();
		return;
	}
	printf("%-9s %-21s %-10s %-7s %8s  %s\n", "OF", "NAME", "TYPE", "UNIT", "EXPONENT",
	       "MEANING");
	for (id = 0; id < KVMETER_RECORD_NR; id++)
		print_record(&kvmeter_records[id]);
}
