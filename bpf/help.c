// SPDX-License-Identifier: GPL-2.0-only
/* What --help says: of the program, and of each command with the columns and their units. */
#include "help.h"
#include "reader.h"

/* A line of text to a string, whatever else a formatter thinks of it. */
/* clang-format off */

#define INTERVAL_TEXT \
	"\n" \
	"With an interval, in seconds or with a unit (s, m, h), reports are repeated\n" \
	"until count or ^C. The first covers the time since the module first saw each\n" \
	"VM, each further one the interval before it. A first argument that is a VM's\n" \
	"pid or name means that VM; another number up to 60 is an interval, and above\n" \
	"that has to be given with a unit.\n" \
	"\n"

#define ROW_TEXT \
	NAME_TEXT \
	"  VCPUS     vCPUs of the VM, whose figures are added up; with --by vcpu:\n" \
	"  VCPU      KVM's vcpu_id\n"

#define HIST_TEXT \
	"\n" \
	"--hist prints the histogram too: the number of times in each power of two of\n" \
	"ns, and as a bar its share of the highest number; the last one takes all from\n" \
	"2^30 ns up.\n"

const char kvmeter_help_program[] =
	"Shows what the kernel module kvmeter counts about the VMs of this host: where\n"
	"the time of each vCPU goes, its exits, steal and dirty pages.\n"
	"\vCommands:\n"
	"  list      the VMs that are tracked, their vCPUs and where they run\n"
	"  top       all VMs on a screen of its own, sorted, and each of them opened\n"
	"  stat      one row for each VM\n"
	"  ledger    all of the vCPUs' time by state: guest, kernel, VMM, halt, steal\n"
	"  exits     exits by reason, class or sub-reason: count, time, percentiles\n"
	"  steal     time that vCPUs were kept waiting for a CPU, for whom, and why\n"
	"  wakeups   from wake-up to running, halt polling, interrupts injected\n"
	"  dirty     how fast memory is dirtied, how much of it in which time, and\n"
	"            where; dirty start, dirty stop, dirty status: sessions that find\n"
	"            out\n"
	"  quota     limit what a VM dirties a second, so that a migration ends\n"
	"  forecast  would a live migration come to an end, when, and at what cost\n"
	"  migrate   live migrations as they happen: rounds, what is left, the end\n"
	"  autoconverge\n"
	"            have quotas set that make migrations converge; off, observe, on\n"
	"  doctor    what is wrong, on what evidence, and what to do, most costly first\n"
	"  log       what was seen of migrations, and what was decided and done\n"
	"  export    metrics for Prometheus: by HTTP, or as a file\n"
	"  metrics   all metrics: name, type, unit, meaning; works without the module\n"
	"  schema    what --json prints, as a JSON Schema; works without the module\n"
	"  record    write snapshots to a file, for days\n"
	"  report    show any of these views from such a file; without the module\n"
	"  status    the module: where it counts, its limits, what it could not track\n"
	"  attach    have the module count into BPF maps\n"
	"  detach    have it count in memory of its own again\n"
	"\n"
	"'kvmeter COMMAND --help' tells the columns and their units. Needs root.\n"
	"Exit status: 0; 1 on an error, told in one line; 2 if a recording is damaged;\n"
	"3 if doctor has found something; 64 on a wrong command line.\n";

const char kvmeter_help_ledger[] =
	"Where all of the vCPUs' time went: each nanosecond since a vCPU was first seen\n"
	"is in one of six states, up to now.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	INTERVAL_TEXT
	ROW_TEXT
	"  WALL      time in s since the first guest entry or exit that was seen, or of\n"
	"            the interval; of a VM, of all its vCPUs together\n"
	"  GUEST%    in the guest\n"
	"  KERNEL%   KVM handled an exit\n"
	"  VMM%      from an exit to the VMM to the next guest entry, running or asleep\n"
	"  HALT%     halted, asleep or polling\n"
	"  STEAL%    ready to run and not running\n"
	"  THROTTLE% parked by a quota\n"
	"            These are shares of WALL, rounded so that they add up to 100.0:\n"
	"            down to tenths, and up where most was lost until none is missing\n"
	"  STATE, CPU, NODE\n"
	"            with --by vcpu: the state that the vCPU is in, and the CPU and\n"
	"            NUMA node it runs, or ran last, on\n"
	"  CPU-MOVES, NODE-MOVES\n"
	"            times that it moved to another CPU, another NUMA node\n"
	"\n"
	"With -z those that only slept, halted or in the VMM, are left out.\n"
	JSON_TEXT;

