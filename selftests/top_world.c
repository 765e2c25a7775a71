// SPDX-License-Identifier: GPL-2.0-only
/* VMs of known contents for the tests of top, to which the same happens in each second. */
#include <string.h>

#include "top_world.h"

#define NS_PER_S 1000000000ULL
#define NS_PER_PCT (NS_PER_S / 100)
#define GEN 7
#define FIRST_NS 1
#define PAGES_PER_MIB 256
#define EXIT_NS 1000
#define WIDE_CHARACTERS 199

/* In the fake map web has slots 0 and 1, and each later VM one more than its number. */
enum vm { WEB, DB, IDLE, RED, WIDE, FIRST_OTHER };

static const char *const names[FIRST_OTHER] = { "web", "db", "idle", "\033[31mred\n", "größe" };

/* Exits of AMD's. */
enum reason { CPUID = 0x72, HLT = 0x78, IOIO = 0x7b };

static void add_vcpu(struct top_world *w, unsigned int slot, unsigned int vm, unsigned int id)
{
	struct kvmeter_vcpu *v = &w->fake->vcpus[slot];

	w->index[slot / 64].vcpus |= 1ULL << (slot % 64);
	v->gen = 1;
	v->vm = vm;
	v->vm_gen = GEN;
	v->vcpu_id = id;
	v->cpu = slot % 8;
	v->node = slot % 2;
	v->nr_rows = 1;
	v->nr_thieves = 1;
	v->first_ns = FIRST_NS;
}

static void add_vm(struct top_world *w, unsigned int n)
{
	struct kvmeter_vm *vm = &w->fake->vms[n];
	static char shown[FIRST_OTHER][64];

	w->index[n / 64].vms |= 1ULL << (n % 64);
	vm->gen = GEN;
	vm->pid = 1000 + n;
	vm->log_state = KVMETER_LOG_OFF;
	vm->nr_vcpus = n == WEB ? 2 : n != IDLE;
	snprintf(vm->id, sizeof(vm->id), "%u-9", vm->pid);
	if (n == WIDE_CHARACTERS) {
		w->names[n] = "京京京京京京京京京京京京京京京京京京京京";
	} else if (n < FIRST_OTHER) {
		kvmeter_escape_text(names[n], shown[n], sizeof(shown[n]));
		w->names[n] = shown[n];
	} else {
		snprintf(w->made[n], sizeof(w->made[n]), "vm-%03u", n);
		w->names[n] = w->made[n];
	}
	if (n == WEB)
		add_vcpu(w, 0, WEB, 0);
	if (n != IDLE)
		add_vcpu(w, n + 1, n, n == WEB);
}

/* Round 2 began a second ago and has 64 MiB, of which 32 are sent in a second. */
static void add_migration(struct top_world *w)
{
	struct kvmeter_migration *m = &w->fake->migrations[WEB];
	struct kvmeter_dirty *d = &w->fake->dirty[WEB];

	w->fake->vms[WEB].log_state = KVMETER_LOG_BITMAP;
	w->fake->vms[WEB].ram_pages = 256 * PAGES_PER_MIB;
	d->gen = GEN;
	d->sync_nr = 2;
	d->round_pages = 64 * PAGES_PER_MIB;
	d->round_ns = 8 * NS_PER_S;
	d->sent_pages = 256 * PAGES_PER_MIB;
	m->gen = GEN;
	m->state = KVMETER_MIGRATION_RUNNING;
	m->nr_rounds = 2;
	m->ram_pages = 256 * PAGES_PER_MIB;
	m->downtime_ns = 300000000;
	m->sent_pages = 256 * PAGES_PER_MIB;
	m->round[0].duration_ns = 8 * NS_PER_S;
	m->round[0].to_send_pages = 256 * PAGES_PER_MIB;
	m->round[0].dirtied_pages = 64 * PAGES_PER_MIB;
	m->round[0].bandwidth_pages = 32 * PAGES_PER_MIB;
	m->round[1].to_send_pages = 64 * PAGES_PER_MIB;
}

static void add_session(struct top_world *w)
{
	struct kvmeter_dirty *d = &w->fake->dirty[DB];
	unsigned int i;

	w->fake->vms[DB].log_state = KVMETER_LOG_DRIVEN;
	d->gen = GEN;
	d->session = KVMETER_SESSION_DRIVEN;
	d->windows = 5;
	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		d->curve[i] = i < 6 ? (i + 1) * PAGES_PER_MIB : KVMETER_CURVE_NONE;
		d->median[i] = d->curve[i];
		d->p95[i] = i < 6 ? (i + 2) * PAGES_PER_MIB : KVMETER_CURVE_NONE;
	}
}

