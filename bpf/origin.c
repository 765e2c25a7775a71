// SPDX-License-Identifier: GPL-2.0-only
/* Tells in a recording what host, kernel and module it is of. */
#include <string.h>
#include <sys/utsname.h>

#include "recording.h"

#define MODULE "/sys/module/kvmeter/"

/* The first line of a file; nothing where there is none. */
static void read_line(const char *file, char *line, size_t size)
{
	FILE *in = fopen(file, "re");

	if (!in)
		return;
	if (!fgets(line, size, in))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(in);
}

/**
 * kvmeter_origin_get - find out what is recorded here
 * @origin: filled; it may be written as it is
 */
void kvmeter_origin_get(struct kvmeter_recording_origin *origin)
{
	struct utsname name;
	char line[33] = "";

	memset(origin, 0, sizeof(*origin));
	if (!uname(&name)) {
		kvmeter_escape_text(name.nodename, origin->host, sizeof(origin->host));
		kvmeter_escape_text(name.release, origin->kernel, sizeof(origin->kernel));
	}
	read_line(MODULE "version", line, sizeof(line));
	kvmeter_escape_text(line, origin->module, sizeof(origin->module));
	line[0] = '\0';
	read_line(MODULE "srcversion", line, sizeof(line));
	kvmeter_escape_text(line, origin->source, sizeof(origin->source));
	kvmeter_origin_seal(origin);
}

static __u32 get_crc(const struct kvmeter_recording_origin *origin)
{
	return crc32(0, (const void *)origin, offsetof(struct kvmeter_recording_origin, crc));
}

/**
 * kvmeter_origin_seal - make it one that may be written
 * @origin: all but its checksum
 */
void kvmeter_origin_seal(struct kvmeter_recording_origin *origin)
{
	origin->crc = get_crc(origin);
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) && kvmeter_escape_is_shown(text);
}

/**
 * kvmeter_origin_check - is it what was written, and may it be shown?
 * @origin: of a file
 *
 * Return: true if so.
 */
bool kvmeter_origin_check(const struct kvmeter_recording_origin *origin)
{
	return origin->crc == get_crc(origin) && is_text(origin->host, sizeof(origin->host)) &&
		is_text(origin->kernel, sizeof(origin->kernel)) &&
		is_text(origin->module, sizeof(origin->module)) &&
		is_text(origin->source, sizeof(origin->source));
}
