// SPDX-License-Identifier: GPL-2.0-only
/* The command migrate: live migrations round by round, and what becomes of them. */
#include <limits.h>
#include <unistd.h>

#include "migrate.h"
#include "steal.h"

/* Where a terminal does not tell. */
#define HEIGHT 24

static void report_migrate(const struct kvmeter_report *report)
{
	const struct kvmeter_snap *snap = report->snap;
	bool terminal = isatty(STDOUT_FILENO) && !report->args->replay;
	struct kvmeter_screen screen = {
		.rows = terminal ? kvmeter_terminal_height(HEIGHT) : 0,
		.colour = kvmeter_terminal_has_colour(),
		.utf8 = kvmeter_terminal_has_utf8(),
	};

	if (report->args->json) {
		kvmeter_migrate_print_json(report);
		return;
	}
	/* the screen is drawn anew, on others reports follow each other */
	if (terminal)
		fputs("\033[H\033[2J", stdout);
	else if (report->nr)
		putchar('\n');
	if (!(snap->host.features & KVMETER_FEATURE_SYNC))
		puts(KVMETER_MIGRATE_NOT_SEEN);
	else if (report->vm < 0)
		kvmeter_migrate_print_list(report);
	else
		kvmeter_migrate_print_vm(snap, &snap->vms[report->vm], &screen);
}

/**
 * kvmeter_cmd_migrate - kvmeter migrate
 * @args: the command line
 */
void kvmeter_cmd_migrate(const struct kvmeter_args *args)
{
	bool live = isatty(STDOUT_FILENO) && !args->json;

	kvmeter_view_run_rates(args, 0, live ? ULONG_MAX : 1, report_migrate);
}
