/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page that is made of a recording: what is on it, and how it is drawn.
 *
 * A recording is read three times: to know its times and VMs (playback.c), to know which VMs cost
 * most (html_rank.c), and to fill in what these did (html_fill.c). Then the page is written. What
 * is kept, and so the page, is bounded however long the recording is: a few hundred columns of
 * time, KVMETER_HTML_VMS VMs and the sum of the others.
 */
#ifndef KVMETER_HTML_H
#define KVMETER_HTML_H

#include "migrate.h"
#include "playback.h"

/* Columns of time, but for those that gaps need. */
#define KVMETER_HTML_COLS 160
#define KVMETER_HTML_COLS_MAX (3 * KVMETER_HTML_COLS + 2)

/* VMs that are shown one by one, by the time that they took. */
#define KVMETER_HTML_VMS 16

/* Of the rest of the page: D(t) of VMs, migrations, decisions in one, and processes. */
#define KVMETER_HTML_CURVES 8
#define KVMETER_HTML_MIGRATIONS 12
#define KVMETER_HTML_DECISIONS 24
#define KVMETER_HTML_COMMS 256
#define KVMETER_HTML_COMMS_SHOWN 8

/* Bytes of a text that a name is shortened to. */
#define KVMETER_HTML_NAME_WIDTH 48

/* Who took time besides VMs that are known. */
enum kvmeter_html_thief {
	KVMETER_HTML_GONE,
	KVMETER_HTML_OWN,
	KVMETER_HTML_KERNEL,
	KVMETER_HTML_PROCESS,
	KVMETER_HTML_LIMIT,
	KVMETER_HTML_IDLE,
	KVMETER_HTML_OTHER,
	KVMETER_HTML_UNEXPLAINED,
	KVMETER_HTML_THIEF_NR,
};

/**
 * struct kvmeter_html_curve - what a VM dirties, as it was known last
 * @d: D(t)
 * @ram_pages: its memory
 * @downtime_ns: what it may stand still in a migration
 */
struct kvmeter_html_curve {
	struct kvmeter_dirty d;
	__u64 ram_pages;
	__u64 downtime_ns;
};

/**
 * struct kvmeter_html_vm - a VM that was ever there
 * @slot: its slot
 * @gen: gen of that slot
 * @vm: its name and id
 * @seen: it was there in the part that is meant
 * @before_ns: time that its vCPUs had taken when that began
 * @busy_ns: time that they took in it: all but halt
 * @nr_vcpus: most vCPUs
 * @row: where it is shown
 * @curve: NULL if nothing is known
 */
struct kvmeter_html_vm {
	__u32 slot, gen;
	const struct kvmeter_snap_vm *vm;
	bool seen;
	__u64 before_ns, busy_ns;
	unsigned int nr_vcpus, row;
	struct kvmeter_html_curve *curve;
};

/**
 * struct kvmeter_html_col - a column of time, [begin_ns, end_ns)
 * @is_gap: there is no snapshot for much longer than there should be: it is not drawn
 */
struct kvmeter_html_col {
	__u64 begin_ns, end_ns;
	bool is_gap;
};

/**
 * struct kvmeter_html_cell - what vCPUs did in some time
 * @state_ns: by enum kvmeter_state
 * @exits: handling times of exits
 */
struct kvmeter_html_cell {
	__u64 state_ns[KVMETER_STATE_NR];
	struct kvmeter_hist exits;
};

/**
 * struct kvmeter_html_row - a VM that is shown, or the sum of all others
 * @vm: NULL: the others
 * @nr_vms: how many it is
 * @nr_vcpus: of them all
 * @cells: by column
 * @sum: of all columns
 * @stolen_ns: from these vCPUs, by VM (as rows), and behind those by enum kvmeter_html_thief
 */
struct kvmeter_html_row {
	const struct kvmeter_html_vm *vm;
	unsigned int nr_vms, nr_vcpus;
	struct kvmeter_html_cell *cells, sum;
	__u64 stolen_ns[KVMETER_HTML_VMS + 1 + KVMETER_HTML_THIEF_NR];
};

/* A process that took time. */
struct kvmeter_html_comm {
	char comm[KVMETER_COMM_LEN];
	__u64 ns;
};

/**
 * struct kvmeter_html_decision - what the autopilot did, as a snapshot has it
 * @time_ns: when it decided
 * @round: round that was in progress
 * @mode, @why, @would_pages, @autopilot_pages: of struct kvmeter_migration
 */
struct kvmeter_html_decision {
	__u64 time_ns;
	__u32 round, mode, why;
	__u64 would_pages, autopilot_pages;
};

/**
 * struct kvmeter_html_migration - a migration, as it was known last
 * @vm: the VM
 * @now_ns: when that was
 * @snap_vm: the VM then
 * @decisions: the first ones
 * @nr_decisions: how many there were
 */
struct kvmeter_html_migration {
	const struct kvmeter_html_vm *vm;
	__u64 now_ns;
	struct kvmeter_snap_vm snap_vm;
	struct kvmeter_html_decision decisions[KVMETER_HTML_DECISIONS];
	unsigned int nr_decisions;
};

