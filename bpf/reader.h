/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the reader share: types, and the functions of each file by file.
 *
 * An error that ends the program is one line on stderr and exit status 1, from err() or errx()
 * where it is found: nothing outlives the process but maps and pins, and they stay usable.
 */
#ifndef KVMETER_READER_H
#define KVMETER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>
#include <linux/kvmeter.h>

#define KVMETER_PIN_ROOT "/sys/fs/bpf"
#define KVMETER_PIN_DIR KVMETER_PIN_ROOT "/kvmeter"

/* Longest VM name kept, and its longest form on a screen (each byte as \xNN). */
#define KVMETER_NAME_MAX 256
#define KVMETER_SHOWN_MAX (4 * KVMETER_NAME_MAX)

/* What one row of a table, or one element of a JSON array, stands for. */
enum kvmeter_by {
	KVMETER_BY_VM,
	KVMETER_BY_VCPU,
};

/**
 * struct kvmeter_args - the command line of a command
 * @guest: VM given with an option: name, pid or id; NULL if none
 * @pos: positional arguments, VM and interval not yet told apart
 * @nr_pos: how many
 * @by: --by
 * @skip_empty: -z
 * @json: --json
 */
struct kvmeter_args {
	const char *guest;
	const char *pos[3];
	unsigned int nr_pos;
	enum kvmeter_by by;
	bool skip_empty;
	bool json;
};

/**
 * struct kvmeter_maps - the module's maps, mapped read-only
 * @info: the module's answer that they belong to
 * @created: this process created and attached them
 */
struct kvmeter_maps {
	struct kvmeter_info info;
	bool created;
	const struct kvmeter_host *host;
	const struct kvmeter_index *index;
	const struct kvmeter_vm *vms;
	const struct kvmeter_vcpu *vcpus;
	const struct kvmeter_exit *exits;
};

/**
 * struct kvmeter_snap_vm - a VM in a snapshot
 * @slot: its slot in kvmeter_vms
 * @first_vcpu: its vCPUs are [first_vcpu, first_vcpu + nr_vcpus) of the snapshot
 * @nr_vcpus: how many of them could be read
 * @elapsed_ns: time that its counts are of
 * @armed: dirty logging was on at both ends of an interval, so that a rate has a meaning
 * @name: name as it may be shown
 * @v: copy of the slot
 */
struct kvmeter_snap_vm {
	__u32 slot;
	unsigned int first_vcpu;
	unsigned int nr_vcpus;
	__u64 elapsed_ns;
	bool armed;
	const char *name;
	struct kvmeter_vm v;
};

/**
 * struct kvmeter_snap_vcpu - a vCPU in a snapshot
 * @slot: its slot in kvmeter_vcpus
 * @first_row: its exit rows are [first_row, first_row + v.nr_rows) of the snapshot
 * @elapsed_ns: time that its counts are of
 * @v: copy of the slot
 */
struct kvmeter_snap_vcpu {
	__u32 slot;
	unsigned int first_row;
	__u64 elapsed_ns;
	struct kvmeter_vcpu v;
};

/**
 * struct kvmeter_snap - all VMs at one time, or what they did in one interval
 * @now_ns: when it was taken, CLOCK_MONOTONIC
 * @interval_ns: length of the interval; 0 if counts are since each VM was first seen
 * @host: copy of kvmeter_host
 * @vms: by slot
 * @vcpus: by VM, and by vcpu_id within a VM
 * @rows: exit rows of all vCPUs
 * @vcpu_at: by slot, index in @vcpus plus one, or 0
 */
struct kvmeter_snap {
	__u64 now_ns;
	__u64 interval_ns;
	struct kvmeter_host host;
	struct kvmeter_snap_vm *vms;
	struct kvmeter_snap_vcpu *vcpus;
	struct kvmeter_exit *rows;
	unsigned int *vcpu_at;
	unsigned int nr_vms, nr_vcpus, nr_rows;
	unsigned int room_vms, room_vcpus, room_rows, room_at;
};

/**
 * struct kvmeter_sum_row - exits for one reason, summed
 * @other: row 0, exits without a reason of their own; e.reason is the number last counted there
 * @e: the sums
 */
struct kvmeter_sum_row {
	bool other;
	struct kvmeter_exit e;
};

/**
 * struct kvmeter_sum - counts of some vCPUs, summed
 * @elapsed_ns: time that they are of, of all the vCPUs together
 * @exits_s: exits per second
 * @idle_ns: handling time of the exits with which a guest waits (classes HLT, MWAIT)
 * @time_ns: handling time of all other exits
 * @v: counters and steal_hist summed, steal_max_ns the highest; other fields zero
 * @rows: by reason, most frequent first
 * @nr_rows: how many
 */
struct kvmeter_sum {
	__u64 elapsed_ns;
	double exits_s;
	__u64 idle_ns;
	__u64 time_ns;
	struct kvmeter_vcpu v;
	struct kvmeter_sum_row *rows;
	unsigned int nr_rows;
};

/**
 * struct kvmeter_report - what a command prints once
 * @snap: the counts
 * @vm: index of the VM asked for, or -1 for all
 * @nr: how many reports came before
 * @args: the command line
 */
