// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's reader of type information: what fits a prototype, what does not, and that nothing
 * it is given, of whatever content, has it read beyond the end or go on for ever.
 *
 * Needs neither root nor the module. The random numbers follow from BTF_SEED in the environment, or
 * else from the time; each case prints what it began with.
 */
#include <linux/btf.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <kselftest_harness.h>

#include "../kmod/btf.h"
#include "random.h"

#define BLOB_BYTES 16384
#define LIKE_BYTES sizeof(((struct kvmeter_prototype *)0)->like)
#define PARAMS_MAX 4
#define DEPTH_MAX 2

#define PROTOTYPES 10007
#define MUTANTS (getenv("KVMETER_LONG") ? 2000003 : 200003)

/* What is being written: types, numbered from @next on, and their strings. */
struct writer {
	__u32 next;
	__u32 strings_from;
	__u32 types_nr;
	__u32 strings_nr;
	__u32 types[BLOB_BYTES / 4];
	char strings[BLOB_BYTES];
};

/* Memory that ends where nothing may be touched. */
struct fence {
	char *mem;
	size_t bytes;
};

struct reader {
	struct kvmeter_btf btf;
	struct fence data;
	struct fence index;
};

static void writer_init(struct writer *w, const struct writer *base)
{
	w->next = base ? base->next : 1;
	w->strings_from = base ? base->strings_from + base->strings_nr : 0;
	w->types_nr = 0;
	w->strings_nr = 0;
	memset(w->strings, 0, sizeof(w->strings));
	w->strings[w->strings_nr++] = '\0';
}

static __u32 add_string(struct writer *w, const char *text)
{
	__u32 at = w->strings_nr;

	if (!*text)
		return 0;
	memcpy(w->strings + at, text, strlen(text) + 1);
	w->strings_nr += strlen(text) + 1;
	return w->strings_from + at;
}

static void add_word(struct writer *w, __u32 word)
{
	w->types[w->types_nr++] = word;
}

static __u32 add_type(struct writer *w, __u32 kind, const char *name, __u32 nr, __u32 size)
{
	add_word(w, add_string(w, name));
	add_word(w, kind << 24 | nr);
	add_word(w, size);
	return w->next++;
}

static __u32 add_int(struct writer *w, __u32 bytes)
{
	__u32 id = add_type(w, BTF_KIND_INT, "int", 0, bytes);

	add_word(w, 8 * bytes);
	return id;
}

static __u32 add_function(struct writer *w, const char *name, __u32 result, __u32 nr,
			  const __u32 *params)
{
	__u32 i, id = add_type(w, BTF_KIND_FUNC_PROTO, "", nr, result);

	for (i = 0; i < nr; i++) {
		add_word(w, 0);
		add_word(w, params[i]);
	}
	return name ? add_type(w, BTF_KIND_FUNC, name, 0, id) : id;
}

static bool fence_init(struct fence *f, size_t bytes)
{
	f->bytes = bytes;
	f->mem = mmap(NULL, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	return f->mem != MAP_FAILED && !mprotect(f->mem + bytes, 4096, PROT_NONE);
}

/* The last @bytes of it, or some more where these are not aligned. */
static void *fence_end(struct fence *f, size_t bytes)
{
	return f->mem + f->bytes - (bytes + 3) / 4 * 4;
}

static bool reader_init(struct reader *r)
{
	return fence_init(&r->data, 16 * 4096) && fence_init(&r->index, 16 * 4096);
}

static void reader_exit(struct reader *r)
{
	munmap(r->data.mem, r->data.bytes + 4096);
	munmap(r->index.mem, r->index.bytes + 4096);
}

static bool reader_open(struct reader *r, const void *data, __u32 bytes, const struct reader *base)
{
	void *copy = fence_end(&r->data, bytes);

	memcpy(copy, data, bytes);
	return kvmeter_btf_open(&r->btf, copy, bytes, base ? &base->btf : NULL,
				fence_end(&r->index, bytes / KVMETER_BTF_TYPE_MIN_BYTES * 4));
}

/* As a file would have it. Return: its size, of whole words. */
static __u32 writer_finish(const struct writer *w, char *data)
{
	struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(header),
		.type_len = w->types_nr * 4,
		.str_off = w->types_nr * 4,
		.str_len = (w->strings_nr + 3) / 4 * 4,
	};

	memset(data, 0, BLOB_BYTES);
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), w->types, header.type_len);
	memcpy(data + sizeof(header) + header.str_off, w->strings, w->strings_nr);
	return sizeof(header) + header.type_len + header.str_len;
}

