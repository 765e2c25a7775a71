// SPDX-License-Identifier: GPL-2.0-only
/* Draws D(t), the distinct pages that VMs dirty within t. */
#include <math.h>

#include "html.h"

#define HEIGHT 190.0
#define FIELD (KVMETER_HTML_WIDTH - KVMETER_HTML_LEFT - KVMETER_HTML_RIGHT)
#define LINES 4
#define MIB (1024.0 * 1024.0)

/* A place for each t: each is twice the one before. */
static double get_x(unsigned int i)
{
	return KVMETER_HTML_LEFT + FIELD * (i + 0.5) / KVMETER_CURVE_NR;
}

static double get_mib(__u64 pages)
{
	return (double)pages * KVMETER_PAGE_BYTES / MIB;
}

static double find_most(const struct kvmeter_dirty *d)
{
	const __u64 *const curves[] = { d->curve, d->median, d->p95 };
	double most = 0;
	unsigned int c, i;

	for (c = 0; c < 3; c++) {
		for (i = 0; i < KVMETER_CURVE_NR; i++) {
			if (curves[c][i] != KVMETER_CURVE_NONE)
				most = fmax(most, get_mib(curves[c][i]));
		}
	}
	return kvmeter_html_axis_round_up(most);
}

/* A line with a mark of its own form at each point, so that no colour is needed. */
static void draw_curve(FILE *out, const __u64 *curve, double most, const char *kind)
{
	bool is_first = true;
	unsigned int i;
	double y;

	fprintf(out, "<path class=\"%s\" d=\"", kind);
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (curve[i] == KVMETER_CURVE_NONE)
			continue;
		y = KVMETER_HTML_TOP + HEIGHT * (1 - get_mib(curve[i]) / most);
		fprintf(out, "%c%.1f,%.1f", is_first ? 'M' : 'L', get_x(i), y);
		is_first = false;
	}
	fputs("\"/>\n", out);
}

static void draw_axes(FILE *out, double most)
{
	char label[32];
	unsigned int i;

	for (i = 0; i <= LINES; i++) {
		snprintf(label, sizeof(label), "%.4g", most * i / LINES);
		kvmeter_html_axis_line(out, KVMETER_HTML_TOP + HEIGHT * (1 - (double)i / LINES),
				       label);
	}
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		fprintf(out, "<text class=\"tick mid\" x=\"%.1f\" y=\"%g\">", get_x(i),
			KVMETER_HTML_TOP + HEIGHT + 15);
		kvmeter_html_put_length(out, kvmeter_curve_ms[i] * 1e6);
		fputs("</text>", out);
	}
	putc('\n', out);
}

static void put_key(FILE *out, const struct kvmeter_html *html, const struct kvmeter_dirty *d)
{
	static const char *const kinds[] = { "d0", "d1", "d2" };
	static const char *const words[] = { "last window", "median", "95th percentile" };
	unsigned int i;

	fputs("<p class=\"key\">", out);
	for (i = 0; i < 3; i++) {
		fprintf(out, "<span><svg class=\"line\" viewBox=\"0 0 26 10\"><path class=\"%s\"",
			kinds[i]);
		fprintf(out, " d=\"M1,5H13H25\"/></svg>%s</span>\n", words[i]);
	}
	fprintf(out, "<span>%u windows, as of ", d->windows);
	if (d->update_ns < html->begin_ns)
		fputs("before the first snapshot", out);
	else
		kvmeter_html_put_time(out, html, d->update_ns);
	fputs("</span></p>\n", out);
}

static void draw_vm(FILE *out, const struct kvmeter_html *html, const struct kvmeter_html_vm *vm)
{
	const struct kvmeter_dirty *d = &vm->curve->d;
	double most = find_most(d);

	kvmeter_html_put_card(out, "wide curve", vm);
	fputs("<div class=\"pair\"><div>\n<p class=\"unit\">D(t), MiB, by t</p>\n", out);
	kvmeter_html_axis_begin(out, "MiB dirtied within t", HEIGHT);
	draw_axes(out, most);
	draw_curve(out, d->p95, most, "d2");
	draw_curve(out, d->median, most, "d1");
	draw_curve(out, d->curve, most, "d0");
	fputs("</svg>\n", out);
	put_key(out, html, d);
	fputs("</div><div>\n", out);
	kvmeter_html_draw_forecast(out, vm->curve);
	fputs("</div></div></div>\n", out);
}

/* The next VM whose curve is known, by the time that they took; all have a rank of their own. */
static const struct kvmeter_html_vm *find_next(const struct kvmeter_html *html,
					       const struct kvmeter_html_vm *before)
{
	const struct kvmeter_html_vm *vm, *next = NULL;

	for (vm = html->vms; vm < html->vms + html->nr_vms; vm++) {
		if (!vm->curve ||
		    (before &&
		     (vm->busy_ns > before->busy_ns ||
		      (vm->busy_ns == before->busy_ns && vm <= before))))
			continue;
		if (!next || vm->busy_ns > next->busy_ns)
			next = vm;
	}
	return next;
}

/**
 * kvmeter_html_draw_curves - draw what VMs dirty, and what that means for migrations
 * @out: the page
 * @html: what is on it
 */
void kvmeter_html_draw_curves(FILE *out, const struct kvmeter_html *html)
{
	const struct kvmeter_html_vm *vm = find_next(html, NULL);
	unsigned int nr = 0;

	fputs("<section id=\"dirty\"><h2>Dirty memory and forecast</h2>\n"
	      "<p>D(t): distinct memory dirtied within t, from the last session of dirty tracking\n"
	      "that each VM had, and what becomes of a live migration of such a VM.</p>\n",
	      out);
	if (!vm)
		fputs("<p class=\"none\">No VM had a session that tells what it dirties:\n"
		      "'kvmeter dirty start' begins one.</p>\n",
		      out);
	for (; vm && nr < KVMETER_HTML_CURVES; vm = find_next(html, vm), nr++)
		draw_vm(out, html, vm);
	if (vm)
		fprintf(out,
			"<p class=\"none\">Only %d VMs are shown, those that took most\n"
			"time.</p>\n",
			KVMETER_HTML_CURVES);
	fputs("</section>\n", out);
}
