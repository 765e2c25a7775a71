// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rounds of a migration, as the module sees them, are what the VMM did: when each began, what
 * there was to send, what was dirtied in it and by which vCPU, and what quotas did meanwhile. And
 * what is no migration is not taken for one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "autoconverge.h"
#include "host.h"
#include "quota.h"
#include "sender.h"
#include "session.h"
#include "writers.h"

#define VCPUS 2
/* Of the first vCPU, and of the second, which come behind. */
#define PAGES 1511u
#define ALL_PAGES (2 * PAGES)
#define DISPLAY_SLOT 1
#define DISPLAY_ADDR 0x40000000u
#define DISPLAY_PAGES 64u
#define MANY (2 * KVMETER_ROUNDS + 5)
#define WHILE_RUNNING (host_is_long() ? 23u : 7u)
#define WRITE_US 50000u
#define PAUSE_US 2000u
#define MS 1000000ull
#define NS_PER_S (1000 * MS)
#define OWN_WRITES 53
#define MSR_KVM_STEAL 0x4b564d03
#define MSR_KVM_ENABLED 1
/* For the module to see a VM's memory slots, or to share a quota out. */
#define SETTLE_US 150000u
#define THROTTLE_US 700000u
/* Of the two clock readings at each end of a time that a vCPU is parked for. */
#define CLOCK_NS 20000ull

FIXTURE(rounds)
{
	struct meter meter;
	struct vmm vm;
	uint32_t slot;
	struct sender sender;
	struct kvmeter_migration copy;
};

/* How the VMM has the log cleared: by reading it, or by a call of its own. */
FIXTURE_VARIANT(rounds)
{
	uint64_t manual;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(rounds, get)
{
	0,
};

FIXTURE_VARIANT_ADD(rounds, clear)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
};

FIXTURE_VARIANT_ADD(rounds, clear_from_all_set)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
};

/* clang-format on */
static uint32_t first_gfn(unsigned int id)
{
	return VMM_DATA_GFN + id * PAGES;
}

static int write_pages(FIXTURE_DATA(rounds) * t, unsigned int id, uint32_t nr)
{
	if (!nr)
		return 0;
	return vmm_run(&t->vm.vcpu[id], vmm_guest_write, nr, first_gfn(id) * VMM_PAGE_BYTES, nr);
}

FIXTURE_SETUP(rounds)
{
	unsigned int i;

	ASSERT_EQ(0, meter_open(&self->meter));
	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_SYNC))
		SKIP(return, "the VMM's dirty-log calls are not seen on this kernel");
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, ALL_PAGES));
	if (variant->manual)
		ASSERT_EQ(0, vmm_set_manual(&self->vm, variant->manual));
	/* From here on all pages are there. */
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, write_pages(self, i, PAGES));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, self->vm.fd));
	self->slot = (uint32_t)autoconverge_slot(&self->meter, self->vm.fd);
	/* Mode off. */
	if (meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA)
		ASSERT_EQ(0,
			  autoconverge_set(&self->meter, self->slot,
					   (struct kvmeter_autoconverge){}));
	self->sender = (struct sender){ .meter = &self->meter, .vm = &self->vm };
}

