// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that a session reports are exactly those that KVM's own dirty log reports: none is
 * missed and none is made up, whatever the VMM has the log kept and cleared by, with huge pages
 * behind the memory, and with pages that were never touched.
 *
 * These are the pages that the guest wrote to, and some that it only read: where KVM has not mapped
 * a page that the host has, it maps it for writing at a read too, and so has to call it dirty.
 *
 * A lap writes to each page of the memory in one of a few chunks, in random order, by several
 * vCPUs that also read; between two chunks the VMM takes the log, and so arms the pages again. In
 * a quiet lap each page has one vCPU, and the log is taken when all are still: then the count of
 * pages is that of the log too, but for a few that fault twice. In a busy lap vCPUs write to and
 * read the same pages, while the log is being taken and pages are taken away from the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "session.h"
#include "writers.h"

#define VCPUS 3
#define LAPS_LONG 25
#define LAPS (host_is_long() ? LAPS_LONG : 5)
#define PAGES_LONG 5003
#define PAGES (host_is_long() ? PAGES_LONG : 1511u)
/* As many laps begin with new memory; the others with what the lap before has left. */
#define FRESH_LAPS 4
#define CHUNKS 5
#define RING_ENTRIES 65536
#define TAKES 7
#define VARIANTS 8
#define PAGE_DIRTYINGS 1000003
/*
 * A page whose entry the host takes away meanwhile, or a CPU has not seen change, faults once more,
 * and is counted then: one page in so many, and one.
 */
#define RECOUNTED_PARTS 10000

_Static_assert(VARIANTS *LAPS_LONG *PAGES_LONG >= PAGE_DIRTYINGS, "all of them together");

enum access { NONE, READ, WRITTEN };

FIXTURE(superset)
{
	struct meter meter;
	struct vmm vm;
	struct writer writer[VCPUS];
	struct session session;
	bool no_huge_pages;
	uint64_t random;
	/* The pages in the order in which the lap writes to them. */
	uint32_t *order;
	/* Of each page in this lap: accessed, in KVM's log, reported by the session. */
	enum access *access;
	bool *logged;
	uint32_t *cells;
	/* Pages in the log when it was taken last. */
	uint64_t nr_logged;
	/* In all laps: pages dirtied, missed by the session, and reported without reason. */
	uint64_t dirtied, missed, surplus;
	/* In those in which no page is written to by two vCPUs: counted more often than logged. */
	uint64_t recounted;
};

FIXTURE_VARIANT(superset)
{
	uint64_t manual;
	uint32_t ring_entries;
	bool huge;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(superset, get) { 0, 0, false };

FIXTURE_VARIANT_ADD(superset, get_huge) { 0, 0, true };

FIXTURE_VARIANT_ADD(superset, clear) { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, 0, false };

FIXTURE_VARIANT_ADD(superset, clear_huge) { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, 0, true };

FIXTURE_VARIANT_ADD(superset, clear_from_all_set)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET, 0, false
};

FIXTURE_VARIANT_ADD(superset, clear_from_all_set_huge)
{
	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET, 0, true
};

FIXTURE_VARIANT_ADD(superset, ring) { 0, RING_ENTRIES, false };

FIXTURE_VARIANT_ADD(superset, ring_huge) { 0, RING_ENTRIES, true };

/* clang-format on */
static uint32_t all_pages(const struct vmm *vm)
{
	return (uint32_t)(vm->ram_bytes / VMM_PAGE_BYTES);
}

FIXTURE_SETUP(superset)
{
	struct vmm_options options = {
		.huge = variant->huge,
		.ring_entries = variant->ring_entries,
	};
	uint32_t i, all;

	self->no_huge_pages = variant->huge && host_allow_huge_pages();
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init_with(&self->vm, VCPUS, WRITERS_PAGES + PAGES, &options));
	if (variant->manual)
		ASSERT_EQ(0, vmm_set_manual(&self->vm, variant->manual));
	all = all_pages(&self->vm);
	self->order = calloc(PAGES, sizeof(*self->order));
	self->access = calloc(all, sizeof(*self->access));
	self->logged = calloc(all, sizeof(*self->logged));
	self->cells = calloc(all, sizeof(*self->cells));
	ASSERT_TRUE(self->order && self->access && self->logged && self->cells);
	for (i = 0; i < PAGES; i++)
		self->order[i] = WRITERS_GFN + i;
	self->random = 1;
}

FIXTURE_TEARDOWN(superset)
{
	if (self->no_huge_pages)
		host_forbid_huge_pages();
	vmm_exit(&self->vm);
	meter_close(&self->meter);
	free(self->order);
	free(self->access);
	free(self->logged);
	free(self->cells);
}

static uint32_t random_below(FIXTURE_DATA(superset) * t, uint32_t limit)
{
	return writers_random(&t->random, limit);
}