const char kvmeter_help_wakeups[] =
	"How vCPUs that slept came to run again: the delay after a wake-up, halt\n"
	"polling, and the interrupts injected.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	INTERVAL_TEXT
	ROW_TEXT
	"  WAKEUPS   waits for a CPU that followed a wake-up\n"
	"  AVG, P50, P99, MAX\n"
	"            of the times in us from wake-up to running. Percentiles are\n"
	"            interpolated linearly within a power of two, at most MAX; MAX of\n"
	"            an interval is exact if it is a new maximum, otherwise a bound, a\n"
	"            power of two, that all keep\n"
	"  HALTS     halts that ended with something for the guest to do\n"
	"  POLLS     halts that began with polling\n"
	"  HIT%      share of them that ended while polling, %\n"
	"  HIT, MISS time in ms polled with success, and in vain\n"
	"  IRQS, NMIS\n"
	"            interrupts and NMIs that KVM injected\n"
	"            HALTS to NMIS are KVM's own statistics, brought up to date while\n"
	"            the vCPU runs, every 4 ms at most\n"
	HIST_TEXT
	JSON_TEXT;

const char kvmeter_help_metrics[] =
	"All metrics that the module counts, as the header kvmeter/metrics.h has them.\n"
	"Needs neither root nor the module.\n"
	"\v  OF        what it is counted for: vm, vcpu, exit (a vCPU's exits for one\n"
	"            reason), sub (a vCPU's exits for one sub-reason), thief (a vCPU's\n"
	"            steal that one thief is to blame for), dirty (a VM's dirty pages),\n"
	"            migration (of a VM), round (of a migration)\n"
	"  NAME      field of struct kvmeter_vm, _vcpu, _exit, _sub, _thief, _dirty,\n"
	"            _migration, _round in linux/kvmeter.h, and its key in JSON\n"
	"  TYPE      cumulative: only grows; instant: goes up and down; peak, lowest:\n"
	"            the extreme there was; histogram: counts of values in log2 buckets\n"
	"  UNIT, EXPONENT\n"
	"            a value is in 10^EXPONENT UNIT: seconds and -9 are nanoseconds\n"
	"\n"
	"With --json one document with an array for each of vm, vcpu, exit, sub, thief,\n"
	"dirty, migration, round; with --csv their elements are the rows.\n";

const char kvmeter_help_schema[] =
	"A JSON Schema (draft 2020-12) of all documents that commands print with\n"
	"--json: each key with its type, its meaning, and its unit. Needs neither root\n"
	"nor the module.\n"
	"\vEach document has the number of the schema as 'schema', and says by 'document'\n"
	"which one of the definitions describes it.\n"
	"\n"
	"The number stays where keys, documents or words are added: who reads a\n"
	"document has to pass over keys that he does not know. It goes up where a key\n"
	"goes, or where its name, type, unit or meaning changes.\n";

