// SPDX-License-Identifier: GPL-2.0-only
/* What the module may leave behind: see residue.h. */
#define _GNU_SOURCE
#include "residue.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define KPROBES "/sys/kernel/debug/kprobes/list"
#define FUNCTIONS "/sys/kernel/tracing/enabled_functions"
#define KVM_USERS "/sys/module/kvm/refcnt"
#define SLABS "/sys/kernel/slab"
#define PINS "/sys/fs/bpf/kvmeter"
#define MAP_PREFIX "kvmeter_"
#define WAIT_STEP_US 20000
#define WAIT_STEPS 500
/* The kernel frees some of it after a grace period, some from a work queue. */
#define SETTLE_US 200000
#define PAGE_KIB 4

/* A static key is on as long as a tracepoint has probes; it is behind the pointer to its name. */
#define KEY_OFFSET 8

static const char *const tracepoint[RESIDUE_TRACEPOINTS] = {
	"kvm_entry",	      "kvm_exit",     "kvm_userspace_exit", "kvm_vcpu_wakeup",
	"sched_migrate_task", "sched_switch", "sched_wakeup",
};

static int count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	int c, nr = 0;

	if (!f)
		return -errno;
	while ((c = fgetc(f)) != EOF)
		nr += c == '\n';
	fclose(f);
	return nr;
}

/* kvm may be built in. */
static int count_kvm_users(void)
{
	int64_t nr = host_read_number(KVM_USERS, NULL);

	return nr == -ENOENT ? 0 : (int)nr;
}

static void find_places(struct residue *r)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	uint64_t addr;
	unsigned int i;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, " __tracepoint_") ||
		    sscanf(line, "%" SCNx64 " %*c __tracepoint_%255s", &addr, name) != 2)
			continue;
		for (i = 0; i < RESIDUE_TRACEPOINTS; i++)
			if (!strcmp(name, tracepoint[i]))
				r->place[i] = addr + KEY_OFFSET;
	}
	fclose(f);
}

/* Where in /proc/kcore each place is: it is an ELF file that has a segment for each area. */
static int find_offsets(struct residue *r)
{
	Elf64_Phdr segment;
	unsigned int i, k;
	Elf64_Ehdr head;

	if (pread(r->kcore, &head, sizeof(head), 0) != sizeof(head))
		return -EIO;
	for (i = 0; i < head.e_phnum; i++) {
		if (pread(r->kcore, &segment, sizeof(segment),
			  (off_t)(head.e_phoff + i * sizeof(segment))) != sizeof(segment))
			return -EIO;
		for (k = 0; k < RESIDUE_TRACEPOINTS; k++)
			if (segment.p_type == PT_LOAD && r->place[k] >= segment.p_vaddr &&
			    r->place[k] - segment.p_vaddr < segment.p_memsz)
				r->offset[k] = r->place[k] - segment.p_vaddr + segment.p_offset;
	}
	return 0;
}

static int count_users(const struct residue *r, unsigned int i, int32_t *users)
{
	*users = 0;
	if (r->kcore < 0 || !r->offset[i])
		return 0;
	if (pread(r->kcore, users, sizeof(*users), (off_t)r->offset[i]) != sizeof(*users))
		return -EIO;
	return 0;
}

int residue_users(const struct residue *r)
{
	int32_t users;
	unsigned int i;
	int sum = 0;

	for (i = 0; i < RESIDUE_TRACEPOINTS; i++) {
		if (count_users(r, i, &users))
			return -EIO;
		sum += users;
	}
	return sum;
}

int residue_begin(struct residue *r)
{
	unsigned int i;
	int ret = 0;

	memset(r, 0, sizeof(*r));
	r->kprobes = count_lines(KPROBES);
	r->functions = count_lines(FUNCTIONS);
	r->kvm_users = count_kvm_users();
	find_places(r);
	r->kcore = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (r->kcore >= 0)
		ret = find_offsets(r);
	for (i = 0; !ret && i < RESIDUE_TRACEPOINTS; i++)
		ret = count_users(r, i, &r->users[i]);
	if (r->functions < 0)
		ret = r->functions;
	return r->kprobes < 0 ? r->kprobes : ret;
}

void residue_end(struct residue *r)
{
	if (r->kcore >= 0)
		close(r->kcore);
}

