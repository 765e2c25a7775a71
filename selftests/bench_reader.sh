#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Measures, on a lab host, what the reader and its peers take to look at VMs; prints one JSON object.
#
#   bench_reader.sh [VMS [DOMAINS]]   default 500 and 4, of 2 vCPUs each
#
# The maps, as they are with VMS VMs, are left in /out/maps. Peers: kvm_stat, of the kernel's source, which is put into
# the host, and virsh with a libvirt that has started DOMAINS domains. CPU time is in ns, each of which is an
# instruction on this host.
set -eu
cd "$(dirname "$0")"
. ./peer.sh
. ./terminal.sh

vms=${1:-500}
domains=${2:-4}
reader=../bpf/kvmeter
: >"$tmp/figures"

# note NAME VALUE: keep a figure
note()
{
	echo "$*" >>"$tmp/figures"
}

# ran FILE...: ns that the threads have run whose schedstat these are
ran()
{
	cat "$@" | awk '{ ns += $1 } END { printf "%.0f\n", ns }'
}

# cpu PID: ns that its threads have run
cpu()
{
	ran "/proc/$1/task"/*/schedstat
}

# run NAME COMMAND...: its CPU time, once its files are in memory
run()
{
	name=$1
	shift
	"$@" >/dev/null
	run_again "$name" "$@"
}

# run_again NAME COMMAND...: they are
run_again()
{
	name=$1
	shift
	./bench_scale run "$@" >"$tmp/ran"
	read -r _ ns <"$tmp/ran"
	note "$name" "$ns"
}

# resident NAME PID: in KiB; not VmRSS, which is not exact
resident()
{
	note "$1_rss" "$(sed -n 's/^Rss:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$2/smaps_rollup")"
	note "$1_pss" "$(sed -n 's/^Pss:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$2/smaps_rollup")"
}

# become TEXT COMMAND...: until its output has the text
become()
{
	text=$1 tries=120
	shift
	until "$@" 2>/dev/null | grep -q "$text"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$* never said $text"
		sleep 1
	done
}

# libvirtd alone: a host without systemd and without a firewall.
start_libvirt()
{
	mkdir -p /etc/libvirt /run/libvirt
	cat >/etc/libvirt/qemu.conf <<-END
		user = "root"
		group = "root"
		security_driver = "none"
		cgroup_controllers = []
		namespaces = []
		remember_owner = 0
		stdio_handler = "file"
	END
	start_peer libvirtd --timeout 0
	become . virsh version
}

# start_domain NUMBER: it boots 4 bytes, which halt it for good (cli; hlt; jmp to the hlt)
start_domain()
{
	printf '\372\364\353\375' >"$tmp/disk$1"
	truncate -s 510 "$tmp/disk$1"
	printf '\125\252' >>"$tmp/disk$1"
	truncate -s 1M "$tmp/disk$1"
	cat >"$tmp/domain.xml" <<-END
		<domain type='kvm'>
		  <name>bench$1</name>
		  <memory unit='MiB'>32</memory>
		  <vcpu>2</vcpu>
		  <os><type arch='x86_64' machine='pc'>hvm</type></os>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    <disk type='file'><driver name='qemu' type='raw'/>
		      <source file='$tmp/disk$1'/><target dev='vda' bus='virtio'/></disk>
		    <controller type='usb' model='none'/>
		  </devices>
		</domain>
	END
	virsh create "$tmp/domain.xml" >/dev/null
}

# What it takes of virsh itself, of libvirtd, and of the QEMUs, whose main threads answer.
domstats()
{
	qemu=''
	for file in /run/libvirt/qemu/bench*.pid; do
		qemu="$qemu /proc/$(cat "$file")/schedstat"
	done
	virsh domstats >"$tmp/domstats"
	[ "$(grep -c '^Domain:' "$tmp/domstats")" = "$domains" ] || fail "virsh sees $(cat "$tmp/domstats")"
	before=$(cpu "$peer")
	# shellcheck disable=SC2086 # names of files
	qemu_before=$(ran $qemu)
	run_again domstats_virsh virsh domstats
	note domstats_libvirtd $(($(cpu "$peer") - before))
	# shellcheck disable=SC2086
	note domstats_qemu $(($(ran $qemu) - qemu_before))
}

# The reader and kvm_stat, each from start to end.
commands()
{
	run "$1_list" $reader list
	run "$1_list_by_vcpu" $reader list --by vcpu
	run "$1_stat" $reader stat
	run "$1_kvm_stat" kvm_stat -1
	run "$1_kvm_stat_debugfs" kvm_stat -1 -d
}

# The screen, 120 by 40, beside tmux: what it holds, and what a second of it takes.
measure_top()
{
	tm new-session -d -x 120 -y 40 -s top "exec $reader top"
	become EXITS/s tm capture-pane -p -t top
	pid=$(tm list-panes -t top -F '#{pane_pid}')
	sleep 5
	resident top "$pid"
	before=$(cpu "$pid")
	sleep 10
	note top_second $((($(cpu "$pid") - before) / 10))
	become EXITS/s tm capture-pane -p -t top
	tm kill-server
}

# scrape: twice, the second one's samples to standard output
scrape()
{
	python3 - "$1" <<-END
		import sys, urllib.request
		url = "http://127.0.0.1:" + sys.argv[1] + "/metrics"
		accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
		text = urllib.request.urlopen(urllib.request.Request(url, headers=accept)).read().decode()
		print(sum(1 for line in text.splitlines() if not line.startswith("#")))
	END
}

measure_export()
{
	$reader export --listen 127.0.0.1:0 >"$tmp/port" &
	exporter=$!
	become port cat "$tmp/port"
	port=$(sed -n 's/^listening at port //p' "$tmp/port")
	scrape "$port" >/dev/null
	sleep 1
	before=$(cpu $exporter)
	note samples "$(scrape "$port")"
	note scrape $(($(cpu $exporter) - before))
	resident export $exporter
	kill $exporter
	wait $exporter || true
}

insmod ../kvmeter.ko max_vms=$(((vms + 64) / 64 * 64)) max_vcpus=$(((2 * vms + 65) / 64 * 64))
$reader attach >/dev/null

start_peer ./bench_scale hold "$vms"
wait_for ready "$tmp/peer.out"
./bench_scale read >"$tmp/read"
cat "$tmp/read" >>"$tmp/figures"
commands many
measure_top
measure_export
./bench_scale save /out/maps
stop_peer

start_libvirt
for i in $(seq "$domains"); do
	start_domain "$i"
done
# until all have booted
sleep 20
commands few
domstats
for i in $(seq "$domains"); do
	virsh destroy "bench$i" >/dev/null
done
stop_peer

awk -v leg="$KVMETER_LEG" -v kernel="$KVMETER_KERNEL" -v vms="$vms" -v domains="$domains" '
	function number(name) {
		if (!(name in v) || v[name] + 0 <= 0)
			bad = bad " " name
		printf "%s\"%s\": %.0f", comma, shown, v[name]
		comma = ", "
	}
	function numbers(prefix, names,   list, n, i) {
		n = split(names, list)
		for (i = 1; i <= n; i++) {
			shown = list[i]
			number(prefix list[i])
		}
	}
	function begin(name) { printf "%s\"%s\": {", comma, name; comma = "" }
	function end() { printf "}"; comma = ", " }
	{ v[$1] = $2; v2[$1] = $3 }
	END {
		printf "{\"leg\": \"%s\", \"kernel\": \"%s\", ", leg, kernel
		comma = ""
		begin("many")
		printf "\"vms\": %d, \"vcpus\": %d", vms, 2 * vms
		comma = ", "
		numbers("", "snapshot snapshot_all")
		numbers("many_", "list list_by_vcpu stat kvm_stat kvm_stat_debugfs")
		numbers("", "top_second scrape samples")
		end()
		begin("few")
		printf "\"vms\": %d, \"vcpus\": %d", domains, 2 * domains
		comma = ", "
		numbers("few_", "list list_by_vcpu stat kvm_stat kvm_stat_debugfs")
		begin("domstats"); numbers("domstats_", "virsh libvirtd qemu"); end()
		end()
		begin("resident_kib")
		begin("top"); numbers("top_", "rss pss"); end()
		begin("export"); numbers("export_", "rss pss"); end()
		end()
		print "}"
		exit bad != "" || v2["snapshot"] != 2 * vms
	}' "$tmp/figures" || fail "missing figures: $(tr '\n' ';' <"$tmp/figures")"
