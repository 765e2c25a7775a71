#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Migrates a stock QEMU guest that works, by each of several methods, on a lab host: a JSON object a line for each
# migration, with what it took and what the guest got done. scripts/bench-migrate.sh says what is in it.
#
#   bench_migrate.sh WORKLOAD METHOD/RUN...
#
# WORKLOAD is seq-N or random-N, N the part of the guest's memory that is written (16, 4 or 1 for 1/16, 1/4 and all of
# it), mixed, or idle; METHOD is none, auto-converge, dirty-limit, gentle or bytes, or still for no migration at all.
# The module is loaded before the first of gentle and bytes, and stays: let them come last.
#
# What the guest has done is in its memory, where QEMU's pmemsave finds it: before, and where it stopped. The lab host
# has two CPUs: one is for the vCPU that is looked at (of mixed the reading one), the other for everything else.
#
# "A && B || die" is meant as it stands.
# shellcheck disable=SC2015

set -u
dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/qemu.sh"
mib=${BENCH_MIB:-128} pages=${BENCH_PAGES:-12288}   # of the guest; its memory but for what its kernel needs
bandwidth=$((${BENCH_MIB_S:-20} << 20)) downtime_ms=${BENCH_DOWNTIME_MS:-300}
cut=5                                           # times RAM / bandwidth: then it does not converge
before_s=2 warm_s=2
ring=4096                                       # entries of a dirty ring
floor_ms=$((mib * 1048576 / (bandwidth / 1000)))
from=a to=b address=0 vm_kind='' seen=()

say_to_guest()
{
	ask "$from" "$1" 60 'kvmeter-writer:' || die "$answer"
}

# pin NAME: its vCPU, the last one, to CPU 1, and its other threads to CPU 0
pin()
{
	local threads

	qmp "$1" query-cpus-fast || die "$reply"
	mapfile -t threads < <(printf '%s\n' "$reply" | sed 's/"props": {[^}]*}//g' | grep -o '"thread-id": [0-9]*' |
		grep -o '[0-9]*$')
	taskset -apc 0 "${qemu_pid[$1]}" >/dev/null && taskset -pc 1 "${threads[-1]}" >/dev/null || die "taskset"
}

# kind_of METHOD: of VMM that it wants
kind_of()
{
	[ "$1" = dirty-limit ] && echo ring || echo plain
}

# start_destination KIND: what the guest can move to
start_destination()
{
	local accel=kvm

	[ "$1" = plain ] || accel+=,dirty-ring-size=$ring
	start_incoming "$to" "$mib" && pin "$to" || die "$reply"
}

# leave KIND: the guest has moved to a VMM of that kind
leave()
{
	stop_vmm "$from"
	[ "$from" = a ] && from=b to=a || from=a to=b
	vm_kind=$1
}

# move_to KIND: as fast as can be
move_to()
{
	say_to_guest "seq 1 1"
	start_destination "$1"
	set_capabilities none && start_migration "$from" "$to" 0 2000 && finish_migration "$from" 120 || die "$reply"
	echo "# moved to a VMM with KVM's $1 logging: $(figure transferred) bytes in $(figure total-time) ms"
	leave "$1"
}

# start_work: what the guest is to do, and until it does nothing else
start_work()
{
	say_to_guest "$work"
	sleep "$warm_s"
}

# look: how far the guest has come, to "seen" as microseconds, pages written and pages read
look()
{
	local begin=${EPOCHREALTIME/./} end words

	qmp "$from" pmemsave "{\"val\": $address, \"size\": 4096, \"filename\": \"$tmp/counts\"}" || die "$reply"
	end=${EPOCHREALTIME/./}
	mapfile -t words < <(od -An -v -w8 -tu8 -N 136 "$tmp/counts" | tr -d ' ')
	[ "${words[0]}" = $((0x6b766d6574657221)) ] || die "no counts there: ${words[*]}"
	seen+=($(((begin + end) / 2)) "${words[1]}" "${words[16]}")
}

