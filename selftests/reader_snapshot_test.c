// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's copies of the maps, and its sums of sub-reasons, against streams of known contents.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "fake_maps.h"

/* clang-format off */
FIXTURE(maps) {
	struct fake_maps *fake;
	struct kvmeter_maps maps;
	struct kvmeter_snap snaps[2], delta;
};

/* clang-format on */

/* VM slot 3, with vCPU 1 in slot 2 and vCPU 0 in slot 5, both halted since shortly after time 1. */
FIXTURE_SETUP(maps)
{
	static const unsigned int slots[] = { 2, 5 };
	struct kvmeter_vcpu *v;
	unsigned int i;

	memset(self, 0, sizeof(*self));
	self->fake = fake_maps_alloc(&self->maps);
	ASSERT_NE(NULL, self->fake);
	self->fake->index.vms = 1 << 3;
	self->fake->index.vcpus = 1 << 2 | 1 << 5;
	self->fake->vms[3].gen = 7;
	strcpy(self->fake->vms[3].id, "1-2");
	for (i = 0; i < 2; i++) {
		v = &self->fake->vcpus[slots[i]];
		v->gen = 1;
		v->vm = 3;
		v->vm_gen = 7;
		v->vcpu_id = 1 - i;
		v->nr_rows = 2;
		v->nr_subs = 1;
		v->state = KVMETER_STATE_HALT;
		v->first_ns = 1;
		v->since_ns = 11;
		v->guest_ns = 10;
		self->fake->exits[slots[i] * KVMETER_EXIT_ROWS + 1].count = 13 + i;
		self->fake->subs[slots[i] * KVMETER_SUB_ROWS].count = 17 + i;
	}
}

FIXTURE_TEARDOWN(maps)
{
	kvmeter_snapshot_put(&self->snaps[0]);
	kvmeter_snapshot_put(&self->snaps[1]);
	kvmeter_snapshot_put(&self->delta);
	free(self->fake);
}

TEST_F(maps, snapshot_copies_what_is_needed)
{
	struct kvmeter_snap *snap = &self->snaps[0];

	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(1, snap->nr_vms);
	ASSERT_EQ(2, snap->nr_vcpus);
	ASSERT_EQ(2, snap->vms[0].nr_vcpus);
	ASSERT_EQ(0, snap->vcpus[0].v.vcpu_id);
	ASSERT_EQ(5, snap->vcpus[0].slot);
	ASSERT_EQ(0, snap->nr_rows);
	ASSERT_EQ(0, snap->nr_subs);
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_ROWS | KVMETER_NEED_SUBS);
	ASSERT_EQ(4, snap->nr_rows);
	ASSERT_EQ(2, snap->nr_subs);
	ASSERT_EQ(14, snap->rows[snap->vcpus[0].first_row + 1].count);
	ASSERT_EQ(13, snap->rows[snap->vcpus[1].first_row + 1].count);
	ASSERT_EQ(18, snap->subs[snap->vcpus[0].first_sub].count);
	ASSERT_EQ(17, snap->subs[snap->vcpus[1].first_sub].count);
}

TEST_F(maps, snapshot_counts_up_to_now)
{
	struct kvmeter_snap *snap = &self->snaps[0];
	unsigned int i;

	kvmeter_snapshot_take(snap, &self->maps, 0);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(10, snap->vcpus[i].v.guest_ns);
		ASSERT_LT(0, snap->vcpus[i].v.halt_ns);
		ASSERT_EQ(sum_states(&snap->vcpus[i].v), snap->vcpus[i].elapsed_ns);
		ASSERT_GE(snap->vcpus[i].elapsed_ns + 1, snap->now_ns);
	}
	self->fake->vcpus[5].first_ns = 0;
	self->fake->vcpus[5].since_ns = 0;
	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(0, snap->vcpus[0].elapsed_ns);
	ASSERT_EQ(0, snap->vcpus[0].v.halt_ns);
}

/*
 * Between two snapshots one runs, halts, is woken and kept waiting. The other one left its halt 3
 * ns before the first snapshot, which could not see that yet.
 */