FIXTURE(btf)
{
	struct writer kernel;
	struct writer module;
	struct reader kernel_reader;
	struct reader module_reader;
	char data[BLOB_BYTES];
	__u32 bytes;
	__u32 int4;
	__u32 int8;
	__u32 kvm;
	__u32 kvm_ptr;
	__u32 void_ptr;
};

/* Some types, as a kernel has them, for all cases. */
FIXTURE_SETUP(btf)
{
	struct writer *w = &self->kernel;
	__u32 c;

	random_begin("BTF_SEED");
	TH_LOG("BTF_SEED=%llu", random_seed);
	writer_init(w, NULL);
	self->int4 = add_int(w, 4);
	self->int8 = add_int(w, 8);
	self->kvm = add_type(w, BTF_KIND_STRUCT, "kvm", 1, 8);
	add_word(w, 0);
	add_word(w, self->int8);
	add_word(w, 0);
	/* Const, in const memory, by another name. */
	c = add_type(w, BTF_KIND_CONST, "", 0, self->kvm);
	self->kvm_ptr = add_type(w, BTF_KIND_PTR, "", 0, c);
	self->void_ptr = add_type(w, BTF_KIND_PTR, "", 0, 0);
	ASSERT_TRUE(reader_init(&self->kernel_reader));
	ASSERT_TRUE(reader_init(&self->module_reader));
}

FIXTURE_TEARDOWN(btf)
{
	reader_exit(&self->kernel_reader);
	reader_exit(&self->module_reader);
}

static struct kvmeter_prototype make_row(__u32 kind, const char *name, const char *like)
{
	struct kvmeter_prototype row = { .kind = kind };

	snprintf(row.name, sizeof(row.name), "%s", name);
	snprintf(row.like, sizeof(row.like), "%s", like);
	return row;
}

static int compare(const struct reader *r, __u32 kind, const char *name, const char *like)
{
	struct kvmeter_prototype row = make_row(kind, name, like);
	__u8 verdict = 77;

	kvmeter_btf_compare(&r->btf, &row, 1, &verdict);
	return verdict;
}

static bool finish(FIXTURE_DATA(btf) * self)
{
	self->bytes = writer_finish(&self->kernel, self->data);
	return reader_open(&self->kernel_reader, self->data, self->bytes, NULL);
}

/* After finish(), over what that wrote. */
static bool open_module(FIXTURE_DATA(btf) * self)
{
	self->bytes = writer_finish(&self->module, self->data);
	return reader_open(&self->module_reader, self->data, self->bytes, &self->kernel_reader);
}

#define FUNCTION KVMETER_PROTOTYPE_FUNCTION
#define FITS KVMETER_BTF_FITS
#define DIFFERS KVMETER_BTF_DIFFERS
#define ABSENT KVMETER_BTF_ABSENT

