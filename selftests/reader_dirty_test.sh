#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's commands about dirty pages, on a stock QEMU whose guest writes 2048 pages round and round.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"
. "$dir/reader_dirty.sh"

# status_is VM EXPRESSION: of the one VM in dirty status, v
status_is()
{
	works dirty status "$1" --json && json "(lambda v: $2)(d[0]['vms'][0])"
}

# has_windows N: the session has figures of so many intervals
has_windows()
{
	status_is writer "v['windows'] >= $1"
}

case_usage()
{
	is_bad_usage dirty start && is_bad_usage dirty start writer --interval 0 &&
		is_bad_usage dirty start writer --interval 100ms && is_bad_usage dirty start writer --interval 8s &&
		is_bad_usage dirty start writer --duration 1x && is_bad_usage dirty start writer --duration 25h &&
		is_bad_usage dirty start writer --interval 2s --duration 1s && is_bad_usage dirty stop &&
		is_bad_usage dirty stop a b && is_bad_usage dirty status a b && is_bad_usage dirty --heat --by vcpu &&
		is_bad_usage dirty --heat 0.2 1 && is_bad_usage forecast writer --bandwidth 1G &&
		is_bad_usage forecast writer --downtime 1s && is_bad_usage forecast writer --bandwidth 1G --downtime 300 &&
		is_bad_usage forecast writer --bandwidth 0 --downtime 1s && is_bad_usage dirty start writer --svg x &&
		refuses 'no VM has the name' dirty start nobody && refuses 'no VM has the name' forecast nobody \
			--bandwidth 1G --downtime 300ms
}

# without a session there is no figure, and no 0 in its place
case_not_armed()
{
	works list writer --json && json 'd[0]["vms"][0]["ram_pages"] == 16384 and not d[0]["vms"][0]["log_pages"]' || return
	works dirty writer 0.2 1 && grep -q '^writer .* not armed  *-  *-  *- none  *-$' "$tmp/out" ||
		fail "not 'not armed': $(cat "$tmp/out")" || return
	works dirty writer --json 0.2 1 && json 'd[0]["vms"][0]["dirty_bytes_per_s"] is None' &&
		json 'd[0]["vms"][0]["log_state"] == "not_armed" and d[0]["vms"][0]["session"] == "none"' &&
		json 'd[0]["vms"][0]["curve"] is None and d[0]["vms"][0]["migration"] is None' || return
	works stat writer 0.2 2 && grep -q 'not armed$' "$tmp/out" || fail "stat shows a rate" || return
	refuses 'there is no session on writer' dirty stop writer &&
		refuses 'there is no session on writer' dirty writer --heat 0.2 1 &&
		refuses 'nothing is known of what writer dirties' forecast writer --bandwidth 1G --downtime 300ms
}

case_start()
{
	local controller

	works dirty start writer && grep -q '^writer (.*): driven session, interval 125 ms, until it is stopped, process [0-9]*$' \
		"$tmp/out" && [ "$(wc -l <"$tmp/out")" = 1 ] || fail "unexpected: $(cat "$tmp/out")" || return
	controller=$(sed 's/.* //' "$tmp/out")
	[ "$(readlink "/proc/$controller/exe")" = "$(readlink -f "$reader")" ] || fail "no controller" || return
	# it holds neither the module, nor the VM, nor what it was started from
	! readlink "/proc/$controller/fd/"* | grep -v '^/dev/null$' || fail "it has files open" || return
	status_is writer "v['session'] == 'driven' and v['controller'] == $controller and
		v['session_interval_ns'] == 125000000 and v['log_state'] == 'driven'" || return
	refuses 'there is a session on writer already' dirty start writer &&
		refuses 'there is a session on writer already' dirty start writer --observe --foreground
}

