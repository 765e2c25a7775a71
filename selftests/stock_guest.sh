# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests with a stock Debian guest share: the guest, and how often KVM's own events have come.
#
# Sourced, never run; the script that does has set $dir, and $traced to the names of the events. At the end the
# guest is killed, the events are not counted any more, and the module is unloaded.
# shellcheck disable=SC2034,SC2154

. "$dir/tap.sh"
. "$dir/guest_kernel.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
events=/sys/kernel/tracing/events/kvm
key='hist:keys=exit_reason:size=2048'
tmp=$(mktemp -d) || exit 1
guest=''

cleanup()
{
	local event

	[ -z "$guest" ] || kill -KILL "$guest"
	wait
	for event in $traced; do
		echo "!$key" >"$events/$event/trigger"
	done
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# make_tree INIT: begin a guest's file system, in $tmp/tree: busybox, and INIT as process 1
make_tree()
{
	mkdir -p "$tmp/tree/bin" "$tmp/tree/dev" "$tmp/tree/proc"
	cp /bin/busybox "$tmp/tree/bin/"
	ln -s busybox "$tmp/tree/bin/sh"
	install -m 755 "$1" "$tmp/tree/init"
}

# set_up: load the module, make the initrd of $tmp/tree, and start to count the events
set_up()
{
	local event

	insmod "$ko" || return
	(cd "$tmp/tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$tmp/initrd" || return
	for event in $traced; do
		echo "$key" >"$events/$event/trigger" || return
	done
}

# be_guest NAME PARAMETERS QEMU-ARGUMENT...: become its VMM, in the background: its kernel has PARAMETERS
be_guest()
{
	exec qemu-system-x86_64 -name "guest=$1,debug-threads=on" -accel kvm -cpu host -smp 1 -m 256 \
		-nodefaults -no-user-config -display none \
		-kernel "$kernel" -initrd "$tmp/initrd" \
		-append "$kernel_args $2" "${@:3}"
}

# print_traced EVENT: how often it has come for each reason, as a JSON object; false if some found no room
print_traced()
{
	python3 - "$events/$1/hist" <<-'EOF'
		import collections, json, re, sys
		text = open(sys.argv[1]).read()
		assert re.search(r"Dropped: 0", text), "the histogram dropped some"
		counts = collections.Counter()
		for reason, count in re.findall(r"exit_reason:\s*(\d+).*hitcount:\s*(\d+)", text):
		    counts[reason] += int(count)
		json.dump(counts, sys.stdout)
	EOF
}
