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

/* Longest name of an exit reason as it is shown. */
#define KVMETER_REASON_MAX 32

/* What one row of a table, or one element of a JSON array, stands for. */
enum kvmeter_by {
	KVMETER_BY_VM,
	KVMETER_BY_VCPU,
	KVMETER_BY_CLASS,
	KVMETER_BY_REASON,
	KVMETER_BY_SUB,
	KVMETER_BY_THIEF,
	KVMETER_BY_CAUSE,
	KVMETER_BY_NR,
};

/* What the exits are ordered by; up to MEAN as in perf kvm stat. */
enum kvmeter_sort_key {
	KVMETER_SORT_SAMPLE,
	KVMETER_SORT_PERCENT_SAMPLE,
	KVMETER_SORT_TIME,
	KVMETER_SORT_PERCENT_TIME,
	KVMETER_SORT_MAX,
	KVMETER_SORT_MIN,
	KVMETER_SORT_MEAN,
	KVMETER_SORT_P50,
	KVMETER_SORT_P99,
	KVMETER_SORT_KERNEL,
	KVMETER_SORT_VMM,
	KVMETER_SORT_NR,
};

/* What is printed with --json; documents.h describes them. */
enum kvmeter_document_id {
	KVMETER_DOCUMENT_LIST,
	KVMETER_DOCUMENT_TOP,
	KVMETER_DOCUMENT_STAT,
	KVMETER_DOCUMENT_LEDGER,
	KVMETER_DOCUMENT_EXITS,
	KVMETER_DOCUMENT_STEAL,
	KVMETER_DOCUMENT_WAKEUPS,
	KVMETER_DOCUMENT_DIRTY,
	KVMETER_DOCUMENT_HEAT,
	KVMETER_DOCUMENT_DIRTY_START,
	KVMETER_DOCUMENT_DIRTY_STOP,
	KVMETER_DOCUMENT_DIRTY_STATUS,
	KVMETER_DOCUMENT_QMP,
	KVMETER_DOCUMENT_QUOTA,
	KVMETER_DOCUMENT_QUOTA_SET,
	KVMETER_DOCUMENT_FORECAST,
	KVMETER_DOCUMENT_MIGRATE,
	KVMETER_DOCUMENT_AUTOCONVERGE,
	KVMETER_DOCUMENT_LOG,
	KVMETER_DOCUMENT_METRICS,
	KVMETER_DOCUMENT_STATUS,
	KVMETER_DOCUMENT_ATTACH,
	KVMETER_DOCUMENT_DETACH,
	KVMETER_DOCUMENT_RECORD,
	KVMETER_DOCUMENT_DOCTOR,
	KVMETER_DOCUMENT_DOCTOR_RULES,
	KVMETER_DOCUMENT_NR,
};

/* What is copied of each vCPU besides its slot. */
#define KVMETER_NEED_ROWS 0x1
#define KVMETER_NEED_SUBS 0x2
#define KVMETER_NEED_THIEVES 0x4

/* What include/kvmeter/metrics.h says of a metric. */
enum kvmeter_field_type {
	KVMETER_FIELD_CUMULATIVE,
	KVMETER_FIELD_INSTANT,
	KVMETER_FIELD_PEAK,
	KVMETER_FIELD_LOWEST,
	KVMETER_FIELD_HISTOGRAM,
	KVMETER_FIELD_NR,
};

enum kvmeter_field_unit {
	KVMETER_UNIT_NONE,
	KVMETER_UNIT_SECONDS,
	KVMETER_UNIT_NR,
};

/* The structs of the contract that have metrics. */
enum kvmeter_record_id {
	KVMETER_RECORD_VM,
	KVMETER_RECORD_VCPU,
	KVMETER_RECORD_EXIT,
	KVMETER_RECORD_SUB,
	KVMETER_RECORD_THIEF,
	KVMETER_RECORD_DIRTY,
	KVMETER_RECORD_MIGRATION,
	KVMETER_RECORD_ROUND,
	KVMETER_RECORD_NR,
};

