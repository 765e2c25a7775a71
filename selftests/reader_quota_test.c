// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's command about quotas: what it understands, and what it shows of maps of known
 * contents, as a table and as JSON.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include <kselftest_harness.h>

#include "reader_case.h"

TEST(rates)
{
	static const struct {
		const char *text;
		__u64 bytes_s;
		bool unit;
	} good[] = {
		{ "200M", 200 * MIB, true },   { "1G", GIB, true },
		{ "512K", 512 * KIB, true },   { "1.5GiB", 3 * GIB / 2, true },
		{ "64KiB/s", 65536, true },    { "200M/s", 200 * MIB, true },
		{ "65536B/s", 65536, true },   { "65536", 65536, false },
		{ "4096/s", 4096, false },     { "1.", 1, false },
		{ "4096T", 1ULL << 52, true },
	};
	static const char *const bad[] = { "",
					   "M",
					   "/s",
					   "-1M",
					   "200MB",
					   "200Mbit/s",
					   "200k",
					   "200m",
					   "1e9B",
					   "0x1M",
					   "200 M",
					   "200M/S",
					   "200M/s/s",
					   "off",
					   "9999999999999T",
					   "1111111111111111111111111111111111111M" };
	__u64 bytes_s;
	unsigned int i;
	bool unit;

	for (i = 0; i < NR(good); i++) {
		EXPECT_TRUE(kvmeter_units_parse_rate(good[i].text, &bytes_s, &unit));
		EXPECT_EQ(good[i].bytes_s, bytes_s);
		EXPECT_EQ(good[i].unit, unit);
	}
	for (i = 0; i < NR(bad); i++)
		EXPECT_FALSE(kvmeter_units_parse_rate(bad[i], &bytes_s, &unit));
}

static const struct kvmeter_command command = { "quota", reader_note_args, "",
						TAKES_VM | TAKES_INTERVAL | TAKES_QUOTA, NULL };
static const struct kvmeter_args *understood;

TEST(changes)
{
	static const struct {
		const char *words[5];
		const char *vm;
		__u64 bytes_s;
	} cases[] = {
		{ { "web", "200M" }, "web", 200 * MIB },
		{ { "web", "off" }, "web", 0 },
		{ { "web", "off", "--json" }, "web", 0 },
		{ { "off", "off" }, "off", 0 },
		{ { "-g", "web", "1G/s" }, "web", GIB },
		{ { "--pid", "17", "off" }, "17", 0 },
		{ { "7", "5M" }, "7", 5 * MIB },
		{ { "5m", "5M" }, "5m", 5 * MIB },
		{ { "200M", "64K" }, "200M", KVMETER_QUOTA_MIN },
		{ { "web", "4096T" }, "web", KVMETER_QUOTA_MAX },
	};
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		understood = reader_understand(&command, cases[i].words);
		ASSERT_NE(NULL, understood);
		EXPECT_TRUE(understood->quota.change);
		EXPECT_STREQ(cases[i].vm, understood->guest);
		EXPECT_EQ(cases[i].bytes_s, understood->quota.bytes_s);
		EXPECT_EQ(0, understood->nr_pos);
	}
	EXPECT_FALSE(understood->json);
	understood = reader_understand(&command, cases[2].words);
	EXPECT_TRUE(understood->json);
}

/* What is left as it is: VM, interval and count are told apart where the VMs are known. */
TEST(views)
{
	static const struct {
		const char *words[5];
		unsigned int nr_pos;
	} cases[] = {
		{ { NULL }, 0 },
		{ { "web" }, 1 },
		{ { "200M" }, 1 },
		{ { "off" }, 1 },
		{ { "1000000" }, 1 },
		{ { "5", "3" }, 2 },
		{ { "5", "100" }, 2 },
		{ { "0.2s", "70000" }, 2 },
		{ { "web", "5m" }, 2 },
		{ { "web", "60", "100" }, 3 },
		{ { "web", "0.5", "3", "--json" }, 3 },
		{ { "-g", "web", "5", "3" }, 2 },
	};
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		understood = reader_understand(&command, cases[i].words);
		ASSERT_NE(NULL, understood);
		EXPECT_FALSE(understood->quota.change);
		EXPECT_EQ(cases[i].nr_pos, understood->nr_pos);
	}
}

