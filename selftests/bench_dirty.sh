#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Measures, on a lab host, what the module adds to a page that a guest dirties; prints one JSON object.
set -eu
cd "$(dirname "$0")"
. ./peer.sh

# measure PROGRAM [ARGUMENT]: its figures, to $1 and so on in the caller by "set -- $(measure ...)".
measure()
{
	"$@" >"$tmp/measured" || fail "$*"
	cat "$tmp/measured"
}

: >"$tmp/peer.out"
base_exit=$(measure ./bench_exit)
base_page=$(measure ./bench_dirty log)

insmod ../kvmeter.ko
../bpf/kvmeter attach >/dev/null
own_exit=$(measure ./bench_exit)
own_page=$(measure ./bench_dirty noticed)
session=$(measure ./bench_dirty session)
../bpf/kvmeter detach >/dev/null
rmmod kvmeter

again_page=$(measure ./bench_dirty log)

# Where there is a log, 512 pages are one exit; otherwise each page is one. The exit has its price without them.
pml=$(cat /sys/module/kvm_intel/parameters/pml 2>/dev/null || echo N)
awk -v leg="$KVMETER_LEG" -v kernel="$KVMETER_KERNEL" -v pml="$pml" \
	-v base_exit="$base_exit" -v own_exit="$own_exit" -v base_page="$base_page" \
	-v own_page="$own_page" -v session="$session" -v again_page="$again_page" 'BEGIN {
	split(session, s)
	added = own_page - base_page
	share = (own_exit - base_exit) / (pml == "Y" ? 512 : 1)
	printf "{\"leg\": \"%s\", \"kernel\": \"%s\", ", leg, kernel
	printf "\"base\": %.1f, \"base_again\": %.1f, ", base_page, again_page
	printf "\"%s\": %.1f, ", pml == "Y" ? "pml_page" : "fault_page", added - share
	printf "\"with_its_exit\": %.1f, ", added
	printf "\"session_page\": %.1f, \"rearm_page\": %.1f}\n", s[1] - base_page - share, s[3]
}'
