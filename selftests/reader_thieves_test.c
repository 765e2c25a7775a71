// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's arithmetic of thieves: copies, differences, sums and names.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/steal.h"
#include "fake_maps.h"

#define ROWS KVMETER_THIEF_ROWS

/* Another VM than any that the tests have, and one that was in slot 5 before. */
#define GONE_SLOT 9
#define GONE_GEN 3
#define STALE_GEN 5

/* clang-format off */
FIXTURE(thieves) {
	struct fake_maps *fake;
	struct kvmeter_maps maps;
	struct kvmeter_snap snaps[2], delta;
};

/* clang-format on */

/* VMs in slots 3 and 5, both of gen 7: vCPUs 0 and 1 of the first, vCPU 2 of the second. */
FIXTURE_SETUP(thieves)
{
	static const __u32 vms[] = { 3, 3, 5 };
	struct kvmeter_vcpu *v;
	unsigned int i;

	memset(self, 0, sizeof(*self));
	self->fake = fake_maps_alloc(&self->maps);
	ASSERT_NE(NULL, self->fake);
	self->fake->host.features = KVMETER_FEATURE_THIEF | KVMETER_FEATURE_LIMIT;
	self->fake->index.vms = 1 << 3 | 1 << 5;
	self->fake->index.vcpus = 7;
	for (i = 0; i < 3; i++) {
		self->fake->vms[vms[i]].gen = 7;
		sprintf(self->fake->vms[vms[i]].id, "1-%u", vms[i]);
		v = &self->fake->vcpus[i];
		v->gen = 1;
		v->vm = vms[i];
		v->vm_gen = 7;
		v->vcpu_id = i;
		v->nr_rows = 1;
		v->nr_thieves = 1;
		v->first_ns = 1;
		v->since_ns = 1;
	}
}

FIXTURE_TEARDOWN(thieves)
{
	kvmeter_snapshot_put(&self->snaps[0]);
	kvmeter_snapshot_put(&self->snaps[1]);
	kvmeter_snapshot_put(&self->delta);
	free(self->fake);
}

/* What the module does at the end of a wait, in the row @row of a vCPU. */
static struct kvmeter_thief *blame(struct fake_maps *fake, unsigned int vcpu, unsigned int row,
				   __u32 kind, __u64 preempt_ns, __u64 wakeup_ns)
{
	struct kvmeter_thief *t = &fake->thieves[vcpu * ROWS + row];
	struct kvmeter_vcpu *v = &fake->vcpus[vcpu];

	t->kind = kind;
	t->preempt_ns += preempt_ns;
	t->wakeup_ns += wakeup_ns;
	v->steal_ns += preempt_ns + wakeup_ns;
	if (v->nr_thieves <= row)
		v->nr_thieves = row + 1;
	return t;
}

static void blame_vm(struct fake_maps *fake, unsigned int vcpu, unsigned int row, __u32 slot,
		     __u32 gen, __u64 ns)
{
	struct kvmeter_thief *t = blame(fake, vcpu, row, KVMETER_THIEF_VM, ns, 0);

	t->vm = slot;
	t->vm_gen = gen;
}

static void blame_process(struct fake_maps *fake, unsigned int vcpu, unsigned int row,
			  const char *comm, __u64 ns)
{
	struct kvmeter_thief *t = blame(fake, vcpu, row, KVMETER_THIEF_PROCESS, ns, 0);

	strncpy(t->comm, comm, sizeof(t->comm) - 1);
}

TEST_F(thieves, are_copied_if_needed)
{
	struct kvmeter_snap *snap = &self->snaps[0];

	blame_process(self->fake, 1, 1, "hog", 1009);
	kvmeter_snapshot_take(snap, &self->maps, 0);
	ASSERT_EQ(0, snap->nr_thieves);
	ASSERT_EQ(0, snap->vcpus[1].nr_thieves);
	ASSERT_EQ(0, snap->vcpus[1].unexplained_ns);
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_THIEVES);
	ASSERT_EQ(4, snap->nr_thieves);
	ASSERT_EQ(2, snap->vcpus[1].nr_thieves);
	ASSERT_STREQ("hog", snap->thieves[snap->vcpus[1].first_thief + 1].comm);
	ASSERT_EQ(1009, snap->thieves[snap->vcpus[1].first_thief + 1].preempt_ns);
	ASSERT_EQ(1, snap->vcpus[2].nr_thieves);
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_THIEVES);
	ASSERT_EQ(4, snap->nr_thieves);
}

