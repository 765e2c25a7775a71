// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever a guest does, and its VMM, all is counted once, the host lives, and nobody else is
 * harmed.
 *
 * One VM after another runs hostile.S, which does at random all that causes exits, as fast as it
 * can. Meanwhile its VMM changes its memory slots, has its memory logged by one means or another,
 * sends it interrupts, and puts random state into the vCPU. KVMETER_SEED repeats the numbers,
 * KVMETER_LONG=1 goes on for ten minutes.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#include "bystander.h"
#include "fuzz.h"
#include "hostile.h"
#include "host.h"
#include "meter.h"
#include "nested.h"
#include "random.h"
#include "reason.h"
#include "session.h"

#define LONG_SECONDS 600
#define SHORT_SECONDS 5
#define PATIENCE 10

#define LOAD_PARAMS "max_vms=64 max_vcpus=64 subreasons=1"
#define DATA_PAGES 256
#define RING_ENTRIES 4096
#define VM_NS 400000000ull
#define RESETS_MAX 2000
#define TRACED_EACH 3
#define LEFT_KIB 6144
/* KVM says at most so much of a guest in each second, by its own limits. */
#define MESSAGES_MAX 200
#define MESSAGES_A_SECOND 60

/* A slot that comes, goes and moves; hostile.S writes to both places. */
#define OTHER_SLOT 5
#define OTHER_ADDR 0x40000000u
#define MOVED_ADDR 0x50000000u
#define OTHER_BYTES (64 * VMM_PAGE_BYTES)

/* The first exits of a vCPU have no sub-reason: how reasons are told is still being proven. */
#define PROOFS_MAX 200

#define REASONS_MAX 256
#define CPUID_ENTRIES 256
#define MSR_VM_HSAVE_PA 0xc0010117
#define MSR_FEATURE_CONTROL 0x3a
#define MSR_VMX_BASIC 0x480
#define EFER_SVME 0x1000
#define CR0_PG_PE 0x80000011u
#define CR4_PSE 0x10
#define CR4_OSXSAVE 0x40000
#define CPUID_XSAVE (1u << 26)

enum log { LOG_NONE, LOG_BITMAP, LOG_RING, LOG_SWITCHED, LOG_NR };

struct counted {
	uint32_t reason, level;
	uint64_t count;
};

FIXTURE(hostile)
{
	struct meter meter;
	struct bystander bystander;
	struct bystander_host before;

	/* The VM of the moment. */
	struct vmm vm;
	enum log log;
	bool irqchip, user_msrs, xsave, traced, dead;
	struct kvm_sregs sregs;
	struct kvm_lapic_state apic;
	uint8_t *snapshot;
	uint64_t *logged;
	void *other;
	pthread_mutex_t log_mutex;
	pthread_t self, meddler;
	atomic_bool stop;
	unsigned int resets;

	/* All of them. */
	uint64_t vms, deaths, exits, all_resets, checks, missed, ops, faults, entries;
	uint64_t user_exit[64];
	unsigned int nr_counted;
	struct counted counted[REASONS_MAX];
};

static double seconds(void)
{
	return host_is_long() ? LONG_SECONDS : SHORT_SECONDS * host_slowness();
}

static void on_signal(int nr)
{
	(void)nr;
}

/* ---- the guest's memory and state ---- */

static uint32_t at(const char *code)
{
	return HOSTILE_ADDR + (uint32_t)(code - hostile_begin);
}

static void put32(FIXTURE_DATA(hostile) * t, uint32_t addr, uint32_t value)
{
	memcpy(t->vm.ram + addr, &value, sizeof(value));
}

static void put64(FIXTURE_DATA(hostile) * t, uint32_t addr, uint64_t value)
{
	memcpy(t->vm.ram + addr, &value, sizeof(value));
}

static uint32_t get32(const FIXTURE_DATA(hostile) * t, uint32_t addr)
{
	uint32_t value;

	memcpy(&value, t->vm.ram + addr, sizeof(value));
	return value;
}

static void fill_idt(FIXTURE_DATA(hostile) * t)
{
	uint32_t vector, entry;

	for (vector = 0; vector < 256; vector++) {
		entry = at(vector < HOSTILE_FIRST_IRQ ? hostile_fault : hostile_irq);
		put32(t, HOSTILE_IDT + 8 * vector, HOSTILE_CODE_SEL << 16 | (entry & 0xffff));
		put32(t, HOSTILE_IDT + 8 * vector + 4, (entry & 0xffff0000) | 0xee00);
	}
}

