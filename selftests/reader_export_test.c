// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's metrics for Prometheus: that their text is well-formed in both formats, and says
 * what the maps have.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/dirty.h"
#include "../bpf/openmetrics.h"
#include "fake_maps.h"

#define VMS 3
#define LINES_MAX 4096
/* More than a double tells apart. */
#define LONG_NS 9007199254740993ULL
#define ODD_NAME "a\"b\\c\nd"

/**
 * struct text - what was exported
 * @all: the text, its line ends NULs by now
 * @line: its lines
 * @nr: how many
 */
struct text {
	char *all;
	char *line[LINES_MAX];
	unsigned int nr;
};

FIXTURE(export)
{
	struct fake_maps *fake;
	struct kvmeter_maps maps;
	struct kvmeter_snap snap;
	struct kvmeter_export_self self;
	struct text text;
};

static void add_vm(struct fake_maps *fake, unsigned int i)
{
	struct kvmeter_vcpu *v = &fake->vcpus[i];
	struct kvmeter_exit *row = &fake->exits[i * KVMETER_EXIT_ROWS];

	fake->index.vms |= 1 << i;
	fake->index.vcpus |= 1 << i;
	fake->vms[i].gen = 1;
	fake->vms[i].ram_pages = 1000 + i;
	fake->vms[i].log_state = KVMETER_LOG_OFF;
	snprintf(fake->vms[i].id, sizeof(fake->vms[i].id), "%u-9", i + 1);
	v->gen = 1;
	v->vm = i;
	v->vm_gen = 1;
	v->vcpu_id = 40 + i;
	v->nr_rows = 3;
	v->nr_thieves = 2;
	v->guest_ns = LONG_NS + i;
	v->steal_ns = 3000;
	v->steal_hist.bucket[10] = 2;
	v->steal_hist.bucket[31] = 1;
	row[1] = (struct kvmeter_exit){
		.reason = 10, .level = 1, .count = 7 + i, .kernel_ns = 70, .vmm_ns = 30
	};
	row[1].hist.bucket[4] = 7 + i;
	row[2] = (struct kvmeter_exit){ .reason = 12345, .level = 2, .count = 5 };
	fake->thieves[i * KVMETER_THIEF_ROWS + 1] = (struct kvmeter_thief){
		.kind = KVMETER_THIEF_PROCESS, .comm = "hog", .preempt_ns = 1000, .wakeup_ns = 500
	};
}

FIXTURE_SETUP(export)
{
	unsigned int i;

	memset(self, 0, sizeof(*self));
	self->fake = fake_maps_alloc(&self->maps);
	ASSERT_NE(NULL, self->fake);
	self->fake->host.vendor = KVMETER_VENDOR_VMX;
	self->fake->host.features = KVMETER_FEATURE_THIEF;
	for (i = 0; i < VMS; i++)
		add_vm(self->fake, i);
	self->self.max_vms = KVMETER_EXPORT_VMS;
}

FIXTURE_TEARDOWN(export)
{
	kvmeter_snapshot_put(&self->snap);
	free(self->text.all);
	free(self->fake);
}

