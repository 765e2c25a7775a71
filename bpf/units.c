// SPDX-License-Identifier: GPL-2.0-only
/* Understands times, sizes and bandwidths with their units, and writes them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

struct unit {
	const char *name;
	double factor;
};

/* Digits and a point: what strtod() takes besides, signs and hexadecimal and "nan", is no number.
 */
static const char *take_number(const char *text, double *number)
{
	size_t len = strspn(text, "0123456789.");
	char *end;

	if (!len || len > 20)
		return NULL;
	*number = strtod(text, &end);
	return end == text + len ? end : NULL;
}

static bool take_unit(const char *text, const struct unit *units, double *number)
{
	for (; units->name; units++) {
		if (strcmp(units->name, text))
			continue;
		*number *= units->factor;
		return true;
	}
	return false;
}

/**
 * kvmeter_units_parse_ns - understand a time: 125ms, 0.5, 10s, 5m, 1h
 * @text: what the user wrote; a number alone is in seconds
 * @ns: the time in ns, (0, 10^18)
 * @unit: whether it had a unit
 *
 * Return: false if it is no time.
 */
bool kvmeter_units_parse_ns(const char *text, __u64 *ns, bool *unit)
{
	static const struct unit units[] = {
		{ "", 1e9 },  { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 },
		{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 }, {},
	};
	double number;
	const char *rest = take_number(text, &number);

	if (!rest || !take_unit(rest, units, &number) || number < 1 || number >= 1e18)
		return false;
	*unit = *rest;
	*ns = (__u64)(number + 0.5);
	return true;
}

/**
 * kvmeter_units_parse_bytes - understand a size: 4096, 512M, 8G, 1.5GiB
 * @text: what the user wrote; K, M, G and T are powers of 1024, as KiB to TiB are
 * @bytes: the size, [0, 2^60)
 *
 * Return: false if it is no size.
 */
bool kvmeter_units_parse_bytes(const char *text, __u64 *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", 0x1p10 },
		{ "M", 0x1p20 },
		{ "G", 0x1p30 },
		{ "T", 0x1p40 },
		{ "KiB", 0x1p10 },
		{ "MiB", 0x1p20 },
		{ "GiB", 0x1p30 },
		{ "TiB", 0x1p40 },
		{},
	};
	double number;
	const char *rest = take_number(text, &number);

	if (!rest || !take_unit(rest, units, &number) || number >= 0x1p60)
		return false;
	*bytes = (__u64)number;
	return true;
}

/**
 * kvmeter_units_parse_rate - understand bytes a second: 200M, 1.5GiB, 512K/s
 * @text: what the user wrote: a size, perhaps with /s behind it
 * @bytes_s: the rate, [0, 2^60)
 * @unit: whether the size had a unit
 *
 * Return: false if it is none.
 */
bool kvmeter_units_parse_rate(const char *text, __u64 *bytes_s, bool *unit)
{
	size_t len = strlen(text);
	char size[32];

	if (len > 2 && !strcmp(text + len - 2, "/s"))
		len -= 2;
	if (!len || len >= sizeof(size))
		return false;
	memcpy(size, text, len);
	size[len] = '\0';
	*unit = !strchr("0123456789.", size[len - 1]);
	return kvmeter_units_parse_bytes(size, bytes_s);
}

/* k, M, G, T by thousands; with an i behind it Ki, Mi, Gi, Ti by 1024s. Return: what follows. */
static const char *take_prefix(const char *text, double *number)
{
	static const char prefixes[] = "kMGT";
	const char *found = *text ? strchr(prefixes, *text == 'K' ? 'k' : *text) : NULL;
	int power = found ? (int)(found - prefixes) + 1 : 0;

	if (!found)
		return text;
	if (text[1] == 'i') {
		*number *= pow(1024, power);
		return text + 2;
	}
	*number *= pow(1000, power);
	return text + 1;
}

/**
 * kvmeter_units_parse_bandwidth - understand a bandwidth: 10G, 800M, 10Gbit/s, 32MiB/s, 125MB/s
 * @text: what the user wrote; in bits a second, unless a B for bytes says otherwise. k, M, G and T
 *	  are powers of 1000, Ki to Ti of 1024
 * @bytes_s: the bandwidth in bytes a second, [1, 10^15)
 *
 * Return: false if it is none.
 */
bool kvmeter_units_parse_bandwidth(const char *text, double *bytes_s)
{
	static const struct unit units[] = {
		{ "", 0.125 },
		{ "bit/s", 0.125 },
		{ "bps", 0.125 },
		{ "b/s", 0.125 },
		{ "B/s", 1 },
		{ "B", 1 },
		{},
	};
	double number;
	const char *rest = take_number(text, &number);

	if (!rest)
		return false;
	rest = take_prefix(rest, &number);
	if (!take_unit(rest, units, &number) || number < 1 || number >= 1e15)
		return false;
	*bytes_s = number;
	return true;
}

/**
 * kvmeter_units_format_bytes - write a size as people read it
 * @bytes: the size
 * @buf: where it goes
 * @size: bytes there; 16 are enough
 *
 * Return: @buf: three or more digits, and B, KiB, MiB, GiB or TiB.
 */
const char *kvmeter_units_format_bytes(double bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = 0;

	while (bytes >= 1023.95 && unit < sizeof(units) / sizeof(*units) - 1) {
		bytes /= 1024;
		unit++;
	}
	if (bytes > 99999.9)
		snprintf(buf, size, "%.3g %s", bytes, units[unit]);
	else
		snprintf(buf, size, "%.*f %s", unit ? 1 : 0, bytes, units[unit]);
	return buf;
}
