/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings: snapshots in a file, and how they are written and read.
 *
 * A file is a struct kvmeter_recording_head, a struct kvmeter_recording_origin and then blocks, one
 * for each snapshot: a struct kvmeter_block_head and what zlib made of the packed snapshot. A block
 * is a key, which needs none before it, or has what changed since the block before; from one key to
 * the next they are one stream of zlib's, flushed at the end of each block. So a reader can begin
 * at each key, and where a block is damaged it goes on at the next one.
 *
 * All numbers have the byte order of x86. Nothing in a file is believed unseen.
 */
#ifndef KVMETER_RECORDING_H
#define KVMETER_RECORDING_H

#include <zlib.h>

#include "reader.h"

#define KVMETER_RECORDING_MAGIC "KVMETREC"
#define KVMETER_RECORDING_VERSION 2

/* The first one whose files have an origin; those before it have the blocks there. */
#define KVMETER_RECORDING_VERSION_ORIGIN 2
#define KVMETER_RECORDING_ORDER 0x01020304U
#define KVMETER_BLOCK_MAGIC 0x424d564bU /* "KVMB" */

/* kvmeter_block_head.flags */
#define KVMETER_BLOCK_KEY 0x1U

/* A key is every so many snapshots. */
#define KVMETER_RECORDING_KEYS 64

/* No packed snapshot is larger; that of 16,384 vCPUs with all rows in use is some 100 MiB. */
#define KVMETER_BLOCK_MAX (256U << 20)

/* The structs that a file has, in the order of kvmeter_recording_head.sizes. */
#define KVMETER_RECORDING_SIZES                                                        \
	{                                                                              \
		sizeof(struct kvmeter_host), sizeof(struct kvmeter_vm),                \
			sizeof(struct kvmeter_vcpu), sizeof(struct kvmeter_exit),      \
			sizeof(struct kvmeter_sub), sizeof(struct kvmeter_thief),      \
			sizeof(struct kvmeter_dirty), sizeof(struct kvmeter_migration) \
	}
#define KVMETER_RECORDING_NR_SIZES 8

/**
 * struct kvmeter_recording_head - what a file begins with
 * @magic: KVMETER_RECORDING_MAGIC
 * @order: KVMETER_RECORDING_ORDER, as the machine has it that wrote
 * @version: KVMETER_RECORDING_VERSION
 * @abi: KVMETER_ABI of the structs
 * @sizes: of the structs
 * @reserved0: zero
 * @interval_ns: time from one snapshot to the next
 * @begin_ns: when it was begun, by the ledger clock
 * @begin_real_ns: by CLOCK_REALTIME
 * @reserved: zero
 * @crc: CRC-32 of all before it
 */
struct kvmeter_recording_head {
	char magic[8];
	__u32 order;
	__u32 version;
	__u32 abi;
	__u32 sizes[KVMETER_RECORDING_NR_SIZES];
	__u32 reserved0;
	__u64 interval_ns;
	__u64 begin_ns;
	__u64 begin_real_ns;
	__u32 reserved;
	__u32 crc;
};

/**
 * struct kvmeter_recording_origin - what was recorded: text, each field NUL-terminated
 * @host: its name, as of uname()
 * @kernel: its release
 * @module: the module's version, empty if it has none
 * @source: the module's srcversion, likewise
 * @reserved: zero
 * @crc: CRC-32 of all before it
 */
struct kvmeter_recording_origin {
	char host[65];
	char kernel[65];
	char module[33];
	char source[33];
	__u8 reserved[56];
	__u32 crc;
};

/**
 * struct kvmeter_block_head - what a block begins with
 * @magic: KVMETER_BLOCK_MAGIC
 * @flags: KVMETER_BLOCK_*
 * @bytes: that follow
 * @packed: bytes of the packed snapshot, which zlib makes of them
 * @nr: number of the snapshot, from 0
 * @crc: CRC-32 of all before it and of the bytes that follow
 */
struct kvmeter_block_head {
	__u32 magic;
	__u32 flags;
	__u32 bytes;
	__u32 packed;
	__u32 nr;
	__u32 crc;
};

