// SPDX-License-Identifier: GPL-2.0-only
/* Takes snapshots at the intervals asked for, and has each reported: the loop of all views. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "reader.h"

#define NS_PER_S 1000000000LL

/* Interval of what is only of use for one. */
#define RATE_INTERVAL_S 1.0

static bool interrupted;

static void on_signal(int sig)
{
	(void)sig;
	__atomic_store_n(&interrupted, true, __ATOMIC_RELAXED);
}

static bool is_interrupted(void)
{
	return __atomic_load_n(&interrupted, __ATOMIC_RELAXED);
}

/**
 * kvmeter_view_catch_signals - have SIGINT and SIGTERM end what is live, not the program
 */
void kvmeter_view_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	/* No SA_RESTART: a write to a pipe that nobody reads has to end as well. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/**
 * kvmeter_view_clock_ns - the clock of kvmeter_view_wait_until()
 *
 * Return: CLOCK_MONOTONIC in ns.
 */
long long kvmeter_view_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/**
 * kvmeter_view_wait_until - wait until it is time, or until there is something to read
 * @fd: where from, -1 if only the time counts
 * @when_ns: the time
 *
 * Signals come only while it waits, so none is lost between a test and the sleep. With @fd any of
 * them ends it; SIGWINCH comes here even if it is blocked elsewhere.
 *
 * Return: false if it is to end: as kvmeter_view_wait(), or nobody writes there any more.
 */
bool kvmeter_view_wait_until(int fd, long long when_ns)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	sigset_t block, before, during;
	struct timespec left;
	long long left_ns;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	during = before;
	sigdelset(&during, SIGWINCH);
	while (!is_interrupted() && !in.revents) {
		left_ns = when_ns - kvmeter_view_clock_ns();
		if (left_ns <= 0)
			break;
		left.tv_sec = left_ns / NS_PER_S;
		left.tv_nsec = left_ns % NS_PER_S;
		if (ppoll(&in, 1, &left, &during) >= 0)
			continue;
		if (errno != EINTR)
			err(1, "ppoll");
		if (fd >= 0)
			break;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !is_interrupted() && !(in.revents & (POLLERR | POLLHUP | POLLNVAL));
}

/**
 * kvmeter_view_wait - wait until there is something to read
 * @fd: where from
 *
 * Return: false if it is to end: SIGINT or SIGTERM has come since kvmeter_view_catch_signals(), or
 * nobody reads standard output any more.
 */
bool kvmeter_view_wait(int fd)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	sigset_t block, before;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	if (!is_interrupted() && ppoll(fds, 2, NULL, &before) < 0 && errno != EINTR)
		err(1, "ppoll");
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !is_interrupted() && !(fds[1].revents & (POLLERR | POLLHUP | POLLNVAL));
}

/**
 * kvmeter_view_make_plan - find out what a command line asks for
 * @plan: filled
 * @args: the command line
 * @snap: the VMs: only they tell whether a first argument is one, as "7" may be a pid or seconds
 *
 * Ends the program if it makes no sense.
 */
void kvmeter_view_make_plan(struct kvmeter_plan *plan, const struct kvmeter_args *args,
			    const struct kvmeter_snap *snap)
{
	unsigned int next = 0;
	bool unit;

	plan->vm = -1;
	plan->interval_s = 0;
	plan->count = 0;
	if (args->guest) {
		plan->vm = kvmeter_select_get_vm(snap, args->guest);
	} else if (args->nr_pos) {
		plan->vm = kvmeter_select_find_vm(snap, args->pos[0]);
		if (plan->vm < 0 && !kvmeter_select_is_interval(args->pos[0], &plan->interval_s))
			kvmeter_select_get_vm(snap, args->pos[0]);
		next = plan->vm >= 0;
	}
	if (next < args->nr_pos &&
	    !kvmeter_select_parse_seconds(args->pos[next++], &plan->interval_s, &unit))
		errx(EX_USAGE, "'%s' is no interval in seconds", args->pos[next - 1]);
	if (next < args->nr_pos && !kvmeter_select_parse_count(args->pos[next++], &plan->count))
		errx(EX_USAGE, "'%s' is no number of reports", args->pos[next - 1]);
	if (next < args->nr_pos)
		errx(EX_USAGE, "no VM '%s', and too many arguments without one", args->pos[0]);
}

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
	if (fflush(stdout) && !is_interrupted())
		err(1, "cannot write");
}

/*
 * @rates: what is reported has no meaning but for an interval: there is none before the first, and
 * if the user gave none, it is RATE_INTERVAL_S and there are so many reports. 0: it has.
 */
static void plan_rates(struct kvmeter_plan *plan, unsigned long rates)
{
	if (!rates || plan->interval_s > 0)
		return;
	plan->interval_s = RATE_INTERVAL_S;
	plan->count = rates;
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

	kvmeter_maps_open(&maps);
	kvmeter_snapshot_take(cur, &maps, needs);
	kvmeter_view_make_plan(&plan, args, cur);
	plan_rates(&plan, rates);
	r.vm = plan.vm;
	if (plan.vm >= 0)
		vm = cur->vms[plan.vm];
	if (plan.interval_s > 0)
		kvmeter_view_catch_signals();
	start_ns = kvmeter_view_clock_ns();
	for (;;) {
		if (!rates || r.snap != cur) {
			report(&r);
			flush();
			r.nr++;
		}
		if (!(plan.interval_s > 0) || r.nr == plan.count)
			break;
		if (!kvmeter_view_wait_until(-1, start_ns + next_ns(&plan, &r, rates)))
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
