/* SPDX-License-Identifier: GPL-2.0-only */
/* What runqlat.bpf.c and its loader share. */
#ifndef KVMETER_RUNQLAT_H
#define KVMETER_RUNQLAT_H

#include <linux/types.h>

/**
 * struct runqlat_wait - how long a task waited for a CPU
 * @ns: in all
 * @nr: how often
 */
struct runqlat_wait {
	__u64 ns;
	__u64 nr;
};

#endif