/* A task of 32 bits that goes on with the next operation. */
static void fill_tss(FIXTURE_DATA(hostile) * t, uint32_t addr)
{
	static const uint32_t data_sels[] = { 72, 80, 84, 88, 92 };
	unsigned int i;

	memset(t->vm.ram + addr, 0, 104);
	put32(t, addr + 28, HOSTILE_PAGE_DIR);
	put32(t, addr + 32, at(hostile_next));
	put32(t, addr + 36, 2);
	put32(t, addr + 56, HOSTILE_STACK);
	for (i = 0; i < ARRAY_SIZE(data_sels); i++)
		put32(t, addr + data_sels[i], HOSTILE_DATA_SEL);
	put32(t, addr + 76, HOSTILE_CODE_SEL);
}

static uint64_t tss_descriptor(uint32_t addr, uint64_t type)
{
	return 103 | (uint64_t)(addr & 0xffffff) << 16 | (0x80 | type) << 40 |
		(uint64_t)(addr >> 24) << 56;
}

/* Offsets in the VMCB: AMD APM vol. 2, appendix B. */
static void fill_vmcb(FIXTURE_DATA(hostile) * t)
{
	const uint32_t v = HOSTILE_GOOD_VMCB;

	memset(t->vm.ram + v, 0, VMM_PAGE_BYTES);
	put32(t, v + 0x00c, 0x10040000 | 1u << 31); /* CPUID, MSR, shutdown */
	put32(t, v + 0x010, 3);			    /* VMRUN, VMMCALL */
	put64(t, v + 0x048, HOSTILE_DATA);	    /* MSR permissions: whatever is there */
	put32(t, v + 0x058, 1);
	put64(t, v + 0x400, 0xffffffffull << 32 | 0xc93 << 16 | HOSTILE_DATA_SEL);
	put64(t, v + 0x410, 0xffffffffull << 32 | 0xc9b << 16 | HOSTILE_CODE_SEL);
	put64(t, v + 0x420, 0xffffffffull << 32 | 0xc93 << 16 | HOSTILE_DATA_SEL);
	put64(t, v + 0x430, 0xffffffffull << 32 | 0xc93 << 16 | HOSTILE_DATA_SEL);
	put64(t, v + 0x4d0, EFER_SVME);
	put64(t, v + 0x558, 0x11);
	put64(t, v + 0x560, 0x400);
	put64(t, v + 0x568, 0xffff0ff0);
	put64(t, v + 0x570, 2);
	put64(t, v + 0x578, at(hostile_nested));
	memcpy(t->vm.ram + HOSTILE_VMCB, t->vm.ram + v, VMM_PAGE_BYTES);
}

static void fill_memory(FIXTURE_DATA(hostile) * t)
{
	uint32_t i;

	t->ops += get32(t, HOSTILE_DONE);
	t->faults += get32(t, HOSTILE_FAULTS);
	memcpy(t->vm.ram + HOSTILE_ADDR, hostile_begin, (size_t)(hostile_end - hostile_begin));
	memset(t->vm.ram + HOSTILE_STATE, 0, VMM_PAGE_BYTES);
	put32(t, HOSTILE_RANDOM, (uint32_t)random_u64() | 1);
	put32(t, HOSTILE_RESUME, at(hostile_next));
	put32(t, HOSTILE_OPS_NR, (uint32_t)(hostile_end - hostile_ops) / 4);
	/* A string that begins at the last of it goes on for a page at most. */
	put32(t, HOSTILE_RAM, (DATA_PAGES - 1) * VMM_PAGE_BYTES);
	fill_idt(t);
	put64(t, HOSTILE_GDT, 0);
	put64(t, HOSTILE_GDT + HOSTILE_CODE_SEL, 0x00cf9b000000ffff);
	put64(t, HOSTILE_GDT + HOSTILE_DATA_SEL, 0x00cf93000000ffff);
	put64(t, HOSTILE_GDT + HOSTILE_TSS_SEL, tss_descriptor(HOSTILE_TSS, 11));
	put64(t, HOSTILE_GDT + HOSTILE_OTHER_TSS_SEL, tss_descriptor(HOSTILE_OTHER_TSS, 9));
	fill_tss(t, HOSTILE_TSS);
	fill_tss(t, HOSTILE_OTHER_TSS);
	put32(t, HOSTILE_SMM, 0xaa0f); /* RSM */
	/* Pages of 4 MiB: present, written, accessed, dirty. */
	for (i = 0; i < 1024; i++)
		put32(t, HOSTILE_PAGE_DIR + 4 * i, i << 22 | 0xe3);
	fill_vmcb(t);
}