# set_capability NAME METHOD: on if that is the method
set_capability()
{
	local state=false

	[ "$1" != "$2" ] || state=true
	qmp "$from" migrate-set-capabilities "{\"capabilities\": [{\"capability\": \"$1\", \"state\": $state}]}"
}

# set_capabilities METHOD: sets $by_hand if this QEMU has none for it
set_capabilities()
{
	by_hand=
	qmp "$from" query-migrate-capabilities || return
	if [[ $reply == *'"dirty-limit"'* ]]; then
		set_capability dirty-limit "$1" || return
	elif [ "$1" = dirty-limit ]; then
		by_hand=1
	fi
	set_capability auto-converge "$1"
}

# prepare METHOD: all it wants before the migration begins
prepare()
{
	set_capabilities "$1" || die "$reply"
	case $1 in
	gentle | bytes)
		[ -d /sys/module/kvmeter ] || insmod "$ko" || die "the module cannot be loaded"
		"$reader" autoconverge "$from" on --goal "$1" --downtime "${downtime_ms}ms" >"$tmp/reader" 2>&1 ||
			die "$(cat "$tmp/reader")"
		;;
	esac
}

# watch_migration: until it is over, or has had its time; when the VM was stopped is in $stopped_us
watch_migration()
{
	local begin=$1 left

	stopped_us=
	while :; do
		left=$((begin + cut * floor_ms * 1000 - ${EPOCHREALTIME/./}))
		[ "$left" -gt 0 ] || break
		IFS= read -r -t "$((left / 1000000)).$(printf %06d $((left % 1000000)))" \
			-u "${monitor_from[$from]}" reply || continue
		case $reply in
		*'"STOP"'*) stopped_us=$(event_time) ;;
		*'"pass": 2'*) [ -z "$by_hand" ] || limit_by_hand ;;
		*'"completed"'* | *'"failed"'*) break ;;
		esac
	done
	query_migration "$from" || die "$reply"
	[[ $reply != *'"failed"'* ]] || die "$reply"
}

# limit_by_hand: QEMU's capability dirty-limit does the same by itself, but later; this QEMU has none
limit_by_hand()
{
	qmp "$from" set-vcpu-dirty-limit '{"dirty-rate": 1}' || die "$reply"
}

