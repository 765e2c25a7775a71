# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# TAP for the tests that are scripts: cases are functions case_NAME, or commands, called by run_case; sourced, never run.

number=0 failed=0 why=

# fail TEXT: note why the case fails; always false
fail()
{
	why=$*
	return 1
}

tap_command()
{
	shift
	"$@"
}

# skip_case NAME TEXT: one that cannot be run here, and why
skip_case()
{
	number=$((number + 1))
	echo "#  RUN           $1 ..."
	echo "ok $number $1 # SKIP $2"
}

# skip_all TEXT: end here, as nothing can be run, and why
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

# run_case NAME [COMMAND...]
run_case()
{
	number=$((number + 1))
	why=
	echo "#  RUN           $1 ..."
	[ $# -gt 1 ] || set -- "$1" "case_$1"
	if tap_command "$@"; then
		echo "ok $number $1"
	else
		failed=$((failed + 1))
		echo "# ${why:-failed}"
		echo "not ok $number $1"
	fi
}
