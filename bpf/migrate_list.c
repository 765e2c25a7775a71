// SPDX-License-Identifier: GPL-2.0-only
/* Shows all VMs that are being migrated, in a line each. */
#include "migrate.h"

#define MIB (1024.0 * 1024.0)

/* With the other columns that makes 80. */
#define NAME_WIDTH 15

static const char *get_verdict(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_outlook outlook;

	if (!kvmeter_migrate_forecast(vm, snap->now_ns, vm->v.quota_pages, &outlook))
		return "-";
	return outlook.f.converges ? "yes" : "no";
}

static void print_left(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_live live;
	double done;

	if (kvmeter_migrate_live(vm, snap->now_ns, &live, &done))
		printf(" %9.1f", live.remaining_bytes / MIB);
	else
		printf(" %9s", "-");
}

static void print_row(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	char name[KVMETER_SHOWN_MAX + 8];
	struct kvmeter_sum sum;

	kvmeter_escape_shorten(vm->name, NAME_WIDTH, name, sizeof(name));
	kvmeter_table_print_name(name, NAME_WIDTH);
	printf(" %-12s %5u", vm->v.id, vm->m.nr_rounds);
	print_left(snap, vm);
	printf(" %-4s", get_verdict(snap, vm));
	kvmeter_sum_vcpus(&sum, snap, vm->first_vcpu, vm->nr_vcpus, false);
	printf(" %5.1f", kvmeter_stats_pct(sum.v.throttle_ns, sum.elapsed_ns));
	kvmeter_sum_put(&sum);
	if (vm->v.quota_pages)
		printf(" %12.1f", (double)vm->v.quota_pages * KVMETER_PAGE_BYTES / MIB);
	else
		printf(" %12s", "none");
	printf(" %s\n", kvmeter_reasons_why(vm->m.why));
}

/**
 * kvmeter_migrate_print_list - show the VMs that are being migrated
 * @report: the report
 */
void kvmeter_migrate_print_list(const struct kvmeter_report *report)
{
	const struct kvmeter_snap *snap = report->snap;
	unsigned int i, nr = 0;

	for (i = 0; i < snap->nr_vms; i++) {
		if (!kvmeter_migrate_is_running(&snap->vms[i]))
			continue;
		if (!nr++)
			printf("%-*s %-12s %5s %9s %-4s %5s %12s %s\n", NAME_WIDTH, "NAME", "ID",
			       "ROUND", "LEFT(MiB)", "ENDS", "THR%", "QUOTA(MiB/s)", "WHY");
		print_row(snap, &snap->vms[i]);
	}
	if (!nr)
		puts("no VM is being migrated");
}
