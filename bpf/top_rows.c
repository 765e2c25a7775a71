// SPDX-License-Identifier: GPL-2.0-only
/* The rows of top: the figures of a VM or a vCPU, from the functions that the other views have. */
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "top.h"

static void set_reason(struct kvmeter_top_row *row, const struct kvmeter_sum *sum)
{
	char buf[KVMETER_REASON_MAX];

	if (!sum->nr_rows || !sum->rows->e.count)
		return;
	snprintf(row->reason, sizeof(row->reason), "%s",
		 kvmeter_table_reason(sum->rows, buf, sizeof(buf)));
	row->reason_pct = kvmeter_stats_pct(sum->rows->e.count, sum->v.exits);
}

static void set_thief(struct kvmeter_top_row *row, const struct kvmeter_sum *sum,
		      unsigned int first_vcpu, unsigned int nr_vcpus)
{
	struct kvmeter_thief_sum *list;
	unsigned int nr;

	list = kvmeter_thieves_sum(row->snap, first_vcpu, nr_vcpus, true, &nr);
	if (nr && kvmeter_thieves_get_time(&list->t)) {
		row->has_thief = true;
		row->thief = *list;
		row->thief_pct =
			kvmeter_stats_pct(kvmeter_thieves_get_time(&list->t), sum->elapsed_ns);
	}
	free(list);
}

static void set_progress(struct kvmeter_top_row *row)
{
	struct kvmeter_live live;

	row->done = -1;
	if (kvmeter_migrate_live(row->vm, row->snap->now_ns, &live, &row->done) && live.round_known)
		return;
	row->done = -1;
}

/**
 * kvmeter_top_row_make - find out the figures of a row
 * @row: filled; of use as long as @snap is
 * @snap: what they are of
 * @vm: the VM
 * @vcpu: its vCPU; NULL: all of them
 */
void kvmeter_top_row_make(struct kvmeter_top_row *row, const struct kvmeter_snap *snap,
			  const struct kvmeter_snap_vm *vm, const struct kvmeter_snap_vcpu *vcpu)
{
	unsigned int first = vcpu ? (unsigned int)(vcpu - snap->vcpus) : vm->first_vcpu;
	unsigned int nr = vcpu ? 1 : vm->nr_vcpus;
	struct kvmeter_subject s = { .snap = snap, .vm = vm, .vcpu = vcpu };

	memset(row, 0, sizeof(*row));
	row->snap = snap;
	row->vm = vm;
	row->vcpu = vcpu;
	kvmeter_sum_vcpus(&s.sum, snap, first, nr, false);
	row->has_shares = kvmeter_ledger_get_shares(&s.sum.v, row->tenths);
	row->exits_s = s.sum.exits_s;
	set_reason(row, &s.sum);
	row->dirty_bytes_s = kvmeter_dirty_bytes_s(&s);
	set_thief(row, &s.sum, first, nr);
	set_progress(row);
	kvmeter_sum_put(&s.sum);
}