/* int f(struct kvm *, u64, void *) */
TEST_F(btf, function)
{
	static const struct {
		const char *like;
		int verdict;
	} cases[] = {
		{ "", FITS },
		{ "*kvm", FITS },
		{ "*kvm 8", FITS },
		{ "*kvm 8 *", FITS },
		{ "*kvm 8 * *", DIFFERS },
		{ "*kvm 8 *kvm", DIFFERS },
		{ "*kvm *", DIFFERS },
		{ "*kvm 4", DIFFERS },
		{ "*kvm 80", DIFFERS },
		{ "*kv", DIFFERS },
		{ "*kvm_", DIFFERS },
		{ "kvm", DIFFERS },
		{ "**kvm", DIFFERS },
		{ "*8", DIFFERS },
		{ "*", DIFFERS },
		{ "8", DIFFERS },
		{ "0", DIFFERS },
		{ "4: *kvm 8 *", FITS },
		{ "4:*kvm 8 *", FITS },
		{ "4: *kvm 8", DIFFERS },
		{ "4: *kvm 8 * 4", DIFFERS },
		{ "8: *kvm 8 *", DIFFERS },
		{ "0: *kvm 8 *", DIFFERS },
		{ "*: *kvm 8 *", DIFFERS },
		{ "4|*kvm 4|*kvm 8", FITS },
		{ "*kvm 8|4", FITS },
		{ "*kvm 4|8", DIFFERS },
		{ "4: *kvm 8|4: *kvm 8 *", FITS },
		{ "4: *kvm 8|4: *kvm", DIFFERS },
		{ "*kvm 8 *(", DIFFERS },
		{ "*kvm 8 *)", DIFFERS },
		{ "*kvm 8 *!", DIFFERS },
		{ "!", DIFFERS },
	};
	const __u32 params[] = { self->kvm_ptr, self->int8, self->void_ptr };
	unsigned int i;
	int verdict;

	add_function(&self->kernel, "f", self->int4, 3, params);
	ASSERT_TRUE(finish(self));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		verdict = compare(&self->kernel_reader, FUNCTION, "f", cases[i].like);
		EXPECT_EQ(cases[i].verdict, verdict);
		if (cases[i].verdict != verdict)
			TH_LOG("'%s'", cases[i].like);
	}
	EXPECT_EQ(ABSENT, compare(&self->kernel_reader, FUNCTION, "g", ""));
	EXPECT_EQ(ABSENT, compare(&self->kernel_reader, FUNCTION, "ff", ""));
	EXPECT_EQ(ABSENT, compare(&self->kernel_reader, KVMETER_PROTOTYPE_TRACEPOINT, "f", ""));
	EXPECT_EQ(ABSENT, compare(&self->kernel_reader, KVMETER_PROTOTYPE_VARIABLE, "f", ""));
}

/* void *g(bool (*)(struct kvm *, void *), ...), and one that is never called with more */
TEST_F(btf, pointers_to_functions)
{
	struct writer *w = &self->kernel;
	const __u32 inner[] = { self->kvm_ptr, self->void_ptr };
	__u32 outer[2] = { 0, 0 };

	outer[0] = add_type(w, BTF_KIND_PTR, "", 0, add_function(w, NULL, self->int4, 2, inner));
	add_function(w, "g", self->void_ptr, 2, outer);
	add_function(w, "h", 0, 0, NULL);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "g", "*(4: *kvm *)"));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "g", "*(*kvm)"));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "g", "*()"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "g", "*(4: *kvm)"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "g", "*(1: *kvm *)"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "g", "*(4: *kvm *"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "g", "*"));
	/* What may follow, of any kind, is a parameter too. */
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "g", "*: *()"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "g", "*: *() 0"));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "h", "0:"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "h", "4:"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "h", "0: 4"));
}

TEST_F(btf, integers)
{
	struct writer *w = &self->kernel;
	__u32 params[6];

	params[0] = add_type(w, BTF_KIND_ENUM, "e", 0, 4);
	params[1] = add_type(w, BTF_KIND_ENUM64, "e", 0, 8);
	params[2] = add_type(w, BTF_KIND_TYPEDEF, "bool", 0, add_int(w, 1));
	params[3] = add_type(w, BTF_KIND_FLOAT, "float", 0, 4);
	/* Of 4 bytes, of which 3 bits are used. */
	params[4] = add_type(w, BTF_KIND_INT, "int", 0, 4);
	add_word(w, 3);
	params[5] = add_type(w, BTF_KIND_INT, "int", 0, 4);
	add_word(w, 8 << 16 | 32);
	add_function(w, "e4", 0, 1, &params[0]);
	add_function(w, "e8", 0, 1, &params[1]);
	add_function(w, "b", 0, 1, &params[2]);
	add_function(w, "f", 0, 1, &params[3]);
	add_function(w, "bits", 0, 1, &params[4]);
	add_function(w, "shifted", 0, 1, &params[5]);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "e4", "4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "e4", "8"));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "e8", "8"));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "b", "1"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "f", "4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "bits", "4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "shifted", "4"));
}

