// SPDX-License-Identifier: GPL-2.0-only
/* What the host tells doctor of its NUMA nodes: on which of them memory is, and how far they are.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define NODES KVMETER_DOCTOR_NODES
#define NODE_DIR "/sys/devices/system/node"

/* The number behind @key in @line; false if there is none. */
static bool find_number(const char *line, const char *key, unsigned long long *number)
{
	const char *at = strstr(line, key);

	return at && sscanf(at + strlen(key), "%llu", number) == 1;
}

/**
 * kvmeter_doctor_parse_numa_maps - add up where the memory of a process is
 * @maps: its numa_maps
 * @kib: KiB on each of KVMETER_DOCTOR_NODES nodes
 *
 * Return: false if none is.
 */
bool kvmeter_doctor_parse_numa_maps(FILE *maps, __u64 *kib)
{
	unsigned long long page_kib, pages;
	char *line = NULL, *word;
	size_t size = 0;
	unsigned int node;
	bool found = false;

	memset(kib, 0, NODES * sizeof(*kib));
	while (getline(&line, &size, maps) > 0) {
		if (!find_number(line, "kernelpagesize_kB=", &page_kib))
			continue;
		for (word = strtok(line, "\n "); word; word = strtok(NULL, "\n ")) {
			if (sscanf(word, "N%u=%llu", &node, &pages) != 2)
				continue;
			kib[node < NODES ? node : NODES - 1] += pages * page_kib;
			found = true;
		}
	}
	free(line);
	return found;
}

/**
 * kvmeter_doctor_count_far - how much of the memory accesses is far
 * @vcpu_ns: time that vCPUs ran on each node
 * @kib: memory on each node
 *
 * A VM that runs on n nodes is near to its memory if each of these has 1/n of it: a guest that
 * knows of the nodes can use what is near. What a node has less than that its vCPUs get from far.
 *
 * Return: a part, from 0 to 1.
 */
double kvmeter_doctor_count_far(const __u64 *vcpu_ns, const __u64 *kib)
{
	double all_ns = 0, all_kib = 0, far = 0, have;
	unsigned int node, nr = 0;

	for (node = 0; node < NODES; node++) {
		all_ns += vcpu_ns[node];
		all_kib += kib[node];
		nr += vcpu_ns[node] > 0;
	}
	if (!(all_ns > 0) || !(all_kib > 0))
		return 0;
	for (node = 0; node < NODES; node++) {
		have = nr * (kib[node] / all_kib);
		if (have < 1)
			far += vcpu_ns[node] / all_ns * (1 - have);
	}
	return far;
}

static unsigned int count_nodes(void)
{
	unsigned int first, last, nr = 0;
	FILE *online = fopen(NODE_DIR "/online", "re");
	int got;

	/* As "0-1,4". A kernel without NUMA has no such file, and one node. */
	if (!online)
		return 1;
	while ((got = fscanf(online, "%u-%u", &first, &last)) >= 1) {
		nr += got == 2 && last > first ? last - first + 1 : 1;
		if (fgetc(online) != ',')
			break;
	}
	fclose(online);
	return nr;
}

/* The farthest node from one that vCPUs run on. */
static double get_distance(const __u64 *vcpu_ns)
{
	double most = 0, distance;
	unsigned int node;
	char name[64];
	FILE *file;

	for (node = 0; node < NODES; node++) {
		if (!vcpu_ns[node])
			continue;
		snprintf(name, sizeof(name), NODE_DIR "/node%u/distance", node);
		file = fopen(name, "re");
		while (file && fscanf(file, "%lf", &distance) == 1)
			most = distance > most ? distance : most;
		if (file)
			fclose(file);
	}
	return most > KVMETER_DOCTOR_NEAR ? most : KVMETER_DOCTOR_FAR;
}

static void add_memory(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap)
{
	__u64 vcpu_ns[NODES] = {}, kib[NODES];
	const struct kvmeter_vcpu *v;
	unsigned int i;
	char name[64];
	FILE *maps;

	for (i = 0; i < vm->vm->nr_vcpus; i++) {
		v = &snap->vcpus[vm->vm->first_vcpu + i].v;
		vcpu_ns[v->node < NODES ? v->node : NODES - 1] += v->guest_ns;
	}
	snprintf(name, sizeof(name), "/proc/%u/numa_maps", vm->vm->v.pid);
	maps = fopen(name, "re");
	if (!maps)
		return;
	vm->memory_known = kvmeter_doctor_parse_numa_maps(maps, kib);
	fclose(maps);
	vm->far = kvmeter_doctor_count_far(vcpu_ns, kib);
	vm->distance = get_distance(vcpu_ns);
}

/**
 * kvmeter_doctor_add_nodes - add to the evidence where memory is
 * @doctor: the evidence
 *
 * To be read for each page, numa_maps takes its time: with one node nothing is.
 */
void kvmeter_doctor_add_nodes(struct kvmeter_doctor *doctor)
{
	struct kvmeter_doctor_vm *vm;

	doctor->nr_nodes = count_nodes();
	if (doctor->nr_nodes < 2)
		return;
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (vm->wanted)
			add_memory(vm, doctor->snap);
	}
}
