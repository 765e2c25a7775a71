// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a snapshot takes on the CPU that this runs on, where there need be no module: of maps in a
 * file.
 *
 *   bench_reader FILE      FILE: from bench_scale save; prints a JSON object
 *
 * It is the reader's own code on what a host's maps held, in pages of 4 KiB as these have; but
 * nobody writes them meanwhile. Warm: one snapshot after the other. Cold: neither the maps nor the
 * snapshot before are in a cache of the CPU. Each is the median of ROUNDS_NR, in ns of the thread's
 * CPU time; after one that makes room and looks names up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "bench_maps.h"

#define ROUNDS_NR 101
#define LINE 64

static const void *map[KVMETER_MAP_NR];

static unsigned long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void flush(const void *memory, size_t bytes)
{
	size_t at;

	for (at = 0; at < bytes; at += LINE)
		_mm_clflush((const char *)memory + at);
}

static void flush_all(const struct kvmeter_info *info, const struct kvmeter_snap *snap)
{
	unsigned int i;

	for (i = 0; i < KVMETER_MAP_NR; i++)
		flush(map[i], bench_maps_bytes(info, i));
	flush(snap->vms, snap->room_vms * sizeof(*snap->vms));
	flush(snap->vcpus, snap->room_vcpus * sizeof(*snap->vcpus));
	flush(snap->rows, snap->room_rows * sizeof(*snap->rows));
	flush(snap->subs, snap->room_subs * sizeof(*snap->subs));
	flush(snap->thieves, snap->room_thieves * sizeof(*snap->thieves));
	flush(snap->vcpu_at, snap->room_at * sizeof(*snap->vcpu_at));
	_mm_mfence();
}

static int compare(const void *a, const void *b)
{
	unsigned long long l = *(const unsigned long long *)a;
	unsigned long long r = *(const unsigned long long *)b;

	return (l > r) - (l < r);
}

static unsigned long long median(const struct kvmeter_maps *maps, struct kvmeter_snap *snap,
				 unsigned int needs, bool cold)
{
	unsigned long long ns[ROUNDS_NR], begin;
	unsigned int i;

	kvmeter_snapshot_take(snap, maps, needs);
	for (i = 0; i < ROUNDS_NR; i++) {
		if (cold)
			flush_all(&maps->info, snap);
		begin = cpu_ns();
		kvmeter_snapshot_take(snap, maps, needs);
		ns[i] = cpu_ns() - begin;
	}
	qsort(ns, ROUNDS_NR, sizeof(*ns), compare);
	return ns[ROUNDS_NR / 2];
}

static void print_snapshot(const char *name, const struct kvmeter_maps *maps, unsigned int needs)
{
	struct kvmeter_snap snap = {};
	unsigned long long warm = median(maps, &snap, needs, false);
	unsigned long long cold = median(maps, &snap, needs, true);

	printf("\"%s\": {\"vcpus\": %u, \"warm_ns\": %llu, \"cold_ns\": %llu}", name, snap.nr_vcpus,
	       warm, cold);
	kvmeter_snapshot_put(&snap);
}

int main(int argc, char **argv)
{
	struct kvmeter_maps maps;
	struct kvmeter_info info;
	FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
	int ret = file ? bench_maps_read(file, &info, map) : -errno;

	if (ret) {
		fprintf(stderr, "bench_reader: %s\n", argc == 2 ? strerror(-ret) : "which file?");
		return 1;
	}
	maps = bench_maps_of(&info, map);
	putchar('{');
	print_snapshot("snapshot", &maps, 0);
	printf(", ");
	print_snapshot("snapshot_all", &maps,
		       KVMETER_NEED_ROWS | KVMETER_NEED_SUBS | KVMETER_NEED_THIEVES);
	puts("}");
	return 0;
}