static void remove_pins(void)
{
	DIR *dir = opendir(PINS);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, MAP_PREFIX, strlen(MAP_PREFIX)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(PINS);
}

static int count_maps(void)
{
	uint32_t id = 0;
	int nr = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		uint32_t len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		/* It may be gone by now. */
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			nr += !strncmp(info.name, MAP_PREFIX, strlen(MAP_PREFIX));
		close(fd);
	}
	return nr;
}

static int find_once(const struct residue *r, char *text)
{
	static const char *const path[] = {
		"/dev/kvmeter",
		"/sys/kernel/debug/kvmeter",
		"/sys/module/kvmeter",
		PINS,
	};
	int32_t users;
	unsigned int i;
	int nr;

	*text = '\0';
	for (i = 0; i < sizeof(path) / sizeof(*path); i++)
		if (!access(path[i], F_OK))
			return snprintf(text, RESIDUE_TEXT_SIZE, "%s", path[i]);
	nr = count_lines(KPROBES);
	if (nr != r->kprobes)
		return snprintf(text, RESIDUE_TEXT_SIZE, "%d kprobes, %d before", nr, r->kprobes);
	nr = count_lines(FUNCTIONS);
	if (nr != r->functions)
		return snprintf(text, RESIDUE_TEXT_SIZE, "%d functions seen by ftrace, %d before",
				nr, r->functions);
	nr = count_kvm_users();
	if (nr != r->kvm_users)
		return snprintf(text, RESIDUE_TEXT_SIZE, "%d users of kvm, %d before", nr,
				r->kvm_users);
	nr = count_maps();
	if (nr)
		return snprintf(text, RESIDUE_TEXT_SIZE, "%d maps", nr);
	for (i = 0; i < RESIDUE_TRACEPOINTS; i++) {
		if (count_users(r, i, &users))
			return -EIO;
		if (users != r->users[i])
			return snprintf(text, RESIDUE_TEXT_SIZE, "%s has %d users, %d before",
					tracepoint[i], users, r->users[i]);
	}
	return 0;
}

int residue_find(const struct residue *r, char text[RESIDUE_TEXT_SIZE])
{
	int i, ret = 0;

	remove_pins();
	for (i = 0; i < WAIT_STEPS; i++) {
		ret = find_once(r, text);
		if (ret <= 0)
			return ret;
		usleep(WAIT_STEP_US);
	}
	return ret < 0 ? ret : -EBUSY;
}

void residue_shrink_slabs(void)
{
	DIR *dir = opendir(SLABS);
	struct dirent *entry;
	char path[512];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), SLABS "/%s/shrink", entry->d_name);
		host_write(path, 0, "1");
	}
	closedir(dir);
}

int residue_read_memory(struct residue_memory *m)
{
	m->slab = host_read_number("/proc/meminfo", "SUnreclaim");
	m->percpu = host_read_number("/proc/meminfo", "Percpu");
	m->vmalloc = host_read_number("/proc/meminfo", "VmallocUsed");
	return m->slab < 0 || m->percpu < 0 || m->vmalloc < 0 ? -EIO : 0;
}

void residue_show_memory(const struct residue_memory *before, const struct residue_memory *after)
{
	printf("# slab %+" PRId64 ", percpu %+" PRId64 ", vmalloc %+" PRId64 " KiB\n",
	       after->slab - before->slab, after->percpu - before->percpu,
	       after->vmalloc - before->vmalloc);
	fflush(stdout);
}

/* What waits for a grace period to be freed is a cache as well, and then has to wait for one. */
void residue_settle(void)
{
	usleep(SETTLE_US);
	host_write("/proc/sys/vm/drop_caches", 0, "2");
	usleep(SETTLE_US);
	residue_shrink_slabs();
}

int residue_memory(struct residue_memory *m)
{
	residue_settle();
	return residue_read_memory(m);
}

bool residue_is_leak(const struct residue_memory *before, const struct residue_memory *after,
		     unsigned int rounds)
{
	int64_t limit = (int64_t)rounds * PAGE_KIB;

	return after->slab - before->slab >= limit || after->percpu - before->percpu >= limit ||
		after->vmalloc - before->vmalloc >= limit;
}
