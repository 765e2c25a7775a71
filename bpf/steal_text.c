// SPDX-License-Identifier: GPL-2.0-only
/* The command steal by thief and by cause: a row for each of them, of each VM. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "steal.h"

#define NS_PER_MS 1e6

const char kvmeter_steal_not_attributed[] =
	"steal is not attributed (module parameter attribution=0)";

/* A row of the table. */
struct line {
	const struct kvmeter_snap_vm *vm;
	char *label;
	__u64 elapsed_ns; /* of the VM's vCPUs */
	__u64 preempt_ns;
	__u64 wakeup_ns;
	__u64 time_ns;
	unsigned int tenths;
	bool known;    /* there is a figure */
	bool split;    /* it is known how much of it was after a preemption, and after a wake-up */
	bool has_part; /* there is steal that it has a share of */
};

struct lines {
	struct line *line;
	unsigned int nr, room;
};

static struct line *add_line(struct lines *lines, const struct kvmeter_subject *s,
			     const char *label)
{
	struct line *line;

	lines->line =
		kvmeter_array_grow(lines->line, &lines->room, lines->nr + 1, sizeof(*lines->line));
	line = &lines->line[lines->nr++];
	memset(line, 0, sizeof(*line));
	line->vm = s->vm;
	line->elapsed_ns = s->sum.elapsed_ns;
	line->known = true;
	line->label = strdup(label);
	if (!line->label)
		err(1, "no memory");
	return line;
}

static void add_time(struct lines *lines, const struct kvmeter_subject *s, const char *label,
		     const struct kvmeter_thief *t)
{
	struct line *line = add_line(lines, s, label);

	line->preempt_ns = t->preempt_ns;
	line->wakeup_ns = t->wakeup_ns;
	line->time_ns = kvmeter_thieves_get_time(t);
	line->split = true;
}

static void add_unexplained(struct lines *lines, const struct kvmeter_subject *s)
{
	struct line *line = add_line(lines, s, "unexplained");

	line->time_ns = s->sum.unexplained_ns;
}

/* Shares of lines [first, lines->nr) of their sum. */
static void share_out(struct lines *lines, unsigned int first)
{
	unsigned int nr = lines->nr - first, i;
	unsigned int *tenths = calloc(nr, sizeof(*tenths));
	__u64 *ns = calloc(nr, sizeof(*ns));
	bool has_part;

	if (!tenths || !ns)
		err(1, "no memory");
	for (i = 0; i < nr; i++)
		ns[i] = lines->line[first + i].time_ns;
	has_part = kvmeter_stats_round_shares(ns, nr, tenths);
	for (i = 0; i < nr; i++) {
		lines->line[first + i].tenths = tenths[i];
		lines->line[first + i].has_part = has_part;
	}
	free(tenths);
	free(ns);
}

static void add_thieves(struct lines *lines, const struct kvmeter_subject *s)
{
	char label[KVMETER_LABEL_MAX];
	struct kvmeter_thief_sum *list;
	unsigned int i, nr, first = lines->nr;

	list = kvmeter_thieves_sum(s->snap, s->vm->first_vcpu, s->vm->nr_vcpus, true, &nr);
	for (i = 0; i < nr; i++) {
		kvmeter_thieves_label(&list[i], s->snap, label, sizeof(label));
		add_time(lines, s, label, &list[i].t);
	}
	free(list);
	add_unexplained(lines, s);
	share_out(lines, first);
}

/* The line at @sum becomes the sum of all after it, which have their shares. */
static void sum_up(struct lines *lines, unsigned int sum)
{
	struct line *to = &lines->line[sum], *line;

	for (line = to + 1; line < lines->line + lines->nr; line++) {
		to->preempt_ns += line->preempt_ns;
		to->wakeup_ns += line->wakeup_ns;
		to->time_ns += line->time_ns;
		to->tenths += line->tenths;
		to->has_part = line->has_part;
	}
	to->split = true;
}

/*
 * Shares are of the parts of contention and of the other causes, and of contention the sum of its
 * parts: so it is added as a line first, with no time of its own yet, and gets its figures last.
 */
