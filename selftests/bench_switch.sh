#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Measures, on a lab host, what the module and a BPF program add to a context switch; prints one JSON object.
set -eu
cd "$(dirname "$0")"
. ./peer.sh

runqlat=../bpf/kvmeter-bench-runqlat

# measure NAME: each kind of switch, to the variables NAME_ordinary, NAME_waited, NAME_vcpu.
measure()
{
	for kind in ordinary waited vcpu; do
		./bench_switch $kind >"$tmp/measured" || fail "bench_switch $kind"
		read -r cost switches <"$tmp/measured"
		eval "$1_$kind=$cost"
	done
}

# expect_seen: the peer was there all the time, if it saw all switches of the last kind.
expect_seen()
{
	seen=$(awk '{ n += $2 } END { print n + 0 }' "$tmp/peer.out")
	[ "$seen" -ge "$switches" ] || fail "a peer saw $seen of $switches switches"
}

: >"$tmp/peer.out"
measure base

insmod ../kvmeter.ko
../bpf/kvmeter attach >/dev/null
measure own
../bpf/kvmeter detach >/dev/null
rmmod kvmeter

insmod ../kvmeter.ko attribution=0
../bpf/kvmeter attach >/dev/null
measure off
../bpf/kvmeter detach >/dev/null
rmmod kvmeter

start_peer $runqlat
wait_for attached "$tmp/peer.out"
measure bpf
stop_peer
expect_seen

measure again

# shellcheck disable=SC2154 # set by measure
awk -v leg="$KVMETER_LEG" -v kernel="$KVMETER_KERNEL" \
	-v base="$base_ordinary $base_waited $base_vcpu" -v again="$again_ordinary $again_waited $again_vcpu" \
	-v own="$own_ordinary $own_waited $own_vcpu" -v off="$off_ordinary $off_waited $off_vcpu" \
	-v bpf="$bpf_ordinary $bpf_waited $bpf_vcpu" '
	function show(name, values, from, n, v, f) {
		split(values, v); split(from, f)
		printf ", \"%s\": {\"ordinary\": %.1f, \"waited\": %.1f, \"vcpu\": %.1f}", \
			name, v[1] - f[1], v[2] - f[2], v[3] - f[3]
	}
	BEGIN {
		split(base, b); split(own, o); split(bpf, p)
		printf "{\"leg\": \"%s\", \"kernel\": \"%s\", \"base\": %.1f, ", leg, kernel, b[1]
		printf "\"ordinary_switch_added\": %.1f, \"vcpu_switch_added\": %.1f, ", o[1] - b[1], o[3] - b[3]
		printf "\"bpf_runqlat\": %.1f", p[1] - b[1]
		show("bases", base, "0 0 0")
		show("bases_again", again, "0 0 0")
		show("kvmeter", own, base)
		show("kvmeter_unattributed", off, base)
		show("bpf", bpf, base)
		print "}"
	}'
