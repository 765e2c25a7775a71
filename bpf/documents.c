// SPDX-License-Identifier: GPL-2.0-only
/* The table of all documents, and the keys of an object one by one. */
#include <err.h>
#include <string.h>

#include "documents.h"

const struct kvmeter_document kvmeter_documents[KVMETER_DOCUMENT_NR] = {
	[KVMETER_DOCUMENT_LIST] = { "list",
				    kvmeter_keys_list,
				    { "vms", [KVMETER_BY_VCPU] = "vms.vcpus" },
				    "kvmeter list" },
	[KVMETER_DOCUMENT_STAT] = { "stat", kvmeter_keys_stat, { "vms" }, "kvmeter stat" },
	[KVMETER_DOCUMENT_LEDGER] = { "ledger",
				      kvmeter_keys_ledger,
				      { "vms", [KVMETER_BY_VCPU] = "vms.vcpus" },
				      "kvmeter ledger" },
	[KVMETER_DOCUMENT_EXITS] = { "exits",
				     kvmeter_keys_exits,
				     { "vms.reasons", [KVMETER_BY_VCPU] = "vms.vcpus.reasons",
				       [KVMETER_BY_CLASS] = "classes",
				       [KVMETER_BY_REASON] = "reasons", [KVMETER_BY_SUB] = "subs" },
				     "kvmeter exits" },
	[KVMETER_DOCUMENT_STEAL] = { "steal",
				     kvmeter_keys_steal,
				     { "vms", [KVMETER_BY_VCPU] = "vms.vcpus",
				       [KVMETER_BY_THIEF] = "vms.thieves",
				       [KVMETER_BY_CAUSE] = "vms.causes" },
				     "kvmeter steal" },
	[KVMETER_DOCUMENT_WAKEUPS] = { "wakeups",
				       kvmeter_keys_wakeups,
				       { "vms", [KVMETER_BY_VCPU] = "vms.vcpus" },
				       "kvmeter wakeups" },
	[KVMETER_DOCUMENT_DIRTY] = { "dirty",
				     kvmeter_keys_dirty,
				     { "vms", [KVMETER_BY_VCPU] = "vms.vcpus" },
				     "kvmeter dirty" },
	[KVMETER_DOCUMENT_HEAT] = { "heat",
				    kvmeter_keys_heat,
				    { "cells" },
				    "kvmeter dirty --heat: pages dirtied in an interval" },
	[KVMETER_DOCUMENT_DIRTY_START] = { "dirty-start",
					   kvmeter_keys_dirty_start,
					   { "" },
					   "kvmeter dirty start: the session that has begun" },
	[KVMETER_DOCUMENT_DIRTY_STOP] = { "dirty-stop",
					  kvmeter_keys_dirty_stop,
					  { "" },
					  "kvmeter dirty stop: the session that has ended" },
	[KVMETER_DOCUMENT_DIRTY_STATUS] = { "dirty-status",
					    kvmeter_keys_dirty_status,
					    { "vms" },
					    "kvmeter dirty status" },
	[KVMETER_DOCUMENT_QMP] = { "qmp",
				   kvmeter_keys_qmp,
				   { "" },
				   "kvmeter dirty start --qmp: what QEMU measured beside it" },
	[KVMETER_DOCUMENT_QUOTA] = { "quota",
				     kvmeter_keys_quota,
				     { "vms.vcpus" },
				     "kvmeter quota" },
	[KVMETER_DOCUMENT_QUOTA_SET] = { "quota-set",
					 kvmeter_keys_quota_set,
					 { "vms" },
					 "kvmeter quota VM RATE|off" },
	[KVMETER_DOCUMENT_FORECAST] = { "forecast",
					kvmeter_keys_forecast,
					{ "" },
					"kvmeter forecast" },
	[KVMETER_DOCUMENT_MIGRATE] = { "migrate",
				       kvmeter_keys_migrate,
				       { "vms.migration.rounds" },
				       "kvmeter migrate" },
	[KVMETER_DOCUMENT_AUTOCONVERGE] = { "autoconverge",
					    kvmeter_keys_autoconverge,
					    { "vms" },
					    "kvmeter autoconverge" },
	[KVMETER_DOCUMENT_LOG] = { "log",
				   kvmeter_keys_log,
				   { "" },
				   "kvmeter log: one record; what does not belong to its kind is 0" },
	[KVMETER_DOCUMENT_METRICS] = { "metrics",
				       kvmeter_keys_metrics,
				       { "*" },
				       "kvmeter metrics: by the struct that has them" },
	[KVMETER_DOCUMENT_STATUS] = { "status", kvmeter_keys_status, { "maps" }, "kvmeter status" },
	[KVMETER_DOCUMENT_ATTACH] = { "attach", kvmeter_keys_attach, { "maps" }, "kvmeter attach" },
	[KVMETER_DOCUMENT_DETACH] = { "detach", kvmeter_keys_detach, { "" }, "kvmeter detach" },
};

