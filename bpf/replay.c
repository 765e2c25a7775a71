// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows views of a recording: the loop of view.c, with snapshots from a file.
 *
 * The file is read twice: at first to know the times and the VMs that are in it.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "recording.h"
#include "replay.h"

#define NS_PER_S 1e9

/* Exit status where a part of the file could not be read. */
#define EX_DAMAGED 2

/*
 * @player: the file
 * @snaps: the two that were read last
 * @cur, @prev: which of them is which; none was read before if there is no prev->now_ns
 * @damages: places that could not be read
 * @damaged_at: the first of them
 * @all: all VMs that were ever there
 * @span: from the first snapshot to the last
 * @begin, @end: what is meant of it
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
	struct kvmeter_player player;
	struct kvmeter_snap snaps[2], *cur, *prev;
	unsigned long damages;
	long damaged_at;
	struct kvmeter_snap all;
	struct kvmeter_span span;
	struct kvmeter_limit begin, end;
	struct kvmeter_plan plan;
	struct kvmeter_snap_vm vm;
	struct kvmeter_snap base, last, delta;
	bool has_base;
	double next_ns;
	void (*report)(const struct kvmeter_report *report);
	struct kvmeter_report r;
};

/* The next snapshot that is later than the one before. */
static bool read_next(struct replay *replay)
{
	struct kvmeter_snap *swap = replay->prev;

	replay->prev = replay->cur;
	replay->cur = swap;
	return kvmeter_player_next(&replay->player, replay->cur, replay->prev);
}

static bool knows_vm(const struct kvmeter_snap *all, const struct kvmeter_snap_vm *vm)
{
	unsigned int i;

	for (i = 0; i < all->nr_vms; i++) {
		if (all->vms[i].slot == vm->slot && all->vms[i].v.gen == vm->v.gen)
			return true;
	}
	return false;
}

static void note_vms(struct replay *replay, bool is_first)
{
	const struct kvmeter_snap *cur = replay->cur;
	struct kvmeter_snap *all = &replay->all;
	const struct kvmeter_snap_vm *vm;

	for (vm = cur->vms; vm < cur->vms + cur->nr_vms; vm++) {
		if (!is_first && kvmeter_snapshot_find_vm(replay->prev, vm->slot, vm->v.gen))
			continue;
		if (knows_vm(all, vm))
			continue;
		all->vms = kvmeter_array_grow(all->vms, &all->room_vms, all->nr_vms + 1,
					      sizeof(*all->vms));
		all->vms[all->nr_vms++] = *vm;
	}
}

/* All times, and all VMs. */
static void look_through(struct replay *replay)
{
	struct kvmeter_span *span = &replay->span;
	bool is_first = true;

	for (; read_next(replay); is_first = false) {
		if (is_first) {
			span->begin_ns = replay->cur->now_ns;
			span->begin_real_ns = replay->cur->real_ns;
		}
		if (replay->cur->now_ns > span->end_ns)
			span->end_ns = replay->cur->now_ns;
		note_vms(replay, is_first);
	}
	if (is_first)
		errx(replay->player.damages ? EX_DAMAGED : 1, "%s has no snapshot",
		     replay->player.file);
	replay->damages = replay->player.damages;
	replay->damaged_at = replay->player.damaged_at;
	kvmeter_player_rewind(&replay->player);
}

static __u64 by_clock(const struct kvmeter_snap *snap, const struct kvmeter_limit *limit)
{
	return limit->is_real ? snap->real_ns : snap->now_ns;
}

static bool is_wanted(const struct replay *replay)
{
	const struct kvmeter_snap *cur = replay->cur;

	if (by_clock(cur, &replay->begin) < replay->begin.ns ||
	    by_clock(cur, &replay->end) > replay->end.ns)
		return false;
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
	double now_ns = replay->cur->now_ns + replay->player.head.interval_ns / 2.0;

	if (now_ns < replay->next_ns)
		return;
	report_interval(replay, replay->cur);
	kvmeter_snapshot_copy(&replay->base, replay->cur);
	/* not one by one: the file says how many there are */
	replay->next_ns += interval_ns * (1 + (__u64)((now_ns - replay->next_ns) / interval_ns));
}

static void begin_interval(struct replay *replay)
{
	kvmeter_snapshot_copy(&replay->base, replay->cur);
	replay->has_base = true;
	replay->next_ns = replay->base.now_ns + replay->plan.interval_s * NS_PER_S;
}

static bool is_done(const struct replay *replay)
{
	return replay->plan.count && replay->r.nr == replay->plan.count;
}

static void report_intervals(struct replay *replay)
{
	while (!is_done(replay) && read_next(replay)) {
		if (!is_wanted(replay))
			continue;
		if (replay->has_base)
			end_interval(replay);
		else
			begin_interval(replay);
	}
	if (!replay->r.nr)
		errx(1, "%s has no interval of %g s there", replay->player.file,
		     replay->plan.interval_s);
}

/* What is at the end; or what happened from the beginning to there. */
static void report_once(struct replay *replay, bool rates)
{
	while (read_next(replay)) {
		if (!is_wanted(replay))
			continue;
		if (!replay->has_base)
			begin_interval(replay);
		kvmeter_snapshot_copy(&replay->last, replay->cur);
	}
	if (!replay->has_base)
		errx(1, "%s has no snapshot there", replay->player.file);
	if (!replay->r.args->is_state && replay->last.now_ns > replay->base.now_ns)
		report_interval(replay, &replay->last);
	else if (!rates)
		report_snap(replay, &replay->last);
	else
		errx(1, "%s has one snapshot there, which is no interval", replay->player.file);
}

static void put(struct replay *replay)
{
	kvmeter_snapshot_put(&replay->snaps[0]);
	kvmeter_snapshot_put(&replay->snaps[1]);
	kvmeter_snapshot_put(&replay->all);
	kvmeter_snapshot_put(&replay->base);
	kvmeter_snapshot_put(&replay->last);
	kvmeter_snapshot_put(&replay->delta);
	kvmeter_player_close(&replay->player);
}

/**
 * kvmeter_replay_run - report what a recording has
 * @args: the command line, with the recording
 * @rates: not 0: what is reported has no meaning but for an interval
 * @report: prints a report
 *
 * Without an interval there is one report: of what happened in all of the time that is meant, or,
 * of views that show what is, of its end. Otherwise each report is of one interval. Ends the
 * program with EX_DAMAGED if a part of the file could not be read, after all reports of the rest.
 */
void kvmeter_replay_run(const struct kvmeter_args *args, unsigned long rates,
			void (*report)(const struct kvmeter_report *report))
{
	struct replay replay = { .report = report, .r.args = args };

	replay.cur = &replay.snaps[0];
	replay.prev = &replay.snaps[1];
	kvmeter_player_open(&replay.player, args->replay->file);
	look_through(&replay);
	kvmeter_plan_make(&replay.plan, args, &replay.all);
	if (replay.plan.vm >= 0)
		replay.vm = replay.all.vms[replay.plan.vm];
	replay.begin = kvmeter_times_begin(&args->replay->from, &replay.span);
	replay.end = kvmeter_times_end(&args->replay->to, &replay.begin, &replay.span);
	if (replay.damages)
		warnx("%s is damaged or cut off at byte %ld%s: the rest of it is used",
		      args->replay->file, replay.damaged_at,
		      replay.damages > 1 ? " and elsewhere" : "");
	if (replay.plan.interval_s > 0)
		report_intervals(&replay);
	else
		report_once(&replay, rates);
	put(&replay);
	if (replay.damages)
		exit(EX_DAMAGED);
}