int top_world_init(struct top_world *w, unsigned int nr_vms)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->fake = fake_maps_alloc(&w->maps);
	if (!w->fake)
		return -1;
	w->maps.index = w->index;
	/* its clock stands still: what a vCPU has counted is all that there is */
	w->fake->host.tsc_mult = 0;
	w->fake->host.vendor = KVMETER_VENDOR_SVM;
	w->fake->host.features = KVMETER_FEATURE_THIEF | KVMETER_FEATURE_SYNC;
	w->nr_vms = nr_vms;
	for (i = 0; i < nr_vms; i++)
		add_vm(w, i);
	if (nr_vms > DB) {
		add_migration(w);
		add_session(w);
	}
	return 0;
}

void top_world_put(struct top_world *w)
{
	free(w->fake);
}

static void set_exits(struct top_world *w, unsigned int slot, unsigned int row, __u32 reason,
		      __u64 count)
{
	struct kvmeter_exit *e = &w->fake->exits[slot * KVMETER_EXIT_ROWS + row];
	struct kvmeter_vcpu *v = &w->fake->vcpus[slot];

	v->nr_rows = row + 1;
	v->exits += count;
	e->reason = reason;
	e->level = 1;
	e->count = count;
	e->kernel_ns = count * EXIT_NS;
	e->min_ns = EXIT_NS;
	e->max_ns = EXIT_NS;
	e->hist.bucket[10] = count;
}

static void set_states(struct kvmeter_vcpu *v, __u64 s, unsigned int guest, unsigned int kernel,
		       unsigned int vmm, unsigned int steal, unsigned int throttle)
{
	v->since_ns = FIRST_NS + s * NS_PER_S;
	v->guest_ns = s * guest * NS_PER_PCT;
	v->kernel_ns = s * kernel * NS_PER_PCT;
	v->vmm_ns = s * vmm * NS_PER_PCT;
	v->steal_ns = s * steal * NS_PER_PCT;
	v->throttle_ns = s * throttle * NS_PER_PCT;
	v->halt_ns = s * (100 - guest - kernel - vmm - steal - throttle) * NS_PER_PCT;
	v->state = KVMETER_STATE_GUEST;
	v->exits = 0;
}

static void set_thief(struct top_world *w, unsigned int slot, unsigned int row, __u32 kind,
		      __u64 ns)
{
	struct kvmeter_thief *t = &w->fake->thieves[slot * KVMETER_THIEF_ROWS + row];

	w->fake->vcpus[slot].nr_thieves = row + 1;
	t->kind = kind;
	t->preempt_ns = ns;
	if (kind == KVMETER_THIEF_VM) {
		t->vm = WEB;
		t->vm_gen = GEN;
	} else {
		strcpy(t->comm, "st\ress");
	}
}

static void set_web(struct top_world *w, __u64 s)
{
	unsigned int slot;

	for (slot = 0; slot < 2; slot++) {
		set_states(&w->fake->vcpus[slot], s, 60, 20, 10, 0, 0);
		set_exits(w, slot, 1, CPUID, 2000 * s);
		set_exits(w, slot, 2, IOIO, 1000 * s);
		w->fake->vcpus[slot].write_faults = 128 * s;
	}
	w->fake->dirty[WEB].sync_ns = (s - 1) * NS_PER_S;
	w->fake->migrations[WEB].begin_ns = 0;
	w->fake->migrations[WEB].round[1].begin_ns = (s - 1) * NS_PER_S;
}

static void set_db(struct top_world *w, __u64 s)
{
	set_states(&w->fake->vcpus[2], s, 50, 10, 5, 30, 5);
	set_exits(w, 2, 1, IOIO, 500 * s);
	set_thief(w, 2, 1, KVMETER_THIEF_VM, s * 20 * NS_PER_PCT);
	set_thief(w, 2, 2, KVMETER_THIEF_PROCESS, s * 19 * NS_PER_PCT / 2);
}

static void set_all(struct top_world *w, __u64 s)
{
	unsigned int i;

	set_web(w, s);
	set_db(w, s);
	for (i = RED; i < w->nr_vms; i++) {
		set_states(&w->fake->vcpus[i + 1], s, i % 100, 0, 0, 0, 0);
		set_exits(w, i + 1, 1, HLT, (i % 100) * s);
	}
}

void top_world_take(struct kvmeter_snap *snap, void *arg)
{
	struct top_world *w = arg;
	struct kvmeter_snap_vm *vm;

	w->tick++;
	set_all(w, w->tick);
	kvmeter_snapshot_take(snap, &w->maps, KVMETER_NEED_ROWS | KVMETER_NEED_THIEVES);
	snap->now_ns = w->tick * NS_PER_S;
	for (vm = snap->vms; vm < snap->vms + snap->nr_vms; vm++) {
		vm->name = w->names[vm->slot];
		vm->elapsed_ns = snap->now_ns;
		if (vm->slot == WEB)
			vm->sync_pages = vm->found_pages - 128;
	}
}

void top_world_del_vm(struct top_world *w, unsigned int slot)
{
	w->index[slot / 64].vms &= ~(1ULL << (slot % 64));
	w->fake->vms[slot].gen++;
}
