// SPDX-License-Identifier: GPL-2.0-only
/* Rules of doctor about CPU time: who takes it from whom, limits, and what the host has left. */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define OVERCOMMIT_WHAT                                                    \
	"%s waits for CPUs on which others run: more wants to run there\n" \
	"than can"

#define OVERCOMMIT_WHAT_MANY                                                  \
	"%u VMs wait for CPUs on which others run: more wants to run there\n" \
	"than can"

#define OVERCOMMIT_REMEDY                                                     \
	"move VMs to another host, or let them run on more CPUs (virsh\n"     \
	"vcpupin %s), or take vCPUs from those that have too many (virsh\n"   \
	"setvcpus); what has to go first gets more weight: virsh schedinfo\n" \
	"%s --live cpu_shares=2048. Who runs meanwhile: kvmeter steal\n"      \
	"--matrix"

#define LIMIT_REMEDY                                                         \
	"raise or remove the limit%s%s: virsh schedinfo %s --live\n"         \
	"vcpu_quota=-1 global_quota=-1 emulator_quota=-1, or write max to\n" \
	"cpu.max of its cgroup"

#define NOISY_VM_REMEDY                                                      \
	"give that VM CPUs of its own (virsh vcpupin), less weight (virsh\n" \
	"schedinfo %s --live cpu_shares=256) or a limit (vcpu_quota=), or\n" \
	"move it to another host"

#define NOISY_PROCESS_REMEDY                                                  \
	"keep it off the CPUs of these VMs (systemctl set-property SERVICE\n" \
	"AllowedCPUs=, or taskset -p), or give it less weight (CPUWeight=,\n" \
	"or renice)"

#define NOISY_KTHREAD_REMEDY                                                  \
	"see which in top -H; move interrupts (/proc/irq/*/smp_affinity)\n"   \
	"and work queues (/sys/devices/virtual/workqueue/cpumask) to other\n" \
	"CPUs; kswapd: the host lacks memory"

#define HEADROOM_REMEDY                                                       \
	"start no more VMs here; move some to another host until %g %% are\n" \
	"idle. Who uses how much: kvmeter ledger, and top for the host\n"     \
	"itself"

#define NOT_ATTRIBUTED "steal is not attributed (module parameter attribution=0)"

static bool is_attributed(const struct kvmeter_doctor *doctor)
{
	return doctor->snap->host.features & KVMETER_FEATURE_THIEF;
}

/* What a VM has lost to another one. */
static __u64 get_lost(const struct kvmeter_doctor_vm *vm, const struct kvmeter_snap_vm *to)
{
	unsigned int i;

	for (i = 0; i < vm->nr_thieves; i++) {
		if (vm->thieves[i].vm == to)
			return kvmeter_thieves_get_time(&vm->thieves[i].t);
	}
	return 0;
}

/* Two VMs that take the same from one another are two too many, and neither is to blame. */
static bool is_noisy(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
		     const struct kvmeter_thief_sum *thief)
{
	__u64 ns = kvmeter_thieves_get_time(&thief->t), back_ns = 0;
	__u32 kind = thief->t.kind;

	if (kind != KVMETER_THIEF_VM && kind != KVMETER_THIEF_PROCESS &&
	    kind != KVMETER_THIEF_KTHREAD)
		return false;
	if (thief->vm)
		back_ns = get_lost(&doctor->vms[thief->vm - doctor->snap->vms], vm->vm);
	return ns && ns >= 2 * back_ns && 2 * ns >= vm->contention_ns &&
		kvmeter_stats_pct(ns, vm->elapsed_ns) >=
		kvmeter_rules[KVMETER_RULE_NEIGHBOUR].threshold;
}

/* Who keeps a VM from running, NULL: nobody. */
static const struct kvmeter_thief_sum *find_noisy(const struct kvmeter_doctor *doctor,
						  const struct kvmeter_doctor_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_thieves; i++) {
		if (is_noisy(doctor, vm, &vm->thieves[i]))
			return &vm->thieves[i];
	}
	return NULL;
}

