#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the reader makes of real VMs besides tables: CSV, recordings, the screen, metrics, each against its JSON.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"
. "$dir/terminal.sh"

# with the VMs stopped nothing moves, and both outputs have to agree
case_csv()
{
	kill -STOP "${guests[0]}"
	works ledger --by vcpu --csv && mv "$tmp/out" "$tmp/csv" && works ledger --by vcpu --json
	kill -CONT "${guests[0]}"
	json '(lambda rows: len(rows) == 4 and
		[(r["vms.name"], r["vms.id"], int(r["vms.vcpus.vcpu_id"]), int(r["vms.vcpus.guest_ns"])) for r in rows] ==
		[(v["name"], v["id"], c["vcpu_id"], c["guest_ns"]) for v in d[0]["vms"] for c in v["vcpus"]])(
			list(__import__("csv").DictReader(open("'"$tmp/csv"'", newline=""))))' || return
	# columns once, however many reports
	works stat --csv 0.2 3 && [ "$(grep -c '^abi,' "$tmp/out")" = 1 ] && [ "$(wc -l <"$tmp/out")" = 13 ] ||
		fail "not one heading and 12 rows: $(cat "$tmp/out")"
}

# a recording says of its time what was seen live before and after it
case_record()
{
	local pid

	works exits --json && mv "$tmp/out" "$tmp/before" || return
	"$reader" record --json "$tmp/rec" 0.3 >"$tmp/recorded" 2>&1 &
	pid=$!
	sleep 5
	kill -TERM "$pid" && wait "$pid" || fail "record ended with $?: $(cat "$tmp/recorded")" || return
	works exits --json && mv "$tmp/out" "$tmp/after" || return
	cp "$tmp/recorded" "$tmp/out"
	json 'd[0]["snapshots"] >= 4 and d[0]["duration_ns"] >= 9e8 and
		d[0]["bytes"] == __import__("os").path.getsize(d[0]["file"])' || return
	refuses 'exists' record "$tmp/rec" || return
	works report "$tmp/rec" list --json && json '[v["name"] for v in d[0]["vms"]] ==
			[v["name"] for v in json.loads(open("'"$tmp/after"'").readline())["vms"]] and len(d[0]["vms"]) == 4' || return
	works report "$tmp/rec" exits --json || return
	cat "$tmp/before" "$tmp/after" >>"$tmp/out"
	json '(lambda n: 0 < n[0] <= n[2] - n[1])([sum(r["count"] for v in r["vms"] if v["name"] == "a,b" for r in v["reasons"])
		for r in d])' || return
	# longer where the emulator let a snapshot come late
	works report "$tmp/rec" ledger --json a,b 0.6 && json 'len(d) >= 1 and
		all(r["interval_ns"] >= 4e8 for r in d)' &&
		json 'all(sum(v[s + "_ns"] for s in ("guest", "kernel", "vmm", "halt", "steal", "throttle")) == v["wall_ns"]
			for r in d for v in r["vms"])'
}

# neither root nor the module is needed for it; what is cut off is told, and all else is there
case_report_elsewhere()
{
	cp "$tmp/rec" "$tmp/cut" && truncate -s -10 "$tmp/cut" && chmod 755 "$tmp" && chmod 644 "$tmp/rec" "$tmp/cut" || return
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$reader" report "$tmp/rec" stat >"$tmp/out" 2>&1 &&
		grep -q '^a,b ' "$tmp/out" || fail "not for everybody: $(cat "$tmp/out")" || return
	kvm report "$tmp/cut" stat
	[ "$status" = 2 ] && grep -q '^a,b ' "$tmp/out" && is_one_line 'cut off' || fail "gave $status: $(cat "$tmp/out")"
}

case_top_batch()
{
	works top -b 0.3 2 && [ "$(grep -c '^a,b ' "$tmp/out")" = 2 ] && [ "$(grep -c '^twin ' "$tmp/out")" = 4 ] ||
		fail "not two reports: $(cat "$tmp/out")" || return
	works top -b --json 0.3 2 && json 'len(d) == 2 and
		max(d[1]["vms"], key=lambda v: v["exits_per_s"] or 0)["name"] == d[1]["vms"][0]["name"] == "a,b"'
}

# with an interval and no count, what is of intervals only goes on until it is told to end
case_until_interrupted()
{
	local command

	for command in dirty "top -b"; do
		# shellcheck disable=SC2086 # an option
		timeout --preserve-status -s INT 6 "$reader" $command --json 0.3 >"$tmp/out" 2>"$tmp/err" && [ ! -s "$tmp/err" ] ||
			fail "$command: $? $(cat "$tmp/err")" || return
		json 'len(d) >= 2 and all(len(r["vms"]) == 4 and r["interval_ns"] > 0 for r in d)' || return
	done
}

# the first line with VMs is the one that runs; a name cannot move the cursor
case_top_screen()
{
	local tries=400

	tm new-session -d -s top -x 100 -y 24 "$reader top 0.5; echo status=\$?; sleep 100" || fail "no tmux" || return
	seen 'evil\x1b' || return
	[ "$(grep -c '^[> ]twin ' "$tmp/screen")" = 2 ] && grep -q "^[> ]a,b " "$tmp/screen" ||
		fail "not all VMs: $(cat "$tmp/screen")" || return
	[ "$(grep -A 1 'NAME .*VCPUS' "$tmp/screen" | tail -n 1 | cut -c 2-4)" = a,b ] ||
		fail "not the busiest first: $(cat "$tmp/screen")" || return
	keys q && seen status=0 && tm kill-server
}

case_textfile()
{
	local name count

	kvm export --textfile "$tmp/kvmeter.prom"
	[ "$status" = 0 ] && [ ! -s "$tmp/err" ] || fail "gave $status: $(cat "$tmp/err")" || return
	cp "$tmp/kvmeter.prom" "$tmp/first" && kvm export --textfile "$tmp/kvmeter.prom" || return
	for name in 'a,b' twin 'evil\\x1b[31m'; do
		grep -qF "name=\"$name" "$tmp/first" || fail "no VM '$name': $(grep _info "$tmp/first")" || return
	done
	count="kvmeter_vm_exits_total{vm=\"$(id_of a,b)\""
	awk -v key="$count" 'index($0, key) == 1 { sum[FILENAME] += $NF }
		END { first = sum[ARGV[1]]; exit !(first > 0 && sum[ARGV[2]] > first) }' "$tmp/first" "$tmp/kvmeter.prom" ||
		fail "no exits counted: $(grep -F kvmeter_vm_exits "$tmp/first" | head -n 5)"
}

check_host
command -v tmux >/dev/null || skip_all "needs tmux"
echo "TAP version 13"
echo "1..8"
start_guests
run_case csv
run_case record
run_case report_elsewhere
run_case top_batch
run_case until_interrupted
run_case top_screen
run_case textfile
run_case documents
exit $((failed > 0))
