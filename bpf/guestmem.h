/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a guest's memory holds nothing but zeros.
 */
#ifndef KVMETER_GUESTMEM_H
#define KVMETER_GUESTMEM_H

#include "reader.h"

/**
 * struct kvmeter_guestmem - what is in a guest's memory
 * @known: it was looked at; otherwise @why says what kept from it
 * @why: see there
 * @ram_pages: 4 KiB pages there are
 * @absent_pages: of these, pages that nobody ever touched: they are zero
 * @sampled: pages of the others that were looked at, at random
 * @sampled_zero: of these, those that are zero
 * @zero_pages: absent pages, and of the others as large a part as of the sample
 */
struct kvmeter_guestmem {
	bool known;
	const char *why;
	__u64 ram_pages;
	__u64 absent_pages;
	__u64 sampled;
	__u64 sampled_zero;
	__u64 zero_pages;
};

/**
 * struct kvmeter_mapping - a mapping of a process that could be guest memory
 * @start: first address
 * @bytes: length
 */
struct kvmeter_mapping {
	__u64 start;
	__u64 bytes;
};

/* guestmem.c */
bool kvmeter_guestmem_parse_mapping(const char *line, struct kvmeter_mapping *mapping);
unsigned int kvmeter_guestmem_choose(struct kvmeter_mapping *mappings, unsigned int nr,
				     __u64 ram_bytes);
void kvmeter_guestmem_look(struct kvmeter_guestmem *mem, __u32 pid, __u64 ram_pages);

#endif /* KVMETER_GUESTMEM_H */
