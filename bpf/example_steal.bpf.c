// SPDX-License-Identifier: GPL-2.0-only
/*
 * An example to copy: a BPF program that reads the maps of kvmeter, and tells of each vCPU that
 * waited for a CPU for more than a given share of a window of time.
 *
 *   clang -O2 -g -target bpf -c example_steal.bpf.c -o example_steal.bpf.o
 *   bpftool gen skeleton example_steal.bpf.o name example_steal_bpf >example_steal.skel.h
 *   cc -O2 -o example_steal example_steal.c -lbpf
 *
 * It runs at a clock event that the loader opens, once a window, in interrupt context: any other
 * kind of program can read the maps just so. What the fields mean is in linux/kvmeter.h and in
 * kvmeter(4).
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "example_steal.h"

/*
 * A read that the compiler neither leaves out, nor does twice, nor moves: the module may write to
 * what is read at any moment. x86-64 itself keeps reads in order.
 */
#define READ(x) (*(const volatile typeof(x) *)&(x))

/*
 * The maps that are read, declared as the module wants them. They are not made: the loader puts the
 * pinned ones in their place, which also know how many entries there are, by
 * bpf_map__reuse_fd().
 */
#define KVMETER_ARRAY(map_name, value_type)        \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, value_type);         \
	} map_name SEC(".maps")

KVMETER_ARRAY(kvmeter_host, struct kvmeter_host);
KVMETER_ARRAY(kvmeter_vms, struct kvmeter_vm);
KVMETER_ARRAY(kvmeter_vcpus, struct kvmeter_vcpu);

/* What was seen of a vCPU's slot one window ago. */
struct last {
	__u64 at_ns;
	__u64 steal_ns;
	__u32 gen;
	__u32 reserved;
};

/* As many entries as kvmeter_vcpus has: the loader sets that. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct last);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* Set by the loader before it loads this: a constant for the verifier, not for the compiler. */
const volatile __u32 threshold_pct = 20;

/* Events that found no room, for the loader to tell. */
__u64 lost;

/* What is copied of a vCPU. All of it is of one moment, or it is not used. */
struct copy {
	__u64 steal_ns;
	__u32 gen, tid, vcpu_id, vm, vm_gen;
};

/* A wait in progress is added to steal_ns when it ends: see "The time ledger" in the header. */
static __always_inline __u64 waiting_ns(const struct kvmeter_vcpu *v, __u64 now_ns)
{
	__u64 wake_ns = READ(v->wake_ns), since_ns = READ(v->since_ns);
	__u64 from_ns = 0;

	if (wake_ns > since_ns)
		from_ns = wake_ns;
	else if (READ(v->state) == KVMETER_STATE_STEAL)
		from_ns = since_ns;
	return from_ns && now_ns > from_ns ? now_ns - from_ns : 0;
}

/*
 * Copy what is needed of a slot, consistently: seq is odd while the module writes, and moves on
 * when it has. A BPF program cannot wait for it, as it may have interrupted the writer itself: it
 * looks again in the next window.
 */
static __always_inline _Bool copy_vcpu(const struct kvmeter_vcpu *v, __u64 now_ns,
				       struct copy *copy)
{
	__u32 seq = READ(v->seq);

	copy->gen = READ(v->gen);
	copy->steal_ns = READ(v->steal_ns) + waiting_ns(v, now_ns);
	copy->tid = READ(v->tid);
	copy->vcpu_id = READ(v->vcpu_id);
	copy->vm = READ(v->vm);
	copy->vm_gen = READ(v->vm_gen);
	return !(seq & 1) && READ(v->seq) == seq && copy->gen & 1;
}

/* Tell the loader. A VM's slot that is of another VM by now has another gen. */
static __always_inline void tell(const struct copy *copy, __u64 steal_ns, __u64 window_ns)
{
	struct example_event *event;
	struct kvmeter_vm *vm;
	__u32 slot = copy->vm;

	vm = bpf_map_lookup_elem(&kvmeter_vms, &slot);
	if (!vm || READ(vm->gen) != copy->vm_gen)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	__builtin_memcpy(event->id, vm->id, sizeof(event->id));
	event->pid = READ(vm->pid);
	event->tid = copy->tid;
	event->vcpu_id = copy->vcpu_id;
	event->reserved = 0;
	event->steal_ns = steal_ns;
	event->window_ns = window_ns;
	bpf_ringbuf_submit(event, 0);
}

/* One slot. Counters only grow while gen stands, so a difference is that of one vCPU. */
static long look_at(__u32 slot, void *ctx)
{
	__u64 now_ns = *(__u64 *)ctx, steal_ns, window_ns;
	struct kvmeter_vcpu *v;
	struct last *last;
	struct copy copy;

	v = bpf_map_lookup_elem(&kvmeter_vcpus, &slot);
	last = bpf_map_lookup_elem(&seen, &slot);
	if (!v || !last)
		return 1;
	if (!copy_vcpu(v, now_ns, &copy))
		return 0;
	steal_ns = copy.steal_ns - last->steal_ns;
	window_ns = now_ns - last->at_ns;
	/* The clock here may be some ns off the module's: a wait may look as if it had shrunk. */
	if (copy.gen == last->gen && copy.steal_ns > last->steal_ns &&
	    steal_ns * 100 >= window_ns * threshold_pct)
		tell(&copy, steal_ns, window_ns);
	last->gen = copy.gen;
	last->steal_ns = copy.steal_ns;
	last->at_ns = now_ns;
	return 0;
}

/*
 * Slots at or above vcpus_hi were never used. The ledger's clock is CLOCK_MONOTONIC less an offset,
 * but for what NTP slews, which does not matter in a window.
 */
SEC("perf_event")
int look(void *ctx)
{
	struct kvmeter_host *host;
	__u32 zero = 0;
	__u64 now_ns;

	(void)ctx;
	host = bpf_map_lookup_elem(&kvmeter_host, &zero);
	if (!host || READ(host->abi) != KVMETER_ABI)
		return 0;
	now_ns = bpf_ktime_get_ns() - READ(host->mono_offset_ns);
	bpf_loop(READ(host->vcpus_hi), look_at, &now_ns, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
