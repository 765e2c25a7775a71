// SPDX-License-Identifier: GPL-2.0-only
/* Has QEMU measure a guest's dirty rate, again and again, and watches beside it. */
#include <err.h>
#include <string.h>
#include <time.h>

#include "dirty.h"
#include "qmp.h"

#define NS_PER_S 1000000000ULL
#define MIB (1024.0 * 1024.0)

/* What QEMU measures for, in s: its own limits, and how long if the user does not say. */
#define CALC_MIN_S 1
#define CALC_MAX_S 60
#define DURATION_S 10

/* How much longer than that it may take. */
#define GRACE_NS (10 * NS_PER_S)
#define POLL_NS 200000000ULL

struct measure {
	struct kvmeter_qmp qmp;
	struct kvmeter_maps *maps;
	const struct kvmeter_snap_vm *vm;
	const struct kvmeter_args *args;
};

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void fail(struct measure *m)
{
	kvmeter_session_stop(m->vm);
	errx(1, "QMP at %s: %s", m->args->session.qmp, m->qmp.why);
}

/* Pages found dirty so far; false if the VM is gone. */
static bool count_pages(const struct measure *m, __u64 *pages)
{
	struct kvmeter_snap snap = {};
	struct kvmeter_snap_vm *vm;

	kvmeter_snapshot_take(&snap, m->maps, 0);
	vm = kvmeter_snapshot_find_vm(&snap, m->vm->slot, m->vm->v.gen);
	if (vm)
		*pages = vm->found_pages;
	kvmeter_snapshot_put(&snap);
	return vm;
}

static void start_calc(struct measure *m, unsigned int seconds)
{
	struct json_object *arguments = json_object_new_object(), *ret;

	json_object_object_add(arguments, "calc-time", json_object_new_int(seconds));
	json_object_object_add(arguments, "mode", json_object_new_string("dirty-bitmap"));
	ret = kvmeter_qmp_execute(&m->qmp, "calc-dirty-rate", arguments);
	if (!ret)
		fail(m);
	json_object_put(ret);
}

/* QEMU's figure in MiB/s, -1 if there is none yet. */
static long long get_rate(struct measure *m)
{
	struct json_object *ret = kvmeter_qmp_execute(&m->qmp, "query-dirty-rate", NULL);
	struct json_object *status, *rate;
	long long mib_s = -1;

	if (!ret)
		fail(m);
	if (json_object_object_get_ex(ret, "status", &status) &&
	    !strcmp(json_object_get_string(status), "measured") &&
	    json_object_object_get_ex(ret, "dirty-rate", &rate))
		mib_s = json_object_get_int64(rate);
	json_object_put(ret);
	return mib_s;
}

static void print_result(const struct measure *m, unsigned int seconds, long long qemu_mib_s,
			 __u64 pages)
{
	double bytes_s = (double)pages * KVMETER_PAGE_BYTES / seconds;
	struct json_object *obj;

	if (!m->args->json) {
		printf("%s (%s): %u s: QEMU %lld MiB/s, kvmeter %.3f MiB/s (%llu pages)\n",
		       m->vm->name, m->vm->v.id, seconds, qemu_mib_s, bytes_s / MIB, pages);
	} else {
		obj = kvmeter_json_new_document(KVMETER_DOCUMENT_QMP);
		kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
		kvmeter_json_add_text(obj, "name", m->vm->name);
		kvmeter_json_add_text(obj, "id", m->vm->v.id);
		kvmeter_json_add_u64(obj, "calc_time_s", seconds);
		kvmeter_json_add_u64(obj, "qemu_mib_per_s", qemu_mib_s);
		kvmeter_json_add_u64(obj, "dirty_pages", pages);
		kvmeter_json_add_double(obj, "dirty_bytes_per_s", bytes_s);
		kvmeter_json_print(obj);
	}
	if (fflush(stdout))
		err(1, "cannot write");
}

/* Return: false if it is to end: the session is over, or a signal came. */
static bool measure_once(struct measure *m, unsigned int seconds)
{
	__u64 until_ns = now_ns() + seconds * NS_PER_S + GRACE_NS, before, after;
	struct kvmeter_dirty last;
	long long mib_s;

	if (!count_pages(m, &before))
		return false;
	start_calc(m, seconds);
	for (;;) {
		if (kvmeter_controller_follow(m->maps, m->vm, now_ns() + POLL_NS, &last) ||
		    kvmeter_controller_is_signalled())
			return false;
		mib_s = get_rate(m);
		if (mib_s >= 0)
			break;
		if (now_ns() > until_ns) {
			snprintf(m->qmp.why, sizeof(m->qmp.why), "%u s are not measured in %llu",
				 seconds, seconds + GRACE_NS / NS_PER_S);
			fail(m);
		}
	}
	if (!count_pages(m, &after))
		return false;
	print_result(m, seconds, mib_s, after - before);
	return true;
}

/* What is left of the duration, in whole seconds that QEMU takes. */
static unsigned int next_s(__u64 left_ns)
{
	__u64 seconds = left_ns / NS_PER_S;

	if (seconds < CALC_MIN_S)
		return CALC_MIN_S;
	return seconds < CALC_MAX_S ? seconds : CALC_MAX_S;
}

/**
 * kvmeter_qmp_measure - kvmeter dirty start --qmp
 * @maps: opened maps
 * @vm: the VM
 * @args: the command line
 *
 * A session watches while QEMU has the memory logged. It ends with the last measurement.
 */
void kvmeter_qmp_measure(struct kvmeter_maps *maps, const struct kvmeter_snap_vm *vm,
			 const struct kvmeter_args *args)
{
	struct kvmeter_session_args session = args->session;
	struct measure m = { .maps = maps, .vm = vm, .args = args };
	__u64 left_ns = session.duration_ns ? session.duration_ns : DURATION_S * NS_PER_S;
	unsigned int seconds;

	if (!kvmeter_qmp_open(&m.qmp, session.qmp))
		errx(1, "QMP at %s: %s", session.qmp, m.qmp.why);
	/* The VMM's measurements say how long it lasts, the last one to its end. */
	session.duration_ns = 0;
	kvmeter_session_start(vm, &session);
	do {
		seconds = next_s(left_ns);
		left_ns -= left_ns < seconds * NS_PER_S ? left_ns : seconds * NS_PER_S;
	} while (measure_once(&m, seconds) && left_ns >= NS_PER_S);
	kvmeter_session_stop(vm);
	kvmeter_qmp_close(&m.qmp);
}
