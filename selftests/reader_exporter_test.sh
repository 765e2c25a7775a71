#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's exporter beside stock QEMU guests: a real Prometheus, what it costs, VMMs that are stopped, and a module
# that is unloaded.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"
. "$dir/scrape.sh"
trap 'stop_all; cleanup' EXIT

# The second is stopped, and has been since before there was an exporter.
start_two_guests()
{
	local task

	insmod "$ko" || exit 1
	start_guest a,,b
	start_guest stopped
	until [ "$(nr_ready)" = 2 ]; do
		[ $SECONDS -lt 60 ] || { echo "Bail out! the guests did not start"; exit 1; }
		sleep 0.5
	done
	kill -STOP "${guests[1]}"
	# so that it leaves the emulated CPU some time
	for task in "/proc/${guests[0]}/task"/*; do
		renice -n 15 -p "${task##*/}" >/dev/null
	done
}

case_guests()
{
	start_exporter "$reader" export --listen :0 && asks formats "$port" no && asks histograms "$port" || return
	asks becomes "$port" kvmeter_vm_info "vm=\"$(id_of a,b)\",name=\"a,b\",pid=\"${guests[0]}\"" &&
		asks becomes "$port" kvmeter_vm_info "vm=\"$(id_of stopped)\",name=\"stopped\",pid=\"${guests[1]}\""
}

case_promtool()
{
	works export && promtool check metrics <"$tmp/out" >"$tmp/check" 2>&1 && [ ! -s "$tmp/check" ] ||
		fail "$(cat "$tmp/check")" || return
	works export --openmetrics && [ "$(tail -n 1 "$tmp/out")" = '# EOF' ] || fail "no end"
}

# What one that runs adds to, and one that is stopped does not. An emulated host takes its time.
# irate(): of the last two samples; rate() is of the minute, of which there are some seconds
case_prometheus()
{
	start_prometheus 5 && asks scraped "$api" 3 300 && asks target "$api" && asks rules "$api" &&
		asks has "$api" "rate(kvmeter_vm_exits_total{vm=\"$(id_of a,b)\", reason!=\"\"}[1m]) > 0" &&
		asks has "$api" "sum(rate(kvmeter_vm_exits_total{vm=\"$(id_of stopped)\"}[1m])) == 0" &&
		asks has "$api" 'sum(irate(kvmeter_vm_time_seconds_total[1m])) > 1' || return
	kill -KILL "$prometheus"
	wait "$prometheus" 2>/dev/null
	prometheus=
}

stopped()
{
	asks at_once "$port" 1 || return
	kill -KILL "$exporter"
	start_exporter "$reader" export --listen :0 && asks at_once "$port" 1
}

# All VMMs are stopped, so that none could answer: each answer is there at once, the first as well.
case_stopped()
{
	local ret

	kill -STOP "${guests[@]}"
	stopped
	ret=$?
	kill -CONT "${guests[0]}"
	return "$ret"
}

case_cost()
{
	local cost

	asks cost "$port" 0.1 67108864 || return
	cost=$(python3 "$dir/scrape.py" cost "$port" 0.1 67108864)
	echo "# $cost"
}

# As its unit starts it: root with one capability.
case_one_capability()
{
	kill -TERM "$exporter"
	ends_with 0 || return
	start_exporter setpriv --bounding-set=-all,+sys_admin --inh-caps=-all --no-new-privs "$reader" export --listen :0 &&
		grep -qx 'CapEff:	0000000000200000' "/proc/$exporter/status" ||
		fail "not with this alone: $(cat "$tmp/exporter.err")" || return
	asks formats "$port" no && asks becomes "$port" kvmeter_vm_info "vm=\"$(id_of a,b)\",name=\"a,b\",pid=\"${guests[0]}\""
}

case_textfile()
{
	local pid first

	mkdir "$tmp/files"
	"$reader" export --textfile "$tmp/files/a.prom" 0.2 2>"$tmp/err" &
	pid=$!
	until [ -s "$tmp/files/a.prom" ]; do
		kill -0 "$pid" || fail "no file: $(cat "$tmp/err")" || return
		sleep 0.1
	done
	first=$(sed -n 's/^kvmeter_export_scrapes_total //p' "$tmp/files/a.prom")
	sleep 1
	[ "$(sed -n 's/^kvmeter_export_scrapes_total //p' "$tmp/files/a.prom")" -gt "$first" ] || fail "not replaced" || return
	kill -TERM "$pid"
	wait "$pid" || fail "gave $?: $(cat "$tmp/err")" || return
	[ "$(ls "$tmp/files")" = a.prom ] || fail "left: $(ls "$tmp/files")"
}

# It keeps nobody from unloading, and ends then, told in a line.
case_unload()
{
	rmmod kvmeter || fail "cannot be unloaded" || return
	! asks formats "$port" no || fail "answers without a module" || return
	ends_with 1 || return
	grep -qx 'kvmeter: the kernel module kvmeter is not loaded (there is no /dev/kvmeter)' "$tmp/exporter.err" ||
		fail "said: $(cat "$tmp/exporter.err")"
}

check_host
for tool in prometheus promtool; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done
busybox ifconfig lo 127.0.0.1 up
echo "TAP version 13"
echo "1..8"
start_two_guests
run_case guests
run_case promtool
run_case prometheus
run_case stopped
run_case cost
run_case one_capability
run_case textfile
run_case unload
exit $((failed > 0))
