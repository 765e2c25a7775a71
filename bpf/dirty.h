/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files about dirty pages share: sessions, live figures, the picture of heat, and quotas.
 */
#ifndef KVMETER_DIRTY_H
#define KVMETER_DIRTY_H

#include "reader.h"

#define KVMETER_PAGE_BYTES 4096

/* KVMETER_CURVE_MS */
extern const unsigned int kvmeter_curve_ms[KVMETER_CURVE_NR];

/**
 * struct kvmeter_live - a migration between two readings of the dirty log, estimated
 * @since_s: time since the last one
 * @round_known: it is known how fast the last round was sent; otherwise round_bytes is all of it
 * @dirtied_bytes: found dirty since then: counted, not estimated
 * @round_bytes: not sent yet of what was found dirty up to then
 * @remaining_bytes: both
 */
struct kvmeter_live {
	double since_s;
	bool round_known;
	double dirtied_bytes;
	double round_bytes;
	double remaining_bytes;
};

/**
 * struct kvmeter_setting - something of a VM that the module can be asked to set
 * @request: the ioctl
 * @what: as in "no ... VM"
 * @refused: what is wrong if the argument is, as in "the module refuses ... VM"
 * @had: as in "the module is too old to have ..."
 */
struct kvmeter_setting {
	unsigned long request;
	const char *what;
	const char *refused;
	const char *had;
};

/* live.c */
bool kvmeter_live_get(const struct kvmeter_snap_vm *vm, __u64 now_ns, struct kvmeter_live *live);

/* curve.c */
unsigned int kvmeter_curve_longest(const __u64 *curve);
void kvmeter_curve_print_heading(void);
void kvmeter_curve_print(const char *what, const __u64 *curve);
struct json_object *kvmeter_curve_new_json(const __u64 *curve);

/* dirty_text.c */
void kvmeter_dirty_print_heading(const struct kvmeter_args *args);
void kvmeter_dirty_print_rates(const struct kvmeter_subject *s);
void kvmeter_dirty_print_vm(const struct kvmeter_subject *s, const struct kvmeter_args *args);
void kvmeter_dirty_print_vcpu(const struct kvmeter_subject *s, const struct kvmeter_args *args);

/* dirty_json.c */
void kvmeter_dirty_add_session(struct json_object *obj, const struct kvmeter_dirty *d);
void kvmeter_dirty_add_vm(struct json_object *obj, const struct kvmeter_subject *s);
void kvmeter_dirty_add_vcpu(struct json_object *obj, const struct kvmeter_subject *s);
void kvmeter_dirty_add_rate(struct json_object *obj, const struct kvmeter_subject *s);
double kvmeter_dirty_bytes_s(const struct kvmeter_subject *s);
struct json_object *kvmeter_dirty_new_live(const struct kvmeter_snap_vm *vm, __u64 now_ns);

/* cmd_heat.c */
void kvmeter_heat_report(const struct kvmeter_report *report);
void kvmeter_heat_end(const struct kvmeter_args *args);

/* vmfd.c */
int kvmeter_vmfd_open(const struct kvmeter_snap_vm *vm);

/* session.c */
void kvmeter_session_start(const struct kvmeter_snap_vm *vm,
			   const struct kvmeter_session_args *args);
bool kvmeter_session_stop(const struct kvmeter_snap_vm *vm);
void kvmeter_session_explain_end(const struct kvmeter_dirty *d, char *buf, size_t size);
void kvmeter_session_describe(const struct kvmeter_session_args *args, char *buf, size_t size);

/* controller.c */
pid_t kvmeter_controller_detach(void);
void kvmeter_controller_report(void);
bool kvmeter_controller_follow(struct kvmeter_maps *maps, const struct kvmeter_snap_vm *vm,
			       __u64 until_ns, struct kvmeter_dirty *last);

bool kvmeter_controller_is_signalled(void);

/* setting.c */
void kvmeter_setting_explain(const struct kvmeter_setting *setting,
			     const struct kvmeter_snap_vm *vm, int error, char *buf, size_t size);
void kvmeter_setting_set(const struct kvmeter_setting *setting, const struct kvmeter_snap_vm *vm,
			 const void *arg);

/* quota.c */
extern const struct kvmeter_setting kvmeter_quota_setting;
void kvmeter_quota_set(const struct kvmeter_snap_vm *vm, const struct kvmeter_args *args);

/* quota_text.c, quota_json.c */
bool kvmeter_quota_wants(const struct kvmeter_report *report, unsigned int vm);
const char *kvmeter_quota_why_idle(const struct kvmeter_snap_vm *vm);
void kvmeter_quota_print(const struct kvmeter_snap_vm *vm);
void kvmeter_quota_print_report(const struct kvmeter_report *report);
void kvmeter_quota_print_json(const struct kvmeter_report *report);

#endif /* KVMETER_DIRTY_H */
