// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a recording of VMs that are busy, without the module.
 *
 *	fake_recording FILE SNAPSHOTS INTERVAL-MS
 *
 * The VM in slot 2 comes with the third snapshot, and goes with the one before the last.
 */
#include <err.h>

#include "../bpf/recording.h"
#include "busy_host.h"

int main(int argc, char **argv)
{
	struct kvmeter_snap snaps[2] = {}, *cur = &snaps[0], *prev = &snaps[1], *swap;
	struct kvmeter_recording_origin origin = { .host = "host-1", .kernel = "6.1.0-0-amd64" };
	struct kvmeter_recorder recorder;
	struct busy_host host;
	unsigned int i, nr;
	__u64 ns;

	if (argc != 4)
		errx(64, "FILE SNAPSHOTS INTERVAL-MS");
	nr = strtoul(argv[2], NULL, 10);
	ns = strtoull(argv[3], NULL, 10) * 1000000;
	kvmeter_origin_seal(&origin);
	if (busy_host_init(&host))
		errx(1, "no memory");
	for (i = 0; i < nr; i++) {
		host.fake->index.vms = i < 2 || i == nr - 1 ? 0x3 : 0x7;
		busy_host_take(&host, cur);
		if (!i)
			kvmeter_recorder_open(&recorder, argv[1], ns, cur, &origin);
		if (!kvmeter_recorder_add(&recorder, cur, i ? prev : NULL))
			err(1, "%s", argv[1]);
		swap = prev;
		prev = cur;
		cur = swap;
		busy_host_run(&host, ns);
	}
	printf("%.0f bytes a vCPU an hour\n",
	       recorder.bytes * 3600e9 / ((double)ns * (nr - 1) * BUSY_VCPUS));
	kvmeter_recorder_close(&recorder);
	busy_host_put(&host);
	kvmeter_snapshot_put(&snaps[0]);
	kvmeter_snapshot_put(&snaps[1]);
	return 0;
}
