/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks at VMs as they are, where events do not tell. */
#ifndef _KVMETER_SCAN_H
#define _KVMETER_SCAN_H

#include <linux/types.h>

bool kvmeter_scan_resolve(void);
void kvmeter_scan_find_vms(void);
void kvmeter_scan_count_logging(void);

#endif /* _KVMETER_SCAN_H */
