// SPDX-License-Identifier: GPL-2.0-only
/* The command stat: one row for each VM, with what matters most about it. */
#include "reader.h"

#define NS_PER_S 1e9

static double exit_pct(const struct kvmeter_sum *sum)
{
	return kvmeter_stats_pct((double)sum->v.kernel_ns + sum->v.vmm_ns, sum->elapsed_ns);
}

static double dirty_s(const struct kvmeter_snap_vm *vm, const struct kvmeter_sum *sum)
{
	if (!vm->elapsed_ns)
		return 0.0;
	return kvmeter_sum_dirty(&sum->v) * NS_PER_S / vm->elapsed_ns;
}

static void add_fields(struct json_object *obj, const struct kvmeter_snap_vm *vm,
		       const struct kvmeter_snap_vcpu *vcpu)
{
	(void)vm;
	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &vcpu->v);
}

static struct json_object *new_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
				  const struct kvmeter_sum *sum)
{
	struct json_object *obj = kvmeter_json_new_vm(vm);
	const struct kvmeter_sum_row *top = sum->nr_rows && sum->rows->e.count ? sum->rows : NULL;
	char buf[KVMETER_REASON_MAX];

	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &sum->v);
	kvmeter_json_add_double(obj, "exits_per_s", sum->exits_s);
	kvmeter_json_add_text(obj, "top_reason",
			      top ? kvmeter_table_reason(top, buf, sizeof(buf)) : NULL);
	kvmeter_json_add_double(obj, "top_pct",
				top ? kvmeter_stats_pct(top->e.count, sum->v.exits) : 0.0);
	kvmeter_json_add_double(obj, "exit_pct", exit_pct(sum));
	kvmeter_json_add_double(obj, "steal_pct",
				kvmeter_stats_pct(sum->v.steal_ns, sum->elapsed_ns));
	if (vm->armed)
		kvmeter_json_add_double(obj, "dirty_pages_per_s", dirty_s(vm, sum));
	else
		kvmeter_json_add_text(obj, "dirty_pages_per_s", NULL);
	json_object_object_add(obj, "vcpus", kvmeter_json_new_vcpus(snap, vm, add_fields));
	return obj;
}

/* Without logging there is no figure, and what is not known is not shown as 0. */
static void print_dirty(const struct kvmeter_snap_vm *vm, const struct kvmeter_sum *sum)
{
	if (vm->armed)
		printf(" %12.1f\n", dirty_s(vm, sum));
	else if (kvmeter_reasons_is_armed(vm->v.log_state))
		printf(" %12s\n", "armed");
	else if (vm->v.log_state == KVMETER_LOG_OFF)
		printf(" %12s\n", "not armed");
	else
		printf(" %12s\n", "unknown");
}

static void print_row(const struct kvmeter_snap_vm *vm, const struct kvmeter_sum *sum,
		      unsigned int width)
{
	char buf[KVMETER_REASON_MAX];

	kvmeter_table_print_name(vm->name, width);
	printf(" %-12s %5u %10.1f", vm->v.id, vm->v.nr_vcpus, sum->exits_s);
	if (sum->nr_rows && sum->rows->e.count)
		printf(" %-20s %6.2f", kvmeter_table_reason(sum->rows, buf, sizeof(buf)),
		       kvmeter_stats_pct(sum->rows->e.count, sum->v.exits));
	else
		printf(" %-20s %6s", "-", "-");
	printf(" %7.2f %7.2f", exit_pct(sum), kvmeter_stats_pct(sum->v.steal_ns, sum->elapsed_ns));
	print_dirty(vm, sum);
}

static void report_stat(const struct kvmeter_report *report)
{
	struct json_object *obj = NULL, *vms = NULL;
	unsigned int width = kvmeter_table_name_width(report), i;
	const struct kvmeter_snap *snap = report->snap;
	const struct kvmeter_snap_vm *vm;
	struct kvmeter_sum sum;

	if (report->args->json) {
		obj = kvmeter_json_new_report(KVMETER_DOCUMENT_STAT, snap);
		vms = json_object_new_array();
	} else if (kvmeter_table_starts(report)) {
		kvmeter_table_print_name("NAME", width);
		printf(" %-12s %5s %10s %-20s %6s %7s %7s %12s\n", "ID", "VCPUS", "EXITS/s",
		       "TOP-EXIT", "TOP%", "EXIT%", "STEAL%", "DIRTY/s");
	}
	for (i = 0; i < snap->nr_vms; i++) {
		vm = &snap->vms[i];
		if (!kvmeter_table_wants(report, i))
			continue;
		kvmeter_sum_vcpus(&sum, snap, vm->first_vcpu, vm->nr_vcpus, false);
		if (report->args->skip_empty && !sum.v.exits && !sum.v.steal_ns)
			;
		else if (report->args->json)
			json_object_array_add(vms, new_vm(snap, vm, &sum));
		else
			print_row(vm, &sum, width);
		kvmeter_sum_put(&sum);
	}
	if (obj) {
		json_object_object_add(obj, "vms", vms);
		kvmeter_json_print(obj);
	}
}

/**
 * kvmeter_cmd_stat - kvmeter stat
 * @args: the command line
 */
void kvmeter_cmd_stat(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, KVMETER_NEED_ROWS, report_stat);
}
