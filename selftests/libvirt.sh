# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Two hosts of libvirt on one: a libvirtd each, as Debian has it, with directories and a host name of its own, and a
# domain that can be migrated between them; sourced, never run.
#
# The script that does has set $dir. Daemons and domains end with it. Differs from what Debian has in libvirt's files:
# the daemons' UUIDs, as that of the machine is the same, and no virtlogd, which has one place to listen at.
#
# "A && B || fail" is meant as it stands: fail is false.
# shellcheck disable=SC2015,SC2034,SC2154

. "$dir/qemu.sh"
rmdir "$tmp" # the next one makes another
. "$dir/reader.sh"
. "$dir/reader_dirty.sh"
daemons=() migration=''

# Instead of that of the others.
cleanup()
{
	local file

	for file in "$tmp"/*/run/qemu/*.pid; do
		[ "${file##*/}" = driver.pid ] || kill -KILL "$(<"$file")"
	done
	kill -TERM "${daemons[@]}"
	jobs -p | xargs -r kill -KILL
	wait
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null

# check_libvirt: of the host, besides check_host. What udev gives KVM's device is given here, where there is no udev.
check_libvirt()
{
	local tool

	for tool in libvirtd virsh unshare; do
		command -v "$tool" >/dev/null || skip_all "needs $tool"
	done
	getent passwd libvirt-qemu >/dev/null || skip_all "needs Debian's libvirt-daemon-system"
	chgrp kvm /dev/kvm && chmod 660 /dev/kvm && chmod 755 "$tmp"
}

# on HOST ARGUMENT...: virsh, as on that host
on()
{
	virsh -q -c "qemu:///system?socket=$tmp/$1/run/libvirt-sock" "${@:2}"
}

# does HOST ARGUMENT...: likewise, and it succeeds; what it says is in $tmp/said
does()
{
	on "$@" >"$tmp/said" 2>&1 || fail "virsh ${*:2}: $(cat "$tmp/said")"
}

# start_libvirtd HOST [OTHER]: it need not find out once more what QEMU can do if that other has
start_libvirtd()
{
	local at=$tmp/$1

	mkdir -p "$at"/{run,etc,lib,cache,log} /run/libvirt
	cp /etc/libvirt/*.conf "$at/etc/"
	[ $# = 1 ] || cp -a "$tmp/$2/cache/qemu" "$at/cache/"
	echo "host_uuid = \"$(cat /proc/sys/kernel/random/uuid)\"" >>"$at/etc/libvirtd.conf"
	echo 'stdio_handler = "file"' >>"$at/etc/qemu.conf"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --uts sh -ec '
		mount --bind "$1/run" /run/libvirt
		mount --bind "$1/etc" /etc/libvirt
		for what in lib cache log; do
			mount --bind "$1/$what" "/var/$what/libvirt"
		done
		hostname "$2"
		exec libvirtd --pid-file "$1/libvirtd.pid"' sh "$at" "$1" >"$at/libvirtd.log" 2>&1 &
	daemons+=($!)
	wait_until 120 does "$1" uri
}

# print_domain NAME MIB VCPUS "ARGUMENT...": in XML; process 1 of $tmp/initrd gets these arguments, and its console is
# that which open_pipes console has opened
print_domain()
{
	cat <<-EOF2
		<domain type='kvm'>
			<name>$1</name>
			<memory unit='MiB'>$2</memory>
			<vcpu>$3</vcpu>
			<os>
				<type arch='x86_64' machine='pc'>hvm</type>
				<kernel>$tmp/vmlinuz</kernel>
				<initrd>$tmp/initrd</initrd>
				<cmdline>$kernel_args gart_fix_e820=off init_on_free=1 -- $4</cmdline>
			</os>
			<features><acpi/></features>
			<cpu mode='host-passthrough'/>
			<devices>
				<emulator>$(command -v "$qemu")</emulator>
				<controller type='usb' model='none'/>
				<serial type='pipe'><source path='$tmp/console.con'/></serial>
				<memballoon model='none'/>
				<video><model type='none'/></video>
			</devices>
		</domain>
	EOF2
}

# define_domain HOST NAME MIB VCPUS "ARGUMENT..."
define_domain()
{
	[ -e "$tmp/vmlinuz" ] || cp "$kernel" "$tmp/vmlinuz" || return
	print_domain "${@:2}" >"$tmp/domain.xml" && does "$1" define "$tmp/domain.xml"
}

# domain_pid HOST NAME: of its VMM, as libvirt knows it
domain_pid()
{
	cat "$tmp/$1/run/qemu/$2.pid"
}

# domain_threads HOST NAME: of its vCPUs, as QEMU tells libvirt: a list
domain_threads()
{
	on "$1" qemu-monitor-command "$2" '{"execute": "query-cpus-fast"}' | python3 -c '
import json, sys
print(sorted(cpu["thread-id"] for cpu in json.load(sys.stdin)["return"]))'
}

# begin_migration FROM TO NAME MIB_S: with stock flags, as between any two hosts, in the background, at so many MiB a second
begin_migration()
{
	on "$1" migrate --live --bandwidth "$4" "$3" "qemu+unix:///system?socket=$tmp/$2/run/libvirt-sock" \
		tcp://127.0.0.1 >"$tmp/migration" 2>&1 &
	migration=$!
}

is_migration_over()
{
	! kill -0 "$migration" 2>/dev/null
}

# end_migration SECONDS: within which virsh ends, with success
end_migration()
{
	wait_until "$1" is_migration_over && wait "$migration" || fail "virsh migrate: $why $(cat "$tmp/migration")"
}
