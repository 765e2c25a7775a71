// SPDX-License-Identifier: GPL-2.0-only
/* A migration of known contents, in its second round, and what the reader tells of it. */
#include "reader_migration.h"

static void begin_rounds(struct reader_case *c)
{
	c->d->gen = 7;
	c->d->sync_nr = 2;
	c->d->sync_ns = 9 * NS_PER_S;
	c->d->sync_pages = 64 * PAGES_PER_MIB;
	c->d->round_pages = 64 * PAGES_PER_MIB;
	c->d->round_ns = 8 * NS_PER_S;
	c->d->sent_pages = 256 * PAGES_PER_MIB;
	c->m->round[0] = (struct kvmeter_round){
		.begin_ns = NS_PER_S,
		.duration_ns = 8 * NS_PER_S,
		.to_send_pages = 256 * PAGES_PER_MIB,
		.dirtied_pages = 64 * PAGES_PER_MIB,
		.bandwidth_pages = 32 * PAGES_PER_MIB,
	};
	c->m->round[1] = (struct kvmeter_round){
		.begin_ns = 9 * NS_PER_S,
		.to_send_pages = 64 * PAGES_PER_MIB,
	};
}

int reader_migration_init(struct reader_case *c)
{
	unsigned int i;

	if (reader_case_init(c))
		return -1;
	c->fake->host.features = KVMETER_FEATURE_SYNC | KVMETER_FEATURE_QUOTA;
	for (i = 3; i <= 6; i++)
		c->fake->vms[i].ram_pages = 256 * PAGES_PER_MIB;
	c->fake->vcpus[0].pml_pages = 70 * PAGES_PER_MIB;
	c->fake->vcpus[0].pml_dups = 6 * PAGES_PER_MIB;
	c->fake->vcpus[0].round_from_pages = 64 * PAGES_PER_MIB;
	c->fake->vcpus[0].round_pages = 64 * PAGES_PER_MIB;
	c->m->gen = 7;
	c->m->state = KVMETER_MIGRATION_RUNNING;
	c->m->nr_rounds = 2;
	c->m->mode = KVMETER_AUTOCONVERGE_ON;
	c->m->why = KVMETER_WHY_BY_ITSELF;
	c->m->begin_ns = NS_PER_S;
	c->m->ram_pages = 256 * PAGES_PER_MIB;
	c->m->downtime_ns = 300000000;
	c->m->sent_pages = 256 * PAGES_PER_MIB;
	c->m->bandwidth_pages = 32 * PAGES_PER_MIB;
	begin_rounds(c);
	c->report.vm = 0;
	return 0;
}

void reader_migration_pass(struct reader_case *c)
{
	struct kvmeter_vcpu *v = &c->fake->vcpus[0];

	reader_case_take(c, 0, 9 * NS_PER_S);
	v->write_faults += 16 * PAGES_PER_MIB;
	if (c->fake->vms[3].quota_pages) {
		v->throttle_ns += NS_PER_S / 4;
		v->throttle_nr += 300;
	}
	reader_case_take(c, 1, 10 * NS_PER_S);
	reader_case_subtract(c);
}

void reader_migration_print_text(const struct reader_case *c)
{
	kvmeter_migrate_print_vm(&c->delta, &c->delta.vms[c->report.vm], &c->screen);
}

void reader_migration_print_list(const struct reader_case *c)
{
	kvmeter_migrate_print_list(&c->report);
}

void reader_migration_print_json(const struct reader_case *c)
{
	kvmeter_migrate_print_json(&c->report);
}
