#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The example of a BPF program that reads the maps: tells of steal where there is some, and of none where there is none.
#
# Loads and unloads the module itself. KVMETER is the reader, KVMETER_KO the module.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
example=$dir/../bpf/example_steal
tmp=$(mktemp -d) || exit 1
window_ms=250 windows=8 threshold=25
pids=() watcher=''

cleanup()
{
	[ -z "$watcher" ] || kill "$watcher"
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}"
	wait
	rmmod kvmeter
	rm -rf /sys/fs/bpf/kvmeter "$tmp"
} 2>/dev/null
trap cleanup EXIT

# start_guest: a vCPU that computes on CPU 0
start_guest()
{
	: >"$tmp/guest" # that of another one says "running", too
	"$dir/busy_load" 0 >"$tmp/guest" &
	pids+=($!)
	until grep -q running "$tmp/guest"; do
		kill -0 $! || return
		sleep 0.1
	done
}

# start_rival: what takes half of that CPU
start_rival()
{
	taskset -c 0 sh -c 'while :; do :; done' &
	pids+=($!)
}

# stop_last: the guest or rival that was started last
stop_last()
{
	kill -KILL "${pids[-1]}"
	wait "${pids[-1]}"
	unset "pids[-1]"
} 2>/dev/null

# watch [OPTION...]: start the example; what it says is in $tmp/out
watch()
{
	: >"$tmp/out"
	"$example" --threshold "$threshold" --window "$window_ms" "$@" >>"$tmp/out" 2>"$tmp/err" &
	watcher=$!
	until grep -q watching "$tmp/out"; do
		kill -0 "$watcher" 2>/dev/null || { fail "$(cat "$tmp/err")"; return; }
		sleep 0.1
	done
}

# unwatch: end it, with the status in $status
unwatch()
{
	kill "$watcher" 2>/dev/null
	wait "$watcher"
	status=$?
	watcher=''
	[ "$status" = 0 ] || fail "status $status: $(cat "$tmp/err")"
}

# as many windows as $windows has; no other program is run for that, as to begin one takes a part of a window there
pause()
{
	! read -rt 2 -u "$never"
}

# nice_of PID
nice_of()
{
	sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 17
}

case_needs_maps()
{
	"$example" >"$tmp/out" 2>"$tmp/err" && fail "no maps, and it runs" && return
	[ "$(wc -l <"$tmp/err")" = 1 ] && grep -q "kvmeter attach" "$tmp/err" || fail "$(cat "$tmp/err")"
}

# but for the time that the example itself takes to begin, where there is one CPU
case_alone_is_not_told_of()
{
	watch && pause || return
	: >"$tmp/out"
	pause
	unwatch || return
	! grep -q waited "$tmp/out" || fail "$(cat "$tmp/out")"
}

# Half of the CPU, give or take a quarter of it; in most windows, and in each at most once.
case_steal_is_told_of()
{
	local id begin_us=${EPOCHREALTIME/./} most

	start_rival
	watch && pause && unwatch || return
	most=$(((${EPOCHREALTIME/./} - begin_us) / 1000 / window_ms + 1))
	id=$("$reader" list --json | sed 's/.*"id":"\([0-9-]*\)".*/\1/')
	awk -v id="$id" -v tid="${pids[0]}" -v most="$most" -v least=$((windows / 2)) '
		/waited/ {
			told++
			if ($1 != id || $5 != tid ":" || $7 < 25 || $7 > 75) bad = bad "\n# " $0
		}
		END { if (told < least || told > most || bad) { print told " times" bad; exit 1 } }' "$tmp/out" >"$tmp/bad" ||
		fail "$(cat "$tmp/bad"), of $id, thread ${pids[0]}"
}

case_by_default_it_only_tells()
{
	[ "$(nice_of "${pids[0]}")" = 0 ] && ! grep -q nice "$tmp/out" || fail "nice is $(nice_of "${pids[0]}")"
}

# The thread gets more of the CPU, so that the steal ends; and its own value again when the example ends.
case_nice_is_raised_and_taken_back()
{
	local during

	watch --nice -15 && pause || return
	during=$(nice_of "${pids[0]}")
	: >"$tmp/out"
	pause
	! grep -q waited "$tmp/out" || fail "still waits: $(tail -n 1 "$tmp/out")" || return
	unwatch || return
	[ "$during $(nice_of "${pids[0]}")" = "-15 0" ] || fail "$during, then $(nice_of "${pids[0]}")"
}

case_both_of_two_guests()
{
	stop_last
	start_guest || fail "no second guest" || return
	watch && pause && unwatch || return
	[ "$(sed -n 's/.* tid \([0-9]*\): waited.*/\1/p' "$tmp/out" | sort -u | wc -l)" = 2 ] || fail "$(cat "$tmp/out")"
}

# It has the maps open, which holds up nothing; and it notices.
case_ends_with_the_module()
{
	watch || return
	rmmod kvmeter || fail "it holds the module" || return
	pause
	! kill -0 "$watcher" 2>/dev/null || fail "it goes on" || return
	wait "$watcher"
	status=$?
	watcher=''
	[ "$status" = 1 ] && grep -q 'the module is gone' "$tmp/err" || fail "$status: $(cat "$tmp/err")"
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -e /dev/kvm ] || skip_all "needs /dev/kvm"
rmmod kvmeter 2>/dev/null
rm -rf /sys/fs/bpf/kvmeter
mkfifo "$tmp/never" && exec {never}<>"$tmp/never" || exit 1
echo "TAP version 13"
echo "1..7"
insmod "$ko" || exit 1
run_case needs_maps
"$reader" attach >/dev/null && start_guest || exit 1
run_case alone_is_not_told_of
run_case steal_is_told_of
run_case by_default_it_only_tells
run_case nice_is_raised_and_taken_back
run_case both_of_two_guests
run_case ends_with_the_module
exit $((failed > 0))
