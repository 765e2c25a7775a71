// SPDX-License-Identifier: GPL-2.0-only
/* Rules of doctor about exits: storms, by what they are of, and nested guests. */
#include "doctor.h"

#define NESTED_REMEDY                                                       \
	"run these guests on this host itself; otherwise let them exit\n"   \
	"less: virtio, huge pages, and kvm_intel enable_shadow_vmcs=1 or\n" \
	"kvm_amd vls=1 vgif=1 here; Hyper-V as guest: <hyperv><evmcs/>"

#define SUBS_OFF                                                          \
	"exits by MSR are not told apart: echo 1 >\n"                     \
	"/sys/module/kvmeter/parameters/subreasons, or load the module\n" \
	"with subreasons=1"

#define NO_REASONS "exit reasons cannot be read on this host"

/* clang-format off */
static const struct {
	enum kvmeter_rule_id rule;
	const char *what; /* of a sentence about a VM */
	const char *remedy;
} storms[KVMETER_STORM_NR] = {
	[KVMETER_STORM_TIMER] = {
		KVMETER_RULE_STORM_TIMER, "sets timers, or they end, without pause",
		"in the guest: look for programs that sleep for microseconds (perf trace,\n"
		"powertop), lower CONFIG_HZ, or nohz=on; Windows: <timer name='hypervclock'/>,\n"
		"<hyperv><stimer/></hyperv>, and no <timer name='rtc' track='guest'/>" },
	[KVMETER_STORM_IPI] = {
		KVMETER_RULE_STORM_IPI, "has its vCPUs interrupt one another without pause",
		"fewer vCPUs, or keep threads that wake one another on one vCPU of the guest;\n"
		"where the hardware has it, APICv or AVIC (kvm_intel enable_apicv=1, kvm_amd\n"
		"avic=1); <feature policy='require' name='x2apic'/>; Windows:\n"
		"<hyperv><ipi/><tlbflush/>" },
	[KVMETER_STORM_IO] = {
		KVMETER_RULE_STORM_IO, "has a device emulated by its VMM register by register",
		"virtio devices for disk, network, console and display: <target bus='virtio'/>,\n"
		"<model type='virtio'/>; no serial console that is written to all the time; a\n"
		"clocksource of KVM's in the guest, not acpi_pm or hpet. Which ports: kvmeter\n"
		"exits --by sub, with subreasons=1" },
	[KVMETER_STORM_MSR] = {
		KVMETER_RULE_STORM_MSR, "reads or writes MSRs without pause",
		"which they are: kvmeter exits --by sub, with subreasons=1. Performance\n"
		"counters: no perf or NMI watchdog in the guest (nmi_watchdog=0), or <pmu\n"
		"state='off'/>; clocks and the APIC of Windows: <hyperv mode='passthrough'/>" },
	[KVMETER_STORM_OTHER] = {
		KVMETER_RULE_STORM_OTHER, "exits without pause",
		"which: kvmeter exits. CPUID, RDTSC, WBINVD: a program in the guest does that,\n"
		"maybe as it was built for another clock or feature test; PAUSE: vCPUs wait for\n"
		"one that does not run, see overcommit; interrupts: keep those of the host's\n"
		"devices off these CPUs (/proc/irq/*/smp_affinity)" },
};

/* clang-format on */

static double get_pct(const struct kvmeter_doctor_vm *vm, const struct kvmeter_exits_of *of)
{
	return kvmeter_stats_pct(of->ns, vm->elapsed_ns);
}

static bool is_storm(const struct kvmeter_doctor_vm *vm, const struct kvmeter_exits_of *of,
		     enum kvmeter_rule_id rule)
{
	return vm->elapsed_ns && get_pct(vm, of) >= kvmeter_rules[rule].threshold &&
		of->count * 1e9 / vm->elapsed_ns >= KVMETER_DOCTOR_STORM_MIN_S;
}

