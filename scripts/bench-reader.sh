#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Count what the reader takes to look at 1,000 vCPUs, and what kvm_stat and virsh domstats take.
#
#   [KERNELS=6.1] scripts/bench-reader.sh
#   scripts/bench-reader.sh KERNEL LEG     one measurement, its JSON object to standard output; LEG is amd
#
# The VMs that are not libvirt's are a process each, with two vCPUs that have run, and sleep. build/bench/reader.json
# holds an array of
#   {"leg", "kernel", "many": {...}, "few": {...}, "resident_kib": {...}, "native": {...}}
# "many" and "few" are CPU time on the lab host, in ns of its clock, which counts instructions: a ns is one, whatever
# it would take on a real CPU.
#   "many": 500 "vms" with 1,000 "vcpus"
#     snapshot, snapshot_all    the least of 5 snapshots by one process: what "list" copies, and with all rows
#     list, list_by_vcpu, stat  these commands from start to end
#     kvm_stat                  "kvm_stat -1" of Debian's linux-source: sums over the host, from trace points
#     kvm_stat_debugfs          "kvm_stat -1 -d": sums over the host, from each VM's files in debugfs, read twice
#     top_second                a second of "top" on a screen of 120 by 40
#     scrape, samples           a scrape of "export --listen", and of how many samples
#   "few": 4 "vms" with 8 "vcpus" that libvirt has started, each a QEMU whose guest has halted
#     list to kvm_stat_debugfs  as above
#     domstats                  "virsh domstats": by "virsh" itself, by "libvirtd", and by the main threads of "qemu"
# "resident_kib": Rss and Pss of "top" and, after two scrapes, of "export", with all of "many" there.
# "native": real CPU time in ns, on the "machine" that runs this, of snapshots of the maps as the lab host had them,
# of which nobody writes any: "snapshot" and "snapshot_all" as above, of "vcpus"; medians of 101, "warm_ns" one after
# the other, "cold_ns" with neither the maps nor the snapshot before in a cache.

. "$(dirname "$0")/lib.sh"

tmp=''
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT

measure()
{
	local source root json native machine

	[ "$2" = amd ] || die "only on amd: the other host has no memory for so many"
	tmp=$(mktemp -d)
	source=linux-source-6.1
	root=$("$KVMETER_TOP/scripts/root.sh" 6.1)
	tar -xJOf "$root/usr/src/$source.tar.xz" "$source/tools/kvm/kvm_stat/kvm_stat" >"$tmp/kvm_stat"
	chmod 755 "$tmp/kvm_stat"
	json=$("$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" --icount --mem 4096 --timeout 5400 --out "$tmp/out" \
		--file "$tmp/kvm_stat:/usr/local/bin/kvm_stat" -- sh selftests/bench_reader.sh)
	native=$("$KVMETER_TOP/build/$1/src/selftests/bench_reader" "$tmp/out/maps")
	machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)
	rm -rf "$tmp"
	printf '%s, "native": {"machine": "%s", %s}\n' "${json%\}}" "$machine" "${native#\{}"
}

run_bench reader amd "$@"
