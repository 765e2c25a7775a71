// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds kernel events and functions by name at load and ties probes to them.
 *
 * Nothing here links against kvm.ko: on a host without it the load then fails with one line of
 * ours instead of a list of unknown symbols. A reference on the module that owns the tracepoints
 * keeps them in place.
 *
 * Functions are seen by ftrace, with one ftrace_ops for the lazy ones and one for the others: for
 * each, as for each kprobe, the kernel goes through all its functions and patches its text. To give
 * one up takes no memory, which could be lacking, and nobody can switch it off, as kprobes can be.
 */
#include <linux/atomic.h>
#include <linux/cpufeature.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/objtool.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/trace_recursion.h>

#include <asm/ibt.h>
#include <asm/nospec-branch.h>

#include "compat.h"
#include "hooks.h"
#include "proto.h"

#define ENDBR64 0xfa1e0ff3

/* What lookup_name() takes it to be. */
static_assert(__same_type(kallsyms_lookup_name, unsigned long (const char *)));

/* Functions that are tied, and untied, at once. */
struct entries {
	struct ftrace_ops ops;
	atomic_long_t missed;
	unsigned int nr;
	struct {
		unsigned long addr;
		kvmeter_entry_t call;
	} fn[KVMETER_HOOKS_MAX];
};

static void *lookup_name_addr;
static struct module *kvm_module;

/* What a search through the tracepoints is for. */
struct tracepoint_search {
	struct notifier_block nb;
	const char *name;
	struct tracepoint *tp;
	struct module *owner;
};

static void match_builtin(struct tracepoint *tp, void *priv)
{
	struct tracepoint_search *s = priv;

	if (!s->tp && !strcmp(tp->name, s->name))
		s->tp = tp;
}

static int match_module(struct notifier_block *nb, unsigned long action, void *data)
{
	struct tracepoint_search *s = container_of(nb, struct tracepoint_search, nb);
	struct tp_module *tp_mod = data;
	unsigned int i;

	if (action != MODULE_STATE_COMING || s->tp)
		return NOTIFY_OK;
	for (i = 0; i < tp_mod->mod->num_tracepoints; i++) {
		struct tracepoint *tp = kvmeter_module_tracepoint(tp_mod->mod, i);

		if (strcmp(tp->name, s->name) || !try_module_get(tp_mod->mod))
			continue;
		s->tp = tp;
		s->owner = tp_mod->mod;
		break;
	}
	return NOTIFY_OK;
}

/* Registering a notifier replays every module that is loaded: that is the only list there is. */
static struct tracepoint *find_tracepoint(const char *name, const char **owner)
{
	struct tracepoint_search s = { .nb.notifier_call = match_module, .name = name };

	for_each_kernel_tracepoint(match_builtin, &s);
	*owner = s.tp ? KVMETER_PROTO_KERNEL : NULL;
	if (s.tp)
		return s.tp;
	if (register_tracepoint_module_notifier(&s.nb))
		return NULL;
	unregister_tracepoint_module_notifier(&s.nb);
	if (s.owner)
		*owner = s.owner->name;
	if (s.owner && !kvm_module)
		kvm_module = s.owner;
	else if (s.owner)
		module_put(s.owner);
	return s.tp;
}

/*
 * Call kallsyms_lookup_name(). Its address is taken nowhere in the kernel, so on a CPU with IBT its
 * ENDBR is overwritten at boot and an indirect call would be fatal. A return is not tracked by
 * IBT, hence this way of getting there; the callee returns behind the inner call.
 */
