/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the command top share.
 *
 * Four layers: rows and columns tell what there is to show of a snapshot; the list brings rows into
 * order; drawing makes lines of text of it, of any width and height; only the screen knows ncurses.
 */
#ifndef KVMETER_TOP_H
#define KVMETER_TOP_H

#include <regex.h>

#include "steal.h"

/* Longest text of a cell: a thief, where there is only ASCII. */
#define KVMETER_CELL_MAX (4 * KVMETER_LABEL_MAX)

/* Longest answer to a question, and longest message. */
#define KVMETER_ANSWER_MAX 128
#define KVMETER_MESSAGE_MAX 256

/* What there is of each row. The order is that of --help. */
enum kvmeter_top_column {
	KVMETER_COLUMN_NAME,
	KVMETER_COLUMN_ID,
	KVMETER_COLUMN_VCPUS,
	KVMETER_COLUMN_GUEST,
	KVMETER_COLUMN_KERNEL,
	KVMETER_COLUMN_VMM,
	KVMETER_COLUMN_HALT,
	KVMETER_COLUMN_STEAL,
	KVMETER_COLUMN_THROTTLE,
	KVMETER_COLUMN_EXITS,
	KVMETER_COLUMN_REASON,
	KVMETER_COLUMN_REASON_PCT,
	KVMETER_COLUMN_DIRTY,
	KVMETER_COLUMN_MIGRATION,
	KVMETER_COLUMN_THIEF,
	KVMETER_COLUMN_THIEF_PCT,
	KVMETER_COLUMN_STATE,
	KVMETER_COLUMN_CPU,
	KVMETER_COLUMN_NODE,
	KVMETER_COLUMN_NR,
};

/* What is shown of all VMs, or of the one that is opened; by the digit that chooses it. */
enum kvmeter_top_view {
	KVMETER_VIEW_ALL,
	KVMETER_VIEW_TIME,
	KVMETER_VIEW_EXITS,
	KVMETER_VIEW_STEAL,
	KVMETER_VIEW_DIRTY,
	KVMETER_VIEW_MIGRATION,
	KVMETER_VIEW_MATRIX,
	KVMETER_VIEW_NR,
};

/* Keys that are no characters. */
enum kvmeter_top_key {
	KVMETER_KEY_NONE = -1,
	KVMETER_KEY_ENTER = '\r',
	KVMETER_KEY_ESCAPE = 27,
	KVMETER_KEY_UP = 0x1000,
	KVMETER_KEY_DOWN,
	KVMETER_KEY_LEFT,
	KVMETER_KEY_RIGHT,
	KVMETER_KEY_PAGE_UP,
	KVMETER_KEY_PAGE_DOWN,
	KVMETER_KEY_HOME,
	KVMETER_KEY_END,
	KVMETER_KEY_BACKSPACE,
	KVMETER_KEY_RESIZE,
};

/* What the user is being asked for. */
enum kvmeter_top_question {
	KVMETER_ASK_NONE,
	KVMETER_ASK_FILTER,
	KVMETER_ASK_GUEST,
	KVMETER_ASK_INTERVAL,
	KVMETER_ASK_SORT,
};

/**
 * struct kvmeter_top_row - a VM, or a vCPU, and the figures of it
 * @snap: what they are of
 * @vm: the VM
 * @vcpu: the vCPU; NULL: the VM as a whole
 * @has_shares: there is time to share out
 * @tenths: by enum kvmeter_state, as of kvmeter_ledger_get_shares()
 * @exits_s: exits a second
 * @reason: the most frequent exit reason; empty if there was no exit
 * @reason_pct: its share of the exits
 * @dirty_bytes_s: memory dirtied; of meaning only if the VM was armed
 * @done: part of the round in progress of its migration that is sent; below 0 if not known
 * @has_thief: somebody took time from it
 * @thief: who took most
 * @thief_pct: share of its time
 */
struct kvmeter_top_row {
	const struct kvmeter_snap *snap;
	const struct kvmeter_snap_vm *vm;
	const struct kvmeter_snap_vcpu *vcpu;
	bool has_shares;
	unsigned int tenths[KVMETER_STATE_NR];
	double exits_s;
	char reason[KVMETER_REASON_MAX];
	double reason_pct;
	double dirty_bytes_s;
	double done;
	bool has_thief;
	struct kvmeter_thief_sum thief;
	double thief_pct;
};

