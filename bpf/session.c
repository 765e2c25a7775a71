// SPDX-License-Identifier: GPL-2.0-only
/* Starts and stops sessions, and says in words what came of it. */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dirty.h"

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1e9

/* Why there is no driven session where the module says EOPNOTSUPP. */
static const char *why_not_supported(const struct kvmeter_snap_vm *vm)
{
	if (vm->v.log_state == KVMETER_LOG_RING)
		return "it has dirty rings, which only its VMM may empty";
	return "it has dirty rings, or its memory cannot be logged, or this kernel lacks a hook";
}

static void fail_start(const struct kvmeter_snap_vm *vm, int error)
{
	switch (error) {
	case EALREADY:
		errx(1, "there is a session on %s already; 'kvmeter dirty stop' ends it", vm->name);
	case EBUSY:
		errx(1, "the VMM of %s has its memory logged itself: watch that with --observe",
		     vm->name);
	case EOPNOTSUPP:
		errx(1, "no session on %s: %s", vm->name, why_not_supported(vm));
	case E2BIG:
		errx(1, "a session on %s takes more memory than session_mib allows", vm->name);
	case EMFILE:
		errx(1, "there are as many sessions as the module parameter max_sessions allows");
	case ENOENT:
		errx(1, "the VM %s is being destroyed, or the module does not track it", vm->name);
	case EINVAL:
		errx(1, "the module refuses the interval, the duration or the file descriptor");
	case ENOTTY:
		errx(1, "the module's ABI is not %u, the one this reader knows", KVMETER_ABI);
	case EPERM:
		errx(1, "%s: kvmeter must be run as root", strerror(error));
	default:
		errx(1, "no session on %s: %s", vm->name, strerror(error));
	}
}

static int stop(int dev, __u32 slot, __u32 gen)
{
	struct kvmeter_dirty_stop arg = { .abi = KVMETER_ABI, .vm = slot, .vm_gen = gen };

	return ioctl(dev, KVMETER_DIRTY_STOP, &arg) ? errno : 0;
}

/**
 * kvmeter_session_start - start a session that this process controls, or end the program
 * @vm: the VM, of a snapshot
 * @args: what kind of session
 *
 * Neither the VM nor the module is held afterwards.
 */
void kvmeter_session_start(const struct kvmeter_snap_vm *vm,
			   const struct kvmeter_session_args *args)
{
	struct kvmeter_dirty_start arg = {
		.abi = KVMETER_ABI,
		.flags = args->observe || args->qmp ? KVMETER_DIRTY_OBSERVE : 0,
		.interval_ns = args->interval_ns,
		.duration_ns = args->duration_ns,
	};
	int dev = kvmeter_device_open(), error;

	arg.vm_fd = kvmeter_vmfd_open(vm);
	error = ioctl(dev, KVMETER_DIRTY_START, &arg) ? errno : 0;
	close(arg.vm_fd);
	if (!error && (arg.vm != vm->slot || arg.vm_gen != vm->v.gen)) {
		stop(dev, arg.vm, arg.vm_gen);
		errx(1, "the VM %s is gone", vm->v.id);
	}
	close(dev);
	if (error)
		fail_start(vm, error);
}

/**
 * kvmeter_session_stop - end the session on a VM
 * @vm: the VM, of a snapshot
 *
 * Return: false if there is none. Ends the program if the module refuses.
 */
bool kvmeter_session_stop(const struct kvmeter_snap_vm *vm)
{
	int dev = kvmeter_device_open(), error;

	error = stop(dev, vm->slot, vm->v.gen);
	close(dev);
	if (error && error != ENOENT)
		errx(1, "the session on %s cannot be stopped: %s", vm->name, strerror(error));
	return !error;
}

/**
 * kvmeter_session_explain_end - say why a session is over
 * @d: of a session that has ended
 * @buf: where it goes
 * @size: bytes there
 */
void kvmeter_session_explain_end(const struct kvmeter_dirty *d, char *buf, size_t size)
{
	static const char *const words[] = {
		[KVMETER_END_NONE] = "for no reason that is known",
		[KVMETER_END_STOPPED] = "stopped",
		[KVMETER_END_DURATION] = "its time is over",
		[KVMETER_END_CONTROLLER] = "the process that started it is gone",
		[KVMETER_END_TAKEN_OVER] = "the VMM uses the dirty log itself",
		[KVMETER_END_SLOTS] = "the VMM changed the VM's memory slots",
		[KVMETER_END_FAILED] = "KVM refused what was asked of it",
	};

	snprintf(buf, size, "%s",
		 d->end < sizeof(words) / sizeof(*words) ? words[d->end] : words[0]);
}

/**
 * kvmeter_session_describe - say what kind of session one is
 * @args: the session
 * @buf: where it goes
 * @size: bytes there
 */
void kvmeter_session_describe(const struct kvmeter_session_args *args, char *buf, size_t size)
{
	char lasting[32] = "until it is stopped";

	if (args->duration_ns)
		snprintf(lasting, sizeof(lasting), "for %.10g s", args->duration_ns / NS_PER_S);
	snprintf(buf, size, "%s session, interval %llu ms, %s",
		 args->observe || args->qmp ? "observed" : "driven", args->interval_ns / NS_PER_MS,
		 lasting);
}
