// SPDX-License-Identifier: GPL-2.0-only
/* Shows quotas as a table: a row for each VM, and one for each of its vCPUs. */
#include "dirty.h"

#define MIB (1024.0 * 1024.0)

/**
 * kvmeter_quota_wants - is this VM in the report?
 * @report: the report
 * @vm: index of the VM
 *
 * Return: true if it is the VM asked for, or all were and it has a quota.
 */
bool kvmeter_quota_wants(const struct kvmeter_report *report, unsigned int vm)
{
	return kvmeter_table_wants(report, vm) &&
		(report->vm >= 0 || report->snap->vms[vm].v.quota_pages);
}

/**
 * kvmeter_quota_why_idle - does the quota of a VM do nothing?
 * @vm: the VM
 *
 * Return: why, as the rest of a sentence; NULL if it does something, or there is none.
 */
const char *kvmeter_quota_why_idle(const struct kvmeter_snap_vm *vm)
{
	if (!vm->v.quota_pages || kvmeter_reasons_is_armed(vm->v.log_state))
		return NULL;
	if (vm->v.log_state == KVMETER_LOG_OFF)
		return "dirty logging is not armed: until it is, the quota does nothing";
	return "whether dirty logging is armed is unknown: until it is, the quota does nothing";
}

/**
 * kvmeter_quota_print - print the quota of a VM in one line
 * @vm: the VM
 */
void kvmeter_quota_print(const struct kvmeter_snap_vm *vm)
{
	const char *idle = kvmeter_quota_why_idle(vm);
	char rate[16];

	printf("%s (%s): ", vm->name, vm->v.id);
	if (!vm->v.quota_pages)
		puts("no quota");
	else
		printf("quota %s/s%s%s\n",
		       kvmeter_units_format_bytes((double)vm->v.quota_pages * KVMETER_PAGE_BYTES,
						  rate, sizeof(rate)),
		       idle ? "; " : "", idle ? idle : "");
}

static void print_heading(unsigned int width)
{
	kvmeter_table_print_name("NAME", width);
	printf(" %-12s %5s %-9s %12s %12s %9s %8s\n", "ID", "VCPU", "LOGGING", "QUOTA(MiB/s)",
	       "DIRTY(MiB/s)", "THROTTLE%", "PARKED");
}

/* Of a vCPU, the share takes the place of the quota: these add up to it. */
static void print_row(const struct kvmeter_subject *s, unsigned int width)
{
	__u64 pages = s->vcpu ? s->vcpu->v.share_pages : s->vm->v.quota_pages;

	kvmeter_table_print_name(s->vm->name, width);
	printf(" %-12s", s->vm->v.id);
	if (s->vcpu)
		printf(" %5u", s->vcpu->v.vcpu_id);
	else
		printf(" %5s", "all");
	printf(" %-9s", kvmeter_reasons_show_log_state(s->vm->v.log_state));
	if (s->vm->v.quota_pages)
		printf(" %12.3f", pages * KVMETER_PAGE_BYTES / MIB);
	else
		printf(" %12s", "none");
	if (s->vm->armed)
		printf(" %12.3f", kvmeter_dirty_bytes_s(s) / MIB);
	else
		printf(" %12s", "-");
	printf(" %9.1f %8llu\n", kvmeter_stats_pct(s->sum.v.throttle_ns, s->sum.elapsed_ns),
	       s->sum.v.throttle_nr);
}

/* Its vCPUs [first, first + nr) in one row. */
static void print_sum(struct kvmeter_subject *s, unsigned int first, unsigned int nr,
		      unsigned int width)
{
	kvmeter_sum_vcpus(&s->sum, s->snap, first, nr, false);
	print_row(s, width);
	kvmeter_sum_put(&s->sum);
}

static void print_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
		     unsigned int width)
{
	struct kvmeter_subject s = { .snap = snap, .vm = vm };
	const char *idle = kvmeter_quota_why_idle(vm);
	unsigned int i;

	print_sum(&s, vm->first_vcpu, vm->nr_vcpus, width);
	for (i = vm->first_vcpu; i < vm->first_vcpu + vm->nr_vcpus; i++) {
		s.vcpu = &snap->vcpus[i];
		print_sum(&s, i, 1, width);
	}
	if (idle)
		printf("  %s\n", idle);
}

/**
 * kvmeter_quota_print_report - print a report as a table
 * @report: the report
 */
void kvmeter_quota_print_report(const struct kvmeter_report *report)
{
	unsigned int width = kvmeter_table_name_width(report), i, nr = 0;
	const struct kvmeter_snap *snap = report->snap;

	if (!(snap->host.features & KVMETER_FEATURE_QUOTA)) {
		puts("quotas are not possible with this module on this kernel");
		return;
	}
	for (i = 0; i < snap->nr_vms; i++) {
		if (!kvmeter_quota_wants(report, i))
			continue;
		if (!nr++ && kvmeter_table_starts(report))
			print_heading(width);
		print_vm(snap, &snap->vms[i], width);
	}
	if (!nr)
		puts("no VM has a quota");
}
