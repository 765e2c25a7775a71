// SPDX-License-Identifier: GPL-2.0-only
/* A test bed of the autopilot: see bed.h. */
#include "bed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "host.h"
#include "quota.h"

#define WAIT_US 5000000u
#define WAIT_STEP_US 1000u

static int init_writers(struct bed *t)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < BED_VCPUS; i++)
		writer_init(&t->writer[i], &t->vm, i);
	t->writer[BED_WRITER].pause = WRITERS_PAUSE;
	writer_add_pages(&t->writer[BED_WRITER], WRITERS_GFN, BED_PAGES);
	for (i = 0; i < BED_READER_PAGES; i++)
		writer_add(&t->writer[BED_READER], WRITERS_GFN + BED_PAGES + i, true);
	/* So that the pages are there. */
	for (i = 0; !ret && i < BED_VCPUS; i++) {
		ret = writer_start(&t->writer[i], false);
		if (!ret)
			ret = writer_join(&t->writer[i]);
	}
	return ret;
}

static int init_vm(struct bed *t)
{
	int ret = vmm_init(&t->vm, BED_VCPUS, BED_RAM_PAGES - VMM_DATA_GFN);

	if (!ret)
		ret = init_writers(t);
	if (ret)
		return ret;
	if (meter_wait_log(&t->meter, t->vm.fd) != KVMETER_LOG_OFF)
		return -EIO;
	t->slot = (uint32_t)autoconverge_slot(&t->meter, t->vm.fd);
	t->shown = meter_vm(&t->meter, t->vm.fd);
	return 0;
}

int bed_init(struct bed *t)
{
	const uint32_t features = KVMETER_FEATURE_QUOTA | KVMETER_FEATURE_SYNC;
	int ret = meter_open(&t->meter);

	if (ret)
		return ret;
	if ((meter_host(&t->meter)->features & features) != features)
		return -EOPNOTSUPP;
	ret = autoconverge_set_param("observe");
	if (!ret)
		ret = init_vm(t);
	if (ret)
		return ret;
	t->sender = (struct sender){
		.meter = &t->meter,
		.vm = &t->vm,
		.bandwidth = BED_BANDWIDTH,
		.downtime_ns = BED_DOWNTIME_NS,
		.rounds_max = BED_ROUNDS_MAX,
	};
	t->log = autoconverge_skip_log();
	return t->log < 0 ? t->log : 0;
}

void bed_exit(struct bed *t)
{
	vmm_exit(&t->vm);
	close(t->log);
	meter_close(&t->meter);
}

int bed_set(struct bed *t, uint32_t mode, uint32_t goal)
{
	struct kvmeter_autoconverge want = {
		.mode = mode,
		.goal = goal,
		.deadline_ns = goal == KVMETER_GOAL_DEADLINE ? BED_DEADLINE_NS : 0,
		.downtime_ns = BED_DOWNTIME_NS,
	};

	return autoconverge_set(&t->meter, t->slot, want);
}

const struct kvmeter_migration *bed_look(struct bed *t)
{
	autoconverge_copy(&t->meter, t->slot, &t->copy);
	return &t->copy;
}

const char *bed_tell(struct bed *t)
{
	snprintf(t->text, sizeof(t->text), "%s after %u rounds: %" PRIu64 " pages sent in %llu ms",
		 t->sender.converged ? "converged" : "given up", t->sender.nr,
		 sender_pages(&t->sender), sender_ns(&t->sender) / BED_MS);
	return t->text;
}

uint64_t bed_quota_pages(const struct bed *t)
{
	return __atomic_load_n(&t->shown->quota_pages, __ATOMIC_RELAXED);
}

int bed_start_writers(struct bed *t)
{
	int ret = writer_start(&t->writer[BED_WRITER], true);

	return ret ? ret : writer_start(&t->writer[BED_READER], true);
}

int bed_stop_writers(struct bed *t)
{
	int ret = autoconverge_stop_writer(&t->writer[BED_WRITER]);

	return ret ? ret : autoconverge_stop_writer(&t->writer[BED_READER]);
}

/* The records up to that. */
static int wait_end_record(struct bed *t)
{
	unsigned int us;
	int ret;

	t->nr_records = 0;
	for (us = 0; us < WAIT_US; us += WAIT_STEP_US) {
		ret = autoconverge_read_log(t->log, t->record + t->nr_records,
					    (unsigned int)(BED_RECORDS_MAX - t->nr_records));
		if (ret < 0)
			return ret;
		t->nr_records += ret;
		if (bed_nr_records(t, KVMETER_AUDIT_END, -1))
			return 0;
		usleep(WAIT_STEP_US);
	}
	return -ETIMEDOUT;
}