_Static_assert(sizeof(struct kvmeter_recording_head) == 88, "kvmeter_recording_head");
_Static_assert(sizeof(struct kvmeter_recording_origin) == 256, "kvmeter_recording_origin");
_Static_assert(sizeof(struct kvmeter_block_head) == 24, "kvmeter_block_head");

/**
 * struct kvmeter_bytes - bytes that are added to
 * @data: the bytes
 * @len: how many
 * @room: how many there is room for
 */
struct kvmeter_bytes {
	unsigned char *data;
	unsigned int len, room;
};

/**
 * struct kvmeter_cursor - bytes that are read
 * @at: next one
 * @end: behind the last one
 * @bad: they were not what was written; from then on all is 0
 */
struct kvmeter_cursor {
	const unsigned char *at, *end;
	bool bad;
};

/**
 * struct kvmeter_recorder - a file that is being written
 * @file: its name
 * @fd: its file descriptor
 * @z: zlib's state
 * @packed: the snapshot before zlib
 * @block: the block
 * @nr: snapshots written
 * @bytes: of the file
 */
struct kvmeter_recorder {
	const char *file;
	int fd;
	z_stream z;
	struct kvmeter_bytes packed, block;
	__u64 nr;
	__u64 bytes;
};

/**
 * struct kvmeter_player - a file that is being read
 * @file: its name
 * @in: the file
 * @z: zlib's state
 * @head: what it begins with
 * @origin: what follows; all of it may be shown as it is; empty in older files
 * @begin: where the blocks begin
 * @packed: the snapshot behind zlib
 * @block: the block
 * @names: names of VMs that were read
 * @nr_names: how many
 * @room_names: how many there is room for
 * @is_synced: the block before was read, so one that is no key can be
 * @next_nr: number of the next block
 * @damages: places where blocks are missing, damaged or cut off
 * @damaged_at: the first of them, bytes from the beginning
 */
struct kvmeter_player {
	const char *file;
	FILE *in;
	z_stream z;
	struct kvmeter_recording_head head;
	struct kvmeter_recording_origin origin;
	long begin;
	struct kvmeter_bytes packed, block;
	char **names;
	unsigned int nr_names, room_names;
	bool is_synced;
	__u32 next_nr;
	unsigned long damages;
	long damaged_at;
};

/* pack.c */
void kvmeter_pack_bytes(struct kvmeter_bytes *to, const void *data, size_t size);
void kvmeter_pack_number(struct kvmeter_bytes *to, __u64 number);
void kvmeter_pack_diff(struct kvmeter_bytes *to, const void *cur, const void *prev, size_t size);
__u64 kvmeter_unpack_number(struct kvmeter_cursor *from, __u64 most);
const void *kvmeter_unpack_bytes(struct kvmeter_cursor *from, size_t size);
void kvmeter_unpack_diff(struct kvmeter_cursor *from, void *cur, const void *prev, size_t size);

/* pack_snap.c, unpack_snap.c */
void kvmeter_snap_pack(struct kvmeter_bytes *to, const struct kvmeter_snap *cur,
		       const struct kvmeter_snap *prev);
bool kvmeter_snap_unpack(struct kvmeter_player *player, struct kvmeter_snap *cur,
			 const struct kvmeter_snap *prev);

/* origin.c */
void kvmeter_origin_get(struct kvmeter_recording_origin *origin);
void kvmeter_origin_seal(struct kvmeter_recording_origin *origin);
bool kvmeter_origin_check(const struct kvmeter_recording_origin *origin);

/* recorder.c */
void kvmeter_recorder_open(struct kvmeter_recorder *recorder, const char *file, __u64 interval_ns,
			   const struct kvmeter_snap *first,
			   const struct kvmeter_recording_origin *origin);
bool kvmeter_recorder_add(struct kvmeter_recorder *recorder, const struct kvmeter_snap *cur,
			  const struct kvmeter_snap *prev);
void kvmeter_recorder_close(struct kvmeter_recorder *recorder);

/* player.c */
void kvmeter_player_open(struct kvmeter_player *player, const char *file);
bool kvmeter_player_next(struct kvmeter_player *player, struct kvmeter_snap *cur,
			 const struct kvmeter_snap *prev);
void kvmeter_player_rewind(struct kvmeter_player *player);
void kvmeter_player_close(struct kvmeter_player *player);

#endif /* KVMETER_RECORDING_H */
