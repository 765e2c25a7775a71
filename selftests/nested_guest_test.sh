#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A stock Debian kernel that is KVM's guest and runs KVM itself, under a stock QEMU: the exits of its own
# guest are counted apart from its own, as many as that guest made, and as the kernel's events have them.
#
# Loads and unloads the module itself. Needs a whole Debian root, as the amd host has.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
traced="kvm_exit kvm_nested_vmexit"
. "$dir/stock_guest.sh"
exits_nr=1009

# The modules that kvm_amd needs and itself, unpacked, numbered in load order.
copy_modules()
{
	local verb path name number=10

	mkdir "$1"
	modprobe --show-depends kvm_amd | while read -r verb path _; do
		[ "$verb" = insmod ] || continue
		name=${path##*/}
		name=$1/$number-${name%%.*}.ko
		case $path in
		*.xz) xz -dc "$path" >"$name" ;;
		*.zst) zstd -qdc "$path" >"$name" ;;
		*) cp "$path" "$name" ;;
		esac
		number=$((number + 1))
	done
}

# Its console is our descriptor 3 to write to, and a file to read.
start_guest()
{
	: >"$tmp/console"
	mkfifo "$tmp/input" && exec 3<>"$tmp/input"
	be_guest outer "gart_fix_e820=off kvmeter.exits=$exits_nr" -serial stdio <"$tmp/input" >"$tmp/console" &
	guest=$!
}

# wait_for STAGE: of nested-init.sh
wait_for()
{
	for _ in {1..600}; do
		! grep -q "kvmeter-nested: $1" "$tmp/console" || return 0
		! grep -q "kvmeter-nested: failed" "$tmp/console" || break
		sleep 0.2
	done
	fail "not $1: $(tail -n 3 "$tmp/console")"
}

# compare WHAT: of the reader's documents "before" and "after", and of the events' histograms
compare()
{
	python3 - "$1" "$tmp" "$exits_nr" <<-'EOF'
		import json, sys
		what, tmp, exits_nr = sys.argv[1], sys.argv[2], int(sys.argv[3])
		VMRUN, CPUID = 0x80, 0x72

		def ours(name, level):
		    vm, = json.load(open(tmp + "/" + name))["vms"]
		    return {r["reason"]: r["count"] for r in vm["reasons"] if r["level"] == level and r["count"]}

		def traced(event):
		    counts = json.load(open(tmp + "/" + event))
		    return {int(reason): count for reason, count in counts.items()}

		def differ(a, b):
		    for reason in sorted(set(a) | set(b)):
		        if a.get(reason) != b.get(reason):
		            print("# reason %#x: ours %s, traced %s" % (reason, a.get(reason), b.get(reason)))
		    return a != b

		def total(a, b):
		    return {reason: a.get(reason, 0) + b.get(reason, 0) for reason in set(a) | set(b)}

		before, l1, l2 = ours("before", 1), ours("after", 1), ours("after", 2)
		if what == "none":
		    sys.exit(bool(ours("before", 2)) or VMRUN in before or not before[CPUID])
		if what == "apart":
		    for level, counts in (1, l1), (2, l2):
		        print("# level %d: %s" % (level, ", ".join("%#x: %d" % item for item in sorted(counts.items()))))
		    print("# CPUID of the hypervisor before its guest ran: %d" % before[CPUID])
		    sys.exit(l2[CPUID] != exits_nr or l1[VMRUN] <= exits_nr or VMRUN in l2 or
		             l1[CPUID] - before[CPUID] >= exits_nr)
		sys.exit(differ(l2, traced("kvm_nested_vmexit")) or differ(total(l1, l2), traced("kvm_exit")) or len(l2) < 3)
	EOF
}

case_boots()
{
	wait_for ready
}

case_no_level_2_without_a_nested_guest()
{
	"$reader" exits outer --json >"$tmp/before" || fail "no exits" || return
	cp "$tmp/before" "$tmp/after"
	compare none || fail "$(cat "$tmp/before")"
}

case_runs_a_nested_guest()
{
	echo >&3
	wait_for through
}

# The guest is stopped: all counts stand still.
case_levels_apart()
{
	kill -STOP "$guest"
	sleep 0.5
	"$reader" exits outer --json >"$tmp/after" || fail "no exits" || return
	compare apart || fail "not $exits_nr CPUID exits of the nested guest, apart from the others"
}

# The events' histograms began before the guest did.
case_levels_as_traced()
{
	local event

	for event in $traced; do
		print_traced "$event" >"$tmp/$event" || fail "no histogram" || return
	done
	compare traced || fail "not as traced"
}

echo "TAP version 13"
echo "1..5"
make_tree "$dir/nested-init.sh" && cp "$dir/nested_load" "$tmp/tree/" && copy_modules "$tmp/tree/modules" &&
	set_up || exit 1
start_guest
run_case boots
run_case no_level_2_without_a_nested_guest
run_case runs_a_nested_guest
run_case levels_apart
run_case levels_as_traced
exit $((failed > 0))
