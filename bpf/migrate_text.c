// SPDX-License-Identifier: GPL-2.0-only
/* Shows the migration of a VM as text: the round in progress, what is throttled and why, rounds. */
#include <math.h>

#include "migrate.h"

#define NS_PER_S 1e9
#define MS_PER_S 1e3
#define MIB (1024.0 * 1024.0)
#define COLUMNS 80
#define BAR_WIDTH 24

/* On a screen: lines besides the rows of tables, and the least rows of each of the two. */
#define LINES_OTHER 14
#define ROWS_MIN 3

static double mib(double pages)
{
	return pages * KVMETER_PAGE_BYTES / MIB;
}

static const char *format_pages(double pages, char *buf, size_t size)
{
	return kvmeter_units_format_bytes(pages * KVMETER_PAGE_BYTES, buf, size);
}

static const char *plural(unsigned int nr)
{
	return nr == 1 ? "" : "s";
}

static void print_state(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	double seconds = kvmeter_migrate_seconds(vm, snap->now_ns);
	const struct kvmeter_migration *m = &vm->m;

	if (m->state == KVMETER_MIGRATION_ENDED)
		printf(": ended after %.1f s, %u round%s\n", seconds, m->nr_rounds,
		       plural(m->nr_rounds));
	else if (kvmeter_migrate_is_running(vm))
		printf(": on its way for %.1f s, round %u\n", seconds, m->nr_rounds);
	else if (vm->v.log_state == KVMETER_LOG_RING)
		puts(": it has a dirty ring: its rounds cannot be seen");
	else
		puts(": no migration yet");
}

/* The name is shortened: the figures are what has to be seen. */
static void print_title(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	char name[KVMETER_SHOWN_MAX + 8], sent[16], ram[16];
	const struct kvmeter_migration *m = &vm->m;

	kvmeter_escape_shorten(vm->name, COLUMNS / 4, name, sizeof(name));
	printf("%s (%s)", name, vm->v.id);
	print_state(snap, vm);
	if (m->nr_rounds)
		printf("  memory: %s; to send in the rounds that have ended: %s\n",
		       format_pages(m->ram_pages, ram, sizeof(ram)),
		       format_pages(m->sent_pages, sent, sizeof(sent)));
}

static void print_bar(double done, const struct kvmeter_screen *screen)
{
	unsigned int full = (unsigned int)(done * BAR_WIDTH), i;

	putchar('[');
	if (screen->colour)
		fputs("\033[32m", stdout);
	for (i = 0; i < full; i++)
		fputs(screen->utf8 ? "█" : "#", stdout);
	if (screen->colour)
		fputs("\033[0m", stdout);
	for (; i < BAR_WIDTH; i++)
		fputs(screen->utf8 ? "░" : ".", stdout);
	putchar(']');
}

static void print_progress(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
			   const struct kvmeter_screen *screen)
{
	const struct kvmeter_round *round = kvmeter_migrate_round(&vm->m, vm->m.nr_rounds);
	char left[16], of[16], dirtied[16], all[16];
	struct kvmeter_live live;
	double done;

	if (!kvmeter_migrate_live(vm, snap->now_ns, &live, &done))
		return;
	printf("  round %u: ", vm->m.nr_rounds);
	format_pages(round->to_send_pages, of, sizeof(of));
	kvmeter_units_format_bytes(live.round_bytes, left, sizeof(left));
	if (live.round_known) {
		print_bar(done, screen);
		printf(" %.0f %%, about %s of %s left\n", floor(done * 100), left, of);
	} else {
		printf("%s to send, how fast is not known yet\n", of);
	}
	kvmeter_units_format_bytes(live.dirtied_bytes, dirtied, sizeof(dirtied));
	kvmeter_units_format_bytes(live.remaining_bytes, all, sizeof(all));
	printf("  dirtied in it so far: %s; %s %s to send with that\n", dirtied,
	       live.round_known ? "about" : "at most", all);
}

