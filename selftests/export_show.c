// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter on VMs of known names that are busy, for reader_scrape_test.sh: needs no module.
 *
 *   export_show ADDR:PORT [error SCRAPE]
 *   export_show FILE [error SCRAPE]
 *
 * What runs is the reader's own server, or its writer of files, once; time passes by a second from
 * one scrape to the next. It ends as the reader does where that scrape finds no module any more.
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/openmetrics.h"
#include "busy_host.h"

#define NS_PER_S 1000000000ULL
#define GIB_PAGES (1 << 18)

static struct {
	struct busy_host host;
	struct kvmeter_snap snap;
	struct kvmeter_export_self self;
	unsigned long error_at;
} show;

/* A session on the one that is being migrated, so that nothing that there can be is missing. */
static void add_session(struct fake_maps *fake)
{
	struct kvmeter_dirty *d = &fake->dirty[0];
	unsigned int i;

	d->gen = 1;
	d->session = KVMETER_SESSION_DRIVEN;
	for (i = 0; i < KVMETER_CURVE_NR; i++)
		d->curve[i] = 1000 << i;
	fake->migrations[0].ram_pages = GIB_PAGES;
	fake->migrations[0].sent_pages = GIB_PAGES / 2;
	fake->migrations[0].bandwidth_pages = 30000;
	fake->migrations[0].dirty_rate_pages = 40000;
	fake->vms[0].pages_4k = 100;
	fake->vms[0].pages_2m = 500;
}

static void write_metrics(FILE *out, bool openmetrics)
{
	if (show.error_at && ++show.self.scrapes == show.error_at)
		errx(1, "the maps were detached by another process");
	busy_host_run(&show.host, NS_PER_S);
	busy_host_take(&show.host, &show.snap);
	kvmeter_export_write(out, openmetrics, &show.snap, &show.self);
	show.self.scrapes += !show.error_at;
}

int main(int argc, char **argv)
{
	sigset_t set;

	if (argc != 2 && argc != 4)
		errx(64, "export_show ADDR:PORT|FILE [error SCRAPE]");
	if (busy_host_init(&show.host))
		errx(1, "no memory");
	add_session(show.host.fake);
	show.self.max_vms = KVMETER_EXPORT_VMS;
	show.self.by_vcpu = true;
	if (argc == 4)
		show.error_at = strtoul(argv[3], NULL, 10);
	if (strchr(argv[1], '/')) {
		kvmeter_export_write_file(argv[1], write_metrics);
	} else {
		sigemptyset(&set);
		sigaddset(&set, SIGINT);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		signal(SIGPIPE, SIG_IGN);
		kvmeter_export_serve(argv[1], write_metrics);
	}
	kvmeter_snapshot_put(&show.snap);
	busy_host_put(&show.host);
	return 0;
}
