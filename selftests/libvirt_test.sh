#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# With libvirt: each VM goes by the name of its domain, whatever that has in it, and "virsh migrate --live" of one that
# writes more than the link takes comes to an end with the autopilot, and not without.
#
#   KVMETER_GUEST_KERNEL the guest's kernel, default the host's own
#
# Loads and unloads the module itself. Needs libvirtd and virsh of Debian's packages.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/libvirt.sh"
mib=128 pages=6144 rate=12000 # of the guest; of its pages so many are rewritten a second
bandwidth_mib=4               # of the migrations, in a second: less than a tenth of what the guest writes
patience=300
odd='büro a,b=c' name='guest=web,process=x'
took_s=0 watcher=''

# is_alone NAME EXPRESSION: that VM is the only one, by that name, as libvirt on host a or b has it, and that is so of v
is_alone()
{
	works list --by vcpu --json && json "[v['name'] for v in d[0]['vms']] == ['$1']" &&
		json "all($2 for v in d[0]['vms'])"
}

# is_known HOST NAME: libvirt and the reader agree on the name, the VMM, and the threads of its vCPUs
is_known()
{
	local pid threads

	[ "$(on "$1" list --name)" = "$2" ] || fail "libvirt has $(on "$1" list --name)" || return
	pid=$(domain_pid "$1" "$2") && threads=$(domain_threads "$1" "$2") || fail "libvirt does not know" || return
	wait_until 60 is_alone "$2" "v['pid'] == $pid and sorted(c['tid'] for c in v['vcpus']) == $threads and
		v['nr_vcpus'] == len($threads) > 0"
}

# The VMM has a user of its own, and what is a comma in the name are two on its command line.
case_named()
{
	define_domain a "$odd" "$mib" 2 "$pages $rate" && does a start "$odd" && is_known a "$odd" || return
	[ "$(stat -c %U "/proc/$(domain_pid a "$odd")")" = libvirt-qemu ] || fail "QEMU is not libvirt's own" || return
	works ledger "$odd" --json && json "d[0]['vms'][0]['name'] == '$odd'" && works list &&
		grep -q "^$odd " "$tmp/out" || fail "not in the table: $(cat "$tmp/out")"
}

# A domain that runs keeps its name; the next one that starts has the new one, which reads as if it were QEMU's options.
case_renamed()
{
	! on a domrename "$odd" "$name" >/dev/null 2>&1 || fail "it has another name while it runs" || return
	does a destroy "$odd" && does a domrename "$odd" "$name" && does a setvcpus "$name" 1 --config &&
		does a setvcpus "$name" 1 --config --maximum && does a start "$name" && is_known a "$name" && refuses 'no VM has the name' list "$odd"
}

# verify: the guest has each page as it wrote it last
verify()
{
	ask console verify "$patience" 'bad of' && [[ $answer == *" 0 bad of $pages pages"* ]] || fail "$answer"
}

case_boots()
{
	hear console "$patience" 'kvmeter-memory: (ready|failed)' && [[ $answer == *ready* ]] || fail "$answer" || return
	verify
}

# watch: what kvmeter tells of the migration, from before it begins
watch()
{
	"$reader" migrate "$name" 0.5 --json >"$tmp/watched" 2>"$tmp/watched.err" &
	watcher=$!
}

# end_watch: as if the reader had just printed it. By itself it ends when the VMM does.
end_watch()
{
	kill -INT "$watcher"
	wait "$watcher"
	cat "$tmp/watched" >>"$tmp/documents"
	cp "$tmp/watched" "$tmp/out"
} 2>/dev/null

# watched_all EXPRESSION: of each VM v with its migration m that was watched; it was none but that one
watched_all()
{
	json "len({v['id'] for r in d for v in r['vms']}) == 1 and
		all(v['name'] == '$name' and $1 for r in d for v in r['vms'] for m in [v['migration']])"
}

# watched_some EXPRESSION: at some time
watched_some()
{
	json "any($1 for r in d for v in r['vms'] for m in [v['migration']])"
}

# job_tells HOST ARGUMENT...: what libvirt has of the migration, its iterations and times, as a comment
job_tells()
{
	does "$1" domjobinfo "$name" "${@:2}" || return
	sed -nE 's/^(Job type|Iteration|Time elapsed|Total downtime|Data processed): +/\1: /p' "$tmp/said" | paste -sd, |
		sed 's/^/# libvirt: /'
}

# From one host to the other, where it is as it was, by its name
case_converges()
{
	local begin=$SECONDS

	works autoconverge "$name" on && watch || return
	begin_migration a b "$name" "$bandwidth_mib"
	end_migration "$patience" || return
	took_s=$((SECONDS - begin))
	end_watch
	job_tells a --completed || return
	watched_all 'm["mode"] == "on"' && watched_some 'm["state"] == "running" and m["nr_rounds"] >= 3' &&
		watched_some 'm["autopilot_pages"] > 0 and v["vcpus"][0]["throttle_nr"] > 0' || return
	is_known b "$name" && verify
}

# What it is measured by: the same command, on its way back, is not at its end after as long, and some more
case_does_not_without()
{
	local id

	id=$(id_of "$name")
	works autoconverge "$name" off && watch || return
	begin_migration b a "$name" "$bandwidth_mib"
	sleep $((took_s + 10))
	! is_migration_over || fail "it is over: $(cat "$tmp/migration")" || return
	end_watch
	job_tells b && grep -Eq '^Job type: +Unbounded' "$tmp/said" && grep -Eq '^Iteration: +([3-9]|[1-9][0-9])' "$tmp/said" ||
		fail "not in a round of its own: $(cat "$tmp/said")" || return
	watched_all 'm["mode"] == "off" and v["quota_pages"] == 0 and v["vcpus"][0]["throttle_nr"] == 0' &&
		watched_some 'm["forecast"] and not m["forecast"]["converges"]' || return
	does b domjobabort "$name" && wait_until 60 is_migration_over && ! wait "$migration" || fail "$(cat "$tmp/said")" || return
	is_known b "$name" && json "d[0]['vms'][0]['id'] == '$id'" && verify
}

check_host
check_libvirt
echo "TAP version 13"
echo "1..6"
make_initrd "$dir/guest_memory"
open_pipes console
insmod "$ko" && start_libvirtd a && start_libvirtd b a || { echo "Bail out! no libvirtd: $why"; exit 1; }
run_case named
run_case renamed
run_case boots
run_case converges
run_case does_not_without
run_case documents
exit $((failed > 0))
