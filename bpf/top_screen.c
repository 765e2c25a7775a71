// SPDX-License-Identifier: GPL-2.0-only
/*
 * The screen of top: the only file that knows ncurses.
 *
 * However the program ends, the terminal is as it was: by exit(), as from errx(), whose line comes
 * after that; by SIGINT and SIGTERM, which end the loop; by a signal that says the program is
 * broken. ^Z and SIGWINCH are seen to by ncurses.
 */
#include <curses.h>
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "top.h"

/* An Esc is one if nothing follows for so long, in ms: far less than a user can tell. */
#define ESCAPE_MS 25

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGHUP };

static struct {
	SCREEN *screen;
	bool open;
	bool utf8;
	FILE *err; /* standard error */
	attr_t heading;
	struct termios before;
	char leave[128]; /* what the terminal is sent to be as before */
	size_t leave_len;
} screen;

static void add_leave(const char *name)
{
	const char *text = tigetstr((char *)name);
	size_t len;

	if (!text || text == (char *)-1)
		return;
	len = strlen(text);
	if (len >= sizeof(screen.leave) - screen.leave_len)
		return;
	memcpy(screen.leave + screen.leave_len, text, len);
	screen.leave_len += len;
}

/* Nothing here but what a handler may call. */
static void on_fatal(int sig)
{
	ssize_t len;

	if (screen.open) {
		tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
		len = write(STDOUT_FILENO, screen.leave, screen.leave_len);
		(void)len;
	}
	raise(sig);
}

static void catch_fatal(void)
{
	struct sigaction action = { .sa_handler = on_fatal, .sa_flags = SA_RESETHAND }, before;
	unsigned int i;

	add_leave("sgr0");
	add_leave("rmkx");
	add_leave("cnorm");
	add_leave("rmcup");
	for (i = 0; i < sizeof(fatal_signals) / sizeof(*fatal_signals); i++) {
		/* as SIGHUP is under nohup */
		if (!sigaction(fatal_signals[i], NULL, &before) && before.sa_handler != SIG_IGN)
			sigaction(fatal_signals[i], &action, NULL);
	}
}

/* Whatever is written to standard error is to be seen, and stay. */
static ssize_t write_error(void *cookie, const char *text, size_t len)
{
	(void)cookie;
	kvmeter_screen_close();
	return write(STDERR_FILENO, text, len);
}

static void catch_errors(void)
{
	FILE *file = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_error });

	if (!file)
		err(1, "no memory");
	setvbuf(file, NULL, _IONBF, 0);
	screen.err = stderr;
	stderr = file;
}

static void set_colours(void)
{
	screen.heading = A_REVERSE;
	if (!kvmeter_terminal_has_colour() || !has_colors() || start_color() != OK)
		return;
	if (use_default_colors() == OK && init_pair(1, COLOR_BLACK, COLOR_GREEN) == OK)
		screen.heading = COLOR_PAIR(1);
}

/* Signals for a new size come only while keys are waited for, so that none goes unseen. */
static void block_resizes(void)
{
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGWINCH);
	sigprocmask(SIG_BLOCK, &block, NULL);
}

/**
 * kvmeter_screen_open - have the terminal as a screen
 *
 * Ends the program if it cannot be one. From then on what is written to standard error closes it.
 */
void kvmeter_screen_open(void)
{
	const char *name = getenv("TERM");
	char shown[64];

	kvmeter_escape_text(name ? name : "", shown, sizeof(shown));
	screen.utf8 = kvmeter_terminal_has_utf8();
	tcgetattr(STDIN_FILENO, &screen.before);
	screen.screen = name && *name ? newterm(NULL, stdout, stdin) : NULL;
	if (!screen.screen)
		errx(1, "nothing is known of a terminal '%s': try -b", shown);
	screen.open = true;
	atexit(kvmeter_screen_close);
	catch_errors();
	if (!tigetstr((char *)"cup"))
		errx(1, "a terminal '%s' cannot be drawn on: try -b", shown);
	catch_fatal();
	block_resizes();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	set_colours();
}

