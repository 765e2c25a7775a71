// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of doctor: each is provoked at its threshold, and is silent right below it.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 * The interval is 10 s, so "web", of two vCPUs, has 20 s of time, and 1 s of it is 5 %.
 */
#include <math.h>
#include <string.h>

#include <kselftest_harness.h>

#include "../bpf/doctor.h"
#include "reader_migration.h"

#define INTERVAL_NS (10 * NS_PER_S)
#define ALL (KVMETER_NEED_ROWS | KVMETER_NEED_SUBS | KVMETER_NEED_THIEVES)
#define FEATURES \
	(KVMETER_FEATURE_THIEF | KVMETER_FEATURE_LIMIT | KVMETER_FEATURE_SYNC | KVMETER_FEATURE_SUB)

/* Numbers of Intel's and AMD's reasons. */
#define VMX_CPUID 10
#define VMX_HLT 12
#define VMX_IO 30
#define VMX_MSR_WRITE 32
#define VMX_EPT_VIOLATION 48
#define VMX_EPT_MISCONFIG 49
#define VMX_PREEMPTION_TIMER 52
#define VMX_VMRESUME 24
#define SVM_NPF 0x400
#define SVM_AVIC_INCOMPLETE_IPI 0x401

/* clang-format off */
FIXTURE(doctor) {
	struct reader_case c;
	struct kvmeter_doctor doctor;
	struct kvmeter_findings findings;
	bool looked;
};

/* clang-format on */

FIXTURE_SETUP(doctor)
{
	unsigned int i;

	self->looked = false;
	memset(&self->findings, 0, sizeof(self->findings));
	ASSERT_EQ(0, reader_case_init(&self->c));
	self->c.needs = ALL;
	self->c.fake->host.features = FEATURES;
	self->c.fake->host.vendor = KVMETER_VENDOR_VMX;
	self->c.fake->host.reason_source = KVMETER_REASON_DIRECT;
	self->c.fake->vms[3].log_state = KVMETER_LOG_OFF;
	for (i = 0; i < 3; i++)
		self->c.fake->vcpus[i].nr_thieves = 1;
	reader_case_take(&self->c, 0, INTERVAL_NS);
}

static void forget(struct kvmeter_doctor *doctor, struct kvmeter_findings *findings, bool *looked)
{
	kvmeter_findings_put(findings);
	if (*looked)
		kvmeter_doctor_put(doctor);
	*looked = false;
}

FIXTURE_TEARDOWN(doctor)
{
	forget(&self->doctor, &self->findings, &self->looked);
	reader_case_put(&self->c);
}

/* The case of a test, without its fixture's name. */
struct doctor_case {
	struct reader_case *c;
	struct kvmeter_doctor *doctor;
	struct kvmeter_findings *findings;
	bool *looked;
};

#define CASE(self) \
	(&(struct doctor_case){ &(self)->c, &(self)->doctor, &(self)->findings, &(self)->looked })

/* End the interval @ns after it began, and gather the evidence; the host has all its time left. */
static void look_after(const struct doctor_case *d, __u64 ns)
{
	forget(d->doctor, d->findings, d->looked);
	reader_case_take(d->c, 1, INTERVAL_NS + ns);
	reader_case_subtract(d->c);
	kvmeter_doctor_look(d->doctor, &d->c->report);
	*d->looked = true;
	d->doctor->idle = 1;
	d->doctor->nr_cpus = 4;
	d->doctor->nr_nodes = 1;
}

static void look(const struct doctor_case *d)
{
	look_after(d, INTERVAL_NS);
}

static void judge(const struct doctor_case *d)
{
	kvmeter_findings_put(d->findings);
	kvmeter_rules_judge(d->doctor, d->findings);
}

static void examine(const struct doctor_case *d)
{
	look(d);
	judge(d);
}

/* What a rule says first, NULL: it passes. All others have to pass. */
static const struct kvmeter_finding *only(const struct doctor_case *d, enum kvmeter_rule_id rule,
					  enum kvmeter_verdict verdict)
{
	const struct kvmeter_finding *f, *found = NULL;

	for (f = d->findings->list; f < d->findings->list + d->findings->nr; f++) {
		if (f->rule == rule && f->verdict == verdict) {
			found = found ? found : f;
			continue;
		}
		if (f->verdict == KVMETER_VERDICT_PASSED)
			continue;
		printf("# %s: %s\n", kvmeter_rules[f->rule].name, f->what);
		return NULL;
	}
	return found;
}

