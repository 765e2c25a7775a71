# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A terminal for the tests of screens: tmux, with a session called "top".
#
# Sourced, never run, after tap.sh; the script that does has a directory in $tmp, and ends tmux by "tm kill-server".
#
# shellcheck disable=SC2154

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
	local i

	for ((i = 0; i < tries; i++)); do
		if screen | grep -qFe "$1"; then
			return
		fi
		sleep 0.05
	done
	fail "not seen: '$1', but: $(screen)"
}

keys()
{
	tm send-keys -t top "$@"
}
