/* SPDX-License-Identifier: GPL-2.0-only */
/* The audit: what was decided, and what was seen of migrations, in a ring of the last records. */
#ifndef _KVMETER_AUDIT_H
#define _KVMETER_AUDIT_H

#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

int kvmeter_audit_init(void);
void kvmeter_audit_exit(void);
void kvmeter_audit_add(struct kvmeter_audit *a, enum kvmeter_audit_kind kind);
bool kvmeter_audit_get(u64 nr, struct kvmeter_audit *a);
ssize_t kvmeter_audit_read(char __user *to, size_t size, loff_t *pos);
__poll_t kvmeter_audit_poll(struct file *file, poll_table *wait);

#endif /* _KVMETER_AUDIT_H */
