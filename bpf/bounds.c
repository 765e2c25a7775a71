// SPDX-License-Identifier: GPL-2.0-only
/* What is used as an index or a length, or is printed, is made one, whatever a map or a file says.
 */
#include <ctype.h>

#include "reader.h"

/**
 * kvmeter_bounds_vm - make the id one that can be printed
 * @vm: copy of a slot
 *
 * A module that is sane only writes digits, letters and dashes there.
 */
void kvmeter_bounds_vm(struct kvmeter_vm *vm)
{
	char *c;

	vm->id[KVMETER_NAME_LEN - 1] = '\0';
	for (c = vm->id; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '-')
			*c = '?';
	}
}

/**
 * kvmeter_bounds_dirty - bound the lengths in what is known of dirty pages
 * @d: a copy
 */
void kvmeter_bounds_dirty(struct kvmeter_dirty *d)
{
	if (d->windows > KVMETER_WINDOWS)
		d->windows = KVMETER_WINDOWS;
}

/**
 * kvmeter_bounds_vcpu - bound the lengths and the state of a vCPU
 * @v: copy of a slot
 */
void kvmeter_bounds_vcpu(struct kvmeter_vcpu *v)
{
	if (v->nr_rows < 1)
		v->nr_rows = 1;
	if (v->nr_rows > KVMETER_EXIT_ROWS)
		v->nr_rows = KVMETER_EXIT_ROWS;
	if (v->nr_subs > KVMETER_SUB_ROWS)
		v->nr_subs = KVMETER_SUB_ROWS;
	if (v->nr_thieves > KVMETER_THIEF_ROWS)
		v->nr_thieves = KVMETER_THIEF_ROWS;
	if (v->state >= KVMETER_STATE_NR)
		v->state = KVMETER_STATE_KERNEL;
}

/**
 * kvmeter_bounds_thieves - bound the kinds of thieves, and end their names
 * @thieves: copies of rows
 * @nr: how many
 */
void kvmeter_bounds_thieves(struct kvmeter_thief *thieves, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (thieves[i].kind >= KVMETER_THIEF_NR)
			thieves[i].kind = KVMETER_THIEF_OTHER;
		thieves[i].comm[KVMETER_COMM_LEN - 1] = '\0';
	}
}
