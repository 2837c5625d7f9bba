/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/agent.h"

#include <errno.h>
#include <event2/dns.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/monitor.h"
#include "hal/base/log.h"
#include "ofctl/openflow/tls.h"

LOG_DEFINE(agent);

#define ALL_VERSIONS (1u << OFP10 | 1u << OFP13 | 1u << OFP14 | 1u << OFP15)

/* A peer that closes its socket while we write to it is an error of that connection. */
static void ignore_sigpipe(void)
{
	struct sigaction sa;

	if (!sigaction(SIGPIPE, NULL, &sa) && sa.sa_handler == SIG_DFL) {
		sa.sa_handler = SIG_IGN;
		sigaction(SIGPIPE, &sa, NULL);
	}
}

struct of_agents *of_agents_create(struct event_base *base)
{
	struct of_agents *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->tls = of_tls_new();
	if (!all->tls) {
		free(all);
		return NULL;
	}
	all->base = base;
	LIST_INIT(&all->list);
	ignore_sigpipe();
	return all;
}

void of_agents_free(struct of_agents *all)
{
	if (!all)
		return;
	if (all->dns)
		evdns_base_free(all->dns, 0);
	of_tls_free(all->tls);
	free(all);
}

void of_agents_events(struct of_agents *all, struct pipeline_ops *ops)
{
	ops->packet_in = of_async_packet_in;
	ops->flow_removed = of_async_flow_removed;
	ops->port_status = of_async_port_status;
	ops->flow_changed = of_monitors_changed;
	ops->flow_changes_end = of_monitors_changes_end;
	ops->ctx = all;
}

void of_agents_set_ops(struct of_agents *all, const struct of_agents_ops *ops)
{
	all->ops = *ops;
}

void of_agents_set_tls(struct of_agents *all, const struct of_tls_config *cfg)
{
	struct of_agent *agent;
	struct of_remote *remote;

	if (!of_tls_set(all->tls, cfg))
		return;
	LIST_FOREACH (agent, &all->list, entry)
		LIST_FOREACH (remote, &agent->controllers, entry)
			if (remote->t.tls)
				of_remote_retry(remote);
}

struct of_agent *of_agent_find(struct of_agents *all, const struct pl_bridge *br)
{
	struct of_agent *agent;

	LIST_FOREACH (agent, &all->list, entry)
		if (agent->br == br)
			return agent;
	return NULL;
}

static void set_text(char *to, size_t n, const char *text, const char *fallback)
{
	snprintf(to, n, "%s", text ? text : fallback);
}

void of_agent_set_desc(struct of_agent *agent, const struct of_agent_desc *d)
{
	set_text(agent->manufacturer, sizeof(agent->manufacturer), d->manufacturer, "Sluice");
	set_text(agent->hardware, sizeof(agent->hardware), d->hardware, "Sluice");
	set_text(agent->software, sizeof(agent->software), d->software, "unknown");
	set_text(agent->serial, sizeof(agent->serial), d->serial, "None");
	set_text(agent->datapath, sizeof(agent->datapath), d->datapath, pl_bridge_name(agent->br));
}

struct of_agent *of_agent_create(struct of_agents *all, struct pipeline *pl, struct pl_bridge *br)
{
	struct of_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	agent->all = all;
	agent->pl = pl;
	agent->br = br;
	agent->versions = ALL_VERSIONS;
	agent->fail_mode = PL_FAIL_STANDALONE;
	LIST_INIT(&agent->conns);
	LIST_INIT(&agent->controllers);
	LIST_INIT(&agent->services);
	of_agent_set_desc(agent, &(struct of_agent_desc){0});
	if (of_fail_mode_init(agent)) {
		free(agent);
		return NULL;
	}
	LIST_INSERT_HEAD(&all->list, agent, entry);
	return agent;
}

static void free_remotes(struct of_remote_list *list)
{
	struct of_remote *remote;

	while ((remote = LIST_FIRST(list))) {
		LIST_REMOVE(remote, entry);
		of_remote_free(remote);
	}
}

void of_agent_free(struct of_agent *agent)
{
	if (!agent)
		return;
	free_remotes(&agent->controllers);
	free_remotes(&agent->services);
	of_fail_mode_free(agent);
	LIST_REMOVE(agent, entry);
	free(agent);
}

void of_agent_set_versions(struct of_agent *agent, uint32_t bitmap)
{
	struct of_conn *conn, *next;
	uint32_t versions = bitmap ? bitmap & ALL_VERSIONS : ALL_VERSIONS;

	if (!versions && agent->versions)
		log_warn("%s: of the versions of OpenFlow that its protocols allow, none is spoken "
			 "here: expected 1.0, 1.3, 1.4 or 1.5. Nobody can connect.",
			pl_bridge_name(agent->br));
	agent->versions = versions;
	for (conn = LIST_FIRST(&agent->conns); conn; conn = next) {
		next = LIST_NEXT(conn, entry);
		if (conn->version && !(agent->versions & 1u << conn->version))
			of_conn_close(conn, "its version of OpenFlow is no longer allowed");
	}
}

