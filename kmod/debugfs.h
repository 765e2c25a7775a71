/* SPDX-License-Identifier: GPL-2.0-only */
/* The debugfs view. */
#ifndef _KVMETER_DEBUGFS_H
#define _KVMETER_DEBUGFS_H

void kvmeter_debugfs_init(void);
void kvmeter_debugfs_sync(void);
void kvmeter_debugfs_exit(void);

#endif /* _KVMETER_DEBUGFS_H */
