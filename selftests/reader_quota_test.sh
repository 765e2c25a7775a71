#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's command quota, on a stock QEMU whose guest writes 2048 pages round and round.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/reader.sh"
. "$dir/reader_dirty.sh"
. "$dir/reader_set.sh"

idle='dirty logging is not armed: until it is, the quota does nothing'

# quota_is EXPRESSION: of the one VM that "quota writer" shows in an interval, v, and its vCPU, c
quota_is()
{
	works quota writer 2 1 --json && json "(lambda v: (lambda c: $1)(v['vcpus'][0]))(d[0]['vms'][0])"
}

case_usage()
{
	is_bad_usage quota writer fast && is_bad_usage quota writer 200MB && is_bad_usage quota writer 200Mbit/s &&
		is_bad_usage quota writer 209715200 && is_bad_usage quota writer 0 && is_bad_usage quota writer 65535B &&
		is_bad_usage quota writer 4097T && is_bad_usage quota writer -- -1M && is_bad_usage quota writer 1M 1 &&
		is_bad_usage quota writer off 1 && is_bad_usage quota -g writer off 1 && is_bad_usage quota writer 1 0 &&
		is_bad_usage quota writer 1M --by vcpu && is_bad_usage quota writer 1 1 1 &&
		refuses 'no VM has the name' quota nobody && refuses 'no VM has the name' quota nobody 1M &&
		refuses 'no VM has the name' quota nobody off && refuses 'no VM has the name' quota 200M &&
		says 'no VM has a quota' quota 0.2 1
}

case_unprivileged()
{
	setpriv --reuid 65534 --clear-groups "$reader" quota writer 1M >"$tmp/out" 2>"$tmp/err"
	[ $? = 1 ] && [ ! -s "$tmp/out" ] && is_one_line 'must be run as root' || return
	says 'no VM has a quota' quota 0.2 1
}

# each error of the contract is a line of its own
case_errors()
{
	explains KVMETER_QUOTA quota writer 1M <<-EOF || return
		1 kvmeter must be run as root
		2 the VM $(id_of writer) is gone
		22 the module refuses this quota on writer
		95 no quota on writer: this kernel lacks what it takes
		25 no quota on writer: the module is too old to have quotas
		12 no quota on writer: Cannot allocate memory
	EOF
	says 'no VM has a quota' quota 0.2 1
}

# a quota is there, and does nothing as long as nothing is logged
case_not_armed()
{
	local id

	id=$(id_of writer)
	works status && grep -q '^features:.* quotas' "$tmp/out" || fail "no quotas: $(cat "$tmp/out")" || return
	works quota writer 0.2 1 && grep -Eq '^writer .* all not armed  *none  *-  *0\.0  *0$' "$tmp/out" ||
		fail "not none: $(cat "$tmp/out")" || return
	says "writer ($id): quota 8.0 MiB/s; $idle" quota writer 8M || return
	quota_is 'v["quota_pages"] == 2048 and v["quota_bytes_per_s"] == 2**23 and not v["in_effect"] and
		v["dirty_bytes_per_s"] is None and c["throttle_nr"] == 0 and c["throttle_ns"] == 0 and
		c["share_pages"] == 2048 and v["share_pages"] == 2048 and c["share_bytes_per_s"] == 2**23' || return
	works quota writer 0.3 1 && [ "$(wc -l <"$tmp/out")" = 4 ] && [ "$(tail -n 1 "$tmp/out")" = "  $idle" ] &&
		grep -Eq '^writer .* 0 not armed  *8\.000  *-  *0\.0  *0$' "$tmp/out" ||
		fail "no row: $(cat "$tmp/out")" || return
	works list --json && json '[v["quota_pages"] for v in d[0]["vms"] if v["name"] == "writer"] == [2048]'
}

