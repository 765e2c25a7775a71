// SPDX-License-Identifier: GPL-2.0-only
/* The program kvmeter: its commands, and which of them is meant. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvmeter/version.h>

#include "args.h"

#define KEY_COMMANDS 0x100

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
	{ "status", kvmeter_cmd_dirty_status, kvmeter_help_dirty_status, TAKES_VM | TAKES_REPLAY,
	  NULL },
	{},
};

/* What can be shown of a recording as well. */
static const struct kvmeter_command views[] = {
	{ "list", kvmeter_cmd_list, kvmeter_help_list, TAKES_VM | TAKES_BY | TAKES_REPLAY, NULL },
	{ "stat", kvmeter_cmd_stat, kvmeter_help_stat, TAKES_STAT | TAKES_REPLAY, NULL },
	{ "ledger", kvmeter_cmd_ledger, kvmeter_help_ledger, TAKES_LEDGER | TAKES_REPLAY, NULL },
	{ "exits", kvmeter_cmd_exits, kvmeter_help_exits, TAKES_EXITS | TAKES_REPLAY, NULL },
	{ "steal", kvmeter_cmd_steal, kvmeter_help_steal, TAKES_STEAL | TAKES_REPLAY, NULL },
	{ "wakeups", kvmeter_cmd_wakeups, kvmeter_help_wakeups, TAKES_HISTS | TAKES_REPLAY, NULL },
	{ "dirty", kvmeter_cmd_dirty, kvmeter_help_dirty, TAKES_DIRTY | TAKES_REPLAY, dirty_verbs },
	{ "quota", kvmeter_cmd_quota, kvmeter_help_quota,
	  TAKES_VM | TAKES_INTERVAL | TAKES_QUOTA | TAKES_REPLAY, NULL },
	{ "migrate", kvmeter_cmd_migrate, kvmeter_help_migrate,
	  TAKES_VM | TAKES_INTERVAL | TAKES_REPLAY, NULL },
	{ "autoconverge", kvmeter_cmd_autoconverge, kvmeter_help_autoconverge,
	  TAKES_VM | TAKES_PILOT | TAKES_REPLAY, NULL },
	{ "doctor", kvmeter_cmd_doctor, kvmeter_help_doctor,
	  TAKES_VM | TAKES_INTERVAL | TAKES_RULES | TAKES_REPLAY, NULL },
	{},
};

static const struct kvmeter_command commands[] = {
	{ "attach", kvmeter_cmd_attach, kvmeter_help_attach, 0, NULL },
	{ "detach", kvmeter_cmd_detach, kvmeter_help_detach, 0, NULL },
	{ "top", kvmeter_cmd_top, kvmeter_help_top, TAKES_VM | TAKES_INTERVAL | TAKES_TOP, NULL },
	{ "metrics", kvmeter_cmd_metrics, kvmeter_help_metrics, 0, NULL },
	{ "schema", kvmeter_cmd_schema, kvmeter_help_schema, TAKES_NO_FORM, NULL },
	{ "status", kvmeter_cmd_status, kvmeter_help_status, 0, NULL },
	{ "forecast", kvmeter_cmd_forecast, kvmeter_help_forecast, TAKES_ONE_VM | TAKES_GOAL,
	  NULL },
	{ "log", kvmeter_cmd_log, kvmeter_help_log, TAKES_VM | TAKES_FOLLOW, NULL },
	{ "record", kvmeter_cmd_record, kvmeter_help_record, TAKES_RECORDING, NULL },
	{ "report", NULL, kvmeter_help_report, TAKES_A_VIEW, views },
	{ "export", kvmeter_cmd_export, kvmeter_help_export,
	  TAKES_EXPORT | TAKES_BY | TAKES_NO_FORM, NULL },
	{},
};

/* Return: false if the table has none of that name. */
static bool run_command(const struct kvmeter_command *command, struct argp_state *state,
			const char *name)
{
	for (; command->name; command++) {
		if (strcmp(command->name, name))
			continue;
		kvmeter_args_run(command, state->argc - state->next + 1,
				 state->argv + state->next - 1);
		state->next = state->argc;
		return true;
	}
	return false;
}

/* What the manual page and the completion are made from: a line for each command and verb. */
static void print_commands(const struct kvmeter_command *command)
{
	const struct kvmeter_command *verb;

	for (; command->name; command++) {
		printf("%s\n", command->name);
		for (verb = command->verbs; verb && verb->name; verb++)
			printf("%s %s%s\n", command->name,
			       command->takes & TAKES_A_VIEW ? "FILE " : "", verb->name);
	}
}

static error_t parse_program(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_COMMANDS:
		print_commands(views);
		print_commands(commands);
		exit(0);
	case ARGP_KEY_ARG:
		if (run_command(views, state, arg) || run_command(commands, state, arg))
			return 0;
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
	static const struct argp_option options[] = {
		{ "commands", KEY_COMMANDS, NULL, OPTION_HIDDEN, NULL, 0 },
		{},
	};
	struct argp argp = {
		.options = options,
		.parser = parse_program,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = kvmeter_help_program,
	};

	argp_program_version = "kvmeter " KVMETER_VERSION ", ABI " XSTR(KVMETER_ABI);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	return 0;
}
