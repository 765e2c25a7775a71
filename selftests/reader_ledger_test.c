// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's arithmetic of the ledger: up to now, shares, metrics by the table, sub-reasons.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "fake_maps.h"

/* First seen at 1000; 30 in each state up to 1180, and halted since. */
static struct kvmeter_vcpu halted_vcpu(void)
{
	struct kvmeter_vcpu v = {
		.state = KVMETER_STATE_HALT,
		.first_ns = 1000,
		.since_ns = 1180,
		.guest_ns = 30,
		.kernel_ns = 30,
		.vmm_ns = 30,
		.halt_ns = 30,
		.steal_ns = 30,
		.throttle_ns = 30,
	};

	return v;
}

TEST(clock_scales_in_128_bits)
{
	/* 2 GHz: half a ns a cycle; five years of cycles do not fit 64 bits times the factor */
	ASSERT_EQ(500, kvmeter_ledger_scale_tsc(1000, 1ULL << 31));
	ASSERT_EQ(157680000000000000ULL,
		  kvmeter_ledger_scale_tsc(315360000000000000ULL, 1ULL << 31));
	ASSERT_EQ(1ULL << 33, kvmeter_ledger_scale_tsc(1ULL << 32, 2ULL << KVMETER_TSC_SHIFT));
}

TEST(ledger_counts_each_state_up_to_now)
{
	struct kvmeter_vcpu v;
	unsigned int state, other;

	for (state = 0; state < KVMETER_STATE_NR; state++) {
		v = halted_vcpu();
		v.state = state;
		ASSERT_EQ(1197, kvmeter_ledger_advance(&v, 1197));
		for (other = 0; other < KVMETER_STATE_NR; other++)
			ASSERT_EQ(other == state ? 47 : 30, kvmeter_ledger_get_state(&v, other));
		ASSERT_EQ(1197 - 1000, sum_states(&v));
		ASSERT_EQ(state, v.state);
	}
}

TEST(ledger_of_a_woken_vcpu_is_in_steal)
{
	struct kvmeter_vcpu v = halted_vcpu();

	v.wake_ns = 1187;
	ASSERT_EQ(1197, kvmeter_ledger_advance(&v, 1197));
	ASSERT_EQ(37, v.halt_ns);
	ASSERT_EQ(40, v.steal_ns);
	ASSERT_EQ(KVMETER_STATE_STEAL, v.state);
	ASSERT_EQ(1197 - 1000, sum_states(&v));
	/* a wake-up before this state began is of another sleep */
	v = halted_vcpu();
	v.wake_ns = 1180;
	ASSERT_EQ(1197, kvmeter_ledger_advance(&v, 1197));
	ASSERT_EQ(47, v.halt_ns);
	ASSERT_EQ(KVMETER_STATE_HALT, v.state);
	/* and one that another CPU's clock has after now has not come */
	v = halted_vcpu();
	v.wake_ns = 1198;
	ASSERT_EQ(1197, kvmeter_ledger_advance(&v, 1197));
	ASSERT_EQ(47, v.halt_ns);
	ASSERT_EQ(30, v.steal_ns);
}

TEST(ledger_is_never_before_since)
{
	struct kvmeter_vcpu v = halted_vcpu();

	ASSERT_EQ(1180, kvmeter_ledger_advance(&v, 1100));
	ASSERT_EQ(180, sum_states(&v));
	ASSERT_EQ(30, v.halt_ns);
}

TEST(ledger_that_has_not_begun_is_empty)
{
	struct kvmeter_vcpu v = {};

	ASSERT_EQ(0, kvmeter_ledger_advance(&v, 1100));
	ASSERT_EQ(0, sum_states(&v));
}

TEST(ledger_difference_adds_up)
{
	struct kvmeter_vcpu prev = halted_vcpu(), cur = halted_vcpu(), delta = {};

	kvmeter_ledger_advance(&prev, 1200);
	cur.wake_ns = 1210;
	kvmeter_ledger_advance(&cur, 1307);
	kvmeter_ledger_subtract(&delta, &cur, &prev);
	ASSERT_EQ(10, delta.halt_ns);
	ASSERT_EQ(97, delta.steal_ns);
	ASSERT_EQ(107, sum_states(&delta));
}

/* prev counted halt up to 1200, but the module had it end at 1190 and published that later */
TEST(ledger_difference_takes_nothing_back)
{
	struct kvmeter_vcpu prev = halted_vcpu(), cur = halted_vcpu(), delta = {};

	kvmeter_ledger_advance(&prev, 1200);
	cur.halt_ns += 10;
	cur.since_ns = 1190;
	cur.state = KVMETER_STATE_GUEST;
	kvmeter_ledger_advance(&cur, 1307);
	kvmeter_ledger_subtract(&delta, &cur, &prev);
	ASSERT_EQ(0, delta.halt_ns);
	ASSERT_EQ(107, delta.guest_ns);
	ASSERT_EQ(107, sum_states(&delta));
}

