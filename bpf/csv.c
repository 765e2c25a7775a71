// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints JSON documents as CSV (RFC 4180).
 *
 * A column is a value of the document; its name is made of the keys on the way to it, with dots
 * between, and in an array of numbers the index. What a row is in comes before it, in each row
 * again; arrays of objects that are not on the way to the rows are left out.
 */
#include <stdlib.h>
#include <string.h>

#include "documents.h"

#define COLUMN_MAX 256

/*
 * A table that is being printed.
 * @heading: its columns are named; otherwise it is a document's values
 * @by: --by
 * @line: the row, as far as it is known
 * @len: bytes of it
 * @room: bytes there is room for
 */
struct table {
	bool heading;
	enum kvmeter_by by;
	char *line;
	unsigned int len, room;
};

static struct {
	bool chosen;
	enum kvmeter_by by;
	const struct kvmeter_document *document; /* whose columns were named last */
} csv;

static void add_char(struct table *t, char c)
{
	t->line = kvmeter_array_grow(t->line, &t->room, t->len + 1, 1);
	t->line[t->len++] = c;
}

/* What needs no quotes has none. @text: NULL: an empty field */
static void add_field(struct table *t, const char *text)
{
	bool quoted = text && text[strcspn(text, ",\"\r\n")];

	if (quoted)
		add_char(t, '"');
	for (; text && *text; text++) {
		if (*text == '"')
			add_char(t, '"');
		add_char(t, *text);
	}
	if (quoted)
		add_char(t, '"');
	add_char(t, ',');
}

/* A column: its name, or its value as JSON has it, text without its quotes. */
static void add_column(struct table *t, const char *column, struct json_object *value)
{
	if (t->heading)
		add_field(t, column);
	else
		add_field(t, value ? json_object_get_string(value) : NULL);
}

static void print_line(const struct table *t)
{
	/* without the comma behind the last field */
	fwrite(t->line, 1, t->len - 1, stdout);
	fputs("\r\n", stdout);
}

/* Words are one column, with blanks between. */
static void add_words(struct table *t, const char *column, struct json_object *words)
{
	size_t i, nr = words ? json_object_array_length(words) : 0;
	struct json_object *text;
	char joined[COLUMN_MAX] = "";
	size_t len = 0;

	for (i = 0; i < nr && len < sizeof(joined); i++)
		len += snprintf(joined + len, sizeof(joined) - len, "%s%s", i ? " " : "",
				json_object_get_string(json_object_array_get_idx(words, i)));
	text = json_object_new_string(joined);
	add_column(t, column, text);
	json_object_put(text);
}

static void add_numbers(struct table *t, const struct kvmeter_key *key, const char *column,
			struct json_object *numbers)
{
	struct json_object *number;
	char one[COLUMN_MAX + 16];
	unsigned int i;

	for (i = 0; i < key->nr; i++) {
		snprintf(one, sizeof(one), "%s.%u", column, i);
		number = numbers ? json_object_array_get_idx(numbers, i) : NULL;
		add_column(t, one, number);
	}
}

/* Is it one of the keys that the way to the rows, @rows, begins with? */
static bool is_on_way(const struct kvmeter_key *key, const char *rows)
{
	size_t len = strcspn(rows, ".");

	if (!strcmp(rows, "*"))
		return key->type == KVMETER_KEY_ROWS;
	return !strncmp(key->name, rows, len) && !key->name[len];
}

static bool is_there(const struct table *t, const struct kvmeter_key *key)
{
	return !(key->flags & KVMETER_KEY_ANY_BY) || key->flags & KVMETER_KEY_BY(t->by);
}

/* @prefix: of the column's names */
static void add_keys(struct table *t, const struct kvmeter_key *list, const char *prefix,
		     struct json_object *obj, const char *rows)
{
	struct kvmeter_key keys[KVMETER_KEYS_MAX];
	unsigned int i, nr = kvmeter_documents_get_keys(list, keys);
	char column[COLUMN_MAX], below[COLUMN_MAX];
	struct json_object *value;