# by all its names, over and over, up and down; the other VM has none
case_changes()
{
	local id

	id=$(id_of writer)
	says "writer ($id): quota 64.0 KiB/s; $idle" quota "$id" 64K/s &&
		says "writer ($id): quota 4096.0 TiB/s; $idle" quota "${guests[0]}" 4096T &&
		says "writer ($id): quota 1.5 GiB/s; $idle" quota -g writer 1.5GiB/s || return
	works quota 0.2 1 && ! grep -q '^other ' "$tmp/out" && [ "$(grep -c '^writer ' "$tmp/out")" = 2 ] ||
		fail "not writer alone: $(cat "$tmp/out")" || return
	works quota other 1M && works quota --json 0.2 1 &&
		json 'sorted((v["name"], v["quota_pages"]) for v in d[0]["vms"]) == [("other", 256), ("writer", 393216)]' &&
		works quota other off --json && json 'd[0]["vms"][0]["name"] == "other" and len(d[0]["vms"]) == 1 and
			d[0]["vms"][0]["quota_bytes_per_s"] is None and d[0]["vms"][0]["quota_pages"] == 0' || return
	works quota writer 8M --json && json 'd[0]["vms"][0]["quota_pages"] == 2048 and not d[0]["vms"][0]["in_effect"] and
		d[0]["vms"][0]["log_state"] == "not_armed" and "quotas" in d[0]["features"]'
}

# it dirties 16 MiB/s and more if it is let, and is held to 8
case_holds()
{
	works dirty start writer || return
	works quota writer off && quota_is 'c["throttle_nr"] == 0 and v["dirty_bytes_per_s"] > 14 * 2**20' || return
	says "writer ($(id_of writer)): quota 8.0 MiB/s" quota writer 8M && sleep 0.5 || return
	quota_is 'v["in_effect"] and 6 * 2**20 < v["dirty_bytes_per_s"] < 10 * 2**20 and
		c["dirty_bytes_per_s"] == v["dirty_bytes_per_s"]' &&
		json 'all(10 < c["throttle_pct"] < 99 and c["throttle_nr"] > 20 and
			abs(c["throttle_pct"] - c["throttle_ns"] * 100 / c["elapsed_ns"]) < 0.01
			for v in d[0]["vms"] for c in v["vcpus"])' || return
	works quota writer 0.5 3 && [ "$(grep -c '^NAME ' "$tmp/out")" = 3 ] && ! grep -q 'does nothing' "$tmp/out" &&
		[ "$(grep -Ec '^writer .* (all|0) driven  *8\.000  *[0-9.]+  *[0-9.]+  *[0-9]+$' "$tmp/out")" = 6 ] ||
		fail "not three tables: $(cat "$tmp/out")"
}

# the other views have it too
case_other_views()
{
	works ledger writer --json 0.5 2 && json 'd[1]["vms"][0]["throttle_pct"] > 10' || return
	works stat --json 0.3 2 && json 'all(v["share_pages"] == v["quota_pages"] for v in d[1]["vms"])' &&
		json 'all(c["throttle_nr"] > 0 for v in d[1]["vms"] if v["name"] == "writer" for c in v["vcpus"])' || return
	works list --by vcpu && grep -Eq '^writer .* (guest|kernel|vmm|halt|steal|throttle)$' "$tmp/out" || fail "no state"
}

case_off()
{
	says "writer ($(id_of writer)): no quota" quota writer off && says "writer ($(id_of writer)): no quota" quota writer off &&
		sleep 0.2 && quota_is 'c["throttle_nr"] == 0 and c["throttle_ns"] == 0 and not v["in_effect"] and
			v["quota_bytes_per_s"] is None and c["share_bytes_per_s"] is None and c["share_pages"] == 0 and
			v["dirty_bytes_per_s"] > 14 * 2**20' || return
	says 'no VM has a quota' quota 0.2 1 && works dirty stop writer
}

is_gone()
{
	! "$reader" list "$1" >/dev/null 2>&1
}

# the last case: a VM that is gone takes its quota with it, and who comes after it has none
case_gone()
{
	works quota writer 1M || return
	kill -KILL "${guests[0]}"
	wait "${guests[0]}" 2>/dev/null
	wait_until 10 is_gone writer && says 'no VM has a quota' quota 0.2 1 && start_writer writer && await_writer writer &&
		says 'no VM has a quota' quota 0.2 1
}

check_host
echo "TAP version 13"
echo "1..10"
start_two_writers || exit 1
run_case usage
run_case unprivileged
run_case errors
run_case not_armed
run_case changes
run_case holds
run_case other_views
run_case off
run_case gone
run_case documents
exit $((failed > 0))
