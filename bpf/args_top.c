// SPDX-License-Identifier: GPL-2.0-only
/* Understands the options of top. */
#include "args.h"
#include "top.h"

/**
 * kvmeter_args_parse_top - understand an option of top
 * @key: the option
 * @arg: its argument
 * @state: of the parser
 * @args: where it goes
 *
 * Return: false if it is none of top's.
 */
bool kvmeter_args_parse_top(int key, const char *arg, struct argp_state *state,
			    struct kvmeter_args *args)
{
	enum kvmeter_top_column column;

	if (key == 'b') {
		args->batch = true;
		return true;
	}
	if (key != 'k')
		return false;
	if (!kvmeter_top_column_find(arg, &column))
		argp_error(state, "there is no column '%s'", arg);
	args->column = arg;
	return true;
}
