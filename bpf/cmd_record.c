// SPDX-License-Identifier: GPL-2.0-only
/* The command record: snapshots into a file, until it is interrupted. */
#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

#include "recording.h"

#define NS_PER_S 1e9
#define NS_PER_H (3600 * NS_PER_S)
#define KIB 1024.0

/* README.md says what that comes to in bytes. */
#define INTERVAL_S 5.0

#define NEEDS (KVMETER_NEED_ROWS | KVMETER_NEED_SUBS | KVMETER_NEED_THIEVES)

/* What was recorded, of all vCPUs: time from the snapshot before to each one that they are in. */
struct recorded {
	struct kvmeter_recorder recorder;
	__u64 begin_ns, end_ns;
	double vcpu_ns;
};

static double bytes_per_vcpu_h(const struct recorded *all)
{
	return all->vcpu_ns > 0 ? all->recorder.bytes * NS_PER_H / all->vcpu_ns : 0.0;
}

static void print_json(const struct recorded *all)
{
	struct json_object *obj = kvmeter_json_new_document(KVMETER_DOCUMENT_RECORD);

	kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
	kvmeter_json_add_text(obj, "file", all->recorder.file);
	kvmeter_json_add_u64(obj, "snapshots", all->recorder.nr);
	kvmeter_json_add_u64(obj, "bytes", all->recorder.bytes);
	kvmeter_json_add_u64(obj, "duration_ns", all->end_ns - all->begin_ns);
	kvmeter_json_add_floor(obj, "bytes_per_vcpu_hour", all->vcpu_ns > 0, bytes_per_vcpu_h(all));
	kvmeter_json_print(obj);
}

static void print_text(const struct recorded *all)
{
	printf("%s: %llu snapshots in %.1f s, %llu bytes", all->recorder.file, all->recorder.nr,
	       (all->end_ns - all->begin_ns) / NS_PER_S, all->recorder.bytes);
	if (all->vcpu_ns > 0)
		printf(", %.1f KiB a vCPU an hour", bytes_per_vcpu_h(all) / KIB);
	putchar('\n');
}

static void print_end(const struct recorded *all, const struct kvmeter_args *args)
{
	if (args->json)
		print_json(all);
	else
		print_text(all);
}

/* False if the file cannot take more: that is told, and what is in it stays. */
static bool add(struct recorded *all, const struct kvmeter_snap *cur,
		const struct kvmeter_snap *prev)
{
	if (!kvmeter_recorder_add(&all->recorder, cur, prev)) {
		warn("%s: ended after %llu snapshots", all->recorder.file, all->recorder.nr);
		return false;
	}
	if (prev)
		all->vcpu_ns += (double)(cur->now_ns - prev->now_ns) * cur->nr_vcpus;
	all->end_ns = cur->now_ns;
	return true;
}

/* The next one is not taken late and then soon, but left out, where the host has no time for it. */
static long long get_next_ns(long long start_ns, long long interval_ns)
{
	long long passed = (kvmeter_wait_clock_ns() - start_ns) / interval_ns;

	return start_ns + (passed + 1) * interval_ns;
}

/* Until a signal, or false if the file cannot take more. */
static bool record(struct recorded *all, const struct kvmeter_maps *maps, struct kvmeter_snap *cur,
		   struct kvmeter_snap *prev, double interval_s)
{
	long long start_ns = kvmeter_wait_clock_ns();
	struct kvmeter_snap *swap;
	bool written = add(all, cur, NULL);

	while (written) {
		kvmeter_wait_until(-1, get_next_ns(start_ns, interval_s * NS_PER_S));
		if (kvmeter_wait_is_interrupted())
			break;
		swap = prev;
		prev = cur;
		cur = swap;
		kvmeter_snapshot_take(cur, maps, NEEDS);
		kvmeter_maps_check_attached(maps);
		written = add(all, cur, prev);
	}
	return written;
}

/**
 * kvmeter_cmd_record - kvmeter record
 * @args: the command line
 */
void kvmeter_cmd_record(const struct kvmeter_args *args)
{
	struct kvmeter_snap snaps[2] = {};
	struct kvmeter_recording_origin origin;
	struct recorded all = {};
	struct kvmeter_maps maps;
	double interval_s = INTERVAL_S;
	bool unit, written;

	if (args->nr_pos > 1 && !kvmeter_select_parse_seconds(args->pos[1], &interval_s, &unit))
		errx(EX_USAGE, "'%s' is no interval", args->pos[1]);
	kvmeter_maps_open(&maps);
	kvmeter_wait_catch_signals();
	kvmeter_snapshot_take(&snaps[0], &maps, NEEDS);
	all.begin_ns = snaps[0].now_ns;
	all.end_ns = all.begin_ns;
	kvmeter_origin_get(&origin);
	kvmeter_recorder_open(&all.recorder, args->pos[0], interval_s * NS_PER_S, &snaps[0],
			      &origin);
	written = record(&all, &maps, &snaps[0], &snaps[1], interval_s);
	kvmeter_recorder_close(&all.recorder);
	if (written)
		print_end(&all, args);
	kvmeter_snapshot_put(&snaps[0]);
	kvmeter_snapshot_put(&snaps[1]);
	if (!written)
		exit(1);
}
