# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# TAP for the tests that are scripts: cases are functions case_NAME, called by run_case; sourced, never run.

number=0 failed=0 why=

# fail TEXT: note why the case fails; always false
fail()
{
	why=$*
	return 1
}

run_case()
{
	number=$((number + 1))
	why=
	echo "#  RUN           $1 ..."
	if "case_$1"; then
		echo "ok $number $1"
	else
		failed=$((failed + 1))
		echo "# ${why:-failed}"
		echo "not ok $number $1"
	fi
}
