// SPDX-License-Identifier: GPL-2.0-only
/* Words for the numbers of the contract: exit reasons, their classes, vendor, states. */
#include <kvmeter/reasons.h>

#include "reader.h"

struct reason {
	__u32 number;
	const char *name;
	const char *class;
};

#define REASON(number, name, class) { number, #name, #class },

static const struct reason vmx_reasons[] = { KVMETER_VMX_REASONS(REASON) };
static const struct reason svm_reasons[] = { KVMETER_SVM_REASONS(REASON) };

static const struct reason *find_reason(__u32 vendor, __u32 number)
{
	const struct reason *reasons = vendor == KVMETER_VENDOR_VMX ? vmx_reasons : svm_reasons;
	size_t nr = vendor == KVMETER_VENDOR_VMX ? sizeof(vmx_reasons) : sizeof(svm_reasons);
	size_t i;

	if (vendor != KVMETER_VENDOR_VMX && vendor != KVMETER_VENDOR_SVM)
		return NULL;
	for (i = 0; i < nr / sizeof(*reasons); i++) {
		if (reasons[i].number == number)
			return &reasons[i];
	}
	return NULL;
}

/**
 * kvmeter_reasons_name - the vendor's name of an exit reason
 * @vendor: enum kvmeter_vendor
 * @reason: the vendor's number
 *
 * Return: the name, or NULL if the number has none here.
 */
const char *kvmeter_reasons_name(__u32 vendor, __u32 reason)
{
	const struct reason *found = find_reason(vendor, reason);

	return found ? found->name : NULL;
}

/**
 * kvmeter_reasons_class - the class of an exit reason, common to both vendors
 * @vendor: enum kvmeter_vendor
 * @reason: the vendor's number
 *
 * Return: the class, OTHER for a number that is not known.
 */
const char *kvmeter_reasons_class(__u32 vendor, __u32 reason)
{
	const struct reason *found = find_reason(vendor, reason);

	return found ? found->class : "OTHER";
}

/**
 * kvmeter_reasons_vendor - word for kvmeter_host.vendor
 * @vendor: enum kvmeter_vendor
 *
 * Return: the word.
 */
const char *kvmeter_reasons_vendor(__u32 vendor)
{
	switch (vendor) {
	case KVMETER_VENDOR_NONE:
		return "none";
	case KVMETER_VENDOR_VMX:
		return "vmx";
	case KVMETER_VENDOR_SVM:
		return "svm";
	default:
		return "?";
	}
}

/**
 * kvmeter_reasons_source - word for kvmeter_host.reason_source
 * @source: enum kvmeter_reason_source
 *
 * Return: the word.
 */
const char *kvmeter_reasons_source(__u32 source)
{
	switch (source) {
	case KVMETER_REASON_UNPROVEN:
		return "unproven";
	case KVMETER_REASON_DIRECT:
		return "direct";
	case KVMETER_REASON_VENDOR:
		return "vendor";
	case KVMETER_REASON_NONE:
		return "none";
	default:
		return "?";
	}
}

/**
 * kvmeter_reasons_log_state - word for kvmeter_vm.log_state
 * @state: enum kvmeter_log_state
 *
 * Return: the word.
 */
const char *kvmeter_reasons_log_state(__u32 state)
{
	switch (state) {
	case KVMETER_LOG_OFF:
		return "off";
	case KVMETER_LOG_ON:
		return "on";
	default:
		return "unknown";
	}
}
