// SPDX-License-Identifier: GPL-2.0-only
/* What the keys mean in the documents of doctor. */
#include "documents.h"

#define KEY KVMETER_KEY
#define KEYS KVMETER_KEYS
#define SAME KVMETER_KEYS_OF
#define NUL KVMETER_KEY_NULL

static const struct kvmeter_key sufferer[] = {
	KEY("name", TEXT, 0, NULL, "name of the VM, as it may be shown"),
	KEY("id", TEXT, 0, NULL, "<pid>-<fd>: pid of its VMM, and a file descriptor there"),
	KEY("cost_cpus", NUMBER, 0, "CPUs", "what it loses by that, CPU seconds a second"),
	{},
};

static const struct kvmeter_key figure[] = {
	KEY("what", TEXT, 0, NULL, "what was measured"),
	KEY("value", NUMBER, 0, NULL, "how much"),
	KEY("unit", TEXT, 0, NULL, "of what"),
	{},
};

static const struct kvmeter_key result[] = {
	KEY("rule", TEXT, 0, NULL, "word for the rule: kvmeter doctor --rules"),
	KEY("result", TEXT, 0, NULL, "found, not_known or passed: nothing found"),
	KEY("cost_cpus", NUMBER, 0, "CPUs", "what is lost in all, CPU seconds a second"),
	KEY("at_most", BOOLEAN, 0, NULL, "that is an upper bound"),
	KEY("what", TEXT, NUL, NULL, "what is wrong, in plain words; of not_known: why"),
	KEY("who", TEXT, NUL, NULL, "the VMs, with their ids; null: the host, or nothing found"),
	KEY("evidence_text", TEXT, NUL, NULL, "the evidence as text"),
	KEY("remedy", TEXT, NUL, NULL, "what to do"),
	KEY("threshold", NUMBER, 0, NULL, "where the rule begins"),
	KEY("unit", TEXT, 0, NULL, "of the threshold"),
	KEYS("vms", ROWS, 0, sufferer, "VMs that it is about, most costly first"),
	KEYS("evidence", ROWS, 0, figure, "the evidence"),
	{},
};

const struct kvmeter_key kvmeter_keys_doctor[] = {
	SAME(kvmeter_keys_report, 0),
	KEY("features", WORDS, 0, NULL, "what is on in the module"),
	KEY("found", INTEGER, 0, NULL, "results that are found"),
	KEY("not_known", INTEGER, 0, NULL, "results that are not_known"),
	KEYS("results", ROWS, 0, result,
	     "what the rules say, each at least once: most costly first, then not_known"),
	{},
};

static const struct kvmeter_key rule[] = {
	KEY("rule", TEXT, 0, NULL, "word for it"),
	KEY("threshold", NUMBER, 0, NULL, "where it begins"),
	KEY("unit", TEXT, 0, NULL, "of the threshold"),
	KEY("compared", TEXT, 0, NULL, "what is compared with the threshold"),
	KEY("meaning", TEXT, 0, NULL, "what it means where it is found"),
	KEY("source", TEXT, 0, NULL, "where the threshold comes from"),
	{},
};

const struct kvmeter_key kvmeter_keys_doctor_rules[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of this reader"),
	KEYS("rules", ROWS, 0, rule, "the rules"),
	{},
};