TEST(nonsense)
{
	static const struct {
		const char *words[5];
		const char *says;
	} cases[] = {
		{ { "web", "fast" }, "'fast' is no rate" },
		{ { "web", "200MB" }, "'200MB' is no rate" },
		{ { "web", "200Mbit/s" }, "'200Mbit/s' is no rate" },
		{ { "web", "" }, "'' is no rate" },
		{ { "web", "0" }, "'0' needs a unit" },
		{ { "web", "61" }, "'61' needs a unit" },
		{ { "web", "209715200" }, "'209715200' needs a unit" },
		{ { "209715200", "209715200" }, "'209715200' needs a unit" },
		{ { "-g", "web", "209715200" }, "'209715200' needs a unit" },
		{ { "web", "0K" }, "a quota is 64K to 4096T a second, or 'off', not '0K'" },
		{ { "web", "65535B" }, "a quota is 64K to 4096T" },
		{ { "web", "4097T" }, "a quota is 64K to 4096T" },
		{ { "web", "200M", "1" }, "too many arguments" },
		{ { "web", "off", "off" }, "too many arguments" },
		{ { "-g", "web", "off", "1" }, "too many arguments" },
		{ { "web", "1", "2", "3" }, "too many arguments" },
		{ { "web", "200M", "--by", "vcpu" }, "option" },
	};
	char said[512];
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		EXPECT_EQ(EX_USAGE, reader_try(&command, cases[i].words, said, sizeof(said)));
		EXPECT_NE(NULL, strstr(said, cases[i].says))
		TH_LOG("it says: %s", said);
	}
}

static const char *explain(int error)
{
	return reader_explain(&kvmeter_quota_setting, error);
}

TEST(errors_in_words)
{
	EXPECT_STREQ("Operation not permitted: kvmeter must be run as root", explain(EPERM));
	EXPECT_STREQ("the VM 12-3 is gone", explain(ENOENT));
	EXPECT_STREQ("the module refuses this quota on web", explain(EINVAL));
	EXPECT_STREQ("no quota on web: this kernel lacks what it takes", explain(EOPNOTSUPP));
	EXPECT_STREQ("no quota on web: the module is too old to have quotas", explain(ENOTTY));
	EXPECT_STREQ("no quota on web: Cannot allocate memory", explain(ENOMEM));
}

/* clang-format off */
FIXTURE(quota) {
	struct reader_case c;
};

/* clang-format on */

/* web has a quota of 200 MiB/s and is being migrated. */
FIXTURE_SETUP(quota)
{
	struct kvmeter_vcpu *v;
	unsigned int i;

	ASSERT_EQ(0, reader_case_init(&self->c));
	self->c.fake->host.features = KVMETER_FEATURE_DIRTY | KVMETER_FEATURE_QUOTA;
	for (i = 0; i < 3; i++) {
		v = &self->c.fake->vcpus[i];
		v->pml_pages = 1000;
		v->throttle_nr = 10;
		v->throttle_ns = 50;
	}
	self->c.fake->vms[3].quota_pages = 200 * PAGES_PER_MIB;
	self->c.fake->vcpus[0].share_pages = 150 * PAGES_PER_MIB;
	self->c.fake->vcpus[1].share_pages = 50 * PAGES_PER_MIB;
	self->c.args.by = KVMETER_BY_VCPU;
}

FIXTURE_TEARDOWN(quota)
{
	reader_case_put(&self->c);
}

