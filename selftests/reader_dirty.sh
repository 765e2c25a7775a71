# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A guest for the tests of the reader that writes to memory: a stock QEMU that boots one sector.
#
# Sourced after reader.sh, never run.
#
# shellcheck disable=SC2154

# Memory it writes to, a word a page: [writer_first, writer_first + writer_pages), round and round.
writer_first=$((16 << 20))
writer_pages=2048
writer_mib=64

# make_sector FILE: what the guest boots
make_sector()
{
	cat >"$tmp/sector.S" <<-EOF
		.code16
		.globl _start
		_start:
			cli
			xorw	%ax, %ax
			movw	%ax, %ds
			lgdtl	gdt_place
			movl	%cr0, %eax
			orb	\$1, %al
			movl	%eax, %cr0
			ljmp	\$8, \$flat
		.code32
		flat:
			movw	\$16, %ax
			movw	%ax, %ds
		again:
			movl	\$$writer_first, %edi
			movl	\$$writer_pages, %ecx
		page:
			incl	(%edi)
			addl	\$4096, %edi
			movl	\$2000, %edx
		pause:
			decl	%edx
			jnz	pause
			decl	%ecx
			jnz	page
			jmp	again
			.balign 8
		gdt:
			.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
		gdt_place:
			.word	. - gdt - 1
			.long	gdt
			.org	510
			.word	0xaa55
	EOF
	gcc -nostdlib -no-pie -Wl,-Ttext=0x7c00,--oformat=binary,--build-id=none -m32 -o "$1" "$tmp/sector.S"
}

# start_writer NAME [QEMU-ARGUMENT...]: its QMP socket is $tmp/NAME.qmp
start_writer()
{
	local name=$1

	[ -e "$tmp/sector" ] || make_sector "$tmp/sector" || return
	"$qemu" -accel kvm -m "$writer_mib" -nodefaults -display none -name "$name" \
		-drive "file=$tmp/sector,format=raw,if=floppy,readonly=on" -boot a \
		-qmp "unix:$tmp/$name.qmp,server=on,wait=off" "${@:2}" &
	guests+=($!)
}

# wait_until SECONDS COMMAND...: until it succeeds
wait_until()
{
	local deadline=$((SECONDS + $1))

	until "${@:2}"; do
		[ "$SECONDS" -lt "$deadline" ] || fail "not within $1 s: ${*:2}" || return
		sleep 0.2
	done
}

is_mapped()
{
	works list "$1" --json && json 'd[0]["vms"][0]["pages_4k"] + d[0]["vms"][0]["pages_2m"] > 0'
}

# await_writer NAME: until it writes, as far as can be told
await_writer()
{
	wait_until 60 is_mapped "$1" || { echo "Bail out! the guest $1 did not start: $why"; return 1; }
	sleep 2
}

# qmp NAME COMMAND [ARGUMENTS]: what its monitor answers, as JSON
qmp()
{
	python3 -c '
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")
f.readline()
for command in ({"execute": "qmp_capabilities"}, {"execute": sys.argv[2], "arguments": json.loads(sys.argv[3])}):
	f.write(json.dumps(command) + "\n")
	f.flush()
	answer = json.loads(f.readline())
	while "event" in answer:
		answer = json.loads(f.readline())
print(json.dumps(answer))
sys.exit("return" not in answer)
' "$tmp/$1.qmp" "$2" "${3:-{\}}"
}
