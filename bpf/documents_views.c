// SPDX-License-Identifier: GPL-2.0-only
/* What the keys mean in the documents of list, top, stat, ledger, exits, steal and wakeups. */
#include "documents.h"

#define KEY KVMETER_KEY
#define KEYS KVMETER_KEYS
#define METRICS KVMETER_KEYS_OF_RECORD
#define SAME KVMETER_KEYS_OF
#define NUL KVMETER_KEY_NULL
#define BY(by) KVMETER_KEY_BY(KVMETER_BY_##by)

/* What every report begins with. */
const struct kvmeter_key kvmeter_keys_report[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of the module"),
	KEY("now_ns", INTEGER, 0, "ns", "when it was taken, by the ledger clock"),
	KEY("real_ns", INTEGER, 0, "ns", "when it was taken, by the wall clock, since 1970 in UTC"),
	KEY("interval_ns", INTEGER, 0, "ns",
	    "length of the interval that counts are of; 0: since each VM was first seen"),
	KEY("vendor", TEXT, 0, NULL, "whose exit reasons: vmx, svm, none"),
	{},
};

const struct kvmeter_key kvmeter_keys_vm[] = {
	KEY("name", TEXT, 0, NULL, "name of the VM, as it may be shown"),
	KEY("id", TEXT, 0, NULL, "<pid>-<fd>: pid of its VMM, and a file descriptor there"),
	KEY("pid", INTEGER, 0, NULL, "process id of its VMM"),
	KEY("slot", INTEGER, 0, NULL, "its slot in kvmeter_vms"),
	KEY("gen", INTEGER, 0, NULL, "gen of that slot"),
	KEY("log_state", TEXT, 0, NULL, "whether its memory is logged, and by whom"),
	METRICS(VM, 0),
	KEY("first_ns", INTEGER, 0, "ns", "when it was first seen, by the ledger clock"),
	KEY("elapsed_ns", INTEGER, 0, "ns", "time that its counts are of"),
	{},
};

const struct kvmeter_key kvmeter_keys_vcpu[] = {
	KEY("vcpu_id", INTEGER, 0, NULL, "KVM's vcpu_id"),
	KEY("slot", INTEGER, 0, NULL, "its slot in kvmeter_vcpus"),
	KEY("gen", INTEGER, 0, NULL, "gen of that slot"),
	KEY("tid", INTEGER, 0, NULL, "thread that ran it last"),
	KEY("cpu", INTEGER, 0, NULL, "CPU it runs, or ran last, on"),
	KEY("node", INTEGER, 0, NULL, "NUMA node of that CPU"),
	KEY("state", TEXT, NUL, NULL, "state that it is in; null: not seen in the guest yet"),
	KEY("first_ns", INTEGER, 0, "ns", "beginning of its ledger, by the ledger clock; 0: none"),
	KEY("elapsed_ns", INTEGER, 0, "ns", "time that its counts are of"),
	{},
};

static const struct kvmeter_key list_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	KEY("cpu_moves", INTEGER, 0, NULL, "moves to another CPU"),
	KEY("node_moves", INTEGER, 0, NULL, "moves to another NUMA node"),
	{},
};

static const struct kvmeter_key list_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	KEY("migration", TEXT, 0, NULL, "none, running or ended"),
	KEY("round", INTEGER, 0, NULL, "rounds of the migration that have begun"),
	KEYS("vcpus", ROWS, BY(VCPU), list_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_list[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, list_vm, "VMs"),
	{},
};

static const struct kvmeter_key top_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	KEY("guest_pct", NUMBER, NUL, "%", "share of its vCPUs' time in the guest"),
	KEY("kernel_pct", NUMBER, NUL, "%", "in which KVM handled exits"),
	KEY("vmm_pct", NUMBER, NUL, "%", "in the VMM"),
	KEY("halt_pct", NUMBER, NUL, "%", "halted"),
	KEY("steal_pct", NUMBER, NUL, "%", "runnable and not running"),
	KEY("throttle_pct", NUMBER, NUL, "%", "parked by a quota"),
	KEY("exits_per_s", NUMBER, 0, "1/s", "exits a second, all vCPUs together"),
	KEY("top_reason", TEXT, NUL, NULL, "most frequent exit reason"),
	KEY("top_pct", NUMBER, NUL, "%", "its share of the exits"),
	KEY("dirty_bytes_per_s", NUMBER, NUL, "bytes/s",
	    "how fast memory is dirtied; null: not armed for the whole interval"),
	KEY("migration", TEXT, 0, NULL, "none, running or ended"),
	KEY("round", INTEGER, 0, NULL, "rounds of the migration that have begun"),
	KEY("round_pct_estimate", NUMBER, NUL, "%", "part of the round that is sent, estimated"),
	KEY("thief", TEXT, NUL, NULL, "who took most of its steal"),
	KEY("thief_pct", NUMBER, NUL, "%", "share of its vCPUs' time that this took"),
	{},
};

