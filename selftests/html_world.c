// SPDX-License-Identifier: GPL-2.0-only
/* VMs of known contents for the tests of the page. */
#include <string.h>

#include "html_world.h"

#define VCPUS 2
#define ROWS 2
#define THIEVES 4
#define GIB_PAGES 262144ULL

/* Some of them in a row are longer than there is room for in any heading, and without a blank. */
#define UNBROKEN "a_name_that_cannot_be_broken_and_would_run_out_of_whatever_it_is_in_"

static const char *get_name(unsigned int vm)
{
	static const char *const names[] = { HTML_WORLD_NAME, "größe & \"co\"", "",
					     UNBROKEN UNBROKEN UNBROKEN };
	static char made[512][16];

	if (vm < sizeof(names) / sizeof(*names) && *names[vm])
		return names[vm];
	sprintf(made[vm], "vm-%03u", vm);
	return made[vm];
}

static void fill_migration(struct kvmeter_migration *m, unsigned int n)
{
	unsigned int i;

	m->gen = 1;
	m->state = n < HTML_WORLD_ROUNDS ? KVMETER_MIGRATION_RUNNING : KVMETER_MIGRATION_ENDED;
	m->nr_rounds = n < HTML_WORLD_ROUNDS ? n : HTML_WORLD_ROUNDS;
	m->begin_ns = HTML_WORLD_BEGIN_NS + HTML_WORLD_STEP_NS;
	m->end_ns = n < HTML_WORLD_ROUNDS
		? 0
		: HTML_WORLD_BEGIN_NS + HTML_WORLD_ROUNDS * HTML_WORLD_STEP_NS;
	m->ram_pages = GIB_PAGES;
	m->mode = KVMETER_AUTOCONVERGE_ON;
	m->downtime_ns = 300000000;
	m->why = n < 3			? KVMETER_WHY_FIRST_ROUND
		: n < HTML_WORLD_ROUNDS ? KVMETER_WHY_HOLD
					: KVMETER_WHY_ENDED;
	m->decided_ns = HTML_WORLD_BEGIN_NS + (n < 3 ? 1 : 3) * HTML_WORLD_STEP_NS;
	m->autopilot_pages = m->why == KVMETER_WHY_HOLD ? 5120 : 0;
	m->would_pages = m->autopilot_pages;
	for (i = 0; i < m->nr_rounds; i++) {
		m->round[i].begin_ns = m->begin_ns + i * HTML_WORLD_STEP_NS;
		m->round[i].duration_ns = i + 1 < m->nr_rounds ? HTML_WORLD_STEP_NS : 0;
		m->round[i].to_send_pages = GIB_PAGES >> i;
		m->round[i].dirtied_pages = m->round[i].duration_ns ? GIB_PAGES >> (i + 1) : 0;
		m->round[i].bandwidth_pages = m->round[i].duration_ns ? (GIB_PAGES >> i) / 5 : 0;
		m->round[i].quota_pages = i > 1 ? 5120 : 0;
		m->round[i].throttle_ns = i > 1 ? 250000000 : 0;
		m->sent_pages += m->round[i].duration_ns ? GIB_PAGES >> i : 0;
	}
}

static void fill_dirty(struct kvmeter_dirty *d, unsigned int n)
{
	unsigned int i;

	d->gen = 1;
	d->session = KVMETER_SESSION_DRIVEN;
	d->windows = n < 200 ? n : 200;
	d->update_ns = HTML_WORLD_BEGIN_NS + n * HTML_WORLD_STEP_NS;
	d->interval_ns = 125000000;
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		d->median[i] = i < 9 ? 2560 * (i + 1) : KVMETER_CURVE_NONE;
		d->p95[i] = i < 9 ? 3840 * (i + 1) : KVMETER_CURVE_NONE;
		d->curve[i] = i < 9 ? 2000 * (i + 1) : KVMETER_CURVE_NONE;
	}
}

static void add_vm(struct kvmeter_snap *snap, unsigned int vm, unsigned int n)
{
	struct kvmeter_snap_vm *to;

	snap->vms = kvmeter_array_grow(snap->vms, &snap->room_vms, snap->nr_vms + 1, sizeof(*to));
	to = &snap->vms[snap->nr_vms++];
	memset(to, 0, sizeof(*to));
	to->slot = vm;
	to->name = get_name(vm);
	to->v.gen = 1;
	to->v.pid = 1000 + vm;
	to->v.nr_vcpus = VCPUS;
	to->v.ram_pages = GIB_PAGES;
	to->v.first_ns = HTML_WORLD_BEGIN_NS - HTML_WORLD_STEP_NS;
	sprintf(to->v.id, "%u-9", to->v.pid);
	to->elapsed_ns = (n + 1) * HTML_WORLD_STEP_NS;
	if (vm)
		return;
	if (n)
		fill_migration(&to->m, n);
	fill_dirty(&to->d, n);
}

