#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's views of exits, the ledger, placement, wake-ups and steal, against each other and debugfs.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"

# same_as_debugfs ID: by the names in its heading, in whatever order; row 0 has no name of its own there
same_as_debugfs()
{
	cp "/sys/kernel/debug/kvmeter/$1/exits" "$tmp/debugfs"
	json '(lambda lines: sorted(sorted(zip(lines[0], line)) for line in lines[1:] if line[1] != "0"))(
			[line.split() for line in open("'"$tmp/debugfs"'")]) ==
		sorted(sorted({"vcpu": str(c["vcpu_id"]), "reason": hex(r["reason"]),
				"hist": ",".join(map(str, r["hist"])),
				"min_ns": "-" if r["min_ns"] is None else str(r["min_ns"]),
				**{f: str(r[f]) for f in ("level", "name", "class", "count", "user_exits",
					"kernel_ns", "vmm_ns", "halt_ns", "steal_ns", "max_ns")}}.items())
			for c in d[0]["vms"][0]["vcpus"] for r in c["reasons"] if r["level"])'
}

# with the VM stopped nothing moves, and views, maps and debugfs have to agree
case_exits_add_up()
{
	local id

	id=$(id_of a,b)
	kill -STOP "${guests[0]}"
	sleep 0.2
	works exits "$id" && awk '/us$/ && !total { sum += $2 }
		/^Total Samples:/ { split($2, t, /[:,]/); total = t[2] }
		END { exit !(sum > 100 && sum == total) }' "$tmp/out" || fail "Samples do not add up" || return
	works exits "$id" --json --by vcpu || return
	json 'all(sum(r["count"] for r in c["reasons"]) == c["exits"] > 100 for c in d[0]["vms"][0]["vcpus"])' &&
		json 'all(sum(r["hist"]) in (r["count"], r["count"] - 1) for r in d[0]["vms"][0]["vcpus"][0]["reasons"])' &&
		json 'all(r["p50_ns"] <= r["p99_ns"] <= r["max_ns"]
			for r in d[0]["vms"][0]["vcpus"][0]["reasons"] if sum(r["hist"]))' || return
	json 'all(r["time_ns"] == r["kernel_ns"] + r["vmm_ns"] + r["halt_ns"] and r["level"] == 1
			for r in d[0]["vms"][0]["vcpus"][0]["reasons"] if r["name"] != "UNKNOWN")' || return
	# each exit to the VMM has its reason
	json 'sum(u["count"] for u in d[0]["vms"][0]["vcpus"][0]["user_exit"]) == d[0]["vms"][0]["vcpus"][0]["user_exits"]' &&
		json '{"IO"} <= {u["name"] for u in d[0]["vms"][0]["vcpus"][0]["user_exit"]}' || return
	same_as_debugfs "$id" || return
	# an interval in which nothing happened
	works exits "$id" 0.2 2 -z --json && json 'len(d) == 2 and d[0]["interval_ns"] == 0' &&
		json 'd[1]["vms"][0]["exits"] == 0 and d[1]["vms"][0]["reasons"] == []' || return
	kill -CONT "${guests[0]}"
	works exits "$id" 0.5 3 --json && json 'len(d) == 3 and d[2]["vms"][0]["exits"] > 0' &&
		json 'abs(d[2]["interval_ns"] - 5e8) < 4e8'
}