FIXTURE_TEARDOWN(rounds)
{
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

static uint64_t all_pages(const FIXTURE_DATA(rounds) * t)
{
	return t->vm.ram_bytes / VMM_PAGE_BYTES;
}

static const struct kvmeter_migration *look(FIXTURE_DATA(rounds) * t)
{
	autoconverge_copy(&t->meter, t->slot, &t->copy);
	return &t->copy;
}

static int begin(FIXTURE_DATA(rounds) * t)
{
	int ret = vmm_set_log(&t->vm, true);

	return ret ? ret : sender_read_log(&t->sender);
}

static const struct kvmeter_round *round_nr(const struct kvmeter_migration *c, unsigned int nr)
{
	return &c->round[(nr - 1) % KVMETER_ROUNDS];
}

static uint64_t round_end_ns(const struct kvmeter_round *r)
{
	return r->begin_ns + r->duration_ns;
}

/* Round @nr, which has ended, is what the VMM knows of it. */
static void check_ended(struct __test_metadata *_metadata, const FIXTURE_DATA(rounds) * t,
			unsigned int nr)
{
	const struct kvmeter_round *r = round_nr(&t->copy, nr);
	const struct sender_round *sent = &t->sender.round[nr - 1];

	EXPECT_LE(sent->before_ns, r->begin_ns);
	EXPECT_GE(sent->after_ns, r->begin_ns);
	EXPECT_LE(sent[1].before_ns, round_end_ns(r));
	EXPECT_GE(sent[1].after_ns, round_end_ns(r));
	EXPECT_EQ(sent->pages, r->to_send_pages);
	EXPECT_EQ(sent[1].pages, r->dirtied_pages);
	EXPECT_EQ(r->to_send_pages * NS_PER_S / r->duration_ns, r->bandwidth_pages);
	EXPECT_EQ(0, r->quota_pages);
	EXPECT_EQ(0, r->throttle_ns);
	EXPECT_EQ(0, r->reserved);
}

/* And the one in progress. */
static void check_begun(struct __test_metadata *_metadata, const FIXTURE_DATA(rounds) * t,
			unsigned int nr)
{
	const struct kvmeter_round *r = round_nr(&t->copy, nr);

	EXPECT_LE(t->sender.round[nr - 1].before_ns, r->begin_ns);
	EXPECT_GE(t->sender.round[nr - 1].after_ns, r->begin_ns);
	EXPECT_EQ(t->sender.round[nr - 1].pages, r->to_send_pages);
	EXPECT_EQ(0, r->duration_ns);
	EXPECT_EQ(0, r->dirtied_pages);
	EXPECT_EQ(0, r->bandwidth_pages);
}

static uint64_t pages_of(const struct kvmeter_vcpu *v)
{
	return v->pml_pages - v->pml_dups + v->write_faults;
}

static void check_vcpu(struct __test_metadata *_metadata, FIXTURE_DATA(rounds) * t, unsigned int id,
		       uint64_t round_pages, uint64_t now_pages)
{
	struct meter_vcpu copy;

	ASSERT_EQ(0, meter_read(&t->meter, t->vm.fd, id, &copy));
	EXPECT_EQ(round_pages, copy.v.round_pages);
	EXPECT_EQ(now_pages, pages_of(&copy.v) - copy.v.round_from_pages);
}

/* The log is read when no vCPU is in the guest: so all figures are exact. */
TEST_F_TIMEOUT(rounds, exact, 120)
{
	static const uint32_t nr[][VCPUS] = {
		{ 1009, 211 }, { 503, 0 }, { 0, 1511 }, { 0, 0 }, { 7, 997 }, { 1511, 1511 },
	};
	uint32_t before[VCPUS] = {};
	uint64_t sent = 0;
	unsigned int i, id;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	/* Before the first round, so in none. */
	ASSERT_EQ(0, write_pages(self, 0, 101));
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
	ASSERT_EQ(0, sender_read_log(&self->sender));
	for (i = 1; i <= ARRAY_SIZE(nr); i++) {
		EXPECT_EQ(KVMETER_MIGRATION_RUNNING, look(self)->state);
		EXPECT_EQ(i, self->copy.nr_rounds);
		EXPECT_EQ(self->copy.round[0].begin_ns, self->copy.begin_ns);
		EXPECT_EQ(0, self->copy.end_ns);
		EXPECT_EQ(all_pages(self), self->copy.ram_pages);
		EXPECT_EQ(sent, self->copy.sent_pages);
		check_begun(_metadata, self, i);
		for (id = 0; id < VCPUS; id++) {
			check_vcpu(_metadata, self, id, before[id], 0);
			ASSERT_EQ(0, write_pages(self, id, nr[i - 1][id]));
			/* Once more is nothing more. */
			ASSERT_EQ(0, write_pages(self, id, nr[i - 1][id] / 2));
			check_vcpu(_metadata, self, id, before[id], nr[i - 1][id]);
			before[id] = nr[i - 1][id];
		}
		usleep(PAUSE_US);
		sent += self->sender.round[i - 1].pages;
		ASSERT_EQ(0, sender_read_log(&self->sender));
		EXPECT_EQ(nr[i - 1][0] + nr[i - 1][1], self->sender.round[i].pages);
		look(self);
		check_ended(_metadata, self, i);
	}
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

/* The last KVMETER_ROUNDS are kept, all are counted. */
TEST_F_TIMEOUT(rounds, many, 120)
{
	struct sender_round sent[MANY + 1];
	uint64_t sum = 0;
	unsigned int i;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	for (i = 1; i <= MANY; i++) {
		/* Its own memory of them ends earlier. */
		self->sender.nr = i > 1;
		ASSERT_EQ(0, sender_read_log(&self->sender));
		sent[i - 1] = self->sender.round[i > 1];
		sum += i < MANY ? sent[i - 1].pages : 0;
		ASSERT_EQ(0, write_pages(self, i % VCPUS, 5 * i));
		usleep(PAUSE_US);
	}
	EXPECT_EQ(MANY, look(self)->nr_rounds);
	EXPECT_EQ(sum, self->copy.sent_pages);
	for (i = MANY; i > MANY - KVMETER_ROUNDS; i--) {
		EXPECT_EQ(5 * (i - 1), round_nr(&self->copy, i)->to_send_pages);
		EXPECT_LE(sent[i - 1].before_ns, round_nr(&self->copy, i)->begin_ns);
		EXPECT_GE(sent[i - 1].after_ns, round_nr(&self->copy, i)->begin_ns);
		EXPECT_EQ(i < MANY ? 5 * i : 0, round_nr(&self->copy, i)->dirtied_pages);
	}
	EXPECT_LE(sent[0].before_ns, self->copy.begin_ns);
	EXPECT_GE(sent[0].after_ns, self->copy.begin_ns);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

/*
 * While guests write, some pages fall on the other side of a round's end: those dirtied while the
 * VMM's call was on its way, and those that were in a Page Modification Log. But all are told once.
 */
TEST_F_TIMEOUT(rounds, while_running, 120)
{
	uint64_t ours = 0, kvms = 0, off, most_off = 0, first, last, slack;
	struct quota_sample sample[VCPUS];
	struct writer writer[VCPUS];
	unsigned int i, id;
	uint32_t page;

	for (id = 0; id < VCPUS; id++) {
		writer_init(&writer[id], &self->vm, id);
		for (page = WRITERS_PAGES; page < PAGES; page++)
			writer_add(&writer[id], first_gfn(id) + page, false);
	}
	ASSERT_EQ(0, begin(self));
	for (id = 0; id < VCPUS; id++)
		ASSERT_EQ(0, writer_start(&writer[id], true));
	for (i = 1; i <= WHILE_RUNNING; i++) {
		usleep(WRITE_US);
		first = 0;
		last = 0;
		for (id = 0; id < VCPUS; id++) {
			ASSERT_EQ(0, quota_take(&self->meter, self->vm.fd, id, &sample[id]));
			first += pages_of(&sample[id].copy.v);
		}
		ASSERT_EQ(0, sender_read_log(&self->sender));
		for (id = 0; id < VCPUS; id++) {
			ASSERT_EQ(0, quota_take(&self->meter, self->vm.fd, id, &sample[id]));
			last += pages_of(&sample[id].copy.v);
		}
		ours += round_nr(look(self), i + 1)->to_send_pages;
		kvms += self->sender.round[i].pages;
		off = ours > kvms ? ours - kvms : kvms - ours;
		most_off = off > most_off ? off : most_off;
		slack = last - first + VCPUS * QUOTA_DEBT_PAGES;
		EXPECT_GE(slack, off);
		EXPECT_EQ(round_nr(&self->copy, i)->dirtied_pages,
			  round_nr(&self->copy, i + 1)->to_send_pages);
	}
	for (id = 0; id < VCPUS; id++)
		ASSERT_EQ(0, writer_join(&writer[id]));
	ASSERT_EQ(0, sender_read_log(&self->sender));
	ours += round_nr(look(self), i + 1)->to_send_pages;
	kvms += self->sender.round[i].pages;
	TH_LOG("%" PRIu64 " pages in %u rounds, by KVM's log %" PRIu64 "; up to %" PRIu64 " off",
	       ours, i, kvms, most_off);
	EXPECT_LT(WHILE_RUNNING, kvms);
	EXPECT_EQ(kvms, ours);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

static int set_steal_msr(FIXTURE_DATA(rounds) * t, uint64_t value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = MSR_KVM_STEAL, .data = value } };

	return ioctl(t->vm.vcpu[0].fd, KVM_SET_MSRS, &msr) == 1 ? 0 : -EIO;
}

/* A page that KVM writes to at each KVM_RUN has to be sent once. */
TEST_F_TIMEOUT(rounds, own_writes, 120)
{
	unsigned int i, n;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_OWN))
		SKIP(return, "KVM's own writes are not seen on this kernel");
	ASSERT_EQ(0, set_steal_msr(self, first_gfn(1) * VMM_PAGE_BYTES | MSR_KVM_ENABLED));
	ASSERT_EQ(0, begin(self));
	/* The module looks for them once it has found the log on. */
	usleep(SETTLE_US);
	ASSERT_EQ(0, sender_read_log(&self->sender));
	for (n = 2; n < 5; n++) {
		for (i = 0; i < OWN_WRITES; i++)
			ASSERT_EQ(0, write_pages(self, 0, n));
		ASSERT_EQ(0, sender_read_log(&self->sender));
		EXPECT_EQ(n + 1, self->sender.round[n].pages);
		look(self);
		check_ended(_metadata, self, n);
		/* The page of KVM's is no vCPU's. */
		check_vcpu(_metadata, self, 0, n, 0);
		check_vcpu(_metadata, self, 1, 0, 0);
	}
	ASSERT_EQ(0, set_steal_msr(self, 0));
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

TEST_F_TIMEOUT(rounds, begin_and_end, 120)
{
	uint64_t before_ns, ended_ns, begin_ns;

	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
	EXPECT_EQ(0, self->copy.nr_rounds);
	/* A call that finds no log. */
	EXPECT_NE(0, vmm_take_dirty(&self->vm));
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
	/* Logging alone is none. */
	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	ASSERT_EQ(0, write_pages(self, 0, 13));
	usleep(SETTLE_US);
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
	EXPECT_EQ(0, self->copy.nr_rounds);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);

	ASSERT_EQ(0, begin(self));
	EXPECT_EQ(KVMETER_MIGRATION_RUNNING, look(self)->state);
	ASSERT_EQ(0, write_pages(self, 0, 17));
	ASSERT_EQ(0, sender_read_log(&self->sender));
	ASSERT_EQ(0, write_pages(self, 1, 19));
	before_ns = meter_now_ns(&self->meter);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	ended_ns = meter_now_ns(&self->meter);
	ASSERT_EQ(0, autoconverge_wait_state(&self->meter, self->slot, KVMETER_MIGRATION_ENDED));
	EXPECT_LE(before_ns, look(self)->end_ns);
	EXPECT_GE(ended_ns, self->copy.end_ns);
	EXPECT_EQ(2, self->copy.nr_rounds);
	EXPECT_EQ(17, self->copy.round[1].to_send_pages);
	check_ended(_metadata, self, 1);

	/* It stays as it was, whatever the guest does. */
	ASSERT_EQ(0, write_pages(self, 0, 23));
	usleep(SETTLE_US);
	EXPECT_EQ(KVMETER_MIGRATION_ENDED, look(self)->state);
	EXPECT_EQ(2, self->copy.nr_rounds);
	begin_ns = self->copy.begin_ns;

	/* The next one begins from nothing. */
	self->sender.nr = 0;
	ASSERT_EQ(0, begin(self));
	EXPECT_EQ(KVMETER_MIGRATION_RUNNING, look(self)->state);
	EXPECT_EQ(1, self->copy.nr_rounds);
	EXPECT_EQ(0, self->copy.end_ns);
	EXPECT_EQ(0, self->copy.sent_pages);
	EXPECT_LT(begin_ns, self->copy.begin_ns);
	check_begun(_metadata, self, 1);
	EXPECT_EQ(0, self->copy.round[1].begin_ns);
	EXPECT_EQ(0, self->copy.round[1].to_send_pages);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	ASSERT_EQ(0, autoconverge_wait_state(&self->meter, self->slot, KVMETER_MIGRATION_ENDED));
}

