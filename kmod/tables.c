// SPDX-License-Identifier: GPL-2.0-only
/* The tables in debugfs. Metrics and words are those of include/kvmeter/. */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/stddef.h>

#include <kvmeter/metrics.h>
#include <kvmeter/words.h>

#include "names.h"
#include "tables.h"

enum metric_type { CUMULATIVE, INSTANT, PEAK, LOWEST, HISTOGRAM };
enum metric_unit { NONE, SECONDS };

struct metric {
	const char *name;
	const char *help;
	size_t offset;
	size_t size;
	enum metric_type type;
	enum metric_unit unit;
	int exponent;
};

#define METRIC(object, field, type, unit, exponent, help) \
	{ #field, help, offsetof(object, field), sizeof_field(object, field), \
	  type, unit, exponent },
#define VM_METRIC(...) METRIC(struct kvmeter_vm, __VA_ARGS__)
#define VCPU_METRIC(...) METRIC(struct kvmeter_vcpu, __VA_ARGS__)
#define EXIT_METRIC(...) METRIC(struct kvmeter_exit, __VA_ARGS__)
#define THIEF_METRIC(...) METRIC(struct kvmeter_thief, __VA_ARGS__)
#define DIRTY_METRIC(...) METRIC(struct kvmeter_dirty, __VA_ARGS__)
#define SUB_METRIC(...) METRIC(struct kvmeter_sub, __VA_ARGS__)
#define MIGRATION_METRIC(...) METRIC(struct kvmeter_migration, __VA_ARGS__)
#define ROUND_METRIC(...) METRIC(struct kvmeter_round, __VA_ARGS__)

static const struct metric vm_metrics[] = { KVMETER_VM_METRICS(VM_METRIC) };
static const struct metric vcpu_metrics[] = { KVMETER_VCPU_METRICS(VCPU_METRIC) };
static const struct metric exit_metrics[] = { KVMETER_EXIT_METRICS(EXIT_METRIC) };
static const struct metric sub_metrics[] = { KVMETER_SUB_METRICS(SUB_METRIC) };
static const struct metric thief_metrics[] = { KVMETER_THIEF_METRICS(THIEF_METRIC) };

static const struct metric dirty_metrics[] = { KVMETER_DIRTY_METRICS(DIRTY_METRIC) };
static const struct metric migration_metrics[] = { KVMETER_MIGRATION_METRICS(MIGRATION_METRIC) };
static const struct metric round_metrics[] = { KVMETER_ROUND_METRICS(ROUND_METRIC) };

static const char *const states[KVMETER_STATE_NR] = { KVMETER_STATE_WORDS(KVMETER_WORD) };

static const char *const modes[] = { KVMETER_AUTOCONVERGE_MODE_WORDS(KVMETER_WORD) };
static const char *const goals[] = { KVMETER_GOAL_WORDS(KVMETER_WORD) };
static const char *const whys[KVMETER_WHY_NR] = { KVMETER_WHY_WORDS(KVMETER_WORD) };

static const char *log_state_name(u32 state)
{
	static const char *const name[] = { KVMETER_LOG_STATE_WORDS(KVMETER_WORD) };

	return name[state < ARRAY_SIZE(name) ? state : KVMETER_LOG_UNKNOWN];
}

static void show_hist(struct seq_file *m, const struct kvmeter_hist *hist)
{
	u32 i;

	for (i = 0; i < KVMETER_HIST_BUCKETS; i++)
		seq_printf(m, "%s%llu", i ? "," : "", hist->bucket[i]);
}

/* As one word: a metric that does not exist yet is a dash. */
static void show_value(struct seq_file *m, const struct metric *metric, const void *object)
{
	const void *value = object + metric->offset;
	u64 number = metric->size == sizeof(u32) ? *(const u32 *)value : *(const u64 *)value;

	if (metric->type == HISTOGRAM)
		show_hist(m, value);
	else if (metric->type == LOWEST && number == U64_MAX)
		seq_putc(m, '-');
	else
		seq_printf(m, "%llu", number);
}

static void show_values(struct seq_file *m, const struct metric *metrics, size_t nr,
			const void *object)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		seq_putc(m, ' ');
		show_value(m, &metrics[i], object);
	}
	seq_putc(m, '\n');
}

