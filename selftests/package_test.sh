#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The Debian packages on a Debian host: installed, built by DKMS for its kernel, used, and removed without a trace.
#
#   KVMETER_DEBS=DIR      where they are; default ../build/deb, as scripts/deb.sh leaves them
#   KVMETER_BUILT=KO      a module that was built from the same source for this kernel elsewhere: DKMS is given that in
#                         place of one that it compiles here, which takes an emulator many minutes
#
# For the amd leg, whose host is a whole Debian.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
debs=${KVMETER_DEBS:-$dir/../build/deb}
release=$(uname -r)
tmp=$(mktemp -d) || exit 1
# a name that would be executed where names are expanded
evil="\$(touch $tmp/executed)"
guests=()
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

cleanup()
{
	[ ${#guests[@]} = 0 ] || kill -KILL "${guests[@]}"
	wait
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# list_files: what is in each directory that the packages, DKMS or the kernel's modules have files in, but for what is the
# kernel's index of modules; and the packages that are there. To look at all of the file system takes an emulator too long.
list_files()
{
	local path

	{
		for path in "$debs"/*.deb; do
			dpkg-deb --fsys-tarfile "$path" | tar -t | sed -n 's|^\.\(/.*\)/$|\1|p'
		done
		find /var/lib/dkms "/lib/modules/$release" -maxdepth 1 -type d
		printf '%s\n' / /boot /etc /etc/modprobe.d /etc/modules-load.d /etc/depmod.d /etc/default /usr/lib /usr/bin /var/lib \
			"/lib/modules/$release/updates/dkms"
	} | sort -u | while read -r path; do
		find "$path" -maxdepth 1 2>/dev/null
	done | grep -v -e "/lib/modules/$release/modules\." -e '^/var/lib/dkms/mok\.' -e '^/etc/ld.so.cache' | sort -u
	dpkg-query -W -f '${Package} ${Status}\n'
}

start_guest()
{
	: >"$tmp/guest" # that of another one says "running", too
	"$dir/busy_load" 0 -name "$1" >"$tmp/guest" &
	guests+=($!)
	until grep -q running "$tmp/guest"; do
		kill -0 $! || return
		sleep 0.1
	done
}

# The roots of the lab leave manual pages and the like out.
install_packages()
{
	dpkg -i --path-include='/usr/share/man/*' --path-include='/usr/share/doc/*' "$debs"/kvmeter_*_amd64.deb \
		"$debs"/kvmeter-dkms_*_all.deb >"$tmp/out" 2>&1
}

# use_stand_in: from now on "make" gives DKMS the module that there is
use_stand_in()
{
	mkdir "$tmp/bin"
	cat >"$tmp/bin/make" <<-END
		#!/bin/sh
		for word; do
		    case \$word in
		    M=*) cp "$KVMETER_BUILT" "\${word#M=}/kvmeter.ko" || exit ;;
		    esac
		done
	END
	chmod +x "$tmp/bin/make"
	PATH=$tmp/bin:$PATH
}

case_installs()
{
	local begun=$SECONDS

	list_files >"$tmp/before"
	[ -z "${KVMETER_BUILT:-}" ] || use_stand_in
	install_packages || fail "$(tail -n 20 "$tmp/out")" || return
	echo "# $((SECONDS - begun)) s"
	[ "$(dpkg-query -W -f '${Version} ${db:Status-Abbrev},' kvmeter kvmeter-dkms)" = "$version ii ,$version ii ," ] ||
		fail "$(dpkg -l 'kvmeter*')" || return
	dkms status kvmeter >"$tmp/out" 2>&1 && grep -q "^kvmeter/$version, $release, x86_64: installed" "$tmp/out" ||
		fail "$(cat "$tmp/out")"
}

case_loads_by_name()
{
	modprobe kvmeter && [ -e /dev/kvmeter ] || fail "not loaded" || return
	[ "$(modinfo -F version kvmeter)" = "$version" ] && [ "$(cat /sys/module/kvmeter/version)" = "$version" ] ||
		fail "another version" || return
	case $(modinfo -F filename kvmeter) in
	*/updates/dkms/kvmeter.ko*) ;;
	*) fail "loaded from $(modinfo -F filename kvmeter)" ;;
	esac
}

case_reader()
{
	[ "$(command -v kvmeter)" = /usr/sbin/kvmeter ] && kvmeter --version | grep -q "^kvmeter $version," || fail "version" ||
		return
	kvmeter list >"$tmp/out" && grep -q '^packaged ' "$tmp/out" && [ "$(wc -l <"$tmp/out")" = 3 ] ||
		fail "$(cat "$tmp/out")" || return
	kvmeter stat packaged 1 1 >"$tmp/out" && kvmeter ledger packaged >>"$tmp/out" &&
		[ "$(grep -c '^packaged ' "$tmp/out")" = 2 ] || fail "$(cat "$tmp/out")"
}

# what the module takes, and no more, is in its manual page; and what it shows in debugfs
case_manual_is_of_this_module()
{
	zcat /usr/share/man/man4/kvmeter.4.gz >"$tmp/page" || fail "no page" || return
	sed -n '/^\.SH PARAMETERS/,/^\.SH DEBUGFS/{ /^\.TP/{ n; s/^\.B //p; }; }' "$tmp/page" | sort >"$tmp/told"
	modinfo -F parm kvmeter | sed 's/:.*//' | sort >"$tmp/there"
	diff "$tmp/told" "$tmp/there" >"$tmp/out" || fail "parameters: $(cat "$tmp/out")" || return
	# of the host, then, in one directory, of a VM
	sed -n '/^\.SH DEBUGFS/,/^\.SH BPF/{ /^\.TP/{ n; s/^\.I //p; }; }' "$tmp/page" | sort >"$tmp/told"
	find /sys/kernel/debug/kvmeter -maxdepth 1 -type f -printf '%f\n' >"$tmp/there"
	ls "$(find /sys/kernel/debug/kvmeter -mindepth 1 -type d | head -n 1)" >>"$tmp/there"
	sort "$tmp/there" | diff "$tmp/told" - >"$tmp/out" || fail "debugfs: $(cat "$tmp/out")" || return
	zcat /usr/share/man/man8/kvmeter.8.gz | grep -q '^\.SH KVMETER DIRTY START' || fail "no kvmeter(8)"
}

# complete WORD...: what bash would offer for the last one, in $offers
complete_words()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_kvmeter kvmeter
	offers="${COMPREPLY[*]}"
}

case_completion_knows_vms()
{
	# shellcheck disable=SC1091 # once it is installed
	. /usr/share/bash-completion/completions/kvmeter || fail "not there" || return
	complete_words kvmeter ledger pack
	[ "$offers" = packaged ] || fail "pack: $offers" || return
	complete_words kvmeter ledger --guest = pack
	[ "$offers" = packaged ] || fail "--guest=pack: $offers" || return
	complete_words kvmeter ledger ''
	[[ " $offers " == *" $(printf %q "$evil") "* ]] || fail "all: $offers" || return
	[ ! -e "$tmp/executed" ] || fail "a VM's name was executed"
}

# While guests run; the module goes with its package, and pins with the reader's.
case_is_removed()
{
	dpkg -r kvmeter kvmeter-dkms >"$tmp/out" 2>&1 && dpkg -P kvmeter kvmeter-dkms >>"$tmp/out" 2>&1 ||
		fail "$(tail -n 20 "$tmp/out")" || return
	[ ! -e /sys/module/kvmeter ] && [ ! -e /dev/kvmeter ] && [ ! -e /sys/fs/bpf/kvmeter ] || fail "loaded, or pinned" || return
	! modinfo kvmeter >/dev/null 2>&1 || fail "modinfo finds one" || return
	kill -0 "${guests[@]}" || fail "a guest is gone" || return
	list_files | diff "$tmp/before" - >"$tmp/out" || fail "left, or missing: $(cat "$tmp/out")"
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -e /dev/kvm ] || skip_all "needs /dev/kvm"
[ "${KVMETER_LEG:-}" != intel ] || skip_all "the host of that leg is no whole Debian"
ls "$debs"/kvmeter_*_amd64.deb "$debs"/kvmeter-dkms_*_all.deb >/dev/null 2>&1 || skip_all "no packages in $debs: make deb"
rmmod kvmeter 2>/dev/null
rm -rf /sys/fs/bpf/kvmeter
version=$(dpkg-deb -f "$debs"/kvmeter_*_amd64.deb Version)

echo "TAP version 13"
echo "1..6"
run_case installs
[ $failed = 0 ] || { echo "Bail out! not installed"; exit 1; }
run_case loads_by_name
start_guest packaged && start_guest "$evil" || exit 1
run_case reader
run_case manual_is_of_this_module
run_case completion_knows_vms
run_case is_removed
exit $((failed > 0))
