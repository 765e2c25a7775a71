// SPDX-License-Identifier: GPL-2.0-only
/* The command quota: sets what VMs may dirty a second, removes that, and shows what it does. */
#include "dirty.h"

static void report_quota(const struct kvmeter_report *report)
{
	if (report->args->json)
		kvmeter_quota_print_json(report);
	else
		kvmeter_quota_print_report(report);
}

static void report_change(const struct kvmeter_report *report)
{
	if (report->args->json)
		kvmeter_quota_print_json(report);
	else
		kvmeter_quota_print(&report->snap->vms[report->vm]);
}

/**
 * kvmeter_cmd_quota - kvmeter quota
 * @args: the command line
 */
void kvmeter_cmd_quota(const struct kvmeter_args *args)
{
	struct kvmeter_args by_vcpu = *args;

	if (args->quota.change) {
		kvmeter_view_run_change(args, kvmeter_quota_set, report_change);
		return;
	}
	by_vcpu.by = KVMETER_BY_VCPU;
	kvmeter_view_run_rates(&by_vcpu, 0, 1, report_quota);
}
