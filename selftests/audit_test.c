// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit log: what is in it of each kind, in which order, how it is read and waited for, what is
 * told of records that are lost, and that debugfs shows the same.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include <kselftest_harness.h>

#include <kvmeter/words.h>

#include "autoconverge.h"
#include "host.h"
#include "quota.h"
#include "sender.h"

#define KEPT 1024
#define PAGES 211u
#define DEVICE "/dev/kvmeter"
#define LOG "/sys/kernel/debug/kvmeter/log"
#define NS_PER_S 1000000000ull
#define WAIT_US 5000000u
#define STEP_US 1000u
#define RECORDS_MAX 64
/* Of what a second thread does. */
#define SETTERS 2
#define SETS (host_is_long() ? 211u : 53u)
#define PAUSE_US 20000u
#define WILD ((void *)0xdead000000000000UL)

FIXTURE(audit)
{
	struct meter meter;
	struct vmm vm;
	uint32_t slot;
	const struct kvmeter_vm *shown;
	int log;
	struct kvmeter_audit record[2 * KEPT];
};

FIXTURE_SETUP(audit)
{
	ASSERT_EQ(0, meter_open(&self->meter));
	if (!(meter_host(&self->meter)->features & KVMETER_FEATURE_QUOTA) ||
	    !(meter_host(&self->meter)->features & KVMETER_FEATURE_SYNC))
		SKIP(return, "this kernel lacks what a quota or rounds take");
	ASSERT_EQ(0, autoconverge_set_param("observe"));
	ASSERT_EQ(0, vmm_init(&self->vm, 1, PAGES));
	ASSERT_EQ(0, vmm_run(&self->vm.vcpu[0], vmm_guest_write, PAGES, VMM_DATA_ADDR, 1));
	ASSERT_EQ(KVMETER_LOG_OFF, meter_wait_log(&self->meter, self->vm.fd));
	self->slot = (uint32_t)autoconverge_slot(&self->meter, self->vm.fd);
	self->shown = meter_vm(&self->meter, self->vm.fd);
	self->log = autoconverge_skip_log();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(audit)
{
	vmm_exit(&self->vm);
	close(self->log);
	meter_close(&self->meter);
}

/* Leaves one record; of which one can tell by @n. */
static int add(FIXTURE_DATA(audit) * t, unsigned int n)
{
	return quota_set(&t->meter, t->vm.fd, QUOTA_LEAST_PAGES + n);
}

static int errno_of(ssize_t ret)
{
	return ret < 0 ? errno : 0;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && p.revents & POLLIN;
}

static uint64_t real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* A short migration, by hand: two rounds; and what records that leaves, up to its end. */
static int migrate(FIXTURE_DATA(audit) * t, int *nr)
{
	struct sender s = { .meter = &t->meter, .vm = &t->vm };
	unsigned int us, i;
	int ret = vmm_set_log(&t->vm, true);

	for (i = 0; !ret && i < 2; i++) {
		ret = sender_read_log(&s);
		if (!ret)
			ret = vmm_run(&t->vm.vcpu[0], vmm_guest_write, PAGES - i, VMM_DATA_ADDR, 2);
		/* For the autopilot to look at it. */
		usleep(10 * PAUSE_US);
	}
	if (!ret)
		ret = vmm_set_log(&t->vm, false);
	*nr = 0;
	for (us = 0; !ret && us < WAIT_US; us += STEP_US) {
		ret = autoconverge_read_log(t->log, t->record + *nr, (unsigned int)(KEPT - *nr));
		if (ret < 0)
			return ret;
		*nr += ret;
		if (*nr && t->record[*nr - 1].kind == KVMETER_AUDIT_END)
			return 0;
		ret = 0;
		usleep(STEP_US);
	}
	return ret ? ret : -ETIMEDOUT;
}

/* What all records have in common, and that they follow one another. */
static void check_common(struct __test_metadata *_metadata, const FIXTURE_DATA(audit) * t, int nr,
			 const uint64_t ledger_ns[2], const uint64_t clock_ns[2])
{
	const struct kvmeter_audit *r;
	unsigned int k;
	int i;

	for (i = 0; i < nr; i++) {
		r = &t->record[i];
		EXPECT_EQ(t->record[0].nr + (uint64_t)i, r->nr);
		EXPECT_EQ(getpid(), r->pid);
		EXPECT_EQ(t->slot, r->vm);
		EXPECT_EQ(t->shown->gen, r->vm_gen);
		EXPECT_STREQ(t->shown->id, r->id);
		EXPECT_LE(ledger_ns[0], r->time_ns);
		EXPECT_GE(ledger_ns[1], r->time_ns);
		EXPECT_LE(clock_ns[0], r->real_ns);
		EXPECT_GE(clock_ns[1], r->real_ns);
		EXPECT_LT(KVMETER_AUDIT_NONE, r->kind);
		EXPECT_GT(KVMETER_AUDIT_NR, r->kind);
		EXPECT_GT(KVMETER_AUTOCONVERGE_DEFAULT + (r->kind == KVMETER_AUDIT_SWITCH),
			  r->mode);
		EXPECT_GT(KVMETER_WHY_NR, r->why);
		for (k = 0; k < ARRAY_SIZE(r->reserved); k++)
			EXPECT_EQ(0, r->reserved[k]);
	}
}

TEST_F_TIMEOUT(audit, quota_and_switch, 60)
{
	struct kvmeter_autoconverge want = {
		.mode = KVMETER_AUTOCONVERGE_ON,
		.goal = KVMETER_GOAL_DEADLINE,
		.deadline_ns = 7 * NS_PER_S,
	};
	uint64_t ledger_ns[2], clock_ns[2];
	const struct kvmeter_audit *r = self->record;

	ledger_ns[0] = meter_now_ns(&self->meter);
	clock_ns[0] = real_ns();
	ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 1009));
	ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 503));
	ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 0));
	/* Even if it changes nothing. */
	ASSERT_EQ(0, quota_set(&self->meter, self->vm.fd, 0));
	ASSERT_EQ(0, autoconverge_set(&self->meter, self->slot, want));
	want = (struct kvmeter_autoconverge){ .mode = KVMETER_AUTOCONVERGE_DEFAULT };
	ASSERT_EQ(0, autoconverge_set(&self->meter, self->slot, want));
	ledger_ns[1] = meter_now_ns(&self->meter);
	clock_ns[1] = real_ns();
	ASSERT_EQ(6, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
	check_common(_metadata, self, 6, ledger_ns, clock_ns);

	EXPECT_EQ(KVMETER_AUDIT_QUOTA, r[0].kind);
	EXPECT_EQ(0, r[0].before_pages);
	EXPECT_EQ(1009, r[0].quota_pages);
	EXPECT_EQ(KVMETER_WHY_IDLE, r[0].why);
	EXPECT_EQ(KVMETER_AUTOCONVERGE_OBSERVE, r[0].mode);
	EXPECT_EQ(0, r[0].round);
	EXPECT_EQ(KVMETER_AUDIT_QUOTA, r[1].kind);
	EXPECT_EQ(1009, r[1].before_pages);
	EXPECT_EQ(503, r[1].quota_pages);
	EXPECT_EQ(KVMETER_AUDIT_QUOTA, r[2].kind);
	EXPECT_EQ(503, r[2].before_pages);
	EXPECT_EQ(0, r[2].quota_pages);
	EXPECT_EQ(KVMETER_AUDIT_QUOTA, r[3].kind);
	EXPECT_EQ(0, r[3].before_pages);
	EXPECT_EQ(0, r[3].quota_pages);
	EXPECT_EQ(KVMETER_AUDIT_SWITCH, r[4].kind);
	EXPECT_EQ(KVMETER_AUTOCONVERGE_ON, r[4].mode);
	EXPECT_EQ(KVMETER_GOAL_DEADLINE, r[4].goal);
	EXPECT_EQ(7 * NS_PER_S, r[4].deadline_ns);
	EXPECT_EQ(KVMETER_WHY_IDLE, r[4].why);
	EXPECT_EQ(KVMETER_AUDIT_SWITCH, r[5].kind);
	EXPECT_EQ(KVMETER_AUTOCONVERGE_DEFAULT, r[5].mode);
	EXPECT_EQ(KVMETER_GOAL_GENTLE, r[5].goal);
	EXPECT_EQ(0, r[5].deadline_ns);
}

