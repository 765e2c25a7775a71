// SPDX-License-Identifier: GPL-2.0-only
/* Adds up who took time from which VM. */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "steal.h"

static const struct {
	enum kvmeter_html_thief thief;
	const char *word;
} kinds[KVMETER_THIEF_NR] = {
	[KVMETER_THIEF_OTHER] = { KVMETER_HTML_OTHER, "other" },
	[KVMETER_THIEF_VM] = { KVMETER_HTML_GONE, "VMs gone" },
	[KVMETER_THIEF_OWN_VCPU] = { KVMETER_HTML_OWN, "own threads" },
	[KVMETER_THIEF_OWN_VMM] = { KVMETER_HTML_OWN, "own threads" },
	[KVMETER_THIEF_KTHREAD] = { KVMETER_HTML_KERNEL, "kernel threads" },
	[KVMETER_THIEF_PROCESS] = { KVMETER_HTML_PROCESS, "processes" },
	[KVMETER_THIEF_LIMIT] = { KVMETER_HTML_LIMIT, "own CPU limit" },
	[KVMETER_THIEF_IDLE] = { KVMETER_HTML_IDLE, "idle CPU" },
};

/**
 * kvmeter_html_thief_word - what a thief that is no VM is called
 * @thief: the thief
 *
 * Return: a word or two.
 */
const char *kvmeter_html_thief_word(enum kvmeter_html_thief thief)
{
	unsigned int i;

	for (i = 0; i < KVMETER_THIEF_NR; i++) {
		if (kinds[i].thief == thief)
			return kinds[i].word;
	}
	return "unexplained";
}

static void add_comm(struct kvmeter_html *html, const char *comm, __u64 ns)
{
	struct kvmeter_html_comm *c = html->comms;

	while (c < html->comms + html->nr_comms && strncmp(c->comm, comm, KVMETER_COMM_LEN))
		c++;
	if (c == html->comms + KVMETER_HTML_COMMS) {
		html->comms_lost_ns += ns;
		return;
	}
	if (c == html->comms + html->nr_comms) {
		html->nr_comms++;
		memcpy(c->comm, comm, KVMETER_COMM_LEN);
	}
	c->ns += ns;
}

static unsigned int find_col(const struct kvmeter_html *html, const struct kvmeter_thief *t)
{
	const struct kvmeter_html_vm *vm = NULL;

	if (t->kind == KVMETER_THIEF_VM)
		vm = kvmeter_html_find_vm(html, t->vm, t->vm_gen);
	return vm && vm->seen ? vm->row : KVMETER_HTML_VMS + 1 + kinds[t->kind].thief;
}

/**
 * kvmeter_html_thieves_add - add what was taken from a VM
 * @html: the page
 * @delta: what happened
 * @vm: the VM, of that
 * @row: where it is shown
 */
void kvmeter_html_thieves_add(struct kvmeter_html *html, const struct kvmeter_snap *delta,
			      const struct kvmeter_snap_vm *vm, struct kvmeter_html_row *row)
{
	struct kvmeter_thief_sum *list;
	unsigned int i, nr;
	__u64 ns;

	list = kvmeter_thieves_sum(delta, vm->first_vcpu, vm->nr_vcpus, false, &nr);
	for (i = 0; i < nr; i++) {
		ns = kvmeter_thieves_get_time(&list[i].t);
		row->stolen_ns[find_col(html, &list[i].t)] += ns;
		if (list[i].t.kind == KVMETER_THIEF_PROCESS && ns)
			add_comm(html, list[i].t.comm, ns);
	}
	free(list);
	for (i = vm->first_vcpu; i < vm->first_vcpu + vm->nr_vcpus; i++)
		row->stolen_ns[KVMETER_HTML_VMS + 1 + KVMETER_HTML_UNEXPLAINED] +=
			delta->vcpus[i].unexplained_ns;
}
