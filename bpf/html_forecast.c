// SPDX-License-Identifier: GPL-2.0-only
/* Writes what would become of a migration of a VM with some bandwidths. */
#include "html.h"

#define NS_PER_S 1e9
#define STATE_BYTES (256 * 1024.0)
#define BYTES_PER_GBIT 0.125e9

static const double gbits[] = { 1, 2.5, 10, 25, 100 };

static struct kvmeter_forecast_plan make_plan(const struct kvmeter_html_curve *curve,
					      const __u64 *pages, double gbit)
{
	struct kvmeter_forecast_plan plan = {
		.ram_pages = curve->ram_pages,
		.bandwidth_bytes_s = gbit * BYTES_PER_GBIT,
		.link_bytes_s = gbit * BYTES_PER_GBIT,
		.downtime_s = curve->downtime_ns / NS_PER_S,
		.state_bytes = STATE_BYTES,
		.header_bytes = KVMETER_FORECAST_HEADER_BYTES,
		.zero_bytes = KVMETER_FORECAST_ZERO_BYTES,
		.window_s = KVMETER_FORECAST_WINDOW_S,
	};

	kvmeter_forecast_set_curve(&plan.curve, pages);
	return plan;
}

static void put_bytes(FILE *out, double bytes)
{
	kvmeter_html_put_pages(out, bytes / KVMETER_PAGE_BYTES);
}

static void put_outcome(FILE *out, const struct kvmeter_forecast *f)
{
	if (!f->converges) {
		fputs("<td class=\"no\" colspan=\"5\">no: stalls with ", out);
		put_bytes(out, f->remaining_bytes);
		fputs(" left</td>", out);
		return;
	}
	fprintf(out, "<td class=\"yes\">yes%s</td><td class=\"n\">%u</td><td class=\"n\">",
		f->extrapolated ? "*" : "", f->rounds);
	put_bytes(out, f->bytes);
	fputs("</td><td class=\"n\">", out);
	kvmeter_html_put_length(out, f->seconds * NS_PER_S);
	fputs("</td><td class=\"n\">", out);
	kvmeter_html_put_length(out, f->downtime_s * NS_PER_S);
	fputs("</td>", out);
}

/* Return: D(t) was needed for a longer t than is known. */
static bool put_row(FILE *out, const struct kvmeter_html_curve *curve, double gbit, bool is_p95)
{
	struct kvmeter_forecast_plan plan =
		make_plan(curve, is_p95 ? curve->d.p95 : curve->d.median, gbit);
	struct kvmeter_forecast f;

	kvmeter_forecast_run(&plan, &f);
	fputs("<tr>", out);
	if (!is_p95)
		fprintf(out, "<th rowspan=\"2\">%g Gbit/s</th>", gbit);
	fputs(is_p95 ? "<td>p95</td>" : "<td>median</td>", out);
	put_outcome(out, &f);
	fputs("</tr>\n", out);
	return f.converges && f.extrapolated;
}

static double get_needed(const struct kvmeter_html_curve *curve, const __u64 *pages)
{
	struct kvmeter_forecast_plan plan = make_plan(curve, pages, 1);

	return kvmeter_forecast_min_bandwidth(&plan) / BYTES_PER_GBIT;
}

static void put_notes(FILE *out, const struct kvmeter_html_curve *curve, bool is_longer)
{
	fprintf(out, "<p class=\"note\">It ends with %.3g Gbit/s by the median, %.3g by the 95th ",
		get_needed(curve, curve->d.median), get_needed(curve, curve->d.p95));
	fputs("percentile. Downtime allowed: ", out);
	kvmeter_html_put_length(out, curve->downtime_ns);
	fputs("; memory: ", out);
	kvmeter_html_put_pages(out, curve->ram_pages);
	fputs(", none of it counted as zero.", out);
	if (is_longer)
		fputs(" *: D(t) was extrapolated.", out);
	fputs("</p>\n", out);
}

/**
 * kvmeter_html_draw_forecast - write what would become of a migration of a VM
 * @out: the page
 * @curve: what it dirties
 */
void kvmeter_html_draw_forecast(FILE *out, const struct kvmeter_html_curve *curve)
{
	bool is_longer = false;
	unsigned int i;

	if (!curve->ram_pages) {
		fputs("<p class=\"none\">No forecast: how much memory it has is not known.</p>\n",
		      out);
		return;
	}
	fputs("<p class=\"unit\">Would a migration end?</p>\n"
	      "<table class=\"forecast\"><thead><tr>\n"
	      "<th>Bandwidth</th><th>By</th><th>Ends</th><th class=\"n\">Rounds</th>\n"
	      "<th class=\"n\">Sent</th><th class=\"n\">Time</th><th class=\"n\">Downtime</th>\n"
	      "</tr></thead><tbody>\n",
	      out);
	for (i = 0; i < sizeof(gbits) / sizeof(*gbits); i++) {
		is_longer |= put_row(out, curve, gbits[i], false);
		is_longer |= put_row(out, curve, gbits[i], true);
	}
	fputs("</tbody></table>\n", out);
	put_notes(out, curve, is_longer);
}
