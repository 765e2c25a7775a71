/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the command export share: how metrics are written, and which there are. */
#ifndef KVMETER_OPENMETRICS_H
#define KVMETER_OPENMETRICS_H

#include "reader.h"

/* What a family of metrics is: the types of OpenMetrics of which there are some. */
enum kvmeter_om_type {
	KVMETER_OM_COUNTER,
	KVMETER_OM_GAUGE,
	KVMETER_OM_HISTOGRAM,
	KVMETER_OM_INFO,
	KVMETER_OM_NR,
};

/**
 * struct kvmeter_om_label - a label of a sample
 * @name: its name; of the last one of an array NULL
 * @value: any text; NULL: the sample is without this label
 */
struct kvmeter_om_label {
	const char *name;
	const char *value;
};

/**
 * struct kvmeter_om - a text that is being written
 * @out: where to
 * @openmetrics: it is OpenMetrics 1.0; otherwise Prometheus' text format 0.0.4
 * @family: name of the family that was begun last
 * @type: what that is
 * @series: lines written that are a sample
 */
struct kvmeter_om {
	FILE *out;
	bool openmetrics;
	const char *family;
	enum kvmeter_om_type type;
	unsigned long series;
};

/**
 * struct kvmeter_export_self - what the exporter tells about itself
 * @scrapes: how often it was asked before
 * @snapshot_s: time in s that it took to copy everything from the maps
 * @max_vms: most VMs that have series
 * @by_vcpu: vCPUs have series of their own
 */
struct kvmeter_export_self {
	unsigned long scrapes;
	double snapshot_s;
	unsigned int max_vms;
	bool by_vcpu;
};

/* openmetrics.c */
void kvmeter_om_begin(struct kvmeter_om *om, FILE *out, bool openmetrics);
void kvmeter_om_family(struct kvmeter_om *om, const char *name, enum kvmeter_om_type type,
		       const char *unit, const char *help);
void kvmeter_om_add_u64(struct kvmeter_om *om, const struct kvmeter_om_label *labels, __u64 value);
void kvmeter_om_add_ns(struct kvmeter_om *om, const struct kvmeter_om_label *labels, __u64 ns);
void kvmeter_om_add_double(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
			   double value);
void kvmeter_om_add_hist(struct kvmeter_om *om, const struct kvmeter_om_label *labels,
			 const struct kvmeter_hist *hist, __u64 sum_ns);
void kvmeter_om_end(struct kvmeter_om *om);

/* export_fields.c */
void kvmeter_export_add_fields(struct kvmeter_om *om, const struct kvmeter_snap *snap,
			       const struct kvmeter_sum *sums, unsigned int nr_vms);
bool kvmeter_export_has_field(enum kvmeter_record_id id, const char *name);

/* export_families.c */
void kvmeter_export_write(FILE *out, bool openmetrics, struct kvmeter_snap *snap,
			  const struct kvmeter_export_self *self);

/* export_text.c */
char *kvmeter_export_make_text(void (*write)(FILE *out, bool openmetrics), bool openmetrics,
			       size_t *size);
void kvmeter_export_write_file(const char *path, void (*write)(FILE *out, bool openmetrics));

/* export_process.c */
void kvmeter_export_add_process(struct kvmeter_om *om);

/* export_http.c */
void kvmeter_export_serve(const char *where, void (*write)(FILE *out, bool openmetrics));

#endif /* KVMETER_OPENMETRICS_H */