/**
 * struct kvmeter_top_id - which row is meant, whatever becomes of the others
 * @slot: of the VM
 * @gen: of that slot; 0: none is meant
 * @vcpu_id: of the vCPU, or -1
 */
struct kvmeter_top_id {
	__u32 slot;
	__u32 gen;
	long long vcpu_id;
};

/**
 * struct kvmeter_top_filter - which VMs are shown
 * @text: regular expression that the name has to match; empty: any
 * @regex: the same, compiled; of meaning if @text is not empty
 * @guest: name, pid or id that the VM has to have; empty: any
 */
struct kvmeter_top_filter {
	char text[KVMETER_ANSWER_MAX];
	regex_t regex;
	char guest[KVMETER_NAME_MAX];
};

/**
 * struct kvmeter_top_list - rows in the order in which they are shown
 * @rows: the rows
 * @nr: how many
 * @room: how many there is room for
 * @nr_vms: VMs among them
 */
struct kvmeter_top_list {
	struct kvmeter_top_row *rows;
	unsigned int nr, room;
	unsigned int nr_vms;
};

/**
 * struct kvmeter_top - all that top knows
 * @snap: what is shown: of an interval, or since each VM was first seen
 * @list: rows of it
 * @filter: which VMs are in it
 * @view: what is shown
 * @opened: the VM that is opened, if any
 * @column: what rows are sorted by
 * @reverse: the other way round
 * @children: each VM is followed by its vCPUs
 * @pages: dirty memory is told in pages, not in MiB
 * @help: the keys are shown
 * @back: what was shown before it was opened, and which row was marked
 * @selected: the row that is marked
 * @at: where it is, or was
 * @first: the first row, or line, that is seen
 * @shift: columns of the table, or characters of a page, that are moved out on the left
 * @height: rows, or lines, that were seen when it was drawn last
 * @lines: lines that there were then
 * @question: what is asked for
 * @answer: as far as it is typed
 * @message: what is to be told, until the next key
 * @interval_s: time from one report to the next
 * @total: figures are to be of all time since the last reset, not of the last interval
 * @is_total: they are
 * @utf8: characters beyond ASCII may be used
 * @quit: it is to end
 * @refresh: the next report is due at once
 * @reset: count from now on
 * @retell: what is shown is to be of another time
 */
struct kvmeter_top {
	const struct kvmeter_snap *snap;
	struct kvmeter_top_list list;
	struct kvmeter_top_filter filter;
	enum kvmeter_top_view view;
	struct kvmeter_top_id opened;
	struct {
		enum kvmeter_top_view view;
		struct kvmeter_top_id selected;
		unsigned int at;
	} back;
	enum kvmeter_top_column column;
	bool reverse, children, pages, help;
	struct kvmeter_top_id selected;
	unsigned int at, first, shift, height, lines;
	enum kvmeter_top_question question;
	char answer[KVMETER_ANSWER_MAX];
	char message[KVMETER_MESSAGE_MAX];
	double interval_s;
	bool total, is_total, utf8;
	bool quit, refresh, reset, retell;
};

/**
 * struct kvmeter_top_cell - a column of a table that fits
 * @column: which
 * @width: characters that it has
 */
struct kvmeter_top_cell {
	enum kvmeter_top_column column;
	unsigned int width;
};

/**
 * struct kvmeter_top_layout - the columns of a table that fit, from the left
 * @cells: the columns
 * @nr: how many
 * @marks: there are marks of the row that is selected, and of the column that rows are sorted by
 * @more_left: columns that are moved out on the left
 * @more_right: columns for which there is no room
 */
struct kvmeter_top_layout {
	struct kvmeter_top_cell cells[KVMETER_COLUMN_NR];
	unsigned int nr;
	bool marks;
	unsigned int more_left, more_right;
};

/**
 * struct kvmeter_top_picture - a screen full of text
 * @text: lines, none wider than the screen, no more than it has
 * @size: bytes of it
 * @heading: number of the line that names columns, -1: none
 * @selected: number of the line of the row that is marked, -1: none
 * @cursor: number of the character in line 1 where something is typed, -1: nothing is
 */
