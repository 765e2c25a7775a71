#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot an emulated KVM host, run one command in it, and pass on its output and its exit status.
#
#   scripts/lab.sh --leg LEG --kernel KERNEL [OPTION...] -- COMMAND [ARGUMENT...]
#
#   --leg amd|intel     amd: QEMU's TCG, SVM with nested paging. intel: Bochs, VMX with EPT and PML
#   --kernel KERNEL     6.1, 6.12 or 7.2: a stock Debian kernel, in the Debian root it comes from.
#                       KERNEL-FLAVOUR, as 6.1-kasan: one with checkers, by scripts/debug-kernel.sh, in the same root
#   --share DIR         what the host has at /kvmeter, the command's directory (default build/KERNEL/src)
#   --out DIR           what the command writes to /out is in DIR afterwards
#   --file SRC:DEST     put the file or directory SRC into the host as DEST, an absolute path; may be repeated
#   --prog NAME         intel only: the host also gets this program of the root; may be repeated
#   --timeout SECONDS   of real time, for all of it (default 120 on amd, 300 on intel; with checkers 5 times that)
#   --mem MIB           memory of the host (default 2048 on amd, 512 on intel; 1024 more on a kernel with checkers)
#   --cpus N            CPUs of the host (default 2; intel has 1)
#   --parallel          amd only: a thread of the emulator for each CPU; for real guests, which crawl without.
#                       With more than one CPU the emulator hangs now and then
#   --icount            one CPU on which a nanosecond is an instruction; figures repeat
#   --virtual-time      one CPU on which 16 ns are an instruction, as by default on intel: for what compares clocks, as
#                       time does not go on there while the emulator waits for a CPU. With checkers 2 ns, as a kernel with
#                       them executes about 8 instructions where a stock one executes one
#   --uefi KEYS         amd only: boot by a UEFI firmware whose variables have these keys and Secure Boot: "snakeoil", the
#                       key of Debian's package ovmf that everybody has. The kernel heeds them; the firmware checks nothing
#   --append ARGUMENTS  more for the kernel's command line
#   --no-kvm            do not load kvm before the command
#   --log FILE          keep the kernel's console in FILE
#   -v                  show the kernel's console on standard error as it comes
#
# The host has the usual file systems mounted (debugfs, tracefs, bpffs at /sys/fs/bpf, cgroup2), kvm loaded and
# a writable /, all of it forgotten at the end. On amd, / is the whole root of that kernel; on intel, a shell,
# busybox, the --prog programs and /kvmeter without sources and objects, all with the libraries they need.
# The command's environment has KVMETER_LEG, KVMETER_KERNEL and KVMETER_FLAVOUR (empty with a stock kernel); its output is
# a serial line, its input empty.
#
# On a kernel with kmemleak memory is searched for leaks after the command, and what is found is in the kernel's log. Of
# what KCSAN reports, races among the kernel's own accesses do not count, but those that have kvmeter on a stack.
#
# Exit status: the command's own, or, with a line "lab: LEG/KERNEL: ..." on standard error that says so:
#   120  the lab cannot run: something is missing, or the host did not get as far as the command
#   121  the host's kernel panicked (an oops panics too)
#   122  the host's kernel logged a WARNING, BUG, stall, call trace or the like while the command ran,
#        whatever the command's own status
#   123  no verdict: the host went down without giving the command's status
#   124  time is up: the host, or the command in it, hangs
#   125  the emulator crashed, which tells nothing of the host: QEMU's TCG does so now and then under guests that
#        are guests themselves
#   130, 143  interrupted, terminated
#
# A boot takes about 8 s on amd and 12 s on intel.

. "$(dirname "$0")/lib.sh"

leg='' kernel='' share='' out='' timeout='' mem='' cpus='' icount='' uefi='' threads=single rtc='' append='' kvm=1 log='' verbose='' tmp='' debug=''
files=() progs=() pids=()

bad_usage()
{
	say "$*"
	usage 120 >&2
}

# lab_exit STATUS TEXT: the lab's own verdict.
lab_exit()
{
	printf 'lab: %s/%s: %s\n' "$leg" "$kernel" "$2" >&2
	exit "$1"
}

show_console()
{
	printf -- '---- the end of the console ----\n' >&2
	tail -n 40 "$tmp/console" | tr -d '\r' >&2
	printf -- '--------------------------------\n' >&2
}

