# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of commands that set something share: two guests that write, one line as the answer, and each error of
# the contract.
#
# Sourced after reader_dirty.sh, never run.
#
# "A && B || fail" is meant as it stands: fail is false.
# shellcheck disable=SC2015,SC2154

# start_two_writers: load the module, and start the guests "writer", which writes, and "other", which is stopped
start_two_writers()
{
	insmod "$ko" && start_writer writer && start_writer other && await_writer writer && await_writer other &&
		kill -STOP "${guests[1]}"
}

# says TEXT ARGUMENT...: the reader prints this line and no other
says()
{
	local text=$1

	shift
	works "$@" && [ "$(cat "$tmp/out")" = "$text" ] || fail "$* does not say '$text': $(cat "$tmp/out")"
}

# make_liar FILE REQUEST: a library with which the module seems to refuse that ioctl, with the error $LIE
make_liar()
{
	cat >"$tmp/liar.c" <<-EOF
		#include <errno.h>
		#include <stdarg.h>
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		#include <linux/kvmeter.h>
		int ioctl(int fd, unsigned long request, ...)
		{
			va_list list;
			void *arg;

			va_start(list, request);
			arg = va_arg(list, void *);
			va_end(list);
			if (request != $2)
				return syscall(SYS_ioctl, fd, request, arg);
			errno = atoi(getenv("LIE"));
			return -1;
		}
	EOF
	gcc -I"$dir/../include/uapi" -shared -fPIC -o "$1" "$tmp/liar.c"
}

# explains REQUEST ARGUMENT...: for each line "ERRNO TEXT" of standard input, that is what the reader says if the module
# gives that error
explains()
{
	local request=$1 error text

	shift
	make_liar "$tmp/liar.so" "$request" || fail "cannot build" || return
	while read -r error text; do
		LD_PRELOAD=$tmp/liar.so LIE=$error refuses "$text" "$@" || return
	done
}