TEST_F(thieves, nothing_is_believed)
{
	struct kvmeter_snap *snap = &self->snaps[0];
	struct kvmeter_thief kinds[KVMETER_THIEF_NR], *t;
	struct kvmeter_thief_sum *list;
	unsigned int nr;

	blame(self->fake, 0, 0, ~0U, 7, 0);
	t = blame(self->fake, 0, 1, KVMETER_THIEF_PROCESS, 11, 0);
	memset(t->comm, 'x', sizeof(t->comm));
	self->fake->vcpus[0].nr_thieves = ~0U;
	self->fake->vcpus[1].nr_thieves = 0;
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_THIEVES);
	ASSERT_EQ(ROWS, snap->vcpus[0].nr_thieves);
	ASSERT_EQ(0, snap->vcpus[1].nr_thieves);
	ASSERT_EQ(KVMETER_COMM_LEN - 1, strlen(snap->thieves[1].comm));
	list = kvmeter_thieves_sum(snap, 0, 2, true, &nr);
	kvmeter_thieves_sum_kinds(list, nr, kinds);
	ASSERT_EQ(7, kinds[KVMETER_THIEF_OTHER].preempt_ns);
	ASSERT_EQ(11, kinds[KVMETER_THIEF_PROCESS].preempt_ns);
	free(list);
}

/* A wait that goes on is in steal up to now, and is no thief's yet: nor is it unexplained. */
TEST_F(thieves, wait_in_progress_is_not_unexplained)
{
	struct kvmeter_snap *snap = &self->snaps[0];

	blame_process(self->fake, 0, 1, "hog", 1000);
	self->fake->vcpus[0].steal_ns += 13;
	self->fake->vcpus[0].state = KVMETER_STATE_STEAL;
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_THIEVES);
	ASSERT_LT(1013, snap->vcpus[0].v.steal_ns);
	ASSERT_EQ(13, snap->vcpus[0].unexplained_ns);
}

TEST(unexplained_is_never_negative)
{
	struct kvmeter_thief t[2] = { { .preempt_ns = 5, .wakeup_ns = 7 }, { .preempt_ns = 11 } };

	ASSERT_EQ(4, kvmeter_thieves_get_unexplained(t, 2, 27));
	ASSERT_EQ(0, kvmeter_thieves_get_unexplained(t, 2, 23));
	ASSERT_EQ(0, kvmeter_thieves_get_unexplained(t, 2, 22));
	ASSERT_EQ(27, kvmeter_thieves_get_unexplained(NULL, 0, 27));
}

static void take_delta(struct kvmeter_snap *delta, struct kvmeter_snap *snaps,
		       const struct kvmeter_maps *maps)
{
	kvmeter_snapshot_take(&snaps[1], maps, KVMETER_NEED_THIEVES);
	kvmeter_delta_get(delta, &snaps[1], &snaps[0]);
}

TEST_F(thieves, differences)
{
	const struct kvmeter_thief *t;

	blame_process(self->fake, 0, 1, "hog", 1000);
	blame(self->fake, 0, 2, KVMETER_THIEF_KTHREAD, 10, 100);
	self->fake->vcpus[0].steal_ns += 17;
	kvmeter_snapshot_take(&self->snaps[0], &self->maps, KVMETER_NEED_THIEVES);
	blame(self->fake, 0, 2, KVMETER_THIEF_KTHREAD, 3, 5);
	blame_process(self->fake, 0, 3, "new", 41); /* a row that was not there */
	self->fake->vcpus[0].steal_ns += 2;
	take_delta(&self->delta, self->snaps, &self->maps);
	t = &self->delta.thieves[self->delta.vcpus[0].first_thief];
	ASSERT_EQ(0, t[1].preempt_ns);
	ASSERT_EQ(3, t[2].preempt_ns);
	ASSERT_EQ(5, t[2].wakeup_ns);
	ASSERT_EQ(41, t[3].preempt_ns);
	ASSERT_EQ(2, self->delta.vcpus[0].unexplained_ns);
}

/* By key, wherever it is: a slot that was freed and taken again does not keep the old order. */
TEST_F(thieves, differences_are_by_key)
{
	struct kvmeter_thief prev[3] = { {}, { .kind = KVMETER_THIEF_VM, .vm = 5, .vm_gen = 7 } };
	struct kvmeter_thief cur[3] = { {}, { .kind = KVMETER_THIEF_VM, .vm = 5, .vm_gen = 9 } };

	prev[1].preempt_ns = 100;
	cur[1].preempt_ns = 103;
	prev[2] = (struct kvmeter_thief){ .kind = KVMETER_THIEF_PROCESS, .comm = "a" };
	cur[2] = prev[1];
	cur[2].preempt_ns = 107;
	kvmeter_thieves_subtract(cur, 3, prev, 3);
	ASSERT_EQ(103, cur[1].preempt_ns);
	ASSERT_EQ(7, cur[2].preempt_ns);
	kvmeter_thieves_subtract(cur, 3, prev, 0);
	ASSERT_EQ(103, cur[1].preempt_ns);
}

