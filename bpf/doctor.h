/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the command doctor share: the evidence, the rules, and what they find.
 *
 * Evidence is what happened between two snapshots, by VM, and what the host tells beside it. A rule
 * is a function of evidence alone: it reads nothing and prints nothing.
 */
#ifndef KVMETER_DOCTOR_H
#define KVMETER_DOCTOR_H

#include "migrate.h"
#include "steal.h"

#define KVMETER_ATTRIBUTE __attribute__
#define KVMETER_PRINTF(text, first) KVMETER_ATTRIBUTE((format(printf, text, first)))

/* Exit status where something was found. */
#define KVMETER_DOCTOR_FOUND 3

/* Time between the snapshots where the command line has none. */
#define KVMETER_DOCTOR_INTERVAL_S 5.0

/* Fewer exits a second and vCPU are no storm: the slowest tick that Linux has makes as many. */
#define KVMETER_DOCTOR_STORM_MIN_S 100.0

/* Moves between nodes, in the interval, that are the least to be called bouncing. */
#define KVMETER_DOCTOR_MOVES_MIN 2

/* More nodes are not told apart: those above count as the last one. */
#define KVMETER_DOCTOR_NODES 64

/* ACPI's distance of a node to itself, and that of another one where the host does not tell. */
#define KVMETER_DOCTOR_NEAR 10.0
#define KVMETER_DOCTOR_FAR 20.0

/* In the order in which they are listed. */
enum kvmeter_rule_id {
	KVMETER_RULE_OVERCOMMIT,
	KVMETER_RULE_CPU_LIMIT,
	KVMETER_RULE_NEIGHBOUR,
	KVMETER_RULE_NODE_MOVES,
	KVMETER_RULE_FAR_MEMORY,
	KVMETER_RULE_HUGE_PAGES,
	KVMETER_RULE_STORM_TIMER,
	KVMETER_RULE_STORM_IPI,
	KVMETER_RULE_STORM_IO,
	KVMETER_RULE_STORM_MSR,
	KVMETER_RULE_STORM_OTHER,
	KVMETER_RULE_NESTED,
	KVMETER_RULE_MIGRATION,
	KVMETER_RULE_HEADROOM,
	KVMETER_RULE_NR,
};

/**
 * struct kvmeter_rule - what is looked for
 * @name: word for it
 * @threshold: where it begins
 * @unit: of that
 * @compared: what is compared with it
 * @meaning: what it means where it is found
 * @source: where the threshold comes from
 */
struct kvmeter_rule {
	const char *name;
	double threshold;
	const char *unit;
	const char *compared;
	const char *meaning;
	const char *source;
};

enum kvmeter_verdict {
	KVMETER_VERDICT_FOUND,
	KVMETER_VERDICT_NOT_KNOWN, /* it could not be looked for */
	KVMETER_VERDICT_PASSED,	   /* it is not there */
};

/**
 * struct kvmeter_figure - a piece of evidence
 * @name: what was measured
 * @value: how much
 * @unit: of what
 */
struct kvmeter_figure {
	char *name;
	double value;
	const char *unit;
};

/**
 * struct kvmeter_sufferer - a VM that a finding is about
 * @vm: the VM
 * @cost_cpus: what it loses, CPU seconds a second
 */
struct kvmeter_sufferer {
	const struct kvmeter_snap_vm *vm;
	double cost_cpus;
};

/**
 * struct kvmeter_finding - what a rule says
 * @rule: which one
 * @verdict: see there; all but @what is of FOUND only
 * @cost_cpus: what is lost in all, CPU seconds a second
 * @at_most: that is an upper bound
 * @what: a sentence; of NOT_KNOWN: why; NULL: nothing
 * @remedy: what to do
 * @vms: whom it is about; none: the host
 * @nr_vms: how many
 * @room_vms: how many there is room for
 * @figures: the evidence
 * @nr_figures: how many
 * @room_figures: how many there is room for
 */
struct kvmeter_finding {
	enum kvmeter_rule_id rule;
	enum kvmeter_verdict verdict;
	double cost_cpus;
	bool at_most;
	char *what;
	char *remedy;
	struct kvmeter_sufferer *vms;
	unsigned int nr_vms, room_vms;
	struct kvmeter_figure *figures;
	unsigned int nr_figures, room_figures;
};

