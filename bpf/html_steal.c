// SPDX-License-Identifier: GPL-2.0-only
/* Writes the matrix of victims and thieves, shaded, and the processes that took most. */
#include <string.h>

#include "html.h"

#define NAME_WIDTH 22
#define COLS (KVMETER_HTML_VMS + 1 + KVMETER_HTML_THIEF_NR)
#define SHADES 4

/* Where all cells are less than this, the darkest is not called dark, %. */
#define DARKEST_MIN_PCT 1.0

static __u64 get_time(const struct kvmeter_html_row *row)
{
	unsigned int state;
	__u64 ns = 0;

	for (state = 0; state < KVMETER_STATE_NR; state++)
		ns += row->sum.state_ns[state];
	return ns;
}

static double get_pct(const struct kvmeter_html_row *row, unsigned int col)
{
	return kvmeter_stats_pct(row->stolen_ns[col], get_time(row));
}

/* What took nothing from anyone needs no column. Return: % in the darkest cell */
static double find_cols(const struct kvmeter_html *html, bool *is_used)
{
	double darkest = DARKEST_MIN_PCT;
	unsigned int i, col;

	for (col = 0; col < COLS; col++) {
		is_used[col] = false;
		for (i = 0; i < html->nr_rows; i++) {
			if (html->rows[i].stolen_ns[col])
				is_used[col] = true;
			if (get_pct(&html->rows[i], col) > darkest)
				darkest = get_pct(&html->rows[i], col);
		}
	}
	return darkest;
}

static void put_heading(FILE *out, const struct kvmeter_html *html, const bool *is_used)
{
	unsigned int col;

	fputs("<thead><tr><th>Victim</th><th class=\"n\">Steal, %</th>", out);
	for (col = 0; col < COLS; col++) {
		if (!is_used[col])
			continue;
		fputs("<th class=\"up\"><div>", out);
		if (col > KVMETER_HTML_VMS)
			fputs(kvmeter_html_thief_word(col - KVMETER_HTML_VMS - 1), out);
		else
			kvmeter_html_put_name(out, &html->rows[col], NAME_WIDTH);
		fputs("</div></th>", out);
	}
	fputs("</tr></thead>\n", out);
}

static unsigned int get_shade(double pct, double darkest)
{
	unsigned int shade = 1 + (unsigned int)(pct * SHADES / darkest);

	if (pct < 0.05)
		return 0;
	return shade < SHADES ? shade : SHADES;
}

static void put_cell(FILE *out, const struct kvmeter_html_row *row, unsigned int col, bool is_own,
		     double darkest)
{
	double pct = get_pct(row, col);

	if (row->stolen_ns[col])
		fprintf(out, "<td class=\"m%u\">%.1f</td>", get_shade(pct, darkest), pct);
	else
		fprintf(out, "<td class=\"m0\">%s</td>", is_own ? "–" : "·");
}

static void put_row(FILE *out, const struct kvmeter_html *html, unsigned int i, const bool *is_used,
		    double darkest)
{
	const struct kvmeter_html_row *row = &html->rows[i];
	unsigned int col;
	__u64 ns = 0;

	for (col = 0; col < COLS; col++)
		ns += row->stolen_ns[col];
	fputs("<tr><th>", out);
	kvmeter_html_put_name(out, row, NAME_WIDTH);
	fprintf(out, "</th><td class=\"n\">%.2f</td>", kvmeter_stats_pct(ns, get_time(row)));
	for (col = 0; col < COLS; col++) {
		if (is_used[col])
			put_cell(out, row, col, col == i && row->vm, darkest);
	}
	fputs("</tr>\n", out);
}

static void put_matrix(FILE *out, const struct kvmeter_html *html)
{
	bool is_used[COLS];
	double darkest = find_cols(html, is_used);
	unsigned int i;

	if (!memchr(is_used, true, sizeof(is_used))) {
		fputs("<p class=\"none\">No steal was blamed on anyone in this time.</p>\n", out);
		return;
	}
	fputs("<div class=\"scroll\"><table class=\"matrix\">\n", out);
	put_heading(out, html, is_used);
	fputs("<tbody>\n", out);
	for (i = 0; i < html->nr_rows; i++)
		put_row(out, html, i, is_used, darkest);
	fputs("</tbody></table></div>\n", out);
}

/* Names that are there are dealt with: the next one is the one with most of the rest. */
static const struct kvmeter_html_comm *find_next(const struct kvmeter_html *html,
						 const struct kvmeter_html_comm *const *found,
						 unsigned int nr)
{
	const struct kvmeter_html_comm *most = NULL, *c;
	unsigned int i;

	for (c = html->comms; c < html->comms + html->nr_comms; c++) {
		for (i = 0; i < nr && found[i] != c; i++)
			;
		if (i == nr && (!most || c->ns > most->ns))
			most = c;
	}
	return most;
}

static void put_comms(FILE *out, const struct kvmeter_html *html)
{
	const struct kvmeter_html_comm *found[KVMETER_HTML_COMMS_SHOWN];
	unsigned int nr = 0;
	__u64 rest_ns = html->comms_lost_ns;
	char name[4 * KVMETER_COMM_LEN];

	if (!html->nr_comms)
		return;
	for (; nr < KVMETER_HTML_COMMS_SHOWN && nr < html->nr_comms; nr++)
		found[nr] = find_next(html, found, nr);
	fputs("<p class=\"key\">Processes that took most, in vCPU time of all VMs:\n", out);
	for (unsigned int i = 0; i < html->nr_comms; i++)
		rest_ns += html->comms[i].ns;
	for (unsigned int i = 0; i < nr; i++) {
		kvmeter_escape_text(found[i]->comm, name, sizeof(name));
		fputs("<span>", out);
		kvmeter_escape_markup(out, name);
		fputs(" <b>", out);
		kvmeter_html_put_length(out, found[i]->ns);
		fputs("</b></span>\n", out);
		rest_ns -= found[i]->ns;
	}
	if (rest_ns) {
		fputs("<span>all others <b>", out);
		kvmeter_html_put_length(out, rest_ns);
		fputs("</b></span>\n", out);
	}
	fputs("</p>\n", out);
}

/**
 * kvmeter_html_draw_steal - write who took time from whom
 * @out: the page
 * @html: what is on it
 */
void kvmeter_html_draw_steal(FILE *out, const struct kvmeter_html *html)
{
	fputs("<section id=\"steal\"><h2>Steal matrix</h2>\n"
	      "<p>Who ran on the CPU that a vCPU waited for: rows are victims, columns thieves,\n"
	      "figures % of the time of the victim's vCPUs, over all the time. The stronger the colour, the more.\n"
	      "A thief that took nothing has no column.</p>\n",
	      out);
	if (!(html->host.features & KVMETER_FEATURE_THIEF))
		fputs("<p class=\"none\">Steal is not attributed on this host.</p>\n", out);
	else
		put_matrix(out, html);
	put_comms(out, html);
	fputs("</section>\n", out);
}