/* Takes a snapshot and leaves its text in @self->text. */
static void export(struct __test_metadata *_metadata, FIXTURE_DATA(export) * self, bool openmetrics)
{
	char *at, *save = NULL;
	size_t size;
	FILE *out;

	free(self->text.all);
	memset(&self->text, 0, sizeof(self->text));
	kvmeter_snapshot_take(&self->snap, &self->maps, KVMETER_NEED_ROWS | KVMETER_NEED_THIEVES);
	ASSERT_LT(0, self->snap.nr_vms);
	self->snap.vms[0].name = ODD_NAME;
	out = open_memstream(&self->text.all, &size);
	ASSERT_NE(NULL, out);
	kvmeter_export_write(out, openmetrics, &self->snap, &self->self);
	ASSERT_EQ(0, fclose(out));
	ASSERT_EQ('\n', self->text.all[size - 1]);
	for (at = strtok_r(self->text.all, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		ASSERT_LT(self->text.nr, LINES_MAX);
		self->text.line[self->text.nr++] = at;
	}
}

/* Is that what the labels of a sample are? In @labels ' stands for the quote. */
static bool has_labels(const char *sample, const char *labels)
{
	for (; *labels; labels++, sample++) {
		if (*sample != (*labels == '\'' ? '"' : *labels))
			return false;
	}
	return !strncmp(sample, "} ", 2);
}

/* What stands behind the name and the labels, which may be none; NULL if there is no such sample.
 */
static const char *get(const struct text *text, const char *name, const char *labels)
{
	size_t len = strlen(name);
	unsigned int i;

	for (i = 0; i < text->nr; i++) {
		const char *end = text->line[i] + len;

		if (strncmp(text->line[i], name, len) || *end != (*labels ? '{' : ' '))
			continue;
		if (!*labels || has_labels(end + 1, labels))
			return strrchr(end, ' ') + 1;
	}
	return NULL;
}

static bool ends_with(const char *name, size_t len, const char *end)
{
	return len > strlen(end) && !strncmp(name + len - strlen(end), end, strlen(end));
}

/* May a sample of this name be in that family? */
static bool belongs(const char *sample, const char *family, const char *type, bool openmetrics)
{
	static const char *const hist[] = { "_bucket", "_count", "_sum" };
	size_t len = strcspn(sample, "{ "), base = strlen(family);
	unsigned int i;

	if (len < base || strncmp(sample, family, base))
		return false;
	if (!strcmp(type, "histogram")) {
		for (i = 0; i < 3; i++) {
			if (len == base + strlen(hist[i]) && ends_with(sample, len, hist[i]))
				return true;
		}
		return false;
	}
	if (openmetrics && !strcmp(type, "counter"))
		return len == base + 6 && ends_with(sample, len, "_total");
	if (openmetrics && !strcmp(type, "info"))
		return len == base + 5 && ends_with(sample, len, "_info");
	return len == base && (strcmp(type, "counter") || ends_with(sample, len, "_total"));
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each family once, its samples together, no series twice. */
static void check_text(struct __test_metadata *_metadata, struct text *text, bool openmetrics)
{
	char family[128] = "", type[32] = "", unit[64], name[128];
	char *families[LINES_MAX], *series[LINES_MAX];
	unsigned int i, nr_families = 0, nr_series = 0;
	int found;

	for (i = 0; i < text->nr; i++) {
		char *line = text->line[i];

		if (sscanf(line, "# HELP %127s", family) == 1) {
			ASSERT_LT(i + 1, text->nr);
			found = sscanf(text->line[i + 1], "# TYPE %127s %31s", name, type);
			ASSERT_EQ(2, found);
			ASSERT_STREQ(family, name);
			families[nr_families++] = strdup(family);
		} else if (sscanf(line, "# UNIT %127s %63s", name, unit) == 2) {
			EXPECT_TRUE(openmetrics);
			EXPECT_STREQ(family, name);
			EXPECT_TRUE(ends_with(family, strlen(family), unit));
		} else if (!strcmp(line, "# EOF")) {
			EXPECT_TRUE(openmetrics);
			EXPECT_EQ(text->nr - 1, i);
		} else if (*line != '#') {
			EXPECT_TRUE(belongs(line, family, type, openmetrics))
			TH_LOG("%s: no sample of %s, %s", line, family, type);
			series[nr_series] = strdup(line);
			*strrchr(series[nr_series++], ' ') = '\0';
		}
	}
	EXPECT_EQ(openmetrics, !strcmp(text->line[text->nr - 1], "# EOF"));
	ASSERT_LT(1, nr_families);
	ASSERT_LT(1, nr_series);
	qsort(families, nr_families, sizeof(*families), compare_lines);
	qsort(series, nr_series, sizeof(*series), compare_lines);
	for (i = 1; i < nr_families; i++)
		EXPECT_STRNE(families[i - 1], families[i]);
	for (i = 1; i < nr_series; i++)
		EXPECT_STRNE(series[i - 1], series[i]);
	for (i = 0; i < nr_families; i++)
		free(families[i]);
	for (i = 0; i < nr_series; i++)
		free(series[i]);
}

TEST_F(export, text_is_well_formed)
{
	self->self.by_vcpu = true;
	export(_metadata, self, true);
	check_text(_metadata, &self->text, true);
	export(_metadata, self, false);
	check_text(_metadata, &self->text, false);
}

/* Nobody adds a metric without a thought of how it is exported. */
TEST(all_fields_are_known)
{
	const struct kvmeter_record *record;
	unsigned int id, i;

	for (id = 0; id < KVMETER_RECORD_NR; id++) {
		record = &kvmeter_records[id];
		for (i = 0; i < record->nr; i++)
			EXPECT_TRUE(kvmeter_export_has_field(id, record->fields[i].name))
			{
				TH_LOG("%s.%s", record->name, record->fields[i].name);
			}
	}
	EXPECT_FALSE(kvmeter_export_has_field(KVMETER_RECORD_VM, "no_such_field"));
}

#define EXPECT_VALUE(value, name, labels) \
	EXPECT_STREQ(value, get(&self->text, name, labels) ?: "none")

TEST_F(export, times_are_exact)
{
	export(_metadata, self, true);
	EXPECT_VALUE("9007199.254740993", "kvmeter_vm_time_seconds_total",
		     "vm='1-9',state='guest'");
	EXPECT_VALUE("9007199.254740994", "kvmeter_vm_time_seconds_total",
		     "vm='2-9',state='guest'");
	EXPECT_VALUE("0.000003000", "kvmeter_vm_time_seconds_total", "vm='1-9',state='steal'");
	EXPECT_VALUE("0.000000000", "kvmeter_vm_time_seconds_total", "vm='1-9',state='throttle'");
}

TEST_F(export, exits_by_reason)
{
	export(_metadata, self, true);
	EXPECT_VALUE("7", "kvmeter_vm_exits_total",
		     "vm='1-9',reason='CPUID',class='CPUID',level='1'");
	EXPECT_VALUE("5", "kvmeter_vm_exits_total",
		     "vm='1-9',reason='0x3039',class='OTHER',level='2'");
	EXPECT_VALUE("0.000000070", "kvmeter_vm_exit_seconds_total",
		     "vm='1-9',reason='CPUID',class='CPUID',level='1',part='kernel'");
	EXPECT_VALUE("0.000000030", "kvmeter_vm_exit_seconds_total",
		     "vm='1-9',reason='CPUID',class='CPUID',level='1',part='vmm'");
}

TEST_F(export, histograms_are_cumulative)
{
	export(_metadata, self, true);
	EXPECT_VALUE("0", "kvmeter_vm_steal_wait_seconds_bucket", "vm='1-9',le='0.000000256'");
	EXPECT_VALUE("2", "kvmeter_vm_steal_wait_seconds_bucket", "vm='1-9',le='0.000001024'");
	EXPECT_VALUE("2", "kvmeter_vm_steal_wait_seconds_bucket", "vm='1-9',le='1.073741824'");
	EXPECT_VALUE("3", "kvmeter_vm_steal_wait_seconds_bucket", "vm='1-9',le='+Inf'");
	EXPECT_VALUE("3", "kvmeter_vm_steal_wait_seconds_count", "vm='1-9'");
	EXPECT_VALUE("0.000003000", "kvmeter_vm_steal_wait_seconds_sum", "vm='1-9'");
}

/* Two reasons of a class are one; what a reason takes is in the counters. */
TEST_F(export, handling_by_class)
{
	struct kvmeter_exit *row = &self->fake->exits[2];

	*row = (struct kvmeter_exit){ .reason = 3, .level = 1, .count = 5, .kernel_ns = 9 };
	row[0].hist.bucket[20] = 5;
	self->fake->exits[3] = row[0];
	self->fake->exits[3].reason = 4;
	self->fake->vcpus[0].nr_rows = 4;
	export(_metadata, self, true);
	EXPECT_VALUE("7", "kvmeter_vm_exit_handling_seconds_bucket",
		     "vm='1-9',class='CPUID',level='1',le='0.000000256'");
	EXPECT_VALUE("7", "kvmeter_vm_exit_handling_seconds_count",
		     "vm='1-9',class='CPUID',level='1'");
	EXPECT_VALUE("0.000000100", "kvmeter_vm_exit_handling_seconds_sum",
		     "vm='1-9',class='CPUID',level='1'");
	EXPECT_VALUE("0", "kvmeter_vm_exit_handling_seconds_bucket",
		     "vm='1-9',class='OTHER',level='1',le='0.000262144'");
	EXPECT_VALUE("10", "kvmeter_vm_exit_handling_seconds_bucket",
		     "vm='1-9',class='OTHER',level='1',le='0.001048576'");
	EXPECT_VALUE("0.000000018", "kvmeter_vm_exit_handling_seconds_sum",
		     "vm='1-9',class='OTHER',level='1'");
	EXPECT_VALUE("8", "kvmeter_vm_exit_handling_seconds_count",
		     "vm='2-9',class='CPUID',level='1'");
}

TEST_F(export, base_units)
{
	struct kvmeter_vm *vm = &self->fake->vms[0];

	vm->pages_4k = 3;
	vm->pages_2m = 5;
	vm->quota_pages = 7;
	self->fake->dirty[0] = (struct kvmeter_dirty){ .gen = 1, .rearm_ns = 1500, .marks = 11 };
	export(_metadata, self, true);
	EXPECT_VALUE("4096000", "kvmeter_vm_ram_bytes", "vm='1-9'");
	EXPECT_VALUE("12288", "kvmeter_vm_mapped_bytes", "vm='1-9',size='4k'");
	EXPECT_VALUE("10485760", "kvmeter_vm_mapped_bytes", "vm='1-9',size='2m'");
	EXPECT_VALUE("28672", "kvmeter_vm_quota_bytes_per_second", "vm='1-9'");
	EXPECT_VALUE("0.000001500", "kvmeter_vm_rearm_seconds_total", "vm='1-9'");
	EXPECT_VALUE("45056", "kvmeter_vm_marked_bytes_total", "vm='1-9'");
	/* Of the others nothing is known. */
	EXPECT_VALUE("none", "kvmeter_vm_marked_bytes_total", "vm='2-9'");
}

TEST_F(export, names_are_escaped)
{
	export(_metadata, self, true);
	EXPECT_VALUE("1", "kvmeter_vm_info", "vm='1-9',name='a\\\"b\\\\c\\nd',pid='0'");
}

TEST_F(export, thieves_by_kind)
{
	export(_metadata, self, true);
	EXPECT_VALUE("0.000001000", "kvmeter_vm_steal_by_seconds_total",
		     "vm='1-9',thief='PROCESS',after='preemption'");
	EXPECT_VALUE("0.000000500", "kvmeter_vm_steal_by_seconds_total",
		     "vm='1-9',thief='PROCESS',after='wakeup'");
	EXPECT_VALUE("0.000001500", "kvmeter_vm_steal_unexplained_seconds_total", "vm='1-9'");
	self->fake->host.features = 0;
	export(_metadata, self, true);
	EXPECT_VALUE("none", "kvmeter_vm_steal_by_seconds_total",
		     "vm='1-9',thief='PROCESS',after='preemption'");
	EXPECT_VALUE("0", "kvmeter_feature", "feature='attribution'");
}

TEST_F(export, states_of_a_vm)
{
	self->fake->vms[1].log_state = KVMETER_LOG_DRIVEN;
	self->fake->migrations[1] = (struct kvmeter_migration){ .gen = 1,
								.state = KVMETER_MIGRATION_RUNNING,
								.nr_rounds = 4 };
	export(_metadata, self, true);
	EXPECT_VALUE("1", "kvmeter_vm_log_state", "vm='2-9',state='driven'");
	EXPECT_VALUE("0", "kvmeter_vm_log_state", "vm='2-9',state='not_armed'");
	EXPECT_VALUE("1", "kvmeter_vm_log_state", "vm='1-9',state='not_armed'");
	EXPECT_VALUE("1", "kvmeter_vm_migration_state", "vm='2-9',state='running'");
	EXPECT_VALUE("1", "kvmeter_vm_migration_state", "vm='1-9',state='none'");
	EXPECT_VALUE("4", "kvmeter_vm_migration_rounds", "vm='2-9'");
}

TEST_F(export, curve_as_far_as_known)
{
	struct kvmeter_dirty *d = &self->fake->dirty[0];
	unsigned int i;

	d->gen = 1;
	d->session = KVMETER_SESSION_DRIVEN;
	for (i = 0; i < KVMETER_CURVE_NR; i++)
		d->curve[i] = i < 2 ? 10 + i : KVMETER_CURVE_NONE;
	export(_metadata, self, true);
	EXPECT_VALUE("40960", "kvmeter_vm_dirty_within_bytes", "vm='1-9',t='0.125'");
	EXPECT_VALUE("45056", "kvmeter_vm_dirty_within_bytes", "vm='1-9',t='0.25'");
	EXPECT_VALUE("none", "kvmeter_vm_dirty_within_bytes", "vm='1-9',t='0.5'");
}

TEST_F(export, vcpus_on_request)
{
	static const char name[] = "kvmeter_vcpu_time_seconds_total";
	static const char labels[] = "vm='3-9',vcpu='42',state='guest'";

	export(_metadata, self, true);
	EXPECT_VALUE("none", name, labels);
	self->self.by_vcpu = true;
	export(_metadata, self, true);
	EXPECT_VALUE("9007199.254740995", name, labels);
}

/* With more VMs than that the rest has no series, but is in what is of the host. */
TEST_F(export, vms_at_most)
{
	self->self.max_vms = 2;
	self->self.scrapes = 6;
	export(_metadata, self, true);
	EXPECT_VALUE("1", "kvmeter_export_left_out_vms", "");
	EXPECT_VALUE("3", "kvmeter_vms", "");
	EXPECT_VALUE("6", "kvmeter_export_scrapes_total", "");
	EXPECT_VALUE("4096000", "kvmeter_vm_ram_bytes", "vm='1-9'");
	EXPECT_VALUE("none", "kvmeter_vm_ram_bytes", "vm='3-9'");
}

/* A process has more than one VM that KVM could not name: none of their series is there twice. */
TEST_F(export, vms_of_one_id)
{
	unsigned int i;

	for (i = 0; i < VMS; i++) {
		strcpy(self->fake->vms[i].id, "7-none");
		self->fake->vms[i].pid = 7;
	}
	export(_metadata, self, true);
	check_text(_metadata, &self->text, true);
	EXPECT_VALUE("4096000", "kvmeter_vm_ram_bytes", "vm='7-none'");
	EXPECT_VALUE("4100096", "kvmeter_vm_ram_bytes", "vm='7-none.1'");
	EXPECT_VALUE("4104192", "kvmeter_vm_ram_bytes", "vm='7-none.2'");
}

/* A VM that has all there can be: so many, whatever its guest does. */
TEST_F(export, series_are_bounded)
{
	struct kvmeter_vcpu *v = &self->fake->vcpus[0];
	unsigned int i, before;

	export(_metadata, self, true);
	before = self->text.nr;
	v->nr_rows = KVMETER_EXIT_ROWS;
	v->nr_thieves = KVMETER_THIEF_ROWS;
	for (i = 1; i < KVMETER_EXIT_ROWS; i++)
		self->fake->exits[i] = (struct kvmeter_exit){ .reason = i, .level = 1, .count = 1 };
	for (i = 1; i < KVMETER_THIEF_ROWS; i++)
		self->fake->thieves[i] = (struct kvmeter_thief){ .kind = KVMETER_THIEF_PROCESS,
								 .comm = { 'a' + i },
								 .preempt_ns = 1 };
	export(_metadata, self, true);
	/* six of each reason, and a histogram of each class; nothing of a thief */
	EXPECT_GE(before + (KVMETER_EXIT_ROWS - 1) * (6 + 15), self->text.nr);
	EXPECT_LT(before + (KVMETER_EXIT_ROWS - 3) * 6, self->text.nr);
}

TEST_HARNESS_MAIN