static unsigned int sum_tenths(const __u64 *parts, unsigned int nr, unsigned int *tenths)
{
	unsigned int i, sum = 0;

	if (!kvmeter_stats_round_shares(parts, nr, tenths))
		return 0;
	for (i = 0; i < nr; i++)
		sum += tenths[i];
	return sum;
}

TEST(shares_add_up_to_the_whole)
{
	static const __u64 thirds[] = { 1, 1, 1 }, sixths[] = { 1, 1, 1, 1, 1, 1 };
	static const __u64 big[] = { ~0ULL, ~0ULL, 1, 0, ~0ULL };
	unsigned int tenths[6];

	ASSERT_EQ(1000, sum_tenths(thirds, 3, tenths));
	ASSERT_EQ(334, tenths[0]);
	ASSERT_EQ(333, tenths[1]);
	ASSERT_EQ(333, tenths[2]);
	ASSERT_EQ(1000, sum_tenths(sixths, 6, tenths));
	ASSERT_EQ(167, tenths[3]);
	ASSERT_EQ(166, tenths[4]);
	ASSERT_EQ(1000, sum_tenths(big, 5, tenths));
	ASSERT_EQ(0, tenths[3]);
}

TEST(shares_go_to_the_largest_remainder)
{
	/* 12.34, 12.37, 75.29 */
	static const __u64 parts[] = { 1234, 1237, 7529 }, whole[] = { 0, 7, 0 }, none[] = { 0, 0 };
	unsigned int tenths[6];

	ASSERT_EQ(1000, sum_tenths(parts, 3, tenths));
	ASSERT_EQ(123, tenths[0]);
	ASSERT_EQ(124, tenths[1]);
	ASSERT_EQ(753, tenths[2]);
	ASSERT_EQ(1000, sum_tenths(whole, 3, tenths));
	ASSERT_EQ(1000, tenths[1]);
	ASSERT_FALSE(kvmeter_stats_round_shares(none, 2, tenths));
}

/* Each extreme's bound is the histogram after it: a table in which there is none would have none.
 */
TEST(table_has_histograms_after_their_extremes)
{
	const struct kvmeter_field *field, *hist;
	unsigned int id, nr = 0;

	for (id = 0; id < KVMETER_RECORD_NR; id++) {
		hist = NULL;
		for (field = kvmeter_records[id].fields + kvmeter_records[id].nr;
		     field-- > kvmeter_records[id].fields;) {
			if (field->type == KVMETER_FIELD_HISTOGRAM)
				hist = field;
			if (field->type != KVMETER_FIELD_PEAK &&
			    field->type != KVMETER_FIELD_LOWEST)
				continue;
			nr++;
			ASSERT_NE(NULL, hist);
			/* "steal_max_ns", "steal_hist": the same up to the extreme's word */
			ASSERT_EQ(0, strncmp(field->name, hist->name, strlen(hist->name) - 4));
		}
	}
	ASSERT_EQ(4, nr);
}

/* A field that the table has twice, or of a wrong type or size, is not 1 after this. */
TEST(table_adds_and_subtracts_every_field)
{
	const struct kvmeter_field *field;
	struct kvmeter_vcpu one = {}, two;
	__u64 first, value;

	for (field = kvmeter_records[KVMETER_RECORD_VCPU].fields; field <
	     kvmeter_records[KVMETER_RECORD_VCPU].fields + kvmeter_records[KVMETER_RECORD_VCPU].nr;
	     field++) {
		first = 1;
		memcpy((char *)&one + field->offset, &first, sizeof(first));
	}
	kvmeter_fields_clear(KVMETER_RECORD_VCPU, &two);
	kvmeter_fields_add(KVMETER_RECORD_VCPU, &two, &one);
	kvmeter_fields_add(KVMETER_RECORD_VCPU, &two, &one);
	ASSERT_EQ(2, two.exits);
	ASSERT_EQ(2, two.write_faults);
	ASSERT_EQ(2, two.steal_hist.bucket[0]);
	ASSERT_EQ(1, two.wakeup_lat_max_ns);
	kvmeter_fields_subtract(KVMETER_RECORD_VCPU, &two, &one);
	for (field = kvmeter_records[KVMETER_RECORD_VCPU].fields; field <
	     kvmeter_records[KVMETER_RECORD_VCPU].fields + kvmeter_records[KVMETER_RECORD_VCPU].nr;
	     field++) {
		memcpy(&value, (char *)&two + field->offset, sizeof(value));
		/* what goes up and down has no sum */
		ASSERT_EQ(field->type == KVMETER_FIELD_INSTANT ? 0 : 1, value);
	}
}

