/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/kvmeter. */
#ifndef _KVMETER_CTL_H
#define _KVMETER_CTL_H

int kvmeter_ctl_init(void);
void kvmeter_ctl_exit(void);

#endif /* _KVMETER_CTL_H */