/* What a display does with its own memory, all the time, before, during and after a migration. */
TEST_F_TIMEOUT(rounds, display, 120)
{
	uint64_t bitmap[DISPLAY_PAGES / 64];
	void *ram = aligned_alloc(VMM_PAGE_BYTES, DISPLAY_PAGES * VMM_PAGE_BYTES);
	unsigned int i;

	ASSERT_NE(NULL, ram);
	ASSERT_EQ(0,
		  vmm_set_region(&self->vm, DISPLAY_SLOT, KVM_MEM_LOG_DIRTY_PAGES, DISPLAY_ADDR,
				 ram, DISPLAY_PAGES * VMM_PAGE_BYTES));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, vmm_get_log(&self->vm, DISPLAY_SLOT, bitmap));
	usleep(SETTLE_US);
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
	EXPECT_EQ(0, self->copy.nr_rounds);

	ASSERT_EQ(0, begin(self));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, vmm_get_log(&self->vm, DISPLAY_SLOT, bitmap));
	EXPECT_EQ(KVMETER_MIGRATION_RUNNING, look(self)->state);
	EXPECT_EQ(1, self->copy.nr_rounds);
	EXPECT_EQ(all_pages(self) + DISPLAY_PAGES, self->copy.ram_pages);
	ASSERT_EQ(0, sender_read_log(&self->sender));
	EXPECT_EQ(2, look(self)->nr_rounds);
	EXPECT_EQ(all_pages(self) + DISPLAY_PAGES, self->copy.round[0].to_send_pages);

	/* The display goes on with it. */
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	EXPECT_EQ(0, autoconverge_wait_state(&self->meter, self->slot, KVMETER_MIGRATION_ENDED));
	ASSERT_EQ(0, vmm_get_log(&self->vm, DISPLAY_SLOT, bitmap));
	EXPECT_EQ(KVMETER_MIGRATION_ENDED, look(self)->state);
	EXPECT_EQ(2, self->copy.nr_rounds);
	ASSERT_EQ(0, vmm_set_region(&self->vm, DISPLAY_SLOT, 0, DISPLAY_ADDR, ram, 0));
	free(ram);
}