/**
 * struct kvmeter_field - a metric: a line of the one table, and where its value is
 * @name: the field's name
 * @type: how it behaves
 * @unit: what it is in, times 10^exponent
 * @exponent: see there
 * @help: what it is
 * @offset: bytes from the start of the struct
 * @size: bytes
 */
struct kvmeter_field {
	const char *name;
	enum kvmeter_field_type type;
	enum kvmeter_field_unit unit;
	int exponent;
	const char *help;
	size_t offset;
	size_t size;
};

/**
 * struct kvmeter_record - the metrics of a struct
 * @name: word for the struct
 * @fields: in the order of the table
 * @nr: how many
 */
struct kvmeter_record {
	const char *name;
	const struct kvmeter_field *fields;
	unsigned int nr;
};

/**
 * struct kvmeter_session_args - what kind of session is to be started
 * @interval_ns: --interval; pages are armed again this often
 * @duration_ns: --duration; 0: until it is stopped
 * @qmp: --qmp; socket of QEMU's, NULL if none
 * @observe: --observe
 * @foreground: --foreground
 */
struct kvmeter_session_args {
	__u64 interval_ns;
	__u64 duration_ns;
	const char *qmp;
	bool observe;
	bool foreground;
};

/**
 * struct kvmeter_quota_args - what is to become of the quota of a VM
 * @change: it is to be set or removed; otherwise quotas are shown
 * @bytes_s: bytes a second that the VM may dirty; 0: as many as it likes
 */
struct kvmeter_quota_args {
	bool change;
	__u64 bytes_s;
};

struct kvmeter_replay_args;

/* kvmeter_forecast_args.zero_pages: to be found out */
#define KVMETER_ZERO_UNKNOWN (~0ULL)

/**
 * struct kvmeter_forecast_args - how a VM is to be migrated
 * @bandwidth_bytes_s: what a migration may use
 * @link_bytes_s: what it can use while the guest stands still
 * @downtime_ns: for how long it may do so
 * @state_bytes: state of the devices
 * @ram_bytes: the guest's memory; 0: what KVM has of it
 * @zero_pages: 4 KiB pages of it that are zero, or KVMETER_ZERO_UNKNOWN
 */
struct kvmeter_forecast_args {
	double bandwidth_bytes_s;
	double link_bytes_s;
	__u64 downtime_ns;
	__u64 state_bytes;
	__u64 ram_bytes;
	__u64 zero_pages;
};

/**
 * struct kvmeter_autoconverge_args - what the autopilot is to do with a VM
 * @change: it is to be told so; otherwise what it does is shown
 * @mode: enum kvmeter_autoconverge_mode
 * @goal: enum kvmeter_goal
 * @goal_given: --goal
 * @deadline_ns: --deadline; 0: none
 *
 * The downtime and the bandwidth are those of struct kvmeter_forecast_args.
 */
struct kvmeter_autoconverge_args {
	bool change;
	__u32 mode;
	__u32 goal;
	bool goal_given;
	__u64 deadline_ns;
};

/* VMs that export tells of one by one, unless it is told how many. */
#define KVMETER_EXPORT_VMS 1000

/**
 * struct kvmeter_export_args - where metrics are exported to
 * @listen: --listen; NULL: nowhere
 * @textfile: --textfile; NULL: none
 * @interval_s: seconds from one writing of that to the next; 0: it is written once
 * @max_vms: --max-vms; 0: KVMETER_EXPORT_VMS
 * @openmetrics: --openmetrics
 */
struct kvmeter_export_args {
	const char *listen;
	const char *textfile;
	double interval_s;
	unsigned int max_vms;
	bool openmetrics;
};

