// SPDX-License-Identifier: GPL-2.0-only
/* What --help says of the command doctor. */
#include "help.h"
#include "reader.h"

/* A line of text to a string, whatever else a formatter thinks of it. */
/* clang-format off */

const char kvmeter_help_doctor[] =
	"What is wrong with the VMs of this host, on what evidence, and what to do, the\n"
	"most costly first.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	"\n"
	"It looks at an interval of 5 seconds, once, unless one is given, in seconds or\n"
	"with a unit (s, m, h); then it looks again until count or ^C. The longer the\n"
	"interval, the less a finding is a moment's.\n"
	"\n"
	"Looked for is what has the names\n"
	"  overcommit, cpu-limit, noisy-neighbour\n"
	"                    who waits for a CPU: as there are too many, for a limit\n"
	"                    of its own, as one VM or process takes it\n"
	"  node-moves, far-memory, huge-pages\n"
	"                    vCPUs between NUMA nodes, far from their memory, which is\n"
	"                    in 4 KiB pages\n"
	"  storm-timer, storm-ipi, storm-io, storm-msr, storm-other, nested\n"
	"                    what exits go to; storm-io: to the VMM, for a device that\n"
	"                    is not virtio. Timers and IPIs are told from other MSRs\n"
	"                    if the module has subreasons=1\n"
	"  migration         will not come to an end\n"
	"  headroom          of the host\n"
	"--rules tells of each the threshold, what is compared with it, and where it\n"
	"comes from; it needs neither root nor the module.\n"
	"\n"
	"Cost is what is lost by it, in CPUs: CPU seconds a second. Time that vCPUs\n"
	"wait, time that KVM and the VMM take for exits, both as measured; of memory\n"
	"that is far and of moves between nodes what is lost at most, which is if the\n"
	"guest does nothing but wait for memory; of a migration what logging of memory\n"
	"and quotas take; of headroom what is missing of it. A nanosecond that a vCPU\n"
	"waits is one finding's only.\n"
	"\n"
	"What could not be looked for is told, with the reason, and is no finding. A\n"
	"recording ('kvmeter report FILE doctor') has neither headroom nor far-memory;\n"
	"on hosts with several nodes the latter reads numa_maps of each VMM, which\n"
	"takes some ms for each GiB in 4 KiB pages.\n"
	"\n"
	"Exit status: 0 if nothing was found; 3 if something was, in any report; 1 on an\n"
	"error, told in one line; 2 if a recording is damaged; 64 on a wrong command\n"
	"line.\n"
	JSON_TEXT;

/* clang-format on */
