/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the reader's commands share: VMs of known contents and what is printed of them,
 * and command lines.
 */
#ifndef KVMETER_SELFTESTS_READER_CASE_H
#define KVMETER_SELFTESTS_READER_CASE_H

#include "../bpf/args.h"
#include "../bpf/migrate.h"
#include "fake_maps.h"

#define NR(array) (sizeof(array) / sizeof(*(array)))
#define NS_PER_S 1000000000ULL
#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGES_PER_MIB (MIB / KVMETER_PAGE_BYTES)

/**
 * struct reader_case - three VMs, and what the reader tells of them
 * @fake: the maps
 * @maps: how the reader sees them
 * @snaps: the earlier and the later snapshot
 * @delta: what happened between them
 * @args: the command line that is reported for
 * @report: of @delta; of all VMs
 * @screen: no terminal
 * @m: of the first VM
 * @d: likewise
 * @needs: KVMETER_NEED_*: what snapshots have
 * @text: what was printed last
 */
struct reader_case {
	struct fake_maps *fake;
	struct kvmeter_maps maps;
	struct kvmeter_snap snaps[2], delta;
	struct kvmeter_args args;
	struct kvmeter_report report;
	struct kvmeter_screen screen;
	struct kvmeter_migration *m;
	struct kvmeter_dirty *d;
	unsigned int needs;
	char text[65536];
};

/**
 * reader_case_init() - begin with three VMs that have done nothing yet
 * @c: "web", 12-3, in slot 3 has two vCPUs, "db", 12-5, in slot 5 has one, "idle", 12-6, in slot 6
 *     has none. The memory of "web" is logged
 *
 * Return: 0, or -1 if there is no memory.
 */
int reader_case_init(struct reader_case *c);

/** reader_case_put() - free what a case has */
void reader_case_put(struct reader_case *c);

/** reader_case_take() - snapshot @n at a time of our own, which all vCPUs have been seen up to */
void reader_case_take(struct reader_case *c, unsigned int n, __u64 now_ns);

/** reader_case_subtract() - fill in what happened between the snapshots */
void reader_case_subtract(struct reader_case *c);

/** reader_case_show() - what @print writes to standard output; it is c->text, too */
const char *reader_case_show(struct reader_case *c, void (*print)(const struct reader_case *c));

/** reader_case_find_line() - the line of c->text that begins like that, or "no such line" */
const char *reader_case_find_line(const struct reader_case *c, const char *begin);

/** reader_capture() - what @print writes to standard output, in @text, which is returned */
const char *reader_capture(char *text, size_t size, void (*print)(const void *arg),
			   const void *arg);

/** reader_explain() - what the reader says if the module does not set something of a VM "web" */
const char *reader_explain(const struct kvmeter_setting *setting, int error);

/** reader_get() - the value at @key of @obj; says so if there is none, and returns NULL */
struct json_object *reader_get(struct json_object *obj, const char *key);

/** reader_note_args() - what the commands given to the functions below have as @run */
void reader_note_args(const struct kvmeter_args *args);

/**
 * reader_understand() - have the reader's own parser understand a command line
 * @command: the command
 * @words: what follows its name, up to a NULL
 *
 * Return: what was understood, until the next call; NULL if the command was not run.
 */
const struct kvmeter_args *reader_understand(const struct kvmeter_command *command,
					     const char *const *words);

/**
 * reader_try() - the same in a process of its own, which may end by it
 * @command: the command
 * @words: what follows its name, up to a NULL
 * @said: what it says on standard error
 * @size: bytes there
 *
 * Return: its exit status, -1 if it had none.
 */
int reader_try(const struct kvmeter_command *command, const char *const *words, char *said,
	       size_t size);

#endif