/**
 * struct kvmeter_findings - what all rules say
 * @list: most costly first, then what is not known, then what is not there
 * @nr: how many
 * @room: how many there is room for
 */
struct kvmeter_findings {
	struct kvmeter_finding *list;
	unsigned int nr, room;
};

/* What exits are a storm of. */
enum kvmeter_storm {
	KVMETER_STORM_TIMER,
	KVMETER_STORM_IPI,
	KVMETER_STORM_IO,
	KVMETER_STORM_MSR,
	KVMETER_STORM_OTHER,
	KVMETER_STORM_NR,
};

#define KVMETER_DOCTOR_TOP_MAX 64

/**
 * struct kvmeter_exits_of - exits of one cause, of all vCPUs of a VM
 * @count: exits
 * @ns: time that KVM and the VMM took to handle them
 * @top: what of it took most; "": not known
 * @top_ns: how much that was
 */
struct kvmeter_exits_of {
	__u64 count;
	__u64 ns;
	char top[KVMETER_DOCTOR_TOP_MAX];
	__u64 top_ns;
};

/**
 * struct kvmeter_doctor_migration - will a migration that is on its way come to an end?
 * @running: there is one
 * @known: it can be told; so can the rest
 * @outlook: what becomes of it
 * @min_bandwidth_bytes_s: the smallest bandwidth with which it would end
 * @min_downtime_s: the smallest downtime
 * @max_quota_bytes_s: the largest quota; 0: none helps
 */
struct kvmeter_doctor_migration {
	bool running;
	bool known;
	struct kvmeter_outlook outlook;
	double min_bandwidth_bytes_s;
	double min_downtime_s;
	double max_quota_bytes_s;
};

/**
 * struct kvmeter_doctor_vm - the evidence about a VM
 * @vm: the VM
 * @wanted: it may be told of; others may still be to blame
 * @elapsed_ns: time of all its vCPUs
 * @guest_ns: of it, in the guest
 * @throttle_ns: parked by a quota
 * @limit_ns: held back by a CPU limit
 * @limited_tid: thread of the vCPU for which that was most
 * @limit: where that limit is, and what; "": not known
 * @contention_ns: waited while something else ran
 * @thieves: who ran
 * @nr_thieves: how many
 * @bouncing: vCPUs that move between nodes too often
 * @bouncing_ns: their time in the guest
 * @moves_s: moves a second of the one that moves most
 * @memory_known: how much memory is far is known
 * @far: part of the memory accesses that are far from the vCPU, if all memory is used alike
 * @distance: ACPI's, of the nodes that are far
 * @faults: page faults of the nested paging, served by KVM
 * @log_ns: time that KVM took for what logging of memory costs
 * @storms: exits by cause
 * @nested: exits that there are for a nested guest
 * @migration: see there
 */
struct kvmeter_doctor_vm {
	const struct kvmeter_snap_vm *vm;
	bool wanted;
	__u64 elapsed_ns, guest_ns, throttle_ns;
	__u64 limit_ns;
	__u32 limited_tid;
	char limit[512];
	__u64 contention_ns;
	struct kvmeter_thief_sum *thieves;
	unsigned int nr_thieves;
	unsigned int bouncing;
	__u64 bouncing_ns;
	double moves_s;
	bool memory_known;
	double far, distance;
	struct kvmeter_exits_of faults;
	__u64 log_ns;
	struct kvmeter_exits_of storms[KVMETER_STORM_NR];
	struct kvmeter_exits_of nested;
	struct kvmeter_doctor_migration migration;
};

/**
 * struct kvmeter_doctor_cpus - what /proc/stat has of all CPUs
 * @nr: CPUs that are online; 0: not known
 * @busy: time in which they did something, in its unit
 * @all: all of their time
 */
struct kvmeter_doctor_cpus {
	unsigned int nr;
	__u64 busy, all;
};

/**
 * struct kvmeter_doctor - the evidence
 * @snap: what happened in the interval
 * @is_live: it is of this host and now, not of a recording
 * @nr_cpus: CPUs of the host; 0: not known
 * @idle: part of their time in which they were idle; below 0: not known
 * @nr_nodes: NUMA nodes of the host; 0: not known
 * @vms: by the order of the snapshot
 */
