#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make, or find in the cache, the Debian root of one kernel, and print its path.
#
#   scripts/root.sh KERNEL        KERNEL is one of 6.1, 6.12, 7.2
#   scripts/root.sh bochs         a root that holds the emulator of the intel leg, compiled from Debian's source
#   scripts/root.sh compile-KERNEL  a root with that kernel's source, and what compiles it
#
# The root is where the module is built for that kernel, and the root file system of the lab host that
# runs it. Its name carries a hash of what it is made from; a root that is half made is never used.
#
# Environment: KVMETER_CACHE (~/.cache/kvmeter), KVMETER_MIRROR (http://deb.debian.org/debian).

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# = 1 ] || usage 2 >&2

kernel=$1
read -r suite preferred <<<"$(kernel_suites "$kernel")"
packages=$(kernel_packages "$kernel")

# What installs the newest kernel of the series, as a hook of mmdebstrap's, where $1 is the root. The package that has
# no version in its name will not do: a suite goes on to a later series, and keeps the ones before.
print_kernel_hook()
{
	local series=${1//./\\.}

	cat <<-END
		release=\$(chroot "\$1" apt-cache pkgnames "linux-image-$1." |
			sed -nE 's/^linux-image-($series\.[0-9.]+[+-][a-z0-9]+-amd64)\$/\1/p' | sort -V | tail -n 1)
		[ -n "\$release" ] || { echo "E: no kernel $1 in this suite" >&2; exit 1; }
		chroot "\$1" apt-get -q -y install "linux-image-\$release" "linux-headers-\$release"
	END
}

# Debian's own Bochs has a debugger, instrumentation and much else that has to be asked about at each instruction:
# without, it executes half as many again.
print_bochs_hook()
{
	cat <<-'END'
		chroot "$1" sh -eu -c '
			cd /tmp
			apt-get -q source --download-only --tar-only bochs
			mkdir bochs
			tar -xf bochs_*.orig.tar.* -C bochs --strip-components=1
			cd bochs
			# An interrupt must end a guest that was entered with interrupts off, too: SDM vol. 3, "Other Causes of VM Exits".
			sed -i "s/^  BX_CPU_THIS_PTR in_vmx_guest = true;\$/&\n  handleInterruptMaskChange();/" cpu/vmx.cc
			[ "$(grep -c "^  handleInterruptMaskChange();" cpu/vmx.cc)" = 1 ]
			./configure --enable-cpu-level=6 --enable-x86-64 --enable-long-phy-address --enable-vmx=2 \
				--enable-fpu --enable-avx --enable-evex --enable-protection-keys --enable-cet --enable-uintr \
				--enable-memtype --enable-a20-pin --enable-pci --enable-cdrom --enable-all-optimizations \
				--disable-show-ips --disable-stats --disable-docbook --with-nogui CFLAGS=-O2 CXXFLAGS=-O2
			make -s -j"$(nproc)"
			install bochs /usr/local/bin/
			cd ..
			rm -r bochs*'
	END
}

# What installs a kernel, or what takes its place.
print_hook()
{
	case $kernel in
	bochs) print_bochs_hook ;;
	compile-*) echo true ;;
	*) print_kernel_hook "$kernel" ;;
	esac
}

# The functions' own text is part of the key: a change here makes a new root.
make_root()
{
	local dir=$1 debs=$2 s
	local sources=() args=()

	for s in $suite $preferred; do
		sources+=("deb $KVMETER_MIRROR $s main")
	done
	if [ -n "$preferred" ]; then
		args+=("--setup-hook=printf 'Package: *\nPin: release n=$preferred\nPin-Priority: 600\n' \
			>\"\$1/etc/apt/preferences.d/kvmeter\"")
	fi

	[ "$kernel" != bochs ] || sources+=("deb-src $KVMETER_MIRROR $suite main")

	# The lab boots with an initramfs of its own: INITRD=No spares Debian's.
	INITRD=No mmdebstrap --mode=root --variant=minbase --include="${packages// /,}" \
		--aptopt='Acquire::Retries "5"' \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt=force-unsafe-io \
		--skip=essential/unlink,download/empty,cleanup/apt/cache \
		--setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"" \
		--setup-hook="cp -l '$debs'/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || true" \
		"${args[@]}" \
		--customize-hook="$(print_hook)" \
		--customize-hook="chroot \"\$1\" apt-get -q autoclean" \
		--customize-hook="rm -rf '$debs.new' && mkdir '$debs.new'" \
		--customize-hook="mv \"\$1\"/var/cache/apt/archives/*.deb '$debs.new/'" \
		--customize-hook="rm -rf '$debs' && mv '$debs.new' '$debs'" \
		--customize-hook="rm -rf \"\$1\"/var/cache/apt/* \"\$1\"/var/lib/apt/lists/*" \
		--customize-hook="mkdir \"\$1/kvmeter\" \"\$1/ksrc\" \"\$1/out\"" \
		--customize-hook="echo kvmeter >\"\$1/etc/hostname\"" \
		--customize-hook="rm -f \"\$1/etc/resolv.conf\"" \
		"$suite" "$dir" "${sources[@]}"
}

key=$(printf '%s\n' "$suite" "$preferred" "$packages" "$(declare -f make_root) $(print_hook)" | sha256sum | cut -c1-12)
roots=$KVMETER_CACHE/roots
root=$roots/$kernel-$key
mkdir -p "$roots" "$KVMETER_CACHE/debs/$kernel"

exec {lock}>"$roots/$kernel.lock"
flock "$lock"
if [ -d "$root" ]; then
	echo "$root"
	exit 0
fi

[ "$(id -u)" = 0 ] || die "making the root of $kernel needs root"
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: run scripts/deps.sh"

# A name that no root has, so that what an interrupted run left behind is known and removed.
partial=$roots/partial-$kernel
log=$roots/$kernel.log
rm -rf --one-file-system "$partial"
trap 'rm -rf --one-file-system "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "making the root of $kernel from Debian ${preferred:-$suite}: a few minutes, once"
if ! make_root "$partial" "$KVMETER_CACHE/debs/$kernel" >"$log" 2>&1 </dev/null; then
	tail -n 25 "$log" >&2
	die "mmdebstrap failed for $kernel: all of it is in $log"
fi
case $kernel in
bochs | compile-*) ;;
*) root_release "$partial" >/dev/null ;;
esac

mv "$partial" "$root"
remove_unused "$roots/$kernel-" "$root"
say "the root of $kernel is ready"
echo "$root"
