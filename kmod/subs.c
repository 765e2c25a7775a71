// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts sub-reasons in a Space-Saving sketch for each vCPU.
 *
 * With all its counters taken, a new sub-reason takes over the one with the least count, and with
 * it the count, as a possible error. See struct kvmeter_sub for the source and the bound. Keys are
 * found by a hash with chains, whose length a guest can drive up to the number of counters: that,
 * and one pass through the counters for the least, is the most an exit can cost.
 */
#include <linux/bits.h>
#include <linux/hash.h>
#include <linux/moduleparam.h>

#include <asm/svm.h>
#include <asm/vmx.h>

#include "reason.h"
#include "subs.h"

/* VMX exit qualification and SVM EXITINFO1 of I/O (SDM vol. 3, 28.2.1; APM vol. 2, 15.10.2). */
#define VMX_IO_IN BIT(3)
#define SVM_IO_IN BIT(0)
#define IO_PORT_SHIFT 16

struct sub_key {
	u32 kind;
	u64 value;
};

static bool subreasons;

static int set_subreasons(const char *text, const struct kernel_param *param)
{
	int ret = param_set_bool(text, param);

	if (!ret)
		kvmeter_store_set_subs(subreasons);
	return ret;
}

static const struct kernel_param_ops subreasons_ops = {
	.set = set_subreasons,
	.get = param_get_bool,
};

module_param_cb(subreasons, &subreasons_ops, &subreasons, 0644);
MODULE_PARM_DESC(subreasons, "count exits by MSR, port, page, CPUID leaf and hypercall (bool)");

static bool get_vmx_key(struct kvm_vcpu *vcpu, s64 reason, struct sub_key *key)
{
	const unsigned long *regs = vcpu->arch.regs;

	switch (reason) {
	case EXIT_REASON_MSR_READ:
		*key = (struct sub_key){ KVMETER_SUB_MSR_READ, (u32)regs[VCPU_REGS_RCX] };
		return true;
	case EXIT_REASON_MSR_WRITE:
		*key = (struct sub_key){ KVMETER_SUB_MSR_WRITE, (u32)regs[VCPU_REGS_RCX] };
		return true;
	case EXIT_REASON_CPUID:
		*key = (struct sub_key){ KVMETER_SUB_CPUID, (u32)regs[VCPU_REGS_RAX] };
		return true;
	case EXIT_REASON_VMCALL:
		*key = (struct sub_key){ KVMETER_SUB_HYPERCALL, regs[VCPU_REGS_RAX] };
		return true;
	case EXIT_REASON_IO_INSTRUCTION:
		if (!kvmeter_vmread(KVMETER_VMCS_EXIT_QUALIFICATION, &key->value))
			return false;
		key->kind = key->value & VMX_IO_IN ? KVMETER_SUB_IO_IN : KVMETER_SUB_IO_OUT;
		key->value = (u16)(key->value >> IO_PORT_SHIFT);
		return true;
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		if (!kvmeter_vmread(KVMETER_VMCS_GUEST_PHYSICAL_ADDRESS, &key->value))
			return false;
		key->kind = reason == EXIT_REASON_EPT_MISCONFIG ? KVMETER_SUB_MMIO :
								  KVMETER_SUB_PAGE_FAULT;
		key->value >>= PAGE_SHIFT;
		return true;
	default:
		return false;
	}
}

static bool get_svm_key(struct kvm_vcpu *vcpu, s64 reason, struct sub_key *key)
{
	const struct vmcb *vmcb = *kvmeter_vmcb_ptr(vcpu);
	u64 info = vmcb->control.exit_info_1;

	switch (reason) {
	case SVM_EXIT_MSR:
		*key = (struct sub_key){ info ? KVMETER_SUB_MSR_WRITE : KVMETER_SUB_MSR_READ,
				     (u32)vcpu->arch.regs[VCPU_REGS_RCX] };
		return true;
	case SVM_EXIT_CPUID:
		*key = (struct sub_key){ KVMETER_SUB_CPUID, (u32)vmcb->save.rax };
		return true;
	case SVM_EXIT_VMMCALL:
		*key = (struct sub_key){ KVMETER_SUB_HYPERCALL, vmcb->save.rax };
		return true;
	case SVM_EXIT_IOIO:
		*key = (struct sub_key){ info & SVM_IO_IN ? KVMETER_SUB_IO_IN : KVMETER_SUB_IO_OUT,
				     (u16)(info >> IO_PORT_SHIFT) };
		return true;
	case SVM_EXIT_NPF:
		*key = (struct sub_key){ KVMETER_SUB_PAGE_FAULT,
				     vmcb->control.exit_info_2 >> PAGE_SHIFT };
		return true;
	default:
		return false;
	}
}

