/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files about migrations share: rounds, the autopilot, and its log.
 */
#ifndef KVMETER_MIGRATE_H
#define KVMETER_MIGRATE_H

#include "dirty.h"
#include "forecast.h"

/* A time in ISO format, and a sentence about a record of the log. */
#define KVMETER_TIME_MAX 48
#define KVMETER_AUDIT_MAX 512

/* Said where the module has no KVMETER_FEATURE_SYNC. */
#define KVMETER_MIGRATE_NOT_SEEN "rounds cannot be seen with this module on this kernel"

/**
 * struct kvmeter_outlook - what will become of a migration that is on its way
 * @f: from the beginning of the round in progress
 * @bandwidth_bytes_s: what it is counted with
 * @quota_bytes_s: likewise, 0: none
 * @left_s: time from now on
 * @left_bytes: sent from now on
 */
struct kvmeter_outlook {
	struct kvmeter_forecast f;
	double bandwidth_bytes_s;
	double quota_bytes_s;
	double left_s;
	double left_bytes;
};

/**
 * struct kvmeter_screen - what a report is shown on
 * @rows: how many there are; 0: no matter how many
 * @colour: colours may be used
 * @utf8: characters beyond ASCII may be
 */
struct kvmeter_screen {
	unsigned int rows;
	bool colour;
	bool utf8;
};

/**
 * struct kvmeter_in_force - what the autopilot may do with a VM
 * @known: otherwise the rest is not
 * @mode: enum kvmeter_autoconverge_mode
 * @goal: enum kvmeter_goal
 * @deadline_ns: 0: none
 * @downtime_ns: limit of the downtime
 */
struct kvmeter_in_force {
	bool known;
	__u32 mode;
	__u32 goal;
	__u64 deadline_ns;
	__u64 downtime_ns;
};

/* migrate.c */
unsigned int kvmeter_migrate_first_round(const struct kvmeter_migration *m);
const struct kvmeter_round *kvmeter_migrate_round(const struct kvmeter_migration *m,
						  unsigned int n);
bool kvmeter_migrate_is_running(const struct kvmeter_snap_vm *vm);
double kvmeter_migrate_seconds(const struct kvmeter_snap_vm *vm, __u64 now_ns);
__u64 kvmeter_migrate_vcpu_pages(const struct kvmeter_snap_vcpu *vcpu);
bool kvmeter_migrate_live(const struct kvmeter_snap_vm *vm, __u64 now_ns, struct kvmeter_live *live,
			  double *done);
bool kvmeter_migrate_plan(const struct kvmeter_snap_vm *vm, __u64 now_ns, __u64 quota_pages,
			  struct kvmeter_forecast_plan *plan);
bool kvmeter_migrate_forecast(const struct kvmeter_snap_vm *vm, __u64 now_ns, __u64 quota_pages,
			      struct kvmeter_outlook *outlook);

/* migrate_text.c */
void kvmeter_migrate_print_vm(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm,
			      const struct kvmeter_screen *screen);

/* migrate_list.c */
void kvmeter_migrate_print_list(const struct kvmeter_report *report);

/* migrate_json.c */
void kvmeter_migrate_print_json(const struct kvmeter_report *report);

/* why.c */
const char *kvmeter_why_explain(__u32 why);
void kvmeter_why_print_goal(__u32 goal, __u64 deadline_ns, char *buf, size_t size);

/* autoconverge.c */
extern const struct kvmeter_setting kvmeter_autoconverge_setting;
void kvmeter_autoconverge_get(const struct kvmeter_snap_vm *vm, struct kvmeter_in_force *force);
void kvmeter_autoconverge_set(const struct kvmeter_snap_vm *vm, const struct kvmeter_args *args);
void kvmeter_autoconverge_print(const struct kvmeter_snap_vm *vm);

/* autoconverge_show.c */
void kvmeter_autoconverge_print_report(const struct kvmeter_report *report);
void kvmeter_autoconverge_add(struct json_object *obj, const struct kvmeter_snap_vm *vm);
void kvmeter_autoconverge_print_json(const struct kvmeter_report *report);

/* audit.c */
void kvmeter_audit_format_time(__u64 real_ns, char *buf, size_t size);
void kvmeter_audit_describe(const struct kvmeter_audit *a, char *buf, size_t size);
void kvmeter_audit_print(const struct kvmeter_audit *a, const char *name, __u64 lost, bool json);
void kvmeter_audit_print_lost(__u64 lost);

#endif /* KVMETER_MIGRATE_H */
