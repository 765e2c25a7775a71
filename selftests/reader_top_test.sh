#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The screen of the reader's command top in a real terminal, tmux: what is seen, key by key, and how it ends.
#
# What runs is the reader's own loop, keys and screen on VMs of known contents (top_show), so that whole screens can
# be compared; it needs neither root nor the module.
#
#   reader_top_test.sh [CASE...]
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
. "$dir/terminal.sh"

heading=' NAME       VCPUS GUEST% KERNEL%  VMM% HALT% STEAL% *EXITS/s TOP-EXIT    DIRTY/s'

command -v tmux >/dev/null || skip_all "needs tmux"
tmp=$(mktemp -d) || exit 1
trap 'tm kill-server; rm -rf "$tmp"' EXIT

# unseen TEXT: wait until it is no longer there
unseen()
{
	local i

	for ((i = 0; i < tries; i++)); do
		if ! screen | grep -qFe "$1"; then
			return
		fi
		sleep 0.05
	done
	fail "still seen: '$1'"
}

# shows NAME: wait until the screen is what $tmp/NAME has
shows()
{
	local i

	for ((i = 0; i < tries; i++)); do
		screen >/dev/null
		if diff "$tmp/$1" "$tmp/screen" >"$tmp/diff"; then
			return
		fi
		sleep 0.05
	done
	sed 's/^/# /' "$tmp/diff"
	fail "it is another screen than $1"
}

# begin WIDTH HEIGHT: a terminal with a shell
begin()
{
	tm kill-session -t top 2>/dev/null
	tm new-session -d -s top -x "$1" -y "$2" "cd '$dir'; unset NO_COLOR LC_ALL; export LANG=C.UTF-8; PS1='ready> ' exec sh"
	keys -l "stty -g >'$tmp/stty'; clear"
	keys Enter
	seen 'ready>' && unseen 'stty'
}

# run COMMAND: and wait until an interval is shown
run()
{
	keys -l "$1"
	keys Enter
	seen 'last 1.00 s'
}

# open WIDTH HEIGHT [VMS] [ENVIRONMENT]
open()
{
	begin "$1" "$2" && run "${4:-} ./top_show ${3:-7} 0.1"
}

# ended [STATUS]: the shell is back, and the terminal is as it was
ended()
{
	seen 'ready>' && unseen 'kvmeter top:' || return
	keys -l "echo status \$?; stty -g | cmp - '$tmp/stty' && printf 'sa%s\\n' me"
	keys Enter
	seen "status ${1:-0}" && seen 'same' || return
	[ "$(tm display-message -p -t top '#{cursor_flag} #{alternate_on} #{keypad_cursor_flag}')" = '1 0 0' ] ||
		fail 'the screen is not as it was'
}

