// SPDX-License-Identifier: GPL-2.0-only
/* The columns of top: how each is called, what it shows of a row, and what it is sorted by. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "migrate.h"
#include "top.h"

/* Only what is a number has a value: names are compared as text. */
struct column {
	const char *heading;
	unsigned int width;
	bool text;
	bool (*get)(const struct kvmeter_top_row *row, double *value);
	void (*print)(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size);
};

static bool get_share(const struct kvmeter_top_row *row, enum kvmeter_state state, double *value)
{
	*value = row->tenths[state] / 10.0;
	return row->has_shares;
}

#define SHARE(name, state)                                                       \
	static bool get_##name(const struct kvmeter_top_row *row, double *value) \
	{                                                                        \
		return get_share(row, state, value);                             \
	}

SHARE(guest, KVMETER_STATE_GUEST)
SHARE(kernel, KVMETER_STATE_KERNEL)
SHARE(vmm, KVMETER_STATE_VMM)
SHARE(halt, KVMETER_STATE_HALT)
SHARE(steal, KVMETER_STATE_STEAL)
SHARE(throttle, KVMETER_STATE_THROTTLE)

static bool get_vcpus(const struct kvmeter_top_row *row, double *value)
{
	*value = row->vm->v.nr_vcpus;
	return !row->vcpu;
}

static bool get_exits(const struct kvmeter_top_row *row, double *value)
{
	*value = row->exits_s;
	return true;
}

static bool get_reason_pct(const struct kvmeter_top_row *row, double *value)
{
	*value = row->reason_pct;
	return row->reason[0];
}

static bool get_dirty(const struct kvmeter_top_row *row, double *value)
{
	*value = row->dirty_bytes_s;
	return row->vm->armed;
}

/* Those on their way by their rounds and how much of the last one is sent, then those that ended.
 */
static bool get_migration(const struct kvmeter_top_row *row, double *value)
{
	bool running = kvmeter_migrate_is_running(row->vm);

	*value = running ? row->vm->m.nr_rounds + fmax(0, row->done) : 0;
	return !row->vcpu && (running || row->vm->m.state == KVMETER_MIGRATION_ENDED);
}

static bool get_thief_pct(const struct kvmeter_top_row *row, double *value)
{
	*value = row->thief_pct;
	return row->has_thief;
}

static bool has_begun(const struct kvmeter_top_row *row)
{
	return row->vcpu && row->vcpu->v.first_ns;
}

static bool get_cpu(const struct kvmeter_top_row *row, double *value)
{
	*value = row->vcpu ? row->vcpu->v.cpu : 0;
	return has_begun(row);
}

static bool get_node(const struct kvmeter_top_row *row, double *value)
{
	*value = row->vcpu ? row->vcpu->v.node : 0;
	return has_begun(row);
}

static void print_name(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	(void)pages;
	if (row->vcpu)
		snprintf(buf, size, " vCPU %u", row->vcpu->v.vcpu_id);
	else
		snprintf(buf, size, "%s", row->vm->name);
}

static void print_id(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	(void)pages;
	snprintf(buf, size, "%s", row->vm->v.id);
}

static void print_reason(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	(void)pages;
	snprintf(buf, size, "%s", row->reason[0] ? row->reason : "-");
}

/* What is not known is not shown as 0, as in stat. */
static void print_dirty(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	__u32 state = row->vm->v.log_state;

	if (row->vm->armed && pages)
		snprintf(buf, size, "%.1f", row->dirty_bytes_s / KVMETER_PAGE_BYTES);
	else if (row->vm->armed)
		kvmeter_units_format_bytes(row->dirty_bytes_s, buf, size);
	else if (kvmeter_reasons_is_armed(state))
		snprintf(buf, size, "armed");
	else
		snprintf(buf, size, "%s", kvmeter_reasons_show_log_state(state));
}

static void print_migration(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	const struct kvmeter_migration *m = &row->vm->m;

	(void)pages;
	if (row->vcpu)
		buf[0] = '\0';
	else if (!(row->snap->host.features & KVMETER_FEATURE_SYNC))
		snprintf(buf, size, "unknown");
	else if (kvmeter_migrate_is_running(row->vm) && row->done >= 0)
		snprintf(buf, size, "round %u %.0f%%", m->nr_rounds, floor(row->done * 100));
	else if (kvmeter_migrate_is_running(row->vm))
		snprintf(buf, size, "round %u", m->nr_rounds);
	else if (m->state == KVMETER_MIGRATION_ENDED)
		snprintf(buf, size, "%s", kvmeter_reasons_migration_state(m->state));
	else
		snprintf(buf, size, "-");
}

static void print_thief(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	(void)pages;
	if (row->has_thief)
		kvmeter_thieves_label(&row->thief, row->snap, buf, size);
	else if (!(row->snap->host.features & KVMETER_FEATURE_THIEF))
		snprintf(buf, size, "not attributed");
	else
		snprintf(buf, size, "-");
}

static void print_state(const struct kvmeter_top_row *row, bool pages, char *buf, size_t size)
{
	(void)pages;
	snprintf(buf, size, "%s", has_begun(row) ? kvmeter_reasons_state(row->vcpu->v.state) : "-");
}

