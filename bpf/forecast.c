// SPDX-License-Identifier: GPL-2.0-only
/*
 * Will a migration by pre-copy converge, and when? Arithmetic only, of D(t) and a plan.
 *
 * D(t) is the number of distinct pages that the guest dirties within t. It is concave. Pre-copy
 * sends all memory, then what was dirtied meanwhile, and so on until little enough is left to stop
 * the guest for it (Clark et al., "Live migration of virtual machines", NSDI 2005):
 *
 *	T_0 = (V_0 + 9 Z) / B	V_(i+1) = D(T_i)	T_i = V_i / B	until V_n <= B * D_max
 *
 * with V_0 the pages that are not zero, Z those that are, B the bandwidth, D_max the downtime that
 * is allowed. A measured, piecewise linear D in this recurrence is the method of Gudkov (qemu-devel
 * 2023, cover.1682598010.git.gudkov.andrei@huawei.com); with a constant rate it is the geometric
 * series of Akoush et al. (MASCOTS 2010) and Liu et al. (HPDC 2011). What it comes to where a guest
 * writes at rate d, or saturates at W, and the largest quota that a guest may be held to, are the
 * cases of selftests/reader_forecast_test.c.
 *
 * Stock QEMU (migration_iteration_run(), ram_save_iterate(), ram_state_pending_exact()) is unlike
 * that in three points, which a plan with a window has:
 *
 * - It does not send a round to its end. As soon as less than B * D_max remains, by its record of
 *   dirty pages, it brings that record up to date. If less than that still remains, it stops the
 *   guest. Otherwise the next round is what was left and what was dirtied.
 * - It compares only between windows of 100 ms: in bursts, it sends what it may in that time.
 * - It goes on through memory from where it was: so what was left is sent first.
 *
 * What was left and is dirtied again is sent once. How much that is, D tells: of the pages dirtied
 * within a, those dirtied again within the b that follows are D(a) + D(b) - D(a + b). What the
 * first round leaves is taken for memory that is not written to: it is the end of memory, where
 * QEMU has what is smaller than the guest's RAM, such as a display's memory.
 *
 * Not modelled: guests larger than 1 GiB. QEMU clears KVM's log by 1 GiB, when it comes to the
 * first page there; what is dirtied between the beginning of a round and then need not be sent
 * again. So what is told of these is a little too much.
 */
#include <math.h>
#include <string.h>

#include "forecast.h"

/* A migration that has not converged by then is told not to. */
#define ROUNDS_MAX 2000
#define SECONDS_MAX 1e6

/* Rounds in which nothing changes any more show that it never will. */
#define ROUNDS_STILL 16
#define STILL 1e-9

/* Leftovers of this many rounds are kept apart; still older ones are taken together. */
#define COHORTS 4

#define SEARCH_STEPS 100

/* Pages that wait to be sent, oldest first; @span_s: the time within which they were dirtied. */
struct cohort {
	double pages;
	double span_s; /* 0: not dirtied, but all of memory */
};

struct state {
	const struct kvmeter_forecast_plan *plan;
	struct kvmeter_forecast *forecast;
	struct cohort cohorts[COHORTS];
	unsigned int nr;
	double threshold_pages;
};

/**
 * kvmeter_forecast_set_curve - take over a curve of the contract
 * @curve: filled
 * @pages: D(t) by KVMETER_CURVE_MS; points that are not known are left out. A curve that falls, as
 *	   quantiles of few windows may, is raised to what was there before
 */
void kvmeter_forecast_set_curve(struct kvmeter_forecast_curve *curve, const __u64 *pages)
{
	static const unsigned int ms[KVMETER_CURVE_NR] = KVMETER_CURVE_MS;
	double highest = 0;
	unsigned int i;

	memset(curve, 0, sizeof(*curve));
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (pages[i] == KVMETER_CURVE_NONE)
			continue;
		highest = fmax(highest, pages[i]);
		curve->t_s[curve->nr] = ms[i] / 1000.0;
		curve->pages[curve->nr++] = highest;
	}
}

/*
 * Before the first point D is taken for W (1 - e^(-t r / W)) through 0 and the first two points, if
 * the second one is at twice the time: a guest that goes round in less than that has dirtied all it
 * does already. A line would have it dirty a part of it.
 */
static double dirtied_early(const struct kvmeter_forecast_curve *c, double t_s)
{
	double part = t_s / c->t_s[0], ratio = 1;

	if (c->nr > 1 && c->pages[0] > 0)
		ratio = c->pages[1] / c->pages[0] - 1;
	if (c->nr < 2 || fabs(c->t_s[1] / c->t_s[0] - 2) > 1e-6 || ratio > 0.999)
		return c->pages[0] * part;
	if (ratio <= 0)
		return c->pages[0] * (t_s > 0);
	return c->pages[0] * (1 - pow(ratio, part)) / (1 - ratio);
}

/**
 * kvmeter_forecast_dirtied - distinct pages dirtied within a time
 * @curve: D(t)
 * @t_s: the time in s
 *
 * Return: linear between the points; behind the last one with the slope before it.
 */
