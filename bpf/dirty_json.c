// SPDX-License-Identifier: GPL-2.0-only
/* What a VM dirties, as JSON with the names of the contract. */
#include "dirty.h"

#define NS_PER_S 1e9

/**
 * kvmeter_dirty_bytes_s - how fast a VM, or a vCPU, dirties memory
 * @s: what happened in an interval
 *
 * Return: bytes per second; only of meaning if the VM was armed.
 */
double kvmeter_dirty_bytes_s(const struct kvmeter_subject *s)
{
	if (!s->vm->elapsed_ns)
		return 0.0;
	return (double)kvmeter_sum_dirty(&s->sum.v) * KVMETER_PAGE_BYTES * NS_PER_S /
		s->vm->elapsed_ns;
}

static void add_curve_ms(struct json_object *obj)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < KVMETER_CURVE_NR; i++)
		json_object_array_add(array, json_object_new_int64(kvmeter_curve_ms[i]));
	json_object_object_add(obj, "curve_ms", array);
}

/**
 * kvmeter_dirty_add_session - add the session of a VM and its figures
 * @obj: where to
 * @d: the figures
 */
void kvmeter_dirty_add_session(struct json_object *obj, const struct kvmeter_dirty *d)
{
	bool none = d->session == KVMETER_SESSION_NONE;

	kvmeter_json_add_text(obj, "session", kvmeter_reasons_session(d->session));
	kvmeter_json_add_text(obj, "end", kvmeter_reasons_session_end(d->end));
	kvmeter_json_add_u64(obj, "controller", d->controller);
	kvmeter_json_add_u64(obj, "windows", d->windows);
	kvmeter_json_add_u64(obj, "session_interval_ns", d->interval_ns);
	kvmeter_json_add_u64(obj, "start_ns", d->start_ns);
	kvmeter_json_add_u64(obj, "end_ns", d->end_ns);
	kvmeter_json_add_u64(obj, "update_ns", d->update_ns);
	kvmeter_json_add_u64(obj, "sync_ns", d->sync_ns);
	kvmeter_json_add_fields(obj, KVMETER_RECORD_DIRTY, d);
	add_curve_ms(obj);
	json_object_object_add(obj, "curve", none ? NULL : kvmeter_curve_new_json(d->curve));
	json_object_object_add(obj, "median",
			       none || !d->windows ? NULL : kvmeter_curve_new_json(d->median));
	json_object_object_add(obj, "p95",
			       none || !d->windows ? NULL : kvmeter_curve_new_json(d->p95));
}

/**
 * kvmeter_dirty_add_rate - add how fast a VM, or a vCPU, dirties memory
 * @obj: where to
 * @s: what happened in an interval; null if the VM was not armed for all of it
 */
void kvmeter_dirty_add_rate(struct json_object *obj, const struct kvmeter_subject *s)
{
	if (s->vm->armed)
		kvmeter_json_add_double(obj, "dirty_bytes_per_s", kvmeter_dirty_bytes_s(s));
	else
		kvmeter_json_add_text(obj, "dirty_bytes_per_s", NULL);
}

/**
 * kvmeter_dirty_new_live - what a migrating VMM has still to send, estimated
 * @vm: the VM
 * @now_ns: when the figures of it were taken
 *
 * Return: an object; NULL if there is nothing to tell.
 */
struct json_object *kvmeter_dirty_new_live(const struct kvmeter_snap_vm *vm, __u64 now_ns)
{
	struct kvmeter_live live;
	struct json_object *est;

	if (!kvmeter_live_get(vm, now_ns, &live))
		return NULL;
	est = json_object_new_object();
	kvmeter_json_add_u64(est, "sync_nr", vm->sync_nr);
	kvmeter_json_add_double(est, "since_sync_s", live.since_s);
	kvmeter_json_add_u64(est, "dirtied_bytes", (__u64)live.dirtied_bytes);
	kvmeter_json_add_u64(est, "round_bytes_estimate", (__u64)live.round_bytes);
	kvmeter_json_add_u64(est, "remaining_bytes_estimate", (__u64)live.remaining_bytes);
	json_object_object_add(est, "speed_known", json_object_new_boolean(live.round_known));
	return est;
}

/**
 * kvmeter_dirty_add_vm - add what a VM dirties
 * @obj: of the VM, where to
 * @s: the VM
 */
void kvmeter_dirty_add_vm(struct json_object *obj, const struct kvmeter_subject *s)
{
	const struct kvmeter_dirty *d = &s->vm->d;
	unsigned int longest = KVMETER_CURVE_NR;

	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &s->sum.v);
	kvmeter_dirty_add_session(obj, d);
	kvmeter_dirty_add_rate(obj, s);
	if (s->vm->armed && s->vm->elapsed_ns)
		kvmeter_json_add_double(obj, "kvm_writes_per_s",
					d->kvm_writes * NS_PER_S / s->vm->elapsed_ns);
	else
		kvmeter_json_add_text(obj, "kvm_writes_per_s", NULL);
	if (d->session != KVMETER_SESSION_NONE)
		longest = kvmeter_curve_longest(d->curve);
	if (longest < KVMETER_CURVE_NR) {
		kvmeter_json_add_u64(obj, "wws_ms", kvmeter_curve_ms[longest]);
		kvmeter_json_add_u64(obj, "wws_bytes", d->curve[longest] * KVMETER_PAGE_BYTES);
	} else {
		kvmeter_json_add_text(obj, "wws_ms", NULL);
		kvmeter_json_add_text(obj, "wws_bytes", NULL);
	}
	json_object_object_add(obj, "migration", kvmeter_dirty_new_live(s->vm, s->snap->now_ns));
}

/**
 * kvmeter_dirty_add_vcpu - add what a vCPU dirties
 * @obj: of the vCPU, where to
 * @s: the vCPU
 */
void kvmeter_dirty_add_vcpu(struct json_object *obj, const struct kvmeter_subject *s)
{
	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &s->vcpu->v);
	kvmeter_dirty_add_rate(obj, s);
	json_object_object_add(obj, "dirty_curve",
			       s->vm->d.session == KVMETER_SESSION_NONE
				       ? NULL
				       : kvmeter_curve_new_json(s->vcpu->v.dirty_curve));
}
