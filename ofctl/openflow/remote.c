/* SPDX-License-Identifier: Apache-2.0
 *
 * Where connections come from: listeners, and targets that are tried again and again.
 */
#include "ofctl/openflow/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "ofctl/openflow/tls.h"

LOG_DEFINE(controllers);

#define DEFAULT_PROBE_MS 5000
#define DEFAULT_MAX_BACKOFF_MS 8000
#define DEFAULT_MIN_BACKOFF_MS 1000
#define LISTEN_BACKLOG 64

static void set_error(struct of_remote *remote, const char *why)
{
	snprintf(remote->last_error, sizeof(remote->last_error), "%s", why);
}

void of_remote_changed(struct of_remote *remote)
{
	struct of_agent *agent = remote->agent;

	if (!remote->service && agent->changed)
		agent->changed(agent->changed_ctx, agent, remote->target);
}

/* ---- active ---- */

static void retry_in(struct of_remote *remote, unsigned ms)
{
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	event_add(remote->retry, &tv);
}

static bool is_address(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 || inet_pton(AF_INET6, host, &addr) == 1;
}

/* The resolver is needed for names only. Without it a look-up would block. */
static bool resolver_ready(struct of_agents *all)
{
	if (!all->dns)
		all->dns = evdns_base_new(all->base,
			EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return all->dns != NULL;
}

static void attempt(struct of_remote *remote)
{
	struct of_agents *all = remote->agent->all;
	struct ssl_st *ssl = NULL;
	char why[256];
	int err = 0;

	if (remote->t.tls && of_tls_session(all->tls, false, &ssl, why, sizeof(why))) {
		of_remote_down(remote, NULL, why);
		return;
	}
	if (!remote->t.local && !is_address(remote->t.host) && !resolver_ready(all)) {
		err = -EHOSTUNREACH;
		SSL_free(ssl);
	}
	if (!err)
		of_conn_new(remote, -1, &remote->t, ssl, &err);
	if (err)
		of_remote_down(remote, NULL, strerror(-err));
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	const struct of_remote *remote = arg;

	(void)fd;
	(void)what;
	if (!remote->held)
		attempt(arg);
}

void of_remote_retry(struct of_remote *remote)
{
	if (remote->t.passive || remote->conn)
		return;
	remote->backoff_ms = remote->min_backoff_ms;
	retry_in(remote, 0);
}

void of_remote_up(struct of_remote *remote)
{
	remote->n_up++;
	of_auxiliaries_up(remote);
	remote->connect_ms = of_now_ms();
	remote->backoff_ms = remote->min_backoff_ms;
	remote->last_error[0] = '\0';
	of_fail_mode_update(remote->agent);
	of_remote_changed(remote);
}

/* Whoever set up TLS wants to know who was not let in, and why; of one peer that tries again and
 * again, once. */
static void tell_refused(struct of_remote *remote, const char *peer, const char *why)
{
	const char *bridge = pl_bridge_name(remote->agent->br);

	if (remote->t.passive)
		log_warn("%s: %s: %s was not let in: %s", bridge, remote->target, peer, why);
	else if (strcmp(remote->last_error, why))
		log_warn("%s: %s: no connection: %s", bridge, remote->target, why);
}

void of_remote_down(struct of_remote *remote, struct of_conn *conn, const char *why)
{
	if (remote->t.tls && !(conn && conn->version))
		tell_refused(remote, conn ? conn->peer : "", why);
	if (conn && conn->version) {
		remote->n_up--;
		remote->disconnect_ms = of_now_ms();
		of_auxiliaries_down(remote);
	}
	set_error(remote, why);
	if (!remote->t.passive) {
		remote->conn = NULL;
		retry_in(remote, remote->backoff_ms);
		remote->backoff_ms *= 2;
		if (remote->backoff_ms > remote->max_backoff_ms)
			remote->backoff_ms = remote->max_backoff_ms;
	}
	of_fail_mode_update(remote->agent);
	of_remote_changed(remote);
}

/* ---- passive ---- */

static void peer_text(const struct sockaddr *addr, int len, char text[PEER_TEXT])
{
	char host[INET6_ADDRSTRLEN], port[8];

	if (getnameinfo(addr, (socklen_t)len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, PEER_TEXT, "a local peer");
	else
		snprintf(text, PEER_TEXT, addr->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
			port);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
	int len, void *arg)
{
	struct of_remote *remote = arg;
	struct ssl_st *ssl = NULL;
	struct of_conn *conn;
	char peer[PEER_TEXT], why[256];
	int err;

	(void)listener;
	if (remote->held) {
		close(fd);
		return;
	}
	peer_text(addr, len, peer);
	if (remote->t.tls &&
		of_tls_session(remote->agent->all->tls, true, &ssl, why, sizeof(why))) {
		tell_refused(remote, peer, why);
		set_error(remote, why);
		close(fd);
		return;
	}
	conn = of_conn_new(remote, fd, NULL, ssl, &err);
	if (conn)
		memcpy(conn->peer, peer, sizeof(peer));
}

static struct evconnlistener *listen_at(
	struct of_remote *remote, const struct sockaddr *addr, socklen_t len)
{
	remote->listener = evconnlistener_new_bind(remote->agent->all->base, on_accept, remote,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, LISTEN_BACKLOG,
		addr, (int)len);
	return remote->listener;
}

/* A socket that a process left behind is in the way; anything else at that path is not ours. */
static void remove_old_socket(const char *path)
{
	struct stat st;

	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
}

static int listen_local(struct of_remote *remote)
{
	struct sockaddr_un un;

	of_target_sockaddr(&remote->t, &un);
	remove_old_socket(un.sun_path);
	errno = 0;
	if (!listen_at(remote, (struct sockaddr *)&un, sizeof(un)))
		return errno ? -errno : -EADDRINUSE;
	remote->owns_path = true;
	return 0;
}

static int listen_tcp(struct of_remote *remote)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(remote->t.port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(remote->t.port)};
	const struct sockaddr *addr = (struct sockaddr *)&in4;
	socklen_t len = sizeof(in4);

	if (inet_pton(AF_INET6, remote->t.host, &in6.sin6_addr) == 1) {
		addr = (struct sockaddr *)&in6;
		len = sizeof(in6);
	} else if (inet_pton(AF_INET, remote->t.host, &in4.sin_addr) != 1) {
		return -EADDRNOTAVAIL;
	}
	errno = 0;
	if (!listen_at(remote, addr, len))
		return errno ? -errno : -EADDRINUSE;
	return 0;
}

/* ---- both ---- */

void of_remote_configure(struct of_remote *remote, const struct of_controller_config *cfg)
{
	struct of_conn *conn;

	remote->probe_ms = cfg->inactivity_probe_ms < 0 ? DEFAULT_PROBE_MS
							: (unsigned)cfg->inactivity_probe_ms;
	remote->max_backoff_ms = cfg->max_backoff_ms ? cfg->max_backoff_ms : DEFAULT_MAX_BACKOFF_MS;
	remote->min_backoff_ms =
		cfg->local_backoff_ms ? cfg->local_backoff_ms : DEFAULT_MIN_BACKOFF_MS;
	if (remote->min_backoff_ms > remote->max_backoff_ms)
		remote->min_backoff_ms = remote->max_backoff_ms;
	remote->backoff_ms = remote->min_backoff_ms;
	remote->no_async = cfg->no_async;
	if (remote->held && !cfg->held)
		of_remote_retry(remote);
	remote->held = cfg->held;
	if (remote->primary && !remote->service && !remote->t.passive)
		of_auxiliaries_configure(remote, cfg);
	remote->rate = cfg->rate_limit;
	remote->burst = cfg->burst;
	LIST_FOREACH (conn, &remote->agent->conns, entry) {
		if (conn->remote != remote)
			continue;
		conn->no_async = remote->no_async;
		conn->rate = remote->rate;
		conn->burst = remote->burst ? remote->burst : remote->rate / 4;
	}
}

struct of_remote *of_remote_new(
	struct of_agent *agent, const struct of_controller_config *cfg, bool service)
{
	struct of_remote *remote = calloc(1, sizeof(*remote));
	char why[128];
	int err;

	if (!remote)
		return NULL;
	remote->agent = agent;
	remote->service = service;
	LIST_INIT(&remote->auxiliaries);
	remote->target = strdup(cfg->target);
	if (!remote->target)
		goto free_remote;
	remote->retry = event_new(agent->all->base, -1, 0, on_retry, remote);
	if (!remote->retry)
		goto free_target;
	of_remote_configure(remote, cfg);
	if (of_target_parse(cfg->target, &remote->t, why, sizeof(why))) {
		remote->t.passive = true; /* nothing to try again */
		remote->primary = true;
		set_error(remote, why);
	} else if (remote->t.passive) {
		err = remote->t.local ? listen_local(remote) : listen_tcp(remote);
		if (err)
			set_error(remote, strerror(-err));
	} else {
		remote->primary = true;
		retry_in(remote, 0);
		of_auxiliaries_configure(remote, cfg);
	}
	return remote;

free_target:
	free(remote->target);
free_remote:
	free(remote);
	return NULL;
}

void of_remote_free(struct of_remote *remote)
{
	struct of_conn *conn, *next;

	of_auxiliaries_free(remote);
	for (conn = LIST_FIRST(&remote->agent->conns); conn; conn = next) {
		next = LIST_NEXT(conn, entry);
		if (conn->remote == remote)
			of_conn_close(conn, NULL);
	}
	if (remote->listener)
		evconnlistener_free(remote->listener);
	if (remote->owns_path)
		unlink(remote->t.host);
	event_free(remote->retry);
	free(remote->target);
	free(remote);
}

struct of_remote *of_remote_find(const struct of_remote_list *list, const char *target)
{
	struct of_remote *remote;

	LIST_FOREACH (remote, list, entry)
		if (!strcmp(remote->target, target))
			return remote;
	return NULL;
}