double kvmeter_forecast_dirtied(const struct kvmeter_forecast_curve *curve, double t_s)
{
	const struct kvmeter_forecast_curve *c = curve;
	unsigned int i = 1;
	double slope;

	if (!c->nr || !(t_s > 0))
		return 0;
	if (t_s < c->t_s[0])
		return dirtied_early(c, t_s);
	if (c->nr == 1)
		return c->pages[0] * t_s / c->t_s[0];
	while (i < c->nr - 1 && t_s > c->t_s[i])
		i++;
	slope = (c->pages[i] - c->pages[i - 1]) / (c->t_s[i] - c->t_s[i - 1]);
	return c->pages[i - 1] + slope * (t_s - c->t_s[i - 1]);
}

/* The same in a round, the quota kept; never more than there is. */
static double dirtied(struct state *s, double t_s)
{
	const struct kvmeter_forecast_plan *plan = s->plan;
	double pages = kvmeter_forecast_dirtied(&plan->curve, t_s);

	if (plan->curve.nr && t_s > plan->curve.t_s[plan->curve.nr - 1])
		s->forecast->extrapolated = true;
	if (plan->quota_bytes_s > 0 && (s->forecast->rounds || plan->begin_pages > 0))
		pages = fmin(pages, plan->quota_bytes_s * t_s / KVMETER_FORECAST_PAGE_BYTES);
	return fmin(pages, plan->ram_pages);
}

static double page_cost(const struct kvmeter_forecast_plan *plan)
{
	return KVMETER_FORECAST_PAGE_BYTES + plan->header_bytes;
}

/* What a page of the first round takes, zero or not. */
static double first_cost(const struct kvmeter_forecast_plan *plan)
{
	double zero = fmin(plan->zero_pages, plan->ram_pages) / plan->ram_pages;

	return (1 - zero) * page_cost(plan) + zero * plan->zero_bytes;
}

static double cost_of(const struct kvmeter_forecast_plan *plan, const struct cohort *c)
{
	return c->span_s > 0 ? page_cost(plan) : first_cost(plan);
}

static double sum_pages(const struct state *s)
{
	double pages = 0;
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		pages += s->cohorts[i].pages;
	return pages;
}

static void drop_first(struct state *s)
{
	s->nr--;
	memmove(&s->cohorts[0], &s->cohorts[1], s->nr * sizeof(s->cohorts[0]));
}

/* Send up to so many bytes, oldest pages first. Return: bytes sent. */
static double send(struct state *s, double bytes)
{
	double sent = 0, cost, part;

	while (s->nr && sent < bytes) {
		cost = cost_of(s->plan, &s->cohorts[0]);
		part = fmin(s->cohorts[0].pages, (bytes - sent) / cost);
		sent += part * cost;
		s->cohorts[0].pages -= part;
		/* What is left of a page is rounding. */
		if (s->cohorts[0].pages < 1e-6)
			drop_first(s);
	}
	return sent;
}

/* Bytes that have to be sent until so many pages remain. */
static double bytes_until(const struct state *s, double remain_pages)
{
	double excess = sum_pages(s) - remain_pages, part, bytes = 0;
	unsigned int i;

	for (i = 0; i < s->nr && excess > 0; i++) {
		part = fmin(s->cohorts[i].pages, excess);
		bytes += part * cost_of(s->plan, &s->cohorts[i]);
		excess -= part;
	}
	return bytes;
}

/* Return: how long the round takes. */
static double send_round(struct state *s)
{
	const struct kvmeter_forecast_plan *plan = s->plan;
	double all = bytes_until(s, 0), window = plan->bandwidth_bytes_s * plan->window_s, nr;

	if (!(plan->window_s > 0)) {
		s->forecast->bytes += send(s, HUGE_VAL);
		return all / plan->bandwidth_bytes_s;
	}
	nr = floor(bytes_until(s, s->threshold_pages) / window) + 1;
	s->forecast->bytes += send(s, nr * window);
	if (s->nr)
		return nr * plan->window_s;
	/* With nothing left it looks at once; the last burst goes as fast as the link. */
	nr = floor(all / window);
	return nr * plan->window_s + (all - nr * window) / plan->link_bytes_s;
}

/* How many of a cohort are dirtied again within the @span_s after it. */
static double dirtied_again(struct state *s, const struct cohort *c, double span_s)
{
	double again = dirtied(s, span_s), share;

	if (!(c->span_s > 0))
		return 0;
	share = dirtied(s, c->span_s);
	if (!(share > 0))
		return 0;
	share = (share + again - dirtied(s, c->span_s + span_s)) / share;
	return c->pages * fmax(0, fmin(1, share));
}

/* The record of dirty pages is brought up to date: what is new to it comes last. */
static void sync(struct state *s, double span_s)
{
	double new = dirtied(s, span_s), most = s->plan->ram_pages - sum_pages(s);
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		new -= dirtied_again(s, &s->cohorts[i], span_s);
	if (s->nr == COHORTS) {
		s->cohorts[1].pages += s->cohorts[0].pages;
		drop_first(s);
	}
	s->cohorts[s->nr].pages = fmax(0, fmin(new, most));
	s->cohorts[s->nr++].span_s = span_s;
}

