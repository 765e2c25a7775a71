// SPDX-License-Identifier: GPL-2.0-only
/* Collects columns of heat, and folds them so that they fit a screen. */
#include <stdlib.h>
#include <string.h>

#include "heat.h"

static void drop_oldest(struct kvmeter_heat *heat)
{
	heat->nr_cols--;
	memmove(heat->cells, heat->cells + heat->nr_rows,
		(size_t)heat->nr_cols * heat->nr_rows * sizeof(*heat->cells));
	memmove(heat->col_ns, heat->col_ns + 1, heat->nr_cols * sizeof(*heat->col_ns));
}

/* As few cells to a row as there is room for. */
static void set_rows(struct kvmeter_heat *heat, unsigned int nr)
{
	unsigned int per_row = 1;

	while ((nr + per_row - 1) / per_row > KVMETER_HEAT_ROWS_MAX)
		per_row *= 2;
	heat->row_pages = (__u64)per_row * KVMETER_HEAT_CELL_PAGES;
	heat->nr_rows = (nr + per_row - 1) / per_row;
}

/**
 * kvmeter_heat_add - add a column
 * @heat: zeroed before the first one, whose size all others have
 * @cells: pages dirtied in each 2 MiB from address 0 on
 * @nr: how many cells; what is beyond the first column's is left out
 * @now_ns: the time that it ends at
 */
void kvmeter_heat_add(struct kvmeter_heat *heat, const __u32 *cells, unsigned int nr, __u64 now_ns)
{
	unsigned int i, row, room = heat->room;
	__u64 *col;

	if (!heat->nr_rows)
		set_rows(heat, nr);
	if (!heat->nr_rows)
		return;
	if (heat->nr_cols == KVMETER_HEAT_COLS_MAX)
		drop_oldest(heat);
	heat->col_ns =
		kvmeter_array_grow(heat->col_ns, &room, heat->nr_cols + 1, sizeof(*heat->col_ns));
	heat->cells = kvmeter_array_grow(heat->cells, &heat->room, heat->nr_cols + 1,
					 heat->nr_rows * sizeof(*heat->cells));
	col = heat->cells + (size_t)heat->nr_cols * heat->nr_rows;
	memset(col, 0, heat->nr_rows * sizeof(*col));
	for (i = 0; i < nr; i++) {
		row = i / (heat->row_pages / KVMETER_HEAT_CELL_PAGES);
		if (row < heat->nr_rows)
			col[row] += cells[i];
	}
	heat->col_ns[heat->nr_cols++] = now_ns;
}

/**
 * kvmeter_heat_put - release the memory of a picture
 * @heat: the picture
 */
void kvmeter_heat_put(struct kvmeter_heat *heat)
{
	free(heat->cells);
	free(heat->col_ns);
	memset(heat, 0, sizeof(*heat));
}

/**
 * kvmeter_heat_fold - make a picture as small as a screen
 * @to: zeroed; the same with neighbouring rows added up, and the last columns
 * @from: the picture
 * @rows: at most so many rows
 * @cols: at most so many columns
 */
void kvmeter_heat_fold(struct kvmeter_heat *to, const struct kvmeter_heat *from, unsigned int rows,
		       unsigned int cols)
{
	unsigned int fold = rows ? (from->nr_rows + rows - 1) / rows : from->nr_rows, col, row;
	unsigned int first = from->nr_cols > cols ? from->nr_cols - cols : 0;

	fold = fold ? fold : 1;
	to->row_pages = from->row_pages * fold;
	to->nr_rows = (from->nr_rows + fold - 1) / fold;
	to->nr_cols = from->nr_cols - first;
	to->room = 0;
	to->cells = kvmeter_array_grow(NULL, &to->room, to->nr_cols * to->nr_rows + 1,
				       sizeof(*to->cells));
	to->room = 0;
	to->col_ns = kvmeter_array_grow(NULL, &to->room, to->nr_cols + 1, sizeof(*to->col_ns));
	for (col = 0; col < to->nr_cols; col++) {
		to->col_ns[col] = from->col_ns[first + col];
		for (row = 0; row < from->nr_rows; row++)
			to->cells[(size_t)col * to->nr_rows + row / fold] +=
				from->cells[(size_t)(first + col) * from->nr_rows + row];
	}
}

/**
 * kvmeter_heat_hottest - the hottest cell of a picture
 * @heat: the picture
 *
 * Return: pages dirtied there.
 */
__u64 kvmeter_heat_hottest(const struct kvmeter_heat *heat)
{
	size_t i, nr = (size_t)heat->nr_cols * heat->nr_rows;
	__u64 most = 0;

	for (i = 0; i < nr; i++)
		most = heat->cells[i] > most ? heat->cells[i] : most;
	return most;
}

/**
 * kvmeter_heat_shade - how dark a cell is
 * @pages: pages dirtied there
 * @hottest: in the hottest cell
 *
 * Return: 0 if none was, then 1 to 4: up to 1/32, 1/8, 1/2 of the hottest, and more.
 */
unsigned int kvmeter_heat_shade(__u64 pages, __u64 hottest)
{
	if (!pages)
		return 0;
	if (pages * 32 <= hottest)
		return 1;
	if (pages * 8 <= hottest)
		return 2;
	return pages * 2 <= hottest ? 3 : 4;
}
