#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No dirty bit is consumed: a stock guest that rewrites its memory all the time is migrated to and fro between stock
# QEMUs while sessions start and stop at random on the one it leaves; each time it finds every page as it wrote
# it last.
#
#   KVMETER_HOPS         how many migrations with sessions, default 11; the whole test is that of 50
#   KVMETER_GUEST_KERNEL the guest's kernel, default the host's own
#
# Loads and unloads the module itself. Needs QEMU, as the amd host has; scripts/migrate-intel.sh brings it along.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
. "$dir/qemu.sh"
hops=${KVMETER_HOPS:-11}
base_hops=$(((hops + 9) / 10))
mib=128 pages=6144 rate=2000          # of the guest; of its pages so many are rewritten a second
bandwidth=$((32 << 20)) downtime_ms=300 # of the migrations
patience=120
[ "${KVMETER_LEG:-}" != intel ] || patience=1200
whole=" 0 bad of $pages pages" not_whole=' [1-9][0-9]* bad of'
# what a guest says last whose kernel or process 1 lacks a page of its own
dies='Oops:|exited with |Kernel panic'
from=a to=b drive=''

# verify NAME COMMAND PATTERN: what the guest there says to the command, a line that must match
verify()
{
	ask "$1" "$2" "$patience" "bad of|$dies" || { fail "$answer"; return; }
	[[ $answer =~ $3 ]] || fail "$2: $answer"
}

# hop NUMBER PATTERN: migrate, verify, and make the other VMM the next to leave. Sessions begin before that does.
hop()
{
	start_incoming "$to" "$mib" || fail "$to: $reply" || return
	if [ -d /sys/module/kvmeter ]; then
		"$dir/drive" "${qemu_pid[$from]}" "$1" >>"$tmp/drive.out" 2>&1 &
		drive=$!
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
	fi
	start_migration "$from" "$to" "$bandwidth" "$downtime_ms" && finish_migration "$from" "$patience" ||
		fail "migration $1: $reply" || return
	echo "# migration $1: $(figure total-time) ms, downtime $(figure downtime) ms," \
		"$(figure dirty-sync-count) rounds, $(figure transferred) bytes"
	stop_vmm "$from"
	if [ -n "$drive" ]; then
		wait "$drive" || fail "$(tail -n 1 "$tmp/drive.out")" || return
		drive=''
		echo "# sessions: $(tail -n 1 "$tmp/drive.out")"
	fi
	verify "$to" verify "$2" || return
	[ "$from" = a ] && from=b to=a || from=a to=b
}

# sessions WHAT: how many there were
sessions()
{
	grep -o "[0-9]* $1" "$tmp/drive.out" | awk '{ n += $1 } END { print n + 0 }'
}

case_boots()
{
	make_initrd "$dir/guest_memory"
	start_guest a "$mib" "$pages $rate" || fail "$reply" || return
	hear a "$patience" 'kvmeter-memory: ready' || fail "$answer" || return
	verify a verify "$whole"
}

case_whole_without_sessions()
{
	local n

	for ((n = 1; n <= base_hops; n++)); do
		hop "$n" "$whole" || return
	done
}

# The VMM's memory is logged by us, by it, or by nobody when each migration begins, and when it ends.
case_whole_with_sessions()
{
	local n

	insmod "$ko" || fail "the module cannot be loaded" || return
	for ((n = 1; n <= hops; n++)); do
		hop "$n" "$whole" || return
	done
	echo "# $hops migrations; sessions: $(sessions driven) driven, $(sessions observed) observed," \
		"$(sessions "ended by themselves") ended by themselves, $(sessions refused) refused"
	[ "$(sessions driven)" -ge "$hops" ] && [ "$(sessions "ended by themselves")" -gt 0 ] ||
		fail "too few sessions for this to mean anything"
}

# The same verdict on a guest that has done to itself what a lost page, bit or round would do.
case_not_whole()
{
	local harm

	for harm in stale corrupt rewind; do
		verify "$from" mend "$whole" && verify "$from" "$harm" "$not_whole" || return
		echo "# $harm: $answer"
	done
}

# The same verdict on a guest that leaves a VMM which loses pages of each round, unless it has died of that.
case_lost_bits_found()
{
	rmmod kvmeter
	preload=$dir/lose_bits.so hop 1 "$whole" && hop 2 "$not_whole|$dies" || return
	echo "# $answer"
}

echo "TAP version 13"
echo "1..5"
: >"$tmp/drive.out"
run_case boots
run_case whole_without_sessions
run_case whole_with_sessions
run_case not_whole
run_case lost_bits_found
exit $((failed > 0))