# the same counts, whatever they are grouped by
case_exits_by()
{
	local id

	id=$(id_of a,b)
	kill -STOP "${guests[0]}"
	sleep 0.2
	works exits "$id" --json && cp "$tmp/out" "$tmp/by-vm" && works exits "$id" --by reason --json &&
		cp "$tmp/out" "$tmp/by-reason" && works exits "$id" --by class --json || return
	cat "$tmp/by-vm" "$tmp/by-reason" >>"$tmp/out"
	json 'd[1]["vms"][0]["reasons"] == d[2]["reasons"] and len(d[2]["vms"]) == 1' &&
		json '"reasons" not in d[0] and "name" not in d[0]["classes"][0]' &&
		json 'all(sum(r[f] for r in d[2]["reasons"]) == sum(r[f] for r in d[0]["classes"])
			for f in ("count", "kernel_ns", "vmm_ns", "halt_ns", "steal_ns", "user_exits"))' &&
		json '{r["class"] for r in d[2]["reasons"]} == {r["class"] for r in d[0]["classes"]}' || return
	works exits --by reason && grep -q '^4 VMs, 4 vCPUs, ' "$tmp/out" && works exits --by class &&
		grep -q '^ *CLASS ' "$tmp/out" && works exits --by class -z 0.1 2 || fail "no table of the host" || return
	kill -CONT "${guests[0]}"
}

# columns of the first table: name Samples Samples% Time% Min Max Avg p50 p99 kernel vmm
case_exits_keys()
{
	local key column id

	id=$(id_of a,b)
	kill -STOP "${guests[0]}"
	while read -r key column; do
		works exits "$id" -z -k "$key" || return
		awk -v column="$column" '/^Total Samples/ { exit }
			/us$/ { n++; v = $column + 0; if (n > 1 && v > last) bad = 1; last = v }
			END { exit !(n > 2 && !bad) }' "$tmp/out" || fail "not by $key: $(cat "$tmp/out")" || return
	done <<-EOF
		sample 2
		percent_sample 3
		time 4
		percent_time 4
		max_t 6
		min_t 5
		mean_t 7
		p50 8
		p99 9
		kernel 10
		vmm 11
	EOF
	works exits "$id" --hist && grep -q '^VM-EXIT = ' "$tmp/out" &&
		grep -q '^     nsecs               : count     distribution$' "$tmp/out" &&
		grep -Eq '^ +[0-9]+ -> [0-9]+ +: [0-9]+ +\|\*+ *\|$' "$tmp/out" || fail "no histogram" || return
	kill -CONT "${guests[0]}"
}

case_exits_by_sub()
{
	local switch=/sys/module/kvmeter/parameters/subreasons id

	id=$(id_of a,b)
	echo 0 >"$switch"
	works exits --by sub && grep -qx "sub-reasons are not being counted; to have them: echo 1 > $switch" "$tmp/out" ||
		fail "does not say that it is off" || return
	works exits --by sub --json && json '"subreasons" not in d[0]["features"]' || return
	echo 1 >"$switch" || fail "cannot be switched on" || return
	works status && grep -q '^features:.* subreasons' "$tmp/out" || fail "status does not say that it is on" || return
	works exits "$id" --by sub 2 2 && ! grep -q 'not being counted' "$tmp/out" || fail "still off" || return
	works exits "$id" --by sub --json -k kernel && json 'len(d[0]["subs"]) > 2 and "subreasons" in d[0]["features"]' &&
		json 'all(s["count"] >= s["error"] for s in d[0]["subs"])' &&
		json '[s["kernel_ns"] for s in d[0]["subs"]] == sorted((s["kernel_ns"] for s in d[0]["subs"]), reverse=True)' &&
		json '{"IO_OUT", "IO_IN"} <= {s["kind"] for s in d[0]["subs"]}'
	echo 0 >"$switch"
}

