/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/listener.h"

#include "hal/base/log.h"
#include "ofctl/ovsdb/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

LOG_DEFINE(ovsdb_listener);

#define BACKLOG 64

struct ovsdb_listener {
	LIST_ENTRY(ovsdb_listener) link;
	struct ovsdb *ovsdb;
	struct evconnlistener *listener;
	struct event *resume; /* accepting paused until then */
	char *remote;
	struct sockaddr_un path; /* to unlink, where sun_family is AF_UNIX */
	unsigned int n_accepted;
};

/* A dead TCP peer is found out by the kernel. */
static void set_tcp_options(int fd)
{
	int on = 1, idle = 60;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
}

static void on_accept(struct evconnlistener *evl, evutil_socket_t fd, struct sockaddr *address,
	int length, void *listener_)
{
	struct ovsdb_listener *listener = listener_;
	char name[64], peer[INET6_ADDRSTRLEN];

	(void)evl;
	(void)length;
	snprintf(peer, sizeof(peer), "#%u", ++listener->n_accepted);
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)address;
		inet_ntop(AF_INET, &sin->sin_addr, peer, sizeof(peer));
		set_tcp_options(fd);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)address;
		inet_ntop(AF_INET6, &sin6->sin6_addr, peer, sizeof(peer));
		set_tcp_options(fd);
	}
	snprintf(name, sizeof(name), "client %s", peer);
	if (ovsdb_session_new(listener->ovsdb, fd, name))
		log_err("%s: out of memory for a client", listener->remote);
}

/* Out of file descriptors, most likely: the client still waits, so trying
 * again at once would only burn the processor. */
static void on_accept_error(struct evconnlistener *evl, void *listener_)
{
	static const struct timeval pause = {1, 0};
	struct ovsdb_listener *listener = listener_;

	log_err("%s: accepting failed: %s", listener->remote, strerror(errno));
	if (!evtimer_add(listener->resume, &pause))
		evconnlistener_disable(evl);
}

static void on_resume(evutil_socket_t fd, short what, void *listener_)
{
	struct ovsdb_listener *listener = listener_;

	(void)fd;
	(void)what;
	evconnlistener_enable(listener->listener);
}

/* The socket file at 'address' may go if nobody listens behind it. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;

	if (lstat(address->sun_path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode)) {
		log_err("%s exists and is not a socket", address->sun_path);
		return -EEXIST;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	bool refused = rc && errno == ECONNREFUSED;
	close(fd);
	if (!refused) {
		log_err("%s: another server listens there", address->sun_path);
		return -EADDRINUSE;
	}
	return unlink(address->sun_path) ? -errno : 0;
}

static int bind_unix(struct ovsdb_listener *listener, const char *path)
{
	struct sockaddr_un *address = &listener->path;

	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	int rc = remove_stale(address);
	int fd = rc ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!rc && fd < 0)
		rc = -errno;
	if (!rc && bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		rc = -errno;
	/* Whoever may write to it owns the switch. */
	if (!rc && chmod(path, 0770))
		rc = -errno;
	if (!rc)
		return fd;
	address->sun_family = AF_UNSPEC;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* "PORT[:IP]", IPv6 in brackets. */
static int parse_tcp(const char *text, struct sockaddr_storage *address, socklen_t *length)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)address;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)address;
	char ip[INET6_ADDRSTRLEN + 2] = "";
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (end == text || port > 65535 || (*end && *end != ':'))
		return -EINVAL;
	if (*end == ':')
		snprintf(ip, sizeof(ip), "%s", end + 1);
	size_t n = strlen(ip);
	memset(address, 0, sizeof(*address));
	if (ip[0] == '[' && ip[n - 1] == ']') {
		ip[n - 1] = '\0';
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons((uint16_t)port);
		*length = sizeof(*sin6);
		return inet_pton(AF_INET6, ip + 1, &sin6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	sin->sin_family = AF_INET;
	sin->sin_port = htons((uint16_t)port);
	*length = sizeof(*sin);
	return !n || inet_pton(AF_INET, ip, &sin->sin_addr) == 1 ? 0 : -EINVAL;
}

static int bind_tcp(const char *text)
{
	struct sockaddr_storage address;
	socklen_t length;
	int on = 1;
	int rc = parse_tcp(text, &address, &length);

	if (rc)
		return rc;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, length)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static struct ovsdb_listener *find_listener(const struct ovsdb *ovsdb, const char *remote)
{
	struct ovsdb_listener *listener;

	LIST_FOREACH (listener, &ovsdb->listeners, link) {
		if (!strcmp(listener->remote, remote))
			return listener;
	}
	return NULL;
}

static void listener_free(struct ovsdb_listener *listener)
{
	if (listener->listener)
		evconnlistener_free(listener->listener);
	if (listener->resume)
		event_free(listener->resume);
	if (listener->path.sun_family == AF_UNIX)
		unlink(listener->path.sun_path);
	free(listener->remote);
	free(listener);
}

int ovsdb_listen(struct ovsdb *ovsdb, const char *remote)
{
	int fd = -EAFNOSUPPORT;

	if (find_listener(ovsdb, remote))
		return 0;
	struct ovsdb_listener *listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	listener->ovsdb = ovsdb;
	listener->remote = strdup(remote);
	listener->resume = evtimer_new(ovsdb->base, on_resume, listener);
	if (!listener->remote || !listener->resume)
		fd = -ENOMEM;
	else if (!strncmp(remote, "punix:", 6))
		fd = bind_unix(listener, remote + 6);
	else if (!strncmp(remote, "ptcp:", 5))
		fd = bind_tcp(remote + 5);
	else if (strchr(remote, '/'))
		fd = bind_unix(listener, remote);

	if (fd < 0) {
		log_err("can't listen at \"%s\": %s", remote, strerror(-fd));
		listener_free(listener);
		return fd;
	}
	listener->listener = evconnlistener_new(ovsdb->base, on_accept, listener,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (!listener->listener) {
		int rc = errno ? -errno : -ENOMEM;
		close(fd);
		listener_free(listener);
		return rc;
	}
	evconnlistener_set_error_cb(listener->listener, on_accept_error);
	LIST_INSERT_HEAD(&ovsdb->listeners, listener, link);
	return 0;
}

int ovsdb_unlisten(struct ovsdb *ovsdb, const char *remote)
{
	struct ovsdb_listener *listener = find_listener(ovsdb, remote);

	if (!listener)
		return -ENOENT;
	LIST_REMOVE(listener, link);
	listener_free(listener);
	return 0;
}

void ovsdb_listeners_close(struct ovsdb *ovsdb)
{
	struct ovsdb_listener *listener;

	while ((listener = LIST_FIRST(&ovsdb->listeners))) {
		LIST_REMOVE(listener, link);
		listener_free(listener);
	}
}