/* Of two functions with one name, nobody knows which is meant: both have to fit. */
TEST_F(btf, two_of_one_name)
{
	struct writer *w = &self->kernel;

	add_function(w, "same", 0, 1, &self->kvm_ptr);
	add_function(w, "same", self->int4, 1, &self->kvm_ptr);
	add_function(w, "other", 0, 1, &self->kvm_ptr);
	add_function(w, "other", 0, 1, &self->int4);
	add_function(w, "third", 0, 1, &self->int4);
	add_function(w, "third", 0, 1, &self->kvm_ptr);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "same", "*kvm"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "same", "0: *kvm"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "other", "*kvm"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "third", "*kvm"));
}

static void add_tracepoint(struct writer *w, const char *name, __u32 nr, const __u32 *params)
{
	__u32 id = add_function(w, NULL, 0, nr, params);

	add_type(w, BTF_KIND_TYPEDEF, name, 0, add_type(w, BTF_KIND_PTR, "", 0, id));
}

TEST_F(btf, tracepoint)
{
	const __u32 good[] = { self->void_ptr, self->kvm_ptr, self->int4 };
	const __u32 bad[] = { self->kvm_ptr, self->kvm_ptr };
	const struct reader *r = &self->kernel_reader;
	const __u32 kind = KVMETER_PROTOTYPE_TRACEPOINT;

	add_tracepoint(&self->kernel, "btf_trace_good", 3, good);
	add_tracepoint(&self->kernel, "btf_trace_bad", 2, bad);
	add_tracepoint(&self->kernel, "plain", 3, good);
	add_type(&self->kernel, BTF_KIND_TYPEDEF, "btf_trace_int", 0, self->int4);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(r, kind, "good", ""));
	EXPECT_EQ(FITS, compare(r, kind, "good", "*kvm"));
	EXPECT_EQ(FITS, compare(r, kind, "good", "*kvm 4"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "good", "*kvm 8"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "good", "*kvm 4 4"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "bad", "*kvm"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "int", ""));
	EXPECT_EQ(ABSENT, compare(r, kind, "plain", "*kvm 4"));
	EXPECT_EQ(ABSENT, compare(r, FUNCTION, "good", ""));
}

static void add_section(struct writer *w, const char *name, __u32 var)
{
	add_type(w, BTF_KIND_DATASEC, name, 1, 8);
	add_word(w, var);
	add_word(w, 0);
	add_word(w, 8);
}

static __u32 add_var(struct writer *w, const char *name, __u32 type)
{
	__u32 id = add_type(w, BTF_KIND_VAR, name, 0, type);

	add_word(w, 1);
	return id;
}

TEST_F(btf, variable)
{
	struct writer *w = &self->kernel;
	const struct reader *r = &self->kernel_reader;
	const __u32 kind = KVMETER_PROTOTYPE_VARIABLE;

	add_section(w, ".data..percpu", add_var(w, "per_cpu", self->kvm));
	add_section(w, ".data", add_var(w, "one", self->kvm));
	add_section(w, ".data..percpu", add_var(w, "twice", self->kvm));
	add_section(w, ".data..percpu", add_var(w, "twice", self->kvm));
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(r, kind, "per_cpu", "kvm"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "per_cpu", "kv"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "per_cpu", "kvm "));
	EXPECT_EQ(DIFFERS, compare(r, kind, "per_cpu", "*kvm"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "per_cpu", ""));
	EXPECT_EQ(DIFFERS, compare(r, kind, "one", "kvm"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "twice", "kvm"));
	EXPECT_EQ(ABSENT, compare(r, kind, "none", "kvm"));
}

