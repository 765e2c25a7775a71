/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests do with the host's kernel: load the module, watch the log, trace exits, pin threads.
 *
 * Functions return 0 or a non-negative value, or a negative errno, unless they say otherwise.
 */
#ifndef KVMETER_SELFTESTS_HOST_H
#define KVMETER_SELFTESTS_HOST_H

#include <linux/kvmeter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_REASONS_MAX 64

/**
 * host_beside() - where a file of the tree is that this program was built in
 * @env: variable that names another file, or NULL
 * @name: its path in the tree
 * @path: set to its path
 * @size: of @path
 *
 * Return: @path.
 */
char *host_beside(const char *env, const char *name, char *path, size_t size);

/** host_exec_reader() - become the reader, $KVMETER or the tree's; what it prints is thrown away */
_Noreturn void host_exec_reader(const char *command, const char *arg1, const char *arg2);

/** host_open_module() - a file descriptor of the module's file, $KVMETER_KO or the tree's */
int host_open_module(void);

/** host_load() - insmod of that file, with parameters */
int host_load(const char *params);

/**
 * host_read_module() - what host_load() would load
 * @image: set to a copy of it, to be freed
 * @bytes: set to its size
 */
int host_read_module(char **image, size_t *bytes);

/** host_load_image() - insmod of a module in memory */
int host_load_image(const char *image, size_t bytes, const char *params);

/** host_unload() - rmmod, without waiting */
int host_unload(void);

/** host_is_loaded() - is the module loaded? */
bool host_is_loaded(void);

/** host_write() - write @text to a file that is there, which open() is given @flags for */
int host_write(const char *path, int flags, const char *text);

/** host_wait_file() - wait until there is a file, for some seconds at most */
int host_wait_file(const char *path);

/** host_wait_gone() - wait until a file is not there any more, as long */
int host_wait_gone(const char *path);

/** host_read_line() - set @line to the first line of a file, or to "" */
int host_read_line(const char *path, char *line, size_t size);

/**
 * host_read_number() - a number, not a negative one, that a text file has
 * @path: the file
 * @key: what its line begins with, before a colon or a space; NULL: the first line is the number
 */
int64_t host_read_number(const char *path, const char *key);

/** host_memory_kib() - memory that the kernel and its modules have allocated, in KiB */
int64_t host_memory_kib(void);

/** host_read_tree() - read all files in a directory and below, as far as they are there */
void host_read_tree(const char *path);

/** host_log_open() - a file descriptor that gives kernel messages from now on */
int host_log_open(void);

/**
 * host_log_next() - next message that matters: a warning or worse, or one of kvmeter
 * @fd: of host_log_open()
 * @text: set to the message, or to ""
 * @size: of @text
 *
 * What the kernel says of an unsigned module of another tree, or of a slow host, does not matter.
 *
 * Return: 1 if there was one, 0 if not.
 */
int host_log_next(int fd, char *text, size_t size);

/**
 * struct host_trace - the kernel's own count of exits, by reason: a histogram on its event kvm_exit
 * @tid: thread whose exits are counted
 * @dropped: exits that found no room in the histogram; must be 0
 * @nr: reasons
 * @reason: each reason, as kvmeter has it
 * @count: how many exits
 */
struct host_trace {
	pid_t tid;
	uint64_t dropped;
	unsigned int nr;
	uint32_t reason[HOST_REASONS_MAX];
	uint64_t count[HOST_REASONS_MAX];
};

/** host_trace_start() - begin to count the calling thread's exits */
int host_trace_start(struct host_trace *trace);

/** host_trace_stop() - fill in the counts, and stop counting */
int host_trace_stop(struct host_trace *trace);

/** host_trace_count() - exits for a reason */
uint64_t host_trace_count(const struct host_trace *trace, uint32_t reason);

/**
 * struct host_latency - the kernel's own times from kvm_exit to kvm_entry, for one reason
 * @tid: thread whose exits are timed
 * @reason: of the exits
 * @hist: the times, in buckets as kvmeter's
 * @total_ns: what they add up to
 */
struct host_latency {
	pid_t tid;
	uint32_t reason;
	struct kvmeter_hist hist;
	uint64_t total_ns;
};

/** host_latency_start() - begin to time the calling thread's exits for a reason */
int host_latency_start(struct host_latency *latency, uint32_t reason);

/** host_latency_stop() - fill in the times, and stop timing */
int host_latency_stop(struct host_latency *latency);

/**
 * host_logs_pages() - does the CPU have Page Modification Logging?
 *
 * Pages are dirtied there without an exit, and so many times faster than where each is a fault.
 */
bool host_logs_pages(void);

/**
 * host_slowness() - how often to repeat what has to take long beside what the host itself does
 *
 * Return: 1, and on a kernel with checkers $KVMETER_SLOW: how many instructions it executes where
 * another executes one, and how much less time each takes with virtual time.
 */
unsigned int host_slowness(void);

/** host_is_long() - is KVMETER_LONG set, so that tests take as long as they like? */
bool host_is_long(void);

/**
 * host_allow_huge_pages() - let memory have huge pages where it is asked for
 *
 * Return: true if that was off, as it is on a host with little memory.
 */
bool host_allow_huge_pages(void);

/** host_forbid_huge_pages() - undo that */
void host_forbid_huge_pages(void);

/** host_pin() - run the calling thread on one CPU only */
int host_pin(int cpu);

/**
 * host_wait_slack_ns() - how far a wait for the CPU may be from what schedstat says of it
 *
 * The scheduler's clock stands still from a wake-up that preempts to the switch that follows
 * (rq_clock_skip_update()), and softirqs run in between; and it is read before the next task is
 * picked, where we look after that: 0.3 to 0.4 ms in the mean on a kernel with checkers. On others
 * it is little enough for what the tests allow anyway: 0.
 */
uint64_t host_wait_slack_ns(void);

/** host_run_delay_open() - a file descriptor of the calling thread's schedstat */
int host_run_delay_open(void);

/** host_run_delay_ns() - field 2 of it; UINT64_MAX if not to be had */
uint64_t host_run_delay_ns(int fd);

/** host_now_ns() - CLOCK_MONOTONIC */
uint64_t host_now_ns(void);

/** host_compute() - have the CPU, or want it, for so long by that clock */
void host_compute(uint64_t ns);

#endif