static void add_causes(struct lines *lines, const struct kvmeter_subject *s)
{
	static const struct {
		const char *label;
		enum kvmeter_thief_kind kind;
	} parts[] = {
		{ "  other VMs", KVMETER_THIEF_VM },
		{ "  own vCPUs", KVMETER_THIEF_OWN_VCPU },
		{ "  own VMM threads", KVMETER_THIEF_OWN_VMM },
		{ "  kernel threads", KVMETER_THIEF_KTHREAD },
		{ "  processes", KVMETER_THIEF_PROCESS },
		{ "  other", KVMETER_THIEF_OTHER },
	};
	unsigned int i, nr, first = lines->nr, nr_parts = sizeof(parts) / sizeof(*parts);
	struct kvmeter_thief kinds[KVMETER_THIEF_NR];
	struct kvmeter_thief_sum *list;
	struct lines contention;

	list = kvmeter_thieves_sum(s->snap, s->vm->first_vcpu, s->vm->nr_vcpus, true, &nr);
	kvmeter_thieves_sum_kinds(list, nr, kinds);
	free(list);
	add_line(lines, s, "contention");
	for (i = 0; i < nr_parts; i++)
		add_time(lines, s, parts[i].label, &kinds[parts[i].kind]);
	add_time(lines, s, "own CPU limit", &kinds[KVMETER_THIEF_LIMIT]);
	lines->line[lines->nr - 1].known = s->snap->host.features & KVMETER_FEATURE_LIMIT;
	add_time(lines, s, "idle CPU", &kinds[KVMETER_THIEF_IDLE]);
	add_unexplained(lines, s);
	share_out(lines, first);
	contention = (struct lines){ .line = lines->line + first, .nr = 1 + nr_parts };
	sum_up(&contention, 0);
}

static void print_figure(bool known, double figure, int width, int digits)
{
	if (known)
		printf(" %*.*f", width, digits, figure);
	else
		printf(" %*s", width, "-");
}

/* @name_width: 0: without the VM, which is known */
static void print_line(const struct line *line, unsigned int name_width, unsigned int label_width)
{
	bool split = line->split && line->known;

	if (name_width) {
		kvmeter_table_print_name(line->vm->name, name_width);
		printf(" %-12s ", line->vm->v.id);
	}
	kvmeter_table_print_name(line->label, label_width);
	print_figure(line->known, kvmeter_stats_pct(line->time_ns, line->elapsed_ns), 7, 2);
	print_figure(line->known && line->has_part, line->tenths / 10.0, 6, 1);
	print_figure(split, line->preempt_ns / NS_PER_MS, 12, 3);
	print_figure(split, line->wakeup_ns / NS_PER_MS, 12, 3);
	print_figure(line->known, line->time_ns / NS_PER_MS, 12, 3);
	putchar('\n');
}

static void print_lines(const struct kvmeter_report *report, const struct lines *lines,
			const char *what, unsigned int name_width)
{
	unsigned int label_width = strlen(what);
	const struct line *line;
	unsigned int width;

	for (line = lines->line; line < lines->line + lines->nr; line++) {
		width = kvmeter_escape_width(line->label);
		if (width > label_width)
			label_width = width;
	}
	if (kvmeter_table_starts(report)) {
		if (name_width) {
			kvmeter_table_print_name("NAME", name_width);
			printf(" %-12s ", "ID");
		}
		printf("%-*s %7s %6s %12s %12s %12s\n", (int)label_width, what, "STEAL%", "SHARE%",
		       "PREEMPT(ms)", "WAKEUP(ms)", "TOTAL(ms)");
	}
	for (line = lines->line; line < lines->line + lines->nr; line++) {
		if (!report->args->skip_empty || line->time_ns)
			print_line(line, name_width, label_width);
	}
}

static void print_table(const struct kvmeter_report *report, const char *what,
			unsigned int name_width,
			void (*add)(struct lines *lines, const struct kvmeter_subject *s))
{
	struct kvmeter_subject s = { .snap = report->snap };
	struct lines lines = {};
	unsigned int i;

	for (i = 0; i < report->snap->nr_vms; i++) {
		if (!kvmeter_table_wants(report, i))
			continue;
		s.vm = &report->snap->vms[i];
		kvmeter_sum_vcpus(&s.sum, s.snap, s.vm->first_vcpu, s.vm->nr_vcpus, false);
		add(&lines, &s);
		kvmeter_sum_put(&s.sum);
	}
	print_lines(report, &lines, what, name_width);
	while (lines.nr)
		free(lines.line[--lines.nr].label);
	free(lines.line);
}

/**
 * kvmeter_steal_print_thieves - print each VM's thieves, most first
 * @report: the report
 */
void kvmeter_steal_print_thieves(const struct kvmeter_report *report)
{
	print_table(report, "THIEF", kvmeter_table_name_width(report), add_thieves);
}

/**
 * kvmeter_steal_print_thieves_of - print the thieves of one VM, without its name
 * @report: the report, of that VM
 */
void kvmeter_steal_print_thieves_of(const struct kvmeter_report *report)
{
	print_table(report, "THIEF", 0, add_thieves);
}

/**
 * kvmeter_steal_print_causes - print the causes of each VM's steal
 * @report: the report
 */
void kvmeter_steal_print_causes(const struct kvmeter_report *report)
{
	print_table(report, "CAUSE", kvmeter_table_name_width(report), add_causes);
}

/**
 * kvmeter_steal_print_causes_of - print the causes of one VM's steal, without its name
 * @report: the report, of that VM
 */
void kvmeter_steal_print_causes_of(const struct kvmeter_report *report)
{
	print_table(report, "CAUSE", 0, add_causes);
}
