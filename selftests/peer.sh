# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What the benchmarks share: a directory $tmp, and one peer at a time in the background; sourced, never run.

tmp=$(mktemp -d)
peer=''
trap '[ -z "$peer" ] || kill $peer; rm -rf "$tmp"' EXIT

fail()
{
	echo "${0##*/}: $*" >&2
	cat "$tmp/peer.out" >&2
	exit 1
}

# start_peer COMMAND...: in the background, its output to $tmp/peer.out.
start_peer()
{
	: >"$tmp/peer.out" # now, not once it runs: what another one said is not to be taken for its own
	"$@" >"$tmp/peer.out" 2>&1 &
	peer=$!
}

stop_peer()
{
	kill -INT "$peer"
	wait "$peer" || true
	peer=''
}

# wait_for TEXT FILE: until the peer has come as far as that, and a moment more.
wait_for()
{
	tries=300
	until grep -q "$1" "$2" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "no $1 in $2"
		sleep 1
	done
	sleep 1
}

# wait_idle: until the peer has had nothing to do for a second; perf goes through all symbols before it begins.
wait_idle()
{
	tries=300 now=''
	until [ -n "$now" ] && [ "$now" = "$before" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "the peer is never idle"
		before=$now
		sleep 1
		now=$(cut -d ' ' -f 14,15 "/proc/$peer/stat")
	done
}