/* What the VMM writes is in nobody's log. */
static void fill_memory_and_snapshot(FIXTURE_DATA(hostile) * t)
{
	fill_memory(t);
	if (t->snapshot)
		memcpy(t->snapshot, t->vm.ram, VMM_DATA_ADDR);
}

static struct vmm_vcpu *vcpu_of(FIXTURE_DATA(hostile) * t)
{
	return &t->vm.vcpu[0];
}

static int set_msr(FIXTURE_DATA(hostile) * t, uint32_t index, uint64_t value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(vcpu_of(t)->fd, KVM_SET_MSRS, &msr);
}

/* The first words of regions for VMX have to be the CPU's number for their layout. */
static void fill_vmx(FIXTURE_DATA(hostile) * t)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = MSR_VMX_BASIC } };

	if (ioctl(vcpu_of(t)->fd, KVM_GET_MSRS, &msr) != 1)
		return;
	put32(t, HOSTILE_VMX, (uint32_t)msr.entry.data);
	put32(t, HOSTILE_VMX + VMM_PAGE_BYTES, (uint32_t)msr.entry.data);
}

/* All that KVM can give it, virtualisation included; of Bochs' CPU later kernels take no XSAVE. */
static int set_cpuid(FIXTURE_DATA(hostile) * t)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
	} cpuid;
	uint32_t i;

	cpuid.head.nent = CPUID_ENTRIES;
	if (ioctl(t->vm.kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) ||
	    ioctl(vcpu_of(t)->fd, KVM_SET_CPUID2, &cpuid))
		return -errno;
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == 1)
			t->xsave = cpuid.entry[i].ecx & CPUID_XSAVE;
	return 0;
}

static int init_sregs(FIXTURE_DATA(hostile) * t)
{
	struct kvm_sregs *s = &t->sregs;

	if (ioctl(vcpu_of(t)->fd, KVM_GET_SREGS, s))
		return -errno;
	s->gdt.base = HOSTILE_GDT;
	s->gdt.limit = HOSTILE_OTHER_TSS_SEL + 7;
	s->idt.base = HOSTILE_IDT;
	s->idt.limit = 256 * 8 - 1;
	s->tr = (struct kvm_segment){ .base = HOSTILE_TSS,
				      .limit = 103,
				      .type = 11,
				      .present = 1,
				      .selector = HOSTILE_TSS_SEL };
	s->cr0 |= CR0_PG_PE;
	s->cr3 = HOSTILE_PAGE_DIR;
	s->cr4 |= CR4_PSE;
	/* XSETBV is unknown without it. */
	if (t->xsave)
		s->cr4 |= CR4_OSXSAVE;
	if (!vmm_is_intel() && nested_has_svm())
		s->efer |= EFER_SVME;
	return 0;
}

