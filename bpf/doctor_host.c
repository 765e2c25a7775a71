// SPDX-License-Identifier: GPL-2.0-only
/* What the host itself tells doctor: how much CPU time is left, and which limits its cgroups have.
 */
#include <ctype.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "doctor.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define PATH_LEN 4096

/**
 * kvmeter_doctor_parse_cpus - read what /proc/stat has of the CPUs
 * @stat: the file
 * @cpus: filled
 *
 * user, nice, system, idle, iowait, irq, softirq, steal; what follows is in user and nice already.
 *
 * Return: false if it is no such file.
 */
bool kvmeter_doctor_parse_cpus(FILE *stat, struct kvmeter_doctor_cpus *cpus)
{
	unsigned long long t[8] = {};
	char line[512];
	unsigned int i;

	memset(cpus, 0, sizeof(*cpus));
	while (fgets(line, sizeof(line), stat)) {
		if (!strncmp(line, "cpu", 3) && isdigit((unsigned char)line[3]))
			cpus->nr++;
		else if (!strncmp(line, "cpu ", 4) &&
			 sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1],
				&t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
			return false;
	}
	for (i = 0; i < 8; i++)
		cpus->all += t[i];
	cpus->busy = cpus->all - t[3] - t[4];
	return cpus->nr && cpus->all;
}

/* Time of this process, in the unit of /proc/stat. */
static __u64 get_own(void)
{
	struct rusage own;
	double s;

	if (getrusage(RUSAGE_SELF, &own))
		return 0;
	s = own.ru_utime.tv_sec + own.ru_stime.tv_sec +
		(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
	return (__u64)(s * sysconf(_SC_CLK_TCK));
}

/**
 * kvmeter_doctor_get_cpus - the same of this host, now
 * @cpus: filled; zero if it cannot be read
 *
 * What this process does is nothing that the host has to do: it counts as idle.
 */
void kvmeter_doctor_get_cpus(struct kvmeter_doctor_cpus *cpus)
{
	FILE *stat = fopen("/proc/stat", "re");
	__u64 own = get_own();

	if (!stat || !kvmeter_doctor_parse_cpus(stat, cpus))
		memset(cpus, 0, sizeof(*cpus));
	cpus->busy -= own < cpus->busy ? own : cpus->busy;
	if (stat)
		fclose(stat);
}

/**
 * kvmeter_doctor_add_cpus - add to the evidence what CPU time was left
 * @doctor: the evidence
 * @before: at the beginning of the interval
 * @after: at its end
 */
void kvmeter_doctor_add_cpus(struct kvmeter_doctor *doctor,
			     const struct kvmeter_doctor_cpus *before,
			     const struct kvmeter_doctor_cpus *after)
{
	__u64 all = after->all - before->all, busy = after->busy - before->busy;

	if (!before->nr || !after->nr || after->all <= before->all)
		return;
	doctor->nr_cpus = after->nr;
	/* Idle time may be taken back, by a tick or so. */
	doctor->idle = after->busy < before->busy ? 1 : busy < all ? 1 - (double)busy / all : 0;
}

/* The cgroup of a thread, below the root of the unified hierarchy; false if it has none. */
static bool get_cgroup(__u32 tid, char *path, size_t size)
{
	char name[64], line[PATH_LEN];
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", tid);
	file = fopen(name, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strncmp(line, "0::/", 4);
	}
	if (file)
		fclose(file);
	return found && (size_t)snprintf(path, size, "%s%s", CGROUP_ROOT, line + 3) < size;
}

/* The limit of a cgroup, if it has one. */
static bool get_limit(const char *path, char *text, size_t size)
{
	char name[PATH_LEN + 16], line[64] = "";
	FILE *file;

	snprintf(name, sizeof(name), "%s/cpu.max", path);
	file = fopen(name, "re");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	if (!*line || !strncmp(line, "max", 3))
		return false;
	snprintf(text, size, "%s in %s", line, name);
	return true;
}

/* The lowest one, of its own cgroup or of one above. */
static void find_limit(__u32 tid, char *text, size_t size)
{
	char path[PATH_LEN], limit[PATH_LEN + 128];
	char *slash;

	if (!get_cgroup(tid, path, sizeof(path)))
		return;
	while (strlen(path) > strlen(CGROUP_ROOT)) {
		if (get_limit(path, limit, sizeof(limit))) {
			kvmeter_escape_text(limit, text, size);
			return;
		}
		slash = strrchr(path, '/');
		*slash = '\0';
	}
}

/**
 * kvmeter_doctor_add_limits - add to the evidence which CPU limits there are
 * @doctor: the evidence
 */
void kvmeter_doctor_add_limits(struct kvmeter_doctor *doctor)
{
	struct kvmeter_doctor_vm *vm;

	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (vm->wanted && vm->limit_ns)
			find_limit(vm->limited_tid, vm->limit, sizeof(vm->limit));
	}
}
