// SPDX-License-Identifier: GPL-2.0-only
/* Draws how long exits took, over time: a picture of heat, from the histograms. */
#include <math.h>

#include "html.h"

#define NS_PER_S 1e9
#define ROW_HEIGHT 10.0
#define SHADES 6
#define SHADE_FACTOR 4

/* Rows that are drawn, [lo, hi), of all VMs the same; and the most exits a second in a cell of one.
 */
struct scale {
	unsigned int lo, hi;
	double peak;
};

static double get_rate(const struct kvmeter_html *html, const struct kvmeter_html_row *row,
		       unsigned int col, unsigned int bucket)
{
	const struct kvmeter_html_col *c = &html->cols[col];

	return row->cells[col].exits.bucket[bucket] * NS_PER_S / (c->end_ns - c->begin_ns);
}

static void find_scale(const struct kvmeter_html *html, struct scale *scale)
{
	unsigned int i, col, bucket;

	scale->lo = KVMETER_HIST_BUCKETS;
	scale->hi = 0;
	scale->peak = 0;
	for (bucket = 0; bucket < KVMETER_HIST_BUCKETS; bucket++) {
		for (i = 0; i < html->nr_rows; i++) {
			if (!html->rows[i].sum.exits.bucket[bucket])
				continue;
			if (bucket < scale->lo)
				scale->lo = bucket;
			scale->hi = bucket + 1;
			/* a sum of many VMs would leave all others pale */
			for (col = 0; html->rows[i].vm && col < html->nr_cols; col++)
				scale->peak = fmax(scale->peak,
						   get_rate(html, &html->rows[i], col, bucket));
		}
	}
}

/**
 * kvmeter_html_exits_shade - how dark a cell is
 * @rate: exits a second in it
 * @peak: in the one that has most
 *
 * Return: SHADES above a quarter of @peak, one less for each further quarter, at least 1; 0 if
 * there are none.
 */
unsigned int kvmeter_html_exits_shade(double rate, double peak)
{
	unsigned int shade = SHADES;

	if (!(rate > 0))
		return 0;
	for (; shade > 1 && rate <= peak / SHADE_FACTOR; shade--)
		peak /= SHADE_FACTOR;
	return shade;
}

/* The longest times are on top. */
static double get_y(const struct scale *scale, double bucket)
{
	return KVMETER_HTML_TOP + (scale->hi - bucket) * ROW_HEIGHT;
}

/* Cells of one shade in one row of the picture, neighbours as one. */
static void draw_cells(FILE *out, const struct kvmeter_html *html,
		       const struct kvmeter_html_row *row, const struct scale *scale,
		       unsigned int bucket, unsigned int shade)
{
	unsigned int col, first;
	double x;

	for (col = 0; col < html->nr_cols; col++) {
		first = col;
		while (col < html->nr_cols && !html->cols[col].is_gap &&
		       kvmeter_html_exits_shade(get_rate(html, row, col, bucket), scale->peak) ==
			       shade)
			col++;
		if (col == first)
			continue;
		x = kvmeter_html_axis_x(html, html->cols[first].begin_ns);
		fprintf(out, "M%.1f,%gH%.1fv%gH%.1fz", x, get_y(scale, bucket + 1),
			kvmeter_html_axis_x(html, html->cols[col - 1].end_ns), ROW_HEIGHT, x);
	}
}

static void draw_shades(FILE *out, const struct kvmeter_html *html,
			const struct kvmeter_html_row *row, const struct scale *scale)
{
	unsigned int shade, bucket;

	for (shade = 1; shade <= SHADES; shade++) {
		fprintf(out, "<path class=\"h%u\" d=\"", shade);
		for (bucket = scale->lo; bucket < scale->hi; bucket++)
			draw_cells(out, html, row, scale, bucket, shade);
		fputs("\"/>\n", out);
	}
}

/* Bucket n begins at 2^(n-1) ns. Powers of 1000 are easier to read than those of 2. */
static void draw_latencies(FILE *out, const struct scale *scale)
{
	static const struct {
		double ns;
		const char *label;
	} marks[] = {
		/* One a decade. */
		{ 1, "1 ns" },	   { 10, "10 ns" },   { 100, "100 ns" }, { 1e3, "1 µs" },
		{ 1e4, "10 µs" },  { 1e5, "100 µs" }, { 1e6, "1 ms" },	 { 1e7, "10 ms" },
		{ 1e8, "100 ms" }, { 1e9, "1 s" },
	};
	unsigned int i;
	double bucket;

	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		bucket = log2(marks[i].ns) + 1;
		if (bucket >= scale->lo && bucket <= scale->hi)
			kvmeter_html_axis_line(out, get_y(scale, bucket), marks[i].label);
	}
}