/* In 2 s web's first vCPU dirties 400 MiB, and is parked 601 times for half a second. */
static void pass_2_s(FIXTURE_DATA(quota) * self)
{
	struct kvmeter_vcpu *v = &self->c.fake->vcpus[0];

	reader_case_take(&self->c, 0, NS_PER_S);
	v->pml_pages += 300 * PAGES_PER_MIB;
	v->write_faults += 100 * PAGES_PER_MIB;
	v->throttle_nr += 601;
	v->throttle_ns += NS_PER_S / 2;
	reader_case_take(&self->c, 1, 3 * NS_PER_S);
	reader_case_subtract(&self->c);
}

static void print_table(const struct reader_case *c)
{
	kvmeter_quota_print_report(&c->report);
}

static void print_json(const struct reader_case *c)
{
	kvmeter_quota_print_json(&c->report);
}

static void print_line(const struct reader_case *c)
{
	kvmeter_quota_print(&c->report.snap->vms[c->report.vm]);
}

static const char *table(FIXTURE_DATA(quota) * self)
{
	return reader_case_show(&self->c, print_table);
}

static const char *json(FIXTURE_DATA(quota) * self)
{
	return reader_case_show(&self->c, print_json);
}

static const char *line(FIXTURE_DATA(quota) * self, int vm)
{
	self->c.report.vm = vm;
	return reader_case_show(&self->c, print_line);
}

#define HEADING "NAME ID            VCPU LOGGING   QUOTA(MiB/s) DIRTY(MiB/s) THROTTLE%   PARKED\n"
#define WEB                                                                                \
	"web  12-3           all bitmap         200.000      200.000      12.5      601\n" \
	"web  12-3             0 bitmap         150.000      200.000      25.0      601\n" \
	"web  12-3             1 bitmap          50.000        0.000       0.0        0\n"

#define IDLE "idle 12-6           all not armed         none            -       0.0        0\n"

TEST_F(quota, table_is_of_those_that_have_one)
{
	pass_2_s(self);
	ASSERT_STREQ(HEADING WEB, table(self));
	/* each report is a table of its own */
	self->c.report.nr = 1;
	ASSERT_STREQ("\n" HEADING WEB, table(self));
	self->c.report.nr = 0;
	self->c.report.vm = 0;
	ASSERT_STREQ(HEADING WEB, table(self));
	/* not even its vCPU */
	self->c.report.vm = 2;
	ASSERT_STREQ(HEADING IDLE, table(self));
}

TEST_F(quota, table_of_none)
{
	self->c.fake->vms[3].quota_pages = 0;
	self->c.fake->vcpus[0].share_pages = 0;
	self->c.fake->vcpus[1].share_pages = 0;
	pass_2_s(self);
	ASSERT_STREQ("no VM has a quota\n", table(self));
	/* of what it was parked before */
	self->c.report.vm = 0;
	ASSERT_NE(NULL, strstr(table(self), "all bitmap            none      200.000      12.5 "));
	ASSERT_NE(NULL, strstr(self->c.text, "  0 bitmap            none      200.000      25.0 "));
}

#define NOT_ARMED "dirty logging is not armed: until it is, the quota does nothing\n"
#define UNKNOWN "whether dirty logging is armed is unknown: until it is, the quota does nothing\n"

#define WEB_NOT_ARMED                                                                      \
	"web  12-3           all not armed      200.000            -      12.5      601\n" \
	"web  12-3             0 not armed      150.000            -      25.0      601\n" \
	"web  12-3             1 not armed       50.000            -       0.0        0\n" \
	"  " NOT_ARMED
#define DB_UNKNOWN                                                                         \
	"db   12-5           all unknown          0.066            -       0.0        0\n" \
	"db   12-5             0 unknown          0.000            -       0.0        0\n" \
	"  " UNKNOWN

