// SPDX-License-Identifier: GPL-2.0-only
/* The command export: metrics for Prometheus, printed, as a file, or by HTTP. */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "openmetrics.h"

#define NS_PER_S 1000000000LL

/* What each text is made from. It is made by one thread at a time. */
static struct kvmeter_maps maps;
static struct kvmeter_snap snap;
static struct kvmeter_export_self self;

static double now_s(void)
{
	return (double)kvmeter_wait_clock_ns() / NS_PER_S;
}

static void write_metrics(FILE *out, bool openmetrics)
{
	double begin_s = now_s();

	kvmeter_maps_check_attached(&maps);
	kvmeter_device_refresh_counts();
	kvmeter_snapshot_take(&snap, &maps, KVMETER_NEED_ROWS | KVMETER_NEED_THIEVES);
	self.snapshot_s = now_s() - begin_s;
	kvmeter_export_write(out, openmetrics, &snap, &self);
	self.scrapes++;
}

static void get_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

/* At @interval_s from @begin_s on; one that is late is not made up for. */
static bool wait_for_next(double begin_s, double interval_s)
{
	double passed_s = now_s() - begin_s, left_s;
	struct timespec left;
	sigset_t set;

	left_s = interval_s * ((unsigned long)(passed_s / interval_s) + 1) - passed_s;
	left.tv_sec = left_s;
	left.tv_nsec = (left_s - left.tv_sec) * NS_PER_S;
	get_signals(&set);
	return sigtimedwait(&set, NULL, &left) < 0;
}

static void write_textfiles(const struct kvmeter_export_args *args)
{
	double begin_s = now_s();

	do
		kvmeter_export_write_file(args->textfile, write_metrics);
	while (args->interval_s > 0 && wait_for_next(begin_s, args->interval_s));
}

/* Before any thread is there, so that they come to who waits for them. */
static void block_signals(void)
{
	sigset_t set;

	get_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/**
 * kvmeter_cmd_export - kvmeter export
 * @args: the command line
 */
void kvmeter_cmd_export(const struct kvmeter_args *args)
{
	const struct kvmeter_export_args *exports = &args->exports;

	self.by_vcpu = args->by == KVMETER_BY_VCPU;
	self.max_vms = exports->max_vms ? exports->max_vms : KVMETER_EXPORT_VMS;
	if (exports->listen || exports->interval_s > 0) {
		block_signals();
		kvmeter_names_use_thread();
	}
	kvmeter_maps_open(&maps);
	if (exports->listen)
		kvmeter_export_serve(exports->listen, write_metrics);
	else if (exports->textfile)
		write_textfiles(exports);
	else
		write_metrics(stdout, exports->openmetrics);
	if (fflush(stdout))
		err(1, "cannot write");
}
