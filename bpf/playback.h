/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The snapshots of a part of a recording, one after the other, and what is known of all of them.
 */
#ifndef KVMETER_PLAYBACK_H
#define KVMETER_PLAYBACK_H

#include "recording.h"
#include "replay.h"

/**
 * struct kvmeter_playback - a recording, and the part of it that is meant
 * @player: the file
 * @snaps: the two that were read last
 * @cur: the last one
 * @prev: the one before
 * @damages: places that could not be read
 * @damaged_at: the first of them
 * @all: all VMs that were ever there, by when they came; it has nothing else
 * @span: from the first snapshot to the last
 * @begin: where the part begins
 * @end: where it ends
 */
struct kvmeter_playback {
	struct kvmeter_player player;
	struct kvmeter_snap snaps[2], *cur, *prev;
	unsigned long damages;
	long damaged_at;
	struct kvmeter_snap all;
	struct kvmeter_span span;
	struct kvmeter_limit begin, end;
};

/* playback.c */
void kvmeter_playback_open(struct kvmeter_playback *file, const struct kvmeter_replay_args *args);
void kvmeter_playback_limit(struct kvmeter_playback *file, const struct kvmeter_replay_args *args);
bool kvmeter_playback_next(struct kvmeter_playback *file);
void kvmeter_playback_rewind(struct kvmeter_playback *file);
void kvmeter_playback_close(struct kvmeter_playback *file);

#endif /* KVMETER_PLAYBACK_H */