# shellcheck disable=SC2317 # run by the trap
cleanup()
{
	local status=$? pid

	trap - EXIT
	# What ended us may have ended the reader of our output too, or may come again.
	trap '' INT TERM HUP PIPE
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	if [ -n "$tmp" ]; then
		if [ -n "$log" ] && [ -e "$tmp/console" ]; then
			tr -d '\r' <"$tmp/console" >"$log" || true
		fi
		rm -rf --one-file-system "$tmp"
	fi
	exit "$status"
}

# start COMMAND...: run it in the background, with the death of this script as its own.
start()
{
	setpriv --pdeathsig KILL "$@" &
	pids+=("$!")
}

# quote ARGUMENT...: for a POSIX shell to read back.
quote()
{
	local word

	for word; do
		printf " '%s'" "${word//\'/\'\\\'\'}"
	done
}

# unpack_module MODULE DIR: copy it and what it needs, uncompressed, and print the names in load order.
unpack_module()
{
	local path name

	# The root's modprobe reads the modules in $module_root, wherever that is; the mount ends with the namespace.
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m --propagation private sh -eu -c 'mount --bind "$1" "$2/out"; shift; exec chroot "$@"' sh \
		"$module_root" "$root" modprobe -d /out -S "$release" --show-depends "$1" | while read -r verb path _; do
		[ "$verb" = insmod ] || continue
		name=${path##*/}
		name=${name%.ko*}
		path=$module_root/${path#/out/}
		case $path in
		*.xz) xz -dc "$path" >"$2/$name.ko" ;;
		*.zst) zstd -qdc "$path" >"$2/$name.ko" ;;
		*) cp "$path" "$2/$name.ko" ;;
		esac
		echo "$name"
	done
}

# make_initrd MODULE...: busybox, the modules, lab-init.sh and what it is to do.
make_initrd()
{
	local dir=$tmp/initrd.d module modules=

	mkdir -p "$dir/bin" "$dir/.lab/modules"
	cp "$root/bin/busybox" "$dir/bin/"
	ln -s busybox "$dir/bin/sh"
	install -m 755 "$KVMETER_TOP/scripts/lab-init.sh" "$dir/.lab/init"
	ln -s .lab/init "$dir/init"
	for module; do
		modules+=" $(unpack_module "$module" "$dir/.lab/modules" | tr '\n' ' ')"
	done
	# Each once, at its first place.
	modules=$(tr -s ' ' '\n' <<<"$modules" | awk 'NF && !seen[$1]++' | tr '\n' ' ')
	{
		printf 'lab_leg=%s\nlab_kernel=%s\nlab_nonce=%s\n' "$leg" "$base" "$nonce"
		printf 'lab_flavour=%s\n' "$flavour"
		printf "lab_modules='%s'\nlab_kvm=%s\n" "$modules" "${kvm:+kvm_$leg}"
		printf 'lab_share=%s\nlab_out=%s\nlab_rtc=%s\n' "${share:+1}" "${out:+1}" "$rtc"
	} >"$dir/.lab/conf"
	echo "exec$(quote "${command[@]}")" >"$dir/.lab/command"
	(cd "$dir" && find . | cpio --quiet -o -H newc -R 0:0) >"$tmp/initrd"
}

# By default one thread runs all CPUs in turn. With a thread for each, a CPU of QEMU's can go on executing kernel code
# that another has just patched, for ever if that is an int3 that the kernel knows nothing of any more: both CPUs then
# stand at a patched instruction with interrupts off. So what wants real guests, which crawl in one thread, and is not
# to hang has --parallel and --cpus 1.
#
# While KVM waits for a guest to let an interrupt in, QEMU can lose one for the host: at each entry VMRUN's helper says that
# the guest's is pending by a word which timers change at the same moment, and only they with a lock. The local APIC has
# the interrupt in IRR then, but the CPU does not know, and sleeps, or runs its guest on, until there is another one. If it
# was the timer's there may be none, on two CPUs neither. So the real-time clock interrupts 16 times a second; as long as
# there is an HPET, that has its line. Where instructions are counted, timers run in the thread of the CPUs.
start_amd()
{
	local args=()

	if [ -z "$icount" ]; then
		rtc=1
		kernel_args+=" hpet=disable"
	fi
	make_initrd virtio_pci 9pnet_virtio 9p overlay
	if [ -n "$icount" ]; then
		cpus=1
		args+=(-icount "shift=$icount,sleep=off")
	fi
	if [ -n "$uefi" ]; then
		cp "$ovmf/OVMF_VARS_4M.$uefi.fd" "$tmp/vars.fd" || lab_exit 120 "there is no firmware with keys '$uefi'"
		args+=(-drive "if=pflash,format=raw,readonly=on,file=$ovmf/OVMF_CODE_4M.fd"
			-drive "if=pflash,format=raw,file=$tmp/vars.fd")
	fi
	[ -z "$share" ] || args+=(-virtfs "local,path=$share,mount_tag=share,$shared")
	[ -z "$out" ] || args+=(-virtfs "local,path=$out,mount_tag=out,security_model=none,multidevs=remap")

	mkfifo "$tmp/monitor.in" "$tmp/monitor.out"
	start qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-chardev "pipe,id=monitor,path=$tmp/monitor" -mon chardev=monitor \
		-machine q35 -accel "tcg,thread=$threads" -cpu max -smp "$cpus" -m "$mem" "${args[@]}" \
		-virtfs "local,path=$root,mount_tag=root,$shared" \
		-virtfs "local,path=$tmp/files,mount_tag=files,$shared" \
		-serial "file:$tmp/console" -serial "file:$tmp/output" \
		-kernel "$image" -initrd "$tmp/initrd" -append "$kernel_args" \
		>"$tmp/emulator.log" 2>&1 </dev/null
}

