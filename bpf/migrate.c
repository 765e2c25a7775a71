// SPDX-License-Identifier: GPL-2.0-only
/* The figures of a migration on its way: its rounds, what is left, and what will become of it. */
#include <math.h>
#include <string.h>

#include "migrate.h"

#define NS_PER_S 1e9

/* As many rounds tell what the guest dirties: those before may be of another time. */
#define ROUNDS_TAKEN (KVMETER_CURVE_NR - 1)

/* A round in progress for less than this tells nothing. */
#define SPAN_MIN_S 0.1

#define STATE_BYTES (256 * 1024.0)

/**
 * kvmeter_migrate_first_round - the oldest round that is kept
 * @m: the migration
 *
 * Return: its number; one more than that of the last if there is none.
 */
unsigned int kvmeter_migrate_first_round(const struct kvmeter_migration *m)
{
	return m->nr_rounds > KVMETER_ROUNDS ? m->nr_rounds - KVMETER_ROUNDS + 1 : 1;
}

/**
 * kvmeter_migrate_round - a round of a migration
 * @m: the migration
 * @n: its number, from 1
 *
 * Return: the round.
 */
const struct kvmeter_round *kvmeter_migrate_round(const struct kvmeter_migration *m, unsigned int n)
{
	return &m->round[(n - 1) % KVMETER_ROUNDS];
}

/**
 * kvmeter_migrate_is_running - is the VM being migrated?
 * @vm: the VM
 *
 * Return: true from its first round until logging is switched off.
 */
bool kvmeter_migrate_is_running(const struct kvmeter_snap_vm *vm)
{
	return vm->m.state == KVMETER_MIGRATION_RUNNING && vm->m.nr_rounds;
}

/**
 * kvmeter_migrate_seconds - how long a migration has taken, or did
 * @vm: the VM
 * @now_ns: when the figures of it were taken
 *
 * Return: the time in s.
 */
double kvmeter_migrate_seconds(const struct kvmeter_snap_vm *vm, __u64 now_ns)
{
	__u64 end_ns = vm->m.end_ns ? vm->m.end_ns : now_ns;

	return end_ns > vm->m.begin_ns ? (end_ns - vm->m.begin_ns) / NS_PER_S : 0.0;
}

/**
 * kvmeter_migrate_vcpu_pages - what a vCPU has dirtied in the round in progress
 * @vcpu: the vCPU, of a snapshot or of what happened in an interval
 *
 * Return: pages.
 */
__u64 kvmeter_migrate_vcpu_pages(const struct kvmeter_snap_vcpu *vcpu)
{
	__u64 from = vcpu->v.round_from_pages;

	return vcpu->found_pages > from ? vcpu->found_pages - from : 0;
}

/**
 * kvmeter_migrate_live - how far the round in progress is
 * @vm: the VM
 * @now_ns: when the figures of it were taken
 * @live: what is left, estimated
 * @done: part of what the round has to send that is sent; of no meaning without a known speed
 *
 * Return: false if nothing can be told.
 */
bool kvmeter_migrate_live(const struct kvmeter_snap_vm *vm, __u64 now_ns, struct kvmeter_live *live,
			  double *done)
{
	double to_send;

	if (!kvmeter_migrate_is_running(vm) || !kvmeter_live_get(vm, now_ns, live))
		return false;
	to_send = (double)kvmeter_migrate_round(&vm->m, vm->m.nr_rounds)->to_send_pages *
		KVMETER_PAGE_BYTES;
	*done = to_send > 0 ? 1 - live->round_bytes / to_send : 1;
	*done = fmax(0, fmin(1, *done));
	return true;
}

/*
 * D(t) rises ever more slowly. So what a round dirtied in its time tells of shorter times, too: at
 * least as much of it. And one that was held to a quota tells what D(t) is at least. What is taken
 * is the lowest curve of that form that no round is above.
 */
static void add_point(struct kvmeter_forecast_curve *c, double t_s, double pages)
{
	unsigned int at = c->nr;

	while (at && c->t_s[at - 1] > t_s)
		at--;
	memmove(&c->t_s[at + 1], &c->t_s[at], (c->nr - at) * sizeof(*c->t_s));
	memmove(&c->pages[at + 1], &c->pages[at], (c->nr - at) * sizeof(*c->pages));
	c->t_s[at] = t_s;
	c->pages[at] = pages;
	c->nr++;
}

/* Is the last but one of the points, all of them from 0 on, below the line past it? */
static bool is_below(const struct kvmeter_forecast_curve *c)
{
	unsigned int i = c->nr - 2;
	double t_s = i ? c->t_s[i - 1] : 0, pages = i ? c->pages[i - 1] : 0, line;

	line = pages + (c->pages[i + 1] - pages) * (c->t_s[i] - t_s) / (c->t_s[i + 1] - t_s);
	return c->pages[i] <= line;
}

static void drop_before_last(struct kvmeter_forecast_curve *c)
{
	c->t_s[c->nr - 2] = c->t_s[c->nr - 1];
	c->pages[c->nr - 2] = c->pages[c->nr - 1];
	c->nr--;
}

