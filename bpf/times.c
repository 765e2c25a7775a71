// SPDX-License-Identifier: GPL-2.0-only
/* Understands points in time of a recording, and finds them there. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay.h"

#define NS_PER_S 1000000000ULL
#define S_PER_DAY 86400

/* No recording is longer. */
#define LONGEST_S 1e9

/* 90, 1.5h, 2d: a number of seconds, or with a unit. */
static bool parse_length(const char *text, __u64 *ns)
{
	static const char units[] = "smhd";
	static const unsigned int seconds[] = { 1, 60, 3600, S_PER_DAY };
	size_t len = strspn(text, "0123456789.");
	const char *unit;
	double length;
	char *end;

	if (!len || len > 15 || strlen(text + len) > 1)
		return false;
	length = strtod(text, &end);
	if (end != text + len)
		return false;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit)
			return false;
		length *= seconds[unit - units];
	}
	if (length > LONGEST_S)
		return false;
	*ns = length * NS_PER_S;
	return true;
}

/* Z, +01:00, -03:30, or nothing: local time. */
static bool parse_zone(const char *text, bool *is_utc, int *offset_s)
{
	unsigned int hours, minutes;
	char sign[2];
	int len = 0;

	*offset_s = 0;
	*is_utc = *text;
	if (!*text || !strcmp(text, "Z"))
		return true;
	if (sscanf(text, "%1[+-]%2u:%2u%n", sign, &hours, &minutes, &len) != 3)
		return false;
	*offset_s = (hours * 60 + minutes) * 60 * (sign[0] == '-' ? -1 : 1);
	return !text[len] && hours < 24 && minutes < 60;
}

/* 14:30, 14:30:05; Return: what follows, NULL if it is none */
static const char *parse_clock(const char *text, struct tm *tm)
{
	const char *rest = strptime(text, "%H:%M", tm);

	if (rest && *rest == ':')
		rest = strptime(text, "%H:%M:%S", tm);
	return rest;
}

/* 2026-11-22, 2026-11-22T14:30[:05][zone] */
static bool parse_date(const char *text, struct kvmeter_time *time)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	time_t seconds;
	bool is_utc;
	int offset_s;

	if (rest && (*rest == 'T' || *rest == ' '))
		rest = parse_clock(rest + 1, &tm);
	if (!rest || !parse_zone(rest, &is_utc, &offset_s))
		return false;
	seconds = is_utc ? timegm(&tm) - offset_s : mktime(&tm);
	if (seconds < 0)
		return false;
	time->from = KVMETER_TIME_REAL;
	time->ns = seconds * NS_PER_S;
	return true;
}

/**
 * kvmeter_times_parse - understand a point in time
 * @text: 90, 5m, 1.5h, 2d: from the beginning of the recording; +5m: after the other point; -5m:
 *	  before the end; 14:30[:05]: local time; ISO 8601: 2026-11-22[T14:30[:05][Z|+01:00]]
 * @time: the point
 *
 * Return: false if it is none.
 */
bool kvmeter_times_parse(const char *text, struct kvmeter_time *time)
{
	bool is_relative = *text == '+' || *text == '-';
	struct tm tm = {};
	const char *rest;

	time->from = *text == '+' ? KVMETER_TIME_AFTER
		: *text == '-'	  ? KVMETER_TIME_BEFORE
				  : KVMETER_TIME_BEGIN;
	if (parse_length(text + is_relative, &time->ns))
		return true;
	if (parse_date(text, time))
		return true;
	rest = parse_clock(text, &tm);
	if (!rest || *rest)
		return false;
	time->from = KVMETER_TIME_OF_DAY;
	time->ns = ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * NS_PER_S;
	return true;
}

/* The first time at or after @from_ns at which it is so late; days of 23 or 25 hours are left to
 * mktime().
 */
static __u64 find_time_of_day(__u64 day_ns, __u64 from_ns)
{
	time_t from_s = from_ns / NS_PER_S, seconds;
	unsigned int day_s = day_ns / NS_PER_S;
	struct tm tm;
	int days;

	for (days = 0;; days++) {
		localtime_r(&from_s, &tm);
		tm.tm_mday += days;
		tm.tm_hour = day_s / 3600;
		tm.tm_min = day_s / 60 % 60;
		tm.tm_sec = day_s % 60;
		tm.tm_isdst = -1;
		seconds = mktime(&tm);
		/* a time within the second that it begins in is not before it */
		if (seconds >= from_s || days > 1)
			return seconds * NS_PER_S;
	}
}

static struct kvmeter_limit find(const struct kvmeter_time *time, const struct kvmeter_limit *other,
				 const struct kvmeter_span *span)
{
	struct kvmeter_limit limit = {};
	__u64 length_ns = span->end_ns - span->begin_ns;

	switch (time->from) {
	case KVMETER_TIME_BEFORE:
		limit.ns = span->end_ns - (time->ns < length_ns ? time->ns : length_ns);
		break;
	case KVMETER_TIME_AFTER:
		limit = *other;
		limit.ns += time->ns;
		break;
	case KVMETER_TIME_REAL:
		limit.is_real = true;
		limit.ns = time->ns;
		break;
	case KVMETER_TIME_OF_DAY:
		limit.is_real = true;
		limit.ns = find_time_of_day(time->ns,
					    other->is_real ? other->ns : span->begin_real_ns);
		break;
	default:
		limit.ns = span->begin_ns + time->ns;
	}
	return limit;
}

/**
 * kvmeter_times_begin - find where the part begins that is meant
 * @from: --from; none: the beginning
 * @span: of the whole recording
 *
 * Return: the first point in time of it.
 */
struct kvmeter_limit kvmeter_times_begin(const struct kvmeter_time *from,
					 const struct kvmeter_span *span)
{
	const struct kvmeter_limit begin = { .ns = span->begin_ns };

	return find(from, &begin, span);
}

/**
 * kvmeter_times_end - find where the part ends that is meant
 * @to: --to; none: the end
 * @begin: where it begins
 * @span: of the whole recording
 *
 * Return: the last point in time of it.
 */
struct kvmeter_limit kvmeter_times_end(const struct kvmeter_time *to,
				       const struct kvmeter_limit *begin,
				       const struct kvmeter_span *span)
{
	const struct kvmeter_limit end = { .ns = span->end_ns };

	return to->from == KVMETER_TIME_NONE ? end : find(to, begin, span);
}
