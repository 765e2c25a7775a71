// SPDX-License-Identifier: GPL-2.0-only
/*
 * CSV of documents of known contents: quotes, what is not known, which arrays are rows, and when
 * columns are named.
 *
 * Linked with the reader's objects; needs neither root nor the module.
 */
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/documents.h"
#include "reader_case.h"

static char text[65536];

static void print_documents(const void *arg)
{
	const char *const *documents = arg;

	for (; *documents; documents++)
		kvmeter_json_print(json_tokener_parse(*documents));
}

/* What documents, up to a NULL, are as CSV. */
static const char *to_csv(enum kvmeter_by by, const char *const *documents)
{
	kvmeter_csv_choose(by);
	return reader_capture(text, sizeof(text), print_documents, documents);
}

/* The beginnings of documents, and elements of their arrays. */
#define METRICS(abi) "{\"document\":\"metrics\",\"abi\":" abi ","
#define METRIC(name, help) \
	"{\"of\":\"vm\",\"name\":\"" name "\",\"type\":\"t\",\"help\":\"" help "\"}"
#define ATTACH "{\"document\":\"attach\",\"abi\":5,\"attached\":1,\"created\":true,\"maps\":"
#define MAP "{\"name\":\"m\",\"id\":3,\"value_size\":8,\"max_entries\":2}"
#define TIMES "\"now_ns\":7,\"real_ns\":18446744073709551614,\"interval_ns\":9"
#define HEAT "{\"document\":\"heat\",\"abi\":5," TIMES ",\"vendor\":\"svm\",\"name\":\"w\","
#define CELLS "\"id\":\"1-2\",\"cell_pages\":512,\"cells\":[4,0,2]}"

TEST(quotes)
{
	static const char *const documents[] = {
		METRICS("5") "\"vm\":[" METRIC("a,b", "say \\\"x\\\"") "]}",
		METRICS("5") "\"vm\":[" METRIC("two\\nlines", "cr\\rlf") "]}",
		METRICS("5") "\"vm\":[" METRIC(" plain ", "=1+1") "]}",
		NULL,
	};

	ASSERT_STREQ("abi,of,name,type,unit,exponent,help\r\n"
		     "5,vm,\"a,b\",t,,,\"say \"\"x\"\"\"\r\n"
		     "5,vm,\"two\nlines\",t,,,\"cr\rlf\"\r\n"
		     "5,vm, plain ,t,,,=1+1\r\n",
		     to_csv(KVMETER_BY_VM, documents));
}

/* All arrays of the document are rows, and columns are named once. */
TEST(all_arrays)
{
	static const char *const documents[] = {
		METRICS("5") "\"vm\":[" METRIC("a", "x") "],\"exit\":[" METRIC("b", "y") "]}",
		METRICS("6") "\"round\":[" METRIC("c", "z") "]}",
		NULL,
	};

	ASSERT_STREQ("abi,of,name,type,unit,exponent,help\r\n"
		     "5,vm,a,t,,,x\r\n"
		     "5,vm,b,t,,,y\r\n"
		     "6,vm,c,t,,,z\r\n",
		     to_csv(KVMETER_BY_VM, documents));
}

/* What is no array of objects has one row; one of another kind is another table. */
TEST(without_rows)
{
	static const char *const documents[] = {
		"{\"document\":\"detach\",\"abi\":5,\"attached\":0}",
		"{\"document\":\"detach\",\"abi\":5,\"attached\":null}",
		ATTACH "[" MAP "]}",
		ATTACH "[]}",
		NULL,
	};

	ASSERT_STREQ("abi,attached\r\n5,0\r\n5,\r\n"
		     "\r\n"
		     "abi,attached,created,maps.name,maps.id,maps.value_size,maps.max_entries\r\n"
		     "5,1,true,m,3,8,2\r\n",
		     to_csv(KVMETER_BY_VM, documents));
}

/* Numbers can be rows themselves. */
TEST(numbers_as_rows)
{
	static const char *const documents[] = { HEAT CELLS, NULL };
	static const char expected[] =
		"abi,now_ns,real_ns,interval_ns,vendor,name,id,cell_pages,cells.index,cells\r\n"
		"5,7,18446744073709551614,9,svm,w,1-2,512,0,4\r\n"
		"5,7,18446744073709551614,9,svm,w,1-2,512,1,0\r\n"
		"5,7,18446744073709551614,9,svm,w,1-2,512,2,2\r\n";

	ASSERT_STREQ(expected, to_csv(KVMETER_BY_VM, documents));
}