/**
 * struct kvmeter_args - the command line of a command
 * @guest: VM given with an option: name, pid or id; NULL if none
 * @pos: positional arguments, VM and interval not yet told apart
 * @nr_pos: how many
 * @by: --by
 * @key: --key
 * @skip_empty: -z
 * @hist: --hist
 * @matrix: --matrix
 * @json: --json, or --csv, which is made of it
 * @csv: --csv
 * @heat: --heat
 * @svg: --svg; NULL if none
 * @session: of dirty start
 * @quota: of quota
 * @goal: of forecast
 * @autoconverge: of autoconverge
 * @follow: --follow
 * @replay: the recording that the figures are from; NULL: from the module
 * @is_state: it shows what is, and takes no interval
 * @batch: --batch
 * @column: of top: --key; NULL if none
 * @exports: of export
 * @rules: --rules
 * @rate_interval_s: interval of reports that have no meaning but for one, if @pos has none; 0: a
 *		     second
 */
struct kvmeter_args {
	const char *guest;
	const char *pos[3];
	unsigned int nr_pos;
	enum kvmeter_by by;
	enum kvmeter_sort_key key;
	bool skip_empty;
	bool hist;
	bool matrix;
	bool json;
	bool csv;
	bool heat;
	const char *svg;
	struct kvmeter_session_args session;
	struct kvmeter_quota_args quota;
	struct kvmeter_forecast_args goal;
	struct kvmeter_autoconverge_args autoconverge;
	bool follow;
	const struct kvmeter_replay_args *replay;
	bool is_state;
	bool batch;
	const char *column;
	struct kvmeter_export_args exports;
	bool rules;
	double rate_interval_s;
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
	const struct kvmeter_sub *subs;
	const struct kvmeter_thief *thieves;
	const struct kvmeter_dirty *dirty;
	const struct kvmeter_migration *migrations;
};

/**
 * struct kvmeter_snap_vm - a VM in a snapshot
 * @slot: its slot in kvmeter_vms
 * @first_vcpu: its vCPUs are [first_vcpu, first_vcpu + nr_vcpus) of the snapshot
 * @nr_vcpus: how many of them could be read
 * @elapsed_ns: time that its counts are of
 * @armed: its memory was logged at both ends of an interval, so that a rate has a meaning
 * @found_pages: pages found dirty since it was first seen, by its vCPUs and by KVM; also in what
 *		 happened in an interval, it and the next two are the whole
 * @sync_nr: kvmeter_dirty.sync_nr
 * @sync_pages: kvmeter_dirty.sync_pages
 * @name: name as it may be shown
 * @v: copy of the slot
 * @d: copy of what is known of its dirty pages; zero if nothing is
 * @m: copy of what is known of its migration; zero if nothing is; nothing of it is subtracted
 */
struct kvmeter_snap_vm {
	__u32 slot;
	unsigned int first_vcpu;
	unsigned int nr_vcpus;
	__u64 elapsed_ns;
	bool armed;
	__u64 found_pages;
	__u64 sync_nr;
	__u64 sync_pages;
	const char *name;
	struct kvmeter_vm v;
	struct kvmeter_dirty d;
	struct kvmeter_migration m;
};

/**
 * struct kvmeter_snap_vcpu - a vCPU in a snapshot
 * @slot: its slot in kvmeter_vcpus
 * @first_row: its exit rows are [first_row, first_row + nr_rows) of the snapshot
 * @nr_rows: how many; 0 if the snapshot was taken without
 * @first_sub: its sub-reasons are [first_sub, first_sub + nr_subs) of the snapshot
 * @nr_subs: how many; 0 if the snapshot was taken without
 * @first_thief: its thieves are [first_thief, first_thief + nr_thieves) of the snapshot
 * @nr_thieves: how many; 0 if the snapshot was taken without
 * @unexplained_ns: steal of waits that have ended and that is in none of them
 * @sub_floor: how often a sub-reason that is not among them may have come
 * @elapsed_ns: time that its counts are of; its six states add up to it
 * @found_pages: pages that it was found to dirty since it was first seen; also in what happened in
 *		 an interval it is the whole
 * @v: copy of the slot, its ledger up to the moment of the copy
 */
