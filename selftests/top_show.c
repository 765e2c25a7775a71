// SPDX-License-Identifier: GPL-2.0-only
/*
 * The screen of top on VMs of known contents, for reader_top_test.sh: needs no module.
 *
 *   top_show VMS SECONDS [error|crash|warning|loop SNAPSHOT]
 *
 * It ends as the reader does where that snapshot cannot be taken, or where it is broken, or warns
 * and goes on, or prints in the end how much memory it had more at the last snapshot than at that.
 */
#include <err.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "top_world.h"

static struct {
	struct top_world world;
	const char *what;
	unsigned int when;
	size_t used, last_used;
} show;

static void take(struct kvmeter_snap *snap, void *arg)
{
	(void)arg;
	show.last_used = mallinfo2().uordblks;
	top_world_take(snap, &show.world);
	if (!show.what || show.world.tick != show.when)
		return;
	if (!strcmp(show.what, "error"))
		errx(1, "no consistent copy of a VM in 5000 tries");
	if (!strcmp(show.what, "crash"))
		abort();
	if (!strcmp(show.what, "warning"))
		warnx("something is odd");
	else
		show.used = show.last_used;
}

int main(int argc, char **argv)
{
	static const struct kvmeter_args args;
	struct kvmeter_top_source source = { .take = take };
	static struct kvmeter_top top;

	if (argc != 3 && argc != 5)
		errx(64, "top_show VMS SECONDS [error|crash|warning|loop SNAPSHOT]");
	if (top_world_init(&show.world, atoi(argv[1])))
		errx(1, "no memory");
	if (argc == 5) {
		show.what = argv[3];
		show.when = atoi(argv[4]);
	}
	kvmeter_top_init(&top, &args);
	top.utf8 = kvmeter_terminal_has_utf8();
	top.interval_s = atof(argv[2]);
	kvmeter_top_run(&source, &top, 0);
	if (show.used)
		printf("%zd bytes more\n", show.last_used - show.used);
	kvmeter_top_put(&top);
	top_world_put(&show.world);
	return 0;
}