/* clang-format off */
static const struct column columns[KVMETER_COLUMN_NR] = {
	[KVMETER_COLUMN_NAME]       = { "NAME", 10, true, NULL, print_name },
	[KVMETER_COLUMN_ID]         = { "ID", 10, true, NULL, print_id },
	[KVMETER_COLUMN_VCPUS]      = { "VCPUS", 5, false, get_vcpus, NULL },
	[KVMETER_COLUMN_GUEST]      = { "GUEST%", 6, false, get_guest, NULL },
	[KVMETER_COLUMN_KERNEL]     = { "KERNEL%", 7, false, get_kernel, NULL },
	[KVMETER_COLUMN_VMM]        = { "VMM%", 5, false, get_vmm, NULL },
	[KVMETER_COLUMN_HALT]       = { "HALT%", 5, false, get_halt, NULL },
	[KVMETER_COLUMN_STEAL]      = { "STEAL%", 6, false, get_steal, NULL },
	[KVMETER_COLUMN_THROTTLE]   = { "THROTTLE%", 9, false, get_throttle, NULL },
	[KVMETER_COLUMN_EXITS]      = { "EXITS/s", 8, false, get_exits, NULL },
	[KVMETER_COLUMN_REASON]     = { "TOP-EXIT", 8, true, NULL, print_reason },
	[KVMETER_COLUMN_REASON_PCT] = { "TOP%", 6, false, get_reason_pct, NULL },
	[KVMETER_COLUMN_DIRTY]      = { "DIRTY/s", 10, false, get_dirty, print_dirty },
	[KVMETER_COLUMN_MIGRATION]  = { "MIGRATION", 13, false, get_migration, print_migration },
	[KVMETER_COLUMN_THIEF]      = { "THIEF", 10, true, NULL, print_thief },
	[KVMETER_COLUMN_THIEF_PCT]  = { "THIEF%", 6, false, get_thief_pct, NULL },
	[KVMETER_COLUMN_STATE]      = { "STATE", 8, true, NULL, print_state },
	[KVMETER_COLUMN_CPU]        = { "CPU", 4, false, get_cpu, NULL },
	[KVMETER_COLUMN_NODE]       = { "NODE", 4, false, get_node, NULL },
};

/* clang-format on */

static bool is_whole(enum kvmeter_top_column column)
{
	return column == KVMETER_COLUMN_VCPUS || column == KVMETER_COLUMN_CPU ||
		column == KVMETER_COLUMN_NODE;
}

/**
 * kvmeter_top_column_heading - what stands over a column
 * @column: the column
 * @pages: dirty memory is told in pages
 *
 * Return: the heading, with the unit.
 */
const char *kvmeter_top_column_heading(enum kvmeter_top_column column, bool pages)
{
	return column == KVMETER_COLUMN_DIRTY && pages ? "PAGES/s" : columns[column].heading;
}

/**
 * kvmeter_top_column_is_text - is it text, which stands on the left and is sorted from A to Z?
 * @column: the column
 *
 * Return: false for a number, which stands on the right and is sorted from the highest down.
 */
bool kvmeter_top_column_is_text(enum kvmeter_top_column column)
{
	return columns[column].text;
}

/**
 * kvmeter_top_column_width - characters that a column has to have
 * @column: the column
 *
 * Return: for numbers the width that they need, for text the least that makes sense.
 */
unsigned int kvmeter_top_column_width(enum kvmeter_top_column column)
{
	return columns[column].width;
}

/* Without the unit, and however it is written. */
static bool has_name(enum kvmeter_top_column column, const char *name)
{
	size_t len = strcspn(columns[column].heading, "%/(");

	return !strcasecmp(columns[column].heading, name) ||
		(strlen(name) == len && !strncasecmp(columns[column].heading, name, len));
}

/**
 * kvmeter_top_column_find - the column of a name
 * @name: as the user wrote it: its heading, or that without what follows the word
 * @column: the column
 *
 * Return: false if there is none of that name.
 */
bool kvmeter_top_column_find(const char *name, enum kvmeter_top_column *column)
{
	unsigned int i;

	for (i = 0; i < KVMETER_COLUMN_NR; i++) {
		/* TOP% and THIEF% are columns beside TOP-EXIT and THIEF: they need the sign */
		if ((i == KVMETER_COLUMN_REASON_PCT || i == KVMETER_COLUMN_THIEF_PCT)
			    ? strcasecmp(columns[i].heading, name)
			    : !has_name(i, name))
			continue;
		*column = i;
		return true;
	}
	return false;
}

/**
 * kvmeter_top_column_get - the number in a column
 * @column: the column, no text
 * @row: the row
 * @value: the number
 *
 * Return: false if there is none: not known, or of no meaning for this row.
 */
bool kvmeter_top_column_get(enum kvmeter_top_column column, const struct kvmeter_top_row *row,
			    double *value)
{
	return columns[column].get && columns[column].get(row, value);
}

/**
 * kvmeter_top_column_print - what a column shows of a row
 * @column: the column
 * @row: the row
 * @pages: dirty memory is told in pages
 * @buf: where it goes; safe to show
 * @size: bytes there, KVMETER_CELL_MAX
 */
void kvmeter_top_column_print(enum kvmeter_top_column column, const struct kvmeter_top_row *row,
			      bool pages, char *buf, size_t size)
{
	double value;

	if (columns[column].print)
		columns[column].print(row, pages, buf, size);
	else if (kvmeter_top_column_get(column, row, &value))
		snprintf(buf, size, "%.*f", is_whole(column) ? 0 : 1, value);
	else
		snprintf(buf, size, "%s", column == KVMETER_COLUMN_VCPUS ? "" : "-");
}
