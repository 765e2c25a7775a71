#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Show kvmeter at work: on an emulated AMD host with two stock QEMU guests, and on an emulated Intel host.
#
#   scripts/demo.sh
#
# Installs what it needs, builds everything for Debian 12's kernel 6.1 and boots both hosts. Ends with
# "demo: ok", or says what went wrong and exits with status 1.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac

here=$KVMETER_TOP/scripts
kernel=6.1
guest=$(mktemp -d)
trap 'rm -rf "$guest"' EXIT

"$here/deps.sh"
"$here/build.sh" "$kernel"
"$here/guest.sh" "$kernel" "$guest"

echo "==== an AMD host with kernel $kernel: two stock QEMU guests"
"$here/lab.sh" --leg amd --kernel "$kernel" --parallel --cpus 1 --timeout 900 --file "$guest:/guest" -- \
	bash scripts/demo-host.sh

echo "==== an Intel host with kernel $kernel: pages a guest dirties, from Page Modification Logging"
pml=$("$here/lab.sh" --leg intel --kernel "$kernel" -- sh -c \
	'insmod kvmeter.ko && selftests/pml_demo && rmmod kvmeter' | tee >(cat >&2))
if [[ ! $pml =~ pml:\ ([0-9]+)\ pages\ rewritten,\ ([0-9]+)\ read ]] ||
	[ "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ] || [ "${BASH_REMATCH[1]}" -le 5000 ]; then
	die "the log was not read as it should be"
fi
echo "demo: ok"