/* Where the guest begins, from wherever it is: out of SMM, out of a nested guest, and so on. */
static int reset(FIXTURE_DATA(hostile) * t)
{
	struct kvm_nested_state nested = {
		.format =
			vmm_is_intel() ? KVM_STATE_NESTED_FORMAT_VMX : KVM_STATE_NESTED_FORMAT_SVM,
		.flags = vmm_is_intel() ? 0 : KVM_STATE_NESTED_GIF_SET,
		.size = sizeof(nested),
	};
	struct kvm_regs regs = { .rip = at(hostile_next), .rflags = 2, .rsp = HOSTILE_STACK };
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_vcpu_events events = { .flags = KVM_VCPUEVENT_VALID_SMM };
	struct kvm_debugregs debug = { .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	struct kvm_guest_debug no_debug = {};
	int fd = vcpu_of(t)->fd;

	t->resets++;
	if (vmm_is_intel()) {
		nested.hdr.vmx.vmxon_pa = UINT64_MAX;
		nested.hdr.vmx.vmcs12_pa = UINT64_MAX;
	}
	ioctl(fd, KVM_SET_MP_STATE, &state);
	ioctl(fd, KVM_SET_VCPU_EVENTS, &events);
	ioctl(fd, KVM_SET_NESTED_STATE, &nested);
	ioctl(fd, KVM_SET_GUEST_DEBUG, &no_debug);
	ioctl(fd, KVM_SET_DEBUGREGS, &debug);
	if (t->irqchip)
		ioctl(fd, KVM_SET_LAPIC, &t->apic);
	fill_memory_and_snapshot(t);
	if (ioctl(fd, KVM_SET_SREGS, &t->sregs) || ioctl(fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

/* ---- the dirty log ---- */

static size_t pages_of(const FIXTURE_DATA(hostile) * t)
{
	return t->vm.ram_bytes / VMM_PAGE_BYTES;
}

static bool is_checked(const FIXTURE_DATA(hostile) * t)
{
	return t->log == LOG_BITMAP || t->log == LOG_RING;
}

static int take_log_locked(FIXTURE_DATA(hostile) * t)
{
	int ret = vmm_take_dirty(&t->vm);
	size_t i;

	for (i = 0; !ret && i < pages_of(t) / 64; i++)
		t->logged[i] |= t->vm.dirty[i];
	return ret;
}

static void take_log(FIXTURE_DATA(hostile) * t)
{
	if (!is_checked(t))
		return;
	pthread_mutex_lock(&t->log_mutex);
	take_log_locked(t);
	pthread_mutex_unlock(&t->log_mutex);
}

/*
 * Later kernels give up a VM whose memory for SMM cannot be written: from then on it refuses all
 * that is asked of it with EIO.
 */
static bool look_whether_dead(FIXTURE_DATA(hostile) * t)
{
	t->dead = ioctl(vcpu_of(t)->fd, KVM_NMI) && errno == EIO;
	return t->dead;
}

/* Those that are not the same as last time were logged since. */
static void check_pages(FIXTURE_DATA(hostile) * t)
{
	size_t i, at;

	for (i = 0; i < pages_of(t); i++) {
		at = i * VMM_PAGE_BYTES;
		if (!memcmp(t->snapshot + at, t->vm.ram + at, VMM_PAGE_BYTES))
			continue;
		if (!(t->logged[i / 64] >> i % 64 & 1)) {
			if (!t->missed++)
				printf("# page %zu was written to and is not in the log\n", i);
		}
		memcpy(t->snapshot + at, t->vm.ram + at, VMM_PAGE_BYTES);
	}
	memset(t->logged, 0, pages_of(t) / 8);
	t->checks++;
}

/*
 * The guest is out of KVM_RUN. The log of a VM that KVM has given up went with it, and that may
 * come to light here: KVM_RUN says that a signal came, if one did.
 */
static void check_log(FIXTURE_DATA(hostile) * t)
{
	int ret;

	if (!is_checked(t) || t->dead)
		return;
	pthread_mutex_lock(&t->log_mutex);
	ret = take_log_locked(t);
	if (!ret)
		check_pages(t);
	pthread_mutex_unlock(&t->log_mutex);
	if (!ret || look_whether_dead(t))
		return;
	printf("# the log of %d cannot be taken: %d\n", t->log, ret);
	t->missed++;
}

/* ---- what the VMM does meanwhile, in a thread of its own ---- */

static void change_slot(FIXTURE_DATA(hostile) * t)
{
	uint32_t flags = 0;
	uint64_t addr = fuzz_chance(2) ? OTHER_ADDR : MOVED_ADDR;

	if (fuzz_chance(2))
		flags |= KVM_MEM_LOG_DIRTY_PAGES;
	if (fuzz_chance(4))
		flags |= KVM_MEM_READONLY;
	if (vmm_set_region(&t->vm, OTHER_SLOT, flags, addr, t->other,
			   fuzz_chance(3) ? 0 : OTHER_BYTES))
		vmm_set_region(&t->vm, OTHER_SLOT, 0, addr, t->other, 0);
}

static void send_interrupt(FIXTURE_DATA(hostile) * t)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000u,
			       .data = (uint32_t)random_in(0x40, 0x100) };
	struct kvm_irq_level line = { .irq = (uint32_t)random_in(0, 24), .level = 1 };

	if (!t->irqchip)
		return;
	if (fuzz_chance(4))
		msi.data = (uint32_t)random_u64();
	ioctl(t->vm.fd, KVM_SIGNAL_MSI, &msi);
	ioctl(t->vm.fd, KVM_IRQ_LINE, &line);
	line.level = 0;
	ioctl(t->vm.fd, KVM_IRQ_LINE, &line);
}

static void set_quota(FIXTURE_DATA(hostile) * t, uint64_t bytes)
{
	const struct kvmeter_vm *vm = meter_vm(&t->meter, t->vm.fd);
	struct kvmeter_quota a = { .abi = KVMETER_ABI, .bytes_per_s = bytes };

	if (!vm)
		return;
	a.vm = (uint32_t)(vm - (const struct kvmeter_vm *)t->meter.map[KVMETER_MAP_VMS]);
	a.vm_gen = vm->gen;
	ioctl(t->meter.dev, KVMETER_QUOTA, &a);
}

static void use_session(FIXTURE_DATA(hostile) * t, struct session *s, bool *on)
{
	if (*on)
		session_stop(s);
	*on = !*on &&
		!session_start(s, t->meter.dev, t->vm.fd, is_checked(t) ? KVMETER_DIRTY_OBSERVE : 0,
			       KVMETER_INTERVAL_MIN_NS);
}

static void *meddle(void *arg)
{
	FIXTURE_DATA(hostile) *t = arg;
	struct kvm_clock_data clock = {};
	struct session session;
	bool on = false;

	random_seed += (uintptr_t)t->vm.fd + t->vms;
	while (!t->stop) {
		switch (random_in(0, 16)) {
		case 0:
			change_slot(t);
			break;
		case 1:
			send_interrupt(t);
			break;
		case 2:
			take_log(t);
			break;
		case 3:
			if (t->log == LOG_SWITCHED)
				vmm_set_log(&t->vm, fuzz_chance(2));
			break;
		case 4:
			vcpu_of(t)->run->immediate_exit = 1;
			break;
		case 5:
			ioctl(t->vm.fd, KVM_SET_CLOCK, &clock);
			break;
		case 6:
			if (fuzz_chance(8))
				use_session(t, &session, &on);
			break;
		case 7:
			set_quota(t, fuzz_chance(2) ? 0 : KVMETER_QUOTA_MIN << random_in(4, 16));
			break;
		default:
			pthread_kill(t->self, SIGUSR1);
			break;
		}
		usleep((useconds_t)random_in(300, 3000));
	}
	if (on)
		session_stop(&session);
	return NULL;
}

/* ---- what it does to the vCPU between two runs ---- */

#define MUTATE(type, get, set)                                  \
	do {                                                    \
		type mutated;                                   \
		if (!ioctl(fd, get, &mutated)) {                \
			fuzz_mutate(&mutated, sizeof(mutated)); \
			ioctl(fd, set, &mutated);               \
		}                                               \
	} while (0)

static void meddle_with_state(FIXTURE_DATA(hostile) * t)
{
	struct kvm_interrupt irq = { .irq = (uint32_t)random_in(0, 256) };
	struct kvm_guest_debug debug = { .control = (uint32_t)random_in(0, 8) };
	int fd = vcpu_of(t)->fd;

	switch (random_in(0, 40)) {
	case 0:
		MUTATE(struct kvm_regs, KVM_GET_REGS, KVM_SET_REGS);
		break;
	case 1:
		MUTATE(struct kvm_sregs, KVM_GET_SREGS, KVM_SET_SREGS);
		break;
	case 2:
		MUTATE(struct kvm_vcpu_events, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS);
		break;
	case 3:
		MUTATE(struct kvm_debugregs, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS);
		break;
	case 4:
		MUTATE(struct kvm_mp_state, KVM_GET_MP_STATE, KVM_SET_MP_STATE);
		break;
	case 5:
		if (t->irqchip)
			MUTATE(struct kvm_lapic_state, KVM_GET_LAPIC, KVM_SET_LAPIC);
		break;
	case 6:
		MUTATE(struct kvm_fpu, KVM_GET_FPU, KVM_SET_FPU);
		break;
	case 7:
		set_msr(t, (uint32_t)fuzz_value(), fuzz_value());
		break;
	case 8:
		ioctl(fd, KVM_SET_GUEST_DEBUG, &debug);
		break;
	case 9:
		ioctl(fd, KVM_SMI);
		break;
	case 10:
	case 11:
		ioctl(fd, KVM_INTERRUPT, &irq);
		break;
	case 12:
	case 13:
	case 14:
		ioctl(fd, KVM_NMI);
		break;
	case 15:
	case 16:
		check_log(t);
		break;
	case 17:
		reset(t);
		break;
	}
}

/* ---- a VM's life ---- */

static void answer(struct kvm_run *run)
{
	uint64_t value = random_u64();
	uint32_t i;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.direction == KVM_EXIT_IO_IN)
			for (i = 0; i < run->io.size * run->io.count; i++)
				((uint8_t *)run)[run->io.data_offset + i] =
					(uint8_t)(value >> i % 8);
		break;
	case KVM_EXIT_MMIO:
		if (!run->mmio.is_write)
			memcpy(run->mmio.data, &value, sizeof(value));
		break;
	case KVM_EXIT_X86_RDMSR:
		run->msr.data = value;
		run->msr.error = value % 3 == 0;
		break;
	case KVM_EXIT_X86_WRMSR:
		run->msr.error = value % 3 == 0;
		break;
	}
}

