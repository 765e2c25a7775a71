// SPDX-License-Identifier: GPL-2.0-only
/* The command exits as JSON. */
#include "reader.h"

static void add_percentile(struct json_object *obj, const char *key, const struct kvmeter_exit *e,
			   double pct)
{
	if (kvmeter_stats_count_hist(&e->hist))
		kvmeter_json_add_double(obj, key, kvmeter_sort_percentile_ns(e, pct));
	else
		kvmeter_json_add_text(obj, key, NULL);
}

static struct json_object *new_row(const struct kvmeter_sum_row *row, bool by_class)
{
	struct json_object *obj = json_object_new_object();

	if (!by_class) {
		kvmeter_json_add_u64(obj, "reason", row->e.reason);
		kvmeter_json_add_text(obj, "name", row->name);
	}
	kvmeter_json_add_text(obj, "class", row->class);
	kvmeter_json_add_u64(obj, "level", row->e.level);
	kvmeter_json_add_fields(obj, KVMETER_RECORD_EXIT, &row->e);
	kvmeter_json_add_u64(obj, "time_ns", kvmeter_sort_time_ns(&row->e));
	add_percentile(obj, "p50_ns", &row->e, 50);
	add_percentile(obj, "p90_ns", &row->e, 90);
	add_percentile(obj, "p99_ns", &row->e, 99);
	return obj;
}

static struct json_object *new_user_exits(const struct kvmeter_vcpu *v)
{
	struct json_object *array = json_object_new_array(), *obj;
	unsigned int i;

	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		if (!v->user_exit[i] && !v->user_ns[i])
			continue;
		obj = json_object_new_object();
		kvmeter_json_add_u64(obj, "exit_reason", i);
		kvmeter_json_add_text(obj, "name", kvmeter_reasons_user_exit(i));
		kvmeter_json_add_u64(obj, "count", v->user_exit[i]);
		kvmeter_json_add_u64(obj, "user_ns", v->user_ns[i]);
		json_object_array_add(array, obj);
	}
	return array;
}

/**
 * kvmeter_exits_add - add exits by reason or class, and exits to the VMM
 * @obj: where to
 * @s: what they are about, summed and sorted
 * @args: the command line
 */
void kvmeter_exits_add(struct json_object *obj, const struct kvmeter_subject *s,
		       const struct kvmeter_args *args)
{
	bool by_class = args->by == KVMETER_BY_CLASS;
	struct json_object *rows = json_object_new_array();
	const struct kvmeter_sum_row *row;

	for (row = s->sum.rows; row < s->sum.rows + s->sum.nr_rows; row++) {
		if (!kvmeter_exits_left_out(row, args->skip_empty))
			json_object_array_add(rows, new_row(row, by_class));
	}
	kvmeter_json_add_u64(obj, "exits", s->sum.v.exits);
	kvmeter_json_add_u64(obj, "user_exits", s->sum.v.user_exits);
	json_object_object_add(obj, by_class ? "classes" : "reasons", rows);
	json_object_object_add(obj, "user_exit", new_user_exits(&s->sum.v));
}
