/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the kernels we support; nothing else here tests a version. */
#ifndef _KVMETER_COMPAT_H
#define _KVMETER_COMPAT_H

#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#error "kvmeter supports Linux 6.1 to 7.2"
#endif

#ifndef CONFIG_X86_64
#error "kvmeter supports x86-64 only"
#endif

#if !IS_ENABLED(CONFIG_KVM) || !defined(CONFIG_KPROBES) || !defined(CONFIG_SCHED_INFO) || \
	!defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#error "kvmeter needs a kernel with KVM, KPROBES, SCHED_INFO and the function tracer"
#endif

/* What is assumed of the kernel is compared with what it says of itself. */
#if !defined(CONFIG_DEBUG_INFO_BTF) || \
	(IS_MODULE(CONFIG_KVM) && !defined(CONFIG_DEBUG_INFO_BTF_MODULES))
#error "kvmeter needs a kernel with DEBUG_INFO_BTF, and DEBUG_INFO_BTF_MODULES"
#endif

/* 6.13 made the namespace a string. Kernels without the namespace ignore the import. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define KVMETER_IMPORT_NS(ns) MODULE_IMPORT_NS(#ns)
#else
#define KVMETER_IMPORT_NS(ns) MODULE_IMPORT_NS(ns)
#endif

/* The n-th tracepoint of a module; 6.9 gave for_each_tracepoint_in_module(), 6.1 has the table. */
static inline struct tracepoint *kvmeter_module_tracepoint(struct module *mod, unsigned int n)
{
	return tracepoint_ptr_deref(&mod->tracepoints_ptrs[n]);
}

/*
 * What a function that ftrace calls us for was called with. 6.13 hid the registers, as later 6.12
 * do; on x86-64 those that hold arguments are always there.
 */
static inline const struct pt_regs *kvmeter_ftrace_args(struct ftrace_regs *fregs)
{
#ifdef arch_ftrace_regs
	return &arch_ftrace_regs(fregs)->regs;
#else
	return &fregs->regs;
#endif
}

/* A TDX guest has no VMCS of KVM's: neither VMREAD nor struct vcpu_vmx mean anything there. */
static inline bool kvmeter_vm_is_tdx(const struct kvm *kvm)
{
#ifdef KVM_X86_TDX_VM
	return kvm->arch.vm_type == KVM_X86_TDX_VM;
#else
	return false;
#endif
}

/* Address spaces of a VM's memory slots: a constant until 6.8 made it a matter of the VM. */
static inline int kvmeter_vm_nr_as_ids(struct kvm *kvm)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	return kvm_arch_nr_memslot_as_ids(kvm);
#else
	return KVM_ADDRESS_SPACE_NUM;
#endif
}

/* struct kvmeter_region: how KVM is told of a memory slot; 6.8 added fields to the end. */
#ifdef KVM_SET_USER_MEMORY_REGION2
#define kvmeter_region kvm_userspace_memory_region2
#else
#define kvmeter_region kvm_userspace_memory_region
#endif

/*
 * What KVM is told with, slots_lock held. 6.14 gave that function the name of its caller, which had
 * taken the lock: so the second name is the right one only where nothing has the first.
 */
#define KVMETER_SET_REGION "__kvm_set_memory_region"
#define KVMETER_SET_REGION_ALT "kvm_set_memory_region"

/* RET_PF_FIXED, in KVM's private header: 6.12 put another value before it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define KVMETER_FAULT_FIXED 5
#else
#define KVMETER_FAULT_FIXED 4
#endif

/*
 * Has the VMM asked KVM_RUN to return? 6.10 or so gave the field another name within the kernel;
 * its place, after request_interrupt_window, is the VMM's contract with all of them.
 */
static inline bool kvmeter_vcpu_is_to_return(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(*((const u8 *)vcpu->run + 1));
}

/* Is it in system management mode? A kernel may be built without. */
static inline bool kvmeter_vcpu_is_in_smm(const struct kvm_vcpu *vcpu)
{
#ifdef HF_SMM_MASK
	return vcpu->arch.hflags & HF_SMM_MASK;
#else
	return false;
#endif
}

/* The work queue of schedule_work(): 6.17 gave it another name, and warns of the old one. */
static inline struct workqueue_struct *kvmeter_system_wq(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return system_percpu_wq;
#else
	return system_wq;
#endif
}

/* Ordinary guest memory of the VMM's: can be written to, and can be logged. */
static inline bool kvmeter_slot_is_ram(const struct kvm_memory_slot *slot)
{
#ifdef KVM_MEM_GUEST_MEMFD
	if (slot->flags & KVM_MEM_GUEST_MEMFD)
		return false;
#endif
	return slot->npages && !(slot->flags & KVM_MEM_READONLY) && slot->id < KVM_USER_MEM_SLOTS;
}

/* What runs on a CPU. 6.2 put it in with other hot variables, 6.15 took it out again. */
static inline struct task_struct *kvmeter_cpu_curr(int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return READ_ONCE(per_cpu(pcpu_hot.current_task, cpu));
#else
	return READ_ONCE(per_cpu(current_task, cpu));
#endif
}

/* The group whose CPU limits a task is under; NULL if this kernel has none. */
static inline struct task_group *kvmeter_task_group(const struct task_struct *task)
{
#ifdef CONFIG_CFS_BANDWIDTH
	return READ_ONCE(task->sched_task_group);
#else
	return NULL;
#endif
}

/*
 * Are a map's values plain data? A lock, a timer or a pointer of the kernel's in them must not be
 * written over. 6.2 put what is known of them into one record.
 */
static inline bool kvmeter_map_is_plain(const struct bpf_map *map)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return IS_ERR_OR_NULL(map->record);
#else
	return map->spin_lock_off < 0 && map->timer_off < 0 && IS_ERR_OR_NULL(map->kptr_off_tab);
#endif
}

#endif /* _KVMETER_COMPAT_H */