# the shares as they are printed add up to 100.0, the states in JSON to the time, at any moment
case_ledger()
{
	local states='("guest_ns", "kernel_ns", "vmm_ns", "halt_ns", "steal_ns", "throttle_ns")'

	works ledger --by vm 0.3 4 && awk '$1 != "NAME" && NF { n++; sum = 0
			for (i = NF - 7; i <= NF - 2; i++) sum += $i * 10
			if (sprintf("%.0f", sum) != 1000) bad = 1 }
		END { exit !(n == 16 && !bad) }' "$tmp/out" || fail "not 100.0: $(cat "$tmp/out")" || return
	works ledger --json --by vcpu 0.1 9 || return
	json 'len(d) == 9 and all(len(v["vcpus"]) == 1 for r in d for v in r["vms"])' &&
		json 'all(sum(c[s] for s in '"$states"') == c["wall_ns"] == c["elapsed_ns"] > 0
			for r in d for v in r["vms"] for c in v["vcpus"])' &&
		json 'all(abs(c["wall_ns"] - r["interval_ns"]) < 5e7
			for r in d[1:] for v in r["vms"] for c in v["vcpus"])' &&
		json 'all(abs(sum(c[s[:-2] + "pct"] for s in '"$states"') - 100) < 1e-6
			for r in d for v in r["vms"] for c in v["vcpus"])' || return
	# a VMM that is stopped is in neither guest nor halt
	json 'all(c["state"] in ("vmm", "steal") and c["vmm_ns"] > 0.9 * c["wall_ns"]
			for r in d[1:] for v in r["vms"] if v["name"] != "a,b" for c in v["vcpus"])' || return
	works ledger --by vcpu && head -n 1 "$tmp/out" | grep -q ' STATE  *CPU NODE ' || fail "no placement" || return
	works ledger -z a,b && [ "$(wc -l <"$tmp/out")" = 2 ] || fail "-z leaves out what runs"
}

# every metric of the table is in the JSON, by its name
case_all_metrics()
{
	"$reader" metrics --json >"$tmp/metrics" && works stat --json || return
	cat "$tmp/metrics" >>"$tmp/out"
	json 'all(m["name"] in v for m in d[1]["vm"] + d[1]["vcpu"] for v in d[0]["vms"])' &&
		json 'all(m["name"] in c for m in d[1]["vcpu"] for v in d[0]["vms"] for c in v["vcpus"])' || return
	works exits --json || return
	cat "$tmp/metrics" >>"$tmp/out"
	json 'all(m["name"] in r for m in d[1]["exit"] for v in d[0]["vms"] for r in v["reasons"])' || return
	works steal --json || return
	cat "$tmp/metrics" >>"$tmp/out"
	json 'all(m["name"] in t for m in d[1]["thief"] for v in d[0]["vms"] for t in v["thieves"])'
}

# A guest that starts over loses all that is mapped, and has but a page or two for a moment.
case_placement()
{
	local looks=0

	until works list && awk '$1 == "a,b" { exit !($6 > 0) }' "$tmp/out"; do
		looks=$((looks + 1))
		[ "$looks" -lt 50 ] || fail "no pages: $(cat "$tmp/out")" || return
		sleep 0.1
	done
	grep -q ' MAPPED(MiB)   4K%   2M%   1G% ' "$tmp/out" &&
		awk '$1 == "a,b" { exit sprintf("%.0f", ($7 + $8 + $9) * 10) != 1000 }' "$tmp/out" ||
		fail "the shares are not a whole: $(cat "$tmp/out")" || return
	works list --by vcpu && [ "$(wc -l <"$tmp/out")" = 5 ] || fail "not four vCPUs" || return
	works list --by vcpu --json a,b && json 'd[0]["vms"][0]["vcpus"][0]["cpu"] in range(64)' &&
		json 'd[0]["vms"][0]["vcpus"][0]["tid"] in
			[int(t) for t in __import__("os").listdir("/proc/%d/task" % d[0]["vms"][0]["pid"])]'
}

case_wakeups()
{
	works wakeups && works wakeups --by vcpu 0.2 2 -z && works wakeups --json --by vcpu 0.2 2 &&
		json 'len(d) == 2 and all(sum(c["wakeup_lat_hist"]) == c["wakeups"] for v in d[0]["vms"] for c in v["vcpus"])' &&
		json 'all(c["wakeup_lat_p50_ns"] <= c["wakeup_lat_p99_ns"] <= c["wakeup_lat_max_ns"]
			for v in d[0]["vms"] for c in v["vcpus"] if c["wakeups"])' || return
	works wakeups --hist a,b && grep -q '^NAME .* IRQS ' "$tmp/out" || fail "no table"
}