static void shuffle(FIXTURE_DATA(superset) * t)
{
	uint32_t i, k, gfn;

	for (i = PAGES - 1; i; i--) {
		k = random_below(t, i + 1);
		gfn = t->order[i];
		t->order[i] = t->order[k];
		t->order[k] = gfn;
	}
}

static int take_log(FIXTURE_DATA(superset) * t)
{
	uint32_t gfn, all = all_pages(&t->vm);
	int ret = vmm_take_dirty(&t->vm);

	t->nr_logged = vmm_nr_dirty(&t->vm, 0, all);
	for (gfn = 0; !ret && gfn < all; gfn++)
		t->logged[gfn] |= t->vm.dirty[gfn / 64] >> gfn % 64 & 1;
	return ret;
}

/* Take a few pages away: the next access of the guest's finds a new one, never touched. */
static int take_away_pages(FIXTURE_DATA(superset) * t)
{
	uint32_t gfn, i;

	for (i = 0; i < PAGES / 100; i++) {
		gfn = t->order[random_below(t, PAGES)];
		if (madvise(t->vm.ram + (size_t)gfn * VMM_PAGE_BYTES, VMM_PAGE_BYTES,
			    MADV_DONTNEED))
			return -errno;
	}
	return 0;
}

static void add_to_list(FIXTURE_DATA(superset) * t, struct writer *w, uint32_t gfn,
			enum access access)
{
	writer_add(w, gfn, access == READ);
	if (t->access[gfn] < access)
		t->access[gfn] = access;
}

/* Any page, or one of those that a vCPU writes to. */
static uint32_t page_to_read(FIXTURE_DATA(superset) * t, unsigned int id)
{
	uint32_t gfn;

	do {
		gfn = t->order[random_below(t, PAGES)];
	} while (id < VCPUS && gfn % VCPUS != id);
	return gfn;
}

/* Write to the pages [lo, hi) of the order. In a busy lap some have more vCPUs than one. */
static void fill_lists(FIXTURE_DATA(superset) * t, uint32_t lo, uint32_t hi, bool busy)
{
	struct writer *w;
	uint32_t i;

	for (i = 0; i < VCPUS; i++)
		writer_init(&t->writer[i], &t->vm, i);
	for (i = lo; i < hi; i++) {
		w = &t->writer[t->order[i] % VCPUS];
		if (!random_below(t, 5))
			add_to_list(t, w, page_to_read(t, busy ? VCPUS : w->id), READ);
		add_to_list(t, w, t->order[i], WRITTEN);
		/* What is written already. */
		if (!random_below(t, 7))
			add_to_list(t, w, t->order[i], WRITTEN);
		if (busy && !random_below(t, 3))
			add_to_list(t, &t->writer[random_below(t, VCPUS)],
				    t->order[lo + random_below(t, i + 1 - lo)], WRITTEN);
	}
}

static int run_lists(FIXTURE_DATA(superset) * t, bool busy)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < VCPUS; i++)
		ret = writer_start(&t->writer[i], false);
	if (ret)
		return ret;
	for (i = 0; busy && !ret && i < TAKES; i++) {
		usleep(1000);
		ret = take_away_pages(t);
		if (!ret)
			ret = take_log(t);
	}
	for (i = 0; i < VCPUS; i++)
		if (writer_join(&t->writer[i]))
			ret = t->writer[i].ret;
	return ret;
}

/* What all vCPUs are said to have dirtied, a page between two takes of the log counted once. */
static int count_pages(const FIXTURE_DATA(superset) * t, uint64_t *pages)
{
	struct meter_vcpu copy;
	unsigned int i;
	int ret;

	*pages = 0;
	for (i = 0; i < VCPUS; i++) {
		ret = meter_read(&t->meter, t->vm.fd, i, &copy);
		if (ret)
			return ret;
		*pages += copy.v.pml_pages - copy.v.pml_dups + copy.v.write_faults;
	}
	return 0;
}

/* Was it logged without being accessed, or not though it was written to? */
static bool is_wrong(const FIXTURE_DATA(superset) * t, uint32_t gfn)
{
	/* Code, and lists that the VMM fills in: the guest only reads them. */
	if (gfn < WRITERS_GFN)
		return false;
	return t->logged[gfn] ? t->access[gfn] == NONE : t->access[gfn] == WRITTEN;
}

/* How many pages are in the log and not reported, and how many the other way round. */
static int compare(FIXTURE_DATA(superset) * t, uint64_t *missed, uint64_t *surplus)
{
	uint32_t gfn, all = all_pages(&t->vm);
	int ret = session_read(&t->session, 0, t->cells, all);

	for (gfn = 0; !ret && gfn < all; gfn++) {
		*missed += t->logged[gfn] && !t->cells[gfn];
		*surplus += !t->logged[gfn] && t->cells[gfn];
		if (is_wrong(t, gfn))
			ret = -EBADMSG;
	}
	return ret;
}

