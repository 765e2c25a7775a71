/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's monitor protocol (QMP), as far as measuring a guest's dirty rate needs it.
 */
#ifndef KVMETER_QMP_H
#define KVMETER_QMP_H

#include "reader.h"

/* An answer is waited for this long. */
#define KVMETER_QMP_TIMEOUT_MS 10000

/**
 * struct kvmeter_qmp - a connection
 * @fd: the socket
 * @tok: parser of what comes in
 * @buf: bytes received
 * @len: how many there are
 * @at: how many of them are parsed
 * @taken: bytes of the message that is being received
 * @timeout_ms: how long an answer is waited for
 * @why: what went wrong, after a function has failed
 */
struct kvmeter_qmp {
	int fd;
	struct json_tokener *tok;
	char buf[4096];
	size_t len, at, taken;
	int timeout_ms;
	char why[256];
};

/* qmp.c */
bool kvmeter_qmp_open(struct kvmeter_qmp *qmp, const char *path);
bool kvmeter_qmp_begin(struct kvmeter_qmp *qmp, int fd);
struct json_object *kvmeter_qmp_execute(struct kvmeter_qmp *qmp, const char *command,
					struct json_object *arguments);
void kvmeter_qmp_close(struct kvmeter_qmp *qmp);

/* qmp_measure.c */
void kvmeter_qmp_measure(struct kvmeter_maps *maps, const struct kvmeter_snap_vm *vm,
			 const struct kvmeter_args *args);

#endif /* KVMETER_QMP_H */
