// SPDX-License-Identifier: GPL-2.0-only
/* What the keys mean in the documents of the module itself, and of what is written down. */
#include "documents.h"

#define KEY KVMETER_KEY
#define KEYS KVMETER_KEYS
#define SAME KVMETER_KEYS_OF

static const struct kvmeter_key metric[] = {
	KEY("of", TEXT, 0, NULL, "what it is counted for"),
	KEY("name", TEXT, 0, NULL, "field of that struct in linux/kvmeter.h, and its key in JSON"),
	KEY("type", TEXT, 0, NULL, "cumulative, instant, peak, lowest or histogram"),
	KEY("unit", TEXT, 0, NULL, "none or seconds"),
	KEY("exponent", SIGNED, 0, NULL, "a value is in 10^exponent of the unit"),
	KEY("help", TEXT, 0, NULL, "what it is"),
	{},
};

const struct kvmeter_key kvmeter_keys_metrics[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of this reader"),
	KEYS("vm", ROWS, 0, metric, "of a VM"),
	KEYS("vcpu", ROWS, 0, metric, "of a vCPU"),
	KEYS("exit", ROWS, 0, metric, "of a vCPU's exits for one reason"),
	KEYS("sub", ROWS, 0, metric, "of a vCPU's exits for one sub-reason"),
	KEYS("thief", ROWS, 0, metric, "of a vCPU's steal that one thief is to blame for"),
	KEYS("dirty", ROWS, 0, metric, "of a VM's dirty pages"),
	KEYS("migration", ROWS, 0, metric, "of a VM's migration"),
	KEYS("round", ROWS, 0, metric, "of a round of it"),
	{},
};

static const struct kvmeter_key map[] = {
	KEY("name", TEXT, 0, NULL, "name of the map"),
	KEY("id", INTEGER, 0, NULL, "its BPF id"),
	KEY("value_size", INTEGER, 0, "bytes", "size of an entry"),
	KEY("max_entries", INTEGER, 0, NULL, "entries"),
	{},
};

const struct kvmeter_key kvmeter_keys_status[] = {
	SAME(kvmeter_keys_report, 0),
	KEY("attached", INTEGER, 0, NULL, "1: the module counts into BPF maps"),
	KEY("reason_source", TEXT, 0, NULL, "where exit reasons come from"),
	KEY("features", WORDS, 0, NULL, "what is on in the module"),
	KEY("load_ns", INTEGER, 0, "ns", "when it was loaded, by the ledger clock"),
	KEY("tsc_mult", INTEGER, 0, NULL, "of the ledger clock: ns a cycle, times 2^32"),
	KEY("mono_offset_ns", SIGNED, 0, "ns", "CLOCK_MONOTONIC less the ledger clock, at load"),
	KEY("max_vms", INTEGER, 0, NULL, "slots for VMs"),
	KEY("max_vcpus", INTEGER, 0, NULL, "slots for vCPUs"),
	KEY("nr_vms", INTEGER, 0, NULL, "VMs that have one"),
	KEY("nr_vcpus", INTEGER, 0, NULL, "vCPUs that have one"),
	KEY("vms_hi", INTEGER, 0, NULL, "slots of VMs from here on were never used"),
	KEY("vcpus_hi", INTEGER, 0, NULL, "slots of vCPUs from here on were never used"),
	KEY("vms_seen", INTEGER, 0, NULL, "VMs given a slot since load"),
	KEY("vcpus_seen", INTEGER, 0, NULL, "vCPUs given a slot since load"),
	KEY("untracked_vms", INTEGER, 0, NULL, "times a VM found no slot"),
	KEY("untracked_vcpus", INTEGER, 0, NULL, "times a vCPU found no slot"),
	KEY("untracked_exits", INTEGER, 0, NULL, "exits of vCPUs without a slot"),
	KEYS("maps", ROWS, 0, map, "the maps"),
	{},
};

const struct kvmeter_key kvmeter_keys_attach[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of the module"),
	KEY("attached", INTEGER, 0, NULL, "1: the module counts into BPF maps"),
	KEY("created", BOOLEAN, 0, NULL, "this command has made them"),
	KEYS("maps", ROWS, 0, map, "the maps"),
	{},
};

const struct kvmeter_key kvmeter_keys_detach[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of this reader"),
	KEY("attached", INTEGER, 0, NULL, "0: the module counts in memory of its own"),
	{},
};

const struct kvmeter_key kvmeter_keys_record[] = {
	KEY("abi", INTEGER, 0, NULL, "ABI number of this reader"),
	KEY("file", TEXT, 0, NULL, "the file"),
	KEY("snapshots", INTEGER, 0, NULL, "snapshots in it"),
	KEY("bytes", INTEGER, 0, "bytes", "its size"),
	KEY("duration_ns", INTEGER, 0, "ns", "from the first snapshot to the last"),
	KEY("bytes_per_vcpu_hour", INTEGER, KVMETER_KEY_NULL, "bytes",
	    "size for each vCPU and hour; null: one snapshot, or no vCPU"),
	{},
};
