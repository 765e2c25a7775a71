// SPDX-License-Identifier: GPL-2.0-only
/* Draws what top shows as lines of text, for a screen of any size. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* A smaller screen only says that it is. */
#define WIDTH_MIN 40
#define HEIGHT_MIN 6

/* Lines beside the body: the title, the message, the keys. */
#define LINES_OTHER 3

#define TITLE_NAME_WIDTH 24

#define NS_PER_S 1e9

/* Prints characters [from, from + nr) of a line. */
static void print_part(FILE *out, const char *line, unsigned int from, unsigned int nr)
{
	unsigned int at = 0;

	for (; *line && *line != '\n'; line++) {
		at += ((unsigned char)*line & 0xc0) != 0x80;
		if (at > from && at <= from + nr)
			fputc(*line, out);
	}
	fputc('\n', out);
}

static void print_name(FILE *out, const struct kvmeter_top *top, const char *name)
{
	char ascii[KVMETER_SHOWN_MAX * 4], cut[KVMETER_SHOWN_MAX * 4 + 8];

	if (!top->utf8) {
		kvmeter_escape_ascii(name, ascii, sizeof(ascii));
		name = ascii;
	}
	kvmeter_escape_shorten(name, TITLE_NAME_WIDTH, cut, sizeof(cut));
	if (!top->utf8) {
		kvmeter_escape_ascii(cut, ascii, sizeof(ascii));
		fputs(ascii, out);
	} else {
		fputs(cut, out);
	}
}

static void print_title(FILE *out, const struct kvmeter_top *top)
{
	const struct kvmeter_snap_vm *vm = kvmeter_top_opened(top);
	const struct kvmeter_snap *snap = top->snap;

	fputs("kvmeter top: ", out);
	if (vm) {
		print_name(out, top, vm->name);
		fprintf(out, " (%s), %u vCPUs; ", vm->v.id, vm->nr_vcpus);
	} else {
		fprintf(out, "%u VMs, %u vCPUs; ", snap->nr_vms, snap->nr_vcpus);
	}
	if (!snap->interval_ns)
		fputs("since first seen", out);
	else
		fprintf(out, "%s %.2f s", top->is_total ? "total of" : "last",
			snap->interval_ns / NS_PER_S);
	fprintf(out, ", every %g s", top->interval_s);
}

/* Whatever was typed: as it is shown elsewhere. */
static void print_typed(FILE *out, const struct kvmeter_top *top, const char *text)
{
	char shown[4 * KVMETER_NAME_MAX + 1], ascii[4 * sizeof(shown)];

	kvmeter_escape_text(text, shown, sizeof(shown));
	kvmeter_escape_ascii(shown, ascii, sizeof(ascii));
	fputs(top->utf8 ? shown : ascii, out);
}

static void print_filters(FILE *out, const struct kvmeter_top *top)
{
	if (!top->filter.text[0] && !top->filter.guest[0])
		return;
	fprintf(out, "%u of %u VMs:", top->list.nr_vms, top->snap->nr_vms);
	if (top->filter.text[0]) {
		fputs(" name matches ", out);
		print_typed(out, top, top->filter.text);
	}
	if (top->filter.guest[0]) {
		fputs(top->filter.text[0] ? ", VM " : " VM ", out);
		print_typed(out, top, top->filter.guest);
	}
}

static void print_message(FILE *out, const struct kvmeter_top *top)
{
	static const char *const questions[] = {
		[KVMETER_ASK_FILTER] = "Show names that match (regular expression): ",
		[KVMETER_ASK_GUEST] = "Show the VM of this name, pid or id: ",
		[KVMETER_ASK_INTERVAL] = "Interval (1, 0.5, 10s, 5m): ",
		[KVMETER_ASK_SORT] = "Sort by the column: ",
	};

	if (top->question != KVMETER_ASK_NONE) {
		fputs(questions[top->question], out);
		print_typed(out, top, top->answer);
	} else if (top->message[0]) {
		fputs(top->message, out);
	} else if (!top->opened.gen) {
		print_filters(out, top);
	}
}

static void print_keys(FILE *out, const struct kvmeter_top *top)
{
	unsigned int last = top->first + top->height;

	last = last < top->lines ? last : top->lines;
	if (top->lines > top->height)
		fprintf(out, "%u-%u of %u  ", top->first + 1, last, top->lines);
	fputs(top->opened.gen ? "q quit  h help  Esc back  1-6 pages"
			      : "q quit  h help  Enter open  0-6 views  f filter  s interval",
	      out);
}

/* What @print prints, to be released with free(). */
static char *get_text(const struct kvmeter_top *top,
		      void (*print)(FILE *out, const struct kvmeter_top *top))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		err(1, "no memory");
	print(out, top);
	if (fclose(out))
		err(1, "no memory");
	return text;
}