TEST(table_subtracts_by_type)
{
	struct kvmeter_exit cur = { .count = 5, .min_ns = 90, .max_ns = 5000 };
	struct kvmeter_exit prev = { .count = 9, .min_ns = 90, .max_ns = 5000 };
	struct kvmeter_sub sub = { .count = 5, .error = 3 }, before = { .count = 4, .error = 2 };
	struct kvmeter_vm vm = { .nr_vcpus = 2, .log_slots = 7 }, vm_before = { .nr_vcpus = 1 };

	cur.hist.bucket[8] = 3; /* [128, 256) */
	kvmeter_fields_subtract(KVMETER_RECORD_EXIT, &cur, &prev);
	ASSERT_EQ(0, cur.count);
	ASSERT_EQ(128, cur.min_ns);
	ASSERT_EQ(256, cur.max_ns);
	kvmeter_fields_subtract(KVMETER_RECORD_SUB, &sub, &before);
	ASSERT_EQ(1, sub.count);
	ASSERT_EQ(3, sub.error);
	kvmeter_fields_subtract(KVMETER_RECORD_VM, &vm, &vm_before);
	ASSERT_EQ(2, vm.nr_vcpus);
	ASSERT_EQ(7, vm.log_slots);
}

TEST(keys_sort)
{
	static const char *const names[] = { "sample", "percent_sample", "time",   "percent_time",
					     "max_t",  "min_t",		 "mean_t", "p50",
					     "p99",    "kernel",	 "vmm" };
	/* which of the two rows below comes first */
	static const __u32 first[] = { 1, 1, 2, 2, 1, 2, 2, 2, 1, 1, 2 };
	struct kvmeter_sum_row rows[2];
	struct kvmeter_sum sum = { .rows = rows, .nr_rows = 2 };
	enum kvmeter_sort_key key;
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		memset(rows, 0, sizeof(rows));
		rows[0].e = (struct kvmeter_exit){
			.reason = 1, .count = 10, .kernel_ns = 300, .min_ns = 3, .max_ns = 250
		};
		rows[0].e.hist.bucket[3] = 9; /* [4, 8) */
		rows[0].e.hist.bucket[8] = 1;
		rows[1].e = (struct kvmeter_exit){ .reason = 2,
						   .count = 8,
						   .kernel_ns = 100,
						   .vmm_ns = 200,
						   .halt_ns = 10,
						   .min_ns = 20,
						   .max_ns = 60 };
		rows[1].e.hist.bucket[6] = 8; /* [32, 64) */
		ASSERT_TRUE(kvmeter_sort_find_key(names[i], &key));
		kvmeter_sort_rows(&sum, key);
		EXPECT_EQ(first[i], rows[0].e.reason)
		TH_LOG("by %s", names[i]);
	}
	ASSERT_EQ(KVMETER_SORT_NR, i);
	ASSERT_FALSE(kvmeter_sort_find_key("", &key));
	ASSERT_FALSE(kvmeter_sort_find_key("samples", &key));
}

/* A row without an exit that has ended has no shortest time, and is not the first for it. */
TEST(keys_sort_nothing_last)
{
	struct kvmeter_sum_row rows[2] = { { .e = { .reason = 1, .count = 10, .min_ns = ~0ULL } },
					   { .e = { .reason = 2, .count = 8, .min_ns = 3 } } };
	struct kvmeter_sum sum = { .rows = rows, .nr_rows = 2 };

	kvmeter_sort_rows(&sum, KVMETER_SORT_MIN);
	ASSERT_EQ(2, rows[0].e.reason);
}

static const char *printed(const struct kvmeter_hist *hist)
{
	static char text[4096];
	FILE *out = fmemopen(text, sizeof(text), "w");

	text[0] = '\0';
	kvmeter_hist_print(out, hist);
	fclose(out);
	return text;
}

static const char three_rows[] =
	"     nsecs               : count     distribution\n"
	"         0 -> 1          : 3        |**********                              |\n"
	"         2 -> 3          : 0        |                                        |\n"
	"         4 -> 7          : 12       |****************************************|\n";

TEST(histogram_is_printed_as_runqlat_does)
{
	struct kvmeter_hist hist = { .bucket = { [0] = 1, [1] = 2, [3] = 12 } };

	ASSERT_STREQ(three_rows, printed(&hist));
	memset(&hist, 0, sizeof(hist));
	ASSERT_STREQ("", printed(&hist));
	hist.bucket[31] = 1;
	ASSERT_NE(NULL, strstr(printed(&hist), "1073741824 -> ...        : 1        |***"));
}

TEST_HARNESS_MAIN
