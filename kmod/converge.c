// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the quota under which a migration converges, from its rounds.
 *
 * How large. Let there be V pages to send, a bandwidth B, and writers that would dirty d pages per
 * second and may dirty rho * B. They are held back until the VM has moved, which takes
 *
 *	T(rho) = V / (B (1 - rho))	as rho of what is sent has to be sent again, and so on
 *
 * and for a share of 1 - rho B / d of that time they do not run. What they lose,
 *
 *	L(rho) = V / B * (1 - rho B / d) / (1 - rho),	L' = V / B * (1 - B / d) / (1 - rho)^2
 *
 * grows with rho where d > B: a tighter quota loses them less, because it is over sooner; least
 * loses none at all, V / B. A 32nd loses at most 1/31 more than that, and leaves every writer
 * some progress. It makes the whole migration, of which the first round is free and leaves a
 * working set W, last (RAM + W / (1 - rho)) / B: 1.032 W where the project's goal is 1.1 W. What is
 * between is for the burst with which each vCPU begins, and for a bandwidth that looks up to 2.9
 * times too high (zero pages are next to nothing to send): 1 / (1 - 2.9 / 32) = 1.1. And where
 * B / 2 < d < B, more than 1/32 would lose less, but none comes to less than T(1/32) in all.
 * QEMU's auto-converge begins where half as much was dirtied as was sent, twice: 1/32 is far below.
 *
 * Whether at all. By itself round n + 1 has V(n + 1) = D(V(n) / B) to send, with D(t) the pages
 * that are dirtied in a time t from when all are clean. It is left alone if by that each round is
 * at most 7/16 of the one before until the VM can be stopped: then what there is to send is sent
 * 16/9 times at most, in N = log(V / (B * downtime)) / log(16 / 7) rounds, and auto-converge does
 * not begin either. D(t) is taken from windows of 100 ms times powers of 2, of each length the
 * worst that was seen, with straight lines between: as D is concave, they are not above it.
 *
 * The bandwidth is what was sent over the time it took, in stretches of whole rounds of no less
 * than 500 ms together: QEMU sends in portions of up to 100 ms, and looks no more often whether a
 * round is over. It ends a round when what is left would fit into the downtime: that much less is
 * sent in the first round than there was, and later as much comes as goes. While a round lasts, no
 * more than what it began with has been sent in it: that is how a link that became slower shows.
 */
#include "converge.h"

#define NS_PER_S 1000000000ULL

#define STRETCH_NS 500000000ULL

/* The quota is this part of the bandwidth. */
#define GENTLE_PART 32
#define BYTES_PART 64

/* Below the half at which QEMU's auto-converge begins: a deadline's quota, at most. */
#define HIGHEST_SIXTEENTHS 7

/* It is left alone if each round is at most so much of the one before. */
#define GENTLE_SIXTEENTHS 7
#define BYTES_SIXTEENTHS 2

/*
 * The first round's budget for the fewest bytes, as parts of RAM. Nobody is held back who dirties
 * less than the first half of it. The other half is let out at a rate of RAM / (256 t), t being the
 * time so far: an equal part whenever the time doubles, as nobody knows how long the round takes;
 * from 1 s to 1 day that is ln(86400) / 256 = 1/22.
 */
#define BUDGET_PART 10
#define FREE_PART 20
#define LET_OUT_PART 256
#define FREE_OUT_NS (2 * KVMETER_CONVERGE_TICK_NS)

/* A round that takes so much longer than it should is of a link that sends nothing any more. */
#define DEAD_NS (10 * NS_PER_S)
#define DEAD_TIMES 16