int bed_migrate(struct bed *t)
{
	int ret = bed_start_writers(t);

	if (!ret)
		ret = sender_start(&t->sender);
	if (!ret)
		ret = sender_join(&t->sender);
	if (!ret)
		ret = bed_stop_writers(t);
	if (!ret)
		ret = autoconverge_wait_state(&t->meter, t->slot, KVMETER_MIGRATION_ENDED);
	if (!ret)
		ret = wait_end_record(t);
	bed_look(t);
	return ret;
}

/* Another one's is no sign of it. */
static int wait_autopilot(struct bed *t)
{
	unsigned int us;

	for (us = 0; us < WAIT_US; us += WAIT_STEP_US) {
		if (bed_look(t)->autopilot_pages)
			return 0;
		usleep(WAIT_STEP_US);
	}
	return -ETIMEDOUT;
}

int bed_hold(struct bed *t)
{
	int ret = bed_set(t, KVMETER_AUTOCONVERGE_ON, KVMETER_GOAL_GENTLE);

	t->sender.later_bandwidth = BED_SLOW_BANDWIDTH;
	if (!ret)
		ret = bed_start_writers(t);
	if (!ret)
		ret = sender_start(&t->sender);
	if (!ret)
		ret = wait_autopilot(t);
	return ret ? ret : quota_wait_parked(&t->meter, t->vm.fd, BED_WRITER);
}

int bed_read_records(struct bed *t)
{
	t->nr_records = autoconverge_read_log(t->log, t->record, BED_RECORDS_MAX);
	return t->nr_records < 0 ? t->nr_records : 0;
}

unsigned int bed_nr_records(const struct bed *t, uint32_t kind, int why)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < t->nr_records; i++)
		nr += t->record[i].kind == kind && (why < 0 || t->record[i].why == (uint32_t)why);
	return nr;
}

/* What the writer does in BED_WATCH_US. */
static int watch(struct bed *t, struct quota_span *span)
{
	struct quota_sample first, last;
	int ret = quota_take(&t->meter, t->vm.fd, BED_WRITER, &first);

	usleep(BED_WATCH_US);
	if (!ret)
		ret = quota_take(&t->meter, t->vm.fd, BED_WRITER, &last);
	if (!ret)
		*span = quota_span(&first, &last);
	return ret;
}

uint64_t bed_parked_ns(struct bed *t)
{
	struct quota_span span;

	return watch(t, &span) ? UINT64_MAX : quota_parked_ns(&span);
}

int bed_check_free(struct bed *t)
{
	struct quota_span span;
	int ret, err;

	ret = vmm_set_log(&t->vm, true);
	if (!ret)
		ret = writer_start(&t->writer[BED_WRITER], true);
	if (ret)
		return ret;
	ret = watch(t, &span);
	if (!ret &&
	    (span.parked_nr || quota_parked_ns(&span) || bed_quota_pages(t) ||
	     bed_look(t)->autopilot_pages || quota_shares(&t->meter, t->vm.fd)))
		ret = -EBUSY;
	err = autoconverge_stop_writer(&t->writer[BED_WRITER]);
	if (!err)
		err = vmm_set_log(&t->vm, false);
	return ret ? ret : err;
}

int bed_check_never_parked(struct bed *t, unsigned int id)
{
	struct quota_sample sample;
	int ret = quota_take(&t->meter, t->vm.fd, id, &sample);

	if (ret)
		return ret;
	return sample.copy.v.throttle_nr || sample.copy.v.throttle_ns ? -EBUSY : 0;
}

int bed_check_no_quota(struct bed *t)
{
	uint64_t all = bed_quota_pages(t);
	unsigned int i;
	int r, ret;

	for (i = 0; i < t->copy.nr_rounds && i < KVMETER_ROUNDS; i++)
		all |= t->copy.round[i].quota_pages | t->copy.round[i].throttle_ns;
	for (r = 0; r < t->nr_records; r++)
		all |= t->record[r].quota_pages | t->record[r].throttle_ns;
	if (all)
		return -EBUSY;
	ret = bed_check_never_parked(t, BED_WRITER);
	return ret ? ret : bed_check_never_parked(t, BED_READER);
}
