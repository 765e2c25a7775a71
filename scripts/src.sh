#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack, once, the parts of Debian's linux-source that the build uses, and print the directory.
#
#   scripts/src.sh
#
# They are the selftest harness, checkpatch and its word lists, and the names of VMX and SVM exit reasons,
# all of kernel 6.1, under the paths they have in the kernel tree. Nothing of them is copied into this repository.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# = 0 ] || usage 2 >&2

parts=(
	arch/x86/include/uapi/asm/svm.h
	arch/x86/include/uapi/asm/vmx.h
	scripts/checkpatch.pl
	scripts/const_structs.checkpatch
	scripts/spelling.txt
	tools/scripts
	tools/testing/selftests/kselftest
	tools/testing/selftests/kselftest.h
	tools/testing/selftests/kselftest_harness.h
	tools/testing/selftests/lib.mk
	tools/testing/selftests/run_kselftest.sh
)

root=$("$KVMETER_TOP/scripts/root.sh" 6.1)
version=$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Version}' linux-source-6.1)
key=$(printf '%s\n' "${parts[@]}" | sha256sum | cut -c1-12)
src=$KVMETER_CACHE/src/$version-$key
mkdir -p "$KVMETER_CACHE/src"

exec {lock}>"$KVMETER_CACHE/src/lock"
flock "$lock"
if [ ! -d "$src" ]; then
	partial=$KVMETER_CACHE/src/partial
	rm -rf "$partial"
	mkdir "$partial"
	trap 'rm -rf "$partial"' EXIT
	say "unpacking linux-source $version"
	tar -xJf "$root/usr/src/linux-source-6.1.tar.xz" -C "$partial" --strip-components=1 --no-same-owner \
		"${parts[@]/#/linux-source-6.1/}"
	mv "$partial" "$src"
	remove_unused "$KVMETER_CACHE/src/6.1" "$src"
fi
echo "$src"
