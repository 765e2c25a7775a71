/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tables in debugfs show: a header line, and what is printed for one slot. */
#ifndef _KVMETER_TABLES_H
#define _KVMETER_TABLES_H

#include <linux/seq_file.h>
#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

#define KVMETER_VM_TABLES_NR 8
#define KVMETER_HOST_TABLES_NR 4

/**
 * struct kvmeter_table_row - copies of what one piece of a table is about
 * @vendor: enum kvmeter_vendor of the host
 * @now_ns: ledger clock when @vcpu was copied
 * @vm: the VM
 * @dirty: what it dirties
 * @migration: its migration
 * @vcpu: a vCPU of it; unused in the tables of VMs
 * @exits: its exit rows
 * @subs: its sub-reasons
 * @thieves: whom its steal is blamed on
 */
struct kvmeter_table_row {
	u32 vendor;
	u64 now_ns;
	struct kvmeter_vm vm;
	struct kvmeter_dirty dirty;
	struct kvmeter_migration migration;
	struct kvmeter_vcpu vcpu;
	struct kvmeter_exit exits[KVMETER_EXIT_ROWS];
	struct kvmeter_sub subs[KVMETER_SUB_ROWS];
	struct kvmeter_thief thieves[KVMETER_THIEF_ROWS];
};

/**
 * struct kvmeter_table - one table
 * @name: of its file
 * @header: its first line
 * @show: prints what there is about one VM, or one vCPU
 */
struct kvmeter_table {
	const char *name;
	const char *header;
	void (*show)(struct seq_file *m, const struct kvmeter_table_row *row);
};

extern const struct kvmeter_table kvmeter_vm_tables[KVMETER_VM_TABLES_NR];
extern const struct kvmeter_table kvmeter_host_tables[KVMETER_HOST_TABLES_NR];

void kvmeter_tables_show_metrics(struct seq_file *m);
void kvmeter_tables_show_audit(struct seq_file *m, const struct kvmeter_audit *a);

#endif /* _KVMETER_TABLES_H */
