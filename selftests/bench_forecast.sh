#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Forecasts migrations of a stock QEMU guest on a lab host, then makes them: a JSON object a line for each, with what
# was predicted and what came. scripts/bench-forecast.sh says what is in it.
#
#   bench_forecast.sh [CASE...]     numbers of cases; all by default
#
# The guest writes by a rule; a driven session watches it for as long as a forecast needs, and ends before the
# migration begins. One that is not over in three times the time of its first round is taken not to converge.
#
# "A && B || die" is meant as it stands.
# shellcheck disable=SC2015

set -u
dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/qemu.sh"
mib=128 pages=8192 watch_s=20
from=a to=b

# What is written: seq or random, to so many pages, to so many of them a second (0: as many as can be); and the
# migration: MiB a second, ms of downtime. Chosen before any was tried.
cases=(
	"seq 2048 500 8 300"
	"seq 4096 1000 8 300"
	"random 4096 1000 8 300"
	"seq 2048 4000 12 1000"
	"seq 4096 4000 8 300"
	"random 8192 3000 8 300"
	"random 8192 1500 12 300"
	"seq 8192 1500 8 300"
	"seq 2048 3000 8 300"
	"seq 2048 3000 8 1500"
	"seq 1024 100 4 300"
	"random 4096 2000 16 100"
	"random 4096 0 8 300"
	"seq 1024 2000 12 500"
)

say_to_guest()
{
	ask "$from" "$1" 60 'kvmeter-writer:' || die "$answer"
}

# use_other: the guest has moved
use_other()
{
	stop_vmm "$from"
	[ "$from" = a ] && from=b to=a || from=a to=b
}

# watch_migration: until it is over or has had its time; what query-migrate says then is in $reply, and how
# long the first round took in $first_ms
watch_migration()
{
	local begin=${EPOCHREALTIME/./} wait_s=300 now

	first_ms=0
	while next_line "$from" "$wait_s" 'MIGRATION_PASS|"completed"|"failed"'; do
		now=$(((${EPOCHREALTIME/./} - begin) / 1000))
		[[ $reply == *MIGRATION_PASS* ]] || break
		if [ "$first_ms" = 0 ] && [[ $reply == *'"pass": 2'* ]]; then
			first_ms=$now
		fi
		if [ "$first_ms" != 0 ]; then
			[ "$now" -lt $((3 * first_ms)) ] || break
			wait_s=$(((3 * first_ms - now) / 1000 + 1))
		fi
	done
	query_migration "$from" || die "$reply"
}

# cancel_migration: it will not end
cancel_migration()
{
	qmp "$from" migrate_cancel && next_line "$from" 60 '"cancelled"' || die "$reply"
	stop_vmm "$to"
}

# find_link: what goes over the socket without a limit, in bytes a second, of a guest that does little
find_link()
{
	start_incoming "$to" "$mib" && start_migration "$from" "$to" 0 300 && finish_migration "$from" 120 || die "$reply"
	link=$(awk -v bytes="$(figure transferred)" -v ms="$(figure total-time)" -v setup="$(figure setup-time)" \
		'BEGIN { printf "%d", bytes / (ms - setup) * 1000 }')
	use_other
	echo "# the link: $link bytes/s"
}

# watch_guest: a session of its own, long enough; the VM's id is in $id
watch_guest()
{
	id=$("$reader" list --json "$from" | python3 -c 'import json, sys; print(json.load(sys.stdin)["vms"][0]["id"])')
	"$reader" dirty start "$id" --interval 125ms >"$tmp/session" 2>&1 || die "$(cat "$tmp/session")"
	sleep $watch_s
}

# forecast FILE BANDWIDTH DOWNTIME: what the reader says
forecast()
{
	"$reader" forecast "$id" --bandwidth "$2B/s" --downtime "$3ms" --link "${link}B/s" --json >"$tmp/$1" ||
		die "no forecast"
}

