// SPDX-License-Identifier: GPL-2.0-only
/* Tables of top as text: the heading, and a row. */
#include "top.h"

/* A number is never cut: a part of it is another one. */
static void cut_text(const struct kvmeter_top *top, const struct kvmeter_top_cell *cell, char *text,
		     size_t size)
{
	char cut[KVMETER_CELL_MAX / 2];

	if (kvmeter_escape_width(text) <= cell->width)
		return;
	if (kvmeter_top_column_is_text(cell->column))
		kvmeter_escape_shorten(text, cell->width, cut, sizeof(cut));
	else
		snprintf(cut, sizeof(cut), "%.*s", (int)cell->width, "****************");
	if (top->utf8)
		snprintf(text, size, "%s", cut);
	else
		kvmeter_escape_ascii(cut, text, size);
}

/* Cell @i with a character before it, none if that is 0, and blanks after it if others follow. */
static void print_cell(FILE *out, const struct kvmeter_top *top, const struct kvmeter_top_layout *l,
		       unsigned int i, const struct kvmeter_top_row *row, char before)
{
	const struct kvmeter_top_cell *cell = &l->cells[i];
	bool right = !kvmeter_top_column_is_text(cell->column);
	char text[KVMETER_CELL_MAX];
	int blanks;

	kvmeter_top_get_text(top, cell->column, row, text, sizeof(text));
	cut_text(top, cell, text, sizeof(text));
	blanks = (int)(cell->width - kvmeter_escape_width(text));
	fprintf(out, "%*s%.*s%s%*s", right ? blanks : 0, "", before != 0, &before, text,
		right || i + 1 == l->nr ? 0 : blanks, "");
}

/* Next to the heading that rows are sorted by: which way. */
static char get_heading_mark(const struct kvmeter_top *top, const struct kvmeter_top_layout *l,
			     unsigned int i)
{
	if (!l->marks)
		return i ? ' ' : 0;
	if (l->cells[i].column == top->column)
		return top->reverse ? '^' : '*';
	return i == 1 && l->more_left ? '<' : ' ';
}

/**
 * kvmeter_top_print_heading - name the columns
 * @out: where to
 * @top: what is shown
 * @l: the columns that fit
 */
void kvmeter_top_print_heading(FILE *out, const struct kvmeter_top *top,
			       const struct kvmeter_top_layout *l)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		print_cell(out, top, l, i, NULL, get_heading_mark(top, l, i));
}

/**
 * kvmeter_top_print_row - print a row
 * @out: where to
 * @top: what is shown
 * @l: the columns that fit
 * @row: one of top->list; a mark stands before the one that is selected
 */
void kvmeter_top_print_row(FILE *out, const struct kvmeter_top *top,
			   const struct kvmeter_top_layout *l, const struct kvmeter_top_row *row)
{
	char mark = top->selected.gen && row == &top->list.rows[top->at] ? '>' : ' ';
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		print_cell(out, top, l, i, row, i ? ' ' : l->marks ? mark : 0);
}