# event_time: of the event in $reply, in microseconds
event_time()
{
	[[ $reply =~ \"seconds\":\ ([0-9]+),\ \"microseconds\":\ ([0-9]+) ]] &&
		echo $((BASH_REMATCH[1] * 1000000 + BASH_REMATCH[2]))
}

# print_rounds METHOD: what the reader knows of the migration, and what the autopilot did in it
print_rounds()
{
	case $1 in
	gentle | bytes) "$reader" migrate "$from" 0.1 1 --json && "$reader" log "$from" --json ;;
	esac
}

cancel_migration()
{
	qmp "$from" migrate_cancel && settle_migration "$from" 60 || die "$reply"
	[ -z "$by_hand" ] || qmp "$from" cancel-vcpu-dirty-limit || die "$reply"
	stop_vmm "$to"
}

# print_case WORKLOAD METHOD RUN: of what was seen and what is in $tmp
print_case()
{
	python3 - "$tmp" "$qemu" "$mib" "$bandwidth" "$downtime_ms" "$cut" "$working_set" "$by_hand" "$stopped_us" "$@" \
		"${seen[@]}" <<-'EOF'
		import json, sys
		tmp, qemu, mib, bandwidth, downtime, cut, working_set, by_hand, stopped, workload, method, run = sys.argv[1:13]
		seen = [int(word) for word in sys.argv[13:]]
		looks = [dict(zip(("us", "written", "read"), seen[i:i + 3])) for i in range(0, len(seen), 3)]
		if stopped:
		    looks[2]["us"] = int(stopped)

		def rate(key, first):
		    a, b = looks[first:first + 2]
		    return round((b[key] - a[key]) / (b["us"] - a["us"]) * 1e6, 1)

		doc = {"workload": workload, "method": method, "run": int(run), "qemu": qemu, "ram_mib": int(mib),
		       "bandwidth_bytes_s": int(bandwidth), "downtime_limit_ms": int(downtime), "cut": int(cut),
		       "working_set_pages": int(working_set), "during_ms": (looks[2]["us"] - looks[1]["us"]) / 1000}
		for key in "written", "read":
		    doc[key + "_s_before"], doc[key + "_s_during"] = rate(key, 0), rate(key, 1)
		if method != "still":
		    actual = json.load(open(tmp + "/actual"))["return"]
		    ram = actual["ram"]
		    doc.update({"converged": actual["status"] == "completed", "time_ms": actual["total-time"],
		                "setup_ms": actual["setup-time"], "bytes": ram["transferred"],
		                "downtime_ms": actual.get("downtime"), "dirty_sync_count": ram["dirty-sync-count"],
		                "normal_pages": ram["normal"], "zero_pages": ram["duplicate"],
		                "cpu_throttle_pct": actual.get("cpu-throttle-percentage")})
		    if method == "dirty-limit":
		        doc["set_by_hand"] = bool(by_hand)
		    if method in ("gentle", "bytes"):
		        view, *log = (json.loads(line) for line in open(tmp + "/kvmeter"))
		        doc["kvmeter"] = {"migration": view["vms"][0]["migration"],
		                          "decisions": [record["text"] for record in log if record["kind"] == "decision"]}
		print(json.dumps(doc))
	EOF
}

# run_still: the same without a migration, for the time that one needs at least
run_still()
{
	start_work
	look
	sleep "$before_s"
	look
	sleep $((floor_ms / 1000))
	look
	stopped_us=
	by_hand=
}

# run_migration METHOD NEXT-KIND
run_migration()
{
	local begin

	[ "$vm_kind" = "$(kind_of "$1")" ] || move_to "$(kind_of "$1")"
	start_destination "$2"
	prepare "$1"
	start_work
	look
	sleep "$before_s"
	look
	begin=${EPOCHREALTIME/./}
	start_migration "$from" "$to" "$bandwidth" "$downtime_ms" || die "$reply"
	watch_migration "$begin"
	printf '%s\n' "$reply" >"$tmp/actual"
	[ -n "$stopped_us" ] || [[ $reply != *'"completed"'* ]] || die "not seen when the VM was stopped"
	look
	print_rounds "$1" >"$tmp/kvmeter" || die "nothing from the reader"
	if [ -n "$stopped_us" ]; then
		leave "$2"
	else
		cancel_migration
	fi
}

workload=${1:?}
shift
case $workload in
seq-16 | seq-4 | seq-1 | random-16 | random-4 | random-1) working_set=$((mib * 256 / ${workload#*-})) ;;
mixed) working_set=$((mib * 64)) smp=2 ;;
idle) working_set=1 ;;
*) die "what is $workload" ;;
esac
[ "$working_set" -lt "$pages" ] || working_set=$pages
case $workload in
idle) work="seq 1 1" ;;
random-*) work="random $working_set 0" ;;
*) work="seq $working_set 0" ;;
esac
qemu=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')
make_initrd "$dir/guest_writer" && start_guest a "$mib" "$pages" && hear a 120 'kvmeter-writer: (ready|failed)' &&
	[[ $answer == *ready* ]] || die "no guest: $answer $reply"
address=$((${answer##* }))
pin a
vm_kind=plain
# A guest that has moved has its memory in small pages, as after any later migration.
move_to plain
cases=("$@")
for ((number = 0; number < ${#cases[@]}; number++)); do
	method=${cases[number]%/*} next=${cases[number + 1]:-none/0} seen=()
	if [ "$method" = still ]; then
		run_still
	else
		run_migration "$method" "$(kind_of "${next%/*}")"
	fi
	print_case "$workload" "$method" "${cases[number]#*/}"
done
