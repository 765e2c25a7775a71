#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Process 1 of a guest inside the lab host: say that it is up, then put one kind of load on its vCPUs for good.
#
# The kernel's command line says which:
#   kvmeter.load=busy      one shell per vCPU that computes and starts programs: page faults, CPUID
#   kvmeter.load=io        one shell that reads the CMOS clock's port: exits to the VMM
#   kvmeter.load=dirty:N   one shell that rewrites N MiB of memory over and over
#   kvmeter.load=idle      nothing: HLT
# The line "kvmeter-guest: ready LOAD" on the console is the last before the load begins.

# shellcheck disable=SC3043 # busybox has "local"

# Busybox finds its applets through /proc.
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
mkdir -p /data
mount -t tmpfs -o size=90% tmpfs /data

load=$(sed -n 's/.*kvmeter\.load=\([^ ]*\).*/\1/p' /proc/cmdline)
: "${load:=idle}"

compute()
{
	local i

	while :; do
		i=0
		while [ $i -lt 2000 ]; do
			i=$((i + 1))
		done
		# A static program asks CPUID some dozens of times before its main().
		/bin/busybox true
	done
}

echo "kvmeter-guest: ready $load"
case $load in
busy)
	cpus=$(nproc)
	while [ "$cpus" -gt 1 ]; do
		compute &
		cpus=$((cpus - 1))
	done
	compute
	;;
io)
	while :; do
		dd if=/dev/port of=/dev/null bs=1 skip=113 count=1 2>/dev/null
	done
	;;
dirty:*)
	while :; do
		dd if=/dev/zero of=/data/memory bs=1M count="${load#*:}" conv=notrunc 2>/dev/null
	done
	;;
*)
	while :; do
		sleep 3600
	done
	;;
esac
