// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the snapshots of a file that recorder.c has written, as far as they are whole.
 *
 * Where a block is missing, damaged or cut off, reading goes on at the next key.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

/* A length in a file is believed only this much at a time. */
#define CHUNK (1U << 20)

static void check_head(const struct kvmeter_recording_head *head, const char *file)
{
	static const __u32 sizes[] = KVMETER_RECORDING_SIZES;

	if (memcmp(head->magic, KVMETER_RECORDING_MAGIC, sizeof(head->magic)))
		errx(1, "%s is no recording of kvmeter's", file);
	if (head->order != KVMETER_RECORDING_ORDER)
		errx(1, "%s was recorded on a machine with another byte order", file);
	if (head->crc != crc32(0, (const void *)head, offsetof(struct kvmeter_recording_head, crc)))
		errx(1, "%s is damaged where it begins", file);
	if (!head->version || head->version > KVMETER_RECORDING_VERSION)
		errx(1, "%s has format version %u, this reader knows %u", file, head->version,
		     KVMETER_RECORDING_VERSION);
	if (head->abi != KVMETER_ABI)
		errx(1, "%s has ABI %u, this reader knows %u", file, head->abi, KVMETER_ABI);
	if (memcmp(head->sizes, sizes, sizeof(sizes)))
		errx(1, "%s has structs of other sizes than this reader", file);
}

static void read_origin(struct kvmeter_player *player)
{
	player->begin = sizeof(player->head);
	if (player->head.version < KVMETER_RECORDING_VERSION_ORIGIN)
		return;
	if (fread(&player->origin, sizeof(player->origin), 1, player->in) != 1 ||
	    !kvmeter_origin_check(&player->origin))
		errx(1, "%s is damaged where it begins", player->file);
	player->begin += sizeof(player->origin);
}

/**
 * kvmeter_player_open - open a file
 * @player: filled
 * @file: its name
 *
 * Ends the program if it is none that this reader understands.
 */
void kvmeter_player_open(struct kvmeter_player *player, const char *file)
{
	memset(player, 0, sizeof(*player));
	player->file = file;
	player->in = fopen(file, "re");
	if (!player->in)
		err(1, "%s", file);
	if (fread(&player->head, sizeof(player->head), 1, player->in) != 1)
		errx(1,
		     ferror(player->in) ? "%s cannot be read" : "%s is no recording of kvmeter's",
		     file);
	check_head(&player->head, file);
	read_origin(player);
	if (inflateInit(&player->z) != Z_OK)
		errx(1, "no memory");
}

/**
 * kvmeter_player_rewind - go back to the first snapshot
 * @player: the file
 */
void kvmeter_player_rewind(struct kvmeter_player *player)
{
	if (fseek(player->in, player->begin, SEEK_SET))
		err(1, "%s", player->file);
	player->is_synced = false;
	player->next_nr = 0;
	player->damages = 0;
}

static bool read_bytes(struct kvmeter_player *player, unsigned int bytes)
{
	struct kvmeter_bytes *block = &player->block;
	unsigned int some;

	for (block->len = 0; block->len < bytes; block->len += some) {
		some = bytes - block->len < CHUNK ? bytes - block->len : CHUNK;
		block->data = kvmeter_array_grow(block->data, &block->room, block->len + some, 1);
		if (fread(block->data + block->len, 1, some, player->in) != some)
			return false;
	}
	return true;
}

/* A whole block, into player->block. */
static bool read_block(struct kvmeter_player *player, struct kvmeter_block_head *head)
{
	__u32 crc;

	if (fread(head, sizeof(*head), 1, player->in) != 1)
		return false;
	if (head->magic != KVMETER_BLOCK_MAGIC || head->bytes > KVMETER_BLOCK_MAX ||
	    head->packed > KVMETER_BLOCK_MAX || !read_bytes(player, head->bytes))
		return false;
	crc = crc32(0, (const void *)head, offsetof(struct kvmeter_block_head, crc));
	return crc32(crc, player->block.data, head->bytes) == head->crc;
}

