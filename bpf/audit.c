// SPDX-License-Identifier: GPL-2.0-only
/* Writes records of the module's log: in plain words with local time, or as JSON. */
#include <time.h>

#include "migrate.h"

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

/**
 * kvmeter_audit_format_time - write a time as ISO 8601 has it, local, with the offset from UTC
 * @real_ns: CLOCK_REALTIME
 * @buf: where it goes
 * @size: bytes there, KVMETER_TIME_MAX are enough
 */
void kvmeter_audit_format_time(__u64 real_ns, char *buf, size_t size)
{
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	char day[32], offset[8];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    strftime(offset, sizeof(offset), "%z", &tm) != 5)
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%s.%03llu%.3s:%s", day, real_ns % NS_PER_S / NS_PER_MS, offset,
			 offset + 3);
}

/* A rate or a size in a text of its own. */
struct text {
	char s[32];
};

static struct text rate(__u64 pages)
{
	struct text text = { "none" };
	char bytes[16];

	kvmeter_units_format_bytes((double)pages * KVMETER_PAGE_BYTES, bytes, sizeof(bytes));
	if (pages)
		snprintf(text.s, sizeof(text.s), "%s/s", bytes);
	return text;
}

static struct text known_rate(__u64 pages)
{
	struct text text = { "not known" };

	return pages ? rate(pages) : text;
}

static void describe_round(const struct kvmeter_audit *a, FILE *out)
{
	char bytes[16];

	fprintf(out, "round %u begins: %s to send", a->round,
		kvmeter_units_format_bytes((double)a->to_send_pages * KVMETER_PAGE_BYTES, bytes,
					   sizeof(bytes)));
	if (a->bandwidth_pages)
		fprintf(out, ", can send %s", rate(a->bandwidth_pages).s);
	if (a->dirty_rate_pages)
		fprintf(out, ", vCPUs dirty %s", rate(a->dirty_rate_pages).s);
	if (a->quota_pages)
		fprintf(out, ", quota %s", rate(a->quota_pages).s);
}

static void describe_decision(const struct kvmeter_audit *a, FILE *out)
{
	__u64 set = a->mode == KVMETER_AUTOCONVERGE_ON ? a->would_pages : 0;

	if (a->would_pages && !set)
		fprintf(out, "would set a quota of %s", rate(a->would_pages).s);
	else if (set)
		fprintf(out, "quota %s", rate(set).s);
	else
		fputs("no quota", out);
	if (a->before_pages != a->quota_pages)
		fprintf(out, ", was %s", rate(a->before_pages).s);
	/* the lesser of that and what the user has set */
	if (a->quota_pages && a->quota_pages != set)
		fprintf(out, ", %s set with 'kvmeter quota' in force", rate(a->quota_pages).s);
	fprintf(out, ": %s (round %u, can send %s", kvmeter_why_explain(a->why), a->round,
		known_rate(a->bandwidth_pages).s);
	fprintf(out, ", vCPUs dirty %s)", known_rate(a->dirty_rate_pages).s);
}

static void describe_quota(const struct kvmeter_audit *a, FILE *out)
{
	fprintf(out, "kvmeter quota: %s, was %s", rate(a->quota_pages).s, rate(a->before_pages).s);
}

static void describe_switch(const struct kvmeter_audit *a, FILE *out)
{
	char goal[64];

	kvmeter_why_print_goal(a->goal, a->deadline_ns, goal, sizeof(goal));
	fprintf(out, "kvmeter autoconverge: %s, %s", kvmeter_reasons_mode(a->mode), goal);
}

static void describe_end(const struct kvmeter_audit *a, FILE *out)
{
	fprintf(out, "migration over in round %u: %s", a->round, kvmeter_why_explain(a->why));
	if (a->before_pages && !a->quota_pages)
		fprintf(out, "; quota of %s let go", rate(a->before_pages).s);
	fprintf(out, "; vCPUs were parked for %.2f s", a->throttle_ns / (double)NS_PER_S);
}

/**
 * kvmeter_audit_describe - write in plain words what a record says
 * @a: the record
 * @buf: where it goes
 * @size: bytes there, KVMETER_AUDIT_MAX are enough
 */