const struct kvmeter_key kvmeter_keys_top[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, top_vm, "VMs, in the order of the rows"),
	{},
};

static const struct kvmeter_key stat_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	METRICS(VCPU, 0),
	{},
};

static const struct kvmeter_key stat_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	METRICS(VCPU, 0),
	KEY("exits_per_s", NUMBER, 0, "1/s", "exits a second, all vCPUs together"),
	KEY("top_reason", TEXT, NUL, NULL, "most frequent exit reason"),
	KEY("top_pct", NUMBER, 0, "%", "its share of all exits"),
	KEY("exit_pct", NUMBER, 0, "%", "share of the vCPUs' time in the kernel and the VMM"),
	KEY("steal_pct", NUMBER, 0, "%", "share of the vCPUs' time runnable and not running"),
	KEY("dirty_pages_per_s", NUMBER, NUL, "pages/s",
	    "4 KiB pages dirtied; null: not armed for the whole interval"),
	KEYS("vcpus", ROWS, 0, stat_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_stat[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, stat_vm, "VMs"),
	{},
};

static const struct kvmeter_key ledger[] = {
	KEY("wall_ns", INTEGER, 0, "ns", "time of all vCPUs together, which the states add up to"),
	METRICS(VCPU, 0),
	KEY("guest_pct", NUMBER, NUL, "%", "share of it in the guest; all six add up to 100.0"),
	KEY("kernel_pct", NUMBER, NUL, "%", "share in which KVM handled exits"),
	KEY("vmm_pct", NUMBER, NUL, "%", "share in the VMM"),
	KEY("halt_pct", NUMBER, NUL, "%", "share halted"),
	KEY("steal_pct", NUMBER, NUL, "%", "share runnable and not running"),
	KEY("throttle_pct", NUMBER, NUL, "%", "share parked by a quota"),
	{},
};

static const struct kvmeter_key ledger_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	SAME(ledger, 0),
	{},
};

static const struct kvmeter_key ledger_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	SAME(ledger, BY(VM)),
	KEYS("vcpus", ROWS, BY(VCPU), ledger_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_ledger[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, ledger_vm, "VMs"),
	{},
};

static const struct kvmeter_key class_row[] = {
	KEY("class", TEXT, NUL, NULL, "what reasons of Intel and AMD have in common"),
	KEY("level", INTEGER, 0, NULL, "1: of the guest; 2: of a guest of it; 0: both"),
	METRICS(EXIT, 0),
	KEY("time_ns", INTEGER, 0, "ns", "handling time: kernel, VMM and halt"),
	KEY("p50_ns", NUMBER, NUL, "ns", "median of the handling times"),
	KEY("p90_ns", NUMBER, NUL, "ns", "90th percentile"),
	KEY("p99_ns", NUMBER, NUL, "ns", "99th percentile"),
	{},
};

static const struct kvmeter_key reason_row[] = {
	KEY("reason", INTEGER, 0, NULL, "the vendor's number"),
	KEY("name", TEXT, NUL, NULL,
	    "the vendor's name; UNKNOWN: exits without a row of their own"),
	SAME(class_row, 0),
	{},
};

static const struct kvmeter_key user_exit_row[] = {
	KEY("exit_reason", INTEGER, 0, NULL, "KVM_EXIT_* of linux/kvm.h"),
	KEY("name", TEXT, NUL, NULL, "its name"),
	KEY("count", INTEGER, 0, NULL, "returns of KVM_RUN"),
	KEY("user_ns", INTEGER, 0, "ns", "time in the VMM that followed"),
	{},
};

static const struct kvmeter_key sub_row[] = {
	KEY("kind", TEXT, NUL, NULL, "what of the exit it is: MSR, port, page, leaf, number"),
	KEY("value", INTEGER, 0, NULL, "the sub-reason"),
	METRICS(SUB, 0),
	{},
};

