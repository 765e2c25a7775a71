#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The autopilot with stock QEMUs, and a stock guest that writes more than the link takes: migrations converge one after
# the other, every page arrives as it was written last, and whatever happens in the middle of one, the guest is whole
# where it lives and nothing stays throttled.
#
#   KVMETER_HOPS         how many migrations in a row, and how many with something in the middle; default 3 and 7,
#                        the whole test is that of 100 each
#   KVMETER_SEED         of what happens when; printed
#   KVMETER_CASES        names of cases to run after the guest has booted; default all
#   KVMETER_GUEST_KERNEL the guest's kernel, default the host's own
#
# Loads and unloads the module itself. Needs QEMU, as the amd host has; scripts/migrate-intel.sh brings it along.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
. "$dir/qemu.sh"
hops=${KVMETER_HOPS:-3} blows=${KVMETER_HOPS:-7}
seed=${KVMETER_SEED:-$RANDOM}
cases=${KVMETER_CASES:-does_not_without converges survives stops_in_time}
mib=128 pages=6144 rate=12000          # of the guest; of its pages so many are rewritten a second
bandwidth=$((10 << 20)) downtime_ms=300 # of the migrations: a fifth of what the guest writes
slice_us=1000                           # the longest that a vCPU is parked at once
patience=120
if [ "${KVMETER_LEG:-}" = intel ]; then
	# A second takes a minute there.
	mib=96 pages=4096 rate=6000 bandwidth=$((16 << 20)) patience=1800
fi
floor_s=$((mib * 1048576 / bandwidth))
whole=" 0 bad of $pages pages"
from=a to=b
trace=/sys/kernel/tracing/instances/kvmeter

# verify NAME: the guest there has each page as it wrote it last
verify()
{
	ask "$1" verify "$patience" 'bad of' || { tell_state "$1"; fail "$answer"; return; }
	[[ $answer =~ $whole ]] || fail "$answer"
}

load()
{
	[ -d /sys/module/kvmeter ] || insmod "$ko" autoconverge=on || fail "the module cannot be loaded"
}

# boot: a guest, on $from
boot()
{
	start_guest "$from" "$mib" "$pages $rate" && hear "$from" "$patience" 'kvmeter-memory: (ready|failed)' &&
		[[ $answer == *ready* ]] || fail "no guest: $answer $reply"
}

# set_capability NAME STATE: on both sides
set_capability()
{
	local set="{\"capabilities\": [{\"capability\": \"$1\", \"state\": $2}]}"

	qmp "$from" migrate-set-capabilities "$set" && qmp "$to" migrate-set-capabilities "$set" || fail "$1: $reply"
}

# begin [CAPABILITY]: to migrate, with that capability and none that an earlier one had
begin()
{
	local name

	start_incoming "$to" "$mib" || fail "$to: $reply" || return
	for name in postcopy-ram auto-converge; do
		set_capability "$name" "$([ "$name" = "${1:-}" ] && echo true || echo false)" || return
	done
	start_migration "$from" "$to" "$bandwidth" "$downtime_ms" || fail "$reply"
}

# arrive: the migration ends well, within the downtime asked for, and the other VMM is the next to leave
arrive()
{
	finish_migration "$from" "$patience" || fail "not migrated: $reply" || return
	echo "# $(figure total-time) ms, downtime $(figure downtime) ms, $(figure dirty-sync-count) rounds," \
		"$(figure transferred) bytes"
	[ "$(figure downtime)" -le "$downtime_ms" ] || fail "downtime: $(figure downtime) ms" || return
	leave
}

# leave: the guest lives on the other VMM
leave()
{
	stop_vmm "$from"
	[ "$from" = a ] && from=b to=a || from=a to=b
}

# is_released: no VM has a quota, no vCPU is parked any more, and the log has let go last of all that were throttled
is_released()
{
	[ -d /sys/module/kvmeter ] || return 0
	"$reader" list --json >"$tmp/list" && grep -q '"vms"' "$tmp/list" &&
		! grep -Eq '"quota_pages": ?[1-9]' "$tmp/list" || fail "a quota is left: $(cat "$tmp/list")" || return
	# The first report is of all the time before.
	"$reader" ledger "$from" 0.5 2 --json | tail -n 1 >"$tmp/ledger" && grep -q '"throttle_ns"' "$tmp/ledger" &&
		! grep -Eq '"throttle_ns": ?[1-9]' "$tmp/ledger" || fail "still parked: $(cat "$tmp/ledger")" || return
	"$reader" log --json >"$tmp/log" && ! log_fields | awk '{ quota[$2] = $4 }
		END { for (id in quota) if (quota[id]) { print id; left = 1 }; exit !left }' ||
		fail "not let go: $(tail -n 5 "$tmp/log")"
}

