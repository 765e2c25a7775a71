// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pre-copy as QEMU does it, page by page and ms by ms: a round ends when what is left would fit
 * into the downtime, then the log is read; what is sent is looked at every 50 ms, the bandwidth is
 * that of the last 100 ms. Auto-converge and dirty-limit with QEMU's defaults. vCPUs have the
 * module's own buckets and shares, and dirty what they may to within a burst of 512 pages, one full
 * Page Modification Log.
 */
#include <string.h>

#include "precopy.h"
#include "random.h"

#define TICK_NS KVMETER_CONVERGE_TICK_NS
#define PML_PAGES 512
#define BEGIN_NS (7 * NS_PER_S)
#define LOOK_MS 50
#define NEVER_MS 120000
#define LOGGED_VCPU 1
#define LOGGED_OTHER 2
#define UNITS 400

static struct kvmeter_converge_seen sim_seen(const struct sim *v)
{
	struct kvmeter_converge_seen seen = { .now_ns = BEGIN_NS + v->ms * NS_PER_MS };
	unsigned int i;

	for (i = 0; i < SIM_VCPUS; i++) {
		seen.dirtied_pages += v->vcpu[i].fresh;
		seen.stalled_ns += v->vcpu[i].stalled_ns;
	}
	return seen;
}

/* As the module does it: max-min by what each dirtied while it was not held back. */
static void sim_share(struct sim *v)
{
	__u64 demand[SIM_VCPUS], share[SIM_VCPUS], least = v->d.quota / (SIM_VCPUS * 16);
	struct sim_vcpu *p;
	unsigned int i;

	for (i = 0; i < SIM_VCPUS; i++) {
		p = &v->vcpu[i];
		demand[i] = kvmeter_share_demand(p->fresh - p->fresh_before, TICK_NS,
						 p->stalled_ns - p->stalled_before);
		if (demand[i] < least)
			demand[i] = least;
		p->fresh_before = p->fresh;
		p->stalled_before = p->stalled_ns;
		p->parked_ms = 0;
	}
	kvmeter_share_fill(v->d.quota, demand, share, SIM_VCPUS);
	for (i = 0; i < SIM_VCPUS; i++)
		kvmeter_bucket_set_rate(&v->vcpu[i].b, share[i], v->ms * NS_PER_MS);
}

static void sim_decide(struct sim *v)
{
	struct kvmeter_converge_seen seen = sim_seen(v);
	__u64 before = v->d.quota;

	if (v->method < GENTLE)
		return;
	kvmeter_converge_decide(&v->c, &seen, &v->d);
	v->whys |= 1ULL << v->d.why;
	if (!before != !v->d.quota)
		sim_share(v);
}

/* May it write in this ms? In per mille. */
static __u32 sim_may_run(struct sim *v, struct sim_vcpu *p)
{
	if (p == &v->device)
		return 1000;
	if (v->method == AUTO_CONVERGE)
		return 1000 - 10 * v->throttle_pct;
	kvmeter_bucket_refill(&p->b, v->ms * NS_PER_MS);
	if ((v->d.quota || v->limited) && kvmeter_bucket_debt_ns(&p->b) &&
	    !(v->set->park_pct && p->parked_ms >= v->set->park_pct))
		return 0;
	return 1000;
}

static bool sim_rests(const struct sim *v, const struct writer *w)
{
	return v->ms < w->begin_ms || (w->rest_ms && v->ms % (100 + w->rest_ms) >= 100);
}

/* One page. False: that was more than it may. */
static bool sim_write(struct sim *v, struct sim_vcpu *p)
{
	__u32 page = p->w->at_random ? random_u64() % p->w->pages : p->turn % p->w->pages;
	__u8 *log = &v->log[p->w->first + page];

	p->turn++;
	if (p == &v->device) {
		*log |= LOGGED_OTHER;
		return true;
	}
	if (*log & LOGGED_VCPU)
		return true;
	*log |= LOGGED_VCPU;
	p->fresh++;
	if (!v->d.quota && !v->limited)
		return true;
	return !kvmeter_bucket_charge(&p->b, 1) || v->set->park_pct;
}

