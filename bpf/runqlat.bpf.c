// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the time that each task waits for a CPU in a hash map, as bcc's runqlat does: a yardstick.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "runqlat.h"

#define MAX_TASKS 10240
#define TASK_RUNNING 0

/* What we need of it; libbpf finds the fields' places in the BTF of the running kernel. */
struct task_struct {
	int pid;
	unsigned int __state;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TASKS);
	__type(key, __u32);
	__type(value, __u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TASKS);
	__type(key, __u32);
	__type(value, struct runqlat_wait);
} waits SEC(".maps");

static __always_inline void begin_wait(__u32 pid)
{
	__u64 now = bpf_ktime_get_ns();

	/* The idle tasks wait for nothing. */
	if (pid)
		bpf_map_update_elem(&start, &pid, &now, BPF_ANY);
}

static __always_inline void end_wait(__u32 pid)
{
	struct runqlat_wait *wait, first = { .nr = 1 };
	__u64 *begin;

	begin = bpf_map_lookup_elem(&start, &pid);
	if (!begin)
		return;
	first.ns = bpf_ktime_get_ns() - *begin;
	wait = bpf_map_lookup_elem(&waits, &pid);
	if (wait) {
		wait->ns += first.ns;
		wait->nr++;
	} else {
		bpf_map_update_elem(&waits, &pid, &first, BPF_NOEXIST);
	}
	bpf_map_delete_elem(&start, &pid);
}

SEC("tp_btf/sched_wakeup")
int wake(const __u64 *ctx)
{
	const struct task_struct *task = (const void *)ctx[0];

	begin_wait(task->pid);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int wake_new(const __u64 *ctx)
{
	const struct task_struct *task = (const void *)ctx[0];

	begin_wait(task->pid);
	return 0;
}

/* Of a bool, the task that leaves the CPU, and the one that gets it. */
SEC("tp_btf/sched_switch")
int switch_tasks(const __u64 *ctx)
{
	const struct task_struct *prev = (const void *)ctx[1];
	const struct task_struct *next = (const void *)ctx[2];

	if (prev->__state == TASK_RUNNING)
		begin_wait(prev->pid);
	end_wait(next->pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
