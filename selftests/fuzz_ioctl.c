// SPDX-License-Identifier: GPL-2.0-only
/* Hostile ioctls: see fuzz_target.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "random.h"

#define NOBODY_CALLS 2000
#define SECOND_NS 1000000000ull

static void fill_GET_INFO(struct fuzz_target *t, struct kvmeter_info *a)
{
	(void)t;
	memset(a, 0, sizeof(*a));
}

static void fill_ATTACH(struct fuzz_target *t, struct kvmeter_attach *a)
{
	uint64_t wrong = fuzz_chance(2) ? 0 : random_in(1, 4);

	*a = (struct kvmeter_attach){ .abi = KVMETER_ABI };
	memcpy(a->fd, t->set, sizeof(t->set));
	/* Every map of a set but some. */
	for (; wrong; wrong--)
		a->fd[random_in(0, KVMETER_MAP_NR)] = fuzz_any_fd(t);
}

static void fill_DETACH(struct fuzz_target *t, void *a)
{
	(void)t;
	(void)a;
}

static void fill_DIRTY_START(struct fuzz_target *t, struct kvmeter_dirty_start *a)
{
	*a = (struct kvmeter_dirty_start){
		.abi = KVMETER_ABI,
		.flags = fuzz_chance(2) ? KVMETER_DIRTY_OBSERVE : 0,
		.vm_fd = t->victim[random_in(0, FUZZ_VICTIMS)].vm.fd,
		.interval_ns = KVMETER_INTERVAL_MIN_NS << random_in(0, 6),
	};
	if (fuzz_chance(3))
		a->duration_ns = a->interval_ns * random_in(1, 9);
	if (fuzz_chance(8))
		a->vm_fd = t->bystander.vm.fd;
	else if (fuzz_chance(8))
		a->vm_fd = fuzz_any_fd(t);
}

static void fill_DIRTY_STOP(struct fuzz_target *t, struct kvmeter_dirty_stop *a)
{
	*a = (struct kvmeter_dirty_stop){ .abi = KVMETER_ABI };
	a->vm = fuzz_any_slot(t, &a->vm_gen);
}

static void fill_DIRTY_READ(struct fuzz_target *t, struct kvmeter_dirty_read *a)
{
	*a = (struct kvmeter_dirty_read){
		.abi = KVMETER_ABI,
		.nr = (uint32_t)random_in(1, 65),
		.shift = (uint32_t)random_in(0, KVMETER_SHIFT_MAX + 1),
		.within_ns = fuzz_chance(2) ? 0 : random_size(),
		/* So large a buffer ends where there is nothing. */
		.cells = (uintptr_t)t->cells.page + (fuzz_chance(8) ? 4000 : 0),
	};
	a->vm = fuzz_any_slot(t, &a->vm_gen);
	a->gfn = random_in(0, 3) << a->shift;
	if (fuzz_chance(8))
		a->cells = fuzz_address();
	if (fuzz_chance(16))
		a->nr = KVMETER_CELLS_MAX;
}

static void fill_QUOTA(struct fuzz_target *t, struct kvmeter_quota *a)
{
	*a = (struct kvmeter_quota){
		.abi = KVMETER_ABI,
		.bytes_per_s = fuzz_chance(2) ? 0 : KVMETER_QUOTA_MIN + (random_size() >> 12),
	};
	a->vm = fuzz_any_slot(t, &a->vm_gen);
}

static void fill_AUTOCONVERGE(struct fuzz_target *t, struct kvmeter_autoconverge *a)
{
	*a = (struct kvmeter_autoconverge){
		.abi = KVMETER_ABI,
		.mode = (uint32_t)random_in(0, KVMETER_AUTOCONVERGE_DEFAULT + 1),
		.goal = (uint32_t)random_in(0, KVMETER_GOAL_DEADLINE + 1),
		.downtime_ns = fuzz_chance(2) ? 0 : random_in(0, 2000000000000ull),
		.bandwidth = fuzz_chance(2) ? 0 : random_size(),
	};
	if (a->goal == KVMETER_GOAL_DEADLINE)
		a->deadline_ns = random_in(1000000000ull, 600000000000ull);
	a->vm = fuzz_any_slot(t, &a->vm_gen);
}

/* ---- is an argument one that may be taken, as the header says? ---- */

static bool is_zero(const void *data, size_t size)
{
	const uint8_t *byte = data;

	while (size && !*byte) {
		byte++;
		size--;
	}
	return !size;
}

#define IS_PLAIN(a) \
	((a)->abi == KVMETER_ABI && !(a)->flags && is_zero((a)->reserved, sizeof((a)->reserved)))

