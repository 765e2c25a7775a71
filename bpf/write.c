// SPDX-License-Identifier: GPL-2.0-only
/* Writes to files, however many calls that takes. */
#include <errno.h>
#include <unistd.h>

#include "reader.h"

/**
 * kvmeter_write_all - write all bytes there are
 * @fd: where to
 * @data: the bytes
 * @size: how many
 *
 * Return: 0, or -1 and errno; a part of them may have been written then.
 */
int kvmeter_write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	ssize_t nr;

	while (size) {
		nr = write(fd, at, size);
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return -1;
		at += nr;
		size -= nr;
	}
	return 0;
}
