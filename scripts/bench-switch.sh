#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Count the instructions that the module, and a BPF program, add to one context switch.
#
#   [KERNELS=6.1] [LEGS=amd] scripts/bench-switch.sh    LEGS="amd intel" for both
#   scripts/bench-switch.sh KERNEL LEG     one measurement, its JSON object to standard output
#
# Two tasks on one CPU wake each other through pipes; counted are all the instructions of one wake-up and one
# switch, system calls included. build/bench/switch.json holds an array of
#   {"leg", "kernel", "base", "ordinary_switch_added", "vcpu_switch_added", "bpf_runqlat", ...}
# where base is the switch between two ordinary tasks with nothing attached, and what follows is added
#   ordinary_switch_added  to that by the module; there is a VM, but no vCPU waits for that CPU
#   vcpu_switch_added      by the module to a switch from one vCPU thread to another, each of which has waited
#   bpf_runqlat            to the ordinary one by a BPF program on sched_switch and sched_wakeup that keeps
#                          the wait time of each task in a hash map
# "bases" (and "bases_again", measured last), "kvmeter", "kvmeter_unattributed" (module parameter
# attribution=0) and "bpf" have the same for three kinds of switch: ordinary; waited, which is an ordinary one
# on a CPU for which a vCPU waits; and vcpu.

. "$(dirname "$0")/lib.sh"

measure()
{
	"$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" --icount --timeout 1800 -- sh selftests/bench_switch.sh
}

run_bench switch amd "$@"
