// SPDX-License-Identifier: GPL-2.0-only
/* Words for the numbers of the contract: exit reasons, their classes, sub-reasons, states. */
#include <kvmeter/reasons.h>
#include <kvmeter/user_exits.h>
#include <kvmeter/words.h>

#include "reader.h"

struct reason {
	__u32 number;
	const char *name;
	const char *class;
};

#define REASON(number, name, class) { number, #name, #class },

static const struct reason vmx_reasons[] = { KVMETER_VMX_REASONS(REASON) };
static const struct reason svm_reasons[] = { KVMETER_SVM_REASONS(REASON) };

struct user_exit {
	unsigned int number;
	const char *name;
};

#define USER_EXIT(number, name) { number, #name },

static const struct user_exit user_exits[] = { KVMETER_USER_EXIT_REASONS(USER_EXIT) };

_Static_assert(sizeof(user_exits) / sizeof(*user_exits) < KVMETER_USER_EXITS,
	       "the last entry takes what has no name");

static const char *const vendors[] = { KVMETER_VENDOR_WORDS(KVMETER_WORD) };
static const char *const reason_sources[] = { KVMETER_REASON_SOURCE_WORDS(KVMETER_WORD) };
static const char *const states[] = { KVMETER_STATE_WORDS(KVMETER_WORD) };
static const char *const sub_kinds[] = { KVMETER_SUB_KIND_WORDS(KVMETER_WORD) };
static const char *const thief_kinds[] = { KVMETER_THIEF_KIND_WORDS(KVMETER_WORD) };
static const char *const log_states[] = { KVMETER_LOG_STATE_WORDS(KVMETER_WORD) };
static const char *const sessions[] = { KVMETER_SESSION_WORDS(KVMETER_WORD) };
static const char *const session_ends[] = { KVMETER_SESSION_END_WORDS(KVMETER_WORD) };
static const char *const migration_states[] = { KVMETER_MIGRATION_STATE_WORDS(KVMETER_WORD) };
static const char *const modes[] = { KVMETER_AUTOCONVERGE_MODE_WORDS(KVMETER_WORD) };
static const char *const goals[] = { KVMETER_GOAL_WORDS(KVMETER_WORD) };
static const char *const whys[] = { KVMETER_WHY_WORDS(KVMETER_WORD) };
static const char *const audit_kinds[] = { KVMETER_AUDIT_KIND_WORDS(KVMETER_WORD) };

#define FIND_WORD(words, number) \
	((number) < sizeof(words) / sizeof(*(words)) ? (words)[number] : "?")

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
 * kvmeter_reasons_user_exit - KVM's name of an exit to the VMM
 * @number: index in kvmeter_vcpu.user_exit
 *
 * Return: KVM_EXIT_* without the prefix; OTHER for what has none here.
 */
const char *kvmeter_reasons_user_exit(unsigned int number)
{
	size_t i;

	for (i = 0; i < sizeof(user_exits) / sizeof(*user_exits); i++) {
		if (user_exits[i].number == number)
			return user_exits[i].name;
	}
	return "OTHER";
}

/**
 * kvmeter_reasons_state - word for kvmeter_vcpu.state
 * @state: enum kvmeter_state
 *
 * Return: the word.
 */
const char *kvmeter_reasons_state(__u32 state)
{
	return FIND_WORD(states, state);
}

/**
 * kvmeter_reasons_sub_kind - word for kvmeter_sub.kind
 * @kind: enum kvmeter_sub_kind
 *
 * Return: the word.
 */
const char *kvmeter_reasons_sub_kind(__u32 kind)
{
	return FIND_WORD(sub_kinds, kind);
}

/**
 * kvmeter_reasons_thief_kind - word for kvmeter_thief.kind
 * @kind: enum kvmeter_thief_kind
 *
 * Return: the word.
 */
const char *kvmeter_reasons_thief_kind(__u32 kind)
{
	return FIND_WORD(thief_kinds, kind);
}

/**
 * kvmeter_reasons_vendor - word for kvmeter_host.vendor
 * @vendor: enum kvmeter_vendor
 *
 * Return: the word.
 */
const char *kvmeter_reasons_vendor(__u32 vendor)
{
	return FIND_WORD(vendors, vendor);
}

