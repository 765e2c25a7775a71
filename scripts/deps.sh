#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install, by package name, what this machine lacks to build kvmeter and to run its lab.
#
#   scripts/deps.sh [--check]
#
# For Debian 12 and 13, as root. With --check nothing is installed. Exit status 0 if everything is there,
# 1, and a line that names what is missing, if not.

. "$(dirname "$0")/lib.sh"

check=
case ${1:-} in
-h | --help) usage ;;
--check) check=1 ;;
"") ;;
*) usage 2 >&2 ;;
esac

list_missing()
{
	local package

	for package in $host_packages; do
		# shellcheck disable=SC2016 # dpkg-query's own variable
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

install_packages()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "$@"
}

id=$(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-}") 2>/dev/null || id=unknown
case $id in
"debian 12" | "debian 13") ;;
*) die "this machine is '$id': the lab needs Debian 12 or 13" ;;
esac
[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m): the lab needs x86_64"
mapfile -t missing < <(list_missing)
[ "${#missing[@]}" -gt 0 ] || exit 0
[ -z "$check" ] || die "missing packages: ${missing[*]}"
[ "$(id -u)" = 0 ] || die "missing packages, and only root can install them: ${missing[*]}"

say "installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists of packages may be missing, or older than what the mirror still has.
if ! install_packages "${missing[@]}" >"$log" 2>&1 </dev/null; then
	{ apt-get -q -o Acquire::Retries=5 update && install_packages "${missing[@]}"; } >>"$log" 2>&1 </dev/null || true
fi
mapfile -t missing < <(list_missing)
if [ "${#missing[@]}" -gt 0 ]; then
	tail -n 15 "$log" >&2
	die "missing packages that apt-get could not install: ${missing[*]}"
fi
