#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A stock Debian kernel as guest of a stock QEMU: found by name, and its exits are those the kernel traces.
#
# Loads and unloads the module itself. Needs a whole Debian root, as the amd host has.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
traced="kvm_exit"
. "$dir/stock_guest.sh"

case_boots()
{
	for _ in {1..600}; do
		! grep -q 'kvmeter-guest: ready' "$tmp/console" 2>/dev/null || return 0
		sleep 0.5
	done
	fail "no sign of the guest: $(tail -n 3 "$tmp/console")"
}

case_named()
{
	"$reader" list --json stock >"$tmp/list" || fail "not found by its name" || return
	python3 - "$tmp/list" "$guest" <<-'EOF' || fail "$(cat "$tmp/list")"
		import json, sys
		vm, = json.load(open(sys.argv[1]))["vms"]
		sys.exit(not (vm["name"] == "stock" and vm["pid"] == int(sys.argv[2]) and vm["nr_vcpus"] == 1))
	EOF
}

# The event's histogram began before the guest did, and the guest is stopped: both counts stand still.
case_exits_as_traced()
{
	kill -STOP "$guest"
	sleep 0.5
	"$reader" exits stock --json >"$tmp/exits" || fail "no exits" || return
	print_traced kvm_exit >"$tmp/traced" || fail "no histogram" || return
	python3 - "$tmp/exits" "$tmp/traced" <<-'EOF' || fail "not as traced"
		import json, sys
		vm, = json.load(open(sys.argv[1]))["vms"]
		ours = {r["reason"]: r["count"] for r in vm["reasons"] if r["count"]}
		traced = {int(reason): count for reason, count in json.load(open(sys.argv[2])).items()}
		print("# %d exits for %d reasons" % (sum(traced.values()), len(traced)))
		for reason in sorted(set(ours) | set(traced)):
		    if ours.get(reason) != traced.get(reason):
		        print("# reason %d: ours %s, traced %s" % (reason, ours.get(reason), traced.get(reason)))
		sys.exit(ours != traced or len(traced) < 5)
	EOF
}

case_ends_with_its_vmm()
{
	kill -KILL "$guest"
	wait "$guest" 2>/dev/null
	guest=
	for _ in {1..50}; do
		[ "$(wc -l </sys/kernel/debug/kvmeter/vms)" != 1 ] || break
		sleep 0.1
	done
	"$reader" list stock >/dev/null 2>&1 && fail "still there"
	[ "$(wc -l </sys/kernel/debug/kvmeter/vms)" = 1 ] || fail "still in debugfs"
}

echo "TAP version 13"
echo "1..4"
make_tree "$dir/../scripts/guest-init.sh" && set_up || exit 1
be_guest stock kvmeter.load=busy -serial "file:$tmp/console" &
guest=$!
run_case boots
run_case named
run_case exits_as_traced
run_case ends_with_its_vmm
exit $((failed > 0))
