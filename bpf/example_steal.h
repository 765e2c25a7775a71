/* SPDX-License-Identifier: GPL-2.0-only */
/* What example_steal.bpf.c tells its loader. */
#ifndef EXAMPLE_STEAL_H
#define EXAMPLE_STEAL_H

#include <linux/kvmeter.h>

/**
 * struct example_event - a vCPU waited too much in the window that just ended
 * @id: "<pid>-<fd>" of its VM
 * @pid: process id of the VMM
 * @tid: thread that runs the vCPU
 * @vcpu_id: KVM's vcpu_id
 * @reserved: zero
 * @steal_ns: time in the window that it was ready to run and did not
 * @window_ns: length of the window
 */
struct example_event {
	char id[KVMETER_NAME_LEN];
	__u32 pid;
	__u32 tid;
	__u32 vcpu_id;
	__u32 reserved;
	__u64 steal_ns;
	__u64 window_ns;
};

#endif /* EXAMPLE_STEAL_H */
