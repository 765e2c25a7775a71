// SPDX-License-Identifier: GPL-2.0-only
/* Switches the autopilot for a VM, and tells what is in force there. */
#include <string.h>

#include "migrate.h"

#define PARAMETER "/sys/module/kvmeter/parameters/autoconverge"
#define DOWNTIME_NS 300000000ULL
#define NS_PER_MS 1e6

const struct kvmeter_setting kvmeter_autoconverge_setting = {
	.request = KVMETER_AUTOCONVERGE,
	.what = "autopilot for",
	.refused = "this mode, goal or time for",
	.had = "one",
};

/* What the module parameter says, for VMs that nothing was said of. False if it cannot be read. */
static bool get_default(__u32 *mode)
{
	FILE *file = fopen(PARAMETER, "re");
	char word[16] = "";

	if (!file)
		return false;
	if (!fgets(word, sizeof(word), file))
		word[0] = '\0';
	fclose(file);
	word[strcspn(word, "\n")] = '\0';
	for (*mode = 0; *mode < KVMETER_AUTOCONVERGE_DEFAULT; (*mode)++) {
		if (!strcmp(word, kvmeter_reasons_mode(*mode)))
			return true;
	}
	return false;
}

/**
 * kvmeter_autoconverge_get - what is in force for a VM
 * @vm: the VM
 * @force: filled
 */
void kvmeter_autoconverge_get(const struct kvmeter_snap_vm *vm, struct kvmeter_in_force *force)
{
	memset(force, 0, sizeof(*force));
	if (!vm->m.gen) {
		force->known = get_default(&force->mode);
		force->goal = KVMETER_GOAL_GENTLE;
		force->downtime_ns = DOWNTIME_NS;
		return;
	}
	force->known = true;
	force->mode = vm->m.mode;
	force->goal = vm->m.goal;
	force->deadline_ns = vm->m.deadline_ns;
	force->downtime_ns = vm->m.downtime_ns ? vm->m.downtime_ns : DOWNTIME_NS;
}

/**
 * kvmeter_autoconverge_set - tell the autopilot what it may do with a VM, or end the program
 * @vm: the VM, of a snapshot
 * @args: the command line
 */
void kvmeter_autoconverge_set(const struct kvmeter_snap_vm *vm, const struct kvmeter_args *args)
{
	struct kvmeter_autoconverge arg = {
		.abi = KVMETER_ABI,
		.vm = vm->slot,
		.vm_gen = vm->v.gen,
		.mode = args->autoconverge.mode,
		.goal = args->autoconverge.goal,
		.deadline_ns = args->autoconverge.deadline_ns,
		.downtime_ns = args->goal.downtime_ns,
		.bandwidth = (__u64)args->goal.bandwidth_bytes_s,
	};

	kvmeter_setting_set(&kvmeter_autoconverge_setting, vm, &arg);
}

/**
 * kvmeter_autoconverge_print - print what is in force for a VM in one line
 * @vm: the VM
 */
void kvmeter_autoconverge_print(const struct kvmeter_snap_vm *vm)
{
	struct kvmeter_in_force force;
	char goal[64];

	kvmeter_autoconverge_get(vm, &force);
	printf("%s (%s): autoconverge ", vm->name, vm->v.id);
	if (!force.known) {
		puts("not known");
		return;
	}
	kvmeter_why_print_goal(force.goal, force.deadline_ns, goal, sizeof(goal));
	printf("%s, %s, downtime %.10g ms\n", kvmeter_reasons_mode(force.mode), goal,
	       force.downtime_ns / NS_PER_MS);
}
