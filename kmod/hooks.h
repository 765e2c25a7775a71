/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of kernel events and functions to what is called when they happen. */
#ifndef _KVMETER_HOOKS_H
#define _KVMETER_HOOKS_H

#include <linux/ptrace.h>
#include <linux/types.h>

#define KVMETER_HOOKS_MAX 32

/* Called where a function of the kernel's begins: of the registers only the arguments are set. */
typedef void (*kvmeter_entry_t)(const struct pt_regs *regs);

enum kvmeter_hook_kind {
	KVMETER_HOOK_TRACEPOINT,
	KVMETER_HOOK_FUNCTION, /* where it begins */
};

/**
 * struct kvmeter_hook - one place in the kernel, and what to call there
 * @name: of the tracepoint or function
 * @alt: another name that it has on kernels where nothing has the first, or NULL
 * @kind: which of the two it is
 * @core: without it the module cannot be loaded
 * @lazy: a function that is left alone until kvmeter_hooks_enable()
 * @probe: tracepoint probe, by the tracepoint's prototype with a void * before it
 * @entry: what to call where the function begins; preemption is off
 * @as: which of the names it was found by, or @name
 * @owner: the module that has it, KVMETER_PROTO_KERNEL, or NULL if nothing has
 * @tp: the tracepoint, once found
 * @addr: of the function, once found
 * @found: it is there, and usable
 * @on: kvmeter_hooks_register() has tied it, or kvmeter_hooks_enable() will
 */
struct kvmeter_hook {
	const char *name;
	const char *alt;
	enum kvmeter_hook_kind kind;
	bool core;
	bool lazy;
	void *probe;
	kvmeter_entry_t entry;
	const char *as;
	const char *owner;
	struct tracepoint *tp;
	unsigned long addr;
	bool found;
	bool on;
};

int kvmeter_hooks_init(void);
void kvmeter_hooks_exit(void);
int kvmeter_hooks_resolve(struct kvmeter_hook *hooks, unsigned int nr);
int kvmeter_hooks_compare(struct kvmeter_hook *hooks, unsigned int nr);
int kvmeter_hooks_register(struct kvmeter_hook *hooks, unsigned int nr);
void kvmeter_hooks_enable(bool on);
void kvmeter_hooks_unregister(struct kvmeter_hook *hooks, unsigned int nr);
unsigned long kvmeter_hooks_missed_nr(void);
void *kvmeter_hooks_find_symbol(const char *module, const char *name);
void *kvmeter_hooks_find_function(const char *module, const char *name, const char *alt);
void __percpu *kvmeter_hooks_find_per_cpu(const char *name);

#endif /* _KVMETER_HOOKS_H */