/* None is too many if all it writes to are dirty. Returns what is left of them. */
static __u64 sim_write_pages(struct sim *v, struct sim_vcpu *p, __u64 nr)
{
	if (p->fresh - p->fresh_synced == p->w->pages) {
		p->turn += nr;
		return 0;
	}
	for (; nr; nr--)
		if (!sim_write(v, p))
			return nr - 1;
	return 0;
}

static void sim_run_1ms(struct sim *v, struct sim_vcpu *p)
{
	__u32 may = sim_may_run(v, p);
	__u64 nr, wants;

	if (!p->w->rate || sim_rests(v, p->w))
		return;
	p->acc += p->w->rate;
	wants = p->acc / 1000;
	p->acc %= 1000;
	nr = wants * may / 1000;
	wants -= nr - sim_write_pages(v, p, nr);
	p->lost += wants;
	if (!may || wants) {
		p->stalled_ns += may ? wants * NS_PER_S / p->w->rate : NS_PER_MS;
		p->parked_ms += !may;
	}
}

static void sim_send_1ms(struct sim *v)
{
	__u8 *next;
	__u32 cost;

	v->credit += v->bandwidth * UNITS / 1000;
	v->offered += v->bandwidth;
	while (v->pending) {
		next = memchr(v->todo + v->cursor, 1, SIM_PAGES - v->cursor);
		if (!next) {
			v->cursor = 0;
			continue;
		}
		v->cursor = next - v->todo;
		cost = v->rounds == 1 && v->cursor >= SIM_PAGES - v->set->zero_pages ? 1 : UNITS;
		if (v->credit < cost)
			return;
		v->credit -= cost;
		v->sent += cost;
		v->todo[v->cursor] = 0;
		v->pending--;
	}
	v->credit = 0;
}

/* Twice more than half of what was sent: QEMU's own throttles begin, and go on, here. */
static void sim_judge(struct sim *v)
{
	unsigned int i;

	if (v->ms < v->synced_ms + 1000)
		return;
	if (v->period * UNITS > (v->sent - v->synced_sent) / 2 && ++v->high >= 2) {
		v->high = v->method < GENTLE ? 0 : v->high;
		v->throttle_pct += v->throttle_pct ? 10 : 20;
		if (v->throttle_pct > 99)
			v->throttle_pct = 99;
		for (i = 0; i < SIM_VCPUS && v->method == DIRTY_LIMIT; i++)
			kvmeter_bucket_set_rate(&v->vcpu[i].b, 256, v->ms * NS_PER_MS);
		v->limited = v->method == DIRTY_LIMIT;
	}
	v->synced_ms = v->ms;
	v->synced_sent = v->sent;
	v->period = 0;
}

static __u64 sim_enough(const struct sim *v)
{
	return v->measured * (v->set->downtime_ms ? v->set->downtime_ms : 300) / 1000;
}

/* 64 pages of the log. How many were dirty. */
static __u32 sim_collect(struct sim *v, __u32 first)
{
	static const __u8 clean[64];
	__u32 i, found = 0;

	if (!memcmp(&v->log[first], clean, sizeof(clean)))
		return 0;
	for (i = first; i < first + sizeof(clean); i++) {
		if (!v->log[i])
			continue;
		found++;
		v->pending += !v->todo[i];
		v->todo[i] = 1;
		v->log[i] = 0;
	}
	return found;
}

/* QEMU reads the log. */
static void sim_sync(struct sim *v)
{
	struct kvmeter_converge_seen seen = sim_seen(v);
	__u32 i, found = 0;

	for (i = 0; i < SIM_PAGES; i += 64)
		found += sim_collect(v, i);
	for (i = 0; i < SIM_VCPUS; i++)
		v->vcpu[i].fresh_synced = v->vcpu[i].fresh;
	v->read_ms = v->ms;
	v->rounds++;
	v->period += found;
	sim_judge(v);
	v->done = v->pending < sim_enough(v);
	if (v->method < GENTLE)
		return;
	kvmeter_converge_add_round(&v->c, &seen, found);
	sim_decide(v);
}