TEST_F_TIMEOUT(rounds, driven_session, 120)
{
	const uint64_t interval_ns = KVMETER_INTERVAL_MIN_NS;
	struct session session;
	unsigned int i;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_DRIVE))
		SKIP(return, "this kernel lacks what a driven session takes");
	ASSERT_EQ(0, session_start(&session, self->meter.dev, self->vm.fd, 0, interval_ns));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, write_pages(self, 0, PAGES));
		ASSERT_EQ(0, session_wait_intervals(&session, &self->meter, 1));
	}
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
	EXPECT_EQ(0, self->copy.nr_rounds);
	ASSERT_EQ(0, session_stop(&session));
	EXPECT_EQ(KVMETER_MIGRATION_NONE, look(self)->state);
}

/* A session that only watches a migration changes nothing of it. */
TEST_F_TIMEOUT(rounds, observed_session, 120)
{
	struct session session;

	ASSERT_EQ(0,
		  session_start(&session, self->meter.dev, self->vm.fd, KVMETER_DIRTY_OBSERVE,
				KVMETER_INTERVAL_MIN_NS));
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, write_pages(self, 0, 1009));
	ASSERT_EQ(0, sender_read_log(&self->sender));
	EXPECT_EQ(2, look(self)->nr_rounds);
	check_ended(_metadata, self, 1);
	ASSERT_EQ(0, session_stop(&session));
	EXPECT_EQ(KVMETER_MIGRATION_RUNNING, look(self)->state);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	EXPECT_EQ(0, autoconverge_wait_state(&self->meter, self->slot, KVMETER_MIGRATION_ENDED));
}

