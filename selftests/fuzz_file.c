// SPDX-License-Identifier: GPL-2.0-only
/* Hostile use of files: /dev/kvmeter, debugfs and parameters. See fuzz_target.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "random.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static size_t any_size(void)
{
	static const size_t size[] = { 0, 1, 7, 191, 192, 193, 383, 384, 1000, 4095, 4096 };

	return size[random_in(0, ARRAY_SIZE(size))];
}

static void check_records(struct fuzz_target *t, const void *data, long bytes)
{
	const struct kvmeter_audit *a = data;
	long i, nr = bytes / (long)sizeof(*a);

	if (bytes % (long)sizeof(*a))
		fuzz_wrong(t->record, "half a record", bytes);
	for (i = 0; i < nr; i++)
		if (!a[i].nr || a[i].kind >= KVMETER_AUDIT_NR || (i && a[i].nr <= a[i - 1].nr))
			fuzz_wrong(t->record, "no record", (long)a[i].nr);
}

void fuzz_device(struct fuzz_target *t, struct fuzz_buffer *buffer)
{
	static const uint8_t nothing[4096];
	struct pollfd p = { .fd = t->dev, .events = (short)random_u64() };
	int kind = (int)random_in(FUZZ_READ, FUZZ_SEEK + 1);
	size_t size = any_size();
	void *at = fuzz_buffer_place(buffer, nothing, size);
	long ret = -1;

	switch (kind) {
	case FUZZ_READ:
		ret = read(t->dev, at, size);
		break;
	case FUZZ_PREAD:
		ret = pread(t->dev, at, size,
			    (off_t)(fuzz_chance(2) ? random_in(0, 99) : fuzz_value()));
		break;
	case FUZZ_WRITE:
		ret = write(t->dev, at, size);
		break;
	case FUZZ_MMAP:
		at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, t->dev, 0);
		ret = at == MAP_FAILED ? -1 : 0;
		break;
	case FUZZ_POLL:
		ret = poll(&p, 1, 0);
		break;
	case FUZZ_SEEK:
		ret = lseek(t->dev, (off_t)fuzz_value(), (int)random_in(0, 3));
		break;
	}
	fuzz_note(t->record, (unsigned int)kind, ret);
	if (ret > 0 && (kind == FUZZ_READ || kind == FUZZ_PREAD))
		check_records(t, at, ret);
	if (ret >= 0 && (kind == FUZZ_WRITE || kind == FUZZ_MMAP))
		fuzz_wrong(t->record, "/dev/kvmeter can be written to or mapped", ret);
}

/* A file in a directory at random, or in one of its directories; "" if there is none. */
void fuzz_any_file(const char *dir, char *path, size_t size)
{
	struct dirent *e, picked = {};
	unsigned int nr = 0;
	char sub[PATH_MAX];
	DIR *d = opendir(dir);

	*path = '\0';
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && fuzz_chance(++nr))
			picked = *e;
	if (d)
		closedir(d);
	if (!nr)
		return;
	snprintf(sub, sizeof(sub), "%s/%.*s", dir, KVMETER_NAME_LEN * 2, picked.d_name);
	if (picked.d_type == DT_DIR)
		fuzz_any_file(sub, path, size);
	else
		snprintf(path, size, "%s", sub);
}

static int open_any(struct fuzz_target *t, const char *dir, unsigned int kind, bool *writable)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_RDWR, O_WRONLY };
	int flags = modes[random_in(0, ARRAY_SIZE(modes))] | O_CLOEXEC;
	char path[PATH_MAX];
	struct stat st;
	int fd;

	fuzz_any_file(dir, path, sizeof(path));
	if (!*path)
		return -1;
	if (fuzz_chance(16))
		flags |= fuzz_chance(2) ? O_APPEND : O_TRUNC;
	fd = open(path, flags);
	fuzz_note(t->record, kind, fd);
	if (fd < 0)
		return fd;
	*writable = !fstat(fd, &st) && (st.st_mode & 0222);
	return fd;
}