struct kvmeter_report {
	const struct kvmeter_snap *snap;
	int vm;
	unsigned long nr;
	const struct kvmeter_args *args;
};

/* device.c */
int kvmeter_device_open(void);
void kvmeter_device_get_info(int dev, struct kvmeter_info *info);
void kvmeter_device_refresh_counts(void);

/* maps.c */
extern const char *const kvmeter_map_names[KVMETER_MAP_NR];
void kvmeter_maps_open(struct kvmeter_maps *maps);
void kvmeter_maps_check_attached(const struct kvmeter_maps *maps);
void kvmeter_maps_detach(void);

/* pins.c */
void kvmeter_pins_check_fs(void);
void kvmeter_pins_add(const int *fds, const struct kvmeter_info *info);
void kvmeter_pins_del(void);

/* snapshot.c */
void kvmeter_snapshot_take(struct kvmeter_snap *snap, const struct kvmeter_maps *maps);
void kvmeter_snapshot_put(struct kvmeter_snap *snap);

/* delta.c */
void kvmeter_delta_get(struct kvmeter_snap *delta, const struct kvmeter_snap *cur,
		       const struct kvmeter_snap *prev);

/* array.c */
void *kvmeter_array_grow(void *array, unsigned int *room, unsigned int need, size_t size);

/* stats.c */
__u64 kvmeter_stats_count_hist(const struct kvmeter_hist *hist);
double kvmeter_stats_percentile_ns(const struct kvmeter_hist *hist, double pct, __u64 min_ns,
				   __u64 max_ns);
__u64 kvmeter_stats_lowest_ns(const struct kvmeter_hist *hist);
__u64 kvmeter_stats_highest_ns(const struct kvmeter_hist *hist);
double kvmeter_stats_pct(double part, double whole);

/* sum.c */
void kvmeter_sum_vcpus(struct kvmeter_sum *sum, const struct kvmeter_snap *snap,
		       unsigned int first_vcpu, unsigned int nr_vcpus);
void kvmeter_sum_put(struct kvmeter_sum *sum);

/* reasons.c */
const char *kvmeter_reasons_name(__u32 vendor, __u32 reason);
const char *kvmeter_reasons_class(__u32 vendor, __u32 reason);
const char *kvmeter_reasons_vendor(__u32 vendor);
const char *kvmeter_reasons_source(__u32 source);
const char *kvmeter_reasons_log_state(__u32 state);

/* names.c */
const char *kvmeter_names_get(__u32 slot, const struct kvmeter_vm *vm);

/* cmdline.c */
bool kvmeter_cmdline_get_name(const char *cmdline, size_t len, char *name, size_t size);

/* escape.c */
void kvmeter_escape_text(const char *text, char *shown, size_t size);
unsigned int kvmeter_escape_width(const char *shown);

/* select.c */
int kvmeter_select_find_vm(const struct kvmeter_snap *snap, const char *what);
int kvmeter_select_get_vm(const struct kvmeter_snap *snap, const char *what);
bool kvmeter_select_parse_seconds(const char *text, double *seconds, bool *unit);
bool kvmeter_select_parse_count(const char *text, unsigned long *count);

/* json.c */
void kvmeter_json_add_u64(struct json_object *obj, const char *key, __u64 value);
void kvmeter_json_add_text(struct json_object *obj, const char *key, const char *value);
void kvmeter_json_add_double(struct json_object *obj, const char *key, double value);
void kvmeter_json_add_hist(struct json_object *obj, const char *key,
			   const struct kvmeter_hist *hist);
void kvmeter_json_add_counts(struct json_object *obj, const struct kvmeter_vcpu *counts);
struct json_object *kvmeter_json_new_report(const struct kvmeter_snap *snap);
struct json_object *kvmeter_json_new_vm(const struct kvmeter_snap_vm *vm);
struct json_object *kvmeter_json_new_vcpu(const struct kvmeter_snap_vcpu *vcpu);
void kvmeter_json_print(struct json_object *obj);

/* table.c */
void kvmeter_table_print_name(const char *name, unsigned int width);
unsigned int kvmeter_table_name_width(const struct kvmeter_report *report);
bool kvmeter_table_wants(const struct kvmeter_report *report, unsigned int vm);
bool kvmeter_table_starts(const struct kvmeter_report *report);

/* view.c */
void kvmeter_view_run(const struct kvmeter_args *args,
		      void (*report)(const struct kvmeter_report *report));

/* help.c */
extern const char kvmeter_help_program[];
extern const char kvmeter_help_attach[];
extern const char kvmeter_help_detach[];
extern const char kvmeter_help_list[];
extern const char kvmeter_help_stat[];
extern const char kvmeter_help_exits[];
extern const char kvmeter_help_steal[];
extern const char kvmeter_help_status[];

/* cmd_*.c */
void kvmeter_cmd_attach(const struct kvmeter_args *args);
void kvmeter_cmd_detach(const struct kvmeter_args *args);
void kvmeter_cmd_status(const struct kvmeter_args *args);
void kvmeter_cmd_list(const struct kvmeter_args *args);
void kvmeter_cmd_stat(const struct kvmeter_args *args);
void kvmeter_cmd_exits(const struct kvmeter_args *args);
void kvmeter_cmd_steal(const struct kvmeter_args *args);

#endif /* KVMETER_READER_H */
