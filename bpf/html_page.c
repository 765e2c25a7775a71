// SPDX-License-Identifier: GPL-2.0-only
/* Writes a page: what it is of, and then one section after the other. It loads nothing. */
#include "html.h"

#define NS_PER_S 1e9

static void put_head(FILE *out, const struct kvmeter_html *html)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<title>kvmeter ",
	      out);
	kvmeter_escape_markup(out, html->origin.host);
	fprintf(out, "</title>\n<style>\n%s</style></head><body>\n", kvmeter_html_style);
}

/* What steal and throttle are drawn with, for those who see no colours, and on paper. */
static void put_patterns(FILE *out)
{
	fputs("<svg class=\"defs\" aria-hidden=\"true\"><defs>\n"
	      "<pattern id=\"p4\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">\n"
	      "<rect class=\"p4\" width=\"5\" height=\"5\"/>\n"
	      "<path class=\"p\" d=\"M-1,1l2,-2M0,5l5,-5M4,6l2,-2\"/></pattern>\n"
	      "<pattern id=\"p5\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\n"
	      "<rect class=\"p5\" width=\"4\" height=\"4\"/>\n"
	      "<path class=\"p\" d=\"M2,0v4\"/></pattern></defs></svg>\n",
	      out);
}

static void put_fact(FILE *out, const char *what)
{
	fprintf(out, "<dt>%s</dt><dd>", what);
}

static void put_origin(FILE *out, const struct kvmeter_html *html)
{
	const struct kvmeter_recording_origin *origin = &html->origin;

	put_fact(out, "Host");
	kvmeter_escape_markup(out, *origin->host ? origin->host : "not recorded");
	fputs("</dd>\n", out);
	put_fact(out, "Kernel");
	kvmeter_escape_markup(out, *origin->kernel ? origin->kernel : "not recorded");
	fprintf(out, ", %s</dd>\n", kvmeter_reasons_vendor(html->host.vendor));
	put_fact(out, "Module");
	fprintf(out, "kvmeter, ABI %u", html->host.abi);
	if (*origin->module) {
		fputs(", version ", out);
		kvmeter_escape_markup(out, origin->module);
	}
	if (*origin->source) {
		fputs(", source ", out);
		kvmeter_escape_markup(out, origin->source);
	}
	fputs("</dd>\n", out);
}

static void put_times(FILE *out, const struct kvmeter_html *html)
{
	char begin[KVMETER_TIME_MAX], end[KVMETER_TIME_MAX];
	__u64 span_ns = html->end_ns - html->begin_ns;

	kvmeter_audit_format_time(html->begin_real_ns, begin, sizeof(begin));
	kvmeter_audit_format_time(html->begin_real_ns + span_ns, end, sizeof(end));
	put_fact(out, "Time");
	fprintf(out, "%s to %s (", begin, end);
	kvmeter_html_put_length(out, span_ns);
	fputs(")</dd>\n", out);
	put_fact(out, "Snapshots");
	fprintf(out, "%lu, one every ", html->nr_snaps);
	kvmeter_html_put_length(out, html->interval_ns);
	if (html->nr_gaps) {
		fprintf(out, "; %lu gap%s, in all ", html->nr_gaps, html->nr_gaps == 1 ? "" : "s");
		kvmeter_html_put_length(out, html->gap_ns);
	} else {
		fputs("; no gaps", out);
	}
	fputs("</dd>\n", out);
	put_fact(out, "Charts");
	fprintf(out, "%u columns, each the sum of what happened from one snapshot to another",
		html->nr_cols);
	fputs(", at least ", out);
	kvmeter_html_put_length(out, span_ns / (double)KVMETER_HTML_COLS);
	fputs(" apart; over longer gaps nothing is drawn, the figures have them</dd>\n", out);
}

static void put_vms(FILE *out, const struct kvmeter_html *html)
{
	put_fact(out, "VMs");
	fprintf(out, "%u", html->nr_seen);
	if (html->nr_seen > html->nr_shown)
		fprintf(out,
			": the %u whose vCPUs took most time, halts not counted, are shown one by\n"
			"one, the other %u as a sum",
			html->nr_shown, html->nr_seen - html->nr_shown);
	fputs("</dd>\n", out);
}

static void put_damage(FILE *out, const struct kvmeter_html *html)
{
	if (!html->damages)
		return;
	fprintf(out,
		"<p class=\"warn\">The recording is damaged or cut off at byte %ld%s: this page is\n"
		"of the rest.</p>\n",
		html->damaged_at, html->damages > 1 ? " and elsewhere" : "");
}

static void put_heading(FILE *out, const struct kvmeter_html *html)
{
	fputs("<header><h1>kvmeter: ", out);
	kvmeter_escape_markup(out, *html->origin.host ? html->origin.host : "a host");
	fputs("</h1>\n<p class=\"sub\">What the VMs of a host did, from a recording.</p>\n", out);
	put_damage(out, html);
	fputs("<dl>\n", out);
	put_origin(out, html);
	put_times(out, html);
	put_vms(out, html);
	fputs("</dl>\n<nav><a href=\"#ledger\">Time ledger</a><a href=\"#steal\">Steal matrix</a>\n"
	      "<a href=\"#exits\">Exit latency</a><a href=\"#dirty\">Dirty memory</a>\n"
	      "<a href=\"#rounds\">Migrations</a></nav></header>\n",
	      out);
}

/**
 * kvmeter_html_write - write a page
 * @out: where to
 * @html: what is on it
 */
void kvmeter_html_write(FILE *out, const struct kvmeter_html *html)
{
	put_head(out, html);
	put_patterns(out);
	put_heading(out, html);
	fputs("<main>\n", out);
	kvmeter_html_draw_ledger(out, html);
	kvmeter_html_draw_steal(out, html);
	kvmeter_html_draw_exits(out, html);
	kvmeter_html_draw_curves(out, html);
	kvmeter_html_draw_rounds(out, html);
	fputs("</main>\n<footer>Made by kvmeter report --html. Times are local to where that\n"
	      "was.</footer>\n</body></html>\n",
	      out);
}