TEST_F(maps, states_of_an_interval_add_up)
{
	struct kvmeter_snap *prev = &self->snaps[0], *cur = &self->snaps[1];
	struct kvmeter_vcpu *v = &self->fake->vcpus[5];
	const struct kvmeter_snap_vcpu *was;
	unsigned int i;

	kvmeter_snapshot_take(prev, &self->maps, 0);
	was = &prev->vcpus[0];
	v->halt_ns = was->v.halt_ns;
	v->guest_ns += 5;
	v->since_ns = was->v.since_ns + 5;
	v->wake_ns = v->since_ns + 6;
	v = &self->fake->vcpus[2];
	v->halt_ns = prev->vcpus[1].v.halt_ns - 3;
	v->since_ns = prev->vcpus[1].v.since_ns - 3;
	v->state = KVMETER_STATE_GUEST;
	kvmeter_snapshot_take(cur, &self->maps, 0);
	kvmeter_delta_get(&self->delta, cur, prev);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(sum_states(&self->delta.vcpus[i].v), self->delta.vcpus[i].elapsed_ns);
	ASSERT_EQ(5, self->delta.vcpus[0].v.guest_ns);
	ASSERT_EQ(6, self->delta.vcpus[0].v.halt_ns);
	ASSERT_EQ(self->delta.vcpus[0].elapsed_ns - 11, self->delta.vcpus[0].v.steal_ns);
	ASSERT_EQ(KVMETER_STATE_STEAL, self->delta.vcpus[0].v.state);
	ASSERT_EQ(self->delta.vcpus[1].elapsed_ns, self->delta.vcpus[1].v.guest_ns);
	ASSERT_LT(0, self->delta.vcpus[1].v.guest_ns);
}

TEST_F(maps, snapshot_believes_nothing)
{
	struct kvmeter_snap *snap = &self->snaps[0];

	self->fake->vcpus[2].nr_rows = ~0U;
	self->fake->vcpus[2].nr_subs = ~0U;
	self->fake->vcpus[2].state = ~0U;
	self->fake->vcpus[5].nr_rows = 0;
	self->fake->vcpus[7].vm = ~0U; /* no such VM */
	self->fake->vcpus[7].gen = 1;
	self->fake->index.vcpus |= 1 << 7 | 1 << 8; /* slot 8 is free by now */
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_ROWS | KVMETER_NEED_SUBS);
	ASSERT_EQ(2, snap->nr_vcpus);
	ASSERT_EQ(KVMETER_EXIT_ROWS + 1, snap->nr_rows);
	ASSERT_EQ(KVMETER_SUB_ROWS + 1, snap->nr_subs);
	ASSERT_EQ(sum_states(&snap->vcpus[1].v), snap->vcpus[1].elapsed_ns);
	/* a VM that another one has taken the slot of */
	self->fake->vms[3].gen = 9;
	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(0, snap->nr_vcpus);
}

/* What a VM dirties is that of the generation that has the slot, or nothing. */
TEST_F(maps, dirty_is_of_the_vm)
{
	struct kvmeter_snap *snap = &self->snaps[0];
	struct kvmeter_dirty *d = &self->fake->dirty[3];

	d->gen = 7;
	d->marks = 11;
	d->kvm_writes = 500;
	d->kvm_pages = 5;
	d->sync_nr = 2;
	d->sync_pages = 40;
	d->windows = ~0U;
	self->fake->vcpus[2].pml_pages = 30;
	self->fake->vcpus[2].pml_dups = 3;
	self->fake->vcpus[5].write_faults = 17;
	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(11, snap->vms[0].d.marks);
	ASSERT_EQ(KVMETER_WINDOWS, snap->vms[0].d.windows);
	ASSERT_EQ(27 + 17 + 5, snap->vms[0].found_pages);
	ASSERT_EQ(40, snap->vms[0].sync_pages);
	/* of one that had the slot before */
	d->gen = 5;
	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(0, snap->vms[0].d.marks);
	ASSERT_EQ(0, snap->vms[0].sync_nr);
	ASSERT_EQ(27 + 17, snap->vms[0].found_pages);
	/* written all the time */
	d->gen = 7;
	d->seq = 1;
	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(0, snap->vms[0].d.marks);
	ASSERT_EQ(0, snap->vms[0].d.gen);
}

