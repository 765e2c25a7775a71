// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thieves: what steal remains unexplained, differences, sums over vCPUs, and their names.
 *
 * A wait is blamed when it ends, or when the waiting thread is moved. So thieves are only compared
 * with steal_ns as the module left it, which has the waits that have ended, and what is missing
 * there is counted from the beginning on: between two times it can only grow.
 */
#include <stdlib.h>
#include <string.h>

#include "steal.h"

/**
 * kvmeter_thieves_get_time - steal that a thief is to blame for
 * @t: the thief
 *
 * Return: in ns.
 */
__u64 kvmeter_thieves_get_time(const struct kvmeter_thief *t)
{
	return t->preempt_ns + t->wakeup_ns;
}

/**
 * kvmeter_thieves_get_unexplained - steal that no thief is to blame for
 * @thieves: all thieves of a vCPU
 * @nr: how many
 * @steal_ns: its steal, without the wait in progress
 *
 * Return: in ns; 0 if they took more, which they may have of a wait in progress that was moved.
 */
__u64 kvmeter_thieves_get_unexplained(const struct kvmeter_thief *thieves, unsigned int nr,
				      __u64 steal_ns)
{
	__u64 blamed_ns = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		blamed_ns += kvmeter_thieves_get_time(&thieves[i]);
	return steal_ns > blamed_ns ? steal_ns - blamed_ns : 0;
}

/* Of the fields besides kind each kind has its own; what others have there says nothing. */
static int compare_keys(const void *a, const void *b)
{
	const struct kvmeter_thief *l = a, *r = b;

	if (l->kind != r->kind)
		return l->kind < r->kind ? -1 : 1;
	if (l->kind == KVMETER_THIEF_PROCESS)
		return strncmp(l->comm, r->comm, KVMETER_COMM_LEN);
	if (l->kind != KVMETER_THIEF_VM)
		return 0;
	if (l->vm != r->vm)
		return l->vm < r->vm ? -1 : 1;
	return (l->vm_gen > r->vm_gen) - (l->vm_gen < r->vm_gen);
}

static const struct kvmeter_thief *find_thief(const struct kvmeter_thief *what,
					      const struct kvmeter_thief *thieves, unsigned int nr,
					      unsigned int most_likely)
{
	unsigned int i, at;

	for (i = 0; i < nr; i++) {
		at = (most_likely + i) % nr;
		if (!compare_keys(what, &thieves[at]))
			return &thieves[at];
	}
	return NULL;
}

/**
 * kvmeter_thieves_subtract - what a vCPU's thieves took in between
 * @cur: the later ones, replaced by the result
 * @nr: how many
 * @prev: the earlier ones
 * @prev_nr: how many
 */
void kvmeter_thieves_subtract(struct kvmeter_thief *cur, unsigned int nr,
			      const struct kvmeter_thief *prev, unsigned int prev_nr)
{
	const struct kvmeter_thief *before;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		before = find_thief(&cur[i], prev, prev_nr, i);
		if (before)
			kvmeter_fields_subtract(KVMETER_RECORD_THIEF, &cur[i], before);
	}
}

/* Most first. Sums of the same time stay in the order of their keys. */
static int compare_times(const void *a, const void *b)
{
	const struct kvmeter_thief_sum *l = a, *r = b;
	__u64 l_ns = kvmeter_thieves_get_time(&l->t), r_ns = kvmeter_thieves_get_time(&r->t);

	if (l_ns != r_ns)
		return l_ns > r_ns ? -1 : 1;
	return compare_keys(&l->t, &r->t);
}

static void set_thief(struct kvmeter_thief_sum *sum, const struct kvmeter_thief *t,
		      const struct kvmeter_snap *snap, bool fold_gone)
{
	sum->t = *t;
	sum->vm = NULL;
	if (t->kind != KVMETER_THIEF_VM)
		return;
	sum->vm = kvmeter_snapshot_find_vm(snap, t->vm, t->vm_gen);
	if (!sum->vm && fold_gone) {
		sum->t.vm = 0;
		sum->t.vm_gen = 0; /* no VM has this gen, it is even */
	}
}