/* Returns 0, or what KVM_RUN says where there is nothing to go on with. */
static int run_once(FIXTURE_DATA(hostile) * t)
{
	struct kvm_run *run = vcpu_of(t)->run;
	int err;

	t->entries++;
	if (ioctl(vcpu_of(t)->fd, KVM_RUN, NULL)) {
		t->user_exit[63]++;
		run->immediate_exit = 0;
		err = errno;
		if (err == EIO && look_whether_dead(t))
			return -EIO;
		if (err != EINTR && err != EAGAIN)
			return reset(t);
		meddle_with_state(t);
		return 0;
	}
	t->user_exit[run->exit_reason < 63 ? run->exit_reason : 62]++;
	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
	case KVM_EXIT_FAIL_ENTRY:
	case KVM_EXIT_INTERNAL_ERROR:
	case KVM_EXIT_SYSTEM_EVENT:
		return reset(t);
	case KVM_EXIT_DIRTY_RING_FULL:
		take_log(t);
		break;
	default:
		answer(run);
		break;
	}
	return 0;
}

static int begin_vm(FIXTURE_DATA(hostile) * t)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = { KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL },
	};
	struct vmm_options options = {};
	int ret;

	t->log = (enum log)(t->vms % LOG_NR);
	t->dead = false;
	t->irqchip = random_in(0, 2);
	t->user_msrs = random_in(0, 2);
	options.irqchip = t->irqchip;
	options.ring_entries = t->log == LOG_RING ? RING_ENTRIES : 0;
	ret = vmm_init_with(&t->vm, 1, DATA_PAGES, &options);
	if (ret)
		return ret;
	if (t->user_msrs && ioctl(t->vm.fd, KVM_ENABLE_CAP, &cap))
		return -errno;
	if (t->irqchip && ioctl(vcpu_of(t)->fd, KVM_GET_LAPIC, &t->apic))
		return -errno;
	ret = set_cpuid(t);
	if (!ret)
		ret = init_sregs(t);
	if (ret)
		return ret;
	set_msr(t, MSR_VM_HSAVE_PA, HOSTILE_HSAVE);
	set_msr(t, MSR_FEATURE_CONTROL, 5);
	fill_vmx(t);
	if (is_checked(t))
		ret = vmm_set_log(&t->vm, true);
	if (!ret)
		ret = reset(t);
	t->resets = 0;
	t->snapshot = malloc(t->vm.ram_bytes);
	t->logged = calloc(pages_of(t) / 64, sizeof(*t->logged));
	if (!t->snapshot || !t->logged)
		return -ENOMEM;
	memcpy(t->snapshot, t->vm.ram, t->vm.ram_bytes);
	return ret;
}