/* What is counted for a session begins anew with it; what is not goes on. */
TEST_F(maps, dirty_of_an_interval)
{
	struct kvmeter_snap *prev = &self->snaps[0], *cur = &self->snaps[1];
	struct kvmeter_dirty *d = &self->fake->dirty[3];

	d->gen = 7;
	d->start_ns = 1;
	d->marks = 100;
	d->kvm_writes = 500;
	d->kvm_pages = 50;
	d->sync_nr = 3;
	d->sync_pages = 1000;
	self->fake->vcpus[2].write_faults = 2000;
	kvmeter_snapshot_take(prev, &self->maps, 0);
	d->marks = 107;
	d->kvm_writes = 600;
	d->kvm_pages = 53;
	d->sync_nr = 4;
	d->sync_pages = 2100;
	self->fake->vcpus[2].write_faults = 2111;
	kvmeter_snapshot_take(cur, &self->maps, 0);
	kvmeter_delta_get(&self->delta, cur, prev);
	ASSERT_EQ(7, self->delta.vms[0].d.marks);
	ASSERT_EQ(100, self->delta.vms[0].d.kvm_writes);
	ASSERT_EQ(3, self->delta.vms[0].d.kvm_pages);
	ASSERT_EQ(1, self->delta.vms[0].d.sync_nr);
	/* what remains of a migration is told from the whole */
	ASSERT_EQ(4, self->delta.vms[0].sync_nr);
	ASSERT_EQ(2100, self->delta.vms[0].sync_pages);
	ASSERT_EQ(2111 + 53, self->delta.vms[0].found_pages);
	d->start_ns = 2;
	d->marks = 3;
	kvmeter_snapshot_take(cur, &self->maps, 0);
	kvmeter_delta_get(&self->delta, cur, prev);
	ASSERT_EQ(3, self->delta.vms[0].d.marks);
	ASSERT_EQ(100, self->delta.vms[0].d.kvm_writes);
	ASSERT_EQ(3, self->delta.vms[0].d.kvm_pages);
}

/* Sub-reasons. The module's sketch, in its plainest form, and the truth beside it. */

#define KEYS 300
#define STREAM 7919

struct stream {
	struct kvmeter_sub subs[KVMETER_SUB_ROWS];
	unsigned int nr;
	__u64 truth[KEYS];
	__u32 seed;
};

static struct kvmeter_sub *take_sub(struct stream *s, __u64 key)
{
	struct kvmeter_sub *least = s->subs;
	unsigned int i;

	for (i = 0; i < s->nr; i++) {
		if (s->subs[i].value == key)
			return &s->subs[i];
		if (s->subs[i].count < least->count)
			least = &s->subs[i];
	}
	if (s->nr < KVMETER_SUB_ROWS)
		least = &s->subs[s->nr++];
	least->kind = KVMETER_SUB_CPUID;
	least->value = key;
	least->error = least->count;
	least->kernel_ns = 0;
	return least;
}

/* Small keys come often, large ones seldom; a time of 1 ns for each. */
static void feed(struct stream *s, unsigned int nr)
{
	struct kvmeter_sub *sub;
	__u32 a, b;

	while (nr--) {
		s->seed = s->seed * 1664525 + 1013904223;
		a = (s->seed >> 16) % KEYS;
		s->seed = s->seed * 1664525 + 1013904223;
		b = (s->seed >> 16) % KEYS;
		a = a * a / KEYS * b / KEYS;
		sub = take_sub(s, a);
		sub->count++;
		sub->kernel_ns++;
		s->truth[a]++;
	}
}

/* Nothing that is certain may be more than the truth, nothing listed less than it. */
static unsigned int count_wrong(const struct kvmeter_sub *s, const __u64 *truth)
{
	return s->count < truth[s->value] || s->count - s->error > truth[s->value] ||
		s->kernel_ns > truth[s->value];
}

TEST(sub_floor_is_the_least_of_a_full_sketch)
{
	struct stream s = { .seed = 1 };

	feed(&s, 5);
	ASSERT_EQ(0, kvmeter_subs_floor(s.subs, s.nr));
	feed(&s, STREAM);
	ASSERT_EQ(KVMETER_SUB_ROWS, s.nr);
	s.subs[17].count = 3;
	ASSERT_EQ(3, kvmeter_subs_floor(s.subs, s.nr));
}

TEST(sub_differences_bound_the_truth)
{
	struct stream prev = { .seed = 2 }, cur;
	unsigned int i, exact = 0, inexact = 0;

	feed(&prev, STREAM);
	cur = prev;
	memset(cur.truth, 0, sizeof(cur.truth));
	feed(&cur, STREAM);
	kvmeter_subs_subtract(cur.subs, cur.nr, prev.subs, prev.nr);
	for (i = 0; i < cur.nr; i++) {
		ASSERT_EQ(0, count_wrong(&cur.subs[i], cur.truth));
		exact += !cur.subs[i].error;
		inexact += cur.subs[i].error > 0;
	}
	/* both kinds have to be there, or the test has shown nothing */
	ASSERT_LT(10, exact);
	ASSERT_LT(10, inexact);
}

