// SPDX-License-Identifier: GPL-2.0-only
/* Takes note of migrations, of what the autopilot decided in them, and of what VMs dirty. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

static void note_curve(struct kvmeter_html_vm *vm, const struct kvmeter_snap_vm *now)
{
	struct kvmeter_in_force force;

	if (now->d.session == KVMETER_SESSION_NONE || !now->d.windows ||
	    kvmeter_curve_longest(now->d.median) == KVMETER_CURVE_NR)
		return;
	if (!vm->curve)
		vm->curve = malloc(sizeof(*vm->curve));
	if (!vm->curve)
		err(1, "no memory");
	kvmeter_autoconverge_get(now, &force);
	vm->curve->d = now->d;
	vm->curve->ram_pages = now->v.ram_pages;
	vm->curve->downtime_ns = force.downtime_ns;
}

/* Is it of the part that is meant? What is known of the last one stays when it is over. */
static bool is_meant(const struct kvmeter_html *html, const struct kvmeter_migration *m)
{
	if (!m->nr_rounds)
		return false;
	return m->state == KVMETER_MIGRATION_RUNNING ||
		(m->state == KVMETER_MIGRATION_ENDED && m->end_ns >= html->begin_ns);
}

static struct kvmeter_html_migration *find(struct kvmeter_html *html,
					   const struct kvmeter_html_vm *vm, __u64 begin_ns)
{
	struct kvmeter_html_migration *m = html->migrations;

	for (; m < html->migrations + html->nr_migrations; m++) {
		if (m->vm == vm && m->snap_vm.m.begin_ns == begin_ns)
			return m;
	}
	return NULL;
}

static struct kvmeter_html_migration *add(struct kvmeter_html *html,
					  const struct kvmeter_html_vm *vm)
{
	struct kvmeter_html_migration *m = html->migrations;

	if (html->nr_migrations == KVMETER_HTML_MIGRATIONS) {
		html->migrations_lost++;
		html->nr_migrations--;
		memmove(m, m + 1, html->nr_migrations * sizeof(*m));
	}
	m += html->nr_migrations++;
	memset(m, 0, sizeof(*m));
	m->vm = vm;
	return m;
}

static bool is_same(const struct kvmeter_migration *l, const struct kvmeter_migration *r)
{
	return l->mode == r->mode && l->why == r->why && l->would_pages == r->would_pages &&
		l->autopilot_pages == r->autopilot_pages;
}

static void note_decision(struct kvmeter_html_migration *to, const struct kvmeter_migration *m,
			  __u64 now_ns)
{
	struct kvmeter_html_decision *d = to->decisions;

	if (to->nr_decisions && is_same(&to->snap_vm.m, m))
		return;
	if (to->nr_decisions++ >= KVMETER_HTML_DECISIONS)
		return;
	d += to->nr_decisions - 1;
	d->time_ns = m->decided_ns ? m->decided_ns : now_ns;
	d->round = m->nr_rounds;
	d->mode = m->mode;
	d->why = m->why;
	d->would_pages = m->would_pages;
	d->autopilot_pages = m->autopilot_pages;
}

static void note_migration(struct kvmeter_html *html, const struct kvmeter_html_vm *vm,
			   const struct kvmeter_snap_vm *now, __u64 now_ns)
{
	struct kvmeter_html_migration *m;

	if (!is_meant(html, &now->m))
		return;
	m = find(html, vm, now->m.begin_ns);
	if (!m)
		m = add(html, vm);
	note_decision(m, &now->m, now_ns);
	m->now_ns = now_ns;
	m->snap_vm = *now;
}

/**
 * kvmeter_html_moves_note - take note of what a snapshot has of migrations and dirty memory
 * @html: the page
 * @snap: the snapshot
 */
void kvmeter_html_moves_note(struct kvmeter_html *html, const struct kvmeter_snap *snap)
{
	const struct kvmeter_snap_vm *now;
	struct kvmeter_html_vm *vm;

	for (now = snap->vms; now < snap->vms + snap->nr_vms; now++) {
		vm = kvmeter_html_find_vm(html, now->slot, now->v.gen);
		if (!vm)
			continue;
		note_curve(vm, now);
		note_migration(html, vm, now, snap->now_ns);
	}
}
