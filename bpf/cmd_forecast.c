// SPDX-License-Identifier: GPL-2.0-only
/* The command forecast: will a migration of a VM converge, and when? */
#include <err.h>
#include <math.h>
#include <stdlib.h>

#include "dirty.h"
#include "forecast.h"
#include "guestmem.h"

#define NS_PER_S 1e9
#define MS_PER_S 1e3
#define MIB (1024.0 * 1024.0)
#define WINDOWS_ENOUGH 5

/* A forecast from one of the quantiles of D(t), and what would make it yes. */
struct outcome {
	const char *name;
	struct kvmeter_forecast f;
	double min_bandwidth_bytes_s;
	double min_downtime_s;
	double max_quota_bytes_s;
};

struct answer {
	const struct kvmeter_snap *snap;
	const struct kvmeter_snap_vm *vm;
	const struct kvmeter_forecast_args *goal;
	struct kvmeter_guestmem mem;
	bool mem_given;
	double known_s;
	struct outcome outcomes[2];
};

static struct kvmeter_forecast_plan make_plan(const struct answer *a, const __u64 *curve)
{
	struct kvmeter_forecast_plan plan = {
		.ram_pages = a->mem.ram_pages,
		.zero_pages = a->mem.zero_pages,
		.bandwidth_bytes_s = a->goal->bandwidth_bytes_s,
		.link_bytes_s = a->goal->link_bytes_s,
		.downtime_s = a->goal->downtime_ns / NS_PER_S,
		.state_bytes = a->goal->state_bytes,
		.header_bytes = KVMETER_FORECAST_HEADER_BYTES,
		.zero_bytes = KVMETER_FORECAST_ZERO_BYTES,
		.window_s = KVMETER_FORECAST_WINDOW_S,
	};

	kvmeter_forecast_set_curve(&plan.curve, curve);
	return plan;
}

static void find_out(struct outcome *o, const char *name, const struct answer *a,
		     const __u64 *curve)
{
	struct kvmeter_forecast_plan plan = make_plan(a, curve);

	o->name = name;
	kvmeter_forecast_run(&plan, &o->f);
	o->min_bandwidth_bytes_s = kvmeter_forecast_min_bandwidth(&plan);
	o->min_downtime_s = kvmeter_forecast_min_downtime(&plan);
	o->max_quota_bytes_s = kvmeter_forecast_max_quota(&plan);
}

/* What the user says of the guest's memory, or what is found there. */
static void get_memory(struct answer *a)
{
	const struct kvmeter_forecast_args *goal = a->goal;
	__u64 pages = goal->ram_bytes ? goal->ram_bytes / KVMETER_PAGE_BYTES : a->vm->v.ram_pages;

	if (!pages)
		errx(1, "it is not known how much memory %s has: say it with --ram", a->vm->name);
	if (goal->zero_pages == KVMETER_ZERO_UNKNOWN) {
		kvmeter_guestmem_look(&a->mem, a->vm->v.pid, pages);
		return;
	}
	if (goal->zero_pages > pages)
		errx(1, "%s has %llu pages, fewer than --zero-pages", a->vm->name, pages);
	a->mem_given = true;
	a->mem.known = true;
	a->mem.ram_pages = pages;
	a->mem.zero_pages = goal->zero_pages;
}

static void check_curve(struct answer *a)
{
	const struct kvmeter_dirty *d = &a->vm->d;
	unsigned int longest = kvmeter_curve_longest(d->median);

	if (d->session == KVMETER_SESSION_NONE)
		errx(1, "nothing is known of what %s dirties: 'kvmeter dirty start' finds out",
		     a->vm->name);
	if (!d->windows || longest == KVMETER_CURVE_NR)
		errx(1, "too little is known yet of what %s dirties: wait for a few intervals",
		     a->vm->name);
	a->known_s = kvmeter_curve_ms[longest] / MS_PER_S;
}

/* QEMU counts the reading of the log at the beginning and one with the guest standing still. */
static unsigned int sync_count(const struct kvmeter_forecast *f)
{
	return f->rounds + 2;
}

