#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's exporter as its clients see it: HTTP that is right, wrong and hostile, promtool, and a real Prometheus
# with the rules and the dashboard's expressions.
#
# What runs is the reader's own server on VMs of known names (export_show); it needs neither root nor the module.
#
#   reader_scrape_test.sh [CASE...]
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
tmp=$(mktemp -d) || exit 1
. "$dir/scrape.sh"
trap 'stop_all; rm -rf "$tmp"' EXIT

# of the server that all cases share, unless they start one of their own
case_formats() { asks formats "$port"; }
case_head() { asks head "$port"; }
case_refusals() { asks refusals "$port"; }
case_histograms() { asks histograms "$port"; }
case_many() { asks many "$port"; }
case_no_growth() { asks no_growth "$port"; }

# It has run beside the others.
case_idle()
{
	wait "$idle" || fail "$(cat "$tmp/idle")"
}

# A name with a quote, and a count that grows.
case_values()
{
	local text first

	text=$(python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import scrape; print(scrape.ask(sys.argv[2])[2])' \
		"$dir" "$port")
	grep -qxF 'kvmeter_vm_info{vm="102-9",name="a \"b\"",pid="102"} 1' <<<"$text" &&
		grep -qxF 'kvmeter_vms 3' <<<"$text" || fail "not these VMs: $(grep _info <<<"$text")" || return
	first=$(sed -n 's/^kvmeter_export_scrapes_total //p' <<<"$text")
	asks has_grown "$port" "$first"
}

# own FUNCTION: with an exporter of its own
own()
{
	local exporter='' port='' ret

	"$@"
	ret=$?
	[ -z "$exporter" ] || kill -KILL "$exporter" 2>/dev/null
	return "$ret"
}

# Who says no more than a port is heard by nobody else.
local_only()
{
	local hex

	start_exporter "$dir/export_show" :0 || return
	hex=$(printf '%04X' "$port")
	grep -q "^ *[0-9]*: 0100007F:$hex 00000000:0000 0A" /proc/net/tcp && ! grep -q ":$hex .* 0A " /proc/net/tcp6 ||
		fail "not on 127.0.0.1: $(grep " 0A " /proc/net/tcp)" || return
	kill -TERM "$exporter"
	ends_with 0
}

case_local_only() { own local_only; }

case_addresses()
{
	local where

	for where in 9435 127.0.0.1 127.0.0.1: ::1:9435 '[::1]' '[::1:9435' 127.0.0.1:65536 127.0.0.1:4294967297 \
		127.0.0.1:-1 '127.0.0.1: 80' localhost:9435 127.0.0.256:80 ''; do
		timeout 5 "$dir/export_show" "$where" >"$tmp/out" 2>"$tmp/err"
		[ $? = 64 ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -qF "'$where' is no ADDR:PORT" "$tmp/err" ||
			fail "'$where': $(cat "$tmp/err")" || return
	done
	timeout 5 "$dir/export_show" "127.0.0.1:$port" 2>"$tmp/err"
	[ $? = 1 ] && grep -q "cannot listen at 127.0.0.1:$port: Address already in use" "$tmp/err" ||
		fail "a port that is taken: $(cat "$tmp/err")"
}

# SIGINT ends it as well.
sigint()
{
	start_exporter "$dir/export_show" 127.0.0.1:0 || return
	kill -INT "$exporter"
	ends_with 0
}

case_sigint() { own sigint; }

# SIGTERM, also while somebody is connected who says nothing.
sigterm()
{
	start_exporter "$dir/export_show" 127.0.0.1:0 || return
	exec {silent}<>"/dev/tcp/127.0.0.1/$port"
	asks formats "$port" || return
	kill -TERM "$exporter"
	ends_with 0 || return
	exec {silent}>&-
	[ ! -s "$tmp/exporter.err" ] || fail "said: $(cat "$tmp/exporter.err")"
}

case_sigterm() { own sigterm; }

# The module is gone: told in a line, status 1.
module_gone()
{
	start_exporter "$dir/export_show" 127.0.0.1:0 error 3 || return
	asks formats "$port" && fail "answers without a module" && return
	ends_with 1 || return
	[ "$(cat "$tmp/exporter.err")" = 'export_show: the maps were detached by another process' ] ||
		fail "said: $(cat "$tmp/exporter.err")"
}

case_module_gone() { own module_gone; }

# The old file or the new one; of one that fails, or was killed, nothing stays.
case_textfile()
{
	local before

	mkdir "$tmp/files"
	echo old >"$tmp/files/a.prom"
	"$dir/export_show" "$tmp/files/a.prom" && grep -q '^kvmeter_vms 3$' "$tmp/files/a.prom" || fail "no file" || return
	[ "$(ls "$tmp/files")" = a.prom ] && [ "$(stat -c %a "$tmp/files/a.prom")" = 644 ] || fail "not as it should be" || return
	before=$(cksum "$tmp/files/a.prom")
	! "$dir/export_show" "$tmp/files/a.prom" error 1 2>/dev/null && [ "$(ls "$tmp/files")" = a.prom ] &&
		[ "$(cksum "$tmp/files/a.prom")" = "$before" ] || fail "left: $(ls "$tmp/files")" || return
	# the shell's pid is that of what it becomes
	# shellcheck disable=SC2016 # expanded by the inner shell
	bash -c 'ln -s /dev/null "$1.$$.tmp" && exec "$0" "$1"' "$dir/export_show" "$tmp/files/a.prom" ||
		fail "a file that was left behind is in the way" || return
	[ "$(ls "$tmp/files")" = a.prom ] && [ -f "$tmp/files/a.prom" ] || fail "left: $(ls "$tmp/files")"
}

case_options()
{
	local options

	for options in "--listen :1 --textfile a" "--listen :1 --openmetrics" "--textfile a --openmetrics" "--max-vms 0" \
		"--listen :1 5" "--textfile a x"; do
		# shellcheck disable=SC2086 # options
		"$reader" export $options >"$tmp/out" 2>"$tmp/err"
		[ $? = 64 ] && [ -s "$tmp/err" ] && [ ! -s "$tmp/out" ] || fail "$options is taken" || return
	done
}

case_promtool_metrics()
{
	"$dir/export_show" "$tmp/metrics.prom" && promtool check metrics <"$tmp/metrics.prom" >"$tmp/out" 2>&1 &&
		[ ! -s "$tmp/out" ] || fail "$(cat "$tmp/out")"
}

case_promtool_rules()
{
	promtool check rules "$scripts/prometheus-rules.yml" >"$tmp/out" 2>&1 &&
		promtool test rules "$scripts/prometheus-rules-test.yml" >>"$tmp/out" 2>&1 || fail "$(cat "$tmp/out")"
}

case_dashboard()
{
	asks dashboard "$scripts/grafana-dashboard.json"
}

case_names_exist()
{
	asks names_exist "$port" "$scripts/grafana-dashboard.json" "$scripts/prometheus-rules.yml"
}

case_prometheus()
{
	start_prometheus 1 && asks scraped "$api" 4 && asks target "$api" || return
	asks has "$api" 'kvmeter_vm_info{vm="101-9", name="db,1"} == 1' &&
		asks has "$api" 'rate(kvmeter_vm_exits_total{vm="100-9", reason!=""}[1m]) > 0' 5 &&
		asks has "$api" 'sum by (vm) (rate(kvmeter_vm_time_seconds_total[1m])) > 0' 3 &&
		asks has "$api" 'histogram_quantile(0.99, rate(kvmeter_vm_exit_handling_seconds_bucket[1m])) > 0' 3
}

# A negative twin: what is no rule, and no expression, is found to be none.
case_prometheus_rules()
{
	asks rules "$api" && asks expressions "$api" "$scripts/grafana-dashboard.json" || return
	! asks has "$api" 'rate(kvmeter_vms' || fail "takes any expression" || return
	why=
	! grep -iE 'level=(warn|error)' "$tmp/prometheus.log" >"$tmp/out" || fail "Prometheus says: $(cat "$tmp/out")"
}

# It writes to /run, which cannot be written to where this is built.
analyze()
{
	if [ "$(id -u)" = 0 ]; then
		# shellcheck disable=SC2016 # expanded by the inner shell
		unshare -m sh -c 'mount -t tmpfs tmpfs /run && exec systemd-analyze "$@"' analyze "$@"
	else
		systemd-analyze "$@"
	fi
}

# What systemd says of the unit, with the reader of this tree: nothing, and that little is left to it.
case_unit()
{
	mkdir "$tmp/unit"
	sed "s:/usr/local/sbin/kvmeter:$(realpath "$reader"):" "$scripts/kvmeter-exporter.service" \
		>"$tmp/unit/kvmeter-exporter.service"
	analyze verify --man=no --recursive-errors=no "$tmp/unit/kvmeter-exporter.service" >"$tmp/out" 2>&1 &&
		[ ! -s "$tmp/out" ] || fail "verify: $(cat "$tmp/out")" || return
	analyze security --offline=yes --threshold=30 "$tmp/unit/kvmeter-exporter.service" >"$tmp/out" 2>&1 ||
		fail "security: $(cat "$tmp/out")"
}

# The unit's own command, with what the environment file says, is one that the reader takes.
case_environment_file()
{
	local KVMETER_LISTEN KVMETER_OPTIONS=

	# shellcheck source=/dev/null
	. "$scripts/kvmeter-exporter.default"
	grep -qx "Environment=KVMETER_LISTEN=$KVMETER_LISTEN KVMETER_OPTIONS=$KVMETER_OPTIONS" \
		"$scripts/kvmeter-exporter.service" || fail "the unit has other defaults" || return
	# shellcheck disable=SC2086 # options
	"$reader" export --listen "$KVMETER_LISTEN" $KVMETER_OPTIONS --no-such-option >"$tmp/out" 2>"$tmp/err"
	grep -q "unrecognized option '--no-such-option'" "$tmp/err" && [ "$(wc -l <"$tmp/err")" -le 2 ] ||
		fail "not taken: $(cat "$tmp/err")" || return
	[ "${KVMETER_LISTEN%:*}" = 127.0.0.1 ] || fail "not of this host only"
}

cases=(formats head refusals histograms many no_growth values local_only addresses sigint sigterm module_gone textfile
	options dashboard names_exist environment_file idle)
with_prometheus=(unit promtool_metrics promtool_rules prometheus prometheus_rules)
echo "TAP version 13"
if [ $# -gt 0 ]; then
	cases=("$@") with_prometheus=()
fi
echo "1..$((${#cases[@]} + ${#with_prometheus[@]}))"
start_exporter "$dir/export_show" 127.0.0.1:0 || { echo "Bail out! $why"; exit 1; }
python3 "$dir/scrape.py" idle "$port" >"$tmp/idle" 2>&1 &
idle=$!
for name in "${cases[@]}"; do
	run_case "$name"
done
for name in "${with_prometheus[@]}"; do
	if command -v prometheus >/dev/null && command -v systemd-analyze >/dev/null; then
		run_case "$name"
	else
		skip_case "$name" "needs prometheus, promtool and systemd-analyze"
	fi
done
exit $((failed > 0))