static uint64_t quota_of_round(FIXTURE_DATA(rounds) * t, unsigned int nr)
{
	return round_nr(look(t), nr)->quota_pages;
}

/* The least one of each round. */
TEST_F_TIMEOUT(rounds, quotas, 120)
{
	static const uint64_t pages[][3] = {
		/* set in the round, one after the other; and what is told of it */
		{ 0, 0, 0 },	      { 2000, 1000, 1000 }, { 3000, 0, 1000 },
		{ 0, 0, 0 },	      { 0, 5000, 5000 },    { 5000, 6000, 5000 },
		{ 6000, 6000, 6000 }, { 0, 0, 6000 },	    { 0, 0, 0 },
	};
	unsigned int i;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what a quota takes");
	ASSERT_EQ(0, begin(self));
	for (i = 1; i <= ARRAY_SIZE(pages); i++) {
		usleep(PAUSE_US);
		ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, pages[i - 1][0]));
		ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, pages[i - 1][1]));
		ASSERT_EQ(0, sender_read_log(&self->sender));
		EXPECT_EQ(pages[i - 1][2], quota_of_round(self, i));
	}
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
}

/* For how long they have parked vCPUs in it, as those say themselves. */
TEST_F_TIMEOUT(rounds, throttled, 120)
{
	struct quota_sample first[VCPUS], last[VCPUS];
	uint64_t ns = 0, parked = 0, told_ns;
	struct writer writer[VCPUS];
	unsigned int id;
	uint32_t page;

	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA))
		SKIP(return, "this kernel lacks what a quota takes");
	for (id = 0; id < VCPUS; id++) {
		writer_init(&writer[id], &self->vm, id);
		for (page = WRITERS_PAGES; page < PAGES; page++)
			writer_add(&writer[id], first_gfn(id) + page, false);
	}
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 20 * QUOTA_LEAST_PAGES));
	usleep(SETTLE_US);
	ASSERT_EQ(0, sender_read_log(&self->sender));
	for (id = 0; id < VCPUS; id++) {
		ASSERT_EQ(0, quota_take(&self->meter, self->vm.fd, id, &first[id]));
		ASSERT_EQ(0, writer_start(&writer[id], true));
	}
	usleep(THROTTLE_US);
	for (id = 0; id < VCPUS; id++) {
		ASSERT_EQ(0, autoconverge_stop_writer(&writer[id]));
		ASSERT_EQ(0, quota_take(&self->meter, self->vm.fd, id, &last[id]));
		ns += last[id].copy.v.throttle_ns - first[id].copy.v.throttle_ns;
		parked += last[id].copy.v.throttle_nr - first[id].copy.v.throttle_nr;
	}
	ASSERT_EQ(0, sender_read_log(&self->sender));
	told_ns = round_nr(look(self), 2)->throttle_ns;
	TH_LOG("parked for %" PRIu64 " us, %" PRIu64 " times; of the round told: %" PRIu64 " us",
	       ns / 1000, parked, told_ns / 1000);
	EXPECT_LT(0, parked);
	EXPECT_EQ(0, self->copy.round[0].throttle_ns);
	/* It is measured with other readings of the clock, between which the thread may wait. */
	EXPECT_LE(ns - ns / 10, told_ns + parked * CLOCK_NS);
	EXPECT_GE(ns + ns / 10 + parked * CLOCK_NS, told_ns);
	/* None of that is the next round's. */
	ASSERT_EQ(0, sender_read_log(&self->sender));
	EXPECT_EQ(0, round_nr(look(self), 3)->throttle_ns);
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 0));
}

