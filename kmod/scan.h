/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks at VMs as they are, where events do not tell. */
#ifndef _KVMETER_SCAN_H
#define _KVMETER_SCAN_H

#include <linux/types.h>

bool kvmeter_scan_resolve(void);
struct kvm *kvmeter_scan_get_kvm(const struct kvm *identity);
void kvmeter_scan_put_kvm(struct kvm *kvm);
void kvmeter_scan_find_vms(void);
void kvmeter_scan_count_logging(void);

#endif /* _KVMETER_SCAN_H */