static bool valid_GET_INFO(const struct kvmeter_info *a)
{
	(void)a;
	return true;
}

static bool valid_ATTACH(const struct kvmeter_attach *a)
{
	return IS_PLAIN(a) &&
		is_zero(a->fd + KVMETER_MAP_NR, sizeof(a->fd) - KVMETER_MAP_NR * sizeof(a->fd[0]));
}

static bool valid_DETACH(const void *a)
{
	return !a;
}

static bool valid_DIRTY_START(const struct kvmeter_dirty_start *a)
{
	uint64_t ns = KVMETER_INTERVAL_MIN_NS;

	while (ns != a->interval_ns && ns < KVMETER_INTERVAL_MAX_NS)
		ns *= 2;
	if (a->duration_ns &&
	    (a->duration_ns < a->interval_ns || a->duration_ns > KVMETER_DURATION_MAX_NS))
		return false;
	return a->abi == KVMETER_ABI && !(a->flags & ~KVMETER_DIRTY_OBSERVE) && !a->reserved0 &&
		is_zero(a->reserved, sizeof(a->reserved)) && ns == a->interval_ns;
}

static bool valid_DIRTY_STOP(const struct kvmeter_dirty_stop *a)
{
	return IS_PLAIN(a);
}

static bool valid_DIRTY_READ(const struct kvmeter_dirty_read *a)
{
	return IS_PLAIN(a) && a->nr && a->nr <= KVMETER_CELLS_MAX &&
		a->shift <= KVMETER_SHIFT_MAX && a->gfn % (1u << a->shift) == 0;
}

static bool valid_QUOTA(const struct kvmeter_quota *a)
{
	return IS_PLAIN(a) &&
		(!a->bytes_per_s ||
		 (a->bytes_per_s >= KVMETER_QUOTA_MIN && a->bytes_per_s <= KVMETER_QUOTA_MAX));
}

static bool valid_AUTOCONVERGE(const struct kvmeter_autoconverge *a)
{
	bool deadline = a->goal == KVMETER_GOAL_DEADLINE;

	return IS_PLAIN(a) && a->mode <= KVMETER_AUTOCONVERGE_DEFAULT &&
		a->goal <= KVMETER_GOAL_DEADLINE && a->downtime_ns <= 2000 * SECOND_NS &&
		(deadline ? a->deadline_ns >= SECOND_NS && a->deadline_ns <= 7 * 86400 * SECOND_NS
			  : !a->deadline_ns);
}

/* ---- ioctls, and what the header says they may give ---- */

#define NO_ROOM E2BIG, EMFILE, ENOMEM
#define LIST(name, ...) static const int name[] = { __VA_ARGS__, 0 }

LIST(may_GET_INFO, EFAULT);
LIST(may_ATTACH, EFAULT, EINVAL, EBADF, EBUSY);
LIST(may_DETACH, ENXIO, ENOMEM, EINVAL);
LIST(may_DIRTY_START, EFAULT, EINVAL, EBADF, ENOENT, EALREADY, EBUSY, EOPNOTSUPP, NO_ROOM);
LIST(may_DIRTY_STOP, EFAULT, ENOENT, EINVAL);
LIST(may_DIRTY_READ, EFAULT, ENOENT, EINVAL, ENOMEM);
LIST(may_QUOTA, EFAULT, ENOENT, EOPNOTSUPP, EINVAL);
LIST(may_AUTOCONVERGE, EFAULT, ENOENT, EOPNOTSUPP, EINVAL);

LIST(must_GET_INFO, EFAULT);
LIST(must_ATTACH, EFAULT, EINVAL, EBADF, EBUSY);
LIST(must_DETACH, ENXIO, EINVAL);
LIST(must_DIRTY_START, EFAULT, EINVAL, EBADF, EALREADY, EOPNOTSUPP);
LIST(must_DIRTY_STOP, EFAULT, ENOENT, EINVAL);
LIST(must_DIRTY_READ, EFAULT, ENOENT, EINVAL);
LIST(must_QUOTA, EFAULT, ENOENT, EINVAL);
LIST(must_AUTOCONVERGE, EFAULT, ENOENT, EINVAL);

