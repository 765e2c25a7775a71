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

/* clang-format on */

#endif /* KVMETER_HELP_H */
