// SPDX-License-Identifier: GPL-2.0-only
/* Which VMs top shows: those whose name matches, and those that were asked for. */
#include <string.h>

#include "top.h"

/**
 * kvmeter_top_filter_set - show the VMs whose name matches a regular expression
 * @filter: changed only if that is one
 * @text: POSIX extended; empty: any name
 * @why: what is wrong with it
 * @size: bytes there
 *
 * Return: false if it is none, or too long.
 */
bool kvmeter_top_filter_set(struct kvmeter_top_filter *filter, const char *text, char *why,
			    size_t size)
{
	regex_t regex;
	int error;

	if (strlen(text) >= sizeof(filter->text)) {
		snprintf(why, size, "too long");
		return false;
	}
	error = *text ? regcomp(&regex, text, REG_EXTENDED | REG_NOSUB) : 0;
	if (error) {
		regerror(error, &regex, why, size);
		return false;
	}
	if (filter->text[0])
		regfree(&filter->regex);
	if (*text)
		filter->regex = regex;
	strcpy(filter->text, text);
	return true;
}

/**
 * kvmeter_top_filter_guest - show one VM, or the few that are called that
 * @filter: what was set
 * @guest: name, pid or id; empty: any
 */
void kvmeter_top_filter_guest(struct kvmeter_top_filter *filter, const char *guest)
{
	snprintf(filter->guest, sizeof(filter->guest), "%s", guest);
}

/**
 * kvmeter_top_filter_clear - show all VMs
 * @filter: what was set
 */
void kvmeter_top_filter_clear(struct kvmeter_top_filter *filter)
{
	if (filter->text[0])
		regfree(&filter->regex);
	filter->text[0] = '\0';
	filter->guest[0] = '\0';
}

static bool is_guest(const struct kvmeter_snap_vm *vm, const char *guest)
{
	char shown[KVMETER_SHOWN_MAX], pid[16];

	kvmeter_escape_text(guest, shown, sizeof(shown));
	snprintf(pid, sizeof(pid), "%u", vm->v.pid);
	return !strcmp(vm->name, guest) || !strcmp(vm->name, shown) || !strcmp(vm->v.id, guest) ||
		!strcmp(pid, guest);
}

/**
 * kvmeter_top_filter_wants - is this VM shown?
 * @filter: what was set
 * @vm: the VM
 *
 * Return: true if its name, as it is shown, matches, and it has the name, pid or id asked for.
 */
bool kvmeter_top_filter_wants(const struct kvmeter_top_filter *filter,
			      const struct kvmeter_snap_vm *vm)
{
	if (filter->text[0] && regexec(&filter->regex, vm->name, 0, NULL, 0))
		return false;
	return !filter->guest[0] || is_guest(vm, filter->guest);
}