/**
 * kvmeter_screen_close - have the terminal as it was before
 */
void kvmeter_screen_close(void)
{
	if (!screen.open)
		return;
	screen.open = false;
	curs_set(1);
	endwin();
}

/**
 * kvmeter_screen_get_size - how large the screen is now
 * @height: set to its lines
 * @width: set to the characters of each
 */
void kvmeter_screen_get_size(unsigned int *height, unsigned int *width)
{
	int y, x;

	getmaxyx(stdscr, y, x);
	*height = y;
	*width = x;
}

/* Length of the first character of @s in bytes, and in @width the columns that it takes. */
static size_t get_char(const char *s, size_t len, int *width)
{
	mbstate_t state = {};
	wchar_t wide;
	size_t bytes = mbrtowc(&wide, s, len, &state);

	*width = 1;
	if (!screen.utf8 || !bytes || bytes > len)
		return 1;
	*width = wcwidth(wide);
	return *width < 0 ? 0 : bytes;
}

/* Of a line with wide characters, as much as fits: what is too long would go on below. */
static void show_line(int y, const char *line, size_t len, attr_t attr, int columns)
{
	size_t used = 0, bytes;
	int x = 0, width;

	attrset(attr);
	move(y, 0);
	while (used < len) {
		bytes = get_char(line + used, len - used, &width);
		if (!bytes || x + width > columns)
			break;
		x += width;
		used += bytes;
	}
	addnstr(line, (int)used);
	for (; attr != A_NORMAL && x < columns; x++)
		addch(' ');
}

static void show_cursor(const struct kvmeter_top_picture *picture)
{
	if (picture->cursor < 0) {
		curs_set(0);
		return;
	}
	curs_set(1);
	move(1, picture->cursor);
}

/**
 * kvmeter_screen_show - show a picture
 * @picture: for a screen of the size that it has
 */
void kvmeter_screen_show(const struct kvmeter_top_picture *picture)
{
	const char *line = picture->text;
	int y, rows, columns;
	attr_t attr;
	size_t len;

	/* it may have been closed for a warning */
	screen.open = true;
	getmaxyx(stdscr, rows, columns);
	erase();
	for (y = 0; *line && y < rows; y++) {
		len = strcspn(line, "\n");
		attr = y == picture->heading ? screen.heading : A_NORMAL;
		show_line(y, line, len, y == picture->selected ? A_REVERSE : attr, columns);
		line += len + (line[len] == '\n');
	}
	attrset(A_NORMAL);
	show_cursor(picture);
	refresh();
}

/**
 * kvmeter_screen_get_key - a key that was pressed
 *
 * Return: a character, a byte of one, or enum kvmeter_top_key; KVMETER_KEY_NONE if there is none.
 */
int kvmeter_screen_get_key(void)
{
	static const struct {
		int curses;
		int key;
	} keys[] = {
		{ ERR, KVMETER_KEY_NONE },
		{ '\n', KVMETER_KEY_ENTER },
		{ KEY_ENTER, KVMETER_KEY_ENTER },
		{ KEY_UP, KVMETER_KEY_UP },
		{ KEY_DOWN, KVMETER_KEY_DOWN },
		{ KEY_LEFT, KVMETER_KEY_LEFT },
		{ KEY_RIGHT, KVMETER_KEY_RIGHT },
		{ KEY_PPAGE, KVMETER_KEY_PAGE_UP },
		{ KEY_NPAGE, KVMETER_KEY_PAGE_DOWN },
		{ KEY_HOME, KVMETER_KEY_HOME },
		{ KEY_END, KVMETER_KEY_END },
		{ KEY_BACKSPACE, KVMETER_KEY_BACKSPACE },
		{ 0x7f, KVMETER_KEY_BACKSPACE },
		{ '\b', KVMETER_KEY_BACKSPACE },
		{ KEY_RESIZE, KVMETER_KEY_RESIZE },
	};
	int key = getch();
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (keys[i].curses == key)
			return keys[i].key;
	}
	/* others that ncurses has a number for are not ours */
	return key >= 0x100 ? KVMETER_KEY_RESIZE : key;
}