make_screens()
{
	cat >"$tmp/80x24" <<-END
		kvmeter top: 7 VMs, 7 vCPUs; last 1.00 s, every 0.1 s

		$heading
		>web            2   60.0    20.0  10.0  10.0    0.0   6000.0 CPUID       1.0 MiB
		 db             1   50.0    10.0   5.0   0.0   30.0    500.0 IOIO            0 B
		 vm-006         1    6.0     0.0   0.0  94.0    0.0      6.0 HLT       not armed
		 vm-005         1    5.0     0.0   0.0  95.0    0.0      5.0 HLT       not armed
		 größe          1    4.0     0.0   0.0  96.0    0.0      4.0 HLT       not armed
		 \\x1b[…\\x0a     1    3.0     0.0   0.0  97.0    0.0      3.0 HLT       not armed
		 idle           0      -       -     -     -      -      0.0 -         not armed













		q quit  h help  Enter open  0-6 views  f filter  s interval
	END
	sed -e 's/größe /gr\\xc~x9fe /; s/\(.*\)[^ ]*…/\1~/' -e 's/gr\\xc~x9fe     /gr\\xc~x9fe/' "$tmp/80x24" >"$tmp/ascii"
}

case_80x24()
{
	open 80 24 && shows 80x24
}

# all columns that were asked for, thieves included
case_132x50()
{
	open 132 50 || return
	seen 'STEAL% *EXITS/s TOP-EXIT    DIRTY/s     MIGRATION THIEF' || return
	seen '>web                 2   60.0    20.0  10.0  10.0    0.0   6000.0 CPUID       1.0 MiB   round 2 50% -' || return
	seen ' db                  1   50.0    10.0   5.0   0.0   30.0    500.0 IOIO            0 B             - vm web' || return
	seen ' \x1b[31mred\x0a     1 ' || return
	[ "$(screen | wc -l)" = 50 ] && screen | tail -n 1 | grep -q '^q quit' || fail 'the keys are not in the last line'
}

case_resize()
{
	open 80 24 && shows 80x24 || return
	tm resize-window -t top -x 132 -y 50
	seen 'MIGRATION THIEF' || return
	tm resize-window -t top -x 20 -y 5
	seen '20x5: too small' || return
	[ "$(screen | grep -c .)" = 1 ] || fail 'there is more than that' || return
	tm resize-window -t top -x 3 -y 1
	seen '3x1' || return
	tm resize-window -t top -x 80 -y 24
	shows 80x24
}

# whatever the terminal can do, the same is to be read
case_vt100()
{
	open 80 24 7 TERM=vt100 && shows 80x24 || return
	keys Down
	seen '>db'
}

case_ascii()
{
	open 80 24 7 LANG=C || return
	shows ascii || return
	keys 6
	seen 'VICTIM' && seen '#20.0' || return
	! screen | LC_ALL=C grep -q '[^ -~]' || fail 'not ASCII'
}

# colours_of: how many colours are set on the screen
count_colours()
{
	tm capture-pane -e -p -t top | grep -o $'\033\[[0-9;]*m' | grep -c -e '\[3[0-7]' -e '\[4[0-7]' -e ';3[0-7]' -e ';4[0-7]'
}

case_colours()
{
	open 80 24 7 TERM=screen && [ "$(count_colours)" != 0 ] || fail 'no colours' || return
	open 80 24 7 'TERM=screen NO_COLOR=1' && shows 80x24 && [ "$(count_colours)" = 0 ] || fail 'colours in spite of NO_COLOR' || return
	open 80 24 7 'TERM=vt100' && [ "$(count_colours)" = 0 ] || fail 'colours on a vt100'
}

case_many()
{
	open 80 24 200 || return
	seen '1-20 of 200' || return
	keys End
	seen '>vm-100' && seen '181-200 of 200' || return
	keys PageUp
	seen '180-199 of 200' || return
	keys Home
	seen '>web' && seen '1-20 of 200' || return
	keys -l 'f^vm-1.5$'
	keys Enter
	seen '10 of 200 VMs: name matches ^vm-1.5$' && unseen ' web '
}

# what is asked, and how it is answered
case_filter()
{
	open 80 24 || return
	keys -l 'f('
	seen 'Show names that match (regular expression): (' || return
	keys Enter
	seen 'no regular expression: ' && seen ' db ' || return
	keys -l 'f^d'
	keys Enter
	seen '1 of 7 VMs: name matches ^d' && unseen ' vm-006 ' || return
	keys c
	seen ' vm-006 ' || return
	keys -l 'g1005'
	keys Enter
	seen '1 of 7 VMs: VM 1005' && seen '>vm-005' && unseen ' web ' || return
	keys c
	keys -l 'fxy'
	seen 'xy' || return
	keys BSpace BSpace
	keys -l 'web'
	keys Enter
	seen 'name matches web' || return
	keys -l 'pq'
	keys Escape
	unseen 'Show the VM' && seen 'name matches web'
}

# first NAME: the first row
first()
{
	local i

	for ((i = 0; i < tries; i++)); do
		if screen | sed -n 4p | grep -qFe "${1:0:6}"; then
			return
		fi
		sleep 0.05
	done
	fail "first is not $1: $(screen)"
}

# sorted_by COLUMN NAME: the row that is first then, and last the other way round
sorted_by()
{
	keys F
	seen 'Sort by the column:' || return
	keys -l "$1"
	keys Enter
	seen "sorted by " && first "$2" || return
}

case_sort()
{
	open 132 24 || return
	sorted_by name ' \x1b[' && sorted_by vcpus 'web' && sorted_by guest 'web' && sorted_by kernel web && sorted_by vmm web &&
		sorted_by halt ' \x1b[' && sorted_by steal ' db' && sorted_by exits 'web' && sorted_by top-exit ' idle' &&
		sorted_by dirty web && sorted_by migration web && sorted_by thief web && sorted_by id web || return
	sorted_by steal ' db' && seen '*STEAL%' || return
	keys o
	seen '^STEAL%' && first web || return
	keys o '>'
	seen '*EXITS/s' && first web || return
	keys '<' '<'
	seen '*HALT%' && first ' \x1b[' || return
	sorted_by nonsense x 2>/dev/null
	seen 'there is no such column'
}

case_open()
{
	open 80 24 || return
	keys Enter
	seen 'kvmeter top: web (1000-9), 2 vCPUs' && seen ' vCPU 1' && seen 'THROTTLE% STATE     CPU NODE' || return
	keys 2
	seen 'VM-EXIT                 COUNT/s  COUNT%   TIME%   MEAN(us)    P99(us)    MAX(us)' || return
	seen 'CPUID                    4000.0   66.67   66.67       1.00       1.00       1.00' || return
	keys 3
	seen 'unexplained' || return
	keys 4
	seen 'LOGGING' && seen 'D(t) is not known without a session' || return
	keys 5
	seen '[████████████░░░░░░░░░░░░] 50 %, about 32.0 MiB of 64.0 MiB left' || return
	keys 0
	seen '>web' && seen '7 VMs' || return
	keys Down Enter
	seen 'kvmeter top: db (1001-9)' || return
	keys 3
	seen 'vm web              20.00   66.7      200.000' && seen 'contention' || return
	keys 4
	seen '       4         6.00         6.00         7.00' || return
	keys Escape
	seen '>db' && seen '7 VMs'
}

case_views()
{
	open 80 24 || return
	keys 1
	seen 'STEAL% THROTTLE%' || return
	keys 2
	seen 'TOP-EXIT   TOP%' || return
	keys 3
	seen 'THIEF% THIEF' || return
	keys 4
	seen 'DIRTY/s     MIGRATION THROTTLE%' || return
	keys B
	seen 'PAGES/s' && seen '256.0' || return
	keys u
	seen '1.0 MiB' || return
	keys 5
	seen 'LEFT(MiB)' || return
	keys 6
	seen 'VICTIM' && seen '█20.0' || return
	keys 0 Right Right Right
	seen '<VMM%' && seen 'MIGRATION' || return
	keys Left Left Left
	shows 80x24
}

case_settings()
{
	open 80 24 || return
	keys x
	seen '  vCPU 1' || return
	keys x
	unseen '  vCPU 1' || return
	keys h
	seen 'show VMs whose names match' || return
	keys x
	seen "$heading" && unseen 'show VMs whose names match' || return
	keys -l 's0.2'
	keys Enter
	seen 'every 0.2 s' || return
	keys -l 'd0'
	keys Enter
	seen 'no interval' && seen 'every 0.2 s' || return
	keys -l 's600'
	keys Enter t
	seen 'total of ' || return
	keys r
	seen 'counting from now on' || return
	seen 'last 1.00 s' || return
	keys Space
	seen 'total of 1.00 s' || return
	keys Space
	seen 'total of 2.00 s' || return
	keys t
	seen 'last 1.00 s'
}

# a long interval, and one at once
case_refresh()
{
	begin 80 24 || return
	keys -l './top_show 7 600'
	keys Enter
	seen 'since first seen, every 600 s' && seen '>web' || return
	keys Space
	seen 'last 1.00 s'
}

case_quit()
{
	open 80 24 || return
	keys q
	ended 0
}

case_interrupt()
{
	open 80 24 || return
	keys C-c
	ended 0
}

# signal NAME: to what runs in the terminal
signal()
{
	pkill -P "$(tm display-message -p -t top '#{pane_pid}')" "-$1" top_show
}

case_terminate()
{
	open 80 24 && signal TERM && ended 0
}

case_stop()
{
	open 80 24 || return
	keys C-z
	seen 'ready> ' && unseen 'kvmeter top:' || return
	keys -l 'stty -a | grep -o " -\?icanon "; fg'
	keys Enter
	shows 80x24 || return
	keys q
	ended 0
}

# the reason is told when the terminal is as it was, and so stays
case_error()
{
	begin 80 24 || return
	keys -l './top_show 7 0.1 error 5'
	keys Enter
	seen 'top_show: no consistent copy of a VM in 5000 tries' && ended 1
}

# one that is no end of it: the screen comes back, and goes in the end
case_warning()
{
	begin 80 24 || return
	run './top_show 7 0.1 warning 5'
	sleep 0.5
	shows 80x24 || return
	keys q
	seen 'top_show: something is odd' && ended 0
}

case_crash()
{
	begin 80 24 || return
	keys -l './top_show 7 0.1 crash 5'
	keys Enter
	ended 134
}

case_terminal_unknown()
{
	begin 80 24 || return
	keys -l 'TERM=nonsense ./top_show 7 0.1; echo first $?'
	keys Enter
	seen "nothing is known of a terminal 'nonsense': try -b" && seen 'first 1' || return
	keys -l 'TERM=dumb ./top_show 7 0.1'
	keys Enter
	seen "a terminal 'dumb' cannot be drawn on: try -b" && ended 1
}

# nobody looks any more: it does not go on, and not without end
gone_with_terminal()
{
	local pid i

	pid=$(pgrep -P "$(tm display-message -p -t top '#{pane_pid}')" top_show) || fail 'it does not run' || return
	tm kill-session -t top
	for ((i = 0; i < tries; i++)); do
		if ! kill -0 "$pid" 2>/dev/null; then
			return
		fi
		sleep 0.05
	done
	fail 'it goes on without a terminal'
}

case_hangup()
{
	open 80 24 && gone_with_terminal
}

# nor if it was told not to mind
case_hangup_ignored()
{
	begin 80 24 || return
	keys -l "trap '' HUP"
	keys Enter
	run './top_show 7 0.1' && gone_with_terminal
}

# its characters take two columns each, but what is too much for a line is not on the next
case_wide()
{
	open 80 24 200 || return
	keys -l 'g1199'
	keys Enter
	seen '1 of 200 VMs' && seen '京京' && seen 'q quit' || return
	[ -z "$(screen | sed -n 5p)" ] || fail "it goes on below: $(screen)"
}

case_memory()
{
	begin 80 24 || return
	run 'GLIBC_TUNABLES=glibc.malloc.tcache_count=0 ./top_show 200 0.01 loop 20'
	sleep 2
	keys q
	seen ' bytes more' || return
	screen | grep -x '0 bytes more' || fail "it grows: $(screen | grep 'bytes more')"
}

cases='80x24 132x50 resize vt100 ascii colours many filter sort open views settings refresh quit interrupt terminate
	stop error warning crash terminal_unknown hangup hangup_ignored wide memory'
make_screens
# the server stays as long as it has a session
tm new-session -d -s keeper 'exec sleep 100000'
echo 'TAP version 13'
# shellcheck disable=SC2086 # words
[ $# != 0 ] || set -- $cases
echo "1..$#"
for name; do
	run_case "$name"
done
[ "$failed" = 0 ]
