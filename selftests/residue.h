/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module may leave behind in the kernel: probes, references, files, maps, memory.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_RESIDUE_H
#define KVMETER_SELFTESTS_RESIDUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESIDUE_TRACEPOINTS 7
#define RESIDUE_TEXT_SIZE 256

/**
 * struct residue - what there was before the module was loaded
 * @kprobes: kprobes of all users
 * @functions: functions at whose entry ftrace calls somebody
 * @kvm_users: references to kvm.ko
 * @kcore: /proc/kcore, -1 if tracepoints cannot be looked at
 * @place: where the users of each tracepoint are counted, 0: it is not there
 * @offset: the same in @kcore
 * @users: of each tracepoint
 */
struct residue {
	int kprobes;
	int functions;
	int kvm_users;
	int kcore;
	uint64_t place[RESIDUE_TRACEPOINTS];
	uint64_t offset[RESIDUE_TRACEPOINTS];
	int32_t users[RESIDUE_TRACEPOINTS];
};

/** residue_begin() - look at what there is; the module is not loaded */
int residue_begin(struct residue *r);

/** residue_end() - close what that has opened */
void residue_end(struct residue *r);

/**
 * residue_find() - what is there that was not at residue_begin(), after an unload
 * @r: of residue_begin()
 * @text: set to what it is in words, or to ""
 *
 * Removes the pins of the reader's maps, and waits some seconds for the kernel to free the maps.
 *
 * Return: 0 if there is nothing, -EBUSY, or the errno of what could not be looked at.
 */
int residue_find(const struct residue *r, char text[RESIDUE_TEXT_SIZE]);

/** residue_users() - users of all tracepoints together, by which the module is seen while loaded */
int residue_users(const struct residue *r);

/**
 * struct residue_memory - memory of the kernel's, in KiB
 * @slab: that cannot be reclaimed
 * @percpu: for each CPU
 * @vmalloc: in pages mapped one after the other
 */
struct residue_memory {
	int64_t slab;
	int64_t percpu;
	int64_t vmalloc;
};

/** residue_shrink_slabs() - have slab caches give back what they do not use, KASAN what it keeps */
void residue_shrink_slabs(void);

/** residue_settle() - have the kernel give back what its caches have to spare */
void residue_settle(void);

/** residue_read_memory() - how much there is */
int residue_read_memory(struct residue_memory *m);

/** residue_show_memory() - print how much more there is than there was */
void residue_show_memory(const struct residue_memory *before, const struct residue_memory *after);

/** residue_memory() - the same after residue_settle() */
int residue_memory(struct residue_memory *m);

/**
 * residue_is_leak() - has memory grown by a page or more in each round?
 * @before: as it was before the first
 * @after: as it is after the last
 * @rounds: how many there were
 */
bool residue_is_leak(const struct residue_memory *before, const struct residue_memory *after,
		     unsigned int rounds);

#endif
