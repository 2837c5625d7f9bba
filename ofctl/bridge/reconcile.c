/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes what runs be what the database says.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/version.h"

LOG_DEFINE(reconcile);

#define RETRY_MS 1000      /* interfaces that could not be opened */
#define STATISTICS_MS 5000 /* written to the database */

/* ---- interfaces ---- */

static struct iface *find_iface(struct bridge *br, const char *name)
{
	struct iface *i;

	LIST_FOREACH (i, &br->ifaces, link)
		if (!strcmp(i->want.name, name))
			return i;
	return NULL;
}

static struct iface *new_iface(struct bridge *br)
{
	struct iface *i = calloc(1, sizeof(*i));

	if (i) {
		i->br = br;
		i->device = -1;
		LIST_INSERT_HEAD(&br->ifaces, i, link);
	}
	return i;
}

static void drop_iface(struct iface *i)
{
	iface_close(i, true);
	LIST_REMOVE(i, link);
	free(i);
}

/* A changed peer or VLAN configuration is taken over by the port as it is. */
static void update_port(struct iface *i, const struct ovsdb_row *port, const struct ovsdb_row *row)
{
	const char *peer = ovsdb_map_string(row, "options", "peer");
	int64_t request = ovsdb_integer(row, "ofport_request", 0);

	if (request > 0 && (uint32_t)request != i->cfg.number &&
		strcmp(i->want.name, i->br->name) &&
		pl_port_free_number(i->br->pl, (uint32_t)request) == (uint32_t)request) {
		iface_close(i, false);
		iface_open(i, row);
		return;
	}
	iface_vlan_read(port, &i->cfg);
	if (i->want.kind == IFACE_PATCH)
		snprintf(i->cfg.patch_peer, sizeof(i->cfg.patch_peer), "%s", peer ? peer : "");
	pl_port_change(i->br->pl, &i->cfg);
}

static void reconcile_iface(
	struct bridge *br, const struct ovsdb_row *port, const struct ovsdb_row *row)
{
	struct iface *i = find_iface(br, ovsdb_string(row, "name"));
	struct iface_want want;

	iface_want_read(br->name, port, row,
		ovsdb_map_bool(ovsdb_first(br->all->cfg.db, "Open_vSwitch"), "other_config",
			"hw-offload", false),
		&want);
	if (!i)
		i = new_iface(br);
	if (!i)
		return;
	i->wanted = true;
	if (!ovsdb_uuid_equal(&i->uuid, ovsdb_row_uuid(row))) {
		i->uuid = *ovsdb_row_uuid(row);
		i->status_due = true;
	}
	if (!iface_want_equal(&i->want, &want)) {
		iface_close(i, i->want.kind == IFACE_INTERNAL && want.kind != IFACE_INTERNAL);
		i->want = want;
	}
	if (i->open) {
		update_port(i, port, row);
		return;
	}
	iface_vlan_read(port, &i->cfg);
	iface_open(i, row);
}

/* ---- bridges ---- */

static void on_controller_change(void *ctx, struct of_agent *agent, const char *target)
{
	(void)agent;
	(void)target;
	bridges_status_soon(ctx);
}

static uint64_t dpid_of(const struct ovsdb_row *row)
{
	const char *text = ovsdb_map_string(row, "other_config", "datapath-id");
	const struct ovsdb_uuid *uuid = ovsdb_row_uuid(row);
	uint64_t dpid = text ? strtoull(text, NULL, 16) : 0;

	if (dpid)
		return dpid;
	/* Of the local port's kind: a locally administered address, kept as long as the row. */
	for (int i = 0; i < 6; i++)
		dpid = dpid << 8 | uuid->bytes[i];
	return (dpid & 0xfcffffffffffull) | 0x020000000000ull;
}

static struct bridge *new_bridge(struct bridges *b, const struct ovsdb_row *row)
{
	struct bridge *br = calloc(1, sizeof(*br));
	char target[256], err[160];

	if (!br)
		return NULL;
	br->all = b;
	snprintf(br->name, sizeof(br->name), "%s", ovsdb_string(row, "name"));
	LIST_INIT(&br->ifaces);
	br->pl = pipeline_bridge_add(b->cfg.pl, br->name, dpid_of(row));
	if (!br->pl)
		goto free_bridge;
	br->agent = of_agent_create(b->cfg.agents, b->cfg.pl, br->pl);
	if (!br->agent)
		goto remove_pipeline;
	of_agent_on_change(br->agent, on_controller_change, b);
	of_agent_set_desc(br->agent, &(struct of_agent_desc){.manufacturer = "Sluice",
					     .hardware = "Sluice",
					     .software = SLUICE_VERSION,
					     .serial = "None",
					     .datapath = br->name});
	snprintf(target, sizeof(target), "punix:%s/%s.mgmt", b->cfg.rundir, br->name);
	if (of_agent_listen(br->agent, target, err, sizeof(err)))
		log_warn("%s: no OpenFlow management socket: %s", br->name, err);
	LIST_INSERT_HEAD(&b->list, br, link);
	log_info("added bridge %s", br->name);
	return br;

remove_pipeline:
	pipeline_bridge_remove(b->cfg.pl, br->pl);
free_bridge:
	free(br);
	return NULL;
}

