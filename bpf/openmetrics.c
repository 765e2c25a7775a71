// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes metrics as text, in OpenMetrics 1.0 or in Prometheus' older text format 0.0.4.
 *
 * Of the two the former wants the unit as the end of a family's name and tells it in a line of its
 * own, has the type info, leaves "_total" and "_info" out of the family's name, and ends with
 * "# EOF". What can be in several states is a gauge of 0 or 1 for each, in both: a stateset would
 * have to have the family's name as a label.
 */
#include <string.h>

#include "openmetrics.h"

#define NS_PER_S 1000000000ULL

/*
 * Buckets of a histogram: with these upper bounds, 2^n ns each, and +Inf. Those of the module are
 * twice as many, and go on at both ends, where nobody asks for more than how often.
 */
#define LE_FIRST 8
#define LE_LAST 30
#define LE_STEP 2

static const char *const types[KVMETER_OM_NR] = {
	[KVMETER_OM_COUNTER] = "counter",
	[KVMETER_OM_GAUGE] = "gauge",
	[KVMETER_OM_HISTOGRAM] = "histogram",
	[KVMETER_OM_INFO] = "info",
};

/* What comes behind the family's name in the name of its samples. */
static const char *get_suffix(enum kvmeter_om_type type)
{
	switch (type) {
	case KVMETER_OM_COUNTER:
		return "_total";
	case KVMETER_OM_INFO:
		return "_info";
	default:
		return "";
	}
}

static const char *get_type(const struct kvmeter_om *om)
{
	bool unknown = om->type == KVMETER_OM_INFO && !om->openmetrics;

	return types[unknown ? KVMETER_OM_GAUGE : om->type];
}

/* @quote: within quotes, where these are escaped too */
static void print_escaped(FILE *out, const char *text, bool quote)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || (quote && *text == '"'))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void print_label(struct kvmeter_om *om, const char *name, const char *value, bool *first)
{
	fprintf(om->out, "%c%s=\"", *first ? '{' : ',', name);
	print_escaped(om->out, value, true);
	fputc('"', om->out);
	*first = false;
}

/* A sample up to its value; @le: of a bucket, otherwise NULL. */
static void print_name(struct kvmeter_om *om, const char *suffix,
		       const struct kvmeter_om_label *labels, const char *le)
{
	bool first = true;

	fprintf(om->out, "%s%s", om->family, suffix);
	for (; labels && labels->name; labels++) {
		if (labels->value)
			print_label(om, labels->name, labels->value, &first);
	}
	if (le)
		print_label(om, "le", le, &first);
	fputs(first ? " " : "} ", om->out);
	om->series++;
}

/* Exactly: a double would round what is more than 104 days. */
static void print_ns(FILE *out, __u64 ns)
{
	fprintf(out, "%llu.%09llu\n", ns / NS_PER_S, ns % NS_PER_S);
}

/**
 * kvmeter_om_begin - begin a text
 * @om: filled
 * @out: where it is written to
 * @openmetrics: in OpenMetrics; otherwise in the older format
 */
void kvmeter_om_begin(struct kvmeter_om *om, FILE *out, bool openmetrics)
{
	memset(om, 0, sizeof(*om));
	om->out = out;
	om->openmetrics = openmetrics;
}

/**
 * kvmeter_om_family - begin a family; all its samples follow before the next one is begun
 * @om: from kvmeter_om_begin()
 * @name: its name, without "_total" or "_info"; ends with the unit if it has one; stays in use
 * @type: what it is
 * @unit: a base unit in the plural, or NULL
 * @help: what it is, without a full stop
 */
void kvmeter_om_family(struct kvmeter_om *om, const char *name, enum kvmeter_om_type type,
		       const char *unit, const char *help)
{
	const char *suffix;

	om->family = name;
	om->type = type;
	suffix = om->openmetrics ? "" : get_suffix(type);
	fprintf(om->out, "# HELP %s%s ", name, suffix);
	print_escaped(om->out, help, om->openmetrics);
	fprintf(om->out, "\n# TYPE %s%s %s\n", name, suffix, get_type(om));
	if (om->openmetrics && unit)
		fprintf(om->out, "# UNIT %s %s\n", name, unit);
}

/**
 * kvmeter_om_add_u64 - add a sample to the family
 * @om: from kvmeter_om_begin()
 * @labels: the last one's name is NULL; NULL: none
 * @value: its value
 */
void kvmeter_om_add_u64(struct kvmeter_om *om, const struct kvmeter_om_label *labels, __u64 value)
{
	print_name(om, get_suffix(om->type), labels, NULL);
	fprintf(om->out, "%llu\n", value);
}

/**
 * kvmeter_om_add_ns - add a sample that is a time
 * @om: from kvmeter_om_begin()
 * @labels: as of kvmeter_om_add_u64()
 * @ns: its value in ns; written in s
 */
void kvmeter_om_add_ns(struct kvmeter_om *om, const struct kvmeter_om_label *labels, __u64 ns)
{
	print_name(om, get_suffix(om->type), labels, NULL);
	print_ns(om->out, ns);
}

/**
 * kvmeter_om_add_double - add a sample
 * @om: from kvmeter_om_begin()
 * @labels: as of kvmeter_om_add_u64()
 * @value: its value
 */
void kvmeter_om_add_double(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
			   double value)
{
	print_name(om, get_suffix(om->type), labels, NULL);
	fprintf(om->out, "%.9g\n", value);
}

/**
 * kvmeter_om_add_hist - add the samples of a histogram
 * @om: from kvmeter_om_begin()
 * @labels: as of kvmeter_om_add_u64()
 * @hist: how often
 * @sum_ns: sum of all values
 *
 * A bucket of the module's ends before the power of two that is its bound here: a time of exactly
 * that many ns is in the next one.
 */
void kvmeter_om_add_hist(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
			 const struct kvmeter_hist *hist, __u64 sum_ns)
{
	__u64 below = 0, all = kvmeter_stats_count_hist(hist);
	unsigned int i, next = LE_FIRST;
	char le[32];

	for (i = 0; i <= LE_LAST; i++) {
		below += hist->bucket[i];
		if (i != next)
			continue;
		snprintf(le, sizeof(le), "%.9f", (double)(1ULL << i) / NS_PER_S);
		print_name(om, "_bucket", labels, le);
		fprintf(om->out, "%llu\n", below);
		next += LE_STEP;
	}
	print_name(om, "_bucket", labels, "+Inf");
	fprintf(om->out, "%llu\n", all);
	print_name(om, "_count", labels, NULL);
	fprintf(om->out, "%llu\n", all);
	print_name(om, "_sum", labels, NULL);
	print_ns(om->out, sum_ns);
}

/**
 * kvmeter_om_end - end the text
 * @om: from kvmeter_om_begin()
 */
void kvmeter_om_end(struct kvmeter_om *om)
{
	if (om->openmetrics)
		fputs("# EOF\n", om->out);
}