struct kvmeter_snap_vcpu {
	__u32 slot;
	unsigned int first_row, nr_rows;
	unsigned int first_sub, nr_subs;
	unsigned int first_thief, nr_thieves;
	__u64 unexplained_ns;
	__u64 sub_floor;
	__u64 elapsed_ns;
	__u64 found_pages;
	struct kvmeter_vcpu v;
};

/**
 * struct kvmeter_snap - all VMs at one time, or what they did in one interval
 * @now_ns: when it was begun, by the ledger clock
 * @real_ns: when it was begun, by CLOCK_REALTIME
 * @interval_ns: length of the interval; 0 if counts are since each VM was first seen
 * @host: copy of kvmeter_host
 * @vms: by slot
 * @vcpus: by VM, and by vcpu_id within a VM
 * @rows: exit rows of all vCPUs
 * @subs: sub-reasons of all vCPUs
 * @thieves: thieves of all vCPUs
 * @vcpu_at: by slot, index in @vcpus plus one, or 0
 */
struct kvmeter_snap {
	__u64 now_ns;
	__u64 real_ns;
	__u64 interval_ns;
	struct kvmeter_host host;
	struct kvmeter_snap_vm *vms;
	struct kvmeter_snap_vcpu *vcpus;
	struct kvmeter_exit *rows;
	struct kvmeter_sub *subs;
	struct kvmeter_thief *thieves;
	unsigned int *vcpu_at;
	unsigned int nr_vms, nr_vcpus, nr_rows, nr_subs, nr_thieves;
	unsigned int room_vms, room_vcpus, room_rows, room_subs, room_thieves, room_at;
};

/**
 * struct kvmeter_sum_row - exits for one reason or of one class, summed
 * @other: row 0, exits without a reason of their own; e.reason is the number last counted there
 * @name: of the reason or the class, NULL for a number that has no name
 * @class: of the reason
 * @e: the sums; of a class, @e.reason is one of its reasons
 */
struct kvmeter_sum_row {
	bool other;
	const char *name;
	const char *class;
	struct kvmeter_exit e;
};

/**
 * struct kvmeter_sum - counts of some vCPUs, summed
 * @elapsed_ns: time that they are of, of all the vCPUs together
 * @exits_s: exits per second
 * @unexplained_ns: steal that has no thief
 * @v: metrics and exits to the VMM summed; other fields zero
 * @rows: by reason or class, most frequent first
 * @nr_rows: how many
 * @room: how many there is room for
 */
struct kvmeter_sum {
	__u64 elapsed_ns;
	double exits_s;
	__u64 unexplained_ns;
	struct kvmeter_vcpu v;
	struct kvmeter_sum_row *rows;
	unsigned int nr_rows;
	unsigned int room;
};

/**
 * struct kvmeter_sub_sum - one sub-reason, summed
 * @s: the sums
 * @floor: floors of the sketches that list it, summed
 */
struct kvmeter_sub_sum {
	struct kvmeter_sub s;
	__u64 floor;
};

/**
 * struct kvmeter_subject - what one table, or one JSON object, of a view is about
 * @snap: the counts
 * @vm: the VM; NULL: all VMs
 * @vcpu: the vCPU; NULL: all vCPUs of that VM, or of all
 * @sum: the counts of the vCPUs summed
 */
struct kvmeter_subject {
	const struct kvmeter_snap *snap;
	const struct kvmeter_snap_vm *vm;
	const struct kvmeter_snap_vcpu *vcpu;
	struct kvmeter_sum sum;
};

/**
 * struct kvmeter_plan - which VM is reported, and how often
 * @vm: index of the VM; -1: all
 * @interval_s: time from one report to the next; 0: there is one report
 * @count: how many; 0: until interrupted
 */
