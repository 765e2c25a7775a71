# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the exporter share: starting it and Prometheus, and asking both.
#
# Sourced, never run; the script that does has set $dir and $tmp, and calls stop_all at its end.
#
# "A && B || fail" is meant as it stands: fail is false.
# shellcheck disable=SC2015,SC2154

scripts=$dir/../scripts
exporter='' prometheus='' port='' api=''

# asks FUNCTION [ARGUMENT...]: of scrape.py
asks()
{
	local said

	said=$(python3 "$dir/scrape.py" "$@" 2>&1) || fail "$1: $(tail -n 1 <<<"$said" | cut -c 1-2000)"
}

# start_exporter COMMAND...: one that is told to listen at port 0, and says at which it does; sets $exporter and $port
start_exporter()
{
	local i

	# The new process empties it only once it runs, and until then ignores SIGINT.
	: >"$tmp/port"
	"$@" >"$tmp/port" 2>"$tmp/exporter.err" &
	exporter=$!
	for ((i = 0; i < 600; i++)); do
		port=$(sed -n 's/^listening at port //p' "$tmp/port")
		[ -z "$port" ] || return 0
		kill -0 "$exporter" 2>/dev/null || break
		sleep 0.1
	done
	fail "does not listen: $(cat "$tmp/exporter.err")"
}

# ends_with STATUS: the exporter, soon
ends_with()
{
	local i got

	for ((i = 0; i < 100; i++)); do
		kill -0 "$exporter" 2>/dev/null || break
		sleep 0.05
	done
	! kill -KILL "$exporter" 2>/dev/null || fail "it goes on" || return
	wait "$exporter"
	got=$?
	exporter=
	[ "$got" = "$1" ] || fail "gave $got, not $1: $(cat "$tmp/exporter.err")"
}

# start_prometheus SECONDS: one that asks the exporter that often and has the rules; sets $prometheus and $api
start_prometheus()
{
	local each=${1}s

	api=$(python3 "$dir/scrape.py" free_port)
	cat >"$tmp/prometheus.yml" <<-END
		global: {scrape_interval: $each, scrape_timeout: $each, evaluation_interval: $each}
		rule_files: ['$(realpath "$scripts")/prometheus-rules.yml']
		scrape_configs: [{job_name: kvmeter, static_configs: [{targets: ['127.0.0.1:$port']}]}]
	END
	GOMAXPROCS=1 prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
		--web.listen-address="127.0.0.1:$api" --log.level=warn >"$tmp/prometheus.log" 2>&1 &
	prometheus=$!
}

stop_all()
{
	local pid

	for pid in $exporter $prometheus; do
		kill -KILL "$pid"
		wait "$pid"
	done
	exporter='' prometheus=''
} 2>/dev/null
