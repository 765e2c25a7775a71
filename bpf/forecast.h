/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Will a migration by pre-copy converge, and when? Arithmetic only: see forecast.c.
 */
#ifndef KVMETER_FORECAST_H
#define KVMETER_FORECAST_H

#include <stdbool.h>

#include <linux/types.h>
#include <linux/kvmeter.h>

/* What a page costs on the wire: QEMU puts 8 bytes before its contents, a zero page is 8 and 1. */
#define KVMETER_FORECAST_PAGE_BYTES 4096.0
#define KVMETER_FORECAST_HEADER_BYTES 8.0
#define KVMETER_FORECAST_ZERO_BYTES 9.0

/* How long QEMU sends at a time, and then looks how much remains (its BUFFER_DELAY). */
#define KVMETER_FORECAST_WINDOW_S 0.1

/**
 * struct kvmeter_forecast_curve - D(t): distinct pages dirtied within t
 * @nr: points that are known; 0: nothing is ever dirtied
 * @t_s: their times, rising
 * @pages: their values
 */
struct kvmeter_forecast_curve {
	unsigned int nr;
	double t_s[KVMETER_CURVE_NR];
	double pages[KVMETER_CURVE_NR];
};

/**
 * struct kvmeter_forecast_plan - a migration
 * @curve: what the guest dirties
 * @ram_pages: pages that the first round has to send
 * @zero_pages: of these, those that are zero
 * @bandwidth_bytes_s: what the VMM sends while the guest runs
 * @link_bytes_s: what it sends while the guest stands still
 * @downtime_s: for how long that may be
 * @state_bytes: sent besides the pages while the guest stands still
 * @header_bytes: before each page
 * @zero_bytes: in place of a zero page
 * @window_s: the VMM sends for this long at a time before it looks how much remains; a round ends
 *	      once that is less than what it sends in the downtime. 0: a round ends when all is sent
 * @quota_bytes_s: what the guest is kept from exceeding after the first round; 0: nothing does
 * @begin_pages: of a migration that is on its way: what it had to send when the round in progress
 *		 began, which then is the first; it keeps to the quota, too. 0: one that is to begin
 * @begin_span_s: time within which these were dirtied; 0: it is the round that sends all of memory
 */
struct kvmeter_forecast_plan {
	struct kvmeter_forecast_curve curve;
	double ram_pages;
	double zero_pages;
	double bandwidth_bytes_s;
	double link_bytes_s;
	double downtime_s;
	double state_bytes;
	double header_bytes;
	double zero_bytes;
	double window_s;
	double quota_bytes_s;
	double begin_pages;
	double begin_span_s;
};

/**
 * struct kvmeter_forecast - what becomes of it
 * @converges: it comes to an end
 * @extrapolated: D(t) was needed for a longer t than is known
 * @rounds: rounds sent while the guest runs; if it does not converge, those looked at
 * @bytes: sent in all; if it does not converge, in these rounds
 * @seconds: from the first page to the last; likewise
 * @downtime_s: how long the guest stands still; if it does not converge, how long it would if it
 *		were stopped after the last of these rounds
 * @remaining_bytes: memory that was left when it was stopped, or would be
 */
struct kvmeter_forecast {
	bool converges;
	bool extrapolated;
	unsigned int rounds;
	double bytes;
	double seconds;
	double downtime_s;
	double remaining_bytes;
};

void kvmeter_forecast_set_curve(struct kvmeter_forecast_curve *curve, const __u64 *pages);
double kvmeter_forecast_dirtied(const struct kvmeter_forecast_curve *curve, double t_s);
void kvmeter_forecast_run(const struct kvmeter_forecast_plan *plan,
			  struct kvmeter_forecast *forecast);
double kvmeter_forecast_min_bandwidth(const struct kvmeter_forecast_plan *plan);
double kvmeter_forecast_min_downtime(const struct kvmeter_forecast_plan *plan);
double kvmeter_forecast_max_quota(const struct kvmeter_forecast_plan *plan);

#endif /* KVMETER_FORECAST_H */