TEST_F(btf, enumerator)
{
	struct writer *w = &self->kernel;
	const struct reader *r = &self->kernel_reader;
	const __u32 kind = KVMETER_PROTOTYPE_ENUMERATOR;

	add_type(w, BTF_KIND_ENUM, "", 3, 4);
	add_word(w, add_string(w, "FIXED"));
	add_word(w, 5);
	add_word(w, add_string(w, "TWICE"));
	add_word(w, 5);
	add_word(w, add_string(w, "TWICE"));
	add_word(w, 6);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(r, kind, "FIXED", "5"));
	EXPECT_EQ(FITS, compare(r, kind, "FIXED", "4|5"));
	EXPECT_EQ(FITS, compare(r, kind, "FIXED", "5|4"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "FIXED", "4"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "FIXED", "4|55"));
	EXPECT_EQ(DIFFERS, compare(r, kind, "TWICE", "5"));
	EXPECT_EQ(FITS, compare(r, kind, "TWICE", "5|6"));
	EXPECT_EQ(ABSENT, compare(r, kind, "fixed", "5"));
}

/* A module's types go on where the kernel's end, and its strings too; what is found is its own. */
TEST_F(btf, module)
{
	struct writer *w = &self->module;
	__u32 params[2], own;

	add_function(&self->kernel, "in_kernel", 0, 1, &self->kvm_ptr);
	ASSERT_TRUE(finish(self));
	writer_init(w, &self->kernel);
	/* What a file pads with is part of its strings. */
	w->strings_from = (w->strings_from + 3) / 4 * 4;
	own = add_type(w, BTF_KIND_STRUCT, "own", 0, 8);
	params[0] = self->kvm_ptr;
	params[1] = add_type(w, BTF_KIND_PTR, "", 0, own);
	add_function(w, "in_module", self->int4, 2, params);
	ASSERT_TRUE(open_module(self));
	EXPECT_EQ(FITS, compare(&self->module_reader, FUNCTION, "in_module", "4: *kvm *own"));
	EXPECT_EQ(DIFFERS, compare(&self->module_reader, FUNCTION, "in_module", "4: *own *kvm"));
	EXPECT_EQ(ABSENT, compare(&self->module_reader, FUNCTION, "in_kernel", "*kvm"));
	EXPECT_EQ(ABSENT, compare(&self->kernel_reader, FUNCTION, "in_module", "*kvm"));
	/* Without the kernel's, what it refers to is not there. */
	ASSERT_TRUE(reader_open(&self->module_reader, self->data, self->bytes, NULL));
	EXPECT_NE(FITS, compare(&self->module_reader, FUNCTION, "in_module", "4: *kvm *own"));
}

/* A type of random kind, and in @like what it is; now and then under other names. */
static __u32 random_type(struct writer *w, char *like, int depth)
{
	static const __u32 name_kinds[] = { BTF_KIND_TYPEDEF, BTF_KIND_CONST, BTF_KIND_VOLATILE,
					    BTF_KIND_RESTRICT, BTF_KIND_TYPE_TAG };
	static const char *const structs[] = { "kvm", "kvm_vcpu", "k", "file" };
	__u32 bytes = 1u << random_in(0, 4), param, id;
	const char *name;
	char inner[64];

	switch (random_in(0, depth ? 5 : 6)) {
	case 0:
		id = add_int(w, bytes);
		sprintf(like, "%u", bytes);
		break;
	case 1:
		id = add_type(w, BTF_KIND_ENUM, "", 0, bytes);
		sprintf(like, "%u", bytes);
		break;
	case 2:
		name = structs[random_in(0, ARRAY_SIZE(structs))];
		id = add_type(w, random_in(0, 2) ? BTF_KIND_STRUCT : BTF_KIND_FWD, name, 0, 0);
		id = add_type(w, BTF_KIND_PTR, "", 0, id);
		sprintf(like, "*%s", name);
		break;
	case 3:
		id = add_type(w, BTF_KIND_PTR, "", 0, 0);
		sprintf(like, "*");
		break;
	case 4:
		id = add_type(w, BTF_KIND_PTR, "", 0, add_int(w, bytes));
		sprintf(like, "*%u", bytes);
		break;
	default:
		param = random_type(w, inner, depth + 1);
		id = add_type(w, BTF_KIND_PTR, "", 0, add_function(w, NULL, 0, 1, &param));
		sprintf(like, "*(0: %s)", inner);
		break;
	}
	while (random_in(0, 3) == 0)
		id = add_type(w, name_kinds[random_in(0, ARRAY_SIZE(name_kinds))], "t", 0, id);
	return id;
}

