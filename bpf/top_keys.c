// SPDX-License-Identifier: GPL-2.0-only
/* The keys of top: what each does, and the questions that some of them ask. */
#include <string.h>

#include "help.h"
#include "top.h"

/* A page of text moves sideways by so many characters. */
#define PAGE_SHIFT 8

const char kvmeter_top_keys[] = KVMETER_TOP_KEYS;

static void set_view(struct kvmeter_top *top, enum kvmeter_top_view view)
{
	top->view = view;
	top->first = 0;
	top->shift = 0;
}

/* Row and scrolling of all VMs are kept for when the user comes back. */
static void open_vm(struct kvmeter_top *top)
{
	const struct kvmeter_snap_vm *vm;

	if (top->opened.gen || !kvmeter_top_columns(top) || !top->list.nr)
		return;
	vm = top->list.rows[top->at].vm;
	top->back.view = top->view;
	top->back.selected = top->selected;
	top->back.at = top->at;
	top->opened = (struct kvmeter_top_id){ vm->slot, vm->v.gen, -1 };
	set_view(top, KVMETER_VIEW_TIME);
	top->at = 0;
	top->selected.gen = 0;
	kvmeter_top_list_make(top);
}

static void press_escape(struct kvmeter_top *top)
{
	if (!top->opened.gen) {
		set_view(top, KVMETER_VIEW_ALL);
		return;
	}
	kvmeter_top_close(top);
	kvmeter_top_list_make(top);
}

static void press_digit(struct kvmeter_top *top, unsigned int digit)
{
	if (digit >= KVMETER_VIEW_NR)
		return;
	if (top->opened.gen && digit == KVMETER_VIEW_ALL)
		press_escape(top);
	else
		set_view(top, digit);
}

/* Rows of a table are marked, lines of a page only move. */
static void move(struct kvmeter_top *top, long long by)
{
	long long at = by + (kvmeter_top_columns(top) ? top->at : top->first);

	at = at < 0 ? 0 : at;
	if (kvmeter_top_columns(top))
		kvmeter_top_list_select(top, at < top->list.nr ? at : top->list.nr);
	else
		top->first = at < top->lines ? at : top->lines;
}

static void move_sideways(struct kvmeter_top *top, int by)
{
	if (!kvmeter_top_columns(top))
		by *= PAGE_SHIFT;
	if (by < 0 && top->shift < (unsigned int)-by)
		top->shift = 0;
	else
		top->shift += by;
}

static void press_move(struct kvmeter_top *top, int key)
{
	long long all = (long long)top->list.nr + top->lines;

	switch (key) {
	case KVMETER_KEY_UP:
		move(top, -1);
		break;
	case KVMETER_KEY_DOWN:
		move(top, 1);
		break;
	case KVMETER_KEY_PAGE_UP:
		move(top, -(long long)top->height);
		break;
	case KVMETER_KEY_PAGE_DOWN:
		move(top, top->height);
		break;
	case KVMETER_KEY_HOME:
		move(top, -all);
		break;
	case KVMETER_KEY_END:
		move(top, all);
		break;
	case KVMETER_KEY_LEFT:
		move_sideways(top, -1);
		break;
	case KVMETER_KEY_RIGHT:
		move_sideways(top, 1);
		break;
	}
}

static void sort_by(struct kvmeter_top *top, enum kvmeter_top_column column)
{
	top->column = column;
	kvmeter_top_list_make(top);
	snprintf(top->message, sizeof(top->message), "sorted by %s%s",
		 kvmeter_top_column_heading(column, top->pages),
		 top->reverse ? ", the other way round" : "");
}

/* From a column that the view does not have, to its first one. */
static void sort_beside(struct kvmeter_top *top, int by)
{
	const enum kvmeter_top_column *columns = kvmeter_top_columns(top);
	int nr = 0, at = -1;

	if (!columns)
		return;
	for (; columns[nr] != KVMETER_COLUMN_NR; nr++) {
		if (columns[nr] == top->column)
			at = nr;
	}
	at = at < 0 ? 0 : at + by;
	if (at >= 0 && at < nr)
		sort_by(top, columns[at]);
}

static void ask(struct kvmeter_top *top, enum kvmeter_top_question question)
{
	top->question = question;
	top->answer[0] = '\0';
}

static void set_filter(struct kvmeter_top *top, const char *text)
{
	char why[128];

	if (!kvmeter_top_filter_set(&top->filter, text, why, sizeof(why)))
		snprintf(top->message, sizeof(top->message), "no regular expression: %s", why);
}

