#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's doctor on a host: guests that do nothing but one thing, and what it says of them.
#
# A guest is a boot sector of a few bytes. All of them share a CPU. The rules about nodes, huge pages, nested guests and
# migrations are provoked by reader_doctor_test.c.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"

cgroup=/sys/fs/cgroup/kvmeter-doctor
switch=/sys/module/kvmeter/parameters/subreasons
hogs=()

# What they do, in real mode and with interrupts off; the last jump goes back to the instruction that exits.
declare -A sectors=(
	[halt]='\xfa\xf4\xeb\xfd'
	# in al, 0x71: the CMOS clock is the VMM's
	[io]='\xfa\xe4\x71\xeb\xfc'
	# xor eax, eax; cpuid
	[cpuid]='\xfa\x66\x31\xc0\x0f\xa2\xeb\xf9'
	# rdmsr of EFER
	[msr]='\xfa\x66\xb9\x80\x00\x00\xc0\x0f\x32\xeb\xfc'
	# wrmsr of 0 to TSC_DEADLINE
	[timer]='\xfa\x66\xb9\xe0\x06\x00\x00\x66\x31\xc0\x66\x31\xd2\x0f\x30\xeb\xfc'
	# enable the x2APIC; wrmsr of 0x440f0, vector 0xf0 to itself, to its ICR
	[ipi]='\xfa\x66\xb9\x1b\x00\x00\x00\x0f\x32\x66\x0d\x00\x0c\x00\x00\x0f\x30\x66\xb9\x30\x08\x00\x00\x66\x31\xd2\x66\xb8\xf0\x40\x04\x00\x0f\x30\xeb\xfc'
)

# boot NAME KIND: a guest of that name that does what KIND does
boot()
{
	truncate -s 0 "$tmp/$2.img"
	printf '%b' "${sectors[$2]}" >"$tmp/$2.img"
	truncate -s 510 "$tmp/$2.img"
	printf '\x55\xaa' >>"$tmp/$2.img"
	truncate -s 1M "$tmp/$2.img"
	taskset -c 0 "$qemu" -accel kvm -cpu host -m 16 -nodefaults -display none -name "$1" \
		-drive "file=$tmp/$2.img,format=raw,if=ide,snapshot=on" 2>"$tmp/$1.log" &
	guests+=($!)
}

start_hog()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	taskset -c "$1" bash -c 'echo -n hog >/proc/$$/comm; while :; do :; done' &
	hogs+=($!)
}

