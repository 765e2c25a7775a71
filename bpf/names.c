// SPDX-License-Identifier: GPL-2.0-only
/* Gives each VM the name its operator knows it by, looked up once for each VM. */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

/* More of a command line than this is not looked at: it belongs to a process nobody vouches for. */
#define CMDLINE_MAX (256 * 1024)

struct known_name {
	__u32 gen; /* of the VM's slot; odd, so 0 is no VM */
	char *shown;
};

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

/**
 * kvmeter_names_get - name of a VM, as it may be shown
 * @slot: the VM's slot
 * @vm: copy of that slot
 *
 * Return: from the VMM's command line, otherwise its process name, "?" if it is gone. Stays valid
 * as long as the slot has this generation.
 */
const char *kvmeter_names_get(__u32 slot, const struct kvmeter_vm *vm)
{
	char name[KVMETER_NAME_MAX], shown[KVMETER_SHOWN_MAX];

	known = kvmeter_array_grow(known, &room, slot + 1, sizeof(*known));
	if (known[slot].gen != vm->gen) {
		look_up(vm->pid, name, sizeof(name));
		kvmeter_escape_text(name, shown, sizeof(shown));
		known[slot].gen = vm->gen;
		free(known[slot].shown);
		known[slot].shown = strdup(shown);
		if (!known[slot].shown)
			err(1, "no memory");
	}
	return known[slot].shown;
}