# Files of the shared directory that the host can use: programs, scripts, modules, data.
list_products()
{
	(cd "$share" && find . -name .git -prune -o -type f ! -name '.*' ! -name '*.[chSo]' ! -name '*.d' \
		! -name '*.mod' ! -name '*.order' ! -name '*.symvers' ! -name 'built-in.a' ! -name '*.a' ! -name '*.md' -print)
}

# What is on the CD, under root/: there is no other way into Bochs.
make_cd_root()
{
	local dir=$tmp/cd/root

	mkdir -p "$dir"/{dev,proc,sys,tmp,run,root,out,kvmeter,etc,usr/{bin,sbin,lib,lib64}} "$tmp/kvm"
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$dir/"
	cp "$root/etc/passwd" "$root/etc/group" "$root/etc/nsswitch.conf" "$dir/etc/"
	unpack_module "kvm_$leg" "$tmp/kvm" >/dev/null
	mkdir -p "$dir/lib/modules/$release/kernel"
	mv "$tmp"/kvm/*.ko "$dir/lib/modules/$release/kernel/"
	[ -z "$share" ] || list_products | (cd "$share" && xargs -r -d '\n' cp -p --parents -t "$dir/kvmeter/" --)
	cp -a "$tmp/files/." "$dir/"

	# Programs and their libraries, as the root's own dynamic linker finds them; in a mount namespace that ends here.
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m --propagation private sh -eu -c 'mount --bind "$1" "$2/out"; shift; exec chroot "$@"' sh \
		"$dir" "$root" /bin/bash -eu -c '
		take()
		{
			[ -e "/out$1" ] || { mkdir -p "/out${1%/*}" && cp -L "$1" "/out$1"; }
		}
		libraries()
		{
			ldd "$1" 2>/dev/null | sed -n "s,^[^/]*\(/[^ ]*\) (0x.*,\1,p" || true
		}
		release=$1
		shift
		for name; do
			path=$(command -v "$name") || { echo "$name is not in the root" >&2; exit 1; }
			take "$path"
		done
		ln -s dash /out/usr/bin/sh
		find /out -path /out/lib/modules -prune -o -type f -perm /111 -print | while read -r path; do
			libraries "$path"
		done | sort -u | while read -r path; do
			take "$path"
		done
		busybox --list-full | while read -r path; do
			[ -e "/out/usr/bin/${path##*/}" ] || [ -e "/out/usr/sbin/${path##*/}" ] ||
				ln -s /bin/busybox "/out/$path"
		done
		depmod -b /out "$release" 2>/dev/null' \
		bash "$release" dash bash busybox "${progs[@]}" || lab_exit 120 "cannot gather the programs of the host"
}

