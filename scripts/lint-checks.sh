#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The static checks themselves, run where the tools are: scripts/lint.sh runs this in a root.
#
#   scripts/lint-checks.sh KERNEL-RELEASE KERNEL-SOURCE
#
# Prints a line "ok NAME" or "not ok NAME" for each check, with what it found before it. Exit status 1 if
# any failed.

set -u
cd "$(dirname "$0")/.." || exit 1

release=$1
ksrc=$2
failed=0

# What is built beside them is not ours to mend.
reader_headers=(bpf/{args,bench,dirty,doctor,documents,example_steal,forecast,guestmem,heat,help,html,migrate,openmetrics}.h
	bpf/{playback,qmp,reader,recording,replay,runqlat,steal,top}.h)

check()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		echo "ok lint $name"
	else
		printf '%s\nnot ok lint %s\n' "$out" "$name"
		failed=1
	fi
}

run_checkpatch()
{
	perl "$ksrc/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary --quiet \
		--max-line-length=100 --show-types --ignore FILE_PATH_CHANGES "$@"
}

# Versions are tested in compat.h alone, reason.h has a label in assembly that looks like a sum, a header for
# userspace has no static_assert() without the C library, and a table of names wants no parentheses and names
# each of them more than once.
checkpatch_module()
{
	local file files=()

	for file in kmod/*.[ch]; do
		case $file in
		kmod/compat.h | kmod/reason.h | kmod/tables.c) ;;
		*) files+=("$file") ;;
		esac
	done
	run_checkpatch -f "${files[@]}" &&
		run_checkpatch --ignore SPACING -f kmod/reason.h &&
		run_checkpatch --ignore CAMELCASE -f include/uapi/linux/kvmeter.h &&
		run_checkpatch --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON -f kmod/compat.h &&
		run_checkpatch --ignore MACRO_ARG_REUSE -f kmod/tables.c &&
		run_checkpatch --ignore COMPLEX_MACRO,MACRO_ARG_REUSE -f include/kvmeter/*.h
}

# Userspace has no kernel types and a camel in <inttypes.h>; its spacing is for clang-format to judge.
#
# A table of HTML has a thead, and what a BPF program shares with others it has to read as volatile.
checkpatch_userspace()
{
	local file files=() types=PREFER_KERNEL_TYPES,CAMELCASE,SPACING,COMPLEX_MACRO,MACRO_ARG_REUSE,BIT_MACRO

	for file in bpf/*.c; do
		case $file in
		bpf/example_steal.bpf.c | bpf/html_*.c) ;;
		*) files+=("$file") ;;
		esac
	done
	run_checkpatch --ignore "$types" -f "${files[@]}" "${reader_headers[@]}" selftests/*.[ch] &&
		run_checkpatch --ignore "$types,TYPO_SPELLING" -f bpf/html_*.c &&
		run_checkpatch --ignore "$types,VOLATILE" -f bpf/example_steal.bpf.c
}

# As a terminal shows them, with all that groff has to remark on.
manual_pages()
{
	local page out

	for page in bpf/kvmeter.8 kvmeter.4; do
		out=$(groff -man -Tutf8 -ww -b -z "$page" 2>&1)
		if [ -n "$out" ] || [ ! -s "$page" ]; then
			echo "$page: $out"
			return 1
		fi
	done
}

# Everything is compiled again, with what is only remarked on elsewhere as an error.
sparse_module()
{
	local out

	out=$(make -C "/lib/modules/$release/build" M="$PWD" W=1 C=2 CF=-D__CHECK_ENDIAN__ \
		KCFLAGS=-Werror modules 2>&1) || { echo "$out"; return 1; }
	# Warnings about the kernel's own headers are not ours to mend.
	! grep -E '(kmod|include/(uapi/linux/)?kvmeter)[^ ]*:[0-9]+:[0-9]+: (warning|error)' <<<"$out"
}

clang_format()
{
	clang-format --dry-run -Werror bpf/*.c "${reader_headers[@]}" selftests/*.[ch]
}

check checkpatch-module checkpatch_module
check checkpatch-userspace checkpatch_userspace
check sparse-and-W=1 sparse_module
check manual-pages manual_pages
check shellcheck shellcheck -x scripts/*.sh scripts/*.prerm scripts/*.bash-completion selftests/*.sh .ci/run
check clang-format clang_format
exit $failed
