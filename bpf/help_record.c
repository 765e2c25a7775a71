// SPDX-License-Identifier: GPL-2.0-only
/* What --help says of the commands record and report. */
#include "help.h"
#include "reader.h"

/* A line of text to a string, whatever else a formatter thinks of it. */
/* clang-format off */

const char kvmeter_help_record[] =
	"Write snapshots of all that is counted, of all VMs, to a new file, until ^C or\n"
	"SIGTERM; 'kvmeter report' shows views of it.\n"
	"\vINTERVAL is the time from one snapshot to the next, in seconds or with a unit\n"
	"(s, m, h); 5 seconds unless it is given. FILE must not exist yet, and only\n"
	"root may read it.\n"
	"\n"
	"Each snapshot is what changed since the one before, compressed; every 64th is\n"
	"whole. It is in the file once it was taken: where the recorder is killed, the\n"
	"file lacks what came after; where the host goes down, what it had not written\n"
	"to the disk.\n"
	"\n"
	"At the end it tells the number of snapshots, the time they cover in s, the\n"
	"bytes of the file, and KiB per vCPU and hour.\n"
	"\n"
	"Exit status: 0 after ^C or SIGTERM; 1 on an error, told in one line, such as a\n"
	"full disk: the file then ends with the last snapshot that was whole; 64 on a\n"
	"wrong command line.\n"
	JSON_TEXT;

const char kvmeter_help_report[] =
	"Show any view of a recording that 'kvmeter record' has made: list, stat,\n"
	"ledger, exits, steal, wakeups, dirty, dirty status, quota, migrate,\n"
	"autoconverge, doctor. Needs neither root nor the module.\n"
	"\vVIEW takes the arguments that it takes elsewhere, also --json and --csv, but\n"
	"not --heat, nor what changes something: see 'kvmeter VIEW --help'.\n"
	"\n"
	"Without an interval there is one report, of what happened between --from and\n"
	"--to; list, dirty status and autoconverge show what was there at the end. With\n"
	"one, there is a report of each interval, also of the first: from the first\n"
	"snapshot on, to those that are nearest to its ends. A VM has to be there at\n"
	"the end of a report to be shown in it; one that is asked for is followed while\n"
	"it is there, and if several had that name, its id tells which is meant.\n"
	"\n"
	"TIME is one of\n"
	"  90, 5m, 1.5h, 2d  from the beginning of the recording, in s unless given\n"
	"  -5m               before its end\n"
	"  +5m               for --to: after --from\n"
	"  14:30, 14:30:05   local time of day: the first one in the recording, and for\n"
	"                    --to the first one after --from if that is a time by the\n"
	"                    clock\n"
	"  2026-11-22, 2026-11-22T14:30, 2026-11-22T14:30:05\n"
	"                    ISO 8601, local time; with Z or +01:00 behind it, that of\n"
	"                    UTC or of that zone\n"
	"\n"
	"Before each table is the wall clock time of its end, and its length in s; in\n"
	"JSON and CSV these are real_ns and interval_ns.\n"
	"\n"
	"--html writes a page to attach to a ticket: what host, kernel and module it is\n"
	"of, the time ledger of each VM over time, the steal matrix, exit latencies over\n"
	"time, D(t) with a forecast, migrations with their rounds. It is one file, loads\n"
	"nothing and runs nothing. Time is cut into 160 columns or some more; the 16 VMs\n"
	"that took most time are shown one by one, all others as a sum. The names of\n"
	"host, VMs and processes are on it. The file is read three times.\n"
	"\n"
	"Exit status: 0; 1 on an error, told in one line, as where the file is none, or\n"
	"is of another ABI; 2 where the file is damaged or cut off: that is told in one\n"
	"line, all else is as it would be with what can be read of it; 64 on a wrong\n"
	"command line; of doctor 3 if something was found.\n";

/* clang-format on */
