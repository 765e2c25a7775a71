// SPDX-License-Identifier: GPL-2.0-only
/* Shows views of a recording: the loop of view.c, with snapshots from a file. */
#include <err.h>

#include "migrate.h"
#include "playback.h"

#define NS_PER_S 1e9

/*
 * @file: the recording
 * @plan: what is reported
 * @vm: the VM that is reported, if one is
 * @base: where the interval began
 * @last: the last snapshot of what is meant
 * @delta: what happened in between
 * @has_base: there is one
 * @next_ns: when the interval ends
 * @report: of the view
 * @r: the report
 */
struct replay {
	struct kvmeter_playback file;
	struct kvmeter_plan plan;
	struct kvmeter_snap_vm vm;
	struct kvmeter_snap base, last, delta;
	bool has_base;
	double next_ns;
	void (*report)(const struct kvmeter_report *report);
	struct kvmeter_report r;
};

static bool is_wanted(const struct replay *replay)
{
	const struct kvmeter_snap *cur = replay->file.cur;

	if (replay->has_base && cur->now_ns <= replay->base.now_ns)
		return false;
	return replay->plan.vm < 0 ||
		kvmeter_snapshot_find_vm(cur, replay->vm.slot, replay->vm.v.gen);
}

/* Tables have no time of their own. */
static void print_time(const struct kvmeter_snap *snap)
{
	char text[KVMETER_TIME_MAX];

	kvmeter_audit_format_time(snap->real_ns, text, sizeof(text));
	printf("%s", text);
	if (snap->interval_ns)
		printf(", and %.3f s before it", snap->interval_ns / NS_PER_S);
	putchar('\n');
}

static void report_snap(struct replay *replay, const struct kvmeter_snap *snap)
{
	struct kvmeter_report *r = &replay->r;

	r->snap = snap;
	r->vm = -1;
	if (replay->plan.vm >= 0)
		r->vm = kvmeter_snapshot_find_vm(snap, replay->vm.slot, replay->vm.v.gen) -
			snap->vms;
	if (!r->args->json)
		print_time(snap);
	replay->report(r);
	if (fflush(stdout))
		err(1, "cannot write");
	r->nr++;
}

static void report_interval(struct replay *replay, const struct kvmeter_snap *end)
{
	kvmeter_delta_get(&replay->delta, end, &replay->base);
	report_snap(replay, &replay->delta);
}

/*
 * A snapshot ends the interval if it is the nearest to its end. Where some are missing it is longer
 * than asked for, and says so.
 */
static void end_interval(struct replay *replay)
{
	double interval_ns = replay->plan.interval_s * NS_PER_S;
	double now_ns = replay->file.cur->now_ns + replay->file.player.head.interval_ns / 2.0;

	if (now_ns < replay->next_ns)
		return;
	report_interval(replay, replay->file.cur);
	kvmeter_snapshot_copy(&replay->base, replay->file.cur);
	/* not one by one: the file says how many there are */
	replay->next_ns += interval_ns * (1 + (__u64)((now_ns - replay->next_ns) / interval_ns));
}

static void begin_interval(struct replay *replay)
{
	kvmeter_snapshot_copy(&replay->base, replay->file.cur);
	replay->has_base = true;
	replay->next_ns = replay->base.now_ns + replay->plan.interval_s * NS_PER_S;
}

static bool is_done(const struct replay *replay)
{
	return replay->plan.count && replay->r.nr == replay->plan.count;
}

static void report_intervals(struct replay *replay)
{
	while (!is_done(replay) && kvmeter_playback_next(&replay->file)) {
		if (!is_wanted(replay))
			continue;
		if (replay->has_base)
			end_interval(replay);
		else
			begin_interval(replay);
	}
	if (!replay->r.nr)
		errx(1, "%s has no interval of %g s there", replay->file.player.file,
		     replay->plan.interval_s);
}

/* What is at the end; or what happened from the beginning to there. */
static void report_once(struct replay *replay, bool rates)
{
	while (kvmeter_playback_next(&replay->file)) {
		if (!is_wanted(replay))
			continue;
		if (!replay->has_base)
			begin_interval(replay);
		kvmeter_snapshot_copy(&replay->last, replay->file.cur);
	}
	if (!replay->has_base)
		errx(1, "%s has no snapshot there", replay->file.player.file);
	if (!replay->r.args->is_state && replay->last.now_ns > replay->base.now_ns)
		report_interval(replay, &replay->last);
	else if (!rates)
		report_snap(replay, &replay->last);
	else
		errx(1, "%s has one snapshot there, which is no interval",
		     replay->file.player.file);
}

static void put(struct replay *replay)
{
	kvmeter_snapshot_put(&replay->base);
	kvmeter_snapshot_put(&replay->last);
	kvmeter_snapshot_put(&replay->delta);
}

/**
 * kvmeter_replay_run - report what a recording has
 * @args: the command line, with the recording
 * @rates: not 0: what is reported has no meaning but for an interval
 * @report: prints a report
 *
 * Without an interval there is one report: of what happened in all of the time that is meant, or,
 * of views that show what is, of its end. Otherwise each report is of one interval. Ends the
 * program with status 2 if a part of the file could not be read, after all reports of the rest.
 */
void kvmeter_replay_run(const struct kvmeter_args *args, unsigned long rates,
			void (*report)(const struct kvmeter_report *report))
{
	struct replay replay = { .report = report, .r.args = args };

	kvmeter_playback_open(&replay.file, args->replay);
	kvmeter_plan_make(&replay.plan, args, &replay.file.all);
	if (replay.plan.vm >= 0)
		replay.vm = replay.file.all.vms[replay.plan.vm];
	kvmeter_playback_limit(&replay.file, args->replay);
	if (replay.plan.interval_s > 0)
		report_intervals(&replay);
	else
		report_once(&replay, rates);
	put(&replay);
	kvmeter_playback_close(&replay.file);
}
