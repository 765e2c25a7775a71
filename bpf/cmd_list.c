// SPDX-License-Identifier: GPL-2.0-only
/* The command list: the VMs that are tracked. */
#include "reader.h"

static void print_json(const struct kvmeter_report *report)
{
	struct json_object *obj = kvmeter_json_new_report(report->snap);
	struct json_object *vms = json_object_new_array();
	unsigned int i;

	for (i = 0; i < report->snap->nr_vms; i++) {
		if (kvmeter_table_wants(report, i))
			json_object_array_add(vms, kvmeter_json_new_vm(&report->snap->vms[i]));
	}
	json_object_object_add(obj, "vms", vms);
	kvmeter_json_print(obj);
}

static void print_text(const struct kvmeter_report *report)
{
	static const char *const words[] = { "unknown", "not armed", "armed" };
	unsigned int width = kvmeter_table_name_width(report), i;
	const struct kvmeter_snap_vm *vm;

	kvmeter_table_print_name("NAME", width);
	printf(" %8s %-12s %5s %8s %10s %10s\n", "PID", "ID", "VCPUS", "SEEN(s)", "LOGPAGES",
	       "LOGGING");
	for (i = 0; i < report->snap->nr_vms; i++) {
		vm = &report->snap->vms[i];
		if (!kvmeter_table_wants(report, i))
			continue;
		kvmeter_table_print_name(vm->name, width);
		printf(" %8u %-12s %5u %8.1f", vm->v.pid, vm->v.id, vm->v.nr_vcpus,
		       vm->elapsed_ns / 1e9);
		if (vm->v.log_state == KVMETER_LOG_ON)
			printf(" %10llu", vm->v.log_pages);
		else
			printf(" %10s", "-");
		printf(" %10s\n", vm->v.log_state < 3 ? words[vm->v.log_state] : "unknown");
	}
}

static void report_list(const struct kvmeter_report *report)
{
	if (report->args->json)
		print_json(report);
	else
		print_text(report);
}

/**
 * kvmeter_cmd_list - kvmeter list
 * @args: the command line
 */
void kvmeter_cmd_list(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, report_list);
}