TEST_F_TIMEOUT(audit, migration, 60)
{
	uint64_t ledger_ns[2], clock_ns[2], all = self->vm.ram_bytes / VMM_PAGE_BYTES;
	unsigned int kinds[KVMETER_AUDIT_NR] = {}, rounds = 0;
	const struct kvmeter_audit *r;
	int i, nr;

	ledger_ns[0] = meter_now_ns(&self->meter);
	clock_ns[0] = real_ns();
	ASSERT_EQ(0, migrate(self, &nr));
	ledger_ns[1] = meter_now_ns(&self->meter);
	clock_ns[1] = real_ns();
	check_common(_metadata, self, nr, ledger_ns, clock_ns);
	for (i = 0; i < nr; i++) {
		r = &self->record[i];
		kinds[r->kind]++;
		EXPECT_EQ(KVMETER_AUTOCONVERGE_OBSERVE, r->mode);
		EXPECT_EQ(KVMETER_GOAL_GENTLE, r->goal);
		EXPECT_EQ(0, r->before_pages);
		EXPECT_EQ(0, r->quota_pages);
		EXPECT_EQ(0, r->throttle_ns);
		if (r->kind == KVMETER_AUDIT_ROUND) {
			EXPECT_EQ(++rounds, r->round);
			EXPECT_EQ(rounds > 1 ? PAGES : all, r->to_send_pages);
		}
		if (r->kind == KVMETER_AUDIT_DECISION)
			EXPECT_EQ(rounds, r->round);
	}
	EXPECT_EQ(2, kinds[KVMETER_AUDIT_ROUND]);
	EXPECT_LT(0, kinds[KVMETER_AUDIT_DECISION]);
	EXPECT_EQ(0, kinds[KVMETER_AUDIT_QUOTA]);
	EXPECT_EQ(0, kinds[KVMETER_AUDIT_SWITCH]);
	EXPECT_EQ(1, kinds[KVMETER_AUDIT_END]);
	EXPECT_EQ(KVMETER_WHY_ENDED, self->record[nr - 1].why);
	/* Nothing comes after that. */
	usleep(10 * PAUSE_US);
	EXPECT_EQ(0, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
}

/* A call that fails leaves no record. */
TEST_F_TIMEOUT(audit, failed_calls, 60)
{
	struct kvmeter_autoconverge wrong = { .mode = KVMETER_AUTOCONVERGE_DEFAULT + 1 };

	EXPECT_EQ(-EINVAL, quota_set(&self->meter, self->vm.fd, QUOTA_LEAST_PAGES - 1));
	EXPECT_EQ(-ENOENT, quota_set_slot(&self->meter, self->slot + 1, QUOTA_LEAST_PAGES));
	EXPECT_EQ(-EINVAL, autoconverge_set(&self->meter, self->slot, wrong));
	wrong.mode = KVMETER_AUTOCONVERGE_ON;
	EXPECT_EQ(-ENOENT, autoconverge_set(&self->meter, self->slot + 1, wrong));
	EXPECT_EQ(0, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
	ASSERT_EQ(0, add(self, 0));
	EXPECT_EQ(1, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
}

TEST_F_TIMEOUT(audit, read_sizes, 60)
{
	const ssize_t one = sizeof(struct kvmeter_audit);
	const struct kvmeter_audit *r = self->record;
	unsigned int i;
	uint64_t nr;

	for (i = 0; i < 7; i++)
		ASSERT_EQ(0, add(self, i));
	/* No room for one, and a place where nothing can be written: nothing is lost by that. */
	EXPECT_EQ(EINVAL, errno_of(read(self->log, self->record, 0)));
	EXPECT_EQ(EINVAL, errno_of(read(self->log, self->record, 1)));
	EXPECT_EQ(EINVAL, errno_of(read(self->log, self->record, (size_t)one - 1)));
	EXPECT_EQ(EFAULT, errno_of(read(self->log, WILD, 3 * (size_t)one)));
	ASSERT_EQ(one, read(self->log, self->record, (size_t)one));
	EXPECT_EQ(QUOTA_LEAST_PAGES, r[0].quota_pages);
	nr = r[0].nr;
	ASSERT_EQ(one, read(self->log, self->record, 2 * (size_t)one - 1));
	EXPECT_EQ(nr + 1, r[0].nr);
	ASSERT_EQ(2 * one, read(self->log, self->record, 2 * (size_t)one + 100));
	EXPECT_EQ(nr + 2, r[0].nr);
	EXPECT_EQ(nr + 3, r[1].nr);
	/* As many as there are. */
	ASSERT_EQ(3 * one, read(self->log, self->record, sizeof(self->record)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(nr + 4 + i, r[i].nr);
		EXPECT_EQ(QUOTA_LEAST_PAGES + 4 + i, r[i].quota_pages);
	}
	/* No more, as often as one asks; and then one more. */
	EXPECT_EQ(0, read(self->log, self->record, sizeof(self->record)));
	EXPECT_EQ(0, read(self->log, self->record, (size_t)one));
	ASSERT_EQ(0, add(self, 7));
	ASSERT_EQ(one, read(self->log, self->record, sizeof(self->record)));
	EXPECT_EQ(nr + 7, r[0].nr);
	EXPECT_EQ(0, read(self->log, self->record, sizeof(self->record)));
}

/* Each open file has a place of its own, and begins at the oldest record. */
TEST_F_TIMEOUT(audit, two_readers, 60)
{
	int other = open(DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct kvmeter_audit first;
	int i, nr;

	ASSERT_LE(0, other);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, add(self, (unsigned int)i));
	ASSERT_EQ(3, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
	first = self->record[0];
	/* It has those before as well. */
	nr = autoconverge_read_log(other, self->record, 2 * KEPT);
	ASSERT_LE(3, nr);
	for (i = 1; i < nr; i++)
		EXPECT_EQ(self->record[0].nr + (uint64_t)i, self->record[i].nr);
	EXPECT_EQ(0, memcmp(&first, &self->record[nr - 3], sizeof(first)));
	EXPECT_EQ(1, nr < KEPT ? self->record[0].nr : 1);
	EXPECT_EQ(0, autoconverge_read_log(other, self->record, RECORDS_MAX));

	/* One that is opened now, and one that has read all. */
	ASSERT_EQ(0, add(self, 3));
	ASSERT_EQ(1, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
	first = self->record[0];
	ASSERT_EQ(1, autoconverge_read_log(other, self->record, RECORDS_MAX));
	EXPECT_EQ(0, memcmp(&first, &self->record[0], sizeof(first)));
	close(other);
	other = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, other);
	EXPECT_EQ(nr < KEPT ? nr + 1 : KEPT, autoconverge_read_log(other, self->record, 2 * KEPT));
	close(other);
}

struct later {
	FIXTURE_DATA(audit) * t;
	int ret;
};

static void *add_later(void *arg)
{
	struct later *later = arg;

	usleep(PAUSE_US);
	later->ret = add(later->t, 0);
	return NULL;
}

TEST_F_TIMEOUT(audit, poll, 60)
{
	struct later later = { .t = self };
	pthread_t thread;
	int i;

	EXPECT_FALSE(is_readable(self->log, 0));
	EXPECT_FALSE(is_readable(self->log, 50));
	for (i = 0; i < 3; i++) {
		/* Asleep when it comes. */
		ASSERT_EQ(0, pthread_create(&thread, NULL, add_later, &later));
		EXPECT_TRUE(is_readable(self->log, 10000));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, later.ret);
		EXPECT_TRUE(is_readable(self->log, 0));
		ASSERT_EQ(0, add(self, 1));
		/* Until all is read. */
		EXPECT_EQ(1, autoconverge_read_log(self->log, self->record, 1));
		EXPECT_TRUE(is_readable(self->log, 0));
		EXPECT_EQ(1, autoconverge_read_log(self->log, self->record, 1));
		EXPECT_FALSE(is_readable(self->log, 0));
	}
}

/* The last KEPT are kept; the numbers tell how many are lost, to each reader from its own place. */
TEST_F_TIMEOUT(audit, overflow, 120)
{
	const unsigned int lost = 101, nr = KEPT + lost;
	unsigned int i;
	uint64_t last;
	int other;

	ASSERT_EQ(0, add(self, 0));
	ASSERT_EQ(1, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
	last = self->record[0].nr;
	for (i = 1; i <= nr; i++)
		ASSERT_EQ(0, add(self, i));
	EXPECT_TRUE(is_readable(self->log, 0));
	ASSERT_EQ(KEPT, autoconverge_read_log(self->log, self->record, 2 * KEPT));
	for (i = 0; i < KEPT; i++) {
		EXPECT_EQ(last + lost + 1 + i, self->record[i].nr);
		EXPECT_EQ(QUOTA_LEAST_PAGES + lost + 1 + i, self->record[i].quota_pages);
	}
	other = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, other);
	/* It is overtaken after it has begun. */
	ASSERT_EQ(1, autoconverge_read_log(other, self->record, 1));
	EXPECT_EQ(last + lost + 1, self->record[0].nr);
	for (i = 1; i <= 3; i++)
		ASSERT_EQ(0, add(self, nr + i));
	ASSERT_EQ(1, autoconverge_read_log(other, self->record, 1));
	EXPECT_EQ(last + lost + 1 + 3, self->record[0].nr);
	close(other);
	ASSERT_EQ(3, autoconverge_read_log(self->log, self->record, RECORDS_MAX));
	EXPECT_EQ(last + nr + 1, self->record[0].nr);
}

static void *add_many(void *arg)
{
	struct later *later = arg;
	unsigned int i;

	for (i = 0; !later->ret && i < SETS; i++)
		later->ret = add(later->t, i);
	return NULL;
}

/* What several threads leave at a time is in there once, and whole. */
TEST_F_TIMEOUT(audit, at_a_time, 60)
{
	struct later later[SETTERS];
	pthread_t thread[SETTERS];
	unsigned int i, done = 0;
	uint64_t sum = 0, last = 0;
	int nr, k;

	for (i = 0; i < SETTERS; i++) {
		later[i] = (struct later){ .t = self };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, add_many, &later[i]));
	}
	while (done < SETTERS * SETS && is_readable(self->log, 10000)) {
		nr = autoconverge_read_log(self->log, self->record, 5);
		ASSERT_LT(0, nr);
		for (k = 0; k < nr; k++) {
			EXPECT_EQ(done + (unsigned int)k ? last + 1 : self->record[k].nr,
				  self->record[k].nr);
			last = self->record[k].nr;
			sum += self->record[k].quota_pages - QUOTA_LEAST_PAGES;
		}
		done += (unsigned int)nr;
	}
	for (i = 0; i < SETTERS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, later[i].ret);
	}
	EXPECT_EQ(SETTERS * SETS, done);
	EXPECT_EQ((uint64_t)SETTERS * SETS * (SETS - 1) / 2, sum);
}

/* The word in a line of the table that is in the column of this name; "" if there is none. */
static void get_column(const char *header, const char *line, const char *name, char *word,
		       size_t size)
{
	size_t len = strlen(name), n;

	word[0] = '\0';
	for (;;) {
		n = strcspn(header, "\n ");
		if (n == len && !strncmp(header, name, n))
			break;
		if (header[n] != ' ')
			return;
		header += n + 1;
		line += strcspn(line, "\n ");
		line += *line == ' ';
	}
	n = strcspn(line, "\n ");
	snprintf(word, size, "%.*s", (int)n, line);
}

static uint64_t get_number(const char *header, const char *line, const char *name)
{
	char word[32];

	get_column(header, line, name, word, sizeof(word));
	return word[0] ? strtoull(word, NULL, 0) : UINT64_MAX;
}

/* debugfs shows the same records, and all of them. */
TEST_F_TIMEOUT(audit, debugfs, 60)
{
	static const char *const kinds[] = { KVMETER_AUDIT_KIND_WORDS(KVMETER_WORD) };
	static const char *const whys[] = { KVMETER_WHY_WORDS(KVMETER_WORD) };
	char header[512], line[512], word[KVMETER_NAME_LEN];
	const struct kvmeter_audit *r;
	int i, nr, fd;
	FILE *f;

	ASSERT_EQ(0, add(self, 3));
	ASSERT_EQ(0, migrate(self, &nr));
	fd = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	nr = autoconverge_read_log(fd, self->record, 2 * KEPT);
	close(fd);
	ASSERT_LT(3, nr);
	f = fopen(LOG, "re");
	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, fgets(header, sizeof(header), f));
	for (i = 0; i < nr; i++) {
		r = &self->record[i];
		ASSERT_NE(NULL, fgets(line, sizeof(line), f));
		EXPECT_EQ(r->nr, get_number(header, line, "nr"));
		EXPECT_EQ(r->pid, get_number(header, line, "pid"));
		EXPECT_EQ(r->time_ns, get_number(header, line, "time_ns"));
		EXPECT_EQ(r->round, get_number(header, line, "round"));
		EXPECT_EQ(r->to_send_pages, get_number(header, line, "to_send_pages"));
		EXPECT_EQ(r->quota_pages, get_number(header, line, "quota_pages"));
		EXPECT_EQ(r->would_pages, get_number(header, line, "would_pages"));
		get_column(header, line, "id", word, sizeof(word));
		EXPECT_STREQ(r->id, word);
		get_column(header, line, "kind", word, sizeof(word));
		EXPECT_STREQ(kinds[r->kind], word);
		get_column(header, line, "why", word, sizeof(word));
		EXPECT_STREQ(whys[r->why], word);
	}
	EXPECT_EQ(NULL, fgets(line, sizeof(line), f));
	fclose(f);
}

