// SPDX-License-Identifier: GPL-2.0-only
/* Understands the command line of a command. */
#include <argp.h>
#include <err.h>
#include <string.h>
#include <sysexits.h>

#include "args.h"

struct command_option {
	struct argp_option argp;
	unsigned int takes; /* the commands that have it take this */
};

static const struct command_option options[] = {
	{ { "guest", 'g', "VM", 0, "Show this VM: name, pid or id", 0 }, TAKES_VM },
	{ { "pid", 'p', "PID", OPTION_ALIAS, NULL, 0 }, TAKES_VM },
	{ { "guest", 'g', "VM", 0, "The VM: name, pid or id", 0 }, TAKES_ONE_VM },
	{ { "pid", 'p', "PID", OPTION_ALIAS, NULL, 0 }, TAKES_ONE_VM },
	{ { "interval", 'i', "TIME", 0, "Arm pages again this often (125ms)", 0 }, TAKES_SESSION },
	{ { "duration", 'd', "TIME", 0, "End after this time", 0 }, TAKES_SESSION },
	{ { "observe", KEY_OBSERVE, NULL, 0, "Only watch while the VMM has memory logged", 0 },
	  TAKES_SESSION },
	{ { "qmp", KEY_QMP, "PATH", 0, "Have QEMU measure, by its QMP socket, and watch", 0 },
	  TAKES_SESSION },
	{ { "foreground", KEY_FOREGROUND, NULL, 0, "Stay until the session has ended", 0 },
	  TAKES_SESSION },
	{ { "heat", KEY_HEAT, NULL, 0, "A picture: addresses down, time across", 0 }, TAKES_HEAT },
	{ { "svg", KEY_SVG, "FILE", 0, "Draw that picture into FILE", 0 }, TAKES_HEAT },
	{ { "bandwidth", KEY_BANDWIDTH, "RATE", 0, "What a migration may use: 10G, 32MiB/s", 0 },
	  TAKES_GOAL },
	{ { "downtime", KEY_DOWNTIME, "TIME", 0, "How long the guest may stand still: 300ms", 0 },
	  TAKES_GOAL },
	{ { "link", KEY_LINK, "RATE", 0, "What can be used while it does (as --bandwidth)", 0 },
	  TAKES_GOAL },
	{ { "ram", KEY_RAM, "BYTES", 0, "The guest's memory, if not what KVM has of it", 0 },
	  TAKES_GOAL },
	{ { "zero-pages", KEY_ZERO_PAGES, "N", 0, "Pages of it that are zero, not counted", 0 },
	  TAKES_GOAL },
	{ { "state", KEY_STATE, "BYTES", 0, "State of the devices (256K)", 0 }, TAKES_GOAL },
	{ { "goal", KEY_PILOT_GOAL, "gentle|bytes", 0, "Writers lose least, or fewest bytes", 0 },
	  TAKES_PILOT },
	{ { "deadline", KEY_DEADLINE, "TIME", 0, "Goal: done within this, from its beginning", 0 },
	  TAKES_PILOT },
	{ { "downtime", KEY_DOWNTIME, "TIME", 0, "The VMM's limit of the downtime (300ms)", 0 },
	  TAKES_PILOT },
	{ { "bandwidth", KEY_BANDWIDTH, "RATE", 0, "What can be sent, if known: 10G, 32MiB/s", 0 },
	  TAKES_PILOT },
	{ { "listen", KEY_LISTEN, "ADDR:PORT", 0, "Answer HTTP requests there", 0 }, TAKES_EXPORT },
	{ { "textfile", KEY_TEXTFILE, "FILE", 0, "Write to FILE, each time as a whole", 0 },
	  TAKES_EXPORT },
	{ { "openmetrics", KEY_OPENMETRICS, NULL, 0, "Print OpenMetrics 1.0", 0 }, TAKES_EXPORT },
	{ { "max-vms", KEY_MAX_VMS, "N", 0, "VMs with series of their own, at most (1000)", 0 },
	  TAKES_EXPORT },
	{ { "follow", 'f', NULL, 0, "Go on with what comes, until ^C", 0 }, TAKES_FOLLOW },
	{ { "by", 'b', "vm|vcpu", 0, "Count by VM (default) or by vCPU", 0 }, TAKES_BY },
	{ { "by", 'b', "vm|vcpu|class|reason|sub", 0,
	    "A table of each VM (default) or vCPU, or one by class, reason or sub-reason", 0 },
	  TAKES_BY_ANY },
	{ { "by", 'b', "vm|vcpu|thief|cause", 0,
	    "Count by VM (default) or by vCPU, or tell who took it from each VM, or why", 0 },
	  TAKES_BY_THIEF },
	{ { "matrix", KEY_MATRIX, NULL, 0, "A table of victims and thieves", 0 }, TAKES_MATRIX },
	{ { "key", 'k', "KEY", 0, "Sort by KEY, see below", 0 }, TAKES_KEY },
	{ { "batch", 'b', NULL, 0, "Print reports, as other commands do", 0 }, TAKES_TOP },
	{ { "key", 'k', "COLUMN", 0, "Sort by this column (EXITS)", 0 }, TAKES_TOP },
	{ { "hist", KEY_HIST, NULL, 0, "Print the histograms too", 0 }, TAKES_HIST },
	{ { "skip-empty", 'z', NULL, 0, "Leave out rows in which nothing happened", 0 },
	  TAKES_EMPTY },
	{ { "rules", KEY_RULES, NULL, 0, "Tell what is looked for, from where on, and why", 0 },
	  TAKES_RULES },
	{ { "json", 'j', NULL, 0, "Print JSON, each report on a line", 0 }, 0 },
	{ { "csv", KEY_CSV, NULL, 0, "Print CSV, with the names of JSON", 0 }, 0 },
	{},
};

