// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares what is assumed of the kernel by name with the type information it has of itself.
 *
 * That is in /sys/kernel/btf, a file for the kernel and one for each module, of the kernel that
 * runs and not of the headers this was built with. It is read at load, and that of a vendor module
 * when that is loaded; only what came of it is kept. What differs, and what the kernel says nothing
 * of, is not used.
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "btf.h"
#include "compat.h"
#include "mem.h"
#include "proto.h"

static const struct kvmeter_prototype rows[] = { KVMETER_PROTOTYPES(KVMETER_PROTOTYPE_ROW) };

#define ROWS_NR ARRAY_SIZE(rows)

/* What the kernel has of types is some MiB. */
#define BYTES_MAX (256 << 20)

enum {
	OWNER_KERNEL,
	OWNER_KVM,
	OWNER_KVM_AMD,
	OWNER_KVM_INTEL,
	OWNER_NR,
};

static const char *const owners[OWNER_NR] = { KVMETER_PROTO_KERNEL, "kvm", "kvm_amd", "kvm_intel" };

static u8 verdicts[OWNER_NR][ROWS_NR];
static const char *faults[ROWS_NR]; /* of those that were asked for */

/* The types of the kernel or of a module, for as long as they are looked at. */
struct types {
	struct kvmeter_btf btf;
	void *data;
	u32 *index;
};

static void close_types(struct types *t)
{
	kvfree(t->index);
	kvfree(t->data);
}

static int read_all(struct types *t, struct file *file, size_t bytes)
{
	loff_t pos = 0;
	ssize_t ret;

	t->data = kvmalloc(bytes, KVMETER_GFP);
	if (!t->data)
		return -ENOMEM;
	while (pos < bytes) {
		ret = kernel_read(file, t->data + pos, bytes - pos, &pos);
		if (ret <= 0)
			return ret ? ret : -EIO;
	}
	return 0;
}

/* Not by kernel_read_file(), of which IPE (6.12) warns if it has no rule for what is read. */
static ssize_t read_file(struct types *t, const char *path)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	loff_t bytes;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	bytes = i_size_read(file_inode(file));
	ret = bytes > 0 && bytes <= BYTES_MAX ? read_all(t, file, bytes) : -EFBIG;
	fput(file);
	return ret ? ret : bytes;
}

static int open_types(struct types *t, const char *owner, const struct kvmeter_btf *base)
{
	char path[64];
	ssize_t ret;

	memset(t, 0, sizeof(*t));
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", owner);
	ret = read_file(t, path);
	if (ret < 0)
		goto close;
	t->index = kvmalloc_array(ret / KVMETER_BTF_TYPE_MIN_BYTES, sizeof(*t->index),
				  KVMETER_GFP);
	if (!t->index)
		ret = -ENOMEM;
	else
		ret = kvmeter_btf_open(&t->btf, t->data, ret, base, t->index) ? 0 : -EINVAL;
close:
	if (ret)
		close_types(t);
	return ret;
}

static void compare(const struct types *t, unsigned int owner)
{
	kvmeter_btf_compare(&t->btf, rows, ROWS_NR, verdicts[owner]);
}

/* A module may be without types: then nothing in it is as expected. Returns 0 or -ENOMEM. */
static int compare_module(const struct types *kernel, unsigned int owner)
{
	struct types t;
	int ret;

	memset(verdicts[owner], KVMETER_BTF_ABSENT, ROWS_NR);
	ret = open_types(&t, owners[owner], &kernel->btf);
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	compare(&t, owner);
	close_types(&t);
	return 0;
}

/**
 * kvmeter_proto_init - compare with the kernel's types, and with those of kvm
 *
 * Context: may sleep; something of kvm's keeps it in place, if it is a module.
 * Return: 0, or the errno with which there are no types of the kernel. kvm may be without, but not
 * because there is no memory.
 */
int kvmeter_proto_init(void)
{
	struct types kernel;
	int ret;

	ret = open_types(&kernel, KVMETER_PROTO_KERNEL, NULL);
	if (ret)
		return ret;
	compare(&kernel, OWNER_KERNEL);
	ret = compare_module(&kernel, OWNER_KVM);
	close_types(&kernel);
	return ret;
}

/**
 * kvmeter_proto_read - compare with the types of a module that may come and go
 * @module: its name
 *
 * Context: may sleep; the module does not go meanwhile.
 */
void kvmeter_proto_read(const char *module)
{
	int owner = match_string(owners, OWNER_NR, module);
	struct types kernel;

	if (owner < 0 || open_types(&kernel, KVMETER_PROTO_KERNEL, NULL))
		return;
	compare_module(&kernel, owner);
	close_types(&kernel);
}

static int find_row(const char *name)
{
	unsigned int i;

	for (i = 0; i < ROWS_NR; i++)
		if (!strcmp(rows[i].name, name))
			return i;
	return -ENOENT;
}

static const char *judge(unsigned int row, const char *owner)
{
	int i = owner ? match_string(owners, OWNER_NR, owner) : -ENOENT;

	if (!owner)
		return "not found";
	if (i < 0 || verdicts[i][row] == KVMETER_BTF_ABSENT)
		return "found, but not in the kernel's type information";
	return verdicts[i][row] == KVMETER_BTF_FITS ? NULL : "not declared as expected";
}

/**
 * kvmeter_proto_find_fault - what keeps something of the kernel's from being used?
 * @name: in <kvmeter/prototypes.h>
 * @owner: the module that has it, KVMETER_PROTO_KERNEL, or NULL if nothing has it
 *
 * Context: any, after kvmeter_proto_init().
 * Return: NULL if it is what it is taken to be; otherwise what to say of it.
 */
const char *kvmeter_proto_find_fault(const char *name, const char *owner)
{
	int row = find_row(name);
	const char *fault;

	if (WARN_ON_ONCE(row < 0))
		return "unknown";
	fault = judge(row, owner);
	WRITE_ONCE(faults[row], fault);
	return fault;
}

/**
 * kvmeter_proto_get - what kvmeter_proto_find_fault() said last, for a view
 * @i: of which, from 0 on
 * @name: its name
 * @fault: what it said; also NULL if nobody has asked
 *
 * Context: any.
 * Return: false if there are no more.
 */
bool kvmeter_proto_get(unsigned int i, const char **name, const char **fault)
{
	if (i >= ROWS_NR)
		return false;
	*name = rows[i].name;
	*fault = READ_ONCE(faults[i]);
	return true;
}
