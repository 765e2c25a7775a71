// SPDX-License-Identifier: GPL-2.0-only
/* The rows of top as JSON. */
#include "migrate.h"
#include "top.h"

static void add_shares(struct json_object *obj, const struct kvmeter_top_row *row)
{
	static const char *const keys[KVMETER_STATE_NR] = { "guest_pct", "kernel_pct",
							    "vmm_pct",	 "halt_pct",
							    "steal_pct", "throttle_pct" };
	unsigned int state;

	for (state = 0; state < KVMETER_STATE_NR; state++) {
		if (row->has_shares)
			kvmeter_json_add_double(obj, keys[state], row->tenths[state] / 10.0);
		else
			kvmeter_json_add_text(obj, keys[state], NULL);
	}
}

static void add_known(struct json_object *obj, const char *key, bool known, double value)
{
	if (known)
		kvmeter_json_add_double(obj, key, value);
	else
		kvmeter_json_add_text(obj, key, NULL);
}

static struct json_object *new_row(const struct kvmeter_top_row *row)
{
	struct json_object *obj = kvmeter_json_new_vm(row->vm);
	char label[KVMETER_LABEL_MAX];

	add_shares(obj, row);
	kvmeter_json_add_double(obj, "exits_per_s", row->exits_s);
	kvmeter_json_add_text(obj, "top_reason", row->reason[0] ? row->reason : NULL);
	add_known(obj, "top_pct", row->reason[0], row->reason_pct);
	add_known(obj, "dirty_bytes_per_s", row->vm->armed, row->dirty_bytes_s);
	kvmeter_json_add_text(obj, "migration", kvmeter_reasons_migration_state(row->vm->m.state));
	kvmeter_json_add_u64(obj, "round", row->vm->m.nr_rounds);
	add_known(obj, "round_pct_estimate", row->done >= 0, row->done * 100);
	if (row->has_thief)
		kvmeter_thieves_label(&row->thief, row->snap, label, sizeof(label));
	kvmeter_json_add_text(obj, "thief", row->has_thief ? label : NULL);
	add_known(obj, "thief_pct", row->has_thief, row->thief_pct);
	return obj;
}

/**
 * kvmeter_top_print_json - print the rows as a document on a line of its own
 * @top: with its rows made, of VMs
 */
void kvmeter_top_print_json(const struct kvmeter_top *top)
{
	struct json_object *obj = kvmeter_json_new_report(KVMETER_DOCUMENT_TOP, top->snap);
	struct json_object *vms = json_object_new_array();
	unsigned int i;

	for (i = 0; i < top->list.nr; i++)
		json_object_array_add(vms, new_row(&top->list.rows[i]));
	json_object_object_add(obj, "vms", vms);
	kvmeter_json_print(obj);
}
