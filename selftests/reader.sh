# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the reader share: running it, judging what it prints, and four stock QEMU guests
# that do no more than fail to boot.
#
# Sourced, never run; the script that does has set $dir. The module is loaded and unloaded here.
# KVMETER is the reader, KVMETER_KO the module.
#
# "A && B || fail" is meant as it stands: fail is false.
# shellcheck disable=SC2015,SC2154

. "$dir/tap.sh"
. "$dir/schema.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
ko=${KVMETER_KO:-$dir/../kvmeter.ko}
pins=/sys/fs/bpf/kvmeter
qemu="qemu-system-x86_64"
tmp=$(mktemp -d) || exit 1
# a name that would turn the terminal red
evil=$'evil\033[31m\n\\'
guests=()

cleanup()
{
	[ ${#guests[@]} = 0 ] || kill -KILL "${guests[@]}"
	wait
	rmmod kvmeter
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# kvm ARGUMENT...: run the reader; its output is in $tmp/out and $tmp/err, its status in $status
kvm()
{
	"$reader" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# works ARGUMENT...: the reader succeeds, prints something, and says nothing on standard error. Documents are kept
# for case_documents.
works()
{
	kvm "$@"
	[ "$status" = 0 ] || { fail "$* gave $status: $(cat "$tmp/err")"; return; }
	[ ! -s "$tmp/err" ] || { fail "$* said: $(cat "$tmp/err")"; return; }
	[ -s "$tmp/out" ] || { fail "$* printed nothing"; return; }
	case " $* " in
	*" --json "*) cat "$tmp/out" >>"$tmp/documents" ;;
	esac
}

# the last case of all: what was printed with --json so far is as the schema has it
case_documents()
{
	check_documents "$tmp/documents" >/dev/null
}

# is_one_line TEXT: standard error is one line, the reader's own, with TEXT in it
is_one_line()
{
	[ "$(wc -l <"$tmp/err")" = 1 ] && grep -q '^kvmeter: ' "$tmp/err" && grep -qF -- "$1" "$tmp/err" ||
		fail "not one line with '$1': $(cat "$tmp/err")"
}

# refuses TEXT ARGUMENT...: the reader gives 1 and that line, and prints nothing else
refuses()
{
	local text=$1

	shift
	kvm "$@"
	[ "$status" = 1 ] || { fail "$* gave $status, not 1"; return; }
	[ ! -s "$tmp/out" ] || { fail "$* printed something"; return; }
	is_one_line "$text"
}

# is_bad_usage ARGUMENT...
is_bad_usage()
{
	kvm "$@"
	[ "$status" = 64 ] && [ -s "$tmp/err" ] && [ ! -s "$tmp/out" ] || fail "$* gave $status, not 64"
}

# json EXPRESSION: Python's verdict on the documents in $tmp/out, one a line, as the list d
json()
{
	python3 - "$tmp/out" "$1" <<-'EOF' || fail "not so in JSON: $1: $(tail -n 1 "$tmp/out" | cut -c 1-6000)"
		import json, sys
		d = [json.loads(line) for line in open(sys.argv[1])]
		sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
	EOF
}

# start_guest NAME: a stock QEMU whose firmware finds nothing to boot and starts over, for ever
start_guest()
{
	"$qemu" -accel kvm -m 16 -nodefaults -display none -boot reboot-timeout=300 -name "$1" &
	guests+=($!)
}

# id_of NAME: id of the one VM of that name
id_of()
{
	"$reader" list --json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["vms"][0]["id"])'
}

map_id()
{
	bpftool -j map show pinned "$pins/$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'
}

check_host()
{
	local tool

	[ "$(id -u)" = 0 ] || skip_all "needs root"
	for tool in "$qemu" python3 bpftool gcc setpriv; do
		command -v "$tool" >/dev/null || skip_all "needs $tool"
	done
	[ -e /dev/kvm ] || skip_all "needs /dev/kvm"
	rmmod kvmeter 2>/dev/null
	rm -rf "$pins"
}

# nr_ready: guests that have run and have their vCPU
nr_ready()
{
	awk 'NR == 1 { while ($++column != "nr_vcpus") ; } NR > 1 && $column == 1' /sys/kernel/debug/kvmeter/vms |
		wc -l
}

# load the module and start the guests; one that goes on running is enough, and leaves the emulated
# CPUs some time
start_guests()
{
	insmod "$ko" || exit 1
	start_guest a,,b
	start_guest "guest=$evil,debug-threads=on"
	start_guest twin
	start_guest twin
	until [ "$(nr_ready)" = 4 ]; do
		if [ $SECONDS -gt 60 ]; then
			cat /sys/kernel/debug/kvmeter/vms
			echo "Bail out! the guests did not start"
			exit 1
		fi
		sleep 0.5
	done
	kill -STOP "${guests[@]:1}"
}