void of_agent_set_fail_mode(struct of_agent *agent, enum pl_fail_mode mode)
{
	if (agent->fail_mode == mode)
		return;
	agent->fail_mode = mode;
	if (!of_agent_has_controllers(agent))
		of_fail_mode_reset(agent);
	of_fail_mode_update(agent);
}

int of_agent_listen(struct of_agent *agent, const char *target, char *err, size_t n)
{
	struct of_controller_config cfg = {.target = target};
	struct of_remote *remote;
	struct of_target t;
	int ret = of_target_parse(target, &t, err, n);

	if (ret)
		return ret;
	if (!t.passive) {
		snprintf(err, n, "\"%s\": expected ptcp:, pssl: or punix: to listen at", target);
		return -EINVAL;
	}
	if (of_remote_find(&agent->services, target))
		return 0;
	remote = of_remote_new(agent, &cfg, true);
	if (!remote) {
		snprintf(err, n, "out of memory");
		return -ENOMEM;
	}
	if (!remote->listener) {
		snprintf(err, n, "\"%s\": cannot listen: %s", target, remote->last_error);
		of_remote_free(remote);
		return -EADDRNOTAVAIL;
	}
	LIST_INSERT_HEAD(&agent->services, remote, entry);
	return 0;
}

void of_agent_unlisten(struct of_agent *agent, const char *target)
{
	struct of_remote *remote = of_remote_find(&agent->services, target);

	if (!remote)
		return;
	LIST_REMOVE(remote, entry);
	of_remote_free(remote);
}

static bool is_wanted(
	const struct of_remote *remote, const struct of_controller_config *cfg, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(cfg[i].target, remote->target))
			return true;
	return false;
}

static int set_one(struct of_agent *agent, const struct of_controller_config *cfg)
{
	struct of_remote *remote = of_remote_find(&agent->controllers, cfg->target);

	if (remote) {
		of_remote_configure(remote, cfg);
		return 0;
	}
	remote = of_remote_new(agent, cfg, false);
	if (!remote)
		return -ENOMEM;
	LIST_INSERT_HEAD(&agent->controllers, remote, entry);
	return 0;
}

int of_agent_set_controllers(
	struct of_agent *agent, const struct of_controller_config *cfg, size_t n)
{
	bool had = of_agent_has_controllers(agent);
	struct of_remote *remote, *next;
	int err = 0;

	for (remote = LIST_FIRST(&agent->controllers); remote; remote = next) {
		next = LIST_NEXT(remote, entry);
		if (is_wanted(remote, cfg, n))
			continue;
		LIST_REMOVE(remote, entry);
		of_remote_free(remote);
	}
	for (size_t i = 0; i < n && !err; i++)
		err = set_one(agent, &cfg[i]);
	if (had != of_agent_has_controllers(agent))
		of_fail_mode_reset(agent);
	of_fail_mode_update(agent);
	return err;
}

static int64_t seconds_since(uint64_t ms)
{
	return ms ? (int64_t)((of_now_ms() - ms) / 1000) : -1;
}

/* The connection that speaks for a row: the one to its target, or any that it accepted. */
static const struct of_conn *row_conn(const struct of_agent *agent, const struct of_remote *remote)
{
	const struct of_conn *conn;

	LIST_FOREACH (conn, &agent->conns, entry)
		if (conn->remote == remote && (conn->version || !remote->t.passive))
			return conn;
	return NULL;
}

int of_agent_controller_status(
	const struct of_agent *agent, const char *target, struct of_controller_status *out)
{
	const struct of_remote *remote = of_remote_find(&agent->controllers, target);
	const struct of_conn *conn;

	if (!remote)
		return -ENOENT;
	conn = row_conn(agent, remote);
	*out = (struct of_controller_status){
		.is_connected = remote->n_up > 0,
		.sec_since_connect = seconds_since(remote->connect_ms),
		.sec_since_disconnect = seconds_since(remote->disconnect_ms),
	};
	snprintf(out->last_error, sizeof(out->last_error), "%s", remote->last_error);
	memcpy(out->packet_in, remote->packet_in, sizeof(out->packet_in));
	if (conn) {
		out->role = conn->role;
		out->state = of_conn_state(conn);
		out->version = conn->version;
	} else {
		out->state = remote->t.passive ? "VOID" : "BACKOFF";
	}
	return 0;
}

const char *of_role_name(enum of_role role)
{
	static const char *const names[] = {"other", "master", "slave"};

	return names[role];
}

void of_agent_on_change(struct of_agent *agent, of_agent_changed_cb *cb, void *ctx)
{
	agent->changed = cb;
	agent->changed_ctx = ctx;
}

void of_agent_stats_read(const struct of_agent *agent, struct of_agent_stats *out)
{
	*out = agent->stats;
}