/* Each prototype fits the function it is of, and none that differs in one place. */
TEST_F_TIMEOUT(btf, random_prototypes, 120)
{
	char part[PARAMS_MAX][64], other[64], like[LIKE_BYTES], wrong[LIKE_BYTES];
	__u32 params[PARAMS_MAX], nr, i, n, changed;
	struct writer *w = &self->kernel;
	int len, wrong_len;

	for (n = 0; n < PROTOTYPES; n++) {
		writer_init(w, NULL);
		nr = random_in(1, PARAMS_MAX + 1);
		changed = random_in(0, nr);
		do
			random_type(w, other, 1);
		while (!strcmp(other, "*"));
		len = sprintf(like, "0:");
		wrong_len = sprintf(wrong, "0:");
		for (i = 0; i < nr; i++) {
			params[i] = random_type(w, part[i], 0);
			len += sprintf(like + len, " %s", part[i]);
			wrong_len +=
				sprintf(wrong + wrong_len, " %s", i == changed ? other : part[i]);
		}
		add_function(w, "f", 0, nr, params);
		ASSERT_TRUE(finish(self));
		ASSERT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "f", like))
		TH_LOG("case %u: '%s'", n, like);
		ASSERT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "f", like + 2))
		TH_LOG("case %u: '%s'", n, like + 2);
		ASSERT_EQ(strcmp(part[changed], other) ? DIFFERS : FITS,
			  compare(&self->kernel_reader, FUNCTION, "f", wrong))
		TH_LOG("case %u: '%s' is no '%s'", n, like, wrong);
		/* One more parameter than there is. */
		sprintf(like + len, " 4");
		ASSERT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "f", like + 2));
	}
}

/* Behind the last parameter of the last type is what could be taken for another. */
TEST_F(btf, last_parameter)
{
	struct writer *w = &self->kernel;
	__u32 id;

	writer_init(w, NULL);
	/* At 4 of the strings is a 1. */
	add_string(w, "ab");
	add_string(w, "\1");
	w->strings_nr = 8;
	id = add_int(w, 4);
	ASSERT_EQ(1, id);
	add_type(w, BTF_KIND_FUNC, "f", 0, w->next + 1);
	add_function(w, NULL, 0, 1, &id);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "f", "4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "f", "4 4"));
}

/* Pointers to pointers, but not without end. */
TEST_F(btf, depth)
{
	struct writer *w = &self->kernel;
	__u32 pointers[12], i;

	pointers[0] = self->kvm_ptr;
	for (i = 1; i < ARRAY_SIZE(pointers); i++)
		pointers[i] = add_type(w, BTF_KIND_PTR, "", 0, pointers[i - 1]);
	add_function(w, "some", 0, 1, &pointers[2]);
	add_function(w, "many", 0, 1, &pointers[11]);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(FITS, compare(&self->kernel_reader, FUNCTION, "some", "***kvm"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "some", "**kvm"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "many", "************kvm"));
}

/* Types that come back to themselves. */
TEST_F(btf, rings)
{
	struct writer *w = &self->kernel;
	__u32 name, pointer, function, to_name;

	name = add_type(w, BTF_KIND_TYPEDEF, "name", 0, w->next);
	pointer = add_type(w, BTF_KIND_PTR, "", 0, w->next);
	function = add_function(w, NULL, w->next, 1, &w->next);
	to_name = add_type(w, BTF_KIND_PTR, "", 0, name);
	add_function(w, "named", 0, 1, &name);
	add_function(w, "to_named", 0, 1, &to_name);
	add_function(w, "pointed", 0, 1, &pointer);
	add_type(w, BTF_KIND_FUNC, "itself", 0, function);
	add_type(w, BTF_KIND_FUNC, "own", 0, w->next);
	ASSERT_TRUE(finish(self));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "named", "4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "named", "*"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "to_named", "*"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "pointed", "*4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "pointed", "*******kvm"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "itself", "4: 4"));
	EXPECT_EQ(DIFFERS, compare(&self->kernel_reader, FUNCTION, "own", "4"));
}

