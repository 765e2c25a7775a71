// SPDX-License-Identifier: GPL-2.0-only
/* The command dirty: how fast VMs dirty memory, how much of it within which time, and where. */
#include "dirty.h"

/* Reports of a picture of heat if the command line has no interval. */
#define HEAT_REPORTS 30

static bool is_empty(const struct kvmeter_sum *sum)
{
	return !kvmeter_sum_dirty(&sum->v);
}

static void report_dirty(const struct kvmeter_report *report)
{
	struct kvmeter_rows_view view = {
		.document = KVMETER_DOCUMENT_DIRTY,
		.heading = kvmeter_dirty_print_heading,
		.is_empty = is_empty,
		.print = kvmeter_dirty_print_vm,
		.add = kvmeter_dirty_add_vm,
	};

	if (report->args->by == KVMETER_BY_VCPU) {
		view.print = kvmeter_dirty_print_vcpu;
		view.add = kvmeter_dirty_add_vcpu;
		view.add_vm = kvmeter_dirty_add_vm;
	}
	kvmeter_rows_report(report, &view);
}

/**
 * kvmeter_cmd_dirty - kvmeter dirty
 * @args: the command line
 */
void kvmeter_cmd_dirty(const struct kvmeter_args *args)
{
	if (!args->heat) {
		kvmeter_view_run_rates(args, 0, 1, report_dirty);
		return;
	}
	kvmeter_view_run_rates(args, 0, HEAT_REPORTS, kvmeter_heat_report);
	kvmeter_heat_end(args);
}
