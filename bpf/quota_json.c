// SPDX-License-Identifier: GPL-2.0-only
/* Shows quotas as JSON, with the names of the contract. */
#include "dirty.h"

/* Without a quota of the VM there is none. */
static void add_bytes_s(struct json_object *obj, const char *key, const struct kvmeter_snap_vm *vm,
			__u64 pages)
{
	kvmeter_json_add_known(obj, key, vm->v.quota_pages, pages * KVMETER_PAGE_BYTES);
}

/* What the vCPUs [first, first + nr) did in the interval. */
static void add_sum(struct json_object *obj, struct kvmeter_subject *s, unsigned int first,
		    unsigned int nr)
{
	kvmeter_sum_vcpus(&s->sum, s->snap, first, nr, false);
	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &s->sum.v);
	kvmeter_dirty_add_rate(obj, s);
	kvmeter_json_add_double(obj, "throttle_pct",
				kvmeter_stats_pct(s->sum.v.throttle_ns, s->sum.elapsed_ns));
	kvmeter_sum_put(&s->sum);
}

static void add_vcpus(struct json_object *obj, struct kvmeter_subject *s)
{
	struct json_object *vcpus = json_object_new_array(), *vcpu;
	unsigned int i;

	for (i = s->vm->first_vcpu; i < s->vm->first_vcpu + s->vm->nr_vcpus; i++) {
		s->vcpu = &s->snap->vcpus[i];
		vcpu = kvmeter_json_new_vcpu(s->vcpu);
		add_sum(vcpu, s, i, 1);
		add_bytes_s(vcpu, "share_bytes_per_s", s->vm, s->vcpu->v.share_pages);
		json_object_array_add(vcpus, vcpu);
	}
	json_object_object_add(obj, "vcpus", vcpus);
}

static struct json_object *new_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_subject s = { .snap = snap, .vm = vm };
	bool in_effect = vm->v.quota_pages && !kvmeter_quota_why_idle(vm);
	struct json_object *obj = kvmeter_json_new_vm(vm);

	add_bytes_s(obj, "quota_bytes_per_s", vm, vm->v.quota_pages);
	json_object_object_add(obj, "in_effect", json_object_new_boolean(in_effect));
	/* what was just set has no interval yet */
	if (!snap->interval_ns)
		return obj;
	add_sum(obj, &s, vm->first_vcpu, vm->nr_vcpus);
	add_vcpus(obj, &s);
	return obj;
}

/**
 * kvmeter_quota_print_json - print a report as a JSON document
 * @report: the report; if it is of no interval, only quotas are told
 */
void kvmeter_quota_print_json(const struct kvmeter_report *report)
{
	enum kvmeter_document_id id =
		report->snap->interval_ns ? KVMETER_DOCUMENT_QUOTA : KVMETER_DOCUMENT_QUOTA_SET;

	kvmeter_json_print_vms(report, id, kvmeter_quota_wants, new_vm);
}
