// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmeter: accounts for the time of KVM's vCPUs. This file is only order.
 *
 * Events (hooks.c, probes.c; proto.c with btf.c says if they are what they should be) reach
 * collectors (ledger.c, exits.c, subs.c, sched.c with thief.c and limit.c, stat.c, dirty.c), which
 * write into the store (store*.c, track.c); sessions (session.c with drive.c) have memory logged
 * and see to the track; quotas (quota.c with share.c) read the store and park vCPUs that dirty too
 * much; the autopilot (pilot.c with converge.c) sets quotas; both write the audit (audit.c); views
 * (debugfs.c with tables.c, ctl.c with maps.c) copy out of the store. Calls go that way and no
 * other; what the store says back, that VMs have come or gone and that a vCPU is no more, arrives
 * here.
 */
#include <linux/module.h>
#include <linux/workqueue.h>

#include <kvmeter/version.h>

#include "audit.h"
#include "clock.h"
#include "ctl.h"
#include "debugfs.h"
#include "hooks.h"
#include "maps.h"
#include "pilot.h"
#include "probes.h"
#include "proto.h"
#include "quota.h"
#include "reason.h"
#include "scan.h"
#include "session.h"
#include "store.h"
#include "thief.h"

/* To switch probes costs all CPUs more than to leave them on for a while. */
#define IDLE_JIFFIES (60 * HZ)

static bool can_scan;

static void on_idle(struct work_struct *work)
{
	if (kvmeter_store_any_armed())
		return;
	kvmeter_probes_enable(false);
	/* One that was armed meanwhile may have been told of before that. */
	if (kvmeter_store_any_armed())
		kvmeter_probes_enable(true);
}

static DECLARE_DELAYED_WORK(idle_work, on_idle);

static void on_change(struct work_struct *work)
{
	if (can_scan && kvmeter_probes_see_logging())
		kvmeter_scan_count_logging();
	if (kvmeter_store_any_armed())
		kvmeter_probes_enable(true);
	else
		schedule_delayed_work(&idle_work, IDLE_JIFFIES);
	kvmeter_pilot_kick();
	kvmeter_debugfs_sync();
}

static DECLARE_WORK(change_work, on_change);

static void tell_changed(void)
{
	schedule_work(&change_work);
}

static int fail(const char *step, int err)
{
	pr_err("kvmeter: load failed: %s (%d)\n", step, err);
	return err;
}

/* Find what there is to listen to, and leave out what is not what it is taken to be. */
static int __init find_events(void)
{
	int ret;

	ret = kvmeter_probes_resolve();
	if (ret)
		return ret;
	ret = kvmeter_proto_init();
	if (ret)
		return fail("no type information in /sys/kernel/btf/vmlinux", ret);
	return kvmeter_probes_compare();
}

static void __init set_features(void)
{
	if (can_scan && kvmeter_probes_see_logging())
		kvmeter_store_set_feature(KVMETER_FEATURE_DIRTY);
	if (kvmeter_thief_is_on())
		kvmeter_store_set_feature(KVMETER_FEATURE_THIEF);
	if (kvmeter_probes_see_limits())
		kvmeter_store_set_feature(KVMETER_FEATURE_LIMIT);
	if (kvmeter_probes_see_faults())
		kvmeter_store_set_feature(KVMETER_FEATURE_FAULT);
	if (kvmeter_probes_see_own_writes())
		kvmeter_store_set_feature(KVMETER_FEATURE_OWN);
	if (kvmeter_probes_see_log_calls())
		kvmeter_store_set_feature(KVMETER_FEATURE_SYNC);
}

static int __init kvmeter_init(void)
{
	bool can_observe;
	u32 vendor;
	int ret;

	ret = kvmeter_hooks_init();
	if (ret)
		return fail("no symbol lookup", ret);

	ret = find_events();
	if (ret)
		goto exit_hooks;

	ret = kvmeter_clock_init();
	if (ret) {
		fail("no usable time-stamp counter", ret);
		goto exit_hooks;
	}

	vendor = kvmeter_reason_init();
	if (vendor == KVMETER_VENDOR_NONE) {
		ret = fail("neither VMX nor SVM", -ENODEV);
		goto exit_hooks;
	}

	ret = kvmeter_audit_init();
	if (ret) {
		fail("no memory for the audit", ret);
		goto exit_reason;
	}

	ret = kvmeter_thief_init(kvmeter_probes_can_attribute());
	if (ret) {
		fail("no memory to attribute steal", ret);
		goto exit_audit;
	}

	ret = kvmeter_store_init(tell_changed, kvmeter_thief_drop, vendor);
	if (ret)
		goto exit_thief;

	can_scan = kvmeter_scan_resolve();
	kvmeter_debugfs_init();

	ret = kvmeter_probes_register();
	if (ret)
		goto cancel_work;

	if (can_scan)
		kvmeter_scan_find_vms();
	set_features();

	can_observe = can_scan && kvmeter_probes_see_logging() && kvmeter_probes_see_faults();
	ret = kvmeter_session_init(can_observe, kvmeter_probes_see_log_calls());
	if (ret) {
		fail("no memory for a work queue", ret);
		goto unregister_probes;
	}

	ret = kvmeter_quota_init(can_observe);
	if (ret) {
		fail("no memory for quotas", ret);
		goto exit_session;
	}

	ret = kvmeter_pilot_init(can_observe && kvmeter_probes_see_log_calls());
	if (ret) {
		fail("no memory for the autopilot", ret);
		goto exit_quota;
	}

	ret = kvmeter_ctl_init();
	if (ret) {
		fail("cannot register /dev/kvmeter", ret);
		goto exit_pilot;
	}
	return 0;

exit_pilot:
	kvmeter_pilot_exit();
exit_quota:
	kvmeter_quota_exit();
exit_session:
	kvmeter_session_exit();
unregister_probes:
	kvmeter_probes_unregister();
cancel_work: /* the probes before one that could not be registered may have queued it */
	cancel_work_sync(&change_work);
	cancel_delayed_work_sync(&idle_work);
	kvmeter_debugfs_exit();
	kvmeter_store_exit();
exit_thief:
	kvmeter_thief_exit();
exit_audit:
	kvmeter_audit_exit();
exit_reason:
	kvmeter_reason_exit();
exit_hooks:
	kvmeter_hooks_exit();
	return ret;
}

static void __exit kvmeter_exit(void)
{
	kvmeter_ctl_exit();
	kvmeter_pilot_exit();
	kvmeter_quota_exit();
	kvmeter_session_exit();
	kvmeter_probes_unregister();
	cancel_work_sync(&change_work);
	cancel_delayed_work_sync(&idle_work);
	kvmeter_debugfs_exit();
	kvmeter_maps_exit();
	kvmeter_store_exit();
	kvmeter_thief_exit();
	kvmeter_audit_exit();
	kvmeter_reason_exit();
	kvmeter_hooks_exit();
}

module_init(kvmeter_init);
module_exit(kvmeter_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Accounts for the time of KVM's vCPUs");
MODULE_VERSION(KVMETER_VERSION);
MODULE_SOFTDEP("pre: kvm");
