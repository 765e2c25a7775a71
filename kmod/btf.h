/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads type information in the kernel's own format, BTF, and compares prototypes with it.
 *
 * Plain C, for the module and for selftests/btf_unit_test.c alike; no more of the kernel than its
 * uapi headers. What is read may be anything at all: nothing of it is believed unseen, and what
 * makes no sense is like nothing.
 */
#ifndef _KVMETER_BTF_H
#define _KVMETER_BTF_H

#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include <linux/types.h>

#include <kvmeter/prototypes.h>

/* No type takes fewer bytes: the index needs room for so many less than there are bytes. */
#define KVMETER_BTF_TYPE_MIN_BYTES 12

enum kvmeter_btf_verdict {
	KVMETER_BTF_ABSENT, /* there is nothing of that name and kind */
	KVMETER_BTF_FITS,
	KVMETER_BTF_DIFFERS, /* or one of several of that name does */
};

/**
 * struct kvmeter_btf - the types of the kernel, or of a module, which go on where the kernel's end
 * @base: the kernel's, or NULL
 * @types: the types, one after the other
 * @strings: their names, each ended by a NUL
 * @strings_bytes: size of that
 * @first: number of the first type
 * @end: number behind that of the last
 * @index: by number, less @first: where in @types it is
 */
struct kvmeter_btf {
	const struct kvmeter_btf *base;
	const char *types;
	const char *strings;
	__u32 strings_bytes;
	__u32 first;
	__u32 end;
	__u32 *index;
};

bool kvmeter_btf_open(struct kvmeter_btf *btf, const void *data, __u32 bytes,
		      const struct kvmeter_btf *base, __u32 *index);
void kvmeter_btf_compare(const struct kvmeter_btf *btf, const struct kvmeter_prototype *rows,
			 unsigned int nr, __u8 *verdicts);

#endif /* _KVMETER_BTF_H */
