// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process 1 of a guest that writes to its memory by a rule.
 *
 *   guest_writer PAGES     so many pages, none of them zero
 *
 * A guest with a second CPU reads there, one after the other and without end, the upper half of
 * the pages.
 *
 * Says "kvmeter-writer: ready, counts at ADDRESS" on the console: the guest-physical address of a
 * struct counts, for the host to look at. Waits for lines there:
 *
 *   seq PAGES RATE      write to the first PAGES in turn, over and over, to RATE of them a second;
 *                       RATE 0: to as many as it can
 *   random PAGES RATE   write to any of them
 *   count               go on
 *
 * Each is answered by "kvmeter-writer: N pages in NS ns": what was written since the line before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define PAGE_WORDS (PAGE_BYTES / 8)
#define TICK_MS 10
#define LAG_MAX_NS 100000000
#define CHUNK 256 /* pages between two looks at the console, of one that writes all it can */

/* "kvmeter!", and the page frame number in an entry of /proc/PID/pagemap. */
#define COUNTS_MAGIC 0x6b766d6574657221ULL
#define PAGEMAP_PFN ((1ULL << 55) - 1)

/**
 * struct rule - what to write
 * @at_random: to any of the pages, not to one after the other
 * @pages: how many there are
 * @rate: how many a second, 0: all it can
 * @begin_ns: since when
 * @from_ns: since when as many as @rate says were written
 * @done: that is how many
 */
struct rule {
	bool at_random;
	uint64_t pages, rate, begin_ns, from_ns, done;
};

/**
 * struct counts - what was done so far, in a page of its own
 * @magic: COUNTS_MAGIC
 * @written: pages written
 * @apart: keeps the two writers' cache lines apart
 * @read: pages read, by the second CPU
 * @sum: of the words in the last of them: nobody needs it, but it has to be read
 */
struct counts {
	uint64_t magic;
	atomic_ulong written;
	uint64_t apart[14];
	atomic_ulong read;
	atomic_ulong sum;
};

static uint64_t (*memory)[PAGE_WORDS];
static struct counts *counts;
static uint64_t pages, written;

/* A linear congruential generator; its upper bits are the good ones. */
static uint64_t next_page(const struct rule *rule)
{
	static uint64_t state = 1;

	if (!rule->at_random)
		return written % rule->pages;
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 32) % rule->pages;
}

static void write_pages(const struct rule *rule, uint64_t nr)
{
	static uint64_t total;

	for (; nr; nr--) {
		memory[next_page(rule)][0] = written + 1;
		written++;
		atomic_store_explicit(&counts->written, ++total, memory_order_relaxed);
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What could not be written in time is not made up for, but for LAG_MAX_NS. */
static void write_due(struct rule *rule)
{
	uint64_t now = now_ns(), due;

	due = (now - rule->from_ns) / 1000 * rule->rate / 1000000;
	if (due > rule->done + rule->rate * LAG_MAX_NS / 1000000000 + 1) {
		rule->from_ns = now;
		rule->done = 0;
		return;
	}
	write_pages(rule, due - rule->done);
	rule->done = due;
}

static void obey(struct rule *rule)
{
	uint64_t now = now_ns(), nr, rate;
	char line[64], word[8];

	if (!fgets(line, sizeof(line), stdin))
		return;
	printf("kvmeter-writer: %" PRIu64 " pages in %" PRIu64 " ns\n", written,
	       now - rule->begin_ns);
	if (sscanf(line, "%7s %" SCNu64 " %" SCNu64, word, &nr, &rate) == 3 && nr && nr <= pages)
		*rule = (struct rule){ .at_random = word[0] == 'r', .pages = nr, .rate = rate };
	written = 0;
	rule->begin_ns = now_ns();
	rule->from_ns = rule->begin_ns;
	rule->done = 0;
}

static void work(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct rule rule = { .pages = 1, .rate = 1, .begin_ns = now_ns() };

	rule.from_ns = rule.begin_ns;
	for (;;) {
		if (poll(&input, 1, rule.rate ? TICK_MS : 0) > 0)
			obey(&rule);
		if (rule.rate)
			write_due(&rule);
		else
			write_pages(&rule, CHUNK);
	}
}

static void quit(const char *what)
{
	printf("kvmeter-writer: failed: %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

static void bind_to(unsigned int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		quit("sched_setaffinity");
}

static void *read_pages(void *unused)
{
	uint64_t page = pages / 2, nr = 0, sum;
	unsigned int i;

	bind_to(1);
	for (;;) {
		for (i = 0, sum = 0; i < PAGE_WORDS; i++)
			sum += memory[page][i];
		atomic_store_explicit(&counts->sum, sum, memory_order_relaxed);
		if (++page == pages)
			page = pages / 2;
		atomic_store_explicit(&counts->read, ++nr, memory_order_relaxed);
	}
	return unused;
}

static void start_reader(void)
{
	pthread_t thread;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	bind_to(0);
	errno = pthread_create(&thread, NULL, read_pages, NULL);
	if (errno)
		quit("thread");
}

/* Makes the page of counts; its guest-physical address. */
static uint64_t make_counts(void)
{
	uint64_t entry = 0;
	off_t at;
	int fd;

	counts = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	if (counts == MAP_FAILED)
		quit("memory");
	counts->magic = COUNTS_MAGIC;
	if (mkdir("/proc", 0755) && errno != EEXIST)
		quit("/proc");
	if (mount("proc", "/proc", "proc", 0, NULL))
		quit("/proc");
	at = (off_t)((uintptr_t)counts / PAGE_BYTES * sizeof(entry));
	fd = open("/proc/self/pagemap", O_RDONLY);
	if (fd < 0 || pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
		quit("pagemap");
	close(fd);
	return (entry & PAGEMAP_PFN) * PAGE_BYTES;
}

int main(int argc, char *argv[])
{
	struct termios tty;
	uint64_t i, address;

	setbuf(stdin, NULL);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	errno = EINVAL;
	pages = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	if (!pages)
		quit("usage: guest_writer PAGES");
	if (tcgetattr(STDIN_FILENO, &tty))
		quit("console");
	tty.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &tty))
		quit("console");
	memory = mmap(NULL, (size_t)pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		quit("memory");
	for (i = 0; i < pages; i++)
		memory[i][0] = i + 1;
	address = make_counts();
	start_reader();
	printf("kvmeter-writer: ready, counts at 0x%" PRIx64 "\n", address);
	work();
}
