#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Count the instructions that the module, and its peers, add to one exit.
#
#   [KERNELS=6.1] [LEGS="amd intel"] scripts/bench-exit.sh
#   scripts/bench-exit.sh KERNEL LEG       one measurement, its JSON object to standard output
#
# A guest executes CPUID in a loop; counted are all the instructions of one exit and entry, with nothing
# attached (base), and what is added by the module and by its peers. build/bench/exit.json holds an array of
#   {"leg", "kernel", "base", "base_again", "added": {...}}
# where base_again is measured last, and the keys of "added" are
#   kvmeter             the module, BPF maps attached
#   kvmeter_detached    before they are attached
#   kvmeter_subreasons  as kvmeter, and sub-reasons are counted (module parameter subreasons)
#   ftrace              ftrace records kvm_exit and kvm_entry
#   bpf_count           a BPF program counts exits by reason in a hash map
#   perf_kvm_stat       perf kvm stat record -a
#   bpftrace_count      bpftrace counts exits by reason

. "$(dirname "$0")/lib.sh"

measure()
{
	local args=(--kernel "$1" --leg "$2" --icount --timeout 600)

	[ "$2" = amd ] || args+=(--prog perf --prog bpftrace)
	"$KVMETER_TOP/scripts/lab.sh" "${args[@]}" -- sh selftests/bench_exit.sh
}

run_bench exit "amd intel" "$@"
