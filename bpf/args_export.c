// SPDX-License-Identifier: GPL-2.0-only
/* Understands the command line of export. */
#include <string.h>

#include "args.h"

/**
 * kvmeter_args_parse_export - take over an option of export
 * @key: as argp has it
 * @arg: its argument
 * @state: of the parser
 * @args: where to
 *
 * Return: false if it is no option of export.
 */
bool kvmeter_args_parse_export(int key, const char *arg, struct argp_state *state,
			       struct kvmeter_args *args)
{
	unsigned long nr;

	switch (key) {
	case KEY_LISTEN:
		args->exports.listen = arg;
		return true;
	case KEY_TEXTFILE:
		args->exports.textfile = arg;
		return true;
	case KEY_OPENMETRICS:
		args->exports.openmetrics = true;
		return true;
	case KEY_MAX_VMS:
		if (!kvmeter_select_parse_count(arg, &nr) || nr > KVMETER_VMS_LIMIT)
			argp_error(state, "--max-vms is 1 to %u, not '%s'", KVMETER_VMS_LIMIT, arg);
		args->exports.max_vms = nr;
		return true;
	default:
		return false;
	}
}

/**
 * kvmeter_args_check_export - do the options of export go together?
 * @state: of the parser
 * @args: the interval is set, and no argument left
 */
void kvmeter_args_check_export(struct argp_state *state, struct kvmeter_args *args)
{
	struct kvmeter_export_args *exports = &args->exports;
	bool unit;

	if (exports->listen && exports->textfile)
		argp_error(state, "--listen or --textfile");
	if (exports->openmetrics && exports->listen)
		argp_error(state, "with --listen the client chooses the format");
	if (exports->openmetrics && exports->textfile)
		argp_error(state, "who reads text files does not read OpenMetrics");
	if (!args->nr_pos)
		return;
	if (!exports->textfile)
		argp_error(state, "an interval is of --textfile");
	if (!kvmeter_select_parse_seconds(args->pos[0], &exports->interval_s, &unit))
		argp_error(state, "'%s' is no interval in seconds", args->pos[0]);
	args->nr_pos = 0;
}
