// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots that no recorder takes, packed as if one had: they are refused, or what they have is
 * made harmless; and the numbers that they are made of.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/recording.h"
#include "busy_host.h"

/* clang-format off */
FIXTURE(hostile) {
	struct busy_host host;
	struct kvmeter_snap in, out;
	struct kvmeter_player player;
};

/* clang-format on */

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, busy_host_init(&self->host));
	busy_host_take(&self->host, &self->in);
}

FIXTURE_TEARDOWN(hostile)
{
	unsigned int i;

	kvmeter_snapshot_put(&self->in);
	kvmeter_snapshot_put(&self->out);
	busy_host_put(&self->host);
	for (i = 0; i < self->player.nr_names; i++)
		free(self->player.names[i]);
	free(self->player.names);
	free(self->player.packed.data);
}

static bool unpack(FIXTURE_DATA(hostile) * self)
{
	self->player.packed.len = 0;
	kvmeter_snap_pack(&self->player.packed, &self->in, NULL);
	return kvmeter_snap_unpack(&self->player, &self->out, NULL);
}

TEST_F(hostile, as_it_was_taken)
{
	ASSERT_TRUE(unpack(self));
	ASSERT_EQ(BUSY_VMS, self->out.nr_vms);
	ASSERT_EQ(BUSY_VCPUS, self->out.nr_vcpus);
}

/* They are searched by slot. There are no vCPUs that would not find theirs. */
TEST_F(hostile, vms_out_of_order)
{
	self->in.nr_vcpus = 0;
	ASSERT_TRUE(unpack(self));
	self->in.vms[1].slot = 0;
	ASSERT_FALSE(unpack(self));
	self->in.vms[1].slot = 2;
	ASSERT_FALSE(unpack(self));
	self->in.vms[1].slot = 3;
	ASSERT_FALSE(unpack(self));
}

TEST_F(hostile, slots_out_of_range)
{
	self->in.vms[2].slot = KVMETER_VMS_LIMIT;
	ASSERT_FALSE(unpack(self));
	self->in.vms[2].slot = 2;
	ASSERT_TRUE(unpack(self));
	self->in.vcpus[4].slot = KVMETER_VCPUS_LIMIT;
	ASSERT_FALSE(unpack(self));
}

TEST_F(hostile, slot_of_two_vcpus)
{
	self->in.vcpus[4].slot = self->in.vcpus[0].slot;
	ASSERT_FALSE(unpack(self));
}

TEST_F(hostile, vcpu_without_a_vm)
{
	self->in.vcpus[4].v.vm = 9;
	ASSERT_FALSE(unpack(self));
	self->in.vcpus[4].v.vm = 2;
	self->in.vcpus[4].v.vm_gen = 3;
	ASSERT_FALSE(unpack(self));
}

/* The rows are of some vCPU that has more behind it: there are bytes for all. */
TEST_F(hostile, too_many_rows)
{
	struct kvmeter_snap_vcpu *v = &self->in.vcpus[0];

	v->nr_rows = KVMETER_EXIT_ROWS + 1;
	ASSERT_FALSE(unpack(self));
	v->nr_rows = KVMETER_EXIT_ROWS;
	ASSERT_TRUE(unpack(self));
	v->nr_subs = KVMETER_SUB_ROWS + 1;
	ASSERT_FALSE(unpack(self));
	v->nr_subs = 0;
	v->nr_thieves = KVMETER_THIEF_ROWS + 1;
	self->in.thieves = kvmeter_array_grow(self->in.thieves, &self->in.room_thieves,
					      KVMETER_THIEF_ROWS + 1, sizeof(*self->in.thieves));
	ASSERT_FALSE(unpack(self));
}

TEST_F(hostile, names)
{
	static const char *const bad[] = { "\033[31m", "two\nlines", "\xff", "\xc2\x9b", "\x7f" };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		self->in.vms[0].name = bad[i];
		ASSERT_FALSE(unpack(self))
		{
			TH_LOG("name %u", i);
		}
	}
	self->in.vms[0].name = "\\x1b \xc3\xa9";
	ASSERT_TRUE(unpack(self));
	EXPECT_STREQ("\\x1b \xc3\xa9", self->out.vms[0].name);
}