void kvmeter_audit_describe(const struct kvmeter_audit *a, char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");

	buf[0] = '\0';
	if (!out)
		return;
	switch (a->kind) {
	case KVMETER_AUDIT_ROUND:
		describe_round(a, out);
		break;
	case KVMETER_AUDIT_DECISION:
		describe_decision(a, out);
		break;
	case KVMETER_AUDIT_QUOTA:
		describe_quota(a, out);
		break;
	case KVMETER_AUDIT_SWITCH:
		describe_switch(a, out);
		break;
	case KVMETER_AUDIT_END:
		describe_end(a, out);
		break;
	default:
		fprintf(out, "a record of kind %u, which this reader does not know", a->kind);
	}
	fclose(out);
	buf[size - 1] = '\0';
}

/* @lost: records between it and the one before. */
static void print_json(const struct kvmeter_audit *a, const char *name, __u64 lost)
{
	char time[KVMETER_TIME_MAX], text[KVMETER_AUDIT_MAX];
	struct json_object *obj = kvmeter_json_new_document(KVMETER_DOCUMENT_LOG);

	kvmeter_audit_format_time(a->real_ns, time, sizeof(time));
	kvmeter_audit_describe(a, text, sizeof(text));
	kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
	kvmeter_json_add_u64(obj, "nr", a->nr);
	kvmeter_json_add_u64(obj, "lost_before", lost);
	kvmeter_json_add_text(obj, "kind", kvmeter_reasons_audit_kind(a->kind));
	kvmeter_json_add_text(obj, "time", time);
	kvmeter_json_add_u64(obj, "real_ns", a->real_ns);
	kvmeter_json_add_u64(obj, "time_ns", a->time_ns);
	kvmeter_json_add_text(obj, "name", name);
	kvmeter_json_add_text(obj, "id", a->id);
	kvmeter_json_add_u64(obj, "pid", a->pid);
	kvmeter_json_add_u64(obj, "slot", a->vm);
	kvmeter_json_add_u64(obj, "gen", a->vm_gen);
	kvmeter_json_add_text(obj, "mode", kvmeter_reasons_mode(a->mode));
	kvmeter_json_add_text(obj, "goal", kvmeter_reasons_goal(a->goal));
	kvmeter_json_add_text(obj, "why", kvmeter_reasons_why(a->why));
	kvmeter_json_add_u64(obj, "round", a->round);
	kvmeter_json_add_u64(obj, "deadline_ns", a->deadline_ns);
	kvmeter_json_add_u64(obj, "to_send_pages", a->to_send_pages);
	kvmeter_json_add_u64(obj, "bandwidth_pages", a->bandwidth_pages);
	kvmeter_json_add_u64(obj, "dirty_rate_pages", a->dirty_rate_pages);
	kvmeter_json_add_u64(obj, "before_pages", a->before_pages);
	kvmeter_json_add_u64(obj, "quota_pages", a->quota_pages);
	kvmeter_json_add_u64(obj, "would_pages", a->would_pages);
	kvmeter_json_add_u64(obj, "throttle_ns", a->throttle_ns);
	kvmeter_json_add_text(obj, "text", text);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_audit_print_lost - say that records are missing
 * @lost: how many
 */
void kvmeter_audit_print_lost(__u64 lost)
{
	printf("%llu record%s lost\n", lost, lost == 1 ? "" : "s");
}

/**
 * kvmeter_audit_print - print a record, and before it how many are missing
 * @a: the record, its id as it may be shown
 * @name: name of its VM as it may be shown, NULL if that is not known
 * @lost: records between it and the one before
 * @json: as JSON
 */
void kvmeter_audit_print(const struct kvmeter_audit *a, const char *name, __u64 lost, bool json)
{
	char time[KVMETER_TIME_MAX], text[KVMETER_AUDIT_MAX];

	if (json) {
		print_json(a, name, lost);
		return;
	}
	if (lost)
		kvmeter_audit_print_lost(lost);
	kvmeter_audit_format_time(a->real_ns, time, sizeof(time));
	kvmeter_audit_describe(a, text, sizeof(text));
	if (name)
		printf("%s %s (%s): %s\n", time, name, a->id, text);
	else
		printf("%s %s: %s\n", time, a->id, text);
}
