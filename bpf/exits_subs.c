// SPDX-License-Identifier: GPL-2.0-only
/* The command exits by sub-reason: one table, of a VM or of the host. */
#include <stdlib.h>

#include "reader.h"

#define NS_PER_US 1e3

#define SWITCH "/sys/module/kvmeter/parameters/subreasons"

/* With -z what may not have come at all is left out. */
static bool is_left_out(const struct kvmeter_sub *s, const struct kvmeter_args *args)
{
	return args->skip_empty && s->count <= s->error;
}

static bool by_time(const struct kvmeter_args *args)
{
	return args->key == KVMETER_SORT_KERNEL;
}

static struct kvmeter_sub_sum *get_subs(const struct kvmeter_subject *s,
					const struct kvmeter_args *args, unsigned int *nr)
{
	unsigned int first, nr_vcpus;

	kvmeter_exits_get_vcpus(s, &first, &nr_vcpus);
	return kvmeter_subs_sum(s->snap, first, nr_vcpus, by_time(args), nr);
}

/**
 * kvmeter_exits_print_subs - print the table of sub-reasons
 * @s: what it is about, summed
 * @args: the command line
 */
void kvmeter_exits_print_subs(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	struct kvmeter_sub_sum *subs;
	unsigned int i, nr;

	if (!(s->snap->host.features & KVMETER_FEATURE_SUB))
		printf("sub-reasons are not being counted; to have them: echo 1 > %s\n", SWITCH);
	subs = get_subs(s, args, &nr);
	if (nr || s->snap->host.features & KVMETER_FEATURE_SUB) {
		kvmeter_exits_print_heading(s);
		printf("%28s %18s %10s %10s %13s\n", "SUB-REASON", "Value", "Samples", "Error",
		       "kernel");
	}
	for (i = 0; i < nr; i++) {
		if (!is_left_out(&subs[i].s, args))
			printf("%28s %#18llx %10llu %10llu %11.2fus\n",
			       kvmeter_reasons_sub_kind(subs[i].s.kind), subs[i].s.value,
			       subs[i].s.count, subs[i].s.error, subs[i].s.kernel_ns / NS_PER_US);
	}
	free(subs);
}

/**
 * kvmeter_exits_add_subs - add the sub-reasons, and whether they are being counted
 * @obj: where to
 * @s: what they are of, summed
 * @args: the command line
 */
void kvmeter_exits_add_subs(struct json_object *obj, const struct kvmeter_subject *s,
			    const struct kvmeter_args *args)
{
	struct json_object *array = json_object_new_array(), *sub;
	struct kvmeter_sub_sum *subs;
	unsigned int i, nr;

	subs = get_subs(s, args, &nr);
	for (i = 0; i < nr; i++) {
		if (is_left_out(&subs[i].s, args))
			continue;
		sub = json_object_new_object();
		kvmeter_json_add_text(sub, "kind", kvmeter_reasons_sub_kind(subs[i].s.kind));
		json_object_object_add(sub, "value", json_object_new_uint64(subs[i].s.value));
		kvmeter_json_add_fields(sub, KVMETER_RECORD_SUB, &subs[i].s);
		json_object_array_add(array, sub);
	}
	free(subs);
	kvmeter_json_add_features(obj, s->snap->host.features);
	json_object_object_add(obj, "subs", array);
}
