// SPDX-License-Identifier: GPL-2.0-only
/* Counts exits by reason in a hash map, as a BPF tool of today does: the module's yardstick. */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_REASONS 1024

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* The record of the event; libbpf finds the field's place in the BTF of the running kvm.ko. */
struct trace_event_raw_kvm_exit {
	unsigned int exit_reason;
} __attribute__((preserve_access_index));

SEC("tracepoint/kvm/kvm_exit")
int count_exit(const struct trace_event_raw_kvm_exit *event)
{
	__u32 reason = event->exit_reason;
	__u64 *count, one = 1;

	count = bpf_map_lookup_elem(&counts, &reason);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &reason, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
