// SPDX-License-Identifier: GPL-2.0-only
/* The loop of top: takes snapshots, has them drawn, and waits for keys. */
#include <stdlib.h>
#include <unistd.h>

#include "top.h"

#define NS_PER_S 1e9

/**
 * struct loop - the snapshots
 * @source: where they come from
 * @snaps: room for those below
 * @last: the last one that was taken
 * @before: the one before it; NULL if there is none
 * @base: what totals are counted from
 * @delta: what is shown
 * @nr: how many reports there were
 */
struct loop {
	const struct kvmeter_top_source *source;
	struct kvmeter_snap snaps[3], delta;
	struct kvmeter_snap *last, *before, *base;
	unsigned long nr;
};

/* As long as there is no interval, what was counted since each VM was first seen. */
static void tell(struct loop *loop, struct kvmeter_top *top)
{
	bool total = top->total && loop->base != loop->last;

	top->retell = false;
	top->is_total = total;
	top->snap = loop->last;
	if (loop->before) {
		kvmeter_delta_get(&loop->delta, loop->last, total ? loop->base : loop->before);
		top->snap = &loop->delta;
	}
	kvmeter_top_list_make(top);
}

/* What is shown is of the last snapshot: only as long has a VM that is gone its name. */
static void take_next(struct loop *loop, struct kvmeter_top *top)
{
	struct kvmeter_snap *next = loop->snaps;

	while (next == loop->last || next == loop->base)
		next++;
	loop->source->take(next, loop->source->arg);
	loop->before = loop->last;
	loop->last = next;
	top->refresh = false;
	if (top->reset)
		loop->base = next;
	top->reset = false;
	tell(loop, top);
}

static void show(struct kvmeter_top *top)
{
	struct kvmeter_top_picture picture;
	unsigned int height, width;

	kvmeter_screen_get_size(&height, &width);
	kvmeter_top_draw(top, &picture, height, width);
	kvmeter_screen_show(&picture);
	free(picture.text);
}

static void press_keys(struct loop *loop, struct kvmeter_top *top)
{
	int key = kvmeter_screen_get_key();

	for (; key != KVMETER_KEY_NONE && !top->quit; key = kvmeter_screen_get_key()) {
		kvmeter_top_press(top, key);
		if (top->retell)
			tell(loop, top);
	}
}

static long long next_ns(const struct kvmeter_top *top)
{
	return kvmeter_wait_clock_ns() + (long long)(top->interval_s * NS_PER_S);
}

/**
 * kvmeter_top_run - show what VMs do, until the user has enough of it
 * @source: where snapshots come from
 * @top: how it begins
 * @count: how many intervals are shown at most; 0: no matter how many
 */
void kvmeter_top_run(const struct kvmeter_top_source *source, struct kvmeter_top *top,
		     unsigned long count)
{
	struct loop loop = { .source = source };
	long long due_ns;
	unsigned int i;

	take_next(&loop, top);
	loop.base = loop.last;
	kvmeter_wait_catch_signals();
	kvmeter_screen_open();
	due_ns = next_ns(top);
	for (;;) {
		show(top);
		if (!kvmeter_wait_until(STDIN_FILENO, due_ns))
			break;
		press_keys(&loop, top);
		if (top->quit)
			break;
		if (!top->refresh && !top->reset && kvmeter_wait_clock_ns() < due_ns)
			continue;
		if (count && loop.nr++ == count)
			break;
		take_next(&loop, top);
		due_ns = next_ns(top);
	}
	kvmeter_screen_close();
	for (i = 0; i < sizeof(loop.snaps) / sizeof(*loop.snaps); i++)
		kvmeter_snapshot_put(&loop.snaps[i]);
	kvmeter_snapshot_put(&loop.delta);
}
