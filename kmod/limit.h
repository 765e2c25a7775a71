/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cgroups are held back by a CPU limit (cpu.max), of their own or of one above, and where. */
#ifndef _KVMETER_LIMIT_H
#define _KVMETER_LIMIT_H

#include <linux/types.h>

struct task_group;

bool kvmeter_limit_resolve(void);
int kvmeter_limit_set(const struct task_group *tg, const void *rq, bool on);
void kvmeter_limit_forget(const struct task_group *tg);
bool kvmeter_limit_test(const struct task_group *tg, int cpu);
unsigned long kvmeter_limit_lost_nr(void);

#endif /* _KVMETER_LIMIT_H */