/* Two vCPUs as they are, or what they did since an earlier time. */
static void sum_streams(struct stream *streams, const struct stream *prev, struct kvmeter_sub *all,
			struct kvmeter_snap_vcpu *vcpus, struct kvmeter_snap *snap)
{
	unsigned int i;

	memset(snap, 0, sizeof(*snap));
	snap->vcpus = vcpus;
	snap->subs = all;
	for (i = 0; i < 2; i++) {
		vcpus[i].first_sub = i * KVMETER_SUB_ROWS;
		vcpus[i].nr_subs = streams[i].nr;
		vcpus[i].sub_floor = kvmeter_subs_floor(streams[i].subs, streams[i].nr);
		memcpy(all + i * KVMETER_SUB_ROWS, streams[i].subs, sizeof(streams[i].subs));
		if (!prev)
			continue;
		vcpus[i].sub_floor -= kvmeter_subs_floor(prev[i].subs, prev[i].nr);
		kvmeter_subs_subtract(all + i * KVMETER_SUB_ROWS, streams[i].nr, prev[i].subs,
				      prev[i].nr);
	}
}

static unsigned int check_sum(const struct kvmeter_snap *snap, const struct stream *streams,
			      unsigned int *nr)
{
	struct kvmeter_sub_sum *sum = kvmeter_subs_sum(snap, 0, 2, false, nr);
	__u64 truth[KEYS], frequent = 0;
	unsigned int i, wrong = 0;

	for (i = 0; i < KEYS; i++)
		truth[i] = streams[0].truth[i] + streams[1].truth[i];
	/* the most frequent is in both, so the sum says just what they say */
	for (i = 0; i < snap->vcpus[0].nr_subs; i++)
		frequent += snap->subs[i].value ? 0 : snap->subs[i].count;
	for (i = 0; i < snap->vcpus[1].nr_subs; i++)
		frequent += snap->subs[KVMETER_SUB_ROWS + i].value
			? 0
			: snap->subs[KVMETER_SUB_ROWS + i].count;
	for (i = 0; i < *nr; i++) {
		wrong += !sum[i].s.value && sum[i].s.count != frequent;
		wrong += count_wrong(&sum[i].s, truth);
		wrong += i && sum[i].s.count > sum[i - 1].s.count;
	}
	free(sum);
	return wrong;
}

TEST(sub_sums_bound_the_truth)
{
	struct stream streams[2] = { { .seed = 3 }, { .seed = 4 } }, prev[2];
	struct kvmeter_sub all[2 * KVMETER_SUB_ROWS];
	struct kvmeter_snap_vcpu vcpus[2] = {};
	struct kvmeter_snap snap;
	unsigned int i, nr;

	feed(&streams[0], STREAM);
	feed(&streams[1], STREAM / 5);
	sum_streams(streams, NULL, all, vcpus, &snap);
	ASSERT_EQ(0, check_sum(&snap, streams, &nr));
	/* some are in one of the sketches only */
	ASSERT_LT(KVMETER_SUB_ROWS, nr);
	ASSERT_GT(2 * KVMETER_SUB_ROWS, nr);

	memcpy(prev, streams, sizeof(prev));
	for (i = 0; i < 2; i++) {
		memset(streams[i].truth, 0, sizeof(streams[i].truth));
		feed(&streams[i], STREAM / 3);
	}
	sum_streams(streams, prev, all, vcpus, &snap);
	ASSERT_EQ(0, check_sum(&snap, streams, &nr));
}

TEST(sub_sums_of_short_streams_are_exact)
{
	struct stream streams[2] = { { .seed = 5 }, { .seed = 6 } };
	struct kvmeter_sub all[2 * KVMETER_SUB_ROWS];
	struct kvmeter_snap_vcpu vcpus[2] = {};
	struct kvmeter_sub_sum *sum;
	struct kvmeter_snap snap;
	unsigned int nr, i;
	__u64 total = 0;

	feed(&streams[0], 41);
	feed(&streams[1], 43);
	streams[1].subs[0].kernel_ns = 1000;
	sum_streams(streams, NULL, all, vcpus, &snap);
	sum = kvmeter_subs_sum(&snap, 0, 2, true, &nr);
	ASSERT_EQ(streams[1].subs[0].value, sum[0].s.value);
	for (i = 0; i < nr; i++) {
		total += sum[i].s.count;
		ASSERT_EQ(0, sum[i].s.error);
	}
	ASSERT_EQ(41 + 43, total);
	free(sum);
	sum = kvmeter_subs_sum(&snap, 0, 0, false, &nr);
	ASSERT_EQ(0, nr);
	free(sum);
}

TEST_HARNESS_MAIN