/* Which array it is depends on --by, and so do the columns. */
TEST(rows_by)
{
	static const struct {
		const char *name;
		enum kvmeter_by by;
		const char *rows;
	} cases[] = {
		{ "list", KVMETER_BY_VM, "vms" },
		{ "list", KVMETER_BY_VCPU, "vms.vcpus" },
		{ "stat", KVMETER_BY_VM, "vms" },
		{ "exits", KVMETER_BY_VM, "vms.reasons" },
		{ "exits", KVMETER_BY_VCPU, "vms.vcpus.reasons" },
		{ "exits", KVMETER_BY_REASON, "reasons" },
		{ "exits", KVMETER_BY_CLASS, "classes" },
		{ "exits", KVMETER_BY_SUB, "subs" },
		{ "steal", KVMETER_BY_VM, "vms" },
		{ "steal", KVMETER_BY_THIEF, "vms.thieves" },
		{ "steal", KVMETER_BY_CAUSE, "vms.causes" },
		/* the view is by vCPU in any case */
		{ "quota", KVMETER_BY_VCPU, "vms.vcpus" },
		{ "quota", KVMETER_BY_VM, "vms.vcpus" },
		{ "migrate", KVMETER_BY_VM, "vms.migration.rounds" },
	};
	const struct kvmeter_document *document;
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		document = kvmeter_documents_find(cases[i].name);
		EXPECT_STREQ(cases[i].rows, kvmeter_documents_get_rows(document, cases[i].by));
	}
}

#define BY(by) KVMETER_KEY_BY(KVMETER_BY_##by)

/* A key in a list in a list is there with what both have; the later of two of one name counts. */
TEST(lists_in_lists)
{
	static const struct kvmeter_key inner[] = {
		KVMETER_KEY("a", INTEGER, BY(VM) | BY(VCPU), NULL, "both"),
		KVMETER_KEY("b", INTEGER, KVMETER_KEY_NULL, NULL, "outer only"),
		KVMETER_KEY("round_pages", TEXT, 0, NULL, "not this one"),
		{},
	};
	static const struct kvmeter_key outer[] = {
		KVMETER_KEYS_OF(inner, BY(VCPU) | BY(SUB)),
		KVMETER_KEY("c", INTEGER, BY(VM), NULL, "inner only"),
		KVMETER_KEYS_OF_RECORD(DIRTY, 0),
		{},
	};
	struct kvmeter_key keys[KVMETER_KEYS_MAX];
	unsigned int nr = kvmeter_documents_get_keys(outer, keys);

	/* round_pages is one of the metrics */
	ASSERT_EQ(3 + kvmeter_records[KVMETER_RECORD_DIRTY].nr, nr);
	EXPECT_STREQ("a", keys[0].name);
	EXPECT_EQ(BY(VCPU), keys[0].flags);
	EXPECT_EQ(BY(VCPU) | BY(SUB) | KVMETER_KEY_NULL, keys[1].flags);
	EXPECT_STREQ("round_pages", keys[2].name);
	EXPECT_EQ(KVMETER_KEY_INTEGER, keys[2].type);
	EXPECT_EQ(BY(VM), keys[3].flags);
}

/* Every document has a name, and every key of it a word for people; none is there twice. */
static void check_keys(struct __test_metadata *_metadata, const struct kvmeter_key *list)
{
	struct kvmeter_key keys[KVMETER_KEYS_MAX];
	unsigned int i, j, nr = kvmeter_documents_get_keys(list, keys);

	ASSERT_LT(0, nr);
	for (i = 0; i < nr; i++) {
		ASSERT_NE(NULL, keys[i].help);
		EXPECT_LT(2, strlen(keys[i].help));
		EXPECT_EQ(NULL, strpbrk(keys[i].name, ".,\" "));
		/* a name that tells the unit tells the same one */
		if (strlen(keys[i].name) > 3 &&
		    !strcmp(keys[i].name + strlen(keys[i].name) - 3, "_ns")) {
			EXPECT_STREQ("ns", keys[i].unit);
		}
		for (j = 0; j < i; j++)
			EXPECT_STRNE(keys[j].name, keys[i].name);
		if (keys[i].keys)
			check_keys(_metadata, keys[i].keys);
	}
}

TEST(keys)
{
	unsigned int i;

	for (i = 0; i < KVMETER_DOCUMENT_NR; i++) {
		ASSERT_NE(NULL, kvmeter_documents[i].name);
		ASSERT_EQ(&kvmeter_documents[i], kvmeter_documents_find(kvmeter_documents[i].name));
		check_keys(_metadata, kvmeter_documents[i].keys);
	}
}

TEST_HARNESS_MAIN