start_intel()
{
	local cd=$tmp/cd bochs_root unpacked

	bochs_root=$("$KVMETER_TOP/scripts/root.sh" bochs) || lab_exit 120 "no root for Bochs"
	pin_root "$bochs_root"
	unpacked=$("$KVMETER_TOP/scripts/lab-kernel.sh" "$root" ${debug:+"$debug/vmlinuz"}) || lab_exit 120 "cannot unpack the kernel"
	make_initrd ata_piix sr_mod isofs overlay ${out:+sd_mod}
	make_cd_root
	mkdir -p "$cd/boot/grub"
	cp "$unpacked" "$cd/boot/vmlinuz"
	cp "$tmp/initrd" "$cd/boot/initrd"
	printf 'linux /boot/vmlinuz %s\ninitrd /boot/initrd\nboot\n' "$kernel_args" >"$cd/boot/grub/grub.cfg"
	grub-mkrescue -d /usr/lib/grub/i386-pc --install-modules="linux normal iso9660 biosdisk" \
		--fonts= --locales= --themes= -o "$tmp/cd.iso" "$cd" >"$tmp/emulator.log" 2>&1 || {
		tail -n 5 "$tmp/emulator.log" >&2
		lab_exit 120 "cannot make the CD"
	}
	rm -rf "$cd"

	cat >"$tmp/bochsrc" <<-END
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/vgabios/vgabios.bin
		display_library: nogui
		cpu: model=corei7_skylake_x, count=1, ips=$bochs_ips, ignore_bad_msrs=1
		clock: sync=none, time0=utc
		megs: $mem
		ata0-master: type=cdrom, path=/out/cd.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=/out/console
		com2: enabled=1, mode=file, dev=/out/output
		log: /out/bochs.log
		panic: action=fatal
		error: action=ignore
		info: action=ignore
	END
	if [ -n "$out" ]; then
		# A disk of 64 MiB, to which the host writes what is in /out.
		truncate -s $((130 * 16 * 63 * 512)) "$tmp/out.disk"
		echo "ata0-slave: type=disk, mode=flat, path=/out/out.disk, cylinders=130, heads=16, spt=63" >>"$tmp/bochsrc"
	fi
	# The namespace takes the mounts with it when Bochs ends.
	# shellcheck disable=SC2016 # expanded by the inner shell
	start unshare -m --propagation private sh -eu -c '
		mount --bind "$1" "$2/out"
		mount --rbind /dev "$2/dev"
		exec chroot "$2" bochs -q -f /out/bochsrc' \
		sh "$tmp" "$bochs_root" >>"$tmp/emulator.log" 2>&1 </dev/null
}

# What of the log counts: from where the command began.
console_since_begin()
{
	tr -d '\r' <"$tmp/console" | sed -n "/kvmeter-lab: $nonce begin/,\$p"
}

# ask COMMAND: what QEMU's monitor prints. It is given a second, however ill it is.
ask()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	timeout 1 sh -c 'echo "$1" >"$2"' sh "$1" "$tmp/monitor.in" || true
	timeout 1 cat "$tmp/monitor.out" || true
}

# Where the CPUs of a host that hangs are, twice, and what on their stacks may be return addresses. The host is
# booted with nokaslr: /proc/kallsyms of any host with that kernel has their names.
show_cpus()
{
	local cpu

	[ -p "$tmp/monitor.in" ] || return 0
	printf -- '---- where the CPUs are ----\n'
	for ((cpu = 0; cpu < cpus; cpu++)); do
		{
			ask "cpu $cpu"
			ask "info registers"
			# shellcheck disable=SC2016 # the register
			ask 'x /256gx $rsp'
			ask "info registers"
		} | tr -d '\r' >"$tmp/cpu"
		printf 'CPU %s: %s\n' "$cpu" "$(grep -ao 'RIP=[0-9a-f]* RFL=.*' "$tmp/cpu" | tr '\n' ' ' || true)"
		{ grep -ao '0xffffffff[89a-f][0-9a-f]*' "$tmp/cpu" || true; } | sed 40q | tr '\n' ' ' | fold -s -w 110
		echo
	done
}

# Wait for the emulator to end; end it once nothing more can come. Sets timed_out, and crashed to the signal it died of.
watch_host()
{
	local emulator=$1 deadline=$((SECONDS + timeout)) doomed='' status=0

	timed_out='' crashed=''
	while kill -0 "$emulator" 2>/dev/null; do
		sleep 0.2
		if [ "$SECONDS" -ge "$deadline" ]; then
			timed_out=1
			show_cpus >&2
			break
		fi
		# A host that is through, or has panicked, gets a moment to power off and to print the rest.
		if [ -z "$doomed" ] && grep -aqE "Kernel panic - not syncing|kvmeter-lab: $nonce (end|fail)" "$tmp/console"; then
			doomed=$((SECONDS + 5))
		fi
		[ -z "$doomed" ] || [ "$SECONDS" -lt "$doomed" ] || break
		# Bochs boots again after a reset.
		[ "$(grep -ac "kvmeter-lab: $nonce begin" "$tmp/console")" -lt 2 ] || break
	done
	kill -KILL "$emulator" 2>/dev/null || true
	wait "$emulator" 2>/dev/null || status=$?
	case $(kill -l $status) in
	ILL | ABRT | BUS | FPE | SEGV) crashed=SIG$(kill -l $status) ;;
	esac
}

