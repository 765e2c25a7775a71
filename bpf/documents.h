/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The documents that commands print: which there are, and what each key of them means.
 *
 * One description, from which the JSON Schema is made and the columns of CSV are taken.
 */
#ifndef KVMETER_DOCUMENTS_H
#define KVMETER_DOCUMENTS_H

#include "reader.h"

/*
 * Number of what the documents look like. It stays where keys, documents or words are added, and
 * goes up where a key goes, or where its name, type, unit or meaning changes.
 */
#define KVMETER_SCHEMA 1

/* What the value of a key is. The last two stand for several keys. */
enum kvmeter_key_type {
	KVMETER_KEY_INTEGER, /* not below 0 */
	KVMETER_KEY_SIGNED,
	KVMETER_KEY_NUMBER,
	KVMETER_KEY_BOOLEAN,
	KVMETER_KEY_TEXT,
	KVMETER_KEY_WORDS,   /* array of texts */
	KVMETER_KEY_NUMBERS, /* array of integers, null for those not known */
	KVMETER_KEY_OBJECT,
	KVMETER_KEY_ROWS,    /* array of objects */
	KVMETER_KEY_METRICS, /* all metrics of a record */
	KVMETER_KEY_SAME,    /* all of another list */
};

/* In kvmeter_key.flags: it may be null; it is only there with this --by, or with one of these. */
#define KVMETER_KEY_NULL 0x1
#define KVMETER_KEY_BY(by) (0x100U << (by))
#define KVMETER_KEY_ANY_BY (~0xffU)

/**
 * struct kvmeter_key - a key of a JSON object
 * @name: the key; of the last one of a list NULL, and the type is KVMETER_KEY_INTEGER
 * @type: what it has
 * @flags: KVMETER_KEY_NULL, KVMETER_KEY_BY()
 * @unit: of the number; NULL: none
 * @help: what it is
 * @keys: of KVMETER_KEY_OBJECT, _ROWS and _SAME: the list
 * @record: of KVMETER_KEY_METRICS
 * @nr: of KVMETER_KEY_NUMBERS: how many; 0: as many as there are
 */
struct kvmeter_key {
	const char *name;
	enum kvmeter_key_type type;
	unsigned int flags;
	const char *unit;
	const char *help;
	const struct kvmeter_key *keys;
	enum kvmeter_record_id record;
	unsigned int nr;
};

#define KVMETER_KEY(key, key_type, key_flags, key_unit, key_help)                                  \
	{                                                                                          \
		.name = key, .type = KVMETER_KEY_##key_type, .flags = key_flags, .unit = key_unit, \
		.help = key_help                                                                   \
	}
#define KVMETER_KEYS(key, key_type, key_flags, key_keys, key_help)                                 \
	{                                                                                          \
		.name = key, .type = KVMETER_KEY_##key_type, .flags = key_flags, .help = key_help, \
		.keys = key_keys                                                                   \
	}
#define KVMETER_KEY_ARRAY(key, key_flags, key_nr, key_unit, key_help)                           \
	{                                                                                       \
		.name = key, .type = KVMETER_KEY_NUMBERS, .flags = key_flags, .unit = key_unit, \
		.help = key_help, .nr = key_nr                                                  \
	}
#define KVMETER_KEYS_OF_RECORD(key_record, key_flags)                        \
	{                                                                    \
		.name = "", .type = KVMETER_KEY_METRICS, .flags = key_flags, \
		.record = KVMETER_RECORD_##key_record                        \
	}
#define KVMETER_KEYS_OF(key_keys, key_flags)                                               \
	{                                                                                  \
		.name = "", .type = KVMETER_KEY_SAME, .flags = key_flags, .keys = key_keys \
	}

/* Most keys that an object has. */
#define KVMETER_KEYS_MAX 192

/**
 * struct kvmeter_document - a document that a command prints
 * @name: its key "document"
 * @keys: all it has
 * @rows: by --by, the keys on the way to the array whose elements are the rows of CSV, with dots
 *	  between; "": the document is one row; "*": all arrays of it. NULL: as without --by
 * @help: which command prints it
 */
struct kvmeter_document {
	const char *name;
	const struct kvmeter_key *keys;
	const char *rows[KVMETER_BY_NR];
	const char *help;
};

/* documents.c */
extern const struct kvmeter_document kvmeter_documents[KVMETER_DOCUMENT_NR];
const struct kvmeter_document *kvmeter_documents_find(const char *name);
unsigned int kvmeter_documents_get_keys(const struct kvmeter_key *list, struct kvmeter_key *keys);
const char *kvmeter_documents_get_rows(const struct kvmeter_document *document, enum kvmeter_by by);

/* documents_views.c, documents_dirty.c, documents_module.c, documents_doctor.c */
extern const struct kvmeter_key kvmeter_keys_report[];
extern const struct kvmeter_key kvmeter_keys_vm[];
extern const struct kvmeter_key kvmeter_keys_vcpu[];
extern const struct kvmeter_key kvmeter_keys_list[];
extern const struct kvmeter_key kvmeter_keys_top[];
extern const struct kvmeter_key kvmeter_keys_stat[];
extern const struct kvmeter_key kvmeter_keys_ledger[];
extern const struct kvmeter_key kvmeter_keys_exits[];
extern const struct kvmeter_key kvmeter_keys_steal[];
extern const struct kvmeter_key kvmeter_keys_wakeups[];
extern const struct kvmeter_key kvmeter_keys_dirty[];
extern const struct kvmeter_key kvmeter_keys_heat[];
extern const struct kvmeter_key kvmeter_keys_dirty_start[];
extern const struct kvmeter_key kvmeter_keys_dirty_stop[];
extern const struct kvmeter_key kvmeter_keys_dirty_status[];
extern const struct kvmeter_key kvmeter_keys_qmp[];
extern const struct kvmeter_key kvmeter_keys_quota[];
extern const struct kvmeter_key kvmeter_keys_quota_set[];
extern const struct kvmeter_key kvmeter_keys_forecast[];
extern const struct kvmeter_key kvmeter_keys_migrate[];
extern const struct kvmeter_key kvmeter_keys_autoconverge[];
extern const struct kvmeter_key kvmeter_keys_log[];
extern const struct kvmeter_key kvmeter_keys_metrics[];
extern const struct kvmeter_key kvmeter_keys_status[];
extern const struct kvmeter_key kvmeter_keys_attach[];
extern const struct kvmeter_key kvmeter_keys_detach[];
extern const struct kvmeter_key kvmeter_keys_record[];
extern const struct kvmeter_key kvmeter_keys_doctor[];
extern const struct kvmeter_key kvmeter_keys_doctor_rules[];

#endif /* KVMETER_DOCUMENTS_H */
