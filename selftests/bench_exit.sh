#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Measures, on a lab host, what the module and its peers add to an exit; prints one JSON object.
set -eu
cd "$(dirname "$0")"
. ./peer.sh

tracing=/sys/kernel/tracing
count=../bpf/kvmeter-bench-count

# measure: the cost of an exit to standard output; how many it took is left in $tmp/exits.
measure()
{
	./bench_exit >"$tmp/measured"
	read -r cost exits <"$tmp/measured"
	echo "$exits" >"$tmp/exits"
	echo "$cost"
}

# expect_seen NUMBER: the peer was there all the time, if it saw that many.
expect_seen()
{
	[ "${1:-0}" -ge "$(cat "$tmp/exits")" ] || fail "a peer saw ${1:-0} of $(cat "$tmp/exits") exits"
}

base=$(measure)

insmod ../kvmeter.ko
own=$(measure)
../bpf/kvmeter attach >/dev/null
attached=$(measure)
echo 1 >/sys/module/kvmeter/parameters/subreasons
subreasons=$(measure)
../bpf/kvmeter detach >/dev/null
rmmod kvmeter

echo 1 >$tracing/events/kvm/kvm_exit/enable
echo 1 >$tracing/events/kvm/kvm_entry/enable
ftrace=$(measure)
echo 0 >$tracing/events/kvm/kvm_exit/enable
echo 0 >$tracing/events/kvm/kvm_entry/enable

start_peer $count
wait_for attached "$tmp/peer.out"
bpf=$(measure)
stop_peer

start_peer perf kvm stat record -a -o "$tmp/perf.data"
wait_for perf_event "/proc/$peer/maps"
wait_idle
perf=$(measure)
stop_peer
# Each exit is two samples at least, of its end and of the entry after it.
samples=$(sed -n 's/.*(\([0-9]*\) samples).*/\1/p' "$tmp/peer.out")
expect_seen $((${samples:-0} / 2))
rm "$tmp/perf.data"

start_peer bpftrace -e 'tracepoint:kvm:kvm_exit { @[args->exit_reason] = count(); }'
wait_for ttach "$tmp/peer.out"
wait_idle
bpftrace=$(measure)
stop_peer
expect_seen "$(sed -n 's/^@\[[0-9]*\]: //p' "$tmp/peer.out" | sort -n | tail -n 1)"

again=$(measure)

awk -v leg="$KVMETER_LEG" -v kernel="$KVMETER_KERNEL" -v base="$base" -v again="$again" \
	-v own="$own" -v attached="$attached" -v subreasons="$subreasons" -v ftrace="$ftrace" \
	-v bpf="$bpf" -v perf="$perf" -v bpftrace="$bpftrace" 'BEGIN {
	printf "{\"leg\": \"%s\", \"kernel\": \"%s\", \"base\": %.1f, \"base_again\": %.1f, ", \
		leg, kernel, base, again
	printf "\"added\": {\"kvmeter\": %.1f, \"kvmeter_detached\": %.1f, ", \
		attached - base, own - base
	printf "\"kvmeter_subreasons\": %.1f, ", subreasons - base
	printf "\"ftrace\": %.1f, \"bpf_count\": %.1f, ", ftrace - base, bpf - base
	printf "\"perf_kvm_stat\": %.1f, \"bpftrace_count\": %.1f}}\n", perf - base, bpftrace - base
}'
