// SPDX-License-Identifier: GPL-2.0-only
/* What the autopilot does and why, in plain words. */
#include "migrate.h"

#define NS_PER_S 1e9

/**
 * kvmeter_why_explain - why the autopilot has set a quota, or none
 * @why: enum kvmeter_why
 *
 * Return: a sentence without a point.
 */
const char *kvmeter_why_explain(__u32 why)
{
	static const char *const texts[KVMETER_WHY_NR] = {
		[KVMETER_WHY_IDLE] = "there is no migration",
		[KVMETER_WHY_SWITCHED_OFF] = "it is switched off",
		[KVMETER_WHY_FIRST_ROUND] = "the first round is free",
		[KVMETER_WHY_BY_ITSELF] = "it converges soon without one",
		[KVMETER_WHY_BANDWIDTH] = "nothing is sent, or it is not known yet how much can be",
		[KVMETER_WHY_RING] = "it yields: a dirty ring is in use",
		[KVMETER_WHY_RIVAL] = "it yields: the VMM throttles the VM itself",
		[KVMETER_WHY_NO_HELP] =
			"device DMA dirties more than can be sent: a quota cannot help",
		[KVMETER_WHY_BAD_INPUT] = "what was seen cannot be: it keeps off",
		[KVMETER_WHY_STOPPED] = "the VM is stopped, for the last round or by its operator",
		[KVMETER_WHY_BUDGET] = "to send the fewest bytes, from the first round on",
		[KVMETER_WHY_HOLD] = "it would not converge: held to a share of the bandwidth",
		[KVMETER_WHY_IN_TIME] = "the largest with which it is done in time",
		[KVMETER_WHY_LATE] = "no quota makes the deadline: as goal gentle",
		[KVMETER_WHY_NOT_KEPT] = "as before; vCPUs were let dirty more than it",
		[KVMETER_WHY_ENDED] = "logging was switched off: done, cancelled or failed",
		[KVMETER_WHY_GONE] = "the VM or its VMM is gone",
		[KVMETER_WHY_UNLOADED] = "the module is unloaded",
	};

	return why < KVMETER_WHY_NR ? texts[why] : "for a reason that this reader does not know";
}

/**
 * kvmeter_why_print_goal - write what the autopilot is to achieve
 * @goal: enum kvmeter_goal
 * @deadline_ns: of KVMETER_GOAL_DEADLINE
 * @buf: where it goes
 * @size: bytes there
 */
void kvmeter_why_print_goal(__u32 goal, __u64 deadline_ns, char *buf, size_t size)
{
	if (goal == KVMETER_GOAL_DEADLINE)
		snprintf(buf, size, "done within %.10g s", deadline_ns / NS_PER_S);
	else
		snprintf(buf, size, "goal %s", kvmeter_reasons_goal(goal));
}
