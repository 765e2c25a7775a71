#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Process 1 of a guest that is a hypervisor: loads kvm, and on a line of input has a guest of its own make
# exits. nested_guest_test.sh puts it in an initramfs, with the modules in load order.
#
#   kvmeter.exits=N     on the kernel's command line: how many
#
# Lines on the console: "kvmeter-nested: ready" before it waits, "kvmeter-nested: through" when they are
# done, "kvmeter-nested: failed ..." otherwise.

# Busybox finds its applets through /proc.
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev

fail()
{
	echo "kvmeter-nested: failed $*"
	sleep 3600
}

for module in /modules/*.ko; do
	insmod "$module" || fail "to load $module"
done
[ -e /dev/kvm ] || fail "to find /dev/kvm"
echo "kvmeter-nested: ready"
read -r _
/nested_load "$(sed -n 's/.*kvmeter\.exits=\([0-9]*\).*/\1/p' /proc/cmdline)" || fail "with status $?"
echo "kvmeter-nested: through"
sleep 3600
