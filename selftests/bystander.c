// SPDX-License-Identifier: GPL-2.0-only
/* A VM with a known load, and what the host uses: see bystander.h. */
#define _GNU_SOURCE
#include "bystander.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "reason.h"
#include "writers.h"

/* Between two jobs, so that others come to do what they do. */
#define REST_US 500
#define ROUNDS 7
#define PAGES_AT_ONCE 31

/* How memory comes back: some of it only after RCU, and with KASAN when its cache is shrunk. */
#define FREED_STEPS 100
#define FREED_STEP_US 100000

static int run(struct bystander_vcpu *v, const char *job, uint32_t nr, uint32_t addr)
{
	int ret = vmm_run(&v->owner->vm.vcpu[v->id], job, nr, addr, (uint32_t)v->runs);

	v->runs++;
	return ret;
}

/* The first job tells when the ledger began. */
static int begin(struct bystander_vcpu *v)
{
	int ret;

	v->begin_lo_ns = meter_now_ns(v->owner->meter);
	ret = run(v, vmm_guest_cpuid, BYSTANDER_CHUNK, 0);
	v->begin_hi_ns = meter_now_ns(v->owner->meter);
	return ret;
}

static void *count(void *arg)
{
	struct bystander_vcpu *v = arg;

	while (!v->ret && !v->owner->stop) {
		v->ret = run(v, vmm_guest_cpuid, BYSTANDER_CHUNK, 0);
		usleep(REST_US);
	}
	return NULL;
}

static int write_and_take(struct bystander_vcpu *v, uint64_t *random)
{
	uint32_t nr = 1 + writers_random(random, PAGES_AT_ONCE);
	uint32_t first = WRITERS_GFN + writers_random(random, BYSTANDER_PAGES - nr);
	struct bystander *b = v->owner;
	int ret = run(v, vmm_guest_write, nr, first * VMM_PAGE_BYTES);

	if (!ret)
		ret = vmm_take_dirty(&b->vm);
	b->takes++;
	b->missed += nr - vmm_nr_dirty(&b->vm, first, first + nr);
	return ret;
}

static void *write_pages(void *arg)
{
	struct bystander_vcpu *v = arg;
	uint64_t random = 1;
	int i;

	while (!v->ret && !v->owner->stop) {
		v->ret = vmm_set_log(&v->owner->vm, true);
		for (i = 0; !v->ret && !v->owner->stop && i < ROUNDS; i++) {
			v->ret = write_and_take(v, &random);
			usleep(REST_US);
		}
		if (!v->ret)
			v->ret = vmm_set_log(&v->owner->vm, false);
		usleep(REST_US);
	}
	return NULL;
}