/**
 * kvmeter_reasons_source - word for kvmeter_host.reason_source
 * @source: enum kvmeter_reason_source
 *
 * Return: the word.
 */
const char *kvmeter_reasons_source(__u32 source)
{
	return FIND_WORD(reason_sources, source);
}

/* The last one has no name. */
/* clang-format off */
const struct kvmeter_feature kvmeter_reasons_features[] = {
	{ KVMETER_FEATURE_DIRTY, "dirty" },
	{ KVMETER_FEATURE_SUB, "subreasons" },
	{ KVMETER_FEATURE_THIEF, "attribution" },
	{ KVMETER_FEATURE_LIMIT, "limits" },
	{ KVMETER_FEATURE_FAULT, "faults" },
	{ KVMETER_FEATURE_OWN, "own_writes" },
	{ KVMETER_FEATURE_SYNC, "syncs" },
	{ KVMETER_FEATURE_DRIVE, "sessions" },
	{ KVMETER_FEATURE_QUOTA, "quotas" },
	{},
};

/* clang-format on */

/**
 * kvmeter_reasons_log_state - word for kvmeter_vm.log_state
 * @state: enum kvmeter_log_state
 *
 * Return: the word.
 */
const char *kvmeter_reasons_log_state(__u32 state)
{
	return state <= KVMETER_LOG_DRIVEN ? log_states[state] : log_states[KVMETER_LOG_UNKNOWN];
}

/**
 * kvmeter_reasons_show_log_state - how people are told kvmeter_vm.log_state
 * @state: enum kvmeter_log_state
 *
 * Return: the word, of two where it has two.
 */
const char *kvmeter_reasons_show_log_state(__u32 state)
{
	return state == KVMETER_LOG_OFF ? "not armed" : kvmeter_reasons_log_state(state);
}

/**
 * kvmeter_reasons_is_armed - is the memory of a VM logged?
 * @state: enum kvmeter_log_state
 *
 * Return: true if its dirty figures mean anything.
 */
bool kvmeter_reasons_is_armed(__u32 state)
{
	return state == KVMETER_LOG_BITMAP || state == KVMETER_LOG_RING ||
		state == KVMETER_LOG_DRIVEN;
}

/**
 * kvmeter_reasons_session - word for kvmeter_dirty.session
 * @session: enum kvmeter_session
 *
 * Return: the word.
 */
const char *kvmeter_reasons_session(__u32 session)
{
	return FIND_WORD(sessions, session);
}

/**
 * kvmeter_reasons_session_end - word for kvmeter_dirty.end
 * @end: enum kvmeter_session_end
 *
 * Return: the word.
 */
const char *kvmeter_reasons_session_end(__u32 end)
{
	return FIND_WORD(session_ends, end);
}

/**
 * kvmeter_reasons_migration_state - word for kvmeter_migration.state
 * @state: enum kvmeter_migration_state
 *
 * Return: the word.
 */
const char *kvmeter_reasons_migration_state(__u32 state)
{
	return FIND_WORD(migration_states, state);
}

/**
 * kvmeter_reasons_mode - word for kvmeter_migration.mode
 * @mode: enum kvmeter_autoconverge_mode
 *
 * Return: the word.
 */
const char *kvmeter_reasons_mode(__u32 mode)
{
	return FIND_WORD(modes, mode);
}

/**
 * kvmeter_reasons_goal - word for kvmeter_migration.goal
 * @goal: enum kvmeter_goal
 *
 * Return: the word.
 */
const char *kvmeter_reasons_goal(__u32 goal)
{
	return FIND_WORD(goals, goal);
}

/**
 * kvmeter_reasons_why - word for kvmeter_migration.why
 * @why: enum kvmeter_why
 *
 * Return: the word.
 */
const char *kvmeter_reasons_why(__u32 why)
{
	return FIND_WORD(whys, why);
}

/**
 * kvmeter_reasons_audit_kind - word for kvmeter_audit.kind
 * @kind: enum kvmeter_audit_kind
 *
 * Return: the word.
 */
const char *kvmeter_reasons_audit_kind(__u32 kind)
{
	return FIND_WORD(audit_kinds, kind);
}
