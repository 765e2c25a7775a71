// SPDX-License-Identifier: GPL-2.0-only
/* What a command line asks for, once the VMs are known: which of them, how often, how many times.
 */
#include <err.h>
#include <sysexits.h>

#include "reader.h"

/**
 * kvmeter_plan_make - tell VM, interval and count apart
 * @plan: filled
 * @args: the command line
 * @snap: all VMs that may be meant
 *
 * Only who knows the VMs can tell whether a first argument is one: "7" may be a pid or seconds.
 * Ends the program if there is no such VM.
 */
void kvmeter_plan_make(struct kvmeter_plan *plan, const struct kvmeter_args *args,
		       const struct kvmeter_snap *snap)
{
	unsigned int next = 0;
	bool unit;

	plan->vm = -1;
	plan->interval_s = 0;
	plan->count = 0;
	if (args->guest) {
		plan->vm = kvmeter_select_get_vm(snap, args->guest);
	} else if (args->nr_pos) {
		plan->vm = kvmeter_select_find_vm(snap, args->pos[0]);
		if (plan->vm < 0 && !kvmeter_select_is_interval(args->pos[0], &plan->interval_s))
			kvmeter_select_get_vm(snap, args->pos[0]);
		next = plan->vm >= 0;
	}
	if (next < args->nr_pos &&
	    !kvmeter_select_parse_seconds(args->pos[next++], &plan->interval_s, &unit))
		errx(EX_USAGE, "'%s' is no interval in seconds", args->pos[next - 1]);
	if (next < args->nr_pos && !kvmeter_select_parse_count(args->pos[next++], &plan->count))
		errx(EX_USAGE, "'%s' is no number of reports", args->pos[next - 1]);
	if (next < args->nr_pos)
		errx(EX_USAGE, "no VM '%s', and too many arguments without one", args->pos[0]);
}
