// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs kvmeter/: status, metrics, vms, dirty, migrations, rounds, log, and for each VM
 * <pid>-<fd>/ with tables of its vCPUs.
 *
 * A view: it copies out of the store, and the module works without it. Files are tables of text
 * with one header line; root alone may read them. Reading a VM that is gone gives ENOENT, or EIO
 * once its directory is gone too.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <kvmeter/words.h>

#include "audit.h"
#include "debugfs.h"
#include "limit.h"
#include "maps.h"
#include "mem.h"
#include "probes.h"
#include "proto.h"
#include "store.h"
#include "tables.h"

/* What a reader of a table has in hand: one copy of one slot at a time. */
struct cursor {
	const struct kvmeter_table *table;
	bool one_vm; /* rows are its vCPUs; otherwise they are VMs */
	u32 vm_index;
	u32 vm_gen;
	struct kvmeter_table_row row;
};

/* One VM's directory, and what its files need to know. */
struct vm_dir;

struct vm_file {
	const struct vm_dir *dir;
	const struct kvmeter_table *table;
};

struct vm_dir {
	struct dentry *dentry;
	u32 vm;
	u32 gen;
	struct vm_file file[KVMETER_VM_TABLES_NR];
};

static DEFINE_MUTEX(dirs_mutex);
static struct vm_dir *dirs; /* one for each VM slot; under dirs_mutex */
static struct dentry *root;
static struct vm_file host_files[KVMETER_HOST_TABLES_NR];

static bool get_vcpu(struct cursor *c, u32 slot)
{
	struct kvmeter_table_row *row = &c->row;

	if (!kvmeter_store_get_vcpu(slot, &row->vcpu, &row->now_ns, row->exits, row->subs,
				    row->thieves))
		return false;
	return row->vcpu.vm == c->vm_index && row->vcpu.vm_gen == c->vm_gen;
}

/* The same of the first such slot from pos - 1 on. */
static void *load_vcpu(struct cursor *c, loff_t *pos)
{
	u32 slot = min_t(loff_t, *pos - 1, kvmeter_max_vcpus);

	for (;; slot++) {
		slot = kvmeter_store_next_vcpu(c->vm_index, c->vm_gen, slot);
		*pos = slot + 1;
		if (slot >= kvmeter_max_vcpus)
			return NULL;
		if (get_vcpu(c, slot))
			return c;
	}
}

static bool get_vm(struct cursor *c, u32 slot)
{
	struct kvmeter_table_row *row = &c->row;

	return kvmeter_store_get_vm(slot, &row->vm, &row->dirty, &row->migration);
}

/* Take a copy of slot pos - 1, or of the next one in use that belongs here. */
static void *load(struct cursor *c, loff_t *pos)
{
	if (*pos == 0)
		return SEQ_START_TOKEN;
	if (c->one_vm) {
		if (!get_vm(c, c->vm_index) || c->row.vm.gen != c->vm_gen)
			return ERR_PTR(-ENOENT);
		return load_vcpu(c, pos);
	}
	for (; *pos <= kvmeter_max_vms; (*pos)++)
		if (get_vm(c, *pos - 1))
			return c;
	return NULL;
}

static void *table_start(struct seq_file *m, loff_t *pos)
{
	return load(m->private, pos);
}

static void *table_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return load(m->private, pos);
}

static void table_stop(struct seq_file *m, void *v)
{
}

static int table_show(struct seq_file *m, void *v)
{
	const struct cursor *c = m->private;

	if (v == SEQ_START_TOKEN)
		seq_printf(m, "%s\n", c->table->header);
	else
		c->table->show(m, &c->row);
	return 0;
}

static const struct seq_operations table_ops = {
	.start = table_start,
	.next = table_next,
	.stop = table_stop,
	.show = table_show,
};

