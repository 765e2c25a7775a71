// SPDX-License-Identifier: GPL-2.0-only
/* What the terminal can show, if standard output is one. */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "steal.h"

/**
 * kvmeter_terminal_width - columns of standard output
 *
 * Return: of the terminal; otherwise what the environment has in COLUMNS, or no limit (all ones).
 */
unsigned int kvmeter_terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width;
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	if (columns && kvmeter_select_parse_count(columns, &width))
		return width;
	return ~0U;
}

/**
 * kvmeter_terminal_has_colour - may colours be used?
 *
 * Return: true on a terminal, unless it is a dumb one or NO_COLOR is set (https://no-color.org).
 */
bool kvmeter_terminal_has_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb");
}

/**
 * kvmeter_terminal_height - rows of standard output
 * @otherwise: what is returned if it is no terminal, or one that does not tell
 *
 * Return: rows.
 */
unsigned int kvmeter_terminal_height(unsigned int otherwise)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row)
		return size.ws_row;
	return otherwise;
}

/**
 * kvmeter_terminal_has_utf8 - may characters beyond ASCII be used?
 *
 * Return: true if that is the encoding of the user's locale.
 */
bool kvmeter_terminal_has_utf8(void)
{
	static bool set;

	if (!set)
		setlocale(LC_CTYPE, "");
	set = true;
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}
