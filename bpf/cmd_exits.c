// SPDX-License-Identifier: GPL-2.0-only
/* The command exits: how often each reason, and how long, in the columns of perf kvm stat. */
#include <string.h>

#include "reader.h"

#define NS_PER_US 1e3

/* What one table, or one array of reasons, is about: a VM, or one vCPU of it. */
struct subject {
	const struct kvmeter_snap *snap;
	const struct kvmeter_snap_vm *vm;
	const struct kvmeter_snap_vcpu *vcpu; /* NULL: all of them */
	struct kvmeter_sum sum;
	bool skip_empty;
};

static const char *row_name(const struct kvmeter_sum_row *row, __u32 vendor)
{
	return row->other ? "UNKNOWN" : kvmeter_reasons_name(vendor, row->e.reason);
}

static bool is_left_out(const struct subject *subject, const struct kvmeter_sum_row *row)
{
	/* Row 0 is always there; without exits it says nothing. */
	return !row->e.count && !row->e.time_ns && (subject->skip_empty || row->other);
}

static double percentile_ns(const struct kvmeter_exit *e, double pct)
{
	return kvmeter_stats_percentile_ns(&e->hist, pct, e->min_ns, e->max_ns);
}

static void print_row(const struct kvmeter_sum_row *row, __u32 vendor, __u64 all_count,
		      __u64 all_ns)
{
	const struct kvmeter_exit *e = &row->e;
	__u64 ended = kvmeter_stats_count_hist(&e->hist);
	const char *name = row_name(row, vendor);
	char buf[16];

	if (!name) {
		snprintf(buf, sizeof(buf), "0x%x", e->reason);
		name = buf;
	}
	printf("%26s %10llu %8.2f%% %8.2f%%", name, e->count,
	       kvmeter_stats_pct(e->count, all_count), kvmeter_stats_pct(e->time_ns, all_ns));
	if (ended && e->min_ns != ~0ULL)
		printf(" %11.2fus", e->min_ns / NS_PER_US);
	else
		printf(" %13s", "-");
	if (ended)
		printf(" %11.2fus %11.2fus %11.2fus %11.2fus\n", e->max_ns / NS_PER_US,
		       e->time_ns / NS_PER_US / ended, percentile_ns(e, 50) / NS_PER_US,
		       percentile_ns(e, 99) / NS_PER_US);
	else
		printf(" %13s %13s %13s %13s\n", "-", "-", "-", "-");
}

static __u64 all_time_ns(const struct kvmeter_sum *sum)
{
	return sum->time_ns + sum->idle_ns;
}

static void print_table(const struct subject *s)
{
	const struct kvmeter_sum_row *row;
	__u64 all_count = 0;

	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++)
		all_count += row->e.count;

	printf("VM %s (pid %u, id %s), ", s->vm->name, s->vm->v.pid, s->vm->v.id);
	if (s->vcpu)
		printf("vCPU %u", s->vcpu->v.vcpu_id);
	else
		printf("%u vCPUs", s->vm->nr_vcpus);
	printf(", %.2f s:\n\n", (s->vcpu ? s->vcpu->elapsed_ns : s->vm->elapsed_ns) / 1e9);
	printf("%26s %10s %9s %9s %13s %13s %13s %13s %13s\n", "VM-EXIT", "Samples", "Samples%",
	       "Time%", "Min Time", "Max Time", "Avg time", "p50", "p99");
	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++) {
		if (!is_left_out(s, row))
			print_row(row, s->snap->host.vendor, all_count, all_time_ns(&s->sum));
	}
	printf("\nTotal Samples:%llu, Total events handled time:%.2f us.\n\n", all_count,
	       all_time_ns(&s->sum) / NS_PER_US);
}

static struct json_object *new_reason(const struct kvmeter_sum_row *row, __u32 vendor)
{
	struct json_object *obj = json_object_new_object();
	const struct kvmeter_exit *e = &row->e;
	const char *name = row_name(row, vendor);

