// SPDX-License-Identifier: GPL-2.0-only
/* VMs that do what busy ones do: exits for a dozen reasons, steal, wake-ups, dirty pages. */
#include <string.h>

#include "busy_host.h"

#define NS_PER_S 1000000000ULL
#define REASONS 12
#define SUBS 24
#define THIEVES 6

int busy_host_init(struct busy_host *host)
{
	struct kvmeter_vcpu *v;
	struct kvmeter_vm *vm;
	unsigned int i, row;

	memset(host, 0, sizeof(*host));
	host->seed = 1;
	host->fake = fake_maps_alloc(&host->maps);
	if (!host->fake)
		return -1;
	host->fake->host.vendor = KVMETER_VENDOR_SVM;
	host->fake->host.features = KVMETER_FEATURE_DIRTY | KVMETER_FEATURE_SUB |
		KVMETER_FEATURE_THIEF | KVMETER_FEATURE_SYNC | KVMETER_FEATURE_QUOTA;
	host->fake->index.vms = (1 << BUSY_VMS) - 1;
	host->fake->index.vcpus = (1 << BUSY_VCPUS) - 1;
	for (i = 0; i < BUSY_VMS; i++) {
		vm = &host->fake->vms[i];
		vm->gen = 1;
		vm->pid = 100 + i;
		vm->nr_vcpus = i < 2 ? 2 : 1;
		vm->log_state = i ? KVMETER_LOG_OFF : KVMETER_LOG_BITMAP;
		vm->first_ns = BUSY_BEGIN_NS - 100 * NS_PER_S;
		sprintf(vm->id, "%u-9", vm->pid);
		vm->ram_pages = 1 << 20;
	}
	/* one of them is being migrated, and has a quota */
	host->fake->vms[0].quota_pages = 25600;
	host->fake->migrations[0].gen = 1;
	host->fake->migrations[0].state = KVMETER_MIGRATION_RUNNING;
	host->fake->migrations[0].nr_rounds = 2;
	host->fake->migrations[0].round[0].duration_ns = NS_PER_S;
	for (i = 0; i < BUSY_VCPUS; i++) {
		v = &host->fake->vcpus[i];
		v->gen = 1;
		v->vm = i / 2;
		v->vm_gen = 1;
		v->vcpu_id = i % 2;
		v->tid = 200 + i;
		v->nr_rows = REASONS;
		v->nr_subs = SUBS;
		v->nr_thieves = THIEVES;
		for (row = 0; row < REASONS; row++) {
			host->fake->exits[i * KVMETER_EXIT_ROWS + row].reason = 0x60 + row;
			host->fake->exits[i * KVMETER_EXIT_ROWS + row].level = row ? 1 : 0;
			host->fake->exits[i * KVMETER_EXIT_ROWS + row].min_ns = ~0ULL;
		}
	}
	busy_host_run(host, 100 * NS_PER_S);
	host->now_ns = 0;
	return 0;
}

void busy_host_put(struct busy_host *host)
{
	free(host->fake);
}

/* Numbers that have no pattern a compressor could find. */
static __u64 draw(struct busy_host *host, __u64 below)
{
	host->seed = host->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return below ? (host->seed >> 20) % below : 0;
}

/* Some @nr of times spread over a few buckets from @first on; Return: their sum */
static __u64 add_times(struct busy_host *host, struct kvmeter_hist *hist, unsigned int first,
		       __u64 nr)
{
	__u64 ns = 0, some;
	unsigned int i;

	for (i = first; i < first + 7; i++) {
		some = i < first + 6 ? draw(host, nr + 1) : nr;
		hist->bucket[i] += some;
		nr -= some;
		ns += some * (3ULL << (i - 2)) + draw(host, some + 1);
	}
	return ns;
}

