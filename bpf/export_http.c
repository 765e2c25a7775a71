// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers GET /metrics. One thread takes the requests one after the other, so a text is made by one
 * thread at a time; few may be connected, and only for so long.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <microhttpd.h>

#include "openmetrics.h"

#define CONNECTIONS_MAX 64u
#define TIMEOUT_S 10u
#define BACKLOG 64

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static const char page[] =
	"<!DOCTYPE html><title>kvmeter</title><p><a href=\"/metrics\">Metrics</a>\n";

/* What the handler of requests is given. */
struct server {
	void (*write)(FILE *out, bool openmetrics);
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, size_t size, void *text,
			      enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, text, mode);
	enum MHD_Result ret;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned int status,
				   const char *line)
{
	return answer(connection, status, "text/plain", strlen(line), (void *)line,
		      MHD_RESPMEM_PERSISTENT);
}

/* Does the client name the format at all? Prometheus does so where it wants it. */
static bool wants_openmetrics(struct MHD_Connection *connection)
{
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept && strcasestr(accept, "application/openmetrics-text");
}

static enum MHD_Result answer_metrics(struct MHD_Connection *connection,
				      const struct server *server)
{
	bool openmetrics = wants_openmetrics(connection);
	size_t size = 0;
	char *text = kvmeter_export_make_text(server->write, openmetrics, &size);

	if (!text)
		return MHD_NO;
	return answer(connection, MHD_HTTP_OK, openmetrics ? OPENMETRICS_TYPE : TEXT_TYPE, size,
		      text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_size, void **request)
{
	const struct server *server = arg;

	(void)version;
	(void)data;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD)) {
		/* What it sends with it is of no interest. */
		*data_size = 0;
		return answer_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	}
	if (!strcmp(url, "/metrics"))
		return answer_metrics(connection, server);
	if (!strcmp(url, "/"))
		return answer(connection, MHD_HTTP_OK, "text/html", sizeof(page) - 1, (void *)page,
			      MHD_RESPMEM_PERSISTENT);
	return answer_line(connection, MHD_HTTP_NOT_FOUND, "See /metrics\n");
}

/* Digits, as a larger number would be taken modulo 65536. */
static bool is_port(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) &&
		strtoul(text, NULL, 10) <= 65535;
}

/* "ADDR:PORT", "[ADDR]:PORT", ":PORT". Without an address it is this host's own: others are told.
 */
static struct addrinfo *parse_where(const char *where)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	char *address = strdup(where), *port, *host = address;
	struct addrinfo *found = NULL;

	if (!address)
		err(1, "no memory");
	port = strrchr(address, ':');
	if (port)
		*port++ = '\0';
	if (port && *host == '[' && port[-2] == ']') {
		host++;
		port[-2] = '\0';
	} else if (port && strchr(host, ':')) {
		port = NULL;
	}
	if (!port || !is_port(port) ||
	    getaddrinfo(*host ? host : "127.0.0.1", port, &hints, &found))
		errx(EX_USAGE, "'%s' is no ADDR:PORT, as in 127.0.0.1:9435 or [::1]:9435", where);
	free(address);
	return found;
}

/* A socket of our own: of one that it cannot bind libmicrohttpd 1.0 does not tell why. */
static int open_socket(const struct addrinfo *at, const char *where)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (at->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
	    bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, BACKLOG))
		err(1, "cannot listen at %s", where);
	return fd;
}

/* With port 0 the kernel has chosen one. The port is at the same place of both kinds of address. */
static void tell_port(int fd, const char *where)
{
	struct sockaddr_in6 at;
	socklen_t len = sizeof(at);

	if (strcmp(strrchr(where, ':'), ":0") || getsockname(fd, (struct sockaddr *)&at, &len))
		return;
	printf("listening at port %u\n", ntohs(at.sin6_port));
	fflush(stdout);
}

static void wait_for_signal(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigwait(&set, &sig);
}

/**
 * kvmeter_export_serve - answer requests until SIGINT or SIGTERM, which have to be blocked
 * @where: ADDR:PORT
 * @write: writes the metrics; called by one other thread
 */
void kvmeter_export_serve(const char *where, void (*write)(FILE *out, bool openmetrics))
{
	struct addrinfo *at = parse_where(where);
	struct server server = { .write = write };
	struct MHD_Daemon *daemon;
	int fd = open_socket(at, where);

	errno = 0;
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request,
				  &server, MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				  MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
	if (!daemon)
		err(1, "cannot answer at %s", where);
	tell_port(fd, where);
	freeaddrinfo(at);
	wait_for_signal();
	MHD_stop_daemon(daemon);
}
