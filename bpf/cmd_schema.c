// SPDX-License-Identifier: GPL-2.0-only
/* The command schema: a JSON Schema of all documents that are printed. */
#include <stdio.h>

#include "documents.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

static struct json_object *new_object(const struct kvmeter_key *list);

static void add_text(struct json_object *obj, const char *key, const char *text)
{
	json_object_object_add(obj, key, json_object_new_string(text));
}

static const char *get_type(const struct kvmeter_key *key)
{
	static const char *const types[] = {
		[KVMETER_KEY_INTEGER] = "integer", [KVMETER_KEY_SIGNED] = "integer",
		[KVMETER_KEY_NUMBER] = "number",   [KVMETER_KEY_BOOLEAN] = "boolean",
		[KVMETER_KEY_TEXT] = "string",	   [KVMETER_KEY_WORDS] = "array",
		[KVMETER_KEY_NUMBERS] = "array",   [KVMETER_KEY_OBJECT] = "object",
		[KVMETER_KEY_ROWS] = "array",
	};

	return types[key->type];
}

static void add_type(struct json_object *obj, const char *type, bool null)
{
	struct json_object *both;

	if (!null) {
		add_text(obj, "type", type);
		return;
	}
	both = json_object_new_array();
	json_object_array_add(both, json_object_new_string(type));
	json_object_array_add(both, json_object_new_string("null"));
	json_object_object_add(obj, "type", both);
}

/* What the elements of an array are. */
static struct json_object *new_element(const struct kvmeter_key *key)
{
	struct json_object *obj;

	if (key->type == KVMETER_KEY_ROWS)
		return new_object(key->keys);
	obj = json_object_new_object();
	add_type(obj, key->type == KVMETER_KEY_WORDS ? "string" : "integer",
		 key->type == KVMETER_KEY_NUMBERS);
	return obj;
}

static struct json_object *new_key(const struct kvmeter_key *key)
{
	struct json_object *obj =
		key->type == KVMETER_KEY_OBJECT ? new_object(key->keys) : json_object_new_object();

	add_type(obj, get_type(key), key->flags & KVMETER_KEY_NULL);
	add_text(obj, "description", key->help);
	/* for people and programs that look for it: validators pass over it */
	if (key->unit)
		add_text(obj, "unit", key->unit);
	if (key->type == KVMETER_KEY_INTEGER)
		json_object_object_add(obj, "minimum", json_object_new_int(0));
	if (key->type == KVMETER_KEY_WORDS || key->type == KVMETER_KEY_NUMBERS ||
	    key->type == KVMETER_KEY_ROWS)
		json_object_object_add(obj, "items", new_element(key));
	if (key->type == KVMETER_KEY_NUMBERS && key->nr) {
		json_object_object_add(obj, "minItems", json_object_new_int(key->nr));
		json_object_object_add(obj, "maxItems", json_object_new_int(key->nr));
	}
	return obj;
}

/* Keys that are only there with some --by are not required. */
static struct json_object *new_object(const struct kvmeter_key *list)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();
	struct kvmeter_key keys[KVMETER_KEYS_MAX];
	unsigned int i, nr = kvmeter_documents_get_keys(list, keys);

	for (i = 0; i < nr; i++) {
		json_object_object_add(properties, keys[i].name, new_key(&keys[i]));
		if (!(keys[i].flags & KVMETER_KEY_ANY_BY))
			json_object_array_add(required, json_object_new_string(keys[i].name));
	}
	add_text(obj, "type", "object");
	json_object_object_add(obj, "properties", properties);
	json_object_object_add(obj, "required", required);
	return obj;
}

static void add_const(struct json_object *properties, const char *key, struct json_object *value,
		      const char *help)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "const", value);
	add_text(obj, "description", help);
	json_object_object_add(properties, key, obj);
}

static struct json_object *new_document(const struct kvmeter_document *document)
{
	struct json_object *obj = new_object(document->keys), *properties, *required;

	properties = json_object_object_get(obj, "properties");
	required = json_object_object_get(obj, "required");
	add_const(properties, "schema", json_object_new_int(KVMETER_SCHEMA),
		  "number of this schema");
	add_const(properties, "document", json_object_new_string(document->name),
		  "which document it is");
	json_object_array_add(required, json_object_new_string("schema"));
	json_object_array_add(required, json_object_new_string("document"));
	add_text(obj, "description", document->help);
	return obj;
}

/**
 * kvmeter_schema_new - make the schema of all documents
 *
 * Return: an object.
 */
struct json_object *kvmeter_schema_new(void)
{
	struct json_object *obj = json_object_new_object(), *one_of = json_object_new_array();
	struct json_object *defs = json_object_new_object(), *ref;
	const struct kvmeter_document *document;
	char path[64];

	for (document = kvmeter_documents; document < kvmeter_documents + KVMETER_DOCUMENT_NR;
	     document++) {
		json_object_object_add(defs, document->name, new_document(document));
		ref = json_object_new_object();
		snprintf(path, sizeof(path), "#/$defs/%s", document->name);
		add_text(ref, "$ref", path);
		json_object_array_add(one_of, ref);
	}
	add_text(obj, "$schema", DIALECT);
	add_text(obj, "title", "kvmeter");
	add_text(obj, "description", "each line that a command prints with --json");
	json_object_object_add(obj, "oneOf", one_of);
	json_object_object_add(obj, "$defs", defs);
	return obj;
}

/**
 * kvmeter_cmd_schema - kvmeter schema
 * @args: the command line
 */
void kvmeter_cmd_schema(const struct kvmeter_args *args)
{
	struct json_object *obj = kvmeter_schema_new();
	int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;

	(void)args;
	puts(json_object_to_json_string_ext(obj, flags));
	json_object_put(obj);
}
