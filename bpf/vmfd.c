// SPDX-License-Identifier: GPL-2.0-only
/* Gets a file descriptor of a VM from its VMM. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dirty.h"

/* What the kernel calls a VM's file. */
#define VM_FILE "anon_inode:kvm-vm"

/* The id is "<pid>-<fd>". */
static bool get_numbers(const char *id, unsigned int *pid, unsigned int *fd)
{
	int len = 0;

	return sscanf(id, "%9u-%9u%n", pid, fd, &len) == 2 && !id[len];
}

/* Another file may have got the number meanwhile. */
static bool is_vm(int fd)
{
	char path[64], file[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, file, sizeof(file) - 1);
	if (len < 0)
		return false;
	file[len] = '\0';
	return !strcmp(file, VM_FILE);
}

static void fail(const struct kvmeter_snap_vm *vm)
{
	switch (errno) {
	case ESRCH:
		errx(1, "the VM %s is gone", vm->v.id);
	case EBADF:
		/* The VMM can hold the VM by another descriptor, or only by those of its vCPUs. */
		errx(1, "the VMM of %s has closed the file descriptor of the VM", vm->v.id);
	case EPERM:
		errx(1, "the file descriptor of %s cannot be got from its VMM: %s", vm->v.id,
		     strerror(errno));
	default:
		err(1, "the file descriptor of %s", vm->v.id);
	}
}

/**
 * kvmeter_vmfd_open - get the file descriptor of a VM from its VMM
 * @vm: the VM, of a snapshot
 *
 * It holds the VM alive: close it at once. Ends the program if it cannot be got.
 *
 * Return: a file descriptor of a VM; if the VMM has closed and opened others, of another one, which
 * the module tells apart by its slot.
 */
int kvmeter_vmfd_open(const struct kvmeter_snap_vm *vm)
{
	unsigned int pid, number;
	int pidfd, fd;

	if (!get_numbers(vm->v.id, &pid, &number))
		errx(1, "the VM's id '%s' is not <pid>-<fd>", vm->v.id);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		fail(vm);
	fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd < 0)
		fail(vm);
	close(pidfd);
	if (!is_vm(fd))
		errx(1, "the file descriptor %u of process %u is no VM any more", number, pid);
	return fd;
}
