// SPDX-License-Identifier: GPL-2.0-only
/* What VMs and vCPUs dirty, as text: the columns of the command dirty. */
#include "dirty.h"

#define NS_PER_S 1e9
#define MIB (1024.0 * 1024.0)

/**
 * kvmeter_dirty_print_heading - name the columns after those of the VM
 * @args: the command line
 */
void kvmeter_dirty_print_heading(const struct kvmeter_args *args)
{
	printf(" %-9s %11s", "LOGGING", "DIRTY(MiB/s)");
	if (args->by == KVMETER_BY_VCPU)
		printf(" %10s %10s %10s %10s\n", "LOG/s", "FAULTS/s", "L2-FAULTS", "MARKS/s");
	else
		printf(" %10s %10s %-8s %16s\n", "KVM/s", "MARKS/s", "SESSION", "WWS");
}

static double per_s(const struct kvmeter_subject *s, __u64 count)
{
	return s->vm->elapsed_ns ? count * NS_PER_S / s->vm->elapsed_ns : 0.0;
}

/* Without logging there is no figure, and what is not known is not shown as 0. */
static void print_rate(const struct kvmeter_subject *s)
{
	printf(" %-9s", kvmeter_reasons_show_log_state(s->vm->v.log_state));
	if (s->vm->armed)
		printf(" %12.3f", kvmeter_dirty_bytes_s(s) / MIB);
	else
		printf(" %12s", "-");
}

static void print_figure(const struct kvmeter_subject *s, __u64 count, unsigned int width)
{
	if (s->vm->armed)
		printf(" %*.1f", (int)width, per_s(s, count));
	else
		printf(" %*s", (int)width, "-");
}

/* The write working set: what is written to within the longest time that was observed. */
static void print_wws(const struct kvmeter_dirty *d)
{
	unsigned int longest = kvmeter_curve_longest(d->curve);
	char bytes[16], text[40];

	if (d->session == KVMETER_SESSION_NONE || longest == KVMETER_CURVE_NR) {
		printf(" %16s\n", "-");
		return;
	}
	kvmeter_units_format_bytes((double)d->curve[longest] * KVMETER_PAGE_BYTES, bytes,
				   sizeof(bytes));
	snprintf(text, sizeof(text), "%s/%gs", bytes, kvmeter_curve_ms[longest] / 1000.0);
	printf(" %16s\n", text);
}

static void print_live(const struct kvmeter_subject *s)
{
	char dirtied[16], left[16], all[16];
	struct kvmeter_live live;

	if (!kvmeter_live_get(s->vm, s->snap->now_ns, &live))
		return;
	printf("  log read %llu times, last %.2f s ago; dirtied since: %s;", s->vm->sync_nr,
	       live.since_s,
	       kvmeter_units_format_bytes(live.dirtied_bytes, dirtied, sizeof(dirtied)));
	printf(" of the round %s %s to send: about %s in all\n",
	       live.round_known ? "about" : "at most",
	       kvmeter_units_format_bytes(live.round_bytes, left, sizeof(left)),
	       kvmeter_units_format_bytes(live.remaining_bytes, all, sizeof(all)));
}

/**
 * kvmeter_dirty_print_rates - print what a VM dirties, and what is left of its migration
 * @s: the VM
 */
void kvmeter_dirty_print_rates(const struct kvmeter_subject *s)
{
	const struct kvmeter_dirty *d = &s->vm->d;

	print_rate(s);
	print_figure(s, d->kvm_writes, 10);
	print_figure(s, d->marks, 10);
	printf(" %-8s", kvmeter_reasons_session(d->session));
	print_wws(d);
	print_live(s);
}

/**
 * kvmeter_dirty_print_vm - print what a VM dirties, and its D(t)
 * @s: the VM
 * @args: the command line
 */
void kvmeter_dirty_print_vm(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	const struct kvmeter_dirty *d = &s->vm->d;

	(void)args;
	kvmeter_dirty_print_rates(s);
	if (d->session == KVMETER_SESSION_NONE)
		return;
	kvmeter_curve_print_heading();
	kvmeter_curve_print("now", d->curve);
	if (!d->windows)
		return;
	kvmeter_curve_print("median", d->median);
	kvmeter_curve_print("p95", d->p95);
}

/**
 * kvmeter_dirty_print_vcpu - print what a vCPU dirties, and its D(t)
 * @s: the vCPU
 * @args: the command line
 */
void kvmeter_dirty_print_vcpu(const struct kvmeter_subject *s, const struct kvmeter_args *args)
{
	const struct kvmeter_vcpu *v = &s->sum.v;

	(void)args;
	print_rate(s);
	print_figure(s, kvmeter_sum_dirty(v) - v->write_faults, 10);
	print_figure(s, v->write_faults, 10);
	print_figure(s, v->l2_write_faults, 10);
	print_figure(s, v->dirty_marks, 10);
	putchar('\n');
	if (s->vm->d.session == KVMETER_SESSION_NONE)
		return;
	kvmeter_curve_print_heading();
	kvmeter_curve_print("now", s->vcpu->v.dirty_curve);
}
