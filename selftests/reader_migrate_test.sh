#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's commands migrate, autoconverge and log, on a stock QEMU whose guest writes 2048 pages round and round. It
# is migrated to a peer that reads and throws away, more slowly than the guest writes.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"
. "$dir/reader_dirty.sh"
. "$dir/reader_set.sh"

# bytes a second of the link
link=8388608

# shows PATTERN: a line of what the reader printed matches
shows()
{
	grep -Eq -- "$1" "$tmp/out" || fail "no line with '$1': $(cat "$tmp/out")"
}

# migration_is EXPRESSION: of the migration of the one VM that "migrate writer" shows, m, and of all of the VM, v
migration_is()
{
	works migrate writer 0.5 1 --json && json "(lambda v: (lambda m: $1)(v['migration']))(d[0]['vms'][0])"
}

# migration_becomes EXPRESSION: now, or within a while
migration_becomes()
{
	wait_until 60 migration_is "$1"
}

is_status()
{
	qmp writer query-migrate >"$tmp/status" && grep -q "\"status\": \"$1\"" "$tmp/status"
}

migrate()
{
	qmp writer migrate-set-parameters "{\"max-bandwidth\": $link}" >/dev/null &&
		qmp writer migrate '{"uri": "exec:cat >/dev/null"}' >/dev/null || fail "cannot migrate"
}

cancel()
{
	qmp writer migrate_cancel >/dev/null && wait_until 10 is_status cancelled &&
		migration_becomes 'm["state"] == "ended" and v["quota_pages"] == 0'
}

case_usage()
{
	is_bad_usage autoconverge writer fast && is_bad_usage autoconverge writer on on &&
		is_bad_usage autoconverge writer on --goal fast && is_bad_usage autoconverge writer --goal bytes &&
		is_bad_usage autoconverge writer on --deadline 60 && is_bad_usage autoconverge writer on --deadline 169h &&
		is_bad_usage autoconverge writer on --deadline 9s --goal gentle && is_bad_usage migrate writer x &&
		is_bad_usage migrate writer 1 0 && is_bad_usage log writer 1 && is_bad_usage log --goal bytes &&
		refuses 'no VM has the name' migrate nobody && refuses 'no VM has the name' autoconverge nobody on &&
		refuses 'no VM has the name' autoconverge nobody && refuses 'no VM has the name' log nobody
}

case_unprivileged()
{
	local command

	for command in "autoconverge writer on" log "migrate writer"; do
		# shellcheck disable=SC2086 # a command line
		setpriv --reuid 65534 --clear-groups "$reader" $command >"$tmp/out" 2>"$tmp/err"
		[ $? = 1 ] && [ ! -s "$tmp/out" ] && is_one_line 'must be run as root' || return
	done
}

# each error of the contract is a line of its own
case_errors()
{
	explains KVMETER_AUTOCONVERGE autoconverge writer on <<-EOF
		1 kvmeter must be run as root
		2 the VM $(id_of writer) is gone
		22 the module refuses this mode, goal or time for writer
		95 no autopilot for writer: this kernel lacks what it takes
		25 no autopilot for writer: the module is too old to have one
		12 no autopilot for writer: Cannot allocate memory
	EOF
}