static void drop_bridge(struct bridge *br, bool delete_netdevs)
{
	struct iface *i;

	of_agent_free(br->agent);
	while ((i = LIST_FIRST(&br->ifaces))) {
		iface_close(i, delete_netdevs);
		LIST_REMOVE(i, link);
		free(i);
	}
	pipeline_bridge_remove(br->all->cfg.pl, br->pl);
	LIST_REMOVE(br, link);
	log_info("removed bridge %s", br->name);
	free(br);
}

static struct bridge *find_bridge(struct bridges *b, const char *name)
{
	struct bridge *br;

	LIST_FOREACH (br, &b->list, link)
		if (!strcmp(br->name, name))
			return br;
	return NULL;
}

/* First what goes, on all bridges, so that an interface can move from one to another. */
static void mark_ifaces(struct bridge *br, const struct ovsdb_row *row)
{
	struct iface *i, *next;

	LIST_FOREACH (i, &br->ifaces, link)
		i->wanted = false;
	for (size_t p = 0; p < ovsdb_count(row, "ports"); p++) {
		const struct ovsdb_row *port = ovsdb_ref(row, "ports", p);

		for (size_t f = 0; port && f < ovsdb_count(port, "interfaces"); f++) {
			const struct ovsdb_row *iface = ovsdb_ref(port, "interfaces", f);

			i = iface ? find_iface(br, ovsdb_string(iface, "name")) : NULL;
			if (i)
				i->wanted = true;
		}
	}
	for (i = LIST_FIRST(&br->ifaces); i; i = next) {
		next = LIST_NEXT(i, link);
		if (!i->wanted)
			drop_iface(i);
	}
}

static void reconcile_bridge(struct bridge *br, const struct ovsdb_row *row)
{
	const char *aging = ovsdb_map_string(row, "other_config", "mac-aging-time");
	const char *size = ovsdb_map_string(row, "other_config", "mac-table-size");

	br->uuid = *ovsdb_row_uuid(row);
	pl_bridge_set_dpid(br->pl, dpid_of(row));
	pl_bridge_set_mac_aging(
		br->pl, aging ? (unsigned)atoi(aging) : 0, size ? (unsigned)atoi(size) : 0);
	for (size_t p = 0; p < ovsdb_count(row, "ports"); p++) {
		const struct ovsdb_row *port = ovsdb_ref(row, "ports", p);

		for (size_t f = 0; port && f < ovsdb_count(port, "interfaces"); f++) {
			const struct ovsdb_row *iface = ovsdb_ref(port, "interfaces", f);

			if (iface)
				reconcile_iface(br, port, iface);
		}
	}
	tables_reconcile(br, row);
	controllers_reconcile(br, row);
}

/* Netdevs that a former run left and that nobody declares any more. */
static void clean_netdev(void *ctx, const char *name)
{
	struct bridges *b = ctx;
	struct bridge *br;

	LIST_FOREACH (br, &b->list, link) {
		struct iface *i = find_iface(br, name);

		if (i && i->want.kind == IFACE_INTERNAL)
			return;
	}
	log_info("deleting %s: a former run left it and no row declares it", name);
	swpath_internal_netdev_delete(b->cfg.sp, name);
}

/* Or not where it should be. */
static bool any_closed(struct bridges *b)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (i->bind_due || (!i->open && !i->want.error[0]))
				return true;
	return b->device_error[0] != '\0';
}

/* max-idle in milliseconds; what is no number, or less than half a second, is the default, as is a
 * flow-limit of no megaflow at all. */
static void megaflows_reconcile(struct bridges *b, const struct ovsdb_row *root)
{
	int64_t ms = ovsdb_map_integer(root, "other_config", "max-idle", 0);
	int64_t limit = ovsdb_map_integer(root, "other_config", "flow-limit", 0);

	pipeline_set_max_idle(b->cfg.pl, ms >= 500 && ms <= UINT32_MAX ? (uint32_t)ms : 0);
	pipeline_set_flow_limit(b->cfg.pl, limit > 0 && limit <= UINT32_MAX ? (uint32_t)limit : 0);
}

/* Somebody restores flows: until they are there, nothing is decided by what tables hold, and no
 * controller is told of a switch that has none (ovs-vswitchd.conf.db(5), flow-restore-wait). */
