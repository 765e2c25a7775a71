// SPDX-License-Identifier: GPL-2.0-only
/*
 * D(t) of a driven session, of the VM and of each vCPU, is what the guest really wrote.
 *
 * Each vCPU goes round a region of its own at a pace of its own, a few pages at a time, and the
 * test writes down when that was. From these records it counts the distinct pages of the time t
 * that ends when the module's figures were computed.
 *
 * The module knows in which interval a page was written, so D(t) is linear over the interval that
 * the time t begins in. Each figure has to be that; what that is worth, against the pages of the
 * time itself, is asked of the mean of all figures: when the module begins an interval, an emulated
 * host keeps writers waiting for a ms or two, and they catch up.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "session.h"
#include "vmm.h"

#define VCPUS 3
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define STEP_NS NS_PER_MS
#define RUN_NS (63 * NS_PER_S)
#define VM_LIMIT_PCT 2.0
#define VCPU_LIMIT_PCT 5.0
#define REGION_SHIFT 9
#define LOOKS 5
#define MOST_ENDS (2 * (RUN_NS + PATIENCE_NS) / INTERVAL_NS)
#define QUIET_NS NS_PER_S
#define LATE_NS (10 * NS_PER_MS)
#define PATIENCE_NS (60 * NS_PER_S)
/* What it is late with by more than this a vCPU leaves out, instead of writing it all at once. */
#define CATCH_UP_MS 50

static const uint64_t curve_ms[KVMETER_CURVE_NR] = KVMETER_CURVE_MS;

/*
 * Regions that a vCPU goes round in 0.3 s, 4 s and 40 s; what it writes in a second. With faults,
 * on an emulated host, more would take so much of a vCPU that the module made the intervals longer.
 */
static const struct {
	uint32_t pages;
	uint32_t rate;
} plan[VCPUS] = { { 307, 1009 }, { 2011, 503 }, { 15013, 379 } };

#define ALL_PAGES (307 + 2011 + 15013)

/* When figures are looked at, a few times in a row. */
static const uint32_t looks_ms[] = { 1300, 2700, 4900, 10100, 20300, 40100, 61300 };

/**
 * struct record - pages that a vCPU has written, one after the other
 * @begin_ns: before the first, ledger clock
 * @end_ns: after the last
 * @page: the first one, in all pages
 * @nr: how many
 */
struct record {
	uint64_t begin_ns;
	uint64_t end_ns;
	uint32_t page;
	uint32_t nr;
};

/**
 * struct runner - a vCPU and what it has written
 * @meter: the clock
 * @vm: its VM
 * @id: the vCPU
 * @first: first page of its region, in all pages
 * @begin_ns: of the run
 * @record: what it has written
 * @nr: records
 * @room: for records
 * @ret: 0, or what went wrong
 */
struct runner {
	const struct meter *meter;
	struct vmm *vm;
	unsigned int id;
	uint32_t first;
	uint64_t begin_ns;
	struct record *record;
	uint32_t nr;
	uint32_t room;
	pthread_t thread;
	int ret;
};

/* What the module said at one time; index 0 is the VM, the others are vCPUs. */
struct look {
	struct kvmeter_dirty d;
	uint64_t curve[1 + VCPUS][KVMETER_CURVE_NR];
};

FIXTURE(curve)
{
	struct meter meter;
	struct vmm vm;
	struct session session;
	struct runner runner[VCPUS];
	bool *seen;
	uint64_t *end_ns; /* by intervals that have ended; 0: not seen */
	uint64_t nr_ends;
};

FIXTURE_SETUP(curve)
{
	uint32_t i, first = 0;

	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, VCPUS, ALL_PAGES));
	self->seen = calloc(ALL_PAGES, sizeof(*self->seen));
	ASSERT_NE(NULL, self->seen);
	self->end_ns = calloc(MOST_ENDS, sizeof(*self->end_ns));
	ASSERT_NE(NULL, self->end_ns);
	for (i = 0; i < VCPUS; i++) {
		self->runner[i] = (struct runner){
			.meter = &self->meter,
			.vm = &self->vm,
			.id = i,
			.first = first,
			.room = (uint32_t)(2 * RUN_NS / STEP_NS),
		};
		self->runner[i].record = calloc(self->runner[i].room, sizeof(struct record));
		ASSERT_NE(NULL, self->runner[i].record);
		first += plan[i].pages;
		/* The module knows it from here on. */
		ASSERT_EQ(0, vmm_run(&self->vm.vcpu[i], vmm_guest_busy, 1, 0, 0));
	}
}

