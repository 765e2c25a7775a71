// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module assumes of the kernel by name is so on this one, as another reader of its types,
 * libbpf, has it; and what is not so is not used: a module that assumes something else of one name
 * does without that, or is refused, and says so in one line. Loads and unloads the module.
 */
#define _GNU_SOURCE
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <kvmeter/prototypes.h>

#include "host.h"
#include "vmm.h"

#define STATUS "/sys/kernel/debug/kvmeter/status"
#define STATUS_BYTES 4096
#define TEXT_BYTES 512
#define TYPES "/sys/kernel/btf/%s"
#define DIFFERS "not declared as expected"
#define SET_REGION "__kvm_set_memory_region"
#define SET_REGION_ALT "kvm_set_memory_region"

static const struct kvmeter_prototype rows[] = { KVMETER_PROTOTYPES(KVMETER_PROTOTYPE_ROW) };

/* In the order of rows[]: the features that are off without; or NULL, as nothing goes without. */
static const struct {
	const char *name;
	const char *off;
} effects[] = {
	{ "kvm_exit", NULL },
	{ "kvm_entry", NULL },
	{ "kvm_userspace_exit", NULL },
	{ "kvm_vcpu_wakeup", NULL },
	{ "kvm_mmu_set_spte", "write_faults driven_sessions quotas" },
	{ "fast_page_fault", "write_faults driven_sessions quotas" },
	{ "sched_switch", NULL },
	{ "sched_wakeup", NULL },
	{ "sched_migrate_task", "attribution limits" },
	{ "kvm_vcpu_halt", NULL },
	{ "kvm_arch_vcpu_destroy", NULL },
	{ "kvm_arch_destroy_vm", NULL },
	{ "kvm_arch_commit_memory_region", "dirty driven_sessions quotas" },
	{ "kvm_get_dirty_log_protect", "log_calls driven_sessions" },
	{ "kvm_clear_dirty_log_protect", "log_calls driven_sessions" },
	{ "__kvm_write_guest_page", "kvm_writes" },
	{ "kvm_write_guest_offset_cached", "kvm_writes" },
	{ "record_steal_time", "kvm_writes" },
	{ "kvm_setup_guest_pvclock", "kvm_writes" },
	{ "tg_throttle_down", "limits" },
	{ "tg_unthrottle_up", "limits" },
	{ "free_fair_sched_group", "limits" },
	{ SET_REGION, "log_calls driven_sessions" },
	{ SET_REGION_ALT, "log_calls driven_sessions" },
	{ "kvm_arch_mmu_enable_log_dirty_pt_masked", "driven_sessions" },
	{ "kvm_flush_remote_tlbs", "driven_sessions" },
	{ "kvm_put_kvm", "dirty driven_sessions quotas" },
	{ "file_is_kvm", "driven_sessions" },
	{ "vmx_get_exit_info", "" },
	{ "svm_get_exit_info", "" },
	{ "task_work_cancel_match", "" },
	{ "runqueues", "limits" },
	{ "RET_PF_FIXED", "write_faults driven_sessions quotas" },
};

static const char *const features[] = {
	"dirty",	   "write_faults", "kvm_writes",  "log_calls",
	"driven_sessions", "quotas",	   "attribution", "limits",
};

FIXTURE(prototypes)
{
	struct btf *kernel;
	struct btf *kvm;
	struct btf *vendor;
	char *image;
	size_t bytes;
	int log;
};

FIXTURE_SETUP(prototypes)
{
	self->kernel = btf__load_vmlinux_btf();
	ASSERT_NE(NULL, self->kernel);
	self->kvm = btf__load_module_btf("kvm", self->kernel);
	ASSERT_NE(NULL, self->kvm);
	self->vendor = btf__load_module_btf(vmm_is_intel() ? "kvm_intel" : "kvm_amd", self->kernel);
	ASSERT_NE(NULL, self->vendor);
	self->log = host_log_open();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, host_read_module(&self->image, &self->bytes));
	ASSERT_EQ(ARRAY_SIZE(rows), ARRAY_SIZE(effects));
}

FIXTURE_TEARDOWN(prototypes)
{
	EXPECT_FALSE(host_is_loaded());
	free(self->image);
	close(self->log);
	btf__free(self->vendor);
	btf__free(self->kvm);
	btf__free(self->kernel);
}

