// SPDX-License-Identifier: GPL-2.0-only
/* The program kvmeter: its commands, and their command lines. */
#include <argp.h>
#include <string.h>

#include "reader.h"

#define STR(x) #x
#define XSTR(x) STR(x)

/* What a command takes besides --json. */
#define TAKES_VM 0x1
#define TAKES_INTERVAL 0x2
#define TAKES_EMPTY 0x4
#define TAKES_BY 0x8

#define TAKES_STAT (TAKES_VM | TAKES_INTERVAL | TAKES_EMPTY)
#define TAKES_ALL (TAKES_STAT | TAKES_BY)

struct command {
	const char *name;
	void (*run)(const struct kvmeter_args *args);
	const char *help;
	unsigned int takes;
};

static const struct command commands[] = {
	{ "attach", kvmeter_cmd_attach, kvmeter_help_attach, 0 },
	{ "detach", kvmeter_cmd_detach, kvmeter_help_detach, 0 },
	{ "list", kvmeter_cmd_list, kvmeter_help_list, TAKES_VM },
	{ "stat", kvmeter_cmd_stat, kvmeter_help_stat, TAKES_STAT },
	{ "exits", kvmeter_cmd_exits, kvmeter_help_exits, TAKES_ALL },
	{ "steal", kvmeter_cmd_steal, kvmeter_help_steal, TAKES_ALL },
	{ "status", kvmeter_cmd_status, kvmeter_help_status, 0 },
	{},
};

struct command_option {
	struct argp_option argp;
	unsigned int takes; /* the commands that have it take this */
};

static const struct command_option options[] = {
	{ { "guest", 'g', "VM", 0, "Show this VM: name, pid or id", 0 }, TAKES_VM },
	{ { "pid", 'p', "PID", OPTION_ALIAS, NULL, 0 }, TAKES_VM },
	{ { "by", 'b', "vm|vcpu", 0, "Count by VM (default) or by vCPU", 0 }, TAKES_BY },
	{ { "skip-empty", 'z', NULL, 0, "Leave out rows in which nothing happened", 0 },
	  TAKES_EMPTY },
	{ { "json", 'j', NULL, 0, "Print JSON, each report on a line", 0 }, 0 },
	{},
};

struct parse {
	const struct command *command;
	struct kvmeter_args args;
};

static unsigned int max_pos(const struct command *command)
{
	return (command->takes & TAKES_VM ? 1 : 0) + (command->takes & TAKES_INTERVAL ? 2 : 0);
}

static void add_pos(struct argp_state *state, char *arg)
{
	struct parse *parse = state->input;
	struct kvmeter_args *args = &parse->args;
	unsigned long count;
	double seconds;
	bool unit;

	if (args->nr_pos == max_pos(parse->command))
		argp_error(state, "too many arguments");
	if (args->nr_pos > 0 && !kvmeter_select_parse_seconds(arg, &seconds, &unit) &&
	    !kvmeter_select_parse_count(arg, &count))
		argp_error(state, "'%s' is no number", arg);
	args->pos[args->nr_pos++] = arg;
}

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct kvmeter_args *args = &parse->args;

	switch (key) {
	case 'g':
	case 'p':
		args->guest = arg;
		return 0;
	case 'b':
		if (strcmp(arg, "vm") && strcmp(arg, "vcpu"))
			argp_error(state, "--by takes vm or vcpu");
		args->by = strcmp(arg, "vm") ? KVMETER_BY_VCPU : KVMETER_BY_VM;
		return 0;
	case 'z':
		args->skip_empty = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		add_pos(state, arg);
		return 0;
	case ARGP_KEY_END:
		if (args->guest && args->nr_pos == 3)
			argp_error(state, "too many arguments beside --guest");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *args_doc(const struct command *command)
{
	if (command->takes & TAKES_INTERVAL)
		return "[VM] [interval [count]]";
	return command->takes & TAKES_VM ? "[VM]" : NULL;
}

static void run_command(const struct command *command, int argc, char **argv)
{
	struct argp_option taken[sizeof(options) / sizeof(struct command_option)] = {};
	struct argp argp = {
		.options = taken,
		.parser = parse_command,
		.args_doc = args_doc(command),
		.doc = command->help,
	};
	struct parse parse = { .command = command };
	const struct command_option *option;
	unsigned int nr = 0;
	char name[64];

	for (option = options; option->argp.name; option++) {
		if (!(option->takes & ~command->takes))
			taken[nr++] = option->argp;
	}
	snprintf(name, sizeof(name), "kvmeter %s", command->name);
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &parse);
	/* Where there is no interval, what is given is the VM, whatever it looks like. */
	if (!(command->takes & TAKES_INTERVAL) && parse.args.nr_pos) {
		parse.args.guest = parse.args.pos[0];
		parse.args.nr_pos = 0;
	}
	command->run(&parse.args);
}

static error_t parse_program(int key, char *arg, struct argp_state *state)
{
	const struct command *command;

	switch (key) {
	case ARGP_KEY_ARG:
		for (command = commands; command->name; command++) {
			if (strcmp(command->name, arg))
				continue;
			run_command(command, state->argc - state->next + 1,
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