static bool finds(const struct doctor_case *d, enum kvmeter_rule_id rule)
{
	examine(d);
	return only(d, rule, KVMETER_VERDICT_FOUND);
}

static bool passes(const struct doctor_case *d)
{
	examine(d);
	return only(d, KVMETER_RULE_HEADROOM, KVMETER_VERDICT_PASSED) &&
		d->findings->nr == KVMETER_RULE_NR;
}

static bool knows_not(const struct doctor_case *d, enum kvmeter_rule_id rule)
{
	return only(d, rule, KVMETER_VERDICT_NOT_KNOWN) &&
		!kvmeter_findings_count(d->findings, KVMETER_VERDICT_FOUND);
}

/* What the module does at the end of a wait. Row 0 is another thief than one that has a row. */
static struct kvmeter_thief *blame(const struct doctor_case *d, unsigned int vcpu, unsigned int row,
				   __u32 kind, __u64 ns)
{
	struct kvmeter_thief *t = &d->c->fake->thieves[vcpu * KVMETER_THIEF_ROWS + row];

	t->kind = kind;
	t->preempt_ns = ns;
	d->c->fake->vcpus[vcpu].nr_thieves = row + 1;
	return t;
}

static void blame_vm(const struct doctor_case *d, unsigned int vcpu, unsigned int row, __u32 slot,
		     __u64 ns)
{
	struct kvmeter_thief *t = blame(d, vcpu, row, KVMETER_THIEF_VM, ns);

	t->vm = slot;
	t->vm_gen = 7;
}

static struct kvmeter_exit *exits(const struct doctor_case *d, unsigned int row, __u32 reason,
				  __u64 count, __u64 kernel_ns)
{
	struct kvmeter_exit *e = &d->c->fake->exits[row];

	e->reason = reason;
	e->level = 1;
	e->count = count;
	e->kernel_ns = kernel_ns;
	d->c->fake->vcpus[0].nr_rows = row + 1;
	return e;
}

static void sub(const struct doctor_case *d, unsigned int row, __u32 kind, __u64 value, __u64 count,
		__u64 kernel_ns)
{
	struct kvmeter_sub *s = &d->c->fake->subs[row];

	s->kind = kind;
	s->value = value;
	s->count = count;
	s->kernel_ns = kernel_ns;
	d->c->fake->vcpus[0].nr_subs = row + 1;
}

TEST_F(doctor, nothing)
{
	EXPECT_TRUE(passes(CASE(self)));
}

TEST_F(doctor, overcommit)
{
	blame_vm(CASE(self), 0, 1, 5, 8 * NS_PER_S / 10);
	blame(CASE(self), 0, 2, KVMETER_THIEF_OWN_VCPU, 12 * NS_PER_S / 10);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_OVERCOMMIT));
	EXPECT_EQ(1, self->findings.list[0].nr_vms);
	EXPECT_STREQ("web", self->findings.list[0].vms[0].vm->name);
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.2) < 1e-9);
	EXPECT_TRUE(fabs(self->findings.list[0].figures[0].value - 10) < 1e-9);
	/* of idle CPUs, and limits, nobody is to blame */
	blame(CASE(self), 0, 2, KVMETER_THIEF_OWN_VCPU, 12 * NS_PER_S / 10 - 1);
	blame(CASE(self), 0, 3, KVMETER_THIEF_IDLE, NS_PER_S);
	EXPECT_TRUE(passes(CASE(self)));
}

/* Two VMs that take the same from one another are not noisy: both suffer, in one finding. */
TEST_F(doctor, overcommit_of_two)
{
	blame_vm(CASE(self), 0, 1, 5, 4 * NS_PER_S);
	blame_vm(CASE(self), 2, 1, 3, 3 * NS_PER_S);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_OVERCOMMIT));
	EXPECT_EQ(2, self->findings.list[0].nr_vms);
	EXPECT_STREQ("web", self->findings.list[0].vms[0].vm->name);
	EXPECT_STREQ("db", self->findings.list[0].vms[1].vm->name);
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.7) < 1e-9);
	/* of one VM alone if it is asked for */
	self->c.report.vm = 1;
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_OVERCOMMIT));
	EXPECT_EQ(1, self->findings.list[0].nr_vms);
	EXPECT_STREQ("db", self->findings.list[0].vms[0].vm->name);
}

TEST_F(doctor, cpu_limit)
{
	blame(CASE(self), 1, 1, KVMETER_THIEF_LIMIT, NS_PER_S);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_CPU_LIMIT));
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
	EXPECT_NE(NULL, strstr(self->findings.list[0].remedy, "virsh schedinfo web "));
	blame(CASE(self), 1, 1, KVMETER_THIEF_LIMIT, NS_PER_S - 1);
	EXPECT_TRUE(passes(CASE(self)));
}

