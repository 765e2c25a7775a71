/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test bed of the autopilot: a VM with one vCPU that writes faster than can be sent and one that
 * only reads, its migration in miniature, and what the audit log tells of it.
 *
 * Functions return 0, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_BED_H
#define KVMETER_SELFTESTS_BED_H

#include "autoconverge.h"
#include "sender.h"
#include "writers.h"

enum { BED_WRITER, BED_READER, BED_VCPUS };

#define BED_MS 1000000ull
#define BED_NS_PER_S (1000 * BED_MS)

/* What is written over and over, what that is part of, and what is read. */
#define BED_PAGES 2503u
#define BED_RAM_PAGES 4096u
#define BED_READER_PAGES 211u

/* Pages a second; the other is that of a link that has become slow. */
#define BED_BANDWIDTH 5000u
#define BED_SLOW_BANDWIDTH 150u

#define BED_DOWNTIME_NS (40 * BED_MS)
#define BED_DOWNTIME_PAGES (BED_BANDWIDTH * BED_DOWNTIME_NS / BED_NS_PER_S)
#define BED_DEADLINE_NS (4 * BED_NS_PER_S)

/* After so many rounds it will not converge any more. */
#define BED_ROUNDS_MAX 7u

/* For how long to look at what a guest does. */
#define BED_WATCH_US 300000u

#define BED_RECORDS_MAX 256
#define BED_TEXT_SIZE 128

/**
 * struct bed - a test bed
 * @meter: the module
 * @vm: the VM
 * @slot: its slot
 * @shown: that in the map
 * @writer: its vCPUs
 * @sender: its migration
 * @copy: what the module tells of that, see bed_look()
 * @log: the audit log, from bed_init() on
 * @nr_records: records in @record
 * @record: see bed_read_records()
 * @text: see bed_tell()
 */
struct bed {
	struct meter meter;
	struct vmm vm;
	uint32_t slot;
	const struct kvmeter_vm *shown;
	struct writer writer[BED_VCPUS];
	struct sender sender;
	struct kvmeter_migration copy;
	int log;
	int nr_records;
	struct kvmeter_audit record[BED_RECORDS_MAX];
	char text[BED_TEXT_SIZE];
};

/**
 * bed_init() - make one, and set the module parameter autoconverge to observe
 *
 * Return: also -EOPNOTSUPP: this kernel lacks what a quota or rounds take.
 */
int bed_init(struct bed *t);

/** bed_exit() - undo that */
void bed_exit(struct bed *t);

/** bed_set() - KVMETER_AUTOCONVERGE for it, with the VMM's downtime */
int bed_set(struct bed *t, uint32_t mode, uint32_t goal);

/** bed_look() - bring @t->copy up to date, and return it */
const struct kvmeter_migration *bed_look(struct bed *t);

/** bed_tell() - how the migration ended, in words, in @t->text */
const char *bed_tell(struct bed *t);

/** bed_quota_pages() - the quota that the VM has now */
uint64_t bed_quota_pages(const struct bed *t);

/** bed_start_writers() - have both vCPUs run without end */
int bed_start_writers(struct bed *t);

/** bed_stop_writers() - stop them, parked or not */
int bed_stop_writers(struct bed *t);

/**
 * bed_migrate() - a whole migration of a guest that writes all the time
 *
 * It has converged or is given up then, the guest is stopped, the log off, and the module has seen
 * that; @t->copy and the records are up to date.
 */
int bed_migrate(struct bed *t);

/**
 * bed_hold() - begin a migration with the goal gentle, up to a quota that parks the writer
 *
 * The link becomes slow, and the second round takes long; sender_stop() ends it.
 */
int bed_hold(struct bed *t);

/** bed_read_records() - set @t->record to those that have come since the time before */
int bed_read_records(struct bed *t);

/** bed_nr_records() - how many of a kind; if @why is not negative, with that reason only */
unsigned int bed_nr_records(const struct bed *t, uint32_t kind, int why);

/** bed_parked_ns() - for how long the writer is parked from now on, in BED_WATCH_US */
uint64_t bed_parked_ns(struct bed *t);

/**
 * bed_check_free() - let the writer write while the log is on
 *
 * Return: -EBUSY if anybody is parked then, or any quota is left.
 */
int bed_check_free(struct bed *t);

/** bed_check_never_parked() - -EBUSY if that vCPU ever was */
int bed_check_never_parked(struct bed *t, unsigned int id);

/** bed_check_no_quota() - -EBUSY if a round or a record tells of one, or anybody ever was parked */
int bed_check_no_quota(struct bed *t);

#endif
