# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# The stock kernel that guests boot, $kernel, and what all of them have on its command line, $kernel_args; sourced,
# never run.

kernel=${KVMETER_GUEST_KERNEL:-/boot/vmlinuz-$(uname -r)}
kernel_args="console=ttyS0 quiet panic=-1"
case $(uname -r) in
# As a guest within an emulated host it panics early where it finds XSAVE, at address 0x10.
7.*) kernel_args+=" noxsave" ;;
esac
