// SPDX-License-Identifier: GPL-2.0-only
/* Shows what the rules of doctor say as text. */
#include <math.h>
#include <string.h>

#include "doctor.h"

#define NS_PER_S 1e9

/* VMs and figures of a finding that are shown; --json has all. */
#define SHOWN_MAX 8

#define INDENT 3

/* A text broken into lines between words, further ones indented. @at: column it begins at */
static void print_wrapped(const char *text, unsigned int at, unsigned int indent,
			  unsigned int width)
{
	unsigned int len;

	for (; *text; text += strspn(text, " ")) {
		len = strcspn(text, " ");
		if (at > indent && at + 1 + len > width) {
			printf("\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)len, text);
		at += len;
		text += len;
	}
	putchar('\n');
}

static void print_part(const char *what, const char *text, unsigned int width)
{
	unsigned int indent = INDENT + strlen(what) + 1;

	printf("%*s%s ", INDENT, "", what);
	print_wrapped(text, indent, indent, width);
}

static void print_sufferers(const struct kvmeter_finding *f)
{
	unsigned int i;

	if (f->nr_vms < 2)
		return;
	printf("%*sloses:", INDENT, "");
	for (i = 0; i < f->nr_vms && i < SHOWN_MAX; i++)
		printf("%s %s (%s) %.3f", i ? "," : "", f->vms[i].vm->name, f->vms[i].vm->v.id,
		       f->vms[i].cost_cpus);
	if (i < f->nr_vms)
		printf(" and %u more", f->nr_vms - i);
	putchar('\n');
}

static void print_evidence(const struct kvmeter_finding *f)
{
	const struct kvmeter_rule *rule = &kvmeter_rules[f->rule];
	const struct kvmeter_figure *figure;
	unsigned int i;

	for (i = 0; i < f->nr_figures && i < SHOWN_MAX; i++) {
		figure = &f->figures[i];
		/* Whole numbers whole, and three digits of all others. */
		printf("%*s- %.*g%s%s: %s", INDENT, "", figure->value < 999.5 ? 3 : 15,
		       figure->value < 999.5 ? figure->value : round(figure->value),
		       *figure->unit ? " " : "", figure->unit, figure->name);
		if (!i && f->rule != KVMETER_RULE_MIGRATION)
			printf(" (threshold: %g %s)", rule->threshold, rule->unit);
		putchar('\n');
	}
	if (i < f->nr_figures)
		printf("%*s- and %u more figures\n", INDENT, "", f->nr_figures - i);
}

static void print_finding(unsigned int nr, const struct kvmeter_finding *f, unsigned int width)
{
	printf("%u. %s: %s %.3f CPUs", nr, kvmeter_rules[f->rule].name,
	       f->nr_vms ? "costs" : "lacks", f->cost_cpus);
	if (f->at_most)
		printf(" at most");
	if (f->nr_vms == 1)
		printf(", %s (%s)", f->vms[0].vm->name, f->vms[0].vm->v.id);
	printf("\n%*s", INDENT, "");
	print_wrapped(f->what, INDENT, INDENT, width);
	print_sufferers(f);
	print_evidence(f);
	print_part("do:", f->remedy, width);
}

static void print_unknown(const struct kvmeter_findings *findings, unsigned int width)
{
	const struct kvmeter_finding *f;
	char what[64];

	if (kvmeter_findings_count(findings, KVMETER_VERDICT_NOT_KNOWN))
		puts("not known:");
	for (f = findings->list; f < findings->list + findings->nr; f++) {
		snprintf(what, sizeof(what), "%s:", kvmeter_rules[f->rule].name);
		if (f->verdict == KVMETER_VERDICT_NOT_KNOWN)
			print_part(what, f->what, width);
	}
}

/**
 * kvmeter_doctor_print - print what was found as text
 * @report: that it is of
 * @findings: what was found
 * @width: columns of a line
 */
void kvmeter_doctor_print(const struct kvmeter_report *report,
			  const struct kvmeter_findings *findings, unsigned int width)
{
	unsigned int i, nr = kvmeter_findings_count(findings, KVMETER_VERDICT_FOUND);

	if (report->nr)
		putchar('\n');
	printf("%.1f s, %u VMs: ", report->snap->interval_ns / NS_PER_S,
	       report->vm < 0 ? report->snap->nr_vms : 1);
	if (nr)
		printf("%u found, most costly first", nr);
	else
		printf("nothing found");
	printf("; not known: %u; passed: %u\n",
	       kvmeter_findings_count(findings, KVMETER_VERDICT_NOT_KNOWN),
	       kvmeter_findings_count(findings, KVMETER_VERDICT_PASSED));
	for (i = 0; i < nr; i++)
		print_finding(i + 1, &findings->list[i], width);
	print_unknown(findings, width);
}
