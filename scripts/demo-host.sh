#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The part of the demo that runs on the emulated AMD host, in /kvmeter, with a guest's kernel in /guest.
#
#   scripts/demo-host.sh

set -eu -o pipefail

guests=()
trap 'kill "${guests[@]}" 2>/dev/null || true' EXIT

show()
{
	echo
	echo "# kvmeter $*"
	bpf/kvmeter "$@"
}

# start NAME LOAD: a stock QEMU, with a stock Debian kernel
start()
{
	qemu-system-x86_64 -name "guest=$1,debug-threads=on" -accel kvm -cpu host -smp 1 -m 256 \
		-nodefaults -no-user-config -display none -serial "file:/tmp/$1.console" \
		-kernel /guest/vmlinuz -initrd /guest/initrd \
		-append "console=ttyS0 quiet panic=-1 kvmeter.load=$2" &
	guests+=($!)
}

wait_ready()
{
	local tries=600

	while ! grep -q 'kvmeter-guest: ready' "/tmp/$1.console" 2>/dev/null; do
		tries=$((tries - 1))
		if [ $tries = 0 ]; then
			echo "demo: guest $1 did not come up" >&2
			exit 1
		fi
		sleep 0.1
	done
}

insmod kvmeter.ko
start web busy
start db io
wait_ready web
wait_ready db

show status
show list
show list --by vcpu
show stat 2 2
show ledger 2 2
show exits web -z
show exits db -z
show wakeups

echo 1 >/sys/module/kvmeter/parameters/subreasons
sleep 2
show exits db --by sub
echo 0 >/sys/module/kvmeter/parameters/subreasons

show steal
show steal --by thief
show steal --matrix

show dirty start web --interval 500ms
sleep 10
show dirty web
show forecast web --bandwidth 1G --downtime 300ms
show dirty stop web

echo
echo "# bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vms | head -n 16"
bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vms | sed -n 1,16p
echo
echo "# bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vcpus | head -n 29"
bpftool map dump pinned /sys/fs/bpf/kvmeter/kvmeter_vcpus | sed -n 1,29p

rmmod kvmeter