/* Each nanosecond is one rule's, so that costs can be added up. */
static __u64 get_crowd_ns(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm)
{
	const struct kvmeter_thief_sum *noisy = find_noisy(doctor, vm);

	return vm->contention_ns - (noisy ? kvmeter_thieves_get_time(&noisy->t) : 0);
}

static void say_overcommit(const struct kvmeter_doctor *doctor, struct kvmeter_finding *f)
{
	const struct kvmeter_snap_vm *vm = f->vms[0].vm;

	if (f->nr_vms == 1)
		kvmeter_finding_say(&f->what, OVERCOMMIT_WHAT, vm->name);
	else
		kvmeter_finding_say(&f->what, OVERCOMMIT_WHAT_MANY, f->nr_vms);
	kvmeter_finding_add_figure(f, doctor->snap->nr_vcpus, "vCPUs", "on this host");
	if (doctor->nr_cpus)
		kvmeter_finding_add_figure(f, doctor->nr_cpus, "CPUs", "of this host");
	kvmeter_finding_say(&f->remedy, OVERCOMMIT_REMEDY, kvmeter_finding_domain(vm),
			    kvmeter_finding_domain(vm));
}

/**
 * kvmeter_rule_overcommit - more vCPUs and others want to run than there are CPUs for
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_overcommit(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f = NULL;
	const struct kvmeter_doctor_vm *vm;
	double pct;
	__u64 ns;

	if (!is_attributed(doctor)) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_OVERCOMMIT, NOT_ATTRIBUTED);
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		ns = get_crowd_ns(doctor, vm);
		pct = kvmeter_stats_pct(ns, vm->elapsed_ns);
		if (!vm->wanted || pct < kvmeter_rules[KVMETER_RULE_OVERCOMMIT].threshold)
			continue;
		if (!f)
			f = kvmeter_findings_add(findings, KVMETER_RULE_OVERCOMMIT);
		kvmeter_finding_add_vm(f, vm->vm, kvmeter_doctor_per_ns(doctor, ns));
		kvmeter_finding_add_figure(f, pct, "%", "%s waits", vm->vm->name);
	}
	if (f)
		say_overcommit(doctor, f);
}

static void find_limit(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
		       double pct, struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f = kvmeter_findings_add(findings, KVMETER_RULE_CPU_LIMIT);

	kvmeter_finding_add_vm(f, vm->vm, kvmeter_doctor_per_ns(doctor, vm->limit_ns));
	kvmeter_finding_say(&f->what,
			    "%s is held back by its own CPU limit: no other VM is the cause",
			    vm->vm->name);
	kvmeter_finding_add_figure(f, pct, "%", "held back");
	kvmeter_finding_add_figure(f, kvmeter_stats_pct(vm->contention_ns, vm->elapsed_ns), "%",
				   "waits while others run");
	kvmeter_finding_say(&f->remedy, LIMIT_REMEDY, *vm->limit ? ", " : "", vm->limit,
			    kvmeter_finding_domain(vm->vm));
}

/**
 * kvmeter_rule_cpu_limit - VMs are held back by CPU limits of their own
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_cpu_limit(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;
	double pct;

	if (!is_attributed(doctor) || !(doctor->snap->host.features & KVMETER_FEATURE_LIMIT)) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_CPU_LIMIT,
					     is_attributed(doctor)
						     ? "CPU limits cannot be seen on this kernel"
						     : NOT_ATTRIBUTED);
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		pct = kvmeter_stats_pct(vm->limit_ns, vm->elapsed_ns);
		if (vm->wanted && pct >= kvmeter_rules[KVMETER_RULE_CPU_LIMIT].threshold)
			find_limit(doctor, vm, pct, findings);
	}
}

/* The finding about a thief, and the thief. */
struct neighbour {
	const struct kvmeter_thief_sum *thief;
	unsigned int finding;
};

static bool is_same(const struct kvmeter_thief *a, const struct kvmeter_thief *b)
{
	if (a->kind != b->kind || a->vm != b->vm || a->vm_gen != b->vm_gen)
		return false;
	return a->kind != KVMETER_THIEF_PROCESS || !strncmp(a->comm, b->comm, KVMETER_COMM_LEN);
}

