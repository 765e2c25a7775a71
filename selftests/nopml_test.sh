#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of dirty pages once more, on an Intel host that does not use its Page Modification Logging.
#
# Reloads kvm_intel, and loads and unloads the module itself.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
pml=/sys/module/kvm_intel/parameters/pml
out=$(mktemp) || exit 1

echo "TAP version 13"
grep -qs Y "$pml" || skip_all "this host has no Page Modification Logging to switch off"

cleanup()
{
	rm -f "$out"
	rmmod kvmeter
	modprobe -r kvm_intel
	modprobe kvm_intel
} 2>/dev/null
trap cleanup EXIT

case_switched_off()
{
	modprobe -r kvm_intel && modprobe kvm_intel pml=0 && grep -q N "$pml" || fail "pml is $(cat "$pml")"
}

# program NAME: with the module loaded; what it prints is a remark here.
program()
{
	insmod "$ko" || fail "the module cannot be loaded" || return
	status=0
	"$dir/$1" >"$out" 2>&1 || status=$?
	sed 's/^/# | /' "$out"
	rmmod kvmeter || fail "the module cannot be unloaded" || return
	[ "$status" = 0 ] || fail "exit status $status"
}

case_dirty_test()
{
	program dirty_test
}

case_superset_test()
{
	program superset_test
}

case_takeover_test()
{
	program takeover_test
}

echo "1..4"
run_case switched_off
run_case dirty_test
run_case superset_test
run_case takeover_test
exit $((failed > 0))