# the guest dirties 8 MiB in less than an eighth of a second
case_view()
{
	wait_until 30 has_windows 20 || return
	works dirty writer && grep -q '^  D(t), MiB ' "$tmp/out" && grep -Eq '^  median( +[0-9.]+){4}' "$tmp/out" ||
		fail "no curve: $(cat "$tmp/out")" || return
	works dirty writer --json 1 2 && json 'len(d) == 2 and d[0]["vms"][0]["log_state"] == "driven"' &&
		json 'all(2048 <= v["curve"][3] <= 2060 and v["median"][3] == 2048 for r in d for v in r["vms"])' &&
		json 'all(v["curve"][9] is None and v["p95"][3] >= v["median"][3] for r in d for v in r["vms"])' &&
		json 'all(16 * 2**20 < v["dirty_bytes_per_s"] < 70 * 2**20 for r in d for v in r["vms"])' &&
		json 'all(max(t for t, pages in zip(v["curve_ms"], v["curve"]) if pages is not None) == v["wws_ms"] for r in d for v in r["vms"])' || return
	works dirty writer --json --by vcpu 0.5 1 && json 'len(d[0]["vms"][0]["vcpus"]) == 1' &&
		json 'all(c["dirty_curve"][3] >= 2000 and c["dirty_bytes_per_s"] > 2**20
			for v in d[0]["vms"] for c in v["vcpus"])' && json 'd[0]["vms"][0]["median"][3] == 2048' || return
	works dirty --by vcpu 0.3 2 && [ "$(grep -c '^NAME ' "$tmp/out")" = 2 ] || fail "not two tables" || return
	works stat writer 0.3 2 && tail -n 1 "$tmp/out" | grep -Eq ' [0-9.]+$' || fail "stat has no rate" || return
	works list writer && grep -q ' driven -$' "$tmp/out" || fail "list: $(cat "$tmp/out")" || return
	"$reader" metrics --json >"$tmp/metrics" && works dirty writer --json 0.1 1 || return
	cat "$tmp/metrics" >>"$tmp/out"
	json 'all(m["name"] in d[0]["vms"][0] for m in d[1]["dirty"])'
}

# pages 4096 to 6143 are rows 8 to 11 of 2 MiB
case_heat()
{
	works dirty writer --heat --json 0.5 2 && json 'len(d) == 2 and all(r["cell_pages"] == 512 for r in d)' &&
		json 'all(all((c >= 500) == (8 <= i < 12) for i, c in enumerate(r["cells"])) for r in d)' || return
	LC_ALL=C COLUMNS=40 works dirty writer --heat 0.5 3 && grep -q '^ *0x1000000 |###|$' "$tmp/out" &&
		grep -q '^ *0x1800000 |   |$' "$tmp/out" && ! LC_ALL=C grep -q "$(printf '[\200-\377\033]')" "$tmp/out" ||
		fail "not as it should be: $(cat "$tmp/out")" || return
	LC_ALL=C.UTF-8 works dirty writer --heat 0.5 1 && grep -q '|█|$' "$tmp/out" || fail "no blocks" || return
	TERM=xterm script -qec "$reader dirty writer --heat 0.5 2" /dev/null >"$tmp/out" &&
		grep -q "$(printf '\033\[48;5;160m \033\[0m')" "$tmp/out" || fail "no colours" || return
	kvm dirty writer --svg "$tmp/heat.svg" 0.5 3
	[ "$status" = 0 ] && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ] || fail "--svg: $(cat "$tmp/err")" || return
	python3 - "$tmp/heat.svg" <<-'EOF' || fail "no good SVG"
		import sys, xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
		sys.exit(not (root.tag.endswith("}svg") and len(titles) >= 12 and "512 pages" in titles))
	EOF
	kvm dirty writer --svg /nonexistent/x 0.2 1
	[ "$status" = 1 ] && is_one_line /nonexistent/x
}

# 8 MiB of working set: by 100 MiB/s and 300 ms yes, by 8 MiB/s no
case_forecast()
{
	works forecast writer --bandwidth 100MiB/s --downtime 300ms --ram 64M && grep -q '^median  yes ' "$tmp/out" &&
		grep -q '^first round: .* of 64.0 MiB: .* never touched' "$tmp/out" || fail "not yes: $(cat "$tmp/out")" ||
		return
	works forecast writer --bandwidth 100MiB/s --downtime 300ms --ram 64M --json &&
		json 'd[0]["memory"]["zero_from"] == "sample" and d[0]["memory"]["ram_pages"] == 16384' &&
		json '8000 < d[0]["memory"]["zero_pages"] < 16384 - 2048' &&
		json 'd[0]["forecast"]["median"]["converges"] and d[0]["forecast"]["p95"]["converges"]' || return
	works forecast writer --bandwidth 8MiB/s --downtime 300ms --ram 64M --zero-pages 0 --json &&
		json 'not d[0]["forecast"]["median"]["converges"] and d[0]["forecast"]["median"]["bytes"] is None' &&
		json 'd[0]["forecast"]["p95"]["min_bandwidth_bytes_s"] > 2**23' &&
		json '0 < d[0]["forecast"]["p95"]["max_quota_bytes_s"] <= 2**23' &&
		json 'd[0]["forecast"]["p95"]["min_downtime_ns"] > 3e8' || return
	works forecast writer --bandwidth 8MiB/s --downtime 300ms --ram 64M &&
		grep -q '^to make it yes by p95: bandwidth .*, or downtime .* ms, or a quota of ' "$tmp/out" ||
		fail "no remedies: $(cat "$tmp/out")" || return
	refuses 'fewer than --zero-pages' forecast writer --bandwidth 1G --downtime 1s --ram 4096 --zero-pages 2
}

