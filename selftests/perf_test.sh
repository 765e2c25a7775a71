#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What perf kvm stat reports of a run is what kvmeter counted: exits by reason, and their time.
#
# Loads and unloads the module itself. Needs a whole Debian root, as the amd host has.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
tmp=$(mktemp -d) || exit 1
guest='' perf=''

cleanup()
{
	[ -z "$perf" ] || kill -KILL "$perf"
	[ -z "$guest" ] || kill -KILL "$guest"
	wait
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# wait_for TEXT FILE
wait_for()
{
	for _ in {1..600}; do
		! grep -q "$1" "$2" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# perf is there before the guest's first exit. Once the guest says that it is through, it makes no more.
#
# The module comes after perf, and so do its probes: between perf's time stamp and the module's there is what
# perf does with a sample. That is more at an exit than at an entry, 9 us on an emulated host, and is why the
# guest makes no more exits than it does: the rest of its time it is halted, which is an exit's time as well.
case_recorded()
{
	perf kvm stat record -a -o "$tmp/data" >"$tmp/perf.out" 2>&1 &
	perf=$!
	wait_for perf_event "/proc/$perf/maps" && sleep 1 || fail "perf does not start" || return
	insmod "$ko" || fail "the module cannot be loaded" || return
	"$dir/perf_load" >"$tmp/load.out" 2>&1 &
	guest=$!
	wait_for through "$tmp/load.out" || fail "$(cat "$tmp/load.out")" || return
	cp /sys/kernel/debug/kvmeter/"$guest"-*/exits "$tmp/exits" || fail "no table of exits" || return
	kill -INT "$perf"
	wait "$perf"
	perf=''
	! grep -qi lost "$tmp/perf.out" || fail "$(cat "$tmp/perf.out")" || return
	# It prints to standard error.
	perf kvm -i "$tmp/data" stat report >"$tmp/report" 2>&1 || fail "$(cat "$tmp/report")"
}

# compare WHAT: of the two reports; prints both.
compare()
{
	python3 - "$1" "$tmp/report" "$tmp/exits" <<-'EOF'
	import re, sys
	what, report, table = sys.argv[1:]
	theirs = {}
	for line in open(report):
	    m = re.match(r"\s*(\S.*?)\s+(\d+)\s+[\d.]+%\s+[\d.]+%\s", line)
	    if m:
	        theirs[m[1]] = int(m[2])
	total = re.search(r"Total Samples:(\d+), Total events handled time:([\d.]+)us", open(report).read())
	header, *lines = [line.split() for line in open(table)]
	rows = [row for row in (dict(zip(header, line)) for line in lines) if int(row["count"])]
	counts = sorted(int(r["count"]) for r in rows)
	# perf has no sample of the exit that is in progress, the last one.
	ended = sum(counts) - 1
	time_us = sum(int(r[k]) for r in rows for k in ("kernel_ns", "vmm_ns", "halt_ns", "steal_ns")) / 1000
	if what == "samples":
	    print("# perf: %s" % sorted(theirs.items(), key=lambda item: -item[1]))
	    print("# kvmeter: %s" % sorted(((r["name"], int(r["count"])) for r in rows), key=lambda item: -item[1]))
	    last, = [r for r in rows if r["name"] in ("IOIO", "IO_INSTRUCTION")]
	    last["count"] = int(last["count"]) - 1
	    ours = sorted(int(r["count"]) for r in rows)
	    sys.exit(not (ours == sorted(theirs.values()) and int(total[1]) == sum(ours) == ended and len(ours) >= 5))
	print("# perf: %.1f us, kvmeter: %.1f us" % (float(total[2]), time_us))
	sys.exit(not abs(float(total[2]) - time_us) <= 0.02 * time_us)
	EOF
}

# perf has names of its own for the reasons; each number of samples is another.
case_samples_equal()
{
	compare samples || fail "not the same samples"
}

case_time_within_2_pct()
{
	compare time || fail "not the same time"
}

echo "TAP version 13"
echo "1..3"
run_case recorded
run_case samples_equal
run_case time_within_2_pct
exit $((failed > 0))