TEST_F(doctor, steal_not_attributed)
{
	static const enum kvmeter_rule_id rules[] = { KVMETER_RULE_OVERCOMMIT,
						      KVMETER_RULE_CPU_LIMIT,
						      KVMETER_RULE_NEIGHBOUR };
	unsigned int i;

	self->c.fake->host.features &= ~(KVMETER_FEATURE_THIEF | KVMETER_FEATURE_LIMIT);
	examine(CASE(self));
	ASSERT_EQ(3, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_NOT_KNOWN));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(rules[i], self->findings.list[i].rule);
		EXPECT_NE(NULL, strstr(self->findings.list[i].what, "attribution=0"));
	}
	self->c.fake->host.features |= KVMETER_FEATURE_THIEF;
	examine(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_CPU_LIMIT));
}

TEST_F(doctor, noisy_process)
{
	strcpy(blame(CASE(self), 0, 1, KVMETER_THIEF_PROCESS, NS_PER_S)->comm, "hog");
	blame(CASE(self), 0, 2, KVMETER_THIEF_OWN_VMM, NS_PER_S);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_NEIGHBOUR));
	EXPECT_STREQ("process hog keeps web from running", self->findings.list[0].what);
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
	/* right below half of what all take; right below 5 % */
	blame(CASE(self), 0, 2, KVMETER_THIEF_OWN_VMM, NS_PER_S + 1);
	EXPECT_TRUE(finds(CASE(self), KVMETER_RULE_OVERCOMMIT));
	blame(CASE(self), 0, 1, KVMETER_THIEF_PROCESS, NS_PER_S - 1);
	blame(CASE(self), 0, 2, KVMETER_THIEF_OWN_VMM, NS_PER_S - 1);
	EXPECT_TRUE(passes(CASE(self)));
}

/* One that takes twice as much as is taken from it; what it takes is not overcommit as well. */
TEST_F(doctor, noisy_vm)
{
	blame_vm(CASE(self), 2, 1, 3, 4 * NS_PER_S);
	blame_vm(CASE(self), 0, 1, 5, 2 * NS_PER_S - 1);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_NEIGHBOUR));
	EXPECT_STREQ("vm web keeps db from running", self->findings.list[0].what);
	EXPECT_EQ(1, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.4) < 1e-9);
	blame_vm(CASE(self), 0, 1, 5, 2 * NS_PER_S + 1);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_OVERCOMMIT));
	EXPECT_EQ(2, self->findings.list[0].nr_vms);
}

/* One thief is one finding, whomever it takes from. */
TEST_F(doctor, noisy_for_two)
{
	strcpy(blame(CASE(self), 0, 1, KVMETER_THIEF_PROCESS, 2 * NS_PER_S)->comm, "hog");
	strcpy(blame(CASE(self), 2, 1, KVMETER_THIEF_PROCESS, 3 * NS_PER_S)->comm, "hog");
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_NEIGHBOUR));
	EXPECT_EQ(1, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_STREQ("process hog keeps 2 VMs from running", self->findings.list[0].what);
	EXPECT_STREQ("db", self->findings.list[0].vms[0].vm->name);
	strcpy(blame(CASE(self), 2, 1, KVMETER_THIEF_PROCESS, 3 * NS_PER_S)->comm, "log");
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_NEIGHBOUR));
	EXPECT_EQ(2, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_STREQ("process log keeps db from running", self->findings.list[0].what);
	EXPECT_STREQ("process hog keeps web from running", self->findings.list[1].what);
}

TEST_F(doctor, node_moves)
{
	self->c.fake->vcpus[1].node_moves = 10;
	self->c.fake->vcpus[1].guest_ns = 8 * NS_PER_S;
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_NODE_MOVES));
	/* a quarter of the time in the guest: half of the time at twice the distance */
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.2) < 1e-9);
	EXPECT_TRUE(self->findings.list[0].at_most);
	self->c.fake->vcpus[1].node_moves = 9;
	EXPECT_TRUE(passes(CASE(self)));
	/* one move is none to and fro, however short the interval */
	self->c.fake->vcpus[1].node_moves = 1;
	look_after(CASE(self), NS_PER_S / 10);
	judge(CASE(self));
	EXPECT_EQ(0, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
}

