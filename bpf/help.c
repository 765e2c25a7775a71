// SPDX-License-Identifier: GPL-2.0-only
/* What --help says: of the program, and of each command with the columns and their units. */
#include "reader.h"

/* A line of text to a string, whatever else a formatter thinks of it. */
/* clang-format off */

#define VM_TEXT \
	"VM is a VM's name (QEMU's -name, otherwise the process name), the pid of its\n" \
	"VMM, or its id <pid>-<fd>. Without one, all VMs are shown.\n"

#define INTERVAL_TEXT \
	"\n" \
	"With an interval, in seconds or with a unit (s, m, h), reports are repeated\n" \
	"until count or ^C. The first covers the time since the module first saw each\n" \
	"VM, each further one the interval before it. A first argument that is a VM's\n" \
	"pid or name means that VM; another number up to 60 is an interval, and above\n" \
	"that has to be given with a unit.\n" \
	"\n"

#define JSON_TEXT \
	"\n" \
	"With --json each report is one JSON document on a line of its own, with the\n" \
	"names of linux/kvmeter.h. Times there are in ns; null is a figure that does\n" \
	"not exist.\n"

const char kvmeter_help_program[] =
	"Shows what the kernel module kvmeter counts about the VMs of this host: exits,\n"
	"steal and dirty pages, for each VM and vCPU.\n"
	"\vCommands:\n"
	"  list      the VMs that are tracked\n"
	"  stat      one row for each VM\n"
	"  exits     exits by reason: count, time, percentiles\n"
	"  steal     time that vCPUs were kept waiting for a CPU\n"
	"  status    the module: where it counts, its limits, what it could not track\n"
	"  attach    have the module count into BPF maps\n"
	"  detach    have it count in memory of its own again\n"
	"\n"
	"'kvmeter COMMAND --help' tells the columns and their units. Needs root.\n"
	"Exit status: 0; 1 on an error, told in one line; 64 on a wrong command line.\n";

const char kvmeter_help_exits[] =
	"How often vCPUs left the guest, why, and for how long, in the columns of\n"
	"perf kvm stat.\n"
	"\v" VM_TEXT
	INTERVAL_TEXT
	"  VM-EXIT   the vendor's name of the reason; a number if it has none;\n"
	"            UNKNOWN: exits whose reason cannot be trusted, or has no room\n"
	"  Samples   exits\n"
	"  Samples%  share of all exits, %\n"
	"  Time%     share of the handling time of all exits, %\n"
	"  Min Time, Max Time, Avg time\n"
	"            handling time in us, from leaving the guest to entering it again:\n"
	"            with the time in the VMM and the sleep of a halted vCPU, without\n"
	"            steal; Min is of exits into which no steal fell, '-' if there\n"
	"            are none. Of an interval, Min and Max are exact if they are new\n"
	"            extremes, otherwise bounds, powers of two, that all times keep\n"
	"  p50, p99  percentiles in us, interpolated linearly within a power of two,\n"
	"            at most Max Time\n"
	"  Total Samples, Total events handled time\n"
	"            the sums, the latter in us; a time is added when the exit ends\n"
	JSON_TEXT;

const char kvmeter_help_stat[] =
	"One row for each VM: exits, steal and dirty pages.\n"
	"\v" VM_TEXT
	INTERVAL_TEXT
	"  NAME      name of the VM\n"
	"  ID        <pid>-<fd>: pid of its VMM, and a file descriptor there\n"
	"  VCPUS     vCPUs that are tracked\n"
	"  EXITS/s   exits per second, all vCPUs together\n"
	"  TOP-EXIT  most frequent exit reason\n"
	"  TOP%      its share of all exits, %\n"
	"  EXIT%     share of its vCPUs' time spent handling exits, in the kernel and\n"
	"            in the VMM, without the sleep of halted vCPUs, without steal, %\n"
	"  STEAL%    share of its vCPUs' time spent ready to run and not running, %\n"
	"  DIRTY/s   4 KiB pages dirtied per second (log entries and write faults).\n"
	"            'not armed': no memory slot of the VM has dirty logging on, so\n"
	"            there is no figure; 'armed': it is on, but was not for a whole\n"
	"            interval yet; 'unknown': whether it is on cannot be seen\n"
	JSON_TEXT;

const char kvmeter_help_steal[] =
	"How long vCPUs were ready to run and not running: what their guests are shown\n"
	"as steal.\n"
	"\v" VM_TEXT
	INTERVAL_TEXT
	"  NAME      name of the VM\n"
	"  ID        <pid>-<fd>: pid of its VMM, and a file descriptor there\n"
	"  VCPU      KVM's vcpu_id; 'all': all of the VM together\n"
	"  STEAL%    share of the vCPUs' time, %\n"
	"  TOTAL     steal in ms\n"
	"  EPISODES  guest entries before which a vCPU had been kept waiting\n"
	"  P50, P99  percentiles of the episodes in us, interpolated linearly within a\n"
	"            power of two, at most MAX\n"
	"  MAX       longest episode in us; of an interval, exact if it is a new\n"
	"            maximum, otherwise a bound, a power of two, that all keep\n"
	JSON_TEXT;

const char kvmeter_help_list[] =
	"The VMs that are tracked.\n"
	"\v" VM_TEXT
	"\n"
	"  NAME      name of the VM\n"
	"  PID       process id of its VMM\n"
	"  ID        <pid>-<fd>, also the name of its directory in debugfs\n"
	"  VCPUS     vCPUs that are tracked\n"
	"  SEEN      seconds since the module first saw it\n"
	"  LOGPAGES  4 KiB pages in memory slots with dirty logging on\n"
	"  LOGGING   'armed': at least one memory slot has dirty logging on;\n"
	"            'not armed': none has; 'unknown': it cannot be seen\n"
	JSON_TEXT;

const char kvmeter_help_status[] =
	"What the module is, where it counts, its limits, and what it could not track.\n"
	"\v  abi              number of the interface between module and readers\n"
	"  loaded           seconds since the module was loaded\n"
	"  vendor           vmx (Intel), svm (AMD), none (no exit seen yet)\n"
	"  reason_source    where exit reasons come from: direct (the CPU's own record,\n"
	"                   proven equal to KVM's), vendor (KVM's function), unproven\n"
	"                   (still being compared), none (every exit is unknown)\n"
	"  features         dirty: dirty logging can be seen; if not, the file\n"
	"                   kvmeter/status in debugfs says why\n"
	"  vms, vcpus       slots used, of how many, and how many VMs (vCPUs) were seen\n"
	"  untracked_vms, untracked_vcpus\n"
	"                   times that a VM (vCPU) found no free slot\n"
	"  untracked_exits  exits of vCPUs without a slot\n"
	"  attached         where the maps that are counted into are pinned\n"
	"  map              name, BPF id, entries and bytes of each of them\n"
	JSON_TEXT;

const char kvmeter_help_attach[] =
	"Create the BPF maps, pin them under " KVMETER_PIN_DIR "/, and have the module\n"
	"count into them. Where maps are attached already, only missing pins are made.\n"
	"All other commands but detach do this by themselves.\n"
	"\vThe bpf file system has to be mounted at " KVMETER_PIN_ROOT ". The maps stay\n"
	"attached until 'kvmeter detach', or until the module is unloaded.\n";

const char kvmeter_help_detach[] =
	"Have the module count in memory of its own again, and remove the pins of the\n"
	"BPF maps.\n"
	"\vNothing that was counted is lost.\n";

/* clang-format on */