case_stop()
{
	works dirty stop writer && grep -q '^writer (.*): stopped$' "$tmp/out" || fail "not stopped" || return
	status_is writer "v['session'] == 'ended' and v['end'] == 'stopped' and v['log_state'] == 'not_armed'" &&
		status_is writer "v['median'][3] == 2048" || return
	works dirty writer 0.2 1 && grep -q '^writer .* not armed  *-  *-  *- ended ' "$tmp/out" ||
		fail "a rate: $(cat "$tmp/out")" || return
	refuses 'there is no session on writer' dirty stop writer && works forecast writer --bandwidth 1G --downtime 1s
}

is_over()
{
	status_is writer "v['session'] == 'ended' and v['log_state'] == 'not_armed'"
}

# ended by its time, by a signal to its controller, by the end of it
case_ends()
{
	local controller

	works dirty start writer --interval 250ms --duration 1s --foreground &&
		grep -q 'interval 250 ms, for 1 s, process' "$tmp/out" &&
		grep -q '^writer (.*): ended: its time is over$' "$tmp/out" || fail "not: $(cat "$tmp/out")" || return
	status_is writer "v['end'] == 'duration' and v['session_interval_ns'] == 250000000" || return
	works dirty start writer --json && controller=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["controller"])' \
		<"$tmp/out") && kill -TERM "$controller" && wait_until 5 is_over && status_is writer "v['end'] == 'stopped'" ||
		return
	works dirty start writer --json && controller=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["controller"])' \
		<"$tmp/out") && kill -KILL "$controller" && wait_until 5 is_over && status_is writer "v['end'] == 'controller'"
}

# QEMU's own figure beside ours: 2048 pages in each second or two, whoever counts
case_qmp()
{
	works dirty start writer --qmp "$tmp/writer.qmp" --duration 4s --json &&
		json 'len(d) == 1 and d[0]["calc_time_s"] == 4 and d[0]["dirty_pages"] >= 2048' &&
		json 'abs(d[0]["qemu_mib_per_s"] - d[0]["dirty_bytes_per_s"] / 2**20) <= 1' || return
	works dirty start writer --qmp "$tmp/writer.qmp" --duration 1s && grep -q ': 1 s: QEMU [0-9]* MiB/s, kvmeter ' "$tmp/out" ||
		fail "no text" || return
	status_is writer "v['session'] == 'ended' and v['log_state'] == 'not_armed'" || return
	refuses 'No such file' dirty start writer --qmp "$tmp/nothing" &&
		refuses 'QMP at ' dirty start writer --qmp "$tmp/sector"
}

# migrating [STATUS]: has the migration that status?
is_migration()
{
	qmp writer query-migrate >"$tmp/migrate" && grep -q "\"status\": \"$1\"" "$tmp/migrate"
}

# to a peer that reads and throws away, too slowly for it to end: each round is seen, and what remains of it
case_live()
{
	qmp writer migrate-set-parameters '{"max-bandwidth": 8388608}' >/dev/null &&
		qmp writer migrate '{"uri": "exec:cat >/dev/null"}' >/dev/null || fail "cannot migrate" || return
	wait_until 10 is_migration active || return
	sleep 8
	works dirty writer --json 0.5 4 || return
	json 'all(v["log_state"] == "bitmap" and v["migration"]["sync_nr"] >= 2 for r in d for v in r["vms"])' &&
		json 'all(v["migration"]["remaining_bytes_estimate"] == v["migration"]["round_bytes_estimate"] +
				v["migration"]["dirtied_bytes"] for r in d for v in r["vms"])' &&
		json 'all(0 < v["migration"]["remaining_bytes_estimate"] < 24 * 2**20 for r in d for v in r["vms"])' || return
	works dirty writer 0.3 1 && grep -q '^  log read [0-9]* times, last .* dirtied since: ' "$tmp/out" ||
		fail "no line: $(cat "$tmp/out")" || return
	refuses 'has its memory logged itself' dirty start writer && qmp writer migrate_cancel >/dev/null &&
		wait_until 10 is_migration cancelled
}

check_host
echo "TAP version 13"
echo "1..11"
insmod "$ko" || exit 1
start_writer writer || exit 1
await_writer writer || exit 1
run_case usage
run_case not_armed
run_case start
run_case view
run_case heat
run_case forecast
run_case stop
run_case ends
run_case qmp
run_case live
run_case documents
exit $((failed > 0))
