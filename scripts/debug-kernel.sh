#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Compile, or find in the cache, a kernel with checkers, and print the directory it is in.
#
#   scripts/debug-kernel.sh KERNEL FLAVOUR
#
#   KERNEL    6.1 or 7.2: the Debian release whose kernel source, compiler and userland are taken
#   FLAVOUR   kasan: KASAN, UBSAN, lockdep, kmemleak, debug objects, sleeping in atomic context, fault injection
#             kcsan: data races
#
# The configuration is that of debug.config and debug-FLAVOUR.config beside this script, and Kconfig's defaults
# for the rest; an option that Kconfig does not take as written there is an error, unless the kernel does not have
# it. A quarter of an hour for each kernel on two CPUs, and 2 GiB of disk while it is compiled.
#
# In the directory: vmlinuz; root/, with lib/modules/RELEASE; release; config; and build/, against which modules are
# built in the root of KERNEL, where it is on /out, as when the kernel was compiled. The name has a hash of what it is made
# from; one that is half made is never used.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# = 2 ] || usage 2 >&2

kernel=$1 flavour=$2
scripts=$KVMETER_TOP/scripts
check_kernel "$kernel"
fragments=("$scripts/debug.config" "$scripts/debug-$flavour.config")
[ -e "${fragments[1]}" ] || die "unknown flavour '$flavour'"

# In the root, with the directory mounted on /out; in a namespace that ends with it.
in_root()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m --propagation private sh -eu -c '
		mount --bind "$1" "$2/out"
		mount -t proc proc "$2/proc"
		mount --rbind /dev "$2/dev"
		mount -t tmpfs -o mode=1777 tmpfs "$2/tmp"
		root=$2
		shift 2
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \
			chroot "$root" "$@"' sh "$partial" "$root" "$@"
}

# What is run there, one function after the other; their text is part of the key.
configure()
{
	cd /out
	tar -xJf /usr/src/linux-source-*.tar.xz --strip-components=1 --no-same-owner -C /out
	# It is the module's accesses that are to be checked, and those of kvm: with checks in all of the kernel it is twice as
	# long until it is compiled, and until anything has run. Races have another side, which is mostly in kernel/.
	find arch/x86 block certs crypto drivers fs init io_uring ipc kernel lib mm net security sound \
		-path arch/x86/kvm -prune -o -name Makefile -exec sed -i '1i KASAN_SANITIZE := n\nUBSAN_SANITIZE := n' {} +
	find block certs crypto drivers fs init io_uring ipc lib mm net security sound \
		-name Makefile -exec sed -i '1i KCSAN_SANITIZE := n' {} +
	# Nor are more of the kernel's types asked for than kernel/ and kvm have.
	find arch/x86/events arch/x86/kernel arch/x86/lib arch/x86/mm arch/x86/pci \
		block certs crypto drivers fs init io_uring ipc lib mm net security sound \
		-name Makefile -exec sed -i '1i ccflags-y += -g0' {} +
	# What the module hooks by name stays a function, as in Debian's kernels.
	sed -i '1i ccflags-y += -fno-inline-functions-called-once' arch/x86/kvm/Makefile
	make -s ARCH=x86_64 KCONFIG_ALLCONFIG=/out/fragment alldefconfig
	grep -E '^CONFIG_[A-Z0-9_]+=' fragment | while IFS='=' read -r option value; do
		if [ "$value" = n ]; then
			! grep -q "^$option=" .config || echo "$option is not off"
		elif ! grep -qxF "$option=$value" .config; then
			if grep -rqE --include='Kconfig*' "^[[:space:]]*(menu)?config ${option#CONFIG_}\$" .; then
				echo "$option is not $value"
			fi
		fi
	done >wrong
	if [ -s wrong ]; then
		cat wrong >&2
		exit 1
	fi
}

compile()
{
	cd /out
	make -s "-j$1" ARCH=x86_64 KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=kvmeter KBUILD_BUILD_HOST=lab \
		bzImage modules
}

# What is kept: of the tree, what modules are built with.
keep()
{
	cd /out
	mkdir -p kept/build kept/root/usr/lib
	ln -s usr/lib kept/root/lib
	make -s ARCH=x86_64 INSTALL_MOD_PATH=/out/kept/root INSTALL_MOD_STRIP=1 modules_install
	rm -f kept/root/lib/modules/*/build kept/root/lib/modules/*/source
	make -s ARCH=x86_64 kernelrelease >kept/release
	cp arch/x86/boot/bzImage kept/vmlinuz
	cp .config kept/config
	{
		find . arch/x86 -maxdepth 1 \( -name 'Makefile*' -o -name 'Kbuild*' \)
		find arch/x86/include include scripts -type f -o -type l
		find .config Module.symvers System.map tools/objtool/objtool
	} | grep -v '\.o$' | tar -c -T - | tar -x -C kept/build
}

read -r suite preferred <<<"$(kernel_suites "$kernel")"
key=$(cat "${fragments[@]}" - <<<"$suite $preferred $(declare -f configure compile keep)" | sha256sum | cut -c1-12)
kernels=$KVMETER_CACHE/debug
built=$kernels/$kernel-$flavour-$key
mkdir -p "$kernels"

exec {lock}>"$kernels/$kernel-$flavour.lock"
flock "$lock"
if [ -d "$built" ]; then
	echo "$built"
	exit 0
fi

[ "$(id -u)" = 0 ] || die "compiling in a chroot needs root"
root=$("$scripts/root.sh" "compile-$kernel")
pin_root "$root"
partial=$kernels/partial-$kernel-$flavour
log=$kernels/$kernel-$flavour.log
: >"$log"
rm -rf --one-file-system "$partial"
mkdir "$partial"
child=

# What compiles is a process group of its own, so that all of it can be ended.
cleanup()
{
	if [ -n "$child" ]; then
		kill -- "-$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	rm -rf --one-file-system "$partial"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run STEP: in the root
run()
{
	local status=0

	set -m
	in_root /bin/bash -eu -o pipefail -c "$(declare -f "$1"); $1 \$1" bash "$(nproc)" >>"$log" 2>&1 </dev/null &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	return $status
}

say "compiling the kernel $kernel-$flavour: a quarter of an hour or more, once"
{
	cat "${fragments[@]}"
	echo "CONFIG_LOCALVERSION=\"-$flavour\""
} >"$partial/fragment"
for step in configure compile keep; do
	run "$step" || {
		tail -n 25 "$log" >&2
		die "cannot $step the kernel $kernel-$flavour: all of it is in $log"
	}
done
mv "$partial/kept" "$built"
remove_unused "$kernels/$kernel-$flavour-" "$built"
say "the kernel $kernel-$flavour is ready"
echo "$built"
