// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metrics by the one table: adds and subtracts all fields of a record, each as its type asks for.
 *
 * The table has a record's PEAK and LOWEST before the HISTOGRAM of the values they are of.
 */
#include <string.h>

#include <kvmeter/metrics.h>

#include "reader.h"

#define FIELD(record, field, type, unit, exponent, help) \
	{ #field,                                        \
	  KVMETER_FIELD_##type,                          \
	  KVMETER_UNIT_##unit,                           \
	  exponent,                                      \
	  help,                                          \
	  offsetof(struct record, field),                \
	  sizeof(((struct record *)NULL)->field) },
#define VM_FIELD(...) FIELD(kvmeter_vm, __VA_ARGS__)
#define VCPU_FIELD(...) FIELD(kvmeter_vcpu, __VA_ARGS__)
#define EXIT_FIELD(...) FIELD(kvmeter_exit, __VA_ARGS__)
#define SUB_FIELD(...) FIELD(kvmeter_sub, __VA_ARGS__)
#define THIEF_FIELD(...) FIELD(kvmeter_thief, __VA_ARGS__)
#define DIRTY_FIELD(...) FIELD(kvmeter_dirty, __VA_ARGS__)
#define MOVE_FIELD(...) FIELD(kvmeter_migration, __VA_ARGS__)
#define ROUND_FIELD(...) FIELD(kvmeter_round, __VA_ARGS__)
#define NR(array) (sizeof(array) / sizeof(*(array)))

static const struct kvmeter_field vm_fields[] = { KVMETER_VM_METRICS(VM_FIELD) };
static const struct kvmeter_field vcpu_fields[] = { KVMETER_VCPU_METRICS(VCPU_FIELD) };
static const struct kvmeter_field exit_fields[] = { KVMETER_EXIT_METRICS(EXIT_FIELD) };
static const struct kvmeter_field sub_fields[] = { KVMETER_SUB_METRICS(SUB_FIELD) };
static const struct kvmeter_field thief_fields[] = { KVMETER_THIEF_METRICS(THIEF_FIELD) };
static const struct kvmeter_field dirty_fields[] = { KVMETER_DIRTY_METRICS(DIRTY_FIELD) };
static const struct kvmeter_field migration_fields[] = { KVMETER_MIGRATION_METRICS(MOVE_FIELD) };
static const struct kvmeter_field round_fields[] = { KVMETER_ROUND_METRICS(ROUND_FIELD) };

const struct kvmeter_record kvmeter_records[KVMETER_RECORD_NR] = {
	[KVMETER_RECORD_VM] = { "vm", vm_fields, NR(vm_fields) },
	[KVMETER_RECORD_VCPU] = { "vcpu", vcpu_fields, NR(vcpu_fields) },
	[KVMETER_RECORD_EXIT] = { "exit", exit_fields, NR(exit_fields) },
	[KVMETER_RECORD_SUB] = { "sub", sub_fields, NR(sub_fields) },
	[KVMETER_RECORD_THIEF] = { "thief", thief_fields, NR(thief_fields) },
	[KVMETER_RECORD_DIRTY] = { "dirty", dirty_fields, NR(dirty_fields) },
	[KVMETER_RECORD_MIGRATION] = { "migration", migration_fields, NR(migration_fields) },
	[KVMETER_RECORD_ROUND] = { "round", round_fields, NR(round_fields) },
};

static void *at(void *values, const struct kvmeter_field *field)
{
	return (char *)values + field->offset;
}

static const struct kvmeter_hist *hist_at(const void *values, const struct kvmeter_field *field)
{
	return (const struct kvmeter_hist *)((const char *)values + field->offset);
}

/**
 * kvmeter_fields_get - value of a field that is no histogram
 * @values: a struct of the contract
 * @field: of its record
 *
 * Return: the value.
 */
__u64 kvmeter_fields_get(const void *values, const struct kvmeter_field *field)
{
	__u64 wide = 0;

	/* Fields are little-endian and 4 or 8 bytes long: x86 only. */
	memcpy(&wide, (const char *)values + field->offset, field->size);
	return wide;
}

static void set(void *values, const struct kvmeter_field *field, __u64 value)
{
	memcpy(at(values, field), &value, field->size);
}

