// SPDX-License-Identifier: GPL-2.0-only
/* Hostile input, and a record of what came of it: see fuzz.h. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <kselftest.h>

#include "random.h"

#define PAGE 4096u
#define BUFFER_PAGES 3
#define HOLE 1
#define READ_ONLY 2
/* Of what is wrong, so many are told in words. */
#define TOLD 20

struct fuzz_record *fuzz_record_new(void)
{
	void *r = mmap(NULL, sizeof(struct fuzz_record), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return r == MAP_FAILED ? NULL : r;
}

void fuzz_record_free(struct fuzz_record *r)
{
	munmap(r, sizeof(*r));
}

static bool is_listed(const int *list, int err)
{
	for (; list && *list; list++)
		if (*list == err)
			return true;
	return false;
}

void fuzz_wrong(struct fuzz_record *r, const char *what, long value)
{
	if (atomic_fetch_add(&r->wrong, 1) < TOLD) {
		printf("# wrong: %s: %ld\n", what, value);
		fflush(stdout);
	}
}

int fuzz_note(struct fuzz_record *r, unsigned int kind, long ret)
{
	int err = ret < 0 ? errno : 0;
	struct fuzz_kind *k = &r->kind[kind];

	k->result[err < FUZZ_ERRNOS ? err : 1]++;
	if (err && !is_listed(k->documented, err))
		fuzz_wrong(r, k->name, err);
	return err;
}

static unsigned long calls_of(const struct fuzz_kind *k)
{
	unsigned long calls = 0;
	int i;

	for (i = 0; i < FUZZ_ERRNOS; i++)
		calls += k->result[i];
	return calls;
}

void fuzz_show(const struct fuzz_record *r, double seconds)
{
	const struct fuzz_kind *k;
	unsigned long all = 0;
	int i;

	for (k = r->kind; k < r->kind + FUZZ_KINDS; k++) {
		if (!k->name)
			continue;
		all += calls_of(k);
		printf("# %-14s %8lu:", k->name, calls_of(k));
		for (i = 0; i < FUZZ_ERRNOS; i++)
			if (k->result[i])
				printf(" %s %lu", i ? strerrorname_np(i) : "ok", k->result[i]);
		printf("\n");
	}
	printf("# %lu calls in %.1f s, %.0f a second\n", all, seconds, (double)all / seconds);
	fflush(stdout);
}

unsigned int fuzz_missing(const struct fuzz_record *r, bool say)
{
	const struct fuzz_kind *k;
	unsigned int missing = 0;
	const int *err;

	for (k = r->kind; k < r->kind + FUZZ_KINDS; k++) {
		if (!k->name || !k->needed)
			continue;
		if (!k->result[0]) {
			if (say)
				printf("# never: %s: success\n", k->name);
			missing++;
		}
		for (err = k->needed; *err; err++) {
			if (k->result[*err])
				continue;
			if (say)
				printf("# never: %s: %s\n", k->name, strerrorname_np(*err));
			missing++;
		}
	}
	fflush(stdout);
	return missing;
}

int fuzz_buffer_init(struct fuzz_buffer *b)
{
	b->page = mmap(NULL, BUFFER_PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (b->page == MAP_FAILED)
		return -errno;
	if (mprotect(b->page + HOLE * PAGE, PAGE, PROT_NONE) ||
	    mprotect(b->page + READ_ONLY * PAGE, PAGE, PROT_READ))
		return -errno;
	return 0;
}

void fuzz_buffer_exit(struct fuzz_buffer *b)
{
	munmap(b->page, BUFFER_PAGES * PAGE);
}

/* Its first bytes at the end of a page, and the others not there. */
static void *place_half(struct fuzz_buffer *b, const void *data, size_t size)
{
	size_t there = size ? random_in(0, size) : 0;

	memcpy(b->page + PAGE - there, data, there);
	return b->page + PAGE - there;
}

static void *place_read_only(struct fuzz_buffer *b, const void *data, size_t size)
{
	uint8_t *at = b->page + READ_ONLY * PAGE;

	mprotect(at, PAGE, PROT_READ | PROT_WRITE);
	memcpy(at, data, size);
	mprotect(at, PAGE, PROT_READ);
	return at;
}

void *fuzz_buffer_place(struct fuzz_buffer *b, const void *data, size_t size)
{
	uint8_t *at = b->page;

	switch (random_in(0, 24)) {
	case 0:
		return (void *)fuzz_address();
	case 1:
		return place_half(b, data, size);
	case 2:
		return place_read_only(b, data, size);
	case 3:
		at += PAGE - size;
		break;
	case 4:
		at += random_in(0, PAGE - size + 1);
		break;
	}
	memcpy(at, data, size);
	return at;
}

bool fuzz_chance(unsigned int nr)
{
	return random_in(0, nr) == 0;
}

uint64_t fuzz_address(void)
{
	static const uint64_t address[] = {
		0,
		1,
		PAGE - 1,
		0x7fffffffe000,
		0x7ffffffff000,
		0x800000000000,
		0xdead000000000000,
		0xffff888000000000,
		0xffffffff81000000,
		0xffffffffff600000,
		UINT64_MAX,
		UINT64_MAX - PAGE,
	};

	return address[random_in(0, ARRAY_SIZE(address))];
}

uint64_t fuzz_value(void)
{
	switch (random_in(0, 6)) {
	case 0:
		return random_in(0, 4);
	case 1:
		return 1ull << random_in(0, 64);
	case 2:
		return (1ull << random_in(0, 64)) - 1;
	case 3:
		return -random_in(0, 4);
	case 4:
		return random_size();
	default:
		return random_u64();
	}
}

static void change(uint8_t *data, size_t size)
{
	uint64_t value = fuzz_value(), old = 0;
	size_t width = 1ul << random_in(0, 4), at;

	if (width > size)
		width = size;
	at = random_in(0, size / width) * width;
	switch (random_in(0, 4)) {
	case 0:
		data[random_in(0, size)] ^= 1u << random_in(0, 8);
		return;
	case 1: /* one more, or one less */
		memcpy(&old, data + at, width);
		value = old + (fuzz_chance(2) ? 1 : -1);
		break;
	case 2: /* what there is elsewhere */
		memcpy(&value, data + random_in(0, size / width) * width, width);
		break;
	}
	memcpy(data + at, &value, width);
}

void fuzz_mutate(void *data, size_t size)
{
	uint8_t *bytes = data;
	uint64_t nr = random_in(0, 4);
	size_t i;

	if (!size)
		return;
	if (fuzz_chance(16))
		for (i = 0; i < size; i++)
			bytes[i] = (uint8_t)random_u64();
	for (; nr; nr--)
		change(bytes, size);
}