static noinline unsigned long lookup_name(const char *name)
{
	unsigned long addr;

	asm volatile("call 1f\n\t"
		     "jmp 2f\n"
		     "1:\tpush %[fn]\n\t"
		     ANNOTATE_RETPOLINE_SAFE "\n\t"
		     "ret\n\t"
		     "int3\n"
		     "2:"
		     : "=a"(addr), "+D"(name), ASM_CALL_CONSTRAINT
		     : [fn] "b"(lookup_name_addr)
		     : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory");
	return addr;
}

STACK_FRAME_NON_STANDARD(lookup_name);

/* What is neither the module's nor the kernel's will not be among the kernel's types. */
static void *find_symbol(const char *module, const char *name, const char **owner)
{
	char full[MODULE_NAME_LEN + KSYM_NAME_LEN];
	unsigned long addr;

	snprintf(full, sizeof(full), "%s:%s", module, name);
	addr = lookup_name(full);
	*owner = module;
	if (!addr) {
		addr = lookup_name(name);
		*owner = addr ? KVMETER_PROTO_KERNEL : NULL;
	}
	return (void *)addr;
}

/**
 * kvmeter_hooks_find_symbol - address of a variable of kvm's
 * @module: kvm; the kernel itself is searched too, for when it is built in
 * @name: its name
 *
 * The kernel's types say nothing of variables, but for those that are one per CPU: only for one
 * that a header declares, whose type is then taken from there.
 *
 * Context: may sleep; at load, after kvmeter_hooks_resolve().
 * Return: the address, or NULL if there is none.
 */
void *kvmeter_hooks_find_symbol(const char *module, const char *name)
{
	const char *owner;
	void *addr = find_symbol(module, name, &owner);

	/* Where kvm is a module, one of that name elsewhere is another. */
	return kvm_module && owner != module ? NULL : addr;
}

/* *as: which of the two names it was. */
static void *find_either(const char *module, const char *name, const char *alt, const char **as,
			 const char **owner)
{
	void *addr = find_symbol(module, name, owner);

	*as = name;
	if (addr || !alt)
		return addr;
	addr = find_symbol(module, alt, owner);
	if (addr)
		*as = alt;
	return addr;
}

/**
 * kvmeter_hooks_find_function - address of a kernel function that may be called by pointer
 * @module: module that has it; the kernel itself is searched too
 * @name: its name
 * @alt: another name that it has on kernels where nothing has the first, or NULL
 *
 * It is the function that a hook with these names is tied to, or none: never the one with the other
 * name because that with the first cannot be called.
 *
 * Context: may sleep; at load, and when a vendor module is loaded.
 * Return: the address, or NULL if there is none, it is not as expected, or an indirect call there
 * would be fatal.
 */
void *kvmeter_hooks_find_function(const char *module, const char *name, const char *alt)
{
	const char *as, *owner;
	void *fn = find_either(module, name, alt, &as, &owner);

	if (kvmeter_proto_find_fault(as, owner))
		return NULL;
#ifdef CONFIG_X86_KERNEL_IBT
	if (fn && boot_cpu_has(X86_FEATURE_IBT) && *(u32 *)fn != ENDBR64)
		return NULL;
#endif
	return fn;
}

/**
 * kvmeter_hooks_find_per_cpu - address of a variable of the kernel's that is one per CPU
 * @name: its name
 *
 * Context: may sleep; at load.
 * Return: the address, for per_cpu_ptr(); or NULL if there is none, or it is not as expected.
 */
void __percpu *kvmeter_hooks_find_per_cpu(const char *name)
{
	const char *owner;
	void *addr = find_symbol(KVMETER_PROTO_KERNEL, name, &owner);

	if (kvmeter_proto_find_fault(name, owner))
		return NULL;
	return (void __percpu *)(unsigned long)addr;
}

/**
 * kvmeter_hooks_init - find the kernel's own symbol lookup
 *
 * It is not exported; a kprobe on it, which is never armed, has its address.
 *
 * Context: may sleep.
 * Return: 0, or a negative errno.
 */
int kvmeter_hooks_init(void)
{
	struct kprobe kp = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int ret;

	ret = register_kprobe(&kp);
	if (ret)
		return ret;
	/* Behind the ENDBR where there is one: lookup_name() can go there. */
	lookup_name_addr = kp.addr;
	unregister_kprobe(&kp);
	return 0;
}

/**
 * kvmeter_hooks_exit - let go of the module that has the tracepoints
 *
 * Context: may sleep; after kvmeter_hooks_unregister().
 */
void kvmeter_hooks_exit(void)
{
	module_put(kvm_module);
	kvm_module = NULL;
}

static const char *get_kind_word(const struct kvmeter_hook *h)
{
	return h->kind == KVMETER_HOOK_TRACEPOINT ? "tracepoint" : "function";
}

/**
 * kvmeter_hooks_resolve - find every hook of a table, register none
 * @hooks: the table
 * @nr: its length
 *
 * Context: may sleep.
 * Return: 0, or -ENOENT if a core hook is not there, which is said in one line.
 */
int kvmeter_hooks_resolve(struct kvmeter_hook *hooks, unsigned int nr)
{
	struct kvmeter_hook *h;

	for (h = hooks; h < hooks + nr; h++) {
		if (h->kind == KVMETER_HOOK_TRACEPOINT) {
			h->as = h->name;
			h->tp = find_tracepoint(h->name, &h->owner);
			h->found = h->tp;
		} else {
			h->addr = (unsigned long)find_either("kvm", h->name, h->alt, &h->as,
							     &h->owner);
			h->found = h->addr;
		}
		if (h->found || !h->core)
			continue;
		pr_err("kvmeter: load failed: no %s '%s' in this kernel: is kvm loaded? (%d)\n",
		       get_kind_word(h), h->name, -ENOENT);
		return -ENOENT;
	}
	return 0;
}

/**
 * kvmeter_hooks_compare - use no hook of a table that is not what it is taken to be
 * @hooks: the table, resolved
 * @nr: its length
 *
 * Context: any, after kvmeter_proto_init().
 * Return: 0, or -ENOEXEC if that is a core hook, which is said in one line.
 */
int kvmeter_hooks_compare(struct kvmeter_hook *hooks, unsigned int nr)
{
	struct kvmeter_hook *h;
	const char *fault;

	for (h = hooks; h < hooks + nr; h++) {
		fault = kvmeter_proto_find_fault(h->as, h->owner);
		h->found = !fault;
		if (h->found || !h->core)
			continue;
		pr_err("kvmeter: load failed: %s '%s' of this kernel: %s (%d)\n",
		       get_kind_word(h), h->as, fault, -ENOEXEC);
		return -ENOEXEC;
	}
	return 0;
}

/* ip: behind the function's ENDBR, where it has one */
static __always_inline kvmeter_entry_t find_call(const struct entries *e, unsigned long ip)
{
	unsigned int i;

	for (i = 0; i < e->nr; i++)
		if (ip - e->fn[i].addr <= ENDBR_INSN_SIZE)
			return e->fn[i].call;
	return NULL;
}

static notrace void on_entry(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	struct entries *e = container_of(ops, struct entries, ops);
	kvmeter_entry_t call;
	int bit;

	bit = ftrace_test_recursion_trylock(ip, parent_ip);
	if (bit < 0) {
		atomic_long_inc(&e->missed);
		return;
	}
	/* Preemption is off now. */
	call = find_call(e, ip);
	if (call)
		call(kvmeter_ftrace_args(fregs));
	else
		atomic_long_inc(&e->missed);
	ftrace_test_recursion_unlock(bit);
}

#define ENTRIES { .ops = { \
	.func = on_entry, \
	.flags = FTRACE_OPS_FL_PERMANENT, \
} }

