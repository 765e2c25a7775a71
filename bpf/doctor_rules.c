// SPDX-License-Identifier: GPL-2.0-only
/* The rules of doctor: what each looks for, from where on, and why from there on. */
#include <stdlib.h>

#include "doctor.h"
#include "documents.h"

#define STEAL_SOURCE \
	"rule of thumb for steal: more than 10 % for 20 minutes (kube-prometheus, issue 796)"
#define HALF_SOURCE                                                                \
	"half of the 10 % of overcommit, as it is one cause, and can be changed\n" \
	"(guests warn from 5 % on: rwlove/home-ops, 12564)"
#define STORM_SOURCE                                                                       \
	"as cpu-limit; of a 3 GHz CPU 5 % are 130,000 bare exits a second, of 1,127\n"     \
	"cycles each (man page of bcc's kvmexit); below 100 a second, the slowest tick,\n" \
	"it is no storm"
#define STORM_COMPARED "vCPU time for these exits in KVM and the VMM, from 100 exits/s a vCPU on"

/* clang-format off */
const struct kvmeter_rule kvmeter_rules[KVMETER_RULE_NR] = {
	[KVMETER_RULE_OVERCOMMIT] = {
		"overcommit", 10, "%",
		"vCPU time that a VM waits while others run, without what noisy-neighbour tells",
		"too many vCPUs want to run on the CPUs of these VMs", STEAL_SOURCE },
	[KVMETER_RULE_CPU_LIMIT] = {
		"cpu-limit", 5, "%", "vCPU time that a VM waits for its own CPU limit",
		"cpu.max of its cgroup, or of one above, is too small for what it does",
		HALF_SOURCE },
	[KVMETER_RULE_NEIGHBOUR] = {
		"noisy-neighbour", 5, "%",
		"vCPU time of a VM that one other takes, if that is at least half of what all\n"
		"take; another VM: if it takes twice as much as is taken from it",
		"one VM or process of the host keeps others from running", HALF_SOURCE },
	[KVMETER_RULE_NODE_MOVES] = {
		"node-moves", 1, "moves/s", "moves of a vCPU between NUMA nodes, from 2 on",
		"its memory cannot follow it, and its caches are lost",
		"NUMA balancing looks at a task's memory once in scan_period_min_ms = 1000 at most\n"
		"(Documentation/scheduler/sched-debug.rst)" },
	[KVMETER_RULE_FAR_MEMORY] = {
		"far-memory", 20, "%", "part of a VM's memory that is not near to its vCPUs",
		"they reach it through another NUMA node",
		"at ACPI's usual distance, 20 to 10, it takes twice as long there: 20 % can cost\n"
		"10 % of the time, as overcommit" },
	[KVMETER_RULE_HUGE_PAGES] = {
		"huge-pages", 5, "%",
		"vCPU time for page faults in KVM, from 100/s a vCPU on, if less than half of\n"
		"the mapped memory is in huge pages",
		"the VM's memory is in 4 KiB pages, which cost a fault each, and more TLB misses",
		"as cpu-limit; a huge page takes one fault where 4 KiB pages take 512, and\n"
		"TLB misses are served sooner (Documentation/admin-guide/mm/transhuge.rst)" },
	[KVMETER_RULE_STORM_TIMER] = {
		"storm-timer", 5, "%", STORM_COMPARED,
		"the guest sets or gets timers without pause", STORM_SOURCE },
	[KVMETER_RULE_STORM_IPI] = {
		"storm-ipi", 5, "%", STORM_COMPARED,
		"the guest's vCPUs interrupt one another without pause", STORM_SOURCE },
	[KVMETER_RULE_STORM_IO] = {
		"storm-io", 5, "%", STORM_COMPARED,
		"the VMM emulates a device register by register, which virtio needs not",
		STORM_SOURCE },
	[KVMETER_RULE_STORM_MSR] = {
		"storm-msr", 5, "%", STORM_COMPARED,
		"the guest reads or writes MSRs without pause", STORM_SOURCE },
	[KVMETER_RULE_STORM_OTHER] = {
		"storm-other", 5, "%", STORM_COMPARED,
		"the guest exits without pause for something else", STORM_SOURCE },
	[KVMETER_RULE_NESTED] = {
		"nested", 5, "%", STORM_COMPARED,
		"the guest runs guests of its own, whose exits cost several each", STORM_SOURCE },
	[KVMETER_RULE_MIGRATION] = {
		"migration", 1, "forecast", "forecast that a migration on its way does not end",
		"it sends the same memory again and again",
		"it ends if and only if less is dirtied in the downtime than is sent in it\n"
		"(README, forecast; Clark et al., NSDI 2005)" },
	[KVMETER_RULE_HEADROOM] = {
		"headroom", 20, "%", "idle part of the host's CPU time, below this",
		"there is no room for a peak, or for VMs of a host that fails",
		"mean time in a queue with one server (M/M/1) is 1 / (1 - load) times that of\n"
		"the work: 5 times at 80 %, 10 times at 90 %" },
};

