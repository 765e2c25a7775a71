#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run all tests: static checks, then the selftests on an emulated host of each kernel and leg.
#
#   [KERNELS="6.1 6.12 7.2"] [LEGS="amd intel"] [TESTS="..."] scripts/check.sh
#
#   KERNELS   kernels to test, default all
#   LEGS      legs to test, default both
#   TESTS     selftests to run, by name; default all, with the static checks and the benchmarks' limits
#
# What the tests repeat is repeated a few times; KVMETER_LONG=1 in the environment makes that many times.
#
# Two hosts run side by side. What each job printed is kept in build/check/KERNEL-LEG-JOB.log, and shown whole if
# anything in it failed. The last line is "N passed, N failed, N skipped"; the exit status is 1 if anything failed.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac

kernels=${KERNELS:-$lab_kernels}
legs=${LEGS:-amd intel}
tests=${TESTS:-}
here=$KVMETER_TOP/scripts
logs=$KVMETER_TOP/build/check
limit=200 # instructions that the module may add to an exit
switch_limit=100 # and to a switch between ordinary tasks; to one of vCPUs no more than a BPF program would
perf_share=6 bpftrace_share=3 # and one part in so many of what perf kvm stat adds, and of bpftrace
run_tests=(env ${KVMETER_LONG:+KVMETER_LONG=1} sh selftests/run.sh)
pml_limit=40 # instructions that it may add to a page read from the Page Modification Log
pids=()

cleanup()
{
	local pid

	trap - EXIT INT TERM
	for pid in "${pids[@]}"; do
		kill -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}
trap cleanup EXIT
trap 'cleanup; exit 130' INT
trap 'cleanup; exit 143' TERM

# in_lab KERNEL LEG LAB-ARGUMENT...: run selftests there.
in_lab()
{
	tally "$here/lab.sh" --kernel "$1" --leg "$2" "${@:3}"
}

# count_command NAME COMMAND...: run it; that it succeeds is a test of that name.
count_command()
{
	if "${@:2}" 2>&1; then
		echo "ok $1"
		echo "1 passed, 0 failed, 0 skipped"
	else
		echo "not ok $1"
		echo "0 passed, 1 failed, 0 skipped"
	fi
}

# check_figure NAME FIGURE LIMIT: both may have a fraction.
check_figure()
{
	count_command "$1: '$2' instructions, at most $3" \
		awk -v figure="$2" -v limit="$3" 'BEGIN { exit !(figure > 0 && figure <= limit) }'
}

# part FIGURE N: one part in N of it
part()
{
	awk -v figure="$1" -v n="$2" 'BEGIN { print figure / n }'
}

# take_figures NAME KERNEL LEG KEY...: show what bench-NAME.sh gives, and leave the figures of the keys in $added.
take_figures()
{
	local json key

	json=$("$here/bench-$1.sh" "$2" "$3") || true
	echo "$json"
	for key in "${@:4}"; do
		added+=("$(sed -n "s/.*\"$key\": \([0-9.]*\).*/\1/p" <<<"$json")")
	done
}

# The figure of make bench-exit, held against its limit and against those of the peers.
check_bench()
{
	local added=()

	take_figures exit "$1" "$2" kvmeter perf_kvm_stat bpftrace_count
	check_figure "bench-exit limit" "${added[0]}" $limit
	check_figure "bench-exit perf_kvm_stat" "${added[0]}" "$(part "${added[1]}" $perf_share)"
	check_figure "bench-exit bpftrace_count" "${added[0]}" "$(part "${added[2]}" $bpftrace_share)"
}

# The figures of make bench-switch, likewise.
check_switches()
{
	local added=()

	take_figures switch "$1" "$2" ordinary_switch_added vcpu_switch_added bpf_runqlat
	check_figure "bench-switch ordinary" "${added[0]}" $switch_limit
	check_figure "bench-switch vcpu" "${added[1]}" "${added[2]}"
}

# Of make bench-dirty, what reading a page from the log adds, held against its limit.
check_pml()
{
	local json

	json=$("$here/bench-dirty.sh" "$1" intel) || true
	echo "$json"
	check_figure "bench-dirty pml_page" "$(sed -n 's/.*"pml_page": \([0-9.]*\).*/\1/p' <<<"$json")" $pml_limit
}

