/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that is a hypervisor itself, on SVM, and its nested guest, which has all its memory. */
#ifndef KVMETER_SELFTESTS_NESTED_H
#define KVMETER_SELFTESTS_NESTED_H

#include "vmm.h"

/* The first pages from VMM_DATA_ADDR on are the hypervisor's own; the rest ends at 4 MiB. */
#define NESTED_PAGES 3

/* Where it keeps its VMCB: the argument of the jobs that run the nested guest. */
#define NESTED_VMCB_ADDR VMM_DATA_ADDR

/** nested_has_svm() - can a guest be a hypervisor here? */
bool nested_has_svm(void);

/**
 * nested_init() - make a guest ready to run a nested one
 * @vm: its VM
 * @vcpu: its vCPU
 * @code: what the nested guest begins with
 *
 * Return: 0, or a negative errno.
 */
int nested_init(struct vmm *vm, struct vmm_vcpu *vcpu, const char *code);

/** nested_restart() - have the nested guest begin with @code when it is run next */
void nested_restart(struct vmm *vm, const char *code);

#endif