/* Memory is taken as bytes come out, not as the file says that they will. */
static bool inflate_block(struct kvmeter_player *player, unsigned int bytes)
{
	struct kvmeter_bytes *packed = &player->packed;
	z_stream *z = &player->z;
	int ret;

	z->next_in = player->block.data;
	z->avail_in = player->block.len;
	packed->len = 0;
	for (;;) {
		packed->data =
			kvmeter_array_grow(packed->data, &packed->room, packed->len + CHUNK, 1);
		z->next_out = packed->data + packed->len;
		z->avail_out = packed->room - packed->len;
		ret = inflate(z, Z_SYNC_FLUSH);
		packed->len = packed->room - z->avail_out;
		if (ret == Z_MEM_ERROR)
			errx(1, "no memory");
		if ((ret != Z_OK && ret != Z_BUF_ERROR) || packed->len > bytes)
			return false;
		if (z->avail_out)
			break;
	}
	return !z->avail_in && packed->len == bytes;
}

static bool is_at_end(struct kvmeter_player *player)
{
	int c = getc(player->in);

	if (c != EOF)
		ungetc(c, player->in);
	return c == EOF;
}

static void note_damage(struct kvmeter_player *player, long at)
{
	if (!player->damages++)
		player->damaged_at = at;
	player->is_synced = false;
}

/* Go to the next place from @at on that looks like the beginning of a block. */
static bool find_block(struct kvmeter_player *player, long at)
{
	__u32 magic = KVMETER_BLOCK_MAGIC, seen = 0;
	int c;

	if (fseek(player->in, at, SEEK_SET))
		err(1, "%s", player->file);
	while ((c = getc(player->in)) != EOF) {
		seen = seen >> 8 | (__u32)c << 24;
		if (seen == magic)
			return !fseek(player->in, -(long)sizeof(magic), SEEK_CUR);
	}
	return false;
}

/* What a block has is of use: it is a key, or follows the one that was read last. */
static bool is_usable(struct kvmeter_player *player, const struct kvmeter_block_head *head)
{
	if (head->flags & KVMETER_BLOCK_KEY)
		return inflateReset(&player->z) == Z_OK;
	return player->is_synced && head->nr == player->next_nr;
}

/**
 * kvmeter_player_next - read the next snapshot that can be read
 * @player: the file
 * @cur: filled
 * @prev: the snapshot that was read before, or NULL
 *
 * Return: false if there is none; player->damages tells whether that is all there was.
 */
bool kvmeter_player_next(struct kvmeter_player *player, struct kvmeter_snap *cur,
			 const struct kvmeter_snap *prev)
{
	struct kvmeter_block_head head;
	bool is_key;
	long at;

	while (!is_at_end(player)) {
		at = ftell(player->in);
		if (!read_block(player, &head)) {
			note_damage(player, at);
			if (!find_block(player, at + 1))
				return false;
			continue;
		}
		is_key = head.flags & KVMETER_BLOCK_KEY;
		if (!is_usable(player, &head)) {
			/* those that follow one that is missing are not missing themselves */
			if (player->is_synced || !player->damages)
				note_damage(player, at);
			continue;
		}
		if (is_key && head.nr != player->next_nr && (player->is_synced || !player->damages))
			note_damage(player, at);
		player->is_synced = inflate_block(player, head.packed) &&
			kvmeter_snap_unpack(player, cur, is_key ? NULL : prev);
		player->next_nr = head.nr + 1;
		if (player->is_synced)
			return true;
		note_damage(player, at);
	}
	return false;
}

/**
 * kvmeter_player_close - release what a file has
 * @player: the file; names of VMs in its snapshots are no longer there
 */
void kvmeter_player_close(struct kvmeter_player *player)
{
	unsigned int i;

	fclose(player->in);
	inflateEnd(&player->z);
	for (i = 0; i < player->nr_names; i++)
		free(player->names[i]);
	free(player->names);
	free(player->packed.data);
	free(player->block.data);
}