static struct kvmeter_finding *find(const struct kvmeter_doctor *doctor,
				    const struct kvmeter_doctor_vm *vm,
				    const struct kvmeter_exits_of *of, enum kvmeter_rule_id rule,
				    struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f = kvmeter_findings_add(findings, rule);

	kvmeter_finding_add_vm(f, vm->vm, kvmeter_doctor_per_ns(doctor, of->ns));
	kvmeter_finding_add_figure(f, get_pct(vm, of), "%", "of its time goes to these exits");
	kvmeter_finding_add_figure(f, kvmeter_doctor_per_ns(doctor, of->count * 1e9), "1/s",
				   "exits%s%s", *of->top ? ", most time for " : "", of->top);
	kvmeter_finding_add_figure(f, of->count ? of->ns / 1e3 / of->count : 0, "us", "each");
	return f;
}

static void judge_storms(const struct kvmeter_doctor *doctor, const struct kvmeter_doctor_vm *vm,
			 struct kvmeter_findings *findings)
{
	struct kvmeter_finding *f;
	unsigned int i;

	for (i = 0; i < KVMETER_STORM_NR; i++) {
		if (!is_storm(vm, &vm->storms[i], storms[i].rule))
			continue;
		f = find(doctor, vm, &vm->storms[i], storms[i].rule, findings);
		kvmeter_finding_say(&f->what, "%s %s", vm->vm->name, storms[i].what);
		kvmeter_finding_say(&f->remedy, "%s", storms[i].remedy);
	}
}

/*
 * Without sub-reasons a write to a timer or of an IPI is one of any MSR: so there may be a storm of
 * these if there is one together with all of those.
 */
static bool may_be_storm(const struct kvmeter_doctor_vm *vm, enum kvmeter_storm storm)
{
	struct kvmeter_exits_of both = vm->storms[storm];

	both.count += vm->storms[KVMETER_STORM_MSR].count;
	both.ns += vm->storms[KVMETER_STORM_MSR].ns;
	return is_storm(vm, &both, storms[storm].rule) &&
		!is_storm(vm, &vm->storms[storm], storms[storm].rule);
}

static void judge_without_subs(const struct kvmeter_doctor *doctor, enum kvmeter_storm storm,
			       struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;

	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (!vm->wanted || !may_be_storm(vm, storm))
			continue;
		kvmeter_findings_add_unknown(findings, storms[storm].rule, SUBS_OFF);
		return;
	}
}

/**
 * kvmeter_rule_storms - VMs exit without pause, for something that can be named
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_storms(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;
	unsigned int i;

	if (doctor->snap->host.reason_source == KVMETER_REASON_NONE) {
		for (i = 0; i < KVMETER_STORM_NR; i++)
			kvmeter_findings_add_unknown(findings, storms[i].rule, NO_REASONS);
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (vm->wanted)
			judge_storms(doctor, vm, findings);
	}
	if (doctor->snap->host.features & KVMETER_FEATURE_SUB)
		return;
	judge_without_subs(doctor, KVMETER_STORM_TIMER, findings);
	judge_without_subs(doctor, KVMETER_STORM_IPI, findings);
}

/**
 * kvmeter_rule_nested - VMs spend their time with exits of guests of their own
 * @doctor: the evidence
 * @findings: where to
 */
void kvmeter_rule_nested(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	const struct kvmeter_doctor_vm *vm;
	struct kvmeter_finding *f;

	if (doctor->snap->host.reason_source == KVMETER_REASON_NONE) {
		kvmeter_findings_add_unknown(findings, KVMETER_RULE_NESTED, NO_REASONS);
		return;
	}
	for (vm = doctor->vms; vm < doctor->vms + doctor->snap->nr_vms; vm++) {
		if (!vm->wanted || !is_storm(vm, &vm->nested, KVMETER_RULE_NESTED))
			continue;
		f = find(doctor, vm, &vm->nested, KVMETER_RULE_NESTED, findings);
		kvmeter_finding_say(&f->what, "%s spends its time with exits of guests of its own",
				    vm->vm->name);
		kvmeter_finding_say(&f->remedy, NESTED_REMEDY);
	}
}
