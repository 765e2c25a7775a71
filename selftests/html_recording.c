// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a recording of VMs of known contents, for the tests of the page.
 *
 *	html_recording FILE VMS SNAPSHOTS [FROM TO]
 *
 * Snapshots FROM to TO, both included, are missing, as where the host had no time for them.
 */
#include <err.h>

#include "../bpf/recording.h"
#include "html_world.h"

int main(int argc, char **argv)
{
	struct kvmeter_recording_origin origin = { .host = "host-1",
						   .kernel = "6.1.0-0-amd64",
						   .module = "1.0" };
	struct kvmeter_snap snaps[2] = {}, *cur = &snaps[0], *prev = &snaps[1], *swap;
	struct kvmeter_recorder recorder;
	unsigned int n, nr, from = ~0U, to = 0;

	if (argc != 4 && argc != 6)
		errx(64, "FILE VMS SNAPSHOTS [FROM TO]");
	nr = strtoul(argv[3], NULL, 10);
	if (argc == 6) {
		from = strtoul(argv[4], NULL, 10);
		to = strtoul(argv[5], NULL, 10);
	}
	kvmeter_origin_seal(&origin);
	for (n = 0; n < nr; n++) {
		if (n >= from && n <= to)
			continue;
		html_world_take(cur, n, strtoul(argv[2], NULL, 10));
		if (!n)
			kvmeter_recorder_open(&recorder, argv[1], HTML_WORLD_STEP_NS, cur, &origin);
		if (!kvmeter_recorder_add(&recorder, cur, n ? prev : NULL))
			err(1, "%s", argv[1]);
		swap = prev;
		prev = cur;
		cur = swap;
	}
	kvmeter_recorder_close(&recorder);
	kvmeter_snapshot_put(&snaps[0]);
	kvmeter_snapshot_put(&snaps[1]);
	return 0;
}
