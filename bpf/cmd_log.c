// SPDX-License-Identifier: GPL-2.0-only
/* The command log: what was seen of migrations, what was decided, and what was done. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "migrate.h"

/* Records that are read at a time. */
#define RECORDS 64

/*
 * @what: the VM that is meant; NULL: all
 * @slot, @gen: if it is there, its slot; @gen is 0 if it is not, then @what is a pid or an id
 * @last: number of the last record that was read
 * @lost: records that were missing, and were not told yet
 */
struct log {
	const struct kvmeter_args *args;
	const char *what;
	struct kvmeter_maps maps;
	struct kvmeter_snap snap;
	__u32 slot, gen;
	__u64 last, lost;
};

/* The VM is one of those that are there; or one that is gone, of which no name is known. */
static void choose_vm(struct log *log)
{
	char shown[KVMETER_SHOWN_MAX];
	int vm;

	log->what = log->args->guest;
	if (!log->what)
		return;
	vm = kvmeter_select_find_vm(&log->snap, log->what);
	if (vm >= 0) {
		log->slot = log->snap.vms[vm].slot;
		log->gen = log->snap.vms[vm].v.gen;
		return;
	}
	if (*log->what && !log->what[strspn(log->what, "0123456789-")])
		return;
	kvmeter_escape_text(log->what, shown, sizeof(shown));
	errx(1, "no VM has the name, pid or id '%s'", shown);
}

static bool is_wanted(const struct log *log, const struct kvmeter_audit *a)
{
	char pid[16];

	if (!log->what)
		return true;
	if (log->gen)
		return a->vm == log->slot && a->vm_gen == log->gen;
	snprintf(pid, sizeof(pid), "%u", a->pid);
	return !strcmp(a->id, log->what) || !strcmp(pid, log->what);
}

/* VMs come and go: who is not in the snapshot may be in the next one. NULL: it is gone. */
static const char *find_name(struct log *log, const struct kvmeter_audit *a)
{
	const struct kvmeter_snap_vm *vm;

	vm = kvmeter_snapshot_find_vm(&log->snap, a->vm, a->vm_gen);
	return vm ? vm->name : NULL;
}

/* What is shown is digits, letters and dashes, as a module that is sane writes them. */
static void clean_id(char *id)
{
	char raw[KVMETER_NAME_LEN];

	memcpy(raw, id, sizeof(raw));
	raw[sizeof(raw) - 1] = '\0';
	raw[strspn(raw, "0123456789abcdefghijklmnopqrstuvwxyz-")] = '\0';
	memcpy(id, raw, sizeof(raw));
}

static void print_record(struct log *log, struct kvmeter_audit *a)
{
	if (a->nr > log->last + 1)
		log->lost += a->nr - log->last - 1;
	log->last = a->nr;
	clean_id(a->id);
	if (!is_wanted(log, a))
		return;
	kvmeter_audit_print(a, find_name(log, a), log->lost, log->args->json);
	log->lost = 0;
}

/*
 * False if a signal came while it waited for whoever reads standard output: after that, each
 * further write would wait again.
 */
static bool is_written(bool written)
{
	if (!written && errno != EINTR)
		err(1, "cannot write");
	return written;
}

/* All that there is. False if it is to end. */
static bool print_records(struct log *log, int dev)
{
	static struct kvmeter_audit records[RECORDS];
	ssize_t len;
	size_t i;

	while ((len = read(dev, records, sizeof(records))) > 0) {
		if (len % sizeof(*records))
			errx(1, "the module gave a part of a record");
		kvmeter_snapshot_take(&log->snap, &log->maps, 0);
		for (i = 0; i < len / sizeof(*records); i++) {
			print_record(log, &records[i]);
			if (!is_written(!ferror(stdout)))
				return false;
		}
	}
	if (len < 0 && errno != EINTR)
		err(1, "cannot read the log");
	/* of another VM, or of this one: nobody knows */
	if (log->lost && !log->args->json)
		kvmeter_audit_print_lost(log->lost);
	log->lost = log->args->json ? log->lost : 0;
	return is_written(!ferror(stdout) && !fflush(stdout));
}

/**
 * kvmeter_cmd_log - kvmeter log
 * @args: the command line
 */
void kvmeter_cmd_log(const struct kvmeter_args *args)
{
	struct log log = { .args = args };
	struct kvmeter_info info;
	int dev;

	kvmeter_maps_open(&log.maps);
	kvmeter_snapshot_take(&log.snap, &log.maps, 0);
	choose_vm(&log);
	dev = kvmeter_device_open();
	kvmeter_device_get_info(dev, &info);
	if (args->follow)
		kvmeter_wait_catch_signals();
	while (print_records(&log, dev) && args->follow && kvmeter_wait_for(dev))
		;
	close(dev);
	kvmeter_snapshot_put(&log.snap);
}
