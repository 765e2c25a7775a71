#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build this checkout for one kernel, inside the root of that kernel.
#
#   scripts/build.sh KERNEL [MAKE-ARGUMENT...]        default: all selftests
#
# KERNEL-FLAVOUR, as 6.1-kasan, builds the module for the kernel that scripts/debug-kernel.sh makes.
#
# The files that git knows, or would know, are copied to build/KERNEL/src; there "make" is run in a chroot as
#   make -C /kvmeter KREL=<kernel release> KSRC=/ksrc MAKE-ARGUMENT...
# where /ksrc is what scripts/src.sh gives. Only what changed is copied, so make builds only what changed.
# The output is kept in build/KERNEL/build.log and shown if the build fails; with V=1 in the environment, or
# with MAKE-ARGUMENTs, it is shown as it comes.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# -ge 1 ] || usage 2 >&2

kernel=$1
shift
check_kernel "$kernel"
[ "$(id -u)" = 0 ] || die "building in a chroot needs root"
root=$("$KVMETER_TOP/scripts/root.sh" "$(kernel_base "$kernel")")
pin_root "$root"
debug='' kdir=()
if [ -n "$(kernel_flavour "$kernel")" ]; then
	debug=$("$KVMETER_TOP/scripts/debug-kernel.sh" "$(kernel_base "$kernel")" "$(kernel_flavour "$kernel")")
	pin_root "$debug"
	kdir=(KDIR=/out)
fi
ksrc=$("$KVMETER_TOP/scripts/src.sh")
release=$(root_release "$root")
build=$KVMETER_TOP/build/$kernel
log=$build/build.log
mkdir -p "$build/src"

exec {lock}>"$build/lock"
flock "$lock"

# What belongs to the source, as names relative to the top, each ended by a NUL.
list_files()
{
	if git -c safe.directory='*' -C "$KVMETER_TOP" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory='*' -C "$KVMETER_TOP" ls-files -z --cached --others --exclude-standard
	else
		(cd "$KVMETER_TOP" && find . -name .git -prune -o -path ./build -prune -o ! -type d -printf '%P\0')
	fi | grep -zv '^build/' | sort -zu | while IFS= read -r -d '' file; do
		# Git also knows files that are no longer there.
		[ ! -e "$KVMETER_TOP/$file" ] || printf '%s\0' "$file"
	done
}

copy_files()
{
	list_files >"$build/files.new"
	# A file that left the source leaves the copy too.
	if [ -e "$build/files" ]; then
		comm -z -23 "$build/files" "$build/files.new" | (cd "$build/src" && xargs -0r rm -f --)
	fi
	(cd "$KVMETER_TOP" && xargs -0r cp -pu --parents -t "$build/src" --) <"$build/files.new"
	mv "$build/files.new" "$build/files"
}

# The mounts are made in a namespace of their own and so are gone with its last process.
run_make()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m --propagation private bash -eu -c '
		root=$1 src=$2 ksrc=$3 debug=$4
		shift 4
		mount --bind "$root" "$root"
		cd "$root"
		mount -o remount,bind,ro "$root"
		mount --bind "$src" kvmeter
		mount --bind "$ksrc" ksrc
		mount -o remount,bind,ro ksrc
		[ -z "$debug" ] || { mount --bind "$debug/build" out; mount -o remount,bind,ro out; }
		mount -t proc proc proc
		mount --rbind /sys sys
		mount --rbind /dev dev
		mount -t tmpfs tmpfs tmp
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \
			chroot . make -C /kvmeter "$@"' \
		build "$root" "$build/src" "$ksrc" "$debug" \
		"-j$(nproc)" --no-print-directory "KREL=$release" KSRC=/ksrc "${kdir[@]}" "$@"
}

copy_files
if [ $# -gt 0 ] || [ -n "${V:-}" ]; then
	[ $# -gt 0 ] || set -- all selftests
	run_make "$@" </dev/null 2>&1 | tee "$log"
elif ! run_make all selftests >"$log" 2>&1 </dev/null; then
	cat "$log" >&2
	die "the build for $kernel failed: its output is above, and in ${log#"$KVMETER_TOP/"}"
fi
