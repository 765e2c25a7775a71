// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's pure parts: percentiles, differences, sums, VM names, escaping, intervals.
 *
 * Linked with the reader's objects; needs neither root nor the module.
 */
#include <string.h>

#include <linux/kvm.h>
#include <kselftest_harness.h>

#include "../bpf/reader.h"

/* The reader's own snapshots look names up in /proc; the snapshots here have names already. */
static struct kvmeter_hist hist_of(unsigned int bucket, __u64 nr)
{
	struct kvmeter_hist hist = {};

	hist.bucket[bucket] = nr;
	return hist;
}

TEST(percentile_of_nothing_is_zero)
{
	struct kvmeter_hist hist = {};

	ASSERT_EQ(0, (__u64)kvmeter_stats_percentile_ns(&hist, 50, ~0ULL, 0));
	ASSERT_EQ(0, kvmeter_stats_highest_ns(&hist));
	ASSERT_EQ(~0ULL, kvmeter_stats_lowest_ns(&hist));
}

TEST(percentile_interpolates_within_a_bucket)
{
	/* bucket 11 is [1024, 2048) */
	struct kvmeter_hist hist = hist_of(11, 100);

	ASSERT_EQ(1536, (__u64)kvmeter_stats_percentile_ns(&hist, 50, 0, ~0ULL));
	ASSERT_EQ(2037, (__u64)kvmeter_stats_percentile_ns(&hist, 99, 0, ~0ULL));
	ASSERT_EQ(2048, (__u64)kvmeter_stats_percentile_ns(&hist, 100, 0, ~0ULL));
}

TEST(percentile_keeps_to_min_and_max)
{
	struct kvmeter_hist hist = hist_of(11, 7);

	ASSERT_EQ(1300, (__u64)kvmeter_stats_percentile_ns(&hist, 50, 1300, 1300));
	ASSERT_EQ(1300, (__u64)kvmeter_stats_percentile_ns(&hist, 99, 1300, 1300));
	ASSERT_EQ(1100, (__u64)kvmeter_stats_percentile_ns(&hist, 50, 1000, 1176));
	/* the last bucket has no upper bound but the maximum */
	hist = hist_of(31, 2);
	ASSERT_EQ(3000000000ULL, (__u64)kvmeter_stats_percentile_ns(&hist, 100, 0, 3000000000ULL));
}

/* The shortest time on record is of exits without steal: those with steal can be shorter. */
TEST(percentile_below_min)
{
	struct kvmeter_hist hist = hist_of(4, 10);

	ASSERT_EQ(12, (__u64)kvmeter_stats_percentile_ns(&hist, 50, 5000, 9000));
	ASSERT_EQ(12, (__u64)kvmeter_stats_percentile_ns(&hist, 50, ~0ULL, 9000));
}

TEST(percentile_crosses_buckets)
{
	struct kvmeter_hist hist = {};

	hist.bucket[1] = 90; /* [1, 2) */
	hist.bucket[4] = 10; /* [8, 16) */
	ASSERT_EQ(1, (__u64)kvmeter_stats_percentile_ns(&hist, 89, 0, 16));
	ASSERT_EQ(12, (__u64)kvmeter_stats_percentile_ns(&hist, 95, 0, 16));
	/* bucket 0 is [0, 1) */
	hist = hist_of(0, 3);
	ASSERT_EQ(0, (__u64)kvmeter_stats_percentile_ns(&hist, 99, 0, 0));
}

TEST(percentile_survives_nonsense)
{
	struct kvmeter_hist hist;

	memset(&hist, 0xff, sizeof(hist));
	ASSERT_LE(kvmeter_stats_percentile_ns(&hist, 99, ~0ULL, 0), 1.0);
	ASSERT_GE(kvmeter_stats_percentile_ns(&hist, 99, 0, ~0ULL), 0.0);
}

struct two_snaps {
	struct kvmeter_snap prev, cur, delta;
	struct kvmeter_snap_vm vm[2];
	struct kvmeter_snap_vcpu vcpu[2];
	struct kvmeter_exit rows[2][2];
	unsigned int at[2][1];
};