# log_fields: nr, VM, kind and quota_pages of each record in $tmp/log
log_fields()
{
	sed -nE 's/.*"nr": ?([0-9]+),.*"kind": ?"([a-z_]+)".*"id": ?"([^"]*)".*[^_]"quota_pages": ?([0-9]+).*/\1 \3 \2 \4/p' \
		"$tmp/log"
}

# was_throttled NR: the log has a quota since that record
was_throttled()
{
	"$reader" log --json >"$tmp/log" && log_fields |
		awk -v nr="$1" '$1 > nr && $3 == "decision" && $4 { found = 1 } END { exit !found }'
}

# log_nr: of the last record
log_nr()
{
	"$reader" log --json >"$tmp/log" && log_fields | awk '{ nr = $1 } END { print nr + 0 }'
}

case_boots()
{
	make_initrd "$dir/guest_memory"
	boot && verify a
}

# What the others are measured by: without the autopilot it does not end, in twice what it needs at least
case_does_not_without()
{
	insmod "$ko" autoconverge=off || fail "the module cannot be loaded" || return
	begin || return
	! next_line "$from" $((2 * floor_s)) '"(completed|failed)"' || fail "it is over: $reply" || return
	query_migration "$from" || return
	echo "# not over: $(figure dirty-sync-count) rounds, $(figure transferred) bytes"
	qmp "$from" migrate_cancel && settle_migration "$from" "$patience" || fail "$reply" || return
	[[ $reply == *'"cancelled"'* ]] || fail "$reply" || return
	stop_vmm "$to"
	rmmod kvmeter && verify "$from"
}

case_converges()
{
	local n nr

	load || return
	for ((n = 1; n <= hops; n++)); do
		nr=$(log_nr)
		begin && arrive && verify "$from" && is_released || return
		was_throttled "$nr" || fail "migration $n: no quota was needed" || return
	done
}

# completed: it was over before anything could be done to it
completed()
{
	query_migration "$from" && [[ $reply == *'"completed"'* ]]
}

# What may happen in the middle. Each leaves the guest on $from; what it says in $reply if it fails.
blow_cancel()
{
	qmp "$from" migrate_cancel && settle_migration "$from" "$patience" || return
	if [[ $reply == *'"completed"'* ]]; then
		leave
	else
		stop_vmm "$to"
	fi
}

# The guest is lost.
blow_kill_source()
{
	stop_vmm "$from"
	stop_vmm "$to"
	sleep 0.2
	"$reader" list --json >"$tmp/list" && grep -Eq '"vms": ?\[ ?\]' "$tmp/list" ||
		fail "a VM is left: $(cat "$tmp/list")" || return
	boot
}

blow_kill_destination()
{
	stop_vmm "$to"
	settle_migration "$from" "$patience" || return
	# QEMU takes a socket that takes everything for a destination that has everything.
	[[ $reply == *failed* ]] || qmp "$from" cont
}

blow_unload()
{
	rmmod kvmeter || fail "it cannot be unloaded" || return
	blow_cancel
}

blow_freeze()
{
	kill -STOP "${qemu_pid[$from]}"
	sleep 1.$((RANDOM % 10))
	kill -CONT "${qemu_pid[$from]}"
	# How long the VM is down is a matter of what QEMU has measured meanwhile.
	finish_migration "$from" "$patience" && leave
}

blow_postcopy()
{
	qmp "$from" migrate-start-postcopy && finish_migration "$from" "$patience" && leave
}

# QEMU's own throttle, which begins with the first page that is dirtied
blow_rival()
{
	qmp "$from" migrate-set-parameters '{"throttle-trigger-threshold": 1}' && arrive
}

# blow NUMBER NAME: that, at a random moment of a migration
blow()
{
	local capability='' tenths

	case $2 in
	postcopy) capability=postcopy-ram ;;
	rival) capability=auto-converge ;;
	esac
	tenths=$((5 + RANDOM % (6 * floor_s))) # zero pages take no time
	load && begin "$capability" || return
	sleep "$((tenths / 10)).$((tenths % 10))"
	if completed; then
		echo "# $1: $2: over before"
		leave
	else
		echo "# $1: $2 after 0.1 s times $tenths"
		"blow_$2" || fail "$2: $why $reply" || return
	fi
	verify "$from" && is_released || fail "after $2: $why"
}