FIXTURE_TEARDOWN(curve)
{
	int i;

	for (i = 0; i < VCPUS; i++)
		free(self->runner[i].record);
	free(self->seen);
	free(self->end_ns);
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

/*
 * The kernel builds the probes that a session sets into its text in the second that follows, which
 * keeps an emulated CPU from all else for 90 ms a time. Wait until nothing like that is left.
 */
static int wait_until_quiet(const struct meter *m)
{
	uint64_t begin_ns = meter_now_ns(m), now = begin_ns;
	uint64_t last_ns = now, since_ns = now;

	while (now - since_ns < QUIET_NS) {
		if (now - begin_ns > PATIENCE_NS)
			return -ETIMEDOUT;
		usleep(STEP_NS / 1000);
		now = meter_now_ns(m);
		if (now - last_ns > LATE_NS)
			since_ns = now;
		last_ns = now;
	}
	return 0;
}

/* Write @nr pages from where the last ones ended, as far as the region goes. */
static uint32_t write_some(struct runner *r, uint32_t done, uint64_t nr)
{
	uint32_t at = done % plan[r->id].pages;
	struct record *record = &r->record[r->nr];
	uint32_t addr;

	if (r->nr == r->room) {
		r->ret = -E2BIG;
		return 0;
	}
	if (nr > plan[r->id].pages - at)
		nr = plan[r->id].pages - at;
	record->page = r->first + at;
	record->nr = (uint32_t)nr;
	addr = VMM_DATA_ADDR + record->page * VMM_PAGE_BYTES;
	record->begin_ns = meter_now_ns(r->meter);
	r->ret = vmm_run(&r->vm->vcpu[r->id], vmm_guest_write, record->nr, addr, 1);
	record->end_ns = meter_now_ns(r->meter);
	r->nr++;
	return record->nr;
}

static void *run_paced(void *arg)
{
	struct runner *r = arg;
	const uint64_t most = plan[r->id].rate * CATCH_UP_MS / 1000;
	uint64_t now, due, left_out = 0;
	uint32_t done = 0;

	while (!r->ret) {
		now = meter_now_ns(r->meter) - r->begin_ns;
		if (now > RUN_NS)
			break;
		due = now * plan[r->id].rate / NS_PER_S - left_out;
		if (due > done + most) {
			left_out += due - done - most;
			due = done + most;
		}
		if (due > done)
			done += write_some(r, done, due - done);
		else
			usleep(STEP_NS / 1000);
	}
	return NULL;
}

static int start_runner(struct runner *r, uint64_t begin_ns)
{
	r->begin_ns = begin_ns;
	return -pthread_create(&r->thread, NULL, run_paced, r);
}

/* Write down when intervals end, until that time, or once, and when the session began. */
static int follow(FIXTURE_DATA(curve) * t, uint64_t until_ns)
{
	struct kvmeter_dirty d;
	int ret;

	do {
		ret = session_copy(&t->session, &t->meter, &d);
		if (ret)
			return ret;
		if (d.intervals >= MOST_ENDS)
			return -E2BIG;
		t->end_ns[0] = d.start_ns;
		if (d.intervals)
			t->end_ns[d.intervals] = d.update_ns;
		t->nr_ends = d.intervals + 1;
		usleep(INTERVAL_NS / 3000);
	} while (meter_now_ns(&t->meter) < until_ns);
	return 0;
}

/*
 * All figures as they are in the middle between two intervals: those of the vCPUs are brought up
 * to date one after the other. After an interval that ended late there is none for the shortest t.
 */
static int take_look(FIXTURE_DATA(curve) * t, struct look *look)
{
	uint64_t nr_ends = t->nr_ends;
	struct kvmeter_dirty after;
	struct meter_vcpu copy;
	unsigned int i;
	int ret;

	do {
		do
			ret = follow(t, 0);
		while (!ret && t->nr_ends == nr_ends);
		nr_ends = t->nr_ends;
		if (!ret)
			ret = session_copy(&t->session, &t->meter, &look->d);
		memcpy(look->curve[0], look->d.curve, sizeof(look->d.curve));
		for (i = 0; !ret && i < VCPUS; i++) {
			ret = meter_read(&t->meter, t->vm.fd, i, &copy);
			memcpy(look->curve[1 + i], copy.v.dirty_curve, sizeof(look->curve[0]));
		}
		if (!ret)
			ret = session_copy(&t->session, &t->meter, &after);
	} while (!ret &&
		 (after.update_ns != look->d.update_ns || look->d.curve[0] == KVMETER_CURVE_NONE));
	return ret;
}

/*
 * Distinct pages that a vCPU wrote in (from, to], at least, or at most: those of a record that is
 * partly in it may be.
 */
static uint64_t count_distinct(const struct runner *r, bool *seen, uint64_t from, uint64_t to,
			       bool at_most)
{
	const struct record *rec;
	uint64_t pages = 0;
	uint32_t i;

	memset(seen, 0, ALL_PAGES * sizeof(*seen));
	for (rec = r->record + r->nr; rec-- > r->record && rec->end_ns > from;) {
		if (at_most ? rec->begin_ns > to : rec->begin_ns <= from || rec->end_ns > to)
			continue;
		for (i = rec->page; i < rec->page + rec->nr; i++) {
			pages += !seen[i];
			seen[i] = true;
		}
	}
	return pages;
}

/* The same, linear over the interval that @from is in. */
static double count_linear(const FIXTURE_DATA(curve) * t, const struct runner *r, uint64_t from,
			   uint64_t to, bool at_most)
{
	uint64_t i, begin = 0, end = to;
	double pages, more;

	for (i = 0; i < t->nr_ends; i++) {
		if (t->end_ns[i] && t->end_ns[i] <= from)
			begin = t->end_ns[i];
		else if (t->end_ns[i] && t->end_ns[i] < end)
			end = t->end_ns[i];
	}
	pages = (double)count_distinct(r, t->seen, end, to, at_most);
	more = (double)count_distinct(r, t->seen, begin, to, at_most) - pages;
	return pages + more * (double)(end - from) / (double)(end - begin);
}

static double error_pct(double is, double should)
{
	return (is - should) * 100.0 / should;
}

/* A sum of figures, and what it is at least, and at most; index 0 is the VM. */
struct sum {
	double is[1 + VCPUS];
	double least[1 + VCPUS];
	double most[1 + VCPUS];
};

static void add_vcpu(struct sum *sum, unsigned int who, uint64_t is, double least, double most)
{
	sum->is[who] += (double)is;
	sum->least[who] += least;
	sum->least[0] += least;
	sum->most[who] += most;
	sum->most[0] += most;
}

static void check_sum(struct __test_metadata *_metadata, const struct sum *sum, const char *what,
		      uint64_t t_ms, int nr)
{
	double error[1 + VCPUS], limit;
	int i;

	for (i = 0; i <= VCPUS; i++)
		error[i] = sum->is[i] < sum->least[i] ? error_pct(sum->is[i], sum->least[i])
			: sum->is[i] > sum->most[i]   ? error_pct(sum->is[i], sum->most[i])
						      : 0;
	TH_LOG("%s: D(%.3f s): %.1f, in truth %.1f to %.1f: %+.2f %%, vCPUs %+.2f %+.2f %+.2f %%",
	       what, (double)t_ms / 1000, sum->is[0] / nr, sum->least[0] / nr, sum->most[0] / nr,
	       error[0], error[1], error[2], error[3]);
	for (i = 0; i <= VCPUS; i++) {
		limit = i ? VCPU_LIMIT_PCT : VM_LIMIT_PCT;
		EXPECT_GE(limit, error[i]);
		EXPECT_LE(-limit, error[i]);
	}
}

/*
 * D(t) of the VM and of each vCPU, of some looks in a row together: where a vCPU is kept from its
 * schedule for some ms and then catches up, a look may have it in its window and the next not.
 */
static void check_looks(struct __test_metadata *_metadata, FIXTURE_DATA(curve) * t,
			const struct look *look, int i, struct sum *all)
{
	uint64_t to, from;
	const struct runner *r;
	struct sum sum = {};
	char what[40];
	int k, who;

	for (k = 0; k < LOOKS; k++) {
		to = look[k].d.update_ns;
		from = to - curve_ms[i] * NS_PER_MS;
		sum.is[0] += (double)look[k].curve[0][i];
		all->is[0] += (double)look[k].curve[0][i];
		for (who = 1; who <= VCPUS; who++) {
			r = &t->runner[who - 1];
			add_vcpu(&sum, who, look[k].curve[who][i],
				 count_linear(t, r, from, to, false),
				 count_linear(t, r, from, to, true));
			add_vcpu(all, who, look[k].curve[who][i],
				 (double)count_distinct(r, t->seen, from, to, false),
				 (double)count_distinct(r, t->seen, from, to, true));
		}
	}
	snprintf(what, sizeof(what), "at %.1f s",
		 (double)(look->d.update_ns - look->d.start_ns) / NS_PER_S);
	check_sum(_metadata, &sum, what, curve_ms[i], LOOKS);
}

/* As far as the session is old enough for t. */
static void check_curve(struct __test_metadata *_metadata, FIXTURE_DATA(curve) * t, int i,
			const struct look (*look)[LOOKS], unsigned int nr)
{
	const struct kvmeter_dirty *first, *last;
	struct sum all = {};
	unsigned int k;
	int looks = 0;

	for (k = 0; k < nr; k++) {
		first = &look[k][0].d;
		last = &look[k][LOOKS - 1].d;
		if (curve_ms[i] * NS_PER_MS <= first->update_ns - first->start_ns) {
			check_looks(_metadata, t, look[k], i, &all);
			looks += LOOKS;
		} else if (curve_ms[i] * NS_PER_MS > last->update_ns - last->start_ns) {
			EXPECT_EQ(KVMETER_CURVE_NONE, last->curve[i]);
		}
	}
	ASSERT_LT(0, looks);
	check_sum(_metadata, &all, "the mean", curve_ms[i], looks);
}

/* Of a guest that does the same all the time, all windows that are full are alike. */
static void check_quantiles(struct __test_metadata *_metadata, const struct kvmeter_dirty *d)
{
	uint64_t age_ns = d->update_ns - d->start_ns;
	int i;

	EXPECT_LT(0, d->windows);
	EXPECT_GE(KVMETER_WINDOWS, d->windows);
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (age_ns < curve_ms[i] * NS_PER_MS) {
			EXPECT_EQ(KVMETER_CURVE_NONE, d->median[i]);
			EXPECT_EQ(KVMETER_CURVE_NONE, d->p95[i]);
			continue;
		}
		EXPECT_LE(d->median[i], d->p95[i]);
		if (i)
			EXPECT_LE(d->median[i - 1], d->median[i]);
		EXPECT_GE(10.0, error_pct((double)d->median[i], (double)d->curve[i]));
		EXPECT_LE(-10.0, error_pct((double)d->median[i], (double)d->curve[i]));
	}
}

