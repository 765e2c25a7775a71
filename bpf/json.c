// SPDX-License-Identifier: GPL-2.0-only
/* Builds and prints JSON documents, with the names of the contract as keys. */
#include <err.h>

#include "documents.h"

static void add(struct json_object *obj, const char *key, struct json_object *value)
{
	if (json_object_object_add(obj, key, value))
		errx(1, "no memory");
}

/**
 * kvmeter_json_add_u64 - add a number
 * @obj: where to
 * @key: its name
 * @value: the number; all ones stand for "none" and become null
 */
void kvmeter_json_add_u64(struct json_object *obj, const char *key, __u64 value)
{
	add(obj, key, value == ~0ULL ? NULL : json_object_new_uint64(value));
}

/**
 * kvmeter_json_add_known - add a number that may not exist
 * @obj: where to
 * @key: its name
 * @known: it exists; otherwise null is added
 * @value: the number
 */
void kvmeter_json_add_known(struct json_object *obj, const char *key, bool known, __u64 value)
{
	kvmeter_json_add_u64(obj, key, known ? value : ~0ULL);
}

/**
 * kvmeter_json_add_floor - add the whole part of a number that may not exist
 * @obj: where to
 * @key: its name
 * @known: it exists; otherwise, or if it is too large, null is added
 * @value: the number, not below 0
 */
void kvmeter_json_add_floor(struct json_object *obj, const char *key, bool known, double value)
{
	known = known && value < 0x1p63;
	kvmeter_json_add_known(obj, key, known, known ? (__u64)value : 0);
}

/**
 * kvmeter_json_add_text - add a text
 * @obj: where to
 * @key: its name
 * @value: the text, from kvmeter_escape_text() or a constant; NULL becomes null
 */
void kvmeter_json_add_text(struct json_object *obj, const char *key, const char *value)
{
	add(obj, key, value ? json_object_new_string(value) : NULL);
}

/**
 * kvmeter_json_add_double - add a number that is not whole, three decimals of it
 * @obj: where to
 * @key: its name
 * @value: the number
 */
void kvmeter_json_add_double(struct json_object *obj, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", value);
	add(obj, key, json_object_new_double_s(value, text));
}

/**
 * kvmeter_json_add_hist - add a histogram, as an array of its buckets
 * @obj: where to
 * @key: its name
 * @hist: the histogram
 */
void kvmeter_json_add_hist(struct json_object *obj, const char *key,
			   const struct kvmeter_hist *hist)
{
	struct json_object *buckets = json_object_new_array();
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++) {
		if (json_object_array_add(buckets, json_object_new_uint64(hist->bucket[i])))
			errx(1, "no memory");
	}
	add(obj, key, buckets);
}

/**
 * kvmeter_json_add_fields - add all metrics of a record, by their names in the contract
 * @obj: where to
 * @id: which record
 * @values: its values; a LOWEST of nothing becomes null
 */
void kvmeter_json_add_fields(struct json_object *obj, enum kvmeter_record_id id, const void *values)
{
	const struct kvmeter_record *record = &kvmeter_records[id];
	const struct kvmeter_field *field;
	__u64 value;

	for (field = record->fields; field < record->fields + record->nr; field++) {
		if (field->type == KVMETER_FIELD_HISTOGRAM) {
			kvmeter_json_add_hist(obj, field->name,
					      (const struct kvmeter_hist *)((const char *)values +
									    field->offset));
			continue;
		}
		value = kvmeter_fields_get(values, field);
		if (field->type == KVMETER_FIELD_LOWEST)
			kvmeter_json_add_u64(obj, field->name, value);
		else
			add(obj, field->name, json_object_new_uint64(value));
	}
}

/**
 * kvmeter_json_add_features - add what is on in the module, an array of words
 * @obj: where to
 * @features: kvmeter_host.features
 */
void kvmeter_json_add_features(struct json_object *obj, __u32 features)
{
	const struct kvmeter_feature *feature = kvmeter_reasons_features;
	struct json_object *words = json_object_new_array();

	for (; feature->name; feature++) {
		if (features & feature->bit)
			json_object_array_add(words, json_object_new_string(feature->name));
	}
	add(obj, "features", words);
}

/**
 * kvmeter_json_new_document - begin a document
 * @id: which one
 *
 * Return: an object that says which; all else is to be added.
 */
struct json_object *kvmeter_json_new_document(enum kvmeter_document_id id)
{
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_u64(obj, "schema", KVMETER_SCHEMA);
	kvmeter_json_add_text(obj, "document", kvmeter_documents[id].name);
	return obj;
}

/**
 * kvmeter_json_new_report - begin the document of a report
 * @id: which document
 * @snap: what is reported
 *
 * Return: an object with time and host; VMs are to be added.
 */