/* One VM with one vCPU with a row 0 and a row for reason 0x72, seen twice, a second apart. */
static void make_snaps(struct two_snaps *s)
{
	struct kvmeter_snap *snaps[] = { &s->prev, &s->cur };
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < 2; i++) {
		s->vm[i].nr_vcpus = 1;
		s->vm[i].v.gen = 1;
		s->vcpu[i].v.gen = 1;
		s->vcpu[i].v.vm_gen = 1;
		s->vcpu[i].nr_rows = 2;
		s->vcpu[i].elapsed_ns = (i + 1) * 500000000ULL;
		s->rows[i][0].min_ns = ~0ULL;
		s->rows[i][1].reason = 0x72;
		s->at[i][0] = 1;
		snaps[i]->now_ns = (i + 1) * 1000000000ULL;
		snaps[i]->host.vendor = KVMETER_VENDOR_SVM;
		snaps[i]->vms = &s->vm[i];
		snaps[i]->vcpus = &s->vcpu[i];
		snaps[i]->rows = s->rows[i];
		snaps[i]->vcpu_at = s->at[i];
		snaps[i]->room_at = 1;
		snaps[i]->nr_vms = 1;
		snaps[i]->nr_vcpus = 1;
		snaps[i]->nr_rows = 2;
	}
}

static void set_row(struct kvmeter_exit *row, __u64 count, __u64 min_ns, __u64 max_ns)
{
	row->count = count;
	row->kernel_ns = count * 100;
	row->min_ns = min_ns;
	row->max_ns = max_ns;
}

TEST(delta_subtracts)
{
	struct two_snaps s;

	make_snaps(&s);
	set_row(&s.rows[0][1], 10, 90, 5000);
	s.rows[0][1].hist = hist_of(7, 10);
	set_row(&s.rows[1][1], 17, 90, 5000);
	s.rows[1][1].hist = hist_of(7, 17);
	s.vcpu[0].v.exits = 10;
	s.vcpu[1].v.exits = 17;
	s.vcpu[0].v.pml_gfn_sum = 5;
	s.vcpu[1].v.pml_gfn_sum = 3;
	s.vcpu[0].v.user_exit[KVM_EXIT_IO] = 4;
	s.vcpu[1].v.user_exit[KVM_EXIT_IO] = 15;
	s.vcpu[0].v.user_ns[KVM_EXIT_IO] = 1000;
	s.vcpu[1].v.user_ns[KVM_EXIT_IO] = 1013;
	kvmeter_delta_get(&s.delta, &s.cur, &s.prev);

	ASSERT_EQ(1000000000ULL, s.delta.interval_ns);
	ASSERT_EQ(1000000000ULL, s.delta.vms[0].elapsed_ns);
	ASSERT_EQ(500000000ULL, s.delta.vcpus[0].elapsed_ns);
	ASSERT_EQ(7, s.delta.vcpus[0].v.exits);
	ASSERT_EQ(11, s.delta.vcpus[0].v.user_exit[KVM_EXIT_IO]);
	ASSERT_EQ(13, s.delta.vcpus[0].v.user_ns[KVM_EXIT_IO]);
	ASSERT_EQ((__u64)-2, s.delta.vcpus[0].v.pml_gfn_sum);
	ASSERT_EQ(7, s.delta.rows[1].count);
	ASSERT_EQ(700, s.delta.rows[1].kernel_ns);
	ASSERT_EQ(7, s.delta.rows[1].hist.bucket[7]);
	/* neither extreme is new: bounds of [64, 128), and 90 is known to be the lowest ever */
	ASSERT_EQ(90, s.delta.rows[1].min_ns);
	ASSERT_EQ(128, s.delta.rows[1].max_ns);
	/* nothing ended for row 0 */
	ASSERT_EQ(~0ULL, s.delta.rows[0].min_ns);
	ASSERT_EQ(0, s.delta.rows[0].max_ns);
}

TEST(delta_new_extremes_are_exact)
{
	struct two_snaps s;

	make_snaps(&s);
	set_row(&s.rows[0][1], 10, 90, 100);
	s.rows[0][1].hist = hist_of(7, 10);
	set_row(&s.rows[1][1], 12, 70, 120);
	s.rows[1][1].hist = hist_of(7, 12);
	kvmeter_delta_get(&s.delta, &s.cur, &s.prev);
	ASSERT_EQ(70, s.delta.rows[1].min_ns);
	ASSERT_EQ(120, s.delta.rows[1].max_ns);
}

