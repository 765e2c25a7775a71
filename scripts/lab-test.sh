#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Test the lab itself: a host that fails is a failure of its own kind, and a command's status is its own.
#
#   scripts/lab-test.sh KERNEL LEG
#
# Prints TAP, and a line "N passed, N failed, 0 skipped".

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac
[ $# = 2 ] || usage 2 >&2

kernel=$1 leg=$2
number=0 failed=0

lab=("$KVMETER_TOP/scripts/lab.sh" --kernel "$kernel" --leg "$leg")

# run_crash LAB-COMMAND...: the emulator, which is a child of the lab, gets a signal as if of its own fault
run_crash()
{
	local pid

	"$@" &
	pid=$!
	while kill -0 $pid && ! pkill -SEGV -P $pid qemu-system; do
		sleep 0.2
	done
	wait $pid
}

# expect STATUS NAME COMMAND [LAB-OPTION...]; $through is what runs the lab, if something does
expect()
{
	local want=$1 name=$2 command=$3 status=0 out

	number=$((number + 1))
	out=$(${through:-} "${lab[@]}" "${@:4}" -- sh -c "$command" 2>&1) || status=$?
	if [ $status = "$want" ]; then
		echo "ok $number $name: exit status $status"
	else
		printf '# %s\n' "${out//$'\n'/$'\n'# }"
		echo "not ok $number $name: exit status $status, not $want"
		failed=$((failed + 1))
	fi
}

echo "TAP version 13"
if [ "$leg" = amd ]; then
	echo "1..8"
	# shellcheck disable=SC2016 # expanded by the host's shell
	expect 0 real_time_clock '
		ticks() { awk "/rtc0/ { print \$2 + \$3 }" /proc/interrupts; }
		before=$(ticks); sleep 2; [ $(($(ticks) - before)) -gt 24 ]'
else
	echo "1..7"
fi
expect 0 true 'exit 0'
expect 7 own_status 'exit 7'
expect 121 panic 'echo c >/proc/sysrq-trigger; sleep 60'
expect 122 warning 'echo "<4>WARNING: CPU: 0 PID: 1 at the test" >/dev/kmsg'
expect 123 no_verdict 'echo o >/proc/sysrq-trigger; sleep 60'
expect 124 hang 'sleep 1000' --timeout 30
through=run_crash expect 125 crash 'sleep 1000'
echo "$((number - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
