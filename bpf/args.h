/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of the program and how their command lines are understood.
 */
#ifndef KVMETER_ARGS_H
#define KVMETER_ARGS_H

#include <argp.h>

#include "reader.h"

/*
 * What a command takes besides --json and --csv; TAKES_NO_FORM: not even these. TAKES_REPLAY: that
 * its figures are from a recording.
 */
#define TAKES_VM 0x1
#define TAKES_INTERVAL 0x2
#define TAKES_EMPTY 0x4
#define TAKES_BY 0x8
#define TAKES_BY_ANY 0x10
#define TAKES_KEY 0x20
#define TAKES_HIST 0x40
#define TAKES_BY_THIEF 0x80
#define TAKES_MATRIX 0x100
#define TAKES_ONE_VM 0x200
#define TAKES_SESSION 0x400
#define TAKES_HEAT 0x800
#define TAKES_GOAL 0x1000
#define TAKES_QUOTA 0x2000
#define TAKES_PILOT 0x4000
#define TAKES_FOLLOW 0x8000
#define TAKES_NO_FORM 0x10000
#define TAKES_REPLAY 0x20000
#define TAKES_RECORDING 0x40000
#define TAKES_A_VIEW 0x80000
#define TAKES_TOP 0x100000
#define TAKES_EXPORT 0x200000
#define TAKES_RULES 0x400000

/**
 * struct kvmeter_command - a command of the program
 * @name: word it is called by; of the last one of a table NULL
 * @run: does it
 * @help: what --help says
 * @takes: TAKES_*
 * @verbs: commands that its first argument may name, in a table of their own, or NULL
 */
struct kvmeter_command {
	const char *name;
	void (*run)(const struct kvmeter_args *args);
	const char *help;
	unsigned int takes;
	const struct kvmeter_command *verbs;
};

/* Options that have no letter. */
enum kvmeter_args_key {
	KEY_HIST = 0x100,
	KEY_MATRIX,
	KEY_OBSERVE,
	KEY_QMP,
	KEY_FOREGROUND,
	KEY_HEAT,
	KEY_SVG,
	KEY_BANDWIDTH,
	KEY_DOWNTIME,
	KEY_LINK,
	KEY_RAM,
	KEY_ZERO_PAGES,
	KEY_STATE,
	KEY_PILOT_GOAL,
	KEY_DEADLINE,
	KEY_CSV,
	KEY_FROM,
	KEY_TO,
	KEY_LISTEN,
	KEY_TEXTFILE,
	KEY_OPENMETRICS,
	KEY_MAX_VMS,
	KEY_HTML,
	KEY_RULES,
};

/* args.c */
void kvmeter_args_run(const struct kvmeter_command *command, int argc, char **argv);
void kvmeter_args_run_view(const struct kvmeter_command *view, const char *before, int argc,
			   char **argv, const struct kvmeter_replay_args *replay);

/* args_report.c */
void kvmeter_args_run_report(const struct kvmeter_command *command, char *name, int argc,
			     char **argv);

/* args_dirty.c */
bool kvmeter_args_parse_dirty(int key, const char *arg, struct argp_state *state,
			      struct kvmeter_args *args);
void kvmeter_args_check_dirty(struct argp_state *state, struct kvmeter_args *args,
			      unsigned int takes);

/* args_quota.c */
void kvmeter_args_check_quota(struct argp_state *state, struct kvmeter_args *args);

/* args_top.c */
bool kvmeter_args_parse_top(int key, const char *arg, struct argp_state *state,
			    struct kvmeter_args *args);

/* args_migrate.c */
bool kvmeter_args_parse_migrate(int key, const char *arg, struct argp_state *state,
				struct kvmeter_args *args);
void kvmeter_args_check_pilot(struct argp_state *state, struct kvmeter_args *args);

/* args_export.c */
bool kvmeter_args_parse_export(int key, const char *arg, struct argp_state *state,
			       struct kvmeter_args *args);
void kvmeter_args_check_export(struct argp_state *state, struct kvmeter_args *args);

#endif /* KVMETER_ARGS_H */
