#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack, once, the kernel of a root, so that Bochs need not, and print the path of the result.
#
#   scripts/lab-kernel.sh ROOT [IMAGE]       default: the kernel in the root; its tools are used in any case
#
# A bzImage holds a compressed kernel and code to unpack it, which takes an emulated CPU the better part of a boot.
# The result is a bzImage too, with the same setup code and the very same kernel, not compressed, behind lab-boot.S.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage ;;
esac
[ $# = 1 ] || [ $# = 2 ] || usage 2 >&2

root=$1
name=${root##*/}
image=${2:-$root/boot/vmlinuz-$(root_release "$root")}
[ $# = 1 ] || name=$(basename "$(dirname "$image")")
boot=$KVMETER_TOP/scripts/lab-boot.S
key=$(cat "$boot" "$0" | sha256sum | cut -c1-12)
kernel=$KVMETER_CACHE/kernels/$name-$key
mkdir -p "$KVMETER_CACHE/kernels"

exec {lock}>"$KVMETER_CACHE/kernels/lock"
flock "$lock"
if [ -e "$kernel" ]; then
	echo "$kernel"
	exit 0
fi

tmp=$(mktemp -d "$KVMETER_CACHE/kernels/partial.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cp "$boot" "$tmp/"
cp "$image" "$tmp/vmlinuz"

# In the root, for its tools; the mount ends with the namespace.
# shellcheck disable=SC2016 # expanded by the inner shell
unshare -m --propagation private sh -eu -c 'mount --bind "$1" "$2/out"; shift; exec chroot "$@"' sh "$tmp" "$root" \
	/bin/bash -eu -c '
	cd /out
	python3 - vmlinuz <<-"END"
		import lzma, struct, subprocess, sys

		# Offsets: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
		image = open(sys.argv[1], "rb").read()
		setup = (image[0x1f1] + 1) * 512
		offset, length = struct.unpack_from("<II", image, 0x248)
		packed = image[setup + offset:setup + offset + length - 4]
		if packed[:4] == b"\x28\xb5\x2f\xfd":
		    kernel = subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE, check=True).stdout
		else:
		    kernel = lzma.decompress(packed)
		open("vmlinux", "wb").write(kernel)
		open("setup", "wb").write(image[:setup])
		open("entry", "w").write("%#x" % struct.unpack_from("<Q", kernel, 0x18))
	END
	# Memory that the kernel only claims, at its end, need not be loaded.
	objcopy -O binary -S -R .init.scratch vmlinux flat
	start=$(readelf -lW vmlinux | awk "\$1 == \"LOAD\" { print \$4; exit }")
	gcc -c -Wa,--defsym,ENTRY="$(cat entry)" -o boot.o lab-boot.S
	objcopy -O binary boot.o boot.bin
	ld -Ttext "$(printf "%#x" $((start - $(stat -c %s boot.bin))))" -e _start --oformat binary -o boot.bin boot.o
	python3 - "$start" <<-"END"
		import struct, sys

		setup = bytearray(open("setup", "rb").read())
		boot = open("boot.bin", "rb").read()
		code = boot + open("flat", "rb").read()
		code += bytes(-len(code) % 16)
		init_size, = struct.unpack_from("<I", setup, 0x260)
		struct.pack_into("<I", setup, 0x1f4, len(code) // 16)
		struct.pack_into("<IBB", setup, 0x230, 4096, 1, 12)
		struct.pack_into("<QI", setup, 0x258, int(sys.argv[1], 0) - len(boot), max(init_size, len(code)) + len(boot))
		open("kernel", "wb").write(setup + code)
	END' \
	bash || die "cannot unpack $image"

mv "$tmp/kernel" "$kernel"
find "$KVMETER_CACHE/kernels" -name "$name-*" ! -name "${kernel##*/}" -delete
echo "$kernel"