# select_tests GROUP LEG: those of that group of selftests/run.sh, or of those asked for; what is run in none of them by
# default is one of the others
select_tests()
{
	local group test
	local -A lists

	for group in clocks others apart; do
		lists[$group]=" $(KVMETER_LEG=$2 "$KVMETER_TOP/selftests/run.sh" --list $group) "
	done
	if [ -z "$tests" ]; then
		echo "${lists[$1]}"
		return
	fi
	for test in $tests; do
		for group in clocks apart others; do
			[[ ${lists[$group]} != *" $test "* ]] || break
		done
		[ $group != "$1" ] || echo "$test"
	done
}

# run_group GROUP KERNEL LEG SECONDS LAB-ARGUMENT...: in their long form they have more time
run_group()
{
	local chosen seconds=$4

	[ -z "${KVMETER_LONG:-}" ] || seconds=5400
	chosen=$(select_tests "$1" "$3")
	# shellcheck disable=SC2086 # a list of names
	in_lab "$2" "$3" --timeout "$seconds" "${@:5}" -- "${run_tests[@]}" $chosen
}

# The jobs: each is given a kernel and a leg.

job_clocks()
{
	run_group clocks "$1" "$2" 1800 --virtual-time
}

# These want two CPUs where there can be two.
job_others()
{
	run_group others "$1" "$2" 1800
}

job_apart()
{
	run_group apart "$1" "$2" 600
}

# What wants a stock QEMU and a whole root.
job_guests()
{
	local chosen="guest_test.sh nested_guest_test.sh"

	[ "$1" != 6.1 ] || chosen+=" perf_test.sh reader_test.sh reader_views_test.sh reader_outputs_test.sh
		reader_dirty_test.sh reader_exporter_test.sh"
	# shellcheck disable=SC2086 # a list of names
	in_lab "$1" "$2" --parallel --cpus 1 --timeout 1800 -- "${run_tests[@]}" $chosen
}

# Guests of a few bytes, whose times are compared.
job_doctor()
{
	in_lab "$1" "$2" --virtual-time --timeout 1800 -- "${run_tests[@]}" reader_doctor_test.sh
}

# And two, as guests are moved between them.
job_migrations()
{
	in_lab "$1" "$2" --parallel --cpus 1 --timeout 1800 -- "${run_tests[@]}" reader_quota_test.sh reader_migrate_test.sh \
		migrate_test.sh converge_migrate_test.sh
}

# The same by libvirt, with two daemons of its own.
job_libvirt()
{
	in_lab "$1" "$2" --parallel --cpus 1 --timeout 1800 -- "${run_tests[@]}" libvirt_test.sh
}

# Hosts that lack something.
job_without()
{
	in_lab "$1" "$2" --no-kvm -- "${run_tests[@]}"
	[ "$2" = amd ] || in_lab "$1" "$2" --timeout 2700 -- "${run_tests[@]}" nopml_test.sh
}

# The kernel's own selftests of KVM, with the module.
job_kvm()
{
	tally "$here/kvm-suite.sh" "$1" "$2"
}

# Hosts that are locked down once the module is loaded, and by UEFI Secure Boot, with a key that the firmware knows.
job_lockdown()
{
	local keys snakeoil=/usr/share/ovmf/PkKek-1-snakeoil

	keys=$(mktemp -d)
	openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=kvmeter/ -outform DER -keyout "$keys/key.pem" \
		-out "$keys/cert.der" 2>/dev/null
	in_lab "$1" "$2" --virtual-time --timeout 1800 --file "$keys:/keys" -- \
		env KVMETER_LOCKDOWN=confidentiality "${run_tests[@]}" lockdown_test.sh
	openssl rsa -in $snakeoil.key -passin pass:snakeoil -out "$keys/trusted.pem" 2>/dev/null
	openssl x509 -in $snakeoil.pem -outform DER -out "$keys/trusted.der"
	in_lab "$1" "$2" --virtual-time --timeout 1800 --uefi snakeoil --file "$keys:/keys" -- "${run_tests[@]}" lockdown_test.sh
	rm -rf "$keys"
}

# The benchmarks that have a limit.
job_figures()
{
	check_bench "$1" "$2"
	check_switches "$1" "$2"
	[ "$2" = amd ] || check_pml "$1"
}