TEST(delta_slot_taken_by_another_is_counted_from_zero)
{
	struct two_snaps s;

	make_snaps(&s);
	s.vcpu[0].v.exits = 1000;
	s.vcpu[1].v.exits = 7;
	s.vcpu[1].v.gen = 3;
	s.vm[1].v.gen = 3;
	s.vm[1].elapsed_ns = 11;
	kvmeter_delta_get(&s.delta, &s.cur, &s.prev);
	ASSERT_EQ(7, s.delta.vcpus[0].v.exits);
	ASSERT_EQ(11, s.delta.vms[0].elapsed_ns);
}

TEST(delta_is_armed_only_for_a_whole_interval)
{
	struct two_snaps s;

	make_snaps(&s);
	s.vm[1].v.log_state = KVMETER_LOG_BITMAP;
	kvmeter_delta_get(&s.delta, &s.cur, &s.prev);
	ASSERT_FALSE(s.delta.vms[0].armed);
	s.vm[0].v.log_state = KVMETER_LOG_BITMAP;
	kvmeter_delta_get(&s.delta, &s.cur, &s.prev);
	ASSERT_TRUE(s.delta.vms[0].armed);
	s.vm[1].v.log_state = KVMETER_LOG_OFF;
	kvmeter_delta_get(&s.delta, &s.cur, &s.prev);
	ASSERT_FALSE(s.delta.vms[0].armed);
}

struct two_vcpus {
	struct kvmeter_exit rows[6];
	struct kvmeter_snap_vcpu vcpus[2];
	struct kvmeter_snap snap;
};

/* Two vCPUs of an AMD host; the second exited from a nested guest as well. */
static void make_vcpus(struct two_vcpus *t)
{
	memset(t, 0, sizeof(*t));
	t->snap.vcpus = t->vcpus;
	t->snap.rows = t->rows;
	t->snap.nr_vcpus = 2;
	t->snap.nr_rows = 6;
	t->snap.host.vendor = KVMETER_VENDOR_SVM;
	t->vcpus[0].nr_rows = 3;
	t->vcpus[0].elapsed_ns = 1000000000;
	t->vcpus[0].v.exits = 12;
	t->vcpus[1].nr_rows = 3;
	t->vcpus[1].first_row = 3;
	t->vcpus[1].elapsed_ns = 1000000000;
	t->vcpus[1].v.exits = 11;
	t->vcpus[1].v.user_exit[KVM_EXIT_HLT] = 3;
	set_row(&t->rows[0], 3, 50, 60);
	t->rows[0].reason = 0x72; /* went into row 0: not the same as the row of 0x72 */
	set_row(&t->rows[1], 4, 10, 20);
	t->rows[1].reason = 0x72;
	t->rows[1].level = 1;
	set_row(&t->rows[2], 5, 1000, 2000);
	t->rows[2].reason = 0x78;
	t->rows[2].level = 1;
	set_row(&t->rows[3], 0, ~0ULL, 0);
	set_row(&t->rows[4], 9, 5, 15);
	t->rows[4].reason = 0x72;
	t->rows[4].level = 1;
	set_row(&t->rows[5], 2, 3, 4);
	t->rows[5].reason = 0x72;
	t->rows[5].level = 2;
}

TEST(sum_orders_by_count_and_keeps_unknown_and_nested_apart)
{
	struct kvmeter_sum sum;
	struct two_vcpus t;

	make_vcpus(&t);
	kvmeter_sum_vcpus(&sum, &t.snap, 0, 2, false);
	ASSERT_EQ(4, sum.nr_rows);
	ASSERT_EQ(0x72, sum.rows[0].e.reason);
	ASSERT_EQ(1, sum.rows[0].e.level);
	ASSERT_FALSE(sum.rows[0].other);
	ASSERT_STREQ("CPUID", sum.rows[0].name);
	ASSERT_EQ(13, sum.rows[0].e.count);
	ASSERT_EQ(5, sum.rows[0].e.min_ns);
	ASSERT_EQ(20, sum.rows[0].e.max_ns);
	ASSERT_EQ(0x78, sum.rows[1].e.reason);
	ASSERT_TRUE(sum.rows[2].other);
	ASSERT_STREQ("UNKNOWN", sum.rows[2].name);
	ASSERT_EQ(0x72, sum.rows[2].e.reason);
	ASSERT_EQ(3, sum.rows[2].e.count);
	ASSERT_EQ(2, sum.rows[3].e.level);
	ASSERT_EQ(2, sum.rows[3].e.count);
	ASSERT_EQ(3, sum.rows[3].e.min_ns);
	ASSERT_EQ(23, sum.v.exits);
	ASSERT_EQ(3, sum.v.user_exit[KVM_EXIT_HLT]);
	ASSERT_EQ(23, (__u64)(sum.exits_s + 0.5));
	kvmeter_sum_put(&sum);
}

