#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the selftests on kernels with checkers; whatever one of these prints is a failure.
#
#   [KERNELS="6.1 7.2"] [FLAVOURS="kasan kcsan"] [LEGS="amd intel"] [TESTS="..."] scripts/check-debug.sh
#
#   KERNELS    the Debian releases whose kernel source is compiled, default 6.1 and 7.2
#   FLAVOURS   what is compiled in, default both: kasan has KASAN, UBSAN, lockdep, kmemleak, debug objects, checks for
#              sleeping in atomic context and fault injection; kcsan looks for data races. scripts/debug-kernel.sh
#              makes them: a quarter of an hour each, once
#   LEGS       legs to test, default both
#   TESTS      selftests to run, by name; default all that selftests/run.sh has by default, and those that are out to hurt; on
#              intel, where all takes longer, those that concern what only that leg has
#
# Each test has a host of its own, so that what is printed there is the test's, and that one which hangs keeps no other
# from running; as many hosts run side by side as there are CPUs. Those that are out to hurt run in their long form, with
# KVMETER_LONG=1 in the environment all do, with KVMETER_LONG= none. Such a kernel takes about 8 times as long
# (KVMETER_SLOW), and so may time limits, waits and what the host's own tasks take; the short hostile_guest_test lasts as
# much longer. No other bound changes.
#
# Memory is searched for leaks at the end of each (kasan); of data races those count that have the module on a stack.
# What each host printed is kept in build/check-debug/KERNEL-FLAVOUR-LEG-TEST.log, and shown whole if anything in it
# failed. The last line is "N passed, N failed, N skipped"; the exit status is 1 if anything failed.

. "$(dirname "$0")/lib.sh"

here=$KVMETER_TOP/scripts
logs=$KVMETER_TOP/build/check-debug
# On Bochs what it has and the other leg has not: VMREAD, Page Modification Logging, and loads and unloads of both.
intel_tests="exits_test ledger_test dirty_test superset_test own_writes_test session_test rounds_test load_test"
# What selftests/run.sh does not run by default, as it takes long or wants fault injection; and with it all that is out to
# hurt.
extra_tests="reload_test hotplug_test fail_nth_test"
hostile_tests="$extra_tests load_test kill_test storm_test vendor_reload_test fuzz_test hostile_guest_test"
slow=8

# run_test KERNEL-FLAVOUR LEG TEST
run_test()
{
	local log=$logs/$1-$2-$3.log long=${KVMETER_LONG-} seconds=3000 hosts=1 time=() passed failed skipped

	[[ " $hostile_tests " != *" $3 "* ]] || long=${KVMETER_LONG-1}
	[ -z "$long" ] || seconds=10800
	if [ "$2-$3" = amd-hostile_guest_test ] && [ -n "$long" ]; then
		# The emulator does not live for ten minutes with such a guest: as long in hosts for its short form.
		long='' hosts=15
	fi
	[[ " $(list_group "$2" clocks) " != *" $3 "* ]] || time=(--virtual-time)
	while [ $((hosts--)) -gt 0 ]; do
		tally "$here/lab.sh" --kernel "$1" --leg "$2" "${time[@]}" --timeout "$seconds" -- \
			env KVMETER_LONG="$long" KVMETER_SLOW="$slow" sh selftests/run.sh "$3" </dev/null
	done >"$log" 2>&1
	read -r passed failed skipped < <(sum "$log")
	[ "$failed" = 0 ] || cat "$log"
	echo "$1 $2 $3: $passed passed, $failed failed, $skipped skipped"
}

# list_group LEG GROUP
list_group()
{
	KVMETER_LEG=$1 sh "$KVMETER_TOP/selftests/run.sh" --list "$2"
}

# list_tests LEG
list_tests()
{
	if [ -n "${TESTS:-}" ]; then
		xargs -n 1 <<<"$TESTS"
	elif [ "$1" = intel ]; then
		xargs -n 1 <<<"$intel_tests"
	else
		xargs -n 1 <<<"$(list_group "$1" clocks) $(list_group "$1" others) $(list_group "$1" apart) \
			$extra_tests"
	fi
}

case ${1:-} in
-h | --help) usage 0 ;;
--run) shift && run_test "$@" && exit ;;
esac

"$here/deps.sh"
rm -rf "$logs"
mkdir -p "$logs"
kernels=()
for kernel in ${KERNELS:-6.1 7.2}; do
	for flavour in ${FLAVOURS:-kasan kcsan}; do
		"$here/build.sh" "$kernel-$flavour"
		kernels+=("$kernel-$flavour")
	done
done
for kernel in "${kernels[@]}"; do
	for leg in ${LEGS:-amd intel}; do
		list_tests "$leg" | sed "s/^/$kernel $leg /"
	done
done | xargs -r -P "$(nproc)" -L 1 "$0" --run
grep -h '# SKIP' "$logs"/*.log | sort | uniq -c || true
read -r passed failed skipped < <(sum "$logs"/*.log)
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
