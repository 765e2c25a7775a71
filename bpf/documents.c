// SPDX-License-Identifier: GPL-2.0-only
/* The table of all documents, and the keys of an object one by one. */
#include <err.h>
#include <string.h>

#include "documents.h"

#define ROWS(...)           \
	{                   \
		__VA_ARGS__ \
	}
#define DOCUMENT(id, name, keys, rows, help) \
	[KVMETER_DOCUMENT_##id] = { name, kvmeter_keys_##keys, rows, help }

#define VMS ROWS("vms")
#define VMS_OR_VCPUS ROWS("vms", [KVMETER_BY_VCPU] = "vms.vcpus")
#define NO_ROWS ROWS("")

/* What the rows of exits and of steal are. */
#define EXITS                                                                 \
	ROWS("vms.reasons", [KVMETER_BY_VCPU] = "vms.vcpus.reasons",          \
	     [KVMETER_BY_CLASS] = "classes", [KVMETER_BY_REASON] = "reasons", \
	     [KVMETER_BY_SUB] = "subs")
#define STEAL                                                                            \
	ROWS("vms", [KVMETER_BY_VCPU] = "vms.vcpus", [KVMETER_BY_THIEF] = "vms.thieves", \
	     [KVMETER_BY_CAUSE] = "vms.causes")

const struct kvmeter_document kvmeter_documents[KVMETER_DOCUMENT_NR] = {
	DOCUMENT(LIST, "list", list, VMS_OR_VCPUS, "kvmeter list"),
	DOCUMENT(TOP, "top", top, VMS, "kvmeter top --json"),
	DOCUMENT(STAT, "stat", stat, VMS, "kvmeter stat"),
	DOCUMENT(LEDGER, "ledger", ledger, VMS_OR_VCPUS, "kvmeter ledger"),
	DOCUMENT(EXITS, "exits", exits, EXITS, "kvmeter exits"),
	DOCUMENT(STEAL, "steal", steal, STEAL, "kvmeter steal"),
	DOCUMENT(WAKEUPS, "wakeups", wakeups, VMS_OR_VCPUS, "kvmeter wakeups"),
	DOCUMENT(DIRTY, "dirty", dirty, VMS_OR_VCPUS, "kvmeter dirty"),
	DOCUMENT(HEAT, "heat", heat, ROWS("cells"),
		 "kvmeter dirty --heat: pages dirtied in an interval"),
	DOCUMENT(DIRTY_START, "dirty-start", dirty_start, NO_ROWS,
		 "kvmeter dirty start: the session that has begun"),
	DOCUMENT(DIRTY_STOP, "dirty-stop", dirty_stop, NO_ROWS,
		 "kvmeter dirty stop: the session that has ended"),
	DOCUMENT(DIRTY_STATUS, "dirty-status", dirty_status, VMS, "kvmeter dirty status"),
	DOCUMENT(QMP, "qmp", qmp, NO_ROWS,
		 "kvmeter dirty start --qmp: what QEMU measured beside it"),
	DOCUMENT(QUOTA, "quota", quota, ROWS("vms.vcpus"), "kvmeter quota"),
	DOCUMENT(QUOTA_SET, "quota-set", quota_set, VMS, "kvmeter quota VM RATE|off"),
	DOCUMENT(FORECAST, "forecast", forecast, NO_ROWS, "kvmeter forecast"),
	DOCUMENT(MIGRATE, "migrate", migrate, ROWS("vms.migration.rounds"), "kvmeter migrate"),
	DOCUMENT(AUTOCONVERGE, "autoconverge", autoconverge, VMS, "kvmeter autoconverge"),
	DOCUMENT(LOG, "log", log, NO_ROWS, "kvmeter log: a record; what its kind has not is 0"),
	DOCUMENT(METRICS, "metrics", metrics, ROWS("*"),
		 "kvmeter metrics: by the struct that has them"),
	DOCUMENT(STATUS, "status", status, ROWS("maps"), "kvmeter status"),
	DOCUMENT(ATTACH, "attach", attach, ROWS("maps"), "kvmeter attach"),
	DOCUMENT(DETACH, "detach", detach, NO_ROWS, "kvmeter detach"),
	DOCUMENT(RECORD, "record", record, NO_ROWS, "kvmeter record: what was written"),
	DOCUMENT(DOCTOR, "doctor", doctor, ROWS("results"), "kvmeter doctor"),
	DOCUMENT(DOCTOR_RULES, "doctor-rules", doctor_rules, ROWS("rules"),
		 "kvmeter doctor --rules"),
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
