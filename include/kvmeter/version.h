/* SPDX-License-Identifier: GPL-2.0-only */
/* The version of all of kvmeter: module, reader and packages have it from here. */
#ifndef _KVMETER_VERSION_H
#define _KVMETER_VERSION_H

#define KVMETER_VERSION "0.9.0"

#endif /* _KVMETER_VERSION_H */
