/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of exit reasons and classes. */
#ifndef _KVMETER_NAMES_H
#define _KVMETER_NAMES_H

#include <linux/types.h>

const char *kvmeter_names_reason(u32 vendor, u32 reason);
const char *kvmeter_names_class(u32 vendor, u32 reason);

#endif /* _KVMETER_NAMES_H */
