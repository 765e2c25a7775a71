#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Count what 1,000 VMs with 2,000 vCPUs cost: memory, instructions to read everything, and for each exit.
#
#   [KERNELS=6.1] scripts/bench-scale.sh
#   scripts/bench-scale.sh KERNEL LEG     one measurement, its JSON object to standard output; LEG is amd
#
# Each VM is a process of its own; all have run, and sleep then. build/bench/scale.json holds an array of
#   {"leg", "kernel", "vms", "vcpus", "exit", "ordinary", "vcpu", "bytes", "instructions"}
# "exit", "ordinary" and "vcpu" are what the module adds to an exit, to a switch between ordinary tasks and to
# one between vCPUs, as in bench-exit.sh and bench-switch.sh: "one" with no other VM, "many" beside all of them.
# "bytes": "vcpu" and "vm" of memory for each slot, "vm_debugfs" for each VM there is; "all" of it.
# "instructions": to copy all vCPUs from the maps ("snapshot"), with all rows ("snapshot_all"), to read the tables
# of the host in debugfs, those of all VMs too ("debugfs_all"), for commands of the reader, from start to end, and
# to load and unload the module, and attach and detach maps.
#
# Fails if what is added to an exit differs by more than 5 %, or a vCPU takes more than 32 KiB.

. "$(dirname "$0")/lib.sh"

measure()
{
	[ "$2" = amd ] || die "only on amd: the other host has no memory for so many"
	"$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" --icount --mem 4096 --timeout 1800 -- \
		sh selftests/bench_scale.sh
}

run_bench scale amd "$@"
