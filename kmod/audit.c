// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: a ring of the last records of what was decided.
 *
 * Whoever adds one does not wait for readers, nor they for each other. A reader is behind the
 * record whose number is its file position: that is all there is to an open file.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "audit.h"
#include "clock.h"
#include "mem.h"

#define RECORDS 1024

static DEFINE_SPINLOCK(lock);
static struct kvmeter_audit *ring; /* record n is entry n % RECORDS; under @lock */
static u64 last_nr;		   /* under @lock, read without it too */
static DECLARE_WAIT_QUEUE_HEAD(readers);

/**
 * kvmeter_audit_add - add a record
 * @a: the record; nr, kind, real_ns and, unless it has one, time_ns are filled in
 * @kind: of which kind it is
 *
 * Context: process, no lock of the store's held.
 */
void kvmeter_audit_add(struct kvmeter_audit *a, enum kvmeter_audit_kind kind)
{
	u64 now = kvmeter_clock_now();

	if (!a->time_ns)
		a->time_ns = now;
	a->real_ns = ktime_get_real_ns() - (now - a->time_ns);
	a->kind = kind;
	spin_lock(&lock);
	a->nr = last_nr + 1;
	ring[a->nr % RECORDS] = *a;
	WRITE_ONCE(last_nr, a->nr);
	spin_unlock(&lock);
	wake_up_interruptible(&readers);
}

/**
 * kvmeter_audit_get - copy of a record
 * @nr: its number; if that one is lost, or 0, the oldest there is
 * @a: filled in
 *
 * Context: process.
 * Return: false if there is none that has this number, or a greater one.
 */
bool kvmeter_audit_get(u64 nr, struct kvmeter_audit *a)
{
	bool found;

	spin_lock(&lock);
	if (!nr)
		nr = 1;
	if (last_nr > RECORDS && nr <= last_nr - RECORDS)
		nr = last_nr - RECORDS + 1;
	found = nr <= last_nr;
	if (found)
		*a = ring[nr % RECORDS];
	spin_unlock(&lock);
	return found;
}

/**
 * kvmeter_audit_read - read() of /dev/kvmeter
 * @to: where to
 * @size: room there
 * @pos: number of the record read last
 *
 * Context: may sleep.
 * Return: as the contract says; -EFAULT if nothing could be written.
 */
ssize_t kvmeter_audit_read(char __user *to, size_t size, loff_t *pos)
{
	struct kvmeter_audit a;
	ssize_t done = 0;

	if (size < sizeof(a))
		return -EINVAL;
	while (size - done >= sizeof(a) && kvmeter_audit_get(*pos + 1, &a)) {
		if (copy_to_user(to + done, &a, sizeof(a)))
			return done ? done : -EFAULT;
		*pos = a.nr;
		done += sizeof(a);
	}
	return done;
}

/**
 * kvmeter_audit_poll - poll() of /dev/kvmeter
 * @file: the file
 * @wait: as in file_operations
 *
 * Context: may sleep.
 * Return: EPOLLIN if there is a record that was not read yet.
 */
__poll_t kvmeter_audit_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &readers, wait);
	return READ_ONCE(last_nr) > (u64)file->f_pos ? EPOLLIN | EPOLLRDNORM : 0;
}

/**
 * kvmeter_audit_init - room for the records
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvmeter_audit_init(void)
{
	ring = kvcalloc(RECORDS, sizeof(*ring), KVMETER_GFP);
	return ring ? 0 : -ENOMEM;
}

/**
 * kvmeter_audit_exit - undo kvmeter_audit_init()
 *
 * Context: may sleep; nobody adds or reads any more.
 */
void kvmeter_audit_exit(void)
{
	kvfree(ring);
}
