// SPDX-License-Identifier: GPL-2.0-only
/* When each page of a VM was dirtied last: what the worker and readers do about it. */
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "mem.h"
#include "track.h"

/* In how many intervals the worker has looked at every word. */
#define AGE_STEPS 16

/* A word must be dropped before its number comes again. */
static_assert(KVMETER_INTERVALS_KEPT + AGE_STEPS + 2 < KVMETER_NUMBERS);

static u32 nr_chunks(u64 end_gfn)
{
	return DIV_ROUND_UP(end_gfn, KVMETER_CHUNK_PAGES);
}

static size_t chunk_bytes(void)
{
	return KVMETER_CHUNK_PAGES * sizeof(u16);
}

static u64 nr_regions(const struct kvmeter_track *t)
{
	return (u64)t->nr_chunks << (KVMETER_CHUNK_SHIFT - KVMETER_REGION_SHIFT);
}

/**
 * kvmeter_track_bytes - what kvmeter_track_alloc() takes, without the words
 * @end_gfn: behind the last page
 *
 * Context: any.
 */
u64 kvmeter_track_bytes(u64 end_gfn)
{
	u64 chunks = DIV_ROUND_UP_ULL(end_gfn, KVMETER_CHUNK_PAGES);

	return sizeof(struct kvmeter_track) + chunks * sizeof(u16 *) +
	       2 * (chunks << (KVMETER_CHUNK_SHIFT - KVMETER_REGION_SHIFT));
}

/**
 * kvmeter_track_alloc - memory for the pages of a VM, as yet without words
 * @end_gfn: behind the last page
 * @now: ledger clock: the first interval begins
 *
 * Context: may sleep.
 * Return: the track, or NULL.
 */
struct kvmeter_track *kvmeter_track_alloc(u64 end_gfn, u64 now)
{
	struct kvmeter_track *t = kvzalloc(sizeof(*t), KVMETER_GFP_ACCOUNT);

	if (!t)
		return NULL;
	t->nr_chunks = nr_chunks(end_gfn);
	t->words = kvcalloc(t->nr_chunks, sizeof(*t->words), KVMETER_GFP_ACCOUNT);
	t->touched = kvzalloc(nr_regions(t), KVMETER_GFP_ACCOUNT);
	t->swept = kvzalloc(nr_regions(t), KVMETER_GFP_ACCOUNT);
	if (!t->words || !t->touched || !t->swept) {
		kvmeter_track_free(t);
		return NULL;
	}
	t->number = 1;
	t->nr_owners = KVMETER_OWNERS;
	t->begin_ns[1] = now;
	return t;
}

/**
 * kvmeter_track_free - give back what kvmeter_track_alloc() gave
 * @t: the track, which no probe can find any more
 *
 * Context: may sleep.
 */
void kvmeter_track_free(struct kvmeter_track *t)
{
	u32 i;

	if (!t)
		return;
	for (i = 0; t->words && i < t->nr_chunks; i++)
		kvfree(t->words[i]);
	kvfree(t->words);
	kvfree(t->touched);
	kvfree(t->swept);
	kvfree(t);
}

/**
 * kvmeter_track_add - give words to pages
 * @t: the track, not in use yet
 * @gfn: the first page
 * @nr: how many; they end before what kvmeter_track_alloc() was told
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvmeter_track_add(struct kvmeter_track *t, u64 gfn, u64 nr)
{
	u64 i;

	for (i = gfn >> KVMETER_CHUNK_SHIFT; i < nr_chunks(gfn + nr); i++) {
		if (t->words[i])
			continue;
		t->words[i] = kvzalloc(chunk_bytes(), KVMETER_GFP_ACCOUNT);
		if (!t->words[i])
			return -ENOMEM;
		cond_resched();
	}
	t->pages += nr;
	return 0;
}

/* The number that was in use @age intervals ago. */
static u32 number_before(const struct kvmeter_track *t, u32 age)
{
	return (t->number + KVMETER_NUMBERS - 1 - age) % KVMETER_NUMBERS + 1;
}