static const struct btf_type *get_stripped(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static void write_function(FILE *out, const struct btf *btf, const struct btf_type *t,
			   unsigned int skip);

/* A type as the table writes it. */
static void write_type(FILE *out, const struct btf *btf, __u32 id)
{
	const struct btf_type *t = get_stripped(btf, id), *target;

	if (btf_is_ptr(t)) {
		target = get_stripped(btf, t->type);
		fputc('*', out);
		if (btf_is_func_proto(target)) {
			fputc('(', out);
			write_function(out, btf, target, 0);
			fputc(')', out);
		} else if (!btf_is_void(target)) {
			write_type(out, btf, t->type);
		}
	} else if (btf_is_composite(t) || btf_is_fwd(t)) {
		fputs(btf__name_by_offset(btf, t->name_off), out);
	} else if (btf_is_int(t) || btf_is_any_enum(t)) {
		fprintf(out, "%u", t->size);
	} else {
		fputs(btf_is_void(t) ? "0" : "?", out);
	}
}

static void write_function(FILE *out, const struct btf *btf, const struct btf_type *t,
			   unsigned int skip)
{
	const struct btf_param *param = btf_params(t);
	unsigned int i;

	write_type(out, btf, t->type);
	fputc(':', out);
	for (i = skip; i < btf_vlen(t); i++) {
		fputc(' ', out);
		write_type(out, btf, param[i].type);
	}
}

/* Is it one of the alternatives, or, where these have no colon, does it begin with it? */
static bool is_like(const char *text, const char *like)
{
	const char *params = strchr(text, ':') + 1, *its;
	size_t len;

	if (*params == ' ')
		params++;
	for (;; like += len + 1) {
		len = strcspn(like, "|");
		its = memchr(like, ':', strcspn(like, " |")) ? text : params;
		if (!strncmp(its, like, len) && (!its[len] || (its == params && its[len] == ' ')))
			return true;
		if (!len && its == params)
			return true;
		if (!like[len])
			return false;
	}
}

/* A function or tracepoint: what it is like, all of it. */
static bool function_fits(const struct btf *btf, const struct btf_type *t,
			  const struct kvmeter_prototype *row)
{
	char text[TEXT_BYTES] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	bool tracepoint = row->kind == KVMETER_PROTOTYPE_TRACEPOINT;

	t = get_stripped(btf, t->type);
	if (tracepoint)
		t = get_stripped(btf, t->type);
	write_function(out, btf, t, tracepoint);
	fclose(out);
	if (is_like(text, row->like))
		return true;
	printf("# %s: '%s' is not like '%s'\n", row->name, text, row->like);
	return false;
}

static bool variable_fits(const struct btf *btf, __u32 id, const struct kvmeter_prototype *row)
{
	const struct btf_var_secinfo *var;
	const struct btf_type *t;
	char text[TEXT_BYTES] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	__s32 section;
	int i;

	write_type(out, btf, btf__type_by_id(btf, id)->type);
	fclose(out);
	section = btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC);
	if (section < 0 || strcmp(text, row->like))
		return false;
	t = btf__type_by_id(btf, section);
	for (i = 0, var = btf_var_secinfos(t); i < btf_vlen(t); i++, var++)
		if (var->type == id)
			return true;
	return false;
}

static bool enum_has(const struct btf *btf, const struct btf_type *t,
		     const struct kvmeter_prototype *row)
{
	const struct btf_enum *e = btf_enum(t);
	int i;

	for (i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, e[i].name_off), row->name))
			return true;
	return false;
}

static bool number_fits(const struct btf *btf, const struct btf_type *t,
			const struct kvmeter_prototype *row)
{
	const struct btf_enum *e = btf_enum(t);
	char *like;

	while (strcmp(btf__name_by_offset(btf, e->name_off), row->name))
		e++;
	for (like = (char *)row->like; *like; like += *like == '|')
		if (strtol(like, &like, 10) == e->val)
			return true;
	return false;
}

