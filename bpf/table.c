// SPDX-License-Identifier: GPL-2.0-only
/* What tables of VMs have in common. */
#include "reader.h"

/* One VM watched fills a screen before its columns are named again. */
#define ROWS_PER_HEADER 20

/**
 * kvmeter_table_print_name - print a name and fill up with blanks
 * @name: from kvmeter_escape_text()
 * @width: columns to fill
 */
void kvmeter_table_print_name(const char *name, unsigned int width)
{
	unsigned int has = kvmeter_escape_width(name);

	printf("%s%*s", name, has < width ? (int)(width - has) : 0, "");
}

/**
 * kvmeter_table_name_width - columns that the names of a report need
 * @report: the report
 *
 * Return: width of the longest, at least that of the heading.
 */
unsigned int kvmeter_table_name_width(const struct kvmeter_report *report)
{
	unsigned int i, width, most = sizeof("NAME") - 1;

	for (i = 0; i < report->snap->nr_vms; i++) {
		width = kvmeter_escape_width(report->snap->vms[i].name);
		if (kvmeter_table_wants(report, i) && width > most)
			most = width;
	}
	return most;
}

/**
 * kvmeter_table_wants - is this VM in the report?
 * @report: the report
 * @vm: index of the VM
 *
 * Return: true if it is the VM asked for, or all were.
 */
bool kvmeter_table_wants(const struct kvmeter_report *report, unsigned int vm)
{
	return report->vm < 0 || report->vm == (int)vm;
}

/**
 * kvmeter_table_starts - begin the table of a report
 * @report: the report
 *
 * Reports of many rows are kept apart by an empty line.
 *
 * Return: true if the columns have to be named.
 */
bool kvmeter_table_starts(const struct kvmeter_report *report)
{
	bool one_row = report->vm >= 0 && report->args->by == KVMETER_BY_VM;

	if (report->nr && !one_row)
		putchar('\n');
	return !one_row || report->nr % ROWS_PER_HEADER == 0;
}
