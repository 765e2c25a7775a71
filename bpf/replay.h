/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Views of a recording: which part of it is meant, and how it is shown.
 */
#ifndef KVMETER_REPLAY_H
#define KVMETER_REPLAY_H

#include "reader.h"

/* What a point in time is counted from. */
enum kvmeter_time_from {
	KVMETER_TIME_NONE,   /* none is given */
	KVMETER_TIME_BEGIN,  /* ns from the beginning of the recording */
	KVMETER_TIME_BEFORE, /* ns before its end */
	KVMETER_TIME_AFTER,  /* ns after the other point in time */
	KVMETER_TIME_REAL,   /* CLOCK_REALTIME */
	KVMETER_TIME_OF_DAY, /* ns since midnight, local time: the first time that it is so late */
};

/**
 * struct kvmeter_time - a point in time
 * @from: what it is counted from
 * @ns: how much
 */
struct kvmeter_time {
	enum kvmeter_time_from from;
	__u64 ns;
};

/**
 * struct kvmeter_replay_args - which part of which recording is meant
 * @file: the recording
 * @from: --from
 * @to: --to
 */
struct kvmeter_replay_args {
	const char *file;
	struct kvmeter_time from, to;
};

/**
 * struct kvmeter_span - a time, and the same by another clock
 * @begin_ns: its beginning, by the ledger clock
 * @end_ns: its end
 * @begin_real_ns: its beginning by CLOCK_REALTIME
 */
struct kvmeter_span {
	__u64 begin_ns, end_ns;
	__u64 begin_real_ns;
};

/**
 * struct kvmeter_limit - a point in time by one of the clocks
 * @is_real: it is by CLOCK_REALTIME
 * @ns: the point
 */
struct kvmeter_limit {
	bool is_real;
	__u64 ns;
};

/* times.c */
bool kvmeter_times_parse(const char *text, struct kvmeter_time *time);
struct kvmeter_limit kvmeter_times_begin(const struct kvmeter_time *from,
					 const struct kvmeter_span *span);
struct kvmeter_limit kvmeter_times_end(const struct kvmeter_time *to,
				       const struct kvmeter_limit *begin,
				       const struct kvmeter_span *span);

/* replay.c */
void kvmeter_replay_run(const struct kvmeter_args *args, unsigned long rates,
			void (*report)(const struct kvmeter_report *report));

#endif /* KVMETER_REPLAY_H */
