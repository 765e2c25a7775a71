// SPDX-License-Identifier: GPL-2.0-only
/* Rules of doctor about memory: is it near to the vCPUs, do they stay there, are its pages large?
 */
#include "doctor.h"

#define MOVES_REMEDY                                                      \
	"keep it on a node that has room for it: virsh vcpupin %s VCPU\n" \
	"CPUS, and virsh numatune %s --nodeset NODE; <vcpu\n"             \
	"placement='auto'> has numad choose one"

#define FAR_REMEDY                                                           \
	"bring them together: virsh numatune %s --mode strict --nodeset\n"   \
	"NODE --live, and virsh vcpupin; or migratepages %u FROM TO; a VM\n" \
	"that is larger than a node needs nodes of its own (<cpu><numa>,\n"  \
	"<numatune><memnode>)"

#define PAGES_WHAT "the memory of %s is in 4 KiB pages, and it has many page faults"

#define PAGES_REMEDY                                                         \
	"<memoryBacking><hugepages/></memoryBacking> in libvirt (sysctl\n"   \
	"vm.nr_hugepages), or echo madvise >\n"                              \
	"/sys/kernel/mm/transparent_hugepage/enabled; memory that KSM has\n" \
	"merged, or that the host swaps, has none"

#define IS_LOGGED "%s: its memory is logged, for which KVM has it in 4 KiB pages"

#define PAGES_2M 512ULL
#define PAGES_1G (512 * PAGES_2M)

/* Part of the time that is lost where all of it goes to memory at that distance. */
static double get_loss(double distance)
{
	return distance > KVMETER_DOCTOR_NEAR ? 1 - KVMETER_DOCTOR_NEAR / distance : 0;
}

static void find_moves(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
		       struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f = kvmeter_findings_add(findings, KVMETER_RULE_NODE_MOVES);
	/* Of memory on one of two nodes they are far for half of the time. */
	double far_cpus = kvmeter_doctor_per_ns(doctor, vm->bouncing_ns) / 2;

	kvmeter_finding_add_vm(f, vm->vm, far_cpus * get_loss(KVMETER_DOCTOR_FAR));
	f->at_most = true;
	kvmeter_finding_say(&f->what, "%u of the vCPUs of %s move to and fro between NUMA nodes",
			    vm->bouncing, vm->vm->name);
	kvmeter_finding_add_figure(f, vm->moves_s, "moves/s", "of the vCPU that moves most");
	kvmeter_finding_add_figure(f, vm->vm->nr_vcpus, "vCPUs", "in all");
	kvmeter_finding_say(&f->remedy, MOVES_REMEDY, kvmeter_finding_domain(vm->vm),
			    kvmeter_finding_domain(vm->vm));
}

/**
 * kvmeter_rule_node_moves - vCPUs move to and fro between NUMA nodes
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_node_moves(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;

	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (vm->wanted && vm->bouncing)
			find_moves(doctor, vm, findings);
	}
}

static void find_far(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
		     struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f = kvmeter_findings_add(findings, KVMETER_RULE_FAR_MEMORY);
	double ns = vm->guest_ns * vm->far * get_loss(vm->distance);

	kvmeter_finding_add_vm(f, vm->vm, kvmeter_doctor_per_ns(doctor, ns));
	f->at_most = true;
	kvmeter_finding_say(&f->what, "%s runs far from its memory", vm->vm->name);
	kvmeter_finding_add_figure(f, vm->far * 100, "%", "of its memory is on other NUMA nodes");
	kvmeter_finding_add_figure(f, vm->distance, "", "distance of these nodes (near: 10)");
	kvmeter_finding_say(&f->remedy, FAR_REMEDY, kvmeter_finding_domain(vm->vm), vm->vm->v.pid);
}

/**
 * kvmeter_rule_far_memory - VMs run far from their memory
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_far_memory(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;

	if (!doctor->nr_nodes) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_FAR_MEMORY, "%s",
					     doctor->is_live ? "the NUMA nodes cannot be read"
							     : "a recording does not have it");
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (!vm->wanted || doctor->nr_nodes == 1 || !vm->guest_ns)
			continue;
		if (!vm->memory_known)
			kvmeter_findings_add_unknown(findings, KVMETER_RULE_FAR_MEMORY,
						     "%s: numa_maps of its VMM cannot be read",
						     vm->vm->name);
		else if (vm->far * 100 >= kvmeter_rules[KVMETER_RULE_FAR_MEMORY].threshold)
			find_far(doctor, vm, findings);
	}
}

static void find_small(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
		       double huge_pct, struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f = kvmeter_findings_add(findings, KVMETER_RULE_HUGE_PAGES);

	kvmeter_finding_add_vm(f, vm->vm, kvmeter_doctor_per_ns(doctor, vm->faults.ns));
	kvmeter_finding_say(&f->what, PAGES_WHAT, vm->vm->name);
	kvmeter_finding_add_figure(f, kvmeter_stats_pct(vm->faults.ns, vm->elapsed_ns), "%",
				   "of its time goes to page faults in KVM");
	kvmeter_finding_add_figure(f, kvmeter_doctor_per_ns(doctor, vm->faults.count * 1e9), "1/s",
				   "page faults");
	kvmeter_finding_add_figure(f, huge_pct, "%", "of its mapped memory is in huge pages");
	kvmeter_finding_say(&f->remedy, PAGES_REMEDY);
}

/* Had it time to, KVM maps in 4 KiB pages what is logged: that says nothing of the VM. */
static void judge_pages(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
			struct kvmeter_findings *findings)
{
	const struct kvmeter_vm *v = &vm->vm->v;
	double huge = (double)v->pages_2m * PAGES_2M + (double)v->pages_1g * PAGES_1G;
	double huge_pct = kvmeter_stats_pct(huge, huge + v->pages_4k);
	double per_vcpu_s = vm->elapsed_ns ? vm->faults.count * 1e9 / vm->elapsed_ns : 0;

	if (kvmeter_stats_pct(vm->faults.ns, vm->elapsed_ns) <
		    kvmeter_rules[KVMETER_RULE_HUGE_PAGES].threshold ||
	    per_vcpu_s < KVMETER_DOCTOR_STORM_MIN_S || huge_pct >= 50)
		return;
	if (kvmeter_reasons_is_armed(v->log_state))
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_HUGE_PAGES, IS_LOGGED,
					     vm->vm->name);
	else
		find_small(doctor, vm, huge_pct, findings);
}

/**
 * kvmeter_rule_huge_pages - VMs have many page faults and no huge pages
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_huge_pages(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;

	if (doctor->snap->host.reason_source == KVMETER_REASON_NONE) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_HUGE_PAGES,
					     "exit reasons cannot be read on this host");
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (vm->wanted)
			judge_pages(doctor, vm, findings);
	}
}
