#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Migrate a stock QEMU guest on the emulated Intel host, with Page Modification Logging, by a selftest that by itself
# runs on the amd host only.
#
#   [KVMETER_HOPS=1] [KVMETER_CASES="..."] scripts/migrate-intel.sh KERNEL [TEST]
#
#   migrate_test.sh            the default: while sessions start and stop on it
#   converge_migrate_test.sh   with the autopilot off it does not end, with it on it does; KVMETER_CASES has the
#                              cases, by default these two
#
# Takes a quarter of an hour, or twice that: it is no part of scripts/check.sh. Needs what scripts/build.sh has built.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac
[ $# = 1 ] || [ $# = 2 ] || usage 2 >&2

root=$("$KVMETER_TOP/scripts/root.sh" "$1")
pin_root "$root"
files=()
# The firmware, and what QEMU puts beside it to boot a kernel.
for file in seabios/bios-256k.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin; do
	files+=(--file "$(realpath -e "$root/usr/share/$file"):/usr/share/$file")
done
exec "$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg intel --mem 1024 --timeout 5400 \
	--prog qemu-system-x86_64 "${files[@]}" \
	--file "$root/boot/vmlinuz-$(root_release "$root"):/guest/vmlinuz" -- \
	env KVMETER_HOPS="${KVMETER_HOPS:-1}" KVMETER_CASES="${KVMETER_CASES:-does_not_without converges}" \
	KVMETER_GUEST_KERNEL=/guest/vmlinuz sh selftests/run.sh "${2:-migrate_test.sh}"
