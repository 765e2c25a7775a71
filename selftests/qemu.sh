# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# Stock QEMU guests whose process 1 is one of our programs, their consoles and monitors, and their migration;
# sourced, never run.
#
# The script that does has set $dir. A guest has a NAME, and "qemu_pid[NAME]" is its VMM. At the end all VMMs are killed
# and the module is unloaded; KVMETER_KO is the module, KVMETER the reader.

. "$dir/guest_kernel.sh"
declare -A qemu_pid=() monitor_to=() monitor_from=() console_to=() console_from=()
reader=${KVMETER:-$dir/../bpf/kvmeter}
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
tmp=$(mktemp -d) || exit 1
reply='' answer='' last_id=0

cleanup()
{
	local name

	for name in "${!qemu_pid[@]}"; do
		stop_vmm "$name"
	done
	wait
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# die TEXT: for scripts that are no tests
die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# make_initrd PROGRAM: it alone, as process 1
make_initrd()
{
	mkdir -p "$tmp/initrd.d"
	cp "$1" "$tmp/initrd.d/init"
	(cd "$tmp/initrd.d" && find . | busybox cpio -o -H newc 2>/dev/null) >"$tmp/initrd"
}

# open_pipes NAME: two pipes for its monitor and two for its console, open at both ends whatever the VMM does
open_pipes()
{
	local name=$1 fd

	rm -f "$tmp/$name".*
	mkfifo "$tmp/$name.qmp.in" "$tmp/$name.qmp.out" "$tmp/$name.con.in" "$tmp/$name.con.out"
	exec {fd}<>"$tmp/$name.qmp.in" && monitor_to[$name]=$fd
	exec {fd}<>"$tmp/$name.qmp.out" && monitor_from[$name]=$fd
	exec {fd}<>"$tmp/$name.con.in" && console_to[$name]=$fd
	exec {fd}<>"$tmp/$name.con.out" && console_from[$name]=$fd
}

# start_vmm NAME MIB [QEMU-ARGUMENT...]: $preload, if set, is a library that goes before QEMU's own, and $smp how many
# vCPUs there are instead of one
start_vmm()
{
	local name=$1

	open_pipes "$name"
	LD_PRELOAD=${preload:-} qemu-system-x86_64 -name "guest=$name,debug-threads=on" -cpu host -smp "${smp:-1}" -m "$2" \
		-nodefaults -no-user-config -display none \
		-chardev "pipe,id=con,path=$tmp/$name.con" -serial chardev:con \
		-chardev "pipe,id=qmp,path=$tmp/$name.qmp" -mon chardev=qmp,mode=control \
		"${@:3}" >>"$tmp/$name.log" 2>&1 &
	qemu_pid[$name]=$!
	qmp "$name" qmp_capabilities
}

# start_guest NAME MIB "ARGUMENT..." [QEMU-ARGUMENT...]: boots, with these arguments to process 1
#
# $accel, if set, is what QEMU's -accel is given. Memory that the guest has freed is zero: a migration has little to
# send besides what the program writes.
start_guest()
{
	start_vmm "$1" "$2" -accel "${accel:-kvm}" -kernel "$kernel" -initrd "$tmp/initrd" \
		-append "$kernel_args gart_fix_e820=off init_on_free=1 -- $3" "${@:4}"
}

# stop_vmm NAME
stop_vmm()
{
	local name=$1 fd

	[ -n "${qemu_pid[$name]:-}" ] || return 0
	kill -KILL "${qemu_pid[$name]}"
	wait "${qemu_pid[$name]}"
	unset "qemu_pid[$name]"
	for fd in "${monitor_to[$name]}" "${monitor_from[$name]}" "${console_to[$name]}" "${console_from[$name]}"; do
		exec {fd}>&-
	done
} 2>/dev/null

# next_line NAME SECONDS PATTERN: the monitor's next line that matches it, in $reply; lines before it are dropped
next_line()
{
	local deadline=$((SECONDS + $2))

	while [ "$SECONDS" -le "$deadline" ]; do
		# A reader that gave up in the middle of a line would lose the beginning.
		IFS= read -r -t "$2" -u "${monitor_from[$1]}" reply || break
		[[ ! $reply =~ $3 ]] || return 0
	done
	reply="nothing from the monitor of $1: $(tail -n 3 "$tmp/$1.log")"
	return 1
}

# qmp NAME COMMAND [ARGUMENTS]: its return value, a JSON document, in $reply
qmp()
{
	local arguments=${3:-}

	last_id=$((last_id + 1))
	echo "{\"execute\": \"$2\"${arguments:+, \"arguments\": $arguments}, \"id\": $last_id}" >&"${monitor_to[$1]}"
	next_line "$1" 60 "\"id\": ${last_id}[,}]" && [[ $reply != *'"error":'* ]]
}

# figure KEY: the number of that name in $reply, the first one; 0 if there is none
figure()
{
	local pattern="\"$1\": (-?[0-9.]+)"

	if [[ $reply =~ $pattern ]]; then
		echo "${BASH_REMATCH[1]}"
	else
		echo 0
	fi
}

# hear NAME SECONDS PATTERN: the console's next line that matches it, in $answer
hear()
{
	local deadline=$((SECONDS + $2)) heard=

	while [ "$SECONDS" -le "$deadline" ]; do
		IFS= read -r -t "$2" -u "${console_from[$1]}" answer || break
		answer=${answer%$'\r'}
		[[ ! $answer =~ $3 ]] || return 0
		heard+="${heard:+; }$answer"
	done
	answer="not heard from $1: ${heard: -300}"
	return 1
}

# ask NAME LINE SECONDS PATTERN: say it on the console, and hear what comes back
ask()
{
	echo "$2" >&"${console_to[$1]}"
	hear "$1" "$3" "$4"
}

# tell_state NAME: what its VMM knows of a guest that does not answer, as comments
tell_state()
{
	local command

	for command in 'info status' 'info registers' 'info lapic' 'info pic'; do
		qmp "$1" human-monitor-command "{\"command-line\": \"$command\"}"
		printf '# %s: %s: %b\n' "$1" "$command" "${reply//\\r\\n/\\n# }"
	done
}

# start_incoming NAME MIB: a VMM that waits for a guest; $accel as above
start_incoming()
{
	start_vmm "$1" "$2" -accel "${accel:-kvm}" -incoming defer &&
		qmp "$1" migrate-incoming "{\"uri\": \"unix:$tmp/$1.sock\"}"
}

# start_migration FROM TO BYTES MS: so many bytes a second, so many ms of downtime
start_migration()
{
	local capabilities='{"capabilities": [{"capability": "events", "state": true}]}'

	qmp "$1" migrate-set-capabilities "$capabilities" &&
		qmp "$1" migrate-set-parameters "{\"max-bandwidth\": $3, \"downtime-limit\": $4}" &&
		qmp "$1" migrate "{\"uri\": \"unix:$tmp/$2.sock\"}"
}

# query_migration FROM: what query-migrate says, in $reply. Of one that is over it knows the times a moment later.
query_migration()
{
	while qmp "$1" query-migrate; do
		[[ $reply == *'"completed"'* && $(figure total-time) = 0 ]] || return 0
		sleep 0.05
	done
	return 1
}

# settle_migration FROM SECONDS: wait until it is over, however; what query-migrate says is in $reply
#
# Its event may have come before an answer of the monitor, and be dropped.
settle_migration()
{
	local deadline=$((SECONDS + $2))

	while query_migration "$1"; do
		[[ ! $reply =~ \"(completed|failed|cancelled)\" ]] || return 0
		[ "$SECONDS" -lt "$deadline" ] || return
		next_line "$1" 2 '"(completed|failed|cancelled)"'
	done
	return 1
}

# finish_migration FROM SECONDS: wait until it is over; what query-migrate says is in $reply
finish_migration()
{
	settle_migration "$1" "$2" && [[ $reply == *'"completed"'* ]]
}
