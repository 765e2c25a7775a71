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

#define KVMETER_MIGRATION_STATE_WORDS(X) \
	X(KVMETER_MIGRATION_NONE, "none") \
	X(KVMETER_MIGRATION_RUNNING, "running") \
	X(KVMETER_MIGRATION_ENDED, "ended")

#define KVMETER_AUTOCONVERGE_MODE_WORDS(X) \
	X(KVMETER_AUTOCONVERGE_OFF, "off") \
	X(KVMETER_AUTOCONVERGE_OBSERVE, "observe") \
	X(KVMETER_AUTOCONVERGE_ON, "on") \
	X(KVMETER_AUTOCONVERGE_DEFAULT, "default")

#define KVMETER_GOAL_WORDS(X) \
	X(KVMETER_GOAL_GENTLE, "gentle") \
	X(KVMETER_GOAL_BYTES, "bytes") \
	X(KVMETER_GOAL_DEADLINE, "deadline")

#define KVMETER_WHY_WORDS(X) \
	X(KVMETER_WHY_IDLE, "idle") \
	X(KVMETER_WHY_SWITCHED_OFF, "switched_off") \
	X(KVMETER_WHY_FIRST_ROUND, "first_round") \
	X(KVMETER_WHY_BY_ITSELF, "by_itself") \
	X(KVMETER_WHY_BANDWIDTH, "bandwidth") \
	X(KVMETER_WHY_RING, "ring") \
	X(KVMETER_WHY_RIVAL, "rival") \
	X(KVMETER_WHY_NO_HELP, "no_help") \
	X(KVMETER_WHY_BAD_INPUT, "bad_input") \
	X(KVMETER_WHY_BUDGET, "budget") \
	X(KVMETER_WHY_HOLD, "hold") \
	X(KVMETER_WHY_IN_TIME, "in_time") \
	X(KVMETER_WHY_LATE, "late") \
	X(KVMETER_WHY_NOT_KEPT, "not_kept") \
	X(KVMETER_WHY_ENDED, "ended") \
	X(KVMETER_WHY_STOPPED, "stopped") \
	X(KVMETER_WHY_GONE, "gone") \
	X(KVMETER_WHY_UNLOADED, "unloaded")

#define KVMETER_AUDIT_KIND_WORDS(X) \
	X(KVMETER_AUDIT_NONE, "none") \
	X(KVMETER_AUDIT_ROUND, "round") \
	X(KVMETER_AUDIT_DECISION, "decision") \
	X(KVMETER_AUDIT_QUOTA, "quota") \
	X(KVMETER_AUDIT_SWITCH, "switch") \
	X(KVMETER_AUDIT_END, "end")

#endif /* _KVMETER_WORDS_H */
