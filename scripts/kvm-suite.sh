#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the KVM selftests of a kernel's own source on its lab host, without the module and with it.
#
#   scripts/kvm-suite.sh KERNEL LEG [LAB-ARGUMENT...]
#
# Wants this checkout built for KERNEL. The first time the programs are built, and fetched from Debian's
# linux-source. Prints TAP, and at last "N passed, N failed, N skipped". Exit status: as of lab.sh.
#
# Environment: KVMETER_LONG=1 for all of selftests/kvm_suite, KVMETER_SUITE='PROGRAM...' for some of its programs.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# -ge 2 ] || usage 2 >&2

# dirty_log_test writes to all of a guest's memory, 1 GiB.
mem=1536
[ "$2" = intel ] || mem=2048
programs=$("$KVMETER_TOP/scripts/kvm-selftests.sh" "$1")
pin_root "$programs"
exec "$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" --timeout "$((${KVMETER_LONG:-0} ? 5400 : 1200))" \
	--mem $mem --file "$programs:/kvm-selftests" "${@:3}" -- \
	env KVMETER_LONG="${KVMETER_LONG:-}" KVMETER_SUITE="${KVMETER_SUITE:-}" sh selftests/run.sh kvm_suite_test.sh