struct parse {
	const struct kvmeter_command *command;
	struct kvmeter_args args;
};

#define TAKES_A_VM (TAKES_VM | TAKES_ONE_VM)

static unsigned int max_pos(const struct kvmeter_command *command)
{
	if (command->takes & TAKES_RECORDING)
		return 2;
	return (command->takes & TAKES_A_VM ? 1 : 0) + (command->takes & TAKES_INTERVAL ? 2 : 0) +
		(command->takes & (TAKES_PILOT | TAKES_EXPORT) ? 1 : 0);
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
	if (args->nr_pos > 0 && !(parse->command->takes & (TAKES_QUOTA | TAKES_PILOT)) &&
	    !kvmeter_select_parse_seconds(arg, &seconds, &unit) &&
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
	struct parse *parse = state->input;
	struct kvmeter_args *args = &parse->args;

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
	if (parse->command->takes & TAKES_ONE_VM && !args->guest == !args->nr_pos)
		argp_error(state, args->guest ? "too many VMs" : "which VM?");
	kvmeter_args_check_dirty(state, args, parse->command->takes);
	if (parse->command->takes & TAKES_QUOTA)
		kvmeter_args_check_quota(state, args);
	if (parse->command->takes & TAKES_PILOT)
		kvmeter_args_check_pilot(state, args);
	if (parse->command->takes & TAKES_EXPORT)
		kvmeter_args_check_export(state, args);
	if (args->json && args->hist)
		argp_error(state, "--json and --csv have the histograms in any case");
	if (parse->command->takes & TAKES_RECORDING && !args->nr_pos)
		argp_error(state, "which file?");
	if (args->replay && (args->heat || args->quota.change || args->autoconverge.change))
		argp_error(state, "that needs the module, not a recording");
	if (args->csv && args->matrix)
		argp_error(state, "--csv has the matrix with --by thief");
}

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct kvmeter_args *args = &parse->args;

	if (parse->command->takes & TAKES_TOP && kvmeter_args_parse_top(key, arg, state, args))
		return 0;
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
	case KEY_RULES:
		args->rules = true;
		return 0;
	case 'z':
		args->skip_empty = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case KEY_CSV:
		args->json = true;
		args->csv = true;
		return 0;
	case ARGP_KEY_ARG:
		add_pos(state, arg);
		return 0;
	case ARGP_KEY_END:
		check_args(state);
		return 0;
	default:
		if (kvmeter_args_parse_migrate(key, arg, state, args) ||
		    kvmeter_args_parse_export(key, arg, state, args))
			return 0;
		return kvmeter_args_parse_dirty(key, arg, state, args) ? 0 : ARGP_ERR_UNKNOWN;
	}
}