static struct entries all = ENTRIES, lazy = ENTRIES;

/*
 * Held while functions are tied and untied. With no filter an ftrace_ops is called for every
 * function there is, so nobody may tie one whose filter is being freed.
 */
static DEFINE_MUTEX(entries_mutex);

/* May the kernel call us for these? */
static bool is_on(const struct entries *e)
{
	return e->ops.flags & FTRACE_OPS_FL_ENABLED;
}

static int start_entries(struct entries *e)
{
	lockdep_assert_held(&entries_mutex);
	return !e->nr || is_on(e) ? 0 : register_ftrace_function(&e->ops);
}

/* When it returns 0, nothing of ours runs for these, and nothing will until they are started. */
static int stop_entries(struct entries *e)
{
	lockdep_assert_held(&entries_mutex);
	return is_on(e) ? unregister_ftrace_function(&e->ops) : 0;
}

/*
 * Nobody starts these any more. A kernel that has found its own text not to be as ftrace left it
 * never patches it again: then it goes on calling us, and our text must stay. There is no way to
 * refuse an unload that has begun.
 */
static void give_up_entries(struct entries *e)
{
	int ret;

	mutex_lock(&entries_mutex);
	ret = stop_entries(e);
	if (!ret) {
		ftrace_free_filter(&e->ops);
		e->nr = 0;
	}
	mutex_unlock(&entries_mutex);
	if (!ret)
		return;
	pr_crit("kvmeter: the kernel's ftrace is broken: cannot go before the next boot (%d)\n",
		ret);
	for (;;)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
}

