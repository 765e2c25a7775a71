/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that write to pages in an order of the test's choice: each vCPU in a thread of its own
 * works through a list of pages, which the VMM has put into the guest's memory.
 *
 * Functions return 0, or a negative errno.
 */
#ifndef KVMETER_SELFTESTS_WRITERS_H
#define KVMETER_SELFTESTS_WRITERS_H

#include "vmm.h"

/* The lists are the first pages of VMM_DATA_ADDR on, one after the other; guests only read them. */
#define WRITERS_LIST_PAGES 16u
#define WRITERS_LIST_MAX (WRITERS_LIST_PAGES * VMM_PAGE_BYTES / 4)
#define WRITERS_PAGES (VMM_VCPUS_MAX * WRITERS_LIST_PAGES)

/* The first page that can be in a list, for it to be overwritten. */
#define WRITERS_GFN (VMM_DATA_GFN + WRITERS_PAGES)

#define WRITERS_PAUSE_MAX 1023u

/*
 * For one that a quota is to hold: with no fault for each, it would dirty all its pages in the time
 * that a parked vCPU is left.
 */
#define WRITERS_PAUSE (host_logs_pages() ? 600u : 0u)

/**
 * struct writer - a vCPU and its list
 * @vm: its VM
 * @id: the vCPU
 * @nr: entries of the list
 * @pause: turns of a loop of two instructions before each page that is added from now on
 * @value: what it writes; another one for each run of the list
 * @runs: how often the list has been worked through
 * @forever: again and again, until it is stopped
 * @thread: what it runs in
 * @stop: it is to end
 * @ret: 0, or the errno of what went wrong
 */
struct writer {
	struct vmm *vm;
	unsigned int id;
	uint32_t nr;
	uint32_t pause;
	uint32_t value;
	atomic_ulong runs;
	bool forever;
	pthread_t thread;
	atomic_bool stop;
	int ret;
};

/** writer_init() - the writer of a vCPU, its list empty */
void writer_init(struct writer *w, struct vmm *vm, unsigned int id);

/** writer_add() - put a page at the end of the list, to be written, or to be read only */
void writer_add(struct writer *w, uint32_t gfn, bool read);

/** writer_add_pages() - put pages in a row at the end of the list, to be written */
void writer_add_pages(struct writer *w, uint32_t gfn, uint32_t nr);

/** writer_start() - begin to work through the list, once or @forever */
int writer_start(struct writer *w, bool forever);

/** writer_join() - wait until it has; one that would go on forever is stopped after a run */
int writer_join(struct writer *w);

/** writers_random() - a random number from 0 up to less than @limit, of a generator @state */
uint32_t writers_random(uint64_t *state, uint32_t limit);

#endif
