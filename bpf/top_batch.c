// SPDX-License-Identifier: GPL-2.0-only
/* The rows of top as reports, where there is no screen. */
#include "top.h"

/**
 * kvmeter_top_report - print the rows of a report
 * @report: the report
 *
 * All columns are there, as wide as they have to be.
 */
void kvmeter_top_report(const struct kvmeter_report *report)
{
	struct kvmeter_top top = { .snap = report->snap, .utf8 = true };
	struct kvmeter_top_layout l;
	unsigned int i;

	kvmeter_top_init(&top, report->args);
	if (report->vm >= 0)
		kvmeter_top_filter_guest(&top.filter, report->snap->vms[report->vm].v.id);
	kvmeter_top_list_make(&top);
	if (report->args->json) {
		kvmeter_top_print_json(&top);
	} else {
		kvmeter_top_layout_widen(&l, &top);
		if (kvmeter_table_starts(report)) {
			kvmeter_top_print_heading(stdout, &top, &l);
			putchar('\n');
		}
		for (i = 0; i < top.list.nr; i++) {
			kvmeter_top_print_row(stdout, &top, &l, &top.list.rows[i]);
			putchar('\n');
		}
	}
	kvmeter_top_put(&top);
}