/* Slots are used again, and with none of them comes what the VM before it had. */
TEST_F_TIMEOUT(rounds, nothing_left_over, 120)
{
	struct kvmeter_migration copy;
	uint32_t slot = 0;
	struct vmm vm;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, vmm_init(&vm, 1, 1));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
		ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, vm.fd));
		slot = (uint32_t)autoconverge_slot(&self->meter, vm.fd);
		autoconverge_copy(&self->meter, slot, &copy);
		EXPECT_EQ(KVMETER_MIGRATION_NONE, copy.state);
		EXPECT_EQ(0, copy.nr_rounds);
		EXPECT_EQ(0, copy.round[0].begin_ns);
		ASSERT_EQ(0, vmm_set_log(&vm, true));
		ASSERT_EQ(0, vmm_take_dirty(&vm));
		autoconverge_copy(&self->meter, slot, &copy);
		EXPECT_EQ(KVMETER_MIGRATION_RUNNING, copy.state);
		EXPECT_EQ(meter_vm(&self->meter, vm.fd)->gen, copy.gen);
		vmm_exit(&vm);
		ASSERT_EQ(1, meter_wait_used(&self->meter, 1));
		autoconverge_copy(&self->meter, slot, &copy);
		EXPECT_NE(KVMETER_MIGRATION_RUNNING, copy.state);
	}
}

/* A VMM with dirty rings has no need of that call: no rounds. */
TEST_F_TIMEOUT(rounds, ring, 120)
{
	struct vmm_options options = { .ring_entries = 4096 };
	struct kvmeter_migration copy;
	uint32_t slot;
	struct vmm vm;

	ASSERT_EQ(0, vmm_init_with(&vm, 1, PAGES, &options));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, vm.fd));
	slot = (uint32_t)autoconverge_slot(&self->meter, vm.fd);
	ASSERT_EQ(0, vmm_set_log(&vm, true));
	ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 2));
	ASSERT_EQ(0, vmm_take_dirty(&vm));
	EXPECT_EQ(PAGES, vmm_nr_dirty(&vm, 0, vm.ram_bytes / VMM_PAGE_BYTES));
	/* KVM has no bitmap for it. */
	EXPECT_GT(0, vmm_get_log(&vm, 0, vm.dirty));
	usleep(SETTLE_US);
	autoconverge_copy(&self->meter, slot, &copy);
	EXPECT_EQ(KVMETER_MIGRATION_NONE, copy.state);
	EXPECT_EQ(0, copy.nr_rounds);
	vmm_exit(&vm);
}

TEST_HARNESS_MAIN
