// SPDX-License-Identifier: GPL-2.0-only
/* Prints documents that no recording has, of VMs that are busy, without the module. */
#include <err.h>

#include "../bpf/dirty.h"
#include "../bpf/migrate.h"
#include "busy_host.h"

static void print_log(void)
{
	struct kvmeter_audit a = { .real_ns = BUSY_BEGIN_REAL_NS, .id = "100-9", .pid = 100 };

	for (a.kind = 0; a.kind <= KVMETER_AUDIT_NR; a.kind++) {
		a.nr++;
		kvmeter_audit_print(&a, a.kind % 2 ? "web" : NULL, a.kind, true);
	}
}

int main(void)
{
	struct kvmeter_args args = { .json = true };
	struct kvmeter_snap snap = {};
	struct kvmeter_report report = { .snap = &snap, .vm = -1, .args = &args };
	struct busy_host host;

	if (busy_host_init(&host))
		errx(1, "no memory");
	busy_host_take(&host, &snap);
	/* just set: there is no interval */
	kvmeter_quota_print_json(&report);
	print_log();
	kvmeter_snapshot_put(&snap);
	busy_host_put(&host);
	return 0;
}