static void run_rows(struct busy_host *host, unsigned int slot, __u64 ns)
{
	struct kvmeter_exit *rows = &host->fake->exits[slot * KVMETER_EXIT_ROWS], *e;
	struct kvmeter_vcpu *v = &host->fake->vcpus[slot];
	__u64 nr, handled_ns;

	for (e = rows + 1; e < rows + REASONS; e++) {
		nr = draw(host, 1 + ns / 300000 / (e - rows));
		handled_ns = add_times(host, &e->hist, 8 + (e - rows) % 4, nr);
		e->count += nr;
		e->kernel_ns += handled_ns / 2;
		e->vmm_ns += handled_ns - handled_ns / 2;
		e->user_exits += nr / 3;
		e->min_ns = 130;
		e->max_ns = 900000;
		v->exits += nr;
		v->user_exits += nr / 3;
		v->kernel_ns += handled_ns / 2;
		v->vmm_ns += handled_ns - handled_ns / 2;
		v->user_exit[2] += nr / 3;
		v->user_ns[2] += handled_ns - handled_ns / 2;
	}
}

static void run_subs(struct busy_host *host, unsigned int slot, __u64 ns)
{
	struct kvmeter_sub *subs = &host->fake->subs[slot * KVMETER_SUB_ROWS];
	unsigned int i;
	__u64 nr;

	for (i = 0; i < SUBS; i++) {
		nr = draw(host, 1 + ns / 1000000 / (i + 1));
		subs[i].kind = KVMETER_SUB_MSR_WRITE;
		subs[i].value = 0x800 + i;
		subs[i].count += nr;
		subs[i].kernel_ns += nr * 900 + draw(host, nr + 1);
	}
}

static void run_thieves(struct busy_host *host, unsigned int slot, __u64 ns)
{
	struct kvmeter_thief *thieves = &host->fake->thieves[slot * KVMETER_THIEF_ROWS], *t;
	struct kvmeter_vcpu *v = &host->fake->vcpus[slot];
	__u64 steal_ns;

	for (t = thieves; t < thieves + THIEVES; t++) {
		steal_ns = draw(host, ns / 200);
		t->kind = t == thieves ? KVMETER_THIEF_OTHER : KVMETER_THIEF_PROCESS;
		sprintf(t->comm, "kworker,%u", (unsigned int)(t - thieves));
		t->preempt_ns += steal_ns / 3;
		t->wakeup_ns += steal_ns - steal_ns / 3;
		v->steal_ns += steal_ns;
		v->steal_nr += 1 + draw(host, 50);
	}
	v->run_delay_ns += v->steal_ns / 100;
}

void busy_host_run(struct busy_host *host, __u64 ns)
{
	struct kvmeter_vcpu *v;
	unsigned int slot;
	__u64 nr;

	host->now_ns += ns;
	for (slot = 0; slot < BUSY_VCPUS; slot++) {
		v = &host->fake->vcpus[slot];
		run_rows(host, slot, ns);
		run_subs(host, slot, ns);
		run_thieves(host, slot, ns);
		nr = draw(host, 1 + ns / 1000000);
		add_times(host, &v->steal_hist, 12, nr / 2);
		v->wakeups += nr;
		v->wakeup_lat_ns += add_times(host, &v->wakeup_lat_hist, 10, nr);
		v->irq_injections += nr;
		v->halt_wakeup += nr;
		v->halt_attempted_poll += nr;
		v->halt_successful_poll += draw(host, nr + 1);
		v->halt_ns += draw(host, ns / 3);
		v->guest_ns += draw(host, ns / 2);
		v->cpu_moves += draw(host, 20);
		v->cpu = draw(host, 64);
		v->pml_pages += draw(host, 1 + ns / 100000);
		v->write_faults += draw(host, 1 + ns / 1000000);
	}
}

void busy_host_take(struct busy_host *host, struct kvmeter_snap *snap)
{
	static const char *const names[BUSY_VMS] = { "web", "db,1", "a \"b\"" };
	unsigned int i;

	kvmeter_snapshot_take(snap, &host->maps,
			      KVMETER_NEED_ROWS | KVMETER_NEED_SUBS | KVMETER_NEED_THIEVES);
	snap->now_ns = BUSY_BEGIN_NS + host->now_ns;
	snap->real_ns = BUSY_BEGIN_REAL_NS + host->now_ns;
	for (i = 0; i < snap->nr_vms; i++) {
		snap->vms[i].name = names[snap->vms[i].slot];
		snap->vms[i].elapsed_ns = snap->now_ns - snap->vms[i].v.first_ns;
	}
	for (i = 0; i < snap->nr_vcpus; i++)
		snap->vcpus[i].elapsed_ns = host->now_ns + 100 * NS_PER_S;
}
