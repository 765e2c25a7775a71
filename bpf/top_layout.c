// SPDX-License-Identifier: GPL-2.0-only
/* The layout of top: which columns a view has, which of them fit, and how wide each is. */
#include <string.h>

#include "top.h"

/* Before each row: whether it is the one that is marked. */
#define MARK_WIDTH 1

/* Text columns get no wider than this on a screen. */
#define TEXT_WIDTH_MAX 40

#define END KVMETER_COLUMN_NR

static const enum kvmeter_top_column all[] = {
	KVMETER_COLUMN_NAME,	  KVMETER_COLUMN_VCPUS,
	KVMETER_COLUMN_GUEST,	  KVMETER_COLUMN_KERNEL,
	KVMETER_COLUMN_VMM,	  KVMETER_COLUMN_HALT,
	KVMETER_COLUMN_STEAL,	  KVMETER_COLUMN_EXITS,
	KVMETER_COLUMN_REASON,	  KVMETER_COLUMN_DIRTY,
	KVMETER_COLUMN_MIGRATION, KVMETER_COLUMN_THIEF,
	KVMETER_COLUMN_ID,	  END,
};

static const enum kvmeter_top_column time_columns[] = {
	KVMETER_COLUMN_NAME,	 KVMETER_COLUMN_ID,
	KVMETER_COLUMN_VCPUS,	 KVMETER_COLUMN_GUEST,
	KVMETER_COLUMN_KERNEL,	 KVMETER_COLUMN_VMM,
	KVMETER_COLUMN_HALT,	 KVMETER_COLUMN_STEAL,
	KVMETER_COLUMN_THROTTLE, END,
};

static const enum kvmeter_top_column exits[] = {
	KVMETER_COLUMN_NAME,   KVMETER_COLUMN_ID,	  KVMETER_COLUMN_VCPUS,
	KVMETER_COLUMN_KERNEL, KVMETER_COLUMN_VMM,	  KVMETER_COLUMN_EXITS,
	KVMETER_COLUMN_REASON, KVMETER_COLUMN_REASON_PCT, END,
};

static const enum kvmeter_top_column steal[] = {
	KVMETER_COLUMN_NAME,
	KVMETER_COLUMN_ID,
	KVMETER_COLUMN_VCPUS,
	KVMETER_COLUMN_STEAL,
	KVMETER_COLUMN_THIEF_PCT,
	KVMETER_COLUMN_THIEF,
	END,
};

static const enum kvmeter_top_column dirty[] = {
	KVMETER_COLUMN_NAME,
	KVMETER_COLUMN_ID,
	KVMETER_COLUMN_VCPUS,
	KVMETER_COLUMN_DIRTY,
	KVMETER_COLUMN_MIGRATION,
	KVMETER_COLUMN_THROTTLE,
	END,
};

static const enum kvmeter_top_column vcpus[] = {
	KVMETER_COLUMN_NAME,	 KVMETER_COLUMN_GUEST,
	KVMETER_COLUMN_KERNEL,	 KVMETER_COLUMN_VMM,
	KVMETER_COLUMN_HALT,	 KVMETER_COLUMN_STEAL,
	KVMETER_COLUMN_THROTTLE, KVMETER_COLUMN_STATE,
	KVMETER_COLUMN_CPU,	 KVMETER_COLUMN_NODE,
	KVMETER_COLUMN_EXITS,	 KVMETER_COLUMN_REASON,
	KVMETER_COLUMN_THIEF,	 END,
};

/* Views that have none are pages of text. */
static const enum kvmeter_top_column *const views[KVMETER_VIEW_NR] = {
	[KVMETER_VIEW_ALL] = all,     [KVMETER_VIEW_TIME] = time_columns,
	[KVMETER_VIEW_EXITS] = exits, [KVMETER_VIEW_STEAL] = steal,
	[KVMETER_VIEW_DIRTY] = dirty,
};

/**
 * kvmeter_top_columns - the columns of what is shown
 * @top: what is shown
 *
 * Return: the columns, NAME first, up to KVMETER_COLUMN_NR; NULL if it is no table.
 */