	for (i = 0; i < nr; i++) {
		if (!is_there(t, &keys[i]) || is_on_way(&keys[i], rows))
			continue;
		value = obj ? json_object_object_get(obj, keys[i].name) : NULL;
		snprintf(column, sizeof(column), "%s%s", prefix, keys[i].name);
		if (keys[i].type == KVMETER_KEY_OBJECT) {
			snprintf(below, sizeof(below), "%s%s.", prefix, keys[i].name);
			add_keys(t, keys[i].keys, below, value, "");
		} else if (keys[i].type == KVMETER_KEY_NUMBERS) {
			add_numbers(t, &keys[i], column, value);
		} else if (keys[i].type == KVMETER_KEY_WORDS) {
			add_words(t, column, value);
		} else if (keys[i].type != KVMETER_KEY_ROWS) {
			add_column(t, column, value);
		}
	}
}

static void print_rows(struct table *t, const struct kvmeter_key *list, const char *prefix,
		       struct json_object *obj, const char *rows);

/* Numbers that are rows themselves: the index, and the number. */
static void print_numbers(struct table *t, const char *column, struct json_object *numbers)
{
	size_t i, nr = t->heading ? 1 : json_object_array_length(numbers);
	unsigned int len = t->len;
	char index[COLUMN_MAX + 16];

	for (i = 0; i < nr; i++) {
		struct json_object *number = json_object_new_int64(i);

		snprintf(index, sizeof(index), "%s.index", column);
		t->len = len;
		add_column(t, index, number);
		json_object_put(number);
		number = t->heading ? NULL : json_object_array_get_idx(numbers, i);
		add_column(t, column, number);
		print_line(t);
	}
}

/* The rows in the value of one key, which is on the way to them. */
static void print_rows_in(struct table *t, const struct kvmeter_key *key, const char *prefix,
			  struct json_object *value, const char *rows)
{
	const char *rest = rows + strcspn(rows, ".");
	unsigned int len = t->len;
	char below[COLUMN_MAX];
	size_t i, nr;

	snprintf(below, sizeof(below), "%s%s%s", prefix, key->name,
		 key->type == KVMETER_KEY_NUMBERS ? "" : ".");
	rest += *rest == '.';
	if (!t->heading && !value)
		return;
	if (key->type == KVMETER_KEY_NUMBERS) {
		print_numbers(t, below, value);
	} else if (t->heading || key->type == KVMETER_KEY_OBJECT) {
		print_rows(t, key->keys, strcmp(rows, "*") ? below : prefix, value, rest);
	} else {
		nr = json_object_array_length(value);
		for (i = 0; i < nr; i++) {
			t->len = len;
			print_rows(t, key->keys, below, json_object_array_get_idx(value, i), rest);
		}
	}
}

static void print_rows(struct table *t, const struct kvmeter_key *list, const char *prefix,
		       struct json_object *obj, const char *rows)
{
	struct kvmeter_key keys[KVMETER_KEYS_MAX];
	unsigned int i, len, nr = kvmeter_documents_get_keys(list, keys);

	add_keys(t, list, prefix, obj, rows);
	if (!*rows) {
		print_line(t);
		return;
	}
	len = t->len;
	for (i = 0; i < nr; i++) {
		if (!is_there(t, &keys[i]) || !is_on_way(&keys[i], rows))
			continue;
		t->len = len;
		print_rows_in(t, &keys[i], prefix,
			      obj ? json_object_object_get(obj, keys[i].name) : NULL, rows);
		/* one name of the columns of all arrays */
		if (t->heading)
			break;
	}
}

/**
 * kvmeter_csv_choose - have documents printed as CSV from now on
 * @by: --by, on which the rows depend
 */
void kvmeter_csv_choose(enum kvmeter_by by)
{
	csv.chosen = true;
	csv.by = by;
	csv.document = NULL;
}

/**
 * kvmeter_csv_print - print a document, if CSV was chosen
 * @obj: the document, with its name in it
 *
 * Columns are named before the first document. One of another kind is another table, after an empty
 * line.
 *
 * Return: false if CSV was not chosen.
 */
bool kvmeter_csv_print(struct json_object *obj)
{
	const struct kvmeter_document *document;
	struct table t = { .by = csv.by };
	const char *name, *rows;

	if (!csv.chosen)
		return false;
	name = json_object_get_string(json_object_object_get(obj, "document"));
	document = kvmeter_documents_find(name);
	rows = kvmeter_documents_get_rows(document, csv.by);
	if (document != csv.document) {
		if (csv.document)
			fputs("\r\n", stdout);
		t.heading = true;
		print_rows(&t, document->keys, "", NULL, rows);
		csv.document = document;
	}
	t.heading = false;
	t.len = 0;
	print_rows(&t, document->keys, "", obj, rows);
	free(t.line);
	return true;
}
