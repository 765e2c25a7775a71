#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader as a program: every command and error, attaching, selecting, being interrupted.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"

# Cases. The first four come before the module is loaded and the guests run.

case_without_module()
{
	local command

	for command in attach detach list stat ledger exits steal wakeups status "stat 1 2" "list x" \
		"exits --json" quota "quota x 1M" "quota x off" migrate "migrate x 1" autoconverge "autoconverge x on" log \
		"log -f" "record $tmp/none"; do
		# shellcheck disable=SC2086 # a command line
		refuses 'not loaded' $command || return
	done
}

case_help()
{
	local command

	works --help && works --version || return
	for command in attach detach list stat ledger exits steal wakeups metrics schema record report status dirty \
		"dirty start" "dirty stop" "dirty status" forecast quota migrate autoconverge log; do
		# shellcheck disable=SC2086 # the verb is a word of its own
		works $command --help || return
		grep -q "^Usage: kvmeter $command" "$tmp/out" || fail "$command: no usage" || return
	done
	# units
	works exits --help && grep -q ' us' "$tmp/out" && works steal --help && grep -q ' ms' "$tmp/out" &&
		works stat --help && grep -q '4 KiB pages' "$tmp/out" && works dirty --help &&
		grep -q ' MiB/s' "$tmp/out" && works forecast --help && grep -q 'bits per second' "$tmp/out" &&
		works quota --help && grep -q 'bytes a second, not in bits' "$tmp/out" &&
		works migrate --help && grep -q ' MiB/s' "$tmp/out" && works autoconverge --help &&
		grep -q 'bits per second' "$tmp/out" ||
		fail "no units in the help" || return
	# as wide as a terminal is
	for command in dirty "dirty start" "dirty stop" "dirty status" forecast quota migrate autoconverge log \
		schema record report list stat; do
		# shellcheck disable=SC2086
		works $command --help && ! grep -q '.\{80\}' "$tmp/out" || fail "$command: too wide" || return
	done
}

# the one table; works without the module
case_metrics()
{
	works metrics && grep -q '^vcpu  *guest_ns  *cumulative  *seconds  *-9  *time in the guest$' "$tmp/out" &&
		grep -q '^exit  *min_ns  *lowest ' "$tmp/out" || fail "unexpected: $(cat "$tmp/out")" || return
	works metrics --json && json 'set(d[0]) == {"schema", "document", "abi", "vm", "vcpu", "exit", "sub", "thief", "dirty", "migration", "round"}' &&
		json 'all(set(m) == {"of", "name", "type", "unit", "exponent", "help"} for m in d[0]["vcpu"])' &&
		json 'sum(m["type"] == "histogram" for k in ("vm", "vcpu", "exit", "sub") for m in d[0][k]) == 3'
}

case_bad_usage()
{
	is_bad_usage && is_bad_usage nonsense && is_bad_usage --nonsense && is_bad_usage stat --nonsense &&
		is_bad_usage exits --by host && is_bad_usage ledger --by class &&
		is_bad_usage exits -k nonsense && is_bad_usage exits --by sub -k p50 &&
		is_bad_usage exits --by sub --hist && is_bad_usage steal --json --hist &&
		is_bad_usage steal --by class && is_bad_usage exits --by thief && is_bad_usage wakeups --by cause &&
		is_bad_usage steal --by thief --hist && is_bad_usage steal --by cause --hist &&
		is_bad_usage steal --matrix --hist && is_bad_usage steal --matrix --by vcpu &&
		is_bad_usage wakeups --matrix && is_bad_usage steal --by nonsense &&
		is_bad_usage stat --by vm && is_bad_usage metrics x && is_bad_usage stat x y && is_bad_usage stat x 1 z &&
		is_bad_usage stat x 1 2 3 && is_bad_usage list x 1 && is_bad_usage attach x &&
		is_bad_usage stat x -- -1 && is_bad_usage stat x 0 && is_bad_usage stat x 1 0 &&
		is_bad_usage stat -g x 1 0
}

case_unprivileged()
{
	setpriv --reuid 65534 --clear-groups "$reader" list >"$tmp/out" 2>"$tmp/err"
	[ $? = 1 ] && [ ! -s "$tmp/out" ] || fail "not refused" || return
	is_one_line 'must be run as root'
}

