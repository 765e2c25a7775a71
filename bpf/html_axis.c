// SPDX-License-Identifier: GPL-2.0-only
/* Draws what charts have in common: the field, lines across it, and times below. */
#include <math.h>
#include <time.h>

#include "html.h"

#define NS_PER_S 1000000000ULL
#define S_PER_DAY 86400
#define FIELD (KVMETER_HTML_WIDTH - KVMETER_HTML_LEFT - KVMETER_HTML_RIGHT)

/* As many times can be read below a chart. */
#define TIMES_MAX 8

/**
 * kvmeter_html_axis_step_s - how far apart times are named
 * @span_s: time that a chart is of
 *
 * Return: seconds; a divisor or a multiple of a day, at most TIMES_MAX times of it in @span_s.
 */
unsigned int kvmeter_html_axis_step_s(double span_s)
{
	static const unsigned int steps_s[] = { 1,   2,	  5,	10,   15,   30,	   60,	  120,	300,
						600, 900, 1800, 3600, 7200, 10800, 21600, 43200 };
	unsigned int i, days;

	for (i = 0; i < sizeof(steps_s) / sizeof(*steps_s); i++) {
		if (span_s <= (double)steps_s[i] * TIMES_MAX)
			return steps_s[i];
	}
	for (days = 1; days < 10000 && span_s > (double)days * S_PER_DAY * TIMES_MAX; days *= 2)
		;
	return days * S_PER_DAY;
}

/**
 * kvmeter_html_axis_round_up - where an axis ends
 * @value: the highest value
 *
 * Return: 1, 2 or 5 times a power of 10, not below @value; 1 if that is not above 0.
 */
double kvmeter_html_axis_round_up(double value)
{
	double power;

	if (!(value > 0) || !isfinite(value))
		return 1;
	power = pow(10, floor(log10(value)));
	if (value <= power)
		return power;
	if (value <= 2 * power)
		return 2 * power;
	return value <= 5 * power ? 5 * power : 10 * power;
}

/**
 * kvmeter_html_axis_x - where a time is in a chart
 * @html: what is on the page
 * @ns: the time, by the ledger clock; one that is outside is at the edge
 *
 * Return: its distance from the left.
 */
double kvmeter_html_axis_x(const struct kvmeter_html *html, __u64 ns)
{
	double span_ns = html->end_ns - html->begin_ns;

	if (ns <= html->begin_ns)
		return KVMETER_HTML_LEFT;
	if (ns >= html->end_ns)
		return KVMETER_HTML_LEFT + FIELD;
	return KVMETER_HTML_LEFT + FIELD * (ns - html->begin_ns) / span_ns;
}

/**
 * kvmeter_html_axis_begin - begin a chart
 * @out: the page
 * @label: what it shows, for those who cannot see it; no markup
 * @height: of its field
 */
void kvmeter_html_axis_begin(FILE *out, const char *label, double height)
{
	fprintf(out, "<svg class=\"chart\" viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n",
		KVMETER_HTML_WIDTH, KVMETER_HTML_TOP + height + KVMETER_HTML_BOTTOM, label);
	fprintf(out, "<rect class=\"field\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n",
		KVMETER_HTML_LEFT, KVMETER_HTML_TOP, FIELD, height);
}

/**
 * kvmeter_html_axis_line - draw a line across, and say what it stands for
 * @out: the page
 * @y: where
 * @label: a figure and its unit; no markup
 */
void kvmeter_html_axis_line(FILE *out, double y, const char *label)
{
	fprintf(out, "<path class=\"grid\" d=\"M%g,%.1fh%g\"/>", KVMETER_HTML_LEFT, y, FIELD);
	fprintf(out, "<text class=\"tick end\" x=\"%g\" y=\"%.1f\">%s</text>\n",
		KVMETER_HTML_LEFT - 5, y + 3.5, label);
}

static void draw_time(FILE *out, const struct tm *tm, unsigned int step_s, double x, double y)
{
	bool is_midnight = !tm->tm_hour && !tm->tm_min && !tm->tm_sec;
	char text[16];

	if (!strftime(text, sizeof(text),
		      is_midnight	    ? "%m-%d"
			      : step_s % 60 ? "%H:%M:%S"
					    : "%H:%M",
		      tm))
		return;
	fprintf(out, "<path class=\"mark\" d=\"M%.1f,%gv4\"/>", x, y);
	/* one that would be cut off at the edge has only its mark */
	if (x > KVMETER_HTML_LEFT + 12 && x < KVMETER_HTML_WIDTH - 24)
		fprintf(out, "<text class=\"tick mid\" x=\"%.1f\" y=\"%g\">%s</text>\n", x, y + 15,
			text);
}

/**
 * kvmeter_html_axis_times - say below a chart what time it was
 * @out: the page
 * @html: what is on it
 * @height: of the chart's field
 */
void kvmeter_html_axis_times(FILE *out, const struct kvmeter_html *html, double height)
{
	__u64 span_ns = html->end_ns - html->begin_ns, at_ns;
	unsigned int step_s = kvmeter_html_axis_step_s(span_ns / (double)NS_PER_S), i;
	time_t seconds = (time_t)(html->begin_real_ns / NS_PER_S), at;
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return;
	/* steps are of local time; where that is changed on the way, they go on as before */
	at = (seconds + tm.tm_gmtoff) / step_s * step_s - tm.tm_gmtoff;
	for (i = 0; i <= TIMES_MAX + 1; i++, at += step_s) {
		if ((__u64)at * NS_PER_S < html->begin_real_ns)
			continue;
		at_ns = (__u64)at * NS_PER_S - html->begin_real_ns;
		if (at_ns > span_ns || !localtime_r(&at, &tm))
			break;
		draw_time(out, &tm, step_s, kvmeter_html_axis_x(html, html->begin_ns + at_ns),
			  KVMETER_HTML_TOP + height);
	}
}