/* What is an index, a length or a text is made one. */
TEST_F(hostile, is_made_harmless)
{
	memset(self->in.vms[0].v.id, 0x1b, sizeof(self->in.vms[0].v.id));
	self->in.vms[0].d.windows = ~0U;
	self->in.vcpus[0].v.state = 77;
	self->in.vcpus[0].v.nr_rows = ~0U;
	self->in.thieves[1].kind = ~0U;
	memset(self->in.thieves[1].comm, 'x', sizeof(self->in.thieves[1].comm));
	ASSERT_TRUE(unpack(self));
	EXPECT_EQ(KVMETER_NAME_LEN - 1, strlen(self->out.vms[0].v.id));
	EXPECT_EQ('?', self->out.vms[0].v.id[0]);
	EXPECT_EQ(KVMETER_WINDOWS, self->out.vms[0].d.windows);
	EXPECT_GT(KVMETER_STATE_NR, self->out.vcpus[0].v.state);
	EXPECT_EQ(KVMETER_EXIT_ROWS, self->out.vcpus[0].v.nr_rows);
	EXPECT_EQ(KVMETER_THIEF_OTHER, self->out.thieves[1].kind);
	EXPECT_EQ(KVMETER_COMM_LEN - 1, strlen(self->out.thieves[1].comm));
}

TEST_F(hostile, of_another_abi)
{
	self->in.host.abi++;
	ASSERT_FALSE(unpack(self));
}

/* A snapshot against one before it needs that one, and time goes on. */
TEST_F(hostile, without_the_one_before)
{
	struct kvmeter_snap later = {};

	self->host.now_ns = 1;
	busy_host_take(&self->host, &later);
	kvmeter_snap_pack(&self->player.packed, &later, &self->in);
	EXPECT_TRUE(kvmeter_snap_unpack(&self->player, &self->out, &self->in));
	EXPECT_FALSE(kvmeter_snap_unpack(&self->player, &self->out, NULL));
	later.now_ns = self->in.now_ns;
	self->player.packed.len = 0;
	kvmeter_snap_pack(&self->player.packed, &later, &self->in);
	EXPECT_FALSE(kvmeter_snap_unpack(&self->player, &self->out, &self->in));
	kvmeter_snapshot_put(&later);
}

/* One byte too few or too many, wherever. */
TEST_F(hostile, cut)
{
	struct kvmeter_bytes *packed = &self->player.packed;
	unsigned int len, whole;

	ASSERT_TRUE(unpack(self));
	whole = packed->len;
	for (len = 0; len < whole; len += 1 + len / 50) {
		packed->len = len;
		ASSERT_FALSE(kvmeter_snap_unpack(&self->player, &self->out, NULL));
	}
	packed->len = whole;
	ASSERT_TRUE(kvmeter_snap_unpack(&self->player, &self->out, NULL));
	kvmeter_pack_number(packed, 0);
	ASSERT_FALSE(kvmeter_snap_unpack(&self->player, &self->out, NULL));
}

TEST(numbers)
{
	static const __u64 numbers[] = { 0,	1,	    127,	128,	   16383,
					 16384, 1ULL << 62, 1ULL << 63, ~0ULL - 1, ~0ULL };
	struct kvmeter_bytes bytes = {};
	struct kvmeter_cursor from;
	unsigned int i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		kvmeter_pack_number(&bytes, numbers[i]);
	from = (struct kvmeter_cursor){ .at = bytes.data, .end = bytes.data + bytes.len };
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		EXPECT_EQ(numbers[i], kvmeter_unpack_number(&from, ~0ULL));
	EXPECT_FALSE(from.bad);
	EXPECT_EQ(from.at, from.end);
	/* too large, or not there: bad, and so is all that follows */
	from = (struct kvmeter_cursor){ .at = bytes.data, .end = bytes.data + bytes.len };
	EXPECT_EQ(0, kvmeter_unpack_number(&from, 0));
	EXPECT_EQ(0, kvmeter_unpack_number(&from, 0));
	EXPECT_TRUE(from.bad);
	EXPECT_EQ(0, kvmeter_unpack_number(&from, ~0ULL));
	EXPECT_EQ(NULL, kvmeter_unpack_bytes(&from, 0));
	free(bytes.data);
}

TEST_HARNESS_MAIN
