// SPDX-License-Identifier: GPL-2.0-only
/* Guests that write to pages in an order of the test's choice: see writers.h. */
#include "writers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Knuth's linear congruential generator MMIX. */
#define LCG_MUL 6364136223846793005ull
#define LCG_ADD 1442695040888963407ull

static uint32_t list_addr(const struct writer *w)
{
	return VMM_DATA_ADDR + w->id * WRITERS_LIST_PAGES * VMM_PAGE_BYTES;
}

void writer_init(struct writer *w, struct vmm *vm, unsigned int id)
{
	memset(w, 0, sizeof(*w));
	w->vm = vm;
	w->id = id;
	/* No two of them write the same. */
	w->value = id << 28;
}

void writer_add(struct writer *w, uint32_t gfn, bool read)
{
	uint32_t entry = gfn * VMM_PAGE_BYTES + 2 * w->pause + read;

	if (w->nr == WRITERS_LIST_MAX || w->pause > WRITERS_PAUSE_MAX) {
		w->ret = -E2BIG;
		return;
	}
	memcpy(w->vm->ram + list_addr(w) + w->nr++ * sizeof(entry), &entry, sizeof(entry));
}

void writer_add_pages(struct writer *w, uint32_t gfn, uint32_t nr)
{
	while (nr--)
		writer_add(w, gfn++, false);
}

static void *write_list(void *arg)
{
	struct writer *w = arg;

	do {
		w->value++;
		w->ret =
			vmm_run(&w->vm->vcpu[w->id], vmm_guest_list, w->nr, list_addr(w), w->value);
		w->runs++;
		/* A signal: the rest of this run is dropped. */
		if (w->ret == -EINTR)
			w->ret = vmm_reset(&w->vm->vcpu[w->id]);
	} while (!w->ret && w->forever && !w->stop);
	return NULL;
}

int writer_start(struct writer *w, bool forever)
{
	if (w->ret)
		return w->ret;
	if (!w->nr)
		return -EINVAL;
	w->forever = forever;
	w->stop = false;
	return -pthread_create(&w->thread, NULL, write_list, w);
}

int writer_join(struct writer *w)
{
	w->stop = true;
	pthread_join(w->thread, NULL);
	return w->ret;
}

uint32_t writers_random(uint64_t *state, uint32_t limit)
{
	*state = *state * LCG_MUL + LCG_ADD;
	/* Its high bits are the good ones. */
	return (uint32_t)((*state >> 32) * limit >> 32);
}