static void end_vm(FIXTURE_DATA(hostile) * t)
{
	fill_memory(t);
	vmm_exit(&t->vm);
	free(t->snapshot);
	free(t->logged);
	t->snapshot = NULL;
	t->logged = NULL;
	t->all_resets += t->resets;
	t->deaths += t->dead;
	t->vms++;
}

static void add_row(FIXTURE_DATA(hostile) * t, const struct kvmeter_exit *row)
{
	struct counted *c;

	for (c = t->counted; c < t->counted + t->nr_counted; c++)
		if (c->reason == row->reason && c->level == row->level)
			break;
	if (c == t->counted + REASONS_MAX)
		return;
	if (c == t->counted + t->nr_counted)
		*c = (struct counted){ row->reason, row->level, 0 };
	t->nr_counted += c == t->counted + t->nr_counted;
	c->count += row->count;
}

/* Exits of the guest itself that have a sub-reason, but for those that found no row. */
static uint64_t exits_with_subs(const struct meter_vcpu *copy)
{
	static const uint32_t vmx[] = { VMX_CPUID,     VMX_VMCALL,	  VMX_IO, VMX_MSR_READ,
					VMX_MSR_WRITE, VMX_EPT_VIOLATION, 49 };
	static const uint32_t svm[] = { SVM_CPUID, SVM_VMMCALL, SVM_IO, SVM_MSR, SVM_NPF };
	uint64_t nr = 0;
	size_t i;

	for (i = 0; vmm_is_intel() && i < ARRAY_SIZE(vmx); i++)
		nr += meter_count(copy, vmx[i]);
	for (i = 0; !vmm_is_intel() && i < ARRAY_SIZE(svm); i++)
		nr += meter_count(copy, svm[i]);
	return nr;
}

