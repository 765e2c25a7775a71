#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make what a guest inside the lab host boots: the stock Debian kernel of a root, and a small initramfs with a load.
#
#   scripts/guest.sh KERNEL DIR        writes DIR/vmlinuz and DIR/initrd
#
# Give DIR to the lab host, "scripts/lab.sh --file DIR:/guest ...", and in it start, with a stock QEMU, for example
#
#   qemu-system-x86_64 -name guest=web -accel kvm -cpu host -smp 1 -m 256 -nodefaults -no-user-config \
#     -display none -serial file:/tmp/web.console -kernel /guest/vmlinuz -initrd /guest/initrd \
#     -append "console=ttyS0 quiet panic=-1 gart_fix_e820=off kvmeter.load=busy" &
#
# gart_fix_e820=off saves the guest a scan of all PCI buses, 16,000 exits to QEMU. It is up when
# "kvmeter-guest: ready" is in /tmp/web.console. The loads (busy, io, dirty:MIB, idle) are described
# in scripts/guest-init.sh.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# = 2 ] || usage 2 >&2

root=$("$KVMETER_TOP/scripts/root.sh" "$1")
dir=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$dir" "$tmp/bin" "$tmp/dev" "$tmp/proc"
cp "$root/bin/busybox" "$tmp/bin/"
ln -s busybox "$tmp/bin/sh"
install -m 755 "$KVMETER_TOP/scripts/guest-init.sh" "$tmp/init"
(cd "$tmp" && find . | cpio --quiet -o -H newc -R 0:0) >"$dir/initrd"
cp "$root/boot/vmlinuz-$(root_release "$root")" "$dir/vmlinuz"
