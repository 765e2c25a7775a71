/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of words for the contract's own numbers, for the module and the reader.
 *
 * Each list calls X(number, word) for every number of an enum of linux/kvmeter.h, in their order,
 * which has no gap. With KVMETER_WORD for X it initialises an array of the words.
 */
#ifndef _KVMETER_WORDS_H
#define _KVMETER_WORDS_H

#define KVMETER_WORD(number, word) \
	[number] = (word),

#define KVMETER_VENDOR_WORDS(X) \
	X(KVMETER_VENDOR_NONE, "none") \
	X(KVMETER_VENDOR_VMX, "vmx") \
	X(KVMETER_VENDOR_SVM, "svm")

#define KVMETER_REASON_SOURCE_WORDS(X) \
	X(KVMETER_REASON_UNPROVEN, "unproven") \
	X(KVMETER_REASON_DIRECT, "direct") \
	X(KVMETER_REASON_VENDOR, "vendor") \
	X(KVMETER_REASON_NONE, "none")

#define KVMETER_STATE_WORDS(X) \
	X(KVMETER_STATE_GUEST, "guest") \
	X(KVMETER_STATE_KERNEL, "kernel") \
	X(KVMETER_STATE_VMM, "vmm") \
	X(KVMETER_STATE_HALT, "halt") \
	X(KVMETER_STATE_STEAL, "steal") \
	X(KVMETER_STATE_THROTTLE, "throttle")

#define KVMETER_SUB_KIND_WORDS(X) \
	X(KVMETER_SUB_NONE, "NONE") \
	X(KVMETER_SUB_MSR_READ, "MSR_READ") \
	X(KVMETER_SUB_MSR_WRITE, "MSR_WRITE") \
	X(KVMETER_SUB_IO_IN, "IO_IN") \
	X(KVMETER_SUB_IO_OUT, "IO_OUT") \
	X(KVMETER_SUB_MMIO, "MMIO") \
	X(KVMETER_SUB_CPUID, "CPUID") \
	X(KVMETER_SUB_HYPERCALL, "HYPERCALL") \
	X(KVMETER_SUB_PAGE_FAULT, "PAGE_FAULT")

#define KVMETER_THIEF_KIND_WORDS(X) \
	X(KVMETER_THIEF_OTHER, "OTHER") \
	X(KVMETER_THIEF_VM, "VM") \
	X(KVMETER_THIEF_OWN_VCPU, "OWN_VCPU") \
	X(KVMETER_THIEF_OWN_VMM, "OWN_VMM") \
	X(KVMETER_THIEF_KTHREAD, "KTHREAD") \
	X(KVMETER_THIEF_PROCESS, "PROCESS") \
	X(KVMETER_THIEF_LIMIT, "LIMIT") \
	X(KVMETER_THIEF_IDLE, "IDLE")

#define KVMETER_LOG_STATE_WORDS(X) \
	X(KVMETER_LOG_UNKNOWN, "unknown") \
	X(KVMETER_LOG_OFF, "not_armed") \
	X(KVMETER_LOG_BITMAP, "bitmap") \
	X(KVMETER_LOG_RING, "ring") \
	X(KVMETER_LOG_DRIVEN, "driven")

#define KVMETER_SESSION_WORDS(X) \
	X(KVMETER_SESSION_NONE, "none") \
	X(KVMETER_SESSION_DRIVEN, "driven") \
	X(KVMETER_SESSION_OBSERVED, "observed") \
	X(KVMETER_SESSION_ENDED, "ended")

#define KVMETER_SESSION_END_WORDS(X) \
	X(KVMETER_END_NONE, "none") \
	X(KVMETER_END_STOPPED, "stopped") \
	X(KVMETER_END_DURATION, "duration") \
	X(KVMETER_END_CONTROLLER, "controller") \
	X(KVMETER_END_TAKEN_OVER, "taken_over") \
	X(KVMETER_END_SLOTS, "slots") \
	X(KVMETER_END_FAILED, "failed")

#endif /* _KVMETER_WORDS_H */
