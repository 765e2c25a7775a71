// SPDX-License-Identifier: GPL-2.0-only
/* Writes snapshots to a file, each as a block of its own that is whole or not there. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording.h"

/* Where memory is short there is no way on: what was written stays. */
static void fail_zlib(const z_stream *z)
{
	errx(1, "zlib: %s", z->msg ? z->msg : "no memory");
}

/**
 * kvmeter_recorder_open - make a file, and write what it begins with
 * @recorder: filled
 * @file: its name; it must not exist yet
 * @interval_ns: time from one snapshot to the next
 * @first: the first snapshot, which is not written yet
 * @origin: what is recorded, from kvmeter_origin_get()
 *
 * Ends the program if that cannot be done.
 */
void kvmeter_recorder_open(struct kvmeter_recorder *recorder, const char *file, __u64 interval_ns,
			   const struct kvmeter_snap *first,
			   const struct kvmeter_recording_origin *origin)
{
	struct kvmeter_recording_head head = {
		.order = KVMETER_RECORDING_ORDER,
		.version = KVMETER_RECORDING_VERSION,
		.abi = KVMETER_ABI,
		.sizes = KVMETER_RECORDING_SIZES,
		.interval_ns = interval_ns,
		.begin_ns = first->now_ns,
		.begin_real_ns = first->real_ns,
	};

	memset(recorder, 0, sizeof(*recorder));
	recorder->file = file;
	memcpy(head.magic, KVMETER_RECORDING_MAGIC, sizeof(head.magic));
	head.crc = crc32(0, (const void *)&head, offsetof(struct kvmeter_recording_head, crc));
	if (deflateInit(&recorder->z, Z_DEFAULT_COMPRESSION) != Z_OK)
		fail_zlib(&recorder->z);
	/* what VMs are called, and what they do, is for root */
	recorder->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (recorder->fd < 0)
		err(1, "%s", file);
	if (kvmeter_write_all(recorder->fd, &head, sizeof(head)) ||
	    kvmeter_write_all(recorder->fd, origin, sizeof(*origin))) {
		warn("%s", file);
		unlink(file);
		exit(1);
	}
	recorder->bytes = sizeof(head) + sizeof(*origin);
}

/* The packed snapshot through zlib, behind the block's head. */
static void deflate_packed(struct kvmeter_recorder *recorder)
{
	struct kvmeter_bytes *block = &recorder->block;
	z_stream *z = &recorder->z;
	unsigned int most =
		sizeof(struct kvmeter_block_head) + deflateBound(z, recorder->packed.len) + 64;

	block->data = kvmeter_array_grow(block->data, &block->room, most, 1);
	z->next_in = recorder->packed.data;
	z->avail_in = recorder->packed.len;
	z->next_out = block->data + sizeof(struct kvmeter_block_head);
	z->avail_out = block->room - sizeof(struct kvmeter_block_head);
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in || !z->avail_out)
		fail_zlib(z);
	block->len = block->room - z->avail_out;
}

/* Return: 0, or -1 and errno; then the file is as before. */
static int write_block(struct kvmeter_recorder *recorder)
{
	int error;

	if (!kvmeter_write_all(recorder->fd, recorder->block.data, recorder->block.len)) {
		recorder->bytes += recorder->block.len;
		return 0;
	}
	error = errno;
	if (ftruncate(recorder->fd, recorder->bytes))
		warn("%s: its last block is cut off", recorder->file);
	errno = error;
	return -1;
}

/**
 * kvmeter_recorder_add - write a snapshot
 * @recorder: the file
 * @cur: the snapshot
 * @prev: the one before it, which was written; NULL: it is the first
 *
 * Return: false if it could not be written, with errno; then the file ends with the one before.
 */
bool kvmeter_recorder_add(struct kvmeter_recorder *recorder, const struct kvmeter_snap *cur,
			  const struct kvmeter_snap *prev)
{
	bool is_key = recorder->nr % KVMETER_RECORDING_KEYS == 0;
	struct kvmeter_block_head head = {
		.magic = KVMETER_BLOCK_MAGIC,
		.flags = is_key ? KVMETER_BLOCK_KEY : 0,
		.nr = recorder->nr,
	};

	recorder->packed.len = 0;
	kvmeter_snap_pack(&recorder->packed, cur, is_key ? NULL : prev);
	if (recorder->packed.len > KVMETER_BLOCK_MAX)
		errx(1, "a snapshot of more than %u bytes", KVMETER_BLOCK_MAX);
	if (is_key && deflateReset(&recorder->z) != Z_OK)
		fail_zlib(&recorder->z);
	deflate_packed(recorder);
	head.bytes = recorder->block.len - sizeof(head);
	head.packed = recorder->packed.len;
	head.crc = crc32(0, (const void *)&head, offsetof(struct kvmeter_block_head, crc));
	head.crc = crc32(head.crc, recorder->block.data + sizeof(head), head.bytes);
	memcpy(recorder->block.data, &head, sizeof(head));
	if (write_block(recorder))
		return false;
	recorder->nr++;
	return true;
}

/**
 * kvmeter_recorder_close - end a file
 * @recorder: the file; what was written of it is on the disk then, as far as that can be had
 */
void kvmeter_recorder_close(struct kvmeter_recorder *recorder)
{
	fsync(recorder->fd);
	close(recorder->fd);
	deflateEnd(&recorder->z);
	free(recorder->packed.data);
	free(recorder->block.data);
}
