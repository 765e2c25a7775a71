/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of what is assumed of the kernel by name: functions, tracepoints and the like.
 *
 * KVMETER_PROTOTYPES calls X(kind, name, like) for each. What the kernel's own type information
 * (BTF) says of the name must be like that; "a|b" is either. What it is made of:
 *
 *	4	an integer, enum or bool of 4 bytes; 0, of what a function returns, is void
 *	*kvm	a pointer to a struct or union of that name
 *	*8	a pointer to what 8 is, and so on
 *	*	a pointer to void
 *	*(...)	a pointer to a function that is like that
 *
 * FUNCTION: "RETURN: PARAMETER ..." is all there is to it, so that it can be called; without the
 * colon these are its first parameters, which a probe reads. TRACEPOINT: the first parameters of
 * its probes, behind their own void *. VARIABLE: it is one per CPU, and a struct of that name.
 * ENUMERATOR: it has that value.
 */
#ifndef _KVMETER_PROTOTYPES_H
#define _KVMETER_PROTOTYPES_H

#include <linux/kvm.h>
#include <linux/types.h>

/* As kvmeter_region is. */
#ifdef KVM_SET_USER_MEMORY_REGION2
#define KVMETER_LIKE_SET_REGION "4: *kvm *kvm_userspace_memory_region2"
#else
#define KVMETER_LIKE_SET_REGION "4: *kvm *kvm_userspace_memory_region"
#endif

/* The module is built for one of the two, which its compat.h knows. */
#ifdef __KERNEL__
#define KVMETER_LIKE_FAULT_FIXED __stringify(KVMETER_FAULT_FIXED)
#else
#define KVMETER_LIKE_FAULT_FIXED "4|5"
#endif

#define KVMETER_LIKE_PVCLOCK \
	"*kvm_vcpu *gfn_to_pfn_cache|*pvclock_vcpu_time_info *kvm_vcpu *gfn_to_pfn_cache"

#define KVMETER_PROTOTYPES(X) \
	X(TRACEPOINT, kvm_exit, "*kvm_vcpu 4") \
	X(TRACEPOINT, kvm_entry, "*kvm_vcpu") \
	X(TRACEPOINT, kvm_userspace_exit, "4 4") \
	X(TRACEPOINT, kvm_vcpu_wakeup, "") \
	X(TRACEPOINT, kvm_mmu_set_spte, "4 8 *8") \
	X(TRACEPOINT, fast_page_fault, "*kvm_vcpu *kvm_page_fault *8 8 4") \
	X(TRACEPOINT, sched_switch, "1 *task_struct *task_struct") \
	X(TRACEPOINT, sched_wakeup, "*task_struct") \
	X(TRACEPOINT, sched_migrate_task, "*task_struct 4") \
	X(FUNCTION, kvm_vcpu_halt, "*kvm_vcpu") \
	X(FUNCTION, kvm_arch_vcpu_destroy, "*kvm_vcpu") \
	X(FUNCTION, kvm_arch_destroy_vm, "*kvm") \
	X(FUNCTION, kvm_arch_commit_memory_region, "*kvm *kvm_memory_slot *kvm_memory_slot") \
	X(FUNCTION, kvm_get_dirty_log_protect, "*kvm *kvm_dirty_log") \
	X(FUNCTION, kvm_clear_dirty_log_protect, "*kvm *kvm_clear_dirty_log") \
	X(FUNCTION, __kvm_write_guest_page, "*kvm *kvm_memory_slot 8") \
	X(FUNCTION, kvm_write_guest_offset_cached, "*kvm *gfn_to_hva_cache * 4") \
	X(FUNCTION, record_steal_time, "*kvm_vcpu") \
	X(FUNCTION, kvm_setup_guest_pvclock, KVMETER_LIKE_PVCLOCK) \
	X(FUNCTION, tg_throttle_down, "*task_group *") \
	X(FUNCTION, tg_unthrottle_up, "*task_group *") \
	X(FUNCTION, free_fair_sched_group, "*task_group") \
	X(FUNCTION, __kvm_set_memory_region, KVMETER_LIKE_SET_REGION) \
	X(FUNCTION, kvm_set_memory_region, KVMETER_LIKE_SET_REGION) \
	X(FUNCTION, kvm_arch_mmu_enable_log_dirty_pt_masked, "0: *kvm *kvm_memory_slot 8 8") \
	X(FUNCTION, kvm_flush_remote_tlbs, "0: *kvm") \
	X(FUNCTION, kvm_put_kvm, "0: *kvm") \
	X(FUNCTION, file_is_kvm, "1: *file") \
	X(FUNCTION, vmx_get_exit_info, "0: *kvm_vcpu *4 *8 *8 *4 *4") \
	X(FUNCTION, svm_get_exit_info, "0: *kvm_vcpu *4 *8 *8 *4 *4") \
	X(FUNCTION, task_work_cancel_match, \
	  "*callback_head: *task_struct *(1: *callback_head *) *") \
	X(VARIABLE, runqueues, "rq") \
	X(ENUMERATOR, RET_PF_FIXED, KVMETER_LIKE_FAULT_FIXED)

enum kvmeter_prototype_kind {
	KVMETER_PROTOTYPE_FUNCTION,
	KVMETER_PROTOTYPE_TRACEPOINT,
	KVMETER_PROTOTYPE_VARIABLE,
	KVMETER_PROTOTYPE_ENUMERATOR,
	KVMETER_PROTOTYPE_NR,
};

/**
 * struct kvmeter_prototype - a row of the table
 * @kind: enum kvmeter_prototype_kind
 * @name: of what
 * @like: what it is like
 */
struct kvmeter_prototype {
	__u32 kind;
	char name[44];
	char like[88];
};

#define KVMETER_PROTOTYPE_ROW(kind, name, like) { KVMETER_PROTOTYPE_##kind, #name, like },

#endif /* _KVMETER_PROTOTYPES_H */
