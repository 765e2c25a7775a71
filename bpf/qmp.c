// SPDX-License-Identifier: GPL-2.0-only
/* Talks QMP with a peer that may close, stall, or say anything. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "qmp.h"

/* QEMU's longest answers to what is asked here have some hundred bytes. */
#define MESSAGE_MAX (1024 * 1024)
#define MS_PER_S 1000
#define NS_PER_MS 1000000

static bool fail(struct kvmeter_qmp *qmp, const char *fmt, ...)
{
	char text[sizeof(qmp->why)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	kvmeter_escape_text(text, qmp->why, sizeof(qmp->why));
	return false;
}

/* How a peer's end shows depends on who was first. */
static bool fail_socket(struct kvmeter_qmp *qmp)
{
	bool closed = errno == EPIPE || errno == ECONNRESET;

	return fail(qmp, "%s", closed ? "the connection was closed" : strerror(errno));
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (long long)MS_PER_S + now.tv_nsec / NS_PER_MS;
}

/* Wait until the socket is ready. */
static bool wait_for(struct kvmeter_qmp *qmp, short events, long long until_ms)
{
	struct pollfd poll_fd = { .fd = qmp->fd, .events = events };
	long long left_ms = until_ms - now_ms();
	int ret = left_ms > 0 ? poll(&poll_fd, 1, left_ms) : 0;

	if (ret > 0)
		return true;
	if (ret < 0)
		return fail(qmp, "%s", strerror(errno));
	return fail(qmp, "no answer within %d ms", qmp->timeout_ms);
}

static bool receive(struct kvmeter_qmp *qmp, long long until_ms)
{
	ssize_t len;

	if (!wait_for(qmp, POLLIN, until_ms))
		return false;
	len = recv(qmp->fd, qmp->buf, sizeof(qmp->buf), MSG_DONTWAIT);
	if (len < 0 && errno != EAGAIN && errno != EINTR)
		return fail_socket(qmp);
	if (!len)
		return fail(qmp, "the connection was closed");
	if (len < 0)
		len = 0;
	qmp->len = len;
	qmp->at = 0;
	return true;
}

/* The next message, an object; NULL if there is none in time, or it is none. */
static struct json_object *get_message(struct kvmeter_qmp *qmp, long long until_ms)
{
	struct json_object *obj;
	size_t end;

	for (;;) {
		if (qmp->at == qmp->len && !receive(qmp, until_ms))
			return NULL;
		obj = json_tokener_parse_ex(qmp->tok, qmp->buf + qmp->at, qmp->len - qmp->at);
		end = json_tokener_get_parse_end(qmp->tok);
		qmp->taken += end;
		qmp->at += end;
		if (json_tokener_get_error(qmp->tok) == json_tokener_continue) {
			if (qmp->taken <= MESSAGE_MAX)
				continue;
			fail(qmp, "a message of more than %d bytes", MESSAGE_MAX);
			return NULL;
		}
		qmp->taken = 0;
		if (json_tokener_get_error(qmp->tok) == json_tokener_success &&
		    json_object_is_type(obj, json_type_object))
			return obj;
		json_object_put(obj);
		fail(qmp, "what it says is no QMP");
		return NULL;
	}
}

static bool send_all(struct kvmeter_qmp *qmp, const char *text, long long until_ms)
{
	size_t left = strlen(text);
	ssize_t sent;

	while (left) {
		if (!wait_for(qmp, POLLOUT, until_ms))
			return false;
		sent = send(qmp->fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return fail_socket(qmp);
		text += sent > 0 ? sent : 0;
		left -= sent > 0 ? sent : 0;
	}
	return true;
}

static bool send_command(struct kvmeter_qmp *qmp, const char *command,
			 struct json_object *arguments, long long until_ms)
{
	struct json_object *obj = json_object_new_object();
	char *text = NULL;
	bool ok;

	json_object_object_add(obj, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(obj, "arguments", arguments);
	if (asprintf(&text, "%s\n", json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN)) <
	    0)
		err(1, "no memory");
	ok = send_all(qmp, text, until_ms);
	free(text);
	json_object_put(obj);
	return ok;
}

static void keep_error(struct kvmeter_qmp *qmp, const char *command, struct json_object *error)
{
	struct json_object *desc;

	if (json_object_object_get_ex(error, "desc", &desc))
		fail(qmp, "%s: %s", command, json_object_get_string(desc));
	else
		fail(qmp, "%s failed", command);
}

/**
 * kvmeter_qmp_execute - have a command executed
 * @qmp: the connection
 * @command: its name
 * @arguments: or NULL; released here
 *
 * Return: what the command returned, to be released; NULL if it failed: @qmp->why then says how.
 */
struct json_object *kvmeter_qmp_execute(struct kvmeter_qmp *qmp, const char *command,
					struct json_object *arguments)
{
	long long until_ms = now_ms() + qmp->timeout_ms;
	struct json_object *message, *part;

	if (!send_command(qmp, command, arguments, until_ms))
		return NULL;
	while ((message = get_message(qmp, until_ms))) {
		if (json_object_object_get_ex(message, "return", &part)) {
			part = json_object_get(part);
			json_object_put(message);
			if (!part)
				fail(qmp, "%s returned nothing", command);
			return part;
		}
		if (json_object_object_get_ex(message, "error", &part)) {
			keep_error(qmp, command, part);
			json_object_put(message);
			return NULL;
		}
		/* an event */
		json_object_put(message);
	}
	return NULL;
}

/**
 * kvmeter_qmp_begin - begin to talk over a socket
 * @qmp: filled; closed again if this fails
 * @fd: the socket, connected; closed with the connection
 *
 * Return: false if nobody who talks QMP is there: @qmp->why then says so.
 */
bool kvmeter_qmp_begin(struct kvmeter_qmp *qmp, int fd)
{
	int timeout_ms = qmp->timeout_ms;
	struct json_object *obj, *greeting;
	bool ok;

	memset(qmp, 0, sizeof(*qmp));
	qmp->timeout_ms = timeout_ms;
	qmp->fd = fd;
	qmp->tok = json_tokener_new();
	obj = qmp->tok ? get_message(qmp, now_ms() + timeout_ms) : NULL;
	ok = obj && json_object_object_get_ex(obj, "QMP", &greeting);
	if (obj && !ok)
		fail(qmp, "what it says is no QMP");
	json_object_put(obj);
	if (ok) {
		obj = kvmeter_qmp_execute(qmp, "qmp_capabilities", NULL);
		ok = obj;
		json_object_put(obj);
	}
	if (!ok)
		kvmeter_qmp_close(qmp);
	return ok;
}

/**
 * kvmeter_qmp_open - connect to QEMU
 * @qmp: filled
 * @path: of its QMP socket
 *
 * Return: false if that cannot be done: @qmp->why then says so.
 */
bool kvmeter_qmp_open(struct kvmeter_qmp *qmp, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	memset(qmp, 0, sizeof(*qmp));
	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(qmp, "the path is too long");
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(qmp, "%s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		fail(qmp, "%s", strerror(errno));
		close(fd);
		return false;
	}
	qmp->timeout_ms = KVMETER_QMP_TIMEOUT_MS;
	return kvmeter_qmp_begin(qmp, fd);
}

/**
 * kvmeter_qmp_close - end a connection
 * @qmp: the connection
 */
void kvmeter_qmp_close(struct kvmeter_qmp *qmp)
{
	if (qmp->tok)
		json_tokener_free(qmp->tok);
	qmp->tok = NULL;
	close(qmp->fd);
	qmp->fd = -1;
}
