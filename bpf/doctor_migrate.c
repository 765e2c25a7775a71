// SPDX-License-Identifier: GPL-2.0-only
/* Rule of doctor about migrations on their way: will they come to an end, and what would make them?
 */
#include <math.h>
#include <stdlib.h>

#include "doctor.h"

#define HAS_RING "%s has a dirty ring: its rounds cannot be seen"

#define STALL_REMEDY                                                         \
	"one of: kvmeter autoconverge %s on, which holds back those vCPUs\n" \
	"that write; or %s%sa bandwidth of %.1f MiB/s: virsh\n"              \
	"migrate-setspeed %s %.0f"

#define NOT_YET                                                              \
	"%s: the first round of its migration has not ended, or it is not\n" \
	"known how fast it is sent"

#define MIB (1024.0 * 1024.0)
#define KIB 1024.0
#define MS_PER_S 1e3

/* What virsh and QEMU take for a downtime: no more than this. */
#define DOWNTIME_MAX_S 2000.0

static void say_remedy(const struct kvmeter_doctor_vm *vm, struct kvmeter_finding *f)
{
	const struct kvmeter_doctor_migration *m = &vm->migration;
	const char *domain = kvmeter_finding_domain(vm->vm), *id = vm->vm->v.id;
	char *downtime = NULL, *quota = NULL;

	kvmeter_finding_say(&downtime, "%s", "");
	kvmeter_finding_say(&quota, "%s", "");
	if (m->min_downtime_s < DOWNTIME_MAX_S)
		kvmeter_finding_say(&downtime,
				    "a downtime of %.0f ms: virsh migrate-setmaxdowntime %s\n"
				    "%.0f; or ",
				    ceil(m->min_downtime_s * MS_PER_S), domain,
				    ceil(m->min_downtime_s * MS_PER_S));
	/* The command takes whole KiB, and not more than there may be. */
	if (m->max_quota_bytes_s >= KVMETER_QUOTA_MIN)
		kvmeter_finding_say(&quota, "a quota: kvmeter quota %s %.0fK; or ", id,
				    floor(m->max_quota_bytes_s / KIB));
	kvmeter_finding_say(&f->remedy, STALL_REMEDY, id, quota, downtime,
			    m->min_bandwidth_bytes_s / MIB, domain,
			    ceil(m->min_bandwidth_bytes_s / MIB));
	free(downtime);
	free(quota);
}

static void find_stall(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
		       struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_migration *m = &vm->migration;
	struct kvmeter_finding *f = kvmeter_findings_add(findings, KVMETER_RULE_MIGRATION);

	kvmeter_finding_add_vm(f, vm->vm,
			       kvmeter_doctor_per_ns(doctor, vm->log_ns + vm->throttle_ns));
	kvmeter_finding_say(&f->what, "the migration of %s will not come to an end", vm->vm->name);
	kvmeter_finding_add_figure(f, m->outlook.f.remaining_bytes / MIB, "MiB",
				   "it stalls with so much left");
	kvmeter_finding_add_figure(f, m->outlook.bandwidth_bytes_s / MIB, "MiB/s", "bandwidth");
	kvmeter_finding_add_figure(f, m->min_bandwidth_bytes_s / MIB, "MiB/s",
				   "bandwidth with which it would end");
	kvmeter_finding_add_figure(f, vm->vm->m.downtime_ns / 1e6, "ms", "downtime allowed");
	kvmeter_finding_add_figure(f, m->min_downtime_s * MS_PER_S, "ms",
				   "downtime with which it would end");
	kvmeter_finding_add_figure(f, vm->vm->m.nr_rounds, "rounds", "so far");
	say_remedy(vm, f);
}

/**
 * kvmeter_rule_migration - a migration on its way will not come to an end
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_migration(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;

	if (!(doctor->snap->host.features & KVMETER_FEATURE_SYNC)) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_MIGRATION,
					     KVMETER_MIGRATE_NOT_SEEN);
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (!vm->wanted)
			continue;
		if (vm->vm->v.log_state == KVMETER_LOG_RING)
			kvmeter_findings_add_unknown(findings, KVMETER_RULE_MIGRATION, HAS_RING,
						     vm->vm->name);
		else if (vm->migration.running && !vm->migration.known)
			kvmeter_findings_add_unknown(findings, KVMETER_RULE_MIGRATION, NOT_YET,
						     vm->vm->name);
		else if (vm->migration.running && !vm->migration.outlook.f.converges)
			find_stall(doctor, vm, findings);
	}
}
