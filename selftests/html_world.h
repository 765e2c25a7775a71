/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs of known contents for the tests of the page, and snapshots of them, one every 5 s.
 *
 * All VMs have two vCPUs, of whose time in each interval
 *
 *	guest 40 % less n/10 % of VM n, kernel 10 %, vmm 15 %, halt 20 % and those n/10 %,
 *	steal 10 %, throttle 5 %
 *
 * so that VM 0 takes most and each one less than the one before. VM 0 took 4 % of each other VM's
 * time, a process 5 % (9 % of VM 0), 0.5 % are unexplained, the rest is kernel threads. A vCPU has
 * 100 exits a second in [1024, 2048) ns and one in [2^20, 2^21). The last VM, if there are more
 * than two, is gone from snapshot HTML_WORLD_GONE on. VM 0 has a session and is migrated, in one
 * round more with every snapshot, up to HTML_WORLD_ROUNDS.
 */
#ifndef KVMETER_SELFTESTS_HTML_WORLD_H
#define KVMETER_SELFTESTS_HTML_WORLD_H

#include "../bpf/reader.h"

#define HTML_WORLD_STEP_NS 5000000000ULL
#define HTML_WORLD_GONE 30
#define HTML_WORLD_ROUNDS 7

/* 2026-11-22T12:00:00Z */
#define HTML_WORLD_BEGIN_NS 1000000000000ULL
#define HTML_WORLD_BEGIN_REAL_NS 1795348800000000000ULL

/* Markup in the name of VM 0, and in that of the process. */
#define HTML_WORLD_NAME "<script>alert(\"1\")</script>"
#define HTML_WORLD_COMM "<b>'&x</b>"

/**
 * html_world_take() - a snapshot
 * @snap: zeroed or taken before
 * @n: number of the snapshot; its time follows from it
 * @nr_vms: VMs that there are
 */
void html_world_take(struct kvmeter_snap *snap, unsigned int n, unsigned int nr_vms);

#endif