/* Rounds in a row that it takes to say that a quota cannot help, or that it can after all. */
#define HELPLESS_ROUNDS 3
#define HELPED_ROUNDS 2

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __u64 most(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* @pages are no more than KVMETER_CONVERGE_PAGES_MAX, and nor is the rate */
static __u64 rate_of(__u64 pages, __u64 ns)
{
	return ns ? least(pages * NS_PER_S / ns, KVMETER_CONVERGE_PAGES_MAX) : 0;
}

static __u64 time_of(__u64 pages, __u64 rate)
{
	return pages * NS_PER_S / rate;
}

static __u64 downtime_ns(const struct kvmeter_converge *c)
{
	return c->config.downtime_ns ? c->config.downtime_ns : KVMETER_CONVERGE_DOWNTIME_NS;
}

/* What that comes to in @ns; of what is beyond all measure, KVMETER_CONVERGE_PAGES_MAX. */
static __u64 pages_in(__u64 rate, __u64 ns)
{
	if (!rate)
		return 0;
	if (ns / NS_PER_S >= KVMETER_CONVERGE_PAGES_MAX / rate)
		return KVMETER_CONVERGE_PAGES_MAX;
	return ns / NS_PER_S * rate + ns % NS_PER_S * rate / NS_PER_S;
}

/* So few that the VMM can stop the VM. */
static __u64 enough_pages(const struct kvmeter_converge *c, __u64 bandwidth)
{
	return pages_in(bandwidth, downtime_ns(c));
}

static __u64 window_ns(unsigned int i)
{
	return KVMETER_CONVERGE_TICK_NS << i;
}

static void begin_windows(struct kvmeter_converge *c)
{
	unsigned int i;

	for (i = 0; i < KVMETER_CONVERGE_CURVE_NR; i++) {
		c->curve[i].begin_ns = c->last.now_ns;
		c->curve[i].begin_pages = c->last.dirtied_pages;
	}
}

/* Those that are over, and those in progress, which will have no less. */
static void update_windows(struct kvmeter_converge *c)
{
	struct kvmeter_converge_window *w;
	__u64 pages, ns;
	unsigned int i;

	for (i = 0; i < KVMETER_CONVERGE_CURVE_NR; i++) {
		w = &c->curve[i];
		ns = c->last.now_ns - w->begin_ns;
		pages = c->last.dirtied_pages - w->begin_pages; /* of this round */
		if (ns > window_ns(i)) /* asked late */
			pages = pages_in(rate_of(pages, ns), window_ns(i));
		w->most_pages = most(w->most_pages, pages);
		if (ns >= window_ns(i)) {
			w->begin_ns = c->last.now_ns;
			w->begin_pages = c->last.dirtied_pages;
		}
	}
}

/* D(@ns) */
static __u64 curve_pages(const struct kvmeter_converge *c, __u64 ns)
{
	__u64 lo_ns = 0, lo_pages = 0, hi_pages = 0;
	unsigned int i;

	for (i = 0; i < KVMETER_CONVERGE_CURVE_NR; i++) {
		hi_pages = most(c->curve[i].most_pages, lo_pages);
		if (ns <= window_ns(i))
			break;
		lo_ns = window_ns(i);
		lo_pages = hi_pages;
	}
	if (i == KVMETER_CONVERGE_CURVE_NR) /* as steep as up to there */
		return pages_in(rate_of(hi_pages, lo_ns), ns);
	return lo_pages + pages_in(rate_of(hi_pages - lo_pages, window_ns(i) - lo_ns), ns - lo_ns);
}

/* Will each round be at most @sixteenths / 16 of the one before, until the VM can be stopped? */
static bool is_soon(const struct kvmeter_converge *c, __u64 bandwidth, unsigned int sixteenths)
{
	__u64 enough = enough_pages(c, bandwidth), pages = c->to_send, next;

	if (c->holding || (c->patience_ns && c->last.now_ns > c->patience_ns))
		return false;
	while (pages > enough) {
		next = curve_pages(c, time_of(pages, bandwidth));
		if (next > enough && next > pages * sixteenths / 16)
			return false;
		pages = next;
	}
	return true;
}

/* More than twice as long as it should take, and a second: then it is not believed any more. */
static void be_patient(struct kvmeter_converge *c, __u64 bandwidth)
{
	__u64 ns = NS_PER_S + 4 * least(time_of(c->to_send, bandwidth), ~0ULL / 8);

	if (!c->patience_ns)
		c->patience_ns = c->last.now_ns + least(ns, ~0ULL - c->last.now_ns);
}

/* Nothing seems to be sent: a VMM may take a quarter of an hour to find out. */
static bool is_dead(const struct kvmeter_converge *c)
{
	__u64 ns;

	if (c->round == 1 || !c->bandwidth)
		return false;
	ns = least(time_of(c->to_send, c->bandwidth), ~0ULL / DEAD_TIMES / 2);
	return c->last.now_ns - c->round_ns > DEAD_NS + DEAD_TIMES * ns;
}

/* What is known of it now; 0: nothing is, or nothing is sent. */
static __u64 bandwidth_now(const struct kvmeter_converge *c)
{
	__u64 ns = c->pool_ns + (c->last.now_ns - c->round_ns);
	__u64 pages = c->pool_pages + c->to_send;

	if (c->round == 1)
		return c->config.bandwidth;
	if (is_dead(c))
		return 0;
	if (ns < STRETCH_NS || pages > KVMETER_CONVERGE_PAGES_MAX)
		return c->bandwidth;
	return least(c->bandwidth, rate_of(pages, ns));
}

/*
 * A round is over. The first one's bandwidth is not pooled: zero pages make it look higher.
 *
 * QEMU reads the log in the midst of a round too, every 5 s from the second one on, where it was
 * told to auto-converge (from 9.2 on). The round then looks faster than it is and those after it
 * slower, until what it began with is sent; over all of them together it is right again. So a
 * stretch that looks faster goes on, unless the next round was no slower than was known either.
 */
static void update_bandwidth(struct kvmeter_converge *c)
{
	__u64 ns = c->last.now_ns - c->round_ns, pooled;
	bool again = c->pool_ns >= STRETCH_NS;

	if (c->round == 1) {
		c->bandwidth = rate_of(c->to_send, ns + downtime_ns(c));
		return;
	}
	c->pool_ns += ns;
	c->pool_pages = least(c->pool_pages + c->to_send, KVMETER_CONVERGE_PAGES_MAX);
	pooled = rate_of(c->pool_pages, c->pool_ns);
	if (c->pool_ns < STRETCH_NS)
		return;
	if (pooled > c->bandwidth + c->bandwidth / 16 &&
	    !(again && rate_of(c->to_send, ns) >= c->bandwidth))
		return;
	c->bandwidth = pooled;
	c->pool_ns = 0;
	c->pool_pages = 0;
}

/* In this round; of more than it began with, see update_bandwidth(). */
static __u64 round_sent(const struct kvmeter_converge *c)
{
	return most(c->to_send, pages_in(c->bandwidth, c->last.now_ns - c->round_ns));
}

static __u64 round_dirtied(const struct kvmeter_converge *c)
{
	return c->last.dirtied_pages - c->round_pages;
}

/*
 * A round is over, and @to_send pages were found dirty. Did others than vCPUs dirty 7/8 of what was
 * sent? Then it would have to be sent 8 times or more, whatever vCPUs are let do. That is in pages
 * alone: a link that became slower makes a round longer, but no page in it foreign.
 */
static void judge_help(struct kvmeter_converge *c, __u64 to_send)
{
	__u64 dirtied = round_dirtied(c), foreign = to_send > dirtied ? to_send - dirtied : 0;
	__u64 sent = round_sent(c);

	if (c->round == 1)
		return;
	if (to_send > enough_pages(c, c->bandwidth) && foreign >= sent - sent / 8) {
		c->good_rounds = 0;
		if (++c->bad_rounds < HELPLESS_ROUNDS || c->helpless)
			return;
		c->helpless = true;
		c->helpless_nr++;
		return;
	}
	c->bad_rounds = 0;
	if (foreign >= sent / 2) {
		c->good_rounds = 0;
		return;
	}
	/* The second time it is final: it may be so only as long as there is no quota. */
	if (c->helpless && ++c->good_rounds >= HELPED_ROUNDS && c->helpless_nr < 2)
		c->helpless = false;
}

/* Four times as much as was granted and the burst can explain, and enough to matter. */
static void judge_keeping(struct kvmeter_converge *c)
{
	__u64 dirtied = round_dirtied(c);

	c->not_kept = c->granted != ~0ULL && dirtied / 4 > c->granted &&
		      dirtied > round_sent(c) / 2 && dirtied > enough_pages(c, c->bandwidth);
}

static void begin_round(struct kvmeter_converge *c, __u64 to_send)
{
	c->round++;
	c->round_ns = c->last.now_ns;
	c->round_pages = c->last.dirtied_pages;
	c->round_stalled_ns = c->last.stalled_ns;
	c->to_send = to_send;
	c->granted = 0;
	begin_windows(c);
}

static void count_granted(struct kvmeter_converge *c, __u64 ns)
{
	__u64 us = least(ns / 1000, 1ULL << 29); /* 9 minutes; a quota is less than 2^34 */

	if (!c->quota && ns)
		c->granted = ~0ULL;
	if (c->granted != ~0ULL)
		c->granted = least(c->granted + c->quota * us / 1000000, 1ULL << 62);
}

/* Takes what is seen now. False: it cannot be, so nothing that follows can be relied on. */
static bool take(struct kvmeter_converge *c, const struct kvmeter_converge_seen *seen)
{
	if (seen->now_ns < c->last.now_ns || seen->dirtied_pages < c->last.dirtied_pages ||
	    seen->stalled_ns < c->last.stalled_ns ||
	    seen->dirtied_pages - c->round_pages > KVMETER_CONVERGE_PAGES_MAX)
		c->bad = true;
	if (c->bad)
		return false;
	count_granted(c, seen->now_ns - c->last.now_ns);
	c->last = *seen;
	update_windows(c);
	/* What it wants to dirty is not seen while it is held back: it goes on to be. */
	if (c->quota && seen->stalled_ns > c->round_stalled_ns)
		c->holding = true;
	return true;
}

/**
 * kvmeter_converge_begin - a migration begins, and with it its first round
 * @c: its state; what was there is forgotten
 * @config: what it is to be like
 * @seen: what there is to see now
 *
 * Context: any.
 */
void kvmeter_converge_begin(struct kvmeter_converge *c,
			    const struct kvmeter_converge_config *config,
			    const struct kvmeter_converge_seen *seen)
{
	*c = (struct kvmeter_converge){ .config = *config, .last = *seen, .active = true };
	c->begin_ns = seen->now_ns;
	c->bad = !config->ram_pages || config->ram_pages > KVMETER_CONVERGE_PAGES_MAX ||
		 config->bandwidth > KVMETER_CONVERGE_PAGES_MAX ||
		 config->downtime_ns > KVMETER_CONVERGE_DOWNTIME_MAX_NS ||
		 config->goal > KVMETER_GOAL_DEADLINE || config->mode > KVMETER_AUTOCONVERGE_ON;
	begin_round(c, config->ram_pages);
}

/**
 * kvmeter_converge_add_round - the VMM has read the dirty log: a round is over, the next begins
 * @c: its state
 * @seen: what there is to see now
 * @to_send: pages that it found dirty; not those that it had left of the round before
 *
 * Is to be followed by kvmeter_converge_decide(), at the same time. What is read of one slot after
 * the other is one round.
 *
 * Context: any.
 */
void kvmeter_converge_add_round(struct kvmeter_converge *c,
				const struct kvmeter_converge_seen *seen, __u64 to_send)
{
	if (!c->active || !take(c, seen))
		return;
	if (to_send > KVMETER_CONVERGE_PAGES_MAX) {
		c->bad = true;
		return;
	}
	judge_help(c, to_send);
	judge_keeping(c);
	update_bandwidth(c);
	begin_round(c, to_send);
}

/* What the vCPUs may dirty now, so that over the first round it is no more than the budget. */
static __u64 budget_quota(const struct kvmeter_converge *c)
{
	__u64 used = round_dirtied(c), half = c->config.ram_pages / FREE_PART, quota;
	__u64 ns = most(c->last.now_ns - c->round_ns, KVMETER_CONVERGE_TICK_NS);

	if (used >= c->config.ram_pages / BUDGET_PART)
		return KVMETER_CONVERGE_QUOTA_MIN;
	quota = rate_of(c->config.ram_pages, ns) / LET_OUT_PART;
	if (used < half)
		quota = most(quota, rate_of(half - used, FREE_OUT_NS));
	return quota;
}

/* A share of the bandwidth, once it is seen that it takes one. */
static __u64 share_quota(struct kvmeter_converge *c, unsigned int part,
			 unsigned int sixteenths, __u32 *why)
{
	__u64 bandwidth = bandwidth_now(c);

	if (!bandwidth) {
		*why = KVMETER_WHY_BANDWIDTH;
		return KVMETER_CONVERGE_NONE;
	}
	if (is_soon(c, bandwidth, sixteenths)) {
		be_patient(c, bandwidth);
		*why = KVMETER_WHY_BY_ITSELF;
		return KVMETER_CONVERGE_NONE;
	}
	c->holding = true;
	*why = KVMETER_WHY_HOLD;
	return most(bandwidth / part, KVMETER_CONVERGE_QUOTA_MIN);
}

static __u64 gentle_quota(struct kvmeter_converge *c, __u32 *why)
{
	if (c->round > 1)
		return share_quota(c, GENTLE_PART, GENTLE_SIXTEENTHS, why);
	*why = KVMETER_WHY_FIRST_ROUND;
	return KVMETER_CONVERGE_NONE;
}

static __u64 bytes_quota(struct kvmeter_converge *c, __u32 *why)
{
	if (c->round > 1)
		return share_quota(c, BYTES_PART, BYTES_SIXTEENTHS, why);
	*why = KVMETER_WHY_BUDGET;
	return most(budget_quota(c), KVMETER_CONVERGE_QUOTA_MIN);
}

/* Pages still to be sent if nothing more were dirtied. */
static __u64 pages_left(const struct kvmeter_converge *c, __u64 bandwidth)
{
	__u64 sent = pages_in(bandwidth, c->last.now_ns - c->round_ns);

	return c->to_send - least(sent, c->to_send) + round_dirtied(c);
}

/*
 * V / (B (1 - rho)) = time left: rho B = B - V / time left. Of the time left an eighth is kept
 * back; as that is done anew each time, it is not lost. Without a bandwidth the first round is free
 * for a quarter of the time, and then under the budget of the fewest bytes: so if RAM can be sent
 * twice in the time, it is made whatever is dirtied. A bandwidth given helps where it cannot.
 */
static __u64 deadline_quota(struct kvmeter_converge *c, __u32 *why)
{
	__u64 spent = c->last.now_ns - c->begin_ns, left_ns, bandwidth = bandwidth_now(c), pages;

	if (c->round == 1 && !bandwidth) {
		if (spent > c->config.deadline_ns / 4)
			return bytes_quota(c, why);
		return gentle_quota(c, why);
	}
	if (!bandwidth)
		return share_quota(c, GENTLE_PART, GENTLE_SIXTEENTHS, why);
	left_ns = c->config.deadline_ns - least(c->config.deadline_ns, spent);
	left_ns -= left_ns / 8;
	pages = least(pages_left(c, bandwidth), KVMETER_CONVERGE_PAGES_MAX);
	if (time_of(pages, bandwidth) >= left_ns ||
	    bandwidth - rate_of(pages, left_ns) < bandwidth / BYTES_PART) {
		c->holding = true;
		*why = KVMETER_WHY_LATE;
		return most(bandwidth / GENTLE_PART, KVMETER_CONVERGE_QUOTA_MIN);
	}
	if (c->round > 1 && time_of(pages, bandwidth) <= left_ns / 2 &&
	    is_soon(c, bandwidth, GENTLE_SIXTEENTHS)) {
		be_patient(c, bandwidth);
		*why = KVMETER_WHY_BY_ITSELF;
		return KVMETER_CONVERGE_NONE;
	}
	c->holding = true;
	*why = KVMETER_WHY_IN_TIME;
	return most(least(bandwidth - rate_of(pages, left_ns), bandwidth / 16 * HIGHEST_SIXTEENTHS),
		    KVMETER_CONVERGE_QUOTA_MIN);
}

static __u64 goal_quota(struct kvmeter_converge *c, __u32 *why)
{
	__u64 quota = KVMETER_CONVERGE_NONE;

	switch (c->config.goal) {
	case KVMETER_GOAL_GENTLE:
		quota = gentle_quota(c, why);
		break;
	case KVMETER_GOAL_BYTES:
		quota = bytes_quota(c, why);
		break;
	case KVMETER_GOAL_DEADLINE:
		quota = deadline_quota(c, why);
		break;
	}
	if (quota && c->not_kept)
		*why = KVMETER_WHY_NOT_KEPT;
	return quota;
}

/* Is there a reason for none, whatever the goal? */
static bool has_to_yield(const struct kvmeter_converge *c, __u32 *why)
{
	if (!c->active)
		*why = KVMETER_WHY_IDLE;
	else if (c->config.mode == KVMETER_AUTOCONVERGE_OFF)
		*why = KVMETER_WHY_SWITCHED_OFF;
	else if (c->bad)
		*why = KVMETER_WHY_BAD_INPUT;
	else if (c->last.flags & KVMETER_CONVERGE_SEEN_RING)
		*why = KVMETER_WHY_RING;
	else if (c->last.flags & KVMETER_CONVERGE_SEEN_RIVAL)
		*why = KVMETER_WHY_RIVAL;
	else if (c->helpless)
		*why = KVMETER_WHY_NO_HELP;
	else
		return false;
	return true;
}

/**
 * kvmeter_converge_decide - which quota is there to be from now on?
 * @c: its state; one without a migration has none
 * @seen: what there is to see now
 * @d: filled in
 *
 * To be asked after each kvmeter_converge_begin() and kvmeter_converge_add_round(), and every
 * KVMETER_CONVERGE_TICK_NS between. It may be later: then the quota is what it was for so long.
 *
 * Context: any.
 */
void kvmeter_converge_decide(struct kvmeter_converge *c, const struct kvmeter_converge_seen *seen,
			     struct kvmeter_converge_decision *d)
{
	*d = (struct kvmeter_converge_decision){ .round = c->round };
	if (c->active && take(c, seen)) {
		d->bandwidth = bandwidth_now(c);
		d->dirty_rate = rate_of(round_dirtied(c), seen->now_ns - c->round_ns);
	}
	if (!has_to_yield(c, &d->why))
		d->would = goal_quota(c, &d->why);
	if (c->config.mode == KVMETER_AUTOCONVERGE_ON)
		d->quota = d->would;
	c->quota = d->quota;
}

/**
 * kvmeter_converge_end - it is over, however
 * @c: its state; from now on there is no migration
 * @why: KVMETER_WHY_ENDED or one of those that follow it
 * @d: filled in: no quota
 *
 * Context: any.
 */
void kvmeter_converge_end(struct kvmeter_converge *c, enum kvmeter_why why,
			  struct kvmeter_converge_decision *d)
{
	*d = (struct kvmeter_converge_decision){ .round = c->round, .why = why };
	*c = (struct kvmeter_converge){ .config = c->config };
}
