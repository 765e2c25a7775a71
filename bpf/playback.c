// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the part of a recording that is meant.
 *
 * The file is read once more than that before: to know the times and the VMs that are in it.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "playback.h"

/* Exit status where a part of the file could not be read. */
#define EX_DAMAGED 2

static bool read_next(struct kvmeter_playback *file)
{
	struct kvmeter_snap *swap = file->prev;

	file->prev = file->cur;
	file->cur = swap;
	return kvmeter_player_next(&file->player, file->cur, file->prev);
}

static bool knows_vm(const struct kvmeter_snap *all, const struct kvmeter_snap_vm *vm)
{
	unsigned int i;

	for (i = 0; i < all->nr_vms; i++) {
		if (all->vms[i].slot == vm->slot && all->vms[i].v.gen == vm->v.gen)
			return true;
	}
	return false;
}

static void note_vms(struct kvmeter_playback *file, bool is_first)
{
	const struct kvmeter_snap *cur = file->cur;
	struct kvmeter_snap *all = &file->all;
	const struct kvmeter_snap_vm *vm;

	for (vm = cur->vms; vm < cur->vms + cur->nr_vms; vm++) {
		if (!is_first && kvmeter_snapshot_find_vm(file->prev, vm->slot, vm->v.gen))
			continue;
		if (knows_vm(all, vm))
			continue;
		all->vms = kvmeter_array_grow(all->vms, &all->room_vms, all->nr_vms + 1,
					      sizeof(*all->vms));
		all->vms[all->nr_vms++] = *vm;
	}
}

/* All times, and all VMs. */
static void look_through(struct kvmeter_playback *file)
{
	struct kvmeter_span *span = &file->span;
	bool is_first = true;

	for (; read_next(file); is_first = false) {
		if (is_first) {
			span->begin_ns = file->cur->now_ns;
			span->begin_real_ns = file->cur->real_ns;
		}
		if (file->cur->now_ns > span->end_ns)
			span->end_ns = file->cur->now_ns;
		note_vms(file, is_first);
	}
	if (is_first)
		errx(file->player.damages ? EX_DAMAGED : 1, "%s has no snapshot",
		     file->player.file);
	file->damages = file->player.damages;
	file->damaged_at = file->player.damaged_at;
	kvmeter_player_rewind(&file->player);
}

/**
 * kvmeter_playback_open - open a recording, and find out what is in it
 * @file: filled
 * @args: which one
 *
 * Ends the program if there is no snapshot in it.
 */
void kvmeter_playback_open(struct kvmeter_playback *file, const struct kvmeter_replay_args *args)
{
	memset(file, 0, sizeof(*file));
	file->cur = &file->snaps[0];
	file->prev = &file->snaps[1];
	kvmeter_player_open(&file->player, args->file);
	look_through(file);
}

/**
 * kvmeter_playback_limit - say which part is meant, and tell the user if some of it cannot be read
 * @file: the recording
 * @args: the part
 */
void kvmeter_playback_limit(struct kvmeter_playback *file, const struct kvmeter_replay_args *args)
{
	file->begin = kvmeter_times_begin(&args->from, &file->span);
	file->end = kvmeter_times_end(&args->to, &file->begin, &file->span);
	if (file->damages)
		warnx("%s is damaged or cut off at byte %ld%s: the rest of it is used", args->file,
		      file->damaged_at, file->damages > 1 ? " and elsewhere" : "");
}

static __u64 by_clock(const struct kvmeter_snap *snap, const struct kvmeter_limit *limit)
{
	return limit->is_real ? snap->real_ns : snap->now_ns;
}

/**
 * kvmeter_playback_next - read the next snapshot of the part that is meant
 * @file: the recording; file->cur is the snapshot
 *
 * Return: false if there is none.
 */
bool kvmeter_playback_next(struct kvmeter_playback *file)
{
	while (read_next(file)) {
		if (by_clock(file->cur, &file->begin) >= file->begin.ns &&
		    by_clock(file->cur, &file->end) <= file->end.ns)
			return true;
	}
	return false;
}

/**
 * kvmeter_playback_rewind - go back to where the part begins
 * @file: the recording
 */
void kvmeter_playback_rewind(struct kvmeter_playback *file)
{
	kvmeter_player_rewind(&file->player);
}

/**
 * kvmeter_playback_close - release what a recording has
 * @file: the recording
 *
 * Ends the program with status 2 if a part of it could not be read.
 */
void kvmeter_playback_close(struct kvmeter_playback *file)
{
	kvmeter_snapshot_put(&file->snaps[0]);
	kvmeter_snapshot_put(&file->snaps[1]);
	kvmeter_snapshot_put(&file->all);
	kvmeter_player_close(&file->player);
	if (file->damages)
		exit(EX_DAMAGED);
}