TEST(sum_by_class_keeps_nested_apart)
{
	struct kvmeter_sum sum;
	struct two_vcpus t;

	make_vcpus(&t);
	/* 0xa6, IDLE_HLT, is of class HLT as 0x78, HLT, is; at level 2 it is not */
	t.rows[4].reason = 0xa6;
	t.rows[5].reason = 0xa6;
	kvmeter_sum_vcpus(&sum, &t.snap, 0, 2, true);
	ASSERT_EQ(4, sum.nr_rows);
	ASSERT_STREQ("HLT", sum.rows[0].name);
	ASSERT_EQ(14, sum.rows[0].e.count);
	ASSERT_EQ(5, sum.rows[0].e.min_ns);
	ASSERT_EQ(2000, sum.rows[0].e.max_ns);
	ASSERT_STREQ("CPUID", sum.rows[1].name);
	ASSERT_STREQ("UNKNOWN", sum.rows[2].name);
	ASSERT_STREQ("HLT", sum.rows[3].name);
	ASSERT_EQ(2, sum.rows[3].e.level);
	kvmeter_sum_put(&sum);
}

TEST(reason_is_shown_with_its_level)
{
	struct kvmeter_sum_row row = { .name = "CPUID", .e.reason = 0x72, .e.level = 1 };
	char buf[KVMETER_REASON_MAX];

	ASSERT_STREQ("CPUID", kvmeter_table_reason(&row, buf, sizeof(buf)));
	row.e.level = 2;
	ASSERT_STREQ("L2:CPUID", kvmeter_table_reason(&row, buf, sizeof(buf)));
	row.name = NULL;
	ASSERT_STREQ("L2:0x72", kvmeter_table_reason(&row, buf, sizeof(buf)));
}

/* Arguments as one string with NULs, as /proc/PID/cmdline has them. */
#define NAME_OF(text) \
	(kvmeter_cmdline_get_name(text, sizeof(text) - 1, name, sizeof(name)) ? name : "(none)")

TEST(name_from_cmdline)
{
	char name[32];

	ASSERT_STREQ("web1",
		     NAME_OF("qemu\0-name\0guest=web1,debug-threads=on\0-m\0"
			     "512\0"));
	ASSERT_STREQ("web1", NAME_OF("qemu\0-name\0web1\0"));
	ASSERT_STREQ("web1", NAME_OF("qemu\0-name\0web1,process=qemu:x\0"));
	ASSERT_STREQ("web1", NAME_OF("qemu\0-name\0process=x,guest=web1\0"));
	ASSERT_STREQ("web1", NAME_OF("qemu\0--name\0web1\0"));
	ASSERT_STREQ("web1", NAME_OF("vmm\0--name=web1\0"));
	ASSERT_STREQ("a,b", NAME_OF("qemu\0-name\0guest=a,,b,debug-threads=on\0"));
	ASSERT_STREQ("new", NAME_OF("qemu\0-name\0old\0-name\0new\0"));
	ASSERT_STREQ("a b", NAME_OF("qemu\0-name\0a b\0"));
}

TEST(no_name_in_cmdline)
{
	char name[32];

	ASSERT_STREQ("(none)", NAME_OF(""));
	ASSERT_STREQ("(none)", NAME_OF("qemu\0"));
	ASSERT_STREQ("(none)", NAME_OF("-name\0x\0"));
	ASSERT_STREQ("(none)", NAME_OF("qemu\0-name\0"));
	ASSERT_STREQ("(none)", NAME_OF("qemu\0-name"));
	ASSERT_STREQ("(none)", NAME_OF("qemu\0-name\0\0"));
	ASSERT_STREQ("(none)", NAME_OF("qemu\0-name\0debug-threads=on\0"));
	ASSERT_STREQ("(none)", NAME_OF("qemu\0-names\0x\0name\0y\0"));
}

