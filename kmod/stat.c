// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes over what KVM counts itself for each vCPU and VM.
 *
 * A collector, as ledger.h. It comes along every few milliseconds while a vCPU runs, and when it
 * goes to sleep or to the VMM, so that what is shown of a vCPU at rest is right.
 */
#include "stat.h"

struct stat_pair {
	size_t from; /* in struct kvm_vcpu */
	size_t to;   /* in struct kvmeter_vcpu */
};

#define STAT(path, field) \
	{ offsetof(struct kvm_vcpu, stat.path), offsetof(struct kvmeter_vcpu, field) }

static const struct stat_pair stats[] = {
	STAT(irq_injections, irq_injections),
	STAT(nmi_injections, nmi_injections),
	STAT(generic.halt_attempted_poll, halt_attempted_poll),
	STAT(generic.halt_successful_poll, halt_successful_poll),
	STAT(generic.halt_poll_success_ns, halt_poll_success_ns),
	STAT(generic.halt_poll_fail_ns, halt_poll_fail_ns),
	STAT(generic.halt_wakeup, halt_wakeup),
};

static_assert(ARRAY_SIZE(stats) == KVMETER_STATS_NR);

static u64 get(const struct kvm_vcpu *vcpu, const struct stat_pair *s)
{
	return READ_ONCE(*(const u64 *)((const void *)vcpu + s->from));
}

/**
 * kvmeter_stat_begin - count from what KVM has counted so far
 * @v: the vCPU's record
 * @vcpu: the vCPU
 *
 * Context: probes of that vCPU, preemption off.
 */
void kvmeter_stat_begin(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stats); i++)
		v->stat[i] = get(vcpu, &stats[i]);
}

/**
 * kvmeter_stat_refresh - take over what KVM has counted since the last time
 * @v: the vCPU's record
 * @vcpu: the vCPU
 * @now: kvmeter_clock_now()
 *
 * KVM lets anyone with its debugfs set a counter to 0: counting then goes on from there.
 *
 * Context: probes of that vCPU, preemption off, between kvmeter_store_write_begin() and _end().
 */
void kvmeter_stat_refresh(struct kvmeter_vcpu_rec *v, const struct kvm_vcpu *vcpu, u64 now)
{
	struct kvm_vm_stat *vm = &vcpu->kvm->stat;
	unsigned int i;
	u64 value;

	v->refresh_ns = now + KVMETER_STAT_EVERY_NS;
	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		value = get(vcpu, &stats[i]);
		if (value > v->stat[i])
			*(u64 *)((void *)v->slot + stats[i].to) += value - v->stat[i];
		v->stat[i] = value;
	}
	kvmeter_store_set_pages(v->vm, atomic64_read(&vm->pages_4k), atomic64_read(&vm->pages_2m),
				atomic64_read(&vm->pages_1g));
}