static void print_memory(const struct answer *a)
{
	const struct kvmeter_guestmem *m = &a->mem;
	double v0_bytes = (double)(m->ram_pages - m->zero_pages) * KVMETER_PAGE_BYTES;
	double ram_bytes = (double)m->ram_pages * KVMETER_PAGE_BYTES;
	char v0[16], ram[16], absent[16];

	printf("first round: %s of %s: ", kvmeter_units_format_bytes(v0_bytes, v0, sizeof(v0)),
	       kvmeter_units_format_bytes(ram_bytes, ram, sizeof(ram)));
	if (!m->known)
		printf("all pages are counted, as %s\n", m->why);
	else if (a->mem_given)
		printf("without %llu zero pages\n", m->zero_pages);
	else
		printf("%s never touched, of the rest %.1f %% zero (%llu pages looked at)\n",
		       kvmeter_units_format_bytes((double)m->absent_pages * KVMETER_PAGE_BYTES,
						  absent, sizeof(absent)),
		       kvmeter_stats_pct(m->sampled_zero, m->sampled), m->sampled);
}

static void print_known(const struct answer *a)
{
	const struct kvmeter_dirty *d = &a->vm->d;
	double age_s =
		a->snap->now_ns > d->update_ns ? (a->snap->now_ns - d->update_ns) / NS_PER_S : 0.0;

	printf("D(t): %u windows, t up to %g s, %.1f s old%s\n", d->windows, a->known_s, age_s,
	       d->windows < WINDOWS_ENOUGH ? "; too few for a spread" : "");
}

static void print_outcome(const struct outcome *o)
{
	const struct kvmeter_forecast *f = &o->f;
	char bytes[16];

	printf("%-7s %-7s", o->name, f->converges ? "yes" : "no");
	if (f->converges)
		printf(" %6u %11s %9.2f %12.1f%s\n", f->rounds,
		       kvmeter_units_format_bytes(f->bytes, bytes, sizeof(bytes)), f->seconds,
		       f->downtime_s * MS_PER_S, f->extrapolated ? "  (D(t) extrapolated)" : "");
	else
		printf(" %6s %11s %9s %12s  stalls with %s left%s\n", "-", "-", "-", "-",
		       kvmeter_units_format_bytes(f->remaining_bytes, bytes, sizeof(bytes)),
		       f->extrapolated ? " (D(t) extrapolated)" : "");
}

static void print_remedies(const struct outcome *o)
{
	char quota[16], bandwidth[16];

	if (o->f.converges)
		return;
	printf("to make it yes by %s: bandwidth %.3f Gbit/s (%s/s), or downtime %.0f ms", o->name,
	       o->min_bandwidth_bytes_s * 8 / 1e9,
	       kvmeter_units_format_bytes(o->min_bandwidth_bytes_s, bandwidth, sizeof(bandwidth)),
	       ceil(o->min_downtime_s * MS_PER_S));
	if (o->max_quota_bytes_s > 0)
		printf(", or a quota of %s/s\n",
		       kvmeter_units_format_bytes(o->max_quota_bytes_s, quota, sizeof(quota)));
	else
		puts("; no quota helps");
}

static void print_text(const struct answer *a)
{
	const struct kvmeter_forecast_args *goal = a->goal;
	char bandwidth[16];
	unsigned int i;

	printf("%s (%s): bandwidth %.3f Gbit/s (%s/s), downtime %.0f ms\n", a->vm->name,
	       a->vm->v.id, goal->bandwidth_bytes_s * 8 / 1e9,
	       kvmeter_units_format_bytes(goal->bandwidth_bytes_s, bandwidth, sizeof(bandwidth)),
	       goal->downtime_ns / 1e6);
	print_memory(a);
	print_known(a);
	printf("%-7s %-7s %6s %11s %9s %12s\n", "BY", "VERDICT", "ROUNDS", "BYTES", "TIME(s)",
	       "DOWNTIME(ms)");
	for (i = 0; i < 2; i++)
		print_outcome(&a->outcomes[i]);
	for (i = 0; i < 2; i++)
		print_remedies(&a->outcomes[i]);
}

static struct json_object *new_outcome(const struct outcome *o)
{
	struct json_object *obj = json_object_new_object();
	const struct kvmeter_forecast *f = &o->f;
	bool yes = f->converges;