/* Have the memory in the host anew, in huge pages where there are such; or not at all. */
static int renew_memory(FIXTURE_DATA(superset) * t, bool touched)
{
	size_t offset = WRITERS_GFN * VMM_PAGE_BYTES;

	if (madvise(t->vm.ram + offset, t->vm.ram_bytes - offset, MADV_DONTNEED))
		return -errno;
	return vmm_run(&t->vm.vcpu[0], vmm_guest_write, touched ? PAGES : 1, (uint32_t)offset, 1);
}

static int begin_lap(FIXTURE_DATA(superset) * t, unsigned int lap)
{
	memset(t->access, 0, all_pages(&t->vm) * sizeof(*t->access));
	memset(t->logged, 0, all_pages(&t->vm) * sizeof(*t->logged));
	shuffle(t);
	return lap < FRESH_LAPS ? renew_memory(t, lap / 2 == 0) : 0;
}

static int begin_log(FIXTURE_DATA(superset) * t)
{
	int ret = vmm_set_log(&t->vm, true);

	return ret ? ret : vmm_take_dirty(&t->vm);
}

static int begin_session(FIXTURE_DATA(superset) * t)
{
	return session_start(&t->session, t->meter.dev, t->vm.fd, KVMETER_DIRTY_OBSERVE,
			     KVMETER_INTERVAL_MAX_NS);
}

/* Whichever of the two is first. */
static int begin_both(FIXTURE_DATA(superset) * t, bool log_first)
{
	int ret = log_first ? begin_log(t) : begin_session(t);

	if (ret)
		return ret;
	return log_first ? begin_session(t) : begin_log(t);
}

static void run_lap(struct __test_metadata *_metadata, FIXTURE_DATA(superset) * t, unsigned int lap)
{
	const struct kvmeter_vm *vm = meter_vm(&t->meter, t->vm.fd);
	bool busy = lap % 2;
	uint32_t i, lo, hi = 0;
	uint64_t before, after;

	ASSERT_EQ(0, begin_lap(t, lap));
	ASSERT_EQ(0, begin_both(t, lap % 3));
	for (i = 1; i <= CHUNKS; i++) {
		lo = hi;
		hi = PAGES * i / CHUNKS;
		fill_lists(t, lo, hi, busy);
		ASSERT_EQ(0, count_pages(t, &before));
		ASSERT_EQ(0, run_lists(t, busy));
		ASSERT_EQ(0, count_pages(t, &after));
		ASSERT_EQ(0, take_log(t));
		EXPECT_LE(hi - lo, after - before);
		if (!busy) {
			EXPECT_LE(t->nr_logged, after - before);
			t->recounted += after - before - t->nr_logged;
		}
		ASSERT_EQ(0, compare(t, &t->missed, &t->surplus));
		ASSERT_EQ(0, take_away_pages(t));
	}
	t->dirtied += PAGES;
	EXPECT_EQ(t->vm.options.ring_entries ? KVMETER_LOG_RING : KVMETER_LOG_BITMAP,
		  vm->log_state);
	ASSERT_EQ(0, session_stop(&t->session));
	ASSERT_EQ(0, vmm_set_log(&t->vm, false));
}

TEST_F_TIMEOUT(superset, equal, 600)
{
	unsigned int lap;

	/* From here on the VM and all its vCPUs are known. */
	for (lap = 0; lap < VCPUS; lap++)
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[lap], vmm_guest_busy, 1, 0, 0));
	for (lap = 0; lap < LAPS; lap++)
		run_lap(_metadata, self, lap);
	TH_LOG("%" PRIu64 " pages dirtied, %" PRIu64 " missed, %" PRIu64 " made up, %" PRIu64
	       " counted once more",
	       self->dirtied, self->missed, self->surplus, self->recounted);
	EXPECT_EQ(0, self->missed);
	EXPECT_EQ(0, self->surplus);
	EXPECT_GE(1 + self->dirtied / RECOUNTED_PARTS, self->recounted);
}

/* So that the variants say what they seem to: huge pages are there before the log is on. */
TEST_F_TIMEOUT(superset, huge_pages, 120)
{
	const struct kvmeter_vm *vm;
	int i;

	ASSERT_EQ(0, renew_memory(self, true));
	vm = meter_vm(&self->meter, self->vm.fd);
	ASSERT_NE(NULL, vm);
	/* The figure is brought up to date every 4 ms. */
	for (i = 0; i < 5; i++) {
		usleep(5000);
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
	}
	EXPECT_EQ(variant->huge, vm->pages_2m != 0);
}

TEST_HARNESS_MAIN
