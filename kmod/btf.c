// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads type information in the kernel's own format, BTF, and compares prototypes with it.
 *
 * The format: Documentation/bpf/btf.rst. A header; types, each of 12 bytes and what its kind has
 * behind them, numbered from 1 on, 0 being void; strings. The types of a module refer to those of
 * the kernel, after which their numbers and the places of their strings go on.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include <linux/btf.h>

#include "btf.h"

/* So far in all kernels: later fields of the header are about something else. */
#define HEADER_MIN_BYTES 24

/* A later format has more bits for both; in an earlier one these are 0. */
#define GET_KIND(info) ((info) >> 24 & 0x7f)
#define GET_NR(info) ((info) & 0xffffff)

/* A type by another name, const and the like, as often as this; so a ring has an end. */
#define NAMES_MAX 32

/* Pointers to functions that are given pointers to functions, and so on. */
#define DEPTH_MAX 4

#define NO_TYPE (~0U)

#define TRACEPOINT_PREFIX "btf_trace_"
#define PER_CPU_SECTION ".data..percpu"

/* What is behind the 12 bytes of a type; ~0: there is no such kind. */
static __u64 get_more_bytes(__u32 info)
{
	__u64 nr = GET_NR(info);

	switch (GET_KIND(info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return nr * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return nr * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return nr * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return nr * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return nr * sizeof(struct btf_var_secinfo);
	default:
		return ~0ULL;
	}
}

static bool index_types(struct kvmeter_btf *btf, __u32 bytes)
{
	const struct btf_type *t;
	__u64 size;
	__u32 at;

	for (at = 0; at < bytes; at += size) {
		if (bytes - at < sizeof(*t))
			return false;
		t = (const void *)(btf->types + at);
		size = get_more_bytes(t->info);
		if (size > bytes - at - sizeof(*t))
			return false;
		size += sizeof(*t);
		btf->index[btf->end++ - btf->first] = at;
	}
	return true;
}

/**
 * kvmeter_btf_open - make types accessible
 * @btf: filled in
 * @data: the types, as the kernel shows them in /sys/kernel/btf; they stay in use
 * @bytes: size of that
 * @base: of a module: the kernel's; otherwise NULL
 * @index: room for @bytes / KVMETER_BTF_TYPE_MIN_BYTES numbers; it stays in use
 *
 * Context: any.
 * Return: false if they make no sense.
 */
bool kvmeter_btf_open(struct kvmeter_btf *btf, const void *data, __u32 bytes,
		      const struct kvmeter_btf *base, __u32 *index)
{
	const struct btf_header *header = data;
	__u64 types, strings;

	if (bytes < HEADER_MIN_BYTES || header->magic != BTF_MAGIC ||
	    header->version != BTF_VERSION || header->hdr_len < HEADER_MIN_BYTES)
		return false;
	types = (__u64)header->hdr_len + header->type_off;
	strings = (__u64)header->hdr_len + header->str_off;
	if (types % sizeof(__u32) || types + header->type_len > bytes ||
	    strings + header->str_len > bytes || !header->str_len)
		return false;

	btf->base = base;
	btf->types = (const char *)data + types;
	btf->strings = (const char *)data + strings;
	btf->strings_bytes = header->str_len;
	btf->first = base ? base->end : 1;
	btf->end = btf->first;
	btf->index = index;
	return !btf->strings[header->str_len - 1] && index_types(btf, header->type_len);
}

/* NULL if there is no such type; void is none. */
static const struct btf_type *get_type(const struct kvmeter_btf *btf, __u32 id)
{
	if (btf->base && id < btf->first)
		btf = btf->base;
	if (id < btf->first || id >= btf->end)
		return NULL;
	return (const void *)(btf->types + btf->index[id - btf->first]);
}

static const char *get_string(const struct kvmeter_btf *btf, __u32 at)
{
	if (btf->base) {
		if (at < btf->base->strings_bytes)
			return btf->base->strings + at;
		at -= btf->base->strings_bytes;
	}
	return at < btf->strings_bytes ? btf->strings + at : "";
}

/* The type behind other names of it, const and the like; 0: void, NO_TYPE: there is none. */
static __u32 strip(const struct kvmeter_btf *btf, __u32 id)
{
	const struct btf_type *t;
	int i;

	for (i = 0; id && i < NAMES_MAX; i++) {
		t = get_type(btf, id);
		if (!t)
			return NO_TYPE;
		switch (GET_KIND(t->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return id;
		}
	}
	return id ? NO_TYPE : 0;
}

/* Of this kind, behind its other names; or NULL. */
static const struct btf_type *get_kind(const struct kvmeter_btf *btf, __u32 id, __u32 kind)
{
	const struct btf_type *t = get_type(btf, strip(btf, id));

	return t && GET_KIND(t->info) == kind ? t : NULL;
}

static bool is_integer(const struct btf_type *t, __u32 size)
{
	__u32 coding;

	switch (GET_KIND(t->info)) {
	case BTF_KIND_INT:
		coding = *(const __u32 *)(t + 1);
		return t->size == size && !BTF_INT_OFFSET(coding) &&
		       BTF_INT_BITS(coding) == 8 * size;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return t->size == size;
	default:
		return false;
	}
}

static bool is_struct(const struct kvmeter_btf *btf, const struct btf_type *t, const char *name,
		      size_t len)
{
	const char *its;

	switch (GET_KIND(t->info)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
		its = get_string(btf, t->name_off);
		return !strncmp(its, name, len) && !its[len];
	default:
		return false;
	}
}

static bool match_function(const struct kvmeter_btf *btf, __u32 id, const char **like,
			   __u32 skip, int depth);

/* From here on @like is at what is to be matched, and once it has been, behind that. */

static bool match_integer(const struct kvmeter_btf *btf, __u32 id, const char **like)
{
	const struct btf_type *t = get_type(btf, id);
	__u32 size = 0;

	for (; **like >= '0' && **like <= '9' && size < 100; ++*like)
		size = size * 10 + (**like - '0');
	return t && size && is_integer(t, size);
}

static bool match_pointer(const struct kvmeter_btf *btf, __u32 id, const char **like, int depth);

static bool match_type(const struct kvmeter_btf *btf, __u32 id, const char **like, int depth)
{
	size_t len = strcspn(*like, " :|()");
	const struct btf_type *t;

	id = strip(btf, id);
	if (**like == '*')
		return match_pointer(btf, id, like, depth);
	if (**like >= '0' && **like <= '9')
		return match_integer(btf, id, like);
	t = get_type(btf, id);
	if (!t || !len || !is_struct(btf, t, *like, len))
		return false;
	*like += len;
	return true;
}

static bool match_pointer(const struct kvmeter_btf *btf, __u32 id, const char **like, int depth)
{
	const struct btf_type *t = get_kind(btf, id, BTF_KIND_PTR);

	if (!t || depth >= DEPTH_MAX)
		return false;
	++*like;
	if (!**like || strchr(" :|)", **like))
		return !strip(btf, t->type);
	if (**like != '(')
		return match_type(btf, t->type, like, depth + 1);
	++*like;
	if (!match_function(btf, t->type, like, 0, depth + 1) || **like != ')')
		return false;
	++*like;
	return true;
}

static bool match_return(const struct kvmeter_btf *btf, __u32 id, const char **like, int depth)
{
	if (**like == '0') {
		++*like;
		if (strip(btf, id))
			return false;
	} else if (!match_type(btf, id, like, depth)) {
		return false;
	}
	if (**like != ':')
		return false;
	++*like;
	return true;
}

static bool match_function(const struct kvmeter_btf *btf, __u32 id, const char **like,
			   __u32 skip, int depth)
{
	const struct btf_type *t = get_kind(btf, id, BTF_KIND_FUNC_PROTO);
	bool all = (*like)[strcspn(*like, " :|()")] == ':';
	const struct btf_param *params;
	__u32 i;

	if (!t || (all && !match_return(btf, t->type, like, depth)))
		return false;
	params = (const void *)(t + 1);
	for (i = skip; ; i++) {
		while (**like == ' ')
			++*like;
		if (!**like || **like == '|' || **like == ')')
			return !all || i == GET_NR(t->info);
		if (i >= GET_NR(t->info) || !match_type(btf, params[i].type, like, depth))
			return false;
	}
}

/* One alternative after the other. */
static bool fits_function(const struct kvmeter_btf *btf, __u32 id, const char *like, __u32 skip)
{
	const char *at;

	for (;; like++) {
		at = like;
		if (match_function(btf, id, &at, skip, 0) && (!*at || *at == '|'))
			return true;
		like += strcspn(like, "|");
		if (!*like)
			return false;
	}
}

/* It is known by a pointer to a probe, which is given a void * before anything else. */
static bool fits_tracepoint(const struct kvmeter_btf *btf, const struct btf_type *t,
			    const char *like)
{
	const char *data = "*";

	t = get_kind(btf, t->type, BTF_KIND_PTR);
	return t && fits_function(btf, t->type, data, 0) && fits_function(btf, t->type, like, 1);
}

static bool section_has(const struct btf_type *section, __u32 id)
{
	const struct btf_var_secinfo *vars = (const void *)(section + 1);
	__u32 i;

	for (i = 0; i < GET_NR(section->info); i++)
		if (vars[i].type == id)
			return true;
	return false;
}

static bool is_per_cpu(const struct kvmeter_btf *btf, __u32 id)
{
	const struct btf_type *t;
	__u32 section;

	for (section = btf->first; section < btf->end; section++) {
		t = get_type(btf, section);
		if (GET_KIND(t->info) == BTF_KIND_DATASEC &&
		    !strcmp(get_string(btf, t->name_off), PER_CPU_SECTION) && section_has(t, id))
			return true;
	}
	return false;
}

static bool fits_variable(const struct kvmeter_btf *btf, __u32 id, const struct btf_type *t,
			  const char *like)
{
	return match_type(btf, t->type, &like, 0) && !*like && is_per_cpu(btf, id);
}

static bool fits_number(__u32 value, const char *like)
{
	__u32 number;

	for (;; like++) {
		number = 0;
		for (; *like >= '0' && *like <= '9'; like++)
			number = number * 10 + (*like - '0');
		if (number == value)
			return true;
		if (*like != '|')
			return false;
	}
}

static void judge(__u8 *verdict, bool fits)
{
	if (*verdict != KVMETER_BTF_DIFFERS)
		*verdict = fits ? KVMETER_BTF_FITS : KVMETER_BTF_DIFFERS;
}

/* What is compared with what. @begins: of each kind, how the names in @rows begin. */
struct comparison {
	const struct kvmeter_btf *btf;
	const struct kvmeter_prototype *rows;
	unsigned int nr;
	__u8 *verdicts;
	__u64 begins[KVMETER_PROTOTYPE_NR];
};

/* One bit; names that begin with the same three characters have the same. */
static __u64 get_begin(const char *name)
{
	__u32 hash = 0;
	int i;

	for (i = 0; i < 3 && name[i]; i++)
		hash = hash * 5 + (__u8)name[i];
	return 1ULL << (hash & 63);
}

static void compare_row(const struct comparison *c, __u32 id, __u32 value, unsigned int row)
{
	const struct btf_type *t = get_type(c->btf, id);
	const char *like = c->rows[row].like;
	__u8 *verdict = &c->verdicts[row];

	switch (c->rows[row].kind) {
	case KVMETER_PROTOTYPE_FUNCTION:
		judge(verdict, fits_function(c->btf, t->type, like, 0));
		break;
	case KVMETER_PROTOTYPE_TRACEPOINT:
		judge(verdict, fits_tracepoint(c->btf, t, like));
		break;
	case KVMETER_PROTOTYPE_VARIABLE:
		/* There is one that is meant. */
		judge(verdict, !*verdict && fits_variable(c->btf, id, t, like));
		break;
	case KVMETER_PROTOTYPE_ENUMERATOR:
		judge(verdict, fits_number(value, like));
		break;
	}
}

/* By the name and kind of one type, or of one value of an enum. */
static void compare_name(const struct comparison *c, __u32 id, const char *name, __u32 kind,
			 __u32 value)
{
	unsigned int i;

	if (!(c->begins[kind] & get_begin(name)))
		return;
	for (i = 0; i < c->nr; i++)
		if (c->rows[i].kind == kind && !strcmp(c->rows[i].name, name))
			compare_row(c, id, value, i);
}

static void compare_type(const struct comparison *c, __u32 id)
{
	const size_t prefix_len = strlen(TRACEPOINT_PREFIX);
	const struct btf_type *t = get_type(c->btf, id);
	const char *name = get_string(c->btf, t->name_off);

	switch (GET_KIND(t->info)) {
	case BTF_KIND_FUNC:
		compare_name(c, id, name, KVMETER_PROTOTYPE_FUNCTION, 0);
		break;
	case BTF_KIND_VAR:
		compare_name(c, id, name, KVMETER_PROTOTYPE_VARIABLE, 0);
		break;
	case BTF_KIND_TYPEDEF:
		if (!strncmp(name, TRACEPOINT_PREFIX, prefix_len))
			compare_name(c, id, name + prefix_len, KVMETER_PROTOTYPE_TRACEPOINT, 0);
		break;
	}
}

static void compare_enum(const struct comparison *c, __u32 id)
{
	const struct btf_type *t = get_type(c->btf, id);
	const struct btf_enum *e = (const void *)(t + 1), *end;

	if (GET_KIND(t->info) != BTF_KIND_ENUM)
		return;
	for (end = e + GET_NR(t->info); e < end; e++)
		compare_name(c, id, get_string(c->btf, e->name_off), KVMETER_PROTOTYPE_ENUMERATOR,
			     e->val);
}

/**
 * kvmeter_btf_compare - compare prototypes with what is known of the names
 * @btf: of kvmeter_btf_open(); of a module, what it has itself
 * @rows: the prototypes
 * @nr: how many
 * @verdicts: enum kvmeter_btf_verdict for each
 *
 * Context: any. Each type is looked at once.
 */
void kvmeter_btf_compare(const struct kvmeter_btf *btf, const struct kvmeter_prototype *rows,
			 unsigned int nr, __u8 *verdicts)
{
	struct comparison c = { .btf = btf, .rows = rows, .nr = nr, .verdicts = verdicts };
	unsigned int i;
	__u32 id;

	memset(verdicts, KVMETER_BTF_ABSENT, nr);
	for (i = 0; i < nr; i++)
		c.begins[rows[i].kind] |= get_begin(rows[i].name);
	for (id = btf->first; id < btf->end; id++) {
		compare_type(&c, id);
		compare_enum(&c, id);
	}
}
