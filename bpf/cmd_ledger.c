// SPDX-License-Identifier: GPL-2.0-only
/* The command ledger: which states the vCPUs' time went to, all of it. */
#include "reader.h"

#define NS_PER_S 1e9

static bool is_empty(const struct kvmeter_sum *sum)
{
	return !sum->v.exits && !sum->v.guest_ns && !sum->v.kernel_ns && !sum->v.steal_ns &&
		!sum->v.throttle_ns;
}

static void add_ledger(struct json_object *obj, const struct kvmeter_subject *s)
{
	static const char *const keys[KVMETER_STATE_NR] = { "guest_pct", "kernel_pct",
							    "vmm_pct",	 "halt_pct",
							    "steal_pct", "throttle_pct" };
	unsigned int tenths[KVMETER_STATE_NR], state;
	bool known = kvmeter_ledger_get_shares(&s->sum.v, tenths);

	kvmeter_json_add_u64(obj, "wall_ns", s->sum.elapsed_ns);
	kvmeter_json_add_fields(obj, KVMETER_RECORD_VCPU, &s->sum.v);
	for (state = 0; state < KVMETER_STATE_NR; state++) {
		if (known)
			kvmeter_json_add_double(obj, keys[state], tenths[state] / 10.0);
		else
			kvmeter_json_add_text(obj, keys[state], NULL);
	}
}

static void print_heading(const struct kvmeter_args *args)
{
	printf(" %10s %6s %7s %6s %6s %6s %9s", "WALL(s)", "GUEST%", "KERNEL%", "VMM%", "HALT%",
	       "STEAL%", "THROTTLE%");
	if (args->by == KVMETER_BY_VCPU)
		printf(" %8s %4s %4s", "STATE", "CPU", "NODE");
	printf(" %9s %10s\n", "CPU-MOVES", "NODE-MOVES");
}

static void print_ledger(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	static const int widths[KVMETER_STATE_NR] = { 6, 7, 6, 6, 6, 9 };
	unsigned int tenths[KVMETER_STATE_NR], state;
	bool known = kvmeter_ledger_get_shares(&s->sum.v, tenths);

	(void)args;
	printf(" %10.3f", s->sum.elapsed_ns / NS_PER_S);
	for (state = 0; state < KVMETER_STATE_NR; state++) {
		if (known)
			printf(" %*.1f", widths[state], tenths[state] / 10.0);
		else
			printf(" %*s", widths[state], "-");
	}
	if (s->vcpu && s->vcpu->v.first_ns)
		printf(" %8s %4u %4u", kvmeter_reasons_state(s->vcpu->v.state), s->vcpu->v.cpu,
		       s->vcpu->v.node);
	else if (s->vcpu)
		printf(" %8s %4s %4s", "-", "-", "-");
	printf(" %9llu %10llu\n", s->sum.v.cpu_moves, s->sum.v.node_moves);
}

static void report_ledger(const struct kvmeter_report *report)
{
	static const struct kvmeter_rows_view view = {
		.document = KVMETER_DOCUMENT_LEDGER,
		.heading = print_heading,
		.is_empty = is_empty,
		.print = print_ledger,
		.add = add_ledger,
	};

	kvmeter_rows_report(report, &view);
}

/**
 * kvmeter_cmd_ledger - kvmeter ledger
 * @args: the command line
 */
void kvmeter_cmd_ledger(const struct kvmeter_args *args)
{
	kvmeter_view_run(args, 0, report_ledger);
}