# what is set is in force, for that VM alone; nothing was said of the other, which follows the parameter
case_switch()
{
	local parameter=/sys/module/kvmeter/parameters/autoconverge id

	id=$(id_of writer)
	[ "$(cat "$parameter")" = observe ] || fail "the default is $(cat "$parameter")" || return
	works autoconverge && shows '^writer  *[0-9-]+  *observe  *gentle  *-  *300  *none ' &&
		shows '^other  *[0-9-]+  *observe  *gentle ' || return
	says "writer ($id): autoconverge on, goal gentle, downtime 300 ms" autoconverge writer on &&
		says "writer ($id): autoconverge on, goal bytes, downtime 50 ms" \
			autoconverge "$id" on --goal bytes --downtime 50ms --bandwidth 10G &&
		says "writer ($id): autoconverge observe, done within 60 s, downtime 300 ms" \
			autoconverge -g writer observe --deadline 60s || return
	works autoconverge writer && shows '^writer  *[0-9-]+  *observe  *deadline  *60  *300  *none ' &&
		[ "$(wc -l <"$tmp/out")" = 2 ] || fail "not writer alone" || return
	works autoconverge --json && json '{v["name"]: (v["mode"], v["goal"], v["deadline_ns"], v["downtime_ns"])
		for v in d[0]["vms"]} == {"writer": ("observe", "deadline", 60 * 10**9, 3 * 10**8),
			"other": ("observe", "gentle", None, 3 * 10**8)}' || return
	echo off >"$parameter" && works autoconverge --json &&
		json '{v["name"]: v["mode"] for v in d[0]["vms"]} == {"writer": "observe", "other": "off"}' &&
		works autoconverge writer default --json && json 'd[0]["vms"][0]["mode"] == "off" and len(d[0]["vms"]) == 1' &&
		echo observe >"$parameter" && works autoconverge --json && json 'all(v["mode"] == "observe" for v in d[0]["vms"])'
}

case_none()
{
	says 'no VM is being migrated' migrate 0.2 1 && works migrate writer 0.2 1 &&
		shows '^writer \([0-9-]+\): no migration yet$' && shows '^  autopilot: observe, goal gentle: no quota$' &&
		migration_is 'm["state"] == "none" and m["rounds"] == [] and m["live"] is None and m["forecast"] is None and
			len(v["vcpus"]) == 1 and v["vcpus"][0]["throttle_nr"] == 0' || return
	works list writer && shows ' -$' && works list writer --json && json 'd[0]["vms"][0]["migration"] == "none"'
}

# without the autopilot it does not end: rounds are what QEMU does
case_off()
{
	works autoconverge writer off && migrate && migration_becomes 'm["nr_rounds"] >= 4' || return
	works migrate writer 0.5 4 --json && json 'all(v["migration"]["state"] == "running" and v["migration"]["mode"] == "off" and
			v["migration"]["why"] == "switched_off" and v["quota_pages"] == 0 and
			v["vcpus"][0]["throttle_nr"] == 0 for r in d for v in r["vms"])' &&
		json 'all(m["rounds"][0]["to_send_pages"] == m["ram_pages"] == 16384 and
			[r["round"] for r in m["rounds"]] == list(range(1, m["nr_rounds"] + 1)) and
			m["rounds"][-1]["duration_ns"] is None and
			all(a["begin_ns"] + a["duration_ns"] == b["begin_ns"] and b["to_send_pages"] == a["dirtied_pages"]
				for a, b in zip(m["rounds"], m["rounds"][1:])) and
			m["sent_pages"] == sum(r["to_send_pages"] for r in m["rounds"][:-1]) and
			m["live"]["sync_nr"] == m["nr_rounds"] for r in d for v in r["vms"] for m in [v["migration"]])' || return
	# all that the guest writes to is dirtied in each, a page once, or twice where the host maps it anew meanwhile. It is
	# sent once, and no faster than the link, as a rule; what QEMU sends in 300 ms it leaves for the next round
	json 'all(2048 <= r["to_send_pages"] <= 2 * 2048 for r in d[-1]["vms"][0]["migration"]["rounds"][1:-1])' &&
		json '(lambda l: l[len(l) // 2] < 1.1 * '$((link / 4096))')(sorted(
			(2048 - 0.3 * '$((link / 4096))') / (r["duration_ns"] / 1e9)
			for r in d[-1]["vms"][0]["migration"]["rounds"][1:-1]))' &&
		json 'd[-1]["vms"][0]["vcpus"][0]["last_round_pages"] >= 2000 and
			not d[-1]["vms"][0]["migration"]["forecast"]["converges"]' || return
	LC_ALL=C works migrate writer 0.5 1 && shows '^writer .*: on its way for [0-9.]+ s, round [0-9]+$' &&
		shows '^  round [0-9]+: \[#*\.*\] [0-9]+ %, about .* of .* left$' && shows '^  dirtied in it so far: ' &&
		shows '^  forecast: does not end: stalls with ' && shows '^  why: it is switched off$' &&
		shows '^  throttled: nothing: there is no quota$' && shows '^ *1 +64\.0 ' &&
		[ "$(wc -L <"$tmp/out")" -le 80 ] || fail "too wide: $(cat "$tmp/out")" || return
	works migrate 0.5 1 && shows '^writer  *[0-9-]+ +[0-9]+ +[0-9.]+ no +0\.0 +none switched_off$' &&
		[ "$(wc -l <"$tmp/out")" = 2 ] || fail "not writer alone: $(cat "$tmp/out")" || return
	works list writer && shows ' bitmap round [0-9]+$' && is_status active
}

