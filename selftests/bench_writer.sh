#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Measures, on a lab host, how much a guest that writes all it can is slowed down by what measures it; prints a
# JSON array. A stock QEMU guest, and for the dirty ring, which a VM has from the beginning or never, a second one.
#
# "A && B || die" is meant as it stands.
# shellcheck disable=SC2015

set -u
dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/qemu.sh"
mib=128 rounds=3 seconds=4            # QEMU samples no memory of less than 128 MiB
sets="1024 4096" pages_max=4096        # working sets, in pages

# calculate NAME MODE: QEMU's measurement, again and again for as long as a round lasts
calculate()
{
	local end=$((SECONDS + seconds))

	while [ "$SECONDS" -lt "$end" ]; do
		qmp "$1" calc-dirty-rate "{\"calc-time\": 1, \"mode\": \"$2\"}" || die "$2: $reply"
		sleep 1
		until qmp "$1" query-dirty-rate && [[ $reply == *'"measured"'* ]]; do
			sleep 0.02
		done
	done
}

# session NAME INTERVAL: a driven one
session()
{
	"$reader" dirty start "$1" --interval "$2" >"$tmp/session" 2>&1 || die "$(cat "$tmp/session")"
	echo count >&"${console_to[$1]}"
	hear "$1" 60 'kvmeter-writer:' || die "$answer"
	sleep $seconds
}

# measure NAME PAGES WAY: what it writes a second, one more line in $tmp/NAME-PAGES-WAY
measure()
{
	ask "$1" count 60 'kvmeter-writer:' || die "$answer"
	case $3 in
	none) sleep $seconds ;;
	session_*) session "$1" "${3#session_}" ;;
	*) calculate "$1" "${3//_/-}" ;;
	esac
	ask "$1" count 60 'kvmeter-writer:' || die "$answer"
	[[ $answer =~ \ ([0-9]+)\ pages\ in\ ([0-9]+)\ ns ]] || die "$answer"
	awk -v n="${BASH_REMATCH[1]}" -v ns="${BASH_REMATCH[2]}" 'BEGIN { print n / ns * 1e9 }' >>"$tmp/$1-$2-$3"
	[[ $3 != session_* ]] || "$reader" dirty stop "$1" >"$tmp/session" 2>&1 || die "$(cat "$tmp/session")"
}

# compare NAME WAY...: each in turn, several times, for each working set
compare()
{
	local name=$1 round way pages

	for pages in $sets; do
		ask "$name" "seq $pages 0" 60 'kvmeter-writer:' || die "$answer"
		sleep 2
		for ((round = 0; round < rounds; round++)); do
			for way in none "${@:2}"; do
				measure "$name" "$pages" "$way"
			done
		done
	done
}

# median NAME PAGES WAY
median()
{
	sort -g "$tmp/$1-$2-$3" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# share NAME PAGES WAY: of what it writes without
share()
{
	awk -v with="$(median "$@")" -v without="$(median "$1" "$2" none)" 'BEGIN { printf "%.3f", with / without }'
}

# print_set PAGES
print_set()
{
	printf '{"pages": %d, "pages_s": %.0f, "session": %s, "session_1s": %s, ' "$1" "$(median plain "$1" none)" \
		"$(share plain "$1" session_125ms)" "$(share plain "$1" session_1s)"
	printf '"page_sampling": %s, "dirty_bitmap": %s, "dirty_ring": %s}' "$(share plain "$1" page_sampling)" \
		"$(share plain "$1" dirty_bitmap)" "$(share ring "$1" dirty_ring)"
}

make_initrd "$dir/guest_writer" && insmod "$ko" && start_guest plain "$mib" "$pages_max" &&
	hear plain 120 'kvmeter-writer: ready' || die "no guest: $answer $reply"
compare plain session_125ms session_1s page_sampling dirty_bitmap
stop_vmm plain
accel=kvm,dirty-ring-size=4096 start_guest ring "$mib" "$pages_max" && hear ring 120 'kvmeter-writer: ready' ||
	die "no guest: $answer $reply"
compare ring dirty_ring
printf '['
separator=''
for pages in $sets; do
	printf '%s' "$separator"
	print_set "$pages"
	separator=', '
done
printf ']\n'