static void set_interval(struct kvmeter_top *top, const char *text)
{
	double seconds;
	bool unit;

	if (!kvmeter_select_parse_seconds(text, &seconds, &unit)) {
		snprintf(top->message, sizeof(top->message), "no interval: 0.01 to 1000000 s");
		return;
	}
	top->interval_s = seconds;
	top->refresh = true;
}

static void set_column(struct kvmeter_top *top, const char *text)
{
	enum kvmeter_top_column column;

	if (kvmeter_top_column_find(text, &column))
		sort_by(top, column);
	else
		snprintf(top->message, sizeof(top->message), "there is no such column");
}

static void take_answer(struct kvmeter_top *top)
{
	enum kvmeter_top_question question = top->question;

	top->question = KVMETER_ASK_NONE;
	if (question == KVMETER_ASK_FILTER)
		set_filter(top, top->answer);
	else if (question == KVMETER_ASK_GUEST)
		kvmeter_top_filter_guest(&top->filter, top->answer);
	else if (question == KVMETER_ASK_INTERVAL)
		set_interval(top, top->answer);
	else
		set_column(top, top->answer);
	kvmeter_top_list_make(top);
}

/* With all bytes of a character beyond ASCII. */
static void delete_last(char *text)
{
	size_t len = strlen(text);

	while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
		len--;
	text[len ? len - 1 : 0] = '\0';
}

static void press_in_answer(struct kvmeter_top *top, int key)
{
	size_t len = strlen(top->answer);

	if (key == KVMETER_KEY_ENTER) {
		take_answer(top);
	} else if (key == KVMETER_KEY_ESCAPE) {
		top->question = KVMETER_ASK_NONE;
	} else if (key == KVMETER_KEY_BACKSPACE) {
		delete_last(top->answer);
	} else if (key >= ' ' && key < 0x100 && key != 0x7f && len < sizeof(top->answer) - 1) {
		top->answer[len] = (char)key;
		top->answer[len + 1] = '\0';
	}
}

static void press_setting(struct kvmeter_top *top, int key)
{
	switch (key) {
	case 'o':
		top->reverse = !top->reverse;
		sort_by(top, top->column);
		break;
	case 'x':
		top->children = !top->children;
		kvmeter_top_list_make(top);
		break;
	case 'c':
		kvmeter_top_filter_clear(&top->filter);
		kvmeter_top_list_make(top);
		break;
	case 'r':
		top->reset = true;
		snprintf(top->message, sizeof(top->message), "counting from now on");
		break;
	case 't':
		top->total = !top->total;
		top->retell = true;
		break;
	case 'B':
	case 'u':
		top->pages = !top->pages;
		break;
	case ' ':
		top->refresh = true;
		break;
	}
}

static void press_command(struct kvmeter_top *top, int key)
{
	switch (key) {
	case 'q':
		top->quit = true;
		break;
	case 'h':
	case '?':
		top->help = true;
		break;
	case 'f':
		ask(top, KVMETER_ASK_FILTER);
		break;
	case 'g':
	case 'p':
		ask(top, KVMETER_ASK_GUEST);
		break;
	case 's':
	case 'd':
		ask(top, KVMETER_ASK_INTERVAL);
		break;
	case 'F':
		ask(top, KVMETER_ASK_SORT);
		break;
	case '<':
		sort_beside(top, -1);
		break;
	case '>':
		sort_beside(top, 1);
		break;
	case KVMETER_KEY_ENTER:
		open_vm(top);
		break;
	case KVMETER_KEY_ESCAPE:
	case KVMETER_KEY_BACKSPACE:
		press_escape(top);
		break;
	default:
		if (key >= '0' && key <= '9')
			press_digit(top, key - '0');
		press_move(top, key);
		press_setting(top, key);
	}
}

/**
 * kvmeter_top_press - do what a key asks for
 * @top: with its rows made
 * @key: a character, a byte of one, or enum kvmeter_top_key
 */
void kvmeter_top_press(struct kvmeter_top *top, int key)
{
	if (key == KVMETER_KEY_RESIZE || key == KVMETER_KEY_NONE)
		return;
	top->message[0] = '\0';
	if (top->question != KVMETER_ASK_NONE)
		press_in_answer(top, key);
	else if (top->help)
		top->help = false;
	else
		press_command(top, key);
}
