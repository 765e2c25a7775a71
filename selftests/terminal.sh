# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# A terminal for the tests of screens: tmux, with a session called "top".
#
# Sourced, never run, by a script that has fail() and a directory in $tmp, and ends tmux by "tm kill-server".
#
# shellcheck disable=SC2154,SC3043 # set by that script; local is known to every shell here

# How often what is waited for is looked for, a twentieth of a second apart.
tries=${tries:-200}

tm()
{
	LC_ALL=C.UTF-8 tmux -u -S "$tmp/socket" -f /dev/null "$@"
}

screen()
{
	tm capture-pane -p -t top >"$tmp/screen"
	cat "$tmp/screen"
}

# seen TEXT: wait until that is on the screen
seen()
{
	local left="$tries"

	while [ "$left" -gt 0 ]; do
		if screen | grep -qFe "$1"; then
			return
		fi
		left=$((left - 1))
		sleep 0.05
	done
	fail "not seen: '$1', but: $(screen)"
}

keys()
{
	tm send-keys -t top "$@"
}