struct kvmeter_top_picture {
	char *text;
	size_t size;
	int heading, selected, cursor;
};

/**
 * struct kvmeter_top_source - where snapshots come from
 * @take: takes one, or ends the program
 * @arg: what it is given
 */
struct kvmeter_top_source {
	void (*take)(struct kvmeter_snap *snap, void *arg);
	void *arg;
};

/* top_rows.c */
void kvmeter_top_row_make(struct kvmeter_top_row *row, const struct kvmeter_snap *snap,
			  const struct kvmeter_snap_vm *vm, const struct kvmeter_snap_vcpu *vcpu);

/* top_columns.c */
const char *kvmeter_top_column_heading(enum kvmeter_top_column column, bool pages);
bool kvmeter_top_column_is_text(enum kvmeter_top_column column);
unsigned int kvmeter_top_column_width(enum kvmeter_top_column column);
bool kvmeter_top_column_find(const char *name, enum kvmeter_top_column *column);
bool kvmeter_top_column_get(enum kvmeter_top_column column, const struct kvmeter_top_row *row,
			    double *value);
void kvmeter_top_column_print(enum kvmeter_top_column column, const struct kvmeter_top_row *row,
			      bool pages, char *buf, size_t size);

/* top_filter.c */
bool kvmeter_top_filter_set(struct kvmeter_top_filter *filter, const char *text, char *why,
			    size_t size);
void kvmeter_top_filter_clear(struct kvmeter_top_filter *filter);
void kvmeter_top_filter_guest(struct kvmeter_top_filter *filter, const char *guest);
bool kvmeter_top_filter_wants(const struct kvmeter_top_filter *filter,
			      const struct kvmeter_snap_vm *vm);

/* top_list.c */
void kvmeter_top_init(struct kvmeter_top *top, const struct kvmeter_args *args);
const struct kvmeter_snap_vm *kvmeter_top_opened(const struct kvmeter_top *top);
void kvmeter_top_close(struct kvmeter_top *top);
void kvmeter_top_list_make(struct kvmeter_top *top);
void kvmeter_top_list_select(struct kvmeter_top *top, unsigned int at);
void kvmeter_top_put(struct kvmeter_top *top);

/* top_layout.c */
const enum kvmeter_top_column *kvmeter_top_columns(const struct kvmeter_top *top);
void kvmeter_top_get_text(const struct kvmeter_top *top, enum kvmeter_top_column column,
			  const struct kvmeter_top_row *row, char *text, size_t size);
void kvmeter_top_layout_make(struct kvmeter_top_layout *l, const struct kvmeter_top *top,
			     unsigned int width);
void kvmeter_top_layout_widen(struct kvmeter_top_layout *l, const struct kvmeter_top *top);

/* top_table.c */
void kvmeter_top_print_heading(FILE *out, const struct kvmeter_top *top,
			       const struct kvmeter_top_layout *l);
void kvmeter_top_print_row(FILE *out, const struct kvmeter_top *top,
			   const struct kvmeter_top_layout *l, const struct kvmeter_top_row *row);

/* top_pages.c */
char *kvmeter_top_page(const struct kvmeter_top *top, unsigned int width);

/* top_draw.c */
void kvmeter_top_draw(struct kvmeter_top *top, struct kvmeter_top_picture *picture,
		      unsigned int height, unsigned int width);

/* top_keys.c */
extern const char kvmeter_top_keys[];
void kvmeter_top_press(struct kvmeter_top *top, int key);

/* top_batch.c */
void kvmeter_top_report(const struct kvmeter_report *report);

/* top_json.c */
void kvmeter_top_print_json(const struct kvmeter_top *top);

/* top_screen.c */
void kvmeter_screen_open(void);
void kvmeter_screen_close(void);
void kvmeter_screen_get_size(unsigned int *height, unsigned int *width);
void kvmeter_screen_show(const struct kvmeter_top_picture *picture);
int kvmeter_screen_get_key(void);

/* top.c */
void kvmeter_top_run(const struct kvmeter_top_source *source, struct kvmeter_top *top,
		     unsigned long count);

#endif /* KVMETER_TOP_H */
