// SPDX-License-Identifier: GPL-2.0-only
/* Tells apart what the exits of a VM were for: timers, IPIs, emulated devices, other MSRs, ... */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* MSRs as the Intel SDM (vol. 4) and Microsoft's TLFS number them. */
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_ICR 0x830
#define MSR_X2APIC_LVT_TIMER 0x832
#define MSR_X2APIC_TIMER_COUNT 0x838
#define MSR_X2APIC_SELF_IPI 0x83f
#define MSR_HV_ICR 0x40000071
#define MSR_HV_STIMER_FIRST 0x400000b0
#define MSR_HV_STIMER_LAST 0x400000b7

static void add_exits(struct kvmeter_exits_of *to, __u64 count, __u64 ns, const char *what)
{
	to->count += count;
	to->ns += ns;
	if (ns <= to->top_ns || !what)
		return;
	to->top_ns = ns;
	snprintf(to->top, sizeof(to->top), "%s", what);
}

/* The part of @ns that goes to @nr of @all exits. */
static __u64 get_part(__u64 ns, __u64 nr, __u64 all)
{
	return all ? (__u64)((double)ns * (nr < all ? nr : all) / all) : 0;
}

/*
 * Accesses to a device. Those that KVM knows by itself, such as a kick of virtio, do not reach the
 * VMM; nor do page faults, which the reason has too where that is how MMIO shows.
 */
static void add_access(struct kvmeter_doctor_vm *vm, const struct kvmeter_sum_row *row,
		       struct kvmeter_exits_of *rest)
{
	__u64 user_ns = get_part(row->e.kernel_ns, row->e.user_exits, row->e.count);

	add_exits(&vm->storms[KVMETER_STORM_IO], row->e.user_exits, user_ns + row->e.vmm_ns,
		  row->name);
	if (row->e.count > row->e.user_exits)
		add_exits(rest, row->e.count - row->e.user_exits, row->e.kernel_ns - user_ns,
			  row->name);
}

static void add_row(struct kvmeter_doctor_vm *vm, const struct kvmeter_sum_row *row)
{
	__u64 ns = row->e.kernel_ns + row->e.vmm_ns;
	struct kvmeter_exits_of *to = &vm->storms[KVMETER_STORM_OTHER];
	const char *class = row->class;

	if (row->other || !strcmp(class, "HLT"))
		return;
	if (row->e.level == 2 || !strcmp(class, "NESTED")) {
		add_exits(&vm->nested, row->e.count, ns, row->name);
		return;
	}
	if (!strcmp(class, "PML")) {
		vm->log_ns += row->e.kernel_ns;
		return;
	}
	if (!strcmp(class, "PAGE_FAULT")) {
		add_access(vm, row, &vm->faults);
		return;
	}
	if (!strcmp(class, "IO") || !strcmp(class, "MMIO")) {
		add_access(vm, row, to);
		return;
	}
	if (!strcmp(class, "TIMER"))
		to = &vm->storms[KVMETER_STORM_TIMER];
	else if (!strcmp(class, "MSR"))
		to = &vm->storms[KVMETER_STORM_MSR];
	else if (row->name && !strcmp(row->name, "AVIC_INCOMPLETE_IPI"))
		to = &vm->storms[KVMETER_STORM_IPI];
	add_exits(to, row->e.count, ns, row->name);
}

static enum kvmeter_storm classify_msr(__u64 msr)
{
	switch (msr) {
	case MSR_TSC_DEADLINE:
	case MSR_X2APIC_LVT_TIMER:
	case MSR_X2APIC_TIMER_COUNT:
	case MSR_HV_STIMER_FIRST ... MSR_HV_STIMER_LAST:
		return KVMETER_STORM_TIMER;
	case MSR_X2APIC_ICR:
	case MSR_X2APIC_SELF_IPI:
	case MSR_HV_ICR:
		return KVMETER_STORM_IPI;
	default:
		return KVMETER_STORM_MSR;
	}
}

/* From all exits by MSR to those of its cause: what is counted for sure. */
static void move_msr(struct kvmeter_doctor_vm *vm, const struct kvmeter_sub *s, const char *name)
{
	struct kvmeter_exits_of *from = &vm->storms[KVMETER_STORM_MSR];
	enum kvmeter_storm storm = classify_msr(s->value);
	__u64 count = s->count > s->error ? s->count - s->error : 0;
	__u64 ns = s->kernel_ns < from->ns ? s->kernel_ns : from->ns;

	if (storm == KVMETER_STORM_MSR)
		return;
	count = count < from->count ? count : from->count;
	from->count -= count;
	from->ns -= ns;
	add_exits(&vm->storms[storm], count, ns, name);
}

/* A sub-reason names what is behind most of the time of a cause, better than a reason does. */
static void name_top(struct kvmeter_exits_of *of, __u64 *most_ns, __u64 ns, const char *name)
{
	if (ns <= *most_ns)
		return;
	*most_ns = ns;
	snprintf(of->top, sizeof(of->top), "%s", name);
}

static void add_subs(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap)
{
	__u64 msr_ns = 0, io_ns = 0;
	const struct kvmeter_sub *s;
	struct kvmeter_sub_sum *subs;
	unsigned int i, nr;
	char name[KVMETER_DOCTOR_TOP_MAX];

	subs = kvmeter_subs_sum(snap, vm->vm->first_vcpu, vm->vm->nr_vcpus, true, &nr);
	for (i = 0; i < nr; i++) {
		s = &subs[i].s;
		snprintf(name, sizeof(name), "%s 0x%llx", kvmeter_reasons_sub_kind(s->kind),
			 s->value);
		if (s->kind == KVMETER_SUB_MSR_READ || s->kind == KVMETER_SUB_MSR_WRITE) {
			if (classify_msr(s->value) == KVMETER_STORM_MSR)
				name_top(&vm->storms[KVMETER_STORM_MSR], &msr_ns, s->kernel_ns,
					 name);
			else
				move_msr(vm, s, name);
		} else if (s->kind == KVMETER_SUB_IO_IN || s->kind == KVMETER_SUB_IO_OUT) {
			name_top(&vm->storms[KVMETER_STORM_IO], &io_ns, s->kernel_ns, name);
		}
	}
	free(subs);
}

/**
 * kvmeter_doctor_look_at_exits - sum the exits of a VM by what they were for
 * @vm: the evidence about the VM, to which it is added
 * @snap: what happened in the interval
 */
void kvmeter_doctor_look_at_exits(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap)
{
	struct kvmeter_sum sum;
	unsigned int i;

	kvmeter_sum_vcpus(&sum, snap, vm->vm->first_vcpu, vm->vm->nr_vcpus, false);
	for (i = 0; i < sum.nr_rows; i++)
		add_row(vm, &sum.rows[i]);
	kvmeter_sum_put(&sum);
	if (snap->host.features & KVMETER_FEATURE_SUB)
		add_subs(vm, snap);
	if (kvmeter_reasons_is_armed(vm->vm->v.log_state))
		vm->log_ns += vm->faults.ns;
}