static void show_exits(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_exit *e;
	u32 i;

	for (i = 0; i < row->vcpu.nr_rows; i++) {
		e = &row->exits[i];
		if (!e->count)
			continue;
		seq_printf(m, "%u %u 0x%x %s %s", row->vcpu.vcpu_id, e->level, e->reason,
			   i ? kvmeter_names_reason(row->vendor, e->reason) : "UNKNOWN",
			   i ? kvmeter_names_class(row->vendor, e->reason) : "UNKNOWN");
		show_values(m, exit_metrics, ARRAY_SIZE(exit_metrics), e);
	}
}

static const char *sub_name(u32 kind)
{
	static const char *const name[KVMETER_SUB_NR] = { KVMETER_SUB_KIND_WORDS(KVMETER_WORD) };

	return name[kind < KVMETER_SUB_NR ? kind : KVMETER_SUB_NONE];
}

static void show_subs(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_sub *sub;
	u32 i;

	for (i = 0; i < row->vcpu.nr_subs; i++) {
		sub = &row->subs[i];
		seq_printf(m, "%u %s 0x%llx", row->vcpu.vcpu_id, sub_name(sub->kind), sub->value);
		show_values(m, sub_metrics, ARRAY_SIZE(sub_metrics), sub);
	}
}

/* As one word: any process may give itself any name. A dash is none. */
static void show_comm(struct seq_file *m, const char *comm)
{
	const char *end = comm + strnlen(comm, KVMETER_COMM_LEN);

	if (comm == end)
		seq_putc(m, '-');
	for (; comm < end; comm++) {
		if (*comm > ' ' && *comm < 0x7f && *comm != '\\')
			seq_putc(m, *comm);
		else
			seq_printf(m, "\\x%02x", (u8)*comm);
	}
}

static void show_thieves(struct seq_file *m, const struct kvmeter_table_row *row)
{
	static const char *const kind[KVMETER_THIEF_NR] = {
		KVMETER_THIEF_KIND_WORDS(KVMETER_WORD)
	};
	const struct kvmeter_thief *t;
	u32 i;

	for (i = 0; i < row->vcpu.nr_thieves; i++) {
		t = &row->thieves[i];
		if (t->kind >= KVMETER_THIEF_NR)
			continue;
		seq_printf(m, "%u %s %u %u ", row->vcpu.vcpu_id, kind[t->kind], t->vm, t->vm_gen);
		show_comm(m, t->comm);
		show_values(m, thief_metrics, ARRAY_SIZE(thief_metrics), t);
	}
}

/* Up to now, by the rule in the uapi header. */
static void show_ledger(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_vcpu *v = &row->vcpu;
	u64 ns[KVMETER_STATE_NR] = {
		v->guest_ns, v->kernel_ns, v->vmm_ns, v->halt_ns, v->steal_ns, v->throttle_ns,
	};
	u64 now = max(row->now_ns, v->since_ns), wake = now;
	u32 state = v->state < KVMETER_STATE_NR ? v->state : KVMETER_STATE_KERNEL;
	u32 i;

	if (!v->first_ns)
		return;
	if (v->wake_ns > v->since_ns && v->wake_ns < now)
		wake = v->wake_ns;
	ns[state] += wake - v->since_ns;
	ns[KVMETER_STATE_STEAL] += now - wake;
	if (wake < now)
		state = KVMETER_STATE_STEAL;
	seq_printf(m, "%u %s %llu", v->vcpu_id, states[state], now - v->first_ns);
	for (i = 0; i < KVMETER_STATE_NR; i++)
		seq_printf(m, " %llu", ns[i]);
	seq_putc(m, '\n');
}

static void show_steal(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_vcpu *v = &row->vcpu;

	seq_printf(m, "%u %u %llu %llu %llu %llu ", v->vcpu_id, v->tid, v->steal_ns,
		   v->run_delay_ns, v->steal_nr, v->steal_max_ns);
	show_hist(m, &v->steal_hist);
	seq_putc(m, '\n');
}

/* Pages, by KVMETER_CURVE_MS; a dash is none. */
static void show_curve(struct seq_file *m, const u64 *curve)
{
	u32 i;

	for (i = 0; i < KVMETER_CURVE_NR; i++) {
		if (i)
			seq_putc(m, ',');
		if (curve[i] == KVMETER_CURVE_NONE)
			seq_putc(m, '-');
		else
			seq_printf(m, "%llu", curve[i]);
	}
}

static void show_dirty(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_vcpu *v = &row->vcpu;

	seq_printf(m, "%u %s %llu %llu %llu %llu %llu %llu %llu ", v->vcpu_id,
		   log_state_name(row->vm.log_state), v->pml_pages, v->pml_dups, v->write_faults,
		   v->l2_write_faults, v->pml_full, v->pml_bad, v->dirty_marks);
	show_curve(m, v->dirty_curve);
	seq_putc(m, '\n');
}