struct kvmeter_doctor {
	const struct kvmeter_snap *snap;
	bool is_live;
	unsigned int nr_cpus;
	double idle;
	unsigned int nr_nodes;
	struct kvmeter_doctor_vm *vms;
};

/* doctor_rules.c */
extern const struct kvmeter_rule kvmeter_rules[KVMETER_RULE_NR];
void kvmeter_rules_judge(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);
void kvmeter_rules_print(bool json);

/* doctor_look.c */
void kvmeter_doctor_look(struct kvmeter_doctor *doctor, const struct kvmeter_report *report);
void kvmeter_doctor_put(struct kvmeter_doctor *doctor);
double kvmeter_doctor_per_ns(const struct kvmeter_doctor *doctor, double amount);

/* doctor_exits.c */
void kvmeter_doctor_look_at_exits(struct kvmeter_doctor_vm *vm, const struct kvmeter_snap *snap);

/* doctor_host.c */
bool kvmeter_doctor_parse_cpus(FILE *stat, struct kvmeter_doctor_cpus *cpus);
void kvmeter_doctor_get_cpus(struct kvmeter_doctor_cpus *cpus);
void kvmeter_doctor_add_cpus(struct kvmeter_doctor *doctor,
			     const struct kvmeter_doctor_cpus *before,
			     const struct kvmeter_doctor_cpus *after);
void kvmeter_doctor_add_limits(struct kvmeter_doctor *doctor);

/* doctor_nodes.c */
bool kvmeter_doctor_parse_numa_maps(FILE *maps, __u64 *kib);
double kvmeter_doctor_count_far(const __u64 *vcpu_ns, const __u64 *kib);
void kvmeter_doctor_add_nodes(struct kvmeter_doctor *doctor);

/* doctor_cpu.c: steal, and headroom */
void kvmeter_rule_overcommit(const struct kvmeter_doctor *doctor,
			     struct kvmeter_findings *findings);
void kvmeter_rule_cpu_limit(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);
void kvmeter_rule_neighbour(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);
void kvmeter_rule_headroom(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);

/* doctor_memory.c: where it is, and in what pages */
void kvmeter_rule_node_moves(const struct kvmeter_doctor *doctor,
			     struct kvmeter_findings *findings);
void kvmeter_rule_far_memory(const struct kvmeter_doctor *doctor,
			     struct kvmeter_findings *findings);
void kvmeter_rule_huge_pages(const struct kvmeter_doctor *doctor,
			     struct kvmeter_findings *findings);

/* doctor_storms.c */
void kvmeter_rule_storms(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);
void kvmeter_rule_nested(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);

/* doctor_migrate.c */
void kvmeter_rule_migration(const struct kvmeter_doctor *doctor, struct kvmeter_findings *findings);

/* doctor_list.c */
struct kvmeter_finding *kvmeter_findings_add(struct kvmeter_findings *findings,
					     enum kvmeter_rule_id rule);
void kvmeter_findings_add_unknown(struct kvmeter_findings *findings, enum kvmeter_rule_id rule,
				  const char *format, ...) KVMETER_PRINTF(3, 4);
void kvmeter_findings_finish(struct kvmeter_findings *findings);
unsigned int kvmeter_findings_count(const struct kvmeter_findings *findings,
				    enum kvmeter_verdict verdict);
void kvmeter_findings_put(struct kvmeter_findings *findings);
void kvmeter_finding_say(char **text, const char *format, ...) KVMETER_PRINTF(2, 3);
void kvmeter_finding_add_vm(struct kvmeter_finding *finding, const struct kvmeter_snap_vm *vm,
			    double cost_cpus);
void kvmeter_finding_add_figure(struct kvmeter_finding *finding, double value, const char *unit,
				const char *format, ...) KVMETER_PRINTF(4, 5);
const char *kvmeter_finding_domain(const struct kvmeter_snap_vm *vm);

/* doctor_text.c */
void kvmeter_doctor_print(const struct kvmeter_report *report,
			  const struct kvmeter_findings *findings, unsigned int width);

/* doctor_json.c */
void kvmeter_doctor_print_json(const struct kvmeter_report *report,
			       const struct kvmeter_findings *findings);

#endif /* KVMETER_DOCTOR_H */