static int table_open(struct inode *inode, struct file *file)
{
	const struct vm_file *f = inode->i_private;
	struct kvmeter_host host;
	struct cursor *c;

	c = kvzalloc(sizeof(*c), KVMETER_GFP);
	if (!c)
		return -ENOMEM;
	c->table = f->table;
	if (f->dir) {
		c->one_vm = true;
		c->vm_index = f->dir->vm;
		c->vm_gen = f->dir->gen;
	}
	kvmeter_store_get_host(&host);
	c->row.vendor = host.vendor;
	if (seq_open(file, &table_ops)) {
		kvfree(c);
		return -ENOMEM;
	}
	((struct seq_file *)file->private_data)->private = c;
	return 0;
}

static int table_release(struct inode *inode, struct file *file)
{
	kvfree(((struct seq_file *)file->private_data)->private);
	return seq_release(inode, file);
}

static const struct file_operations table_fops = {
	.owner = THIS_MODULE,
	.open = table_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = table_release,
};

struct feature {
	const char *name;
	u32 bit;
	const char *why_off;
};

static const struct feature features[] = {
	{ "dirty", KVMETER_FEATURE_DIRTY,
	  "kvm_arch_commit_memory_region, vm_list, kvm_lock or kvm_put_kvm not usable" },
	{ "write_faults", KVMETER_FEATURE_FAULT, "kvm_mmu_set_spte or fast_page_fault not usable" },
	{ "kvm_writes", KVMETER_FEATURE_OWN,
	  "a function of KVM's that writes to guest memory not usable" },
	{ "log_calls", KVMETER_FEATURE_SYNC,
	  "a function of KVM's for memory slots or dirty logs not usable" },
	{ "driven_sessions", KVMETER_FEATURE_DRIVE,
	  "one of the above is, or a function of KVM's to arm pages not usable" },
	{ "quotas", KVMETER_FEATURE_QUOTA, "dirty or write_faults is" },
	{ "subreasons", KVMETER_FEATURE_SUB, "parameter subreasons" },
	{ "attribution", KVMETER_FEATURE_THIEF,
	  "parameter attribution, or sched_migrate_task not usable" },
	{ "limits", KVMETER_FEATURE_LIMIT,
	  "tg_throttle_down, tg_unthrottle_up, free_fair_sched_group or runqueues not usable" },
};

static void show_faults(struct seq_file *m)
{
	const char *name, *fault;
	unsigned int i;

	for (i = 0; kvmeter_proto_get(i, &name, &fault); i++)
		if (fault)
			seq_printf(m, "not_usable: %s: %s\n", name, fault);
}

static int status_show(struct seq_file *m, void *v)
{
	static const char *const vendor[] = { KVMETER_VENDOR_WORDS(KVMETER_WORD) };
	static const char *const source[] = { KVMETER_REASON_SOURCE_WORDS(KVMETER_WORD) };
	const struct feature *f;
	struct kvmeter_info info;
	struct kvmeter_host h;

	kvmeter_store_get_host(&h);
	kvmeter_maps_get_info(&info);
	seq_printf(m, "abi: %u\n", h.abi);
	seq_printf(m, "vendor: %s\n", vendor[h.vendor]);
	seq_printf(m, "reason_source: %s\n", source[h.reason_source]);
	for (f = features; f < features + ARRAY_SIZE(features); f++) {
		if (h.features & f->bit)
			seq_printf(m, "%s: on\n", f->name);
		else
			seq_printf(m, "%s: off: %s\n", f->name, f->why_off);
	}
	show_faults(m);
	seq_printf(m, "limits_lost: %lu\n", kvmeter_limit_lost_nr());
	seq_printf(m, "attached: %u\n", info.attached);
	seq_printf(m, "max_vms: %u\n", h.max_vms);
	seq_printf(m, "max_vcpus: %u\n", h.max_vcpus);
	seq_printf(m, "vms_seen: %llu\n", h.vms_seen);
	seq_printf(m, "vcpus_seen: %llu\n", h.vcpus_seen);
	seq_printf(m, "untracked_vms: %llu\n", h.untracked_vms);
	seq_printf(m, "untracked_vcpus: %llu\n", h.untracked_vcpus);
	seq_printf(m, "untracked_exits: %llu\n", h.untracked_exits);
	seq_printf(m, "missed_probes: %lu\n", kvmeter_probes_missed_nr());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static int metrics_show(struct seq_file *m, void *v)
{
	kvmeter_tables_show_metrics(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(metrics);

/* Of the audit: record pos, or the next one there is. */
static void *load_record(struct seq_file *m, loff_t *pos)
{
	struct kvmeter_audit *a = m->private;

	if (*pos == 0)
		return SEQ_START_TOKEN;
	if (!kvmeter_audit_get(*pos, a))
		return NULL;
	*pos = a->nr;
	return a;
}

static void *log_start(struct seq_file *m, loff_t *pos)
{
	return load_record(m, pos);
}

static void *log_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return load_record(m, pos);
}

static int log_show(struct seq_file *m, void *v)
{
	kvmeter_tables_show_audit(m, v == SEQ_START_TOKEN ? NULL : v);
	return 0;
}

static const struct seq_operations log_ops = {
	.start = log_start,
	.next = log_next,
	.stop = table_stop,
	.show = log_show,
};

static int log_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &log_ops, sizeof(struct kvmeter_audit));
}

