// SPDX-License-Identifier: GPL-2.0-only
/*
 * Estimates how much of a guest's memory holds nothing but zeros, from its VMM's address space.
 *
 * Guest memory is taken to be the largest writable mappings that together are as large as it. A
 * page of it that is not in the page tables, nor in swap, was never touched and is zero; of the
 * others a random sample is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guestmem.h"

#define PAGE_BYTES 4096ULL
#define SAMPLE_MAX 16384
#define BATCH 64

/* Bits of an entry of /proc/PID/pagemap, see Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)
#define PAGEMAP_BATCH 8192

struct sample {
	__u64 *addr;
	unsigned int nr;
	__u64 seen; /* pages that could have been taken */
};

/**
 * kvmeter_guestmem_parse_mapping - understand a line of /proc/PID/maps
 * @line: the line
 * @mapping: filled
 *
 * Return: false if it cannot be guest memory: it cannot be read and written, or is a stack or heap.
 */
bool kvmeter_guestmem_parse_mapping(const char *line, struct kvmeter_mapping *mapping)
{
	unsigned long long start, end;
	char rights[5];

	if (sscanf(line, "%16llx-%16llx %4s", &start, &end, rights) != 3 || end <= start)
		return false;
	if (strncmp(rights, "rw", 2) || strstr(line, "[heap]") || strstr(line, "[stack]"))
		return false;
	mapping->start = start;
	mapping->bytes = end - start;
	return true;
}

static int compare_bytes(const void *a, const void *b)
{
	const struct kvmeter_mapping *l = a, *r = b;

	return (l->bytes < r->bytes) - (l->bytes > r->bytes);
}

/**
 * kvmeter_guestmem_choose - tell which mappings are guest memory
 * @mappings: all that could be; afterwards the chosen ones come first, the last of them cut short
 * @nr: how many
 * @ram_bytes: size of guest memory
 *
 * Return: how many are chosen, 0 if all of them together are too small.
 */
unsigned int kvmeter_guestmem_choose(struct kvmeter_mapping *mappings, unsigned int nr,
				     __u64 ram_bytes)
{
	__u64 left = ram_bytes;
	unsigned int i;

	if (nr)
		qsort(mappings, nr, sizeof(*mappings), compare_bytes);
	for (i = 0; i < nr && left; i++) {
		if (mappings[i].bytes > left)
			mappings[i].bytes = left;
		left -= mappings[i].bytes;
	}
	return left ? 0 : i;
}

static struct kvmeter_mapping *read_mappings(__u32 pid, unsigned int *nr)
{
	struct kvmeter_mapping *mappings = NULL;
	unsigned int room = 0;
	char path[32], line[512];
	FILE *f;

	*nr = 0;
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (fgets(line, sizeof(line), f)) {
		mappings = kvmeter_array_grow(mappings, &room, *nr + 1, sizeof(*mappings));
		*nr += kvmeter_guestmem_parse_mapping(line, &mappings[*nr]);
	}
	fclose(f);
	return mappings;
}

/* Each page seen is as likely to be in the sample as any other. */
static void add_to_sample(struct sample *sample, __u64 addr)
{
	__u64 place = sample->seen++;

	if (sample->nr < SAMPLE_MAX) {
		sample->addr[sample->nr++] = addr;
		return;
	}
	place = ((__u64)random() << 31 | random()) % sample->seen;
	if (place < SAMPLE_MAX)
		sample->addr[place] = addr;
}

/* False if the page tables cannot be read. */
static bool scan(int pagemap, const struct kvmeter_mapping *m, struct kvmeter_guestmem *mem,
		 struct sample *sample)
{
	static __u64 entries[PAGEMAP_BATCH];
	__u64 page, pages = m->bytes / PAGE_BYTES, first = m->start / PAGE_BYTES;
	ssize_t bytes;
	size_t want;
	unsigned int i;

	for (page = 0; page < pages; page += bytes / sizeof(*entries)) {
		want = pages - page < PAGEMAP_BATCH ? pages - page : PAGEMAP_BATCH;
		bytes = pread(pagemap, entries, want * sizeof(*entries),
			      (first + page) * sizeof(*entries));
		if (bytes < (ssize_t)sizeof(*entries))
			return false;
		for (i = 0; i < bytes / sizeof(*entries); i++) {
			if (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED))
				add_to_sample(sample, (first + page + i) * PAGE_BYTES);
			else
				mem->absent_pages++;
		}
	}
	return true;
}

static bool is_zero(const char *page)
{
	return !*page && !memcmp(page, page + 1, PAGE_BYTES - 1);
}

/* Pages that cannot be read any more are no part of the sample. */
static void look_at(__u32 pid, const __u64 *addr, unsigned int nr, struct kvmeter_guestmem *mem)
{
	static char pages[BATCH][PAGE_BYTES];
	struct iovec local = { .iov_base = pages, .iov_len = nr * PAGE_BYTES };
	struct iovec remote[BATCH];
	ssize_t bytes;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		remote[i].iov_base = (void *)(unsigned long)addr[i];
		remote[i].iov_len = PAGE_BYTES;
	}
	bytes = process_vm_readv(pid, &local, 1, remote, nr, 0);
	for (i = 0; bytes > 0 && i < bytes / PAGE_BYTES; i++) {
		mem->sampled++;
		mem->sampled_zero += is_zero(pages[i]);
	}
}

static void look_at_sample(__u32 pid, const struct sample *sample, struct kvmeter_guestmem *mem)
{
	unsigned int i, nr;

	for (i = 0; i < sample->nr; i += nr) {
		nr = sample->nr - i < BATCH ? sample->nr - i : BATCH;
		look_at(pid, sample->addr + i, nr, mem);
	}
	mem->zero_pages = mem->absent_pages;
	if (mem->sampled)
		mem->zero_pages += (__u64)((double)sample->seen * mem->sampled_zero / mem->sampled);
	mem->known = mem->sampled || !sample->seen;
}

static bool scan_all(__u32 pid, const struct kvmeter_mapping *mappings, unsigned int nr,
		     struct kvmeter_guestmem *mem, struct sample *sample)
{
	char path[32];
	unsigned int i;
	bool ok = true;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (i = 0; i < nr && ok; i++)
		ok = scan(fd, &mappings[i], mem, sample);
	close(fd);
	return ok;
}

/**
 * kvmeter_guestmem_look - find out how much of a guest's memory is zero
 * @mem: filled
 * @pid: of its VMM
 * @ram_pages: size of the guest's memory
 */
void kvmeter_guestmem_look(struct kvmeter_guestmem *mem, __u32 pid, __u64 ram_pages)
{
	struct sample sample = {};
	struct kvmeter_mapping *mappings;
	unsigned int nr;

	memset(mem, 0, sizeof(*mem));
	mem->ram_pages = ram_pages;
	mappings = read_mappings(pid, &nr);
	nr = kvmeter_guestmem_choose(mappings, nr, ram_pages * PAGE_BYTES);
	sample.addr = calloc(SAMPLE_MAX, sizeof(*sample.addr));
	if (!nr) {
		mem->why = "the VMM has no mappings of that size";
	} else if (!sample.addr || !scan_all(pid, mappings, nr, mem, &sample)) {
		mem->why = "the VMM's page tables cannot be read";
	} else {
		look_at_sample(pid, &sample, mem);
		mem->why = "the VMM's memory cannot be read";
	}
	if (!mem->known) {
		mem->absent_pages = 0;
		mem->zero_pages = 0;
	}
	free(sample.addr);
	free(mappings);
}
