// SPDX-License-Identifier: GPL-2.0-only
/* The command steal as JSON: thieves and causes. */
#include <stdlib.h>

#include "steal.h"

/* The causes, by the words for them. */
static const struct {
	const char *name;
	unsigned int kinds; /* by bit */
} causes[] = {
	{ "contention",
	  1 << KVMETER_THIEF_VM | 1 << KVMETER_THIEF_OWN_VCPU | 1 << KVMETER_THIEF_OWN_VMM |
		  1 << KVMETER_THIEF_KTHREAD | 1 << KVMETER_THIEF_PROCESS |
		  1 << KVMETER_THIEF_OTHER },
	{ "limit", 1 << KVMETER_THIEF_LIMIT },
	{ "idle", 1 << KVMETER_THIEF_IDLE },
};

static struct kvmeter_thief_sum *get_thieves(const struct kvmeter_subject *s, unsigned int *nr)
{
	unsigned int first, nr_vcpus;

	kvmeter_exits_get_vcpus(s, &first, &nr_vcpus);
	return kvmeter_thieves_sum(s->snap, first, nr_vcpus, false, nr);
}

static __u64 sum_time(const struct kvmeter_subject *s, const struct kvmeter_thief_sum *list,
		      unsigned int nr)
{
	__u64 ns = s->sum.unexplained_ns;
	unsigned int i;

	for (i = 0; i < nr; i++)
		ns += kvmeter_thieves_get_time(&list[i].t);
	return ns;
}

static void add_figures(struct json_object *obj, const struct kvmeter_thief *t,
			const struct kvmeter_subject *s, __u64 all_ns)
{
	__u64 ns = kvmeter_thieves_get_time(t);

	kvmeter_json_add_fields(obj, KVMETER_RECORD_THIEF, t);
	kvmeter_json_add_double(obj, "steal_pct", kvmeter_stats_pct(ns, s->sum.elapsed_ns));
	kvmeter_json_add_double(obj, "share_pct", kvmeter_stats_pct(ns, all_ns));
}

static struct json_object *new_thief(const struct kvmeter_thief_sum *sum,
				     const struct kvmeter_subject *s, __u64 all_ns)
{
	struct json_object *obj = json_object_new_object();
	bool is_vm = sum->t.kind == KVMETER_THIEF_VM;
	char comm[4 * KVMETER_COMM_LEN];

	kvmeter_escape_text(sum->t.comm, comm, sizeof(comm));
	kvmeter_json_add_text(obj, "kind", kvmeter_reasons_thief_kind(sum->t.kind));
	kvmeter_json_add_u64(obj, "vm", is_vm ? sum->t.vm : ~0ULL);
	kvmeter_json_add_u64(obj, "vm_gen", is_vm ? sum->t.vm_gen : ~0ULL);
	kvmeter_json_add_text(obj, "name", sum->vm ? sum->vm->name : NULL);
	kvmeter_json_add_text(obj, "id", sum->vm ? sum->vm->v.id : NULL);
	kvmeter_json_add_text(obj, "comm", sum->t.kind == KVMETER_THIEF_PROCESS ? comm : NULL);
	add_figures(obj, &sum->t, s, all_ns);
	return obj;
}

/* Without attribution all of it would be unexplained, which is no figure. */
static void add_unexplained(struct json_object *obj, const struct kvmeter_subject *s)
{
	bool known = s->snap->host.features & KVMETER_FEATURE_THIEF;

	kvmeter_json_add_u64(obj, "unexplained_ns", known ? s->sum.unexplained_ns : ~0ULL);
}

/**
 * kvmeter_steal_add_thieves - add who took the steal, most first, and what is unexplained
 * @obj: where to
 * @s: whose steal, summed
 */
void kvmeter_steal_add_thieves(struct json_object *obj, const struct kvmeter_subject *s)
{
	struct json_object *array = json_object_new_array();
	struct kvmeter_thief_sum *list;
	unsigned int i, nr;
	__u64 all_ns;

	list = get_thieves(s, &nr);
	all_ns = sum_time(s, list, nr);
	for (i = 0; i < nr; i++)
		json_object_array_add(array, new_thief(&list[i], s, all_ns));
	free(list);
	json_object_object_add(obj, "thieves", array);
	add_unexplained(obj, s);
}

static struct json_object *new_cause(unsigned int cause, const struct kvmeter_thief *kinds,
				     const struct kvmeter_subject *s, __u64 all_ns)
{
	struct json_object *obj = json_object_new_object();
	struct kvmeter_thief sum = {};
	unsigned int kind;

	for (kind = 0; kind < KVMETER_THIEF_NR; kind++) {
		if (causes[cause].kinds >> kind & 1)
			kvmeter_fields_add(KVMETER_RECORD_THIEF, &sum, &kinds[kind]);
	}
	kvmeter_json_add_text(obj, "cause", causes[cause].name);
	add_figures(obj, &sum, s, all_ns);
	return obj;
}

/**
 * kvmeter_steal_add_causes - add the causes of the steal, and what is unexplained
 * @obj: where to
 * @s: whose steal, summed
 */
void kvmeter_steal_add_causes(struct json_object *obj, const struct kvmeter_subject *s)
{
	struct json_object *array = json_object_new_array();
	struct kvmeter_thief kinds[KVMETER_THIEF_NR];
	struct kvmeter_thief_sum *list;
	unsigned int i, nr;
	__u64 all_ns;

	list = get_thieves(s, &nr);
	all_ns = sum_time(s, list, nr);
	kvmeter_thieves_sum_kinds(list, nr, kinds);
	free(list);
	for (i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		json_object_array_add(array, new_cause(i, kinds, s, all_ns));
	json_object_object_add(obj, "causes", array);
	add_unexplained(obj, s);
}