/* How many intervals ago a word was written, 0 in the one in progress; U32_MAX: never. */
static u32 get_age(const struct kvmeter_track *t, u16 word)
{
	u32 number = word & KVMETER_NUMBER_MASK;

	if (!number)
		return U32_MAX;
	return (t->number + KVMETER_NUMBERS - number) % KVMETER_NUMBERS;
}

static void drop_old_words(struct kvmeter_track *t, u16 *words)
{
	u16 *word, old;

	for (word = words; word < words + KVMETER_CHUNK_PAGES; word++) {
		old = READ_ONCE(*word);
		if (!old || get_age(t, old) <= KVMETER_INTERVALS_KEPT)
			continue;
		if (cmpxchg(word, old, 0) == old)
			atomic_dec(&t->count[old]);
	}
}

/**
 * kvmeter_track_step - end an interval, begin the next
 * @t: the track
 * @now: ledger clock
 *
 * Context: the worker.
 */
void kvmeter_track_step(struct kvmeter_track *t, u64 now)
{
	u32 number = t->number % KVMETER_NUMBERS + 1;

	t->begin_ns[number] = now;
	t->intervals++;
	WRITE_ONCE(t->number, number);
}

/**
 * kvmeter_track_drop_old - see to it that words are gone before their number comes again
 * @t: the track
 *
 * Context: the worker, once for each interval; may sleep.
 */
void kvmeter_track_drop_old(struct kvmeter_track *t)
{
	u32 nr = DIV_ROUND_UP(t->nr_chunks, AGE_STEPS);

	for (; nr; nr--) {
		if (t->words[t->age_chunk])
			drop_old_words(t, t->words[t->age_chunk]);
		t->age_chunk = (t->age_chunk + 1) % t->nr_chunks;
		cond_resched();
	}
}

/**
 * kvmeter_track_collect - see in which regions pages have to be armed again
 * @t: the track
 *
 * Context: the worker, after kvmeter_track_step().
 */
void kvmeter_track_collect(struct kvmeter_track *t)
{
	u64 i;

	for (i = 0; i < nr_regions(t); i++)
		t->swept[i] = READ_ONCE(t->touched[i]) ? xchg(&t->touched[i], 0) : 0;
}

/**
 * kvmeter_track_next - where the next region is in which pages have to be armed again
 * @t: the track
 * @gfn: where to begin
 * @end: where to give up
 *
 * Context: the worker, after kvmeter_track_collect().
 * Return: a page of that region, not before @gfn; or @end.
 */
u64 kvmeter_track_next(const struct kvmeter_track *t, u64 gfn, u64 end)
{
	u64 region = gfn >> KVMETER_REGION_SHIFT;
	const u8 *found;

	if (gfn >= end || t->swept[region])
		return gfn;
	found = memchr_inv(t->swept + region, 0, nr_regions(t) - region);
	if (!found)
		return end;
	return min_t(u64, end, (u64)(found - t->swept) << KVMETER_REGION_SHIFT);
}

/**
 * kvmeter_track_to_arm - which of some pages are not armed any more
 * @t: the track
 * @gfn: the first of them
 * @nr: how many, at most 64, in one region
 *
 * Those that were marked in the interval that has just ended; or in the one before, by a probe
 * that had looked at the number before it changed. What has been marked since is left to the next
 * time.
 *
 * Context: the worker, after kvmeter_track_collect().
 * Return: bit n: page gfn + n.
 */
unsigned long kvmeter_track_to_arm(struct kvmeter_track *t, u64 gfn, u32 nr)
{
	const u16 *words = t->words[gfn >> KVMETER_CHUNK_SHIFT];
	u64 region = gfn >> KVMETER_REGION_SHIFT;
	unsigned long mask = 0;
	u32 i, age;

	if (!words || !t->swept[region])
		return 0;
	words += gfn & (KVMETER_CHUNK_PAGES - 1);
	for (i = 0; i < nr; i++) {
		age = get_age(t, READ_ONCE(words[i]));
		if (age == 0)
			WRITE_ONCE(t->touched[region], 1);
		else if (age <= 2)
			mask |= BIT(i);
	}
	return mask;
}

static u64 count_word(const struct kvmeter_track *t, u32 owner, u32 number)
{
	return max(0, atomic_read(&t->count[owner << KVMETER_NUMBER_BITS | number]));
}

