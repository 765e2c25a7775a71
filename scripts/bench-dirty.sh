#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Count the instructions that the module adds to a page that a guest dirties, and compare what measuring costs a guest.
#
#   [KERNELS=6.1] [LEGS="amd intel"] scripts/bench-dirty.sh
#   scripts/bench-dirty.sh KERNEL LEG      one measurement, its JSON object to standard output
#
# A guest rewrites 4099 pages while the VMM has its memory logged; counted are all instructions of that.
# build/bench/dirty.json holds an array of
#   {"leg", "kernel", "base", "base_again", "pml_page" or "fault_page", "with_its_exit", "session_page",
#    "rearm_page", "throughput"}
# where base (and base_again, measured last) is for a page without the module, and added to it are
#   pml_page        by reading the page from the Page Modification Log (intel)
#   fault_page      by noticing the write fault (amd)
#   with_its_exit   by that and what the module adds to any exit: 1 for a fault, 1/512 for a page from the log
#   session_page    as the first, while a driven session has the memory logged
# and rearm_page is what it takes a session to arm a page again, once in an interval. "throughput", on amd, is of a
# stock QEMU guest that writes to one page after the other of a working set ("pages"), to "pages_s" in a second; and
# the share of that which is left while it is being measured by
#   session         a driven session, interval 125 ms: D(t) for each t
#   session_1s      the same, interval 1 s
#   page_sampling, dirty_bitmap, dirty_ring    QEMU's calc-dirty-rate, again and again: one number each second
# On the emulated host an exit of a real guest takes 60 us, not 1: all but page_sampling cost one for each page.

. "$(dirname "$0")/lib.sh"

# in_lab KERNEL LEG ARGUMENT...: what the host prints; to standard error if it fails
in_lab()
{
	local out

	if out=$("$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" --timeout 1200 "${@:3}"); then
		echo "$out"
	else
		echo "$out" >&2
		return 1
	fi
}

measure()
{
	local json throughput

	if [ "$2" = intel ]; then
		in_lab "$@" --icount -- sh selftests/bench_dirty.sh
		return
	fi
	json=$(in_lab "$@" --icount -- sh selftests/bench_dirty.sh)
	throughput=$(in_lab "$@" --parallel -- bash selftests/bench_writer.sh)
	echo "${json%\}}, \"throughput\": $throughput}"
}

run_bench dirty "amd intel" "$@"