/* The last bucket has no end: nothing is made up of what is in it. */
static void put_percentile(FILE *out, const struct kvmeter_hist *hist, double pct)
{
	double ns = kvmeter_stats_percentile_ns(hist, pct, 0, 2ULL << (KVMETER_HIST_BUCKETS - 2));

	if (ns > 1ULL << (KVMETER_HIST_BUCKETS - 2)) {
		fputs("more than ", out);
		ns = 1ULL << (KVMETER_HIST_BUCKETS - 2);
	}
	kvmeter_html_put_length(out, ns);
}

static void put_summary(FILE *out, const struct kvmeter_html *html,
			const struct kvmeter_html_row *row)
{
	const struct kvmeter_hist *hist = &row->sum.exits;
	__u64 nr = kvmeter_stats_count_hist(hist);

	if (!nr) {
		fputs("<p class=\"none\">No exit was counted.</p>\n", out);
		return;
	}
	fprintf(out, "<p class=\"key\"><span><b>%.1f</b> exits/s</span> ",
		nr * NS_PER_S / (html->end_ns - html->begin_ns));
	fputs("<span>half of them within <b>", out);
	put_percentile(out, hist, 50);
	fputs("</b></span> <span>99 % within <b>", out);
	put_percentile(out, hist, 99);
	fputs("</b></span></p>\n", out);
}

static void draw_row(FILE *out, const struct kvmeter_html *html, const struct kvmeter_html_row *row,
		     const struct scale *scale)
{
	double height = (scale->hi - scale->lo) * ROW_HEIGHT;

	fputs("<div class=\"card exits\"><h3>", out);
	kvmeter_html_put_name(out, row, KVMETER_HTML_NAME_WIDTH);
	fputs("</h3>\n", out);
	kvmeter_html_axis_begin(out, "exits by handling time, over time", height);
	draw_shades(out, html, row, scale);
	draw_latencies(out, scale);
	kvmeter_html_axis_times(out, html, height);
	fputs("</svg>\n", out);
	put_summary(out, html, row);
	fputs("</div>\n", out);
}

static void put_legend(FILE *out, const struct scale *scale)
{
	double from = scale->peak / pow(SHADE_FACTOR, SHADES - 1);
	unsigned int shade;

	fputs("<p class=\"key\">Exits a second:\n", out);
	for (shade = 1; shade <= SHADES; shade++) {
		fprintf(out, "<span><svg viewBox=\"0 0 10 10\"><rect class=\"h%u\" width=\"10\"",
			shade);
		fputs(" height=\"10\"/></svg>", out);
		fprintf(out, "%s %.*f</span>\n", shade == 1 ? "up to" : "over", from < 10, from);
		if (shade > 1)
			from *= SHADE_FACTOR;
	}
	fputs("</p>\n", out);
}

/**
 * kvmeter_html_draw_exits - draw how long exits of all VMs on a page took
 * @out: the page
 * @html: what is on it
 */
void kvmeter_html_draw_exits(FILE *out, const struct kvmeter_html *html)
{
	struct scale scale;
	unsigned int i;

	fputs("<section id=\"exits\"><h2>Exit latency</h2>\n"
	      "<p>How often exits of all reasons took how long to handle, up to the next guest\n"
	      "entry: in KVM, in the VMM and halted, without steal. Up: time an exit took, on a\n"
	      "scale of powers of 2; across: when. The scale is the same for all VMs.</p>\n",
	      out);
	find_scale(html, &scale);
	if (!scale.hi) {
		fputs("<p class=\"none\">No exit was counted in this time.</p></section>\n", out);
		return;
	}
	put_legend(out, &scale);
	fputs("<div class=\"cards\">\n", out);
	for (i = 0; i < html->nr_rows; i++)
		draw_row(out, html, &html->rows[i], &scale);
	fputs("</div></section>\n", out);
}