TEST(long_name_is_cut)
{
	char cmdline[2 * KVMETER_NAME_MAX + 64] = "qemu\0-name\0guest=";
	size_t head = sizeof("qemu\0-name\0guest=") - 1, len = 2 * KVMETER_NAME_MAX;
	char name[KVMETER_NAME_MAX];

	memset(cmdline + head, 'x', len);
	ASSERT_TRUE(kvmeter_cmdline_get_name(cmdline, head + len, name, sizeof(name)));
	ASSERT_EQ(KVMETER_NAME_MAX - 1, strlen(name));
}

static const char *shown(const char *text)
{
	static char buf[256];

	kvmeter_escape_text(text, buf, sizeof(buf));
	return buf;
}

TEST(escape_keeps_what_is_harmless)
{
	ASSERT_STREQ("", shown(""));
	ASSERT_STREQ("web-1 (prod)", shown("web-1 (prod)"));
	ASSERT_STREQ("gr\xc3\xbc\xc3\x9f", shown("gr\xc3\xbc\xc3\x9f"));
	ASSERT_STREQ("\xf0\x9f\x90\xa7", shown("\xf0\x9f\x90\xa7"));
	ASSERT_EQ(4, kvmeter_escape_width("gr\xc3\xbc\xc3\x9f"));
}

TEST(escape_disarms_control_characters)
{
	ASSERT_STREQ("\\x1b[31mred", shown("\x1b[31mred"));
	ASSERT_STREQ("a\\x0ab\\x0d\\x09\\x07\\x7f", shown("a\nb\r\t\a\x7f"));
	/* U+009B, a terminal sequence of its own, alone and in UTF-8 */
	ASSERT_STREQ("\\x9bm", shown("\x9bm"));
	ASSERT_STREQ("\\xc2\\x9bm", shown("\xc2\x9bm"));
	/* U+202E turns the direction of writing, U+200B cannot be seen */
	ASSERT_STREQ("\\xe2\\x80\\xae", shown("\xe2\x80\xae"));
	ASSERT_STREQ("\\xe2\\x80\\x8b", shown("\xe2\x80\x8b"));
	ASSERT_STREQ("a\\\\x1b", shown("a\\x1b"));
}

TEST(escape_disarms_broken_utf8)
{
	ASSERT_STREQ("\\xff", shown("\xff"));
	ASSERT_STREQ("\\xc3", shown("\xc3"));
	ASSERT_STREQ("\\xe2\\x82", shown("\xe2\x82"));
	ASSERT_STREQ("\\xc0\\xaf", shown("\xc0\xaf"));
	ASSERT_STREQ("\\xe0\\x80\\xaf", shown("\xe0\x80\xaf"));
	ASSERT_STREQ("\\xed\\xa0\\x80", shown("\xed\xa0\x80"));
	ASSERT_STREQ("\\xf4\\x90\\x80\\x80", shown("\xf4\x90\x80\x80"));
}

TEST(escape_cuts_between_characters)
{
	char buf[6];

	kvmeter_escape_text("abc\n", buf, sizeof(buf));
	ASSERT_STREQ("abc", buf);
	kvmeter_escape_text("abcd\xc3\xbc", buf, sizeof(buf));
	ASSERT_STREQ("abcd", buf);
	kvmeter_escape_text("abcdefgh", buf, sizeof(buf));
	ASSERT_STREQ("abcde", buf);
	kvmeter_escape_text("a", buf, 1);
	ASSERT_STREQ("", buf);
}

