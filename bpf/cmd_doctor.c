// SPDX-License-Identifier: GPL-2.0-only
/* The command doctor: what is wrong with the VMs of this host, and what to do. */
#include <err.h>
#include <stdlib.h>

#include "doctor.h"

#define NEEDS (KVMETER_NEED_ROWS | KVMETER_NEED_SUBS | KVMETER_NEED_THIEVES)

/* Whether there were reports, what they have found, and where the interval of the next begins. */
static bool reported, found;
static struct kvmeter_doctor_cpus before;

static void ask_host(struct kvmeter_doctor *doctor)
{
	struct kvmeter_doctor_cpus after;

	kvmeter_doctor_get_cpus(&after);
	kvmeter_doctor_add_cpus(doctor, &before, &after);
	before = after;
	kvmeter_doctor_add_nodes(doctor);
	kvmeter_doctor_add_limits(doctor);
}

static void report_findings(const struct kvmeter_report *report)
{
	struct kvmeter_findings findings = {};
	struct kvmeter_doctor doctor;

	kvmeter_doctor_look(&doctor, report);
	if (doctor.is_live)
		ask_host(&doctor);
	kvmeter_rules_judge(&doctor, &findings);
	if (report->args->json)
		kvmeter_doctor_print_json(report, &findings);
	else
		kvmeter_doctor_print(report, &findings, kvmeter_terminal_width());
	reported = true;
	found |= kvmeter_findings_count(&findings, KVMETER_VERDICT_FOUND) > 0;
	kvmeter_findings_put(&findings);
	kvmeter_doctor_put(&doctor);
}

/**
 * kvmeter_cmd_doctor - kvmeter doctor
 * @args: the command line
 *
 * Ends the program with KVMETER_DOCTOR_FOUND if any report has found something.
 */
void kvmeter_cmd_doctor(const struct kvmeter_args *args)
{
	struct kvmeter_args with_interval = *args;

	if (args->rules) {
		kvmeter_rules_print(args->json);
		return;
	}
	with_interval.rate_interval_s = KVMETER_DOCTOR_INTERVAL_S;
	kvmeter_doctor_get_cpus(&before);
	kvmeter_view_run_rates(&with_interval, NEEDS, 1, report_findings);
	/* That nothing was found is no answer of one that did not look. */
	if (!reported)
		errx(1, "interrupted before the interval was over");
	if (found)
		exit(KVMETER_DOCTOR_FOUND);
}