/* How many there are of that name and kind in [@from, @to); *fits: those that fit. */
static unsigned int count(const struct btf *btf, __u32 from, __u32 to,
			  const struct kvmeter_prototype *row, unsigned int *fits)
{
	static const __u32 kinds[] = {
		[KVMETER_PROTOTYPE_FUNCTION] = BTF_KIND_FUNC,
		[KVMETER_PROTOTYPE_TRACEPOINT] = BTF_KIND_TYPEDEF,
		[KVMETER_PROTOTYPE_VARIABLE] = BTF_KIND_VAR,
		[KVMETER_PROTOTYPE_ENUMERATOR] = BTF_KIND_ENUM,
	};
	bool tracepoint = row->kind == KVMETER_PROTOTYPE_TRACEPOINT;
	char name[sizeof(row->name) + sizeof("btf_trace_")];
	const struct btf_type *t;
	unsigned int nr = 0;
	__u32 id;

	snprintf(name, sizeof(name), "%s%s", tracepoint ? "btf_trace_" : "", row->name);
	for (id = from; id < to; id++) {
		t = btf__type_by_id(btf, id);
		if (btf_kind(t) != kinds[row->kind])
			continue;
		if (row->kind == KVMETER_PROTOTYPE_ENUMERATOR) {
			if (!enum_has(btf, t, row))
				continue;
			*fits += number_fits(btf, t, row);
		} else {
			if (strcmp(btf__name_by_offset(btf, t->name_off), name))
				continue;
			*fits += row->kind == KVMETER_PROTOTYPE_VARIABLE
				? variable_fits(btf, id, row)
				: function_fits(btf, t, row);
		}
		nr++;
	}
	return nr;
}

/* Has the kernel, or a module, a function of that name? */
static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* Names that only other kernels, or other CPUs, have something of; or that another goes before. */
static bool is_used(FIXTURE_DATA(prototypes) * self, const char *name)
{
	if (!strcmp(name, SET_REGION))
		return has_function(self->kvm, SET_REGION);
	if (!strcmp(name, SET_REGION_ALT))
		return !has_function(self->kvm, SET_REGION);
	if (strstr(name, "x_get_exit_info"))
		return vmm_is_intel();
	if (strstr(name, "m_get_exit_info"))
		return !vmm_is_intel();
	return true;
}

TEST_F_TIMEOUT(prototypes, as_libbpf_has_them, 120)
{
	__u32 kernel_end = btf__type_cnt(self->kernel);
	unsigned int i, nr, fits;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_STREQ(effects[i].name, rows[i].name);
		fits = 0;
		nr = count(self->kernel, 1, kernel_end, &rows[i], &fits);
		nr += count(self->kvm, kernel_end, btf__type_cnt(self->kvm), &rows[i], &fits);
		nr += count(self->vendor, kernel_end, btf__type_cnt(self->vendor), &rows[i], &fits);
		EXPECT_EQ(nr, fits)
		TH_LOG("%s", rows[i].name);
		if (!is_used(self, rows[i].name))
			continue;
		EXPECT_LE(1, nr)
		TH_LOG("%s: there is none", rows[i].name);
	}
}

static int read_status(char *status)
{
	FILE *f = fopen(STATUS, "re");
	size_t len;

	if (!f)
		return -errno;
	len = fread(status, 1, STATUS_BYTES - 1, f);
	status[len] = '\0';
	fclose(f);
	return 0;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word))) {
		if ((at == words || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
		at += len;
	}
	return false;
}

/* All features but @off are on, and these say why. Return: the first for which that is not so. */
static const char *find_wrong_feature(const char *status, const char *off)
{
	char line[96];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (has_word(off, features[i]))
			snprintf(line, sizeof(line), "\n%s: off: ", features[i]);
		else
			snprintf(line, sizeof(line), "\n%s: on\n", features[i]);
		if (strstr(status, line))
			continue;
		printf("# %s is not as expected in:\n%s", features[i], status);
		return features[i];
	}
	return NULL;
}

/* The only place where a module has that text; NULL if there are more, or none. */
static char *find_only(char *image, size_t bytes, const void *text, size_t len)
{
	char *at = memmem(image, bytes, text, len);

	if (at && memmem(at + 1, image + bytes - at - 1, text, len))
		return NULL;
	return at;
}

/*
 * The module's row of that name: its like; NULL if there are more, or none. A name by itself, with
 * what a checker leaves around it, looks like the row of a function, but that nothing follows.
 */
static char *find_like(char *image, size_t bytes, const struct kvmeter_prototype *row)
{
	const size_t len = offsetof(struct kvmeter_prototype, like);
	char *at = image, *like = NULL;

	while ((at = memmem(at, bytes - (size_t)(at - image), row, len))) {
		at += len;
		if (!*at)
			continue;
		if (like)
			return NULL;
		like = at;
	}
	return like;
}

static bool log_has(int log, const char *name, const char *what)
{
	char text[256], other[256];

	if (host_log_next(log, text, sizeof(text)) != 1 || host_log_next(log, other, sizeof(other)))
		return false;
	printf("# %s", text);
	return strstr(text, "kvmeter: load failed: ") && strstr(text, name) && strstr(text, what);
}

