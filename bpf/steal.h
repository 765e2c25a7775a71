/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the command steal share: who is to blame, and the matrix of VMs and thieves. */
#ifndef KVMETER_STEAL_H
#define KVMETER_STEAL_H

#include "reader.h"

/* Longest label of a thief as it is shown: a word or two, a VM's name, its id. */
#define KVMETER_LABEL_MAX (KVMETER_SHOWN_MAX + 64)

/**
 * struct kvmeter_thief_sum - what one thief took, summed
 * @t: who, and the sums
 * @vm: the VM that it is; NULL if it is none, or one that is gone
 */
struct kvmeter_thief_sum {
	struct kvmeter_thief t;
	const struct kvmeter_snap_vm *vm;
};

/**
 * struct kvmeter_matrix_row - a victim
 * @vm: the VM
 * @heading: its name as it may be shown, or its id if others have that name
 * @elapsed_ns: time of its vCPUs
 * @steal_ns: sum of its cells
 */
struct kvmeter_matrix_row {
	const struct kvmeter_snap_vm *vm;
	const char *heading;
	__u64 elapsed_ns;
	__u64 steal_ns;
};

/**
 * struct kvmeter_matrix_col - a thief, or several
 * @vm: the VM that it is, or NULL
 * @heading: as of a row, or another word
 * @steal_ns: sum of its cells
 */
struct kvmeter_matrix_col {
	const struct kvmeter_snap_vm *vm;
	const char *heading;
	__u64 steal_ns;
};

/**
 * struct kvmeter_matrix - who took how much from whom
 * @rows: victims, in the order of the snapshot
 * @nr_rows: how many
 * @cols: VMs in the order of the snapshot, then all others
 * @nr_cols: how many
 * @cells_ns: steal, a row of @nr_cols after the other
 */
struct kvmeter_matrix {
	struct kvmeter_matrix_row *rows;
	unsigned int nr_rows;
	struct kvmeter_matrix_col *cols;
	unsigned int nr_cols;
	__u64 *cells_ns;
};

/* thieves.c */
__u64 kvmeter_thieves_get_time(const struct kvmeter_thief *t);
struct kvmeter_thief_sum *kvmeter_thieves_sum(const struct kvmeter_snap *snap,
					      unsigned int first_vcpu, unsigned int nr_vcpus,
					      bool fold_gone, unsigned int *nr);
void kvmeter_thieves_sum_kinds(const struct kvmeter_thief_sum *list, unsigned int nr,
			       struct kvmeter_thief *kinds);
void kvmeter_thieves_label(const struct kvmeter_thief_sum *sum, const struct kvmeter_snap *snap,
			   char *buf, size_t size);

/* steal_text.c */
extern const char kvmeter_steal_not_attributed[];
void kvmeter_steal_print_thieves(const struct kvmeter_report *report);
void kvmeter_steal_print_thieves_of(const struct kvmeter_report *report);
void kvmeter_steal_print_causes(const struct kvmeter_report *report);
void kvmeter_steal_print_causes_of(const struct kvmeter_report *report);

/* steal_json.c */
void kvmeter_steal_add_thieves(struct json_object *obj, const struct kvmeter_subject *s);
void kvmeter_steal_add_causes(struct json_object *obj, const struct kvmeter_subject *s);

/* matrix.c */
void kvmeter_matrix_make(struct kvmeter_matrix *m, const struct kvmeter_report *report);
void kvmeter_matrix_fold(struct kvmeter_matrix *m, unsigned int most);
void kvmeter_matrix_put(struct kvmeter_matrix *m);

/* matrix_text.c */
void kvmeter_matrix_print(FILE *out, struct kvmeter_matrix *m, unsigned int width, bool colour);

/* terminal.c */
unsigned int kvmeter_terminal_width(void);
unsigned int kvmeter_terminal_height(unsigned int otherwise);
bool kvmeter_terminal_has_utf8(void);
bool kvmeter_terminal_has_colour(void);

#endif /* KVMETER_STEAL_H */
