#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run selftests on this host, as root, and say how many test cases passed, failed and were skipped.
#
#   selftests/run.sh [TEST...]      default: all that suit the host; without kvm that is nokvm_test
#   selftests/run.sh GROUP
#   selftests/run.sh --list GROUP   only print their names
#
# The groups:
#   plain    those that only compute, on any machine: they need neither a module nor root
#   clocks   those that compare times, for a host whose clock stands still while it cannot run
#   others   the rest of those that suit the host, but for
#   apart    those that may take down an emulated host, so that no other is lost with them
#
# A test case that the file must-run names for $KVMETER_LEG (amd, intel; none elsewhere) fails if it skips; LEG@KERNEL
# there is of kernels whose release is that pattern, $KREL if this is where one is built for. The module,
# ../kvmeter.ko or $KVMETER_KO, is loaded before each test and unloaded afterwards, but for the tests that
# do so themselves. Exit status: 0 if nothing failed.

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
export KVMETER_KO="$ko"
leg=${KVMETER_LEG:-none}
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.status"' EXIT
passed=0 failed=0 skipped=0
plain="reader_unit_test reader_ledger_test reader_snapshot_test reader_thieves_test reader_matrix_test
	reader_pages_test reader_forecast_test reader_quota_test reader_migrate_test reader_outlook_test
	reader_autoconverge_test reader_audit_test reader_csv_test reader_record_test reader_recorder_test
	reader_unpack_test reader_report_test.sh reader_top_test reader_top_test.sh reader_export_test
	reader_scrape_test.sh reader_html_test reader_html_test.sh reader_doctor_test manual_test.sh
	quota_unit_test converge_unit_test converge_sim_test btf_unit_test"
clocks="ledger_test consistent_test preempt_test nested_test subs_test steal_test thief_churn_test
	dirty_test superset_test own_writes_test takeover_test session_test session_cost_test curve_test
	quota_test quota_share_test rounds_test audit_test autoconverge_test autoconverge_release_test
	autoconverge_yield_test autoconverge_switch_test"
others="exits_test counters_test thief_test thief_own_test attach_test lifetime_test load_test
	session_load_test quota_load_test autoconverge_load_test prototypes_test leak_test
	vendor_reload_test kill_test storm_test fuzz_test"
apart=hostile_guest_test
# Those that want a whole root or much memory, or ask what no CPU has a say in, run on one leg.
if [ "$leg" != intel ]; then
	clocks="$clocks example_test.sh"
	others="$others scale_test security_test"
fi

count_failed()
{
	echo "# $1"
	failed=$((failed + 1))
}

# must_run TEST CASE: may that case not skip here?
must_run()
{
	while read -r on test pattern; do
		[ "$test" = "$1" ] || continue
		# shellcheck disable=SC2254 # it is a pattern
		case $leg@${KREL:-$(uname -r)} in
		$on | $on@*) ;;
		*) continue ;;
		esac
		# shellcheck disable=SC2254 # it is a pattern
		case $2 in
		$pattern) return 0 ;;
		esac
	done <"$dir/must-run"
	return 1
}

# count_tap TEST STATUS: what the TAP output in $log says. The harness names a case when it starts it.
count_tap()
{
	name='' cases=0 bad=0
	while read -r word rest; do
		case "$word $rest" in
		'# RUN '*) name=${rest##*RUN } && name=${name% ...} && name=${name##* } ;;
		'ok '*'# SKIP'*)
			cases=$((cases + 1))
			if must_run "$1" "$name"; then
				bad=$((bad + 1))
				count_failed "$1: $name must not skip on $leg"
			else
				skipped=$((skipped + 1))
			fi
			;;
		'ok '*) cases=$((cases + 1)) passed=$((passed + 1)) ;;
		'not ok '*) cases=$((cases + 1)) bad=$((bad + 1)) failed=$((failed + 1)) ;;
		esac
	done <"$log"
	if [ "$2" != 0 ] && [ "$2" != 4 ] && [ $bad = 0 ]; then
		count_failed "$1: exit status $2, and no case failed"
		return
	fi
	plan=$(sed -n 's/^1\.\.//p' "$log")
	case $plan in
	'0 # SKIP'*)
		if must_run "$1" all; then
			count_failed "$1: must not skip on $leg"
		else
			skipped=$((skipped + 1))
		fi
		;;
	"$cases") ;;
	*) count_failed "$1: $cases cases of the $plan planned" ;;
	esac
}

# The kernel's warnings and worse since the test began, but for those that tests ask for.
show_warnings()
{
	dmesg -r | sed -n "/kvmeter-selftest: $mark\$/,\$p" |
		sed -n "/taint/d; /hrtimer: interrupt took/d; /kvmeter: load failed/d; /invalid for parameter .autoconverge/d; s/^<[0-4]>/# $1: kernel: /p"
}

# Seconds since the system was started, by its own clock.
get_uptime()
{
	cut -d . -f 1 /proc/uptime
}

# run_program TEST: leave what it printed in $log
run_program()
{
	begun=$(get_uptime)
	echo "# $1"
	{ "$dir/$1" 2>&1; echo $? >"$log.status"; } | tee "$log"
	echo "# $1: $(($(get_uptime) - begun)) s"
	count_tap "$1" "$(cat "$log.status")"
}

run_test()
{
	mark="$1 $$ begins"
	echo "kvmeter-selftest: $mark" >/dev/kmsg
	case $1 in
	lifetime_test | load_test | session_load_test | quota_load_test | autoconverge_load_test) own_load=1 ;;
	reload_test | storm_test | kill_test | vendor_reload_test | hotplug_test | fail_nth_test) own_load=1 ;;
	prototypes_test | leak_test | scale_test | fuzz_test | hostile_guest_test | nokvm_test | *_test.sh) own_load=1 ;;
	*) own_load= ;;
	esac
	# This one goes through all that the maps have room for, many times.
	params=
	[ "$1" != security_test ] || params="max_vms=64 max_vcpus=64"
	# shellcheck disable=SC2086 # a list
	if [ -z "$own_load" ] && ! insmod "$ko" $params; then
		count_failed "$1: the module cannot be loaded"
		return
	fi
	run_program "$1"
	# A test that was killed may have left it loaded.
	if [ -d /sys/module/kvmeter ]; then
		[ -z "$own_load" ] || count_failed "$1: left the module loaded"
		rmmod kvmeter || count_failed "$1: the module cannot be unloaded"
	fi
	show_warnings "$1"
}

list=
if [ "${1:-}" = --list ]; then
	list=1
	shift
fi
run=run_test
if [ $# = 0 ] && [ ! -e /sys/module/kvm ]; then
	set -- nokvm_test
fi
case $* in
plain) run=run_program && names=$plain ;;
clocks) names=$clocks ;;
others) names=$others ;;
apart) names=$apart ;;
'') names="$clocks $others $apart" ;;
*) names=$* ;;
esac
# shellcheck disable=SC2086 # a list of names
set -- $names
if [ "$list" ]; then
	echo "$*"
	exit 0
fi
for test; do
	if [ -x "$dir/$test" ]; then
		$run "$test"
	else
		count_failed "$test: there is no such test"
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
