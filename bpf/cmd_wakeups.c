// SPDX-License-Identifier: GPL-2.0-only
/* The command wakeups: from wake-up to running, halt polling, and interrupts injected. */
#include "reader.h"

#define NS_PER_US 1e3
#define NS_PER_MS 1e6

static double percentile_ns(const struct kvmeter_vcpu *v, double pct)
{
	return kvmeter_stats_percentile_ns(&v->wakeup_lat_hist, pct, 0, v->wakeup_lat_max_ns);
}

static double mean_ns(const struct kvmeter_vcpu *v)
{
	return v->wakeups ? (double)v->wakeup_lat_ns / v->wakeups : 0.0;
}

static bool is_empty(const struct kvmeter_sum *sum)
{
	const struct kvmeter_vcpu *v = &sum->v;

	return !v->wakeups && !v->halt_attempted_poll && !v->halt_wakeup && !v->irq_injections &&
		!v->nmi_injections;
}

static void add_wakeups(struct json_object *obj, const struct kvmeter_subject *s)
{
	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &s->sum.v);
	kvmeter_json_add_double(obj, "wakeup_lat_avg_ns", mean_ns(&s->sum.v));
	kvmeter_json_add_double(obj, "wakeup_lat_p50_ns", percentile_ns(&s->sum.v, 50));
	kvmeter_json_add_double(obj, "wakeup_lat_p90_ns", percentile_ns(&s->sum.v, 90));
	kvmeter_json_add_double(obj, "wakeup_lat_p99_ns", percentile_ns(&s->sum.v, 99));
}

static void print_heading(const struct kvmeter_args *args)
{
	(void)args;
	printf(" %8s %10s %10s %10s %10s %8s %8s %6s %10s %10s %8s %6s\n", "WAKEUPS", "AVG(us)",
	       "P50(us)", "P99(us)", "MAX(us)", "HALTS", "POLLS", "HIT%", "HIT(ms)", "MISS(ms)",
	       "IRQS", "NMIS");
}

static void print_wakeups(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	const struct kvmeter_vcpu *v = &s->sum.v;

	printf(" %8llu", v->wakeups);
	if (v->wakeups)
		printf(" %10.2f %10.2f %10.2f %10.2f", mean_ns(v) / NS_PER_US,
		       percentile_ns(v, 50) / NS_PER_US, percentile_ns(v, 99) / NS_PER_US,
		       v->wakeup_lat_max_ns / NS_PER_US);
	else
		printf(" %10s %10s %10s %10s", "-", "-", "-", "-");
	printf(" %8llu %8llu", v->halt_wakeup, v->halt_attempted_poll);
	if (v->halt_attempted_poll)
		printf(" %6.2f",
		       kvmeter_stats_pct(v->halt_successful_poll, v->halt_attempted_poll));
	else
		printf(" %6s", "-");
	printf(" %10.3f %10.3f %8llu %6llu\n", v->halt_poll_success_ns / NS_PER_MS,
	       v->halt_poll_fail_ns / NS_PER_MS, v->irq_injections, v->nmi_injections);
	if (args->hist)
		kvmeter_hist_print(stdout, &v->wakeup_lat_hist);
}

static void report_wakeups(const struct kvmeter_report *report)
{
	static const struct kvmeter_rows_view view = {
		.document = KVMETER_DOCUMENT_WAKEUPS,
		.heading = print_heading,
		.is_empty = is_empty,
		.print = print_wakeups,
		.add = add_wakeups,
	};

	kvmeter_rows_report(report, &view);
}

/**
 * kvmeter_cmd_wakeups - kvmeter wakeups
 * @args: the command line
 */
void kvmeter_cmd_wakeups(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, 0, report_wakeups);
}
