// SPDX-License-Identifier: GPL-2.0-only
/* A migration in miniature: see sender.h. */
#include "sender.h"

#include <errno.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
#define NS_PER_US 1000ull
#define STEP_NS 5000000ull

int sender_read_log(struct sender *s)
{
	uint64_t all = s->vm->ram_bytes / VMM_PAGE_BYTES;
	struct sender_round *r = &s->round[s->nr];
	int ret;

	if (s->nr == SENDER_ROUNDS_MAX)
		return -E2BIG;
	r->before_ns = meter_now_ns(s->meter);
	ret = vmm_take_dirty(s->vm);
	r->after_ns = meter_now_ns(s->meter);
	r->pages = s->nr ? vmm_nr_dirty(s->vm, 0, all) : all;
	s->nr++;
	return ret;
}

/* Until what the round began with is sent. */
static void send_pages(const struct sender *s)
{
	const struct sender_round *r = &s->round[s->nr - 1];
	uint64_t bandwidth = s->nr > 1 && s->later_bandwidth ? s->later_bandwidth : s->bandwidth;
	uint64_t end_ns = r->after_ns + r->pages * NS_PER_S / bandwidth;
	uint64_t now_ns = meter_now_ns(s->meter), ns;

	while (!s->stop && now_ns < end_ns) {
		ns = end_ns - now_ns < STEP_NS ? end_ns - now_ns : STEP_NS;
		usleep((useconds_t)(ns / NS_PER_US) + 1);
		now_ns = meter_now_ns(s->meter);
	}
}

static bool is_little(const struct sender *s)
{
	return s->nr > 1 && s->round[s->nr - 1].pages * NS_PER_S <= s->downtime_ns * s->bandwidth;
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	int ret;

	s->ret = vmm_set_log(s->vm, true);
	while (!s->ret && !s->stop) {
		s->ret = sender_read_log(s);
		s->converged = !s->ret && is_little(s);
		if (s->ret || s->converged || s->nr >= s->rounds_max)
			break;
		send_pages(s);
	}
	ret = vmm_set_log(s->vm, false);
	s->ended_ns = meter_now_ns(s->meter);
	s->ret = s->ret ? s->ret : ret;
	return NULL;
}

int sender_start(struct sender *s)
{
	if (!s->bandwidth || s->rounds_max > SENDER_ROUNDS_MAX)
		return -EINVAL;
	s->stop = false;
	s->nr = 0;
	s->converged = false;
	return -pthread_create(&s->thread, NULL, send_all, s);
}

int sender_join(struct sender *s)
{
	pthread_join(s->thread, NULL);
	return s->ret;
}

int sender_stop(struct sender *s)
{
	s->stop = true;
	return sender_join(s);
}

uint64_t sender_pages(const struct sender *s)
{
	uint64_t pages = 0;
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		pages += s->round[i].pages;
	return pages;
}

uint64_t sender_ns(const struct sender *s)
{
	return s->ended_ns - s->round[0].before_ns;
}
