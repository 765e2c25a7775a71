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
#define TAKES_BY_ANY 0x10
#define TAKES_KEY 0x20
#define TAKES_HIST 0x40
#define TAKES_BY_THIEF 0x80
#define TAKES_MATRIX 0x100

#define TAKES_STAT (TAKES_VM | TAKES_INTERVAL | TAKES_EMPTY)
#define TAKES_LEDGER (TAKES_STAT | TAKES_BY)
#define TAKES_HISTS (TAKES_LEDGER | TAKES_HIST)
#define TAKES_EXITS (TAKES_STAT | TAKES_BY_ANY | TAKES_KEY | TAKES_HIST)
#define TAKES_STEAL (TAKES_STAT | TAKES_BY_THIEF | TAKES_HIST | TAKES_MATRIX)

#define KEY_HIST 0x100
#define KEY_MATRIX 0x101

struct command {
	const char *name;
	void (*run)(const struct kvmeter_args *args);
	const char *help;
	unsigned int takes;
};

static const struct command commands[] = {
	{ "attach", kvmeter_cmd_attach, kvmeter_help_attach, 0 },
	{ "detach", kvmeter_cmd_detach, kvmeter_help_detach, 0 },
	{ "list", kvmeter_cmd_list, kvmeter_help_list, TAKES_VM | TAKES_BY },
	{ "stat", kvmeter_cmd_stat, kvmeter_help_stat, TAKES_STAT },
	{ "ledger", kvmeter_cmd_ledger, kvmeter_help_ledger, TAKES_LEDGER },
	{ "exits", kvmeter_cmd_exits, kvmeter_help_exits, TAKES_EXITS },
	{ "steal", kvmeter_cmd_steal, kvmeter_help_steal, TAKES_STEAL },
	{ "wakeups", kvmeter_cmd_wakeups, kvmeter_help_wakeups, TAKES_HISTS },
	{ "metrics", kvmeter_cmd_metrics, kvmeter_help_metrics, 0 },
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
	{ { "by", 'b', "vm|vcpu|class|reason|sub", 0,
	    "A table of each VM (default) or vCPU, or one by class, reason or sub-reason", 0 },
	  TAKES_BY_ANY },
	{ { "by", 'b', "vm|vcpu|thief|cause", 0,
	    "Count by VM (default) or by vCPU, or tell who took it from each VM, or why", 0 },
	  TAKES_BY_THIEF },
	{ { "matrix", KEY_MATRIX, NULL, 0, "A table of victims and thieves", 0 }, TAKES_MATRIX },
	{ { "key", 'k', "KEY", 0, "Sort by KEY, see below", 0 }, TAKES_KEY },
	{ { "hist", KEY_HIST, NULL, 0, "Print the histograms too", 0 }, TAKES_HIST },
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

static void set_by(struct argp_state *state, const char *arg)
{
	static const struct {
		const char *name;
		unsigned int takes; /* commands that take one of these have it */
	} names[KVMETER_BY_NR] = {
		[KVMETER_BY_VM] = { "vm", TAKES_BY | TAKES_BY_ANY | TAKES_BY_THIEF },
		[KVMETER_BY_VCPU] = { "vcpu", TAKES_BY | TAKES_BY_ANY | TAKES_BY_THIEF },
		[KVMETER_BY_CLASS] = { "class", TAKES_BY_ANY },
		[KVMETER_BY_REASON] = { "reason", TAKES_BY_ANY },
		[KVMETER_BY_SUB] = { "sub", TAKES_BY_ANY },
		[KVMETER_BY_THIEF] = { "thief", TAKES_BY_THIEF },
		[KVMETER_BY_CAUSE] = { "cause", TAKES_BY_THIEF },
	};
	struct parse *parse = state->input;
	unsigned int by;

	for (by = 0; by < KVMETER_BY_NR; by++) {
		if (names[by].takes & parse->command->takes && !strcmp(names[by].name, arg))
			break;
	}
	if (by == KVMETER_BY_NR)
		argp_error(state, "there is no --by '%s'", arg);
	parse->args.by = by;
}

static void set_key(struct argp_state *state, const char *arg)
{
	struct parse *parse = state->input;

	if (!kvmeter_sort_find_key(arg, &parse->args.key))
		argp_error(state, "there is no key '%s'", arg);
}

static void check_args(struct argp_state *state)
{
	const struct parse *parse = state->input;
	const struct kvmeter_args *args = &parse->args;

	if (args->guest && args->nr_pos == 3)
		argp_error(state, "too many arguments beside --guest");
	if (args->by == KVMETER_BY_SUB && args->key != KVMETER_SORT_SAMPLE &&
	    args->key != KVMETER_SORT_KERNEL)
		argp_error(state, "--by sub can be sorted by sample or kernel");
	if (args->by == KVMETER_BY_SUB && args->hist)
		argp_error(state, "--by sub has no histograms");
	if (args->matrix && args->by != KVMETER_BY_VM)
		argp_error(state, "--matrix is of VMs");
	if (args->hist &&
	    (args->matrix || args->by == KVMETER_BY_THIEF || args->by == KVMETER_BY_CAUSE))
		argp_error(state, "there are no histograms of thieves and causes");
	if (args->json && args->hist)
		argp_error(state, "--json has the histograms in any case");
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
		set_by(state, arg);
		return 0;
	case 'k':
		set_key(state, arg);
		return 0;
	case KEY_HIST:
		args->hist = true;
		return 0;
	case KEY_MATRIX:
		args->matrix = true;
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
		check_args(state);
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