# The Debian packages, on hosts of Debian 12 and 13. To have DKMS compile the module there takes minutes.
job_packages()
{
	local built=/kvmeter/kvmeter.ko

	[ -z "${KVMETER_LONG:-}" ] || built=
	in_lab "$1" "$2" --parallel --cpus 1 --timeout 2700 --file "$KVMETER_TOP/build/6.1/src/build/deb:/debs" -- \
		env KVMETER_DEBS=/debs "KVMETER_BUILT=$built" "${run_tests[@]}" package_test.sh
}

# 1,000 VMs, held against the limits that the benchmark itself has.
job_scale()
{
	count_command bench-scale "$here/bench-scale.sh" "$1" "$2"
}

job_lab()
{
	"$here/lab-test.sh" "$1" "$2" || true
}

# What only computes, where it was built.
job_plain()
{
	tally "$here/build.sh" "$1" plain-checks
}

job_lint()
{
	local out

	out=$("$here/lint.sh" 2>&1) || true
	printf '%s\n' "$out"
	printf '%s passed, %s failed, 0 skipped\n' \
		"$(grep -c '^ok lint' <<<"$out")" "$(grep -c '^not ok lint' <<<"$out")"
}

# The packages, with lintian's verdict.
job_deb()
{
	count_command deb "$here/deb.sh"
}

# list_host_jobs: what needs no lab, a line each, "JOB KERNEL LEG"; of one kernel they wait for one another
list_host_jobs()
{
	local kernel

	[ -z "$tests" ] || return 0
	echo "deb 6.1 host"
	for kernel in $kernels; do
		[ "$kernel" = 6.1 ] || echo "plain $kernel host"
	done
	echo "lint 6.1 host"
	[[ " $kernels " != *" 6.1 "* ]] || echo "plain 6.1 host"
}

# list_jobs: the rest; those that take long come first
list_jobs()
{
	local kernel leg job group

	for leg in intel amd; do
		for group in clocks others apart; do
			for kernel in $kernels; do
				case " $legs " in
				*" $leg "*) [ -z "$(select_tests $group $leg | xargs)" ] || echo "$group $kernel $leg" ;;
				esac
			done
		done
	done
	[ -z "$tests" ] || return 0
	for job in migrations libvirt guests kvm doctor lockdown packages scale without figures lab; do
		for kernel in $kernels; do
			for leg in $legs; do
				case $job-$leg in
				without-* | figures-* | kvm-* | *-amd) ;;
				*) continue ;;
				esac
				case $job-$kernel in
				guests-* | kvm-* | packages-6.12 | *-6.1) echo "$job $kernel $leg" ;;
				*) ;;
				esac
			done
		done
	done
}

# run_jobs: one job after the other, as long as there is one that nobody has begun with
run_jobs()
{
	local job kernel leg lock log begin

	exec {lock}<"$logs/jobs"
	while flock "$lock" && read -r job kernel leg <&"$jobs"; do
		flock -u "$lock"
		log=$logs/$kernel-$leg-$job.log begin=$SECONDS
		"job_$job" "$kernel" "$leg" >"$log" 2>&1 </dev/null || true
		echo "# took $((SECONDS - begin)) s" >>"$log"
	done
}

# run_list LIST: all that it names, two at a time
run_list()
{
	local jobs pid

	"$1" >"$logs/jobs"
	exec {jobs}<"$logs/jobs"
	# Each is a process group, so that all of it can be ended.
	set -m
	for _ in 1 2; do
		run_jobs &
		pids+=($!)
	done
	set +m
	for pid in "${pids[@]}"; do
		wait "$pid" || true
	done
	pids=()
	exec {jobs}<&-
}

"$here/deps.sh"
rm -rf "$logs"
mkdir -p "$logs"

for kernel in $kernels; do
	"$here/build.sh" "$kernel"
done
run_list list_host_jobs
run_list list_jobs

passed=0 failed=0 skipped=0
for log in "$logs"/*.log; do
	read -r p f s < <(sum "$log")
	if [ "$f" != 0 ]; then
		echo "==== $(basename "$log" .log)"
		cat "$log"
	fi
	echo "$(basename "$log" .log): $p passed, $f failed, $s skipped, in $(sed -n 's/^# took //p' "$log")"
	grep -h '# SKIP' "$log" | sort | uniq -c || true
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed != 0 ]
