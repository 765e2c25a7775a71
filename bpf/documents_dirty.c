// SPDX-License-Identifier: GPL-2.0-only
/* What the keys mean in the documents of dirty, quota, forecast, migrate, autoconverge and log. */
#include "documents.h"

#define KEY KVMETER_KEY
#define KEYS KVMETER_KEYS
#define ARRAY KVMETER_KEY_ARRAY
#define METRICS KVMETER_KEYS_OF_RECORD
#define SAME KVMETER_KEYS_OF
#define NUL KVMETER_KEY_NULL
#define BY(by) KVMETER_KEY_BY(KVMETER_BY_##by)

static const struct kvmeter_key session[] = {
	KEY("session", TEXT, 0, NULL, "none, driven, observed or ended"),
	KEY("end", TEXT, NUL, NULL, "why it is over"),
	KEY("controller", INTEGER, 0, NULL, "process that started it"),
	KEY("windows", INTEGER, 0, NULL, "windows that median and p95 are of"),
	KEY("session_interval_ns", INTEGER, 0, "ns", "how long its intervals are to be"),
	KEY("start_ns", INTEGER, 0, "ns", "when it began, by the ledger clock"),
	KEY("end_ns", INTEGER, 0, "ns", "when it ended, 0: it runs"),
	KEY("update_ns", INTEGER, 0, "ns", "when its figures were brought up to date last"),
	KEY("sync_ns", INTEGER, 0, "ns", "when the VMM read the dirty log last"),
	METRICS(DIRTY, 0),
	ARRAY("curve_ms", 0, KVMETER_CURVE_NR, "ms", "the times t of the next three"),
	ARRAY("curve", NUL, KVMETER_CURVE_NR, "pages", "D(t): pages dirtied within t, now"),
	ARRAY("median", NUL, KVMETER_CURVE_NR, "pages", "median of D(t)"),
	ARRAY("p95", NUL, KVMETER_CURVE_NR, "pages", "95th percentile of D(t)"),
	{},
};

static const struct kvmeter_key live[] = {
	KEY("sync_nr", INTEGER, 0, NULL, "times the VMM has read the dirty log"),
	KEY("since_sync_s", NUMBER, 0, "s", "time since it did last"),
	KEY("dirtied_bytes", INTEGER, 0, "bytes", "dirtied since then"),
	KEY("round_bytes_estimate", INTEGER, 0, "bytes", "left of the round, estimated"),
	KEY("remaining_bytes_estimate", INTEGER, 0, "bytes", "left in all, estimated"),
	KEY("speed_known", BOOLEAN, 0, NULL, "false: nothing is taken off for what was sent"),
	{},
};

static const struct kvmeter_key dirty_rate[] = {
	KEY("dirty_bytes_per_s", NUMBER, NUL, "bytes/s",
	    "how fast memory is dirtied; null: not armed for the whole interval"),
	{},
};

static const struct kvmeter_key dirty_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	METRICS(VCPU, 0),
	SAME(dirty_rate, 0),
	ARRAY("dirty_curve", NUL, KVMETER_CURVE_NR, "pages", "of the VM's curve, those it dirtied"),
	{},
};

static const struct kvmeter_key dirty_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	METRICS(VCPU, 0),
	SAME(session, 0),
	SAME(dirty_rate, 0),
	KEY("kvm_writes_per_s", NUMBER, NUL, "1/s", "KVM's own writes to guest memory"),
	KEY("wws_ms", INTEGER, NUL, "ms", "longest t that D(t) is known for"),
	KEY("wws_bytes", INTEGER, NUL, "bytes", "D(t) of it: the write working set"),
	KEYS("migration", OBJECT, NUL, live, "what a migrating VMM has still to send"),
	KEYS("vcpus", ROWS, BY(VCPU), dirty_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_dirty[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, dirty_vm, "VMs"),
	{},
};

const struct kvmeter_key kvmeter_keys_heat[] = {
	SAME(kvmeter_keys_report, 0),
	KEY("name", TEXT, 0, NULL, "name of the VM"),
	KEY("id", TEXT, 0, NULL, "its id"),
	KEY("cell_pages", INTEGER, 0, "pages", "4 KiB pages that a cell is of"),
	ARRAY("cells", 0, 0, "pages", "pages dirtied in each cell, by guest address"),
	{},
};

static const struct kvmeter_key session_vm[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of the module"),
	KEY("name", TEXT, 0, NULL, "name of the VM"),
	KEY("id", TEXT, 0, NULL, "its id"),
	KEY("slot", INTEGER, 0, NULL, "its slot in kvmeter_vms"),
	KEY("gen", INTEGER, 0, NULL, "gen of that slot"),
	{},
};