static void print_forecast(const char *what, const struct kvmeter_outlook *o)
{
	char bytes[16];

	kvmeter_units_format_bytes(o->f.converges ? o->left_bytes : o->f.remaining_bytes, bytes,
				   sizeof(bytes));
	if (o->f.converges)
		printf("  %s: ends in %.1f s, %u round%s, %s, downtime %.0f ms\n", what, o->left_s,
		       o->f.rounds, plural(o->f.rounds), bytes, o->f.downtime_s * MS_PER_S);
	else
		printf("  %s: does not end: stalls with %s left\n", what, bytes);
}

static const char *why_none(const struct kvmeter_migration *m)
{
	if (m->why == KVMETER_WHY_STOPPED)
		return "while the VM is stopped";
	return m->nr_rounds < 2 ? "before the first round has ended"
				: "as long as it is not known how fast it is sent";
}

static void print_forecasts(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	const struct kvmeter_migration *m = &vm->m;
	struct kvmeter_outlook outlook;

	if (!kvmeter_migrate_is_running(vm))
		return;
	if (!kvmeter_migrate_forecast(vm, snap->now_ns, vm->v.quota_pages, &outlook)) {
		printf("  forecast: none %s\n", why_none(m));
		return;
	}
	print_forecast("forecast", &outlook);
	if (m->would_pages && m->would_pages != vm->v.quota_pages &&
	    kvmeter_migrate_forecast(vm, snap->now_ns, m->would_pages, &outlook))
		print_forecast("with that quota", &outlook);
}

static void print_autopilot(const struct kvmeter_snap_vm *vm)
{
	const struct kvmeter_migration *m = &vm->m;
	struct kvmeter_in_force force;
	char goal[64], rate[16];

	kvmeter_autoconverge_get(vm, &force);
	if (!force.known) {
		puts("  autopilot: not known");
		return;
	}
	kvmeter_why_print_goal(force.goal, force.deadline_ns, goal, sizeof(goal));
	printf("  autopilot: %s, %s", kvmeter_reasons_mode(force.mode), goal);
	if (m->autopilot_pages)
		printf(": quota %s/s\n", format_pages(m->autopilot_pages, rate, sizeof(rate)));
	else if (m->would_pages)
		printf(": no quota, would set %s/s\n",
		       format_pages(m->would_pages, rate, sizeof(rate)));
	else
		puts(": no quota");
	if (m->state != KVMETER_MIGRATION_NONE)
		printf("  why: %s\n", kvmeter_why_explain(m->why));
}

/* How many of its vCPUs were parked in the interval. */
static unsigned int count_parked(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	unsigned int i, nr = 0;

	for (i = 0; i < vm->nr_vcpus; i++)
		nr += snap->vcpus[vm->first_vcpu + i].v.throttle_ns > 0;
	return nr;
}

static void print_throttled(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	unsigned int parked = count_parked(snap, vm);
	const char *idle = kvmeter_quota_why_idle(vm);
	char rate[16];

	if (!vm->v.quota_pages) {
		printf("  throttled: %s\n",
		       parked ? "nothing any more: there is no quota"
			      : "nothing: there is no quota");
		return;
	}
	format_pages(vm->v.quota_pages, rate, sizeof(rate));
	/* what the autopilot has set may be another one by the time it is copied */
	printf("  throttled: %u of %u vCPUs, to %s/s in all, %s\n", parked, vm->nr_vcpus, rate,
	       vm->v.quota_pages == vm->v.user_quota_pages ? "set with 'kvmeter quota'"
							   : "set by the autopilot");
	if (idle)
		printf("  %s\n", idle);
}

static void print_figure(unsigned int width, bool known, double value, unsigned int digits)
{
	if (known)
		printf(" %*.*f", (int)width, (int)digits, value);
	else
		printf(" %*s", (int)width, "-");
}

