// SPDX-License-Identifier: GPL-2.0-only
/* The list of what the rules of doctor say, and what a finding is made of. */
#include <ctype.h>
#include <err.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static struct kvmeter_finding *add(struct kvmeter_findings *findings, enum kvmeter_rule_id rule,
				   enum kvmeter_verdict verdict)
{
	struct kvmeter_finding *finding;

	findings->list = kvmeter_array_grow(findings->list, &findings->room, findings->nr + 1,
					    sizeof(*findings->list));
	finding = &findings->list[findings->nr++];
	memset(finding, 0, sizeof(*finding));
	finding->rule = rule;
	finding->verdict = verdict;
	return finding;
}

/* The text is one line, however many @format has. */
static char *format_text(const char *format, va_list list)
{
	char *text, *c;

	if (vasprintf(&text, format, list) < 0)
		err(1, "no memory");
	for (c = text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	return text;
}

/**
 * kvmeter_findings_add - begin a finding
 * @findings: the list
 * @rule: what has been found
 *
 * Return: the finding, until the next one is added.
 */
struct kvmeter_finding *kvmeter_findings_add(struct kvmeter_findings *findings,
					     enum kvmeter_rule_id rule)
{
	return add(findings, rule, KVMETER_VERDICT_FOUND);
}

/**
 * kvmeter_findings_add_unknown - note that something could not be looked for
 * @findings: the list
 * @rule: what
 * @format: why, as for printf()
 */
void kvmeter_findings_add_unknown(struct kvmeter_findings *findings, enum kvmeter_rule_id rule,
				  const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add(findings, rule, KVMETER_VERDICT_NOT_KNOWN)->what = format_text(format, list);
	va_end(list);
}

static int compare(const void *a, const void *b)
{
	const struct kvmeter_finding *l = a, *r = b;

	if (l->verdict != r->verdict)
		return l->verdict < r->verdict ? -1 : 1;
	if (l->cost_cpus != r->cost_cpus)
		return l->cost_cpus > r->cost_cpus ? -1 : 1;
	return (l->rule > r->rule) - (l->rule < r->rule);
}

static int compare_vms(const void *a, const void *b)
{
	const struct kvmeter_sufferer *l = a, *r = b;

	if (l->cost_cpus != r->cost_cpus)
		return l->cost_cpus > r->cost_cpus ? -1 : 1;
	return (l->vm > r->vm) - (l->vm < r->vm);
}

/**
 * kvmeter_findings_finish - note the rules that have found nothing, and sort
 * @findings: the list, with all that was found
 *
 * Most costly first, then what is not known, then what is not there. The VMs of a finding are in
 * that order, too.
 */
void kvmeter_findings_finish(struct kvmeter_findings *findings)
{
	unsigned int rule, i;

	for (rule = 0; rule < KVMETER_RULE_NR; rule++) {
		for (i = 0; i < findings->nr && findings->list[i].rule != rule; i++)
			;
		if (i == findings->nr)
			add(findings, rule, KVMETER_VERDICT_PASSED);
	}
	for (i = 0; i < findings->nr; i++) {
		if (findings->list[i].nr_vms)
			qsort(findings->list[i].vms, findings->list[i].nr_vms,
			      sizeof(*findings->list[i].vms), compare_vms);
	}
	qsort(findings->list, findings->nr, sizeof(*findings->list), compare);
}

/**
 * kvmeter_findings_count - how many there are
 * @findings: the list
 * @verdict: of which kind
 *
 * Return: the number.
 */
unsigned int kvmeter_findings_count(const struct kvmeter_findings *findings,
				    enum kvmeter_verdict verdict)
{
	unsigned int i, nr = 0;

	for (i = 0; i < findings->nr; i++)
		nr += findings->list[i].verdict == verdict;
	return nr;
}

/**
 * kvmeter_findings_put - release the memory of a list
 * @findings: the list; it is empty then
 */
void kvmeter_findings_put(struct kvmeter_findings *findings)
{
	struct kvmeter_finding *finding;
	unsigned int i;

	for (finding = findings->list; finding < findings->list + findings->nr; finding++) {
		for (i = 0; i < finding->nr_figures; i++)
			free(finding->figures[i].name);
		free(finding->figures);
		free(finding->vms);
		free(finding->what);
		free(finding->remedy);
	}
	free(findings->list);
	memset(findings, 0, sizeof(*findings));
}

/**
 * kvmeter_finding_say - set a text, such as a sentence of a finding
 * @text: which one
 * @format: as for printf(); the end of a line becomes a blank
 */
void kvmeter_finding_say(char **text, const char *format, ...)
{
	va_list list;

	free(*text);
	va_start(list, format);
	*text = format_text(format, list);
	va_end(list);
}

/**
 * kvmeter_finding_add_vm - note a VM that a finding is about
 * @finding: the finding
 * @vm: the VM
 * @cost_cpus: what it loses by that, CPU seconds a second
 */
void kvmeter_finding_add_vm(struct kvmeter_finding *finding, const struct kvmeter_snap_vm *vm,
			    double cost_cpus)
{
	finding->vms = kvmeter_array_grow(finding->vms, &finding->room_vms, finding->nr_vms + 1,
					  sizeof(*finding->vms));
	finding->vms[finding->nr_vms].vm = vm;
	finding->vms[finding->nr_vms++].cost_cpus = cost_cpus;
	finding->cost_cpus += cost_cpus;
}

/**
 * kvmeter_finding_add_figure - add a piece of evidence
 * @finding: the finding
 * @value: how much; one that is not finite is left out
 * @unit: of what; a constant
 * @format: what was measured, as for printf()
 */
void kvmeter_finding_add_figure(struct kvmeter_finding *finding, double value, const char *unit,
				const char *format, ...)
{
	struct kvmeter_figure *figure;
	va_list list;

	if (!isfinite(value))
		return;
	finding->figures = kvmeter_array_grow(finding->figures, &finding->room_figures,
					      finding->nr_figures + 1, sizeof(*finding->figures));
	figure = &finding->figures[finding->nr_figures++];
	figure->value = value;
	figure->unit = unit;
	va_start(list, format);
	figure->name = format_text(format, list);
	va_end(list);
}

/**
 * kvmeter_finding_domain - how a VM is called in a command for libvirt
 * @vm: the VM
 *
 * Return: its name; or a word to be replaced, if a shell would make something else of the name.
 */
const char *kvmeter_finding_domain(const struct kvmeter_snap_vm *vm)
{
	const char *c;

	if (!*vm->name || *vm->name == '-')
		return "DOMAIN";
	for (c = vm->name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return "DOMAIN";
	}
	return vm->name;
}