/*
 * A waiting vCPU was moved: what it waited before is blamed, and in no steal_ns until it runs. The
 * interval in which it runs has nothing unexplained for that, nor less than it has.
 */
TEST_F(thieves, blame_ahead_of_steal_is_not_missing_later)
{
	self->fake->vcpus[0].steal_ns = 31;
	blame_process(self->fake, 0, 1, "hog", 1000);
	self->fake->vcpus[0].steal_ns -= 600;
	kvmeter_snapshot_take(&self->snaps[0], &self->maps, KVMETER_NEED_THIEVES);
	ASSERT_EQ(0, self->snaps[0].vcpus[0].unexplained_ns);
	self->fake->vcpus[0].steal_ns += 600;
	take_delta(&self->delta, self->snaps, &self->maps);
	ASSERT_EQ(31, self->delta.vcpus[0].unexplained_ns);
}

TEST_F(thieves, difference_of_a_slot_taken_by_another_is_all_of_it)
{
	blame_process(self->fake, 0, 1, "hog", 1000);
	kvmeter_snapshot_take(&self->snaps[0], &self->maps, KVMETER_NEED_THIEVES);
	self->fake->vcpus[0].gen += 2;
	self->fake->thieves[1].preempt_ns = 19;
	self->fake->vcpus[0].steal_ns = 23;
	take_delta(&self->delta, self->snaps, &self->maps);
	ASSERT_EQ(19, self->delta.thieves[self->delta.vcpus[0].first_thief + 1].preempt_ns);
	ASSERT_EQ(4, self->delta.vcpus[0].unexplained_ns);
}

/* Both vCPUs of the VM in slot 3, in different rows; with what only looks the same. */
static void steal_from_both(struct fake_maps *fake)
{
	blame_vm(fake, 0, 1, 5, 7, 100);
	blame_vm(fake, 0, 2, 5, STALE_GEN, 50);
	blame_vm(fake, 0, 3, GONE_SLOT, GONE_GEN, 25);
	blame_process(fake, 0, 4, "hog", 7);
	blame_process(fake, 0, 5, "hog2", 11);
	blame(fake, 1, 0, KVMETER_THIEF_OTHER, 1, 0);
	blame(fake, 1, 1, KVMETER_THIEF_OWN_VCPU, 2, 3);
	blame_process(fake, 1, 2, "hog", 6);
	blame_vm(fake, 1, 3, 5, 7, 1000);
	blame(fake, 1, 4, KVMETER_THIEF_LIMIT, 0, 401);
	fake->vcpus[1].steal_ns += 9;
}

TEST_F(thieves, sums_are_by_key)
{
	struct kvmeter_snap *snap = &self->snaps[0];
	struct kvmeter_thief_sum *list;
	unsigned int i, nr;
	__u64 all = 0;

	steal_from_both(self->fake);
	kvmeter_snapshot_take(snap, &self->maps, KVMETER_NEED_THIEVES);
	list = kvmeter_thieves_sum(snap, 0, 2, false, &nr);
	ASSERT_EQ(8, nr);
	for (i = 0; i < nr; i++)
		all += kvmeter_thieves_get_time(&list[i].t);
	ASSERT_EQ(1606, all);
	ASSERT_EQ(1100, list[0].t.preempt_ns);
	ASSERT_EQ(&snap->vms[1], list[0].vm);
	ASSERT_EQ(401, list[1].t.wakeup_ns);
	ASSERT_EQ(KVMETER_THIEF_LIMIT, list[1].t.kind);
	/* the slot is that of a VM that is there, but was another's then */
	ASSERT_EQ(50, list[2].t.preempt_ns);
	ASSERT_EQ(5, list[2].t.vm);
	ASSERT_EQ(NULL, list[2].vm);
	ASSERT_EQ(13, list[4].t.preempt_ns);
	ASSERT_STREQ("hog", list[4].t.comm);
	free(list);
	list = kvmeter_thieves_sum(snap, 0, 2, true, &nr);
	ASSERT_EQ(7, nr);
	ASSERT_EQ(75, list[2].t.preempt_ns);
	ASSERT_EQ(NULL, list[2].vm);
	free(list);
	list = kvmeter_thieves_sum(snap, 0, 0, true, &nr);
	ASSERT_EQ(0, nr);
	free(list);
}