static void sim_100ms(struct sim *v)
{
	__u64 noise = v->set->noise_pct;

	if (v->ms)
		v->measured = (v->sent - v->sent_before) * 10 / UNITS;
	v->sent_before = v->sent;
	v->bandwidth = SIM_BANDWIDTH;
	if (v->set->change_ms && v->ms >= v->set->change_ms)
		v->bandwidth = v->bandwidth * v->set->change_pct / 100;
	v->bandwidth = v->bandwidth * (100 - noise + random_in(0, 2 * noise + 1)) / 100;
	sim_decide(v);
	if (v->method >= GENTLE)
		sim_share(v);
}

static bool sim_reads_between(const struct sim *v)
{
	return v->set->reads_between && v->rounds > 1 && v->ms >= v->read_ms + 5000;
}

static void sim_init(struct sim *v, const struct setting *set, enum method method)
{
	struct kvmeter_converge_config config = {
		.goal = method == BYTES ? KVMETER_GOAL_BYTES : KVMETER_GOAL_GENTLE,
		.mode = KVMETER_AUTOCONVERGE_ON,
		.ram_pages = SIM_PAGES,
	};
	struct kvmeter_converge_seen seen;
	unsigned int i;

	memset(v, 0, sizeof(*v));
	v->set = set;
	v->method = method;
	memset(v->todo, 1, SIM_PAGES);
	v->pending = SIM_PAGES;
	v->measured = SIM_BANDWIDTH;
	v->rounds = 1;
	v->device.w = &set->device;
	for (i = 0; i < SIM_VCPUS; i++) {
		v->vcpu[i].w = &set->vcpu[i];
		kvmeter_bucket_init(&v->vcpu[i].b, PML_PAGES, 0);
	}
	if (set->deadline_ms) {
		config.goal = KVMETER_GOAL_DEADLINE;
		config.deadline_ns = set->deadline_ms * NS_PER_MS;
	}
	seen = sim_seen(v);
	kvmeter_converge_begin(&v->c, &config, &seen);
}

void sim_migrate(struct sim *v, const struct setting *set, enum method method)
{
	unsigned int i;

	for (sim_init(v, set, method); !v->done && v->ms < NEVER_MS; v->ms++) {
		if (v->ms % 100 == 0)
			sim_100ms(v);
		if (v->ms && v->ms % LOOK_MS == 0 &&
		    (v->pending < sim_enough(v) || sim_reads_between(v)))
			sim_sync(v);
		if (v->done)
			break;
		for (i = 0; i < SIM_VCPUS; i++)
			sim_run_1ms(v, &v->vcpu[i]);
		sim_run_1ms(v, &v->device);
		sim_send_1ms(v);
		v->quota_ms += !!v->d.quota;
	}
	v->downtime_ns = v->pending * NS_PER_S / v->bandwidth;
	v->sent += (__u64)v->pending * UNITS;
	kvmeter_converge_end(&v->c, KVMETER_WHY_ENDED, &v->d);
}

/* Time in all, as a multiple of what RAM would take at the bandwidth there was; and bytes. */
double sim_time(const struct sim *v)
{
	return (v->offered / 1e3 + v->pending) / SIM_PAGES;
}

double sim_bytes(const struct sim *v)
{
	return (double)v->sent / UNITS / SIM_PAGES;
}

__u64 sim_stalled_ns(const struct sim *v)
{
	return sim_seen(v).stalled_ns;
}

/* QEMU takes the limit to be kept if the bandwidth is what it was. */
__u64 sim_downtime_max_ns(const struct sim *v)
{
	__u64 ms = v->set->downtime_ms ? v->set->downtime_ms : 300;

	return ms * NS_PER_MS * (100 + v->set->noise_pct) / (100 - v->set->noise_pct) + NS_PER_MS;
}

/* In ms of each of those that write. */
double sim_lost_ms(const struct sim *v)
{
	double ms = 0;
	unsigned int i, nr = 0;

	for (i = 0; i < SIM_VCPUS; i++) {
		if (!v->vcpu[i].w->rate)
			continue;
		ms += v->vcpu[i].lost * 1e3 / v->vcpu[i].w->rate;
		nr++;
	}
	return nr ? ms / nr : 0;
}