LIST(may_unknown, ENOTTY);
LIST(may_read, EINVAL, EFAULT);
LIST(may_write, EINVAL);
LIST(may_mmap, ENODEV);
LIST(may_seek, EINVAL);
LIST(may_open, ENOENT, EINVAL, EIO);
/* A VM is gone, or its directory; EBADF: opened for writing. */
LIST(may_view, ENOENT, EIO, EINVAL, EFAULT, EBADF);
/* ESPIPE: at an offset. */
LIST(may_view_write, EINVAL, EBADF, EFAULT, EIO, ESPIPE);
LIST(may_other, ENODEV, ENOTTY, EACCES, EIO, EBADF);
/* EACCES: it can only be read. */
LIST(may_open_param, ENOENT, EINVAL, EACCES);
LIST(may_param, EINVAL, ERANGE, EFAULT, EBADF);
LIST(must_read, EINVAL);
LIST(must_param, EINVAL);

struct ioctl_kind {
	unsigned long cmd;
	size_t size;
	void (*fill)(struct fuzz_target *t, void *a);
	bool (*is_valid)(const void *a);
};

static const struct ioctl_kind ioctls[FUZZ_IOCTLS] = {
#define IOCTL(name)                                                            \
	[FUZZ_##name] = { KVMETER_##name, _IOC_SIZE(KVMETER_##name),           \
			  (void (*)(struct fuzz_target *, void *))fill_##name, \
			  (bool (*)(const void *))valid_##name },
#include "ioctls.list"
#undef IOCTL
};

void fuzz_name_kinds(struct fuzz_record *r)
{
	static const struct fuzz_kind kind[FUZZ_NR] = {
/* clang-format off */
#define IOCTL(name) \
	[FUZZ_##name] = { #name, may_##name, must_##name, { 0 } },
/* clang-format on */
#include "ioctls.list"
#undef IOCTL
		[FUZZ_UNKNOWN_IOCTL] = { "unknown", may_unknown, NULL, { 0 } },
		[FUZZ_READ] = { "read", may_read, must_read, { 0 } },
		[FUZZ_PREAD] = { "pread", may_read, NULL, { 0 } },
		[FUZZ_WRITE] = { "write", may_write, NULL, { 0 } },
		[FUZZ_MMAP] = { "mmap", may_mmap, NULL, { 0 } },
		[FUZZ_POLL] = { "poll", NULL, NULL, { 0 } },
		[FUZZ_SEEK] = { "lseek", may_seek, NULL, { 0 } },
		[FUZZ_VIEW_OPEN] = { "debugfs open", may_open, NULL, { 0 } },
		[FUZZ_VIEW_READ] = { "debugfs read", may_view, NULL, { 0 } },
		[FUZZ_VIEW_SEEK] = { "debugfs lseek", may_view, NULL, { 0 } },
		[FUZZ_VIEW_WRITE] = { "debugfs write", may_view_write, NULL, { 0 } },
		[FUZZ_VIEW_OTHER] = { "debugfs other", may_other, NULL, { 0 } },
		[FUZZ_PARAM_OPEN] = { "param open", may_open_param, NULL, { 0 } },
		[FUZZ_PARAM_READ] = { "param read", may_param, NULL, { 0 } },
		[FUZZ_PARAM_WRITE] = { "param write", may_param, must_param, { 0 } },
	};

	memcpy(r->kind, kind, sizeof(kind));
}

/* The other way in: of a program of 32 bits. */
static long compat_ioctl(int fd, unsigned long cmd, unsigned long arg)
{
	long ret = 54;

	asm volatile("int $0x80"
		     : "+a"(ret)
		     : "b"((long)fd), "c"((long)(uint32_t)cmd), "d"((long)(uint32_t)arg)
		     : "memory", "r8", "r9", "r10", "r11");
	ret = (int)ret;
	if (ret >= 0)
		return ret;
	errno = (int)-ret;
	return -1;
}

static long call(struct fuzz_target *t, unsigned long cmd, const void *arg)
{
	if (t->compat && fuzz_chance(8))
		return compat_ioctl(t->dev, cmd, (unsigned long)arg);
	return ioctl(t->dev, cmd, arg);
}

/*
 * EINVAL says that the argument is wrong: of these it is, and of the others it may be what it
 * names.
 */
static bool is_exact(unsigned int kind)
{
	return kind != FUZZ_ATTACH && kind != FUZZ_DIRTY_START;
}

static void check_result(struct fuzz_target *t, unsigned int kind, const void *arg, int err)
{
	bool valid = ioctls[kind].is_valid(arg);

	if (!err && !valid)
		fuzz_wrong(t->record, "taken though it is not valid: ioctl", kind);
	if (err == EINVAL && valid && is_exact(kind))
		fuzz_wrong(t->record, "refused though it is valid: ioctl", kind);
}

/* One that another thread changes meanwhile: what it was to the kernel nobody knows. */
static void fuzz_changing_ioctl(struct fuzz_target *t, unsigned int kind)
{
	uint8_t data[512];

	ioctls[kind].fill(t, data);
	memcpy(t->changing.page, data, ioctls[kind].size);
	fuzz_note(t->record, kind, call(t, ioctls[kind].cmd, t->changing.page));
}

/* Those that wait for all CPUs more seldom. */
static unsigned int any_kind(void)
{
	unsigned int kind;

	do {
		kind = (unsigned int)random_in(0, FUZZ_IOCTLS);
	} while ((kind == FUZZ_ATTACH || kind == FUZZ_DETACH || kind == FUZZ_DIRTY_START ||
		  kind == FUZZ_DIRTY_STOP) &&
		 !fuzz_chance(6));
	return kind;
}

void fuzz_ioctl(struct fuzz_target *t, struct fuzz_buffer *buffer)
{
	unsigned int kind = any_kind();
	const struct ioctl_kind *k = &ioctls[kind];
	uint8_t data[512];
	void *arg = NULL;
	int err;

	if (!k->size) {
		arg = (void *)(fuzz_chance(3) ? fuzz_value() & UINT32_MAX : 0);
		err = fuzz_note(t->record, kind, call(t, k->cmd, arg));
		check_result(t, kind, arg, err);
		return;
	}
	if (fuzz_chance(6)) {
		fuzz_changing_ioctl(t, kind);
		return;
	}
	k->fill(t, data);
	if (fuzz_chance(2))
		fuzz_mutate(data, k->size);
	arg = fuzz_buffer_place(buffer, data, k->size);
	err = fuzz_note(t->record, kind, call(t, k->cmd, arg));
	check_result(t, kind, data, err);
}

static bool is_known(unsigned long cmd)
{
	int i;

	for (i = 0; i < FUZZ_IOCTLS; i++)
		if (ioctls[i].cmd == cmd)
			return true;
	return false;
}

/* Numbers that files of all kinds know are none of ours: FIOCLEX and its like. */
static bool is_everybodys(unsigned long cmd)
{
	return _IOC_TYPE(cmd) == 'T' || _IOC_TYPE(cmd) == 'f' || _IOC_TYPE(cmd) == 'X' ||
		_IOC_TYPE(cmd) == 0 || _IOC_TYPE(cmd) == 0x94 || _IOC_TYPE(cmd) == 0x15;
}

void fuzz_unknown_ioctl(struct fuzz_target *t, struct fuzz_buffer *buffer)
{
	uint32_t cmd = (uint32_t)ioctls[random_in(0, FUZZ_IOCTLS)].cmd;
	uint8_t data[512] = {};

	switch (random_in(0, 4)) {
	case 0:
		cmd = (uint32_t)random_u64();
		break;
	case 1:
		cmd = _IO(KVMETER_IOC_MAGIC, random_in(FUZZ_IOCTLS, 256));
		break;
	case 2:
		cmd = (cmd & ~(uint32_t)IOCSIZE_MASK) |
			(uint32_t)random_in(0, 1 << _IOC_SIZEBITS) << IOCSIZE_SHIFT;
		break;
	default:
		cmd ^= 1u << random_in(0, 32);
		break;
	}
	if (is_known(cmd) || is_everybodys(cmd))
		return;
	if (!fuzz_note(t->record, FUZZ_UNKNOWN_IOCTL,
		       call(t, cmd, fuzz_buffer_place(buffer, data, sizeof(data)))))
		fuzz_wrong(t->record, "an unknown ioctl succeeds", cmd);
}

/* Does this kernel have that other way in? It kills who tries if not. */
bool fuzz_has_compat(int dev)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(compat_ioctl(dev, KVMETER_DETACH, 1) != -1 || errno != EINVAL);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

int fuzz_ioctl_as_nobody(struct fuzz_target *t)
{
	unsigned int i, kind;
	uint8_t data[512];

	for (i = 0; i < NOBODY_CALLS; i++) {
		kind = (unsigned int)random_in(0, FUZZ_IOCTLS);
		memset(data, 0, sizeof(data));
		if (ioctls[kind].size)
			ioctls[kind].fill(t, data);
		fuzz_mutate(data, sizeof(data));
		if (ioctl(t->dev, ioctls[kind].cmd, data) != -1 || errno != EPERM)
			return -1;
		if (ioctl(t->dev, _IO(KVMETER_IOC_MAGIC, random_in(0, 256)), data) != -1 ||
		    errno != EPERM)
			return -1;
	}
	return 0;
}
