// SPDX-License-Identifier: GPL-2.0-only
/* Shows what the autopilot may do with VMs, and does, as a table and as JSON. */
#include "migrate.h"

#define NS_PER_S 1e9
#define NS_PER_MS 1e6
#define MIB (1024.0 * 1024.0)

static double mib(double pages)
{
	return pages * KVMETER_PAGE_BYTES / MIB;
}

/* The quota that it has set, or in brackets the one that it would. */
static void print_quota(const struct kvmeter_migration *m)
{
	char text[32] = "none";

	if (m->autopilot_pages)
		snprintf(text, sizeof(text), "%.1f", mib(m->autopilot_pages));
	else if (m->would_pages)
		snprintf(text, sizeof(text), "(%.1f)", mib(m->would_pages));
	printf(" %12s %s\n", text, kvmeter_reasons_why(m->why));
}

static void print_row(const struct kvmeter_snap_vm *vm, unsigned int width)
{
	struct kvmeter_in_force force;
	char deadline[32] = "-";

	kvmeter_autoconverge_get(vm, &force);
	kvmeter_table_print_name(vm->name, width);
	if (force.deadline_ns)
		snprintf(deadline, sizeof(deadline), "%.10g", force.deadline_ns / NS_PER_S);
	if (force.known)
		printf(" %-12s %-7s %-8s %11s %12.10g", vm->v.id, kvmeter_reasons_mode(force.mode),
		       kvmeter_reasons_goal(force.goal), deadline, force.downtime_ns / NS_PER_MS);
	else
		printf(" %-12s %-7s %-8s %11s %12s", vm->v.id, "-", "-", "-", "-");
	print_quota(&vm->m);
}

/**
 * kvmeter_autoconverge_print_report - show what the autopilot may do, as a table
 * @report: the report
 */
void kvmeter_autoconverge_print_report(const struct kvmeter_report *report)
{
	unsigned int width = kvmeter_table_name_width(report), i;
	const struct kvmeter_snap *snap = report->snap;

	if (!(snap->host.features & KVMETER_FEATURE_SYNC) ||
	    !(snap->host.features & KVMETER_FEATURE_QUOTA)) {
		puts("there is no autopilot with this module on this kernel");
		return;
	}
	kvmeter_table_print_name("NAME", width);
	printf(" %-12s %-7s %-8s %11s %12s %12s %s\n", "ID", "MODE", "GOAL", "DEADLINE(s)",
	       "DOWNTIME(ms)", "QUOTA(MiB/s)", "WHY");
	for (i = 0; i < snap->nr_vms; i++) {
		if (kvmeter_table_wants(report, i))
			print_row(&snap->vms[i], width);
	}
}

/**
 * kvmeter_autoconverge_add - add what the autopilot may do with a VM, and what it does
 * @obj: where to
 * @vm: the VM
 */
void kvmeter_autoconverge_add(struct json_object *obj, const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_in_force force;

	kvmeter_autoconverge_get(vm, &force);
	kvmeter_json_add_text(obj, "mode", force.known ? kvmeter_reasons_mode(force.mode) : NULL);
	kvmeter_json_add_text(obj, "goal", force.known ? kvmeter_reasons_goal(force.goal) : NULL);
	kvmeter_json_add_known(obj, "deadline_ns", force.deadline_ns, force.deadline_ns);
	kvmeter_json_add_known(obj, "downtime_ns", force.known, force.downtime_ns);
	kvmeter_json_add_text(obj, "why", kvmeter_reasons_why(vm->m.why));
	kvmeter_json_add_text(obj, "why_text", kvmeter_why_explain(vm->m.why));
	kvmeter_json_add_u64(obj, "would_pages", vm->m.would_pages);
	kvmeter_json_add_u64(obj, "autopilot_pages", vm->m.autopilot_pages);
}

static struct json_object *new_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	struct json_object *obj = kvmeter_json_new_vm(vm);

	(void)snap;
	kvmeter_autoconverge_add(obj, vm);
	return obj;
}

/**
 * kvmeter_autoconverge_print_json - show what the autopilot may do, as a JSON document
 * @report: the report
 */
void kvmeter_autoconverge_print_json(const struct kvmeter_report *report)
{
	kvmeter_json_print_vms(report, KVMETER_DOCUMENT_AUTOCONVERGE, kvmeter_table_wants, new_vm);
}
