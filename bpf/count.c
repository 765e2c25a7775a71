// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps a BPF program attached that counts exits by reason, until SIGTERM or SIGINT; then prints
 * the counts. For measuring what such a program costs, beside the module.
 *
 * Prints "attached" once it counts, and at the end one line "reason count" for each reason.
 */
#include <err.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "count.skel.h"

static void print_counts(int map)
{
	__u32 reason, *last = NULL;
	__u64 count;

	while (!bpf_map_get_next_key(map, last, &reason)) {
		if (bpf_map_lookup_elem(map, &reason, &count))
			err(1, "cannot read the counts");
		printf("%u %llu\n", reason, count);
		last = &reason;
	}
}

int main(void)
{
	struct count_bpf *skel;

	skel = count_bpf__open_and_load();
	if (!skel)
		err(1, "cannot load the BPF program");
	if (count_bpf__attach(skel))
		err(1, "cannot attach to the event kvm:kvm_exit");
	kvmeter_bench_wait();
	print_counts(bpf_map__fd(skel->maps.counts));
	count_bpf__destroy(skel);
	return 0;
}