int bystander_start(struct bystander *b, const struct meter *m)
{
	static void *(*const job[])(void *) = { count, write_pages };
	sigset_t all, before;
	unsigned int i;
	int ret;

	memset(b, 0, sizeof(*b));
	b->meter = m;
	ret = vmm_init(&b->vm, 2, WRITERS_PAGES + BYSTANDER_PAGES);
	for (i = 0; !ret && i < 2; i++) {
		b->vcpu[i].owner = b;
		b->vcpu[i].id = i;
		ret = begin(&b->vcpu[i]);
	}
	/*
	 * As in any VMM. A child may end while fork() has all signals blocked in its parent: then
	 * other threads are woken for it, and KVM_RUN ends with EINTR.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (i = 0; !ret && i < 2; i++)
		ret = -pthread_create(&b->vcpu[i].thread, NULL, job[i], &b->vcpu[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int bystander_stop(struct bystander *b)
{
	int i, ret = 0;

	b->stop = true;
	for (i = 0; i < 2; i++) {
		pthread_join(b->vcpu[i].thread, NULL);
		if (b->vcpu[i].ret)
			ret = b->vcpu[i].ret;
	}
	return ret;
}

const char *bystander_check_copy(const struct meter_vcpu *copy)
{
	uint64_t rows = 0, user = 0;
	uint32_t i;

	for (i = 0; i < copy->v.nr_rows; i++)
		rows += copy->rows[i].count;
	for (i = 0; i < KVMETER_USER_EXITS; i++)
		user += copy->v.user_exit[i];
	if (rows != copy->v.exits)
		return "rows do not add up to all exits";
	if (user != copy->v.user_exits)
		return "exits to the VMM do not add up";
	if (meter_ledger_ns(copy) != copy->v.since_ns - copy->v.first_ns)
		return "states do not add up to the time that has passed";
	if (meter_blamed_ns(copy) > copy->v.steal_ns)
		return "thieves have stolen more than was stolen";
	if (copy->v.pml_bad)
		return "log entries that are no page";
	return NULL;
}

static const char *check_vcpu(struct bystander_vcpu *v, const struct meter *m)
{
	uint64_t now_ns, ns[KVMETER_STATE_NR], wall_ns = 0, cpuids = BYSTANDER_CHUNK;
	int i, slot = meter_vcpu_slot(m, v->owner->vm.fd, v->id);
	static struct meter_vcpu copy;
	const char *wrong;

	if (slot < 0 || meter_read_slot(m, (unsigned int)slot, &copy, &now_ns))
		return "it has no slot";
	wrong = bystander_check_copy(&copy);
	if (wrong)
		return wrong;
	if (v->id == 0)
		cpuids *= v->runs;
	if (meter_count(&copy, reason_of(VMX_CPUID, SVM_CPUID)) != cpuids)
		return "CPUID was not counted exactly";
	if (meter_count(&copy, reason_of(VMX_IO, SVM_IO)) != v->runs ||
	    copy.v.user_exit[KVM_EXIT_IO] != v->runs)
		return "doorbells were not counted exactly";
	meter_states(&copy, now_ns, ns);
	for (i = 0; i < KVMETER_STATE_NR; i++)
		wall_ns += ns[i];
	if (wall_ns > now_ns - v->begin_lo_ns || wall_ns < now_ns - v->begin_hi_ns)
		return "states do not add up to the time since it began";
	return NULL;
}

const char *bystander_check(struct bystander *b, const struct meter *m)
{
	const char *wrong;
	int i;

	if (!b->takes || b->missed)
		return "pages are missing in the dirty log";
	for (i = 0; i < 2; i++) {
		wrong = check_vcpu(&b->vcpu[i], m);
		if (wrong)
			return wrong;
	}
	return NULL;
}

void bystander_exit(struct bystander *b)
{
	vmm_exit(&b->vm);
}

/* Number of a message of our own, which is the last one. */
static int64_t last_message(void)
{
	int fd = host_log_open();
	char record[8192];
	long long nr = -EIO;
	unsigned int level;

	if (fd < 0)
		return fd;
	if (!host_write("/dev/kmsg", 0, "kvmeter-selftest: look\n") &&
	    read(fd, record, sizeof(record)) > 0 && sscanf(record, "%u,%lld,", &level, &nr) != 2)
		nr = -EPROTO;
	close(fd);
	return nr;
}

int bystander_look(struct bystander_host *host)
{
	int ret;

	residue_shrink_slabs();
	ret = residue_read_memory(&host->memory);
	host->messages = last_message();
	host->refcnt = host_read_number("/sys/module/kvmeter/refcnt", NULL);
	return ret || host->messages < 0 || host->refcnt < 0 ? -EIO : 0;
}

int bystander_wait_freed(const struct bystander_host *before, int64_t kib,
			 struct bystander_host *after)
{
	int i, ret;

	for (i = 0; i < FREED_STEPS; i++) {
		ret = bystander_look(after);
		if (ret)
			return ret;
		/* Each look is a message. */
		after->messages -= i + 1;
		if (after->memory.slab <= before->memory.slab + kib &&
		    after->memory.vmalloc <= before->memory.vmalloc + kib &&
		    after->memory.percpu <= before->memory.percpu + kib &&
		    after->refcnt == before->refcnt)
			return 0;
		usleep(FREED_STEP_US);
	}
	return -ETIMEDOUT;
}

void bystander_show(const struct bystander_host *before, const struct bystander_host *after)
{
	residue_show_memory(&before->memory, &after->memory);
	printf("# %" PRId64 " kernel messages\n", after->messages - before->messages);
	fflush(stdout);
}
