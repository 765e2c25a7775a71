/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The picture of heat: what was dirtied, by address and time.
 */
#ifndef KVMETER_HEAT_H
#define KVMETER_HEAT_H

#include "reader.h"

/* A cell that is read: 2 MiB. */
#define KVMETER_HEAT_SHIFT 9
#define KVMETER_HEAT_CELL_PAGES (1U << KVMETER_HEAT_SHIFT)

#define KVMETER_HEAT_ROWS_MAX 1024
#define KVMETER_HEAT_COLS_MAX 1000
#define KVMETER_HEAT_SHADES 5

/**
 * struct kvmeter_heat - pages dirtied, by address and time
 * @row_pages: pages that a row stands for, KVMETER_HEAT_CELL_PAGES times a power of 2
 * @nr_rows: rows, by address; in [0, KVMETER_HEAT_ROWS_MAX]
 * @nr_cols: columns, by time, the oldest first; in [0, KVMETER_HEAT_COLS_MAX]
 * @room: columns there is room for
 * @cells: cells[col * nr_rows + row]: pages dirtied there and then
 * @col_ns: when each column ends, by the ledger clock
 */
struct kvmeter_heat {
	__u64 row_pages;
	unsigned int nr_rows, nr_cols, room;
	__u64 *cells;
	__u64 *col_ns;
};

/* heat.c */
void kvmeter_heat_add(struct kvmeter_heat *heat, const __u32 *cells, unsigned int nr, __u64 now_ns);
void kvmeter_heat_put(struct kvmeter_heat *heat);
void kvmeter_heat_fold(struct kvmeter_heat *to, const struct kvmeter_heat *from, unsigned int rows,
		       unsigned int cols);
__u64 kvmeter_heat_hottest(const struct kvmeter_heat *heat);
unsigned int kvmeter_heat_shade(__u64 pages, __u64 hottest);

/* heat_text.c */
void kvmeter_heat_print(FILE *out, const struct kvmeter_heat *heat, unsigned int height,
			unsigned int width, bool colour, bool utf8);

/* heat_svg.c */
void kvmeter_heat_draw(FILE *out, const struct kvmeter_heat *heat, const char *name);

#endif /* KVMETER_HEAT_H */
