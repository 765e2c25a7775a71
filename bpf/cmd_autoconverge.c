// SPDX-License-Identifier: GPL-2.0-only
/* The command autoconverge: tells the autopilot what it may do with a VM, or shows what it may. */
#include "migrate.h"

static void report_autoconverge(const struct kvmeter_report *report)
{
	if (report->args->json)
		kvmeter_autoconverge_print_json(report);
	else
		kvmeter_autoconverge_print_report(report);
}

static void report_change(const struct kvmeter_report *report)
{
	if (report->args->json)
		kvmeter_autoconverge_print_json(report);
	else
		kvmeter_autoconverge_print(&report->snap->vms[report->vm]);
}

/**
 * kvmeter_cmd_autoconverge - kvmeter autoconverge
 * @args: the command line
 */
void kvmeter_cmd_autoconverge(const struct kvmeter_args *args)
{
	if (args->autoconverge.change)
		kvmeter_view_run_change(args, kvmeter_autoconverge_set, report_change);
	else
		kvmeter_view_run(args, 0, report_autoconverge);
}