/* Each region of 2 MiB has as many dirty pages as were written to, and no other has any. */
static void check_heat(struct __test_metadata *_metadata, FIXTURE_DATA(curve) * t)
{
	uint32_t cells[((VMM_DATA_GFN + ALL_PAGES) >> REGION_SHIFT) + 1];
	uint32_t truth[ARRAY_SIZE(cells)];
	struct kvmeter_dirty_read read = {
		.abi = KVMETER_ABI,
		.vm = t->session.vm,
		.vm_gen = t->session.vm_gen,
		.nr = ARRAY_SIZE(cells),
		.shift = REGION_SHIFT,
		.cells = (uintptr_t)cells,
	};
	uint32_t i, page;

	memset(truth, 0, sizeof(truth));
	memset(cells, 0, sizeof(cells));
	for (i = 0; i < VCPUS; i++) {
		count_distinct(&t->runner[i], t->seen, 0, UINT64_MAX, true);
		for (page = 0; page < ALL_PAGES; page++)
			truth[(VMM_DATA_GFN + page) >> REGION_SHIFT] += t->seen[page];
	}
	/* What was dirtied at the very beginning is forgotten after KVMETER_INTERVALS_KEPT. */
	ASSERT_EQ(0, ioctl(t->session.dev, KVMETER_DIRTY_READ, &read));
	for (i = 0; i < ARRAY_SIZE(cells); i++)
		EXPECT_EQ(truth[i], cells[i]);
}