/* clang-format on */

/**
 * kvmeter_rules_judge - have all rules look at the evidence
 * @doctor: the evidence
 * @findings: filled; to be released with kvmeter_findings_put()
 */
void kvmeter_rules_judge(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings)
{
	kvmeter_rule_overcommit(doctor, findings);
	kvmeter_rule_cpu_limit(doctor, findings);
	kvmeter_rule_neighbour(doctor, findings);
	kvmeter_rule_node_moves(doctor, findings);
	kvmeter_rule_far_memory(doctor, findings);
	kvmeter_rule_huge_pages(doctor, findings);
	kvmeter_rule_storms(doctor, findings);
	kvmeter_rule_nested(doctor, findings);
	kvmeter_rule_migration(doctor, findings);
	kvmeter_rule_headroom(doctor, findings);
	kvmeter_findings_finish(findings);
}

static void add_text(struct json_object *obj, const char *key, const char *text)
{
	char *line = NULL;

	kvmeter_finding_say(&line, "%s", text);
	kvmeter_json_add_text(obj, key, line);
	free(line);
}

static void print_text(const char *what, const char *text)
{
	char *line = NULL;

	kvmeter_finding_say(&line, "%s", text);
	printf("  %-7s %s\n", what, line);
	free(line);
}

static void print_json(void)
{
	struct json_object *obj = kvmeter_json_new_document(KVMETER_DOCUMENT_DOCTOR_RULES);
	struct json_object *array = json_object_new_array(), *rule;
	const struct kvmeter_rule *r;

	for (r = kvmeter_rules; r < kvmeter_rules + KVMETER_RULE_NR; r++) {
		rule = json_object_new_object();
		kvmeter_json_add_text(rule, "rule", r->name);
		kvmeter_json_add_double(rule, "threshold", r->threshold);
		kvmeter_json_add_text(rule, "unit", r->unit);
		add_text(rule, "compared", r->compared);
		add_text(rule, "meaning", r->meaning);
		add_text(rule, "source", r->source);
		json_object_array_add(array, rule);
	}
	kvmeter_json_add_u64(obj, "abi", KVMETER_ABI);
	json_object_object_add(obj, "rules", array);
	kvmeter_json_print(obj);
}

/**
 * kvmeter_rules_print - print all rules
 * @json: as a document
 */
void kvmeter_rules_print(bool json)
{
	const struct kvmeter_rule *r;

	if (json) {
		print_json();
		return;
	}
	for (r = kvmeter_rules; r < kvmeter_rules + KVMETER_RULE_NR; r++) {
		printf("%s: %g %s\n", r->name, r->threshold, r->unit);
		print_text("of:", r->compared);
		print_text("means:", r->meaning);
		print_text("source:", r->source);
	}
}
