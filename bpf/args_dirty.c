// SPDX-License-Identifier: GPL-2.0-only
/* Understands the options of sessions, of their pictures and of forecasts. */
#include <stdlib.h>
#include <string.h>

#include "args.h"

#define STATE_BYTES (256 * 1024)

static __u64 get_ns(struct argp_state *state, const char *arg, bool needs_unit)
{
	bool unit;
	__u64 ns;

	if (!kvmeter_units_parse_ns(arg, &ns, &unit))
		argp_error(state, "'%s' is no time", arg);
	if (needs_unit && !unit)
		argp_error(state, "'%s' needs a unit, as in %sms", arg, arg);
	return ns;
}

/* An interval is the shortest one, times a power of 2. */
static __u64 get_interval_ns(struct argp_state *state, const char *arg)
{
	__u64 ns = get_ns(state, arg, false), fits;

	for (fits = KVMETER_INTERVAL_MIN_NS; fits <= KVMETER_INTERVAL_MAX_NS; fits *= 2) {
		if (fits == ns)
			return ns;
	}
	argp_error(state, "--interval is 125ms, 250ms, 500ms, 1s, 2s or 4s, not '%s'", arg);
	return 0;
}

static double get_bandwidth(struct argp_state *state, const char *arg)
{
	double bytes_s;

	if (!kvmeter_units_parse_bandwidth(arg, &bytes_s))
		argp_error(state, "'%s' is no bandwidth", arg);
	return bytes_s;
}

static __u64 get_bytes(struct argp_state *state, const char *arg)
{
	__u64 bytes;

	if (!kvmeter_units_parse_bytes(arg, &bytes))
		argp_error(state, "'%s' is no size", arg);
	return bytes;
}

static __u64 get_pages(struct argp_state *state, const char *arg)
{
	size_t len = strlen(arg);

	if (!len || len > 15 || strspn(arg, "0123456789") != len)
		argp_error(state, "'%s' is no number of pages", arg);
	return strtoull(arg, NULL, 10);
}

static bool parse_goal(int key, const char *arg, struct argp_state *state,
		       struct kvmeter_forecast_args *goal)
{
	switch (key) {
	case KEY_BANDWIDTH:
		goal->bandwidth_bytes_s = get_bandwidth(state, arg);
		return true;
	case KEY_LINK:
		goal->link_bytes_s = get_bandwidth(state, arg);
		return true;
	case KEY_DOWNTIME:
		goal->downtime_ns = get_ns(state, arg, true);
		return true;
	case KEY_RAM:
		goal->ram_bytes = get_bytes(state, arg);
		return true;
	case KEY_ZERO_PAGES:
		goal->zero_pages = get_pages(state, arg);
		return true;
	case KEY_STATE:
		goal->state_bytes = get_bytes(state, arg);
		return true;
	default:
		return false;
	}
}

/**
 * kvmeter_args_parse_dirty - understand an option
 * @key: which
 * @arg: its argument
 * @state: of the parser
 * @args: where it is kept; defaults are set at ARGP_KEY_INIT
 *
 * Return: false if it is none of the options known here.
 */
bool kvmeter_args_parse_dirty(int key, const char *arg, struct argp_state *state,
			      struct kvmeter_args *args)
{
	switch (key) {
	case ARGP_KEY_INIT:
		args->session.interval_ns = KVMETER_INTERVAL_MIN_NS;
		args->goal.zero_pages = KVMETER_ZERO_UNKNOWN;
		args->goal.state_bytes = STATE_BYTES;
		return true;
	case 'i':
		args->session.interval_ns = get_interval_ns(state, arg);
		return true;
	case 'd':
		args->session.duration_ns = get_ns(state, arg, false);
		return true;
	case KEY_OBSERVE:
		args->session.observe = true;
		return true;
	case KEY_QMP:
		args->session.qmp = arg;
		return true;
	case KEY_FOREGROUND:
		args->session.foreground = true;
		return true;
	case KEY_HEAT:
		args->heat = true;
		return true;
	case KEY_SVG:
		args->svg = arg;
		args->heat = true;
		return true;
	default:
		return parse_goal(key, arg, state, &args->goal);
	}
}

static void check_session(struct argp_state *state, const struct kvmeter_session_args *session)
{
	if (session->duration_ns && session->duration_ns < session->interval_ns)
		argp_error(state, "--duration is shorter than the interval");
	if (session->duration_ns > KVMETER_DURATION_MAX_NS)
		argp_error(state, "--duration is 24h at most");
}

static void check_goal(struct argp_state *state, struct kvmeter_forecast_args *goal)
{
	if (!(goal->bandwidth_bytes_s > 0))
		argp_error(state, "--bandwidth is missing");
	if (!goal->downtime_ns)
		argp_error(state, "--downtime is missing");
	if (!(goal->link_bytes_s > 0))
		goal->link_bytes_s = goal->bandwidth_bytes_s;
}

/**
 * kvmeter_args_check_dirty - see that the options make sense together
 * @state: of the parser
 * @args: the options; what defaults to another one is set
 * @takes: TAKES_* of the command
 */
void kvmeter_args_check_dirty(struct argp_state *state, struct kvmeter_args *args,
			      unsigned int takes)
{
	if (takes & TAKES_SESSION)
		check_session(state, &args->session);
	if (takes & TAKES_GOAL)
		check_goal(state, &args->goal);
	if (args->heat && args->by != KVMETER_BY_VM)
		argp_error(state, "--heat is of a VM");
}