/**
 * kvmeter_documents_find - find a document by its name
 * @name: value of the key "document"
 *
 * Return: the document; ends the program if there is none.
 */
const struct kvmeter_document *kvmeter_documents_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < KVMETER_DOCUMENT_NR; i++) {
		if (!strcmp(kvmeter_documents[i].name, name))
			return &kvmeter_documents[i];
	}
	errx(1, "there is no document '%s'", name);
}

/**
 * kvmeter_documents_get_rows - what of a document is a row of CSV
 * @document: the document
 * @by: --by
 *
 * Return: see struct kvmeter_document.
 */
const char *kvmeter_documents_get_rows(const struct kvmeter_document *document, enum kvmeter_by by)
{
	return document->rows[by] ? document->rows[by] : document->rows[KVMETER_BY_VM];
}

struct keys {
	struct kvmeter_key *keys;
	unsigned int nr;
};

/* One that is there with some --by, in a list that is there with some: with those of both. */
static unsigned int combine(unsigned int a, unsigned int b)
{
	unsigned int by = a & KVMETER_KEY_ANY_BY;

	if (by && b & KVMETER_KEY_ANY_BY)
		by &= b;
	else
		by |= b & KVMETER_KEY_ANY_BY;
	return by | ((a | b) & ~KVMETER_KEY_ANY_BY);
}

/* A key that comes twice has the later value, at the place of the first, as in the JSON object. */
static void add_key(struct keys *to, const struct kvmeter_key *key, unsigned int flags)
{
	unsigned int i;

	for (i = 0; i < to->nr && strcmp(to->keys[i].name, key->name); i++)
		;
	if (i == KVMETER_KEYS_MAX)
		errx(1, "more than %u keys", KVMETER_KEYS_MAX);
	to->keys[i] = *key;
	to->keys[i].flags = combine(key->flags, flags);
	to->nr += i == to->nr;
}

static void add_metrics(struct keys *to, enum kvmeter_record_id id, unsigned int flags)
{
	const struct kvmeter_record *record = &kvmeter_records[id];
	const struct kvmeter_field *field;
	struct kvmeter_key key;

	for (field = record->fields; field < record->fields + record->nr; field++) {
		memset(&key, 0, sizeof(key));
		key.name = field->name;
		key.help = field->help;
		if (field->type == KVMETER_FIELD_HISTOGRAM) {
			key.type = KVMETER_KEY_NUMBERS;
			key.nr = KVMETER_HIST_BUCKETS;
		} else {
			key.unit = field->unit == KVMETER_UNIT_SECONDS ? "ns" : NULL;
			key.flags = field->type == KVMETER_FIELD_LOWEST ? KVMETER_KEY_NULL : 0;
		}
		add_key(to, &key, flags);
	}
}

static void add_keys(struct keys *to, const struct kvmeter_key *list, unsigned int flags)
{
	const struct kvmeter_key *key;

	for (key = list; key->name; key++) {
		if (key->type == KVMETER_KEY_SAME)
			add_keys(to, key->keys, combine(flags, key->flags));
		else if (key->type == KVMETER_KEY_METRICS)
			add_metrics(to, key->record, combine(flags, key->flags));
		else
			add_key(to, key, flags);
	}
}

/**
 * kvmeter_documents_get_keys - all keys of an object, each once
 * @list: what it has
 * @keys: room for KVMETER_KEYS_MAX; none is KVMETER_KEY_METRICS or KVMETER_KEY_SAME
 *
 * Return: how many, in the order in which the object has them.
 */
unsigned int kvmeter_documents_get_keys(const struct kvmeter_key *list, struct kvmeter_key *keys)
{
	struct keys to = { .keys = keys };

	add_keys(&to, list, 0);
	return to.nr;
}
