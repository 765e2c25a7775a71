// SPDX-License-Identifier: GPL-2.0-only
/* What --help says of export. */
#include "help.h"
#include "reader.h"

/* clang-format off */

const char kvmeter_help_export[] =
	"Metrics of the host and its VMs for Prometheus. Without an option they are\n"
	"printed once, in its text format 0.0.4.\n"
	"\vWith --listen it answers GET /metrics until SIGTERM or ^C, in OpenMetrics 1.0\n"
	"if the client accepts that, otherwise in the text format. ADDR is an address,\n"
	"not a name, in brackets if it has colons: 127.0.0.1:9435, [::1]:9435; without\n"
	"one, as in :9435, it is 127.0.0.1. 0.0.0.0 and [::] are all addresses of the\n"
	"host: there is neither a password nor encryption, so let only those reach it\n"
	"who may see what guests do. Port 0 is a free one, which is then printed. 64\n"
	"clients may be connected, and each is for 10 seconds in which nothing moves.\n"
	"\n"
	"With --textfile it writes FILE, for the textfile collector of node_exporter,\n"
	"once or every interval seconds (or with a unit: s, m, h). FILE is replaced as\n"
	"a whole.\n"
	"\n"
	"Base units: seconds and bytes. Counters count since the module first saw a VM\n"
	"(vCPU). The label vm is the VM's id, <pid>-<fd>; kvmeter_vm_info has its name\n"
	"as well. Histograms have bounds of 2^8, 2^10 to 2^30 ns; native ones there are\n"
	"not, as neither of the two formats has any. Series of each VM are six states,\n"
	"six for each exit reason, kinds of thieves, two histograms and one for each\n"
	"class of exits, and one for each metric; ports, addresses and names of\n"
	"processes are no labels. With --by vcpu there are six more for each vCPU.\n"
	"\n"
	"It never asks a VMM or libvirt. Names are read from /proc by a thread of their\n"
	"own; until one is known it is empty.\n"
	"\n"
	"Exit status: 0 after SIGTERM or ^C, or when done; 1 on an error, told in one\n"
	"line, also when the module is unloaded, or its maps are detached; 64 on a\n"
	"wrong command line.\n";