static u64 count_number(const struct kvmeter_track *t, u32 owner, u32 number)
{
	u64 sum = 0;
	u32 i;

	if (owner != KVMETER_OWNER_ALL)
		return count_word(t, owner, number);
	for (i = 0; i < t->nr_owners; i++)
		sum += count_word(t, i, number);
	return sum;
}

/**
 * kvmeter_track_count - how many of some pages were marked lately
 * @t: the track
 * @gfn: the first of them
 * @nr: how many
 * @intervals: not longer ago than this many, besides the one in progress
 *
 * Context: may sleep.
 */
u32 kvmeter_track_count(const struct kvmeter_track *t, u64 gfn, u64 nr, u64 intervals)
{
	u64 most = min_t(u64, intervals, KVMETER_INTERVALS_KEPT), end = gfn + nr;
	const u16 *words;
	u32 count = 0;

	for (; gfn < end && gfn >> KVMETER_CHUNK_SHIFT < t->nr_chunks; gfn++) {
		words = t->words[gfn >> KVMETER_CHUNK_SHIFT];
		if (words)
			count += get_age(t, READ_ONCE(words[gfn & (KVMETER_CHUNK_PAGES - 1)])) <=
				 most;
		else
			gfn |= KVMETER_CHUNK_PAGES - 1;
	}
	return count;
}

static void add_point(struct kvmeter_curve *curve, u64 ns, u64 pages)
{
	curve->pages[curve->nr] = curve->pages[curve->nr - 1] + pages;
	curve->ns[curve->nr++] = ns;
}

/**
 * kvmeter_track_curve_back - D(t) of windows that end where the last interval did
 * @t: the track
 * @owner: whose, or KVMETER_OWNER_ALL
 * @curve: filled in
 *
 * Context: the worker, right after kvmeter_track_step(): what is marked from then on is missing.
 */
void kvmeter_track_curve_back(const struct kvmeter_track *t, u32 owner, struct kvmeter_curve *curve)
{
	u64 now = t->begin_ns[t->number];
	u32 age, number;

	curve->nr = 1;
	curve->ns[0] = 0;
	curve->pages[0] = 0;
	for (age = 1; age <= t->intervals && age <= KVMETER_INTERVALS_KEPT; age++) {
		number = number_before(t, age);
		add_point(curve, now - t->begin_ns[number], count_number(t, owner, number));
	}
}

/**
 * kvmeter_track_curve_from - D(t) of windows that began at one time, when all pages were armed
 * @t: the track
 * @owner: whose, or KVMETER_OWNER_ALL
 * @begin_ns: that time
 * @curve: filled in
 *
 * Context: as kvmeter_track_curve_back().
 */
void kvmeter_track_curve_from(const struct kvmeter_track *t, u32 owner, u64 begin_ns,
			      struct kvmeter_curve *curve)
{
	u32 age, number;
	u64 end_ns;

	curve->nr = 1;
	curve->ns[0] = 0;
	curve->pages[0] = 0;
	for (age = min_t(u64, t->intervals, KVMETER_INTERVALS_KEPT); age > 0; age--) {
		number = number_before(t, age);
		end_ns = t->begin_ns[number_before(t, age - 1)];
		if ((s64)(end_ns - begin_ns) > 0)
			add_point(curve, end_ns - begin_ns, count_number(t, owner, number));
	}
}

/**
 * kvmeter_curve_at - pages dirtied within a time
 * @curve: the points
 * @ns: the time
 *
 * Return: interpolated between the two nearest points; KVMETER_CURVE_NONE beyond the last.
 */
u64 kvmeter_curve_at(const struct kvmeter_curve *curve, u64 ns)
{
	u64 pages, part;
	u32 i;

	for (i = 1; i < curve->nr; i++) {
		if (curve->ns[i] < ns)
			continue;
		pages = curve->pages[i] - curve->pages[i - 1];
		part = ns - curve->ns[i - 1];
		return curve->pages[i - 1] +
		       mul_u64_u64_div_u64(pages, part, curve->ns[i] - curve->ns[i - 1]);
	}
	return KVMETER_CURVE_NONE;
}