TEST_F(doctor, far_memory)
{
	self->c.fake->vcpus[0].guest_ns = 10 * NS_PER_S;
	look(CASE(self));
	self->doctor.nr_nodes = 2;
	self->doctor.vms[0].memory_known = true;
	self->doctor.vms[0].far = 0.2;
	self->doctor.vms[0].distance = 20;
	judge(CASE(self));
	ASSERT_NE(NULL, only(CASE(self), KVMETER_RULE_FAR_MEMORY, KVMETER_VERDICT_FOUND));
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
	self->doctor.vms[0].far = 0.1999;
	judge(CASE(self));
	EXPECT_EQ(0, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	self->doctor.vms[0].memory_known = false;
	judge(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_FAR_MEMORY));
	self->doctor.nr_nodes = 0;
	self->doctor.is_live = false;
	judge(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_FAR_MEMORY));
	EXPECT_STREQ("a recording does not have it", self->findings.list[0].what);
}

TEST(far_parts)
{
	static const struct {
		__u64 vcpu_ns[3], kib[3];
		double far;
	} cases[] = {
		{ { 10, 0, 0 }, { 100, 0, 0 }, 0 },
		{ { 10, 0, 0 }, { 0, 100, 0 }, 1 },
		{ { 10, 0, 0 }, { 75, 25, 0 }, 0.25 },
		/* half on each of two, and all of it on one of them */
		{ { 5, 5, 0 }, { 50, 50, 0 }, 0 },
		{ { 5, 5, 0 }, { 100, 0, 0 }, 0.5 },
		{ { 9, 1, 0 }, { 100, 0, 0 }, 0.1 },
		{ { 5, 5, 0 }, { 75, 25, 0 }, 0.25 },
		{ { 5, 5, 0 }, { 0, 0, 7 }, 1 },
		{ { 0, 0, 0 }, { 100, 0, 0 }, 0 },
		{ { 1, 0, 0 }, { 0, 0, 0 }, 0 },
	};
	__u64 vcpu_ns[KVMETER_DOCTOR_NODES], kib[KVMETER_DOCTOR_NODES];
	unsigned int i;
	double far;

	for (i = 0; i < NR(cases); i++) {
		memset(vcpu_ns, 0, sizeof(vcpu_ns));
		memset(kib, 0, sizeof(kib));
		memcpy(vcpu_ns, cases[i].vcpu_ns, sizeof(cases[i].vcpu_ns));
		memcpy(kib, cases[i].kib, sizeof(cases[i].kib));
		far = kvmeter_doctor_count_far(vcpu_ns, kib);
		EXPECT_TRUE(fabs(far - cases[i].far) < 1e-9)
		TH_LOG("case %u: %f, not %f", i, far, cases[i].far);
	}
}

static FILE *open_text(const char *text)
{
	return fmemopen((void *)text, strlen(text), "r");
}

TEST(numa_maps)
{
	static const char text[] =
		"7f0000 default anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=4\n"
		"7f1000 bind:1 file=/dev/huge/N7=9 huge dirty=2 N1=2 kernelpagesize_kB=2048\n"
		"7f2000 default stack\n"
		"7f3000 default N99=5 kernelpagesize_kB=4\n";
	__u64 kib[KVMETER_DOCTOR_NODES];
	FILE *maps = open_text(text);

	ASSERT_TRUE(kvmeter_doctor_parse_numa_maps(maps, kib));
	fclose(maps);
	EXPECT_EQ(8, kib[0]);
	EXPECT_EQ(4 + 4096, kib[1]);
	EXPECT_EQ(0, kib[7]);
	EXPECT_EQ(20, kib[KVMETER_DOCTOR_NODES - 1]);
	maps = open_text("7f2000 default stack\n");
	EXPECT_FALSE(kvmeter_doctor_parse_numa_maps(maps, kib));
	fclose(maps);
}

/* 5 % of the time, 100 a second for each vCPU, less than half of the pages: each of them counts. */
TEST_F(doctor, huge_pages)
{
	struct kvmeter_exit *e = exits(CASE(self), 1, VMX_EPT_VIOLATION, 2000, NS_PER_S);
	struct kvmeter_vm *v = &self->c.fake->vms[3];

	v->pages_4k = 513;
	v->pages_2m = 1;
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_HUGE_PAGES));
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
	v->pages_4k = 512;
	EXPECT_TRUE(passes(CASE(self)));
	v->pages_4k = 513;
	e->count = 1999;
	EXPECT_TRUE(passes(CASE(self)));
	e->count = 2000;
	e->kernel_ns = NS_PER_S - 1;
	EXPECT_TRUE(passes(CASE(self)));
	e->kernel_ns = NS_PER_S;
	v->log_state = KVMETER_LOG_DRIVEN;
	examine(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_HUGE_PAGES));
	EXPECT_NE(NULL, strstr(self->findings.list[0].what, "is logged"));
}