# The kernel's words for what must not happen. One line of each report is enough.
bad_log='WARNING: |BUG: |kernel BUG at|Oops|Call Trace:|cut here|general protection fault|divide error'
bad_log+='|unable to handle|INFO: task .* blocked|rcu: INFO|detected stall|self-detected|soft lockup|hard LOCKUP'
bad_log+='|possible .*deadlock|possible recursive locking|suspicious RCU usage|scheduling while atomic|sleeping function called'
bad_log+='|UBSAN: |KASAN: |KCSAN: |kmemleak: |refcount_t: |corruption|unchecked MSR access|Bad page state|INFO: lockdep'

# What is left of the log without the reports of KCSAN that have no kvmeter in them: each is between two lines of "=".
without_races_of_others()
{
	awk '
		bar != "" && /BUG: KCSAN: / { report = bar; bar = "" }
		bar != "" { print bar; bar = "" }
		report == "" && /==========$/ { bar = $0; next }
		report == "" { print; next }
		{ report = report "\n" $0 }
		/\[kvmeter\]/ { ours = 1 }
		/==========$/ {
			if (ours) print report
			report = ""; ours = 0
		}
		END { if (bar report != "") print bar report }'
}

judge()
{
	local verdict warning

	if grep -aq 'Kernel panic - not syncing' "$tmp/console"; then
		show_console
		lab_exit 121 "host panicked: $(grep -ao 'Kernel panic - not syncing.*' "$tmp/console" | tr -d '\r' | head -n 1)"
	fi
	verdict=$(grep -ao "kvmeter-lab: $nonce [ef][na].*" "$tmp/console" | tr -d '\r' | head -n 1 | cut -d ' ' -f 3-) || true
	case $verdict in
	fail\ *)
		show_console
		lab_exit 120 "host did not get as far as the command: ${verdict#fail }"
		;;
	end\ *) ;;
	*)
		show_console
		[ -z "$crashed" ] ||
			lab_exit 125 "the emulator crashed: $crashed $(grep -a -m 1 '^qemu: ' "$tmp/emulator.log" || true)"
		[ -z "$timed_out" ] || lab_exit 124 "hang: no verdict after $timeout s"
		grep -aq "kvmeter-lab: $nonce begin" "$tmp/console" ||
			lab_exit 120 "host did not get as far as the command: $(tail -n 1 "$tmp/emulator.log")"
		lab_exit 123 "no verdict: the host went down without one"
		;;
	esac
	verdict=${verdict#end }
	if [ -e "$tmp/out.disk" ]; then
		tar -C "$out" --no-same-owner -xf "$tmp/out.disk" || lab_exit 120 "cannot read back what is in /out"
	fi
	console_since_begin | without_races_of_others >"$tmp/judged"
	if warning=$(grep -aE -m 1 "$bad_log" "$tmp/judged"); then
		grep -aE -B 5 -A 30 -m 3 "$bad_log" "$tmp/judged" >&2 || true
		lab_exit 122 "kernel log (the command's status was $verdict): $warning"
	fi
	exit "$verdict"
}

while [ $# -gt 0 ]; do
	case $1 in
	--leg | --kernel | --share | --out | --file | --prog | --timeout | --mem | --cpus | --uefi | --append | --log)
		[ $# -ge 2 ] || bad_usage "$1 needs a value"
		;;
	esac
	case $1 in
	--leg) leg=$2 ;;
	--kernel) kernel=$2 ;;
	--share) share=$2 ;;
	--out) out=$2 ;;
	--file) files+=("$2") ;;
	--prog) progs+=("$2") ;;
	--timeout) timeout=$2 ;;
	--mem) mem=$2 ;;
	--cpus) cpus=$2 ;;
	--uefi) uefi=$2 ;;
	--append) append=$2 ;;
	--log) log=$2 ;;
	--icount) icount=0 ;;
	--virtual-time) icount=4 ;;
	--parallel) threads=multi ;;
	--no-kvm) kvm= ;;
	-v) verbose=1 ;;
	-h | --help) usage ;;
	--) shift && break ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	case $1 in
	--icount | --virtual-time | --parallel | --no-kvm | -v) shift ;;
	*) shift 2 ;;
	esac