struct json_object *kvmeter_json_new_report(enum kvmeter_document_id id,
					    const struct kvmeter_snap *snap)
{
	struct json_object *obj = kvmeter_json_new_document(id);

	kvmeter_json_add_u64(obj, "abi", snap->host.abi);
	kvmeter_json_add_u64(obj, "now_ns", snap->now_ns);
	kvmeter_json_add_u64(obj, "real_ns", snap->real_ns);
	kvmeter_json_add_u64(obj, "interval_ns", snap->interval_ns);
	kvmeter_json_add_text(obj, "vendor", kvmeter_reasons_vendor(snap->host.vendor));
	return obj;
}

/**
 * kvmeter_json_new_vm - what a VM is
 * @vm: the VM
 *
 * Return: an object.
 */
struct json_object *kvmeter_json_new_vm(const struct kvmeter_snap_vm *vm)
{
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_text(obj, "name", vm->name);
	kvmeter_json_add_text(obj, "id", vm->v.id);
	kvmeter_json_add_u64(obj, "pid", vm->v.pid);
	kvmeter_json_add_u64(obj, "slot", vm->slot);
	kvmeter_json_add_u64(obj, "gen", vm->v.gen);
	kvmeter_json_add_text(obj, "log_state", kvmeter_reasons_log_state(vm->v.log_state));
	kvmeter_json_add_fields(obj, KVMETER_RECORD_VM, &vm->v);
	kvmeter_json_add_u64(obj, "first_ns", vm->v.first_ns);
	kvmeter_json_add_u64(obj, "elapsed_ns", vm->elapsed_ns);
	return obj;
}

/**
 * kvmeter_json_new_vcpu - what a vCPU is
 * @vcpu: the vCPU
 *
 * Return: an object.
 */
struct json_object *kvmeter_json_new_vcpu(const struct kvmeter_snap_vcpu *vcpu)
{
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_u64(obj, "vcpu_id", vcpu->v.vcpu_id);
	kvmeter_json_add_u64(obj, "slot", vcpu->slot);
	kvmeter_json_add_u64(obj, "gen", vcpu->v.gen);
	kvmeter_json_add_u64(obj, "tid", vcpu->v.tid);
	kvmeter_json_add_u64(obj, "cpu", vcpu->v.cpu);
	kvmeter_json_add_u64(obj, "node", vcpu->v.node);
	kvmeter_json_add_text(obj, "state",
			      vcpu->v.first_ns ? kvmeter_reasons_state(vcpu->v.state) : NULL);
	kvmeter_json_add_u64(obj, "first_ns", vcpu->v.first_ns);
	kvmeter_json_add_u64(obj, "elapsed_ns", vcpu->elapsed_ns);
	return obj;
}

/**
 * kvmeter_json_new_vcpus - the vCPUs of a VM
 * @snap: what is reported
 * @vm: the VM
 * @add: adds to what a vCPU is what is told of it
 *
 * Return: an array.
 */
struct json_object *
kvmeter_json_new_vcpus(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
		       void (*add)(struct json_object *obj, const struct kvmeter_snap_vm *vm,
				   const struct kvmeter_snap_vcpu *vcpu))
{
	struct json_object *vcpus = json_object_new_array(), *obj;
	const struct kvmeter_snap_vcpu *vcpu;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		vcpu = &snap->vcpus[vm->first_vcpu + i];
		obj = kvmeter_json_new_vcpu(vcpu);
		add(obj, vm, vcpu);
		json_object_array_add(vcpus, obj);
	}
	return vcpus;
}

/**
 * kvmeter_json_print_vms - print a report of VMs, and of what is on in the module
 * @report: the report
 * @id: which document it is
 * @wants: is a VM of it, by its index?
 * @new_vm: what is told of a VM
 */
void kvmeter_json_print_vms(const struct kvmeter_report *report, enum kvmeter_document_id id,
			    bool (*wants)(const struct kvmeter_report *report, unsigned int vm),
			    struct json_object *(*new_vm)(const struct kvmeter_snap *snap,
							  const struct kvmeter_snap_vm *vm))
{
	const struct kvmeter_snap *snap = report->snap;
	struct json_object *obj = kvmeter_json_new_report(id, snap);
	struct json_object *vms = json_object_new_array();
	unsigned int i;

	kvmeter_json_add_features(obj, snap->host.features);
	for (i = 0; i < snap->nr_vms; i++) {
		if (wants(report, i))
			json_object_array_add(vms, new_vm(snap, &snap->vms[i]));
	}
	json_object_object_add(obj, "vms", vms);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_json_print - print a document on a line of its own, or as CSV, and release it
 * @obj: the document
 */
void kvmeter_json_print(struct json_object *obj)
{
	int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;

	if (!kvmeter_csv_print(obj)) {
		text = json_object_to_json_string_ext(obj, flags);
		if (!text)
			errx(1, "no memory");
		puts(text);
	}
	json_object_put(obj);
}