static void start(struct state *s, const struct kvmeter_forecast_plan *plan,
		  struct kvmeter_forecast *forecast)
{
	memset(s, 0, sizeof(*s));
	memset(forecast, 0, sizeof(*forecast));
	s->plan = plan;
	s->forecast = forecast;
	s->threshold_pages =
		plan->bandwidth_bytes_s * plan->downtime_s / KVMETER_FORECAST_PAGE_BYTES;
	s->cohorts[0].pages = plan->begin_pages > 0 ? plan->begin_pages : plan->ram_pages;
	s->cohorts[0].span_s = plan->begin_span_s;
	s->nr = 1;
}

/* QEMU stops the guest below the threshold; the recurrence at it, too. */
static bool is_enough(const struct state *s, double pages)
{
	return s->plan->window_s > 0 ? pages < s->threshold_pages : pages <= s->threshold_pages;
}

static void finish(struct state *s)
{
	struct kvmeter_forecast *f = s->forecast;
	double bytes;

	f->remaining_bytes = sum_pages(s) * KVMETER_FORECAST_PAGE_BYTES;
	bytes = send(s, HUGE_VAL);
	f->downtime_s = (bytes + s->plan->state_bytes) / s->plan->link_bytes_s;
	if (!f->converges)
		return;
	f->bytes += bytes + s->plan->state_bytes;
	f->seconds += f->downtime_s;
}

/**
 * kvmeter_forecast_run - tell what becomes of a migration
 * @plan: the migration; pages, bandwidths and downtime are above 0
 * @forecast: filled
 */
void kvmeter_forecast_run(const struct kvmeter_forecast_plan *plan,
			  struct kvmeter_forecast *forecast)
{
	double pages, before = 0, span_s;
	unsigned int still = 0;
	struct state s;

	start(&s, plan, forecast);
	while (forecast->rounds < ROUNDS_MAX && forecast->seconds < SECONDS_MAX &&
	       still < ROUNDS_STILL) {
		span_s = send_round(&s);
		sync(&s, span_s);
		forecast->rounds++;
		forecast->seconds += span_s;
		pages = sum_pages(&s);
		if (is_enough(&s, pages)) {
			forecast->converges = true;
			break;
		}
		still = fabs(pages - before) <= STILL * pages ? still + 1 : 0;
		before = pages;
	}
	finish(&s);
}

static bool converges(const struct kvmeter_forecast_plan *plan)
{
	struct kvmeter_forecast f;

	kvmeter_forecast_run(plan, &f);
	return f.converges;
}

/*
 * Where in [lo, hi] what @value points to in @plan makes the difference: it does not converge at
 * lo, and does at hi, or the other way round. Return: the nearest that converges.
 */
static double search(struct kvmeter_forecast_plan *plan, double *value, double yes, double no)
{
	unsigned int i;

	for (i = 0; i < SEARCH_STEPS && fabs(yes - no) > 1e-6 * fabs(yes); i++) {
		*value = (yes + no) / 2;
		if (converges(plan))
			yes = *value;
		else
			no = *value;
	}
	return yes;
}

/*
 * The least of what @value points to in @plan that converges; one is found by doubling @first.
 * Return: infinite if there is none.
 */
static double find_least(struct kvmeter_forecast_plan *plan, double *value, double first)
{
	double no = 0;

	for (*value = first; !converges(plan) && isfinite(*value); *value *= 2)
		no = *value;
	return search(plan, value, *value, no);
}

/**
 * kvmeter_forecast_min_bandwidth - the smallest bandwidth at which a migration converges
 * @plan: the migration; link_bytes_s has no part in it
 *
 * Return: bytes per second.
 */
double kvmeter_forecast_min_bandwidth(const struct kvmeter_forecast_plan *plan)
{
	struct kvmeter_forecast_plan p = *plan;

	/* With enough of it the very first round is of less than the downtime. */
	return find_least(&p, &p.bandwidth_bytes_s, KVMETER_FORECAST_PAGE_BYTES);
}

/**
 * kvmeter_forecast_min_downtime - the smallest downtime at which a migration converges
 * @plan: the migration
 *
 * Return: seconds.
 */
double kvmeter_forecast_min_downtime(const struct kvmeter_forecast_plan *plan)
{
	struct kvmeter_forecast_plan p = *plan;

	return find_least(&p, &p.downtime_s, 1e-6);
}

/**
 * kvmeter_forecast_max_quota - the largest quota with which a migration converges
 * @plan: the migration; the quota is kept from the second round on
 *
 * Return: bytes per second that the guest may dirty; 0 if no quota helps; infinite if none is
 * needed.
 */
double kvmeter_forecast_max_quota(const struct kvmeter_forecast_plan *plan)
{
	struct kvmeter_forecast_plan p = *plan;

	p.quota_bytes_s = 0;
	if (converges(&p))
		return HUGE_VAL;
	p.quota_bytes_s = 1;
	if (!converges(&p))
		return 0;
	/* Above the bandwidth no quota makes any round smaller than the one before. */
	return search(&p, &p.quota_bytes_s, 1, 2 * plan->bandwidth_bytes_s + 1);
}
