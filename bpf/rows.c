// SPDX-License-Identifier: GPL-2.0-only
/* What views with one row for each VM or vCPU have in common. */
#include "reader.h"

static void print_row(const struct kvmeter_subject *s, const struct kvmeter_rows_view *view,
		      const struct kvmeter_args *args, unsigned int width)
{
	kvmeter_table_print_name(s->vm->name, width);
	printf(" %-12s %5u", s->vm->v.id, s->vcpu ? s->vcpu->v.vcpu_id : s->vm->nr_vcpus);
	view->print(s, args);
}

static struct json_object *new_vcpu(const struct kvmeter_subject *s,
				    const struct kvmeter_rows_view *view)
{
	struct json_object *obj = kvmeter_json_new_vcpu(s->vcpu);

	view->add(obj, s);
	return obj;
}

static void add_vm(struct json_object *obj, struct kvmeter_subject *s,
		   const struct kvmeter_rows_view *view)
{
	s->vcpu = NULL;
	kvmeter_sum_vcpus(&s->sum, s->snap, s->vm->first_vcpu, s->vm->nr_vcpus, false);
	view->add_vm(obj, s);
	kvmeter_sum_put(&s->sum);
}

/* One VM: into @obj, its vCPUs as an array there; or printed, if that is NULL. */
static void do_vm(struct kvmeter_subject *s, const struct kvmeter_rows_view *view,
		  const struct kvmeter_args *args, struct json_object *obj, unsigned int width)
{
	bool by_vcpu = args->by == KVMETER_BY_VCPU;
	struct json_object *vcpus = obj && by_vcpu ? json_object_new_array() : NULL;
	unsigned int i, nr = by_vcpu ? s->vm->nr_vcpus : 1;

	for (i = 0; i < nr; i++) {
		s->vcpu = by_vcpu ? &s->snap->vcpus[s->vm->first_vcpu + i] : NULL;
		kvmeter_sum_vcpus(&s->sum, s->snap, s->vm->first_vcpu + i,
				  by_vcpu ? 1 : s->vm->nr_vcpus, false);
		if (args->skip_empty && view->is_empty(&s->sum))
			;
		else if (vcpus)
			json_object_array_add(vcpus, new_vcpu(s, view));
		else if (obj)
			view->add(obj, s);
		else
			print_row(s, view, args, width);
		kvmeter_sum_put(&s->sum);
	}
	if (!vcpus)
		return;
	if (view->add_vm)
		add_vm(obj, s, view);
	json_object_object_add(obj, "vcpus", vcpus);
}

static void report_text(const struct kvmeter_report *report, const struct kvmeter_rows_view *view)
{
	struct kvmeter_subject subject = { .snap = report->snap };
	unsigned int width = kvmeter_table_name_width(report), i;

	if (kvmeter_table_starts(report)) {
		kvmeter_table_print_name("NAME", width);
		printf(" %-12s %5s", "ID", report->args->by == KVMETER_BY_VCPU ? "VCPU" : "VCPUS");
		view->heading(report->args);
	}
	for (i = 0; i < report->snap->nr_vms; i++) {
		subject.vm = &report->snap->vms[i];
		if (kvmeter_table_wants(report, i))
			do_vm(&subject, view, report->args, NULL, width);
	}
}

static void report_json(const struct kvmeter_report *report, const struct kvmeter_rows_view *view)
{
	struct json_object *obj = kvmeter_json_new_report(view->document, report->snap), *vm;
	struct kvmeter_subject subject = { .snap = report->snap };
	struct json_object *vms = json_object_new_array();
	unsigned int i;

	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		subject.vm = &report->snap->vms[i];
		vm = kvmeter_json_new_vm(subject.vm);
		do_vm(&subject, view, report->args, vm, 0);
		json_object_array_add(vms, vm);
	}
	json_object_object_add(obj, "vms", vms);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_rows_report - print a view with one row for each VM or vCPU
 * @report: the report
 * @view: its columns
 *
 * With -z a VM of which nothing is to be told is still in the JSON, with what it is.
 */
void kvmeter_rows_report(const struct kvmeter_report *report, const struct kvmeter_rows_view *view)
{
	if (report->args->json)
		report_json(report, view);
	else
		report_text(report, view);
}
