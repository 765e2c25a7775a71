#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Kernel lockdown, and signatures: what is refused, what works on, and what is said.
#
#   KVMETER_LOCKDOWN=integrity|confidentiality     which of the two; default integrity
#   KVMETER_KEYS=DIR       default /keys; with key.pem and cert.der to sign with, as README.md makes them, or else openssl
#                          makes them; and with trusted.pem and trusted.der, if the kernel knows such a key
#
# It locks the host down, which nothing takes back before it boots again. One that was booted so (lockdown=, or by UEFI
# Secure Boot) takes no module but one that is signed with trusted.pem. For the amd leg, whose host is a whole Debian.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317,SC2034

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
mode=${KVMETER_LOCKDOWN:-integrity}
keys=${KVMETER_KEYS:-/keys}
reader=${KVMETER:-$dir/../bpf/kvmeter}
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
lockdown=/sys/kernel/security/lockdown
tmp=$(mktemp -d) || exit 1
herd=
trap '[ -z "$herd" ] || kill $herd; rm -rf "$tmp"' EXIT

# said TEXT: the kernel has, since the case began
said()
{
	dmesg | sed -n "/kvmeter-selftest: $mark\$/,\$p" >"$tmp/said"
	grep -q "$1" "$tmp/said" || fail "the kernel did not say '$1': $(tail -n 5 "$tmp/said")"
}

begin()
{
	mark="lockdown $$ $number $RANDOM"
	echo "kvmeter-selftest: $mark" >/dev/kmsg
}

taint()
{
	echo $(($(cat /proc/sys/kernel/tainted) >> $1 & 1))
}

# sign KEY CERTIFICATE: a copy of the module, as $tmp/signed.ko
sign()
{
	cp "$ko" "$tmp/signed.ko" && "$sign_file" sha256 "$keys/$1" "$keys/$2" "$tmp/signed.ko"
}

# Signed with a key that the kernel does not know: that of modinfo, loaded as if it were not signed.
case_signed_with_any_key()
{
	begin
	sign key.pem cert.der && modinfo "$tmp/signed.ko" >"$tmp/out" && grep -q '^sig_id: *PKCS#7' "$tmp/out" &&
		grep -q '^signer: *kvmeter' "$tmp/out" && grep -q '^sig_hashalgo: *sha256' "$tmp/out" ||
		fail "not signed: $(cat "$tmp/out")" || return
	insmod "$tmp/signed.ko" && rmmod kvmeter || fail "not loaded" || return
	said 'kvmeter: module verification failed: signature and/or required key missing - tainting kernel' || return
	[ "$(taint 13)" = 1 ] || fail "not tainted"
}

# With one that the firmware had, and on a host that is locked down: as any module of the kernel's own, but from elsewhere
case_signed_with_trusted_key()
{
	begin
	sign trusted.pem trusted.der && insmod "$tmp/signed.ko" || fail "not loaded" || return
	[ "$(taint 12)$(taint 13)" = 10 ] || fail "tainted as unsigned" || return
	! dmesg | sed -n "/kvmeter-selftest: $mark\$/,\$p" | grep -q 'kvmeter: module verification failed' || fail "not verified"
}

case_unsigned()
{
	! modinfo "$ko" | grep -q '^sig_id' || fail "$ko is signed" || return
	insmod "$ko" && [ "$(taint 12)$(taint 13)" = 11 ] || fail "not loaded, or not tainted"
}

case_locks()
{
	echo "$mode" >"$lockdown" && grep -q "\[$mode\]" "$lockdown" || fail "$(cat "$lockdown")" || return
	! echo none 2>/dev/null >"$lockdown" || fail "unlocked again"
}

# The tests of what the module does, as they are; those that need neither to load it, nor tracefs, nor what KVM has in
# debugfs.
case_all_features()
{
	local test

	for test in ledger_test dirty_test quota_test attach_test \
		${KVMETER_LONG:+steal_test takeover_test rounds_test session_test own_writes_test autoconverge_switch_test}; do
		"$dir/$test" >"$tmp/out" 2>&1 && ! grep -q '^not ok' "$tmp/out" ||
			fail "$test: $(grep -B 5 -m 3 '^not ok' "$tmp/out" | sed 's/^/# /')" || return
		echo "# $test: $(grep -c '^ok' "$tmp/out")"
	done
}

case_status_says_so()
{
	local off

	off=$(sed -n 's/^\([a-z_]*\): off: .*/\1/p' /sys/kernel/debug/kvmeter/status | tr '\n' ' ')
	[ "$off" = "subreasons " ] || fail "off: $off"
}

# Files of debugfs that can only be read, which ours are, stay readable.
case_debugfs()
{
	local file files=0

	for file in /sys/kernel/debug/kvmeter/* /sys/kernel/debug/kvmeter/*/*; do
		[ -f "$file" ] || continue
		[ "$(wc -l <"$file")" -gt 0 ] || fail "$file cannot be read" || return
		files=$((files + 1))
	done
	[ "$files" = $((7 + 3 * 8)) ] || fail "$files files"
}

# readable FILE: can it be read to its end?
readable()
{
	cat "$1" >/dev/null 2>&1
}

# What others tell about guests, and how they come by it: this is what lockdown is about, and that it is on.
case_what_is_off()
{
	local kvm

	kvm=$(find /sys/kernel/debug/kvm -mindepth 2 -name exits | head -n 1)
	[ -n "$kvm" ] || fail "KVM has nothing in debugfs" || return
	! readable "$kvm" && ! true 2>/dev/null >/sys/kernel/debug/kprobes/enabled ||
		fail "files of debugfs that can be written to are open" || return
	if [ "$mode" = integrity ]; then
		readable /sys/kernel/tracing/available_events || fail "no tracefs"
	else
		! readable /sys/kernel/tracing/available_events || fail "tracefs is open"
	fi
}

