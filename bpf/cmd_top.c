// SPDX-License-Identifier: GPL-2.0-only
/* The command top: all VMs on a screen of its own, or as reports where there is none. */
#include <unistd.h>

#include "top.h"

#define NEEDS (KVMETER_NEED_ROWS | KVMETER_NEED_THIEVES)

static void take(struct kvmeter_snap *snap, void *arg)
{
	const struct kvmeter_maps *maps = arg;

	kvmeter_snapshot_take(snap, maps, NEEDS);
	kvmeter_maps_check_attached(maps);
}

static void run(const struct kvmeter_args *args)
{
	static struct kvmeter_top top;
	struct kvmeter_maps maps;
	struct kvmeter_top_source source = { .take = take, .arg = &maps };
	struct kvmeter_snap snap = {};
	struct kvmeter_plan plan;

	kvmeter_maps_open(&maps);
	kvmeter_snapshot_take(&snap, &maps, 0);
	kvmeter_plan_make(&plan, args, &snap);
	kvmeter_top_init(&top, args);
	top.utf8 = kvmeter_terminal_has_utf8();
	if (plan.interval_s > 0)
		top.interval_s = plan.interval_s;
	if (plan.vm >= 0)
		kvmeter_top_filter_guest(&top.filter, snap.vms[plan.vm].v.id);
	kvmeter_snapshot_put(&snap);
	kvmeter_top_run(&source, &top, plan.count);
	kvmeter_top_put(&top);
}

/**
 * kvmeter_cmd_top - kvmeter top
 * @args: the command line
 */
void kvmeter_cmd_top(const struct kvmeter_args *args)
{
	if (args->batch || args->json || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		kvmeter_view_run_rates(args, NEEDS, 1, kvmeter_top_report);
	else
		run(args);
}