/* @c: points by time. Left are those of the curve described above. */
static void make_concave(struct kvmeter_forecast_curve *c)
{
	struct kvmeter_forecast_curve points = *c;
	unsigned int i;
	double most = 0;

	c->nr = 0;
	for (i = 0; i < points.nr; i++) {
		most = fmax(most, points.pages[i]);
		c->t_s[c->nr] = points.t_s[i];
		c->pages[c->nr++] = most;
		while (c->nr > 1 && is_below(c))
			drop_before_last(c);
	}
}

static void set_curve(struct kvmeter_forecast_curve *c, const struct kvmeter_snap_vm *vm,
		      double since_s)
{
	const struct kvmeter_migration *m = &vm->m;
	unsigned int n = kvmeter_migrate_first_round(m);
	const struct kvmeter_round *round;

	memset(c, 0, sizeof(*c));
	if (m->nr_rounds > ROUNDS_TAKEN && n < m->nr_rounds - ROUNDS_TAKEN)
		n = m->nr_rounds - ROUNDS_TAKEN;
	for (; n < m->nr_rounds; n++) {
		round = kvmeter_migrate_round(m, n);
		if (round->duration_ns)
			add_point(c, round->duration_ns / NS_PER_S, round->dirtied_pages);
	}
	if (since_s >= SPAN_MIN_S && vm->found_pages > vm->sync_pages)
		add_point(c, since_s, vm->found_pages - vm->sync_pages);
	make_concave(c);
}

static double get_since_s(const struct kvmeter_round *round, __u64 now_ns)
{
	return now_ns > round->begin_ns ? (now_ns - round->begin_ns) / NS_PER_S : 0;
}

/* What the autopilot goes by; otherwise that of the last round in which anything was sent. */
static double get_bandwidth(const struct kvmeter_migration *m)
{
	unsigned int n = m->nr_rounds, first = kvmeter_migrate_first_round(m);
	__u64 pages = m->bandwidth_pages;

	while (!pages && n-- > first)
		pages = kvmeter_migrate_round(m, n)->bandwidth_pages;
	return (double)pages * KVMETER_PAGE_BYTES;
}

/**
 * kvmeter_migrate_plan - a migration that is on its way, as a forecast is made of it
 * @vm: the VM
 * @now_ns: when the figures of it were taken
 * @quota_pages: pages a second that the VM may dirty from the round in progress on, 0: no quota
 * @plan: filled
 *
 * What the guest dirties within which time is taken from the rounds so far. The bandwidth is that
 * of pages, whatever else is sent with them.
 *
 * Return: false if there is none: it does not run, no round has ended, or the VM is stopped, by
 * which it ends.
 */
bool kvmeter_migrate_plan(const struct kvmeter_snap_vm *vm, __u64 now_ns, __u64 quota_pages,
			  struct kvmeter_forecast_plan *plan)
{
	const struct kvmeter_migration *m = &vm->m;
	const struct kvmeter_round *round;
	double since_s;

	*plan = (struct kvmeter_forecast_plan){
		.ram_pages = m->ram_pages,
		.bandwidth_bytes_s = get_bandwidth(m),
		.downtime_s = m->downtime_ns / NS_PER_S,
		.state_bytes = STATE_BYTES,
		.window_s = KVMETER_FORECAST_WINDOW_S,
		.quota_bytes_s = (double)quota_pages * KVMETER_PAGE_BYTES,
	};
	if (!kvmeter_migrate_is_running(vm) || m->nr_rounds < 2 || !m->ram_pages ||
	    m->why == KVMETER_WHY_STOPPED || !m->downtime_ns || !(plan->bandwidth_bytes_s > 0))
		return false;
	round = kvmeter_migrate_round(m, m->nr_rounds);
	since_s = get_since_s(round, now_ns);
	plan->link_bytes_s = plan->bandwidth_bytes_s;
	plan->begin_pages = fmax(1, fmin(round->to_send_pages, m->ram_pages));
	plan->begin_span_s = kvmeter_migrate_round(m, m->nr_rounds - 1)->duration_ns / NS_PER_S;
	set_curve(&plan->curve, vm, since_s);
	return true;
}

/**
 * kvmeter_migrate_forecast - will a migration that is on its way come to an end, and when?
 * @vm: the VM
 * @now_ns: when the figures of it were taken
 * @quota_pages: pages a second that the VM may dirty from the round in progress on, 0: no quota
 * @outlook: the answer
 *
 * Return: false if it cannot be told, as kvmeter_migrate_plan().
 */
bool kvmeter_migrate_forecast(const struct kvmeter_snap_vm *vm, __u64 now_ns, __u64 quota_pages,
			      struct kvmeter_outlook *outlook)
{
	struct kvmeter_forecast_plan plan;
	double since_s;

	memset(outlook, 0, sizeof(*outlook));
	if (!kvmeter_migrate_plan(vm, now_ns, quota_pages, &plan))
		return false;
	since_s = get_since_s(kvmeter_migrate_round(&vm->m, vm->m.nr_rounds), now_ns);
	kvmeter_forecast_run(&plan, &outlook->f);
	outlook->bandwidth_bytes_s = plan.bandwidth_bytes_s;
	outlook->quota_bytes_s = plan.quota_bytes_s;
	outlook->left_s = fmax(0, outlook->f.seconds - since_s);
	outlook->left_bytes = fmax(0, outlook->f.bytes - since_s * plan.bandwidth_bytes_s);
	return true;
}
