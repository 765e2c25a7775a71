/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How memory is asked for. That there is none is said by an errno, and at load in one line of ours:
 * the kernel's own report of it, a screen long, is not wanted.
 */
#ifndef _KVMETER_MEM_H
#define _KVMETER_MEM_H

#include <linux/gfp.h>

#define KVMETER_GFP (GFP_KERNEL | __GFP_NOWARN)

/* For what a caller can have as much of as he likes: his cgroup is billed for it. */
#define KVMETER_GFP_ACCOUNT (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

#endif /* _KVMETER_MEM_H */
