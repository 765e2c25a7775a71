// SPDX-License-Identifier: GPL-2.0-only
/* Shows what the rules of doctor say as JSON. */
#include <err.h>
#include <stdlib.h>

#include "doctor.h"
#include "documents.h"

static const char *const verdicts[] = {
	[KVMETER_VERDICT_FOUND] = "found",
	[KVMETER_VERDICT_NOT_KNOWN] = "not_known",
	[KVMETER_VERDICT_PASSED] = "passed",
};

static struct json_object *new_vms(const struct kvmeter_finding *f)
{
	struct json_object *array = json_object_new_array(), *vm;
	unsigned int i;

	for (i = 0; i < f->nr_vms; i++) {
		vm = json_object_new_object();
		kvmeter_json_add_text(vm, "name", f->vms[i].vm->name);
		kvmeter_json_add_text(vm, "id", f->vms[i].vm->v.id);
		kvmeter_json_add_double(vm, "cost_cpus", f->vms[i].cost_cpus);
		json_object_array_add(array, vm);
	}
	return array;
}

static struct json_object *new_evidence(const struct kvmeter_finding *f)
{
	struct json_object *array = json_object_new_array(), *figure;
	unsigned int i;

	for (i = 0; i < f->nr_figures; i++) {
		figure = json_object_new_object();
		kvmeter_json_add_text(figure, "what", f->figures[i].name);
		kvmeter_json_add_double(figure, "value", f->figures[i].value);
		kvmeter_json_add_text(figure, "unit", f->figures[i].unit);
		json_object_array_add(array, figure);
	}
	return array;
}

/* Arrays of objects are no columns of CSV: so it is there as text, too. */
static void add_as_text(struct json_object *obj, const struct kvmeter_finding *f)
{
	char *who = NULL, *evidence = NULL;
	size_t who_len, evidence_len;
	FILE *who_file = open_memstream(&who, &who_len);
	FILE *evidence_file = open_memstream(&evidence, &evidence_len);
	unsigned int i;

	if (!who_file || !evidence_file)
		err(1, "no memory");
	for (i = 0; i < f->nr_vms; i++)
		fprintf(who_file, "%s%s (%s)", i ? ", " : "", f->vms[i].vm->name,
			f->vms[i].vm->v.id);
	for (i = 0; i < f->nr_figures; i++)
		fprintf(evidence_file, "%s%s: %.6g %s", i ? "; " : "", f->figures[i].name,
			f->figures[i].value, f->figures[i].unit);
	if (fclose(who_file) || fclose(evidence_file))
		err(1, "no memory");
	kvmeter_json_add_text(obj, "who", f->nr_vms ? who : NULL);
	kvmeter_json_add_text(obj, "evidence_text", f->nr_figures ? evidence : NULL);
	free(who);
	free(evidence);
}

static struct json_object *new_result(const struct kvmeter_finding *f)
{
	const struct kvmeter_rule *rule = &kvmeter_rules[f->rule];
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_text(obj, "rule", rule->name);
	kvmeter_json_add_text(obj, "result", verdicts[f->verdict]);
	kvmeter_json_add_double(obj, "cost_cpus", f->cost_cpus);
	json_object_object_add(obj, "at_most", json_object_new_boolean(f->at_most));
	kvmeter_json_add_text(obj, "what", f->what);
	add_as_text(obj, f);
	kvmeter_json_add_text(obj, "remedy", f->remedy);
	kvmeter_json_add_double(obj, "threshold", rule->threshold);
	kvmeter_json_add_text(obj, "unit", rule->unit);
	json_object_object_add(obj, "vms", new_vms(f));
	json_object_object_add(obj, "evidence", new_evidence(f));
	return obj;
}

/**
 * kvmeter_doctor_print_json - print what was found as JSON
 * @report: that it is of
 * @findings: what was found
 */
void kvmeter_doctor_print_json(const struct kvmeter_report *report,
			       const struct kvmeter_findings *findings)
{
	struct json_object *obj = kvmeter_json_new_report(KVMETER_DOCUMENT_DOCTOR, report->snap);
	struct json_object *results = json_object_new_array();
	unsigned int i;

	kvmeter_json_add_features(obj, report->snap->host.features);
	kvmeter_json_add_u64(obj, "found", kvmeter_findings_count(findings, KVMETER_VERDICT_FOUND));
	kvmeter_json_add_u64(obj, "not_known",
			     kvmeter_findings_count(findings, KVMETER_VERDICT_NOT_KNOWN));
	for (i = 0; i < findings->nr; i++)
		json_object_array_add(results, new_result(&findings->list[i]));
	json_object_object_add(obj, "results", results);
	kvmeter_json_print(obj);
}
