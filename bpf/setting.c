// SPDX-License-Identifier: GPL-2.0-only
/* Asks the module to set something of a VM, and says in words why it does not. */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dirty.h"

/**
 * kvmeter_setting_explain - say why the module does not set something
 * @setting: what
 * @vm: the VM
 * @error: errno of its ioctl
 * @buf: where it goes
 * @size: bytes there
 */
void kvmeter_setting_explain(const struct kvmeter_setting *setting,
			     const struct kvmeter_snap_vm *vm, int error, char *buf, size_t size)
{
	const char *what = setting->what, *name = vm->name;

	switch (error) {
	case EPERM:
		snprintf(buf, size, "%s: kvmeter must be run as root", strerror(error));
		break;
	case ENOENT:
		snprintf(buf, size, "the VM %s is gone", vm->v.id);
		break;
	case EINVAL:
		snprintf(buf, size, "the module refuses %s %s", setting->refused, name);
		break;
	case EOPNOTSUPP:
		snprintf(buf, size, "no %s %s: this kernel lacks what it takes", what, name);
		break;
	case ENOTTY:
		snprintf(buf, size, "no %s %s: the module is too old to have %s", what, name,
			 setting->had);
		break;
	default:
		snprintf(buf, size, "no %s %s: %s", what, name, strerror(error));
	}
}

/**
 * kvmeter_setting_set - have the module set something of a VM, or end the program
 * @setting: what
 * @vm: the VM, of a snapshot
 * @arg: argument of the ioctl
 */
void kvmeter_setting_set(const struct kvmeter_setting *setting, const struct kvmeter_snap_vm *vm,
			 const void *arg)
{
	char why[KVMETER_SHOWN_MAX + 128];
	int dev = kvmeter_device_open(), error;

	error = ioctl(dev, setting->request, arg) ? errno : 0;
	close(dev);
	if (!error)
		return;
	kvmeter_setting_explain(setting, vm, error, why, sizeof(why));
	errx(1, "%s", why);
}