/* Something of each kind, for what follows. */
static void add_some_of_all(struct writer *w, __u32 kvm, __u32 kvm_ptr, __u32 int4)
{
	const __u32 params[] = { kvm_ptr, int4 };
	__u32 array, var;

	array = add_type(w, BTF_KIND_ARRAY, "", 0, 0);
	add_word(w, int4);
	add_word(w, int4);
	add_word(w, 3);
	add_type(w, BTF_KIND_UNION, "u", 1, 4);
	add_word(w, 0);
	add_word(w, array);
	add_word(w, 0);
	add_type(w, BTF_KIND_ENUM, "", 1, 4);
	add_word(w, add_string(w, "FIXED"));
	add_word(w, 5);
	add_type(w, BTF_KIND_ENUM64, "", 1, 8);
	add_word(w, 0);
	add_word(w, 1);
	add_word(w, 2);
	add_type(w, BTF_KIND_DECL_TAG, "tag", 0, kvm);
	add_word(w, 0);
	var = add_var(w, "v", kvm);
	add_section(w, ".data..percpu", var);
	add_function(w, "f", int4, 2, params);
	add_tracepoint(w, "btf_trace_t", 2, params);
}

#define ROWS_NR 20

/* All kinds, names and likes there are. */
static void make_rows(struct kvmeter_prototype *rows)
{
	static const char *const likes[] = { "4: *kvm 4", "*kvm 4|*(0: 4) 8", "*kvm", "kvm", "5" };
	static const char *const names[] = { "f", "t", "v", "FIXED" };
	unsigned int i;

	for (i = 0; i < ROWS_NR; i++)
		rows[i] = make_row(i % 4, names[i % 4], likes[i / 4]);
}

/* What comes of it may be anything but a crash. */
static int compare_all(const struct reader *r, const struct kvmeter_prototype *rows)
{
	__u8 verdicts[ROWS_NR];
	unsigned int i, sum = 0;

	kvmeter_btf_compare(&r->btf, rows, ROWS_NR, verdicts);
	for (i = 0; i < ROWS_NR; i++)
		sum += verdicts[i] == FITS;
	return sum;
}

/* A few bytes of it are others; mostly in the header or near its end, or by little. */
static void mutate(char *data, __u32 bytes)
{
	__u32 i, at, nr = random_in(1, 5);

	for (i = 0; i < nr; i++) {
		at = random_in(0, random_in(0, 4) ? bytes : sizeof(struct btf_header));
		switch (random_in(0, 4)) {
		case 0:
			data[at] = random_u64();
			break;
		case 1:
			data[at] ^= 1 << random_in(0, 8);
			break;
		case 2:
			data[at] += random_in(0, 2) ? 1 : -1;
			break;
		default:
			data[at] = random_in(0, 2) ? 0 : 0xff;
		}
	}
}

TEST_F_TIMEOUT(btf, mutants, 300)
{
	__u32 n, nr = MUTANTS, bytes, opened = 0, fits = 0;
	struct kvmeter_prototype rows[ROWS_NR];
	char data[BLOB_BYTES];

	make_rows(rows);
	add_some_of_all(&self->kernel, self->kvm, self->kvm_ptr, self->int4);
	ASSERT_TRUE(finish(self));
	/* f is like three of them, v and FIXED are like one; t has no void * first. */
	EXPECT_EQ(5, compare_all(&self->kernel_reader, rows));
	TH_LOG("%u bytes, %u mutants", self->bytes, nr);
	for (n = 0; n < nr; n++) {
		memcpy(data, self->data, self->bytes);
		mutate(data, self->bytes);
		bytes = random_in(0, 8) ? self->bytes : random_in(0, self->bytes + 1);
		if (!reader_open(&self->kernel_reader, data, bytes, NULL))
			continue;
		opened++;
		fits += compare_all(&self->kernel_reader, rows);
	}
	TH_LOG("%u could be read, %u times something was like it was before", opened, fits);
	/* Most mutants are no nonsense that is seen at once. */
	EXPECT_LT(nr / 10, opened);
	EXPECT_LT(opened, nr);
	EXPECT_LT(0, fits);
}