# root in name only: no capability
case_no_capability()
{
	setpriv --bounding-set=-all --inh-caps=-all "$reader" list >"$tmp/out" 2>"$tmp/err"
	[ $? = 1 ] && [ ! -s "$tmp/out" ] || fail "not refused" || return
	[ "$(wc -l <"$tmp/err")" = 1 ] || fail "not one line"
}

# a reader that finds the module unattached attaches
case_attaches_by_itself()
{
	[ ! -e "$pins" ] || fail "pins before any command" || return
	works list || return
	[ "$(find "$pins" -type f | wc -l)" = 9 ] || fail "not nine pins" || return
	works attach && grep -q '^attached already' "$tmp/out" || fail "attached twice"
}

case_bpftool_prints_fields()
{
	bpftool map dump pinned "$pins/kvmeter_host" >"$tmp/out" && grep -q '"reason_source": 1' "$tmp/out" &&
		bpftool map lookup pinned "$pins/kvmeter_vcpus" key 0 0 0 0 >"$tmp/out" &&
		grep -q '"steal_hist"' "$tmp/out" && bpftool map lookup pinned "$pins/kvmeter_steal" key 0 0 0 0 >"$tmp/out" &&
		grep -q '"wakeup_ns"' "$tmp/out" && bpftool map show pinned "$pins/kvmeter_subs" >"$tmp/out" ||
		fail "no fields"
}

case_status()
{
	works status && grep -q '^vendor: \(svm\|vmx\)$' "$tmp/out" &&
		grep -q '^untracked_exits: 0$' "$tmp/out" && grep -q '^vms: 4 of 256 (4 seen)$' "$tmp/out" ||
		fail "unexpected: $(cat "$tmp/out")" || return
	works status --json && json 'd[0]["nr_vms"] == 4 and d[0]["max_vcpus"] == 1024 and d[0]["attached"] == 1' &&
		json '"attribution" in d[0]["features"]' && json 'len(d[0]["maps"]) == 9 and all(m["id"] for m in d[0]["maps"])'
}

case_names()
{
	works list --json || return
	json 'sorted(v["name"] for v in d[0]["vms"]) == ["a,b", "evil\\x1b[31m\\x0a\\\\", "twin", "twin"]' || return
	works list && grep -q '^a,b ' "$tmp/out" || fail "no name" || return
	! LC_ALL=C grep -q "$(printf '[\001-\011\013-\037]')" "$tmp/out" || fail "control characters" || return
	[ "$(wc -l <"$tmp/out")" = 5 ] || fail "not five lines"
}

case_select()
{
	local id

	id=$(id_of a,b)
	works list "$id" && works list "${id%-*}" && works list "$evil" &&
		works stat -g a,b --json && json 'd[0]["vms"][0]["name"] == "a,b" and len(d[0]["vms"]) == 1' &&
		works stat -p "${id%-*}" && works exits "evil\\x1b[31m\\x0a\\\\" || return
	refuses 'nothere' stat nothere && refuses "'99999999'" exits 99999999 && refuses 61 steal 61 &&
		refuses 'several' stat twin && grep -q " ${guests[2]}-" "$tmp/err" && grep -q " ${guests[3]}-" "$tmp/err" ||
		fail "${why:-several are not listed: $(cat "$tmp/err")}"
}

# with exactly the guests' own counts kept, in the module's memory and in new maps
case_detach_keeps_counts()
{
	local id

	id=$(id_of a,b)
	kill -STOP "${guests[0]}"
	sleep 0.2
	"$reader" exits "$id" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["vms"])' |
		sed "s/'elapsed_ns': [0-9]*//" >"$tmp/before"
	works detach && [ ! -e "$pins" ] || fail "pins are left" || return
	refuses 'no maps are attached' detach || return
	works attach && grep -q '^attached:' "$tmp/out" || fail "not attached anew" || return
	"$reader" exits "$id" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["vms"])' |
		sed "s/'elapsed_ns': [0-9]*//" >"$tmp/after"
	kill -CONT "${guests[0]}"
	cmp -s "$tmp/before" "$tmp/after" || fail "counts changed"
}

case_lost_pins_come_back()
{
	local id

	id=$(map_id kvmeter_vms)
	rm "$pins/kvmeter_vms" "$pins/kvmeter_host"
	works list && [ "$(map_id kvmeter_vms)" = "$id" ] && [ -e "$pins/kvmeter_host" ] || fail "not the same map" ||
		return
	rm -r "$pins"
	works list && [ "$(map_id kvmeter_vms)" = "$id" ] || fail "not the same map"
}

