#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Migrate a stock QEMU guest on the emulated Intel host, with Page Modification Logging, while sessions start and
# stop on it: selftests/migrate_test.sh, which by itself runs on the amd host only.
#
#   [KVMETER_HOPS=1] scripts/migrate-intel.sh KERNEL
#
# Takes a quarter of an hour: it is no part of scripts/check.sh. Needs what scripts/build.sh has built.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac
[ $# = 1 ] || usage 2 >&2

root=$("$KVMETER_TOP/scripts/root.sh" "$1")
pin_root "$root"
files=()
# The firmware, and what QEMU puts beside it to boot a kernel.
for file in seabios/bios-256k.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin; do
	files+=(--file "$(realpath -e "$root/usr/share/$file"):/usr/share/$file")
done
exec "$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg intel --mem 1024 --timeout 3600 \
	--prog qemu-system-x86_64 "${files[@]}" \
	--file "$root/boot/vmlinuz-$(root_release "$root"):/guest/vmlinuz" -- \
	env KVMETER_HOPS="${KVMETER_HOPS:-1}" KVMETER_GUEST_KERNEL=/guest/vmlinuz \
	sh selftests/run.sh migrate_test.sh
