// SPDX-License-Identifier: GPL-2.0-only
/* Names of exit reasons and classes, from the table in include/kvmeter/reasons.h. */
#include <linux/kernel.h>

#include <kvmeter/reasons.h>
#include <uapi/linux/kvmeter.h>

#include "names.h"

struct reason_name {
	u32 reason;
	const char *name;
	const char *class;
};

#define NAME(number, name, class) { number, #name, #class },

static const struct reason_name vmx_names[] = { KVMETER_VMX_REASONS(NAME) };
static const struct reason_name svm_names[] = { KVMETER_SVM_REASONS(NAME) };
static const struct reason_name unknown = { 0, "unknown", "OTHER" };

static const struct reason_name *find(u32 vendor, u32 reason)
{
	const struct reason_name *table = svm_names;
	size_t i, nr = ARRAY_SIZE(svm_names);

	if (vendor == KVMETER_VENDOR_VMX) {
		table = vmx_names;
		nr = ARRAY_SIZE(vmx_names);
	}
	for (i = 0; i < nr; i++)
		if (table[i].reason == reason)
			return &table[i];
	return &unknown;
}

/**
 * kvmeter_names_reason - name of an exit reason
 * @vendor: enum kvmeter_vendor
 * @reason: the vendor's number
 *
 * Context: any.
 * Return: the name, "unknown" if it has none.
 */
const char *kvmeter_names_reason(u32 vendor, u32 reason)
{
	return find(vendor, reason)->name;
}

/**
 * kvmeter_names_class - class of an exit reason, common to the vendors
 * @vendor: enum kvmeter_vendor
 * @reason: the vendor's number
 *
 * Context: any.
 * Return: the class, "OTHER" for a reason without a name.
 */
const char *kvmeter_names_class(u32 vendor, u32 reason)
{
	return find(vendor, reason)->class;
}