/* One that is not what it is taken to be. */
static void try_wrong(struct __test_metadata *_metadata, FIXTURE_DATA(prototypes) * self,
		      unsigned int i)
{
	const struct kvmeter_prototype *row = &rows[i];
	char status[STATUS_BYTES], line[128], text[256];
	char *like = find_like(self->image, self->bytes, row);
	char saved[sizeof(row->like)];
	int ret;

	ASSERT_NE(NULL, like);
	memcpy(saved, like, sizeof(saved));
	strcpy(like, row->kind == KVMETER_PROTOTYPE_ENUMERATOR ? "77" : "*kvmeter_selftest");
	ret = host_load_image(self->image, self->bytes, "");
	memcpy(like, saved, sizeof(saved));

	if (!effects[i].off) {
		EXPECT_EQ(-ENOEXEC, ret);
		EXPECT_TRUE(log_has(self->log, row->name, DIFFERS));
		EXPECT_FALSE(host_is_loaded());
		return;
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, read_status(status));
	ASSERT_EQ(0, host_unload());
	EXPECT_EQ(0, host_log_next(self->log, text, sizeof(text)));
	snprintf(line, sizeof(line), "\nnot_usable: %s: " DIFFERS "\n", row->name);
	if (is_used(self, row->name)) {
		EXPECT_EQ(NULL, find_wrong_feature(status, effects[i].off));
		EXPECT_NE(NULL, strstr(status, line));
		/* And it is the only one. */
		EXPECT_EQ(NULL, strstr(strstr(status, "not_usable:") + 1, "not_usable:"));
	} else {
		EXPECT_EQ(NULL, find_wrong_feature(status, ""));
		EXPECT_EQ(NULL, strstr(status, "not_usable"));
	}
}

/* In the short form some of each kind. */
static bool is_chosen(const char *name)
{
	/* clang-format off */
	static const char *const chosen[] = {
		"kvm_exit", "fast_page_fault", "vmx_get_exit_info",
		"RET_PF_FIXED", "kvm_put_kvm", "runqueues", "kvm_set_memory_region",
		"record_steal_time", "svm_get_exit_info",
	};
	/* clang-format on */

	size_t i;

	for (i = 0; i < ARRAY_SIZE(chosen); i++)
		if (!strcmp(chosen[i], name))
			return true;
	return host_is_long();
}

TEST_F_TIMEOUT(prototypes, what_differs_is_not_used, 300)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!is_chosen(rows[i].name))
			continue;
		TH_LOG("%s", rows[i].name);
		try_wrong(_metadata, self, i);
	}
}

TEST_F(prototypes, all_is_used)
{
	char status[STATUS_BYTES];

	ASSERT_EQ(0, host_load_image(self->image, self->bytes, ""));
	EXPECT_EQ(0, read_status(status));
	EXPECT_EQ(0, host_unload());
	EXPECT_EQ(NULL, find_wrong_feature(status, ""));
	EXPECT_EQ(NULL, strstr(status, "not_usable"));
}

/* Until then there is no function of its to ask for exit reasons; it is compared when it comes. */
TEST_F(prototypes, vendor_module_comes_later)
{
	const char *function = vmm_is_intel() ? "vmx_get_exit_info" : "svm_get_exit_info";
	const char *module = vmm_is_intel() ? "kvm_intel" : "kvm_amd";
	char before[STATUS_BYTES], after[STATUS_BYTES], line[96];
	int ret;

	ASSERT_EQ(0, syscall(SYS_delete_module, module, O_NONBLOCK));
	ret = host_load_image(self->image, self->bytes, "");
	if (!ret)
		EXPECT_EQ(0, read_status(before));
	snprintf(line, sizeof(line), "modprobe %s", module);
	EXPECT_EQ(0, system(line));
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, read_status(after));
	EXPECT_EQ(0, host_unload());
	snprintf(line, sizeof(line), "\nnot_usable: %s: not found\n", function);
	EXPECT_NE(NULL, strstr(before, line));
	EXPECT_EQ(NULL, find_wrong_feature(before, ""));
	EXPECT_EQ(NULL, strstr(after, "not_usable"));
}

/* A kernel without types. */
TEST_F(prototypes, no_types)
{
	char *at;

	at = find_only(self->image, self->bytes, TYPES, sizeof(TYPES));
	ASSERT_NE(NULL, at);
	at[1] = 'S';
	EXPECT_EQ(-ENOENT, host_load_image(self->image, self->bytes, ""));
	EXPECT_TRUE(log_has(self->log, "/sys/kernel/btf/vmlinux", "type information"));
	at[1] = TYPES[1];
}

TEST_HARNESS_MAIN