TEST_F(quota, says_that_logging_is_not_armed)
{
	self->c.fake->vms[3].log_state = KVMETER_LOG_OFF;
	self->c.fake->vms[5].quota_pages = 17;
	self->c.fake->vms[5].log_state = KVMETER_LOG_UNKNOWN;
	pass_2_s(self);
	ASSERT_STREQ(HEADING WEB_NOT_ARMED DB_UNKNOWN, table(self));
	ASSERT_STREQ("web (12-3): quota 200.0 MiB/s; " NOT_ARMED, line(self, 0));
	ASSERT_STREQ("db (12-5): quota 68.0 KiB/s; " UNKNOWN, line(self, 1));
	ASSERT_STREQ("idle (12-6): no quota\n", line(self, 2));
	self->c.delta.vms[0].v.log_state = KVMETER_LOG_RING;
	ASSERT_STREQ("web (12-3): quota 200.0 MiB/s\n", line(self, 0));
}

/* A rate is of an interval in which it was logged from end to end. */
TEST_F(quota, no_rate_if_logging_began_meanwhile)
{
	reader_case_take(&self->c, 0, NS_PER_S);
	self->c.snaps[0].vms[0].v.log_state = KVMETER_LOG_OFF;
	reader_case_take(&self->c, 1, 2 * NS_PER_S);
	reader_case_subtract(&self->c);
	ASSERT_NE(NULL, strstr(table(self), " all bitmap         200.000            -       0.0"));
	ASSERT_EQ(NULL, strstr(self->c.text, "does nothing"));
	ASSERT_NE(NULL, strstr(json(self), "\"in_effect\":true"));
	ASSERT_NE(NULL, strstr(self->c.text, "\"dirty_bytes_per_s\":null"));
}

TEST_F(quota, module_has_no_quotas)
{
	self->c.fake->host.features = KVMETER_FEATURE_DIRTY;
	self->c.fake->vms[3].quota_pages = 0;
	pass_2_s(self);
	ASSERT_STREQ("quotas are not possible with this module on this kernel\n", table(self));
	ASSERT_NE(NULL, strstr(json(self), "\"features\":[\"dirty\"]"));
}

TEST_F(quota, shares_add_up)
{
	struct kvmeter_sum sum;

	reader_case_take(&self->c, 0, NS_PER_S);
	kvmeter_sum_vcpus(&sum, &self->c.snaps[0], 0, 2, false);
	ASSERT_EQ(self->c.fake->vms[3].quota_pages, sum.v.share_pages);
	kvmeter_sum_put(&sum);
	kvmeter_sum_vcpus(&sum, &self->c.snaps[0], 1, 1, false);
	ASSERT_EQ(self->c.fake->vcpus[1].share_pages, sum.v.share_pages);
	kvmeter_sum_put(&sum);
}

