// SPDX-License-Identifier: GPL-2.0-only
/* Understands the options of the autopilot and of its log. */
#include <string.h>

#include "args.h"

#define NS_PER_S 1000000000ULL

/* What the module takes. */
#define DEADLINE_MIN_NS NS_PER_S
#define DEADLINE_MAX_NS (7 * 24 * 3600 * NS_PER_S)
#define DOWNTIME_MAX_NS (2000 * NS_PER_S)

static void set_goal(struct argp_state *state, const char *arg,
		     struct kvmeter_autoconverge_args *pilot)
{
	if (!strcmp(arg, kvmeter_reasons_goal(KVMETER_GOAL_GENTLE)))
		pilot->goal = KVMETER_GOAL_GENTLE;
	else if (!strcmp(arg, kvmeter_reasons_goal(KVMETER_GOAL_BYTES)))
		pilot->goal = KVMETER_GOAL_BYTES;
	else
		argp_error(state, "--goal is gentle or bytes, not '%s'; --deadline is one, too",
			   arg);
	pilot->goal_given = true;
}

static void set_deadline(struct argp_state *state, const char *arg,
			 struct kvmeter_autoconverge_args *pilot)
{
	bool unit;

	if (!kvmeter_units_parse_ns(arg, &pilot->deadline_ns, &unit))
		argp_error(state, "'%s' is no time", arg);
	if (!unit)
		argp_error(state, "'%s' needs a unit, as in %ss", arg, arg);
	if (pilot->deadline_ns < DEADLINE_MIN_NS || pilot->deadline_ns > DEADLINE_MAX_NS)
		argp_error(state, "--deadline is 1s to 168h, not '%s'", arg);
}

/**
 * kvmeter_args_parse_migrate - understand an option
 * @key: which
 * @arg: its argument
 * @state: of the parser
 * @args: where it is kept
 *
 * Return: false if it is none of the options known here.
 */
bool kvmeter_args_parse_migrate(int key, const char *arg, struct argp_state *state,
				struct kvmeter_args *args)
{
	switch (key) {
	case KEY_PILOT_GOAL:
		set_goal(state, arg, &args->autoconverge);
		return true;
	case KEY_DEADLINE:
		set_deadline(state, arg, &args->autoconverge);
		return true;
	case 'f':
		args->follow = true;
		return true;
	default:
		return false;
	}
}

static void set_mode(struct argp_state *state, const char *arg,
		     struct kvmeter_autoconverge_args *pilot)
{
	for (pilot->mode = 0; pilot->mode <= KVMETER_AUTOCONVERGE_DEFAULT; pilot->mode++) {
		if (!strcmp(arg, kvmeter_reasons_mode(pilot->mode)))
			return;
	}
	argp_error(state, "it is off, observe, on or default, not '%s'", arg);
}

/**
 * kvmeter_args_check_pilot - tell whether the autopilot is to be switched, and what to
 * @state: of the parser
 * @args: what it is to do is set; if it is to be switched, guest is the VM
 */
void kvmeter_args_check_pilot(struct argp_state *state, struct kvmeter_args *args)
{
	struct kvmeter_autoconverge_args *pilot = &args->autoconverge;
	unsigned int at = args->guest ? 0 : 1;

	if (args->nr_pos > at + 1)
		argp_error(state, "too many arguments");
	if (pilot->goal_given && pilot->deadline_ns)
		argp_error(state, "--deadline is a goal of its own: leave out --goal");
	if (args->goal.downtime_ns > DOWNTIME_MAX_NS)
		argp_error(state, "--downtime is 2000s at most");
	if (pilot->deadline_ns)
		pilot->goal = KVMETER_GOAL_DEADLINE;
	if (args->nr_pos == at + 1) {
		set_mode(state, args->pos[at], pilot);
		pilot->change = true;
		if (at)
			args->guest = args->pos[0];
		args->nr_pos = 0;
		return;
	}
	if (pilot->goal_given || pilot->deadline_ns || args->goal.downtime_ns ||
	    args->goal.bandwidth_bytes_s > 0)
		argp_error(state, "which VM, and is it off, observe, on or default?");
}
