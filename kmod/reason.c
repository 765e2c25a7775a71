// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves that exit reasons are read from the right place before that place is relied on.
 *
 * kvm_exit carries no reason. On Intel it is VMREAD away; on AMD it is in the VMCB, to which the
 * word behind struct kvm_vcpu points on all kernels we know. The vendor module has a function that
 * says the same: for the first exits of each vCPU both are asked. If they ever differ, that vCPU's
 * reasons come from the function from then on; without the function they are unknown.
 */
#include <linux/cpufeature.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hooks.h"
#include "proto.h"
#include "reason.h"

/* Comparisons that must agree before the function is asked no more. */
#define PROOFS 64

typedef void (*get_exit_info_fn)(struct kvm_vcpu *vcpu, u32 *reason, u64 *info1, u64 *info2,
				 u32 *intr_info, u32 *error_code);

static const char *vendor_module;
static const char *vendor_function;
static u32 vendor_isa;
static get_exit_info_fn get_exit_info;

static void find_function(void)
{
	kvmeter_proto_read(vendor_module);
	WRITE_ONCE(get_exit_info,
		   kvmeter_hooks_find_function(vendor_module, vendor_function, NULL));
}

/*
 * The vendor module may be loaded after us and unloaded before us. While it goes there is no VM,
 * hence no probe that could be about to call it.
 */
static int on_module(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct module *mod = data;

	if (!vendor_module || strcmp(mod->name, vendor_module))
		return NOTIFY_DONE;
	if (action == MODULE_STATE_COMING)
		find_function();
	else if (action == MODULE_STATE_GOING)
		WRITE_ONCE(get_exit_info, NULL);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = { .notifier_call = on_module };

/* What the vendor module says, if it can be asked. */
static bool ask_vendor(const struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa,
		       u32 *reason, u64 *info1, u64 *info2)
{
	get_exit_info_fn fn = READ_ONCE(get_exit_info);
	u32 intr_info, error_code;

	if (v->vm->tdx || !fn || isa != vendor_isa)
		return false;
	fn(vcpu, reason, info1, info2, &intr_info, &error_code);
	return true;
}

/* What the direct way gives, taking no address on trust. */
static bool read_direct(struct kvm_vcpu *vcpu, u32 isa, u32 *reason)
{
	struct vmcb *vmcb;
	u64 value;

	if (isa == KVMETER_ISA_VMX) {
		if (!kvmeter_vmread(KVMETER_VMCS_EXIT_REASON, &value))
			return false;
		*reason = value;
		return true;
	}
	return !get_kernel_nofault(vmcb, kvmeter_vmcb_ptr(vcpu)) &&
	       !copy_from_kernel_nofault(reason, &vmcb->control.exit_code, sizeof(*reason));
}

/**
 * kvmeter_reason_prove - kvmeter_reason_read() where the direct way is not yet, or not, relied on
 * @v: the vCPU's record
 * @vcpu: the vCPU
 * @isa: KVMETER_ISA_*
 *
 * Context: kvm_exit probe of that vCPU, preemption off.
 * Return: the reason, or KVMETER_NO_REASON.
 */
s64 kvmeter_reason_prove(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa)
{
	u32 reason, direct;
	u64 info1, info2;

	if (v->reason_source == KVMETER_REASON_NONE)
		return KVMETER_NO_REASON;
	if (!ask_vendor(v, vcpu, isa, &reason, &info1, &info2)) {
		v->reason_source = KVMETER_REASON_NONE;
		if (!v->vm->tdx)
			kvmeter_store_set_reason_source(KVMETER_REASON_NONE);
		return KVMETER_NO_REASON;
	}
	if (v->reason_source == KVMETER_REASON_UNPROVEN) {
		if (!read_direct(vcpu, isa, &direct) || direct != reason) {
			v->reason_source = KVMETER_REASON_VENDOR;
			kvmeter_store_set_reason_source(KVMETER_REASON_VENDOR);
		} else if (++v->proofs >= PROOFS) {
			v->reason_source = KVMETER_REASON_DIRECT;
			v->unproven = false;
			kvmeter_store_set_reason_source(KVMETER_REASON_DIRECT);
		}
	}
	return isa == KVMETER_ISA_VMX ? (u16)reason : reason;
}

/**
 * kvmeter_reason_read_fault - what a fault of the second-level page tables was about
 * @v: the vCPU's record
 * @vcpu: the vCPU
 * @isa: KVMETER_ISA_*
 * @info: VMX exit qualification or SVM EXITINFO1
 * @gpa: guest physical address
 *
 * Context: kvm_exit probe of that vCPU, preemption off, after kvmeter_reason_read() gave a reason.
 * Return: false if there is nothing that could be relied on.
 */
bool kvmeter_reason_read_fault(const struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa,
			       u64 *info, u64 *gpa)
{
	const struct vmcb *vmcb;
	u32 reason;

	if (isa == KVMETER_ISA_VMX)
		return !v->vm->tdx && kvmeter_vmread(KVMETER_VMCS_EXIT_QUALIFICATION, info) &&
		       kvmeter_vmread(KVMETER_VMCS_GUEST_PHYSICAL_ADDRESS, gpa);
	if (v->reason_source != KVMETER_REASON_DIRECT)
		return ask_vendor(v, vcpu, isa, &reason, info, gpa);
	vmcb = *kvmeter_vmcb_ptr(vcpu);
	*info = vmcb->control.exit_info_1;
	*gpa = vmcb->control.exit_info_2;
	return true;
}

/**
 * kvmeter_reason_init - find out the vendor, and the vendor module's function if it is loaded
 *
 * Context: may sleep; after kvmeter_proto_init().
 * Return: enum kvmeter_vendor; KVMETER_VENDOR_NONE if this CPU can run no guests.
 */
u32 kvmeter_reason_init(void)
{
	u32 vendor = KVMETER_VENDOR_NONE;

	if (boot_cpu_has(X86_FEATURE_VMX)) {
		vendor = KVMETER_VENDOR_VMX;
		vendor_isa = KVMETER_ISA_VMX;
		vendor_module = "kvm_intel";
		vendor_function = "vmx_get_exit_info";
	} else if (boot_cpu_has(X86_FEATURE_SVM)) {
		vendor = KVMETER_VENDOR_SVM;
		vendor_isa = KVMETER_ISA_SVM;
		vendor_module = "kvm_amd";
		vendor_function = "svm_get_exit_info";
	} else {
		return KVMETER_VENDOR_NONE;
	}
	if (register_module_notifier(&module_nb))
		return KVMETER_VENDOR_NONE;
	find_function();
	return vendor;
}

/**
 * kvmeter_reason_exit - undo kvmeter_reason_init()
 *
 * Context: may sleep.
 */
void kvmeter_reason_exit(void)
{
	unregister_module_notifier(&module_nb);
}
