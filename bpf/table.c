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
	bool one_row =
		report->vm >= 0 && report->args->by == KVMETER_BY_VM && !report->args->matrix;

	if (report->nr && !one_row)
		putchar('\n');
	return !one_row || report->nr % ROWS_PER_HEADER == 0;
}

/**
 * kvmeter_table_reason - how the reason, or the class, of a row is shown
 * @row: the row
 * @buf: where it may be written
 * @size: bytes there, at least KVMETER_REASON_MAX
 *
 * Return: the name, or the number if it has none; with L2: before it if a nested guest exited.
 */
const char *kvmeter_table_reason(const struct kvmeter_sum_row *row, char *buf, size_t size)
{
	const char *level = row->e.level == 2 ? "L2:" : "";

	if (row->name)
		snprintf(buf, size, "%s%s", level, row->name);
	else
		snprintf(buf, size, "%s0x%x", level, row->e.reason);
	return buf;
}