static const struct file_operations log_fops = {
	.owner = THIS_MODULE,
	.open = log_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

static void add_dir(struct vm_dir *d, u32 vm, const struct kvmeter_vm *slot)
{
	size_t i;

	d->vm = vm;
	d->gen = slot->gen;
	d->dentry = debugfs_create_dir(slot->id, root);
	for (i = 0; i < KVMETER_VM_TABLES_NR; i++) {
		d->file[i].dir = d;
		d->file[i].table = &kvmeter_vm_tables[i];
		debugfs_create_file(kvmeter_vm_tables[i].name, 0400, d->dentry, &d->file[i],
				    &table_fops);
	}
}

/**
 * kvmeter_debugfs_sync - make the directories those of the VMs there are
 *
 * The old ones go first: a new VM may have the name of one that is gone.
 *
 * Context: may sleep.
 */
void kvmeter_debugfs_sync(void)
{
	struct kvmeter_vm slot;
	u32 i;

	mutex_lock(&dirs_mutex);
	for (i = 0; dirs && i < kvmeter_max_vms; i++) {
		if (!dirs[i].dentry)
			continue;
		if (kvmeter_store_get_vm(i, &slot, NULL, NULL) && slot.gen == dirs[i].gen)
			continue;
		debugfs_remove(dirs[i].dentry);
		dirs[i].dentry = NULL;
	}
	for (i = 0; dirs && i < kvmeter_max_vms; i++)
		if (!dirs[i].dentry && kvmeter_store_get_vm(i, &slot, NULL, NULL))
			add_dir(&dirs[i], i, &slot);
	mutex_unlock(&dirs_mutex);
}

/**
 * kvmeter_debugfs_init - make kvmeter/ in debugfs
 *
 * Context: may sleep. Nothing depends on whether it succeeds.
 */
void kvmeter_debugfs_init(void)
{
	u32 i;

	root = debugfs_create_dir("kvmeter", NULL);
	debugfs_create_file("status", 0400, root, NULL, &status_fops);
	debugfs_create_file("metrics", 0400, root, NULL, &metrics_fops);
	debugfs_create_file("log", 0400, root, NULL, &log_fops);
	for (i = 0; i < KVMETER_HOST_TABLES_NR; i++) {
		host_files[i].table = &kvmeter_host_tables[i];
		debugfs_create_file(kvmeter_host_tables[i].name, 0400, root, &host_files[i],
				    &table_fops);
	}
	mutex_lock(&dirs_mutex);
	dirs = kvcalloc(kvmeter_max_vms, sizeof(*dirs), KVMETER_GFP);
	mutex_unlock(&dirs_mutex);
}

/**
 * kvmeter_debugfs_exit - take kvmeter/ away
 *
 * Context: may sleep; waits for reads under way.
 */
void kvmeter_debugfs_exit(void)
{
	debugfs_remove(root);
	mutex_lock(&dirs_mutex);
	kvfree(dirs);
	dirs = NULL;
	mutex_unlock(&dirs_mutex);
}