	json_object_object_add(obj, "converges", json_object_new_boolean(yes));
	json_object_object_add(obj, "extrapolated", json_object_new_boolean(f->extrapolated));
	kvmeter_json_add_floor(obj, "rounds", yes, f->rounds);
	kvmeter_json_add_floor(obj, "dirty_sync_count", yes, sync_count(f));
	kvmeter_json_add_floor(obj, "bytes", yes, f->bytes);
	kvmeter_json_add_floor(obj, "time_ns", yes, f->seconds * NS_PER_S);
	kvmeter_json_add_floor(obj, "downtime_ns", yes, f->downtime_s * NS_PER_S);
	kvmeter_json_add_floor(obj, "remaining_bytes", true, f->remaining_bytes);
	kvmeter_json_add_floor(obj, "min_bandwidth_bytes_s", true, ceil(o->min_bandwidth_bytes_s));
	kvmeter_json_add_floor(obj, "min_downtime_ns", true, ceil(o->min_downtime_s * NS_PER_S));
	kvmeter_json_add_floor(obj, "max_quota_bytes_s", !yes, o->max_quota_bytes_s);
	return obj;
}

static struct json_object *new_goal(const struct kvmeter_forecast_args *goal)
{
	struct json_object *obj = json_object_new_object();

	kvmeter_json_add_floor(obj, "bandwidth_bytes_s", true, goal->bandwidth_bytes_s);
	kvmeter_json_add_floor(obj, "link_bytes_s", true, goal->link_bytes_s);
	kvmeter_json_add_u64(obj, "downtime_ns", goal->downtime_ns);
	kvmeter_json_add_u64(obj, "state_bytes", goal->state_bytes);
	return obj;
}

static struct json_object *new_memory(const struct answer *a)
{
	struct json_object *obj = json_object_new_object();
	const struct kvmeter_guestmem *m = &a->mem;

	kvmeter_json_add_u64(obj, "ram_pages", m->ram_pages);
	kvmeter_json_add_u64(obj, "zero_pages", m->zero_pages);
	kvmeter_json_add_text(obj, "zero_from",
			      a->mem_given	 ? "given"
				      : m->known ? "sample"
						 : "none");
	kvmeter_json_add_u64(obj, "absent_pages", m->absent_pages);
	kvmeter_json_add_u64(obj, "sampled", m->sampled);
	kvmeter_json_add_u64(obj, "sampled_zero", m->sampled_zero);
	return obj;
}

static void print_json(const struct answer *a)
{
	struct json_object *obj = kvmeter_json_new_report(KVMETER_DOCUMENT_FORECAST, a->snap);
	struct json_object *forecast = json_object_new_object();
	unsigned int i;

	kvmeter_json_add_text(obj, "name", a->vm->name);
	kvmeter_json_add_text(obj, "id", a->vm->v.id);
	json_object_object_add(obj, "goal", new_goal(a->goal));
	json_object_object_add(obj, "memory", new_memory(a));
	kvmeter_dirty_add_session(obj, &a->vm->d);
	json_object_object_add(obj, "curve_known_ms", json_object_new_int64(a->known_s * 1000));
	for (i = 0; i < 2; i++)
		json_object_object_add(forecast, a->outcomes[i].name, new_outcome(&a->outcomes[i]));
	json_object_object_add(obj, "forecast", forecast);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_cmd_forecast - kvmeter forecast
 * @args: the command line
 */
void kvmeter_cmd_forecast(const struct kvmeter_args *args)
{
	struct answer a = { .goal = &args->goal };
	struct kvmeter_snap snap = {};
	struct kvmeter_maps maps;

	kvmeter_maps_open(&maps);
	kvmeter_snapshot_take(&snap, &maps, 0);
	a.snap = &snap;
	a.vm = &snap.vms[kvmeter_select_get_vm(&snap, args->guest)];
	check_curve(&a);
	get_memory(&a);
	find_out(&a.outcomes[0], "median", &a, a.vm->d.median);
	find_out(&a.outcomes[1], "p95", &a, a.vm->d.p95);
	if (args->json)
		print_json(&a);
	else
		print_text(&a);
	kvmeter_snapshot_put(&snap);
}
