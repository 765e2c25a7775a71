// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a migrating VMM has still to send, estimated between its readings of the dirty log.
 *
 * The VMM knows the dirty pages only when it reads the log. The module counts them as they come,
 * and sees the VMM read. Of the round that is being sent, the part already sent is an estimate:
 * that it goes on at the speed of the last round.
 */
#include <string.h>

#include "dirty.h"

#define NS_PER_S 1e9

/* Pages of the round that are not sent yet; if the speed is not known yet, all of them. */
static double pages_left(const struct kvmeter_dirty *d, __u64 sync_nr, __u64 ram_pages,
			 double since_ns)
{
	double round_pages = sync_nr == 1 ? ram_pages : d->round_pages;
	double sent_pages = d->round_ns ? since_ns * d->sent_pages / d->round_ns : 0;

	return sent_pages < round_pages ? round_pages - sent_pages : 0;
}

/**
 * kvmeter_live_get - estimate what is left of a migration
 * @vm: the VM, of a snapshot or of what happened in an interval
 * @now_ns: when that was taken
 * @live: filled; zero if there is nothing to tell
 *
 * Return: false if the VMM has no memory logged, or has not read the log yet.
 */
bool kvmeter_live_get(const struct kvmeter_snap_vm *vm, __u64 now_ns, struct kvmeter_live *live)
{
	const struct kvmeter_dirty *d = &vm->d;
	double since_ns = now_ns > d->sync_ns ? now_ns - d->sync_ns : 0;

	memset(live, 0, sizeof(*live));
	if (vm->v.log_state != KVMETER_LOG_BITMAP && vm->v.log_state != KVMETER_LOG_RING)
		return false;
	if (!vm->sync_nr)
		return false;
	live->since_s = since_ns / NS_PER_S;
	live->round_known = d->round_ns > 0;
	if (vm->found_pages > vm->sync_pages)
		live->dirtied_bytes =
			(double)(vm->found_pages - vm->sync_pages) * KVMETER_PAGE_BYTES;
	live->round_bytes =
		pages_left(d, vm->sync_nr, vm->v.ram_pages, since_ns) * KVMETER_PAGE_BYTES;
	live->remaining_bytes = live->round_bytes + live->dirtied_bytes;
	return true;
}
