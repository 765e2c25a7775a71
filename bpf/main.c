// SPDX-License-Identifier: GPL-2.0-only
/* The program kvmeter: its commands, and which of them is meant. */
#include <argp.h>
#include <string.h>

#include "args.h"

#define STR(x) #x
#define XSTR(x) STR(x)

#define TAKES_STAT (TAKES_VM | TAKES_INTERVAL | TAKES_EMPTY)
#define TAKES_LEDGER (TAKES_STAT | TAKES_BY)
#define TAKES_HISTS (TAKES_LEDGER | TAKES_HIST)
#define TAKES_EXITS (TAKES_STAT | TAKES_BY_ANY | TAKES_KEY | TAKES_HIST)
#define TAKES_STEAL (TAKES_STAT | TAKES_BY_THIEF | TAKES_HIST | TAKES_MATRIX)
#define TAKES_DIRTY (TAKES_VM | TAKES_INTERVAL | TAKES_BY | TAKES_HEAT)

static const struct kvmeter_command dirty_verbs[] = {
	{ "start", kvmeter_cmd_dirty_start, kvmeter_help_dirty_start, TAKES_ONE_VM | TAKES_SESSION,
	  NULL },
	{ "stop", kvmeter_cmd_dirty_stop, kvmeter_help_dirty_stop, TAKES_ONE_VM, NULL },
	{ "status", kvmeter_cmd_dirty_status, kvmeter_help_dirty_status, TAKES_VM, NULL },
	{},
};

static const struct kvmeter_command commands[] = {
	{ "attach", kvmeter_cmd_attach, kvmeter_help_attach, 0, NULL },
	{ "detach", kvmeter_cmd_detach, kvmeter_help_detach, 0, NULL },
	{ "list", kvmeter_cmd_list, kvmeter_help_list, TAKES_VM | TAKES_BY, NULL },
	{ "stat", kvmeter_cmd_stat, kvmeter_help_stat, TAKES_STAT, NULL },
	{ "ledger", kvmeter_cmd_ledger, kvmeter_help_ledger, TAKES_LEDGER, NULL },
	{ "exits", kvmeter_cmd_exits, kvmeter_help_exits, TAKES_EXITS, NULL },
	{ "steal", kvmeter_cmd_steal, kvmeter_help_steal, TAKES_STEAL, NULL },
	{ "wakeups", kvmeter_cmd_wakeups, kvmeter_help_wakeups, TAKES_HISTS, NULL },
	{ "metrics", kvmeter_cmd_metrics, kvmeter_help_metrics, 0, NULL },
	{ "status", kvmeter_cmd_status, kvmeter_help_status, 0, NULL },
	{ "dirty", kvmeter_cmd_dirty, kvmeter_help_dirty, TAKES_DIRTY, dirty_verbs },
	{ "quota", kvmeter_cmd_quota, kvmeter_help_quota, TAKES_VM | TAKES_INTERVAL | TAKES_QUOTA,
	  NULL },
	{ "forecast", kvmeter_cmd_forecast, kvmeter_help_forecast, TAKES_ONE_VM | TAKES_GOAL,
	  NULL },
	{ "migrate", kvmeter_cmd_migrate, kvmeter_help_migrate, TAKES_VM | TAKES_INTERVAL, NULL },
	{ "autoconverge", kvmeter_cmd_autoconverge, kvmeter_help_autoconverge,
	  TAKES_VM | TAKES_PILOT, NULL },
	{ "log", kvmeter_cmd_log, kvmeter_help_log, TAKES_VM | TAKES_FOLLOW, NULL },
	{ "export", kvmeter_cmd_export, kvmeter_help_export, TAKES_EXPORT | TAKES_BY, NULL },
	{},
};

static error_t parse_program(int key, char *arg, struct argp_state *state)
{
	const struct kvmeter_command *command;

	switch (key) {
	case ARGP_KEY_ARG:
		for (command = commands; command->name; command++) {
			if (strcmp(command->name, arg))
				continue;
			kvmeter_args_run(command, state->argc - state->next + 1,
					 state->argv + state->next - 1);
			state->next = state->argc;
			return 0;
		}
		argp_error(state, "there is no command '%s'", arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	struct argp argp = {
		.parser = parse_program,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = kvmeter_help_program,
	};

	argp_program_version = "kvmeter, ABI " XSTR(KVMETER_ABI);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	return 0;
}
