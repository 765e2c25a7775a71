// SPDX-License-Identifier: GPL-2.0-only
/* Draws where the time of VMs went: stacked areas that add up to 100 %. */
#include "html.h"

#define HEIGHT 110.0

/* From the bottom up: what is used, what is lost, what is left. */
static const unsigned int stack[KVMETER_STATE_NR] = {
	KVMETER_STATE_GUEST, KVMETER_STATE_KERNEL,   KVMETER_STATE_VMM,
	KVMETER_STATE_STEAL, KVMETER_STATE_THROTTLE, KVMETER_STATE_HALT,
};

static __u64 sum_states(const struct kvmeter_html_cell *cell)
{
	unsigned int state;
	__u64 ns = 0;

	for (state = 0; state < KVMETER_STATE_NR; state++)
		ns += cell->state_ns[state];
	return ns;
}

/* Where the lowest @nr of the stack end. */
static double get_y(const struct kvmeter_html_cell *cell, unsigned int nr)
{
	__u64 ns = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		ns += cell->state_ns[stack[i]];
	return KVMETER_HTML_TOP + HEIGHT * (1 - (double)ns / sum_states(cell));
}

static bool is_drawn(const struct kvmeter_html *html, const struct kvmeter_html_row *row,
		     unsigned int col)
{
	return col < html->nr_cols && !html->cols[col].is_gap && sum_states(&row->cells[col]);
}

/* One part of an area: along its upper edge, and back along the lower. */
static void draw_part(FILE *out, const struct kvmeter_html *html,
		      const struct kvmeter_html_row *row, unsigned int nr, unsigned int first,
		      unsigned int end)
{
	unsigned int col;

	fprintf(out, "M%.1f,%.1f", kvmeter_html_axis_x(html, html->cols[first].begin_ns),
		get_y(&row->cells[first], nr));
	for (col = first; col < end; col++)
		fprintf(out, "V%.1fH%.1f", get_y(&row->cells[col], nr + 1),
			kvmeter_html_axis_x(html, html->cols[col].end_ns));
	for (col = end; col-- > first;)
		fprintf(out, "V%.1fH%.1f", get_y(&row->cells[col], nr),
			kvmeter_html_axis_x(html, html->cols[col].begin_ns));
	putc('z', out);
}

/* What is stacked above @nr others; where there are no figures, nothing is drawn. */
static void draw_area(FILE *out, const struct kvmeter_html *html,
		      const struct kvmeter_html_row *row, unsigned int nr)
{
	unsigned int first = 0, end;

	if (!row->sum.state_ns[stack[nr]])
		return;
	fprintf(out, "<path class=\"s%u\" d=\"", stack[nr]);
	while (first < html->nr_cols) {
		end = first;
		while (is_drawn(html, row, end))
			end++;
		if (end > first)
			draw_part(out, html, row, nr, first, end);
		first = end + 1;
	}
	fputs("\"/>\n", out);
}

static void draw_chart(FILE *out, const struct kvmeter_html *html,
		       const struct kvmeter_html_row *row)
{
	unsigned int nr;

	kvmeter_html_axis_begin(out, "share of time by state, over time", HEIGHT);
	for (nr = 0; nr < KVMETER_STATE_NR; nr++)
		draw_area(out, html, row, nr);
	kvmeter_html_axis_line(out, KVMETER_HTML_TOP, "100 %");
	kvmeter_html_axis_line(out, KVMETER_HTML_TOP + HEIGHT / 2, "50 %");
	kvmeter_html_axis_line(out, KVMETER_HTML_TOP + HEIGHT, "0 %");
	kvmeter_html_axis_times(out, html, HEIGHT);
	fputs("</svg>\n", out);
}

/* What each colour stands for, and its share of all the time. */
static void put_shares(FILE *out, const struct kvmeter_html_row *row)
{
	unsigned int tenths[KVMETER_STATE_NR] = {}, nr, state;
	bool known = kvmeter_stats_round_shares(row->sum.state_ns, KVMETER_STATE_NR, tenths);

	fputs("<p class=\"key\">", out);
	for (nr = 0; nr < KVMETER_STATE_NR; nr++) {
		state = stack[nr];
		fprintf(out, "<span><svg viewBox=\"0 0 10 10\"><rect class=\"s%u\" width=\"10\"",
			state);
		fprintf(out, " height=\"10\"/></svg>%s ", kvmeter_reasons_state(state));
		if (known)
			fprintf(out, "<b>%u.%u %%</b></span>\n", tenths[state] / 10,
				tenths[state] % 10);
		else
			fputs("-</span>\n", out);
	}
	fputs("</p>\n", out);
}

static void draw_row(FILE *out, const struct kvmeter_html *html, const struct kvmeter_html_row *row)
{
	fputs("<div class=\"card ledger\"><h3>", out);
	kvmeter_html_put_name(out, row, KVMETER_HTML_NAME_WIDTH);
	fputs(" <small>", out);
	if (row->vm) {
		kvmeter_escape_markup(out, row->vm->vm->v.id);
		fputs(", ", out);
	}
	fprintf(out, "%u vCPU%s</small></h3>\n", row->nr_vcpus, row->nr_vcpus == 1 ? "" : "s");
	draw_chart(out, html, row);
	put_shares(out, row);
	fputs("</div>\n", out);
}

/**
 * kvmeter_html_draw_ledger - draw the ledger of all VMs on a page
 * @out: the page
 * @html: what is on it
 */
void kvmeter_html_draw_ledger(FILE *out, const struct kvmeter_html *html)
{
	unsigned int i;

	fputs("<section id=\"ledger\"><h2>Time ledger</h2>\n"
	      "<p>Where the time of each VM's vCPUs went, in % of it, at each moment one of six\n"
	      "states: in the guest; in KVM (kernel); in the VMM; runnable without a CPU (steal); "
	      "parked by a quota (throttle); halted. The figures are of all the time.</p>\n",
	      out);
	if (!html->nr_rows)
		fputs("<p class=\"none\">There was no VM.</p>\n", out);
	fputs("<div class=\"cards\">\n", out);
	for (i = 0; i < html->nr_rows; i++)
		draw_row(out, html, &html->rows[i]);
	fputs("</div></section>\n", out);
}