const enum kvmeter_top_column *kvmeter_top_columns(const struct kvmeter_top *top)
{
	if (top->opened.gen)
		return top->view == KVMETER_VIEW_TIME ? vcpus : NULL;
	return views[top->view];
}

static void add_cell(struct kvmeter_top_layout *l, enum kvmeter_top_column column)
{
	l->cells[l->nr].column = column;
	l->cells[l->nr++].width = kvmeter_top_column_width(column);
}

/**
 * kvmeter_top_get_text - what a column shows of a row on this screen
 * @top: what is shown
 * @column: the column
 * @row: the row; NULL: the heading
 * @text: where it goes
 * @size: bytes there, KVMETER_CELL_MAX
 */
void kvmeter_top_get_text(const struct kvmeter_top *top, enum kvmeter_top_column column,
			  const struct kvmeter_top_row *row, char *text, size_t size)
{
	char any[KVMETER_CELL_MAX];

	if (row)
		kvmeter_top_column_print(column, row, top->pages, any, sizeof(any));
	else
		snprintf(any, sizeof(any), "%s", kvmeter_top_column_heading(column, top->pages));
	if (top->utf8)
		snprintf(text, size, "%s", any);
	else
		kvmeter_escape_ascii(any, text, size);
}

/* Width of the longest text of a column. */
static unsigned int get_need(const struct kvmeter_top *top, enum kvmeter_top_column column)
{
	unsigned int i, width, most = strlen(kvmeter_top_column_heading(column, top->pages));
	char text[KVMETER_CELL_MAX];

	for (i = 0; i < top->list.nr; i++) {
		kvmeter_top_get_text(top, column, &top->list.rows[i], text, sizeof(text));
		width = kvmeter_escape_width(text);
		most = width > most ? width : most;
	}
	return most;
}

/* What is left goes to columns whose text needs more, from the left. */
static void share_out(struct kvmeter_top_layout *l, const struct kvmeter_top *top,
		      unsigned int left)
{
	unsigned int i, need, more;

	for (i = 0; i < l->nr && left; i++) {
		if (!kvmeter_top_column_is_text(l->cells[i].column))
			continue;
		need = get_need(top, l->cells[i].column);
		need = need < TEXT_WIDTH_MAX ? need : TEXT_WIDTH_MAX;
		if (need <= l->cells[i].width)
			continue;
		more = need - l->cells[i].width;
		more = more < left ? more : left;
		l->cells[i].width += more;
		left -= more;
	}
}

/**
 * kvmeter_top_layout_make - find out which columns fit
 * @l: filled
 * @top: what is shown, a table; so many columns after NAME are moved out as top->shift says, of
 *	 which the last one never is
 * @width: characters of a line
 */
void kvmeter_top_layout_make(struct kvmeter_top_layout *l, const struct kvmeter_top *top,
			     unsigned int width)
{
	const enum kvmeter_top_column *column = kvmeter_top_columns(top);
	unsigned int used = MARK_WIDTH, need;

	memset(l, 0, sizeof(*l));
	l->marks = true;
	add_cell(l, *column);
	used += l->cells[0].width;
	for (column++; l->more_left < top->shift && column[0] != END && column[1] != END; column++)
		l->more_left++;
	for (; *column != END; column++) {
		need = 1 + kvmeter_top_column_width(*column);
		if (l->more_right || used + need > width) {
			l->more_right++;
			continue;
		}
		add_cell(l, *column);
		used += need;
	}
	if (used < width)
		share_out(l, top, width - used);
}

/**
 * kvmeter_top_layout_widen - have all columns of a view, as wide as they have to be
 * @l: filled
 * @top: what is shown, a table
 */
void kvmeter_top_layout_widen(struct kvmeter_top_layout *l, const struct kvmeter_top *top)
{
	const enum kvmeter_top_column *column;
	unsigned int need;

	memset(l, 0, sizeof(*l));
	for (column = kvmeter_top_columns(top); *column != END; column++) {
		add_cell(l, *column);
		need = get_need(top, *column);
		if (need > l->cells[l->nr - 1].width)
			l->cells[l->nr - 1].width = need;
	}
}
