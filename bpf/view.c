// SPDX-License-Identifier: GPL-2.0-only
/* Takes snapshots at the intervals asked for, and has each reported: the loop of all views. */
#include <err.h>

#include "reader.h"
#include "replay.h"

#define NS_PER_S 1000000000LL

/* Interval of what is only of use for one. */
#define RATE_INTERVAL_S 1.0

/* Index of the VM, wherever it is by now. */
static int find_again(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	unsigned int i;

	for (i = 0; i < snap->nr_vms; i++) {
		if (snap->vms[i].slot == vm->slot && snap->vms[i].v.gen == vm->v.gen)
			return i;
	}
	errx(1, "the VM %s is gone", vm->v.id);
}

static void flush(void)
{
	if (fflush(stdout) && !kvmeter_wait_is_interrupted())
		err(1, "cannot write");
}

/*
 * @rates: what is reported has no meaning but for an interval: there is none before the first, and
 * if the user gave none, it is the command's, or RATE_INTERVAL_S, and there are so many reports. 0:
 * it has.
 */
static void plan_rates(struct kvmeter_plan *plan, const struct kvmeter_args *args,
		       unsigned long rates)
{
	if (!rates || plan->interval_s > 0)
		return;
	plan->interval_s = args->rate_interval_s > 0 ? args->rate_interval_s : RATE_INTERVAL_S;
	plan->count = rates;
}

/* The first report of rates is one only after the loop's first turn: 0 of 0 are not all of them. */
static bool is_last(const struct kvmeter_plan *plan, const struct kvmeter_report *r)
{
	return !(plan->interval_s > 0) || (plan->count && r->nr == plan->count);
}

/* When the next report is due: those of rates begin with the end of the first interval. */
static long long next_ns(const struct kvmeter_plan *plan, const struct kvmeter_report *r,
			 bool rates)
{
	return (long long)((r->nr + rates) * plan->interval_s * NS_PER_S);
}

static void run(const struct kvmeter_args *args, unsigned int needs, unsigned long rates,
		void (*report)(const struct kvmeter_report *report))
{
	struct kvmeter_snap snaps[2] = {}, delta = {}, *cur = &snaps[0], *prev = &snaps[1], *swap;
	struct kvmeter_report r = { .snap = cur, .args = args };
	struct kvmeter_snap_vm vm;
	struct kvmeter_maps maps;
	struct kvmeter_plan plan;
	long long start_ns;

	if (args->replay) {
		kvmeter_replay_run(args, rates, report);
		return;
	}
	kvmeter_maps_open(&maps);
	kvmeter_snapshot_take(cur, &maps, needs);
	kvmeter_plan_make(&plan, args, cur);
	plan_rates(&plan, args, rates);
	r.vm = plan.vm;
	if (plan.vm >= 0)
		vm = cur->vms[plan.vm];
	if (plan.interval_s > 0)
		kvmeter_wait_catch_signals();
	start_ns = kvmeter_wait_clock_ns();
	for (;;) {
		if (!rates || r.snap != cur) {
			report(&r);
			flush();
			r.nr++;
		}
		if (is_last(&plan, &r))
			break;
		if (!kvmeter_wait_until(-1, start_ns + next_ns(&plan, &r, rates)))
			break;
		swap = prev;
		prev = cur;
		cur = swap;
		kvmeter_snapshot_take(cur, &maps, needs);
		kvmeter_maps_check_attached(&maps);
		if (plan.vm >= 0)
			r.vm = find_again(cur, &vm);
		kvmeter_delta_get(&delta, cur, prev);
		r.snap = &delta;
	}
	kvmeter_snapshot_put(&snaps[0]);
	kvmeter_snapshot_put(&snaps[1]);
	kvmeter_snapshot_put(&delta);
}

/**
 * kvmeter_view_run - report once, or at intervals until the count is reached or ^C
 * @args: the command line
 * @needs: KVMETER_NEED_*: what the snapshots have to have
 * @report: prints a report
 *
 * The first report is of all that was counted since each VM was first seen, each further one of the
 * interval before it.
 */
void kvmeter_view_run(const struct kvmeter_args *args, unsigned int needs,
		      void (*report)(const struct kvmeter_report *report))
{
	run(args, needs, 0, report);
}

/**
 * kvmeter_view_run_rates - report at intervals until the count is reached or ^C
 * @args: the command line
 * @needs: KVMETER_NEED_*: what the snapshots have to have
 * @count: how many reports, of a second each, if the command line has no interval
 * @report: prints a report
 *
 * Each report is of the interval before it, also the first.
 */
void kvmeter_view_run_rates(const struct kvmeter_args *args, unsigned int needs,
			    unsigned long count,
			    void (*report)(const struct kvmeter_report *report))
{
	run(args, needs, count, report);
}

/**
 * kvmeter_view_run_change - have something of a VM changed, and report what the module has then
 * @args: the command line, with the VM
 * @change: asks the module for it, or ends the program
 * @report: prints a report; it is of that VM and of no interval
 */
void kvmeter_view_run_change(const struct kvmeter_args *args,
			     void (*change)(const struct kvmeter_snap_vm *vm,
					    const struct kvmeter_args *args),
			     void (*report)(const struct kvmeter_report *report))
{
	struct kvmeter_snap snap = {};
	struct kvmeter_report r = { .snap = &snap, .args = args };
	struct kvmeter_snap_vm vm;
	struct kvmeter_maps maps;

	kvmeter_maps_open(&maps);
	kvmeter_snapshot_take(&snap, &maps, 0);
	vm = snap.vms[kvmeter_select_get_vm(&snap, args->guest)];
	change(&vm, args);
	kvmeter_snapshot_take(&snap, &maps, 0);
	r.vm = find_again(&snap, &vm);
	report(&r);
	kvmeter_snapshot_put(&snap);
}
