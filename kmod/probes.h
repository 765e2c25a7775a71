/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of events this module listens to. */
#ifndef _KVMETER_PROBES_H
#define _KVMETER_PROBES_H

#include <linux/types.h>

int kvmeter_probes_resolve(void);
int kvmeter_probes_compare(void);
int kvmeter_probes_register(void);
void kvmeter_probes_unregister(void);
bool kvmeter_probes_can_attribute(void);
bool kvmeter_probes_see_limits(void);
bool kvmeter_probes_see_logging(void);
bool kvmeter_probes_see_faults(void);
bool kvmeter_probes_see_own_writes(void);
bool kvmeter_probes_see_log_calls(void);
void kvmeter_probes_enable(bool on);
unsigned long kvmeter_probes_missed_nr(void);

#endif /* _KVMETER_PROBES_H */