	kvmeter_json_add_u64(obj, "reason", e->reason);
	kvmeter_json_add_text(obj, "name", name);
	kvmeter_json_add_text(obj, "class",
			      row->other ? "UNKNOWN" : kvmeter_reasons_class(vendor, e->reason));
	kvmeter_json_add_u64(obj, "count", e->count);
	kvmeter_json_add_u64(obj, "time_ns", e->time_ns);
	if (kvmeter_stats_count_hist(&e->hist)) {
		kvmeter_json_add_u64(obj, "min_ns", e->min_ns);
		kvmeter_json_add_u64(obj, "max_ns", e->max_ns);
		kvmeter_json_add_double(obj, "p50_ns", percentile_ns(e, 50));
		kvmeter_json_add_double(obj, "p99_ns", percentile_ns(e, 99));
	} else {
		kvmeter_json_add_text(obj, "min_ns", NULL);
		kvmeter_json_add_text(obj, "max_ns", NULL);
		kvmeter_json_add_text(obj, "p50_ns", NULL);
		kvmeter_json_add_text(obj, "p99_ns", NULL);
	}
	kvmeter_json_add_hist(obj, "hist", &e->hist);
	return obj;
}

static void add_reasons(struct json_object *obj, const struct subject *s)
{
	struct json_object *reasons = json_object_new_array();
	const struct kvmeter_sum_row *row;

	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++) {
		if (!is_left_out(s, row))
			json_object_array_add(reasons, new_reason(row, s->snap->host.vendor));
	}
	kvmeter_json_add_u64(obj, "exits", s->sum.v.exits);
	json_object_object_add(obj, "reasons", reasons);
}

/* The whole VM at once, or each of its vCPUs; into @obj, or printed if that is NULL. */
static void do_vm(struct subject *s, enum kvmeter_by by, struct json_object *obj)
{
	struct json_object *vcpus = obj && by == KVMETER_BY_VCPU ? json_object_new_array() : NULL;
	unsigned int i, nr = by == KVMETER_BY_VCPU ? s->vm->nr_vcpus : 1;
	struct json_object *to = obj;

	for (i = 0; i < nr; i++) {
		s->vcpu = by == KVMETER_BY_VCPU ? &s->snap->vcpus[s->vm->first_vcpu + i] : NULL;
		kvmeter_sum_vcpus(&s->sum, s->snap, s->vm->first_vcpu + i,
				  s->vcpu ? 1 : s->vm->nr_vcpus);
		if (vcpus) {
			to = kvmeter_json_new_vcpu(s->vcpu);
			json_object_array_add(vcpus, to);
		}
		if (to)
			add_reasons(to, s);
		else if (!s->skip_empty || s->sum.v.exits)
			print_table(s);
		kvmeter_sum_put(&s->sum);
	}
	if (vcpus)
		json_object_object_add(obj, "vcpus", vcpus);
}

static void report_exits(const struct kvmeter_report *report)
{
	struct subject subject = { .snap = report->snap, .skip_empty = report->args->skip_empty };
	struct json_object *obj = NULL, *vms = NULL, *vm_obj = NULL;
	unsigned int i;

	if (!report->snap->nr_vms && !report->args->json)
		puts("no VMs");
	if (report->args->json) {
		obj = kvmeter_json_new_report(report->snap);
		vms = json_object_new_array();
	}
	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		subject.vm = &report->snap->vms[i];
		if (obj) {
			vm_obj = kvmeter_json_new_vm(subject.vm);
			json_object_array_add(vms, vm_obj);
		}
		do_vm(&subject, report->args->by, vm_obj);
	}
	if (obj) {
		json_object_object_add(obj, "vms", vms);
		kvmeter_json_print(obj);
	}
}

/**
 * kvmeter_cmd_exits - kvmeter exits
 * @args: the command line
 */
void kvmeter_cmd_exits(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, report_exits);
}