static void print_round(unsigned int n, const struct kvmeter_round *round)
{
	bool over = round->duration_ns;

	printf("  %5u", n);
	print_figure(12, true, mib(round->to_send_pages), 1);
	print_figure(8, over, round->duration_ns / NS_PER_S, 2);
	print_figure(11, over, mib(round->bandwidth_pages), 1);
	print_figure(12, over, mib(round->dirtied_pages), 1);
	print_figure(12, round->quota_pages, mib(round->quota_pages), 1);
	printf(" %11.2f\n", round->throttle_ns / NS_PER_S);
}

/* The last ones; those that are not there are told. */
static void print_rounds(const struct kvmeter_migration *m, unsigned int rows)
{
	unsigned int first = kvmeter_migrate_first_round(m), n;

	if (!m->nr_rounds)
		return;
	if (rows && m->nr_rounds - first >= rows)
		first = m->nr_rounds - rows + 1;
	printf("  %5s %12s %8s %11s %12s %12s %11s\n", "ROUND", "TO-SEND(MiB)", "TIME(s)",
	       "SENT(MiB/s)", "DIRTIED(MiB)", "QUOTA(MiB/s)", "THROTTLE(s)");
	if (first > 1)
		printf("  %5s rounds 1 to %u are not shown\n", "...", first - 1);
	for (n = first; n <= m->nr_rounds && n >= first; n++)
		print_round(n, kvmeter_migrate_round(m, n));
}

static void print_vcpu(const struct kvmeter_snap_vm *vm, const struct kvmeter_snap_vcpu *vcpu)
{
	const struct kvmeter_vcpu *v = &vcpu->v;

	printf("  %5u", v->vcpu_id);
	print_figure(14, kvmeter_migrate_is_running(vm), mib(kvmeter_migrate_vcpu_pages(vcpu)), 1);
	print_figure(14, vm->m.nr_rounds > 1, mib(v->round_pages), 1);
	print_figure(12, vm->v.quota_pages, mib(v->share_pages), 1);
	printf(" %9.1f\n", kvmeter_stats_pct(v->throttle_ns, vcpu->elapsed_ns));
}

static void print_vcpus(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
			unsigned int rows)
{
	unsigned int i, nr = vm->nr_vcpus;

	if (!nr)
		return;
	if (rows && nr > rows)
		nr = rows;
	printf("  %5s %14s %14s %12s %9s\n", "VCPU", "THIS-RND(MiB)", "LAST-RND(MiB)",
	       "SHARE(MiB/s)", "THROTTLE%");
	for (i = 0; i < nr; i++)
		print_vcpu(vm, &snap->vcpus[vm->first_vcpu + i]);
	if (nr < vm->nr_vcpus)
		printf("  %5s %u more are not shown\n", "...", vm->nr_vcpus - nr);
}

/* vCPUs have up to half of what is left of a screen, rounds the rest. */
static void share_rows(const struct kvmeter_screen *screen, unsigned int vcpus,
		       unsigned int *rounds, unsigned int *of_vcpus)
{
	unsigned int rows = screen->rows > LINES_OTHER ? screen->rows - LINES_OTHER : 0;

	*rounds = 0;
	*of_vcpus = 0;
	if (!screen->rows)
		return;
	*of_vcpus = rows / 2 > ROWS_MIN ? rows / 2 : ROWS_MIN;
	if (vcpus < *of_vcpus)
		*of_vcpus = vcpus;
	*rounds = rows > *of_vcpus + ROWS_MIN ? rows - *of_vcpus : ROWS_MIN;
}

/**
 * kvmeter_migrate_print_vm - show the migration of a VM, the one on its way or the last one
 * @snap: what happened in an interval
 * @vm: the VM
 * @screen: where it is shown
 */
void kvmeter_migrate_print_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
			      const struct kvmeter_screen *screen)
{
	unsigned int rounds, vcpus;

	share_rows(screen, vm->nr_vcpus, &rounds, &vcpus);
	print_title(snap, vm);
	print_progress(snap, vm, screen);
	print_forecasts(snap, vm);
	print_autopilot(vm);
	print_throttled(snap, vm);
	print_rounds(&vm->m, rounds);
	print_vcpus(snap, vm, vcpus);
}