case_stat()
{
	local id

	works stat && [ "$(grep -c 'not armed$' "$tmp/out")" = 4 ] || fail "not armed is not shown" || return
	id=$(id_of a,b)
	works stat "$id" 0.2 22 && [ "$(grep -c '^NAME' "$tmp/out")" = 2 ] && [ "$(wc -l <"$tmp/out")" = 24 ] ||
		fail "not 22 rows under 2 headings" || return
	works stat --json 0.2 2 && json 'len(d) == 2 and all(v["dirty_pages_per_s"] is None for v in d[1]["vms"])' &&
		json 'all(v["log_state"] == "not_armed" and v["exits"] > 0 for v in d[0]["vms"])'
}

case_steal()
{
	works steal --hist && works steal --by vcpu 0.2 2 && works steal --json --by vcpu 0.2 2 &&
		json 'len(d) == 2 and all(len(v["vcpus"]) == 1 for v in d[1]["vms"])' &&
		json 'all(sum(c["steal_hist"]) == c["steal_nr"] and "run_delay_ns" in c
			for v in d[0]["vms"] for c in v["vcpus"])'
}

# start_hog: a process that takes half of the CPU that a,b is then alone with it on; its name is hostile too
start_hog()
{
	local task

	# shellcheck disable=SC2016 # expanded by the inner shell
	taskset -c 0 bash -c 'echo -n "$0" >/proc/$$/comm; while :; do :; done' $'hog\033[31m\\' &
	hog=$!
	for task in "/proc/${guests[0]}/task"/*; do
		taskset -p 1 "${task##*/}" >"$tmp/taskset" || fail "cannot pin: $(cat "$tmp/taskset")" || return
	done
}

# with_hog FUNCTION: run it beside the hog
with_hog()
{
	local ret

	start_hog && "$@"
	ret=$?
	kill -KILL "$hog"
	wait "$hog" 2>/dev/null
	return "$ret"
}

# shares_add_up [SUM]: the shares of each VM that has any make 100.0, and one VM has; SUM is a row that is one
shares_add_up()
{
	awk -v all="${1:--}" '$1 != "NAME" && NF > 6 && $(NF - 3) != "-" && $3 != all { sum[$2] += $(NF - 3) * 10 }
		END { for (id in sum) { n++; if (sprintf("%.0f", sum[id]) != 1000) bad = 1 }; exit !(n && !bad) }' \
		"$tmp/out" || fail "not 100.0: $(cat "$tmp/out")"
}

thieves()
{
	local row

	works steal --by thief -z a,b 2 2 || return
	# the second report, its first row
	row=$(awk '$1 == "NAME" { n++; next } n == 2 { print; exit }' "$tmp/out")
	echo "$row" | grep -qF 'process hog\x1b[31m\\ ' || fail "not the hog: $(cat "$tmp/out")" || return
	awk '{ exit !($(NF - 3) > 50 && $(NF - 4) > 10) }' <<<"$row" || fail "too little: $row" || return
	! LC_ALL=C grep -q "$(printf '[\001-\011\013-\037]')" "$tmp/out" || fail "control characters" || return
	works steal --by thief && shares_add_up || return
	# rows, steal that has ended, and what is unexplained are one account
	works steal --json 1 3 || return
	json 'len(d) == 3 and all(v["unexplained_ns"] <= 0.01 * v["steal_ns"] + 2e6
			for r in d for v in r["vms"])' &&
		json 'all(abs(sum(t["preempt_ns"] + t["wakeup_ns"] for t in v["thieves"]) + v["unexplained_ns"] -
				v["steal_ns"]) < 0.05 * v["steal_ns"] + 5e7 for r in d for v in r["vms"])' &&
		json 'all(t["kind"] == "VM" or t["vm"] is None and t["name"] is None for r in d for v in r["vms"]
			for t in v["thieves"])' &&
		json '[v["thieves"][0]["comm"] for v in d[2]["vms"] if v["name"] == "a,b"] == ["hog\\x1b[31m\\\\"]' || return
	works steal --json --by vcpu && json 'all(c["thieves"] for v in d[0]["vms"] for c in v["vcpus"])'
}

