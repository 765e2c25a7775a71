// SPDX-License-Identifier: GPL-2.0-only
/* The command exits: what is summed up for which table. */
#include "reader.h"

/**
 * kvmeter_exits_get_vcpus - which vCPUs a table is about
 * @s: what it is about
 * @first: index of the first in the snapshot
 * @nr: how many
 */
void kvmeter_exits_get_vcpus(const struct kvmeter_subject *s, unsigned int *first, unsigned int *nr)
{
	if (s->vcpu) {
		*first = s->vcpu - s->snap->vcpus;
		*nr = 1;
	} else {
		*first = s->vm ? s->vm->first_vcpu : 0;
		*nr = s->vm ? s->vm->nr_vcpus : s->snap->nr_vcpus;
	}
}

/* One table, or what belongs into one object if that is given. */
static void do_subject(struct kvmeter_subject *s, const struct kvmeter_args *args,
		       struct json_object *obj)
{
	bool subs = args->by == KVMETER_BY_SUB;
	unsigned int first, nr;

	kvmeter_exits_get_vcpus(s, &first, &nr);
	kvmeter_sum_vcpus(&s->sum, s->snap, first, nr, args->by == KVMETER_BY_CLASS);
	kvmeter_sort_rows(&s->sum, args->key);
	if (obj && subs)
		kvmeter_exits_add_subs(obj, s, args);
	else if (obj)
		kvmeter_exits_add(obj, s, args);
	else if (subs)
		kvmeter_exits_print_subs(s, args);
	else if (!args->skip_empty || s->sum.v.exits)
		kvmeter_exits_print(s, args);
	kvmeter_sum_put(&s->sum);
}

static void do_vcpus(struct kvmeter_subject *s, const struct kvmeter_args *args,
		     struct json_object *obj)
{
	struct json_object *vcpus = obj ? json_object_new_array() : NULL, *vcpu = NULL;
	unsigned int i;

	for (i = 0; i < s->vm->nr_vcpus; i++) {
		s->vcpu = &s->snap->vcpus[s->vm->first_vcpu + i];
		if (obj) {
			vcpu = kvmeter_json_new_vcpu(s->vcpu);
			json_object_array_add(vcpus, vcpu);
		}
		do_subject(s, args, vcpu);
	}
	s->vcpu = NULL;
	if (obj)
		json_object_object_add(obj, "vcpus", vcpus);
}

/* By VM and by vCPU there are tables of each VM, otherwise there is one of all that was asked for.
 */
static bool is_of_each_vm(const struct kvmeter_args *args)
{
	return args->by == KVMETER_BY_VM || args->by == KVMETER_BY_VCPU;
}

static void do_vms(const struct kvmeter_report *report, struct json_object *vms)
{
	struct kvmeter_subject s = { .snap = report->snap };
	struct json_object *obj = NULL;
	unsigned int i;

	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		s.vm = &report->snap->vms[i];
		if (vms) {
			obj = kvmeter_json_new_vm(s.vm);
			json_object_array_add(vms, obj);
		}
		if (!is_of_each_vm(report->args))
			continue;
		if (report->args->by == KVMETER_BY_VCPU)
			do_vcpus(&s, report->args, obj);
		else
			do_subject(&s, report->args, obj);
	}
}

static void do_all(const struct kvmeter_report *report, struct json_object *obj)
{
	struct kvmeter_subject s = { .snap = report->snap };

	if (is_of_each_vm(report->args))
		return;
	s.vm = report->vm < 0 ? NULL : &report->snap->vms[report->vm];
	do_subject(&s, report->args, obj);
}

static void report_exits(const struct kvmeter_report *report)
{
	struct json_object *obj, *vms;

	if (!report->args->json) {
		if (!report->snap->nr_vms)
			puts("no VMs");
		do_vms(report, NULL);
		do_all(report, NULL);
		return;
	}
	obj = kvmeter_json_new_report(KVMETER_DOCUMENT_EXITS, report->snap);
	vms = json_object_new_array();
	do_vms(report, vms);
	json_object_object_add(obj, "vms", vms);
	do_all(report, obj);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_cmd_exits - kvmeter exits
 * @args: the command line
 */
void kvmeter_cmd_exits(const struct kvmeter_args *args)
{
	unsigned int needs = args->by == KVMETER_BY_SUB ? KVMETER_NEED_SUBS : KVMETER_NEED_ROWS;

	kvmeter_view_run(args, needs, report_exits);
}
