/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When each page of a VM was dirtied last: two bytes a page, while a session runs.
 *
 * Time is counted in intervals. The word of a page has the number of the interval in which it was
 * found dirty last, and by which vCPU; and for each of the two there is a count of pages that have
 * it. So a page that is found dirty costs the same whatever was before, and how many were dirtied
 * within the last n intervals is a sum of n counts.
 *
 * Probes of all vCPUs mark, with no lock; one worker ends intervals.
 */
#ifndef _KVMETER_TRACK_H
#define _KVMETER_TRACK_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/types.h>

#include <uapi/linux/kvmeter.h>

/* Pages in a chunk of words, which are there where guest memory is; and in a region. */
#define KVMETER_CHUNK_SHIFT 14
#define KVMETER_CHUNK_PAGES BIT(KVMETER_CHUNK_SHIFT)
#define KVMETER_REGION_SHIFT 9
#define KVMETER_REGION_PAGES BIT(KVMETER_REGION_SHIFT)

/* A word: the number of an interval, 0 for none, and above it an owner. */
#define KVMETER_NUMBER_BITS 9
#define KVMETER_NUMBERS (BIT(KVMETER_NUMBER_BITS) - 1) /* in use: 1 to this */
#define KVMETER_NUMBER_MASK KVMETER_NUMBERS

/* Owner 0 is no vCPU, or one that got no number of its own. */
#define KVMETER_OWNERS 128

/**
 * struct kvmeter_track - the pages of one VM
 * @number: of the interval in progress
 * @nr_chunks: of @words
 * @words: by guest frame number >> KVMETER_CHUNK_SHIFT; NULL where there is no guest memory
 * @touched: by guest frame number >> KVMETER_REGION_SHIFT: a page there was marked since the worker
 *	     looked
 * @swept: worker's copy of that
 * @pages: pages that are guest memory
 * @intervals: intervals that have ended
 * @begin_ns: by number: when the interval began, ledger clock
 * @age_chunk: chunk from which on the worker looks for old words next
 * @nr_owners: owners from this on have no pages
 * @untracked: pages marked that have no word
 * @marks: pages marked
 * @count: by word: pages that have it
 */
struct kvmeter_track {
	u32 number;
	u32 nr_chunks;
	u16 **words;
	u8 *touched;
	u8 *swept;
	u64 pages;
	u64 intervals;
	u64 begin_ns[KVMETER_NUMBERS + 1];
	u32 age_chunk;
	u32 nr_owners;
	atomic_t untracked;
	atomic64_t marks;
	atomic_t count[KVMETER_OWNERS << KVMETER_NUMBER_BITS];
};

struct kvmeter_track *kvmeter_track_alloc(u64 end_gfn, u64 now);
void kvmeter_track_free(struct kvmeter_track *t);
int kvmeter_track_add(struct kvmeter_track *t, u64 gfn, u64 nr);
u64 kvmeter_track_bytes(u64 end_gfn);

void kvmeter_track_step(struct kvmeter_track *t, u64 now);
void kvmeter_track_drop_old(struct kvmeter_track *t);
void kvmeter_track_collect(struct kvmeter_track *t);
u64 kvmeter_track_next(const struct kvmeter_track *t, u64 gfn, u64 end);
unsigned long kvmeter_track_to_arm(struct kvmeter_track *t, u64 gfn, u32 nr);
u32 kvmeter_track_count(const struct kvmeter_track *t, u64 gfn, u64 nr, u64 intervals);

/**
 * struct kvmeter_curve - what D(t) is computed from: sums of counts at the ends of intervals
 * @nr: points, the first of which is (0, 0)
 * @ns: how long before the end of the window, or after its beginning
 * @pages: distinct pages dirtied within that time
 */
struct kvmeter_curve {
	u32 nr;
	u64 ns[KVMETER_INTERVALS_KEPT + 1];
	u64 pages[KVMETER_INTERVALS_KEPT + 1];
};

#define KVMETER_OWNER_ALL KVMETER_OWNERS

void kvmeter_track_curve_back(const struct kvmeter_track *t, u32 owner,
			      struct kvmeter_curve *curve);
void kvmeter_track_curve_from(const struct kvmeter_track *t, u32 owner, u64 begin_ns,
			      struct kvmeter_curve *curve);
u64 kvmeter_curve_at(const struct kvmeter_curve *curve, u64 ns);

/**
 * kvmeter_track_word - what the pages that someone dirties now are marked with
 * @t: the VM's pages
 * @owner: who, below KVMETER_OWNERS
 */
static __always_inline u16 kvmeter_track_word(const struct kvmeter_track *t, u32 owner)
{
	return owner << KVMETER_NUMBER_BITS | READ_ONCE(t->number);
}

/**
 * kvmeter_track_mark - a page was found dirty
 * @t: the VM's pages
 * @word: of kvmeter_track_word()
 * @gfn: the page
 *
 * The word of the page comes first, then the mark of its region, which the worker takes before it
 * looks at words: so it finds the word, or the next time the region.
 *
 * Context: preemption off, since @word was made up to when its marks are added by
 * kvmeter_track_add_marks().
 * Return: true if it is the first time in this interval.
 */
static __always_inline bool kvmeter_track_mark(struct kvmeter_track *t, u16 word, u64 gfn)
{
	u64 n = gfn >> KVMETER_CHUNK_SHIFT;
	u16 *words, old;

	if (unlikely(n >= t->nr_chunks))
		goto untracked;
	words = t->words[n];
	if (unlikely(!words))
		goto untracked;
	words += gfn & (KVMETER_CHUNK_PAGES - 1);
	old = READ_ONCE(*words);
	do {
		if (!((old ^ word) & KVMETER_NUMBER_MASK))
			return false;
	} while (unlikely(!try_cmpxchg(words, &old, word)));
	atomic_dec(&t->count[old]); /* of pages that were never marked nobody asks */
	if (unlikely(!READ_ONCE(t->touched[gfn >> KVMETER_REGION_SHIFT])))
		WRITE_ONCE(t->touched[gfn >> KVMETER_REGION_SHIFT], 1);
	return true;
untracked:
	atomic_inc(&t->untracked);
	return false;
}

/**
 * kvmeter_track_add_marks - count what was marked
 * @t: the VM's pages
 * @word: with what
 * @nr: how many pages
 */
static __always_inline void kvmeter_track_add_marks(struct kvmeter_track *t, u16 word, u32 nr)
{
	if (!nr)
		return;
	atomic_add(nr, &t->count[word]);
	atomic64_add(nr, &t->marks);
}

#endif /* _KVMETER_TRACK_H */