static void show_sessions(struct seq_file *m, const struct kvmeter_table_row *row)
{
	static const char *const session[] = { KVMETER_SESSION_WORDS(KVMETER_WORD) };
	static const char *const end[] = { KVMETER_SESSION_END_WORDS(KVMETER_WORD) };
	const struct kvmeter_dirty *d = &row->dirty;

	seq_printf(m, "%.*s %s %s %s %u %llu %llu %llu %llu %u ", KVMETER_NAME_LEN, row->vm.id,
		   log_state_name(row->vm.log_state), session[d->session],
		   d->end ? end[d->end] : "-", d->controller, d->interval_ns, d->start_ns,
		   d->end_ns, d->update_ns, d->windows);
	show_curve(m, d->curve);
	seq_putc(m, ' ');
	show_curve(m, d->median);
	seq_putc(m, ' ');
	show_curve(m, d->p95);
	show_values(m, dirty_metrics, ARRAY_SIZE(dirty_metrics), d);
}

static void show_migrations(struct seq_file *m, const struct kvmeter_table_row *row)
{
	static const char *const state[] = { KVMETER_MIGRATION_STATE_WORDS(KVMETER_WORD) };
	const struct kvmeter_migration *g = &row->migration;

	seq_printf(m, "%.*s %s %s %s %s %llu %llu %llu %llu %llu", KVMETER_NAME_LEN, row->vm.id,
		   state[g->state], modes[g->mode], goals[g->goal], whys[g->why], g->begin_ns,
		   g->end_ns, g->deadline_ns, g->downtime_ns, g->decided_ns);
	show_values(m, migration_metrics, ARRAY_SIZE(migration_metrics), g);
}

/* As far back as they are kept. */
static void show_rounds(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_migration *g = &row->migration;
	const struct kvmeter_round *r;
	u32 n = g->nr_rounds > KVMETER_ROUNDS ? g->nr_rounds - KVMETER_ROUNDS : 0;

	for (; n < g->nr_rounds; n++) {
		r = &g->round[n % KVMETER_ROUNDS];
		seq_printf(m, "%.*s %u %llu", KVMETER_NAME_LEN, row->vm.id, n + 1, r->begin_ns);
		show_values(m, round_metrics, ARRAY_SIZE(round_metrics), r);
	}
}

static void show_vcpus(struct seq_file *m, const struct kvmeter_table_row *row)
{
	const struct kvmeter_vcpu *v = &row->vcpu;

	seq_printf(m, "%u %u %u %u %llu %llu %llu %llu\n", v->vcpu_id, v->tid, v->cpu, v->node,
		   v->cpu_moves, v->node_moves, v->first_ns, v->exits);
}

/* Everything, a metric a line. */
static void show_stats(struct seq_file *m, const struct kvmeter_table_row *row)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vcpu_metrics); i++) {
		seq_printf(m, "%u %s ", row->vcpu.vcpu_id, vcpu_metrics[i].name);
		show_value(m, &vcpu_metrics[i], &row->vcpu);
		seq_putc(m, '\n');
	}
	for (i = 0; i < KVMETER_USER_EXITS; i++) {
		if (row->vcpu.user_exit[i])
			seq_printf(m, "%u user_exit[%zu] %llu\n%u user_ns[%zu] %llu\n",
				   row->vcpu.vcpu_id, i, row->vcpu.user_exit[i],
				   row->vcpu.vcpu_id, i, row->vcpu.user_ns[i]);
	}
}

static void show_vms(struct seq_file *m, const struct kvmeter_table_row *row)
{
	seq_printf(m, "%.*s %u %llu %s", KVMETER_NAME_LEN, row->vm.id, row->vm.pid,
		   row->vm.first_ns, log_state_name(row->vm.log_state));
	show_values(m, vm_metrics, ARRAY_SIZE(vm_metrics), &row->vm);
}

#define NAME(field, ...) " " #field

