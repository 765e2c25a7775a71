// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what it costs on this lab host that a guest rewrites a page, in instructions (bench_exit.c
 * says why a tick is one), all of KVM's work included.
 *
 *   bench_dirty log        while the VMM has the memory logged: "COST PAGES"
 *   bench_dirty noticed    the same; fails unless the module has noticed all of them
 *   bench_dirty session    while a driven session does: "COST PAGES REARM", where REARM is what the
 *                          module took to arm one page again
 *
 * The least of several rounds is the one that no timer interrupt fell into.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include "session.h"

#define PAGES_NR 4099
#define ROUNDS_NR 11
#define WAIT_US 100000
#define WAITS_MAX 200

/* Ticks that the guest takes to rewrite its pages, if that is less than @least. */
static int rewrite(struct vmm *vm, uint64_t *least)
{
	uint64_t begin = __rdtsc(), ticks;
	int ret;

	ret = vmm_run(&vm->vcpu[0], vmm_guest_write, PAGES_NR, VMM_DATA_ADDR, 1);
	ticks = __rdtsc() - begin;
	if (ticks < *least)
		*least = ticks;
	return ret;
}

static int measure_log(struct vmm *vm)
{
	uint64_t least = UINT64_MAX;
	int i, ret;

	ret = vmm_set_log(vm, true);
	for (i = 0; !ret && i < ROUNDS_NR; i++) {
		ret = vmm_take_dirty(vm);
		if (!ret)
			ret = rewrite(vm, &least);
	}
	if (!ret)
		printf("%.1f %d\n", (double)least / PAGES_NR, PAGES_NR * ROUNDS_NR);
	return ret;
}

/* Has the module noticed each page, each time? */
static int check_noticed(const struct vmm *vm, const struct meter *meter)
{
	struct meter_vcpu copy;
	uint64_t noticed;
	int ret;

	ret = meter_read(meter, vm->fd, 0, &copy);
	if (ret)
		return ret;
	noticed = copy.v.pml_pages - copy.v.pml_dups + copy.v.write_faults;
	if (noticed >= PAGES_NR * ROUNDS_NR)
		return 0;
	fprintf(stderr, "bench_dirty: noticed %" PRIu64 " of %d pages\n", noticed,
		PAGES_NR * ROUNDS_NR);
	return -EPROTO;
}

/* Wait until all pages that were written are armed again; an interval is long, a round is not. */
static int wait_rearmed(const struct session *s, const struct meter *m, uint64_t rearms,
			struct kvmeter_dirty *copy)
{
	int tries = WAITS_MAX, ret;

	do {
		ret = session_copy(s, m, copy);
		if (ret || copy->rearms >= rearms)
			return ret;
		usleep(WAIT_US);
	} while (tries--);
	return -ETIMEDOUT;
}

static int measure_session(struct vmm *vm, struct meter *meter)
{
	uint64_t least = UINT64_MAX, least_rearm = UINT64_MAX, rearm;
	struct kvmeter_dirty before, after;
	struct session session;
	int i, ret;

	ret = session_start(&session, meter->dev, vm->fd, 0, KVMETER_INTERVAL_MAX_NS);
	for (i = 0; !ret && i < ROUNDS_NR; i++) {
		ret = session_copy(&session, meter, &before);
		if (!ret)
			ret = rewrite(vm, &least);
		if (!ret)
			ret = wait_rearmed(&session, meter, before.rearms + PAGES_NR, &after);
		if (ret)
			break;
		rearm = (after.rearm_ns - before.rearm_ns) / (after.rearms - before.rearms);
		if (rearm < least_rearm)
			least_rearm = rearm;
	}
	if (!ret)
		printf("%.1f %d %" PRIu64 "\n", (double)least / PAGES_NR, PAGES_NR * ROUNDS_NR,
		       least_rearm);
	return ret;
}

static int measure_with_meter(struct vmm *vm, bool session)
{
	struct meter meter;
	int ret;

	ret = meter_open(&meter);
	if (ret)
		return ret;
	if (session) {
		ret = measure_session(vm, &meter);
	} else {
		ret = measure_log(vm);
		if (!ret)
			ret = check_noticed(vm, &meter);
	}
	meter_close(&meter);
	return ret;
}

int main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";
	bool log = !strcmp(what, "log"), session = !strcmp(what, "session");
	struct vmm vm;
	int ret;

	if (!log && !session && strcmp(what, "noticed")) {
		fprintf(stderr, "usage: bench_dirty log|noticed|session\n");
		return 64;
	}
	ret = vmm_init(&vm, 1, PAGES_NR);
	/* From here on all pages are there. */
	if (!ret)
		ret = rewrite(&vm, &(uint64_t){ 0 });
	if (!ret)
		ret = log ? measure_log(&vm) : measure_with_meter(&vm, session);
	vmm_exit(&vm);
	if (ret)
		fprintf(stderr, "bench_dirty: %s\n", strerror(-ret));
	return !!ret;
}
