/* SPDX-License-Identifier: GPL-2.0-only */
/* BPF maps as the memory of the counts. */
#ifndef _KVMETER_MAPS_H
#define _KVMETER_MAPS_H

#include <uapi/linux/kvmeter.h>

int kvmeter_maps_attach(const __s32 *fds);
int kvmeter_maps_detach(void);
void kvmeter_maps_get_info(struct kvmeter_info *info);
void kvmeter_maps_exit(void);

#endif /* _KVMETER_MAPS_H */