# The maps, by a program that is not ours
case_maps()
{
	local map

	for map in host index vms vcpus; do
		bpftool map dump pinned "/sys/fs/bpf/kvmeter/kvmeter_$map" >"$tmp/out" 2>&1 && [ -s "$tmp/out" ] ||
			fail "kvmeter_$map: $(head -n 3 "$tmp/out")" || return
	done
}

case_reader()
{
	local command

	for command in attach status list "list --by vcpu" "stat 1 1" ledger "exits --json" "exits --by vcpu" steal \
		"steal --by thief" "steal --matrix" wakeups metrics "dirty 1 1" "dirty status" quota migrate autoconverge log; do
		# shellcheck disable=SC2086 # a command line
		"$reader" $command >"$tmp/out" 2>"$tmp/err" && [ ! -s "$tmp/err" ] ||
			fail "$command: $(cat "$tmp/err")" || return
	done
	"$reader" list --json >"$tmp/out" && [ "$(grep -o '"id":' "$tmp/out" | wc -l)" = 3 ] || fail "not 3 VMs" || return
	echo 1 >/sys/module/kvmeter/parameters/subreasons && echo 0 >/sys/module/kvmeter/parameters/subreasons ||
		fail "parameters cannot be written"
}

# A session by the reader, on one of the VMs, with a controller that stays behind
case_reader_session()
{
	local id

	id=$("$reader" list --json | sed 's/.*"id":"\([0-9-]*\)".*/\1/')
	"$reader" dirty start "$id" >"$tmp/out" 2>&1 && "$reader" dirty "$id" >>"$tmp/out" 2>&1 &&
		"$reader" dirty stop "$id" >>"$tmp/out" 2>&1 || fail "$(cat "$tmp/out")"
}

case_detach_and_unload()
{
	"$reader" detach >/dev/null && rmmod kvmeter && [ ! -e /sys/kernel/debug/kvmeter ] || fail "not unloaded"
}

# refused MODULE WHAT: it is, with a line of the kernel's, and nothing comes of it
refused()
{
	begin
	! insmod "$1" 2>"$tmp/err" || { rmmod kvmeter; fail "$1 was loaded"; return; }
	# With Secure Boot, or module.sig_enforce=1, it does not come to asking whether the kernel is locked down.
	if [ "$(cat /sys/module/module/parameters/sig_enforce)" = Y ]; then
		grep -q 'Key was rejected' "$tmp/err" || fail "$(cat "$tmp/err")" || return
		said "Loading of $2 is rejected" || return
	else
		grep -q 'Operation not permitted' "$tmp/err" || fail "$(cat "$tmp/err")" || return
		said "Lockdown: insmod: unsigned module loading is restricted" || return
	fi
	[ ! -e /sys/module/kvmeter ] && [ ! -e /dev/kvmeter ] || fail "something is left"
}

case_unsigned_is_refused()
{
	refused "$ko" "unsigned module"
}

case_signed_with_any_key_is_refused()
{
	sign key.pem cert.der && refused "$tmp/signed.ko" "module with unavailable key"
}

# without the module the reader says so, locked or not
case_reader_without_module()
{
	! "$reader" list >"$tmp/out" 2>"$tmp/err" && grep -q 'the kernel module kvmeter is not loaded' "$tmp/err" ||
		fail "$(cat "$tmp/err")"
}

# "run NAME" for the cases that need a key
run_signed()
{
	if [ -n "$no_key" ]; then
		skip_case "$1" "$no_key"
	else
		run_case "$1"
	fi
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -e /dev/kvm ] || skip_all "needs /dev/kvm"
[ "${KVMETER_LEG:-}" != intel ] || skip_all "the host of that leg has not all programs"
mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security || skip_all "no securityfs"
[ -e $lockdown ] || skip_all "this kernel has no lockdown"

no_key=
sign_file=$(find /usr/lib/linux-kbuild-*/scripts/sign-file 2>/dev/null | tail -n 1)
if [ -z "$sign_file" ]; then
	no_key="no sign-file"
elif [ ! -e "$keys/key.pem" ]; then
	keys=$tmp
	openssl req -new -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=kvmeter/ -outform DER \
		-keyout "$tmp/key.pem" -out "$tmp/cert.der" 2>/dev/null || no_key="neither openssl nor keys in /keys"
fi

# Of a module that is loaded, on a host that is locked down: 8 cases
run_loaded()
{
	"$dir/bench_scale" hold 3 >"$tmp/herd" &
	herd=$!
	until grep -q ready "$tmp/herd"; do
		sleep 0.1
	done
	# directories of VMs are made a moment later
	sleep 1
	run_case status_says_so
	run_case debugfs
	run_case what_is_off
	run_case reader
	run_case maps
	run_case reader_session
	# the tests expect no VMs but their own
	kill "$herd" && wait "$herd" 2>/dev/null
	herd=
	run_case all_features
	run_case detach_and_unload
}

if grep -q '\[none\]' $lockdown; then
	echo 1..14
	run_signed signed_with_any_key
	run_case unsigned
	run_case locks
	run_loaded
elif [ -e "$keys/trusted.pem" ]; then
	mode=$(sed 's/.*\[\(.*\)\].*/\1/' $lockdown)
	echo 1..12
	run_case signed_with_trusted_key
	run_loaded
else
	echo 1..3
fi
run_case unsigned_is_refused
run_signed signed_with_any_key_is_refused
run_case reader_without_module
exit $((failed > 0))