/**
 * struct kvmeter_html - what is on the page
 * @origin: what was recorded
 * @damages: places of the file that could not be read
 * @damaged_at: the first of them
 * @interval_ns: from one snapshot to the next, as it should be
 * @host: as it was last
 * @begin_ns: first snapshot, by the ledger clock
 * @begin_real_ns: by CLOCK_REALTIME
 * @end_ns: last one
 * @nr_snaps: how many
 * @nr_gaps: where they are further apart than they should be
 * @gap_ns: how far, added up
 * @vms: by slot and gen
 * @nr_vms: how many
 * @nr_seen: of these, those that were there
 * @rows: VMs by the time that they took, the others behind them
 * @nr_rows: how many
 * @nr_shown: without the others
 * @cols: columns of time
 * @nr_cols: how many
 * @comms: processes that took time
 * @nr_comms: how many
 * @comms_lost_ns: time that further ones took
 * @migrations: the last ones, by when they began
 * @nr_migrations: how many there are
 * @migrations_lost: how many there were before
 * @has_base: @base is one
 * @base: snapshot that the column in progress begins with
 * @last: the last one so far
 * @delta: what happened in between
 */
struct kvmeter_html {
	struct kvmeter_recording_origin origin;
	unsigned long damages;
	long damaged_at;
	__u64 interval_ns;
	struct kvmeter_host host;
	__u64 begin_ns, begin_real_ns, end_ns;
	unsigned long nr_snaps, nr_gaps;
	__u64 gap_ns;
	struct kvmeter_html_vm *vms;
	unsigned int nr_vms, nr_seen;
	struct kvmeter_html_row rows[KVMETER_HTML_VMS + 1];
	unsigned int nr_rows, nr_shown;
	struct kvmeter_html_col cols[KVMETER_HTML_COLS_MAX];
	unsigned int nr_cols;
	struct kvmeter_html_comm comms[KVMETER_HTML_COMMS];
	unsigned int nr_comms;
	__u64 comms_lost_ns;
	struct kvmeter_html_migration migrations[KVMETER_HTML_MIGRATIONS];
	unsigned int nr_migrations, migrations_lost;
	bool has_base;
	struct kvmeter_snap base, last, delta;
};

/* html_rank.c */
void kvmeter_html_rank_begin(struct kvmeter_html *html, const struct kvmeter_snap *all);
void kvmeter_html_rank_add(struct kvmeter_html *html, const struct kvmeter_snap *snap);
void kvmeter_html_rank_end(struct kvmeter_html *html);
struct kvmeter_html_vm *kvmeter_html_find_vm(const struct kvmeter_html *html, __u32 slot,
					     __u32 gen);
bool kvmeter_html_is_gap(const struct kvmeter_html *html, __u64 step_ns);

/* html_fill.c */
void kvmeter_html_fill_add(struct kvmeter_html *html, const struct kvmeter_snap *snap);
void kvmeter_html_fill_end(struct kvmeter_html *html);
void kvmeter_html_put(struct kvmeter_html *html);

/* html_thieves.c */
void kvmeter_html_thieves_add(struct kvmeter_html *html, const struct kvmeter_snap *delta,
			      const struct kvmeter_snap_vm *vm, struct kvmeter_html_row *row);
const char *kvmeter_html_thief_word(enum kvmeter_html_thief thief);

/* html_moves.c */
void kvmeter_html_moves_note(struct kvmeter_html *html, const struct kvmeter_snap *snap);

/* html_text.c */
void kvmeter_html_put_name(FILE *out, const struct kvmeter_html_row *row, unsigned int width);
void kvmeter_html_put_pages(FILE *out, double pages);
void kvmeter_html_put_length(FILE *out, double ns);
void kvmeter_html_put_time(FILE *out, const struct kvmeter_html *html, __u64 ns);
void kvmeter_html_put_card(FILE *out, const char *kind, const struct kvmeter_html_vm *vm);

/* html_axis.c: of a chart, in its units */
#define KVMETER_HTML_WIDTH 560.0
#define KVMETER_HTML_LEFT 52.0
#define KVMETER_HTML_RIGHT 8.0
#define KVMETER_HTML_TOP 8.0
#define KVMETER_HTML_BOTTOM 20.0

unsigned int kvmeter_html_axis_step_s(double span_s);
double kvmeter_html_axis_round_up(double value);
double kvmeter_html_axis_x(const struct kvmeter_html *html, __u64 ns);
void kvmeter_html_axis_begin(FILE *out, const char *label, double height);
void kvmeter_html_axis_line(FILE *out, double y, const char *label);
void kvmeter_html_axis_times(FILE *out, const struct kvmeter_html *html, double height);

/* html_ledger.c, html_steal.c, html_exits.c, html_curve.c, html_forecast.c, html_rounds.c */
void kvmeter_html_draw_ledger(FILE *out, const struct kvmeter_html *html);
void kvmeter_html_draw_steal(FILE *out, const struct kvmeter_html *html);
unsigned int kvmeter_html_exits_shade(double rate, double peak);
void kvmeter_html_draw_exits(FILE *out, const struct kvmeter_html *html);
void kvmeter_html_draw_curves(FILE *out, const struct kvmeter_html *html);
void kvmeter_html_draw_forecast(FILE *out, const struct kvmeter_html_curve *curve);
void kvmeter_html_draw_rounds(FILE *out, const struct kvmeter_html *html);

/* html_style.c */
extern const char kvmeter_html_style[];

/* html_page.c */
void kvmeter_html_write(FILE *out, const struct kvmeter_html *html);

/* cmd_html.c */
void kvmeter_cmd_html(const struct kvmeter_replay_args *args, const char *file);

#endif /* KVMETER_HTML_H */
