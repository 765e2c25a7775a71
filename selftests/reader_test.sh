#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader, every command and error, on stock QEMU guests that do no more than fail to boot.
#
# Loads and unloads the module itself. KVMETER is the reader, KVMETER_KO the module.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
pins=/sys/fs/bpf/kvmeter
qemu="qemu-system-x86_64"
tmp=$(mktemp -d) || exit 1
# a name that would turn the terminal red
evil=$'evil\033[31m\n\\'
guests=()

cleanup()
{
	[ ${#guests[@]} = 0 ] || kill -KILL "${guests[@]}"
	wait
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

# kvm ARGUMENT...: run the reader; its output is in $tmp/out and $tmp/err, its status in $status
kvm()
{
	"$reader" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# works ARGUMENT...: the reader succeeds, prints something, and says nothing on standard error
works()
{
	kvm "$@"
	[ "$status" = 0 ] || { fail "$* gave $status: $(cat "$tmp/err")"; return; }
	[ ! -s "$tmp/err" ] || { fail "$* said: $(cat "$tmp/err")"; return; }
	[ -s "$tmp/out" ] || fail "$* printed nothing"
}

# is_one_line TEXT: standard error is one line, the reader's own, with TEXT in it
is_one_line()
{
	[ "$(wc -l <"$tmp/err")" = 1 ] && grep -q '^kvmeter: ' "$tmp/err" && grep -qF -- "$1" "$tmp/err" ||
		fail "not one line with '$1': $(cat "$tmp/err")"
}

# refuses TEXT ARGUMENT...: the reader gives 1 and that line, and prints nothing else
refuses()
{
	local text=$1

	shift
	kvm "$@"
	[ "$status" = 1 ] || { fail "$* gave $status, not 1"; return; }
	[ ! -s "$tmp/out" ] || { fail "$* printed something"; return; }
	is_one_line "$text"
}

# is_bad_usage ARGUMENT...
is_bad_usage()
{
	kvm "$@"
	[ "$status" = 64 ] && [ -s "$tmp/err" ] && [ ! -s "$tmp/out" ] || fail "$* gave $status, not 64"
}

# json EXPRESSION: Python's verdict on the documents in $tmp/out, one a line, as the list d
json()
{
	python3 - "$tmp/out" "$1" <<-'EOF' || fail "not so in JSON: $1"
		import json, sys
		d = [json.loads(line) for line in open(sys.argv[1])]
		sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
	EOF
}

# start_guest NAME: a stock QEMU whose firmware finds nothing to boot and starts over, for ever
start_guest()
{
	"$qemu" -accel kvm -m 16 -nodefaults -display none -boot reboot-timeout=300 -name "$1" &
	guests+=($!)
}

# id_of NAME: id of the one VM of that name
id_of()
{
	"$reader" list --json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["vms"][0]["id"])'
}

map_id()
{
	bpftool -j map show pinned "$pins/$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'
}

# Cases. Each begins with the module loaded and four guests running, unless it says otherwise.

# before the module is loaded
case_without_module()
{
	local command

	for command in attach detach list stat exits steal status "stat 1 2" "list x" "exits --json"; do
		# shellcheck disable=SC2086 # a command line
		refuses 'not loaded' $command || return
	done
}

case_help()
{
	local command

	works --help && works --version || return
	for command in attach detach list stat exits steal status; do
		works "$command" --help || return
		grep -q "^Usage: kvmeter $command" "$tmp/out" || fail "$command: no usage" || return
	done
	# units
	works exits --help && grep -q ' us' "$tmp/out" && works steal --help && grep -q ' ms' "$tmp/out" &&
		works stat --help && grep -q '4 KiB pages' "$tmp/out" || fail "no units in the help"
}

case_bad_usage()
{
	is_bad_usage && is_bad_usage nonsense && is_bad_usage --nonsense && is_bad_usage stat --nonsense &&
		is_bad_usage exits --by host && is_bad_usage stat x y && is_bad_usage stat x 1 z &&
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
	[ "$(find "$pins" -type f | wc -l)" = 5 ] || fail "not five pins" || return
	works attach && grep -q '^attached already' "$tmp/out" || fail "attached twice"
}

case_bpftool_prints_fields()
{
	bpftool map dump pinned "$pins/kvmeter_host" >"$tmp/out" && grep -q '"reason_source": 1' "$tmp/out" &&
		bpftool map lookup pinned "$pins/kvmeter_vcpus" key 0 0 0 0 >"$tmp/out" &&
		grep -q '"steal_hist"' "$tmp/out" || fail "no fields"
}

case_status()
{
	works status && grep -q '^vendor: \(svm\|vmx\)$' "$tmp/out" &&
		grep -q '^untracked_exits: 0$' "$tmp/out" && grep -q '^vms: 4 of 256 (4 seen)$' "$tmp/out" ||
		fail "unexpected: $(cat "$tmp/out")" || return
	works status --json && json 'd[0]["nr_vms"] == 4 and d[0]["max_vcpus"] == 1024 and d[0]["attached"] == 1' &&
		json 'len(d[0]["maps"]) == 5 and all(m["id"] for m in d[0]["maps"])'
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

# with the VM stopped nothing moves, and views, maps and debugfs have to agree
case_exits_add_up()
{
	local id

	id=$(id_of a,b)
	kill -STOP "${guests[0]}"
	sleep 0.2
	works exits "$id" && awk '/us$/ || / -$/ { if ($1 != "VM") sum += $2 }
		/^Total Samples:/ { split($2, t, /[:,]/); total = t[2] }
		END { exit !(sum > 100 && sum == total) }' "$tmp/out" || fail "Samples do not add up" || return
	works exits "$id" --json --by vcpu || return
	json 'all(sum(r["count"] for r in c["reasons"]) == c["exits"] > 100 for c in d[0]["vms"][0]["vcpus"])' &&
		json 'all(sum(r["hist"]) in (r["count"], r["count"] - 1) for r in d[0]["vms"][0]["vcpus"][0]["reasons"])' &&
		json 'all(r["p50_ns"] <= r["p99_ns"] <= r["max_ns"]
			for r in d[0]["vms"][0]["vcpus"][0]["reasons"] if sum(r["hist"]))' || return
	cp "/sys/kernel/debug/kvmeter/$id/exits" "$tmp/debugfs"
	json '{(r["reason"], str(r["name"]), r["class"], r["count"], r["time_ns"])
			for r in d[0]["vms"][0]["vcpus"][0]["reasons"] if r["name"] != "UNKNOWN"} ==
		{(int(f[1], 0), f[2], f[3], int(f[4]), int(f[5]))
			for f in (line.split() for line in list(open("'"$tmp/debugfs"'"))[1:])}' || return
	# an interval in which nothing happened
	works exits "$id" 0.2 2 -z --json && json 'len(d) == 2 and d[0]["interval_ns"] == 0' &&
		json 'd[1]["vms"][0]["exits"] == 0 and d[1]["vms"][0]["reasons"] == []' || return
	kill -CONT "${guests[0]}"
	works exits "$id" 0.5 3 --json && json 'len(d) == 3 and d[2]["vms"][0]["exits"] > 0' &&
		json 'abs(d[2]["interval_ns"] - 5e8) < 4e8'
}

case_stat()
{
	local id

	works stat && [ "$(grep -c 'not armed$' "$tmp/out")" = 4 ] || fail "not armed is not shown" || return
	id=$(id_of a,b)
	works stat "$id" 0.2 22 && [ "$(grep -c '^NAME' "$tmp/out")" = 2 ] && [ "$(wc -l <"$tmp/out")" = 24 ] ||
		fail "not 22 rows under 2 headings" || return
	works stat --json 0.2 2 && json 'len(d) == 2 and all(v["dirty_pages_per_s"] is None for v in d[1]["vms"])' &&
		json 'all(v["log_state"] == "off" and v["exits"] > 0 for v in d[0]["vms"])'
}

case_steal()
{
	works steal && works steal --by vcpu 0.2 2 && works steal --json --by vcpu 0.2 2 &&
		json 'len(d) == 2 and all(len(v["vcpus"]) == 1 for v in d[1]["vms"])' &&
		json 'all(sum(c["steal_hist"]) == c["steal_nr"] for v in d[0]["vms"] for c in v["vcpus"])'
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
	is_one_line 'ABI 2, this reader knows 1'
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

[ "$(id -u)" = 0 ] || skip_all "needs root"
for tool in "$qemu" python3 bpftool gcc setpriv; do
	command -v "$tool" >/dev/null || skip_all "needs $tool"
done
[ -e /dev/kvm ] || skip_all "needs /dev/kvm"
rmmod kvmeter 2>/dev/null
rm -rf "$pins"

echo "TAP version 13"
echo "1..22"
run_case without_module
run_case help
run_case bad_usage
insmod "$ko" || exit 1
start_guest a,,b
start_guest "guest=$evil,debug-threads=on"
start_guest twin
start_guest twin
# Each has run and has its vCPU.
until [ "$(awk '$3 == 1' /sys/kernel/debug/kvmeter/vms | wc -l)" = 4 ]; do
	if [ $SECONDS -gt 60 ]; then
		cat /sys/kernel/debug/kvmeter/vms
		echo "Bail out! the guests did not start"
		exit 1
	fi
	sleep 0.5
done
# One that runs is enough, and leaves the emulated CPUs some time.
kill -STOP "${guests[@]:1}"
run_case unprivileged
run_case no_capability
run_case attaches_by_itself
run_case bpftool_prints_fields
run_case status
run_case names
run_case select
run_case exits_add_up
run_case stat
run_case steal
run_case detach_keeps_counts
run_case lost_pins_come_back
run_case racing_readers
run_case no_bpf_file_system
run_case interrupted
run_case detached_meanwhile
run_case vm_vanishes
run_case unknown_abi
run_case reload
exit $((failed > 0))