TEST_F(quota, json)
{
	const struct kvmeter_record *record = &kvmeter_records[KVMETER_RECORD_VCPU];
	struct json_object *doc, *feature, *vms, *vm, *vcpus, *vcpu;
	unsigned int i;

	pass_2_s(self);
	doc = json_tokener_parse(json(self));
	ASSERT_NE(NULL, doc);
	ASSERT_EQ(1, strcspn(self->c.text, "\n") + 1 == strlen(self->c.text));
	ASSERT_EQ(2 * NS_PER_S, json_object_get_int64(reader_get(doc, "interval_ns")));
	feature = json_object_array_get_idx(reader_get(doc, "features"), 1);
	ASSERT_STREQ("quotas", json_object_get_string(feature));
	vms = reader_get(doc, "vms");
	ASSERT_EQ(1, json_object_array_length(vms));
	vm = json_object_array_get_idx(vms, 0);
	ASSERT_STREQ("web", json_object_get_string(reader_get(vm, "name")));
	ASSERT_STREQ("bitmap", json_object_get_string(reader_get(vm, "log_state")));
	ASSERT_EQ(51200, json_object_get_int64(reader_get(vm, "quota_pages")));
	ASSERT_EQ(200 * MIB, json_object_get_int64(reader_get(vm, "quota_bytes_per_s")));
	ASSERT_TRUE(json_object_get_boolean(reader_get(vm, "in_effect")));
	ASSERT_EQ(51200, json_object_get_int64(reader_get(vm, "share_pages")));
	ASSERT_EQ(200 * MIB, json_object_get_double(reader_get(vm, "dirty_bytes_per_s")));
	ASSERT_EQ(12.5, json_object_get_double(reader_get(vm, "throttle_pct")));
	vcpus = reader_get(vm, "vcpus");
	ASSERT_EQ(2, json_object_array_length(vcpus));
	vcpu = json_object_array_get_idx(vcpus, 0);
	ASSERT_EQ(0, json_object_get_int64(reader_get(vcpu, "vcpu_id")));
	ASSERT_EQ(150 * MIB, json_object_get_int64(reader_get(vcpu, "share_bytes_per_s")));
	ASSERT_EQ(200 * MIB, json_object_get_double(reader_get(vcpu, "dirty_bytes_per_s")));
	ASSERT_EQ(25.0, json_object_get_double(reader_get(vcpu, "throttle_pct")));
	ASSERT_EQ(601, json_object_get_int64(reader_get(vcpu, "throttle_nr")));
	ASSERT_EQ(NS_PER_S / 2, json_object_get_int64(reader_get(vcpu, "throttle_ns")));
	for (i = 0; i < record->nr; i++) {
		EXPECT_NE(NULL, reader_get(vm, record->fields[i].name));
		EXPECT_NE(NULL, reader_get(vcpu, record->fields[i].name));
	}
	json_object_put(doc);
}

TEST_F(quota, json_of_none)
{
	struct json_object *doc, *vm;

	self->c.fake->vms[3].quota_pages = 0;
	self->c.fake->vms[5].quota_pages = 16;
	pass_2_s(self);
	/* not armed */
	doc = json_tokener_parse(json(self));
	ASSERT_NE(NULL, doc);
	ASSERT_EQ(1, json_object_array_length(reader_get(doc, "vms")));
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 0);
	ASSERT_STREQ("db", json_object_get_string(reader_get(vm, "name")));
	ASSERT_EQ(65536, json_object_get_int64(reader_get(vm, "quota_bytes_per_s")));
	ASSERT_FALSE(json_object_get_boolean(reader_get(vm, "in_effect")));
	ASSERT_EQ(NULL, json_object_object_get(vm, "dirty_bytes_per_s"));
	json_object_put(doc);
	/* no quota */
	self->c.report.vm = 0;
	doc = json_tokener_parse(json(self));
	ASSERT_NE(NULL, doc);
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 0);
	ASSERT_STREQ("web", json_object_get_string(reader_get(vm, "name")));
	ASSERT_TRUE(json_object_object_get_ex(vm, "quota_bytes_per_s", NULL));
	ASSERT_EQ(NULL, json_object_object_get(vm, "quota_bytes_per_s"));
	ASSERT_FALSE(json_object_get_boolean(reader_get(vm, "in_effect")));
	vm = json_object_array_get_idx(reader_get(vm, "vcpus"), 0);
	ASSERT_EQ(NULL, json_object_object_get(vm, "share_bytes_per_s"));
	json_object_put(doc);
	/* what was just set: what is, and nothing that needs an interval */
	self->c.report.snap = &self->c.snaps[1];
	self->c.report.vm = 1;
	doc = json_tokener_parse(json(self));
	ASSERT_NE(NULL, doc);
	vm = json_object_array_get_idx(reader_get(doc, "vms"), 0);
	ASSERT_EQ(16, json_object_get_int64(reader_get(vm, "quota_pages")));
	ASSERT_FALSE(json_object_object_get_ex(vm, "vcpus", NULL));
	ASSERT_FALSE(json_object_object_get_ex(vm, "throttle_pct", NULL));
	json_object_put(doc);
}

TEST_HARNESS_MAIN
