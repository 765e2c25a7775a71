#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build, once, the KVM selftests of a kernel's own source, unmodified, and print the directory that holds them.
#
#   scripts/kvm-selftests.sh KERNEL
#
# The source is Debian's linux-source of the release that the root of KERNEL has; where the root has no such
# package it is fetched alone, from the root's own suites. Which programs are built says selftests/kvm_suite;
# one that the release does not have, or that cannot be built, is left out, and is named in the file "left-out".
# What make said is in build.log beside it.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# = 1 ] || usage 2 >&2

# What of the source takes part in it.
parts=(
	Kbuild
	Makefile
	arch/x86/Makefile
	arch/x86/entry/syscalls
	arch/x86/include
	arch/x86/tools
	include
	scripts
	tools/arch/x86
	tools/build
	tools/include
	tools/lib
	tools/scripts
	tools/testing/selftests
	usr/include
)

# list_programs: what selftests/kvm_suite names, a line each
list_programs()
{
	sed -n '/^[a-z]/s/[[:space:]].*//p' "$KVMETER_TOP/selftests/kvm_suite" | sort -u
}

# fetch_source: the package, checked by apt as any other, and kept as long as the release is the root's
fetch_source()
{
	local lists=$KVMETER_CACHE/linux-source/lists
	local apt=(apt-get -q -o Dir="$root" -o Dir::State::Lists="$lists" -o Dir::Cache="$lists/cache"
		-o Acquire::Retries=5 -o APT::Sandbox::User=root)

	rm -rf "$lists"
	mkdir -p "$lists/partial" "$lists/cache/archives/partial"
	say "fetching $package $version"
	# The mirror may have gone on since the root was made.
	(cd "$lists" && "${apt[@]}" update && { "${apt[@]}" download "$package=$version" || "${apt[@]}" download "$package"; }) \
		>"$log" 2>&1 </dev/null || {
		tail -n 15 "$log" >&2
		die "no $package: all of it is in $log"
	}
	remove_others "$deb"
	mv "$lists/$package"_*.deb "$deb"
	rm -rf "$lists"
}

# remove_others KEEP: of the packages for this kernel
remove_others()
{
	find "${1%/*}" -maxdepth 1 -name "$kernel-*.deb" ! -path "$1" -delete
}

# unpack_source: what takes part, into $partial/linux
unpack_source()
{
	local tarball=$root/usr/src/$package.tar.xz

	mkdir "$partial/linux"
	if [ -e "$tarball" ]; then
		cat "$tarball"
	else
		[ -e "$deb" ] || fetch_source
		dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$package.tar.xz"
	fi | tar -xJ -C "$partial/linux" --strip-components=1 --no-same-owner "${parts[@]/#/$package/}"
}

# The kernel's headers first, as its selftests take them from its own tree. Then each program by itself, so that one
# that this compiler does not like costs no other. From 6.14 on the directory of those for x86 has another name.
build_programs()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m --propagation private bash -eu -c '
		root=$1 partial=$2
		shift 2
		mount --bind "$root" "$root"
		cd "$root"
		mount -o remount,bind,ro "$root"
		mount --bind "$partial" ksrc
		mount -t proc proc proc
		mount --rbind /dev dev
		mount -t tmpfs tmpfs tmp
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \
			chroot . bash -eu -c "$@"' \
		build "$root" "$partial" '
		tests=/ksrc/linux/tools/testing/selftests/kvm
		make -C /ksrc/linux -j"$(nproc)" headers
		arch=x86
		[ ! -d "$tests/x86_64" ] || arch=x86_64
		goals=()
		for name; do
			if [ -e "$tests/$name.c" ]; then
				goals+=("$tests/$name")
			elif [ -e "$tests/$arch/$name.c" ]; then
				goals+=("$tests/$arch/$name")
			else
				echo "$name" >>/ksrc/left-out
			fi
		done
		# build [ARGUMENT...]: those of the goals that are not there yet
		build()
		{
			local missing=() goal

			for goal in "${goals[@]}"; do
				[ -x "$goal" ] || missing+=("$goal")
			done
			[ "${#missing[@]}" = 0 ] ||
				make -C "$tests" -k -j"$(nproc)" ARCH=x86_64 OUTPUT="$tests" "$@" "${missing[@]}" || true
		}
		build
		# What a stable release has taken over from later ones may lack a name.
		build EXTRA_CFLAGS="-DTEST_ASSERT_EQ=ASSERT_EQ -include /ksrc/linux/usr/include/linux/stddef.h"
		built=0
		for goal in "${goals[@]}"; do
			if [ -x "$goal" ]; then
				strip -o "/ksrc/${goal##*/}" "$goal"
				built=1
			else
				echo "${goal##*/}" >>/ksrc/left-out
			fi
		done
		[ $built = 1 ]' build "${programs[@]}"
}

kernel=$1
check_kernel "$kernel"
[ "$(id -u)" = 0 ] || die "building in a chroot needs root"
root=$("$KVMETER_TOP/scripts/root.sh" "$kernel")
pin_root "$root"
release=$(root_release "$root")
# The version that the kernel of the root was built from.
version=$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Version}' "linux-image-$release")
package=linux-source-$(cut -d. -f1,2 <<<"$release")
mapfile -t programs < <(list_programs)
key=$(printf '%s\n' "$version" "${parts[@]}" "${programs[@]}" "$(declare -f build_programs)" | sha256sum | cut -c1-12)
dir=$KVMETER_CACHE/kvm-selftests/$kernel-$key
deb=$KVMETER_CACHE/linux-source/$kernel-$version.deb
log=$KVMETER_CACHE/linux-source/$kernel.log
mkdir -p "${dir%/*}" "${deb%/*}"

exec {lock}>"$KVMETER_CACHE/kvm-selftests/$kernel.lock"
flock "$lock"
if [ ! -d "$dir" ]; then
	partial=$KVMETER_CACHE/kvm-selftests/partial-$kernel
	rm -rf --one-file-system "$partial"
	trap 'rm -rf --one-file-system "$partial"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	mkdir "$partial"
	unpack_source
	say "building the KVM selftests of $package $version"
	: >"$partial/left-out"
	build_programs >"$partial/build.log" 2>&1 </dev/null || {
		tail -n 25 "$partial/build.log" >&2
		die "the KVM selftests of $kernel cannot be built"
	}
	rm -rf --one-file-system "$partial/linux"
	mv "$partial" "$dir"
	remove_unused "$KVMETER_CACHE/kvm-selftests/$kernel-" "$dir"
fi
echo "$dir"
