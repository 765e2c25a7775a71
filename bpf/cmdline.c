// SPDX-License-Identifier: GPL-2.0-only
/* Finds the name of a VM in the command line of its VMM. */
#include <string.h>

#include "reader.h"

/*
 * Copy the element of an option list at @s into @to, up to the next comma; two commas stand for one
 * that belongs to the text, as QEMU has it. Return: what follows the comma, NULL at the end.
 */
static const char *next_element(const char *s, char *to, size_t size)
{
	while (*s) {
		if (*s == ',') {
			if (s[1] != ',') {
				*to = '\0';
				return s + 1;
			}
			s++;
		}
		if (size > 1) {
			*to++ = *s;
			size--;
		}
		s++;
	}
	*to = '\0';
	return NULL;
}

/* "web1", "web1,debug-threads=on", "process=x,guest=web1": the first element may lack its key. */
static bool name_from_option(const char *option, char *name, size_t size)
{
	static const char key[] = "guest=";
	char element[sizeof(key) + KVMETER_NAME_MAX];
	bool first = true, found = false;

	while (option) {
		option = next_element(option, element, sizeof(element));
		if (!strncmp(element, key, sizeof(key) - 1)) {
			snprintf(name, size, "%s", element + sizeof(key) - 1);
			found = true;
		} else if (first && !strchr(element, '=')) {
			snprintf(name, size, "%s", element);
			found = true;
		}
		first = false;
	}
	return found && *name;
}

/**
 * kvmeter_cmdline_get_name - find a VM's name in a command line
 * @cmdline: arguments, each with a NUL after it, as in /proc/PID/cmdline; @cmdline[@len] is 0
 * @len: bytes
 * @name: the name
 * @size: bytes there; a longer name is cut
 *
 * Understands -name, --name and --name=, followed by what QEMU takes there.
 *
 * Return: true if there is one.
 */
bool kvmeter_cmdline_get_name(const char *cmdline, size_t len, char *name, size_t size)
{
	const char *arg = cmdline, *end = cmdline + len, *next;
	bool found = false;

	*name = '\0';
	for (; arg < end; arg = next) {
		next = arg + strlen(arg) + 1;
		/* argv[0] is no option; what a later -name says overrides the earlier. */
		if (arg == cmdline || *arg != '-')
			continue;
		arg += arg[1] == '-' ? 2 : 1;
		if (!strcmp(arg, "name") && next < end) {
			found |= name_from_option(next, name, size);
			next += strlen(next) + 1;
		} else if (!strncmp(arg, "name=", 5)) {
			found |= name_from_option(arg + 5, name, size);
		}
	}
	return found;
}
