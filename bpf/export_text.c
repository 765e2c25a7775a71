// SPDX-License-Identifier: GPL-2.0-only
/* Makes the text of all metrics in memory, so that nobody sees a part of it, and files of it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openmetrics.h"

/**
 * kvmeter_export_make_text - have a text written into memory
 * @write: writes it
 * @openmetrics: passed to that
 * @size: set to its length
 *
 * Return: the text, to be freed; NULL if there is no memory for it.
 */
char *kvmeter_export_make_text(void (*write)(FILE *out, bool openmetrics), bool openmetrics,
			       size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	bool failed;

	if (!out)
		return NULL;
	write(out, openmetrics);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static bool write_new(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644), ret;

	if (fd < 0)
		return false;
	ret = kvmeter_write_all(fd, text, size);
	return !close(fd) && !ret;
}

/**
 * kvmeter_export_write_file - replace a file by the metrics as of now, or end the program
 * @path: the file
 * @write: writes the metrics
 *
 * Who reads it sees the old file or the new one. The new one is made beside it, so that it can be
 * renamed, and not before its text is complete: if the module is gone, nothing is left behind.
 */
void kvmeter_export_write_file(const char *path, void (*write)(FILE *out, bool openmetrics))
{
	char *temporary, *text;
	size_t size = 0;

	text = kvmeter_export_make_text(write, false, &size);
	/* The collector takes what ends in ".prom" only. */
	if (!text || asprintf(&temporary, "%s.%d.tmp", path, getpid()) < 0)
		err(1, "no memory");
	/* One that was killed may have had the same pid. */
	unlink(temporary);
	if (!write_new(temporary, text, size) || rename(temporary, path)) {
		int error = errno;

		unlink(temporary);
		errno = error;
		err(1, "cannot write %s", path);
	}
	free(temporary);
	free(text);
}
