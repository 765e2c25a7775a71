// SPDX-License-Identifier: GPL-2.0-only
/* Tables of the command exits, in the columns of perf kvm stat. */
#include "reader.h"

#define NS_PER_US 1e3
#define NS_PER_S 1e9

/**
 * kvmeter_exits_left_out - does a row say nothing?
 * @row: the row
 * @skip_empty: -z
 *
 * Return: true for row 0 if nothing went there: it is there in any case.
 */
bool kvmeter_exits_left_out(const struct kvmeter_sum_row *row, bool skip_empty)
{
	return !row->e.count && !kvmeter_sort_time_ns(&row->e) && (skip_empty || row->other);
}

/**
 * kvmeter_exits_print_heading - say what a table is about
 * @s: the subject, summed
 */
void kvmeter_exits_print_heading(const struct kvmeter_subject *s)
{
	if (!s->vm) {
		printf("%u VMs, %u vCPUs, %.2f s of their time:\n\n", s->snap->nr_vms,
		       s->snap->nr_vcpus, s->sum.elapsed_ns / NS_PER_S);
		return;
	}
	printf("VM %s (pid %u, id %s), ", s->vm->name, s->vm->v.pid, s->vm->v.id);
	if (s->vcpu)
		printf("vCPU %u, %.2f s:\n\n", s->vcpu->v.vcpu_id, s->vcpu->elapsed_ns / NS_PER_S);
	else
		printf("%u vCPUs, %.2f s:\n\n", s->vm->nr_vcpus, s->vm->elapsed_ns / NS_PER_S);
}

static void print_us(double ns)
{
	printf(" %11.2fus", ns / NS_PER_US);
}

static void print_row(const struct kvmeter_sum_row *row, __u64 all_count, __u64 all_ns)
{
	const struct kvmeter_exit *e = &row->e;
	__u64 ended = kvmeter_stats_count_hist(&e->hist);
	char buf[KVMETER_REASON_MAX];

	printf("%28s %10llu %8.2f%% %8.2f%%", kvmeter_table_reason(row, buf, sizeof(buf)), e->count,
	       kvmeter_stats_pct(e->count, all_count),
	       kvmeter_stats_pct(kvmeter_sort_time_ns(e), all_ns));
	if (ended) {
		print_us(e->min_ns);
		print_us(e->max_ns);
		print_us(kvmeter_sort_mean_ns(e));
		print_us(kvmeter_sort_percentile_ns(e, 50));
		print_us(kvmeter_sort_percentile_ns(e, 99));
	} else {
		printf(" %13s %13s %13s %13s %13s", "-", "-", "-", "-", "-");
	}
	print_us(e->kernel_ns);
	print_us(e->vmm_ns);
	putchar('\n');
}

static void print_hists(const struct kvmeter_subject *s)
{
	const struct kvmeter_sum_row *row;
	char buf[KVMETER_REASON_MAX];

	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++) {
		if (!kvmeter_stats_count_hist(&row->e.hist))
			continue;
		printf("VM-EXIT = %s\n", kvmeter_table_reason(row, buf, sizeof(buf)));
		kvmeter_hist_print(stdout, &row->e.hist);
		putchar('\n');
	}
}

static void print_user_exits(const struct kvmeter_vcpu *v, bool skip_empty)
{
	__u64 all_count = 0, all_ns = 0;
	unsigned int i;

	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		all_count += v->user_exit[i];
		all_ns += v->user_ns[i];
	}
	if (!all_count && !all_ns && skip_empty)
		return;
	printf("%28s %10s %9s %9s %13s\n", "VMM-EXIT", "Samples", "Samples%", "Time%", "vmm");
	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		if (!v->user_exit[i] && !v->user_ns[i])
			continue;
		printf("%28s %10llu %8.2f%% %8.2f%% %11.2fus\n", kvmeter_reasons_user_exit(i),
		       v->user_exit[i], kvmeter_stats_pct(v->user_exit[i], all_count),
		       kvmeter_stats_pct(v->user_ns[i], all_ns), v->user_ns[i] / NS_PER_US);
	}
	printf("\nTotal VMM exits:%llu, Total VMM time:%.2f us.\n\n", all_count,
	       all_ns / NS_PER_US);
}

/**
 * kvmeter_exits_print - print the tables of exits and of exits to the VMM
 * @s: what they are about, summed and sorted
 * @args: the command line
 */
void kvmeter_exits_print(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	const struct kvmeter_sum_row *row;
	__u64 all_count = 0, all_ns = 0;

	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++) {
		all_count += row->e.count;
		all_ns += kvmeter_sort_time_ns(&row->e);
	}
	kvmeter_exits_print_heading(s);
	printf("%28s %10s %9s %9s %13s %13s %13s %13s %13s %13s %13s\n",
	       args->by == KVMETER_BY_CLASS ? "CLASS" : "VM-EXIT", "Samples", "Samples%", "Time%",
	       "Min Time", "Max Time", "Avg time", "p50", "p99", "kernel", "vmm");
	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++) {
		if (!kvmeter_exits_left_out(row, args->skip_empty))
			print_row(row, all_count, all_ns);
	}
	printf("\nTotal Samples:%llu, Total events handled time:%.2f us.\n\n", all_count,
	       all_ns / NS_PER_US);
	if (args->hist)
		print_hists(s);
	print_user_exits(&s->sum.v, args->skip_empty);
}