const struct kvmeter_key kvmeter_keys_dirty_start[] = {
	SAME(session_vm, 0),
	KEY("session", TEXT, 0, NULL, "driven or observed"),
	KEY("interval_ns", INTEGER, 0, "ns", "how long its intervals are to be"),
	KEY("duration_ns", INTEGER, 0, "ns", "how long it lasts; 0: until it is stopped"),
	KEY("controller", INTEGER, 0, NULL, "process that it ends with"),
	{},
};

const struct kvmeter_key kvmeter_keys_dirty_stop[] = {
	SAME(session_vm, 0),
	KEY("end", TEXT, 0, NULL, "why it is over"),
	{},
};

static const struct kvmeter_key dirty_status_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	SAME(session, 0),
	{},
};

const struct kvmeter_key kvmeter_keys_dirty_status[] = {
	SAME(kvmeter_keys_report, 0),
	KEYS("vms", ROWS, 0, dirty_status_vm, "VMs"),
	{},
};

const struct kvmeter_key kvmeter_keys_qmp[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of the module"),
	KEY("name", TEXT, 0, NULL, "name of the VM"),
	KEY("id", TEXT, 0, NULL, "its id"),
	KEY("calc_time_s", INTEGER, 0, "s", "for how long QEMU measured"),
	KEY("qemu_mib_per_s", INTEGER, NUL, "MiB/s", "what QEMU found; null: nothing"),
	KEY("dirty_pages", INTEGER, 0, "pages", "what the module counted meanwhile"),
	KEY("dirty_bytes_per_s", NUMBER, 0, "bytes/s", "the same as a rate"),
	{},
};

static const struct kvmeter_key quota_sum[] = {
	METRICS(VCPU, 0),
	SAME(dirty_rate, 0),
	KEY("throttle_pct", NUMBER, 0, "%", "share of the time parked by a quota"),
	{},
};

static const struct kvmeter_key quota_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	SAME(quota_sum, 0),
	KEY("share_bytes_per_s", INTEGER, NUL, "bytes/s", "its share of the quota; null: none"),
	{},
};

static const struct kvmeter_key quota_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	KEY("quota_bytes_per_s", INTEGER, NUL, "bytes/s", "the quota in force; null: none"),
	KEY("in_effect", BOOLEAN, 0, NULL, "it holds vCPUs back: dirty logging is armed"),
	{},
};

static const struct kvmeter_key quota_vm_vcpus[] = {
	SAME(quota_vm, 0),
	SAME(quota_sum, 0),
	KEYS("vcpus", ROWS, 0, quota_vcpu, "its vCPUs"),
	{},
};

static const struct kvmeter_key features[] = {
	KEY("features", WORDS, 0, NULL, "what is on in the module"),
	{},
};

const struct kvmeter_key kvmeter_keys_quota[] = {
	SAME(kvmeter_keys_report, 0),
	SAME(features, 0),
	KEYS("vms", ROWS, 0, quota_vm_vcpus, "VMs that have one, or the one asked for"),
	{},
};

const struct kvmeter_key kvmeter_keys_quota_set[] = {
	SAME(kvmeter_keys_report, 0),
	SAME(features, 0),
	KEYS("vms", ROWS, 0, quota_vm, "the VM"),
	{},
};

static const struct kvmeter_key goal[] = {
	KEY("bandwidth_bytes_s", INTEGER, NUL, "bytes/s", "what a migration may use"),
	KEY("link_bytes_s", INTEGER, NUL, "bytes/s", "what it can use with the guest stopped"),
	KEY("downtime_ns", INTEGER, 0, "ns", "how long the guest may stand still"),
	KEY("state_bytes", INTEGER, 0, "bytes", "state of the devices"),
	{},
};

static const struct kvmeter_key memory[] = {
	KEY("ram_pages", INTEGER, 0, "pages", "the guest's memory"),
	KEY("zero_pages", INTEGER, 0, "pages", "of it, those that are zero"),
	KEY("zero_from", TEXT, 0, NULL, "how that is known: given, sample or none"),
	KEY("absent_pages", INTEGER, 0, "pages", "never touched"),
	KEY("sampled", INTEGER, 0, "pages", "looked at"),
	KEY("sampled_zero", INTEGER, 0, "pages", "of these, zero"),
	{},
};