static int register_one(struct kvmeter_hook *h)
{
	struct entries *e = h->lazy ? &lazy : &all;
	int ret;

	if (h->kind == KVMETER_HOOK_TRACEPOINT)
		return tracepoint_probe_register(h->tp, h->probe, NULL);
	ret = ftrace_set_filter_ip(&e->ops, h->addr, 0, 0);
	if (ret)
		return ret;
	e->fn[e->nr].addr = h->addr;
	e->fn[e->nr++].call = h->entry;
	return 0;
}

/* All hooks of that kind. */
static int register_kind(struct kvmeter_hook *hooks, unsigned int nr, enum kvmeter_hook_kind kind)
{
	struct kvmeter_hook *h;
	int ret;

	for (h = hooks; h < hooks + nr; h++) {
		if (h->kind != kind || !h->found)
			continue;
		ret = register_one(h);
		h->on = !ret;
		if (!ret || !h->core)
			continue;
		pr_err("kvmeter: load failed: cannot probe '%s' (%d)\n", h->name, ret);
		return ret;
	}
	return 0;
}

/**
 * kvmeter_hooks_register - tie the probes of a table: all its functions, then its tracepoints in
 * their order
 * @hooks: the table, resolved; there is one at a time
 * @nr: its length, at most KVMETER_HOOKS_MAX
 *
 * A hook that is no core one and cannot be tied is left off.
 *
 * Context: may sleep.
 * Return: 0, or a negative errno, which is said in one line; none is tied then.
 */
int kvmeter_hooks_register(struct kvmeter_hook *hooks, unsigned int nr)
{
	int ret;

	ret = register_kind(hooks, nr, KVMETER_HOOK_FUNCTION);
	if (ret)
		goto unregister;
	mutex_lock(&entries_mutex);
	ret = start_entries(&all);
	mutex_unlock(&entries_mutex);
	if (ret) {
		pr_err("kvmeter: load failed: cannot probe functions%s (%d)\n",
		       ret == -EBUSY ? ": is kernel.ftrace_enabled 0?" : "", ret);
		goto unregister;
	}
	ret = register_kind(hooks, nr, KVMETER_HOOK_TRACEPOINT);
	if (!ret)
		return 0;

unregister:
	kvmeter_hooks_unregister(hooks, nr);
	return ret;
}

/**
 * kvmeter_hooks_enable - switch the lazy hooks on or off
 * @on: which of the two
 *
 * If that fails it is said in one line, and they stay as they are. Once kvmeter_hooks_unregister()
 * has begun with them they stay off.
 *
 * Context: may sleep; after kvmeter_hooks_register() has begun.
 */
void kvmeter_hooks_enable(bool on)
{
	int ret;

	mutex_lock(&entries_mutex);
	ret = on ? start_entries(&lazy) : stop_entries(&lazy);
	mutex_unlock(&entries_mutex);
	if (ret)
		pr_warn_ratelimited("kvmeter: cannot switch probes of functions %s (%d)\n",
				    on ? "on" : "off", ret);
}

/**
 * kvmeter_hooks_unregister - untie the probes of a table, wait for those running
 * @hooks: the table
 * @nr: its length
 *
 * Tracepoints go first, in reverse order.
 *
 * Context: may sleep. When it returns no probe runs and none will.
 */
void kvmeter_hooks_unregister(struct kvmeter_hook *hooks, unsigned int nr)
{
	struct kvmeter_hook *h;

	for (h = hooks + nr; h-- > hooks;)
		if (h->on && h->kind == KVMETER_HOOK_TRACEPOINT)
			tracepoint_probe_unregister(h->tp, h->probe, NULL);
	give_up_entries(&lazy);
	give_up_entries(&all);
	tracepoint_synchronize_unregister();
}

/**
 * kvmeter_hooks_missed_nr - how many calls of functions were not told of
 *
 * Context: any.
 * Return: events, since load.
 */
unsigned long kvmeter_hooks_missed_nr(void)
{
	return atomic_long_read(&all.missed) + atomic_long_read(&lazy.missed);
}
