// SPDX-License-Identifier: GPL-2.0-only
/* Prints the picture of heat: addresses down, time across. */
#include "heat.h"

#define PAGE_BYTES 4096ULL
#define LABEL_WIDTH 15
#define NS_PER_S 1e9

static void print_cell(FILE *out, unsigned int shade, bool colour, bool utf8)
{
	static const char *const blocks[KVMETER_HEAT_SHADES] = { " ", "░", "▒", "▓", "█" };
	static const char *const ascii[KVMETER_HEAT_SHADES] = { " ", ".", ":", "*", "#" };
	static const char *const colours[KVMETER_HEAT_SHADES] = { "", "229", "221", "209", "160" };

	if (colour && shade)
		fprintf(out, "\033[48;5;%sm \033[0m", colours[shade]);
	else
		fputs(utf8 ? blocks[shade] : ascii[shade], out);
}

/* What the shades stand for, and the size of a cell. */
static void print_legend(FILE *out, const struct kvmeter_heat *heat, __u64 hottest, bool colour,
			 bool utf8)
{
	double span_s = heat->nr_cols > 1
		? (heat->col_ns[heat->nr_cols - 1] - heat->col_ns[0]) / NS_PER_S
		: 0.0;
	unsigned int shade;
	char bytes[16];

	fprintf(out, "%*s  %u columns in %.1f s, the last one on the right; a row is %s\n",
		LABEL_WIDTH, "", heat->nr_cols, span_s,
		kvmeter_units_format_bytes(heat->row_pages * (double)PAGE_BYTES, bytes,
					   sizeof(bytes)));
	fprintf(out, "%*s  ", LABEL_WIDTH, "");
	for (shade = 1; shade < KVMETER_HEAT_SHADES; shade++) {
		print_cell(out, shade, colour, utf8);
		fprintf(out, " %s %llu  ", shade < KVMETER_HEAT_SHADES - 1 ? "up to" : "to",
			shade < KVMETER_HEAT_SHADES - 1 ? hottest >> (7 - 2 * shade) : hottest);
	}
	fputs("pages\n", out);
}

/**
 * kvmeter_heat_print - print the picture of heat
 * @out: where to
 * @heat: the picture
 * @height: rows of the screen that there is room for, legend included
 * @width: columns of the screen
 * @colour: shade with colours
 * @utf8: otherwise: with block characters, not ASCII
 */
void kvmeter_heat_print(FILE *out, const struct kvmeter_heat *heat, unsigned int height,
			unsigned int width, bool colour, bool utf8)
{
	unsigned int cols = width > LABEL_WIDTH + 8 ? width - LABEL_WIDTH - 4 : 8, row, col;
	struct kvmeter_heat fit = {};
	__u64 hottest;

	kvmeter_heat_fold(&fit, heat, height > 6 ? height - 4 : 2, cols);
	hottest = kvmeter_heat_hottest(&fit);
	for (row = 0; row < fit.nr_rows; row++) {
		fprintf(out, "%#*llx |", LABEL_WIDTH, row * fit.row_pages * PAGE_BYTES);
		for (col = 0; col < fit.nr_cols; col++)
			print_cell(out,
				   kvmeter_heat_shade(fit.cells[(size_t)col * fit.nr_rows + row],
						      hottest),
				   colour, utf8);
		fputs("|\n", out);
	}
	print_legend(out, &fit, hottest, colour, utf8);
	kvmeter_heat_put(&fit);
}
