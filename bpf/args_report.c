// SPDX-License-Identifier: GPL-2.0-only
/* Understands the command line of report, up to the name of the view. */
#include <string.h>

#include "args.h"
#include "html.h"

/*
 * @command: report; its verbs are the views
 * @name: "kvmeter report"
 * @replay: what is meant
 * @html: --html: where a page goes; NULL: there is a view
 */
struct parse {
	const struct kvmeter_command *command;
	const char *name;
	struct kvmeter_replay_args replay;
	const char *html;
};

static const struct argp_option options[] = {
	{ "from", KEY_FROM, "TIME", 0, "Leave out what was before", 0 },
	{ "html", KEY_HTML, "OUT", 0, "Write a page with all of it to OUT (-: standard output)",
	  0 },
	{ "to", KEY_TO, "TIME", 0, "Leave out what comes after", 0 },
	{},
};

static void set_time(struct argp_state *state, const char *arg, struct kvmeter_time *time)
{
	if (!kvmeter_times_parse(arg, time))
		argp_error(state, "'%s' is no point in time", arg);
}

static void run_view(struct argp_state *state, const char *view)
{
	const struct parse *parse = state->input;
	const struct kvmeter_command *verb;
	char before[64];

	for (verb = parse->command->verbs; verb->name; verb++) {
		if (strcmp(verb->name, view))
			continue;
		snprintf(before, sizeof(before), "%s FILE", parse->name);
		kvmeter_args_run_view(verb, before, state->argc - state->next + 1,
				      state->argv + state->next - 1, &parse->replay);
		state->next = state->argc;
		return;
	}
	argp_error(state, "there is no view '%s' of a recording", view);
}

static error_t parse_report(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	switch (key) {
	case KEY_FROM:
		set_time(state, arg, &parse->replay.from);
		return 0;
	case KEY_TO:
		set_time(state, arg, &parse->replay.to);
		return 0;
	case KEY_HTML:
		parse->html = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (parse->html && parse->replay.file)
			argp_error(state, "--html has all views");
		if (parse->replay.file)
			run_view(state, arg);
		else
			parse->replay.file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!parse->replay.file)
			argp_error(state, "which file?");
		if (parse->html)
			kvmeter_cmd_html(&parse->replay, parse->html);
		else if (state->arg_num < 2)
			argp_error(state, "which view of it?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/**
 * kvmeter_args_run_report - understand what follows "kvmeter report", and run the view
 * @command: report
 * @name: how it was called
 * @argc: how many arguments follow, plus one
 * @argv: its name and they
 */
void kvmeter_args_run_report(const struct kvmeter_command *command, char *name, int argc,
			     char **argv)
{
	struct argp argp = {
		.options = options,
		.parser = parse_report,
		.args_doc = "FILE [--from TIME] [--to TIME] VIEW [ARGUMENT...]\n"
			    "--html OUT FILE [--from TIME] [--to TIME]",
		.doc = command->help,
	};
	struct parse parse = { .command = command, .name = name };

	argv[0] = name;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &parse);
}