/* Records of a VM stay when it goes, and the one that has its slot next has its own. */
TEST_F_TIMEOUT(audit, vm_gone, 60)
{
	struct kvmeter_audit r[2];
	char id[KVMETER_NAME_LEN];
	uint32_t slot, gen;
	struct vmm vm;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vmm_init(&vm, 1, 1));
		ASSERT_EQ(0, vmm_run(&vm.vcpu[0], vmm_guest_busy, 1, 0, 0));
		slot = (uint32_t)autoconverge_slot(&self->meter, vm.fd);
		gen = meter_vm(&self->meter, vm.fd)->gen;
		memcpy(id, meter_vm(&self->meter, vm.fd)->id, sizeof(id));
		ASSERT_EQ(0, quota_set(&self->meter, vm.fd, 1009));
		vmm_exit(&vm);
		ASSERT_EQ(1, meter_wait_used(&self->meter, 1));
		ASSERT_EQ(1, autoconverge_read_log(self->log, &r[i], 1));
		EXPECT_EQ(slot, r[i].vm);
		EXPECT_EQ(gen, r[i].vm_gen);
		EXPECT_STREQ(id, r[i].id);
		EXPECT_EQ(0, r[i].before_pages);
	}
	EXPECT_EQ(r[0].vm, r[1].vm);
	EXPECT_NE(r[0].vm_gen, r[1].vm_gen);
}

TEST_HARNESS_MAIN
