// SPDX-License-Identifier: GPL-2.0-only
/* Writes the rounds of migrations, and what the autopilot decided in them. */
#include "html.h"

#define NS_PER_S 1e9

static void put_state(FILE *out, const struct kvmeter_html *html,
		      const struct kvmeter_html_migration *m)
{
	const struct kvmeter_migration *now = &m->snap_vm.m;
	double seconds = kvmeter_migrate_seconds(&m->snap_vm, m->now_ns);
	struct kvmeter_outlook outlook;

	fputs("<p>Began ", out);
	if (now->begin_ns < html->begin_ns)
		fputs("before the first snapshot", out);
	else
		kvmeter_html_put_time(out, html, now->begin_ns);
	fprintf(out, "; %s after ",
		now->state == KVMETER_MIGRATION_ENDED ? "ended" : "still on its way");
	kvmeter_html_put_length(out, seconds * NS_PER_S);
	fprintf(out, ", %u round%s; memory ", now->nr_rounds, now->nr_rounds == 1 ? "" : "s");
	kvmeter_html_put_pages(out, now->ram_pages);
	fputs(", to send in the rounds that ended ", out);
	kvmeter_html_put_pages(out, now->sent_pages);
	fputs(".\n", out);
	if (kvmeter_migrate_forecast(&m->snap_vm, m->now_ns, m->snap_vm.v.quota_pages, &outlook)) {
		fputs(outlook.f.converges ? "Forecast: ends in " : "Forecast: does not end", out);
		if (outlook.f.converges)
			kvmeter_html_put_length(out, outlook.left_s * NS_PER_S);
		fputs(".", out);
	}
	fputs("</p>\n", out);
}

static void put_pages(FILE *out, bool known, __u64 pages, const char *what)
{
	fputs("<td class=\"n\">", out);
	if (known) {
		kvmeter_html_put_pages(out, pages);
		fputs(what, out);
	} else {
		fputs("–", out);
	}
	fputs("</td>", out);
}

static void put_length(FILE *out, bool known, __u64 ns)
{
	fputs("<td class=\"n\">", out);
	if (known)
		kvmeter_html_put_length(out, ns);
	else
		fputs("–", out);
	fputs("</td>", out);
}

static void put_round(FILE *out, unsigned int n, const struct kvmeter_round *round)
{
	bool is_over = round->duration_ns;

	fprintf(out, "<tr><td class=\"n\">%u</td>", n);
	put_pages(out, true, round->to_send_pages, "");
	put_length(out, is_over, round->duration_ns);
	put_pages(out, is_over, round->bandwidth_pages, "/s");
	put_pages(out, is_over, round->dirtied_pages, "");
	put_pages(out, round->quota_pages, round->quota_pages, "/s");
	put_length(out, round->throttle_ns, round->throttle_ns);
	fputs("</tr>\n", out);
}

static void put_rounds(FILE *out, const struct kvmeter_migration *m)
{
	unsigned int first = kvmeter_migrate_first_round(m), n;

	fputs("<table class=\"rounds\"><thead><tr><th class=\"n\">Round</th>\n"
	      "<th class=\"n\">To send</th><th class=\"n\">Time</th><th class=\"n\">Sent</th>\n"
	      "<th class=\"n\">Dirtied</th><th class=\"n\">Quota</th>\n"
	      "<th class=\"n\">Parked</th></tr></thead><tbody>\n",
	      out);
	if (first > 1)
		fprintf(out, "<tr><td colspan=\"7\">rounds 1 to %u are not kept</td></tr>\n",
			first - 1);
	for (n = first; n <= m->nr_rounds && n >= first; n++)
		put_round(out, n, kvmeter_migrate_round(m, n));
	fputs("</tbody></table>\n", out);
}

static void put_decision(FILE *out, const struct kvmeter_html *html,
			 const struct kvmeter_html_decision *d)
{
	fputs("<tr><td>", out);
	if (d->time_ns < html->begin_ns)
		fputs("before", out);
	else
		kvmeter_html_put_time(out, html, d->time_ns);
	fprintf(out, "</td><td class=\"n\">%u</td><td>", d->round);
	if (d->autopilot_pages) {
		fputs("quota ", out);
		kvmeter_html_put_pages(out, d->autopilot_pages);
		fputs("/s", out);
	} else if (d->would_pages) {
		fputs("would set ", out);
		kvmeter_html_put_pages(out, d->would_pages);
		fputs("/s", out);
	} else {
		fputs("no quota", out);
	}
	fprintf(out, "</td><td>%s: %s</td></tr>\n", kvmeter_reasons_mode(d->mode),
		kvmeter_why_explain(d->why));
}

static void put_decisions(FILE *out, const struct kvmeter_html *html,
			  const struct kvmeter_html_migration *m)
{
	unsigned int i;

	fputs("<table class=\"decisions\"><thead><tr><th>At</th><th class=\"n\">Round</th>\n"
	      "<th>Autopilot</th><th>Why</th></tr></thead><tbody>\n",
	      out);
	for (i = 0; i < m->nr_decisions && i < KVMETER_HTML_DECISIONS; i++)
		put_decision(out, html, &m->decisions[i]);
	if (m->nr_decisions > KVMETER_HTML_DECISIONS)
		fprintf(out, "<tr><td colspan=\"4\">and %u more</td></tr>\n",
			m->nr_decisions - KVMETER_HTML_DECISIONS);
	fputs("</tbody></table>\n", out);
}

/**
 * kvmeter_html_draw_rounds - write all migrations of a page
 * @out: the page
 * @html: what is on it
 */
void kvmeter_html_draw_rounds(FILE *out, const struct kvmeter_html *html)
{
	const struct kvmeter_html_migration *m = html->migrations;

	fputs("<section id=\"rounds\"><h2>Migrations</h2>\n"
	      "<p>Rounds of live migrations, as the module saw the VMM read the dirty log, with\n"
	      "the memory to send, sent and dirtied in each, the least quota and the time for\n"
	      "which vCPUs were parked; and what the autopilot did, as far as snapshots have it:\n"
	      "'kvmeter log' has all.</p>\n",
	      out);
	if (!html->nr_migrations)
		fputs("<p class=\"none\">There was no migration in this time.</p>\n", out);
	if (html->migrations_lost)
		fprintf(out, "<p class=\"none\">The last %u; %u were before.</p>\n",
			html->nr_migrations, html->migrations_lost);
	for (; m < html->migrations + html->nr_migrations; m++) {
		kvmeter_html_put_card(out, "wide migration", m->vm);
		put_state(out, html, m);
		fputs("<div class=\"pair\"><div>\n", out);
		put_rounds(out, &m->snap_vm.m);
		fputs("</div><div>\n", out);
		put_decisions(out, html, m);
		fputs("</div></div></div>\n", out);
	}
	fputs("</section>\n", out);
}