case_survives()
{
	local names=(cancel kill_source kill_destination unload freeze postcopy rival) n

	RANDOM=$seed
	for ((n = 0; n < blows; n++)); do
		blow "$n" "${names[n % ${#names[@]}]}" || return
	done
}

# time_stops FILE: how many us QMP's "stop" takes, several times; the trace gets what happens in it
time_stops()
{
	local n begin

	for ((n = 0; n < 5; n++)); do
		sleep 0.1
		echo stop >"$trace/trace_marker"
		begin=${EPOCHREALTIME/./}
		qmp "$from" stop || return
		echo $((${EPOCHREALTIME/./} - begin)) >>"$1"
		echo stopped >"$trace/trace_marker"
		qmp "$from" cont || return
	done
}

# list_kicks: of a trace, how many us it took from the signal by which QEMU stops the vCPU until that had left KVM_RUN
list_kicks()
{
	awk '
	# the time is what the event name, in field n, follows
	function us(n) { return int($(n - 1) * 1000000) }
	/tracing_mark_write: stop$/ { stop = 1 }
	/tracing_mark_write: stopped$/ { stop = begin = 0 }
	/signal_generate: .* comm=CPU 0\/KVM / && stop {
		for (n = 1; $n != "signal_generate:"; n++);
		begin = us(n)
		stop = 0
	}
	/CPU 0\/KVM-.* kvm_userspace_exit: / && begin {
		for (n = 1; $n != "kvm_userspace_exit:"; n++);
		print us(n) - begin
		begin = 0
	}' "$@"
}

# time_stops_in_migration HELD FREE: in the first round of one that takes long, first with a quota of next to nothing
# and then without one
time_stops_in_migration()
{
	"$reader" quota "$from" 64K >/dev/null && start_incoming "$to" "$mib" &&
		start_migration "$from" "$to" 1048576 1 || fail "$reply" || return
	sleep 1
	"$reader" quota "$from" 0.5 1 --json >"$tmp/quota" && grep -Eq '"throttle_pct": ?[5-9][0-9]' "$tmp/quota" ||
		fail "not throttled: $(cat "$tmp/quota")" || return
	echo >"$trace/trace"
	time_stops "$1.qmp" || fail "$reply" || return
	list_kicks "$trace/trace" >>"$1"
	"$reader" quota "$from" off >/dev/null || return
	echo >"$trace/trace"
	time_stops "$2.qmp" && blow_cancel || fail "$reply" || return
	list_kicks "$trace/trace" >>"$2"
}

# quartile N FILE
quartile()
{
	sort -n "$2" | awk -v n="$1" '{ v[NR] = $1 } END { print v[int((NR - 1) * n / 4) + 1] }'
}

# tell_quartiles FILE
tell_quartiles()
{
	echo "$(quartile 2 "$1") us ($(quartile 1 "$1") to $(quartile 3 "$1"))"
}

# With a quota the VM stops no more than a slice later than without one. What counts is how long the vCPU takes to
# leave KVM: of QMP's "stop" as a whole an emulated CPU spends most on the threads that bring it about, and more so
# where it is idle between them. By turns, so that what else the machine does is the same for both.
case_stops_in_time()
{
	local held=$tmp/held free=$tmp/free n

	mkdir -p "$trace" && echo 'sig == 10' >"$trace/events/signal/signal_generate/filter" &&
		echo 1 >"$trace/events/signal/signal_generate/enable" &&
		echo 1 >"$trace/events/kvm/kvm_userspace_exit/enable" || fail "no trace" || return
	load && "$reader" autoconverge "$from" off >/dev/null || return
	for ((n = 0; n < 5; n++)); do
		time_stops_in_migration "$held" "$free" || return
	done
	rmdir "$trace"
	echo "# $(wc -l <"$free") vCPUs stopped in $(tell_quartiles "$free"), $(wc -l <"$held") throttled in" \
		"$(tell_quartiles "$held"); QMP's stop takes $(tell_quartiles "$free.qmp"), throttled $(tell_quartiles "$held.qmp")"
	verify "$from" && is_released || return
	[ "$(wc -l <"$held")" -ge 15 ] && [ "$(wc -l <"$free")" -ge 15 ] || fail "hardly any in KVM" || return
	[ "$(quartile 2 "$held")" -le $(($(quartile 2 "$free") + slice_us)) ] || fail "it takes longer when throttled"
}

echo "TAP version 13"
echo "1..$((1 + $(wc -w <<<"$cases")))"
echo "# seed $seed"
run_case boots
for name in $cases; do
	run_case "$name"
done
exit $((failed > 0))
