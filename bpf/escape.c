// SPDX-License-Identifier: GPL-2.0-only
/* Makes text from elsewhere safe to show: it can steer no terminal and break no format. */
#include <string.h>

#include "reader.h"

/* Characters that have no width or turn the direction of writing: they hide and disguise. */
static bool is_deceptive(__u32 c)
{
	return c == 0xad || c == 0x61c || c == 0xfeff || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
		(c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Length of the UTF-8 character at @s if it is well-formed and may be shown as it is, or 0. */
static unsigned int utf8_len(const unsigned char *s)
{
	static const __u32 lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int len, i;
	__u32 c;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	c = s[0] & (0xff >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < lowest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	/* U+0080 to U+009F are control characters, U+009B begins a terminal sequence. */
	return c < 0xa0 || is_deceptive(c) ? 0 : len;
}

/**
 * kvmeter_escape_text - make text safe to show
 * @text: anything that ends in a NUL
 * @shown: where the result goes; valid UTF-8, cut between characters if it does not fit
 * @size: bytes there, at least 1
 *
 * Printable ASCII and other printable UTF-8 stay; every other byte becomes \xNN and a backslash
 * two, so that two different texts never look the same.
 */
void kvmeter_escape_text(const char *text, char *shown, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int len;
	char one[8];

	while (*s) {
		len = utf8_len(s);
		if (len) {
			memcpy(one, s, len);
			one[len] = '\0';
		} else if (*s == '\\') {
			memcpy(one, "\\\\", 3);
		} else if (*s >= ' ' && *s <= '~') {
			one[0] = *s;
			one[1] = '\0';
		} else {
			snprintf(one, sizeof(one), "\\x%02x", *s);
		}
		if (strlen(one) >= size)
			break;
		memcpy(shown, one, strlen(one));
		shown += strlen(one);
		size -= strlen(one);
		s += len ? len : 1;
	}
	*shown = '\0';
}

/**
 * kvmeter_escape_is_shown - may a text be shown as it is?
 * @text: anything that ends in a NUL
 *
 * Return: true if it is printable, as all that kvmeter_escape_text() makes.
 */
bool kvmeter_escape_is_shown(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int len;

	for (; *s; s += len) {
		len = *s >= ' ' && *s <= '~' ? 1 : utf8_len(s);
		if (!len)
			return false;
	}
	return true;
}

/**
 * kvmeter_escape_width - columns that a text takes on a screen
 * @shown: from kvmeter_escape_text()
 *
 * Return: its characters; wide ones count once.
 */
unsigned int kvmeter_escape_width(const char *shown)
{
	unsigned int width = 0;

	for (; *shown; shown++)
		width += ((unsigned char)*shown & 0xc0) != 0x80;
	return width;
}

/* Bytes that the first @nr characters take. */
static size_t get_bytes(const char *shown, unsigned int nr)
{
	const char *s = shown;

	while (*s && (nr || ((unsigned char)*s & 0xc0) == 0x80))
		nr -= ((unsigned char)*s++ & 0xc0) != 0x80;
	return s - shown;
}

/**
 * kvmeter_escape_shorten - make a text fit into few columns
 * @shown: from kvmeter_escape_text()
 * @width: columns, at least 1
 * @buf: the text, or its beginning and its end, in which names differ most, with an ellipsis
 * @size: bytes there, more than of @shown
 */
void kvmeter_escape_shorten(const char *shown, unsigned int width, char *buf, size_t size)
{
	unsigned int has = kvmeter_escape_width(shown), tail = (width - 1) / 2;

	if (has <= width)
		snprintf(buf, size, "%s", shown);
	else
		snprintf(buf, size, "%.*s…%s", (int)get_bytes(shown, width - 1 - tail), shown,
			 shown + get_bytes(shown, has - tail));
}

/* What stands in for characters of ours where there is only ASCII. */
static const struct {
	const char *character;
	char ascii;
} stand_ins[] = {
	{ "…", '~' }, { "░", '.' }, { "▒", ':' }, { "▓", '+' }, { "█", '#' },
};

static char get_stand_in(const char *s)
{
	unsigned int i;

	for (i = 0; i < sizeof(stand_ins) / sizeof(*stand_ins); i++) {
		if (!strncmp(s, stand_ins[i].character, strlen(stand_ins[i].character)))
			return stand_ins[i].ascii;
	}
	return 0;
}

/**
 * kvmeter_escape_ascii - make a text that is safe to show one of ASCII characters
 * @shown: from kvmeter_escape_text(), or shortened, or with our shades
 * @ascii: where the result goes, cut between characters if it does not fit
 * @size: bytes there, at least 1
 *
 * The ellipsis becomes a tilde and shades become signs of their own; other characters that are not
 * ASCII become \xNN by their bytes.
 */
void kvmeter_escape_ascii(const char *shown, char *ascii, size_t size)
{
	char one[8], stand_in;

	while (*shown) {
		stand_in = get_stand_in(shown);
		if (stand_in)
			snprintf(one, sizeof(one), "%c", stand_in);
		else
			snprintf(one, sizeof(one), (unsigned char)*shown < 0x80 ? "%c" : "\\x%02x",
				 (unsigned char)*shown);
		if (strlen(one) >= size)
			break;
		memcpy(ascii, one, strlen(one));
		ascii += strlen(one);
		size -= strlen(one);
		shown += stand_in ? 3 : 1; /* all of them have three bytes */
	}
	*ascii = '\0';
}

/**
 * kvmeter_escape_markup - write text that is no markup, whatever is in it
 * @out: HTML or SVG
 * @text: from kvmeter_escape_text()
 */
void kvmeter_escape_markup(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc(*text, out);
		}
	}
}
