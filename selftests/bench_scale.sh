#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Measures, on a lab host, what many VMs cost the module and its readers; prints one JSON object.
#
#   bench_scale.sh [VMS]     default 1000, of 2 vCPUs each
#
# Fails if an exit costs 5 % more (or less) of the module's instructions than with one VM, or a vCPU more than 32 KiB.
set -eu
cd "$(dirname "$0")"
. ./peer.sh

vms=${1:-1000}
vcpus=$((vms * 2))
slots="max_vms=$(((vms + 64) / 64 * 64)) max_vcpus=$(((vcpus + 65) / 64 * 64))"
reader=../bpf/kvmeter
: >"$tmp/figures"

# note NAME VALUE...: keep a figure
note()
{
	echo "$*" >>"$tmp/figures"
}

# memory NAME: what the kernel has taken, once it has given back what it can
memory()
{
	sleep 1
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	note "$1" "$(./bench_scale memory)"
}

# costs NAME: of an exit, and of a switch between ordinary tasks and between vCPUs
costs()
{
	./bench_exit >"$tmp/measured"
	read -r cost _ <"$tmp/measured"
	note "exit_$1" "$cost"
	for kind in ordinary vcpu; do
		./bench_switch $kind >"$tmp/measured"
		read -r cost _ <"$tmp/measured"
		note "${kind}_$1" "$cost"
	done
}

# run NAME COMMAND...: the instructions it takes
run()
{
	name=$1
	shift
	note "$name" "$(./bench_scale run "$@")"
}

# The first load makes the kernel allocate what it then keeps.
insmod ../kvmeter.ko
rmmod kvmeter
memory memory_without
for limits in "64 64" "64 2048" "1024 64"; do
	# shellcheck disable=SC2086 # two numbers
	set -- $limits
	insmod ../kvmeter.ko "max_vms=$1" "max_vcpus=$2"
	memory "memory_$1_$2"
	rmmod kvmeter
done
costs base_one
# shellcheck disable=SC2086 # two parameters
insmod ../kvmeter.ko $slots
memory memory_with
$reader attach >/dev/null
costs own_one
$reader detach >/dev/null
rmmod kvmeter

start_peer ./bench_scale hold "$vms"
wait_for ready "$tmp/peer.out"
costs base_many
memory memory_many_without
# shellcheck disable=SC2086 # two parameters
run load insmod ../kvmeter.ko $slots
# The directories of VMs are made meanwhile.
sleep 5
memory memory_many_with
run attach $reader attach
costs own_many
./bench_scale read >>"$tmp/figures"
run list $reader list
run list_json $reader list --by vcpu --json
run ledger $reader ledger
run exits_json $reader exits --by vcpu --json
run steal_json $reader steal --by thief --json
seen=$(./bench_scale run $reader status >/dev/null && sed -n 's/^vms_seen: //p' /sys/kernel/debug/kvmeter/status)
[ "$seen" -ge "$vms" ] || fail "the module saw $seen VMs of $vms"
run detach $reader detach
run unload rmmod kvmeter
stop_peer 2>/dev/null

awk -v leg="$KVMETER_LEG" -v kernel="$KVMETER_KERNEL" -v vms="$vms" -v vcpus="$vcpus" '
	function added(name, times) { return v[name "_own_" times] - v[name "_base_" times] }
	function change(name) { return 100 * (added(name, "many") / added(name, "one") - 1) }
	function show(name) {
		printf ", \"%s\": {\"one\": %.1f, \"many\": %.1f, \"change_pct\": %.1f}", \
			name, added(name, "one"), added(name, "many"), change(name)
	}
	{ v[$1] = $2; v2[$1] = $3 }
	END {
		vcpu = (v["memory_64_2048"] - v["memory_64_64"]) / (2048 - 64)
		vm = (v["memory_1024_64"] - v["memory_64_64"]) / (1024 - 64)
		all = v["memory_many_with"] - v["memory_many_without"]
		dirs = (all - (v["memory_with"] - v["memory_without"])) / vms
		printf "{\"leg\": \"%s\", \"kernel\": \"%s\", \"vms\": %d, \"vcpus\": %d", leg, kernel, vms, vcpus
		show("exit"); show("ordinary"); show("vcpu")
		printf ", \"bytes\": {\"vcpu\": %.0f, \"vm\": %.0f, \"vm_debugfs\": %.0f, \"all\": %.0f}", vcpu, vm, dirs, all
		n = split("snapshot snapshot_all debugfs_host debugfs_all list list_json ledger exits_json " \
			"steal_json load attach detach unload", names)
		printf ", \"instructions\": {"
		for (i = 1; i <= n; i++)
			printf "%s\"%s\": %.0f", (i > 1 ? ", " : ""), names[i], v[names[i]]
		print "}}"
		bad = change("exit") > 5 || change("exit") < -5 || vcpu > 32768 || v2["snapshot"] != vcpus
		exit bad
	}' "$tmp/figures" || fail "out of bounds: $(tr '\n' ';' <"$tmp/figures")"
