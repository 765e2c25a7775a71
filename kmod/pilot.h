/* SPDX-License-Identifier: GPL-2.0-only */
/* The autopilot: gives VMs that migrate the quota under which they converge. */
#ifndef _KVMETER_PILOT_H
#define _KVMETER_PILOT_H

#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

int kvmeter_pilot_init(bool can_see_rounds);
void kvmeter_pilot_exit(void);
void kvmeter_pilot_kick(void);
int kvmeter_pilot_set(const struct kvmeter_autoconverge *set);

#endif /* _KVMETER_PILOT_H */