static const struct kvmeter_key outcome[] = {
	KEY("converges", BOOLEAN, 0, NULL, "it comes to an end"),
	KEY("extrapolated", BOOLEAN, 0, NULL, "D(t) was needed beyond what is known"),
	KEY("rounds", INTEGER, NUL, NULL, "rounds until then"),
	KEY("dirty_sync_count", INTEGER, NUL, NULL, "what QEMU will say of them"),
	KEY("bytes", INTEGER, NUL, "bytes", "sent until then"),
	KEY("time_ns", INTEGER, NUL, "ns", "time until then"),
	KEY("downtime_ns", INTEGER, NUL, "ns", "time the guest stands still"),
	KEY("remaining_bytes", INTEGER, NUL, "bytes", "left at the end, or where it stalls"),
	KEY("min_bandwidth_bytes_s", INTEGER, NUL, "bytes/s", "least with which it converges"),
	KEY("min_downtime_ns", INTEGER, NUL, "ns", "least with which it converges"),
	KEY("max_quota_bytes_s", INTEGER, NUL, "bytes/s", "most with which it converges"),
	{},
};

static const struct kvmeter_key outcomes[] = {
	KEYS("median", OBJECT, 0, outcome, "from the median of D(t)"),
	KEYS("p95", OBJECT, 0, outcome, "from its 95th percentile"),
	{},
};

const struct kvmeter_key kvmeter_keys_forecast[] = {
	SAME(kvmeter_keys_report, 0),
	KEY("name", TEXT, 0, NULL, "name of the VM"),
	KEY("id", TEXT, 0, NULL, "its id"),
	KEYS("goal", OBJECT, 0, goal, "how it is to be migrated"),
	KEYS("memory", OBJECT, 0, memory, "what there is to send at first"),
	SAME(session, 0),
	KEY("curve_known_ms", INTEGER, 0, "ms", "longest t that D(t) is known for"),
	KEYS("forecast", OBJECT, 0, outcomes, "what comes of it"),
	{},
};

static const struct kvmeter_key round_row[] = {
	KEY("round", INTEGER, 0, NULL, "number of the round, from 1"),
	KEY("begin_ns", INTEGER, 0, "ns", "when it began, by the ledger clock"),
	KEY("to_send_pages", INTEGER, 0, "pages", "to send in it"),
	KEY("duration_ns", INTEGER, NUL, "ns", "time it took; null: it is in progress"),
	KEY("bandwidth_pages", INTEGER, NUL, "pages/s", "sent in it"),
	KEY("dirtied_pages", INTEGER, NUL, "pages", "dirtied in it"),
	KEY("quota_pages", INTEGER, 0, "pages/s", "least quota in it, 0: none"),
	KEY("throttle_ns", INTEGER, 0, "ns", "time for which quotas parked vCPUs in it"),
	{},
};

static const struct kvmeter_key outlook[] = {
	KEY("converges", BOOLEAN, 0, NULL, "it comes to an end"),
	KEY("extrapolated", BOOLEAN, 0, NULL, "D(t) was needed beyond what is known"),
	KEY("rounds", INTEGER, NUL, NULL, "rounds until then"),
	KEY("bytes", INTEGER, NUL, "bytes", "still to send until then"),
	KEY("time_ns", INTEGER, NUL, "ns", "time until then"),
	KEY("downtime_ns", INTEGER, NUL, "ns", "time the guest stands still"),
	KEY("remaining_bytes", INTEGER, NUL, "bytes", "left at the end, or where it stalls"),
	KEY("bandwidth_bytes_s", INTEGER, NUL, "bytes/s", "bandwidth that is reckoned with"),
	KEY("quota_bytes_s", INTEGER, NUL, "bytes/s", "quota that is reckoned with; null: none"),
	{},
};

static const struct kvmeter_key autopilot[] = {
	KEY("mode", TEXT, NUL, NULL, "what the autopilot may do: off, observe, on"),
	KEY("goal", TEXT, NUL, NULL, "gentle, bytes or deadline"),
	KEY("deadline_ns", INTEGER, NUL, "ns", "when it should be done, from its beginning"),
	KEY("downtime_ns", INTEGER, NUL, "ns", "the VMM's limit of the downtime"),
	KEY("why", TEXT, NUL, NULL, "why there is a quota, or none"),
	KEY("why_text", TEXT, NUL, NULL, "the same in a sentence"),
	KEY("would_pages", INTEGER, 0, "pages/s", "quota that it has set, or would, 0: none"),
	KEY("autopilot_pages", INTEGER, 0, "pages/s", "quota that it has set, 0: none"),
	{},
};

