// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvmeter: what include/uapi/linux/kvmeter.h says of it, checked and handed on. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "ctl.h"
#include "maps.h"
#include "mem.h"
#include "pilot.h"
#include "quota.h"
#include "session.h"
#include "store.h"

static long get_info(void __user *arg)
{
	struct kvmeter_info info;
	struct kvmeter_host host;

	kvmeter_store_get_host(&host);
	kvmeter_maps_get_info(&info);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long attach(const void __user *arg)
{
	struct kvmeter_attach a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.abi != KVMETER_ABI || a.flags || memchr_inv(a.reserved, 0, sizeof(a.reserved)) ||
	    memchr_inv(a.fd + KVMETER_MAP_NR, 0, sizeof(a.fd) - KVMETER_MAP_NR * sizeof(a.fd[0])))
		return -EINVAL;
	return kvmeter_maps_attach(a.fd);
}

static long start_session(struct kvmeter_dirty_start __user *arg)
{
	struct kvmeter_dirty_start a;
	long ret;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.abi != KVMETER_ABI || a.reserved0 || memchr_inv(a.reserved, 0, sizeof(a.reserved)))
		return -EINVAL;
	ret = kvmeter_session_start(&a);
	if (ret || !copy_to_user(arg, &a, sizeof(a)))
		return ret;
	/* The controller knows nothing of it. */
	kvmeter_session_stop(&(struct kvmeter_dirty_stop){ .vm = a.vm, .vm_gen = a.vm_gen });
	return -EFAULT;
}

static long stop_session(const void __user *arg)
{
	struct kvmeter_dirty_stop a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.abi != KVMETER_ABI || a.flags || memchr_inv(a.reserved, 0, sizeof(a.reserved)))
		return -EINVAL;
	return kvmeter_session_stop(&a);
}

static long read_cells(struct kvmeter_dirty_read *a)
{
	u32 *cells = kvcalloc(a->nr, sizeof(*cells), KVMETER_GFP_ACCOUNT);
	long ret;

	if (!cells)
		return -ENOMEM;
	ret = kvmeter_session_read(a, cells);
	if (!ret && copy_to_user(u64_to_user_ptr(a->cells), cells, a->nr * sizeof(*cells)))
		ret = -EFAULT;
	kvfree(cells);
	return ret;
}

static long read_session(void __user *arg)
{
	struct kvmeter_dirty_read a;
	long ret;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.abi != KVMETER_ABI || a.flags || memchr_inv(a.reserved, 0, sizeof(a.reserved)) ||
	    !a.nr || a.nr > KVMETER_CELLS_MAX || a.shift > KVMETER_SHIFT_MAX ||
	    a.gfn & (BIT_ULL(a.shift) - 1))
		return -EINVAL;
	ret = read_cells(&a);
	if (!ret && copy_to_user(arg, &a, sizeof(a)))
		ret = -EFAULT;
	return ret;
}

static long set_quota(const void __user *arg)
{
	struct kvmeter_quota a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.abi != KVMETER_ABI || a.flags || memchr_inv(a.reserved, 0, sizeof(a.reserved)))
		return -EINVAL;
	return kvmeter_quota_set(&a);
}

static long set_autoconverge(const void __user *arg)
{
	struct kvmeter_autoconverge a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.abi != KVMETER_ABI || a.flags || memchr_inv(a.reserved, 0, sizeof(a.reserved)))
		return -EINVAL;
	return kvmeter_pilot_set(&a);
}

/* What can be read here is for nobody else either, such as for root in a container. */
static int ctl_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static long ctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	switch (cmd) {
	case KVMETER_GET_INFO:
		return get_info((void __user *)arg);
	case KVMETER_ATTACH:
		return attach((const void __user *)arg);
	case KVMETER_DETACH:
		return arg ? -EINVAL : kvmeter_maps_detach();
	case KVMETER_DIRTY_START:
		return start_session((void __user *)arg);
	case KVMETER_DIRTY_STOP:
		return stop_session((const void __user *)arg);
	case KVMETER_DIRTY_READ:
		return read_session((void __user *)arg);
	case KVMETER_QUOTA:
		return set_quota((const void __user *)arg);
	case KVMETER_AUTOCONVERGE:
		return set_autoconverge((const void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static ssize_t ctl_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	return kvmeter_audit_read(to, size, pos);
}

static const struct file_operations ctl_fops = {
	.owner = THIS_MODULE,
	.open = ctl_open,
	.read = ctl_read,
	.poll = kvmeter_audit_poll,
	.unlocked_ioctl = ctl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice ctl_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvmeter",
	.fops = &ctl_fops,
	.mode = 0600,
};

/**
 * kvmeter_ctl_init - make /dev/kvmeter
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int kvmeter_ctl_init(void)
{
	return misc_register(&ctl_dev);
}

/**
 * kvmeter_ctl_exit - take /dev/kvmeter away
 *
 * Context: may sleep. Nobody has it open: an open file keeps the module from being unloaded.
 */
void kvmeter_ctl_exit(void)
{
	misc_deregister(&ctl_dev);
}
