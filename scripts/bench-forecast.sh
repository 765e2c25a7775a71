#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Forecast migrations of a stock QEMU guest, make them, and compare.
#
#   [KERNELS=6.1] scripts/bench-forecast.sh
#   scripts/bench-forecast.sh KERNEL LEG [CASE...]    its JSON objects to standard output; LEG is amd
#
# Two stock QEMUs on the emulated AMD host, a guest of 128 MiB that writes by a rule, 14 cases chosen beforehand
# (selftests/bench_forecast.sh); takes about twelve minutes. build/bench/forecast.json holds an array of
#   {"case", "writer", "pages", "rate_pages_s", "bandwidth_bytes_s", "downtime_limit_ms", "link_bytes_s",
#    "predicted": {...}, "predicted_p95": {...}, "predicted_with_bandwidth_got": {...}, "bandwidth_got_bytes_s",
#    "actual": {...}, "memory": {...}, "curve", "median",
#    "verdict_right", "time_error_pct", "bytes_error_pct", "time_error_with_bandwidth_got_pct"}
# where predicted and actual have converges, dirty_sync_count, bytes, time_ms and downtime_ms; bandwidth and downtime
# are QEMU's max-bandwidth and downtime-limit, the link is what the socket took, without a limit, in a migration
# before. An emulated host is late for QEMU's windows of 100 ms, so that less goes over than QEMU allows: "got".
# Errors are of the median; there is none where one of both does not converge.

. "$(dirname "$0")/lib.sh"

measure()
{
	local out

	out=$(mktemp)
	"$KVMETER_TOP/scripts/lab.sh" --kernel "$1" --leg "$2" --parallel --timeout 2400 -- \
		bash selftests/bench_forecast.sh "${@:3}" | tee "$out" | sed -u '/^{/d' >&2
	# One array element a line, with commas between them.
	sed -n '/^{/p' "$out" | sed '$!s/$/,/'
	rm -f "$out"
}

if [ $# -gt 2 ]; then
	measure "$@"
else
	run_bench forecast amd "$@"
fi