/* Of a module, under the kernel's as they should be. */
TEST_F_TIMEOUT(btf, mutants_of_a_module, 300)
{
	__u32 n, nr = MUTANTS / 4, opened = 0;
	struct kvmeter_prototype rows[ROWS_NR];
	struct writer *w = &self->module;
	char data[BLOB_BYTES];

	make_rows(rows);
	ASSERT_TRUE(finish(self));
	writer_init(w, &self->kernel);
	w->strings_from = (w->strings_from + 3) / 4 * 4;
	add_some_of_all(w, self->kvm, self->kvm_ptr, self->int4);
	ASSERT_TRUE(open_module(self));
	EXPECT_EQ(5, compare_all(&self->module_reader, rows));
	for (n = 0; n < nr; n++) {
		memcpy(data, self->data, self->bytes);
		mutate(data, self->bytes);
		if (!reader_open(&self->module_reader, data, self->bytes, &self->kernel_reader))
			continue;
		opened++;
		compare_all(&self->module_reader, rows);
	}
	EXPECT_LT(nr / 10, opened);
	EXPECT_LT(opened, nr);
}

/* Cut off anywhere it cannot be read: the strings are at its end. */
TEST_F(btf, truncated)
{
	__u32 bytes;

	add_some_of_all(&self->kernel, self->kvm, self->kvm_ptr, self->int4);
	ASSERT_TRUE(finish(self));
	for (bytes = 0; bytes < self->bytes; bytes++)
		EXPECT_FALSE(reader_open(&self->kernel_reader, self->data, bytes, NULL));
}

/* What is at a place of the header, by which nothing else of it is touched. */
TEST_F(btf, bad_headers)
{
	static const struct {
		size_t at;
		size_t bytes;
		__u32 value;
	} cases[] = {
		{ offsetof(struct btf_header, magic), 2, 0x9feb },
		{ offsetof(struct btf_header, version), 1, 2 },
		{ offsetof(struct btf_header, hdr_len), 4, 20 },
		{ offsetof(struct btf_header, hdr_len), 4, ~0u },
		{ offsetof(struct btf_header, type_off), 4, ~0u - 23 },
		{ offsetof(struct btf_header, type_len), 4, ~0u },
		{ offsetof(struct btf_header, str_off), 4, ~0u - 23 },
		{ offsetof(struct btf_header, str_len), 4, 0 },
		{ offsetof(struct btf_header, str_len), 4, 3 },
	};
	char data[BLOB_BYTES];
	unsigned int i;

	ASSERT_TRUE(finish(self));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy(data, self->data, self->bytes);
		memcpy(data + cases[i].at, &cases[i].value, cases[i].bytes);
		EXPECT_FALSE(reader_open(&self->kernel_reader, data, self->bytes, NULL));
	}
	memcpy(data, self->data, self->bytes);
	data[self->bytes - 1] = 'x';
	EXPECT_FALSE(reader_open(&self->kernel_reader, data, self->bytes, NULL));
	/* No types, at an odd place. */
	memcpy(data, self->data, self->bytes);
	memset(data + offsetof(struct btf_header, type_len), 0, 4);
	EXPECT_TRUE(reader_open(&self->kernel_reader, data, self->bytes, NULL));
	data[offsetof(struct btf_header, type_off)] = 1;
	EXPECT_FALSE(reader_open(&self->kernel_reader, data, self->bytes, NULL));
}

/* Less than a type is left at the end. */
TEST_F(btf, stray_word)
{
	struct writer *w = &self->kernel;

	writer_init(w, NULL);
	/* What would be the rest of a pointer. */
	w->strings[3] = BTF_KIND_PTR;
	w->strings_nr = 8;
	ASSERT_TRUE(finish(self));
	add_word(w, 0);
	EXPECT_FALSE(finish(self));
}

/* Kinds that later kernels may have, of which nobody knows how long they are. */
TEST_F(btf, unknown_kind)
{
	add_type(&self->kernel, BTF_KIND_MAX + 7, "", 0, 0);
	EXPECT_FALSE(finish(self));
}

TEST_HARNESS_MAIN
