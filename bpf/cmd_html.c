// SPDX-License-Identifier: GPL-2.0-only
/* The command report --html: a page from a recording. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

static void read_all(struct kvmeter_html *html, struct kvmeter_playback *file)
{
	html->origin = file->player.origin;
	html->interval_ns = file->player.head.interval_ns;
	html->damages = file->damages;
	html->damaged_at = file->damaged_at;
	kvmeter_html_rank_begin(html, &file->all);
	while (kvmeter_playback_next(file))
		kvmeter_html_rank_add(html, file->cur);
	if (!html->nr_snaps)
		errx(1, "%s has no snapshot there", file->player.file);
	if (html->nr_snaps == 1)
		errx(1, "%s has one snapshot there, which is no interval", file->player.file);
	kvmeter_html_rank_end(html);
	kvmeter_playback_rewind(file);
	while (kvmeter_playback_next(file))
		kvmeter_html_fill_add(html, file->cur);
	kvmeter_html_fill_end(html);
}

/* The file is only made when all of it is known. */
static void write_page(const char *name, const struct kvmeter_html *html)
{
	bool is_stdout = !strcmp(name, "-");
	FILE *out = is_stdout ? stdout : fopen(name, "we");

	if (!out)
		err(1, "%s", name);
	kvmeter_html_write(out, html);
	if (ferror(out) || (is_stdout ? fflush(out) : fclose(out)))
		err(1, "cannot write %s", is_stdout ? "the page" : name);
}

/**
 * kvmeter_cmd_html - kvmeter report --html
 * @args: which part of which recording
 * @file: where the page goes, "-" for standard output
 */
void kvmeter_cmd_html(const struct kvmeter_replay_args *args, const char *file)
{
	struct kvmeter_html *html = calloc(1, sizeof(*html));
	struct kvmeter_playback recording;

	if (!html)
		err(1, "no memory");
	kvmeter_playback_open(&recording, args);
	kvmeter_playback_limit(&recording, args);
	read_all(html, &recording);
	write_page(file, html);
	kvmeter_html_put(html);
	free(html);
	kvmeter_playback_close(&recording);
}
