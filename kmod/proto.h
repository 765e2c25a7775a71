/* SPDX-License-Identifier: GPL-2.0-only */
/* Is the running kernel what this module takes it to be? */
#ifndef _KVMETER_PROTO_H
#define _KVMETER_PROTO_H

#include <linux/types.h>

/* In place of the name of a module: the kernel itself. */
#define KVMETER_PROTO_KERNEL "vmlinux"

int kvmeter_proto_init(void);
void kvmeter_proto_read(const char *module);
const char *kvmeter_proto_find_fault(const char *name, const char *owner);
bool kvmeter_proto_get(unsigned int i, const char **name, const char **fault);

#endif /* _KVMETER_PROTO_H */