TEST_F(doctor, storm_timer)
{
	struct kvmeter_exit *e = exits(CASE(self), 1, VMX_PREEMPTION_TIMER, 2000, NS_PER_S);

	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_TIMER));
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
	e->kernel_ns--;
	EXPECT_TRUE(passes(CASE(self)));
	e->kernel_ns++;
	e->count--;
	EXPECT_TRUE(passes(CASE(self)));
	/* together with what sets it */
	e->kernel_ns = NS_PER_S / 2;
	exits(CASE(self), 2, VMX_MSR_WRITE, 3000, NS_PER_S);
	sub(CASE(self), 0, KVMETER_SUB_MSR_WRITE, 0x6e0, 1000, NS_PER_S / 2);
	sub(CASE(self), 1, KVMETER_SUB_MSR_WRITE, 0x10, 2000, NS_PER_S / 2);
	EXPECT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_TIMER));
	EXPECT_EQ(1, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	sub(CASE(self), 0, KVMETER_SUB_MSR_WRITE, 0x6e0, 1000, NS_PER_S / 2 - 1);
	self->c.fake->vcpus[0].nr_subs = 2;
	EXPECT_TRUE(passes(CASE(self)));
}

TEST_F(doctor, storm_ipi)
{
	exits(CASE(self), 1, VMX_MSR_WRITE, 2000, NS_PER_S);
	sub(CASE(self), 0, KVMETER_SUB_MSR_WRITE, 0x830, 2000, NS_PER_S);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_IPI));
	EXPECT_EQ(1, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	sub(CASE(self), 0, KVMETER_SUB_MSR_WRITE, 0x830, 2000, NS_PER_S - 1);
	EXPECT_TRUE(passes(CASE(self)));
	self->c.fake->vcpus[0].nr_subs = 0;
	self->c.fake->host.vendor = KVMETER_VENDOR_SVM;
	exits(CASE(self), 1, SVM_AVIC_INCOMPLETE_IPI, 2000, NS_PER_S);
	EXPECT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_IPI));
	exits(CASE(self), 1, SVM_AVIC_INCOMPLETE_IPI, 1999, NS_PER_S);
	EXPECT_TRUE(passes(CASE(self)));
}

/* Accesses that the VMM serves: its time counts, too; what KVM serves itself is none of them. */
TEST_F(doctor, storm_io)
{
	static const struct {
		__u32 vendor, reason;
	} how[] = {
		{ KVMETER_VENDOR_VMX, VMX_IO },
		{ KVMETER_VENDOR_VMX, VMX_EPT_MISCONFIG },
		{ KVMETER_VENDOR_SVM, SVM_NPF },
	};
	struct kvmeter_exit *e;
	unsigned int i;

	for (i = 0; i < NR(how); i++) {
		self->c.fake->host.vendor = how[i].vendor;
		e = exits(CASE(self), 1, how[i].reason, 4000, NS_PER_S / 2);
		e->user_exits = 2000;
		e->vmm_ns = 3 * NS_PER_S / 4;
		ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_IO));
		EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
		e->vmm_ns--;
		EXPECT_TRUE(passes(CASE(self)));
		e->vmm_ns++;
		e->user_exits = 1999;
		e->vmm_ns += NS_PER_S;
		EXPECT_TRUE(passes(CASE(self)));
	}
}

/* Without sub-reasons it may be timers or IPIs; if all of them are too few it is neither. */
TEST_F(doctor, storm_msr)
{
	struct kvmeter_exit *e = exits(CASE(self), 1, VMX_MSR_WRITE, 2000, NS_PER_S);

	sub(CASE(self), 0, KVMETER_SUB_MSR_WRITE, 0xc0000080, 2000, NS_PER_S);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_MSR));
	EXPECT_EQ(1, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_STREQ("exits, most time for MSR_WRITE 0xc0000080",
		     self->findings.list[0].figures[1].name);
	e->count = 1999;
	EXPECT_TRUE(passes(CASE(self)));
	self->c.fake->host.features &= ~KVMETER_FEATURE_SUB;
	EXPECT_TRUE(passes(CASE(self)));
	e->count = 2000;
	examine(CASE(self));
	EXPECT_EQ(1, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_EQ(KVMETER_RULE_STORM_MSR, self->findings.list[0].rule);
	ASSERT_EQ(2, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_NOT_KNOWN));
	EXPECT_EQ(KVMETER_RULE_STORM_TIMER, self->findings.list[1].rule);
	EXPECT_EQ(KVMETER_RULE_STORM_IPI, self->findings.list[2].rule);
	EXPECT_NE(NULL, strstr(self->findings.list[1].what, "subreasons"));
}

