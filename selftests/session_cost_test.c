// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a session may cost a guest that writes to more pages than there is time for in an interval.
 *
 * Where each of them is a fault, intervals get longer, so that the guest goes on with its work.
 * Where the CPU logs them by itself they stay as they are.
 */
#define _GNU_SOURCE
#include <inttypes.h>

#include <kselftest_harness.h>

#include "host.h"
#include "meter.h"
#include "session.h"
#include "writers.h"

#define PAGES (host_logs_pages() ? 503u : 8191u)
#define INTERVAL_NS KVMETER_INTERVAL_MIN_NS
#define INTERVALS 5
/* A quarter on faults, as far as the interval before can tell, and what other exits take. */
#define KERNEL_LIMIT_PCT 40.0
#define LONGER 1.25
#define NS_PER_S 1000000000.0

FIXTURE(cost)
{
	struct meter meter;
	struct vmm vm;
	struct writer writer;
	struct session session;
};

FIXTURE_SETUP(cost)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, WRITERS_PAGES + PAGES));
	writer_init(&self->writer, &self->vm, 0);
	writer_add_pages(&self->writer, WRITERS_GFN, PAGES);
	ASSERT_EQ(0, writer_start(&self->writer, true));
}

FIXTURE_TEARDOWN(cost)
{
	EXPECT_EQ(0, writer_join(&self->writer));
	vmm_exit(&self->vm);
	meter_close(&self->meter);
}

/* At the end of an interval, after @nr of them. */
static int look(FIXTURE_DATA(cost) * t, uint64_t nr, struct kvmeter_dirty *d, struct meter_vcpu *v)
{
	int ret = session_wait_intervals(&t->session, &t->meter, nr);

	if (!ret)
		ret = session_copy(&t->session, &t->meter, d);
	return ret ? ret : meter_read(&t->meter, t->vm.fd, 0, v);
}

TEST_F_TIMEOUT(cost, guest_goes_on, 120)
{
	struct kvmeter_dirty begin, end;
	struct meter_vcpu from, to;
	double kernel_pct, longer;

	ASSERT_EQ(0, session_start(&self->session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	/* The first ones tell what it costs. */
	ASSERT_EQ(0, look(self, 3, &begin, &from));
	ASSERT_EQ(0, look(self, INTERVALS, &end, &to));
	ASSERT_EQ(0, session_stop(&self->session));

	ASSERT_LT(from.v.since_ns, to.v.since_ns);
	kernel_pct = 100.0 * (double)(to.v.kernel_ns - from.v.kernel_ns) /
		(double)(to.v.since_ns - from.v.since_ns);
	longer = (double)(end.update_ns - begin.update_ns) /
		(double)((end.intervals - begin.intervals) * INTERVAL_NS);
	TH_LOG("in KVM %.1f %% of the time; intervals %.2f times as long; %" PRIu64
	       " faults, %" PRIu64 " pages logged by the CPU",
	       kernel_pct, longer, to.v.write_faults - from.v.write_faults,
	       to.v.pml_pages - from.v.pml_pages);
	EXPECT_LT(begin.marks, end.marks);
	EXPECT_GE(KERNEL_LIMIT_PCT, kernel_pct);
	if (to.v.pml_pages > from.v.pml_pages) {
		EXPECT_GE(LONGER, longer);
		EXPECT_NE(KVMETER_CURVE_NONE, end.curve[0]);
		return;
	}
	EXPECT_LE(LONGER, longer);
	EXPECT_EQ(KVMETER_CURVE_NONE, end.curve[0]);
}

/* What a migration before it has cost does not make the first interval longer. */
TEST_F_TIMEOUT(cost, begins_anew, 120)
{
	struct kvmeter_dirty d;
	struct meter_vcpu copy;
	int i;

	ASSERT_EQ(0, vmm_set_log(&self->vm, true));
	for (i = 0; i < INTERVALS; i++) {
		usleep(INTERVAL_NS / 1000);
		ASSERT_EQ(0, vmm_take_dirty(&self->vm));
	}
	ASSERT_EQ(0, vmm_set_log(&self->vm, false));
	ASSERT_EQ(0, session_start(&self->session, self->meter.dev, self->vm.fd, 0, INTERVAL_NS));
	ASSERT_EQ(0, look(self, 1, &d, &copy));
	ASSERT_EQ(0, session_stop(&self->session));
	TH_LOG("the first interval took %.3f s", (double)(d.update_ns - d.start_ns) / NS_PER_S);
	EXPECT_GE(2 * INTERVAL_NS, d.update_ns - d.start_ns);
}

TEST_HARNESS_MAIN
