// SPDX-License-Identifier: GPL-2.0-only
/* The command steal: how long vCPUs were kept waiting for a CPU. */
#include "reader.h"

#define NS_PER_US 1e3
#define NS_PER_MS 1e6

static double percentile_ns(const struct kvmeter_vcpu *v, double pct)
{
	/* There is no shortest episode on record: the bucket is the bound. */
	return kvmeter_stats_percentile_ns(&v->steal_hist, pct, 0, v->steal_max_ns);
}

static void add_steal(struct json_object *obj, const struct kvmeter_sum *sum)
{
	kvmeter_json_add_u64(obj, "steal_ns", sum->v.steal_ns);
	kvmeter_json_add_double(obj, "steal_pct",
				kvmeter_stats_pct(sum->v.steal_ns, sum->elapsed_ns));
	kvmeter_json_add_u64(obj, "steal_nr", sum->v.steal_nr);
	kvmeter_json_add_u64(obj, "steal_max_ns", sum->v.steal_max_ns);
	kvmeter_json_add_double(obj, "steal_p50_ns", percentile_ns(&sum->v, 50));
	kvmeter_json_add_double(obj, "steal_p99_ns", percentile_ns(&sum->v, 99));
	kvmeter_json_add_hist(obj, "steal_hist", &sum->v.steal_hist);
}

static void print_steal(const struct kvmeter_sum *sum)
{
	printf(" %7.2f %12.3f %9llu", kvmeter_stats_pct(sum->v.steal_ns, sum->elapsed_ns),
	       sum->v.steal_ns / NS_PER_MS, sum->v.steal_nr);
	if (sum->v.steal_nr)
		printf(" %11.2f %11.2f %11.2f\n", percentile_ns(&sum->v, 50) / NS_PER_US,
		       percentile_ns(&sum->v, 99) / NS_PER_US, sum->v.steal_max_ns / NS_PER_US);
	else
		printf(" %11s %11s %11s\n", "-", "-", "-");
}

/* One VM: into @obj, with its vCPUs, or printed by VM or by vCPU if that is NULL. */
static void do_vm(const struct kvmeter_report *report, const struct kvmeter_snap_vm *vm,
		  struct json_object *obj, unsigned int width)
{
	bool by_vcpu = report->args->by == KVMETER_BY_VCPU;
	struct json_object *vcpus = obj && by_vcpu ? json_object_new_array() : NULL, *to;
	unsigned int i, nr = by_vcpu ? vm->nr_vcpus : 1;
	const struct kvmeter_snap_vcpu *vcpu;
	struct kvmeter_sum sum;

	for (i = 0; i < nr; i++) {
		vcpu = by_vcpu ? &report->snap->vcpus[vm->first_vcpu + i] : NULL;
		kvmeter_sum_vcpus(&sum, report->snap, vm->first_vcpu + i, vcpu ? 1 : vm->nr_vcpus);
		if (vcpus) {
			to = kvmeter_json_new_vcpu(vcpu);
			add_steal(to, &sum);
			json_object_array_add(vcpus, to);
		} else if (obj) {
			add_steal(obj, &sum);
		} else if (!report->args->skip_empty || sum.v.steal_ns) {
			kvmeter_table_print_name(vm->name, width);
			printf(" %-12s", vm->v.id);
			if (vcpu)
				printf(" %5u", vcpu->v.vcpu_id);
			else
				printf(" %5s", "all");
			print_steal(&sum);
		}
		kvmeter_sum_put(&sum);
	}
	if (vcpus)
		json_object_object_add(obj, "vcpus", vcpus);
}

static void report_steal(const struct kvmeter_report *report)
{
	unsigned int width = kvmeter_table_name_width(report), i;
	struct json_object *obj = NULL, *vms = NULL, *vm_obj = NULL;

	if (report->args->json) {
		obj = kvmeter_json_new_report(report->snap);
		vms = json_object_new_array();
	} else if (kvmeter_table_starts(report)) {
		kvmeter_table_print_name("NAME", width);
		printf(" %-12s %5s %7s %12s %9s %11s %11s %11s\n", "ID", "VCPU", "STEAL%",
		       "TOTAL(ms)", "EPISODES", "P50(us)", "P99(us)", "MAX(us)");
	}
	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		if (obj) {
			vm_obj = kvmeter_json_new_vm(&report->snap->vms[i]);
			json_object_array_add(vms, vm_obj);
		}
		do_vm(report, &report->snap->vms[i], vm_obj, width);
	}
	if (obj) {
		json_object_object_add(obj, "vms", vms);
		kvmeter_json_print(obj);
	}
}

/**
 * kvmeter_cmd_steal - kvmeter steal
 * @args: the command line
 */
void kvmeter_cmd_steal(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, report_steal);
}
