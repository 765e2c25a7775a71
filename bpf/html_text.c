// SPDX-License-Identifier: GPL-2.0-only
/* Writes text, names, sizes and times into a page. */
#include <time.h>

#include "html.h"

#define NS_PER_S 1000000000ULL
#define S_PER_DAY 86400ULL

/**
 * kvmeter_html_put_name - write what a row is of
 * @out: the page
 * @row: the row
 * @width: characters that there is room for, at least 1
 */
void kvmeter_html_put_name(FILE *out, const struct kvmeter_html_row *row, unsigned int width)
{
	char name[KVMETER_SHOWN_MAX + 8];

	if (!row->vm) {
		fprintf(out, "%u other VMs", row->nr_vms);
		return;
	}
	kvmeter_escape_shorten(row->vm->vm->name, width, name, sizeof(name));
	kvmeter_escape_markup(out, name);
}

/**
 * kvmeter_html_put_card - begin what there is of a VM, with its name
 * @out: the page
 * @kind: class of it
 * @vm: the VM
 */
void kvmeter_html_put_card(FILE *out, const char *kind, const struct kvmeter_html_vm *vm)
{
	char name[KVMETER_SHOWN_MAX + 8];

	kvmeter_escape_shorten(vm->vm->name, KVMETER_HTML_NAME_WIDTH, name, sizeof(name));
	fprintf(out, "<div class=\"card %s\"><h3>", kind);
	kvmeter_escape_markup(out, name);
	fputs(" <small>", out);
	kvmeter_escape_markup(out, vm->vm->v.id);
	fputs("</small></h3>\n", out);
}

/**
 * kvmeter_html_put_pages - write a number of pages as bytes
 * @out: the page
 * @pages: 4 KiB pages
 */
void kvmeter_html_put_pages(FILE *out, double pages)
{
	char bytes[16];

	fputs(kvmeter_units_format_bytes(pages * KVMETER_PAGE_BYTES, bytes, sizeof(bytes)), out);
}

/**
 * kvmeter_html_put_length - write how long something took
 * @out: the page
 * @ns: how long
 */
void kvmeter_html_put_length(FILE *out, double ns)
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = { { 86400e9, "d" },
		      { 3600e9, "h" },
		      { 60e9, "min" },
		      { 1e9, "s" },
		      { 1e6, "ms" },
		      { 1e3, "µs" },
		      {} };
	unsigned int i = 0;

	/* 90 s is easier to read than 1.5 min */
	while (units[i].unit && ns < units[i].ns * (units[i].ns > 1e9 ? 2 : 1))
		i++;
	if (units[i].unit)
		fprintf(out, "%.3g %s", ns / units[i].ns, units[i].unit);
	else
		fprintf(out, "%.0f ns", ns);
}

/**
 * kvmeter_html_put_time - write when something was, local time
 * @out: the page
 * @html: what is on it
 * @ns: when, by the ledger clock
 */
void kvmeter_html_put_time(FILE *out, const struct kvmeter_html *html, __u64 ns)
{
	__u64 real_ns = html->begin_real_ns + (ns - html->begin_ns);
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	char text[32];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text),
		      html->end_ns - html->begin_ns < S_PER_DAY * NS_PER_S ? "%H:%M:%S"
									   : "%m-%d %H:%M:%S",
		      &tm))
		snprintf(text, sizeof(text), "?");
	fputs(text, out);
}