static void restore_reconcile(struct bridges *b, const struct ovsdb_row *root)
{
	bool waits = ovsdb_map_bool(root, "other_config", "flow-restore-wait", false);

	if (waits != b->restore_wait)
		log_info(
			"flow-restore-wait %s", waits ? "is set: new kinds of packets are dropped, "
							"and no controller is connected to"
						      : "is over");
	b->restore_wait = waits;
	pipeline_set_restore_wait(b->cfg.pl, waits);
	offload_keep_former(b->cfg.ol, waits);
}

static void apply(struct bridges *b)
{
	const struct ovsdb_row *root = ovsdb_first(b->cfg.db, "Open_vSwitch");
	struct bridge *br, *next;

	if (!root)
		return;
	start_config_compare(b->cfg.db, &b->start);
	megaflows_reconcile(b, root);
	restore_reconcile(b, root);
	device_reconcile(b, root);
	ct_zones_reconcile(b, root);
	tls_reconcile(b, root);
	LIST_FOREACH (br, &b->list, link)
		br->wanted = false;
	for (size_t i = 0; i < ovsdb_count(root, "bridges"); i++) {
		const struct ovsdb_row *row = ovsdb_ref(root, "bridges", i);

		br = row ? find_bridge(b, ovsdb_string(row, "name")) : NULL;
		if (br)
			br->wanted = true;
	}
	for (br = LIST_FIRST(&b->list); br; br = next) {
		next = LIST_NEXT(br, link);
		if (!br->wanted)
			drop_bridge(br, true);
	}
	for (size_t i = 0; i < ovsdb_count(root, "bridges"); i++) {
		const struct ovsdb_row *row = ovsdb_ref(root, "bridges", i);

		br = row ? find_bridge(b, ovsdb_string(row, "name")) : NULL;
		if (br)
			mark_ifaces(br, row);
	}
	for (size_t i = 0; i < ovsdb_count(root, "bridges"); i++) {
		const struct ovsdb_row *row = ovsdb_ref(root, "bridges", i);

		if (!row)
			continue;
		br = find_bridge(b, ovsdb_string(row, "name"));
		if (!br)
			br = new_bridge(b, row);
		if (br)
			reconcile_bridge(br, row);
	}
	if (!b->cleaned) {
		b->cleaned = true;
		swpath_internal_netdevs(b->cfg.sp, clean_netdev, b);
	}
	if (any_closed(b))
		bridges_retry_soon(b);
}

void bridges_reconcile(struct bridges *b)
{
	apply(b);
	status_write(b, false, true);
}

/* ---- events ---- */

static void on_commit(struct ovsdb *db, void *aux)
{
	(void)db;
	bridges_reconcile(aux);
}

static void bind_again(struct bridges *b)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (i->bind_due)
				iface_bind_again(i);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	bind_again(arg);
	apply(arg);
	status_write(arg, false, false);
}

static void on_statistics(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	status_write(arg, true, false);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	status_write(arg, false, false);
}

void bridges_status_soon(struct bridges *b)
{
	struct timeval soon = {0, 10000};

	if (!event_pending(b->soon, EV_TIMEOUT, NULL))
		event_add(b->soon, &soon);
}

void bridges_retry_soon(struct bridges *b)
{
	struct timeval retry = {RETRY_MS / 1000, 0};

	event_add(b->retry, &retry);
	bridges_status_soon(b);
}

int bridges_open(const struct bridges_config *cfg, struct bridges **out)
{
	struct timeval interval = {STATISTICS_MS / 1000, 0};
	struct bridges *b = calloc(1, sizeof(*b));
	int error = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->cfg = *cfg;
	b->device = -1;
	b->start = cfg->start;
	LIST_INIT(&b->list);
	LIST_INIT(&b->tunnel_ends);
	LIST_INIT(&b->captures);
	b->retry = event_new(cfg->base, -1, 0, on_retry, b);
	b->statistics = event_new(cfg->base, -1, EV_PERSIST, on_statistics, b);
	b->soon = event_new(cfg->base, -1, 0, on_soon, b);
	if (!b->retry || !b->statistics || !b->soon || event_add(b->statistics, &interval))
		goto free_events;
	error = rpc_open(b, &b->rpc);
	if (error)
		goto free_events;
	*out = b;
	ovsdb_on_commit(cfg->db, on_commit, b);
	bridges_reconcile(b);
	return 0;

free_events:
	if (b->retry)
		event_free(b->retry);
	if (b->statistics)
		event_free(b->statistics);
	if (b->soon)
		event_free(b->soon);
	free(b);
	return error;
}

void bridges_close(struct bridges *b, bool keep_netdevs)
{
	struct bridge *br;

	ovsdb_on_commit(b->cfg.db, NULL, NULL);
	rpc_close(b->rpc);
	captures_close(b);
	while ((br = LIST_FIRST(&b->list)))
		drop_bridge(br, !keep_netdevs);
	event_free(b->retry);
	event_free(b->statistics);
	event_free(b->soon);
	free(b);
}
