#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM selftests, unmodified: what passes without the module passes with it, with sessions that come
# and go on the VMs of a selftest, and with these, a quota and the autopilot.
#
#   KVMETER_KVM_TESTS   directory of the programs, default /kvm-selftests; scripts/kvm-suite.sh brings them along
#   KVMETER_LONG        1: not only the short ones of the file kvm_suite
#   KVMETER_SUITE       only these programs
#
# Loads and unloads the module itself.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
programs=${KVMETER_KVM_TESTS:-/kvm-selftests}
limit_s=600 # for one program
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
driver='' preload=''

echo "TAP version 13"
[ -d "$programs" ] || skip_all "there are no KVM selftests in $programs"

# is_wanted PROGRAM
is_wanted()
{
	for name in ${KVMETER_SUITE:-$1}; do
		[ "$name" != "$1" ] || return 0
	done
	return 1
}

# list_suite: what to run, a line each: how, quota, command line
list_suite()
{
	while read -r program form how quota arguments; do
		case $program in
		'' | '#'*) continue ;;
		esac
		case $form in
		short | "${KVMETER_LEG:-}") ;;
		*) [ "${KVMETER_LONG:-}" = 1 ] || continue ;;
		esac
		is_wanted "$program" || continue
		echo "$how $quota $program${arguments:+ $arguments}"
	done <"$dir/kvm_suite"
}

now_ms()
{
	read -r uptime _ </proc/uptime
	echo "${uptime%.*}${uptime#*.}0"
}

# run_program PROGRAM [ARGUMENT...]: its exit status in $status, its time in $ms, what it says in $tmp/out. With
# $driver, sessions begin and end meanwhile.
run_program()
{
	program=$programs/$1 status=0 drive_status=0
	shift
	begin_ms=$(now_ms)
	LD_PRELOAD=$preload "$program" "$@" >"$tmp/out" 2>&1 &
	pid=$!
	(sleep $limit_s && kill -KILL $pid) >/dev/null 2>&1 &
	watchdog=$!
	if [ -n "$driver" ]; then
		# shellcheck disable=SC2086 # options
		"$dir/drive" $driver "$pid" "$number" >"$tmp/drive" 2>&1 &
		drive=$!
	fi
	wait $pid || status=$?
	ms=$(($(now_ms) - begin_ms))
	kill $watchdog
	[ -z "$driver" ] || wait "$drive" || drive_status=$?
	[ -z "$driver" ] || cat "$tmp/drive" >>"$tmp/drives"
}

# why_not: what the program that has failed or skipped says of it
why_not()
{
	grep -aE -A 6 -m 1 'Assert|SKIP|[Uu]nhandled|[Ff]ail' "$tmp/out" | tr -s ' \t\n#' ' ' | cut -c 1-200
}

# passes_still COMMAND-LINE
passes_still()
{
	# shellcheck disable=SC2086 # a command line
	run_program $1
	echo "# $1: $ms ms${driver:+, sessions: $(tail -n 1 "$tmp/drive")}"
	[ "$status" = 0 ] || sed 's/^/# | /' "$tmp/out"
	[ "$status" = 0 ] || fail "exit status $status: it passes without the module" || return
	[ "$drive_status" = 0 ] || fail "the driver of sessions: $(tr '\n' ' ' <"$tmp/drive")"
}

# The suite without the module: what passes, and why the rest does not, a line each.
take_baseline()
{
	while read -r how quota line; do
		program=${line%% *}
		if [ ! -x "$programs/$program" ]; then
			echo "this kernel has no such program" >"$tmp/why"
		else
			# shellcheck disable=SC2086 # a command line
			run_program $line </dev/null
			case $status in
			0) : >"$tmp/why" ;;
			4) echo "skips without the module too: $(why_not)" >"$tmp/why" ;;
			*) echo "fails without the module too, status $status: $(why_not)" >"$tmp/why" ;;
			esac
			echo "# without the module: $line: $(cat "$tmp/why") $ms ms"
		fi
		echo "$how|$quota|$line|$(cat "$tmp/why")" >>"$tmp/baseline"
	done <"$tmp/suite"
}

# run_suite KIND: a case for each program that is to be run so
run_suite()
{
	while IFS='|' read -r how quota line text; do
		name=$1.$(echo "$line" | tr ' ' '_')
		case $1,$how in
		module,*m* | session,*s*) ;;
		quota,*q*) driver="-w -q $quota" ;;
		*) continue ;;
		esac
		if [ -n "$text" ]; then
			skip_case "$name" "$text"
		else
			run_case "$name" passes_still "$line" </dev/null
		fi
	done <"$tmp/baseline"
}

# sessions WHAT: how many there were
sessions()
{
	grep -o "[0-9]* $1" "$tmp/drives" | awk '{ n += $1 } END { print n + 0 }'
}

case_sessions()
{
	echo "# sessions: $(sessions driven) driven, $(sessions observed) observed," \
		"$(sessions "ended by themselves") ended by themselves, $(sessions refused) refused, $(sessions quotas) quotas"
	[ "$(sessions driven)" -gt 0 ] && [ "$(sessions observed)" -gt 0 ] && [ "$(sessions quotas)" -gt 0 ] &&
		[ "$(sessions "ended by themselves")" -gt 0 ] || fail "too few sessions for this to mean anything"
}

case_unloads()
{
	rmmod kvmeter || fail "the module cannot be unloaded"
}

case_loads()
{
	insmod "$ko" || fail "the module cannot be loaded"
}

case_loads_with_autopilot()
{
	insmod "$ko" autoconverge=on || fail "the module cannot be loaded"
}

# The same verdict on a VMM that loses pages of its log.
case_lost_bits_found()
{
	preload=$dir/lose_bits.so
	run_program dirty_log_test -M clear-log -i 5
	preload=''
	echo "# $(why_not)"
	grep -q 'should have its dirty bit' "$tmp/out" || fail "exit status $status: no page was missed"
}

# Some have VMs of GiB, and touch little of them; an emulated host has less.
echo 1 >/proc/sys/vm/overcommit_memory
list_suite >"$tmp/suite"
: >"$tmp/drives"
echo "1..$(($(cut -d ' ' -f 1 "$tmp/suite" | tr -d '\n' | wc -c) + 5 + ${KVMETER_LONG:-0}))"
take_baseline
[ "${KVMETER_LONG:-}" != 1 ] || run_case lost_bits_found
run_case loads
run_suite module
driver=-w
run_suite session
run_case unloads
run_case loads_with_autopilot
run_suite quota
driver=''
run_case sessions
run_case unloads
exit $((failed > 0))