/* Those with the same key, which are neighbours, become one. Return: how many are left. */
static unsigned int fold_thieves(struct kvmeter_thief_sum *list, unsigned int nr)
{
	unsigned int from, to = 0;

	for (from = 1; from < nr; from++) {
		if (compare_keys(&list[to].t, &list[from].t))
			list[++to] = list[from];
		else
			kvmeter_fields_add(KVMETER_RECORD_THIEF, &list[to].t, &list[from].t);
	}
	return nr ? to + 1 : 0;
}

/**
 * kvmeter_thieves_sum - add up the thieves of vCPUs [first_vcpu, first_vcpu + nr_vcpus)
 * @snap: where they are
 * @first_vcpu: index of the first
 * @nr_vcpus: how many
 * @fold_gone: VMs that are gone become one
 * @nr: how many thieves there are
 *
 * Return: the thieves, most first, to be released with free(). One that is a VM is known by slot
 * and gen: another VM that has the slot by now is never taken for it.
 */
struct kvmeter_thief_sum *kvmeter_thieves_sum(const struct kvmeter_snap *snap,
					      unsigned int first_vcpu, unsigned int nr_vcpus,
					      bool fold_gone, unsigned int *nr)
{
	const struct kvmeter_snap_vcpu *vcpu;
	struct kvmeter_thief_sum *list = NULL;
	unsigned int i, thief, room = 0;

	*nr = 0;
	for (i = first_vcpu; i < first_vcpu + nr_vcpus; i++) {
		vcpu = &snap->vcpus[i];
		list = kvmeter_array_grow(list, &room, *nr + vcpu->nr_thieves, sizeof(*list));
		for (thief = 0; thief < vcpu->nr_thieves; thief++)
			set_thief(&list[(*nr)++], &snap->thieves[vcpu->first_thief + thief], snap,
				  fold_gone);
	}
	if (!*nr)
		return list;
	/* The key is the first member. */
	qsort(list, *nr, sizeof(*list), compare_keys);
	*nr = fold_thieves(list, *nr);
	qsort(list, *nr, sizeof(*list), compare_times);
	return list;
}

/**
 * kvmeter_thieves_sum_kinds - add up thieves by kind
 * @list: the thieves
 * @nr: how many
 * @kinds: the sums, by enum kvmeter_thief_kind
 */
void kvmeter_thieves_sum_kinds(const struct kvmeter_thief_sum *list, unsigned int nr,
			       struct kvmeter_thief *kinds)
{
	unsigned int i;

	memset(kinds, 0, KVMETER_THIEF_NR * sizeof(*kinds));
	for (i = 0; i < nr; i++)
		kvmeter_fields_add(KVMETER_RECORD_THIEF, &kinds[list[i].t.kind], &list[i].t);
}

static void label_vm(const struct kvmeter_snap_vm *vm, const struct kvmeter_snap *snap, char *buf,
		     size_t size)
{
	if (!vm)
		snprintf(buf, size, "vm (gone)");
	else if (kvmeter_select_is_unique(snap, vm))
		snprintf(buf, size, "vm %s", vm->name);
	else
		snprintf(buf, size, "vm %s (%s)", vm->name, vm->v.id);
}

/**
 * kvmeter_thieves_label - how a thief is shown
 * @sum: the thief
 * @snap: that it is of
 * @buf: where it is written; safe to show
 * @size: bytes there, KVMETER_LABEL_MAX
 */
void kvmeter_thieves_label(const struct kvmeter_thief_sum *sum, const struct kvmeter_snap *snap,
			   char *buf, size_t size)
{
	static const char *const words[KVMETER_THIEF_NR] = {
		[KVMETER_THIEF_OTHER] = "other",
		[KVMETER_THIEF_OWN_VCPU] = "own vCPUs",
		[KVMETER_THIEF_OWN_VMM] = "own VMM threads",
		[KVMETER_THIEF_KTHREAD] = "kernel threads",
		[KVMETER_THIEF_LIMIT] = "own CPU limit",
		[KVMETER_THIEF_IDLE] = "idle CPU",
	};
	char comm[4 * KVMETER_COMM_LEN];

	if (sum->t.kind == KVMETER_THIEF_VM) {
		label_vm(sum->vm, snap, buf, size);
	} else if (sum->t.kind == KVMETER_THIEF_PROCESS) {
		kvmeter_escape_text(sum->t.comm, comm, sizeof(comm));
		snprintf(buf, size, "process %s", comm);
	} else {
		snprintf(buf, size, "%s", words[sum->t.kind]);
	}
}