case_racing_readers()
{
	local i jobs=()

	works detach || return
	for i in 1 2 3 4 5 6; do
		"$reader" attach >"$tmp/race$i" 2>&1 &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i" || fail "a reader failed: $(cat "$tmp"/race?)" || return
	done
	[ "$(cat "$tmp"/race? | grep -c '^attached: ')" = 1 ] &&
		[ "$(cat "$tmp"/race? | grep -c '^attached already: ')" = 5 ] || fail "$(cat "$tmp"/race?)"
}

case_no_bpf_file_system()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m sh -c 'umount /sys/fs/bpf && exec "$0" list' "$reader" >"$tmp/out" 2>"$tmp/err"
	[ $? = 1 ] && [ ! -s "$tmp/out" ] || fail "not refused" || return
	is_one_line 'not mounted'
}

# interrupt SIGNAL PID STATUS: a reader gives that status when it gets that signal
interrupt()
{
	sleep 1
	kill "-$1" "$2"
	wait "$2"
	[ $? = "$3" ] || fail "SIG$1: not status $3"
}

case_interrupted()
{
	local signal

	for signal in INT TERM; do
		env --default-signal=INT "$reader" stat --json 0.1 >"$tmp/out" 2>"$tmp/err" &
		interrupt "$signal" $! 0 || return
		[ ! -s "$tmp/err" ] && json 'len(d) > 3' || fail "not a clean end: $(cat "$tmp/err")" || return
	done
}

case_detached_meanwhile()
{
	"$reader" stat 0.1 >/dev/null 2>"$tmp/err" &
	sleep 1
	"$reader" detach >/dev/null
	wait $!
	[ $? = 1 ] || fail "not status 1" || return
	is_one_line 'detached'
}

case_vm_vanishes()
{
	local pid

	"$reader" stat -p "${guests[3]}" 0.1 >/dev/null 2>"$tmp/err" &
	pid=$!
	sleep 1
	kill -KILL "${guests[3]}"
	wait "${guests[3]}" 2>/dev/null
	wait "$pid"
	[ $? = 1 ] || fail "not status 1" || return
	is_one_line 'is gone' || return
	unset 'guests[3]'
	refuses 'no VM' list "$(id_of twin)-gone"
}

case_unknown_abi()
{
	cat >"$tmp/abi.c" <<-'EOF'
		#include <linux/kvmeter.h>
		#include <stdarg.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int ioctl(int fd, unsigned long request, ...)
		{
			va_list args;
			void *arg;
			long ret;

			va_start(args, request);
			arg = va_arg(args, void *);
			ret = syscall(SYS_ioctl, fd, request, arg);
			if (request == KVMETER_GET_INFO)
				((struct kvmeter_info *)arg)->abi++;
			return ret;
		}
	EOF
	gcc -shared -fPIC -I "$dir/../include/uapi" -o "$tmp/abi.so" "$tmp/abi.c" || fail "cannot build" || return
	LD_PRELOAD=$tmp/abi.so "$reader" list >"$tmp/out" 2>"$tmp/err"
	[ $? = 1 ] && [ ! -s "$tmp/out" ] || fail "not refused" || return
	is_one_line 'ABI 6, this reader knows 5'
}

# a reader that waits does not keep the module from being unloaded; old pins give way to new maps
case_reload()
{
	local pid old

	works attach && old=$(map_id kvmeter_vms) || return
	"$reader" stat 0.1 >/dev/null 2>"$tmp/err" &
	pid=$!
	sleep 1
	# it opens the device for a moment at each report
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		! rmmod kvmeter 2>/dev/null || break
	done
	wait "$pid"
	[ $? = 1 ] || fail "not status 1" || return
	is_one_line 'not loaded' || return
	insmod "$ko" || fail "cannot load" || return
	works list && [ "$(map_id kvmeter_vms)" != "$old" ] || fail "old pins are left"
}

check_host
echo "TAP version 13"
echo "1..21"
run_case without_module
run_case help
run_case metrics
run_case bad_usage
start_guests
run_case unprivileged
run_case no_capability
run_case attaches_by_itself
run_case bpftool_prints_fields
run_case status
run_case names
run_case select
run_case detach_keeps_counts
run_case lost_pins_come_back
run_case racing_readers
run_case no_bpf_file_system
run_case interrupted
run_case detached_meanwhile
run_case vm_vanishes
run_case unknown_abi
run_case reload
run_case documents
exit $((failed > 0))
