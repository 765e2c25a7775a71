// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packs numbers, and what changed in structs, into few bytes, and unpacks them again.
 *
 * A number is as many bytes as it needs, 7 bits in each, the lowest first; all but the last have
 * bit 7 set. A struct is taken as 64-bit words: for each one that changed how many there are from
 * the one before to it, and by how much it changed, with the sign in bit 0; and then 0.
 */
#include <string.h>

#include "recording.h"

#define WORD sizeof(__u64)

/* Bits that the bytes of one number have room for, at most. */
#define NUMBER_BITS 70

/**
 * kvmeter_pack_bytes - add bytes as they are
 * @to: where to
 * @data: the bytes
 * @size: how many
 */
void kvmeter_pack_bytes(struct kvmeter_bytes *to, const void *data, size_t size)
{
	to->data = kvmeter_array_grow(to->data, &to->room, to->len + size, 1);
	if (size)
		memcpy(to->data + to->len, data, size);
	to->len += size;
}

/**
 * kvmeter_pack_number - add a number
 * @to: where to
 * @number: the number
 */
void kvmeter_pack_number(struct kvmeter_bytes *to, __u64 number)
{
	unsigned char bytes[NUMBER_BITS / 7];
	unsigned int nr = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[nr++] = number | 0x80;
	bytes[nr++] = number;
	kvmeter_pack_bytes(to, bytes, nr);
}

static __u64 get_word(const void *words, size_t i)
{
	__u64 word;

	if (!words)
		return 0;
	memcpy(&word, (const char *)words + i * WORD, WORD);
	return word;
}

/**
 * kvmeter_pack_diff - add what changed in a struct
 * @to: where to
 * @cur: the struct
 * @prev: what it was; NULL: all zero
 * @size: bytes of it, a multiple of 8
 */
void kvmeter_pack_diff(struct kvmeter_bytes *to, const void *cur, const void *prev, size_t size)
{
	size_t i, from = 0;
	__u64 diff;

	for (i = 0; i < size / WORD; i++) {
		diff = get_word(cur, i) - get_word(prev, i);
		if (!diff)
			continue;
		kvmeter_pack_number(to, i + 1 - from);
		kvmeter_pack_number(to, diff << 1 ^ -(diff >> 63));
		from = i + 1;
	}
	kvmeter_pack_number(to, 0);
}

/**
 * kvmeter_unpack_number - read a number
 * @from: where from
 * @most: what it may be; a larger one is bad
 *
 * Return: the number, 0 if it is bad.
 */
__u64 kvmeter_unpack_number(struct kvmeter_cursor *from, __u64 most)
{
	unsigned int bits;
	__u64 number = 0;

	for (bits = 0; bits < NUMBER_BITS && from->at < from->end; bits += 7) {
		number |= (__u64)(*from->at & 0x7f) << bits;
		if (*from->at++ & 0x80)
			continue;
		if (!from->bad && number <= most)
			return number;
		break;
	}
	from->bad = true;
	from->at = from->end;
	return 0;
}

/**
 * kvmeter_unpack_bytes - read bytes as they are
 * @from: where from
 * @size: how many
 *
 * Return: the bytes, NULL if there are not so many.
 */
const void *kvmeter_unpack_bytes(struct kvmeter_cursor *from, size_t size)
{
	const void *bytes = from->at;

	if (from->bad || (size_t)(from->end - from->at) < size) {
		from->bad = true;
		return NULL;
	}
	from->at += size;
	return bytes;
}

/**
 * kvmeter_unpack_diff - read what changed in a struct
 * @from: where from
 * @cur: the struct, filled
 * @prev: what it was; NULL: all zero
 * @size: bytes of it, a multiple of 8
 */
void kvmeter_unpack_diff(struct kvmeter_cursor *from, void *cur, const void *prev, size_t size)
{
	size_t i = 0, skip;
	__u64 diff, word;

	if (prev)
		memcpy(cur, prev, size);
	else
		memset(cur, 0, size);
	while ((skip = kvmeter_unpack_number(from, size / WORD - i))) {
		i += skip;
		diff = kvmeter_unpack_number(from, ~0ULL);
		word = get_word(cur, i - 1) + (diff >> 1 ^ -(diff & 1));
		memcpy((char *)cur + (i - 1) * WORD, &word, WORD);
	}
}