# bandwidth_got: what it came to, in bytes a second
bandwidth_got()
{
	awk -v bytes="$(figure transferred)" -v stopped="$(figure downtime-bytes)" -v ms="$(figure total-time)" \
		-v setup="$(figure setup-time)" -v downtime="$(figure downtime)" \
		'BEGIN { printf "%d", (bytes - stopped) / (ms - setup - downtime) * 1000 }'
}

# print_case NUMBER CASE: of what is in $tmp
print_case()
{
	python3 - "$tmp" "$link" "$first_ms" "$got" "$@" <<-'EOF'
		import json, sys
		tmp, link, first_ms, got, number, case = sys.argv[1:]
		pattern, pages, rate, mib, downtime = case.split()
		answer, afterwards = (json.load(open(tmp + name)) for name in ("/before", "/after"))
		actual = json.load(open(tmp + "/actual"))["return"]
		ram = actual["ram"]

		def predicted(answer, by):
		    f = answer["forecast"][by]
		    out = {"converges": f["converges"], "dirty_sync_count": f["dirty_sync_count"], "bytes": f["bytes"]}
		    for key in "time", "downtime":
		        ns = f[key + "_ns"]
		        out[key + "_ms"] = None if ns is None else round(ns / 1e6)
		    return out

		def error_pct(which, key):
		    guess, true = doc[which][key], doc["actual"][key]
		    return None if guess is None or not converged else round(100 * (guess - true) / true, 1)

		converged = actual["status"] == "completed"
		doc = {"case": int(number), "writer": pattern, "pages": int(pages), "rate_pages_s": int(rate),
		       "bandwidth_bytes_s": int(mib) << 20, "downtime_limit_ms": int(downtime), "link_bytes_s": int(link),
		       "predicted": predicted(answer, "median"), "predicted_p95": predicted(answer, "p95"),
		       "predicted_with_bandwidth_got": predicted(afterwards, "median"), "bandwidth_got_bytes_s": int(got),
		       "actual": {"converges": converged, "dirty_sync_count": ram["dirty-sync-count"],
		                  "bytes": ram["transferred"], "time_ms": actual["total-time"],
		                  "downtime_ms": actual.get("downtime"), "setup_ms": actual["setup-time"],
		                  "first_round_ms": int(first_ms), "normal_pages": ram["normal"], "zero_pages": ram["duplicate"]},
		       "memory": answer["memory"], "curve": answer.get("curve"), "median": answer.get("median")}
		doc["verdict_right"] = doc["predicted"]["converges"] == converged
		doc["time_error_pct"], doc["bytes_error_pct"] = error_pct("predicted", "time_ms"), error_pct("predicted", "bytes")
		doc["time_error_with_bandwidth_got_pct"] = error_pct("predicted_with_bandwidth_got", "time_ms")
		print(json.dumps(doc))
	EOF
}

# run_case NUMBER CASE
run_case()
{
	local writer working_set rate mib_s downtime id got

	read -r writer working_set rate mib_s downtime <<<"$2"
	start_incoming "$to" "$mib" || die "$reply"
	say_to_guest "$writer $working_set $rate"
	sleep 2
	watch_guest
	forecast before $((mib_s << 20)) "$downtime"
	"$reader" dirty stop "$id" >"$tmp/session" 2>&1 || die "$(cat "$tmp/session")"
	say_to_guest count
	echo "# case $1: $2: $answer"
	start_migration "$from" "$to" $((mib_s << 20)) "$downtime" || die "$reply"
	watch_migration
	printf '%s\n' "$reply" >"$tmp/actual"
	got=$(bandwidth_got)
	forecast after "$got" "$downtime"
	case $reply in
	*'"completed"'*) use_other ;;
	*'"active"'*) cancel_migration ;;
	*) die "$reply" ;;
	esac
	print_case "$1" "$2"
}

make_initrd "$dir/guest_writer" && insmod "$ko" && start_guest a "$mib" "$pages" &&
	hear a 120 'kvmeter-writer: ready' || die "no guest: $answer $reply"
say_to_guest "seq 1 1"
find_link
[ $# -gt 0 ] || set -- "${!cases[@]}"
for number; do
	run_case "$number" "${cases[number]}"
done
