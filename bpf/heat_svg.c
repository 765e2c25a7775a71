// SPDX-License-Identifier: GPL-2.0-only
/* Draws the picture of heat as an SVG that needs nothing else. */
#include "heat.h"

#define PAGE_BYTES 4096ULL
#define NS_PER_S 1e9

/* Of the drawing, in its units: the field of cells, and the margins around it. */
#define FIELD_WIDTH 960.0
#define FIELD_HEIGHT 540.0
#define LEFT 130.0
#define TOP 40.0
#define RIGHT 20.0
#define BOTTOM 60.0
#define LABELS 8
#define ROWS_MAX 256

static void draw_frame(FILE *out, const char *name)
{
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\"",
		LEFT + FIELD_WIDTH + RIGHT, TOP + FIELD_HEIGHT + BOTTOM);
	fputs(" font-family=\"sans-serif\" font-size=\"12\">\n", out);
	fputs("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", out);
	fprintf(out, "<text x=\"%g\" y=\"24\" font-size=\"16\">Pages dirtied by ", LEFT);
	kvmeter_escape_markup(out, name);
	fputs("</text>\n", out);
	fprintf(out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"", LEFT, TOP, FIELD_WIDTH,
		FIELD_HEIGHT);
	fputs(" fill=\"#f4f4f4\" stroke=\"#888888\"/>\n", out);
}

static void draw_cells(FILE *out, const struct kvmeter_heat *heat, __u64 hottest)
{
	static const char *const colours[KVMETER_HEAT_SHADES] = { "", "#fee8a0", "#fdb863",
								  "#e66101", "#a50026" };
	double width = heat->nr_cols ? FIELD_WIDTH / heat->nr_cols : 0;
	double height = heat->nr_rows ? FIELD_HEIGHT / heat->nr_rows : 0;
	unsigned int col, row;
	__u64 pages;

	for (col = 0; col < heat->nr_cols; col++) {
		for (row = 0; row < heat->nr_rows; row++) {
			pages = heat->cells[(size_t)col * heat->nr_rows + row];
			if (!pages)
				continue;
			fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\"", LEFT + col * width,
				TOP + row * height);
			fprintf(out, " width=\"%.2f\" height=\"%.2f\" fill=\"%s\">", width, height,
				colours[kvmeter_heat_shade(pages, hottest)]);
			fprintf(out, "<title>%llu pages</title></rect>\n", pages);
		}
	}
}

static void draw_addresses(FILE *out, const struct kvmeter_heat *heat)
{
	unsigned int i, row;

	for (i = 0; i <= LABELS; i++) {
		row = heat->nr_rows * i / LABELS;
		fprintf(out, "<text x=\"%g\" y=\"%.2f\" text-anchor=\"end\">%#llx</text>\n",
			LEFT - 6,
			TOP + 4 + (heat->nr_rows ? FIELD_HEIGHT * row / heat->nr_rows : 0),
			row * heat->row_pages * PAGE_BYTES);
	}
}

static void draw_times(FILE *out, const struct kvmeter_heat *heat)
{
	__u64 last_ns = heat->nr_cols ? heat->col_ns[heat->nr_cols - 1] : 0;
	unsigned int i, col;

	for (i = 0; i < LABELS && heat->nr_cols; i++) {
		col = heat->nr_cols * i / LABELS;
		fprintf(out, "<text x=\"%.2f\" y=\"%g\">-%.1f s</text>\n",
			LEFT + FIELD_WIDTH * col / heat->nr_cols, TOP + FIELD_HEIGHT + 18,
			(last_ns - heat->col_ns[col]) / NS_PER_S);
	}
}

/**
 * kvmeter_heat_draw - write the picture of heat as SVG
 * @out: where to
 * @heat: the picture
 * @name: of the VM, as it may be shown
 */
void kvmeter_heat_draw(FILE *out, const struct kvmeter_heat *heat, const char *name)
{
	struct kvmeter_heat fit = {};
	__u64 hottest;
	char bytes[16];

	kvmeter_heat_fold(&fit, heat, ROWS_MAX, KVMETER_HEAT_COLS_MAX);
	hottest = kvmeter_heat_hottest(&fit);
	draw_frame(out, name);
	draw_cells(out, &fit, hottest);
	draw_addresses(out, &fit);
	draw_times(out, &fit);
	fprintf(out, "<text x=\"%g\" y=\"%g\">Guest physical addresses down, %s a row;", LEFT,
		TOP + FIELD_HEIGHT + 42,
		kvmeter_units_format_bytes(fit.row_pages * (double)PAGE_BYTES, bytes,
					   sizeof(bytes)));
	fprintf(out, " time across, %u columns. Darkest: %llu pages;", fit.nr_cols, hottest);
	fputs(" steps at 1/2, 1/8, 1/32 of it.</text>\n</svg>\n", out);
	kvmeter_heat_put(&fit);
}
