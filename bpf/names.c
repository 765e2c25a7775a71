// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives each VM the name its operator knows it by, looked up once for each VM.
 *
 * To read a process's command line takes a lock of its memory, which it may hold for long: who must
 * not wait for it has a thread do so.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

/* More of a command line than this is not looked at: it belongs to a process nobody vouches for. */
#define CMDLINE_MAX (256 * 1024)

/**
 * struct known_name - the name of a VM
 * @gen: of the VM's slot; odd, so 0 is no VM
 * @pid: of its VMM
 * @shown: the name; NULL: the thread is to look it up
 */
struct known_name {
	__u32 gen;
	__u32 pid;
	char *shown;
};

/* For all that follows, if there is a thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static bool has_thread;
static struct known_name *known;
static unsigned int room;

/* The file's text with a NUL after it; 0 bytes if it cannot be read. */
static size_t read_proc(__u32 pid, const char *file, char *buf, size_t size)
{
	char path[64];
	size_t len = 0;
	ssize_t nr;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while (len < size - 1 && (nr = read(fd, buf + len, size - 1 - len)) > 0)
			len += nr;
		close(fd);
	}
	buf[len] = '\0';
	return len;
}

static void look_up(__u32 pid, char *name, size_t size)
{
	static char cmdline[CMDLINE_MAX];
	size_t len = read_proc(pid, "cmdline", cmdline, sizeof(cmdline));

	if (kvmeter_cmdline_get_name(cmdline, len, name, size))
		return;
	if (read_proc(pid, "comm", name, size))
		name[strcspn(name, "\n")] = '\0';
	else
		snprintf(name, size, "?");
}

static char *get_shown(__u32 pid)
{
	char name[KVMETER_NAME_MAX], shown[KVMETER_SHOWN_MAX];
	char *copy;

	look_up(pid, name, sizeof(name));
	kvmeter_escape_text(name, shown, sizeof(shown));
	copy = strdup(shown);
	if (!copy)
		err(1, "no memory");
	return copy;
}

/* Index of a name that is to be looked up, or -1. */
static int find_wanted(void)
{
	unsigned int slot;

	for (slot = 0; slot < room; slot++) {
		if (known[slot].gen && !known[slot].shown)
			return slot;
	}
	return -1;
}

static void *look_up_names(void *unused)
{
	struct known_name name;
	int slot;

	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		slot = find_wanted();
		if (slot < 0) {
			pthread_cond_wait(&wanted, &lock);
			continue;
		}
		name = known[slot];
		pthread_mutex_unlock(&lock);
		name.shown = get_shown(name.pid);
		pthread_mutex_lock(&lock);
		if (known[slot].gen == name.gen)
			known[slot].shown = name.shown;
		else
			free(name.shown);
	}
	return NULL;
}

/**
 * kvmeter_names_use_thread - from now on, have another thread look names up
 */
void kvmeter_names_use_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, look_up_names, NULL);
	if (errno)
		err(1, "cannot create a thread");
	has_thread = true;
}

/**
 * kvmeter_names_get - name of a VM, as it may be shown
 * @slot: the VM's slot
 * @vm: copy of that slot
 *
 * Return: from the VMM's command line, otherwise its process name, "?" if it is gone. Stays valid
 * as long as the slot has this generation. Empty as long as the thread has not looked it up.
 */
const char *kvmeter_names_get(__u32 slot, const struct kvmeter_vm *vm)
{
	const char *shown;

	pthread_mutex_lock(&lock);
	known = kvmeter_array_grow(known, &room, slot + 1, sizeof(*known));
	if (known[slot].gen != vm->gen) {
		free(known[slot].shown);
		known[slot].shown = has_thread ? NULL : get_shown(vm->pid);
		known[slot].pid = vm->pid;
		known[slot].gen = vm->gen;
		pthread_cond_signal(&wanted);
	}
	shown = known[slot].shown ? known[slot].shown : "";
	pthread_mutex_unlock(&lock);
	return shown;
}
