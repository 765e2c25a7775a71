// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps BPF programs attached that tell how long each task waits for a CPU, until SIGTERM or
 * SIGINT; then prints it. For measuring what such programs cost, beside the module.
 *
 * Prints "attached" once they are, and at the end one line "pid waits ns" for each task.
 */
#include <err.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "runqlat.h"
#include "runqlat.skel.h"

static void print_waits(int map)
{
	struct runqlat_wait wait;
	__u32 pid, *last = NULL;

	while (!bpf_map_get_next_key(map, last, &pid)) {
		if (bpf_map_lookup_elem(map, &pid, &wait))
			err(1, "cannot read the waits");
		printf("%u %llu %llu\n", pid, wait.nr, wait.ns);
		last = &pid;
	}
}

int main(void)
{
	struct runqlat_bpf *skel;

	skel = runqlat_bpf__open_and_load();
	if (!skel)
		err(1, "cannot load the BPF programs");
	if (runqlat_bpf__attach(skel))
		err(1, "cannot attach to the scheduler's events");
	kvmeter_bench_wait();
	print_waits(bpf_map__fd(skel->maps.waits));
	runqlat_bpf__destroy(skel);
	return 0;
}