const char kvmeter_help_exits[] =
	"How often vCPUs left the guest, why, and for how long, in the columns of\n"
	"perf kvm stat.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	INTERVAL_TEXT
	"Rows are sorted by --key, highest first: by sample (the default),\n"
	"percent_sample, time, percent_time, max_t, min_t or mean_t, which are perf's,\n"
	"or by p50, p99, kernel or vmm; with --by sub, by sample or kernel.\n"
	"\n"
	"  VM-EXIT   the vendor's name of the reason; a number if it has none;\n"
	"            UNKNOWN: exits whose reason cannot be trusted, or has no room.\n"
	"            'L2:' before it: the guest of a guest exited. These are never\n"
	"            added to the others; only UNKNOWN has both\n"
	"  CLASS     with --by class: what reasons of Intel and AMD have in common\n"
	"  Samples   exits\n"
	"  Samples%  share of all exits, %\n"
	"  Time%     share of the handling time of all exits, %\n"
	"  Min Time, Max Time, Avg time\n"
	"            handling time in us, from leaving the guest to entering it again:\n"
	"            in the kernel, in the VMM and halted, without steal. Of an\n"
	"            interval, Min and Max are exact if they are new extremes,\n"
	"            otherwise bounds, powers of two, that all times keep\n"
	"  p50, p99  percentiles in us, interpolated linearly within a power of two,\n"
	"            at most Max Time\n"
	"  kernel, vmm\n"
	"            total time in us that KVM took, and that the VMM took\n"
	"  Total Samples, Total events handled time\n"
	"            the sums, the latter in us; a time is added when the exit ends\n"
	"\n"
	"A second table is of the exits to the VMM, by KVM's exit_reason:\n"
	"\n"
	"  VMM-EXIT  KVM_EXIT_* of linux/kvm.h; OTHER: other errors of KVM_RUN\n"
	"  Samples, Samples%\n"
	"            returns of KVM_RUN, and their share of all\n"
	"  Time%, vmm\n"
	"            time in the VMM that followed, its share and in us\n"
	"\n"
	"With --by class, reason or sub there is one table of the VM, or of all VMs. A\n"
	"sub-reason is the MSR, the port and its direction, the guest page of a page\n"
	"fault or MMIO access, the CPUID leaf, the number of a hypercall. Exits of\n"
	"nested guests have none.\n"
	"\n"
	"  SUB-REASON, Value\n"
	"            what it is and its number; of pages the guest frame number\n"
	"  Samples   exits, too high by Error at most\n"
	"  Error     exits that may have been of other sub-reasons. Each vCPU keeps a\n"
	"            Space-Saving sketch of its most frequent ones; where a sketch is\n"
	"            full and does not list a sub-reason that another one has, it may\n"
	"            have had as many as the least it lists, and Samples and Error are\n"
	"            both higher by that. -z leaves out those that may not have come\n"
	"  kernel    time in us that KVM took, without what came before it was listed\n"
	HIST_TEXT
	JSON_TEXT;

const char kvmeter_help_stat[] =
	"One row for each VM: exits, steal and dirty pages.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	INTERVAL_TEXT
	NAME_TEXT
	"  VCPUS     vCPUs that are tracked\n"
	"  EXITS/s   exits per second, all vCPUs together\n"
	"  TOP-EXIT  most frequent exit reason\n"
	"  TOP%      its share of all exits, %\n"
	"  EXIT%     share of its vCPUs' time spent in the kernel, handling exits, and\n"
	"            in the VMM; without halted vCPUs and without steal, %\n"
	"  STEAL%    share of its vCPUs' time spent ready to run and not running, %\n"
	"  DIRTY/s   4 KiB pages dirtied per second (log entries and write faults).\n"
	"            'not armed': the VM's memory is not logged, so there is no figure;\n"
	"            'armed': it is, but was not for a whole interval yet; 'unknown':\n"
	"            whether it is cannot be seen\n"
	JSON_TEXT;

const char kvmeter_help_steal[] =
	"How long vCPUs were ready to run and not running: what their guests are shown\n"
	"as steal; with --by thief, --by cause and --matrix, who took that time.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	INTERVAL_TEXT
	ROW_TEXT
	"  STEAL%    share of the vCPUs' time, %\n"
	"  TOTAL     steal in ms, with what is in progress\n"
	"  EPISODES  waits for a CPU that have ended\n"
	"  P50, P99  percentiles of them in us, interpolated linearly within a\n"
	"            power of two, at most MAX\n"
	"  MAX       longest wait in us; of an interval, exact if it is a new maximum,\n"
	"            otherwise a bound, a power of two, that all keep\n"
	"\n"
	"run_delay_ns, in JSON, is the scheduler's own account of the same waits, which\n"
	"the guest is shown as steal.\n"
	"\n"
	"--by thief: what ran on the CPU that the VM's vCPUs waited for, most first.\n"
	"\n"
	"  THIEF     'vm NAME': another VM, its vCPUs and all other threads of its VMM;\n"
	"            with its id if others have that name; 'vm (gone)': VMs that are no\n"
	"            more. 'own vCPUs', 'own VMM threads': of the same VM. 'kernel\n"
	"            threads'. 'process NAME': another process, by its command name.\n"
	"            'own CPU limit': whatever ran while a limit (cpu.max) of its\n"
	"            cgroup, or one above, held the vCPU back. 'idle CPU': nothing;\n"
	"            forced idle of core scheduling is in it. 'other': what found no\n"
	"            room. 'unexplained': the rest of the steal\n"
	"  STEAL%    share of the time of the VM's vCPUs, %\n"
	"  SHARE%    share of all rows of the VM, %, rounded so that they make 100.0\n"
	"  PREEMPT, WAKEUP, TOTAL\n"
	"            time in ms after a preemption, after a wake-up, and both\n"
	"\n"
	"--by cause: the same, summed: contention with its parts, own CPU limit ('-' if\n"
	"it cannot be told from others), idle CPU, unexplained.\n"
	"\n"
	"A wait is blamed when it ends, or when the waiting vCPU is moved to another\n"
	"CPU. So these rows are without the waits in progress, which are part of the\n"
	"steal of the VM in the other tables, and never of 'unexplained'.\n"
	"\n"
	"--matrix: VMs that waited, down, and what they waited for, across, in % of the\n"
	"victim's time. The darker a cell, the more it is of the largest one: four\n"
	"shades, in colour on a terminal unless NO_COLOR is set.\n"
	"\n"
	"  STEAL%    sum of the row\n"
	"  own       own vCPUs and own VMM threads\n"
	"  kernel, process, limit, idle, other, unexpl\n"
	"            as THIEF above; (gone): VMs that are no more\n"
	"  …         sum of the columns that took least and did not fit the terminal;\n"
	"            where it is none, COLUMNS limits the width\n"
	"\n"
	"A VM whose name others have too is shown by its id. The document of --json has\n"
	"all of it by 'thieves', or with --by cause by 'causes'; a VM there is known by\n"
	"its slot (vm) and the slot's gen (vm_gen), and has a name while it is there.\n"
	HIST_TEXT
	JSON_TEXT;