static const struct kvmeter_key exits[] = {
	KEY("exits", INTEGER, 0, NULL, "exits"),
	KEY("user_exits", INTEGER, 0, NULL, "exits to the VMM"),
	KEYS("reasons", ROWS, 0, reason_row, "exits by reason"),
	KEYS("user_exit", ROWS, 0, user_exit_row, "exits to the VMM by KVM's reason"),
	{},
};

static const struct kvmeter_key exits_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	SAME(exits, 0),
	{},
};

static const struct kvmeter_key exits_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	SAME(exits, BY(VM)),
	KEYS("vcpus", ROWS, BY(VCPU), exits_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_exits[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, exits_vm, "VMs"),
	KEY("exits", INTEGER, BY(CLASS) | BY(REASON), NULL, "exits"),
	KEY("user_exits", INTEGER, BY(CLASS) | BY(REASON), NULL, "exits to the VMM"),
	KEYS("reasons", ROWS, BY(REASON), reason_row, "exits by reason, of all these VMs"),
	KEYS("classes", ROWS, BY(CLASS), class_row, "exits by class, of all these VMs"),
	KEYS("user_exit", ROWS, BY(CLASS) | BY(REASON), user_exit_row,
	     "exits to the VMM by KVM's reason"),
	KEY("features", WORDS, BY(SUB), NULL, "what is on in the module"),
	KEYS("subs", ROWS, BY(SUB), sub_row, "exits by sub-reason, of all these VMs"),
	{},
};

static const struct kvmeter_key thief_figures[] = {
	METRICS(THIEF, 0),
	KEY("steal_pct", NUMBER, 0, "%", "share of the vCPUs' time"),
	KEY("share_pct", NUMBER, 0, "%", "share of all steal of ended waits"),
	{},
};

static const struct kvmeter_key thief_row[] = {
	KEY("kind", TEXT, NUL, NULL, "what ran meanwhile"),
	KEY("vm", INTEGER, NUL, NULL, "slot of the VM, if it is one"),
	KEY("vm_gen", INTEGER, NUL, NULL, "gen of that slot"),
	KEY("name", TEXT, NUL, NULL, "name of that VM, while it is there"),
	KEY("id", TEXT, NUL, NULL, "its id, likewise"),
	KEY("comm", TEXT, NUL, NULL, "command name, if it is a process"),
	SAME(thief_figures, 0),
	{},
};

static const struct kvmeter_key cause_row[] = {
	KEY("cause", TEXT, 0, NULL, "contention, limit or idle"),
	SAME(thief_figures, 0),
	{},
};

static const struct kvmeter_key steal[] = {
	METRICS(VCPU, 0),
	KEY("steal_pct", NUMBER, 0, "%", "share of the vCPUs' time runnable and not running"),
	KEY("steal_p50_ns", NUMBER, 0, "ns", "median of the waits"),
	KEY("steal_p90_ns", NUMBER, 0, "ns", "90th percentile"),
	KEY("steal_p99_ns", NUMBER, 0, "ns", "99th percentile"),
	KEYS("thieves", ROWS, BY(VM) | BY(VCPU) | BY(THIEF), thief_row, "who took it, most first"),
	KEYS("causes", ROWS, BY(CAUSE), cause_row, "why"),
	KEY("unexplained_ns", INTEGER, NUL, "ns",
	    "steal of ended waits that is in none of these; null: steal is not attributed"),
	{},
};

static const struct kvmeter_key steal_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	SAME(steal, 0),
	{},
};

static const struct kvmeter_key steal_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	SAME(steal, BY(VM) | BY(THIEF) | BY(CAUSE)),
	KEYS("vcpus", ROWS, BY(VCPU), steal_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_steal[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, steal_vm, "VMs"),
	{},
};

static const struct kvmeter_key wakeups[] = {
	METRICS(VCPU, 0),
	KEY("wakeup_lat_avg_ns", NUMBER, 0, "ns", "mean time from wake-up to running"),
	KEY("wakeup_lat_p50_ns", NUMBER, 0, "ns", "median of it"),
	KEY("wakeup_lat_p90_ns", NUMBER, 0, "ns", "90th percentile"),
	KEY("wakeup_lat_p99_ns", NUMBER, 0, "ns", "99th percentile"),
	{},
};

static const struct kvmeter_key wakeups_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	SAME(wakeups, 0),
	{},
};

static const struct kvmeter_key wakeups_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	SAME(wakeups, BY(VM)),
	KEYS("vcpus", ROWS, BY(VCPU), wakeups_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_wakeups[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, wakeups_vm, "VMs"),
	{},
};