static void add_hist(struct kvmeter_hist *to, const struct kvmeter_hist *from)
{
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

/**
 * kvmeter_fields_clear - make a record the sum of nothing
 * @id: which record
 * @values: its fields are written
 */
void kvmeter_fields_clear(enum kvmeter_record_id id, void *values)
{
	const struct kvmeter_record *record = &kvmeter_records[id];
	const struct kvmeter_field *field;

	for (field = record->fields; field < record->fields + record->nr; field++)
		memset(at(values, field), field->type == KVMETER_FIELD_LOWEST ? 0xff : 0,
		       field->size);
}

/**
 * kvmeter_fields_add - add one record to another
 * @id: which record
 * @to: cleared, or a sum
 * @from: what is added; fields that are INSTANT have no sum and are left alone
 */
void kvmeter_fields_add(enum kvmeter_record_id id, void *to, const void *from)
{
	const struct kvmeter_record *record = &kvmeter_records[id];
	const struct kvmeter_field *field;
	__u64 a, b;

	for (field = record->fields; field < record->fields + record->nr; field++) {
		if (field->type == KVMETER_FIELD_HISTOGRAM) {
			add_hist(at(to, field), hist_at(from, field));
			continue;
		}
		a = kvmeter_fields_get(to, field);
		b = kvmeter_fields_get(from, field);
		if (field->type == KVMETER_FIELD_CUMULATIVE)
			set(to, field, a + b);
		else if (field->type == KVMETER_FIELD_PEAK && b > a)
			set(to, field, b);
		else if (field->type == KVMETER_FIELD_LOWEST && b < a)
			set(to, field, b);
	}
}

/*
 * Extremes are kept since the vCPU was first seen. One that moved was reached in the interval and
 * is exact; otherwise the outermost bucket in use bounds it, and the old extreme does too.
 */
static __u64 highest_ns(const struct kvmeter_hist *delta, __u64 cur_ns, __u64 prev_ns)
{
	__u64 bound_ns = kvmeter_stats_highest_ns(delta);

	return cur_ns > prev_ns || bound_ns > cur_ns ? cur_ns : bound_ns;
}

static __u64 lowest_ns(const struct kvmeter_hist *delta, __u64 cur_ns, __u64 prev_ns)
{
	__u64 bound_ns = kvmeter_stats_lowest_ns(delta);

	if (bound_ns == ~0ULL)
		return bound_ns;
	return cur_ns < prev_ns || bound_ns < cur_ns ? cur_ns : bound_ns;
}

/* Counters only grow while gen stands. Should one not, 0 is nearer the truth than 2^64. */
static __u64 growth(__u64 cur, __u64 prev)
{
	return cur > prev ? cur - prev : 0;
}

static void subtract_hist(struct kvmeter_hist *cur, const struct kvmeter_hist *prev)
{
	unsigned int i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		cur->bucket[i] = growth(cur->bucket[i], prev->bucket[i]);
}

/**
 * kvmeter_fields_subtract - what a record's fields grew by
 * @id: which record
 * @cur: the later values, replaced by the result; those that are INSTANT stay
 * @prev: the earlier values
 *
 * PEAK and LOWEST are exact if they were reached in between for the first time, and otherwise a
 * bound of the histogram bucket they fell into.
 */
void kvmeter_fields_subtract(enum kvmeter_record_id id, void *cur, const void *prev)
{
	const struct kvmeter_record *record = &kvmeter_records[id];
	const struct kvmeter_field *field = record->fields + record->nr;
	const struct kvmeter_hist *hist = NULL;
	__u64 a, b;

	/* From the last on, so that the histogram comes before its extremes. */
	while (field-- > record->fields) {
		if (field->type == KVMETER_FIELD_HISTOGRAM) {
			subtract_hist(at(cur, field), hist_at(prev, field));
			hist = hist_at(cur, field);
			continue;
		}
		a = kvmeter_fields_get(cur, field);
		b = kvmeter_fields_get(prev, field);
		if (field->type == KVMETER_FIELD_CUMULATIVE)
			set(cur, field, growth(a, b));
		else if (field->type == KVMETER_FIELD_PEAK)
			set(cur, field, highest_ns(hist, a, b));
		else if (field->type == KVMETER_FIELD_LOWEST)
			set(cur, field, lowest_ns(hist, a, b));
	}
}