TEST_F(doctor, storm_other)
{
	struct kvmeter_exit *e = exits(CASE(self), 1, VMX_CPUID, 2000, NS_PER_S);

	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_STORM_OTHER));
	EXPECT_STREQ("exits, most time for CPUID", self->findings.list[0].figures[1].name);
	e->kernel_ns--;
	EXPECT_TRUE(passes(CASE(self)));
	/* to halt is no storm */
	e = exits(CASE(self), 1, VMX_HLT, 100000, 5 * NS_PER_S);
	EXPECT_TRUE(passes(CASE(self)));
}

TEST_F(doctor, nested)
{
	struct kvmeter_exit *e = exits(CASE(self), 1, VMX_CPUID, 2000, NS_PER_S / 2);

	e->level = 2;
	exits(CASE(self), 2, VMX_VMRESUME, 2000, NS_PER_S / 2);
	ASSERT_TRUE(finds(CASE(self), KVMETER_RULE_NESTED));
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.1) < 1e-9);
	e->kernel_ns--;
	EXPECT_TRUE(passes(CASE(self)));
}

TEST_F(doctor, no_reasons)
{
	unsigned int i;

	self->c.fake->host.reason_source = KVMETER_REASON_NONE;
	examine(CASE(self));
	/* huge pages, five storms, nested */
	ASSERT_EQ(7, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_NOT_KNOWN));
	for (i = 0; i < 7; i++)
		EXPECT_STREQ("exit reasons cannot be read on this host",
			     self->findings.list[i].what);
}

/* A migration at 32 MiB/s and 300 ms: it ends if its guest dirties less than that, and not above.
 */
static void migrate(struct doctor_case *d, double dirtied_mib_s)
{
	struct kvmeter_vcpu *v = &d->c->fake->vcpus[0];

	d->c->fake->vms[3].log_state = KVMETER_LOG_BITMAP;
	d->c->fake->host.features = FEATURES;
	d->c->m->round[0].dirtied_pages = dirtied_mib_s * 8 * PAGES_PER_MIB;
	d->c->m->round[1].to_send_pages = d->c->m->round[0].dirtied_pages;
	d->c->d->sync_pages = d->c->m->round[0].dirtied_pages;
	v->pml_dups = 0;
	v->pml_pages = dirtied_mib_s * 9 * PAGES_PER_MIB;
	reader_case_take(d->c, 0, 9 * NS_PER_S);
	forget(d->doctor, d->findings, d->looked);
	reader_case_take(d->c, 1, 10 * NS_PER_S);
	reader_case_subtract(d->c);
	kvmeter_doctor_look(d->doctor, &d->c->report);
	*d->looked = true;
	d->doctor->idle = 1;
	d->doctor->nr_nodes = 1;
	judge(d);
}

TEST_F(doctor, migration)
{
	const struct kvmeter_finding *f;
	struct kvmeter_forecast_plan plan;

	reader_case_put(&self->c);
	ASSERT_EQ(0, reader_migration_init(&self->c));
	migrate(CASE(self), 33);
	f = only(CASE(self), KVMETER_RULE_MIGRATION, KVMETER_VERDICT_FOUND);
	ASSERT_NE(NULL, f);
	EXPECT_NE(NULL, strstr(f->remedy, "kvmeter autoconverge 12-3 on"));
	EXPECT_NE(NULL, strstr(f->remedy, "virsh migrate-setspeed web "));
	EXPECT_NE(NULL, strstr(f->remedy, "kvmeter quota 12-3 "));
	/* what is said to make it end does */
	ASSERT_TRUE(kvmeter_migrate_plan(self->doctor.vms[0].vm, 10 * NS_PER_S, 0, &plan));
	plan.bandwidth_bytes_s = self->doctor.vms[0].migration.min_bandwidth_bytes_s;
	kvmeter_forecast_run(&plan, &self->doctor.vms[0].migration.outlook.f);
	EXPECT_TRUE(self->doctor.vms[0].migration.outlook.f.converges);
	EXPECT_LE(32.0 * MIB, plan.bandwidth_bytes_s);
	EXPECT_GE(36.0 * MIB, plan.bandwidth_bytes_s);
	migrate(CASE(self), 31);
	EXPECT_EQ(0, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_EQ(KVMETER_RULE_NR, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_PASSED));
}

