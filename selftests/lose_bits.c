// SPDX-License-Identifier: GPL-2.0-only
/*
 * To be preloaded into a VMM: each time it reads the dirty log of the guest's memory, some pages
 * are taken out of it, and out of KVM's. A migration must not survive that, or it proves nothing.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 6.8 has made another one of it. */
#ifdef KVM_SET_USER_MEMORY_REGION2
#define SET_REGION2 KVM_SET_USER_MEMORY_REGION2
#else
#define SET_REGION2 KVM_SET_USER_MEMORY_REGION
#endif
#define PAGE_SHIFT 12
#define SLOTS_MAX 512
#define WORD_PAGES 64

/*
 * How many are lost, of at least how many. They are in the middle of the dirty ones: at either end
 * are those of the guest's kernel, which would not survive it.
 */
#define LOST 32
#define DIRTY_MIN 192

static uint64_t slot_pages[SLOTS_MAX];

static uint64_t count(const uint64_t *bitmap, uint64_t pages)
{
	uint64_t nr = 0, i;

	for (i = 0; i < pages; i++)
		nr += bitmap[i / WORD_PAGES] >> i % WORD_PAGES & 1;
	return nr;
}

/* Take a page out of the log, and out of KVM's. */
static void lose_page(int fd, const struct kvm_dirty_log *log, uint64_t page)
{
	uint64_t *bitmap = log->dirty_bitmap, bit = 1ULL << page % WORD_PAGES;
	struct kvm_clear_dirty_log clear = {
		.slot = log->slot,
		.first_page = page - page % WORD_PAGES,
		.num_pages = WORD_PAGES,
		.dirty_bitmap = &bit,
	};

	bitmap[page / WORD_PAGES] &= ~bit;
	syscall(SYS_ioctl, fd, KVM_CLEAR_DIRTY_LOG, &clear);
}

static void lose(int fd, const struct kvm_dirty_log *log)
{
	uint64_t pages = log->slot < SLOTS_MAX ? slot_pages[log->slot] : 0;
	const uint64_t *bitmap = log->dirty_bitmap;
	uint64_t nr = count(bitmap, pages), seen = 0, page;

	/* At the beginning all pages count as dirty, and are sent in any case. */
	if (nr < DIRTY_MIN || nr == pages)
		return;
	for (page = 0; page < pages && seen < nr / 2 + LOST; page++) {
		if (!(bitmap[page / WORD_PAGES] >> page % WORD_PAGES & 1))
			continue;
		if (seen++ >= nr / 2)
			lose_page(fd, log, page);
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	const struct kvm_userspace_memory_region *region;
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	ret = (int)syscall(SYS_ioctl, fd, request, arg);
	if (ret)
		return ret;
	if (request == KVM_SET_USER_MEMORY_REGION || request == SET_REGION2) {
		region = arg; /* the newer one begins as the older does */
		if (region->slot < SLOTS_MAX)
			slot_pages[region->slot] = region->memory_size >> PAGE_SHIFT;
	} else if (request == KVM_GET_DIRTY_LOG) {
		lose(fd, arg);
	}
	return ret;
}
