// SPDX-License-Identifier: GPL-2.0-only
/* The command steal: how long vCPUs were kept waiting for a CPU, and for whom. */
#include "steal.h"

#define NS_PER_US 1e3
#define NS_PER_MS 1e6

static double percentile_ns(const struct kvmeter_vcpu *v, double pct)
{
	/* There is no shortest wait on record: the bucket is the bound. */
	return kvmeter_stats_percentile_ns(&v->steal_hist, pct, 0, v->steal_max_ns);
}

static bool is_empty(const struct kvmeter_sum *sum)
{
	return !sum->v.steal_ns && !sum->v.steal_nr;
}

static void add_figures(struct json_object *obj, const struct kvmeter_subject *s)
{
	const struct kvmeter_sum *sum = &s->sum;

	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &sum->v);
	kvmeter_json_add_double(obj, "steal_pct",
				kvmeter_stats_pct(sum->v.steal_ns, sum->elapsed_ns));
	kvmeter_json_add_double(obj, "steal_p50_ns", percentile_ns(&sum->v, 50));
	kvmeter_json_add_double(obj, "steal_p90_ns", percentile_ns(&sum->v, 90));
	kvmeter_json_add_double(obj, "steal_p99_ns", percentile_ns(&sum->v, 99));
}

static void add_with_thieves(struct json_object *obj, const struct kvmeter_subject *s)
{
	add_figures(obj, s);
	kvmeter_steal_add_thieves(obj, s);
}

static void add_with_causes(struct json_object *obj, const struct kvmeter_subject *s)
{
	add_figures(obj, s);
	kvmeter_steal_add_causes(obj, s);
}

static void print_heading(const struct kvmeter_args *args)
{
	(void)args;
	printf(" %7s %12s %9s %11s %11s %11s\n", "STEAL%", "TOTAL(ms)", "EPISODES", "P50(us)",
	       "P99(us)", "MAX(us)");
}

static void print_steal(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	const struct kvmeter_sum *sum = &s->sum;

	printf(" %7.2f %12.3f %9llu", kvmeter_stats_pct(sum->v.steal_ns, sum->elapsed_ns),
	       sum->v.steal_ns / NS_PER_MS, sum->v.steal_nr);
	if (sum->v.steal_nr)
		printf(" %11.2f %11.2f %11.2f\n", percentile_ns(&sum->v, 50) / NS_PER_US,
		       percentile_ns(&sum->v, 99) / NS_PER_US, sum->v.steal_max_ns / NS_PER_US);
	else
		printf(" %11s %11s %11s\n", "-", "-", "-");
	if (args->hist)
		kvmeter_hist_print(stdout, &sum->v.steal_hist);
}

static void report_rows(const struct kvmeter_report *report)
{
	struct kvmeter_rows_view view = {
		.document = KVMETER_DOCUMENT_STEAL,
		.heading = print_heading,
		.is_empty = is_empty,
		.print = print_steal,
		.add = add_with_thieves,
	};

	if (report->args->by == KVMETER_BY_CAUSE)
		view.add = add_with_causes;
	kvmeter_rows_report(report, &view);
}

static void print_matrix(const struct kvmeter_report *report)
{
	struct kvmeter_matrix m;

	kvmeter_table_starts(report);
	kvmeter_matrix_make(&m, report);
	kvmeter_matrix_print(stdout, &m, kvmeter_terminal_width(), kvmeter_terminal_has_colour());
	kvmeter_matrix_put(&m);
}

/* Does the report tell who is to blame? In JSON it always does. */
static bool tells_thieves(const struct kvmeter_args *args)
{
	return args->json || args->matrix || args->by == KVMETER_BY_THIEF ||
		args->by == KVMETER_BY_CAUSE;
}

static void report_steal(const struct kvmeter_report *report)
{
	const struct kvmeter_args *args = report->args;

	if (args->json || !tells_thieves(args))
		report_rows(report);
	else if (!(report->snap->host.features & KVMETER_FEATURE_THIEF))
		puts(kvmeter_steal_not_attributed);
	else if (args->matrix)
		print_matrix(report);
	else if (args->by == KVMETER_BY_THIEF)
		kvmeter_steal_print_thieves(report);
	else
		kvmeter_steal_print_causes(report);
}

/**
 * kvmeter_cmd_steal - kvmeter steal
 * @args: the command line
 */
void kvmeter_cmd_steal(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, tells_thieves(args) ? KVMETER_NEED_THIEVES : 0, report_steal);
}