/* Only what is there for the taking, and what it seems: a protected guest hides its registers. */
static bool get_key(const struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa,
		    s64 reason, struct sub_key *key)
{
	if (v->reason_source != KVMETER_REASON_DIRECT || vcpu->stat.guest_mode ||
	    vcpu->arch.guest_state_protected)
		return false;
	return isa == KVMETER_ISA_VMX ? get_vmx_key(vcpu, reason, key) :
					get_svm_key(vcpu, reason, key);
}

static struct kvmeter_sub *find(struct kvmeter_vcpu_rec *v, u32 hash, const struct sub_key *key)
{
	struct kvmeter_sub *sub;
	u8 next;

	for (next = v->sub_head[hash]; next; next = v->sub_next[next - 1]) {
		sub = &v->subs[next - 1];
		if (sub->value == key->value && sub->kind == key->kind)
			return sub;
	}
	return NULL;
}

static void unlink_row(struct kvmeter_vcpu_rec *v, u32 row)
{
	u8 *link = &v->sub_head[v->sub_hash[row]];

	while (*link != row + 1)
		link = &v->sub_next[*link - 1];
	*link = v->sub_next[row];
}

/* A row that was never used, or the one with the least count, out of its chain. */
static u32 take_row(struct kvmeter_vcpu_rec *v)
{
	u32 row, least = 0;

	if (v->nr_subs < KVMETER_SUB_ROWS) {
		row = v->nr_subs;
		WRITE_ONCE(v->nr_subs, row + 1);
		v->slot->nr_subs = row + 1;
		return row;
	}
	for (row = 1; row < KVMETER_SUB_ROWS; row++)
		if (v->subs[row].count < v->subs[least].count)
			least = row;
	unlink_row(v, least);
	return least;
}

static struct kvmeter_sub *add(struct kvmeter_vcpu_rec *v, u32 hash, const struct sub_key *key)
{
	u32 row = take_row(v);
	struct kvmeter_sub *sub = &v->subs[row];

	v->sub_hash[row] = hash;
	v->sub_next[row] = v->sub_head[hash];
	v->sub_head[hash] = row + 1;
	sub->kind = key->kind;
	sub->value = key->value;
	sub->error = sub->count;
	sub->kernel_ns = 0;
	return sub;
}

/**
 * kvmeter_subs_start - an exit has happened: count its sub-reason
 * @v: the vCPU's record
 * @vcpu: the vCPU
 * @isa: KVMETER_ISA_*
 * @reason: of the exit, or KVMETER_NO_REASON
 */
void kvmeter_subs_start(struct kvmeter_vcpu_rec *v, struct kvm_vcpu *vcpu, u32 isa, s64 reason)
{
	struct kvmeter_sub *sub;
	struct sub_key key;
	u32 hash;

	if (!get_key(v, vcpu, isa, reason, &key))
		return;
	hash = hash_64(key.value ^ ((u64)key.kind << 56), KVMETER_SUB_HASH_BITS);
	sub = find(v, hash, &key);
	if (!sub)
		sub = add(v, hash, &key);
	sub->count++;
	v->open_sub = sub;
}

/**
 * kvmeter_subs_end - an exit has ended: add its time
 * @v: the vCPU's record; v->part has it
 */
void kvmeter_subs_end(struct kvmeter_vcpu_rec *v)
{
	if (v->open_sub && READ_ONCE(v->subs_on))
		v->open_sub->kernel_ns += v->part[KVMETER_STATE_KERNEL];
}