# in the same migration: what it would do, and nothing done
case_observe()
{
	works autoconverge writer observe && migration_becomes 'm["why"] == "hold"' || return
	migration_is 'm["would_pages"] > 0 and m["autopilot_pages"] == 0 and v["quota_pages"] == 0 and
			v["vcpus"][0]["throttle_nr"] == 0 and not m["forecast"]["converges"] and
			m["forecast_would"]["converges"]' || return
	works migrate writer 0.5 1 && shows '^  autopilot: observe, goal gentle: no quota, would set [0-9.]+ [KM]iB/s$' &&
		shows '^  with that quota: ends in ' && is_status active || return
	works log writer && shows 'writer \([0-9-]+\): would set a quota of .*: it would not converge: held to a share' || return
	cancel && works migrate writer 0.2 1 && shows '^writer .*: ended after ' &&
		shows '^  why: logging was switched off: done, cancelled or failed$' && works list writer && shows ' ended$' ||
		return
	says 'no VM is being migrated' migrate 0.2 1
}

# with it on, what did not end does: so soon that only the rounds tell of the quota. QEMU leaves the memory of a VM that
# it has stopped logged: until that goes on
case_on()
{
	works autoconverge writer on && migrate && wait_until 60 is_status completed || return
	migration_becomes 'm["why"] == "stopped" and m["autopilot_pages"] == 0 and v["quota_pages"] == 0 and
		any(r["quota_pages"] for r in m["rounds"]) and m["rounds"][0]["quota_pages"] == 0 and
		m["mode"] == "on" and m["forecast"] is None' || return
	qmp writer cont >/dev/null && migration_becomes 'm["state"] == "ended" and m["why"] == "ended" and
		v["quota_pages"] == 0'
}

# what was set and done is there, in its order
case_log()
{
	local id

	id=$(id_of writer)
	works log --json && json '[r["nr"] for r in d] == list(range(d[0]["nr"], d[0]["nr"] + len(d))) and d[0]["nr"] == 1' &&
		json 'all(r["lost_before"] == 0 and r["abi"] == 5 for r in d)' &&
		json 'all(abs(r["real_ns"] / 1e9 - '"$(date +%s)"') < 900 for r in d)' &&
		json '{r["kind"] for r in d} >= {"round", "decision", "switch", "end"}' || return
	json '[r["mode"] for r in d if r["kind"] == "switch"] == ["on", "on", "observe", "default", "off", "observe", "on"]' &&
		json '[r["goal"] for r in d if r["kind"] == "switch"][:3] == ["gentle", "bytes", "deadline"]' &&
		json 'sum(r["kind"] == "end" for r in d) == 2 and all(r["id"] == "'"$id"'" for r in d if r["kind"] == "end")' &&
		json 'all(r["quota_pages"] == 0 for r in d if r["kind"] == "end")' &&
		json 'any(r["kind"] == "decision" and r["quota_pages"] > 0 and r["mode"] == "on" for r in d)' &&
		json '[r["round"] for r in d if r["kind"] == "round"][:4] == [1, 2, 3, 4]' || return
	works log && shows '^20[0-9-]+T[0-9:]+\.[0-9]{3}[+-][0-9]{2}:[0-9]{2} writer \([0-9-]+\): round 1 begins: 64\.0 MiB to send' &&
		shows ': kvmeter autoconverge: observe, done within 60 s$' && shows ': quota .*, was none: ' &&
		shows ': migration over in round [0-9]+: logging was switched off: ' || return
	# by all its names, and of no other
	works log "$id" && cp "$tmp/out" "$tmp/by_id" && works log "${guests[0]}" && cmp -s "$tmp/out" "$tmp/by_id" &&
		works log writer && cmp -s "$tmp/out" "$tmp/by_id" || fail "not the same by name, pid and id" || return
	works quota other 1M && works quota other off && works log other --json &&
		json 'len(d) == 2 and all(r["kind"] == "quota" and r["name"] == "other" for r in d)' &&
		works log other && shows ' other .*: kvmeter quota: 1\.0 MiB/s, was none$' && shows ': none, was 1\.0 MiB/s$'
}