const char kvmeter_help_list[] =
	"The VMs that are tracked, or with --by vcpu their vCPUs and where they run.\n"
	"\v" VM_TEXT ALL_VMS_TEXT
	"\n"
	"  NAME      name of the VM\n"
	"  PID       process id of its VMM\n"
	"  ID        <pid>-<fd>, also the name of its directory in debugfs\n"
	"  VCPUS     vCPUs that are tracked\n"
	"  SEEN      seconds since the module first saw it\n"
	"  MAPPED    MiB of memory that KVM has mapped for the guest\n"
	"  4K%, 2M%, 1G%\n"
	"            shares of it in pages of that size, adding up to 100.0\n"
	"  LOGPAGES  4 KiB pages in memory slots with dirty logging on\n"
	"  LOGGING   whether the guest's memory is logged, at least half of it:\n"
	"            'bitmap', 'ring': by the VMM; 'driven': by a session of 'kvmeter\n"
	"            dirty start'; 'not armed': it is not; 'unknown': it cannot be seen\n"
	"  MIGRATION the round that a live migration is in; 'ended': there was one; '-'\n"
	"\n"
	"  VCPU      KVM's vcpu_id\n"
	"  TID       thread that ran it last\n"
	"  CPU, NODE CPU that it runs, or ran last, on, and that CPU's NUMA node\n"
	"  CPU-MOVES, NODE-MOVES\n"
	"            times that it moved to another CPU, another NUMA node\n"
	"  STATE     guest, kernel, vmm, halt, steal or throttle, see 'kvmeter ledger\n"
	"            --help'; '-' if it has not been seen in the guest yet\n"
	JSON_TEXT;

const char kvmeter_help_status[] =
	"What the module is, where it counts, its limits, and what it could not track.\n"
	"\v  abi              number of the interface between module and readers\n"
	"  loaded           seconds since the module was loaded\n"
	"  vendor           vmx (Intel), svm (AMD), none (no exit seen yet)\n"
	"  reason_source    where exit reasons come from: direct (the CPU's own record,\n"
	"                   proven equal to KVM's), vendor (KVM's function), unproven\n"
	"                   (still being compared), none (every exit is unknown)\n"
	"  features         dirty: dirty logging can be seen; subreasons: sub-reasons\n"
	"                   are counted; attribution: steal is blamed on thieves;\n"
	"                   limits: and on CPU limits; faults: pages dirtied by write\n"
	"                   faults are seen; own_writes: KVM's own writes are; syncs:\n"
	"                   the VMM's dirty-log calls are; sessions, quotas: 'kvmeter\n"
	"                   dirty start', 'kvmeter quota' can be used. The file\n"
	"                   kvmeter/status in debugfs says why one is off\n"
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
	"All other commands but detach and metrics do this by themselves.\n"
	"\vThe bpf file system has to be mounted at " KVMETER_PIN_ROOT ". The maps stay\n"
	"attached until 'kvmeter detach', or until the module is unloaded.\n";

const char kvmeter_help_detach[] =
	"Have the module count in memory of its own again, and remove the pins of the\n"
	"BPF maps.\n"
	"\vNothing that was counted is lost.\n";

/* clang-format on */