struct kvmeter_plan {
	int vm;
	double interval_s;
	unsigned long count;
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

/**
 * struct kvmeter_rows_view - a view with one row for each VM or vCPU
 * @document: that it is in JSON
 * @heading: of the columns after NAME, ID, and VCPUS or VCPU
 * @is_empty: did nothing happen there?
 * @print: print those columns and end the line
 * @add: the same for JSON
 * @add_vm: with --by vcpu: what is of the VM as a whole, for JSON; NULL if nothing is
 */
struct kvmeter_rows_view {
	enum kvmeter_document_id document;
	void (*heading)(const struct kvmeter_args *args);
	bool (*is_empty)(const struct kvmeter_sum *sum);
	void (*print)(const struct kvmeter_subject *subject, const struct kvmeter_args *args);
	void (*add)(struct json_object *obj, const struct kvmeter_subject *subject);
	void (*add_vm)(struct json_object *obj, const struct kvmeter_subject *subject);
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
void kvmeter_snapshot_take(struct kvmeter_snap *snap, const struct kvmeter_maps *maps,
			   unsigned int needs);
void kvmeter_snapshot_put(struct kvmeter_snap *snap);
void kvmeter_snapshot_clear(struct kvmeter_snap *snap);
void kvmeter_snapshot_derive_vm(const struct kvmeter_snap *snap, struct kvmeter_snap_vm *vm);
void kvmeter_snapshot_link(struct kvmeter_snap *snap, unsigned int max_vcpus);
void kvmeter_snapshot_copy(struct kvmeter_snap *to, const struct kvmeter_snap *from);
struct kvmeter_snap_vm *kvmeter_snapshot_find_slot(const struct kvmeter_snap *snap, __u32 slot);
struct kvmeter_snap_vm *kvmeter_snapshot_find_vm(const struct kvmeter_snap *snap, __u32 slot,
						 __u32 gen);

/* bounds.c */
void kvmeter_bounds_vm(struct kvmeter_vm *vm);
void kvmeter_bounds_dirty(struct kvmeter_dirty *d);
void kvmeter_bounds_vcpu(struct kvmeter_vcpu *v);
void kvmeter_bounds_thieves(struct kvmeter_thief *thieves, unsigned int nr);

/* ledger.c */
__u64 kvmeter_ledger_get_state(const struct kvmeter_vcpu *v, unsigned int state);
bool kvmeter_ledger_get_shares(const struct kvmeter_vcpu *v, unsigned int *tenths);
__u64 kvmeter_ledger_scale_tsc(__u64 tsc, __u64 mult);
__u64 kvmeter_ledger_advance(struct kvmeter_vcpu *v, __u64 now_ns);
void kvmeter_ledger_subtract(struct kvmeter_vcpu *delta, const struct kvmeter_vcpu *cur,
			     const struct kvmeter_vcpu *prev);

/* fields.c */
extern const struct kvmeter_record kvmeter_records[KVMETER_RECORD_NR];
__u64 kvmeter_fields_get(const void *values, const struct kvmeter_field *field);
void kvmeter_fields_clear(enum kvmeter_record_id id, void *values);
void kvmeter_fields_add(enum kvmeter_record_id id, void *to, const void *from);
void kvmeter_fields_subtract(enum kvmeter_record_id id, void *cur, const void *prev);

/* subs.c */
__u64 kvmeter_subs_floor(const struct kvmeter_sub *subs, unsigned int nr);
void kvmeter_subs_subtract(struct kvmeter_sub *cur, unsigned int nr, const struct kvmeter_sub *prev,
			   unsigned int prev_nr);
struct kvmeter_sub_sum *kvmeter_subs_sum(const struct kvmeter_snap *snap, unsigned int first_vcpu,
					 unsigned int nr_vcpus, bool by_time, unsigned int *nr);

/* thieves.c; more of it in steal.h */
__u64 kvmeter_thieves_get_unexplained(const struct kvmeter_thief *thieves, unsigned int nr,
				      __u64 steal_ns);
void kvmeter_thieves_subtract(struct kvmeter_thief *cur, unsigned int nr,
			      const struct kvmeter_thief *prev, unsigned int prev_nr);

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
bool kvmeter_stats_round_shares(const __u64 *parts, unsigned int nr, unsigned int *tenths);

/* hist.c */
void kvmeter_hist_print(FILE *out, const struct kvmeter_hist *hist);

/* sort.c */
bool kvmeter_sort_find_key(const char *name, enum kvmeter_sort_key *key);
void kvmeter_sort_rows(struct kvmeter_sum *sum, enum kvmeter_sort_key key);
__u64 kvmeter_sort_time_ns(const struct kvmeter_exit *e);
double kvmeter_sort_percentile_ns(const struct kvmeter_exit *e, double pct);
double kvmeter_sort_mean_ns(const struct kvmeter_exit *e);

/* sum.c */
void kvmeter_sum_vcpus(struct kvmeter_sum *sum, const struct kvmeter_snap *snap,
		       unsigned int first_vcpu, unsigned int nr_vcpus, bool by_class);
__u64 kvmeter_sum_dirty(const struct kvmeter_vcpu *v);
void kvmeter_sum_put(struct kvmeter_sum *sum);

/**
 * struct kvmeter_feature - what the module can do, and may not be able to on some host
 * @bit: KVMETER_FEATURE_*
 * @name: word for it
 */
struct kvmeter_feature {
	__u32 bit;
	const char *name;
};

/* reasons.c */
extern const struct kvmeter_feature kvmeter_reasons_features[];
const char *kvmeter_reasons_name(__u32 vendor, __u32 reason);
const char *kvmeter_reasons_class(__u32 vendor, __u32 reason);
const char *kvmeter_reasons_vendor(__u32 vendor);
const char *kvmeter_reasons_source(__u32 source);
const char *kvmeter_reasons_log_state(__u32 state);
const char *kvmeter_reasons_show_log_state(__u32 state);
bool kvmeter_reasons_is_armed(__u32 state);
const char *kvmeter_reasons_session(__u32 session);
const char *kvmeter_reasons_session_end(__u32 end);
const char *kvmeter_reasons_migration_state(__u32 state);
const char *kvmeter_reasons_mode(__u32 mode);
const char *kvmeter_reasons_goal(__u32 goal);
const char *kvmeter_reasons_why(__u32 why);
const char *kvmeter_reasons_audit_kind(__u32 kind);
const char *kvmeter_reasons_user_exit(unsigned int number);
const char *kvmeter_reasons_state(__u32 state);
const char *kvmeter_reasons_sub_kind(__u32 kind);
const char *kvmeter_reasons_thief_kind(__u32 kind);

/* names.c */
const char *kvmeter_names_get(__u32 slot, const struct kvmeter_vm *vm);
void kvmeter_names_use_thread(void);

/* cmdline.c */
bool kvmeter_cmdline_get_name(const char *cmdline, size_t len, char *name, size_t size);

/* escape.c */
void kvmeter_escape_text(const char *text, char *shown, size_t size);
bool kvmeter_escape_is_shown(const char *text);
unsigned int kvmeter_escape_width(const char *shown);
void kvmeter_escape_shorten(const char *shown, unsigned int width, char *buf, size_t size);
void kvmeter_escape_ascii(const char *shown, char *ascii, size_t size);
void kvmeter_escape_markup(FILE *out, const char *text);

/* select.c */
int kvmeter_select_find_vm(const struct kvmeter_snap *snap, const char *what);
int kvmeter_select_get_vm(const struct kvmeter_snap *snap, const char *what);
bool kvmeter_select_is_unique(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm);
bool kvmeter_select_parse_seconds(const char *text, double *seconds, bool *unit);
bool kvmeter_select_is_interval(const char *text, double *seconds);
bool kvmeter_select_parse_count(const char *text, unsigned long *count);

/* units.c */
bool kvmeter_units_parse_ns(const char *text, __u64 *ns, bool *unit);
bool kvmeter_units_parse_bytes(const char *text, __u64 *bytes);
bool kvmeter_units_parse_rate(const char *text, __u64 *bytes_s, bool *unit);
bool kvmeter_units_parse_bandwidth(const char *text, double *bytes_s);
const char *kvmeter_units_format_bytes(double bytes, char *buf, size_t size);

/* json.c */
void kvmeter_json_add_u64(struct json_object *obj, const char *key, __u64 value);
void kvmeter_json_add_known(struct json_object *obj, const char *key, bool known, __u64 value);
void kvmeter_json_add_floor(struct json_object *obj, const char *key, bool known, double value);
void kvmeter_json_add_text(struct json_object *obj, const char *key, const char *value);
void kvmeter_json_add_double(struct json_object *obj, const char *key, double value);
void kvmeter_json_add_hist(struct json_object *obj, const char *key,
			   const struct kvmeter_hist *hist);
void kvmeter_json_add_fields(struct json_object *obj, enum kvmeter_record_id id,
			     const void *values);
void kvmeter_json_add_features(struct json_object *obj, __u32 features);
struct json_object *kvmeter_json_new_document(enum kvmeter_document_id id);
struct json_object *kvmeter_json_new_report(enum kvmeter_document_id id,
					    const struct kvmeter_snap *snap);
struct json_object *kvmeter_json_new_vm(const struct kvmeter_snap_vm *vm);
struct json_object *kvmeter_json_new_vcpu(const struct kvmeter_snap_vcpu *vcpu);
struct json_object *
kvmeter_json_new_vcpus(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
		       void (*add)(struct json_object *obj, const struct kvmeter_snap_vm *vm,
				   const struct kvmeter_snap_vcpu *vcpu));
void kvmeter_json_print_vms(const struct kvmeter_report *report, enum kvmeter_document_id id,
			    bool (*wants)(const struct kvmeter_report *report, unsigned int vm),
			    struct json_object *(*new_vm)(const struct kvmeter_snap *snap,
							  const struct kvmeter_snap_vm *vm));
void kvmeter_json_print(struct json_object *obj);

/* csv.c */
void kvmeter_csv_choose(enum kvmeter_by by);
bool kvmeter_csv_print(struct json_object *obj);

/* table.c */
void kvmeter_table_print_name(const char *name, unsigned int width);
unsigned int kvmeter_table_name_width(const struct kvmeter_report *report);
bool kvmeter_table_wants(const struct kvmeter_report *report, unsigned int vm);
bool kvmeter_table_starts(const struct kvmeter_report *report);
const char *kvmeter_table_reason(const struct kvmeter_sum_row *row, char *buf, size_t size);

/* exits_text.c, exits_json.c, exits_subs.c */
bool kvmeter_exits_left_out(const struct kvmeter_sum_row *row, bool skip_empty);
void kvmeter_exits_print_heading(const struct kvmeter_subject *subject);
void kvmeter_exits_print(const struct kvmeter_subject *subject, const struct kvmeter_args *args);
void kvmeter_exits_add(struct json_object *obj, const struct kvmeter_subject *subject,
		       const struct kvmeter_args *args);
void kvmeter_exits_print_subs(const struct kvmeter_subject *subject,
			      const struct kvmeter_args *args);
void kvmeter_exits_add_subs(struct json_object *obj, const struct kvmeter_subject *subject,
			    const struct kvmeter_args *args);
void kvmeter_exits_get_vcpus(const struct kvmeter_subject *subject, unsigned int *first,
			     unsigned int *nr);

/* rows.c */
void kvmeter_rows_report(const struct kvmeter_report *report, const struct kvmeter_rows_view *view);

/* view.c */
void kvmeter_view_run(const struct kvmeter_args *args, unsigned int needs,
		      void (*report)(const struct kvmeter_report *report));
void kvmeter_view_run_rates(const struct kvmeter_args *args, unsigned int needs,
			    unsigned long count,
			    void (*report)(const struct kvmeter_report *report));
void kvmeter_view_run_change(const struct kvmeter_args *args,
			     void (*change)(const struct kvmeter_snap_vm *vm,
					    const struct kvmeter_args *args),
			     void (*report)(const struct kvmeter_report *report));

/* plan.c */
void kvmeter_plan_make(struct kvmeter_plan *plan, const struct kvmeter_args *args,
		       const struct kvmeter_snap *snap);

/* wait.c */
void kvmeter_wait_catch_signals(void);
bool kvmeter_wait_is_interrupted(void);
long long kvmeter_wait_clock_ns(void);
bool kvmeter_wait_until(int fd, long long when_ns);
bool kvmeter_wait_for(int fd);

/* write.c */
int kvmeter_write_all(int fd, const void *data, size_t size);

/* help.c */
extern const char kvmeter_help_program[];
extern const char kvmeter_help_attach[];
extern const char kvmeter_help_detach[];
extern const char kvmeter_help_list[];
extern const char kvmeter_help_stat[];
extern const char kvmeter_help_exits[];
extern const char kvmeter_help_steal[];
extern const char kvmeter_help_status[];
extern const char kvmeter_help_ledger[];
extern const char kvmeter_help_wakeups[];
extern const char kvmeter_help_metrics[];
extern const char kvmeter_help_schema[];

/* help_dirty.c */
extern const char kvmeter_help_dirty[];
extern const char kvmeter_help_dirty_start[];
extern const char kvmeter_help_dirty_stop[];
extern const char kvmeter_help_dirty_status[];
extern const char kvmeter_help_quota[];
extern const char kvmeter_help_forecast[];

/* help_migrate.c */
extern const char kvmeter_help_migrate[];
extern const char kvmeter_help_autoconverge[];
extern const char kvmeter_help_log[];

/* help_record.c */
extern const char kvmeter_help_record[];
extern const char kvmeter_help_report[];

/* help_top.c */
extern const char kvmeter_help_top[];

/* help_export.c */
extern const char kvmeter_help_export[];

/* help_doctor.c */
extern const char kvmeter_help_doctor[];

/* cmd_*.c */
void kvmeter_cmd_attach(const struct kvmeter_args *args);
void kvmeter_cmd_detach(const struct kvmeter_args *args);
void kvmeter_cmd_status(const struct kvmeter_args *args);
void kvmeter_cmd_list(const struct kvmeter_args *args);
void kvmeter_cmd_stat(const struct kvmeter_args *args);
void kvmeter_cmd_exits(const struct kvmeter_args *args);
void kvmeter_cmd_steal(const struct kvmeter_args *args);
void kvmeter_cmd_ledger(const struct kvmeter_args *args);
void kvmeter_cmd_wakeups(const struct kvmeter_args *args);
void kvmeter_cmd_metrics(const struct kvmeter_args *args);
void kvmeter_cmd_schema(const struct kvmeter_args *args);
struct json_object *kvmeter_schema_new(void);
void kvmeter_cmd_dirty(const struct kvmeter_args *args);
void kvmeter_cmd_dirty_start(const struct kvmeter_args *args);
void kvmeter_cmd_dirty_stop(const struct kvmeter_args *args);
void kvmeter_cmd_dirty_status(const struct kvmeter_args *args);
void kvmeter_cmd_quota(const struct kvmeter_args *args);
void kvmeter_cmd_forecast(const struct kvmeter_args *args);
void kvmeter_cmd_migrate(const struct kvmeter_args *args);
void kvmeter_cmd_autoconverge(const struct kvmeter_args *args);
void kvmeter_cmd_record(const struct kvmeter_args *args);
void kvmeter_cmd_top(const struct kvmeter_args *args);
void kvmeter_cmd_log(const struct kvmeter_args *args);
void kvmeter_cmd_export(const struct kvmeter_args *args);
void kvmeter_cmd_doctor(const struct kvmeter_args *args);

#endif /* KVMETER_READER_H */
