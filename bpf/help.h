/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --help says of more than one command.
 */
#ifndef KVMETER_HELP_H
#define KVMETER_HELP_H

/* A line of text to a string, whatever else a formatter thinks of it. */
/* clang-format off */

#define VM_TEXT \
	"VM is a VM's name (QEMU's -name, otherwise the process name), the pid of its\n" \
	"VMM, or its id <pid>-<fd>.\n"

#define ALL_VMS_TEXT \
	"Without one, all VMs are shown.\n"

/* Of commands whose figures are rates. */
#define RATES_TEXT \
	"Each report is of an interval: of a second, once, unless one is given, in\n" \
	"seconds or with a unit (s, m, h); then reports are repeated until count or ^C.\n" \
	"\n"

#define NAME_TEXT \
	"  NAME      name of the VM\n" \
	"  ID        <pid>-<fd>: pid of its VMM, and a file descriptor there\n"

#define JSON_TEXT \
	"\n" \
	"With --json each report is one JSON document on a line of its own, with the\n" \
	"names of linux/kvmeter.h, which 'kvmeter metrics' explains. Times there are in\n" \
	"ns; null is a figure that does not exist. 'kvmeter schema' describes them all.\n" \
	"\n" \
	"With --csv (RFC 4180) the same values are a table whose columns are named\n" \
	"once: by the keys on the way to the value, with dots between, and in an array\n" \
	"of numbers its index. A row is an element of what the view lists, and has\n" \
	"before its own figures those of what it is in; null is an empty field.\n"

/* Of top, in --help and on the screen. */
#define KVMETER_TOP_KEYS \
	"  arrows    move; left and right: to columns for which there is no room\n" \
	"  PgUp PgDn Home End\n" \
	"            move further\n" \
	"  Enter     open the VM: its vCPUs; then 2 to 6 for the rest of it\n" \
	"  Esc       back to all VMs\n" \
	"  0 to 6    views: 0 all VMs, 1 time, 2 exits, 3 steal, 4 dirty memory,\n" \
	"            5 migration, 6 matrix of steal; of all VMs, or of the one opened\n" \
	"  < >       sort by the column to the left, to the right\n" \
	"  F         sort by a column, by its name\n" \
	"  o         sort the other way round\n" \
	"  x         show the vCPUs below each VM, or hide them\n" \
	"  f         show VMs whose names match a regular expression\n" \
	"  g p       show the VM of this name, pid or id\n" \
	"  c         show all VMs again\n" \
	"  s d       set the interval, in seconds or with a unit\n" \
	"  r         reset: count from now on\n" \
	"  t         show what was counted since then, or in the last interval\n" \
	"  B u       dirty memory in bytes, or in 4 KiB pages\n" \
	"  space     the next report at once\n" \
	"  h ?       these keys\n" \
	"  q         quit\n"

/* clang-format on */

#endif /* KVMETER_HELP_H */