static void say_neighbour(const struct kvmeter_doctor *doctor, struct kvmeter_finding *f,
			  const struct kvmeter_thief_sum *thief)
{
	char label[KVMETER_LABEL_MAX];

	kvmeter_thieves_label(thief, doctor->snap, label, sizeof(label));
	if (f->nr_vms == 1)
		kvmeter_finding_say(&f->what, "%s keeps %s from running", label,
				    f->vms[0].vm->name);
	else
		kvmeter_finding_say(&f->what, "%s keeps %u VMs from running", label, f->nr_vms);
	if (thief->t.kind == KVMETER_THIEF_VM)
		kvmeter_finding_say(&f->remedy, NOISY_VM_REMEDY,
				    thief->vm ? kvmeter_finding_domain(thief->vm) : "DOMAIN");
	else if (thief->t.kind == KVMETER_THIEF_PROCESS)
		kvmeter_finding_say(&f->remedy, NOISY_PROCESS_REMEDY);
	else
		kvmeter_finding_say(&f->remedy, NOISY_KTHREAD_REMEDY);
}

/* Index of the thief, a new one if need be. */
static unsigned int get_neighbour(struct neighbour *list, unsigned int *nr,
				  const struct kvmeter_thief_sum *thief,
				  struct kvmeter_findings *findings)
{
	unsigned int i;

	for (i = 0; i < *nr; i++) {
		if (is_same(&list[i].thief->t, &thief->t))
			return i;
	}
	list[i].thief = thief;
	list[i].finding = findings->nr;
	kvmeter_findings_add(findings, KVMETER_RULE_NEIGHBOUR);
	(*nr)++;
	return i;
}

/**
 * kvmeter_rule_neighbour - one VM or process keeps others from running
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_neighbour(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	unsigned int i, nr = 0, room = 0;
	const struct kvmeter_thief_sum *thief;
	const struct kvmeter_doctor_vm *vm;
	struct neighbour *list = NULL;
	struct kvmeter_finding *f;
	__u64 ns;

	if (!is_attributed(doctor)) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_NEIGHBOUR, NOT_ATTRIBUTED);
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		thief = vm->wanted ? find_noisy(doctor, vm) : NULL;
		if (!thief)
			continue;
		list = kvmeter_array_grow(list, &room, nr + 1, sizeof(*list));
		i = get_neighbour(list, &nr, thief, findings);
		f = &findings->list[list[i].finding];
		ns = kvmeter_thieves_get_time(&thief->t);
		kvmeter_finding_add_vm(f, vm->vm, kvmeter_doctor_per_ns(doctor, ns));
		kvmeter_finding_add_figure(f, kvmeter_stats_pct(ns, vm->elapsed_ns), "%",
					   "taken from %s", vm->vm->name);
		kvmeter_finding_add_figure(f, kvmeter_stats_pct(ns, vm->contention_ns), "%",
					   "of what all take from it");
	}
	for (i = 0; i < nr; i++)
		say_neighbour(doctor, &findings->list[list[i].finding], list[i].thief);
	free(list);
}

/**
 * kvmeter_rule_headroom - the host has hardly any CPU time left
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_headroom(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	double least = kvmeter_rules[KVMETER_RULE_HEADROOM].threshold, pct = doctor->idle * 100;
	struct kvmeter_finding *f;

	if (doctor->idle < 0) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_HEADROOM, "%s",
					     doctor->is_live ? "/proc/stat cannot be read"
							     : "a recording does not have it");
		return;
	}
	if (pct >= least)
		return;
	f = kvmeter_findings_add(findings, KVMETER_RULE_HEADROOM);
	f->cost_cpus = (least - pct) / 100 * doctor->nr_cpus;
	kvmeter_finding_say(&f->what, "the host has hardly any CPU time left");
	kvmeter_finding_add_figure(f, pct, "%", "idle");
	kvmeter_finding_add_figure(f, doctor->nr_cpus, "CPUs", "of this host");
	kvmeter_finding_say(&f->remedy, HEADROOM_REMEDY, least);
}
