// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process 1 of a guest that is migrated: rewrites random pages without end, and can tell whether
 * each page of its memory is as it wrote it last.
 *
 *   guest_memory PAGES RATE     so many pages, so many of them rewritten a second
 *
 * The n-th write goes to page pick(n), and all of a page's content follows from the page's number
 * and n. So what must be in each page is told by how many writes there were. That number is in
 * this memory too, and could be as old as a page that was lost; every BATCH writes it goes to the
 * RTC's memory as well, which a VMM migrates with its devices, not with the guest's pages.
 *
 * Commands, each a line on the console, each answered by
 * "kvmeter-memory: N writes, B bad of P pages, N in the RTC":
 *   verify    check all pages
 *   stale     put the page written last back to what it was before: as if it had been lost
 *   corrupt   change one bit of a page
 *   rewind    put everything back to what it was 2 * BATCH writes ago: as if a round had been lost
 *   mend      write all pages again
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define PAGE_WORDS (PAGE_BYTES / 8)
#define PAGES_MAX 65536
#define BATCH 61
#define TICK_MS 5
#define LAG_MAX_NS 100000000

/* The RTC: its ports, and where in its memory the firmware keeps nothing. */
#define RTC_PORT 0x70
#define RTC_PLACE 0x60
#define RTC_BYTES 6
#define RTC_CHECK 0xa5

static uint64_t (*memory)[PAGE_WORDS];
static uint32_t pages, writes;
static uint32_t last[PAGES_MAX];
static int ports;

static uint64_t mix(uint64_t x)
{
	x = (x + 0x632be59bd9b4e019) * 0xe220a8397b1dcdaf;
	x = (x ^ x >> 31) * 0x9fb21c651e98df25;
	return x ^ x >> 29;
}

static uint32_t pick(uint32_t n)
{
	return (uint32_t)(mix(n) % pages);
}

static uint64_t word(uint32_t page, uint32_t n, unsigned int i)
{
	uint64_t seed = mix((uint64_t)page << 32 | n) + i * 0x9fb21c651e98df25;

	return i ? seed ^ seed >> 23 : (uint64_t)page << 32 | n;
}

static void write_page(uint32_t page, uint32_t n)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		memory[page][i] = word(page, n, i);
}

static bool is_page(uint32_t page, uint32_t n)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++) {
		if (memory[page][i] != word(page, n, i))
			return false;
	}
	return true;
}

/* Which write was the last one to each page, if there were @nr; 0: none but the first. */
static void replay(uint32_t nr)
{
	uint32_t n;

	memset(last, 0, sizeof(last));
	for (n = 1; n <= nr; n++)
		last[pick(n)] = n;
}

static void quit(const char *what)
{
	printf("kvmeter-memory: failed: %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

/* A port for each byte, from RTC_PORT on: the place, and what is in it. */
static uint8_t rtc_read(unsigned int place)
{
	uint8_t byte = (uint8_t)place;

	if (pwrite(ports, &byte, 1, RTC_PORT) != 1 || pread(ports, &byte, 1, RTC_PORT + 1) != 1)
		quit("RTC");
	return byte;
}

static void rtc_write(unsigned int place, uint8_t value)
{
	uint8_t bytes[] = { (uint8_t)place, value };

	if (pwrite(ports, bytes, sizeof(bytes), RTC_PORT) != sizeof(bytes))
		quit("RTC");
}

/* Of two places the one that was not written last: a VMM may stop us anywhere. */
static void keep_writes(void)
{
	unsigned int place = RTC_PLACE + (writes / BATCH % 2) * RTC_BYTES, i;
	uint8_t check = RTC_CHECK, byte;

	rtc_write(place, 0);
	for (i = 1; i < RTC_BYTES; i++) {
		byte = (uint8_t)((uint64_t)writes >> (i - 1) * 8);
		check += byte;
		rtc_write(place + i, byte);
	}
	rtc_write(place, check);
}

static uint32_t kept_writes(void)
{
	uint64_t kept = 0, value;
	unsigned int slot, i;
	uint8_t check, byte;

	for (slot = 0; slot < 2; slot++) {
		value = 0;
		check = RTC_CHECK;
		for (i = 1; i < RTC_BYTES; i++) {
			byte = rtc_read(RTC_PLACE + slot * RTC_BYTES + i);
			check += byte;
			value |= (uint64_t)byte << (i - 1) * 8;
		}
		if (rtc_read(RTC_PLACE + slot * RTC_BYTES) == check && value > kept)
			kept = value;
	}
	return (uint32_t)kept;
}

static void verify(void)
{
	uint32_t kept = kept_writes(), bad = 0, page;

	replay(writes);
	for (page = 0; page < pages; page++) {
		if (is_page(page, last[page]))
			continue;
		if (!bad++)
			printf("kvmeter-memory: page %u: write %u of page %u, not %u\n", page,
			       (uint32_t)memory[page][0], (uint32_t)(memory[page][0] >> 32),
			       last[page]);
	}
	/* More than there can have been since: writes themselves are from another time. */
	if (writes < kept || writes - kept > BATCH)
		bad++;
	printf("kvmeter-memory: %u writes, %u bad of %u pages, %u in the RTC\n", writes, bad, pages,
	       kept);
}

static void go_back(uint32_t nr)
{
	uint32_t page;

	replay(nr);
	for (page = 0; page < pages; page++)
		write_page(page, last[page]);
}

static void command(const char *line)
{
	if (!strcmp(line, "stale\n")) {
		replay(writes - 1);
		write_page(pick(writes), last[pick(writes)]);
	} else if (!strcmp(line, "corrupt\n")) {
		memory[pages / 2][PAGE_WORDS / 2] ^= 1;
	} else if (!strcmp(line, "rewind\n")) {
		writes -= 2 * BATCH;
		go_back(writes);
	} else if (!strcmp(line, "mend\n")) {
		go_back(writes);
	} else if (strcmp(line, "verify\n")) {
		printf("kvmeter-memory: what is %s", line);
		return;
	}
	verify();
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Rewrites pages and answers, for good. What it could not do in time is not made up for. */
static void work(uint32_t rate)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t period = 1000000000 / rate, due = now_ns(), end;
	char line[32];

	for (;;) {
		if (poll(&input, 1, TICK_MS) > 0 && fgets(line, sizeof(line), stdin)) {
			command(line);
			due = now_ns();
		}
		if (now_ns() > due + LAG_MAX_NS)
			due = now_ns() - LAG_MAX_NS;
		/* Too slow for the rate, it would never come to listen. */
		end = now_ns() + LAG_MAX_NS;
		for (; now_ns() >= due && now_ns() < end; due += period) {
			writes++;
			write_page(pick(writes), writes);
			if (writes % BATCH == 0)
				keep_writes();
		}
	}
}

int main(int argc, char *argv[])
{
	uint32_t rate = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct termios tty;

	setbuf(stdin, NULL);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	pages = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	errno = EINVAL;
	if (!pages || pages > PAGES_MAX || !rate)
		quit("usage: guest_memory PAGES RATE");
	if (tcgetattr(STDIN_FILENO, &tty))
		quit("console");
	tty.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &tty) || mknod("/port", S_IFCHR | 0600, makedev(1, 4)))
		quit("console");
	ports = open("/port", O_RDWR);
	if (ports < 0)
		quit("RTC");
	memory = mmap(NULL, (size_t)pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		quit("memory");
	go_back(0);
	keep_writes();
	printf("kvmeter-memory: ready\n");
	work(rate);
}
