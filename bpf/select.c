// SPDX-License-Identifier: GPL-2.0-only
/* Finds the VM that the user means, and understands the numbers beside it. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* A number alone, if no VM's, is an interval up to this. */
#define BARE_INTERVAL_MAX_S 60

static bool matches(const struct kvmeter_snap_vm *vm, const char *what, const char *shown)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%u", vm->v.pid);
	return !strcmp(vm->name, shown) || !strcmp(vm->name, what) || !strcmp(vm->v.id, what) ||
		!strcmp(pid, what);
}

static void fail_several(const struct kvmeter_snap *snap, const char *what, const char *shown)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	unsigned int i;

	if (!out)
		err(1, "no memory");
	for (i = 0; i < snap->nr_vms; i++) {
		if (matches(&snap->vms[i], what, shown))
			fprintf(out, "%s %s (%s)", ftell(out) ? "," : "", snap->vms[i].v.id,
				snap->vms[i].name);
	}
	fclose(out);
	errx(1, "'%s' is several VMs, say which by its id:%s", shown, line);
}

/**
 * kvmeter_select_find_vm - find a VM by its name, pid or id
 * @snap: where to look
 * @what: what the user calls it, the name as it is or as it is shown
 *
 * Return: index in snap->vms, or -1 if there is none. Ends the program if there are several.
 */
int kvmeter_select_find_vm(const struct kvmeter_snap *snap, const char *what)
{
	char shown[KVMETER_SHOWN_MAX];
	unsigned int i;
	int found = -1;

	kvmeter_escape_text(what, shown, sizeof(shown));
	for (i = 0; i < snap->nr_vms; i++) {
		if (!matches(&snap->vms[i], what, shown))
			continue;
		if (found >= 0)
			fail_several(snap, what, shown);
		found = i;
	}
	return found;
}

/**
 * kvmeter_select_get_vm - find a VM that has to be there
 * @snap: where to look
 * @what: as in kvmeter_select_find_vm()
 *
 * Return: index in snap->vms. Ends the program if there is none, or several.
 */
int kvmeter_select_get_vm(const struct kvmeter_snap *snap, const char *what)
{
	char shown[KVMETER_SHOWN_MAX];
	int vm = kvmeter_select_find_vm(snap, what);

	if (vm >= 0)
		return vm;
	kvmeter_escape_text(what, shown, sizeof(shown));
	errx(1, "no VM has the name, pid or id '%s'", shown);
}

/**
 * kvmeter_select_is_unique - is a VM's name that of no other?
 * @snap: where to look
 * @vm: the VM, one of them
 *
 * Return: false if its name does not tell which VM is meant.
 */
bool kvmeter_select_is_unique(const struct kvmeter_snap *snap, const struct kvmeter_snap_vm *vm)
{
	unsigned int i;

	for (i = 0; i < snap->nr_vms; i++) {
		if (&snap->vms[i] != vm && !strcmp(snap->vms[i].name, vm->name))
			return false;
	}
	return true;
}

/**
 * kvmeter_select_parse_seconds - understand an interval: 5, 0.5, 10s, 5m, 1h
 * @text: what the user wrote
 * @seconds: the interval, [0.01, 10^6]
 * @unit: whether it had a unit
 *
 * Return: false if it is no interval.
 */
bool kvmeter_select_parse_seconds(const char *text, double *seconds, bool *unit)
{
	size_t len = strspn(text, "0123456789.");
	char *end;

	/* What strtod() takes besides, signs and hexadecimal and "nan", is no interval. */
	if (!len || len > 15 || strlen(text + len) > 1)
		return false;
	*seconds = strtod(text, &end);
	if (end != text + len)
		return false;
	*unit = *end;
	if (*end == 'h')
		*seconds *= 3600;
	else if (*end == 'm')
		*seconds *= 60;
	else if (*end && *end != 's')
		return false;
	return *seconds >= 0.01 && *seconds <= 1e6;
}

/**
 * kvmeter_select_is_interval - is it an interval where it might be something else?
 * @text: what the user wrote
 * @seconds: the interval
 *
 * Return: true if it has a unit, or is small: above that it is most likely a pid that is gone.
 */
bool kvmeter_select_is_interval(const char *text, double *seconds)
{
	bool unit;

	return kvmeter_select_parse_seconds(text, seconds, &unit) &&
		(unit || *seconds <= BARE_INTERVAL_MAX_S);
}

/**
 * kvmeter_select_parse_count - understand a number of reports
 * @text: what the user wrote
 * @count: the number, [1, 10^9)
 *
 * Return: false if it is none.
 */
bool kvmeter_select_parse_count(const char *text, unsigned long *count)
{
	size_t len = strlen(text);

	if (!len || len > 9 || strspn(text, "0123456789") != len)
		return false;
	*count = strtoul(text, NULL, 10);
	return *count > 0;
}