stop_all()
{
	[ ${#guests[@]} = 0 ] || kill -KILL "${guests[@]}"
	[ ${#hogs[@]} = 0 ] || kill -KILL "${hogs[@]}"
	wait
	guests=() hogs=()
} 2>/dev/null

# doctor STATUS ARGUMENT...: it says something, with that exit status; its document is in $tmp/out
doctor()
{
	local want=$1

	shift
	kvm doctor "$@" --json
	[ "$status" = "$want" ] && [ -s "$tmp/out" ] && [ ! -s "$tmp/err" ] ||
		fail "doctor $* gave $status, not $want: $(cat "$tmp/err") $(cut -c 1-3000 "$tmp/out")" || return
	cat "$tmp/out" >>"$tmp/documents"
}

# comes_to STATUS EXPRESSION ARGUMENT...: a guest has to boot at first; then doctor says so. That nothing is found it
# says once more.
comes_to()
{
	local tries=100

	until doctor "$1" "${@:3}" 0.5 1 && json "$2"; do
		[ $((tries -= 1)) -gt 0 ] || return
		sleep 0.1
	done
	why=
	[ "$1" != 0 ] || { doctor "$1" "${@:3}" 1 1 && json "$2"; }
}

# boot_halted NAME: a guest that has halted for good, and exits no more
boot_halted()
{
	local tries=100

	boot "$1" halt
	until kvm ledger "$1" 0.5 2 --json && [ "$status" = 0 ] &&
		json 'd[-1]["vms"][0]["exits"] == 0 and d[-1]["vms"][0]["halt_pct"] == 100'; do
		[ $((tries -= 1)) -gt 0 ] || return
		sleep 0.1
	done
	why=
}

# What was found, by its rule; and all of a document's results.
found='{r["rule"]: r for r in d[-1]["results"] if r["result"] == "found"}'
unknown='{r["rule"]: r for r in d[-1]["results"] if r["result"] == "not_known"}'

# storm KIND RULE TEXT: a guest that does this is a storm of that, and of nothing else; the evidence has TEXT
storm()
{
	boot "$1" "$1"
	comes_to 3 '(lambda f: [r for r in f if r.startswith("storm")] == ["'"$2"'"] and
			f["'"$2"'"]["who"].startswith("'"$1"' (") and "'"$3"'" in f["'"$2"'"]["evidence_text"] and
			f["'"$2"'"]["cost_cpus"] >= 0.05)('"$found"')' "$1"
}

case_storm_io()
{
	storm io storm-io "IO_IN 0x71"
}

case_storm_other()
{
	storm cpuid storm-other CPUID
}

case_storm_msr()
{
	storm msr storm-msr "MSR_READ 0xc0000080"
}

case_storm_timer()
{
	storm timer storm-timer "MSR_WRITE 0x6e0"
}

case_storm_ipi()
{
	storm ipi storm-ipi "MSR_WRITE 0x830"
}

# without sub-reasons that cannot be told, and doctor says how it can
case_storm_not_known()
{
	echo 0 >"$switch"
	boot timer timer
	comes_to 3 '"storm-msr" in '"$found"' and
		all("subreasons" in ('"$unknown"')[r]["what"] for r in ("storm-timer", "storm-ipi"))' timer
	echo 1 >"$switch"
}

# a guest that has halted: nothing is found, everything is known, and the exit status is 0
case_quiet()
{
	boot_halted quiet &&
		comes_to 0 'd[-1]["found"] == 0 and d[-1]["not_known"] == 0 and
		all(r["result"] == "passed" for r in d[-1]["results"]) and len(d[-1]["results"]) == 14' &&
		kvm doctor 1 1 && [ "$status" = 0 ] && grep -q '^1\.[0-9] s, 1 VMs: nothing found; not known: 0; passed: 14$' "$tmp/out" ||
		fail "status $status: $why $(cat "$tmp/out" "$tmp/err")"
}

# two that want the same CPU: each suffers, neither is to blame
case_overcommit()
{
	boot one cpuid
	boot two cpuid
	comes_to 3 '(lambda f: "overcommit" in f and {v["name"] for v in f["overcommit"]["vms"]} == {"one", "two"} and
			all(v["cost_cpus"] > 0.1 for v in f["overcommit"]["vms"]) and
			"noisy-neighbour" not in f and "cpu-limit" not in f)('"$found"')'
}

# a process that takes half of it: that one is to blame
case_neighbour()
{
	boot victim cpuid
	start_hog 0
	comes_to 3 '(lambda f: "noisy-neighbour" in f and "process hog" in f["noisy-neighbour"]["what"] and "overcommit" not in f and
			f["noisy-neighbour"]["who"].startswith("victim ("))('"$found"')'
}

case_cpu_limit()
{
	boot limited cpuid
	echo +cpu >/sys/fs/cgroup/cgroup.subtree_control && mkdir -p "$cgroup" &&
		echo "20000 100000" >"$cgroup/cpu.max" && echo "${guests[0]}" >"$cgroup/cgroup.procs" ||
		fail "no cgroup" || return
	comes_to 3 '(lambda f: "cpu-limit" in f and "20000 100000 in '"$cgroup"'/cpu.max" in f["cpu-limit"]["remedy"] and
			f["cpu-limit"]["cost_cpus"] > 0.4 and f["cpu-limit"]["rule"] == list(f)[0] and
			"overcommit" not in f and "noisy-neighbour" not in f)('"$found"')' limited || return
	# what it says to do helps
	echo max >"$cgroup/cpu.max"
	comes_to 3 '"cpu-limit" not in '"$found" limited
}

