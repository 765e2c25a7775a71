/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the store share, and nobody else may see. */
#ifndef _KVMETER_STORE_IMPL_H
#define _KVMETER_STORE_IMPL_H

#include <linux/lockdep.h>
#include <linux/spinlock.h>

#include "store.h"

/**
 * struct kvmeter_store - the tables, and the memory in use
 * @lock: the store lock; everything here is under it, but for pointers, which are set once at init
 * @vms: records of VMs, kvmeter_max_vms of them
 * @vcpus: records of vCPUs, kvmeter_max_vcpus of them
 * @vm_used: which of @vms are in use
 * @vcpu_used: which of @vcpus are in use
 * @host: what goes into the array of the host
 * @mem: the arrays
 * @mem_gen: goes up when @mem changes; read without the lock too
 * @vms_free: records of VMs not in use; read without the lock too
 * @vcpus_free: records of vCPUs not in use; likewise
 * @mode: enum kvmeter_autoconverge_mode of VMs that were given none
 */
struct kvmeter_store {
	raw_spinlock_t lock;
	struct kvmeter_vm_rec *vms;
	struct kvmeter_vcpu_rec *vcpus;
	unsigned long *vm_used;
	unsigned long *vcpu_used;
	struct kvmeter_host host;
	struct kvmeter_mem mem;
	u32 mem_gen;
	u32 vms_free;
	u32 vcpus_free;
	u32 mode;
};

extern struct kvmeter_store kvmeter_store;

struct kvmeter_vm_rec *kvmeter_store_find_vm_locked(const struct kvm *kvm);
struct kvmeter_vm_rec *kvmeter_store_find_gen_locked(u32 vm, u32 gen);
void kvmeter_store_tell_changed(void);
void kvmeter_store_sum_untracked_locked(void);
void kvmeter_store_write_host_locked(void);
void kvmeter_store_write_index_locked(const unsigned long *used, u32 i);
void kvmeter_store_set_logging_locked(struct kvmeter_vm_rec *vm, bool logging);
void kvmeter_store_write_log_locked(struct kvmeter_vm_rec *vm);
void kvmeter_store_write_dirty_locked(const struct kvmeter_vm_rec *vm);
void kvmeter_store_move_vcpu_locked(struct kvmeter_vcpu_rec *v);
void kvmeter_store_apply_quota_locked(struct kvmeter_vm_rec *vm);
void kvmeter_store_write_migration_locked(const struct kvmeter_vm_rec *vm);
void kvmeter_store_begin_rounds_locked(struct kvmeter_vm_rec *vm);
void kvmeter_store_forget_rounds_locked(struct kvmeter_vm_rec *vm);
void kvmeter_store_add_gone_locked(const struct kvmeter_vcpu_rec *v);
u64 kvmeter_store_now_locked(struct kvmeter_vm_rec *vm);
void kvmeter_store_sum_vcpus_locked(const struct kvmeter_vm_rec *vm, struct kvmeter_sums *sums);
void kvmeter_store_begin_round_locked(struct kvmeter_vm_rec *vm, u64 now);
void kvmeter_store_update_round_locked(struct kvmeter_vm_rec *vm, const struct kvmeter_sums *sums);
void kvmeter_store_note_quota_locked(struct kvmeter_vm_rec *vm);
void kvmeter_store_switch_rounds_locked(struct kvmeter_vm_rec *vm, bool asked);
void kvmeter_store_describe_locked(const struct kvmeter_vm_rec *vm, struct kvmeter_audit *a);
u32 kvmeter_store_mode_locked(const struct kvmeter_vm_rec *vm);

static inline struct kvmeter_vm *kvmeter_vm_slot(u32 i)
{
	return (struct kvmeter_vm *)kvmeter_store.mem.map[KVMETER_MAP_VMS] + i;
}

static inline struct kvmeter_dirty *kvmeter_dirty_slot(u32 i)
{
	return (struct kvmeter_dirty *)kvmeter_store.mem.map[KVMETER_MAP_DIRTY] + i;
}

static inline struct kvmeter_migration *kvmeter_migration_slot(u32 i)
{
	return (struct kvmeter_migration *)kvmeter_store.mem.map[KVMETER_MAP_MIGRATIONS] + i;
}

static inline struct kvmeter_vcpu *kvmeter_vcpu_slot(u32 i)
{
	return (struct kvmeter_vcpu *)kvmeter_store.mem.map[KVMETER_MAP_VCPUS] + i;
}

static inline struct kvmeter_exit *kvmeter_vcpu_rows(u32 i)
{
	struct kvmeter_exit *rows = kvmeter_store.mem.map[KVMETER_MAP_EXITS];

	return rows + (size_t)i * KVMETER_EXIT_ROWS;
}

static inline struct kvmeter_sub *kvmeter_vcpu_subs(u32 i)
{
	struct kvmeter_sub *subs = kvmeter_store.mem.map[KVMETER_MAP_SUBS];

	return subs + (size_t)i * KVMETER_SUB_ROWS;
}

static inline struct kvmeter_thief *kvmeter_vcpu_thieves(u32 i)
{
	struct kvmeter_thief *thieves = kvmeter_store.mem.map[KVMETER_MAP_STEAL];

	return thieves + (size_t)i * KVMETER_THIEF_ROWS;
}

#endif /* _KVMETER_STORE_IMPL_H */