# set_quotas NAME COUNT: that many quotas, without the reader
set_quotas()
{
	"$reader" list "$1" --json >"$tmp/vm" && python3 - "$tmp/vm" "$2" <<-'EOF2'
		import fcntl, json, os, struct, sys
		d = json.load(open(sys.argv[1]))
		vm = d["vms"][0]
		dev = os.open("/dev/kvmeter", os.O_RDWR)
		def request(i):
		    return struct.pack("=IIIIQQQQ", d["abi"], 0, vm["slot"], vm["gen"], i % 2 << 20, 0, 0, 0)
		for arg in map(request, range(int(sys.argv[2]))):
		    fcntl.ioctl(dev, 1 << 30 | len(arg) << 16 | 0xb7 << 8 | 6, arg)
	EOF2
}

has_lines()
{
	[ "$(wc -l <"$tmp/followed")" -ge "$1" ]
}

# follow ARGUMENT...: in the background, its process in $follower
follow()
{
	: >"$tmp/followed"
	"$reader" log -f "$@" >"$tmp/followed" 2>"$tmp/followed.err" &
	follower=$!
	guests+=("$follower")
}

# end_follower SIGNAL: it ends by it, as if nothing was
end_follower()
{
	kill "-$1" "$follower" && wait "$follower" && [ ! -s "$tmp/followed.err" ] ||
		fail "it did not end well: $(cat "$tmp/followed.err")"
}

# -f shows what comes, and what it was too slow for is told
case_follow()
{
	local lines

	works log --json other && lines=$(wc -l <"$tmp/out") && follow --json other && wait_until 10 has_lines "$lines" &&
		works quota other 2M && wait_until 10 has_lines $((lines + 1)) && kill -STOP "$follower" || return
	set_quotas other 1501 && kill -CONT "$follower" && wait_until 20 has_lines $((lines + 1 + 1024)) || return
	end_follower INT && cp "$tmp/followed" "$tmp/out" &&
		json 'all(b["nr"] - a["nr"] - 1 == b["lost_before"] for a, b in zip(d[-1025:], d[-1024:])) and
			sum(r["lost_before"] for r in d[-1024:]) == 1501 - 1024 and d[-1]["nr"] - d[-1025]["nr"] == 1501' || return
	works log && [ "$(wc -l <"$tmp/out")" = 1025 ] && head -n 1 "$tmp/out" | grep -Eq '^[0-9]+ records lost$' ||
		fail "no loss is told: $(head -n 2 "$tmp/out")" || return
	follow && wait_until 10 has_lines 1025 && end_follower TERM
}

# it ends when nobody reads any more, also if nothing comes
case_nobody_reads()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	timeout 20 bash -c '"$1" log -f | head -n 1 >/dev/null' nobody_reads "$reader" || fail "it goes on"
}

# the last case: of a VM that is gone the log goes on telling, by its pid and its id
case_gone()
{
	local id

	id=$(id_of other)
	kill -KILL "${guests[1]}"
	wait "${guests[1]}" 2>/dev/null
	wait_until 10 refuses 'no VM has the name' autoconverge other || return
	works log "$id" && shows "^20.* $id: kvmeter quota: " && works log "${guests[1]}" && shows " $id: " &&
		refuses 'no VM has the name' log other
}

check_host
echo "TAP version 13"
echo "1..13"
start_two_writers || exit 1
run_case usage
run_case unprivileged
run_case errors
run_case switch
run_case none
run_case off
run_case observe
run_case on
run_case log
run_case follow
run_case nobody_reads
run_case gone
run_case documents
exit $((failed > 0))
