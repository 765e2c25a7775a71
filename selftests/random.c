// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers: see random.h. */
#include "random.h"

#include <stdlib.h>
#include <time.h>

__thread __u64 random_seed = 1;

void random_begin(const char *name)
{
	const char *given = getenv(name);

	random_seed = given ? strtoull(given, NULL, 0) : (__u64)time(NULL);
}

__u64 random_u64(void)
{
	__u64 z = random_seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

__u64 random_in(__u64 lo, __u64 hi)
{
	return lo + random_u64() % (hi - lo);
}

__u64 random_size(void)
{
	return random_u64() >> random_in(0, 64);
}
