# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the lab's scripts share: messages, the cache, the table of kernels and of packages, locks.
#
# Sourced, never run. Everything a new kernel needs is one more entry in lab_kernels and kernel_suites.

set -eu -o pipefail
# A failure in $(...) is one too.
shopt -s inherit_errexit

KVMETER_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KVMETER_CACHE=${KVMETER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kvmeter}
KVMETER_MIRROR=${KVMETER_MIRROR:-http://deb.debian.org/debian}

# Every kernel the module supports, oldest first.
lab_kernels="6.1 6.12 7.2"

# Packages of the machine that runs the lab, and of the cached root of each kernel, which has that kernel besides.
host_packages="
	grub-common grub-pc-bin xorriso mtools
	qemu-system-x86 ovmf openssl mmdebstrap debian-archive-keyring cpio git util-linux xz-utils zstd"
# Bochs has a root of its own: the 3.0 of Debian 13 is twice as fast as the 2.7 of Debian 12. It is compiled there.
bochs_packages="bochsbios vgabios g++ make xz-utils"
root_packages="
	gcc make libc6-dev libbpf-dev libelf-dev zlib1g-dev
	libjson-c-dev libncurses-dev libmicrohttpd-dev pkg-config clang llvm bpftool dwarves busybox-static kmod
	qemu-system-x86 seabios ipxe-qemu procps util-linux xz-utils zstd python3
	python3-jsonschema tmux dkms linux-perf bpftrace libvirt-daemon-system libvirt-clients"
lint_packages="prometheus systemd chromium debhelper dh-dkms lintian fakeroot linux-source-6.1 perl sparse shellcheck clang-format"
# The root in which a kernel with checkers is compiled has the same Debian's compiler and the source, but no kernel.
compile_packages="gcc make libc6-dev flex bison bc libelf-dev dwarves kmod python3 perl xz-utils"

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# usage [STATUS]: print the calling script's header comment, the one place where it is documented.
# shellcheck disable=SC2120 # by scripts that source this
usage()
{
	sed -n -e '1,/^$/{ /^#!/d; /SPDX/d; s/^# \{0,1\}//p; }' "$0"
	exit "${1:-0}"
}

# A kernel with checkers is called KERNEL-FLAVOUR: of a Debian release, and compiled here by debug-kernel.sh.
# kernel_base KERNEL, kernel_flavour KERNEL: the parts of its name; without a flavour it is Debian's own.
kernel_base()
{
	echo "${1%%-*}"
}

kernel_flavour()
{
	case $1 in
	*-*) echo "${1#*-}" ;;
	esac
}

# check_kernel KERNEL: whether the lab has it.
check_kernel()
{
	local flavour

	flavour=$(kernel_flavour "$1")
	[ -z "$flavour" ] || [ -e "$KVMETER_TOP/scripts/debug-$flavour.config" ] || die "unknown flavour '$flavour'"
	set -- "$(kernel_base "$1")"
	case " $lab_kernels " in
	*" $1 "*) ;;
	*) die "unknown kernel '$1': one of $lab_kernels" ;;
	esac
}

# kernel_suites KERNEL: the Debian suites that make its root. The second, if any, is preferred to the first.
kernel_suites()
{
	case ${1#compile-} in
	6.1) echo "bookworm" ;;
	6.12 | bochs) echo "trixie" ;;
	7.2) echo "trixie trixie-backports" ;;
	*) die "unknown kernel '$1': one of $lab_kernels" ;;
	esac
}

kernel_packages()
{
	# shellcheck disable=SC2086 # lists, to be split
	case $1 in
	bochs) echo $bochs_packages ;;
	compile-*) echo $compile_packages "linux-source-${1#compile-}" ;;
	# One root checks the source, whatever kernel it is then built for.
	6.1) echo $root_packages $lint_packages ;;
	*) echo $root_packages ;;
	esac
}

# kernel_bochs_args KERNEL: what its command line needs on Bochs besides what all need.
kernel_bochs_args()
{
	case $1 in
	# fpu__init_system_xstate() takes Bochs' XSAVE layout for a bug, and panics.
	7.*) echo "noxsave" ;;
	esac
}

# root_release ROOT: the release of the one kernel in it.
root_release()
{
	local dirs=("$1"/lib/modules/*)

	[ "${#dirs[@]}" = 1 ] || die "$1 does not hold exactly one kernel"
	basename "${dirs[0]}"
}

# pin_root ROOT: keep a later root.sh from removing ROOT as long as this process or a child of it lives.
pin_root()
{
	exec {root_pin_fd}<"$1"
	flock -s "$root_pin_fd"
}

# remove_unused PREFIX KEEP: remove the directories PREFIX* that are not KEEP and that nobody has pinned.
remove_unused()
{
	local dir

	for dir in "$1"*; do
		if [ -d "$dir" ] && [ "$dir" != "$2" ]; then
			flock -n "$dir" rm -rf --one-file-system "$dir" || true
		fi
	done
}

# run_bench NAME LEGS [ARGUMENT...]: all that bench-NAME.sh does, by its function "measure KERNEL LEG"; LEGS is
# the default, and the arguments are the script's.
run_bench()
{
	local name=$1 default_legs=$2 scripts=$KVMETER_TOP/scripts json='' kernel leg

	shift 2
	case ${1:-} in
	-h | --help) usage 0 ;;
	esac
	if [ $# = 2 ]; then
		measure "$1" "$2"
		return
	fi
	"$scripts/deps.sh"
	for kernel in ${KERNELS:-6.1}; do
		"$scripts/build.sh" "$kernel"
		for leg in ${LEGS:-$default_legs}; do
			json+="${json:+,$'\n'}$(measure "$kernel" "$leg")"
		done
	done
	mkdir -p "$KVMETER_TOP/build/bench"
	printf '[%s]\n' "$json" | tee "$KVMETER_TOP/build/bench/$name.json"
}

# How what runs tests ends.
summary='^[0-9]* passed, [0-9]* failed, [0-9]* skipped$'

# tally COMMAND...: run what ends with a summary. If it gave none, or the lab itself found fault with the host, that is
# one more failure. Where it was the emulator that crashed, nothing is known of the host: it is run again, twice at most.
tally()
{
	local try status out

	out=$(mktemp)
	for try in 1 2 3; do
		status=0
		"$@" 2>&1 | tee "$out" || status=$?
		if [ $status != 125 ] || [ $try = 3 ]; then
			break
		fi
		echo "# the emulator crashed: once more"
	done
	if [ $status -gt 1 ] || ! grep -q "$summary" "$out"; then
		echo "not ok ${1##*/}: exit status $status"
		echo "0 passed, 1 failed, 0 skipped"
	fi
	rm -f "$out"
}

# sum LOG...: what their lines "N passed, N failed, N skipped" add up to; without one that is a failure.
sum()
{
	grep -h "$summary" "$@" | awk '{ p += $1; f += $3; s += $5 }
		END { if (!NR) f = 1; print p + 0, f + 0, s + 0 }'
}