done
command=("$@")
[ "${#command[@]}" -gt 0 ] || bad_usage "no command"
base=$(kernel_base "$kernel") flavour=$(kernel_flavour "$kernel")
slower=${flavour:+5} larger=${flavour:+1024}
[ "$leg" != intel ] || : "${icount:=4}"
if [ -n "$flavour" ] && [ "$icount" = 4 ]; then
	icount=1
fi
case $leg in
amd) : "${timeout:=$((120 * ${slower:-1}))}" "${mem:=$((2048 + ${larger:-0}))}" "${cpus:=2}" ;;
intel) : "${timeout:=$((300 * ${slower:-1}))}" "${mem:=$((512 + ${larger:-0}))}" "${cpus:=1}" ;;
*) bad_usage "--leg is amd or intel" ;;
esac
[ "$leg" = amd ] || [ "$cpus" = 1 ] || bad_usage "the intel leg has one CPU"
(check_kernel "$kernel") || exit 120

[ "$(id -u)" = 0 ] || lab_exit 120 "needs root"
for tool in setpriv unshare cpio xz zstd \
	$([ "$leg" = amd ] && echo qemu-system-x86_64 || echo grub-mkrescue xorriso mformat); do
	command -v "$tool" >/dev/null || lab_exit 120 "$tool is missing: run scripts/deps.sh"
done
root=$("$KVMETER_TOP/scripts/root.sh" "$base") || lab_exit 120 "no root for kernel $kernel"
pin_root "$root"
if [ -n "$flavour" ]; then
	debug=$("$KVMETER_TOP/scripts/debug-kernel.sh" "$base" "$flavour") || lab_exit 120 "no kernel $kernel"
	pin_root "$debug"
	release=$(cat "$debug/release") image=$debug/vmlinuz module_root=$debug/root
else
	release=$(root_release "$root")
	image=$root/boot/vmlinuz-$release module_root=$root
fi
if [ -n "$share" ]; then
	share=$(realpath -e "$share") || lab_exit 120 "no directory $share"
elif [ -d "$KVMETER_TOP/build/$kernel/src" ]; then
	share=$KVMETER_TOP/build/$kernel/src
fi
if [ -n "$out" ]; then
	mkdir -p "$out"
	out=$(realpath -e "$out")
fi

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kvmeter-lab.XXXXXX")
nonce=${tmp##*.}
: >"$tmp/console"
: >"$tmp/output"
mkdir "$tmp/files"
if [ -n "$debug" ]; then
	mkdir -p "$tmp/files/usr/lib/modules"
	cp -a "$module_root/usr/lib/modules/$release" "$tmp/files/usr/lib/modules/"
fi
for file in "${files[@]}"; do
	mkdir -p "$tmp/files/$(dirname "${file#*:}")"
	cp -a "${file%%:*}" "$tmp/files/${file#*:}" || lab_exit 120 "cannot read ${file%%:*}"
done

ovmf=/usr/share/OVMF
shared=security_model=none,readonly=on,multidevs=remap
kernel_args="console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr tsc=reliable printk.devkmsg=on"
# Bochs refuses to enter a guest with the virtual APIC that it says it has. Its TSC counts instructions, and by the CPU's
# word the kernel takes it for one of 3.5 GHz: all that takes time by it then takes 56 times as many instructions.
if [ "$leg" = intel ]; then
	bochs_ips=$((1000000000 >> icount))
	kernel_args+=" noapictimer tsc_early_khz=$((bochs_ips / 1000)) lpj=$((bochs_ips / 250)) kvm_intel.enable_apicv=0"
	kernel_args+=" $(kernel_bochs_args "$kernel")"
fi
# Some of what is slow under an emulator that has to wait for a CPU, and has checkers to run besides, is no hang.
[ -z "$flavour" ] || kernel_args+=" watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 workqueue.watchdog_thresh=120"
kernel_args+=" $append"

case $leg in
amd) start_amd ;;
intel) start_intel ;;
esac
emulator=${pids[0]}
start tail -q -c +1 -s 0.1 -f --pid="$emulator" "$tmp/output" 2>/dev/null
follower=${pids[1]}
[ -z "$verbose" ] || start tail -q -c +1 -s 0.1 -f --pid="$emulator" "$tmp/console" >&2
watch_host "$emulator"
# What the host still had to say is shown before the verdict is.
wait "$follower" 2>/dev/null || true
judge
