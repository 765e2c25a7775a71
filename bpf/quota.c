// SPDX-License-Identifier: GPL-2.0-only
/* Sets the quota of a VM. */
#include "dirty.h"

const struct kvmeter_setting kvmeter_quota_setting = {
	.request = KVMETER_QUOTA,
	.what = "quota on",
	.refused = "this quota on",
	.had = "quotas",
};

/**
 * kvmeter_quota_set - limit what a VM may dirty, or end the program
 * @vm: the VM, of a snapshot
 * @args: the command line
 */
void kvmeter_quota_set(const struct kvmeter_snap_vm *vm, const struct kvmeter_args *args)
{
	struct kvmeter_quota arg = {
		.abi = KVMETER_ABI,
		.vm = vm->slot,
		.vm_gen = vm->v.gen,
		.bytes_per_s = args->quota.bytes_s,
	};

	kvmeter_setting_set(&kvmeter_quota_setting, vm, &arg);
}