static void check_subs(struct __test_metadata *_metadata, const struct meter_vcpu *copy)
{
	uint64_t subs = 0, exits = exits_with_subs(copy);
	uint32_t i;

	for (i = 0; i < copy->v.nr_subs; i++) {
		subs += copy->subs[i].count;
		EXPECT_LE(copy->subs[i].error, copy->subs[i].count);
	}
	EXPECT_GE(exits + copy->rows[0].count, subs);
	EXPECT_LE(exits, subs + PROOFS_MAX);
}

static void show(const FIXTURE_DATA(hostile) * t, double spent)
{
	unsigned int i;

	printf("# %llu VMs, %llu exits (%.0f a second), %llu operations, %llu faults\n",
	       (unsigned long long)t->vms, (unsigned long long)t->exits, (double)t->exits / spent,
	       (unsigned long long)t->ops, (unsigned long long)t->faults);
	printf("# %llu entries, %llu resets, %llu checks of the log; %llu VMs that KVM gave up\n",
	       (unsigned long long)t->entries, (unsigned long long)t->all_resets,
	       (unsigned long long)t->checks, (unsigned long long)t->deaths);
	for (i = 0; i < t->nr_counted; i++)
		printf("# level %u reason 0x%x: %llu\n", t->counted[i].level, t->counted[i].reason,
		       (unsigned long long)t->counted[i].count);
	for (i = 0; i < ARRAY_SIZE(t->user_exit); i++)
		if (t->user_exit[i])
			printf("# exit to the VMM %u: %llu\n", i,
			       (unsigned long long)t->user_exit[i]);
	fflush(stdout);
}

/* All that was counted of this VM, while it is there. */
static void check_vm(struct __test_metadata *_metadata, FIXTURE_DATA(hostile) * t,
		     const struct host_trace *trace)
{
	int slot = meter_vcpu_slot(&t->meter, t->vm.fd, 0);
	uint64_t now_ns, traced = 0;
	static struct meter_vcpu copy;
	uint32_t i;

	/* It may have come to its end before it was entered. */
	if (slot == -ENOENT && t->dead)
		return;
	ASSERT_LE(0, slot);
	ASSERT_EQ(0, meter_read_slot(&t->meter, (unsigned int)slot, &copy, &now_ns));
	EXPECT_STREQ("", bystander_check_copy(&copy) ?: "");
	check_subs(_metadata, &copy);
	for (i = 0; i < copy.v.nr_rows; i++)
		add_row(t, &copy.rows[i]);
	t->exits += copy.v.exits;
	if (!t->traced)
		return;
	EXPECT_EQ(0, trace->dropped);
	for (i = 0; i < trace->nr; i++)
		traced += trace->count[i];
	EXPECT_EQ(traced, copy.v.exits);
	/* Each reason, of both levels. */
	for (i = 0; i < trace->nr && copy.v.nr_rows < KVMETER_EXIT_ROWS; i++) {
		const struct kvmeter_exit *l2 = meter_row(&copy, 2, trace->reason[i]);

		EXPECT_EQ(host_trace_count(trace, trace->reason[i]),
			  meter_count(&copy, trace->reason[i]) + (l2 ? l2->count : 0));
	}
}

static void live(struct __test_metadata *_metadata, FIXTURE_DATA(hostile) * t)
{
	struct host_trace trace = {};
	uint64_t begin_ns;
	int ret = 0;

	ASSERT_EQ(0, begin_vm(t));
	t->traced = t->vms % TRACED_EACH == 0;
	if (t->traced)
		ASSERT_EQ(0, host_trace_start(&trace));
	t->stop = false;
	begin_ns = host_now_ns();
	ASSERT_EQ(0, pthread_create(&t->meddler, NULL, meddle, t));
	while (!ret && t->resets < RESETS_MAX && host_now_ns() - begin_ns < VM_NS * host_slowness())
		ret = run_once(t);
	t->stop = true;
	pthread_join(t->meddler, NULL);
	check_log(t);
	if (t->traced)
		ASSERT_EQ(0, host_trace_stop(&trace));
	check_vm(_metadata, t, &trace);
	end_vm(t);
}

