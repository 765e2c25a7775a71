/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that are the same again for the same seed: SplitMix64. */
#ifndef KVMETER_SELFTESTS_RANDOM_H
#define KVMETER_SELFTESTS_RANDOM_H

#include <linux/types.h>

/* Of each thread. */
extern __thread __u64 random_seed;

/** random_begin() - begin with what the environment has as @name, otherwise with the time */
void random_begin(const char *name);

/** random_u64() - the next one */
__u64 random_u64(void);

/** random_in() - one from @lo up to, but not, @hi */
__u64 random_in(__u64 lo, __u64 hi);

/** random_size() - one of any magnitude */
__u64 random_size(void);

#endif
