// SPDX-License-Identifier: GPL-2.0-only
/* Builds and prints JSON documents, with the names of the contract as keys. */
#include <err.h>

#include "reader.h"

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
 * kvmeter_json_add_counts - add the counters of struct kvmeter_vcpu, without the histogram
 * @obj: where to
 * @counts: of a vCPU, or of several summed
 */
void kvmeter_json_add_counts(struct json_object *obj, const struct kvmeter_vcpu *counts)
{
	kvmeter_json_add_u64(obj, "exits", counts->exits);
	kvmeter_json_add_u64(obj, "steal_ns", counts->steal_ns);
	kvmeter_json_add_u64(obj, "steal_nr", counts->steal_nr);
	kvmeter_json_add_u64(obj, "steal_max_ns", counts->steal_max_ns);
	kvmeter_json_add_u64(obj, "pml_pages", counts->pml_pages);
	kvmeter_json_add_u64(obj, "pml_full", counts->pml_full);
	kvmeter_json_add_u64(obj, "pml_bad", counts->pml_bad);
	add(obj, "pml_gfn_sum", json_object_new_uint64(counts->pml_gfn_sum));
	kvmeter_json_add_u64(obj, "write_faults", counts->write_faults);
}

/**
 * kvmeter_json_new_report - begin the document of a report
 * @snap: what is reported
 *
 * Return: an object with time and host; VMs are to be added.
 */
struct json_object *kvmeter_json_new_report(const struct kvmeter_snap *snap)
{
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_u64(obj, "abi", snap->host.abi);
	kvmeter_json_add_u64(obj, "now_ns", snap->now_ns);
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
	kvmeter_json_add_u64(obj, "nr_vcpus", vm->v.nr_vcpus);
	kvmeter_json_add_text(obj, "log_state", kvmeter_reasons_log_state(vm->v.log_state));
	kvmeter_json_add_u64(obj, "log_slots", vm->v.log_slots);
	kvmeter_json_add_u64(obj, "log_pages", vm->v.log_pages);
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
	kvmeter_json_add_u64(obj, "first_ns", vcpu->v.first_ns);
	kvmeter_json_add_u64(obj, "elapsed_ns", vcpu->elapsed_ns);
	return obj;
}

/**
 * kvmeter_json_print - print a document on a line of its own, and release it
 * @obj: the document
 */
void kvmeter_json_print(struct json_object *obj)
{
	int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = json_object_to_json_string_ext(obj, flags);

	if (!text)
		errx(1, "no memory");
	puts(text);
	json_object_put(obj);
}
