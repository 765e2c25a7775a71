// SPDX-License-Identifier: GPL-2.0-only
/* What the terminal can show, if standard output is one. */
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
