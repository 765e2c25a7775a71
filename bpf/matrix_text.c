// SPDX-License-Identifier: GPL-2.0-only
/* Prints the matrix of victims and thieves, shaded so that the eye finds the thief. */
#include <string.h>

#include "steal.h"

/* Columns of a screen: of names of victims, of their steal, and of a cell without its shade. */
#define NAME_WIDTH_MAX 16
#define STEAL_WIDTH 7
#define CELL_WIDTH_MIN 6
#define CELL_WIDTH_MAX 12

#define SHADES 5

/* Where all cells are less than this, the darkest is not called dark, %. */
#define DARKEST_MIN_PCT 1.0

struct layout {
	unsigned int name_width;
	unsigned int cell_width;
	double darkest_pct;
	bool colour;
};

static unsigned int longest_name(const struct kvmeter_matrix *m)
{
	unsigned int i, width, most = sizeof("VICTIM") - 1;

	for (i = 0; i < m->nr_rows; i++) {
		width = kvmeter_escape_width(m->rows[i].heading);
		if (width > most)
			most = width;
	}
	return most < NAME_WIDTH_MAX ? most : NAME_WIDTH_MAX;
}

static unsigned int longest_heading(const struct kvmeter_matrix *m)
{
	unsigned int i, width, most = CELL_WIDTH_MIN;

	for (i = 0; i < m->nr_cols; i++) {
		width = kvmeter_escape_width(m->cols[i].heading);
		if (width > most)
			most = width;
	}
	return most < CELL_WIDTH_MAX ? most : CELL_WIDTH_MAX;
}

/* Columns that fit into what the names leave of the screen; each has a blank and its shade. */
static unsigned int fitting_cols(const struct layout *l, unsigned int width)
{
	unsigned int taken = l->name_width + 1 + STEAL_WIDTH;
	unsigned int nr = width > taken ? (width - taken) / (l->cell_width + 2) : 0;

	return nr > 2 ? nr : 2;
}

/* Narrow headings first, then fewer columns. */
static void fit(struct layout *l, struct kvmeter_matrix *m, unsigned int width)
{
	l->name_width = longest_name(m);
	l->cell_width = longest_heading(m);
	while (l->cell_width > CELL_WIDTH_MIN && fitting_cols(l, width) < m->nr_cols)
		l->cell_width--;
	kvmeter_matrix_fold(m, fitting_cols(l, width));
}

static double cell_pct(const struct kvmeter_matrix *m, unsigned int row, unsigned int col)
{
	return kvmeter_stats_pct(m->cells_ns[(size_t)row * m->nr_cols + col],
				 m->rows[row].elapsed_ns);
}

static double darkest_pct(const struct kvmeter_matrix *m)
{
	double pct, most = DARKEST_MIN_PCT;
	unsigned int row, col;

	for (row = 0; row < m->nr_rows; row++) {
		for (col = 0; col < m->nr_cols; col++) {
			pct = cell_pct(m, row, col);
			if (pct > most)
				most = pct;
		}
	}
	return most;
}

/* None for what is shown as 0.0, then by quarters of the darkest. */
static unsigned int shade_of(double pct, const struct layout *l)
{
	unsigned int shade = 1 + (unsigned int)(pct * (SHADES - 1) / l->darkest_pct);

	if (pct < 0.05)
		return 0;
	return shade < SHADES ? shade : SHADES - 1;
}

/* Dark on light to light on dark, of the 256 colours, so that it can be read on any background. */
static void print_shaded(FILE *out, const char *text, unsigned int width, unsigned int shade,
			 bool colour)
{
	static const char *const blocks[SHADES] = { " ", "░", "▒", "▓", "█" };
	static const char *const colours[SHADES] = { "", "38;5;16;48;5;229", "38;5;16;48;5;221",
						     "38;5;16;48;5;209", "38;5;231;48;5;160" };

	if (colour && shade)
		fprintf(out, " \033[%sm %*s\033[0m", colours[shade], (int)width, text);
	else
		fprintf(out, " %*s%s%s", (int)(width - strlen(text)), "",
			colour ? " " : blocks[shade], text);
}

static void print_cell(FILE *out, const struct kvmeter_matrix *m, unsigned int row,
		       unsigned int col, const struct layout *l)
{
	double pct = cell_pct(m, row, col);
	char text[32];

	/* What its own vCPUs took from a VM is in another column. */
	if (m->cols[col].vm == m->rows[row].vm)
		strcpy(text, "-");
	else if (!m->cells_ns[(size_t)row * m->nr_cols + col])
		strcpy(text, ".");
	else
		snprintf(text, sizeof(text), "%.1f", pct);
	print_shaded(out, text, l->cell_width, shade_of(pct, l), l->colour);
}

static void print_short(FILE *out, const char *shown, unsigned int width, bool right)
{
	char buf[KVMETER_SHOWN_MAX];
	unsigned int blanks;

	kvmeter_escape_shorten(shown, width, buf, sizeof(buf));
	blanks = width - kvmeter_escape_width(buf);
	fprintf(out, "%*s%s%*s", right ? (int)blanks : 0, "", buf, right ? 0 : (int)blanks, "");
}

static void print_heading(FILE *out, const struct kvmeter_matrix *m, const struct layout *l)
{
	unsigned int col;

	print_short(out, "VICTIM", l->name_width, false);
	fprintf(out, " %*s", STEAL_WIDTH, "STEAL%");
	for (col = 0; col < m->nr_cols; col++) {
		fputs("  ", out);
		print_short(out, m->cols[col].heading, l->cell_width, true);
	}
	putc('\n', out);
}

/**
 * kvmeter_matrix_print - print a matrix, in % of each victim's time
 * @out: where to
 * @m: the matrix, folded so that it fits
 * @width: columns of the screen
 * @colour: shade with colours, otherwise with characters
 */
void kvmeter_matrix_print(FILE *out, struct kvmeter_matrix *m, unsigned int width, bool colour)
{
	struct layout l = { .colour = colour };
	unsigned int row, col;

	fit(&l, m, width);
	l.darkest_pct = darkest_pct(m);
	print_heading(out, m, &l);
	for (row = 0; row < m->nr_rows; row++) {
		print_short(out, m->rows[row].heading, l.name_width, false);
		fprintf(out, " %*.2f", STEAL_WIDTH,
			kvmeter_stats_pct(m->rows[row].steal_ns, m->rows[row].elapsed_ns));
		for (col = 0; col < m->nr_cols; col++)
			print_cell(out, m, row, col, &l);
		putc('\n', out);
	}
}
