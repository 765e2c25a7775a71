#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The part of the demo that runs on the emulated AMD host, in /kvmeter, with a guest's kernel in /guest.
#
#   scripts/demo-host.sh
#
# "A && B || fail" is meant as it stands.
# shellcheck disable=SC2015

set -eu -o pipefail

guests=()
trap 'kill "${guests[@]}" 2>/dev/null || true' EXIT

fail()
{
	echo "demo: $*" >&2
	exit 1
}

# show ARGUMENT...: of kvmeter's
show()
{
	echo
	echo "# kvmeter $*"
	bpf/kvmeter "$@" | tee /tmp/shown
}

# expect PATTERN...: each has a line in what was shown last
expect()
{
	local pattern

	for pattern; do
		grep -Eq -e "$pattern" /tmp/shown || fail "nothing there is like '$pattern'"
	done
}

# start NAME LOAD: a stock QEMU, with a stock Debian kernel
start()
{
	qemu-system-x86_64 -name "guest=$1,debug-threads=on" -accel kvm -cpu host -smp 1 -m 256 \
		-nodefaults -no-user-config -display none -serial "file:/tmp/$1.console" \
		-kernel /guest/vmlinuz -initrd /guest/initrd \
		-append "console=ttyS0 quiet panic=-1 kvmeter.load=$2" 2>"/tmp/$1.log" &
	guests+=($!)
}

wait_ready()
{
	local tries=1200

	while ! grep -q 'kvmeter-guest: ready' "/tmp/$1.console" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries != 0 ] || fail "guest $1 did not come up: $(cat "/tmp/$1.log")"
		sleep 0.1
	done
}

insmod kvmeter.ko
start web busy
start db io
wait_ready web
wait_ready db

# show_screen HEIGHT WIDTH: of kvmeter top, once it has an interval to show, in a terminal of that size
show_screen()
{
	local tries=300

	echo
	echo "# kvmeter top, with $1 lines of $2 characters"
	LC_ALL=C.UTF-8 tmux new-session -d -s top -y "$1" -x "$2" "bpf/kvmeter top 3" || fail "there is no terminal"
	until tmux capture-pane -p -t top >/tmp/shown && grep -q 'last .* s, every 3 s' /tmp/shown; do
		tries=$((tries - 1))
		[ $tries != 0 ] || fail "top shows nothing: $(cat /tmp/shown)"
		sleep 0.1
	done
	cat /tmp/shown
	tmux send-keys -t top q
}

bpf/kvmeter record /tmp/demo.rec 1s >/tmp/recorded &
recorder=$!

show status
expect '^vms: 2 of ' '^vcpus: 2 of ' '^untracked_exits: 0$'
show list
expect '^db .* not armed ' '^web .* not armed '
show list --by vcpu
expect '^db ' '^web '
show stat 2 2
expect '^db .* not armed$' '^web .* not armed$'
show_screen 8 130
expect '^[> ]db ' '^[> ]web '
show ledger 2 2
expect '^db ' '^web '
show exits web -z
expect '^ +CPUID +[1-9]' '^ +IO +[1-9]'
show exits db -z
expect '^ +IOIO +[1-9]' '^ +IO +[1-9]'
show wakeups
expect '^db ' '^web '

echo 1 >/sys/module/kvmeter/parameters/subreasons
sleep 2
show exits db --by sub
expect '^ +IO_IN +0x71 +[1-9]' # the CMOS clock
echo 0 >/sys/module/kvmeter/parameters/subreasons

show steal
expect '^db ' '^web '
show steal --by thief
expect '^db .* vm web ' '^web .* vm db '
show steal --matrix
expect '^db ' '^web '

# Both guests have to share the host's CPUs with what emulates their devices: something is found, which is status 3.
COLUMNS=100 show doctor 3 1 && fail "doctor found nothing" || [ $? = 3 ]
expect '^1[.] .*: costs ' '^   do: '

show dirty start web --interval 500ms
expect ': driven session, interval 500 ms'
show dirty web --heat 0.5 16
expect '^ +0x[0-9a-f]+ [|] *[^ |].*[|]$' '  16 columns in '
show dirty web 4 1
expect '^web .* driven +[0-9.]*[1-9]' '^  median( +-)* +[0-9.]*[1-9]'
show forecast web --bandwidth 1G --downtime 300ms
expect '^median  yes ' '^p95     yes '
show forecast web --bandwidth 10M --downtime 100ms
expect '^median  no ' '^p95     no ' '^to make it yes by median: '
show dirty stop web
expect ': stopped$'
show dirty status
expect '^web .* not armed ended    stopped '

echo
echo "# bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vms | head -n 16"
bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vms | sed -n 1,16p
echo
echo "# bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vcpus | head -n 29"
bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vcpus | sed -n 1,29p

echo
echo "# kvmeter export | grep vm_time"
bpf/kvmeter export | tee /tmp/shown | grep vm_time
expect '^kvmeter_vm_time_seconds_total[{].*state="guest".* [0-9]'

kill -TERM "$recorder" && wait "$recorder" || fail "nothing was recorded"
echo
echo "# kvmeter record demo.rec 1s"
cat /tmp/recorded
show report /tmp/demo.rec --from -30s stat 10
expect '^db ' '^web '
bpf/kvmeter report --html /tmp/demo.html /tmp/demo.rec && grep -q '</html>' /tmp/demo.html || fail "there is no page"
echo
echo "# kvmeter report --html demo.html demo.rec: $(stat -c %s /tmp/demo.html) bytes, of $(grep -c '<svg' /tmp/demo.html) charts"

rmmod kvmeter
kill "${guests[@]}"
wait

# Another guest, which writes five times as fast as the link sends, moves to another VMM.
set +e # its VMMs are killed in the end, and that is no failure
dir=selftests
. selftests/qemu.sh
insmod kvmeter.ko && make_initrd selftests/guest_memory && start_guest app 128 "6144 12000" &&
	hear app 120 'kvmeter-memory: (ready|failed)' && [[ $answer == *ready* ]] ||
	fail "guest app did not come up: $answer $reply"
show autoconverge app on
start_incoming moved 128 && start_migration app moved $((10 << 20)) 300 || fail "$reply"
for ((tries = 0; tries < 100; tries++)); do
	bpf/kvmeter migrate app 0.2 1 >/tmp/shown
	! grep -q 'throttled: 1 of 1' /tmp/shown || break
done
show migrate app 0.5 1
expect 'autopilot: on, goal gentle' '^ +2 '
finish_migration app 120 || fail "not migrated: $reply"
echo
echo "# QEMU: $(figure total-time) ms, downtime $(figure downtime) ms, $(figure dirty-sync-count) rounds," \
	"$(figure transferred) bytes"
ask moved verify 60 'bad of' && [[ $answer == *" 0 bad of 6144 pages"* ]] || fail "the guest is not whole: $answer"
show log
expect ' app .*: round 2 begins: ' ' app .*: quota .*, was none: ' ' app .*: no quota, was .*: the VM is stopped'
rmmod kvmeter || fail "the module cannot be unloaded"
