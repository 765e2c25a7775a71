#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Process 1 of the lab host: bring it up, run one command, report its status on the console, power off.
#
# Run by a static busybox whose shell prefers its own applets, so nothing here depends on what the root holds.
# scripts/lab.sh puts it in the initramfs and beside it, in /.lab: "conf" (the lab_* settings), "command"
# (a shell script) and "modules". Lines "kvmeter-lab: NONCE begin|end STATUS|fail TEXT" on the kernel's
# console are the verdict; the command's own output goes to the second serial port, unchanged.
# shellcheck disable=SC1091,SC2154,SC3043 # lab_* come from /.lab/conf; busybox has "local"

. /.lab/conf

report()
{
	echo "kvmeter-lab: $lab_nonce $*" >/dev/kmsg
}

# The kernel's log may reach the serial port from a thread of its own: give it the time.
power_off()
{
	sleep 0.2
	poweroff -f
	exit
}

fail()
{
	report "fail $*"
	power_off
}

mount_share()
{
	mkdir -p "$2"
	mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2" || fail "cannot mount $1"
}

# A writable view of the read-only directories "$2" (the first wins) at $1.
mount_overlay()
{
	mkdir -p "/layers$1" "$1"
	mount -t tmpfs tmpfs "/layers$1"
	mkdir "/layers$1/upper" "/layers$1/work"
	mount -t overlay -o "lowerdir=$2,upperdir=/layers$1/upper,workdir=/layers$1/work" overlay "$1" ||
		fail "cannot mount the overlay on $1"
}

wait_for()
{
	local tries=100

	while [ ! -e "$1" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$1 did not appear"
		sleep 0.1
	done
}

# Stage 1, in the initramfs: put the root together and move into it.
stage_root()
{
	mkdir -p /dev /proc /sys /new
	# Busybox finds its applets through /proc.
	/bin/busybox mount -t proc proc /proc
	mount -t devtmpfs devtmpfs /dev
	for module in $lab_modules; do
		insmod "/.lab/modules/$module.ko" || fail "cannot load $module"
	done

	case $lab_leg in
	amd)
		mount_share root /lower ro,cache=loose
		mount_share files /files ro,cache=loose
		mount_overlay /new /files:/lower
		;;
	intel)
		wait_for /dev/sr0
		mkdir /cd
		mount -t iso9660 -o ro /dev/sr0 /cd || fail "cannot mount the CD"
		mount_overlay /new /cd/root
		;;
	esac

	cp -a /.lab /new/
	cp /bin/busybox /new/.lab/
	mount --move /dev /new/dev
	mount --move /proc /new/proc
	exec /bin/busybox switch_root /new /.lab/busybox sh /.lab/init main
}

# Stage 2, in the root: what a running system has mounted.
mount_all()
{
	mkdir -p /sys /tmp /run /root /out
	mkdir -p /dev/pts /dev/shm
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t sysfs sysfs /sys
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t bpf bpf /sys/fs/bpf
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t tmpfs -o mode=1777 tmpfs /tmp
	mount -t tmpfs -o mode=755 tmpfs /run
	[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
	rm -f /etc/mtab
	ln -s /proc/mounts /etc/mtab
	hostname kvmeter-lab
	ip link set lo up
	if [ "$lab_leg" = amd ]; then
		[ -z "$lab_share" ] || {
			mount_share share /share ro,cache=loose
			mount_overlay /kvmeter /share
		}
		[ -z "$lab_out" ] || mount_share out /out rw,cache=none
	fi
	mkdir -p /kvmeter
}

# write_port PORT VALUE, in octal
write_port()
{
	printf %b "\\0$2" | dd of=/dev/port bs=1 seek="$1" conv=notrunc 2>/dev/null || fail "cannot write to port $1"
}

# 16 interrupts a second from the real-time clock: scripts/lab.sh says why. Registers A and B.
start_rtc()
{
	write_port 112 012
	write_port 113 054
	write_port 112 013
	write_port 113 102
}

run_command()
{
	stty -F /dev/ttyS1 115200 raw -echo clocal -hupcl
	# A task stuck for longer than this is a hang the test should hear of before its own time is up.
	echo ${lab_flavour:+1}30 >/proc/sys/kernel/hung_task_timeout_secs
	dmesg -n 7
	# A failure that a test has injected prints a stack otherwise, as if it were one.
	for verbose in /sys/kernel/debug/fail*/verbose; do
		[ ! -e "$verbose" ] || echo 0 >"$verbose"
	done
	report begin
	(
		cd /kvmeter || exit 125
		exec setsid env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LANG=C.UTF-8 TERM=dumb KVMETER_LEG="$lab_leg" KVMETER_KERNEL="$lab_kernel" \
			KVMETER_FLAVOUR="$lab_flavour" \
			/bin/sh /.lab/command
	) </dev/null >/dev/ttyS1 2>&1
	status=$?
}

# Memory that nothing points to any more. It counts once two searches have found it the same, and when it is older
# than 5 s; the kernel's log gets the number from the kernel, and the stacks from here.
find_leaks()
{
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	sleep 1
	echo scan >/sys/kernel/debug/kmemleak
	while read -r line; do
		echo "$line" >/dev/kmsg
	done </sys/kernel/debug/kmemleak
}

finish()
{
	# What the command left running ends first, so that nothing of it is left to warn about after the verdict.
	kill -9 -1
	sleep 0.1
	if [ -e /sys/kernel/debug/kmemleak ]; then
		find_leaks
	fi
	if [ "$lab_leg" = intel ] && [ -n "$lab_out" ]; then
		tar -C /out -cf /dev/sda . || fail "cannot send /out back"
		sync
	fi
	# Changing a serial line's settings waits for its output to be sent.
	stty -F /dev/ttyS1 raw
	report "end $status"
	power_off
}

if [ "${1:-}" != main ]; then
	stage_root
fi
mount_all
if [ -n "$lab_rtc" ]; then
	start_rtc
fi
if [ -n "$lab_kvm" ]; then
	/sbin/modprobe "$lab_kvm" || fail "cannot load $lab_kvm"
	[ -e /dev/kvm ] || fail "$lab_kvm gives no /dev/kvm"
fi
run_command
finish