# all CPUs busy, whoever it is; and a halted guest alone has nothing to do with it
case_headroom()
{
	local cpu

	boot_halted quiet || return
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		start_hog "$cpu"
	done
	comes_to 3 'list('"$found"') == ["headroom"] and ('"$found"')["headroom"]["who"] is None'
}

# as text, of the same: what, evidence and remedy; and of a recording, which does not have all
case_recording()
{
	boot io io
	comes_to 3 '"storm-io" in '"$found" io || return
	"$reader" record "$tmp/rec" 0.5 >"$tmp/out" 2>"$tmp/err" &
	sleep 2
	kill -TERM $!
	wait $! || fail "record: $(cat "$tmp/err")" || return
	kvm report "$tmp/rec" doctor
	[ "$status" = 3 ] && grep -Eq '^[0-9]+\. storm-io: costs [0-9.]+ CPUs, io \(' "$tmp/out" &&
		grep -q '^   do: virtio' "$tmp/out" && grep -q '^   headroom: a recording does not have it$' "$tmp/out" &&
		grep -q '(threshold: 5 %)$' "$tmp/out" || fail "status $status: $(cat "$tmp/out" "$tmp/err")" || return
	kvm report "$tmp/rec" doctor --json
	[ "$status" = 3 ] && json 'set('"$unknown"') == {"headroom", "far-memory"}' || fail "$why, status $status"
}

# goes_on WORD...: the reader, with an interval and no count, reports until it is told to end
goes_on()
{
	local pid tries=100

	: >"$tmp/out"
	"$reader" "$@" 0.5 --json >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	while [ "$(wc -l <"$tmp/out")" -lt 3 ] && [ $((tries -= 1)) -gt 0 ]; do
		sleep 0.1
	done
	kill -INT "$pid"
	wait "$pid"
	status=$?
	[ "$status" = 0 ] && [ "$tries" -gt 0 ] && json 'all(0.4e9 < r["interval_ns"] < 1e9 for r in d)' ||
		fail "$*: status $status: $(cat "$tmp/out" "$tmp/err")"
}

case_until_interrupted()
{
	boot_halted quiet && goes_on doctor && goes_on quota && goes_on dirty && goes_on migrate
}

case_rules()
{
	works doctor --rules && [ "$(grep -c '^  source: ' "$tmp/out")" = 14 ] || fail "not all rules" || return
	works doctor --rules --json && json 'len(d[0]["rules"]) == 14 and all(r["source"] for r in d[0]["rules"])' &&
		is_bad_usage doctor --by vcpu
}

# Where time is virtual it flies while nothing is done but to read from a disk: all is read before somebody waits.
read_all()
{
	local file

	for file in "$reader" "$(command -v "$qemu")"; do
		# shellcheck disable=SC2046 # paths without blanks
		cat "$file" $(ldd "$file" | awk '$3 ~ "^/" { print $3 }') >/dev/null
	done
	boot first halt
	until kvm list first --json && [ "$status" = 0 ] && json d; do
		kill -0 "${guests[0]}" || return
		sleep 0.1
	done
	stop_all
}

run_alone()
{
	"case_$1"
	local ret=$?

	stop_all
	rmdir "$cgroup" 2>/dev/null
	return "$ret"
}

check_host
cases="quiet storm_io storm_other storm_msr storm_timer storm_ipi storm_not_known overcommit neighbour cpu_limit
	headroom recording until_interrupted rules"
# shellcheck disable=SC2086 # words
set -- $cases
echo "TAP version 13"
echo "1..$(($# + 1))"
insmod "$ko" subreasons=1 && read_all || exit 1
for case; do
	run_case "$case" run_alone "$case"
done
run_case documents
exit $((failed > 0))