TEST_F_TIMEOUT(curve, paced, 240)
{
	struct look look[ARRAY_SIZE(looks_ms)][LOOKS];
	unsigned int i, k, nr = 0;
	uint64_t begin_ns;

	ASSERT_EQ(0, session_start(&self->session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	ASSERT_EQ(0, wait_until_quiet(&self->meter));
	ASSERT_EQ(0, follow(self, 0));
	begin_ns = meter_now_ns(&self->meter);
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, start_runner(&self->runner[i], begin_ns));
	for (i = 0; i < ARRAY_SIZE(looks_ms); i++) {
		if (looks_ms[i] * NS_PER_MS > RUN_NS - 3 * NS_PER_S / 2)
			break;
		ASSERT_EQ(0, follow(self, begin_ns + looks_ms[i] * NS_PER_MS));
		for (k = 0; k < LOOKS; k++)
			ASSERT_EQ(0, take_look(self, &look[nr][k]));
		nr++;
	}
	for (i = 0; i < VCPUS; i++) {
		pthread_join(self->runner[i].thread, NULL);
		EXPECT_EQ(0, self->runner[i].ret);
	}
	check_heat(_metadata, self);
	EXPECT_EQ(0, session_stop(&self->session));
	for (i = 0; i < KVMETER_CURVE_NR; i++)
		check_curve(_metadata, self, i, look, nr);
	check_quantiles(_metadata, &look[nr - 1][LOOKS - 1].d);
}

TEST_HARNESS_MAIN
