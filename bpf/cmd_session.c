// SPDX-License-Identifier: GPL-2.0-only
/* The commands dirty start, dirty stop and dirty status: sessions. */
#include <err.h>
#include <unistd.h>

#include "dirty.h"
#include "qmp.h"

#define NS_PER_MS 1e6
#define NS_PER_S 1e9

static const struct kvmeter_snap_vm *get_vm(struct kvmeter_snap *snap, struct kvmeter_maps *maps,
					    const char *what)
{
	kvmeter_maps_open(maps);
	kvmeter_snapshot_take(snap, maps, 0);
	return &snap->vms[kvmeter_select_get_vm(snap, what)];
}

static void add_vm(struct json_object *obj, const struct kvmeter_snap_vm *vm)
{
	kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
	kvmeter_json_add_text(obj, "name", vm->name);
	kvmeter_json_add_text(obj, "id", vm->v.id);
	kvmeter_json_add_u64(obj, "slot", vm->slot);
	kvmeter_json_add_u64(obj, "gen", vm->v.gen);
}

static void print_start(const struct kvmeter_snap_vm *vm, const struct kvmeter_args *args,
			pid_t controller)
{
	const struct kvmeter_session_args *session = &args->session;
	struct json_object *obj;
	char text[128];

	if (args->json) {
		obj = kvmeter_json_new_document(KVMETER_DOCUMENT_DIRTY_START);
		add_vm(obj, vm);
		kvmeter_json_add_text(obj, "session",
				      kvmeter_reasons_session(session->observe || session->qmp
								      ? KVMETER_SESSION_OBSERVED
								      : KVMETER_SESSION_DRIVEN));
		kvmeter_json_add_u64(obj, "interval_ns", session->interval_ns);
		kvmeter_json_add_u64(obj, "duration_ns", session->duration_ns);
		kvmeter_json_add_u64(obj, "controller", controller);
		kvmeter_json_print(obj);
	} else {
		kvmeter_session_describe(session, text, sizeof(text));
		printf("%s (%s): %s, process %d\n", vm->name, vm->v.id, text, controller);
	}
	if (fflush(stdout))
		err(1, "cannot write");
}

/* To the end of the session, or its beginning of an end. */
static void follow(struct kvmeter_maps *maps, const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_dirty last;

	if (!kvmeter_controller_follow(maps, vm, ~0ULL, &last))
		kvmeter_session_stop(vm);
}

static void start_in_foreground(struct kvmeter_maps *maps, const struct kvmeter_snap_vm *vm,
				const struct kvmeter_args *args)
{
	struct kvmeter_dirty last;
	char why[128];

	kvmeter_session_start(vm, &args->session);
	print_start(vm, args, getpid());
	if (!kvmeter_controller_follow(maps, vm, ~0ULL, &last)) {
		kvmeter_session_stop(vm);
		return;
	}
	kvmeter_session_explain_end(&last, why, sizeof(why));
	if (!args->json)
		printf("%s (%s): ended: %s\n", vm->name, vm->v.id,
		       last.gen == vm->v.gen ? why : "the VM is gone");
}

/**
 * kvmeter_cmd_dirty_start - kvmeter dirty start
 * @args: the command line
 */
void kvmeter_cmd_dirty_start(const struct kvmeter_args *args)
{
	const struct kvmeter_snap_vm *vm;
	struct kvmeter_snap snap = {};
	struct kvmeter_maps maps;
	pid_t controller;

	vm = get_vm(&snap, &maps, args->guest);
	if (args->session.qmp) {
		kvmeter_qmp_measure(&maps, vm, args);
	} else if (args->session.foreground) {
		start_in_foreground(&maps, vm, args);
	} else {
		controller = kvmeter_controller_detach();
		if (controller) {
			print_start(vm, args, controller);
		} else {
			kvmeter_session_start(vm, &args->session);
			kvmeter_controller_report();
			follow(&maps, vm);
		}
	}
	kvmeter_snapshot_put(&snap);
}

/**
 * kvmeter_cmd_dirty_stop - kvmeter dirty stop
 * @args: the command line
 */
void kvmeter_cmd_dirty_stop(const struct kvmeter_args *args)
{
	const struct kvmeter_snap_vm *vm;
	struct kvmeter_snap snap = {};
	struct kvmeter_maps maps;
	struct json_object *obj;

	vm = get_vm(&snap, &maps, args->guest);
	if (!kvmeter_session_stop(vm))
		errx(1, "there is no session on %s", vm->name);
	if (args->json) {
		obj = kvmeter_json_new_document(KVMETER_DOCUMENT_DIRTY_STOP);
		add_vm(obj, vm);
		kvmeter_json_add_text(obj, "end", kvmeter_reasons_session_end(KVMETER_END_STOPPED));
		kvmeter_json_print(obj);
	} else {
		printf("%s (%s): stopped\n", vm->name, vm->v.id);
	}
	kvmeter_snapshot_put(&snap);
}

static double length_s(const struct kvmeter_snap *snap, const struct kvmeter_dirty *d)
{
	__u64 end_ns = d->end_ns ? d->end_ns : snap->now_ns;

	return end_ns > d->start_ns ? (end_ns - d->start_ns) / NS_PER_S : 0.0;
}

static void print_row(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
		      unsigned int width)
{
	const struct kvmeter_dirty *d = &vm->d;

	kvmeter_table_print_name(vm->name, width);
	printf(" %-12s %-9s %-8s", vm->v.id, kvmeter_reasons_show_log_state(vm->v.log_state),
	       kvmeter_reasons_session(d->session));
	if (d->session == KVMETER_SESSION_NONE) {
		printf(" %-10s %8s %8s %9s %10s %10s\n", "-", "-", "-", "-", "-", "-");
		return;
	}
	printf(" %-10s %8.0f %8.1f %9llu %10llu",
	       d->session == KVMETER_SESSION_ENDED ? kvmeter_reasons_session_end(d->end) : "-",
	       d->interval_ns / NS_PER_MS, length_s(snap, d), d->intervals, d->tracked_pages);
	if (d->session == KVMETER_SESSION_ENDED)
		printf(" %10s\n", "-");
	else
		printf(" %10u\n", d->controller);
}

static struct json_object *new_vm(const struct kvmeter_snap_vm *vm)
{
	struct json_object *obj = kvmeter_json_new_vm(vm);

	kvmeter_dirty_add_session(obj, &vm->d);
	return obj;
}

static void report_status(const struct kvmeter_report *report)
{
	unsigned int width = kvmeter_table_name_width(report), i;
	struct json_object *obj = NULL, *vms = NULL;

	if (report->args->json) {
		obj = kvmeter_json_new_report(KVMETER_DOCUMENT_DIRTY_STATUS, report->snap);
		vms = json_object_new_array();
	} else {
		kvmeter_table_print_name("NAME", width);
		printf(" %-12s %-9s %-8s %-10s %8s %8s %9s %10s %10s\n", "ID", "LOGGING", "SESSION",
		       "END", "EACH(ms)", "FOR(s)", "INTERVALS", "TRACKED", "CONTROLLER");
	}
	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		if (vms)
			json_object_array_add(vms, new_vm(&report->snap->vms[i]));
		else
			print_row(report->snap, &report->snap->vms[i], width);
	}
	if (obj) {
		json_object_object_add(obj, "vms", vms);
		kvmeter_json_print(obj);
	}
}

/**
 * kvmeter_cmd_dirty_status - kvmeter dirty status
 * @args: the command line
 */
void kvmeter_cmd_dirty_status(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, 0, report_status);
}