case_thieves()
{
	with_hog thieves
}

causes()
{
	works steal --by cause && shares_add_up contention || return
	works steal --by cause a,b 1 2 || return
	awk '$3 == "contention" { all = $NF; sum = 0; n++; next }
		$3 == "own" && $4 == "CPU" { if (sum - all > 0.01 || all - sum > 0.01) bad = 1 }
		n { sum += $NF }
		END { exit !(n == 2 && all > 100 && !bad) }' "$tmp/out" || fail "not the sum: $(cat "$tmp/out")" || return
	works steal --by cause --json && json '[c["cause"] for c in d[0]["vms"][0]["causes"]] ==
			["contention", "limit", "idle"] and "thieves" not in d[0]["vms"][0]'
}

case_causes()
{
	with_hog causes
}

matrix()
{
	local width

	works steal --matrix 1 2 && [ "$(grep -c '^VICTIM ' "$tmp/out")" = 2 ] || fail "no matrix" || return
	# the twins by their ids, which the heading has too
	[ "$(grep -c "^${guests[2]}-" "$tmp/out")" = 2 ] && grep -q "^VICTIM .* ${guests[2]}-[0-9]* " "$tmp/out" ||
		fail "twins are not told apart: $(cat "$tmp/out")" || return
	# in the second report the hog's cell, alone in its row, is the darkest
	awk '$1 == "VICTIM" { n++ } n == 2 && $1 == "a,b"' "$tmp/out" | grep -q '█' &&
		! grep -q "$(printf '\033')" "$tmp/out" || fail "not shaded: $(cat "$tmp/out")" || return
	for width in 41 60 80; do
		COLUMNS=$width works steal --matrix && grep -q '…' "$tmp/out" &&
			python3 -c 'import sys; sys.exit(max(map(len, open(sys.argv[1], encoding="utf-8"))) - 1 > int(sys.argv[2]))' \
				"$tmp/out" "$width" ||
			fail "$width columns are not kept to: $(cat "$tmp/out")" || return
	done
	# on a terminal
	TERM=xterm script -qec "$reader steal --matrix" /dev/null >"$tmp/out" &&
		grep -q "$(printf '\033\[38;5;231;48;5;160m')" "$tmp/out" || fail "no colours" || return
	NO_COLOR=1 TERM=xterm script -qec "$reader steal --matrix" /dev/null >"$tmp/out" &&
		! grep -q "$(printf '\033')" "$tmp/out" && grep -q '█' "$tmp/out" || fail "NO_COLOR"
}

case_matrix()
{
	with_hog matrix
}

# the last case: the module is another one afterwards
case_no_attribution()
{
	local how

	rmmod kvmeter && insmod "$ko" attribution=0 || fail "cannot load" || return
	for how in "--by thief" "--by cause" --matrix; do
		# shellcheck disable=SC2086 # options
		works steal $how && [ "$(cat "$tmp/out")" = "steal is not attributed (module parameter attribution=0)" ] ||
			fail "$how: $(cat "$tmp/out")" || return
	done
	works steal --json && json 'all(v["unexplained_ns"] is None for v in d[0]["vms"])' &&
		works status && ! grep -q '^features:.*attribution' "$tmp/out" || fail "shown as on" || return
	works steal && works exits a,b 1 2 --json && json 'd[1]["vms"][0]["exits"] > 0'
}

check_host
echo "TAP version 13"
echo "1..15"
start_guests
run_case exits_add_up
run_case exits_by
run_case exits_keys
run_case exits_by_sub
run_case ledger
run_case all_metrics
run_case placement
run_case wakeups
run_case stat
run_case steal
run_case thieves
run_case causes
run_case matrix
run_case no_attribution
run_case documents
exit $((failed > 0))
