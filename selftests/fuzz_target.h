/* SPDX-License-Identifier: GPL-2.0-only */
/* What fuzz_test.c is hostile to: the module's files, and VMs for things to be done to. */
#ifndef KVMETER_SELFTESTS_FUZZ_TARGET_H
#define KVMETER_SELFTESTS_FUZZ_TARGET_H

#include "bystander.h"
#include "fuzz.h"
#include "meter.h"

#define FUZZ_DEBUGFS "/sys/kernel/debug/kvmeter"
#define FUZZ_PARAMETERS "/sys/module/kvmeter/parameters"

#define FUZZ_VICTIMS 3
#define FUZZ_ODD_FDS 24

/* Kinds of calls: the ioctls come first. */
enum {
#define IOCTL(name) FUZZ_##name,
#include "ioctls.list"
#undef IOCTL
	FUZZ_IOCTLS,
	FUZZ_UNKNOWN_IOCTL = FUZZ_IOCTLS,
	FUZZ_READ,
	FUZZ_PREAD,
	FUZZ_WRITE,
	FUZZ_MMAP,
	FUZZ_POLL,
	FUZZ_SEEK,
	FUZZ_VIEW_OPEN,
	FUZZ_VIEW_READ,
	FUZZ_VIEW_SEEK,
	FUZZ_VIEW_WRITE,
	FUZZ_VIEW_OTHER,
	FUZZ_PARAM_OPEN,
	FUZZ_PARAM_READ,
	FUZZ_PARAM_WRITE,
	FUZZ_NR,
};

/* A VM for things to be done to. */
struct fuzz_victim {
	struct vmm vm;
	uint32_t slot, gen;
};

/* What calls are made with; other threads look at it, and may find what is out of date. */
struct fuzz_target {
	struct fuzz_record *record;
	struct meter meter;
	struct bystander bystander;
	int dev;
	int set[KVMETER_MAP_NR];
	int odd[FUZZ_ODD_FDS];
	unsigned int nr_odd;
	struct fuzz_victim victim[FUZZ_VICTIMS];
	uint32_t bystander_slot, bystander_gen;
	/* Of the main thread and of the other one; what KVMETER_DIRTY_READ fills in. */
	struct fuzz_buffer buffer, other, cells;
	/* What is in there changes while the kernel reads it. */
	struct fuzz_buffer changing;
	__u64 seed;
	atomic_bool stop;
	bool compat;
};

/** fuzz_target_init() - make VMs and files; the module is loaded, and @t zero */
int fuzz_target_init(struct fuzz_target *t);

/** fuzz_target_exit() - undo that */
void fuzz_target_exit(struct fuzz_target *t);

/** fuzz_stir() - a VM runs, its log is switched, or it is another one from now on */
void fuzz_stir(struct fuzz_target *t);

/** fuzz_any_slot() - slot of a VM and its gen, as far as is known */
uint32_t fuzz_any_slot(struct fuzz_target *t, uint32_t *gen);

/** fuzz_any_fd() - a file descriptor of any kind, or none */
int fuzz_any_fd(struct fuzz_target *t);

/** fuzz_name_kinds() - say what may come of each kind of call */
void fuzz_name_kinds(struct fuzz_record *r);

/** fuzz_has_compat() - does this kernel let programs of 32 bits call? */
bool fuzz_has_compat(int dev);

/**
 * fuzz_ioctl() - an ioctl of any kind
 * @t: the target
 * @buffer: of the calling thread alone, for the argument
 */
void fuzz_ioctl(struct fuzz_target *t, struct fuzz_buffer *buffer);

/** fuzz_ioctl_as_nobody() - ioctls without privilege; returns 0 if each says that it is missing */
int fuzz_ioctl_as_nobody(struct fuzz_target *t);

/** fuzz_unknown_ioctl() - one that there is not */
void fuzz_unknown_ioctl(struct fuzz_target *t, struct fuzz_buffer *buffer);

/** fuzz_device() - what else can be done to /dev/kvmeter */
void fuzz_device(struct fuzz_target *t, struct fuzz_buffer *buffer);

/** fuzz_view() - a file in debugfs */
void fuzz_view(struct fuzz_target *t);

/** fuzz_param() - a parameter of the module */
void fuzz_param(struct fuzz_target *t);

/** fuzz_any_file() - one below @dir, at random; "" if there is none */
void fuzz_any_file(const char *dir, char *path, size_t size);

#endif