TEST_F(doctor, migration_not_known)
{
	reader_case_put(&self->c);
	ASSERT_EQ(0, reader_migration_init(&self->c));
	self->c.m->nr_rounds = 1;
	migrate(CASE(self), 33);
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_MIGRATION));
	/* one that is stopped comes to its end */
	self->c.m->nr_rounds = 2;
	self->c.m->why = KVMETER_WHY_STOPPED;
	migrate(CASE(self), 33);
	EXPECT_EQ(0, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	EXPECT_EQ(0, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_NOT_KNOWN));
	self->doctor.vms[0].vm = &self->c.delta.vms[0];
	self->c.delta.vms[0].v.log_state = KVMETER_LOG_RING;
	judge(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_MIGRATION));
	self->c.delta.host.features &= ~KVMETER_FEATURE_SYNC;
	judge(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_MIGRATION));
}

TEST_F(doctor, headroom)
{
	look(CASE(self));
	self->doctor.idle = 0.1999;
	judge(CASE(self));
	ASSERT_NE(NULL, only(CASE(self), KVMETER_RULE_HEADROOM, KVMETER_VERDICT_FOUND));
	EXPECT_EQ(0, self->findings.list[0].nr_vms);
	EXPECT_TRUE(fabs(self->findings.list[0].cost_cpus - 0.0004) < 1e-9);
	self->doctor.idle = 0.2;
	judge(CASE(self));
	EXPECT_EQ(0, kvmeter_findings_count(&self->findings, KVMETER_VERDICT_FOUND));
	self->doctor.idle = -1;
	judge(CASE(self));
	EXPECT_TRUE(knows_not(CASE(self), KVMETER_RULE_HEADROOM));
	EXPECT_STREQ("/proc/stat cannot be read", self->findings.list[0].what);
	self->doctor.is_live = false;
	judge(CASE(self));
	EXPECT_STREQ("a recording does not have it", self->findings.list[0].what);
}

TEST(cpus_of_stat)
{
	static const char *const texts[] = {
		"cpu  100 0 50 700 50 10 20 70 30 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\n",
		"cpu  200 0 150 740 60 10 70 70 30 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\n",
		"cpu  200 0 150 730 60 10 70 70\ncpu0 1 2 3 4\n",
		"nothing\n",
	};
	struct kvmeter_doctor_cpus cpus[NR(texts)];
	struct kvmeter_doctor doctor = { .idle = -1 };
	unsigned int i;
	FILE *stat;

	for (i = 0; i < NR(texts); i++) {
		stat = open_text(texts[i]);
		EXPECT_EQ(i < 3, kvmeter_doctor_parse_cpus(stat, &cpus[i]));
		fclose(stat);
	}
	EXPECT_EQ(2, cpus[0].nr);
	EXPECT_EQ(1000, cpus[0].all);
	EXPECT_EQ(250, cpus[0].busy);
	kvmeter_doctor_add_cpus(&doctor, &cpus[0], &cpus[1]);
	EXPECT_EQ(2, doctor.nr_cpus);
	EXPECT_TRUE(fabs(doctor.idle - 50.0 / 300) < 1e-9);
	/* idle time that was taken back; no time passed; nothing known */
	kvmeter_doctor_add_cpus(&doctor, &cpus[0], &cpus[2]);
	EXPECT_TRUE(doctor.idle >= 0 && doctor.idle <= 1);
	doctor.idle = -1;
	kvmeter_doctor_add_cpus(&doctor, &cpus[1], &cpus[1]);
	EXPECT_EQ(-1, doctor.idle);
	kvmeter_doctor_add_cpus(&doctor, &(struct kvmeter_doctor_cpus){}, &cpus[1]);
	EXPECT_EQ(-1, doctor.idle);
}

static void provoke_three(const struct doctor_case *d)
{
	blame(d, 1, 1, KVMETER_THIEF_LIMIT, 3 * NS_PER_S);
	strcpy(blame(d, 2, 1, KVMETER_THIEF_PROCESS, NS_PER_S)->comm, "hog");
	exits(d, 1, VMX_CPUID, 50000, 2 * NS_PER_S);
}

static void print_json(const struct reader_case *c)
{
	struct kvmeter_findings findings = {};
	struct kvmeter_doctor doctor;

	kvmeter_doctor_look(&doctor, &c->report);
	kvmeter_rules_judge(&doctor, &findings);
	if (c->args.json)
		kvmeter_doctor_print_json(&c->report, &findings);
	else
		kvmeter_doctor_print(&c->report, &findings, 80);
	kvmeter_findings_put(&findings);
	kvmeter_doctor_put(&doctor);
}

