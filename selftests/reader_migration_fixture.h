/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of tests of a migration of known contents. A test includes this once, after
 * kselftest_harness.h.
 */
#ifndef KVMETER_SELFTESTS_READER_MIGRATION_FIXTURE_H
#define KVMETER_SELFTESTS_READER_MIGRATION_FIXTURE_H

#include "reader_migration.h"

/* clang-format off */
FIXTURE(migrate) {
	struct reader_case c;
};

/* clang-format on */

FIXTURE_SETUP(migrate)
{
	ASSERT_EQ(0, reader_migration_init(&self->c));
}

FIXTURE_TEARDOWN(migrate)
{
	reader_case_put(&self->c);
}

#endif