static void check_text(struct fuzz_target *t, const char *text, long len)
{
	long i;

	for (i = 0; i < len; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			fuzz_wrong(t->record, "a view has what is no text", text[i]);
}

static off_t any_offset(void)
{
	return (off_t)(fuzz_chance(2) ? random_in(0, 5000) : fuzz_value());
}

/* All of a file, in pieces of an odd size: it ends in a newline, or its VM is gone. */
static void read_all(struct fuzz_target *t, int fd)
{
	size_t size = random_in(1, 700);
	char text[700], last = '\n';
	long ret;

	if (lseek(fd, 0, SEEK_SET))
		return;
	do {
		ret = read(fd, text, size);
		fuzz_note(t->record, FUZZ_VIEW_READ, ret);
		if (ret > 0) {
			check_text(t, text, ret);
			last = text[ret - 1];
		}
	} while (ret > 0);
	if (!ret && last != '\n')
		fuzz_wrong(t->record, "a view ends without a newline", last);
}

static void fuzz_view_once(struct fuzz_target *t, int fd, bool writable)
{
	static char text[4096];
	size_t size = any_size();
	bool at_offset = fuzz_chance(2);
	void *at = fuzz_chance(8) ? (void *)fuzz_address() : text;
	long ret;

	switch (random_in(0, 6)) {
	case 0:
		read_all(t, fd);
		break;
	case 1:
		ret = at_offset ? pread(fd, at, size, any_offset()) : read(fd, at, size);
		fuzz_note(t->record, FUZZ_VIEW_READ, ret);
		if (ret > 0)
			check_text(t, at, ret);
		break;
	case 2:
		fuzz_note(t->record, FUZZ_VIEW_SEEK, lseek(fd, any_offset(), (int)random_in(0, 3)));
		break;
	case 3:
		memset(text, '1', size);
		fuzz_mutate(text, size);
		ret = at_offset ? pwrite(fd, at, size, any_offset()) : write(fd, at, size);
		fuzz_note(t->record, FUZZ_VIEW_WRITE, ret);
		if (ret >= 0 && !writable)
			fuzz_wrong(t->record, "a view can be written to", ret);
		break;
	case 4:
		at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		fuzz_note(t->record, FUZZ_VIEW_OTHER, at == MAP_FAILED ? -1 : 0);
		break;
	case 5:
		ret = ioctl(fd, KVMETER_GET_INFO, text);
		fuzz_note(t->record, FUZZ_VIEW_OTHER, ret);
		break;
	}
}

void fuzz_view(struct fuzz_target *t)
{
	uint64_t nr = random_in(1, 5);
	bool writable = false;
	int fd = open_any(t, FUZZ_DEBUGFS, FUZZ_VIEW_OPEN, &writable);

	if (fd < 0)
		return;
	for (; nr; nr--) {
		fuzz_view_once(t, fd, writable);
		/* It may be gone by then. */
		if (fuzz_chance(16))
			fuzz_stir(t);
	}
	close(fd);
}

static void any_text(char *text, size_t size)
{
	static const char *const word[] = { "0",	  "1",	     "2",   "16",
					    "99500",	  "256",     "on",  "off",
					    "observe",	  "default", "Y",   "N",
					    "0x10",	  "-1",	     "",    "4294967295",
					    "4294967296", " 7\n",    "1\0x" };

	switch (random_in(0, 4)) {
	case 0:
		snprintf(text, size, "%llu\n", (unsigned long long)fuzz_value());
		break;
	case 1:
		memset(text, 'x', size);
		fuzz_mutate(text, size);
		break;
	default:
		snprintf(text, size, "%s", word[random_in(0, ARRAY_SIZE(word))]);
		break;
	}
}

void fuzz_param(struct fuzz_target *t)
{
	bool writable = false;
	char text[5000] = "";
	size_t size;
	long ret;
	int fd = open_any(t, FUZZ_PARAMETERS, FUZZ_PARAM_OPEN, &writable);

	if (fd < 0)
		return;
	any_text(text, any_size() + 1);
	size = fuzz_chance(4) ? any_size() : strnlen(text, sizeof(text));
	ret = write(fd, fuzz_chance(32) ? (void *)fuzz_address() : text, size);
	fuzz_note(t->record, FUZZ_PARAM_WRITE, ret);
	if (ret > 0 && !writable)
		fuzz_wrong(t->record, "a parameter can be written to", ret);
	ret = pread(fd, text, any_size(), any_offset());
	fuzz_note(t->record, FUZZ_PARAM_READ, ret);
	close(fd);
}
