/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hostile input: values, buffers and file descriptors that are nearly right, and a record of what
 * came of them. Random numbers are those of random.h: each thread has its own.
 */
#ifndef KVMETER_SELFTESTS_FUZZ_H
#define KVMETER_SELFTESTS_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_ERRNOS 134
#define FUZZ_KINDS 40

/**
 * struct fuzz_kind - calls of one kind, and what came of them
 * @name: what is called; set once
 * @documented: errnos that it may give, ended by 0
 * @needed: errnos of these that have to come, ended by 0; a success too
 * @result: how often each errno came, 0: success
 */
struct fuzz_kind {
	const char *name;
	const int *documented;
	const int *needed;
	atomic_ulong result[FUZZ_ERRNOS];
};

/**
 * struct fuzz_record - what all threads and their children found
 * @kind: by kind of call
 * @wrong: results that are not documented, and other things that must not be
 */
struct fuzz_record {
	struct fuzz_kind kind[FUZZ_KINDS];
	atomic_ulong wrong;
};

/**
 * struct fuzz_buffer - memory for an argument, near memory that is not there
 * @page: one page that can be written to, below 4 GiB; the next one is not there, the one after
 *	  that can only be read
 */
struct fuzz_buffer {
	uint8_t *page;
};

/** fuzz_record_new() - shared with children; NULL if there is no memory */
struct fuzz_record *fuzz_record_new(void);

/** fuzz_record_free() - undo that */
void fuzz_record_free(struct fuzz_record *r);

/** fuzz_note() - a call of a kind has given 0 or more, or -1 and errno; returns errno or 0 */
int fuzz_note(struct fuzz_record *r, unsigned int kind, long ret);

/** fuzz_wrong() - something else was found that must not be; said once in a while */
void fuzz_wrong(struct fuzz_record *r, const char *what, long value);

/** fuzz_show() - print what came, and how many calls there were in @seconds */
void fuzz_show(const struct fuzz_record *r, double seconds);

/** fuzz_missing() - needed results that never came; each is printed if @say */
unsigned int fuzz_missing(const struct fuzz_record *r, bool say);

/** fuzz_buffer_init() - make one; returns 0 or a negative errno */
int fuzz_buffer_init(struct fuzz_buffer *b);

/** fuzz_buffer_exit() - undo that */
void fuzz_buffer_exit(struct fuzz_buffer *b);

/**
 * fuzz_buffer_place() - put an argument where it is seldom
 * @b: the buffer
 * @data: the argument
 * @size: of it, a page at most
 *
 * Return: its address, or a wild one.
 */
void *fuzz_buffer_place(struct fuzz_buffer *b, const void *data, size_t size);

/** fuzz_chance() - true once in @nr times */
bool fuzz_chance(unsigned int nr);

/** fuzz_value() - a number near a boundary, or any */
uint64_t fuzz_value(void);

/** fuzz_address() - an address at which nothing is, or not the caller's */
uint64_t fuzz_address(void);

/** fuzz_mutate() - change something in @size bytes, or nothing */
void fuzz_mutate(void *data, size_t size);

#endif