const struct kvmeter_table kvmeter_vm_tables[KVMETER_VM_TABLES_NR] = {
	{ "exits", "vcpu level reason name class" KVMETER_EXIT_METRICS(NAME), show_exits },
	{ "subs", "vcpu kind value" KVMETER_SUB_METRICS(NAME), show_subs },
	{ "thieves", "vcpu kind vm vm_gen comm" KVMETER_THIEF_METRICS(NAME), show_thieves },
	{ "ledger", "vcpu state wall_ns guest_ns kernel_ns vmm_ns halt_ns steal_ns throttle_ns",
	  show_ledger },
	{ "steal", "vcpu tid steal_ns run_delay_ns steal_nr steal_max_ns steal_hist", show_steal },
	{ "dirty",
	  "vcpu state pml_pages pml_dups write_faults l2_write_faults pml_full pml_bad dirty_marks dirty_curve",
	  show_dirty },
	{ "vcpus", "vcpu tid cpu node cpu_moves node_moves first_ns exits", show_vcpus },
	{ "stats", "vcpu metric value", show_stats },
};

const struct kvmeter_table kvmeter_host_tables[KVMETER_HOST_TABLES_NR] = {
	{ "vms", "id pid first_ns dirty_log" KVMETER_VM_METRICS(NAME), show_vms },
	{ "dirty",
	  "id dirty_log session end controller interval_ns start_ns end_ns update_ns windows curve median p95"
	  KVMETER_DIRTY_METRICS(NAME), show_sessions },
	{ "migrations",
	  "id state mode goal why begin_ns end_ns deadline_ns downtime_ns decided_ns"
	  KVMETER_MIGRATION_METRICS(NAME), show_migrations },
	{ "rounds", "id round begin_ns" KVMETER_ROUND_METRICS(NAME), show_rounds },
};

static void show_descriptions(struct seq_file *m, const char *scope, const struct metric *metrics,
			      size_t nr)
{
	static const char *const type[] = {
		[CUMULATIVE] = "cumulative", [INSTANT] = "instant", [PEAK] = "peak",
		[LOWEST] = "lowest", [HISTOGRAM] = "histogram",
	};
	static const char *const unit[] = { [NONE] = "none", [SECONDS] = "seconds" };
	size_t i;

	for (i = 0; i < nr; i++)
		seq_printf(m, "%s %s %s %s %d %s\n", scope, metrics[i].name,
			   type[metrics[i].type], unit[metrics[i].unit], metrics[i].exponent,
			   metrics[i].help);
}

/**
 * kvmeter_tables_show_metrics - the table of metrics
 * @m: where to
 *
 * Context: process.
 */
void kvmeter_tables_show_metrics(struct seq_file *m)
{
	seq_puts(m, "scope name type unit exponent help\n");
	show_descriptions(m, "vm", vm_metrics, ARRAY_SIZE(vm_metrics));
	show_descriptions(m, "vcpu", vcpu_metrics, ARRAY_SIZE(vcpu_metrics));
	show_descriptions(m, "exit", exit_metrics, ARRAY_SIZE(exit_metrics));
	show_descriptions(m, "sub", sub_metrics, ARRAY_SIZE(sub_metrics));
	show_descriptions(m, "thief", thief_metrics, ARRAY_SIZE(thief_metrics));
	show_descriptions(m, "dirty", dirty_metrics, ARRAY_SIZE(dirty_metrics));
	show_descriptions(m, "migration", migration_metrics, ARRAY_SIZE(migration_metrics));
	show_descriptions(m, "round", round_metrics, ARRAY_SIZE(round_metrics));
}

/**
 * kvmeter_tables_show_audit - a line of the audit
 * @m: where to
 * @a: the record; NULL: the header
 *
 * Context: process.
 */
void kvmeter_tables_show_audit(struct seq_file *m, const struct kvmeter_audit *a)
{
	static const char *const kind[] = { KVMETER_AUDIT_KIND_WORDS(KVMETER_WORD) };

	if (!a) {
		seq_puts(m, "nr kind time_ns real_ns id pid vm vm_gen mode goal why round ");
		seq_puts(m, "deadline_ns to_send_pages bandwidth_pages dirty_rate_pages ");
		seq_puts(m, "before_pages quota_pages would_pages throttle_ns\n");
		return;
	}
	seq_printf(m, "%llu %s %llu %llu %.*s %u %u %u %s %s %s %u ", a->nr, kind[a->kind],
		   a->time_ns, a->real_ns, KVMETER_NAME_LEN, a->id, a->pid, a->vm, a->vm_gen,
		   modes[a->mode], goals[a->goal], whys[a->why], a->round);
	seq_printf(m, "%llu %llu %llu %llu %llu %llu %llu %llu\n", a->deadline_ns,
		   a->to_send_pages, a->bandwidth_pages, a->dirty_rate_pages, a->before_pages,
		   a->quota_pages, a->would_pages, a->throttle_ns);
}