TEST_F(thieves, sums_by_kind)
{
	struct kvmeter_thief kinds[KVMETER_THIEF_NR];
	struct kvmeter_thief_sum *list;
	struct kvmeter_sum sum;
	unsigned int nr;

	steal_from_both(self->fake);
	kvmeter_snapshot_take(&self->snaps[0], &self->maps, KVMETER_NEED_THIEVES);
	list = kvmeter_thieves_sum(&self->snaps[0], 0, 2, true, &nr);
	kvmeter_thieves_sum_kinds(list, nr, kinds);
	free(list);
	ASSERT_EQ(1175, kinds[KVMETER_THIEF_VM].preempt_ns);
	ASSERT_EQ(24, kinds[KVMETER_THIEF_PROCESS].preempt_ns);
	ASSERT_EQ(2, kinds[KVMETER_THIEF_OWN_VCPU].preempt_ns);
	ASSERT_EQ(3, kinds[KVMETER_THIEF_OWN_VCPU].wakeup_ns);
	ASSERT_EQ(401, kinds[KVMETER_THIEF_LIMIT].wakeup_ns);
	ASSERT_EQ(1, kinds[KVMETER_THIEF_OTHER].preempt_ns);
	ASSERT_EQ(0, kinds[KVMETER_THIEF_IDLE].preempt_ns);
	kvmeter_sum_vcpus(&sum, &self->snaps[0], 0, 2, false);
	ASSERT_EQ(9, sum.unexplained_ns);
	kvmeter_sum_put(&sum);
}

static const char *label_of(struct kvmeter_thief t, const struct kvmeter_snap_vm *vm,
			    const struct kvmeter_snap *snap)
{
	struct kvmeter_thief_sum sum = { .t = t, .vm = vm };
	static char buf[KVMETER_LABEL_MAX];

	kvmeter_thieves_label(&sum, snap, buf, sizeof(buf));
	return buf;
}

#define LABEL(...) label_of((struct kvmeter_thief){ __VA_ARGS__ }, NULL, &snap)

TEST(labels)
{
	struct kvmeter_snap_vm vms[3] = { { .name = "web", .v.id = "1-3" },
					  { .name = "twin", .v.id = "1-5" },
					  { .name = "twin", .v.id = "1-6" } };
	struct kvmeter_snap snap = { .vms = vms, .nr_vms = 3 };
	struct kvmeter_thief vm = { .kind = KVMETER_THIEF_VM };

	ASSERT_STREQ("vm web", label_of(vm, &vms[0], &snap));
	ASSERT_STREQ("vm twin (1-6)", label_of(vm, &vms[2], &snap));
	ASSERT_STREQ("vm (gone)", label_of(vm, NULL, &snap));
	ASSERT_STREQ("own vCPUs", LABEL(.kind = KVMETER_THIEF_OWN_VCPU));
	ASSERT_STREQ("own VMM threads", LABEL(.kind = KVMETER_THIEF_OWN_VMM));
	ASSERT_STREQ("kernel threads", LABEL(.kind = KVMETER_THIEF_KTHREAD));
	ASSERT_STREQ("own CPU limit", LABEL(.kind = KVMETER_THIEF_LIMIT));
	ASSERT_STREQ("idle CPU", LABEL(.kind = KVMETER_THIEF_IDLE));
	ASSERT_STREQ("other", LABEL(.kind = KVMETER_THIEF_OTHER));
	ASSERT_STREQ("process hog", LABEL(.kind = KVMETER_THIEF_PROCESS, .comm = "hog"));
	ASSERT_STREQ("process \\x1b[31m\\x0a\\\\",
		     LABEL(.kind = KVMETER_THIEF_PROCESS, .comm = "\x1b[31m\n\\"));
	/* the longest that a name can get */
	ASSERT_EQ(8 + 4 * (KVMETER_COMM_LEN - 1),
		  strlen(LABEL(.kind = KVMETER_THIEF_PROCESS,
			       .comm = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1")));
}

/* Any number of them, and always 100.0 together. */
TEST(shares_of_many_add_up)
{
	unsigned int tenths[1009], i, nr, sum;
	__u64 parts[1009];

	for (nr = 1; nr <= 1009; nr += 7) {
		for (sum = 0, i = 0; i < nr; i++)
			parts[i] = (i * 7919 + 13) % 1013;
		ASSERT_TRUE(kvmeter_stats_round_shares(parts, nr, tenths));
		for (i = 0; i < nr; i++)
			sum += tenths[i];
		ASSERT_EQ(1000, sum);
	}
}

TEST_HARNESS_MAIN
