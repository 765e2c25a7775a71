// SPDX-License-Identifier: GPL-2.0-only
/* Tells what the command quota is to do: an interval, a rate, and "off" stand in the same place. */
#include <string.h>

#include "args.h"

static void parse_rate(struct argp_state *state, const char *arg, struct kvmeter_quota_args *quota)
{
	bool unit;

	if (!kvmeter_units_parse_rate(arg, &quota->bytes_s, &unit))
		argp_error(state, "'%s' is no rate: bytes a second, as in 200M; nor 'off'", arg);
	if (!unit)
		argp_error(state, "'%s' needs a unit: K, M, G for a rate, s, m, h for an interval",
			   arg);
	if (quota->bytes_s < KVMETER_QUOTA_MIN || quota->bytes_s > KVMETER_QUOTA_MAX)
		argp_error(state, "a quota is 64K to 4096T a second, or 'off', not '%s'", arg);
}

/**
 * kvmeter_args_check_quota - tell whether a quota is to be changed, and what to
 * @state: of the parser
 * @args: its quota is set; if it is to be changed, guest is the VM and nothing else is left
 */
void kvmeter_args_check_quota(struct argp_state *state, struct kvmeter_args *args)
{
	unsigned int at = args->guest ? 0 : 1;
	const char *what = args->pos[at];
	double seconds;

	if (args->nr_pos <= at || kvmeter_select_is_interval(what, &seconds))
		return;
	/* After what may be an interval a number is how many reports. */
	if (kvmeter_select_is_interval(args->pos[0], &seconds) && !what[strspn(what, "0123456789")])
		return;
	if (strcmp(what, "off"))
		parse_rate(state, what, &args->quota);
	if (args->nr_pos > at + 1)
		argp_error(state, "too many arguments");
	args->quota.change = true;
	if (at)
		args->guest = args->pos[0];
	args->nr_pos = 0;
}