FIXTURE_SETUP(hostile)
{
	struct sigaction action = { .sa_handler = on_signal };

	random_begin("KVMETER_SEED");
	TH_LOG("KVMETER_SEED=%llu", (unsigned long long)random_seed);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, host_load(LOAD_PARAMS));
	ASSERT_EQ(0, bystander_look(&self->before));
	ASSERT_EQ(0, meter_open(&self->meter));
	ASSERT_EQ(0, bystander_start(&self->bystander, &self->meter));
	self->other =
		mmap(NULL, OTHER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->other);
	pthread_mutex_init(&self->log_mutex, NULL);
	self->self = pthread_self();
}

FIXTURE_TEARDOWN(hostile)
{
	struct bystander_host after;

	bystander_exit(&self->bystander);
	munmap(self->other, OTHER_BYTES);
	EXPECT_EQ(0, ioctl(self->meter.dev, KVMETER_DETACH, 0));
	meter_close(&self->meter);
	EXPECT_EQ(0, bystander_wait_freed(&self->before, LEFT_KIB, &after));
	bystander_show(&self->before, &after);
	EXPECT_GE(MESSAGES_MAX + MESSAGES_A_SECOND * seconds(),
		  (double)(after.messages - self->before.messages));
	EXPECT_EQ(0, host_unload());
}

static bool was_reached(const FIXTURE_DATA(hostile) * t, uint32_t level, uint32_t reason)
{
	unsigned int i;

	for (i = 0; i < t->nr_counted; i++)
		if (t->counted[i].level == level && t->counted[i].reason == reason &&
		    t->counted[i].count)
			return true;
	return false;
}

static unsigned int nr_missing(const FIXTURE_DATA(hostile) * t, bool say)
{
	static const uint32_t vmx[] = { 0, 2, 10, 12, 13, 18, 28, 29, 30, 31, 32, 48, 54 };
	static const uint32_t svm[] = { 0x14, 0x46, 0x60, 0x6f, 0x72, 0x78, 0x7b,
					0x7c, 0x7f, 0x80, 0x81, 0x82, 0x89, 0x400 };
	unsigned int i, missing = 0;
	size_t nr = vmm_is_intel() ? ARRAY_SIZE(vmx) : ARRAY_SIZE(svm);

	for (i = 0; i < nr; i++) {
		uint32_t reason = vmm_is_intel() ? vmx[i] : svm[i];

		if (was_reached(t, 1, reason))
			continue;
		if (say)
			printf("# never: reason 0x%x\n", reason);
		missing++;
	}
	if (!vmm_is_intel() && !was_reached(t, 2, SVM_CPUID)) {
		if (say)
			printf("# never: CPUID of a nested guest\n");
		missing++;
	}
	fflush(stdout);
	return missing;
}

TEST_F_TIMEOUT(hostile, guest, 1800)
{
	uint64_t begin_ns = host_now_ns();
	double spent = 0;

	/* Each way to log at least once; on a busy host it takes longer until all was reached. */
	while (self->vms < 2 * LOG_NR || spent < seconds() ||
	       (nr_missing(self, false) && spent < PATIENCE * seconds())) {
		live(_metadata, self);
		spent = (double)(host_now_ns() - begin_ns) / 1e9;
	}
	show(self, spent);
	EXPECT_EQ(0, self->missed);
	EXPECT_LT(0, self->checks);
	EXPECT_EQ(0, nr_missing(self, true));
	EXPECT_EQ(0, bystander_stop(&self->bystander));
	EXPECT_STREQ("", bystander_check(&self->bystander, &self->meter) ?: "");
	EXPECT_EQ(0, meter_status("missed_probes"));
	EXPECT_EQ(0, meter_status("untracked_vms"));
	EXPECT_EQ(0, meter_status("untracked_vcpus"));
	EXPECT_EQ(0, meter_status("untracked_exits"));
	EXPECT_EQ(1, meter_wait_used(&self->meter, 1));
}

TEST_HARNESS_MAIN