TEST(intervals)
{
	static const char *const bad[] = { "",	  "-1",	   "0",	 "x",	      "1x",  "1ss",
					   ".",	  "1.2.3", "+1", "inf",	      "nan", "0x5",
					   "1e9", " 1",	   "s",	 "9999999999" };
	unsigned long count;
	double seconds;
	unsigned int i;
	bool unit;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_FALSE(kvmeter_select_parse_seconds(bad[i], &seconds, &unit))
	TH_LOG("number %u of bad[] was taken", i);
	ASSERT_TRUE(kvmeter_select_parse_seconds("5", &seconds, &unit));
	ASSERT_EQ(5, (int)seconds);
	ASSERT_FALSE(unit);
	ASSERT_TRUE(kvmeter_select_parse_seconds("0.5", &seconds, &unit));
	ASSERT_EQ(500, (int)(seconds * 1000));
	ASSERT_TRUE(kvmeter_select_parse_seconds("5m", &seconds, &unit));
	ASSERT_EQ(300, (int)seconds);
	ASSERT_TRUE(unit);
	ASSERT_TRUE(kvmeter_select_parse_count("17", &count));
	ASSERT_EQ(17, count);
	ASSERT_FALSE(kvmeter_select_parse_count("0", &count));
	ASSERT_FALSE(kvmeter_select_parse_count("-3", &count));
	ASSERT_FALSE(kvmeter_select_parse_count("1.5", &count));
}

TEST(reasons_of_both_vendors)
{
	ASSERT_STREQ("CPUID", kvmeter_reasons_name(KVMETER_VENDOR_VMX, 10));
	ASSERT_STREQ("CPUID", kvmeter_reasons_name(KVMETER_VENDOR_SVM, 0x72));
	ASSERT_STREQ("PAGE_FAULT", kvmeter_reasons_class(KVMETER_VENDOR_VMX, 48));
	ASSERT_STREQ("PAGE_FAULT", kvmeter_reasons_class(KVMETER_VENDOR_SVM, 0x400));
	ASSERT_EQ(NULL, kvmeter_reasons_name(KVMETER_VENDOR_VMX, 0x400));
	ASSERT_EQ(NULL, kvmeter_reasons_name(KVMETER_VENDOR_NONE, 10));
	ASSERT_EQ(NULL, kvmeter_reasons_name(77, 10));
	ASSERT_STREQ("OTHER", kvmeter_reasons_class(KVMETER_VENDOR_SVM, 0x3fe));
}

TEST(names_of_exits_to_the_vmm)
{
	ASSERT_STREQ("UNKNOWN", kvmeter_reasons_user_exit(KVM_EXIT_UNKNOWN));
	ASSERT_STREQ("IO", kvmeter_reasons_user_exit(KVM_EXIT_IO));
	ASSERT_STREQ("HLT", kvmeter_reasons_user_exit(KVM_EXIT_HLT));
	ASSERT_STREQ("MMIO", kvmeter_reasons_user_exit(KVM_EXIT_MMIO));
	ASSERT_STREQ("INTR", kvmeter_reasons_user_exit(KVM_EXIT_INTR));
	ASSERT_STREQ("INTERNAL_ERROR", kvmeter_reasons_user_exit(KVM_EXIT_INTERNAL_ERROR));
	ASSERT_STREQ("SYSTEM_EVENT", kvmeter_reasons_user_exit(KVM_EXIT_SYSTEM_EVENT));
	ASSERT_STREQ("NOTIFY", kvmeter_reasons_user_exit(KVM_EXIT_NOTIFY));
	ASSERT_STREQ("OTHER", kvmeter_reasons_user_exit(KVMETER_USER_EXITS - 1));
	ASSERT_STREQ("OTHER", kvmeter_reasons_user_exit(~0U));
}

TEST(names_of_states_and_kinds)
{
	ASSERT_STREQ("guest", kvmeter_reasons_state(KVMETER_STATE_GUEST));
	ASSERT_STREQ("throttle", kvmeter_reasons_state(KVMETER_STATE_THROTTLE));
	ASSERT_STREQ("?", kvmeter_reasons_state(KVMETER_STATE_NR));
	ASSERT_STREQ("IO_OUT", kvmeter_reasons_sub_kind(KVMETER_SUB_IO_OUT));
	ASSERT_STREQ("PAGE_FAULT", kvmeter_reasons_sub_kind(KVMETER_SUB_PAGE_FAULT));
	ASSERT_STREQ("?", kvmeter_reasons_sub_kind(KVMETER_SUB_NR));
}

TEST_HARNESS_MAIN