static void print_line(FILE *out, const struct kvmeter_top *top, unsigned int width,
		       void (*print)(FILE *out, const struct kvmeter_top *top))
{
	char *text = get_text(top, print);

	print_part(out, text, 0, width);
	free(text);
}

/* What is typed is seen to its end: what does not fit goes out on the left. */
static int print_message_line(FILE *out, const struct kvmeter_top *top, unsigned int width)
{
	char *text = get_text(top, print_message);
	unsigned int has = kvmeter_escape_width(text), from = 0;

	if (top->question != KVMETER_ASK_NONE && has >= width)
		from = has - width + 1;
	print_part(out, text, from, width);
	free(text);
	return top->question != KVMETER_ASK_NONE ? (int)(has - from) : -1;
}

/* The marked row is seen, and there are no empty lines as long as there are rows. */
static void scroll_table(struct kvmeter_top *top)
{
	if (top->at >= top->first + top->height)
		top->first = top->at - top->height + 1;
	if (top->at < top->first)
		top->first = top->at;
}

static void scroll_page(struct kvmeter_top *top)
{
	unsigned int most = top->lines > top->height ? top->lines - top->height : 0;

	top->first = top->first < most ? top->first : most;
}

static void draw_table(FILE *out, struct kvmeter_top *top, struct kvmeter_top_picture *picture,
		       unsigned int height, unsigned int width)
{
	struct kvmeter_top_layout l;
	unsigned int i;

	top->height = height - 1;
	top->lines = top->list.nr;
	if (top->lines <= top->height)
		top->first = 0;
	else
		scroll_page(top);
	scroll_table(top);
	kvmeter_top_layout_make(&l, top, width);
	top->shift = l.more_left;
	picture->heading = 2;
	kvmeter_top_print_heading(out, top, &l);
	fputc('\n', out);
	for (i = 0; i < top->height; i++) {
		if (top->first + i < top->lines) {
			if (top->selected.gen && top->first + i == top->at)
				picture->selected = 3 + i;
			kvmeter_top_print_row(out, top, &l, &top->list.rows[top->first + i]);
		}
		fputc('\n', out);
	}
}

static void measure(const char *text, unsigned int *lines, unsigned int *widest)
{
	unsigned int width = 0;

	*lines = 0;
	*widest = 0;
	for (; *text; text++) {
		if (*text == '\n') {
			(*lines)++;
			width = 0;
			continue;
		}
		width += ((unsigned char)*text & 0xc0) != 0x80;
		*widest = width > *widest ? width : *widest;
	}
}

/* @text: lines, each with its end */
static void draw_text(FILE *out, struct kvmeter_top *top, const char *text, unsigned int height,
		      unsigned int width)
{
	unsigned int i, widest, most;

	measure(text, &top->lines, &widest);
	top->height = height;
	scroll_page(top);
	most = widest > width ? widest - width : 0;
	top->shift = top->shift < most ? top->shift : most;
	for (i = 0; i < top->first; i++)
		text += strcspn(text, "\n") + 1;
	for (i = 0; i < height; i++) {
		print_part(out, text, top->shift, width);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

static void draw_body(FILE *out, struct kvmeter_top *top, struct kvmeter_top_picture *picture,
		      unsigned int height, unsigned int width)
{
	char *text;

	if (top->help) {
		draw_text(out, top, kvmeter_top_keys, height, width);
	} else if (kvmeter_top_columns(top)) {
		draw_table(out, top, picture, height, width);
	} else {
		text = kvmeter_top_page(top, width);
		draw_text(out, top, text, height, width);
		free(text);
	}
}

static void draw(FILE *out, struct kvmeter_top *top, struct kvmeter_top_picture *picture,
		 unsigned int height, unsigned int width)
{
	char small[64];

	if (height < HEIGHT_MIN || width < WIDTH_MIN) {
		snprintf(small, sizeof(small), "%ux%u: too small", width, height);
		print_part(out, small, 0, width);
		return;
	}
	print_line(out, top, width, print_title);
	picture->cursor = print_message_line(out, top, width);
	draw_body(out, top, picture, height - LINES_OTHER, width);
	print_line(out, top, width, print_keys);
}

/**
 * kvmeter_top_draw - draw what is shown
 * @top: what is shown; scrolling is brought within what there is
 * @picture: filled; its text is to be released with free()
 * @height: lines of the screen
 * @width: characters of each
 */
void kvmeter_top_draw(struct kvmeter_top *top, struct kvmeter_top_picture *picture,
		      unsigned int height, unsigned int width)
{
	FILE *out;

	memset(picture, 0, sizeof(*picture));
	picture->heading = -1;
	picture->selected = -1;
	picture->cursor = -1;
	out = open_memstream(&picture->text, &picture->size);
	if (!out)
		err(1, "no memory");
	draw(out, top, picture, height, width);
	if (fclose(out))
		err(1, "no memory");
}