/* Most costly first; each rule is named, and why it is not known. */
TEST_F(doctor, json)
{
	static const char *const first[] = { "cpu-limit", "storm-other", "noisy-neighbour" };
	struct json_object *doc, *results, *result;
	unsigned int i, rule, nr;

	provoke_three(CASE(self));
	look(CASE(self));
	self->c.args.json = true;
	doc = json_tokener_parse(reader_case_show(&self->c, print_json));
	ASSERT_NE(NULL, doc);
	EXPECT_EQ(3, json_object_get_int(reader_get(doc, "found")));
	EXPECT_EQ(2, json_object_get_int(reader_get(doc, "not_known")));
	results = reader_get(doc, "results");
	ASSERT_EQ(KVMETER_RULE_NR, json_object_array_length(results));
	for (i = 0; i < 3; i++) {
		result = json_object_array_get_idx(results, i);
		EXPECT_STREQ(first[i], json_object_get_string(reader_get(result, "rule")));
		EXPECT_STREQ("found", json_object_get_string(reader_get(result, "result")));
		EXPECT_LT(0, json_object_array_length(reader_get(result, "evidence")));
		EXPECT_NE(NULL, reader_get(result, "remedy"));
	}
	result = json_object_array_get_idx(results, 0);
	EXPECT_EQ(0.3, json_object_get_double(reader_get(result, "cost_cpus")));
	for (rule = 0; rule < KVMETER_RULE_NR; rule++) {
		nr = 0;
		for (i = 0; i < KVMETER_RULE_NR; i++) {
			result = json_object_array_get_idx(results, i);
			nr += !strcmp(kvmeter_rules[rule].name,
				      json_object_get_string(reader_get(result, "rule")));
		}
		EXPECT_EQ(1, nr);
	}
	json_object_put(doc);
}

TEST_F(doctor, text)
{
	const char *s;

	provoke_three(CASE(self));
	look(CASE(self));
	reader_case_show(&self->c, print_json);
	EXPECT_STREQ("10.0 s, 3 VMs: 3 found, most costly first; not known: 2; passed: 9",
		     reader_case_find_line(&self->c, "10.0 s"));
	EXPECT_STREQ("1. cpu-limit: costs 0.300 CPUs, web (12-3)",
		     reader_case_find_line(&self->c, "1. "));
	EXPECT_STREQ("   - 15 %: held back (threshold: 5 %)",
		     reader_case_find_line(&self->c, "   - 15"));
	EXPECT_STREQ("   headroom: /proc/stat cannot be read",
		     reader_case_find_line(&self->c, "   headroom"));
	for (s = self->c.text; *s; s += strcspn(s, "\n") + 1)
		EXPECT_GE(80, strcspn(s, "\n"));
}

/* What a shell would make something of is no name in a command. */
TEST(domains)
{
	static const struct {
		const char *name, *domain;
	} cases[] = {
		{ "web-1.example_x", "web-1.example_x" },
		{ "", "DOMAIN" },
		{ "-rf", "DOMAIN" },
		{ "a b", "DOMAIN" },
		{ "$(reboot)", "DOMAIN" },
		{ "x;y", "DOMAIN" },
		{ "\\x1b", "DOMAIN" },
	};
	struct kvmeter_snap_vm vm = {};
	unsigned int i;

	for (i = 0; i < NR(cases); i++) {
		vm.name = cases[i].name;
		EXPECT_STREQ(cases[i].domain, kvmeter_finding_domain(&vm));
	}
}

/* Each rule says what it is, where it begins and why there. */
TEST(rules)
{
	static const double thresholds[KVMETER_RULE_NR] = { 10, 5, 5, 1, 20, 5, 5,
							    5,	5, 5, 5, 5,  1, 20 };
	unsigned int i;

	for (i = 0; i < KVMETER_RULE_NR; i++) {
		ASSERT_NE(NULL, kvmeter_rules[i].name);
		EXPECT_EQ(thresholds[i], kvmeter_rules[i].threshold);
		EXPECT_LT(10, strlen(kvmeter_rules[i].compared));
		EXPECT_LT(10, strlen(kvmeter_rules[i].meaning));
		EXPECT_LT(10, strlen(kvmeter_rules[i].source));
		EXPECT_NE(NULL, strstr(kvmeter_help_doctor, kvmeter_rules[i].name));
	}
}

TEST_HARNESS_MAIN