static const struct kvmeter_key migration[] = {
	KEY("state", TEXT, 0, NULL, "none, running or ended"),
	KEY("nr_rounds", INTEGER, 0, NULL, "rounds that have begun"),
	KEY("begin_ns", INTEGER, NUL, "ns", "when it began, by the ledger clock"),
	KEY("end_ns", INTEGER, NUL, "ns", "when it ended"),
	KEY("ram_pages", INTEGER, 0, "pages", "to send in the first round"),
	KEY("sent_pages", INTEGER, 0, "pages", "to send in all that have ended"),
	SAME(autopilot, 0),
	KEY("decided_ns", INTEGER, 0, "ns", "when the autopilot decided last"),
	KEY("bandwidth_pages", INTEGER, NUL, "pages/s", "that can be sent"),
	KEY("dirty_rate_pages", INTEGER, NUL, "pages/s", "that vCPUs dirty"),
	KEYS("rounds", ROWS, 0, round_row, "its last rounds"),
	KEYS("live", OBJECT, NUL, live, "what is left"),
	KEYS("forecast", OBJECT, NUL, outlook, "what comes of it with the quota in force"),
	KEYS("forecast_would", OBJECT, NUL, outlook, "and with the one that would be set"),
	{},
};

static const struct kvmeter_key migrate_vcpu[] = {
	SAME(kvmeter_keys_vcpu, 0),
	KEY("this_round_pages", INTEGER, NUL, "pages", "dirtied in the round in progress"),
	KEY("last_round_pages", INTEGER, NUL, "pages", "dirtied in the round before"),
	KEY("share_pages", INTEGER, NUL, "pages/s", "its share of the quota; null: none"),
	KEY("throttle_ns", INTEGER, 0, "ns", "time parked by a quota"),
	KEY("throttle_nr", INTEGER, 0, NULL, "times it was parked"),
	KEY("throttle_pct", NUMBER, 0, "%", "share of the time parked"),
	{},
};

static const struct kvmeter_key migrate_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	KEYS("migration", OBJECT, 0, migration, "its migration"),
	KEYS("vcpus", ROWS, 0, migrate_vcpu, "its vCPUs"),
	{},
};

const struct kvmeter_key kvmeter_keys_migrate[] = {
	SAME(kvmeter_keys_report, 0),
	SAME(features, 0),
	KEYS("vms", ROWS, 0, migrate_vm, "VMs being migrated, or the one asked for"),
	{},
};

static const struct kvmeter_key autoconverge_vm[] = {
	SAME(kvmeter_keys_vm, 0),
	SAME(autopilot, 0),
	{},
};

const struct kvmeter_key kvmeter_keys_autoconverge[] = {
	SAME(kvmeter_keys_report, 0),
	SAME(features, 0),
	KEYS("vms", ROWS, 0, autoconverge_vm, "VMs"),
	{},
};

const struct kvmeter_key kvmeter_keys_log[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of the module"),
	KEY("nr", INTEGER, 0, NULL, "number of the record, from 1"),
	KEY("lost_before", INTEGER, 0, NULL, "records between it and the one before"),
	KEY("kind", TEXT, NUL, NULL, "round, decision, quota, switch or end"),
	KEY("time", TEXT, 0, NULL, "when, by the wall clock"),
	KEY("real_ns", INTEGER, 0, "ns", "the same, since 1970 in UTC"),
	KEY("time_ns", INTEGER, 0, "ns", "when, by the ledger clock"),
	KEY("name", TEXT, NUL, NULL, "name of the VM; null: it is gone"),
	KEY("id", TEXT, 0, NULL, "its id"),
	KEY("pid", INTEGER, 0, NULL, "process id of its VMM"),
	KEY("slot", INTEGER, 0, NULL, "its slot in kvmeter_vms"),
	KEY("gen", INTEGER, 0, NULL, "gen of that slot"),
	KEY("mode", TEXT, NUL, NULL, "what the autopilot may do"),
	KEY("goal", TEXT, NUL, NULL, "gentle, bytes or deadline"),
	KEY("why", TEXT, NUL, NULL, "why it decided so"),
	KEY("round", INTEGER, 0, NULL, "round in progress, 0: none"),
	KEY("deadline_ns", INTEGER, 0, "ns", "deadline, 0: none"),
	KEY("to_send_pages", INTEGER, 0, "pages", "of the round in progress"),
	KEY("bandwidth_pages", INTEGER, 0, "pages/s", "that can be sent, 0: not known"),
	KEY("dirty_rate_pages", INTEGER, 0, "pages/s", "that vCPUs dirty, 0: not known"),
	KEY("before_pages", INTEGER, 0, "pages/s", "quota before, 0: none"),
	KEY("quota_pages", INTEGER, 0, "pages/s", "quota from now on, 0: none"),
	KEY("would_pages", INTEGER, 0, "pages/s", "quota that mode on would set, 0: none"),
	KEY("throttle_ns", INTEGER, 0, "ns", "time for which quotas have parked its vCPUs"),
	KEY("text", TEXT, 0, NULL, "the record in a sentence"),
	{},
};