static void add_rows(struct kvmeter_snap *snap, struct kvmeter_snap_vcpu *vcpu, __u64 steps)
{
	struct kvmeter_exit *e;

	vcpu->first_row = snap->nr_rows;
	vcpu->nr_rows = ROWS;
	snap->rows = kvmeter_array_grow(snap->rows, &snap->room_rows, snap->nr_rows + ROWS,
					sizeof(*snap->rows));
	e = &snap->rows[snap->nr_rows];
	snap->nr_rows += ROWS;
	memset(e, 0, ROWS * sizeof(*e));
	e[0].min_ns = ~0ULL;
	e[1].reason = 0x72;
	e[1].level = 1;
	e[1].count = 505 * steps;
	e[1].min_ns = 1024;
	e[1].hist.bucket[11] = 500 * steps;
	e[1].hist.bucket[21] = 5 * steps;
}

static void set_thief(struct kvmeter_thief *t, __u32 kind, __u64 ns)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->preempt_ns = ns;
}

static void add_thieves(struct kvmeter_snap *snap, struct kvmeter_snap_vcpu *vcpu, __u64 ns)
{
	struct kvmeter_thief *t;

	vcpu->first_thief = snap->nr_thieves;
	vcpu->nr_thieves = THIEVES;
	snap->thieves = kvmeter_array_grow(snap->thieves, &snap->room_thieves,
					   snap->nr_thieves + THIEVES, sizeof(*snap->thieves));
	t = &snap->thieves[snap->nr_thieves];
	snap->nr_thieves += THIEVES;
	set_thief(&t[0], KVMETER_THIEF_OTHER, 0);
	set_thief(&t[1], KVMETER_THIEF_VM, vcpu->v.vm ? ns / 100 * 4 : 0);
	t[1].vm_gen = 1;
	set_thief(&t[2], KVMETER_THIEF_PROCESS, ns / 100 * (vcpu->v.vm ? 5 : 9));
	strcpy(t[2].comm, HTML_WORLD_COMM);
	set_thief(&t[3], KVMETER_THIEF_KTHREAD, ns / 1000 * 5);
	vcpu->unexplained_ns = ns / 1000 * 5;
}

static void add_vcpu(struct kvmeter_snap *snap, unsigned int vm, unsigned int id, unsigned int n)
{
	__u64 steps = n + 1, ns = steps * HTML_WORLD_STEP_NS;
	struct kvmeter_snap_vcpu *to;

	snap->vcpus =
		kvmeter_array_grow(snap->vcpus, &snap->room_vcpus, snap->nr_vcpus + 1, sizeof(*to));
	to = &snap->vcpus[snap->nr_vcpus++];
	memset(to, 0, sizeof(*to));
	to->slot = vm * VCPUS + id;
	to->elapsed_ns = ns;
	to->v.gen = 1;
	to->v.vm = vm;
	to->v.vm_gen = 1;
	to->v.vcpu_id = id;
	to->v.nr_rows = ROWS;
	to->v.nr_thieves = THIEVES;
	to->v.exits = 505 * steps;
	to->v.guest_ns = ns / 1000 * (400 - vm);
	to->v.kernel_ns = ns / 100 * 10;
	to->v.vmm_ns = ns / 100 * 15;
	to->v.halt_ns = ns / 1000 * (200 + vm);
	to->v.steal_ns = ns / 100 * 10;
	to->v.throttle_ns = ns / 100 * 5;
	to->v.first_ns = HTML_WORLD_BEGIN_NS - HTML_WORLD_STEP_NS;
	to->v.since_ns = to->v.first_ns + ns;
	add_rows(snap, to, steps);
	add_thieves(snap, to, ns);
}

void html_world_take(struct kvmeter_snap *snap, unsigned int n, unsigned int nr_vms)
{
	unsigned int vm, id;

	if (nr_vms > 2 && n >= HTML_WORLD_GONE)
		nr_vms--;
	kvmeter_snapshot_clear(snap);
	snap->now_ns = HTML_WORLD_BEGIN_NS + n * HTML_WORLD_STEP_NS;
	snap->real_ns = HTML_WORLD_BEGIN_REAL_NS + n * HTML_WORLD_STEP_NS;
	snap->host.abi = KVMETER_ABI;
	snap->host.vendor = KVMETER_VENDOR_SVM;
	snap->host.features = KVMETER_FEATURE_THIEF | KVMETER_FEATURE_DIRTY;
	for (vm = 0; vm < nr_vms; vm++)
		add_vm(snap, vm, n);
	for (vm = 0; vm < nr_vms; vm++) {
		for (id = 0; id < VCPUS; id++)
			add_vcpu(snap, vm, id, n);
	}
	kvmeter_snapshot_link(snap, nr_vms * VCPUS);
}