static const char *args_doc(const struct kvmeter_command *command)
{
	if (command->takes & TAKES_QUOTA)
		return "[VM] [interval [count]]\nVM RATE|off";
	if (command->takes & TAKES_PILOT)
		return "[VM]\nVM off|observe|on|default";
	if (command->takes & TAKES_RECORDING)
		return "FILE [INTERVAL]";
	if (command->takes & TAKES_EXPORT)
		return "[interval]";
	if (command->takes & TAKES_INTERVAL)
		return "[VM] [interval [count]]";
	if (command->takes & TAKES_ONE_VM)
		return "VM";
	return command->takes & TAKES_VM ? "[VM]" : NULL;
}

static void run_command(const struct kvmeter_command *command, const char *before, int argc,
			char **argv, const struct kvmeter_replay_args *replay)
{
	struct argp_option taken[sizeof(options) / sizeof(struct command_option)] = {};
	struct argp argp = {
		.options = taken,
		.parser = parse_command,
		.args_doc = args_doc(command),
		.doc = command->help,
	};
	struct parse parse = { .command = command, .args.replay = replay };
	const struct kvmeter_command *verb;
	const struct command_option *option;
	unsigned int nr = 0;
	char name[64];

	snprintf(name, sizeof(name), "%s %s", before, command->name);
	if (replay && !(command->takes & TAKES_REPLAY))
		errx(EX_USAGE, "'%s' needs the module, not a recording", command->name);
	if (command->takes & TAKES_A_VIEW) {
		kvmeter_args_run_report(command, name, argc, argv);
		return;
	}
	for (verb = command->verbs; verb && argc > 1 && verb->name; verb++) {
		if (!strcmp(verb->name, argv[1])) {
			run_command(verb, name, argc - 1, argv + 1, replay);
			return;
		}
	}
	for (option = options; option->argp.name; option++) {
		if (!(option->takes & ~command->takes) &&
		    !(command->takes & TAKES_NO_FORM && !option->takes))
			taken[nr++] = option->argp;
	}
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &parse);
	/* Where there is no interval, what is given is the VM, whatever it looks like. */
	if (!(command->takes & (TAKES_INTERVAL | TAKES_RECORDING | TAKES_EXPORT)) &&
	    parse.args.nr_pos) {
		parse.args.guest = parse.args.pos[0];
		parse.args.nr_pos = 0;
	}
	parse.args.is_state = !(command->takes & TAKES_INTERVAL);
	if (parse.args.csv)
		kvmeter_csv_choose(parse.args.by);
	command->run(&parse.args);
}

/**
 * kvmeter_args_run - understand what follows the name of a command, and run it
 * @command: the command
 * @argc: how many arguments follow, plus one
 * @argv: its name and they; the name is written over
 *
 * Ends the program with status 64 if they are not understood.
 */
void kvmeter_args_run(const struct kvmeter_command *command, int argc, char **argv)
{
	run_command(command, "kvmeter", argc, argv, NULL);
}

/**
 * kvmeter_args_run_view - the same of a view of a recording
 * @view: the view
 * @before: what was before its name
 * @argc: how many arguments follow, plus one
 * @argv: its name and they; the name is written over
 * @replay: the recording
 */
void kvmeter_args_run_view(const struct kvmeter_command *view, const char *before, int argc,
			   char **argv, const struct kvmeter_replay_args *replay)
{
	run_command(view, before, argc, argv, replay);
}
