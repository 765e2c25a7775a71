// SPDX-License-Identifier: GPL-2.0-only
/* The command list: the VMs that are tracked, or their vCPUs and where each of them runs. */
#include "reader.h"

#define PAGE_SIZES 3
#define PAGE_4K 4096ULL
#define PAGE_2M (512 * PAGE_4K)
#define PAGE_1G (512 * PAGE_2M)
#define MIB (1024 * 1024.0)

static void add_moves(struct json_object *obj, const struct kvmeter_snap_vm *vm,
		      const struct kvmeter_snap_vcpu *vcpu)
{
	(void)vm;
	kvmeter_json_add_u64(obj, "cpu_moves", vcpu->v.cpu_moves);
	kvmeter_json_add_u64(obj, "node_moves", vcpu->v.node_moves);
}

static void add_migration(struct json_object *obj, const struct kvmeter_migration *m)
{
	kvmeter_json_add_text(obj, "migration", kvmeter_reasons_migration_state(m->state));
	kvmeter_json_add_u64(obj, "round", m->nr_rounds);
}

static void print_json(const struct kvmeter_report *report)
{
	struct json_object *obj = kvmeter_json_new_report(KVMETER_DOCUMENT_LIST, report->snap), *vm;
	struct json_object *vms = json_object_new_array();
	unsigned int i;

	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		vm = kvmeter_json_new_vm(&report->snap->vms[i]);
		add_migration(vm, &report->snap->vms[i].m);
		if (report->args->by == KVMETER_BY_VCPU)
			json_object_object_add(vm, "vcpus",
					       kvmeter_json_new_vcpus(report->snap,
								      &report->snap->vms[i],
								      add_moves));
		json_object_array_add(vms, vm);
	}
	json_object_object_add(obj, "vms", vms);
	kvmeter_json_print(obj);
}

/* How much is mapped, and in pages of which size; no shares of nothing. */
static void print_pages(const struct kvmeter_vm *vm)
{
	__u64 bytes[PAGE_SIZES] = { vm->pages_4k * PAGE_4K, vm->pages_2m * PAGE_2M,
				    vm->pages_1g * PAGE_1G };
	unsigned int tenths[PAGE_SIZES], i;
	bool known = kvmeter_stats_round_shares(bytes, PAGE_SIZES, tenths);

	printf(" %11.1f", (bytes[0] + bytes[1] + bytes[2]) / MIB);
	for (i = 0; i < PAGE_SIZES; i++) {
		if (known)
			printf(" %5.1f", tenths[i] / 10.0);
		else
			printf(" %5s", "-");
	}
}

static void print_migration(const struct kvmeter_migration *m)
{
	if (m->state == KVMETER_MIGRATION_RUNNING)
		printf(" round %u\n", m->nr_rounds);
	else
		printf(" %s\n",
		       m->state == KVMETER_MIGRATION_ENDED
			       ? kvmeter_reasons_migration_state(m->state)
			       : "-");
}

static void print_vm(const struct kvmeter_snap_vm *vm, unsigned int width)
{
	kvmeter_table_print_name(vm->name, width);
	printf(" %8u %-12s %5u %8.1f", vm->v.pid, vm->v.id, vm->v.nr_vcpus, vm->elapsed_ns / 1e9);
	print_pages(&vm->v);
	if (vm->v.log_pages)
		printf(" %10llu", vm->v.log_pages);
	else
		printf(" %10s", "-");
	printf(" %10s", kvmeter_reasons_show_log_state(vm->v.log_state));
	print_migration(&vm->m);
}

static void print_vcpus(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
			unsigned int width)
{
	const struct kvmeter_vcpu *v;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		v = &snap->vcpus[vm->first_vcpu + i].v;
		kvmeter_table_print_name(vm->name, width);
		printf(" %8u %-12s %5u %8u", vm->v.pid, vm->v.id, v->vcpu_id, v->tid);
		if (v->first_ns)
			printf(" %4u %4u %9llu %10llu %8s\n", v->cpu, v->node, v->cpu_moves,
			       v->node_moves, kvmeter_reasons_state(v->state));
		else
			printf(" %4s %4s %9s %10s %8s\n", "-", "-", "-", "-", "-");
	}
}

static void print_text(const struct kvmeter_report *report)
{
	unsigned int width = kvmeter_table_name_width(report), i;
	bool by_vcpu = report->args->by == KVMETER_BY_VCPU;

	kvmeter_table_print_name("NAME", width);
	if (by_vcpu)
		printf(" %8s %-12s %5s %8s %4s %4s %9s %10s %8s\n", "PID", "ID", "VCPU", "TID",
		       "CPU", "NODE", "CPU-MOVES", "NODE-MOVES", "STATE");
	else
		printf(" %8s %-12s %5s %8s %11s %5s %5s %5s %10s %10s %s\n", "PID", "ID", "VCPUS",
		       "SEEN(s)", "MAPPED(MiB)", "4K%", "2M%", "1G%", "LOGPAGES", "LOGGING",
		       "MIGRATION");
	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		if (by_vcpu)
			print_vcpus(report->snap, &report->snap->vms[i], width);
		else
			print_vm(&report->snap->vms[i], width);
	}
}

static void report_list(const struct kvmeter_report *report)
{
	if (report->args->json)
		print_json(report);
	else
		print_text(report);
}

/**
 * kvmeter_cmd_list - kvmeter list
 * @args: the command line
 */
void kvmeter_cmd_list(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, 0, report_list);
}
