#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Migrate stock QEMU guests that write more than the link takes, by each of several methods, and compare.
#
#   [KERNELS=6.1] [WORKLOADS="..."] [METHODS="..."] [RUNS=3] scripts/bench-migrate.sh
#   scripts/bench-migrate.sh KERNEL LEG      its JSON object to standard output; LEG is amd
#   scripts/bench-migrate.sh --table [FILE]  what is in build/bench/migrate.json, as tables in Markdown
#
#   WORKLOADS  seq-16 seq-4 seq-1: a vCPU that writes to the pages of about 1/16, 1/4 and all of the guest's memory,
#              one after the other; random-16 random-4 random-1: at random; mixed: one vCPU writes, as seq-4, one
#              reads; idle
#   METHODS    none; auto-converge; dirty-limit: QEMU's, which needs a dirty ring; gentle, bytes: kvmeter's goals
#   RUNS       migrations by each method
#
# Two stock QEMUs on the emulated AMD host; the guest has 128 MiB, of which its kernel needs more than half: "all"
# is 48 MiB. max-bandwidth is 20 MiB/s, so that 6.4 s is the least that 128 MiB take, and downtime-limit QEMU's
# default. A migration is cut off after 5 times that, and does not converge. Each workload has a host of its own; one
# that hangs is booted again for what was not measured yet. It takes an hour.
#
# build/bench/migrate.json holds an array of
#   {"kernel", "ram_mib", "bandwidth_bytes_s", "downtime_limit_ms", "hosts_repeated", "runs": [...], "rows": [...]}
# with all that was measured in runs, and in rows, for each workload and method, how many runs converged of how
# many, and medians of
#   time_ratio        total time / (RAM / bandwidth); null if it does not converge
#   bytes_ratio       bytes sent / RAM
#   downtime_ms       as QEMU has it
#   writer_kept_pct, reader_kept_pct
#                     what the vCPU has done from the beginning until the VM was stopped, of what it would have done
#                     at its rate in the 2 s before
#   writer_lost_s, reader_lost_s
#                     how much of its work is missing, in seconds of that rate
#   still_writer_pct, still_reader_pct
#                     the same as kept without a migration, in RAM / bandwidth: smallest and largest

. "$(dirname "$0")/lib.sh"

workloads=${WORKLOADS:-seq-16 seq-4 seq-1 random-16 random-4 random-1 mixed idle}
methods=${METHODS:-none auto-converge dirty-limit gentle bytes}
runs=${RUNS:-3}
tries=4        # hosts for a workload
case_s=45      # that a migration takes, at most, with what goes before it
boot_s=120

# python ARGUMENT...: the arithmetic of it all
python()
{
	python3 "$KVMETER_TOP/scripts/bench-migrate.py" "$@"
}

# list_cases FILE: as selftests/bench_migrate.sh takes them, but for those that FILE has
list_cases()
{
	local method run

	for method in still $methods; do
		for ((run = 1; run <= runs; run++)); do
			grep -q "\"method\": \"$method\", \"run\": $run," "$1" || echo "$method/$run"
		done
	done
}

# run_workload KERNEL LEG WORKLOAD: its lines to $out, one more in $repeated for each host that had to be repeated
run_workload()
{
	local cases try status lines=$tmp/lines

	: >"$lines"
	for ((try = 1; try <= tries; try++)); do
		mapfile -t cases < <(list_cases "$lines")
		[ "${#cases[@]}" -gt 0 ] || break
		[ "$try" = 1 ] || echo "$3" >>"$tmp/repeated"
		status=0
		"$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" ${SHARE:+--share "$SHARE"} --parallel \
			--timeout $((boot_s + case_s * ${#cases[@]})) -- bash selftests/bench_migrate.sh "$3" "${cases[@]}" |
			tee -a "$lines" | sed -u '/^{/d' >&2 || status=$?
		# An emulator that hangs is no fault of what is measured; everything else is.
		case $status in
		0 | 124) ;;
		*) die "$3: exit status $status" ;;
		esac
	done
	mapfile -t cases < <(list_cases "$lines")
	[ "${#cases[@]}" = 0 ] || die "$3: not measured in $tries hosts: ${cases[*]}"
	sed -n '/^{/p' "$lines" >>"$tmp/all"
}

measure()
{
	local workload

	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	: >"$tmp/all"
	: >"$tmp/repeated"
	for workload in $workloads; do
		run_workload "$1" "$2" "$workload"
	done
	python summarize "$1" "$(wc -l <"$tmp/repeated")" <"$tmp/all"
}

if [ "${1:-}" = --table ]; then
	python table <"${2:-$KVMETER_TOP/build/bench/migrate.json}"
else
	run_bench migrate amd "$@"
fi
