#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Measures, on a lab host, what the module and its peers add to an exit; prints one JSON object.
set -eu
cd "$(dirname "$0")"

tracing=/sys/kernel/tracing
count=../bpf/kvmeter-bench-count

measure()
{
	./bench_exit
}

wait_attached()
{
	tries=100
	while ! grep -q attached "$1" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "bench_exit: $count did not attach" >&2; exit 1; }
		sleep 0.1
	done
}

base=$(measure)

insmod ../kvmeter.ko
own=$(measure)
../bpf/kvmeter attach >/dev/null
attached=$(measure)
../bpf/kvmeter detach >/dev/null
rmmod kvmeter

echo 1 >$tracing/events/kvm/kvm_exit/enable
echo 1 >$tracing/events/kvm/kvm_entry/enable
ftrace=$(measure)
echo 0 >$tracing/events/kvm/kvm_exit/enable
echo 0 >$tracing/events/kvm/kvm_entry/enable

$count >/tmp/count.out 2>&1 &
pid=$!
wait_attached /tmp/count.out
bpf=$(measure)
kill $pid
wait $pid || true
again=$(measure)

awk -v leg="$KVMETER_LEG" -v kernel="$KVMETER_KERNEL" -v base="$base" -v again="$again" \
	-v own="$own" -v attached="$attached" -v ftrace="$ftrace" -v bpf="$bpf" 'BEGIN {
	printf "{\"leg\": \"%s\", \"kernel\": \"%s\", \"base\": %.1f, \"base_again\": %.1f, ", \
		leg, kernel, base, again
	printf "\"added\": {\"kvmeter\": %.1f, \"kvmeter_detached\": %.1f, ", \
		attached - base, own - base
	printf "\"ftrace\": %.1f, \"bpf_count\": %.1f}}\n", ftrace - base, bpf - base
}'
