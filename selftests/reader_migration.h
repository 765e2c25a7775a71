/* SPDX-License-Identifier: GPL-2.0-only */
/* A migration of known contents, in its second round, and what the reader tells of it. */
#ifndef KVMETER_SELFTESTS_READER_MIGRATION_H
#define KVMETER_SELFTESTS_READER_MIGRATION_H

#include "reader_case.h"

/**
 * reader_migration_init() - begin with a migration
 * @c: "web" has 256 MiB and is migrated. Its first round sent all of that in 8 s, in which the
 * first vCPU dirtied 64 MiB. The second has begun at 9 s. "db" and "idle" are not migrated. The
 * report is of "web"
 *
 * Return: 0, or -1 if there is no memory.
 */
int reader_migration_init(struct reader_case *c);

/** reader_migration_pass() - from 9 s to 10 s: the first vCPU dirties 16 MiB */
void reader_migration_pass(struct reader_case *c);

/* For reader_case_show(): what kvmeter migrate prints. */
void reader_migration_print_text(const struct reader_case *c);
void reader_migration_print_list(const struct reader_case *c);
void reader_migration_print_json(const struct reader_case *c);

#endif
