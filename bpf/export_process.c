// SPDX-License-Identifier: GPL-2.0-only
/* What export tells about its own process, by the names that all exporters have for it. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "openmetrics.h"

#define FIELDS_BEFORE_START 19

/* Field 22 of /proc/self/stat, behind the name, which may hold anything; 0 if it cannot be had. */
static unsigned long long get_start_ticks(void)
{
	char text[1024], *at;
	FILE *f = fopen("/proc/self/stat", "re");
	unsigned int i;

	if (!f)
		return 0;
	at = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	fclose(f);
	for (i = 0; at && i <= FIELDS_BEFORE_START; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static double get_start_s(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return real.tv_sec - boot.tv_sec + (double)get_start_ticks() / sysconf(_SC_CLK_TCK);
}

static unsigned long long get_resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/**
 * kvmeter_export_add_process - add the CPU time, the memory and the age of this process
 * @om: where to
 */
void kvmeter_export_add_process(struct kvmeter_om *om)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	kvmeter_om_family(om, "process_cpu_seconds", KVMETER_OM_COUNTER, "seconds",
			  "CPU time of the exporter");
	kvmeter_om_add_double(om, NULL,
			      usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
				      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	kvmeter_om_family(om, "process_resident_memory_bytes", KVMETER_OM_GAUGE, "bytes",
			  "Resident memory of the exporter");
	kvmeter_om_add_u64(om, NULL, get_resident_bytes());
	kvmeter_om_family(om, "process_start_time_seconds", KVMETER_OM_GAUGE, "seconds",
			  "When the exporter was started, since the epoch");
	kvmeter_om_add_double(om, NULL, get_start_s());
}
